"""Likelihood ratio test of the number of classes, against samples from one class fewer."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.segments import inputs, latent_classes
from cxlib.segments.latent_classes import Classes
from cxlib.stats import mixture_em, moments
from cxlib.stats.mixture_em import Sheet

STARTS = 6  # of each fit of a simulated sample, besides the one that it was simulated from
CLOSE = 1e-3  # gain in log-likelihood at which a fit is near enough to its top
SAMPLE = 1_000  # customers at most


def likelihood_ratio(sample: SampleLike, fit: Result, *, simulations: int = 99) -> Result:
    """Whether one class fewer fits as well, by a parametric bootstrap test.

    Parameters
    ----------
    sample : the customers of the fit; gaps are simulated where they are
    fit : of `segments.fit` with model "classes" or "mixture"
    simulations : samples simulated from one class fewer

    Returns
    -------
    Result whose table has one row: term, estimate (twice the difference in log-likelihood), n,
    limit (95% of the simulated samples lie below it) and p (share of them at least as high)

    Raises
    ------
    ValueError : k-means, which has no likelihood

    References
    ----------
    McLachlan (1987).
    """
    sample = as_sample(sample)
    customers, seed = sample.data, sample.seed
    if not isinstance(fit.model, Classes):
        raise ValueError("k-means has no likelihood. Fit with model='classes' or 'mixture'.")
    names = [axis.name for axis in fit.model.axes]
    w = moments.weights_of(customers, sample.weight)
    rows, w, _notes = inputs.usable(customers, names, w, fit.missing)
    some = np.sort(np.random.default_rng(seed).permutation(len(rows))[:SAMPLE])
    model = fit.model
    data = latent_classes.answers(
        rows.iloc[some], w[some], joint=model.joint, ordinal=model.ordinal
    )
    k = len(fit.model.sums)
    seen, fewer = _ratio(data.sheet, k, seed, latent_classes.STARTS)
    rng = np.random.default_rng(seed)
    again = (simulated(data.sheet, fewer.sums, w[some], rng) for _ in range(simulations))
    drawn = np.array([_ratio(sheet, k, seed, STARTS, fewer.sums)[0] for sheet in again])
    p = (1 + (drawn >= seen).sum()) / (simulations + 1)
    term = _("{k} against {fewer} segments", k=k, fewer=k - 1)
    limit = float(np.quantile(drawn, 0.95))
    table = pd.DataFrame({"term": [term], "estimate": seen, "n": len(some), "limit": limit, "p": p})
    finding = _finding(k, seen, limit, p)
    return Result(table, finding, draws=simulations, seed=seed)


def _ratio(
    sheet: Sheet, k: int, seed: int, starts: int, near: np.ndarray | None = None
) -> tuple[float, mixture_em.Solution]:
    """Twice the gain from one class more, and the fit without it; `near` is a start for that."""
    fewer = mixture_em.best(sheet, k - 1, starts, seed, close=CLOSE, near=near)
    more = mixture_em.best(sheet, k, starts, seed, close=CLOSE, near=mixture_em.split(fewer.sums))
    return 2 * (more.loglik - fewer.loglik), fewer


def simulated(sheet: Sheet, sums: np.ndarray, w: np.ndarray, rng: np.random.Generator) -> Sheet:
    """Customers drawn from the model, with the weights and the gaps of those of the sheet."""
    n = len(sheet.pattern)
    share = sums[:, 0] / sums[:, 0].sum()
    member = rng.choice(len(share), n, p=share)
    drawn, joint = [], False
    for block in sheet.blocks:
        part, seen = sums[:, 1:][:, block.at], sheet.statistics[sheet.pattern, block.at]
        if block.kind == "numbers":
            mean, cov = mixture_em.covariance(part)
            half = np.linalg.cholesky(cov + mixture_em.TIGHTEST * np.eye(cov.shape[-1]))
            z = mean[member] + np.einsum(
                "nij,nj->ni", half[member], rng.standard_normal((n, len(half[0])))
            )
            drawn, joint = [(column, 0) for column in z.T], True
        elif block.kind == "number":
            mean = part[:, 1] / part[:, 0]
            spread = np.sqrt(np.maximum(part[:, 2] / part[:, 0] - mean**2, mixture_em.TIGHTEST))
            z = mean[member] + spread[member] * rng.standard_normal(n)
            drawn.append((np.where(seen[:, 0] > 0, z, np.nan), 0))
        else:
            edges = np.cumsum(part / part.sum(1, keepdims=True), axis=1)[member]
            level = (rng.random((n, 1)) > edges).sum(1).clip(0, part.shape[1] - 1)
            drawn.append((np.where(seen.sum(1) > 0, level, -1), part.shape[1]))
    scores = [block.scores for block in sheet.blocks]
    return mixture_em.sheet_of(drawn, w, joint=joint, scores=scores)


def _finding(k: int, seen: float, limit: float, p: float) -> Finding:
    words = {"k": k, "fewer": k - 1, "seen": seen, "limit": limit, "p": p}
    claim = (
        _("{k} segments fit significantly better than {fewer}.", **words)
        if p < 0.05
        else _("{k} segments do not fit significantly better than {fewer}.", **words)
    )
    detail = _(
        "likelihood ratio {seen:number1}; by chance below {limit:number1}; p = {p:number2}", **words
    )
    return Finding(claim, detail, value=seen, importance=Importance.METHOD)
