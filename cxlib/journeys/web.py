"""Visits to the website: bounce and conversion by stage, self-service, and scores of visitors.

    journeys.web_visits(study.sample("visits")).table     # stage, term (bounce, conversion), ...
    journeys.self_service(visits, cases).table            # days, share solved without a contact
    journeys.web_scores(sample, visits, "recommend", window=90).table

A visit is a row, or a line of an export of totals with its counts `visits`, `bounces` and
`conversions`. Only visits of customers who logged in can be followed to a contact or an answer.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import SIMULTANEOUS
from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.data.schema import STAGES
from cxlib.journeys.transitions import interval_notes, share_columns
from cxlib.privacy import disclosure
from cxlib.stats import estimators, moments
from cxlib.stats.notes import resampling_note, simultaneous_note
from cxlib.stats.resampling import design

BOUNCE, CONVERSION = "bounce", "conversion"
DAYS = (1, 3, 7, 14, 30)  # after a help visit, in which a contact counts
WITHIN = 7  # of them the one that a claim is about
REACHED, LEFT, OTHER, NONE = "reached the goal", "left after one page", "other visit", "no visit"


def counts(visits: pd.DataFrame) -> pd.DataFrame:
    """Visits, bounces and conversions of each row; a row without counts is one visit.

    Examples
    --------
    >>> counts(pd.DataFrame({"pages": [1.0, 4.0], "conversions": [0, 1]})).values.tolist()
    [[1.0, 1.0, 0.0], [1.0, 0.0, 1.0]]
    """

    def number(column: str) -> pd.Series:
        there = visits[column] if column in visits else pd.Series(np.nan, visits.index)
        return pd.to_numeric(there).astype("Float64").astype(float)

    many, pages = number("visits").fillna(1.0), number("pages")
    one_page = (pages <= 1).astype(float).where(pages.notna() & (many == 1))
    return pd.DataFrame(
        {
            "visits": many,
            "bounces": number("bounces").fillna(one_page),
            "conversions": number("conversions"),
        }
    )


def web_visits(sample: SampleLike) -> Result:
    """Share of visits that bounce and that convert, by journey stage of the landing page.

    Help visits are left out: who reads one page and has the answer was served (`self_service`).

    Parameters
    ----------
    sample : of the table visits, clustered by customer

    Returns
    -------
    Result whose table has stage (in the order of the journey), term (bounce, conversion), estimate
    (share of visits), low, high, n (visits), simultaneous_low and simultaneous_high

    Raises
    ------
    InsufficientData : no visit has a stage, or none says whether it bounced or converted

    Examples
    --------
    >>> rows = pd.DataFrame({"stage": "interest", "pages": [1, 1, 5, 2], "conversions": 0})
    >>> web_visits(rows).table[["term", "estimate", "n"]].values.tolist()
    [['bounce', 0.5, 4], ['conversion', 0.0, 4]]
    """
    sample = as_sample(sample)
    require_columns(sample.data, ["stage"], "visits")
    if "help" in sample.data:
        sample = sample.where(~sample["help"].fillna(False).astype(bool))
    number = counts(sample.data)
    there = [s for s in STAGES if (sample["stage"] == s).any()]
    rows, above, below = [], [], []
    for stage in there:
        here = (sample["stage"] == stage).fillna(False).to_numpy(bool)
        for term, column in ((BOUNCE, "bounces"), (CONVERSION, "conversions")):
            known = here & number[column].notna().to_numpy()
            if known.any():
                rows.append((stage, term))
                below.append(np.where(known, number["visits"], 0.0))
                above.append(np.where(known, number[column].fillna(0), 0.0))
    if not rows:
        raise InsufficientData(_("No visit says its stage and how it ended."))
    shares = share_columns(
        sample, np.column_stack(below), np.column_stack(above), simultaneous=True
    )
    table = pd.DataFrame(rows, columns=["stage", "term"]).assign(**shares)
    note = i18n.together(
        [
            _("{n:count} visits in {rows:count} rows.", n=number["visits"].sum(), rows=len(sample)),
            *interval_notes(len(table), sample),
        ]
    )
    return Result(table, _visits_finding(table), note, "share", **sample.bootstrap)


def _visits_finding(table: pd.DataFrame) -> Finding:
    """Where most visits bounce, and where most convert."""
    shown = disclosure.shown(table)
    parts, facts = [], {}
    for term in (BOUNCE, CONVERSION):
        own = shown[(shown["term"] == term) & shown["estimate"].notna()]
        if len(own):
            facts[term] = own.loc[own["estimate"].idxmax()]
    if not facts:
        return Finding(_("Too few visits: no number is shown."))
    words = {
        key: value
        for term, row in facts.items()
        for key, value in ((f"{term}_stage", row["stage"]), (term, row["estimate"]))
    }
    if len(facts) == 2:
        claim = _(
            "Visits bounce most in the stage “{bounce_stage:label}” ({bounce:share}) and convert "
            "most in “{conversion_stage:label}” ({conversion:share}).",
            **words,
        )
    elif BOUNCE in facts:
        claim = _(
            "Visits bounce most in the stage “{bounce_stage:label}”: {bounce:share}.", **words
        )
    else:
        claim = _(
            "Visits convert most in the stage “{conversion_stage:label}”: {conversion:share}.",
            **words,
        )
    for row in facts.values():
        parts.append(
            _(
                "{term:label} 95% CI {span:share_interval}, n = {n:count} visits",
                term=row["term"],
                span=(row["low"], row["high"]),
                n=row["n"],
            )
        )
    first = next(iter(facts.values()))
    return Finding.of_row(
        first, claim, _("; ").join(parts), unit="share", measure=str(first["term"]),
        at={"stage": str(first["stage"])}, importance=Importance.ANSWER,
    )  # fmt: skip


def self_service(sample: SampleLike, cases: pd.DataFrame) -> Result:
    """Share of help visits after which the customer opened no case within some days.

    Parameters
    ----------
    sample : of the table visits; those with `help` and a customer count
    cases : customer_id and opened_at of every case

    Returns
    -------
    Result whose table has days, term ("solved without a contact"), estimate (share of the help
    visits), low, high, n (help visits that were observed for so long), simultaneous_low and
    simultaneous_high

    Raises
    ------
    InsufficientData : no customer is known to have looked for help

    Examples
    --------
    >>> days = pd.to_datetime(["2026-01-01", "2026-01-01", "2026-03-01"])
    >>> visits = pd.DataFrame({"customer_id": ["a", "b", "a"], "at": days, "help": True})
    >>> cases = pd.DataFrame({"customer_id": ["a"], "opened_at": [pd.Timestamp("2026-01-06")]})
    >>> self_service(visits, cases).table[["days", "estimate"]].values.tolist()[1:3]
    [[3.0, 1.0], [7.0, 0.5]]
    """
    sample = as_sample(sample)
    require_columns(sample.data, ["customer_id", "at", "help"], "visits")
    looked = sample["help"].fillna(False).astype(bool) & sample["customer_id"].notna()
    last = max(sample["at"].max(), cases["opened_at"].max())
    seekers = sample.where(looked)
    if not len(seekers):
        raise InsufficientData(_("No customer is known to have looked for help on the website."))
    wait = _days_until(seekers.data, cases)
    seen = (last - seekers["at"]).to_numpy() / np.timedelta64(1, "D")
    known = np.column_stack([seen >= d for d in DAYS]).astype(float)
    solved = np.column_stack([~(wait <= d) for d in DAYS]) * known
    shares = share_columns(seekers, known, solved, simultaneous=True)
    table = pd.DataFrame({"days": DAYS, "term": "solved without a contact"}).assign(**shares)
    note = i18n.together(
        [
            _(
                "A help visit is solved if the customer opens no case in the days after it; visits "
                "observed for fewer days are left out. Customers may also have given up."
            ),
            *interval_notes(len(table), seekers),
        ]
    )
    return Result(table, _self_service_finding(table), note, "share", **sample.bootstrap)


def _days_until(visits: pd.DataFrame, cases: pd.DataFrame) -> np.ndarray:
    """Days from each visit to the customer's next case; infinite without one."""
    opened = cases[["customer_id", "opened_at"]].dropna().sort_values("opened_at")
    asked = visits[["customer_id", "at"]].assign(place=np.arange(len(visits))).sort_values("at")
    keys = {"left_on": "at", "right_on": "opened_at", "by": "customer_id"}
    met = pd.merge_asof(asked, opened, direction="forward", **keys).sort_values("place")
    return ((met["opened_at"] - met["at"]) / pd.Timedelta(days=1)).fillna(np.inf).to_numpy()


def _self_service_finding(table: pd.DataFrame) -> Finding:
    row = table[table["days"] == WITHIN].iloc[0]
    if not len(disclosure.shown(table[table["days"] == WITHIN])) or row["n"] == 0:
        return Finding(_("Too few visits: no number is shown."))
    claim = _(
        "After {share:share} of help visits the customer did not contact us within {days} days.",
        share=row["estimate"],
        days=WITHIN,
    )
    detail = _(
        "95% CI {span:share_interval}; n = {n:count} visits",
        span=(row["low"], row["high"]),
        n=row["n"],
    )
    return Finding.of_row(
        row, claim, detail, unit="share", measure="self_service", importance=Importance.ANSWER
    )


def web_scores(sample: Sample, visits: pd.DataFrame, outcome: str, *, window: int = 90) -> Result:
    """Mean score of customers by how their last visit before the answer ended.

    Parameters
    ----------
    sample : answers, with customer_id and answered_on
    visits : the table visits
    outcome : the score
    window : days before the answer in which a visit counts

    Returns
    -------
    Result with the tables "table" (term: reached the goal, left after one page, other visit, no
    visit; estimate: mean score, low, high, n) and "difference" (the same, minus that of customers
    without a visit; with simultaneous_low and simultaneous_high, which decide)

    Raises
    ------
    InsufficientData : no customer who answered is known to have visited
    """
    require_columns(sample.data, ["customer_id", "answered_on", outcome], "responses")
    last = _last_visit(sample.data, visits, window)
    kinds = [k for k in (REACHED, LEFT, OTHER, NONE) if (last == k).any()]
    if kinds in ([], [NONE]):
        raise InsufficientData(_("No customer who answered is known to have visited the website."))
    y, w = (
        sample[outcome].to_numpy(float, na_value=np.nan),
        moments.weights_of(sample.data, sample.weight),
    )
    x = np.column_stack([np.where(last == k, y, np.nan) for k in kinds])
    found = estimators.mean(x, w, **design(sample))
    n = (~np.isnan(x) & (w > 0)[:, None]).sum(0)
    table = pd.DataFrame(
        {"term": kinds, "estimate": found.estimate, "n": n, **found.interval_columns()}
    )
    difference = table.iloc[:0]
    if kinds[-1] == NONE:
        contrast = np.vstack([np.eye(len(kinds) - 1), -np.ones(len(kinds) - 1)])
        gap = found @ contrast
        difference = pd.DataFrame(
            {"term": kinds[:-1], "estimate": gap.estimate, "n": n[:-1], **gap.interval_columns()}
        )
    note = i18n.together(
        [
            _("By the last visit in the {window:count} days before the answer.", window=window),
            simultaneous_note(len(table)),
            resampling_note(sample),
        ]
    )
    tables = {"table": table, "difference": difference}
    return Result(tables, _scores_finding(difference, outcome), note, "scale", **sample.bootstrap)


def _last_visit(answers: pd.DataFrame, visits: pd.DataFrame, window: int) -> np.ndarray:
    """How the last visit before each answer ended."""
    number = counts(visits)
    ended = np.select([number["conversions"] > 0, number["bounces"] > 0], [REACHED, LEFT], OTHER)
    known = visits[["customer_id", "at"]].assign(ended=ended).dropna().sort_values("at")
    asked = answers[["customer_id", "answered_on"]].assign(place=np.arange(len(answers)))
    asked = asked.dropna(subset=["answered_on", "customer_id"]).sort_values("answered_on")
    keys = {"left_on": "answered_on", "right_on": "at", "by": "customer_id"}
    met = pd.merge_asof(asked, known, tolerance=pd.Timedelta(days=window), **keys)
    last = np.full(len(answers), NONE, object)
    last[met["place"].to_numpy()] = met["ended"].fillna(NONE).to_numpy(object)
    return last


def _scores_finding(difference: pd.DataFrame, outcome: str) -> Finding:
    shown = disclosure.shown(difference)
    apart = shown[(shown.get(SIMULTANEOUS[0], 0) > 0) | (shown.get(SIMULTANEOUS[1], 0) < 0)]
    if apart.empty:
        claim = _(
            "{outcome:opening} does not differ significantly between customers with and without a "
            "website visit.",
            outcome=outcome,
        )
        return Finding(claim, verdict="unchanged", importance=Importance.CONTEXT)
    row = apart.loc[apart["estimate"].abs().idxmax()]
    claim = _(
        "{outcome:opening} differs by {gap:signed2} points after a visit that ended as "
        "{kind:quoted}, compared with no visit.",
        outcome=outcome,
        gap=row["estimate"],
        kind=row["term"],
    )
    detail = _("95% CI {span:interval2}; n = {n:count}", span=(row["low"], row["high"]), n=row["n"])
    return Finding.of_row(
        row, claim, detail, unit="scale", importance=Importance.NOTABLE,
        verdict="better" if row["estimate"] > 0 else "worse",
    )  # fmt: skip
