"""What finished actions brought, compared with what was predicted.

    realised_gains(ledger, currency="EUR")     # a row a finished action, and all of them together

A gain of a whole year that rests on an effect that cannot be shown any more is not settled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

import numpy as np
import pandas as pd

from cxlib.actions.assumptions import assumed_value
from cxlib.actions.gains import NORMAL
from cxlib.actions.ledger import complete
from cxlib.core import i18n
from cxlib.core.columns import Column
from cxlib.core.i18n import N_, _, ngettext
from cxlib.core.result import Finding, Importance, Result

REALISED = ("realised", "realised_low", "realised_high")


class Changed(Protocol):
    """A change of study.yaml, and the action of the ledger that it is."""

    @property
    def name(self) -> str:
        """Its short name."""

    @property
    def action(self) -> str:
        """The action_id; empty without one."""


def faded_effects(
    answers: Mapping[str, Mapping[str, Result]], changes: Iterable[Changed]
) -> dict[str, str]:
    """Finished actions whose effect cannot be shown any more, as 40_did_the_change_work finds them.

    Parameters
    ----------
    answers : notebook -> name -> Result, as `report.others` gives them
    changes : of study.yaml; each has a name and perhaps the action_id of its action

    Returns
    -------
    action_id -> the latest wave, in which no effect can be shown

    Examples
    --------
    >>> judged = pd.DataFrame({"change": ["calls"], "faded_in": ["2026-Q3"]})
    >>> from types import SimpleNamespace
    >>> changes = [SimpleNamespace(name="calls", action="a02")]
    >>> faded_effects({"40": {"verdicts": Result(judged, "")}}, changes)
    {'a02': '2026-Q3'}
    """
    kept = answers.get("40", {}).get("verdicts")
    if kept is None or "faded_in" not in kept.table:
        return {}
    rows = kept.table.dropna(subset=["faded_in"])
    waves = dict(zip(rows["change"], rows["faded_in"].astype(str), strict=True))
    return {c.action: waves[c.name] for c in changes if c.action and c.name in waves}


def with_measured(
    ledger: pd.DataFrame,
    answers: Mapping[str, Mapping[str, Result]],
    changes: Iterable[Changed],
) -> pd.DataFrame:
    """The ledger with the effects of finished actions as 40 measures them in the same run.

    An effect was booked from an earlier run: one quantity has one number and one interval on the
    pages of a run, and the booked one is said beside it.

    Parameters
    ----------
    ledger : actions, as the contract has them
    answers, changes : as in `faded_effects`

    Returns
    -------
    the ledger; of finished actions that have a realised effect, and whose change is measured on
    the same outcome, realised, realised_low and realised_high are those measured, and booked,
    booked_low and booked_high what the ledger has

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> judged = {"change": ["calls"], "term": ["recommend"], "unit": ["points"]}
    >>> judged |= {"estimate": [22.0], "low": [13.0], "high": [31.0]}
    >>> row = {"action_id": "a02", "status": "done", "measure": "NPS", "realised": 20.0}
    >>> changes = [SimpleNamespace(name="calls", action="a02")]
    >>> kept = {"40": {"verdicts": Result(pd.DataFrame(judged), "")}}
    >>> with_measured(pd.DataFrame([row]), kept, changes)[["realised", "booked"]].values.tolist()
    [[22.0, 20.0]]
    """
    kept = answers.get("40", {}).get("verdicts")
    rows = complete(ledger)
    if kept is None or not {"change", "term", "unit", "low"} <= set(kept.table):
        return rows
    judged = kept.table.dropna(subset=["estimate", "low", "high"]).set_index("change")
    action = {c.action: c.name for c in changes if c.action and c.name in judged.index}
    ends = dict(zip(REALISED, ("estimate", "low", "high"), strict=True))
    for place in rows.index[rows["status"].eq("done") & rows["realised"].notna()]:
        row = rows.loc[place]
        if (name := action.get(str(row["action_id"]))) is None:
            continue
        found, on = judged.loc[name], str(row["measure"])
        if on.upper() == "NPS" and found["unit"] == "points" or on == found["term"]:
            for column, end in ends.items():
                rows.loc[place, column.replace("realised", "booked")] = row[column]
                rows.loc[place, column] = float(found[end])
    return rows


def _as_booked(rows: pd.DataFrame) -> list[str]:
    """What the ledger has of effects that the run measures anew, where that is another number."""
    if "booked" not in rows:
        return []
    return [
        _(
            "The effect of the action on “{problem:label}” is that measured in this run; it was "
            "booked as {size:signed1} (95% CI {span:interval1}).",
            problem=row.problem,
            size=row.booked,
            span=(row.booked_low, row.booked_high),
        )
        for row in rows[rows["booked"].notna()].itertuples()
        if any(
            i18n.number(getattr(row, c))
            != i18n.number(getattr(row, c.replace("realised", "booked")))
            for c in REALISED
        )
    ]


def realised_gains(
    ledger: pd.DataFrame,
    *,
    worth: float = 0.0,
    currency: str = "",
    faded: Mapping[str, str] | None = None,
) -> Result:
    """Compare what finished actions brought with what was predicted.

    The finding sums the gains, with the interval of independent effects.

    Parameters
    ----------
    ledger : actions, as the contract has them, or as `with_measured` gives them
    worth : value of a unit of the effect in a year, where the ledger gives none
    currency : of the amounts, for sentences
    faded : of `faded_effects`; a gain of a whole year that rests on such an effect is not settled,
        and the finding says so

    Returns
    -------
    Result with the tables

    - table: problem, predicted, predicted_low, predicted_high, estimate (realised), low, high,
      cost, gain (realised effect times the value of a unit, minus the cost; missing without a
      value), action_id and, where some effect cannot be shown any more, faded_in (the wave)
    - comparison: problem (with what the effect is on, where that differs), term ("predicted",
      "realised"), estimate, low, high
    - overall: term, estimate (gain of all actions together), low, high

    and the parts `about` and `effect_unit`: what the effects are on and in which unit, for a figure
    """
    rows = complete(ledger)
    rows = rows[rows["status"].eq("done") & rows["realised"].notna()].reset_index(drop=True)
    unit = rows["worth"].fillna(worth if worth > 0 else np.nan).to_numpy(float)
    got, cost = rows["realised"].to_numpy(float), rows["cost"].fillna(0).to_numpy(float)
    table = pd.DataFrame(
        {
            "problem": rows["problem"].astype(object),
            **{c: rows[c].astype(float) for c in ("predicted", "predicted_low", "predicted_high")},
            "estimate": got,
            "low": rows["realised_low"].astype(float),
            "high": rows["realised_high"].astype(float),
            "cost": cost,
            "gain": got * unit - cost,
            "action_id": rows["action_id"].astype(str),
        }
    )
    if (waves := table["action_id"].map(dict(faded or {}))).notna().any():
        table["faded_in"] = waves.fillna("")
    note = _(
        "As the ledger has them, and as 40_did_the_change_work measures them where this run has it."
    )
    note = i18n.together([note, *_as_booked(rows)])
    ends = {"predicted": "estimate", "predicted_low": "low", "predicted_high": "high"}
    promised = table[["problem", *ends]].rename(columns=ends)
    both = [promised.assign(term="predicted"), table.assign(term="realised")]
    comparison = pd.concat(both)[["problem", "term", "estimate", "low", "high"]]
    measures = rows["measure"].dropna().astype(str)
    about, effect_unit = "effect of the action", ""
    if len(rows) and len(measures) == len(rows) and measures.nunique() == 1:
        about = _("effect on {measure:label}", measure=measures.iloc[0])
        effect_unit = "points" if measures.iloc[0].upper() == "NPS" else ""
    elif len(measures):
        of = dict(zip(rows["problem"], rows["measure"], strict=True))
        comparison["problem"] = [
            _("{item} ({group})", item=i18n.label(p), group=i18n.label(of[p]))
            if of[p] == of[p]
            else p
            for p in comparison["problem"]
        ]
    total = _total(table, unit)
    tables = {"table": table, "comparison": comparison.reset_index(drop=True), "overall": total}
    parts = {"about": about, "effect_unit": effect_unit}
    assumed = assumed_value(rows, worth, currency)
    columns = [Column("faded_in", "wave without an effect", label=N_("no effect shown in"))]
    finding = _realised(table, total, currency, assumed)
    return Result(tables, finding, note, columns=columns, parts=parts)


def _total(table: pd.DataFrame, unit: np.ndarray) -> pd.DataFrame:
    """The gain of all actions that have one, with the errors of their effects added up."""
    error = ((table["high"] - table["low"]) / (2 * NORMAL)).to_numpy(float) * unit
    money = table["gain"].notna().to_numpy()
    total, reach = table["gain"].sum(), NORMAL * np.sqrt(np.nansum(error[money] ** 2))
    row = {"term": "overall", "estimate": total, "low": total - reach, "high": total + reach}
    return pd.DataFrame([row])


def _realised(table: pd.DataFrame, total: pd.DataFrame, currency: str, assumed: str) -> Finding:
    if table.empty:
        return Finding(_("No finished action has a realised effect."))
    n, whole = len(table), total.iloc[0]
    inside = int(table["estimate"].between(table["predicted_low"], table["predicted_high"]).sum())
    counted = ngettext(
        "{n:count} finished action, {inside:count} inside its predicted interval",
        "{n:count} finished actions, {inside:count} inside their predicted intervals",
        n,
        inside=inside,
    )
    if table["gain"].isna().all():
        claim = ngettext(
            "{inside:count} of {n:count} finished action had the predicted effect.",
            "{inside:count} of {n:count} finished actions had the predicted effect.",
            n,
            inside=inside,
        )
        return Finding(claim, importance=Importance.ANSWER)
    if "faded_in" in table and table.loc[table["faded_in"].ne(""), "gain"].notna().any():
        return _unsettled(table, whole, currency, assumed, counted)
    amount = (i18n.rounded(abs(whole["estimate"])), currency)
    claim = (
        _(
            "Finished actions brought {amount:money} net in a year, at the assumed value of their "
            "effects.",
            amount=amount,
        )
        if whole["estimate"] >= 0
        else _(
            "Finished actions cost {amount:money} more in a year than they brought, at the assumed "
            "value of their effects.",
            amount=amount,
        )
    )
    low, high = whole["low"], whole["high"]
    span = (*map(i18n.rounded, (low, high)), currency)
    return Finding.of_row(
        whole,
        claim,
        _(
            "95% CI {span:money_interval}; {assumed}; {counted}",
            span=span,
            assumed=assumed,
            counted=counted,
        ),
        unit=currency or "money",
        measure="realised_gain",
        verdict="better" if low > 0 else "worse" if high < 0 else "unclear",
        importance=Importance.NOTABLE if low > 0 or high < 0 else Importance.ANSWER,
    )


def _unsettled(
    table: pd.DataFrame, whole: pd.Series, currency: str, assumed: str, counted: str
) -> Finding:
    """What a year brings is not known where an effect did not last for it."""
    over = table[table["faded_in"].ne("") & table["gain"].notna()]
    first = over.loc[over["gain"].abs().idxmax()]
    claim = _(
        "The yearly value of finished actions is not settled: the action on {problem:quoted} shows "
        "no effect on the score in {wave:label}.",
        problem=first["problem"],
        wave=first["faded_in"],
    )
    amounts = [i18n.rounded(whole[c]) for c in ("estimate", "low", "high")]
    rests = _(
        "if effects lasted a year {total:money} net; 95% CI {span:money_interval}",
        total=(amounts[0], currency),
        span=(*amounts[1:], currency),
    )
    split = (
        ""
        if len(over) == table["gain"].notna().sum()
        else _(
            "{gone:money} by actions whose effect cannot be shown any more, {rest:money} by the "
            "others",
            gone=(i18n.rounded(over["gain"].sum()), currency),
            rest=(i18n.rounded(table["gain"].sum() - over["gain"].sum()), currency),
        )
    )
    return Finding.of_row(
        whole,
        claim,
        _("; ").join(part for part in (rests, split, assumed, counted) if part),
        unit=currency or "money",
        measure="realised_gain",
        verdict="unclear",
        importance=Importance.ANSWER,
    )
