"""The score that belongs to a question: NPS, share satisfied, effort, or its mean."""

from __future__ import annotations

import pandas as pd

from cxlib.data.schema import Item
from cxlib.estimates import Estimates
from cxlib.scores.means import csat, effort, mean, nps


def headline(
    responses: pd.DataFrame,
    item: str,
    asked: Item,
    *,
    by: str | None = None,
    top: int = 2,
    **how: object,
) -> Estimates:
    """The score of `item` by the role that study.yaml gives it; `how` goes to that score.

    Role nps: net promoter score in points. csat: share of the `top` best answers. effort: as
    `effort` gives it. Any other role: the mean on the question's scale.
    """
    if asked.role == "nps":
        return nps(responses, item, by=by, **how)
    if asked.role == "csat":
        return csat(responses, item, scale=asked.scale, top=top, by=by, **how)
    if asked.role == "effort":
        return effort(responses, item, scale=asked.scale, by=by, **how)
    return mean(responses, [item], by=by, **how)
