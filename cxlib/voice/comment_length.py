"""The length of comments, which the effect of a topic is adjusted for.

    terms = length_terms(marked, fit)                  # columns to hold fixed, by language
    drivers.importance(marked.assign(**terms), score, fit.commonest, always=list(terms))

A long comment mentions more topics than a short one whatever it is about, and people who are
unhappy write more. So comments that mention a topic are compared with others of the same length
and language: a linear spline of the logarithm of the length, which bends where quantiles are.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.core.result import Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.stats import linear_algebra, moments
from cxlib.stats.intervals import symmetric_interval
from cxlib.voice import tokens

UNSPACED = ("zh", "ja", "th", "lo", "km", "my")  # languages that do not part words
EACH = 50  # comments of a language behind each piece of its spline
MOST = 4  # pieces
TIED = 0.01  # part of a piece's variance that topics must leave, for it to be held fixed
ROOM = 0.5  # part of what others leave of each topic that must be left beside the length, too
SMALL = 1e-9

Gap = tuple[float, tuple[float, float]]  # a difference of shares and its interval


def comment_length(comments: pd.DataFrame) -> pd.Series:
    """How long each comment is: in characters where words are not separated, else in words.

    Examples
    --------
    >>> rows = pd.DataFrame({"text": ["the room was cold", "房间很冷。"], "lang": ["en", "zh"]})
    >>> comment_length(rows).tolist()
    [4, 4]
    """
    text = comments["text"].astype(str)
    unspaced = tokens.language_of(comments).isin(UNSPACED)
    return text.str.count(r"\w").where(unspaced, text.str.count(r"\w+(?:['’-]\w+)*"))


def length_terms(sample: SampleLike, fit: Result) -> pd.DataFrame:
    """Columns that hold the length and the language of comments fixed in a regression.

    Parameters
    ----------
    sample : comments of `mark`
    fit : of `topics`; pieces are left out that would take more than half of what other topics leave
        of a topic's variance, as where comments are made of mentions alone

    Returns
    -------
    A column a piece of each language's spline, and one for each language but the last; a piece for
    each 50 comments of a language, four at most. No columns without texts or where there are fewer
    comments.

    Examples
    --------
    >>> from cxlib.voice.topics import mark, topics
    >>> texts = ["late " + "and " * k for k in range(50)] + ["fine " * k for k in range(1, 51)]
    >>> rows = pd.DataFrame({"text": texts, "lang": "en"})
    >>> fit = topics(rows, {"delivery": {"en": ["late"]}})
    >>> length_terms(mark(rows, fit), fit).columns.tolist()
    ['length (English comments)', 'length (English comments) above 25']
    """
    rows = as_sample(sample).data
    if not {"text", "lang"} <= set(rows):
        return pd.DataFrame(index=rows.index)
    language, length = tokens.language_of(rows), np.log1p(comment_length(rows))
    columns: dict[str, pd.Series] = {}
    for code, n in language.value_counts().items():
        of = language == code
        if pieces := min(MOST, n // EACH):
            name = i18n.label(tokens.language_name(str(code)))
            columns[_("language ({language})", language=name)] = of.astype(float)
            bends = np.unique(np.quantile(length[of], np.arange(pieces) / pieces))
            for k, bend in enumerate(bends):
                piece = (
                    _("length ({language}) above {n:count}", language=name, n=np.expm1(bend))
                    if k
                    else _("length ({language})", language=name)
                )
                columns[piece] = (length - bend).clip(lower=0).where(of, 0.0)
    return _free(pd.DataFrame(columns, index=rows.index), rows[fit.table["term"].tolist()])


def _free(terms: pd.DataFrame, topics: pd.DataFrame) -> pd.DataFrame:
    """The terms that topics do not determine, and beside which each topic still varies."""
    kept: list[str] = []
    alone = _left(topics)
    for name in terms:
        held = pd.concat([topics, terms[[*kept, name]]], axis=1)
        left = _left(held)
        if left[-1] > TIED and (left[: len(alone)] >= ROOM * alone).all():
            kept.append(str(name))
    return terms[kept]


def _left(columns: pd.DataFrame) -> np.ndarray:
    """The part of each column's variance that the others leave; 0 of what does not vary."""
    x = columns.to_numpy(float)
    spread = x.std(0)
    varies = spread > SMALL
    standard = (x - x.mean(0))[:, varies] / spread[varies]
    correlations = standard.T @ standard / len(x) + SMALL * np.eye(varies.sum())
    left = np.zeros(len(spread))
    left[varies] = 1 / np.diag(np.linalg.inv(correlations))
    return left


def gap_like_for_like(
    sample: SampleLike, fit: Result, topic: str, member: np.ndarray, hold: str = ""
) -> Gap | None:
    """How much more often some comments mention a topic than others of their length and group.

    Parameters
    ----------
    sample : comments of `mark`
    fit : of `topics`
    topic : the one compared
    member : whether each comment is one of those compared with all others
    hold : column of groups that are held fixed, too; "" for none

    Returns
    -------
    The difference of the shares and its interval (pointwise, 95%); None where neither length nor
    groups vary.

    Examples
    --------
    >>> from cxlib.voice.topics import mark, topics
    >>> rows = pd.DataFrame({"text": ["late", "fine"] * 20, "lang": "en"})
    >>> fit = topics(rows, {"delivery": {"en": ["late"]}})
    >>> gap_like_for_like(mark(rows, fit), fit, "delivery", np.arange(40) < 20) is None
    True
    """
    sample = as_sample(sample)
    held = length_terms(sample, fit)
    if hold in sample.data:
        groups = pd.get_dummies(sample[hold].astype("string").fillna(""), dtype=float).iloc[:, 1:]
        held = pd.concat([held, groups.add_prefix("group ")], axis=1)
    if held.empty:
        return None
    there = (sample[topic] > 0).astype(float)
    named = pd.DataFrame({"mention": there, "compared": np.asarray(member, float)}, there.index)
    rows = sample.with_data(
        pd.concat([sample.data.drop(columns=named, errors="ignore"), named, held], axis=1)
    )
    sums = moments.of(rows, [*named, *held])
    value, drawn = (
        (linear_algebra.pseudo_inverse(m.cov[..., 1:, 1:]) @ m.cov[..., 1:, :1])[..., :1, 0]
        for m in (sums.total(), sums.resample(sample.draws, sample.seed))
    )
    low, high = symmetric_interval(value, drawn)
    return float(value[0]), (float(low[0]), float(high[0]))


def like_for_like_note(gap: Gap | None, hold: str = "") -> str:
    """The difference between comments of the same length and group, for the detail of a finding."""
    if gap is None:
        return ""
    words = {"size": 100 * gap[0], "span": (100 * gap[1][0], 100 * gap[1][1])}
    if hold:
        return _(
            "; {size:signed} ({span:interval}) among comments of the same length and {hold:inner}",
            hold=i18n.label(hold),
            **words,
        )
    return _("; {size:signed} ({span:interval}) among comments of the same length", **words)


def holds_like_for_like(estimate: float, gap: Gap | None) -> bool:
    """Whether a difference stays one among comments of the same length and group.

    Examples
    --------
    >>> holds_like_for_like(0.2, (0.1, (0.05, 0.15))), holds_like_for_like(0.2, (0.1, (-0.1, 0.3)))
    (True, False)
    """
    return gap is None or (gap[1][0] > 0 if estimate > 0 else gap[1][1] < 0)


def unadjusted_note() -> str:
    """That shares are as they are, whatever the length of comments."""
    return _("Shares are not adjusted for the length of comments: longer ones mention more topics.")


def length_note(terms: pd.DataFrame) -> str:
    """Whether comments of the same length are compared, for readers."""
    if terms.columns.empty:
        return _(
            "Not adjusted for the length of comments: too few vary in it, or topics determine it."
        )
    return _(
        "Adjusted for the length of comments within each language: longer ones mention more "
        "topics, and scores differ by length."
    )
