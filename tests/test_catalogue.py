"""The Chinese sentences: nothing missing, nothing stale, nothing lost on the way."""

import re
import string
import sys
from pathlib import Path

import pytest
import yaml

from cxlib import page
from cxlib.data import contract

sys.path.insert(0, str(Path(__file__).parent))
import refresh_catalogue as catalogue

ZH = page.LOCALE / "zh.po"
STUDIES = sorted(p.parent.name for p in (catalogue.ROOT / "data").glob("*/study.yaml"))


def entries() -> dict[str, str]:
    return page.read_po(ZH.read_text(encoding="utf-8"))


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_sentence_is_translated() -> None:
    assert sorted(set(catalogue.sentences()) - set(entries())) == []


def test_no_translation_is_of_a_sentence_that_is_gone() -> None:
    assert sorted(set(entries()) - set(catalogue.sentences())) == []


def test_the_file_is_as_the_collector_writes_it() -> None:
    assert ZH.read_text(encoding="utf-8") == catalogue.written(entries())


def test_placeholders_are_the_same_in_both_languages() -> None:
    wrong = [e for e, z in entries().items() if "\n" not in e and fields(e) != fields(z)]
    assert wrong == []


def test_chinese_uses_chinese_punctuation() -> None:
    half_width = re.compile("[\u4e00-\u9fff][,;:!?]|[,;:!?][\u4e00-\u9fff]")
    assert [z for z in entries().values() if half_width.search(z)] == []


def test_a_cell_keeps_its_headings_lists_and_links() -> None:
    def marks(text: str) -> list[str]:
        return re.findall(r"^#+ |^- |\d\d_[a-z_]+(?:\.ipynb)?", text, flags=re.M)

    cells = {e: z for e, z in entries().items() if "\n" in e}
    assert [e for e, z in cells.items() if marks(e) != marks(z)] == []


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


def test_tables_have_words_in_both_languages() -> None:
    assert all(all(words) for words in contract.LABELS.values())
