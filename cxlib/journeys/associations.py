"""What meeting a touchpoint, and a problem there, is associated with, adjusted for who meets it.

    fit = journeys.associations(exposure, "recommend", adjust=["region", "plan"])
    fit.table          # touchpoint, term ("met it", "problem"): points of the outcome

A regression of the outcome on all touchpoints met, all problems met and what is known of the
customers, together: a coefficient compares customers who are alike in everything else that is
there. Who is sent to a touchpoint may differ in what is not, so that nothing here is an effect of
the touchpoint unless customers were sent there at random.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import INTERVAL, deciding_ends
from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample
from cxlib.journeys.exposure import Exposure
from cxlib.journeys.transitions import interval_notes
from cxlib.stats import linear_algebra, moments
from cxlib.stats.intervals import interval_columns, percentile_interval
from cxlib.stats.resampling import resample_sums, resampling_units

LEAST = 20  # answers that met it, and that did not, for a coefficient
MOST_LEVELS = 12  # of a column to adjust for


def associations(exposure: Exposure, outcome: str, *, adjust: Sequence[str] = ()) -> Result:
    """Points of the outcome that each touchpoint and each problem is associated with.

    Only answers about at least one event count.

    Parameters
    ----------
    exposure : of `journeys.exposure`; its answers have weights, cluster, draws and seed
    outcome : column of the answers
    adjust : columns of the answers, to compare like with like

    Returns
    -------
    Result with "table": touchpoint, term ("met it", "problem"), estimate, low, high (95%
    intervals), n (answers that met it), plain (the difference without adjustment: who met it minus
    who did not, who had a problem minus who met it without), simultaneous_low, simultaneous_high.

    Raises
    ------
    ValueError : columns that are absent
    InsufficientData : nothing varies

    References
    ----------
    Kline and Santos (2012), A score based approach to wild bootstrap inference.

    Examples
    --------
    >>> answers = pd.DataFrame({"order": range(100), "score": [5, 9] * 50})
    >>> events = pd.DataFrame({"order": range(100), "touchpoint": ["web", "shop"] * 50})
    >>> both = Sample(answers, draws=50), events.assign(at=pd.Timestamp("2026-01-01"))
    >>> from cxlib.journeys.exposure import exposure
    >>> fit = associations(exposure(*both, by="order"), "score")
    >>> fit.table[["touchpoint", "plain", "n"]].values.tolist()
    [['shop', 4.0, 50], ['web', -4.0, 50]]
    """
    columns = exposure_terms(exposure)
    if not columns:
        raise InsufficientData(
            _(
                "No touchpoint was experienced by {least:count} customers who answered and missed "
                "by {least:count}, or has {least:count} with problems: there is nothing to "
                "compare. Take a wider window, or more answers.",
                least=LEAST,
            )
        )
    sample = exposure.sample
    require_columns(sample.data, [outcome, *adjust], "responses")
    x = np.column_stack([v for *_unused, v in columns]).astype(float)
    y = sample[outcome].to_numpy(float)
    slopes, again, used = adjusted_slopes(sample, y, x, exposure.known, adjust)
    ends = interval_columns(slopes, again)
    ends |= dict(zip(INTERVAL[1:], percentile_interval(again), strict=True))  # as pain points have
    table = pd.DataFrame(
        {
            "touchpoint": [t for t, *_unused in columns],
            "term": [kind for _unused, kind, *_others in columns],
            "estimate": slopes,
            **{c: ends[c] for c in INTERVAL[1:]},
            "n": [int((v & used).sum()) for *_unused, v in columns],
            "plain": [_plain(y, v, among, used) for *_unused, among, v in columns],
            **ends,
        }
    )
    notes = [
        _(
            "{n:count} of {offered:count} answers are about at least one contact.",
            n=used.sum(),
            offered=len(sample),
        ),
        adjustment_note(adjust),
        *interval_notes(len(table), sample),
    ]
    return Result(
        table,
        _finding(table, outcome),
        i18n.together(notes),
        "scale",
        **sample.bootstrap,
        replicates=again,
    )


def exposure_terms(exposure: Exposure) -> list[tuple[str, str, np.ndarray, np.ndarray]]:
    """(touchpoint, term, among whom, who) of all that enough answers met, and enough did not."""
    found, known = [], exposure.known
    for k, name in enumerate(exposure.touchpoints):
        here, hurt = exposure.times[:, k] > 0, exposure.trouble[:, k] > 0
        if LEAST <= (here & known).sum() <= known.sum() - LEAST:
            found.append((name, "met it", known, here))
        if LEAST <= hurt.sum() <= here.sum() - LEAST:
            found.append((name, "problem", here, hurt))
    return found


def adjusted_slopes(
    sample: Sample, y: np.ndarray, x: np.ndarray, known: np.ndarray, adjust: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coefficients of `x` (p,), their replicates (draws, p), and the rows used.

    Weighted least squares of `y` on `x` and the columns to `adjust` for, over the rows that are
    `known` and have `y`. A resample moves the coefficients by one step of its score (Kline and
    Santos 2012), stretched for the numbers fitted, so that all resamples are one matrix product and
    none is without a solution.
    """
    weights = moments.weights_of(sample.data, sample.weight)
    used = known & ~np.isnan(y) & (weights > 0)
    design = np.column_stack([x, np.ones(len(x)), _covariates(sample.data, adjust, used)])[used]
    y, w = y[used], weights[used]
    gram = design.T @ (design * w[:, None])
    # Columns that say the same share what they explain. A trace of weight on the diagonal would do
    # too, but magnify rounding errors until they are seen, other ones with each number of threads.
    scale = np.sqrt(np.where(np.diag(gram) > 0, np.diag(gram), 1.0))
    inverse = linear_algebra.pseudo_inverse(gram / np.outer(scale, scale)) / np.outer(scale, scale)
    slopes = inverse @ (design.T @ (w * y))
    residual = w * (y - design @ slopes)
    parts = residual[:, None] * (design @ inverse)[:, : x.shape[1]]
    clusters = resampling_units(sample.where(used))
    moved = resample_sums(parts, sample.draws, sample.seed, clusters)
    units = len(np.unique(clusters.keys))
    stretch = np.sqrt(units / max(units - design.shape[1], 1))
    slopes = slopes[: x.shape[1]]
    return slopes, slopes + stretch * moved, used


def _covariates(rows: pd.DataFrame, adjust: Sequence[str], used: np.ndarray) -> np.ndarray:
    """A column a level (but the first), or the number itself, missing ones at the mean."""
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


def adjustment_note(adjust: Sequence[str]) -> str:
    """What a note says of who is compared with whom."""
    if not adjust:
        return _("Adjusted for the other touchpoints, not for who the customers are.")
    return _("Adjusted for the other touchpoints and {columns:label_list}.", columns=adjust)


def _plain(y: np.ndarray, inside: np.ndarray, among: np.ndarray, used: np.ndarray) -> float:
    with np.errstate(invalid="ignore"):
        return float(np.mean(y[inside & used]) - np.mean(y[among & ~inside & used]))


def _finding(table: pd.DataFrame, outcome: str) -> Finding:
    """The worst problem, else the worst touchpoint, significantly associated with less."""
    significant = table[deciding_ends(table)[1] < 0]
    if significant.empty:
        claim = _(
            "Neither use of a touchpoint nor a reported problem there is significantly associated "
            "with a lower {outcome:quoted}.",
            outcome=outcome,
        )
        return Finding(claim, verdict="unchanged", importance=Importance.METHOD)
    hurt = significant[significant["term"] == "problem"]
    worst = (hurt if len(hurt) else significant).sort_values("estimate").iloc[0]
    facts = {
        "touchpoint": worst["touchpoint"],
        "outcome": outcome,
        "points": -worst["estimate"],
        "span": (-worst["high"], -worst["low"]),
        "n": worst["n"],
    }
    if worst["term"] == "met it":
        claim = _(
            "Contact with {touchpoint:quoted} is associated with {points:number2} points less of "
            "{outcome:quoted}.",
            **facts,
        )
    else:
        claim = _(
            "Problems at {touchpoint:quoted} are associated with {points:number2} points less of "
            "{outcome:quoted}.",
            **facts,
        )
    detail = _("95% CI {span:interval2}; n = {n:count}", **facts)
    return Finding.of_row(
        worst,
        claim,
        detail,
        unit="scale",
        measure="touchpoint_effect",
        at={"outcome": outcome, "touchpoint": str(worst["touchpoint"]), "term": str(worst["term"])},
    )
