"""Chinese pages: the numbers of the English ones, and no English word but names and code."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from test_notebooks import ids, made, page, some

from cxlib.core import context, i18n
from cxlib.data import contract
from cxlib.data.sources import SourceError
from cxlib.report import indexes

pytestmark = [pytest.mark.slow]
PUBLIC = ["mobile", "telco", "airport"]
USUAL = "10 22"  # pages that `make test` makes in Chinese; none reads what others kept
CODE = re.compile(r"<(script|style|pre|dl|footer|code)\b.*?</\1>", re.S)
WORD = re.compile(r"(?<![A-Za-z_À-ɏ])[a-z][a-z_]{2,}")  # names begin with a capital
NAMES = {"alpha", "rho_", "max", "min", "van", "von", "der", "means", "sample", *PUBLIC}
NAMES |= {"study", "yaml", "customer_id"}  # a file and a column that pages name
NAMES |= {"pairwise", "complete", "em", "dummy"}  # values of a parameter


def english(text: str) -> list[str]:
    """Lower-case words of Latin letters that a reader sees or hears, in figures too."""
    plain = re.sub(r'(?:id|href|src)="[^"]*"', "", CODE.sub("", text))
    plain = re.sub(r"[\w.]+\.csv|`[^`<>]*`", "", plain)  # names of files, and code
    heard = re.findall(r'(?:alt|aria-label)="([^"]*)"', plain)
    seen = html.unescape(" ".join([re.sub("<[^>]+>", " ", plain), *heard]))
    return [word for word in WORD.findall(seen) if word not in NAMES]


def written() -> set[str]:
    """Words that customers of the sample wrote, or by which its topics are known."""
    from cxlib import reserve

    with reserve.open("sample") as store:
        texts = " ".join(store.read("comments")["text"])
        return set(WORD.findall(f"{texts} {store.topics}".lower()))


def numbers(record: dict) -> list:
    found = [record["table"], *record["tables"].values()]
    return [[v for v in row if not isinstance(v, str)] for t in found for row in t["rows"]]


@pytest.mark.parametrize("notebook", some(USUAL), **ids)
def test_a_page_in_chinese_has_the_numbers_of_the_english_one(notebook: Path) -> None:
    only = USUAL if notebook.stem[:2] in USUAL.split() else ""
    chinese, ours = made(only=only, LANG="zh")[notebook.stem], page(notebook).answers
    assert chinese.answers.keys() == ours.keys() and ours
    for name in ours:
        assert numbers(ours[name]) == numbers(chinese.answers[name]), name
    text = chinese.file.read_text(encoding="utf-8").replace(chinese.folder.name, "")
    said = set(english(text))
    assert (said - written() if notebook.stem.startswith("23") else said) == set()


@pytest.mark.thorough
@pytest.mark.mirror
@pytest.mark.parametrize("study", PUBLIC)
def test_pages_of_public_studies_are_chinese_too(study: str) -> None:
    try:
        results = made(study, LANG="zh")
    except SourceError as error:
        pytest.skip(f"the data of {study} are public and cannot be had here: {error}")
    folder = next(iter(results.values())).folder
    files = [*(r.file for r in results.values()), folder / "index.html"]
    texts = {f.stem: f.read_text(encoding="utf-8").replace(folder.name, "") for f in files}
    found = {stem: english(text) for stem, text in texts.items()}
    assert {stem: words for stem, words in found.items() if words} == {}


def test_the_dictionary_is_chinese_but_for_its_columns() -> None:
    context.begin(lang="zh", labels=contract.labels("zh"))
    with i18n.noting_untranslated() as untranslated:
        cells = re.findall(r"<td>(.*?)</td>", indexes.dictionary("zh"), re.S)
    said = [c for c in cells if re.search("[\u4e00-\u9fff]", c)]
    assert len(said) > 100
    columns = {c for t in contract.TABLES.values() for c in [t.name, *t.columns]}
    values = "planned started done dropped contacted control one customer process product policy"
    values += " nps csat effort index"
    wrong = {w for c in said for w in WORD.findall(c)} - columns - set(values.split())
    assert wrong == set() and untranslated == set()
