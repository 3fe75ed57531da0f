"""Targeting: the contact list of the month, with what is at stake, why, and what customers said.

    fit = churn.fit(sample)
    found = churn.contact_list(active, fit, Campaign(value="worth", offer=25, capacity=200),
                               Experiences(cases=cases, comments=comments))
    found.customers       # the list, best first: report.list_to_file("contact", found.customers)

The page says how many and why; who is on the list goes to a file of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cxlib.churn.profit import Campaign, break_even_margin, expected_gain
from cxlib.churn.scoring import score
from cxlib.core import i18n
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike
from cxlib.privacy import disclosure, masking
from cxlib.stats.intervals import wilson_interval

MARGIN = 1.96  # standard errors of the prediction interval of the sum
MOST_STEPS, LEAST_STEP = 20, 10  # of the curve, and customers a step


@dataclass(frozen=True, eq=False)
class Experiences:
    """What is known of the customers' last experiences; what is None is not used.

    Attributes
    ----------
    cases : with customer_id, opened_at, category
    responses, touchpoints : answers, and the columns that rate touchpoints
    comments : with customer_id, at, text
    """

    cases: pd.DataFrame | None = None
    responses: pd.DataFrame | None = None
    touchpoints: list[str] | None = None
    comments: pd.DataFrame | None = None


def contact_list(
    sample: SampleLike,
    fit: Result,
    campaign: Campaign,
    experiences: Experiences | None = None,
    *,
    resting: pd.Series | None = None,
) -> Result:
    """Customers worth contacting, the largest expected gain first, at most the capacity.

    Parameters
    ----------
    sample : today's customers, one row each
    fit : of `churn.fit`
    campaign : what contacts and offers cost and bring
    experiences : tables from which the last touchpoint that hurt and the last comment are read
    resting : customer_id -> why the customer is not to be contacted, "" where nothing forbids; of
        `care.resting`. Controls of call-backs are among them

    Returns
    -------
    Result with tables "table" of contacted, term, estimate (expected gain of the whole list),
    low, high (prediction interval), n, and "curve", the same of the first ten, twenty ...
    customers; and the parts `touchpoints`, a Result on the touchpoints that hurt last (term,
    estimate: share of the list, low, high, n), and `customers`, the list: rank, customer_id,
    probability, risk, worth, expected_gain, reasons, touchpoint, comment (masked), commented_on

    Examples
    --------
    >>> contact_list(active, fit, Campaign(value=200, offer=25)).customers    # doctest: +SKIP
    """
    experiences = experiences or Experiences()
    scored = score(sample, fit).data
    chosen = worth_contacting(scored, campaign, resting)
    every = replace(campaign, capacity=None)
    counts = [len(worth_contacting(scored, every, r)) for r in (None, resting)]
    if "customer_id" not in chosen:
        chosen = chosen.assign(customer_id=[f"#{i + 1}" for i in range(len(chosen))])
    listed = chosen[["customer_id", "probability", "risk", "worth", "expected_gain", "reasons"]]
    listed = listed.assign(
        risk=listed["risk"].map(i18n.label),
        touchpoint=_touchpoint(listed["customer_id"], experiences),
        **_latest_comment(listed["customer_id"], experiences.comments),
    )
    ranks = bool(fit.table["low"].iloc[0] > 0.5)
    return _list(listed, len(scored), counts[0] - counts[1], campaign, ranks=ranks)


def joined_lists(lists: Sequence[Result], campaign: Campaign) -> Result:
    """One list of those of several parts of the customers, which were scored by the same model.

    Parameters
    ----------
    lists : of `contact_list`, each of other customers, with the same campaign
    campaign : of all of them

    Returns
    -------
    What `contact_list` gives of all customers together: since each list has its customers of the
    largest expected gain, up to the capacity, none is missing that belongs on the joint one

    Raises
    ------
    ValueError : no list

    Examples
    --------
    >>> joined_lists([contact_list(part, fit, campaign) for part in parts], campaign)
    ... # doctest: +SKIP
    """
    if not lists:
        raise ValueError("there is no list to join; give one or more of `contact_list`.")
    if len(lists) == 1:
        return lists[0]
    rows = [one.customers.drop(columns="rank") for one in lists]
    best = largest_gains(rows, campaign.capacity)
    active, left_out = (sum(one.parts[part] for one in lists) for part in ("active", "left_out"))
    return _list(best, active, left_out, campaign, ranks=lists[0].parts["ranks"])


def _list(
    listed: pd.DataFrame, active: int, left_out: int, campaign: Campaign, *, ranks: bool
) -> Result:
    """The list of the best of so many active customers, of whom rest rules leave some out."""
    listed.insert(0, "rank", np.arange(1, len(listed) + 1))
    notes = _(
        "This list is for offers to customers likely to leave; the one of 26_whom_to_call_back is "
        "for calls about something that happened. On it are customers whose expected gain is above "
        "0, whether or not their risk is high. The prediction interval takes the risks and the "
        "share who accept as known."
    )
    if left_out:
        rests = ngettext(
            "Rest rules, which cover controls of call-backs, leave out {n:count} customer.",
            "Rest rules, which cover controls of call-backs, leave out {n:count} customers.",
            left_out,
        )
        notes = i18n.together([notes, rests])
    curve = _curve(listed, campaign)
    return Result(
        {"table": curve.tail(1), "curve": curve},
        _finding(listed, active, curve, campaign, ranks=ranks),
        notes,
        "money",
        parts={
            "customers": listed,
            "touchpoints": _touchpoints(listed["touchpoint"]),
            "active": active,
            "left_out": left_out,
            "ranks": ranks,
        },
    )


def worth_contacting(
    scored: pd.DataFrame, campaign: Campaign, resting: pd.Series | None = None
) -> pd.DataFrame:
    """The customers whose expected gain is above 0, the largest first, at most the capacity.

    Parameters
    ----------
    scored : customers of today, of `score`
    campaign, resting : as in `contact_list`

    Returns
    -------
    Their rows, with worth and expected_gain

    Examples
    --------
    >>> scored = pd.DataFrame({"customer_id": ["a", "b", "c"], "probability": [0.9, 0.0, 0.8]})
    >>> rest = pd.Series({"a": "followed after an earlier call-back"})
    >>> worth_contacting(scored, Campaign(value=100, offer=5), rest)["customer_id"].tolist()
    ['c']
    """
    expected = expected_gain(scored, campaign)
    rows = scored.assign(worth=campaign.worth(scored), expected_gain=expected)
    pays = expected > 0
    if resting is not None and "customer_id" in rows:
        pays &= rows["customer_id"].map(resting).fillna("").eq("")
    chosen = rows[pays].sort_values("expected_gain", ascending=False, kind="stable")
    most = len(chosen) if campaign.capacity is None else campaign.capacity
    return chosen.head(most).reset_index(drop=True)


def largest_gains(parts: Sequence[pd.DataFrame], most: int | None) -> pd.DataFrame:
    """The customers of several parts with the largest expected gain, the largest first.

    Parameters
    ----------
    parts : of `worth_contacting`, one or more, each of other customers
    most : how many customers; None for all

    Examples
    --------
    >>> parts = [pd.DataFrame({"customer_id": [c], "expected_gain": [g]}) for c, g in ("a1", "b2")]
    >>> largest_gains(parts, 1)["customer_id"].tolist()
    ['b']
    """
    rows = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    best = rows.sort_values("expected_gain", ascending=False, kind="stable")
    return best.head(len(best) if most is None else most).reset_index(drop=True)


def _touchpoint(ids: pd.Series, experiences: Experiences) -> pd.Series:
    """The touchpoint of the latest case, else the worst rated in the latest answer, in words."""
    cases, responses = experiences.cases, experiences.responses
    touchpoints = experiences.touchpoints
    found = pd.Series(pd.NA, index=ids, dtype="object")
    if responses is not None and touchpoints and "customer_id" in responses:
        last = _latest(responses, "answered_on").reindex(ids)[touchpoints].astype(float)
        known = last.notna().any(axis=1)
        found[known] = last[known].idxmin(axis=1)
    if cases is not None and "category" in cases:
        last = _latest(cases, "opened_at").reindex(ids)["category"]
        found = last.where(last.notna(), found)
    words = found.map(lambda v: "" if pd.isna(v) else i18n.label(str(v)))
    return words.reset_index(drop=True)


def _latest_comment(ids: pd.Series, comments: pd.DataFrame | None) -> dict[str, pd.Series]:
    if comments is None:
        return {}
    last = _latest(comments, "at").reindex(ids)
    masked = ["" if pd.isna(t) else masking.masked(str(t), comment=True)[0] for t in last["text"]]
    day = last["at"].dt.strftime("%Y-%m-%d").fillna("")
    return {"comment": pd.Series(masked), "commented_on": day.reset_index(drop=True)}


def _latest(rows: pd.DataFrame, at: str) -> pd.DataFrame:
    rows = rows[rows["customer_id"].notna() & rows[at].notna()].sort_values(at, kind="stable")
    return rows.drop_duplicates("customer_id", keep="last").set_index("customer_id")


def _touchpoints(hurt: pd.Series) -> Result:
    """Where the listed customers were hurt last; no rows where it is known of none of them."""
    counts = hurt[hurt != ""].value_counts()
    if counts.empty:
        return Result(_shares(counts, 1), "", unit="share")
    if unknown := int((hurt == "").sum()):
        # All who are listed have a row: shares that add up to one hide what is small with a second.
        counts = pd.concat([counts, pd.Series({_("none known"): unknown})])
    table = _shares(counts, len(hurt))
    shown = disclosure.shown(table)
    shown = shown[shown.index < len(table) - (unknown > 0)]
    if shown.empty:
        return Result(table, "", unit="share")
    top = shown.iloc[0]
    finding = Finding.of_row(
        top,
        _(
            "The listed customers were last dissatisfied most often with {touchpoint:quoted}: "
            "{share:rate} of them.",
            touchpoint=top.term,
            share=top.estimate,
        ),
        _(
            "95% CI {span:share_interval1}; n = {n:count}; the latest case, else the lowest rating",
            span=(top.low, top.high),
            n=len(hurt),
        ),
        unit="share",
        measure="listed_touchpoint",
        at={"touchpoint": str(top.term)},
    )
    return Result(table, finding, unit="share")


def _shares(counts: pd.Series, many: int) -> pd.DataFrame:
    share = (counts / many).to_numpy(float)
    low, high = wilson_interval(share, np.array(many))
    table = pd.DataFrame({"term": counts.index.astype(str), "estimate": share, "low": low})
    # n is of the touchpoint, so that the share of a few customers is hidden.
    return table.assign(high=high, n=counts.to_numpy())


def _curve(listed: pd.DataFrame, campaign: Campaign) -> pd.DataFrame:
    """Expected gain of contacting ever more of the list, with 95% prediction intervals."""
    offer, accepted = campaign.offer, campaign.accepted
    p, kept = listed["probability"], listed["worth"] - offer
    squares = p * accepted * kept**2 + (1 - p) * offer**2
    mean = p * accepted * kept - (1 - p) * offer
    total = listed["expected_gain"].cumsum().to_numpy(float)
    spread = MARGIN * np.sqrt((squares - mean**2).cumsum().to_numpy(float))
    # No step is of so few customers that it would show what one of them brings.
    steps = max(1, min(MOST_STEPS, len(listed) // LEAST_STEP))
    at = np.unique(np.linspace(0, len(listed), steps + 1).astype(int)[1:])
    at = at[at > 0]
    rows = [
        (k, total[k - 1], total[k - 1] - spread[k - 1], total[k - 1] + spread[k - 1]) for k in at
    ]
    table = pd.DataFrame(rows, columns=["contacted", "estimate", "low", "high"])
    table.insert(1, "term", "by expected gain")
    return table.assign(n=len(listed))


def _finding(
    listed: pd.DataFrame,
    customers: int,
    curve: pd.DataFrame,
    campaign: Campaign,
    *,
    ranks: bool = True,
) -> Finding:
    """What the list is expected to bring; not certain where risks may rank no customer."""
    if listed.empty:
        return Finding(
            _("Contact nobody: no customer's expected gain is above 0."),
            importance=Importance.ANSWER,
        )
    row, currency = curve.iloc[-1], campaign.currency
    facts = {
        "what": campaign.gain,
        "customers": customers,
        "money": (i18n.rounded(row.estimate), currency),
        "span": (*map(i18n.rounded, (row.low, row.high)), currency),
        "accepted": campaign.accepted,
    }
    pays = bool(row.low > 0) and ranks
    if campaign.in_sales:
        facts["even"] = break_even_margin(listed, campaign, float(row.estimate))
        claim = ngettext(
            "Contacting the {n:count} customer on the list pays only if at least {even:share} of "
            "sales is margin.",
            "Contacting the {n:count} customers on the list pays only if at least {even:share} of "
            "sales is margin.",
            len(listed),
            **facts,
        )
        if not pays:
            claim = ngettext(
                "Whether contacting the {n:count} customer on the list pays is not certain: at "
                "least {even:share} of sales would have to be margin.",
                "Whether contacting the {n:count} customers on the list pays is not certain: at "
                "least {even:share} of sales would have to be margin.",
                len(listed),
                **facts,
            )
    elif pays:
        claim = ngettext(
            "Contacting the {n:count} customer on the list is expected to bring {money:money} of "
            "{what} within a year.",
            "Contacting the {n:count} customers on the list is expected to bring {money:money} of "
            "{what} within a year.",
            len(listed),
            **facts,
        )
    else:
        claim = ngettext(
            "Whether contacting the {n:count} customer on the list pays is not certain: "
            "{money:money} of {what} within a year are expected.",
            "Whether contacting the {n:count} customers on the list pays is not certain: "
            "{money:money} of {what} within a year are expected.",
            len(listed),
            **facts,
        )
    detail = _(
        "95% prediction interval {span:money_interval}; assumed: {accepted:share} of the leavers "
        "contacted stay; chosen of {customers:count} active customers by expected gain",
        **facts,
    )
    if campaign.in_sales:
        detail = _("{money:money} of {what} within a year; {detail}", detail=detail, **facts)
    return Finding.of_row(
        row,
        claim,
        detail,
        unit=currency,
        measure="contact_gain",
        importance=Importance.NOTABLE,
        action=_next_step(pays=pays, in_sales=campaign.in_sales),
    )


def _next_step(*, pays: bool, in_sales: bool) -> str:
    """What follows from the gain: nothing without controls, and no campaign that may lose."""
    if not pays:
        return _(
            "Do not run it as a campaign: contact a random part of the list at most, and compare "
            "it with the rest."
        )
    if in_sales:
        return _(
            "Find out the margin first; then work through the list from the top, but for a random "
            "control group."
        )
    return _(
        "Work through the list from the top, but for a random control group that shows the effect."
    )
