"""Grades and segments: truths by hand, laws, recovery of known groups, bad input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from cxlib import page, segments, synthetic
from cxlib.segments import grading, profiles, space, stability

DAY = pd.Timestamp("2026-01-01")


def bought(*rows: tuple[str, int, float]) -> pd.DataFrame:
    """Orders as (customer, day of the year, amount)."""
    who, day, amount = zip(*rows, strict=True)
    at = DAY + pd.to_timedelta(np.array(day) - 1, unit="D")
    return pd.DataFrame({"customer_id": who, "at": at, "amount": np.array(amount, float)})


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    who = rng.zipf(1.6, 3000) % 700
    amount = rng.gamma(2, 20, 3000) * np.where(rng.random(3000) < 0.04, -1, 1)
    days = rng.integers(1, 300, 3000).tolist()
    return bought(*zip([f"c{i}" for i in who], days, amount.tolist(), strict=True))


@pytest.fixture(scope="module")
def groups() -> pd.DataFrame:
    """Three groups that lie well apart: 300 young, 200 rich, 100 on plan C."""
    rng = np.random.default_rng(4)
    true = np.repeat([0, 1, 2], [300, 200, 100])
    return pd.DataFrame(
        {
            "age": rng.normal(np.array([25, 45, 60])[true], 3),
            "spend": rng.normal(np.array([20, 90, 40])[true], 6),
            "plan": np.array(["A", "B", "C"])[true],
            "member": true == 1,
            "true": true,
        }
    ).sample(frac=1, random_state=1, ignore_index=True)


FEATURES = ["age", "spend", "plan", "member"]


@pytest.fixture(scope="module")
def fit(groups: pd.DataFrame) -> segments.Fit:
    page.begin()
    return segments.fit(groups, FEATURES, draws=20)


# Grades


def test_habits_by_hand() -> None:
    orders = bought(("a", 1, 10), ("a", 5, 20), ("b", 3, 7), ("b", 9, -2), ("c", 2, -5))
    habits, notes = grading.habits_of(orders, DAY + pd.Timedelta(days=10))
    assert habits.to_numpy().tolist() == [["a", 6, 2, 30.0], ["b", 8, 1, 5.0]]
    assert any(n.startswith("2 negative amounts are refunds") for n in notes)
    assert any(n.startswith("1 customers of whom only refunds") for n in notes)
    assert any(n.startswith("1 customers (50%) ordered once") for n in notes)


def test_five_different_customers_get_the_five_scores() -> None:
    orders = bought(*((c, d, 10 * d) for d, c in enumerate("abcde", 1)))
    graded = segments.score(orders, segments.rfm(orders, draws=20))
    assert graded["recency_score"].tolist() == [1, 2, 3, 4, 5]
    assert graded["spend_score"].tolist() == [1, 2, 3, 4, 5]
    assert graded["orders_score"].tolist() == [1] * 5


def test_customers_who_are_alike_get_the_same_grade() -> None:
    orders = bought(*((f"c{i}", 1, 10) for i in range(50)))
    fit = segments.rfm(orders, draws=20)
    assert segments.score(orders, fit)["grade"].nunique() == 1
    assert "Equal values get equal scores" in fit.note


def test_points_of_quintiles() -> None:
    assert grading._points(5) == {"A": (12, 15), "B": (8, 11), "C": (3, 7)}


def test_shares_sum_to_one_and_grades_hold_everyone(orders: pd.DataFrame) -> None:
    fit = segments.rfm(orders, draws=100)
    assert_allclose(fit.table.groupby("measure")["estimate"].sum(), 1)
    graded = segments.score(orders, fit)
    assert fit.table["n"].iloc[:3].sum() == len(graded) == fit.cuts["n"].sum() / 3
    assert graded["customer_id"].is_unique


def test_cut_points_say_who_gets_which_score(orders: pd.DataFrame) -> None:
    fit = segments.rfm(orders, draws=20)
    graded = segments.score(orders, fit)
    for cut in fit.cuts[fit.cuts["measure"] == "spend"].dropna().itertuples():
        inside = graded["spend"].between(cut.least, cut.most)
        assert (graded.loc[inside, "spend_score"] == int(cut.term)).all() and inside.sum() == cut.n


def test_grades_know_nothing_of_later_orders(orders: pd.DataFrame) -> None:
    day = DAY + pd.Timedelta(days=200)
    early = segments.rfm(orders, as_of=day, draws=20)
    alone = segments.rfm(orders[orders["at"] < day], as_of=str(day), draws=20)
    pd.testing.assert_frame_equal(early.table, alone.table)
    assert "orders of that day or later were left out" in early.note


def test_the_default_day_is_the_day_after_the_last_order(orders: pd.DataFrame) -> None:
    fit = segments.rfm(orders, draws=20)
    assert fit.as_of == orders["at"].max() + pd.Timedelta(days=1)
    assert "the day after the last order" in fit.note
    assert segments.score(orders, fit)["recency_days"].min() == 1


def test_share_intervals_are_those_of_drawing_customers(orders: pd.DataFrame) -> None:
    fit = segments.rfm(orders, draws=2000)
    share, n = fit.table.loc[0, "estimate"], fit.table["n"].iloc[:3].sum()
    width = fit.table.loc[0, "high"] - fit.table.loc[0, "low"]
    assert_allclose(width, 2 * 1.96 * np.sqrt(share * (1 - share) / n), rtol=0.1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda o: o.drop(columns="amount"), r"orders lack \['amount'\]"),
        (lambda o: o.assign(at="yesterday"), "not dates"),
        (lambda o: o.head(0), "none of 0 orders"),
        (lambda o: o.assign(amount=-1.0), "no share of the spend|sum to"),
        (lambda o: o.assign(customer_id=None), "none of 3,000 orders has a customer"),
    ],
)
def test_orders_that_cannot_be_graded_say_why(orders, change, message) -> None:
    with pytest.raises(ValueError, match=message):
        segments.rfm(change(orders), draws=20)


def test_two_orders_are_graded(orders: pd.DataFrame) -> None:
    assert segments.rfm(orders.head(2), draws=20).table["n"].sum() > 0
    with pytest.raises(ValueError, match="which is no date"):
        segments.rfm(orders, as_of="soon")


# Segments


def test_known_groups_are_found(groups: pd.DataFrame, fit: segments.Fit) -> None:
    assert len(fit.table) == 3 and (fit.table["verdict"] == "report").all()
    placed = segments.score(groups, fit)
    assert (pd.crosstab(placed["segment"], groups["true"]) > 0).to_numpy().sum() == 3
    assert fit.table["n"].tolist() == [300, 200, 100]


def test_names_say_what_is_special(fit: segments.Fit) -> None:
    young, rich, third = fit.table["term"]
    assert "plan: A" in young and ("plan: B" in rich or "member: yes" in rich)
    assert third.startswith("plan: C") and fit.table["term"].is_unique
    assert f"the largest ({young}) holds 50% of 600 customers" in fit.answer


def test_profiles_are_means_and_shares(groups: pd.DataFrame, fit: segments.Fit) -> None:
    first = fit.profiles[fit.profiles["segment"] == fit.table["term"][0]].set_index("term")
    mine = groups[groups["true"] == 0]
    assert_allclose(first.loc["age", "estimate"], mine["age"].mean())
    assert_allclose(first.loc[["plan: A", "member: yes"], "estimate"], [1, 0], atol=1e-12)
    assert (fit.profiles["low"] <= fit.profiles["estimate"] + 1e-9).all()
    assert_allclose(first.loc["spend", "overall"], groups["spend"].mean())


def test_marks_are_profiles_in_deviations(groups: pd.DataFrame, fit: segments.Fit) -> None:
    age = fit.profiles["term"] == "age"
    in_deviations = (fit.profiles.loc[age, "high"] - groups["age"].mean()) / groups["age"].std(
        ddof=0
    )
    assert_allclose(fit.marks.loc[age, "high"], in_deviations)
    assert_allclose(fit.marks["estimate"], fit.profiles["distance"])


def test_a_crowd_without_groups_is_called_one() -> None:
    crowd = pd.DataFrame(np.random.default_rng(1).normal(size=(600, 5)), columns=list("abcde"))
    fit = segments.fit(crowd, list("abcde"), k=7, draws=20)
    assert "shade into each other" in fit.note
    weak = fit.table[fit.table["jaccard"] < profiles.PATTERN]
    assert len(weak) and weak["term"].str.contains("not named").all()


def test_every_feature_counts_the_same(groups: pd.DataFrame) -> None:
    axes = space.axes_of(groups, ["age", "plan", "member"], np.ones(len(groups)))
    spread = space.points_of(axes, groups).var(axis=0)
    assert_allclose([spread[0], spread[1:4].sum(), spread[4:].sum()], 1, atol=1e-6)


def test_units_do_not_matter(groups: pd.DataFrame, fit: segments.Fit) -> None:
    in_cents = segments.fit(groups.assign(spend=groups["spend"] * 100 + 5), FEATURES, draws=20)
    assert_allclose(in_cents.table["estimate"], fit.table["estimate"])


def test_a_weight_of_two_is_the_customer_twice(groups: pd.DataFrame) -> None:
    weighted = segments.fit(
        groups.assign(w=np.where(groups["true"] == 2, 2.0, 1.0)), FEATURES, k=3, weight="w", draws=5
    )
    repeated = segments.fit(
        pd.concat([groups, groups[groups["true"] == 2]], ignore_index=True), FEATURES, k=3, draws=5
    )
    ours, theirs = (f.table.set_index("term")["estimate"] for f in (weighted, repeated))
    assert_allclose(np.sort(ours), np.sort(theirs), atol=1e-12)


def test_jaccard_by_hand() -> None:
    before, after = np.array([0, 0, 0, 1, 1]), np.array([1, 1, 0, 0, 0])
    assert_allclose(stability.likest(before, after, 2), [2 / 3, 2 / 3])


def test_rows_come_back_in_order_and_number(groups: pd.DataFrame, fit: segments.Fit) -> None:
    some = groups.sample(50, random_state=2)
    placed = segments.score(some, fit)
    assert placed.index.equals(some.index) and placed["segment"].between(1, 3).all()
    assert len(segments.score(groups.head(0), fit)) == 0
    with pytest.raises(ValueError, match=r"customers lack \['plan'\]"):
        segments.score(groups.drop(columns="plan"), fit)


def test_missing_answers_are_a_named_choice(groups: pd.DataFrame) -> None:
    gaps = groups.assign(spend=groups["spend"].mask(groups.index < 60))
    complete = segments.fit(gaps, FEATURES, k=3, draws=5)
    assert complete.note.startswith("540 of 600 customers")
    assert segments.score(gaps, complete)["segment"].isna().sum() == 60
    median = segments.fit(gaps, FEATURES, k=3, missing="median", draws=5)
    assert median.table["n"].sum() == 600 and "60 customers lack an answer" in median.note
    assert segments.score(gaps, median)["segment"].notna().all()


def test_an_endless_number_is_missing(groups: pd.DataFrame) -> None:
    endless = groups.assign(spend=groups["spend"].mask(groups.index < 60, np.inf))
    fit = segments.fit(endless, FEATURES, k=3, draws=5)
    assert fit.note.startswith("540 of 600 customers")
    assert segments.score(endless, fit)["segment"].isna().sum() == 60


def test_the_choice_is_shown(fit: segments.Fit) -> None:
    assert fit.choice["k"].tolist() == list(range(2, 9))
    assert fit.choice.loc[fit.choice["chosen"], "k"].tolist() == [3]


@pytest.mark.parametrize(
    ("change", "features", "options", "message"),
    [
        (lambda g: g.head(2), FEATURES, {}, "2 of 2 customers can be used"),
        (lambda g: g.assign(age=1.0), ["age"], {}, "all 600 customers are identical"),
        (lambda g: g, ["age", "height"], {}, r"no column \['height'\]"),
        (lambda g: g, [], {}, "no features: name the columns"),
        (lambda g: g, FEATURES, {"k": 1}, "segments number from 2 to 20"),
        (lambda g: g, FEATURES, {"missing": "guess"}, "'guess' is not a choice"),
        (lambda g: g, ["plan"], {"k": 3}, "only 3 different points"),
        (lambda g: g.assign(plan=g.index.astype(str)), ["plan"], {}, "more than 40 different"),
        (lambda g: g.assign(age=np.nan), FEATURES, {}, "0 of 600 .*Most gaps: age"),
    ],
)
def test_customers_who_cannot_be_parted_say_why(groups, change, features, options, message):
    with pytest.raises(ValueError, match=message):
        segments.fit(change(groups), features, draws=5, **options)


@pytest.mark.slow
def test_size_intervals_hold_for_all_segments_at_once(groups: pd.DataFrame) -> None:
    truth, held = np.array([300, 200, 100]) / 600, []
    for seed in range(200):
        some = groups.sample(400, replace=True, random_state=seed)
        table = segments.fit(some, FEATURES, k=3, most=3, draws=1, seed=seed).table.sort_values(
            "n"
        )[::-1]
        held.append(((table["low"] <= truth) & (truth <= table["high"])).all())
    assert 0.92 <= np.mean(held) <= 0.98


def test_the_types_of_the_made_up_company_are_found() -> None:
    tables, hidden = synthetic.company(customers=1500), synthetic.hidden(customers=1500)
    each = tables["orders"].groupby("customer_id")["amount"].agg(orders="size", spend="sum")
    people = tables["customers"].merge(hidden[["customer_id", "type"]], on="customer_id")
    people = people.merge(each, left_on="customer_id", right_index=True)
    # Only those who were customers all along: the others' orders tell how long they stayed.
    people = people[people["left_on"].isna() & (people["joined_on"] < tables["orders"]["at"].min())]
    fit = segments.fit(people, ["orders", "spend", "discount_share", "mobile_share"], draws=20)
    placed = pd.crosstab(segments.score(people, fit)["segment"], people["type"])
    assert len(fit.table) == 4 and (fit.table["verdict"] == "report").all()
    assert placed.max(axis=1).sum() / placed.to_numpy().sum() > 0.9
