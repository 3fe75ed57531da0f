"""Where journeys end short of their goal, what those customers do instead, who and how much.

lost = journeys.dropoff(steps, goal=["booking"], patience=90, revenue=revenue, groups=region)
lost.table           # term (touchpoint): share of the journeys there that end there
lost.instead         # what the customers' next journey began with, or that there was none
lost.by_group        # share of journeys lost, by group;  lost.value: what left with them
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.columns import deciding_ends
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample
from cxlib.data.problems import problem_name
from cxlib.journeys.steps import until_goal
from cxlib.journeys.transitions import share_columns
from cxlib.stats.intervals import estimates_table
from cxlib.stats.notes import resampling_note
from cxlib.stats.resampling import resample_sums, resampling_units

GONE = "not seen again"


@dataclass(frozen=True)
class Revenue:
    """What journeys are worth.

    Attributes
    ----------
    values : the worth of each customer or journey, by its name; None where nobody knows
    of : column of the steps that holds the name
    currency : of the worth
    days : the last days in which sales were counted; 0 for all sales of a journey
    """

    values: pd.Series | None
    of: str = "customer_id"
    currency: str = ""
    days: int = 0


def dropoff(
    sample: Sample,
    *,
    goal: Sequence[str],
    patience: float = 30,
    revenue: Revenue | None = None,
    groups: pd.Series | None = None,
    until: pd.Timestamp | None = None,
) -> Result:
    """Where journeys are lost short of the goal.

    A journey is lost when it has not reached the goal and its last step lies more than `patience`
    days before `until`; later ones are still open and left out.

    Parameters
    ----------
    sample : of `steps`
    goal : touchpoints that complete a journey
    patience : days
    revenue : what is lost with them; customers count once, where they were seen last
    groups : the group of each customer
    until : end of the data; the last event by default

    Returns
    -------
    Result with "table": term (touchpoint), estimate (share of the journeys that met it which end
    there), low, high (95% intervals), n (journeys that met it), lost (journeys that
    end there); and "instead": before (where the journey ended), term (touchpoint with which the
    customer's next journey begins, or "not seen again"), estimate, low, high, n. Its parts are
    `by_group`, a Result of group, term, estimate (share of all its journeys that are lost), low,
    high, n (None without groups); and `value`, a Result of term (touchpoint), estimate (what left
    there: worth of the lost journeys, or of the customers not seen again after them), low, high, n
    (of those, whose worth is known; None where nobody's is).

    Raises
    ------
    ValueError : nobody met the goal
    InsufficientData : no journey is over

    Examples
    --------
    >>> from cxlib.journeys.steps import steps
    >>> at = pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-01"])
    >>> events = pd.DataFrame({"customer_id": list("aab"), "at": at})
    >>> events["touchpoint"] = ["web", "booking", "web"]
    >>> fit = dropoff(steps(events), goal=["booking"], patience=1)
    >>> fit.table[["term", "estimate", "lost"]].values.tolist()
    [['web', 0.5, 1]]
    """
    until = until or sample["at"].max()
    cut = until_goal(sample, goal)
    last = cut["journey"] != cut["journey"].shift(-1)
    ends = cut.data[last].set_index("journey")
    closed = ends["reached"] | (ends["at"] <= until - pd.Timedelta(days=patience))
    if not closed.any():
        raise InsufficientData(
            _("No journey is older than {days:g} days. Take a shorter patience.", days=patience)
        )
    cut, ends = cut.where(cut["journey"].map(closed)), ends[closed]
    ends = ends.assign(lost=~ends["reached"], where=ends["touchpoint"].astype(str))
    over = sample.replace(data=ends)
    table = _by_touchpoint(cut, ends, goal)
    notes = [
        _(
            "{closed:count} journeys have reached the goal or ended; {open:count} are still "
            "open (less than {days:count} days old) and left out.",
            closed=len(ends),
            open=int((~closed).sum()),
            days=patience,
        ),
        resampling_note(sample),
    ]
    whole = _overall(over)
    return Result(
        {"table": table, "instead": _instead(sample.data, over), "overall": whole},
        _finding(whole, table, goal),
        i18n.together(notes),
        "share",
        **sample.bootstrap,
        parts={
            "by_group": None if groups is None else _by_group(over, groups),
            "value": None if revenue is None else _value(over, revenue),
        },
    )


def next_journeys(fit: Result) -> pd.DataFrame:
    """The rows of `instead` of the touchpoint at which most journeys are lost.

    Examples
    --------
    >>> table = pd.DataFrame({"term": ["web", "shop"], "lost": [3, 1]})
    >>> instead = pd.DataFrame({"before": ["web", "shop"], "term": ["shop", "not seen again"]})
    >>> next_journeys(Result({"table": table, "instead": instead}, ""))["term"].tolist()
    ['shop']
    """
    if fit.instead.empty:
        return fit.instead
    most = fit.table.loc[fit.table["lost"].idxmax(), "term"]
    return fit.instead[fit.instead["before"] == most]


def _by_touchpoint(cut: Sample, ends: pd.DataFrame, goal: Sequence[str]) -> pd.DataFrame:
    met = cut.data[["journey", cut.cluster, "touchpoint"]].drop_duplicates()
    met = met[~met["touchpoint"].isin(list(goal))]
    names, place = np.unique(met["touchpoint"].astype(str), return_inverse=True)
    lost = ends["where"].where(ends["lost"])
    here = met["journey"].map(lost).eq(met["touchpoint"].astype(str)).to_numpy()
    one = place[:, None] == np.arange(len(names))
    columns = share_columns(cut.replace(data=met), one, one & here[:, None])
    table = pd.DataFrame({"term": names, **columns, "lost": (one & here[:, None]).sum(0)})
    return table.sort_values("estimate", ascending=False, ignore_index=True)


def _instead(steps: pd.DataFrame, over: Sample) -> pd.DataFrame:
    """What those whose journey was lost did next, by where it was lost."""
    heads = steps[steps["before"].isna()].sort_values(["customer_id", "at"], kind="stable")
    same = heads["customer_id"] == heads["customer_id"].shift(-1)
    following = heads["touchpoint"].shift(-1).where(same).astype(object).fillna(GONE)
    following.index = heads["journey"]
    sample = over.where(over["lost"])
    lost = sample.data
    if lost.empty:
        return pd.DataFrame(columns=["before", "term", "estimate", "low", "high", "n"])
    pairs = pd.DataFrame(
        {"before": lost["where"], "term": following.reindex(lost.index).astype(str)}
    )
    kinds = pairs.value_counts(sort=False).index
    place = pd.MultiIndex.from_frame(pairs)
    above = np.column_stack([place == k for k in kinds])
    below = np.column_stack([pairs["before"] == k[0] for k in kinds])
    names = pd.DataFrame(list(kinds), columns=["before", "term"])
    return names.assign(**share_columns(sample, below, above))


def _by_group(over: Sample, groups: pd.Series) -> Result | None:
    ends = over.data
    group = ends["customer_id"].map(groups).astype("category").cat
    names = group.categories[np.unique(group.codes[group.codes >= 0])]
    if names.empty:
        return None
    inside = group.codes.to_numpy()[:, None] == group.categories.get_indexer(names)
    short = inside & ends["lost"].to_numpy()[:, None]
    columns = share_columns(over, inside, short, simultaneous=True)
    table = pd.DataFrame({"group": names.astype(str), "term": "journeys lost", **columns})
    top, bottom = table["estimate"].idxmax(), table["estimate"].idxmin()
    low, high = deciding_ends(table)
    significant = bool(low[top] > high[bottom])
    finding = _group_finding(table.loc[top], table.loc[bottom], significant)
    note = _ungrouped(ends, inside.any(1))
    return Result(table, finding, note, "share", **over.bootstrap)


def _group_finding(most: pd.Series, least: pd.Series, significant: bool) -> Finding:
    facts = {
        "most": most["group"],
        "share": most["estimate"],
        "span": (most["low"], most["high"]),
        "least": least["group"],
        "other": least["estimate"],
        "other_span": (least["low"], least["high"]),
    }
    detail = _(
        "{most:quoted} {share:share} (95% CI {span:share_interval}), {least:quoted} {other:share} "
        "({other_span:share_interval}) of journeys",
        **facts,
    )
    if not significant:
        claim = _("No group loses significantly more of its journeys than another.")
        return Finding(claim, detail, verdict="unchanged")
    claim = _(
        "Of {most:quoted} the most journeys end short of the goal, of {least:quoted} the fewest.",
        **facts,
    )
    return Finding.of_row(
        most,
        claim,
        detail,
        unit="share",
        measure="journeys_lost",
        at={"group": str(most["group"])},
        importance=Importance.CONTEXT,
    )


def _ungrouped(ends: pd.DataFrame, known: np.ndarray) -> str:
    """Why the groups need not add up to the whole."""
    if (~known).sum() < max(context.current().smallest_cell, 1):
        return ""
    return _(
        "{n:count} of {all:count} journeys are of customers in no group of these; {share:share1} "
        "of them end short.",
        n=(~known).sum(),
        all=len(ends),
        share=ends["lost"].to_numpy()[~known].mean(),
    )


def _value(over: Sample, revenue: Revenue) -> Result | None:
    if revenue.values is None:
        return None
    last = over.data.sort_values("at", kind="stable").drop_duplicates(revenue.of, keep="last")
    worth = last[revenue.of].map(revenue.values)
    known = (last["lost"] & worth.notna()).to_numpy()
    rows, value = last[known], worth[known].to_numpy(float)
    names, place = np.unique(rows["where"].astype(str), return_inverse=True)
    if not len(names):
        return None
    parts = (place[:, None] == np.arange(len(names))) * value[:, None]
    again = resample_sums(parts, over.draws, over.seed, resampling_units(over.replace(data=rows)))
    table = estimates_table(list(names), parts.sum(0), again, np.bincount(place).tolist())
    table = table.sort_values("estimate", ascending=False, ignore_index=True)
    total = np.array([value.sum()])
    whole = estimates_table(["overall"], total, again.sum(1)[:, None], len(rows))
    facts = {
        "worth": (i18n.rounded(total[0]), revenue.currency),
        "part": table["estimate"][0] / total[0],
        "touchpoint": table["term"][0],
    }
    if revenue.days:
        claim = _(
            "Customers whose last journey ended short of the goal spend about {worth:money} in "
            "{days:count} days; for {part:share} of it the last record is {touchpoint:quoted}.",
            days=revenue.days,
            **facts,
        )
    else:
        claim = _(
            "Journeys that ended short of the goal are worth about {worth:money} of sales; for "
            "{part:share} of it the last record is {touchpoint:quoted}.",
            **facts,
        )
    detail = _(
        "95% CI {span:money_interval}; the value of {known:count} of the {lost:count} lost is "
        "known",
        span=(*map(i18n.rounded, whole.loc[0, ["low", "high"]]), revenue.currency),
        known=len(rows),
        lost=int(last["lost"].sum()),
    )
    detail = _("; ").join([detail, _("not all of it is lost with the journey")])
    finding = Finding.of_row(whole.iloc[0], claim, detail, importance=Importance.ANSWER)
    return Result({"table": table, "overall": whole}, finding, **over.bootstrap)


def _overall(over: Sample) -> pd.DataFrame:
    one, lost = np.ones((len(over), 1)), over.data[["lost"]].to_numpy()
    return pd.DataFrame({"term": "journeys lost", **share_columns(over, one, one * lost)})


def _finding(whole: pd.DataFrame, table: pd.DataFrame, goal: Sequence[str]) -> Finding:
    """How many journeys fall short; their last record need not be where they broke."""
    share = whole.iloc[0]
    if not share["estimate"]:
        claim = ngettext(
            "The {n:count} journey reaches the goal.",
            "All {n:count} journeys reach the goal.",
            share["n"],
        )
        return Finding(claim, importance=Importance.ANSWER)
    facts = {
        "share": share["estimate"],
        "name": i18n.opening(problem_name(goal[0], "not reached")),
        "touchpoint": table.loc[table["lost"].idxmax(), "term"],
    }
    if len(goal) == 1:
        claim = _(
            "{name} in {share:share} of journeys; most often their last record is "
            "{touchpoint:quoted}.",
            **facts,
        )
    else:
        claim = _(
            "{share:share} of journeys end short of the goal; most often their last record is "
            "{touchpoint:quoted}.",
            **facts,
        )
    span = share["low"], share["high"]
    return Finding.of_row(
        share,
        claim,
        _(
            "95% CI {span:share_interval}; n = {n:count} journeys that have reached the goal or "
            "ended",
            span=span,
            n=share["n"],
        ),
        unit="share",
        measure="journeys_lost",
        importance=Importance.ANSWER,
    )
