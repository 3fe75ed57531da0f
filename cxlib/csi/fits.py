"""Fitting the index: answers in, tables with intervals and one sentence out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib import moments, page, weights
from cxlib.csi import pls, said
from cxlib.csi.model import Model
from cxlib.estimates import LEVEL, Estimates, at_once, how_drawn, interval, tabulate, widened
from cxlib.moments import Moments

SCALE = (1.0, 10.0)
RELIABILITIES = ("alpha", "rho_A", "rho_C", "AVE")
MOST_MOVED = 0.1  # of a pairwise correlation; beyond that the answers contradict one another
Scales = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Fit(Estimates):
    """The index of every construct (`table`, 0-100) and what lies behind it, in the same shape.

    Attributes
    ----------
    paths : cause, effect, term; standardised regression coefficients
    weights : construct, term; standardised outer weights, and `share`: the unstandardised weights
        of the index, which add up to one in a construct
    loadings : construct, term; correlations of the questions with their construct
    r2 : explained share of the variance of each construct that has causes
    effects : cause, effect, term; standardised effects over all routes together
    importance : index points of the target that go with one index point of each construct, all
        routes together; with the construct's own index beside it (importance-performance) and
        chance_first, the share of draws in which it is the most important
    reliability : construct, term in alpha, rho_A, rho_C, AVE
    model : what was fitted
    """

    paths: pd.DataFrame = field(kw_only=True)
    weights: pd.DataFrame = field(kw_only=True)
    loadings: pd.DataFrame = field(kw_only=True)
    r2: pd.DataFrame = field(kw_only=True)
    effects: pd.DataFrame = field(kw_only=True)
    importance: pd.DataFrame = field(kw_only=True)
    reliability: pd.DataFrame = field(kw_only=True)
    model: Model = field(kw_only=True)

    @property
    def why(self) -> Estimates:
        """`importance` with a sentence about what goes with the target most."""
        table = self.importance.sort_values("estimate", ascending=False, ignore_index=True)
        if table.empty:
            return Estimates(table, self.answer, self.note, draws=self.draws, seed=self.seed)
        top, rest = table.iloc[0], table.iloc[1:]
        answer = page.say(
            "One point more of {construct} goes with {points} ({span}) points more of {target}, "
            "n {n}.",
            construct=page.label(top.term),
            points=page.number(top.estimate, 2),
            target=page.label(self.model.target),
            span=page.span(top.low, top.high, 2),
            n=page.count(top.n),
        )
        if top.chance_first < LEVEL:
            # those that share first place in 95% of the draws
            shared = rest["chance_first"].cumsum() - rest["chance_first"] + top.chance_first
            near = rest.loc[(shared < LEVEL) & (rest["chance_first"] > 0), "term"].map(page.label)
            answer += " " + page.say(
                "Whether {others} may matter as much is open.", others=page.listed(near)
            )
        return Estimates(table, answer, self.note, draws=self.draws, seed=self.seed)

    @property
    def reliable(self) -> Estimates:
        """`reliability` with a sentence about the construct that is measured worst (by rho_A)."""
        known = self.reliability.query("term == 'rho_A'").dropna(subset=["estimate"])
        if known.empty:
            answer = page.say("No construct has more than one question, so reliability is unknown.")
        else:
            worst = known.loc[known["estimate"].idxmin()]
            answer = page.say(
                "The least reliable scale is {construct}: rho_A {value} ({span}), n {n}.",
                construct=page.label(worst.construct),
                value=page.number(worst.estimate, 2),
                span=page.span(worst.low, worst.high, 2),
                n=page.count(worst.n),
            )
        return Estimates(self.reliability, answer, self.note, draws=self.draws, seed=self.seed)


def fit(
    responses: pd.DataFrame | Moments,
    model: Model,
    *,
    scales: Scales | None = None,
    weight: str | None = None,
    bucket: str | None = None,
    scheme: str = "path",
    missing: str = "complete",
    draws: int = 1000,
    seed: int = 1,
) -> Fit:
    """The 0-100 index of every construct by a PLS path model, with 95% bootstrap intervals.

    Parameters
    ----------
    responses : answers, a row each; or sums of the model's questions (`reserve.sums`)
    scales : lowest and highest possible answer of each question; 1 to 10 where not given
    bucket : column of customers, who are drawn whole
    scheme : "path" (causes by regression, effects by correlation), "factorial", "centroid"
    missing : "complete" rows only, or "pairwise"

    The index is (mean - lowest) / (highest - lowest) of the construct's questions under
    unstandardised weights (Fornell et al. 1996). Weights, means, deviations, paths and index are
    all weighted, and all are found anew in every draw. Raises ValueError for unknown questions,
    answers off their scale, questions that everybody answers alike, and too few answers.
    """
    sums, ends = _prepare(responses, model, scales, weight, bucket, scheme, missing)
    plan = pls.plan_of(model)
    point, mended = _point(sums, plan, ends, model, scheme)
    again, drawn_mended = _draws(sums, plan, ends, scheme, point.weights[:, 0], draws, seed)
    n = int(sums.rows.sum())
    tables = _tables(model, point, again, n, sums.effective)
    remarks = [
        said.answered(sums, responses, model.items),
        how_drawn(draws, weights.differing(responses, weight), bucket),
        said.mended(mended, drawn_mended, draws),
        said.failures(again, draws),
        *said.warnings(model, point),
    ]
    return Fit(
        answer=said.sentence(tables["table"], model.target, n),
        note=page.together(remarks),
        unit="points",
        draws=draws,
        seed=seed,
        model=model,
        **tables,
    )


def fit_by(
    responses: pd.DataFrame,
    model: Model,
    by: str,
    *,
    scales: Scales | None = None,
    weight: str | None = None,
    bucket: str | None = None,
    scheme: str = "path",
    missing: str = "complete",
    draws: int = 1000,
    seed: int = 1,
) -> Estimates:
    """The target's 0-100 index in each group of the column `by`, and overall (last row).

    All groups are measured with the same weights, those of everybody together, found anew in each
    draw: what differs is then the answers, not the yardstick. The intervals of the groups are
    simultaneous: 95% that all of them hold at once (largest standardised deviation over the groups
    of each draw). The interval overall is its own, as in `fit`.
    """
    sums, ends = _prepare(responses, model, scales, weight, bucket, scheme, missing)
    how = {"weight": weight, "bucket": bucket, "missing": missing}
    groups = moments.by_group(responses, model.items, by, **how)
    plan = pls.plan_of(model)
    point, _ = _point(sums, plan, ends, model, scheme)
    again, _ = _draws(sums, plan, ends, scheme, point.weights[:, 0], draws, seed)
    index, replicates = _group_indices(groups, plan, ends, point, again, draws, seed)
    n = [int(s.rows.sum()) for s in (*groups.values(), sums)]
    replicates[:, np.array(n) < 2] = np.nan  # one answer has no spread to draw from
    low, high = at_once(index[:-1], replicates[:, :-1])
    alone = interval(replicates[:, -1], widened(sums.effective))  # as `fit` has it
    low, high = np.r_[low, alone[0]], np.r_[high, alone[1]]
    names = [*map(str, groups), "overall"]
    table = pd.DataFrame({by: names, "term": model.target, "estimate": index})
    table = table.assign(low=low.clip(0), high=high.clip(None, 100), n=n)
    without = int(responses[by].isna().sum())
    remarks = [
        said.answered(sums, responses, model.items),
        how_drawn(draws, weights.differing(responses, weight), bucket),
        page.say(
            "All groups are measured with the weights of everybody; their intervals hold at once."
        ),
        page.say("{n} rows belong to no group.", n=page.count(without)) if without else "",
        said.failures(again, draws),
    ]
    return Estimates(
        table,
        said.group_sentence(table, by, index[:-1], replicates[:, :-1]),
        page.together(remarks),
        "points",
        draws=draws,
        seed=seed,
    )


def _prepare(responses, model, scales, weight, bucket, scheme, missing):
    """Sums of the model's questions, and the ends of their scales (p, 2), both checked."""
    if scheme not in pls.SCHEMES:
        raise ValueError(f"no scheme {scheme!r}. There are: {', '.join(pls.SCHEMES)}.")
    items = model.items
    ends = np.array([tuple(map(float, (scales or {}).get(item, SCALE))) for item in items])
    if (flat := ends[:, 0] >= ends[:, 1]).any():
        raise ValueError(f"scales: {items[flat.argmax()]!r} must have its lowest answer first.")
    if isinstance(responses, Moments):
        sums = responses.select(items)
    else:
        sums = moments.of(responses, items, weight=weight, bucket=bucket, missing=missing)
        _check_answers(responses[items], ends)
    most = max((len(causes) for causes in model.paths.values()), default=1)
    if (n := int(sums.rows.sum())) < most + 3:
        raise ValueError(
            f"{n} of {sums.offered} responses can be used; a construct with {most} causes needs "
            f"{most + 3} at the very least, and some 200 for a useful interval."
        )
    _check_spread(sums, items)
    return sums, ends


def _check_answers(answers: pd.DataFrame, ends: np.ndarray) -> None:
    values = answers.to_numpy(float, na_value=np.nan)
    outside = (values < ends[:, 0]) | (values > ends[:, 1])
    if outside.any():
        at = int(outside.any(0).argmax())
        item, given = answers.columns[at], int((~np.isnan(values[:, at])).sum())
        raise ValueError(
            f"responses.{item}: {outside[:, at].sum():,} of {given:,} answers lie outside "
            f"{ends[at, 0]:g}-{ends[at, 1]:g} (found {values[outside[:, at], at][0]:g}). Recode "
            f"them, or give the question's ends: scales={{{item!r}: (lowest, highest)}}."
        )


def _check_spread(sums: Moments, items: list[str]) -> None:
    total = sums.total()
    variance = np.diagonal(total.cov)
    alike = [
        f"{i!r} (all {m:g})"
        for i, m, v in zip(items, total.mean, variance, strict=True)
        if v < 1e-12
    ]
    if alike:
        raise ValueError(
            f"everybody gives the same answer to {', '.join(alike)}. A question without "
            "differences cannot be weighed: leave it out of the model, or take more responses."
        )


def _point(sums: Moments, plan: pls.Plan, ends: np.ndarray, model: Model, scheme: str):
    total = sums.total()
    cov, moved = moments.possible(total.cov) if sums.pairwise else (total.cov, np.zeros(()))
    if not moved <= MOST_MOVED:
        raise ValueError(_contradiction(total, model.items, float(moved)))
    point = pls.solve(plan, total.mean[:, None], cov[:, :, None], ends, scheme)
    if not point.rounds[0]:
        raise ValueError(
            f"the weights did not settle in {pls.MOST_ROUNDS} rounds ({scheme} scheme): some "
            "questions or constructs are copies of one another, or a construct is unrelated to "
            "its neighbours. Look at the correlations of the questions; try another scheme."
        )
    if np.isnan(point.paths).any():
        names = list(model.constructs)
        effect = names[int(np.isnan(point.paths).any((1, 2)).argmax())]
        raise ValueError(
            f"the causes of {effect!r} ({', '.join(model.paths[effect])}) are copies of one "
            "another: their paths cannot be told apart. Leave one out, or join them in one."
        )
    return point, float(moved)


def _contradiction(total: Moments, items: list[str], moved: float) -> str:
    if np.isnan(moved):
        i, j = np.argwhere(np.isnan(total.cov))[0]
        return (
            f"nobody answers both {items[i]!r} and {items[j]!r}, so they cannot be compared. Leave "
            "one out of the model."
        )
    return (
        f"pairwise correlations contradict one another (one would have to move by {moved:.2f}; "
        f"the limit is {MOST_MOVED}). Use missing='complete', or leave out what few answer."
    )


def _draws(sums, plan, ends, scheme, start, draws, seed):
    """The solutions of the draws, and how many needed mending (pairwise only)."""
    parts, mended = [], 0
    for again in sums.resample_in_parts(draws, seed, pls.TOGETHER):
        cov = again.cov
        if sums.pairwise:
            cov, moved = moments.possible(cov)
            mended += int((moved > 0).sum())
        mean, cov = np.moveaxis(again.mean, 0, -1), np.moveaxis(cov, 0, -1)
        parts.append(pls.solve(plan, mean, cov, ends, scheme, start))
    return pls.joined(parts), mended


def _tables(model: Model, point: pls.Solution, again: pls.Solution, n: int, units: float) -> dict:
    names, items = list(model.constructs), model.items
    homes = [name for name, own in model.constructs.items() for _ in own]
    at = {name: j for j, name in enumerate(names)}
    caused = [j for j, name in enumerate(names) if model.paths.get(name)]
    leads = [j for j in range(len(names)) if _leads(model, names[j], model.target)]

    level = widened(units, 1 + max((len(c) for c in model.paths.values()), default=0))

    def of(quantity: str, terms: list[str], where: object = slice(None), at=level) -> pd.DataFrame:
        estimate, replicates = getattr(point, quantity)[where], getattr(again, quantity)[where]
        return tabulate(terms, estimate[:, 0], replicates.T, n, level=at)

    def between(quantity: str, pairs: list[tuple[str, str]]) -> pd.DataFrame:
        where = [at[effect] for _, effect in pairs], [at[cause] for cause, _ in pairs]
        table = of(quantity, [f"{page.label(c)} → {page.label(e)}" for c, e in pairs], where)
        table.insert(0, "cause", [c for c, _ in pairs])
        table.insert(1, "effect", [e for _, e in pairs])
        return table

    index = of("index", names, at=widened(units))
    weights, loadings = of("weights", items), of("loadings", items)
    for table in (weights, loadings):
        table.insert(0, "construct", homes)
    importance = of("importance", [names[j] for j in leads], leads)
    beside = index.iloc[leads].reset_index(drop=True)
    return {
        "table": index,
        "paths": between("paths", [(c, e) for e in model.order for c in model.paths.get(e, ())]),
        "weights": weights.assign(share=point.share[:, 0]),
        "loadings": loadings,
        "r2": of("r2", [names[j] for j in caused], caused),
        "effects": between(
            "total", [(c, e) for e in model.order for c in model.order if _leads(model, c, e)]
        ),
        "importance": importance.assign(
            index=beside["estimate"],
            index_low=beside["low"],
            index_high=beside["high"],
            chance_first=_chance_first(again.importance[leads]),
        ),
        "reliability": _reliability(model, point, again, n, level),
    }


def _reliability(
    model: Model, point: pls.Solution, again: pls.Solution, n: int, level: float
) -> pd.DataFrame:
    """Rows construct by construct; single questions and formative constructs have none."""
    stack = lambda s: np.stack([s.alpha, s.rho_a, s.rho_c, s.ave], axis=1)  # noqa: E731
    estimate, replicates = stack(point)[..., 0], stack(again)
    parts = [
        tabulate(RELIABILITIES, estimate[j], replicates[j].T, n, level=level, construct=name)
        for j, name in enumerate(model.constructs)
        if not np.isnan(estimate[j]).all()
    ]
    columns = ["construct", "term", "estimate", "low", "high", "n"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _chance_first(replicates: np.ndarray) -> np.ndarray:
    """Share of draws (last axis) in which each term is the largest."""
    settled = replicates[:, ~np.isnan(replicates).any(0)]
    if not settled.size:
        return np.full(len(replicates), np.nan)
    return np.bincount(settled.argmax(0), minlength=len(replicates)) / settled.shape[1]


def _leads(model: Model, cause: str, effect: str) -> bool:
    """Whether some route of paths goes from cause to effect."""
    causes = model.paths.get(effect, ())
    return cause in causes or any(_leads(model, cause, c) for c in causes)


def _group_indices(groups, plan, ends, point, again, draws, seed):
    """Index of the target in each group and in all, (G + 1,), and in each draw, (draws, G + 1)."""
    block = plan.blocks[plan.target]
    index = [_group_index(s.total().mean, point.share, ends, block)[0] for s in groups.values()]
    drawn = [
        _group_index(np.moveaxis(s.resample(draws, seed).mean, 0, -1), again.share, ends, block)
        for s in groups.values()
    ]
    index, drawn = [*index, point.index[plan.target, 0]], [*drawn, again.index[plan.target]]
    return np.array(index), np.stack(drawn, axis=1)


def _group_index(mean: np.ndarray, share: np.ndarray, ends: np.ndarray, block: slice) -> np.ndarray:
    """Index of the target (D,) from means (p,) or (p, D) under the weights `share` (p, D)."""
    mean = mean[block] if mean.ndim == 2 else mean[block, None]
    low, width = ends[block, :1], ends[block, 1:] - ends[block, :1]
    return 100 * (share[block] * (mean - low)).sum(0) / (share[block] * width).sum(0)
