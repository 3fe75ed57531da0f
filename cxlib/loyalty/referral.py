"""Do those who say they would recommend do so? Answers beside what was done after them.

    told = referral(responses, reviews, within=90)
    told.table        # term (promoters, passives, detractors), estimate: share who did
    told.apart        # each less the detractors
    brought(customers)                # how many came through another, and how many brought one

Saying is not doing: the share of promoters who then wrote a review, or brought a friend, tells how
much of the score reaches others. Only what came after the answer counts, and only answers that were
followed up to the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates, how_drawn
from cxlib.stats import estimators, moments, resampling
from cxlib.stats.intervals import sidak_level, wilson_interval

WORDS = ("came through a customer", "brought a customer")
GROUPS = ("promoters", "passives", "detractors")
PROMOTER, PASSIVE = 9, 7  # on 0 to 10 (Reichheld 2003)


@dataclass(frozen=True)
class Referral(Estimates):
    """Shares who referred; `apart`: term, against, estimate (difference), low, high, n.

    All intervals of both tables hold together.
    """

    apart: pd.DataFrame = field(kw_only=True)


def referral(
    responses: pd.DataFrame,
    acts: pd.DataFrame,
    *,
    item: str = "recommend",
    within: int = 90,
    weight: str | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> Referral:
    """Of those who answered, the share with an act in the `within` days after, by what they said.

    `responses` has customer_id, answered_on and `item` (0 to 10); `acts` has customer_id and at: a
    row a review, or a referral. table: term, estimate, low, high, n (answers). Customers are drawn
    whole. Raises ValueError for columns that are missing, answers outside 0 to 10, and where no
    answer was followed for so long.
    """
    for rows, name, needed in (
        (responses, "responses", ["customer_id", "answered_on", item]),
        (acts, "acts", ["customer_id", "at"]),
    ):
        if lacking := [c for c in needed if c not in rows]:
            raise ValueError(f"{name} lack {lacking}. They have: {', '.join(map(str, rows))}.")
    score = pd.to_numeric(responses[item], errors="coerce")
    known = score.notna() & responses["customer_id"].notna() & responses["answered_on"].notna()
    if odd := int((known & ~score.between(0, 10)).sum()):
        raise ValueError(f"{odd:,} answers to {item!r} lie outside 0 to 10.")
    end = acts["at"].max().normalize() + pd.Timedelta(days=1)
    followed = known & (responses["answered_on"] + pd.Timedelta(days=within) < end)
    w = moments.weights_of(responses, weight)
    followed &= w > 0
    if not followed.any():
        raise ValueError(
            f"none of {int(known.sum()):,} answers was followed for {within} days; acts end on "
            f"{end - pd.Timedelta(days=1):%Y-%m-%d}. Take a shorter `within`."
        )
    used = responses[followed]
    did = _did(used, acts, within)
    place = np.select([score[followed] >= PROMOTER, score[followed] >= PASSIVE], [0, 1], 2)
    how = {"weight": w[followed], "who": resampling.who_of(used, "customer_id", weight)}
    means = estimators.cell_means(did, place, 3, **how, draws=draws, seed=seed)
    n = np.bincount(place, minlength=3)
    table, apart = _tables(means, n)
    note = i18n.together(
        [
            _(
                "{used:count} of {n:count} answers were followed for the {within:count} days "
                "after; {acts:count} acts, of which those after an answer count.",
                used=followed.sum(),
                n=len(responses),
                within=within,
                acts=len(acts),
            ),
            how_drawn(draws, weight, "customer_id"),
        ]
    )
    facts = {"draws": draws, "seed": seed, "replicates": means.replicates[..., 0], "apart": apart}
    return Referral(table, _answer(table, apart, within), note, "share", **facts)


def brought(customers: pd.DataFrame) -> Estimates:
    """The share of customers who came through another, and of those who brought one.

    `customers` has customer_id and `referred_by`, the customer who brought this one. table: term
    (came through a customer, brought a customer), estimate, low, high (both at once), n. Intervals
    are Wilson's (1927). Raises ValueError for columns that are missing and without customers.
    """
    needed = ["customer_id", "referred_by"]
    if lacking := [c for c in needed if c not in customers]:
        there = ", ".join(map(str, customers))
        raise ValueError(f"customers lack {lacking}. They have: {there}.")
    rows = customers[needed].dropna(subset="customer_id").drop_duplicates("customer_id")
    if rows.empty:
        raise ValueError("there are no customers, so nobody was brought by one.")
    by, n = rows["referred_by"].dropna(), len(rows)
    by = by[by != rows["customer_id"].loc[by.index]]  # nobody brings themselves
    counts = np.array([len(by), rows["customer_id"].isin(by).sum()])
    low, high = wilson_interval(counts / n, n, sidak_level(2))
    terms = ["came through a customer", "brought a customer"]
    table = pd.DataFrame({"term": terms, "estimate": counts / n, "low": low, "high": high, "n": n})
    note = _(
        "A customer for whom nobody is named counts as brought by none; {unknown:count} of those "
        "named are not among the customers. Both intervals hold together.",
        unknown=by[~by.isin(rows["customer_id"])].nunique(),
    )
    answer = _(
        "{share:share1} ({span:share_interval1}) of {n:count} customers came through another "
        "customer; {brought:share1} ({brought_span:share_interval1}) brought one.",
        share=counts[0] / n,
        span=(low[0], high[0]),
        brought=counts[1] / n,
        brought_span=(low[1], high[1]),
        n=n,
    )
    return Estimates(table, answer, note, "share")


def _did(used: pd.DataFrame, acts: pd.DataFrame, within: int) -> np.ndarray:
    """Whether each answer was followed by an act of the same customer in time, (rows,)."""
    asked = used[["customer_id", "answered_on"]].assign(row=np.arange(len(used)))
    dated = acts[["customer_id", "at"]].dropna()
    both = asked.merge(dated, on="customer_id")
    later = both["at"].dt.normalize() - both["answered_on"].dt.normalize()
    inside = (later > pd.Timedelta(0)) & (later <= pd.Timedelta(days=within))
    did = np.zeros(len(used))
    did[both.loc[inside, "row"]] = 1.0
    return did


def _tables(means: estimators.Replicated, n: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Shares, and differences from the detractors, one family."""
    contrast = np.column_stack([np.eye(3), [1.0, 0, -1], [0, 1.0, -1]])
    every = (means @ contrast)[:, 0]
    low, high = every.simultaneous_interval()
    table = pd.DataFrame(
        {
            "term": GROUPS,
            "estimate": every.estimate[:3],
            "low": np.clip(low[:3], 0, 1),
            "high": np.clip(high[:3], 0, 1),
            "n": n,
        }
    )
    apart = pd.DataFrame(
        {
            "term": GROUPS[:2],
            "against": GROUPS[2],
            "estimate": every.estimate[3:],
            "low": low[3:],
            "high": high[3:],
            "n": n[:2] + n[2],
        }
    )
    return table, apart


def _answer(table: pd.DataFrame, apart: pd.DataFrame, within: int) -> str:
    first, gap = table.iloc[0], apart.iloc[0]
    said = _(
        "{share:share1} ({span:share_interval1}) of {n:count} promoters wrote a review or brought "
        "somebody within {within:count} days of saying they would.",
        share=first.estimate,
        span=(first.low, first.high),
        n=first.n,
        within=within,
    )
    facts = {
        "points": abs(gap.estimate),
        "span": i18n.span(*sorted(100 * abs(v) for v in (gap.low, gap.high)), 1),
    }
    if gap.low > 0:
        more = _("That is {points:points1} points ({span}) more than of the detractors.", **facts)
    elif gap.high < 0:
        more = _("That is {points:points1} points ({span}) fewer than of the detractors.", **facts)
    else:
        more = _("Whether more than of the detractors did is not clear.")
    return i18n.together([said, more])
