"""What more answers would buy: narrower intervals, and the chance that they settle a verdict.

    fit = scores.next_survey(recent, "recommend", by="region", target=study.target("nps"), more=200)
    print(fit)       # 200 more answers of North settle whether it meets +25 with probability 62%.
    fit.table        # a row an option: everyone, each group

Before a survey its result is not known, but how far it may move the estimate is (preposterior
analysis): an estimate with standard error s moves by a normal deviation of variance s² - s_new².
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from cxlib.core import i18n
from cxlib.core.columns import ESTIMATE, Column
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _, mark
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.data.schema import Target
from cxlib.privacy import disclosure
from cxlib.scores.measures import Measure, as_measure
from cxlib.scores.scoring import score
from cxlib.stats.intervals import LEVEL, normal_quantile

(EVERYONE,) = mark("everyone")
LIKELY = 0.5  # a survey that settles a verdict with a smaller chance is not worth it for that
NARROWER = 0.95  # of the margin of error; above it answers hardly narrow it
COLUMNS = [
    Column("margin", "half the width of the interval", ESTIMATE, label="margin of error"),
    Column("margin_after", "the same with more answers", ESTIMATE, label="with more answers"),
    Column("reference", "the target, or all customers' score", ESTIMATE, label="compared with"),
    Column("settled", "probability that the verdict is clear", "chance", label="verdict settled"),
]


def next_survey(
    sample: SampleLike,
    item: str = "recommend",
    measure: Measure | str = "nps",
    *,
    by: str = "",
    target: Target | None = None,
    more: int = 200,
) -> Result:
    """How much narrower intervals get with more answers, and how likely a verdict is settled.

    Parameters
    ----------
    sample : answers of the latest wave
    item, measure : as in `score`
    by : column of groups, each of which could be asked more
    target : the value to compare with; without it groups are compared with the score of everyone
    more : further answers of everyone, or of the one group, 1 or more

    Returns
    -------
    Result whose table has term ("everyone", then the groups), estimate, low, high, n, margin (half
    the interval), margin_after (with `more` answers of the same design), reference (the target, or
    the score of everyone), now ("clear" or "unclear") and settled (probability that the verdict is
    clear afterwards)

    Raises
    ------
    InsufficientData : no score may be shown
    ValueError : `more` below 1, and as of `score`

    References
    ----------
    Raiffa and Schlaifer (1961), Applied Statistical Decision Theory, for preposterior analysis.

    Examples
    --------
    >>> rows = pd.DataFrame({"recommend": [10, 10, 8, 0] * 50})
    >>> fit = next_survey(rows, target=Target(value=20), more=600)
    >>> fit.table[["margin", "margin_after", "now"]].round(1).values.tolist()
    [[11.4, 5.7, 'unclear']]
    """
    sample, measure = as_sample(sample), as_measure(measure)
    if more < 1:
        raise ValueError(f"more is {more}; it must be 1 or more.")
    whole = score(sample, item, measure).table.assign(term=EVERYONE)
    parts = [whole]
    if by:
        groups = score(sample, item, measure, by=by).table
        parts.append(groups.assign(term=groups[by].astype(str)))
    columns = ["term", "estimate", "low", "high", "n"]
    table = pd.concat([p[columns] for p in parts], ignore_index=True)
    z = normal_quantile(LEVEL)
    margin = (table["high"] - table["low"]) / 2
    after = margin * np.sqrt(table["n"] / (table["n"] + more))
    reference = np.full(len(table), whole["estimate"].iloc[0] if target is None else target.value)
    if target is None:
        reference[0] = np.nan  # everyone is not compared with itself
    error, moves = after / z, np.sqrt(np.maximum(margin**2 - after**2, 0)) / z
    gap = table["estimate"] - reference
    with np.errstate(invalid="ignore", divide="ignore"):
        settled = ndtr((gap - z * error) / moves) + ndtr((-gap - z * error) / moves)
    now = np.where((table["low"] <= reference) & (reference <= table["high"]), "unclear", "clear")
    now = np.where(np.isnan(reference), "", now)
    more_columns = {"margin": margin, "margin_after": after, "reference": reference, "now": now}
    table = table.assign(**more_columns, settled=settled)
    shown = disclosure.shown(table)
    if shown.empty:
        raise InsufficientData(_("No score of those who answered may be shown."))
    notes = i18n.together(
        [
            _("More answers are taken to vary as those there are, weights and repeats included."),
            _("Each verdict is by its own 95% interval; what it is compared with counts as known."),
        ]
    )
    finding = _finding(shown, measure, item, by, target, more)
    return Result(table, finding, notes, measure.unit, columns=COLUMNS, **sample.bootstrap)


def _finding(
    shown: pd.DataFrame, measure: Measure, item: str, by: str, target: Target | None, more: int
) -> Finding:
    """The option most likely to settle an open verdict; else what everyone's interval gains."""
    everyone = shown.iloc[0]
    name = i18n.opening(measure.name(item))
    facts: dict[str, Any] = {"more": more, "measure": name, "of": name}
    facts |= {"before": measure.change(everyone["margin"])}
    facts |= {"after": measure.change(everyone["margin_after"])}
    detail = _(
        "{of}: margin of error ±{before} now, ±{after} with {more:count} more answers; "
        "n = {n:count}",
        n=everyone["n"],
        **facts,
    )
    unclear = shown[shown["now"] == "unclear"]
    importance = Importance.CONTEXT
    best = unclear.loc[unclear["settled"].idxmax()] if len(unclear) else everyone
    if len(unclear):
        facts |= {"group": best["term"], "chance": best["settled"], "by": by}
        facts["goal"] = measure.level(best["reference"])
    if len(unclear) and best["settled"] < LIKELY:
        claim = _(
            "{more:count} more answers would probably settle no open verdict: the likeliest has a "
            "chance of {chance:share}.",
            **facts,
        )
    elif len(unclear) and best.name:
        importance = Importance.ANSWER
        claim = (
            _(
                "{more:count} more answers buy most for {group:quoted}: they would settle whether "
                "it meets {goal} with probability {chance:share}.",
                **facts,
            )
            if target is not None
            else _(
                "{more:count} more answers buy most for {group:quoted}: they would settle whether "
                "it differs from {goal} with probability {chance:share}.",
                **facts,
            )
        )
    elif len(unclear):
        importance = Importance.ANSWER
        claim = _(
            "{more:count} more answers would settle whether {measure} meets {goal} with "
            "probability {chance:share}.",
            **facts,
        )
    elif everyone["margin_after"] > NARROWER * everyone["margin"]:
        claim = _(
            "{more:count} more answers would hardly narrow the margin of error of {measure}, "
            "{before} now.",
            **facts,
        )
    else:
        claim = _(
            "{more:count} more answers would narrow the margin of error of {measure} from {before} "
            "to {after}.",
            **facts,
        )
    return Finding(claim, detail, importance=importance)
