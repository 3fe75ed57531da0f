"""Fitting the index: answers in, tables with intervals and one sentence out."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib import weights
from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.csi import pls, said, warned
from cxlib.csi.model import Model
from cxlib.csi.precision import width_rule
from cxlib.csi.prepared import Prepared, Scales, Solutions, all_draws, estimate, prepare
from cxlib.estimates import Estimates, how_drawn
from cxlib.stats.intervals import LEVEL, estimates_table, expanded_level
from cxlib.stats.moments import Moments

RELIABILITIES = ("alpha", "rho_A", "rho_C", "AVE")


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
        routes together; with the construct's own index beside it, their correlation over draws,
        and the shares of draws in which it is the most important (chance_first), and in which it
        matters more and stands lower than the average construct (chance_priority)
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
        answer = _(
            "One point more of {construct:label} goes with {points:number2} ({span:interval2}) "
            "points more of {target:label}, n {n:count}.",
            construct=top.term,
            points=top.estimate,
            target=self.model.target,
            span=(top.low, top.high),
            n=top.n,
        )
        if top.chance_first < LEVEL:
            # those that share first place in 95% of the draws
            shared = rest["chance_first"].cumsum() - rest["chance_first"] + top.chance_first
            near = rest.loc[(shared < LEVEL) & (rest["chance_first"] > 0), "term"].map(i18n.label)
            answer += " " + _("Whether {others:list} may matter as much is open.", others=near)
        return Estimates(table, answer, self.note, draws=self.draws, seed=self.seed)

    @property
    def reliable(self) -> Estimates:
        """`reliability` with a sentence about the construct that is measured worst (by rho_A)."""
        known = self.reliability.query("term == 'rho_A'").dropna(subset=["estimate"])
        if known.empty:
            answer = _("No construct has more than one question, so reliability is unknown.")
        else:
            worst = known.loc[known["estimate"].idxmin()]
            answer = _(
                "The least reliable scale is {construct:label}: rho_A {value:number2} "
                "({span:interval2}), n {n:count}.",
                construct=worst.construct,
                value=worst.estimate,
                span=(worst.low, worst.high),
                n=worst.n,
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
    consistent: bool = False,
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
    missing : "complete" rows only, "pairwise", or "em" (maximum likelihood)
    consistent : constructs that are not formative are common factors: paths, loadings, R² and
        importance are freed of measurement error (consistent PLS); the index is the same

    The index is (mean - lowest) / (highest - lowest) of the construct's questions under
    unstandardised weights (Fornell et al. 1996). Weights, means, deviations, paths and index are
    all weighted, and all are found anew in every draw. Raises ValueError for unknown questions,
    answers off their scale, questions that everybody answers alike, and too few answers.
    """
    task = prepare(
        responses,
        model,
        scales=scales,
        weight=weight,
        bucket=bucket,
        scheme=scheme,
        missing=missing,
        consistent=consistent,
    )
    point, mended = estimate(task)
    again, drawn_mended = all_draws(task, point, draws, seed)
    tables = _tables(task, point, again)
    remarks = [
        said.answered(task.sums, responses, model.items),
        how_drawn(draws, weights.differing(responses, weight), bucket),
        said.mended(mended, drawn_mended, draws),
        *warned.failures(task, again, draws),
        *warned.warnings(task, point),
        width_rule(tables["table"], model.target),
    ]
    return Fit(
        answer=said.sentence(tables["table"], model.target, task.n),
        note=i18n.together(remarks),
        unit="points",
        draws=draws,
        seed=seed,
        replicates=None if model.parts else again[-1].index.T,
        model=model,
        **tables,
    )


def _tables(task: Prepared, point: Solutions, again: Solutions) -> dict:
    """All tables of a fit; parts of constructs of a higher order come after the wholes."""
    n, units, model = task.n, task.sums.effective, task.model
    tables = _stage_tables(task.models[-1], point[-1], again[-1], n, units)
    if model.parts:
        parts = [part for own in model.parts.values() for part in own]
        lower = _stage_tables(task.models[0], point[0], again[0], n, units)
        for name in ("table", "weights", "loadings", "reliability"):
            rows = lower[name]
            rows = rows[rows["term" if name == "table" else "construct"].isin(parts)]
            tables[name] = pd.concat([tables[name], rows], ignore_index=True)
    return tables


def _stage_tables(
    model: Model, point: pls.Solution, again: pls.Solution, n: int, units: float
) -> dict:
    names, items = list(model.constructs), model.items
    homes = [name for name, own in model.constructs.items() for _ in own]
    at = {name: j for j, name in enumerate(names)}
    caused = [j for j, name in enumerate(names) if model.paths.get(name)]
    leads = [j for j in range(len(names)) if _leads(model, names[j], model.target)]

    level = expanded_level(units, 1 + max((len(c) for c in model.paths.values()), default=0))

    def of(quantity: str, terms: list[str], where: object = slice(None), at=level) -> pd.DataFrame:
        estimate, replicates = getattr(point, quantity)[where], getattr(again, quantity)[where]
        return estimates_table(terms, estimate[:, 0], replicates.T, n, level=at)

    def between(quantity: str, pairs: list[tuple[str, str]]) -> pd.DataFrame:
        where = [at[effect] for _, effect in pairs], [at[cause] for cause, _ in pairs]
        table = of(quantity, [f"{i18n.label(c)} → {i18n.label(e)}" for c, e in pairs], where)
        table.insert(0, "cause", [c for c, _ in pairs])
        table.insert(1, "effect", [e for _, e in pairs])
        return table

    index = of("index", names, at=expanded_level(units))
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
        "r2": _centred(of("r2", [names[j] for j in caused], caused), again.r2[caused]),
        "effects": between(
            "total", [(c, e) for e in model.order for c in model.order if _leads(model, c, e)]
        ),
        "importance": importance.assign(
            index=beside["estimate"],
            index_low=beside["low"],
            index_high=beside["high"],
            correlation=_correlation(again.importance[leads], again.index[leads]),
            chance_first=_chance_first(again.importance[leads]),
            chance_priority=_chance_priority(again.importance[leads], again.index[leads]),
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
        estimates_table(RELIABILITIES, estimate[j], replicates[j].T, n, level=level, construct=name)
        for j, name in enumerate(model.constructs)
        if not np.isnan(estimate[j]).all()
    ]
    columns = ["construct", "term", "estimate", "low", "high", "n"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _centred(table: pd.DataFrame, replicates: np.ndarray) -> pd.DataFrame:
    """R² with its intervals moved back by the bias of the draws, which have it twice over."""
    bias = np.nanmedian(replicates, axis=1) - table["estimate"] if replicates.size else 0.0
    low, high = table["low"] - 2 * bias, table["high"] - 2 * bias
    return table.assign(
        low=np.minimum(low.clip(0), table["estimate"]), high=np.maximum(high, table["estimate"])
    )


def _chance_first(replicates: np.ndarray) -> np.ndarray:
    """Share of draws (last axis) in which each term is the largest."""
    settled = replicates[:, ~np.isnan(replicates).any(0)]
    if not settled.size:
        return np.full(len(replicates), np.nan)
    return np.bincount(settled.argmax(0), minlength=len(replicates)) / settled.shape[1]


def _chance_priority(importance: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Share of draws in which each construct matters more and stands lower than the average."""
    settled = ~np.isnan(importance).any(0)
    if not (settled.any() and len(importance)):
        return np.full(len(importance), np.nan)
    importance, index = importance[:, settled], index[:, settled]
    return ((importance > importance.mean(0)) & (index < index.mean(0))).mean(1)


def _correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Correlation over draws (last axis), row by row; NaN where one does not vary."""
    settled = ~(np.isnan(one) | np.isnan(other)).any(0)
    one, other = one[:, settled], other[:, settled]
    if one.shape[1] < 2:
        return np.full(len(one), np.nan)
    a, b = one - one.mean(1, keepdims=True), other - other.mean(1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (a * b).sum(1) / np.sqrt((a**2).sum(1) * (b**2).sum(1))


def _leads(model: Model, cause: str, effect: str) -> bool:
    """Whether some route of paths goes from cause to effect."""
    causes = model.paths.get(effect, ())
    return cause in causes or any(_leads(model, cause, c) for c in causes)
