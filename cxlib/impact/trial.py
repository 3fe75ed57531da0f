"""The rows of a change, ready to be analysed: who was treated, when, and what was answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import codes, context, i18n
from cxlib.core.errors import InsufficientData, RowsStay
from cxlib.core.i18n import _
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.data.schema import Change
from cxlib.stats import resampling
from cxlib.stats.resampling import MAX_CLUSTERS, ResamplingUnits

SMALLEST_ARM = 10  # answers in each arm, under which nothing is estimated
MOST_COUNTED = 2_000_000  # counts of equal answers; where there may be more, some rows are read
ALIKE = 0.05  # difference of the shares of both arms that another change reached, taken for none


@dataclass(frozen=True, eq=False)
class Trial:
    """A change and the rows that show its effect.

    Attributes
    ----------
    change : as study.yaml describes it
    sample : the rows, with their weights, clusters, draws and seed
    outcomes, units : names, and "points" (NPS), "percentage points", "scale" or "amount" of each
    y : answers in those units, (n, outcomes)
    arm : 1 treated, 0 control, -1 neither, (n,)
    group, groups : place of each row in `groups`, the values of the change's column (of the control
        groups split by `within`)
    wave, waves : place of each row in `waves`; one wave where the table has none
    after, before : which waves had the change, and which came earlier, (waves,)
    x : what was known before, (n, k), names in `known`
    ids : number of each row's customer, (n,); every row its own where customers are not known
    nps : the outcomes reported as NPS
    out : groups left out because some wave has no answer of theirs, or they are too few
    contaminated : what was left out of the controls because another change reached it, in words
    shared : other changes that reached most of the treated in the same waves, in words
    shared_in : waves with the change in which one of those began or went on that was not in place
        in the wave before the change
    counted : the same of all answers where only some are read: equal ones are one row, of one
        outcome each, with the key of the customer; for what needs sums by group and wave alone
    """

    change: Change
    sample: Sample
    outcomes: tuple[str, ...]
    units: tuple[str, ...]
    y: np.ndarray
    arm: np.ndarray
    group: np.ndarray
    groups: tuple[str, ...]
    wave: np.ndarray
    waves: tuple[str, ...]
    after: np.ndarray
    before: np.ndarray
    x: np.ndarray
    known: tuple[str, ...]
    ids: np.ndarray
    nps: tuple[str, ...]
    out: tuple[str, ...] = ()
    contaminated: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    shared_in: tuple[str, ...] = ()
    counted: Trial | None = None

    @property
    def every(self) -> Trial:
        """All answers, counted where they are; where they were read, the trial itself."""
        if self.counted is None:
            return self
        return replace(self.counted, after=self.after, before=self.before)

    @property
    def used(self) -> np.ndarray:
        """The waves that are compared."""
        return np.array(self.waves)[self.before | self.after]

    def answers(self, rows: np.ndarray) -> int:
        """How many answers to the first outcome some rows stand for."""
        return int(self.sample.counts[rows & ~np.isnan(self.y[:, 0])].sum())

    @cached_property
    def clusters(self) -> ResamplingUnits:
        """How the rows are resampled."""
        return resampling.resampling_units(self.sample)

    @property
    def weight(self) -> np.ndarray:
        """Weights of the rows, (n,)."""
        return self.sample.weights

    @property
    def bootstrap(self) -> dict[str, Any]:
        """Draws and seed of every estimate of this trial."""
        return self.sample.bootstrap

    @property
    def unit(self) -> str:
        """Unit of the first outcome; amounts have none that readers would know."""
        return self.units[0] if self.units[0] != "amount" else ""

    @property
    def label(self) -> str:
        """What readers call the change."""
        return _label(self.change)

    @property
    def control(self) -> list[str]:
        """Values of the change's column that are its controls, split by `within` or not."""
        names = (g for g in self.groups if g not in self.change.treated)
        return list(dict.fromkeys(g.split(" · ")[0] if self.change.within else g for g in names))

    def called(self, outcome: int = 0) -> str:
        """What readers call an outcome, in a sentence."""
        name = self.outcomes[outcome]
        return _("NPS") if name in self.nps else i18n.quoted(i18n.label(name))

    @property
    def during(self) -> np.ndarray:
        """Rows of the arms in the waves with the change, (n,); of each unit since its own start."""
        there = self.after[self.wave]
        if self.start is not None:
            there = np.where(self.arm == 1, self.wave >= self.start[self.group], there)
        return (self.arm >= 0) & there

    @property
    def earlier(self) -> np.ndarray:
        """Rows of the arms in the waves before it, (n,)."""
        there = self.before[self.wave]
        return (self.arm >= 0) & (there if self.start is None else ~self.during)

    @cached_property
    def start(self) -> np.ndarray | None:
        """Place of the first wave with the change of each group where they differ, (groups,).

        The number of waves for those that never had it.
        """
        begun = self.change.begun
        if not isinstance(begun, dict):
            return None
        places = {wave: place for place, wave in enumerate(self.waves)}
        return np.array([places[begun[g]] if g in begun else len(places) for g in self.groups])

    def customers(self) -> Customers:
        """A row each customer of the arms: means before and after, and what was known of each."""
        both = [self.mean_by_customer(rows) for rows in (self.earlier, self.during)]
        first = np.unique(self.ids, return_index=True)[1]
        return Customers(
            before=both[0],
            after=both[1],
            arm=self.arm[first],
            x=self.x[first],
            weight=self.weight[first],
            clusters=self.clusters.take(first),
        )

    def mean_by_customer(self, rows: np.ndarray) -> np.ndarray:
        """Mean of each outcome over these rows, (customers, outcomes), in the order of `ids`."""
        there = ~np.isnan(self.y) & rows[:, None]
        _unused, place = np.unique(self.ids, return_inverse=True)
        size, q = place.max() + 1, self.y.shape[1]
        tops, bottoms = np.zeros((size, q)), np.zeros((size, q))
        np.add.at(tops, place, np.where(there, self.y, 0.0))
        np.add.at(bottoms, place, there)
        with np.errstate(invalid="ignore", divide="ignore"):
            return tops / bottoms


@dataclass(frozen=True, eq=False)
class Customers:
    """A row a customer: `before`, `after` (customers, outcomes), arm, x, weight, who."""

    before: np.ndarray
    after: np.ndarray
    arm: np.ndarray
    x: np.ndarray
    weight: np.ndarray
    clusters: ResamplingUnits


class UnknownGroup(InsufficientData):
    """A wave or a group that the change names is not in the rows."""


class NoCleanControls(InsufficientData):
    """Every control of the change was reached by another change; the message is for readers."""


def read_all(
    samples: Mapping[str, SampleLike],
    changes: Sequence[Change],
    *,
    outcome: str = "",
    points: Sequence[str] = (),
    complete: bool = True,
) -> dict[str, Trial]:
    """Read every change that the tables can judge, and print which they cannot.

    Parameters
    ----------
    samples : name of the table ("responses", "customers") -> its rows
    changes : as study.yaml describes them
    outcome : the question to judge where a change names none
    points : questions reported as NPS
    complete : whether the rows are all that there are; a wave or a group that a change names and
        they lack is then a mistake (ValueError), in a part of them it may be elsewhere

    Returns
    -------
    name of the change -> Trial
    """
    trials, out = {}, []
    for change in changes:
        try:
            trials[change.name] = read(
                samples[change.table], change, outcome=outcome, points=points, others=changes
            )
        except NoCleanControls as error:
            print(error)
        except RowsStay:
            raise  # it holds for every change, and is the reason why the page is left out
        except InsufficientData as error:
            if complete and isinstance(error, UnknownGroup):
                # As InsufficientData it would leave out every change, and the page would go on.
                raise ValueError(str(error)) from error
            out.append(_label(change))
    if out:
        print(
            _(
                "These rows are too few, or of one sort only, to judge: {changes}.",
                changes=i18n.listed(map(i18n.quoted, out)),
            )
        )
    return trials


def read(
    sample: SampleLike,
    change: Change,
    *,
    outcome: str = "",
    points: Sequence[str] = (),
    others: Sequence[Change] = (),
    over: str = "wave",
) -> Trial:
    """Read the rows of a change: arms, waves, outcomes and what was known before.

    Parameters
    ----------
    sample : rows; clusters are customers
    change : as study.yaml describes it; its outcome, else `outcome`, is the first of the outcomes
    outcome : the question to judge where the change names none
    points : questions reported as NPS; numbers of 0 and 1 are reported in percentage points
    others : all changes of the study. Rows that another of them reached in the waves compared are
        no controls; where it reached both arms in other parts, they are left out of both
    over : column of the waves

    Raises
    ------
    ValueError : columns that the change names are not there
    InsufficientData : waves or groups that it names are not there, an arm has under 10 rows, or
        other changes reached all controls

    Examples
    --------
    >>> rows = pd.DataFrame({
    ...     "wave": ["1", "2", "1", "2"] * 20,
    ...     "arm": ["new", "new", "old", "old"] * 20,
    ...     "score": [3, 5, 3, 4] * 20,
    ... })
    >>> change = Change(name="new", label="New desk", design="randomised", outcome="score",
    ...                 column="arm", treated=["new"], begun="2")
    >>> trial = read(rows, change)
    >>> trial.groups, trial.after.tolist(), int(trial.during.sum())
    (('new', 'old'), [False, True], 40)
    """
    sample = as_sample(sample)
    names = list(dict.fromkeys([change.outcome or outcome, *change.also]))
    groups = [c for c in (change.column, change.within, over if change.begun else "") if c]
    if lacking := [c for c in [*names, *change.before, *groups] if c not in sample]:
        raise ValueError(
            f"change {change.name!r} needs {lacking}, which {change.table} does not have."
        )
    trial = _read(sample, change, names, change.before, points, others, over)
    if change.design != "randomised":  # else what other changes reached is in both arms
        active = [c.column for c in others if c is not change and _in_window(c, change, trial.used)]
        groups += [c for c in active if c in sample and c not in groups]
    few = sample.in_buckets([], resampled=False).of(names, *groups)
    most = min(len(sample) * len(names), len(few) * MAX_CLUSTERS)
    if few.count is None or most > MOST_COUNTED:
        return trial
    every = _read(sample.of(names, *groups), change, names, [], points, others, over)
    same = (every.groups, every.waves) == (trial.groups, trial.waves)
    return replace(trial, counted=every) if same else trial


def _read(
    sample: Sample,
    change: Change,
    names: list[str],
    past: list[str],
    points: Sequence[str],
    others: Sequence[Change],
    over: str,
) -> Trial:
    rows = sample.data
    units, y = zip(*(recoded(rows[c], c in points) for c in names), strict=True)
    y = tuple(np.where(sample.weights == 0, np.nan, answers) for answers in y)
    waves, wave, after = _waves(rows, change, over)
    before = np.arange(len(waves)) < np.flatnonzero(after).min()
    used = np.array(waves)[before | after]
    active = [c for c in others if c.name != change.name and _in_window(c, change, used)]
    groups, group, arm = _arms(rows, change, np.zeros(len(rows), bool))
    reached, shared, dropped = _contamination(rows, change, active, arm, sample.counts)
    if dropped.any():
        groups, group, arm = _arms(rows, change, dropped)
        if not (arm == 0).any() and change.design != "staggered":
            raise NoCleanControls(_no_controls(change, reached))
    out: tuple[str, ...] = ()
    if change.design in ("compared", "staggered"):
        few = _of_few(sample, group, np.isin(np.array(groups), change.treated))
        groups, group, arm, out = _observed(groups, group, arm, wave, ~np.isnan(y[0]), change, few)
    known, x = _known(rows, past)
    ids = np.arange(len(rows)) if sample.cluster is None else numbered(rows[sample.cluster])
    trial = Trial(
        change,
        sample,
        tuple(names),
        units,
        np.column_stack(y),
        arm,
        group,
        groups,
        wave,
        waves,
        after,
        before,
        x,
        known,
        ids,
        tuple(c for c in names if c in points),
        out,
        reached,
        tuple(map(_label, shared)),
        _shared_in(shared, waves, after, before),
    )
    _check(trial)
    return trial


def _label(change: Change) -> str:
    """What readers call the change, in the page's language."""
    labels: dict[str, str] = {str(lang): text for lang, text in change.label.items()}
    return labels.get(context.current().lang, change.name)


def recoded(values: pd.Series, nps: bool) -> tuple[str, np.ndarray]:
    """The unit, and the answers in it: 100 times promoter less detractor for the NPS."""
    y = pd.to_numeric(values, errors="coerce").to_numpy(float, na_value=np.nan)
    if nps:
        return "points", np.where(np.isnan(y), np.nan, 100.0 * ((y >= 9) * 1.0 - (y <= 6)))
    if set(np.unique(y[~np.isnan(y)])) <= {0.0, 1.0}:
        return "percentage points", 100 * y
    return ("scale" if np.nanmax(np.abs(y), initial=0) <= 100 else "amount"), y


def _waves(
    rows: pd.DataFrame, change: Change, over: str
) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    if not change.begun:
        return ("",), np.zeros(len(rows), int), np.ones(1, bool)
    values = rows[over].astype(str)
    waves = tuple(sorted(values.unique()))
    if missing := [v for v in change.dates if v not in waves]:
        raise UnknownGroup(
            f"change {change.name!r}: no wave {missing}. There are: {', '.join(waves) or 'none'}."
        )
    there = np.array([_in_place(change, w) for w in waves])
    return waves, values.map({w: i for i, w in enumerate(waves)}).to_numpy(int), there


def _arms(
    rows: pd.DataFrame, change: Change, dropped: np.ndarray
) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Groups, each row's place in them, and its arm; rows that are `dropped` are in neither arm."""
    if not change.column:
        return ("",), np.zeros(len(rows), int), np.ones(len(rows), int)
    text = codes.named(rows[change.column], [*change.treated, *change.control]).fillna("")
    found = set(text.unique()) - {""}
    if unknown := [v for v in [*change.treated, *change.control] if v not in found]:
        raise UnknownGroup(
            f"change {change.name!r}: {change.column} has no {unknown}. It holds: "
            f"{codes.counted(rows[change.column])}."
        )
    text = text.mask(dropped, "")
    there = set(text.unique()) - {""}
    control = [v for v in change.control or sorted(found - set(change.treated)) if v in there]
    if change.within:
        others, inside = text.isin(control), rows[change.within].astype("string")
        words = {v: i18n.label(v) for v in {*control, *inside.dropna().unique()}}
        split = text.map(words) + " · " + inside.map(words)
        text = text.where(~others, split).fillna("")
        control = sorted(set(text[others]) - {""})
    groups = tuple(sorted({*change.treated, *control}))
    group = text.map({g: i for i, g in enumerate(groups)}).fillna(-1).to_numpy(int)
    treated = np.isin(np.array(groups), change.treated)
    return groups, group, np.where(group < 0, -1, treated[group].astype(int))


def _in_window(other: Change, change: Change, waves: np.ndarray) -> bool:
    """Whether another change with known groups was in place in some of the waves compared."""
    if not other.column or not change.column or not len(waves):
        return False
    if not other.begun or not change.begun:
        return True
    return any(_in_place(other, w) for w in waves)


def _in_place(change: Change, wave: str) -> bool:
    """Whether somebody had the change in a wave."""
    return change.first_wave <= wave and (not change.ended or wave <= change.ended)


def _contamination(
    rows: pd.DataFrame,
    change: Change,
    others: Sequence[Change],
    arm: np.ndarray,
    counts: np.ndarray,
) -> tuple[tuple[str, ...], list[Change], np.ndarray]:
    """What other changes reached: of the controls, of most treated, and the rows to leave out.

    A change in another column that reached both arms alike, or in a randomised trial, is in both
    of them and so in neither's difference. Else whom it reached is no control; and where it reached
    only part of the treated, that part is left out too, for both arms must be like each other.
    """
    treated, control = arm == 1, arm == 0
    dropped = np.zeros(len(rows), bool)
    named, shared = [], []
    for other in others:
        if other.column not in rows:
            continue
        values = rows[other.column].astype("string")
        reached = values.isin(other.treated).to_numpy(bool)
        parts = [
            float(np.average(reached[side], weights=counts[side])) if side.any() else 0.0
            for side in (treated, control)
        ]
        crosses = other.column != change.column
        alike = crosses and min(parts) > 0 and abs(parts[0] - parts[1]) <= ALIKE
        if alike or (crosses and change.design == "randomised"):
            continue
        if parts[0] > 0.5:
            shared.append(other)
        if not parts[1]:
            continue
        dropped |= reached & (control | (treated & (parts[0] <= 0.5)))
        names = [i18n.label(v) for v in sorted(values[reached & control].unique())]
        named.append(f"{i18n.listed(names)} ({_label(other)})")
    return tuple(named), shared, dropped


def _shared_in(
    others: Sequence[Change], waves: Sequence[str], after: np.ndarray, before: np.ndarray
) -> tuple[str, ...]:
    """The waves with the change in which another one came on top of it."""
    last = waves[int(np.flatnonzero(before).max())] if before.any() else ""
    new = [o for o in others if o.begun and not (last and _in_place(o, last))]
    there = [wave for wave, on in zip(waves, after, strict=True) if on]
    return tuple(wave for wave in there if any(_in_place(o, wave) for o in new))


def _no_controls(change: Change, reached: Sequence[str]) -> str:
    return _(
        "{change:quoted} cannot be judged: other changes affected all of its controls in the same "
        "waves, {names:list}. Name controls that no change affected, or judge it as a series.",
        change=_label(change),
        names=reached,
    )


def _observed(
    groups: tuple[str, ...],
    group: np.ndarray,
    arm: np.ndarray,
    wave: np.ndarray,
    there: np.ndarray,
    change: Change,
    few: np.ndarray,
) -> tuple[tuple[str, ...], np.ndarray, np.ndarray, tuple[str, ...]]:
    """Without the control groups that gave no answer in some wave, unless all are such.

    A treated group that gave no answer at all is left out as well, and groups of `few` customers:
    the answers of both arms, less those of the other groups, would be theirs.

    Of a staggered design without any such unit, waves in which nobody was asked not counted.
    """
    counts = np.zeros((len(groups), wave.max() + 1), int)
    rows = there & (group >= 0)
    np.add.at(counts, (group[rows], wave[rows]), 1)
    if staggered := change.design == "staggered":
        gaps = (counts[:, counts.any(0)] == 0).any(1)
    else:
        treated = np.isin(np.array(groups), change.treated)
        gaps = few | np.where(treated, (counts == 0).all(1), (counts == 0).any(1))
    kept = [g for g, gap in zip(groups, gaps, strict=True) if not gap]
    if not gaps.any() or (set(kept) <= set(change.treated) and not staggered) or not kept:
        return groups, group, arm, ()
    place = np.full(len(groups) + 1, -1)
    place[:-1][~gaps] = np.arange(len(kept))
    moved = place[group]
    left = tuple(g for g, gap in zip(groups, gaps, strict=True) if gap)
    return tuple(kept), moved, np.where(moved < 0, -1, arm), left


def _of_few(sample: Sample, group: np.ndarray, treated: np.ndarray) -> np.ndarray:
    """Which groups are so few customers that those of their arm give them away, (groups,).

    Several that are enough together stay: no sum tells of one of them.
    """
    inside = group[:, None] == np.arange(len(treated))
    answers = (inside * sample.counts[:, None]).sum(0)
    single = sample.cluster is not None and (sample.counts == 1).all()
    people, least = sample.people(inside) if single else answers, context.current().smallest_cell
    few = people < least
    for arm in (treated, ~treated):
        small = few & arm
        if small.sum() > 1 and people[small].sum() >= least:
            few = few & ~arm
    return few


def _known(rows: pd.DataFrame, columns: list[str]) -> tuple[tuple[str, ...], np.ndarray]:
    """Numbers as they are, words as a column of 0 and 1 for each value but the first."""
    names, parts = [], []
    for column in columns:
        values = rows[column]
        if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
            names.append(column)
            parts.append(values.to_numpy(float, na_value=np.nan))
            continue
        text = values.astype("string").fillna("")
        for value in sorted(text.unique())[1:]:
            names.append(f"{column}: {value}" if value else column)
            parts.append((text == value).to_numpy(float))
    return tuple(names), np.column_stack(parts) if parts else np.empty((len(rows), 0))


def numbered(ids: pd.Series) -> np.ndarray:
    """A number for each customer; rows of nobody known are customers of their own."""
    codes = pd.factorize(ids)[0]
    alone = codes < 0
    codes[alone] = codes.max(initial=-1) + 1 + np.arange(alone.sum())
    return codes


def _check(trial: Trial) -> None:
    treated, control = (trial.answers(trial.during & (trial.arm == arm)) for arm in (1, 0))
    alone = trial.change.design in ("series", "staggered")
    least = treated if alone else min(treated, control)
    if least < SMALLEST_ARM:
        raise InsufficientData(
            _(
                "{change:quoted}: {treated:count} answers to {outcome:quoted} of the "
                "treated and {control:count} of the controls; {needed:count} of each are needed.",
                change=trial.label,
                treated=treated,
                outcome=trial.outcomes[0],
                control=control,
                needed=SMALLEST_ARM,
            )
        )
    if trial.change.design in ("compared", "series") and not trial.before.any():
        raise InsufficientData(
            _(
                "{change:quoted}: no wave before {begun:verbatim} to compare with.",
                change=trial.label,
                begun=trial.change.first_wave,
            )
        )


def require_controls(trial: Trial) -> None:
    """Raise InsufficientData without a wave before the change, or without controls."""
    if not trial.before.any() or not (trial.arm == 0).any():
        raise InsufficientData(_("A wave before the change and a control group are needed."))
