"""Which topics explain the score: what shares of explained variance say of mentions.

    shares = drivers.importance(marked, "score", fit.commonest)
    topic_shares(shares, impact(marked, fit, "score"), topic_sentiment(marked, fit))

A topic is mentioned or not, and nobody improves a mention: the share says which mentions go with
other scores, not what to work on. Where no topic is significantly associated with the score
(`impact`), no driver is named and the advice is to wait, and to read what is negative.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.columns import SIMULTANEOUS
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result


def topic_shares(shares: Result, effect: Result, sentiment: Result | None = None) -> Result:
    """Shares of explained variance of topics, with what follows from them.

    Parameters
    ----------
    shares : of `drivers.importance`, on the columns of `mark`
    effect : of `impact`, on the same comments
    sentiment : of `topic_sentiment`; its negative shares say where to look

    Returns
    -------
    The Result of `importance` with a finding that speaks of topics. Only where no topic is
    significantly associated with the score is it a headline, with advice; else the losses of
    `impact` are.

    Examples
    --------
    >>> from cxlib.core.result import Finding, Result
    >>> table = pd.DataFrame({"term": ["taste", "noise"], "estimate": [0.7, 0.3]})
    >>> table = table.assign(low=[0.1, 0.0], high=[0.9, 0.6], n=90, top=True)
    >>> table = table.assign(chance_first=[0.8, 0.2])
    >>> shares = Result({"table": table, "r2": table.head(1)}, Finding("", at={"outcome": "stars"}))
    >>> effect = table.assign(simultaneous_low=-1.0, simultaneous_high=1.0)
    >>> print(topic_shares(shares, Result(effect, Finding(""))))
    No topic is significantly associated with stars; taste is the most likely to be the strongest.
    """
    least = context.current().smallest_cell
    table = shares.table
    if not len(table) or shares.r2["n"].iloc[0] < least or "outcome" not in shares.finding.at:
        # Too few comments, or nothing is explained: what `importance` says holds for topics too.
        return shares.replace(finding=_with_advice(shares.finding, sentiment))
    low, high = (effect.table[c] for c in SIMULTANEOUS)
    known = effect.table["n"] >= least
    if (known & ((low > 0) | (high < 0))).any():
        finding = _ranked(table, shares.finding)
    else:
        finding = _none(table, shares, sentiment)
    return shares.replace(finding=finding)


def _none(table: pd.DataFrame, shares: Result, sentiment: Result | None) -> Finding:
    """No topic is significant: which is the most likely first, and to wait."""
    first = table.loc[table["chance_first"].idxmax()]
    claim = _(
        "No topic is significantly associated with {outcome:quoted}; {topic:quoted} is the most "
        "likely to be the strongest.",
        outcome=shares.finding.at["outcome"],
        topic=first["term"],
    )
    detail = _(
        "{topic:quoted}: {share:share} of explained variance (95% CI {span:share_interval}), first "
        "in {chance:share} of resamples; n = {n:count}",
        topic=first["term"],
        share=first["estimate"],
        span=(first["low"], first["high"]),
        chance=first["chance_first"],
        n=first["n"],
    )
    told = Finding.of_row(
        first,
        i18n.opening(claim),
        detail,
        unit="share",
        measure="driver_share",
        at={**shares.finding.at, "driver": first["term"]},
        verdict="unclear",
        importance=Importance.NOTABLE,
    )
    return _with_advice(told, sentiment)


def _ranked(table: pd.DataFrame, told: Finding) -> Finding:
    """Who explains most, as evidence: losses and gains in points are the answer of the page."""
    leaders = table.loc[table["top"], "term"].tolist()
    facts = {"outcome": told.at["outcome"], "first": i18n.quoted(i18n.label(leaders[0]))}
    if len(leaders) == 1:
        claim = _(
            "Mentions of {first} predict {outcome:quoted} best.",
            **facts,
        )
    elif len(leaders) == 2:
        claim = _(
            "Mentions of {first} and {second:quoted} predict {outcome:quoted} best; the order of "
            "the two is not settled.",
            second=leaders[1],
            **facts,
        )
    else:
        claim = _(
            "Mentions of {first} and {second:quoted} predict {outcome:quoted} best; the order of "
            "the top {leaders:count} is not settled.",
            second=leaders[1],
            leaders=len(leaders),
            **facts,
        )
    return replace(told, claim=claim, importance=Importance.CONTEXT, action="")


def _with_advice(told: Finding, sentiment: Result | None) -> Finding:
    """What to do where nothing is significant: wait, and read what is negative."""
    wait = _("Collect or code more comments before you act on drivers")
    table = None if sentiment is None else sentiment.table.set_index("term")
    worst = [] if sentiment is None else sentiment.most_negative
    if table is None or not worst:
        return replace(told, action=wait)
    negative = [table["bad"][t] for t in worst]
    if len(worst) == 1:
        look = _(
            "look first at {topic:quoted} ({share:share} of its mentions are negative)",
            topic=worst[0],
            share=negative[0],
        )
    else:
        look = _(
            "look first at {topic:quoted} and {second:quoted} ({share:share} and {share2:share} of "
            "their mentions are negative)",
            topic=worst[0],
            second=worst[1],
            share=negative[0],
            share2=negative[1],
        )
    return replace(told, action=_("{first}; {second}", first=wait, second=look))
