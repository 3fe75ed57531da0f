"""The life cycle: acquired, retained, at risk, won back, lost, and moves between states.

    cycle = lifecycle(study.loyalty.purchases(), weeks=13)      # counted in the store
    cycle = lifecycle(sample, weeks=13)                         # of rows
    cycle.table          # period, term (the state), estimate: share of customers known by then
    cycle.moves          # before, term (after), estimate: share who moved, over all periods
    transitions(cycle)   # the same, with a sentence on customers won back

A period is `weeks` long, and the last ends on the last day seen. In each, a customer known by then
is *acquired* (first purchase in it), *retained* (bought in it and in the one before), *won back*
(bought in it, not in the one before), *at risk* (bought in the one before only) or *lost* (in
neither). The definition is ours.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _, mark
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.data.purchases import left_out, purchases, require_some, seen_from
from cxlib.stats import resampling
from cxlib.stats.intervals import estimates_table, interval_columns
from cxlib.stats.notes import resampling_note

STATES = mark("acquired", "retained", "at risk", "won back", "lost")


class CountedPurchases(Protocol):
    """Purchases counted where they are (`study.loyalty.purchases`).

    Orders of customers who handed something back are `returned`, in rows, with the draws and the
    seed of all intervals; `begin` is the first day of the others.
    """

    returned: Sample
    end: pd.Timestamp
    orders: int
    blank: int
    begin: pd.Timestamp | None

    def bought_in(self, starts: list[pd.Timestamp]) -> pd.DataFrame:
        """Columns key, early, in0, in1 ... and n: customers by when they bought."""


def lifecycle(
    sample: SampleLike | CountedPurchases,
    *,
    as_of: str | pd.Timestamp | None = None,
    weeks: int = 13,
    most: int = 8,
) -> Result:
    """The state of customers in each period, and how they move between states.

    Parameters
    ----------
    sample : orders with customer_id, at and, where they are known, amount: refunds are taken off.
        Or purchases that are counted in the store (`study.loyalty.purchases`)
    as_of : date from which customers are seen, the day after the last order by default, which is
        that of purchases in the store
    weeks : length of a period
    most : periods shown, the last ones

    Returns
    -------
    Result with tables

    - "table": period (its first day), term (state), estimate (share of the customers known by
      then), low, high, n
    - "moves": before, term (after), estimate (share of those), low, high, n; pooled over periods,
      simultaneous intervals

    Raises
    ------
    InsufficientData : fewer than three whole periods
    ValueError : columns that are missing, no purchase

    Examples
    --------
    >>> at = pd.to_datetime(["2026-01-05", "2026-02-02", "2026-03-02", "2026-03-30"])
    >>> orders = pd.DataFrame({"customer_id": ["a", "a", "b", "a"], "at": at, "amount": 5.0})
    >>> table = lifecycle(orders, weeks=4).table
    >>> table.loc[table["estimate"] > 0, "term"].tolist()
    ['acquired', 'at risk', 'at risk', 'won back']
    """
    counted: CountedPurchases | None = None
    if isinstance(sample, Sample | pd.DataFrame):
        sample = as_sample(sample)
        end, offered = seen_from(sample.data, as_of), len(sample.data)
        kept, notes = purchases(sample.data, end)
        begins = [kept["at"].min()]
    else:
        counted = sample
        end, offered, sample = counted.end, counted.orders, counted.returned
        kept, notes = purchases(sample.data, end, required=False)
        notes = [*left_out(offered, counted.blank, 0), *notes]
        if counted.begin is None:
            require_some(kept, offered, end)
        begins = [kept["at"].min(), counted.begin]
    length = pd.Timedelta(days=7 * weeks)
    begin = min(day for day in begins if day is not None and not pd.isna(day)).normalize()
    periods = int((end - begin) // length)
    if periods < 3:
        raise InsufficientData(
            _(
                "There are fewer than 3 complete periods of {weeks:count} weeks before "
                "{date:date}: too few to see how customers move. Choose shorter periods.",
                date=end,
                weeks=weeks,
            )
        )
    shown = min(most, periods - 1)  # in the first period all are new
    starts = [end - length * k for k in range(shown + 1, 0, -1)]
    bought, keys = _bought(kept, starts, end)
    customers = np.ones(len(keys), int)
    if counted is not None:
        found = counted.bought_in([*starts, end])
        bought = np.vstack([bought, found.drop(columns=["key", "n"]).to_numpy(bool)])
        keys = np.concatenate([keys, found["key"].to_numpy(np.int64)])
        customers = np.concatenate([customers, found["n"].to_numpy(int)])
    if shown == periods - 1:  # days before the first whole period count in it: nobody is new twice
        bought[:, 1] |= bought[:, 0]
        bought[:, 0] = False
    states, units = _states(bought)[:, 2:], resampling.ResamplingUnits(keys)
    names = [f"{day:%Y-%m-%d}" for day in starts[1:]]
    table = _states_table(states, customers, names, units, sample)
    notes = [
        _(
            "{customers:count} customers over {periods:count} periods of {weeks:count} weeks up "
            "to {date:date}.",
            customers=int(customers.sum()),
            periods=states.shape[1],
            weeks=weeks,
            date=end - pd.Timedelta(days=1),
        ),
        *notes,
        resampling_note(sample.replace(cluster="customer_id")),
    ]
    return Result(
        {"table": table, "moves": _moves(states, customers, units, sample)},
        _finding(table, weeks),
        i18n.together(notes),
        "share",
        draws=sample.draws,
        seed=sample.seed,
        parts={"weeks": weeks},
    )


def transitions(cycle: Result) -> Result:
    """The table "moves" of a life cycle, with a sentence on customers won back.

    Parameters
    ----------
    cycle : of `lifecycle`
    """
    moves = cycle.moves
    told = _won_back(moves, cycle.weeks)
    return Result(moves, told, cycle.notes, "share", draws=cycle.draws, seed=cycle.seed)


def _bought(
    kept: pd.DataFrame, starts: list[pd.Timestamp], end: pd.Timestamp
) -> tuple[np.ndarray, np.ndarray]:
    """Whether each customer bought before the periods that start then, and in each; their keys."""
    who, names = pd.factorize(kept["customer_id"])
    edges = np.array([*starts, end], "datetime64[ns]")
    day = kept["at"].dt.normalize().to_numpy().astype("datetime64[ns]")
    bought = np.zeros((len(names), len(edges)), bool)
    bought[who, np.searchsorted(edges, day, side="right")] = True
    return bought, resampling.keys_of(pd.DataFrame({"customer_id": names}), "customer_id")


def _states(bought: np.ndarray) -> np.ndarray:
    """Each customer's state (an index of STATES) in each period; -1 before the first purchase."""
    known = np.maximum.accumulate(bought, axis=1)
    earlier = np.pad(known[:, :-1], ((0, 0), (1, 0)))
    before = np.pad(bought[:, :-1], ((0, 0), (1, 0)))
    return np.select(
        [bought & ~earlier, bought & before, ~bought & before, bought & earlier, known],
        range(len(STATES)),
        -1,
    )


def _states_table(
    states: np.ndarray,
    customers: np.ndarray,
    starts: list[str],
    units: resampling.ResamplingUnits,
    sample: Sample,
) -> pd.DataFrame:
    inside = (states[..., None] == np.arange(len(STATES))) * customers[:, None, None].astype(float)
    shape = inside.shape[1:]
    drawn = resampling.resample_sums(
        inside.reshape(len(inside), -1), sample.draws, sample.seed, units
    )
    drawn = drawn.reshape(sample.draws, *shape)
    whole = inside.sum(0)
    with np.errstate(invalid="ignore"):  # a draw of few customers may have nobody
        shares = drawn / drawn.sum(-1, keepdims=True)
    tables = [
        estimates_table(
            STATES,
            whole[k] / whole[k].sum(),
            shares[:, k],
            int(whole[k].sum()),
            period=start,
        )
        for k, start in enumerate(starts)
    ]
    return pd.concat(tables, ignore_index=True)


def _moves(
    states: np.ndarray,
    customers: np.ndarray,
    units: resampling.ResamplingUnits,
    sample: Sample,
) -> pd.DataFrame:
    size = len(STATES)
    both = np.where((states[:, :-1] >= 0), states[:, :-1] * size + states[:, 1:], -1)
    moves = [(both == move).sum(1) * customers for move in range(size * size)]
    counts = np.column_stack(moves).astype(float)
    drawn = resampling.resample_sums(counts, sample.draws, sample.seed, units)
    drawn = drawn.reshape(-1, size, size)
    whole = counts.sum(0).reshape(size, size)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares, again = whole / whole.sum(1, keepdims=True), drawn / drawn.sum(2, keepdims=True)
    ends = interval_columns(shares.ravel(), again.reshape(sample.draws, -1))
    table = pd.DataFrame(
        {
            "before": np.repeat(STATES, size),
            "term": np.tile(STATES, size),
            "estimate": shares.ravel(),
            "n": np.repeat(whole.sum(1), size).astype(int),
            **{c: np.clip(end, 0, 1) for c, end in ends.items()},
        }
    )
    # Nobody can be acquired twice, nor be lost right after buying.
    return table[whole.ravel() > 0].reset_index(drop=True)


def _finding(table: pd.DataFrame, weeks: int) -> Finding:
    last = table[table["period"] == table["period"].iloc[-1]].set_index("term")
    risk, lost = last.loc["at risk"], last.loc["lost"]
    facts = {
        "weeks": weeks,
        "twice": 2 * weeks,
        "risk": risk.estimate,
        "risk_span": (risk.low, risk.high),
        "lost": lost.estimate,
        "lost_span": (lost.low, lost.high),
        "n": risk.n,
    }
    return Finding.of_row(
        risk,
        _(
            "{risk:rate} of customers have bought nothing for {weeks:count} weeks and are at risk; "
            "{lost:rate} nothing for {twice:count} or more and count as lost.",
            **facts,
        ),
        _(
            "95% CI {risk_span:share_interval1} and {lost_span:share_interval1}; by a fixed rule; "
            "of rare buyers the purchase model says that they have not stopped buying; n = "
            "{n:count} past buyers",
            **facts,
        ),
        unit="share",
        measure="at_risk",
    )


def _won_back(moves: pd.DataFrame, weeks: int) -> Finding:
    won = moves[moves["term"] == "won back"].set_index("before")
    if not {"at risk", "lost"} <= set(won.index):
        return Finding(_("Hardly any customer who stopped buying was won back."))
    risk, lost = won.loc["at risk"], won.loc["lost"]
    facts = {
        "weeks": weeks,
        "risk": risk.estimate,
        "risk_span": (risk.low, risk.high),
        "lost": lost.estimate,
        "lost_span": (lost.low, lost.high),
    }
    return Finding.of_row(
        risk,
        _(
            "{risk:rate} of the customers at risk buy again in the next {weeks:count} weeks, and "
            "{lost:rate} of the lost.",
            **facts,
        ),
        _(
            "95% CI {risk_span:share_interval1} and {lost_span:share_interval1}",
            **facts,
        ),
        unit="share",
        measure="won_back",
        at={"before": "at risk"},
        importance=Importance.ANSWER,
    )
