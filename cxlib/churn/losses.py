"""How many customers will leave in the next months, if all goes on as before.

ahead = losses_forecast(customers, "2026-09-30")
ahead.table           # month, estimate (customers lost), low, high (95% prediction interval)
ahead.earlier         # each of the last months as it would have been forecast before
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import i18n, periods
from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import N_, _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.stats.count_forecasts import count_columns, replayed
from cxlib.stats.forecasting import forecast_counts

FEWEST, CHECKED = 12, 12  # months that a forecast needs; last months that are forecast afresh
YEAR = 12
COLUMNS = count_columns("customers lost", N_("Customers lost"))


def losses_forecast(sample: SampleLike, until: str | pd.Timestamp, *, months: int = 4) -> Result:
    """Forecast the customers lost in the next months, and check how earlier forecasts had done.

    The level of the square root of the counts is a random walk, from two years of months on with
    seasons; scatter beyond Poisson and steps of the level are averaged over. No action, offer or
    price to come is known to it. Months are whole ones, from the first leaving on file.

    Parameters
    ----------
    sample : customers: left_on, joined_on where on file; or how many there are of equal ones
    until : last day of the data; its month counts where it is the last day of it
    months : how many to forecast, 1 or more

    Returns
    -------
    Result with tables
    table : month, term, estimate, low, high (95% prediction interval), n (customers lost in the
        months behind it)
    earlier : month, term, estimate (customers lost), low, high (missing), n, forecast,
        forecast_low, forecast_high (from the months before alone), within ("yes", "no")
    Its part `history` has the months behind it, for `plots.forecast`.

    Raises
    ------
    ValueError : there is no left_on
    InsufficientData : fewer than 12 whole months

    Examples
    --------
    >>> days = pd.date_range("2025-01-01", "2026-06-30", freq="D")
    >>> customers = pd.DataFrame({"left_on": days.repeat(2)})
    >>> print(losses_forecast(customers, "2026-06-30"))
    About 61 customers are expected to leave in July 2026.
    """
    sample = as_sample(sample)
    require_columns(sample.data, ["left_on"], "customers")
    counts = monthly_losses(sample["left_on"], pd.Timestamp(until), sample.counts)
    if len(counts) < FEWEST:
        raise InsufficientData(
            _(
                "A forecast needs {least:count} complete months; there are {n:count}.",
                least=FEWEST,
                n=len(counts),
            )
        )
    values = counts.to_numpy()
    estimate, low, high = forecast_counts(values, months, period=_seasons(values))
    table = pd.DataFrame(
        {"month": periods.following(list(counts.index), months), "term": "customers lost"}
    ).assign(estimate=estimate, low=low, high=high, n=int(values.sum()))
    history = pd.DataFrame({"month": counts.index, "term": "customers lost", "estimate": values})
    history = history.assign(low=np.nan, high=np.nan, n=values.astype(int))
    earlier = replayed(history, last=CHECKED, least=FEWEST, period=_seasons)
    return Result(
        {"table": table, "earlier": earlier},
        _finding(table, earlier, _active(sample, pd.Timestamp(until))),
        _notes(values),
        "count",
        columns=COLUMNS,
        parts={"history": history},
    )


def monthly_losses(
    left_on: pd.Series, until: pd.Timestamp, counts: np.ndarray | None = None
) -> pd.Series:
    """Customers lost in each whole month, from the first with a leaving up to `until`.

    Parameters
    ----------
    left_on : the days, missing where a customer has not left
    until : last day of the data
    counts : how many customers each stands for; one by default

    Examples
    --------
    >>> days = pd.Series(pd.to_datetime(["2026-01-01", "2026-03-02", "2026-03-31", "2026-04-02"]))
    >>> monthly_losses(days, pd.Timestamp("2026-04-20")).to_dict()
    {'2026-01': 1.0, '2026-02': 0.0, '2026-03': 2.0}
    """
    known = left_on.notna().to_numpy()
    days = left_on[known]
    if days.empty:
        return pd.Series(dtype=float)
    first = days.min().to_period("M")
    last = (until.normalize() + pd.Timedelta(days=1)).to_period("M") - 1  # the last that is over
    names = pd.period_range(first, last, freq="M")
    n = np.ones(len(left_on)) if counts is None else counts
    months = days.dt.to_period("M").to_numpy()
    found = pd.Series(n[known]).groupby(months).sum().reindex(names, fill_value=0)
    return pd.Series(found.to_numpy(float), names.strftime("%Y-%m"))


def _seasons(values: np.ndarray) -> int:
    """Months in a year, where two of them are there."""
    return YEAR if len(values) >= 2 * YEAR else 0


def _active(customers: Sample, until: pd.Timestamp) -> int:
    here = ~(customers["left_on"] <= until)
    if "joined_on" in customers:
        here &= ~(customers["joined_on"] > until)
    return customers.rows_of(here.to_numpy())


def _finding(table: pd.DataFrame, earlier: pd.DataFrame, active: int) -> Finding:
    first = table.iloc[0]
    words = {"n": first["estimate"], "low": first["low"], "high": first["high"]}
    claim = ngettext(
        "About {n:count} customer is expected to leave in {month}.",
        "About {n:count} customers are expected to leave in {month}.",
        round(float(first["estimate"])),
        month=i18n.period(str(first["month"])),
    )
    parts = [_("{n:count} expected, 95% prediction interval {low:count} to {high:count}", **words)]
    if active:
        parts.append(
            _(
                "{share:share1} of {active:count} customers",
                share=first["estimate"] / active,
                active=active,
            )
        )
    if len(earlier):
        parts.append(
            ngettext(
                "{held:count} of {n:count} earlier month lay within its forecast",
                "{held:count} of {n:count} earlier months lay within their forecasts",
                len(earlier),
                held=int((earlier["within"] == "yes").sum()),
            )
        )
    return Finding.of_row(
        first,
        claim,
        _("; ").join(parts),
        measure="customers_lost:forecast",
        at={"month": str(first["month"])},
        importance=Importance.CONTEXT,
    )


def _notes(values: np.ndarray) -> str:
    model = (
        _("Random walk with seasons, averaged over what its variances may be.")
        if _seasons(values)
        else _(
            "Random walk of the root of {n:count} monthly counts without seasons (fewer than two "
            "years), averaged over what its variances may be.",
            n=len(values),
        )
    )
    return i18n.together([model])
