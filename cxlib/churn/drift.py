"""Does what was learnt then hold later? The warning judged out of time, and how it drifts.

    churn.over_time(reserve.open(STUDY).customers.snapshots(), features=...)

The model is learnt at the first day and applied unchanged to each later one, whose outcomes it
could not know. Three things may go wrong: it ranks worse (AUC), its risks are too high or too low
(calibration), or other people have become customers (the population stability index of the score:
above 0.10 is worth a look, above 0.25 calls for a new model, by custom).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates
from cxlib.stats import moments, regression, resampling
from cxlib.stats.intervals import LEVEL, simultaneous_interval

MEASURES = ("AUC", "calibration slope", "calibration intercept")
BINS = 10
WORTH_A_LOOK, NEW_MODEL = 0.10, 0.25  # of the stability index, by custom (Siddiqi 2006)


@dataclass(frozen=True)
class Drift(Estimates):
    """The measures at each day in `table`; `stability` has the index of the score at each."""

    stability: pd.DataFrame = field(kw_only=True)


def over_time(
    snapshots: dict[str, pd.DataFrame],
    *,
    outcome: str = "left",
    features: list[str] | None = None,
    weight: str | None = None,
    draws: int = 500,
    seed: int = 1,
    **how: object,
) -> Drift:
    """Learn at the first snapshot, judge at each later one: wave, term, estimate, low, high, n.

    At the first the customers are judged out of fold. Intervals hold for all days at once, measure
    by measure; customers are drawn whole, with all their days. `how` goes to `churn.fit`. Raises
    ValueError for fewer than two snapshots.
    """
    from cxlib.churn import fit, score

    if len(snapshots) < 2:
        raise ValueError(f"{len(snapshots)} snapshots; drift needs two or more days to compare.")
    days = list(snapshots)
    warning = fit(
        snapshots[days[0]],
        outcome=outcome,
        features=features,
        weight=weight,
        draws=draws,
        seed=seed,
        **how,
    )
    judged = {days[0]: snapshots[days[0]].assign(probability=warning.out_of_fold)}
    for day in days[1:]:
        judged[day] = score(snapshots[day], warning)
    judged = {day: _known(rows, outcome, weight) for day, rows in judged.items()}
    table = _measured(judged, draws, seed)
    stability = pd.DataFrame(
        [_moved(judged[days[0]], judged[day], len(days) - 1) | {"wave": day} for day in days[1:]]
    )[["wave", "term", "estimate", "low", "high", "n"]]
    return Drift(
        table,
        _verdict(table, stability, days),
        _("Learnt on {day}; intervals hold for all days at once.", day=days[0]),
        draws=draws,
        seed=seed,
        stability=stability,
    )


def stability_index(
    before: np.ndarray, after: np.ndarray, w: tuple[np.ndarray, np.ndarray], level: float = LEVEL
) -> tuple[float, float, float]:
    """Population stability index of a score, less what chance alone would give: (psi, low, high).

    Tenths of the score before; the sum of (share after - share before) log(ratio). Chance adds
    about (1/n + 1/m) chi-squared of nine degrees (Yurdakul 2018), which the interval inverts.
    """
    from scipy.optimize import brentq
    from scipy.stats import chi2, ncx2

    cuts = np.unique(np.quantile(before, np.linspace(0, 1, BINS + 1)[1:-1]))
    shares = [
        np.bincount(np.searchsorted(cuts, x, "right"), v, len(cuts) + 1) + 0.5 / (len(cuts) + 1)
        for x, v in zip((before, after), w, strict=True)
    ]
    p, q = (s / s.sum() for s in shares)
    noise = sum((v**2).sum() / v.sum() ** 2 for v in w)
    found, free = float((q - p) @ np.log(q / p)) / noise, len(cuts)
    tail = (1 - level) / 2

    def end(t: float) -> float:
        if chi2.cdf(found, free) <= t:
            return 0.0
        return brentq(lambda c: ncx2.cdf(found, free, c) - t, 1e-9, 4 * found + 100)

    psi = max(found - free, 0.0) * noise
    return psi, min(end(1 - tail) * noise, psi), max(end(tail) * noise, psi)


def _known(rows: pd.DataFrame, outcome: str, weight: str | None) -> pd.DataFrame:
    w = moments.weights_of(rows, weight)
    rows = rows.assign(w=w, y=rows[outcome].astype("float64"))
    return rows[rows["y"].notna() & rows["probability"].notna() & (w > 0)]


def _measured(judged: dict[str, pd.DataFrame], draws: int, seed: int) -> pd.DataFrame:
    ids = pd.concat([_ids(rows, day) for day, rows in judged.items()])
    codes, people = pd.factorize(ids)
    at = [regression.MEASURES.index(m) for m in MEASURES]
    values, start, k = np.zeros((len(people), len(judged), len(MEASURES) + 1)), 0, 0
    for rows in judged.values():
        y, w = rows["y"].to_numpy(), rows["w"].to_numpy()
        parts = regression.measures(y, regression.logit(rows["probability"].to_numpy()), w)[:, at]
        here = codes[start : start + len(rows)]
        values[here, k] = np.column_stack([parts * w[:, None], w])
        start, k = start + len(rows), k + 1
    sums = resampling.resample_sums(values.reshape(len(people), -1), draws, seed)
    sums = sums.reshape(draws, len(judged), -1)
    total = values.sum(0)
    found = []
    for m, term in enumerate(MEASURES):
        estimate = total[:, m] / total[:, -1]
        low, high = simultaneous_interval(estimate, sums[..., m] / sums[..., -1])
        for day, e, a, b in zip(judged, estimate, low, high, strict=True):
            found.append((day, term, e, a, b, len(judged[day])))
    return pd.DataFrame(found, columns=["wave", "term", "estimate", "low", "high", "n"])


def _ids(rows: pd.DataFrame, day: str) -> pd.Series:
    if "customer_id" in rows:
        return rows["customer_id"].astype(str)
    return pd.Series([f"{day} {i}" for i in range(len(rows))])


def _moved(first: pd.DataFrame, later: pd.DataFrame, held: int) -> dict:
    low_level = 1 - (1 - LEVEL) / held  # Bonferroni over the days
    psi, low, high = stability_index(
        first["probability"].to_numpy(),
        later["probability"].to_numpy(),
        (first["w"].to_numpy(), later["w"].to_numpy()),
        low_level,
    )
    return {"term": "stability index", "estimate": psi, "low": low, "high": high, "n": len(later)}


def _verdict(table: pd.DataFrame, stability: pd.DataFrame, days: list[str]) -> str:
    auc = table[table["term"] == "AUC"]
    first, last = auc.iloc[0], auc.iloc[-1]
    said = [
        _(
            "Learnt on {then} and judged on {now}, the warning has AUC {auc:number2} "
            "({span:interval2}); it was {before:number2} when new.",
            then=days[0],
            now=days[-1],
            auc=last.estimate,
            span=(last.low, last.high),
            before=first.estimate,
        )
    ]
    level = table[(table["term"] == "calibration intercept")].iloc[-1]
    if level.low > 0:
        said.append(_("It warns of too few: more left than it said."))
    elif level.high < 0:
        said.append(_("It warns of too many: fewer left than it said."))
    psi = stability["estimate"].iloc[-1]
    if psi > NEW_MODEL:
        said.append(_("The customers' risks have moved so far that a new model is due."))
    elif psi > WORTH_A_LOOK:
        said.append(_("The customers' risks have moved; that is worth a look."))
    return i18n.together(said)
