"""Whether forecasts of purchases held: the last weeks are predicted from those before them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.stats.intervals import estimates_table, interval_columns
from cxlib.stats.notes import resampling_note
from cxlib.value import predictions
from cxlib.value.patterns import CountedPurchases, held_out
from cxlib.value.purchase_model import Purchase, PurchaseModel

UNFIT = 0.25  # a forecast further off than this share of what was bought misleads
MOST_REPEATS = 7  # customers with more repeat purchases are one group


def holdout(
    sample: SampleLike,
    weeks: float = 26,
    *,
    model: Purchase = "bg_nbd",
    covariates: pd.DataFrame | None = None,
    as_of: str | pd.Timestamp | None = None,
    counted: CountedPurchases | None = None,
) -> Result:
    """Purchases of a customer in the last weeks, compared with those predicted from before.

    Parameters
    ----------
    sample : orders with customer_id, at and amount
    weeks : length of the holdout period
    model, covariates, as_of, counted : as in `lifetime_value`

    Returns
    -------
    Result whose table has term (repeat purchases before), estimate (purchases in the period), low,
    high, n, predicted, simultaneous_low and simultaneous_high. The claim is of all customers.

    Raises
    ------
    InsufficientData : too few customers who bought again before the period
    """
    sample = as_sample(sample)
    before, actual = held_out(sample, weeks, as_of=as_of, counted=counted)
    fit = PurchaseModel(before.rows, model, covariates, buyers=before.buyers)
    ahead = predictions.purchases(model, fit.own(), *fit.data, weeks)[fit.which]
    repeats = before.rows["repeats"].to_numpy(int)
    top = int(np.clip(np.quantile(np.repeat(repeats, fit.each), 0.99), 2, MOST_REPEATS))
    groups = np.minimum(repeats, top)
    inside = (groups[:, None] == np.arange(top + 1)).astype(float)
    inside = np.column_stack([inside, np.ones(len(inside))])  # the last is of everyone
    n, draws, seed = fit.each @ inside, sample.draws, sample.seed
    sums = np.hstack([inside * actual[:, None], inside])
    with np.errstate(invalid="ignore", divide="ignore"):
        estimate, replicates = (
            s[..., : top + 2] / s[..., top + 2 :]
            for s in (fit.each @ sums, fit.resample(sums, draws, seed))
        )
    ends = interval_columns(estimate[:-1], replicates[:, :-1])
    predicted = fit.each @ (inside * ahead[:, None]) / np.maximum(n, 1)
    table = pd.DataFrame(
        {
            "term": [*map(i18n.count, range(top)), _("{count:count} or more", count=top)],
            "estimate": estimate[:-1],
            "n": n[:-1].astype(int),
            "predicted": predicted[:-1],
            **{c: np.maximum(end, 0) for c, end in ends.items()},
        }
    )
    whole = estimates_table(["all"], estimate[-1:], replicates[:, -1:], fit.customers)
    notes = before.notes
    notes = [*notes, resampling_note(sample.replace(cluster="customer_id"))]
    finding, tables = _finding(whole.iloc[0], float(predicted[-1]), weeks), {"table": table}
    return Result(
        tables | {"overall": whole},
        finding,
        i18n.together(notes),
        "purchases",
        draws=draws,
        seed=seed,
    )


def _finding(whole: pd.Series, predicted: float, weeks: float) -> Finding:
    off = predicted / whole.estimate - 1 if whole.estimate else np.nan
    facts = {
        "off": abs(off),
        "weeks": weeks,
        "estimate": whole.estimate,
        "span": (whole.low, whole.high),
        "predicted": predicted,
        "n": whole.n,
        "digits": _digits(whole.estimate, predicted),
    }
    within, near = whole.low <= predicted <= whole.high, abs(off) < UNFIT
    if within and not near:  # an interval so wide holds good and bad forecasts alike
        claim = _(
            "Too few purchases were made in the last {weeks:count} weeks to judge their forecast.",
            **facts,
        )
    elif within:
        claim = _("The forecast of the last {weeks:count} weeks was accurate.", **facts)
    elif predicted > whole.estimate:
        claim = _(
            "The forecast of the last {weeks:count} weeks was too high by {off:share}.", **facts
        )
    else:
        claim = _(
            "The forecast of the last {weeks:count} weeks was too low by {off:share}.", **facts
        )
    return Finding.of_row(
        whole,
        claim,
        _(
            "{predicted:number{digits}} purchases a customer were forecast, "
            "{estimate:number{digits}} made (95% CI {span:interval{digits}}); n = {n:count}",
            **facts,
        ),
        unit="purchases",
        measure="purchases_in_holdout",
        importance=Importance.METHOD if within or near else Importance.NEWS,
    )


def _digits(*purchases: float) -> int:
    """Decimals that show two significant digits of the smallest number above 0, at least 2."""
    above = [p for p in purchases if p > 0]
    return max(2, 1 - int(np.floor(np.log10(min(above))))) if above else 2
