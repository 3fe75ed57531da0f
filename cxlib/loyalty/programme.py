"""Does the programme bring them back? The answer by a named design, and what could undo it.

    seen = panel(people, orders, begun_on="2025-10-01")
    found = programme(seen, randomised=True)
    found.table       # term (purchases ...), design, estimate: percent more than without it
    found.path        # the gap between the two in each period, before and after
    found.balance     # how unlike the two were, and are once made alike
    found.checks      # what would have to be true for the effect to be none

Where lots decided who is in it, the others tell what would have been. Where it was chosen they do
not, as a rule: those chosen bought more before. Then three designs stand side by side: the plain
difference, the difference in differences, and that beside others made like them before.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib.causal import experiment, matching
from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates, how_drawn
from cxlib.loyalty import evidence
from cxlib.loyalty.evidence import ALIKE, DID, E_VALUE_END, LOT, LOT_ADJUSTED, PLAIN
from cxlib.loyalty.panel import OUTCOMES, Panel
from cxlib.stats import estimators, resampling
from cxlib.stats.estimators import Replicated
from cxlib.stats.intervals import simultaneous_interval


@dataclass(frozen=True)
class Programme(Estimates):
    """What being in it went with.

    Attributes
    ----------
    table : design, term (outcome), estimate (percent more than without it), low, high, n, effect
        (a customer and period), without (what they would have done); all intervals at once
    path : wave (first day of a period), term, estimate (purchases of those in it less those of
        others, less that gap in the last period before), low, high (all at once), n, changed
    balance : term, when (as they were, weighted, in pairs), estimate (standardised difference), n
    checks : term, estimate, low, high, n: what speaks for and against the design
    design : the one the answer rests on
    """

    path: pd.DataFrame = field(kw_only=True)
    balance: pd.DataFrame = field(kw_only=True)
    checks: pd.DataFrame = field(kw_only=True)
    design: str = field(kw_only=True)

    @property
    def evidence(self) -> Estimates:
        """The checks as a result of their own, what each tells in its note."""
        randomised = self.design == LOT_ADJUSTED
        said = evidence.verdict(self.checks, randomised)
        return Estimates(self.checks, said, evidence.read_as(randomised))


def programme(
    seen: Panel, *, randomised: bool = False, draws: int = 1000, seed: int = 1
) -> Programme:
    """What being in the programme went with, a customer and period, over the periods after.

    `randomised` says that lots decided who is in it; nothing else may. Customers are drawn whole.
    Lots: difference, and adjusted by what they bought before (Lin 2013). Else: difference in
    differences, and the same beside others weighted to be alike before (Hainmueller 2012), with the
    checks that belong to them; the last is left out where no weights make the others alike.
    """
    how = {"who": resampling.who_of(seen.people, "customer_id"), "draws": draws, "seed": seed}
    after, earlier = seen.mean(True), seen.mean(False)
    beside = None
    if randomised:
        found = {
            LOT: experiment.difference(after, seen.member, **how),
            LOT_ADJUSTED: experiment.adjusted(after, seen.member, earlier, **how),
        }
    else:
        found = {
            PLAIN: experiment.difference(after, seen.member, **how),
            DID: experiment.difference(after - earlier, seen.member, **how),
        }
        if (beside := evidence.made_alike(seen)) is not None:
            found[ALIKE] = matching.effect(after - earlier, seen.member, seen.x, **how)
    level = estimators.cell_means(after, np.where(seen.member, 0, -1), 1, **how)[0]
    table, replicates = _table(found, level, len(seen.member))
    path = _path(seen, how)
    checks = evidence.by_lot(seen, how)
    if not randomised:
        checks = evidence.chosen(seen, table, path, beside)
    note = i18n.together([_about(seen, list(found)[-1]), how_drawn(draws, bucket="customer_id")])
    facts = {"draws": draws, "seed": seed, "replicates": replicates}
    return Programme(
        table,
        _answer(table, checks),
        note,
        "percent",
        path=_told(path, seen),
        balance=evidence.balance(seen, beside),
        checks=checks,
        design=list(found)[-1],
        **facts,
    )


def _table(
    found: dict[str, Replicated], level: Replicated, n: int
) -> tuple[pd.DataFrame, np.ndarray]:
    """Percent more than without the programme, for each outcome and design, one family."""
    rows, again = [], []
    for j, outcome in enumerate(OUTCOMES):
        for design, effect in found.items():
            without = level.estimate[j] - effect.estimate[j]
            more = float(_more(effect.estimate[j], without))
            rows.append((design, outcome, more, effect.estimate[j], without))
            again.append(
                _more(effect.replicates[:, j], level.replicates[:, j] - effect.replicates[:, j])
            )
    table = pd.DataFrame(rows, columns=["design", "term", "estimate", "effect", "without"])
    replicates = np.column_stack(again)
    low, high = simultaneous_interval(table["estimate"].to_numpy(), replicates)
    for place, (name, values) in enumerate({"low": low, "high": high, "n": n}.items()):
        table.insert(3 + place, name, values)
    return table, replicates


def _more(effect: np.ndarray, without: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(without > 0, 100 * effect / without, np.nan)


def _path(seen: Panel, how: dict) -> Replicated:
    """The gap in purchases in each period less that of the last before, (periods,)."""
    gap = experiment.difference(seen.values[..., 0], seen.member, **how)
    since = np.eye(len(seen.offset))
    since[np.flatnonzero(seen.offset == -1)[0]] -= 1
    return gap @ since


def _told(path: Replicated, seen: Panel) -> pd.DataFrame:
    low, high = path.simultaneous_interval()
    fixed = seen.offset == -1
    return pd.DataFrame(
        {
            "wave": seen.starts,
            "term": "purchases",
            "estimate": path.estimate,
            "low": np.where(fixed, 0.0, low),
            "high": np.where(fixed, 0.0, high),
            "n": len(seen.member),
            "changed": seen.offset >= 0,
        }
    )


def _about(seen: Panel, design: str) -> str:
    members = int(seen.member.sum())
    facts = {
        "members": members,
        "programme": i18n.opening(_name()),
        "others": len(seen.member) - members,
        "before": (seen.offset < 0).sum(),
        "after": (seen.offset >= 0).sum(),
        "date": seen.starts[int(np.flatnonzero(seen.offset == 0)[0])],
    }
    said = [
        _(
            "{programme}: {members:count} in it and {others:count} others, {before:count} periods "
            "before {date} and {after:count} after; all who were in it at the start count, "
            "whatever they did later.",
            **facts,
        )
    ]
    if seen.joined_later:
        said.append(
            _("{n:count} who joined within the periods before are left out.", n=seen.joined_later)
        )
    if design == ALIKE:
        said.append(
            _(
                "Others are weighted to have the same means before in {k:count} columns; what "
                "these do not tell may differ still.",
                k=len(seen.names),
            )
        )
    return i18n.together(said)


def _name() -> str:
    """What the study calls the programme, in quotation marks."""
    called = i18n.label("the programme")
    return called if called == _("the programme") else i18n.quoted(called)


def _answer(table: pd.DataFrame, checks: pd.DataFrame) -> str:
    rows = table[table["term"] == OUTCOMES[0]]
    best = rows.iloc[-1]
    facts = {
        "percent": f"{i18n.number(abs(best.estimate), 1)}%",
        "span": (best.low / 100, best.high / 100),
        "n": best.n,
        "programme": _name(),
    }
    if best.design == LOT_ADJUSTED:
        if best.low > 0:
            return _(
                "By lot: {programme} made customers buy {percent} more often "
                "({span:share_interval1}); n {n:count}.",
                **facts,
            )
        if best.high < 0:
            return _(
                "By lot: {programme} made customers buy {percent} less often "
                "({span:share_interval1}); n {n:count}.",
                **facts,
            )
        return _(
            "By lot: whether {programme} made customers buy more often is not clear (by "
            "{span:share_interval1}); n {n:count}.",
            **facts,
        )
    if best.design == DID:
        return _(
            "Not by lot, and no others are like those in it: what {programme} brings cannot be "
            "told; n {n:count}.",
            **facts,
        )
    plain = rows.iloc[0]
    facts["plain"] = f"{i18n.number(plain.estimate, 1)}%"
    if best.low > 0 or best.high < 0:
        facts["e"] = checks.set_index("term")["estimate"][E_VALUE_END]
        more = best.low > 0
        return (
            _(
                "Not by lot: those in {programme} bought {percent} more often "
                "({span:share_interval1}) than others made alike before, n {n:count}. Something "
                "unseen would have to go with both by a ratio of {e:number2} to explain it away.",
                **facts,
            )
            if more
            else _(
                "Not by lot: those in {programme} bought {percent} less often "
                "({span:share_interval1}) than others made alike before, n {n:count}. Something "
                "unseen would have to go with both by a ratio of {e:number2} to explain it away.",
                **facts,
            )
        )
    return _(
        "Not by lot: beside others made alike, whether those in {programme} bought more often is "
        "not clear (by {span:share_interval1}), though they bought {plain} more than all others; "
        "n {n:count}.",
        **facts,
    )
