"""Did it work: a verdict for each change, and how good the predictions were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.data.study import Change
from cxlib.estimates import Estimates
from cxlib.impact import said
from cxlib.impact.checks import SURE, Path
from cxlib.impact.effects import Effect
from cxlib.stats.intervals import LEVEL

REACH = 2.8016  # standard errors that 80 of 100 comparisons find at 5 %: 1.9600 + 0.8416
VERDICTS = ("higher", "lower", "in doubt", "less than predicted", "cannot tell")


@dataclass(frozen=True)
class Calibration(Estimates):
    """How good predictions were.

    Attributes
    ----------
    table : term (inside, bias, slope), estimate, low, high, n (actions)
    pairs : term (action), predicted, predicted_low, predicted_high, estimate (realised), low, high,
        n, within (realised inside the predicted interval)
    """

    pairs: pd.DataFrame = field(kw_only=True)


def verdicts(
    effects: Mapping[str, Effect],
    paths: Mapping[str, Path] | None = None,
    predicted: pd.DataFrame | None = None,
) -> Estimates:
    """A row a change: what it went with, what could have been found, and the verdict.

    `paths` are the event studies of the changes that have one: where the groups did not move alike
    before, a clear effect is in doubt, and so it is where nobody was spared. `predicted` has term
    (the change) and predicted, perhaps predicted_low and predicted_high. table: change, verdict,
    term (outcome), estimate, low, high, n, unit, design, could_find (the effect that 80 of 100 such
    comparisons find), and what was predicted. Empty where no change could be judged.
    """
    told = {} if predicted is None else predicted.set_index("term").to_dict("index")
    if not effects:
        columns = ["change", "verdict", "term", "estimate", "low", "high", "n", "unit", "design"]
        said_ = _("These rows can judge none of the changes.")
        return Estimates(pd.DataFrame(columns=columns), said_)
    rows = []
    for name, one in effects.items():
        first, ahead = one.table.iloc[0], told.get(name, {})
        low, high = first["low"], first["high"]
        rows.append(
            {
                "change": name,
                "verdict": _verdict(
                    one, low, high, (paths or {}).get(name), ahead.get("predicted")
                ),
                "term": first["term"],
                "estimate": first["estimate"],
                "low": low,
                "high": high,
                "n": first["n"],
                "unit": first["unit"],
                "design": said.DESIGNS[one.design],
                "could_find": REACH * one.error,
                **(
                    {
                        c: ahead.get(c, np.nan)
                        for c in ("predicted", "predicted_low", "predicted_high")
                    }
                    if told
                    else {}
                ),
            }
        )
    table = pd.DataFrame(rows).dropna(axis=1, how="all")
    note = _(
        "Higher or lower: clear of chance, and no check speaks against it. In doubt: clear of "
        "chance, but nobody was spared, or those spared did not move alike before. Each interval "
        "is its own."
    )
    return Estimates(table, _sentence(table, effects), note)


def _verdict(one: Effect, low: float, high: float, path: Path | None, predicted: float) -> str:
    if low > 0 or high < 0:
        uneven = path is not None and path.p < SURE
        doubt = one.design == "series" or (one.design != "randomised" and uneven)
        return "in doubt" if doubt else "higher" if low > 0 else "lower"
    if predicted is not None and predicted == predicted and not low <= predicted <= high:
        return "less than predicted"
    return "cannot tell"


def _sentence(table: pd.DataFrame, effects: Mapping[str, Effect]) -> str:
    of = {v: table[table["verdict"] == v] for v in VERDICTS}
    facts = {
        v: i18n.listed(_named(effects[r.change], r) for r in t.itertuples())
        for v, t in of.items()
        if len(t)
    }
    parts = []
    if "higher" in facts:
        parts.append(_("Clearly higher with {changes}.", changes=facts["higher"]))
    if "lower" in facts:
        parts.append(_("Clearly lower with {changes}.", changes=facts["lower"]))
    if "in doubt" in facts:
        parts.append(_("In doubt: {changes}.", changes=facts["in doubt"]))
    if "less than predicted" in facts:
        missed = facts["less than predicted"]
        parts.append(_("Less than was promised: {changes}.", changes=missed))
    if "cannot tell" in facts:
        parts.append(_("No effect can be told of {changes}.", changes=facts["cannot tell"]))
    return i18n.together(parts)


def _named(one: Effect, row: tuple) -> str:
    """A change, its outcome and by how much, as a part of a list."""
    return _(
        "{change:verbatim} ({outcome} {size}, {span})",
        change=one.label,
        outcome=one.outcome,
        size=said.value(row.estimate, row.unit),
        span=said.span(row.low, row.high, row.unit),
    )


def designs(effects: Mapping[str, Effect]) -> Estimates:
    """Whom each change reached and what it is compared with, in words.

    table: term (change), design, n (answers of those reached while it was there), spared (of those
    spared then).
    """
    table = pd.DataFrame(
        [(name, said.DESIGNS[one.design], *one.sides) for name, one in effects.items()],
        columns=["term", "design", "n", "spared"],
    )
    parts = []
    for design in dict.fromkeys(table["design"]):
        names = [effects[t].label for t in table.loc[table["design"] == design, "term"]]
        named = i18n.listed(map(i18n.quoted, names))
        parts.append(_("{design:label}: {changes}", design=design, changes=named))
    return Estimates(table, i18n.opening(_("{parts}.", parts=_("; ").join(parts))))


def agreement(effects: Mapping[str, Effect]) -> Estimates:
    """Each change by every design that its rows allow, in standard deviations of the answers.

    table: change, design, term, estimate, low, high, n; each interval is its own. The design that
    study.yaml names comes first.
    """
    table = pd.concat([e.ways.assign(change=name) for name, e in effects.items()])
    table = table[["change", "design", "term", "estimate", "low", "high", "n"]]
    apart = [e.label for e in effects.values() if _apart(e.ways)]
    several = sum(len(e.ways) > 1 for e in effects.values())
    if not several:
        answer = _("The rows allow one design for each change.")
    elif apart:
        answer = _(
            "Another design tells otherwise of {changes}.",
            changes=i18n.listed(map(i18n.quoted, apart)),
        )
    else:
        answer = _(
            "No other design contradicts the one that study.yaml names: their intervals overlap."
        )
    return Estimates(table.reset_index(drop=True), answer)


def _apart(ways: pd.DataFrame) -> bool:
    first, others = ways.iloc[0], ways.iloc[1:]
    return bool(((others["low"] > first["high"]) | (others["high"] < first["low"])).any())


def promised(changes: Sequence[Change], actions: pd.DataFrame) -> pd.DataFrame:
    """What the ledger predicted of each change: term, predicted, and its interval where it has one.

    Changes without an action, and actions without a prediction, are left out.
    """
    columns = [c for c in ("predicted", "predicted_low", "predicted_high") if c in actions]
    of = pd.DataFrame(
        [(c.name, c.action) for c in changes if c.action], columns=["term", "action_id"]
    )
    both = of.merge(actions[["action_id", *columns]].dropna(subset=["predicted"]), on="action_id")
    return both[["term", *columns]]


def standing(predicted: pd.DataFrame, found: Estimates) -> pd.DataFrame:
    """Predicted beside realised: the rows of `verdicts` that have a prediction, for `calibration`.

    `predicted` has term, predicted, and perhaps predicted_low and predicted_high.
    """
    table = found.table.drop(columns=["term", *(c for c in found.table if "predicted" in c)])
    table = table.rename(columns={"change": "term"})
    return predicted.merge(table[["term", "estimate", "low", "high", "n"]], on="term")


def calibration(pairs: pd.DataFrame, *, level: float = LEVEL) -> Calibration:
    """How good predictions were, over closed actions: who promised too much, and by how much.

    `pairs` has a row an action: term, predicted, estimate, low, high (realised with its interval),
    n, and perhaps predicted_low and predicted_high. table: inside (share of realised effects in the
    predicted interval, Wilson's interval; NaN where no interval was predicted), bias (mean of
    realised less predicted, random effects of DerSimonian and Laird 1986 with the interval of
    Hartung and Knapp 2001), slope (of realised on predicted with the same weights: 1 is right, less
    says that large promises shrink). NaN where there are too few. Raises ValueError without a pair.
    """
    if pairs.empty:
        raise ValueError("no action has both a predicted and a realised effect.")
    gap = (pairs["estimate"] - pairs["predicted"]).to_numpy(float)
    error = ((pairs["high"] - pairs["low"]) / (2 * 1.959963984540054)).to_numpy(float)
    error = np.where(error > 0, error, np.nanmean(error[error > 0]) if (error > 0).any() else 1.0)
    weight = 1 / (error**2 + _between(gap, error))
    rows = [
        ("inside", *_inside(pairs, level)),
        ("bias", *_mean(gap, weight, level)),
        ("slope", *_slope(pairs, weight, level)),
    ]
    table = pd.DataFrame(rows, columns=["term", "estimate", "low", "high"])
    table["n"] = len(pairs)
    own = pairs.reset_index(drop=True).copy()
    if {"predicted_low", "predicted_high"} <= set(own):
        own["within"] = own["estimate"].between(own["predicted_low"], own["predicted_high"])
    return Calibration(
        table,
        _how_good(table, len(pairs)),
        _(
            "Each realised effect counts by how surely it is known; with few actions all of this "
            "is a first hint."
        ),
        pairs=own,
    )


def _between(gap: np.ndarray, error: np.ndarray) -> float:
    """Variance of the true gaps (DerSimonian and Laird 1986, equation 8)."""
    w = 1 / error**2
    q = (w * (gap - np.average(gap, weights=w)) ** 2).sum()
    return float(max(0.0, (q - len(gap) + 1) / max(w.sum() - (w**2).sum() / w.sum(), 1e-300)))


def _mean(gap: np.ndarray, weight: np.ndarray, level: float) -> tuple[float, float, float]:
    mean = float(np.average(gap, weights=weight))
    if len(gap) < 2:
        return mean, np.nan, np.nan
    reach = _reach((weight * (gap - mean) ** 2).sum(), len(gap) - 1, weight.sum(), level)
    return mean, mean - reach, mean + reach


def _slope(pairs: pd.DataFrame, weight: np.ndarray, level: float) -> tuple[float, float, float]:
    x, y = (pairs[c].to_numpy(float) for c in ("predicted", "estimate"))
    if len(x) < 3 or np.ptp(x) == 0:
        return np.nan, np.nan, np.nan
    x = x - np.average(x, weights=weight)
    spread = (weight * x**2).sum()
    slope = float((weight * x * y).sum() / spread)
    rest = y - np.average(y, weights=weight) - slope * x
    reach = _reach((weight * rest**2).sum(), len(x) - 2, spread, level)
    return slope, slope - reach, slope + reach


def _reach(squares: float, free: int, precision: float, level: float) -> float:
    """Half an interval: Hartung and Knapp's, never less than that of the variances told."""
    from scipy.special import ndtri, stdtrit

    own = stdtrit(free, (1 + level) / 2) * np.sqrt(squares / free)
    return float(max(own, ndtri((1 + level) / 2)) / np.sqrt(precision))


def _inside(pairs: pd.DataFrame, level: float) -> tuple[float, float, float]:
    from scipy.special import ndtri

    if not {"predicted_low", "predicted_high"} <= set(pairs):
        return np.nan, np.nan, np.nan
    known = pairs.dropna(subset=["predicted_low", "predicted_high"])
    if known.empty:
        return np.nan, np.nan, np.nan
    n, z = len(known), ndtri((1 + level) / 2)
    share = float(known["estimate"].between(known["predicted_low"], known["predicted_high"]).mean())
    middle, room = (share + z**2 / (2 * n)) / (1 + z**2 / n), z / (1 + z**2 / n)
    reach = room * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return share, max(middle - reach, 0.0), min(middle + reach, 1.0)


def _how_good(table: pd.DataFrame, n: int) -> str:
    row = table.set_index("term")
    bias, inside = row.loc["bias"], row.loc["inside"]
    facts = {"n": n, "bias": bias["estimate"], "span": (bias["low"], bias["high"])}
    if n < 2:
        said_ = _(
            "One action was predicted and judged: realised less predicted is {bias:number1}.",
            **facts,
        )
    elif bias["high"] < 0:
        said_ = _(
            "Over {n:count} actions, too much was promised: realised less predicted is "
            "{bias:number1} ({span:interval1}) on average.",
            **facts,
        )
    elif bias["low"] > 0:
        said_ = _(
            "Over {n:count} actions, too little was promised: realised less predicted is "
            "{bias:number1} ({span:interval1}) on average.",
            **facts,
        )
    else:
        said_ = _(
            "Over {n:count} actions, predictions are neither too high nor too low beyond chance: "
            "realised less predicted is {bias:number1} ({span:interval1}) on average.",
            **facts,
        )
    if n < 2 or inside["estimate"] != inside["estimate"]:
        return said_
    return i18n.together(
        [
            said_,
            _(
                "{share:share} of the realised effects lie in the predicted interval.",
                share=inside["estimate"],
            ),
        ]
    )
