"""Model drift: does the churn model hold at later dates?

    churn.model_drift({day: Sample(rows) for day, rows in study.customers.snapshots().items()})

The model is learnt at the first day and applied unchanged to each later one, whose outcomes it
could not know. Three things may go wrong: it ranks worse (AUC), its risks are too high or too low
(calibration), or other people have become customers (the population stability index of the score:
above 0.10 is worth a look, above 0.25 calls for a new model, by custom).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cxlib.churn.model import Validation, fit
from cxlib.churn.scoring import score
from cxlib.core import i18n
from cxlib.core.columns import INTERVAL, SIMULTANEOUS, deciding_ends
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.stats import moments, regression, resampling
from cxlib.stats.intervals import LEVEL
from cxlib.stats.notes import simultaneous_note

MEASURES = ("AUC", "calibration slope", "calibration intercept")
BINS = 10
WORTH_A_LOOK, NEW_MODEL = 0.10, 0.25  # of the stability index, by custom (Siddiqi 2006)


def model_drift(
    snapshots: Mapping[str, SampleLike],
    *,
    outcome: str = "left",
    features: list[str] | None = None,
    validation: Validation | None = None,
) -> Result:
    """Learn at the first snapshot and validate at each later one.

    Parameters
    ----------
    snapshots : day -> customers as they stood then, with the outcome after it; draws and seed are
        those of the first
    outcome, features, validation : as in `churn.fit`

    Returns
    -------
    Result with tables "table" (wave: day, term, estimate, low, high, n; at the first day out of
    fold; intervals simultaneous over days, customers resampled with all their days) and
    "stability" (wave, term, estimate: population stability index of the score, low, high, n)

    Raises
    ------
    ValueError : fewer than two snapshots

    References
    ----------
    Stability index: Siddiqi (2006), Yurdakul (2018).

    Examples
    --------
    >>> model_drift({"2026-01-01": january, "2026-04-01": april}).stability    # doctest: +SKIP
    """
    if len(snapshots) < 2:
        raise ValueError(f"{len(snapshots)} snapshots; drift needs two or more days to compare.")
    samples = {day: as_sample(rows) for day, rows in snapshots.items()}
    days = list(samples)
    first = samples[days[0]]
    model = fit(first, outcome=outcome, features=features, validation=validation)
    scored = {days[0]: first.assign(probability=model.out_of_fold)}
    scored |= {day: score(samples[day], model) for day in days[1:]}
    known = {day: _known(sample, outcome) for day, sample in scored.items()}
    table = _measured(known, first.draws, first.seed)
    stability = pd.DataFrame(
        [_moved(known[days[0]], known[day], len(days) - 1) | {"wave": day} for day in days[1:]]
    )[["wave", "term", "estimate", "low", "high", "n"]]
    return Result(
        {"table": table, "stability": stability},
        _finding(table, stability, days),
        i18n.together([_("Trained on {day:date}.", day=days[0]), simultaneous_note(len(table))]),
        draws=first.draws,
        seed=first.seed,
    )


def population_stability_index(
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


def _known(sample: Sample, outcome: str) -> pd.DataFrame:
    w, rows = moments.weights_of(sample.data, sample.weight), sample.data
    rows = rows.assign(w=w, y=rows[outcome].astype("float64"))
    return rows[rows["y"].notna() & rows["probability"].notna() & (w > 0)]


def _measured(scored: dict[str, pd.DataFrame], draws: int, seed: int) -> pd.DataFrame:
    ids = pd.concat([_ids(rows, day) for day, rows in scored.items()])
    codes, people = pd.factorize(ids)
    at = [regression.MEASURES.index(m) for m in MEASURES]
    values, start, k = np.zeros((len(people), len(scored), len(MEASURES) + 1)), 0, 0
    for rows in scored.values():
        y, w = rows["y"].to_numpy(), rows["w"].to_numpy()
        parts = regression.measures(y, regression.logit(rows["probability"].to_numpy()), w)[:, at]
        here = codes[start : start + len(rows)]
        values[here, k] = np.column_stack([parts * w[:, None], w])
        start, k = start + len(rows), k + 1
    sums = resampling.resample_sums(values.reshape(len(people), -1), draws, seed)
    sums = sums.reshape(draws, len(scored), -1)
    total, found = values.sum(0), []
    effective = total[:, -1] ** 2 / (values[..., -1] ** 2).sum(0)
    for m, term in enumerate(MEASURES):
        estimate = total[:, m] / total[:, -1]
        table = pd.DataFrame({"wave": list(scored), "term": term, "estimate": estimate})
        table["n"] = [len(rows) for rows in scored.values()]
        drawn = sums[..., m] / sums[..., -1]
        ends = regression.measure_ends(table["term"], estimate, drawn, effective)
        found.append(table.assign(**ends))
    columns = ["wave", "term", *INTERVAL, "n", *SIMULTANEOUS]
    return pd.concat(found, ignore_index=True)[columns]


def _ids(rows: pd.DataFrame, day: str) -> pd.Series:
    if "customer_id" in rows:
        return rows["customer_id"].astype(str)
    return pd.Series([f"{day} {i}" for i in range(len(rows))])


def _moved(first: pd.DataFrame, later: pd.DataFrame, held: int) -> dict[str, Any]:
    low_level = 1 - (1 - LEVEL) / held  # Bonferroni over the days
    psi, low, high = population_stability_index(
        first["probability"].to_numpy(),
        later["probability"].to_numpy(),
        (first["w"].to_numpy(), later["w"].to_numpy()),
        low_level,
    )
    return {"term": "stability index", "estimate": psi, "low": low, "high": high, "n": len(later)}


def _finding(table: pd.DataFrame, stability: pd.DataFrame, days: list[str]) -> Finding:
    """Whether the model still predicts as it did when it was new."""
    auc = table[table["term"] == "AUC"]
    first, last = auc.iloc[0], auc.iloc[-1]
    level = table[(table["term"] == "calibration intercept")].iloc[-1]
    psi = stability["estimate"].iloc[-1]
    facts = {
        "then": days[0],
        "now": days[-1],
        "auc": last.estimate,
        "span": (last.low, last.high),
        "before": first.estimate,
        "n": last.n,
    }
    importance = Importance.NOTABLE
    (low, high), chance = deciding_ends(level), deciding_ends(last)[0] <= 0.5
    if chance:
        claim = _(
            "The churn model is no longer shown to predict better than chance: train a new one."
        )
        importance = Importance.NEWS
    elif psi > NEW_MODEL:
        claim = _("Customers' risks have shifted so far that a new churn model is due.")
        importance = Importance.NEWS
    elif low > 0:
        claim = _(
            "The churn model now predicts too low a risk: more customers left than predicted."
        )
    elif high < 0:
        claim = _(
            "The churn model now predicts too high a risk: fewer customers left than predicted."
        )
    elif psi > WORTH_A_LOOK:
        claim = _("Customers' risks have shifted noticeably since the churn model was trained.")
    else:
        claim = _("The churn model shows no sign of predicting worse than when it was new.")
        importance = Importance.METHOD
    return Finding.of_row(
        last,
        claim,
        _(
            "AUC {auc:number2} on {now} (95% CI {span:interval2}), {before:number2} when "
            "trained on {then}; n = {n:count}",
            **facts,
        ),
        measure="churn_auc",
        at={"wave": str(last.wave)},
        importance=importance,
    )
