"""Did the change work: designs on rows, verdicts, predictions, power, and the truth found again."""

from __future__ import annotations

import json
from pathlib import Path

import generator
import numpy as np
import pandas as pd
import pytest
from generator import changes, training
from numpy.testing import assert_allclose

from cxlib import impact
from cxlib.core import context, i18n
from cxlib.core.errors import InsufficientData
from cxlib.core.result import Importance, Result
from cxlib.core.sample import Sample
from cxlib.data import sources, study
from cxlib.data.schema import Change
from cxlib.impact import effects, evaluation
from cxlib.impact.calibration import _between
from cxlib.stats.estimators import Replicated

ROOT = Path(__file__).parents[2]
DRAWS = 150


def change(**given: object) -> Change:
    told = {
        "name": "trial",
        "label": "Trial",
        "design": "randomised",
        "outcome": "score",
        "column": "arm",
        "treated": ["treated"],
        "begun": "w3",
        **given,
    }
    return Change(**told)


def read(rows: pd.DataFrame, draws: int = DRAWS, seed: int = 1, **given: object) -> impact.Trial:
    sample = Sample(rows, cluster="customer_id", draws=draws, seed=seed)
    return impact.read(sample, change(**given))


@pytest.fixture(scope="module")
def randomised() -> pd.DataFrame:
    return changes.panel(500, seed=1, effect=0.5)


@pytest.fixture(scope="module")
def by_place() -> pd.DataFrame:
    return changes.panel(900, seed=2, effect=-0.6, groups=4, randomised=False)


@pytest.fixture(scope="module")
def sample() -> pd.DataFrame:
    rows = pd.read_csv(ROOT / "data" / "sample" / "responses.csv.gz")
    touchpoints = [*generator.TOUCHPOINTS, "welcome"]
    return rows.assign(**rows[touchpoints].where(rows[touchpoints] < 98))


@pytest.fixture(scope="module")
def judged(sample) -> dict[str, Result]:
    trials = impact.read_all(
        {"responses": Sample(sample, cluster="customer_id", draws=DRAWS)},
        study.read("sample").changes,
        outcome="recommend",
        points=["recommend"],
    )
    return impact.evaluate_all(trials)


# The rows


def test_a_trial_knows_who_was_treated_and_when(randomised):
    trial = read(randomised, ended="w4")
    assert trial.after.tolist() == [False, False, False, True, True, False]
    assert trial.before.tolist() == [True, True, True, False, False, False]
    assert trial.groups == ("control", "treated") and set(trial.arm) == {0, 1}
    people = trial.customers()
    one = randomised[randomised["customer_id"] == randomised["customer_id"].iloc[0]]
    early = one.loc[one["wave"] < "w3", "score"]
    place = sorted(randomised["customer_id"].unique(), key=list(randomised["customer_id"]).index)
    assert people.before[place.index(one["customer_id"].iloc[0]), 0] == pytest.approx(early.mean())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"begun": "w9"}, r"no wave \['w9'\]. There are: w0, w1"),
        ({"treated": ["traeted"]}, r"arm has no \['traeted'\]. It holds: 'control'"),
        ({"outcome": "scor"}, r"needs \['scor'\], which responses does not have"),
        ({"design": "compared", "begun": "w0"}, "no wave before w0"),
    ],
)
def test_what_a_change_names_must_be_there(randomised, given, said):
    with pytest.raises(ValueError, match=said):
        read(randomised, **given)


REGIONS = ("north", "south", "east", "west")


def regions(raised: dict[str, float], *, first: int = 6, shops: bool = False) -> pd.DataFrame:
    """Eight waves of four regions; from `first` on, each answers so much higher."""
    rng, parts = np.random.default_rng(5), []
    for wave in range(8):
        for region in REGIONS:
            up = raised.get(region, 0.0) if wave >= first else 0.0
            score = 4.5 + up + 1.3 * rng.normal(size=150)
            parts.append(pd.DataFrame({"wave": f"w{wave}", "region": region, "score": score}))
    rows = pd.concat(parts, ignore_index=True).assign(visit=rng.integers(0, 2, 4800).astype(str))
    return rows.assign(shop=rows["region"].where(rows["region"] != "south", "x")) if shops else rows


def region_change(name: str, **given: object) -> Change:
    return change(
        **{"name": name, "label": name, "design": "compared", "column": "region", **given}
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("other", "controls", "word"),
    [
        ({"treated": ["west"], "begun": "w6"}, {"north", "south"}, "west (second)"),
        ({"treated": ["west"], "begun": "w1"}, {"north", "south"}, "west (second)"),
        ({"treated": ["west"], "begun": "w7"}, {"north", "south"}, "west (second)"),
        ({"treated": ["x"], "begun": "w6", "column": "shop"}, {"north", "west"}, "x (second)"),
        ({"treated": ["west", "south"], "begun": "w6"}, {"north"}, "south, west (second)"),
        # What reached both arms alike is in neither's difference.
        ({"treated": ["1"], "begun": "w6", "column": "visit"}, {"north", "south", "west"}, ""),
    ],
)
def test_whom_another_change_reached_is_no_control(other, controls, word):
    raised = {"east": 1.0, "west": 1.0, "south": 1.0}
    raised = {r: up for r, up in raised.items() if r not in controls}
    rows = regions(raised, shops=True)
    both = [region_change("first", treated=["east"], begun="w6"), region_change("second", **other)]
    trial = impact.read_all({"responses": rows}, both)["first"]
    assert set(trial.control) == controls
    fit = impact.effect(trial)
    assert fit.table["low"].iloc[0] < 1.0 < fit.table["high"].iloc[0]
    assert word in fit.notes and ("another change" in fit.notes) == bool(word)


@pytest.mark.slow
def test_where_other_changes_reached_all_controls_the_page_says_so(capsys):
    rest = ["north", "south", "west"]
    both = [
        region_change("first", treated=["east"], begun="w6"),
        region_change("second", treated=rest, begun="w5"),
        region_change("third", treated=["east"], begun="w6", control=["south"]),
    ]
    assert impact.read_all({"responses": regions({})}, both) == {}
    told = capsys.readouterr().out
    assert "First cannot be judged" in told
    assert "north, south, west (second)" in told


@pytest.mark.slow
def test_changes_to_the_same_units_are_named():
    both = [region_change(n, treated=["east"], begun="w6") for n in ("first", "second")]
    trials = impact.read_all({"responses": regions({"east": 1.0})}, both)
    fit = impact.effect(trials["first"])
    assert (
        trials["first"].shared == ("second",)
        and "The effect includes what those changed" in fit.notes
    )


@pytest.mark.slow
@pytest.mark.parametrize("lasts", [False, True])
def test_an_effect_that_only_the_wave_of_another_change_shows_is_in_doubt(lasts):
    """East rises in w5 alone, when "second" came on top of "first", or stays up after it."""
    rows = regions({"east": 1.5}, first=5)
    gone = rows["wave"].gt("w5") & rows["region"].eq("east")
    rows["score"] -= 1.5 * gone * (not lasts)
    first = region_change("first", treated=["east"], begun="w4")
    second = region_change("second", treated=["east"], begun="w5", ended="w5")
    trial = impact.read_all({"responses": rows}, [first, second])["first"]
    assert trial.shared_in == ("w5",)
    one = impact.evaluate(trial)
    without = effects.without_shared_waves(trial)
    assert evaluation.is_significant(one) and one.doubt != lasts
    assert (without["low"] > 0) == lasts
    assert "without w5, when second affected the same groups, " in one.finding.detail
    why = "but not significantly without w5, when second affected the same groups."
    assert one.finding.claim.endswith(why) != lasts
    # What was in place before is in both periods: it did not come on top.
    before = region_change("second", treated=["east"], begun="w1")
    assert impact.read_all({"responses": rows}, [first, before])["first"].shared_in == ()


def test_arms_of_one_experiment_are_no_controls_of_each_other():
    rows = regions({"east": 1.0, "west": 0.7})
    both = [
        region_change(n, treated=[r], begun="w6", design="randomised")
        for n, r in (("first", "east"), ("second", "west"))
    ]
    trials = impact.read_all({"responses": rows}, both)
    assert trials["first"].control == ["north", "south"] == trials["second"].control


def test_arms_of_too_few_are_refused_and_left_out_with_a_word(randomised, capsys):
    few = randomised[(randomised["arm"] == "treated") | (randomised.index % 200 == 0)]
    with pytest.raises(ValueError, match="10 of each are needed"):
        read(few)
    assert impact.read_all({"responses": few}, [change()]) == {}
    assert "too few" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"treated": []}, "needs `column` and `treated`"),
        ({"begun": ""}, "needs `begun`"),
        ({"control": ["treated"]}, "stand in both"),
        ({"ended": "w1"}, "before it began"),
        ({"design": "alike"}, "needs `before`"),
        ({"design": "compared", "table": "customers"}, "needs waves"),
    ],
)
def test_study_yaml_says_what_a_design_lacks(given, said):
    with pytest.raises(ValueError, match=said):
        change(**given)


def test_two_changes_of_one_name_and_unknown_questions_are_mistakes():
    told = study.read("sample").model_dump()
    one = told["changes"][0]
    with pytest.raises(ValueError, match="stand there twice"):
        study.Study(**{**told, "changes": [one, one]})
    with pytest.raises(ValueError, match="callback_programme: the study has no table responses"):
        few = {k: v for k, v in told["tables"].items() if k != "responses"}
        study.Study(**{**told, "tables": few, "changes": [one]})
    with pytest.raises(ValueError, match="changes.callback_programme: 'speed' is not an item"):
        study.Study(**{**told, "changes": [{**one, "outcome": "speed"}]})


# Effects


def test_randomised_without_a_past_is_the_difference_of_means(randomised):
    rows = randomised[randomised["wave"] >= "w3"]
    fit = impact.effect(read(rows))
    means = rows.groupby("arm")["score"].mean()
    assert fit.table["estimate"].iloc[0] == pytest.approx(means["treated"] - means["control"])
    size, low, high = fit.table.iloc[0][["estimate", "low", "high"]]
    assert str(fit) == f"Trial raised score by {size:.2f} points."
    assert fit.finding.detail == f"Randomised; 95% CI {low:.2f} to {high:.2f}; n = {len(rows):,}"


def test_the_past_makes_it_sharper(randomised):
    ways = impact.effect(read(randomised)).by_design.set_index("design")
    width = ways["high"] - ways["low"]
    assert width["randomised"] < 0.85 * width["unadjusted"]


def test_a_comparison_with_controls_is_the_difference_in_differences(by_place):
    trial = read(by_place, design="compared", column="place", treated=["g0"])
    fit = impact.effect(trial)
    means = by_place.groupby(["place", "wave"])["score"].mean().unstack()
    share = by_place["place"].value_counts()[["g1", "g2", "g3"]]
    control = (means.loc[share.index].T * (share / share.sum())).sum(axis=1)
    gap = means.loc["g0"] - control
    assert fit.table["estimate"].iloc[0] == pytest.approx(gap[3:].mean() - gap[:3].mean())
    assert str(fit).startswith("After Trial, score fell by") and "lowered" not in str(fit)


def test_causal_words_are_for_randomised_designs_only(randomised):
    compared = impact.effect(read(randomised, design="compared"))
    assert "raised" not in str(compared) and "compared with controls" in str(compared)


@pytest.mark.slow
def test_the_first_outcome_has_its_own_interval_and_the_others_are_simultaneous(randomised):
    noise = np.random.default_rng(2).normal(size=(len(randomised), 2))
    rows = randomised.assign(second=noise[:, 0], third=noise[:, 1])
    three = impact.effect(read(rows, also=["second", "third"])).table
    two = impact.effect(read(rows, also=["second"])).table
    assert_allclose(three["low"][0], two["low"][0], rtol=0.1)
    assert three["high"][1] - three["low"][1] > 1.08 * (two["high"][1] - two["low"][1])
    twins = impact.effect(read(rows.assign(second=rows["score"]), also=["second"])).table
    assert_allclose(twins["estimate"][0], twins["estimate"][1])  # columns that say the same


def test_a_change_in_mix_of_groups_is_no_effect():
    values = {("a", "w0"): 1.0, ("a", "w1"): 2.0, ("b", "w0"): 5.0, ("b", "w1"): 6.0,
              ("c", "w0"): 3.0, ("c", "w1"): 4.0}  # fmt: skip
    counts = {("a", "w0"): 40, ("a", "w1"): 10, ("b", "w0"): 10, ("b", "w1"): 40,
              ("c", "w0"): 25, ("c", "w1"): 25}  # fmt: skip
    rows = pd.DataFrame(
        [(*k, v) for k, v in values.items() for _ in range(counts[k])],
        columns=["place", "wave", "score"],
    )
    told = change(design="compared", column="place", treated=["a", "b"], begun="w1")
    fit = impact.effect(impact.read(rows, told))
    assert fit.table["estimate"].iloc[0] == pytest.approx(0.0, abs=1e-9)


def test_participants_are_compared_with_others_like_them():
    rng = np.random.default_rng(3)
    age = rng.normal(45, 12, 3000)
    took = rng.random(3000) < 1 / (1 + np.exp(-(age - 50) / 8))
    rows = pd.DataFrame(
        {
            "age": age,
            "member": np.where(took, "yes", "no"),
            "score": 0.1 * age + 0.4 * took + rng.normal(size=3000),
        }
    )
    told = change(design="alike", table="customers", column="member", treated=["yes"],
                  before=["age"], begun="")  # fmt: skip
    fit = impact.effect(impact.read(Sample(rows, draws=100), told))
    ways = fit.by_design.set_index("design")["estimate"] * rows["score"][~took].std(ddof=0)
    assert fit.table["low"][0] < 0.4 < fit.table["high"][0]
    assert ways["unadjusted"] > 1.0  # the old are more content, and take part more


# Checks


def test_the_event_study_and_its_bounds(by_place):
    path = impact.event_study(read(by_place, design="compared", column="place", treated=["g0"]))
    assert path.table["estimate"][2] == 0 and path.table["changed"].tolist() == 3 * [False] + 3 * [
        True
    ]
    assert path.p > 0.05 and "were parallel" in str(path)
    width = path.bounds["high"] - path.bounds["low"]
    assert (width.diff().dropna() > 0).all()


@pytest.mark.slow
def test_groups_that_diverge_are_detected_and_the_verdict_is_doubt():
    rows = changes.panel(1500, seed=5, effect=0.0, drift=0.3, groups=4, randomised=False)
    trial = read(rows, design="compared", column="place", treated=["g0"])
    fit, path = impact.effect(trial), impact.event_study(trial)
    assert fit.table["low"][0] > 0 and path.p < 0.01 and "were not parallel" in str(path)
    one = impact.evaluate(trial)
    judged = impact.verdicts({"trial": one})
    assert judged.table["verdict"].tolist() == ["in doubt"] and not len(judged.standard)
    results = one.checks.set_index("term")["result"]
    assert results["parallel pre-trends"] == results["placebo tests"] == "failed"
    assert f", but {one.failed} of {one.passed + one.failed + one.silent} checks failed." in str(
        one
    )
    placebos = impact.placebo_tests(trial).table
    earlier = placebos[placebos["kind"] == "placebo in time"]
    assert ((earlier["low"] > 0) | (earlier["high"] < 0)).any()


def test_placebos_in_time_and_place(by_place):
    trial = read(by_place, design="compared", column="place", treated=["g0"])
    table = impact.placebo_tests(trial).table
    assert table["kind"].tolist() == [
        "the change",
        *["placebo in time"] * 2,
        *["placebo in place"] * 3,
    ]
    own = impact.effect(trial).table["estimate"][0]
    assert table["estimate"][0] == pytest.approx(own)
    assert (table["estimate"][1:].abs() < abs(own)).all()


@pytest.mark.slow
def test_a_synthetic_control_and_the_trend_before(by_place):
    trial = read(by_place, design="compared", column="place", treated=["g0"])
    stood = impact.synthetic_control(trial)
    assert stood.donors["estimate"].sum() == pytest.approx(1)
    assert stood.low < -0.6 < stood.high
    assert len(stood.table) == 12 and stood.table["of"].nunique() == 2
    line = impact.interrupted_time_series(trial)
    assert line.low < -0.6 < line.high
    pair = read(by_place, design="compared", column="place", treated=["g0"], control=["g1"])
    with pytest.raises(ValueError, match="Control units: 1"):
        impact.synthetic_control(pair)
    row = impact.evaluate(pair).checks.set_index("term").loc["synthetic control"]
    assert row["result"] == "not possible" and row["shows"].startswith("Control units: 1")


def test_one_control_place_is_split_to_have_placebos_and_donors(by_place):
    rows = by_place.assign(
        kind=by_place["customer_id"].str[-1].isin(list("01234")).map({True: "old", False: "new"})
    )
    told = {"design": "compared", "column": "place", "treated": ["g0"], "control": ["g1"]}
    trial = read(rows, **told, within="kind")
    assert trial.groups == ("g0", "g1 · new", "g1 · old") and trial.control == ["g1"]
    plain, split = (impact.effect(t).table for t in (read(rows, **told), trial))
    assert split["estimate"][0] == pytest.approx(plain["estimate"][0], abs=0.05)
    kinds = impact.placebo_tests(trial).table["kind"]
    assert (kinds == "placebo in place").sum() == 2
    assert impact.synthetic_control(trial).donors["estimate"].sum() == pytest.approx(1)


def test_what_rows_do_not_allow_is_no_failure(randomised):
    one = impact.evaluate(read(randomised[randomised["wave"] >= "w3"]))
    results = one.checks.set_index("term")["result"]
    assert results["placebo tests"] == results["attrition"] == "not possible"
    assert (one.passed, one.failed) == (1, 0)  # the difference without the past
    assert one.finding.detail.endswith("1 of 1 check passed")


@pytest.mark.parametrize(
    ("other", "result"),
    [
        ((-0.6, -0.9, -0.3), "passed"),
        ((-0.66, -2.4, 1.09), "inconclusive"),  # holds no effect and the effect at once
        ((0.5, -0.1, 1.1), "failed"),  # the other sign
        ((0.1, -0.2, 0.4), "failed"),
        ((-2.0, -2.8, -1.2), "failed"),  # the intervals do not meet
        ((-0.3, -0.55, 0.02), "inconclusive"),  # includes 0, and less than half as large
        ((-0.3, -0.55, -0.05), "passed"),
        ((-0.4, -0.82, 0.02), "passed"),
    ],
)
def test_a_check_that_could_not_have_failed_says_nothing(other, result):
    """The effect is −0.66 (−0.97 to −0.35): what it is checked by must tell it from none."""
    own = np.array([-0.66, -0.97, -0.35])
    assert evaluation._compared(own, np.array(other)) == result


def arms_that_differ(before: float, effect: float) -> pd.DataFrame:
    """New customers in each of four waves, two before the change; arms exactly as told."""
    noise = np.tile([-1.0, 1.0], 200)
    parts = [
        pd.DataFrame({"wave": wave, "arm": arm, "score": 5 + noise + shift})
        for wave in ("w1", "w2", "w3", "w4")
        for arm, shift in {
            "treated": before + effect * (wave >= "w3"),
            "control": 0.0,
        }.items()
    ]
    rows = pd.concat(parts, ignore_index=True)
    return rows.assign(customer_id=rows.index)


@pytest.mark.parametrize(
    ("before", "effect", "result", "doubt", "said"),
    [
        (0.0, 0.5, "passed", False, "Trial raised score by 0.50 points."),
        (
            *(0.3, 0.01, "failed", True),
            "Score was 0.31 points higher with Trial than among controls, but already 0.30 points "
            "higher before it.",
        ),
        (
            *(0.3, 1.0, "failed", False),
            "Trial raised score by 1.30 points; before the change, the treated were already 0.30 "
            "points higher than the controls.",
        ),
        (
            *(-0.3, 1.0, "failed", False),
            "Trial raised score by 0.70 points; before the change, the treated were already 0.30 "
            "points lower than the controls.",
        ),
    ],
)
def test_arms_that_differed_before_the_change_are_named(before, effect, result, doubt, said):
    """Differences and effects are exact: the noise is the same in every wave and arm."""
    trial = read(arms_that_differ(before, effect))
    balance = impact.baseline_balance(trial)
    row = balance.table.iloc[0]
    assert row["estimate"] == pytest.approx(before) and row["n"] == 1600
    assert row["standardised"] == pytest.approx(before / np.sqrt(1 + before**2 / 4))
    half = 1.96 * np.sqrt(2 / 800)
    assert row["high"] - row["low"] == pytest.approx(2 * half, rel=0.2)
    one = impact.evaluate(trial)
    assert one.checks.set_index("term").loc["balance at baseline", "result"] == result
    assert one.doubt == doubt and str(one) == said
    verdict = impact.verdicts({"trial": one})
    assert str(verdict) == said
    assert verdict.table["verdict"].tolist() == ["in doubt" if doubt else "higher"]
    assert ("check how its arms were assigned" in one.finding.action) == doubt


def test_of_no_effect_a_check_is_held_to_what_the_first_could_detect():
    own = np.array([0.05, -0.3, 0.4])
    assert evaluation._compared(own, np.array([0.0, -0.3, 0.3])) == "passed"
    assert evaluation._compared(own, np.array([0.0, -0.8, 0.8])) == "inconclusive"


def test_checks_that_say_nothing_are_counted_by_themselves():
    assert evaluation.counted(3) == "3 of 3 checks passed"
    assert (
        evaluation.counted(3, ["placebo tests"]) == "3 of 4 checks passed, 1 failed (placebo tests)"
    )
    assert evaluation.counted(3, ["attrition"], 2) == (
        "3 of 6 checks passed, 1 failed (attrition), 2 are inconclusive"
    )


@pytest.mark.slow
@pytest.mark.parametrize("gone", [False, True])
def test_an_effect_of_randomised_arms_that_is_gone_in_the_latest_wave_is_said_so(randomised, gone):
    last = randomised["wave"].max()
    there = randomised["wave"].eq(last) & randomised["arm"].eq("treated")
    rows = randomised.assign(score=randomised["score"] - 0.5 * gone * there)
    one = impact.evaluate(read(rows))
    assert evaluation.is_sure(one) and bool(one.faded) == gone
    told = f"not distinguishable from 0 among all answers of {last} ("
    assert (told in one.finding.detail) == gone
    trial = read(rows[rows["wave"].eq(last) | rows["wave"].lt("w3")], begun=last)
    assert effects.in_latest_wave(trial) is None  # one wave alone is the whole
    each = effects.in_each_wave(read(rows))
    assert each["wave"].tolist()[-1] == last and each["changed"].all()
    own = effects.in_latest_wave(read(rows))
    assert each["estimate"].iloc[-1] == pytest.approx(own["estimate"])
    assert each["low"].iloc[-1] < own["low"] < own["high"] < each["high"].iloc[-1]
    alone = effects.randomised(trial).estimate[0]
    assert effects.in_latest_wave(read(rows))["estimate"] == pytest.approx(alone)


@pytest.mark.slow
def test_a_randomised_effect_has_a_path_over_the_waves_and_says_that_the_latest_lacks_it(
    randomised,
):
    waves = sorted(randomised["wave"].unique())
    there = randomised["wave"].isin(waves[-2:]) & randomised["arm"].eq("treated")
    rows = randomised.assign(score=randomised["score"] - 0.5 * there)
    each = effects.in_each_wave(read(rows))
    one = impact.evaluate(read(rows))
    assert one.path.equals(each) and not set(each.loc[each["low"] > 0, "wave"]) & set(waves[-2:])
    assert str(one).endswith(f", but no effect can be shown in {waves[-1]}.")


@pytest.mark.slow
def test_every_check_is_counted_and_named_where_it_fails(judged):
    one = judged["price_rise"]
    counts = one.checks["result"].value_counts()
    assert one.passed == counts["passed"] and one.failed == counts.get("failed", 0)
    assert one.silent == counts.get("inconclusive", 0)
    assert f"{one.passed} of {one.passed + one.failed + one.silent} checks" in one.finding.detail
    # Beside the mean over all waves: what is left of it in the latest.
    last = one.path.iloc[-1]
    assert f"in {last['wave']} " in one.finding.detail
    for name in one.checks.loc[one.checks["result"] == "failed", "term"]:
        assert name in one.finding.detail


def test_effects_come_first_and_the_head_says_of_which_waves_they_are(judged):
    names = ["callback_programme", "price_rise", "delivery_failure", "desk_training"]
    assert list(judged) == names
    found = impact.verdicts(judged)
    size = [judged[name].effects.iloc[0]["estimate"] for name in judged]
    first, rise, failure, training = judged.values()
    # Whoever reads the effect over all waves learns that the latest one does not show it, and that
    # takes the whole sentence.
    told = f"the call-back programme raised NPS by {size[0]:.1f} points"
    said = f"On average since 2025-Q4, {told}, but no effect can be shown in 2026-Q3."
    assert str(found) == str(first) == said
    assert first.faded in found.finding.detail  # as page 26 by quarter
    assert "not distinguishable from 0 among all answers of 2026-Q3 (" in first.faded
    single = rise.path[rise.path["changed"] & (rise.path["high"] < 0)]["wave"].tolist()
    assert len(single) == 1 and single[0] < "2026-Q3"
    assert str(rise) == (
        f"After the price rise, value1 fell by {-size[1]:.2f} points compared with controls; of "
        f"single waves only {single[0]} shows it."
    )  # it did not fade: four of the five waves show nothing by themselves
    assert str(failure).startswith("In 2026-Q1, after the delivery failure, ")  # it is over
    assert str(training).startswith("After the front-desk training, ")
    assert found.finding.importance == Importance.NOTABLE
    told = [one.finding.importance for one in judged.values()]
    assert told == [Importance.CONTEXT] + 3 * [Importance.NOTABLE]


def test_the_head_names_two_effects_that_last(judged):
    """Of effects that are gone by now none stands beside them."""
    first, rise, _failure, training = judged.values()
    lasting = first.replace(parts={**first.parts, "faded": ""})
    told = evaluation.in_head([lasting, rise, training])
    assert [one.change for one in told] == ["callback_programme", "desk_training"]
    assert evaluation.in_head([rise, lasting]) == [rise]


@pytest.mark.slow
def test_without_an_effect_the_head_says_so(randomised):
    rows = randomised.assign(score=np.random.default_rng(8).normal(size=len(randomised)))
    none = impact.evaluate_all({"one": read(rows), "two": read(rows)})
    found = impact.verdicts(none)
    assert str(found) == "None of the 2 changes had a significant effect."
    assert found.finding.importance == Importance.ANSWER


@pytest.mark.slow
def test_those_picked_for_low_answers_rise_by_themselves():
    rows = changes.panel(3000, seed=6, effect=0.0, answers=1.0)
    first = rows[rows["wave"] == "w2"].set_index("customer_id")["score"]
    picked = rows["customer_id"].map(first) < first.quantile(0.3)
    even = rows["customer_id"].str[-1].isin(list("02468"))
    rows = rows.assign(arm=np.where(picked & even, "treated", "control"))
    rows = rows[rows["wave"].isin(["w2", "w3"])]
    table = impact.regression_to_the_mean(read(rows)).table.set_index("term")
    assert table["low"]["change of the treated"] > 0.5
    assert table["low"]["adjusted change"] < 0 < table["high"]["adjusted change"]


def test_confounding_is_asked_of_all_but_randomised_designs(judged):
    asked = [name for name, one in judged.items() if "confounding" in one.tables]
    assert asked == ["price_rise", "delivery_failure", "desk_training"]
    table = pd.concat(judged[name].confounding for name in asked).set_index("term")
    assert (table["estimate"] > table["low"]).all() and (table["low"] > 1).all()
    assert table["estimate"]["delivery_failure"] > table["estimate"]["price_rise"]


# Verdicts and predictions


def fake(design: str, estimate: float, low: float, high: float, failed: int = 0) -> Result:
    table = pd.DataFrame(
        {
            "term": ["score"],
            "estimate": estimate,
            "low": low,
            "high": high,
            "n": 900,
            "unit": "points",
        }
    )
    doubt = design == "series" or (design != "randomised" and failed > 1)
    about = {"change": "c", "label": "C", "clause": "it rose", "design": design, "error": 1.0}
    about |= {"passed": 3, "failed": failed, "silent": 0, "doubt": doubt}
    tables = {"effects": table, "standard": table, "by_design": table}
    return Result(tables, "", parts=about)


@pytest.mark.parametrize(
    ("design", "ends", "predicted", "verdict"),
    [
        ("randomised", (1, 5), None, "higher"),
        ("compared", (-5, -1), None, "lower"),
        ("series", (1, 5), None, "in doubt"),
        ("randomised", (-1, 3), 6.0, "less than predicted"),
        ("randomised", (-1, 3), 2.0, "unknown"),
        ("randomised", (-1, 3), None, "unknown"),
    ],
)
def test_verdicts(design, ends, predicted, verdict):
    ahead = None if predicted is None else pd.DataFrame({"term": ["c"], "predicted": [predicted]})
    found = impact.verdicts({"c": fake(design, sum(ends) / 2, *ends)}, predicted=ahead)
    assert found.table["verdict"].tolist() == [verdict]
    assert found.table["could_find"][0] == pytest.approx(2.80, abs=0.005)


def test_effects_are_drawn_in_their_own_unit_where_all_changes_share_it():
    one, other = fake("randomised", 3, -1, 5), fake("randomised", 0.3, -0.1, 0.5)
    other.effects["unit"] = "scale"
    tables = other.tables | {"standard": other.effects.assign(estimate=0.2, low=0.1, high=0.3)}
    alone = impact.verdicts({"a": one, "b": one})
    assert alone.drawn == "points" and alone.standard["estimate"].tolist() == [3, 3]
    mixed = impact.verdicts({"a": one, "b": other.replace(tables=tables)})
    assert mixed.drawn == "standard deviations"
    assert mixed.standard["term"].tolist() == ["+3.0 NPS, C", "+0.30 score, C"]
    assert mixed.standard["estimate"].tolist() == [3, 0.2]


def test_without_changes_there_is_no_verdict():
    found = impact.verdicts({})
    assert found.table.empty and str(found) == "These rows can judge none of the changes."


def pairs(predicted, realised, error=1.0, half=2.0) -> pd.DataFrame:
    predicted, realised = np.asarray(predicted, float), np.asarray(realised, float)
    reach = 1.959963984540054 * np.asarray(error, float)
    return pd.DataFrame(
        {
            "term": [f"a{k}" for k in range(len(predicted))],
            "predicted": predicted,
            "predicted_low": predicted - half,
            "predicted_high": predicted + half,
            "estimate": realised,
            "low": realised - reach,
            "high": realised + reach,
            "n": 500,
        }
    )


def test_predictions_that_were_halved():
    predicted = np.array([2.0, 4, 6, 8, 10, 12])
    table = impact.calibration(pairs(predicted, predicted / 2, 0.3)).table.set_index("term")
    assert table["estimate"]["slope"] == pytest.approx(0.5)
    assert table["estimate"]["bias"] == pytest.approx(-3.5)
    assert table["high"]["bias"] < 0
    assert table["estimate"]["inside"] == pytest.approx(2 / 6)
    said = str(impact.calibration(pairs(predicted, predicted / 2, 0.3)))
    assert said == "On average, actions brought 3.5 less than predicted."
    fit = impact.calibration(pairs(predicted, predicted / 2, 0.3))
    assert "33% within" in fit.finding.detail and fit.finding.verdict == "worse"


def test_the_spread_of_gaps_is_that_of_dersimonian_and_laird():
    known = json.loads((ROOT / "tests" / "reference" / "designs.json").read_text())["meta"]
    effects, variances = np.array(known["effects"]), np.array(known["variances"])
    assert _between(effects, np.sqrt(variances)) == pytest.approx(known["tau2"])
    table = impact.calibration(pairs(np.zeros(5), effects, np.sqrt(variances))).table
    assert table["estimate"][1] == pytest.approx(known["mean"])


@pytest.mark.coverage
def test_good_predictions_are_calibrated(tell_coverage):
    rng = np.random.default_rng(4)
    inside = {"bias": 0, "slope": 0}
    for _ in range(300):
        predicted, error = rng.uniform(1, 9, 8), rng.uniform(0.5, 1.5, 8)
        realised = predicted + rng.normal(0, 0.8, 8) + error * rng.normal(size=8)
        table = impact.calibration(pairs(predicted, realised, error)).table.set_index("term")
        for term, truth in (("bias", 0.0), ("slope", 1.0)):
            inside[term] += table["low"][term] <= truth <= table["high"][term]
    for term, hits in inside.items():
        tell_coverage(f"calibration of predicted effects, {term}", "8 actions", hits / 300, 300)
    assert all(0.92 <= hits / 300 <= 0.99 for hits in inside.values()), inside


def test_few_predictions_say_little():
    one = impact.calibration(pairs([5.0], [4.0]))
    # Of one action only the gap is known; rows of dashes are left out.
    terms = one.table.set_index("term")["estimate"]
    assert terms["bias"] == -1 and "slope" not in terms and terms.notna().all()
    said = "Of the changes judged here one has a prediction: the estimate is 1.0 less than "
    said += "predicted."
    assert str(one) == said
    points = impact.calibration(pairs([5.0], [4.0]).assign(unit="points"))
    assert str(points).endswith("the estimate is 1.0 points less than predicted.")
    with pytest.raises(ValueError, match="no action has both"):
        impact.calibration(pairs([], []))


@pytest.mark.slow
def test_the_ledgers_prediction_is_joined_with_what_was_realised(judged):
    actions = pd.DataFrame({"action_id": ["a02", "a09"], "predicted": [5.0, 1.0]})
    ahead = impact.predictions(study.read("sample").changes, actions)
    assert ahead.to_dict("list") == {"term": ["callback_programme"], "predicted": [5.0]}
    found = impact.verdicts(judged, predicted=ahead)
    both = impact.predicted_and_realised(ahead, found)
    own = judged["callback_programme"].effects.iloc[0]
    assert both[["predicted", "estimate", "n"]].iloc[0].tolist() == [5.0, own["estimate"], own["n"]]


# Before acting


@pytest.mark.slow
def test_a_power_analysis_says_act_or_do_not_act_yet(sample):
    how = {"points": ["recommend"], "experiment": impact.Experiment(sizes=(500, 4000))}
    answers = Sample(sample, cluster="customer_id", draws=200)
    large = impact.power_analysis(answers, "recommend", expected=20, **how)
    small = impact.power_analysis(answers, "recommend", expected=3, **how)
    assert large.act and str(large).startswith("The customers at hand are enough")
    assert not small.act and str(small).startswith("Do not act yet")
    wide = small.table.pivot(index="n", columns="waves", values="estimate")
    assert (wide.diff().dropna() < 0).all(axis=None) and (wide.diff(axis=1)[[2, 4]] < 0).all(
        axis=None
    )
    with pytest.raises(ValueError, match="share=1 and power=0.8"):
        impact.Experiment(share=1.0)


def test_answers_of_nobody_known_are_one_wave(sample):
    plan = impact.power_analysis(
        Sample(sample, draws=100), "effort", experiment=impact.Experiment(sizes=(500,))
    )
    assert plan.table["waves"].unique().tolist() == [1]
    last = sample["wave"] == sample["wave"].max()
    assert plan.table["n"].min() == sample.loc[last, "effort"].notna().sum()


def test_answers_lost_in_one_arm_are_reported():
    """Everybody answers in every wave; then a fifth of the controls does not any more."""
    rows = changes.panel(400, seed=3, effect=0.0, waves=4, begun=2, answers=1.0)
    even = impact.attrition(read(rows, 200, begun="w2"))
    assert (
        even.table["estimate"].tolist() == [1, 1, 0]
        and "the difference is not significant" in even.finding.claim
    )
    control = rows.loc[rows["arm"] == "control", "customer_id"].unique()
    gone = rows["customer_id"].isin(control[: len(control) // 5]) & (rows["wave"] >= "w2")
    told = impact.attrition(read(rows[~gone], 200, begun="w2"))
    row = told.table.set_index("term").loc["difference"]
    assert row["estimate"] == pytest.approx(len(control) // 5 / len(control))
    assert 0 < row["low"] < row["estimate"] and "may not be that on customers" in told.finding.claim
    with pytest.raises(ValueError, match="0 customers of one group answered before and after it"):
        impact.attrition(read(rows.assign(customer_id=range(len(rows))), begun="w2"))


# The truth found again


@pytest.mark.slow
def test_the_sample_gives_its_truth_back(judged):
    truth = changes.effects(20_000).set_index(["change", "term"])["estimate"]
    for name, event in (
        ("callback_programme", "callback"),
        ("price_rise", "price"),
        ("delivery_failure", "failure"),
    ):
        for row in judged[name].effects.itertuples():
            true = truth[event, "nps" if row.term == "recommend" else row.term]
            assert row.low < true < row.high, (name, row.term)
    trained = judged["desk_training"].effects.iloc[0]
    assert trained.low < training.effect() < trained.high
    verdicts = impact.verdicts(judged).table["verdict"].tolist()
    assert verdicts == ["higher", "lower", "lower", "higher"]


@pytest.mark.coverage
@pytest.mark.parametrize(("n", "answers"), [(80, 0.9), (240, 0.6)])
@pytest.mark.parametrize(
    ("way", "made", "told"),
    [
        (effects.randomised, {"randomised": True}, {}),
        (
            effects.compared,
            {"randomised": False, "groups": 3},
            {"design": "compared", "column": "place", "treated": ["g0"]},
        ),
    ],
    ids=["randomised", "compared"],
)
def test_intervals_cover_the_known_effect(way, made, told, n, answers, tell_coverage):
    inside = []
    for seed in range(200):
        how = {"effect": 0.4, "waves": 4, "begun": 2, "answers": answers}
        rows = changes.panel(n, seed=1000 + seed, **how, **made)
        found = way(read(rows, 120, seed, **{"begun": "w2", **told}))
        inside.append(found.low[0] < 0.4 < found.high[0])
    design = {"randomised": "randomised", "compared": "difference-in-differences"}[way.__name__]
    tell_coverage(
        f"effect, {design}",
        f"{n} customers, of whom {answers:.0%} answer each of 4 waves",
        np.mean(inside),
        len(inside),
    )
    assert 0.91 <= np.mean(inside) <= 0.99


@pytest.mark.slow
def test_hillstroms_e_mails_as_the_file_has_them():
    told = study.read("hillstrom")
    try:
        path = sources.fetch(told.sources["hillstrom.csv"], "hillstrom.csv")
    except sources.SourceError as error:
        pytest.skip(f"the e-mail trial cannot be had: {error}")
    rows = pd.read_csv(path).rename(
        columns={
            "segment": "email",
            "recency": "recency_months",
            "mens": "bought_mens",
            "womens": "bought_womens",
            "zip_code": "lives",
        }
    )
    means = rows.groupby("email")[["visit", "conversion", "spend"]].mean()
    assert rows["email"].value_counts().to_dict() == {
        "Womens E-Mail": 21387,
        "Mens E-Mail": 21307,
        "No E-Mail": 21306,
    }
    for one, arm in zip(told.changes, ("Mens E-Mail", "Womens E-Mail"), strict=True):
        table = impact.effect(impact.read(Sample(rows, draws=60), one)).table
        plain = (means.loc[arm] - means.loc["No E-Mail"]) * [100, 100, 1]
        # Lots made the arms alike: what was known before moves the numbers by little.
        assert_allclose(table["estimate"], plain, rtol=0.02)
        assert (table["low"] > 0).all()


@pytest.mark.slow
def test_the_page_in_chinese_has_no_english_sentence(by_place):
    context.begin(lang="zh")
    with i18n.noting_untranslated() as untranslated:
        trial = read(by_place, design="compared", column="place", treated=["g0"])
        found = impact.evaluate_all({"trial": trial})
        told = [str(impact.verdicts(found)), *found["trial"].checks["shows"]]
        assert all(any("\u4e00" <= letter <= "\u9fff" for letter in text) for text in told)
    assert untranslated == set()


# Figures


@pytest.mark.slow
def test_figures_tell_what_they_show(by_place, sample):
    from cxlib import plots

    trial = read(by_place, design="compared", column="place", treated=["g0"])
    path, stood = impact.event_study(trial), impact.synthetic_control(trial)
    drawn = plots.event_study(path.table, unit="scale")
    assert "w3" in drawn.figure.alt_text and len(drawn.patches) == 3  # three waves are shaded
    drawn = plots.synthetic_control(stood.table, unit="scale")
    names = {text.get_text() for text in drawn.texts}
    assert names == {"treated", "synthetic control"} and "w3" in drawn.figure.alt_text
    plan = impact.power_analysis(
        Sample(sample, cluster="customer_id", draws=60),
        "effort",
        experiment=impact.Experiment(sizes=(500, 2000)),
    )
    drawn = plots.power(plan.table, unit="scale", expected=plan.expected)
    assert len(drawn.get_legend().get_texts()) == 3 and "500" in drawn.figure.alt_text
    with pytest.raises(ValueError, match="no column"):
        plots.power(path.table)


def test_a_wave_that_is_nowhere_is_a_mistake_unless_rows_are_a_part() -> None:
    rows = pd.DataFrame({"wave": ["1", "2"] * 30, "score": np.arange(60.0), "weight": 1.0})
    change = Change(
        name="new", label="New", outcome="score", begun="3", design="series", table="responses"
    )
    with pytest.raises(ValueError, match=r"no wave \['3'\]. There are: 1, 2") as raised:
        impact.read_all({"responses": rows}, [change])
    assert not isinstance(raised.value, InsufficientData)  # which would leave out the whole page
    assert impact.read_all({"responses": rows}, [change], complete=False) == {}
    with pytest.raises(ValueError, match="needs \\['score'\\], which"):
        impact.read_all({"responses": rows.drop(columns="score")}, [change], complete=False)


def test_a_wave_in_which_hardly_anybody_answered_ends_no_page() -> None:
    from types import SimpleNamespace

    rng = np.random.default_rng(1)
    trial = SimpleNamespace(after=np.arange(6) >= 4, waves=[f"w{n}" for n in range(6)])
    point, again = rng.normal(size=(6, 1)), rng.normal(size=(50, 6, 1))
    again[::3, 5] = np.nan  # draws without anybody of the last wave
    fit = effects.segmented_regression(trial, Replicated(point, again, 6.0))
    assert np.isfinite([fit.effect, fit.low, fit.high]).all()
    point[5] = np.nan
    with pytest.raises(InsufficientData, match="too few"):
        effects.segmented_regression(trial, Replicated(point, again, 6.0))


def test_a_treated_group_whose_weights_are_all_zero_is_left_out_and_named():
    rng = np.random.default_rng(3)
    rows = pd.DataFrame({"wave": np.tile(["w1", "w2", "w3"], 120), "w": 1.0})
    rows["area"] = np.repeat(["a", "b", "c", "d"], 90)
    after = rows["area"].isin(["a", "b"]) & (rows["wave"] == "w3")
    rows["score"] = rng.normal(5, 1, 360) + 2 * after
    rows.loc[rows["area"] == "b", "w"] = 0.0
    given = {"column": "area", "design": "compared", "begun": "w3"}
    one = change(treated=["a", "b"], **given)
    fit = impact.effect(impact.read(Sample(rows, weight="w", draws=50), one))
    known = Sample(rows[rows["area"] != "b"], weight="w", draws=50)
    without = impact.effect(impact.read(known, change(treated=["a"], **given)))
    pd.testing.assert_frame_equal(fit.table, without.table)
    assert fit.table["estimate"].iloc[0] == pytest.approx(2, abs=0.6)
    assert "too few customers: b." in fit.notes


def test_a_control_group_of_few_customers_is_left_out(by_place) -> None:
    """The answers of the controls, less those of the others, would be theirs."""
    few = by_place["customer_id"].isin(by_place["customer_id"].unique()[:4])
    rows = by_place.assign(arm=by_place["arm"].mask(few, "islet"))
    places = sorted(by_place["arm"].unique())
    trial = read(rows, design="compared", treated=places[:1])
    assert trial.out == ("islet",) and set(trial.groups) == set(places)
