"""Does a randomised change work for some groups more than for others?

    fit = impact.effects_by_group(sample, "recommend", treated="called", by="plan")
    fit.table          # plan, term, estimate (effect), low, high, n; simultaneous intervals
    fit.differences    # of each group's effect from that of all others, with adjusted p

Groups must be known before the change and chosen before its effects are seen: of many groups one
always looks best. The verdict on differences is by p adjusted for all groups.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.stats import intervals, moments, pvalues, resampling
from cxlib.stats.estimators import cell_means
from cxlib.stats.notes import resampling_note

FEWEST = 10  # customers of a group in each arm


def effects_by_group(
    sample: SampleLike, outcome: str, *, treated: str, by: str, unit: str = ""
) -> Result:
    """The effect of a randomised treatment in each group, and whether effects differ.

    Parameters
    ----------
    sample : answers or customers of the trial, with weights, clusters, draws and seed
    outcome : column of numbers, measured after the change
    treated : column that is true or false (1 or 0), assigned at random
    by : column of groups, known before the change
    unit : unit of the outcome ("points", "gap" for one of 0 and 1, a currency)

    Returns
    -------
    Result with the tables

    - table: `by`, term (the outcome), estimate (mean of the treated less that of the others), low,
      high (pointwise 95% intervals), simultaneous_low, simultaneous_high, n, treated (of them)
    - differences: `by`, estimate (the group's effect less that of all other groups together, in
      proportion to their weights), low, high, n, p (adjusted for all groups by max-t)

    and the part p, of the test that effects are the same in all groups: the smallest p of these.
    Groups with fewer than 10 customers in an arm are left out, and counted in the notes.

    Raises
    ------
    ValueError : missing columns, a treatment that is not true or false, an outcome that is text
    InsufficientData : fewer than two groups are left

    References
    ----------
    Rothwell (2005), Lancet 365: subgroup analysis; Westfall and Young (1993) for max-t.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> rows = pd.DataFrame({"plan": ["a", "b"] * 200, "called": [0, 0, 1, 1] * 100})
    >>> rows["score"] = 5 * rows["called"] * (rows["plan"] == "b") + rng.normal(size=400)
    >>> print(effects_by_group(rows, "score", treated="called", by="plan"))
    The effect on score differs significantly by plan: +4.9 for b, −0.1 for a.
    """
    sample = as_sample(sample)
    rows = sample.data
    require_columns(rows, [outcome, treated, by], "the rows of the trial")
    if not rows[treated].dropna().isin([0, 1]).all():
        raise ValueError(f"{treated} must be true or false (1 or 0) in each row.")
    if not pd.api.types.is_numeric_dtype(rows[outcome]):
        raise ValueError(f"{outcome} holds text. Convert it with pandas.to_numeric.")
    weight = moments.weights_of(rows, sample.weight)
    known = rows[[outcome, treated, by]].notna().all(axis=1).to_numpy() & (weight > 0)
    sample, weight = sample.where(known), weight[known]
    rows, clusters = sample.data, resampling.resampling_units(sample)
    arm = rows[treated].to_numpy(float).astype(int)
    place, groups = pd.factorize(rows[by], sort=True)
    people = pd.DataFrame({"cell": 2 * place + arm, "who": clusters.keys}).drop_duplicates()
    each = np.bincount(people["cell"], minlength=2 * len(groups)).reshape(-1, 2).min(1)
    used = np.flatnonzero(each >= FEWEST)
    if len(used) < 2:
        raise InsufficientData(
            _(
                "Effects by {by:inner} need two groups with {least:count} customers in each arm.",
                by=by,
                least=FEWEST,
            )
        )
    to = np.full(len(groups), -1)
    to[used] = np.arange(len(used))
    cell = np.where(to[place] < 0, -1, 2 * to[place] + arm)
    how: dict[str, Any] = {"weight": weight, "clusters": clusters}
    means = cell_means(
        rows[outcome].to_numpy(float),
        cell,
        2 * len(used),
        **how,
        draws=sample.draws,
        seed=sample.seed,
    )
    effects = (means @ np.kron(np.eye(len(used)), [[-1.0], [1.0]]))[:, 0]
    share = np.bincount(to[place][cell >= 0], weight[cell >= 0], len(used))
    apart = effects @ _against_others(share)
    units = each[used]
    named = {by: groups[used], "term": outcome}
    n = np.bincount(to[place][cell >= 0], minlength=len(used))
    table = pd.DataFrame(
        {
            **named,
            "estimate": effects.estimate,
            **intervals.interval_columns(*effects, units=units, fitted=2),
            "n": n,
            "treated": np.bincount(to[place][cell >= 0], arm[cell >= 0], len(used)).astype(int),
        }
    )
    # Resamples of few customers spread too little; so do the p-values of them.
    few = intervals.normal_quantile(intervals.expanded_level(float(units.min()), 2))
    spread = apart.estimate + few / intervals.normal_quantile(intervals.LEVEL) * (
        apart.replicates - apart.estimate
    )
    p = pvalues.max_t(apart.estimate, spread)
    differences = pd.DataFrame(
        {
            **named,
            "estimate": apart.estimate,
            **intervals.interval_columns(*apart, units=float(units.min()), fitted=2),
            "n": n,
            "p": p,
        }
    )
    left = len(groups) - len(used)
    notes = [
        _("Effects of a random assignment; p of differences is adjusted for all groups (max-t)."),
        resampling_note(sample),
    ]
    if left:
        notes.insert(
            1,
            ngettext(
                "{n:count} group with fewer than {least:count} customers in an arm is left out.",
                "{n:count} groups with fewer than {least:count} customers in an arm are left out.",
                left,
                least=FEWEST,
            ),
        )
    return Result(
        {"table": table, "differences": differences},
        _finding(table, differences, outcome, by, unit),
        i18n.together(notes),
        unit,
        draws=sample.draws,
        seed=sample.seed,
        parts={"p": float(np.nanmin(p)) if np.isfinite(p).any() else np.nan},
    )


def _against_others(share: np.ndarray) -> np.ndarray:
    """(groups, contrasts): each group less the mean of the others by their shares."""
    others = np.repeat(share[:, None], len(share), axis=1)
    np.fill_diagonal(others, 0.0)
    return np.eye(len(share)) - others / others.sum(0)


def _finding(
    table: pd.DataFrame, differences: pd.DataFrame, outcome: str, by: str, unit: str
) -> Finding:
    # Of two groups both have the same p: the larger effect is told first.
    first = int(np.lexsort((-table["estimate"].abs(), differences["p"].fillna(1)))[0])
    row, other = table.iloc[first], table.drop(index=first)
    far = other.iloc[int((other["estimate"] - row["estimate"]).abs().to_numpy().argmax())]
    factor = 100 if unit == "gap" else 1
    words: dict[str, object] = {
        "what": outcome,
        "by": by,
        "group": str(row[by]),
        "other": str(far[by]),
        "here": i18n.signed(factor * row["estimate"]),
        "there": i18n.signed(factor * far["estimate"]),
        "p": differences["p"].iloc[first],
        "n": int(table["n"].sum()),
    }
    detail = _("p = {p:p} for the same effect in all groups; n = {n:count}", **words)
    if not differences["p"].iloc[first] < 1 - intervals.LEVEL:
        claim = _(
            "The effect on {what:quoted} does not differ significantly by {by:inner}.", **words
        )
        return Finding(claim, detail, importance=Importance.CONTEXT)
    claim = _(
        "The effect on {what:quoted} differs significantly by {by:inner}: {here} for "
        "{group:quoted}, {there} for {other:quoted}.",
        **words,
    )
    return Finding.of_row(
        row,
        claim,
        detail,
        unit=unit,
        measure=f"effect_on_{outcome}",
        at={by: str(row[by])},
        importance=Importance.NOTABLE,
    )
