"""Both languages in one run: pages and indexes of each, links between them, the same numbers."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from test_batch import STUDY, project  # noqa: F401  (project is a fixture)

from cxlib import batch, cli
from cxlib.batch import record, verify
from cxlib.batch.progress import Progress
from cxlib.report import indexes

pytestmark = [pytest.mark.slow]


def made(pages: list[batch.Page], out: Path, **how) -> dict[str, batch.Result]:
    results = batch.run(pages, out=out, progress=Progress(len(pages), io.StringIO()), **how)
    return {r.page.name: r for r in results}


@pytest.fixture(scope="module")
def both(project):  # noqa: F811
    """The pages of two notebooks in both languages, below reports/, where a top index is."""
    pages = batch.plan(["tiny"], ["10", "30"], langs=["en", "zh"])
    return made(pages, project / "reports" / "tiny" / "both")


def numbers(record: dict) -> list:
    found = [record["table"], *record["tables"].values()]
    return [[v for v in row if not isinstance(v, str)] for t in found for row in t["rows"]]


def links(file: Path) -> list[str]:
    return re.findall(r'<a href="([^"#]+)"', file.read_text(encoding="utf-8"))


def test_each_page_is_made_in_each_language(both) -> None:
    assert list(both) == ["10_works", "30_orders", "10_works.zh", "30_orders.zh"]
    assert [r.status for r in both.values()] == ["ok", "skipped"] * 2
    english, chinese = both["10_works"].file.read_text(), both["10_works.zh"].file.read_text()
    assert '<html lang="en">' in english and '<html lang="zh">' in chinese
    assert "显示代码" in chinese and "显示代码" not in english


def test_every_number_is_the_same_in_both_languages(both) -> None:
    for name in ("10_works", "30_orders"):
        english, chinese = both[name].answers, both[f"{name}.zh"].answers
        assert english.keys() == chinese.keys()
        assert all(numbers(english[k]) == numbers(chinese[k]) for k in english)


def test_a_reader_stays_in_a_language_or_changes_it(both) -> None:
    """From the top index down and back, each link stays in the language, but for one to change."""
    folder = both["10_works"].folder
    top = folder.parents[1]
    places = {
        top / "index.zh.html": {"index.en.html"},
        folder / "index.zh.html": {"index.html"},
        folder / "10_works.zh.html": {"10_works.html"},
        folder / "dictionary.zh.html": set(),
    }
    for file, change in places.items():
        found = {link for link in links(file) if not link.endswith((".json", ".ipynb"))}
        found = {link for link in found if not link.startswith("data:")}
        assert all((file.parent / link).is_file() for link in found), file
        english = {link for link in found if ".zh." not in link}
        assert english == change, file
    assert "index.zh.html" in links(folder / "index.html")
    assert "10_works.zh.html" in links(folder / "10_works.html")
    assert all(f"both/{n}.zh.html" not in " ".join(links(top / "index.html")) for n in both)


def test_one_record_tells_of_all_pages_and_binds_and_verifies_them(both) -> None:
    folder = both["10_works"].folder
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert run["lang"] == "en" and indexes.languages([run]) == ["en", "zh"]
    before = {f.name: f.read_bytes() for f in folder.glob("*.html")}
    assert record.bind_again(folder) == 4
    assert {f.name: f.read_bytes() for f in folder.glob("*.html")} == before
    assert verify.verify(folder).same


def test_pages_of_both_languages_are_kept_for_the_next_run(both, project) -> None:  # noqa: F811
    pages = batch.plan(["tiny"], ["10", "30"], langs=["en", "zh"])
    assert all(r.reused for r in made(pages, project / "again").values())


def test_a_study_names_the_languages_of_its_reports(project) -> None:  # noqa: F811
    file = project / "data" / "tiny" / "study.yaml"
    file.write_text(f"{STUDY}reporting: {{languages: [zh, en]}}\n")
    try:
        assert [p.lang for p in batch.plan(["tiny"], ["10"])] == ["zh", "en"]
        assert [p.lang for p in batch.plan(["tiny"], ["10"], langs=["en"])] == ["en"]
        assert [p.lang for p in batch.plan(["tiny"], ["10"], {"LANG": "zh"})] == ["zh"]
    finally:
        file.write_text(STUDY)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--lang", "en,fr"], "no such language. There are: en, zh."),
        (["--lang", "zh", "-p", "LANG=en"], "Leave one out"),
    ],
)
def test_a_mistaken_language_is_refused_before_anything_runs(project, words, says) -> None:  # noqa: F811
    done = CliRunner().invoke(cli.main, ["run", "tiny", "10", *words])
    assert done.exit_code == 2 and says in done.output


def test_the_summary_names_each_language(both, project) -> None:  # noqa: F811
    done = CliRunner().invoke(
        cli.main, ["run", "tiny", "10", "--lang", "en, zh", "-o", str(project / "json"), "--json"]
    )
    told = json.loads(done.stdout)
    assert [p["lang"] for p in told["pages"]] == ["en", "zh"]
    indexes_ = told["runs"][0]["indexes"]
    assert {k: Path(v).name for k, v in indexes_.items()} == {
        "en": "index.html",
        "zh": "index.zh.html",
    }
    assert all(Path(v).is_file() for v in indexes_.values())
