"""The groups that a page compares: the largest by name, the rest as one.

names = largest([contacts, cases], "channel")
cases = only(cases, "channel", names)          # others as "others", rows without a group out
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pandas as pd

from cxlib.core import context
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import N_, _, ngettext
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.stats.standardisation import compared_in_time, periods

MOST = 8  # groups that a page compares
OTHERS = "others"
TIMES = ("wave", "month", "quarter", "year")  # what time is held alike by
NAMES = {  # what readers call columns of yes and no that their own names say badly
    "solved_in_time": N_("on-time resolution"),
    "reply_in_time": N_("on-time first response"),
}


def largest(samples: Iterable[SampleLike], by: str, *, most: int = MOST) -> list[str]:
    """Names of the groups that are compared, the largest first.

    Parameters
    ----------
    samples : tables with the column; a group is as large as in the table where it is largest
    by : column of the groups
    most : names, of which the last may be "others": all smaller groups together, and those under
        the page's smallest cell, so many of them that they can be shown together

    Examples
    --------
    >>> rows = pd.DataFrame({"channel": ["web"] * 30 + ["phone"] * 20 + ["fax"] * 12 + ["mail"]})
    >>> largest([rows], "channel")
    ['web', 'phone', 'others']
    >>> largest([rows], "channel", most=2)
    ['web', 'others']
    """
    each = [as_sample(s)[by].dropna().astype(str).value_counts() for s in samples]
    sizes = pd.concat(each, axis=1).max(axis=1) if each else pd.Series(dtype=float)
    sizes = sizes.sort_index().sort_values(ascending=False, kind="stable")
    least = context.current().smallest_cell
    kept = len(sizes) if len(sizes) <= most else most - 1
    kept = min(kept, int((sizes >= least).sum()))
    while 1 < kept < len(sizes) and sizes.iloc[kept:].sum() < least:
        kept -= 1
    return [*sizes.index[:kept], *([OTHERS] if kept < len(sizes) else [])]


def only(sample: SampleLike, by: str, names: Sequence[str]) -> Sample:
    """The rows that have a group, those of no name here as "others".

    Examples
    --------
    >>> rows = pd.DataFrame({"channel": ["web", "fax", None]})
    >>> only(rows, "channel", ["web", "others"])["channel"].tolist()
    ['web', 'others']
    """
    sample = as_sample(sample)
    values = sample[by].astype("string")
    known = values.where(values.isin(list(names)), OTHERS).mask(values.isna())
    kept = sample.assign(**{by: known.astype(object)}).where(known.notna())
    if lost := len(sample) - len(kept):
        note = ngettext(
            "{n:count} row has no {by:quoted} and is left out.",
            "{n:count} rows have no {by:quoted} and are left out.",
            lost,
            by=by,
        )
        kept = kept.replace(notes=(*kept.notes, note))
    return kept


def named(item: str, name: Callable[[str], str]) -> str:
    """What a column is called in a sentence: by its own name here, else as `name` has it."""
    return _(NAMES[item]) if item in NAMES else name(item)


def places(sample: Sample, by: str) -> tuple[list[str], np.ndarray]:
    """Names of the groups, the largest first and "others" last, and the place of each row."""
    sizes = sample[by].astype(str).value_counts()
    order = sizes.sort_index().sort_values(ascending=False, kind="stable").index
    names = [n for n in order if n != OTHERS] + [OTHERS] * (OTHERS in order)
    return names, pd.Index(names).get_indexer(sample[by].astype(str))


def in_time(known: Sample, by: str) -> tuple[Sample, str, pd.Series | None, list[str]]:
    """The rows of groups that can be told from time, its unit, time, and a note on the others."""
    unit, time = periods(known)
    if by in (unit, *TIMES) or not unit or time.nunique() < 2:
        return known, "", None, []
    names, place = places(known, by)
    there = compared_in_time(time, place)
    apart = sorted(set(np.asarray(names)[place[~there]]))
    if not apart:
        return known, unit, time, []
    if len(set(place[there])) < 2:
        raise InsufficientData(
            _(
                "No two groups were there in the same {time:inner}, so they cannot be compared.",
                time=unit,
            )
        )
    told = _(
        "Not compared, as no other group was there in the same {time:inner}: {names:quoted_list3}.",
        time=unit,
        names=apart,
    )
    return known.where(there), unit, time[there], [told]


def effective_clusters(sample: Sample, place: np.ndarray, groups: int) -> np.ndarray:
    """Effective number of clusters of each group (Kish 1965)."""
    key = pd.factorize(sample.clusters, use_na_sentinel=False)[0]
    weight = pd.DataFrame({"place": place, "key": key, "w": sample.weights})
    each = weight.groupby(["place", "key"])["w"].sum()
    total = each.groupby("place").sum() ** 2 / (each**2).groupby("place").sum()
    return total.reindex(range(groups), fill_value=0.0).to_numpy()
