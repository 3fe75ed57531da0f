"""Latent classes of mixed answers: maximum likelihood by EM on the different answer patterns.

    sheet = sheet_of(answers, weights)       # categories, numbers, gaps -> sums that suffice
    found = best(sheet, k=3, starts=10, seed=1)
    found.loglik                             # log-likelihood
    membership(sheet, found.sums)            # (k, patterns): probability of each class

Given the class, answers are independent (Lazarsfeld and Henry 1968; numbers beside categories:
Vermunt and Magidson 2002), numbers together normal (Gaussian mixture), or some numbers normal about
a line in others (mixture of regressions, `lines_of`). All these are exponential families, so that
one matrix of sufficient statistics a pattern serves all: its product with the parameters is the
log-likelihood, its product with the memberships the next parameters (of ordinal answers, the counts
that adjacent-category logits expect, `stats.adjacent_logit`). An answer that was not given
has statistics of zero and drops out of both: full information where answers are missing at random
(Rubin 1976). Starts and draws ride along in front as one batch; steps are
lengthened by SQUAREM (Varadhan and Roland 2008).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cxlib.stats import adjacent_logit
from cxlib.stats.adjacent_logit import LEAST
from cxlib.stats.patterns import distinct_rows

TIGHTEST = 1e-3  # variance within a class, of the variance of all: no class is one value
TOLERANCE, PER_ROWS = (
    1e-6,
    10_000,
)  # gain in log-likelihood, of a step of so many rows, that ends a climb
SUBSET, SUBSET_TOLERANCE = (
    5_000,
    0.1,
)  # patterns that show the way, and the gain at which they have shown it
BURST = 12  # steps after which most starts are given up
MOST_STEPS = 2_000
CELLS_AT_ONCE = 2_000_000  # memberships held at once


@dataclass(frozen=True)
class Block:
    """Columns `at` of the statistics that belong together.

    `kind` is "levels" (one column a level), "number" (given, value, square), "numbers" (1, values,
    products of pairs: jointly normal) or "lines" (1, products of pairs: numbers regressed on those
    that `causes` names, the variance left being `least` or more). Levels with `scores` are ordinal:
    classes differ in their location alone.
    """

    kind: str
    at: slice
    causes: tuple[tuple[int, ...], ...] = ()
    least: tuple[float, ...] = ()
    scores: tuple[float, ...] = ()

    def parameters(self, k: int = 1) -> int:
        """How many are free in k classes."""
        if self.kind == "lines":
            return k * sum(len(causes) + 1 for causes in self.causes if causes)
        width = self.at.stop - self.at.start
        if self.scores:
            return width - 1 + k - 1
        return k * {"levels": width - 1, "number": 2, "numbers": width - 1}[self.kind]


@dataclass(frozen=True)
class Sheet:
    """Different answer patterns.

    Attributes
    ----------
    statistics : (patterns, q), zero where an answer is missing
    pattern : pattern of each row, (n,)
    weight : of each pattern, (patterns,)
    blocks : what the columns are
    """

    statistics: np.ndarray
    pattern: np.ndarray
    weight: np.ndarray
    blocks: list[Block]

    def parameters(self, k: int) -> int:
        """Free parameters of k classes."""
        return k - 1 + sum(block.parameters(k) for block in self.blocks)


@dataclass(frozen=True)
class Solution:
    """A solution of the mixture, and its log-likelihood.

    `sums` (k, 1 + q): weight of each class, then its sums of statistics.
    """

    sums: np.ndarray
    loglik: float


def sheet_of(
    answers: list[tuple[np.ndarray, int]],
    w: np.ndarray,
    *,
    joint: bool = False,
    scores: Sequence[tuple[float, ...]] = (),
) -> Sheet:
    """Patterns of the rows' answers.

    `answers` are ((n,), levels) each: whole numbers from 0, -1 where missing; or, with 0 levels,
    standardised numbers, NaN where missing. `joint` takes all as numbers, complete. `scores` are
    those of each one's levels, rising, where it is ordinal, or empty.
    """
    columns = [values for values, _ in answers]
    first, pattern = distinct_rows(columns)
    blocks, parts, start = [], [], 0
    if joint:
        z = np.column_stack(columns)[first]
        upper = np.triu_indices(z.shape[1])
        parts = [np.ones((len(z), 1)), z, z[:, upper[0]] * z[:, upper[1]]]
        blocks = [Block("numbers", slice(0, sum(p.shape[1] for p in parts)))]
    for i, (column, levels) in enumerate([] if joint else answers):
        part = _statistics(column[first], levels)
        kind = "levels" if levels else "number"
        own = scores[i] if scores else ()
        blocks.append(Block(kind, slice(start, start + part.shape[1]), scores=own))
        parts.append(part)
        start += part.shape[1]
    weight = np.bincount(pattern, w, len(first))
    return Sheet(np.ascontiguousarray(np.hstack(parts)), pattern, weight, blocks)


def lines_of(
    z: np.ndarray, causes: tuple[tuple[int, ...], ...], w: np.ndarray, least: float
) -> Sheet:
    """Numbers `z` (n, m), each with causes regressed on them without a constant, by class.

    `least` is the smallest variance left in a class, in parts of that left of all: without it a
    class of a few people on a line would have an endless likelihood (Hathaway 1985).
    """
    upper = np.triu_indices(z.shape[1])
    statistics = np.column_stack([np.ones(len(z)), z[:, upper[0]] * z[:, upper[1]]])
    block = Block("lines", slice(0, statistics.shape[1]), causes, (0.0,) * len(causes))
    left = regressions(w @ statistics, block)[1]
    block = replace(block, least=tuple(float(v) for v in least * left))
    return Sheet(statistics, np.arange(len(z)), w, [block])


def _statistics(values: np.ndarray, levels: int) -> np.ndarray:
    if levels:
        return (values[:, None] == np.arange(levels)).astype(float)
    given = ~np.isnan(values)
    z = np.where(given, values, 0.0)
    return np.column_stack([given, z, z**2])


def best(
    sheet: Sheet,
    k: int,
    starts: int,
    seed: int,
    *,
    close: float = TOLERANCE,
    near: np.ndarray | None = None,
) -> Solution:
    """The highest of several climbs, one of them from `near` (k, 1 + q) if that is given.

    Each start takes a few steps; a third of them, the highest, are climbed to the top (Biernacki,
    Celeux and Govaert 2003). Of very many patterns, some show the way first.
    """
    starts = starts if k > 1 else 1
    some = _subset(sheet, seed)
    sums = random_starts(some, k, starts, seed, some.weight)
    if starts > 3:
        for _ in range(BURST):
            sums, loglik = step(some, sums, some.weight)
        sums = sums[np.argsort(-loglik, kind="stable")[: max(3, starts // 3)]]
    if some is not sheet:
        sums, _ = maximise(some, sums, some.weight, SUBSET_TOLERANCE)
        sums *= sheet.weight.sum() / some.weight.sum()
    if near is not None:
        scale = sheet.weight.sum() / near[:, 0].sum()
        sums = np.concatenate([sums, near[None] * scale])
    sums, loglik = maximise(
        sheet, sums, sheet.weight, close * max(1.0, sheet.weight.sum() / PER_ROWS)
    )
    top = int(np.argmax(loglik))
    return Solution(sums[top], float(loglik[top]))


def split(sums: np.ndarray) -> np.ndarray:
    """One class more, to climb from: a tenth of the largest goes to a class like everybody."""
    largest, total = sums[:, 0].argmax(), sums.sum(0, keepdims=True)
    tenth = 0.1 * sums[largest, 0] / total[0, 0]
    found = np.concatenate([sums, tenth * total])
    found[largest] *= 0.9
    return found


def _subset(sheet: Sheet, seed: int) -> Sheet:
    """SUBSET patterns at random, or all where they are not many more."""
    patterns = len(sheet.weight)
    if patterns < 3 * SUBSET:
        return sheet
    at = np.random.default_rng(seed).choice(patterns, SUBSET, replace=False)
    return Sheet(sheet.statistics[at], np.arange(SUBSET), sheet.weight[at], sheet.blocks)


def random_starts(sheet: Sheet, k: int, starts: int, seed: int, w: np.ndarray) -> np.ndarray:
    """Classes half way between everybody and one pattern drawn for each: (starts, k, 1 + q).

    `w` is (patterns,), or (starts, patterns) with weights of each start's own.
    """
    rng = np.random.default_rng(seed)
    w = np.broadcast_to(w, (starts, w.shape[-1]))
    total = w.sum(1)
    mean = (w @ sheet.statistics) / total[:, None]
    # k of the patterns without replacement, by weight (Efraimidis and Spirakis 2006).
    with np.errstate(divide="ignore"):
        keys = np.log(rng.random(w.shape)) / w
    drawn = (
        np.argpartition(-keys, k - 1, axis=1)[:, :k]
        if k < w.shape[1]
        else (np.tile(np.arange(k) % w.shape[1], (starts, 1)))
    )
    own = sheet.statistics[drawn]
    for block in sheet.blocks:
        lead = own[..., block.at] if block.kind == "levels" else own[..., block.at][..., :1]
        missing = lead.sum(-1) == 0
        own[..., block.at][missing] = np.broadcast_to(
            mean[:, None, block.at], own[..., block.at].shape
        )[missing]
    each = (0.5 * mean[:, None] + 0.5 * own) if k > 1 else mean[:, None]
    size = np.broadcast_to((total / k)[:, None, None], (*each.shape[:2], 1))
    return _located(sheet, np.concatenate([size, each * size], axis=2))


def maximise(
    sheet: Sheet, sums: np.ndarray, w: np.ndarray, close: float = TOLERANCE
) -> tuple[np.ndarray, np.ndarray]:
    """EM from each of `sums` (p, k, 1 + q) to its top: (sums, log-likelihood (p,)).

    `w` is (patterns,) or (p, patterns). A climb that has arrived leaves the batch.
    """
    sums, loglik = _located(sheet, sums.copy()), np.full(len(sums), -np.inf)
    for here in parts(sheet, sums):
        _maximise(sheet, sums[here], loglik[here], w if w.ndim == 1 else w[here], close)
    return sums, loglik


def parts(sheet: Sheet, sums: np.ndarray) -> list[slice]:
    """Slices of `sums` (p, k, 1 + q) whose memberships can be held at once."""
    size = max(1, CELLS_AT_ONCE // (sums.shape[1] * len(sheet.statistics)))
    return [slice(start, start + size) for start in range(0, len(sums), size)]


def _maximise(
    sheet: Sheet, sums: np.ndarray, loglik: np.ndarray, w: np.ndarray, close: float
) -> None:
    at = np.arange(len(sums))
    for _ in range(MOST_STEPS // 3):
        own = w if w.ndim == 1 else w[at]
        zero = sums[at]
        one, low = step(sheet, zero, own)
        two, high = step(sheet, one, own)
        sums[at], loglik[at] = two, high
        on = high - low >= close
        if not on.any():
            return
        at, own = at[on], own if w.ndim == 1 else own[on]
        three, there = step(sheet, _longer(sheet, zero[on], one[on], two[on]), own)
        good = there >= high[on]
        sums[at[good]], loglik[at[good]] = three[good], there[good]


def _longer(sheet: Sheet, zero: np.ndarray, one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """One long step in the direction of two short ones; the second where that leaves the model."""
    r, v = one - zero, two - 2 * one + zero
    scale = np.maximum(np.abs(zero).sum((1, 2), keepdims=True), 1e-300)
    bend = np.sqrt(((v / scale) ** 2).sum((1, 2), keepdims=True))
    length = np.sqrt(((r / scale) ** 2).sum((1, 2), keepdims=True)) / np.maximum(bend, 1e-300)
    length = np.clip(length, 1.0, 100.0)
    far = zero + 2 * length * r + length**2 * v
    # Only where no class has lost all its weight can the rest be looked at.
    inside = far[..., 0].min(1) > 1e-6 * scale[:, 0, 0]
    far = np.where(inside[:, None, None], far, two)
    for block in sheet.blocks:
        part = far[..., 1:][..., block.at]
        if block.kind == "levels":
            inside &= part.min((1, 2)) >= 0
        elif block.kind == "number":
            inside &= (part[..., 0] * part[..., 2] > part[..., 1] ** 2).all(1)
        elif block.kind == "numbers":
            inside &= np.linalg.eigvalsh(covariance(part)[1])[..., 0].min(1) > TIGHTEST
        else:
            inside &= np.linalg.eigvalsh(products(part))[..., 0].min(1) > TIGHTEST**2
    return _located(sheet, np.where(inside[:, None, None], far, two), two)


def step(sheet: Sheet, sums: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One step of EM: (sums after it, log-likelihood before it)."""
    p, k, q = sums.shape
    inside, loglik = _memberships(sheet, sums)
    inside *= w if w.ndim == 1 else w[:, None]
    flat = inside.reshape(p * k, -1)
    after = np.empty((p * k, q))
    after[:, 0] = flat.sum(1)
    after[:, 1:] = flat @ sheet.statistics
    total = loglik @ w if w.ndim == 1 else (loglik * w).sum(1)
    return _located(sheet, after.reshape(p, k, q), sums), total


def _located(sheet: Sheet, sums: np.ndarray, near: np.ndarray | None = None) -> np.ndarray:
    """`sums` (p, k, 1 + q), ordinal answers as expected of the classes' locations; `near` those."""
    alike: dict[tuple[float, ...], list[np.ndarray]] = {}
    for block in sheet.blocks:
        if block.scores:
            alike.setdefault(block.scores, []).append(np.arange(block.at.start, block.at.stop) + 1)
    for scores, columns in alike.items():
        counts, start = (
            np.moveaxis(v[..., columns], 2, 0) for v in (sums, sums if near is None else near)
        )
        sums[..., columns] = np.moveaxis(adjacent_logit.fitted(counts, scores, start), 0, 2)
    return sums


def membership(sheet: Sheet, sums: np.ndarray) -> np.ndarray:
    """Probability of each class for each pattern, (..., k, patterns)."""
    return _memberships(sheet, sums)[0]


def log_probability(sheet: Sheet, sums: np.ndarray) -> np.ndarray:
    """Logarithm of the probability of each pattern, (..., patterns)."""
    return _memberships(sheet, sums)[1]


def _memberships(sheet: Sheet, sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    natural, constant = _natural(sheet, sums)
    flat = natural.reshape(-1, natural.shape[-1])
    each = (flat @ sheet.statistics.T).reshape(*sums.shape[:-1], -1)
    each += constant[..., None]
    top = each.max(-2, keepdims=True)
    each -= top
    np.exp(each, out=each)
    whole = each.sum(-2, keepdims=True)
    each /= whole
    return each, (np.log(whole) + top)[..., 0, :]


def _natural(sheet: Sheet, sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What multiplies the statistics, and the logarithm of the class's share."""
    with np.errstate(divide="ignore"):
        share = np.log(np.maximum(sums[..., 0] / sums[..., 0].sum(-1, keepdims=True), 1e-300))
    own = sums[..., 1:]
    if sheet.blocks[0].kind == "numbers":
        return _of_many(own), share
    if sheet.blocks[0].kind == "lines":
        return _of_lines(own, sheet.blocks[0]), share
    # All levels at once, as if there were no numbers: a loop over blocks is slow on few patterns.
    whole = np.add.reduceat(own, [block.at.start for block in sheet.blocks], axis=-1)
    widths = [block.at.stop - block.at.start for block in sheet.blocks]
    natural = own / np.maximum(np.repeat(whole, widths, axis=-1), 1e-300)
    np.log(np.maximum(natural, LEAST, out=natural), out=natural)
    for block in sheet.blocks:
        if block.kind == "number":
            natural[..., block.at] = _of_one(own[..., block.at])
    return natural, share


def _of_one(part: np.ndarray) -> np.ndarray:
    given = np.maximum(part[..., 0], 1e-300)
    mean = part[..., 1] / given
    variance = np.maximum(part[..., 2] / given - mean**2, TIGHTEST)
    constant = -0.5 * (mean**2 / variance + np.log(2 * np.pi * variance))
    return np.stack([constant, mean / variance, -0.5 / variance], axis=-1)


def covariance(part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of jointly normal numbers from their sums: (..., p), (..., p, p)."""
    size = np.maximum(part[..., :1], 1e-300)
    p = int((np.sqrt(8 * part.shape[-1] + 1) - 3) / 2)
    mean = part[..., 1 : 1 + p] / size
    upper = np.triu_indices(p)
    second = np.zeros((*part.shape[:-1], p, p))
    second[..., upper[0], upper[1]] = second[..., upper[1], upper[0]] = part[..., 1 + p :] / size
    return mean, second - mean[..., :, None] * mean[..., None, :]


def _of_many(part: np.ndarray) -> np.ndarray:
    mean, cov = covariance(part)
    values, vectors = np.linalg.eigh(cov)
    values = np.maximum(values, TIGHTEST)
    inverse = (vectors / values[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    p = mean.shape[-1]
    upper = np.triu_indices(p)
    slope = (inverse @ mean[..., None])[..., 0]
    products = -inverse[..., upper[0], upper[1]]
    products[..., upper[0] == upper[1]] *= 0.5
    constant = -0.5 * ((slope * mean).sum(-1) + np.log(values).sum(-1) + p * np.log(2 * np.pi))
    return np.concatenate([constant[..., None], slope, products], axis=-1)


def regressions(part: np.ndarray, block: Block) -> tuple[np.ndarray, np.ndarray]:
    """Slopes (..., m, m), effect by cause, and variances left (..., m) from sums of "lines"."""
    second = products(part)
    slopes = np.zeros_like(second)
    for effect, causes in enumerate(block.causes):
        at = list(causes)
        if at:
            # A class of fewer people than causes has many solutions: the smallest is taken.
            own = second[..., at, :][..., at] + 1e-9 * np.eye(len(at))
            slopes[..., effect, at] = np.linalg.solve(own, second[..., at, effect, None])[..., 0]
    left = np.eye(second.shape[-1]) - slopes
    variance = np.einsum("...ei,...ij,...ej->...e", left, second, left)
    return slopes, np.maximum(variance, np.maximum(block.least, 1e-300))


def products(part: np.ndarray) -> np.ndarray:
    """Mean products (..., m, m) from sums of "lines"."""
    m = int((np.sqrt(8 * part.shape[-1] - 7) - 1) / 2)
    upper, second = np.triu_indices(m), np.zeros((*part.shape[:-1], m, m))
    mean = part[..., 1:] / np.maximum(part[..., :1], 1e-300)
    second[..., upper[0], upper[1]] = second[..., upper[1], upper[0]] = mean
    return second


def _of_lines(part: np.ndarray, block: Block) -> np.ndarray:
    slopes, variance = regressions(part, block)
    explained = [effect for effect, causes in enumerate(block.causes) if causes]
    variance = variance[..., explained]
    left = (np.eye(slopes.shape[-1]) - slopes)[..., explained, :]
    form = np.einsum("...ei,...e,...ej->...ij", left, 1 / variance, left)
    upper = np.triu_indices(form.shape[-1])
    products = -form[..., upper[0], upper[1]]
    products[..., upper[0] == upper[1]] *= 0.5
    constant = -0.5 * np.log(2 * np.pi * variance).sum(-1)
    return np.concatenate([constant[..., None], products], axis=-1)
