"""Does the association of one driver with the outcome depend on another driver?

    fit = drivers.interactions(sample, "recommend", ["delivery", "room", "price"])
    fit.table            # term, other, estimate (change of slope), low, high, n, joint ends
    fit.gains            # what each product adds to R² beyond the main effects

A product of two drivers has no share of R² of its own (`importance`): it enters after all main
effects, and what it adds is its gain. Products of correlated drivers are correlated too, so that
one pair that matters would lend its effect to others; each is judged with the others held.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.columns import Column
from cxlib.core.errors import require_columns
from cxlib.core.i18n import N_, _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.drivers import linear, notes
from cxlib.drivers.importance_metrics import semipartial, squared_interval
from cxlib.drivers.specification import specify
from cxlib.stats.intervals import estimates_table, expanded_level, simultaneous_interval

COLUMNS = [
    Column("other", "the second driver of a product", "name", label=N_("second driver")),
    Column("r2_gain", "gain in R² of a product that enters last", "share", 1),
    Column("r2_low", "lower end of the interval of the gain", "share", 1),
    Column("r2_high", "upper end of the interval of the gain", "share", 1),
]


def interactions(
    sample: SampleLike,
    outcome: str,
    drivers: Sequence[str],
    *,
    pairs: Sequence[tuple[str, str]] | None = None,
    always: Sequence[str] = (),
) -> Result:
    """What products of two drivers add to R² beyond main effects and other products.

    Parameters
    ----------
    sample : answers, a row each; complete ones are used
    outcome : column to explain
    drivers : columns of numbers; all of them are main effects
    pairs : pairs of drivers whose products enter; all by default
    always : covariates that are adjusted for; text columns enter by their categories

    Returns
    -------
    Result, largest gain first, with the tables "table" (term, other, estimate: by how much the
    slope of one driver changes for a point more of the other, low, high, n, joint_low and
    joint_high: simultaneous over the pairs, which decide what is significant) and "gains" (term,
    other, estimate: gain in R² over the main effects and covariates, low, high, n); the part
    "significant" lists the pairs.

    Raises
    ------
    InsufficientData : fewer complete answers than main effects, products and two more
    ValueError : fewer than two drivers, drivers that are no numbers, unknown or repeated pairs

    References
    ----------
    Aiken and West (1991), Multiple Regression: Testing and Interpreting Interactions.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> rows = pd.DataFrame(rng.normal(size=(300, 3)), columns=["delivery", "room", "price"])
    >>> rows["recommend"] = rows["delivery"] * (1 + rows["room"]) + rng.normal(size=300)
    >>> interactions(rows, "recommend", ["delivery", "room", "price"]).significant
    [('delivery', 'room')]
    """
    sample, drivers = as_sample(sample), list(drivers)
    require_columns(sample.data, [outcome, *drivers, *always])
    pairs = _pairs(drivers, pairs)
    if text := [d for d in drivers if not pd.api.types.is_numeric_dtype(sample.data[d])]:
        raise ValueError(
            f"driver {text[0]!r} is no column of numbers. Name categories in `always`, or give "
            "columns of 0 and 1."
        )
    mains = sample.data[drivers].astype(float)
    centred = mains - mains.mean()
    products = {f"{a} × {b}": centred[a] * centred[b] for a, b in pairs}
    spec = specify(
        sample.assign(**products), outcome, list(products), covariates=[*drivers, *always]
    )
    sums = spec.sums()
    cov = linear.covariances(spec, sums)
    whole = sums.total().cov[0, 0], sums.resample(sample.draws, sample.seed).cov[:, 0, 0]
    (slope, root), (slopes, roots) = (
        (linear.slopes(left)[0], semipartial(left) * np.sqrt(left[..., 0, :1] / of[..., None]))
        for left, of in zip((cov.estimate, cov.replicates), whole, strict=True)
    )
    units, fitted = sums.effective, 1 + len(pairs) + len(spec.covariates)
    level = expanded_level(units, fitted)
    low, high = simultaneous_interval(slope, slopes, units=units, fitted=fitted)
    first, other = ([pair[i] for pair in pairs] for i in (0, 1))
    n = int(sums.rows.sum())
    table = estimates_table(first, slope, slopes, n, level=level)
    table.insert(1, "other", other)
    ends = [squared_interval(float(r), roots[:, i], level) for i, r in enumerate(root)]
    gains = pd.DataFrame(ends, columns=["r2_gain", "r2_low", "r2_high"]).assign(n=n)
    gains = table[["term", "other"]].join(gains)
    order = np.argsort(-gains["r2_gain"].to_numpy(), kind="stable")
    table = table.assign(joint_low=low, joint_high=high).iloc[order].reset_index(drop=True)
    gains = gains.iloc[order].reset_index(drop=True)
    clear = table[(table["joint_low"] > 0) | (table["joint_high"] < 0)]
    remark = _(
        "All main effects and the other products are held; simultaneous intervals over the "
        "products decide what is significant."
    )
    adjusted = _("Adjusted for {covariates:list}.", covariates=list(always)) if always else ""
    remarks = notes.regression_notes(spec, sums, cov, slopes, adjusted, remark)
    return Result(
        {"table": table, "gains": gains},
        _finding(table, gains, len(clear), outcome),
        i18n.together(remarks),
        "scale",
        columns=COLUMNS,
        **sample.bootstrap,
        parts={"significant": list(zip(clear["term"], clear["other"], strict=True))},
    )


def _pairs(drivers: list[str], pairs: Sequence[tuple[str, str]] | None) -> list[tuple[str, str]]:
    """The pairs to try; ValueError for those that cannot be."""
    if len(drivers) < 2:
        raise ValueError("an interaction needs two drivers or more. Name the columns.")
    if pairs is None:
        return list(combinations(drivers, 2))
    for a, b in pairs:
        if a == b or not {a, b} <= set(drivers):
            raise ValueError(
                f"({a!r}, {b!r}) is no pair of two of the drivers. They are: {', '.join(drivers)}."
            )
    if not pairs or len({frozenset(p) for p in pairs}) < len(pairs):
        raise ValueError("no pairs, or a pair named twice. Name each pair once.")
    return [(a, b) for a, b in pairs]


def _finding(table: pd.DataFrame, gains: pd.DataFrame, significant: int, outcome: str) -> Finding:
    row, least = table.iloc[0], context.current().smallest_cell
    if row["n"] < least:
        return Finding(_("Fewer than {least:count} answered: no number is shown.", least=least))
    if significant:
        clear = (table["joint_low"] > 0) | (table["joint_high"] < 0)
        row = table[clear].iloc[0]
    facts = {
        "driver": row["term"],
        "other": row["other"],
        "outcome": outcome,
        "change": row["estimate"],
        "span": (row["low"], row["high"]),
        "n": row["n"],
        "gain": gains["r2_gain"].loc[row.name],
    }
    if not significant:
        claim = _(
            "No driver's association with {outcome:quoted} depends significantly on another "
            "driver.",
            **facts,
        )
    elif row["estimate"] > 0:
        claim = _(
            "The slope of {outcome:quoted} on {driver:quoted} is higher where {other:quoted} is "
            "high.",
            **facts,
        )
    else:
        claim = _(
            "The slope of {outcome:quoted} on {driver:quoted} is lower where {other:quoted} is "
            "high.",
            **facts,
        )
    detail = _(
        "Slope on {driver:quoted} for a point more of {other:quoted}: {change:signed2} (95% CI "
        "{span:interval2}); adds {gain:number3} to R²; n = {n:count}",
        **facts,
    )
    return Finding.of_row(
        row,
        claim,
        detail,
        unit="scale",
        verdict="" if significant else "unclear",
        importance=Importance.CONTEXT,
    )
