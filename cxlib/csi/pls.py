"""The numbers of a PLS path model, from moments alone; the last axis of every array holds draws.

Wold (1982), Lohmöller (1989). The estimate and its thousand draws are the same call: an array
(items, items, draws) of correlations goes in, arrays (..., draws) come out. Draws are worked on in
blocks that fit the processor's cache; nothing here runs draw by draw.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cxlib.csi.model import Model

SCHEMES = ("path", "factorial", "centroid")
TOLERANCE = 1e-9  # of a weight, between two rounds
NEAR = 1e-7  # the same for draws: far below what chance does to them
MOST_ROUNDS = 300
LEAST_VARIANCE = 1e-10  # of an item, in squared widths of its scale; what is less is rounding
DRAWS_AT_ONCE = 640


@dataclass(frozen=True)
class Plan:
    """A model in positions: construct j holds the items blocks[j] and has the causes causes[j]."""

    blocks: tuple[slice, ...]
    causes: tuple[tuple[int, ...], ...]
    order: tuple[int, ...]
    formative: tuple[bool, ...]
    reflective: tuple[bool, ...]
    target: int

    @property
    def neighbours(self) -> list[list[tuple[int, bool]]]:
        """For each construct its (neighbour, whether the neighbour is a cause of it)."""
        found: list[list[tuple[int, bool]]] = [[(k, True) for k in c] for c in self.causes]
        for effect, causes in enumerate(self.causes):
            for cause in causes:
                found[cause].append((effect, False))
        return found


@dataclass(frozen=True)
class Solution:
    """What a path model says; J constructs, p items, D draws.

    Attributes
    ----------
    weights, loadings : (p, D), standardised; proxies have variance one
    between : (J, J, D), correlations of the constructs, freed of error where reflective
    paths : (J, J, D), effect by cause; total : the same through every route
    slopes : (J, J, D), paths in index points of the effect for one index point of the cause
    r2 : (J, D); NaN for constructs without causes
    index, deviation : (J, D), mean and standard deviation of the 0-100 index
    importance : (J, D), index points of the target for one index point of a construct
    alpha, rho_a, rho_c, ave : (J, D); NaN for single questions and formative constructs
    eigenvalue_1, eigenvalue_2 : (J, D), the largest of the correlations of a construct's questions;
        NaN for single questions
    share : (p, D), unstandardised weights that add up to one in a construct
    rounds : (D,), until no weight moved by `TOLERANCE` (draws: `NEAR`); 0 where that was never so
    turned : (D,), constructs that came out pointing the other way and were turned round
    """

    weights: np.ndarray
    loadings: np.ndarray
    between: np.ndarray
    paths: np.ndarray
    slopes: np.ndarray
    total: np.ndarray
    r2: np.ndarray
    index: np.ndarray
    deviation: np.ndarray
    importance: np.ndarray
    alpha: np.ndarray
    rho_a: np.ndarray
    rho_c: np.ndarray
    ave: np.ndarray
    eigenvalue_1: np.ndarray
    eigenvalue_2: np.ndarray
    share: np.ndarray
    rounds: np.ndarray
    turned: np.ndarray


def plan_of(model: Model, *, consistent: bool = False) -> Plan:
    """The model's names turned into positions.

    `consistent` takes every construct that is not formative for a common factor, not only those
    that the model calls reflective. One question alone tells nothing of its error.
    """
    names = list(model.constructs)
    ends = np.cumsum([len(items) for items in model.constructs.values()])
    return Plan(
        tuple(
            slice(int(e) - len(i), int(e))
            for e, i in zip(ends, model.constructs.values(), strict=True)
        ),
        tuple(tuple(names.index(c) for c in model.paths.get(name, ())) for name in names),
        tuple(names.index(name) for name in model.order),
        tuple(name in model.formative for name in names),
        tuple(
            len(items) > 1
            and (name in model.reflective or (consistent and name not in model.formative))
            for name, items in model.constructs.items()
        ),
        names.index(model.target),
    )


def solve(
    plan: Plan,
    mean: np.ndarray,
    cov: np.ndarray,
    scales: np.ndarray,
    scheme: str = "path",
    start: np.ndarray | None = None,
    *,
    scaled: bool = True,
) -> Solution:
    """The path model of means (p, D) and covariances (p, p, D) of items on `scales` (p, 2).

    `start` (p,) are the weights of the point estimate, from which draws set out and with whose
    direction they are aligned. Draws that do not settle, or have an item without variance, are NaN.
    Where items are not `scaled`, weights are found from covariances, and standardised afterwards.
    """
    parts = []
    for begin in range(0, mean.shape[-1], DRAWS_AT_ONCE):
        some = slice(begin, begin + DRAWS_AT_ONCE)
        few = mean[..., some], cov[..., some]
        parts.append(_solve_together(plan, *few, scales, scheme, start, scaled=scaled))
    return joined(parts)


def joined(parts: list[Solution]) -> Solution:
    """The draws of several solutions, one after another."""
    fields = Solution.__dataclass_fields__
    return Solution(**{f: np.concatenate([getattr(p, f) for p in parts], axis=-1) for f in fields})


def _solve_together(
    plan: Plan,
    mean: np.ndarray,
    cov: np.ndarray,
    scales: np.ndarray,
    scheme: str,
    start: np.ndarray | None,
    *,
    scaled: bool,
) -> Solution:
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.einsum("iid->id", cov)
        least = LEAST_VARIANCE * (scales[:, 1:] - scales[:, :1]) ** 2
        deviation = np.sqrt(np.where(variance > least, variance, np.nan))
        cor = cov / deviation[:, None] / deviation[None, :]
        own = np.ones_like(deviation) if scaled else deviation  # what an item has when weighed
        first = np.ones_like(own) if start is None else start[:, None] / own
        metric = cor * own[:, None] * own[None, :]
        weights, rounds = _settle(plan, metric, scheme, first, near=start is not None)
        weights = weights * own * np.where(rounds > 0, 1.0, np.nan)
        spread = _spread(plan, cor, weights)
        flip = _direction(plan, spread, weights, start)
        weights = weights * np.repeat(flip, _sizes(plan), axis=0)
        spread = spread * flip[:, None]
        loadings = np.concatenate([spread[j, b] for j, b in enumerate(plan.blocks)])
        between, loadings, true = _consistent(
            plan, weights, loadings, _proxies(plan, spread, weights), own
        )
        paths, r2 = _regress(plan, between)
        total = _total(plan, paths)
        index, points, share = _index(plan, mean, weights / deviation, scales)
        size = points * true
        slopes = paths * size[:, None] / size[None, :]
        importance = total[plan.target] * size[plan.target] / size
        reliability = _reliability(plan, cor, weights, loadings, own)
    numbers = (weights, loadings, between, paths, slopes, total, r2, index, points, importance)
    known = [np.where(np.isfinite(a), a, np.nan) for a in (*numbers, *reliability, share)]
    values = *known, rounds, (flip < 0).sum(0)
    return Solution(**dict(zip(Solution.__dataclass_fields__, values, strict=True)))


def _settle(
    plan: Plan, cor: np.ndarray, scheme: str, first: np.ndarray, *, near: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Outer weights (p, D) from `first`, and rounds each draw took; Lohmöller (1989), chapter 2."""
    p, _, draws = cor.shape
    factors = [
        _factor(cor[b, b]) if f else None for b, f in zip(plan.blocks, plan.formative, strict=True)
    ]
    neighbours, enough = plan.neighbours, NEAR if near else TOLERANCE
    weights, _ = _normed(plan, cor, first)
    settled, rounds = np.full((p, draws), np.nan), np.zeros(draws, int)
    active = np.arange(draws)
    spread = _spread(plan, cor, weights)
    for turn in range(1, MOST_ROUNDS + 1):
        inner = _inner(plan, _proxies(plan, spread, weights), scheme, neighbours)
        new = np.concatenate(
            [
                _outer(j, block, inner, spread, neighbours[j], factors[j])
                for j, block in enumerate(plan.blocks)
            ]
        )
        new, spread = _normed(plan, cor, new)
        done = np.abs(new - weights).max(0) < enough
        weights = new
        fresh = done & (rounds[active] == 0)
        settled[:, active[fresh]] = weights[:, fresh]
        rounds[active[fresh]] = turn
        dead = np.isnan(weights).any(0)
        left = (rounds[active] == 0) & ~dead
        if not left.any():
            break
        if left.mean() < 0.6:  # settled draws do no harm; they leave when it pays to copy the rest
            active, weights, cor, spread = (
                active[left],
                weights[:, left],
                cor[..., left],
                spread[..., left],
            )
            factors = [None if f is None else f[..., left] for f in factors]
    return settled, rounds


def _spread(plan: Plan, cor: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Covariance of every item with every construct's proxy, (J, p, D)."""
    return np.stack([np.einsum("kid,kd->id", cor[b], weights[b]) for b in plan.blocks])


def _normed(plan: Plan, cor: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights that give proxies a variance of one, and the items' covariances with these."""
    spread = _spread(plan, cor, weights)
    length = np.stack([_dot(weights[b], spread[j, b]) for j, b in enumerate(plan.blocks)])
    length = np.sqrt(length)
    return weights / np.repeat(length, _sizes(plan), axis=0), spread / length[:, None]


def _proxies(plan: Plan, spread: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Correlations of the proxies, (J, J, D)."""
    return np.stack([np.einsum("jid,id->jd", spread[:, b], weights[b]) for b in plan.blocks])


def _inner(
    plan: Plan, proxies: np.ndarray, scheme: str, neighbours: list[list[tuple[int, bool]]]
) -> dict[tuple[int, int], np.ndarray]:
    """Inner weight of each neighbour, by (construct, neighbour): each (D,)."""
    if scheme == "path":
        inner = {(j, k): proxies[j, k] for j, near in enumerate(neighbours) for k, _ in near}
        for j, causes in enumerate(plan.causes):
            slopes = _slopes(proxies, j, causes)
            inner |= {(j, k): slope for k, slope in zip(causes, slopes, strict=True)}
        return inner
    weigh = np.sign if scheme == "centroid" else np.asarray
    return {(j, k): weigh(proxies[j, k]) for j, near in enumerate(neighbours) for k, _ in near}


def _outer(
    j: int,
    block: slice,
    inner: dict[tuple[int, int], np.ndarray],
    spread: np.ndarray,
    near: list[tuple[int, bool]],
    factor: np.ndarray | None,
) -> np.ndarray:
    """New weights of construct j, not yet normed: (items, D)."""
    shared = sum(inner[j, k] * spread[k, block] for k, _ in near)
    return shared if factor is None else _substitute(factor, shared)


def _direction(
    plan: Plan, spread: np.ndarray, weights: np.ndarray, start: np.ndarray | None
) -> np.ndarray:
    """1 or -1 for each construct and draw: along its items, or along the point estimate."""
    if start is None:
        towards = np.stack([spread[j, b].sum(0) for j, b in enumerate(plan.blocks)])
    else:
        towards = np.stack([start[b] @ spread[j, b] for j, b in enumerate(plan.blocks)])
    return np.where(towards < 0, -1.0, 1.0)


def _consistent(
    plan: Plan,
    weights: np.ndarray,
    loadings: np.ndarray,
    proxies: np.ndarray,
    own: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Correlations, loadings, and the true share of each proxy's deviation, (J, D).

    Consistent PLS (Dijkstra and Henseler 2015, MIS Quarterly 39(2)): a reflective construct's proxy
    is the factor plus error, with reliability rho_A. Others stay as they are. Draws in which rho_A
    is negative are NaN; those over one are kept, else the interval would leave out one side.
    """
    if not any(plan.reflective):
        return proxies, loadings, np.ones(len(plan.blocks))[:, None]
    true, loadings = np.ones((len(plan.blocks), weights.shape[-1])), loadings.copy()
    for j, block in enumerate(plan.blocks):
        if plan.reflective[j]:
            raw = weights[block] / own[block]
            true[j] = np.sqrt(_rho_a(weights[block], own[block]))
            loadings[block] = true[j] * raw / (raw**2).sum(0) / own[block]
    between = proxies / true[:, None] / true[None, :]
    between[np.diag_indices(len(plan.blocks))] = 1.0
    return between, loadings, true


def _rho_a(weights: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Reliability of a proxy (D,) from its standardised weights (k, D), of variance one.

    `own` (k, D) are the deviations that items had when they were weighed.
    """
    squares, fourth = ((weights / own) ** 2).sum(0), ((weights / own) ** 4).sum(0)
    return squares**2 * (1 - (weights**2).sum(0)) / (squares**2 - fourth)


def _regress(plan: Plan, proxies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Standardised paths (J, J, D) and R² (J, D)."""
    paths = np.zeros_like(proxies)
    r2 = np.full(proxies.shape[1:], np.nan)
    for j, causes in enumerate(plan.causes):
        if causes:
            slopes = _slopes(proxies, j, causes)
            paths[j, list(causes)] = slopes
            r2[j] = (slopes * proxies[j, list(causes)]).sum(0)
    return paths, r2


def _slopes(proxies: np.ndarray, effect: int, causes: tuple[int, ...]) -> np.ndarray:
    if len(causes) <= 1:
        return proxies[effect, list(causes)]
    at = list(causes)
    return _substitute(_factor(proxies[np.ix_(at, at)]), proxies[effect, at])


def _total(plan: Plan, paths: np.ndarray) -> np.ndarray:
    """Effects over every route, (J, J, D): causes are finished before their effects."""
    total = np.zeros_like(paths)
    for j in plan.order:
        for k in plan.causes[j]:
            total[j] += paths[j, k] * total[k]
            total[j, k] += paths[j, k]
    return total


def _index(
    plan: Plan, mean: np.ndarray, raw: np.ndarray, scales: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Index (J, D), its standard deviation, and unstandardised weights that add up to one.

    Fornell et al. (1996): (E[x] - min) / (max - min) of the weighted sum, times 100, with the
    theoretical ends of the scales. The sum of raw weights times answers has a variance of one.
    """
    low, width = scales[:, :1], scales[:, 1:] - scales[:, :1]

    def add(a: np.ndarray) -> np.ndarray:
        return np.add.reduceat(a, [b.start for b in plan.blocks], axis=0)

    room = add(raw * width)
    share = raw / np.repeat(add(raw), _sizes(plan), axis=0)
    return 100 * add(raw * (mean - low)) / room, 100 / room, share


def _reliability(
    plan: Plan, cor: np.ndarray, weights: np.ndarray, loadings: np.ndarray, own: np.ndarray
) -> np.ndarray:
    """alpha, rho_A, rho_C, AVE and the two largest eigenvalues of each construct, each (J, D)."""
    out = np.full((6, len(plan.blocks), cor.shape[-1]), np.nan)
    for j, block in enumerate(plan.blocks):
        k = block.stop - block.start
        if k == 1:
            continue
        known = np.isfinite(weights[block]).all(0)
        inside = np.moveaxis(cor[block, block], -1, 0)[known]
        out[4:, j, known] = np.linalg.eigvalsh(inside)[:, :-3:-1].T
        if plan.formative[j]:
            continue
        loading = loadings[block]
        out[0, j] = k / (k - 1) * (1 - k / cor[block, block].sum((0, 1)))
        out[1, j] = _rho_a(weights[block], own[block])
        error = (1 - loading**2).sum(0)
        out[2, j] = loading.sum(0) ** 2 / (loading.sum(0) ** 2 + error)
        out[3, j] = (loading**2).mean(0)
    return out


def _sizes(plan: Plan) -> list[int]:
    return [b.stop - b.start for b in plan.blocks]


def _factor(matrix: np.ndarray) -> np.ndarray:
    """Lower Cholesky factor of (k, k, D), NaN in draws where there is none."""
    k = len(matrix)
    lower = np.zeros_like(matrix)
    for i in range(k):
        for j in range(i + 1):
            rest = matrix[i, j] - _dot(lower[i, :j], lower[j, :j]) if j else matrix[i, j]
            if i == j:
                lower[i, i] = np.sqrt(np.where(rest > 1e-12, rest, np.nan))
            else:
                lower[i, j] = rest / lower[j, j]
    return lower


def _substitute(lower: np.ndarray, shared: np.ndarray) -> np.ndarray:
    """Solve for (k, D) on the right, given the factor of `_factor`."""
    k = len(lower)
    half = np.empty_like(shared)
    for i in range(k):
        half[i] = (shared[i] - _dot(lower[i, :i], half[:i])) / lower[i, i]
    out = np.empty_like(shared)
    for i in reversed(range(k)):
        out[i] = (half[i] - _dot(lower[i + 1 :, i], out[i + 1 :])) / lower[i, i]
    return out


def _dot(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Sum of products over the first axis, draw by draw: (k, D) and (k, D) give (D,)."""
    return np.einsum("kd,kd->d", one, other)
