"""From graded evidence to levels, and how sure they are.

Evidence: 0 none, 1 claimed, 2 documented, 3 documented and used in the last 12 months. A rater sees
an item met from 2 on; an item is met where more than half of its raters see it so. A dimension has
a level when 80% of the items of that level and of every level below are met, the organisation the
least level of its dimensions (staged), and between the stages the mean over dimensions of one plus
the shares met (continuous).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.errors import suggestion
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.maturity.items import LEVELS, provenance
from cxlib.stats import agreement, resampling
from cxlib.stats.intervals import estimates_table

DOCUMENTED, ENOUGH = 2, 0.8
SURE = 0.95  # probability of a stage, from which the next one is looked at
RATERS = 3  # fewer say too little about how they differ


def assess(sample: SampleLike, items: pd.DataFrame) -> Result:
    """The maturity level of each dimension and of the whole organisation.

    Raters and items are resampled for the intervals. Items that nobody rated are left out and
    counted.

    Parameters
    ----------
    sample : the audit: item, rater and evidence (0 to 3); of several answers of a rater to an item
        the latest (`on`) counts
    items : the grid (`grid`)

    Returns
    -------
    Result with the tables "table": term (the dimension), estimate (its level, 1 to 5), low, high,
    rated (items); "overall": term ("staged level", "continuous level"), estimate, low, high, rated;
    "chances": term ("at least 2" ... "at least 5"), estimate (share of the resamples with that
    level or more); "shares": level (2 to 5), term (the dimension), estimate (share of its items
    met), low, high; "items": item, dimension, level, estimate (share of raters who see it met),
    met, raters. Its parts are the `stage` (1 to 5) and `about_shares`, what "shares" holds.
    Items and raters are no customers, so they are not called n and no small cell is hidden.

    Raises
    ------
    ValueError : an item is not in the grid, or nothing is rated

    Examples
    --------
    >>> from cxlib.maturity.items import grid
    >>> items = grid()
    >>> audit = items[["item"]].assign(rater="Ann", evidence=2 * (items["level"] <= 3))
    >>> assess(audit, items).stage
    3
    """
    sample = as_sample(sample)
    draws, seed = sample.draws, sample.seed
    audit = _latest(sample.data, items)
    rated = items[items["item"].isin(audit.columns)].reset_index(drop=True)
    grades = audit[rated["item"]].to_numpy(float)  # raters, items
    seen, there = grades >= DOCUMENTED, ~np.isnan(grades)
    raters = resampling.keys_of(audit.reset_index(), "rater")
    times = resampling.multiplicities(raters, draws, seed)
    met = _met(np.vstack([np.ones((1, len(grades))), times]), seen, there)
    own = resampling.multiplicities(len(rated), draws, seed + 1)
    shares = _shares(met, np.vstack([np.ones((1, len(rated))), own]), rated)
    levels = _levels(shares)
    staged = levels.min(1)
    continuous = np.where(np.isnan(staged), np.nan, (1 + np.nansum(shares, axis=2)).mean(1))
    at = list(dict.fromkeys(rated["dimension"]))
    n = rated["dimension"].value_counts(sort=False)[at].tolist()
    table = _table(at, levels, n)
    both = np.column_stack([staged, continuous])
    overall = _table(["staged level", "continuous level"], both, [len(rated)] * 2)
    known = staged[1:][~np.isnan(staged[1:])]
    chances = pd.DataFrame(
        [{"term": f"at least {k}", "estimate": (known >= k).mean()} for k in range(2, 6)]
    )
    found = rated[["item", "dimension", "level"]].assign(
        estimate=np.where(there, seen, np.nan).sum(0, where=there) / there.sum(0),
        met=met[0].astype(bool),
        raters=there.sum(0),
    )
    return Result(
        {
            "table": table,
            "overall": overall,
            "chances": chances,
            "shares": _share_table(shares, at),
            "items": found,
        },
        _finding(table, overall, *_agreed(sample, len(audit))),
        _notes(items, rated, len(audit), draws),
        "maturity level",
        draws=draws,
        seed=seed,
        parts={
            "stage": int(staged[0]),
            "about_shares": _("share of the items of each level (2 to 5) that are met"),
        },
    )


def level_probabilities(fit: Result) -> Result:
    """The probability of each stage or more.

    Parameters
    ----------
    fit : of `assess`

    Returns
    -------
    Result with a table term ("at least 2" ...), estimate.

    Examples
    --------
    >>> from cxlib.maturity.items import grid
    >>> audit = grid()[["item"]].assign(rater="Ann", evidence=3)
    >>> level_probabilities(assess(audit, grid())).table["estimate"].tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    sure = fit.chances["estimate"] > SURE
    level = 1 + int(sure.cumprod().sum())
    claim = _("Stage {level:count} or more is almost certain.", level=level)
    if level < 5:
        row = fit.chances["estimate"].iloc[level - 1]
        claim = _(
            "Stage {level:count} or more has a probability of {chance:chance}.",
            level=level + 1,
            chance=row,
        )
    return Result(
        fit.chances,
        Finding(claim, importance=Importance.METHOD),
        _("Shares of {draws:count} bootstrap resamples of raters and items.", draws=fit.draws),
        "share",
        **fit.bootstrap,
    )


def rater_agreement(sample: SampleLike) -> Result:
    """Krippendorff's alpha (nominal, of the grades) of the raters; items are resampled.

    Parameters
    ----------
    sample : the audit: item, rater and evidence

    Returns
    -------
    Result with a table as `agreement.krippendorff` has it: term "alpha", estimate, low, high, n
    (items that two or more rated), coders, codes.

    Examples
    --------
    >>> audit = pd.DataFrame({"item": [1, 1, 2, 2], "rater": ["a", "b"] * 2})
    >>> rater_agreement(audit.assign(evidence=[1, 1, 2, 2])).table["estimate"].tolist()
    [1.0]
    """
    sample = as_sample(sample)
    wide = sample.data.pivot_table(index="item", columns="rater", values="evidence", aggfunc="last")
    fit = agreement.krippendorff(Sample(wide, **sample.bootstrap))
    row = fit.table.iloc[0]
    detail = _(
        "Krippendorff's α = {alpha:number2} (95% CI {span:interval2}); {raters:count} raters, "
        "{items:count} items",
        alpha=row["estimate"],
        span=(row["low"], row["high"]),
        raters=row["coders"],
        items=row["n"],
    )
    if row["low"] >= agreement.TENTATIVE:
        claim = _("The raters agree sufficiently.")
        importance = Importance.METHOD
    else:
        claim = _("The raters agree too little to rely on the stage.")
        importance = Importance.CONTEXT
    notes = _("1 is full agreement, 0 what chance alone would give. {note}", note=fit.notes)
    finding = Finding(claim, detail, measure="rater_agreement", importance=importance)
    return fit.replace(finding=finding, notes=notes)


def audit_date(sample: SampleLike) -> pd.Timestamp | None:
    """The day of the latest answer of an audit; None where no day is given.

    Examples
    --------
    >>> audit_date(pd.DataFrame({"on": pd.to_datetime(["2026-09-14", "2026-09-15"])}))
    Timestamp('2026-09-15 00:00:00')
    """
    sample = as_sample(sample)
    day = sample["on"].max() if "on" in sample else None
    return None if pd.isna(day) else pd.Timestamp(day)


def _latest(audits: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """(raters, items) of grades: each rater's latest, NaN where one did not rate."""
    known = list(items["item"])
    if unknown := sorted(set(audits["item"]) - set(known)):
        raise ValueError(
            f"audits: {len(unknown)} items are not in the grid, the first {unknown[0]!r}."
            f"{suggestion(unknown[0], known)} It has: {', '.join(known)}."
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
    table = estimates_table([d for d in dimensions for _k in range(4)], flat[0], flat[1:], 0).drop(
        columns="n"
    )
    table.insert(0, "level", np.tile(range(2, 6), len(dimensions)))
    return table[known].reset_index(drop=True)


def _table(terms: list[str], values: np.ndarray, rated: list[int]) -> pd.DataFrame:
    """Levels (1 + draws, terms) with their intervals."""
    table = estimates_table(terms, values[0], values[1:], rated)
    return table.rename(columns={"n": "rated"})


def _finding(table: pd.DataFrame, overall: pd.DataFrame, agreed: str, doubted: bool) -> Finding:
    """The stage and what holds it back; that it is not settled where raters disagree."""
    staged = overall.iloc[0]
    level = int(staged["estimate"])
    facts = {
        "level": level,
        "name": _(LEVELS[level - 1]),
        "least": table.loc[table["estimate"] == table["estimate"].min(), "term"],
    }
    action = ""
    if doubted:
        claim = _(
            "The stage of CX maturity is not settled, as raters disagree; by majority it is "
            "{level:count} of 5 ({name}).",
            **facts,
        )
        action = _("Let the raters agree on what counts as evidence before you plan by the stage.")
    elif level < 5:
        claim = _(
            "CX maturity is stage {level:count} of 5 ({name}), held back by {least:label_list3}.",
            **facts,
        )
    else:
        claim = _("CX maturity is stage 5 of 5 ({name}) in every dimension.", **facts)
    span = staged["low"], staged["high"]
    return Finding.of_row(
        staged,
        claim,
        _("{agreed}; 95% CI of the stage {span:interval0}", agreed=agreed, span=span),
        unit="maturity level",
        measure="maturity",
        importance=Importance.NOTABLE,
        action=action,
    )


def _agreed(sample: Sample, raters: int) -> tuple[str, bool]:
    """How far raters agree, and whether that is too little for the stage to be relied on."""
    try:
        fit = rater_agreement(sample)
    except ValueError:  # one rater, no item that two of them rated, or all grades the same
        return ngettext("{n:count} rater", "{n:count} raters", raters), False
    return fit.finding.detail, fit.finding.importance != Importance.METHOD


def _notes(items: pd.DataFrame, rated: pd.DataFrame, raters: int, draws: int) -> str:
    parts = [
        provenance(),
        _(
            "Evidence for an item is graded 0 none, 1 claimed, 2 documented, 3 documented and used "
            "in the last 12 months."
        ),
        _(
            "An item counts as met where more than half of its raters saw it documented; a level "
            "where 80% of its items and of those below are met; the stage is that of the weakest "
            "dimension. {draws:count} bootstrap resamples of raters and items.",
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
    if raters < RATERS:
        parts.append(
            _(
                "Raters: {raters:count}; below {least:count} the intervals say too little about "
                "how raters differ.",
                raters=raters,
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
