"""What goes with meeting a touchpoint, and with trouble there, adjusted for who meets it.

    found = journeys.effects(responses, met, "recommend", adjust=["region", "plan"])
    found.table          # touchpoint, term ("met it", "trouble"): points of the outcome

A regression of the outcome on all touchpoints met, all troubles met and what is known of the
customers, together: a coefficient compares customers who are alike in everything else that is
there. Who is sent to a touchpoint may differ in what is not, so that nothing here is an effect of
the touchpoint unless chance sent them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates
from cxlib.journeys.exposure import Exposure
from cxlib.journeys.transitions import all_held
from cxlib.stats import moments, resampling
from cxlib.stats.intervals import simultaneous_interval

LEAST = 20  # answers that met it, and that did not, for a coefficient
MOST_LEVELS = 12  # of a column to adjust for


def effects(
    responses: pd.DataFrame,
    met: Exposure,
    outcome: str,
    *,
    adjust: Sequence[str] = (),
    weight: str | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> Estimates:
    """Points of the outcome that go with each touchpoint and each trouble, held together.

    Only answers about at least one event count. table: touchpoint, term, estimate, low, high, n
    (answers that met it), plain (the difference without adjustment: who met it less who did not,
    who had trouble less who met it without). Raises ValueError for unknown columns, and when
    nothing varies.
    """
    columns = terms_of(met)
    if not columns:
        raise ValueError(
            f"no touchpoint is met by {LEAST} answers and missed by {LEAST}, nor has {LEAST} with "
            "trouble: there is nothing to compare. Take a wider window, or more answers."
        )
    x = np.column_stack([v for *_, v in columns]).astype(float)
    y = responses[outcome].to_numpy(float)
    slopes, again, used = adjusted(responses, y, x, met.known, adjust, weight, draws, seed)
    low, high = simultaneous_interval(slopes, again)
    table = pd.DataFrame(
        {
            "touchpoint": [t for t, *_ in columns],
            "term": [kind for _, kind, _, _ in columns],
            "estimate": slopes,
            "low": low,
            "high": high,
            "n": [int((v & used).sum()) for *_, v in columns],
            "plain": [_plain(y, v, among, used) for _, _, among, v in columns],
        }
    )
    note = i18n.together(
        [
            _(
                "{n:count} of {offered:count} answers are about at least one contact.",
                n=used.sum(),
                offered=len(responses),
            ),
            adjusted_for(adjust),
            *all_held(len(table), draws, weight),
        ]
    )
    facts = {"draws": draws, "seed": seed, "replicates": again}
    return Estimates(table, _answer(table, outcome), note, "scale", **facts)


def terms_of(met: Exposure) -> list[tuple[str, str, np.ndarray, np.ndarray]]:
    """(touchpoint, term, among whom, who) of all that enough answers met, and enough did not."""
    found, known = [], met.known
    for k, name in enumerate(met.touchpoints):
        here, hurt = met.times[:, k] > 0, met.trouble[:, k] > 0
        if LEAST <= (here & known).sum() <= known.sum() - LEAST:
            found.append((name, "met it", known, here))
        if LEAST <= hurt.sum() <= here.sum() - LEAST:
            found.append((name, "trouble", here, hurt))
    return found


def adjusted(
    rows: pd.DataFrame,
    y: np.ndarray,
    x: np.ndarray,
    known: np.ndarray,
    adjust: Sequence[str],
    weight: str | None,
    draws: int,
    seed: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coefficients of `x` (p,), of each draw (draws, p), and the rows used.

    Weighted least squares of `y` on `x` and the columns to `adjust` for, over the rows that are
    `known` and have `y`. Customers are drawn whole; a draw moves the coefficients by one step of
    its score (Kline and Santos 2012), stretched for the numbers fitted, so that all draws are one
    matrix product and none is without a solution.
    """
    used = known & ~np.isnan(y)
    w = moments.weights_of(rows, weight)
    used &= w > 0
    design = np.column_stack([x, np.ones(len(x)), _covariates(rows, adjust, used)])[used]
    given = y[used], w[used], rows[used]
    gram = design.T @ (design * given[1][:, None])
    # What says the same as others gets no more than a trace of weight.
    inverse = np.linalg.inv(gram + np.diag(1e-9 * np.diag(gram) + 1e-12))
    slopes = inverse @ (design.T @ (given[1] * given[0]))
    missed = given[1] * (given[0] - design @ slopes)
    parts = missed[:, None] * (design @ inverse)[:, : x.shape[1]]
    who = resampling.who_of(given[2], "customer_id" if "customer_id" in rows else None, weight)
    moved = resampling.resample_sums(parts, draws, seed, who)
    units = len(np.unique(who.keys))
    stretch = np.sqrt(units / max(units - design.shape[1], 1))
    slopes = slopes[: x.shape[1]]
    return slopes, slopes + stretch * moved, used


def _covariates(rows: pd.DataFrame, adjust: Sequence[str], used: np.ndarray) -> np.ndarray:
    """A column a level (but the first), or the number itself, missing ones at the mean."""
    if unknown := [c for c in adjust if c not in rows]:
        raise ValueError(f"no column {unknown} to adjust for. There are: {', '.join(rows)}.")
    parts = [np.zeros((len(rows), 0))]
    for column in adjust:
        values = rows[column]
        if pd.api.types.is_numeric_dtype(values) and values.nunique() > 2:
            number = values.to_numpy(float, na_value=np.nan)
            mean = np.nanmean(number[used]) if used.any() else 0.0
            parts.append(np.where(np.isnan(number), mean, number)[:, None])
            continue
        text = values.astype("string").fillna("")
        sizes = text[used].value_counts()
        levels = sizes[sizes >= LEAST].index[1 : MOST_LEVELS + 1]
        parts.append((text.to_numpy()[:, None] == levels.to_numpy()).astype(float))
    return np.hstack(parts)


def adjusted_for(adjust: Sequence[str]) -> str:
    """What a note says of who is compared with whom."""
    if not adjust:
        return _("Adjusted for the other touchpoints, not for who the customers are.")
    return _("Adjusted for the other touchpoints and {columns:label_list}.", columns=adjust)


def _plain(y: np.ndarray, inside: np.ndarray, among: np.ndarray, used: np.ndarray) -> float:
    with np.errstate(invalid="ignore"):
        return float(np.mean(y[inside & used]) - np.mean(y[among & ~inside & used]))


def _answer(table: pd.DataFrame, outcome: str) -> str:
    """The worst trouble, else the worst touchpoint, that surely goes with less."""
    named = i18n.quoted(i18n.label(outcome))
    sure = table[table["high"] < 0]
    if sure.empty:
        return _(
            "No touchpoint and no trouble surely goes with less of {outcome} ({n:count} looked "
            "at).",
            outcome=named,
            n=len(table),
        )
    hurt = sure[sure["term"] == "trouble"]
    worst = (hurt if len(hurt) else sure).sort_values("estimate").iloc[0]
    said = {
        "touchpoint": worst["touchpoint"],
        "outcome": named,
        "points": worst["estimate"],
        "span": (worst["low"], worst["high"]),
        "n": worst["n"],
    }
    if worst["term"] == "met it":
        return _(
            "Meeting {touchpoint:quoted} goes with {points:number2} points ({span:interval2}) of "
            "{outcome}, n {n:count}.",
            **said,
        )
    return _(
        "Trouble at {touchpoint:quoted} goes with {points:number2} points ({span:interval2}) of "
        "{outcome}, n {n:count}.",
        **said,
    )
