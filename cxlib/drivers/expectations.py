"""Expectation against experience: the gap of each question that was asked both ways.

    fit = drivers.expectation_gaps(sample, {"reliability": "expected_reliability"})
    fit.table     # term, estimate (experience minus expectation), low, high, n

The gap is taken within each customer who answered both questions, so differences between those who
answer one and those who answer the other do not enter (Parasuraman, Zeithaml and Berry 1988).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.columns import SIMULTANEOUS, Column
from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import N_, _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.stats import estimators, moments
from cxlib.stats.notes import resampling_note, simultaneous_note
from cxlib.stats.resampling import design

NAMED = 3  # gaps that a claim names
MEANS = (
    Column("experience", unit="scale", label=N_("experience (mean)")),
    Column("expected", unit="scale", label=N_("expectation (mean)")),
)


def expectation_gaps(sample: SampleLike, pairs: Mapping[str, str]) -> Result:
    """Experience minus expectation, question by question, of those who answered both.

    Parameters
    ----------
    sample : answers, a row each
    pairs : question on the experience -> question on what was expected of it, on the same scale

    Returns
    -------
    Result whose table has term (the question on the experience), estimate (rating points,
    negative: below expectation), low, high, n (who answered both), simultaneous_low,
    simultaneous_high, experience and expected (their means); furthest below expectation first.

    Raises
    ------
    ValueError : no pair, or a question that the answers do not have
    InsufficientData : nobody answered both questions of a pair

    References
    ----------
    Parasuraman, Zeithaml and Berry (1988), Journal of Retailing 64(1).

    Examples
    --------
    >>> rows = pd.DataFrame({"speed": [3.0, 4, 5], "hoped": [5.0, 5, np.nan]})
    >>> fit = expectation_gaps(rows, {"speed": "hoped"})
    >>> fit.table[["estimate", "experience", "expected", "n"]].values.tolist()
    [[-1.5, 3.5, 5.0, 2.0]]
    """
    sample = as_sample(sample)
    if not pairs:
        raise ValueError("no question to compare: give {experience: expectation}.")
    require_columns(sample.data, [*pairs, *pairs.values()], "responses")
    rows = sample.data
    experience, expected = (
        rows[list(names)].to_numpy(float, na_value=np.nan) for names in (pairs, pairs.values())
    )
    gap = experience - expected
    w = moments.weights_of(rows, sample.weight)
    n = (~np.isnan(gap) & (w > 0)[:, None]).sum(0)
    known = np.flatnonzero(n)
    if not len(known):
        raise InsufficientData(_("Nobody rated both the experience and the expectation."))
    both = np.where(np.isnan(gap), np.nan, experience), np.where(np.isnan(gap), np.nan, expected)
    found = estimators.mean(gap[:, known], w, **design(sample))
    at = [estimators.mean(x[:, known], w, draws=1).estimate for x in both]
    table = pd.DataFrame(
        {
            "term": np.array(list(pairs), object)[known],
            "estimate": found.estimate,
            "n": n[known],
            "experience": at[0],
            "expected": at[1],
            **found.interval_columns(),
        }
    ).sort_values("estimate", ignore_index=True)
    note = i18n.together([simultaneous_note(len(table)), resampling_note(sample)])
    return Result(table, _finding(table), note, "scale", columns=MEANS, **sample.bootstrap)


def _finding(table: pd.DataFrame) -> Finding:
    """Which questions fall short of expectations significantly; else which exceed them."""
    least = context.current().smallest_cell
    shown = table[table["n"] >= least]
    if shown.empty:
        return Finding(_("Fewer than {least:count} answered: no number is shown.", least=least))
    below, above = (shown[shown[SIMULTANEOUS[1]] < 0], shown[shown[SIMULTANEOUS[0]] > 0])
    if len(below):
        row, names, verdict = below.iloc[0], list(below["term"].head(NAMED)), "worse"
        claim = ngettext(
            "The experience falls short of expectations in {names:quoted_list3}.",
            "The experience falls short of expectations in {names:quoted_list3}, most in the "
            "first.",
            len(names),
            names=names,
        )
    elif len(above):
        row, names, verdict = above.iloc[-1], list(above["term"][::-1].head(NAMED)), "better"
        claim = ngettext(
            "The experience exceeds expectations in {names:quoted_list3}.",
            "The experience exceeds expectations in {names:quoted_list3}, most in the first.",
            len(names),
            names=names,
        )
    else:
        row, verdict = shown.iloc[0], "unchanged"
        claim = _("No question differs significantly between expectation and experience.")
    detail = _(
        "{question:quoted}: {gap:signed2} points (95% CI {span:interval2}), {experience:number2} "
        "experienced and {expected:number2} expected; n = {n:count}",
        question=row["term"],
        gap=row["estimate"],
        span=(row["low"], row["high"]),
        experience=row["experience"],
        expected=row["expected"],
        n=row["n"],
    )
    importance = Importance.CONTEXT if verdict == "unchanged" else Importance.ANSWER
    return Finding.of_row(
        row, claim, detail, unit="scale", verdict=verdict, importance=importance,
        measure="expectation_gap", at={"question": str(row["term"])},
    )  # fmt: skip
