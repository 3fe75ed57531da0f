"""What the note of a regression says of missing answers, resamples and approximations."""

from __future__ import annotations

import numpy as np

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.core.sample import Sample
from cxlib.drivers.linear import Covariances
from cxlib.drivers.specification import Specification, never_met_by
from cxlib.stats.intervals import failed_draws
from cxlib.stats.moments import Moments
from cxlib.stats.notes import likelihood_note, resampling_note


def regression_notes(
    spec: Specification, sums: Moments, cov: Covariances, replicates: np.ndarray, *more: str
) -> list[str]:
    """What there is to say of a linear regression, failed resamples last; `more` goes between."""
    return [
        answers_note(spec, sums),
        not_experienced_note(spec),
        resamples_note(spec),
        *more,
        *pairwise_notes(spec, cov),
        failures_note(replicates),
    ]


def answers_note(spec: Specification, sums: Moments) -> str:
    """How many answers there are, and how missing ones are treated."""
    n, offered = sums.rows.sum(), sums.offered
    if sums.missing == "complete":
        return complete_note(n, offered)
    if sums.missing == "em":
        return likelihood_note(sums)
    rated = spec.counts(sums)
    if isinstance(rated, int):
        return _(
            "{n:count} of {offered:count} responses answered some of the questions.",
            n=n,
            offered=offered,
        )
    each = [f"{i18n.label(d)} {i18n.count(c)}" for d, c in zip(spec.terms, rated, strict=True)]
    return _(
        "Each pair of questions uses those who answered both. Of {offered:count} responses these "
        "rated {outcome:label} and the driver: {each}.",
        offered=offered,
        outcome=spec.outcome,
        each=_("; ").join(each),
    )


def complete_note(n: float, offered: int) -> str:
    """How many responses are complete."""
    return _(
        "{n:count} of {offered:count} responses answered every question.", n=n, offered=offered
    )


def not_experienced_note(spec: Specification) -> str:
    """Touchpoints not met, which is not the same as a question left unanswered."""
    if not isinstance(spec.sample, Sample):
        return ""
    never = {d: never_met_by(spec.sample, d) for d in spec.terms}
    each = _("; ").join(f"{i18n.label(d)} {i18n.count(n)}" for d, n in never.items() if n)
    if not each:
        return ""
    if spec.adjusted:
        return _(
            "Not experienced: {each}. These rows are kept; whether a customer met the touchpoint "
            "enters the regression together with the rating.",
            each=each,
        )
    return _("Not experienced, so not rated: {each}.", each=each)


def resamples_note(spec: Specification) -> str:
    """Weights and resamples, of rows or of their sums."""
    if isinstance(spec.sample, Sample):
        return resampling_note(spec.sample)
    return _("{draws:count} bootstrap resamples.", draws=spec.sample.draws)


def pairwise_notes(spec: Specification, cov: Covariances) -> list[str]:
    """Pairwise correlations that no data could have, in the sample and in its resamples."""
    notes = []
    if cov.moved:
        notes.append(
            _(
                "Pairwise correlations were impossible; moved by up to {moved:number3} to "
                "possible ones.",
                moved=cov.moved,
            )
        )
    if cov.repaired:
        notes.append(
            _(
                "In {repaired:count} of {draws:count} resamples pairwise correlations were moved "
                "to possible ones.",
                repaired=cov.repaired,
                draws=spec.sample.draws,
            )
        )
    return notes


def failures_note(replicates: np.ndarray) -> str:
    """Resamples that could not be fitted."""
    if not (failed := failed_draws(replicates)):
        return ""
    return _(
        "{failed:count} of {draws:count} resamples had drivers that were constant or copies; the "
        "intervals rest on the others.",
        failed=failed,
        draws=len(replicates),
    )
