"""Scores of each group for one and the same mix of customers.

    measure = scores.measure_of(study.study.items["recommend"])
    fit = adjusted(answers, "recommend", by="channel", mix=["region", "age_group"], measure=measure)
    fit.table            # channel, term, estimate (adjusted), plain, low, high, n, verdict

Regression standardisation: the score that each group would have if its customers were those of all
groups together, in the same months. What is not in the mix is not adjusted for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd

from cxlib.channels.groups import TIMES, named
from cxlib.channels.mix import at_one_mix, comparable
from cxlib.core import i18n
from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.privacy import disclosure


class Score(Protocol):
    """What a score counts and how it is written (`scores.Measure`)."""

    kind: str
    scale: tuple[float, float] | None

    def recode(self, x: np.ndarray) -> np.ndarray:
        """What each answer counts."""

    def name(self, item: str) -> str:
        """What the number is called."""

    def key(self, item: str) -> str:
        """What is measured, the same on every page."""

    def level(self, value: float, *, bare: bool = False) -> str:
        """The score, as short as a claim says it."""

    def change(self, change: float) -> str:
        """The size of a difference between two scores."""

    def change_span(self, low: float, high: float) -> str:
        """The interval of a difference."""

    def span(self, low: float, high: float) -> str:
        """The interval of the score."""

    @property
    def factor(self) -> float:
        """The score is so many times the mean of what answers count."""

    @property
    def unit(self) -> str:
        """The unit of the score."""


def adjusted(
    sample: SampleLike, item: str, *, by: str, measure: Score, mix: Sequence[str] = ()
) -> Result:
    """The score of each group at the mix of customers of all groups together, in the same time.

    A group that was there in good months only is no better for it: the wave of the rows, or else
    their month (quarters where months are more than 32, then years) is held alike, too. Groups that
    have no period in common with the others, even by way of a third, are left out.

    Parameters
    ----------
    sample : answers with weights, clusters, draws and seed, and their wave or day (answered_on,
        opened_at, at) where it is known
    item : column of answers
    by : column of groups
    measure : what is counted; more is better
    mix : attributes of customers (or of rows: wave, severity) that are held alike; levels of fewer
        than 10 rows count together

    Returns
    -------
    Result with tables

    - "table": by, term, estimate (adjusted), low, high, n, simultaneous_low, simultaneous_high,
      plain (the score as it is), verdict (of the difference from all others)
    - "versus_rest": by, against, term, estimate (adjusted difference from all others), low, high,
      n, simultaneous_low, simultaneous_high

    Raises
    ------
    ValueError : columns that are absent
    InsufficientData : fewer than two groups have two answers, or none have a period in common

    References
    ----------
    Direct standardisation by regression: Little (1982), Journal of the American Statistical
    Association 77.

    Examples
    --------
    >>> rows = pd.DataFrame({"channel": ["web"] * 40 + ["phone"] * 40})
    >>> rows["age"] = ["young"] * 30 + ["old"] * 20 + ["young"] * 10 + ["old"] * 20
    >>> rows["solved"] = (rows["age"] == "young") * 1.0
    >>> from cxlib.scores import Measure
    >>> share = Measure("csat", (0, 1), 1)
    >>> fit = adjusted(rows, "solved", by="channel", measure=share, mix=["age"])
    >>> fit.table[["channel", "plain", "estimate"]].round(2).values.tolist()
    [['phone', 0.25, 0.5], ['web', 0.75, 0.5]]
    """
    sample = as_sample(sample)
    require_columns(sample.data, [item, by, *mix])
    answers = sample[item].to_numpy(float, na_value=np.nan)
    known = sample.where(~np.isnan(answers) & sample[by].notna())
    groups = comparable(known, by)
    if groups is None:
        raise InsufficientData(_("Too few answers to compare groups."))
    known = groups.sample
    y = measure.recode(known[item].to_numpy(float))
    found = at_one_mix(
        groups, item, y, mix, better="higher", limits=_limits(measure), factor=measure.factor
    )
    return Result(
        {"table": found.table, "versus_rest": found.versus},
        _finding(found.table, found.versus, by, measure, found.used),
        i18n.together(dict.fromkeys([_note(found.used), *found.notes])),
        measure.unit,
        draws=sample.draws,
        seed=sample.seed,
        replicates=found.replicates,
        parts={
            "measure": measure,
            "mix": found.used,
            "units": found.units,
            "share": found.share,
            "share_replicates": found.share_replicates,
            "waves": sorted(known["wave"].dropna().astype(str).unique()) if "wave" in known else [],
        },
    )


def _limits(measure: Score) -> tuple[float, float]:
    """The least and the most that the score can be."""
    unknown = measure.scale or (-np.inf, np.inf)
    return {"nps": (-100.0, 100.0), "csat": (0.0, 1.0)}.get(measure.kind, unknown)


def _note(used: Sequence[str]) -> str:
    if not used:
        return _("Not adjusted: no attribute of customers is known; name some in MIX.")
    return _(
        "Adjusted for {mix:label_list} by regression: the score of each group at the mix of all.",
        mix=used,
    )


def _finding(
    table: pd.DataFrame, versus: pd.DataFrame, by: str, measure: Score, used: Sequence[str]
) -> Finding:
    shown = disclosure.shown(table)
    if len(shown) < 2:
        return Finding(_("Too few answers to compare groups."), importance=Importance.METHOD)
    worse, differ = shown[shown["verdict"] == "worse"], shown[shown["verdict"] != "unclear"]
    pool = worse if len(worse) else differ if len(differ) else shown
    size = (versus["estimate"].abs() * np.sqrt(versus["n"]))[pool.index]
    row = pool.loc[size.idxmax()]
    gap = versus.loc[row.name]
    alike = [name for name in used if name not in TIMES]
    words: dict[str, Any] = {
        "what": i18n.opening(named(row["term"], measure.name)),
        "by": by,
        "group": i18n.quoted(i18n.label(str(row[by]))),
        "size": measure.change(gap["estimate"]),
        "span": measure.change_span(gap["low"], gap["high"]),
        "own": measure.span(row["low"], row["high"]),
        "level": measure.level(row["estimate"]),
        "plain": measure.level(row["plain"]),
        "n": row["n"],
    }
    if differ.empty:
        claim = (
            _("{what} does not differ significantly by {by:label} among like customers.", **words)
            if alike
            else _("{what} does not differ significantly by {by:label} at the same time.", **words)
            if used
            else _("{what} does not differ significantly by {by:label}.", **words)
        )
    elif gap["estimate"] < 0:
        claim = (
            _("{what} is {size} lower for {group} than for like customers elsewhere.", **words)
            if alike
            else _("{what} is {size} lower for {group} than elsewhere at the same time.", **words)
            if used
            else _("{what} is {size} lower for {group} than for all others.", **words)
        )
    else:
        claim = (
            _("{what} is {size} higher for {group} than for like customers elsewhere.", **words)
            if alike
            else _("{what} is {size} higher for {group} than elsewhere at the same time.", **words)
            if used
            else _("{what} is {size} higher for {group} than for all others.", **words)
        )
    detail = (
        _(
            "{group}: {level} adjusted (95% CI {own}), {plain} as it is; difference 95% CI {span}; "
            "n = {n:count}",
            **words,
        )
        if used
        else _("{group}: {level} (95% CI {own}); difference 95% CI {span}; n = {n:count}", **words)
    )
    return Finding.of_row(
        row,
        claim,
        detail,
        unit=measure.unit,
        at={by: str(row[by])},
        verdict=row["verdict"],
        importance=Importance.NOTABLE
        if len(worse)
        else Importance.ANSWER
        if len(differ)
        else Importance.CONTEXT,
    )
