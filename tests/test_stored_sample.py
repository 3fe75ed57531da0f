"""Answers counted in the store give what all rows give; nothing but variances is estimated."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from cxlib import csi, drivers, reserve, scores
from cxlib.core.errors import InsufficientData
from cxlib.core.sample import Sample
from cxlib.data import study as study_
from cxlib.data.schema import Limits
from cxlib.reserve import limits, stored_sample
from cxlib.reserve.counting import COUNT
from cxlib.reserve.stored_sample import StoredSample
from cxlib.scores import answers, group_means
from cxlib.stats import moments, resampling

N = 6000
STUDY = """
title: Large
tables:
  customers:
    {files: customers.csv, columns: {customer_id: id}, keep: [region]}
  responses:
    files: answers.csv
    columns: {response_id: r, customer_id: c, answered_on: at, wave: wave, weight: WEIGHT}
    keep: [channel, plan]
items:
  recommend: {label: Recommendation, scale: [0, 10], role: nps}
  overall: {label: Overall, scale: [1, 10], role: csat}
  speed: {label: Speed, scale: [1, 7], role: touchpoint, not_experienced: [98]}
  price: {label: Price, scale: [1, 7], role: touchpoint, reverse: true}
  staff: {label: Staff, scale: [1, 7], role: touchpoint, not_experienced: [98]}
"""
EXACT = ("estimate", "n", "share_before", "share_after", "observed", "answer", "mean")


DESIGNS = {  # column of the weights, and margins
    "plain": ("''", {}),
    "weights": ("any", {}),
    "margins": (
        "''",
        {"region": {"north": 0.7, "south": 0.3}, "plan": {"basic": 0.4, "plus": 0.6}},
    ),
    "weights and margins": ("few", {"region": {"north": 0.7, "south": 0.3}}),
}


FAST = "weights and margins"  # what the others have in one
SLOW = pytest.param("weights", marks=pytest.mark.slow)  # of any size, not a few
REST = [pytest.param(name, marks=pytest.mark.thorough) for name in ("plain", "margins")]


@pytest.fixture(scope="module", params=[FAST, SLOW, *REST])
def samples(tmp_path_factory, request):
    """The same study, its answers read as rows and counted where they are."""
    weight, margins = DESIGNS[request.param]
    root, rng = tmp_path_factory.mktemp("large"), np.random.default_rng(5)
    (root / "notebooks").mkdir()
    folder = root / "data" / "large"
    folder.mkdir(parents=True)
    who, quality = rng.integers(0, 2500, N), rng.normal(0, 1, 2500)
    wave = np.sort(rng.integers(1, 5, N))

    def rating(low: int, high: int) -> np.ndarray:
        drawn = (low + 2 * high) / 3 + quality[who] + rng.normal(0, 1.5, N)
        return np.clip(np.round(drawn), low, high)

    rows = pd.DataFrame({"r": np.arange(N), "c": [f"c{w}" for w in who], "wave": wave})
    rows["wave"] = "2026-Q" + rows["wave"].astype(str)
    rows["at"] = [f"2026-{3 * w - 1:02}-10" for w in wave]
    rows["channel"] = rng.choice(["web", "shop", "fax"], N, p=[0.6, 0.399, 0.001])
    rows["recommend"], rows["overall"] = rating(0, 10), rating(1, 10)
    rows["speed"], rows["price"] = rating(1, 7), rating(1, 7)
    rows.loc[rng.random(N) < 0.2, "speed"] = 98
    rows.loc[rng.random(N) < 0.1, "price"] = np.nan
    rows.loc[rng.random(N) < 0.05, "channel"] = np.nan
    rows["plan"] = rng.choice(["basic", "plus", None], N, p=[0.5, 0.4, 0.1])
    rows["any"] = np.where(rng.random(N) < 0.02, 0, rng.uniform(0.5, 2, N))
    rows["few"] = rng.choice([0.7, 1.1, 1.9], N)
    rows["staff"] = np.where(rows["speed"] == 98, 98, rating(1, 7))  # skipped together
    rows.loc[(rng.random(N) < 0.05) & (rows["staff"] != 98), "staff"] = np.nan
    rows.to_csv(folder / "answers.csv", index=False)
    names = pd.DataFrame({"id": [f"c{k}" for k in range(2500)]})
    names.assign(region=rng.choice(["north", "south"], 2500)).to_csv(
        folder / "customers.csv", index=False
    )
    (folder / "study.yaml").write_text(STUDY.replace("WEIGHT", weight))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CX_ROOT", str(root))
        reserve.load("large")
        about = study_.read("large").model_copy(update={"margins": margins})
        few = about.model_copy(update={"limits": Limits(rows_at_most=1000)})
        with reserve.Reserve(about) as rows_, reserve.Reserve(few) as counted:
            yield rows_.sample(draws=200), counted.sample(draws=200), about


ASKED = {
    "latest": lambda s, q: scores.latest(s, "recommend"),
    "top box": lambda s, q: scores.latest(s, "overall", scores.measure_of(q["overall"])),
    "groups": lambda s, q: scores.by_group(s, "recommend", by="channel"),
    "groups of customers": lambda s, q: scores.by_group(s, "recommend", by="region"),
    "crosstab": lambda s, q: scores.crosstab(s, q, "channel"),
    "means": lambda s, q: scores.mean(scores.latest_wave(s, "recommend"), ["speed", "price"]),
    "answers": lambda s, q: scores.distribution(s, q),
    "questions": lambda s, q: scores.question_scores(s, q),
    "trends": lambda s, q: scores.trend(s, ["speed", "price"], measure="mean", by="region"),
    "steps": lambda s, q: scores.compare(s, "recommend", by="wave", against="previous"),
    "mix": lambda s, q: scores.decompose_change(
        scores.last_two_waves(s, "recommend"), "recommend", by=["channel", ("region", "channel")]
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ASKED)
def test_a_method_gives_the_same_as_from_rows(samples, name):
    rows, counted, about = samples
    assert isinstance(counted, StoredSample) and not isinstance(rows, StoredSample)
    here, there = (ASKED[name](sample, about.items) for sample in (rows, counted))
    for table, one in here.tables.items():
        other = there.tables[table]
        assert list(one) == list(other) and len(one) == len(other)
        for column in (c for c in one if one[c].dtype == object or c in ("wave", "term")):
            assert one[column].astype(str).tolist() == other[column].astype(str).tolist()
        for column in (c for c in one if c in EXACT and table != "changes"):
            if name == "crosstab" or pd.api.types.is_numeric_dtype(one[column]):
                np.testing.assert_allclose(
                    pd.to_numeric(one[column], errors="coerce"),
                    pd.to_numeric(other[column], errors="coerce"),
                    atol=1e-9,
                )
        if {"low", "high"} <= set(one) and len(one):  # variances by key and not by customer
            width, wide = ((t["high"] - t["low"]).to_numpy(float) for t in (one, other))
            shown = one["n"].to_numpy(float) > 30
            np.testing.assert_allclose(width[shown], wide[shown], rtol=0.06)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["means", "steps", "mix"])
def test_resamples_are_those_of_all_rows(samples, name):
    rows, counted, about = samples
    here, there = (ASKED[name](sample, about.items).table for sample in (rows, counted))
    large = here["n"].to_numpy(float) > 500
    for end in ("low", "high"):
        np.testing.assert_allclose(here.loc[large, end], there.loc[large, end], atol=2e-2, rtol=0)


@pytest.mark.first_fast
@pytest.mark.parametrize("by", ["channel", "region", None])
def test_sums_in_every_resample_are_exact(samples, by):
    rows, counted, _about = samples
    measure = scores.Measure("nps")
    here, there = (
        group_means.resampled_sums(answers.read(s, ["recommend"], measure, by=by), measure.recode)
        for s in (rows.replace(draws=50), counted.replace(draws=50))
    )
    for mine, theirs in zip(here, there, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.slow
def test_rows_are_counted_with_their_notes(samples):
    rows, counted, _about = samples
    assert len(counted) == len(rows) == N
    here, there = (  # a design effect is a variance
        re.sub(r"(design effect up to) [\d.]+", r"\1", fit.notes)
        for fit in (scores.mean(s, ["speed", "price"], by="channel") for s in (rows, counted))
    )
    assert here == there
    assert "Not experienced, and counted separately" in here
    found = counted.of(["speed", "price"], "wave")
    assert found.rows_of() == N and found.questions == 2
    assert found.data[COUNT].sum() == 2 * N and found.data["customer_id"].max() < 8192


@pytest.mark.slow
def test_a_small_group_stays_hidden(samples):
    # 6 people behind many answers are as few when they are counted by key
    rows = pd.DataFrame({"recommend": [9] * 60, "shop": ["a"] * 40 + ["b"] * 20})
    rows["customer_id"] = [*range(40), *([0, 1, 2] * 7)[:20]]
    counted = Sample(rows.assign(n=1), weight="n", count="n", cluster="customer_id")
    plain = Sample(rows, cluster="customer_id")
    tables = [scores.score(s, "recommend", by="shop").table for s in (plain, counted)]
    pd.testing.assert_frame_equal(*tables)


def test_equal_answers_of_one_customer_are_more_than_one():
    answered = [9] * 20 + [0] * 20  # the first of each answers ten times
    rows = pd.DataFrame({"recommend": answered, "who": [0] * 10 + [*range(1, 11)] + [20] * 20})
    rows.loc[30:, "who"] = range(21, 31)
    counted = rows.groupby(["recommend", "who"], as_index=False).size()
    tables = [
        scores.nps(sample).table
        for sample in (
            Sample(rows, cluster="who"),
            Sample(counted, weight="size", count="size", cluster="who"),
        )
    ]
    pd.testing.assert_frame_equal(*tables)


def test_methods_that_need_rows_read_some_of_them_and_say_so(samples, capsys):
    rows, counted, _about = samples
    some = counted.only("wave", ["2026-Q4"])
    assert len(some) == int((rows["wave"] == "2026-Q4").sum())
    assert set(some["wave"]) == {"2026-Q4"} and len(some.data) < len(some)
    assert "Of 6,000 answers about 1,000 are read" in capsys.readouterr().out
    assert some.replace(draws=300).draws == 300
    units = resampling.resampling_units(some)  # raked as the rows are
    assert len(units.keys) == len(some.data) and (units.cell is None) == (rows.raking is None)
    share = some.weights.sum() / counted.weights.sum()
    assert share == pytest.approx(len(some) / N, rel=0.3)
    assert "wave" in some and "counted where they are" in repr(some)


MODEL = csi.Model(
    {"quality": ["speed", "price"], "satisfaction": ["overall"], "loyalty": ["recommend"]},
    {"satisfaction": ["quality"], "loyalty": ["satisfaction"]},
    target="satisfaction",
)
INDEX = {
    "fit": lambda s, o: csi.fit(s, MODEL, o),
    "waves": lambda s, o: csi.by_wave(s, MODEL, o),
    "groups": lambda s, o: csi.fit_by(s, MODEL, "channel", o),
    "differences": lambda s, o: csi.compare(s, MODEL, "region", o, permutations=39),
    "validity": lambda s, o: csi.validity(s, MODEL, o),
}


@pytest.mark.few(10)
@pytest.mark.slow
@pytest.mark.parametrize("missing", ["complete", "pairwise"])
@pytest.mark.parametrize("name", INDEX)
def test_an_index_of_sums_is_that_of_all_rows(samples, monkeypatch, name, missing):
    rows, counted, about = samples
    scales = {name: item.scale for name, item in about.items.items()}
    options = csi.Options(scales, missing=missing)
    monkeypatch.setattr(StoredSample, "in_rows", lambda _self: pytest.fail("rows were read"))
    here, there = (INDEX[name](s.replace(draws=40), options) for s in (rows, counted))
    for table, one in here.tables.items():
        pd.testing.assert_frame_equal(one, there.tables[table], rtol=1e-6, check_dtype=False)
    assert here.notes == there.notes and here.finding.claim == there.finding.claim


@pytest.mark.slow
def test_likelihoods_of_sums_are_those_of_all_rows(samples):
    rows, counted, _about = samples
    asked = ["recommend", "speed", "price"]
    here, there = (moments.of(s, asked, missing="em") for s in (rows, counted))
    np.testing.assert_allclose(here.total().cov, there.total().cov, rtol=1e-6)
    np.testing.assert_allclose(here.resample(5, 1).mean, there.resample(5, 1).mean, rtol=1e-6)


@pytest.mark.slow
def test_a_question_that_nobody_answered_is_named(samples):
    _rows, _counted, about = samples
    few = about.model_copy(update={"limits": Limits(rows_at_most=1000)})
    with reserve.Reserve(few) as opened:
        silent = opened.sample(where="price is null")
        with pytest.raises(InsufficientData, match="price has 0 answers in 5"):
            moments.of(silent, ["speed", "price"])


PARTS = ["speed", "price", "staff"]
DRIVERS = {
    "complete": lambda s: drivers.importance(s, "recommend", PARTS),
    "pairwise": lambda s: drivers.importance(s, "recommend", PARTS, missing="pairwise"),
    "dummy": lambda s: drivers.importance(s, "recommend", PARTS, missing="dummy"),
    "johnson": lambda s: drivers.importance(s, "recommend", PARTS, method="johnson"),
    "covariates": lambda s: drivers.importance(s, "recommend", PARTS, always=["overall"]),
    "groups": lambda s: drivers.importance_by(s, "recommend", PARTS, "region", missing="dummy"),
    "waves": lambda s: drivers.without_each_wave(s, "recommend", PARTS, missing="dummy"),
    "gains": lambda s: drivers.gains(s, "recommend", PARTS, missing="dummy"),
    "best groups": lambda s: drivers.best_groups(s, "recommend", PARTS, "channel", missing="dummy"),
    "kinds": lambda s: drivers.penalty_reward(s, "recommend", PARTS, missing="dummy"),
    "necessity": lambda s: drivers.necessary_conditions(s, "recommend", PARTS, permutations=99),
    "pairs of kinds": lambda s: drivers.penalty_reward(s, "recommend", PARTS, missing="pairwise"),
}
OF_RESAMPLES = {"low", "high", "chance", "chance_first", "key_need", "position", "rank_low"}
OF_RESAMPLES |= {"rank_high", "joint_low", "joint_high", "simultaneous_low", "simultaneous_high"}
OF_RESAMPLES |= {"robustness_low", "top", "class", *drivers.CLASSES}


@pytest.mark.few(12)
@pytest.mark.slow
@pytest.mark.parametrize("name", DRIVERS)
def test_drivers_of_sums_are_those_of_all_rows(samples, monkeypatch, name):
    rows, counted, _about = samples
    monkeypatch.setattr(StoredSample, "in_rows", lambda _self: pytest.fail("rows were read"))
    here = DRIVERS[name](rows)
    for buckets in ((8192, 8192), (1024, 256)):  # with all keys resamples are the same, too
        monkeypatch.setattr(stored_sample, "FINE", buckets[0])
        monkeypatch.setattr(stored_sample, "COARSE", buckets[1])
        there = DRIVERS[name](counted.only("wave", sorted(set(rows["wave"]))))
        for table, one in here.tables.items():
            same = [c for c in one if buckets[0] == 8192 or c not in OF_RESAMPLES]
            pd.testing.assert_frame_equal(
                one[same], there.tables[table][same], rtol=1e-9, atol=1e-9, check_dtype=False
            )


@pytest.mark.slow
@pytest.mark.parametrize("dialect", ["postgres", "spark"])
def test_queries_of_drivers_are_taken_by_other_engines(samples, monkeypatch, dialect):
    dialects = pytest.importorskip("cxlib.reserve.dialects")
    _rows, _counted, about = samples
    sent, bounded = [], limits.bounded
    few = about.model_copy(update={"limits": Limits(rows_at_most=1000)})
    monkeypatch.setattr(limits, "bounded", lambda *given: Sent(bounded(*given), sent))
    with reserve.Reserve(few) as opened:
        sample = opened.sample(draws=10)
        for name in ("dummy", "pairwise", "kinds"):
            DRIVERS[name](sample)
        columns = ", ".join(f'a AS "{c}"' for c in opened.columns("responses"))
    views = dict.fromkeys(["responses", "_responses"], f"SELECT {columns} FROM x")
    asked = [q for q in sent if "case when" in q]
    assert len(asked) >= 4
    for query in asked:
        assert dialects.translated(query, views, dialect)


class Sent:
    """A connection that keeps what is sent through it."""

    def __init__(self, connection, sent):
        self.connection, self.sent = connection, sent

    def execute(self, query, values=None):
        self.sent.append(str(query))
        return self.connection.execute(query, values)

    def __getattr__(self, name):
        return getattr(self.connection, name)


@pytest.mark.slow
def test_correlations_of_drivers_are_those_of_all_rows(samples):
    rows, counted, _about = samples
    once = counted._copy(known={}, draws=10)
    for missing in ("complete", "pairwise"):
        here, there = (drivers.correlations(s, PARTS, missing=missing) for s in (rows, once))
        pd.testing.assert_frame_equal(here, there, rtol=1e-9)
    # of sums that are known already
    once = counted._copy(known={}, draws=10)
    drivers.importance(once, "recommend", PARTS, missing="pairwise")
    again = moments.of(once.in_buckets(PARTS, resampled=False), PARTS, missing="pairwise")
    direct = moments.of(rows, PARTS, missing="pairwise")
    np.testing.assert_allclose(again.total().cov, direct.total().cov, rtol=1e-9)
    assert again.rows.sum() == direct.rows.sum()


@pytest.mark.slow
def test_resamples_of_buckets_are_as_wide_as_those_of_customers(samples):
    rows, counted, _about = samples
    here, there = (
        drivers.importance(s.replace(draws=1000), "recommend", PARTS, missing="dummy").table
        for s in (rows, counted)
    )
    width, wide = (t["high"] - t["low"] for t in (here, there))
    np.testing.assert_allclose(width, wide, rtol=0.15)
    np.testing.assert_allclose(here["low"], there["low"], atol=0.15 * width.max())


@pytest.mark.slow
def test_drivers_of_one_wave_and_of_all_are_of_one_scan(samples, monkeypatch):
    rows, counted, _about = samples
    scans, sums = [], StoredSample._summed
    monkeypatch.setattr(StoredSample, "_summed", lambda *a: scans.append(a[1]) or sums(*a))
    once = counted._copy(known={}, draws=10)
    drivers.importance(once, "recommend", PARTS, missing="dummy")
    asked = "recommend", PARTS
    resting = [drivers.rests_on_waves(s, *asked, missing="dummy") for s in (rows, once)]
    assert resting[0] == resting[1]
    drivers.without_each_wave(once, "recommend", PARTS, missing="dummy")
    drivers.gains(once, "recommend", PARTS, missing="dummy")
    assert len(scans) == 1


@pytest.mark.slow
def test_what_needs_rows_of_drivers_reads_some(samples, capsys):
    _rows, counted, _about = samples
    once = counted._copy(known={}, draws=10)
    fit = drivers.importance(once, "recommend", PARTS, missing="em")
    assert fit.r2["n"].item() < N / 2
    assert "about 1,000 are read" in capsys.readouterr().out
