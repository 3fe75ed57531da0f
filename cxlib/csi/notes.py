"""What a note of the index says: answers, weights, resamples, and solutions not to be trusted."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.core.sample import Sample
from cxlib.csi import pls
from cxlib.csi.estimation import Problem, Solutions
from cxlib.csi.model import Model
from cxlib.stats.notes import likelihood_note, resampling_note

SMALL = 200  # answers; with 100 an interval of 95% of such an R² was found to hold in 92 to 94


def answers_note(task: Problem) -> str:
    """How many answered, how missing answers were treated, and who had nothing to answer."""
    sums, answers, items = task.sums, task.answers, task.model.items
    facts = {"n": sums.rows.sum(), "offered": sums.offered}
    if sums.missing == "complete":
        found = _("{n:count} of {offered:count} responses answered every question.", **facts)
    elif sums.missing == "em":
        found = likelihood_note(sums)
    elif answers is None:
        found = _("{n:count} of {offered:count} responses answered some of the questions.", **facts)
    else:
        given = answers.data[items].notna().mul(answers.counts, axis=0).sum().astype(int)
        found = _(
            "{n:count} of {offered:count} responses answered some of the questions: from "
            "{fewest:count} ({rarest:label}) to {most:count}; every pair of questions uses those "
            "who answered both.",
            fewest=given.min(),
            rarest=given.idxmin(),
            most=given.max(),
            **facts,
        )
    return found if answers is None else i18n.together([found, _not_experienced(answers, items)])


def _not_experienced(answers: Sample, items: list[str]) -> str:
    flags = [i for i in items if f"{i}_not_experienced" in answers]
    skipped = answers.data[[f"{i}_not_experienced" for i in flags]].fillna(False).astype(bool)
    never = skipped.mul(answers.counts, axis=0).sum().astype(int)
    each = [f"{i18n.label(i)} {i18n.count(n)}" for i, n in zip(flags, never, strict=True) if n]
    if not each:
        return ""
    return _("Not experienced, so not rated: {each}.", each=_("; ").join(each))


def resamples_note(task: Problem) -> str:
    """Weights and resamples, of rows or of their sums."""
    if isinstance(task.sample, Sample):
        return resampling_note(task.sample)
    return _("{draws:count} bootstrap resamples.", draws=task.sums.draws)


def pairwise_note(task: Problem, moved: float, repaired: int) -> str:
    """Pairwise correlations that no data could have, in the sample and in its resamples."""
    if not moved and not repaired:
        return ""
    return _(
        "Pairwise correlations were impossible and moved to the nearest possible ones: by "
        "{moved:number3} at most in the estimate, and in {repaired:count} of {draws:count} "
        "resamples.",
        moved=moved,
        repaired=repaired,
        draws=task.sums.draws,
    )


def failures_notes(task: Problem, replicates: Solutions) -> list[str]:
    """What went wrong in resamples, each counted: not settled, turned round, improper."""
    unsettled = np.any([stage.rounds == 0 for stage in replicates], axis=0)
    turned = np.any([stage.turned > 0 for stage in replicates], axis=0) & ~unsettled
    improper = np.any(
        [
            np.isnan(stage.paths).any((0, 1))
            | (stage.rho_a[list(plan.reflective)] > 1).any(0)
            | (stage.r2 > 1).any(0)
            for stage, plan in zip(replicates, task.plans, strict=True)
        ],
        axis=0,
    )
    improper &= ~unsettled
    found, facts = [], {"draws": task.sums.draws, "rounds": pls.MOST_ROUNDS}
    if failed := unsettled.sum():
        found.append(
            _(
                "{failed:count} of {draws:count} resamples did not settle in {rounds:count} rounds "
                "or had a question without differences; the intervals rest on the others.",
                failed=failed,
                **facts,
            )
        )
    if reversed_ := turned.sum():
        found.append(
            _(
                "In {turned:count} of {draws:count} resamples a construct pointed the other way "
                "and was turned round.",
                turned=reversed_,
                **facts,
            )
        )
    if wrong := improper.sum():
        found.append(
            _(
                "In {improper:count} of {draws:count} resamples the solution was improper (a "
                "reliability or R² over 1, or causes that cannot be separated).",
                improper=wrong,
                **facts,
            )
        )
    return found


def solution_notes(task: Problem, point: Solutions) -> list[str]:
    """Improper estimates, which constructs were taken for factors, and what is not known."""
    found: list[str] = []
    factors: list[str] = []
    for plan, model, stage in zip(task.plans, task.models, point, strict=True):
        found += [w for w in _improper(model, stage) if w not in found]
        factors += [n for n, f in zip(model.constructs, plan.reflective, strict=True) if f]
    if not task.options.scaled:
        found.append(_("Questions are not standardised: weights are found from covariances."))
    if factors:
        found.append(
            _(
                "Consistent PLS: paths, loadings and R² are freed of measurement error, taking "
                "these for common factors: {constructs}.",
                constructs=_named(dict.fromkeys(factors)),
            )
        )
    if factors and task.n < SMALL:
        found.append(
            _(
                "Of fewer than {small:count} answers the intervals of R² freed of error come out "
                "somewhat short.",
                small=SMALL,
            )
        )
    if unrated := [c for c, items in task.model.constructs.items() if len(items) == 1]:
        found.append(
            _(
                "Asked by one question alone, so without a reliability: {constructs}.",
                constructs=_named(unrated),
            )
        )
    if task.model.preset == "ccsi":
        found.append(
            _(
                "CCSI-type model: the 11 official paths of the Chinese index are not public; these "
                "are the 12 that its six constructs make plausible, or the study's own."
            )
        )
    return found


def _named(constructs: Iterable[str]) -> str:
    return _("; ").join(i18n.label(c) for c in constructs)


def _improper(model: Model, point: pls.Solution) -> list[str]:
    """Heywood-like cases: negative weights, rho_A, loadings or correlations over 1."""
    found = []
    for item, weight, loading in zip(
        model.items, point.weights[:, 0], point.loadings[:, 0], strict=True
    ):
        if weight < 0:
            found.append(
                _(
                    "Warning: the weight of {item:label} is negative ({weight:number3}), so its "
                    "construct's index is not to be trusted.",
                    item=item,
                    weight=weight,
                )
            )
        if abs(loading) > 1 + 1e-9:
            found.append(
                _(
                    "Warning: the loading of {item:label} is {loading:number2}, over 1, as no "
                    "common factor has it: do not take its construct for one.",
                    item=item,
                    loading=loading,
                )
            )
    for name, rho in zip(model.constructs, point.rho_a[:, 0], strict=True):
        if rho > 1:
            found.append(
                _(
                    "Warning: rho_A of {construct:label} is {rho:number2}, over 1: its questions "
                    "do not hang together as one construct, or answers are too few.",
                    construct=name,
                    rho=rho,
                )
            )
    return found + _merged(list(model.constructs), np.abs(point.between[..., 0]))


def _merged(names: list[str], between: np.ndarray) -> list[str]:
    """Pairs of constructs whose correlation, freed of error, is over 1."""
    pairs = np.argwhere(np.triu(between, 1) > 1 + 1e-9)
    return [
        _(
            "Warning: freed of error, {one:label} and {other:label} correlate by {r:number2}, "
            "over 1: to those who answered they are one construct.",
            one=names[i],
            other=names[j],
            r=between[i, j],
        )
        for i, j in pairs
    ]
