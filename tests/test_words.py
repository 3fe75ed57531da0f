"""What readers and users see is in the words of their field: no phrase of the old dialect."""

import io
import json
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cxlib.cli import main

sys.path.insert(0, str(Path(__file__).parent))
import refresh_catalogue as catalogue

ROOT = catalogue.ROOT
PAPERS = (
    *("README.md", "CONTRIBUTING.md", "SECURITY.md", "data/README.md", "reports/README.md"),
    *("docs/*.md", "cxlib/cli/new_project/README.md"),
)

# Pattern -> what it is called instead. Patterns ignore case.
ENGLISH = {
    r"\b(go|goes|went|going) with\b": "is associated with",
    r"\b(clear of|beyond|more than) chance\b|\bsurely\b": "statistically significant",
    r"\bhold\b.{0,40}\b(together|at once)\b": "simultaneous intervals",
    r"\bdraws of\b": "resamples",
    r"\b(by|draw|drew|drawn) lots?\b|\blots\b(?! of)": "randomised",
    r"\bspared\b|\b(changes?|it|that) reached\b": "treated, control; applied to",
    r"\bmoved? alike\b": "parallel pre-trends",
    r"\bnever were\b": "placebo tests",
    r"\bstand-?ins?\b": "synthetic control",
    r"\blines? of the waves\b": "interrupted time series",
    r"\bway back\b": "regression to the mean",
    r"\bforet(ell|ells|old|elling)\b": "predict",
    r"\b(tell|tells|told|telling)\b": "report, say, show",
    r"\bapart\b": "separately, distinct",
    r"\bcomes? first is\b|\bcomes? first (stays|remains)\b": "the order is not settled",
    r"\bnobody measured\b": "an unmeasured confounder",
    r"\bshares? of R²": "share of explained variance",
    r"\b(best|top) \d+ marks\b|\bof the \d+ best\b": "CSAT (top-2 box)",
    r"\b(reply|replied|solution) in time\b": "SLA met",
    r"\blevers?\b": "key drivers",
    r"\bout of line\b": "alerts",
    r"\b(come|comes|came|coming) back\b": "repeat purchase, returns, recur",
    r"\btroubles?\b|\bmeetings?\b": "problem, contacts",
    r"\bpass(es|ed)? over\b": "item non-response",
    r"\bsound\b": "passes all data checks",
    r"\bsaid\b": "reported",
    r"\bkept (by|sentence|answer|number)": "saved",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"\bbesides?\b": "compared with, next to",
    r"\bknown again\b": "repeated",
    r"\bwhole\b": "complete",
    r"\black(s|ed|ing)?\b": "without, skipped",
    r"\bbegun\b": "started",
    r"\b(share of|discounted|mean|total|whose) worth\b": "customer lifetime value (CLV)",
    r"\b(here|there) still\b|\bstill (here|there)\b": "active, retained",
    r"\d less \d|\} less \{": "minus",
    r"\b(naught|dear|foremost|whence)\b": "zero, expensive, first, from which",
}
CHINESE = {
    "顾客": "客户",
    "批次": "调研轮次",
    "抽签": "随机分组",
    r"“[^”]*“": "no quotation inside a quotation",
    r"95% CI(?!）)": "95% 置信区间",
}
ORDINARY = {  # taken out before counting: what it is
    r"`[^`]*`": "names of keys, columns and files",
    r"\{[^{}]*\}": "fields of a sentence",
    r"\bwhole numbers?\b": "the integers",
    r"What keeps them coming back\b": "a question of the readers: name of a page",
    r"what_keeps_them_coming_back|what keeps them coming back": "file of that page",
    r"^reply in time$": "the column reply_in_time, as its label",
    r"Is the data sound\?": "a question of the readers: name of a page",
    r"is_the_data_sound|is the data sound": "file of that page",
    r"http\S+": "addresses",
}
ORDINARY_CHINESE = {
    "(中国|美国|欧洲)顾客满意度指数": "official names of CCSI, ACSI and ECSI",
}


def phrases(
    text: str, patterns: dict[str, str] = ENGLISH, ordinary: dict[str, str] = ORDINARY
) -> list[str]:
    """What of the old dialect stands in the text, with some words before and after."""
    for usual in ordinary:
        text = re.sub(usual, " _ ", text)
    text = " ".join(text.split())
    return [
        f"{text[max(0, m.start() - 40) : m.end() + 40]!r}: {instead}"
        for pattern, instead in patterns.items()
        for m in re.finditer(pattern, text, re.IGNORECASE)
    ]


def sentences() -> Iterator[tuple[str, str]]:
    """Place and text of all that readers see in English; `test_catalogue` holds it to the code."""
    for message in catalogue.known(catalogue.i18n.LOCALE / "zh.po"):
        for sentence in catalogue.strings(message.id):
            yield f"catalogue, {message.locations[0][0] if message.locations else ''}", sentence


def of_notebooks() -> Iterator[tuple[str, str]]:
    """Markdown, and comments and texts of the code."""
    for file in sorted(ROOT.glob("notebooks/*.ipynb")):
        for number, cell in enumerate(json.loads(file.read_text(encoding="utf-8"))["cells"], 1):
            source = "".join(cell["source"])
            where = f"{file.name}, cell {number}"
            if cell["cell_type"] == "code":
                tokens = tokenize.generate_tokens(io.StringIO(source).readline)
                for token in tokens:
                    if token.type in (tokenize.COMMENT, tokenize.STRING):
                        yield where, token.string
            else:
                yield where, source


def of_commands(command: click.Command = main, name: str = "cx") -> Iterator[tuple[str, str]]:
    """Help of every command and of each of its options."""
    yield name, f"{command.help}\n{command.epilog or ''}"
    for option in command.params:
        yield name, getattr(option, "help", None) or ""
    for word, part in getattr(command, "commands", {}).items():
        yield from of_commands(part, f"{name} {word}")


def of_papers() -> Iterator[tuple[str, str]]:
    for pattern in PAPERS:
        for file in sorted(ROOT.glob(pattern)):
            yield file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")


def translations() -> Iterator[tuple[str, str]]:
    for message in catalogue.known(catalogue.i18n.LOCALE / "zh.po"):
        for text in catalogue.strings(message.string) if message.id else ():
            yield str(message.id), text
    for file in sorted(ROOT.glob("data/*/study.yaml")):
        yield file.parent.name, file.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("texts", [sentences, of_notebooks, of_commands, of_papers])
def test_no_text_has_a_phrase_of_the_old_dialect(texts) -> None:
    """LANGUAGE: standard terms of the field, in plain words."""
    read = list(texts())
    assert len(read) > 4
    found = [f"{where}: {hit}" for where, text in read for hit in phrases(text)]
    assert not found, "\n".join(found)


@pytest.mark.slow
def test_chinese_has_one_word_for_one_thing() -> None:
    read = list(translations())
    assert len(read) > 1000
    found = [
        f"{where}: {hit}"
        for where, text in read
        for hit in phrases(text, CHINESE, ORDINARY_CHINESE)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "text",
    [
        "Delivery goes with recommendation",
        "NPS is surely higher",
        "The study tells of no change",
        "customers drawn by lot",
        "both groups moved alike",
        "the levers of satisfaction",
        "what lacks an answer",
        "reply in time: 73%",
    ],
)
def test_a_phrase_of_the_old_dialect_is_found(text) -> None:
    assert phrases(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("顾客在本批次中抽签", 3),
        ("净推荐值 23（95% CI 20 至 26）", 1),
        ("95% 置信区间（95% CI）", 0),
    ],
)
def test_old_words_are_found_in_chinese(text, found) -> None:
    assert len(phrases(text, CHINESE, ORDINARY_CHINESE)) == found


@pytest.mark.parametrize(
    "text",
    [
        "Run the command again.",
        "customers who buy again within a year",
        "a whole number",
        "`begun` in study.yaml",
        "What keeps them coming back?",
    ],
)
def test_ordinary_words_pass(text) -> None:
    assert not phrases(text)
