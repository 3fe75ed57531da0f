"""Tipping points and the worth of more answers: by hand, laws, and simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxlib import scores
from cxlib.core.errors import InsufficientData
from cxlib.core.sample import Sample
from cxlib.data.schema import Target

ROWS = pd.DataFrame({"recommend": [10, 10, 10, 8, 0] * 200})  # NPS 40


def test_a_score_of_all_asked_is_that_of_both_halves():
    fit = scores.nonresponse(scores.nps(ROWS), 0.25, target=Target(value=25))
    [verdict] = fit.verdicts.to_dict("records")
    # A quarter answered 40: 25 is the score of all where the others have 40 + d, .75 d = -15.
    assert verdict["crosses"] == pytest.approx(-20)
    low = scores.nps(ROWS).table["low"].item()
    assert verdict["tip"] == pytest.approx((25 - low) / 0.75) and verdict["now"] == "met"
    assert fit.table[["least", "most"]].values.tolist() == [[-65.0, 85.0]]
    at = fit.curve.set_index("difference")["estimate"]
    assert at.to_numpy() == pytest.approx(40 + 0.75 * at.index.to_numpy())


def test_the_score_of_all_is_found_when_the_difference_is_known():
    rng = np.random.default_rng(1)
    overall = pd.DataFrame({"recommend": rng.integers(0, 11, 4000)})
    answers = rng.random(4000) < 0.2 + 0.05 * overall["recommend"]
    mean = {
        k: scores.nps(overall[a]).table["estimate"].item() for k, a in ((0, ~answers), (1, answers))
    }
    fit = scores.nonresponse(scores.nps(overall[answers]), answers.mean())
    slope = 1 - answers.mean()
    all_of_them = fit.table["estimate"].item() + slope * (mean[0] - mean[1])
    assert all_of_them == pytest.approx(scores.nps(overall).table["estimate"].item())


@pytest.mark.parametrize(
    ("target", "rate", "now", "sign", "possible"),
    [
        (Target(value=20), 0.5, "met", -1, True),
        (Target(value=60), 0.5, "missed", 1, True),
        (Target(value=41), 0.5, "unclear", 1, True),
        (Target(value=60, direction="at most"), 0.5, "met", 1, True),
        (Target(value=-90), 0.9, "met", -1, False),
    ],
)
def test_verdicts_and_the_way_they_tip(target, rate, now, sign, possible):
    [row] = scores.nonresponse(scores.nps(ROWS), rate, target=target).verdicts.itertuples()
    assert (row.now, row.possible) == (now, possible)
    assert np.sign(row.crosses if now == "unclear" else row.tip) == sign


def test_a_change_tips_where_the_others_moved_otherwise():
    waves = pd.concat([ROWS.assign(wave="2025"), ROWS.assign(wave="2026")], ignore_index=True)
    waves.loc[waves.index[:300], "recommend"] = 0
    now = scores.latest(Sample(waves, draws=200))
    fit = scores.nonresponse(now, {"2025": 0.3, "2026": 0.4})
    [row] = fit.verdicts.itertuples()
    assert row.now == "higher" and row.tip == pytest.approx(-now.changes["low"].item() / 0.6)
    assert "would be unclear if those who did not answer had gained" in fit.finding.claim


@pytest.mark.parametrize("rate", [0.0, 1.2, {"2030": 0.3, "2031": 0.2}])
def test_a_rate_that_is_none_is_an_error(rate):
    with pytest.raises(ValueError, match="response rate"):
        scores.nonresponse(scores.nps(ROWS), rate)


def test_nobody_is_missing_where_all_answered():
    with pytest.raises(InsufficientData, match="nobody is missing"):
        scores.nonresponse(scores.nps(ROWS), 1.0)


def test_late_answers_beyond_the_tipping_point_make_it_notable():
    rows = ROWS.assign(when=np.where(np.arange(1000) % 5 == 4, "late", "early"))
    late = scores.compare(Sample(rows, draws=200), by="when", against="early")
    fit = scores.nonresponse(scores.nps(ROWS), 0.5, target=Target(value=20), late=late)
    assert fit.finding.importance.name == "NOTABLE" and "late answers differ" in fit.finding.detail


def test_late_answers_that_speak_against_a_doubtful_target_are_the_claim():
    rows = ROWS.assign(when=np.where(np.arange(1000) % 5 == 4, "late", "early"))
    score = scores.nps(ROWS)
    told = []
    for data in (rows, rows.assign(when=np.where(np.arange(1000) % 2, "late", "early"))):
        late = scores.compare(Sample(data, draws=200), by="when", against="early")
        told.append(scores.nonresponse(score, 0.5, target=Target(value=39), late=late).finding)
    # 40 of those who answered; the others can be no worse than -100: (40 - 100) / 2.
    assert told[0].claim == (
        "NPS of all asked would be about −30, below +39, if those who did not answer scored like "
        "late respondents."
    )
    assert "would fall below +39" in told[1].claim  # late answers are like the others


def test_more_answers_settle_a_verdict_as_often_as_simulated_surveys_do():
    rows = pd.DataFrame({"recommend": [10, 10, 8, 0] * 50})
    fit = scores.next_survey(rows, target=Target(value=14), more=300)
    row = fit.table.iloc[0]
    assert row["margin_after"] == pytest.approx(row["margin"] * np.sqrt(200 / 500))
    rng, z = np.random.default_rng(2), 1.959964
    truth = rng.normal(row["estimate"], row["margin"] / z, 20_000)
    # The score of 300 more, together with the 200 there are.
    new = rng.normal(truth, row["margin"] / z * np.sqrt(200 / 300))
    both = (200 * row["estimate"] + 300 * new) / 500
    settled = (np.abs(both - 14) > row["margin_after"]).mean()
    assert row["settled"] == pytest.approx(settled, abs=0.015)
    assert 0 < row["settled"] < 1


def test_a_group_that_more_answers_settle_is_named():
    rows = pd.DataFrame({"recommend": [10, 8, 0, 10] * 200 + [10, 9, 9, 0] * 15})
    rows["plan"] = ["a"] * 800 + ["b"] * 60
    fit = scores.next_survey(Sample(rows, draws=50), by="plan", more=2000)
    assert fit.table["now"].tolist()[0] == "" and np.isnan(fit.table["settled"][0])
    assert "buy most for" in fit.finding.claim and "b" in fit.finding.claim
    with pytest.raises(ValueError, match="1 or more"):
        scores.next_survey(rows, more=0)
