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

from cxlib import moments, page
from cxlib.estimates import Estimates, at_once, how_drawn
from cxlib.journeys.exposure import Exposure

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
    y = responses[[outcome]].to_numpy(float)
    slopes, again, used = adjusted(responses, y, x, met.known, adjust, weight, draws, seed)
    units = responses["customer_id"][used].nunique() if "customer_id" in responses else used.sum()
    low, high = at_once(slopes[:, 0], again[..., 0], units=units, fitted=1 + x.shape[1])
    table = pd.DataFrame(
        {
            "touchpoint": [t for t, *_ in columns],
            "term": [kind for _, kind, _, _ in columns],
            "estimate": slopes[:, 0],
            "low": low,
            "high": high,
            "n": [int((v & used).sum()) for *_, v in columns],
            "plain": [_plain(y[:, 0], v, among, used) for _, _, among, v in columns],
        }
    )
    note = page.together(
        [
            page.say(
                "{n} of {offered} answers are about at least one contact.",
                n=page.count(used.sum()),
                offered=page.count(len(responses)),
            ),
            adjusted_for(adjust),
            page.say("All {cells} intervals hold together.", cells=page.count(len(table))),
            how_drawn(draws, weight, "customer_id"),
        ]
    )
    facts = {"draws": draws, "seed": seed, "replicates": again[..., 0]}
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
    """Coefficients of `x` (p, outcomes), of each draw (draws, p, outcomes), and the rows used.

    Least squares of each column of `y` on `x` and the columns to `adjust` for, over the rows that
    are `known` and have every outcome; customers are drawn whole. NaN in a draw where a column of
    `x` does not vary.
    """
    used = known & ~np.isnan(y).any(1)
    p, m = x.shape[1], y.shape[1]
    data = np.column_stack([y, x, _covariates(rows, adjust, used)])
    names = [f"_{i}" for i in range(data.shape[1])]
    frame = pd.DataFrame(data[used], index=rows.index[used], columns=names)
    for column in ("customer_id", weight):
        if column is not None and column in rows:
            frame[column] = rows[column][used]
    frame.attrs = rows.attrs
    bucket = "customer_id" if "customer_id" in frame else None
    sums = moments.of(frame, names, weight=weight, bucket=bucket)
    whole = sums.total().cov[None]
    least = 1e-9 * np.diagonal(whole[0])
    return (
        _slopes(whole, m, p, least)[0],
        _slopes(sums.resample(draws, seed).cov, m, p, least),
        used,
    )


def _slopes(cov: np.ndarray, m: int, p: int, least: np.ndarray) -> np.ndarray:
    still = np.diagonal(cov, axis1=-2, axis2=-1) <= least
    # What does not vary, and what says the same as others, gets no more than a trace of weight.
    ridge = np.where(still, 1.0, 1e-9 * np.diagonal(cov, axis1=-2, axis2=-1) + 1e-15)
    within = cov[..., m:, m:] + ridge[..., m:, None] * np.eye(cov.shape[-1] - m)
    slopes = np.linalg.solve(within, cov[..., m:, :m])[..., :p, :]
    return np.where(still[..., m : m + p, None], np.nan, slopes)


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
        return page.say("Adjusted for the other touchpoints, not for who the customers are.")
    return page.say(
        "Adjusted for the other touchpoints and {columns}.",
        columns=page.listed(map(page.label, adjust)),
    )


def _plain(y: np.ndarray, inside: np.ndarray, among: np.ndarray, used: np.ndarray) -> float:
    with np.errstate(invalid="ignore"):
        return float(np.mean(y[inside & used]) - np.mean(y[among & ~inside & used]))


def _answer(table: pd.DataFrame, outcome: str) -> str:
    hurt = table[table["term"] == "trouble"]
    hurt = table if hurt.empty else hurt
    worst = hurt.loc[hurt["estimate"].idxmin()]
    said = {
        "touchpoint": page.quoted(page.label(worst["touchpoint"])),
        "outcome": page.quoted(page.label(outcome)),
        "points": page.number(worst["estimate"], 2),
        "span": page.span(worst["low"], worst["high"], 2),
        "n": page.count(worst["n"]),
    }
    if worst["term"] == "met it":
        return page.say(
            "Meeting {touchpoint} goes with {points} points ({span}) of {outcome}, n {n}.", **said
        )
    return page.say(
        "Trouble at {touchpoint} goes with {points} points ({span}) of {outcome}, n {n}.", **said
    )
