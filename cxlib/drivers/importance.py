"""Driver importance: how much of what is explained each part of the experience accounts for.

fit = drivers.importance(sample, "recommend", ["delivery", "room", "price"])
print(fit)                # Delivery is the strongest driver of recommend.
fit.table                 # term, estimate, low, high, n, rank_low, rank_high, ...
fit.r2, fit.top
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.errors import require_choice
from cxlib.core.i18n import N_, _
from cxlib.core.result import Result
from cxlib.core.sample import as_sample
from cxlib.drivers import importance_findings, linear, notes, ordered_logit, ranks, shapley_values
from cxlib.drivers.formula import specified
from cxlib.drivers.specification import Answers, Drivers, Specification
from cxlib.stats import moments
from cxlib.stats.intervals import LEVEL, estimates_table, expanded_level, recentred_fit
from cxlib.stats.notes import of_waves

Method: TypeAlias = Callable[[np.ndarray], np.ndarray]
METHODS, KINDS = ("shapley", "johnson"), ("linear", "logistic", "ordered")


@dataclass(frozen=True, eq=False)
class Decomposition:
    """How a fit is shared out among the terms.

    Attributes
    ----------
    gains, replicates : parts of the measure of fit by term, (k,), and in each resample, (draws, k)
    measure : of fit, "R²" or "McFadden R²"
    effective : as how many equally weighted customers, or groups of them, the sample counts
    n, fitted : responses behind each term, and behind the fit
    insignificant : whether unrelated drivers would fit as well
    notes : on the answers, weights, resamples and approximations; on failed resamples last
    """

    gains: np.ndarray
    replicates: np.ndarray
    measure: str
    effective: float
    n: int | list[int]
    fitted: int
    insignificant: bool
    notes: list[str]

    @property
    def shares(self) -> np.ndarray:
        """Gains as shares of the fit, (k,)."""
        return _shares(self.gains)

    @property
    def share_replicates(self) -> np.ndarray:
        """The same in each resample, (draws, k)."""
        return _shares(self.replicates)


def importance(
    sample: Answers,
    outcome: str,
    drivers: Drivers | None = None,
    *,
    method: str | Method = "shapley",
    kind: str = "linear",
    missing: str = "complete",
    always: Sequence[str] = (),
) -> Result:
    """Share of explained variance that belongs to each driver, with 95% intervals.

    Parameters
    ----------
    sample : answers, a row each, or sums of them (`stats.moments.of`)
    outcome : column to explain, or a formula ("recommend ~ delivery + C(plan)") without `drivers`
    drivers : columns that may explain it; a text column enters as a factor, and in a dict
        {name: columns} the columns of a name enter together
    method : "shapley" averages the gain in R² over all orders of entry, exact for up to 20 drivers
        and beyond from sampled orders, whose error the note states; "johnson" (relative weights)
        needs one regression for any number of drivers; a function of your own takes covariance
        matrices (..., p + 1, p + 1), the outcome first, and gives the gain of each driver (..., p)
    kind : how the outcome is taken, "linear" (R²), "logistic" (two values) or "ordered" (grades,
        proportional odds), the latter two by McFadden's R²
    missing : "complete" uses rows that answer everything, "pairwise" for each pair of questions
        those who answered both, "em" maximum likelihood of means and covariances, and "dummy"
        adjusts for touchpoints not experienced by a column of their own
    always : covariates that are in every model and have no share (relaimpo's `always`), such as
        the channel or the wave; what is shared out is then the partial R² (or partial McFadden R²),
        the share of what they leave unexplained

    Returns
    -------
    Result with the tables "table" (term, estimate: share of R², low, high, n, rank_low, rank_high:
    95% interval of the rank, chance_first: share of resamples in which the driver is first, top:
    whether it may be the first), "r2" (the fit itself) and "differences" (a row for each pair:
    term, other, estimate, simultaneous low and high, n, chance that term is ahead of other); the
    part "top" lists the drivers among which, with 95% confidence, the true first is.

    Raises
    ------
    ValueError : drivers unknown, constant, copies of one another or of covariates, or too many;
        too few answers

    References
    ----------
    Lindeman, Merenda and Gold (1980); Johnson (2000), Multivariate Behavioral Research 35(1);
    Azen and Traxel (2009); Luchman (2014).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> rows = pd.DataFrame({"delivery": rng.normal(size=200), "room": rng.normal(size=200)})
    >>> rows["recommend"] = 2 * rows["delivery"] + rows["room"] + rng.normal(size=200)
    >>> fit = importance(rows, "recommend", ["room", "delivery"])
    >>> fit.table["term"].tolist(), fit.top
    (['delivery', 'room'], ['delivery'])
    """
    if not callable(method):
        require_choice("method", method, METHODS)
    require_choice("kind", kind, KINDS)
    rows = kind != "linear"
    spec = specified(sample, outcome, drivers, missing, always, in_rows=rows)
    parts = decompose(spec, method, kind)
    tables = _tables(spec.terms, parts)
    table = tables["table"]
    order = [spec.terms.index(t) for t in table["term"]]
    r2 = tables["r2"].iloc[0]
    told = importance_findings.finding(table, r2, spec.outcome, parts.insignificant)
    return Result(
        tables,
        replace(told, detail=of_waves(told.detail, spec.sample)) if told.detail else told,
        i18n.together(parts.notes),
        "share",
        **spec.sample.bootstrap,
        replicates=parts.share_replicates[:, order],
        parts={"top": table.loc[table["top"], "term"].tolist()},
    )


def decompose(spec: Specification, method: str | Method, kind: str) -> Decomposition:
    """The fit and the gain of each term in it; ValueError for choices that do not go together."""
    if callable(method) and kind != "linear":
        raise ValueError(f"a method of your own is for kind='linear', not {kind!r}.")
    if method == "johnson" and kind != "linear":
        raise ValueError(f"method='johnson' is for kind='linear', not {kind!r}. Use 'shapley'.")
    if method == "johnson" and spec.factors:
        raise ValueError(
            f"method='johnson' depends on how a factor is coded, and {spec.factors[0]!r} is one. "
            "Use method='shapley'."
        )
    if method == "shapley" and (k := len(spec.entries)) > shapley_values.MOST_SAMPLED:
        raise ValueError(
            f"{k} drivers are too many to order; the limit is {shapley_values.MOST_SAMPLED}. "
            "Group them first, or use method='johnson', which needs one regression."
        )
    return _linear(spec, method) if kind == "linear" else _graded(spec, kind)


def correlations(sample: Answers, drivers: list[str], *, missing: str = "pairwise") -> pd.DataFrame:
    """Correlations of the drivers, a square table: how far they share the credit.

    Parameters
    ----------
    sample : answers, a row each, or sums of them
    drivers : columns of numbers
    missing : "complete", "pairwise" or "em"

    Examples
    --------
    >>> rows = pd.DataFrame({"speed": [1, 2, 3, 4], "price": [1, 2, 4, 3]})
    >>> correlations(rows, ["speed", "price"]).round(2).loc["speed", "price"]
    np.float64(0.8)
    """
    drivers = list(drivers)
    if isinstance(sample, moments.Moments):
        sums = sample.select(drivers)
    else:
        answers = as_sample(sample).in_buckets(drivers, resampled=False)
        sums = moments.of(answers, drivers, missing=missing)
    with np.errstate(invalid="ignore", divide="ignore"):
        return pd.DataFrame(sums.total().cor.clip(-1, 1), index=drivers, columns=drivers)


def _shares(gains: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return gains / gains.sum(-1, keepdims=True)


def _linear(spec: Specification, method: str | Method) -> Decomposition:
    sums = spec.sums()
    cov = linear.covariances(spec, sums)
    if method == "johnson" or callable(method):
        share_out = method if callable(method) else shapley_values.johnson
        first, error = [p[0] for p in spec.entries], 0.0
        gains, replicates = (
            np.add.reduceat(_gains(share_out, c), first, axis=-1)  # over columns of a term
            for c in (cov.estimate, cov.replicates)
        )
    else:
        seed = spec.sample.seed
        gains, error, replicates = shapley_values.decompose(
            cov.estimate, cov.replicates, seed, spec.entries
        )
    gains, replicates = spec.divided(gains), spec.divided(replicates)
    more = [_adjusted_note(spec), covariates_note(spec), _sampling_note(error / gains.sum())]
    if method == "shapley" and shapley_values.is_sampled_in_draws(len(spec.entries)):
        more += [_("Shares are exact; their intervals come from sampled orders of entry.")]
    return Decomposition(
        gains,
        replicates,
        N_("partial R²") if spec.covariates else "R²",
        sums.units,
        spec.counts(sums),
        spec.fitted(sums),
        linear.is_insignificant(
            float(gains.sum()), len(spec.columns), sums.effective - len(spec.covariates)
        ),
        notes.regression_notes(spec, sums, cov, replicates, *more),
    )


def _gains(share_out: Method, cov: np.ndarray) -> np.ndarray:
    """Gains of the columns, (..., p), as numbers of that shape."""
    gains = np.asarray(share_out(cov), float)
    if gains.shape != (*cov.shape[:-2], cov.shape[-1] - 1):
        raise ValueError(
            f"the method gives {gains.shape} for covariances of {cov.shape}; it must give a number "
            f"for each driver, {(*cov.shape[:-2], cov.shape[-1] - 1)}."
        )
    return gains


def _graded(spec: Specification, kind: str) -> Decomposition:
    from scipy.special import chdtrc

    grade, x, weight, clusters, offered = ordered_logit.graded_answers(spec, kind)
    k, draws, seed = len(spec.entries), spec.sample.draws, spec.sample.seed
    subsets, orders = ordered_logit.subsets_of(k, seed)
    member = np.zeros((k, x.shape[1]), bool)
    for p, columns in enumerate(spec.entries):
        member[p, columns] = True
    always = np.arange(x.shape[1]) >= len(spec.columns)  # covariates
    units, place, _unused = clusters.grouped()
    counts = np.concatenate(list(units.times(draws, seed)))  # with weights raked anew
    fitted, drawn, gain = ordered_logit.subset_fits(
        grade, x, weight, place, subsets @ member | always, counts
    )
    both = np.concatenate([fitted[:, None], drawn], axis=1)
    if spec.covariates:  # the first subset has no drivers
        both = 1 - (1 - both) / (1 - both[0])
    if orders is None:
        gains, error = shapley_values.shapley_of_subsets(both), 0.0
    else:
        at = {s.tobytes(): i for i, s in enumerate(subsets)}
        gains, errors = shapley_values.over_orders(
            lambda order: ordered_logit.gains_in_order(order, both, at),
            k,
            seed,
            ordered_logit.FEW_ORDERS,
        )
        error = float(errors[:, 0].max())
    by_cluster = np.bincount(np.unique(clusters.keys, return_inverse=True)[1], weight)
    effective = float(by_cluster.sum() ** 2 / (by_cluster**2).sum())
    gains = spec.divided(gains.T).T
    n, replicates = len(grade), gains[:, 1:].T
    remarks = [
        notes.complete_note(n, offered),
        notes.not_experienced_note(spec),
        _adjusted_note(spec),
        covariates_note(spec),
        notes.resamples_note(spec),
        _grades_note(kind, int(grade.max()) + 1, spec.outcome),
        _sampling_note(error / gains[:, 0].sum()),
        notes.failures_note(replicates),
    ]
    return Decomposition(
        gains[:, 0],
        replicates,
        N_("partial McFadden R²") if spec.covariates else "McFadden R²",
        effective,
        n,
        n,
        bool(chdtrc(len(spec.columns), gain * effective / n) >= 1 - LEVEL),
        remarks,
    )


def _tables(terms: list[str], parts: Decomposition) -> dict[str, pd.DataFrame]:
    point, drawn = parts.shares, parts.share_replicates
    level = expanded_level(parts.effective, 1 + len(terms))
    order = ranks.ranks(terms, point, drawn, level=level)
    table = estimates_table(terms, point, drawn, parts.n, level=level).join(order, on="term")
    total = parts.replicates.sum(-1, keepdims=True)
    fit = estimates_table(
        [parts.measure], parts.gains.sum(keepdims=True), total, parts.fitted, level=level
    )
    return {
        "table": table.sort_values("estimate", ascending=False, ignore_index=True),
        "r2": recentred_fit(fit, total),
        "differences": ranks.pairs(terms, point, drawn, parts.fitted, units=parts.effective),
    }


def _adjusted_note(spec: Specification) -> str:
    if not spec.blocks:
        return _("Shares are those of both together.") if spec.adjusted else ""
    blocks = [
        _("{drivers:label_list}", drivers=[spec.terms[t] for t in members])
        for members in spec.blocks.values()
    ]
    return _(
        "Shares are those of both together. Skipped together by the same customers: {blocks}; "
        "whether a customer skipped them is one variable, whose share is divided equally among "
        "them.",
        blocks=_("; ").join(blocks),
    )


def covariates_note(spec: Specification) -> str:
    """Which columns are adjusted for, and what R² is then."""
    if not spec.covariates:
        return ""
    return _(
        "Adjusted for {covariates:list}; R² is the share of what they leave unexplained.",
        covariates=spec.covariates,
    )


def _sampling_note(error: float) -> str:
    if not error:
        return ""
    return _(
        "Shares come from sampled orders of entry, with a standard error of {error:share2} at "
        "most.",
        error=float(error),
    )


def _grades_note(kind: str, grades: int, outcome: str) -> str:
    if kind == "logistic":
        return _("{outcome:quoted} is taken as yes or no (logistic regression).", outcome=outcome)
    return _(
        "{outcome:quoted} is taken as {n:count} ordered grades (proportional odds).",
        outcome=outcome,
        n=grades,
    )
