"""Where journeys end short of their goal, what those customers do instead, who and how much.

lost = journeys.dropoff(steps, goal=["booking"], patience=90, worth=worth, groups=region)
lost.table           # term (touchpoint): share of the journeys there that end there
lost.instead         # what the customers' next journey began with, or that there was none
lost.who             # share of journeys lost, by group;  lost.value: what left with them
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.i18n import _, ngettext
from cxlib.estimates import Estimates, how_drawn
from cxlib.journeys.steps import until_goal
from cxlib.journeys.transitions import shares_held
from cxlib.stats import resampling
from cxlib.stats.intervals import estimates_table, percentile_interval

GONE = "not seen again"


@dataclass(frozen=True)
class Dropoff(Estimates):
    """Journeys lost short of the goal.

    Attributes
    ----------
    table : term (touchpoint), estimate (share of the journeys that met it which end there), low,
        high, n (journeys that met it), lost (journeys that end there)
    instead : before (where the journey ended), term (touchpoint with which the customer's next
        journey begins, or "not seen again"), estimate, low, high, n
    who : Estimates of group, term, estimate (share of all its journeys that are lost), low, high, n
        held together; None without groups
    value : Estimates of term (touchpoint), estimate (what left there: worth of the lost journeys,
        or of the customers not seen again after them), low, high, n (of those, whose worth is
        known); None where nobody's is
    """

    @property
    def next_of_most(self) -> pd.DataFrame:
        """`instead`, of the touchpoint at which most journeys are lost."""
        if self.instead.empty:
            return self.instead
        most = self.table.loc[self.table["lost"].idxmax(), "term"]
        return self.instead[self.instead["before"] == most]

    instead: pd.DataFrame = field(kw_only=True)
    who: Estimates | None = field(kw_only=True)
    value: Estimates | None = field(kw_only=True)


def dropoff(
    steps: pd.DataFrame,
    *,
    goal: Sequence[str],
    patience: float = 30,
    worth: pd.Series | None = None,
    of: str = "customer_id",
    groups: pd.Series | None = None,
    currency: str = "",
    until: pd.Timestamp | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> Dropoff:
    """Where journeys are lost, with 95% intervals held together within each table.

    A journey is lost when it has not reached the goal and its last step lies more than `patience`
    days before `until` (default: the last event); later ones are still open and left out. `worth`
    is what each journey's `of` (a column of steps) is worth, by its name: customers count once,
    where they were seen last. `groups` is the group of each customer. Raises ValueError when no
    journey is closed.
    """
    until = until or steps["at"].max()
    cut = until_goal(steps, goal)
    ends = cut[cut["journey"] != cut["journey"].shift(-1)].set_index("journey")
    closed = ends["reached"] | (ends["at"] <= until - pd.Timedelta(days=patience))
    if not closed.any():
        raise ValueError(f"no journey is older than {patience:g} days. Take a shorter patience.")
    cut, ends = cut[cut["journey"].map(closed)], ends[closed]
    ends = ends.assign(lost=~ends["reached"], where=ends["touchpoint"].astype(str))
    drawn = {"draws": draws, "seed": seed}
    table = _where(cut, ends, goal, drawn)
    who = None if groups is None else _who(ends, groups, drawn)
    final = ends.sort_values("at", kind="stable").drop_duplicates(of, keep="last")
    value = None if worth is None else _value(final, final[of].map(worth), currency, drawn)
    note = i18n.together(
        [
            _(
                "{closed:count} journeys have reached the goal or ended; {open:count} are still "
                "open (less than {days:count} days old) and left out.",
                closed=len(ends),
                open=int((~closed).sum()),
                days=patience,
            ),
            _("All intervals of a table hold together."),
            how_drawn(draws, bucket="customer_id"),
        ]
    )
    instead = _instead(steps, ends, drawn)
    parts = {"instead": instead, "who": who, "value": value}
    return Dropoff(table, _answer(ends, table, drawn), note, "share", **drawn, **parts)


def _where(cut: pd.DataFrame, ends: pd.DataFrame, goal: Sequence[str], drawn: dict) -> pd.DataFrame:
    met = cut[["journey", "customer_id", "touchpoint"]].drop_duplicates()
    met = met[~met["touchpoint"].isin(list(goal))]
    names, place = np.unique(met["touchpoint"].astype(str), return_inverse=True)
    lost = ends["where"].where(ends["lost"])
    here = met["journey"].map(lost).eq(met["touchpoint"].astype(str)).to_numpy()
    one = place[:, None] == np.arange(len(names))
    columns = shares_held(met, one, one & here[:, None], **drawn)
    table = pd.DataFrame({"term": names, **columns, "lost": (one & here[:, None]).sum(0)})
    return table.sort_values("estimate", ascending=False, ignore_index=True)


def _instead(steps: pd.DataFrame, ends: pd.DataFrame, drawn: dict) -> pd.DataFrame:
    """What those whose journey was lost did next, by where it was lost."""
    heads = steps[steps["before"].isna()].sort_values(["customer_id", "at"], kind="stable")
    same = heads["customer_id"] == heads["customer_id"].shift(-1)
    following = heads["touchpoint"].shift(-1).where(same).astype(object).fillna(GONE)
    following.index = heads["journey"]
    lost = ends[ends["lost"]]
    if lost.empty:
        return pd.DataFrame(columns=["before", "term", "estimate", "low", "high", "n"])
    pairs = pd.DataFrame(
        {"before": lost["where"], "term": following.reindex(lost.index).astype(str)}
    )
    kinds = pairs.value_counts(sort=False).index
    place = pd.MultiIndex.from_frame(pairs)
    above = np.column_stack([place == k for k in kinds])
    below = np.column_stack([pairs["before"] == k[0] for k in kinds])
    names = pd.DataFrame(list(kinds), columns=["before", "term"])
    return names.assign(**shares_held(lost, below, above, **drawn))


def _who(ends: pd.DataFrame, groups: pd.Series, drawn: dict) -> Estimates | None:
    group = ends["customer_id"].map(groups).astype("category").cat
    names = group.categories[np.unique(group.codes[group.codes >= 0])]
    if names.empty:
        return None
    inside = group.codes.to_numpy()[:, None] == group.categories.get_indexer(names)
    columns = shares_held(ends, inside, inside & ends["lost"].to_numpy()[:, None], **drawn)
    table = pd.DataFrame({"group": names.astype(str), "term": "journeys lost", **columns})
    most, least = (table.loc[i] for i in (table["estimate"].idxmax(), table["estimate"].idxmin()))
    said = {
        "most": most["group"],
        "share": most["estimate"],
        "span": (most["low"], most["high"]),
        "least": least["group"],
        "other": least["estimate"],
        "other_span": (least["low"], least["high"]),
    }
    if most["low"] > least["high"]:
        answer = _(
            "Journeys of “{most:label}” are lost most often, {share:share1} "
            "({span:share_interval1}); those of “{least:label}” least, {other:share1} "
            "({other_span:share_interval1}).",
            **said,
        )
    else:
        answer = _(
            "No group surely loses more of its journeys than another; most “{most:label}”, "
            "{share:share1} ({span:share_interval1}), least “{least:label}”, {other:share1} "
            "({other_span:share_interval1}).",
            **said,
        )
    return Estimates(table, answer, _ungrouped(ends, inside.any(1)), "share", **drawn)


def _ungrouped(ends: pd.DataFrame, known: np.ndarray) -> str:
    """Why the groups need not add up to the whole."""
    if (~known).sum() < context.current().smallest_cell:
        return ""
    return _(
        "{n:count} of {all:count} journeys are of customers in no group of these; {share:share1} "
        "of them end short.",
        n=(~known).sum(),
        all=len(ends),
        share=ends["lost"].to_numpy()[~known].mean(),
    )


def _value(ends: pd.DataFrame, worth: pd.Series, currency: str, drawn: dict) -> Estimates | None:
    known = (ends["lost"] & worth.notna()).to_numpy()
    rows, value = ends[known], worth[known].to_numpy(float)
    names, place = np.unique(rows["where"].astype(str), return_inverse=True)
    if not len(names):
        return None
    parts = (place[:, None] == np.arange(len(names))) * value[:, None]
    again = resampling.resample_sums(parts, **drawn, who=resampling.who_of(rows, "customer_id"))
    table = estimates_table(list(names), parts.sum(0), again, np.bincount(place))
    table = table.sort_values("estimate", ascending=False, ignore_index=True)
    low, high = percentile_interval(again.sum(1))
    answer = _(
        "{worth} ({span:interval0}) left with those whose journey was lost, most of it at "
        "{touchpoint:quoted}: {most:count} ({most_span:interval0}); {known:count} of {lost:count} "
        "have a known worth.",
        worth=f"{i18n.count(value.sum())} {currency}".strip(),
        span=(low, high),
        touchpoint=table["term"][0],
        most=table["estimate"][0],
        most_span=(table["low"][0], table["high"][0]),
        known=len(rows),
        lost=int(ends["lost"].sum()),
    )
    return Estimates(table, answer, "", "", **drawn)


def _answer(ends: pd.DataFrame, table: pd.DataFrame, drawn: dict) -> str:
    one = np.ones((len(ends), 1))
    share = shares_held(ends, one, one * ends["lost"].to_numpy()[:, None], **drawn)
    said = {
        "share": share["estimate"][0],
        "span": (share["low"][0], share["high"][0]),
        "n": len(ends),
    }
    if not ends["lost"].any():
        return ngettext(
            "The {n:count} journey reaches the goal.",
            "All {n:count} journeys reach the goal.",
            said["n"],
            **said,
        )
    most = table.loc[table["lost"].idxmax()]
    return _(
        "{share:share1} ({span:share_interval1}) of {n:count} journeys end short of the goal, "
        "most of them at {touchpoint:quoted}.",
        touchpoint=most["term"],
        **said,
    )
