"""Rest rules: which customers are left in peace, and why.

    resting(ids, contacts, rules, today, never=customers["no_contact"])   # "" where nothing forbids

Customers of an earlier call-back, called or controls, rest until its follow-up is over: a further
call would blur the comparison. An overdue case ends this rest.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.care.small import merged
from cxlib.core import i18n
from cxlib.core.codes import match, truth
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Result
from cxlib.data.schema import ContactRules
from cxlib.stats.intervals import wilson_interval

NEVER, REFUSED, FOLLOWED, OFTEN = (
    "may not be contacted",
    "asked not to be contacted",
    "followed after an earlier call-back",
    "contacted often enough",
)


def resting(
    customers: pd.Series,
    contacts: pd.DataFrame | None,
    rules: ContactRules,
    today: str | pd.Timestamp,
    *,
    never: pd.Series | None = None,
    urgent: pd.Series | None = None,
) -> pd.Series:
    """Why each customer is not to be contacted now.

    Parameters
    ----------
    customers : their customer_id, each once
    contacts : customer_id, at, perhaps arm and outcome; controls were not contacted
    rules : contact_rules of study.yaml
    today : the day of the contact
    never : customer_id -> the value of the column `rules.never`
    urgent : of each of `customers`, whether a case is overdue, for which the follow-up of an
        earlier call-back is no reason to wait

    Returns
    -------
    Series by customer_id: the strongest reason, or "" where the customer may be contacted

    Examples
    --------
    >>> calls = pd.DataFrame({"customer_id": ["a", "a", "b"], "at": pd.Timestamp("2026-09-20")})
    >>> rules = ContactRules(most=2, days=30)
    >>> resting(pd.Series(["a", "b"]), calls, rules, "2026-10-01").tolist()
    ['contacted often enough', '']
    """
    ids, day = pd.Index(customers), pd.Timestamp(today)
    found = pd.Series("", ids, dtype=object)
    if contacts is not None and len(contacts):
        kept = contacts["arm"].eq("control") if "arm" in contacts else contacts["at"].isna()
        made = contacts[~kept.fillna(False)]
        if rules.most:
            recent = made[made["at"] >= day - pd.Timedelta(days=rules.days)]
            often = recent["customer_id"].value_counts()
            found[ids.isin(often.index[often >= rules.most])] = OFTEN
        arm = contacts["arm"].notna() if "arm" in contacts else contacts["at"].isna()
        arm &= contacts["at"] >= day - pd.Timedelta(days=rules.follow_up)
        waits = ids.isin(contacts.loc[arm, "customer_id"])
        found[waits if urgent is None else waits & ~urgent.to_numpy(bool)] = FOLLOWED
        if rules.refused and "outcome" in made:
            means = match(rules.refused, made["outcome"].dropna().unique())
            refused = made["outcome"].isin([v for same in means.values() for v in same])
            found[ids.isin(made.loc[refused, "customer_id"])] = REFUSED
    if never is not None:
        forbidden = never.map(truth, na_action="ignore").eq(True).fillna(False)
        found[ids.isin(never.index[forbidden.to_numpy(bool)])] = NEVER
    return found


def with_contact(
    items: pd.DataFrame,
    contacts: pd.DataFrame | None,
    rules: ContactRules,
    today: str | pd.Timestamp,
    *,
    never: pd.Series | None = None,
) -> pd.DataFrame:
    """Mark the rows of customers who must not be contacted about them, whatever the occasion.

    Parameters
    ----------
    items : rows with customer_id, such as `late_steps(...).items`
    contacts, rules, today, never : as in `resting`

    Returns
    -------
    The rows with a column `no_contact`: "may not be contacted", "asked not to be contacted" (in the
    page's language) or ""

    Examples
    --------
    >>> items = pd.DataFrame({"customer_id": ["a", "b", None]})
    >>> never = pd.Series({"a": True, "b": False})
    >>> with_contact(items, None, ContactRules(), "2026-10-01", never=never)["no_contact"].tolist()
    ['may not be contacted', '', '']
    """
    if "customer_id" not in items:
        return items.assign(no_contact="")
    ids = pd.Series(items["customer_id"].dropna().unique())
    rest = resting(ids, contacts, rules, today, never=never)
    always = rest[rest.isin([NEVER, REFUSED])].map(i18n.label)
    return items.assign(no_contact=items["customer_id"].map(always).fillna("").to_numpy())


def rest_summary(rest: pd.Series, rules: ContactRules) -> Result:
    """How many customers with a reason to call are left in peace, and why.

    Parameters
    ----------
    rest : of `resting`
    rules : contact_rules of study.yaml

    Returns
    -------
    Result with "table": term (why; small ones together), estimate (share of customers with a
    reason), low, high, n

    Examples
    --------
    >>> str(rest_summary(pd.Series(["", "contacted often enough"] * 20), ContactRules(most=1)))
    'Rest rules exclude 20 of 40 customers with a reason to call.'
    """
    counts = rest[rest != ""].value_counts()
    parts = pd.DataFrame({"term": counts.index.astype(str), "n": counts.to_numpy(int)})
    parts = merged(parts)
    share = parts["n"].to_numpy(float) / max(len(rest), 1)
    low, high = wilson_interval(share, np.array(len(rest))) if len(parts) else (share, share)
    table = parts[["term"]].assign(estimate=share, low=low, high=high, n=parts["n"])
    if not (excluded := int(counts.sum())):
        return Result(table, Finding(_("No rest rule excludes a customer."), _rules(rules)))
    claim = _(
        "Rest rules exclude {n:count} of {all:count} customers with a reason to call.",
        n=excluded,
        all=len(rest),
    )
    return Result(table, Finding(claim, _rules(rules)), unit="share")


def _rules(rules: ContactRules) -> str:
    """The rules of the study, and which it does not state."""
    told = [
        _(
            "at most {most:count} contacts in {days:count} days; "
            "{follow_up:count} days between call-backs unless a case is overdue",
            most=rules.most,
            days=rules.days,
            follow_up=rules.follow_up,
        )
        if rules.most
        else _(
            "no limit of contacts is set; {n:count} days between call-backs unless a case is "
            "overdue",
            n=rules.follow_up,
        )
    ]
    if not (rules.never or rules.refused):
        told.append(_("study.yaml does not say who may not be contacted"))
    return i18n.opening(_("; ").join(told))
