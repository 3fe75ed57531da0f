"""All measures of all groups in one table, each with its verdict against all others.

overview([fit, solved, waits], by="channel")       # of `adjusted`, `first_contact` ...
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxlib.channels.groups import named
from cxlib.core import i18n
from cxlib.core.columns import INTERVAL, deciding_ends
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.privacy import disclosure

PERCENT = 100.0


def overview(results: Sequence[Result | None], *, by: str) -> Result:
    """One row a group and measure: the value, its interval and what the comparison decided.

    Parameters
    ----------
    results : of `adjusted`, of a rate, or of waits, by group; None for a measure that the study
        does not have. Of a table with several terms the first counts. Where there is no column
        `verdict`, as of waits, less is better, and a group is worse whose simultaneous interval
        lies above those of all others
    by : column of groups

    Returns
    -------
    Result with "table": by, term (measure), estimate (shares in percent), low, high, n, verdict.
    Its finding names the group with the most measures significantly worse than all others.

    Raises
    ------
    InsufficientData : no measure at all

    Examples
    --------
    >>> from cxlib.channels.rates import rate
    >>> rows = pd.DataFrame({"channel": ["web"] * 40 + ["phone"] * 40})
    >>> rows["solved"] = [1] * 60 + [0] * 20
    >>> str(overview([rate(rows, "solved", by="channel"), None], by="channel"))
    'Phone is worse than all others in 1 of the 1 measure known for it.'
    """
    parts = [_rows(fit, by) for fit in results if fit is not None]
    if not parts:
        raise InsufficientData(_("The study measures nothing that can be compared."))
    table = pd.concat(parts, ignore_index=True)
    note = _(
        "Verdicts are of differences from all others, by intervals that hold jointly for all "
        "groups of a measure. Shares are in percent."
    )
    return Result(table, _finding(table, by), note)


def _name(fit: Result) -> str:
    """What readers call the measure of a result."""
    if "kind" in fit.parts:
        return fit.kind.name
    if "measure" in fit.parts:
        return i18n.opening(named(fit.table["term"].iloc[0], fit.measure.name))
    return {
        "first response": _("Median hours to first response"),
        "resolution": _("Median hours to resolution"),
    }[fit.curve["term"].iloc[0]]


def _rows(fit: Result, by: str) -> pd.DataFrame:
    table, name = fit.table, _name(fit)
    rows = table[table["term"] == table["term"].iloc[0]]
    percent = PERCENT if fit.unit == "share" else 1.0
    term = _("{name}, %", name=name) if fit.unit == "share" else name
    if "kind" in fit.parts and fit.kind.unit == "money":
        term = _("{name} ({unit})", name=name, unit=fit.kind.currency)
    found = pd.DataFrame({by: rows[by].astype(str), "term": term})
    found = found.assign(**{c: rows[c].astype(float) * percent for c in INTERVAL}, n=rows["n"])
    verdict = rows["verdict"] if "verdict" in rows else _waiting(rows)
    return found.assign(verdict=np.asarray(verdict)).reset_index(drop=True)


def _waiting(rows: pd.DataFrame) -> np.ndarray:
    """Of medians of waits: longer or shorter than those of all other groups, each taken alone."""
    low, high = (np.asarray(end, float) for end in deciding_ends(rows))
    words = np.full(len(rows), "unclear", dtype=object)
    for k in range(len(rows)):
        rest = np.arange(len(rows)) != k
        if (low[k] > high[rest]).all():
            words[k] = "worse"
        elif (high[k] < low[rest]).all():
            words[k] = "better"
    return words


def _finding(table: pd.DataFrame, by: str) -> Finding:
    shown = disclosure.shown(table)
    worse = shown[shown["verdict"] == "worse"]
    measures = table["term"].nunique()
    if worse.empty:
        claim = ngettext(
            "No {by:label} is significantly worse than all others in the {n:count} measure.",
            "No {by:label} is significantly worse than all others in any of {n:count} measures.",
            measures,
            by=by,
        )
        return Finding(claim)
    counts = worse[by].value_counts().sort_index().sort_values(ascending=False, kind="stable")
    group = str(counts.index[0])
    own = worse[worse[by] == group]["term"]
    known = shown.loc[shown[by] == group, "term"].nunique()
    claim = ngettext(
        "{group} is worse than all others in {k:count} of the {n:count} measure known for it.",
        "{group} is worse than all others in {k:count} of the {n:count} measures known for it.",
        known,
        group=i18n.opening(i18n.quoted(i18n.label(group))),
        k=int(counts.iloc[0]),
    )
    detail = _("significantly worse: {measures:list4}", measures=list(own))
    if known < measures:
        others = _(
            "{n:count} measures in all, each of the groups for which it is known", n=measures
        )
        detail = _("{first}; {second}", first=detail, second=others)
    return Finding(claim, detail, at={by: group}, verdict="worse", importance=Importance.ANSWER)
