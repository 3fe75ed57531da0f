"""Confirmatory factor analysis: do the questions measure what they are said to measure?

found = csi.cfa(sample, model)          # or {"quality": ["q1", "q2", "q3"], "value": ["q4", "q5"]}
print(found)                            # The questions measure the constructs ... closely.
found.table                             # standardised loadings
found.fit, found.reliability, found.correlations
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import Column
from cxlib.core.errors import InsufficientData, require_choice, require_columns
from cxlib.core.i18n import N_, _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.csi.model import Model
from cxlib.stats import factor_model, moments
from cxlib.stats.factor_model import Factors
from cxlib.stats.intervals import estimates_table, expanded_level, symmetric_interval
from cxlib.stats.notes import resampling_note

DRAWS_AT_ONCE = 250
FEW = 100  # people below which the scaled χ² rejects too often
MISSING = ("complete", "em")
RMSEA_LEVEL = 0.9  # by convention
GOOD = {"CFI": 0.95, "RMSEA": 0.06, "SRMR": 0.08}  # Hu and Bentler (1999)
COLUMNS = [
    Column("construct", "what the question belongs to", "name"),
    Column("loading", "unstandardised loading, that of the first question 1", "number", 3),
    Column("error", "standard error of the unstandardised loading", "number", 3),
    Column("omega", "composite reliability", label=N_("composite reliability (ω)")),
    Column("df", "degrees of freedom", "count"),
]


@dataclass(frozen=True)
class FitTest:
    """`chi2` of a model on `df` degrees of freedom; if the model held its mean is `scale` df."""

    chi2: float
    df: int
    scale: float

    @property
    def excess(self) -> float:
        """What the χ² has beyond its mean if the model held, at least 0."""
        return max(self.chi2 - self.scale * self.df, 0.0)


def cfa(
    sample: SampleLike, model: Model | Mapping[str, Sequence[str]], *, missing: str = "complete"
) -> Result:
    """Loadings, fit and reliability of a measurement model of correlated common factors.

    Fitted by maximum likelihood under the normal law. Answers on few steps are not normal and
    people of one cluster not independent, so intervals come from resamples, and χ², CFI, TLI and
    RMSEA are also given as robust ones: χ² is divided by its mean in such samples if the model
    held, and its p has Swain's correction for few people (Herzog, Boomsma and Reinecke 2007). With
    weights, a design or clusters only the robust ones count. Of 50 people even the scaled χ²
    rejects a true model somewhat too often.

    Parameters
    ----------
    sample : answers, a row each
    model : a model of a satisfaction index, of which the paths are not used and of whose constructs
        of a higher order the parts are taken; or the questions of each construct
    missing : "complete" leaves out who did not answer everything; "em" takes it that what is
        missing depends on what was answered

    Returns
    -------
    Result with the tables

    - "table": construct, term (question), estimate (standardised loading), low, high, n, loading
      (that of the first question of a construct being 1), error (its standard error under the
      normal law, as other programs print it)
    - "reliability": construct, term, estimate (average variance extracted), low, high, n, omega,
      with its interval
    - "correlations": one, other, term, estimate (of the factors), low, high, n; empty for one
    - "fit": term (χ², CFI, TLI, RMSEA, SRMR; robust ones), estimate, low, high (of RMSEA, 90%), n,
      df, p

    Raises
    ------
    ValueError : unknown columns, a question in two constructs, more parameters than correlations
    InsufficientData : too few or constant answers, or no solution

    References
    ----------
    Jöreskog (1969), Psychometrika 34; Satorra and Bentler (1994); Brosseau-Liard and Savalei
    (2014), Multivariate Behavioral Research 49, for the robust indices; Hu and Bentler (1999),
    Structural Equation Modeling 6, for what is called close. As `cfa` of R lavaan, whose "MLM" has
    the same robust statistics but for the resampling.

    Examples
    --------
    >>> from cxlib.core.sample import Sample
    >>> rng = np.random.default_rng(1)
    >>> factor = rng.normal(size=(300, 1))
    >>> rows = pd.DataFrame(0.8 * factor + 0.6 * rng.normal(size=(300, 4)), columns=list("abcd"))
    >>> found = cfa(Sample(rows, draws=50), {"quality": list("abcd")})
    >>> found.table["estimate"].round(1).tolist(), found.fit["df"].iloc[0].item()
    ([0.8, 0.8, 0.7, 0.8], 2.0)
    """
    sample = as_sample(sample)
    require_choice("missing", missing, MISSING)
    constructs = constructs_of(model)
    items = [item for those in constructs.values() for item in those]
    require_columns(sample.data, items)
    sums = moments.of(sample, items, missing=missing)
    total = sums.total()
    deviation = np.sqrt(np.diag(total.cov))
    n, home = (
        int(total.rows),
        np.repeat(np.arange(len(constructs)), [*map(len, constructs.values())]),
    )
    if constant := [i for i, d in zip(items, deviation, strict=True) if not d > 1e-9]:
        same = _("Everybody answers the same to {items:label_list}.", items=constant)
        raise InsufficientData(same)
    scale = deviation[:, None] * deviation
    point = _fitted(total.cov / scale, home, n)
    parts, fitted = [], []
    for drawn in sums.resample_in_parts(sums.draws, sums.seed, DRAWS_AT_ONCE):
        parts.append(drawn.cov / scale)
        fitted.append(_quantities(factor_model.maximise(parts[-1], home, point)))
    cov = np.concatenate(parts)
    again = {name: np.concatenate([f[name] for f in fitted]) for name in fitted[0]}
    tables = _tables(constructs, point, deviation, again, n, sums.effective)
    tables["fit"] = _fit(total.cov / scale, point, cov[np.isfinite(cov).all((1, 2))], n)
    failed = int(np.isnan(again["standardised"]).any(axis=1).sum())
    note = [resampling_note(sample)]
    if n < FEW:
        note.append(
            _(
                "Of fewer than {n:count} people the scaled χ² calls a true model false too often: "
                "of 50, in some 8 of 100 studies, not 5.",
                n=FEW,
            )
        )
    if failed:
        note.append(
            _(
                "Left out for want of a solution: {failed:count} of {draws:count} resamples.",
                failed=failed,
                draws=len(cov),
            )
        )
    return Result(
        tables, _finding(tables["fit"]), i18n.together(note), columns=COLUMNS, **sums.bootstrap
    )


def constructs_of(model: Model | Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The questions of each construct; ValueError where they are not distinct."""
    if isinstance(model, Model):
        model = (model.stages[0] if model.parts else model).constructs
    constructs = {name: list(items) for name, items in model.items()}
    items = [item for those in constructs.values() for item in those]
    if twice := sorted({i for i in items if items.count(i) > 1}):
        raise ValueError(f"{twice[0]!r} is used twice. A question belongs to one construct.")
    sizes = [len(those) for those in constructs.values()]
    if not sizes or min(sizes) < 1:
        raise ValueError("every construct needs a question.")
    if len(sizes) == 1 and sizes[0] < 3:
        raise ValueError("one construct alone needs three questions or more.")
    return constructs


def _fitted(cov: np.ndarray, home: np.ndarray, n: int) -> Factors:
    found = None
    if n > len(home) and np.linalg.eigvalsh(cov)[0] > 1e-9:
        found = factor_model.maximise(cov, home)
    if found is None or np.isnan(found.discrepancy):
        raise InsufficientData(
            _(
                "The factor model has no solution with {n:count} complete answers to {items:count} "
                "questions: some repeat one another, or do not belong together.",
                n=n,
                items=len(home),
            )
        )
    return found


def _quantities(model: Factors) -> dict[str, np.ndarray]:
    """What has an interval, draws first."""
    share = model.standardised**2
    member = (model.home[:, None] == np.arange(model.between.shape[-1])).astype(float)
    common, noise = model.standardised @ member, (1 - share) @ member
    a, b = np.triu_indices(model.between.shape[-1], 1)
    return {
        "standardised": model.standardised,
        "ave": share @ member / member.sum(0),
        "omega": common**2 / (common**2 + noise),
        "between": model.between[..., a, b],
    }


def _tables(
    constructs: dict[str, list[str]],
    point: Factors,
    deviation: np.ndarray,
    again: dict[str, np.ndarray],
    n: int,
    units: float,
) -> dict[str, pd.DataFrame]:
    """Loadings, reliability and correlations of factors; see `cfa`."""
    here, level = _quantities(point), expanded_level(units, 3)

    def of(name: str, terms: list[str], **groups: list[str]) -> pd.DataFrame:
        return estimates_table(terms, here[name], again[name], n, level=level, **groups)

    names = list(constructs)
    table = of(
        "standardised",
        [i18n.label(item) for items in constructs.values() for item in items],
        construct=[name for name, items in constructs.items() for _item in items],
    )
    loading, error = _unstandardised(point, deviation, n)
    reliability = of("ave", [_("average variance extracted")] * len(names), construct=names)
    omega = of("omega", names)[["estimate", "low", "high"]]
    reliability[["omega", "omega_low", "omega_high"]] = omega
    a, b = np.triu_indices(len(names), 1)
    pairs = [i18n.label(names[i]) + " ↔ " + i18n.label(names[j]) for i, j in zip(a, b, strict=True)]
    ends = {"one": [names[i] for i in a], "other": [names[j] for j in b]}
    between = of("between", pairs, **ends)
    # Correlations are skewed where they are high: on Fisher's scale their errors are alike.
    most = 1 - 1e-6
    z, drawn = (np.arctanh(np.clip(v, -most, most)) for v in (here["between"], again["between"]))
    if pairs:
        low, high = symmetric_interval(z, drawn, units=units, fitted=3)
        between = between.assign(low=np.tanh(low), high=np.tanh(high))
    return {
        "table": table.assign(loading=loading, error=error),
        "reliability": reliability,
        "correlations": between,
    }


def _unstandardised(point: Factors, deviation: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Loadings over that of the first question of each construct, and their standard errors."""
    p = len(point.home)
    covariance = np.linalg.pinv(point.information)[:p, :p] * 2 / n
    first = np.searchsorted(point.home, point.home)
    ratio = point.loadings / point.loadings[first]
    slopes = np.eye(p) / point.loadings[first, None]
    slopes[np.arange(p), first] -= ratio / point.loadings[first]
    unit = deviation / deviation[first]
    variance = np.einsum("ip,pq,iq->i", slopes, covariance, slopes)
    return ratio * unit, np.sqrt(np.maximum(variance, 0)) * unit


def _fit(cov: np.ndarray, point: Factors, drawn: np.ndarray, n: int) -> pd.DataFrame:
    """χ² and indices of fit, of the normal law and robust; `cov` of answers of variance one."""
    from scipy.stats import chi2 as chi2_law

    p = len(cov)
    apart = drawn - drawn.mean(0)
    df, df_base = p * (p + 1) // 2 - point.parameters, p * (p - 1) // 2
    off = np.triu_indices(p, 1)
    chi2, base = n * float(point.discrepancy), -n * np.linalg.slogdet(cov)[1]
    scale = n * factor_model.misfit(point, apart).mean() / df if df else 1.0
    scale_base = n * (apart[:, *off] ** 2).sum(1).mean() / df_base
    rows = []
    for robust in (False, True):
        own = FitTest(chi2, df, scale if robust else 1.0)
        rows += indices(own, FitTest(base, df_base, scale_base if robust else 1.0), n, robust)
    gap = (cov - point.implied)[np.tril_indices(p)]
    rows.insert(4, {"term": "SRMR", "estimate": np.sqrt((gap**2).mean())})
    for row in rows:
        if row["term"] == _("scaled χ²") and df:
            row["p"] = chi2_law.sf(chi2 / scale * _swain(p, df, n), df)
    columns = ["term", "estimate", "low", "high", "n", "df", "p"]
    return pd.DataFrame(rows).assign(n=n).reindex(columns=columns)


def _swain(p: int, df: int, n: float) -> float:
    """Factor that brings χ² of few people near its mean (Swain 1975): p questions, n people."""
    q = (np.sqrt(1 + 4 * p * (p + 1) - 8 * df) - 1) / 2
    gap = p * (2 * p**2 + 3 * p - 1) - q * (2 * q**2 + 3 * q - 1)
    return float(1 - gap / (12 * df * n))


def indices(own: FitTest, base: FitTest, n: float, robust: bool) -> list[dict[str, object]]:
    """Rows χ², CFI, TLI and RMSEA of a model against that of unrelated questions."""
    from scipy.stats import chi2

    names = ("χ²", "CFI", "TLI", "RMSEA")
    if robust:
        names = (_("scaled χ²"), _("robust CFI"), _("robust TLI"), _("robust RMSEA"))
    value, df = own.chi2 / own.scale, own.df
    worst = max(base.excess, own.excess)
    raw = [test.chi2 - test.scale * test.df for test in (own, base)]
    tli = 1 - raw[0] / raw[1] * base.df / df if df else np.nan
    low, high = _noncentral(value, df, RMSEA_LEVEL) if df else (np.nan, np.nan)
    unit = own.scale / (df * n) if df else np.nan
    return [
        {"term": names[0], "estimate": value, "df": df, "p": chi2.sf(value, df) if df else np.nan},
        {"term": names[1], "estimate": 1 - own.excess / worst if worst else 1.0},
        {"term": names[2], "estimate": tli},
        {
            "term": names[3],
            "estimate": np.sqrt(own.excess / (df * n)) if df else np.nan,
            "low": np.sqrt(low * unit),
            "high": np.sqrt(high * unit),
        },
    ]


def _noncentral(value: float, df: int, level: float) -> tuple[float, float]:
    """Interval of the noncentrality of a χ²: 0 where even that is too much."""
    from scipy.optimize import brentq
    from scipy.stats import ncx2

    ends = []
    for tail in ((1 + level) / 2, (1 - level) / 2):

        def above(noncentrality: float, tail: float = tail) -> float:
            return float(ncx2.cdf(value, df, max(noncentrality, 1e-12)) - tail)

        most = 4 * value + 50
        ends.append(brentq(above, 0, most) if above(0) > 0 else 0.0)
    return ends[0], ends[1]


def _finding(fit: pd.DataFrame) -> Finding:
    rows = fit.set_index("term")
    cfi, rmsea = rows.loc[_("robust CFI")], rows.loc[_("robust RMSEA")]
    test, srmr = rows.loc[_("scaled χ²")], rows.loc["SRMR", "estimate"]
    words = {"cfi": cfi.estimate, "rmsea": rmsea.estimate, "srmr": srmr, "n": test.n}
    if not test.df:
        return Finding(
            _("The factor model has as many parameters as correlations: its fit cannot be tested."),
            _("n = {n:count}", **words),
            importance=Importance.METHOD,
        )
    close = cfi.estimate >= GOOD["CFI"] and rmsea.estimate <= GOOD["RMSEA"] and srmr <= GOOD["SRMR"]
    claim = (
        _("The questions measure the constructs as specified: the factor model fits closely.")
        if close
        else _("The factor model does not fit closely: some questions share more than a construct.")
    )
    detail = _(
        "robust CFI {cfi:number2}, robust RMSEA {rmsea:number3} (90% CI {ci:interval3}), SRMR "
        "{srmr:number3}; scaled χ² = {chi2:number1}, df = {df}, p = {p:p}; n = {n:count}",
        ci=(rmsea.low, rmsea.high),
        chi2=test.estimate,
        df=int(test.df),
        p=test.p,
        **words,
    )
    return Finding(claim, detail, importance=Importance.METHOD if close else Importance.CONTEXT)
