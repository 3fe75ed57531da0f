"""Penalty and reward: what a low rating goes with, and what a high one (Kano's classes).

Each driver enters as two columns, rated low and rated high, beside the answers between (Brandt
1987; Mikulić and Prebežac 2008). A must-be costs when it fails and earns nothing when it shines, an
attractive one the other way round; a performance factor does both.

Few customers rate low, and those rate far below the middle, so even a straight line would lose more
on that side than it gains on the other. The classes therefore compare both sides per point of the
rating, which is ours; the published asymmetry compares the two effects as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib import weights
from cxlib.core import context, i18n
from cxlib.core.i18n import _
from cxlib.drivers import linear, said
from cxlib.drivers.columns import FLAG, Chosen, choose
from cxlib.estimates import Estimates, how_drawn
from cxlib.stats.intervals import percentile_interval, simultaneous_interval
from cxlib.stats.moments import weights_of

CLASSES = ("must-be", "performance", "attractive", "indifferent")
OPEN = "open"  # no class can be named
SURE = 0.8  # chance from which a class is named; else a driver that matters is performance
LEAN = 0.1  # asymmetry beyond which a driver leans to one side (Mikulić and Prebežac 2008)
SMALL = 0.2  # of the outcome's standard deviation; less between low and high is no effect (Cohen)
TAIL = 0.25  # share of answers that counts as low, and as high, as nearly as the scale allows
LEAST_TAIL = 10  # answers that must be low, and high, for a contrast


@dataclass(frozen=True)
class Contrast(Estimates):
    """Outcome points (`table`): effect (penalty, reward), term, estimate, low, high, n.

    n counts those who rated low (penalty) and high (reward). `classes` has a row for each driver:
    term, class, chance (share of draws in that class), the chance of each of the four, asymmetry
    (-1 must-be to 1 attractive) with low and high, size (points between low and high), below and
    above (what counts as low and as high), n.
    """

    classes: pd.DataFrame = field(kw_only=True)

    @property
    def chances(self) -> pd.DataFrame:
        """The class of each driver and the chance of every class: term, class, the four, n."""
        return self.classes[["term", "class", *CLASSES, "n"]]


def contrast(
    responses: pd.DataFrame,
    outcome: str,
    drivers: list[str],
    *,
    weight: str | None = None,
    bucket: str | None = None,
    missing: str = "complete",
    draws: int = 1000,
    seed: int = 1,
) -> Contrast:
    """What low and high ratings of each driver go with, and the class that follows.

    Low and high are the answers at either end that come nearest to a quarter of all. The class of
    a driver is taken draw by draw, which gives its chance: indifferent where low and high are less
    than 0.2 standard deviations of the outcome apart, else must-be or attractive where one side
    outweighs the other (asymmetry beyond 0.1), else performance. A class is named when its chance
    is 0.8; else a driver that matters is performance, and others are open. Drivers whose ratings
    leave no room for three parts are left out. `missing` as in `importance`, without "em".
    """
    if missing == "em":
        raise ValueError(
            "a contrast needs answers: take missing='complete', 'pairwise' or 'dummy'."
        )
    before = choose(responses, outcome, list(drivers), missing)
    cuts = _cuts(before, weight)
    if not len(usable := [t for t in before.terms if t in cuts]):
        raise ValueError(
            f"none of {before.terms} has {LEAST_TAIL} low and {LEAST_TAIL} high ratings with "
            "others between. Take drivers with longer scales, or more responses."
        )
    rows, groups = _split(before, cuts)
    chosen = choose(rows, outcome, groups, "complete" if missing == "dummy" else missing)
    sums = chosen.sums(weight=weight, bucket=bucket)
    cov, moved = linear.possible(sums)
    drawn, mended = linear.drawn(sums, chosen, draws, seed)
    ends = np.array([p[:2] for p in chosen.players])
    point, again = linear.slopes(cov)[0][ends], linear.slopes(drawn)[0][:, ends]
    sides = np.array([-1, 1])  # a penalty is counted as a loss
    how = {"units": sums.effective, "fitted": 1 + len(chosen.columns)}
    low, high = simultaneous_interval(point.ravel(), again.reshape(len(again), -1), **how)
    tails = _tails(rows, chosen, ends)
    table = pd.DataFrame(
        {
            "effect": np.tile(["penalty", "reward"], len(usable)),
            "term": np.repeat(usable, 2),
            "estimate": point.ravel(),
            "low": low,
            "high": high,
            "n": tails.ravel(),
        }
    )
    deviation = float(np.sqrt(cov[0, 0]))
    even = sides * _evenly(before, cuts, weight)
    classes = _classes(usable, point * even, again * even, deviation)
    classes = classes.assign(
        below=[cuts[t][0] for t in usable],
        above=[cuts[t][1] for t in usable],
        n=int(sums.rows.sum()),
    )
    remarks = [
        said.answered(chosen, sums),
        how_drawn(draws, weights.differing(responses, weight), bucket),
        _what_is_low(classes),
        _left_out([t for t in before.terms if t not in cuts]),
        said.moved(moved),
        said.mended(mended, draws),
        said.failures(again.reshape(len(again), -1), draws),
    ]
    answer = sentence(classes, outcome)
    facts = {"draws": draws, "seed": seed, "classes": classes}
    return Contrast(table, answer, i18n.together(remarks), "scale", **facts)


def _cuts(chosen: Chosen, weight: str | None) -> dict[str, tuple[float, float]]:
    """Driver -> (highest low answer, lowest high answer), where there are three parts."""
    rows = chosen.responses
    w = weights_of(rows, weight)
    cuts = {}
    for term, places in zip(chosen.terms, chosen.players, strict=True):
        if len(places) > 1 and term not in chosen.adjusted:
            raise ValueError(f"driver {term!r} has several columns; a contrast takes single ones.")
        ratings = rows[term].to_numpy(float, na_value=np.nan)
        asked = ~np.isnan(ratings) & (w > 0) & ~_adjusted_rows(rows, term, chosen)
        values, place = np.unique(ratings[asked], return_inverse=True)
        share = np.bincount(place, w[asked]) / w[asked].sum()
        count = np.bincount(place)
        if len(values) < 3:
            continue
        up = np.cumsum(share)[:-2]  # at least one answer stays between and one above
        below = int(np.abs(up - TAIL).argmin())
        down = np.cumsum(share[::-1])[::-1][below + 2 :]
        above = below + 2 + int(np.abs(down - TAIL).argmin())
        if min(count[: below + 1].sum(), count[above:].sum()) >= LEAST_TAIL:
            cuts[term] = float(values[below]), float(values[above])
    return cuts


def _evenly(chosen: Chosen, cuts: dict, weight: str | None) -> np.ndarray:
    """Factors (k, 2) that bring penalty and reward to one distance from the middling ratings."""
    w, factors = weights_of(chosen.responses, weight), []
    for term, (below, above) in cuts.items():
        ratings = chosen.responses[term].to_numpy(float, na_value=np.nan)
        asked = ~np.isnan(ratings) & (w > 0) & ~_adjusted_rows(chosen.responses, term, chosen)
        ratings, own = ratings[asked], w[asked]
        side = np.where(ratings <= below, 0, np.where(ratings >= above, 2, 1))
        mean = np.bincount(side, own * ratings) / np.bincount(side, own)
        factors.append(np.diff(mean).mean() / np.diff(mean))
    return np.array(factors)


def _adjusted_rows(rows: pd.DataFrame, term: str, chosen: Chosen) -> np.ndarray:
    """Rows whose rating was filled in: they are neither low nor high."""
    if term not in chosen.adjusted:
        return np.zeros(len(rows), bool)
    return rows[term + FLAG].to_numpy(float) > 0


def _split(chosen: Chosen, cuts: dict) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """Rows with a column for low and one for high ratings, and the groups they make."""
    made, groups = {}, {}
    for term, (below, above) in cuts.items():
        ratings, never = chosen.responses[term], _adjusted_rows(chosen.responses, term, chosen)
        for side, there in (("low", ratings <= below), ("high", ratings >= above)):
            name = f"{term}: {side}"
            made[name] = (there & ~never).astype(float).where(ratings.notna())
            groups.setdefault(term, []).append(name)
        if term in chosen.adjusted:
            groups[term].append(term + FLAG)
    return chosen.responses.assign(**made), groups


def _tails(rows: pd.DataFrame, chosen: Chosen, ends: np.ndarray) -> np.ndarray:
    """How many rated low and high, of those who are used."""
    used = rows[chosen.outcome].notna()
    if chosen.missing == "complete":
        used &= rows[chosen.columns].notna().all(axis=1)
    counts = (rows.loc[used, chosen.columns] > 0).sum().to_numpy()
    return counts[ends].astype(int)


def _classes(
    terms: list[str], point: np.ndarray, again: np.ndarray, deviation: float
) -> pd.DataFrame:
    """The class of each driver and its chances, from losses and gains (k, 2) and their draws."""
    lean, size = _asymmetry(point)
    leans, sizes = _asymmetry(again)
    known = ~np.isnan(again).any((1, 2))
    kinds = _kinds(leans[known], sizes[known], deviation)
    chances = np.stack([(kinds == i).mean(0) for i in range(len(CLASSES))], axis=1)
    low, high = percentile_interval(leans)
    named = [_named(row) for row in chances]
    table = pd.DataFrame(
        {
            "term": terms,
            "class": [CLASSES[i] if i >= 0 else OPEN for i in named],
            "chance": [row[i] if i >= 0 else np.nan for i, row in zip(named, chances, strict=True)],
        }
    )
    for i, name in enumerate(CLASSES):
        table[name] = chances[:, i]
    return table.assign(asymmetry=lean, low=low, high=high, size=size)


def _named(chances: np.ndarray) -> int:
    """Place in CLASSES of the class that is sure; performance for what matters; -1 for open."""
    best = int(chances.argmax())
    if chances[best] >= SURE:
        return best
    return CLASSES.index("performance") if 1 - chances[-1] >= SURE else -1


def _asymmetry(sides: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(reward less penalty over their sum, their sum); an effect of the wrong sign counts as none.

    The impact asymmetry and the range of impact of Mikulić and Prebežac (2008).
    """
    penalty, reward = np.moveaxis(np.maximum(sides, 0), -1, 0)
    size = penalty + reward
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(size > 0, (reward - penalty) / size, 0.0), size


def _kinds(lean: np.ndarray, size: np.ndarray, deviation: float) -> np.ndarray:
    """Places in CLASSES."""
    inside = np.where(lean < -LEAN, 0, np.where(lean > LEAN, 2, 1))
    return np.where(size < SMALL * deviation, 3, inside)


def sentence(classes: pd.DataFrame, outcome: str) -> str:
    """The drivers of each class, those whose class is open apart."""
    least = context.current().smallest_cell
    if classes["n"].iloc[0] < least:
        return _("Fewer than {least:count} answered: no number is shown.", least=least)
    parts = []
    for name in (*CLASSES, OPEN):
        members = classes[classes["class"] == name]
        if len(members):
            shown = members["term"]
            parts.append(_("{kind:label} ({drivers:quoted_list3})", kind=name, drivers=shown))
    return _(
        "What drives {outcome:quoted}, by kind: {parts:list}; n {n:count}.",
        outcome=outcome,
        parts=parts,
        n=classes["n"].iloc[0],
    )


def _what_is_low(classes: pd.DataFrame) -> str:
    each = [
        _(
            "{driver:label} up to {below:g}, from {above:g}",
            driver=r.term,
            below=r.below,
            above=r.above,
        )
        for r in classes.itertuples()
    ]
    return _(
        "Low and high ratings: {each}. Kinds compare both sides per point of the rating. A kind "
        "is named from a chance of {sure:share}; a part that surely matters and surely leans to "
        "neither side counts as performance.",
        sure=SURE,
        each=_("; ").join(each),
    )


def _left_out(terms: list[str]) -> str:
    if not terms:
        return ""
    return _("Left out, too few low or high ratings: {drivers:label_list}.", drivers=terms)
