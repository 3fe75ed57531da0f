"""Are service standards met, and how long do customers wait?

    fit = met(timed(cases, standards), by="severity")
    fit.table           # severity, term (first reply, solution), estimate: share in time, verdict
    waiting(rows, "solution", by="severity").curve         # share still waiting after each hour
    missed(fit, over="month")                              # records as `scores.warnings` has them

Open cases count for as long as they were watched (Kaplan and Meier 1958), so that a share is not
flattered by those that are not over. A median says nothing of those who wait longest: look at the
last tenth.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates, how_drawn
from cxlib.privacy import disclosure
from cxlib.service import shares
from cxlib.service.casebook import CLOCKS, about, needs
from cxlib.stats.estimators import Replicated
from cxlib.stats.intervals import percentile_interval, sidak_level

POINTS = 60  # of a curve
PARTS = (0.5, 0.9)  # of the cases, for which it has come
FEWEST = 10  # cases watched, for a curve to go on


@dataclass(frozen=True)
class Waiting(Estimates):
    """How long it takes.

    Attributes
    ----------
    table : [group,] term (half of the cases, nine in ten), estimate (hours until it has come to as
        many), low, high, n; infinite where the watch ended before
    curve : [group,] term, time (hours), estimate (share that waits still), low, high, n (watched)
    """

    curve: pd.DataFrame = field(kw_only=True)


def met(
    rows: pd.DataFrame,
    *,
    by: str | None = None,
    goal: float = 0.9,
    draws: int = 1000,
    seed: int = 1,
) -> Estimates:
    """Share of cases answered and solved within their standard, 95% intervals held together.

    `rows` are those of `timed`; each case is held to the standard of its own severity. Where hours
    are not on file, reply_in_time and solved_in_time may be (1, 0, or missing). table:
    [by,] term ("first reply", "solution"), estimate, low, high, n (cases with a standard), goal,
    verdict ("missed": the whole interval lies below the goal; "met": above it; else "open").
    Raises ValueError without a standard.
    """
    found = []
    for clock, (_unused, prefix, happened) in CLOCKS.items():
        if f"{prefix}_limit" not in rows or rows[f"{prefix}_limit"].isna().all():
            found += _as_told(rows, clock, by, draws, seed)
            continue
        own = rows[rows[f"{prefix}_limit"].notna()]
        # In units of its own limit, each case is to be over by 1.
        used = (own[f"{prefix}_hours"] / own[f"{prefix}_limit"]).to_numpy(float)
        names, place = shares.groups(own[by] if by else None, len(own))
        for k, name in enumerate(names):
            inside = place == k
            drawn = shares.reached(
                used[inside],
                own[happened].to_numpy()[inside],
                np.ones(1),
                shares.who_of(own[inside]),
                draws=draws,
                seed=seed,
            )
            found.append((name, clock, drawn, int(inside.sum())))
    if not found:
        raise ValueError(
            "no case has a standard. Give hours in study.yaml (service: {any: {solved_hours: 48}}) "
            "and pass them to service.timed(cases, standards)."
        )
    table, replicates = _packed(found, by, goal)
    return Estimates(
        table,
        _said(table, by, goal),
        i18n.together([*about(rows), _how(found, rows, draws)]),
        "share",
        draws=draws,
        seed=seed,
        replicates=replicates,
    )


def _as_told(
    rows: pd.DataFrame, clock: str, by: str | None, draws: int, seed: int
) -> list[tuple[str, str, Replicated, int]]:
    """(group, clock, share, n) of what the file itself says was in time; none where it does not."""
    column = {"first reply": "reply_in_time", "solution": "solved_in_time"}[clock]
    if column not in rows or rows[column].isna().all():
        return []
    names, drawn, n = shares.of_groups(
        rows[column], rows[by] if by else None, shares.who_of(rows), draws=draws, seed=seed
    )
    return [
        (
            name,
            clock,
            Replicated(drawn.estimate[[k]], drawn.replicates[:, [k]], drawn.units),
            int(n[k]),
        )
        for k, name in enumerate(names)
    ]


def _packed(found: list, by: str | None, goal: float) -> tuple[pd.DataFrame, np.ndarray]:
    n = np.array([f[3] for f in found])
    parts = [f[2] for f in found]
    both = Replicated(
        np.concatenate([d.estimate for d in parts]),
        np.concatenate([d.replicates for d in parts], axis=1),
        np.array([d.units for d in parts]),
    )
    low, high = shares.bounds(both, n, len(found))
    table = pd.DataFrame(
        {
            "term": [f[1] for f in found],
            "estimate": both.estimate,
            "low": low,
            "high": high,
            "n": n,
            "goal": goal,
            "verdict": np.select([high < goal, low >= goal], ["missed", "met"], "open"),
        }
    )
    if by:
        table.insert(0, by, [f[0] for f in found])
    return table, both.replicates


def _said(table: pd.DataFrame, by: str | None, goal: float) -> str:
    shown = disclosure.shown(table)
    if shown.empty:
        return _("Too few cases to say whether standards are met.")
    said = []
    for clock, part in shown.groupby("term", sort=False):
        row = part.loc[part["estimate"].idxmin()]
        facts = {
            "clock": i18n.opening(i18n.label(clock)),
            **shares.in_words(row),
            "goal": i18n.percent(goal),
            "group": _group(row, by),
        }
        said.append(
            _(
                "{clock} in time, lowest for {group}: {share} ({span}) of {n} cases; the goal "
                "is {goal}.",
                **facts,
            )
            if by
            else _("{clock} in time: {share} ({span}) of {n} cases; the goal is {goal}.", **facts)
        )
    return i18n.together(said)


def _group(row: pd.Series, by: str | None) -> str:
    """A group with what it is a group of: "low" alone says nothing."""
    if not by:
        return ""
    return _("{group:label} ({column:label})", group=row[by], column=by)


def _how(found: list, rows: pd.DataFrame, draws: int) -> str:
    undecided = sum(
        int(
            (
                rows[f"{p}_limit"].notna() & ~rows[h] & (rows[f"{p}_hours"] <= rows[f"{p}_limit"])
            ).sum()
        )
        for _, p, h in CLOCKS.values()
        if f"{p}_limit" in rows
    )
    said = [_("Hours are those of the calendar.")]
    if undecided:
        said.append(
            _(
                "{n:count} standards can be met still: they count as far as they were watched "
                "(Kaplan and Meier).",
                n=undecided,
            )
        )
    if len(found) > 1:
        said.append(_("The {cells:count} intervals hold together.", cells=len(found)))
    customers = "customer_id" if "customer_id" in rows else None
    return i18n.together([*said, how_drawn(draws, bucket=customers)])


def waiting(
    rows: pd.DataFrame,
    clock: str = "solution",
    *,
    by: str | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> Waiting:
    """Hours until half and nine in ten of the cases are answered or solved, and the whole curve.

    `clock` is "first reply" or "solution". Intervals of the table hold together; the band of a
    curve holds for each time of its own. Raises ValueError for a clock that is not on file.
    """
    if clock not in CLOCKS:
        raise ValueError(f"clock={clock!r} is not a choice. There are: {', '.join(CLOCKS)}.")
    _unused, prefix, happened = CLOCKS[clock]
    needs(rows, f"{prefix}_hours", happened, *([by] if by else []))
    hours = rows[f"{prefix}_hours"].to_numpy(float)
    names, place = shares.groups(rows[by] if by else None, len(rows))
    tables, curves = [], []
    for k, name in enumerate(names):
        inside = place == k
        own, came = hours[inside], rows[happened].to_numpy()[inside]
        at = _grid(own)
        drawn = shares.reached(own, came, at, shares.who_of(rows[inside]), draws=draws, seed=seed)
        tables.append(_parts(drawn, at, int(inside.sum()), sidak_level(len(names) * len(PARTS))))
        curves.append(_left(drawn, at, own, clock))
        if by:
            for table in (tables[-1], curves[-1]):
                table.insert(0, by, name)
    table = pd.concat(tables, ignore_index=True)
    customers = "customer_id" if "customer_id" in rows else None
    note = i18n.together([*about(rows), how_drawn(draws, bucket=customers)])
    return Waiting(
        table,
        _waited(table, clock, by),
        note,
        "hours",
        draws=draws,
        seed=seed,
        curve=pd.concat(curves, ignore_index=True),
    )


def _grid(hours: np.ndarray) -> np.ndarray:
    """Times of a curve: as many cases between one and the next; the end where few are watched."""
    hours = np.sort(hours)
    last = hours[max(len(hours) - FEWEST, len(hours) // 2)]
    grid = np.quantile(hours, np.linspace(0.01, 1, 4 * POINTS))
    return np.unique(np.append(grid[grid <= last], last))


def _parts(drawn: Replicated, at: np.ndarray, n: int, level: float) -> pd.DataFrame:
    found = []
    for part in PARTS:
        value = _first(drawn.estimate[None], at, part)[0]
        low, high = interval_of_times(_first(drawn.replicates, at, part), level)
        found.append((part, value, min(low, value), max(high, value), n))
    table = pd.DataFrame(found, columns=["term", "estimate", "low", "high", "n"])
    words = {0.5: _("half of the cases"), 0.9: _("nine cases in ten")}
    return table.assign(term=table["term"].map(words))


def _first(shares_: np.ndarray, at: np.ndarray, part: float) -> np.ndarray:
    """The first time by which it has come to the part of the cases; infinite where it has not."""
    over = shares_ >= part - 1e-12
    return np.where(over.any(1), at[over.argmax(1)], np.inf)


def interval_of_times(times: np.ndarray, level: float) -> tuple[float, float]:
    """Percentile interval of times, of which some may be infinite: (low, high)."""
    if np.isfinite(times).all():
        return tuple(float(v) for v in percentile_interval(times, level))
    ends = np.quantile(times, [(1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
    return float(ends[0]), float(ends[1])


def _left(drawn: Replicated, at: np.ndarray, hours: np.ndarray, clock: str) -> pd.DataFrame:
    low, high = shares.bounds(drawn, np.full(len(at), len(hours)))
    step = np.unique(np.linspace(0, len(at) - 1, POINTS).astype(int))
    watched = len(hours) - np.searchsorted(np.sort(hours), at)
    estimate = 1 - drawn.estimate
    curve = pd.DataFrame(
        {"term": clock, "time": at, "estimate": estimate, "low": 1 - high, "high": 1 - low}
    ).assign(n=watched)
    return curve.iloc[step].reset_index(drop=True)


def _waited(table: pd.DataFrame, clock: str, by: str | None) -> str:
    shown = disclosure.shown(table)
    if shown.empty:
        return _("Too few cases to say how long they wait.")
    last = shown[shown["term"] == shown["term"].iloc[-1]]
    row = last.loc[last["estimate"].idxmax()]
    facts = {
        "clock": clock,
        "part": row["term"],
        "hours": row["estimate"],
        "span": (row["low"], row["high"]),
        "n": row["n"],
        "group": _group(row, by),
    }
    if not np.isfinite(row["estimate"]):
        return _(
            "{clock:opening}: it did not come to {part} while they were watched; n {n:count}.",
            **facts,
        )
    if by:
        return _(
            "{clock:opening}, slowest for {group}: within {hours:count} hours ({span:interval0}) "
            "for {part}; n {n:count}.",
            **facts,
        )
    return _(
        "{clock:opening}: within {hours:count} hours ({span:interval0}) for {part}; n {n:count}.",
        **facts,
    )


def missed(fit: Estimates, wave: str) -> Estimates:
    """The standards that are missed for certain, as warnings: the furthest from the goal first.

    Columns as those of `scores.warnings`: wave, by, group, term, estimate (share in time less the
    goal), low, high, n, measure, signal, probability (of so low a share if the goal were met,
    normal law), first_seen, and kind ("standard missed"). Small cells give no warning.
    """
    from scipy.special import ndtr

    by = fit.table.columns[0] if fit.table.columns[0] != "term" else ""
    hidden = disclosure.hidden(fit.table) != ""
    rows = fit.table[(fit.table["verdict"] == "missed") & ~hidden]
    error = np.nanstd(fit.replicates[:, rows.index], axis=0, ddof=1)
    short = rows["estimate"] - rows["goal"]
    table = pd.DataFrame(
        {
            "wave": wave,
            "by": by,
            "group": rows[by].astype(str) if by else "",
            "term": rows["term"].map(IN_TIME),
            "estimate": short,
            "low": rows["low"] - rows["goal"],
            "high": rows["high"] - rows["goal"],
            "n": rows["n"],
            "measure": "csat",
            "signal": "below",
            "probability": ndtr(short / np.maximum(error, 1e-9)),
            "first_seen": wave,
            "kind": "standard missed",
        }
    ).sort_values("estimate", ignore_index=True)
    return Estimates(table, _warned(table, int((~hidden).sum())), fit.note, "share")


IN_TIME = {"first reply": "reply in time", "solution": "solved in time"}


def _warned(table: pd.DataFrame, looked: int) -> str:
    facts = {"count": len(table), "looked": looked}
    if table.empty:
        return _("No standard is missed for certain; {looked:count} were looked at.", **facts)
    first = table.iloc[0]
    name = i18n.label(first["term"])
    if first["group"]:
        name = _("{item} ({group:label})", item=name, group=first["group"])
    return _(
        "Standards missed: {count:count} of {looked:count}; furthest from its goal: {name}, by "
        "{short:number1} percentage points.",
        name=name,
        short=-100 * first["estimate"],
        **facts,
    )
