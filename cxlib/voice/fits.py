"""Topics of comments with intervals, and who speaks of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from cxlib import weights
from cxlib.core import context, i18n
from cxlib.core.i18n import _, ngettext
from cxlib.estimates import Estimates, how_drawn
from cxlib.privacy import disclosure
from cxlib.voice import found as found_
from cxlib.voice import given as given_
from cxlib.voice import words
from cxlib.voice.given import Given
from cxlib.voice.people import shares

MOST = 12  # topics whose part in a score can be told exactly and quickly
RARE = 0.01  # share of comments below which a found topic says nothing beside given ones
TOLD = 6  # words of a given topic that a page shows
ORIGINS = ("given", "found")
WORDS = ("given", "found", "origin", "lang", "coherence", "stability", "bad", "neutral")


@dataclass(frozen=True)
class Topics(Estimates):
    """What comments speak of.

    Attributes
    ----------
    table : term, estimate (share of comments that speak of it), low, high (all hold at once), n
        (comments that do), origin ("given" or "found"), lang (where some were
        found)
    choice : what was tried of each language: lang, term (number of topics), estimate (stability),
        low, high (over resamples), n, coherence, chosen
    words : of each topic, as a page tells them
    models : of the found topics, one a language
    given : the words of the study's own
    """

    choice: pd.DataFrame = field(kw_only=True)
    words: dict[str, str] = field(kw_only=True, repr=False)
    models: tuple[found_.Model, ...] = field(kw_only=True, repr=False, compare=False)
    given: Given = field(kw_only=True, repr=False)

    @property
    def how_many(self) -> str:
        """How many topics were found in each language, with their stability and coherence."""
        return _how_many(self.choice)

    @property
    def commonest(self) -> list[str]:
        """The topics that most comments speak of, MOST at most."""
        return self.table["term"].head(MOST).tolist()

    @property
    def spoken(self) -> Given:
        """Each topic's words by language; of found ones the first."""
        found = {
            name: {model.lang: first}
            for model in self.models
            for name, first in zip(model.names, model.listed(), strict=True)
        }
        told = set(self.table["term"])
        return {k: v for k, v in {**self.given, **found}.items() if k in told}


def topics(
    comments: pd.DataFrame,
    given: Given | None = None,
    *,
    number: int = 0,
    weight: str | None = None,
    bucket: str | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> Topics:
    """The topics given, and those found where comments speak of none of them, with their shares.

    `comments` have text and lang (`beside`). `number` of topics to find in each language; 0 leaves
    it to stability and coherence. Found topics are learnt from comments without a given one, and do
    not take their words; the commonest are kept, up to MOST topics in all and, beside given ones,
    of those that a hundredth of the comments speak of. Raises ValueError for no comments.
    """
    if lacking := [c for c in ("text", "lang") if c not in comments]:
        raise ValueError(f"no column {lacking} in comments. They have: {', '.join(comments)}.")
    if comments.empty:
        raise ValueError("no comments to read. Choose another wave, or a wider WHERE.")
    given = dict(given or {})
    told = given_.mentions(comments, given).to_numpy().any(1)
    models, choice, few = _found(comments[~told], given, number)
    models = tuple(_beside(m, {*comments, *given}) for m in models)
    everything = _all_marked(comments, given, models)
    spoken = everything.sum().sort_values(ascending=False, kind="stable")
    own = [t for t in spoken.index if t in given and spoken[t]]
    least = max(1, RARE * len(comments) if own else 1)
    rest = [t for t in spoken.index if t not in given and spoken[t] >= least]
    kept = own + rest[: max(MOST - len(own), 0)]
    return _packed(
        comments, everything[kept], models, given, choice, few, weight, bucket, draws, seed
    )


def mark(comments: pd.DataFrame, fit: Topics) -> pd.DataFrame:
    """The comments with a column for each topic of the fit: 1.0 where they speak of it, else 0.0.

    Raises ValueError where the comments have a column of a topic's name.
    """
    names = fit.table["term"].tolist()
    if taken := [n for n in names if n in comments]:
        raise ValueError(
            f"the comments have a column {taken[0]!r} already. Give the topic another name in "
            "study.yaml."
        )
    marked = comments.join(_all_marked(comments, fit.given, fit.models)[names].astype(float))
    marked.attrs = comments.attrs
    return marked


def by_wave(
    marked: pd.DataFrame,
    fit: Topics,
    over: str = "wave",
    *,
    weight: str | None = None,
    bucket: str | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> Estimates:
    """Share of the comments of each wave that speak of each topic.

    table: wave, term, estimate, low, high (all hold at once), n (comments that do).
    """
    marked = marked[marked[over].notna()]
    waves, place = np.unique(marked[over].astype(str).to_numpy(), return_inverse=True)
    names = fit.table["term"].tolist()
    inside = np.repeat(place[:, None] == np.arange(len(waves)), len(names), axis=1)
    there = inside * np.tile(marked[names].to_numpy(float), len(waves))
    share, low, high, _unused = shares(
        marked, there, inside, weight=weight, bucket=bucket, draws=draws, seed=seed
    )
    table = pd.DataFrame(
        {
            "wave": np.repeat(waves, len(names)),
            "term": np.tile(names, len(waves)),
            "estimate": share,
            "low": low,
            "high": high,
            "n": there.sum(0).astype(int),
        }
    )
    note = how_drawn(draws, weights.differing(marked, weight), bucket)
    return Estimates(table, _moved_answer(table), note, "share", draws=draws, seed=seed)


def _found(
    comments: pd.DataFrame, given: Given, number: int
) -> tuple[tuple[found_.Model, ...], pd.DataFrame, list[str]]:
    models, tried, few = [], [], []
    for lang in sorted(set(comments["lang"]) - {""}):
        of = comments["text"][comments["lang"] == lang]
        text = words.split(of, lang, given_.known_words(given))
        taken = [w.rstrip("*").lower() for some in given.values() for w in some.get(lang, ())]
        if (learnt := found_.learn(text, taken, number)) is None:
            few.append(lang)
            continue
        models.append(learnt[0])
        tried.append(learnt[1].assign(lang=words.COMMENTS[lang]))
    columns = ["lang", "term", "estimate", "low", "high", "n", "coherence", "chosen"]
    choice = (
        pd.concat(tried, ignore_index=True)[columns] if tried else pd.DataFrame(columns=columns)
    )
    return tuple(models), choice, few


def _beside(model: found_.Model, taken: set[str]) -> found_.Model:
    """The model with other names for topics that are called as a column, or a topic, is."""
    ways = ((n, n.capitalize(), f"{n} ·") for n in model.names)
    return replace(model, names=tuple(next(n for n in way if n not in taken) for way in ways))


def _all_marked(
    comments: pd.DataFrame, given: Given, models: tuple[found_.Model, ...]
) -> pd.DataFrame:
    marked = given_.mentions(comments, given)
    for model in models:
        of = (comments["lang"] == model.lang).to_numpy()
        text = words.split(comments["text"][of], model.lang, given_.known_words(given))
        held = np.zeros((len(comments), len(model.names)), bool)
        held[of] = model.loads(text) >= found_.HELD
        marked[list(model.names)] = held
    return marked


def _packed(
    comments: pd.DataFrame,
    marked: pd.DataFrame,
    models: tuple[found_.Model, ...],
    given: dict,
    choice: pd.DataFrame,
    few: list[str],
    weight: str | None,
    bucket: str | None,
    draws: int,
    seed: int,
) -> Topics:
    w = np.ones(len(comments)) if weight is None else comments[weight].to_numpy(float)
    share, low, high, again = shares(
        comments,
        marked.to_numpy(float),
        np.ones((len(w), 1)),
        weight=weight,
        bucket=bucket,
        draws=draws,
        seed=seed,
    )
    first = {
        n: (words.COMMENTS[m.lang], i18n.listed(f))
        for m in models
        for n, f in zip(m.names, m.listed(), strict=True)
    }
    own = {n: ("", i18n.listed(_given_words(some), most=TOLD)) for n, some in given.items()}
    terms = marked.columns.tolist()
    told = [(own | first)[t] for t in terms]
    table = pd.DataFrame(
        {
            "term": terms,
            "estimate": share,
            "low": low,
            "high": high,
            "n": marked.sum().to_numpy(int),
            "origin": np.where([t in own for t in terms], *ORIGINS),
            "lang": [lang for lang, _ in told],
        }
    )
    table = table if models else table.drop(columns="lang")
    order = np.argsort(-share, kind="stable")
    table, replicates = table.iloc[order].reset_index(drop=True), again[:, order]
    none = float(w[~marked.to_numpy().any(1)].sum() / w.sum()) if terms else 1.0
    facts = {"words": {t: said for t, (_, said) in zip(terms, told, strict=True)}}
    facts |= {"choice": choice, "models": models, "given": given, "replicates": replicates}
    drawn = how_drawn(draws, weights.differing(comments, weight), bucket)
    note = _note(table, comments, choice, few, none, drawn)
    answer = _answer(table, len(comments))
    return Topics(table, answer, note, "share", draws=draws, seed=seed, **facts)


def _given_words(some: dict) -> list[str]:
    rules = context.current()
    return list(some.get(rules.lang) or next(iter(some.values())))


def _answer(table: pd.DataFrame, n: int) -> str:
    if table.empty:
        return ngettext(
            "No topic was found in {n:count} comment.",
            "No topic was found in {n:count} comments.",
            n,
        )
    first = table.iloc[0]
    return _(
        "Customers speak most of {topic:quoted}: {share:share} ({span:share_interval0}) of "
        "{n:count} comments; {topics:count} topics in all.",
        topic=first["term"],
        share=first["estimate"],
        span=(first["low"], first["high"]),
        n=n,
        topics=len(table),
    )


def _note(
    table: pd.DataFrame,
    comments: pd.DataFrame,
    choice: pd.DataFrame,
    few: list[str],
    none: float,
    drawn: str,
) -> str:
    told = comments.attrs.get("told", {})
    parts = [_("{none:share} of comments speak of none of them.", none=none)]
    parts.append(_how_many(choice))
    found = int(choice.loc[choice["chosen"].astype(bool), "term"].sum())
    if left := found - int((table["origin"] == ORIGINS[1]).sum()):
        parts.append(
            _("Found topics left out, as few comments speak of them: {left:count}.", left=left)
        )
    if few:
        parts.append(
            _(
                "Too few comments without a given topic to find more in: {langs:label_list}.",
                langs=[words.COMMENTS[lang] for lang in few],
            )
        )
    if told.get("unmatched"):
        parts.append(
            _(
                "{n:count} comments belong to no response looked at and were left out.",
                n=told["unmatched"],
            )
        )
    return i18n.together([*parts, drawn])


def _how_many(choice: pd.DataFrame) -> str:
    """How many topics were taken in each language, and why."""
    return i18n.together(
        _(
            "{lang:opening}: {number} topics found; stability {stability:number2}, coherence "
            "{coherence:number2}.",
            lang=row.lang,
            number=row.term,
            stability=row.estimate,
            coherence=row.coherence,
        )
        for row in choice[choice["chosen"].astype(bool)].itertuples()
    )


def _moved_answer(table: pd.DataFrame) -> str:
    """Which topic's share differs most between waves, those of small cells apart."""
    known = disclosure.shown(table)
    ends = known.groupby("term")["estimate"].agg(["idxmin", "idxmax", "max", "min"])
    if known.empty or not (ends["max"] > ends["min"]).any():
        return _("No topic can be followed over the waves.")
    most = ends.loc[(ends["max"] - ends["min"]).idxmax()]
    one, other = (known.loc[k] for k in sorted(most[["idxmin", "idxmax"]]))  # in order of waves
    return _(
        "{topic:quoted} moved most: {low:share} of comments in {first:label}, {high:share} in "
        "{last:label}.",
        topic=one["term"],
        low=one["estimate"],
        first=one["wave"],
        high=other["estimate"],
        last=other["wave"],
    )
