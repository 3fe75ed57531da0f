"""The experience map: for each touchpoint how many meet it, how it is found, what it asks of them.

    found = journeys.experience(steps, responses, met, stages=stages, ratings={"room": "room"}, ...)
    found.table          # [group,] touchpoint, term, estimate, low, high, n, stage

Terms: reach (share of the customers), satisfaction and ease (0 the worst answer, 100 the best),
trouble (share of the meetings), meetings (times a journey that meets it), minutes (the median).
Within a term all intervals hold together. Where no question rates a touchpoint, satisfaction is the
overall answer of those who met it (column `rated`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.data.schema import STAGES
from cxlib.estimates import Estimates, how_drawn
from cxlib.journeys.exposure import Exposure, Scales, scaled
from cxlib.journeys.felt import FELT, apart, how_many
from cxlib.journeys.transitions import held
from cxlib.stats import estimators, moments, resampling
from cxlib.stats.intervals import simultaneous_interval

SHARES = ("reach", "trouble")
COLUMNS = ["touchpoint", "term", "estimate", "low", "high", "n", "stage"]


@dataclass(frozen=True)
class Experience(Estimates):
    """The experience map.

    Attributes
    ----------
    table : [group ("overall" for all),] COLUMNS, rated, share (whether the row is one)
    whole : the same of all customers together;  felt : of each group, three of the terms
    apart : in a sentence, where groups are furthest apart
    """

    @property
    def whole(self) -> pd.DataFrame:
        """The rows of all customers together."""
        if "group" not in self.table:
            return self.table
        return self.table[self.table["group"] == "overall"].drop(columns="group")

    @property
    def felt(self) -> pd.DataFrame:
        """What groups differ in that matters most: satisfaction, reach and trouble."""
        return self.table[self.table["term"].isin(FELT)]

    @property
    def apart(self) -> str:
        """Where two groups differ most: in satisfaction if intervals part there, else in trouble or
        reach. Empty without groups."""
        return apart(self.table) if "group" in self.table else ""


def experience(
    steps: pd.DataFrame,
    responses: pd.DataFrame | None = None,
    met: Exposure | None = None,
    *,
    stages: Mapping[str, str],
    ratings: Mapping[str, str] | None = None,
    overall: str = "",
    ease: Sequence[str] = (),
    scales: Scales | None = None,
    bad: Sequence[str] = (),
    weight: str | None = None,
    groups: pd.Series | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> Experience:
    """The experience map, whole and for each group of customers, with 95% intervals.

    `ratings` names the question that rates a touchpoint, `overall` and the first of `ease` those
    answered after the touchpoints of `met`, `scales` the worst and best answer of each, `bad` the
    outcomes that are trouble, `groups` the group of each customer, in the order of its categories.
    table: group ("overall" for all; only with `groups`), then COLUMNS, rated. Raises ValueError
    when no step is left.
    """
    if steps.empty:
        raise ValueError("no step is left to draw a map of.")
    about = _About(
        stages, dict(ratings or {}), overall, next(iter(ease), ""), dict(scales or {}), bad, weight
    )
    parts = {"overall": _map(steps, responses, met, about, draws, seed)}
    for name in [] if groups is None else groups.astype("category").cat.categories:
        inside = steps["customer_id"].map(groups).eq(name)
        if inside.any():
            asked = None
            if responses is not None:
                asked = responses["customer_id"].map(groups).eq(name).to_numpy()
            parts[str(name)] = _map(steps[inside], responses, met, about, draws, seed, asked)
    table = parts["overall"]
    if len(parts) > 1:
        table = pd.concat(parts, names=["group", None]).reset_index("group").reset_index(drop=True)
    note = i18n.together(
        [
            _(
                "{journeys:count} journeys of {customers:count} customers.",
                journeys=steps["journey"].nunique(),
                customers=steps["customer_id"].nunique(),
            ),
            how_many(steps, groups),
            _how_rated(parts["overall"]),
            _("Within a row of the map all intervals hold together."),
            how_drawn(draws, None if responses is None else weight, "customer_id"),
        ]
    )
    return Experience(table, _answer(parts["overall"]), note, "", draws=draws, seed=seed)


class _About:
    """What is known of the touchpoints and the questions."""

    def __init__(self, stages, ratings, overall, ease, scales, bad, weight) -> None:
        self.stages, self.ratings, self.overall = stages, ratings, overall
        self.ease, self.scales, self.bad, self.weight = ease, scales, list(bad), weight

    def scaled(self, responses: pd.DataFrame, item: str) -> np.ndarray:
        return scaled(responses, item, self.scales)


def _map(
    steps: pd.DataFrame,
    responses: pd.DataFrame | None,
    met: Exposure | None,
    about: _About,
    draws: int,
    seed: int,
    asked: np.ndarray | None = None,
) -> pd.DataFrame:
    usual = steps.groupby(steps["touchpoint"].astype(str), sort=True)["step"].mean()
    names = sorted(
        usual.index, key=lambda t: (STAGES.index(about.stages.get(t, STAGES[-1])), usual[t])
    )
    parts = [*_behaviour(steps, names, about.bad, draws, seed)]
    if responses is not None and met is not None:
        parts += _perception(responses, met, about, names, draws, seed, asked)
    table = pd.concat(parts, ignore_index=True)
    table["stage"] = table["touchpoint"].map(about.stages)
    table["rated"] = table["rated"].fillna(True).astype(bool) if "rated" in table else True
    table["n"] = table["n"].astype(int)
    return table.assign(share=table["term"].isin(SHARES))[[*COLUMNS, "rated", "share"]]


def _behaviour(
    steps: pd.DataFrame, names: list[str], bad: list[str], draws: int, seed: int
) -> list[pd.DataFrame]:
    """reach, trouble, meetings and minutes."""
    customers, who = np.unique(steps["customer_id"].astype(str), return_inverse=True)
    place = pd.Index(names).get_indexer(steps["touchpoint"].astype(str))
    k, n = len(names), len(customers)
    _unused, first = np.unique(steps["journey"].to_numpy() * k + place, return_index=True)
    wrong = np.zeros(len(steps))
    if bad and "outcome" in steps:
        wrong = steps["outcome"].isin(bad).to_numpy(float)

    def counted(rows: np.ndarray | slice, of: np.ndarray | None = None) -> np.ndarray:
        return np.bincount((who * k + place)[rows], of, minlength=n * k).reshape(n, k)

    times, journeys, hurt = counted(slice(None)), counted(first), counted(slice(None), wrong)
    parts = np.hstack([np.ones((n, 1)), times > 0, times, journeys, hurt]).astype(float)
    keys = resampling.Who(resampling.keys_of(pd.DataFrame({"c": customers}), "c"))
    drawn, whole = resampling.resample_sums(parts, draws, seed, keys), parts.sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        (reach, often, wrong), again = _ratios(whole), _ratios(drawn)
    _unused, met, of, _unused = np.split(whole[1:], 4)
    ends = held(reach, again[0], np.full(k, whole[0]))
    found = [_term("reach", names, reach, ends, np.full(k, n))]
    if hurt.any():
        ends = held(wrong, again[2], met)
        found.append(_term("trouble", names, wrong, ends, met))
    found.append(_term("meetings", names, often, simultaneous_interval(often, again[1]), of))
    if "minutes" in steps and steps["minutes"].notna().any():
        found.append(_minutes(steps, names, who))
    return found


def _ratios(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """reach, meetings a journey and trouble a meeting, from sums (..., 1 + 4 k)."""
    reach, times, journeys, hurt = np.split(sums[..., 1:], 4, axis=-1)
    return reach / sums[..., :1], times / journeys, hurt / times


def _term(term: str, names: list[str], values, ends, n) -> pd.DataFrame:
    low, high = ends
    return pd.DataFrame(
        {
            "touchpoint": names,
            "term": term,
            "estimate": values,
            "low": np.where(np.isnan(low), values, low),
            "high": np.where(np.isnan(high), values, high),
            "n": n,
        }
    )


def _minutes(steps: pd.DataFrame, names: list[str], who: np.ndarray) -> pd.DataFrame:
    """Medians, and where the interval of the share below them ends (Woodruff 1952).

    Shares by customers drawn whole; Bonferroni over the touchpoints.
    """
    from scipy.special import ndtri

    reach = -ndtri(0.025 / len(names))
    rows = []
    for name in names:
        here = (steps["touchpoint"] == name).to_numpy(bool) & steps["minutes"].notna().to_numpy()
        x = steps["minutes"].to_numpy(float)[here]
        if not len(x):
            rows.append((np.nan, np.nan, np.nan, 0))
            continue
        middle = float(np.median(x))
        _unused, own = np.unique(who[here], return_inverse=True)
        error = np.sqrt((np.bincount(own, (x <= middle) - (x <= middle).mean()) ** 2).sum()) / len(
            x
        )
        # With ties the share at or below the median is above a half; its error is what counts.
        ends = np.quantile(x, np.clip([0.5 - reach * error, 0.5 + reach * error], 0, 1))
        rows.append((middle, *ends, len(x)))
    values, low, high, n = map(np.array, zip(*rows, strict=True))
    table = _term("minutes", names, values, (low, high), n)
    return table[table["n"] > 0]


def _perception(
    responses: pd.DataFrame,
    met: Exposure,
    about: _About,
    names: list[str],
    draws: int,
    seed: int,
    asked: np.ndarray | None,
) -> list[pd.DataFrame]:
    """satisfaction and ease."""
    ours = {t: i for i, t in enumerate(met.touchpoints)}
    there = {t: met.times[:, ours[t]] > 0 for t in names if t in ours}
    satisfied, rated = {}, {}
    for name in names:
        if name in about.ratings:
            satisfied[name], rated[name] = about.scaled(responses, about.ratings[name]), True
        elif about.overall and name in there:
            answer = about.scaled(responses, about.overall)
            satisfied[name], rated[name] = np.where(there[name], answer, np.nan), False
    found = [_means("satisfaction", satisfied, responses, about.weight, draws, seed, asked)]
    found[0]["rated"] = found[0]["touchpoint"].map(rated)
    if about.ease:
        answer = about.scaled(responses, about.ease)
        eased = {t: np.where(here, answer, np.nan) for t, here in there.items()}
        found.append(_means("ease", eased, responses, about.weight, draws, seed, asked))
    return found


def _means(
    term: str,
    values: dict[str, np.ndarray],
    responses: pd.DataFrame,
    weight: str | None,
    draws: int,
    seed: int,
    asked: np.ndarray | None,
) -> pd.DataFrame:
    if not values:
        return pd.DataFrame(columns=["touchpoint", "term", "estimate", "low", "high", "n"])
    x = np.column_stack(list(values.values()))
    if asked is not None:
        x = np.where(asked[:, None], x, np.nan)
    w = moments.weights_of(responses, weight)
    who = resampling.who_of(responses, "customer_id", weight)
    mean, again = estimators.mean(x, w, draws=draws, seed=seed, who=who)
    low, high = simultaneous_interval(mean, again)
    n = (~np.isnan(x) & (w > 0)[:, None]).sum(0)
    ends = np.clip(low, 0, 100), np.clip(high, 0, 100)
    table = _term(term, list(values), mean, ends, n)
    return table[table["n"] > 0]


def _how_rated(table: pd.DataFrame) -> str:
    rows = table[table["term"] == "satisfaction"]
    others = rows.loc[~rows["rated"], "touchpoint"]
    if others.empty:
        return ""
    return _(
        "No question rates {touchpoints:quoted_list6}: their satisfaction is the overall answer "
        "of those who met them.",
        touchpoints=others,
    )


def _answer(table: pd.DataFrame) -> str:
    """The lowest rating; without ratings the most trouble, else what most customers meet."""
    rated = table[(table["term"] == "satisfaction") & table["estimate"].notna() & table["rated"]]
    reach = table[table["term"] == "reach"].set_index("touchpoint")["estimate"]
    hurt = table[table["term"] == "trouble"]
    worst = rated.loc[rated["estimate"].idxmin()] if len(rated) else None
    if worst is None and len(hurt):
        worst = hurt.loc[hurt["estimate"].idxmax()]
    if worst is None:
        most = reach.idxmax()
        return _(
            "{touchpoint} is met most: by {share:share} of the customers.",
            touchpoint=i18n.opening(i18n.quoted(i18n.label(most))),
            share=reach[most],
        )
    said = {
        "touchpoint": worst["touchpoint"],
        "n": worst["n"],
        "share": reach.get(worst["touchpoint"], np.nan),
    }
    if worst["term"] == "trouble":
        return _(
            "Trouble is most frequent at {touchpoint:quoted}: in {often:share1} "
            "({span:share_interval1}) of {n:count} meetings; {share:share} of the customers meet "
            "it.",
            often=worst["estimate"],
            span=(worst["low"], worst["high"]),
            **said,
        )
    return _(
        "Satisfaction is lowest at {touchpoint:quoted}: {score:number1} of 100 "
        "({span:interval1}), n {n:count}; {share:share} of the customers meet it.",
        score=worst["estimate"],
        span=(worst["low"], worst["high"]),
        **said,
    )
