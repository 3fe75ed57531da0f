"""Does the ranking of drivers rest on one survey wave? Importance without each wave in turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.columns import Column
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import N_, _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.drivers.importance import importance
from cxlib.drivers.specification import Drivers
from cxlib.privacy import disclosure
from cxlib.stats.passing_waves import STANDS_OUT, standing_out

A_DRIVER = 30  # responses that a driver needs for a wave of its own to be reported


def without_each_wave(
    sample: Sample,
    outcome: str,
    drivers: Drivers,
    *,
    kind: str = "linear",
    missing: str = "complete",
) -> Result:
    """Share of the strongest driver without each wave, and which driver is first then.

    Parameters
    ----------
    sample : answers, a row each, with a column "wave"; two waves or more
    outcome, drivers, kind, missing : as in `importance`

    Returns
    -------
    Result whose table has wave (left out), term (the strongest driver of all waves), estimate (its
    share of explained variance), low, high, n and first (the strongest driver then); table "rests"
    has term, estimate (share with all waves), rests_on and place of `rests_on_waves`; table
    "latest" has the strongest driver of the latest wave alone: term, estimate, n, wave; no row
    where that wave has too few answers for it. Waves without which no regression is possible are
    named in the note. The claim names every wave without which another driver is first.

    Raises
    ------
    InsufficientData : fewer than two waves can be left out
    ValueError : as in `importance`

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> rows = pd.DataFrame(rng.normal(size=(200, 2)), columns=["room", "price"])
    >>> rows = rows.assign(recommend=rows["room"] + rng.normal(size=200), wave=["Q1", "Q2"] * 100)
    >>> print(without_each_wave(Sample(rows), "recommend", ["room", "price"]))
    Room remains the strongest driver whichever wave is left out.
    """
    counts, options = _waves(sample), {"kind": kind, "missing": missing}
    few = _of_few(sample, counts)
    waves, fits, refused = sorted(counts), {}, []
    for name in waves:
        # All waves less the others would give away what a wave of a few people answered.
        if name in few:
            refused.append(name)
            continue
        try:
            fits[name] = importance(_without(sample, name), outcome, drivers, **options)
        except (ValueError, InsufficientData):  # too few answers are left
            refused.append(name)
    if len(fits) < 2:
        raise InsufficientData(_("Fewer than two survey waves can be left out."))
    all_waves = importance(sample.replace(draws=2), outcome, drivers, **options).table
    first = all_waves["term"].iloc[0]
    table = pd.concat(
        [
            fit.table[fit.table["term"] == first]
            .loc[:, ["term", "estimate", "low", "high", "n"]]
            .assign(wave=name, first=fit.table["term"].iloc[0])
            for name, fit in fits.items()
        ],
        ignore_index=True,
    )
    table = table[["wave", "term", "estimate", "low", "high", "n", "first"]]
    rests_on = rests_on_waves(sample, outcome, list(drivers), kind=kind, missing=missing)
    pooled = all_waves.set_index("term")["estimate"]
    rows = [(driver, past.wave, past.place) for driver, past in rests_on.items()]
    rests = pd.DataFrame(rows, columns=["term", "rests_on", "place"])
    rests.insert(1, "estimate", rests["term"].map(pooled).astype(float))
    latest = _latest(sample.only("wave", waves[-1:]), outcome, drivers, options, waves[-1])
    alone = "" if latest.empty else latest_words(latest.iloc[0])
    note = [_("A row is the share without this wave.")]
    note += (
        [
            ngettext(
                "{n:count} wave is not left out, as its answers, or those of another, are too few.",
                "{n:count} waves are not left out, as answers of theirs, or of another, are too "
                "few.",
                len(refused),
            )
        ]
        if refused
        else []
    )
    finding = _finding(table, float(all_waves["estimate"].iloc[0]), alone)
    columns = [
        Column("first", "strongest driver without the wave", "name", label="ranked first"),
        Column("place", "place without the wave", "count", label=N_("place without the wave")),
    ]
    tables = {"table": table, "rests": rests, "latest": latest}
    return Result(
        tables, finding, i18n.together(note), "share", columns=columns, **sample.bootstrap
    )


class PastWave(NamedTuple):
    """A wave whose fall is over, and the place by explained variance of a driver without it."""

    wave: str
    place: int


def rests_on_waves(
    sample: SampleLike,
    outcome: str,
    drivers: Drivers,
    *,
    kind: str = "linear",
    missing: str = "complete",
) -> dict[str, PastWave]:
    """Drivers that rank lower without the wave of a fall that is over.

    A failure of one quarter makes a driver look important for as long as the quarter is among the
    answers. What it says of the time since is little. The rule is the same for every driver.

    Parameters
    ----------
    sample : answers, a row each
    outcome, drivers, kind, missing : as in `importance`

    Returns
    -------
    driver -> wave, and the driver's place without it: a wave before the latest in which its rating
        is lower than in all others by more than 3 standard errors, and without which its share of
        explained variance ranks lower; drivers whose rating is as low in the latest wave are not
        among them

    Examples
    --------
    >>> rows = pd.DataFrame({"speed": [1, 2, 3, 4, 5, 4.0] * 4, "wave": ["Q1", "Q2"] * 12})
    >>> rows["recommend"] = 2 * rows["speed"]
    >>> rests_on_waves(rows, "recommend", ["speed"])
    {}
    """
    sample = as_sample(sample)
    if "wave" not in sample or len(drivers) < 2:
        return {}
    options = {"kind": kind, "missing": missing}
    quick, counts = sample.replace(draws=2), _waves(sample)
    if len(waves := sorted(counts)) < 2:
        return {}
    few = _of_few(sample, counts)
    fallen: dict[str, list[str]] = {name: [] for name in waves if name not in few}
    for driver in drivers:
        answers = sample.in_buckets([driver]).of(driver, "wave")
        wave = answers["wave"].astype(str).to_numpy()
        for name, fell in fallen.items():
            if standing_out(answers, wave == name, driver) > STANDS_OUT:
                fell.append(driver)
    lasting = set(fallen.pop(waves[-1], []))
    ranked = importance(quick, outcome, drivers, **options).table["term"].tolist()
    rests: dict[str, PastWave] = {}
    for name, fell in fallen.items():
        if not (candidates := set(fell) - lasting - set(rests)):
            continue
        try:
            table = importance(_without(quick, name), outcome, drivers, **options).table
        except (ValueError, InsufficientData):  # too few answers are left
            continue
        without = table["term"].tolist()
        places = {d: without.index(d) + 1 for d in candidates}
        rests |= {d: PastWave(name, k) for d, k in places.items() if k > ranked.index(d) + 1}
    return {d: rests[d] for d in ranked if d in rests}


def _waves(sample: Sample) -> dict[str, int]:
    """How many answers each wave has."""
    answers = sample.in_buckets([]).of("", "wave")
    counts = pd.Series(answers.counts).groupby(answers["wave"].to_numpy()).sum()
    return {str(wave): int(n) for wave, n in counts.items()}


def _of_few(sample: Sample, counts: Mapping[str, int]) -> set[str]:
    """The waves of too few customers, and those that would give them away."""
    table = pd.DataFrame({"wave": [*counts], "term": "answers", "n": [*counts.values()]})
    if sample.in_buckets([]).of("", "wave") is sample:  # where rows are at hand
        table = sample.counted(table)
    return set(table["wave"][disclosure.hidden(table) != ""])


def _without(sample: Sample, wave: str) -> Sample:
    """The answers of all other waves, and of none."""
    waves = sample.in_buckets([]).of("", "wave")["wave"].unique()
    return sample.only("wave", [w for w in waves if str(w) != wave])


def with_past_waves(fit: Result, rests_on: Mapping[str, PastWave]) -> Result:
    """The importance of drivers, with those among the first that rest on a wave that is over.

    Parameters
    ----------
    fit : of `importance`
    rests_on : of `rests_on_waves`

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> rows = pd.DataFrame(rng.normal(size=(200, 2)), columns=["speed", "price"])
    >>> rows["recommend"] = 2 * rows["speed"] + rows["price"] + rng.normal(size=200)
    >>> fit = importance(rows, "recommend", ["speed", "price"])
    >>> with_past_waves(fit, {"speed": PastWave("Q1", 2)}).finding.detail.split("; ")[-1]
    'without Q1, whose fall is over, speed is number 2 by explained variance'
    """
    said = [past_words(d, wave) for d, wave in rests_on.items() if d in fit.top]
    if not said or not fit.finding.detail:
        return fit
    detail = _("; ").join([fit.finding.detail, *said])
    first = rests_on.get(str(fit.table["term"].iloc[0]))
    parts = {**fit.parts, "past": first.wave} if first else dict(fit.parts)
    return fit.replace(finding=replace(fit.finding, detail=detail), parts=parts)


def past_words(driver: str, past: PastWave, gain: float | None = None) -> str:
    """Where a driver ranks without a wave whose fall is over, as part of a sentence."""
    facts = {"driver": driver, **past._asdict()}
    if gain is None:
        return _(
            "without {wave:label}, whose fall is over, {driver:quoted} is number {place:count} by "
            "explained variance",
            **facts,
        )
    return _(
        "{driver:quoted} {gain:signed2} over all waves, but number {place:count} by explained "
        "variance without {wave:label}, whose fall is over",
        gain=gain,
        **facts,
    )


def _latest(
    sample: Sample, outcome: str, drivers: Drivers, options: dict[str, str], wave: str
) -> pd.DataFrame:
    """Who is first in the latest wave alone, where it has the answers for it: a row, or none."""
    none = pd.DataFrame(columns=["term", "estimate", "n", "wave"])
    try:
        fit = importance(sample.replace(draws=2), outcome, drivers, **options)
    except (ValueError, InsufficientData):
        return none
    n = int(fit.r2["n"].iloc[0])
    if n < max(A_DRIVER * len(fit.table), context.current().smallest_cell):
        return none
    first = fit.table.head(1)
    return first[["term", "estimate"]].assign(n=n, wave=wave).reset_index(drop=True)


def latest_words(first: pd.Series) -> str:
    """The strongest driver of the latest wave alone, as part of a sentence."""
    return _(
        "{wave:label} alone: {driver:quoted} first (n = {n:count})",
        wave=first["wave"],
        driver=first["term"],
        n=first["n"],
    )


def _either(waves: pd.Series) -> str:
    """Waves of which any one is meant: 2025-Q4 or 2026-Q1."""
    names = [i18n.label(str(w)) for w in waves]
    if len(names) == 1:
        return names[0]
    return _("{first} or {last}", first=i18n.listed(names[:-1]), last=names[-1])


def _finding(table: pd.DataFrame, pooled: float, latest: str) -> Finding:
    first = table["term"].iloc[0]
    changed = table[table["first"] != first]
    spread = _(
        "share {low:share} to {high:share} without one wave, {pooled:share} with all",
        low=table["estimate"].min(),
        high=table["estimate"].max(),
        pooled=pooled,
    )
    detail = _("; ").join([spread, latest] if latest else [spread])
    if changed.empty:
        claim = _(
            "{driver:quoted} remains the strongest driver whichever wave is left out.", driver=first
        )
        return Finding(claim, detail, verdict="unchanged", importance=Importance.ANSWER)
    if len(changed) == 1:
        claim = _(
            "The first place of {driver:quoted} rests on {wave:label}: without it, {other:quoted} "
            "is first.",
            wave=changed["wave"].iloc[0],
            other=changed["first"].iloc[0],
            driver=first,
        )
    else:
        each = [
            _("{other:quoted} is first where {waves} is left out", other=other, waves=_either(rows))
            for other, rows in changed.groupby("first", sort=False)["wave"]
        ]
        claim = _(
            "The first place of {driver:quoted} is not firm: {changes}.",
            driver=first,
            changes=_("; ").join(each),
        )
    return Finding(claim, detail, verdict="unclear", importance=Importance.NOTABLE)
