"""Which columns of a survey are ratings, on what scale, and what they ask.

    found = ratings(columns)        # one Rating a question
    found[0].scale, found[0].role   # (0, 10), "nps"

A rating needs evidence: value labels or words of a scale, a wording that speaks of one, or several
columns that share their answers. Numbers with none of it are kept as groups: a region coded 1 to 4
must never get a mean.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import pandas as pd

from cxlib.data.intake import conversion
from cxlib.data.intake.drafts import labels, scales, special, stated
from cxlib.data.intake.drafts.looking import Column, clean, slug
from cxlib.data.intake.profiles import names

Spans = Counter[tuple[str, tuple[int, int] | None]]  # columns of a series with the same ends
ENDS = ((0, 10), (1, 5), (1, 7), (1, 10))  # of scales whose other answers may have no labels
DECIMALS = 0.05  # of the answers with decimals, from which they are no slips
FEWEST = 10  # answers among which one may be off it
MOST_ANSWERS = 60  # different answers to a question, slips among them
MANY = 100  # answers, after which a point that nobody chose may not be there
NOT_EXPERIENCED = -1  # the code that "not applicable" gets
SLIDER = re.compile(r"\b([01])\s*(?:[-–—~～至到]|to|bis|à|al?|do|až)\s*100\b")
EASY = re.compile(r"\beas(y|ily)|容易|轻松|einfach|leicht\b|\bfacile|fácil|簡単")
NUMBERED = re.compile(r"(?P<stem>(?:.*_)?q)\d+_[^\W\d]\w*")  # survey_q1_claims, survey_q2_staff
SERIES = re.compile(r"(?P<stem>.*?[^\W\d]?_?)\d+(?:[_.]?(?:\d+|[a-z]))?")


@dataclass
class Rating:
    """A question that is rated.

    Attributes
    ----------
    column : what the files call it; name : the item
    stem, part : of a matrix, what its questions share and what is this one's
    recode : words in the files: code (None: missing)
    missing, not_experienced : codes beside the scale
    why, sure : what speaks for it, and how much: high, medium, low
    odd : answers that are not on the scale
    confirmed : the file itself names both ends of the scale
    """

    column: str
    label: str
    scale: tuple[int, int]
    why: str
    sure: str
    role: str = "attribute"
    name: str = ""
    label_zh: str = ""
    wording: str = ""
    stem: str = ""
    part: str = ""
    family: str = ""
    reverse: bool = False
    recode: dict[str, int | None] = field(default_factory=dict)
    missing: list[float] = field(default_factory=list)
    not_experienced: list[float] = field(default_factory=list)
    odd: int = 0
    confirmed: bool = False
    doubts: list[str] = field(default_factory=list)


@cache
def asks(what: str) -> re.Pattern[str]:
    """The pattern of names.yaml for a role or for `rated`, `things`, `groups`, `satisfied`."""
    words = names()
    return re.compile(words["roles"][what] if what in words["roles"] else words[what])


def ratings(
    columns: Mapping[str, Column], ignored: Mapping[str, str] | None = None
) -> list[Rating]:
    """The questions among the columns, in their order.

    `ignored` are cells that a tool writes where nothing was answered: missing or not_experienced.
    """
    ignored = ignored or {}
    every = {n: c for n, c in columns.items() if not asks("attention_checks").search(c.text)}
    sliders = {n: r for n, c in every.items() if (r := _by_slider(c))}
    columns = {n: c for n, c in every.items() if n in sliders or len(c.counts) <= MOST_ANSWERS}
    short = {n: c for n, c in columns.items() if n not in sliders}
    found = {c.name: r for c in short.values() if (r := _by_words(c, ignored))}
    found = {n: _shared(r, columns[n], found, columns, ignored) for n, r in found.items()}
    ranked = rankings(short)
    found |= sliders
    left = [c for c in short.values() if c.name not in found and c.name not in ranked]
    stems = Counter(_stem(c) for c in left if _span(c, ignored))
    spans = Counter((_series(c), _span(c, ignored)) for c in left if _series(c))
    ends = _signed(left, ignored)
    for c in left:
        signed = _around_zero(c, ends, stems) if ends else None
        if rating := signed or _by_numbers(c, ignored, stems, spans):
            found[c.name] = rating
    out = [found[n] for n in columns if n in found]
    for r in out:
        r.stem, r.part = labels.matrix(columns[r.column].label)
    stems = Counter(r.stem for r in out if r.stem)
    for r in out:
        column = columns[r.column]
        r.role = _role(r, column, in_matrix=stems[r.stem] > 1)
        if r.role == "nps" and sum(column.numbers[column.numbers.index % 1 != 0]) > DECIMALS * len(
            column.words
        ):
            r.role = "intention"
            r.doubts.append("its answers have decimals, and an NPS needs whole numbers")
    overall = {r.column for r in out if r.role == "csat" and _overall(columns[r.column].label)}
    _name(out, {s for s, n in stems.items() if n > 1}, overall)
    return out


# By words and labels


def _answers(column: Column, ignored: Mapping[str, str]) -> list[str]:
    """The different answers, without those that are so rare that they may be slips."""
    counts = column.counts[[w not in ignored for w in column.counts.index]]
    rare = counts.iloc[::-1].cumsum() <= counts.sum() * special.SLIPS
    return [w for w in counts.index if not rare[w]] if len(counts) > 12 else list(counts.index)


RARE = 0.02  # of the answers may be on no scale, as slips of the pen are


def _by_words(column: Column, ignored: Mapping[str, str]) -> Rating | None:
    if column.labels:
        return _by_labels(column)
    answers = _answers(column, ignored)
    if not 2 <= len(answers) <= 30 or column.not_numbers == 0:
        return _codes_of_answers(column, answers)
    ends = scale_stated(column)
    told = bool(asks("rated").search(column.text) and not asks("groups").search(column.text))
    scale = scales.of_words(answers) or scales.of_numbered(answers, ends=ends, told=told)
    scale = scale or scales.of_words(_but_rare_others(column, answers))
    if scale is None:
        return _codes_of_answers(column, answers)
    out = _of(column, scale, ignored)
    own = scales.words_of_numbers(scale.codes)
    if not scale.family and len(set(own.values())) > 1:
        turned = stated.falls(own.get(scale.low, "").casefold(), own.get(scale.high, "").casefold())
        out.reverse = bool(turned)
        if turned is None and not _direct(out, column):
            said = ", ".join(f"{n} = {w}" for n, w in own.items())
            out.doubts.append(f"{said}: are high answers the good ones?")
    return out


def _but_rare_others(column: Column, answers: Collection[str]) -> list[str]:
    """The answers of a scale without slips of the pen, which are at most 2% of all answers."""
    counts = column.counts
    usual = [a for a in answers if counts[a] > RARE / 2 * counts.sum()]
    if len(usual) < 2 or len(usual) == len(answers):
        return []
    known = [a for a in answers if a in usual or scales.of_words([*usual, a])]
    others = counts[[a for a in answers if a not in known]].sum()
    return known if others <= RARE * counts.sum() else []


def _of(column: Column, scale: scales.Scale, ignored: Mapping[str, str]) -> Rating:
    """A rating by its words; what is no rating becomes missing, or the code of not experienced."""
    recode: dict[str, int | None] = {w: c for w, c in scale.codes.items() if w != str(c)}
    recode |= dict.fromkeys(scale.missing)
    recode |= dict.fromkeys(scale.not_experienced, NOT_EXPERIENCED)
    there = set(column.counts.index)
    recode |= {
        w: None if k == "missing" else NOT_EXPERIENCED for w, k in ignored.items() if w in there
    }
    shown = list(dict.fromkeys(sorted(scale.codes, key=lambda w: scale.codes[w])))
    points = scale.high - scale.low + 1
    said = f"{scale.family or 'rating'}, {points} points, from {shown[0]!r} to {shown[-1]!r}"
    sure = "high" if scale.complete or scale.family != "frequency" and len(shown) > 2 else "low"
    out = Rating(
        column.name,
        column.label,
        (scale.low, scale.high),
        said,
        sure,
        family=scale.family,
        reverse=scale.reverse,
        recode=recode,
    )
    if NOT_EXPERIENCED in recode.values():
        out.not_experienced = [NOT_EXPERIENCED]
    if not scale.complete and len(scale.codes) < 0.8 * points:
        out.sure = "medium" if out.sure == "high" else out.sure
        out.doubts.append(
            f"only {len(scale.codes)} of {points} answers occur: does the form offer {points}?"
        )
    out.odd = int(
        column.counts[[w not in scale.codes and w not in recode for w in column.counts.index]].sum()
    )
    return out


def _shared(
    rating: Rating,
    column: Column,
    found: Mapping[str, Rating],
    columns: Mapping[str, Column],
    ignored: Mapping[str, str],
) -> Rating:
    """The rating on the scale that all questions with such words make together."""
    if not rating.family or not rating.recode or rating.scale[0] == 0:
        return rating
    same = [columns[n] for n, r in found.items() if r.family == rating.family and r.recode]
    also = {w for c in same for w in _answers(c, ignored)}
    scale = scales.of_words(_answers(column, ignored), also=also)
    return _of(column, scale, ignored) if scale else rating


def _by_labels(column: Column) -> Rating | None:
    """What value labels say; they alone decide between a rating and a group."""
    scale = scales.of_labels(column.labels) or _between_ends(column)
    if scale is None and len(column.labels) == 1 and asks("rated").search(column.text):
        return None  # one label, as "refused": the numbers decide
    if scale is None or (not scale.family and asks("groups").search(column.text)):
        return None
    if column.not_numbers:  # the labels themselves are in the cells
        return _by_words(Column(column.name, column.label, column.cells), {})
    low, high = scale.low, scale.high
    why = (
        f"value labels: {column.labels[low]!r} to {column.labels[high]!r}"
        if {low, high} <= set(column.labels)
        else "value labels"
    )
    out = Rating(
        column.name,
        column.label,
        (low, high),
        why,
        "high",
        family=scale.family,
        reverse=scale.reverse,
    )
    if shift := _shift(column.labels, low, high):
        out.scale = (low + shift, high + shift)
        out.recode = {str(c): c + shift for c in range(low, high + 1)}
        out.why += f", whose numbers are the codes {shift:+d}"
    out.confirmed = {low, high} <= set(column.labels)
    out.missing = [float(c) for c in scale.missing]
    out.not_experienced = [float(c) for c in scale.not_experienced]
    known = {*out.missing, *out.not_experienced}
    given = column.numbers[[not low <= x <= high and x not in known for x in column.numbers.index]]
    codes = [x for x in given.index if x in special.NO_ANSWER]
    out.missing += codes
    out.odd = int(given.drop(codes).sum())
    return out if low < high else None


def _between_ends(column: Column) -> scales.Scale | None:
    """A scale of which only the ends have labels, whatever these say: answers lie between them."""
    ends = tuple(sorted(column.labels))
    between = [x for x in column.numbers.index if x not in column.labels]
    if ends not in ENDS or not between or not asks("rated").search(column.text):
        return None
    if not all(ends[0] < x < ends[1] or x in special.NO_ANSWER for x in between):
        return None
    return scales.Scale({}, int(ends[0]), int(ends[1]), "", True, False, (), ())


def _shift(labels: Mapping[float | int, str], low: int, high: int) -> int:
    """What to add to a code for the number that it is labelled with: 1 = "very unlikely", 2 = "1".

    0 where labels are no numbers, or not those of the codes with one thing added to all.
    """
    numbered = {c: int(w) for c, w in labels.items() if re.fullmatch(r"\d{1,2}", w.strip())}
    shifts = {int(n - c) for c, n in numbered.items() if low <= c <= high}
    return shifts.pop() if len(numbered) > 2 and len(shifts) == 1 else 0


def _codes_of_answers(column: Column, answers: Sequence[str]) -> Rating | None:
    """LimeSurvey's codes of answers, A1 to A5: which end is the good one, they do not tell."""
    if len(answers) < 3 or not all(re.fullmatch(r"A[1-9]", a) for a in answers):
        return None
    low, high = scales.span([int(a[1]) for a in answers])
    out = Rating(column.name, column.label, (low, high), "codes of answers, A1 ...", "low")
    out.recode = {a: int(a[1]) for a in answers}
    out.doubts.append("the codes A1, A2 ... do not tell which end is the good one")
    return out


# By numbers


def scale_stated(column: Column) -> tuple[int, int] | None:
    """The ends of the scale that the wording of a question states, or its name."""
    return stated.ends(column.label) or stated.ends(column.name)


def _codes(column: Column, ignored: Mapping[str, str]) -> special.Beside:
    """The answers that are numbers, and the codes beside them."""
    numbers = {float(x): int(n) for x, n in column.numbers.items() if f"{x:g}" not in ignored}
    ten = bool(asks("nps").search(column.text))
    return special.beside(numbers, scale_stated(column), ten=ten)


def _span(column: Column, ignored: Mapping[str, str]) -> tuple[int, int] | None:
    """The scale that the numbers of a column would be on; None when they would be on none.

    Numbers off a scale that the wording states do not keep the others from being on it.
    """
    answers, ends = _codes(column, ignored).answers, scale_stated(column)
    low, high = ends or (0, 10)
    inside = {x: n for x, n in answers.items() if low <= x <= high and x % 0.5 == 0}
    words = {w: n for w, n in column.counts.items() if w in ignored or scales.no_rating(str(w))}
    n, on = sum(answers.values()), sum(inside.values())
    off = sum(k for x, k in answers.items() if not low <= x <= high) if ends else 0
    odd = n - on - off + column.not_numbers
    odd -= sum(n for w, n in words.items() if not re.fullmatch(r"-?\d+", str(w)))
    # Of few answers one is more than a slip's share; the wording then says that it is a rating.
    told = ends or asks("nps").search(column.text) or asks("rated").search(column.text)
    most = max(n * special.SLIPS, 1 if told and n >= FEWEST else 0)
    if odd > most or len(inside) < (2 if ends else 3) or max(inside) < (2 if ends else 3):
        return None
    if ends and on < special.HALF * n:
        return None
    return ends or scales.span(list(inside))


def _by_numbers(
    column: Column, ignored: Mapping[str, str], stems: Counter[str], series: Spans
) -> Rating | None:
    if column.labels and scales.of_labels(column.labels) is None and len(column.labels) > 1:
        return None  # the labels name groups
    span = _span(column, ignored)
    if span is None:
        return None
    codes = _codes(column, ignored)
    answers = codes.answers
    whole = (
        len([x for x in answers if x % 1 == 0 and span[0] <= x <= span[1]]) == span[1] - span[0] + 1
    )
    why, sure = _evidence(column, span, codes.answers, whole, stems, series)
    if not why:
        return None
    ends = scale_stated(column)
    low, high = span if ends else _used(span, answers)
    out = Rating(column.name, column.label, (low, high), why, sure, missing=codes.codes)
    rated = asks("rated").search(column.text) or asks("things").search(column.text)
    if ends and asks("groups").search(column.text) and not rated:
        out.sure = "low"
        out.doubts.append("its wording states a scale, and may name a group or a count: rated?")
    _direct(out, column)
    if high < span[1]:
        out.sure = "medium"
        out.doubts.append(f"nobody answered {span[1]}: does the scale end at {high}?")
    out.odd = sum(n for x, n in answers.items() if not low <= x <= high) + column.not_numbers
    there = [w for w in column.counts.index if w in ignored or scales.no_rating(str(w))]
    kinds = {w: ignored.get(w) or scales.no_rating(str(w)) for w in there}
    out.recode = {w: None if k == "missing" else NOT_EXPERIENCED for w, k in kinds.items()}
    out.not_experienced = [NOT_EXPERIENCED] if NOT_EXPERIENCED in out.recode.values() else []
    out.odd -= sum(int(column.counts[w]) for w in there if not re.fullmatch(r"-?\d+(\.0)?", str(w)))
    out.doubts += codes.doubts
    return out


def _direct(rating: Rating, column: Column) -> bool:
    """Settle whether low answers are the good ones, by what the wording says; False if nothing."""
    wording = next((w for w in (column.label, column.name) if stated.ends(w)), column.label)
    turned, named = stated.reverse(wording, rating.scale), stated.anchors(wording)
    if named.keys() & set(rating.scale):
        rating.why, rating.sure = "its wording names the ends", "high"
        rating.reverse = bool(turned)
        if turned is None:
            said = ", ".join(f"{n} = {w}" for n, w in sorted(named.items()))
            rating.doubts.append(f"{said}: are high answers the good ones?")
    elif asks("hard").search(column.text) and not EASY.search(column.text):
        rating.reverse = True
        rating.doubts.append("it asks how hard something was: are low answers the good ones?")
    return bool(rating.doubts or named)


def _by_slider(column: Column) -> Rating | None:
    """A rating of 0 (or 1) to 100: the wording states it, or speaks of rating things."""
    few = len(column.counts) < 10
    if few or not column.labels.keys() <= {0, 1, 50, 100} or len(column.numbers) < 10:
        return None
    inside = column.numbers[(column.numbers.index >= 0) & (column.numbers.index <= 100)]
    beside = [float(x) for x in column.numbers.index if x not in inside.index]
    wordy = column.not_numbers > special.SLIPS * len(column.words)
    coded = set(beside) <= set(special.NO_ANSWER)
    if wordy or not len(inside) or inside.index.max() <= 10 or not coded:
        return None
    range_ = SLIDER.search(column.text)
    told = asks("rated").search(column.text)
    told = None if asks("groups").search(column.text) else told
    if not range_ and not (told and len(inside) > 15 and inside.index.max() > 50):
        return None
    low = int(range_[1]) if range_ and inside.index.min() >= int(range_[1]) else 0
    why = "its wording states the scale" if range_ else f"its wording ({told[0] if told else ''})"
    out = Rating(column.name, column.label, (low, 100), f"{why}, answers up to 100", "high")
    out.missing, out.odd = sorted(beside), column.not_numbers
    if not range_:
        out.sure = "medium"
        out.doubts.append("answers from 0 to 100: is that the whole scale?")
    return out


def rankings(columns: Mapping[str, Column]) -> dict[str, str]:
    """Columns in which things are put in order, with their question; a rank is no rating.

    In each row the numbers of the block are 1 to the number of its columns, none of them twice.
    """
    blocks: dict[str, list[Column]] = {}
    for c in columns.values():
        if (stem := _stem(c) or _series(c)) and not c.labels and c.not_numbers == 0:
            blocks.setdefault(stem, []).append(c)
    out: dict[str, str] = {}
    for stem, members in blocks.items():
        names_, most = [c.name for c in members], len(members)
        if most < 3 or any(not c.numbers.index.isin(range(1, most + 1)).all() for c in members):
            continue
        given = pd.DataFrame({c.name: pd.to_numeric(c.cells, errors="coerce") for c in members})
        whole = given.dropna()
        if len(whole) >= 5 and (whole.nunique(axis=1) == most).mean() > 0.95:
            out |= dict.fromkeys(names_, stem)
    return out


def _signed(columns: Sequence[Column], ignored: Mapping[str, str]) -> int:
    """3 where blocks of the file are rated from -3 to 3; 0 where negative numbers are codes.

    Only answers of a block that reach as far below 0 as above it, with each whole number between
    them, are a scale around 0: 1 to 5 with -1 and -2 is none.
    """
    blocks: dict[str, set[float]] = {}
    for c in columns:
        if c.not_numbers == 0 and not c.labels and not set(c.counts.index) & set(ignored):
            blocks.setdefault(_stem(c) or c.name, set()).update(map(float, c.numbers.index))
    tops = {x: int(max(x)) for x in map(frozenset, blocks.values()) if x and max(x) <= 5}
    ends = {top for x, top in tops.items() if top >= 2 and x == set(range(-top, top + 1))}
    return max(ends, default=0)


def _around_zero(column: Column, end: int, stems: Counter[str]) -> Rating | None:
    """A rating from -end to end, of a file that has such; it needs what other ratings need."""
    given = column.numbers.index
    inside = column.not_numbers == 0 and len(given) > 1 and given.isin(range(-end, end + 1)).all()
    rated = asks("rated").search(column.text)
    if not inside or column.labels or not (rated or stems[_stem(column)] > 1):
        return None
    if asks("groups").search(slug(column.name)) or (given.min() >= 0 and stems[_stem(column)] < 2):
        return None
    out = Rating(
        column.name, column.label, (-end, end), f"a block has all answers {-end} to {end}", "medium"
    )
    out.doubts.append(f"a scale from {-end} to {end}, or are negative numbers codes of no answer?")
    return out


def _used(span: tuple[int, int], answers: Mapping[float, int]) -> tuple[int, int]:
    """The scale that ends where the answers do, if many answered and each point below was used."""
    top = int(max(x for x in answers if span[0] <= x <= span[1]))
    every = all(answers.get(float(x)) for x in range(span[0], top + 1))
    return (1, top) if span[0] == 1 and every and sum(answers.values()) >= MANY else span


def _evidence(
    column: Column,
    span: tuple[int, int],
    answers: Mapping[float, int],
    whole: bool,
    stems: Counter[str],
    series: Spans,
) -> tuple[str, str]:
    """What speaks for a rating, and how much; empty when nothing does."""
    given = [x for x in answers if span[0] <= x <= span[1]] or span
    said = f"answers {min(given):g} to {max(given):g}"
    if scale_stated(column):
        return "its wording states the scale", "high"
    rated = asks("rated").search(column.text)
    if asks("groups").search(column.text) and not (rated and _role_words(column.text)):
        return "", ""
    if rated:
        return f"its wording ({rated[0]!r}), {said}", "high"
    if (stem := _stem(column)) and stems[stem] > 1:
        return f"one of {stems[stem]} columns of one block, {said}", "medium"
    if (s := _series(column)) and series[s, span] > 2 and (whole or span[1] == 10):
        scale = f"a scale of {span[0]} to {span[1]}"
        return f"{series[s, span]} columns of one series share {scale}", "medium"
    if not whole:
        return "", ""
    if thing := asks("things").search(column.text):
        return f"its name ({thing[0]!r}), {said}, each of them used", "medium"
    return (f"{said}, each of them used", "low") if span == (0, 10) else ("", "")


def _role_words(text: str) -> bool:
    return bool(asks("nps").search(text) or asks("satisfied").search(text))


def _stem(column: Column) -> str:
    return labels.matrix(column.label)[0]


def _series(column: Column) -> str:
    found = SERIES.fullmatch(slug(column.name)) or NUMBERED.fullmatch(slug(column.name))
    return f"{found['stem']}#" if found else ""


def _overall(wording: str) -> bool:
    """Whether a question asks how satisfied people are all in all."""
    small = wording.casefold()
    return bool(asks("csat").search(small) and asks("satisfied").search(small))


def _code(part: str) -> bool:
    """A part that is a code of the tool, as SQ001, and tells a reader nothing."""
    return bool(re.fullmatch(r"[A-Z]{0,3}\d+", part))


# Names and roles


def _name(found: Sequence[Rating], blocks: set[str], overall: Collection[str]) -> None:
    """An item's name and label, short and unique, and the wording where the label is another."""
    taken: set[str] = set()
    parts = Counter(r.part for r in found if r.stem in blocks)
    roles = Counter(r.role for r in found)
    for r in found:
        full = r.label
        both = labels.of_role(r.role) if roles[r.role] == 1 else {}
        if both and (r.role == "nps" or r.column in overall):
            r.label, r.label_zh = both["en"], both["zh"]
        elif r.stem in blocks and not _code(r.part):
            r.label = labels.label(r.part)
            if parts[r.part] > 1 and r.family:  # the same things, asked for something else
                r.label = f"{r.label} ({r.family})"
        else:
            r.label = labels.label(full)
        if r.label != full:
            r.wording = full
        own = slug(clean(r.column))
        long = len(own) > 30 or bool(re.search(r"[\u3040-\u30ff\u4e00-\u9fff]{8}", own))
        called = {"nps": "recommend", "csat": "satisfaction", "effort": "effort"}.get(r.role, "")
        r.name = labels.unique(called or labels.short(r.part or r.label) if long else own, taken)
        taken.add(r.name)
    for r, label in zip(
        found, labels.distinct([r.label for r in found], [r.column for r in found]), strict=True
    ):
        if label != r.label:
            r.label, r.wording, r.label_zh = label, r.wording or r.label, ""


def _role(rating: Rating, column: Column, *, in_matrix: bool) -> str:
    """What the question is for; which of several is the outcome is asked elsewhere."""
    (low, high), text, answers = rating.scale, column.text, len(column.words)
    if asks("nps").search(text) and rating.family in ("", "likelihood", "agreement"):
        if high == 10 and rating.scale in ((0, 10), (1, 10)):
            if any(c == 1 and not w.isdigit() for w, c in rating.recode.items()):
                return "intention"  # 1 is the end that has words: the scale begins there
            if scale_stated(column) == (1, 10):
                rating.doubts.append("its wording states 1 to 10, and an NPS needs 0 to 10: no NPS")
                return "intention"
            rating.scale = (0, 10)
            if low == 1 and answers >= 50:
                rating.sure = "medium"
                rating.doubts.append("nobody answered 0: was the scale 0 to 10, as the NPS needs?")
            return "nps"
        return "intention"
    if rating.family in ("frequency", "importance"):
        return "touchpoint" if asks("things").search(text) else "attribute"
    if rating.family == "ease" or asks("effort").search(text):
        return "effort"
    if rating.family == "likelihood" or (
        not in_matrix and asks("intention").search(text) and not asks("satisfied").search(text)
    ):
        return "intention"
    if not in_matrix and asks("csat").search(text):
        return "csat"
    return "touchpoint"


def coded(column: Column, rating: Rating) -> pd.Series:
    """The answers as numbers on the scale, a high one always good; what is on none is missing."""
    words = conversion.text(column.cells)
    codes = {w: c for w, c in rating.recode.items() if c is not None}
    x = pd.to_numeric(words.astype(object).map(lambda w: codes.get(w, w)), errors="coerce")
    x = x.where(x.between(*rating.scale)).reset_index(drop=True)
    return -x if rating.reverse else x
