"""Who comes back: truths by hand, published counts, scipy as a witness, coverage of known truth."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from generator import returns
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from cxlib import loyalty
from cxlib.core.result import Importance
from cxlib.core.sample import Sample
from cxlib.data import sources, study
from cxlib.loyalty import purchase_history
from cxlib.loyalty.cohorts import jeffreys
from cxlib.loyalty.repeat_purchase import _curve
from cxlib.privacy import cross_page
from cxlib.report import answers
from cxlib.stats import survival
from cxlib.stats.intervals import LEVEL

PUBLISHED = json.loads((Path(__file__).parents[1] / "reference" / "loyalty.json").read_text())


def orders_of(days: dict[str, list[str]], amount: float = 10.0) -> pd.DataFrame:
    rows = [(who, pd.Timestamp(day), amount) for who, on in days.items() for day in on]
    return pd.DataFrame(rows, columns=["customer_id", "at", "amount"])


@pytest.fixture(scope="module")
def bought() -> pd.DataFrame:
    """Some 400 customers who buy now and then over a year."""
    rng = np.random.default_rng(4)
    who = np.repeat(np.arange(400), rng.geometric(0.3, 400))
    day = rng.integers(0, 365, len(who))
    return pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in who],
            "at": pd.Timestamp("2025-01-01") + pd.to_timedelta(day, unit="D"),
            "amount": rng.gamma(4.0, 5.0, len(who)),
        }
    )


@pytest.fixture(scope="module")
def shop() -> dict[str, pd.DataFrame]:
    return returns.shoppers(900, seed=1)


def began_of(shop: dict[str, pd.DataFrame], **changed: object) -> Sample:
    """First purchases of the shop, with 50 draws."""
    tables = {"events": shop["events"], "customers": shop["customers"], "known": ["plan"]} | changed
    orders = Sample(tables.pop("orders", shop["orders"]), draws=50)
    around = loyalty.OrderContext(**tables)
    return loyalty.first_purchases(purchase_history(orders), around, landmark=30, horizon=150)


# Cohorts


@pytest.mark.slow
def test_cohorts_by_hand():
    orders = orders_of(
        {
            "a": ["2025-01-05", "2025-01-20", "2025-03-01"],  # after 15 and 55 days
            "b": ["2025-01-10"],
            "c": ["2025-02-01", "2025-02-01", "2025-03-03"],  # one purchase a day; after 30 days
            "z": ["2025-04-10"],  # the last day seen: in no cell
        }
    )
    kept = loyalty.cohorts(purchase_history(orders), every="month")
    cells = kept.table.set_index(["cohort", "after"])["estimate"]
    assert cells["2025-01", "1"] == 0.5 and cells["2025-01", "2"] == 0.5
    assert cells["2025-01", "3"] == 0 and cells["2025-02", "1"] == 1.0
    assert "2025-04" not in kept.table["cohort"].tolist()
    # Nobody was seen for 120 days, so that no cohort has a fourth period.
    assert kept.table["after"].max() == "3" and kept.curve["n"].tolist()[:1] == [3]


@pytest.mark.slow
def test_a_cohort_is_told_only_when_all_of_it_were_seen():
    days = {"y": "2024-12-01", "a": "2025-01-01", "b": "2025-01-31", "z": "2025-03-01"}
    kept = loyalty.cohorts(
        purchase_history(orders_of({who: [day] for who, day in days.items()})), every="month"
    )
    # b was seen for 29 days only: the cohort of January has no cell, though a was seen for 59.
    assert set(kept.table["cohort"]) == {"2024-12"}
    assert kept.curve["n"].tolist()[0] == 2


@pytest.mark.slow
def test_the_curve_is_the_mean_of_the_cohorts_seen(bought):
    kept = loyalty.cohorts(purchase_history(bought), every="quarter")
    cells = kept.table[kept.table["after"] == "1"]
    whole = cells[cells["cohort"] < "2025-Q4"]
    mean = np.average(whole["estimate"], weights=whole["n"])
    seen = kept.curve[(kept.curve["after"] == "1") & (kept.curve["group"] == "overall")]
    # The curve also has those of a cohort who were seen when the last of it were not.
    assert seen["n"].item() >= whole["n"].sum()
    assert seen["estimate"].item() == pytest.approx(mean, abs=0.05)


@pytest.mark.slow
def test_groups_are_parts_of_the_curve(bought):
    ids = bought["customer_id"].unique()
    groups = pd.Series(np.where(np.arange(len(ids)) % 3 == 0, "x", "y"), index=ids)
    curve = loyalty.cohorts(purchase_history(bought), every="quarter", groups=groups).curve
    first = curve[curve["after"] == "1"].set_index("group")
    parts = first.loc[["x", "y"]]
    assert parts["n"].sum() == first.loc["overall", "n"]
    assert np.average(parts["estimate"], weights=parts["n"]) == pytest.approx(
        first.loc["overall", "estimate"]
    )


@pytest.mark.slow
@settings(max_examples=4, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_and_the_names_of_customers_change_nothing(bought, random):
    names = list(bought["customer_id"].unique())
    random.shuffle(names)
    renamed = dict(zip(bought["customer_id"].unique(), names, strict=True))
    other = bought.assign(customer_id=bought["customer_id"].map(renamed)).sample(
        frac=1, random_state=random.randrange(10**6)
    )
    one, two = (loyalty.cohorts(purchase_history(o)).table for o in (bought, other))
    pd.testing.assert_frame_equal(one, two)


@pytest.mark.coverage
def test_intervals_of_cells_cover_all_at_once(tell_coverage):
    rng = np.random.default_rng(2)
    n = rng.integers(30, 400, 30)
    truth = rng.beta(1.0, 3.0, 30).clip(0.02, 0.98)
    drawn = rng.binomial(n, truth, (4000, 30)).astype(float)
    low, high = jeffreys(drawn, n, LEVEL ** (1 / 30))
    covered = ((low <= truth) & (truth <= high)).all(1).mean()
    tell_coverage(
        "cells of a cohort table, Jeffreys interval, simultaneous",
        "30 cells of 30 to 400 customers",
        covered,
        len(drawn),
    )
    assert 0.93 < covered < 0.98


# New customers


def test_those_who_joined_before_the_file_begins_are_not_new():
    orders = orders_of({"old": ["2025-01-02"], "new": ["2025-01-02"], "none": ["2025-01-01"]})
    joined = pd.Series(pd.to_datetime(["2024-12-31", "2025-01-01", None]), ["old", "new", "none"])
    bought = purchase_history(orders, joined=joined)
    assert dict(zip(bought.names, bought.new, strict=True)) == {
        "new": True,
        "none": True,
        "old": False,
    }


def test_without_days_of_joining_a_quiet_time_tells_who_is_new():
    orders = orders_of({"a": ["2025-01-01"], "b": ["2025-02-09"], "c": ["2025-02-10"]})
    bought = purchase_history(orders, quiet=40)
    assert bought.new.tolist() == [False, False, True]
    assert "at least 40 days" in bought.notes[-1]


@pytest.mark.slow
def test_repeat_purchases_of_cdnow_are_as_many_as_published():
    source = study.read("cdnow").sources["CDNOW_master.txt"]
    changed = {
        "member": "lifetimes/datasets/CDNOW_sample.txt",
        "mirror": "cdnow/CDNOW_sample.txt",
        "sha256": "6fae10155c0b0ba363c2c386e30f77990d22328220efd862a5edd1443420d94a",
    }
    try:
        path = sources.fetch(source.model_copy(update=changed), "CDNOW_sample.txt")
    except sources.SourceError as error:
        pytest.skip(f"the CDNOW sample cannot be had: {error}")
    names = ["customer_id", "number", "at", "discs", "amount"]
    orders = pd.read_csv(path, sep=r"\s+", names=names, dtype={"customer_id": str, "at": str})
    orders = orders.assign(at=pd.to_datetime(orders["at"], format="%Y%m%d"))
    told = PUBLISHED["cdnow"]
    bought = purchase_history(orders, as_of=told["as_of"])
    repeats = np.bincount(bought.who) - 1
    assert np.bincount(np.minimum(repeats, 7)).tolist() == told["customers"]


# The next purchase


@pytest.mark.slow
def test_the_next_purchase_by_hand():
    orders = orders_of(
        {
            "a": ["2025-01-01", "2025-01-11"],
            "b": ["2025-01-01", "2025-01-21", "2025-01-31"],
            "c": ["2025-01-16"],  # seen for 15 days
            "d": ["2025-01-01"],
        }
    )
    table = loyalty.repeat_purchase(purchase_history(orders), within=(10, 20), most=1).table
    # After 10 days one of four; after 20 one of the two still waited for who were seen so long.
    assert table["estimate"].tolist() == pytest.approx([1 / 4, 1 - 3 / 4 * 1 / 2])
    assert table["n"].tolist() == [4, 4]


@pytest.mark.slow
def test_the_window_of_the_answer_is_365_days_where_the_orders_reach_so_far():
    def claim(days: int, **given: int) -> str:
        rng = np.random.default_rng(4)
        first = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 30, 200), "D")
        again = first + pd.to_timedelta(rng.integers(5, 60, 200), "D")
        who = [f"c{i}" for i in range(200)]
        orders = pd.DataFrame({"customer_id": who + who[:100], "at": [*first, *again[:100]]})
        end = orders["at"].min() + pd.Timedelta(days=days)
        history = purchase_history(orders.assign(amount=9.0), as_of=f"{end:%Y-%m-%d}")
        finding = loyalty.repeat_purchase(history, **given).finding
        return f"{finding.claim} {finding.detail}"

    assert "within a year" in claim(500) and "too few" not in claim(500)
    assert "within 180 days" in claim(300)
    assert "too few customers were observed for 365 days" in claim(300)
    assert "within 90 days" in claim(500, window=90)
    with pytest.raises(ValueError, match="window is 0"):
        claim(500, window=0)


def waiting(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Waits of a mean of 60 days, rounded up, seen for 20 to 200 days."""
    rng = np.random.default_rng(seed)
    wait, seen = np.ceil(rng.exponential(60, n)), rng.integers(20, 200, n).astype(float)
    return np.minimum(wait, seen), wait <= seen


@pytest.mark.filterwarnings("ignore:The confidence interval is undefined")  # where all came
def test_the_curve_and_its_errors_are_those_of_scipy():
    from scipy.stats import CensoredData, ecdf

    time, came = waiting(300, 3)
    at = np.array([20.0, 60.0, 120.0])
    risk = survival.at_risk(np.zeros(300), time, came.astype(int), np.ones(300))
    share, error, _ = survival.greenwood(risk, at)
    theirs = ecdf(CensoredData(uncensored=time[came], right=time[~came])).sf
    assert_allclose(share, 1 - theirs.evaluate(at), atol=1e-12)
    ends = theirs.confidence_interval(0.95, method="log-log")
    low, high = survival.bent(share, error, 1.959963985)
    assert_allclose(low, 1 - ends.high.evaluate(at), atol=1e-9)
    assert_allclose(high, 1 - ends.low.evaluate(at), atol=1e-9)
    assert_allclose(share, survival.incidence(risk, at)[0][0], atol=1e-12)


@pytest.mark.coverage
@pytest.mark.parametrize("n", [25, 50, 300])
def test_the_band_of_the_next_purchase_covers_the_whole_curve(n, tell_coverage):
    covered = []
    for seed in range(400):
        curve = _curve(0, *waiting(n, seed), (30,), LEVEL, seed)
        truth = 1 - np.exp(-curve["time"] / 60)
        low, high = curve["simultaneous_low"], curve["simultaneous_high"]
        covered.append(((low <= truth) & (truth <= high)).all())
    tell_coverage("curve of the next purchase, band", f"{n} customers", np.mean(covered), 400)
    assert np.mean(covered) >= 0.93


def test_repeat_revenue_by_hand():
    orders = orders_of({"a": ["2025-01-01", "2025-01-11"], "b": ["2025-01-01"]})
    orders["amount"] = [10.0, 30.0, 20.0]
    fit = loyalty.repeat_revenue(purchase_history(Sample(orders, draws=50)), every="month")
    assert fit.table["estimate"].tolist() == pytest.approx([1 / 2, 1 / 3])
    # January is not over, so that only the overall share is told.
    assert fit.table["period"].tolist() == ["overall", "overall"]


def test_repeat_revenue_of_old_customers_is_no_finding():
    """Nine in ten were there when the file begins: all of theirs is repeated by definition."""
    days = {f"a{k}": ["2025-01-05", "2025-03-01", "2025-05-01"] for k in range(90)}
    days |= {f"b{k}": ["2025-04-01", "2025-06-01"] for k in range(10)}
    history = purchase_history(Sample(orders_of(days), draws=50))
    joined = np.array([str(name).startswith("b") for name in history.names])
    told = loyalty.repeat_revenue(replace(history, new=joined, n_new=10)).finding
    assert told.importance == Importance.CONTEXT and told.value == pytest.approx(280 / 290)
    assert "90% of customers are not new: by definition, all of theirs" in told.detail


def test_customers_of_several_periods_hide_no_period():
    days = {f"a{i}": ["2025-02-03"] for i in range(60)}
    days |= {f"b{i}": ["2025-03-03"] for i in range(60)}
    days |= {f"c{i}": ["2025-02-04", "2025-03-04"] for i in range(15)}  # counted in both months
    days |= {f"d{i}": ["2025-01-15"] for i in range(20)} | {"e": ["2025-01-14", "2025-04-02"]}
    history = purchase_history(Sample(orders_of(days), cluster="customer_id", draws=50))
    fit = loyalty.repeat_revenue(history, every="month")
    assert fit.table["n"].tolist()[:3] == [156, 75, 75]  # 156 less both is 6, but 21 are elsewhere
    kept = {"revenue": answers._record("revenue", fit, "")}
    assert cross_page.exposures({"33": cross_page.Shown(kept, "", "", "33")}) == {}


# What distinguishes


@pytest.mark.slow
def test_a_delivery_after_the_landmark_is_not_known(shop):
    began = began_of(shop)
    assert set(began["delivery"]) == {"late", "on_time"}
    later = shop["events"].assign(at=shop["events"]["at"] + pd.Timedelta(days=40))
    assert "delivery" not in began_of(shop, events=later)


@pytest.mark.slow
def test_what_comes_after_the_landmark_changes_no_feature(shop):
    """A leak would: later orders, deliveries and cases are changed, the features are the same."""
    began = began_of(shop, cases=cases_of(shop, 5))
    day = shop["orders"]["customer_id"].map(
        shop["orders"].groupby("customer_id")["at"].min()
    ) + pd.Timedelta(days=30)
    later = shop["orders"]["at"] > day
    orders = shop["orders"].assign(amount=shop["orders"]["amount"].mask(later, 999.0))
    extra = cases_of(shop, 31)
    noise = pd.concat(
        [
            shop["events"],
            shop["events"].assign(at=shop["events"]["at"] + pd.Timedelta(days=45), outcome="lost"),
        ]
    )
    again = began_of(shop, orders=orders, events=noise, cases=pd.concat([cases_of(shop, 5), extra]))
    pd.testing.assert_frame_equal(began.data, again.data)


def cases_of(shop: dict[str, pd.DataFrame], after: int) -> pd.DataFrame:
    """A case of every third customer, so many days after the first purchase."""
    first = shop["orders"].groupby("customer_id")["at"].min().iloc[::3]
    return pd.DataFrame({"customer_id": first.index, "opened_at": first + pd.Timedelta(days=after)})


def test_those_who_came_back_early_are_left_out_and_told(shop):
    second = shop["orders"]["customer_id"].duplicated()
    first = shop["orders"].groupby("customer_id")["at"].transform("min")
    early = shop["orders"].assign(
        at=shop["orders"]["at"].mask(second, first + pd.Timedelta(days=9))
    )
    began = began_of(shop, orders=early)
    assert not began["came_back"].any()
    assert f"{int(second.sum())} had bought again by then" in began.notes[-1]


def test_adjusted_differences_are_those_of_least_squares(shop):
    began = began_of(shop)
    table = loyalty.repurchase_drivers(began).table.set_index("term")
    x = np.column_stack([np.ones(len(began)), began["delivery"] == "late", began["plan"] == "plus"])
    slopes = np.linalg.lstsq(x.astype(float), began["came_back"].astype(float), rcond=None)[0]
    assert_allclose(table.loc[["late", "plus"], "estimate"], slopes[1:], atol=1e-9)
    came = began["came_back"]
    plain = came[began["plan"] == "plus"].mean() - came[began["plan"] == "basic"].mean()
    assert table.loc["plus", "plain"] == pytest.approx(plain)


def test_levels_too_sparse_to_tell_are_put_together():
    rng = np.random.default_rng(1)
    n = 1000
    began = pd.DataFrame(
        {
            "came_back": rng.random(n) < 0.1,
            "score": rng.choice([1.0, 2, 3, 4, 5], n, p=[0.02, 0.02, 0.02, 0.34, 0.6]),
            "kind": rng.choice(["a", "b", "rare", "rarer"], n, p=[0.5, 0.44, 0.04, 0.02]),
            "alone": np.arange(n) < 3,
        }
    )
    fit = loyalty.repurchase_drivers(Sample(began, draws=50))
    told = fit.table.groupby("feature")["term"].agg(list)
    assert told["score"] == ["1–3", "4"] and told["kind"] == ["b", "other levels"]
    assert "alone" not in told and "too few differ" in fit.notes
    few = loyalty.repurchase_drivers(began.head(40)[["came_back", "alone"]])
    assert few.unit == "share" and "too few did" in str(few)


@pytest.mark.parametrize(
    ("counts", "levels"),
    [
        (
            {1: 20, 2: 20, 3: 20, 4: 20, 5: 20, 6: 1},
            {"1": 20, "2": 20, "3": 20, "4": 20, "5–6": 21, "not known": 20},
        ),
        ({1: 20, 2: 20, 3: 1}, {"1": 20, "2–3": 21, "not known": 20}),
        ({1: 20, 2: 1}, {"1–2": 21, "not known": 20}),
    ],
)
def test_a_sparse_last_number_joins_the_one_before_and_no_other_is_lost(counts, levels):
    numbers = np.repeat([*map(float, counts), np.nan], [*counts.values(), 20])
    rows = pd.DataFrame({"bought": numbers, "came_back": np.arange(len(numbers)) % 2 == 0})
    table = loyalty.repurchase_drivers(Sample(rows, draws=20)).table
    against = table["against"].iloc[0]
    found = dict(zip(table["term"], table["n"], strict=True))
    assert found | {against: len(rows) - sum(found.values())} == levels


@pytest.mark.coverage
def test_differences_cover_the_truth_and_plain_ones_do_not(tell_coverage):
    truth = pd.Series({"late": returns.RETURN["late"], "plus": returns.RETURN["plus"]})
    covered, plain = [], []
    for seed in range(70):
        shop = returns.shoppers(600, seed=seed)
        late = shop["events"]["outcome"].rename("delivery")
        came = shop["orders"]["customer_id"].duplicated(keep=False)
        began = shop["customers"].assign(
            delivery=late, came_back=came[: len(late)].to_numpy(), first=0
        )
        table = loyalty.repurchase_drivers(
            Sample(began, cluster="customer_id", draws=100, seed=seed)
        ).table.set_index("term")
        rows = table.loc[truth.index]
        low, high = rows["simultaneous_low"], rows["simultaneous_high"]
        covered.append(((low <= truth) & (truth <= high)).all())
        plain.append(rows["plain"] - truth)
    tell_coverage(
        "drivers of repurchase, simultaneous", "600 customers", np.mean(covered), len(covered)
    )
    assert 0.88 < np.mean(covered) < 0.995
    assert abs(np.mean(plain, axis=0)).min() > 0.02


# Referral


def test_referral_by_hand():
    day = pd.Timestamp("2025-01-01")
    responses = pd.DataFrame(
        {
            "customer_id": ["a", "b", "c", "d", "e"],
            "answered_on": [day] * 4 + [day + pd.Timedelta(days=90)],
            "recommend": [10, 9, 8, 2, 10],
        }
    )
    acts = pd.DataFrame(
        {
            "customer_id": ["a", "b", "d", "x"],
            "at": day + pd.to_timedelta([30, 31, 0, 100], unit="D"),
        }
    )
    fit = loyalty.referral(Sample(responses, draws=100), acts, within=30)
    # a in time, b a day late, d on the day of the answer; e was not followed for 30 days.
    assert fit.table["estimate"].tolist() == [0.5, 0.0, 0.0]
    assert fit.table["n"].tolist() == [2, 1, 1]
    assert fit.differences["estimate"].tolist() == [0.5, 0.0]


def test_who_was_brought_by_whom_by_hand():
    people = pd.DataFrame(
        {"customer_id": list("abcde"), "referred_by": [None, "a", "a", "gone", "e"]}
    )
    fit = loyalty.referred_customers(people)
    # b, c and d were brought, by a and by one who is not on file; e cannot have brought itself.
    assert fit.table["estimate"].tolist() == [3 / 5, 1 / 5]
    assert ((fit.table["low"] > 0) & (fit.table["high"] < 1)).all()
    assert "1 of the referrers named are not among the customers" in fit.notes
    nobody = loyalty.referred_customers(people.assign(referred_by=None))
    assert nobody.table["estimate"].tolist() == [0, 0]
    assert "95% CI 0.0% to" in nobody.finding.detail


@pytest.mark.slow
def test_who_was_brought_counts_as_an_act_and_is_known_of_a_first_purchase(tmp_path):
    from cxlib import reserve

    (tmp_path / "people.csv").write_text(
        "customer_id,joined_on,referred_by\na,2025-01-01,\nb,2025-02-01,a\nc,,a\n"
    )
    (tmp_path / "orders.csv").write_text(
        "order_id,customer_id,at,amount\n1,a,2025-01-01,5\n2,b,2025-02-01,5\n3,a,2025-12-01,5\n"
    )
    columns = "{customer_id: customer_id, joined_on: joined_on, referred_by: referred_by}"
    (tmp_path / "study.yaml").write_text(
        "title: T\nsource: S\nlicence: L\ntables:\n"
        f"  customers: {{files: people.csv, columns: {columns}}}\n"
        "  orders:\n    files: orders.csv\n    columns: {order_id: order_id, "
        "customer_id: customer_id, at: at, amount: amount}\n"
    )
    study = reserve.open(tmp_path / "study.yaml")
    acts = study.loyalty.referrals()
    assert acts[["customer_id", "touchpoint"]].values.tolist() == [["a", "referral"]]
    assert acts["at"].tolist() == [pd.Timestamp("2025-02-01")]
    assert study.lacks(["referred", "referrals"]) == []
    history = purchase_history(study.sample("orders"), **study.loyalty.first_orders())
    around = loyalty.OrderContext(**study.loyalty.order_context())
    began = loyalty.first_purchases(history, around, landmark=1, horizon=30).data
    assert began.set_index("customer_id")["referred by a customer"].to_dict() == {
        "a": "no",
        "b": "yes",
    }


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda o: purchase_history(o.drop(columns="at")), "orders have no column 'at'"),
        (lambda o: purchase_history(o.assign(amount=-1.0)), "none of .* is a purchase"),
        (lambda o: purchase_history(o, quiet=-1), "quiet is -1"),
        (lambda o: purchase_history(o, quiet=5000), "none of 400 customers is new"),
        (
            lambda o: loyalty.repeat_purchase(purchase_history(o.drop_duplicates("customer_id"))),
            "fewer than two of 400",
        ),
        (lambda o: loyalty.referred_customers(o), "customers have no column 'referred_by'"),
        (
            lambda o: loyalty.repurchase_drivers(pd.DataFrame({"came_back": [True]}), ["x"]),
            "no column 'x'",
        ),
        (
            lambda o: loyalty.referral(o, o),
            "responses have no column 'answered_on', 'recommend'",
        ),
    ],
)
def test_rows_that_allow_no_answer_are_an_error_that_says_why(bought, call, message):
    with pytest.raises(ValueError, match=message):
        call(bought)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda h: loyalty.cohorts(h, every="day"), "every='day' is not a choice"),
        (lambda h: loyalty.cohorts(h, every="year"), "no cohort was seen for 365 days"),
        (lambda h: loyalty.repeat_purchase(h, within=(0,)), r"within is \(0,\)"),
        (lambda h: loyalty.repeat_revenue(h, every="auto"), "every='auto' is not a choice"),
        (lambda h: loyalty.first_purchases(h, landmark=-1), "landmark -1"),
        (lambda h: loyalty.first_purchases(h, landmark=400), "was seen for 580 days"),
        (
            lambda h: loyalty.first_purchases(
                h, loyalty.OrderContext(customers=h.orders.data, known=["plan"])
            ),
            "customers have no column 'plan'",
        ),
    ],
)
def test_choices_that_a_history_does_not_allow_are_an_error_that_says_why(bought, call, message):
    with pytest.raises(ValueError, match=message):
        call(purchase_history(bought))


def test_where_hardly_anybody_buys_again_the_share_is_a_lower_bound():
    """3 of 300 bought twice; in a sample of orders the others may have, too."""
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(303), unit="D")
    orders = pd.DataFrame({"customer_id": [*range(300), 0, 1, 2], "at": day, "amount": 5.0})
    fit = loyalty.repeat_purchase(purchase_history(orders), window=180)
    assert str(fit).startswith("At least ") and "sample of orders" in fit.finding.detail


def test_the_headline_has_the_interval_of_its_table_and_not_the_band_of_the_curve():
    rng = np.random.default_rng(4)
    day = pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 900, 900), unit="D")
    orders = pd.DataFrame({"customer_id": rng.integers(0, 300, 900), "at": day, "amount": 5.0})
    fit = loyalty.repeat_purchase(purchase_history(orders))
    first = fit.table[fit.table["purchase"] == fit.table["purchase"].iloc[0]].iloc[-1]
    assert (fit.finding.low, fit.finding.high) == (first.low, first.high)
    assert str(fit).endswith("of new customers buy again within a year.")
    assert "lower bound" not in fit.finding.detail
    windows = fit.table[fit.table["purchase"] == first.purchase]
    half = windows.loc[windows["estimate"] >= first.estimate / 2, "term"].iloc[0]
    assert fit.finding.action.startswith(
        f"Test a reminder {half.replace('within', 'after')} on customers drawn at random who"
    )
    band = fit.curve[(fit.curve["term"] == first.term) & (fit.curve["purchase"] == first.purchase)]
    low, high = (band[f"simultaneous_{end}"].iloc[0] for end in ("low", "high"))
    assert low < first.low < first.high < high


@pytest.mark.slow
def test_groups_of_new_customers_are_compared_in_the_first_period_after():
    day = pd.Timestamp("2026-01-01")
    ids = [f"c{k}" for k in range(200)]
    first = pd.DataFrame({"customer_id": ids, "at": day})
    again = pd.DataFrame({"customer_id": ids[:90], "at": day + pd.Timedelta(days=9)})
    orders = pd.concat([first, again]).assign(amount=5.0)
    last = pd.DataFrame({"customer_id": ["z"], "at": [day + pd.Timedelta(days=70)], "amount": 5.0})
    history = purchase_history(pd.concat([orders, last]))
    groups = pd.Series(["a"] * 100 + ["b"] * 100, index=ids)
    fit = loyalty.repeat_by_group(loyalty.cohorts(history, every="month", groups=groups))
    assert fit.table["group"].tolist() == ["a", "b"]
    assert fit.table["estimate"].tolist() == [0.9, 0.0]
    assert fit.finding.importance == Importance.NOTABLE and "only 0% in b" in str(fit)
    whole = loyalty.cohorts(history, every="month").finding
    # A target of repeat purchase is of the year, not of one period.
    assert whole.measure == "repeat_purchase" and set(whole.at) == {"days"}
    alike = pd.Series(["a", "b"] * 100, index=ids)
    same = loyalty.repeat_by_group(loyalty.cohorts(history, every="month", groups=alike))
    assert same.finding.importance == Importance.CONTEXT


def test_where_hardly_anybody_buys_again_the_page_asks_why_first():
    rng = np.random.default_rng(5)
    day = pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 300, 400), unit="D")
    once = pd.DataFrame({"customer_id": range(400), "at": day, "amount": 5.0})
    again = once.head(20).assign(at=lambda t: t["at"] + pd.Timedelta(days=20))
    last = once.tail(1).assign(customer_id=999, at=pd.Timestamp("2028-01-01"))
    fit = loyalty.repeat_purchase(purchase_history(pd.concat([once, again, last])))
    assert 0.03 < fit.finding.value < 0.08
    assert fit.finding.action.startswith("Find out whether customers have a reason to buy again")
