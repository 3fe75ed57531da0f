"""Which offer suits whom: a small decision tree over what is known of customers, in words.

    fit = offer_tree(baskets, customers, offers=5)
    print(fit)           # does the tree meet the next order better than one offer for everyone?
    fit.table            # a row a leaf: who, the offer, the share whose next order held it
    fit.rules            # the leaves in words

The tree (Breiman et al. 1984) is grown on one half of the customers, its size chosen there by
cross-validation; all shares are from the other half, which it never saw (Athey and Imbens 2016).
What customers would have bought anyway needs no discount: a leaf shows taste, not what an offer
adds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.errors import require_columns
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.offers.baskets import Baskets
from cxlib.stats.intervals import interval_columns, percentile_interval

SIZES = (1, 2, 3, 4, 5, 6, 8)  # leaves tried
LEVELS = 12  # a column of more different words is not asked about
FEW = 200  # customers below which no tree is grown
LATER = ("left", "left_after")  # columns of a history on what came after its day


def offer_tree(
    baskets: Baskets,
    customers: pd.DataFrame,
    *,
    holdout: float = 0.3,
    offers: int = 5,
    folds: int = 5,
) -> Result:
    """A tree that says which of the products bought most suits whom.

    Parameters
    ----------
    baskets : what orders held
    customers : what was known of each when the last part of the time began: customer_id and
        attributes; the shares of earlier orders with each offer are added
    holdout : last share of the time, whose first orders are to be met
    offers : products to choose among
    folds : of the cross-validation that chooses the size of the tree

    Returns
    -------
    Result with the tables "table", a row a leaf: kind, offer, term (met: share whose first order
    since held the offer), estimate, low, high, n (customers of the half that the tree never saw),
    everyone (share whose order held the offer that suits most of all), simultaneous_low,
    simultaneous_high, who (the leaf in words); and "gain": share met by the tree, by one offer for
    everyone, and their difference. Its part `rules` has the leaves in words.

    Raises
    ------
    ValueError : customers have no customer_id

    References
    ----------
    Breiman et al. (1984), Classification and Regression Trees; Athey and Imbens (2016), PNAS 113.

    Examples
    --------
    >>> from cxlib.offers.baskets import make_baskets
    >>> at = pd.date_range("2025-01-01", periods=80)
    >>> orders = pd.DataFrame({"order_id": range(80), "customer_id": [*range(40)] * 2, "at": at})
    >>> lines = orders[["order_id"]].assign(product=["tea"] * 40 + ["cup"] * 40)
    >>> str(offer_tree(make_baskets(orders, lines), orders[["customer_id"]], holdout=0.5))
    'Too few customers bought again after 9 Feb 2025 to match offers to them.'
    """
    require_columns(customers, ["customer_id"], "customers")
    early, late, day = baskets.split(holdout)
    known, x, met, products, who = _cases(early, late, customers, offers)
    if len(x) < FEW:
        return Result(
            {"table": _empty(), "gain": pd.DataFrame()},
            _too_few(len(x), day),
            i18n.together(baskets.notes),
            "share",
            draws=baskets.draws,
            seed=baskets.seed,
            parts={"rules": []},
        )
    learn = who % 2 == 0
    tree = _grown(x[learn], met[learn], folds, baskets.seed)
    leaf, offer = _placed(tree, x, met, learn)
    best = int(met[learn].sum(0).argmax())
    judged = ~learn
    table, gain, replicates = _judged(
        baskets, leaf[judged], offer[judged], met[judged], best, who[judged]
    )
    table["who"] = _words(tree, known, table["leaf"])
    table.insert(0, "kind", [str(k) for k in range(1, len(table) + 1)])
    table.insert(1, "offer", [str(products[k]) for k in table.pop("offer")])
    table = table.drop(columns="leaf")
    counts = int(judged.sum()), int(learn.sum())
    notes = [
        *baskets.notes,
        _how(*counts, day, len(table), len(products)),
        baskets.resampling,
    ]
    leaves = [
        _("{kind}. {who}: offer {offer:quoted}", kind=k, who=i18n.opening(who), offer=offer)
        for k, who, offer in zip(table["kind"], table["who"], table["offer"], strict=True)
    ]
    return Result(
        {"table": table, "gain": gain},
        _finding(gain, table, i18n.label(str(products[best]))),
        i18n.together(notes),
        "share",
        draws=baskets.draws,
        seed=baskets.seed,
        replicates=replicates,
        parts={"rules": leaves},
    )


def _cases(
    early: Baskets, late: Baskets, customers: pd.DataFrame, offers: int
) -> tuple[list[tuple[str, object]], np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(what each feature is, features, whether the next order held each offer, offers, keys)."""
    often = np.argsort(-np.asarray(early.matrix.sum(0)).ravel(), kind="stable")[:offers]
    orders = np.bincount(early.customer, minlength=len(early.customers))
    habit = early.by_customer(early.matrix[:, often]) / np.maximum(orders, 1)[:, None]
    first = np.full(len(late.customers), -1)
    place, at = np.unique(late.customer, return_index=True)  # orders rise in time
    first[place] = at
    frame = customers.drop(columns=[c for c in LATER if c in customers])
    frame = frame.drop_duplicates("customer_id").set_index("customer_id")
    at = pd.Index(early.customers).get_indexer(frame.index)
    some = (at >= 0) & (orders[at] > 0) & (first[at] >= 0)
    frame, at = frame[some], at[some]
    known, columns = _features(frame)
    known += [("orders with", str(early.products[k])) for k in often]
    x = np.column_stack([*columns, habit[at]]) if len(at) else np.empty((0, len(known)))
    met = late.matrix[first[at]][:, often].toarray() if len(at) else np.empty((0, len(often)))
    return known, x, met, early.products[often], early.keys[at]


def _features(frame: pd.DataFrame) -> tuple[list[tuple[str, object]], list[np.ndarray]]:
    """Numbers as they are (no number: 0 and a column that says so), words a column a word."""
    known: list[tuple[str, object]] = []
    columns: list[np.ndarray] = []
    for name, values in frame.items():
        if pd.api.types.is_datetime64_any_dtype(values):
            continue
        if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
            number = values.to_numpy(float, na_value=np.nan)
            if np.isfinite(number).any():
                known.append((str(name), None))
                columns.append(np.where(np.isfinite(number), number, np.nanmedian(number)))
            continue
        words = values.astype("string").fillna("")
        levels = [w for w in sorted(words.unique()) if w]
        if len(levels) == 2 and (words != "").all():
            known.append((str(name), tuple(levels)))  # one column says which of the two
            columns.append((words == levels[0]).to_numpy(float))
        elif 1 < len(levels) + (words == "").any() <= LEVELS:
            known += [(str(name), w) for w in levels]
            columns += [(words == w).to_numpy(float) for w in levels]
    return known, columns


def _grown(x: np.ndarray, met: np.ndarray, folds: int, seed: int) -> Any:
    """The smallest tree whose cross-validated share is within a standard error of the best.

    Trees grow best question first, so that a small one is the beginning of a large one.
    """
    fold = np.random.default_rng(seed).permutation(len(x)) % folds
    found = np.zeros((len(SIZES), len(x)))
    for k in range(folds):
        inside = fold != k
        tree = _tree(x[inside], met[inside], SIZES[-1], seed)
        for row, size in enumerate(SIZES):
            leaf, offer = _placed(tree, x, met, inside, size)
            found[row, ~inside] = met[~inside, offer[~inside]]
    mean = found.mean(1)
    best = int(mean.argmax())
    error = (found - found[best]).std(1) / np.sqrt(len(x))
    row = int(np.argmax(mean >= mean[best] - error))
    return _tree(x, met, SIZES[row], seed)


def _tree(x: np.ndarray, met: np.ndarray, leaves: int, seed: int) -> Any:
    from sklearn.tree import DecisionTreeRegressor

    grown = DecisionTreeRegressor(
        max_leaf_nodes=max(leaves, 2), min_samples_leaf=max(20, len(x) // 50), random_state=seed
    )
    # A tree of one leaf asks nothing: no column to ask about.
    return grown.fit(x if leaves > 1 else np.zeros_like(x), met)


def _placed(
    tree: Any, x: np.ndarray, met: np.ndarray, learn: np.ndarray, leaves: int = SIZES[-1]
) -> tuple[np.ndarray, np.ndarray]:
    """(leaf, offer) of each customer in the first `leaves` leaves of the tree.

    A leaf's offer is what most of those learnt from held.
    """
    nodes, count = tree.tree_, tree.tree_.node_count
    goes = np.arange(count)
    for node in range(count):  # children have higher numbers than parents
        for child in (nodes.children_left[node], nodes.children_right[node]):
            if child >= 2 * leaves - 1:
                goes[child] = goes[node]
    leaf = goes[tree.apply(x.astype(np.float32))]
    places = np.unique(leaf[learn])
    of = {int(p): int(met[learn & (leaf == p)].sum(0).argmax()) for p in places}
    joined = _joined(nodes, of)
    leaf = np.array([joined.get(p, p) for p in range(count)])[leaf]
    return leaf, np.array([of.get(p, 0) for p in range(count)])[leaf]


def _joined(nodes: Any, of: dict[int, int]) -> dict[int, int]:
    """Leaf -> the node it counts for: a question both of whose answers get one offer is not asked.

    `of` is the offer of each leaf; that of a node that takes the place of its leaves is added.
    """
    goes: dict[int, int] = {}
    for node in reversed(range(nodes.node_count)):  # children have higher numbers than parents
        two = int(nodes.children_left[node]), int(nodes.children_right[node])
        if two[0] in of and two[1] in of and of[two[0]] == of[two[1]]:
            of[node] = of[two[0]]
            goes |= {leaf: node for leaf in (*two, *(k for k, v in goes.items() if v in two))}
    return goes


def _judged(
    baskets: Baskets,
    leaf: np.ndarray,
    offer: np.ndarray,
    met: np.ndarray,
    best: int,
    who: np.ndarray,
) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """(leaves, tree and one offer, draws of the leaves)."""
    places = np.unique(leaf)
    inside = leaf[:, None] == places
    hit = met[np.arange(len(met)), offer]
    one = met[:, best]
    sums = np.column_stack([inside, inside * hit[:, None], inside * one[:, None]]).astype(float)
    all_of = baskets.resample(sums, who)
    n, met_by_tree, met_by_one = np.split(all_of, 3, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        share, everyone = met_by_tree / n, met_by_one[0] / n[0]
    whole = np.column_stack([met_by_tree.sum(1), met_by_one.sum(1)]) / n.sum(1, keepdims=True)
    whole = np.column_stack([whole, whole[:, 0] - whole[:, 1]])
    ends = interval_columns(share[0], share[1:], units=len(leaf))
    ends = {c: np.clip(end, 0, 1) for c, end in ends.items()}
    table = pd.DataFrame(
        {
            "leaf": places,
            "offer": [int(offer[leaf == p][0]) for p in places],
            "term": "met",
            "estimate": share[0],
            "n": n[0].astype(int),
            "everyone": everyone,
            **ends,
        }
    )
    low, high = percentile_interval(whole[1:])
    terms = ["by the tree", "one offer for everyone", "gain"]
    facts = {"term": terms, "estimate": whole[0], "low": low, "high": high, "n": len(leaf)}
    gain = pd.DataFrame(facts)
    return table, gain, share[1:]


# Words


def _words(tree: Any, known: list[tuple[str, object]], leaves: Sequence[int]) -> list[str]:
    """Who is in each leaf: the questions on the way to it, each feature once."""
    nodes = tree.tree_
    way: dict[int, dict[int, tuple[float, float]]] = {0: {}}
    for node in range(nodes.node_count):
        for child, above in (
            (nodes.children_left[node], False),
            (nodes.children_right[node], True),
        ):
            if child > 0:
                ends = dict(way[node])
                low, high = ends.get(nodes.feature[node], (-np.inf, np.inf))
                cut = float(nodes.threshold[node])
                ends[nodes.feature[node]] = (cut, high) if above else (low, cut)
                way[int(child)] = ends
    return [
        i18n.listed(_condition(*known[f], *ends) for f, ends in way[int(p)].items())
        or _("everyone")
        for p in leaves
    ]


def _condition(name: str, level: object, low: float, high: float) -> str:
    if name == "orders with":
        facts = {"product": level, "low": i18n.percent(low), "high": i18n.percent(high)}
        if np.isfinite(low) and np.isfinite(high):
            return _("{product:quoted} in {low} to {high} of orders", **facts)
        if np.isfinite(low):
            return _("{product:quoted} in more than {low} of orders", **facts)
        return _("{product:quoted} in at most {high} of orders", **facts)
    if isinstance(level, tuple):
        one = level[0] if low > 0 else level[1]
        return _("{name:quoted} is {level:label}", name=name, level=one)
    if level is not None:
        facts = {"name": name, "level": level}
        if low > 0:
            return _("{name:quoted} is {level:label}", **facts)
        return _("{name:quoted} is not {level:label}", **facts)
    digits = 0 if max(abs(v) for v in (low, high) if np.isfinite(v)) >= 10 else 2
    facts = {"name": name, "low": i18n.number(low, digits), "high": i18n.number(high, digits)}
    if np.isfinite(low) and np.isfinite(high):
        return _("{name:quoted} from {low} to {high}", **facts)
    if np.isfinite(low):
        return _("{name:quoted} is over {low}", **facts)
    return _("{name:quoted} is {high} or less", **facts)


def _empty() -> pd.DataFrame:
    numbers = ["estimate", "low", "high", "n"]
    return pd.DataFrame(
        {
            c: pd.Series(dtype=float if c in numbers else str)
            for c in ("kind", "offer", "term", *numbers)
        }
    )


def _too_few(n: int, day: pd.Timestamp) -> Finding:
    return Finding(
        _("Too few customers bought again after {date:date} to match offers to them.", date=day),
        _("n = {n:count} customers; a decision tree needs {least:count}", n=n, least=FEW),
    )


def _how(judged: int, learnt: int, day: pd.Timestamp, leaves: int, offers: int) -> str:
    return _(
        "Trained on {learnt:count} customers to choose among {offers:count} offers, with "
        "{leaves:count} leaves by cross-validation; all shares are from {judged:count} others: "
        "whether their first order since {date:date} held the offer.",
        learnt=learnt,
        leaves=leaves,
        judged=judged,
        offers=offers,
        date=day,
    )


def _finding(gain: pd.DataFrame, table: pd.DataFrame, best: str) -> Finding:
    """Whether different kinds of customers should be offered different things."""
    tree, one, more = gain.itertuples()
    facts = {
        "best": best,
        "one": one.estimate,
        "one_span": (one.low, one.high),
        "n": tree.n,
        "leaves": len(table),
        "tree": tree.estimate,
        "span": (tree.low, tree.high),
        "more": more.estimate,
        "more_span": (100 * more.low, 100 * more.high),
    }
    if len(table) == 1 or not more.low > 0:
        return Finding.of_row(
            one,
            _(
                "Offer everyone {best:verbatim}: nothing known of customers predicts their next "
                "purchase significantly better.",
                **facts,
            ),
            _(
                "in {one:share1} of next orders (95% CI {one_span:share_interval1}); n = {n:count}",
                **facts,
            ),
            unit="share",
            measure="offer_in_next_order",
        )
    return Finding.of_row(
        tree,
        _(
            "An offer matched to the kind of customer is in {tree:share} of next orders, "
            "{more:points1} percentage points more than if everyone were offered {best:verbatim}.",
            **facts,
        ),
        _(
            "95% CI {span:share_interval1} and {more_span:interval1}; {leaves:count} kinds of "
            "customers; n = {n:count}",
            **facts,
        ),
        unit="share",
        measure="offer_in_next_order",
        importance=Importance.NOTABLE,
    )
