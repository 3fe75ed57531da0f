"""Banner tables: many questions down, groups across, with bases and letters of significance.

    fit = scores.banner(sample, {"Channel used": "channel", "Heard of us": ["tv", "web"]},
                        by=["region", "plan"])
    fit.wide                          # as readers know it: answers down, groups across
    fit.table                         # the same, one row a cell, with letters
    report.banner_to_excel(fit, "banner.xlsx")

Known as Custom Tables in SPSS and as banners or crosstabs in Displayr and Quantum. A letter in a
cell names a group of the same variable whose share or mean is significantly lower.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import Column
from cxlib.core.errors import InsufficientData, require_choice, require_columns
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.stats.intervals import LEVEL
from cxlib.stats.pvalues import adjusted
from cxlib.stats.survey import Linearised

MOST_ANSWERS = 11  # of numbers; more have a mean and no row for each
TOTAL, SHARE, MEAN = "total", "share", "mean"
COLUMNS = (
    Column("weighted", "weighted base", "count", label="weighted base"),
    Column("letter", "letter of the group", "text", label="letter"),
    Column("higher_than", "groups that are significantly lower", "text", label="higher than"),
)
Adjust = Literal["holm", "none"]


@dataclass(frozen=True, eq=False)
class _Row:
    """One row of the table: what it measures, NaN for those who are not in its base."""

    question: str
    answer: str
    kind: str
    y: np.ndarray


def banner(
    sample: SampleLike,
    questions: Mapping[str, str | Sequence[str]],
    by: str | Sequence[str],
    *,
    adjust: Adjust = "holm",
    level: float = LEVEL,
) -> Result:
    """Shares of every answer, and means, by groups, with letters of pairwise tests.

    Parameters
    ----------
    sample : answers with weights, clusters and, from `weights.with_design`, strata
    questions : title -> column of a question; or columns, which are a multi-select question where
        all of them hold only 0 and 1 (its base: who has a value in any of them), and else the
        questions of a matrix, each in rows of its own. Numbers have a mean too, and rows for their
        answers where there are at most 11
    by : one or more columns of groups, side by side; letters run on, tests stay within a column
    adjust : "holm" adjusts for the pairs of groups of a row, "none" does not
    level : one minus the level of the tests

    Returns
    -------
    Result with the table "table" (by, group, question, term: the answer, kind: "share" or "mean",
    estimate, n: unweighted base, weighted: sum of weights, letter, higher_than) and the part
    "wide": as text, without small groups. The first group is everybody ("total").

    Raises
    ------
    InsufficientData : no question that anybody answered
    ValueError : unknown columns, a column in `by` twice, bad weights

    Notes
    -----
    A pair is tested by Student's t with the linearised variance of the design; of shares it is that
    of two groups of one share (pooled), as Pearson's test of two columns has it.

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6(2).

    Examples
    --------
    >>> rows = pd.DataFrame({"shop": list("ab") * 30, "buys": [1, 0] * 30})
    >>> fit = banner(rows, {"Buys": ["buys"]}, "shop")
    >>> fit.table[["group", "estimate", "n", "higher_than"]].values.tolist()
    [['total', 0.5, 60, ''], ['a', 1.0, 30, 'B'], ['b', 0.0, 30, '']]
    """
    sample = as_sample(sample)
    by = [by] if isinstance(by, str) else list(by)
    require_choice("adjust", adjust, ("holm", "none"))
    wanted = {q: [c] if isinstance(c, str) else list(c) for q, c in questions.items()}
    require_columns(sample.data, [*by, *(c for columns in wanted.values() for c in columns)])
    if len(set(by)) < len(by) or not by:
        raise ValueError(f"by={by} needs one or more columns, each once.")
    plan = Linearised.of(sample)
    groups = list(_groups(sample, by))
    cells: list[dict[str, object]] = []
    for title, columns in wanted.items():
        several = not isinstance(questions[title], str)
        for row in _rows(sample, title, columns, several):
            cells += _cells(row, groups, plan, adjust, level)
    if not cells:
        raise InsufficientData(_("Nobody answered any of these questions."))
    table = pd.DataFrame(cells)
    table = disclosure.with_people(table.drop(columns="people"), table["people"].to_numpy())
    marked = int((table["higher_than"] != "").sum())
    claim = ngettext(
        "{n:count} cell is significantly higher than another group's.",
        "{n:count} cells are significantly higher than another group's.",
        marked,
    )
    parts = {"wide": wide(table)}
    return Result(table, Finding(claim), _notes(adjust, level), columns=COLUMNS, parts=parts)


def _groups(sample: Sample, by: list[str]) -> Iterator[tuple[str, str, str, np.ndarray]]:
    """(column, group, letter, which rows), everybody first."""
    yield "", TOTAL, "", np.ones(len(sample), bool)
    count = 0
    for column in by:
        place, names = pd.factorize(sample[column], sort=True)
        for k, name in enumerate(names):
            yield column, str(name), _letter(count), place == k
            count += 1


def _letter(place: int) -> str:
    """A, B, ... Z, AA, AB ...

    >>> _letter(0), _letter(25), _letter(26)
    ('A', 'Z', 'AA')
    """
    text = ""
    while place >= 0:
        text, place = chr(ord("A") + place % 26) + text, place // 26 - 1
    return text


def _rows(sample: Sample, title: str, columns: list[str], several: bool) -> Iterator[_Row]:
    """The rows of one question."""
    data = sample.data[columns]
    if several and all(data[c].dropna().isin([0, 1]).all() for c in columns):
        asked = data.notna().any(axis=1).to_numpy()
        for column in columns:
            given = data[column].eq(1).fillna(False).to_numpy(bool)
            yield _Row(title, column, SHARE, np.where(asked, given.astype(float), np.nan))
        return
    for column in columns:
        name, answers = (f"{title}: {column}" if several else title), data[column]
        known = answers.notna().to_numpy()
        place, values = pd.factorize(answers, sort=True)
        numeric = pd.api.types.is_numeric_dtype(answers.dtype)
        if not numeric or len(values) <= MOST_ANSWERS:
            for k, value in enumerate(values):
                text = f"{value:g}" if numeric else str(value)
                yield _Row(name, text, SHARE, np.where(known, place == k, np.nan))
        if numeric and len(values):
            yield _Row(name, "", MEAN, answers.to_numpy(float, na_value=np.nan))


def _cells(
    row: _Row, groups: list[Any], plan: Linearised, adjust: str, level: float
) -> Iterator[dict[str, object]]:
    """One row of the table, a dict for each group."""
    known = ~np.isnan(row.y) & (plan.weight > 0)
    y = np.where(known, row.y, 0.0)
    inside = [known & rows for *_names, rows in groups]
    size = np.array([plan.weight[i].sum() for i in inside])
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.array([plan.weight[i] @ y[i] for i in inside]) / size
    higher = _letters(y, groups, inside, size, means, plan, row.kind, adjust, level)
    for k, (column, group, letter, _rows_of) in enumerate(groups):
        yield {
            "by": column,
            "group": group,
            "question": row.question,
            "term": row.answer or MEAN,
            "kind": row.kind,
            "estimate": means[k],
            "n": int(inside[k].sum()),
            "weighted": size[k],
            "letter": letter,
            "higher_than": "".join(sorted(higher[k])),
            "people": len(np.unique(plan.person[inside[k]])),
        }


def _letters(
    y: np.ndarray,
    groups: list[Any],
    inside: list[np.ndarray],
    size: np.ndarray,
    means: np.ndarray,
    plan: Linearised,
    kind: str,
    adjust: str,
    level: float,
) -> list[list[str]]:
    """Letters of the groups than which each group is significantly higher."""
    higher: list[list[str]] = [[] for _ in groups]
    for column in dict.fromkeys(g[0] for g in groups[1:]):
        members = [k for k, g in enumerate(groups) if g[0] == column and inside[k].sum() > 1]
        pairs = list(combinations(members, 2))
        p = np.array([_pair(y, inside, size, means, plan, kind, i, j) for i, j in pairs])
        p = adjusted(p) if adjust == "holm" and len(p) else p
        for (i, j), value in zip(pairs, p, strict=True):
            if value < 1 - level:
                upper, lower = (i, j) if means[i] > means[j] else (j, i)
                higher[upper].append(groups[lower][2])
    return higher


def _pair(
    y: np.ndarray,
    inside: list[np.ndarray],
    size: np.ndarray,
    means: np.ndarray,
    plan: Linearised,
    kind: str,
    i: int,
    j: int,
) -> float:
    """The p of no difference between two groups; NaN where nothing varies."""
    from scipy.special import stdtr

    if means[i] == means[j]:
        return 1.0
    linear = sum(sign * inside[k] * (y - means[k]) / size[k] for sign, k in ((1, i), (-1, j)))
    variance = plan.error(np.asarray(linear)) ** 2
    if kind == SHARE:
        variance = _pooled(variance, inside, size, means, plan, i, j)
    if not variance > 1e-20:
        return np.nan
    # Spread about two means of few sampling units is understated, as in any two-sample t test.
    units = len(np.unique(plan.unit[inside[i] | inside[j]]))
    df = max(min(plan.degrees_of_freedom, units - 2), 1)
    if kind != SHARE:
        variance *= units / max(units - 2, 1)
    return float(2 * stdtr(df, -abs(means[i] - means[j]) / np.sqrt(variance)))


def _pooled(
    variance: float,
    inside: list[np.ndarray],
    size: np.ndarray,
    means: np.ndarray,
    plan: Linearised,
    i: int,
    j: int,
) -> float:
    """The variance of a difference of shares as it would be were both shares the same."""
    weights = [plan.weight[inside[k]] for k in (i, j)]
    n = np.array([w.sum() ** 2 / (w**2).sum() for w in weights])
    share = means[[i, j]]
    middle = (size[[i, j]] * share).sum() / size[[i, j]].sum()
    apart = (share * (1 - share) / n).sum()
    if apart > 0:
        return variance * float((middle * (1 - middle) / n).sum() / apart)
    # 0% and 100% show no variance, nor how alike a cluster is: units count once.
    n = np.array([len(np.unique(plan.unit[inside[k]])) for k in (i, j)])
    return float((middle * (1 - middle) / n).sum())


def wide(table: pd.DataFrame) -> pd.DataFrame:
    """A banner as text: questions and answers down, groups across, with their letters as heads.

    Parameters
    ----------
    table : of `banner`

    Returns
    -------
    Columns question, answer and one for each group; the rows of a question begin with its bases.
    Groups that are too small to be shown are empty.
    """
    hidden = pd.Series("", index=table.index)
    for _names, own in table.groupby(["by", "question", "term"], sort=False):
        hidden[own.index] = disclosure.hidden(own.drop(columns=["question"]))
    shown = table.assign(hidden=hidden != "", head=_heads(table))
    lines = []
    for question, own in shown.groupby("question", sort=False):
        first = own[own["term"] == own["term"].iloc[0]]
        for name, column in (("unweighted base", "n"), ("weighted base", "weighted")):
            values = [
                "" if c.hidden else i18n.count(getattr(c, column)) for c in first.itertuples()
            ]
            lines.append([question, i18n.heading(name), *values])
        for term, cells in own.groupby("term", sort=False):
            name = i18n.heading(MEAN) if cells["kind"].iloc[0] == MEAN else str(term)
            lines.append([question, name, *(_text(c) for c in cells.itertuples())])
    heads = list(dict.fromkeys(shown["head"]))
    return pd.DataFrame(lines, columns=[i18n.heading("question"), i18n.heading("answer"), *heads])


def _heads(table: pd.DataFrame) -> list[str]:
    return [
        f"{i18n.label(c.by)}: {c.group} ({c.letter})" if c.by else i18n.heading(TOTAL)
        for c in table.itertuples()
    ]


def _text(cell: object) -> str:
    if cell.hidden or np.isnan(cell.estimate):  # type: ignore[attr-defined]
        return ""
    value = cell.estimate  # type: ignore[attr-defined]
    is_share = cell.kind == SHARE  # type: ignore[attr-defined]
    number = i18n.percent(value) if is_share else f"{value:.2f}"
    return f"{number} {cell.higher_than}".strip()  # type: ignore[attr-defined]


def _notes(adjust: str, level: float) -> str:
    sentence = _(
        "A letter names a group of the same variable that is significantly lower (level "
        "{alpha:share}).",
        alpha=1 - level,
    )
    how = (
        _("Holm's adjustment for the pairs of groups of each row.")
        if adjust == "holm"
        else _("Pairs are not adjusted for how many there are.")
    )
    return i18n.together([sentence, how])
