"""All customers batch by batch: lists of parts are the list of all; no query brings too much."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxlib import actions, care, churn, reserve, scores, service
from cxlib.core.sample import Sample
from cxlib.data import study as study_
from cxlib.data.schema import Limits
from cxlib.reserve import subsample, tables_read

LIMIT = 8000  # of the 21,635 orders and 42,001 order lines of the sample
TABLES = ("customers", "orders", "cases", "responses", "events", "comments", "contacts")
TODAY = "2026-10-01"


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def loaded_sample():
    """The reserve of the sample."""
    reserve.open("sample").close()


def opened(limit: int = LIMIT) -> reserve.Reserve:
    changed = {"limits": Limits.model_construct(rows_at_most=limit)}
    return reserve.Reserve(study_.read("sample").model_copy(update=changed))


@pytest.fixture
def study(loaded_sample):
    """The sample, whose tables are too large to be read at once."""
    with opened() as whole:
        yield whole


@pytest.fixture
def fetched(monkeypatch, tmp_path):
    """Rows that each query brings."""
    brought: list[int] = []
    monkeypatch.setenv(tables_read.FILE, str(tmp_path / "read"))
    monkeypatch.setattr(tables_read, "note_cost", lambda rows, *_others: brought.append(rows))
    return brought


def test_parts_hold_every_customer_once_and_few_rows_each(study):
    parts = []
    for part in study.in_batches(*TABLES):
        parts.append({t: part[t] for t in TABLES})
        assert part.last_day == study.last_day
        assert len(part["actions"]) == len(study["actions"])  # the company's, not a customer's
    assert len(parts) == 4
    for table in TABLES:
        rows = pd.concat([part[table] for part in parts])
        key = rows.columns[0]
        whole = study[table].sort_values(key, ignore_index=True)
        pd.testing.assert_frame_equal(rows.sort_values(key, ignore_index=True), whole)
        assert max(len(part[table]) for part in parts) <= LIMIT


def test_few_rows_are_one_part(loaded_sample):
    with opened(50_000) as whole:
        assert [part is whole for part in whole.in_batches(*TABLES)] == [True]


def test_a_condition_may_leave_nobody_of_a_part_but_not_nobody_at_all(study):
    one = study["customers"]["customer_id"].iloc[7]
    found = [
        part.care.tables(f"customer_id = '{one}'")["cases"]
        for part in study.in_batches(*TABLES, where=f"customer_id = '{one}'")
    ]
    assert {c for rows in found for c in rows["customer_id"]} <= {one}
    for nobody, why in (("region = 'moon'", "no row has region"), ("joined_on is null", "none of")):
        with pytest.raises((ValueError, RuntimeError), match=why):
            next(study.in_batches(*TABLES, where=nobody))


@pytest.fixture(scope="module")
def model(loaded_sample):
    """A model of who leaves, of the rows of some customers."""
    with opened() as whole, whole.of_some_customers(*TABLES) as some:
        rows = Sample(some.customers.profiles(), draws=50, seed=1)
        return churn.fit(rows, validation=churn.Validation(folds=2, repeats=1))


def listed(part: reserve.Reserve, model, campaign: churn.Campaign):
    rows = part.customers.with_value(part.customers.active())
    rules = {"rules": part.study.contact_rules, "today": TODAY, "never": part.care.never()}
    rests = care.resting(rows["customer_id"], part["contacts"], **rules)
    known = churn.Experiences(**part.customers.experiences())
    return churn.contact_list(rows, model, campaign, known, resting=rests)


@pytest.mark.parametrize("capacity", [60, None])
def test_the_contact_list_of_parts_is_that_of_all(study, model, fetched, capacity):
    campaign = churn.Campaign("worth", offer=5, contact=1, capacity=capacity, currency="EUR")
    parts = [listed(part, model, campaign) for part in study.in_batches(*TABLES)]
    assert max(fetched) <= LIMIT
    joint = churn.joined_lists(parts, campaign)
    with opened(50_000) as whole:
        every = listed(whole, model, campaign)
    assert len(every.customers) > 50
    by = ["expected_gain", "customer_id"]
    ours, theirs = (r.customers.drop(columns="rank").sort_values(by) for r in (joint, every))
    pd.testing.assert_frame_equal(
        ours.reset_index(drop=True), theirs.reset_index(drop=True), rtol=1e-9
    )
    pd.testing.assert_frame_equal(joint.table, every.table, rtol=1e-9)
    pd.testing.assert_frame_equal(joint.touchpoints.table, every.touchpoints.table)
    assert str(joint) == str(every) and joint.notes == every.notes


def needs_of(part: reserve.Reserve) -> pd.DataFrame:
    known, study = part.care.tables(), part.study
    timed = (known["cases"], part.care.every_case(), study, part.care.statuses())
    return care.needs(
        care.Evidence(
            responses=known["responses"],
            outcome="recommend",
            item=study.items["recommend"],
            cases=service.times_of(*timed, as_of=TODAY),
            events=known["events"],
            bad=study.journey.bad,
            comments=known["comments"],
            worth=part.care.worth(),
        ),
        TODAY,
    )


def test_who_has_a_reason_to_be_called_is_the_same_in_parts(study, fetched):
    tables = (*TABLES, "case_statuses")
    parts = [needs_of(part) for part in study.in_batches(*tables)]
    assert len(parts) > 3 and max(fetched) <= LIMIT
    with opened(50_000) as whole:
        every = needs_of(whole)
    ours = pd.concat(parts).sort_values("customer_id", ignore_index=True)
    pd.testing.assert_frame_equal(ours, every, check_dtype=False)
    assert len(every) > 300


def test_what_waits_long_is_the_same_in_parts_by_one_fit(study):
    def steps(of: reserve.Reserve) -> Sample:
        opened, _kinds = of.care.awaited("cases", draws=50)
        timed = service.case_times(opened, of.study.service.standards)
        return timed.with_data(care.case_steps(timed.data))

    fit = care.late_steps(steps(study), ["severity"], TODAY, rate=0.5)
    parts = [care.late_among(fit, steps(part).data, TODAY) for part in study.in_batches("orders")]
    assert len(parts) > 2
    ours = care.joined_items(parts).sort_values(["item", "step"], ignore_index=True)
    every = fit.items.sort_values(["item", "step"], ignore_index=True)
    pd.testing.assert_frame_equal(ours, every, check_dtype=False)
    assert len(every) > 3


def test_losses_are_counted_of_all_customers(study):
    months = study.customers.left_by_month()
    assert len(months) < 100
    rows = churn.losses_forecast(study["customers"], study.last_day)
    counted = churn.losses_forecast(months, study.last_day)
    for name in ("table", "earlier"):
        pd.testing.assert_frame_equal(counted.tables[name], rows.tables[name])
    assert str(counted) == str(rows) and counted.finding.detail == rows.finding.detail


def test_scores_of_units_are_those_of_all_within_wider_intervals(loaded_sample):
    found = []
    with opened(1000) as whole, whole.of_some_customers("cases") as some:
        for study in (whole, some):
            rows = service.case_times(
                study.sample("cases", draws=200), study.study.service.standards
            )
            asked = {"by": "owner", "tree": study.units}
            fit = scores.unit_scorecard(
                rows, "solved_in_time", scores.Measure("csat", (0, 1), 1), **asked
            )
            found.append(fit.table.set_index("unit"))
    of_all, of_some = found
    assert of_some["n"].sum() < 0.75 * of_all["n"].sum()
    assert list(of_some.index) == list(of_all.index)
    inside = of_all["estimate"].between(of_some["low"], of_some["high"])
    assert inside.all()


def test_closed_actions_of_single_customers_do_not_make_the_ledger_large(loaded_sample, capsys):
    with opened(3) as whole:
        rows, every = whole.ledger(), whole["actions"]
        single = every["class"].eq("one customer") & every["status"].isin(["done", "dropped"])
        assert 0 < single.sum() < len(every)
        pd.testing.assert_frame_equal(rows, every[~single].reset_index(drop=True))
        said = capsys.readouterr().out
        assert f"The ledger has {len(every)} actions" in said
        assert actions.customers_waiting(rows) == actions.customers_waiting(every)
    with opened() as whole:
        assert len(whole.ledger()) == len(every) and not capsys.readouterr().out


def test_batches_divide_all_keys():
    parts = subsample.batches({"orders": 10_000_019}, ["orders"], 1_000_000)
    ends = [(some.start, some.start + some.share) for some in parts]
    keys = [(round(low * subsample.KEYS), round(high * subsample.KEYS)) for low, high in ends]
    assert keys[0][0] == 0 and keys[-1][1] == subsample.KEYS
    assert all(one[1] == other[0] for one, other in zip(keys, keys[1:], strict=False))
    assert np.ptp([high - low for low, high in keys]) <= 1
