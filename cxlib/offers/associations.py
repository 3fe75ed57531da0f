"""Which products go together: association rules found in earlier orders and judged in later ones.

    fit = rules(baskets, holdout=0.3)
    fit.table            # if_bought, then_bought, lift and its interval, support, confidence ...
    bundles(fit)         # sets worth offering as one, and how much more often they are bought so

Support is the share of orders with all products, confidence the share of orders with the first that
hold the second too, lift how many times as often as if they had nothing to do with each other
(Agrawal, Imielinski and Swami 1993). Large orders hold much of everything, so what decides is the
adjusted lift: how many times as often as orders of the same size hold the second anyway. Rules are
judged by what later orders show, which had no say in choosing them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import ESTIMATE, Column, deciding_ends
from cxlib.core.i18n import N_, _
from cxlib.core.result import Finding, Importance, Result
from cxlib.offers import chance
from cxlib.offers.baskets import Baskets
from cxlib.offers.counted import CountedBaskets
from cxlib.privacy import disclosure
from cxlib.stats import pvalues
from cxlib.stats.intervals import estimates_table, interval_columns, wilson_interval

FALSE = 0.05  # share of finds that may be false
POOL = 100  # the clearest pairs, of which triples are made
ALONE = 0.5  # share of a pair's orders without the third product from which it stands for itself
Sets = Sequence[tuple[int, ...]]
AnyBaskets = Baskets | CountedBaskets


def rules(baskets: AnyBaskets, *, holdout: float = 0.3, most: int = 12) -> Result:
    """Pairs and triples of products bought together significantly more often than by chance.

    Parameters
    ----------
    baskets : what orders held, in rows (`make_baskets`) or counted (`count_baskets`)
    holdout : last share of the time, whose orders judge what the earlier ones chose; with 0 the
        same orders choose and judge
    most : pairs, and triples, that are judged: the most significant

    Returns
    -------
    Result with the tables "table": if_bought, then_bought, term (adjusted lift), estimate, low,
    high, n (orders with all of it), simultaneous_low, simultaneous_high, confidence, lift (not
    adjusted), lift_before (adjusted lift in the orders that chose it), p_held (adjusted by
    Benjamini and Yekutieli), holds (the simultaneous interval is above 1); and "measures": support,
    confidence and lift with pointwise intervals. Where nothing is found, "table" has the share of
    orders with several products. Its parts are `sets` (the products of each rule as places, the
    last is the one offered) and `judged` (the orders that the numbers are from).

    Raises
    ------
    ValueError : holdout is no share, or leaves one side without orders

    References
    ----------
    Agrawal, Imielinski and Swami (1993), SIGMOD. Benjamini and Yekutieli (2001), Annals of
    Statistics 29.

    Examples
    --------
    >>> from cxlib.offers.baskets import make_baskets
    >>> at = pd.date_range("2025-01-01", periods=80)
    >>> orders = pd.DataFrame({"order_id": range(80), "customer_id": range(80), "at": at})
    >>> held = [["tea", "cup"], ["pen", "ink"]] * 40
    >>> lines = orders[["order_id"]].assign(product=held).explode("product")
    >>> rules(make_baskets(orders, lines, least=1), holdout=0).table["lift"].tolist()
    [2.0, 2.0]
    """
    if not 0 <= holdout < 1:
        raise ValueError(f"holdout is {holdout}; it is a share of the time, 0 or more, below 1.")
    early, late, day = baskets.split(holdout) if holdout else (baskets, baskets, None)
    sets, p, tested, found = _search(early, most)
    sets = _directed(early, sets)
    if not sets:
        several = _several(baskets)
        return Result(
            {"table": several, "measures": pd.DataFrame()},
            _nothing(several.iloc[0], tested),
            i18n.together([*baskets.notes, _how_tested(), baskets.resampling]),
            "share",
            draws=baskets.draws,
            seed=baskets.seed,
            parts={"sets": [], "judged": late},
        )
    table, measures, replicates = _measured(late, sets)
    wide = measures.pivot(columns="term", values="estimate", index="set")
    table["confidence"], table["lift"] = wide["confidence"], wide["lift"]
    table["lift_before"], table["p_held"] = _adjusted_lift(early, sets), p
    table["holds"] = deciding_ends(table)[0] > 1
    order = np.argsort(-deciding_ends(table)[0].to_numpy(), kind="stable")
    table, sets = table.iloc[order].assign(set=range(len(sets))), [sets[k] for k in order]
    measures["set"] = np.argsort(order)[measures["set"]]
    table, measures = (_named(baskets, sets, t) for t in (table, measures.sort_values("set")))
    sentences = [
        *_notes(baskets, late, day),
        _how_tested(),
        _shown(found, len(sets)),
        _lifts(),
        baskets.resampling,
    ]
    return Result(
        {"table": table, "measures": measures},
        _finding(table, _labels(baskets, sets[0]), tested, found, holdout),
        i18n.together(sentences),
        "times",
        columns=[Column("estimate", "adjusted lift", ESTIMATE, label=N_("adjusted lift"))],
        draws=baskets.draws,
        seed=baskets.seed,
        replicates=replicates[:, order],
        parts={"sets": sets, "judged": late},
    )


def _search(early: AnyBaskets, most: int) -> tuple[Sets, np.ndarray, int, int]:
    """(sets found, the clearest first, their p held, how many were tested, how many found)."""
    two, p2 = chance.pairs(early)
    held2 = pvalues.adjusted(p2, "benjamini-yekutieli")
    best = [k for k in np.argsort(p2, kind="stable") if held2[k] < FALSE]
    three, p3 = chance.triples(early, [two[k] for k in best[:POOL]])
    held3 = pvalues.adjusted(p3, "benjamini-yekutieli")
    more = [k for k in np.argsort(p3, kind="stable") if held3[k] < FALSE]
    sets = [two[k] for k in best[:most]] + [three[k] for k in more[:most]]
    p = np.r_[held2[best[:most]], held3[more[:most]]]
    return sets, p, len(two) + len(three), len(best) + len(more)


def _directed(baskets: AnyBaskets, sets: Sets) -> Sets:
    """Each set with the product last that is bought most often with the others."""
    if not sets:
        return sets
    ways = [[tuple(x for x in some if x != one) for one in some] for some in sets]
    parts = sorted({rest for rests in ways for rest in rests})
    count = dict(zip(parts, baskets.count(parts), strict=True))
    best = [int(np.argmin([count[rest] for rest in rests])) for rests in ways]
    return [(*rests[k], some[k]) for some, rests, k in zip(sets, ways, best, strict=True)]


def _columns(baskets: AnyBaskets, sets: Sets) -> np.ndarray:
    """(customers, 1 + 4 sets): orders; with all, with the first, with the last, by size."""
    first, last, sizes = [s[:-1] for s in sets], [s[-1:] for s in sets], chance.Sizes(baskets)
    held = baskets.holding([*sets, *first, *last], sizes.edges)
    by_chance = by_size(baskets, sizes, first, [s[-1] for s in sets])
    return np.hstack([baskets.orders()[:, None], held, by_chance])


def by_size(
    baskets: AnyBaskets, sizes: chance.Sizes, given: Sets, products: Sequence[int]
) -> np.ndarray:
    """(customers, sets): orders with `given` that would hold the product by their size alone."""
    pairs = zip(given, products, strict=True)
    chances = np.stack([sizes.chance(some)[:, product] for some, product in pairs])
    return baskets.filled(given, sizes.edges, chances)


def _measured(late: AnyBaskets, sets: Sets) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """(adjusted lift of each set, its other measures one below the other, draws of the first)."""
    all_of, customers = late.resample(_columns(late, sets)), late.buyers
    orders, (both, first, last, expected) = all_of[:, :1], np.split(all_of[:, 1:], 4, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        lifts = both / expected
        measures = {
            "support": both / orders,
            "confidence": both / first,
            "lift": both * orders / (first * last),
        }
        logs = np.where(lifts > 0, np.log(lifts), np.nan)
    table = estimates_table(["adjusted lift"] * len(sets), lifts[0], lifts[1:], both[0].astype(int))
    ends = interval_columns(logs[0], logs[1:], units=customers)
    # Where all orders of a size hold the product, no draw differs: there is no error to estimate.
    same = (np.ptp(logs, axis=0) < 1e-9) & (first[0] >= chance.EXPECTED)
    ends = {c: np.where(same, logs[0], end) for c, end in ends.items()}
    table = table.assign(**{c: np.exp(end) for c, end in ends.items()})
    table.insert(0, "set", range(len(sets)))
    people = late.people(sets)
    table = disclosure.with_people(table, people)
    parts = [
        disclosure.with_people(
            estimates_table([name] * len(sets), v[0], v[1:], table["n"], set=range(len(sets))),
            people,
        )
        for name, v in measures.items()
    ]
    return table, pd.concat(parts, ignore_index=True), lifts[1:]


def _named(baskets: AnyBaskets, sets: Sets, table: pd.DataFrame) -> pd.DataFrame:
    """The table with the products of each set in place of its number."""
    place, table = table["set"], table.drop(columns="set").reset_index(drop=True)
    table.insert(0, "if_bought", [_names(baskets, sets[k][:-1]) for k in place])
    table.insert(1, "then_bought", [_names(baskets, sets[k][-1:]) for k in place])
    return table


def _adjusted_lift(baskets: AnyBaskets, sets: Sets) -> np.ndarray:
    """How many times as often as in orders of the same size each set's last product is held."""
    sizes, last = chance.Sizes(baskets), [s[-1] for s in sets]
    expected = by_size(baskets, sizes, [s[:-1] for s in sets], last).sum(0)
    return baskets.count(sets) / expected


def bundles(fit: Result) -> Result:
    """Sets of products to offer as one: how much more often they are bought than their parts.

    Separate purchase is the best of the ways to part the set: orders with one part, of which as
    many hold the other as orders of their size do. A pair within a bundle of three stands for
    itself only where at least half of its orders lack the third product.

    Parameters
    ----------
    fit : of `rules`; those that hold in later orders are bundled

    Returns
    -------
    Result with a table bundle, term (gain), estimate (orders per 1,000 beyond separate purchase),
    low, high, n (orders with all of it), simultaneous_low, simultaneous_high, support.

    Examples
    --------
    >>> from cxlib.offers.baskets import make_baskets
    >>> at = pd.date_range("2025-01-01", periods=80)
    >>> orders = pd.DataFrame({"order_id": range(80), "customer_id": range(80), "at": at})
    >>> held = [["tea", "cup"], ["pen", "ink"]] * 40
    >>> lines = orders[["order_id"]].assign(product=held).explode("product")
    >>> fit = bundles(rules(make_baskets(orders, lines, least=1), holdout=0))
    >>> sorted(fit.table["bundle"])
    ['cup, tea', 'ink, pen']
    """
    late = fit.judged
    held = [
        tuple(sorted(s)) for s, h in zip(fit.sets, fit.table.get("holds", []), strict=True) if h
    ]
    sets = _maximal(late, held) if held else []
    if not sets:
        claim = _("No products are bought together often enough to sell them as a bundle.")
        return Result(_empty("bundle"), claim, fit.notes, "number", draws=fit.draws, seed=fit.seed)
    gain, replicates, n, support = _gains(late, sets)
    table = estimates_table(["gain"] * len(sets), gain, replicates, n.tolist())
    table = table.assign(**interval_columns(gain, replicates, units=late.buyers))
    table.insert(0, "bundle", [_names(late, s) for s in sets])
    table["support"] = support
    table = table.sort_values("estimate", ascending=False, ignore_index=True)
    best, sure = table.iloc[0], int((deciding_ends(table)[0] > 0).sum())
    facts = {
        "sure": sure,
        "all": len(table),
        "name": best["bundle"],
        "gain": best["estimate"],
        "span": (best["low"], best["high"]),
        "n": best["n"],
    }
    finding = Finding.of_row(
        best,
        _(
            "The best bundle is {name:verbatim}: {gain:number1} more orders per 1,000 contain it "
            "than expected.",
            **facts,
        ),
        _(
            "95% CI {span:interval1}; n = {n:count}; {sure:count} of {all:count} bundles "
            "significant",
            **facts,
        ),
        unit="orders per 1,000",
        measure="bundle_gain",
        at={"bundle": best["bundle"]},
        importance=Importance.NOTABLE if deciding_ends(best)[0] > 0 else Importance.CONTEXT,
    )
    notes = [
        _(
            "More orders per 1,000: beyond those that would hold the bundle if its parts were "
            "bought separately in orders of the same size."
        ),
        _("A discounted bundle is another offer: only a trial can show what it would bring."),
        late.resampling,
    ]
    return Result(
        table,
        finding,
        i18n.together(notes),
        "number",
        columns=[Column("estimate", "gain", ESTIMATE, label=N_("more orders per 1,000"))],
        draws=fit.draws,
        seed=fit.seed,
    )


def _maximal(late: AnyBaskets, sets: Sets) -> Sets:
    count = dict(zip(sets, late.count(sets), strict=True))

    def stands(two: tuple[int, ...]) -> bool:
        larger = [count[s] for s in sets if len(s) > len(two) and set(two) < set(s)]
        return not larger or 1 - max(larger) / count[two] >= ALONE

    return [s for s in sets if stands(s)]


def _gains(late: AnyBaskets, sets: Sets) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(gain of each set, in each draw, orders with it, their share), a thousand orders."""
    splits = [(k, rest) for k, s in enumerate(sets) for rest in combinations(s, len(s) - 1)]
    last = [next(x for x in sets[k] if x not in rest) for k, rest in splits]
    sizes = chance.Sizes(late)
    expected = by_size(late, sizes, [rest for _, rest in splits], last)
    sums = [late.orders()[:, None], late.holding(sets, sizes.edges), expected]
    all_of = late.resample(np.hstack(sums))
    both, apart = all_of[:, 1 : 1 + len(sets)], all_of[:, 1 + len(sets) :]
    owner = np.array([k for k, _ in splits])
    best = np.stack([apart[:, owner == k].max(1) for k in range(len(sets))], axis=1)
    gain = 1000 * (both - best) / all_of[:, :1]
    return gain[0], gain[1:], both[0].astype(int), both[0] / all_of[0, 0]


# Words


def _names(baskets: AnyBaskets, some: Sequence[int]) -> str:
    return i18n.listed(_labels(baskets, some))


def _labels(baskets: AnyBaskets, some: Sequence[int]) -> list[str]:
    return [i18n.label(str(baskets.products[k])) for k in some]


def _empty(*names: str) -> pd.DataFrame:
    columns = [*names, "term", "estimate", "low", "high", "n"]
    return pd.DataFrame({c: pd.Series(dtype=float if c in columns[-4:] else str) for c in columns})


def _several(baskets: AnyBaskets) -> pd.DataFrame:
    """The share of orders that hold more than one product, a row."""
    sums = np.column_stack([baskets.orders(several=True), baskets.orders()])
    several, orders = baskets.resample(sums).T
    shares = (several / np.maximum(orders, 1))[:, None]
    table = estimates_table(["more than one product"], shares[0], shares[1:], len(baskets))
    if not shares[0, 0]:  # no draw doubts that there is none
        table["low"], table["high"] = wilson_interval(shares[0], np.array(baskets.buyers))
    return table


def _nothing(several: pd.Series, tested: int) -> Finding:
    facts = {
        "share": several["estimate"],
        "span": (several["low"], several["high"]),
        "n": several["n"],
        "tested": tested,
        "least": chance.EXPECTED,
    }
    if not tested:
        claim = _("No products can be offered together: too few orders hold more than one product.")
        detail = _(
            "{share:share1} of orders (95% CI {span:share_interval1}); no pair is expected "
            "{least:count} times; n = {n:count}",
            **facts,
        )
    else:
        claim = _("No products are bought together significantly more often than expected.")
        detail = _(
            "{tested:count} pairs and triples tested; {share:share1} of orders hold more than one "
            "product (95% CI {span:share_interval1}); n = {n:count}",
            **facts,
        )
    action = _(
        "Plan no bundles by these orders: they do not show that any products belong together."
    )
    return Finding(claim, detail, importance=Importance.ANSWER, action=action)


def _finding(
    table: pd.DataFrame, names: Sequence[str], tested: int, found: int, holdout: float
) -> Finding:
    """The clearest rule, and how many hold in later orders; `names` are its products."""
    best, holding = table.iloc[0], int(table["holds"].sum())
    facts = {
        "found": found,
        "tested": tested,
        "holding": holding,
        "judged": len(table),
        "one": names[0],
        "two": names[-2],
        "other": names[-1],
        "lift": best["estimate"],
        "plain": best["lift"],
        "span": (best["low"], best["high"]),
        "n": best["n"],
    }
    if holdout and not holding:
        return Finding(
            _("No products that were bought together stayed so in later orders."),
            _("{found:count} of {tested:count} pairs and triples in earlier orders", **facts),
            importance=Importance.ANSWER,
        )
    if len(names) > 2:
        claim = _(
            "Buyers of {one:verbatim} and {two:verbatim} add {other:verbatim} {lift:number1} "
            "times as often as expected for the size of their orders.",
            **facts,
        )
    else:
        claim = _(
            "Buyers of {one:verbatim} add {other:verbatim} {lift:number1} times as often as "
            "expected for the size of their orders.",
            **facts,
        )
    if holdout:
        detail = _(
            "lift adjusted for basket size in later orders: 95% CI {span:interval1}; "
            "{plain:number1} without that adjustment; n = {n:count}; {holding:count} of "
            "{judged:count} rules hold in later orders",
            **facts,
        )
    else:
        detail = _(
            "lift adjusted for basket size: 95% CI {span:interval1}; {plain:number1} without that "
            "adjustment; n = {n:count}; {found:count} of {tested:count} pairs and triples are "
            "significant",
            **facts,
        )
    return Finding.of_row(
        best,
        claim,
        detail,
        unit="times",
        measure="adjusted_lift",
        at={"if_bought": best["if_bought"], "then_bought": best["then_bought"]},
        importance=Importance.NOTABLE,
        action=_(
            "Offer {other:verbatim} to buyers of {bought:list}; try it on a randomised part of "
            "them first.",
            bought=[i18n.quoted(str(name)) for name in names[:-1]],
            **facts,
        ),
    )


def _notes(baskets: AnyBaskets, late: AnyBaskets, day: pd.Timestamp | None) -> list[str]:
    notes = list(baskets.notes)
    if day is not None:
        notes.append(
            _(
                "Rules are found in orders before {date:date}; all numbers are from the {n:count} "
                "orders since.",
                date=day,
                n=len(late),
            )
        )
    return notes


def _how_tested() -> str:
    return _(
        "Tested against orders of the same size, clustered by customer, and by Fisher's exact "
        "test; false discovery rate {rate:share} (Benjamini and Yekutieli).",
        rate=FALSE,
    )


def _lifts() -> str:
    return _(
        "The adjusted lift compares with orders of the same size; “lift” does not. “Lift before” "
        "is the adjusted lift in the orders in which the rules were found."
    )


def _shown(found: int, judged: int) -> str:
    if found == judged:
        return ""
    return _(
        "The {judged:count} most significant of {found:count} rules are validated.",
        judged=judged,
        found=found,
    )
