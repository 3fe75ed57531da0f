"""Credit of touchpoints by rules, beside removal effects.

journeys.touch_credit(table, value="revenue")    # first, last, linear and position-based touch

Rules divide each conversion among the touchpoints of its path. They describe where touchpoints
stand, not what they cause; where rules and removal effects disagree, credit is a matter of choice.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core.columns import Column
from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import N_, _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.journeys.counts import _different, _parsed, _whole_numbers
from cxlib.stats.estimators import Replicated, share_interval
from cxlib.stats.notes import resampling_note

RULES = (N_("first touch"), N_("last touch"), N_("linear"), N_("position-based"))
ENDS_SHARE = 0.4  # of a position-based credit, for the first and for the last touchpoint each
TOGETHER = 4_000_000  # numbers drawn at once


def touch_credit(
    sample: SampleLike,
    *,
    path: str = "path",
    completed: str = "completed",
    value: str = "",
    sep: str = ">",
) -> Result:
    """Share of conversions, and of their value, credited to each touchpoint by four rules.

    Parameters
    ----------
    sample : one row a path ("ad > web > shop"); rows of one path add up
    path, completed : columns of the paths and of how many conversions each had
    value : column of the value of a row's conversions, in currency units; none without it
    sep : stands between touchpoints

    Returns
    -------
    Result with "table": rule ("first touch", "last touch", "linear": equal parts, "position-based":
    40% each for first and last and the rest to those between, equally; half each where there are
    two), term, estimate (share of conversions), low, high, n (conversions), and with `value` the
    column value (credited, without interval: values of single conversions are not known).
    Conversions are resampled one by one.

    Raises
    ------
    InsufficientData : no conversion
    ValueError : columns that are absent, empty touchpoints, numbers that are no counts

    Examples
    --------
    >>> table = pd.DataFrame({"path": ["ad > web > shop", "web"], "completed": [1, 1]})
    >>> fit = touch_credit(table)
    >>> fit.table.query("rule == 'linear'")[["term", "estimate"]].round(2).values.tolist()
    [['web', 0.67], ['ad', 0.17], ['shop', 0.17]]
    """
    sample = as_sample(sample)
    table = sample.data
    require_columns(table, [c for c in (path, completed, value) if c], "paths")
    place, different = _different(table[path])
    done = np.bincount(place, _whole_numbers(table[completed]))
    if not done.sum():
        raise InsufficientData(_("No path has a conversion, so that none can be credited."))
    worth = None
    if value:
        worth = np.bincount(place, np.nan_to_num(table[value].to_numpy(float, na_value=np.nan)))
    names, codes, length = _parsed(different, sep)
    of, k, n = np.repeat(np.arange(len(length)), length), len(names), int(done.sum())
    size = max(1, TOGETHER // max(len(done), 1))
    rng, drawn = np.random.default_rng(sample.seed), []
    credit = [np.zeros((len(length), k)) for _rule in RULES]
    for own, each in zip(credit, _weights(length), strict=True):
        np.add.at(own, (of, codes - 1), each)
    for start in range(0, sample.draws, size):
        # As many of a path's conversions as Poisson(1) multiplicities of each would add up to.
        times = rng.poisson(done, (min(size, sample.draws - start), len(done))).astype(float)
        total = np.maximum(times.sum(1, keepdims=True), 1.0)
        drawn.append(np.stack([times @ own / total for own in credit]))
    replicates = np.concatenate(drawn, axis=1) if drawn else np.empty((len(RULES), 0, k))
    parts = []
    for rule, own, again in zip(RULES, credit, replicates, strict=True):
        share = done @ own / n
        low, high = share_interval(Replicated(share, again, float(n)), np.full(k, n))
        part = pd.DataFrame({"rule": rule, "term": names, "estimate": share})
        part = part.assign(low=low, high=high, n=n)
        if worth is not None:
            part["value"] = worth @ own
        parts.append(part.sort_values("estimate", ascending=False))
    found = pd.concat(parts, ignore_index=True)
    return Result(
        found,
        _finding(found),
        resampling_note(sample.replace(cluster=None)),
        "share",
        columns=[
            Column("rule", "how conversions are divided", "name", label="rule"),
            Column("value", "value credited", "money", label="credited value"),
        ],
        draws=sample.draws,
        seed=sample.seed,
    )


def _weights(length: np.ndarray) -> list[np.ndarray]:
    """Parts of a conversion for each step of all paths one after another, rule by rule."""
    start = np.cumsum(length) - length
    place = np.arange(length.sum()) - np.repeat(start, length)
    steps = np.repeat(length, length)
    first, last = (place == 0).astype(float), (place == steps - 1).astype(float)
    between = np.where((place > 0) & (place < steps - 1), 1.0, 0.0)
    rest = (1 - 2 * ENDS_SHARE) / np.maximum(steps - 2, 1)
    ends = np.where(steps > 2, ENDS_SHARE, 0.5)
    return [first, last, 1.0 / steps, ends * (first + last) + rest * between]


def _finding(table: pd.DataFrame) -> Finding:
    first = table.loc[table.groupby("rule", sort=False)["estimate"].idxmax()]
    leaders = list(dict.fromkeys(first["term"]))
    row = first.iloc[-1]
    detail = _(
        "{rule:label}: {touchpoint:label} {share:share} (95% CI {span:share_interval}); n = "
        "{n:count}",
        rule=row["rule"],
        touchpoint=row["term"],
        share=row["estimate"],
        span=(row["low"], row["high"]),
        n=row["n"],
    )
    if len(leaders) == 1:
        claim = _("Every rule credits {touchpoint:quoted} most.", touchpoint=leaders[0])
    else:
        claim = _(
            "Which touchpoint gets most credit depends on the rule: {touchpoints:label_list}.",
            touchpoints=leaders,
        )
    return Finding(claim, detail, importance=Importance.CONTEXT)
