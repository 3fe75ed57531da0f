"""Small groups that are hidden change no estimate of the others, or the page says so."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxlib.core import context
from cxlib.core.sample import Sample
from cxlib.drivers.waves import without_each_wave
from cxlib.voice.sources import by_source
from cxlib.voice.topic_sentiment import _judgeable
from cxlib.voice.topics import mark, topics

LATE = {"late": {"en": ["late"]}}


def comments(**sources: tuple[int, int]) -> pd.DataFrame:
    """Of each source so many comments, of so many customers, each second of them about delay."""
    rows = [
        {"source": name, "customer_id": f"{name}{i % people}", "text": ["late", "fine"][i % 2]}
        for name, (n, people) in sources.items()
        for i in range(n)
    ]
    return pd.DataFrame(rows).assign(lang="en")


def compared(rows: pd.DataFrame, least: int = 10):
    with context.use(context.Context(smallest_cell=least)):
        fit = topics(rows, LATE)
        sample = Sample(rows, cluster="customer_id", draws=50)
        return by_source(mark(sample, fit), fit)


def test_sources_of_few_customers_are_left_out_and_the_note_says_so() -> None:
    """Also where they wrote many comments."""
    large = {"review": (60, 30), "survey": (60, 40)}
    with_few = compared(comments(**large, fax=(24, 4)))
    plain = compared(comments(**large))
    assert set(with_few.table["source"]) == {"review", "survey"}
    assert "fewer than 10 customers are left out" in with_few.notes
    assert "left out" not in plain.notes
    for name in ("table", "differences", "sources"):
        estimates = [f.tables[name]["estimate"].tolist() for f in (with_few, plain)]
        assert estimates[0] == pytest.approx(estimates[1])


def test_overall_drivers_are_those_of_all_answers_and_few_customers_make_no_wave() -> None:
    """A wave of 24 answers by 4 customers counts in the whole and is not left out alone.

    Nor is another one: without every other wave in turn, the counts would give the first away.
    """
    rng = np.random.default_rng(3)
    rows = pd.DataFrame(rng.normal(size=(324, 2)), columns=["room", "price"])
    rows = rows.assign(recommend=rows["room"] + rng.normal(size=324))
    rows["wave"] = ["Q1"] * 90 + ["Q2"] * 100 + ["Q3"] * 110 + ["Q4"] * 24
    rows["customer_id"] = [f"c{i}" for i in range(300)] + [f"d{i % 4}" for i in range(24)]
    sample = Sample(rows, cluster="customer_id", draws=20)
    fits = []
    for least in (0, 10):
        with context.use(context.Context(smallest_cell=least)):
            fits.append(without_each_wave(sample, "recommend", ["room", "price"]))
    all_waves, shown = fits
    assert set(shown.table["wave"]) == {"Q2", "Q3"} < set(all_waves.table["wave"])
    assert "2 waves are not left out" in shown.notes
    for wave in ("Q2", "Q3"):
        values = [f.table.set_index("wave").loc[wave, "estimate"] for f in fits]
        assert values[0] == pytest.approx(values[1])
    assert shown.tables["rests"]["estimate"].tolist() == pytest.approx(
        all_waves.tables["rests"]["estimate"].tolist()
    )


def test_no_sentence_tells_of_a_topic_of_few_customers() -> None:
    """Their many comments are the most negative; sentences speak of rows that are shown."""
    table = pd.DataFrame({"term": ["fax", "web"], "estimate": [0.1, 0.4], "n": [30, 60]})
    table = table.assign(people=[4, 40], bad=[0.9, 0.3])
    with context.use(context.Context(smallest_cell=10)):
        judged = _judgeable(table, [])
    assert "fax" not in set(judged["term"])
