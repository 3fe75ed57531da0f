"""Drafts of files that no profile knows: shops, help desks, subscriptions, reviews, contacts."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

from cxlib import service
from cxlib.data import intake, study
from cxlib.data.intake import IntakeError, drafts
from cxlib.data.study import Study

pytestmark = pytest.mark.slow  # whole files are drafted, checked or loaded

N = 240
DAYS = pd.date_range("2025-01-01", periods=N, freq="7h")
Tables = dict[str, pd.DataFrame]


@pytest.fixture
def load(folder):
    """Files by name: the study that `cx new --yes` drafts of them, its tables and the plan."""
    return functools.partial(drafted, folder)


def drafted(folder: Path, **files: pd.DataFrame) -> tuple[Study, Tables, drafts.Plan]:
    paths = [folder / f"{name}.csv" for name in files]
    for path, rows in zip(paths, files.values(), strict=True):
        rows.to_csv(path, index=False)
    plan = drafts.plan("new", paths)
    (folder / "study.yaml").write_text(drafts.text(plan), encoding="utf-8")
    new = study.read("new")
    return new, {n: t.rows for n, t in intake.every_table(new).items()}, plan


def resized(*values: object) -> np.ndarray:
    return np.resize(np.array(values, dtype=object), N)


def tickets(**more: object) -> pd.DataFrame:
    rows = {"Ticket_ID": [f"T{i}" for i in range(N)], "Created_Date": DAYS}
    return pd.DataFrame({**rows, "Priority": resized("High", "Low", "Low"), **more})


def sold() -> pd.DataFrame:
    """Two products a basket; each customer comes every third day."""
    who, day = np.arange(N) // 2 % 40, np.arange(N) // 80
    when = pd.Timestamp("2025-01-20") + pd.to_timedelta(3 * day, "D")
    item = resized("milk", "bread", "soap", "tea")
    return pd.DataFrame({"Member_number": who, "Date": when, "itemDescription": item})


def test_products_without_order_numbers_are_baskets_of_a_customer_and_a_day(load):
    rows = sold()
    new, tables, plan = load(groceries=rows)
    assert len(tables["orders"]) == len(rows.drop_duplicates(["Member_number", "Date"])) == N / 2
    assert len(tables["order_lines"]) == N
    assert set(tables["order_lines"]["order_id"]) == set(tables["orders"]["order_id"])
    assert {"33", "34"} <= set(new.reports)
    assert any("120 orders of 240 rows" in d for d in plan.doubts)


def test_lines_of_nobody_are_left_out_as_their_orders_are(load):
    rows = sold().astype({"Member_number": object})
    rows.loc[:9, "Member_number"] = None
    new, tables, _plan = load(groceries=rows)
    assert len(tables["order_lines"]) == N - 10
    assert intake.every_table(new)["order_lines"].quarantine.empty  # no order is looked for in vain


def test_amounts_of_a_basket_are_added_up(load):
    rows = sold().assign(amount=np.arange(N) + 0.5)
    _new, tables, _plan = load(groceries=rows)
    assert tables["orders"]["amount"].sum() == pytest.approx(rows["amount"].sum())


@pytest.mark.few(2)
@pytest.mark.parametrize(
    ("reply", "solution", "one_hour"),
    [
        ("First_Response_Time_Hours", "Resolution_Time_Hours", 1),
        ("first_response_time_minutes", "resolution_time_minutes", 60),
        ("First reply time (s)", "Time to resolution in seconds", 3600),
        ("response time [days]", "Handling time [days]", 1 / 24),
    ],
)
def test_waits_in_any_unit_become_hours(load, reply, solution, one_hour):
    rows = tickets(**{reply: 2 * one_hour, solution: 26.0 * one_hour})
    _new, tables, _plan = load(tickets=rows)
    timed = service.case_times(tables["cases"])
    assert timed["reply_hours"].to_numpy() == pytest.approx(2)
    assert timed["solution_hours"].to_numpy() == pytest.approx(26)


def test_a_case_that_is_open_by_its_status_is_not_solved(load):
    status = resized("Closed", "Open", "Resolved", "In Progress")
    _new, tables, plan = load(tickets=tickets(Status=status, Resolution_Time_Hours=5.0))
    timed = service.case_times(tables["cases"])
    assert timed["solved"].sum() == np.isin(status, ["Closed", "Resolved"]).sum() == N / 2
    assert any("120 cases have 'Resolution_Time_Hours'" in d for d in plan.doubts)


def test_comments_of_tickets_have_no_waits_of_cases(load):
    said = [f"The parcel number {i} came late and nobody told me why it did" for i in range(N)]
    rows = tickets(Description=said, first_response_time_minutes=60, resolution_time_minutes=120)
    new, tables, _plan = load(tickets=rows)
    assert new.tables["cases"].derive and len(tables["comments"]) == N
    assert not {"first_reply_hours", "solved_hours"} & set(tables["comments"])


@pytest.mark.parametrize("times", [True, False])
def test_hours_go_before_days_and_after_times(load, times):
    opened = DAYS if times else DAYS.normalize()
    rows = tickets(closed_at=opened + pd.Timedelta("24h"), resolution_time_hours=35.0)
    _new, tables, _plan = load(tickets=rows.assign(Created_Date=opened))
    timed = service.case_times(tables["cases"])
    assert (timed["solution_hours"] == (24 if times else 35)).all()


@pytest.mark.parametrize("name", ["Resolution_Time", "Response_Time", "duration"])
def test_a_wait_without_a_unit_is_no_number_of_hours(load, name):
    _new, tables, _plan = load(tickets=tickets(**{name: 5.0}))
    assert not {"solved_hours", "first_reply_hours"} & set(tables["cases"])


@pytest.mark.parametrize("column", ["Assigned_Agent", "assignment_group", "Support Team"])
def test_who_works_on_a_case_owns_it(load, column):
    _new, tables, _plan = load(tickets=tickets(**{column: resized("A1", "A2", "A3")}))
    assert set(tables["cases"]["owner"]) == {"A1", "A2", "A3"}


@pytest.mark.few(2)
@pytest.mark.parametrize(
    ("flag", "gone", "stayed"),
    [
        ("Exited", 1, 0),
        ("Attrition_Flag", "Attrited Customer", "Existing Customer"),
        ("Cancelled", "Yes", "No"),
        ("is_churned", True, False),
    ],
)
def test_a_flag_says_who_has_left(load, flag, gone, stayed):
    left = resized(gone, stayed, stayed)
    rows = pd.DataFrame({"CustomerId": np.arange(N), "Balance": np.arange(N) % 37, flag: left})
    new, tables, _plan = load(bank=rows)
    assert new.churn is not None and "32" in new.reports
    held = tables["customers"][new.churn.flag].astype(str).str.casefold()
    assert held.eq(str(new.churn.left).casefold()).sum() == N / 3


def test_reviews_with_ids_of_their_own_are_answers_and_comments_that_belong_together(load):
    rows = pd.DataFrame(
        {
            "reviewId": [f"r{i}" for i in range(N)],
            "content": [f"The app number {i} stopped working after the update" for i in range(N)],
            "score": resized(1, 2, 3, 4, 5),
            "at": DAYS,
        }
    )
    _new, tables, _plan = load(app_reviews=rows)
    assert tables["responses"]["score"].mean() == rows["score"].mean()
    assert set(tables["comments"]["response_id"]) == set(tables["responses"]["response_id"])


def scored(*dates: str) -> pd.DataFrame:
    when = {d: DAYS + pd.to_timedelta(40 * i, "D") for i, d in enumerate(dates)}
    return pd.DataFrame({"id": np.arange(N), "score": resized(*range(11)), **when})


@pytest.mark.parametrize(("file", "role"), [("nps_survey", "nps"), ("answers", "csat")])
def test_the_name_of_a_file_may_say_that_a_score_is_an_nps(load, file, role):
    new, _tables, plan = load(**{file: scored("created_at")})
    assert new.items["score"].role == role
    assert any("`role: nps`" in d for d in plan.doubts) == (role == "csat")


def test_the_day_of_the_survey_goes_before_other_days_and_a_choice_of_days_is_said(load):
    rows = scored("created_at", "surveyed_at")
    _new, tables, plan = load(survey=rows)
    assert (tables["responses"]["answered_on"].to_numpy() == rows["surveyed_at"].to_numpy()).all()
    assert not any("answered_on" in d for d in plan.doubts)
    _new, _tables, plan = load(survey=scored("changed_date", "sent_date"))
    assert any(d.startswith("responses.answered_on: 'changed_date'") for d in plan.doubts)


def test_a_column_of_years_is_no_date(load):
    rows = scored("reservation_status_date").assign(arrival_date_year=resized(2024, 2025))
    rows = rows[["arrival_date_year", "id", "score", "reservation_status_date"]]
    _new, tables, _plan = load(survey=rows)
    assert tables["responses"]["answered_on"].nunique() == N


def test_numbered_questions_with_the_same_answers_are_ratings(load):
    asked = [f"survey_q{i}_{what}" for i, what in enumerate(["claims", "access", "centre"], 1)]
    rows = pd.DataFrame({"id": np.arange(N), **{q: resized(1, 2, 3, 4, 5) for q in asked}})
    rows["survey_q4_osat"] = resized(5, 4, 3, 2, 1)
    rows["survey_q5_region"] = resized(1, 2, 3, 4)
    new, _tables, _plan = load(survey=rows)
    assert set(new.items) == {*asked, "survey_q4_osat"}
    assert new.items["survey_q4_osat"].role == "csat"


def departures() -> pd.DataFrame:
    return pd.DataFrame({"account_id": np.arange(N) // 2, "churn_date": DAYS.date, "refund": 1.5})


def test_a_file_of_departures_is_no_file_of_orders(load):
    with pytest.raises(IntakeError, match="no order number, amount or product"):
        load(departures=departures())
    accounts = pd.DataFrame({"account_id": np.arange(N), "seats": np.arange(N) % 9})
    _new, tables, plan = load(accounts=accounts, departures=departures())
    assert set(tables) == {"customers"}
    assert any(d.startswith("not used: departures.csv") for d in plan.doubts)


def test_a_survey_and_orders_of_the_same_addresses_tell_of_the_same_customers(load):
    people = [f"someone{i}@example.org" for i in range(60)]
    buyers = [*people, *people[:20]]
    orders = pd.DataFrame(
        {
            "Order ID": [f"A{i}" for i in range(80)],
            "Email": buyers,
            "Created at": DAYS[:80],
            "Total": [10 + i % 7 for i in range(80)],
        }
    )
    answers = pd.DataFrame(
        {
            "How likely are you to recommend us?": [i % 11 for i in range(60)],
            "Why?": ["", *(f"What they sent me in week {i} was late, and" for i in range(59))],
            "E-mail": ["", *(e.title() for e in people[1:])],
            "Support agent": ["desk@example.com"] * 60,
        }
    )
    _, tables, plan = load(orders=orders, survey=answers)
    known = set(tables["orders"]["customer_id"])
    assert tables["responses"]["customer_id"].isin(known).sum() == 59
    assert tables["responses"]["customer_id"].isna().sum() == 1
    assert tables["comments"]["customer_id"].isin(known).all()
    assert "someone" not in drafts.text(plan)

    alone = answers.assign(**{"E-mail": [f"other{i}@example.org" for i in range(60)]})
    _, tables, _ = load(orders=orders, survey=alone)
    assert "customer_id" not in tables["responses"]


def test_comments_of_a_known_export_have_the_answer_to_the_outcome_as_their_score(load):
    form = pd.DataFrame(
        {
            "#": [f"{i:032x}" for i in range(60)],
            "How likely are you to recommend us?": [i % 11 for i in range(60)],
            "Why?": [f"What they sent me in week {i} was late, and" for i in range(60)],
            "Submit Date (UTC)": DAYS[:60],
            "Network ID": "n1",
        }
    )
    _, tables, plan = load(form=form)
    assert plan.tables["responses"][0].seen.profile.title == "Typeform"
    assert tables["comments"]["score"].tolist() == form.iloc[:, 1].tolist()


@pytest.mark.parametrize("repeated", [True, False])
def test_answers_of_one_address_are_of_one_customer(load, repeated):
    people = [f"Someone{i}@example.org" for i in range(50)]
    first = pd.DataFrame(
        {
            "How likely are you to recommend us?": [i % 11 for i in range(50)],
            "E-mail": people,
            "Agent": ["desk@example.com", "help@example.com"] * 25,
        }
    )
    again = people[:10] if repeated else [f"other{i}@example.org" for i in range(10)]
    second = first.head(10).assign(**{"E-mail": [a.lower() for a in again]})
    _, tables, plan = load(spring=first, summer=second)
    assert len(tables["responses"]) == 60
    if repeated:
        assert tables["responses"]["customer_id"].nunique() == 50
    else:
        assert "customer_id" not in tables["responses"]
    assert "omeone" not in drafts.text(plan)


def test_a_list_of_people_with_a_plain_id_is_one_of_customers(load):
    rows = pd.DataFrame(
        {
            "id": np.arange(N),
            "first_name": resized("Ada", "Max"),
            "last_name": resized("Lovelace", "Planck"),
            "email": [f"p{i}@example.org" for i in range(N)],
            "state": resized("CA", "FL"),
            "visit_date": DAYS.date,
        }
    )
    _new, tables, _plan = load(people=rows)
    assert set(tables) == {"customers"} and len(tables["customers"]) == N
    assert "@" not in tables["customers"].astype(str).to_csv()


@pytest.mark.parametrize(("share", "reverse"), [(0.2, False), (0.9, True)])
def test_a_rating_is_turned_by_a_strong_correlation_alone(load, share, reverse):
    rng = np.random.default_rng(1)
    overall = rng.integers(1, 6, N)
    claims = np.where(rng.random(N) < share, 6 - overall, rng.integers(1, 6, N))
    rows = pd.DataFrame(
        {"id": np.arange(N), "overall satisfaction": overall, "rate claims": claims}
    )
    new, _tables, plan = load(survey=rows)
    assert any("against the outcome" in q.text for q in plan.questions)
    assert new.items["rate_claims"].reverse == reverse


def ordered(*names: str, rows: int = 480, **more: object) -> pd.DataFrame:
    """Lines of orders: 2 a number, one customer and one day each, amounts of 10 and 20."""
    of = np.arange(rows) // 2
    at = pd.Timestamp("2025-01-01") + pd.to_timedelta(of, "D")
    columns = [4_500_000 + of, 10_000 + of % 90, at.strftime("%Y-%m-%d"), np.resize([10, 20], rows)]
    return pd.DataFrame(dict(zip(names, columns, strict=True)) | more)


@pytest.mark.parametrize(
    "names",
    [
        ("Auftragsnummer", "Kundennummer", "Auftragsdatum", "Nettowert"),
        ("Auftrag", "Kunde", "Datum", "Umsatz"),
        ("N° de commande", "Numéro client", "Date de commande", "Montant TTC"),
        ("Nº pedido", "Cliente", "Fecha", "Importe"),
        ("订单编号", "会员编号", "下单时间", "实付金额"),
        ("注文番号", "顧客番号", "注文日", "金額"),
        ("Sipariş No", "Müşteri No", "Sipariş Tarihi", "Tutar"),
    ],
)
def test_lines_of_orders_are_put_together_in_other_languages(load, names) -> None:
    _new, tables, plan = load(list=ordered(*names))
    assert len(tables["orders"]) == 240
    assert tables["orders"]["amount"].eq(30).all()
    assert any("added up" in d for d in plan.doubts)


@pytest.mark.parametrize("name", ["Vgnr", "Order ref code"])
def test_rows_that_may_be_lines_of_orders_are_asked_about(load, name) -> None:
    _new, _tables, plan = load(orders=ordered(name, "Customer", "Date", "Amount"))
    (asked,) = [d for d in plan.doubts if "number of an order" in d]
    assert "480 of them have the customer and time of another row" in asked
    assert (repr(name) in asked) == ("Order" in name)


def test_orders_of_one_row_each_are_not_asked_about(load) -> None:
    rows = ordered("id", "Customer", "Date", "Amount").iloc[::2].drop(columns="id")
    _new, tables, plan = load(orders=rows)
    assert len(tables["orders"]) == 240
    assert not any("number of an order" in d for d in plan.doubts)


def test_an_unknown_amount_that_differs_within_orders_is_asked_about(load) -> None:
    _new, _tables, plan = load(orders=ordered("Order ID", "Customer", "Date", "Geld"))
    assert any("'Geld' differ within the rows of an order" in d for d in plan.doubts)


@pytest.mark.parametrize(
    ("mode", "words", "kept"),
    [("Mode", ("Test", "Live"), "'Live'"), ("livemode", ("false", "true"), "'true'")],
)
def test_tests_and_refunds_among_charges_are_asked_about(load, mode, words, kept) -> None:
    n = np.arange(240)
    rows = ordered("Line", "Customer", "Date", "Amount", rows=240).assign(
        **{
            "Order ID": n,
            mode: np.where(n < 10, *words),
            "Status": np.where(n < 50, "Refunded", "Paid"),
            "Amount Refunded": np.where(n < 50, 7.5, 0),
        }
    )
    _new, _tables, plan = load(charges=rows)
    asked = "\n".join(plan.doubts)
    assert f"'{mode}' is {words[0]} (10) count as purchases" in asked
    assert f'"{mode}" IN ({kept})' in asked
    assert "'Status' is Refunded (50) count as purchases" in asked
    assert "is not 0 in 50 rows (375.00 in all) and is not taken off 'Amount'" in asked


def test_merged_cells_are_filled_and_hidden_rows_are_counted(tmp_path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Region", "Order ID", "Customer", "Date", "Amount"])
    for i in range(40):
        region = {0: "North", 20: "South"}.get(i)
        sheet.append([region, 100 + i, f"c{i % 9}", f"2025-01-{i % 28 + 1:02}", 10])
    sheet.merge_cells("A2:A21")
    sheet.merge_cells("A22:A41")
    for row in (5, 6, 30):
        sheet.row_dimensions[row].hidden = True
    book.save(path := tmp_path / "orders.xlsx")
    plan = drafts.plan("new", [path])
    (part,) = plan.tables["orders"]
    assert part.seen.raw.frame["Region"].value_counts().to_dict() == {"North": 20, "South": 20}
    asked = "\n".join(part.seen.raw.doubts)
    assert "38 cells of 'Region' are merged with one above" in asked
    assert "3 rows that sheet 'Sheet' hides (by a filter or by hand), the first in row 5" in asked


def test_deals_that_are_no_answers_are_asked_about(load) -> None:
    deals = pd.DataFrame(
        {
            "Record ID": 90_000 + np.arange(N),
            "Deal Name": [f"Deal {i}" for i in range(N)],
            "Close Date": DAYS.strftime("%Y-%m-%d %H:%M"),
            "Pipeline": "Sales",
        }
    )
    plan = load(deals=deals)[2]
    assert any("each of its 240 rows counts as an answer to a survey" in d for d in plan.doubts)


@pytest.mark.parametrize("good", ["Good", "good"])
def test_satisfaction_in_words_of_a_help_desk_is_asked_about(load, good) -> None:
    rows = tickets(Ticket_satisfaction_rating=resized(good, good, "Bad", "Offered"))
    plan = load(tickets=rows)[2]
    assert any(
        "how satisfied customers were" in d and f"'{good}' (120)" in d and "'Bad' (60)" in d
        for d in plan.doubts
    )


def answered(**more: object) -> pd.DataFrame:
    return pd.DataFrame({"Response ID": np.arange(N), "NPS (0-10)": resized(*range(11))} | more)


def test_partial_answers_are_asked_about(load) -> None:
    rows = answered(**{"Response Type": resized("partial", *["completed"] * 9)})
    plan = load(answers=rows)[2]
    assert any("24 partial" in d and "not in ('partial')" in d for d in plan.doubts)


def test_groups_of_an_nps_are_no_outcome(load) -> None:
    scores = resized(*range(11)).astype(int)
    bands = np.select([scores >= 9, scores >= 7], [3, 2], 1)
    rows = pd.DataFrame({"Response ID": np.arange(N), "Q1_NPS_GROUP": bands, "Q1_NPS": scores})
    plan = load(answers=rows)[2]
    assert [r.column for r in plan.ratings] == ["Q1_NPS"]
    assert "Q1_NPS_GROUP" not in plan.kept["responses"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Nöjdhet", ("Nöjd", "Varken eller", "Missnöjd")),
        ("NPS score", (-100, 0, 100)),
    ],
)
def test_satisfaction_on_an_unknown_scale_is_asked_about(load, name, words) -> None:
    plan = load(answers=answered(**{name: resized(*words)}))[2]
    assert any(d.startswith(repr(name)) and f"{words[2]}' (80)" in d for d in plan.doubts)


def test_japanese_questions_and_dates_of_an_era(load) -> None:
    rows = pd.DataFrame(
        {
            "回答番号": np.arange(N),
            "回答日": [f"R7.1.{i % 28 + 1}" for i in range(N)],
            "推奨度（0〜10）": resized(*range(11)),
            "総合満足度": resized("2.満足", "3.どちらともいえない", "1.とても満足"),
        }
    )
    plan = load(answers=rows)[2]
    assert next(r for r in plan.ratings if r.column.startswith("推奨度")).role == "nps"
    assert any("'回答日' is called a date, but 240 of 240 cells" in d for d in plan.doubts)
    assert "languages: [zh]" not in drafts.text(plan)
