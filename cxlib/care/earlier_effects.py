"""What earlier call-backs say against more of them, for the head of a week's list."""

from __future__ import annotations

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.core.result import Result


def evidence_against(score: Result | None = None, spend: Result | None = None) -> list[str]:
    """What speaks against further call-backs, the main reason first and as the end of a sentence.

    Parameters
    ----------
    score, spend : of `effect_on_score` and `effect_on_spend`; None where they are not known

    Returns
    -------
    A reason, then details with intervals; empty where nothing speaks against call-backs: they
    help, or it is not known yet whether they do

    Examples
    --------
    >>> import pandas as pd
    >>> from cxlib.core.result import Finding
    >>> ends = {"term": ["spend", "margin minus cost"], "low": [1.0, -6.0], "high": [4.0, -1.0]}
    >>> table = pd.DataFrame(ends | {"estimate": [2.0, -4.0], "n": 90})
    >>> evidence_against(spend=Result(table, Finding("", unit="EUR", verdict="worse")))[0]
    'each earlier call-back cost €4.00 more than the margin it brought.'
    """
    reasons, details = [], []
    if spend is not None and spend.finding.verdict == "worse":
        reason, detail = _against_spend(spend)
        reasons.append(reason)
        details.append(detail)
    if score is not None and score.finding.verdict == "worse":
        reasons.append(_("earlier call-backs lowered {outcome}.", outcome=score.parts["outcome"]))
    elif score is not None and score.parts.get("faded"):
        quarter = i18n.label(score.parts["faded"])
        reasons.append(
            _("call-backs of {quarter} cannot be shown to have had an effect.", quarter=quarter)
        )
    if not reasons:
        return []
    return [reasons[0], *details, *(r.rstrip(".。") for r in reasons[1:])]


def _against_spend(spend: Result) -> tuple[str, str]:
    """Why earlier call-backs did not pay, in margin where it is known, and the numbers."""
    row, currency = spend.table.iloc[-1], spend.finding.unit
    span = (row["low"], row["high"], currency)
    if row["term"] == "margin minus cost":
        reason = _(
            "each earlier call-back cost {net:money2} more than the margin it brought.",
            net=(abs(row["estimate"]), currency),
        )
        return reason, _(
            "margin minus cost {signed:money2} a customer called (95% CI {span:money_interval2})",
            signed=(row["estimate"], currency),
            span=span,
        )
    return _("each earlier call-back cost more than the sales it brought."), _(
        "sales {signed:money2} a customer called (95% CI {span:money_interval2}), {cost:money2} "
        "for the call",
        signed=(row["estimate"], currency),
        span=span,
        cost=(spend.parts["cost"], currency),
    )
