"""Do the questions measure the same in all groups? Factor models with more and more in common.

found = csi.invariance(sample, model, "channel")
print(found)              # The questions measure the constructs alike by channel: scores ...
found.table, found.fit    # what each level costs, and how well it fits
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import chi2

from cxlib.core import i18n
from cxlib.core.columns import Column
from cxlib.core.errors import InsufficientData, require_choice, require_columns
from cxlib.core.i18n import N_, _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.csi.factor_analysis import COLUMNS as OF_CFA
from cxlib.csi.factor_analysis import (
    DRAWS_AT_ONCE,
    GOOD,
    MISSING,
    FitTest,
    constructs_of,
    indices,
)
from cxlib.csi.model import Model
from cxlib.stats import factor_groups, moments
from cxlib.stats.factor_groups import LEVELS
from cxlib.stats.moments import Moments
from cxlib.stats.notes import resampling_note

ALPHA, MOST_LOST = 0.05, 0.01  # of the test; of CFI (Cheung and Rensvold 2002)
NAMES = {
    "configural": N_("configural: same questions"),
    "metric": N_("metric: equal loadings"),
    "scalar": N_("scalar: equal intercepts"),
}
COLUMNS = [
    *OF_CFA,
    Column("level", "what the groups share", "name"),
    Column("chi2", "scaled χ² of the difference from the level before", "number", 1),
    Column("chi2_plain", "χ² of the difference under the normal law", "number", 1),
    Column("p_plain", "its p"),
    Column("cfi_plain", "change of CFI under the normal law", "number", 3),
]


@dataclass(frozen=True)
class _Groups:
    """Moments of each group, questions in pooled standard deviations."""

    names: list[str]
    sums: list[Moments]
    unit: np.ndarray

    @property
    def n(self) -> np.ndarray:
        return np.array([s.rows.sum() for s in self.sums])

    @property
    def mean(self) -> np.ndarray:
        return np.stack([s.total().mean for s in self.sums]) / self.unit

    @property
    def cov(self) -> np.ndarray:
        return np.stack([s.total().cov for s in self.sums]) / np.outer(self.unit, self.unit)

    def deviations(self) -> tuple[np.ndarray, np.ndarray]:
        """Of resampled means (draws, G, p) and covariances (draws, G, p, p) from their average."""
        drawn = [_drawn(s) for s in self.sums]
        mean = np.stack([m for m, _c in drawn], axis=1) / self.unit
        cov = np.stack([c for _m, c in drawn], axis=1) / np.outer(self.unit, self.unit)
        known = np.isfinite(mean).all((1, 2)) & np.isfinite(cov).all((1, 2, 3))
        mean, cov = mean[known], cov[known]
        return mean - mean.mean(0), cov - cov.mean(0)


def _drawn(sums: Moments) -> tuple[np.ndarray, np.ndarray]:
    parts = list(sums.resample_in_parts(sums.draws, sums.seed, DRAWS_AT_ONCE))
    return np.concatenate([p.mean for p in parts]), np.concatenate([p.cov for p in parts])


def invariance(
    sample: SampleLike,
    model: Model | Mapping[str, Sequence[str]],
    by: str,
    *,
    missing: str = "complete",
) -> Result:
    """Measurement invariance of a factor model between groups: configural, metric, scalar.

    Groups share which question belongs to which construct (configural), then also the loadings
    (metric: relations of constructs may be compared) and then the intercepts (scalar: means may be
    compared). Each level is tested against the one before by the likelihood ratio and by the change
    of CFI, both robust as in `cfa`: scaled by what resamples show. A level is "rejected" where the
    test says so (p under 0.05) and CFI falls by more than 0.01; where only one of them does it is
    "unclear", else it "holds". The configural level is judged by how closely it fits.

    Parameters
    ----------
    sample : answers, a row each
    model, missing : as in `cfa`
    by : column of the groups; those too small for the model are left out and named

    Returns
    -------
    Result with the tables

    - "table": level, term, estimate (change of robust CFI from the level before; of configural the
      robust CFI itself), n, chi2 (scaled χ² of the difference; of configural its scaled χ²), df, p,
      verdict, chi2_plain, p_plain, cfi_plain (the same under the normal law)
    - "fit": level, term (χ², CFI, TLI, RMSEA; robust ones), estimate, low, high, n, df, p

    Raises
    ------
    ValueError : as `cfa`; no such column
    InsufficientData : fewer than two groups large enough, or no solution

    References
    ----------
    Jöreskog (1971), Psychometrika 36; Satorra and Bentler (2001), Psychometrika 66, for the scaled
    difference; Cheung and Rensvold (2002), Structural Equation Modeling 9, for the change of CFI.
    As `group.equal` of R lavaan; `compare` has the same question for PLS path models (MICOM).

    Examples
    --------
    >>> from cxlib.core.sample import Sample
    >>> rng = np.random.default_rng(1)
    >>> factor = rng.normal(size=(400, 1))
    >>> rows = pd.DataFrame(0.8 * factor + 0.6 * rng.normal(size=(400, 4)), columns=list("abcd"))
    >>> rows["shop"] = ["north", "south"] * 200
    >>> found = invariance(Sample(rows, draws=50), {"quality": list("abcd")}, "shop")
    >>> found.table[["df", "verdict"]].values.tolist()
    [[4, 'holds'], [3, 'holds'], [3, 'holds']]
    """
    sample = as_sample(sample)
    require_choice("missing", missing, MISSING)
    constructs = constructs_of(model)
    items = [item for those in constructs.values() for item in those]
    require_columns(sample.data, items)
    groups, left = _groups(moments.by_group(sample, items, by, missing=missing))
    if len(groups.names) < 2:
        raise InsufficientData(
            _("Fewer than two groups by {by:label} are large enough to be compared.", by=by)
        )
    home = np.repeat(np.arange(len(constructs)), [*map(len, constructs.values())])
    table, fit = _compared(groups, home)
    notes = [
        resampling_note(sample),
        _("Compared: {groups:list}.", groups=groups.names),
        _("Too small to be compared: {groups:list}.", groups=left) if left else "",
    ]
    return Result(
        {"table": table, "fit": fit},
        _finding(table, by),
        i18n.together(notes),
        columns=COLUMNS,
        **sample.bootstrap,
    )


def _groups(by_group: Mapping[object, Moments]) -> tuple[_Groups, list[str]]:
    """Groups with more people than questions and answers that vary, and the names of others."""
    kept, left = {}, []
    for name, sums in by_group.items():
        total = sums.total()
        p = len(total.mean)
        known = total.rows > p and np.isfinite(total.cov).all()
        if known and np.linalg.eigvalsh(total.cov)[0] > 1e-9 * np.trace(total.cov):
            kept[str(name)] = sums
        else:
            left.append(str(name))
    if not kept:
        return _Groups([], [], np.ones(1)), left
    n = np.array([s.rows.sum() for s in kept.values()])
    variance = np.stack([np.diag(s.total().cov) for s in kept.values()])
    return _Groups(list(kept), list(kept.values()), np.sqrt(n @ variance / n.sum())), left


def _compared(groups: _Groups, home: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    n, cov = groups.n, groups.cov
    try:
        fits = [factor_groups.fit_groups(groups.mean, cov, n, home, level) for level in LEVELS]
    except (ArithmeticError, np.linalg.LinAlgError) as error:
        raise InsufficientData(
            _(
                "The factor model has no solution in some of the groups: {groups:list}.",
                groups=groups.names,
            )
        ) from error
    apart = groups.deviations()
    tests = [FitTest(f.chi2, f.df, f.scale(*apart) if f.df else 1.0) for f in fits]
    base = _unrelated(groups, apart[1])
    parts, cfi = [], []
    for level, test in zip(LEVELS, tests, strict=True):
        own = _indices(test, base, int(n.sum()), len(n))
        cfi.append([row["estimate"] for row in own if row["term"] in ("CFI", _("robust CFI"))])
        columns = ["level", "term", "estimate", "low", "high", "n", "df", "p"]
        parts.append(pd.DataFrame(own).assign(level=level, n=n.sum()).reindex(columns=columns))
    rows = [_step(at, tests, np.array(cfi), parts[0]) for at in range(len(LEVELS))]
    table = pd.DataFrame(rows).assign(n=n.sum())
    table.insert(3, "n", table.pop("n"))
    return table, pd.concat(parts, ignore_index=True)


def _indices(own: FitTest, base: FitTest, n: int, groups: int) -> list[dict[str, object]]:
    """Indices of fit, plain and robust; RMSEA counts the people of a group (Steiger 1998)."""
    plain = [FitTest(test.chi2, test.df, 1.0) for test in (own, base)]
    return [
        *indices(plain[0], plain[1], n / groups, False),
        *indices(own, base, n / groups, True),
    ]


def _unrelated(groups: _Groups, apart: np.ndarray) -> FitTest:
    """The test of unrelated questions in every group."""
    spread = np.sqrt(np.diagonal(groups.cov, axis1=1, axis2=2))
    unit = spread[:, :, None] * spread[:, None]
    p = spread.shape[1]
    off, df = np.triu_indices(p, 1), len(spread) * p * (p - 1) // 2
    value = -(groups.n @ np.linalg.slogdet(groups.cov / unit)[1])
    squares = ((apart / unit)[:, :, off[0], off[1]] ** 2).sum(-1)
    return FitTest(float(value), df, float((squares @ groups.n).mean() / df))


def _step(at: int, tests: list[FitTest], cfi: np.ndarray, first: pd.DataFrame) -> dict[str, object]:
    """One row of the table, see `invariance`; `cfi` (levels, plain and robust)."""
    level, own = LEVELS[at], tests[at]
    row: dict[str, object] = {"level": level, "term": _(NAMES[level])}
    if not at:
        close = cfi[0, 1] >= GOOD["CFI"]
        close &= first.set_index("term").loc[_("robust RMSEA"), "estimate"] <= GOOD["RMSEA"]
        value, df, scaled, lost = own.chi2, own.df, own.chi2 / own.scale, cfi[0]
        verdict = "holds" if close or not df else "unclear"
    else:
        before = tests[at - 1]
        value, df = own.chi2 - before.chi2, own.df - before.df
        # Satorra and Bentler (2001): what the constraints alone let χ² be if they held.
        mean = own.df * own.scale - before.df * before.scale
        scaled = value * df / mean if mean > 0 else np.nan
        lost = cfi[at] - cfi[at - 1]
        signs = [chi2.sf(scaled, df) < ALPHA, lost[1] < -MOST_LOST]
        verdict = ("holds", "unclear", "rejected")[sum(map(int, signs))]
    return {
        **row,
        "estimate": lost[1],
        "chi2": scaled,
        "df": df,
        "p": chi2.sf(scaled, df) if df else np.nan,
        "verdict": verdict,
        "chi2_plain": value,
        "p_plain": chi2.sf(value, df) if df else np.nan,
        "cfi_plain": lost[0],
    }


def _finding(table: pd.DataFrame, by: str) -> Finding:
    rows = table.set_index("level")
    metric, scalar = rows.loc["metric"], rows.loc["scalar"]
    if metric["verdict"] == "rejected":
        claim = _(
            "The questions measure the constructs differently by {by:label}: loadings differ.",
            by=by,
        )
    elif scalar["verdict"] == "rejected":
        claim = _(
            "By {by:label}, relations of the constructs may be compared but not their means: "
            "intercepts of the questions differ.",
            by=by,
        )
    elif "unclear" in (metric["verdict"], scalar["verdict"]):
        claim = _(
            "Whether the questions measure the constructs alike by {by:label} is unclear.", by=by
        )
    else:
        claim = _(
            "The questions measure the constructs alike by {by:label}: means may be compared.",
            by=by,
        )
    detail = _(
        "equal loadings: scaled χ² = {a:number1}, df = {b}, p = {c:p}, change of CFI {d:number3}; "
        "equal intercepts: {e:number1}, df = {f}, p = {g:p}, change of CFI {h:number3}; "
        "n = {n:count}",
        a=metric["chi2"],
        b=int(metric["df"]),
        c=metric["p"],
        d=metric["estimate"],
        e=scalar["chi2"],
        f=int(scalar["df"]),
        g=scalar["p"],
        h=scalar["estimate"],
        n=metric["n"],
    )
    done = (rows["verdict"] == "holds").all()
    return Finding(claim, detail, importance=Importance.METHOD if done else Importance.CONTEXT)
