"""Do groups differ, and do the questions mean the same to them? Permutations of who is in which.

apart = csi.compare(responses, model, "channel", weight="weight", bucket="customer_id")
print(apart)             # web is 3.1 (1.0 to 5.2) points above shop ...
apart.measured           # first: whether the constructs are made of the questions alike
apart.table, apart.paths # then: the index and the paths, pair by pair
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import combinations, pairwise

import numpy as np
import pandas as pd

from cxlib import weights
from cxlib.core import context, i18n
from cxlib.core.i18n import _
from cxlib.csi import pls, said
from cxlib.csi.model import Model
from cxlib.csi.prepared import (
    Prepared,
    Scales,
    Solutions,
    all_draws,
    covariances,
    estimate,
    prepare,
)
from cxlib.estimates import Estimates, how_drawn
from cxlib.stats import moments, pvalues
from cxlib.stats.intervals import LEVEL, simultaneous_interval
from cxlib.stats.moments import Moments

SCORES = ("means", "spread")


@dataclass(frozen=True)
class Comparison(Estimates):
    """Differences of the target's index between groups (`table`), and what they rest on.

    In all tables n is that of the smaller group. p come from permutations; `p_held` are held at
    once over the pairs (Holm 1979), after the paths or constructs of a pair (largest deviation).

    Attributes
    ----------
    table : one, other, term; index points of `one` above `other` with the weights of everybody;
        intervals hold at once over the pairs; p, p_held
    measured : one, other, term; correlation of the scores that the two groups' weights give
        (compositional invariance: 1), limit (its 5% quantile under permutation), p,
        p_held; means and spread (difference of means, logarithm of the ratio of
        variances, of standardised scores) with their p; verdict: "none" where p_held says so,
        "partial" (same composite) where only means or spread differ by their p, else "full"
    paths : one, other, cause, effect, term; difference of standardised paths; p, p_held
    """

    measured: pd.DataFrame = field(kw_only=True)
    paths: pd.DataFrame = field(kw_only=True)

    @property
    def alike(self) -> Estimates:
        """`measured` with a sentence: whether the groups may be compared."""
        return Estimates(self.measured, _alike(self.measured), self.note)


def compare(
    responses: pd.DataFrame,
    model: Model,
    by: str,
    *,
    scales: Scales | None = None,
    weight: str | None = None,
    bucket: str | None = None,
    scheme: str = "path",
    missing: str = "complete",
    consistent: bool = False,
    permutations: int = 1000,
    draws: int = 1000,
    seed: int = 1,
) -> Comparison:
    """Pairs of groups of the column `by`: measurement first, then index and paths.

    Measurement invariance of composites: Henseler, Ringle and Sarstedt (2016), International
    Marketing Review 33(3); the same model and treatment (configural invariance) is given here by
    construction. Permutation test of paths: Chin and Dibbern (2010). Customers of a group are
    permuted whole. Arguments as of `csi.fit`; intervals from `draws`. Groups that are too small for
    the model are left out and named; tables are empty when fewer than two are left. Raises
    ValueError as `csi.fit`, and for permutations too few to tell so many pairs apart.
    """
    how = {"weight": weight, "bucket": bucket, "missing": missing}
    task = prepare(responses, model, scales=scales, scheme=scheme, consistent=consistent, **how)
    point, _unused = estimate(task)
    groups, left = _usable(moments.by_group(responses, model.items, by, **how), model)
    pairs = list(combinations(groups, 2))
    if not pairs:
        return _nothing_to_compare(by, left)
    if permutations < (least := round(len(pairs) / (1 - LEVEL)) - 1):
        raise ValueError(
            f"{permutations} permutations cannot tell {len(pairs)} pairs of groups apart at once: "
            f"{least} are the least, {10 * least} are good."
        )
    found = [_permuted(task, point, groups[a], groups[b], permutations, seed) for a, b in pairs]
    drawn = {name: _drawn(task, point, sums, draws, seed) for name, sums in groups.items()}
    n = {name: int(sums.rows.sum()) for name, sums in groups.items()}
    index = _index_table(task, point, pairs, found, drawn, draws, seed, n)
    measured = _measured_table(task, pairs, found, n)
    remarks = [
        said.answered(task.sums, responses, model.items),
        how_drawn(draws, weights.differing(responses, weight), bucket),
        _("p from {count:count} permutations.", count=permutations),
        _left_out(left),
        _lost(found),
    ]
    return Comparison(
        index,
        i18n.together([_alike(measured), _sentence(index)]),
        i18n.together(remarks),
        "points",
        draws=draws,
        seed=seed,
        measured=measured,
        paths=_paths_table(task, pairs, found, drawn, n),
    )


def _usable(groups: dict, model: Model) -> tuple[dict, list[str]]:
    """The groups in which every question varies and there are answers enough, and the others."""
    most = max((len(causes) for causes in model.paths.values()), default=1)
    kept = {}
    for name, sums in groups.items():
        if sums.rows.sum() >= max(most + 3, 2 * most) and _varies(sums):
            kept[name] = sums
    return kept, [str(name) for name in groups if name not in kept]


def _nothing_to_compare(by: str, left: list[str]) -> Comparison:
    shared = ["one", "other", "term", "estimate", "low", "high", "n", "p", "p_held"]
    answer = _("Fewer than two groups by {by:label} are large enough to be compared.", by=by)
    empty = pd.DataFrame(columns=shared)
    return Comparison(empty, answer, _left_out(left), "points", measured=empty, paths=empty)


def _varies(sums: Moments) -> bool:
    return bool((np.diagonal(sums.total().cov) > 1e-12).all())


def _permuted(
    task: Prepared, point: Solutions, one: Moments, other: Moments, permutations: int, seed: int
) -> dict[str, np.ndarray]:
    """What differs between two groups, (..., permutations + 1); first as it is, then permuted."""
    both = one + other
    unit = np.unique(np.r_[2 * one.keys, 2 * other.keys + 1], return_inverse=True)[
        1
    ]  # a customer in both groups counts as two
    first = np.zeros(unit.max() + 1)
    first[unit[: len(one.keys)]] = 1.0
    labels = np.repeat(first[None], permutations + 1, axis=0)
    labels[1:] = np.random.default_rng(seed).permuted(labels[1:], axis=1)
    total = both.total()
    (pooled, *_unused) = task.solve(total.mean[:, None], total.cov[..., None], point)
    deviation = np.sqrt(np.diagonal(total.cov))
    parts = []
    for some in _batches(len(labels)):
        sides = [_side(task, point, sums) for sums in both.parted(labels[some][:, unit])]
        parts.append(_differences(task, point, sides, total.cov, deviation, pooled.weights))
    return {name: np.concatenate([p[name] for p in parts], axis=-1) for name in parts[0]}


def _batches(samples: int) -> list[slice]:
    """The first sample, which is as it is, alone; the others as many as are worked on at once."""
    ends = [0, *range(1, samples, pls.TOGETHER), samples]
    return [slice(*ends) for ends in pairwise(ends)]


def _side(task: Prepared, point: Solutions, sums: Moments) -> tuple:
    """Means, covariances, outer weights and paths of a group, samples last."""
    cov = moments.possible(sums.cov)[0] if sums.pairwise else sums.cov
    mean, cov = np.moveaxis(sums.mean, 0, -1), np.moveaxis(cov, 0, -1)
    solved = task.solve(mean, cov, point)
    return mean, cov, solved[0].weights, solved[-1].paths


def _differences(task, point, sides, cov, deviation, weights) -> dict[str, np.ndarray]:
    (mean_a, cov_a, weights_a, paths_a), (mean_b, cov_b, weights_b, paths_b) = sides
    plan, gap = task.plans[0], mean_a - mean_b
    cor = cov / np.outer(deviation, deviation)
    out = {"index": (task.target_points(point) * gap).sum(0), "paths": paths_a - paths_b}
    out |= {name: np.empty((len(plan.blocks), gap.shape[1])) for name in ("same", *SCORES)}
    for j, block in enumerate(plan.blocks):
        own, wa, wb = cor[block, block], weights_a[block], weights_b[block]
        across, in_a, in_b = (
            np.einsum("id,ij,jd->d", x, own, y) for x, y in ((wa, wb), (wa, wa), (wb, wb))
        )
        out["same"][j] = np.minimum(across / np.sqrt(in_a * in_b), 1.0)
        raw = weights[block, 0] / deviation[block]
        out["means"][j] = raw @ gap[block]
        spread_a, spread_b = (
            np.einsum("i,ijd,j->d", raw, c[block, block], raw) for c in (cov_a, cov_b)
        )
        out["spread"][j] = np.log(spread_a / spread_b)
    return out


def _drawn(task: Prepared, point: Solutions, sums: Moments, draws: int, seed: int):
    """Means (p, draws) and standardised paths (J, J, draws) of a group in each draw."""
    own, means, paths = replace(task, sums=sums), [], []
    for mean, cov, _unused in covariances(own, draws, seed):
        means.append(mean)
        paths.append(task.solve(mean, cov, point)[-1].paths)
    return np.concatenate(means, axis=-1), np.concatenate(paths, axis=-1)


def _p(values: np.ndarray, *, low: bool = False) -> np.ndarray:
    """Share of permutations (last axis, the first is the sample) that are as far out as it."""
    beyond = (
        values[..., 1:] <= values[..., :1]
        if low
        else (np.abs(values[..., 1:]) >= np.abs(values[..., :1]) - 1e-12)
    )
    known = (~np.isnan(values[..., 1:])).sum(-1)
    return np.where(np.isnan(values[..., 0]), np.nan, (1 + beyond.sum(-1)) / (1 + known))


def _p_largest(values: np.ndarray) -> np.ndarray:
    """p of each row that holds over all rows: against the largest standardised one of each sample.

    `values` (rows, permutations + 1): see Westfall and Young (1993), single step.
    """
    if np.isnan(values[:, 0]).any():  # a group alone has no proper solution
        return np.full(len(values), np.nan)
    values = values[:, ~np.isnan(values).any(0)]
    error, p = values[:, 1:].std(axis=1, keepdims=True), np.ones(len(values))
    moves = error[:, 0] > 1e-12
    if moves.any():
        scaled = np.abs(values[moves]) / error[moves]
        beyond = scaled[:, 1:].max(0) >= scaled[:, :1] - 1e-12
        p[moves] = (1 + beyond.sum(1)) / (1 + beyond.shape[1])
    return p


def _index_table(task, point, pairs, found, drawn, draws, seed, n) -> pd.DataFrame:
    points = task.target_points(all_draws(task, point, draws, seed)[0])
    gap = np.array([f["index"][0] for f in found])
    gaps = [(points * (drawn[a][0] - drawn[b][0])).sum(0) for a, b in pairs]
    low, high = simultaneous_interval(gap, np.stack(gaps, axis=1))
    p = np.array([_p(f["index"]) for f in found])
    return pd.DataFrame(
        {
            "one": [str(a) for a, _ in pairs],
            "other": [str(b) for _, b in pairs],
            "term": task.model.target,
            "estimate": gap,
            "low": low,
            "high": high,
            "n": [min(n[a], n[b]) for a, b in pairs],
            "p": p,
            "p_held": pvalues.adjusted(p),
        }
    )


def _measured_table(task, pairs, found, n) -> pd.DataFrame:
    constructs, parts, over_constructs = task.models[0].constructs, [], []
    alone = np.array([len(items) == 1 for items in constructs.values()])
    for (a, b), f in zip(pairs, found, strict=True):
        p = np.where(alone, 1.0, _p(f["same"], low=True))
        over_constructs.append(_p_largest(1 - f["same"]))
        means_p, spread_p = _p(f["means"]), _p(f["spread"])
        full = np.where((means_p > 1 - LEVEL) & (spread_p > 1 - LEVEL), "full", "partial")
        part = {
            "one": str(a),
            "other": str(b),
            "term": list(constructs),
            "estimate": f["same"][:, 0],
            "limit": np.nanquantile(f["same"][:, 1:], 1 - LEVEL, axis=1),
            "n": min(n[a], n[b]),
            "p": p,
            "means": f["means"][:, 0],
            "means_p": means_p,
            "spread": f["spread"][:, 0],
            "spread_p": spread_p,
            "verdict": full,
        }
        parts.append(pd.DataFrame(part))
    table = pd.concat(parts, ignore_index=True)
    table.insert(7, "p_held", pvalues.adjusted(np.array(over_constructs).T).T.ravel())
    return table.assign(verdict=table["verdict"].mask(table["p_held"] <= 1 - LEVEL, "none"))


def _paths_table(task, pairs, found, drawn, n) -> pd.DataFrame:
    model, parts, over_paths = task.models[-1], [], []
    names = list(model.constructs)
    routes = [(c, e) for e in model.order for c in model.paths.get(e, ())]
    where = [names.index(e) for _, e in routes], [names.index(c) for c, _ in routes]
    for (a, b), f in zip(pairs, found, strict=True):
        values = f["paths"][where]
        low, high = simultaneous_interval(values[:, 0], (drawn[a][1][where] - drawn[b][1][where]).T)
        over_paths.append(_p_largest(values))
        part = {
            "one": str(a),
            "other": str(b),
            "cause": [c for c, _ in routes],
            "effect": [e for _, e in routes],
            "term": [f"{i18n.label(c)} → {i18n.label(e)}" for c, e in routes],
            "estimate": values[:, 0],
            "low": low,
            "high": high,
            "n": min(n[a], n[b]),
            "p": _p(values),
        }
        parts.append(pd.DataFrame(part))
    table = pd.concat(parts, ignore_index=True)
    return table.assign(p_held=pvalues.adjusted(np.array(over_paths).T).T.ravel())


def _alike(measured: pd.DataFrame) -> str:
    shown = measured[measured["n"] >= context.current().smallest_cell]
    unlike = shown[shown["verdict"] == "none"]
    pairs = len(shown[["one", "other"]].drop_duplicates())
    if unlike.empty:
        return _(
            "Each construct is made of its questions alike in every group, so that the groups may "
            "be compared."
        )
    told = unlike[["one", "other"]].drop_duplicates()
    return _(
        "In {some:count} of {pairs:count} pairs of groups the questions weigh differently "
        "({constructs:list}; their scores correlate by {least:number3} or more): read differences "
        "with care.",
        least=np.floor(1000 * unlike["estimate"].min()) / 1000,
        some=len(told),
        pairs=pairs,
        constructs=dict.fromkeys(i18n.label(t) for t in unlike["term"]),
    )


def _sentence(table: pd.DataFrame) -> str:
    shown = table[(table["n"] >= context.current().smallest_cell) & table["low"].notna()]
    sure = shown[shown["p_held"] <= 1 - LEVEL]
    facts = {"pairs": len(shown), "target": table["term"].iloc[0]}
    if sure.empty:
        return _("No pair of groups differs in {target:label} beyond chance.", **facts)
    top = sure.loc[sure["estimate"].abs().idxmax()]
    above = top["estimate"] >= 0
    ends = (top["low"], top["high"]) if above else (-top["high"], -top["low"])
    return _(
        "{some:count} of {pairs:count} pairs of groups differ in {target:label} beyond chance; "
        "most {one:label}, {gap:number1} ({span}) points above {other:label}.",
        some=len(sure),
        one=top["one"] if above else top["other"],
        other=top["other"] if above else top["one"],
        gap=abs(top["estimate"]),
        span=i18n.span(*ends),
        **facts,
    )


def _left_out(left: list[str]) -> str:
    if not left:
        return ""
    return _("Too small to be compared: {groups:list}.", groups=left)


def _lost(found: list[dict]) -> str:
    lost = sum(int(np.isnan(f["paths"]).any((0, 1)).sum()) for f in found)
    if not lost:
        return ""
    return _("{lost:count} permutations did not settle; p rests on the others.", lost=lost)
