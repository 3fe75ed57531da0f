"""What a note says of weights, resamples and missing answers, in the page's language."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cxlib.core import periods
from cxlib.core.i18n import _, ngettext
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.stats.sums import Moments


def resampling_note(sample: Sample) -> str:
    """How many resamples there are, of what, and by what they are weighted.

    A weight that counts every row alike is not mentioned.
    """
    weight = sample.weight if differing_weights(sample) else None
    facts = {"draws": sample.draws, "weight": weight or ""}
    if weight and sample.cluster:
        return _(
            "Weighted by {weight:label}; {draws:count} bootstrap resamples, clustered by customer.",
            **facts,
        )
    if weight:
        return _("Weighted by {weight:label}; {draws:count} bootstrap resamples.", **facts)
    if sample.cluster:
        return _("{draws:count} bootstrap resamples, clustered by customer.", **facts)
    return _("{draws:count} bootstrap resamples.", **facts)


def simultaneous_note(cells: int) -> str:
    """What the simultaneous intervals of so many numbers are for."""
    return _(
        "Intervals are pointwise; the simultaneous ones hold jointly for all {cells:count} numbers "
        "and decide what is significant.",
        cells=cells,
    )


def unless_adjusted(low: float, high: float, comparisons: int) -> str:
    """Say that a difference is not significant although its own 95% interval excludes zero.

    For differences that are not significant among several: empty where the interval contains zero,
    so that no reader takes the interval beside the sentence for a contradiction.

    Examples
    --------
    >>> unless_adjusted(-0.51, -0.01, 24), unless_adjusted(-0.51, 0.01, 24)
    ('not significant after adjustment for 24 comparisons', '')
    """
    if comparisons < 2 or not (low > 0 or high < 0):
        return ""
    return _("not significant after adjustment for {n:count} comparisons", n=comparisons)


def gap_note(waves: Sequence[object]) -> str:
    """The waves that are missing between others, and that nothing is joined across them."""
    gaps = periods.missing(waves)
    if not gaps:
        return ""
    return ngettext(
        "{waves:list6} is missing: a change across this gap is that of a longer period.",
        "{waves:list6} are missing: a change across these gaps is that of a longer period.",
        len(gaps),
        waves=gaps,
    )


def of_waves(detail: str, sample: SampleLike | Moments, over: str = "wave") -> str:
    """The detail of a finding, with how many waves it is of together, where those are several.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = Sample(pd.DataFrame({"wave": ["2026-Q1", "2026-Q2"]}))
    >>> of_waves("n = 2", rows), of_waves("n = 1", rows.where(rows["wave"] == "2026-Q2"))
    ('n = 2; all 2 waves together', 'n = 1')
    """
    if isinstance(sample, Moments) or over not in sample:  # sums do not say of which waves
        return detail
    if (waves := int(as_sample(sample).of("", over)[over].nunique())) < 2:
        return detail
    return _("{detail}; all {waves:count} waves together", detail=detail, waves=waves)


def differing_weights(sample: Sample) -> bool:
    """Whether some rows count more than others."""
    if sample.weight is None or sample.weight == sample.count:
        return False
    rows = sample.of("")  # of counted answers, those of each key
    each = rows.weights / rows.counts
    return bool(np.nanmax(each, initial=0) - np.nanmin(each, initial=np.inf) > 1e-9)


def likelihood_note(sums: Moments) -> str:
    """What `missing="em"` does with missing answers."""
    return _(
        "{n:count} of {offered:count} responses answered some of the questions; means and "
        "correlations are found by maximum likelihood, taking it that what is missing depends "
        "only on what was answered.",
        n=sums.rows.sum(),
        offered=sums.offered,
    )


def open_journeys_note(days: float) -> str:
    """From which steps nothing is counted, as their journeys may go on.

    Parameters
    ----------
    days : without a step after which a journey counts as ended

    Examples
    --------
    >>> open_journeys_note(30)
    'Steps of the last 30 days are not counted as left: what follows them is not known yet.'
    """
    return _(
        "Steps of the last {days:count} days are not counted as left: what follows them is not "
        "known yet.",
        days=days,
    )


def other_outcomes_note() -> str:
    """Where the outcomes of a randomised trial that other pages judge stand together."""
    return _(
        "40_did_the_change_work puts all outcomes of a trial side by side, where this run has it."
    )
