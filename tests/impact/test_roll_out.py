"""A roll-out unit by unit: study.yaml, rows, checks, and the truth of the sample found again."""

from __future__ import annotations

from pathlib import Path

import generator
import numpy as np
import pandas as pd
import pytest
from generator import training
from numpy.testing import assert_allclose

from cxlib import impact
from cxlib.core import context, i18n
from cxlib.core.sample import Sample
from cxlib.data import study
from cxlib.data.schema import Change
from cxlib.impact import wording

ROOT = Path(__file__).parents[2]
BEGUN = {"a": "w2", "b": "w2", "c": "w3", "d": "w4"}


def change(**given: object) -> Change:
    told = {
        "name": "course",
        "label": {"en": "The course", "zh": "培训"},
        "design": "staggered",
        "outcome": "score",
        "column": "team",
        "begun": BEGUN,
    }
    return Change(**{**told, **given})


def answers(effect: float = 1.0, teams: str = "abcdefg", each: int = 12) -> pd.DataFrame:
    """Six waves of teams whose answers rise by `effect` once they had the course."""
    rng, parts = np.random.default_rng(2), []
    for place, team in enumerate(teams):
        for wave in range(6):
            up = effect if f"w{wave}" >= BEGUN.get(team, "w9") else 0.0
            score = 5 + 0.3 * place + 0.2 * wave + up + rng.normal(size=each)
            parts.append(pd.DataFrame({"wave": f"w{wave}", "team": team, "score": score}))
    return pd.concat(parts, ignore_index=True)


def read(rows: pd.DataFrame, **given: object) -> impact.Trial:
    return impact.read(Sample(rows, draws=150), change(**given))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"begun": "w2"}, "needs `column` and `begun`"),
        ({"begun": dict.fromkeys("abc", "w2")}, "all 3 units began in 'w2': use design compared"),
        ({"treated": ["a"]}, "leave out `treated`"),
        ({"ended": "w4"}, r"staggered has no \['ended'\]"),
        ({"table": "customers"}, "needs waves"),
        ({"control": ["a"]}, "stand in both"),
        ({"design": "compared"}, "design compared has one `begun`"),
    ],
)
def test_study_yaml_says_what_a_roll_out_lacks(given, said):
    with pytest.raises(ValueError, match=said):
        change(**given)


def test_a_roll_out_is_read_again_as_it_was_written():
    one = change(begun={1: 2024, 2: 2025})
    assert one.begun == {"1": "2024", "2": "2025"} and one.treated == ["1", "2"]
    assert one.first_wave == "2024" and Change(**one.model_dump()) == one


@pytest.mark.parametrize(
    ("begun", "said"),
    [
        ({"a": "w2", "z": "w3"}, r"team has no \['z'\]. It holds: 'a' \(72\)"),
        ({"a": "w2", "b": "w7"}, r"no wave \['w7'\]. There are: w0, w1"),
    ],
)
def test_unknown_units_and_waves_are_mistakes(begun, said):
    with pytest.raises(ValueError, match=said):
        read(answers(), begun=begun)


@pytest.mark.slow
def test_the_effect_is_that_of_units_against_those_not_yet_treated():
    rows = answers()
    fit = impact.effect(read(rows))
    means = rows.pivot_table(index="team", columns="wave", values="score")
    cohorts = {"w2": ["a", "b"], "w3": ["c"], "w4": ["d"]}
    parts = []
    for first, teams in cohorts.items():
        last = f"w{int(first[1]) - 1}"
        gains = []
        for wave in means.columns[means.columns >= first]:
            others = [t for t in means.index if BEGUN.get(t, "w9") > wave]
            change_of = means[wave] - means[last]
            gains.append(change_of[teams].mean() - change_of[others].mean())
        parts.append((len(teams), np.mean(gains)))
    expected = sum(n * gain for n, gain in parts) / 4
    first = fit.table.iloc[0]
    assert first["estimate"] == pytest.approx(expected)
    assert first["low"] < 1 < first["high"] and first["n"] == len(rows)
    assert str(fit) == (
        f"After the course, score rose by {expected:.2f} points compared with units that did not "
        "have it yet."
    )
    assert fit.by_design["design"].tolist() == ["staggered roll-out", "never-treated controls"]


@pytest.mark.slow
def test_weights_count_and_a_weight_of_two_is_the_row_twice():
    rows = answers(each=6)
    rows["w"] = 1.0 + (rows.index % 3 == 0)
    weighted = impact.effect(impact.read(Sample(rows, weight="w", draws=20), change()))
    twice = pd.concat([rows, rows[rows["w"] == 2]])
    assert_allclose(weighted.table["estimate"], impact.effect(read(twice)).table["estimate"])


def test_units_without_answers_in_some_wave_or_without_a_wave_before_are_left_out():
    rows = answers()
    rows = rows[~((rows["team"] == "g") & (rows["wave"] == "w1"))]
    trial = read(rows, begun={**BEGUN, "e": "w0"})
    assert trial.out == ("g",) and "g" not in trial.groups
    notes = impact.effect(trial).notes
    assert "left out: g." in notes and "from the first wave on, and so left out: e." in notes


@pytest.mark.slow
def test_waves_in_which_nobody_was_asked_do_not_count():
    rows = answers()
    rows.loc[rows["wave"] == "w0", "score"] = np.nan
    trial = read(rows)
    assert trial.out == ()
    whole = impact.effect(read(rows[rows["wave"] != "w0"])).table
    assert_allclose(impact.effect(trial).table["estimate"], whole["estimate"])


@pytest.mark.slow
def test_few_units_are_said_to_be_too_few_and_chance_may_match_their_effect():
    begun = {"a": "w2", "b": "w2", "c": "w3"}  # 12 ways to give three starts to four teams
    one = impact.evaluate(read(answers(teams="abce"), begun=begun))
    assert "too few to be resampled" in one.notes
    results = one.checks.set_index("term")["result"]
    assert results["placebo tests"] == "failed" and one.doubt
    assert str(one).endswith(
        f"but {one.failed} of {one.passed + one.failed + one.silent} checks failed."
    )
    assert "7 units are resampled" in wording.design(read(answers()), "staggered")


def test_every_unit_may_have_had_it_in_the_end():
    fit = impact.effect(read(answers(teams="abcd")))
    assert "(0 never had it)" in fit.notes
    assert fit.by_design["design"].tolist() == ["staggered roll-out"]


def test_the_event_study_counts_from_the_start_of_each_unit():
    path = impact.event_study(read(answers()))
    table = path.table.set_index("wave")
    assert table.index.tolist() == ["-4", "-3", "-2", "-1", "0", "+1", "+2", "+3"]
    assert table.loc["-1", ["estimate", "low", "high"]].tolist() == [0, 0, 0]
    assert table.loc["0", "n"] == 4 * 12 and table["changed"].sum() == 4
    assert path.p > 0.05 and path.cohorts["wave"].tolist() == ["w2", "w3", "w4"]
    assert path.cohorts["n"].tolist() == [2 * 72, 72, 72]


@pytest.mark.slow
def test_units_that_were_rising_before_are_detected():
    rows = answers(effect=0.0, teams="abcdefghij", each=40)
    rising = rows["team"].isin(list("abcd"))
    rows["score"] += 0.6 * rising * rows["wave"].str[1].astype(int)
    one = impact.evaluate(read(rows))
    assert one.checks.set_index("term")["result"]["parallel pre-trends"] == "failed"
    assert one.doubt and impact.verdicts({"course": one}).table["verdict"].tolist() == ["in doubt"]


@pytest.mark.slow
def test_a_roll_out_in_chinese_has_no_english_sentence():
    context.begin(lang="zh")
    with i18n.noting_untranslated() as untranslated:
        one = impact.evaluate(read(answers()))
        assert all(any("\u4e00" <= c <= "\u9fff" for c in text) for text in one.checks["shows"])
        assert str(one).startswith("培训之后，与尚未实施的单位相比")
    assert untranslated == set()


# The truth found again


@pytest.mark.slow
def test_the_sample_gives_the_path_of_its_training_back():
    rows = pd.read_csv(ROOT / "data" / "sample" / "responses.csv.gz")
    rows["welcome"] = rows["welcome"].where(rows["welcome"] < 90)
    told = next(c for c in study.read("sample").changes if c.name == "desk_training")
    path = impact.event_study(impact.read(Sample(rows, cluster="customer_id", draws=300), told))
    since = path.table["wave"].astype(int)
    grown = np.array(generator.TRUTH["training"]["effect"])
    true = np.where(since < 0, 0.0, grown[np.clip(since, 0, len(grown) - 1)])
    assert ((path.table["low"] <= true) & (true <= path.table["high"])).all() and path.p > 0.05


@pytest.mark.coverage
def test_intervals_cover_the_training_of_many_made_up_companies(tell_coverage):
    told = next(c for c in study.read("sample").changes if c.name == "desk_training")
    answered = pd.read_csv(ROOT / "data" / "sample" / "responses.csv.gz").drop(
        columns=["hotel", "welcome"]
    )
    answered["person"] = answered["customer_id"].str[1:].astype(int) - 1
    held = []
    for seed in range(80):
        rows = training.asked(np.random.default_rng(seed), answered, 3000)
        rows["welcome"] = rows["welcome"].where(rows["welcome"] < 90)
        sample = Sample(rows, cluster="customer_id", draws=200)
        first = impact.effect(impact.read(sample, told)).table.iloc[0]
        held.append(first["low"] <= training.effect() <= first["high"])
    tell_coverage(
        "staggered roll-out, mean effect",
        "3,000 customers, made-up company",
        np.mean(held),
        len(held),
    )
    assert np.mean(held) >= 0.9
