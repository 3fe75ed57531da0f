"""`cx customer`: a card for its owner alone, and a clear word where there is no such customer."""

from __future__ import annotations

import shutil
import stat
import subprocess
from types import SimpleNamespace

import pandas as pd
import pytest
from click.testing import CliRunner

from cxlib.batch import execute
from cxlib.cli import customer as card
from cxlib.cli import main
from cxlib.core import files
from cxlib.core.errors import InsufficientData
from cxlib.report import customer_card, customer_lists

AT = pd.Timestamp("2026-09-01 10:30")


def cx(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, words)
    return done.exit_code, done.output


def test_the_card_has_every_touch_by_time_escaped_and_masked():
    comment = {"comment_id": "t1", "at": AT, "text": "<b>call 555-0122</b>", "lang": "en"}
    order = {"order_id": "o1", "at": AT + pd.Timedelta(days=1), "amount": 9.5}
    history = {"comments": pd.DataFrame([comment]), "orders": pd.DataFrame([order])}
    html = customer_card.page("c<1>", history, [("Plan", "Basic")], study="S", currency="EUR")
    assert html.index("€9.50") < html.index("[phone]")
    assert "&lt;b&gt;" in html and "<b>" not in html and "c&lt;1&gt;" in html
    assert "http" not in html.replace("http-equiv", "")


@pytest.mark.slow
def test_an_unknown_customer_is_named_with_how_many_there_are():
    code, said = cx("customer", "sample", "c012")
    assert code == 2
    assert "no customer 'c012'. Did you mean" in said and "3,000 customers" in said


def test_a_card_does_not_go_where_readers_look():
    code, said = cx("customer", "sample", "c0123", "-o", "reports/sample")
    assert code == 2 and "in reports/, which readers see" in said


def test_a_file_with_personal_data_does_not_go_where_git_would_take_it(tmp_path):
    git = shutil.which("git")
    if git is None:
        pytest.skip("Git is not installed")
    subprocess.run([git, "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("cards/\n")
    code, said = cx("customer", "sample", "c0123", "-o", str(tmp_path / "docs"))
    assert code == 2 and "under version control" in said and not (tmp_path / "docs").exists()
    files.refuse_versioned(tmp_path / "cards" / "c1.html", "It names a customer")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(ValueError, match="It lists"):
        patch.setenv(customer_lists.FOLDER, str(tmp_path))
        customer_lists.list_to_file("at_risk", pd.DataFrame({"customer_id": ["c1"]}))
    with pytest.raises(ValueError, match="It lists"):  # as a kept page, or a cluster, gives it
        execute.put(tmp_path / "run" / "32_leave.at_risk.csv", b"customer_id")


def test_what_a_card_cannot_say_it_says_with_the_reason(monkeypatch):
    def too_few(*_given, **_how):
        raise InsufficientData("Too few orders.")

    def broken(*_given, **_how):
        raise ValueError("a mistake")

    orders = SimpleNamespace(has_columns=lambda *_: True, sample=lambda _: None)
    monkeypatch.setattr("cxlib.segments.rfm_grades", too_few)
    assert card._grade(orders, "c1") == [("Purchase grade", "not available: Too few orders.")]
    monkeypatch.setattr("cxlib.segments.rfm_grades", broken)
    with pytest.raises(ValueError, match="a mistake"):
        card._grade(orders, "c1")
    few = SimpleNamespace(lacks=lambda _: ["Nobody left."])
    assert card._risk(few, "c1") == [("Risk of leaving", "not available: Nobody left.")]


@pytest.mark.slow
def test_only_its_owner_can_read_a_card(tmp_path):
    code, _said = cx("customer", "sample", "c0123", "-o", str(tmp_path / "cards"))
    file = tmp_path / "cards" / "c0123.html"
    assert code == 0 and stat.S_IMODE(file.stat().st_mode) == 0o600
    page = file.read_text(encoding="utf-8")
    assert all(word in page for word in ("Value", "Purchase grade", "Risk of leaving", "Case"))
