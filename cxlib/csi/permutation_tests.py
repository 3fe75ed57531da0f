"""Do groups differ, and do the questions mean the same to them? Permutations of who is in which.

gaps = csi.compare(sample, model, "channel")
print(gaps)              # web is 3.1 (1.0 to 5.2) points above shop ...
gaps.measured            # first: whether the constructs are made of the questions alike
gaps.table, gaps.paths   # then: the index and the paths, pair by pair
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from typing import TypeAlias

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.columns import SIMULTANEOUS
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.csi import notes, pls
from cxlib.csi.estimation import (
    Options,
    Problem,
    Solutions,
    covariances,
    estimate,
    prepare,
    replicate,
)
from cxlib.csi.model import Model
from cxlib.privacy import disclosure
from cxlib.stats import moments, pvalues
from cxlib.stats.intervals import LEVEL, simultaneous_interval, symmetric_interval
from cxlib.stats.moments import Moments

SCORES = ("means", "spread")
ALPHA = 1 - LEVEL
Side: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Pair:
    """Two groups: n of the smaller, what differs under permutation, and in resamples.

    `permuted` holds "index" (permutations + 1,), "paths" (J, J, ...), and "same", "means" and
    "spread" (constructs, ...); the first is the sample as it is. `means` (p, draws) and `paths`
    (J, J, draws) are differences in resamples.
    """

    one: str
    other: str
    n: int
    permuted: dict[str, np.ndarray]
    means: np.ndarray
    paths: np.ndarray


def compare(
    sample: SampleLike,
    model: Model,
    by: str,
    options: Options | None = None,
    *,
    permutations: int = 1000,
) -> Result:
    """Differences between pairs of groups: measurement first, then index and paths.

    Clusters of a group are permuted whole. The same model and treatment (configural invariance) is
    given by construction. Groups that are too small for the model, or of fewer customers than the
    page's smallest cell, are left out and named; tables are empty when fewer than two are left.

    Parameters
    ----------
    sample : answers, a row each
    model, options : as in `fit`
    by : column of the groups
    permutations : of who is in which group, behind the p-values

    Returns
    -------
    Result with three tables, in which n is that of the smaller group, p comes from permutations and
    p_held is adjusted over the pairs (Holm), after the paths or constructs of a pair (largest
    deviation). "table" (one, other, term, estimate: index points of one above other with the
    weights of everybody, low, high, n, p, p_held, simultaneous_low and _high over the pairs);
    "measured" (one, other, term; estimate: correlation of the scores that the two groups' weights
    give, 1 under compositional invariance, limit: its 5% quantile under permutation, means and
    spread: difference
    of means and logarithm of the ratio of variances of standardised scores, each with p; verdict:
    "none" where p_held says so, "partial" where only means or spread differ, else "full");
    "paths" (one, other, cause, effect, term; difference of standardised paths).

    Raises
    ------
    ValueError : as `fit`; permutations too few for so many pairs

    References
    ----------
    Henseler, Ringle and Sarstedt (2016), International Marketing Review 33(3); Chin and Dibbern
    (2010); Westfall and Young (1993).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> rows = pd.DataFrame({"speed": rng.integers(1, 11, 60), "shop": ["a", "b"] * 30})
    >>> rows["pleased"] = (rows["speed"] + rng.integers(-2, 3, 60)).clip(1, 10)
    >>> model = Model({"quality": ["speed"], "satisfaction": ["pleased"]},
    ...               {"satisfaction": ["quality"]})
    >>> compare(rows, model, "shop", permutations=19).measured["verdict"].tolist()
    ['full', 'partial']
    """
    sample = as_sample(sample)
    task = prepare(sample, model, options)
    point, _unused = estimate(task)
    by_group = moments.by_group(sample, model.items, by, missing=task.options.missing)
    groups, left = _usable(by_group, model)
    named = list(combinations(groups, 2))
    if not named:
        return _nothing_to_compare(by, left)
    if permutations < (least := round(len(named) / ALPHA) - 1):
        raise ValueError(
            f"{permutations} permutations cannot separate {len(named)} pairs of groups: {least} "
            f"are the least, {10 * least} are good."
        )
    drawn = {name: _resampled(task, point, sums) for name, sums in groups.items()}
    pairs = [
        Pair(
            str(a),
            str(b),
            int(min(groups[a].rows.sum(), groups[b].rows.sum())),
            _permuted(task, point, groups[a], groups[b], permutations),
            drawn[a][0] - drawn[b][0],
            drawn[a][1] - drawn[b][1],
        )
        for a, b in named
    ]
    tables = {
        "table": _index_table(task, point, pairs),
        "measured": _measured_table(task, pairs),
        "paths": _paths_table(task, pairs),
    }
    remarks = [
        notes.answers_note(task),
        notes.resamples_note(task),
        _("p from {count:count} permutations.", count=permutations),
        _left_out_note(left),
        _unsettled_note(pairs),
    ]
    finding = _finding(tables["measured"], tables["table"])
    return Result(tables, finding, i18n.together(remarks), "points", **sample.bootstrap)


def _usable(groups: dict[object, Moments], model: Model) -> tuple[dict[object, Moments], list[str]]:
    """The groups in which every question varies, with enough answers and people, and the others."""
    least = context.current().smallest_cell
    most = max((len(causes) for causes in model.paths.values()), default=1)
    kept = {}
    for name, sums in groups.items():
        enough = sums.rows.sum() >= max(most + 3, 2 * most) and len(set(sums.keys)) >= least
        if enough and _varies(sums):
            kept[name] = sums
    return kept, [str(name) for name in groups if name not in kept]


def _nothing_to_compare(by: str, left: list[str]) -> Result:
    shared = ["one", "other", "term", "estimate", "low", "high", "n", "p", "p_held"]
    claim = _("Fewer than two groups by {by:label} are large enough to be compared.", by=by)
    tables = dict.fromkeys(("table", "measured", "paths"), pd.DataFrame(columns=shared))
    return Result(tables, claim, _left_out_note(left), "points")


def _varies(sums: Moments) -> bool:
    return bool((np.diagonal(sums.total().cov) > 1e-12).all())


def _permuted(
    task: Problem, point: Solutions, one: Moments, other: Moments, permutations: int
) -> dict[str, np.ndarray]:
    """What differs between two groups, (..., permutations + 1); first as it is, then permuted."""
    both = one + other
    unit = np.unique(np.r_[2 * one.keys, 2 * other.keys + 1], return_inverse=True)[
        1
    ]  # a customer in both groups counts as two
    first = np.zeros(unit.max() + 1)
    first[unit[: len(one.keys)]] = 1.0
    labels = np.repeat(first[None], permutations + 1, axis=0)
    labels[1:] = np.random.default_rng(one.seed).permuted(labels[1:], axis=1)
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
    ends = [0, *range(1, samples, pls.DRAWS_AT_ONCE), samples]
    return [slice(*ends) for ends in pairwise(ends)]


def _side(task: Problem, point: Solutions, sums: Moments) -> Side:
    """Means, covariances, outer weights and paths of a group, samples last."""
    cov = moments.possible(sums.cov)[0] if sums.pairwise else sums.cov
    mean, cov = np.moveaxis(sums.mean, 0, -1), np.moveaxis(cov, 0, -1)
    solved = task.solve(mean, cov, point)
    return mean, cov, solved[0].weights, solved[-1].paths


def _differences(
    task: Problem,
    point: Solutions,
    sides: list[Side],
    cov: np.ndarray,
    deviation: np.ndarray,
    weights: np.ndarray,
) -> dict[str, np.ndarray]:
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


def _resampled(task: Problem, point: Solutions, sums: Moments) -> tuple[np.ndarray, np.ndarray]:
    """Means (p, draws) and standardised paths (J, J, draws) of a group in each resample."""
    own, means, paths = replace(task, sums=sums), [], []
    for mean, cov, _unused in covariances(own):
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
    """The p of each row that holds over all rows.

    It is against the largest standardised one of each sample: see Westfall and Young (1993), single
    step. `values` are (rows, permutations + 1).
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


def _index_table(task: Problem, point: Solutions, pairs: Sequence[Pair]) -> pd.DataFrame:
    points = task.target_points(replicate(task, point)[0])
    gap = np.array([pair.permuted["index"][0] for pair in pairs])
    gaps = np.stack([(points * pair.means).sum(0) for pair in pairs], axis=1)
    low, high = symmetric_interval(gap, gaps)
    together = simultaneous_interval(gap, gaps)
    p = np.array([_p(pair.permuted["index"]) for pair in pairs])
    return pd.DataFrame(
        {
            "one": [pair.one for pair in pairs],
            "other": [pair.other for pair in pairs],
            "term": task.model.target,
            "estimate": gap,
            "low": low,
            "high": high,
            "n": [pair.n for pair in pairs],
            "p": p,
            "p_held": pvalues.adjusted(p),
            **dict(zip(SIMULTANEOUS, together, strict=True)),
        }
    )


def _measured_table(task: Problem, pairs: Sequence[Pair]) -> pd.DataFrame:
    constructs = task.models[0].constructs
    alone = np.array([len(items) == 1 for items in constructs.values()])
    parts, over_constructs = [], []
    for pair in pairs:
        same, means, spread = (pair.permuted[name] for name in ("same", *SCORES))
        over_constructs.append(_p_largest(1 - same))
        means_p, spread_p = _p(means), _p(spread)
        part = {
            "one": pair.one,
            "other": pair.other,
            "term": list(constructs),
            "estimate": same[:, 0],
            "limit": np.nanquantile(same[:, 1:], ALPHA, axis=1),
            "n": pair.n,
            "p": np.where(alone, 1.0, _p(same, low=True)),
            "means": means[:, 0],
            "means_p": means_p,
            "spread": spread[:, 0],
            "spread_p": spread_p,
            "verdict": np.where((means_p > ALPHA) & (spread_p > ALPHA), "full", "partial"),
        }
        parts.append(pd.DataFrame(part))
    table = pd.concat(parts, ignore_index=True)
    table.insert(7, "p_held", pvalues.adjusted(np.array(over_constructs).T).T.ravel())
    return table.assign(verdict=table["verdict"].mask(table["p_held"] <= ALPHA, "none"))


def _paths_table(task: Problem, pairs: Sequence[Pair]) -> pd.DataFrame:
    model, parts, over_paths = task.models[-1], [], []
    names = list(model.constructs)
    routes = [(c, e) for e in model.order for c in model.paths.get(e, ())]
    where = [names.index(e) for _, e in routes], [names.index(c) for c, _ in routes]
    for pair in pairs:
        values = pair.permuted["paths"][where]
        low, high = simultaneous_interval(values[:, 0], pair.paths[where].T)
        over_paths.append(_p_largest(values))
        part = {
            "one": pair.one,
            "other": pair.other,
            "cause": [c for c, _ in routes],
            "effect": [e for _, e in routes],
            "term": [f"{i18n.label(c)} → {i18n.label(e)}" for c, e in routes],
            "estimate": values[:, 0],
            "low": low,
            "high": high,
            "n": pair.n,
            "p": _p(values),
        }
        parts.append(pd.DataFrame(part))
    table = pd.concat(parts, ignore_index=True)
    return table.assign(p_held=pvalues.adjusted(np.array(over_paths).T).T.ravel())


def _finding(measured: pd.DataFrame, table: pd.DataFrame) -> Finding:
    """Whether the groups may be compared, and how many pairs differ."""
    shown = disclosure.shown(measured)
    unlike = shown[shown["verdict"] == "none"]
    pairs = len(shown[["one", "other"]].drop_duplicates())
    if unlike.empty:
        claim = _("Every construct is measured alike in all groups, so that they may be compared.")
        if len(shown) < len(measured):  # of hidden groups nothing is said
            claim = _("Every construct is measured alike in the groups that are large enough.")
        return Finding(claim, _pairs(table), importance=Importance.METHOD)
    told = unlike[["one", "other"]].drop_duplicates()
    words = {"some": len(told), "pairs": pairs}
    claim = _(
        "Questions weigh differently in {some:count} of {pairs:count} pairs of groups: compare "
        "them with care.",
        **words,
    )
    detail = _(
        "{constructs:list}; scores correlate by {least:number3} or more; {differences}",
        least=np.floor(1000 * unlike["estimate"].min()) / 1000,
        constructs=dict.fromkeys(i18n.label(t) for t in unlike["term"]),
        differences=_pairs(table),
        **words,
    )
    return Finding(claim, detail)


def _pairs(table: pd.DataFrame) -> str:
    """How many pairs of groups differ in the index, and which differ most."""
    shown = disclosure.shown(table)
    shown = shown[shown["low"].notna()]
    significant, target = shown[shown["p_held"] <= ALPHA], table["term"].iloc[0]
    if significant.empty:
        return _(
            "no pair of groups differs significantly in {target:label}",
            target=table["term"].iloc[0],
        )
    top = significant.loc[significant["estimate"].abs().idxmax()]
    above = top["estimate"] >= 0
    ends = (top["low"], top["high"]) if above else (-top["high"], -top["low"])
    return _(
        "{some:count} of {pairs:count} pairs of groups differ significantly in {target:label}; "
        "{one:label} is {gap:number1} points above {other:label} (95% CI {span:interval1})",
        some=len(significant),
        pairs=len(shown),
        target=target,
        one=top["one"] if above else top["other"],
        other=top["other"] if above else top["one"],
        gap=abs(top["estimate"]),
        span=ends,
    )


def _left_out_note(left: list[str]) -> str:
    if not left:
        return ""
    return _("Too small to be compared: {groups:list}.", groups=left)


def _unsettled_note(pairs: Sequence[Pair]) -> str:
    failed = sum(int(np.isnan(p.permuted["paths"]).any((0, 1)).sum()) for p in pairs)
    if not failed:
        return ""
    return _("{failed:count} permutations did not settle; p rests on the others.", failed=failed)
