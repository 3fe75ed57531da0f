"""The experience reserve: one validated store of everything known about the customers' experience.

    reserve.check("shop")                       # what is wrong, how many rows, how to mend it
    reserve.load("shop")                        # files -> reserve.duckdb, built beside, swapped in
    study = reserve.open("shop")                # built first when missing or older than its files
    sample = study.sample(wave="2026-Q1", where="channel = 'web'")
    study.report_losses(sample)                 # offered, quarantined, left out
    study.sums("responses", ["speed", "price"], cluster="customer_id")      # one scan -> Moments
    study.customers.as_of("2026-06-30")         # a row a customer, from before that day only
    study.alerts.known()                        # alerts of earlier states of the data

The only place that knows DuckDB. Rows go out as data frames, sums as `Moments`.
"""

from cxlib.reserve.loading import LOST, UNUSABLE, Check, Loaded, check, load, refresh
from cxlib.reserve.reading import Reserve, attach, context_of, in_memory, open, state
from cxlib.reserve.store import BESIDE, ReserveError, fingerprint, unread

__all__ = [
    "BESIDE",
    "LOST",
    "UNUSABLE",
    "Check",
    "Loaded",
    "Reserve",
    "ReserveError",
    "attach",
    "check",
    "context_of",
    "fingerprint",
    "in_memory",
    "load",
    "open",
    "refresh",
    "state",
    "unread",
]
