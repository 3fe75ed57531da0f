"""What the importance of drivers says: who is first, and how settled that is."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result

RARE = 0.01  # share of resamples; a driver can be rarely first in them and yet not ruled out


def may_lead_by_share(others: list[str]) -> str:
    """That others may be the strongest as well, as part of a sentence."""
    return _("{others:quoted_list3} may also be first by explained variance", others=others)


def finding(table: pd.DataFrame, fit: pd.Series, outcome: str, insignificant: bool) -> Finding:
    """Who explains most; an order that the resamples do not support is not claimed."""
    least = context.current().smallest_cell
    if fit["n"] < least:
        return Finding(_("Fewer than {least:count} answered: no number is shown.", least=least))
    facts = {
        "outcome": outcome,
        "fit": f"{i18n.label(fit['term'])} = {i18n.number(fit['estimate'], 2)}",
        "n": fit["n"],
    }
    if insignificant:
        return Finding(
            _("These drivers do not explain {outcome:quoted} significantly.", **facts),
            _("{fit} (95% CI {span:interval2}); n = {n:count}", span=_ends(fit), **facts),
            verdict="unclear",
            importance=Importance.ANSWER,
        )
    leaders = table[table["top"]]
    first, second = leaders.iloc[0], leaders.iloc[min(1, len(leaders) - 1)]
    facts |= {
        "driver": first["term"],
        "second": second["term"],
        "share": first["estimate"],
        "span": _ends(first),
        "share2": second["estimate"],
        "span2": _ends(second),
        "leaders": len(leaders),
    }
    alone = len(leaders) == 1
    unsettled = len(leaders) == len(table) > 2  # none can be ruled out
    detail = (
        _("{share:share} (95% CI {span:share_interval}) of explained variance; {fit}; n = "
          "{n:count}", **facts)
        if alone
        else _("{share:share} (95% CI {span:share_interval}) and {share2:share} "
               "({span2:share_interval}) of explained variance; {fit}; n = {n:count}", **facts)
    )  # fmt: skip
    if others := list(leaders["term"].iloc[2:]) if len(leaders) < len(table) else []:
        detail = _("{first}; {second}", first=detail, second=may_lead_by_share(others))
    if len(table) == 1:  # no other to be stronger than; its share of what is explained is all
        claim = _(
            "{driver:quoted} explains {fit_share:share} of the variance of {outcome:quoted}.",
            fit_share=fit["estimate"],
            **facts,
        )
        detail = _("{fit} (95% CI {span:interval2}); n = {n:count}", **facts | {"span": _ends(fit)})
    elif alone:
        claim = _("{driver:quoted} is the strongest driver of {outcome:quoted}.", **facts)
    elif unsettled:
        claim = _(
            "No driver of {outcome:quoted} is significantly stronger than the others; "
            "{driver:quoted} and {second:quoted} explain most.",
            **facts,
        )
    elif len(leaders) == 2:
        claim = _(
            "{driver:quoted} and {second:quoted} are the strongest drivers of {outcome:quoted}; "
            "the order of the two is not settled.",
            **facts,
        )
    else:
        claim = _(
            "{driver:quoted} and {second:quoted} are the strongest drivers of {outcome:quoted}; "
            "the order of the top {leaders:count} is not settled.",
            **facts,
        )
    settled = len(leaders) < len(table) or alone
    action = ""
    if unsettled:
        action = _(
            "Do not choose a driver by this: none can be ruled out as the strongest. More answers "
            "would show it"
        )
    elif len(table) > 1 and alone:
        action = _("Begin with {driver:quoted}, and test what an improvement brings", **facts)
    elif len(table) > 1:
        action = _(
            "Do not choose between {driver:quoted} and {second:quoted} by this: “What shall we "
            "improve first?” compares what each would bring",
            **facts,
        )
    return Finding.of_row(
        first,
        claim,
        detail,
        unit="share",
        measure="driver_share",
        at={"outcome": outcome, "driver": first["term"]},
        importance=Importance.NOTABLE if settled else Importance.ANSWER,
        action=action,
    )


def order(fit: Result) -> Result:
    """Ranks of the drivers, and how many of them can be ruled out as the strongest.

    Parameters
    ----------
    fit : of `importance`

    Returns
    -------
    Result whose table has term, rank_low, rank_high, chance_first, top and n.

    Examples
    --------
    >>> from cxlib.drivers.importance import importance
    >>> rng = np.random.default_rng(1)
    >>> rows = pd.DataFrame({"delivery": rng.normal(size=200), "room": rng.normal(size=200)})
    >>> rows["recommend"] = 2 * rows["delivery"] + rows["room"] + rng.normal(size=200)
    >>> print(order(importance(rows, "recommend", ["room", "delivery"])))
    1 of 2 drivers can be ruled out as the strongest.
    """
    columns = ["term", "rank_low", "rank_high", "chance_first", "top", "n"]
    first = fit.table["top"].astype(bool)
    claim = ngettext(
        "{out:count} of {n:count} driver can be ruled out as the strongest.",
        "{out:count} of {n:count} drivers can be ruled out as the strongest.",
        len(fit.table),
        out=int((~first).sum()),
    )
    rare = first & fit.table["chance_first"].lt(RARE) & (fit.table.index > 0)
    named = fit.table.loc[first & ~rare, "term"].tolist()
    detail = _("may be the strongest: {names:label_list}", names=named)
    if rare.any():
        unlikely = _(
            "not ruled out, though first in fewer than 1% of resamples: {names:label_list}",
            names=fit.table.loc[rare, "term"].tolist(),
        )
        detail = _("{first}; {second}", first=detail, second=unlikely)
    return Result(fit.table[columns], Finding(claim, detail), "", "share", **fit.bootstrap)


def _ends(row: pd.Series) -> tuple[float, float]:
    """The interval of a row."""
    return row["low"], row["high"]


def rank_agreement(first: Result, second: Result) -> str:
    """One sentence: do two methods put the drivers in the same order? (Spearman 1904).

    Parameters
    ----------
    first, second : importance of the same drivers by two methods
    """
    both = first.table.merge(second.table, on="term", suffixes=("", "_2"))
    ranking = both[["estimate", "estimate_2"]].rank()
    correlation = ranking["estimate"].corr(ranking["estimate_2"])
    if both["estimate"].idxmax() == both["estimate_2"].idxmax():
        return _(
            "Both methods rank the same driver first; rank correlation {r:number2}.", r=correlation
        )
    return _(
        "The methods rank different drivers first; rank correlation {r:number2}.", r=correlation
    )


def most_alike(table: pd.DataFrame) -> str:
    """Which ratings of two drivers correlate most, as a title of the figure of `correlations`.

    Examples
    --------
    >>> most_alike(pd.DataFrame([[1, 0.8], [0.8, 1]], ["speed", "price"], ["speed", "price"]))
    'Ratings of speed and price correlate most (0.80).'
    """
    cor = np.where(np.tri(len(table), k=-1, dtype=bool), table.to_numpy(float), np.nan)
    if not np.isfinite(cor).any():
        return ""
    one, other = np.unravel_index(np.nanargmax(cor), cor.shape)
    return _(
        "Ratings of {one:quoted} and {other:quoted} correlate most ({r:number2}).",
        one=table.columns[other],
        other=table.columns[one],
        r=cor[one, other],
    )
