"""Who has a reason to be called: what was answered, what broke, what is open, who may leave.

    needs(Evidence(responses=answers, outcome="recommend", item=item), "2026-10-01")

What a study does not have gives no reason; the page says what is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _, mark
from cxlib.data.schema import Item
from cxlib.privacy import masking

OVERDUE, OPEN, LOW, BROKEN, LATE, RISK = REASONS = mark(
    "overdue case",
    "open case",
    "low score",
    "broken journey",
    "unusually long wait",
    "high risk",
)
DETRACTOR = 6.0  # an NPS answer up to which a customer is a detractor
DELIVERY = "delivery"  # the step that an order waits for; others are steps of cases
LOW_SHARE = 0.4  # of the scale of any other question, below which an answer is low
HOUR = pd.Timedelta(hours=1)


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of customers; what is None gives no reason.

    Attributes
    ----------
    responses, outcome, item : answers (customer_id, answered_on), the question, and how it is asked
    cases : of `service.times_of`: customer_id, opened_at, solved, solution_used, solution_limit ...
    events, bad : customer_id, at, touchpoint, outcome; the outcomes that are a problem
    late : orders and cases that wait longer than is usual for their kind, of `late_steps`: step,
        customer_id, waited_days, usual_days, late_after_days
    scored : customers with probability and risk, of `churn.score`
    comments : customer_id, at, text; masked in the list
    worth : customer_id -> what the customer brings
    """

    responses: pd.DataFrame | None = None
    outcome: str = ""
    item: Item | None = None
    cases: pd.DataFrame | None = None
    events: pd.DataFrame | None = None
    bad: Sequence[str] = ()
    late: pd.DataFrame | None = None
    scored: pd.DataFrame | None = None
    comments: pd.DataFrame | None = None
    worth: pd.Series | None = None


def needs(evidence: Evidence, today: str | pd.Timestamp, *, days: int = 90) -> pd.DataFrame:
    """Customers with a reason to be called, and what is known of each.

    Parameters
    ----------
    evidence : what the study has
    today : the day of the call
    days : how old an answer or a broken journey may be; cases and waits count while they last

    Returns
    -------
    DataFrame, a row a customer: customer_id; a column of truth for each of REASONS; priority (1: an
    overdue case, 2: several reasons, 3: one reason); score, answered_on, touchpoint, probability,
    waits_for (the step that waits the longest beyond its time), waited_days, usual_days, case_id,
    category, owner, comment (masked), commented_on and worth, where they are known

    Raises
    ------
    InsufficientData : the study has nothing that could give a reason

    Examples
    --------
    >>> cases = pd.DataFrame({"customer_id": ["a"], "opened_at": [pd.Timestamp("2026-09-01")],
    ...                       "solved": [False], "solution_limit": [72.0]})
    >>> needs(Evidence(cases=cases), "2026-10-01")[["customer_id", "priority"]].values.tolist()
    [['a', 1]]
    """
    day = pd.Timestamp(today)
    since = day - pd.Timedelta(days=days)
    low = _low(evidence, since)
    cases = _open_cases(evidence.cases, day)
    broken = _broken(evidence.events, evidence.bad, since)
    late = _late(evidence.late)
    risk = _at_risk(evidence.scored)
    found_parts = (low, cases, broken, late, risk)
    if all(part is None for part in found_parts):
        raise InsufficientData(
            _("The study has no answers, open cases, journeys, waits or risks of known customers.")
        )
    empty = pd.DataFrame(index=pd.Index([], dtype=object))
    parts = [empty if part is None else part for part in found_parts]
    found = pd.concat(parts, axis=1, sort=True).rename_axis("customer_id")
    for reason in REASONS:
        given = found[reason] if reason in found else pd.Series(False, found.index)
        found[reason] = given.eq(True).fillna(False).astype(bool)
    # A case that waits long is open too: one matter.
    same = found[OPEN] & found[LATE] & ~found.get("late_order", found[LATE]).eq(True)
    several = found[list(REASONS[1:])].sum(axis=1) - same > 1
    found["priority"] = np.where(found[OVERDUE], 1, np.where(several, 2, 3))
    return _described(found.drop(columns="late_order", errors="ignore"), evidence).reset_index()


def _latest(rows: pd.DataFrame, at: str) -> pd.DataFrame:
    known = rows[rows["customer_id"].notna() & rows[at].notna()]
    last = known.sort_values(at, kind="stable").drop_duplicates("customer_id", keep="last")
    return last.set_index("customer_id")


def _low(evidence: Evidence, since: pd.Timestamp) -> pd.DataFrame | None:
    """Who gave a low score in their latest answer."""
    rows, item = evidence.responses, evidence.item
    if rows is None or item is None or not {"customer_id", "answered_on"} <= set(rows):
        return None
    last = _latest(rows[rows[evidence.outcome].notna()], "answered_on")
    score, (worst, best) = last[evidence.outcome].astype(float), item.scale
    low = score <= DETRACTOR if item.role == "nps" else score < worst + LOW_SHARE * (best - worst)
    last = last[low & (last["answered_on"] >= since)]
    return pd.DataFrame(
        {LOW: True, "score": last[evidence.outcome], "answered_on": last["answered_on"]}
    )


def _open_cases(cases: pd.DataFrame | None, day: pd.Timestamp) -> pd.DataFrame | None:
    """Who has an open case; overdue where its standard has passed."""
    if cases is None or "customer_id" not in cases or not {"solved", "solved_at"} & set(cases):
        return None
    solved = cases["solved"] if "solved" in cases else cases["solved_at"].notna()
    rows = cases[~solved.astype(bool) & cases["customer_id"].notna()]
    limit = rows["solution_limit"] if "solution_limit" in rows else pd.Series(np.nan, rows.index)
    waited = (day - rows["opened_at"]) / HOUR
    late = rows.get("solution_used", waited) > limit  # in the hours of the standard
    each = late.groupby(rows["customer_id"]).any()
    return pd.DataFrame({OVERDUE: each, OPEN: True})


def _broken(
    events: pd.DataFrame | None, bad: Sequence[str], since: pd.Timestamp
) -> pd.DataFrame | None:
    """Whose latest problem at a touchpoint is recent."""
    if events is None or not bad or not {"customer_id", "outcome"} <= set(events):
        return None
    rows = events[events["outcome"].isin(list(bad)) & (events["at"] >= since)]
    last = _latest(rows, "at")
    return pd.DataFrame({BROKEN: True, "touchpoint": last["touchpoint"]})


def _late(late: pd.DataFrame | None) -> pd.DataFrame | None:
    """Whose order or case waits unusually long, with the one that waits the longest beyond."""
    if late is None or "customer_id" not in late:
        return None
    rows = late[late["customer_id"].notna()]
    over = (rows["waited_days"] - rows["late_after_days"]).astype(float)
    order = over.sort_values(ascending=False, kind="stable").index
    first = rows.loc[order].drop_duplicates("customer_id").set_index("customer_id")
    steps = [i18n.label(str(step)) for step in first["step"]]
    known = first[["waited_days", "usual_days"]].assign(waits_for=steps)
    placed = rows.loc[rows["step"] == DELIVERY, "customer_id"]
    return known.assign(late_order=known.index.isin(placed), **{LATE: True})


def _at_risk(scored: pd.DataFrame | None) -> pd.DataFrame | None:
    if scored is None or "customer_id" not in scored:
        return None
    rows = scored[scored["risk"] == "high"].set_index("customer_id")
    return pd.DataFrame({RISK: True}, index=rows.index)


def _described(found: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
    """What whoever calls should know: risk, last case with its owner, last words, value."""
    ids = found.index
    if evidence.scored is not None and "customer_id" in evidence.scored:
        risks = evidence.scored.set_index("customer_id")["probability"]
        found = found.assign(probability=risks.reindex(ids).round(3))
    if evidence.cases is not None and "customer_id" in evidence.cases:
        last = _latest(evidence.cases, "opened_at").reindex(ids)
        for column in ("case_id", "category", "owner"):
            if column in last:
                found = found.assign(**{column: last[column]})
    if evidence.comments is not None and "customer_id" in evidence.comments:
        last = _latest(evidence.comments, "at").reindex(ids)
        words = [
            "" if pd.isna(t) else masking.masked(str(t), comment=True)[0] for t in last["text"]
        ]
        found = found.assign(comment=words, commented_on=last["at"])
    if evidence.worth is not None:
        found = found.assign(worth=evidence.worth.reindex(ids))
    return found


def in_words(row: pd.Series) -> str:
    """The reasons of a customer, as the list has them.

    Examples
    --------
    >>> in_words(pd.Series({reason: reason in ("open case", "low score") for reason in REASONS}))
    'open case; low score'
    """
    there = [r for r in REASONS if row.get(r, False) and not (r == OPEN and row[OVERDUE])]
    return _("; ").join(i18n.label(r) for r in there)
