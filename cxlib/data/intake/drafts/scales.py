"""Rating scales told by their words, in thirteen languages: "Very satisfied" is 5 of 5.

    scale = of_words(["Satisfied", "Very dissatisfied", "Neutral", "Not applicable"])
    scale.codes             # {"Satisfied": 4, "Very dissatisfied": 1, "Neutral": 3}
    scale.not_experienced   # ("Not applicable",)

The words are in `profiles/scales.yaml`; nothing but matching is done here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml

from cxlib.data.intake.dates import months

MIDDLE = 4
ENDINGS = (  # one word for both genders: satisfaite is satisfait
    (r"\((e|a|o|s|es)\)|/(e|a|o|in)\b", ""),
    (r"satisfaite?s?\b", "satisfait"),
    (r"satisfech[ao]s?\b", "satisfecho"),
    (r"satisfeit[ao]s?\b", "satisfeito"),
    (r"soddisfatt[aoie]\b", "soddisfatto"),
    (r"mécontente\b", "mécontent"),
    (r"zadowolona\b", "zadowolony"),
    (r"удовлетвор[её]на?\b", "удовлетворен"),
    (r"довольна\b", "доволен"),
)
DEGREE = "degree"  # a family of one adjective: not at all clean, fairly clean, very clean
OPPOSITES = "opposites"  # a family made of the answers: reasonable and unreasonable
NEGATIONS = ("un", "in", "im", "ir", "dis")
DEGREE_STEPS = {
    **dict.fromkeys(("extremely ", "completely ", "totally "), 4),
    "very ": 3,
    **dict.fromkeys(("", "moderately ", "mostly "), 2),
    **dict.fromkeys(("somewhat ", "slightly ", "rather ", "fairly ", "a little "), 1),
}
OF_ONE = {  # degrees of one adjective, as in "Not very clean", "Fairly clean", "Very clean"
    "not at all ": 0,
    "not very ": 2,
    **dict.fromkeys(("slightly ", "a little "), 3),
    **dict.fromkeys(("somewhat ", "moderately ", "fairly ", "quite ", "reasonably "), 5),
    "": 6,
    "very ": 7,
    **dict.fromkeys(("extremely ", "completely "), 8),
}
DEGREES = re.compile(rf"(?:{'|'.join(filter(None, DEGREE_STEPS))})?(?P<adjective>[a-z]{{3,}})")
NUMBERED = re.compile(r"\(?(\d{1,2})\)?\s*(?:[-–—:=.)/、]\s*|\s+|(?=\())?(\D*)")
NUMBER_LAST = re.compile(r"(\D+?)\s*[-–—:=(（]\s*(\d{1,2})\s*[)）]?")
UNITS = re.compile(r"(stars?|points?|分|星|颗星|点|étoiles?|sterne?|punkte?|estrellas?|estrelas?)")
OUT_OF = re.compile(  # "Rated 4 out of 5 stars", "4/5", "4 von 5 Sternen"
    r"(?:[^\W\d]+:?\s+)?(\d{1,2})\s*(?:/|out of|of|von|sur|de|di|su)\s*(\d{1,2})\s*[^\W\d]*",
    re.IGNORECASE,
)
NO_ANSWER = re.compile(r"-|[–—]+|\.+|…|/|\?+|？")  # marks that people and tools put for nothing
STARS = re.compile(r"([★⭐]+)️?[☆✩]*")


@dataclass(frozen=True)
class Scale:
    """Words or codes on a scale.

    Attributes
    ----------
    codes : word as it stands in the file: its place on the scale, from the worst
    low, high : ends of the scale
    family : what the words speak of: satisfaction, agreement, likelihood, quality ...; may be empty
    complete : whether the answers there are make a whole scale that questionnaires use
    reverse : whether the low codes are the good ones
    missing, not_experienced : words (or codes) that are no rating
    """

    codes: dict[str, int]
    low: int
    high: int
    family: str = ""
    complete: bool = True
    reverse: bool = False
    missing: tuple[str, ...] = ()
    not_experienced: tuple[str, ...] = ()


@cache
def _lexicon() -> tuple[dict[str, dict[str, int]], dict[str, list[list[int]]], dict[str, str]]:
    """(family: word: step; family: its forms; word that is no rating: its kind)."""
    file = resources.files("cxlib.data.intake.profiles") / "scales.yaml"
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    words: dict[str, dict[str, int]] = {}
    for family, about in content["families"].items():
        ladders = about["words"].values()
        steps = (
            (w, step)
            for ladder in ladders
            for step, some in enumerate(ladder)
            for w in some.split("|")
        )
        words[family] = {normal(w): step for w, step in steps if w}
    forms = {family: about["forms"] for family, about in content["families"].items()}
    forms[OPPOSITES] = forms["satisfaction"]
    forms[DEGREE] = [[0, 2, 5, 7], [0, 3, 5, 7, 8], [0, 3, 5, 7], [0, 2, 5, 7, 8]]
    other = {
        normal(w): kind for kind in ("missing", "not_experienced") for w in content[kind].split("|")
    }
    return words, forms, other


def normal(word: str) -> str:
    """A word as the lexicon has it: small letters, no punctuation, one gender."""
    word = unicodedata.normalize("NFKC", word).casefold().replace("’", "'").strip()
    word = word.replace("i\u0307", "i")  # İyi in small letters
    for pattern, one in ENDINGS:
        word = re.sub(pattern, one, word)
    return re.sub(r"[\s,;.!?/()-]+", " ", word).strip()


def no_rating(word: str) -> str:
    """`missing`, `not_experienced`, or empty for a word that may be an answer.

    Examples
    --------
    >>> [no_rating(w) for w in ("-", "N/A", "不适用", "7")]
    ['missing', 'missing', 'not_experienced', '']
    """
    if NO_ANSWER.fullmatch(word.strip()):
        return "missing"
    return _lexicon()[2].get(normal(word), "")


def is_step(word: str) -> bool:
    """Whether a word stands on some scale: "Satisfied", "muy malo"."""
    return any(normal(word) in known for known in _lexicon()[0].values())


def is_numbered(word: str) -> bool:
    """Whether an answer carries its number: "10 - Extremely likely", "5 stars"."""
    return _number_and_words(word) is not None


def of_words(answers: Collection[str], *, also: Collection[str] = ()) -> Scale | None:
    """The scale on which all of the answers are; None when they are on none.

    Parameters
    ----------
    answers : the different answers to the question
    also : answers to questions that seem to share the scale; they tell how many points it has

    Examples
    --------
    >>> of_words(["Agree", "Disagree", "Strongly agree", "stimme voll zu"]).codes["Agree"]
    4
    """
    words, forms, _other = _lexicon()
    rated, rest = _apart(answers)
    of_one = {f"{degree}{a}": n for a in _adjectives(rated) for degree, n in OF_ONE.items()}
    for family, known in {**words, OPPOSITES: _opposites(rated), DEGREE: of_one}.items():
        steps = {w: known[normal(w)] for w in rated if normal(w) in known}
        if len(steps) < len(rated) or len(set(steps.values())) < 2:
            continue
        more = {known[normal(w)] for w in also if normal(w) in known}
        used = sorted({*steps.values(), *more})
        form, complete = _form(used, forms[family])
        if not set(used) <= set(form):
            form, complete = _form(sorted(set(steps.values())), forms[family])
        codes = {w: form.index(step) + 1 for w, step in steps.items()}
        return Scale(codes, 1, len(form), family, complete, False, *rest)
    return None


def _opposites(answers: Collection[str]) -> dict[str, int]:
    """A lexicon of two opposites: "extremely reasonable" is 8, "somewhat unreasonable" 3.

    One of them is the other with un-, in-, im-, ir- or dis- before it.
    """
    found = {w: m for a in answers if (m := DEGREES.fullmatch(w := normal(a)))}
    adjectives = {m["adjective"] for m in found.values()}
    pairs = [(a, b) for a in adjectives for b in adjectives if b in {p + a for p in NEGATIONS}]
    if len(pairs) != 1 or len(adjectives) > 2:
        return {}
    good, bad = pairs[0]
    steps = {degree + good: MIDDLE + n for degree, n in DEGREE_STEPS.items()}
    steps |= {degree + bad: MIDDLE - n for degree, n in DEGREE_STEPS.items()}
    middles = (f"neither {good} nor {bad}", f"neither {bad} nor {good}", "neutral", "neither")
    return steps | dict.fromkeys(middles, MIDDLE)


def _adjectives(answers: Collection[str]) -> list[str]:
    """The one adjective of which all answers are degrees, three or more; empty when none is."""
    found = {normal(a) for a in answers}
    ends = {w.rpartition(" ")[2] for w in found}
    if len(ends) != 1 or len(found) < 3 or not any(w.startswith("not ") for w in found):
        return []
    return [a for a in ends if all(w.removesuffix(a) in OF_ONE for w in found)]


def _form(used: list[int], forms: list[list[int]]) -> tuple[list[int], bool]:
    """The form that the questionnaire seems to have offered, and whether each point was used."""
    if used in forms:
        return used, True
    return next((f for f in forms if set(used) <= set(f)), used), False


def _apart(answers: Collection[str]) -> tuple[list[str], tuple[tuple[str, ...], tuple[str, ...]]]:
    kinds = {a: no_rating(a) for a in answers}
    rated = [a for a, kind in kinds.items() if not kind]
    rest = [
        tuple(a for a, k in kinds.items() if k == kind) for kind in ("missing", "not_experienced")
    ]
    return rated, (rest[0], rest[1])


def of_numbered(
    answers: Collection[str], *, ends: tuple[int, int] | None = None, told: bool = False
) -> Scale | None:
    """Numbers, some of which carry words: "10 - Extremely likely", "4 (Satisfied)", "5 stars".

    None when no number does, or when the words do not look like those of a scale.

    Parameters
    ----------
    answers : the different answers to the question
    ends : of the scale that the question states; its answers may have any words
    told : the question speaks of a rating, so that each number may have a word that is unknown

    Examples
    --------
    >>> of_numbered(["1 - a pain", "3 - so so", "5 - a joy", "9 - don't know"], ends=(1, 5)).codes
    {'1 - a pain': 1, '3 - so so': 3, '5 - a joy': 5}
    """
    rated, rest = _apart(answers)
    outs = {a: found for a in rated if (found := OUT_OF.fullmatch(a.strip()))}
    if len(outs) > 1 and len(outs) == len(rated) and len({f[2] for f in outs.values()}) == 1:
        codes, top = {a: int(f[1]) for a, f in outs.items()}, int(next(iter(outs.values()))[2])
        low = min(1, *codes.values())
        if max(codes.values()) <= top <= 10 and len(set(codes.values())) > 1:
            whole = len(set(codes.values())) == top - low + 1
            return Scale(codes, low, top, "", whole, False, *rest)
    split = {a: _number_and_words(a) for a in rated}
    if any(p is None for p in split.values()):
        return None
    kinds = {a: no_rating(p[1]) for a, p in split.items() if p and p[1]}
    parts = {a: p for a, p in split.items() if p and not kinds.get(a)}
    missing, never = (
        (*some, *(a for a, k in kinds.items() if k == kind))
        for some, kind in zip(rest, ("missing", "not_experienced"), strict=True)
    )
    codes = {a: p[0] for a, p in parts.items()}
    words = [w for _n, w in parts.values() if w]
    if any(w.casefold().strip(" .") in months() for w in words):
        return None  # 5-Apr: what a spreadsheet makes of 4/5
    if not words or len(set(codes.values())) < 2 or max(codes.values()) > 10:
        return None
    known, _forms, _other = _lexicon()
    family = next(
        (f for f, lexicon in known.items() if any(normal(w) in lexicon for w in words)), ""
    )
    units = all(UNITS.fullmatch(w.casefold()) for w in words)
    if not family and not units and not ends and not (told and _one_each(parts.values())):
        return None
    steps = {
        codes[a]: known[family][normal(p[1])]
        for a, p in parts.items()
        if family and normal(p[1]) in known[family]
    }
    reverse = len(steps) > 1 and steps[max(steps)] < steps[min(steps)]
    inside = ends and all(ends[0] <= c <= ends[1] for c in codes.values())
    low, high = ends if ends and inside else span(codes.values())
    whole = len(set(codes.values())) == high - low + 1
    return Scale(codes, low, high, family, whole, reverse, missing, never)


def _one_each(parts: Collection[tuple[int, str]]) -> bool:
    """Whether each number has a word of its own: 4 rooms and 5 rooms do not."""
    pairs = {(n, normal(w)) for n, w in parts if w}
    return len(pairs) == len({n for n, _w in pairs}) == len({w for _n, w in pairs})


def words_of_numbers(codes: Mapping[str, int]) -> dict[int, str]:
    """The words that numbers carry, units apart: {4: "good"} of "4 - good", none of "4 stars"."""
    parts = {n: p[1] for a, n in codes.items() if (p := _number_and_words(a)) and p[1]}
    return {n: w for n, w in sorted(parts.items()) if not UNITS.fullmatch(w.casefold())}


def _number_and_words(answer: str) -> tuple[int, str] | None:
    answer = unicodedata.normalize("NFKC", answer).strip()
    if stars := STARS.fullmatch(answer):
        return len(stars[1]), "stars"
    if found := NUMBERED.fullmatch(answer):
        return int(found[1]), found[2].strip(" ()-–—:=.")
    if found := NUMBER_LAST.fullmatch(answer):
        return int(found[2]), found[1].strip()
    return None


def span(codes: Collection[float]) -> tuple[int, int]:
    """The usual scale that holds the codes: 1 to 5, 1 to 7, 0 to 10 ...

    Examples
    --------
    >>> span([2, 4, 5]), span([0, 9]), span([6, 7])
    ((1, 5), (0, 10), (1, 7))
    """
    low, high = min(codes), max(codes)
    if low < 1:
        return (0, 10) if high > 5 else (0, 5) if high > 4 else (0, 4)
    return 1, next(top for top in (5, 7, 10) if high <= top)


def of_labels(labels: Mapping[float | int, str]) -> Scale | None:
    """The scale that value labels (SPSS, Stata, SAS) speak of; None when they name groups.

    Codes stand in the result as text, where they are no rating.

    Examples
    --------
    >>> of_labels({1: "North", 2: "South"}) is None, of_labels({1: "Agree", 2: "Disagree"}).reverse
    (True, True)
    """
    kinds = {c: no_rating(w) for c, w in labels.items()}
    rated = {c: w for c, w in labels.items() if not kinds[c]}
    rest = [
        tuple(f"{c:g}" for c, k in kinds.items() if k == kind)
        for kind in ("missing", "not_experienced")
    ]
    if len(rated) < 2 or not all(isinstance(c, (int, float)) for c in rated):
        return None
    low, high = int(min(rated)), int(max(rated))
    for family, known in _lexicon()[0].items():
        plain = {
            c: normal(NUMBERED.sub(r"\2", w) if w[:1].isdigit() else w) for c, w in rated.items()
        }
        steps = {c: known[w] for c, w in plain.items() if w in known}
        ends = {min(rated), max(rated)} <= set(steps)
        if len(set(steps.values())) < 2 or not (ends or len(steps) > len(rated) / 2):
            continue
        reverse = steps[max(steps)] < steps[min(steps)]
        return Scale({}, low, high, family, True, reverse, rest[0], rest[1])
    if all(re.match(r"\d", w) for w in rated.values()):  # "0", "1", ... "10": a rating, of what?
        return Scale({}, low, high, "", True, False, rest[0], rest[1])
    return None
