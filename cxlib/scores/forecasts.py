"""What a score will be in the waves to come, if it goes on as it has.

ahead = scores.forecast(scores.trend(sample, "recommend"))
ahead.table            # wave, term, estimate, low, high (95% prediction interval), n
ahead.earlier          # each wave as it would have been forecast from the waves before it
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxlib.core import i18n, periods
from cxlib.core.columns import ESTIMATE, Column
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.data.schema import Target
from cxlib.privacy import disclosure
from cxlib.scores.measures import Measure
from cxlib.stats.forecasting import Forecast
from cxlib.stats.forecasting import forecast as forecast_series
from cxlib.stats.intervals import LEVEL, normal_quantile

MINIMUM_WAVES = 5  # of which the first four let the fifth be forecast
UNLIKELY = 0.1  # of reaching the target, from which it is the finding
OUTSIDE = ("below", "above")  # signals of one wave; the others are of several
CYCLES = 2  # years of waves before seasons are estimated
COLUMNS = (
    Column(
        "reaches_target",
        "probability",
        "chance",
        label="Probability that the true level meets the target",
    ),
    Column("forecast", "score", ESTIMATE, label="Forecast made before"),
    Column("forecast_low", "score", ESTIMATE),
    Column("forecast_high", "score", ESTIMATE),
    Column("within", "whether the score lay in its interval", label="Within the forecast"),
)
WORDS = ("yes", "no")


def forecast(trend: Result, *, waves: int = 4, target: Target | None = None) -> Result:
    """Forecast one score over the next waves, and check how earlier forecasts would have done.

    The level of the score is a random walk with, from two years of waves on, seasons; the sampling
    error of each wave is taken from its interval. A wave outside its control limits whose next wave
    is not is left out: of two years of waves, what happened once would be taken for a season. The
    forecast knows of no action and no event to come: it is what to expect if all goes on as before.

    Parameters
    ----------
    trend : of `scores.trend`, one score of everybody
    waves : how many to forecast, 1 or more
    target : the value to reach; its probability is that of the true level, not of the measured one

    Returns
    -------
    Result with tables
    table : wave, term, estimate, low, high (95% prediction interval of what a wave of the usual
        size will measure), n (answers behind it) and, with a target, reaches_target (0 to 1)
    earlier : wave, term, estimate, low, high, n, forecast, forecast_low, forecast_high (from the
        waves before it alone), within ("yes", "no")

    Raises
    ------
    ValueError : more than one score; InsufficientData below five waves with enough answers

    Examples
    --------
    >>> from cxlib.scores import trend
    >>> rows = pd.DataFrame({"recommend": [10, 0, 9, 8, 6] * 60})
    >>> rows["wave"] = np.repeat(["2025-Q1", "2025-Q2", "2025-Q3", "2025-Q4", "2026-Q1"], 60)
    >>> print(forecast(trend(rows)))
    NPS is expected to be about 0 in 2026-Q2.
    """
    measure, over = trend.parts["measure"], trend.parts["over"]
    if trend.table["term"].nunique() > 1 or trend.parts["by"]:
        raise ValueError("one score of everybody is forecast: make a trend of one item without by.")
    known = disclosure.shown(trend.table).dropna(subset=["estimate", "low", "high"])
    known = known[known["high"] > known["low"]].reset_index(drop=True)
    if len(known) < MINIMUM_WAVES:
        raise InsufficientData(
            _(
                "A forecast needs {least:count} waves with enough answers; there are {n:count}.",
                least=MINIMUM_WAVES,
                n=len(known),
            )
        )
    names = periods.following(list(known[over]), waves)
    once = _happened_once(trend, known, over)
    ahead = _ahead(known, over, names, known[over].isin(once))
    low, high = _bounded(ahead, measure)
    table = pd.DataFrame(
        {over: names, "term": known["term"].iloc[0], "estimate": ahead.mean, "low": low}
    ).assign(high=high, n=int(known["n"].sum()))
    if target is not None:
        reached = ahead.exceeds(target.value)
        below = target.direction == "at most"
        table["reaches_target"] = 1 - reached if below else reached
    earlier = _earlier(known, over, measure, once)
    return Result(
        {"table": table, "earlier": earlier},
        _finding(table, earlier, measure, over, target),
        _notes(known, over, once),
        measure.unit,
        columns=COLUMNS,
    )


def _happened_once(trend: Result, known: pd.DataFrame, over: str) -> list[str]:
    """Waves outside their control limits of which the next wave is not, in the same direction.

    Below five waves that are left none is left out.
    """
    signal = trend.limits.set_index(over)["signal"].reindex(known[over]).fillna("")
    after = signal.shift(-1, fill_value="")
    passed = signal.isin(OUTSIDE) & (after != signal)
    passed.iloc[-1] = False  # nobody knows yet
    once = [str(wave) for wave in signal.index[passed]]
    return once if len(known) - len(once) >= MINIMUM_WAVES else []


def _ahead(known: pd.DataFrame, over: str, names: list[str], out: pd.Series) -> Forecast:
    """The forecast of the waves of these names, without the known ones that are `out`."""
    there, waves = len(known), [*known[over].astype(str), *names]
    places = periods.places(waves)
    error = (known["high"] - known["low"]) / (2 * normal_quantile(LEVEL))
    return forecast_series(
        known["estimate"].mask(out),
        error**2,
        places[:there],
        places[there:],
        period=_seasons(waves[:there]),
    )


def _seasons(waves: list[str]) -> int:
    """How many seasons a year has, where two years of waves are there; else 0."""
    year = periods.in_a_year(waves)
    return year if year and periods.places(waves)[-1] + 1 >= CYCLES * year else 0


def _bounded(ahead: Forecast, measure: Measure) -> tuple[np.ndarray, np.ndarray]:
    """The prediction interval, within what the score can be."""
    low, high = ahead.interval()
    if measure.kind == "nps":
        return np.maximum(low, -100), np.minimum(high, 100)
    if measure.kind == "csat":
        return np.maximum(low, 0), np.minimum(high, 1)
    ends = measure.scale or (-np.inf, np.inf)
    return np.maximum(low, ends[0]), np.minimum(high, ends[1])


def _earlier(known: pd.DataFrame, over: str, measure: Measure, once: Sequence[str]) -> pd.DataFrame:
    """Each wave from the fifth on as the waves before it would have forecast it.

    What happened once was known as such one wave later, where five waves were left without it.
    """
    rows = []
    for k in range(MINIMUM_WAVES - 1, len(known)):
        before = known.iloc[:k]
        out = before[over].isin(once) & (before.index < k - 1)
        enough = k - out.sum() >= MINIMUM_WAVES
        ahead = _ahead(before, over, [str(known[over].iloc[k])], out & enough)
        (low,), (high,) = _bounded(ahead, measure)
        within = low <= known["estimate"].iloc[k] <= high
        rows.append([ahead.mean[0], low, high, "yes" if within else "no"])
    columns = ["forecast", "forecast_low", "forecast_high", "within"]
    made = pd.DataFrame(rows, columns=columns)
    actual = known.iloc[MINIMUM_WAVES - 1 :][[over, "term", "estimate", "low", "high", "n"]]
    return pd.concat([actual.reset_index(drop=True), made], axis=1)


def _finding(
    table: pd.DataFrame,
    earlier: pd.DataFrame,
    measure: Measure,
    over: str,
    target: Target | None,
) -> Finding:
    first, item = table.iloc[0], str(table["term"].iloc[0])
    words = {"measure": i18n.opening(measure.name(item)), "wave": first[over]}
    expected = measure.level(first["estimate"])
    claim = _("{measure} is expected to be about {now} in {wave:label}.", now=expected, **words)
    held = int((earlier["within"] == "yes").sum())
    parts = [
        _("95% prediction interval {ci}", ci=measure.span(first["low"], first["high"])),
        ngettext(
            "{held:count} of {n:count} earlier wave lay within its forecast",
            "{held:count} of {n:count} earlier waves lay within their forecasts",
            len(earlier),
            held=held,
            n=len(earlier),
        ),
        _("n = {n:count}", n=first["n"]),
    ]
    importance = Importance.CONTEXT
    if target is not None:
        chance = float(first["reaches_target"])
        goal = measure.level(target.value)
        parts.insert(
            1,
            _(
                "probability that the true level, without the sampling error that the interval "
                "includes, meets the target of {goal}: {p:chance}",
                goal=goal,
                p=chance,
            ),
        )
        if chance < UNLIKELY:
            importance = Importance.NOTABLE
            claim = _(
                "{measure} is unlikely to reach its target of {goal} in {wave:label}; about {now} "
                "is expected.",
                goal=goal,
                now=expected,
                **words,
            )
    return Finding.of_row(
        first,
        claim,
        _("; ").join(parts),
        unit=measure.unit,
        measure=f"{measure.key(item)}:forecast",  # the target is not of the forecast
        at={over: str(first[over])},
        importance=importance,
    )


def _notes(known: pd.DataFrame, over: str, once: Sequence[str]) -> str:
    model = (
        _("Random walk with seasons, averaged over what its variances may be.")
        if _seasons(list(known[over].astype(str)))
        else _(
            "Random walk without seasons (fewer than two years of waves), averaged over what its "
            "variances may be."
        )
    )
    error = _("The sampling error of each wave is that of its interval.")
    left_out = ngettext(
        "{waves:list} is left out: it was outside its control limits and the next wave was not. "
        "Something like it may happen again, which the interval does not include.",
        "{waves:list} are left out: they were outside their control limits and the next wave was "
        "not. Something like them may happen again, which the interval does not include.",
        len(once),
        waves=once,
    )
    return i18n.together([model, error, *([left_out] if once else [])])
