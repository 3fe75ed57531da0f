"""Invitations and their reminders as one row for each time a customer was asked."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import _, mark
from cxlib.core.sample import Sample, SampleLike, as_sample

AFTER, WITHOUT = mark("after a reminder", "without a reminder")
DAY = pd.Timedelta(days=1)


def invited(sample: SampleLike, responses: pd.DataFrame | None = None) -> Sample:
    """A row for each time a customer was asked, with what became of it.

    Parameters
    ----------
    sample : invitations, reminders included: invitation_id and, as far as known, customer_id, wave,
        sent_at, channel, reminder_of and response_id
    responses : response_id and answered_on, which say how long each answer took

    Returns
    -------
    Sample of the first invitations, clustered by customer: their columns, `answered` (to it or to
    a reminder), `reminded`, `after_reminder` (answered to a reminder), `reminded_after` and
    `answered_after` (days; missing where there is none or no date)

    Raises
    ------
    InsufficientData : no invitation says which answer came back
    ValueError : columns that are absent; reminders of invitations that are not in the table

    Examples
    --------
    >>> rows = pd.DataFrame({"invitation_id": list("abc"), "reminder_of": [None, None, "b"]})
    >>> rows["response_id"] = ["r1", None, "r2"]
    >>> invited(rows).data[["answered", "reminded", "after_reminder"]].values.tolist()
    [[True, False, False], [True, True, True]]
    """
    sample = as_sample(sample)
    rows = sample.data
    require_columns(rows, ["invitation_id"], "invitations")
    if "response_id" not in rows or rows["response_id"].isna().all():
        raise InsufficientData(_("No invitation names its answer: map the column response_id."))
    first = rows["reminder_of"].isna() if "reminder_of" in rows else pd.Series(True, rows.index)
    again = rows[~first]
    known = again["reminder_of"].isin(rows.loc[first, "invitation_id"]) if len(again) else first
    if len(again) and (lost := int((~known).sum())):
        raise ValueError(
            f"{lost:,} of {len(again):,} reminders repeat no first invitation of these rows, as "
            f"{again.loc[~known, 'reminder_of'].iloc[0]!r}. reminder_of must hold the "
            "invitation_id of the first invitation; leave it empty there."
        )
    asked = sample.where(first)
    ids, own = asked["invitation_id"], asked["response_id"]
    reminder = again.groupby("reminder_of").first() if len(again) else again.reindex([])
    later = ids.map(reminder["response_id"]) if len(again) else own.where(own.isna())
    response = own.fillna(later)
    dated = "sent_at" in rows
    return asked.assign(
        response_id=response,
        answered=response.notna(),
        reminded=ids.isin(reminder.index),
        after_reminder=own.isna() & later.notna(),
        reminded_after=(
            (ids.map(reminder["sent_at"]) - asked["sent_at"]) / DAY
            if dated and len(again)
            else np.nan
        ),
        answered_after=_days(asked, response, responses) if dated else np.nan,
    )


def with_when(answers: SampleLike, asked: SampleLike) -> Sample:
    """Answers that came to an invitation, with `time_of_answer`: with or without a reminder.

    Who answered only when reminded is the nearest there is to those who never did (Lin and
    Schaeffer 1995, Public Opinion Quarterly 59).

    Parameters
    ----------
    answers : responses with response_id
    asked : of `invited`

    Raises
    ------
    InsufficientData : no answer, or every answer, came after a reminder
    ValueError : answers without response_id

    Examples
    --------
    >>> rows = pd.DataFrame({"invitation_id": list("abc"), "reminder_of": [None, None, "b"]})
    >>> rows["response_id"] = ["r1", None, "r2"]
    >>> answers = pd.DataFrame({"response_id": ["r1", "r2"], "overall": [9, 4]})
    >>> with_when(answers, invited(rows))["time_of_answer"].tolist()
    ['without a reminder', 'after a reminder']
    """
    answers, asked = as_sample(answers), as_sample(asked)
    require_columns(answers.data, ["response_id"], "responses")
    after = asked.data.dropna(subset="response_id").drop_duplicates("response_id")
    when = answers["response_id"].map(after.set_index("response_id")["after_reminder"])
    if when.dropna().nunique() < 2:
        raise InsufficientData(_("No answers came both with and without a reminder."))
    named = answers.assign(time_of_answer=when.map({True: AFTER, False: WITHOUT}))
    return named.where(when.notna())


def _days(asked: Sample, response: pd.Series, responses: pd.DataFrame | None) -> pd.Series:
    """Days from the first invitation to the answer; an answer before it has none."""
    if responses is None or "answered_on" not in responses:
        return pd.Series(float("nan"), asked.data.index)
    on = response.map(
        responses.drop_duplicates("response_id").set_index("response_id")["answered_on"]
    )
    days = (on - asked["sent_at"]) / DAY
    return days.where(days > -1)
