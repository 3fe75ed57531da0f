"""Who uses which channel: shares of customers of each kind, the other attributes held alike.

fit = users(contacts, by="channel", mix=["region", "age_group"])
fit.table            # channel, attribute, term, estimate (adjusted share), plain, low, high, n
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxlib.channels.groups import places
from cxlib.core import i18n
from cxlib.core.columns import INTERVAL, SIMULTANEOUS, Column
from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.stats import intervals, standardisation
from cxlib.stats.estimators import Replicated, least_squares, mean
from cxlib.stats.notes import resampling_note
from cxlib.stats.resampling import design


def mixed(sample: SampleLike, by: str) -> bool:
    """Whether some customer has rows of several groups, so that there are moves between them.

    Examples
    --------
    >>> mixed(pd.DataFrame({"customer_id": ["a", "a"], "channel": ["web", "phone"]}), "channel")
    True
    """
    rows = as_sample(sample).data
    if "customer_id" not in rows:
        return False
    return bool(rows.groupby("customer_id")[by].nunique().max() > 1)


def contact_steps(sample: SampleLike, by: str) -> Sample:
    """The contacts with their channel as the touchpoint, for `journeys.steps`.

    Examples
    --------
    >>> rows = pd.DataFrame({"customer_id": "a", "channel": ["web"], "opened_at": ["2026-01-01"]})
    >>> contact_steps(rows, "channel").columns
    ['customer_id', 'at', 'touchpoint']
    """
    sample = as_sample(sample)
    when = "at" if "at" in sample else "opened_at"
    rows = sample.data[["customer_id", when, by]].dropna()
    return sample.with_data(rows.set_axis(["customer_id", "at", "touchpoint"], axis=1))


def user_tiles(fit: Result, *, most: int = 12) -> pd.DataFrame:
    """The `most` levels of `users` that differ most, named with their attribute, for a tile map.

    Examples
    --------
    >>> rows = pd.DataFrame({"channel": ["web"] * 40 + ["app"] * 40})
    >>> rows["age"] = ["old"] * 36 + ["young"] * 40 + ["old"] * 4
    >>> user_tiles(users(rows, by="channel", mix=["age"]))["term"].unique().tolist()
    ['old (age)', 'young (age)']
    """
    size = (fit.table["estimate"] - fit.table["overall"]).abs()
    size = size.where(fit.table["verdict"] != "unclear", 0.0)
    keys = [fit.table["attribute"], fit.table["term"]]
    widest = size.groupby(keys).transform("max")
    levels = widest.groupby(keys).max()
    least = levels.nlargest(most).min() if len(levels) > most else 0.0
    table = fit.table[(widest > 0) & (widest >= least)]
    names = [
        _("{level:label} ({attribute:label})", level=r.term, attribute=r.attribute)
        for r in table.itertuples()
    ]
    kept = [str(fit.table.columns[0]), "term", *INTERVAL, "n"]
    return table.assign(term=names)[kept]


def users(sample: SampleLike, *, by: str, mix: Sequence[str]) -> Result:
    """Share of each group among the rows of each kind of customer, other attributes alike.

    Parameters
    ----------
    sample : rows (contacts, answers) with the attributes of their customers
    by : column of groups
    mix : attributes; levels of fewer than 10 rows are left out

    Returns
    -------
    Result with "table": by, attribute, term (level), estimate (share of the group if the other
    attributes were as those of all), low, high, n (rows of the level), simultaneous_low,
    simultaneous_high, plain (the share as it is), overall (of all levels), verdict ("more", "less"
    or "unclear": against the share of all rows, by simultaneous intervals of all differences).

    Raises
    ------
    ValueError : columns that are absent
    InsufficientData : one group alone, or no attribute with two levels

    Notes
    -----
    A linear probability model for each group, weighted and standardised: close to the standardised
    shares of a multinomial logit, but not where a group has next to none of a level, whose share
    may come out below 0 and is then given as 0.

    Examples
    --------
    >>> rows = pd.DataFrame({"channel": ["web"] * 60 + ["phone"] * 60})
    >>> rows["age"] = ["young"] * 50 + ["old"] * 10 + ["young"] * 10 + ["old"] * 50
    >>> fit = users(rows, by="channel", mix=["age"])
    >>> fit.table.query("channel == 'web'")[["term", "estimate"]].round(2).values.tolist()
    [['old', 0.17], ['young', 0.83]]
    """
    sample = as_sample(sample)
    require_columns(sample.data, [by, *mix])
    sample = sample.where(sample[by].notna())
    names, place = places(sample, by)
    if len(names) < 2:
        raise InsufficientData(_("Too few rows to compare groups."))
    y = (place[:, None] == np.arange(len(names))).astype(float)
    how: dict[str, Any] = {"weight": sample.weights, **design(sample)}
    everyone = mean(y, **how)
    table, level, plain, sizes = _levels(sample, y, [m for m in mix if m != by], how)
    groups = np.arange(len(names))
    spread = np.tile(groups, len(table))
    rows = table.loc[np.repeat(table.index, len(names))].reset_index(drop=True)
    gap = (level.estimate - everyone.estimate).ravel()
    gaps = (level.replicates - everyone.replicates[:, None]).reshape(len(level.replicates), -1)
    units = np.repeat(sizes, len(names))
    low, high = intervals.simultaneous_interval(gap, gaps, units=units, fitted=2)
    overall, estimate = everyone.estimate[spread], level.estimate.ravel()
    own = intervals.symmetric_interval(
        estimate, level.replicates.reshape(len(gaps), -1), units=units, fitted=2
    )
    ends = dict(zip(INTERVAL[1:], (np.clip(e, 0, 1) for e in own), strict=True))
    ends |= dict(zip(SIMULTANEOUS, (np.clip(overall + e, 0, 1) for e in (low, high)), strict=True))
    table = rows.assign(
        **{by: np.array(names, object)[spread]},
        estimate=np.clip(estimate, 0, 1),
        **ends,
        plain=plain.ravel(),
        overall=overall,
        # A level that one group has whole is the group by another name.
        verdict=np.select(
            [np.repeat(plain.max(1) == 1, len(names)), low > 0, high < 0],
            ["unclear", "more", "less"],
            "unclear",
        ),
    )
    found = list(dict.fromkeys(table["attribute"]))
    order = [by, "attribute", "term", *INTERVAL, "n", *SIMULTANEOUS, "plain", "overall", "verdict"]
    note = _(
        "Adjusted share: what a level would have if its customers were as all others in "
        "{mix:label_list}. Verdicts hold jointly for all {cells:count} comparisons with the share "
        "of all customers.",
        mix=list(found),
        cells=len(table),
    )
    table = disclosure.with_people(table[order], units)
    return Result(
        table,
        _finding(table, by, gap, len(found)),
        i18n.together(dict.fromkeys([note, *sample.notes, resampling_note(sample)])),
        "share",
        columns=[Column("overall", "share of all customers", "share")],
        **sample.bootstrap,
    )


def _levels(
    sample: Sample, y: np.ndarray, attributes: Sequence[str], how: dict[str, Any]
) -> tuple[pd.DataFrame, Replicated, np.ndarray, np.ndarray]:
    """Levels (attribute, term, n), shares (levels, groups) adjusted and plain, and their clusters.

    The share of a level is the mean prediction for all rows, were all of that level.
    """
    one = np.ones((len(sample), 1))
    x, named = standardisation.columns(sample, attributes, one)
    if not named:
        raise InsufficientData(_("No attribute of customers has two values."))
    fit = least_squares(np.hstack([one, x]), y, **how)
    centre = mean(x, **how)
    rows, points, again, plain, sizes = [], [], [], [], []
    for attribute in dict.fromkeys(name for name, _level in named):
        own = {v: k for k, (name, v) in enumerate(named) if name == attribute}
        values = standardisation.levels(sample[attribute])
        reference = str(values.value_counts().index[0])
        others = [k for k, (name, _level) in enumerate(named) if name != attribute]
        at = [0, *(k + 1 for k in others)]
        base = np.r_[1.0, centre.estimate[others]] @ fit.estimate[at]
        ones = np.ones((len(centre.replicates), 1))
        drawn = np.einsum(
            "dk,dkg->dg", np.hstack([ones, centre.replicates[:, others]]), fit.replicates[:, at]
        )
        counts = {str(v): int(n) for v, n in values.value_counts().items() if v}
        hidden = disclosure.too_few_left_out(counts, int(sample[attribute].notna().sum()))
        for level in sorted({reference, *own} - {"", *hidden}):
            k = own.get(level)
            points.append(base + (0.0 if k is None else fit.estimate[k + 1]))
            again.append(drawn + (0.0 if k is None else fit.replicates[:, k + 1]))
            mine = (values == level).to_numpy()
            plain.append(np.average(y[mine], axis=0, weights=sample.weights[mine]))
            rows.append((attribute, level, int(mine.sum())))
            sizes.append(sample.clusters[mine].nunique(dropna=False))
    table = pd.DataFrame(rows, columns=["attribute", "term", "n"])
    level_shares = Replicated(np.array(points), np.stack(again, axis=1), fit.units)
    return table, level_shares, np.array(plain), np.array(sizes, float)


def _finding(table: pd.DataFrame, by: str, gap: np.ndarray, attributes: int) -> Finding:
    shown = disclosure.shown(table)
    shown = shown[shown["low"].notna()]
    if shown.empty:
        return Finding(_("Too few rows to compare groups."), importance=Importance.METHOD)
    sizes = pd.Series(np.abs(gap) * np.sqrt(table["n"]), index=table.index)
    found = shown[shown["verdict"] != "unclear"]
    if found.empty:
        return Finding(_("Who uses which {by:label} does not differ significantly.", by=by))
    row = shown.loc[sizes[found.index].idxmax()]
    words: dict[str, Any] = {
        "by": by,
        "group": i18n.opening(i18n.quoted(i18n.label(str(row[by])))),
        "who": _(
            "{level:label} ({attribute:label})", level=row["term"], attribute=row["attribute"]
        ),
        "share": row["estimate"],
        "overall": row["overall"],
        "span": (row["low"], row["high"]),
        "n": row["n"],
    }
    if row["verdict"] == "more":
        claim = _(
            "{group} has a larger share for {who}: {share:share}, {overall:share} of all.", **words
        )
    else:
        claim = _(
            "{group} has a smaller share for {who}: {share:share}, {overall:share} of all.", **words
        )
    detail = (
        _("adjusted; 95% CI {span:share_interval}; n = {n:count}", **words)
        if attributes > 1
        else _("95% CI {span:share_interval}; n = {n:count}", **words)
    )
    return Finding.of_row(
        row,
        claim,
        detail,
        unit="share",
        at={by: str(row[by]), str(row["attribute"]): str(row["term"])},
        importance=Importance.ANSWER,
    )
