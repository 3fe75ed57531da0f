"""What customers do: when they join and leave, what they order, meet and complain of."""

from __future__ import annotations

import numpy as np
import pandas as pd

from generator import baskets
from generator.people import END, STARTS, TYPES
from generator.truth import TOUCHPOINTS, TRUTH, WAVES

DAY = np.timedelta64(1, "D")
STAGES = {"newsletter": "awareness", "website": "discovery", "app": "interest",
          "basket": "consideration", "booking": "action", "billing": "action", "check_in": "use",
          "room": "use", "delivery": "use", "support": "use", "review": "advocacy"}  # fmt: skip
_MINUTES = {"newsletter": 1, "website": 6, "app": 4, "basket": 5, "booking": 8, "billing": 3,
            "check_in": 9, "room": 30, "delivery": 12, "support": 14, "review": 3}  # fmt: skip
_PRICES = {"room": 3.0, "dining": 1.0, "wellness": 1.5, "shop": 0.8, "travel": 1.2}
_CATEGORIES = (*TOUCHPOINTS, "price")
_QUIET_CASES = np.array([0.10, 0.10, 0.08, 0.14, 0.18, 0.12, 0.14, 0.06, 0.08])
_HOURS = {"low": (20, 90), "medium": (10, 60), "high": (4, 36)}  # typical first reply, solution


def joining(rng: np.random.Generator, n: int) -> np.ndarray:
    """Days of joining: three in four before the first wave."""
    early, late = np.datetime64("2021-01-01"), np.datetime64("2026-07-01")
    before = rng.integers(0, (STARTS[0] - early) // DAY, n)
    after = rng.integers((STARTS[0] - early) // DAY, (late - early) // DAY, n)
    return early + np.sort(np.where(rng.random(n) < 0.75, before, after)) * DAY


def complaint_counts(
    rng: np.random.Generator, satisfaction: np.ndarray, shifts: dict[str, np.ndarray]
) -> np.ndarray:
    """Cases each customer would open in each wave: more by the dissatisfied and in the failure."""
    failing = shifts[TRUTH["failure"]["touchpoint"]] != 0
    return rng.poisson(0.07 * np.exp(-0.5 * satisfaction) + 0.10 * failing)


def leaving(
    rng: np.random.Generator,
    person: pd.DataFrame,
    joined: np.ndarray,
    satisfaction: np.ndarray,
    complaints: np.ndarray,
) -> np.ndarray:
    """Day each customer leaves, END for those who stay; decided by the quarter before."""
    hazard, plan = TRUTH["churn"], person["plan"]
    standing = (
        hazard["intercept"]
        + (hazard["basic"] * (plan == "basic") + hazard["premium"] * (plan == "premium")).to_numpy()
    )
    called = np.outer(
        person["callback"] == "called",
        np.arange(len(WAVES)) >= WAVES.index(TRUTH["callback"]["from"]),
    )
    first_year = (STARTS - joined[:, None]) / DAY < 365
    odds = (
        standing[:, None]
        + hazard["satisfaction"] * satisfaction
        + hazard["case"] * (complaints > 0)
        + hazard["first_year"] * first_year
        + hazard["callback"] * called
    )
    leaves = rng.random(odds.shape) < 1 / (1 + np.exp(-odds))
    leaves &= joined[:, None] < np.append(STARTS[1:], END)
    leaves[:, -1] = False
    quarter = leaves.argmax(1) + 1
    length = np.diff(np.append(STARTS, END))[np.minimum(quarter, len(WAVES) - 1)] // DAY
    day = STARTS[np.minimum(quarter, len(WAVES) - 1)] + (rng.random(len(joined)) * length) * DAY
    return np.where(leaves.any(1), day, END)


def reasons(rng: np.random.Generator, gone: np.ndarray) -> np.ndarray:
    """Why each of those who left did so, where they said; None for the others."""
    shares = {k: v for k, v in TRUTH["reasons"].items() if k != "known"}
    drawn = np.array(list(shares), object)[rng.choice(len(shares), len(gone), p=[*shares.values()])]
    said = gone & (rng.random(len(gone)) < TRUTH["reasons"]["known"])
    return np.where(said, drawn, None)


def moments_of_contact(
    rng: np.random.Generator, counts: np.ndarray, joined: np.ndarray, left: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(customer, wave, minute) of `counts` happenings a customer and wave, while a customer."""
    i, w = np.nonzero(counts)
    i, w = np.repeat(i, counts[i, w]), np.repeat(w, counts[i, w])
    ends = np.append(STARTS[1:], END)
    day = STARTS[w] + (rng.random(len(i)) * ((ends[w] - STARTS[w]) / DAY)).astype(int) * DAY
    minute = day.astype("datetime64[m]") + rng.integers(7 * 60, 23 * 60, len(i)).astype("m8[m]")
    here = (day >= joined[i]) & (day < left[i])
    order = np.flatnonzero(here)[np.argsort(minute[here], kind="stable")]
    return i[order], w[order], minute[order].astype("datetime64[us]")


def orders(
    rng: np.random.Generator,
    kind: np.ndarray,
    felt: np.ndarray,
    joined: np.ndarray,
    left: np.ndarray,
) -> tuple[np.ndarray, pd.DataFrame]:
    """(customer of each order, orders): more by the satisfied, fewer in a last full quarter."""
    types = [TRUTH["segments"][t] for t in TYPES]
    rate = np.array([t["orders"] for t in types])[kind][:, None] * np.exp(0.2 * felt)
    last = (left[:, None] > np.append(STARTS[1:], END)) & (
        left[:, None] <= np.append(STARTS[2:], [END, END])
    )
    rate = np.where(last & (left[:, None] < END), rate * TRUTH["churn"]["fading"], rate)
    i, _, at = moments_of_contact(rng, rng.poisson(rate), joined, left)
    rows = pd.DataFrame(
        {
            "order_id": [f"o{k:06d}" for k in range(1, len(i) + 1)],
            "at": at,
            "amount": np.array([t["basket"] for t in types])[kind[i]] * rng.gamma(4, 0.25, len(i)),
            "channel": rng.choice(
                ["web", "app", "phone", "desk"], len(i), p=[0.45, 0.3, 0.1, 0.15]
            ),
        }
    )
    return i, rows


def order_lines(
    rng: np.random.Generator, orders: pd.DataFrame, kind: np.ndarray, customer: np.ndarray
) -> pd.DataFrame:
    """The products of each order; the lines add up to the order, to the cent."""
    at, which = np.nonzero(baskets.draw(rng, kind, customer))
    first = np.flatnonzero(np.diff(at, prepend=-1))
    category = np.array(baskets.CATEGORIES)[which]
    quantity = 1 + rng.binomial(2, 0.15, len(at))
    price = np.array([_PRICES[c] for c in category]) * quantity * rng.uniform(0.7, 1.3, len(at))
    cents = np.rint(100 * orders["amount"].to_numpy()).astype(int)
    part = np.floor(cents[at] * price / np.add.reduceat(price, first)[at]).astype(int)
    part[first] += cents - np.add.reduceat(part, first)
    return pd.DataFrame(
        {
            "order_id": orders["order_id"].to_numpy()[at],
            "line": (np.arange(len(at)) - first[at] + 1).astype(str),
            "product": np.array(baskets.NAMES)[which],
            "category": category,
            "quantity": quantity,
            "amount": part / 100,
        }
    )


def events(
    rng: np.random.Generator,
    felt: np.ndarray,
    shifts: dict[str, np.ndarray],
    joined: np.ndarray,
    left: np.ndarray,
) -> tuple[np.ndarray, pd.DataFrame]:
    """(customer of each event, events): contacts with touchpoints, some abandoned, some failed."""
    i, w, at = moments_of_contact(rng, rng.poisson(1.4 * np.exp(0.1 * felt)), joined, left)
    names = np.array(list(STAGES))
    shares = [0.10, 0.20, 0.12, 0.08, 0.12, 0.08, 0.08, 0.06, 0.08, 0.05, 0.03]
    touchpoint = names[rng.choice(len(names), len(i), p=shares)]
    troubled = (touchpoint == TRUTH["failure"]["touchpoint"]) & (
        shifts[TRUTH["failure"]["touchpoint"]][i, w] != 0
    )
    luck = rng.random(len(i))
    outcome = np.where(luck < np.where(troubled, 0.35, 0.05), "failed", "done")
    outcome = np.where(
        np.isin(touchpoint, ["website", "basket", "booking"]) & (luck > 0.8), "abandoned", outcome
    )
    usual = np.array([_MINUTES[t] for t in STAGES])[pd.Index(names).get_indexer(touchpoint)]
    rows = pd.DataFrame(
        {
            "event_id": [f"e{k:06d}" for k in range(1, len(i) + 1)],
            "at": at,
            "touchpoint": touchpoint,
            "stage": np.array([STAGES[t] for t in names])[pd.Index(names).get_indexer(touchpoint)],
            "channel": rng.choice(["web", "app", "phone", "desk"], len(i)),
            "minutes": np.round(usual * rng.gamma(2, 0.5, len(i)), 0),
            "outcome": outcome,
        }
    )
    return i, rows


def cases(
    rng: np.random.Generator,
    counts: np.ndarray,
    shifts: dict[str, np.ndarray],
    joined: np.ndarray,
    left: np.ndarray,
) -> tuple[np.ndarray, pd.DataFrame]:
    """(customer of each case, cases): replies and solutions after END are not known yet."""
    i, w, opened = moments_of_contact(rng, counts, joined, left)
    n = len(i)
    failing = (shifts[TRUTH["failure"]["touchpoint"]][i, w] != 0) & (rng.random(n) < 0.55)
    category = np.array(_CATEGORIES)[rng.choice(len(_CATEGORIES), n, p=_QUIET_CASES)]
    severity = rng.choice(["low", "medium", "high"], n, p=[0.5, 0.35, 0.15])
    reply, solution = np.array([_HOURS[s] for s in severity], float).reshape(-1, 2).T
    replied = reply * rng.lognormal(0, 0.8, n)
    hours = replied + solution * rng.lognormal(0, 0.9, n)
    after = np.clip(np.rint(8.2 - 0.9 * np.log(hours / 24) + 1.6 * rng.standard_normal(n)), 1, 10)
    rows = pd.DataFrame(
        {
            "case_id": [f"k{k:05d}" for k in range(1, n + 1)],
            "opened_at": opened,
            "first_reply_at": _known(opened, replied),
            "solved_at": _known(opened, hours),
            "reopened": rng.random(n) < 0.12,
            "category": np.where(failing, TRUTH["failure"]["touchpoint"], category),
            "severity": severity,
            "channel": rng.choice(["phone", "email", "chat", "desk"], n, p=[0.4, 0.3, 0.2, 0.1]),
            "owner": rng.choice(["team A", "team B", "team C", "team D"], n),
            "satisfaction_after": np.where(rng.random(n) < 0.6, after, np.nan),
        }
    )
    rows.loc[rows["solved_at"].isna(), ["satisfaction_after"]] = np.nan
    return i, rows.assign(reopened=rows["reopened"] & rows["solved_at"].notna())


def _known(opened: np.ndarray, hours: np.ndarray) -> np.ndarray:
    then = opened + np.rint(60 * hours).astype("timedelta64[m]")
    return np.where(then < END.astype("datetime64[us]"), then, np.datetime64("NaT", "us"))
