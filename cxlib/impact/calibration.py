"""How good the predictions of effects were."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.data.schema import Change
from cxlib.impact.wording import value
from cxlib.stats.intervals import LEVEL

NORMAL = 1.959963984540054
PREDICTED_ENDS = ["predicted_low", "predicted_high"]


def predictions(changes: Sequence[Change], ledger: pd.DataFrame) -> pd.DataFrame:
    """What the ledger predicted of each change.

    Parameters
    ----------
    changes : as study.yaml describes them, each with the action that it answers
    ledger : action_id, predicted, and perhaps predicted_low and predicted_high

    Returns
    -------
    DataFrame: term (change), predicted, and its interval where there is one; changes without an
    action and actions without a prediction are left out
    """
    columns = [c for c in ("predicted", *PREDICTED_ENDS) if c in ledger]
    of = pd.DataFrame(
        [(c.name, c.action) for c in changes if c.action], columns=["term", "action_id"]
    )
    both = of.merge(ledger[["action_id", *columns]].dropna(subset=["predicted"]), on="action_id")
    return both[["term", *columns]]


def predicted_and_realised(predicted: pd.DataFrame, verdicts: Result) -> pd.DataFrame:
    """Join predictions with the effects that were found, as `calibration` takes them.

    Parameters
    ----------
    predicted : term (change), predicted, and perhaps predicted_low and predicted_high
    verdicts : of `verdicts`

    Returns
    -------
    DataFrame: the columns of `predicted`, estimate, low, high, n, unit
    """
    table = verdicts.table.drop(columns=["term", *(c for c in verdicts.table if "predicted" in c)])
    table = table.rename(columns={"change": "term"})
    return predicted.merge(table[["term", "estimate", "low", "high", "n", "unit"]], on="term")


def calibration(pairs: pd.DataFrame, *, level: float = LEVEL) -> Result:
    """How good predictions were, over closed actions: whether they promise too much.

    Parameters
    ----------
    pairs : a row an action: term, predicted, estimate, low, high (realised with its interval), n,
        and perhaps unit, predicted_low and predicted_high
    level : of the intervals, 0 to 1

    Returns
    -------
    Result with the tables

    - table: term, estimate, low, high, actions; without the terms that so few actions do not give;
      inside: share of realised effects in the
      predicted interval, with Wilson's interval; bias: mean of realised minus predicted (random
      effects); slope: of realised on predicted with the same weights: 1 is right, less says that
      large predictions shrink
    - pairs: the rows given, and within (whether realised lies in the predicted interval)

    Raises
    ------
    ValueError : no action has both

    References
    ----------
    DerSimonian and Laird (1986), Controlled Clinical Trials 7(3); Hartung and Knapp (2001),
    Statistics in Medicine 20(12)

    Examples
    --------
    >>> pairs = pd.DataFrame({"term": ["a", "b"], "predicted": [5.0, 7.0], "estimate": [4.0, 6.0]})
    >>> fit = calibration(pairs.assign(low=[2.0, 4.0], high=[6.0, 8.0], n=500))
    >>> fit.table["estimate"].tolist()
    [-1.0]
    """
    if pairs.empty:
        raise ValueError("no action has both a predicted and a realised effect.")
    gap = (pairs["estimate"] - pairs["predicted"]).to_numpy(float)
    error = ((pairs["high"] - pairs["low"]) / (2 * NORMAL)).to_numpy(float)
    error = np.where(error > 0, error, np.nanmean(error[error > 0]) if (error > 0).any() else 1.0)
    weight = 1 / (error**2 + _between(gap, error))
    rows = [
        ("inside", *_inside(pairs, level)),
        ("bias", *_mean(gap, weight, level)),
        ("slope", *_slope(pairs, weight, level)),
    ]
    table = pd.DataFrame(rows, columns=["term", "estimate", "low", "high"])
    table["actions"] = len(pairs)  # no people: nothing to hide
    own = pairs.reset_index(drop=True).copy()
    if set(PREDICTED_ENDS) <= set(own):
        own["within"] = own["estimate"].between(*(own[c] for c in PREDICTED_ENDS))
    note = _(
        "Each realised effect is weighted by its precision; with few actions take all of this as a "
        "hint."
    )
    finding = _finding(table, len(pairs), _unit(pairs))
    known = table[table["estimate"].notna()].reset_index(drop=True)
    return Result({"table": known, "pairs": own}, finding, note)


def _between(gap: np.ndarray, error: np.ndarray) -> float:
    """Variance of the true gaps (DerSimonian and Laird 1986, equation 8)."""
    w = 1 / error**2
    q = (w * (gap - np.average(gap, weights=w)) ** 2).sum()
    return float(max(0.0, (q - len(gap) + 1) / max(w.sum() - (w**2).sum() / w.sum(), 1e-300)))


def _mean(gap: np.ndarray, weight: np.ndarray, level: float) -> tuple[float, float, float]:
    mean = float(np.average(gap, weights=weight))
    if len(gap) < 2:
        return mean, np.nan, np.nan
    reach = _reach((weight * (gap - mean) ** 2).sum(), len(gap) - 1, weight.sum(), level)
    return mean, mean - reach, mean + reach


def _slope(pairs: pd.DataFrame, weight: np.ndarray, level: float) -> tuple[float, float, float]:
    x, y = (pairs[c].to_numpy(float) for c in ("predicted", "estimate"))
    if len(x) < 3 or np.ptp(x) == 0:
        return np.nan, np.nan, np.nan
    x = x - np.average(x, weights=weight)
    spread = (weight * x**2).sum()
    slope = float((weight * x * y).sum() / spread)
    rest = y - np.average(y, weights=weight) - slope * x
    reach = _reach((weight * rest**2).sum(), len(x) - 2, spread, level)
    return slope, slope - reach, slope + reach


def _reach(squares: float, free: int, precision: float, level: float) -> float:
    """Half an interval: Hartung and Knapp's, never less than that of the known variances."""
    from scipy.special import ndtri, stdtrit

    own = stdtrit(free, (1 + level) / 2) * np.sqrt(squares / free)
    return float(max(own, ndtri((1 + level) / 2)) / np.sqrt(precision))


def _inside(pairs: pd.DataFrame, level: float) -> tuple[float, float, float]:
    """Share of realised effects in the predicted interval, with Wilson's interval."""
    from statsmodels.stats.proportion import proportion_confint

    if not set(PREDICTED_ENDS) <= set(pairs) or pairs.dropna(subset=PREDICTED_ENDS).empty:
        return np.nan, np.nan, np.nan
    known = pairs.dropna(subset=PREDICTED_ENDS)
    inside = known["estimate"].between(*(known[c] for c in PREDICTED_ENDS))
    low, high = proportion_confint(inside.sum(), len(known), 1 - level, method="wilson")
    return float(inside.mean()), max(float(low), 0.0), min(float(high), 1.0)


def _unit(pairs: pd.DataFrame) -> str:
    """The unit that all effects have; none where they differ."""
    units = set(pairs["unit"]) if "unit" in pairs else set()
    return str(units.pop()) if len(units) == 1 else ""


def _finding(table: pd.DataFrame, n: int, unit: str) -> Finding:
    row = table.set_index("term")
    bias, inside = row.loc["bias"], row.loc["inside"]
    gap = float(bias["estimate"])
    if n < 2:
        claim = _(
            "Of the changes judged here one has a prediction: the estimate is {gap}.",
            gap=_gap(gap, unit),
        )
        return Finding(claim, importance=Importance.METHOD)
    detail = _("95% CI {span:interval1}; {n:count} actions", span=(bias["low"], bias["high"]), n=n)
    if inside["estimate"] == inside["estimate"]:
        detail = _(
            "{detail}; {share:share} within the predicted interval",
            detail=detail,
            share=inside["estimate"],
        )
    if bias["low"] <= 0 <= bias["high"]:
        claim = _("Predicted and realised effects do not differ significantly on average.")
        return Finding(claim, detail, importance=Importance.METHOD)
    claim = _("On average, actions brought {gap}.", gap=_gap(gap, unit))
    return Finding.of_row(
        bias,
        claim,
        detail,
        verdict="worse" if gap < 0 else "better",
        importance=Importance.NOTABLE,
    )


def _gap(bias: float, unit: str) -> str:
    """How much more or less than predicted."""
    size = value(abs(bias), unit) if unit else i18n.number(abs(bias))
    if bias < 0:
        return _("{size} less than predicted", size=size)
    return _("{size} more than predicted", size=size)
