"""Each warning opened into what went with it: which group, driver, touchpoint, topic, process.

    tree = causes(found, alarms, ratings={"delivery": "delivery"})
    tree.table       # warning, wave, link, term, estimate, low, high, n, verdict, needed

The links are read from what other notebooks kept of the same wave; none of them is a proof. Where
an interval holds zero the data cannot tell, and `needed` is the smallest n with which a difference
of the size seen would show in four cases of five.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlib import page
from cxlib.actions.alarms import Alarms, name_of
from cxlib.actions.series import MOVED, NORMAL, Found
from cxlib.estimates import Estimates

POWER = 0.8416212335729143  # the normal quantile of four cases in five
TOLD, OPEN, NOT_ASKED = "goes with it", "cannot tell", "not asked"
LINKS = ("group", "driver", "touchpoint", "topic", "process")
WORDS = (*("goes with it", "cannot tell", "not asked", "topic", "process", "causes", "link"),
         *("warning", "needed", "touchpoint", "group", "driver"))  # fmt: skip
COLUMNS = ["warning", "wave", "link", "term", "estimate", "low", "high", "n", "unit", "verdict",
           "needed"]  # fmt: skip


@dataclass(frozen=True)
class Moved:
    """How far things of one kind moved in one wave, with the standard error of each."""

    names: list[str]
    size: np.ndarray
    error: np.ndarray
    n: np.ndarray
    unit: str = ""


@dataclass(frozen=True)
class Causes(Estimates):
    """What went with each warning: `sentences` in words, one a warning; `table` a row a link."""

    sentences: tuple[str, ...] = ()


def causes(
    found: Found,
    alarms: Alarms,
    *,
    ratings: Mapping[str, str] | None = None,
    most: int = 5,
) -> Causes:
    """The tree of the `most` clearest warnings of scores, falls first; a row a link.

    table: COLUMNS. Of each link the term that moved most in the warning's direction, in the wave in
    which it began: group (outcome, from 12), driver (how far the question moved times what a point
    of it goes with in the outcome, from 12 and 21), touchpoint (the contact that question rates,
    `ratings`: touchpoint -> question), topic (share of comments, from 23), process (complaints
    about the touchpoint for a thousand contacts, less those about all others, from 24). All
    candidates of a link are compared at once (Bonferroni). verdict "goes with it", "cannot tell"
    (needed says which n could) or "not asked" (no notebook kept it).
    """
    moved = alarms.table[alarms.table["kind"] == MOVED]
    order = np.lexsort((moved["adjusted"], moved["estimate"] > 0))  # falls first
    chosen = moved.iloc[order].head(most)
    rated = {item: touchpoint for touchpoint, item in (ratings or {}).items()}
    rows: list[dict] = []
    for alarm in chosen.to_dict("records"):
        alarm["wave"] = alarm["first_seen"] or alarm["wave"]  # where it began, not where it peaked
        about = {"warning": name_of(alarm), "wave": alarm["wave"]}
        for link in _links(found, alarm, rated):
            rows.append(about | link)
    table = pd.DataFrame(rows, columns=COLUMNS)
    note = page.say(
        "What moved in the same wave as the warning; it goes with it and is no proof. Needed: the "
        "answers with which a difference of the size seen would show in four cases of five."
    )
    if table.empty:
        none = page.say("No score of a wave is warned of, so there is nothing to open.")
        return Causes(table, none, note)
    said = [_sentence(rows) for _, rows in table.groupby("warning", sort=False)]
    return Causes(table, said[0], note, sentences=tuple(said))


def _links(found: Found, alarm: dict, touchpoints: dict) -> Iterator[dict]:
    down = alarm["estimate"] < 0
    yield _best("group", _groups(found, alarm), down)
    driver = _best("driver", _drivers(found, alarm), down)
    yield driver
    touchpoint = _touchpoint(driver, alarm, touchpoints)
    yield touchpoint
    yield _best("topic", _topics(found, alarm), not down)
    yield _process(found, touchpoint)


def _best(link: str, moved: Moved | None, down: bool) -> dict:
    """The candidate that moved most, for its error, in the direction; told, or not."""
    if moved is None or not len(moved.names):
        return _unasked(link)
    z = np.where(moved.error > 0, moved.size / np.maximum(moved.error, 1e-12), 0.0)
    at = int(np.argmin(z) if down else np.argmax(z))
    reach = _quantile(len(moved.names)) * moved.error[at]
    size = float(moved.size[at])
    low, high = size - reach, size + reach
    clear = high < 0 if down else low > 0
    return {
        "link": link, "term": moved.names[at], "estimate": size, "low": low, "high": high,
        "n": int(moved.n[at]), "unit": moved.unit, "verdict": TOLD if clear else OPEN,
        "needed": np.nan if clear else _needed(moved, at),
    }  # fmt: skip


def _quantile(count: int) -> float:
    from scipy.special import ndtri

    return float(ndtri(1 - 0.025 / max(count, 1)))


def _needed(moved: Moved, at: int) -> float:
    """n with which a move of this size shows in four cases of five, at this many candidates."""
    if not moved.size[at]:
        return np.nan
    times = (_quantile(len(moved.names)) + POWER) * moved.error[at] / abs(moved.size[at])
    return float(np.ceil(moved.n[at] * times**2))


def _unasked(link: str) -> dict:
    numbers = dict.fromkeys(("estimate", "low", "high", "n", "needed"), np.nan)
    return numbers | {"link": link, "term": "–", "unit": "", "verdict": NOT_ASKED}


def _at_wave(limits: pd.DataFrame | None, wave: str) -> pd.DataFrame:
    """The rows of the wave whose numbers are shown, with `size` and its standard `error`."""
    if limits is None:
        return pd.DataFrame()
    over = limits.columns[list(limits.columns).index("term") - 1]
    rows = limits[(limits[over].astype(str) == wave) & limits["z"].notna() & limits["n"].notna()]
    size = rows["estimate"] - rows["centre"]
    error = (size / rows["z"]).abs()
    return rows.assign(size=size, error=error)[error > 0]


def _limits(found: Found, name: str) -> pd.DataFrame | None:
    fit = found.get("12", {}).get(name)
    return getattr(fit, "tables", {}).get("limits")


def _groups(found: Found, alarm: dict) -> Moved | None:
    limits = _limits(found, "groups")
    rows = _at_wave(limits, alarm["wave"])
    if rows.empty:
        return None
    by = limits.columns[0]
    unit = found["12"]["groups"].unit
    return Moved(list(rows[by].astype(str)), *_numbers(rows), unit=unit)


def _numbers(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return tuple(rows[c].to_numpy(float) for c in ("size", "error", "n"))


def _gains(found: Found) -> pd.DataFrame:
    """What a point of each driver goes with in the outcome, from 21."""
    for name in ("gains", "first"):
        if name in found.get("21", {}):
            table = found["21"][name].table
            return table[table["estimate"].notna()].set_index("term")
    return pd.DataFrame()


def _drivers(found: Found, alarm: dict) -> Moved | None:
    """How far each driver's question moved, times what a point of it goes with."""
    rows, gains = _at_wave(_limits(found, "questions"), alarm["wave"]), _gains(found)
    rows = rows[rows["term"].isin(gains.index)] if len(rows) and len(gains) else rows.iloc[:0]
    if alarm["term"] in gains.index:  # the warning is of a driver: what it took with it
        rows = rows[rows["term"] == alarm["term"]]
    if rows.empty:
        return None
    own = gains.loc[rows["term"]]
    gain = own["estimate"].to_numpy(float)
    unsure = ((own["high"] - own["low"]) / (2 * NORMAL)).to_numpy(float)
    size, error, n = _numbers(rows)
    return Moved(
        list(rows["term"]), gain * size, np.sqrt((gain * error) ** 2 + (size * unsure) ** 2), n,
        "scale",
    )  # fmt: skip


def _touchpoint(driver: dict, alarm: dict, touchpoints: dict) -> dict:
    """The contact that the driver's question rates, with the question's numbers."""
    name = touchpoints.get(alarm["term"]) or touchpoints.get(driver["term"])
    if not name:
        return _unasked("touchpoint")
    return driver | {"link": "touchpoint", "term": name}


def _topics(found: Found, alarm: dict) -> Moved | None:
    """How far the share of comments on each topic moved, from the waves that 23 kept."""
    for fit in found.get("23", {}).values():
        for table in (fit.table, *getattr(fit, "tables", {}).values()):
            if {"wave", "term", "estimate", "low", "high"} <= set(table) and fit.unit == "share":
                moved = _of_waves(table, alarm["wave"])
                if moved is not None:
                    return moved
    return None


def _of_waves(table: pd.DataFrame, wave: str) -> Moved | None:
    """A wave's shares less those of the wave before, term by term."""
    waves = sorted(table["wave"].astype(str).unique())
    if wave not in waves[1:]:
        return None
    both = [table[table["wave"].astype(str) == w].set_index("term")
            for w in (waves[waves.index(wave) - 1], wave)]  # fmt: skip
    known = [t for t in both[1].index if t in both[0].index]
    before, after = (b.loc[known] for b in both)
    size = (after["estimate"] - before["estimate"]).to_numpy(float)
    error = np.hypot(*(((b["high"] - b["low"]) / (2 * NORMAL)).to_numpy(float)
                       for b in (before, after)))  # fmt: skip
    n = after["n"].to_numpy(float) if "n" in after else np.full(len(known), np.nan)
    good = ~np.isnan(size) & ~np.isnan(error) & ~np.isnan(n) & (error > 0)
    names = [k for k, g in zip(known, good, strict=True) if g]
    return Moved(names, size[good], error[good], n[good], "share") if names else None


def _process(found: Found, touchpoint: dict) -> dict:
    """Complaints about the touchpoint, beside those about all others, and who can solve them."""
    kept, name = found.get("24", {}), touchpoint["term"]
    rate = kept["complaint_rate"].table if "complaint_rate" in kept else pd.DataFrame()
    rows = rate[rate["estimate"].notna()] if len(rate) else rate
    own = rows[rows["term"] == name] if len(rows) else rows
    if touchpoint["verdict"] == OPEN:
        return _unasked("process") | {"verdict": OPEN}
    if own.empty:
        return _unasked("process")
    row, rest = own.iloc[0], rows[rows["term"] != name]
    usual = np.average(rest["estimate"], weights=rest["n"] / rest["estimate"]) if len(rest) else 0.0
    numbers = {k: float(row[k] - usual) for k in ("estimate", "low", "high")}
    clear, error = numbers["low"] > 0, (row["high"] - row["low"]) / (2 * NORMAL)
    sizes = (np.array([v], float) for v in (numbers["estimate"], error, row["n"]))
    moved = Moved([name], *sizes)
    return numbers | {
        "link": "process", "term": _who_solves(kept, name), "n": int(row["n"]), "unit": "rate",
        "verdict": TOLD if clear else OPEN, "needed": np.nan if clear else _needed(moved, 0),
    }  # fmt: skip


def _who_solves(kept: Mapping[str, Estimates], name: str) -> str:
    """The complaints, and the level that can solve them where 24 says so."""
    about = kept["categories"].table if "categories" in kept else pd.DataFrame()
    row = about[about["term"] == name] if len(about) else about
    if row.empty:
        return page.say("complaints about {name}", name=page.label(name))
    return page.say("complaints about {name}, to be solved at the level {level}",
                    name=page.label(name), level=page.label(str(row["level"].iloc[0])))  # fmt: skip


def _sentence(rows: pd.DataFrame) -> str:
    """What went with one warning, link by link with its numbers, and what the data cannot tell."""
    facts = {"warning": rows["warning"].iloc[0], "wave": page.label(str(rows["wave"].iloc[0]))}
    told = page.listed(_link(r) for r in rows[rows["verdict"] == TOLD].to_dict("records"))
    open_ = page.listed(_open(r) for r in rows[rows["verdict"] == OPEN].to_dict("records"))
    said = []
    if told:
        said.append(page.say("With {warning} in {wave} went: {links}.", links=told, **facts))
    if open_:
        said.append(page.say("What else went with it the data cannot tell: {names}.", names=open_)
                    if told else
                    page.say("What went with {warning} in {wave} the data cannot tell: {names}.",
                             names=open_, **facts))  # fmt: skip
    if len(never := rows[rows["verdict"] == NOT_ASKED]):
        names = page.listed(map(page.label, never["link"]))
        said.append(page.say("No notebook told of: {names}.", names=names))
    return page.together(said)


def _open(row: dict) -> str:
    """A link that the data cannot tell, with the n that could."""
    link = page.label(row["link"])
    if row["needed"] != row["needed"]:
        return link
    return page.say("{link} ({n} answers would)", link=link, n=page.count(row["needed"]))


def _link(row: dict) -> str:
    share = row["unit"] == "share"
    write = page.percent if share else lambda v: page.number(v, 2 if abs(v) < 10 else 1)
    return page.say(
        "{link} {term} {size} ({span})", link=page.label(row["link"]),
        term=page.quoted(page.label(str(row["term"]))), size=write(row["estimate"]),
        span=page.say("{low} to {high}", low=write(row["low"]), high=write(row["high"])),
    )  # fmt: skip
