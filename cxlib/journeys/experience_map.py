"""The experience map: for each touchpoint how many meet it, how it is rated, what it asks of them.

    fit = journeys.experience_map(steps, Touchpoints(stages, ratings={"room": "room"}), exposure)
    fit.table                      # [group,] touchpoint, term, estimate, low, high, n, stage
    journeys.overall_map(fit)      # the rows of all customers together

Terms: met by (share of the customers), satisfaction and ease (0 the worst answer, 100 the best),
problem (share of the contacts that have one), contacts (per journey that meets it), minutes
(the median). Simultaneous intervals hold within a term. A touchpoint that no question rates has no
satisfaction (column `rated`): an overall answer says nothing of one touchpoint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import INTERVAL, SIMULTANEOUS
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample
from cxlib.data.schema import STAGES
from cxlib.journeys.exposure import Exposure, Touchpoints, past_fall, rating_now
from cxlib.journeys.map_groups import COMPARED, largest_difference, leading_term, membership_note
from cxlib.stats import estimators, moments
from cxlib.stats.intervals import interval_columns
from cxlib.stats.logit_intervals import share_ends
from cxlib.stats.notes import resampling_note
from cxlib.stats.resampling import ResamplingUnits, design, keys_of, resample_sums

SHARES = ("met by", "problem")
COLUMNS = ["touchpoint", "term", *INTERVAL, "n", "stage"]


def experience_map(
    sample: Sample,
    touchpoints: Touchpoints,
    exposure: Exposure | None = None,
    *,
    bad: Sequence[str] = (),
    groups: pd.Series | None = None,
) -> Result:
    """The experience map, of all customers and of each group of them.

    Parameters
    ----------
    sample : of `steps`
    touchpoints : stages of the touchpoints, and the questions about them
    exposure : what each answer is about; None for behaviour alone
    bad : outcomes of events that are problems
    groups : the group of each customer, in the order of its categories

    Returns
    -------
    Result with "table": group ("overall" for all; only with `groups`), touchpoint, term, estimate,
    low, high, n, stage, simultaneous_low, simultaneous_high (within a term), rated (whether a
    question rates the touchpoint; only with `exposure`), share (whether the row is one).

    Raises
    ------
    InsufficientData : no step is left

    References
    ----------
    Woodruff (1952), Confidence intervals for medians.

    Examples
    --------
    >>> from cxlib.journeys.steps import steps
    >>> at = pd.to_datetime(["2026-01-01", "2026-01-01"])
    >>> events = pd.DataFrame({"customer_id": ["a", "b"], "at": at, "touchpoint": ["web", "shop"]})
    >>> fit = experience_map(steps(events), Touchpoints({"web": "discovery", "shop": "action"}))
    >>> fit.table[["touchpoint", "term", "estimate"]].values.tolist()[:2]
    [['web', 'met by', 0.5], ['shop', 'met by', 0.5]]
    """
    if not len(sample):
        raise InsufficientData(_("No step is left to draw a map of."))
    parts = {"overall": _map(sample, touchpoints, exposure, bad)}
    for name in [] if groups is None else groups.astype("category").cat.categories:
        inside = sample["customer_id"].map(groups).eq(name)
        if inside.any():
            own = None
            if exposure is not None:
                own = exposure.sample["customer_id"].map(groups).eq(name).to_numpy()
            parts[str(name)] = _map(sample.where(inside), touchpoints, exposure, bad, own)
    table = parts["overall"]
    if len(parts) > 1:
        table = pd.concat(parts, names=["group", None]).reset_index("group").reset_index(drop=True)
    finding = _finding(parts["overall"])
    lowest = finding.at.get("touchpoint", "")
    if exposure is not None and (past := past_fall(exposure.sample, touchpoints, lowest)):
        over = [_("over all waves; the fall of {past:label} is over", past=past)]
        if left := rating_now(exposure.sample, touchpoints, lowest, past):
            over.append(_("{now:number0} of 100 in {latest:label}", **left._asdict()))
        finding = replace(finding, detail=_("; ").join([finding.detail, *over]))
    notes = [
        _(
            "{journeys:count} journeys of {customers:count} customers.",
            journeys=sample["journey"].nunique(),
            customers=sample["customer_id"].nunique(),
        ),
        membership_note(sample.data, groups),
        _rating_note(parts["overall"]) if exposure is not None else "",
        _("Reach is the share of customers with a contact on record, whoever rates it."),
        _("Intervals are pointwise; the simultaneous ones hold for all touchpoints of a term."),
        resampling_note(sample if exposure is None else exposure.sample),
    ]
    return Result(table, finding, i18n.together(notes), **sample.bootstrap)


def overall_map(fit: Result) -> pd.DataFrame:
    """The rows of all customers together.

    Examples
    --------
    >>> table = pd.DataFrame({"group": ["overall", "x"], "n": [9, 5]})
    >>> overall_map(Result(table, ""))["n"].tolist()
    [9]
    """
    if "group" not in fit.table:
        return fit.table
    return fit.table[fit.table["group"] == "overall"].drop(columns="group")


def group_map(fit: Result) -> pd.DataFrame:
    """The terms in which groups differ most: satisfaction, problems and reach.

    First that of which `group_difference` speaks: a phone shows it alone.

    Examples
    --------
    >>> group_map(Result(pd.DataFrame({"term": ["met by", "minutes"]}), ""))["term"].tolist()
    ['met by']
    """
    rows = fit.table[fit.table["term"].isin(COMPARED)]
    if "group" not in rows:
        return rows
    order = (rows["term"] != leading_term(rows)).argsort(kind="stable")
    return rows.iloc[order]


def group_difference(fit: Result) -> str:
    """Where two groups differ most, in a sentence; empty without groups.

    In satisfaction if intervals part there, else in problems or reach.

    Examples
    --------
    >>> group_difference(Result(pd.DataFrame({"term": ["met by"]}), ""))
    ''
    """
    return largest_difference(fit.table) if "group" in fit.table else ""


def _map(
    sample: Sample,
    touchpoints: Touchpoints,
    exposure: Exposure | None,
    bad: Sequence[str],
    asked: np.ndarray | None = None,
) -> pd.DataFrame:
    usual = sample.data.groupby(sample["touchpoint"].astype(str), sort=True)["step"].mean()
    stages = touchpoints.stages
    names = sorted(usual.index, key=lambda t: (STAGES.index(stages.get(t, STAGES[-1])), usual[t]))
    parts = _behaviour(sample, names, bad)
    if exposure is not None:
        parts += _perception(exposure, touchpoints, names, asked)
    table = pd.concat(parts, ignore_index=True)
    table["stage"] = table["touchpoint"].map(dict(stages))
    table["n"] = table["n"].astype(int)
    more = {}
    if exposure is not None:
        rated = table.loc[table["term"] == "satisfaction", "touchpoint"]
        more["rated"] = table["touchpoint"].isin(rated)
    more["share"] = table["term"].isin(SHARES)
    return table.assign(**more)[[*COLUMNS, *SIMULTANEOUS, *more]]


def _behaviour(sample: Sample, names: list[str], bad: Sequence[str]) -> list[pd.DataFrame]:
    """Rows of met by, problem, contacts and minutes."""
    steps = sample.data
    customers, who = np.unique(steps["customer_id"].astype(str), return_inverse=True)
    place = pd.Index(names).get_indexer(steps["touchpoint"].astype(str))
    k, n = len(names), len(customers)
    _unused, first = np.unique(steps["journey"].to_numpy() * k + place, return_index=True)
    wrong = np.zeros(len(steps))
    if bad and "outcome" in steps:
        wrong = steps["outcome"].isin(list(bad)).to_numpy(float)

    def counted(rows: np.ndarray | slice, of: np.ndarray | None = None) -> np.ndarray:
        return np.bincount((who * k + place)[rows], of, minlength=n * k).reshape(n, k)

    times, journeys, hurt = counted(slice(None)), counted(first), counted(slice(None), wrong)
    parts = np.hstack([np.ones((n, 1)), times > 0, times, journeys, hurt]).astype(float)
    keys = ResamplingUnits(keys_of(pd.DataFrame({"c": customers}), "c"))
    drawn, whole = resample_sums(parts, sample.draws, sample.seed, keys), parts.sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        (reach, often, wrong), again = _ratios(whole), _ratios(drawn)
    _unused, met, of, _unused = np.split(whole[1:], 4)
    ends = share_ends(reach, again[0], np.full(k, whole[0]))
    found = [_term("met by", names, reach, ends, np.full(k, n))]
    if hurt.any():
        ends = share_ends(wrong, again[2], met)
        found.append(_term("problem", names, wrong, ends, met))
    found.append(_term("contacts", names, often, interval_columns(often, again[1]), of))
    if "minutes" in steps and steps["minutes"].notna().any():
        found.append(_minutes(steps, names, who))
    return found


def _ratios(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """reach, contacts a journey and problems a contact, from sums (..., 1 + 4 k)."""
    reach, times, journeys, hurt = np.split(sums[..., 1:], 4, axis=-1)
    return reach / sums[..., :1], times / journeys, hurt / times


def _term(
    term: str,
    names: list[str],
    values: np.ndarray,
    ends: Mapping[str, np.ndarray],
    n: np.ndarray,
) -> pd.DataFrame:
    known = {c: np.where(np.isnan(end), values, end) for c, end in ends.items()}
    return pd.DataFrame({"touchpoint": names, "term": term, "estimate": values, "n": n, **known})


def _minutes(steps: pd.DataFrame, names: list[str], who: np.ndarray) -> pd.DataFrame:
    """Medians, and where the interval of the share below them ends (Woodruff 1952).

    Shares clustered by customer; the simultaneous intervals by Bonferroni over the touchpoints.
    """
    from scipy.special import ndtri

    alone, joint = -ndtri(0.025), -ndtri(0.025 / len(names))
    rows = []
    for name in names:
        here = (steps["touchpoint"] == name).to_numpy(bool) & steps["minutes"].notna().to_numpy()
        x = steps["minutes"].to_numpy(float)[here]
        if not len(x):
            rows.append((np.nan, *[np.nan] * 4, 0))
            continue
        middle = float(np.median(x))
        _unused, own = np.unique(who[here], return_inverse=True)
        error = np.sqrt((np.bincount(own, (x <= middle) - (x <= middle).mean()) ** 2).sum()) / len(
            x
        )
        # With ties the share at or below the median is above a half; its error is what counts.
        places = 0.5 + error * np.array([-alone, alone, -joint, joint])
        ends = np.quantile(x, np.clip(places, 0, 1))
        rows.append((middle, *ends, len(x)))
    values, *sides, n = map(np.array, zip(*rows, strict=True))
    ends = dict(zip((*INTERVAL[1:], *SIMULTANEOUS), sides, strict=True))
    table = _term("minutes", names, values, ends, n)
    return table[table["n"] > 0]


def _perception(
    exposure: Exposure, touchpoints: Touchpoints, names: list[str], asked: np.ndarray | None
) -> list[pd.DataFrame]:
    """Means of satisfaction and ease, of the answers `asked`."""
    responses, found = exposure.sample.data, []
    asked_of = {"satisfaction": touchpoints.ratings, "ease": touchpoints.efforts}
    for term, questions in asked_of.items():
        answers = {t: touchpoints.scaled(responses, questions[t]) for t in names if t in questions}
        found.append(_means(term, answers, exposure.sample, asked))
    return found


def _means(
    term: str, values: dict[str, np.ndarray], sample: Sample, asked: np.ndarray | None
) -> pd.DataFrame:
    if not values:
        return pd.DataFrame(columns=["touchpoint", "term", *INTERVAL, "n", *SIMULTANEOUS])
    x = np.column_stack(list(values.values()))
    if asked is not None:
        x = np.where(asked[:, None], x, np.nan)
    w = moments.weights_of(sample.data, sample.weight)
    mean, again = estimators.mean(x, w, **design(sample))
    ends = {c: np.clip(end, 0, 100) for c, end in interval_columns(mean, again).items()}
    n = (~np.isnan(x) & (w > 0)[:, None]).sum(0)
    table = _term(term, list(values), mean, ends, n)
    return table[table["n"] > 0]


def _rating_note(table: pd.DataFrame) -> str:
    others = table.loc[~table["rated"], "touchpoint"].drop_duplicates()
    if others.empty:
        return ""
    return _(
        "Not rated, as no question is about them: {touchpoints:quoted_list6}.", touchpoints=others
    )


def _finding(table: pd.DataFrame) -> Finding:
    """The lowest rating; without ratings the most problems, else what most customers meet."""
    rated = table[(table["term"] == "satisfaction") & table["estimate"].notna()]
    reach = table[table["term"] == "met by"].set_index("touchpoint")["estimate"]
    hurt = table[table["term"] == "problem"]
    worst = rated.loc[rated["estimate"].idxmin()] if len(rated) else None
    if worst is None and len(hurt):
        worst = hurt.loc[hurt["estimate"].idxmax()]
    if worst is None:
        most = reach.idxmax()
        claim = _(
            "{touchpoint} is met most, by {share:share} of customers.",
            touchpoint=i18n.opening(i18n.quoted(i18n.label(most))),
            share=reach[most],
        )
        return Finding(claim, value=float(reach[most]), unit="share")
    facts = {
        "touchpoint": worst["touchpoint"],
        "estimate": worst["estimate"],
        "n": worst["n"],
        "share": reach.get(worst["touchpoint"], np.nan),
    }
    if worst["term"] == "problem":
        claim = _(
            "Problems are most frequent at {touchpoint:quoted}: in {estimate:share} of all "
            "contacts, with or without a response.",
            **facts,
        )
        detail = _(
            "{share:share} of customers have a contact there on record; n = {n:count} contacts",
            **facts,
        )
        # Pain points say of how many respondents: another share of the same problem is context.
        value, importance = float(worst["estimate"]), Importance.CONTEXT
        return Finding(claim, detail, value, "share", importance=importance)
    claim = _(
        "Satisfaction is lowest at {touchpoint:quoted}, {estimate:count} of 100.",
        **facts,
    )
    detail = _(
        "{share:share} of customers have a contact there on record; n = {n:count} ratings", **facts
    )
    return Finding(
        claim,
        detail,
        float(worst["estimate"]),
        at={"touchpoint": str(worst["touchpoint"])},
        importance=Importance.ANSWER,
    )
