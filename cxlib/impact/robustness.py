"""What else could look like an effect: baseline, regression to the mean, attrition, confounding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxlib.causal import experiment, sensitivity
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.impact import wording
from cxlib.impact.effects import adjusted_change, concatenated, standard_deviations
from cxlib.impact.trial import SMALLEST_ARM, Trial, require_controls
from cxlib.stats.estimators import cell_means
from cxlib.stats.notes import resampling_note


def baseline_balance(trial: Trial) -> Result:
    """Compare the first outcome of randomised arms before the change, when nothing had been done.

    Parameters
    ----------
    trial : from `read`, with answers before the change

    Returns
    -------
    Result with table: term ("difference"), estimate (treated minus controls before the change),
    low, high, n (answers), standardised (estimate in standard deviations of the answers before)

    Raises
    ------
    InsufficientData : fewer than 10 answers of an arm before the change

    References
    ----------
    Frison and Pocock (1992), Statistics in Medicine 11(13); Moher et al. (2010), CONSORT 2010
    explanation and elaboration, BMJ 340

    Examples
    --------
    >>> from cxlib.data.schema import Change
    >>> from cxlib.impact.trial import read
    >>> rows = pd.DataFrame({"arm": ["new", "old"] * 80, "score": [5, 3, 4, 3] * 40,
    ...                      "wave": ["1"] * 80 + ["2"] * 80})
    >>> change = Change(name="desk", label="The new desk", design="randomised", outcome="score",
    ...                 column="arm", treated=["new"], begun="2")
    >>> print(baseline_balance(read(rows, change)))
    Before the change, the treated were already 1.50 points higher than the controls.
    """
    rows = trial.earlier & ~np.isnan(trial.y[:, 0])
    arm = trial.arm[rows]
    if (least := int(np.bincount(arm, minlength=2).min())) < SMALLEST_ARM:
        raise InsufficientData(
            _(
                "{change:quoted}: {least:count} answers of one arm before the change; "
                "{needed:count} are needed.",
                change=trial.label,
                least=least,
                needed=SMALLEST_ARM,
            )
        )
    how = {"weight": trial.weight[rows], "clusters": trial.clusters.take(rows), **trial.bootstrap}
    found = experiment.difference(trial.y[rows, :1], arm, **how)
    (gap,), (low,), (high,) = found.estimate, *found.interval()
    row = {"term": "difference", "estimate": gap, "low": low, "high": high, "n": len(arm)}
    row["standardised"] = gap / standard_deviations(trial)[0]
    unit = trial.units[0]
    if low <= 0 <= high:
        claim = _("Before the change, the arms did not differ significantly.")
    else:
        claim = _(
            "Before the change, the treated were already {size} {higher} than the controls.",
            size=wording.value(abs(gap), unit),
            higher=_("higher") if gap > 0 else _("lower"),
        )
    detail = _(
        "Difference {gap} ({standardised:signed2} standard deviations), 95% CI {span}; "
        "n = {n:count}",
        gap=wording.signed(gap, unit),
        span=wording.span(low, high, unit),
        standardised=row["standardised"],
        n=len(arm),
    )
    return Result(
        pd.DataFrame([row]),
        Finding(claim, detail, importance=Importance.METHOD),
        resampling_note(trial.sample),
        trial.unit,
        **trial.bootstrap,
    )


def regression_to_the_mean(trial: Trial) -> Result:
    """Split the change of the treated customers into regression to the mean and the rest.

    Parameters
    ----------
    trial : from `read`, of customers who answered before and after

    Returns
    -------
    Result of the first outcome; table: term ("change of the treated", "regression to the mean",
    "adjusted change"), estimate, low, high, n (customers who answered before and after)

    Raises
    ------
    InsufficientData : too few customers

    References
    ----------
    Davis (1976), American J. Epidemiology 104(5)
    """
    found, n = adjusted_change(trial)
    low, high = found.interval()
    terms = ["change of the treated", "regression to the mean", "adjusted change"]
    table = pd.DataFrame(
        {"term": terms, "estimate": found.estimate, "low": low, "high": high, "n": n}
    )
    unit = trial.units[0]
    claim = _(
        "Regression to the mean explains {back} of a raw change of {raw}.",
        back=wording.signed(found.estimate[1], unit),
        raw=wording.signed(found.estimate[0], unit),
    )
    detail = _(
        "{left} remains, 95% CI {span}; n = {n:count} customers who answered twice",
        left=wording.signed(found.estimate[2], unit),
        span=wording.span(low[2], high[2], unit),
        n=n,
    )
    return Result(
        table,
        Finding(claim, detail, importance=Importance.METHOD),
        resampling_note(trial.sample),
        trial.unit,
        **trial.bootstrap,
    )


def attrition(trial: Trial) -> Result:
    """Compare how many of the treated and of the controls answered again.

    A change that keeps customers who would have left keeps their answers too: the effect on answers
    is then smaller than that on customers.

    Parameters
    ----------
    trial : from `read`, of customers who answered before

    Returns
    -------
    Result with table: term ("treated", "control", "difference"), estimate (share of the customers
    with an answer before who have one with the change in place), low, high, n

    Raises
    ------
    InsufficientData : fewer than 10 of either arm answered again
    """
    require_controls(trial)
    people = trial.customers()
    rows = (people.arm >= 0) & ~np.isnan(people.before[:, 0])
    answered, arm = (~np.isnan(people.after[rows, 0])).astype(float), people.arm[rows]
    if (least := int(np.bincount(arm, answered, 2).min())) < SMALLEST_ARM:
        raise InsufficientData(
            _(
                "{change:quoted}: {least:count} customers of one group answered before and "
                "after it; {needed:count} are needed.",
                change=trial.label,
                least=least,
                needed=SMALLEST_ARM,
            )
        )
    how = {"weight": people.weight[rows], "clusters": people.clusters.take(rows), **trial.bootstrap}
    means = cell_means(answered, arm, 2, **how)
    shares = concatenated([means[1], means[0], means[1] - means[0]])
    low, high = shares.interval()
    table = pd.DataFrame(
        {
            "term": ["treated", "control", "difference"],
            "estimate": shares.estimate,
            "low": low,
            "high": high,
            "n": [int((arm == 1).sum()), int((arm == 0).sum()), len(arm)],
        }
    )
    facts = {"treated": shares.estimate[0], "control": shares.estimate[1]}
    if low[2] <= 0 <= high[2]:
        claim = _(
            "{treated:share} of the treated and {control:share} of the controls answered again; "
            "the difference is not significant.",
            **facts,
        )
    else:
        claim = _(
            "{treated:share} of the treated but {control:share} of the controls answered again: "
            "the effect on answers may not be that on customers.",
            **facts,
        )
    detail = _(
        "Difference {gap:points1} percentage points, 95% CI {span:interval1}; n = {n:count}",
        gap=shares.estimate[2],
        span=(100 * low[2], 100 * high[2]),
        n=len(arm),
    )
    return Result(
        table,
        Finding(claim, detail, importance=Importance.METHOD),
        resampling_note(trial.sample),
        "share",
        **trial.bootstrap,
    )


def unmeasured_confounding(fit: Result) -> Result:
    """How strong an unmeasured confounder would have to be to explain an effect away.

    Parameters
    ----------
    fit : of `effect`, by a design that is not randomised

    Returns
    -------
    Result with table: term (change), design, estimate (E-value), low (E-value of the interval's
    nearer end), high (empty), n, robustness (share of the remaining variance of both treatment and
    answers that it would have to explain)

    References
    ----------
    VanderWeele and Ding (2017), Annals of Internal Medicine 167(4); Cinelli and Hazlett (2020),
    J. Royal Statistical Society B 82(1)
    """
    row = _strength(fit)
    claim = _(
        "A confounder would have to raise both treatment and answer {value:number2} times to "
        "explain the effect.",
        value=row["estimate"],
    )
    detail = _(
        "E-value; {low:number2} times for the end of the interval; robustness value "
        "{robustness:share}",
        **row,
    )
    note = _("E-values: the least risk ratio with both; 1 means that the interval holds no effect.")
    finding = Finding(claim, detail, importance=Importance.METHOD)
    return Result(pd.DataFrame([row]), finding, note)


def _strength(one: Result) -> dict[str, Any]:
    first, plain = one.standard.iloc[0], one.table.iloc[0]
    near = sensitivity.nearest_to_none(first["low"], first["high"])
    t = plain["estimate"] / max(one.error, 1e-300)
    free = max(float(plain["n"]) - 4, 2.0)
    return {
        "term": one.change,
        "design": wording.DESIGNS[one.design],
        "estimate": float(sensitivity.e_value(standardised=first["estimate"])),
        "low": float(sensitivity.e_value(standardised=near)),
        "high": np.nan,
        "n": int(plain["n"]),
        "robustness": float(sensitivity.robustness(t**2 / (t**2 + free), free)),
    }
