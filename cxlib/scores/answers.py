"""The answers themselves: how often each was given, and which questions were passed over."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates
from cxlib.scores.rows import known, numbers, skipped_by
from cxlib.stats.intervals import sidak_level, wilson_interval
from cxlib.stats.moments import weights_of


def distribution(
    responses: pd.DataFrame, items: Iterable[str], *, weight: str | None = None
) -> pd.DataFrame:
    """Share of each answer to each item: term, answer, estimate (0 to 1), n, for a stacked figure.

    Answers run from the lowest to the highest; shares of an item add up to one; `n` is how many
    answered the item. Items that nobody answered are left out.
    """
    items = list(items)
    known(responses, items)
    w, parts = weights_of(responses, weight), []
    for item, x in zip(items, numbers(responses, items).T, strict=True):
        given = ~np.isnan(x) & (w > 0)
        values, place = np.unique(x[given], return_inverse=True)
        share = np.bincount(place, w[given]) / w[given].sum() if len(values) else np.empty(0)
        parts.append(
            pd.DataFrame({"term": item, "answer": values, "estimate": share, "n": given.sum()})
        )
    return pd.concat(parts, ignore_index=True)


def answered(responses: pd.DataFrame, items: Iterable[str]) -> Estimates:
    """Share of the responses that answered each item, of those to whom it applied (0 to 1).

    Who never experienced what an item asks about is counted apart, in `not_experienced` (a share
    of all responses). An item that nobody answered in a wave was not asked in it, so those of that
    wave passed over nothing. Intervals by Wilson (1927), together for all items. Lowest first.
    """
    items = [item for item in items if item in responses]
    if not items or responses.empty:
        raise ValueError(
            f"no answers to count: {len(items)} of the items are columns of these "
            f"{len(responses):,} responses."
        )
    apart = np.stack([skipped_by(responses, item) for item in items], axis=1)
    given = responses[items].notna().to_numpy()
    unasked = _unasked(responses, given | apart)
    n = (~apart & ~unasked).sum(0)
    share = np.divide(given.sum(0), n, out=np.full(len(items), np.nan), where=n > 0)
    low, high = wilson_interval(share, np.maximum(n, 1), sidak_level(len(items)))
    table = pd.DataFrame(
        {"term": items, "estimate": share, "low": low, "high": high, "n": n}
    ).assign(not_experienced=apart.mean(0))
    table = table.sort_values("estimate", kind="stable", ignore_index=True)
    worst = table.iloc[0]
    every = _(
        "Everybody answered every question that applied; {n:count} responses.", n=len(responses)
    )
    answer = (
        every
        if worst.estimate == 1
        else _(
            "The question passed over most is {item:label}: {share:share1} "
            "({span:share_interval1}) of those it applied to answered, n {n:count}.",
            item=worst.term,
            share=worst.estimate,
            span=(worst.low, worst.high),
            n=worst.n,
        )
    )
    complete = int((given | apart | unasked).all(1).sum())
    note = _(
        "{n:count} of {total:count} responses passed over no question.",
        n=complete,
        total=len(responses),
    )
    if some := [item for item, lacks in zip(items, unasked.any(0), strict=True) if lacks]:
        asked_of_some = _(
            "Not asked in every wave, and counted where asked: {items:label_list}.", items=some
        )
        note = i18n.together([note, asked_of_some])
    return Estimates(table, answer, note, "share")


def _unasked(responses: pd.DataFrame, told: np.ndarray) -> np.ndarray:
    """Where (rows, items) the whole wave told nothing of an item that other waves tell of."""
    if "wave" not in responses:
        return np.zeros(told.shape, bool)
    waves = responses["wave"].astype(object).fillna("")
    asked = pd.DataFrame(told, index=responses.index).groupby(waves).transform("any").to_numpy()
    return ~asked & told.any(0)
