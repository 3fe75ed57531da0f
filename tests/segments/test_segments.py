"""Grades and segments: truths by hand, laws, recovery of known groups, bad input."""

from __future__ import annotations

from types import SimpleNamespace

import matplotlib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

matplotlib.use("agg")

import generator
from matplotlib import pyplot as plt

from cxlib import plots, segments
from cxlib.core import context, i18n
from cxlib.core.errors import InsufficientData
from cxlib.core.result import Result
from cxlib.core.sample import Sample
from cxlib.report.segment_cards import html_of
from cxlib.segments import features, profiles, questions, stability
from cxlib.segments.rfm import _points, purchase_habits
from cxlib.segments.typing_tool import _cost

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


def with_table(fit: Result, table: pd.DataFrame) -> Result:
    return fit.replace(tables={**fit.tables, "table": table})


@pytest.fixture(scope="module")
def fit(groups: pd.DataFrame) -> Result:
    context.begin()
    return segments.fit(groups, FEATURES, choice=segments.Choice(most=5, draws=20))


# Grades


def test_habits_by_hand() -> None:
    orders = bought(("a", 1, 10), ("a", 5, 20), ("b", 3, 7), ("b", 9, -2), ("c", 2, -5))
    habits, notes = purchase_habits(orders, DAY + pd.Timedelta(days=10))
    assert habits.to_numpy().tolist() == [["a", 6, 2, 30.0], ["b", 8, 1, 5.0]]
    assert any(n.startswith("2 negative amounts are refunds") for n in notes)
    assert any(n.startswith("1 refund is of more than the customer had bought") for n in notes)
    fit = segments.rfm(Sample(orders, draws=20), as_of=DAY + pd.Timedelta(days=10))
    assert "1 customer (50%) ordered once" in fit.notes


@pytest.mark.slow
def test_five_different_customers_get_the_five_scores() -> None:
    orders = bought(*((c, d, 10 * d) for d, c in enumerate("abcde", 1)))
    graded = segments.rfm_scores(orders, segments.rfm(Sample(orders, draws=20)))
    assert graded["recency_score"].tolist() == [1, 2, 3, 4, 5]
    assert graded["spend_score"].tolist() == [1, 2, 3, 4, 5]
    assert graded["orders_score"].tolist() == [1] * 5


def test_customers_who_are_alike_get_the_same_grade() -> None:
    orders = bought(*((f"c{i}", 1, 10) for i in range(50)))
    fit = segments.rfm(Sample(orders, draws=20))
    assert segments.rfm_scores(orders, fit)["grade"].nunique() == 1
    assert "Equal values get equal scores" in fit.notes


def test_points_of_quintiles() -> None:
    assert _points(5) == {"A": (12, 15), "B": (8, 11), "C": (3, 7)}


def test_limits_of_grades_say_what_amounts_are_in(orders: pd.DataFrame) -> None:
    with context.use(context.Context(currency="EUR")):
        fit = segments.rfm(Sample(orders, draws=20))
    assert set(fit.cuts["measure"]) == {"recency_days", "orders", "spend (EUR)"}
    assert "counted from the first order on file" in str(fit.notes)


def test_shares_sum_to_one_and_grades_hold_everyone(orders: pd.DataFrame) -> None:
    fit = segments.rfm(Sample(orders, draws=100))
    assert_allclose(fit.table.groupby("measure")["estimate"].sum(), 1)
    graded = segments.rfm_scores(orders, fit)
    assert fit.table["n"].iloc[:3].sum() == len(graded) == fit.cuts["n"].sum() / 3
    assert graded["customer_id"].is_unique


def test_cut_points_say_who_gets_which_score(orders: pd.DataFrame) -> None:
    fit = segments.rfm(Sample(orders, draws=20))
    graded = segments.rfm_scores(orders, fit)
    for cut in fit.cuts[fit.cuts["measure"] == "spend"].dropna().itertuples():
        inside = graded["spend"].between(cut.least, cut.most)
        assert (
            graded.data.loc[inside, "spend_score"] == int(cut.term)
        ).all() and inside.sum() == cut.n


def test_grades_know_nothing_of_later_orders(orders: pd.DataFrame) -> None:
    day = DAY + pd.Timedelta(days=200)
    early = segments.rfm(Sample(orders, draws=20), as_of=day)
    alone = segments.rfm(Sample(orders[orders["at"] < day], draws=20), as_of=str(day))
    pd.testing.assert_frame_equal(early.table, alone.table)
    assert "are later and left out" in early.notes


def test_the_default_day_is_the_day_after_the_last_order(orders: pd.DataFrame) -> None:
    fit = segments.rfm(Sample(orders, draws=20))
    assert fit.as_of == orders["at"].max() + pd.Timedelta(days=1)
    assert "the day after the last order" in fit.notes
    assert segments.rfm_scores(orders, fit)["recency_days"].min() == 1


def test_share_intervals_are_those_of_drawing_customers(orders: pd.DataFrame) -> None:
    fit = segments.rfm(Sample(orders, draws=2000))
    share, n = fit.table.loc[0, "estimate"], fit.table["n"].iloc[:3].sum()
    width = fit.table.loc[0, "high"] - fit.table.loc[0, "low"]
    assert_allclose(width, 2 * 1.96 * np.sqrt(share * (1 - share) / n), rtol=0.1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda o: o.drop(columns="amount"), "orders have no amounts"),
        (lambda o: o.assign(at="yesterday"), "not dates"),
        (lambda o: o.head(0), "none of 0 orders"),
        (lambda o: o.assign(amount=-1.0), "none of 3,000 orders is a purchase"),
        (lambda o: o.assign(amount=0.0), "no shares of the spend|sum to"),
        (lambda o: o.assign(customer_id=None), "none of 3,000 orders is a purchase"),
    ],
)
def test_orders_that_cannot_be_graded_say_why(orders, change, message) -> None:
    with pytest.raises(ValueError, match=message):
        segments.rfm(Sample(change(orders), draws=20))


def test_two_orders_are_graded(orders: pd.DataFrame) -> None:
    assert segments.rfm(Sample(orders.head(2), draws=20)).table["n"].sum() > 0
    with pytest.raises(ValueError, match="which is no date"):
        segments.rfm(orders, as_of="soon")


def test_moves_by_hand() -> None:
    """Seven buy well and stay, seven buy well and stop, sixteen never bought well; ten are new."""
    rows = []
    for i in range(30):
        days, amount = ((10, 40, 70), 100) if i < 14 else ((5,), 5)
        rows += [(f"c{i:02d}", d, amount) for d in days]
        if i < 7 or i >= 14:
            rows += [(f"c{i:02d}", d + 90, amount) for d in days]
    rows += [(f"n{i}", 150, 5) for i in range(10)]
    day = [str((DAY + pd.Timedelta(days=d)).date()) for d in (80, 170)]
    moves = segments.grade_migration(
        Sample(bought(*rows), draws=200), before=day[0], after=day[1], window=80, grades=2
    )
    share = moves.table.set_index(["grade", "term"])["estimate"]
    assert share["important (A)", "important (A)"] == share["important (A)", "no order"] == 0.5
    assert share["potential (C)", "potential (C)"] == 1 and share["no order", "potential (C)"] == 1
    assert_allclose(moves.table.groupby("grade")["estimate"].sum(), 1)
    n = moves.table.groupby("grade")["n"].first().to_dict()
    assert n == {"important (A)": 14, "no order": 10, "potential (C)": 16}
    assert moves.finding.claim.startswith(
        f"50% of the customers who were important (A) on {i18n.day(day[0])}"
    )
    assert "n = 14" in moves.finding.detail


def test_nobody_moves_between_a_day_and_itself(orders: pd.DataFrame) -> None:
    moves = segments.grade_migration(Sample(orders, draws=20), since=1)
    stayed = moves.table[moves.table["grade"] == moves.table["term"]]
    assert (stayed["estimate"] > 0.9).all()
    with pytest.raises(ValueError, match="the first must be earlier"):
        segments.grade_migration(orders, before="2026-06-01", after="2026-05-01")


@pytest.mark.coverage
def test_intervals_of_moves_hold_the_truth(tell_coverage) -> None:
    """Customers of two kinds move with known chances; all intervals of grade A hold at once."""
    held, day = [], DAY + pd.Timedelta(days=100)
    for seed in range(80):
        rng = np.random.default_rng(seed)
        good = rng.random(300) < 0.4
        stays = rng.random(300) < np.where(good, 0.7, 0.4)
        who = np.concatenate([np.arange(300), np.flatnonzero(good)])
        amount = np.where(good[who], 90.0, 10.0)
        first = np.where(good[who], 59, 49) - np.where(np.arange(len(who)) < 300, 0, 5)
        rows = pd.DataFrame({"customer_id": who, "at": first, "amount": amount})
        orders = pd.concat([rows, rows[stays[who]].assign(at=lambda r: r["at"] + 100)])
        orders["at"] = DAY + pd.to_timedelta(orders["at"], unit="D")
        moves = segments.grade_migration(
            Sample(orders, draws=200, seed=seed),
            before=day,
            after=day + pd.Timedelta(days=100),
            window=100,
            grades=2,
        ).table
        gone = moves[moves["term"] == "no order"].set_index("grade")
        truth = {"important (A)": 0.3, "potential (C)": 0.6}
        held.append(all(gone.loc[g, "low"] <= t <= gone.loc[g, "high"] for g, t in truth.items()))
    tell_coverage("moves between grades, simultaneous", "300 customers", np.mean(held), len(held))
    assert np.mean(held) >= 0.9, np.mean(held)


# Segments


@pytest.mark.slow
def test_known_groups_are_found(groups: pd.DataFrame, fit: Result) -> None:
    assert len(fit.table) == 3 and (fit.table["verdict"] == "report").all()
    placed = segments.score(groups, fit)
    assert (pd.crosstab(placed["segment"], groups["true"]) > 0).to_numpy().sum() == 3
    assert fit.table["n"].tolist() == [300, 200, 100]


def test_names_say_what_is_special(fit: Result) -> None:
    young, rich, third = fit.table["term"]
    described = fit.descriptions
    assert "plan: A" in described[young] and fit.table["term"].is_unique
    assert "plan: B" in described[rich] or "member: yes" in described[rich]
    assert "plan: C" in described[third]
    assert fit.finding.claim == f"The largest of 3 stable segments is “{young}”: 50% of customers."
    assert "n = 600" in fit.finding.detail


def test_profiles_are_means_and_shares(groups: pd.DataFrame, fit: Result) -> None:
    first = fit.profiles[fit.profiles["segment"] == fit.table["term"][0]].set_index("term")
    mine = groups[groups["true"] == 0]
    assert_allclose(first.loc["age", "estimate"], mine["age"].mean())
    assert_allclose(first.loc[["plan: A", "member: yes"], "estimate"], [1, 0], atol=1e-12)
    assert (fit.profiles["low"] <= fit.profiles["estimate"] + 1e-9).all()
    assert_allclose(first.loc["spend", "overall"], groups["spend"].mean())


def test_marks_are_profiles_in_deviations(groups: pd.DataFrame, fit: Result) -> None:
    age = fit.profiles["term"] == "age"
    in_deviations = (fit.profiles.loc[age, "high"] - groups["age"].mean()) / groups["age"].std(
        ddof=0
    )
    assert_allclose(fit.marks.loc[age, "high"], in_deviations)
    assert_allclose(fit.marks["estimate"], fit.profiles["distance"])


@pytest.mark.slow
def test_a_crowd_without_groups_is_called_one() -> None:
    crowd = pd.DataFrame(np.random.default_rng(1).normal(size=(600, 5)), columns=list("abcde"))
    fit = segments.fit(crowd, list("abcde"), choice=segments.Choice(k=7, draws=20))
    assert "shade into each other" in fit.notes
    weak = fit.table[fit.table["jaccard"] < profiles.PATTERN]
    assert len(weak) and weak["term"].str.contains("not named").all()


def test_every_feature_counts_the_same(groups: pd.DataFrame) -> None:
    axes = features.axes_of(groups, ["age", "plan", "member"], np.ones(len(groups)))
    spread = features.points_of(axes, groups).var(axis=0)
    assert_allclose([spread[0], spread[1:4].sum(), spread[4:].sum()], 1, atol=1e-6)


@pytest.mark.slow
def test_units_do_not_matter(groups: pd.DataFrame, fit: Result) -> None:
    in_cents = segments.fit(
        groups.assign(spend=groups["spend"] * 100 + 5),
        FEATURES,
        choice=segments.Choice(most=5, draws=20),
    )
    assert_allclose(in_cents.table["estimate"], fit.table["estimate"])


@pytest.mark.slow
def test_a_weight_of_two_is_the_customer_twice(groups: pd.DataFrame) -> None:
    weighted = segments.fit(
        Sample(groups.assign(w=np.where(groups["true"] == 2, 2.0, 1.0)), weight="w"),
        FEATURES,
        choice=segments.Choice(k=3, draws=5),
    )
    repeated = segments.fit(
        pd.concat([groups, groups[groups["true"] == 2]], ignore_index=True),
        FEATURES,
        choice=segments.Choice(k=3, draws=5),
    )
    ours, theirs = (f.table.set_index("term")["estimate"] for f in (weighted, repeated))
    assert_allclose(np.sort(ours), np.sort(theirs), atol=1e-12)


def test_jaccard_by_hand() -> None:
    before, after = np.array([0, 0, 0, 1, 1]), np.array([1, 1, 0, 0, 0])
    assert_allclose(stability.jaccard_with_most_similar(before, after, 2), [2 / 3, 2 / 3])


def test_rows_come_back_in_order_and_number(groups: pd.DataFrame, fit: Result) -> None:
    some = groups.sample(50, random_state=2)
    placed = segments.score(some, fit).data
    assert placed.index.equals(some.index) and placed["segment"].between(1, 3).all()
    assert len(segments.score(groups.head(0), fit)) == 0
    with pytest.raises(ValueError, match="customers have no column 'plan'"):
        segments.score(groups.drop(columns="plan"), fit)


def test_groups_are_the_names_of_the_placed_by_customer(groups: pd.DataFrame, fit) -> None:
    rows = groups.assign(customer_id=[f"c{i}" for i in groups.index])
    rows.loc[3, "age"] = np.nan
    unstable = fit.table.assign(verdict=["report", "pattern", "not named"])
    found = segments.groups(rows, with_table(fit, unstable))
    assert found.cat.categories.tolist() == unstable["term"].tolist()[:2]
    placed = segments.score(rows, fit).data.set_index("customer_id")["segment_name"]
    assert found.isna().equals(placed.isna() | (placed == unstable["term"][2]))
    assert (found.dropna() == placed[found.notna()]).all() and pd.isna(found["c3"])
    with pytest.raises(ValueError, match="customers have no column 'customer_id'"):
        segments.groups(groups, fit)


@pytest.mark.slow
def test_missing_answers_are_a_named_choice(groups: pd.DataFrame) -> None:
    gaps = groups.assign(spend=groups["spend"].mask(groups.index < 60))
    complete = segments.fit(gaps, FEATURES, choice=segments.Choice(k=3, most=3, draws=5))
    assert complete.notes.startswith("540 of 600 customers")
    assert segments.score(gaps, complete)["segment"].isna().sum() == 60
    median = segments.fit(
        gaps, FEATURES, missing="median", choice=segments.Choice(k=3, most=3, draws=5)
    )
    assert median.table["n"].sum() == 600 and "60 customers have missing answers" in median.notes
    assert segments.score(gaps, median)["segment"].notna().all()


@pytest.mark.slow
def test_an_endless_number_is_missing(groups: pd.DataFrame) -> None:
    endless = groups.assign(spend=groups["spend"].mask(groups.index < 60, np.inf))
    fit = segments.fit(endless, FEATURES, choice=segments.Choice(k=3, most=3, draws=5))
    assert fit.notes.startswith("540 of 600 customers")
    assert segments.score(endless, fit)["segment"].isna().sum() == 60


def test_the_choice_is_shown(fit: Result) -> None:
    assert fit.choice["k"].tolist() == [2, 3, 4, 5]
    assert fit.choice.loc[fit.choice["chosen"], "k"].tolist() == [3]


@pytest.mark.parametrize(
    ("change", "features", "options", "message"),
    [
        (lambda g: g.head(2), FEATURES, {}, "2 of 2 customers can be used"),
        (lambda g: g.assign(age=1.0), ["age"], {}, "all 600 customers are identical"),
        (lambda g: g, ["age", "height"], {}, "no column 'height'"),
        (lambda g: g, [], {}, "no features: name the columns"),
        (lambda g: g, FEATURES, {"missing": "guess"}, "'guess' is not a choice"),
        (lambda g: g, ["plan"], {"choice": segments.Choice(k=3, draws=5)}, "only 3 different"),
        (lambda g: g.assign(plan=g.index.astype(str)), ["plan"], {}, "more than 40 different"),
        (lambda g: g.assign(age=np.nan), FEATURES, {}, "0 of 600 .*Most gaps: age"),
    ],
)
def test_customers_who_cannot_be_parted_say_why(groups, change, features, options, message):
    with pytest.raises(ValueError, match=message):
        segments.fit(change(groups), features, **options)


@pytest.mark.coverage
@pytest.mark.parametrize(("n", "weighted"), [(50, False), (400, False), (400, True)])
def test_intervals_hold_for_all_segments_at_once(n: int, weighted: bool, tell_coverage) -> None:
    """Shares and means of three known groups, memberships known, over repeated samples."""
    share, age, held = np.array([0.5, 0.3, 0.2]), np.array([25.0, 45, 60]), []
    for seed in range(600):
        rng = np.random.default_rng([seed, 2])
        kind = rng.choice(3, n, p=[0.25, 0.45, 0.30] if weighted else share)
        w = (share / [0.25, 0.45, 0.30])[kind] if weighted else np.ones(n)
        found = profiles.describe(rng.normal(age[kind], 10)[:, None], w, kind, 3, 300, seed)
        each = np.concatenate([found.share, found.means[:, 0]])
        drawn = np.concatenate([found.shares, found.drawn[:, :, 0]], axis=1)
        low, high = _joint(each, drawn, np.array([n] * 3 + [np.nan] * 3))
        truth = np.concatenate([share, age])
        held.append(((low <= truth) & (truth <= high)).all())
    least = 0.915 if n == 50 else 0.925
    of = f"{n} customers, 3 segments" + ", weighted" * weighted
    tell_coverage("shares and means of segments, simultaneous", of, np.mean(held), len(held))
    assert least <= np.mean(held) <= 0.985, np.mean(held)


@pytest.mark.slow
def test_the_types_of_the_made_up_company_are_found() -> None:
    tables, hidden = generator.company(customers=1500), generator.hidden(customers=1500)
    each = tables["orders"].groupby("customer_id")["amount"].agg(orders="size", spend="sum")
    people = tables["customers"].merge(hidden[["customer_id", "type"]], on="customer_id")
    people = people.merge(each, left_on="customer_id", right_index=True)
    # Only those who were customers all along: the others' orders tell how long they stayed.
    people = people[people["left_on"].isna() & (people["joined_on"] < tables["orders"]["at"].min())]
    fit = segments.fit(
        people,
        ["orders", "spend", "discount_share", "mobile_share"],
        choice=segments.Choice(draws=20),
    )
    placed = pd.crosstab(segments.score(people, fit)["segment"], people["type"])
    assert len(fit.table) == 4 and (fit.table["verdict"] == "report").all()
    assert placed.max(axis=1).sum() / placed.to_numpy().sum() > 0.9


# The typing tool


@pytest.fixture(scope="module")
def tool(groups: pd.DataFrame, fit: Result) -> Result:
    context.begin()
    return segments.typing_tool(Sample(groups.drop(columns="true"), draws=200), fit, value="spend")


def test_a_few_questions_place_clear_groups(tool: Result) -> None:
    assert len(tool.questions) <= 6 and tool.table.loc[0, "estimate"] > 0.98
    assert tool.table["n"].tolist() == [600, 300, 200, 100]
    assert (tool.table["low"] <= tool.table["estimate"]).all()
    assert_allclose(tool.confusion.groupby("segment")["estimate"].sum(), 1)
    assert "questions place" in tool.finding.claim and "50%" in tool.finding.claim


def test_the_sheet_is_all_one_needs(groups: pd.DataFrame, tool: Result) -> None:
    """Added up by hand from the printed points, a customer falls where `classify` puts them."""
    asked = [q.name for q in tool.questions]
    person = groups.iloc[[7]]
    total = tool.sheet.iloc[0][tool.segments].astype(float)
    row = 1
    for q in tool.questions:
        tick = questions.ticks_of(q, person[q.name])[0]
        total = total + tool.sheet.iloc[row + tick.argmax()][tool.segments].astype(float)
        row += q.answers
    assert row == len(tool.sheet) and asked
    assert total.idxmax() == segments.classify(person, tool).item()
    assert tool.sheet[tool.segments].to_numpy().min() == 0
    assert tool.sheet[tool.segments].to_numpy().max() == 10


def test_confusion_costs_the_difference_of_the_segments(groups, fit) -> None:
    label, guess = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    v = np.array([10.0, 20, 100, 100])
    cost = _cost(v, label, guess, np.ones(4), ["low", "high"], Sample(pd.DataFrame(), draws=50))
    assert_allclose(cost["estimate"], [85 / 4, 2 * 85 / 4, 85 / 2, 0])
    assert cost["n"].tolist() == [4, 4, 2, 2]


@pytest.mark.slow
def test_random_segments_cannot_be_typed() -> None:
    """Accuracy is of customers the tool has not seen: where nothing tells, it is the base rate."""
    rng = np.random.default_rng(1)
    rows = pd.DataFrame(rng.normal(size=(600, 12)), columns=[f"x{i}" for i in range(12)])
    label = rng.integers(0, 2, 600)
    known = rows.assign(g=label * 10 + rng.normal(size=600))
    fit = segments.fit(Sample(known, draws=20), ["g"], choice=segments.Choice(k=2, most=2, draws=5))
    tool = segments.typing_tool(Sample(known, draws=100), fit, list(rows))
    assert abs(tool.table.loc[0, "estimate"] - 0.5) < 0.08
    # What guessing does as well is not given away as a tool: no sheet, and the claim says so.
    assert tool.sheet.empty and tool.finding.verdict == "unclear"
    assert tool.finding.claim.startswith("A few questions do not place customers in their segment")
    with context.use(context.Context(lang="zh")):
        same = segments.typing_tool(Sample(known, draws=100), fit, list(rows))
    assert "不能" in same.finding.claim


def test_who_answers_nothing_makes_no_sheet_right() -> None:
    """Seven in ten answered nothing and nearly all are of one segment; who answered is of any."""
    rng = np.random.default_rng(2)
    asked = pd.DataFrame({f"x{i}": rng.choice(["a", "b", "c"], 600) for i in range(3)})
    asked.iloc[180:] = np.nan
    label = np.where(np.arange(600) < 180, rng.integers(0, 2, 600), rng.random(600) < 0.05)
    known = asked.assign(g=label * 10 + rng.normal(size=600))
    fit = segments.fit(Sample(known, draws=20), ["g"], choice=segments.Choice(k=2, most=2, draws=5))
    tool = segments.typing_tool(Sample(known, draws=100), fit, list(asked))
    assert tool.table.loc[0, "n"] == 180 and abs(tool.table.loc[0, "estimate"] - 0.5) < 0.1
    assert tool.sheet.empty and tool.finding.verdict == "unclear"
    assert "420 of 600 customers answered none of the questions" in tool.notes


def test_only_what_can_be_asked_is_asked(groups, fit) -> None:
    """Without the features of the segments, and in the words in which a clerk asks."""
    rows = Sample(groups.drop(columns="true"), draws=50)
    tool = segments.typing_tool(rows, fit, {"plan": "Which plan do you have?", "gone": ""})
    assert [q.name for q in tool.questions] == ["plan"]
    assert tool.sheet["question"].tolist()[1] == "Which plan do you have?"
    assert "questions" in tool.finding.claim or "question" in tool.finding.claim
    with pytest.raises(InsufficientData, match="can be asked of a new customer"):
        segments.typing_tool(rows, fit, {})


def test_a_tool_that_cannot_be_made_says_why(groups, fit, tool) -> None:
    few = groups[groups["plan"] != "C"]
    with pytest.raises(ValueError, match="segment 3 has 0 customers; a typing tool needs 10"):
        segments.typing_tool(few, fit)
    with pytest.raises(ValueError, match="customers have no column"):
        segments.classify(groups[["true"]], tool)


# Personas


def cards_of(groups: pd.DataFrame, fit: Result, comments: pd.DataFrame | None = None):
    placed = segments.score(groups.assign(left=groups["true"] == 1), fit).data
    worth = segments.outcomes(Sample(placed, draws=50), fit, ["left"])
    gone = int(placed["left"].sum())
    assert f"{gone:,} of {len(placed):,} customers have left since" in worth.notes
    hurts = worth.table.assign(term="delivery").drop(columns=["overall", "share"])
    trouble = worth.table.assign(term="support")
    return segments.personas(
        fit, outcomes=worth, ratings=hurts, problems=trouble, comments=comments
    )


def test_problem_rates_by_hand() -> None:
    met = [
        ("a", "call", "failed"),
        ("a", "call", "done"),
        ("b", "call", "failed"),
        ("b", "desk", "done"),
        ("c", "call", None),
        ("d", "call", "failed"),
    ]
    events = pd.DataFrame(met * 20, columns=["customer_id", "touchpoint", "outcome"])
    events["customer_id"] += np.repeat(np.arange(20), 6).astype(str)
    placed = pd.Series(
        {f"{c}{i}": kind for i in range(20) for c, kind in zip("abc", "112", strict=True)}
    )
    placed = placed.astype(pd.CategoricalDtype(["1", "2"], ordered=True))
    found = segments.problem_rates(Sample(events, draws=50), placed, ["failed"])
    assert found.table["estimate"].tolist() == [2 / 3, 0]
    assert found.table["n"].tolist() == [60, 20] and found.table["overall"].tolist() == [0.5, 0.5]
    assert found.notes.startswith("20 events at touchpoints without known problems")
    assert found.finding.claim == (
        "1 have the most problems at call: 67% of contacts, against 50% for all."
    )
    assert segments.problem_rates(Sample(events, draws=50), placed, ["lost"]).table.empty


def test_a_card_has_only_numbers_of_its_segment(groups: pd.DataFrame, fit) -> None:
    cards = cards_of(groups, fit)
    assert cards.table["segment"].unique().tolist() == fit.table["term"].tolist()
    own = cards.table[cards.table["segment"] == fit.table["term"][0]]
    assert own["part"].unique().tolist() == ["size", "features", "outcomes", "ratings", "problems"]
    assert own.iloc[0]["estimate"] == 0.5 and own.iloc[0]["n"] == 300
    # One line a feature: of the three plans only the one that its members have.
    assert [t for t in own["term"] if t.startswith("plan")] == ["plan: A"]
    assert (own["low"] <= own["estimate"]).all() and (own["estimate"] <= own["high"]).all()


def test_amounts_of_a_card_name_their_currency() -> None:
    line = {"segment": "a", "part": "features", "term": "spend_365", "estimate": 370.0, "n": 40}
    line |= {"low": 355.0, "high": 385.0, "overall": 399.0, "share": False}
    table = pd.DataFrame([line, line | {"term": "orders_365"}, line | {"share": True}])
    quotes = pd.DataFrame(columns=["segment", "text"])
    cards = SimpleNamespace(table=table, quotes=quotes, descriptions={})
    with context.use(context.Context(currency="EUR")):
        written = html_of(cards)
    assert written.count("(EUR)") == 1 and "Spend 365 (EUR)" in written
    assert "(EUR)" not in html_of(cards)


def test_demographics_are_the_levels_a_segment_has_more_of() -> None:
    rows = pd.DataFrame(
        {"segment_name": ["a"] * 40 + ["b"] * 60, "weight": [1.0] * 40 + [2.0] * 60}
    )
    rows["region"] = ["north"] * 30 + ["south"] * 10 + ["north"] * 12 + ["south"] * 48
    rows["rare"] = ["x"] * 5 + ["y"] * 95  # 5 customers are too few to be shown
    found = segments.demographics(Sample(rows, weight="weight", draws=100), ["region", "rare"])
    table = found.set_index(["segment", "term"])
    assert table.loc[("a", "region: north"), "estimate"] == 0.75
    assert table.loc[("a", "region: north"), "overall"] == pytest.approx((30 + 24) / 160)
    assert table.loc[("b", "region: south"), "estimate"] == 0.8
    assert table["n"].tolist() == [40, 60, 40, 60]
    assert not any("x" in term for _segment, term in table.index)
    assert (found["low"] < found["estimate"]).iloc[[0, 1]].all()
    assert segments.demographics(rows.head(8), ["region"]).empty


def test_a_segment_that_is_not_named_has_no_card(groups: pd.DataFrame, fit) -> None:
    shaky = with_table(fit, fit.table.assign(verdict=["report", "pattern", "not named"]))
    assert segments.personas(shaky).table["segment"].nunique() == 2
    none = with_table(fit, fit.table.assign(verdict="not named"))
    with pytest.raises(ValueError, match="no segment"):
        segments.personas(none)
    with pytest.raises(ValueError, match="drivers has no column segment"):
        segments.personas(fit, drivers=pd.DataFrame({"term": [], "estimate": []}))


@pytest.mark.slow
def test_quotes_are_two_masked_and_from_a_crowd(groups: pd.DataFrame, fit) -> None:
    first, second = fit.table["term"][:2]
    said = [f"This was number {i} <b>of all</b>" for i in range(20)]
    comments = pd.DataFrame(
        {
            "segment_name": [first] * 20 + [second] * 19,
            "text": said + [f"Call me on 0171 234567{i % 10} {i}" for i in range(19)],
            "score": list(range(20)) + list(range(19)),
        }
    )
    cards = cards_of(groups, fit, comments)
    html = html_of(cards)
    assert html.count("<blockquote>") == 2 and "&lt;b&gt;" in html and "0171" not in html
    mine = cards.quotes[cards.quotes["segment"] == first].merge(comments, on="text")
    assert (mine["score"][0] <= 9.5) and (mine["score"][1] > 9.5)  # one of each kind


@pytest.mark.slow
def test_small_cells_of_a_card_are_hidden(groups: pd.DataFrame, fit) -> None:
    context.begin(smallest_cell=150)
    html = html_of(cards_of(groups, fit))
    context.begin()
    assert "hidden: too few answers" in html and "17%" not in html


# Figures


@pytest.mark.slow
def test_moves_are_drawn_from_down_to_across(orders: pd.DataFrame) -> None:
    plots.use_house_style()
    moves = segments.grade_migration(Sample(orders, draws=50), since=60)
    ax = plots.crosstab(moves.table)
    assert [t.get_text() for t in ax.get_yticklabels()][0] == "important (A)"
    assert [t.get_text() for t in ax.get_xticklabels()][0] == "important (A)"
    assert "→" in ax.figure.alt_text
    plt.close("all")


def test_long_names_stand_above_their_columns(tool: Result) -> None:
    plots.use_house_style()
    names = {name: f"{name}, a name that is longer than columns are" for name in tool.segments}
    ax = plots.crosstab(tool.confusion.replace({"segment": names, "term": names}))
    assert [t.get_text()[:4] for t in ax.get_xticklabels()] == [n[:4] for n in tool.segments]
    assert ax.get_xticklabels()[0].get_rotation() == 40
    plt.close("all")


def test_the_segment_that_is_furthest_off_is_named_not_the_one_with_most_customers(groups, fit):
    rng = np.random.default_rng(1)
    segment = groups["true"].to_numpy()
    spend = np.select([segment == 0, segment == 1], [8.0, 4.0], 7.4)
    spend = spend + rng.normal(size=len(spend)) * np.where(segment == 1, 6.0, 0.1)
    found = segments.outcomes(Sample(groups.assign(spend=spend), draws=100), fit, ["spend"])
    furthest = (found.table["estimate"] - found.table["overall"]).abs().idxmax()
    assert str(found.table.loc[furthest, "segment"]) in found.finding.claim


@pytest.mark.slow
def test_stability_and_outcomes_are_drawn(groups: pd.DataFrame, fit) -> None:
    plots.use_house_style()
    ax = plots.stability(fit.table)
    assert len(ax.get_yticklabels()) == 3
    found = segments.outcomes(
        Sample(groups.assign(left=groups["true"] == 1), draws=50), fit, ["left", "spend"]
    )
    figure = plots.small_multiples(found.table).figure
    titles = [a.get_title("left") for a in figure.axes]
    assert titles[0] == "Left (all: 33%)" and titles[1].startswith("Spend (all: ")
    assert "Left" in figure.alt_text
    plt.close("all")


def _joint(*parts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The ends that hold for all entries together."""
    ends = profiles.interval_columns(*parts)
    return ends["simultaneous_low"], ends["simultaneous_high"]
