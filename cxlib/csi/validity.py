"""Whether constructs are what they are called: distinct, not redundant, and fitting.

checks = csi.validity(sample, model)
print(checks)                  # 12 of 15 pairs of constructs are distinct ...
checks.table                   # HTMT of every pair
checks.vif, checks.f2, checks.srmr
csi.redundancy(checks), csi.model_fit(checks)
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.csi import notes, pls
from cxlib.csi.estimation import (
    Answers,
    Options,
    Problem,
    covariances,
    estimate,
    everybody,
    prepare,
)
from cxlib.csi.model import Model
from cxlib.stats import linear_algebra
from cxlib.stats.intervals import estimates_table, expanded_level, percentile_interval

CLOSE = 0.08  # SRMR below which correlations are near (Hu and Bentler 1999)
INFLATED = 5.0  # VIF from which causes repeat one another
DISTINCT = 0.9  # HTMT below which constructs that are near in meaning count as two


def validity(sample: Answers, model: Model, options: Options | None = None) -> Result:
    """HTMT, HTMT2, VIF, f² and SRMR of a model with 95% intervals.

    HTMT and HTMT2 (geometric means) are of absolute correlations. Within composites the SRMR takes
    correlations as they are; its interval is freed of the upward bias that sampling gives it (twice
    over in resamples), its limit comes from data turned so that the model holds (Bollen and Stine
    1992). A construct of a higher order is checked by its parts.

    Parameters
    ----------
    sample : answers, a row each; or sums of the model's questions
    model, options : as in `fit`

    Returns
    -------
    Result with the tables "table" (one, other, term HTMT, estimate, low, high, n; htmt2 with its
    interval; for the criterion of Fornell and Larcker shared, the variance the two share, and
    least_ave), "vif" (effect, term; variance inflation of the causes of an effect, and of the
    questions of a formative construct), "f2" (cause, effect, term; explained share lost without the
    path, per share not explained: Cohen's f² with the scores kept as the whole model has them, as
    programs for PLS print it; `csi.f2_refitted` estimates the model again without the path, so that
    its weights change too) and "srmr" (term in saturated, estimated; with limit, its 95% quantile
    where the model holds exactly, and p).

    Raises
    ------
    ValueError : as `fit`

    References
    ----------
    Henseler, Ringle and Sarstedt (2015), Journal of the Academy of Marketing Science 43; Roemer,
    Schuberth and Henseler (2021), Industrial Management and Data Systems 121(12).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> rows = pd.DataFrame({"speed": rng.integers(1, 11, 60)})
    >>> rows["pleased"] = (rows["speed"] + rng.integers(-2, 3, 60)).clip(1, 10)
    >>> model = Model({"quality": ["speed"], "satisfaction": ["pleased"]},
    ...               {"satisfaction": ["quality"]})
    >>> round(htmt_matrix(validity(rows, model)).loc["quality", "satisfaction"], 1)
    np.float64(0.9)
    """
    model = model.stages[0] if model.parts else model
    task = prepare(sample, model, options)
    (point,), _unused = estimate(task)
    cor = _cor(everybody(task)[1])
    here = _checks(task, cor, point)
    parts = []
    for mean, cov, _unused in covariances(task):
        (solved,) = task.solve(mean, cov, (point,))
        parts.append(_checks(task, _cor(cov), solved))
    drawn = {name: np.concatenate([p[name] for p in parts], axis=-1) for name in here}
    tables = _tables(task, here, drawn)
    tables["srmr"] = _srmr_table(task, here, drawn, _exact(task, cor, point))
    note = i18n.together([notes.answers_note(task), notes.resamples_note(task)])
    finding, draws, seed = _finding(tables["table"]), task.sums.draws, task.sums.seed
    return Result(tables, finding, note, draws=draws, seed=seed)


def htmt_matrix(checks: Result) -> pd.DataFrame:
    """HTMT as a square table, constructs by constructs.

    Parameters
    ----------
    checks : of `validity`
    """
    table = checks.table
    names = list(dict.fromkeys([*table["one"], *table["other"]]))
    pairs = table.pivot(index="one", columns="other", values="estimate")
    above = pairs.reindex(index=names, columns=names).fillna(0.0).to_numpy()
    return pd.DataFrame(above + above.T + np.eye(len(names)), index=names, columns=names)


def redundancy(checks: Result) -> Result:
    """Variance inflation, and the cause that is explained most by the others.

    Parameters
    ----------
    checks : of `validity`
    """
    known = checks.vif.dropna(subset=["estimate"])
    if known.empty:
        return _part(checks, "vif", Finding(_("Too few answers to show")))
    top = known.loc[known["estimate"].idxmax()]
    words = {"cause": top["term"], "effect": top["effect"]}
    high = top["estimate"] >= INFLATED
    claim = (
        _(
            "Causes of {effect:quoted} overlap: the path of {cause:quoted} is hard to separate.",
            **words,
        )
        if high
        else _("The causes in the model can be separated from each other.")
    )
    detail = _(
        "largest variance inflation {vif:number1} (95% CI {ci:interval1}; usual: below 5), "
        "{cause:label} for {effect:label}",
        vif=top["estimate"],
        ci=(top["low"], top["high"]),
        **words,
    )
    importance = Importance.CONTEXT if high else Importance.METHOD
    return _part(checks, "vif", Finding(claim, detail, importance=importance))


def model_fit(checks: Result) -> Result:
    """SRMR, and whether the model as specified fits the correlations.

    Parameters
    ----------
    checks : of `validity`
    """
    row = checks.srmr.set_index("term").loc["estimated"]
    close, beyond = row["estimate"] < CLOSE, row["estimate"] > row["limit"]
    if not close:
        claim = _("The model does not reproduce the correlations of the questions closely.")
    elif beyond:
        claim = _(
            "The model reproduces the correlations of the questions approximately, not exactly."
        )
    else:
        claim = _("The model reproduces the correlations of the questions closely.")
    words = {"srmr": row["estimate"], "close": CLOSE, "limit": row["limit"]}
    detail = (
        _(
            "SRMR = {srmr:number3} (close: below {close:number2}); the deviation is significant "
            "(5% limit {limit:number3})",
            **words,
        )
        if beyond
        else _(
            "SRMR = {srmr:number3} (close: below {close:number2}); the deviation is not "
            "significant (5% limit {limit:number3})",
            **words,
        )
    )
    finding = Finding(claim, detail, importance=Importance.METHOD if close else Importance.CONTEXT)
    return _part(checks, "srmr", finding)


def _part(checks: Result, name: str, finding: Finding) -> Result:
    table = checks.tables[name]
    return Result(table, finding, checks.notes, **checks.bootstrap)


def _cor(cov: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        deviation = np.sqrt(np.einsum("iid->id", cov))
        return cov / deviation[:, None] / deviation[None, :]


def _checks(task: Problem, cor: np.ndarray, solved: pls.Solution) -> dict[str, np.ndarray]:
    """Every quantity of the tables, rows by resamples."""
    plan = task.plans[0]
    with np.errstate(invalid="ignore", divide="ignore"):
        pairs = np.triu_indices(len(plan.blocks), 1)
        ave = np.minimum(solved.ave[pairs[0]], solved.ave[pairs[1]])
        vif, f2 = _inflation(plan, cor, solved)
        srmr = [_srmr(cor, implied(plan, cor, solved, b)) for b in _between(plan, solved)]
        return {
            "htmt": ratios(plan, np.abs(cor))[pairs],
            "htmt2": np.exp(ratios(plan, np.log(np.abs(cor)), geometric=True))[pairs],
            "shared": solved.between[pairs] ** 2,
            "ave": ave,
            "vif": vif,
            "f2": f2,
            "srmr": np.stack(srmr),
        }


def ratios(plan: pls.Plan, values: np.ndarray, *, geometric: bool = False) -> np.ndarray:
    """Mean of `values` (p, p, D) across two blocks over the root of those within, (J, J, D).

    `geometric`: values are logarithms, and so is what comes back. One question alone is measured
    without error, for want of anything better.
    """
    starts = [b.start for b in plan.blocks]
    sums = np.add.reduceat(np.add.reduceat(values, starts, axis=0), starts, axis=1)
    size = np.array([b.stop - b.start for b in plan.blocks], float)[:, None]
    across = sums / size[:, None] / size[None]
    inside = np.einsum("jjd->jd", sums) - (0 if geometric else size)
    inside = np.where(size > 1, inside / np.maximum(size * (size - 1), 1), 0 if geometric else 1)
    if geometric:
        return across - (inside[:, None] + inside[None]) / 2
    return across / np.sqrt(inside[:, None] * inside[None])


def _inflation(
    plan: pls.Plan, cor: np.ndarray, solved: pls.Solution
) -> tuple[np.ndarray, np.ndarray]:
    """VIF of causes and of formative questions, and f² of every path: rows by resamples."""
    vif, f2, nothing = [], [], np.empty((0, cor.shape[-1]))
    for j in plan.order:
        at = list(plan.causes[j])
        if not at:
            continue
        inflated = _diagonal_of_inverse(solved.between[np.ix_(at, at)])
        vif.append(inflated)
        f2.append(solved.paths[j, at] ** 2 / inflated / (1 - solved.r2[j]))
    for block, formative in zip(plan.blocks, plan.formative, strict=True):
        if formative:
            vif.append(_diagonal_of_inverse(cor[block, block]))
    return np.concatenate([*vif, nothing]), np.concatenate([*f2, nothing])


def _diagonal_of_inverse(matrix: np.ndarray) -> np.ndarray:
    """(k, D) from (k, k, D); NaN in draws without an inverse."""
    return np.einsum("dii->id", linear_algebra.inverse(np.moveaxis(matrix, -1, 0)))


def _between(plan: pls.Plan, solved: pls.Solution) -> tuple[np.ndarray, np.ndarray]:
    """Correlations of constructs: free (saturated model), and as the paths have them."""
    by_paths, order = solved.between.copy(), list(plan.order)
    for place, j in enumerate(order):
        if plan.causes[j]:
            before = np.array(order[:place], int)
            row = np.einsum("kd,kmd->md", solved.paths[j], by_paths[:, before]) if place else 0
            by_paths[j, before] = by_paths[before, j] = row
    return solved.between, by_paths


def implied(
    plan: pls.Plan, cor: np.ndarray, solved: pls.Solution, between: np.ndarray
) -> np.ndarray:
    """Correlations of the questions under the model, (p, p, D); composites keep their own."""
    home = np.repeat(np.arange(len(plan.blocks)), [b.stop - b.start for b in plan.blocks])
    loading = solved.loadings
    out = between[home[:, None], home[None]] * loading[:, None] * loading[None]
    for block, factor in zip(plan.blocks, plan.reflective, strict=True):
        if not factor:
            out[block, block] = cor[block, block]
    out[np.diag_indices(len(out))] = 1.0
    return out


def _srmr(cor: np.ndarray, expected: np.ndarray) -> np.ndarray:
    lower = np.tril_indices(len(cor))
    return np.sqrt(((cor - expected)[lower] ** 2).mean(0))


def _exact(task: Problem, cor: np.ndarray, point: pls.Solution) -> np.ndarray:
    """SRMR in draws of data turned so that the model holds, (2, draws): saturated, estimated."""
    plan, turns = task.plans[0], []
    for between in _between(plan, point):
        turns.append(_turn(cor[..., 0], implied(plan, cor, point, between)[..., 0]))
    deviation = np.sqrt(np.einsum("iid->id", everybody(task)[1]))
    found = []
    for mean, cov, _unused in covariances(task):
        whole = cov / deviation[:, None] / deviation[None]
        both = []
        for which, turn in enumerate(turns):
            turned = np.einsum("ia,ijd,jb->abd", turn, whole, turn, optimize=True)
            scaled = turned * deviation[:, None] * deviation[None]
            (solved,) = task.solve(mean, scaled, (point,))
            drawn = _cor(turned)
            between = _between(plan, solved)[which]
            both.append(_srmr(drawn, implied(plan, drawn, solved, between)))
        found.append(np.stack(both))
    return np.concatenate(found, axis=1)


def _turn(cor: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """What answers are multiplied by to have the expected correlations; NaN where none could."""
    values, vectors = np.linalg.eigh(expected)
    own, basis = np.linalg.eigh(cor)
    if not (values[0] > -1e-9 and own[0] > 1e-9):
        return np.full(cor.shape, np.nan)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return (basis / np.sqrt(own)) @ basis.T @ root


def _tables(task: Problem, here: dict[str, Any], drawn: dict[str, Any]) -> dict[str, pd.DataFrame]:
    model, n, names = task.model, task.n, list(task.model.constructs)
    level = expanded_level(task.sums.effective, 3)  # a ratio of three means

    def of(name: str, terms: list[str], **groups: list[str]) -> pd.DataFrame:
        return estimates_table(terms, here[name][:, 0], drawn[name].T, n, level=level, **groups)

    pairs = [(names[i], names[j]) for i, j in zip(*np.triu_indices(len(names), 1), strict=True)]
    htmt = ["HTMT"] * len(pairs)
    pairwise = of("htmt", htmt, one=[a for a, _ in pairs], other=[b for _, b in pairs])
    second = of("htmt2", htmt)
    causes = [(c, e) for e in model.order for c in model.paths.get(e, ())]
    asked = [(i, c) for c in names if c in model.formative for i in model.constructs[c]]
    routes = [f"{i18n.label(c)} → {i18n.label(e)}" for c, e in causes]
    vif = of("vif", [c for c, _ in causes + asked], effect=[e for _, e in causes + asked])
    f2 = of("f2", routes, cause=[c for c, _ in causes], effect=[e for _, e in causes])
    return {
        "table": pairwise.assign(
            htmt2=second["estimate"],
            htmt2_low=second["low"],
            htmt2_high=second["high"],
            shared=here["shared"][:, 0],
            least_ave=here["ave"][:, 0],
        ),
        "vif": vif,
        "f2": f2,
    }


def _srmr_table(
    task: Problem, here: dict[str, Any], drawn: dict[str, Any], exact: np.ndarray
) -> pd.DataFrame:
    estimate, squares = here["srmr"][:, 0], drawn["srmr"].T ** 2
    bias = np.nanmean(squares, axis=0) - estimate**2
    low, high = percentile_interval(squares - 2 * bias, expanded_level(task.sums.effective))
    table = pd.DataFrame({"term": ["saturated", "estimated"], "estimate": estimate})
    table["low"] = np.minimum(np.sqrt(np.maximum(low, 0)), estimate)
    table["high"] = np.maximum(np.sqrt(np.maximum(high, 0)), estimate)
    known = (~np.isnan(exact)).sum(1)
    limit = [np.nanquantile(e, 0.95) if k else np.nan for e, k in zip(exact, known, strict=True)]
    beyond = (exact >= estimate[:, None]).sum(1)
    return table.assign(
        n=task.n, limit=limit, p=np.where(known, (1 + beyond) / (1 + known), np.nan)
    )


def _finding(table: pd.DataFrame) -> Finding:
    known = table.dropna(subset=["estimate", "high"])
    if known.empty:
        return Finding(_("Too few answers to show"))
    close = known.loc[known["estimate"].idxmax()]
    distinct = int((known["high"] < DISTINCT).sum())
    words = {"one": close["one"], "other": close["other"], "pairs": len(table)}
    claim = (
        _("Customers distinguish all constructs of the model.")
        if distinct == len(table)
        else _("Customers hardly distinguish {one:quoted} from {other:quoted}.", **words)
    )
    detail = _(
        "{distinct:count} of {pairs:count} pairs are distinct (HTMT below {limit:number2}); "
        "closest: {one:label} and {other:label}, {value:number2} (95% CI {ci:interval2}); "
        "n = {n:count}",
        distinct=distinct,
        limit=DISTINCT,
        value=close["estimate"],
        ci=(close["low"], close["high"]),
        n=close["n"],
        **words,
    )
    importance = Importance.METHOD if distinct == len(table) else Importance.CONTEXT
    return Finding(claim, detail, importance=importance)
