"""Topics of comments: those a study defines by keywords, and those found in the other comments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.stats.notes import of_waves, resampling_note
from cxlib.voice import tokens, topic_model
from cxlib.voice.comments import share_table, shares
from cxlib.voice.keywords import Keywords, known_words, mentions
from cxlib.voice.topic_model import Model

MOST = 12  # topics whose part in a score can be estimated quickly
BESIDE = 0.7  # part of a comment on a defined topic from which it is on a found one too
RARE = 0.01  # share of comments below which a found topic adds nothing to defined ones
FEW_KINDS = 30  # different comments, up to which they are canned rather than written
LISTED = 6  # keywords of a topic that a page shows
ORIGINS = ("given", "found")
WORDS = ("given", "found", "origin", "lang", "coherence", "stability", "bad", "neutral")


def topics(
    sample: SampleLike,
    keywords: Keywords | None = None,
    *,
    number: int = 0,
    found: Mapping[str, str | None] | None = None,
) -> Result:
    """Topics defined by keywords, and those found where comments mention none, with their shares.

    Found topics are learnt from comments without a defined one and do not take their words; a
    comment on a defined one is on a found one too only where it is mostly about that. The
    commonest are kept, up to 12 topics in all and, where some are defined, only those that a
    hundredth of the comments mention.

    Parameters
    ----------
    sample : comments with text and lang, as `prepare` returns them
    keywords : topic -> language -> words; "deliver*" stands for all words that begin so
    number : topics to find in each language; 0 leaves it to stability and coherence
    found : what becomes of found topics: {name: the topic of `keywords` that it is part of}, None
        to leave it out

    Returns
    -------
    Result with the tables "table": term, estimate (share of comments that mention it), low, high,
    n (comments that do), simultaneous_low, simultaneous_high, origin ("given" or "found"), lang
    (where some were found);
    and "choice", the numbers of topics tried: lang, term (number), estimate (stability), low, high,
    n, coherence, chosen. Its parts are `models` (of the found topics, one a language), `keywords`
    (of every topic), `study_topics` (those defined), `words` (of each topic, as a page shows them),
    `merged` (`found`), `commonest` (the first 12 topics) and `selection` (how many were found and
    why, in a sentence).

    Raises
    ------
    InsufficientData : no comments
    ValueError : no column text or lang, an empty keyword

    References
    ----------
    Lee and Seung (1999), Nature 401: non-negative matrix factorisation.

    Examples
    --------
    >>> rows = pd.DataFrame({"text": ["late parcel", "late", "fine"], "lang": "en"})
    >>> fit = topics(rows, {"delivery": {"en": ["late"]}})
    >>> fit.table[["term", "n", "origin"]].values.tolist()
    [['delivery', 2, 'given']]
    """
    sample = as_sample(sample)
    comments = sample.data
    require_columns(comments, ["text", "lang"], "comments")
    if comments.empty:
        raise InsufficientData(_("There are no comments with words to read."))
    own, merged = dict(keywords or {}), dict(found or {})
    mentioned = mentions(comments, own).to_numpy().any(1)
    models, choice, few = _found(comments[~mentioned], own, number)
    models = tuple(_renamed(m, {*comments, *own}) for m in models)
    marked = _all_marked(comments, own, models, merged)
    n = marked.sum().sort_values(ascending=False, kind="stable")
    kept = [t for t in n.index if t in own and n[t]]
    least = max(1, RARE * len(comments) if kept else 1)
    rest = [t for t in n.index if t not in own and n[t] >= least]
    kept += rest[: max(MOST - len(kept), 0)]
    return _packed(sample, marked[kept], models, own, merged, choice, few)


def mark(sample: SampleLike, fit: Result) -> Sample:
    """The comments with a column for each topic: 1.0 where they mention it, else 0.0.

    Parameters
    ----------
    sample : comments with text and lang
    fit : of `topics`

    Raises
    ------
    ValueError : the comments have a column of a topic's name

    Examples
    --------
    >>> rows = pd.DataFrame({"text": ["late parcel", "fine"], "lang": "en"})
    >>> mark(rows, topics(rows, {"delivery": {"en": ["late"]}}))["delivery"].tolist()
    [1.0, 0.0]
    """
    sample = as_sample(sample)
    names = fit.table["term"].tolist()
    if taken := [n for n in names if n in sample]:
        raise ValueError(
            f"the comments have a column {taken[0]!r} already. Give the topic another name in "
            "study.yaml."
        )
    marked = _all_marked(sample.data, fit.study_topics, fit.models, fit.merged)
    marked = marked[names].astype(float)
    return sample.with_data(sample.data.join(marked))


def _found(
    comments: pd.DataFrame, own: Keywords, number: int
) -> tuple[tuple[Model, ...], pd.DataFrame, list[str]]:
    """(models, what was tried, languages with too few comments)."""
    models, tried, few = [], [], []
    languages = tokens.language_of(comments)
    for language in sorted(set(languages) - {""}):
        of = comments["text"][languages == language]
        lang = comments["lang"][of.index[0]]
        text = tokens.tokenise(of, lang, known_words(own))
        taken = [w.rstrip("*").lower() for some in own.values() for w in some.get(lang, ())]
        if (learnt := topic_model.learn(text, taken, number, language)) is None:
            few.append(language)
            continue
        models.append(learnt[0])
        tried.append(learnt[1].assign(lang=tokens.language_name(language)))
    columns = ["lang", "term", "estimate", "low", "high", "n", "coherence", "chosen"]
    choice = (
        pd.concat(tried, ignore_index=True)[columns] if tried else pd.DataFrame(columns=columns)
    )
    return tuple(models), choice, few


def _renamed(model: Model, taken: set[str]) -> Model:
    """The model with other names for topics that are called as a column, or a topic, is."""
    ways = ((n, n.capitalize(), f"{n} *") for n in model.names)
    return replace(model, names=tuple(next(n for n in way if n not in taken) for way in ways))


def _all_marked(
    comments: pd.DataFrame,
    own: Keywords,
    models: tuple[Model, ...],
    merged: Mapping[str, str | None],
) -> pd.DataFrame:
    marked = mentions(comments, own)
    least = np.where(marked.to_numpy(bool).any(1), BESIDE, topic_model.HELD)
    for model in models:
        of = (tokens.language_of(comments) == model.language).to_numpy()
        text = tokens.tokenise(comments["text"][of], model.lang, known_words(own))
        held = np.zeros((len(comments), len(model.names)), bool)
        held[of] = model.loads(text) >= least[of][:, None]
        for name, on_it in zip(model.names, held.T, strict=True):
            if (into := merged.get(name, name)) is not None:
                marked[into] = on_it | marked.get(into, False)
    return marked


def _packed(
    sample: Sample,
    marked: pd.DataFrame,
    models: tuple[Model, ...],
    own: Keywords,
    merged: Mapping[str, str | None],
    choice: pd.DataFrame,
    few: list[str],
) -> Result:
    share, ends, again = shares(sample, marked.to_numpy(float), np.ones((len(sample), 1)))
    terms = marked.columns.tolist()
    first = [
        (name, m, some)
        for m in models
        for name, some in zip(m.names, m.listed(), strict=True)
        if name in terms and name not in merged
    ]
    lang = {name: tokens.language_name(m.language) for name, m, _unused in first}
    table = share_table({"term": terms}, share, ends, marked.sum().to_numpy(int))
    table = disclosure.with_people(table, sample.people(marked.to_numpy())).assign(
        origin=np.where([t in own for t in terms], *ORIGINS),
        lang=[lang.get(t, "") for t in terms],
    )
    table = table if models else table.drop(columns="lang")
    order = np.argsort(-share, kind="stable")
    table = table.iloc[order].reset_index(drop=True)
    defined = {n: _with_found(n, some, models, merged) for n, some in own.items() if n in terms}
    shown = {name: i18n.listed(_page_words(some), most=LISTED) for name, some in defined.items()}
    parts = {
        "models": models,
        "study_topics": own,
        "merged": merged,
        "keywords": defined | {name: {m.lang: some} for name, m, some in first},
        "words": shown | {name: i18n.listed(some) for name, _unused, some in first},
        "commonest": table["term"].head(MOST).tolist(),
        "selection": _selection(choice),
    }
    w = sample.weights
    none = float(w[~marked.to_numpy().any(1)].sum() / w.sum()) if terms else 1.0
    return Result(
        {"table": table, "choice": choice},
        finding_of(table, sample),
        _notes(sample, table, choice, few, none, _unmerged(models, merged), len(merged)),
        "share",
        draws=sample.draws,
        seed=sample.seed,
        replicates=again[:, order],
        parts=parts,
    )


def _with_found(
    topic: str,
    words: Mapping[str, Sequence[str]],
    models: tuple[Model, ...],
    merged: Mapping[str, str | None],
) -> dict[str, list[str]]:
    """The words of a topic of the study, with those of the found topics that are part of it."""
    all_words = {lang: list(some) for lang, some in words.items()}
    for model in models:
        for name, some in zip(model.names, model.listed(), strict=True):
            if merged.get(name) == topic:
                all_words.setdefault(model.lang, []).extend(some)
    return all_words


def _unmerged(models: tuple[Model, ...], merged: Mapping[str, str | None]) -> list[str]:
    """The names under `found` that no topic has that was found."""
    names = {name for model in models for name in model.names}
    return [name for name in merged if name not in names]


def _page_words(words: Mapping[str, Sequence[str]]) -> list[str]:
    """The keywords in the page's language, or the first there is."""
    return list(words.get(context.current().lang) or next(iter(words.values())))


def finding_of(table: pd.DataFrame, sample: Sample) -> Finding:
    """The topic mentioned most; first of all that comments are canned answers, where they are."""
    n = len(sample)
    if table.empty:
        claim = ngettext(
            "No topic was found in {n:count} comment.",
            "No topic was found in {n:count} comments.",
            n,
        )
        if canned := _canned(sample["text"]):
            return Finding(canned, claim, importance=Importance.NOTABLE)
        return Finding(claim)
    first = table.iloc[0]
    claim = _(
        "{topic:quoted} is mentioned most, in {share:share} of comments.",
        topic=i18n.opening(i18n.label(first["term"])),
        share=first["estimate"],
    )
    detail = _(
        "95% CI {span:share_interval}; n = {n:count} comments; {topics:count} topics",
        span=(first["low"], first["high"]),
        n=n,
        topics=len(table),
    )
    detail = of_waves(detail, sample)
    facts: dict[str, Any] = {
        "unit": "share",
        "measure": "share_of_comments",
        "at": {"topic": str(first["term"])},
    }
    if canned := _canned(sample["text"]):
        return Finding.of_row(
            first, canned, f"{claim} {detail}", importance=Importance.NOTABLE, **facts
        )
    return Finding.of_row(first, claim, detail, importance=Importance.ANSWER, **facts)


def _canned(texts: pd.Series) -> str:
    """That the comments are few different ones, as canned answers are; nothing where they vary."""
    kinds = texts.astype(str).str.strip().str.casefold().nunique()
    if kinds > min(FEW_KINDS, len(texts) / 2):
        return ""
    return ngettext(
        "There is only {kinds:count} different comment among {n:count}: topics say no more than "
        "it does.",
        "There are only {kinds:count} different comments among {n:count}: topics say no more than "
        "these do.",
        kinds,
        kinds=kinds,
        n=len(texts),
    )


def _notes(
    sample: Sample,
    table: pd.DataFrame,
    choice: pd.DataFrame,
    few: list[str],
    none: float,
    unmerged: list[str],
    merged: int,
) -> str:
    parts = [
        _("{none:share} of comments mention none of the topics.", none=none),
        _selection(choice),
    ]
    found = int(choice.loc[choice["chosen"].astype(bool), "term"].sum())
    if placed := merged - len(unmerged):
        parts.append(
            ngettext(
                "{n:count} of them is no topic of its own: topics.yaml says that it is part of one "
                "of the study’s topics, or none.",
                "{n:count} of them are no topics of their own: topics.yaml says that they are part "
                "of the study’s topics, or none.",
                placed,
            )
        )
    found -= placed
    if left := found - int((table["origin"] == ORIGINS[1]).sum()):
        parts.append(
            _("Found topics left out because few comments mention them: {left:count}.", left=left)
        )
    if unmerged:
        parts.append(
            ngettext(
                "topics.yaml names {n:count} topic that is not among those found this time: "
                "{names:label_list5}.",
                "topics.yaml names {n:count} topics that are not among those found this time: "
                "{names:label_list5}.",
                len(unmerged),
                names=unmerged,
            )
        )
    if few:
        parts.append(
            _(
                "Too few comments without a defined topic to find more topics: {langs:label_list}.",
                langs=[tokens.language_name(lang) for lang in few],
            )
        )
    if foreign := _untranslated(table):
        parts.append(
            _(
                "Named by words of the comments until `labels` in study.yaml translates them: "
                "{names:quoted_list}.",
                names=foreign,
            )
        )
    return i18n.together([*parts, *sample.notes, resampling_note(sample)])


def _untranslated(table: pd.DataFrame) -> list[str]:
    """The topics found in another language than the page's that have no label in it."""
    if "lang" not in table:
        return []
    own = tokens.language_name(context.current().lang)
    found = table.loc[(table["lang"] != "") & (table["lang"] != own), "term"]
    return [name for name in found if name not in context.current().labels]


def _selection(choice: pd.DataFrame) -> str:
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
