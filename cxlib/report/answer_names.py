"""What readers call an answer: by name alone, whatever the study's columns are called.

answer_names.called("pain_points")              # Pain points by priority
answer_names.called("change_price_rise")        # Effect of the price rise
"""

from __future__ import annotations

from cxlib.core import context
from cxlib.core.i18n import N_, _

TITLES = {
    "contents": N_("Tables loaded"),
    "warnings": N_("Alerts"),
    "answers": N_("How customers answered"),
    "pain_points": N_("Pain points by priority"),
    "factors": N_("Reach, severity, impact and recurrence of each pain point"),
    "choice": N_("Stability and coherence by number of topics"),
    "categories": N_("Causes of complaints and who can solve them"),
    "number_of_segments": N_("Stability and fit by number of segments"),
    "cost_of_wrong_segments": N_("What placing customers in the wrong segment costs"),
    "limits_of_grades": N_("Limits between the grades"),
    "plan": N_("Plan of the next comparison"),
    "value": N_("Value by segment"),
    "kinds": N_("How certain the kind of each driver is"),
}
# Answers that a notebook names by a change or a question of the study.
BEFORE = {
    "change_": N_("Effect of {named:inner}"),
    "outcomes_": N_("All outcomes of {named:inner}"),
    "uplift_": N_("Whom {named:inner} affects most"),
}
CHANGE, OF_CHANGE = "_change", N_("Change in {named:quoted}")


def called(name: str) -> str:
    """What an answer is called where it has no claim, in the page's language.

    Parameters
    ----------
    name : as the notebook gives it to `report.add`

    Examples
    --------
    >>> from cxlib.core import context
    >>> labels = {"plan": "Membership", "price_rise": "The price rise"}
    >>> with context.use(context.Context(labels=labels)):
    ...     called("plan"), called("value"), called("change_price_rise")
    ('Plan of the next comparison', 'Value by segment', 'Effect of the price rise')
    """
    if name in TITLES:
        return _(TITLES[name])
    labels = context.current().labels
    for start, title in BEFORE.items():
        if (rest := name.removeprefix(start)) != name and rest in labels:
            return _(title, named=rest)
    if (item := name.removesuffix(CHANGE)) != name and item in labels:
        return _(OF_CHANGE, named=item)
    # Not `i18n.label`: a column of the study may have the same name, and then another meaning.
    return _(name.replace("_", " "))
