"""The index of every construct, 0-100, and what lies behind it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import as_sample
from cxlib.csi import index_findings, notes, pls
from cxlib.csi.estimation import (
    Answers,
    Options,
    Problem,
    Solutions,
    estimate,
    points_of,
    prepare,
    replicate,
)
from cxlib.csi.model import Model
from cxlib.csi.precision import width_rule
from cxlib.stats.intervals import LEVEL, estimates_table, expanded_level, recentred_fit
from cxlib.stats.moments import Moments

RELIABLE = 0.7  # rho_A from which a scale is usually taken for reliable
RELIABILITIES = ("alpha", "rho_A", "rho_C", "AVE")
EIGENVALUES = ("eigenvalue_1", "eigenvalue_2")


def fit(sample: Answers, model: Model, options: Options | None = None) -> Result:
    """The 0-100 index of every construct by a PLS path model, with 95% bootstrap intervals.

    The index is (mean - lowest) / (highest - lowest) of the construct's questions under
    unstandardised weights (Fornell et al. 1996). Weights, means, deviations, paths and index are
    all weighted, and all are found anew in every resample.

    Parameters
    ----------
    sample : answers, a row each; or sums of the model's questions (`stats.moments.of`)
    model : constructs, questions and paths
    options : scales, inner weighting, missing answers, consistent PLS

    Returns
    -------
    Result with the tables "table" (term, estimate: index points from 0 to 100, low, high, n),
    "paths" (cause, effect, term; standardised coefficients), "weights" (construct, term;
    standardised outer weights, and share: the unstandardised weights of the index, which add up to
    one in a construct), "loadings" (construct, term), "r2", "effects" (cause, effect, term; over
    all routes together), "importance" (index points of the target for one index point of each
    construct, all routes together; with the construct's own index and its interval, their
    correlation over resamples, chance_first and chance_priority: shares of resamples in which it is
    the most important, and in which it matters more and stands lower than the average construct),
    "reliability" (construct, term in alpha, rho_A, rho_C, AVE) and "eigenvalues" (construct, term
    in eigenvalue_1, eigenvalue_2: of the correlations of its questions); the parts "model" and
    "pooled" (whether the answers are of several waves: a target is judged by the latest of them,
    see `by_wave`). Of questions that are not `scaled`, "weights" and "loadings" are in the units of
    the answers: weights of one more point, of a score with variance one, and covariances with that
    score; and "unstandardised" has the paths in index points of the effect for one index point of
    the cause.

    Raises
    ------
    ValueError : unknown questions, answers off their scale, questions that everybody answers alike,
        too few answers

    References
    ----------
    Fornell, Johnson, Anderson, Cha and Bryant (1996), Journal of Marketing 60(4); Lohmöller (1989);
    Dijkstra and Henseler (2015), MIS Quarterly 39(2).

    Examples
    --------
    >>> rows = pd.DataFrame({"speed": [1, 4, 6, 9, 7, 3.0], "pleased": [2, 4, 7, 10, 7, 3.0]})
    >>> model = Model({"quality": ["speed"], "satisfaction": ["pleased"]},
    ...               {"satisfaction": ["quality"]})
    >>> fit(rows, model).table["estimate"].round(1).tolist()
    [44.4, 50.0]
    """
    task = prepare(sample, model, options)
    point, moved = estimate(task)
    replicates, repaired = replicate(task, point)
    tables = _tables(task, point, replicates)
    pooled = _pooled(sample)
    remarks = [
        notes.answers_note(task),
        notes.resamples_note(task),
        notes.pairwise_note(task, moved, repaired),
        *notes.failures_notes(task, replicates),
        *notes.solution_notes(task, point),
        width_rule(tables["table"], model.target),
    ]
    return Result(
        tables,
        _finding(tables, point, replicates, model, pooled=pooled),
        i18n.together(remarks),
        "points",
        **task.sums.bootstrap,
        replicates=None if model.parts else replicates[-1].index.T,
        parts={"model": model, "pooled": pooled},
    )


def key_drivers(index: Result) -> Result:
    """What is associated with the target most: the table "importance" of `fit`, largest first.

    Parameters
    ----------
    index : of `fit`

    Examples
    --------
    >>> rows = pd.DataFrame({"speed": [1, 4, 6, 9, 7, 3.0], "pleased": [2, 4, 7, 10, 7, 3.0]})
    >>> model = Model({"quality": ["speed"], "satisfaction": ["pleased"]},
    ...               {"satisfaction": ["quality"]})
    >>> key_drivers(fit(rows, model)).table["term"].tolist()
    ['quality']
    """
    table = index.importance.sort_values("estimate", ascending=False, ignore_index=True)
    finding = _driver_finding(table, index.model.target) if len(table) else index.finding
    return Result(table, finding, index.notes, **index.bootstrap)


def reliability(index: Result) -> Result:
    """Reliability of each construct's scale: Cronbach's alpha, rho_A, rho_C and AVE.

    Parameters
    ----------
    index : what `fit` returned

    Returns
    -------
    Result with the tables "table" (construct, term, estimate, low, high, n) and "eigenvalues" (the
    same of the two largest eigenvalues of the correlations of a construct's questions, which add up
    to their number: questions that measure one thing have one above 1, the second below); the
    finding names the scale with the lowest rho_A

    References
    ----------
    Dijkstra and Henseler (2015), MIS Quarterly 39(2), for rho_A.
    """
    table = index.tables["reliability"]
    tables = {"table": table, "eigenvalues": index.tables["eigenvalues"]}
    known = table[table["term"] == "rho_A"].dropna(subset=["estimate"])
    if known.empty:
        claim = _("No construct has more than one question, so reliability is unknown.")
        return Result(tables, claim, index.notes, **index.bootstrap)
    worst = known.loc[known["estimate"].idxmin()]
    poor = worst["high"] < RELIABLE
    claim = (
        _("The questions of {construct:quoted} do not measure one thing reliably.", **worst)
        if poor
        else _("The questions of every scale measure one thing reliably.")
    )
    detail = _(
        "lowest rho_A = {estimate:number2} ({construct:label}; 95% CI {ci:interval2}; usual: 0.70)"
        "; n = {n:count}",
        ci=(worst["low"], worst["high"]),
        **worst,
    )
    importance = Importance.CONTEXT if poor else Importance.METHOD
    if poor and worst["construct"] == index.model.target:
        importance = Importance.NEWS  # the index itself is not to be trusted
    finding = Finding(claim, detail, importance=importance)
    return Result(tables, finding, index.notes, **index.bootstrap)


def _finding(
    tables: dict[str, pd.DataFrame],
    point: Solutions,
    drawn: Solutions,
    model: Model,
    *,
    pooled: bool,
) -> Finding:
    """The target's index, and the constructs that are significantly lower."""
    table = tables["table"].iloc[: len(point[-1].index)]
    index, again = point[-1].index[:, 0], drawn[-1].index
    weak = index_findings.weak(table, model.target, index, again)
    return index_findings.level(tables["table"], model.target, weak, pooled=pooled)


def _pooled(answers: Answers) -> bool:
    """Whether the answers are known to be of several waves."""
    if isinstance(answers, Moments):
        return False
    rows = as_sample(answers).of("wave")
    return "wave" in rows and rows["wave"].nunique() > 1


def _driver_finding(table: pd.DataFrame, target: str) -> Finding:
    top, rest = table.iloc[0], table.iloc[1:]
    near = rest.iloc[:0]["term"]
    if top["chance_first"] < LEVEL:
        # those that share first place in 95% of the resamples
        shared = rest["chance_first"].cumsum() - rest["chance_first"] + top["chance_first"]
        near = rest.loc[(shared < LEVEL) & (rest["chance_first"] > 0), "term"]
    words = {
        "construct": index_findings.lowered(i18n.label(top["term"])),
        "points": top["estimate"],
        "target": index_findings.lowered(i18n.label(target)),
    }
    claim = _(
        "Each point of {construct} is associated with {points:number2} points of {target}, the "
        "strongest link.",
        **words,
    )
    if len(near):
        others = i18n.conjoined(index_findings.lowered(i18n.label(t)) for t in near)
        claim = _(
            "Each point of {construct} is associated with {points:number2} points of {target}; "
            "{others} may matter as much.",
            others=others,
            **words,
        )
    detail = _("95% CI {ci:interval2}; n = {n:count}", ci=(top["low"], top["high"]), n=top["n"])
    return Finding(claim, detail, importance=Importance.ANSWER)


def _tables(task: Problem, point: Solutions, drawn: Solutions) -> dict[str, pd.DataFrame]:
    """All tables of a fit; parts of constructs of a higher order come after the wholes."""
    n, units, model = task.n, task.sums.effective, task.model
    if not task.options.scaled:
        point, drawn = _own_units(task, point), _own_units(task, drawn)
    tables = _stage_tables(task.models[-1], point[-1], drawn[-1], n, units)
    if task.options.scaled:
        del tables["unstandardised"]
    if model.parts:
        parts = [part for own in model.parts.values() for part in own]
        lower = _stage_tables(task.models[0], point[0], drawn[0], n, units)
        for name in ("table", "weights", "loadings", "reliability", "eigenvalues"):
            rows = lower[name]
            rows = rows[rows["term" if name == "table" else "construct"].isin(parts)]
            tables[name] = pd.concat([tables[name], rows], ignore_index=True)
    return tables


def _own_units(task: Problem, solved: Solutions) -> Solutions:
    """Solutions whose weights and loadings are in the units of the answers."""
    found = []
    for plan, stage, ends in zip(task.plans, solved, task.stage_ends, strict=True):
        sizes = [block.stop - block.start for block in plan.blocks]
        weights = points_of(plan, stage.share, ends) / np.repeat(stage.deviation, sizes, axis=0)
        loadings = stage.loadings * stage.weights / weights
        found.append(replace(stage, weights=weights, loadings=loadings))
    return tuple(found)


def _stage_tables(
    model: Model, point: pls.Solution, drawn: pls.Solution, n: int, units: float
) -> dict[str, pd.DataFrame]:
    names, items = list(model.constructs), model.items
    homes = [name for name, own in model.constructs.items() for _ in own]
    at = {name: j for j, name in enumerate(names)}
    caused = [j for j, name in enumerate(names) if model.paths.get(name)]
    leads = [j for j in range(len(names)) if _leads(model, names[j], model.target)]

    level = expanded_level(units, 1 + max((len(c) for c in model.paths.values()), default=0))

    def of(
        quantity: str,
        terms: list[str],
        where: object = slice(None),
        at: float = level,
        **groups: list[str],
    ) -> pd.DataFrame:
        estimate, replicates = getattr(point, quantity)[where], getattr(drawn, quantity)[where]
        return estimates_table(terms, estimate[:, 0], replicates.T, n, level=at, **groups)

    def between(quantity: str, pairs: list[tuple[str, str]]) -> pd.DataFrame:
        where = [at[effect] for _, effect in pairs], [at[cause] for cause, _ in pairs]
        terms = [f"{i18n.label(c)} → {i18n.label(e)}" for c, e in pairs]
        cause, effect = [c for c, _ in pairs], [e for _, e in pairs]
        return of(quantity, terms, where, cause=cause, effect=effect)

    index = of("index", names, at=expanded_level(units))
    weights, loadings = (of(q, items, construct=homes) for q in ("weights", "loadings"))
    importance = of("importance", [names[j] for j in leads], leads)
    beside = index.iloc[leads].reset_index(drop=True)
    pairs = [(c, e) for e in model.order for c in model.paths.get(e, ())]
    return {
        "table": index,
        "paths": between("paths", pairs),
        "unstandardised": between("slopes", pairs),
        "weights": weights.assign(share=point.share[:, 0]),
        "loadings": loadings,
        "r2": recentred_fit(of("r2", [names[j] for j in caused], caused), drawn.r2[caused].T),
        "effects": between(
            "total", [(c, e) for e in model.order for c in model.order if _leads(model, c, e)]
        ),
        "importance": importance.assign(
            index=beside["estimate"],
            index_low=beside["low"],
            index_high=beside["high"],
            correlation=_correlation(drawn.importance[leads], drawn.index[leads]),
            chance_first=_chance_first(drawn.importance[leads]),
            chance_priority=_chance_priority(drawn.importance[leads], drawn.index[leads]),
        ),
        "reliability": _measured(RELIABILITIES, model, point, drawn, n, level),
        "eigenvalues": _measured(EIGENVALUES, model, point, drawn, n, level),
    }


def _measured(
    terms: tuple[str, ...],
    model: Model,
    point: pls.Solution,
    drawn: pls.Solution,
    n: int,
    level: float,
) -> pd.DataFrame:
    """Rows construct by construct; single questions have none, formative ones no reliability."""

    def stack(s: pls.Solution) -> np.ndarray:
        return np.stack([getattr(s, term.lower()) for term in terms], axis=1)

    estimate, replicates = stack(point)[..., 0], stack(drawn)
    parts = [
        estimates_table(terms, estimate[j], replicates[j].T, n, level=level, construct=name)
        for j, name in enumerate(model.constructs)
        if not np.isnan(estimate[j]).all()
    ]
    columns = ["construct", "term", "estimate", "low", "high", "n"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _chance_first(replicates: np.ndarray) -> np.ndarray:
    """Share of resamples (last axis) in which each term is the largest."""
    settled = replicates[:, ~np.isnan(replicates).any(0)]
    if not settled.size:
        return np.full(len(replicates), np.nan)
    return np.bincount(settled.argmax(0), minlength=len(replicates)) / settled.shape[1]


def _chance_priority(importance: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Share of resamples in which each construct matters more and stands lower than the average."""
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
