"""From graded evidence to levels, and how sure they are.

Evidence: 0 none, 1 claimed, 2 documented, 3 documented and used in the last 12 months. A rater sees
an item met from 2 on; an item is met where more than half of its raters see it so. A dimension has
a level when 80% of the items of that level and of every level below are met, the organisation the
least level of its dimensions (staged), and between the stages the mean over dimensions of one plus
the shares met (continuous).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from cxlib import agreement
from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates
from cxlib.maturity.items import LEVELS, provenance
from cxlib.stats import resampling
from cxlib.stats.intervals import estimates_table

DOCUMENTED, ENOUGH = 2, 0.8
RATERS = 3  # fewer tell too little of how they differ


@dataclass(frozen=True)
class Maturity(Estimates):
    """The staged level with what it is made of.

    Attributes
    ----------
    table : term (the dimension), estimate (its level), low, high, rated (items)
    overall : term ("staged level", "continuous level"), estimate, low, high, rated (items)
    chances : term ("at least 2" ... "at least 5"), estimate (probability of that level or more)
    shares : level (2 to 5), term (the dimension), estimate (share of its items met), low, high
    items : item, dimension, level, estimate (share of raters who see it met), met, raters

    Items and raters are no customers, so they are not called n and no small cell is hidden.
    """

    overall: pd.DataFrame = field(kw_only=True)
    chances: pd.DataFrame = field(kw_only=True)
    shares: pd.DataFrame = field(kw_only=True)
    items: pd.DataFrame = field(kw_only=True)

    @property
    def stage(self) -> int:
        """The staged level, 1 to 5."""
        return int(self.overall["estimate"].iloc[0])

    @property
    def ends(self) -> str:
        """The weakest and the strongest dimensions with their levels, in a sentence."""
        levels = self.table["estimate"]
        least, most = (
            _(
                "{dimension:label_list2} ({level:count})",
                level=level,
                dimension=self.table.loc[levels == level, "term"],
            )
            for level in (levels.min(), levels.max())
        )
        return _("Weakest: {least}. Strongest: {most}.", least=least, most=most)


def assess(
    audits: pd.DataFrame, items: pd.DataFrame, *, draws: int = 1000, seed: int = 1
) -> Maturity:
    """The level of each dimension and of the whole, raters and items drawn anew for the intervals.

    `audits` has item, rater and evidence (0 to 3); of several answers of a rater to an item the
    latest (`on`) counts. Items that nobody rated are left out and counted. The chances of a level
    are shares of the draws. Raises ValueError for items the grid has not, naming the nearest, and
    where nothing is rated.
    """
    said = _latest(audits, items)
    rated = items[items["item"].isin(said.columns)].reset_index(drop=True)
    grades = said[rated["item"]].to_numpy(float)  # raters, items
    seen, there = grades >= DOCUMENTED, ~np.isnan(grades)
    times = resampling.multiplicities(resampling.keys_of(said.reset_index(), "rater"), draws, seed)
    once = np.ones((1, len(grades)))
    met = _met(np.vstack([once, times]), seen, there)
    own = resampling.multiplicities(len(rated), draws, seed + 1)
    shares = _shares(met, np.vstack([np.ones((1, len(rated))), own]), rated)
    levels = _levels(shares)
    staged = levels.min(1)
    continuous = np.where(np.isnan(staged), np.nan, (1 + np.nansum(shares, axis=2)).mean(1))
    at = list(dict.fromkeys(rated["dimension"]))
    table = pd.concat(
        [_row(d, levels[:, k], int((rated["dimension"] == d).sum())) for k, d in enumerate(at)],
        ignore_index=True,
    )
    overall = pd.concat(
        [
            _row("staged level", staged, len(rated)),
            _row("continuous level", continuous, len(rated)),
        ],
        ignore_index=True,
    )
    told = staged[1:][~np.isnan(staged[1:])]
    chances = pd.DataFrame(
        [{"term": f"at least {k}", "estimate": (told >= k).mean()} for k in range(2, 6)]
    )
    found = rated[["item", "dimension", "level"]].assign(
        estimate=np.where(there, seen, np.nan).sum(0, where=there) / there.sum(0),
        met=met[0].astype(bool),
        raters=there.sum(0),
    )
    return Maturity(
        table,
        _sentence(table, overall, chances, len(said)),
        _note(items, rated, said, draws),
        "maturity level",
        draws=draws,
        seed=seed,
        overall=overall,
        chances=chances,
        items=found,
        shares=_share_table(shares, at),
    )


def chances_of(fit: Maturity) -> Estimates:
    """The probability of each stage or more, a row each: term ("at least 2" ...), estimate."""
    at_least = dict(zip(range(2, 6), map(i18n.chance, fit.chances["estimate"]), strict=True))
    said = [
        _("{stage:count} or more {chance}", stage=k, chance=chance)
        for k, chance in at_least.items()
    ]
    return Estimates(
        fit.chances,
        _("Probability of stage {chances:list}.", chances=said),
        _("Shares of {draws:count} draws of raters and items.", draws=fit.draws),
        "share",
        draws=fit.draws,
        seed=fit.seed,
    )


def agreement_of(audits: pd.DataFrame, *, draws: int = 1000, seed: int = 1) -> Estimates:
    """Krippendorff's alpha (nominal, of the grades) of the raters, items drawn anew.

    table as `agreement.krippendorff` has it: term "alpha", estimate, low, high, n (items that two
    or more rated), coders, codes.
    """
    wide = audits.pivot_table(index="item", columns="rater", values="evidence", aggfunc="last")
    fit = agreement.krippendorff(wide, draws=draws, seed=seed)
    row = fit.table.iloc[0]
    facts = {
        "alpha": row["estimate"],
        "span": (row["low"], row["high"]),
        "raters": row["coders"],
        "items": row["n"],
        "least": agreement.TENTATIVE,
    }
    if row["low"] >= agreement.TENTATIVE:
        said = _(
            "Raters see much the same: Krippendorff's alpha {alpha:number2} ({span:interval2}), "
            "{raters:count} raters of {items:count} items.",
            **facts,
        )
    else:
        said = _(
            "Raters do not surely see the same: Krippendorff's alpha {alpha:number2} "
            "({span:interval2}), where {least:number2} is the least to build on, {raters:count} "
            "raters of {items:count} items.",
            **facts,
        )
    note = _("1 is full agreement, 0 what chance alone would give. {note}", note=fit.note)
    return replace(fit, answer=said, note=note)


def audited_on(audits: pd.DataFrame) -> pd.Timestamp | None:
    """The day of the latest answer; None where no day is told."""
    day = audits["on"].max() if "on" in audits else None
    return None if pd.isna(day) else pd.Timestamp(day)


def _latest(audits: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """(raters, items) of grades: each rater's latest, NaN where one did not rate."""
    from difflib import get_close_matches

    known = list(items["item"])
    if unknown := sorted(set(audits["item"]) - set(known)):
        near = get_close_matches(unknown[0], known, 1)
        hint = f"; did you mean {near[0]!r}?" if near else f". It has: {', '.join(known)}."
        raise ValueError(
            f"audits: {len(unknown)} items are not in the grid, the first {unknown[0]!r}{hint}"
        )
    rows = audits.dropna(subset=["evidence"])
    rows = rows.assign(rater=rows["rater"].astype("string").fillna("–"))
    if rows.empty:
        raise ValueError("audits: no item has a grade of evidence.")
    if "on" in rows:
        rows = rows.sort_values("on", kind="stable", na_position="first")
    rows = rows.drop_duplicates(["rater", "item"], keep="last")
    return rows.pivot(index="rater", columns="item", values="evidence").astype(float)


def _met(times: np.ndarray, seen: np.ndarray, there: np.ndarray) -> np.ndarray:
    """(draws, items): more than half of the raters drawn see the item met; NaN where none rates."""
    asked = times @ there.astype(float)
    with np.errstate(invalid="ignore"):
        return np.where(asked > 0, (times @ (seen & there).astype(float)) / asked > 0.5, np.nan)


def _shares(met: np.ndarray, own: np.ndarray, rated: pd.DataFrame) -> np.ndarray:
    """(draws, dimensions, levels 2 to 5): share of the items drawn that are met.

    NaN where a level has no item. A draw that leaves a level without any of its items takes them
    all, once each: an item that was not drawn is no item that is not met.
    """
    at, _unused = pd.factorize(rated["dimension"])
    place = at * 4 + rated["level"].to_numpy() - 2
    inside = (place[:, None] == np.arange(4 * (at.max() + 1))).astype(float)
    some = (own * ~np.isnan(met)) @ inside
    alone = (~np.isnan(met)) @ inside
    whole = np.nan_to_num(met)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(some > 0, ((own * whole) @ inside) / some, (whole @ inside) / alone)
    return share.reshape(len(met), -1, 4)


def _levels(shares: np.ndarray) -> np.ndarray:
    """(draws, dimensions): the highest level that is met with all below; NaN without raters."""
    reached = np.where(np.isnan(shares), True, shares >= ENOUGH - 1e-9)
    # A level without items is passed, but is never the top of what was shown.
    held = np.cumprod(reached, axis=2) * ~np.isnan(shares)
    levels = np.maximum((held * np.arange(2, 6)).max(2), 1.0)
    levels[np.isnan(shares).all((1, 2))] = np.nan  # no rater was drawn
    return levels


def _share_table(shares: np.ndarray, dimensions: list[str]) -> pd.DataFrame:
    flat = shares.reshape(len(shares), -1)
    known = ~np.isnan(flat[0])
    table = estimates_table(np.repeat(dimensions, 4), flat[0], flat[1:], 0).drop(columns="n")
    table.insert(0, "level", np.tile(range(2, 6), len(dimensions)))
    return table[known].reset_index(drop=True)


def _row(term: str, values: np.ndarray, n: int) -> pd.DataFrame:
    table = estimates_table([term], values[:1], values[1:, None], n)
    return table.rename(columns={"n": "rated"})


def _sentence(
    table: pd.DataFrame, overall: pd.DataFrame, chances: pd.DataFrame, raters: int
) -> str:
    staged, continuous = overall.iloc[0], overall.iloc[1]
    level = int(staged["estimate"])
    held = chances.set_index("term")["estimate"].get(f"at least {level}", 1.0)
    least = table.loc[table["estimate"] == table["estimate"].min(), "term"]
    facts = {
        "level": level,
        "name": _(LEVELS[level - 1]),
        "chance": held,
        "mean": continuous["estimate"],
        "span": (continuous["low"], continuous["high"]),
        "raters": raters,
        "items": staged["rated"],
        "least": least,
    }
    if level < 5:
        stage = _(
            "Stage {level:count} of 5, {name}, that of the weakest dimension: "
            "{least:quoted_list3}.",
            **facts,
        )
    else:
        stage = _("Stage {level:count} of 5, {name}, in every dimension.", **facts)
    rest = _(
        "Stage {level:count} or more has probability {chance:chance}; the mean over the "
        "dimensions is {mean:number2} ({span:interval2}). {raters:count} raters, {items:count} "
        "items.",
        **facts,
    )
    return i18n.together([stage, rest])


def _note(items: pd.DataFrame, rated: pd.DataFrame, said: pd.DataFrame, draws: int) -> str:
    parts = [
        provenance(),
        _(
            "Evidence for an item is graded 0 none, 1 claimed, 2 documented, 3 documented and used "
            "in the last 12 months."
        ),
        _(
            "An item counts as met where more than half of its raters saw it documented; a level "
            "where 80% of its items and of those below are met; the stage is that of the weakest "
            "dimension. {draws:count} draws of raters and items.",
            draws=draws,
        ),
    ]
    if left := len(items) - len(rated):
        parts.append(
            _(
                "{left:count} of {all:count} items were not rated and are left out.",
                left=left,
                all=len(items),
            )
        )
    if len(said) < RATERS:
        parts.append(
            _(
                "Raters: {raters:count}; below {least:count} the intervals tell too little of how "
                "raters differ.",
                raters=len(said),
                least=RATERS,
            )
        )
    lost = sorted(set(items["dimension"]) - set(rated["dimension"]))
    if lost:
        parts.append(
            _(
                "Without any rating, and so not in the stage: {dimensions:label_list}.",
                dimensions=lost,
            )
        )
    return i18n.together(parts)
