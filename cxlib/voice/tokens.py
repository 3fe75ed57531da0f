"""Text into words: the language of each comment, its words, and which of them are negated.

    langs = tokens.languages(comments["text"])         # "zh", "en" or "other", by what is written
    text = tokens.tokenise(comments["text"], "zh", known=["预订单"])
    text.words[text.code]                             # every word of every comment, in order
    text.negated                                      # "not good": good is

Traditional Chinese is read as Simplified (tables of OpenCC), so that both are counted together.
Chinese is cut by rjieba (its own dictionary, to which a study may add words), other languages at
what is no letter; English plurals lose their s. Words are kept as numbers in two flat arrays, so
that what follows is done for all comments at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from scipy import sparse

from cxlib.core.i18n import _, language

HAN = re.compile("[\u3400-\u9fff]")
KANA_HANGUL = re.compile("[\u3040-\u30ff\uac00-\ud7af]")
LATIN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|[.,;:!?()\n]")
MASKED = re.compile(r"\[[a-z -]+\]")  # what privacy.masking leaves
COMMON_PART = 0.05  # of the comments in other languages, in which a language must be
MOST = 20_000  # characters of a comment that are read


@cache
def lists(kind: str) -> dict[str, frozenset[str]]:
    """The words of one kind in each language, from lists.yaml in this folder."""
    kinds = yaml.safe_load((Path(__file__).parent / "lists.yaml").read_text(encoding="utf-8"))
    return {lang: frozenset(str(words).split()) for lang, words in kinds[kind].items()}


STOP = lists("stop")
NEGATORS = lists("negators")
# Small words by which a language is known: those that no other has too.
ENGLISH = (STOP["en"] | NEGATORS["en"]) - STOP["other"] - NEGATORS["other"]
FOREIGN = (STOP["other"] | NEGATORS["other"]) - STOP["en"] - NEGATORS["en"]
COMMENTS = {  # what tables call the comments of a language
    "en": "English comments",
    "zh": "Chinese comments",
    "other": "comments in other languages",
}
WORDS = ("English comments", "Chinese comments", "comments in other languages")
REACH = {"en": 3, "zh": 2, "other": 2}  # words after a negator that it turns


@dataclass(frozen=True, eq=False)
class Text:
    """The words of many comments.

    Attributes
    ----------
    words : the different words, sorted
    code : of every word that was written, its place in `words`
    place : of every word that was written, the comment
    negated : whether a word such as "not" turns it
    clause : number of the clause it stands in, over all comments
    n : how many comments there are
    lang : "en", "zh" or "other"
    """

    words: np.ndarray
    code: np.ndarray
    place: np.ndarray
    negated: np.ndarray
    clause: np.ndarray
    n: int
    lang: str

    def counts(self, kept: np.ndarray) -> sparse.csr_matrix:
        """How often each comment has each of the words `kept` (their places): (n, kept)."""
        column = np.full(len(self.words), -1)
        column[kept] = np.arange(len(kept))
        at = column[self.code]
        there = at >= 0
        ones = np.ones(int(there.sum()))
        shape = (self.n, len(kept))
        return sparse.csr_matrix((ones, (self.place[there], at[there])), shape)


def languages(texts: pd.Series) -> pd.Series:
    """The language each text is written in: "zh", "en" or "other"; empty for no words.

    Chinese where its characters outnumber the words in other letters; among Latin letters by the
    small words of English and of its neighbours, and where these tell nothing as most texts are.
    """
    text = texts.fillna("").astype(str).str.slice(0, MOST)
    han, strange = text.str.count(HAN), text.str.count(KANA_HANGUL)
    latin = text.str.lower().str.findall(r"[^\W\d_]+")
    words = latin.map(lambda found: sum(w[0] < "\u3400" for w in found))
    ours = latin.map(lambda found: sum(w in ENGLISH for w in found))
    theirs = latin.map(
        lambda found: sum(w in FOREIGN or (not w.isascii() and w[0] < "\u0250") for w in found)
    )
    usual = "other" if theirs.sum() > ours.sum() else "en"
    kind = np.select(
        [strange > han / 10, han > words, words == 0, theirs > ours, ours > theirs],
        ["other", "zh", "", "other", "en"],
        usual,
    )
    return pd.Series(kind, texts.index)


def named_languages(
    texts: pd.Series, langs: pd.Series, declared: pd.Series | None = None
) -> pd.Series:
    """The language of each text by its code (pt, de, ko ...), where `langs` says "other".

    That is the one `declared` for the text ("pt", "pt-BR"), if any. Of the others
    py3langid (Lui and Baldwin 2012) reads all; then only the languages that a part of the texts is
    in (`COMMON_PART`, and at least ten) remain to choose from, as a short text alone is in doubt.
    Texts stay "other" where there is no such language.

    Examples
    --------
    >>> texts = pd.Series(["O produto chegou atrasado e veio com defeito"] * 10)
    >>> named_languages(texts, pd.Series("other", texts.index)).unique().tolist()
    ['pt']
    """
    from py3langid import langid

    if declared is not None:
        named = declared.astype("string").str.lower().str.split("[-_]", regex=True).str[0]
        usable = named.str.fullmatch("[a-z]{2,3}").fillna(False) & ~named.isin(["en", "zh"])
        langs = langs.astype(object).mask((langs == "other") & usable, named)
    other = texts[langs == "other"].astype(str).str.slice(0, MOST)
    if other.empty:
        return langs
    reader = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE)
    found = other.map(lambda text: reader.classify(text)[0])
    counts = found[~found.isin(["en", "zh"])].value_counts()
    usual = counts.index[counts >= max(COMMON_PART * len(other), 10)].tolist()
    if not usual:
        return langs
    reader.set_languages(usual)
    known = other.map(lambda text: reader.classify(text)[0])
    return langs.astype(object).where(langs != "other", known.reindex(langs.index))


def language_of(comments: pd.DataFrame) -> pd.Series:
    """The language of each comment, by its code where it is known."""
    return comments["language" if "language" in comments else "lang"]


def language_name(code: str) -> str:
    """What readers call the comments of a language."""
    if code in COMMENTS:
        return COMMENTS[code]
    from babel import Locale

    name = Locale.parse(language()).languages.get(code, code)
    return _("comments in {language}", language=name)


@cache
def small_words(code: str) -> frozenset[str]:
    """Function words of a language that is neither English nor Chinese, of `stop-words`."""
    from stop_words import StopWordError, get_stop_words

    try:
        return frozenset(word.lower() for word in get_stop_words(code))
    except StopWordError:
        return frozenset()


@cache
def _converter() -> Any:
    from opencc import OpenCC

    return OpenCC("t2s")


def simplified(text: str) -> str:
    """Traditional Chinese characters as Simplified ones; all else as it is.

    Examples
    --------
    >>> simplified("沒有人回覆電話")
    '没有人回复电话'
    """
    return str(_converter().convert(text))


def tokenise(texts: Iterable[str], lang: str, known: Iterable[str] = ()) -> Text:
    """The words of the texts, all of one language; `known` are further words of Chinese."""
    if lang not in STOP:
        raise ValueError(f"no language {lang!r}. There are: {', '.join(STOP)}.")
    texts = [MASKED.sub(" ", str(t)[:MOST].lower()) for t in texts]
    if lang == "zh":
        texts, known = [*map(simplified, texts)], [*map(simplified, known)]
    cut = _cutter(tuple(known)) if lang == "zh" else LATIN.findall
    written = [cut(t) for t in texts]
    lengths = np.fromiter(map(len, written), int, len(written))
    place = np.repeat(np.arange(len(written)), lengths)
    code, found = pd.factorize(np.array(list(chain.from_iterable(written)), object), sort=True)
    found = np.asarray(found, object)
    stops = np.array([not w[:1].isalnum() and not HAN.match(w) for w in found], bool)
    turns = np.array([w.replace("’", "'") in NEGATORS[lang] for w in found], bool)
    ends = stops[code] if len(code) else np.zeros(0, bool)
    clause = np.cumsum(ends | (np.diff(place, prepend=-1) > 0))
    negated = _negated(turns[code], clause, REACH[lang]) if len(code) else ends
    if lang == "en":
        found, code = _without_plurals(found, code)
    spoken = ~ends
    return Text(
        found, code[spoken], place[spoken], negated[spoken], clause[spoken], len(texts), lang
    )


def content_words(text: Text, keep: frozenset[str] = frozenset(), language: str = "") -> np.ndarray:
    """Places of the words that may tell a matter: no small words, numbers or single letters.

    `language` is the code of a text in another language than English or Chinese.
    """
    stop = STOP[text.lang] | NEGATORS[text.lang]
    stop |= small_words(language) if text.lang == "other" and language else frozenset()

    def has_content(word: str) -> bool:
        return word in keep or (
            len(word) > 1 and word not in stop and not any(map(str.isdigit, word))
        )

    return np.flatnonzero(np.fromiter(map(has_content, text.words), bool, len(text.words)))


def _cutter(known: tuple[str, ...]) -> Callable[[str], list[str]]:
    import rjieba

    jieba = rjieba.Jieba()
    for word in known:
        jieba.add_word(word.lower(), None, None)
    return jieba.cut


def _negated(turns: np.ndarray, clause: np.ndarray, reach: int) -> np.ndarray:
    """Whether a negator stands in the same clause, at most `reach` words before."""
    at = np.arange(len(turns))
    last = np.maximum.accumulate(np.where(turns, at, -1))
    near = (last >= 0) & (at - last <= reach) & (at > last)
    return near & (clause[last] == clause)


def _without_plurals(words: np.ndarray, code: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """English words without the s of plurals (Harman 1991, JASIS 42(1)), where both are written."""
    known = set(words)

    def single(word: str) -> str:
        for end, instead in (("ies", "y"), ("es", "e"), ("s", "")):
            if word.endswith(end) and len(word) > 3 and not word.endswith(("ss", "us", "is")):
                shorter = word[: -len(end)] + instead
                return shorter if shorter in known else word
        return word

    places, found = pd.factorize(np.array([single(w) for w in words], object), sort=True)
    return np.asarray(found, object), places[code]
