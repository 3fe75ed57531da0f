"""A made-up company whose truth is known: hotels and a shop, 3,000 customers, eight waves.

    tables = generator.company(seed=1)            # every table of the contract, by name
    generator.TRUTH["paths"]["satisfaction"]      # what the index model should find
    generator.survey(400, seed=7)                 # 400 answers of one quiet wave, to repeat cheaply
    generator.write("data/sample")                # the files: python data/sample/generate.py

In 2025-Q3 prices rise, from 2025-Q4 a random half is called back, in 2026-Q1 deliveries fail; in
the region `north` nothing of this happens. Front desks are trained hotel by hotel, the poorest
first. The dissatisfied answer the survey less, and leave more.
Latent types, satisfaction and topics are not in the tables: they are what the methods look for.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd

from generator import behaviour, outreach, people, service, training, words
from generator.invitations import invitations
from generator.people import END, survey
from generator.truth import CONSTRUCTS, ITEMS, TOUCHPOINTS, TRUTH, WAVES
from generator.visits import visits as web_visits

__all__ = [
    "CONSTRUCTS",
    "END",
    "ITEMS",
    "TOUCHPOINTS",
    "TRUTH",
    "WAVES",
    "company",
    "hidden",
    "population_truth",
    "survey",
    "write",
]


def company(seed: int = 1, customers: int = 3000) -> dict[str, pd.DataFrame]:
    """Every table of the contract, by name; equal for equal seeds.

    Answers hold their codes (98 no answer, 99 never used), as a survey tool exports them. Each
    table has its own stream of random numbers: a change to one leaves the others as they are.
    """
    return _make(seed, customers)[0]


def hidden(seed: int = 1, customers: int = 3000) -> pd.DataFrame:
    """What no table shows of each customer of `company`: latent type, satisfaction in each wave."""
    return _make(seed, customers)[1]


def write(folder: str | Path, seed: int = 1) -> list[Path]:
    """Write the tables of `company` as .csv.gz, the same bytes each time; gives the files."""
    files = []
    for name, table in company(seed).items():
        file = Path(folder) / f"{name}.csv.gz"
        text = _as_text(table).to_csv(index=False, lineterminator="\n", float_format="%.10g")
        # Without its time of making, a gzip file depends on its content alone.
        file.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))
        files.append(file)
    return files


def population_truth(rows: int = 4_000_000, seed: int = 2026, batch: int = 250_000) -> pd.DataFrame:
    """The population behind `survey`, from a large draw: NPS, shares and means.

    One row a measure (`term`), with its `estimate` and the `standard_error` of this draw. The index
    and the driver shares need the modules of their topics; test_synthetic works them out and
    compares them with `TRUTH["population"]`.
    """
    parts = [_measures(survey(batch, seed + k)) for k in range(-(-rows // batch))]
    table = np.array([list(p.values()) for p in parts])
    error = table.std(0, ddof=1) / np.sqrt(len(table)) if len(table) > 1 else np.nan
    return pd.DataFrame(
        {"term": list(parts[0]), "estimate": table.mean(0), "standard_error": error}
    )


def _measures(rows: pd.DataFrame) -> dict[str, float]:
    recommend, overall = rows["recommend"], rows["satisfaction1"]
    return {
        "nps": 100 * float((recommend >= 9).mean() - (recommend <= 6).mean()),
        "csat": float((overall >= 9).mean()),
        "mean": float(overall.mean()),
        "effort": float(rows["effort"].mean()),
    }


def _make(seed: int, n: int) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    streams = (np.random.default_rng([seed, k]) for k in (*range(14), 41, 42))
    who, feel, ask, leave, buy, meet, complain, write, rate, why, choose, *streams = streams
    remind, call, handle, train, browse = streams
    kind = people.types_of(who, n)
    person = people.attributes(who, kind)
    person.insert(0, "customer_id", [f"c{k:04d}" for k in range(1, n + 1)])
    shifts = people.happenings(person)
    felt = people.latents(feel, kind, len(WAVES), shifts)
    satisfaction = felt["satisfaction"]
    joined = behaviour.joining(leave, n)
    complaints = behaviour.complaint_counts(complain, satisfaction, shifts)
    left = behaviour.leaving(leave, person, joined, satisfaction, complaints)

    met = people.stirred_topics(ask, shifts)
    answered, sent_out = people.respond(ask, person, felt, met, (joined, left))
    letters = invitations(remind, *sent_out, satisfaction, answered)
    answered = training.asked(train, answered, n)
    language = np.where(who.random(n) < 0.4, "zh", "en")
    bought, orders = behaviour.orders(buy, kind, satisfaction, joined, left)
    orders["amount"] = orders["amount"].round(2)
    touched, events = behaviour.events(meet, satisfaction, shifts, joined, left)
    opened, cases = behaviour.cases(complain, complaints, shifts, joined, left)

    ids = person["customer_id"].to_numpy()
    asked = letters.pop("person")
    owners = ((orders, bought), (events, touched), (cases, opened), (letters, asked))
    for table, owner in owners:
        table.insert(1, "customer_id", ids[owner])
    tables = {
        "customers": _customers(who, person, kind, language, joined, left),
        "responses": answered.drop(columns=["person", "topic"]),
        "invitations": letters,
        "events": events,
        "orders": orders,
        "order_lines": behaviour.order_lines(choose, orders, kind, bought),
        "cases": cases,
        "case_statuses": service.statuses(handle, cases),
        "comments": words.comments(write, answered, language[answered["person"]]),
        "actions": words.actions(),
        "audits": words.audits(rate),
        "contacts": outreach.contacts(call, person, joined, left),
        "visits": web_visits(browse, ids, joined, left, cases),
    }
    unseen = pd.DataFrame(satisfaction, columns=[f"satisfaction {w}" for w in WAVES])
    unseen.insert(0, "type", np.array(people.TYPES)[kind])
    unseen.insert(0, "customer_id", ids)
    gone = tables["customers"]["left_on"].notna().to_numpy()
    tables["customers"].insert(3, "left_because", behaviour.reasons(why, gone))
    return tables, unseen


def _customers(
    rng: np.random.Generator,
    person: pd.DataFrame,
    kind: np.ndarray,
    language: np.ndarray,
    joined: np.ndarray,
    left: np.ndarray,
) -> pd.DataFrame:
    table = person.copy()
    for habit in ("discount_share", "mobile_share"):
        typical = np.array([TRUTH["segments"][t][habit] for t in people.TYPES])[kind]
        table[habit] = np.round(rng.beta(12 * typical, 12 * (1 - typical)), 2)
    table["language"] = language
    table.insert(1, "joined_on", joined.astype("datetime64[us]"))
    gone = np.where(left < END, left, np.datetime64("NaT", "D"))
    table.insert(2, "left_on", gone.astype("datetime64[us]"))
    return table


def _as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Dates as a person writes them: the day, and the minute where there is one."""
    dates = table.select_dtypes("datetime")
    formats = {
        name: "%Y-%m-%d"
        if (day.dropna() == day.dropna().dt.normalize()).all()
        else "%Y-%m-%d %H:%M"
        for name, day in dates.items()
    }
    return table.assign(**{name: table[name].dt.strftime(f) for name, f in formats.items()})
