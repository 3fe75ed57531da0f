"""A card a segment: who they are, what they do, what drives them, where it hurts.

Nothing is made up: every line is a number of the segment with its interval and n, chosen by how
clearly the segment differs from the average there.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import context
from cxlib.core.columns import deciding_ends
from cxlib.core.i18n import _, mark
from cxlib.core.result import Finding, Importance, Result
from cxlib.privacy import masking
from cxlib.segments.features import terms_of

PARTS = mark("size", "features", "demographics", "outcomes", "drivers", "ratings", "problems")
MOST_LINES = dict(zip(PARTS, (1, 4, 4, 5, 3, 3, 2), strict=True))  # of each part of a card
TELLING = 0.75  # quantile of length
LOOKED_AT = 100  # comments of a kind: one that names nobody is taken first
SHARES = ("_share", "_rate")  # end the names of features that are shares themselves
LINE = ["term", "estimate", "low", "high", "n"]


def personas(
    fit: Result,
    *,
    demographics: pd.DataFrame | None = None,
    outcomes: Result | None = None,
    drivers: pd.DataFrame | None = None,
    ratings: pd.DataFrame | None = None,
    problems: pd.DataFrame | None = None,
    comments: pd.DataFrame | None = None,
) -> Result:
    """A card for each segment that is stable enough to have a name.

    Parameters
    ----------
    fit : of `segments.fit`
    demographics : of `segments.demographics`
    outcomes : of `segments.outcomes`
    drivers, ratings, problems : tables with a column segment, or segment_name: importance of
        drivers, mean answers to touchpoints, share of contacts that end in a problem
    comments : segment_name, text and perhaps score and lang

    Returns
    -------
    Result whose table has segment, part (of PARTS), term, estimate, low, high, n, overall,
    share (whether the number is one); a row a line, in the order of the card. Parts: quotes
    (segment, text: comments as they were written; `report.cards` masks them) and descriptions
    (what marks each segment, in words).

    Raises
    ------
    ValueError : no segment is stable, or a table has no segments
    """
    named = fit.table[fit.table["verdict"] != "not named"]["term"].tolist()
    if not named:
        raise ValueError(
            f"no segment of {len(fit.table)} is stable enough for a card. Choose fewer segments."
        )
    size = fit.table.assign(segment=fit.table["term"], term=_("share of customers"))
    parts = {
        "size": size.assign(share=True, overall=float("nan")),
        "features": _features(fit),
        "demographics": _of(demographics, "demographics", share=True),
        "outcomes": _outcomes(outcomes),
        "drivers": _of(drivers, "drivers", share=True),
        "ratings": _of(ratings, "ratings"),
        "problems": _of(problems, "problems", share=True),
    }
    lines = []
    for name in named:
        for part, table in parts.items():
            own = table[table["segment"] == name]
            lines.append(_lines(part, own).assign(segment=name, part=part))
    table = pd.concat(lines, ignore_index=True)
    table = table[["segment", "part", *LINE, "overall", "share"]]
    table = table.astype(dict.fromkeys(["estimate", "low", "high", "overall"], float))
    return Result(
        table,
        _finding(table, named, len(fit.table)),
        fit.notes,
        **fit.bootstrap,
        parts={"quotes": _quotes(comments, named), "descriptions": fit.descriptions},
    )


def _features(fit: Result) -> pd.DataFrame:
    """The profiles, of each category and segment only the level that tells most."""
    of = [a.name for a in fit.model.axes for _ in (a.levels or ("",))]
    feature = dict(zip(terms_of(fit.model.axes), of, strict=True))
    numbers = {a.name for a in fit.model.axes if not a.levels and not a.name.endswith(SHARES)}
    table = fit.profiles.assign(feature=fit.profiles["term"].map(feature))
    table["share"] = ~table["feature"].isin(numbers)
    # Of a category we say what its members are, not what they are not.
    telling = table["distance"].abs().where(~table["share"] | (table["distance"] > 0), -1)
    best = telling.groupby([table["segment"], table["feature"]]).transform("max")
    return table[(telling == best) & (telling >= 0)]


def _outcomes(found: Result | None) -> pd.DataFrame:
    """Outcomes, and the share of all value, to compare with the share of the customers."""
    if found is None:
        return _of(None, "outcomes")
    brings = found.brings.assign(share=True, overall=np.nan)
    return pd.concat([found.table, brings], ignore_index=True)


def _of(table: pd.DataFrame | None, part: str, share: bool = False) -> pd.DataFrame:
    if table is None:
        return pd.DataFrame(columns=["segment", *LINE, "overall", "share"])
    table = table.rename(columns={"segment_name": "segment"})
    if "segment" not in table:
        raise ValueError(
            f"{part} has no column segment. It has: {', '.join(map(str, table))}. Give a table by "
            "segment_name."
        )
    if "overall" not in table:
        mean = (table["estimate"] * table["n"]).groupby(table["term"]).sum()
        table = table.assign(overall=table["term"].map(mean / table.groupby("term")["n"].sum()))
    return table if "share" in table else table.assign(share=share)


def _lines(part: str, own: pd.DataFrame) -> pd.DataFrame:
    """Features that differ most clearly; drivers from the largest, touchpoints from the worst."""
    if part in ("drivers", "ratings", "problems"):
        order = own["estimate"].sort_values(ascending=part == "ratings", kind="stable").index
    elif part == "features":
        low, high = deciding_ends(own)
        sure = (low > own["overall"]) | (high < own["overall"])
        order = own["distance"].abs()[sure].sort_values(ascending=False, kind="stable").index
    else:  # the same on every card, so that cards can be compared
        order = own.index
    return own.loc[order[: MOST_LINES[part]]]


def _quotes(comments: pd.DataFrame | None, named: list[str]) -> pd.DataFrame:
    """Comments of each segment: a worse and a better one in turn, the page's language first.

    Of each kind those that say somewhat more than most come first.
    """
    if comments is None or comments.empty:
        return pd.DataFrame(columns=["segment", "text"])
    own = comments[comments["segment_name"].isin(named) & comments["text"].notna()]
    own = own.rename(columns={"segment_name": "segment"}).drop_duplicates(["segment", "text"])
    better = pd.Series(True, own.index)
    if "score" in own:
        better = own["score"] > own.groupby("segment")["score"].transform("median")
    foreign = (
        own["lang"].ne(context.current().lang) if "lang" in own else pd.Series(False, own.index)
    )
    length = own["text"].str.len()
    far = (length - length.quantile(TELLING)).abs()
    order = own.assign(foreign=foreign, better=better, far=far).sort_values(
        ["foreign", "far"], kind="stable"
    )
    order = order.groupby(["segment", "better"], sort=False).head(LOOKED_AT)
    order["named"] = [bool(masking.masked(t, comment=True)[1]) for t in order["text"]]
    order = order.sort_values(["foreign", "named", "far"], kind="stable")
    turn = order.groupby(["segment", "better"]).cumcount()
    order = order.assign(turn=turn).sort_values(["turn", "better"], kind="stable")
    return order[["segment", "text"]].reset_index(drop=True)


def _finding(table: pd.DataFrame, named: list[str], k: int) -> Finding:
    """Where a segment falls furthest behind everybody; else how many cards there are."""
    pains = table[(table["part"] == "ratings") & (table["high"] < table["overall"])]
    if pains.empty:
        claim = _("{cards} of {k} segments are stable enough for a card.", cards=len(named), k=k)
        return Finding(claim, importance=Importance.METHOD)
    row = pains.loc[(pains["estimate"] - pains["overall"]).idxmin()]
    claim = _(
        "{segment:verbatim} rate {touchpoint:quoted} furthest below average: {value:number1} "
        "against {overall:number1}.",
        segment=row.segment,
        touchpoint=row.term,
        value=row.estimate,
        overall=row.overall,
    )
    detail = _("95% CI {span:interval2}; n = {n:count}", span=(row.low, row.high), n=row.n)
    return Finding.of_row(
        row,
        claim,
        detail,
        unit="scale",
        measure=str(row.term),
        at={"segment": str(row.segment)},
        verdict="worse",
        importance=Importance.NOTABLE,
    )
