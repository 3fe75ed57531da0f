"""What the scorecard of a unit says: whether it meets the standard, and which below it do not."""

from __future__ import annotations

import pandas as pd

from cxlib.core import i18n
from cxlib.core.codes import plain
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance
from cxlib.data.organisation import Tree
from cxlib.data.schema import Target
from cxlib.privacy import disclosure
from cxlib.scores import units as leagues
from cxlib.scores.measures import Measure

ITSELF, ABOVE, BELOW = "this unit", "benchmark", "below it"  # relation of a row to the page's unit


def finding_of(
    table: pd.DataFrame,
    unit: str,
    item: str,
    measure: Measure,
    target: Target | None,
    tree: Tree,
) -> Finding:
    """The finding of a scorecard: of its unit, else of the units below it."""
    own = table[table["relation"] == ITSELF].iloc[0]
    below = table[table["relation"] == BELOW]
    named = below[below["verdict"] == leagues.BELOW]
    goal = (
        _("the average of its level")
        if target is None
        else _("the target of {goal}", goal=measure.level(target.value, bare=True))
    )
    said = {
        "measure": measure.name(item),
        "now": measure.level(own["estimate"], bare=True),
        "unit": own["unit"],
        "goal": goal,
        "names": [str(u) for u in named["unit"]],
        "all": len(below),
    }
    row, parts = own, [_interval(own, measure)]
    if unit != disclosure.TOTAL and own["verdict"] == leagues.BELOW:
        claim = _("{measure} of {unit:label} is {now}, significantly short of {goal}.", **said)
        if len(named):
            parts.append(_("so are {names:label_list3}", **said))
    elif len(named):
        row = named.iloc[0]
        if len(named) == len(below) > 1:
            claim = (
                _("{measure}: both units are significantly short of {goal}.", **said)
                if len(below) == 2
                else _(
                    "{measure}: all {all:count} units are significantly short of {goal}: "
                    "{names:label_list3}.",
                    **said,
                )
            )
        else:
            claim = ngettext(
                "{measure}: {n:count} of {all:count} units is significantly short of {goal}: "
                "{names:label_list3}.",
                "{measure}: {n:count} of {all:count} units are significantly short of {goal}: "
                "{names:label_list3}.",
                len(named),
                **said,
            )
        now = measure.level(row["estimate"], bare=True)
        parts = [
            _("{unit:label}: {now} ({ci})", unit=row["unit"], now=now, ci=_interval(row, measure))
        ]
    elif unit == disclosure.TOTAL:
        claim = _("{measure} of all units is {now}; none is significantly short of {goal}.", **said)
    else:
        claim = _("{measure} of {unit:label} is {now}, not significantly short of {goal}.", **said)
    worse = len(named) > 0 or (unit != disclosure.TOTAL and own["verdict"] == leagues.BELOW)
    if worse:
        parts.append(_("the probability that any unit is named wrongly is at most 5%"))
    met = own["verdict"] == leagues.MEETS and target is not None
    return Finding.of_row(
        row,
        i18n.opening(claim),
        _("; ").join(parts),
        measure=f"unit {measure.key(item)}",
        at={} if row["unit"] == disclosure.TOTAL else {"unit": str(row["unit"])},
        unit=measure.unit,
        verdict="worse" if worse else "unchanged" if met else "unclear",
        importance=Importance.NOTABLE if worse else Importance.ANSWER,
        owner=tree.manager.get(plain(row["unit"]), ""),
    )


def _interval(row: pd.Series, measure: Measure) -> str:
    return _("95% CI {ci}; n = {n:count}", ci=measure.span(row["low"], row["high"]), n=row["n"])
