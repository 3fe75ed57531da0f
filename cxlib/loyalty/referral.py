"""Do customers who say they would recommend do so? Referral behaviour by NPS group.

    fit = loyalty.referral(sample, reviews, within=90)
    fit.table         # term (promoters, passives, detractors), estimate: share who referred
    fit.differences   # each minus the detractors
    loyalty.referred_customers(customers)     # share referred by a customer, share who referred one

Only acts after the answer count, and only answers that were followed up to the end.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import deciding_ends
from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.stats import estimators, moments, resampling
from cxlib.stats.intervals import wilson_interval
from cxlib.stats.notes import resampling_note

WORDS = ("referred by a customer", "referred a customer")
GROUPS = ("promoters", "passives", "detractors")
PROMOTER, PASSIVE = 9, 7  # on 0 to 10 (Reichheld 2003)


def referral(
    sample: SampleLike, acts: pd.DataFrame, *, item: str = "recommend", within: int = 90
) -> Result:
    """Share of answers followed by a referral or review within so many days, by NPS group.

    Parameters
    ----------
    sample : responses, with customer_id, answered_on and `item`
    acts : customer_id and at: a row a review, or a referral
    item : likelihood to recommend, 0 to 10
    within : days after the answer

    Returns
    -------
    Result with tables "table" (term, estimate, low, high, n: answers) and "differences" (term,
    against, estimate, low, high, n); simultaneous_low, simultaneous_high hold for both together

    Raises
    ------
    ValueError : missing columns, answers outside 0 to 10, no answer followed for so long

    References
    ----------
    Groups: Reichheld (2003).

    Examples
    --------
    >>> day = pd.to_datetime(["2026-01-01"] * 4)
    >>> answers = {"customer_id": list("abcd"), "answered_on": day, "recommend": [10, 9, 7, 3]}
    >>> acts = pd.DataFrame({"customer_id": ["a", "x"]})
    >>> acts["at"] = pd.to_datetime(["2026-01-20", "2026-06-01"])
    >>> referral(pd.DataFrame(answers), acts).table["estimate"].tolist()
    [0.5, 0.0, 0.0]
    """
    sample = as_sample(sample)
    responses = sample.data
    require_columns(responses, ["customer_id", "answered_on", item], "responses")
    require_columns(acts, ["customer_id", "at"], "acts")
    score = pd.to_numeric(responses[item], errors="coerce")
    known = score.notna() & responses["customer_id"].notna() & responses["answered_on"].notna()
    if odd := int((known & ~score.between(0, 10)).sum()):
        raise ValueError(f"{odd:,} answers to {item!r} lie outside 0 to 10.")
    end = acts["at"].max().normalize() + pd.Timedelta(days=1)
    followed = known & (responses["answered_on"] + pd.Timedelta(days=within) < end)
    followed &= moments.weights_of(responses, sample.weight) > 0
    if not followed.any():
        raise InsufficientData(
            _(
                "None of {n:count} answers was followed for {days:count} days.",
                n=int(known.sum()),
                days=within,
            )
        )
    used, score = sample.where(followed), score[followed]
    place = np.select([score >= PROMOTER, score >= PASSIVE], [0, 1], 2)
    means = estimators.cell_means(
        _referred(used.data, acts, within), place, 3, weight=used.weights, **resampling.design(used)
    )
    table, differences = _tables(means, np.bincount(place, minlength=3))
    follow_up = _(
        "{used:count} of {n:count} answers were followed for the {within:count} days "
        "after; {acts:count} acts, of which those after an answer count.",
        used=len(used),
        n=len(responses),
        within=within,
        acts=len(acts),
    )
    return Result(
        {"table": table, "differences": differences},
        _finding(table, differences, within),
        i18n.together([follow_up, resampling_note(sample)]),
        "share",
        **sample.bootstrap,
        replicates=means.replicates[..., 0],
    )


def referred_customers(sample: SampleLike) -> Result:
    """Share of customers whom another customer referred, and share who referred one.

    Parameters
    ----------
    sample : customers, with customer_id and `referred_by`, the customer who referred this one

    Returns
    -------
    Result with a table of term (referred by a customer, referred a customer), estimate, low,
    high, n

    Raises
    ------
    ValueError : missing columns, no customer

    References
    ----------
    Wilson (1927).

    Examples
    --------
    >>> rows = pd.DataFrame({"customer_id": list("abcd"), "referred_by": [None, "a", "a", None]})
    >>> referred_customers(rows).table["estimate"].tolist()
    [0.5, 0.25]
    """
    customers = as_sample(sample).data
    needed = ["customer_id", "referred_by"]
    require_columns(customers, needed, "customers")
    rows = customers[needed].dropna(subset="customer_id").drop_duplicates("customer_id")
    if rows.empty:
        raise ValueError("there are no customers, so nobody was brought by one.")
    by, n = rows["referred_by"].dropna(), len(rows)
    by = by[by != rows["customer_id"].loc[by.index]]  # nobody brings themselves
    counts = np.array([len(by), rows["customer_id"].isin(by).sum()])
    low, high = wilson_interval(counts / n, np.array(n))
    terms = ["referred by a customer", "referred a customer"]
    table = pd.DataFrame({"term": terms, "estimate": counts / n, "low": low, "high": high, "n": n})
    note = _(
        "A customer for whom no referrer is named counts as not referred; {unknown:count} of "
        "the referrers named are not among the customers.",
        unknown=by[~by.isin(rows["customer_id"])].nunique(),
    )
    facts = {
        "share": counts[0] / n,
        "span": (low[0], high[0]),
        "brought": counts[1] / n,
        "brought_span": (low[1], high[1]),
        "n": n,
    }
    finding = Finding.of_row(
        table.iloc[0],
        _(
            "{share:rate} of customers were referred by another customer; {brought:rate} "
            "referred one.",
            **facts,
        ),
        _(
            "95% CI {span:share_interval1} and {brought_span:share_interval1}; n = {n:count}",
            **facts,
        ),
        unit="share",
        measure="referred",
        importance=Importance.ANSWER,
    )
    return Result(table, finding, note, "share")


def _referred(used: pd.DataFrame, acts: pd.DataFrame, within: int) -> np.ndarray:
    """Whether each answer was followed by an act of the same customer in time, (rows,)."""
    asked = used[["customer_id", "answered_on"]].assign(row=np.arange(len(used)))
    dated = acts[["customer_id", "at"]].dropna()
    both = asked.merge(dated, on="customer_id")
    later = both["at"].dt.normalize() - both["answered_on"].dt.normalize()
    inside = (later > pd.Timedelta(0)) & (later <= pd.Timedelta(days=within))
    referred = np.zeros(len(used))
    referred[both.loc[inside, "row"]] = 1.0
    return referred


def _tables(means: estimators.Replicated, n: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Shares, and differences from the detractors, one family."""
    contrast = np.column_stack([np.eye(3), [1.0, 0, -1], [0, 1.0, -1]])
    every = (means @ contrast)[:, 0]
    own = every.interval_columns()
    shares = {c: np.clip(end[:3], 0, 1) for c, end in own.items()}
    table = pd.DataFrame({"term": GROUPS, "estimate": every.estimate[:3], "n": n, **shares})
    differences = pd.DataFrame(
        {
            "term": GROUPS[:2],
            "against": GROUPS[2],
            "estimate": every.estimate[3:],
            "n": n[:2] + n[2],
            **{c: end[3:] for c, end in own.items()},
        }
    )
    return table, differences


def _finding(table: pd.DataFrame, differences: pd.DataFrame, within: int) -> Finding:
    first, gap = table.iloc[0], differences.iloc[0]
    facts = {
        "share": first.estimate,
        "span": (first.low, first.high),
        "within": within,
        "points": abs(gap.estimate),
        "gap": 100 * gap.estimate,
        "gap_span": (100 * gap.low, 100 * gap.high),
        "n": first.n,
    }
    low, high = deciding_ends(gap)
    if low > 0:
        claim = _(
            "{share:rate} of promoters wrote a review or referred somebody within {within:count} "
            "days, significantly more than detractors.",
            **facts,
        )
    elif high < 0:
        claim = _(
            "{share:rate} of promoters wrote a review or referred somebody within {within:count} "
            "days, significantly fewer than detractors.",
            **facts,
        )
    else:
        claim = _(
            "{share:rate} of promoters wrote a review or referred somebody within {within:count} "
            "days, not significantly more than detractors.",
            **facts,
        )
    return Finding.of_row(
        first,
        claim,
        _(
            "95% CI {span:share_interval1}; difference {gap:signed1} percentage "
            "points ({gap_span:interval1}); n = {n:count}",
            **facts,
        ),
        unit="share",
        measure="referral",
        at={"group": str(first.term)},
        importance=Importance.ANSWER if low > 0 or high < 0 else Importance.CONTEXT,
    )
