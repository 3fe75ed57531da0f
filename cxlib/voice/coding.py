"""How far the machine reads as people do, where people have coded the same comments.

voice.coding_f1(comments, study.topics, study.coded)     # topic by topic: precision and recall
voice.coding_alpha(comments, study.topics, study.coded)  # Krippendorff's alpha
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.errors import require_columns
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.stats import agreement, resampling
from cxlib.stats.intervals import simultaneous_interval
from cxlib.stats.notes import resampling_note
from cxlib.voice.keywords import Keywords
from cxlib.voice.topic_sentiment import sentiments

WORDS = ("recall", "precision", "F1", "all topics", "mention", "sentiment")
POOR = 0.5  # F1 below which keywords and people agree little


def coding_f1(sample: SampleLike, keywords: Keywords, columns: Mapping[str, str]) -> Result:
    """F1 of the topics that people coded: precision and recall of who mentions them, as one.

    Parameters
    ----------
    sample : comments with text and lang, and the codes; counted without weights
    keywords : topic -> language -> words
    columns : topic -> column of its codes: the sentiment on it, -1, 0 or 1; missing where the
        comment does not mention it

    Returns
    -------
    Result with a table term, estimate (F1), low, high (simultaneous), n (comments that people say
    mention it), precision, recall; the first row is of all topics together.

    Raises
    ------
    ValueError : a column of codes is missing

    Examples
    --------
    >>> rows = pd.DataFrame({"text": ["good staff", "staff", "food"], "lang": "en"})
    >>> rows["people"] = [1, None, None]
    >>> fit = coding_f1(rows, {"staff": {"en": ["staff"]}}, {"staff": "people"})
    >>> fit.table[["precision", "recall"]].values.tolist()[0]
    [0.5, 1.0]
    """
    sample = as_sample(sample).replace(weight=None)
    theirs, ours = _both(sample.data, keywords, columns)
    names = list(columns)
    here, found = ~np.isnan(theirs), ~np.isnan(ours)
    parts = np.hstack([here & found, found, here]).astype(float)
    clusters = resampling.resampling_units(sample)
    drawn = resampling.resample_sums(parts, sample.draws, sample.seed, clusters)
    value, again = _rates(parts.sum(0)[None], len(names)), _rates(drawn, len(names))
    low, high = simultaneous_interval(value[0][0], again[0])
    table = pd.DataFrame(
        {
            "term": ["all topics", *names],
            "estimate": value[0][0],
            "low": np.clip(low, 0, 1),
            "high": np.clip(high, 0, 1),
            "n": [int(here.any(1).sum()), *here.sum(0)],
            "precision": value[1][0],
            "recall": value[2][0],
        }
    )
    whole = table.iloc[0]
    claim = _(
        "The keywords find {recall:share} of the topics that people coded, and {precision:share} "
        "of what they find is right.",
        precision=whole["precision"],
        recall=whole["recall"],
    )
    detail = _(
        "F1 = {f:number2}; 95% CI {span:interval2}; {topics:count} topics",
        f=whole["estimate"],
        span=(whole["low"], whole["high"]),
        topics=len(names),
    )
    shown = disclosure.shown(table.iloc[1:])
    if len(poor := shown[shown["high"] < POOR].sort_values("estimate")):
        detail += _(
            "; keywords and people agree little on {topics:quoted_list}", topics=list(poor["term"])
        )
    coded = ngettext(
        "{n:count} comment in which people coded a topic.",
        "{n:count} comments in which people coded a topic.",
        int(here.any(1).sum()),
    )
    return _packed(sample, table, Finding(claim, detail, importance=Importance.METHOD), coded)


def coding_alpha(sample: SampleLike, keywords: Keywords, columns: Mapping[str, str]) -> Result:
    """Krippendorff's alpha of people and machine: who mentions a topic, and with which sentiment.

    Parameters
    ----------
    sample, keywords, columns : as in `coding_f1`; comments are resampled whole

    Returns
    -------
    Result with a table term ("mention": nominal, over all comments and topics; "sentiment":
    ordinal, where both say that a topic is mentioned), estimate, low, high, n (comments by topics).

    Examples
    --------
    >>> rows = pd.DataFrame({"text": ["good staff", "bad staff", "food"], "lang": "en"})
    >>> rows["people"] = [1, -1, None]
    >>> fit = coding_alpha(rows, {"staff": {"en": ["staff"]}}, {"staff": "people"})
    >>> fit.table[["term", "estimate"]].values.tolist()
    [['mention', 1.0], ['sentiment', 1.0]]
    """
    sample = as_sample(sample).replace(weight=None, cluster=None)
    theirs, ours = _both(sample.data, keywords, columns)
    place = np.repeat(np.arange(len(theirs)), theirs.shape[1])
    both = pd.DataFrame({"comment": place, "people": theirs.ravel(), "machine": ours.ravel()})
    mentioned = both.assign(people=both["people"].notna(), machine=both["machine"].notna())
    judged = both.dropna()
    fits = {"mention": _alpha(sample, mentioned, "nominal")}
    if len(judged) and len(set(judged["people"]) | set(judged["machine"])) > 1:
        fits["sentiment"] = _alpha(sample, judged, "ordinal")
    table = pd.concat([f.table.assign(term=k) for k, f in fits.items()], ignore_index=True)
    table = table.drop(columns=["coders", "codes"])
    first = table.iloc[0]
    claim = _(
        "People and keywords agree on topics with Krippendorff's alpha of {alpha:number2}.",
        alpha=first["estimate"],
    )
    detail = _("95% CI {span:interval2}", span=(first["low"], first["high"]))
    custom = _("Codes are reliable from 0.80 and tentative from 0.67 (Krippendorff 2004).")
    return _packed(sample, table, Finding(claim, detail, importance=Importance.METHOD), custom)


def _alpha(sample: Sample, codes: pd.DataFrame, level: str) -> Result:
    clustered = Sample(codes, cluster="comment", draws=sample.draws, seed=sample.seed)
    return agreement.krippendorff(clustered, level=level)


def _packed(sample: Sample, table: pd.DataFrame, finding: Finding, note: str) -> Result:
    notes = i18n.together([note, resampling_note(sample)])
    return Result(table, finding, notes, draws=sample.draws, seed=sample.seed)


def _both(
    comments: pd.DataFrame, keywords: Keywords, columns: Mapping[str, str]
) -> tuple[np.ndarray, np.ndarray]:
    """(people's, the machine's) codes: (n, topics) of -1, 0, 1, NaN where not mentioned."""
    require_columns(comments, columns.values(), "comments")
    theirs = comments[list(columns.values())].apply(pd.to_numeric, errors="coerce").to_numpy(float)
    found = sentiments(comments, {name: keywords[name] for name in columns})
    ours = np.full(theirs.shape, np.nan)
    at = found["topic"].map({n: k for k, n in enumerate(columns)}).to_numpy(int)
    ours[found["place"].to_numpy(int), at] = found["sentiment"]
    return theirs, ours


def _rates(sums: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(F1, precision, recall), each (draws, 1 + k): of all topics first."""
    hit, found, here = (
        np.column_stack([part.sum(1), part]) for part in np.split(sums, [k, 2 * k], axis=1)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        return 2 * hit / (found + here), hit / found, hit / here
