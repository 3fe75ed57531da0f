"""Driver importance in each group, and how far it is from everybody's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import deciding_ends
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.drivers import notes
from cxlib.drivers.importance import decompose
from cxlib.drivers.specification import Drivers, Specification, specify
from cxlib.privacy import disclosure
from cxlib.stats import moments
from cxlib.stats.intervals import interval_columns
from cxlib.stats.notes import simultaneous_note


def importance_by(
    sample: SampleLike,
    outcome: str,
    drivers: Drivers,
    by: str,
    *,
    kind: str = "linear",
    missing: str = "complete",
) -> Result:
    """Shares of R² in each group of a column, and their differences from everybody's.

    Parameters
    ----------
    sample : answers, a row each
    outcome, drivers, kind, missing : as in `importance`
    by : column of the groups

    Returns
    -------
    Result with the tables "table" (by, term, estimate, low, high, n) and "differences" (the same,
    from everybody's), with pointwise intervals; simultaneous limits (max-t over groups and drivers)
    stand in columns of their own. A group too small or too uniform for a regression is left blank
    and named in the note.

    Raises
    ------
    ValueError : as in `importance`; no such column, or no group in it

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> rows = pd.DataFrame(rng.normal(size=(200, 2)), columns=["room", "price"])
    >>> rows["recommend"] = rows["room"] + rng.normal(size=200)
    >>> rows["region"] = ["north", "south"] * 100
    >>> importance_by(rows, "recommend", ["room", "price"], "region").table["region"].tolist()
    ['north', 'north', 'south', 'south']
    """
    sample = as_sample(sample)
    spec = specify(sample, outcome, drivers, missing, in_rows=kind != "linear")
    assert isinstance(spec.sample, Sample)
    counted = isinstance(spec.sample, moments.Stored)
    of_groups = (sample if counted else spec.sample).of("", by)  # by customer: a few are hidden
    overall, groups = decompose(spec, "shapley", kind), moments.groups_of(of_groups.data, by)
    parts = [replace(spec, sample=spec.sample.only(by, [g])) for g in groups]
    fits = [_shares(part, kind) for part in parts]
    point = np.concatenate([p for p, _drawn in fits])
    drawn = np.concatenate([d for _point, d in fits], axis=1)
    k = len(spec.terms)
    frame = pd.DataFrame(
        {by: np.repeat([str(g) for g in groups], k), "term": spec.terms * len(groups)}
    )
    n = np.repeat([part.usable() for part in parts], k)
    ends = {c: end.clip(0, 1) for c, end in interval_columns(point, drawn).items()}
    table = frame.assign(estimate=point, n=n, **ends)
    difference = point - np.tile(overall.shares, len(groups))
    apart = drawn - np.tile(overall.share_replicates, (1, len(groups)))
    differences = frame.assign(estimate=difference, n=n, **interval_columns(difference, apart))
    table, differences = (of_groups.counted(t) for t in (table, differences))
    blank = [g for g, (p, _drawn) in zip(groups, fits, strict=True) if np.isnan(p).any()]
    note = [
        *overall.notes[:-1],
        simultaneous_note(len(table)),
        _blank_note(blank, by),
        notes.failures_note(drawn[:, ~np.isnan(point)]),
    ]
    return Result(
        {"table": table, "differences": differences},
        _finding(differences, by, outcome),
        i18n.together(note),
        "share",
        **spec.sample.bootstrap,
    )


def _shares(spec: Specification, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Shares in one group and its resamples; NaN where the group cannot carry a regression."""
    k = len(spec.terms)
    try:
        with np.errstate(invalid="ignore", divide="ignore"):
            parts = decompose(spec, "shapley", kind)
            return parts.shares, parts.share_replicates
    except (ValueError, np.linalg.LinAlgError):  # too few, too uniform, or contradicting answers
        return np.full(k, np.nan), np.full((spec.sample.draws, k), np.nan)


def _blank_note(groups: list[Any], by: str) -> str:
    if not groups:
        return ""
    return _(
        "Left blank, too few or too uniform answers: {groups} ({by:label}).",
        groups=_("; ").join(i18n.label(str(g)) for g in groups),
        by=by,
    )


def _finding(differences: pd.DataFrame, by: str, outcome: str) -> Finding:
    known = disclosure.shown(differences).dropna(subset=["low", "high"])
    low, high = deciding_ends(known)
    significant = known[(low > 0) | (high < 0)]
    facts: dict[str, object] = {"by": by, "outcome": outcome}
    if known.empty:
        return Finding(
            _("No group of {by:label} has enough answers to explain {outcome:quoted}.", **facts)
        )
    rows = significant if len(significant) else known
    row = rows.loc[rows["estimate"].abs().idxmax()]
    facts |= {
        "driver": row["term"],
        "group": row[by],
        "difference": i18n.signed(100 * row["estimate"]),
        "span": (100 * row["low"], 100 * row["high"]),
        "n": row["n"],
    }
    if significant.empty:
        claim = _("The drivers of {outcome:quoted} do not differ significantly by {by:label}.",
                  **facts)  # fmt: skip
        return Finding(claim, verdict="unchanged", importance=Importance.CONTEXT)
    if row["estimate"] > 0:
        claim = _(
            "What drives {outcome:quoted} differs by {by:label}: {driver:quoted} counts for more "
            "in {group:label} than among all customers.",
            **facts,
        )
    else:
        claim = _(
            "What drives {outcome:quoted} differs by {by:label}: {driver:quoted} counts for less "
            "in {group:label} than among all customers.",
            **facts,
        )
    return Finding.of_row(
        row,
        claim,
        _("{difference} percentage points of explained variance; 95% CI {span:interval1}; n = "
          "{n:count}", **facts),
        unit="share",
        measure="driver_share_difference",
        at={"outcome": outcome, "driver": str(row["term"]), by: str(row[by])},
        importance=Importance.NOTABLE,
    )  # fmt: skip
