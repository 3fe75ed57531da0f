"""Do journeys follow the order that was meant: who fits, and which steps are skipped or repeated.

fit = journeys.conformance(steps, ["web", "shop", "booking"])
fit.table            # share of journeys that fit, skip, repeat, leave the order, do something else
fit.steps            # the same, step by step
fit.fitness          # mean fitness and edits a journey
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import Column
from cxlib.core.i18n import N_, _
from cxlib.core.result import Finding, Result
from cxlib.core.sample import Sample
from cxlib.journeys.transitions import share_columns
from cxlib.journeys.variants import distinct_paths, journey_starts
from cxlib.stats.estimators import ratio
from cxlib.stats.intervals import interval_columns
from cxlib.stats.notes import resampling_note, simultaneous_note
from cxlib.stats.resampling import design

KINDS = (N_("skipped"), N_("repeated"), N_("out of order"))
FITS, UNEXPECTED = N_("as expected"), N_("step not expected")


def conformance(
    sample: Sample, expected: Sequence[str], *, stages: Mapping[str, str] | None = None
) -> Result:
    """Share of journeys that follow an expected order, and how the others deviate.

    A journey is aligned with the expected order by the fewest edits: each step left out of the
    journey and each added to it counts one (alignments of process mining with unit costs; the edit
    distance without substitution). Its fitness is 1 minus the edits by the most there can be, its
    steps plus those expected.

    Parameters
    ----------
    sample : of `steps`
    expected : touchpoints in the order that was meant, each once; or stages
    stages : the stage of each touchpoint, where `expected` names stages; steps at one stage that
        follow each other count once, touchpoints without a stage are left out

    Returns
    -------
    Result with tables "table" (term: "as expected" for journeys without an edit, "skipped",
    "repeated", "out of order", "step not expected" for those with at least one such step; estimate:
    share of all journeys, low, high, n, simultaneous_low, simultaneous_high), "steps" (the same for
    each kind and expected step as term) and "fitness" (the mean, low, high, n; edits: the mean
    number a journey); part `journeys` has journey, edits and fitness of each.
    A step is out of order where it is first met before a step that should come earlier.

    Raises
    ------
    ValueError : an order that is empty or names a step twice, or one that nobody met

    References
    ----------
    van der Aalst, Adriansyah and van Dongen (2012), WIREs Data Mining 2(2), for alignments and
    their fitness.

    Examples
    --------
    >>> from cxlib.journeys.steps import steps
    >>> at = pd.to_datetime(["2026-01-01", "2026-01-03"] * 2)
    >>> who, where = ["a", "a", "b", "b"], ["web", "shop", "shop", "pay"]
    >>> events = pd.DataFrame({"customer_id": who, "at": at, "touchpoint": where})
    >>> fit = conformance(steps(events), ["web", "shop"])
    >>> fit.table[["term", "estimate"]].values.tolist()[:2], fit.fitness["edits"].tolist()
    ([['as expected', 0.5], ['skipped', 0.5]], [1.0])
    """
    if not expected or len(set(expected)) < len(expected):
        raise ValueError(f"the expected order {list(expected)} must name steps, each once.")
    rows, touchpoint = sample.data, sample.data["touchpoint"].cat
    names = pd.Index(
        [(stages or {}).get(t, t if stages is None else "") for t in touchpoint.categories]
    )
    if unknown := [e for e in expected if e not in names]:
        raise ValueError(f"nobody met {unknown}. Steps are: {', '.join(sorted(set(names)))}.")
    code = pd.Index(expected).get_indexer(names)[touchpoint.codes]
    start = journey_starts(rows)
    journeys = sample.replace(data=rows.iloc[start])
    owner = np.repeat(np.arange(len(start)), np.diff(np.r_[start, len(rows)]))
    if stages is not None:
        kept = np.asarray(names != "")[touchpoint.codes]
        stage = pd.factorize(names)[0][touchpoint.codes][kept]
        code, owner = code[kept], owner[kept]
        new = (np.diff(owner, prepend=-1) != 0) | (np.diff(stage, prepend=-1) != 0)
        code, owner = code[new], owner[new]
    # A journey of which nothing is left begins where the next one does.
    place, paths = distinct_paths(code, np.searchsorted(owner, np.arange(len(start))))
    edits, length, deviates, unexpected = _aligned(paths, len(expected))
    fitness = 1 - edits / (length + len(expected))
    anything = np.column_stack([edits == 0, deviates.any(-1), unexpected])[place]
    every = np.ones((len(start), 1), dtype=bool)
    shares = share_columns(
        journeys, np.broadcast_to(every, anything.shape), anything, simultaneous=True
    )
    table = pd.DataFrame({"term": [FITS, *KINDS, UNEXPECTED], **shares})
    each = deviates.reshape(len(paths), -1)[place]
    shares = share_columns(journeys, np.broadcast_to(every, each.shape), each, simultaneous=True)
    kinds = np.repeat(KINDS, len(expected))
    by_step = pd.DataFrame({"kind": kinds, "term": list(expected) * len(KINDS), **shares})
    mean, again = ratio(fitness[place][:, None], every, **design(journeys))
    ends = interval_columns(mean, again, units=journeys.people(every)[0])
    mean_fitness = pd.DataFrame(
        {"term": ["fitness"], "estimate": mean, "low": ends["low"].clip(0, 1)}
        | {"high": ends["high"].clip(0, 1), "n": len(start), "edits": edits[place].mean()}
    )
    own = {"journey": rows["journey"].to_numpy()[start], "edits": edits[place]}
    notes = [simultaneous_note(len(table)), resampling_note(journeys)]
    return Result(
        {"table": table, "steps": by_step, "fitness": mean_fitness},
        _finding(table, by_step),
        i18n.together(notes),
        "share",
        columns=[
            Column("kind", "how journeys deviate", "name", label="deviation"),
            Column("edits", "steps to add or leave out, a journey", "number", 1, label="edits"),
        ],
        **sample.bootstrap,
        parts={"journeys": pd.DataFrame(own | {"fitness": fitness[place]})},
    )


def _aligned(
    paths: list[np.ndarray], expected: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(edits, steps, deviations (paths, kinds, expected), has a step not expected) of each path.

    Steps are their place in the expected order, -1 for others.
    """
    length = np.array([len(p) for p in paths])
    step = np.full((len(paths), length.max(initial=0)), -1)
    step[np.arange(step.shape[1]) < length[:, None]] = np.concatenate(paths)
    common = np.zeros((len(paths), expected + 1), dtype=int)  # longest common subsequence
    times = np.zeros((len(paths), expected), dtype=int)
    first = np.full((len(paths), expected), np.inf)
    for k, here in enumerate(step.T):
        before = common.copy()
        for j in range(expected):
            longer = np.maximum(before[:, j + 1], common[:, j])
            common[:, j + 1] = np.where(here == j, before[:, j] + 1, longer)
        met = here[:, None] == np.arange(expected)
        first = np.where(met, np.minimum(first, k), first)
        times += met
    edits = length + expected - 2 * common[:, -1]
    # The latest first meeting of the steps that should come earlier and were met at all.
    latest = np.maximum.accumulate(np.where(np.isfinite(first), first, -1), axis=1)
    early = np.isfinite(first) & (
        first < np.column_stack([np.full(len(paths), -1), latest[:, :-1]])
    )
    deviates = np.stack([times == 0, times > 1, early], axis=1)
    return edits, length, deviates, times.sum(1) < length


def _finding(table: pd.DataFrame, steps: pd.DataFrame) -> Finding:
    fits = table.iloc[0]
    most = steps.loc[steps["estimate"].idxmax()]
    facts = {"share": fits["estimate"], "step": most["term"], "rate": most["estimate"]}
    if not most["estimate"]:
        claim = _("{share:rate} of journeys follow the expected order.", **facts)
    elif most["kind"] == "skipped":
        claim = _(
            "{share:rate} of journeys follow the expected order; {step:quoted} is skipped by "
            "{rate:share}.",
            **facts,
        )
    elif most["kind"] == "repeated":
        claim = _(
            "{share:rate} of journeys follow the expected order; {step:quoted} is repeated by "
            "{rate:share}.",
            **facts,
        )
    else:
        claim = _(
            "{share:rate} of journeys follow the expected order; {step:quoted} comes too early in "
            "{rate:share}.",
            **facts,
        )
    detail = _(
        "95% CI {span:share_interval}; n = {n:count}",
        span=(fits["low"], fits["high"]),
        n=fits["n"],
    )
    return Finding.of_row(fits, claim, detail, unit="share", measure="conformance")
