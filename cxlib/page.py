"""How a page says things: sentences, labels and numbers in the language of its context.

    context.begin(lang="zh", smallest_cell=10)
    page.say("NPS {nps} ({span}), n {n}.", nps=page.number(31.5, 1),
             span=page.span(28.1, 34.9, 1), n=page.count(4812))

English is what the code says; other languages come from `cxlib/locale/<lang>.po`, looked up by the
English sentence with its braces. A sentence without an entry stays English; a test finds those.
The language is that of `core.context`, which `reserve.open` begins.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

from cxlib.core.context import LANGUAGES, SMALLEST_CELL, begin
from cxlib.core.context import current as rules

__all__ = ["LANGUAGES", "SMALLEST_CELL", "begin", "rules"]

LOCALE = Path(__file__).parent / "locale"
# Names of terms, columns and levels: said through `label`, which no sentence of the code shows.
WORDS = (
    "term", "estimate", "n", "low (column)", "high (column)", "low", "medium", "high",
    "needed (column)", "other (column)", "before (column)", "after (column)", "adjusted (column)",
    "class (column)", "now", "tier", "topic",
    "group", "item", "construct", "cause", "effect", "driver", "outcome", "measure", "value",
    "overall", "points", "share", "scale", "index", "mean", "spend", "recency", "frequency",
    "alpha", "rho A", "rho C", "AVE", "AUC", "log-loss", "Brier score", "calibration slope",
    "calibration intercept", "predicted", "happened", "risk", "probability", "reasons", "k",
    "stability", "silhouette", "verdict", "segment", "score", "table", "column", "rows", "reason",
    "from", "to", "offered", "kept", "quarantined", "missing", "not experienced", "target",
    "solved at", "first reply at", "opened at", "realised", "touchpoint", "nps", "csat", "effort",
    "intention", "index low", "index high", "rank low", "rank high", "chance first", "odds",
    "odds low", "odds high", "feature", "detractors", "passives", "promoters", "jaccard",
    "report", "pattern", "not named", "design effect", "before", "after", "attribute",
    "before low", "before high",
    "least", "most", "weakest stability", "smallest share", "misplaced share", "chosen",
    "log-likelihood", "parameters", "BIC", "ICL", "entropy", "choice", "outcomes", "personas",
    "placing", "needed", "moves", "limit", "p", "part", "size", "who", "worth", "needs", "hurts",
    "trouble", "confusion cost",
    "plain", "sheet", "precision", "caught", "EMP", "EMP without a model", "by expected profit",
    "by risk", "more than by risk", "average effect", "Qini", "AUUC", "effect in the treat set",
    "effect outside the treat set", "by predicted gain", "by lot", "died", "moved", "other ties",
    "competition", "product", "attitude of staff", "stability index", "boosting",
    "the readable model", "days", "weeks", "months", "quoted", "contacted", "treated", "time",
    "chi2", "leavers", "two models", "transformed outcome", "question", "grade", "sign", "meaning",
    "kind", "must hold", "unit", "currency", "seed", "data", "code", "penalty", "reward", "class",
    "must-be", "performance", "attractive", "indifferent", "open", "necessary", "robustness",
    "robust", "top", "level", "chance", "reached", "complete", "pairwise", "em", "dummy", "one",
    "other", "HTMT", "htmt2", "htmt2 low", "htmt2 high", "shared", "least ave", "rmse", "mae",
    "rmse linear", "mae linear", "rmse means", "mae means", "p held", "correlation",
    "chance priority",
    "acquired", "at risk", "won back", "lost", "high worth", "middle worth", "low worth",
    "high risk", "medium risk", "low risk", "share of worth", "shortfall",
    "saving", "model", "fitted", "observed", "there still", "renewals", "period", "periods",
    "purchases", "amount", "line", "times the risk",
    "if bought", "then bought", "lift", "confidence", "support", "lift for size", "lift before",
    "holds", "bundle", "gain", "way", "popular", "cosine", "conditional", "hit rate", "coverage",
    "offer", "met", "more than one product", "everyone", "by the tree",
    "one offer for everyone", "times as often", "revenue", "orders a thousand", "together",
    "offers", "slope low", "slope high",
    "drawn by lot", "beside those it spared", "beside others like them", "before and after only",
    "as they are", "the change", "another time", "another place", "those reached", "stand-in",
    "line before", "change of those reached", "without it anyway", "what is left", "higher",
    "lower", "in doubt", "less than predicted", "cannot tell", "standard deviations", "could find",
    "design", "changed", "inside", "bias", "slope", "spared", "waves", "predicted low",
    "predicted high", "within",
    # Pages that a run may lack, as their file names say them.
    "is the data sound", "how satisfied are customers",
    "what is the satisfaction index", "is it changing", "what moves satisfaction",
    "what to improve first", "who are our customers", "what are they worth",
    "who is about to leave", "what do customers say", "do complaints get solved",
    "did the change work",
    "what shall we do next", "where do journeys break", "what keeps them coming back",
    "what to offer next", "how mature are we",
    # Journeys: ways, stages, problems and rules.
    "begins", "ends", "met it", "trouble", "low rating", "not reached", "not seen again",
    "journeys lost", "earlier journeys", "later journeys", "journeys with a return",
    "steps met before", "journeys that go back", "reach", "satisfaction", "ease", "meetings",
    "minutes", "severity", "impact", "impact low", "impact high", "recurrence", "chance top",
    "money", "money low", "money high", "rated", "step", "times", "differs", "problem", "rule",
    "stage", "priority", "the mean", "the worst", "the last", "the worst and the last",
    "the mean and the worst", "the mean and the last",
    "the mean, the worst, the best and the last", "awareness", "discovery", "interest",
    "consideration", "action", "use", "advocacy", "over",
)  # fmt: skip


# Where Chinese meets Latin letters or numbers, a thin gap makes both easier to read.
BETWEEN_SCRIPTS = re.compile(
    "(?<=[\u4e00-\u9fff])(?=[A-Za-z0-9\u2212])|(?<=[A-Za-z0-9%])(?=[\u4e00-\u9fff])"
)

# Sentences without an entry, while somebody wants to know them (`noting_untranslated`).
_noted: ContextVar[set[str] | None] = ContextVar("cxlib_untranslated", default=None)


def say(sentence: str, /, **values: object) -> str:
    """The sentence in the page's language, its braces filled with `values`."""
    lang = rules().lang
    spoken = catalogue(lang).get(sentence)
    if spoken is None:
        spoken, noted = sentence, _noted.get()
        if noted is not None and lang != "en" and re.search("[A-Za-z]{2}", sentence):
            noted |= {sentence} if sentence.isascii() else set()
    if not values:
        return spoken
    said = spoken.format(**values)
    return BETWEEN_SCRIPTS.sub(" ", said) if lang == "zh" else said


def opening(text: str) -> str:
    """The text as a sentence opens; capitals inside it stay."""
    return text[:1].upper() + text[1:]


@contextmanager
def noting_untranslated() -> Iterator[set[str]]:
    """Gather the sentences that have to be said in English though the page is in another language.

    What has no word of English in it (a date, a label of the study already translated) is none.
    """
    noted: set[str] = set()
    token = _noted.set(noted)
    try:
        yield noted
    finally:
        _noted.reset(token)


def quoted(text: str) -> str:
    """A name inside a sentence: in quotation marks when it has several words, bare when it is one.

    "Quality of services used" and "Would you buy again?" would else run into the sentence.
    """
    return f"“{text}”" if re.search(r"[\s、：]", text) else text


def label(name: str) -> str:
    """What a reader calls the item, construct or column; the name in plain words if it has none."""
    return rules().labels.get(name) or say(name.replace("_", " "))


def heading(column: str) -> str:
    """What heads a column: `high` is an end of the interval there, and a level elsewhere."""
    return catalogue(rules().lang).get(f"{column} (column)") or label(column)


def listed(words: Iterable[str], most: int = 0) -> str:
    """The words as a list inside a sentence; after `most` of them, how many more there are."""
    words = list(words)
    if not most or len(words) <= most + 1:
        return say(", ").join(words)
    first = say(", ").join(words[:most])
    return say("{first} and {more} more", first=first, more=count(len(words) - most))


def together(sentences: Iterable[str]) -> str:
    """Sentences one after the other, empty ones left out; Chinese puts no space between."""
    return ("" if rules().lang == "zh" else " ").join(s.strip() for s in sentences if s)


@cache
def catalogue(lang: str) -> dict[str, str]:
    """English sentence -> sentence in `lang`, from the .po file; empty for English."""
    file = LOCALE / f"{lang}.po"
    return read_po(file.read_text(encoding="utf-8")) if file.exists() else {}


def read_po(text: str) -> dict[str, str]:
    """The entries of a gettext .po file without plurals or contexts; untranslated ones left out."""
    entries: dict[str, str] = {}
    parts = {"msgid": "", "msgstr": ""}
    current = ""
    for line in [*text.splitlines(), 'msgid ""']:
        keyword, _, rest = line.partition(" ")
        if keyword == "msgid" and parts["msgid"] and parts["msgstr"]:
            entries[parts["msgid"]] = parts["msgstr"]
        if keyword in parts:
            current = keyword
            parts[current] = ast.literal_eval(rest)
            if keyword == "msgid":
                parts["msgstr"] = ""
        elif line.startswith('"') and current:
            parts[current] += ast.literal_eval(line)
    return entries


def number(value: float, digits: int = 1) -> str:
    """`value` with thousands separated and `digits` decimals; a dash where there is none.

    A small negative number that is rounded to nothing has no sign.
    """
    return "–" if value != value else f"{value:z,.{digits}f}".replace("-", "−")


def count(value: float) -> str:
    """A whole number with thousands separated."""
    return number(value, 0)


def percent(value: float, digits: int = 0) -> str:
    """A share as a percentage: .413 is 41%."""
    return "–" if value != value else f"{number(100 * value, digits)}%"


def chance(share: float) -> str:
    """A probability that draws told as a percentage: they never show what is certain."""
    if share < 0.005:
        return say("under {share}", share=percent(0.01))
    return percent(share) if share < 0.995 else say("over {share}", share=percent(0.99))


def p_value(p: float) -> str:
    """A probability to three decimals; "<0.001" where they would all be naught."""
    return number(p, 3) if not p < 0.001 else "<" + number(0.001, 3)


def span(low: float, high: float, digits: int = 1, *, share: bool = False) -> str:
    """An interval as people say it: 73.5 to 74.9, or 38% to 44% when it is a share."""
    write = percent if share else number
    return say("{low} to {high}", low=write(low, digits), high=write(high, digits))
