"""Offers: published rules, laws of chance, known truth of what is sold together and to whom."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import generator
import numpy as np
import pandas as pd
import pytest
from generator import TRUTH
from generator import baskets as made
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse, stats

from cxlib import offers
from cxlib.core import context, display
from cxlib.core.result import Importance
from cxlib.offers import associations, chance, recommendation
from cxlib.offers.tree import _placed
from cxlib.stats import pvalues
from cxlib.stats.resampling import keys_of

PUBLISHED = json.loads((Path(__file__).parents[1] / "reference" / "offers.json").read_text())
ARULES, TAN = "R arules (Groceries)", "Tan, Steinbach and Kumar (2005)"
SHARES = np.array([0.25, 0.35, 0.25, 0.15])
PAIRS = {frozenset(pair) for pair in TRUTH["offers"]["lift"]}
BUNDLES = {frozenset(group) for group in TRUTH["offers"]["together"]}


def tables(orders: list[list[str]], customers: list[str] | None = None) -> tuple:
    """(orders, lines) of lists of products, an order a day."""
    ids = [f"o{k}" for k in range(len(orders))]
    head = pd.DataFrame(
        {
            "order_id": ids,
            "customer_id": customers or [f"c{k}" for k in range(len(orders))],
            "at": pd.Timestamp("2025-01-01") + pd.to_timedelta(range(len(orders)), unit="D"),
        }
    )
    lines = [(o, p) for o, products in zip(ids, orders, strict=True) for p in products]
    return head, pd.DataFrame(lines, columns=["order_id", "product"])


def baskets_of(held: np.ndarray, customer: np.ndarray, names=None) -> offers.Baskets:
    """Orders drawn as a matrix, in the order of time; empty ones are not on file."""
    some = held.any(1)
    ids = np.array([f"c{k}" for k in range(int(customer.max()) + 1)], object)
    return offers.Baskets(
        sparse.csr_array(held[some].astype(float)),
        np.array(made.NAMES) if names is None else names,
        customer[some],
        ids,
        keys_of(pd.DataFrame({"customer_id": ids}), "customer_id"),
        np.arange(some.sum()).astype("datetime64[D]"),
        float((held[some].sum(1) > 1).mean()),
    )


def drawn(seed: int, customers: int = 400, orders: float = 8.0, **how) -> offers.Baskets:
    """Orders of the made-up company's kinds of customers, in no order of time."""
    rng = np.random.default_rng([5, seed])
    customer = np.repeat(np.arange(customers), rng.geometric(1 / orders, customers))
    kind = rng.choice(4, customers, p=SHARES)
    held = made.draw(rng, kind[customer], customer, **how)
    later = rng.permutation(len(held))
    return baskets_of(held[later], customer[later])


@pytest.fixture(scope="module")
def parts() -> dict[str, pd.DataFrame]:
    return generator.company(4, 800)


@pytest.fixture(scope="module")
def company(parts) -> offers.Baskets:
    return offers.make_baskets(parts["orders"], parts["order_lines"])


def named(baskets: offers.Baskets, sets) -> set[frozenset[str]]:
    return {frozenset(baskets.products[list(s)]) for s in sets}


# Published values


@pytest.mark.parametrize("name", ["worked", "textbook"])
def test_rules_have_the_published_support_confidence_and_lift(name, tell_witness):
    example = PUBLISHED[name]
    baskets = offers.make_baskets(*tables(example["orders"]), least=1)
    for rule in example["rules"]:
        places = tuple(int(np.flatnonzero(baskets.products == p)[0]) for p in rule["set"])
        found = associations._measured(baskets, [places])[1].set_index("term")["estimate"]
        said = [measure for measure in ("support", "confidence", "lift") if measure in rule]
        ours, theirs = found[said].tolist(), [rule[measure] for measure in said]
        source = {"worked": "mlxtend user guide", "textbook": TAN}[name]
        tell_witness(
            "association rules: support, confidence, lift", source, ours, theirs, atol=0.005
        )


def test_the_numbers_of_a_rule_are_those_printed_for_a_grocer(tell_witness):
    said = PUBLISHED["groceries"]
    held = np.zeros((said["orders"], 3), bool)
    held[: said["first"], 0] = True
    held[said["first"] - said["both"] :, 1][: said["last"]] = True
    held[:, 2] = True  # orders with neither hold something else
    baskets = baskets_of(held, np.arange(len(held)), np.array(["vegetables", "milk", "rest"]))
    _, measures, _ = associations._measured(replace(baskets, draws=50), [(0, 1)])
    found = measures.set_index("term")["estimate"]
    ours = [found["support"], found["confidence"], found["lift"]]
    theirs = [said[k] for k in ("support", "confidence", "lift")]
    tell_witness("association rules: support, confidence, lift", ARULES, ours, theirs, atol=1e-6)


# Laws


@settings(max_examples=40, deadline=None)
@given(st.integers(5, 400), st.data())
def test_chance_is_fishers_exact_test(n, data):
    one, other = data.draw(st.integers(1, n - 1)), data.draw(st.integers(1, n - 1))
    both = data.draw(st.integers(max(0, one + other - n), min(one, other)))
    ours = chance.upper_tail(np.array([both]), np.array([one]), np.array([other]), n)[0]
    exact = stats.hypergeom.sf(both - 1, n, one, other)
    assert ours == pytest.approx(exact if both > one * other / n else 1.0, rel=1e-8, abs=1e-300)


def test_products_that_no_customer_shares_are_not_found_together():
    held = np.arange(200)[:, None] % 2 == np.arange(2)
    baskets = baskets_of(held, np.arange(200), np.array(["a", "b"]))
    assert chance.against(baskets, [(0,)], np.array([1])) >= 0.5
    assert chance.pairs(baskets)[1] >= 0.5


@pytest.mark.slow
def test_a_product_is_tested_alike_among_all_and_among_its_partners(company):
    products = np.arange(len(company.products))
    every, few = (
        chance.against(company, [(2,), (0, 1)], among) for among in (products, products[3:6])
    )
    np.testing.assert_allclose(few, every[:, 3:6], rtol=1e-9)


def test_the_smallest_tree_asks_nothing_that_changes_no_offer():
    from sklearn.tree import DecisionTreeRegressor

    x = np.arange(400.0)[:, None]
    met = np.column_stack([x[:, 0] < 200, (x[:, 0] >= 200) & (x[:, 0] % 4 < 3)]).astype(float)
    met[300:, 1] = 1.0  # more surely, but of the same offer
    tree = DecisionTreeRegressor(max_leaf_nodes=4, min_samples_leaf=40).fit(x, met)
    leaf, offer = _placed(tree, x, met, np.ones(400, bool))
    assert tree.get_n_leaves() > 2 and len(np.unique(leaf)) == 2
    assert (offer == (x[:, 0] >= 200)).all()


def test_a_small_tree_is_the_beginning_of_a_large_one():
    from cxlib.offers.tree import SIZES, _tree

    rng = np.random.default_rng(6)
    x = rng.integers(0, 9, (900, 4)).astype(float)
    met = (rng.random((900, 3)) < 0.2 + 0.08 * x[:, :3]).astype(float)
    large, everyone = _tree(x, met, SIZES[-1], 1), np.ones(900, bool)
    for size in SIZES:
        small = _placed(_tree(x, met, size, 1), x, met, everyone)
        for ours, theirs in zip(_placed(large, x, met, everyone, size), small, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_meetings_expected_by_size_add_up_to_those_there_are(company):
    sizes = chance.Sizes(company)
    for product in range(3):
        rows = company.of([(product,)]).indices
        places = company.sizes[rows] - 1
        expected = places[:, None] * sizes.chance([product])[sizes.of(company.sizes)[rows]]
        assert expected.sum() == pytest.approx(places.sum(), rel=1e-6)
    met = company.matrix.T @ (company.sizes - 1.0)  # of each product, over all partners
    each = sum(
        (
            np.maximum(company.sizes - 1.0, 0)[rows, None]
            * sizes.chance([k])[sizes.of(company.sizes[rows])]
        ).sum(0)
        for k in range(len(met))
        for rows in [company.of([(k,)]).indices]
    )
    np.testing.assert_allclose(each, met, rtol=1e-4)


@pytest.mark.slow
def test_neither_the_order_of_rows_nor_twice_a_line_changes_a_rule(parts):
    orders, lines = parts["orders"], parts["order_lines"]
    again = pd.concat([lines, lines.head(500)]).sample(frac=1, random_state=1)
    one = offers.rules(replace(offers.make_baskets(orders, lines), draws=50))
    other = offers.rules(
        replace(offers.make_baskets(orders.sample(frac=1, random_state=2), again), draws=50)
    )
    pd.testing.assert_frame_equal(one.table, other.table)


@pytest.mark.slow
def test_what_is_found_is_what_is_sold_together(company):
    fit = offers.rules(replace(company, draws=100))
    true = made.lifts(SHARES).query("lift > 1")  # by a bundle, or by a taste for both
    found, taste = named(company, fit.sets), set(map(frozenset, true[["product", "other"]].values))
    assert found <= PAIRS | BUNDLES | taste
    assert len(found & PAIRS) >= 4
    assert fit.table["holds"].sum() >= 4
    assert (fit.table["estimate"] > 1.1).all()
    assert set(fit.measures["term"]) == {"support", "confidence", "lift"}
    best, finding = fit.table.iloc[0], fit.finding
    assert finding.claim.endswith(
        f" {best['estimate']:.1f} times as often as expected for the size of their orders."
    )
    assert f"; {best['lift']:.1f} without that adjustment; " in finding.detail
    assert best["estimate"] < best["lift"]
    assert finding.action.endswith("; try it on a randomised part of them first.")
    assert best["then_bought"] in finding.claim and finding.importance == Importance.NOTABLE


@pytest.mark.slow
def test_a_bundle_of_three_stands_and_a_pair_within_it_only_for_itself(company):
    fit = offers.rules(replace(company, draws=100))
    table = offers.bundles(fit).table
    assert "bathrobe, massage, spa visit" in set(table["bundle"])
    assert (table["low"] <= table["estimate"]).all()
    assert (table["estimate"] <= table["high"]).all()
    assert table["estimate"].is_monotonic_decreasing


def test_a_rule_that_no_draw_doubts_holds():
    orders = [["tea", "cup"], ["pen", "ink"]] * 60
    fit = offers.rules(offers.make_baskets(*tables(orders), least=5), holdout=0.3)
    assert fit.table["holds"].all()
    np.testing.assert_allclose(fit.table["low"], fit.table["estimate"])


def test_tables_name_their_estimates_as_figures_and_notes_do():
    fit = offers.rules(offers.make_baskets(*tables([["tea", "cup"], ["pen", "ink"]] * 60), least=5))
    bundled = offers.bundles(fit)
    assert "adjusted lift" in display.display_table(fit.table, fit.unit, fit.columns)
    assert "more orders per 1,000" in display.display_table(bundled.table, "", bundled.columns)


def test_every_basket_of_a_triple_leaves_no_pair_of_its_own():
    held = np.zeros((400, 4), bool)
    held[:120, :3] = True
    held[120:, 3] = True
    baskets = baskets_of(held, np.arange(400), np.array(list("abcd")))
    sets = [(0, 1), (0, 2), (1, 2), (0, 1, 2)]
    assert associations._maximal(baskets, sets) == [(0, 1, 2)]


def test_orders_of_one_product_have_nothing_to_offer():
    one_each = [["a"], ["b"], ["c"]] * 40
    fit = offers.rules(replace(offers.make_baskets(*tables(one_each), least=5), draws=20))
    assert not fit.sets
    assert fit.table["estimate"].tolist() == [0.0] and fit.table["n"].tolist() == [120]
    assert fit.finding.claim.startswith("No products are bought together")
    assert "0.0% of orders" in fit.finding.detail
    assert "(95% CI 0.0% to 3.1%); n = 120" in fit.finding.detail
    assert offers.bundles(fit).table.empty


# Next offers


def test_likeness_is_cosine_and_conditional_probability():
    history = sparse.csr_array(np.array([[1, 1, 0], [1, 1, 1], [1, 0, 0], [0, 0, 1]], float))
    cosine = recommendation.likeness_of(history, "similar products").toarray()
    share = recommendation.likeness_of(history, "bought after").toarray()
    assert cosine[0, 1] == pytest.approx(2 / np.sqrt(3 * 2))
    assert (share[0, 1], share[1, 0]) == (pytest.approx(2 / 3), pytest.approx(1.0))
    assert not np.diag(cosine).any() and not np.diag(share).any()
    assert not recommendation.likeness_of(history, "most popular").nnz


def two_tastes(seed: int, customers: int = 300) -> offers.Baskets:
    """Half like the first six products, half the last six; all of them one by one."""
    rng = np.random.default_rng(seed)
    customer = np.tile(np.arange(customers), 8)
    product = rng.integers(0, 6, len(customer)) + 6 * (customer % 2)
    held = product[:, None] == np.arange(12)
    return baskets_of(held, customer, np.array([f"p{k:02d}" for k in range(12)]))


def test_purchases_beat_popularity_where_tastes_differ():
    fit = offers.next_offers(replace(two_tastes(1), draws=200), offers=2)
    rate = fit.table[fit.table["term"] == "hit rate"].set_index("way")["estimate"]
    assert fit.way in ("similar products", "bought after")
    assert rate[fit.way] > rate["most popular"] + 0.1
    gain = fit.gain.set_index(["way", "term"]).loc[(fit.way, "hit rate")]
    assert gain["low"] > 0
    listed = offers.recommendations(two_tastes(1), fit)
    same = listed.dropna().query("offer_1 != '' and because_1 != ''")
    assert len(same) and ((same["offer_1"] < "p06") == (same["because_1"] < "p06")).all()


def test_a_list_by_popularity_says_so(company):
    fit = offers.next_offers(replace(company, draws=50)).replace(
        parts={"way": "most popular", "offers": 2, "usable": True}
    )
    listed = offers.recommendations(company, fit)
    assert set(listed.loc[listed["offer_1"] != "", "because_1"]) == {"most popular"}


@pytest.mark.slow
def test_of_a_few_purchases_no_list_is_made():
    """Of 8 customers at most 8 bought what was offered: fewer than ten judge no offers."""
    few = replace(two_tastes(1, customers=8), draws=50)
    fit = offers.next_offers(few, offers=1)
    assert not fit.usable and fit.finding.claim.startswith(
        "Too few purchases to judge a list of offers: "
    )
    assert "of 8 customers bought what it would have offered." in fit.finding.claim
    assert fit.finding.action.startswith("Send no offers")
    assert offers.recommendations(few, fit).empty


def test_nobody_is_offered_what_they_have(company):
    fit = offers.next_offers(replace(company, draws=50), offers=4)
    listed = offers.recommendations(company, fit)
    own = recommendation.bought(company).toarray() > 0
    name = {p: k for k, p in enumerate(company.products)}
    assert len(listed) == len(company.customers)
    for offer in [c for c in listed if c.startswith("offer")]:
        some = listed[offer].to_numpy() != ""
        places = listed[offer][some].map(name).to_numpy()
        assert not own[np.flatnonzero(some), places].any()
    few = offers.recommendations(company, fit, pd.Series(company.customers[:3]))
    pd.testing.assert_frame_equal(few, listed.head(3))


@pytest.mark.slow
def test_purchases_tell_nothing_where_there_is_nothing_to_tell():
    shops = map(null_shop, range(12))
    ways = [offers.next_offers(replace(shop, draws=60), offers=2).way for shop in shops]
    assert ways.count("most popular") >= 10


def null_shop(seed: int) -> offers.Baskets:
    rng = np.random.default_rng([9, seed])
    customer = rng.permutation(np.tile(np.arange(150), 6))
    held = rng.random((900, 12)) < np.linspace(0.03, 0.2, 12)
    return baskets_of(held, customer, np.array([f"p{k:02d}" for k in range(12)]))


def test_without_anyone_who_came_back_the_page_says_so():
    fit = offers.next_offers(
        replace(offers.make_baskets(*tables([["a", "b"], ["b"]] * 40), least=5), draws=20)
    )
    assert fit.table.empty
    assert fit.finding.claim.startswith("No customer bought both before and after")


# The tree


def with_plans(seed: int, customers: int = 1200) -> tuple[offers.Baskets, pd.DataFrame]:
    """Customers of plan x buy a in 60% of orders and b in 20%; of plan y the other way round."""
    rng = np.random.default_rng([11, seed])
    customer = np.tile(np.arange(customers), 2)
    plan = np.arange(customers) % 3 == 0
    often = np.where(plan[customer, None], [0.2, 0.6, 0.1], [0.6, 0.2, 0.1])
    held = rng.random((len(customer), 3)) < often
    held[~held.any(1), 2] = True
    people = pd.DataFrame(
        {
            "customer_id": [f"c{k}" for k in range(customers)],
            "plan": np.where(plan, "y", "x"),
            "age": rng.integers(18, 80, customers),
            "left": rng.random(customers) < 0.5,
        }
    )
    return baskets_of(held, customer, np.array(["a", "b", "c"])), people


@pytest.mark.slow
def test_the_tree_finds_who_wants_what():
    baskets, people = with_plans(1)
    fit = offers.offer_tree(replace(baskets, draws=200), people, holdout=0.45, offers=3, folds=3)
    assert dict(zip(fit.table["who"], fit.table["offer"], strict=True)) == {
        "plan is y": "b",
        "plan is x": "a",
    }
    assert (fit.table["low"] < 0.6).all() and (fit.table["high"] > 0.6).all()
    whole = fit.gain.set_index("term")["estimate"]
    share = np.average(fit.table["estimate"], weights=fit.table["n"])
    assert whole["by the tree"] == pytest.approx(share)
    assert whole["gain"] == pytest.approx(whole["by the tree"] - whole["one offer for everyone"])
    assert fit.gain.set_index("term")["low"]["gain"] > 0
    assert fit.rules == ["1. Plan is y: offer b", "2. Plan is x: offer a"]


def test_a_tree_that_sees_nothing_offers_everyone_the_same():
    rng = np.random.default_rng(3)
    held = rng.random((1600, 4)) < [0.6, 0.2, 0.2, 0.1]
    held[~held.any(1), 0] = True
    baskets = baskets_of(held, np.tile(np.arange(800), 2), np.array(list("abcd")))
    ids = [f"c{k}" for k in range(800)]
    people = pd.DataFrame({"customer_id": ids, "age": rng.integers(18, 80, 800)})
    fit = offers.offer_tree(replace(baskets, draws=50), people, holdout=0.45, folds=3)
    assert len(fit.table) == 1
    assert fit.table["who"][0] == "everyone"
    assert fit.finding.claim.startswith("Offer everyone a: nothing known")


def test_few_customers_grow_no_tree():
    baskets, people = with_plans(1, 120)
    fit = offers.offer_tree(replace(baskets, draws=20), people, holdout=0.45)
    assert fit.table.empty and "a decision tree needs 200" in fit.finding.detail


# Bad input


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda o, x: offers.make_baskets(o, x, level="colour"), "level='colour' is not a choice"),
        (lambda o, x: offers.make_baskets(o.drop(columns="at"), x), "orders have no column 'at'"),
        (
            lambda o, x: offers.make_baskets(o, x.drop(columns="product")),
            "order_lines have no column 'product'",
        ),
        (lambda o, x: offers.make_baskets(o.assign(at="today"), x), "not dates"),
        (lambda o, x: offers.make_baskets(o, x, least=1000), "is in 1,000 of the 40 orders"),
        (
            lambda o, x: offers.rules(offers.make_baskets(o, x, least=1), holdout=1.5),
            "holdout is 1.5",
        ),
        (
            lambda o, x: offers.next_offers(offers.make_baskets(o, x, least=1), offers=0),
            "offers is 0",
        ),
        (
            lambda o, x: offers.next_offers(offers.make_baskets(o, x, least=1), holdout=0.999),
            "leaves",
        ),
        (
            lambda o, x: offers.offer_tree(
                offers.make_baskets(o, x, least=1), o.drop(columns="customer_id")
            ),
            "customers have no column 'customer_id'",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(*tables([["a", "b"]] * 40))


@pytest.mark.slow
def test_it_speaks_chinese(company):
    context.begin(lang="zh")
    try:
        fit = offers.rules(replace(company, draws=30))
        said = [fit.finding.claim, fit.notes, offers.bundles(fit).finding.claim]
        said += [offers.next_offers(replace(company, draws=30)).finding.claim]
    finally:
        context.begin()
    for sentence in said:
        assert any("\u4e00" <= letter <= "\u9fff" for letter in sentence), sentence


# Known truth of the made-up company


@pytest.mark.slow
def test_the_true_lifts_are_those_written_down_and_those_of_a_large_draw():
    parts = generator.company()
    unseen = generator.hidden().set_index("customer_id")["type"]
    kinds = parts["orders"]["customer_id"].map(unseen).value_counts(normalize=True)
    shares = kinds[list(TRUTH["segments"])].to_numpy()
    true = made.lifts(shares).set_index(["product", "other"])["lift"]
    for pair, lift in TRUTH["offers"]["lift"].items():
        assert (true.get(pair) or true.get(pair[::-1])) == pytest.approx(lift, abs=0.06)
    rng, n = np.random.default_rng(2), 60_000
    kind = rng.choice(4, n, p=shares)
    held = made.draw(rng, kind, np.arange(n))
    often = held.mean(0)
    for (one, other), lift in true.items():
        i, j = made.NAMES.index(one), made.NAMES.index(other)
        error = 1 / np.sqrt(n * often[i] * often[j] * lift)
        assert (held[:, i] & held[:, j]).mean() / (often[i] * often[j]) == pytest.approx(
            lift, rel=4.5 * error
        )


@pytest.mark.coverage
def test_false_finds_stay_below_the_rate_where_fishers_test_alone_is_wrong(tell_coverage):
    """Strong habits, no product that goes with another but the bundles sold together."""
    false, alone, power, n = [], [], [], 60
    rule = TRUTH["offers"]
    before, rule["habit"] = rule["habit"], 2.0
    try:
        for seed in range(n):
            baskets = drawn(seed, 300, chance=np.full((4, 15), 0.15))
            sets, p = chance.pairs(baskets)
            held = pvalues.adjusted(p, "benjamini-yekutieli")
            found = named(baskets, [s for s, q in zip(sets, held, strict=True) if q < 0.05])
            false.append(len(found - PAIRS) / max(len(found), 1))
            power.append(len(found & PAIRS) / len(PAIRS))
            own = np.asarray(baskets.matrix.sum(0)).ravel().astype(int)
            i, j = np.array(sets).T
            fisher = stats.hypergeom.sf(baskets.count(sets) - 1, len(baskets), own[i], own[j])
            held = stats.false_discovery_control(fisher)
            naive = named(baskets, [s for s, q in zip(sets, held, strict=True) if q < 0.05])
            alone.append(len(naive - PAIRS) / max(len(naive), 1))
    finally:
        rule["habit"] = before
    tell_coverage(
        "rate of false discoveries, association rules", "300 customers", np.mean(false), n, 0.05
    )
    assert np.mean(false) <= 0.05
    assert np.mean(alone) > 0.2  # the same draws, each order taken for a customer of its own
    assert np.mean(power) > 0.2


@pytest.mark.coverage
def test_intervals_cover_the_true_lifts_at_once(tell_coverage):
    pairs = [("afternoon tea", "tea set"), ("spa visit", "massage"), ("candle", "pillow")]
    places = [tuple(made.NAMES.index(p) for p in pair) for pair in pairs]
    true = associations._adjusted_lift(drawn(999, 20_000, 4.0), places)
    inside = []
    for seed in range(200):
        table = associations._measured(
            replace(drawn(seed, 200, 4.0), draws=200, seed=seed), places
        )[0]
        inside.append(table["simultaneous_low"].le(true) & table["simultaneous_high"].ge(true))
    share = np.mean([i.all() for i in inside])
    tell_coverage("lifts of rules, simultaneous", "200 customers", share, len(inside))
    assert 0.91 <= share <= 0.99


@pytest.mark.coverage
def test_a_leafs_interval_covers_its_true_share(tell_coverage):
    inside = []
    for seed in range(60):
        baskets, people = with_plans(seed, 600)
        fit = offers.offer_tree(
            replace(baskets, draws=200), people, holdout=0.45, offers=3, folds=3
        )
        if set(fit.table["who"]) == {"plan is x", "plan is y"}:
            low, high = fit.table["simultaneous_low"], fit.table["simultaneous_high"]
            inside.append(bool(((low <= 0.6) & (high >= 0.6)).all()))
    tell_coverage(
        "shares of the leaves of an offer tree, simultaneous",
        "600 customers",
        np.mean(inside),
        len(inside),
    )
    assert len(inside) > 30  # else it asked for something else
    assert np.mean(inside) >= 0.87
