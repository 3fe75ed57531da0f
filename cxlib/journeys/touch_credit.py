"""Credit of touchpoints by rules, beside removal effects; and how much memory journeys have.

journeys.touch_credit(table, value="revenue")    # first, last, linear and position-based touch
journeys.chain_order(table, lost="lost")         # does the next step depend on the last one only?

Rules divide each conversion among the touchpoints of its path. They describe where touchpoints
stand, not what they cause; where rules and removal effects disagree, credit is a matter of choice.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd

from cxlib.core.columns import Column
from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import N_, _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.journeys.counts import _parsed, _whole_numbers
from cxlib.stats.estimators import Replicated, share_interval
from cxlib.stats.notes import resampling_note

RULES = (N_("first touch"), N_("last touch"), N_("linear"), N_("position-based"))
ENDS_SHARE = 0.4  # of a position-based credit, for the first and for the last touchpoint each
TOGETHER = 4_000_000  # numbers drawn at once


def touch_credit(
    sample: SampleLike,
    *,
    path: str = "path",
    completed: str = "completed",
    value: str = "",
    sep: str = ">",
) -> Result:
    """Share of conversions, and of their value, credited to each touchpoint by four rules.

    Parameters
    ----------
    sample : one row a path ("ad > web > shop"); rows of one path add up
    path, completed : columns of the paths and of how many conversions each had
    value : column of the value of a row's conversions, in currency units; none without it
    sep : stands between touchpoints

    Returns
    -------
    Result with "table": rule ("first touch", "last touch", "linear": equal parts, "position-based":
    40% each for first and last and the rest to those between, equally; half each where there are
    two), term, estimate (share of conversions), low, high, n (conversions), and with `value` the
    column value (credited, without interval: values of single conversions are not known).
    Conversions are resampled one by one.

    Raises
    ------
    InsufficientData : no conversion
    ValueError : columns that are absent, empty touchpoints, numbers that are no counts

    Examples
    --------
    >>> table = pd.DataFrame({"path": ["ad > web > shop", "web"], "completed": [1, 1]})
    >>> fit = touch_credit(table)
    >>> fit.table.query("rule == 'linear'")[["term", "estimate"]].round(2).values.tolist()
    [['web', 0.67], ['ad', 0.17], ['shop', 0.17]]
    """
    sample = as_sample(sample)
    table = sample.data
    require_columns(table, [c for c in (path, completed, value) if c], "paths")
    place, different = _different(table[path])
    done = np.bincount(place, _whole_numbers(table[completed]))
    if not done.sum():
        raise InsufficientData(_("No path has a conversion, so that none can be credited."))
    worth = None
    if value:
        worth = np.bincount(place, np.nan_to_num(table[value].to_numpy(float, na_value=np.nan)))
    names, codes, length = _parsed(different, sep)
    of, k, n = np.repeat(np.arange(len(length)), length), len(names), int(done.sum())
    size = max(1, TOGETHER // max(len(done), 1))
    rng, drawn = np.random.default_rng(sample.seed), []
    credit = [np.zeros((len(length), k)) for _rule in RULES]
    for own, each in zip(credit, _weights(length), strict=True):
        np.add.at(own, (of, codes - 1), each)
    for start in range(0, sample.draws, size):
        # As many of a path's conversions as Poisson(1) multiplicities of each would add up to.
        times = rng.poisson(done, (min(size, sample.draws - start), len(done))).astype(float)
        total = np.maximum(times.sum(1, keepdims=True), 1.0)
        drawn.append(np.stack([times @ own / total for own in credit]))
    replicates = np.concatenate(drawn, axis=1) if drawn else np.empty((len(RULES), 0, k))
    parts = []
    for rule, own, again in zip(RULES, credit, replicates, strict=True):
        share = done @ own / n
        low, high = share_interval(Replicated(share, again, float(n)), np.full(k, n))
        part = pd.DataFrame({"rule": rule, "term": names, "estimate": share})
        part = part.assign(low=low, high=high, n=n)
        if worth is not None:
            part["value"] = worth @ own
        parts.append(part.sort_values("estimate", ascending=False))
    found = pd.concat(parts, ignore_index=True)
    return Result(
        found,
        _finding(found),
        resampling_note(sample.replace(cluster=None)),
        "share",
        columns=[
            Column("rule", "how conversions are divided", "name", label="rule"),
            Column("value", "value credited", "money", label="credited value"),
        ],
        draws=sample.draws,
        seed=sample.seed,
    )


def _different(paths: pd.Series) -> tuple[np.ndarray, pd.Index]:
    """(place of each row's path among the different ones, these); ValueError for rows without."""
    place, different = pd.factorize(paths)
    if nowhere := int((place < 0).sum()):
        raise ValueError(
            f"{nowhere:,} of {len(paths):,} rows have no {paths.name}. Leave them out."
        )
    return place, different


def _weights(length: np.ndarray) -> list[np.ndarray]:
    """Parts of a conversion for each step of all paths one after another, rule by rule."""
    start = np.cumsum(length) - length
    place = np.arange(length.sum()) - np.repeat(start, length)
    steps = np.repeat(length, length)
    first, last = (place == 0).astype(float), (place == steps - 1).astype(float)
    between = np.where((place > 0) & (place < steps - 1), 1.0, 0.0)
    rest = (1 - 2 * ENDS_SHARE) / np.maximum(steps - 2, 1)
    ends = np.where(steps > 2, ENDS_SHARE, 0.5)
    return [first, last, 1.0 / steps, ends * (first + last) + rest * between]


def _finding(table: pd.DataFrame) -> Finding:
    first = table.loc[table.groupby("rule", sort=False)["estimate"].idxmax()]
    leaders = list(dict.fromkeys(first["term"]))
    row = first.iloc[-1]
    detail = _(
        "{rule:label}: {touchpoint:label} {share:share} (95% CI {span:share_interval}); n = "
        "{n:count}",
        rule=row["rule"],
        touchpoint=row["term"],
        share=row["estimate"],
        span=(row["low"], row["high"]),
        n=row["n"],
    )
    if len(leaders) == 1:
        claim = _("Every rule credits {touchpoint:quoted} most.", touchpoint=leaders[0])
    else:
        claim = _(
            "Which touchpoint gets most credit depends on the rule: {touchpoints:label_list}.",
            touchpoints=leaders,
        )
    return Finding(claim, detail, importance=Importance.CONTEXT)


def chain_order(
    sample: SampleLike,
    *,
    path: str = "path",
    completed: str = "completed",
    lost: str = "",
    sep: str = ">",
    most: int = 3,
) -> pd.DataFrame:
    """How well Markov chains of order 0 to `most` describe the paths: likelihood, AIC and BIC.

    `removal` takes journeys as a chain of order 1. Where a higher order has the lowest BIC, the
    next step depends on more than the last one, and removal effects are an approximation.

    Parameters
    ----------
    sample, path, completed, lost, sep : as in `paths`
    most : highest order

    Returns
    -------
    Table with order, loglik, parameters, aic, bic and best (the lowest BIC); n of the BIC is the
    number of steps, the last one out of the path included. A chain has a parameter for each next
    step that follows a history, less one a history.

    Raises
    ------
    ValueError : as `paths`

    References
    ----------
    Katz (1981), Technometrics 23(3), for the BIC of the order of a chain.

    Examples
    --------
    >>> table = pd.DataFrame({"path": ["a > b"] * 2 + ["b > a"] * 2, "completed": [5] * 4})
    >>> chain_order(table, most=2)["loglik"].round(1).tolist()
    [-65.9, -41.6, -13.9]
    """
    table = as_sample(sample).data
    require_columns(table, [c for c in (path, completed, lost) if c], "paths")
    place, different = _different(table[path])
    won = np.bincount(place, _whole_numbers(table[completed]))
    left = np.bincount(place, _whole_numbers(table[lost])) if lost else np.zeros(len(won))
    names, codes, length = _parsed(different, sep)
    # Begin is 0, touchpoints 1 to k, then lost and won, where a path ends.
    states = len(names) + 3
    bounds = np.r_[0, np.cumsum(length)]
    ways = [codes[a:b] for a, b in pairwise(bounds)]
    rows = []
    for order in range(most + 1):
        history, following, times = [], [], []
        for end, count in ((states - 2, left), (states - 1, won)):
            for way, n in zip(ways, count, strict=True):
                if n:
                    walk = np.r_[np.zeros(order, int), way, end]
                    came = np.zeros(len(way) + 1, int)
                    for back in range(1, order + 1):
                        came = came * states + walk[order - back : len(walk) - back]
                    history.append(came)
                    following.append(walk[order:])
                    times.append(np.full(len(came), n))
        rows.append((order, *_likelihood(history, following, times, states)))
    found = pd.DataFrame(rows, columns=["order", "loglik", "parameters", "n"])
    found["aic"] = 2 * found["parameters"] - 2 * found["loglik"]
    found["bic"] = np.log(found["n"]) * found["parameters"] - 2 * found["loglik"]
    found["best"] = found["bic"] == found["bic"].min()
    return found


def _likelihood(
    history: list[np.ndarray], following: list[np.ndarray], times: list[np.ndarray], states: int
) -> tuple[float, int, float]:
    """(log likelihood, parameters, steps) of a chain whose shares are those observed."""
    came, n = np.concatenate(history), np.concatenate(times)
    pairs, at = np.unique(came * states + np.concatenate(following), return_inverse=True)
    often = np.bincount(at, n)
    _known, home = np.unique(pairs // states, return_inverse=True)
    whole = np.bincount(home, often)
    loglik = float((often * np.log(often / whole[home])).sum())
    return loglik, len(pairs) - len(whole), float(n.sum())
