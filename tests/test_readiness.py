"""`cx check` foresees what the notebooks can say, and no page of such data ends in an error."""

from __future__ import annotations

import os
import random
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from cxlib import batch, reserve
from cxlib.batch import readiness
from cxlib.churn import leakage
from cxlib.cli import main
from cxlib.core import parameters
from cxlib.data import study

ROOT = Path(__file__).parents[1]
HEAD = "title: T\nsource: s\nlicence: internal\ntables:\n"
ITEMS = """items:
  nps: {label: Recommend, scale: [0, 10], role: nps}
  speed: {label: Speed, scale: [1, 5], role: touchpoint}
"""
ANSWERS = "  responses: {files: a.csv, columns: {response_id: '#row'}, keep: true}\n"


def day(n: int) -> date:
    return date(2025, 1, 1) + timedelta(days=n)


def table(head: str, rows: list) -> str:
    return "\n".join([head, *(",".join(map(str, row)) for row in rows), ""])


def answers(*, odd: str = "", sexes: str = "FM") -> dict[str, str]:
    rng = random.Random(1)
    rows = [[rng.randint(0, 10), rng.randint(1, 5), sexes[i % 2]] for i in range(120)]
    if odd:
        rows[0][2] = odd
    return {"a.csv": table("nps,speed,sex", rows)}


def orders(amount: str | None) -> dict[str, str]:
    rng = random.Random(2)
    rows = [
        [f"o{i}", f"c{rng.randint(1, 150)}", day(rng.randint(0, 700))]
        + ([] if amount is None else [amount])
        for i in range(900)
    ]
    return {"o.csv": table("order_id,customer_id,at" + (",amount" if amount else ""), rows)}


def orders_yaml(amount: bool) -> str:
    more = ", amount: amount" if amount else ""
    return (
        "  orders: {files: o.csv, columns: "
        f"{{order_id: order_id, customer_id: customer_id, at: at{more}}}}}\n"
    )


def cases() -> dict[str, str]:
    rows = [[f"k{i}", f"c{i % 60}", day(i // 4), "", "late"] for i in range(200)]
    return {"k.csv": table("case_id,customer_id,opened_at,solved_at,category", rows)}


def hours(span: int) -> dict[str, str]:
    """Cases opened within so many hours, with the time until they were solved instead of dates."""
    rng = random.Random(3)
    start = datetime(2025, 1, 1)
    rows = [
        [f"k{i}", f"c{i % 60}", start + timedelta(hours=rng.uniform(0, span)), 0.5, "ab"[i % 2]]
        for i in range(200)
    ]
    return {"k.csv": table("case_id,customer_id,opened_at,solved_hours,severity", rows)}


HOURS = """  cases:
    files: k.csv
    columns: {case_id: case_id, customer_id: customer_id, opened_at: opened_at,
      solved_hours: solved_hours, severity: severity}
"""
CASES = """  cases:
    files: k.csv
    columns: {case_id: case_id, customer_id: customer_id, opened_at: opened_at,
      solved_at: solved_at, category: category}
"""


def comments() -> dict[str, str]:
    said = ["good", "too slow", "nice staff", "expensive"]
    rows = [[f"m{i}", said[i % 4], 10 - i % 4] for i in range(120)]
    return {"m.csv": table("comment_id,text,score", rows)}


COMMENTS = (
    "  comments: {files: m.csv, columns: {comment_id: comment_id, text: text, score: score}}\n"
)


def block() -> dict[str, str]:
    """Three questions that a third of the people skipped together (code 9)."""
    rng = random.Random(3)
    rows = [
        [rng.randint(0, 10), *([9] * 3 if i % 3 == 0 else [rng.randint(1, 5) for _ in range(3)])]
        for i in range(300)
    ]
    return {"a.csv": table("nps,speed,staff,price", rows)}


BLOCK = "items:\n  nps: {label: Recommend, scale: [0, 10], role: nps}\n" + "".join(
    f"  {i}: {{label: {i}, scale: [1, 5], role: touchpoint, not_experienced: [9]}}\n"
    for i in ("speed", "staff", "price")
)


def in_turn() -> dict[str, str]:
    """Two waves; each asked another touchpoint."""
    rng = random.Random(5)
    rows = [
        [rng.randint(0, 10), *((rng.randint(1, 5), "") if i < 60 else ("", rng.randint(1, 5)))]
        + [f"2025-Q{1 + i // 60}"]
        for i in range(120)
    ]
    return {"a.csv": table("nps,speed,staff,wave", rows)}


IN_TURN = ANSWERS.replace("'#row'", "'#row', wave: wave") + ITEMS
IN_TURN += "  staff: {label: Staff, scale: [1, 5], role: touchpoint}\n"


def leavers() -> dict[str, str]:
    """Customers whose leaving nothing predicts: nobody is at high risk."""
    rng = random.Random(4)
    customers, bought = [], []
    for i in range(400):
        joined = rng.randint(0, 400)
        end = joined + 1 + int(rng.expovariate(1 / 500))
        customers.append([f"c{i}", day(joined), day(end) if end < 700 else "", rng.choice("ab")])
        t = joined
        while t < min(end, 700):
            bought.append([f"o{len(bought)}", f"c{i}", day(t), round(rng.uniform(5, 50), 2)])
            t += 1 + int(rng.expovariate(1 / 40))
    return {
        "c.csv": table("customer_id,joined_on,left_on,plan", customers),
        "o.csv": table("order_id,customer_id,at,amount", bought),
    }


def few_leavers() -> dict[str, str]:
    rows = [[f"c{i}", i % 7, "yes" if i < 12 else "no"] for i in range(300)]
    return {"c.csv": table("customer_id,calls,gone", rows)}


FEW = """  customers: {files: c.csv, keep: true, columns: {customer_id: customer_id}}
churn: {flag: gone, left: 'yes'}
"""
LEAVERS = """  customers: {files: c.csv, keep: true, columns:
    {customer_id: customer_id, joined_on: joined_on, left_on: left_on}}
""" + orders_yaml(True)


def events() -> dict[str, str]:
    """A log of one day."""
    rows = [
        [f"e{c}-{j}", f"c{c}", f"2026-03-02T{9 + c // 10:02d}:{(c % 10) * 5 + j:02d}:00", t]
        for c in range(80)
        for j, t in enumerate(["visit", "quote", "buy"] if c % 3 else ["visit", "quote"])
    ]
    return {"e.csv": table("event_id,customer_id,at,touchpoint", rows)}


EVENTS = """  events: {files: e.csv, columns:
    {event_id: event_id, customer_id: customer_id, at: at, touchpoint: touchpoint}}
journey: {goal: [buy]}
"""
SEX = "margins: {sex: {F: 0.5, M: 0.5}}\n"
STUDIES = {  # name: (files, the study.yaml behind its head)
    "no_case_solved": (cases(), CASES),
    "no_amounts": (orders(None), orders_yaml(False)),
    "one_price": (orders("9.99"), orders_yaml(True)),
    "no_risk": (leavers(), LEAVERS),
    "few_leavers": (few_leavers(), FEW),
    "hours_alone": (hours(2000), HOURS),
    "half_a_day": (hours(12), HOURS),
    "anonymous": ({**answers(), **few_leavers()}, ANSWERS + FEW + ITEMS),
    "no_margin": (answers(odd="D"), ANSWERS + ITEMS + SEX),
    "one_driver": (answers(), ANSWERS + ITEMS),
    "block_skipped": (block(), ANSWERS + BLOCK),
    "asked_in_turn": (in_turn(), IN_TURN),
    "four_comments": (comments(), COMMENTS),
    "one_day": (events(), EVENTS),
}
FORESEEN = [  # study, notebook, status, words of the reason
    ("no_case_solved", "24", "partly", "Who waits longest? No case says when it was solved."),
    ("no_case_solved", "24", "partly", "Is the backlog growing? No case says when it was solved."),
    ("no_case_solved", "24", "partly", "at the first contact? No case says when it was solved."),
    ("no_case_solved", "24", "partly", "reopened? Cases have no column reopened"),
    ("no_amounts", "33", "partly", "no column"),
    ("no_amounts", "30", "partly", "no column"),
    ("one_price", "30", "partly", "too few different values of amount (1)"),
    ("one_driver", "20", "partly", "1 with different answers"),
    ("one_driver", "12", "not possible", "Two survey waves are needed; the study has one."),
    ("block_skipped", "20", "ready", ""),
    ("asked_in_turn", "20", "not possible", "Nobody answered all of"),
    ("asked_in_turn", "12", "ready", ""),
    ("four_comments", "23", "partly", "too few different values of text (4)"),
    ("no_risk", "32", "partly", "does not say why customers left"),
    ("no_risk", "32", "partly", "high risk is known after the model is fitted."),
    ("few_leavers", "32", "partly", "Answer A churn model needs 20 customers who left"),
    ("anonymous", "00", "partly", "others? Responses have no column"),
    ("anonymous", "10", "ready", ""),
    ("hours_alone", "24", "partly", "Where are targets missed? The study states no service"),
    ("half_a_day", "24", "partly", "at the first contact? The cases span 0 days; 1 is needed"),
    ("half_a_day", "24", "partly", "When do they arrive? The cases span 0 days; 35 are needed"),
    ("no_amounts", "34", "not possible", "no table"),
]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    root = tmp_path_factory.mktemp("foreseen")
    (root / "notebooks").symlink_to(ROOT / "notebooks")
    for name, (files, text) in STUDIES.items():
        folder = root / "data" / name
        folder.mkdir(parents=True)
        (folder / "study.yaml").write_text(HEAD + text, encoding="utf-8")
        for file, content in files.items():
            (folder / file).write_text(content, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CX_ROOT", str(root))
        parameters.read.cache_clear()
        yield root
    parameters.read.cache_clear()


def foreseen(name: str) -> dict[str, readiness.Readiness]:
    taken = reserve.check(name).taken
    return {r.notebook[:2]: r for r in readiness.of(study.read(name), taken)}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "notebook", "status", "why"), FORESEEN)
def test_check_foresees_what_a_notebook_can_say(project, name, notebook, status, why):
    found = foreseen(name)[notebook]
    assert (found.status, why in str(found)) == (status, True), str(found)


@pytest.mark.slow
def test_what_is_ready_in_hours_alone_is_made_of_them(project):
    said = str(foreseen("hours_alone")["24"])
    for part in ("Who waits longest", "Is the backlog", "at the first contact", "When do they"):
        assert part not in said


def test_the_least_number_of_leavers_is_that_of_the_model():
    facts = parameters.content(batch.pick("32"))["metadata"]["cxlib"]
    assert facts["parts"]["Answer"] == [f"leavers:{leakage.FEWEST}"]


@pytest.mark.slow
def test_check_says_first_how_many_notebooks_are_ready(project):
    done = CliRunner().invoke(main, ["check", "one_driver"])
    assert done.output.splitlines()[0].startswith("Notebooks: ready ")
    assert max(map(len, done.output.splitlines())) <= 80


def test_a_notebook_declares_every_need_that_its_parts_ask_for():
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        content = parameters.content(path)
        facts, text = content["metadata"]["cxlib"], path.read_text(encoding="utf-8")
        for heading in facts.get("parts", {}):
            assert f"# {heading}" in text, f"{path.name} has no heading {heading!r}"


def few_draws(notebook: str) -> dict[str, object]:
    return {"DRAWS": 100} if "DRAWS" in parameters.read(batch.pick(notebook)) else {}


@pytest.mark.slow
def test_a_value_without_a_population_share_turns_weighting_off_and_is_told(project, capsys):
    run = CliRunner().invoke
    for command in ("check", "load"):
        said = run(main, [command, "no_margin"])
        assert said.exit_code == 4
        told = " ".join(said.output.split())
        assert told.count("values without a share of the population") == 1 and "'D' (1)" in told
    with reserve.open("no_margin") as opened:
        assert (opened.sample().weights == 1).all() and not opened.has("margins")
        assert "The answers are not weighted" in capsys.readouterr().out
        assert "The answers are not weighted" in opened.quality.losses()[0]
        assert "The answers are not weighted" in str(opened.quality.verdict())


@pytest.mark.slow
def test_a_reason_that_ends_every_page_is_said_in_full_once(project):
    file = project / "data" / "no_margin" / "study.yaml"
    before = file.read_text()
    file.write_text(before.replace("F:", "X:", 1))
    try:
        said = " ".join(CliRunner().invoke(main, ["check", "no_margin"]).output.split())
    finally:
        file.write_text(before)
    assert said.count("no row has 'X'") <= 2 and "for the same reason as" in said


USUAL = {"four_comments"}  # in `make test`


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(s, marks=() if s in USUAL else pytest.mark.thorough)
        for s in STUDIES
        if s != "no_margin"
    ],
)
def test_no_page_that_is_foreseen_ends_in_an_error(project, name, tmp_path):
    possible = [n for n, r in foreseen(name).items() if r.status != readiness.NOT_POSSIBLE]
    reserve.load(name)
    pages = [p for n in possible for p in batch.plan([name], [n], few_draws(n))]
    results = batch.run(pages, out=tmp_path / "out", keep=False, jobs=2)
    failed = {r.page.notebook.stem: r.mistake for r in results if r.status == "failed"}
    assert not failed, os.linesep.join(f"{k}: {v}" for k, v in failed.items())
