"""How many cases will come in, and when the backlog is cleared at today's rates.

    ahead = volume_forecast(cases)
    ahead.table           # week, estimate (new cases), low, high (95% prediction interval)
    ahead.earlier         # each of the last weeks as it would have been forecast before
    clearance(cases).table        # new and solved cases a week, open cases, days to clear them

Weeks are whole weeks from Monday, up to the week of the last opening, which may not be over.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import N_, _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.service.cases import case_notes, observed_until, require_case_columns
from cxlib.service.waiting import interval_of_times
from cxlib.stats.count_forecasts import count_columns, replayed
from cxlib.stats.forecasting import forecast_counts
from cxlib.stats.intervals import LEVEL, symmetric_interval

FEWEST, MOST = 12, 104  # weeks that a forecast needs, and looks at
CHECKED = 13  # last weeks that are forecast from those before, to see how well it goes
RECENT = 13  # weeks whose rates are today's
LIKELY = 0.9  # probability that a backlog does not clear, from which that is said
COLUMNS = count_columns("new cases", N_("New cases"))
NEW, SOLVED, OPEN, DAYS = "new cases a week", "resolved cases a week", "open cases", "days to clear"


def volume_forecast(sample: SampleLike, *, weeks: int = 4) -> Result:
    """Forecast the new cases of the next weeks, and check how earlier forecasts would have done.

    Counts are forecast as twice their square root (Anscombe 1948), on which a Poisson count has
    variance one whatever its size. The level is a random walk; scatter beyond Poisson and steps of
    the level are averaged over. It is what to expect if all goes on as before: no holidays, no
    seasons, no action to come.

    Parameters
    ----------
    sample : cases of `case_times`
    weeks : how many to forecast, 1 or more

    Returns
    -------
    Result with tables
    table : week, term, estimate, low, high (95% prediction interval), n (cases behind it)
    earlier : week, term, estimate (cases that came), low, high (missing), n, forecast,
        forecast_low, forecast_high (from the weeks before alone), within ("yes", "no")
    history : week, term, estimate, low, high (missing), n of the weeks that were looked at, for
        `plots.forecast`: a table, so that what its figure shows is known to be shown

    Raises
    ------
    InsufficientData : fewer than 12 whole weeks

    References
    ----------
    Anscombe (1948), The transformation of Poisson, binomial and negative-binomial data, Biometrika
    35.

    Examples
    --------
    >>> from cxlib.service.cases import case_times
    >>> opened = pd.date_range("2026-01-05", periods=20 * 15, freq="11h12min")
    >>> print(volume_forecast(case_times(pd.DataFrame({"opened_at": opened}))))
    About 15 new cases are expected in the week of 18 May 2026.
    """
    sample = as_sample(sample)
    counts, end = weekly(sample)
    if len(counts) < FEWEST:
        raise InsufficientData(
            _(
                "A forecast needs {least:count} complete weeks; there are {n:count}.",
                least=FEWEST,
                n=len(counts),
            )
        )
    counts = counts.iloc[-MOST:]
    names = [_name(end + pd.Timedelta(weeks=k)) for k in range(weeks)]
    estimate, low, high = forecast_counts(counts.to_numpy(), weeks)
    table = pd.DataFrame({"week": names, "term": "new cases", "estimate": estimate})
    table = table.assign(low=low, high=high, n=int(counts.sum()))
    history = pd.DataFrame({"week": counts.index, "term": "new cases", "estimate": counts.values})
    history = history.assign(low=np.nan, high=np.nan, n=counts.to_numpy(int))
    earlier = replayed(history, last=CHECKED, least=FEWEST)
    return Result(
        {"table": table, "earlier": earlier, "history": history},
        _finding(table, earlier),
        i18n.together([*case_notes(sample), *_notes(sample, counts, end)]),
        "count",
        columns=COLUMNS,
    )


def weekly(sample: Sample, column: str = "opened_at") -> tuple[pd.Series, pd.Timestamp]:
    """Cases by whole week of a date, weeks without any among them, and the Monday they end before.

    Examples
    --------
    >>> days = pd.to_datetime(["2026-03-02", "2026-03-03", "2026-03-18", "2026-03-25"])
    >>> weekly(Sample(pd.DataFrame({"opened_at": days})))[0].to_dict()
    {'2026-W10': 2.0, '2026-W11': 0.0, '2026-W12': 1.0}
    """
    first, last = _monday(sample["opened_at"].min()), _monday(sample["opened_at"].max())
    if sample["opened_at"].min() >= first + pd.Timedelta(days=1):  # begins within a week
        first += pd.Timedelta(weeks=1)
    cases = sample.of(column)
    days = cases[column]
    there = (days >= first) & (days < last)
    place = (days[there] - first) // pd.Timedelta(weeks=1)
    n = max(int((last - first) / pd.Timedelta(weeks=1)), 0)
    counts = np.bincount(place.to_numpy(int), cases.counts[there], n)[:n]
    return pd.Series(counts, [_name(first + pd.Timedelta(weeks=k)) for k in range(n)]), last


def _monday(day: pd.Timestamp) -> pd.Timestamp:
    return day.normalize() - pd.Timedelta(days=day.weekday())


def _name(monday: pd.Timestamp) -> str:
    return monday.strftime("%G-W%V")


def _finding(table: pd.DataFrame, earlier: pd.DataFrame) -> Finding:
    first = table.iloc[0]
    words = {"n": first["estimate"], "low": first["low"], "high": first["high"]}
    parts = [
        ngettext(
            "{n:count} case expected, 95% prediction interval {low:count} to {high:count}",
            "{n:count} cases expected, 95% prediction interval {low:count} to {high:count}",
            first["estimate"],
            **words,
        )
    ]
    if len(earlier):
        held = int((earlier["within"] == "yes").sum())
        parts.append(
            ngettext(
                "{held:count} of {n:count} earlier week lay within its forecast",
                "{held:count} of {n:count} earlier weeks lay within their forecasts",
                len(earlier),
                held=held,
                n=len(earlier),
            )
        )
    claim = ngettext(
        "About {n:count} new case is expected in {week}.",
        "About {n:count} new cases are expected in {week}.",
        round(float(first["estimate"])),
        week=i18n.period(str(first["week"])),
    )
    below = earlier.tail(2)
    if len(below) == 2 and (below["estimate"] < below["forecast_low"]).all():
        claim = _(
            "The last two weeks have fewer cases than expected: check that the data are "
            "complete before you rely on the forecast."
        )
    return Finding.of_row(
        first,
        claim,
        _("; ").join(parts),
        measure="new_cases:forecast",
        at={"week": str(first["week"])},
        importance=Importance.CONTEXT,
    )


def _notes(sample: Sample, counts: pd.Series, end: pd.Timestamp) -> list[str]:
    said = [
        _(
            "Random walk of the root of {n:count} weekly counts, averaged over what its variances "
            "may be.",
            n=len(counts),
        )
    ]
    idle = int((observed_until(sample) - end) / pd.Timedelta(weeks=1))
    if idle > 1:
        said.append(
            _(
                "The last case was opened {n:count} weeks before the end of the data: the forecast "
                "begins with its week.",
                n=idle,
            )
        )
    return said


def clearance(sample: SampleLike, *, weeks: int = RECENT) -> Result:
    """Days until no case is open, if cases come in and are solved as in the last weeks.

    Parameters
    ----------
    sample : cases of `case_times`
    weeks : whole weeks whose rates are today's, 4 or more

    Returns
    -------
    Result with "table": term ("new cases a week", "resolved cases a week", "open cases", "days to
    clear"), estimate, low, high (weeks resampled), n (cases). Days to clear are infinite where as
    many come in as are resolved; the high end is, where that cannot be ruled out.

    Raises
    ------
    InsufficientData : fewer whole weeks, or fewer open cases than may be shown

    Examples
    --------
    >>> from cxlib.service.cases import case_times
    >>> opened = pd.Series(pd.date_range("2026-01-05", periods=1000, freq="3h"))
    >>> ends = opened + pd.Timedelta(days=7)
    >>> rows = pd.DataFrame({"opened_at": opened, "solved_at": ends.where(ends < opened.max())})
    >>> print(clearance(case_times(rows)))
    At today's rates the backlog does not clear: 56.0 cases come in each week and 56.0 are resolved.
    """
    sample = as_sample(sample)
    require_case_columns(sample, "solved", "solved_at")
    cases = sample.of("solution_hours")
    new, end = weekly(sample)
    done = weekly(sample, "solved_at")[0]
    if len(new) < weeks:
        raise InsufficientData(
            _(
                "Rates need {least:count} complete weeks; there are {n:count}.",
                least=weeks,
                n=len(new),
            )
        )
    still_open = (~cases["solved"]).to_numpy()
    waiting = cases.rows_of(still_open)  # today, as the backlog and the list count them
    if waiting < (least := max(context.current().smallest_cell, 1)):
        raise InsufficientData(
            _(
                "Fewer than {least:count} cases are open: too few to say when they will be closed.",
                least=least,
            )
        )
    rates = np.stack([new.iloc[-weeks:], done.iloc[-weeks:]], axis=1)
    rng = np.random.default_rng(sample.seed)
    drawn = rates[rng.integers(0, weeks, (sample.draws, weeks))].mean(1)
    rate = rates.mean(0)
    low, high = symmetric_interval(rate, drawn, units=weeks)
    days, again = _days(waiting, rate[None])[0], _days(waiting, drawn)
    first, last = interval_of_times(again, LEVEL)
    n = [*rates.sum(0).astype(int), waiting, waiting]
    table = pd.DataFrame(
        {
            "term": [NEW, SOLVED, OPEN, DAYS],
            "estimate": [*rate, waiting, days],
            "low": [*np.maximum(low, 0), np.nan, min(first, days)],
            "high": [*high, np.nan, max(last, days)],
            "n": n,
        }
    )
    note = _(
        "Rates of the {n:count} weeks before {day:date}, which are resampled.", n=weeks, day=end
    )
    never = float(np.isinf(again).mean())
    return Result(
        table,
        _when(table, never),
        i18n.together([*case_notes(sample), note]),
        draws=sample.draws,
        seed=sample.seed,
        parts={"never": never},
    )


def _days(waiting: int, rates: np.ndarray) -> np.ndarray:
    """Days until so many cases are cleared; infinite where no more are solved than come in."""
    net = rates[:, 1] - rates[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(net > 1e-9, 7 * waiting / net, np.inf)


def _when(table: pd.DataFrame, never: float) -> Finding:
    new, done, waiting, days = (table.iloc[k] for k in range(4))
    words = {"n": waiting["estimate"], "new": new["estimate"], "done": done["estimate"]}
    words["days"] = days["estimate"]
    line = _("probability that it does not clear: {p:chance}; n = {n:count}", p=never, **words)
    if not np.isfinite(days["estimate"]):
        sure = never >= LIKELY
        claim = (
            _(
                "At today's rates the backlog does not clear: {new:number1} cases come in each "
                "week and {done:number1} are resolved.",
                **words,
            )
            if sure
            else _(
                "Whether the backlog clears at today's rates is uncertain: {new:number1} cases "
                "come in each week and {done:number1} are resolved.",
                **words,
            )
        )
        importance = Importance.NOTABLE if sure else Importance.CONTEXT
        return Finding(claim, i18n.opening(line), importance=importance)
    claim = _(
        "At today's rates the {n:count} open cases are cleared in {days:count} days.", **words
    )
    span = (
        _("95% CI {low:count} to {high:count} days", low=days["low"], high=days["high"])
        if np.isfinite(days["high"])
        else _("95% CI {low:count} days or more", low=days["low"])
    )
    return Finding.of_row(
        days,
        claim,
        _("; ").join([span, line]),
        unit="days",
        measure="days_to_clear",
        verdict="unclear" if never > 1 - LEVEL else "",
        importance=Importance.CONTEXT,
    )
