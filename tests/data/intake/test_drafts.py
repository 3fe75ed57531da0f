"""Drafts of study.yaml: what is found in a file, what is asked, and that the draft loads."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from cxlib import service
from cxlib.data import intake, study
from cxlib.data.intake import IntakeError, drafts
from cxlib.data.intake.drafts.looking import Column
from cxlib.data.intake.drafts.personal import personal

EXAMPLES = Path(__file__).parent / "profiles"


def drafted(root: Path, **files: str | bytes | pd.DataFrame) -> tuple[study.Study, dict]:
    """Draft a study of the files, with the proposed answers, and take its tables in."""
    folder, paths = root / "data" / "new", []
    for name, given in files.items():
        path = folder / name.replace("__", ".")
        content = given.to_csv(index=False) if isinstance(given, pd.DataFrame) else given
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        paths.append(path)
    (folder / "study.yaml").write_text(intake.draft("new", paths), encoding="utf-8")
    new = study.read("new")
    return new, {n: t.rows for n, t in intake.every_table(new).items()}


def project(root: Path, patch: pytest.MonkeyPatch) -> Path:
    patch.setenv("CX_ROOT", str(root))
    (root / "notebooks").mkdir()
    (root / "data" / "new").mkdir(parents=True)
    return root


@pytest.fixture
def load(tmp_path, monkeypatch):
    return functools.partial(drafted, project(tmp_path, monkeypatch))


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """The study of an example file and its tables, made once for all tests that read them."""

    @functools.cache
    def made(name: str) -> tuple[study.Study, dict]:
        with pytest.MonkeyPatch.context() as patch:
            root = project(tmp_path_factory.mktemp("example"), patch)
            return drafted(root, **{name.replace(".", "__"): (EXAMPLES / name).read_bytes()})

    return made


def nps(scores: pd.Series) -> float:
    return 100 * ((scores >= 9).mean() - (scores <= 6).mean())


# Surveys: the numbers of a draft are those of plain pandas


def qualtrics() -> pd.DataFrame:
    rows = pd.read_csv(EXAMPLES / "qualtrics.csv", skiprows=[1, 2])
    return rows[(rows["Status"] == "IP Address") & rows["Finished"]]


def surveymonkey() -> pd.DataFrame:
    return pd.read_csv(EXAMPLES / "surveymonkey.csv", header=None, skiprows=2)


def first_number(values: pd.Series) -> pd.Series:
    return values.astype(str).str.extract(r"(\d+)")[0].astype(float)


SATISFIED = ["Very dissatisfied", "Dissatisfied", "Neither satisfied nor dissatisfied"]
SATISFIED += ["Satisfied", "Very satisfied"]
AGREED = ["Strongly disagree", "Disagree", "Neither agree nor disagree", "Agree", "Strongly agree"]
CHINESE = ["非常不满意", "不满意", "一般", "满意", "非常满意"]
GERMAN = ["sehr unzufrieden", "unzufrieden", "teils/teils", "zufrieden", "sehr zufrieden"]


def place(words: pd.Series, scale: list[str]) -> pd.Series:
    return words.map({w: i + 1 for i, w in enumerate(scale)})


def csv(name: str, **options: object) -> pd.DataFrame:
    return pd.read_csv(EXAMPLES / name, **options)


def excel(name: str) -> pd.DataFrame:
    return pd.read_excel(EXAMPLES / name, engine="openpyxl")


def limesurvey(name: str, column: str) -> pd.DataFrame:
    return (rows := csv(name))[rows[column].notna()]


SURVEYS = {  # file: the tool, rows, the NPS item and its scores, another item and its codes
    "qualtrics.csv": (
        "Qualtrics", 34, "q1", lambda: qualtrics()["Q1"], "q2_1",
        lambda: place(qualtrics()["Q2_1"], AGREED),
    ),
    "qualtrics_legacy.csv": (
        "Qualtrics, legacy format", 38, "q1",
        lambda: csv("qualtrics_legacy.csv", skiprows=[1]).query("V10 == 1")["Q1"], "q2",
        lambda: csv("qualtrics_legacy.csv", skiprows=[1]).query("V10 == 1")["Q2"],
    ),
    "surveymonkey.csv": (
        "SurveyMonkey", 40, "recommend", lambda: first_number(surveymonkey()[8]), "satisfaction",
        lambda: place(surveymonkey()[9], SATISFIED),
    ),
    "limesurvey_codes.csv": (
        "LimeSurvey", 37, "nps", lambda: limesurvey("limesurvey_codes.csv", "submitdate")["nps"],
        "sat_sq001",
        lambda: first_number(limesurvey("limesurvey_codes.csv", "submitdate")["sat[SQ001]"]),
    ),
    "limesurvey_full.csv": (
        "LimeSurvey", 37, "recommend",
        lambda: limesurvey("limesurvey_full.csv", "Date submitted").iloc[:, 5], "lieferung",
        lambda: place(limesurvey("limesurvey_full.csv", "Date submitted").iloc[:, 6], GERMAN),
    ),
    "google_forms.csv": (
        "Google Forms", 40, "recommend", lambda: csv("google_forms.csv").iloc[:, 2], "satisfaction",
        lambda: place(csv("google_forms.csv").iloc[:, 3], SATISFIED),
    ),
    "google_forms.csv.zip": (
        "Google Forms", 40, "recommend", lambda: csv("google_forms.csv").iloc[:, 2], "satisfaction",
        lambda: place(csv("google_forms.csv").iloc[:, 3], SATISFIED),
    ),
    "typeform.csv": (
        "Typeform", 40, "recommend", lambda: csv("typeform.csv").iloc[:, 1], "delivery",
        lambda: csv("typeform.csv").iloc[:, 2],
    ),
    "microsoft_forms.xlsx": (
        "Microsoft Forms", 40, "recommend",
        lambda: excel("microsoft_forms.xlsx").iloc[:, 5],
        "overall_how_satisfied_are_you",
        lambda: place(
            excel("microsoft_forms.xlsx").iloc[:, 6].replace(
                {"Somewhat dissatisfied": "Dissatisfied", "Somewhat satisfied": "Satisfied"}
            ),
            SATISFIED,
        ),
    ),
    "wenjuanxing_text.csv": (
        "问卷星 Wenjuanxing", 40, "recommend",
        lambda: csv("wenjuanxing_text.csv", encoding="gb18030").iloc[:, 6], "服务态度",
        lambda: place(csv("wenjuanxing_text.csv", encoding="gb18030").iloc[:, 7], CHINESE),
    ),
    "wenjuanxing_codes.xlsx": (
        "问卷星 Wenjuanxing", 40, "recommend",
        lambda: excel("wenjuanxing_codes.xlsx").iloc[:, 6], "服务态度",
        lambda: excel("wenjuanxing_codes.xlsx").iloc[:, 7].replace(-3, np.nan),
    ),
    "tencent_survey.csv": (
        "腾讯问卷 Tencent Survey", 40, "recommend", lambda: csv("tencent_survey.csv").iloc[:, 8],
        "产品质量", lambda: place(csv("tencent_survey.csv").iloc[:, 9], CHINESE),
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("file", SURVEYS)
def test_an_export_of_a_survey_tool_gives_the_numbers_of_plain_pandas(example, file):
    tool, n, item, scores, other, codes = SURVEYS[file]
    new, tables = example(file)
    rows = tables["responses"]
    assert f"# {tool}\n" in (new.folder / "study.yaml").read_text(encoding="utf-8")
    assert len(rows) == n and new.items[item].role == "nps"
    assert nps(rows[item].dropna()) == pytest.approx(nps(scores()))
    assert rows[other].mean() == pytest.approx(codes().mean()) and rows[other].nunique() == 5
    assert rows[other].notna().sum() == codes().notna().sum()


@pytest.mark.slow
def test_wording_is_the_label_and_previews_are_counted(example):
    new, tables = example("qualtrics.csv")
    assert new.items["q2_2"].label["en"] == "Staff"
    assert new.items["q2_2"].wording["en"] == "Please rate our service - Staff"
    assert new.items["q_1_q4"].label["en"] == "Web shop - How easy was it to order?"  # a loop
    text = (new.folder / "study.yaml").read_text(encoding="utf-8")
    assert "leaves out: 3 Survey Preview, 1 Spam, 2 False" in text
    assert "Q3_4_TEXT" not in tables["responses"]
    assert len(tables["comments"]) == qualtrics()["Q5"].notna().sum()


def ticked() -> pd.Series:
    answers = surveymonkey()[[13, 14, 15]].apply(lambda r: r.dropna().tolist(), axis=1)
    return answers[answers.map(len) > 0]


@pytest.mark.slow
@pytest.mark.few(2)
@pytest.mark.parametrize(
    ("file", "asked", "answers"),
    [
        (
            "google_forms.csv",
            "which_channels_did_you_use",
            lambda: csv("google_forms.csv").iloc[:, 6].str.split(";"),
        ),
        (
            "microsoft_forms.xlsx",
            "which_products_do_you_use",
            lambda: excel("microsoft_forms.xlsx").iloc[:, 7].str.strip(";").str.split(";"),
        ),
        (
            "wenjuanxing_text.csv",
            "您使用过哪些渠道",
            lambda: csv("wenjuanxing_text.csv", encoding="gb18030").iloc[:, 10].str.split("┋"),
        ),
        ("surveymonkey.csv", "which_channels_do_you_use", ticked),
    ],
)
def test_an_answer_of_several_is_a_column_of_ones_and_zeros(example, file, asked, answers):
    _new, tables = example(file)
    counts = answers().explode().value_counts()
    mine = tables["responses"].filter(regex=f"^{asked}: ")
    assert {c.split(": ")[1]: int(n) for c, n in mine.sum().items()} == counts.to_dict()
    assert (mine.notna().all(axis=1) | mine.isna().all(axis=1)).all()


@pytest.mark.slow
def test_value_labels_decide_what_is_a_rating(example):
    import pyreadstat

    new, tables = example("spss.sav")
    plain, _meta = pyreadstat.read_sav(str(EXAMPLES / "spss.sav"), user_missing=False)
    rows = tables["responses"]
    assert set(new.items) == {"nps", "q1", "q2"} and set(rows["REGION"]) <= {
        *("North", "South", "East", "West")
    }
    assert new.items["q1"].reverse and rows["q1"].mean() == pytest.approx(6 - plain["Q1"].mean())
    assert rows["q2_not_experienced"].sum() == (plain["Q2"] == 8).sum()
    assert rows["q2"].mean() == pytest.approx(plain["Q2"].where(plain["Q2"] <= 5).mean())
    assert rows["weight"].sum() == pytest.approx(plain["WEIGHT"].sum())
    assert rows["channels_used: Web"].sum() == plain["M1"].sum()


# Help desks, shops, reviews, contacts


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "solved", "replied"),
    [
        ("zendesk.csv", 24, 0),
        ("freshdesk.csv", 24, 30),
        ("jira.csv", 24, 0),
        ("intercom.csv", 24, 30),
        ("salesforce_cases.csv", 24, 0),
        ("servicenow.csv", 24, 0),
    ],
)
def test_tickets_of_a_help_desk_are_cases_without_names(example, file, solved, replied):
    new, tables = example(file)
    cases = service.case_times(tables["cases"]).data  # some tools give hours for dates
    assert len(cases) == 30 and cases["solved_at"].notna().sum() == solved
    hours = (cases["solved_at"] - cases["opened_at"]).dt.total_seconds() / 3600
    assert hours.dropna().eq(26).all()
    if replied:
        assert cases["first_reply_at"].notna().sum() == replied
    text = cases.astype(str).to_csv()
    assert "Person" not in text and "@" not in text and "24" in new.reports


def invoices() -> pd.Series:
    rows = csv("invoice_lines.csv").dropna(subset="CustomerID")
    return (rows["Quantity"] * rows["UnitPrice"]).groupby(rows["InvoiceNo"]).sum()


def shopify() -> pd.Series:
    rows = csv("shopify.csv").dropna(subset="Financial Status")
    net = rows["Total"] - rows["Refunded Amount"].fillna(0)
    return net.where(~rows["Financial Status"].isin(["refunded", "voided"]))


def woocommerce() -> pd.Series:
    rows = csv("woocommerce.csv").query("`Order Status` != 'Cancelled'")
    return rows.drop_duplicates("Order Number")["Order Total Amount"]


def amazon() -> pd.Series:
    rows = csv("amazon.txt", sep="\t").query("`order-status` != 'Cancelled'")
    return rows.groupby("amazon-order-id")["item-price"].sum()


@pytest.mark.slow
@pytest.mark.few(2)
@pytest.mark.parametrize(
    ("file", "orders", "lines"),
    [
        ("shopify.csv", shopify, None),
        ("woocommerce.csv", woocommerce, 44),
        ("amazon.txt", amazon, 44),
        ("invoice_lines.csv", invoices, 55),
    ],
)
def test_lines_of_orders_become_orders(example, file, orders, lines):
    _new, tables = example(file)
    expected = orders()
    assert len(tables["orders"]) == len(expected)
    assert tables["orders"]["amount"].sum() == pytest.approx(expected.sum())
    assert lines is None or len(tables["order_lines"]) == lines
    assert "@" not in tables["orders"].astype(str).to_csv()


LINES = pd.DataFrame(
    {
        "order_id": ["a1", "a1", "a2", "a3", "a3"],
        "customer_id": ["c1", "c1", "c2", "c1", "c1"],
        "order_date": ["2025-01-13", "2025-01-13", "2025-02-13", "2025-03-13", "2025-03-13"],
        "product": ["Mug", "Tea", "Mug", "Tea", "Pot"],
        "quantity": [2, 1, 1, 3, 1],
    }
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("money", "values", "amounts"),
    [
        ("unit_price", [8, 4, 8, 4, 30], [20, 8, 42]),
        ("amount", [16, 4, 8, 12, 30], [20, 8, 42]),
        ("order_total", [20, 20, 8, 42, 42], [20, 8, 42]),
    ],
)
def test_an_order_in_several_rows_is_one_order(load, money, values, amounts):
    new, tables = load(orders__csv=LINES.assign(**{money: values}))
    assert tables["orders"]["amount"].tolist() == amounts and len(tables["order_lines"]) == 5
    assert any(guess.startswith("amount: ") for guess in new.unconfirmed)


@pytest.mark.slow
def test_returned_invoices_have_an_amount_below_zero(example):
    new, tables = example("invoice_lines.csv")
    orders = tables["orders"]
    assert set(orders.loc[orders["amount"] < 0, "order_id"]) == {"C536011", "C536023"}
    assert (tables["order_lines"]["quantity"] > 0).all()
    assert orders["at"].dt.month.nunique() == 4 and "33" in new.reports


@pytest.mark.slow
def test_customers_known_by_their_address_get_a_number(example):
    _new, tables = example("shopify.csv")
    assert tables["orders"]["customer_id"].nunique() == 9
    assert tables["orders"]["customer_id"].str.fullmatch("[0-9a-f]{32}").all()


@pytest.mark.slow
def test_orders_of_nobody_known_tell_nothing_of_customers(example):
    new, _tables = example("amazon.txt")
    assert list(new.reports) == ["00", "34"]
    assert any("does not say who bought" in guess for guess in new.unconfirmed)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "item", "comments", "mean"),
    [
        ("app_store.csv", "rating", 40, lambda: csv("app_store.csv")["Rating"].mean()),
        (
            "google_play.csv",
            "star_rating",
            30,
            lambda: csv("google_play.csv", encoding="utf-16")["Star Rating"].mean(),
        ),
    ],
)
def test_reviews_are_ratings_and_comments(example, file, item, comments, mean):
    new, tables = example(file)
    assert tables["responses"][item].mean() == pytest.approx(mean())
    assert new.items[item].role == "csat" and len(tables["comments"]) == comments
    assert tables["comments"]["response_id"].isin(tables["responses"]["response_id"]).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    "file", ["hubspot_contacts.csv", "salesforce_contacts.csv", "mailchimp.csv"]
)
def test_contacts_are_customers_without_personal_data(example, file):
    _new, tables = example(file)
    text = tables["customers"].to_csv()
    assert len(tables["customers"]) == 30 and tables["customers"]["joined_on"].notna().all()
    assert not [w for w in ("@", "First1", "Street", "192.0.2", "+49") if w in text]


# Visits to a website


@pytest.mark.slow
def test_a_report_of_google_analytics_is_visits_in_totals(example):
    _new, tables = example("google_analytics.csv")
    rows, plain = tables["visits"], csv("google_analytics.csv", comment="#")
    assert rows["visits"].sum() == plain["Sessions"].sum() and len(rows) == 20
    assert rows["bounces"].sum() == (plain["Sessions"] - plain["Engaged sessions"]).sum()
    assert rows["conversions"].sum() == plain["Key events"].sum()
    assert rows["at"].min() == pd.Timestamp("2026-01-01")


@pytest.mark.slow
def test_a_visits_log_of_matomo_is_a_row_a_visit_without_addresses(example):
    _new, tables = example("matomo.csv")
    rows, plain = tables["visits"], csv("matomo.csv")
    assert len(rows) == 30 and rows["customer_id"].notna().sum() == 15
    assert rows["pages"].sum() == plain["actions"].sum()
    assert rows["minutes"].sum() == pytest.approx(plain["visitDuration"].sum() / 60)
    assert rows["conversions"].sum() == 5 and "192.0.2" not in rows.to_csv()


@pytest.mark.slow
def test_requests_of_a_server_log_are_put_together_to_visits(example):
    # By hand: one visitor with a pause of 38 minutes, the same address on a phone, one who had
    # logged in; neither the style sheet, the form that was sent, the error nor the robot counts.
    _new, tables = example("server.log")
    rows = tables["visits"].sort_values(["at", "page"])
    assert rows["page"].tolist() == ["/stories", "/hotels", "/basket", "/help"]
    assert rows["pages"].tolist() == [2, 1, 1, 1] and rows["minutes"].tolist() == [12, 0, 0, 0]
    assert rows["at"].iloc[0] == pd.Timestamp("2026-01-05 10:00")
    assert rows["source"].tolist() == ["search.example.org", *["direct"] * 3]
    assert rows["device"].tolist() == ["computer", "phone", "computer", "computer"]
    assert rows["customer_id"].dropna().tolist() == ["c01"]
    assert "192.0.2" not in rows.to_csv()


# Files of no tool


@pytest.mark.slow
def test_a_draft_loads_when_its_guesses_hold(load):
    rng = np.random.default_rng(1)
    n = 60
    answers = pd.DataFrame(
        {
            "Respondent ID": range(n),
            "Survey Date": ["31/03/2026"] * n,
            "Would you recommend us": rng.integers(0, 11, n),
            "Overall satisfaction": rng.permutation([1, 2, 3, 4, 5, 99] * 10),
            "Speed": rng.permutation([1, 2, 3, 4, 5] * 12),
            "Staff": rng.permutation([1, 2, 3, 4, 5] * 12),
            "Branch": rng.choice(["north", "south"], n),
            "Email": "a@b.c",
        }
    )
    new, tables = load(survey__csv=answers.to_csv(index=False, sep=";"))
    rows = tables["responses"]
    assert len(rows) == n and new.items["would_you_recommend_us"].role == "nps"
    assert new.items["overall_satisfaction"].role == "csat"
    assert new.items["overall_satisfaction"].missing == [99]
    assert rows["answered_on"].dt.month.unique() == [3]
    assert "Branch" in rows and "Email" not in rows
    assert any("99: no answer, or not experienced?" in guess for guess in new.unconfirmed)


@pytest.mark.slow
def test_a_draft_of_chinese_files_loads(load):
    text = "客户编号,订单编号,下单时间,订单金额,渠道\n" + "".join(
        f"c{i % 7},o{i},2026-01-{i + 1:02d},{i}.5,网站\n" for i in range(20)
    )
    _new, tables = load(订单__csv=text.encode("gbk"))
    assert len(tables["orders"]) == 20 and tables["orders"]["channel"].unique() == ["网站"]


def survey(n: int = 60, **columns: object) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    first = {"ID": range(n), "NPS": rng.integers(0, 11, n)}
    return pd.DataFrame(
        {**first, **{k: v(rng, n) if callable(v) else v for k, v in columns.items()}}
    )


def codes(low: int, high: int):
    return lambda rng, n: rng.permutation(np.resize(np.arange(low, high + 1), n))


@pytest.mark.slow
@pytest.mark.few(2)
@pytest.mark.parametrize("name", ["Region", "Branch code", "Age group", "地区", "Q7", "Geschlecht"])
def test_numbers_without_evidence_are_a_group_and_no_rating(load, name):
    new, tables = load(a__csv=survey(**{name: codes(1, 4)}))
    assert list(new.items) == ["nps"] and name in tables["responses"]


@pytest.mark.slow
@pytest.mark.few(2)
@pytest.mark.parametrize(
    ("name", "scale"),
    [
        ("Satisfaction with staff", (1, 5)),
        ("Zufriedenheit mit dem Service", (1, 7)),
        ("物流满意度", (1, 5)),
        ("Delivery", (1, 10)),
        ("Calidad del producto", (1, 5)),
    ],
)
def test_a_rating_is_told_by_its_words(load, name, scale):
    new, _tables = load(a__csv=survey(140, **{name: codes(*scale)}))
    item = next(i for i in new.items.values() if i.label["en"] == name)
    assert item.scale == scale and item.role in ("touchpoint", "csat")


@pytest.mark.slow
@pytest.mark.few(3)
@pytest.mark.parametrize(
    "question",
    [
        *("Would you recommend us?", "NPS", "Würden Sie uns weiterempfehlen?"),
        *("Recommanderiez-vous notre service ?", "¿Nos recomendaría?", "Você nos recomendaria?"),
        *("Ci consiglieresti a un amico?", "您愿意推荐我们吗？", "友人に薦めますか"),
    ],
)
def test_the_nps_question_is_known_in_eight_languages(load, question):
    n = 60
    rows = pd.DataFrame({"ID": range(n), question: np.resize(np.arange(11), n)})
    new, tables = load(a__csv=rows)
    (item,) = new.items.values()
    assert item.role == "nps" and item.scale == (0, 10) and "10" in new.reports
    assert len(tables["responses"]) == n


@pytest.mark.slow
@pytest.mark.parametrize("end", [2, 3])
def test_a_block_around_zero_keeps_its_negative_answers(load, end):
    asked = {f"Do you agree? - Part {i}": codes(-end, end) for i in range(3)}
    new, tables = load(a__csv=survey(70, **asked))
    items = [n for n, i in new.items.items() if i.scale == (-end, end)]
    assert len(items) == 3 and tables["responses"][items].lt(0).any().all()


@pytest.mark.slow
@pytest.mark.parametrize("missing", [[-1], [-1, -2], [-3, -2, -1]])
def test_negative_codes_beside_a_scale_of_positive_numbers_are_no_answers(load, missing):
    rows = survey(60, **{"How do you rate it?": np.resize([1, 2, 3, 4, 5, *missing], 60)})
    new, _tables = load(a__csv=rows)
    rated = next(i for i in new.items.values() if i.role != "nps")
    assert rated.scale == (1, 5) and sorted(rated.missing) == sorted(missing)


@pytest.mark.slow
@pytest.mark.parametrize("things", [["A", "B", "C"], ["Price", "Speed", "Staff", "Service"]])
def test_a_ranking_is_no_rating(load, things):
    rng = np.random.default_rng(3)
    ranks = np.array([rng.permutation(len(things)) + 1 for _ in range(60)])
    asked = {f"Please rate by rank - {t}": ranks[:, i] for i, t in enumerate(things)}
    new, tables = load(a__csv=survey(60, **asked))
    assert list(new.items) == ["nps"] and set(asked) <= set(tables["responses"])
    assert any("ranking" in line for line in new.unconfirmed)


@pytest.mark.slow
@pytest.mark.few(2)
@pytest.mark.parametrize(
    "wording",
    [
        "If you read this select strongly agree",
        'Please choose "Somewhat agree" here',
        "本题请选择“非常同意”",
        "Bitte wählen Sie hier „stimme voll zu“",
    ],
)
def test_a_check_of_attention_is_no_rating(load, wording):
    words = np.resize(["Strongly agree", "Agree", "Disagree", "Strongly disagree"], 60)
    new, _tables = load(a__csv=survey(60, **{wording: words}))
    assert list(new.items) == ["nps"] and any("attention" in u for u in new.unconfirmed)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wording", "scale"),
    [("Jak se vám líbil web? (1-10)", (1, 10)), ("Wie war es? (1 bis 5)", (1, 5))],
)
def test_a_wording_may_state_the_scale(load, wording, scale):
    answers = np.resize(np.arange(2, scale[1] + 1), 60)
    new, _tables = load(a__csv=survey(60, **{wording: answers}))
    assert [i.scale for i in new.items.values() if i.role != "nps"] == [scale]


@pytest.mark.slow
def test_value_labels_that_are_numbers_give_the_answers(tmp_path, load):
    import pyreadstat

    labels = {1: "very unlikely", 11: "very likely"} | {c: str(c - 1) for c in range(2, 11)}
    rows = pd.DataFrame({"nps": np.resize(range(1, 12), 66), "mood": np.resize(range(1, 101), 66)})
    path = tmp_path / "a.sav"
    pyreadstat.write_sav(
        rows,
        str(path),
        column_labels=["How likely are you to recommend us?", "Mood"],
        variable_value_labels={"nps": labels, "mood": {1: "Bad", 100: "Good"}},
    )
    new, tables = load(a__sav=path.read_bytes())
    assert new.items["nps"].role == "nps" and new.items["nps"].scale == (0, 10)
    assert tables["responses"]["nps"].tolist() == (rows["nps"] - 1).tolist()
    assert tables["responses"]["mood"].tolist() == rows["mood"].tolist()  # numbers, not words


@pytest.mark.slow
def test_names_with_quotes_stand_in_expressions(load):
    several = np.resize(["Web, Shop", "Web", "Shop", "Shop, Phone", "Phone"], 60)
    new, tables = load(a__csv=survey(60, **{'Where did you "buy"? {ID}': several}))
    assert sum("Web" in c for c in tables["responses"]) == 1


@pytest.mark.slow
@pytest.mark.parametrize("text", ["https://example.org/u/{}", "3f2a-77b1-9c{}-e0d4-88aa-1c2d"])
def test_addresses_and_tokens_are_no_comments(load, text):
    _new, tables = load(a__csv=survey(60, Profile=[text.format(i) for i in range(60)]))
    assert "comments" not in tables


@pytest.mark.slow
def test_rows_that_are_all_tests_are_kept_and_asked_about(load):
    head = "V1,V2,V3,V4,V5,V6,V7,V8,V9,V10,Q1,\nResponseID,ResponseSet,Name,Ref,EmailAddress,"
    head += "IPAddress,Status,StartDate,EndDate,Finished,How satisfied are you?,\n"
    body = "".join(
        f"R_{i},Set,Anon,,,,2,2024-01-02 10:00:00,2024-01-02 10:05:00,1,{i % 5 + 1},\n"
        for i in range(30)
    )
    new, tables = load(a__csv=head + body)
    assert new.items["q1"].wording["en"] == "How satisfied are you?"
    assert len(tables["responses"]) == 30 and any("tests" in u for u in new.unconfirmed)


@pytest.mark.slow
def test_recommendation_on_another_scale_is_no_nps(load):
    rows = pd.DataFrame({"ID": range(50), "Would you recommend us": np.resize(range(1, 6), 50)})
    new, _tables = load(a__csv=rows)
    assert new.items["would_you_recommend_us"].role != "nps"


@pytest.mark.slow
def test_a_second_answer_to_the_same_scale_tells_how_many_points_it_has(load):
    words = ["Very dissatisfied", "Dissatisfied", "Satisfied", "Very satisfied"]
    rows = pd.DataFrame(
        {
            "ID": range(40),
            "Satisfied with staff": words * 10,
            "Satisfied with price": words[2:] * 20,
        }
    )
    new, tables = load(a__csv=rows)
    assert {i.scale for i in new.items.values()} == {(1, 4)}
    assert set(tables["responses"]["satisfied_with_price"]) == {3, 4}


@pytest.mark.slow
def test_waves_in_files_with_other_columns_and_ids_that_begin_again_load(load):
    q1 = survey(date="2025-01-15", Staff=codes(1, 5)).rename(columns={"date": "Date"})
    q2 = survey(date="2025-04-15", App=codes(1, 5)).rename(columns={"date": "Date"})
    new, tables = load(q1__csv=q1, q2__csv=q2)
    rows = tables["responses"]
    assert rows.groupby("wave").size().to_dict() == {"2025-Q1": 60, "2025-Q2": 60}
    assert rows["response_id"].is_unique and rows["staff"].notna().sum() == 60
    assert nps(rows["nps"]) == pytest.approx(nps(pd.concat([q1, q2])["NPS"]))
    assert "12" in new.reports


@pytest.mark.slow
def test_files_without_dates_are_waves_by_their_names(load):
    one, two = survey(), survey().assign(ID=range(100, 160))
    new, tables = load(spring__csv=one, summer__csv=two)
    assert tables["responses"]["wave"].value_counts().to_dict() == {"spring": 60, "summer": 60}
    assert any(guess.startswith("wave:") for guess in new.unconfirmed)


@pytest.mark.slow
def test_a_question_that_only_the_owner_can_answer_stands_unconfirmed(load, tmp_path):
    rows = survey(40, Speed=codes(1, 5)).drop(columns="NPS").assign(Date="03/04/2025")
    new, tables = load(a__csv=rows)
    assert any("Which question is the outcome" in guess for guess in new.unconfirmed)
    assert any("how is it written?" in guess for guess in new.unconfirmed)
    plan = drafts.plan("new", [new.folder / "a.csv"])
    for question in plan.questions:
        question.settle(question.proposed)
    assert "unconfirmed" not in yaml.safe_load(drafts.text(plan))


@pytest.mark.slow
def test_a_rating_that_runs_against_the_outcome_is_asked_about(load):
    rng = np.random.default_rng(3)
    score = rng.integers(0, 11, 200)
    trouble = np.clip(5 - score // 2 + rng.integers(-1, 2, 200), 1, 5)
    rows = pd.DataFrame({"ID": range(200), "NPS": score, "Rating of service": trouble})
    new, _tables = load(a__csv=rows)
    assert new.items["rating_of_service"].reverse
    assert any("Is a low number the good one?" in guess for guess in new.unconfirmed)


@pytest.mark.slow
def test_a_draft_lists_only_reports_that_can_run(load):
    answers = pd.DataFrame(
        {
            "response_id": [f"r{i}" for i in range(60)],
            "customer_id": [f"k{i}" for i in range(60)],
            "colour": ["red", "green", "blue"] * 20,
        }
    )
    people = pd.DataFrame({"customer_id": answers["customer_id"], "region": ["N", "S"] * 30})
    new, _tables = load(answers__csv=answers, customers__csv=people)
    assert list(new.reports) == ["00"] and not new.items


@pytest.mark.slow
def test_a_file_that_looks_like_no_table_is_said_so(load):
    with pytest.raises(IntakeError, match="looks like no table"):
        load(x__csv="alpha,beta\nfoo,bar\n")


# Personal columns


@pytest.mark.parametrize(
    "name",
    [
        "Name",
        "Customer Email",
        "RecipientFirstName",
        "IPAddress",
        "Billing Name",
        "Shipping Address1",
        "昵称",
        "手机号",
        "来自IP",
        "收货人姓名",
        "出生日期",
        "Kundenname",
        "E-Mail-Adresse",
        "Straße",
        "PLZ",
        "Geburtsdatum",
        "Prénom",
        "Téléphone",
        "Date de naissance",
        "Apellidos",
        "Correo electrónico",
        "Dirección",
        "Endereço",
        "Cognome",
        "Indirizzo",
        "氏名",
        "電話番号",
        "Latitude",
        "Date of Birth",
        "userName",
        "What is your name?",
        "Street Address Line 1",
        "Phone Number (mobile)",
    ],
)
def test_personal_columns_are_known_by_their_names(name):
    assert personal(Column(name, name, pd.Series(["a", "b", "c", "d"] * 10)))


@pytest.mark.parametrize(
    "values",
    [
        [f"p{i}@example.org" for i in range(20)],
        [f"192.0.2.{i}" for i in range(20)],
        [f"+49 30 12345{i:02d}" for i in range(20)],
        [f"1380000{i:04d}" for i in range(20)],
    ],
)
def test_personal_columns_are_known_by_what_they_hold(values):
    assert personal(Column("field 7", "field 7", pd.Series(values))).startswith("it holds")


@pytest.mark.few(3)
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Order number", [f"{13800000000 + i}" for i in range(20)]),
        ("Name of the product", ["Mug", "Tea"] * 10),
        ("Phone", [1, 2, 3, 4, 5] * 4),
        ("Survey date", ["2025-01-01", "2025-01-02"] * 10),
        ("Amount", ["1.234.567", "2.000.000"] * 10),
        ("Mobile app", ["yes", "no"] * 10),
    ],
)
def test_what_only_looks_personal_stays(name, values):
    assert not personal(Column(name, name, pd.Series(values)))


# Exports of shops, help desks and review sites as they are found


@pytest.mark.slow
def test_refunds_are_taken_off_and_lines_of_nobody_go_with_their_order(load):
    rows = csv("shopify.csv").astype({"Refunded Amount": float})
    first = rows.index[rows["Financial Status"].eq("paid")]
    rows.loc[first[0], ["Financial Status", "Refunded Amount"]] = ["partially_refunded", 3.5]
    rows.loc[first[1], ["Financial Status", "Refunded Amount"]] = [
        "refunded",
        rows["Total"][first[1]],
    ]
    nobody = rows["Name"] == rows["Name"][first[2]]
    rows.loc[nobody, "Email"] = None
    _new, tables = load(orders__csv=rows)
    kept = rows[~nobody]
    paid = kept[kept["Financial Status"].isin(["paid", "partially_refunded"])]
    orders = tables["orders"]
    assert orders["amount"].sum() == pytest.approx(paid["Total"].sum() - 3.5)
    assert orders["amount"].notna().sum() == len(paid)
    assert set(tables["order_lines"]["order_id"]) == set(orders["order_id"])


@pytest.mark.slow
@pytest.mark.parametrize("word", ["NA", "null", "N/A"])
def test_a_placeholder_is_not_one_customer(load, word):
    rows = pd.DataFrame(
        {
            "InvoiceNo": ["1", "1", "2", "3", "C4"],
            "StockCode": list("abcab"),
            "Description": ["Mug", "Tea", "Pot", "Mug", "Tea"],
            "Quantity": [1, 2, 1, 1, -1],
            "InvoiceDate": ["2011-01-13 10:00"] * 3 + ["2011-02-13 10:00"] * 2,
            "UnitPrice": [2.0, 3.0, 9.0, 2.0, 3.0],
            "CustomerID": ["17", "17", word, "18", "17"],
        }
    )
    new, tables = load(lines__csv=rows)
    assert tables["orders"]["customer_id"].unique().tolist() == ["17", "18"]
    assert tables["orders"]["amount"].sum() == pytest.approx(7)
    assert set(tables["order_lines"]["order_id"]) == {"1", "3"}
    assert any("do not say who the customer is" in u for u in new.unconfirmed)


@pytest.mark.slow
@pytest.mark.few(2)
@pytest.mark.parametrize(
    "form", ["Rated {} out of 5 stars", "{}/5", "{} von 5 Sternen", "{} de 5 estrellas"]
)
def test_ratings_out_of_five_are_scores_of_reviews_and_answers(load, form):
    score = np.resize([1, 1, 2, 4, 5, 3], 60)
    rows = pd.DataFrame(
        {
            "Name": [f"Person {i}" for i in range(60)],
            "Date": [f"January {i % 28 + 1:02d}, 2023" for i in range(60)],
            "Review_Text": [
                f"The parcel number {i} came late and nobody told me" for i in range(60)
            ],
            "Rating": [form.format(s) for s in score],
        }
    )
    new, tables = load(reviews__csv=rows)
    assert tables["responses"]["rating"].mean() == pytest.approx(score.mean())
    assert tables["comments"]["score"].mean() == pytest.approx(score.mean())
    assert new.items["rating"].scale == (1, 5)


@pytest.mark.slow
@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("names", "yes", "no"),
    [
        (
            "id_ticket data_abertura data_fechamento prioridade satisfacao_cliente reaberto",
            "Sim",
            "Não",
        ),
        (
            "id_caso fecha_apertura fecha_cierre prioridad satisfacción_cliente reabierto",
            "Sí",
            "No",
        ),
    ],
)
def test_tickets_with_a_rating_are_cases_and_answers_in_other_languages(load, names, yes, no):
    score = np.resize([2, 3, 4, 5, 5], 40)
    cells = [
        [f"TKT-{i:03d}" for i in range(40)],
        [f"2024-{i % 6 + 1:02d}-03" for i in range(40)],
        [f"2024-{i % 6 + 1:02d}-{i % 9 + 4:02d}" for i in range(40)],
        ["Alta", "Baixa"] * 20,
        score,
        [yes, no, no, no] * 10,
    ]
    new, tables = load(tickets__csv=pd.DataFrame(dict(zip(names.split(), cells, strict=True))))
    assert tables["cases"]["reopened"].mean() == pytest.approx(0.25)
    assert tables["cases"]["solved_at"].notna().all()
    (item,) = new.items
    assert tables["responses"][item].mean() == pytest.approx(score.mean())


@pytest.mark.slow
@pytest.mark.parametrize(
    "header",
    [
        "Clave de incidencia,ID de la incidencia,Estado,Creada",
        "Vorgangsschlüssel,Vorgangs-ID,Status,Erstellt",
        "Issue key,Issue id,Status,Created,Watchers,Watchers,Log Work,Log Work",
    ],
)
def test_jira_exports_in_other_languages_are_cases_with_their_status(load, header):
    n = header.count(",") + 1
    rows = [
        [f"DO-{i}", str(900 + i), ("ACABADO", "Test")[i % 2], f"{i:02d}/mar/24 1:16 PM", *"wxyz"]
        for i in range(1, 25)
    ]
    text = "\n".join([header, *(",".join(r[:n]) for r in rows)])
    _new, tables = load(jira__csv=text)
    cases, status = tables["cases"], header.split(",")[2]
    assert cases[status].value_counts().to_dict() == {"ACABADO": 12, "Test": 12}
    assert cases["opened_at"].dt.month.eq(3).all()
    assert set(cases) == {"case_id", "opened_at", status}  # neither watchers nor work logs


@pytest.mark.slow
def test_orders_without_a_number_are_numbered_and_customers_known_by_their_address(load):
    rows = pd.DataFrame(
        {
            "Email": ["a@x.org", "b@x.org", "A@x.org"] * 4,
            "Cart Total": [8.0, 12.5, 9.0] * 4,
            "Date and Time of Order": [f"2/{i + 13}/2025, 9:12:00 AM" for i in range(12)],
        }
    )
    _new, tables = load(orders_export__csv=rows)
    assert tables["orders"]["amount"].sum() == pytest.approx(118)
    assert tables["orders"]["customer_id"].nunique() == 2


@pytest.mark.slow
def test_a_sheet_of_answers_alone_is_one_of_comments(load):
    rows = pd.DataFrame(
        {
            "Location": ["North", "South"] * 20,
            "Question": ["What should we start?", "What should we stop?"] * 20,
            "Answer": [f"Please give us more time for idea {i}" for i in range(39)] + ["N/a"],
        }
    )
    _new, tables = load(report__csv=rows)
    assert len(tables["comments"]) == 40
    assert tables["comments"]["Location"].value_counts().to_dict() == {"North": 20, "South": 20}


@pytest.mark.slow
def test_german_words_of_interest_and_skipped_answers(load):
    words = ["Ja, definitiv", "Ja, wahrscheinlich", "Vielleicht", "Nein, eher nicht"]
    words += ["Nein, auf keinen Fall", "übersprungen"]
    rows = pd.DataFrame({"Teilnehmer": range(60), "Wären Sie interessiert?": words * 10})
    new, tables = load(umfrage__csv=rows)
    (item,) = new.items
    assert tables["responses"][item].value_counts().sort_index().tolist() == [10] * 5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ends", "bands"),
    [([-1, 6, 8, 10], ["Detractor", "Passive", "Promoter"]), ([-1, 8, 10], ["others", "fans"])],
)
def test_groups_that_the_outcome_decides_are_not_compared(load, ends, bands):
    scores = pd.Series([*range(11)] * 20)
    frame = pd.DataFrame(
        {
            "How likely are you to recommend us?": scores,
            "Label": pd.cut(scores, ends, labels=bands),
            "Channel of contact": ["web", "shop"] * 110,
        }
    )
    assert load(answers__csv=frame)[0].group == "Channel of contact"
    assert not load(answers__csv=frame.drop(columns="Channel of contact"))[0].group


@pytest.mark.slow
@pytest.mark.few(2)
@pytest.mark.parametrize(
    ("label", "ends", "scale"),
    [
        ("X20 - Likely to Recommend", {0: "Not At All", 10: "Definitely"}, (0, 10)),
        ("How would you rate the staff?", {1: "Awful", 7: "Wonderful"}, (1, 7)),
        ("Region", {1: "North", 5: "Abroad"}, None),
        ("Rating group", {0: "Zero percent", 100: "All"}, None),
    ],
)
def test_a_scale_may_have_labels_at_its_ends_only(tmp_path, load, label, ends, scale):
    import pyreadstat

    low, high = ends
    rows = pd.DataFrame({"sat": [1, 2, 3, 4, 5] * 12})
    rows["x"] = np.resize(np.linspace(low, high, 21), 60)
    path = tmp_path / "a.sav"
    pyreadstat.write_sav(
        rows,
        str(path),
        column_labels=["Overall satisfaction", label],
        variable_value_labels={"x": ends},
    )
    new, _tables = load(a__sav=path.read_bytes())
    assert (new.items["x"].scale if "x" in new.items else None) == scale
    if scale == (0, 10):  # decimals: no NPS without a question
        assert new.items["x"].role != "nps"
        assert any("decimals" in guess for guess in new.unconfirmed)


@pytest.mark.slow
def test_the_satisfaction_of_the_ecsi_model_is_known_by_its_name(load):
    names = [f"{part}{i}" for part in ("CUEX", "PERQ", "CUSA", "CUSL") for i in (1, 2, 3)]
    rng = np.random.default_rng(4)
    new, _tables = load(a__csv=pd.DataFrame(rng.integers(1, 11, (80, 12)), columns=names))
    assert new.default_outcome == "cusa1" and new.items["cusa1"].role == "csat"


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["Not useful at all", "Somewhat useful", "Very useful"],
        ["Dissatisfied", "Neutral", "Satisfied"],
    ],
)
def test_of_three_answers_only_the_best_is_satisfied(load, words):
    new, _tables = load(a__csv=pd.DataFrame({"Overall satisfaction": np.resize(words, 60)}))
    (item,) = new.items.values()
    assert item.scale == (1, 3) and item.role == "csat" and item.satisfied == 3


@pytest.mark.slow
@pytest.mark.few(2)
@pytest.mark.parametrize("copies", [1, 4])
def test_rows_that_repeat_another_are_asked_about(load, copies):
    rows = pd.DataFrame(
        {"NPS": np.resize(range(11), 60), "Why?": [f"Reason {i}" for i in range(60)]}
    )
    twice = pd.concat([rows, rows.head(copies)])
    assert any(f"{copies} row(s) repeat" in g for g in load(a__csv=twice)[0].unconfirmed)
    assert not any("repeat" in g for g in load(a__csv=rows)[0].unconfirmed)


@pytest.mark.slow
def test_slips_of_the_pen_cost_no_question(load) -> None:
    words = ["sehr zufrieden", "zufrieden", "teils/teils", "unzufrieden", "sehr unzufrieden"]
    answers = [*(words * 60), "zufriedn", "zufriedn", "sehr zufireden"]
    rows = pd.DataFrame({"Nr": range(len(answers)), "Wie zufrieden sind Sie insgesamt?": answers})
    new, tables = load(answers__csv=rows)
    [name] = new.items
    assert new.items[name].scale == (1, 5) and new.items[name].role == "csat"
    assert tables["responses"][name].mean() == 3 and tables["responses"][name].count() == 300


@pytest.mark.slow
def test_one_slip_among_twenty_answers_costs_no_question(load) -> None:
    answers = [*range(1, 11), *range(1, 10), 11]
    rows = pd.DataFrame({"id": range(20), "How likely are you to recommend us?": answers})
    item = load(answers__csv=rows)[0].items["recommend"]
    assert item.scale == (0, 10) and item.role == "nps"


@pytest.mark.slow
def test_an_answer_that_is_no_slip_keeps_words_from_being_a_scale(load) -> None:
    answers = ["good", "bad", "fair"] * 20 + ["blue"] * 10
    rows = pd.DataFrame({"id": range(70), "customer": range(70), "Mood": answers})
    new, _tables = load(answers__csv=rows)
    assert "mood" not in new.items


@pytest.mark.slow
@pytest.mark.few(1)
@pytest.mark.parametrize(
    "headers",
    [
        ("工单号", "提交时间", "首次响应时间", "解决时间", "处理人"),
        ("工单编号", "创建时间", "首次回复时间", "办结时间", "负责人"),
        ("投诉编号", "来电时间", "首次响应时间", "结案时间", "处理人"),
    ],
)
def test_a_chinese_help_desk_is_one(load, headers) -> None:
    day = pd.Timestamp("2026-03-02 09:00")
    hours = pd.Series(range(40))
    opened = day + pd.to_timedelta(hours * 5, unit="h")
    columns = [
        [f"G{i:04d}" for i in hours],
        opened.astype(str),
        (opened + pd.Timedelta("1h")).astype(str),
        (opened + pd.Timedelta("30h")).astype(str),
        ["张伟", "李娜"] * 20,
    ]
    rows = pd.DataFrame(dict(zip(headers, columns, strict=True)))
    _new, tables = load(tickets__csv=rows)
    cases = tables["cases"]
    assert (cases["solved_at"] - cases["opened_at"]).eq(pd.Timedelta("30h")).all()
    assert len(cases) == 40 and cases["owner"].nunique() == 2


@pytest.mark.slow
@pytest.mark.few(1)
@pytest.mark.parametrize("header", ["Ausgefüllt am", "Date de réponse", "Fecha de respuesta"])
def test_the_day_of_the_answer_is_found_in_other_languages(load, header) -> None:
    days = pd.date_range("2026-01-05", periods=120, freq="D").strftime("%Y-%m-%d")
    rows = pd.DataFrame({"id": range(120), header: days, "NPS": [i % 11 for i in range(120)]})
    _new, tables = load(answers__csv=rows)
    assert tables["responses"]["answered_on"].min() == pd.Timestamp("2026-01-05")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("header", "states"),
    [("Payment Status", ["Paid", "Cancelled"]), ("订单状态", ["已完成", "已取消"])],
)
def test_orders_that_may_be_no_sales_are_asked_about(load, header, states) -> None:
    rows = pd.DataFrame(
        {
            "Order Number": range(60),
            "Customer": [f"c{i % 20}" for i in range(60)],
            "Order Date": pd.date_range("2026-01-05", periods=60).strftime("%Y-%m-%d"),
            "Grand Total": [10.5 + i for i in range(60)],
            header: [states[i % 3 == 0] for i in range(60)],
        }
    )
    new, _tables = load(orders__csv=rows)
    assert any(f"{states[1]} (20)" in d and states[0] in d for d in new.unconfirmed)
