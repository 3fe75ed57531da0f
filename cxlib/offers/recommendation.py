"""What to offer each customer next: products that go with what they bought, judged on later orders.

    fit = next_offers(baskets, holdout=0.3, offers=3)
    fit.table            # hit rate and coverage of each way to choose, and of popularity
    fit.gain             # how far each beats popularity, with intervals
    recommendations(baskets, fit, customers)     # a row a customer: offers, each with its reason

Item-to-item recommendation (Sarwar et al. 2001; Deshpande and Karypis 2004): a product scores by
its likeness to what the customer has bought, cosine or conditional probability. Only products that
are new to the customer are offered, by every way alike. A hit is a product offered that the
customer then bought unasked: it says that taste was met, not that an offer sells.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import sparse

from cxlib.core import i18n
from cxlib.core.columns import deciding_ends
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.offers.baskets import Baskets
from cxlib.stats.intervals import estimates_table, interval_columns, wilson_interval

POPULAR = "most popular"
WAYS = (POPULAR, "similar products", "bought after")
HITS = 10  # purchases of what was offered, below which no offers can be judged
CHUNK = 4_000_000  # scores held at once


def next_offers(baskets: Baskets, *, holdout: float = 0.3, offers: int = 3) -> Result:
    """How well each way of choosing offers meets what customers buy new later.

    Parameters
    ----------
    baskets : what orders held
    holdout : last share of the time, whose orders judge the offers chosen before
    offers : products offered to each customer, 1 or more

    Returns
    -------
    Result with the tables "table": way ("most popular"; "similar products": cosine;
    "bought after": conditional probability), term (hit rate: share of customers who
    bought one of their offers later; coverage: share of products that anyone is offered), estimate,
    low, high, n (customers who bought before and after); and "gain": way, term,
    how far hit rate and coverage lie above those of popularity. Its parts are the `way` with the
    most hits where it significantly beats popularity, else "most popular", and `offers`.

    Raises
    ------
    ValueError : fewer than one offer, or holdout leaves one side without orders

    References
    ----------
    Sarwar et al. (2001), WWW 10; Deshpande and Karypis (2004), ACM Transactions on Information
    Systems 22.

    Examples
    --------
    >>> from cxlib.offers.baskets import make_baskets
    >>> at = pd.date_range("2025-01-01", periods=80)
    >>> orders = pd.DataFrame({"order_id": range(80), "customer_id": [*range(40)] * 2, "at": at})
    >>> lines = orders[["order_id"]].assign(product=["tea"] * 40 + ["cup"] * 40)
    >>> fit = next_offers(make_baskets(orders, lines), holdout=0.5, offers=1)
    >>> fit.table["estimate"].tolist()[:2], fit.way
    ([1.0, 0.5], 'most popular')
    """
    if offers < 1:
        raise ValueError(f"offers is {offers}; it must be 1 or more.")
    early, late, day = baskets.split(holdout)
    before, after = bought(early), bought(late)
    both = (before.sum(1) > 0) & (after.sum(1) > 0)
    if not both.any():
        return Result(
            {"table": _empty(), "gain": pd.DataFrame()},
            _nobody(early, day),
            i18n.together(baskets.notes),
            "share",
            draws=baskets.draws,
            seed=baskets.seed,
            parts={"way": POPULAR, "offers": offers, "usable": False},
        )
    history, new = before[both], after[both]
    likeness = {way: likeness_of(before, way) for way in WAYS}
    hits, offered = zip(
        *(_judged(history, new, likeness[way], before, offers) for way in WAYS), strict=True
    )
    estimate, replicates = _rates(baskets, np.stack(hits, 1), offered, baskets.keys[both])
    n = int(both.sum())
    table = estimates_table(["hit rate", "coverage"] * len(WAYS), estimate, replicates, n)
    # Of few customers nobody may have had a hit, which no draw would then doubt.
    table.loc[::2, "low"], table.loc[::2, "high"] = wilson_interval(estimate[::2], np.array(n))
    table.insert(0, "way", np.repeat(WAYS, 2))
    gain = _gain(estimate, replicates, n)
    way, hit = _best(gain), table[table["term"] == "hit rate"].set_index("way")["estimate"]
    usable = n * float(hit[way]) >= HITS
    notes = i18n.together([*baskets.notes, _judged_on(n, day, early), baskets.resampling])
    return Result(
        {"table": table, "gain": gain},
        _finding(table, gain, way, offers, usable),
        notes,
        "share",
        draws=baskets.draws,
        seed=baskets.seed,
        replicates=replicates,
        parts={"way": way, "offers": offers, "usable": usable},
    )


def recommendations(
    baskets: Baskets, fit: Result, customers: pd.Series | None = None
) -> pd.DataFrame:
    """What to offer each customer, and why.

    Parameters
    ----------
    baskets : what orders held
    fit : of `next_offers`
    customers : ids of those to make offers to; all when None

    Returns
    -------
    A row a customer: customer_id, offer_1, because_1, offer_2 ... `because` is the product bought
    that speaks most for the offer, or "most popular". A customer who has bought everything is
    offered nothing; nobody is where too few bought what was offered for it to be judged (`usable`
    of the fit).

    Examples
    --------
    >>> from cxlib.offers.baskets import make_baskets
    >>> at = pd.date_range("2025-01-01", periods=80)
    >>> orders = pd.DataFrame({"order_id": range(80), "customer_id": [*range(40)] * 2, "at": at})
    >>> lines = orders[["order_id"]].assign(product=["tea"] * 60 + ["cup"] * 20)
    >>> baskets = make_baskets(orders, lines, least=1)
    >>> fit = next_offers(baskets, holdout=0.5, offers=1)
    >>> recommendations(baskets, fit, pd.Series([0])).values.tolist()
    [[0, 'cup', 'most popular']]
    """
    if not fit.usable:
        return pd.DataFrame()
    history = bought(baskets)
    some = np.arange(len(baskets.customers))
    if customers is not None:
        some = np.flatnonzero(np.isin(baskets.customers, customers.to_numpy(object)))
    likeness = likeness_of(history, fit.way)
    rows = []
    for part, scores in _scores(history[some], likeness, history):
        top = _top(scores, fit.offers)
        own = history[some[part]]
        rows.append(_listed(baskets, some[part], own, top, likeness, fit.way))
    names = [f"{w}_{k}" for k in range(1, fit.offers + 1) for w in ("offer", "because")]
    empty = pd.DataFrame(columns=["customer_id", *names])
    return pd.concat(rows, ignore_index=True) if rows else empty


def bought(baskets: Baskets) -> sparse.csr_array:
    """(customers, products): 1 where the customer bought the product."""
    counts = sparse.csr_array(baskets.whose @ baskets.matrix)
    counts.data[:] = 1.0
    return counts


def likeness_of(history: sparse.csr_array, way: str) -> sparse.csr_array:
    """(products, products): how much a purchase of the row speaks for the column; 0 by itself.

    "similar products" is symmetric; "bought after" is the share of buyers of the row who bought
    the column;
    "most popular" knows no rows.
    """
    together = sparse.coo_array(history.T @ history)
    own = np.asarray(history.sum(0)).ravel()
    row, column = together.coords
    apart = (row != column) if way != POPULAR else np.zeros(len(row), bool)
    row, column, count = row[apart], column[apart], together.data[apart]
    scale = np.sqrt(own[row] * own[column]) if way == "similar products" else own[row]
    return sparse.csr_array((count / scale, (row, column)), shape=together.shape)


def _scores(
    history: sparse.csr_array, likeness: sparse.csr_array, everybody: sparse.csr_array
) -> Iterator[tuple[slice, np.ndarray]]:
    """Customers some at a time, with the score of each product; bought ones are -inf.

    Popularity settles ties, and speaks where nothing a customer bought does.
    """
    popular = np.asarray(everybody.sum(0)).ravel()
    popular = 1e-9 * popular / max(popular.max(initial=0), 1)
    step = max(1, CHUNK // max(1, history.shape[1]))
    for start in range(0, history.shape[0], step):
        part = slice(start, start + step)
        own = history[part]
        scores = np.asarray((own @ likeness).todense()) + popular
        scores[own.nonzero()] = -np.inf
        yield part, scores


def _top(scores: np.ndarray, offers: int) -> np.ndarray:
    """(customers, offers): places of the best products, -1 where there are no more.

    `scores` are used up; a few passes over them are quicker than a sort of them all.
    """
    everyone, found = np.arange(len(scores)), np.full((len(scores), offers), -1)
    for k in range(min(offers, scores.shape[1])):
        best = scores.argmax(1)
        found[:, k] = np.where(np.isneginf(scores[everyone, best]), -1, best)
        scores[everyone, best] = -np.inf
    return found


def _judged(
    history: sparse.csr_array,
    later: sparse.csr_array,
    likeness: sparse.csr_array,
    everybody: sparse.csr_array,
    offers: int,
) -> tuple[np.ndarray, sparse.csr_array]:
    """(whether each customer bought one of the offers, which products each was offered)."""
    given = []
    for _unused, scores in _scores(history, likeness, everybody):
        top = _top(scores, offers)
        row, place = np.nonzero(top >= 0)
        shape = (len(top), history.shape[1])
        given.append(sparse.csr_array((np.ones(len(row)), (row, top[row, place])), shape=shape))
    offered = sparse.csr_array(sparse.vstack(given))
    return np.asarray(offered.multiply(later).sum(1)).ravel() > 0, offered


def _rates(
    baskets: Baskets, hits: np.ndarray, given: tuple[sparse.csr_array, ...], keys: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(estimates, draws): hit rate and coverage of each way in turn."""
    products = given[0].shape[1]
    sums = np.hstack([np.ones((len(hits), 1)), hits, *(g.toarray() for g in given)])
    all_of = baskets.resample(sums, keys)
    with np.errstate(invalid="ignore"):
        rate = all_of[:, 1 : 1 + len(given)] / all_of[:, :1]
    offered = all_of[:, 1 + len(given) :].reshape(len(all_of), len(given), products)
    cover = (offered > 0).mean(2)
    # A draw has fewer different customers, who are offered fewer different products.
    cover[1:] = np.minimum(cover[1:] - cover[1:].mean(0) + cover[0], 1.0)
    found = np.stack([rate, cover], axis=2).reshape(len(all_of), -1)
    return found[0], found[1:]


def _gain(estimate: np.ndarray, replicates: np.ndarray, n: int) -> pd.DataFrame:
    apart = estimate[2:] - np.tile(estimate[:2], len(WAYS) - 1)
    drawn = replicates[:, 2:] - np.tile(replicates[:, :2], len(WAYS) - 1)
    table = estimates_table(["hit rate", "coverage"] * (len(WAYS) - 1), apart, drawn, n)
    table = table.assign(**interval_columns(apart, drawn, units=n))
    table.insert(0, "way", np.repeat(WAYS[1:], 2))
    return table


def _best(gain: pd.DataFrame) -> str:
    hits = gain[(gain["term"] == "hit rate") & (deciding_ends(gain)[0] > 0)]
    return POPULAR if hits.empty else str(hits.loc[hits["estimate"].idxmax(), "way"])


def _listed(
    baskets: Baskets,
    places: np.ndarray,
    own: sparse.csr_array,
    top: np.ndarray,
    likeness: sparse.csr_array,
    way: str,
) -> pd.DataFrame:
    names = np.append(baskets.products.astype(object), "")
    table = {"customer_id": baskets.customers[places]}
    history = own.toarray()
    for k in range(top.shape[1]):
        offer = top[:, k]
        speaks = history * likeness[:, np.maximum(offer, 0)].toarray().T
        reason = np.where((offer >= 0) & (speaks.max(1) > 0), speaks.argmax(1), -1)
        table[f"offer_{k + 1}"] = names[offer]
        table[f"because_{k + 1}"] = (
            names[reason] if way != POPULAR else np.where(offer >= 0, POPULAR, "")
        )
    return pd.DataFrame(table)


# Words


def _empty() -> pd.DataFrame:
    numbers = ["estimate", "low", "high", "n"]
    return pd.DataFrame(
        {c: pd.Series(dtype=float if c in numbers else str) for c in ("way", "term", *numbers)}
    )


def _nobody(early: Baskets, day: pd.Timestamp) -> Finding:
    return Finding(
        _(
            "No customer bought both before and after {date:date}: offers cannot be tested.",
            date=day,
        ),
        _("n = {n:count} customers before", n=len(np.unique(early.customer))),
    )


def _judged_on(n: int, day: pd.Timestamp, early: Baskets) -> str:
    return _(
        "Trained on orders before {date:date}, validated on the {n:count} of {customers:count} "
        "customers who also bought after it; only products new to the customer count.",
        date=day,
        n=n,
        customers=len(np.unique(early.customer)),
    )


def _finding(
    table: pd.DataFrame, gain: pd.DataFrame, way: str, offers: int, usable: bool
) -> Finding:
    """Whether offers chosen by past purchases beat the most popular products."""
    rate = table[table["term"] == "hit rate"].set_index("way")
    best = rate.loc[way]
    facts = {
        "offers": offers,
        "rate": best["estimate"],
        "span": (best["low"], best["high"]),
        "n": rate["n"].iloc[0],
    }
    if not usable:
        facts["hits"] = round(float(best["estimate"]) * float(facts["n"]))
        claim = _(
            "Too few purchases to judge a list of offers: {hits:count} of {n:count} customers "
            "bought what it would have offered.",
            **facts,
        )
        detail = _(
            "{rate:share1} (95% CI {span:share_interval1}) later bought one of {offers:count} "
            "popular products new to them; {least:count} such purchases are needed to judge offers",
            least=HITS,
            **facts,
        )
        action = _("Send no offers by past purchases: too few customers buy again to test them.")
    elif way == POPULAR:
        action = _("Offer everybody the most popular products, and test it on a random part first.")
        claim = _(
            "Among single products, offer the most popular: past purchases do not predict the next "
            "one significantly better."
        )
        detail = _(
            "{rate:share1} (95% CI {span:share_interval1}) later bought one of {offers:count} "
            "popular products new to them; n = {n:count}",
            **facts,
        )
    else:
        action = _(
            "Offer products chosen by past purchases to a random part of the customers first, and "
            "compare sales."
        )
        more = gain[(gain["term"] == "hit rate") & (gain["way"] == way)].iloc[0]
        facts |= {
            "more": more["estimate"],
            "more_span": (100 * more["low"], 100 * more["high"]),
        }
        claim = _(
            "{rate:share} of customers later bought one of {offers:count} products chosen by their "
            "past purchases, {more:points1} percentage points more than of the most popular ones.",
            **facts,
        )
        detail = _(
            "nobody was offered them: 95% CI {span:share_interval1}, of the difference "
            "{more_span:interval1}; n = {n:count}",
            **facts,
        )
    return Finding.of_row(
        best,
        claim,
        detail,
        unit="share",
        measure="hit_rate",
        at={"way": way},
        importance=Importance.ANSWER
        if not usable
        else Importance.CONTEXT
        if way == POPULAR
        else Importance.NOTABLE,
        action=action,
    )
