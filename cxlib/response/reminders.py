"""What reminders bring: those reminded and those who were not, all of them silent until then."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import _, mark
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.stats import estimators, resampling
from cxlib.stats.estimators import share_interval
from cxlib.stats.intervals import percentile_interval
from cxlib.stats.notes import resampling_note

REMINDED, NOT_REMINDED = GROUPS = mark("reminded", "not reminded")
LEAST = 30  # of each, for a comparison


def late_answers(fit: Result) -> Result:
    """The score by time of answer, with what follows for reminders.

    Early and late answers are groups of answers, not of customers: what differs between them is
    no reason to work on one of them, but to go on asking for both.

    Parameters
    ----------
    fit : of `scores.by_group`, by the column that `with_when` adds

    Examples
    --------
    >>> found = Finding("NPS differs by time of answer.", action="Find out what lowers it.")
    >>> late_answers(Result(pd.DataFrame(), found)).finding.action
    'Go on sending reminders: without late answers the score would be off.'
    """
    if not fit.finding.action:
        return fit
    action = _("Go on sending reminders: without late answers the score would be off.")
    return fit.replace(finding=replace(fit.finding, action=action))


def reminders(asked: SampleLike) -> Result:
    """Share who answered of those silent when reminders went out, reminded and not reminded.

    Who was not reminded is counted as silent for as many days as reminders usually waited. The
    difference is the effect of the reminder where chance decided who got one.

    Parameters
    ----------
    asked : of `invited`, with dates

    Returns
    -------
    Result with tables

    - "table": term ("reminded", "not reminded"), estimate (share who answered after that), low,
      high, n (silent until then); only "reminded" where too few others were silent
    - "ratio": term, estimate (the first share divided by the second), low, high, n

    and the part share: that of all answers that came after a reminder.

    Raises
    ------
    InsufficientData : nobody was reminded, or it is not known after how many days
    ValueError : the rows are not those of `invited`

    Examples
    --------
    >>> reminded = np.repeat([True, False], 40)
    >>> answered = np.repeat([True, False, True, False], [20, 20, 10, 30])
    >>> rows = pd.DataFrame({"reminded": reminded, "answered": answered})
    >>> rows["reminded_after"] = np.where(reminded, 7, np.nan)
    >>> rows["answered_after"] = np.where(answered, 9, np.nan)
    >>> rows["after_reminder"] = reminded & answered
    >>> reminders(rows).table["estimate"].tolist()
    [0.5, 0.25]
    """
    asked = as_sample(asked)
    columns = ["reminded", "reminded_after", "answered_after", "answered", "after_reminder"]
    require_columns(asked.data, columns, "invitations")
    rows = asked.data
    usual = rows.loc[rows["reminded"], "reminded_after"].median()
    if not rows["reminded"].any() or not np.isfinite(usual):
        raise InsufficientData(_("Nobody was reminded, or it is not known when."))
    share = rows["after_reminder"].sum() / max(rows["answered"].sum(), 1)
    reminded = rows["reminded"].to_numpy(bool)
    still = reminded | ~(rows["answered_after"] < usual).to_numpy()
    # An answer without a date may have come before: it cannot be counted on either side.
    still &= reminded | ~rows["answered"].to_numpy(bool) | rows["answered_after"].notna().to_numpy()
    silent = asked.where(still)
    place = np.where(silent["reminded"].to_numpy(bool), 0, 1)
    n = np.bincount(place, minlength=2)
    compared = n.min() >= LEAST
    if not compared:
        silent, place, n = silent.where(place == 0), place[place == 0], n[:1]
    later = np.where(place == 0, silent["after_reminder"], silent["answered"]).astype(float)
    found = estimators.cell_means(later, place, len(n), **resampling.design(silent))[:, 0]
    low, high = share_interval(found, n)
    both = pd.DataFrame({"term": GROUPS[: len(n)], "estimate": found.estimate})
    both = both.assign(low=low, high=high, n=n)
    tables = {"table": both}
    facts = {"share": share, "usual": usual, "answers": rows["answered"].sum()}
    if not compared:
        finding = _of_answers(both.iloc[0], facts)
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = found.estimate[0] / found.estimate[1]
            drawn = found.replicates[:, 0] / found.replicates[:, 1]
        ends = percentile_interval(np.where(np.isfinite(drawn), drawn, np.nan))
        row = {"term": REMINDED, "estimate": ratio, "low": ends[0], "high": ends[1]}
        tables["ratio"] = pd.DataFrame([row | {"n": int(n.sum())}])
        finding = _compared(both, tables["ratio"].iloc[0], facts)
    notes = i18n.together(
        [
            _(
                "An answer counts as late when it came {usual:count} days after the invitation.",
                **facts,
            ),
            resampling_note(asked),
        ]
    )
    return Result(tables, finding, notes, "share", **asked.bootstrap, parts={"share": share})


def _of_answers(row: pd.Series, facts: dict[str, Any]) -> Finding:
    """Where all were reminded, nothing says what would have come without."""
    claim = _(
        "{rate:share} of those reminded answered; nobody stayed unreminded, so what reminders add "
        "is not known.",
        rate=row["estimate"],
    )
    detail = _(
        "95% CI {ci}; {n:count} reminded; {share:share} of {answers:count} answers",
        ci=i18n.span(row["low"], row["high"], 1, share=True),
        n=row["n"],
        **facts,
    )
    slots: dict[str, Any] = {
        "unit": "share",
        "measure": "answered_after_reminder",
        "importance": Importance.CONTEXT,
    }
    return Finding.of_row(row, claim, detail, **slots)


def _compared(both: pd.DataFrame, ratio: pd.Series, facts: dict[str, Any]) -> Finding:
    one, other = both["estimate"]
    words = {"one": one, "other": other}
    if ratio["low"] > 1:
        claim = _(
            "Reminded customers answered more often than others still silent: {one:share} compared "
            "with {other:share}.",
            **words,
        )
    elif ratio["high"] < 1:
        claim = _(
            "Reminded customers answered less often than others still silent: {one:share} compared "
            "with {other:share}.",
            **words,
        )
    else:
        claim = _("Reminded customers did not answer significantly more often than others.")
    span = [
        i18n.span(low, high, 1, share=True)
        for low, high in zip(both["low"], both["high"], strict=True)
    ]
    detail = _(
        "{one:share} (95% CI {first}) and {other:share} ({second}); {ratio:number1} times as often "
        "({ci}); n = {n:count}; {share:share} of answers came after a reminder",
        first=span[0],
        second=span[1],
        ratio=ratio["estimate"],
        ci=i18n.span(ratio["low"], ratio["high"], 1),
        n=ratio["n"],
        **words,
        **facts,
    )
    return Finding.of_row(
        both.iloc[0],
        claim,
        detail,
        unit="share",
        measure="answered_after_reminder",
        verdict="better" if ratio["low"] > 1 else "worse" if ratio["high"] < 1 else "unclear",
        importance=Importance.ANSWER,
    )
