"""Customers under contract: how many renew, and what the rest of a contract is worth.

    fit = contract(customers, tenure="tenure", left="left")      # tenure in whole periods
    fit.table          # model (fitted, observed), renewals, estimate: share still there
    fit.curve          # the same at every renewal
    fit.remaining      # by periods behind them: discounted periods still to come

Shifted beta-geometric (Fader and Hardie 2007): everyone has a chance of leaving of one's own that
stays as it is; retention rises because those who leave easily have left. A customer who is here
still has renewed `tenure` times; one who left did not renew the last.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _, ngettext
from cxlib.enough import Unfit
from cxlib.estimates import Estimates, how_drawn
from cxlib.stats import resampling
from cxlib.stats.intervals import estimates_table, failed_draws, simultaneous_interval
from cxlib.stats.survival import kaplan_meier
from cxlib.value import models
from cxlib.value.likelihood import NoMaximum, climb

PERIODS = 24
MARKS = (1, 3, 6, 12, 24)  # renewals at which the table is read
LONGEST = 600  # periods over which what is still to come is added up


@dataclass(frozen=True)
class Contract(Estimates):
    """Retention by the model beside what was seen, and what is still to come.

    Attributes
    ----------
    table : model (the fitted one, or observed), renewals, term, estimate (share still there), low,
        high, n, at a few renewals; the observed one is the product-limit estimate, with those who
        faced the renewal as n
    curve : the same at every renewal
    remaining : term (periods behind them), estimate (discounted periods to come), low, high, n
    parameters : alpha and beta
    height : the log-likelihood
    """

    curve: pd.DataFrame = field(kw_only=True)
    remaining: pd.DataFrame = field(kw_only=True)
    parameters: pd.DataFrame = field(kw_only=True)
    height: float = field(kw_only=True)

    @property
    def to_come(self) -> Estimates:
        """`remaining` with a sentence about those who are new and those longest there."""
        new, old = self.remaining.iloc[0], self.remaining.iloc[-1]
        said = _(
            "A new customer is expected to bring {new:number1} discounted periods "
            "({new_span:interval1}), one who renewed {renewals} times {old:number1} more "
            "({old_span:interval1}).",
            renewals=old.term,
            new=new.estimate,
            new_span=(new.low, new.high),
            old=old.estimate,
            old_span=(old.low, old.high),
        )
        return Estimates(
            self.remaining, said, self.note, "periods", draws=self.draws, seed=self.seed
        )


def contract(
    customers: pd.DataFrame,
    *,
    tenure: str = "tenure",
    left: str = "left",
    ahead: int = PERIODS,
    discount: float = 0.10,
    periods_a_year: float = 12,
    draws: int = 1000,
    seed: int = 1,
) -> Contract:
    """Shares who renew `ahead` times and periods still to come, with 95% intervals.

    `customers` has `tenure` (whole periods, at least 1 for those who left) and `left` (true or
    false). Draws are of customers; each refits by one Newton step. Raises ValueError for other
    values, or where nobody, or everybody, left.
    """
    periods, gone, n = _read(customers, tenure, left)
    data, count, which = _kinds(periods, gone)
    try:
        found = climb(models.sbg, data, count, np.zeros(2))
    except NoMaximum as error:
        raise Unfit(
            _(
                "Retention of {n:count} customers neither rises nor varies enough to tell how "
                "customers differ, so that no model of it can be fitted.",
                n=n,
            )
        ) from error
    drawn = found.moved(resampling.resample_sums(found.parts[which], draws, seed))
    at = np.arange(1, ahead + 1)
    here, again = np.exp(found.at), np.exp(drawn.T)[..., None]
    curve = pd.concat(
        [
            _line("fitted", at, models.sbg_survival(here, at), models.sbg_survival(again, at), n),
            _observed(periods, gone, at, draws, seed),
        ],
        ignore_index=True,
    )
    behind = np.unique(np.linspace(0, min(ahead, periods.max()), 7).astype(int))
    to_come = _remaining(here[:, None, None], behind, discount, periods_a_year)
    to_come_drawn = _remaining(again, behind, discount, periods_a_year)
    remaining = estimates_table([i18n.count(int(k)) for k in behind], to_come[0], to_come_drawn, n)
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
    notes.append(how_drawn(draws, bucket="customer_id"))
    if lost := failed_draws(drawn):
        notes.append(_("{lost:count} draws gave no fit.", lost=lost))
    few = curve["renewals"].isin([i18n.count(k) for k in (*MARKS, ahead)])
    return Contract(
        curve[few].reset_index(drop=True),
        _to_stay(curve, ahead, n),
        i18n.together(notes),
        "share",
        draws=draws,
        seed=seed,
        curve=curve,
        remaining=remaining,
        parameters=estimates_table(["alpha", "beta"], here, np.exp(drawn), n),
        height=found.height,
    )


def contract_by(
    customers: pd.DataFrame,
    by: str,
    *,
    tenure: str = "tenure",
    left: str = "left",
    ahead: int = PERIODS,
    draws: int = 1000,
    seed: int = 1,
) -> Estimates:
    """Observed share still there after `ahead` renewals, by group; intervals hold together.

    By the product-limit estimate (Kaplan and Meier 1958), which needs no likelihood: groups that
    hardly anyone leaves have one too. Raises ValueError for what `contract` refuses.
    """
    given = customers.dropna(subset=[by])
    periods, gone, n = _read(given, tenure, left)
    groups = given.dropna(subset=[tenure, left])[by].astype(str).to_numpy()
    names = sorted(set(groups))
    parts = _faced(periods, gone, np.arange(1, ahead + 1))
    whole, drawn, last = [], [], []
    for place, name in enumerate(names):
        inside = parts[groups == name]
        whole.append(_kept(inside.sum(0)[None])[0, -1])
        drawn.append(_kept(resampling.resample_sums(inside, draws, seed + place))[:, -1])
        last.append(inside[:, -1].sum())
    low, high = simultaneous_interval(np.array(whole), np.column_stack(drawn))
    # Where nobody left, no draw varies: exact limits of none among those who faced the last.
    sure = np.isnan(low) & (np.array(whole) == 1)
    low = np.where(sure, 0.025 ** (1 / np.maximum(last, 1)), low)
    high = np.where(sure, 1.0, high)
    table = pd.DataFrame(
        {
            "term": names,
            "estimate": whole,
            "low": np.clip(low, 0, 1),
            "high": np.clip(high, 0, 1),
            "n": [int((groups == name).sum()) for name in names],
        }
    )
    known = table.dropna(subset=["estimate"])
    best, worst = (known.loc[getattr(known["estimate"], end)()] for end in ("idxmax", "idxmin"))
    answer = _(
        "{best:share} ({best_span:share_interval1}) of {first:quoted} and {worst:share} "
        "({worst_span:share_interval1}) of {last:quoted} were there still after {periods:count} "
        "renewals.",
        periods=ahead,
        best=best.estimate,
        best_span=(best.low, best.high),
        first=best.term,
        worst=worst.estimate,
        worst_span=(worst.low, worst.high),
        last=worst.term,
    )
    note = i18n.together(
        [
            ngettext("{customers:count} customer.", "{customers:count} customers.", n, customers=n),
            how_drawn(draws, bucket="customer_id"),
        ]
    )
    return Estimates(table, answer, note, "share", draws=draws, seed=seed)


def _read(customers: pd.DataFrame, tenure: str, left: str) -> tuple[np.ndarray, np.ndarray, int]:
    if missing := [c for c in (tenure, left) if c not in customers]:
        raise ValueError(f"customers lack {missing}. They have: {', '.join(map(str, customers))}.")
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
        raise Unfit(
            _(
                "{left:count} of {customers:count} customers left; some must have, some not.",
                left=int(gone.sum()),
                customers=len(given),
            )
        )
    return periods, gone, len(given)


def _kinds(periods: np.ndarray, gone: np.ndarray) -> tuple[tuple, np.ndarray, np.ndarray]:
    both, which = np.unique(np.column_stack([periods, gone]), axis=0, return_inverse=True)
    return tuple(both.T), np.bincount(which.ravel()).astype(float), which.ravel()


def _line(
    line: str, at: np.ndarray, shares: np.ndarray, drawn: np.ndarray, n: int | np.ndarray
) -> pd.DataFrame:
    table = estimates_table(["there still"] * len(at), shares, drawn, n, model=line)
    table.insert(1, "renewals", [i18n.count(int(k)) for k in at])
    return table


def _to_stay(curve: pd.DataFrame, ahead: int, n: int) -> str:
    """How many stay so long by the model, and beside it how many did, where they were seen."""
    fitted, seen = (curve[curve["model"] == m].iloc[:ahead] for m in ("fitted", "observed"))
    last = fitted.iloc[-1]
    said = _(
        "{share:share} ({span:share_interval1}) of customers are expected to be there still after "
        "{periods:count} renewals, n {n:count}.",
        share=last.estimate,
        span=(last.low, last.high),
        periods=ahead,
        n=n,
    )
    if len(seen) < ahead or (last.low <= seen["estimate"].iloc[-1] <= last.high):
        return said
    last = seen.iloc[-1]
    beside = _(
        "The model is off there: {share:share} ({span:share_interval1}) were seen to be.",
        share=last.estimate,
        span=(last.low, last.high),
    )
    return i18n.together([said, beside])


def _observed(
    periods: np.ndarray, gone: np.ndarray, at: np.ndarray, draws: int, seed: int
) -> pd.DataFrame:
    """The product-limit share, as far as anyone was seen."""
    at = at[at <= periods.max()]
    parts = _faced(periods, gone, at)
    sums = resampling.resample_sums(parts, draws, seed)
    faced = parts[:, len(at) :].sum(0).astype(int)
    return _line("observed", at, _kept(parts.sum(0)[None])[0], _kept(sums), faced)


def _faced(periods: np.ndarray, gone: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Whether each customer left at, and faced, each renewal: side by side, (n, 2 * renewals)."""
    ended = gone[:, None] & (periods[:, None] == at)
    return np.hstack([ended, periods[:, None] >= at]).astype(float)


def _kept(sums: np.ndarray) -> np.ndarray:
    """Share still there after each renewal (Kaplan and Meier 1958), (draws, renewals)."""
    ended, faced = np.hsplit(sums, 2)
    return np.where(faced > 0, kaplan_meier(ended, faced), np.nan)


def _remaining(
    own: np.ndarray, behind: np.ndarray, discount: float, periods_a_year: float
) -> np.ndarray:
    """Discounted renewals still to come after `behind` of them, (draws, behind).

    Added up over LONGEST periods (Fader and Hardie 2010 give the sum to infinity).
    """
    later = np.arange(1, LONGEST + 1)
    worth = (1 + discount) ** (-later / periods_a_year)
    alpha, beta = own
    # S(n + t) / S(n): each step keeps (beta + k) of (alpha + beta + k).
    k = behind[:, None] + later - 1
    kept = np.log(beta[..., None] + k) - np.log(alpha[..., None] + beta[..., None] + k)
    return (np.exp(np.cumsum(kept, -1)) * worth).sum(-1)
