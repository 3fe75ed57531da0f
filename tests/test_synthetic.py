"""The made-up company: the contract holds, the truth written down is the truth."""

from __future__ import annotations

import gzip
from pathlib import Path

import generator
import numpy as np
import pandas as pd
import pytest
from generator import ITEMS, TOUCHPOINTS, TRUTH, WAVES, behaviour, people
from numpy.testing import assert_allclose

from cxlib import csi, drivers
from cxlib.core.sample import Sample
from cxlib.data import contract, study
from cxlib.data.intake import rules
from cxlib.stats import moments

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
INLINE = ("units", "benchmarks")  # short lists, which its study.yaml holds
TABLES = [name for name in contract.TABLES if name not in INLINE]


@pytest.fixture(scope="module")
def company() -> dict[str, pd.DataFrame]:
    return generator.company()


@pytest.fixture(scope="module")
def crowd() -> dict[str, np.ndarray]:
    """What 200,000 people feel in one quiet wave."""
    rng = np.random.default_rng(3)
    felt = people.latents(rng, people.types_of(rng, 200_000), 1, {})
    return {name: values[:, 0] for name, values in felt.items()}


@pytest.mark.slow
def test_it_has_every_table_of_the_contract(company):
    assert set(company) == set(TABLES)


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
def test_each_table_holds_the_contract(company, name):
    table = contract.TABLES[name]
    there = [c for c in table.columns.values() if c.name in company[name]]
    kinds = {c.name: contract.KINDS[c.kind] for c in there}
    rows = company[name].astype(kinds)
    rules.schema(name, rows).validate(rows, lazy=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "column", "refers"),
    [
        (t.name, c.name, c.refers)
        for t in map(contract.TABLES.get, TABLES)
        for c in t.columns.values()
        if c.refers
    ],
)
def test_every_key_refers_to_a_row(company, table, column, refers):
    assert company[table][column].dropna().isin(company[refers][column]).all()


@pytest.mark.slow
def test_equal_seeds_give_equal_companies(company):
    again, other = generator.company(1), generator.company(2)
    for name, table in company.items():
        pd.testing.assert_frame_equal(table, again[name])
    assert not company["responses"].equals(other["responses"])


@pytest.mark.slow
def test_the_committed_files_are_what_the_code_makes(tmp_path):
    written = generator.write(tmp_path)
    assert sum(f.stat().st_size for f in written) < 2_500_000
    for file in written:
        committed = gzip.decompress((SAMPLE / file.name).read_bytes())
        assert committed == gzip.decompress(file.read_bytes()), f"write {file.name} again"
        assert file.read_bytes()[4:8] == bytes(4)  # no time of making: the same bytes each time


def test_the_sample_study_is_sound_and_knows_every_question(company):
    sample = study.read(SAMPLE / "study.yaml")
    assert set(sample.items) == {*ITEMS, "recommend", "effort", "welcome", *TOUCHPOINTS}
    assert sample.margins == TRUTH["margins"]
    assert sample.changes[-1].begun == TRUTH["training"]["begun"]
    assert sample.model.constructs == {k: list(v) for k, v in generator.CONSTRUCTS.items()}
    for name, mapping in sample.tables.items():
        theirs = set(mapping.columns.values())
        assert theirs <= set(company[name]), name
        labelled = {*sample.items, *sample.labels, *theirs}
        assert not mapping.keep or set(company[name]) <= labelled, name


def test_every_label_is_in_both_languages():
    sample = study.read(SAMPLE / "study.yaml")
    for name in [*sample.items, *sample.labels, *sample.model.labels]:
        assert sample.label(name, "en") != sample.label(name, "zh"), name


def test_nobody_acts_before_joining_or_after_leaving(company):
    customers = company["customers"].set_index("customer_id")
    dated = {"responses": "answered_on", "orders": "at", "events": "at", "cases": "opened_at"}
    for name, day in dated.items():
        rows = company[name].join(customers[["joined_on", "left_on"]], on="customer_id")
        assert (rows[day] >= rows["joined_on"]).all(), name
        assert not (rows[day] >= rows["left_on"] + pd.Timedelta(days=1)).any(), name
        assert (rows[day] < pd.Timestamp(generator.END)).all(), name


def test_order_lines_add_up_to_their_orders(company):
    lines = company["order_lines"].groupby("order_id")["amount"].sum()
    orders = company["orders"].set_index("order_id")["amount"]
    assert_allclose(lines.reindex(orders.index), orders, atol=0.005)


def test_latents_have_variance_one(crowd):
    for name, values in crowd.items():
        assert_allclose([values.mean(), values.var()], [0, 1], atol=0.02, err_msg=name)


@pytest.mark.parametrize("effect", list(TRUTH["paths"]))
def test_regressions_of_the_latents_find_the_true_paths(crowd, effect):
    causes = TRUTH["paths"][effect]
    found = np.linalg.lstsq(np.stack([crowd[c] for c in causes], 1), crowd[effect], rcond=None)[0]
    assert_allclose(found, list(causes.values()), atol=0.015)


def test_touchpoints_weigh_in_experience_as_the_drivers_say(crowd):
    x = np.stack([crowd[t] for t in TOUCHPOINTS], 1)
    found = np.linalg.lstsq(x, crowd["experience"], rcond=None)[0]
    true = np.array([TRUTH["drivers"][t] for t in TOUCHPOINTS])
    assert_allclose(found / found.sum(), true / true.sum(), atol=1e-9)


def test_shares_of_types_and_of_use_are_the_true_ones(company):
    kinds = people.types_of(np.random.default_rng(2), 200_000)
    shares = [segment["share"] for segment in TRUTH["segments"].values()]
    assert_allclose(np.bincount(kinds) / len(kinds), shares, atol=0.004)
    for touchpoint, share in TRUTH["usage"].items():
        used = (company["responses"][touchpoint] != people.NOT_EXPERIENCED).mean()
        assert_allclose(used, share, atol=0.025, err_msg=touchpoint)


def test_margins_are_the_shares_of_active_customers(company):
    customers = company["customers"]
    middles = [pd.Period(w.replace("-", ""), "Q").start_time + pd.Timedelta(days=57) for w in WAVES]
    waves = sum(
        (customers["joined_on"] + pd.Timedelta(days=30) <= day) & ~(customers["left_on"] <= day)
        for day in middles
    )
    for attribute, shares in TRUTH["margins"].items():
        found = waves.groupby(customers[attribute]).sum() / waves.sum()
        assert_allclose(found[list(shares)], list(shares.values()), atol=0.001)


def test_the_failure_shows_in_its_wave_its_touchpoint_and_not_in_the_quiet_region(company):
    rows = company["responses"]
    rows = rows[rows["delivery"] <= 10]
    north = rows["region"] == TRUTH["quiet"]["region"]
    hit = rows["wave"] == TRUTH["failure"]["wave"]
    assert rows[hit & ~north]["delivery"].mean() < rows[~hit & ~north]["delivery"].mean() - 1
    assert abs(rows[hit & north]["delivery"].mean() - rows[~hit & north]["delivery"].mean()) < 0.6
    late = company["comments"]["text"].str.contains("deliver|parcel|courier|快递|送货|包裹|送到")
    waves = company["responses"].set_index("response_id")["wave"]
    wave = company["comments"]["response_id"].map(waves)
    assert late.groupby(wave).mean().idxmax() == TRUTH["failure"]["wave"]


@pytest.mark.slow
def test_the_price_change_lowers_value_for_good():
    rows = generator.company(3, 12_000)["responses"]
    stirred = rows[rows["region"] != TRUTH["quiet"]["region"]]
    after = stirred["wave"] >= TRUTH["price"]["from"]
    drop = stirred[after]["value1"].mean() - stirred[~after]["value1"].mean()
    # loading .87 times spread 1.9, less a little where the scale ends
    assert_allclose(drop, TRUTH["price"]["effect"] * 0.87 * 1.9, atol=0.25)


@pytest.mark.slow
def test_the_call_back_raises_satisfaction_of_a_random_half_by_its_effect():
    rng, rule = np.random.default_rng(5), TRUTH["callback"]
    kind = people.types_of(rng, 40_000)
    person = people.attributes(rng, kind)
    moods = people.latents(rng, kind, len(WAVES), people.happenings(person))["satisfaction"]
    first, group = WAVES.index(rule["from"]), person["callback"]
    gain = moods[:, first:].mean(1) - moods[:, :first].mean(1)
    found = gain[group == "called"].mean() - gain[group == "control"].mean()
    assert_allclose(found, rule["effect"], atol=0.03)
    assert_allclose((group == "called").sum() / (group != "outside").sum(), 0.5, atol=0.01)
    assert set(person.loc[group == "outside", "region"]) == {TRUTH["quiet"]["region"]}


@pytest.mark.slow
def test_the_odds_of_leaving_are_the_true_ones():
    from sklearn.linear_model import LogisticRegression

    rng, n, hazard = np.random.default_rng(6), 60_000, TRUTH["churn"]
    person = people.attributes(rng, people.types_of(rng, n))
    joined = behaviour.joining(rng, n)
    mood, cases = rng.standard_normal((n, len(WAVES))), rng.poisson(0.1, (n, len(WAVES)))
    left = behaviour.leaving(rng, person, joined, mood, cases)
    decided = np.searchsorted(people.STARTS, left.astype("datetime64[D]"), side="right") - 2
    decided = np.where(left < generator.END, decided, len(WAVES))
    i, q = np.nonzero((joined[:, None] < people.STARTS[1:]) & (np.arange(7) <= decided[:, None]))
    plan, called = person["plan"].to_numpy()[i], person["callback"].to_numpy()[i] == "called"
    known = {
        "satisfaction": mood[i, q],
        "basic": plan == "basic",
        "premium": plan == "premium",
        "case": cases[i, q] > 0,
        "first_year": (people.STARTS[q] - joined[i]) / np.timedelta64(1, "D") < 365,
        "callback": called & (q >= WAVES.index(TRUTH["callback"]["from"])),
    }
    fit = LogisticRegression(C=np.inf, max_iter=500).fit(
        np.stack([*known.values()], 1), decided[i] == q
    )
    assert_allclose(fit.coef_[0], [hazard[name] for name in known], atol=0.06)
    assert_allclose(fit.intercept_, hazard["intercept"], atol=0.06)


@pytest.mark.slow
def test_the_content_answer_more_often(company):
    unseen = generator.hidden().set_index("customer_id")
    last = unseen.loc[company["responses"].query("wave == '2024-Q4'")["customer_id"]]
    assert last["satisfaction 2024-Q4"].mean() > unseen["satisfaction 2024-Q4"].mean() + 0.1


@pytest.mark.slow
def test_topics_move_the_recommendation_by_their_effect():
    rng = np.random.default_rng(11)
    kind = people.types_of(rng, 400_000)
    felt = {k: v[:, 0] for k, v in people.latents(rng, kind, 1, {}).items()}
    topic = people.topics(rng, (len(kind),))
    given = people.answers(rng, felt, topic)["recommend"]
    for place, name in enumerate(TRUTH["topics"]):
        share = (topic == place).mean()
        assert_allclose(share, TRUTH["topics"][name]["share"], atol=0.002)
        moved = given[topic == place].mean() - given[topic == -1].mean()
        effect = TRUTH["topics"][name]["effect"]
        # The scale ends at 10, so gains are cut short more than losses.
        assert 0.5 < moved / effect < 1.05, name


def test_comments_hold_what_must_be_masked_and_nothing_real(company):
    texts = company["comments"]["text"]
    assert texts.str.contains("@").sum() > 5
    assert texts.str.extract(r"@(\S+?)[.。]?$")[0].dropna().isin(["example.com"]).all()
    assert set(company["comments"]["lang"]) == {"en", "zh"}


def test_a_survey_is_blank_where_a_code_stood():
    rows = generator.survey(400, 0)
    assert rows[list(TOUCHPOINTS)].max().max() == 10
    assert rows.loc[rows["app_not_experienced"], "app"].isna().all()
    assert not rows.equals(generator.survey(400, 1))


@pytest.mark.slow
def test_the_population_is_what_a_large_draw_says():
    found = generator.population_truth(1_000_000, seed=9).set_index("term")
    for term, row in found.iterrows():
        error = 3 * max(row["standard_error"], 0)
        assert_allclose(row["estimate"], TRUTH["population"][term], atol=error + 0.02, err_msg=term)


@pytest.mark.slow
def test_the_index_and_the_driver_shares_are_what_a_large_draw_says():
    rows = generator.survey(500_000, 21).assign(bucket=lambda r: r.index % 50)
    sample = Sample(rows, cluster="bucket", draws=2)
    constructs = {k: list(v) for k, v in generator.CONSTRUCTS.items()}
    model = csi.Model(constructs, csi.PRESETS["ecsi12"])
    index = csi.fit(moments.of(sample, model.items), model).table
    true = TRUTH["population"]["index"]
    assert_allclose(index.set_index("term")["estimate"][list(true)], list(true.values()), atol=0.12)
    sums = moments.of(sample, ["recommend", *TOUCHPOINTS])
    shares = drivers.importance(sums, "recommend", list(TOUCHPOINTS)).table
    true = TRUTH["population"]["drivers"]
    assert_allclose(
        shares.set_index("term")["estimate"][list(true)], list(true.values()), atol=0.01
    )
