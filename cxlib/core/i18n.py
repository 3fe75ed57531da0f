"""Sentences in the page's language, and how their numbers, dates and names are written.

    _("{x:share} of {n:count} customers", x=0.413, n=4812)    # 41% of 4,812 customers
    ngettext("{n:count} action", "{n:count} actions", 1)      # 1 action
    _("NPS {nps:number1} ({ci:interval1}).", nps=31.5, ci=(28, 35))
    KINDS = {"by_region": N_("by region")}                    # translated later: _(KINDS[kind])

English is what the code says. Other languages come from `cxlib/locale/<lang>.po` by gettext, looked
up by the English sentence with its fields. A sentence without an entry stays English; the log says
which, and a test finds them.

A field is written by its spec, `{name:spec}`; a text that has been written already passes through
specs of numbers, intervals and dates as it is. A number after the spec is how many decimals, and
`{x:share{digits}}` takes it from a value.

==================================  ============================================================
count                               whole number: 4,812
number, number2                     1 decimal, or as many as are given
signed, signed2                     with its sign: +4.3, −0.2
share, share1                       .413 is 41%
rate                                the same, with 1 decimal near 0% and 100%: 0.4%, 99.8%
points, points2                     .043 is 4.3, in percentage points
interval, interval2                 (low, high): 73.5 to 74.9
share_interval, share_interval1     (.38, .44): 38% to 44%
p, chance                           <0.001; "under 1%" for a probability that draws told
money, money2                       an amount, or (amount, currency): €1,204, 1,204 SEK
money_interval, money_interval2     (low, high, currency): €73 to €75
date                                31 Mar 2026; in Chinese 2026年3月31日
period                              2024-10 is October 2024, 2024-W03 the week of 15 Jan 2024
label, quoted, opening, inner       a name as readers call it; in quotation marks; with a capital,
                                    without one
verbatim                            a text in quotation marks, not looked up
list, list3                         A, B and C; the first 3 and how many more
label_list, quoted_list             the same of labels
==================================  ============================================================

Others are Python's own: `{x:g}`, `{day:%Y}`. Numbers are rounded and grouped by Python and not by
Babel, which rounds the decimals as printed (2.675 to 2.68) and writes a hyphen for a minus.
"""

from __future__ import annotations

import gettext
import logging
import math
import re
import string
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, timedelta
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, SupportsFloat

from cxlib.core import context

LOCALE = Path(__file__).parents[1] / "locale"
UNWRITTEN = ("–", "∞")  # what stands for an end that is not known or has no bound
SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "CNY": "¥", "JPY": "¥", "INR": "₹", "BRL": "R$"}
log = logging.getLogger(__name__)
_noted: ContextVar[set[str] | None] = ContextVar("cxlib_untranslated", default=None)

# Where Chinese meets Latin letters or numbers, a thin gap makes both easier to read.
BETWEEN_SCRIPTS = re.compile(
    "(?<=[\u4e00-\u9fff])(?=[A-Za-z0-9\u2212])|(?<=[A-Za-z0-9%])(?=[\u4e00-\u9fff])"
)
SPACED_DAY = re.compile(  # a day or month stays one word, close to the Chinese around it
    "(?:(?<=[\u4e00-\u9fff]) )?(\\d{4}) 年 (\\d{1,2}) 月(?: (\\d{1,2} 日))?"
    "(?: (?=[\u4e00-\u9fff]))?"
)
# A gap of the sentence beside a value: between two Chinese characters there is none.
FIELD = re.compile(r"(\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\})")
GAP, CHINESE = "\ue000", "[\u4e00-\u9fff\u3001\u3002\u201c\u201d\uff08\uff09\uff0c\uff1a\uff1b]"
NEEDLESS = re.compile(f"(?<={CHINESE}){GAP}(?={CHINESE})")
YEAR = re.compile(r"(?:19|20)\d\d")
SPACED_YEAR = re.compile("((?:19|20)\\d\\d 年) (?=[\u4e00-\u9fff])")
SYMBOL = re.compile(r"[np]\b")  # of statistics, small wherever they stand
ENDS = (".", "!", "?", "。", "！", "？")  # of sentences
ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d")
MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
WEEK = re.compile(r"(\d{4})-W(0[1-9]|[1-4]\d|5[0-3])")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def language() -> str:
    """The language of the page being written."""
    return context.current().lang


def _(sentence: str, /, **values: object) -> str:
    """The sentence in the page's language, its fields filled with `values`."""
    # gettext keeps the catalogue's header under the empty sentence.
    spoken = catalogue(language()).gettext(sentence) if sentence else ""
    return _filled(spoken, values) if values else spoken


def ngettext(one: str, many: str, n: SupportsFloat | str, /, **values: object) -> str:
    """The form for `n` in the page's language, its fields filled with `n` and `values`.

    A count that has been written already ("under 10") takes the form of many.
    """
    shown = n if isinstance(n, str) else number(float(n), 0)
    forms = catalogue(language())
    # What readers see decides: 1.2 is written "1" and is one.
    spoken = forms.ngettext(one, many, 1 if shown in ("1", "−1") else 2)
    return _filled(spoken, {"n": n, **values})


def pgettext(where: str, word: str) -> str:
    """A word in the page's language that is said otherwise in some place ("column")."""
    return catalogue(language()).pgettext(where, word)


def N_(sentence: str) -> str:
    """Mark a text that is translated later, by `_`; give it back as it is."""
    return sentence


def mark(*words: str) -> tuple[str, ...]:
    """Mark words that are translated later, by `_` or `label`; give them back as they are."""
    return words


def _one_word(day: re.Match[str]) -> str:
    return f"{day[1]}年{day[2]}月{(day[3] or '').replace(' ', '')}"


def _filled(spoken: str, values: Mapping[str, object]) -> str:
    if language() != "zh":
        return FORMATTER.vformat(spoken, (), values)
    # A wave that is a year would be a bare number.
    years = {k: f"{v} 年" for k, v in values.items() if isinstance(v, str) and YEAR.fullmatch(v)}
    pieces = FIELD.split(spoken)
    pieces[::2] = [piece.replace(" ", GAP) for piece in pieces[::2]]
    filled = NEEDLESS.sub("", FORMATTER.vformat("".join(pieces), (), {**values, **years}))
    spaced = BETWEEN_SCRIPTS.sub(" ", filled.replace(GAP, " "))
    return SPACED_DAY.sub(_one_word, SPACED_YEAR.sub(r"\1", spaced))


class _Untranslated(gettext.NullTranslations):
    """The end of a catalogue: the English sentence, and a line in the log."""

    def gettext(self, message: str) -> str:
        # What has no word of English in it (a date, a label translated before) lacks nothing.
        if re.search("[A-Za-z]{2}", message) and message.isascii():
            log.info("no translation: %s", message)
            if (noted := _noted.get()) is not None:
                noted.add(message)
        return message

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)

    def pgettext(self, context: str, message: str) -> str:
        return message  # most words have no special form


@contextmanager
def noting_untranslated() -> Iterator[set[str]]:
    """Note the sentences that have to stay English on a page in another language."""
    noted: set[str] = set()
    token = _noted.set(noted)
    try:
        yield noted
    finally:
        _noted.reset(token)


@cache
def catalogue(lang: str) -> gettext.NullTranslations:
    """The sentences of a language, compiled from its .po file; English needs none."""
    file = LOCALE / f"{lang}.po"
    if lang == "en" or not file.exists():
        return gettext.NullTranslations()
    # Babel is only needed for another language. Compiling takes under 0.1 s, once a process, and
    # leaves nothing to be built, packed or forgotten.
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = BytesIO()
    with file.open("rb") as text:
        write_mo(compiled, read_po(text, locale=lang))
    compiled.seek(0)
    translations = gettext.GNUTranslations(compiled)
    translations.add_fallback(_Untranslated())
    return translations


@cache
def fixed_texts(lang: str) -> tuple[str, ...]:
    """What sentences of a language say in every case, between their fields.

    Examples
    --------
    >>> any("beyond ±1.96" in text for text in fixed_texts("en"))
    True
    """
    from babel.messages.pofile import read_po

    found: dict[str, None] = {}
    for file in sorted(LOCALE.glob("*.po")):
        with file.open("rb") as text:
            for message in read_po(text):
                own = message.id if lang == "en" else message.string if file.stem == lang else ""
                said = [own] if isinstance(own, str) else list(own or ())
                for sentence in map(str, said):
                    found.update(dict.fromkeys(FIELD.split(sentence)[::2]))
    return tuple(found)


# Numbers


def number(value: float, digits: int = 1) -> str:
    """`value` with thousands separated and `digits` decimals; a dash where there is none.

    A small negative number that is rounded to nothing has no sign. What has no bound is ∞.

    Examples
    --------
    >>> number(1204.25), number(float("nan")), number(float("-inf"))
    ('1,204.2', '–', '−∞')
    """
    if value != value:
        return "–"
    written = "∞" if abs(value) == math.inf else f"{abs(value):z,.{digits}f}"
    return f"−{written}" if value < 0 and f"{value:z.{digits}f}".startswith("-") else written


def count(value: float) -> str:
    """A whole number with thousands separated."""
    return number(value, 0)


def signed(value: float, digits: int = 1) -> str:
    """A change with its sign; none where it is rounded to nothing."""
    written = number(value, digits)
    return f"+{written}" if value > 0 and float(f"{value:.{digits}f}") else written


def percent(value: float, digits: int = 0) -> str:
    """A share as a percentage: .413 is 41%."""
    return "–" if value != value else f"{number(100 * value, digits)}%"


def rate(value: float) -> str:
    """A share as a percentage; hardly any is not none, and nearly all is not all: 99.8%."""
    return percent(value, int(0 < value < 0.015 or 0.985 < value < 1))


def points(value: float, digits: int = 1) -> str:
    """A difference of shares in percentage points, without the unit: .043 is 4.3."""
    return number(100 * value, digits)


def chance(share: float) -> str:
    """A probability that draws told as a percentage: they never show what is certain."""
    if share < 0.005:
        return _("under {share}", share=percent(0.01))
    return percent(share) if share < 0.995 else _("over {share}", share=percent(0.99))


def p_value(p: float) -> str:
    """A probability to three decimals; "<0.001" where they would all be naught."""
    return number(p, 3) if not p < 0.001 else "<" + number(0.001, 3)


def span(low: float, high: float, digits: int = 1, *, share: bool = False) -> str:
    """An interval as people say it: 73.5 to 74.9, or 38% to 44% when it is a share.

    Of a share whose ends would be written alike, one more decimal shows that it has a width.

    Examples
    --------
    >>> span(0.38, 0.44, 0, share=True), span(0.0281, 0.0334, 0, share=True)
    ('38% to 44%', '2.8% to 3.3%')
    """
    write = percent if share else number
    if share and low != high and write(low, digits) == write(high, digits):
        digits += 1
    return between(write(low, digits), write(high, digits))


def between(low: str, high: str) -> str:
    """Two written ends as an interval; one without an upper end is so much or more.

    Examples
    --------
    >>> between("38", "44"), between("38", "∞"), between("–", "–")
    ('38 to 44', '38 or more', '–')
    """
    if low == high and low in UNWRITTEN:
        return low
    return (
        _("{low} or more", low=low)
        if high in UNWRITTEN
        else _("{low} to {high}", low=low, high=high)
    )


def money(amount: float | tuple[float, str], digits: int = 0) -> str:
    """An amount, with its currency if it has one: €1,204, or 1,204 SEK."""
    value, currency = amount if isinstance(amount, tuple) else (amount, "")
    written = number(value, digits)
    if currency not in SYMBOLS or written == "–":
        return f"{written} {currency}".strip()
    sign = "−" if written.startswith("−") else ""
    return f"{sign}{SYMBOLS[currency]}{written.removeprefix('−')}"


def rounded(amount: float, digits: int = 3) -> float:
    """An amount to so many significant digits, for sentences; tables have all of them.

    Examples
    --------
    >>> rounded(420_887), rounded(93.27), rounded(0)
    (421000.0, 93.3, 0.0)
    """
    return float(f"{amount:.{digits}g}")


def money_span(ends: tuple[float, float, str], digits: int = 0) -> str:
    """An interval of amounts: €73 to €75."""
    low, high, currency = ends
    least, most = (
        money((end, currency), digits) if math.isfinite(end) else number(end) for end in (low, high)
    )
    return between(least, most)


def day(value: date | str) -> str:
    """A date as people write it; a dash where there is none. Of texts, dates in ISO form are read.

    Examples
    --------
    >>> day("2026-09-30")
    '30 Sep 2026'
    """
    if isinstance(value, str):
        if not ISO_DAY.fullmatch(value):
            return value
        value = date.fromisoformat(value)
    if value is None or value != value:
        return "–"
    if language() == "zh":
        return f"{value.year}年{value.month}月{value.day}日"
    return f"{value.day} {MONTHS[value.month - 1]} {value.year}"


def data_period(table: str, first: str, last: str) -> str:
    """When the rows of a table are from; "wave" stands for survey waves that have no dates.

    Examples
    --------
    >>> data_period("responses", "2026-07-01", "2026-09-30"), data_period("wave", "2010", "2018")
    ('Fieldwork 1 Jul 2026 to 30 Sep 2026', 'Waves 2010 to 2018')
    """
    if table == "wave":
        ends = {"first": period(first), "last": period(last)}
        return _("Wave {first}", **ends) if first == last else _("Waves {first} to {last}", **ends)
    ends = {"first": day(first), "last": day(last)}
    if table == "responses":
        return _("Fieldwork {first} to {last}", **ends)
    return _("Data from {first} to {last}", **ends)


def period(name: str) -> str:
    """A wave or period as people say it: no month or week is left as a code.

    Examples
    --------
    >>> period("2024-10"), period("2024-W03"), period("2026-09-30"), period("2026-Q3")
    ('October 2024', 'the week of 15 Jan 2024', '30 Sep 2026', '2026-Q3')
    """
    if (known := context.current().labels.get(name)) is not None:
        return known
    if month := MONTH.fullmatch(name):
        from babel.dates import format_skeleton

        first = date(int(month[1]), int(month[2]), 1)
        return format_skeleton("yMMMM", first, locale="zh" if language() == "zh" else "en")
    if week := WEEK.fullmatch(name):
        # Week 53 of a year of 52 is the first of the next.
        monday = date.fromisocalendar(int(week[1]), 1, 1) + timedelta(weeks=int(week[2]) - 1)
        return _("the week of {first:date}", first=monday)
    return day(name) if ISO_DAY.fullmatch(name) else label(name)


# Names


def opening(text: str) -> str:
    """The text as a sentence opens; capitals inside it stay."""
    return text[:1].upper() + text[1:]


def line(text: str) -> str:
    """Parts of a sentence as a line of their own: a capital first and a full stop last.

    Examples
    --------
    >>> line("randomised; n = 40"), line("n = 40."), line("")
    ('Randomised; n = 40.', 'n = 40.', '')
    """
    if not text:
        return ""
    text = text if SYMBOL.match(text) else opening(text)
    return text if text.endswith(ENDS) else _("{first}.", first=text)


def inner(text: str) -> str:
    """A common noun inside a sentence, without a capital; abbreviations keep theirs.

    Examples
    --------
    >>> inner("Spend in a year"), inner("NPS")
    ('spend in a year', 'NPS')
    """
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


LONG_CHINESE = re.compile("[\u4e00-\u9fff]{5}")


def quoted(text: str) -> str:
    """A name inside a sentence: in quotation marks when it has several words, bare when it is one.

    "Quality of services used" and "Would you buy again?" would else run into the sentence, as would
    a Chinese name of more than four characters.
    """
    long = LONG_CHINESE.search(text)
    return f"“{text}”" if long or re.search(r"[\s、：]", text) else text


def quoted_alike(names: Iterable[str]) -> list[str]:
    """Names of one list: all in quotation marks where one of them has to be.

    Examples
    --------
    >>> quoted_alike(["Room", "Front desk"]), quoted_alike(["Room", "Price"])
    (['“Room”', '“Front desk”'], ['Room', 'Price'])
    """
    names = list(names)
    bare = all(quoted(name) == name for name in names)
    return names if bare else [f"“{name}”" for name in names]


def label(name: str) -> str:
    """What a reader calls the item, construct or column; the name in plain words if it has none."""
    return context.current().labels.get(name) or _(name.replace("_", " "))


def heading(column: str) -> str:
    """What heads a column: `high` is an end of the interval there, and a level elsewhere."""
    special = pgettext("column", column)
    return special if special != column else label(column)


def listed(words: Iterable[str], most: int = 0) -> str:
    """The words one after the other; after `most` of them, how many more there are."""
    words = list(words)
    if not most or len(words) <= most + 1:
        return _(", ").join(words)
    first = _(", ").join(words[:most])
    return _("{first} and {more} more", first=first, more=count(len(words) - most))


def conjoined(words: Iterable[str], most: int = 0) -> str:
    """The words as a sentence counts them up, "and" before the last; of `most` like `listed`.

    Examples
    --------
    >>> conjoined(["Room", "Staff", "Price"]), conjoined(["Room"]), conjoined("abcd", 2)
    ('Room, Staff and Price', 'Room', 'a, b and 2 more')
    """
    words = list(words)
    if len(words) < 2 or (most and len(words) > most + 1):
        return listed(words, most)
    return _("{first} and {second}", first=listed(words[:-1]), second=words[-1])


def together(sentences: Iterable[str]) -> str:
    """Sentences one after the other, empty ones left out; Chinese puts no space between."""
    return ("" if language() == "zh" else " ").join(s.strip() for s in sentences if s)


# Specs

NUMBERS: Mapping[str, Callable[..., str]] = {
    "count": count,
    "number": number,
    "signed": signed,
    "share": percent,
    "rate": rate,
    "points": points,
    "interval": lambda ends, *digits: span(*ends, *(digits or (1,))),
    "share_interval": lambda ends, *digits: span(*ends, *(digits or (0,)), share=True),
    "p": p_value,
    "chance": chance,
    "money": money,
    "money_interval": money_span,
    "date": day,
}
NAMES: Mapping[str, Callable[..., str]] = {
    "label": lambda name: label(str(name)),
    "period": lambda name: period(str(name)),
    "quoted": lambda name: quoted(label(str(name))),
    "opening": lambda name: opening(label(str(name))),
    "inner": lambda name: inner(label(str(name))),
    "verbatim": lambda text: quoted(str(text)),
    "list": conjoined,
    "label_list": lambda names, *most: conjoined((label(str(n)) for n in names), *most),
    "quoted_list": lambda names, *most: conjoined(
        quoted_alike(label(str(n)) for n in names), *most
    ),
}
_SPEC = re.compile(r"([a-z_]+)(\d*)")
QUOTED = "quoted"
_NAME_OPENS = re.compile(rf"\{{\w+:{QUOTED}\}}.*\.", re.DOTALL)


class UnitFormatter(string.Formatter):
    """`str.format` whose specs are units; names that are quoted are quoted alike in a sentence.

    Parameters
    ----------
    marks : whether every `quoted` name has quotation marks, as one of its sentence needs them

    Examples
    --------
    >>> FORMATTER.format("{a:quoted} and {b:quoted}", a="Room", b="Front desk")
    '“Room” and “Front desk”'
    >>> FORMATTER.format("{a:quoted} and {b:quoted} rose.", a="room", b="price")
    'Room and price rose.'
    """

    def __init__(self, *, marks: bool = False) -> None:
        self.marks = marks

    def vformat(self, format_string: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
        """The sentence, with all of its quoted names in marks where one of them has to be.

        A name without marks opens a sentence, which ends with a full stop, with a capital.
        """
        if not self.marks and format_string.count(":quoted}") > 1:
            named = [
                name for _text, name, spec, _end in self.parse(format_string) if spec == QUOTED
            ]
            texts = [label(str(self.get_field(name or "", args, kwargs)[0])) for name in named]
            if any(quoted(text) != text for text in texts):
                return UnitFormatter(marks=True).vformat(format_string, args, kwargs)
        text = super().vformat(format_string, args, kwargs)
        return opening(text) if _NAME_OPENS.fullmatch(format_string) else text

    def format_field(self, value: Any, format_spec: str) -> str:
        """A value in the unit that the spec names, else as `format` writes it."""
        match = _SPEC.fullmatch(format_spec)
        unit, digits = match.groups() if match else ("", "")
        given = (int(digits),) if digits else ()
        if unit == QUOTED and self.marks:
            return f"“{label(str(value))}”"
        if unit in NAMES:
            return NAMES[unit](value, *given)
        if unit in NUMBERS:
            written = isinstance(value, str) and unit != "date"
            return value if written else NUMBERS[unit](value, *given)
        return format(value, format_spec)


FORMATTER = UnitFormatter()


def fields(sentence: str) -> set[tuple[str, str]]:
    """The fields of a sentence, each with its spec."""
    return {(name, spec or "") for _text, name, spec, _ending in FORMATTER.parse(sentence) if name}
