"""Scorecard of one unit of an organisation: itself, what it belongs to, and the units below it.

    away = scores.hidden_units(sample, ["recommend", "satisfied"], by="branch", tree=tree)
    fit = scores.unit_scorecard(sample, "recommend", by="branch", tree=tree, unit="North",
                                target=target, hidden=away, lists=2)
    fit.table      # unit, term, estimate, low, high, n, observed, chance_below, verdict, change ...

Units of a level are pooled partially: a team is moved towards its branch, a branch towards its
region. Every page of a run is about the same rows and the same fit, so that a unit has one number
on all of them, and the answers of units add up to those of the unit they belong to. Units of few
answers, and those that would give them away, are on no page.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from cxlib.core import context, i18n
from cxlib.core.codes import plain
from cxlib.core.columns import ESTIMATE, Column
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import N_, _, ngettext
from cxlib.core.result import Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.data.organisation import Tree
from cxlib.data.schema import Target
from cxlib.privacy import disclosure
from cxlib.scores import units as leagues
from cxlib.scores.answers import read
from cxlib.scores.measures import Measure, as_measure
from cxlib.scores.scoring import score
from cxlib.scores.unit_findings import ABOVE, BELOW, ITSELF, finding_of
from cxlib.scores.unit_means import unit_means
from cxlib.stats.intervals import LEVEL
from cxlib.stats.partial_pooling import LEAST_GROUPS

WRONG = 1 - LEVEL  # probability that any unit is called below standard wrongly
NUMBERS = ["estimate", "low", "high", "n", "observed", "chance_below"]
CHANGE = ["change", "change_low", "change_high"]
COLUMNS = (
    Column("unit", unit="name"),
    *leagues.COLUMNS,
    Column("change", "later minus earlier period, mix removed", ESTIMATE),
    Column("change_low", "95% interval of the change, lower end", ESTIMATE),
    Column("change_high", "95% interval of the change, upper end", ESTIMATE),
    Column("relation", unit="name", label=N_("relation to the unit")),
)


def unit_scorecard(
    sample: SampleLike,
    item: str = "recommend",
    measure: Measure | str = "nps",
    *,
    by: str,
    tree: Tree,
    unit: str = "",
    target: Target | float | None = None,
    mix: Sequence[str] = (),
    hidden: Collection[str] = (),
    lists: int = 1,
    periods: tuple[SampleLike, SampleLike] | None = None,
) -> Result:
    """One measure of a unit, of the unit it belongs to and of those below it.

    Parameters
    ----------
    sample : answers or cases of all units, with weights and clusters
    item, measure : as in `score`
    by : column of the units
    tree : what the units belong to
    unit : of which the page is; empty for the whole organisation
    target : the standard; the mean of the units of the same level without one
    mix : columns in which customers of units differ; scores are as if each unit had the mix of all
    hidden : units that no page may show (`hidden_units`)
    lists : measures that the scorecards of the run have. The probability that any unit is called
        below standard wrongly is at most 5% over all of them and over all levels
    periods : earlier and later rows, between which the change is measured; none without

    Returns
    -------
    Result with "table": unit, term, estimate (pooled, mix removed), low, high (95%), n, observed,
    chance_below, verdict, change, change_low, change_high (later minus earlier period, not pooled)
    and relation ("this unit", "benchmark": what it belongs to, "below it"); those below standard
    first, the others as the tree has them. "tree": the units below, of hidden ones without
    numbers. Part "standard".

    Raises
    ------
    InsufficientData : the unit has few answers, or is hidden for the sake of others
    ValueError : the tree has no such unit; as of `score`

    References
    ----------
    Morris (1983), Journal of the American Statistical Association 78; Daniels (1999), Canadian
    Journal of Statistics 27.

    Examples
    --------
    >>> rows = pd.DataFrame({"recommend": [9, 8] * 120, "shop": np.repeat(list("ABCD"), 60)})
    >>> rows.loc[rows["shop"] == "D", "recommend"] = [5, 8] * 30
    >>> tree = Tree({"North": "", "South": "", "A": "North", "B": "North", "C": "South",
    ...              "D": "South"})
    >>> fit = unit_scorecard(rows, by="shop", tree=tree, unit="South", target=Target(value=20))
    >>> fit.table[["unit", "n", "verdict"]].values.tolist()[2:]
    [['D', 60, 'below standard'], ['C', 60, 'likely meets standard']]
    """
    sample, measure = as_sample(sample), as_measure(measure)
    target = Target(value=target) if isinstance(target, int | float) else target
    if unit and unit not in tree.parent:
        raise ValueError(f"the organisation has no unit {unit!r}.")
    known = leagues.in_tree(sample, by, tree)
    every = all_units(known, item, measure, by=by, tree=tree, target=target, mix=mix, lists=lists)
    if periods is not None:
        moved = _changes(periods, item, measure, by, tree, mix)
        every = every.merge(moved, on="unit", how="left")
    else:
        every = every.assign(**dict.fromkeys(CHANGE, np.nan))
    table = every[~every["unit"].isin(set(hidden))]
    itself = unit or disclosure.TOTAL
    if itself not in set(table["unit"]):
        raise InsufficientData(
            _("{unit:label} has few answers, or would give those of another unit away.", unit=unit)
        )
    shown = _page(table, itself, tree)
    notes = [
        *_sums(every, shown, itself, tree, known, by, item),
        *([_mixed(mix)] if mix else []),
        _(
            "Each unit is moved towards the mean of the unit it belongs to, the more the smaller "
            "it is."
        ),
        _(
            "Over all measures and levels the probability that any unit is called below standard "
            "wrongly is at most 5%."
        ),
    ]
    return Result(
        {"table": shown, "tree": _tree(every, itself, item, tree, known[by], hidden)},
        finding_of(shown, itself, item, measure, target, tree),
        i18n.together(notes),
        measure.unit,
        columns=COLUMNS,
        parts={"standard": None if target is None else target.value, "moved": _moved(shown)},
    )


def all_units(
    known: Sample,
    item: str,
    measure: Measure,
    *,
    by: str,
    tree: Tree,
    target: Target | None = None,
    mix: Sequence[str] = (),
    lists: int = 1,
) -> pd.DataFrame:
    """A row for the whole and for each unit of every level; parameters as of `unit_scorecard`."""
    levels = tree.levels(known[by])
    depths = [d for d, at in enumerate(levels) if at.notna().any()]
    wrong = WRONG / (lists * (len(depths) + 1))
    whole = score(known, item, measure).table.assign(unit=disclosure.TOTAL)
    parts = [_alone(whole, target, wrong)]
    for depth in depths:
        at = known.assign(unit=levels[depth]).where(levels[depth].notna().to_numpy())
        parts.append(_level(at, item, measure, tree, target, mix, wrong))
    return pd.concat(parts, ignore_index=True)


def _moved(table: pd.DataFrame) -> pd.DataFrame:
    """The changes as a table of estimates, for a figure."""
    moved = table[["unit", "term", *CHANGE]].dropna(subset=["change"])
    return moved.set_axis(["unit", "term", "estimate", "low", "high"], axis=1)


def _level(
    at: Sample,
    item: str,
    measure: Measure,
    tree: Tree,
    target: Target | None,
    mix: Sequence[str],
    wrong: float,
) -> pd.DataFrame:
    """The units of one level, pooled towards the units they belong to."""
    means = unit_means(read(at, [item], measure, by="unit"), measure, mix)
    few, spread = len(means.names), np.diag(means.covariance)
    if few < 2 or not (spread > 0).all():
        return _alone(score(at, item, measure, by="unit").table, target, wrong)
    parent = leagues.parents(means.names, tree)
    if parent is None and few < LEAST_GROUPS:
        parent = [""] * few  # all of one parent: the prior for few groups
    fit, _sign = leagues.pool(means, target, parent)
    return leagues.judged(fit, means, "unit", item, measure, target, wrong)


def _alone(table: pd.DataFrame, target: Target | None, wrong: float) -> pd.DataFrame:
    """A unit without others of its level: as observed, by a normal approximation."""
    table = table[["unit", "term", "estimate", "low", "high", "n"]].reset_index(drop=True)
    table = table.assign(observed=table["estimate"], chance_below=np.nan, verdict="")
    if target is None:
        return table
    sign = -1.0 if target.direction == "at most" else 1.0
    error = (table["high"] - table["low"]).to_numpy(float) / (2 * ndtri((1 + LEVEL) / 2))
    gap = sign * (target.value - table["estimate"].to_numpy(float))
    below = ndtr(gap / np.maximum(error, 1e-12))
    return table.assign(chance_below=below, verdict=leagues.verdicts(1 - below <= wrong, below))


def _changes(
    periods: tuple[SampleLike, SampleLike],
    item: str,
    measure: Measure,
    by: str,
    tree: Tree,
    mix: Sequence[str],
) -> pd.DataFrame:
    """The change of each unit between two periods as if both had one mix; few answers have none."""
    before, after = (leagues.in_tree(as_sample(p), by, tree) for p in periods)
    rows = pd.concat([before.data, after.data], ignore_index=True)
    both = after.replace(data=rows)
    late = np.arange(len(rows)) >= len(before.data)
    every = pd.Series(disclosure.TOTAL, index=rows.index)
    found = []
    for at in [every, *tree.levels(rows[by])]:
        there = at.notna().to_numpy() & rows[item].notna().to_numpy()
        names = list(dict.fromkeys(at[there]))
        if not names:
            continue
        cell = at.map({u: i for i, u in enumerate(names)}).fillna(-1).astype(int) * 2 + late
        means = unit_means(
            read(both.assign(_cell=cell).where(there), [item], measure, by="_cell"), measure, mix
        )
        place = {int(name): i for i, name in enumerate(means.names)}
        least = max(context.current().smallest_cell, 2)
        for i, name in enumerate(names):
            a, b = place.get(2 * i), place.get(2 * i + 1)
            if a is None or b is None or min(means.n[a], means.n[b]) < least:
                continue
            v = means.covariance
            change = means.mean[b] - means.mean[a]
            reach = ndtri((1 + LEVEL) / 2) * np.sqrt(max(v[a, a] + v[b, b] - 2 * v[a, b], 0.0))
            found.append((name, change, change - reach, change + reach))
    return pd.DataFrame(found, columns=["unit", *CHANGE])


def _below(unit: str, tree: Tree) -> list[str]:
    """The units that belong to one; those at the top for the whole."""
    above = "" if unit == disclosure.TOTAL else unit
    return [u for u, p in tree.parent.items() if p == above]


def _tree(
    every: pd.DataFrame,
    unit: str,
    item: str,
    tree: Tree,
    named: pd.Series,
    hidden: Collection[str],
) -> pd.DataFrame:
    """The unit and those below, of hidden ones nothing: what `privacy.attack` adds up."""
    there = {u for level in tree.levels(named) for u in level.dropna()}
    below = [u for u in _below(unit, tree) if u in there]
    kept = every.set_index("unit")[["estimate", "n"]].astype(float).reindex([unit, *below])
    if below and kept["n"].iloc[0] > kept["n"].iloc[1:].sum():  # rows of no unit below
        below = [*below, f"{unit}: -"]
        kept.loc[below[-1]] = np.nan
    kept[kept.index.isin(list(hidden))] = np.nan
    kept["term"], kept["parent"] = item, ["", *[unit] * len(below)]
    columns = ["unit", "term", "estimate", "n", "parent"]
    return kept.rename_axis("unit").reset_index()[columns]


def _page(table: pd.DataFrame, unit: str, tree: Tree) -> pd.DataFrame:
    """The rows of a unit's page: itself, what it belongs to, those below."""
    above = "" if unit == disclosure.TOTAL else tree.parent[unit] or disclosure.TOTAL
    relation = {unit: ITSELF, above: ABOVE} | dict.fromkeys(_below(unit, tree), BELOW)
    order = {u: i for i, u in enumerate(relation)}
    shown = table[table["unit"].isin(relation)]
    shown = shown.assign(relation=shown["unit"].map(relation), place=shown["unit"].map(order))
    later = (shown["relation"] == BELOW) & (shown["verdict"] != leagues.BELOW)
    shown = shown.assign(later=later.astype(int) * 2)
    shown.loc[(shown["relation"] == BELOW) & ~later, "later"] = 1
    shown = shown.sort_values(["later", "place"], kind="stable", ignore_index=True)
    return shown[["unit", "term", *NUMBERS, "verdict", *CHANGE, "relation"]]


def _sums(
    every: pd.DataFrame,
    shown: pd.DataFrame,
    unit: str,
    tree: Tree,
    known: Sample,
    by: str,
    item: str,
) -> Iterable[str]:
    """How the answers of the units below and those not listed add up to those of the unit."""
    below = _below(unit, tree)
    n = every.set_index("unit")["n"]
    listed = shown.loc[shown["relation"] == BELOW, "unit"]
    own = (known[by].map(plain, na_action="ignore") == unit) & known[item].notna()
    direct, rest = int(own.sum()), len(n.index.intersection(below)) - len(listed)
    if not below:
        return
    if rest:
        yield ngettext(
            "{n:count} unit is not listed: it has few answers, or gives one that has away.",
            "{n:count} units are not listed: they have few answers, or give one that has away.",
            rest,
        )
    if others := int(n[unit] - n[listed].sum()):
        if others >= context.current().smallest_cell:
            yield ngettext(
                "{n:count} answer is of units that are not listed or of no unit below.",
                "{n:count} answers are of units that are not listed or of no unit below.",
                others,
            )
    elif not direct and not rest:
        yield _("The answers of the units below add up to those of {unit:label}.", unit=unit)


def _mixed(mix: Sequence[str]) -> str:
    return _("Scores are as if every unit had the same mix of {mix:label_list}.", mix=list(mix))
