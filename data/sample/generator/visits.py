"""Visits to the made-up company's website: bounce and conversion by stage, and self-service.

    visits(rng, customers, joined, left, cases)      # the table; most visitors did not log in

Bounce and conversion of each stage are those of `TRUTH["visits"]`. Help visits belong to customers:
of those, the share `TRUTH["self_service"]` is followed by no case within 30 days, all others by one
within 7 days.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from generator.people import END, STARTS
from generator.truth import TRUTH

DAY = np.timedelta64(1, "D")
SOURCES, FROM = ("search", "direct", "newsletter", "advert"), (0.45, 0.30, 0.10, 0.15)
PAGES = {
    "awareness": "/stories",
    "discovery": "/hotels",
    "interest": "/offers",
    "consideration": "/basket",
    "use": "/help",
}


def visits(
    rng: np.random.Generator,
    ids: np.ndarray,
    joined: np.ndarray,
    left: np.ndarray,
    cases: pd.DataFrame,
) -> pd.DataFrame:
    """Every visit, in the order of time; `cases` has customer_id and opened_at."""
    parts = [_browsing(rng, stage, ids, joined, left) for stage in TRUTH["visits"]]
    parts.append(_help(rng, ids, joined, left, cases))
    table = pd.concat(parts).sort_values(["at", "page", "pages"], kind="stable", ignore_index=True)
    table["source"] = rng.choice(SOURCES, len(table), p=FROM)
    table["device"] = np.where(rng.random(len(table)) < 0.55, "phone", "computer")
    table.insert(0, "visit_id", [f"v{k:05d}" for k in range(1, len(table) + 1)])
    return table.astype({"at": "datetime64[us]"})


def _browsing(
    rng: np.random.Generator, stage: str, ids: np.ndarray, joined: np.ndarray, left: np.ndarray
) -> pd.DataFrame:
    """Visits of one stage: a bounce sees one page, and only other visits convert."""
    told = TRUTH["visits"][stage]
    n = told["visits"]
    day = STARTS[0] + rng.integers(0, int((END - STARTS[0]) / DAY), n) * DAY
    who = rng.integers(0, len(ids), n)
    known = (rng.random(n) < 0.3) & (joined[who] <= day) & (day < left[who])
    bounced = rng.random(n) < told["bounce"]
    converts = ~bounced & (rng.random(n) < told["conversion"] / (1 - told["bounce"]))
    pages = np.where(bounced, 1, 2 + rng.poisson(3.0, n))
    return _table(rng, stage, day, np.where(known, ids[who], None), pages, converts, False)


def _help(
    rng: np.random.Generator,
    ids: np.ndarray,
    joined: np.ndarray,
    left: np.ndarray,
    cases: pd.DataFrame,
) -> pd.DataFrame:
    """Help visits: some some days before a case, the others with no case of the customer near."""
    opened = cases["opened_at"].to_numpy().astype("datetime64[D]")
    owner = pd.Index(ids).get_indexer(cases["customer_id"])
    chosen = np.flatnonzero((rng.random(len(cases)) < 0.15) & (opened > STARTS[0] + 8 * DAY))
    before = opened[chosen] - rng.integers(1, 7, len(chosen)) * DAY
    share = TRUTH["self_service"]
    wanted = round(len(chosen) * share / (1 - share))
    who = rng.integers(0, len(ids), 6 * wanted)
    day = STARTS[0] + rng.integers(0, int((END - STARTS[0]) / DAY) - 31, len(who)) * DAY
    quiet = (joined[who] <= day) & (day < left[who])
    for k in np.flatnonzero(quiet):
        gap = (opened[owner == who[k]] - day[k]) / DAY
        quiet[k] = not ((gap > -2) & (gap <= 31)).any()
    alone = np.flatnonzero(quiet)[:wanted]
    people = np.concatenate([owner[chosen], who[alone]])
    days = np.concatenate([before, day[alone]])
    n = len(people)
    return _table(rng, "use", days, ids[people], 2 + rng.poisson(2.0, n), np.zeros(n, bool), True)


def _table(
    rng: np.random.Generator,
    stage: str,
    day: np.ndarray,
    customer: np.ndarray,
    pages: np.ndarray,
    converts: np.ndarray,
    sought_help: bool,
) -> pd.DataFrame:
    minute = rng.integers(7 * 60, 23 * 60, len(day)) * np.timedelta64(1, "m")
    return pd.DataFrame(
        {
            "customer_id": customer,
            "at": day.astype("datetime64[m]") + minute,
            "page": PAGES[stage],
            "stage": stage,
            "pages": pages,
            "minutes": np.round(pages * rng.gamma(2.0, 0.4, len(day)), 1),
            "conversions": converts.astype(int),
            "help": sought_help,
        }
    )
