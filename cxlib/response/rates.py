"""The share of those invited who answered: by wave, and by what is known of customers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import i18n, periods
from cxlib.core.columns import SIMULTANEOUS
from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import _, mark
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.stats import estimators, resampling
from cxlib.stats.estimators import Replicated, share_interval
from cxlib.stats.notes import resampling_note, simultaneous_note

(RATE,) = mark("response rate")
FURTHER = 0.02  # a response rate within it of the rate of all is near enough


def by_wave(asked: SampleLike, over: str = "wave") -> Result:
    """Response rate of each wave, and whether the last differs from the one before.

    Parameters
    ----------
    asked : of `invited`
    over : column of the waves; without it all invitations are one

    Returns
    -------
    Result with tables

    - "table": [wave,] term, estimate (share who answered), low, high, n (invited)
    - "change": wave, against, term, estimate (difference of shares), low, high, n

    and the part rates, as `scores.nonresponse` takes it: {wave: share}, or the share of all.

    Raises
    ------
    ValueError : the rows are not those of `invited`

    References
    ----------
    AAPOR (2023), Standard Definitions, response rate 1; Wilson (1927) for the intervals.

    Examples
    --------
    >>> rows = pd.DataFrame({"wave": ["a"] * 40 + ["b"] * 40, "answered": [True, False] * 40})
    >>> by_wave(rows).table["estimate"].tolist()
    [0.5, 0.5]
    """
    asked = as_sample(asked)
    require_columns(asked.data, ["answered"], "invitations")
    waves = sorted(asked[over].dropna().astype(str).unique()) if over in asked else []
    known = asked.where(asked[over].notna()) if waves else asked
    place = known[over].astype(str).map(waves.index) if waves else np.zeros(len(known), int)
    found, n = _shares(known, np.asarray(place, int), max(len(waves), 1))
    low, high = share_interval(found, n)
    table = pd.DataFrame(
        {"term": RATE, "estimate": found.estimate, "low": low, "high": high, "n": n}
    )
    tables, notes = {"table": table}, [resampling_note(asked)]
    each = found.estimate.tolist()
    rates = dict(zip(waves, each, strict=True)) if waves else each[0]
    if not waves:
        return _result(tables, _level(table.iloc[0]), notes, asked, rates)
    table.insert(0, over, waves)
    tables["table"] = table = known.counted(table)
    shown = disclosure.shown(table)
    if shown.empty:
        return _result(tables, Finding(disclosure.left_out()), notes, asked, rates)
    now = shown.index[-1]
    if len(shown) == 1:
        return _result(tables, _level(table.loc[now], waves[now]), notes, asked, rates)
    before = shown.index[-2]
    gap = found[now] - found[before]
    ends = gap.interval()
    change = {over: waves[now], "against": waves[before], "term": RATE, "estimate": gap.estimate}
    change |= {"low": ends[0], "high": ends[1], "n": int(min(n[now], n[before]))}
    tables["change"] = pd.DataFrame([change])
    moved = _changed(table.loc[now], tables["change"].iloc[0])
    return _result(tables, moved, notes, asked, rates)


def by_attribute(asked: SampleLike, attributes: Sequence[str]) -> Result:
    """Response rate of each group of customers, and which differ from all who were invited.

    Parameters
    ----------
    asked : of `invited`, with the attributes as columns
    attributes : columns of groups

    Returns
    -------
    Result whose table has attribute, term (group), estimate (share who answered), low, high, n
    (invited), simultaneous_low, simultaneous_high (Šidák, over all groups), overall (the share of
    all), differs

    Raises
    ------
    InsufficientData : no attribute has two groups
    ValueError : columns that are absent

    Examples
    --------
    >>> rows = pd.DataFrame({"plan": ["a"] * 50 + ["b"] * 50, "answered": [1] * 40 + [0] * 60})
    >>> print(by_attribute(rows, ["plan"]))
    Customers whose plan is b answer least: 0% of those invited, compared with 40% of all.
    """
    asked = as_sample(asked)
    require_columns(asked.data, ["answered", *attributes], "invitations")
    parts = []
    overall = float(asked["answered"].astype(float).mean())
    for attribute in attributes:
        known = asked.where(asked[attribute].notna())
        names = sorted(known[attribute].astype(str).unique())
        if len(names) < 2:
            continue
        place = known[attribute].astype(str).map(names.index).to_numpy(int)
        found, n = _shares(known, place, len(names))
        people = pd.Series(known.clusters).groupby(place).nunique().to_numpy(float)
        parts.append((attribute, names, found, n, people))
    if not parts:
        raise InsufficientData(_("Nothing is known of those invited that could be compared."))
    held = sum(len(names) for _a, names, *_rest in parts)
    tables = []
    for attribute, names, found, n, _people in parts:
        low, high = share_interval(found, n)
        wide = dict(zip(SIMULTANEOUS, share_interval(found, n, held), strict=True))
        ends = {"low": low, "high": high, "n": n, **wide}
        rows = {"attribute": attribute, "term": names, "estimate": found.estimate}
        tables.append(pd.DataFrame({**rows, **ends}))
    table = pd.concat(tables, ignore_index=True).assign(overall=overall)
    beyond = (table[SIMULTANEOUS[0]] > overall) | (table[SIMULTANEOUS[1]] < overall)
    table["differs"] = beyond & ((table["estimate"] - overall).abs() > FURTHER)
    table = disclosure.with_people(table, np.concatenate([people for *_rest, people in parts]))
    notes = [simultaneous_note(held), resampling_note(asked)]
    least = _least(disclosure.shown(table))
    return _result({"table": table}, least, notes, asked, overall=overall)


def _shares(asked: Sample, place: np.ndarray, cells: int) -> tuple[Replicated, np.ndarray]:
    """Share who answered in each cell, with its replicates, and how many were invited."""
    answered = asked["answered"].to_numpy(float)
    found = estimators.cell_means(answered, place, cells, **resampling.design(asked))
    return found[:, 0], np.bincount(place, minlength=cells)


def _result(
    tables: dict[str, pd.DataFrame],
    finding: Finding,
    notes: list[str],
    asked: Sample,
    rates: dict[str, float] | float | None = None,
    **parts: object,
) -> Result:
    said = i18n.together(notes)
    parts |= {"rates": rates}
    return Result(tables, finding, said, "share", **asked.bootstrap, parts=parts)


def _interval(row: pd.Series) -> str:
    ci = i18n.span(row["low"], row["high"], 1, share=True)
    return _("95% CI {ci}; {n:count} invited", ci=ci, n=row["n"])


def _level(row: pd.Series, wave: str = "") -> Finding:
    """The rate of the only wave, or of all invitations."""
    claim = (
        _("{rate:rate} of those invited in {wave:label} answered.", rate=row["estimate"], wave=wave)
        if wave
        else _("{rate:rate} of those invited answered.", rate=row["estimate"])
    )
    slots: dict[str, Any] = {
        "unit": "share",
        "measure": "response_rate",
        "importance": Importance.ANSWER,
    }
    return Finding.of_row(row, claim, _interval(row), **slots)


def _changed(now: pd.Series, change: pd.Series) -> Finding:
    """The rate of the last wave, and how it moved."""
    words = {
        "rate": now["estimate"],
        "wave": now["wave"],
        "before": periods.before(now["wave"], change["against"]),
        "then": now["estimate"] - change["estimate"],
    }
    verdict, importance = "unclear", Importance.ANSWER
    if change["high"] < 0:
        verdict, importance = "worse", Importance.NEWS
        claim = _(
            "{rate:rate} of those invited in {wave:label} answered, significantly fewer than "
            "{before} ({then:rate}).",
            **words,
        )
    elif change["low"] > 0:
        verdict, importance = "better", Importance.ANSWER
        claim = _(
            "{rate:rate} of those invited in {wave:label} answered, significantly more than "
            "{before} ({then:rate}).",
            **words,
        )
    else:
        claim = _(
            "{rate:rate} of those invited in {wave:label} answered, not significantly different "
            "from {before} ({then:rate}).",
            **words,
        )
    return Finding.of_row(
        now,
        claim,
        _interval(now),
        unit="share",
        measure="response_rate",
        at={"wave": str(now["wave"])},
        previous=float(words["then"]),
        change=float(change["estimate"]),
        verdict=verdict,
        importance=importance,
    )


def _least(shown: pd.DataFrame) -> Finding:
    """The group that answers least of those that differ."""
    low = shown[shown["differs"] & (shown["estimate"] < shown["overall"])]
    if low.empty:
        claim = _("No group of those invited answers significantly less than all others.")
        detail = _("{n:count} groups compared", n=len(shown))
        return Finding(claim, detail, importance=Importance.CONTEXT)
    row = low.loc[low["estimate"].idxmin()]
    claim = _(
        "Customers whose {attribute:inner} is {group:quoted} answer least: {rate:rate} of "
        "those invited, compared with {overall:rate} of all.",
        attribute=row["attribute"],
        group=row["term"],
        rate=row["estimate"],
        overall=row["overall"],
    )
    at = {str(row["attribute"]): str(row["term"])}
    slots: dict[str, Any] = {
        "unit": "share",
        "measure": "response_rate",
        "importance": Importance.ANSWER,
    }
    return Finding.of_row(row, claim, _interval(row), at=at, **slots)
