"""Units of an organisation, pooled partially: which are below standard, and what is chance?

    fit = scores.units(sample, "recommend", by="branch", tree=study.units, target=target)
    print(fit)            # 1 of 12 units significantly misses the target of +30: Kiel.
    fit.table             # branch, term, estimate, low, high, n, observed, chance_below, verdict
    fit.roll_up           # scores of branches, regions, the whole: their n add up

A small unit's score is mostly chance, so that league tables of scores name the small ones first and
last. Here each estimate is moved towards the mean of all units, the more the smaller the unit, and
a unit is called below standard only where that keeps the probability of one wrong name under 5%.
Nothing is ranked.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.codes import plain
from cxlib.core.columns import ESTIMATE, Column
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import N_, _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.data.organisation import Tree
from cxlib.data.schema import Target
from cxlib.privacy import disclosure
from cxlib.scores.answers import read
from cxlib.scores.measures import Measure, as_measure
from cxlib.scores.roll_up import roll_up, unlisted
from cxlib.scores.small_units import joined_units
from cxlib.scores.unit_means import UnitMeans, unit_means
from cxlib.stats.partial_pooling import (
    LEAST_GROUPS,
    LEAST_UNDER_PARENTS,
    PartialPooling,
    partial_pooling,
)

BELOW, MAYBE, MEETS, OPEN = (
    "below standard",
    "may be below standard",
    "likely meets standard",
    "not settled",
)
LIKELY = 0.95
BOUNDS = {"nps": (-100.0, 100.0), "csat": (0.0, 1.0)}
COLUMNS = (
    Column("observed", "score as observed, without pooling", ESTIMATE),
    Column(
        "chance_below",
        "probability that the true score is below standard",
        "chance",
        label=N_("probability of being below standard"),
    ),
    Column(
        "joined", "number of units that the row counts together", "count", label=N_("units joined")
    ),
    Column("verdict", unit="name"),
)


def units(
    sample: SampleLike,
    item: str = "recommend",
    measure: Measure | str = "nps",
    *,
    by: str,
    tree: Tree | None = None,
    target: Target | float | None = None,
    mix: Sequence[str] = (),
    published: Sequence[str] = (),
    join_small: bool = False,
) -> Result:
    """The score of each unit, pooled partially, and whether it is below standard.

    Parameters
    ----------
    sample : answers or cases with weights and clusters
    item, measure : as in `score`
    by : column of the units
    tree : what the units belong to; rows of units that it lacks are left out and counted
    target : the standard; the average of all units without one
    mix : columns in which customers of the units differ; scores are as if each unit had the mix of
        all. A column that a unit's own work changes does not belong here
    published : units whose number of answers stands on the same page already
    join_small : units of fewer customers than the smallest cell count together, in a row "Other
        units (2)" of those that belong to the same unit; where one alone is small, with the next
        smallest, so that it does not follow from a total. Where that is not enough they stay hidden

    Returns
    -------
    Result whose table has a row a unit, those below standard first and the others as the tree has
    them: `by`, term, estimate (mix removed, pooled), low, high (95% credible intervals), n, joined
    (with `join_small`: number of units that the row counts together), observed (as it came),
    chance_below (probability that the true score is below standard) and verdict. "below standard":
    with at most 5% probability any unit is called so wrongly. Parts:
    "roll_up" (Result of `roll_up`, None without a tree), "pooling" (the posterior), "standard" and
    "unions" (of each row of joined units, their names).

    Raises
    ------
    InsufficientData : fewer than 4 units with answers, or answers that do not vary
    ValueError : as of `score`

    References
    ----------
    Morris (1983), Journal of the American Statistical Association 78; Spiegelhalter, Sherlaw-
    Johnson, Bardsley et al. (2012), Journal of the Royal Statistical Society A 175.

    Examples
    --------
    >>> rows = pd.DataFrame({"recommend": [9, 8] * 120, "shop": np.repeat(list("ABCD"), 60)})
    >>> rows.loc[rows["shop"] == "D", "recommend"] = [5, 8] * 30
    >>> print(units(rows, "recommend", by="shop"))
    1 of 4 units is significantly below average: D.
    """
    sample, measure = as_sample(sample).in_rows(), as_measure(measure)
    target = Target(value=target) if isinstance(target, int | float) else target
    notes = _notes(sample, by, tree)
    known, branch, unions = in_tree(sample, by, tree), None, dict[str, list[str]]()
    if join_small:
        known, tree, unions = joined_units(known, item, by=by, tree=tree, published=published)
        notes += _joined(unions)
    means = unit_means(read(known, [item], measure, by=by), measure, mix)
    parent = None if tree is None else parents(means.names, tree)
    fit, _sign = pool(means, target, parent)
    table = judged(fit, means, by, item, measure, target)
    standard = float(means.share @ fit.mean) if target is None else target.value
    if tree is not None:
        branch = roll_up(known, item, measure, by=by, tree=tree, published=published)
        here = table[by].map(plain).isin(set(branch.table["unit"]))
        notes += unlisted(int((~here).sum()))
        order = table[by].map(plain).map({u: i for i, u in enumerate(tree.parent)})
        table = table.loc[order[here].sort_values(kind="stable").index]
    if join_small:
        count = [len(unions.get(plain(unit), [""])) for unit in table[by]]
        table.insert(table.columns.get_loc("n") + 1, "joined", count)
    first = table["verdict"] != BELOW
    table = table.loc[first.sort_values(kind="stable").index].reset_index(drop=True)
    if mix:
        notes += [
            _("Scores are as if every unit had the same mix of {mix:label_list}.", mix=list(mix))
        ]
    notes += [
        _(
            "Estimates are pooled partially (Morris 1983): true scores of units differ by a "
            "standard deviation of {between}.",
            between=measure.change(fit.between),
        )
    ]
    if parent is not None:
        notes += [_("Each unit is moved towards the mean of the unit it belongs to.")]
    finding = _finding(table, by, item, measure, target, tree)
    return Result(
        table,
        finding,
        i18n.together(notes),
        measure.unit,
        columns=COLUMNS,
        parts={"roll_up": branch, "pooling": fit, "standard": standard, "unions": unions},
    )


def in_tree(sample: Sample, by: str, tree: Tree | None) -> Sample:
    """Rows of units that the tree has."""
    if tree is None:
        return sample
    there = sample[by].map(plain, na_action="ignore").isin(list(tree.parent))
    if not there.any():
        raise InsufficientData(_("No answer names a unit of the organisation."))
    return sample.where(there)


def _notes(sample: Sample, by: str, tree: Tree | None) -> list[str]:
    """Units that answers name and the tree lacks, and those that no answer names."""
    if tree is None:
        return []
    notes = []
    if unknown := tree.not_in(sample[by]):
        notes.append(
            ngettext(
                "{n:count} row is left out: its unit is not in the organisation ({units:list3}).",
                "{n:count} rows are left out: their units are not in the organisation "
                "({units:list3}).",
                sum(unknown.values()),
                units=list(unknown),
            )
        )
    if empty := tree.empty(sample[by]):
        notes.append(
            ngettext(
                "{n:count} unit has no row: {units:list3}.",
                "{n:count} units have no row: {units:list3}.",
                len(empty),
                units=empty,
            )
        )
    return notes


def _joined(unions: dict[str, list[str]]) -> list[str]:
    """Which units count together."""
    return [
        _(
            "{name} are {units:list}, of few answers each or with one of few.",
            name=name,
            units=units,
        )
        for name, units in unions.items()
    ]


def parents(names: Sequence[object], tree: Tree) -> list[str] | None:
    """The unit that each belongs to; None where these tell nothing of how units differ."""
    above = [tree.parent.get(plain(name), "") for name in names]
    return above if 1 < len(set(above)) < len(above) else None


def pool(
    means: UnitMeans, target: Target | None, parent: Sequence[str] | None
) -> tuple[PartialPooling, float]:
    """The posterior of the means times the sign, which is -1 where less is better."""
    least = LEAST_GROUPS if parent is None else LEAST_UNDER_PARENTS
    if len(means.names) < least:
        raise InsufficientData(
            _("Partial pooling needs {least:count} units with answers.", least=least)
        )
    if not (np.diag(means.covariance) > 0).all():
        raise InsufficientData(_("Answers do not vary within units."))
    sign = -1.0 if target is not None and target.direction == "at most" else 1.0
    fit = partial_pooling(
        sign * means.mean,
        means.covariance,
        share=means.share,
        freedom=np.maximum(means.n - 1, 1),
        parent=parent,
    )
    return fit, sign


def judged(
    fit: PartialPooling,
    means: UnitMeans,
    by: str,
    item: str,
    measure: Measure,
    target: Target | None,
    wrong: float | None = None,
) -> pd.DataFrame:
    """A row a unit, with what is said of it; `wrong` as in `PartialPooling.certainly_below`."""
    sign = -1.0 if target is not None and target.direction == "at most" else 1.0
    goal = None if target is None else sign * target.value
    below, certain = fit.below(goal), fit.certainly_below(goal, wrong)
    ends = np.sort(sign * np.stack([fit.low, fit.high]), axis=0)
    ends = np.clip(ends, *BOUNDS.get(measure.kind, measure.scale or (-np.inf, np.inf)))
    return pd.DataFrame(
        {
            by: means.names,
            "term": item,
            "estimate": sign * fit.mean,
            "low": ends[0],
            "high": ends[1],
            "n": means.n,
            "observed": means.plain,
            "chance_below": below,
            "verdict": verdicts(certain, below),
        }
    )


def verdicts(certain: np.ndarray, below: np.ndarray) -> np.ndarray:
    """What is said of each unit: whether it is named, and the probability that it is below."""
    return np.select([certain, below >= LIKELY, below <= 1 - LIKELY], [BELOW, MAYBE, MEETS], OPEN)


def _finding(
    table: pd.DataFrame,
    by: str,
    item: str,
    measure: Measure,
    target: Target | None,
    tree: Tree | None,
) -> Finding:
    """Which units are below standard."""
    known = disclosure.shown(table)
    if known.empty:
        return Finding(disclosure.left_out())
    below = known[known["verdict"] == BELOW]
    words = {
        "names": [str(u) for u in below[by]],
        "n": len(below),
        "all": len(known),
        "goal": "" if target is None else measure.level(target.value),
    }
    key = f"pooled {measure.key(item)}"
    if below.empty:
        claim = (
            _("No unit is significantly below the average of all units.")
            if target is None
            else _("No unit significantly misses the target of {goal}.", **words)
        )
        maybe = int((known["verdict"] == MAYBE).sum())
        detail = _("{all:count} units; {maybe:count} may be below standard", maybe=maybe, **words)
        return Finding(claim, detail, measure=key, verdict="unclear" if maybe else "unchanged")
    if target is None:
        claim = ngettext(
            "{n:count} of {all:count} units is significantly below average: {names:label_list3}.",
            "{n:count} of {all:count} units are significantly below average: {names:label_list3}.",
            len(below),
            **words,
        )
    elif len(below) == len(known) > 1:
        claim = _(
            "All {n:count} units significantly miss the target of {goal}: {names:label_list3}.",
            **words,
        )
    else:
        claim = ngettext(
            "{n:count} of {all:count} units significantly misses the target of {goal}: "
            "{names:label_list3}.",
            "{n:count} of {all:count} units significantly miss the target of {goal}: "
            "{names:label_list3}.",
            len(below),
            **words,
        )
    first = below.iloc[0]
    managers = tree.manager if tree is not None else {}
    return Finding.of_row(
        first,
        claim,
        _(
            "{unit:label}: {now} (95% CI {ci}); n = {answers:count}; the probability that any unit "
            "is named wrongly is at most 5%",
            unit=first[by],
            now=measure.level(first["estimate"], bare=True),
            ci=measure.span(first["low"], first["high"]),
            answers=first["n"],
        ),
        measure=key,
        at={by: str(first[by])},
        unit=measure.unit,
        verdict="worse",
        importance=Importance.NOTABLE,
        owner=managers.get(plain(first[by]), "") if len(below) == 1 else "",
    )
