"""What a note says of solutions that should not be trusted: improper ones, and failed draws."""

from __future__ import annotations

import numpy as np

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.csi import pls
from cxlib.csi.model import Model
from cxlib.csi.prepared import Prepared, Solutions

SMALL = 200  # answers; with 100 an interval of 95% of such an R² was found to hold in 92 to 94


def failures(task: Prepared, again: Solutions, draws: int) -> list[str]:
    """What went wrong in draws, each counted: not settled, turned round, improper."""
    unsettled = np.any([stage.rounds == 0 for stage in again], axis=0)
    turned = np.any([stage.turned > 0 for stage in again], axis=0) & ~unsettled
    improper = np.any(
        [
            np.isnan(stage.paths).any((0, 1))
            | (stage.rho_a[list(plan.reflective)] > 1).any(0)
            | (stage.r2 > 1).any(0)
            for stage, plan in zip(again, task.plans, strict=True)
        ],
        axis=0,
    )
    improper &= ~unsettled
    found, facts = [], {"draws": i18n.count(draws), "rounds": i18n.count(pls.MOST_ROUNDS)}
    if failed := unsettled.sum():
        found.append(
            _(
                "{failed:count} of {draws} draws did not settle in {rounds} rounds or had a "
                "question without differences; the intervals rest on the others.",
                failed=failed,
                **facts,
            )
        )
    if round_ := turned.sum():
        found.append(
            _(
                "In {turned:count} of {draws} draws a construct pointed the other way and was "
                "turned round.",
                turned=round_,
                **facts,
            )
        )
    if wild := improper.sum():
        found.append(
            _(
                "In {improper:count} of {draws} draws the solution was improper (a reliability or "
                "R² over 1, or causes that cannot be told apart).",
                improper=wild,
                **facts,
            )
        )
    return found


def warnings(task: Prepared, point: Solutions) -> list[str]:
    """Improper estimates, which constructs were taken for factors, and what is not known."""
    found: list[str] = []
    factors: list[str] = []
    for plan, model, stage in zip(task.plans, task.models, point, strict=True):
        found += [w for w in _improper(model, stage) if w not in found]
        factors += [n for n, f in zip(model.constructs, plan.reflective, strict=True) if f]
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


def _named(constructs) -> str:
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
