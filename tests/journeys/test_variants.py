"""Whole paths and the expected order: by hand, laws, a plain recursion, and known truths."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from cxlib import journeys
from cxlib.core.sample import Sample


def steps_of(*walks: str, draws: int = 50, each: int = 1, **columns: list) -> Sample:
    """The steps of walks ("a>b"), a day apart; `each` of them are one customer's."""
    first = pd.Timestamp("2026-01-01")
    rows = [
        (f"c{k // each}", f"j{k:05}", first + pd.Timedelta(days=s), name, k)
        for k, walk in enumerate(walks)
        for s, name in enumerate(walk.split(">"))
    ]
    events = pd.DataFrame(rows, columns=["customer_id", "journey_id", "at", "touchpoint", "k"])
    for name, values in columns.items():
        events[name] = np.array(values, dtype=object)[events["k"]]
    return journeys.steps(Sample(events, cluster="customer_id", draws=draws), by="journey_id")


WALKS = ["a>b>c", "a>b>c", "a>c", "b>a>c>c", "a>b>c"]


def test_paths_by_hand() -> None:
    fit = journeys.variants(steps_of(*WALKS, solved=[1, 0, 1, 1, 1]), outcome="solved", most=2)
    first = fit.table.iloc[0]
    assert (first["term"], first["n"], first["steps"], first["days"]) == ("a > b > c", 3, 3, 2)
    assert first["estimate"] == 0.6 and fit.table["estimate"][1] == 0.2
    assert fit.outcome["estimate"].tolist() == pytest.approx([2 / 3, 1])
    assert "3 different paths of 5 journeys; the 2 listed make up 80%" in fit.notes


def test_paths_end_at_the_goal() -> None:
    fit = journeys.variants(steps_of("a>b>c", "a>b", "a>c", "a"), goal=["b"])
    table = fit.table.set_index("term")
    assert table["n"].to_dict() == {"a > b": 2, "a > c": 1, "a": 1}
    assert table["reached"].to_dict() == {"a > b": 1, "a > c": 0, "a": 0}


def test_shares_of_all_paths_add_up_and_are_those_of_counted_strings() -> None:
    rng = np.random.default_rng(3)
    walks = [">".join(rng.choice(list("abc"), rng.integers(1, 4))) for _journey in range(300)]
    table = journeys.variants(steps_of(*walks, each=3), most=1000).table
    counted = pd.Series(walks).str.replace(">", " > ").value_counts(normalize=True)
    assert table["estimate"].sum() == pytest.approx(1)
    assert table.set_index("term")["estimate"].to_dict() == pytest.approx(counted.to_dict())


def test_outcomes_must_be_yes_or_no() -> None:
    with pytest.raises(ValueError, match="3 of 5 rows of rating are neither 0 nor 1"):
        journeys.variants(steps_of("a>b>c", "a>b", rating=[7, 1]), outcome="rating")
    with pytest.raises(ValueError, match="most is 0"):
        journeys.variants(steps_of("a"), most=0)


@pytest.mark.slow
def test_conformance_by_hand() -> None:
    # Edits: none; none; b added; b first (leave it out, add it later) and c twice; none.
    fit = journeys.conformance(steps_of(*WALKS), ["a", "b", "c"])
    assert fit.journeys["edits"].tolist() == [0, 0, 1, 3, 0]
    assert fit.journeys["fitness"].tolist() == pytest.approx([1, 1, 1 - 1 / 5, 1 - 3 / 7, 1])
    assert fit.table.set_index("term")["estimate"].to_dict() == {
        "as expected": 0.6,
        "skipped": 0.2,
        "repeated": 0.2,
        "out of order": 0.2,
        "step not expected": 0,
    }
    some = fit.steps[fit.steps["estimate"] > 0]
    assert some[["kind", "term"]].values.tolist() == [
        ["skipped", "b"],
        ["repeated", "c"],
        ["out of order", "b"],
    ]
    assert fit.fitness["edits"].tolist() == pytest.approx([4 / 5])
    many = journeys.conformance(steps_of(*WALKS * 12), ["a", "b", "c"])
    assert str(many) == "60% of journeys follow the expected order; b is skipped by 20%."


@pytest.mark.slow
def test_steps_that_nobody_expects_and_stages() -> None:
    fit = journeys.conformance(steps_of("a>x>b", "a>b"), ["a", "b"])
    assert fit.journeys["edits"].tolist() == [1, 0]
    assert fit.table["estimate"].tolist() == [0.5, 0, 0, 0, 0.5]
    stages = {"a": "look", "b": "look", "c": "buy"}
    fit = journeys.conformance(steps_of("a>b>c", "c>x>a", "x"), ["look", "buy"], stages=stages)
    assert fit.journeys["edits"].tolist() == [0, 2, 2]  # x has no stage
    table = fit.table.set_index("term")["estimate"]
    assert table[["as expected", "skipped", "out of order"]].tolist() == pytest.approx([1 / 3] * 3)


@cache
def edits(one: str, other: str) -> int:
    """Letters to leave out and to add, by plain recursion."""
    if not one or not other:
        return len(one) + len(other)
    if one[0] == other[0]:
        return edits(one[1:], other[1:])
    return 1 + min(edits(one[1:], other), edits(one, other[1:]))


def test_edits_are_those_of_a_plain_recursion() -> None:
    rng = np.random.default_rng(8)
    walks = ["".join(rng.choice(list("abcdx"), rng.integers(1, 9))) for _journey in range(200)]
    walks += ["abcd"]
    fit = journeys.conformance(steps_of(*map(">".join, walks)), list("abcd"))
    assert fit.journeys["edits"].tolist() == [edits(w, "abcd") for w in walks]
    share = np.mean([w == "abcd" for w in walks])
    assert_allclose(fit.table["estimate"][0], share)
    early = [any(w.find(y) < w.find(x) for x, y in ["ab"] if x in w and y in w) for w in walks]
    by_step = fit.steps.set_index(["kind", "term"])["estimate"]
    assert by_step["out of order", "b"] == pytest.approx(np.mean(early))


def test_an_order_that_cannot_be_is_told() -> None:
    with pytest.raises(ValueError, match="each once"):
        journeys.conformance(steps_of("a>b"), ["a", "a"])
    with pytest.raises(ValueError, match=r"nobody met \['z'\]. Steps are: a, b"):
        journeys.conformance(steps_of("a>b"), ["a", "z"])


@pytest.mark.coverage
def test_intervals_of_paths_and_fitness_cover_the_truth(tell_coverage) -> None:
    """Customers of two journeys have a liking of their own: journeys of one are alike."""
    ways = ["a>b>c", "a>c", "b>a>c"]
    rng = np.random.default_rng(4)
    true = {"a > b > c": 0.5, "a > c": 0.3, "b > a > c": 0.2}
    fitness = 0.5 + 0.3 * (1 - 1 / 5) + 0.2 * (1 - 2 / 6)
    for n in (50, 200):
        held: dict[str, list[bool]] = {"path": [], "conformance": []}
        for _study in range(200):
            liked = rng.choice(3, n // 2, p=[0.5, 0.3, 0.2])
            own = rng.choice(3, (n // 2, 2), p=[0.5, 0.3, 0.2])
            way = np.where(rng.random((n // 2, 2)) < 0.5, liked[:, None], own).ravel()
            steps = steps_of(*[ways[k] for k in way], draws=200, each=2)
            table = journeys.variants(steps).table
            truth = table["term"].map(true)
            held["path"] += table["low"].le(truth).mul(table["high"].ge(truth)).tolist()
            fit = journeys.conformance(steps, ["a", "b", "c"])
            row, mean = fit.table.iloc[0], fit.fitness.iloc[0]
            held["conformance"] += [
                row["low"] <= 0.5 <= row["high"],
                mean["low"] <= fitness <= mean["high"],
            ]
        for name, inside in held.items():
            share = np.mean(inside)
            tell_coverage(f"share of a {name}", f"{n} journeys of pairs", share, len(inside))
            print(name, n, share)
            assert 0.915 <= share <= 0.985, (name, n, share)
