"""What earlier call-backs did: customers whom chance had called, compared with its controls.

    effect_on_score(contacts, answers, "recommend", measure, follow_up=75)

Every customer counts in the arm that chance gave, reached or not (intention to treat). Within a
block each arm stands for the whole block, whatever share of it was called.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import pandas as pd
from scipy.stats import chi2

from cxlib.causal import experiment
from cxlib.core import i18n
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.stats import resampling
from cxlib.stats.estimators import Replicated
from cxlib.stats.notes import other_outcomes_note

LEAST = 20  # customers followed in each arm, under which nothing is estimated
ALL = "all call-backs"
LEVEL = 0.05  # below which the effects of quarters are not called equal


class Measure(Protocol):
    """How answers are counted (`scores.Measure`)."""

    @property
    def factor(self) -> float:
        """The score is so many times the mean of what answers count."""

    @property
    def unit(self) -> str:
        """The unit of the score."""

    def recode(self, x: np.ndarray) -> np.ndarray:
        """What each answer counts."""


def effect_on_score(
    contacts: pd.DataFrame,
    responses: SampleLike,
    outcome: str,
    measure: Measure,
    *,
    follow_up: int = 90,
) -> Result:
    """Effect of a call-back on the next answer of the customer.

    Parameters
    ----------
    contacts : customer_id, at, arm ("contacted", "control"), block; other rows do not count
    responses : answers with customer_id and answered_on, weighted or not
    outcome, measure : the question, and how its answers are counted
    follow_up : days after the call within which the answer is looked for

    Returns
    -------
    Result with "table": term (all call-backs, then those of each quarter), estimate (contacted
    minus controls, adjusted for the answer before), low, high, n (answers followed), calls,
    controls; and the parts `outcome` (what it is called) and `faded`: the last quarter, where the
    quarters differ (Cochran's test, p below 0.05) and it shows no effect any more, else "". The
    finding says so.

    Raises
    ------
    InsufficientData : fewer than 20 answers after it in an arm

    References
    ----------
    Lin (2013), Annals of Applied Statistics 7(1). Cochran (1954), Biometrics 10(1).
    """
    sample = as_sample(responses)
    rows = sample.data.assign(_weight=sample.weights)
    rows = rows[rows["customer_id"].notna() & rows["answered_on"].notna() & rows[outcome].notna()]
    y = measure.factor * measure.recode(rows[outcome].to_numpy(float))
    rows = rows.assign(_y=y).sort_values("answered_on", kind="stable")
    rows = rows[["customer_id", "answered_on", "_y", "_weight"]]
    calls = assigned(contacts)
    how: dict[str, Any] = {"left_on": "at", "right_on": "answered_on", "by": "customer_id"}
    within = pd.Timedelta(days=follow_up)
    after = pd.merge_asof(
        calls, rows, direction="forward", tolerance=within, allow_exact_matches=False, **how
    )
    before = pd.merge_asof(calls, rows, direction="backward", **how)["_y"]
    followed = after.assign(_before=before.to_numpy())
    known = followed[followed["_y"].notna()]
    unit = {"share": "gap"}.get(measure.unit, measure.unit)
    table, errors = effect_table(known, sample)
    compared = _(
        "Of a quarter, those whom chance chose to be called in it are compared with those it chose "
        "not to be, by their first answers afterwards; 40_did_the_change_work compares everybody "
        "in the programme since it began, by all answers of a wave."
    )
    notes = [compared if len(table) > 1 else "", _answered(followed), design_note(sample)]
    p = equal_effects(table["estimate"].to_numpy()[1:], errors[1:])
    finding = _score_finding(table, p, outcome, unit, follow_up)
    parts = {"faded": _faded(table, p), "outcome": _called(outcome, unit)}
    return Result(table, finding, i18n.together(notes), unit, parts=parts, **sample.bootstrap)


def assigned(contacts: pd.DataFrame) -> pd.DataFrame:
    """Rows that chance assigned, by time, weighted so that each arm stands for its block."""
    lacking = [c for c in ("customer_id", "at", "arm") if c not in contacts]
    if lacking:
        raise InsufficientData(
            _("The table contacts has no column {names}: nothing was randomised.", names=lacking)
        )
    rows = contacts[contacts["arm"].notna() & contacts["at"].notna()]
    block = rows["block"].astype("string") if "block" in rows else pd.Series("", rows.index)
    rows = rows.assign(_block=block.fillna(""), _treated=rows["arm"].eq("contacted").astype(int))
    size = rows.groupby("_block")["arm"].transform("size")
    own = rows.groupby(["_block", "arm"])["customer_id"].transform("size")
    both = rows.groupby("_block")["arm"].transform("nunique") > 1
    rows = rows.assign(_share=size / own)[both]
    return rows.sort_values("at", kind="stable", ignore_index=True)


def equal_effects(estimates: np.ndarray, errors: np.ndarray) -> float:
    """The p of Cochran's test that independent estimates have the same effect; 1 of less than two.

    Examples
    --------
    >>> round(equal_effects(np.array([1.0, 3.0]), np.array([1.0, 1.0])), 3)
    0.157
    """
    if len(estimates) < 2:
        return 1.0
    weight = 1 / np.square(errors)
    mean = np.average(estimates, weights=weight)
    return float(chi2.sf((weight * (estimates - mean) ** 2).sum(), len(estimates) - 1))


def effect_table(
    rows: pd.DataFrame, sample: Sample, *, quarters: bool = True
) -> tuple[pd.DataFrame, np.ndarray]:
    """The effect in all rows, and in those of each quarter with enough; their standard errors."""
    enough = rows["_treated"].value_counts().reindex([0, 1], fill_value=0)
    if enough.min() < LEAST:
        raise InsufficientData(
            _(
                "Earlier call-backs: {treated:count} customers called and {control:count} controls "
                "were followed; {least:count} of each are needed.",
                treated=int(enough[1]),
                control=int(enough[0]),
                least=LEAST,
            )
        )
    parts = {ALL: rows}
    if quarters:
        period = rows["at"].dt.to_period("Q").astype(str).str.replace("Q", "-Q")
        parts |= dict(iter(rows.groupby(period)))
    found, errors = [], []
    for term, part in parts.items():
        arms = part["_treated"].value_counts().reindex([0, 1], fill_value=0)
        if arms.min() < LEAST:
            continue
        effect = _effect(part, sample)
        low, high = effect.interval()
        found.append((term, effect.estimate[0], low[0], high[0], len(part), arms[1], arms[0]))
        errors.append(effect.error[0])
    columns = ["term", "estimate", "low", "high", "n", "calls", "controls"]
    return pd.DataFrame(found, columns=columns), np.array(errors)


def _effect(rows: pd.DataFrame, sample: Sample) -> Replicated:
    own = Sample(rows, cluster="customer_id", draws=sample.draws, seed=sample.seed)
    return experiment.adjusted(
        rows["_y"].to_numpy(float),
        rows["_treated"].to_numpy(),
        rows["_before"].to_numpy(float)[:, None],
        weight=(rows["_weight"] * rows["_share"]).to_numpy(float),
        clusters=resampling.resampling_units(own),
        **sample.bootstrap,
    )


def _answered(followed: pd.DataFrame) -> str:
    share = followed["_y"].notna().groupby(followed["_treated"]).mean().reindex([0, 1])
    return _(
        "Followed by an answer: {treated:share} of customers called, {control:share} of controls; "
        "a difference would bias the comparison.",
        treated=share[1],
        control=share[0],
    )


def design_note(sample: Sample) -> str:
    """How the arms were made and the intervals computed."""
    how = _(
        "Randomised within blocks; by the arm assigned, reached or not; adjusted for the time "
        "before. {draws:count} bootstrap resamples, clustered by customer.",
        draws=sample.draws,
    )
    return i18n.together([how, other_outcomes_note()])


def verdict_of(row: pd.Series) -> tuple[str, Importance]:
    """The verdict of an effect by its interval, and how far it matters."""
    if row["low"] > 0:
        return "better", Importance.NOTABLE
    if row["high"] < 0:
        return "worse", Importance.NOTABLE
    return "unclear", Importance.ANSWER


def _score_finding(
    table: pd.DataFrame, p: float, outcome: str, unit: str, follow_up: int
) -> Finding:
    """The effect of all call-backs, and what the last quarter shows where quarters differ."""
    row, last = table.iloc[0], table.iloc[-1]
    verdict, importance = verdict_of(row)
    size = {"outcome": _called(outcome, unit), "size": sized(abs(row["estimate"]), unit)}
    claims = {
        "better": _("Earlier call-backs raised {outcome} by {size}.", **size),
        "worse": _("Earlier call-backs lowered {outcome} by {size}.", **size),
        "unclear": _(
            "Whether earlier call-backs change {outcome} is unclear; keep controls until it is "
            "known.",
            **size,
        ),
    }
    detail = _(
        "randomised; {change} (95% CI {low} to {high}) in the next answer within "
        "{days:count} days; n = {n:count}",
        change=sized(row["estimate"], unit, sign=True),
        low=sized(row["low"], unit, plain=True),
        high=sized(row["high"], unit, plain=True),
        days=follow_up,
        n=row["n"],
    )
    if _faded(table, p):
        claims["better"] = _(
            "Earlier call-backs raised {outcome} on average, but those of {quarter} cannot be "
            "shown to have had an effect.",
            quarter=i18n.label(last["term"]),
            outcome=size["outcome"],
        )
    if p < LEVEL:
        own = _(
            "{quarter}: {change} (95% CI {low} to {high}) in the first answers after its calls, "
            "n = {n:count}; quarters differ, p {p:p}",
            n=last["n"],
            quarter=i18n.label(last["term"]),
            change=sized(last["estimate"], unit, sign=True),
            low=sized(last["low"], unit, plain=True),
            high=sized(last["high"], unit, plain=True),
            p=p,
        )
        detail = _("; ").join([detail, own])
    return Finding.of_row(
        row,
        claims[verdict],
        detail,
        unit=unit,
        verdict=verdict,
        measure="callback_effect",
        importance=importance,
    )


def _called(outcome: str, unit: str) -> str:
    return _("NPS") if unit == "points" else i18n.quoted(i18n.label(outcome))


def _faded(table: pd.DataFrame, p: float) -> str:
    """The last quarter, where the effect of all call-backs cannot be shown in it any more."""
    whole, last = table.iloc[0], table.iloc[-1]
    faded = p < LEVEL and whole["low"] > 0 and last["low"] <= 0
    return str(last["term"]) if faded else ""


def sized(value: float, unit: str, *, sign: bool = False, plain: bool = False) -> str:
    """A difference with its unit: 3.1 points, 4.0 percentage points, 0.31 scale points."""
    factor, digits = (100, 1) if unit == "gap" else (1, 1 if unit == "points" else 2)
    number = i18n.signed(factor * value, digits) if sign else i18n.number(factor * value, digits)
    if plain:
        return number
    if unit == "gap":
        return _("{number} percentage points", number=number)
    if unit == "points":
        return _("{number} points", number=number)
    return _("{number} scale points", number=number)
