"""Whether latent classes explain how answers go together: G², X² and bivariate residuals."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import Column
from cxlib.core.i18n import N_, _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.segments import inputs, latent_classes
from cxlib.segments.latent_classes import Classes
from cxlib.segments.likelihood_ratio import CLOSE, STARTS, simulated
from cxlib.stats import mixture_em, mixture_refits, moments
from cxlib.stats.mixture_em import Sheet

SAMPLE = 5_000  # customers at most
ADJUSTED = Column("p", "p-value of the largest residual", "p", label=N_("p-value (adjusted)"))


def goodness_of_fit(sample: SampleLike, fit: Result, *, simulations: int = 99) -> Result:
    """Whether the classes explain all association of the answers, and which pairs they do not.

    Answers of few steps and many customers a pattern are needed for G² and X² to follow χ²; p comes
    from samples simulated from the classes instead, each fitted again.

    Parameters
    ----------
    sample : the customers of the fit; those with a gap are left out
    fit : of `segments.fit` with model "classes", of categories or answers of few steps
    simulations : samples simulated from the classes

    Returns
    -------
    Result with tables "table" (term: "G²", likelihood ratio against the observed patterns, "X²",
    Pearson's, "AIC", "BIC"; estimate, n, df: patterns there could be less one less parameters, p)
    and "residuals" (one, other: the questions, term, estimate: χ² of the pair on its degrees of
    freedom, about 1 where the classes explain it, n, p: adjusted for the largest of all pairs)

    Raises
    ------
    ValueError : k-means or a mixture, or features that are numbers
    InsufficientData : too few customers without a gap

    References
    ----------
    Goodman (1974), Biometrika 61; Vermunt and Magidson (2005), Latent GOLD, for the residuals;
    Oberski, van Kollenburg and Vermunt (2013), Advances in Data Analysis and Classification 7, for
    their p by simulation.

    Examples
    --------
    >>> from cxlib import segments
    >>> rng = np.random.default_rng(1)
    >>> often = np.where(rng.random((300, 1)) < 0.5, 0.9, 0.2)
    >>> rows = pd.DataFrame(rng.random((300, 4)) < often, columns=list("abcd"))
    >>> choice = segments.Choice(k=2, most=2, draws=5)
    >>> fit = segments.fit(rows, model="classes", features=list("abcd"), choice=choice)
    >>> segments.goodness_of_fit(rows, fit, simulations=9).table["df"].iloc[0].item()
    6.0
    """
    sample = as_sample(sample)
    if not isinstance(fit.model, Classes) or fit.model.joint:
        raise ValueError("only latent classes predict patterns. Fit with model='classes'.")
    names = [axis.name for axis in fit.model.axes]
    w = moments.weights_of(sample.data, sample.weight)
    rows, w, notes = inputs.usable(sample.data, names, w, "complete")
    some = np.sort(np.random.default_rng(sample.seed).permutation(len(rows))[:SAMPLE])
    data = latent_classes.answers(rows.iloc[some], w[some], joint=False, ordinal=fit.model.ordinal)
    numbers = [
        a.name for a, b in zip(data.axes, data.sheet.blocks, strict=True) if b.kind != "levels"
    ]
    if numbers:
        raise ValueError(
            f"{numbers} are numbers, which have no patterns to count. Group their values, or leave "
            "them out of the features."
        )
    k, rng = len(fit.model.sums), np.random.default_rng(sample.seed)
    found = mixture_em.best(
        data.sheet, k, latent_classes.STARTS, sample.seed, near=_same(fit.model.sums, data.sheet)
    )
    seen, pairs = statistics(data.sheet, found.sums)
    drawn = []
    for _draw in range(simulations):
        sheet = simulated(data.sheet, found.sums, w[some], rng)
        again = mixture_em.best(sheet, k, STARTS, sample.seed, close=CLOSE, near=found.sums)
        drawn.append(statistics(sheet, again.sums))
    whole = np.array([d[0] for d in drawn])
    largest = np.array([d[1].max() for d in drawn])
    p = (1 + (whole >= seen).sum(0)) / (simulations + 1)
    facts = mixture_refits.criteria(data.sheet, found, float(data.sheet.weight.sum()))
    levels = [block.at.stop - block.at.start for block in data.sheet.blocks]
    df = np.prod(levels, dtype=float) - 1 - facts["parameters"]
    aic = 2 * (facts["parameters"] - facts["log-likelihood"])
    table = pd.DataFrame(
        {
            "term": ["G²", "X²", "AIC", "BIC"],
            "estimate": [*seen, aic, facts["BIC"]],
            "n": len(some),
            "df": [df, df, np.nan, np.nan],
            "p": [*p, np.nan, np.nan],
        }
    )
    two = np.array(list(combinations(range(len(names)), 2)))
    kept = [axis.name for axis in data.axes]
    residuals = pd.DataFrame(
        {
            "one": [kept[i] for i, _j in two],
            "other": [kept[j] for _i, j in two],
            "term": _("bivariate residual"),
            "estimate": pairs,
            "n": len(some),
            "p": (1 + (largest[:, None] >= pairs).sum(0)) / (simulations + 1),
        }
    ).sort_values("estimate", ascending=False, ignore_index=True)
    tables = {"table": table, "residuals": residuals}
    return Result(
        tables,
        _finding(table, residuals, k),
        i18n.together(notes),
        columns=[ADJUSTED],
        draws=simulations,
        seed=sample.seed,
    )


def _same(sums: np.ndarray, sheet: Sheet) -> np.ndarray | None:
    """The classes of the fit as a start, where complete rows have the same levels."""
    return sums if sums.shape[1] == 1 + sheet.statistics.shape[1] else None


def statistics(sheet: Sheet, sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(G², X²), and the bivariate residual of each pair of questions, all of them levels."""
    total = sheet.weight.sum()
    expected = total * np.exp(mixture_em.log_probability(sheet, sums))
    g2 = 2 * sheet.weight @ np.log(sheet.weight / expected)
    # Patterns that nobody has add what is expected of them.
    x2 = ((sheet.weight - expected) ** 2 / expected).sum() + max(total - expected.sum(), 0.0)
    share = sums[:, 0] / sums[:, 0].sum()
    given = sums[:, 1:]
    pairs = []
    for one, other in combinations(sheet.blocks, 2):
        first, second = (
            given[:, b.at] / given[:, b.at].sum(1, keepdims=True) for b in (one, other)
        )
        both = total * np.einsum("k,ka,kb->ab", share, first, second)
        seen = (sheet.statistics[:, one.at].T * sheet.weight) @ sheet.statistics[:, other.at]
        df = (seen.shape[0] - 1) * (seen.shape[1] - 1)
        pairs.append(((seen - both) ** 2 / np.maximum(both, 1e-300)).sum() / df)
    return np.array([g2, x2]), np.array(pairs)


def _finding(table: pd.DataFrame, residuals: pd.DataFrame, k: int) -> Finding:
    """Whether the classes are enough, and the pair that they explain worst."""
    g2, top = table.iloc[0], residuals.iloc[0]
    facts = {
        "k": k,
        "g2": g2.estimate,
        "df": i18n.count(g2.df),
        "p": g2.p,
        "one": top.one,
        "other": top.other,
        "size": top.estimate,
        "top_p": top.p,
        "n": g2.n,
    }
    if top.p < 0.05:
        claim = _(
            "{k} segments leave an association of {one:quoted} and {other:quoted} unexplained.",
            **facts,
        )
    elif g2.p < 0.05:
        claim = _("{k} segments do not explain all association of the answers.", **facts)
    else:
        claim = _("{k} segments explain how the answers are associated.", **facts)
    detail = _(
        "G² = {g2:number1}, df = {df}, p = {p:p} by simulation; largest bivariate residual "
        "{size:number1} ({one:quoted} and {other:quoted}, adjusted p = {top_p:p}); n = {n:count}",
        **facts,
    )
    return Finding(claim, detail, value=float(g2.estimate), importance=Importance.METHOD)
