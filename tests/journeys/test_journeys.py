"""Where journeys break: worked examples, laws, witnesses, and journeys made with known truth."""

from __future__ import annotations

import itertools
import os
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import duckdb
import nbformat
import numpy as np
import pandas as pd
import pytest
from generator import paths
from hypothesis import given, settings
from hypothesis import strategies as st

from cxlib import journeys, plots
from cxlib.core import context
from cxlib.core.context import Context
from cxlib.core.errors import InsufficientData
from cxlib.core.result import Importance
from cxlib.core.sample import Sample
from cxlib.journeys import Touchpoints, TransitionCounts
from cxlib.journeys.counts import counts_of
from cxlib.journeys.map_groups import largest_difference
from cxlib.journeys.pain_points import _finding
from cxlib.report.answers import MIME
from cxlib.reserve import ReserveError, pathways
from cxlib.stats import resampling
from cxlib.stats.logit_intervals import logit_interval

ASKED = Touchpoints(stages=paths.STAGES, ratings={"delivery": "score"})
NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def steps_of(rows: pd.DataFrame, draws: int = 200, **how: object) -> Sample:
    return journeys.steps(Sample(rows, cluster="customer_id", draws=draws), **how)


def about(responses: pd.DataFrame, rows: pd.DataFrame, **how: object) -> journeys.Exposure:
    return journeys.exposure(Sample(responses, draws=200), rows, **how)


def events(*journeys_: str, hours: float = 1.0) -> pd.DataFrame:
    """A customer a journey, written "a>b>c"; a step an hour."""
    rows = [
        (f"c{k}", pd.Timestamp("2026-01-01") + pd.Timedelta(hours=hours * i), t)
        for k, journey in enumerate(journeys_)
        for i, t in enumerate(journey.split(">"))
    ]
    return pd.DataFrame(rows, columns=["customer_id", "at", "touchpoint"])


@pytest.fixture(scope="module")
def made() -> dict[str, pd.DataFrame]:
    return paths.journeys(1500, seed=3)


# Steps and counts


def test_steps_stand_in_order_and_know_their_neighbours():
    rows = events("a>b>a", "b")
    steps = steps_of(rows.iloc[::-1])
    assert steps["step"].tolist() == [1, 1, 2, 3]
    own = steps.data[steps["customer_id"] == "c0"]
    assert own["before"].astype(object).fillna("-").tolist() == ["-", "a", "b"]
    assert own["after"].astype(object).fillna("-").tolist() == ["b", "a", "-"]
    assert own["wait"].iloc[1:].tolist() == pytest.approx([1 / 24] * 2)


def test_silence_ends_a_journey_and_a_case_does_not():
    rows = events("a>b>a", hours=48)
    assert steps_of(rows)["journey"].nunique() == 1
    assert steps_of(rows, gap=1)["journey"].nunique() == 3
    rows["case"] = "x"
    assert steps_of(rows, by="case", gap=1)["journey"].nunique() == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda e: e.drop(columns="at"), "no column 'at'"),
        (lambda e: e.assign(at="2026"), "not dates"),
        (lambda e: e.assign(touchpoint=pd.NA), "None of 2 events"),
    ],
)
def test_events_that_make_no_steps_are_told(change, told):
    with pytest.raises(ValueError, match=told):
        steps_of(change(events("a>b")))


def test_a_goal_that_nobody_met_is_told():
    with pytest.raises(ValueError, match="nobody met the goal .'z'.. Touchpoints are: a, b"):
        journeys.count_transitions(steps_of(events("a>b")), goal=["z"])


@pytest.mark.slow
def test_the_store_counts_as_rows_are_counted():
    """Every pair of choices of gap, goal and steps; several events of one day."""
    rng = np.random.default_rng(1)
    days = pd.to_timedelta(rng.integers(0, 60, 400), unit="D")
    table = pd.DataFrame(
        {
            "customer_id": np.char.add("c", rng.integers(0, 90, 400).astype(str)),
            "at": pd.Timestamp("2026-01-01") + days,
            "touchpoint": rng.choice(list("abcd"), 400),
        }
    )
    store = duckdb.connect()
    store.register("given", table)
    store.execute("create table events as select * from given")
    by = ["cluster", "step", "before", "after"]
    ways = [(0, [], 0), (0, ["a"], 2), (5, [], 2), (5, ["a"], 0), (20, ["a"], 2)]
    for (gap, goal, most), patience in itertools.product(ways, (0, 9)):
        how = {"goal": goal, "most": most, "patience": patience}
        told = pathways.counted(store, gap=gap, **how)
        ours = journeys.count_transitions(steps_of(table, gap=gap), **how).data
        for counts in (told, ours):
            counts[["before", "after"]] = counts[["before", "after"]].astype("string").fillna("-")
        told, ours = (c.sort_values(by, ignore_index=True)[[*by, "n"]] for c in (told, ours))
        pd.testing.assert_frame_equal(told, ours, check_dtype=False)


def test_the_store_tells_of_no_events_and_no_goal():
    store = duckdb.connect()
    store.execute("""create table events (customer_id text, "at" timestamp, touchpoint text)""")
    with pytest.raises(ReserveError, match="no event is left"):
        pathways.counted(store)
    store.execute("insert into events values ('c', now()::timestamp, 'a')")
    with pytest.raises(ReserveError, match="nobody met the goal"):
        pathways.counted(store, goal=["b"])


# Transitions and flows


def test_transitions_by_hand():
    counts = journeys.count_transitions(steps_of(events("a>b", "a>b", "a", "b>a")))
    table = journeys.transitions(counts).table.set_index(["before", "term"])
    assert table.loc[("begins", "a"), "estimate"] == 0.75
    assert table.loc[("a", "b"), "estimate"] == 0.5
    assert table.loc[("a", "ends"), "estimate"] == 0.5
    assert table.loc[("b", "ends"), "estimate"] == pytest.approx(2 / 3)
    assert table.loc[("a", "b"), "n"] == 4


def test_shares_of_a_touchpoint_add_up_and_intervals_hold_them(made):
    counts = journeys.count_transitions(steps_of(made["events"], by="journey_id"))
    for method in ("bootstrap", "dirichlet"):
        table = journeys.transitions(counts, method=method).table
        assert table.groupby("before")["estimate"].sum().to_numpy() == pytest.approx(1)
        assert ((table["low"] <= table["estimate"]) & (table["estimate"] <= table["high"])).all()
        assert table["low"].min() >= 0 and table["high"].max() <= 1


@pytest.mark.slow
def test_where_steps_are_independent_both_intervals_agree(made):
    counts = journeys.count_transitions(steps_of(made["events"], 1000, by="journey_id"))
    widths = [
        (t["high"] - t["low"]).to_numpy()
        for m in ("bootstrap", "dirichlet")
        for t in [journeys.transitions(counts, method=m).table.query("n > 300")]
    ]
    busy = np.median(widths[0] / widths[1])
    assert busy == pytest.approx(1, abs=0.12)


def test_a_share_of_all_has_the_exact_limit():
    one = np.array([1.0, 0.0])
    low, high = logit_interval(one, np.tile(one, (50, 1)), np.array([20.0, 20.0]))
    assert low[0] == pytest.approx(0.025 ** (1 / 20)) and high[0] == 1
    assert low[1] == 0 and high[1] == pytest.approx(1 - 0.025 ** (1 / 20))


def test_what_flows_into_a_step_flows_out_of_it(made):
    counts = journeys.count_transitions(steps_of(made["events"], by="journey_id"), most=4)
    table = journeys.flows(counts).table
    into = table[table["step"] == 2].groupby("term")["estimate"].sum().drop("ends")
    out = table[table["step"] == 3].groupby("before")["estimate"].sum()
    assert into.to_numpy() == pytest.approx(out[into.index].to_numpy())
    assert table.loc[table["step"] == 1, "estimate"].sum() == pytest.approx(1)


def test_nearly_all_journeys_are_not_said_to_be_all():
    """99.7% rounded to 100% would lie outside its interval."""
    steps = steps_of(events(*["a>b"] * 299, "b>a"))
    told = journeys.flows(journeys.count_transitions(steps, most=2)).finding
    assert told.claim == "Journeys begin most often with a, 99.7% of them."


def test_flows_ask_for_counts_by_step():
    with pytest.raises(ValueError, match="are not by step"):
        journeys.flows(journeys.count_transitions(steps_of(events("a>b"))))
    with pytest.raises(ValueError, match="counts of transitions have no column"):
        journeys.transitions(pd.DataFrame({"before": ["a"]}))
    with pytest.raises(ValueError, match="not a choice"):
        journeys.transitions(journeys.count_transitions(steps_of(events("a>b"))), method="guess")


@pytest.mark.slow
def test_two_groups_are_compared_way_by_way(made):
    steps = steps_of(made["events"], by="journey_id")
    half = (steps["customer_id"].str[1:].astype(int) % 2).astype(str)
    counts = journeys.count_transitions(steps, by=half)
    one, other = (counts.where(counts["group"] == g) for g in ("0", "1"))
    same = journeys.compare_transitions(one, one, names=("x", "y")).table
    assert (same["estimate"] == 0).all() and not same["differs"].any()
    there = journeys.compare_transitions(one, other, names=("x", "y")).table
    back = journeys.compare_transitions(other, one, names=("y", "x")).table
    assert there["estimate"].to_numpy() == pytest.approx(-back["estimate"].to_numpy())
    sums = there.groupby("before")["estimate"].sum().to_numpy()
    assert sums == pytest.approx(0)
    whole = journeys.compare_groups(steps, half)
    assert len(whole.table) == len(there) and "than in “" in whole.finding.claim


def running(seed: int, people: int = 400, days: int = 120) -> pd.DataFrame:
    """Events of journeys that all go alike, seen until a day on which many are not over."""
    rng = np.random.default_rng(seed)
    rows = []
    for customer, begun in enumerate(rng.uniform(0, days, people)):
        day, place = begun, "web"
        while day <= days and place:
            rows.append(
                (f"c{customer}", pd.Timestamp("2026-01-01") + pd.Timedelta(days=day), place)
            )
            day, place = (
                day + rng.uniform(1, 20),
                rng.choice(["web", "shop", ""], p=[0.4, 0.4, 0.2]),
            )
    return pd.DataFrame(rows, columns=["customer_id", "at", "touchpoint"])


def test_steps_of_the_last_days_are_not_counted_as_ends():
    at = pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-09", "2026-01-10", "2026-01-10"])
    table = pd.DataFrame({"customer_id": list("aabbc"), "at": at, "touchpoint": list("xyxyx")})
    counts = (
        journeys.count_transitions(steps_of(table), patience=5).data.astype("string").fillna("-")
    )
    pairs = counts.groupby(["before", "after"])["n"].apply(lambda n: n.astype(int).sum()).to_dict()
    assert pairs == {("-", "x"): 3, ("x", "y"): 1, ("y", "-"): 1}


def test_journeys_that_run_on_are_left_out_of_returns():
    at = pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-09", "2026-01-10"])
    table = pd.DataFrame({"customer_id": list("aabb"), "at": at, "touchpoint": list("xxyx")})
    table = pd.concat([table.assign(customer_id=table["customer_id"] + str(k)) for k in range(12)])
    fit = journeys.loops(steps_of(table), patience=5)
    assert fit.table[["term", "estimate", "n"]].values.tolist() == [["x", 1.0, 12]]
    assert "12 journeys are still open" in fit.notes
    with pytest.raises(InsufficientData, match="No journey is older than 30 days"):
        journeys.loops(steps_of(table), patience=30)


@pytest.mark.slow
def test_journeys_that_run_on_do_not_end_more_often_in_later_journeys():
    steps = steps_of(running(1), gap=20)
    halves = journeys.periods(steps)
    naive, fair = (journeys.compare_groups(steps, halves, patience=p) for p in (0, 20))
    ends = naive.table.query("term == 'ends'")
    assert (ends["estimate"] > 0).all() and ends["differs"].any()
    assert not fair.table["differs"].any()


@pytest.mark.slow
def test_shares_of_journeys_that_run_on_are_those_of_complete_ones():
    """The truth: 20% end after each step; counting open journeys as ended finds far more."""
    shares = {0: [], 20: []}
    for seed in range(20):
        steps = steps_of(running(seed), gap=20)
        for patience, found in shares.items():
            table = journeys.transitions(journeys.count_transitions(steps, patience=patience)).table
            found.append(table.set_index(["before", "term"]).loc[("web", "ends"), "estimate"])
    assert np.mean(shares[20]) == pytest.approx(0.2, abs=0.01)
    assert np.mean(shares[0]) > 0.24


@pytest.mark.slow
def test_flows_of_journeys_that_run_on_add_up():
    counts = journeys.count_transitions(steps_of(running(2), gap=20), most=4, patience=20)
    table = journeys.flows(counts).table
    into = table[table["step"] == 2].groupby("term")["estimate"].sum()
    out = table[table["step"] == 3].groupby("before")["estimate"].sum()
    assert into.sum() == pytest.approx(1)
    assert out.to_numpy() == pytest.approx(into[out.index].to_numpy())
    assert into["ends"] == pytest.approx(0.2, abs=0.05)


# Removal


def test_the_worked_example_of_attribution():
    counts = journeys.count_transitions(
        steps_of(events("C1>C2>C3>bought", "C1", "C2>C3")), goal=["bought"]
    )
    found = journeys.removal(counts, goal=["bought"])
    effects = found.table.set_index("term")["estimate"]
    assert effects.to_dict() == pytest.approx({"C1": 0.5, "C2": 1.0, "C3": 1.0})
    assert found.table["share"].sum() == pytest.approx(1)
    assert "33.3% of journeys reach the goal" in found.notes


def test_a_touchpoint_that_no_journey_does_without_is_no_news():
    told = events(*["C1>C2>C3>bought", "C1", "C2>C3"] * 12)
    found = journeys.removal(
        journeys.count_transitions(steps_of(told), goal=["bought"]), goal=["bought"]
    )
    assert found.table["term"].iloc[0] == "C2"
    assert found.finding.claim.endswith("50% of the journeys that reach bought depend on C1.")


WORKED = pd.DataFrame(
    {"path": ["C1 > C2 > C3", "C1", "C2 > C3"], "won": [1, 0, 0], "not": [0, 1, 1]}
)


def test_the_worked_example_told_as_paths():
    ways = journeys.paths(WORKED, completed="won", lost="not")
    found = journeys.removal(ways, goal=[journeys.GOAL], intervals=False)
    assert found.table.set_index("term")["estimate"].to_dict() == {"C1": 0.5, "C2": 1, "C3": 1}
    assert found.table["low"].isna().all() and found.replicates is None
    assert "No interval was asked for." in found.notes


@pytest.mark.slow
def test_paths_say_what_their_events_say(made):
    steps = steps_of(made["events"], 400, by="journey_id")
    counts = journeys.count_transitions(steps, goal=[paths.GOAL])
    ended = steps.data.groupby("journey")["touchpoint"].agg(list).map(list)
    told = pd.DataFrame({"path": [">".join(t for t in j if t != paths.GOAL) for j in ended]})
    told["won"] = [int(j[-1] == paths.GOAL) for j in ended]
    told["not"] = 1 - told["won"]
    summed = told.groupby("path", sort=False, as_index=False).sum()
    ways = [
        journeys.paths(Sample(t, draws=400), completed="won", lost="not", goal="review")
        for t in (told, summed)
    ]
    each, few, rows = (journeys.removal(c, goal=[paths.GOAL]) for c in (*ways, counts))
    pd.testing.assert_frame_equal(each.table, few.table)
    columns = ["term", "estimate", "n", "share"]
    pd.testing.assert_frame_equal(few.table[columns], rows.table[columns])
    spread = few.replicates.std(0)[2:] / rows.replicates.std(0)[2:]  # no customer goes on alike
    assert spread == pytest.approx(1, abs=0.2) and "400 bootstrap resamples." in few.notes
    moves = [
        journeys.transitions(c).table.sort_values(["before", "term"]) for c in (ways[1], counts)
    ]
    assert moves[0]["estimate"].to_numpy() == pytest.approx(moves[1]["estimate"].to_numpy())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t.drop(columns="won"), r"paths have no column 'won'"),
        (lambda t: t.assign(path=["a", None, "b"]), "1 of 3 rows have no path"),
        (lambda t: t.assign(path=["a > > b", "a", "b"]), "1 of 3 different paths have an empty"),
        (lambda t: t.assign(won=[1, -1, 0.5]), "2 of 3 rows of won hold no count"),
        (lambda t: t.assign(path="conversion"), "called 'conversion' as the goal"),
    ],
)
def test_paths_that_cannot_be_read_are_told(change, told):
    with pytest.raises(ValueError, match=told):
        journeys.paths(change(WORKED), completed="won", lost="not")


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(st.lists(st.text("abcd", min_size=1, max_size=6), min_size=2, max_size=12))
def test_removal_effects_are_those_of_taking_it_out(texts):
    walks = [">".join(t) + (">goal" if k % 2 else "") for k, t in enumerate(texts)]
    counts = journeys.count_transitions(steps_of(events(*walks), 5), goal=["goal"])
    table = journeys.removal(counts, goal=["goal"]).table
    pairs = counts_of(counts)
    for row in table.itertuples():
        left = _chance(pairs, without=row.term)
        assert row.estimate == pytest.approx(1 - left / _chance(pairs), abs=1e-6)


def _chance(pairs: TransitionCounts, without: str = "") -> float:
    """The chance to reach the goal, by walking on until nobody is under way."""
    names = sorted({*pairs.before, *pairs.after})
    moves = np.zeros((len(names), len(names)))
    for before, after, n in zip(pairs.before, pairs.after, pairs.whole, strict=True):
        moves[names.index(before), names.index(after)] += n
    moves /= np.maximum(moves.sum(1, keepdims=True), 1)
    if without:
        moves[:, names.index(without)] = 0
    at, reached = np.eye(len(names))[names.index("begins")], 0.0
    for _ in range(400):
        at = at @ moves
        reached += at[names.index("goal")]
        at[names.index("goal")] = 0
    return reached


def test_removal_tells_what_it_cannot_do():
    steps = steps_of(events("a>b>a", "b"))
    with pytest.raises(ValueError, match="go on beyond"):
        journeys.removal(journeys.count_transitions(steps), goal=["b"])
    with pytest.raises(ValueError, match="No journey reaches"):
        journeys.removal(journeys.count_transitions(steps), goal=["z"])
    alone = journeys.count_transitions(steps_of(events("b", "b")), goal=["b"])
    with pytest.raises(ValueError, match="No touchpoint comes before"):
        journeys.removal(alone, goal=["b"])


# Loops, stays, drop-off


@pytest.mark.slow
def test_loops_by_hand():
    steps = steps_of(events("a>b>a>c", "a>b", "c>a"))
    found = journeys.loops(steps, {"a": "discovery", "b": "action", "c": "use"})
    table = found.table.set_index("term")
    assert table["estimate"].to_dict() == pytest.approx({"a": 1 / 3, "b": 0, "c": 0})
    assert table.loc["a", "days"] == pytest.approx(2 / 24)
    rework = found.rework.table.set_index("term")["estimate"]
    assert rework["journeys with a return"] == pytest.approx(1 / 3)
    assert rework["steps met before"] == pytest.approx(1 / 8)
    assert rework["journeys that go back"] == pytest.approx(2 / 3)  # b to a, c to a


@pytest.mark.slow
@pytest.mark.mirror
def test_the_loops_of_a_real_help_desk():
    """4,580 tickets in 21,348 events of 14 kinds (Polato 2017); loops counted on whole strings."""
    file = Path(os.environ.get("CX_MIRROR", "")) / "helpdesk" / "helpdesk.parquet"
    if not file.is_file():
        pytest.skip("helpdesk/helpdesk.parquet is not in CX_MIRROR")
    log = pd.read_parquet(file).rename(
        columns={"case:concept:name": "customer_id", "concept:name": "touchpoint"}
    )
    log["at"] = pd.to_datetime(log["time:timestamp"], utc=True).dt.tz_localize(None)
    steps = steps_of(log)
    assert (steps["journey"].nunique(), len(steps), steps["touchpoint"].nunique()) == (
        4580,
        21348,
        14,
    )
    found = journeys.loops(steps)
    ordered = log.sort_values("at", kind="stable").groupby("customer_id")["touchpoint"].agg(list)
    again = ordered.map(lambda t: len(t) > len(set(t)))
    rework = found.rework.table.set_index("term")
    assert rework.loc["journeys with a return", "estimate"] == pytest.approx(again.mean())
    extra = ordered.map(lambda t: len(t) - len(set(t))).sum() / len(log)
    assert rework.loc["steps met before", "estimate"] == pytest.approx(extra)
    waits = ordered.map(lambda t: t.count("Wait"))
    wait = found.table.set_index("term").loc["Wait"]
    assert wait["n"] == (waits > 0).sum()
    assert wait["estimate"] == pytest.approx((waits > 1).sum() / (waits > 0).sum())
    moves = journeys.transitions(journeys.count_transitions(steps)).table
    closed = moves.set_index(["before", "term"]).loc[("Resolve ticket", "Closed"), "estimate"]
    pairs = ordered.map(lambda t: list(pairwise(t)).count(("Resolve ticket", "Closed")))
    assert closed == pytest.approx(pairs.sum() / (log["touchpoint"] == "Resolve ticket").sum())


@pytest.mark.slow
def test_the_median_stay_is_that_of_the_chain(made):
    steps = steps_of(made["events"], by="journey_id")
    found = journeys.time_in_stage(steps, paths.STAGES, until=pd.Timestamp("2080-01-01"))
    # Those who end the journey stay for good, so half of those who move on is not half of all:
    # the share gone after t days is P(on) (1 - exp(-t / wait)).
    row = found.table.set_index("term").loc["action"]
    true = -np.log(1 - 0.5 / 0.85) * paths.WAIT["checkout"]
    assert row["low"] <= true <= row["high"]
    curve = found.curve[found.curve["stage"] == "action"]
    shares = 1 - 0.85 * (1 - np.exp(-curve["time"]))
    assert curve["estimate"].to_numpy() == pytest.approx(shares, abs=0.04)


def test_stays_are_censored_where_the_data_end():
    rows = events("a>b", "a", hours=24)
    steps = steps_of(rows)
    found = journeys.time_in_stage(steps, {"a": "discovery", "b": "use"})
    table = found.table.set_index("term")
    assert table.loc["discovery", ["estimate", "n"]].tolist() == [1.0, 2]
    assert np.isnan(table.loc["use", "estimate"])
    with pytest.raises(ValueError, match="No touchpoint has a stage"):
        journeys.time_in_stage(steps, {})


@pytest.mark.slow
def test_dropoff_by_hand():
    rows = events("a>b>buy", "a>b", "a", "a>b")
    again = rows[rows["customer_id"] == "c1"].assign(
        at=lambda r: r["at"] + pd.Timedelta(days=50), touchpoint="b"
    )
    rows = pd.concat([rows, again])
    steps = steps_of(rows, gap=10)
    worth = pd.Series({"c0": 5.0, "c1": 7.0, "c2": 11.0, "c3": 13.0})
    groups = pd.Series({"c0": "x", "c1": "x", "c2": "y", "c3": "y"})
    with context.use(Context(smallest_cell=0)):
        found = journeys.dropoff(
            steps,
            goal=["buy"],
            patience=10,
            revenue=journeys.Revenue(worth),
            groups=groups,
            until=pd.Timestamp("2026-06-01"),
        )
    table = found.table.set_index("term")
    assert table.loc["a", ["estimate", "n"]].tolist() == [0.25, 4]
    assert table.loc["b", ["estimate", "n"]].tolist() == [0.75, 4]
    instead = found.instead.set_index(["before", "term"])["estimate"]
    assert instead[("b", "b")] == pytest.approx(1 / 3)  # c1 came back, c1's second and c3 did not
    assert instead[("b", "not seen again")] == pytest.approx(2 / 3)
    assert found.by_group.table.set_index("group")["estimate"].to_dict() == pytest.approx(
        {"x": 2 / 3, "y": 1}
    )
    assert found.value.table.set_index("term")["estimate"].to_dict() == {"b": 20.0, "a": 11.0}
    claim, detail = found.value.finding.claim, found.value.finding.detail
    assert claim.endswith("about 31 of sales; for 65% of it the last record is b.")
    # What is on record last need not be where the journey broke.
    assert (
        found.finding.claim
        == "Buy not reached in 80% of journeys; most often their last record is b."
    )
    with context.use(Context(smallest_cell=0, labels={"buy: not reached": "No purchase"})):
        named = journeys.dropoff(steps, goal=["buy"], patience=10, until=pd.Timestamp("2026-06-01"))
    assert str(named).startswith("No purchase in 80% of journeys;")
    assert (
        found.by_group.finding.importance <= Importance.CONTEXT
    )  # groups may be made of the score
    assert "the value of 3 of the 3 lost is known" in detail
    assert found.value.finding.importance == Importance.ANSWER  # it is not all lost


def test_journeys_under_way_are_not_lost():
    steps = steps_of(events("a>b>buy", "a"))
    with pytest.raises(ValueError, match="No journey is older"):
        journeys.dropoff(steps.where(steps["customer_id"] == "c1"), goal=["a"][:0], patience=10)
    with context.use(Context(smallest_cell=0)):
        found = journeys.dropoff(steps, goal=["buy"], patience=10)
    assert (
        "1 are still open" in found.notes
        and found.finding.claim == "The 1 journey reaches the goal."
    )


# Answers and what they are about


def test_an_answer_is_about_what_came_before_it():
    rows = events("a>b>c", hours=24).assign(outcome=["done", "failed", "failed"])
    answers = pd.DataFrame(
        {
            "customer_id": ["c0", "c0", "c9", "c0"],
            "answered_on": pd.to_datetime(["2026-01-02", "2026-01-20", "2026-01-20", None]),
        }
    )
    met = about(answers, rows, window=10, bad=["failed"])
    assert met.times.tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert met.trouble.tolist()[0] == [0, 1, 0]
    assert met.last.tolist() == [1, -1, -1, -1]
    later = rows.assign(at=rows["at"].mask(rows["touchpoint"] == "c", pd.Timestamp("2026-03-01")))
    again = about(answers, later, window=10, bad=["failed"])
    assert (again.times == met.times).all()


def test_an_answer_of_a_journey_is_about_all_of_it():
    rows = events("a>b").assign(order=["o1", "o1"], outcome="late")
    answers = pd.DataFrame({"order": ["o1", "o2"]})
    met = about(answers, rows, by="order", bad=["late"])
    assert met.times.tolist() == [[1, 1], [0, 0]] and met.known.tolist() == [True, False]
    with pytest.raises(ValueError, match="responses have no column 'case'"):
        about(answers, rows, by="case")


@pytest.fixture(scope="module")
def met(made) -> journeys.Exposure:
    return about(made["responses"], made["events"], by="journey_id", bad=["failed"])


@pytest.mark.slow
def test_adjusted_effects_are_those_of_least_squares(made, met):
    """Witness: scikit-learn, on the same columns."""
    from sklearn.linear_model import LinearRegression

    rows = made["responses"].assign(
        weight=np.random.default_rng(1).uniform(0.5, 2, len(made["responses"])),
        region=made["responses"]["customer_id"].str[-1],
    )
    weighted = Sample(rows, weight="weight", cluster="customer_id", draws=200)
    found = journeys.associations(replace(met, sample=weighted), "score", adjust=["region"])
    columns = {
        (t, term): (met.times if term == "met it" else met.trouble)[:, met.touchpoints.index(t)] > 0
        for t, term in zip(found.table["touchpoint"], found.table["term"], strict=True)
    }
    x = np.column_stack([*columns.values(), pd.get_dummies(rows["region"], drop_first=True)])
    x = x.astype(float)
    fit = LinearRegression().fit(x, rows["score"], sample_weight=rows["weight"])
    theirs = fit.coef_[: len(columns)]
    # A draw's step is about what fitting the draw again would give.
    times = resampling.multiplicities(resampling.keys_of(rows, "customer_id"), 100, 1)
    drawn = np.stack(
        [
            LinearRegression()
            .fit(x, rows["score"], sample_weight=rows["weight"] * t)
            .coef_[: len(columns)]
            for t in times
        ]
    )
    assert found.replicates.std(0) == pytest.approx(drawn.std(0), rel=0.3)
    assert np.median(found.replicates.std(0) / drawn.std(0)) == pytest.approx(1, abs=0.08)
    assert found.table["estimate"].to_numpy() == pytest.approx(theirs, abs=1e-5)


@pytest.mark.slow
def test_out_of_sample_shares_are_those_of_plain_cross_validation(made, met):
    """Witness: scikit-learn, in the same folds."""
    from sklearn.linear_model import LinearRegression
    from sklearn.model_selection import PredefinedSplit, cross_val_predict

    rows = made["responses"]
    ratings = {t: t for t in met.touchpoints}
    scales = dict.fromkeys(ratings, (0, 100))
    found = journeys.peak_end(met, "score", Touchpoints(ratings=ratings, scales=scales))
    score = rows[list(ratings)].to_numpy()
    used = (~np.isnan(score)).sum(1) > 1
    fold = PredefinedSplit(resampling.keys_of(rows[used], "customer_id") % 10)
    x, y = np.nanmin(score[used], axis=1)[:, None], rows.loc[used, "score"]
    base = cross_val_predict(LinearRegression(), np.zeros_like(x), y, cv=fold)
    told = cross_val_predict(LinearRegression(), x, y, cv=fold)
    share = 1 - ((y - told) ** 2).sum() / ((y - base) ** 2).sum()
    worst = found.table.set_index("term").loc["the worst"]
    assert worst["estimate"] == pytest.approx(share) and worst["n"] == used.sum()
    # The truth looks at the worst and the last, hardly at the mean.
    gain = found.gain.set_index("term")
    assert gain.loc["the worst and the last", "low"] > 0
    assert gain["estimate"].idxmax() in (
        "the worst and the last",
        "the mean, the worst, the best and the last",
    )


def test_the_broken_touchpoint_is_the_first_pain_point(made, met):
    found = journeys.pain_points(met, "score", Touchpoints(paths.STAGES))
    first = found.table.iloc[0]
    assert (first["touchpoint"], first["term"], first["stage"]) == ("delivery", "problem", "use")
    assert first["chance_top"] == 1 and first["impact_low"] < 2.0 < first["impact_high"]
    reach = (met.times[:, met.touchpoints.index("delivery")] > 0).mean()
    assert first["reach"] == pytest.approx(reach)
    product = found.table.eval("100 * reach * severity * recurrence") * found.table["impact"].clip(
        lower=0
    )
    assert found.table["estimate"].to_numpy() == pytest.approx(product)
    assert np.isnan(first["money"])
    assert "not settled" not in found.finding.detail
    close = _finding(found.table.assign(rank_low=1, rank_high=4), "score", 3).detail
    assert "whether it is the first is not settled: rank 1 to 4" in close


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_of_a_fall_that_is_over_the_page_says_what_is_left(lang):
    """The room is rated low by 120 of 200 in Q2, and by 20 of 200 before and after."""
    low = np.concatenate([np.arange(200) < n for n in (20, 120, 20)])
    wave = np.repeat(["Q1", "Q2", "Q3"], 200)
    rows = pd.DataFrame({"room": np.where(low, 1.0, 9.0), "wave": wave, "id": range(600)})
    rows["score"] = 8.0 - 2 * low + np.random.default_rng(1).normal(size=600)
    events = pd.DataFrame({"id": range(600), "touchpoint": "room", "outcome": ""})
    events["at"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(range(600), "min")
    asked = Touchpoints(ratings={"room": "room"}, scales={"room": (0.0, 10.0)})
    with context.use(context.Context(lang=lang)):
        met = about(rows, events, by="id", bad=["x"])
        pain = journeys.pain_points(met, "score", asked)
        steps = steps_of(events.assign(customer_id=events["id"]), draws=20)
        mapped = journeys.experience_map(steps, asked, met, bad=["x"]).finding
    assert pain.past == "Q2"
    if lang == "en":
        said = "27% of its ratings are low over all waves, 10% in Q3 and 60% in Q2"
        assert said in pain.finding.detail and "rated in 100% of responses" in pain.finding.detail
        assert mapped.detail.endswith("the fall of Q2 is over; 82 of 100 in Q3")
        assert mapped.detail.startswith("100% of customers have a contact there on record")
    else:
        assert "Q3 为 10%，Q2 为 60%" in pain.finding.detail
        assert "Q3 为 82 分" in mapped.detail


@pytest.mark.slow
def test_money_follows_those_who_left(made, met):
    rows = made["responses"]
    hurt = met.trouble[:, met.touchpoints.index("delivery")] > 0
    left = np.random.default_rng(2).random(len(rows)) < np.where(hurt, 0.5, 0.1)
    rows = rows.assign(loses=100.0 * left)
    found = journeys.pain_points(
        replace(met, sample=met.sample.with_data(rows)),
        "score",
        loss=journeys.Loss("loses", 1000),
    )
    first = found.table.iloc[0]
    true = 1000 * hurt.mean() * 0.4 * 100
    assert first["money_low"] < true < first["money_high"]
    # Where fewer of those with the problem leave, nothing is at stake, and no loss is below zero.
    gain = rows.assign(loses=100.0 * (1 - left))
    there = replace(met, sample=met.sample.with_data(gain))
    none = journeys.pain_points(there, "score", loss=journeys.Loss("loses", 1000)).table
    assert none.loc[none["touchpoint"] == "delivery", "money"].isna().all()
    assert not (none["money"] < 0).any()


def test_not_to_arrive_is_a_problem_where_everybody_should(made, met):
    found = journeys.pain_points(met, "score", Touchpoints(expected=["delivery"]))
    assert ("delivery", "not reached") in found.table.set_index(["touchpoint", "term"]).index


def test_pain_points_need_problems(made):
    quiet = about(made["responses"], made["events"], by="journey_id")
    with pytest.raises(ValueError, match="No problem and no low rating has 20"):
        journeys.pain_points(quiet, "score")


@pytest.mark.slow
def test_the_experience_map_by_hand():
    rows = events("a>b>b", "a").assign(
        minutes=[1, 2, 4, 3.0], outcome=["done", "x", "done", "done"]
    )
    steps = steps_of(rows)
    answers = pd.DataFrame(
        {
            "customer_id": ["c0", "c1"],
            "answered_on": pd.Timestamp("2026-01-05"),
            "rate_b": [2.0, np.nan],
            "overall": [10, 4],
        }
    )
    met = about(answers, rows, window=30)
    touchpoints = Touchpoints(
        stages={"a": "discovery", "b": "use"},
        ratings={"b": "rate_b"},
        scales={"rate_b": (1, 5)},
    )
    found = journeys.experience_map(steps, touchpoints, met, bad=["x"])
    table = found.table.set_index(["touchpoint", "term"])
    value = table["estimate"]
    assert (value[("a", "met by")], value[("b", "met by")]) == (1, 0.5)
    assert (value[("a", "contacts")], value[("b", "contacts")]) == (1, 2)
    assert (value[("a", "problem")], value[("b", "problem")]) == (0, 0.5)
    assert (value[("a", "minutes")], value[("b", "minutes")]) == (2, 3)
    assert value[("b", "satisfaction")] == 25 and table.loc["b", "rated"].all()
    # nobody was asked about a: the overall answer (10 and 4) says nothing of it
    assert ("a", "satisfaction") not in table.index and not table.loc["a", "rated"].any()
    assert "Not rated, as no question is about them: a" in found.notes
    drawn = plots.experience_map(found.table).figure
    told = [t.get_text().replace("\n", " ") for ax in drawn.axes for t in ax.texts]
    assert told.count("not rated") == 1
    parts = pd.concat([found.table.assign(touchpoint=t, rated=t != "y") for t in "xyz"])
    parts = parts[(parts["touchpoint"] != "y") | (parts["term"] != "satisfaction")]
    parts = parts[parts["term"].isin(["satisfaction", "met by"])].drop_duplicates(
        ["touchpoint", "term"]
    )
    lines = plots.experience_map(parts).figure.axes[1].lines
    assert not [line for line in lines if {0, 2} <= set(np.round(line.get_xdata(), 6))]
    assert found.table["stage"].tolist()[:2] == ["discovery", "use"]


@pytest.mark.slow
def test_the_map_of_groups_is_that_of_their_customers(made, met):
    steps = steps_of(made["events"], by="journey_id")
    who = made["events"]["customer_id"].drop_duplicates()
    groups = pd.Series(np.where(who.str[-1].isin(list("012")), "few", "many"), index=who)
    both = journeys.experience_map(steps, ASKED, met, groups=groups).table
    inside = steps["customer_id"].map(groups) == "few"
    asked = made["responses"]["customer_id"].map(groups) == "few"
    own = about(made["responses"][asked], made["events"], by="journey_id", bad=["failed"])
    scale = (made["responses"]["score"].min(), made["responses"]["score"].max())
    scaled = replace(ASKED, scales={"score": scale})
    alone = journeys.experience_map(steps.where(inside), scaled, own).table
    few = both[both["group"] == "few"].set_index(["touchpoint", "term"])["estimate"]
    assert few.to_dict() == pytest.approx(
        alone.set_index(["touchpoint", "term"])["estimate"].to_dict()
    )


@pytest.mark.slow
def test_groups_keep_their_order_and_some_customers_are_in_none(made, met):
    steps = steps_of(made["events"], by="journey_id")
    who = pd.Index(steps["customer_id"].unique())
    last = who.str[-1]
    name = np.select([last.isin(list("012")), last.isin(list("345678"))], ["two", "one"], "")
    groups = pd.Series(name, who).replace("", None)
    groups = groups.astype(pd.CategoricalDtype(["two", "one"], ordered=True))
    found = journeys.experience_map(steps, ASKED, met, groups=groups)
    assert found.table["group"].unique().tolist() == ["overall", "two", "one"]
    known = int(groups.notna().sum())
    assert f"{known:,} of {len(who):,} customers are in one of the groups." in found.notes
    lost = journeys.dropoff(steps, goal=[paths.GOAL], groups=groups)
    assert lost.by_group.table["group"].tolist() == ["two", "one"]
    assert lost.by_group.finding.claim.startswith("No group loses significantly more")
    assert {"one", "two"} <= set(re.findall(r"\w+", lost.by_group.finding.detail))


def test_where_groups_are_furthest_apart():
    rows = pd.DataFrame(
        [
            ("overall", "a", "satisfaction", 50.0, 49.0, 51.0),
            ("x", "a", "satisfaction", 40.0, 35.0, 45.0),
            ("y", "a", "satisfaction", 55.0, 50.0, 60.0),
            ("x", "b", "problem", 0.1, 0.05, 0.15),
            ("y", "b", "problem", 0.3, 0.2, 0.4),
        ],
        columns=["group", "touchpoint", "term", "estimate", "low", "high"],
    )
    assert largest_difference(rows) == "Satisfaction differs most at a: 40.0 (“x”) and 55.0 (“y”)."
    less = rows.assign(high=rows["high"].mask(rows["estimate"] == 40, 52.0))
    assert (
        largest_difference(less)
        == "Problems differ most at b: 10.0% of contacts (“x”) and 30.0% (“y”)."
    )
    none = less.assign(high=less["high"].mask(rows["term"] == "problem", 0.5))
    assert largest_difference(none) == ""


def test_the_map_of_the_sample_is_by_the_segments_of_its_customers():
    def kept(notebook: str, name: str) -> pd.DataFrame:
        cells = nbformat.read(NOTEBOOKS / f"{notebook}.ipynb", 4).cells
        shown = (o.data.get(MIME) for c in cells for o in c.get("outputs", []) if "data" in o)
        table = next(r for r in shown if r and r["name"] == name)["table"]
        return pd.DataFrame(table["rows"], columns=table["columns"])

    groups = kept("22_where_do_journeys_break", "experience")["group"].unique().tolist()
    named = kept("30_who_are_our_customers", "segments")
    named = named.loc[named["verdict"] != "not named", "term"].tolist()
    assert groups == ["overall", *named] and len(named) > 1


# Figures


@pytest.mark.slow
def test_figures_of_journeys_are_drawn_and_told(made, met):
    steps = steps_of(made["events"], by="journey_id")
    found = journeys.experience_map(steps, ASKED, met, bad=["failed"])
    ax = plots.experience_map(found.table, title=str(found))
    assert len(ax.figure.axes) == 6  # stages, satisfaction, reach, trouble, meetings, minutes
    assert "delivery" in plots.alt_text(ax.figure)
    ways_ = journeys.flows(journeys.count_transitions(steps, most=3))
    ax = plots.sankey(ways_.table, title="x")
    assert "advert" in " ".join(t.get_text() for t in ax.texts)
    moves = journeys.transitions(journeys.count_transitions(steps), order=paths.STAGES)
    ax = plots.transitions(moves.table)
    assert [t.get_text() for t in ax.get_xticklabels()][:2] == ["begins", "advert"]
    with pytest.raises(ValueError, match="figure of its own"):
        plots.experience_map(found.table, ax=ax)
    called = "Orders in a year: high, Spend in a year: high, Share bought: low"
    both = pd.concat([journeys.group_map(found).assign(group=g) for g in ("overall", called)])
    legend = plots.experience_map(both).figure.legends[0]
    assert " ".join(legend.get_texts()[1].get_text().split()) == called


# Recovery of known truth


@pytest.mark.coverage
def test_intervals_hold_the_truth_together(tell_coverage):
    """Whole tables of intervals at once, over repeated samples of customers with moods."""
    removal = {t: paths.removed(t) for t in paths.WAIT}
    name = {paths.BEGIN: "begins", paths.END: "ends"}
    chain = {
        (name.get(a, a), name.get(b, b)): p
        for a, after in paths.CHAIN.items()
        for b, p in after.items()
    }
    inside = {"transitions": [], "removal": [], "first": [], "impact": []}
    for seed in range(60):
        made = paths.journeys(400, seed=1000 + seed)
        steps = steps_of(made["events"], by="journey_id")
        counts = journeys.count_transitions(steps, goal=[paths.GOAL])
        moves = journeys.transitions(counts).table
        true = np.array([chain[k] for k in zip(moves["before"], moves["term"], strict=True)])
        low, high = moves["simultaneous_low"], moves["simultaneous_high"]
        inside["transitions"].append(((low <= true) & (true <= high)).all())
        gone = journeys.removal(counts, goal=[paths.GOAL]).table
        true = gone["term"].map(removal)
        low, high = gone["simultaneous_low"], gone["simultaneous_high"]
        within = (low - 1e-9 <= true) & (true <= high + 1e-9)
        inside["removal"].append(within.all())
        rows = made["responses"]
        met = about(rows, made["events"], by="journey_id", bad=["failed"])
        pain = journeys.pain_points(met, "score").table.set_index("touchpoint")
        worst = pain.loc["delivery"]
        true = paths.IMPACT["delivery"]
        inside["impact"].append(worst["impact_low"] <= true <= worst["impact_high"])
        inside["first"].append(pain.index[0] == "delivery")
    for what, estimate in (
        ("transitions", "probabilities of all steps, simultaneous"),
        ("removal", "removal effects, simultaneous"),
        ("impact", "impact of a pain point on the score"),
    ):
        tell_coverage(estimate, "400 customers", np.mean(inside[what]), 60)
    for what in ("transitions", "removal", "impact"):
        assert 0.89 <= np.mean(inside[what]) <= 0.995, what
    assert np.mean(inside["first"]) == 1


def test_a_claim_has_the_interval_of_its_share_alone_and_the_table_of_all():
    rng = np.random.default_rng(1)
    steps = pd.DataFrame({"customer_id": rng.integers(0, 150, 600)})
    steps["touchpoint"] = rng.choice(list("abcdefgh"), 600)
    steps["at"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(600), "h")
    counts = journeys.count_transitions(journeys.steps(Sample(steps, draws=300)))
    moves = journeys.transitions(counts)
    finding, table = moves.finding, moves.table
    inner = table[(table["before"] != "begins") & (table["term"] != "ends")]
    row = table.loc[(inner["estimate"] * inner["n"]).idxmax()]
    assert finding.value == row["estimate"]
    assert (finding.low, finding.high) == (row["low"], row["high"])
    low, high = (row[f"simultaneous_{end}"] for end in ("low", "high"))
    assert low < finding.low < finding.value < finding.high < high
    assert finding.importance == Importance.CONTEXT and "95% CI" in finding.detail
