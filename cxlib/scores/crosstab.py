"""Are answers associated with a group? Column percentages with a test of each question.

    fit = scores.crosstab(sample, study.asked("csat", "intention"), by="channel")
    fit.table              # a row a question: Cramér's V, p, p adjusted for the number of questions
    fit.cells              # channel, term, answer, estimate (share of the group), n, residual, mark
    fit.wide               # the same as readers know it: answers down, groups across

The test is Pearson's chi-square; with weights or customers who answer several times it has the
second-order correction of Rao and Scott (1984), as R's `survey::svychisq` has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Design, Sample, SampleLike, as_sample
from cxlib.data.schema import Item
from cxlib.privacy import disclosure
from cxlib.scores.answers import Answers, read
from cxlib.scores.measures import Measure
from cxlib.stats.intervals import LEVEL, normal_quantile
from cxlib.stats.pvalues import adjusted

MOST_GROUPS = 12  # columns that a reader can take in
MOST_ANSWERS = 11  # beyond which a scale is cut into fifths
SPARSE, MOST_SPARSE = 5, 0.2  # expected answers, and the share of cells that may have fewer
HIGHER, LOWER = "▲", "▼"


@dataclass(frozen=True)
class Test:
    """A test of independence of the rows and columns of a table.

    Attributes
    ----------
    statistic : Pearson's chi-square, of the weighted shares and the n answers
    effect : mean design effect of the table's cells; 1 for independent answers of equal weight
    p : of no association
    cramers_v : size of the association, 0 to 1
    residuals : adjusted standardised residuals, (rows, columns), corrected by the design effect
    sparse : share of the cells in which fewer than 5 answers are expected
    """

    statistic: float
    effect: float
    p: float
    cramers_v: float
    residuals: np.ndarray
    sparse: float


def crosstab(sample: SampleLike, asked: Mapping[str, Item], by: str) -> Result:
    """How the groups of `by` answered each question, and whether answers and group are associated.

    Parameters
    ----------
    sample : answers with weights and clusters
    asked : the questions by item, as study.yaml declares them. The NPS is taken as its three
        classes, and scales of more than 11 answers as fifths
    by : column of the groups, 2 to 12

    Returns
    -------
    Result with the tables "table" (term, estimate: Cramér's V, n, p, adjusted: Holm over the
    questions) and "cells" (by, term, answer, estimate: share of the group that gave it, n: answers
    of the group, residual, mark: ▲ or ▼ where the share is significantly above or below that of all
    others, pointwise, in a question that is significant), and the part "wide": answers down, groups
    across, as text without small groups.

    Raises
    ------
    InsufficientData : fewer than 2 or more than 12 groups, or no question with two answers
    ValueError : unknown columns, bad weights

    References
    ----------
    Rao and Scott (1984), The Annals of Statistics 12(1); Holm (1979); Agresti (2013), Categorical
    Data Analysis, 3.3.1, for the residuals.

    Examples
    --------
    >>> rows = pd.DataFrame({"stars": [1, 2] * 40, "shop": ["a", "b"] * 40})
    >>> fit = crosstab(rows, {"stars": Item(label="Stars", scale=(1, 5))}, "shop")
    >>> fit.table["estimate"].tolist()
    [1.0]
    """
    sample = as_sample(sample)
    there = {i: q for i, q in asked.items() if i in sample and sample.of(i, by)[i].nunique() > 1}
    if not there:
        raise InsufficientData(_("No question has two different answers to compare."))
    rows, cells = [], []
    for item, question in there.items():
        found = _one(sample, item, question, by)
        if found:
            rows.append(found[0])
            cells.append(found[1])
    if not rows:
        raise InsufficientData(
            _("No two groups of {by:label} answered a question in different ways.", by=by)
        )
    table = pd.DataFrame(rows)
    table["adjusted"] = adjusted(table["p"].to_numpy())
    joined = pd.concat(cells, ignore_index=True)
    significant = joined["term"].isin(table.loc[table["adjusted"] < 1 - LEVEL, "term"])
    reach = normal_quantile(LEVEL)
    above, below = joined["residual"] > reach, joined["residual"] < -reach
    joined["mark"] = np.select([significant & above, significant & below], [HIGHER, LOWER], "")
    plain = table[["term", "estimate", "n", "p", "adjusted"]]
    return Result(
        {"table": plain, "cells": joined},
        _finding(plain, by),
        _notes(sample.of(""), table),
        parts={"wide": _wide(joined, by), "effects": table.set_index("term")["effect"]},
    )


def _one(
    sample: Sample, item: str, asked: Item, by: str
) -> tuple[dict[str, object], pd.DataFrame] | None:
    """The test and the cells of one question; None where there is nothing to compare."""
    sample = sample.of(item, by)
    answers = read(sample.where(sample[item].notna()), [item], Measure("mean", asked.scale), by=by)
    if len(answers.groups) > MOST_GROUPS:
        raise InsufficientData(
            _(
                "{by:label} has {n:count} groups; a table that can be read has at most "
                "{most:count}. Choose another column or join small groups.",
                by=by,
                n=len(answers.groups),
                most=MOST_GROUPS,
            )
        )
    names, place = _classes(answers.x[:, 0], asked)
    shape = (len(names), len(answers.groups))
    if min(shape) < 2:
        return None
    plan = answers.clusters.design
    unit = answers.unit if plan is None else answers.clusters.keys
    tested = independence(
        place,
        answers.group,
        answers.weight,
        unit if _is_design(answers) else None,
        plan,
        n=answers.answered(),
    )
    total = np.zeros(shape)
    np.add.at(total, (place, answers.group), answers.weight)
    n = np.bincount(answers.group, answers.rows, shape[1]).astype(int)
    cells = pd.DataFrame(
        {
            by: np.repeat(np.array(answers.groups, dtype=object), shape[0]),
            "term": item,
            "answer": names * shape[1],
            "estimate": (total / total.sum(0)).T.ravel(),
            "n": np.repeat(n, shape[0]),
            "residual": tested.residuals.T.ravel(),
        }
    )
    cells = answers.sample.counted(cells)
    row = {
        "term": item,
        "estimate": tested.cramers_v,
        "n": answers.answered(),
        "p": tested.p,
        "effect": tested.effect,
        "sparse": tested.sparse,
    }
    return row, cells


def _is_design(answers: Answers) -> bool:
    return answers.weighted or answers.repeated or answers.clusters.design is not None


def _classes(x: np.ndarray, asked: Item) -> tuple[list[str], np.ndarray]:
    """(names of the answers from the worst to the best, which of them each answer is)."""
    low, high = asked.scale
    if asked.role == "nps":
        edges, names = np.array([6.5, 8.5]), ["0–6", "7–8", "9–10"]
    elif len(values := np.unique(x)) <= MOST_ANSWERS:
        given = low + high - values if asked.reverse else values
        return [f"{v:g}" for v in given], np.searchsorted(values, x)
    else:
        ends = np.linspace(low, high, 6)
        given = low + high - ends if asked.reverse else ends
        edges, names = ends[1:-1], [f"{a:g}–{b:g}" for a, b in zip(given, given[1:], strict=False)]
    used, place = np.unique(np.searchsorted(edges, x, side="right"), return_inverse=True)
    return [names[k] for k in used], place


def independence(
    row: np.ndarray,
    column: np.ndarray,
    weight: np.ndarray,
    unit: np.ndarray | None = None,
    design: Design | None = None,
    *,
    n: int | None = None,
) -> Test:
    """Test whether rows and columns are independent, for a design of weights and clusters.

    Parameters
    ----------
    row, column : place of each answer in the table, from 0, (n,)
    weight : (n,), above 0
    unit : number of each answer's cluster; None for independent answers of equal weight, whose test
        is Pearson's
    design : strata and population of the sampling units, of which `unit` are the places
    n : how many answers these are, where a place stands for several

    References
    ----------
    Rao and Scott (1984); Thomas and Rao (1987) for the F distribution.

    Examples
    --------
    >>> row = np.repeat([0, 0, 1, 1], [30, 10, 10, 30])
    >>> column = np.repeat([0, 1, 0, 1], [30, 10, 10, 30])
    >>> test = independence(row, column, np.ones(80))
    >>> test.statistic, round(test.p, 6), test.cramers_v
    (20.0, 8e-06, 0.5)
    """
    from scipy.special import chdtrc, fdtrc

    r, c, n = int(row.max()) + 1, int(column.max()) + 1, n or len(row)
    cell = row * c + column
    share = np.bincount(cell, weight, r * c).reshape(r, c) / weight.sum()
    across, down = share.sum(1, keepdims=True), share.sum(0, keepdims=True)
    expected = across * down
    statistic = float(n * ((share - expected) ** 2 / expected).sum())
    free, effect = (r - 1) * (c - 1), 1.0
    if unit is None:
        p = float(chdtrc(free, statistic))
    else:
        units = int(unit.max()) + 1 if design is None else design.units
        sums = np.stack([np.bincount(unit, weight * (cell == k), units) for k in range(r * c)], 1)
        scores = (sums - sums.sum(1, keepdims=True) * share.ravel()) / weight.sum()
        free_units = max(units - 1, 1)
        if design is None:
            variance = scores.T @ scores * units / free_units
        else:
            parts, free_units = design.deviations(scores), design.degrees_of_freedom
            variance = parts.T @ parts
        effects = _design_effects(share, variance, n)
        effect = max(float(effects.sum() / free), 1e-12)
        first = float(effects.sum() ** 2 / (effects**2).sum())  # degrees of freedom
        p = float(fdtrc(first, first * free_units, statistic / effects.sum()))
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = np.sqrt(expected * (1 - across) * (1 - down) / n * effect)
        residuals = (share - expected) / spread
    sparse = float((n * expected < SPARSE).mean())
    return Test(
        statistic, effect, p, float(np.sqrt(statistic / n / (min(r, c) - 1))), residuals, sparse
    )


def _design_effects(share: np.ndarray, variance: np.ndarray, n: int) -> np.ndarray:
    """Eigenvalues of the generalised design effects of the interactions, of independence none."""
    r, c = share.shape
    rows, columns = np.eye(r)[:, 1:], np.eye(c)[:, 1:]
    ones_r, ones_c = np.ones((r, 1)), np.ones((c, 1))
    main = np.hstack([np.kron(ones_r, ones_c), np.kron(rows, ones_c), np.kron(ones_r, columns)])
    crossed = np.kron(rows, columns)
    contrast = crossed - main @ np.linalg.lstsq(main, crossed, rcond=None)[0]
    p = share.ravel()
    # A cell that nobody is in has no share to divide by; R adds half an answer to none as well.
    weighed = contrast / np.where(p > 0, p, 0.5 / n)[:, None]
    plain = (np.diag(p) - np.outer(p, p)) / n
    return np.linalg.eigvals(
        np.linalg.pinv(weighed.T @ plain @ weighed) @ (weighed.T @ variance @ weighed)
    ).real


def _wide(cells: pd.DataFrame, by: str) -> pd.DataFrame:
    """Answers down and groups across, as text; small groups stay empty."""
    shown = cells.assign(hidden=disclosure.hidden(cells) != "")
    shown["text"] = [
        "–" if c.hidden else f"{i18n.percent(c.estimate)}{' ' + c.mark if c.mark else ''}"
        for c in shown.itertuples()
    ]
    order = shown[["term", "answer"]].drop_duplicates()
    wide = shown.pivot(index=["term", "answer"], columns=by, values="text").fillna("0%")
    wide = wide.reindex(pd.MultiIndex.from_frame(order))
    # A group may be called "term", as a column is.
    heads = [i18n.heading("question"), i18n.heading("answer"), *map(i18n.label, map(str, wide))]
    asked = order["term"].map(i18n.label).mask(order["term"].duplicated(), "")
    return pd.DataFrame(np.column_stack([asked, order["answer"], wide]), columns=heads)


def _finding(table: pd.DataFrame, by: str) -> Finding:
    shown = disclosure.shown(table)
    found = shown[shown["adjusted"] < 1 - LEVEL].sort_values("estimate", ascending=False)
    tested = ngettext("{n:count} question tested", "{n:count} questions tested", len(shown))
    if found.empty:
        claim = _("No question was answered significantly differently by {by:label}.", by=by)
        return Finding(claim, tested, importance=Importance.METHOD)
    claim = _(
        "{item:quoted} is the question whose answers differ most by {by:label}.",
        by=by,
        item=found["term"].iloc[0],
    )
    if len(shown) == 1:
        claim = _(
            "Answers to {item:quoted} differ significantly by {by:label}.",
            by=by,
            item=found["term"].iloc[0],
        )
        return Finding(claim, _("Cramér's V = {v:number2}", v=found["estimate"].iloc[0]))
    return Finding(claim, _differing(found, len(shown)))


def _differing(found: pd.DataFrame, every: int) -> str:
    """How strong the association is, and how many of the questions tested have one."""
    v = found["estimate"].iloc[0]
    if len(found) == every:
        return _(
            "Cramér's V = {v:number2}; all {n:count} questions differ significantly", v=v, n=every
        )
    return ngettext(
        "Cramér's V = {v:number2}; {n:count} of {all:count} questions differs significantly",
        "Cramér's V = {v:number2}; {n:count} of {all:count} questions differ significantly",
        len(found),
        all=every,
        v=v,
    )


def _notes(sample: Sample, table: pd.DataFrame) -> str:
    notes = []
    if (table["effect"] != 1).any():
        notes.append(
            _(
                "Chi-square tests with the Rao-Scott correction for weights and customers who "
                "answer several times: design effect up to {deff:number2}.",
                deff=table["effect"].max(),
            )
        )
    else:
        notes.append(_("Pearson's chi-square tests."))
    notes.append(_("p is adjusted for the number of questions (Holm)."))
    notes.append(
        _(
            "▲ and ▼: significantly above or below all others (adjusted residual beyond ±1.96, "
            "in a question that is significant)."
        )
    )
    if len(few := table.loc[table["sparse"] > MOST_SPARSE, "term"]):
        notes.append(
            _(
                "Few answers are expected in many cells of {items:label_list}: the test is "
                "approximate.",
                items=list(few),
            )
        )
    if sample.raking is not None:
        notes.append(_("The weights are taken as given."))
    return i18n.together(notes)
