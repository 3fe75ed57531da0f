"""Panel of purchases: customers by periods before and after a programme starts, with covariates.

panel = loyalty.panel(study.sample("orders"), customers, start="2025-10-01", days=91)
panel.values      # (customers, periods, 3): purchases, amount, whether they bought
panel.x           # covariates known before the start
loyalty.programme_effect(panel, randomised=True)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import _
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.data.purchases import days_bought, require_amounts, seen_from

OUTCOMES = ("purchases", "amount spent", "customers who bought")
MEMBER = "member"
FEW = 10  # customers who differ, for a column of its own


@dataclass(frozen=True)
class Panel:
    """Customers by periods.

    Attributes
    ----------
    values : (customers, periods, outcomes of OUTCOMES)
    member : whether each is in the programme
    offset : of each period, -1 the last before it begins, 0 the first after
    starts : the first day of each period, as text
    x : covariates known before it began, (customers, k), complete; `names` of its columns,
        and how many periods `back` each tells of (0: what else was known)
    customers : a row a customer, clustered by customer, with the draws and seed of the orders
    joined_later : customers left out, who were none yet when the first period began
    """

    values: np.ndarray
    member: np.ndarray
    offset: np.ndarray
    starts: list[str]
    x: np.ndarray
    names: list[str]
    back: np.ndarray
    customers: Sample
    joined_later: int

    def mean(self, after: bool) -> np.ndarray:
        """Mean of each outcome over the periods before or after, (customers, outcomes)."""
        return self.values[:, (self.offset >= 0) == after].mean(1)


def panel(
    sample: SampleLike,
    customers: pd.DataFrame,
    *,
    start: str | pd.Timestamp,
    days: int = 91,
    before: int = 3,
    after: int = 4,
) -> Panel:
    """Purchases of customers in the periods around the start of a programme.

    Parameters
    ----------
    sample : orders, with customer_id, at and amount; its draws and seed are those of every interval
    customers : customer_id, `member` (in the programme or not) and covariates known at the start.
        Where `tenure_days` says that they joined within the periods before, they are left out:
        their purchases rise because they joined, not because of the programme
    start : first day of the programme
    days : length of a period
    before, after : periods, as far as the orders span them wholly

    Returns
    -------
    Panel, which `programme_effect` takes

    Raises
    ------
    InsufficientData : orders without amounts
    ValueError : missing columns, everybody or nobody a member, no whole period on either side

    Examples
    --------
    >>> day = pd.to_datetime(["2026-01-01", "2026-01-12", "2026-01-20"])
    >>> orders = pd.DataFrame({"customer_id": list("aba"), "at": day, "amount": 9.0})
    >>> customers = pd.DataFrame({"customer_id": list("ab"), "member": [True, False]})
    >>> panel(orders, customers, start="2026-01-11", days=10).values[..., 0].tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    sample = as_sample(sample)
    orders, people = sample.data, customers
    require_columns(people, ["customer_id", MEMBER], "customers")
    require_amounts(orders)
    end, begun = seen_from(orders), pd.Timestamp(start).normalize()
    length = pd.Timedelta(days=days)
    first = orders["at"].min().normalize()
    before, after = min(before, (begun - first) // length), min(after, (end - begun) // length)
    if before < 1 or after < 1:
        raise InsufficientData(
            _(
                "The orders run from {first:date} to {last:date}: not {days:count} days before and "
                "after {begun:date}.",
                first=first,
                last=end - pd.Timedelta(days=1),
                days=days,
                begun=begun,
            )
        )
    there = np.ones(len(people), bool)
    if "tenure_days" in people:
        there = ~(people["tenure_days"] < before * days).to_numpy(bool)
    kept = people[there].reset_index(drop=True)
    member = kept[MEMBER].to_numpy(bool)
    if not 0 < member.sum() < len(member):
        raise ValueError(
            f"{int(member.sum()):,} of {len(member):,} customers are in it; both sorts are needed."
        )
    values = _values(kept, orders, begun - before * length, days, before + after)
    x, names, back = _covariates(kept, values[:, :before])
    return Panel(
        values,
        member,
        np.arange(-before, after),
        [f"{begun + k * length:%Y-%m-%d}" for k in range(-before, after)],
        x,
        names,
        back,
        Sample(kept, cluster="customer_id", **sample.bootstrap),
        int((~there).sum()),
    )


def _values(
    people: pd.DataFrame, orders: pd.DataFrame, start: pd.Timestamp, days: int, periods: int
) -> np.ndarray:
    until = start + pd.Timedelta(days=days * periods)
    bought = days_bought(orders, until)[0]
    who = pd.Index(people["customer_id"]).get_indexer(bought["customer_id"])
    inside = (who >= 0) & (bought["day"] >= start).to_numpy()
    period = (bought["day"][inside] - start) // pd.Timedelta(days=days)
    place = (who[inside], period.to_numpy(int))
    values = np.zeros((len(people), periods, len(OUTCOMES)))
    np.add.at(values[..., 0], place, 1.0)
    np.add.at(values[..., 1], place, bought["amount"][inside].fillna(0.0))
    values[..., 2] = values[..., 0] > 0
    return values


def _covariates(
    people: pd.DataFrame, earlier: np.ndarray
) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Columns to be alike in: purchases and amount of each period before, and what was known.

    The third is how many periods back a column tells of; 0 for what else was known.
    """
    columns: dict[str, np.ndarray] = {}
    back = np.repeat(np.arange(earlier.shape[1], 0, -1), 2)
    for k in range(earlier.shape[1]):
        facts = {"k": earlier.shape[1] - k}
        columns[_("purchases, period {k:count} before", **facts)] = earlier[:, k, 0]
        columns[_("amount, period {k:count} before", **facts)] = earlier[:, k, 1]
    for name in [c for c in people if c not in ("customer_id", MEMBER)]:
        columns |= _columns(people[name], i18n.label(name))
    x = np.column_stack(list(columns.values()))
    first = [list(map(bytes, x.T)).index(bytes(c)) == j for j, c in enumerate(x.T)]
    # A column that says what another does counts once; one that hardly anybody differs in, never.
    varies = np.array([_differ(c, people[MEMBER].to_numpy(bool)) for c in x.T]) & first
    back = np.r_[back, np.zeros(x.shape[1] - len(back), int)]
    return x[:, varies], [n for n, v in zip(columns, varies, strict=True) if v], back[varies]


def _differ(column: np.ndarray, member: np.ndarray) -> bool:
    """Whether some of those in it, and some of the others, have another value than most."""
    values, counts = np.unique(column, return_counts=True)
    other = column != values[counts.argmax()]
    return min(int((other & member).sum()), int((other & ~member).sum())) >= FEW


def _columns(of: pd.Series, name: str) -> dict[str, np.ndarray]:
    """A number as it is, its gaps filled and marked; a category as a column a level."""
    if pd.api.types.is_numeric_dtype(of):
        known = of.astype(float)
        gap = known.isna()
        found = {name: known.fillna(known.mean() if not gap.all() else 0.0).to_numpy()}
        if FEW <= gap.sum() <= len(of) - FEW:
            found[_("{name}: not known", name=name)] = gap.to_numpy(float)
        return found
    text = of.astype("string")
    levels = text.value_counts()
    found = {
        f"{name}: {i18n.label(str(level))}": text.eq(level).fillna(False).to_numpy(float)
        for level, n in levels.iloc[1:].items()
        if n >= FEW
    }
    if text.isna().sum() >= FEW:
        found[_("{name}: not known", name=name)] = text.isna().to_numpy(float)
    return found
