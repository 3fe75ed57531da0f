"""How long do customers wait for the first response and for the resolution?

    fit = waiting_times(case_times(cases), "resolution", by="severity")
    fit.table           # severity, term (half of the cases, nine in ten), estimate: hours
    fit.curve           # share still waiting after each hour

Open cases count for as long as they were observed (Kaplan and Meier 1958). A median says nothing of
those who wait longest: look at the last tenth.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.errors import require_choice
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.service import shares
from cxlib.service.cases import CLOCKS, case_notes, require_case_columns
from cxlib.stats.estimators import Replicated
from cxlib.stats.intervals import LEVEL, percentile_interval
from cxlib.stats.notes import resampling_note

POINTS = 60  # of a curve
MEDIANS = {  # targets of study.yaml
    "first response": "median_hours_to_first_reply",
    "resolution": "median_hours_to_solution",
}
PARTS = (0.5, 0.9)  # of the cases, for which it has come
FEWEST = 10  # cases observed, for a curve to go on
ERRORS = np.linspace(-6, 6, 49)  # standard errors from a part, at which times are looked for


def waiting_times(
    sample: SampleLike, clock: str = "resolution", *, by: str | None = None
) -> Result:
    """Hours until half and nine in ten of the cases are answered or solved, and the whole curve.

    Parameters
    ----------
    sample : cases of `case_times`
    clock : "first response" or "resolution"
    by : column of groups

    Returns
    -------
    Result with "table": [by,] term (half of the cases, nine in ten), estimate (hours until it has
    come to as many; infinite where the observation ended before), low, high, n; and
    "curve": [by,] term, time (hours), estimate (share that still waits), low, high (for each time
    of its own), n (observed so long).

    Raises
    ------
    ValueError : unknown clock, or one that is not on file

    References
    ----------
    Kaplan and Meier (1958).

    Examples
    --------
    >>> from cxlib.service.cases import case_times
    >>> day, hours = pd.Timestamp("2026-03-02"), pd.to_timedelta(range(1, 201), unit="h")
    >>> cases = case_times(pd.DataFrame({"opened_at": day, "solved_at": day + hours}))
    >>> waiting_times(cases).table["estimate"].round().tolist()
    [100.0, 180.0]
    """
    sample = as_sample(sample)
    require_choice("clock", clock, CLOCKS)
    _unused, prefix, happened = CLOCKS[clock]
    require_case_columns(sample, f"{prefix}_hours", happened, *([by] if by else []))
    tables, curves = [], []
    for name, part in shares.group_samples(sample.of(f"{prefix}_hours", by), by):
        hours, n = part[f"{prefix}_hours"].to_numpy(float), part.counts
        came = part[happened].to_numpy()
        exact, near = _exact(hours, came, n, (grid := _grid(hours, n))[-1])
        every, at = np.union1d(grid, near), np.union1d(grid, exact)
        drawn = shares.cases_within(part, hours, came, every)
        tables.append(_quantiles(drawn, every, part.rows_of()))
        curves.append(_curve(drawn[np.searchsorted(every, at)], at, hours, n, clock))
        if by:
            for table in (tables[-1], curves[-1]):
                table.insert(0, by, name)
    table, curve = (sample.counted(pd.concat(t, ignore_index=True)) for t in (tables, curves))
    if by:  # a curve begins with all cases of its group
        curve = curve[curve[by].isin(disclosure.shown(table)[by])].reset_index(drop=True)
    return Result(
        {"table": table, "curve": curve},
        _finding(table, clock, by),
        i18n.together([*case_notes(sample), resampling_note(sample)]),
        "hours",
        draws=sample.draws,
        seed=sample.seed,
    )


def _grid(hours: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Times of a curve: as many cases between one and the next; the end where few are observed.

    `n` is how many cases each of the times has.
    """
    order = np.argsort(hours, kind="stable")
    hours, upto = hours[order], np.cumsum(n[order])
    cases = upto[-1]
    last = hours[np.searchsorted(upto, max(cases - FEWEST, cases // 2), "right")]
    parts = np.linspace(0.01, 1, 4 * POINTS)
    grid = np.quantile(hours, parts, method="inverted_cdf", weights=n[order])
    return np.unique(np.append(grid[grid <= last], last))


def _exact(
    hours: np.ndarray, came: np.ndarray, n: np.ndarray, last: float
) -> tuple[np.ndarray, np.ndarray]:
    """The times up to `last` by which it has come to `PARTS`, and those about them as well.

    Points of a curve are too far from each other for the interval of such a time among many cases.
    """
    every = np.unique(hours[hours <= last])
    share = shares.share_curve(hours, came, every)(n[None])
    times = [
        [_first_time(share, every, p + z * np.sqrt(p * (1 - p) / n.sum()))[0] for z in ERRORS]
        for p in PARTS
    ]
    exact, near = np.array([t[len(t) // 2] for t in times]), np.concatenate(times)
    return exact[np.isfinite(exact)], near[np.isfinite(near)]


def _quantiles(drawn: Replicated, at: np.ndarray, n: int) -> pd.DataFrame:
    found = []
    for part in PARTS:
        value = _first_time(drawn.estimate[None], at, part)[0]
        low, high = interval_of_times(_first_time(drawn.replicates, at, part), LEVEL)
        found.append((part, value, min(low, value), max(high, value), n))
    table = pd.DataFrame(found, columns=["term", "estimate", "low", "high", "n"])
    words = {0.5: _("half of the cases"), 0.9: _("nine cases in ten")}
    return table.assign(term=table["term"].map(words))


def _first_time(shares_: np.ndarray, at: np.ndarray, part: float) -> np.ndarray:
    """The first time by which it has come to the part of the cases; infinite where it has not."""
    over = shares_ >= part - 1e-12
    return np.where(over.any(1), at[over.argmax(1)], np.inf)


def interval_of_times(times: np.ndarray, level: float) -> tuple[float, float]:
    """Percentile interval of times, of which some may be infinite: (low, high)."""
    if np.isfinite(times).all():
        low, high = percentile_interval(times, level)
        return float(low), float(high)
    ends = np.quantile(times, [(1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
    return float(ends[0]), float(ends[1])


def _curve(
    drawn: Replicated, at: np.ndarray, hours: np.ndarray, n: np.ndarray, clock: str
) -> pd.DataFrame:
    low, high = shares.share_interval(drawn, np.full(len(at), n.sum()))
    step = np.unique(np.linspace(0, len(at) - 1, POINTS).astype(int))
    order = np.argsort(hours)
    before = np.append(0, np.cumsum(n[order]))[np.searchsorted(hours[order], at)]
    watched = (n.sum() - before).astype(int)
    estimate = 1 - drawn.estimate
    curve = pd.DataFrame(
        {"term": clock, "time": at, "estimate": estimate, "low": 1 - high, "high": 1 - low}
    ).assign(n=watched)
    return curve.iloc[step].reset_index(drop=True)


def _finding(table: pd.DataFrame, clock: str, by: str | None) -> Finding:
    """How long half of the cases wait, and nine in ten; by group, of the slowest."""
    shown = disclosure.shown(table)
    if shown.empty:
        claim = _("Too few cases to say how long they wait.")
        return Finding(claim, importance=Importance.METHOD)
    half, most = (shown[shown["term"] == term] for term in shown["term"].unique()[:2])
    row = half.loc[half["estimate"].idxmax()]
    last = most.iloc[half.index.get_loc(row.name)]
    done = {"first response": _("given a first response"), "resolution": _("resolved")}[clock]
    words = {"n": row["n"], "group": shares.group_name(row, by), "done": done}
    if not np.isfinite(row["estimate"]):
        claim = _("Fewer than half of the cases were {done} while they were observed.", **words)
        return Finding(claim, _("n = {n:count}", **words), importance=Importance.NOTABLE)
    words |= {"half": duration(row["estimate"]), "most": duration(last["estimate"])}
    if by:
        claim = _("Half of the cases with {group} take more than {half} to be {done}.", **words)
    elif np.isfinite(last["estimate"]):
        claim = _("Half of the cases are {done} within {half}, nine in ten within {most}.", **words)
    else:
        claim = _(
            "Half of the cases are {done} within {half}; nine in ten not while they were observed.",
            **words,
        )
    lines = [_("half: {time}", time=_interval(row))]
    if np.isfinite(last["estimate"]):
        lines.append(_("nine in ten: {time}", time=_interval(last)))
    return Finding.of_row(
        row,
        claim,
        _("; ").join([*lines, _("n = {n:count}", **words)]),
        unit="hours",
        measure=MEDIANS[clock],
        at={by: str(row[by])} if by else {},
        importance=Importance.CONTEXT if by else Importance.ANSWER,
    )


def duration(hours: float) -> str:
    """A time as readers count it: minutes, hours, or days from two days on."""
    if not np.isfinite(hours):
        return "–"
    if hours < 2:
        return _("{time:number1} minutes", time=60 * hours)
    if hours < 48:
        return _("{time:number1} hours", time=hours)
    return _("{time:number1} days", time=hours / 24)


def _interval(row: pd.Series) -> str:
    """The interval of a time, in the unit that the time is written in."""
    hours, low, high = row["estimate"], row["low"], row["high"]
    scale = 1 / 60 if hours < 2 else 1.0 if hours < 48 else 24.0
    span = (
        i18n.span(low / scale, high / scale)
        if np.isfinite(high)
        else _("{low:number1} or more", low=low / scale)
    )
    return _("{time} (95% CI {span})", time=duration(hours), span=span)
