"""Whether the constructs of a fit are what they are called: apart, not redundant, and fitting.

sound = csi.validity(responses, model, weight="weight")
print(sound)             # 12 of 15 pairs of constructs are told apart ...
sound.table              # HTMT of every pair
sound.vif, sound.f2, sound.srmr
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib import weights
from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.csi import pls, said
from cxlib.csi.model import Model
from cxlib.csi.prepared import Prepared, Scales, covariances, estimate, everybody, prepare
from cxlib.estimates import Estimates, how_drawn
from cxlib.stats import linear_algebra
from cxlib.stats.intervals import estimates_table, expanded_level, percentile_interval
from cxlib.stats.moments import Moments

CLOSE = 0.08  # SRMR below which correlations are near (Hu and Bentler 1999)
INFLATED = 5.0  # VIF from which causes repeat one another
APART = 0.9  # HTMT below which constructs that are near in meaning count as two


@dataclass(frozen=True)
class Validity(Estimates):
    """HTMT of every pair of constructs (`table`) and further checks, in the same shape.

    Attributes
    ----------
    table : one, other, term HTMT (heterotrait-monotrait ratio); with htmt2 and its interval, and
        for the criterion of Fornell and Larcker the variance the two share and the smaller AVE
    vif : effect, term; variance inflation of the causes of an effect, and of the questions of a
        formative construct
    f2 : cause, effect, term; explained share lost without the path, per share not explained
    srmr : term in saturated, estimated; root mean square of the correlations' residuals, with
        limit, its 95% quantile where the model holds exactly, and p
    """

    vif: pd.DataFrame = field(kw_only=True)
    f2: pd.DataFrame = field(kw_only=True)
    srmr: pd.DataFrame = field(kw_only=True)

    @property
    def square(self) -> pd.DataFrame:
        """HTMT as a square table, constructs by constructs."""
        names = list(dict.fromkeys([*self.table["one"], *self.table["other"]]))
        pairs = self.table.pivot(index="one", columns="other", values="estimate")
        above = pairs.reindex(index=names, columns=names).fillna(0.0).to_numpy()
        return pd.DataFrame(above + above.T + np.eye(len(names)), index=names, columns=names)

    @property
    def redundant(self) -> Estimates:
        """`vif` with a sentence about the cause that is most of all told by the others."""
        known = self.vif.dropna(subset=["estimate"])
        if known.empty:
            answer = _("Too few answers to show")
        else:
            top = known.loc[known["estimate"].idxmax()]
            facts = {
                "value": top["estimate"],
                "span": (top["low"], top["high"]),
                "cause": top["term"],
                "effect": top["effect"],
            }
            if top["estimate"] < INFLATED:
                answer = _(
                    "No cause repeats the others much: the largest variance inflation is "
                    "{value:number1} ({span:interval1}), of {cause:quoted} for {effect:quoted}; "
                    "below 5 is usual.",
                    **facts,
                )
            else:
                answer = _(
                    "Some causes repeat one another: the variance inflation of {cause:quoted} for "
                    "{effect:quoted} is {value:number1} ({span:interval1}); below 5 is usual. "
                    "Their paths are hard to tell apart.",
                    **facts,
                )
        return Estimates(self.vif, answer, self.note, draws=self.draws, seed=self.seed)

    @property
    def fits(self) -> Estimates:
        """`srmr` with a sentence about the model as it was drawn."""
        row = self.srmr.set_index("term").loc["estimated"]
        close = row["estimate"] < CLOSE
        chance = row["estimate"] <= row["limit"]
        first = (
            _("The model's correlations are close to those observed.")
            if close
            else _("The model's correlations are not close to those observed.")
        )
        second = (
            _("Chance alone would bring them as far apart:")
            if chance
            else _("Chance alone would not bring them as far apart:")
        )
        numbers = _(
            "SRMR {srmr:number3}, close below {close:number2}, by chance at most {limit:number3}.",
            srmr=row["estimate"],
            close=CLOSE,
            limit=row["limit"],
        )
        answer = i18n.together([first, second, numbers])
        return Estimates(self.srmr, answer, self.note, draws=self.draws, seed=self.seed)


def validity(
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
) -> Validity:
    """HTMT, HTMT2, VIF, f² and SRMR of a model with 95% intervals; arguments as of `csi.fit`.

    HTMT: Henseler, Ringle and Sarstedt (2015), J. Academy of Marketing Science 43; HTMT2 (geometric
    means): Roemer, Schuberth and Henseler (2021), Industrial Management and Data Systems 121(12);
    both of absolute correlations. SRMR: within composites the correlations are taken as they are;
    its interval is freed of the upward bias that sampling gives it (twice over in draws), its limit
    comes from data turned so that the model holds (Bollen and Stine 1992). A construct of a higher
    order is checked by its parts.
    """
    model = model.stages[0] if model.parts else model
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
    (point,), _unused = estimate(task)
    cor = _cor(everybody(task)[1])
    here = _checks(task, cor, point)
    parts = []
    for mean, cov, _unused in covariances(task, draws, seed):
        (solved,) = task.solve(mean, cov, (point,))
        parts.append(_checks(task, _cor(cov), solved))
    again = {name: np.concatenate([p[name] for p in parts], axis=-1) for name in here}
    tables = _tables(task, here, again)
    tables["srmr"] = _srmr_table(task, here, again, _exact(task, cor, point, draws, seed))
    remarks = [
        said.answered(task.sums, responses, model.items),
        how_drawn(draws, weights.differing(responses, weight), bucket),
    ]
    return Validity(
        answer=_sentence(tables["table"]),
        note=i18n.together(remarks),
        draws=draws,
        seed=seed,
        **tables,
    )


def _cor(cov: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        deviation = np.sqrt(np.einsum("iid->id", cov))
        return cov / deviation[:, None] / deviation[None, :]


def _checks(task: Prepared, cor: np.ndarray, solved: pls.Solution) -> dict[str, np.ndarray]:
    """Every quantity of the tables, rows by draws."""
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


def _inflation(plan: pls.Plan, cor: np.ndarray, solved: pls.Solution):
    """VIF of causes and of formative questions, and f² of every path: rows by draws."""
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
    by_paths, done = solved.between.copy(), []
    for j in plan.order:
        if plan.causes[j]:
            row = np.einsum("kd,kmd->md", solved.paths[j], by_paths[:, done]) if done else 0
            by_paths[j, done] = by_paths[done, j] = row
        done.append(j)
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


def _exact(task: Prepared, cor: np.ndarray, point: pls.Solution, draws: int, seed: int):
    """SRMR in draws of data turned so that the model holds, (2, draws): saturated, estimated."""
    plan, turns = task.plans[0], []
    for between in _between(plan, point):
        turns.append(_turn(cor[..., 0], implied(plan, cor, point, between)[..., 0]))
    deviation = np.sqrt(np.einsum("iid->id", everybody(task)[1]))
    found = []
    for mean, cov, _unused in covariances(task, draws, seed):
        whole = cov / deviation[:, None] / deviation[None]
        both = []
        for which, turn in enumerate(turns):
            turned = np.einsum("ia,ijd,jb->abd", turn, whole, turn, optimize=True)
            scaled = turned * deviation[:, None] * deviation[None]
            (solved,) = task.solve(mean, scaled, (point,))
            again = _cor(turned)
            between = _between(plan, solved)[which]
            both.append(_srmr(again, implied(plan, again, solved, between)))
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


def _tables(task: Prepared, here: dict, again: dict) -> dict[str, pd.DataFrame]:
    model, n, names = task.model, task.n, list(task.model.constructs)
    level = expanded_level(task.sums.effective, 3)  # a ratio of three means

    def of(name: str, terms: list[str]) -> pd.DataFrame:
        return estimates_table(terms, here[name][:, 0], again[name].T, n, level=level)

    pairs = [(names[i], names[j]) for i, j in zip(*np.triu_indices(len(names), 1), strict=True)]
    told = of("htmt", ["HTMT"] * len(pairs))
    told.insert(0, "one", [a for a, _ in pairs])
    told.insert(1, "other", [b for _, b in pairs])
    second = of("htmt2", list(told["term"]))
    causes = [(c, e) for e in model.order for c in model.paths.get(e, ())]
    asked = [(i, c) for c in names if c in model.formative for i in model.constructs[c]]
    vif = of("vif", [c for c, _ in causes + asked])
    vif.insert(0, "effect", [e for _, e in causes + asked])
    f2 = of("f2", [f"{i18n.label(c)} → {i18n.label(e)}" for c, e in causes])
    f2.insert(0, "cause", [c for c, _ in causes])
    f2.insert(1, "effect", [e for _, e in causes])
    return {
        "table": told.assign(
            htmt2=second["estimate"],
            htmt2_low=second["low"],
            htmt2_high=second["high"],
            shared=here["shared"][:, 0],
            least_ave=here["ave"][:, 0],
        ),
        "vif": vif,
        "f2": f2,
    }


def _srmr_table(task: Prepared, here: dict, again: dict, exact: np.ndarray) -> pd.DataFrame:
    estimate, squares = here["srmr"][:, 0], again["srmr"].T ** 2
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


def _sentence(table: pd.DataFrame) -> str:
    known = table.dropna(subset=["estimate", "high"])
    if known.empty:
        return _("Too few answers to show")
    close = known.loc[known["estimate"].idxmax()]
    return _(
        "{apart:count} of {pairs:count} pairs of constructs are told apart (HTMT below "
        "{limit:number2} with its whole interval); closest are {one:quoted} and {other:quoted}: "
        "{value:number2} ({span:interval2}), n {n:count}.",
        apart=(known["high"] < APART).sum(),
        pairs=len(table),
        limit=APART,
        one=close["one"],
        other=close["other"],
        value=close["estimate"],
        span=(close["low"], close["high"]),
        n=close["n"],
    )
