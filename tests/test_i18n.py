"""Sentences: their language, their plurals, and how a field is written by its spec."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from gettext import GNUTranslations
from io import BytesIO

import pytest
from babel.messages import Catalog
from babel.messages.mofile import write_mo

from cxlib.core import context, i18n
from cxlib.core.i18n import N_, _, mark, ngettext

NAN = float("nan")


@pytest.mark.parametrize(
    ("spec", "value", "text"),
    [
        ("count", 4812.3, "4,812"),
        ("number", 4812.345, "4,812.3"),
        ("number2", -3.2, "−3.20"),
        ("number", NAN, "–"),
        ("signed", 4.31, "+4.3"),
        ("signed1", -0.04, "0.0"),
        ("signed2", 0.001, "0.00"),
        ("share", 0.413, "41%"),
        ("share1", -0.0004, "0.0%"),
        ("rate", 0.413, "41%"),
        ("rate", 0.0042, "0.4%"),
        ("rate", 0.998, "99.8%"),
        ("rate", 1.0, "100%"),
        ("points", 0.0431, "4.3"),
        ("interval1", (73.46, 74.9), "73.5 to 74.9"),
        ("share_interval", (0.38, 0.44), "38% to 44%"),
        ("p", 0.0004, "<0.001"),
        ("p", 0.0123, "0.012"),
        ("chance", 0.999, "over 99%"),
        ("money", (1204.4, "EUR"), "€1,204"),
        ("money", (-0.4, "EUR"), "€0"),
        ("money2", (-12.345, "USD"), "−$12.35"),
        ("money", (1204.4, "SEK"), "1,204 SEK"),
        ("money", (float("nan"), "EUR"), "– EUR"),
        ("money_interval", (-3, 75.2, "EUR"), "−€3 to €75"),
        ("money2", 93.268, "93.27"),
        ("date", date(2026, 3, 31), "31 Mar 2026"),
        ("date", None, "–"),
        ("label", "check_in", "check in"),
        ("quoted", "check_in", "“check in”"),
        ("opening", "check_in", "Check in"),
        ("verbatim", "a_b c", "“a_b c”"),
        ("list", ["a", "b"], "a and b"),
        ("list", ["a", "b", "c"], "a, b and c"),
        ("list2", list("abcd"), "a, b and 2 more"),
        ("label_list", ["check_in", "room"], "check in and room"),
        ("quoted_list", ["check_in", "room"], "“check in” and “room”"),
        ("g", 0.5, "0.5"),
    ],
)
def test_a_field_is_written_by_its_spec(spec: str, value: object, text: str) -> None:
    assert _("{x:" + spec + "}", x=value) == text


def test_a_text_passes_through_the_spec_of_a_number() -> None:
    assert _("{n:count} of {x:share1}", n="under 10", x="–") == "under 10 of –"


def test_decimals_may_come_from_a_value() -> None:
    assert _("{x:share{digits}}", x=0.1234, digits=1) == "12.3%"


def test_an_unknown_spec_is_an_error() -> None:
    with pytest.raises(ValueError, match="Invalid format specifier"):
        _("{x:percentage}", x=0.4)


def test_fields_are_found_with_their_specs() -> None:
    assert i18n.fields("{x:share} of {n}, {low:number{d}}") == {
        ("x", "share"),
        ("n", ""),
        ("low", "number{d}"),
    }


@pytest.mark.parametrize(
    ("n", "text"),
    [
        (0, "0 rows"),
        (1, "1 row"),
        (1.2, "1 row"),
        (2, "2 rows"),
        (NAN, "– rows"),
        ("<10", "<10 rows"),
    ],
)
def test_the_form_of_a_plural_follows_the_number_shown(n: float | str, text: str) -> None:
    assert ngettext("{n:count} row", "{n:count} rows", n) == text


def test_chinese_has_one_form_and_a_gap_around_numbers(monkeypatch) -> None:
    rows = Catalog(locale="zh")
    rows.add(("{n:count} row", "{n:count} rows"), ("共{n:count}行",))
    compiled = BytesIO()
    write_mo(compiled, rows)
    compiled.seek(0)
    translations = GNUTranslations(compiled)
    monkeypatch.setattr(i18n, "catalogue", lambda _lang: translations)
    context.begin(lang="zh")
    assert [ngettext("{n:count} row", "{n:count} rows", n) for n in (1, 2)] == [
        "共 1 行",
        "共 2 行",
    ]


def test_a_wave_that_is_a_year_is_called_a_year_in_chinese() -> None:
    context.begin(lang="zh")
    words = "{name} has been {size} lower on average since {since}"
    said = [_(words, name="CSAT", size="6%", since=wave) for wave in ("2017", "2017-Q3")]
    assert ["自 2017 年起" in said[0], "自 2017-Q3 起" in said[1]] == [True, True]


def test_a_sentence_without_an_entry_stays_english_and_is_logged(untranslated) -> None:
    context.begin(lang="zh")
    assert _("no such sentence {x}", x=3) == "no such sentence 3"
    assert untranslated() == ["no translation: no such sentence {x}"]
    assert _("2026-03-31") == "2026-03-31"
    assert len(untranslated()) == 1


def test_untranslated_sentences_can_be_noted_for_a_block() -> None:
    context.begin(lang="zh")
    with i18n.noting_untranslated() as noted:
        _("no such sentence")
    _("nor this one")
    assert noted == {"no such sentence"}


def test_a_date_is_written_as_people_do() -> None:
    due = {"owner": "IT", "due": "2026-09-30"}
    assert _("{owner}, due {due:date}", **due) == "IT, due 30 Sep 2026"
    assert _("{owner}, due {due:date}", **due | {"due": "soon"}) == "IT, due soon"
    context.begin(lang="zh")
    assert _("{owner}, due {due:date}", **due | {"owner": "物流"}) == "物流，截止：2026年9月30日"
    month = _("{first:period} to {last:period}", first="2024-10", last="2026-09")
    assert month == "2024年10月至2026年9月"


def test_an_empty_sentence_is_empty_in_every_language() -> None:
    context.begin(lang="zh")
    assert _("") == ""


def test_a_marked_word_is_translated_when_it_is_said() -> None:
    words = (N_("mean"), *mark("share", "points"))
    assert words == ("mean", "share", "points")
    context.begin(lang="zh")
    assert all(_(word) != word for word in words)


def test_a_column_may_have_a_head_of_its_own() -> None:
    context.begin(lang="zh")
    assert i18n.heading("high") != i18n.label("high")


def test_english_pages_do_not_import_babel() -> None:
    code = "import sys; from cxlib.core.i18n import _; _('{n}', n=1); print('babel' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_chinese_has_no_gap_between_a_value_and_the_chinese_beside_it():
    with context.use(context.Context(lang="zh")):
        said = i18n._filled("{when} {name} 为 {x}。", {"when": "本周", "name": "占比", "x": 5})
        assert said == "本周占比为 5。"
        assert i18n._filled("{a}", {"a": "很好 不错"}) == "很好 不错"  # a customer's own words


@pytest.mark.parametrize("end", [float("inf"), float("nan")])
def test_an_interval_without_an_upper_end_is_so_much_or_more(end):
    assert i18n.span(3, end) == "3.0 or more"
    assert i18n.money_span((3, end, "EUR")) == "€3 or more"
    assert "inf" not in i18n.number(float("inf")) + i18n.percent(float("inf"))
