"""Question by question: how often each answer was given, and how many answered (item response)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.errors import require_columns
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.scores.answers import not_experienced, numbers
from cxlib.stats.intervals import sidak_level, wilson_interval
from cxlib.stats.moments import weights_of


def distribution(sample: SampleLike, items: Iterable[str]) -> pd.DataFrame:
    """Share of each answer to each item, for a stacked figure.

    Parameters
    ----------
    sample : answers, with their weights
    items : columns of numbers

    Returns
    -------
    Table of term, answer (from the lowest to the highest), estimate (share, 0 to 1; those of an
    item add up to one) and n (how many answered the item). Items without an answer are left out.

    Raises
    ------
    ValueError : unknown columns, text, bad weights

    Examples
    --------
    >>> distribution(pd.DataFrame({"ease": [7, 7, 1]}), ["ease"])["estimate"].round(2).tolist()
    [0.33, 0.67]
    """
    sample, items = as_sample(sample), list(items)
    require_columns(sample.data, items, "the responses")
    w, parts = weights_of(sample.data, sample.weight), []
    for item, x in zip(items, numbers(sample.data, items).T, strict=True):
        given = ~np.isnan(x) & (w > 0)
        values, place = np.unique(x[given], return_inverse=True)
        share = np.bincount(place, w[given]) / w[given].sum() if len(values) else np.empty(0)
        parts.append(
            pd.DataFrame({"term": item, "answer": values, "estimate": share, "n": given.sum()})
        )
    return pd.concat(parts, ignore_index=True)


def item_response(sample: SampleLike, items: Iterable[str]) -> Result:
    """Share of the responses that answered each item, of those to whom it applied.

    Parameters
    ----------
    sample : answers; `<item>_not_experienced` marks who never experienced what an item asks
        about, and `wave` the survey wave. An item that nobody answered in a wave was not asked in
        it. Weights are not used.
    items : the questions; those that are no columns are left out

    Returns
    -------
    Result whose table has term, estimate (share, 0 to 1), low, high (simultaneous 95% Wilson
    intervals), n (to whom it applied) and not_experienced (a share of all responses), the lowest
    estimate first.

    Raises
    ------
    ValueError : no row, or none of the items is a column

    References
    ----------
    Wilson (1927), Journal of the American Statistical Association 22; Šidák (1967), ibid. 62.

    Examples
    --------
    >>> item_response(pd.DataFrame({"ease": [7, 6, None, 1]}), ["ease"]).table["estimate"].tolist()
    [0.75]
    """
    responses = as_sample(sample).data
    items = [item for item in items if item in responses]
    if not items or responses.empty:
        raise ValueError(
            f"no answers to count: {len(items)} of the items are columns of these "
            f"{len(responses):,} responses."
        )
    unused = np.stack([not_experienced(responses, item) for item in items], axis=1)
    given = responses[items].notna().to_numpy()
    unasked = _unasked(responses, given | unused)
    n = (~unused & ~unasked).sum(0)
    share = np.divide(given.sum(0), n, out=np.full(len(items), np.nan), where=n > 0)
    low, high = wilson_interval(share, np.maximum(n, 1), sidak_level(len(items)))
    table = pd.DataFrame(
        {"term": items, "estimate": share, "low": low, "high": high, "n": n}
    ).assign(not_experienced=unused.mean(0))
    table = table.sort_values("estimate", kind="stable", ignore_index=True)
    notes = _(
        "{n:count} of {total:count} responses answered every question that applied.",
        n=int((given | unused | unasked).all(1).sum()),
        total=len(responses),
    )
    if some := [item for item, lacks in zip(items, np.any(unasked, axis=0), strict=True) if lacks]:
        asked_of_some = _(
            "Not asked in every wave, and counted where asked: {items:label_list}.", items=some
        )
        notes = i18n.together([notes, asked_of_some])
    return Result(table, _finding(table.iloc[0], len(responses)), notes, "share")


def _finding(worst: pd.Series, total: int) -> Finding:
    claim = (
        _("Everybody answered every question that applied; {n:count} responses.", n=total)
        if worst.estimate == 1
        else _(
            "The highest item non-response is at {item:label}: {share:share1} "
            "({span:share_interval1}) of those to whom it applied answered, n {n:count}.",
            item=worst.term,
            share=worst.estimate,
            span=(worst.low, worst.high),
            n=worst.n,
        )
    )
    return Finding(claim, value=float(worst.estimate), unit="share")


def _unasked(responses: pd.DataFrame, answered: np.ndarray) -> np.ndarray:
    """Where (rows, items) nobody of the wave has an answer to an item that other waves have."""
    if "wave" not in responses:
        return np.zeros(answered.shape, bool)
    waves = responses["wave"].astype(object).fillna("")
    asked = pd.DataFrame(answered, index=responses.index).groupby(waves).transform("any").to_numpy()
    return ~asked & answered.any(0)
