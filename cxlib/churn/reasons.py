"""Churn reasons: why customers left, compared with the shares that are quoted everywhere.

    churn.churn_reasons(leavers, "left_because")

The quoted shares (1% died, 3% moved, 5% other ties, 9% competition, 14% product, 68% the attitude
of staff) are handed on without a survey one could check. They are a hypothesis here: tested against
this study's own leavers, never assumed of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.stats.intervals import LEVEL, wilson_interval

PUBLISHED = {
    "died": 0.01,
    "moved": 0.03,
    "other ties": 0.05,
    "competition": 0.09,
    "product": 0.14,
    "attitude of staff": 0.68,
}
MOST_OUTCOMES = 300_000  # counts that are gone through one by one
DRAWS = 20_000
DRAWN = 4_000_000  # leavers drawn in all, where weights differ


def churn_reasons(
    sample: SampleLike,
    reason: str = "left_because",
    *,
    published: Mapping[str, float] = PUBLISHED,
    names: Mapping[str, str] | None = None,
) -> Result:
    """Share of each reason among customers who left, and a test of the published shares.

    Parameters
    ----------
    sample : one row a customer who left; a weight is how many leavers each stands for
    reason : column of the reason
    published : shares that are tested; they add up to 1
    names : which published reason each of the study's is; reasons without a name are left out and
        counted in the notes

    Returns
    -------
    Result with a table of term, estimate, low, high, n, quoted. The test is the
    exact multinomial one (every count as unlikely or more), by Monte Carlo where the counts are too
    many; with weights that differ, chance draws every leaver's reason anew and the weights stay

    Raises
    ------
    ValueError : published shares that do not add up, no reason among the published
    InsufficientData : no reason is known

    Examples
    --------
    >>> leavers = pd.DataFrame({"left_because": ["moved", "product", "product"]})
    >>> fit = churn_reasons(leavers, published={"moved": 0.5, "product": 0.5})
    >>> fit.table["estimate"].round(2).tolist()
    [0.33, 0.67]
    """
    sample = as_sample(sample)
    require_columns(sample.data, [reason], "customers who left")
    if not np.isclose(sum(published.values()), 1, atol=0.005):
        raise ValueError(f"the published shares add up to {sum(published.values()):.3f}, not 1.")
    known = sample[reason].dropna().astype(str)
    if known.empty:
        raise InsufficientData(_("No reason for leaving is on file."))
    mapped = known.map({**{k: k for k in published}, **(names or {})})
    counts = mapped.value_counts().reindex(list(published), fill_value=0).to_numpy()
    n = int(counts.sum())
    if not n:
        raise ValueError(
            f"none of {len(known):,} reasons is one of {', '.join(published)}. Say which is which "
            "with churn.reasons in study.yaml."
        )
    shares = np.array(list(published.values())) / sum(published.values())
    place = pd.Index(published).get_indexer(mapped)
    w = _weights(sample.weights[sample[reason].notna()][place >= 0], n)
    found = np.bincount(place[place >= 0], w, len(counts)) / w.sum()
    low, high = wilson_interval(found, w.sum() ** 2 / (w**2).sum())
    table = pd.DataFrame({"term": list(published), "estimate": found, "low": low})
    table = table.assign(high=high, n=n, quoted=shares)
    if np.ptp(w) > 0:
        p, exact = weighted_test(found, w, shares, sample.seed), False
    else:
        p, exact = multinomial_test(counts, shares, sample.seed)
    draws, notes = 0 if exact else DRAWS, _notes(len(sample), n, exact)
    effective = w.sum() ** 2 / (w**2).sum()
    return Result(
        table, _finding(table, p, n, effective), notes, "share", draws=draws, seed=sample.seed
    )


def multinomial_test(counts: np.ndarray, shares: np.ndarray, seed: int = 1) -> tuple[float, bool]:
    """Chance of counts at least as unlikely as these under `shares`: (p, whether it is exact)."""
    from scipy.special import gammaln, xlogy

    n, k = int(counts.sum()), len(counts)

    def likelihood(x: np.ndarray) -> np.ndarray:
        return gammaln(n + 1) + (xlogy(x, shares) - gammaln(x + 1)).sum(-1)

    seen = likelihood(counts) + 1e-7  # equal counts are equally likely, whatever the last digit
    if comb(n + k - 1, k - 1) <= MOST_OUTCOMES:
        bars = np.array(list(combinations(range(n + k - 1), k - 1)), int)
        edges = np.column_stack([np.full(len(bars), -1), bars, np.full(len(bars), n + k - 1)])
        each = likelihood(np.diff(edges, axis=1) - 1)
        return float(min(np.exp(each[each <= seen]).sum(), 1)), True
    drawn = np.random.default_rng(seed).multinomial(n, shares, DRAWS)
    return float((1 + (likelihood(drawn) <= seen).sum()) / (1 + DRAWS)), False


def weighted_test(found: np.ndarray, w: np.ndarray, shares: np.ndarray, seed: int = 1) -> float:
    """Chance, under `shares`, of weighted shares as far from them as `found` (Pearson's distance).

    Each leaver's reason is drawn anew while the weights stay: Monte Carlo, of any sample size.
    """

    def distance(those: np.ndarray) -> np.ndarray:
        return ((those - shares) ** 2 / shares).sum(-1)

    draws = int(np.clip(DRAWN / len(w), 200, DRAWS))
    chance = np.random.default_rng(seed).random((draws, len(w)), dtype=np.float32)
    ends = np.concatenate([[0.0], np.cumsum(shares)[:-1], [2.0]])
    below = np.column_stack([(chance < end) @ w for end in ends]) / w.sum()
    further = distance(np.diff(below, axis=1)) >= distance(found) - 1e-9
    return float((1 + further.sum()) / (1 + draws))


def _weights(w: np.ndarray, n: int) -> np.ndarray:
    if bad := int((~(w > 0)).sum()):
        raise ValueError(f"{bad:,} of {n:,} leavers with a reason have no weight above 0.")
    return w


def _most_common(table: pd.DataFrame, effective: float) -> list[str]:
    """The reason with the largest share, and those whose share is not significantly smaller."""
    from scipy.special import ndtri

    rows = table.sort_values("estimate", ascending=False, kind="stable")
    share, top = rows["estimate"].to_numpy(), rows["estimate"].iloc[0]
    error = np.sqrt((top + share - (top - share) ** 2) / effective)
    return [str(term) for term in rows.loc[top - share <= ndtri((1 + LEVEL) / 2) * error, "term"]]


def _finding(table: pd.DataFrame, p: float, n: int, effective: float) -> Finding:
    """The most common reasons, and the quoted share that is furthest off, if any is."""
    off = table.iloc[(table["estimate"] - table["quoted"]).abs().argmax()]
    top = table.iloc[table["estimate"].argmax()]
    facts: dict[str, Any] = {
        "p": p,
        "reason": off.term,
        "share": off.estimate,
        "span": (off.low, off.high),
        "quoted": off.quoted,
        "top": top.term,
        "tops": _most_common(table, effective),
        "top_share": top.estimate,
        "top_span": (top.low, top.high),
    }
    differs = p <= 1 - LEVEL
    if differs:
        claim = ngettext(
            "The most common reason for leaving is {tops:quoted_list}; {reason:quoted} accounts "
            "for {share:share} of leavers, not the {quoted:share} of the literature.",
            "The most common reasons for leaving are {tops:quoted_list}; {reason:quoted} accounts "
            "for {share:share} of leavers, not the {quoted:share} of the literature.",
            len(facts["tops"]),
            **facts,
        )
        detail = _(
            "{top:quoted} {top_share:share} (95% CI {top_span:share_interval}), {reason:quoted} "
            "95% CI {span:share_interval}; differs from the quoted shares, p {p:p}; n = {n:count}",
            n=n,
            **facts,
        )
    else:
        claim = ngettext(
            "The most common reason for leaving is {tops:quoted_list}; the shares do not differ "
            "significantly from those of the literature.",
            "The most common reasons for leaving are {tops:quoted_list}; the shares do not differ "
            "significantly from those of the literature.",
            len(facts["tops"]),
            **facts,
        )
        detail = _(
            "{top:quoted} {top_share:share} (95% CI {top_span:share_interval}); p {p:p}; "
            "n = {n:count}",
            n=n,
            **facts,
        )
    row = off if differs else top
    return Finding.of_row(
        row,
        claim,
        detail,
        unit="share",
        measure="reason_for_leaving",
        at={"reason": str(row.term)},
        importance=Importance.NOTABLE if differs else Importance.ANSWER,
    )


def _notes(offered: int, n: int, exact: bool) -> str:
    test = (
        _("Exact multinomial test.") if exact else _("Multinomial test by Monte Carlo simulation.")
    )
    lost = _(
        "{n:count} of {offered:count} leavers gave a reason that can be compared.",
        n=n,
        offered=offered,
    )
    return i18n.together([lost, test])
