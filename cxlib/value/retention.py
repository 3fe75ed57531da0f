"""Customers under contract: how many stay, and how many periods are to come.

    fit = retention(sample, tenure="tenure", left="left")        # tenure in whole periods
    fit.table          # model (fitted, observed), months, estimate: share retained
    fit.curve          # the same after every month
    fit.remaining      # by periods behind them: discounted periods to come

Shifted beta-geometric (Fader and Hardie 2007): each customer has a constant probability of leaving
of their own; retention rises because those who leave easily have left. An active customer has
renewed `tenure` times; one who left did not renew the last.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import deciding_ends
from cxlib.core.errors import InsufficientData, require_choice, require_columns
from cxlib.core.i18n import _, mark, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.stats import resampling
from cxlib.stats.intervals import estimates_table, failed_draws, interval_columns
from cxlib.stats.notes import resampling_note
from cxlib.stats.survival import kaplan_meier
from cxlib.value import loglik
from cxlib.value.newton import NoMaximum, maximise

PERIODS = 24
READ_AT = (1, 3, 6, 12, 24)  # periods after which the table is read
A_YEAR = {"months": 12, "weeks": 52, "days": 365}
(TERM,) = mark("retained")
LONGEST = 600  # periods over which what is still to come is added up


def retention(
    sample: SampleLike,
    *,
    tenure: str = "tenure",
    left: str = "left",
    ahead: int = PERIODS,
    discount: float = 0.10,
    unit: str = "months",
) -> Result:
    """Shares of customers retained, and discounted periods to come, with 95% intervals.

    Parameters
    ----------
    sample : a row a customer
    tenure : column of the whole periods under contract, at least 1 for those who left
    left : column that holds true for customers who left
    ahead : periods to predict
    discount : rate a year
    unit : of `tenure`: "months", "weeks", "days"; a contract may be renewed less often

    Returns
    -------
    Result with tables

    - "table": model ("fitted" or "observed"), a column named by the unit, term, estimate (share
      retained), low, high, n, after a few periods; the observed share is the product-limit
      estimate, and its n those who had been customers for so long
    - "curve": the same after every period
    - "remaining": term (periods behind them), estimate (discounted periods to come), low, high, n
    - "parameters": alpha and beta

    and parts loglik and fits (whether the model agrees with the observed share). Each draw
    resamples customers and refits the model by one Newton step.

    Raises
    ------
    InsufficientData : nobody or everybody left, or retention that allows no model
    ValueError : columns that are missing or hold other values, or an unknown unit

    References
    ----------
    Fader and Hardie (2007, 2010).

    Examples
    --------
    >>> tenure = [1] * 37 + [2] * 15 + [3] * 8 + [4] * 40
    >>> customers = pd.DataFrame({"tenure": tenure, "left": [t < 4 for t in tenure]})
    >>> table = retention(customers, ahead=3).table
    >>> table.loc[table["model"] == "observed", "estimate"].round(2).tolist()
    [0.63, 0.4]
    """
    sample = as_sample(sample)
    require_choice("unit", unit, A_YEAR)
    customers, draws, seed = sample.data, sample.draws, sample.seed
    periods, gone, n = _read(customers, tenure, left)
    data, count, which = _kinds(periods, gone)
    try:
        fit = maximise(loglik.sbg, data, count, np.zeros(2))
    except NoMaximum as error:
        raise InsufficientData(
            _(
                "No model of retention can be fitted to {n:count} customers: it neither rises nor "
                "varies enough to show how they differ.",
                n=n,
            )
        ) from error
    drawn = fit.replicates(resampling.resample_sums(fit.parts[which], draws, seed))
    at = np.arange(1, ahead + 1)
    here, again = np.exp(fit.at), np.exp(drawn.T)[..., None]
    curve = pd.concat(
        [
            _line("fitted", at, loglik.sbg_survival(here, at), loglik.sbg_survival(again, at), n),
            _observed(periods, gone, at, draws, seed),
        ],
        ignore_index=True,
    ).rename(columns={"time": unit})
    behind = np.unique(np.linspace(0, min(ahead, periods.max()), 7).astype(int))
    to_come = _remaining(here[:, None, None], behind, discount, A_YEAR[unit])
    to_come_drawn = _remaining(again, behind, discount, A_YEAR[unit])
    remaining = estimates_table([i18n.count(int(k)) for k in behind], to_come[0], to_come_drawn, n)
    finding, fits = _finding(curve, ahead, unit)
    notes = [
        _("{left:count} of {customers:count} customers left.", left=int(gone.sum()), customers=n)
    ]
    if blank := len(customers) - n:
        notes.append(
            _(
                "{blank:count} of {customers:count} customers have no tenure and are left out.",
                blank=blank,
                customers=len(customers),
            )
        )
    notes += [_on_file(), *sample.notes, resampling_note(sample)]
    if lost := failed_draws(drawn):
        notes.append(_("{lost:count} draws gave no fit.", lost=lost))
    read = curve[unit].isin([i18n.count(k) for k in (*READ_AT, ahead)])
    return Result(
        {
            "table": curve[read].reset_index(drop=True),
            "curve": curve,
            "remaining": remaining,
            "parameters": estimates_table(["alpha", "beta"], here, np.exp(drawn), n),
        },
        finding,
        i18n.together(notes),
        "share",
        draws=draws,
        seed=seed,
        parts={"loglik": fit.loglik, "fits": fits},
    )


def remaining_periods(fit: Result) -> Result:
    """The table "remaining" of a fit, with a sentence on new customers and the oldest.

    Of a model that does not agree with the observed retention the sentence says only this.

    Parameters
    ----------
    fit : of `retention`
    """
    if not fit.fits:
        told = _(
            "How long customers will stay cannot be predicted: the retention model does not fit "
            "who was seen to stay."
        )
        finding = Finding(told, importance=Importance.METHOD)
        return Result(fit.remaining, finding, fit.notes, "periods", draws=fit.draws, seed=fit.seed)
    new, old = fit.remaining.iloc[0], fit.remaining.iloc[-1]
    facts = {
        "behind": old.term,
        "new": new.estimate,
        "new_span": (new.low, new.high),
        "old": old.estimate,
        "old_span": (old.low, old.high),
        "n": new.n,
    }
    finding = Finding.of_row(
        new,
        _(
            "A new customer is expected to stay for {new:number0} more periods, the most loyal "
            "customers for {old:number0}.",
            **facts,
        ),
        _(
            "discounted; 95% CI {new_span:interval1}, and {old_span:interval1} after {behind} "
            "periods; n = {n:count}",
            **facts,
        ),
        unit="periods",
        measure="remaining_periods",
    )
    return Result(fit.remaining, finding, fit.notes, "periods", draws=fit.draws, seed=fit.seed)


def retention_by_group(
    sample: SampleLike,
    by: str,
    *,
    tenure: str = "tenure",
    left: str = "left",
    ahead: int = PERIODS,
    unit: str = "months",
) -> Result:
    """Observed share retained after `ahead` periods, by group.

    By the product-limit estimate (Kaplan and Meier 1958), which needs no likelihood: groups that
    hardly anyone leaves have one too.

    Parameters
    ----------
    sample : a row a customer
    by : column of the group
    tenure, left, ahead, unit : as in `retention`

    Returns
    -------
    Result whose table has term (group), estimate, n, low, high, simultaneous_low, _high

    Raises
    ------
    InsufficientData, ValueError : as `retention`

    Examples
    --------
    >>> rows = {"tenure": [1, 2, 2, 2] * 20, "left": [True, False] * 40, "plan": ["a", "b"] * 40}
    >>> table = retention_by_group(pd.DataFrame(rows), "plan", ahead=1).table
    >>> table[["term", "estimate", "n"]].values.tolist()
    [['a', 0.5, 40], ['b', 1.0, 40]]
    """
    sample = as_sample(sample)
    customers, draws, seed = sample.data, sample.draws, sample.seed
    require_columns(customers, [by], "customers")
    given = customers.dropna(subset=[by])
    periods, gone, n = _read(given, tenure, left)
    groups = given.dropna(subset=[tenure, left])[by].astype(str).to_numpy()
    names = sorted(set(groups))
    parts = _faced(periods, gone, np.arange(1, ahead + 1))
    whole, drawn, last = [], [], []
    for place, name in enumerate(names):
        inside = parts[groups == name]
        whole.append(_retained(inside.sum(0)[None])[0, -1])
        drawn.append(_retained(resampling.resample_sums(inside, draws, seed + place))[:, -1])
        last.append(inside[:, -1].sum())
    ends = interval_columns(np.array(whole), np.column_stack(drawn))
    # Where nobody left, no draw varies: exact limits of none among those who faced the last.
    sure = np.isnan(ends["low"]) & (np.array(whole) == 1)
    exact = {"low": 0.025 ** (1 / np.maximum(last, 1)), "high": 1.0}
    table = pd.DataFrame(
        {
            "term": names,
            "estimate": whole,
            "n": [int((groups == name).sum()) for name in names],
            **{
                c: np.where(sure, exact[c.rpartition("_")[2]], np.clip(end, 0, 1))
                for c, end in ends.items()
            },
        }
    )
    known = table.dropna(subset=["estimate"])
    best, worst = (known.loc[getattr(known["estimate"], end)()] for end in ("idxmax", "idxmin"))
    facts = {
        "by": by,
        "periods": ahead,
        "unit": unit,
        "best": best.estimate,
        "best_span": (best.low, best.high),
        "first": best.term,
        "worst": worst.estimate,
        "worst_span": (worst.low, worst.high),
        "last": worst.term,
        "n": n,
    }
    differs = deciding_ends(best)[0] > deciding_ends(worst)[1]
    if differs:
        claim = _(
            "{by:opening}: only {worst:rate} of {last:quoted} are retained after {periods:count} "
            "{unit:label}, compared with {best:rate} of {first:quoted}.",
            **facts,
        )
    else:
        claim = _(
            "Retention after {periods:count} {unit:label} does not differ significantly by "
            "{by:quoted}.",
            **facts,
        )
    finding = Finding.of_row(
        worst,
        claim,
        _(
            "{first:quoted} {best:rate} (95% CI "
            "{best_span:share_interval1}), {last:quoted} {worst:rate} "
            "({worst_span:share_interval1}); n = {n:count}",
            **facts,
        ),
        unit="share",
        measure="retained",
        at={by: str(worst.term), unit: str(ahead)},
        importance=Importance.NOTABLE if differs else Importance.CONTEXT,
    )
    note = i18n.together(
        [
            ngettext("{customers:count} customer.", "{customers:count} customers.", n, customers=n),
            _on_file(),
            _(
                "Groups are those that customers are in today. Where customers change {by:quoted}, "
                "one that they come to late seems to retain more.",
                by=by,
            ),
            resampling_note(sample),
        ]
    )
    return Result(table, finding, note, "share", draws=draws, seed=seed)


def _read(customers: pd.DataFrame, tenure: str, left: str) -> tuple[np.ndarray, np.ndarray, int]:
    require_columns(customers, (tenure, left), "customers")
    given = customers[[tenure, left]].dropna()
    periods, gone = given[tenure].to_numpy(float), given[left].to_numpy()
    if not np.isin(gone, [True, False]).all():
        raise ValueError(f"{left!r} must hold true or false only.")
    gone = gone.astype(bool)
    if odd := int(((periods != np.floor(periods)) | (periods < gone)).sum()):
        raise ValueError(
            f"{odd:,} of {len(given):,} customers have a {tenure!r} that is no whole number of "
            "periods, or left before the first. Count whole periods, the one they left at included."
        )
    if gone.all() or not gone.any():
        raise InsufficientData(
            _(
                "{left:count} of {customers:count} customers left; some must have, some not.",
                left=int(gone.sum()),
                customers=len(given),
            )
        )
    return periods, gone, len(given)


def _kinds(periods: np.ndarray, gone: np.ndarray) -> tuple[tuple[Any, ...], np.ndarray, np.ndarray]:
    both, which = np.unique(np.column_stack([periods, gone]), axis=0, return_inverse=True)
    return tuple(both.T), np.bincount(which.ravel()).astype(float), which.ravel()


def _line(
    line: str, at: np.ndarray, shares: np.ndarray, drawn: np.ndarray, n: int | list[int]
) -> pd.DataFrame:
    table = estimates_table([TERM] * len(at), shares, drawn, n, model=line)
    table.insert(1, "time", [i18n.count(int(k)) for k in at])
    return table


def _on_file() -> str:
    """What a file without those who left long ago says of retention."""
    return _(
        "Only customers on file count: if those who left earlier are missing from it, fewer were "
        "retained than this."
    )


def _finding(curve: pd.DataFrame, ahead: int, unit: str) -> tuple[Finding, bool]:
    """The share retained so long: by the model, or the observed one where the model misses it."""
    fitted, seen = (curve[curve["model"] == m].iloc[:ahead] for m in ("fitted", "observed"))
    last = fitted.iloc[-1]
    fits = len(seen) < ahead or (last.low <= seen["estimate"].iloc[-1] <= last.high)
    row = last if fits else seen.iloc[-1]
    facts = {
        "share": row.estimate,
        "fitted": last.estimate,
        "span": (row.low, row.high),
        "periods": ahead,
        "unit": unit,
        "n": row.n,
    }
    if fits:
        claim = _(
            "{share:rate} of the customers on file are expected to be retained after "
            "{periods:count} {unit:label}.",
            **facts,
        )
        detail = _("95% CI {span:share_interval1}; n = {n:count}", **facts)
    else:
        claim = _(
            "{share:rate} of the customers on file are retained after {periods:count} "
            "{unit:label}.",
            **facts,
        )
        detail = _(
            "95% CI {span:share_interval1}; n = {n:count}; the retention model does not fit: it "
            "predicts {fitted:rate}",
            **facts,
        )
    told = Finding.of_row(
        row,
        claim,
        detail,
        unit="share",
        measure="retained",
        importance=Importance.ANSWER,
    )
    return told, bool(fits)


def _observed(
    periods: np.ndarray, gone: np.ndarray, at: np.ndarray, draws: int, seed: int
) -> pd.DataFrame:
    """The product-limit share, as far as anyone was seen."""
    at = at[at <= periods.max()]
    parts = _faced(periods, gone, at)
    sums = resampling.resample_sums(parts, draws, seed)
    faced = parts[:, len(at) :].sum(0).astype(int).tolist()
    return _line("observed", at, _retained(parts.sum(0)[None])[0], _retained(sums), faced)


def _faced(periods: np.ndarray, gone: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Whether each customer left at the end of, and was in, each period: (n, 2 * periods)."""
    ended = gone[:, None] & (periods[:, None] == at)
    return np.hstack([ended, periods[:, None] >= at]).astype(float)


def _retained(sums: np.ndarray) -> np.ndarray:
    """Share retained after each period (Kaplan and Meier 1958), (draws, periods)."""
    ended, faced = np.hsplit(sums, 2)
    return np.where(faced > 0, kaplan_meier(ended, faced), np.nan)


def _remaining(
    own: np.ndarray, behind: np.ndarray, discount: float, periods_a_year: float
) -> np.ndarray:
    """Discounted periods still to come after `behind` of them, (draws, behind).

    Added up over LONGEST periods (Fader and Hardie 2010 give the sum to infinity).
    """
    later = np.arange(1, LONGEST + 1)
    discounted = (1 + discount) ** (-later / periods_a_year)
    alpha, beta = own
    # S(n + t) / S(n): each step keeps (beta + k) of (alpha + beta + k).
    k = behind[:, None] + later - 1
    kept = np.log(beta[..., None] + k) - np.log(alpha[..., None] + beta[..., None] + k)
    return (np.exp(np.cumsum(kept, -1)) * discounted).sum(-1)
