"""NPS, CSAT, means and effort: one weighted mean, recoded in different ways."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlib import hiding, page
from cxlib.estimates import LEVEL, Estimates, at_once, failed, interval, widened
from cxlib.moments import resample_sums
from cxlib.scores import intervals
from cxlib.scores.rows import Answers, Scale, read

NPS_SCALE = (0, 10)


def nps(
    responses: pd.DataFrame,
    item: str = "recommend",
    *,
    by: str | None = None,
    weight: str | None = None,
    customer: str | None = None,
    method: str = "adjusted_wald",
    draws: int = 1000,
    seed: int = 1,
) -> Estimates:
    """Net promoter score in points: share of 9-10 less share of 0-6, times 100.

    Reichheld (2003); intervals by Rocks (2016), with the effective n of weights and of customers
    who answer more than once, or by bootstrap (`method="bootstrap"`). The table has the shares of
    detractors, passives and promoters at its end.
    """
    _choice(method, "adjusted_wald", "bootstrap")
    answers = read(responses, [item], by=by, weight=weight, customer=customer, scale=NPS_SCALE,
                   whole=True)  # fmt: skip
    promoter, detractor = _recode(answers.x, answers.x >= 9), _recode(answers.x, answers.x <= 6)
    cells = _cells(answers, promoter - detractor)
    p, d = _cells(answers, promoter).mean, _cells(answers, detractor).mean
    replicates = None
    if method == "bootstrap":
        low, high, replicates = _drawn(answers, promoter - detractor, cells, draws, seed, (-1, 1))
    else:
        low, high = intervals.adjusted_wald(p, d, cells.effective, _level(answers))
    table = _table(answers, cells, *(100 * v for v in (cells.mean, low, high)))
    table = table.assign(detractors=d.ravel(), passives=(1 - p - d).ravel(), promoters=p.ravel())
    words = _Words(
        page.say("NPS"),
        lambda v: page.say("{v} points", v=page.number(v)),
        page.span,
    )
    return _packed(answers, cells, table, "points", words, replicates, draws, seed)


def csat(
    responses: pd.DataFrame,
    item: str,
    *,
    scale: Scale = (1, 10),
    top: int = 2,
    by: str | None = None,
    weight: str | None = None,
    customer: str | None = None,
    method: str = "wilson",
    draws: int = 1000,
    seed: int = 1,
) -> Estimates:
    """Share whose answer is one of the `top` best of the scale (0 to 1): the top-box score.

    Intervals by Wilson (1927) with the effective n, or by bootstrap (`method="bootstrap"`).
    """
    _choice(method, "wilson", "bootstrap")
    if not 1 <= top <= scale[1] - scale[0]:
        raise ValueError(
            f"top={top} boxes of the scale {scale[0]:g}-{scale[1]:g}; choose 1 to "
            f"{scale[1] - scale[0]:g}."
        )
    answers = read(responses, [item], by=by, weight=weight, customer=customer, scale=scale)
    satisfied = _recode(answers.x, answers.x > scale[1] - top)
    cells = _cells(answers, satisfied)
    replicates = None
    if method == "bootstrap":
        low, high, replicates = _drawn(answers, satisfied, cells, draws, seed, (0, 1))
    else:
        low, high = intervals.wilson(cells.mean, cells.counted, _level(answers))
    table = _table(answers, cells, cells.mean, low, high)
    words = _Words(
        page.say("{item}, share of {least} or more", item=page.quoted(page.label(item)),
                 least=page.number(scale[1] - top + 1, 0)),
        lambda v: page.percent(v, 1),
        lambda low, high: page.span(low, high, 1, share=True),
    )  # fmt: skip
    return _packed(answers, cells, table, "share", words, replicates, draws, seed)


def mean(
    responses: pd.DataFrame,
    items: str | Sequence[str],
    *,
    scale: Scale | None = None,
    by: str | None = None,
    weight: str | None = None,
    customer: str | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> Estimates:
    """Mean answer to each item, on the item's own scale; bootstrap intervals that hold together.

    Those who did not experience what an item asks about are not counted. With `scale`, answers
    outside it are an error.
    """
    items = [items] if isinstance(items, str) else list(items)
    answers = read(responses, items, by=by, weight=weight, customer=customer, scale=scale)
    cells = _cells(answers, answers.x)
    bounds = (_column(np.nanmin, answers.x), _column(np.nanmax, answers.x))
    low, high, replicates = _drawn(answers, answers.x, cells, draws, seed, bounds)
    table = _table(answers, cells, cells.mean, low, high)
    words = _Words(
        page.say("Mean of {item}", item=page.label(items[0]))
        if len(items) == 1
        else page.say("Mean"),
        lambda v: page.number(v, 2),
        lambda low, high: page.span(low, high, 2),
    )
    return _packed(answers, cells, table, "scale", words, replicates, draws, seed)


def effort(
    responses: pd.DataFrame,
    item: str,
    *,
    scale: Scale = (1, 7),
    by: str | None = None,
    weight: str | None = None,
    customer: str | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> Estimates:
    """Customer effort score: mean agreement that it was easy, on its scale (Dixon et al. 2010).

    High is easy; an item that asks for effort is turned round when it is loaded (`reverse: true`).
    """
    fit = mean(responses, item, scale=scale, by=by, weight=weight, customer=customer, draws=draws,
               seed=seed)  # fmt: skip
    low, high = (page.number(v, 0) for v in scale)
    meaning = page.say("The scale runs from {low} to {high}; high is easy.", low=low, high=high)
    return Estimates(
        fit.table, fit.answer, f"{fit.note} {meaning}", "scale", draws=draws, seed=seed
    )


@dataclass(frozen=True)
class _Cells:
    """Of each group and item, (groups, items): mean, answers, and what they are worth."""

    mean: np.ndarray
    n: np.ndarray
    effective: np.ndarray  # answers of equal weight, by different people, that tell as much
    design: np.ndarray  # n / effective

    @property
    def counted(self) -> np.ndarray:
        """Effective n, a trifle where there is nothing, so that formulas divide by no zero."""
        return np.maximum(self.effective, 1e-9)


def _cells(answers: Answers, y: np.ndarray) -> _Cells:
    w = answers.weight[:, None]
    n, total = answers.sum(np.ones_like(y)), answers.sum(w * np.ones_like(y))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = answers.sum(w * y) / total
        variance = np.maximum(answers.sum(w * y**2) / total - mean**2, 0)
    effective = intervals.kish(total, answers.sum(w**2 * np.ones_like(y)))
    if answers.repeated:
        # Linearised variance over customers; where it says less than Kish, it is believed.
        rest = answers.unit_sums(w * (y - mean[answers.group]))
        error = (rest**2).sum(0).reshape(mean.shape) / np.where(total > 0, total, np.nan) ** 2
        clustered = np.divide(variance, error, out=effective.copy(), where=error > 0)
        effective = np.minimum(effective, clustered)
    with np.errstate(invalid="ignore", divide="ignore"):
        return _Cells(mean, n.astype(int), effective, n / effective)


def _drawn(
    answers: Answers, y: np.ndarray, cells: _Cells, draws: int, seed: int, bounds: tuple
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bootstrap (low, high, replicates): customers drawn whole, the same ones for all cells."""
    replicates = _replicates(answers, y, draws, seed)
    flat = cells.mean.ravel()
    # A cell of one answer, or of answers all alike, shows no spread: no interval can be drawn.
    varies = (np.abs(replicates - flat) > 1e-9).any(0)
    known = (cells.n.ravel() > 1) & varies
    low, high = np.full_like(flat, np.nan), np.full_like(flat, np.nan)
    if known.any():
        # Draws from few answers spread too little; each cell's are moved out by its own factor.
        reach = [intervals.z(widened(n)) for n in cells.effective.ravel()[known]]
        moved = flat[known] + np.array(reach) / intervals.z(LEVEL) * (
            replicates[:, known] - flat[known]
        )
        low[known], high[known] = at_once(flat[known], moved) if len(flat) > 1 else interval(moved)
    low, high = low.reshape(cells.mean.shape), high.reshape(cells.mean.shape)
    return np.maximum(low, bounds[0]), np.minimum(high, bounds[1]), replicates[:, known]


def _replicates(answers: Answers, y: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """Means of every cell in each draw, NaN where a draw has no answer: (draws, groups * items)."""
    if len(answers.items) == 1 and not answers.weighted and not answers.repeated:
        tops, bottoms = _from_counts(answers, y[:, 0], draws, seed)
    else:
        w = answers.weight[:, None]
        tops_and_bottoms = [answers.unit_sums(w * y), answers.unit_sums(w * np.ones_like(y))]
        sums = resample_sums(np.concatenate(tops_and_bottoms, axis=1), draws, seed)
        tops, bottoms = np.split(sums, 2, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(bottoms > 0, tops / bottoms, np.nan)


def _from_counts(
    answers: Answers, y: np.ndarray, draws: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """The same law as drawing rows: how often each answer comes up is multinomial."""
    if draws < 1:
        raise ValueError(f"draws is {draws}; it must be 1 or more.")
    given = ~np.isnan(y)
    values, value = np.unique(y[given], return_inverse=True)
    groups = len(answers.groups)
    counts = np.bincount(answers.group[given] * len(values) + value, minlength=groups * len(values))
    rng, n = np.random.default_rng(seed), int(given.sum())
    drawn = rng.multinomial(n, counts / n, size=draws).reshape(draws, groups, len(values))
    return drawn @ values, drawn.sum(2)


def _recode(x: np.ndarray, claim: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(x), np.nan, claim.astype(float))


def _column(reduce, x: np.ndarray) -> np.ndarray:
    empty = np.isnan(x).all(0)
    return np.where(empty, np.nan, reduce(np.where(empty, 0.0, x), axis=0))


def _level(answers: Answers) -> float:
    return intervals.each(len(answers.groups))


def _choice(method: str, *known: str) -> None:
    if method not in known:
        raise ValueError(f"method={method!r} is not a choice. There are: {', '.join(known)}.")


def _table(
    answers: Answers, cells: _Cells, estimate: np.ndarray, low: np.ndarray, high: np.ndarray
) -> pd.DataFrame:
    groups, items = cells.mean.shape
    empty = cells.n == 0
    low, high = np.where(empty, np.nan, low), np.where(empty, np.nan, high)
    table = pd.DataFrame(
        {
            "term": np.tile(np.array(answers.items, dtype=object), groups),
            "estimate": estimate.ravel(),
            "low": low.ravel(),
            "high": high.ravel(),
            "n": cells.n.ravel(),
        }
    ).astype({"term": "str"})
    if answers.by:
        table.insert(0, answers.by, np.repeat(np.array(answers.groups, dtype=object), items))
        table[answers.by] = table[answers.by].infer_objects()
    return table


@dataclass(frozen=True)
class _Words:
    """What the numbers are called, how one is said, and how its interval."""

    measure: str
    value: Callable[[float], str]
    span: Callable[[float, float], str]


def _packed(
    answers: Answers,
    cells: _Cells,
    table: pd.DataFrame,
    unit: str,
    words: _Words,
    replicates: np.ndarray | None,
    draws: int,
    seed: int,
) -> Estimates:
    drawn = dict(draws=draws, seed=seed) if replicates is not None else {}
    note = page.together([*answers.note, *_caveats(answers, cells, replicates), _unseen(table)])
    return Estimates(table, _sentence(answers, table, words), note, unit, **drawn)


def _sentence(answers: Answers, table: pd.DataFrame, words: _Words) -> str:
    """The number when there is one; else the highest and the lowest of those that may be shown."""
    least = max(page.rules().smallest_cell, 1)
    shown = table[hiding.hidden(table, least) == ""]
    if shown.empty:
        return page.say("Fewer than {least} answered: no number is shown.", least=page.count(least))
    names = _names(answers, shown)
    said = [
        page.say("{value} ({span}), n {n}", value=words.value(cell.estimate),
                 span=words.span(cell.low, cell.high), n=page.count(cell.n))
        for cell in shown.itertuples()
    ]  # fmt: skip
    if len(table) == 1 and not answers.by:
        return page.say("{measure} {said}.", measure=words.measure, said=said[0])
    top, bottom = int(np.argmax(shown["estimate"])), int(np.argmin(shown["estimate"]))
    if top == bottom:
        return page.say("{measure} for {name}: {said}.", measure=words.measure, name=names[top],
                        said=said[top])  # fmt: skip
    return page.say(
        "{measure}: highest for {best}, {high}; lowest for {worst}, {low}.",
        measure=words.measure, best=names[top], high=said[top], worst=names[bottom],
        low=said[bottom],
    )  # fmt: skip


def _unseen(table: pd.DataFrame) -> str:
    """How many of several numbers a page hides, and why."""
    least = max(page.rules().smallest_cell, 1)
    hidden = int((hiding.hidden(table, least) != "").sum())
    if not hidden or len(table) == 1:
        return ""
    return page.say(
        "{hidden} of {cells} numbers are not shown: they rest on fewer than {least} answers, or "
        "one that does could be worked out from them.",
        hidden=page.count(hidden),
        cells=page.count(len(table)),
        least=page.count(least),
    )


def _names(answers: Answers, shown: pd.DataFrame) -> list[str]:
    items = [page.label(term) for term in shown["term"]]
    if not answers.by:
        return items
    groups = [page.label(str(g)) for g in shown[answers.by]]
    if len(answers.items) == 1:
        return groups
    return [
        page.say("{item} ({group})", item=i, group=g) for i, g in zip(items, groups, strict=True)
    ]


def _caveats(answers: Answers, cells: _Cells, replicates: np.ndarray | None) -> list[str]:
    parts, worst = [], cells.design[cells.n > 0].max()
    if (answers.weighted or answers.repeated) and worst > 1.005:
        parts.append(
            page.say("Weights and repeated customers: design effect {deff}, effective n {n}.",
                     deff=page.number(worst, 2), n=page.count(cells.effective.sum()))
            if cells.mean.size == 1 else
            page.say("Weights and repeated customers: design effect up to {deff}.",
                     deff=page.number(worst, 2))
        )  # fmt: skip
    together = answers.cells if replicates is not None else len(answers.groups)
    if together > 1:
        parts.append(page.say("The {cells} intervals hold together.", cells=page.count(together)))
    if replicates is None:
        return parts
    if lonely := cells.mean.size - replicates.shape[1]:
        parts.append(
            page.say("{cells} without two different answers have no interval.",
                     cells=page.count(lonely))
        )  # fmt: skip
    if lost := failed(replicates) if replicates.size else 0:
        parts.append(
            page.say("{lost} draws left some group without an answer, and do not count there.",
                     lost=page.count(lost))
        )  # fmt: skip
    return parts
