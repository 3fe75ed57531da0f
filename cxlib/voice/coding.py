"""How far the machine reads as people do, where people have coded the same comments.

coding.mentions(marked, fit, coded)      # topic by topic: found, right, agreement
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cxlib import agreement
from cxlib.core import i18n
from cxlib.core.i18n import _, ngettext
from cxlib.estimates import Estimates, how_drawn
from cxlib.stats import resampling
from cxlib.stats.intervals import simultaneous_interval
from cxlib.voice import feelings as felt_
from cxlib.voice.given import Given

WORDS = ("recall", "precision", "F1", "all topics", "spoken of", "feeling")


def coded(
    comments: pd.DataFrame,
    given: Given,
    columns: Mapping[str, str],
    *,
    bucket: str | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> Estimates:
    """F1 of the topics that people coded: precision and recall of who speaks of them, as one.

    `columns` name for each topic the column of codes: -1, 0 or 1 as it felt, missing where it is
    not spoken of. table: term, estimate (F1; all hold at once), low, high, n (comments that people
    say speak of it), precision, recall; the first row is of all topics together.
    """
    theirs, ours = _both(comments, given, columns)
    names = list(columns)
    here, said = ~np.isnan(theirs), ~np.isnan(ours)
    parts = np.hstack([here & said, said, here]).astype(float)
    drawn = resampling.resample_sums(parts, draws, seed, resampling.who_of(comments, bucket))
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
    answer = _(
        "Of what people and machine say comments speak of, F1 is {f:number2} ({span:interval2}) "
        "over {topics:count} topics: {precision:share} of the machine's are people's too, and it "
        "finds {recall:share} of theirs.",
        f=whole["estimate"],
        span=(whole["low"], whole["high"]),
        topics=len(names),
        precision=whole["precision"],
        recall=whole["recall"],
    )
    note = i18n.together(
        [
            ngettext(
                "{n:count} comment coded by people.",
                "{n:count} comments coded by people.",
                int(here.any(1).sum()),
            ),
            how_drawn(draws, bucket=bucket),
        ]
    )
    return Estimates(table, answer, note, "scale", draws=draws, seed=seed)


def alphas(
    comments: pd.DataFrame,
    given: Given,
    columns: Mapping[str, str],
    *,
    draws: int = 1000,
    seed: int = 1,
) -> Estimates:
    """Krippendorff's alpha of people and machine: who speaks of a topic, and how it felt.

    table: term ("spoken of": nominal, over all comments and topics; "feeling": ordinal, where both
    say that a topic is spoken of), estimate, low, high, n (comments by topics); comments are drawn
    whole.
    """
    theirs, ours = _both(comments, given, columns)
    place = np.repeat(np.arange(len(theirs)), theirs.shape[1])
    both = pd.DataFrame({"comment": place, "people": theirs.ravel(), "machine": ours.ravel()})
    said = both.assign(people=both["people"].notna(), machine=both["machine"].notna())
    asked = both.dropna()
    how = dict(bucket="comment", draws=draws, seed=seed)
    fits = {"spoken of": agreement.krippendorff(said, level="nominal", **how)}
    if len(asked) and len(set(asked["people"]) | set(asked["machine"])) > 1:
        fits["feeling"] = agreement.krippendorff(asked, level="ordinal", **how)
    table = pd.concat([f.table.assign(term=k) for k, f in fits.items()], ignore_index=True)
    table = table.drop(columns=["coders", "codes"])
    answer = i18n.together(
        _(
            "{what:opening}: Krippendorff's alpha {alpha:number2} ({span:interval2}).",
            what=row.term,
            alpha=row.estimate,
            span=(row.low, row.high),
        )
        for row in table.itertuples()
    )
    note = i18n.together(
        [
            _("0.80 is the custom for codes to rely on, 0.67 the least for tentative use."),
            how_drawn(draws),
        ]
    )
    return Estimates(table, answer, note, "scale", draws=draws, seed=seed)


def _both(
    comments: pd.DataFrame, given: Given, columns: Mapping[str, str]
) -> tuple[np.ndarray, np.ndarray]:
    """(people's, the machine's) codes: (n, topics) of -1, 0, 1, NaN where not spoken of."""
    if lacking := [c for c in columns.values() if c not in comments]:
        raise ValueError(f"no column {lacking} in comments. They have: {', '.join(comments)}.")
    theirs = comments[list(columns.values())].apply(pd.to_numeric, errors="coerce").to_numpy(float)
    said = felt_.said(comments, {name: given[name] for name in columns})
    ours = np.full(theirs.shape, np.nan)
    at = said["topic"].map({n: k for k, n in enumerate(columns)}).to_numpy(int)
    ours[said["place"].to_numpy(int), at] = said["feeling"]
    return theirs, ours


def _rates(sums: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(F1, precision, recall), each (draws, 1 + k): of all topics first."""
    hit, said, here = (
        np.column_stack([part.sum(1), part]) for part in np.split(sums, [k, 2 * k], axis=1)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        return 2 * hit / (said + here), hit / said, hit / here
