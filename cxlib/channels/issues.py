"""Issues: a customer's first contact and those that follow it, on the same channel or another.

found = issues(cases, by="channel", days=30)
first_contact(found, by="channel")     # share with no further contact
moved(found, by="channel")             # share that went on to another channel
touches(found, by="channel")           # contacts an issue
cost(found, by="channel")              # money an issue, follow-ups included
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cxlib.channels.rates import DAY, rate
from cxlib.core import i18n
from cxlib.core.errors import InsufficientData, require_columns, require_dates
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.privacy import disclosure


def issues(
    sample: SampleLike,
    *,
    by: str,
    days: int = 30,
    issue: str = "category",
    costs: Mapping[str, float] | None = None,
    keep: Sequence[str] = (),
) -> Sample:
    """One row an issue: where it began, how many contacts it took, and whether it moved.

    A contact follows another of the same customer (and category, where contacts have one) within
    `days` of it. An issue is a first contact and all that follow; those that began less than
    `days` before the end of observation are left out, as more may come.

    Parameters
    ----------
    sample : contacts (customer_id, opened_at or at, `by`)
    by : column of the channel; the issue's is that of its first contact
    days : 1 or more
    issue : column of what a contact is about; "" or an absent one for none
    costs : cost of a contact by its channel; contacts on other channels make the cost missing
    keep : further columns of which an issue has the value of its first contact

    Returns
    -------
    Sample with customer_id, at, `by`, those of `keep`, contacts (1 or more), solved_first (1
    without a further contact, else 0; 0 too of a case that is open, was reopened or took more than
    `days`), changed_channel (1 if a later contact was on another channel, else 0), contacts_before
    (contacts until the first on another channel; missing where none was) and, with costs, cost.

    Raises
    ------
    ValueError : columns that are absent
    InsufficientData : no contact has a customer, or no issue is old enough

    Examples
    --------
    >>> at = pd.to_datetime(["2026-01-01", "2026-01-03", "2026-01-04", "2026-06-01", "2026-12-01"])
    >>> rows = pd.DataFrame({"customer_id": ["a", "a", "a", "b", "c"], "at": at})
    >>> rows["channel"] = ["web", "web", "phone", "web", "web"]
    >>> found = issues(rows, by="channel")
    >>> found[["contacts", "changed_channel", "contacts_before"]].fillna(-1).values.tolist()
    [[3.0, 1.0, 2.0], [1.0, 0.0, -1.0]]
    """
    sample = as_sample(sample)
    when = "opened_at" if "opened_at" in sample else "at"
    require_columns(sample.data, ["customer_id", by])
    require_dates(sample.data, [when])
    rows = sample.data[sample["customer_id"].notna() & sample[by].notna() & sample[when].notna()]
    if rows.empty:
        raise InsufficientData(_("No contact has a customer, so none can be followed."))
    same = ["customer_id", *([issue] if issue in rows and issue != by else [])]
    rows = rows.sort_values([*same, when], kind="stable")
    gap = rows.groupby(same, dropna=False, sort=False)[when].diff()
    number = (~(gap <= days * DAY)).cumsum().to_numpy()  # of the issue; a first one has no gap
    each = rows.groupby(number)
    first = each[by].transform("first")
    other = (rows[by] != first).to_numpy()
    step = each.cumcount().to_numpy()
    table = pd.DataFrame(
        {
            "customer_id": each["customer_id"].first(),
            "at": each[when].first(),
            by: each[by].first(),
            **{name: rows[name][step == 0].to_numpy() for name in keep},
            "contacts": each.size().astype(float),
            "changed_channel": pd.Series(other).groupby(number).any().astype(float),
            "contacts_before": pd.Series(np.where(other, step, np.nan)).groupby(number).min(),
        }
    )
    done = (table["contacts"] == 1).to_numpy()
    table["solved_first"] = (done & ~_unsolved(rows, days).groupby(number).first()).astype(float)
    if costs:
        paid = rows[by].map(dict(costs)).astype(float)
        table["cost"] = (
            paid.groupby(number).sum(min_count=1).where(paid.notna().groupby(number).all())
        )
    end = rows["as_of"].max() if "as_of" in rows else rows[when].max()
    old = table["at"] + days * DAY <= end
    if not old.any():
        raise InsufficientData(
            _("No contact is {days:count} days old, so follow-ups are not known.", days=days)
        )
    young = int((~old).sum())
    notes = [
        _(
            "An issue is a first contact and those that follow each other within {days:count} "
            "days.",
            days=days,
        )
    ]
    if young:
        notes.append(
            ngettext(
                "{n:count} issue is too recent and is left out.",
                "{n:count} issues are too recent and are left out.",
                young,
            )
        )
    return Sample(
        table[old].reset_index(drop=True),
        cluster="customer_id",
        notes=(*sample.notes, *notes),
        **sample.bootstrap,
    )


def _unsolved(rows: pd.DataFrame, days: int) -> pd.Series:
    """Cases that a single contact did not resolve: still open, reopened, or longer than `days`."""
    fails = pd.Series(False, index=rows.index)
    if "solved" in rows:
        fails |= ~rows["solved"].astype(bool) | (rows["solution_hours"] > 24 * days)
    if "reopened" in rows:
        fails |= rows["reopened"].fillna(False).astype(bool)
    return fails


def first_contact(sample: SampleLike, *, by: str, mix: Sequence[str] = ()) -> Result:
    """Share of issues resolved without a further contact, by the channel on which they began.

    Parameters
    ----------
    sample : of `issues`
    by : column of the channel
    mix : attributes that are held alike, as in `rates.rate`

    Returns
    -------
    Result as of `rates.rate`.

    Examples
    --------
    >>> rows = pd.DataFrame({"channel": ["web"] * 30 + ["phone"] * 30})
    >>> rows["solved_first"] = [1.0] * 45 + [0.0] * 15
    >>> first_contact(rows, by="channel").table["estimate"].tolist()
    [0.5, 1.0]
    """
    name = _("Issues resolved at first contact")
    return rate(sample, "solved_first", by=by, name=name, mix=mix)


def moved(sample: SampleLike, *, by: str) -> Result:
    """Share of issues that went on to another channel, and after how many contacts.

    Parameters
    ----------
    sample : of `issues`
    by : column of the channel on which they began

    Returns
    -------
    Result as of `rates.rate`, with a table "contacts": by, term, estimate (contacts before the
    first on another channel), low, high, n, of the issues that moved.

    Examples
    --------
    >>> rows = pd.DataFrame({"channel": ["web"] * 30 + ["phone"] * 30})
    >>> rows = rows.assign(changed_channel=[1.0] * 15 + [0.0] * 45, contacts_before=1.0)
    >>> moved(rows, by="channel").table["estimate"].tolist()
    [0.0, 0.5]
    """
    sample = as_sample(sample)
    name = (
        _("Issues that move to another channel")
        if by == "channel"
        else _("Issues that move to another {by:label}", by=by)
    )
    fit = rate(sample, "changed_channel", by=by, name=name, better="lower")
    gone = sample.where(sample["changed_channel"] == 1)
    if gone[by].nunique() < 2:
        return fit
    until = rate(gone, "contacts_before", by=by, unit="", better="")
    return fit.replace(tables={**fit.tables, "contacts": until.table.drop(columns="verdict")})


def moves(fit: Result, names: Sequence[str], *, days: int) -> Result:
    """Transitions between channels, with the largest move to another channel as the finding.

    Parameters
    ----------
    fit : of `journeys.transitions`, of contacts whose touchpoint is their channel
    names : of the channels
    days : within which the next contact followed

    Examples
    --------
    >>> table = pd.DataFrame({"before": ["web", "web"], "term": ["phone", "web"], "n": 50})
    >>> fit = Result(table.assign(estimate=[0.3, 0.1], low=0.05, high=0.4), "", unit="share")
    >>> print(moves(fit, ["web", "phone"], days=30))
    After web, 30% of customers turn to phone within 30 days; 10% return to web.
    """
    rows = disclosure.shown(fit.table)
    inner = rows[rows["before"].isin(list(names)) & rows["term"].isin(list(names))]
    other = inner[inner["before"] != inner["term"]]
    if other.empty:
        claim = _("No customer changes channel within {days:count} days.", days=days)
        return fit.replace(finding=Finding(claim))
    row = other.loc[other["estimate"].idxmax()]
    same = inner[(inner["before"] == row["before"]) & (inner["term"] == row["before"])]
    words = {
        "before": i18n.quoted(i18n.label(str(row["before"]))),
        "after": i18n.quoted(i18n.label(str(row["term"]))),
        "share": row["estimate"],
        "stay": float(same["estimate"].sum()),
        "days": days,
        "span": (row["low"], row["high"]),
        "n": row["n"],
    }
    claim = _(
        "After {before}, {share:share} of customers turn to {after} within {days:count} days; "
        "{stay:share} return to {before}.",
        **words,
    )
    detail = _("95% CI {span:share_interval}; n = {n:count}", **words)
    at = {"before": str(row["before"])}
    return fit.replace(finding=Finding.of_row(row, claim, detail, unit="share", at=at))


def touches(sample: SampleLike, *, by: str) -> Result:
    """Contacts that an issue takes, by the channel on which it began.

    Parameters
    ----------
    sample : of `issues`
    by : column of the channel

    Returns
    -------
    Result as of `rates.rate`.

    Examples
    --------
    >>> rows = pd.DataFrame({"channel": ["web"] * 30 + ["phone"] * 30, "contacts": [1.0, 2.0] * 30})
    >>> touches(rows, by="channel").table["estimate"].tolist()
    [1.5, 1.5]
    """
    return rate(sample, "contacts", by=by, name=_("Contacts per issue"), unit="", better="lower")


def cost(sample: SampleLike, *, by: str, currency: str = "") -> Result:
    """Cost of an issue with all its follow-ups, by the channel on which it began.

    Parameters
    ----------
    sample : of `issues` with costs
    by : column of the channel
    currency : of the costs

    Returns
    -------
    Result as of `rates.rate`.

    Raises
    ------
    InsufficientData : no contact has a cost

    Examples
    --------
    >>> rows = pd.DataFrame({"channel": ["web"] * 30 + ["phone"] * 30, "cost": [1.0, 2.0] * 30})
    >>> cost(rows, by="channel", currency="EUR").table["estimate"].tolist()
    [1.5, 1.5]
    """
    sample = as_sample(sample)
    if "cost" not in sample or sample["cost"].isna().all():
        raise InsufficientData(_("No contact has a cost. Give costs.contacts in study.yaml."))
    fit = rate(
        sample,
        "cost",
        by=by,
        name=_("Cost per issue"),
        unit="money",
        better="lower",
        currency=currency,
    )
    note = _("Costs of a contact are those of study.yaml; follow-ups count with their own.")
    return fit.replace(notes=i18n.together([note, fit.notes]))
