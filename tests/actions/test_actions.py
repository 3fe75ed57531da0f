"""Alerts controlled over a whole report, causes with numbers, the ledger, the value of waiting."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxlib import actions, scores
from cxlib.actions import series
from cxlib.actions.alerts import clause
from cxlib.actions.causes import Tree, _once
from cxlib.actions.events import Movements
from cxlib.actions.links import SENTENCES, significant
from cxlib.actions.responsibility import names_of
from cxlib.core import context, i18n
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample

# What notebooks kept


WAVES = [f"w{k}" for k in range(6)]

SOLVE = "Solve “late parcels” as planned in the ledger."
OVER = "Close the action on “late parcels” or set it a new goal: the fall that it rests on is over."
PAYS = "Before acting on “late parcels” as planned in the ledger, check how often it occurs now."


def limits(moves: dict[str, list[float]], by: str = "", n: int = 300) -> pd.DataFrame:
    """A chart as 12 keeps it: `moves` are z of each wave, of a standard error of .1 about 7."""
    from scipy.special import ndtr

    rows = []
    for name, z in moves.items():
        since = ""
        for wave, at in zip(WAVES, z, strict=True):
            since = "" if abs(at) < 3 else since or wave
            p = -np.expm1(len(z) * np.log1p(-2 * ndtr(-abs(at)))) if at else 1.0
            signal = "" if abs(at) < 3 else "below" if at < 0 else "above"
            group = {by: name.split(":")[0]} if by else {}
            about = {"wave": wave, "term": name.split(":")[-1], "estimate": 7 + 0.1 * at}
            limit = {"low": 6.7, "high": 7.3, "n": n, "centre": 7.0, "z": at}
            rows.append(
                group | about | limit | {"signal": signal, "probability": p, "first_seen": since}
            )
    return pd.DataFrame(rows)


def kept(unit: str = "scale", **tables: pd.DataFrame) -> Result:
    """As `report.others` gives it; a trend with the waves themselves, 1.96 errors about each."""
    table = tables.pop("table", pd.DataFrame())
    if "limits" in tables and table.empty:
        ends = {
            "low": tables["limits"]["estimate"] - 0.196,
            "high": tables["limits"]["estimate"] + 0.196,
        }
        table = tables["limits"].assign(**ends)
    return Result({"table": table, **tables}, "", unit=unit)


QUIET, FALL = [0.5, -0.4, 0.1, 0.8, -1.0, 0.3], [0.5, -0.4, 0.1, 0.8, -9.0, 0.3]
STAYS = [0.5, -0.4, 0.1, 0.8, -9.0, -8.0]


def study_of(**moves: list[float]) -> dict:
    return {"12": {"questions": kept(limits=limits(moves))}}


def test_a_fall_is_a_warning_and_quiet_series_are_counted():
    found = actions.alerts(study_of(room=QUIET, delivery=STAYS, app=QUIET))
    [row] = found.table.to_dict("records")
    told = (row["term"], row["wave"], row["standing"], found.looked)
    assert told == ("delivery", "w5", "ongoing", 3)
    assert row["first_seen"] == "w4"
    # the size is the latest wave less its centre, its interval 1.96 standard errors about it
    assert row["estimate"] == pytest.approx(-0.8)
    assert row["high"] - row["estimate"] == pytest.approx(0.196, abs=1e-3)
    assert str(found) == "Delivery has been below its baseline since w4, by 0.80 points in w5."
    open_ = "1 alert open since an earlier period"
    assert found.finding.detail == f"{open_}; 3 series examined" and "5%" in found.notes
    assert found.finding.importance == Importance.NOTABLE


@pytest.mark.slow
def test_a_fall_of_the_headline_is_not_drowned_by_the_other_series():
    """The outcome and NPS are a family of their own: of two waves, the one before is named."""
    two = limits({"recommend": [0.0, -2.8, 0, 0, 0, 0]}).iloc[:2].copy()
    two.loc[two.index[0], ["z", "probability"]] = np.nan
    quiet = limits({f"q{k}": QUIET for k in range(40)})
    named = {"nps_trend": kept("points", limits=two), "questions": kept(limits=quiet)}
    found = actions.alerts({"12": named})
    assert list(found.table["term"]) == ["recommend"] and found.table["standing"][0] == "new"
    assert found.finding.claim == "NPS fell by 0.3 points from w0 to w1."
    lost = actions.alerts({"12": {"other": named["nps_trend"], "questions": named["questions"]}})
    assert lost.table.empty


def test_a_score_that_only_cried_is_held_back_and_named():
    audit = pd.DataFrame({"by": ["", ""], "group": ["", ""], "term": ["room", "delivery"]})
    audit["verdict"] = ["awaits confirmation", "trusted"]
    answers = study_of(room=STAYS, delivery=STAYS)
    answers["12"]["alarm_audit"] = kept(table=audit)
    found = actions.alerts(answers)
    assert list(found.table["term"]) == ["delivery"] and list(found.held_back["term"]) == ["room"]
    assert "since earlier alarms faded: room." in found.notes


@pytest.mark.parametrize(("back", "alerts"), [(0.3, 1), (0.02, 0)])
def test_customers_lost_where_nearly_all_buy_once_are_no_measure(back, alerts):
    shares = {"acquired": [0.2, 0.1], "retained": [back, back], "lost": [0.4, 0.8 - back]}
    rows = [
        {"period": f"2026-0{k + 1}-01", "term": t, "estimate": v[k], "n": 900}
        for k in range(2)
        for t, v in shares.items()
    ]
    table = pd.DataFrame(rows).assign(
        low=lambda t: t["estimate"] - 0.01, high=lambda t: t["estimate"] + 0.01
    )
    found = actions.alerts({"31": {"lifecycle": kept(table=table)}})
    assert len(found.table) == alerts


def test_a_fall_is_dated_as_people_read_dates():
    row = {"kind": "change", "term": "room", "group": "", "by": "", "measure": "scale"}
    row |= {"estimate": -0.5, "standing": "new", "wave": "2025-01"}
    assert clause({**row, "first_seen": "2024-10"}).endswith(
        "below its baseline since October 2024, by 0.50 points in January 2025"
    )
    assert clause({**row, "first_seen": "2025-01"}) == (
        "room fell 0.50 points below its baseline in January 2025"
    )


@pytest.mark.slow
def test_what_became_better_is_no_alert():
    rises = [0.5, -0.4, 0.1, 0.8, 9.0, 8.0]
    found = actions.alerts(study_of(room=rises, cases_per_1000=rises, delivery=QUIET))
    assert list(found.table["term"]) == ["cases_per_1000"]  # of which a rise is bad
    assert list(found.improved["term"]) == ["room"]
    better = actions.alerts(study_of(room=rises))
    assert better.table.empty and better.finding.importance == Importance.CONTEXT
    assert str(better).startswith("There are no alerts")
    assert better.finding.value is None  # a number that the sentence does not print


@pytest.mark.slow
def test_an_alert_is_dated_by_the_change_of_level_with_which_it_began():
    late = [0.5, -2.0, -2.0, -2.9, -9.0, -9.0]
    step = {"term": "a", "estimate": -0.5, "low": -0.7, "high": -0.3, "n": 900, "wave": "w1"}
    changes = pd.DataFrame([step | {"earliest": "w1", "latest": "w1", "p": 1e-3}])
    chart = limits({"a": late})
    plain, dated = (
        actions.alerts({"12": {"questions": kept(limits=chart, **more)}}).table.iloc[0]
        for more in ({}, {"changes": changes})
    )
    assert (plain["first_seen"], dated["first_seen"]) == ("w4", "w1")
    assert plain["estimate"] == dated["estimate"]
    rise = changes.assign(estimate=0.5)  # a change to the better dates no fall
    found = actions.alerts({"12": {"questions": kept(limits=chart, changes=rise)}})
    assert found.table["first_seen"][0] == "w4"


def test_what_is_out_of_line_now_comes_before_an_old_change_of_level():
    step = {"term": "a", "estimate": -0.5, "low": -0.7, "high": -0.3, "n": 900, "wave": "w1"}
    changes = pd.DataFrame([step | {"earliest": "w1", "latest": "w1", "p": 1e-30}])
    charts = limits({"a": QUIET, "b": STAYS})
    found = actions.alerts({"12": {"questions": kept(limits=charts, changes=changes)}})
    assert list(found.table["term"]) == ["b", "a"]
    assert found.table["signal"].tolist() == ["below", "change of level"]


@pytest.mark.slow
def test_the_page_shows_the_chart_of_the_first_alert():
    found = actions.alerts(study_of(room=FALL, delivery=STAYS))
    assert found.series["term"].unique().tolist() == ["delivery"] and found.series_over == "wave"
    assert actions.alerts(study_of(room=FALL)).series is None


def test_the_chart_is_that_of_the_group_that_the_first_alert_names():
    clear = [0.5, -0.4, 0.1, 0.8, -19.0, -18.0]
    by_region = kept(limits=limits({"south:nps": clear, "north:nps": QUIET}, by="region"))
    chart = kept(limits=limits({"room": QUIET}))
    found = actions.alerts({"12": {"questions": chart, "groups": by_region}})
    assert found.table["group"].tolist() == ["south"]
    assert found.series["z"].tolist() == clear and found.series_over == "wave"
    assert "region" not in found.series


def test_a_change_of_level_in_the_past_is_not_said_to_hold_below_the_limits():
    step = {"term": "a", "estimate": -0.5, "low": -0.7, "high": -0.3, "n": 900, "wave": "w1"}
    changes = pd.DataFrame([step | {"earliest": "w1", "latest": "w1", "p": 1e-30}])
    charts = limits({"a": QUIET})
    found = actions.alerts({"12": {"questions": kept(limits=charts, changes=changes)}})
    assert str(found) == "A has been 0.50 points lower on average since w1."


@pytest.mark.slow
def test_an_alert_names_who_works_on_it():
    owned = ledger(about="delivery", owner="ann", problem="late parcels")
    found = actions.alerts(study_of(delivery=STAYS, room=FALL), ledger=owned)
    owner = "Ann, due 30 Jun 2026"
    assert (found.finding.action, found.finding.owner) == (PAYS, owner)
    assert found.table["owner"].tolist() == [owner, ""]
    assert found.table["verdict"].tolist() == ["", ""]
    lossy = owned.assign(cost=5000.0, status="planned")
    against = actions.alerts(study_of(delivery=STAYS, room=FALL), ledger=lossy)
    assert against.table["verdict"].tolist() == ["do not act", ""]
    closed = actions.alerts(study_of(delivery=STAYS), ledger=owned.assign(status="done"))
    assert closed.finding.owner == ""


def test_what_is_back_inside_its_limits_is_over_and_comes_last():
    found = actions.alerts(study_of(delivery=FALL, room=STAYS))
    assert list(found.table["term"]) == ["room", "delivery"]
    assert list(found.table["standing"]) == ["ongoing", "over"]


@pytest.mark.slow
def test_more_series_looked_at_ask_for_more():
    """z 3.3 in one of six waves: p .0058; among 4 series it holds (.023), among 40 it does not."""
    mild = [0.1, 0.2, 0.1, 0.1, 0.1, -3.3]
    few = study_of(a=mild, **{f"q{k}": QUIET for k in range(3)})
    many = study_of(a=mild, **{f"q{k}": QUIET for k in range(39)})
    assert len(actions.alerts(few).table) == 1 and actions.alerts(many).table.empty


@pytest.mark.slow
def test_probabilities_are_adjusted_as_the_paper_does():
    """Benjamini and Hochberg (1995), section 4.2: of 15 the four smallest hold at 5%."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262,
         0.5719, 0.6528, 0.7590, 1.0]  # fmt: skip
    table = pd.DataFrame({"term": [f"t{k}" for k in range(15)], "p": p, "new": True})
    table = table.assign(estimate=0.1, low=0.0, high=0.2, n=50, before=0.1, now=0.2)
    found = actions.alerts({"23": {"emerging": kept("share", table=table)}})
    assert found.looked == 15 and list(found.table["term"]) == ["t0", "t1", "t2", "t3"]
    assert set(found.table["kind"]) == {"new topic"}
    quiet = actions.alerts({"23": {"emerging": kept("share", table=table.assign(new=False))}})
    assert quiet.looked == 15 and quiet.table.empty  # 23 calls none of them new


def test_without_earlier_data_new_is_what_began_in_the_latest_wave():
    """An alert of w4 is no news in w5; on the first run nothing else says so."""
    late = [0.5, -0.4, 0.1, 0.8, 0.3, -9.0]
    found = actions.alerts(study_of(delivery=STAYS, room=late))
    by = found.table.set_index("term")
    assert by["standing"].to_dict() == {"delivery": "ongoing", "room": "new"}
    assert found.finding.importance == Importance.NEWS
    assert "1 new alert; 1 alert open since an earlier period" in found.finding.detail


def test_a_known_warning_is_recognised_with_its_first_day():
    found = study_of(delivery=STAYS, room=STAYS)
    known = pd.DataFrame([
        {"measure": "scale", "by": "", "group": "", "term": "delivery", "kind": "change",
         "first_seen": "w1"},
        {"measure": "scale", "by": "", "group": "", "term": "app", "kind": "change",
         "first_seen": "w0"},
    ])  # fmt: skip
    told = actions.alerts(found, known)
    by = told.table.set_index("term")
    assert by["standing"].to_dict() == {"delivery": "ongoing", "room": "new"}
    assert by.loc["delivery", "first_seen"] == "w1" and list(told.ended["term"]) == ["app"]


@pytest.mark.slow
def test_a_fall_in_points_costs_its_points_and_a_group_its_part():
    whole = kept("points", limits=limits({"nps": STAYS}, n=400))
    parts = kept("points", limits=limits({"north:nps": STAYS, "south:nps": QUIET}, "region", 100))
    found = actions.alerts({"12": {"trend": whole, "groups": parts}}, point=1000.0)
    money = found.table.set_index("group")["money"]
    assert money[""] == pytest.approx(800) and money["north"] == pytest.approx(200)


def test_customers_at_risk_cost_what_one_is_worth_and_ratings_nothing_told():
    """2 more in 100 of 5,000 are at risk, each worth 30: 3,000."""
    periods = pd.DataFrame({"period": ["p1", "p2"], "term": "at risk", "estimate": [0.1, 0.12],
                            "low": [0.095, 0.115], "high": [0.105, 0.125], "n": 5000})  # fmt: skip
    found = {"31": {"lifecycle": kept(table=periods)}} | study_of(room=STAYS)
    told = actions.alerts(found, point=1000.0, customer=30.0)
    money = told.table.set_index("term")["money"]
    assert money["at risk"] == pytest.approx(3000) and np.isnan(money["room"])
    assert "where study.yaml gives their value" in told.notes


def test_a_change_of_level_counts_twice_and_may_be_the_clearer():
    step = {"term": "a", "estimate": -0.5, "low": -0.7, "high": -0.3, "n": 900, "wave": "w3"}
    change = pd.DataFrame([step | {"earliest": "w3", "latest": "w3", "p": 1e-4}])
    found = {"12": {"questions": kept(limits=limits({"a": QUIET}), changes=change)}}
    [row] = series.tests_of(found).to_dict("records")
    assert (row["signal"], row["wave"]) == ("change of level", "w3")
    assert row["probability"] == pytest.approx(2e-4) and row["low"] == -0.7


@pytest.mark.slow
def test_a_change_of_level_of_earlier_years_is_history():
    """Two years ago it fell and never came back: that is no alert of today."""
    years = [f"20{k}" for k in range(13, 19)]
    step = {"term": "a", "estimate": -0.5, "low": -0.7, "high": -0.3, "n": 900, "p": 1e-4}
    chart = limits({"a": QUIET}).assign(wave=years)
    for wave, raised in (("2018", True), ("2016", False)):
        when = {"wave": wave, "earliest": wave, "latest": wave}
        found = {"12": {"questions": kept(limits=chart, changes=pd.DataFrame([step | when]))}}
        assert bool(series.tests_of(found)["now"].iloc[0]) is raised
    quarters = ["2025-Q1", "2025-Q2", "2025-Q3", "2025-Q4", "2026-Q1", "2026-Q2"]
    when = {"wave": "2025-Q4", "earliest": "2025-Q4", "latest": "2025-Q4"}
    changes = pd.DataFrame([step | when])
    found = {"12": {"questions": kept(limits=chart.assign(wave=quarters), changes=changes)}}
    [row] = actions.alerts(found).table.to_dict("records")
    assert row["standing"] == "ongoing"  # it began two waves before the last


def test_an_alert_against_one_wave_has_the_interval_of_the_comparison():
    chart = limits({"nps": [0.0, -5.0, 0, 0, 0, 0]}).iloc[:2].copy()
    chart.loc[chart.index[0], ["z", "probability"]] = np.nan
    change = {"wave": "w1", "against": "w0", "term": "nps", "estimate": -0.5, "n": 900}
    compared = pd.DataFrame([change | {"low": -9.4, "high": -1.1, "p": 0.011}])
    found = {"12": {"trend": kept(limits=chart), "last_change": kept(table=compared)}}
    [row] = series.tests_of(found).to_dict("records")
    assert row["against"] == "w0"
    assert (row["low"], row["high"], row["probability"]) == (-9.4, -1.1, 0.011)


@pytest.mark.slow
def test_the_top_box_of_the_only_csat_question_is_called_so():
    chart = kept("share", limits=limits({"score": STAYS}))
    chart = chart.replace(finding=Finding("", measure="csat:score"))
    assert str(actions.alerts({"12": {"trend": chart}})).startswith("CSAT ")
    other = kept("share").replace(finding=Finding("", measure="csat:staff"))
    told = str(actions.alerts({"12": {"trend": chart, "other": other}}))
    assert told.startswith("Score ")


def test_standards_missed_come_with_those_that_were_met():
    about = {"wave": "w5", "by": "", "group": "", "term": "first-response SLA", "measure": "csat"}
    size = {"estimate": -0.2, "low": -0.3, "high": -0.1, "n": 90, "signal": "below"}
    missed = pd.DataFrame([about | size | {"probability": 1e-6, "first_seen": "w3"}])
    asked = pd.DataFrame({"term": list("abc"), "goal": 0.9, "verdict": ["missed", "met", "met"]})
    found = {"24": {"warnings": kept(table=missed), "standards": kept(table=asked)}}
    told = actions.alerts(found)
    assert told.looked == 3 and list(told.table["kind"]) == ["standard missed"]
    assert told.table["first_seen"].tolist() == ["w3"]  # when it began, not the last wave
    assert str(told) == (
        "First-response SLA is 20.0 percentage points below target over all months, and below it "
        "in each since w3."
    )


def test_more_who_sink_than_rise_is_a_sign_test():
    """70 sink, 30 rise: z = 40 / 10."""
    moves = pd.DataFrame({"grade": ["A", "A", "B", "B"], "term": ["A", "B", "A", "B"],
                          "estimate": [0.3, 0.7, 0.3, 0.7], "n": [100, 100, 100, 100]})  # fmt: skip
    [row] = series.tests_of({"30": {"moves": kept(table=moves)}}).to_dict("records")
    assert row["n"] == 100 and row["estimate"] == pytest.approx(-0.4)
    assert row["probability"] == pytest.approx(6.334e-5, rel=1e-3)


@pytest.mark.parametrize(("rise", "tests"), [(0.001, 0), (0.2, 1)], ids=["once", "again"])
def test_grades_that_can_only_fall_are_no_series(rise, tests):
    """Of a shop where nearly all buy once, half of B sink, and first purchases rise to C."""
    rows = [("A", "A", 0.6, 38), ("A", "B", 0.4, 38), ("B", "A", rise, 4216), ("B", "C", 0.5, 4216),
            ("B", "B", 0.5 - rise, 4216), ("C", "B", 1.0, 1793)]  # fmt: skip
    moves = pd.DataFrame(rows, columns=["grade", "term", "estimate", "n"])
    assert len(series.tests_of({"30": {"moves": kept(table=moves)}})) == tests


def test_hidden_cells_warn_of_nothing():
    chart = limits({"a": STAYS})
    chart.loc[chart["wave"] == "w4", ["n", "probability", "z", "estimate"]] = np.nan
    chart.loc[chart["wave"] == "w5", ["n", "probability", "z", "estimate"]] = np.nan
    assert actions.alerts({"12": {"questions": kept(limits=chart)}}).table.empty


def test_without_other_notebooks_the_page_says_so():
    found = actions.alerts({})
    assert found.table.empty and "no results yet" in found.finding.claim
    assert actions.causes({}, found).table.empty and actions.opportunities({}).table.empty


@pytest.mark.parametrize("rate", [0, 1, -0.1])
def test_a_rate_that_is_none_is_refused(rate):
    with pytest.raises(ValueError, match="lies between 0 and 1"):
        actions.alerts({}, rate=rate)


# 200 companies in which nothing moves


def company(rng: np.random.Generator, n: int = 50, waves: int = 6) -> pd.DataFrame:
    person = rng.normal(size=(n * waves, 1))
    latent = 0.6 * person + rng.normal(size=(n * waves, 2))
    answers = np.clip(np.rint(7 + 1.6 * latent), 1, 10)
    return pd.DataFrame(answers, columns=["room", "delivery"]).assign(
        wave=np.repeat([f"w{k}" for k in range(waves)], n)
    )


def charted(companies: dict[int, pd.DataFrame]) -> dict[int, pd.DataFrame]:
    """The warnings of each company's report: the charts of all are made in one go."""
    rows = pd.concat(c.assign(company=k) for k, c in companies.items())
    fit = scores.trend(Sample(rows, draws=30), ["room", "delivery"], measure="mean", by="company")
    parts = [dict(list(t.groupby("company"))) for t in (fit.limits, fit.changes)]
    found = {}
    for k in companies:
        limits_, changes = (p[k].drop(columns="company") for p in parts)
        asked = {"12": {"questions": kept(fit.unit, limits=limits_, changes=changes)}}
        found[k] = actions.alerts(asked).table
    return found


@pytest.mark.coverage
def test_quiet_companies_raise_no_more_warnings_than_stated(tell_coverage):
    """In 200 quiet companies a report with any warning comes up in 5% at most; the bound is the
    97.5% point of Binomial(200, .05). A failure like the sample's is found in each of five.
    """
    rng = np.random.default_rng(2026)
    found = charted({k: company(rng) for k in range(200)})
    alarmed = sum(len(warned) > 0 for warned in found.values())
    of = "quiet companies"
    tell_coverage("rate of false alarms, alerts of a report", of, alarmed / 200, 200, 0.05)
    assert alarmed <= 16
    failed = {}
    for k in range(5):
        rows = company(rng)
        late = rows["wave"] == "w5"
        rows.loc[late, "delivery"] = np.clip(rows.loc[late, "delivery"] - 2, 1, 10)
        failed[k] = rows
    for warned in charted(failed).values():
        assert (warned["term"][0], warned["wave"][0]) == ("delivery", "w5")


@pytest.mark.slow
def test_the_samples_failure_is_warned_of_in_its_wave_and_the_quiet_region_is_quiet():
    from pathlib import Path

    from generator import TOUCHPOINTS, TRUTH

    folder = Path(__file__).parents[2] / "data" / "sample"
    answers = pd.read_csv(folder / "responses.csv.gz")
    regions = pd.read_csv(folder / "customers.csv.gz").set_index("customer_id")["region"]
    responses = answers.assign(region=answers["customer_id"].map(regions))
    items = list(TOUCHPOINTS)
    responses[items] = responses[items].where(responses[items] <= 10)  # codes of not experienced
    failure = TRUTH["failure"]

    def warned(rows: pd.DataFrame) -> pd.DataFrame:
        fit = scores.trend(Sample(rows, cluster="customer_id", draws=100), items, measure="mean")
        kept_ = kept(fit.unit, limits=fit.limits, changes=fit.changes)
        return actions.alerts({"12": {"questions": kept_}}).table

    then = warned(responses[responses["wave"] <= failure["wave"]])
    assert then[["term", "wave", "standing"]].iloc[0].tolist() == [
        failure["touchpoint"],
        failure["wave"],
        "new",
    ]
    assert warned(responses[responses["region"] == TRUTH["quiet"]["region"]]).empty


# Causes


def failure() -> dict:
    """Delivery fails in w4 in the south; each point of it goes with .2 points of the outcome."""
    gains = pd.DataFrame({"term": ["delivery", "room"], "estimate": [0.2, 0.3], "low": [0.1, 0.2],
                          "high": [0.3, 0.4], "n": [900, 900]})  # fmt: skip
    topics = pd.DataFrame(
        [
            {"wave": w, "term": t, "estimate": s, "low": s - 0.04, "high": s + 0.04, "n": 400}
            for w, shares in (("w3", (0.1, 0.2)), ("w4", (0.4, 0.2)))
            for t, s in zip(("late parcel", "price"), shares, strict=True)
        ]
    )
    rate = pd.DataFrame({"term": ["delivery", "room"], "estimate": [200.0, 20.0],
                         "low": [170.0, 10.0], "high": [230.0, 30.0], "n": [400, 40]})  # fmt: skip
    level = pd.DataFrame({"term": ["delivery"], "level": ["department"]})
    quiet = dict.fromkeys(["room"], QUIET)
    return {
        "12": {
            "questions": kept(limits=limits({"delivery": FALL, **quiet})),
            "trend": kept("points", limits=limits({"nps": FALL})),
            "groups": kept(
                "points", limits=limits({"south:nps": FALL, "north:nps": QUIET}, "region")
            ),
        },
        "21": {"gains": kept(table=gains)},
        "23": {"topics": kept("share", table=topics)},
        "24": {"complaint_rate": kept(table=rate), "categories": kept(table=level)},
    }


def opened(found: dict, **how):
    return actions.causes(found, actions.alerts(found), **how)


@pytest.mark.slow
def test_a_failure_is_traced_to_group_driver_touchpoint_topic_and_process():
    """The wave beside the middle of the four before, 7.03: a fall of .93, errors .1 and .0627."""
    tree = opened(failure(), ratings={"parcels": "delivery"})
    assert len(tree.trees) == 1  # what began and ended together is one event
    told = tree.table.set_index("link")
    assert (told["verdict"].iloc[:3] == "associated").all() and "NPS" in tree.trees[0].head
    assert told["term"][["group", "driver", "touchpoint", "topic"]].to_dict() == {
        "group": "south",
        "driver": "delivery",
        "touchpoint": "parcels",
        "topic": "late parcel",
    }
    assert list(told["depth"]) == [0, 0, 1, 2, 0]
    assert told.loc["driver", "estimate"] == pytest.approx(0.2 * -0.93)
    # The question has an alert of its own: one fall, one interval on the page.
    alert = actions.alerts(failure()).table.set_index("term").loc["delivery"]
    numbers = ["estimate", "low", "high", "n"]
    assert told.loc["touchpoint", numbers].tolist() == pytest.approx(alert[numbers].tolist())
    # Two topics are compared at once; the interval of each is its own, about a rise of 30 points.
    assert told.loc["topic", "low"] == pytest.approx(0.3 - np.hypot(0.04, 0.04), abs=1e-4)


def test_what_is_significant_is_decided_over_all_candidates_at_once():
    """Of three groups 2.39 standard errors are needed: 2.2 of them are not enough."""
    moved = Movements(["a", "b", "c"], np.array([-2.2, 0.0, 0.1]), np.ones(3), np.full(3, 90.0))
    [row] = significant("group", moved, True, SENTENCES["group"])
    assert row["verdict"] == "unknown"
    assert (row["low"], row["high"]) == pytest.approx((-2.2 - 1.96, -2.2 + 1.96), abs=1e-3)


@pytest.mark.slow
def test_another_event_within_a_long_one_is_left_to_its_own_wave():
    """Price falls from w3 on and stays; delivery fails in w4 alone and is no part of it."""
    found = failure()
    falls = {"delivery": FALL, "price": [0.5, -0.4, 0.1, -6.0, -6.0, -6.0], "room": QUIET}
    found["12"] = {"questions": kept(limits=limits(falls))}
    price, delivery = opened(found).trees
    assert (
        price.head.startswith("Price has been")
        and "Driver: no significant difference" in price.lines[0][2]
    )
    assert delivery.head.startswith("Delivery was") and delivery.lines[0][1]


@pytest.mark.slow
def test_the_causes_of_an_alert_that_is_over_are_context():
    tree = opened(failure(), ratings={"parcels": "delivery"})
    assert tree.finding.importance == Importance.CONTEXT  # it held in w4 only
    said = "NPS fell significantly in south, while comments on “late parcel” increased."
    assert str(tree) == said
    found = failure()
    found["12"]["questions"] = kept(limits=limits({"price": STAYS, "delivery": FALL}))
    tree = opened(found, ratings={"parcels": "delivery"})
    assert str(tree).startswith("Price is associated with delivery")
    assert tree.trees[0].head.startswith("Price has been")


@pytest.mark.slow
def test_groups_of_a_question_are_those_12_opened_and_are_no_tests():
    found = failure()
    found["12"].pop("trend")
    found["12"]["opened"] = kept(
        limits=limits({"east:delivery": FALL, "west:delivery": QUIET}, "region")
    )
    alerts = actions.alerts(found)
    assert alerts.looked == 4 and not (alerts.table["group"] == "east").any()
    tree = actions.causes(found, alerts)
    assert tree.table["term"][0] == "east" and tree.trees[0].lines[0][1]


@pytest.mark.slow
def test_the_process_is_the_complaints_about_the_touchpoint_and_who_solves_them():
    tree = opened(failure(), ratings={"delivery": "delivery"})
    row = tree.table[tree.table["link"] == "process"].iloc[0]
    assert row["estimate"] == pytest.approx(180) and row["verdict"] == "associated"
    assert any("solved by: department" in text for _, _, text in tree.trees[0].lines)


@pytest.mark.slow
def test_what_the_data_cannot_tell_names_the_answers_that_could():
    found = failure()
    still = {"south:nps": [0, 0, 0, 0, -1.0, 0], "north:nps": [0, 0, 0, 0, 0.0001, 0]}
    found["12"]["groups"] = kept("points", limits=limits(still, "region"))
    tree = opened(found)
    row = tree.table[tree.table["link"] == "group"].iloc[0]
    # two groups: 2.24 + .84 standard errors of the difference must fit into a move of .1
    times = (2.2414 + 0.8416) ** 2 * (1 + np.pi / 2 / 4)
    assert row["verdict"] == "unknown"
    assert row["answers_needed"] == pytest.approx(300 * times, abs=1)
    assert "would take about 4,000 answers." in tree.trees[0].lines[0][2]
    touchpoint = tree.table[tree.table["link"] == "touchpoint"].iloc[0]
    assert touchpoint["verdict"] == "not available"  # no question is said to rate a touchpoint
    assert not any("Not available" in words for _depth, _found, words in tree.trees[0].lines)


@pytest.mark.slow
def test_a_move_of_nothing_asks_for_no_number_of_answers():
    found = failure()
    still = {"south:nps": [0, 0, 0, 0, -0.01, 0], "north:nps": [0] * 6}
    found["12"]["groups"] = kept("points", limits=limits(still, "region"))
    assert opened(found).trees[0].lines[0][2] == "Group: no significant difference."


def test_a_missed_standard_is_opened_into_groups_and_teams():
    """East is 20 points under the mean of both, with an error of 2.6: 10 cases in 100."""
    about = {"wave": "w5", "by": "", "group": "", "term": "resolution SLA", "measure": "csat"}
    size = {"estimate": -0.2, "low": -0.3, "high": -0.1, "n": 90, "signal": "below"}
    missed = pd.DataFrame([about | size | {"probability": 1e-6, "first_seen": "w5"}])
    groups = pd.DataFrame({"region": ["east", "west"], "term": "resolution", "estimate": [0.5, 0.9],
                           "low": [0.45, 0.85], "high": [0.55, 0.95], "n": 90})  # fmt: skip
    tree = opened({"24": {"warnings": kept(table=missed), "groups": kept(table=groups)}})
    row = tree.table.iloc[0]
    assert (row["term"], row["verdict"]) == ("east", "associated")
    assert row["estimate"] == pytest.approx(-0.2)


def test_a_sign_of_leaving_is_told_in_the_direction_that_raises_it():
    """Premium customers leave less: going from it to Basic is associated with leaving more."""
    moved = Movements(["Plan: Basic → Premium", "Region: South → North", "Age"],
                      np.array([-0.06, 0.04, -0.02]), np.full(3, 0.01), np.full(3, 99))  # fmt: skip
    up = moved.upwards()
    assert up.names == ["Plan: Premium → Basic", "Region: South → North", "Age"]
    assert up.size.tolist() == [0.06, 0.04, -0.02]


def test_trees_are_indented_lists_and_escaped():
    from cxlib.report import cause_trees

    lines = ((0, True, "Driver <b>: 1"), (1, True, "Touchpoint: 2"), (0, False, "Topic: 3"))
    assert cause_trees.html_of("A & B", lines) == (
        "<h4>A &amp; B</h4><ul><li><strong>Driver &lt;b&gt;:</strong> 1<ul><li><strong>Touchpoint:"
        "</strong> 2</li></ul></li><li><small>Topic: 3</small></li></ul>"
    )


def test_a_page_shows_the_significant_links_of_an_alert(monkeypatch):
    from cxlib.report import cause_trees

    shown = []
    monkeypatch.setattr("IPython.display.display", lambda html: shown.append(html.data))
    some, none = ((0, True, "Group: 1"), (0, False, "Topic: 2")), ((0, False, "Driver: 3"),)
    trees = [SimpleNamespace(head=h, lines=k) for h, k in (("A", some), ("B", none), ("C", ()))]
    cause_trees.tree(SimpleNamespace(trees=trees))
    assert "Group:" in shown[0] and not re.search("Topic|Driver", shown[0])
    assert shown[0].count("No group, driver or topic is known to have changed with it.") == 2


# The ledger


def ledger(**change) -> pd.DataFrame:
    row = {"action_id": "a01", "problem": "late parcels", "class": "process", "owner": "ann",
           "begun_on": "2026-01-01", "due_on": "2026-06-30", "status": "started", "cost": 100.0,
           "predicted": 2.0, "predicted_low": 0.0, "predicted_high": 4.0, "answers": 400,
           "worth": 100.0}  # fmt: skip
    return pd.DataFrame([row | change])


@pytest.mark.parametrize(
    ("change", "column", "reason"),
    [
        ({"due_on": "2025-12-31"}, "due_on", "is before begun_on"),
        ({"done_on": "2026-02-01"}, "done_on", "is given, but the status is not done"),
        ({"realised": 1.0}, "realised", "is given, but the action is not done"),
        ({"predicted": 5.0}, "predicted", "lies outside its own interval"),
        ({"predicted": None}, "predicted", "is missing, but its interval is given"),
        ({"customer_id": "c1"}, "customer_id", "names a customer, but the class is not"),
        ({"owner": None}, "owner", "nobody answers for it"),
        ({"status": None}, "status", "is missing"),
    ],
)
def test_rows_that_contradict_themselves_are_named(change, column, reason):
    sound = ledger(action_id="a00")
    wrong = actions.contradictions(pd.concat([sound, ledger(**change)], ignore_index=True))
    assert wrong[["row", "action_id", "column"]].iloc[0].tolist() == [3, "a01", column]
    assert wrong["reason"].iloc[0].startswith(reason) and wrong["mend"].iloc[0]


def test_a_sound_ledger_has_no_mistakes():
    assert actions.contradictions(ledger()).empty
    assert str(actions.check_ledger(ledger())) == "The ledger is consistent."
    assert (
        "1 of 1 rows of the ledger contradicts itself"
        in actions.check_ledger(ledger(owner=None)).finding.claim
    )
    assert actions.contradictions(ledger().iloc[:0]).empty


@pytest.mark.slow
def test_overdue_and_stalled_lead_and_the_inner_loop_is_apart():
    rows = pd.concat(
        [
            ledger(action_id="fine", due_on="2026-12-31"),
            ledger(action_id="late", due_on="2026-06-30"),
            ledger(action_id="idle", due_on="2026-12-31", status="planned"),
            ledger(action_id="over", status="done"),
            ledger(action_id="call", **{"class": "one customer"}, customer_id="c7"),
        ],
        ignore_index=True,
    )
    found = actions.action_status(rows, "2026-07-10")
    assert list(found.table["action_id"]) == ["late", "idle", "fine", "over"]
    assert list(found.table["standing"]) == ["overdue", "stalled", "on its way", "done"]
    assert list(found.table["late"]) == [10, 0, 0, 0]
    assert list(found.this_week["customer_id"]) == ["c7"]
    assert "customer_id" not in found.table and "c7" not in f"{found.finding.claim}{found.table}"
    assert str(found) == "2 of 3 open actions are overdue or late to start."
    assert found.finding.detail == (
        "First: the action on “late parcels” (Ann); for single customers, 1 action is open, "
        "1 overdue"
    )
    assert str(actions.action_status(ledger(), "2026-01-10")) == "The 1 open action is on schedule."


def test_a_day_that_is_none_is_told():
    with pytest.raises(ValueError, match="Write it as"):
        actions.action_status(ledger(), "tomorrow-ish")


# What it is worth


def test_the_outlook_of_a_gain_has_the_chance_of_its_table():
    gain = actions.net_gain(ledger(cost=190.0), more=0)
    outlook, row = gain.outlook.iloc[:, 0], gain.table.iloc[0]
    assert (outlook > 0).mean() == pytest.approx(row["chance"], abs=0.01)
    assert outlook.median() == pytest.approx(row["estimate"])


def test_net_gain_by_hand():
    """2 points worth 100 each less 100: 100 net; its standard error 100 x 4 / 3.92."""
    row = actions.net_gain(ledger(), more=0).table.iloc[0]
    assert row["estimate"] == pytest.approx(100) and row["low"] == pytest.approx(-100)
    assert row["chance"] == pytest.approx(0.8365, abs=1e-3) and row["verdict"] == "act"


def test_perfect_information_is_what_choosing_after_knowing_gains():
    """Against 400,000 draws: E max(0, B) less max(0, E B)."""
    draws = np.random.default_rng(1).normal(size=400_000)
    mean, spread = np.array([-50.0, 0, 20, 300]), np.array([100.0, 100, 100, 100])
    bought = np.maximum(mean + spread * draws[:, None], 0).mean(0) - np.maximum(mean, 0)
    np.testing.assert_allclose(actions.sample_information(mean, spread), bought, atol=0.3)


@settings(max_examples=60, deadline=None)
@given(st.floats(-1e4, 1e4), st.floats(0.1, 1e4))
def test_information_is_never_worth_less_than_nothing_and_grows_with_what_is_unknown(mean, spread):
    one, two = actions.sample_information(np.array([mean, mean]), np.array([spread, 2 * spread]))
    assert 0 <= one <= two and actions.sample_information(mean, 0) == 0


@pytest.mark.slow
def test_waiting_is_worth_what_simulated_waves_say():
    """The whole decision simulated: a true effect, an estimate from 400 more answers, a choice."""
    rng, n = np.random.default_rng(2), 400_000
    mean, error, wait = 2.0, 4 / 3.919928, 0.1
    truth = mean + error * rng.normal(size=n)
    seen = truth + error * rng.normal(size=n)  # 400 more answers, as many as there were
    expected = (mean + seen) / 2
    later = np.where((1 - wait) * expected * 100 > 190, (1 - wait) * truth * 100 - 190, 0).mean()
    waits = actions.net_gain(ledger(cost=190.0, status="planned"), more=400, wait=wait)
    row = waits.table.iloc[0]
    assert row["waiting"] == pytest.approx(later - 10, abs=0.5)
    assert row["verdict"] == "do not act yet"
    # What it is worth has a reason: 200 − 190 is a gain, which 400 more answers may deny.
    assert "more answers may show that it does not pay (chance of a gain" in waits.notes
    loss = actions.net_gain(ledger(cost=205.0, status="planned", answers=10), more=400)
    assert "it is not expected to pay now" in loss.notes and "400 more answers" in loss.notes


@pytest.mark.slow
def test_what_has_started_and_does_not_pay_is_to_be_stopped_or_redesigned():
    """An action on its way cannot wait to begin; the head of page 41 says so beside the first."""
    app = ledger(action_id="a02", problem="app", cost=5000.0, about="app")
    alone = actions.net_gain(app, currency="EUR")
    asked = "The action on “app” has started and is not expected to pay: stop or redesign it."
    assert alone.table["verdict"].tolist() == ["stop or redesign"]
    assert (str(alone), alone.finding.action) == ("No open action is expected to pay.", asked)
    assert alone.finding.owner == "Ann"
    assert alone.finding.detail.endswith(
        "started and not expected to pay: the action on “app” (−€4,800 a year)"
    )
    assert actions.on_hold(alone.table) == []  # it stays overdue where it is
    both = actions.net_gain(pd.concat([ledger(about="delivery"), app], ignore_index=True))
    assert str(both).startswith("Act first on “late parcels”: it is the only open action")
    assert both.finding.action == f"{SOLVE} {asked}"
    past = actions.net_gain(
        pd.concat([ledger(about="delivery"), app], ignore_index=True), past={"delivery": "w4"}
    )
    assert (past.finding.action, past.finding.owner) == (f"{OVER} {asked}", "Ann")
    others = pd.concat([ledger(about="delivery"), app.assign(owner="ben")], ignore_index=True)
    each = actions.net_gain(others).finding
    assert each.action == f"{SOLVE} Owner: Ann. {asked} Owner: Ben."
    assert each.owner == ""  # behind each step stands its own
    assert actions.responsible(app, "app")[0] == asked
    assert actions.responsible(app, "app", aim="Improve it")[0].startswith(
        "Improve it, but in another way"
    )


@pytest.mark.slow
def test_an_alert_says_that_its_baseline_is_no_control():
    """Page 40 compares the same question with controls, and shows no effect any more."""
    judged = pd.DataFrame({"change": ["rise"], "term": ["delivery"], "faded_in": ["2026-Q3"]})
    answers = study_of(delivery=STAYS, room=QUIET)
    said = "compared with controls, no effect of rise can be shown in 2026-Q3 (see “Did the change"
    for table, expected in ((judged, True), (judged.assign(term="room"), False)):
        found = actions.alerts(answers | {"40": {"verdicts": kept(table=table)}})
        assert (said in found.finding.detail) == expected
    lasting = kept(table=judged.assign(faded_in=None))
    assert said not in actions.alerts(answers | {"40": {"verdicts": lasting}}).finding.detail


@pytest.mark.slow
def test_verdicts_with_the_price_of_waiting():
    assert actions.net_gain(ledger(), more=400, wait=0.9).table["verdict"][0] == "act"
    dear = ledger(cost=5000.0, status="planned")
    assert actions.net_gain(dear, more=400).table["verdict"][0] == "do not act"
    dear = actions.net_gain(ledger(cost=190.0), more=400, wait=0.1, asking=10.0)
    assert dear.table["verdict"][0] == "act"  # asking costs more than it teaches
    none = actions.net_gain(ledger(worth=None, predicted_low=None), more=400)
    assert none.table["verdict"][0] == "unknown" and "is unknown" in none.finding.claim
    assert np.isnan(none.table["estimate"][0])


@pytest.mark.slow
def test_the_action_to_take_first_is_named_with_its_owner():
    other = ledger(action_id="a02", cost=5000.0, status="planned")
    rows = pd.concat([ledger(), other], ignore_index=True)
    found = actions.net_gain(rows, today="2026-07-10", currency="EUR").finding
    assert found.claim == (
        "Act first on “late parcels”: it is the only open action expected to pay, and it is "
        "overdue."
    )
    assert found.detail == (
        "Expected net gain €100 a year; 95% CI −€100 to €300; assumed value of a unit of the "
        "effect: €100 a year (action ledger)"
    )
    assert (found.action, found.owner) == (SOLVE, "Ann, due 30 Jun 2026")
    assert found.importance == Importance.NEWS
    early = actions.net_gain(rows, today="2026-01-10").finding
    assert early.claim.endswith("expected to pay.") and early.importance == Importance.NOTABLE
    both = pd.concat([ledger(), ledger(action_id="a02", cost=50.0)], ignore_index=True)
    assert "largest expected net gain" in str(actions.net_gain(both))
    assert str(actions.net_gain(ledger(cost=5000.0))) == "No open action is expected to pay."


def test_an_action_is_found_by_what_it_is_about():
    rows = pd.concat(
        [ledger(about="room", owner="bob", due_on="2026-08-01"), ledger(about="delivery")],
        ignore_index=True,
    )
    assert actions.responsible(rows, "nps", "delivery") == (PAYS, "Ann, due 30 Jun 2026")
    assert actions.responsible(rows, "price") == ("", "")
    assert actions.responsible(rows.drop(columns="about"), "room") == ("", "")


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({}, "Before acting on"),
        ({"cost": 5000.0, "status": "planned"}, "is not expected to pay: look for another"),
        ({"cost": 5000.0}, "stop or redesign it"),
        ({"cost": 205.0, "answers": 10, "status": "planned"}, "chance of a gain now "),
        ({"predicted": np.nan}, "whether it pays is not known yet"),
    ],
    ids=["act", "do not act", "stop or redesign", "do not act yet", "unknown"],
)
def test_what_is_to_be_done_agrees_with_the_expected_gain(about, words):
    """The box of every page says of an action what the list of actions by gain says."""
    rows = ledger(about="delivery", **about)
    action, _owner = actions.responsible(rows, "delivery", more=400)
    assert words in action, actions.net_gain(rows, more=400).table.T


def past_of_delivery(*waves: str) -> dict:
    """Page 20: the wave without which delivery is second; none where it stays first."""
    table = pd.DataFrame({"wave": ["w3", "w4"], "first": "delivery", "term": "delivery"})
    rests = pd.DataFrame({"term": "delivery", "rests_on": list(waves), "place": 2})
    return {"20": {"without_waves": kept("share", table=table.assign(estimate=0.2), rests=rests)}}


@pytest.mark.slow
def test_an_action_whose_problem_is_over_is_not_to_be_taken_first():
    """Delivery fell in w4 alone; without w4 the room is the strongest driver."""
    answers = study_of(delivery=FALL, room=STAYS) | past_of_delivery("w4")
    alerts = actions.alerts(answers).table
    past = actions.past_problems(answers, alerts)
    assert past == {"delivery": "w4"}
    rows = ledger(about="delivery")
    alone = actions.net_gain(rows, past=past)
    assert alone.table[["verdict", "rests_on"]].values.tolist() == [["fall is over", "w4"]]
    # A value of waiting rests on the prediction, which rests on the problem.
    assert alone.table[["waiting", "answers"]].isna().all(axis=None)
    assert str(alone) == (
        "No open action is ready to start: the one that would pay, on “late parcels”, rests on a "
        "fall that is over."
    )
    assert "provided that it still occurs as often" in alone.finding.detail
    elsewhere = actions.responsible(rows, "delivery", over=True)[0]
    assert elsewhere.startswith("Close the action on “late parcels” or set it a new goal")
    assert alone.finding.action == elsewhere  # every page asks for the same
    assert actions.on_hold(alone.table) == []
    other = ledger(action_id="a02", problem="loud rooms", about="room", cost=150.0)
    both = actions.net_gain(pd.concat([rows, other], ignore_index=True), past=past)
    assert str(both).startswith("Act first on “loud rooms”: of the problems that remain")


@pytest.mark.slow
def test_a_problem_that_lasts_or_does_not_decide_the_ranking_is_not_over():
    lasting = study_of(delivery=STAYS) | past_of_delivery("w4")
    settled = study_of(delivery=FALL) | past_of_delivery()
    for answers in (lasting, settled, study_of(delivery=FALL)):
        assert actions.past_problems(answers, actions.alerts(answers).table) == {}


@pytest.mark.slow
def test_the_largest_opportunity_is_one_that_holds():
    table = pd.DataFrame({"term": ["delivery", "room"], "estimate": [0.16, 0.15], "n": 400})
    answers = {"21": {"gains": kept("scale", table=table.assign(low=0.1, high=0.2))}}
    every = actions.opportunities(answers, "recommend")
    assert every.table["term"].tolist() == ["delivery", "room"] and "rests_on" not in every.table
    assert str(every).startswith("Delivery is the largest opportunity: ")
    answers |= past_of_delivery("w4")
    found = actions.opportunities(answers, "recommend", past={"delivery": "w4"})
    assert found.table["term"].tolist() == ["room", "delivery"]
    assert found.table["rests_on"].tolist() == ["", "w4"]
    assert found.table["place"].fillna(0).tolist() == [0, 2]
    assert "come after those that do not" in found.notes  # 0.16 stands below 0.15
    assert str(found).startswith("Room is the largest opportunity that rests on no past event: ")
    assert found.finding.detail.startswith("over all waves; 95% CI ")
    said = "without w4, whose fall is over, delivery (+0.16) is number 2 by explained variance"
    assert said in found.finding.detail
    rests = answers["20"]["without_waves"].rests
    for leader, named in (("website", True), ("room", False)):
        latest = pd.DataFrame({"term": [leader], "estimate": 0.3, "n": 99, "wave": "w5"})
        shown = {"table": rests, "rests": rests, "latest": latest}
        answers["20"] = {"without_waves": Result(shown, "")}
        found = actions.opportunities(answers, "recommend", past={"delivery": "w4"})
        said = "in w5 alone website is the strongest driver (n = 99)"
        assert (said in found.finding.detail) == named
    position = pd.DataFrame({"term": ["room"], "position": ["strength"]})
    answers["21"]["needs"] = kept("scale", table=position)
    strong = actions.opportunities(answers, "recommend", past={"delivery": "w4"})
    assert "room is a strength: rated above average already" in strong.finding.detail


def test_contacting_customers_at_risk_has_the_gain_of_the_list_of_this_run():
    def money(estimate: float) -> Result:
        row = {"term": "by expected gain", "estimate": estimate, "low": -9.0, "high": 2e3, "n": 9}
        return kept("money", table=pd.DataFrame([row]))

    answers = {"32": {"gain": money(942.0), "contact": money(532.0)}}
    assert actions.opportunities(answers).table["estimate"].tolist() == [532.0]


def test_actions_are_sorted_by_what_they_gain():
    rows = pd.concat(
        [
            ledger(action_id=f"a{k}", predicted=v, predicted_high=9.0)
            for k, v in enumerate([1.0, 5.0, 3.0])
        ],
        ignore_index=True,
    )
    assert list(actions.net_gain(rows).table["action_id"]) == ["a1", "a2", "a0"]


def test_what_closed_ones_brought_stands_beside_what_was_predicted():
    done = dict(status="done", realised=3.0, realised_low=1.0, realised_high=5.0)
    rows = pd.concat(
        [ledger(**done), ledger(action_id="a02", **done | {"realised": 5.0})], ignore_index=True
    )
    found = actions.realised_gains(rows)
    # (3 + 5) x 100 less 200; the interval of independent effects: 200 x sqrt(2) about it
    assert str(found) == (
        "Finished actions brought 600 net in a year, at the assumed value of their effects."
    )
    assert found.finding.detail == (
        "95% CI 317 to 883; assumed value of a unit of the effect: 100 a year (action ledger); "
        "2 finished actions, 1 inside their predicted intervals"
    )
    assert list(found.comparison["term"]) == ["predicted"] * 2 + ["realised"] * 2


@pytest.mark.slow
def test_a_gain_that_rests_on_an_effect_that_is_gone_is_not_settled():
    """What 40 says of an effect, 41 and the index say of the money that rests on it."""
    done = dict(status="done", realised=3.0, realised_low=1.0, realised_high=5.0)
    rows = pd.concat([ledger(**done), ledger(action_id="a02", **done)], ignore_index=True)
    judged = pd.DataFrame({"change": ["calls", "app"], "faded_in": ["2026-Q3", None]})
    changes = [SimpleNamespace(name=n, action=a) for n, a in [("calls", "a01"), ("app", "a02")]]
    faded = actions.faded_effects({"40": {"verdicts": kept(table=judged)}}, changes)
    assert faded == {"a01": "2026-Q3"}
    found = actions.realised_gains(rows, faded=faded)
    assert str(found) == (
        "The yearly value of finished actions is not settled: the action on “late parcels” shows "
        "no effect on the score in 2026-Q3."
    )
    # 3 x 100 less 100, and as the other lost money, more than both together: −1 x 100 less 100.
    loss = rows.assign(realised=[3.0, -1.0], realised_low=[1.0, -3.0], realised_high=[5.0, 1.0])
    less = actions.realised_gains(loss, faded=faded).finding.detail
    assert less.startswith(
        "if effects lasted a year 0 net; 95% CI −283 to 283; 200 by actions whose "
    )
    assert "effect cannot be shown any more, −200 by the others; assumed value" in less
    every = actions.realised_gains(loss, faded=faded | {"a02": "2026-Q3"}).finding.detail
    assert "any more" not in every  # the claim says it of all
    assert found.finding.detail.startswith("if effects lasted a year 400 net; 95% CI 117 to 683; 2")
    assert found.finding.verdict == "unclear"
    assert actions.realised_gains(rows, faded={}).finding.verdict == "better"


@pytest.mark.slow
def test_an_effect_that_the_run_measures_has_its_interval_and_names_the_booked_one():
    done = dict(status="done", measure="NPS", realised=3.0, realised_low=1.0, realised_high=5.0)
    rows = pd.concat([ledger(**done), ledger(action_id="a02", **done)], ignore_index=True)
    judged = {"change": ["calls"], "term": ["recommend"], "unit": ["points"]}
    judged |= {"estimate": [3.4], "low": [1.2], "high": [5.6]}
    answers = {"40": {"verdicts": kept(table=pd.DataFrame(judged))}}
    changes = [SimpleNamespace(name="calls", action="a01")]
    found = actions.realised_gains(actions.with_measured(rows, answers, changes))
    ends = ["estimate", "low", "high"]
    assert found.table[ends].values.tolist() == [[3.4, 1.2, 5.6], [3.0, 1.0, 5.0]]
    assert found.comparison.query("term == 'realised'")[ends].values.tolist()[0] == [3.4, 1.2, 5.6]
    assert "was booked as +3.0 (95% CI 1.0 to 5.0)." in found.notes
    other = {"40": {"verdicts": kept(table=pd.DataFrame(judged | {"unit": ["scale"]}))}}
    assert "booked" not in actions.with_measured(rows, other, changes)  # another outcome
    assert "booked as" not in actions.realised_gains(rows).notes


def test_the_ledger_of_the_sample_has_the_interval_that_page_40_measures():
    """One effect has one interval: 26 and 41 print the ledger's, 40 its own."""
    folder = Path(__file__).parents[2]
    rows = pd.read_csv(folder / "data/sample/actions.csv.gz").set_index("action_id")
    effect = rows.loc["a02", ["realised", "realised_low", "realised_high"]].tolist()
    assert effect == [22.7, 13.8, 32.3]
    page = (folder / "notebooks/40_did_the_change_work.ipynb").read_text(encoding="utf-8")
    assert "Randomised; 95% CI {1} to {2}; n = ".format(*effect) in page


@pytest.mark.slow
def test_what_is_not_to_be_begun_is_not_overdue():
    """On 1 Oct both are late; the one that does not pay and was not begun is on hold."""
    planned = ledger(action_id="a02", problem="old app", cost=900.0, status="planned")
    rows = pd.concat([ledger(), planned], ignore_index=True)
    held = actions.on_hold(actions.net_gain(rows).table)
    assert held == ["a02"]
    found = actions.action_status(rows, "2026-10-01", held=held)
    assert dict(zip(found.table["action_id"], found.table["standing"], strict=True)) == {
        "a01": "overdue",
        "a02": "on hold",
    }
    assert str(found) == "1 of 2 open actions is overdue; 1 on hold."
    assert "on hold: the action on “old app”" in found.finding.detail
    none = actions.action_status(rows.tail(1), "2026-10-01", held=held)
    assert str(none) == "No open action is overdue or stalled that is to be acted on."


@pytest.mark.slow
def test_the_list_of_alerts_of_the_run_before_is_no_series_of_its_own():
    """Page 41 opened by hand reads the answers of the last run, its own among them."""
    answers = study_of(delivery=FALL, room=STAYS)
    found = actions.alerts(answers)
    assert len(found.table)
    again = actions.alerts(answers | {"41": {"warnings": found}})
    assert again.looked == found.looked and again.finding == found.finding


def test_an_action_answers_alerts_of_its_construct_its_group_and_its_standard():
    kin = {"price": ["quality"]}
    assert names_of({"term": "price", "group": "", "by": ""}, kin) == ["price", "quality"]
    assert names_of({"term": "resolution SLA", "group": "low"}, {}) == [
        "resolution SLA",
        "solved_in_time",
        "low",
    ]


def test_a_strength_with_the_largest_gain_is_called_one():
    table = pd.DataFrame({"term": ["delivery", "room"], "estimate": [0.16, 0.15], "n": 400})
    needs = pd.DataFrame({"term": ["room", "delivery"], "position": ["weakness", "strength"]})
    page = {
        "gains": kept("scale", table=table.assign(low=0.1, high=0.2)),
        "needs": kept(table=needs),
    }
    found = actions.opportunities({"21": page}, "recommend")
    assert found.table["position"].tolist() == ["strength", "weakness"]
    assert "delivery is a strength: rated above average already" in found.finding.detail
    page["needs"] = kept(table=needs.assign(position="rated about average"))
    found = actions.opportunities({"21": page}, "recommend")
    assert found.finding.detail.endswith("delivery is rated about average")


def test_effects_of_closed_actions_are_named_with_what_they_are_on():
    done = {"status": "done", "predicted": 2.0, "predicted_low": 1.0, "predicted_high": 3.0}
    done |= {"realised": 2.0, "realised_low": 1.0, "realised_high": 3.0}
    parcels, bills = ({"problem": "late parcels"}, {"problem": "wrong bills", "action_id": "a02"})
    one = ledger(**done, **parcels, measure="NPS")
    found = actions.realised_gains(pd.concat([one, ledger(**done, **bills, measure="NPS")]))
    assert (found.about, found.effect_unit) == ("effect on NPS", "points")
    mixed = actions.realised_gains(pd.concat([one, ledger(**done, **bills, measure="calls")]))
    assert mixed.effect_unit == "" and "wrong bills (calls)" in list(mixed.comparison["problem"])


def test_events_of_which_the_same_is_not_known_share_one_list():
    lines = ((0, False, "Group: no significant difference."),)
    known = ((0, True, "Group: south"),)
    trees = [
        Tree(head, one) for head, one in zip("abcd", [lines, lines, known, known], strict=True)
    ]
    assert [tree.lines for tree in _once(trees)] == [(), lines, known, known]
    assert _once([]) == []


# Levers


def test_levers_are_the_first_of_each_notebook():
    gains = pd.DataFrame(
        {"term": list("abcde"), "estimate": [5, 4, 3, 2, 1.0], "low": 0.0, "high": 9.0, "n": 100}
    )
    pains = pd.DataFrame({"touchpoint": ["desk"], "term": ["waiting"], "estimate": [3.0],
                          "low": [1.0], "high": [5.0], "n": [50], "reach": [0.5],
                          "severity": [0.4], "chance_top": [0.9]})  # fmt: skip
    found = {"21": {"gains": kept(table=gains)}, "22": {"pain_points": kept(table=pains)}}
    table = actions.opportunities(found).table
    assert (
        list(table["source"]) == ["21", "21", "21", "22"]
        and table["term"].iloc[3] == "desk: waiting"
    )


def test_pain_points_are_named_as_sentences_name_them():
    pains = pd.DataFrame({"touchpoint": ["desk"] * 3, "n": 50, "reach": 0.5, "severity": 0.4,
                          "term": ["problem", "low rating", "not reached"], "estimate": 3.0,
                          "low": 1.0, "high": 5.0, "chance_top": 0.9})  # fmt: skip
    table = actions.opportunities({"22": {"pain_points": kept(table=pains)}}).table
    assert table["term"].tolist() == [
        "problem at desk",
        "low rating of desk",
        "desk not reached",
    ]
    with context.use(context.Context(labels={"desk: not reached": "Nobody at the desk"})):
        table = actions.opportunities({"22": {"pain_points": kept(table=pains)}}).table
    assert table["term"].iloc[2] == "Nobody at the desk"


def test_an_opportunity_says_how_much():
    pains = pd.DataFrame({"touchpoint": ["desk"], "term": ["waiting"], "estimate": [30.0],
                          "low": [10.0], "high": [50.0], "n": [50], "reach": [0.5],
                          "severity": [0.4], "chance_top": [0.9]})  # fmt: skip
    found = actions.opportunities({"22": {"pain_points": kept(table=pains)}}, "score", "EUR")
    assert str(found) == (
        "The largest opportunity: “desk: waiting”, associated with “score” being 0.30 "
        "points lower on average over all answers."
    )
    assert found.table["low"].tolist() == [0.1]  # 22 gives it for 100 answers
    priced = pains.assign(money=900.0, money_low=-50.0, money_high=1850.0)
    found = actions.opportunities({"22": {"pain_points": kept(table=priced)}}, "score", "EUR")
    assert str(found).endswith("with an expected gain of €900.")
    assert "−€50 to €1,850" in found.finding.detail


def test_amounts_have_their_currency_in_the_interval_too():
    rows = ledger(predicted=3.0, predicted_low=1.0, predicted_high=5.0)
    gain = actions.net_gain(rows, currency="EUR").finding
    assert gain.detail.count("€") == 4 and gain.action not in gain.claim


@pytest.mark.parametrize(
    ("rows", "default", "said"),
    [
        (ledger(measure="NPS"), 0, "assumed value of an NPS point: €100 a year (action ledger)"),
        (ledger(measure="NPS", worth=None), 40, "an NPS point: €40 a year (study settings)"),
        (ledger(measure="calls"), 0, "a point of calls: €100 a year (action ledger)"),
        (
            pd.concat([ledger(measure="NPS"), ledger(measure="calls", worth=None)]),
            4000,
            "€100 to €4,000 a year, different by action (action ledger and study settings)",
        ),
    ],
)
def test_an_amount_says_on_which_value_of_an_effect_it_rests(rows, default, said):
    done = {"status": "done", "realised": 3.0, "realised_low": 1.0, "realised_high": 5.0}
    closed = actions.realised_gains(rows.assign(**done), worth=default, currency="EUR")
    assert said in closed.finding.detail and "assumed value" in closed.finding.claim
    ahead = actions.net_gain(rows.assign(cost=1.0), worth=default, currency="EUR")
    assert said in ahead.finding.detail


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_numbers_are_the_same_in_both_languages(lang):
    context.begin(lang=lang)
    found = failure()
    tree = actions.causes(found, actions.alerts(found), ratings={"delivery": "delivery"})
    # The group has an alert of its own, so that its number and interval are those of the alert.
    assert "−0.90" in tree.finding.detail
    assert i18n.catalogue("zh").gettext("do not act yet") == "暂不行动"


def test_a_change_since_one_wave_has_the_interval_of_the_pages_own_comparison():
    """Page 12 compares two waves by itself; its alert is no second interval of the same number."""
    compared = {"wave": ["2018"], "against": ["2017"], "term": ["nps"], "estimate": [-5.3]}
    fit = Result(pd.DataFrame(compared | {"low": [-9.4], "high": [-1.1], "p": [0.011]}), "")
    alert = {"term": "nps", "wave": "2018", "against": "2017", "by": "", "estimate": -5.3}
    assert series._as_compared({"nps_change": fit}, alert) == {
        "low": -9.4,
        "high": -1.1,
        "probability": 0.011,
    }
    for other in ({"against": ""}, {"by": "area"}, {"term": "csat"}, {"estimate": -4.0}):
        assert series._as_compared({"nps_change": fit}, alert | other) == {}
