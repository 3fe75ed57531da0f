"""The Chinese sentences: nothing missing, nothing stale, nothing lost on the way."""

import ast
import re
import sys
from functools import cache
from pathlib import Path

import pytest
import yaml
from babel.messages import Catalog

from cxlib.core import i18n
from cxlib.data import contract

sys.path.insert(0, str(Path(__file__).parent))
import refresh_catalogue as catalogue

ZH = i18n.LOCALE / "zh.po"
LICENCE = re.compile(r"[A-Z][A-Za-z]*(?:-[\d.]+)?")  # MIT, Apache-2.0
STUDIES = sorted(p.parent.name for p in (catalogue.ROOT / "data").glob("*/study.yaml"))


@pytest.fixture(scope="module")
def wanted() -> Catalog:
    return catalogue.template()


@pytest.fixture(scope="module")
def updated(wanted: Catalog) -> Catalog:
    return catalogue.updated(ZH, wanted)


@cache
def entries() -> dict[str, str]:
    """Sentence -> translation; each form of a plural with the one that Chinese has."""
    found = {}
    for message in catalogue.known(ZH):
        strings = catalogue.strings(message.string)
        forms = (message.id,) if isinstance(message.id, str) else message.id
        found |= {form: strings[0] for form in forms if form}
    return found


@pytest.mark.slow  # all modules are parsed
def test_every_sentence_has_a_confirmed_translation(updated: Catalog) -> None:
    assert catalogue.faults(updated) == []


@pytest.mark.slow
def test_what_too_few_rows_do_not_allow_is_said_in_the_language_of_the_page() -> None:
    raised = [
        (file.name, node.lineno)
        for file in (catalogue.ROOT / "cxlib").rglob("*.py")
        if "InsufficientData(" in (source := file.read_text(encoding="utf-8"))
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "InsufficientData"
        and isinstance(node.args[0], ast.JoinedStr | ast.Constant)
    ]
    assert not raised


@pytest.mark.slow  # all modules are parsed
def test_no_translation_is_of_a_sentence_that_is_gone(wanted: Catalog) -> None:
    known = {(m.id, m.context) for m in catalogue.known(ZH) if m.id}
    assert known - {(m.id, m.context) for m in wanted} == set()


@pytest.mark.slow  # all modules are parsed
def test_the_file_is_as_the_collector_writes_it(updated: Catalog) -> None:
    assert ZH.read_bytes() == catalogue.written(updated)


@pytest.mark.slow
def test_fields_and_their_specs_are_the_same_in_both_languages() -> None:
    def fields(text: str) -> set[tuple[str, str]]:
        return i18n.fields(text) if "\n" not in text else set()

    assert [e for e, z in entries().items() if fields(e) != fields(z)] == []


@pytest.mark.slow
def test_specs_are_those_of_the_formatter() -> None:
    specs = {spec for e in entries() if "\n" not in e for _name, spec in i18n.fields(e)}
    named = {m[1] for s in specs if (m := re.fullmatch(r"([a-z_]{2,})(\d*|\{\w+\})", s))}
    assert named - {*i18n.NUMBERS, *i18n.NAMES} == set()


@pytest.mark.parametrize("fault", ["missing", "fuzzy", "stale"])
def test_a_fault_of_the_catalogue_is_found(tmp_path: Path, fault: str) -> None:
    wanted = Catalog()
    wanted.add("{n:count} rows")
    file = tmp_path / "zh.po"
    had = Catalog(locale="zh", fuzzy=False)
    if fault != "missing":
        had.add("{n:count} rows", "{n:count} 行", flags=["fuzzy"] if fault == "fuzzy" else [])
    if fault == "stale":
        had.add("gone", "已删除")
    file.write_bytes(catalogue.written(had))
    new = catalogue.updated(file, wanted)
    assert (catalogue.faults(new) != []) == (fault != "stale")
    assert (catalogue.written(new) != file.read_bytes()) == (fault != "fuzzy")


def test_chinese_uses_chinese_punctuation() -> None:
    half_width = re.compile("[\u4e00-\u9fff][,;:!?]|[,;:!?][\u4e00-\u9fff]")
    assert [z for z in entries().values() if half_width.search(z)] == []


def test_a_cell_keeps_its_headings_lists_and_links() -> None:
    def marks(text: str) -> list[str]:
        return re.findall(r"^#+ |^- |\d\d_[a-z_]+(?:\.ipynb)?", text, flags=re.M)

    cells = {e: z for e, z in entries().items() if "\n" in e}
    assert [e for e, z in cells.items() if marks(e) != marks(z)] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_a_study_has_words_in_both_languages(name: str) -> None:
    def one_sided(node: object, where: str) -> list[str]:
        if not isinstance(node, dict):
            return []
        if isinstance(node.get("en"), str) and not node.get("zh"):  # lists are words of topics
            return [where]
        return [lack for k, v in node.items() for lack in one_sided(v, f"{where}.{k}")]

    text = (catalogue.ROOT / "data" / name / "study.yaml").read_text(encoding="utf-8")
    assert one_sided(yaml.safe_load(text), name) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_a_study_says_in_both_languages_whose_its_data_are(name: str) -> None:
    """A licence that is known by its name alone (MIT) is the same in both."""
    text = (catalogue.ROOT / "data" / name / "study.yaml").read_text(encoding="utf-8")
    about = yaml.safe_load(text)
    named = {k: about[k] for k in ("title", "about", "source", "licence") if k in about}
    one_sided = {k: v for k, v in named.items() if isinstance(v, str) and not LICENCE.fullmatch(v)}
    assert one_sided == {}


def test_tables_have_words_in_both_languages() -> None:
    assert all(all(words) for words in contract.LABELS.values())
