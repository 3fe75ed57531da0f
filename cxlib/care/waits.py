"""The step that did not come: what waits longer than is usual for its kind, before a complaint.

fit = late_steps(sample.with_data(order_steps(orders)), ["promised_weeks"], today)
fit.table       # measure, term (rule), estimate, low, high, n: of a replayed daily list
fit.lead        # days from the warning to the low rating, by rule
fit.items       # what is late today: report.list_to_file("late_orders", fit.items)
late_among(fit, others, today)    # of customers whom it was not learnt from
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib.care.evidence import LATE
from cxlib.care.expected_steps import HIGH, LOW
from cxlib.care.replay import HISTORY, LOOK_BACK, Kinds, after_due, late_now, replay, since
from cxlib.core import context, i18n
from cxlib.core.columns import Column
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _, mark
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample
from cxlib.stats.estimators import ratio, share_interval
from cxlib.stats.intervals import percentile_interval
from cxlib.stats.notes import resampling_note
from cxlib.stats.resampling import bootstrap, design

RATES = (0.8, 0.85, 0.9, 0.95)  # of a kind, that are not late; the replay chooses one
USUAL = 0.9  # where it cannot choose
FEWEST = 20  # low ratings in each half of the replay, to choose a rate and to judge it
CAUGHT, FALSE, WARNED = mark(
    "Low ratings flagged in advance",
    "False alarms (flagged, then rated high)",
    "All rated, flagged in advance",
)
LEAD = "lead"
[DUE] = mark("past the promised time")
ROW = ["item", "step", "customer_id", "owner"]
DAYS = ["waited_days", "usual_days", "late_after_days"]


@dataclass(frozen=True, eq=False)
class _Replayed:
    """Items judged (one a row), whether and when each rule warned of them, and the rule chosen."""

    sample: Sample
    warned: pd.DataFrame  # by rule: the morning of the warning; missing without one before rating
    rate: float
    columns: list[str]
    first: pd.Timestamp


def late_steps(
    sample: Sample, kinds: Sequence[str], today: str | pd.Timestamp, *, rate: float | None = None
) -> Result:
    """List what waits longer than is usual for its kind, and replay such a list by day.

    Usual times are Kaplan-Meier curves of nested kinds, pooled partially. The replay makes a list
    each morning from what was known then. The rate and how fine kinds are are chosen on its first
    half, where the share of low ratings warned of exceeds that of other ratings the most (Youden
    1950); the table has the second half.

    Parameters
    ----------
    sample : of `order_steps` or `case_steps`; rows of one item (a case waits for two steps) are one
        for the replay. Customers are resampled whole where it has them as clusters. With a column
        `listed`, only rows where it is true get on the list of today
    kinds : columns from coarse to fine, known when the item starts
    today : the morning of the list
    rate : share of a kind that is not late, between 0 and 1; chosen by the replay unless given

    Returns
    -------
    Result with tables
    table : measure (low ratings flagged in advance, false alarms, all rated that were flagged),
        term (rule: unusually long wait; past the promised time, where that is on file), estimate,
        low, high, n
    lead : term, estimate (median days from the warning to the low rating), low, high, n
    Its parts are `items`, a row each that is late today, the longest beyond its time first (item,
    step, customer_id, owner, kinds, started_at, due_at, waited_days, usual_days, late_after_days),
    `rate`, `kinds` and `learnt`, from which `late_among` lists what else is late. Without enough
    ratings both tables are empty.

    Raises
    ------
    InsufficientData : too few steps ever came
    ValueError : a rate that is not between 0 and 1

    References
    ----------
    Youden (1950), Index for rating diagnostic tests, Cancer 3; Kaplan and Meier (1958).

    Examples
    --------
    >>> start = pd.Series(pd.date_range("2026-01-01", periods=400, freq="6h"))
    >>> rows = pd.DataFrame({"item": range(400), "step": "delivery", "started_at": start})
    >>> rows["came_at"] = (start + pd.Timedelta(days=2)).where(rows["item"] != 350)
    >>> rows["due_at"], rows["rated_at"], rows["rating"] = pd.NaT, pd.NaT, None
    >>> late_steps(Sample(rows), [], "2026-04-20").items["item"].tolist()
    [350]
    """
    if rate is not None and not 0 < rate < 1:
        raise ValueError(f"rate is {rate:g}; take a share between 0 and 1.")
    day, rows, kinds = pd.Timestamp(today), sample.data, ["step", *kinds]
    parts = {step: rows[rows["step"] == step].reset_index(drop=True) for step in set(rows["step"])}
    parts = {step: part for step, part in sorted(parts.items()) if not pd.isna(since(part))}
    if not parts:
        raise InsufficientData(
            _("Usual times need {least:count} steps that came; there are fewer.", least=HISTORY)
        )
    found = _replayed(sample, parts, kinds, day, rate)
    columns = found.columns if found else kinds
    chosen = found.rate if found else USUAL if rate is None else rate
    waiting = [late_now(part, Kinds.of(part, columns), chosen, day) for part in parts.values()]
    known = [w for w in waiting if w is not None]
    there = pd.concat(known, ignore_index=True) if known else rows.iloc[:0].assign(late=False)
    there = there.assign(**{c: 0.0 for c in DAYS if c not in there})
    listed = there["late"] & there.get("listed", True)
    items = _listed(there[listed], kinds)
    measured = _measured(found) if found else _Measured(_empty(), _empty())
    notes = [
        _standing(len(there), int(there["late"].sum())) if known else _unknown(),
        _forgotten(int((items["waited_days"] > LOOK_BACK).sum())),
        _("Unusually long: longer than {rate:share} of the same kind take.", rate=chosen),
    ]
    if found:
        notes += [_how(found), resampling_note(sample)]
    return Result(
        {"table": measured.table, "lead": measured.lead},
        _finding(measured),
        i18n.together([n for n in notes if n]),
        "share",
        columns=[Column("term", "what the daily list would hold", "name", label="rule")],
        draws=sample.draws if found else 0,
        seed=sample.seed,
        parts={
            "items": items,
            "rate": chosen,
            "kinds": kinds,
            "learnt": {
                step: part[["started_at", "came_at", *columns]] for step, part in parts.items()
            },
        },
    )


def late_among(fit: Result, steps: pd.DataFrame, today: str | pd.Timestamp) -> pd.DataFrame:
    """What waits longer than usual among steps of other customers than those it was learnt from.

    Parameters
    ----------
    fit : of `late_steps`, for example of some of very many customers
    steps : as it takes them, with the kinds of the fit
    today : the morning of the list

    Returns
    -------
    Rows as in the part `items` of the fit, by its usual times and rate

    Examples
    --------
    >>> start = pd.Series(pd.date_range("2026-01-01", periods=400, freq="6h"))
    >>> rows = pd.DataFrame({"item": range(400), "step": "delivery", "started_at": start})
    >>> rows["came_at"] = (start + pd.Timedelta(days=2)).where(rows["item"] != 350)
    >>> rows["due_at"], rows["rated_at"], rows["rating"] = pd.NaT, pd.NaT, None
    >>> fit = late_steps(Sample(rows), [], "2026-04-20")
    >>> late_among(fit, rows[rows["item"] >= 350], "2026-04-20").equals(fit.items)
    True
    """
    day, found = pd.Timestamp(today), []
    still = steps["came_at"].isna() | (steps["came_at"] > day)
    for step, learnt in fit.learnt.items():
        own = steps[still & (steps["step"] == step)]
        # with gaps above them, whole numbers would become decimals, and long ids inexact
        whole = {c: 0 for c in own if c not in learnt and own[c].dtype.kind in "iu"}
        both = pd.concat([learnt.assign(**whole), own], ignore_index=True)
        kinds = Kinds.of(both, [c for c in learnt if c not in ("started_at", "came_at")])
        found.append(late_now(both, kinds, fit.rate, day, len(learnt)))
    known = [rows for rows in found if rows is not None]
    there = pd.concat(known, ignore_index=True) if known else steps.iloc[:0].assign(late=False)
    there = there.assign(**{c: 0.0 for c in DAYS if c not in there})
    return _listed(there[there["late"] & there.get("listed", True)], fit.kinds)


def joined_items(items: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One list of those of several parts of the customers, the longest beyond its time first.

    Parameters
    ----------
    items : lists of `late_among`, one or more

    Examples
    --------
    >>> one = pd.DataFrame({"item": ["a"], "waited_days": [9.0], "late_after_days": [7.0]})
    >>> joined_items([one, one.assign(item="b", waited_days=19.0)])["item"].tolist()
    ['b', 'a']
    """
    if len(items) == 1:
        return items[0]
    rows = pd.concat([part for part in items if len(part)] or items[:1], ignore_index=True)
    over = rows["waited_days"] - rows["late_after_days"]
    return rows.iloc[np.argsort(-over.to_numpy(float), kind="stable")].reset_index(drop=True)


def _empty() -> pd.DataFrame:
    return pd.DataFrame(columns=["measure", "term", "estimate", "low", "high", "n"])


def _replayed(
    sample: Sample,
    parts: dict[str, pd.DataFrame],
    kinds: list[str],
    today: pd.Timestamp,
    rate: float | None,
) -> _Replayed | None:
    """The second half of the replay by the rule that its first half chose; None without ratings."""
    rates = RATES if rate is None else (rate,)
    first = max(since(part) for part in parts.values())
    rows = pd.concat(list(parts.values()), ignore_index=True)
    known = rows[rows["rating"].notna() & (rows["started_at"] >= first)]
    items = known.drop_duplicates("item").sort_values("started_at", kind="stable")
    half = len(items) // 2
    low = (items["rating"] == LOW).to_numpy()
    if min(low[:half].sum(), low[half:].sum()) < FEWEST:
        return None
    best, warned, columns = -np.inf, None, list(kinds)
    chosen = rates[0]
    for depth in range(1, len(kinds) + 1):
        made = [replay(p, Kinds.of(p, kinds[:depth]), rates, today) for p in parts.values()]
        for k, each in enumerate(rates):
            at = _by_item(rows, np.concatenate([m[k] for m in made]), items)
            there = at.notna().to_numpy()[:half]
            value = there[low[:half]].mean() - there[~low[:half]].mean()
            if value > best:
                best, warned, columns, chosen = value, at, list(kinds[:depth]), each
    rules = {LATE: warned}
    if rows["due_at"].notna().any():
        due = np.concatenate([after_due(p) for p in parts.values()])
        rules[DUE] = _by_item(rows, due, items)
    by_rule = pd.DataFrame(rules).iloc[half:].reset_index(drop=True)
    judged = sample.replace(data=items.iloc[half:].reset_index(drop=True))
    return _Replayed(judged, by_rule, chosen, columns, first)


def _by_item(rows: pd.DataFrame, at: np.ndarray, items: pd.DataFrame) -> pd.Series:
    """The first warning of each item, where it came before the rating."""
    first = pd.Series(at, rows["item"].to_numpy()).groupby(level=0).min()
    found = items["item"].map(first)
    return found.where(found < items["rated_at"])


@dataclass(frozen=True, eq=False)
class _Measured:
    """Tables of the replay, and the 95% interval by how much our rule exceeds the plain one."""

    table: pd.DataFrame
    lead: pd.DataFrame
    gaps: dict[str, tuple[float, float]] = field(default_factory=dict)  # by measure, and LEAD


def _measured(found: _Replayed) -> _Measured:
    rows, rules = found.sample.data, list(found.warned)
    low, high = ((rows["rating"] == r).to_numpy()[:, None] for r in (LOW, HIGH))
    there = found.warned.notna().to_numpy()
    pairs = {CAUGHT: (low & there, low), FALSE: (high & there, there), WARNED: (there, True)}
    tables, draws = [], {}
    for measure, (above, below) in pairs.items():
        counted = np.broadcast_to(below, above.shape)
        n = counted.sum(0)
        drawn = ratio(above * 1.0, counted * 1.0, **design(found.sample))
        ends = share_interval(drawn, n)
        part = pd.DataFrame({"measure": measure, "term": rules, "estimate": drawn.estimate})
        tables.append(part.assign(low=ends[0], high=ends[1], n=n))
        draws[measure] = drawn.replicates
    lead, draws[LEAD] = _lead(found, low[:, 0])
    gaps = {m: _gap(again) for m, again in draws.items()} if len(rules) > 1 else {}
    return _Measured(pd.concat(tables, ignore_index=True), lead, gaps)


def _gap(again: np.ndarray) -> tuple[float, float]:
    """The 95% interval by how much the first rule exceeds the second."""
    low, high = percentile_interval(again[:, 0] - again[:, 1])
    return float(low), float(high)


def _lead(found: _Replayed, low: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
    """Median days ahead of the low ratings that each rule warned of, with their draws."""
    days = (found.sample["rated_at"].to_numpy()[:, None] - found.warned.to_numpy())[low]
    ahead = pd.DataFrame(days / np.timedelta64(1, "D"), columns=list(found.warned))
    rows = ahead.assign(_cluster=found.sample.clusters.to_numpy()[low])
    point = ahead.median().to_numpy()
    again = bootstrap(
        rows,
        lambda drawn: drawn[list(ahead)].median().to_numpy(),
        by="_cluster",
        **found.sample.bootstrap,
    )
    ends = percentile_interval(again)
    lead = pd.DataFrame({"term": list(ahead), "estimate": point, "low": ends[0], "high": ends[1]})
    return lead.assign(n=ahead.notna().sum().to_numpy()), again


def _listed(late: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    over = late["waited_days"] - late["late_after_days"]
    late = late.assign(over=over).sort_values("over", ascending=False, kind="stable")
    kept = dict.fromkeys([*ROW, *columns, "started_at", "due_at", *DAYS])
    rows = late[[c for c in kept if c in late]].reset_index(drop=True)
    return rows.assign(**{c: rows[c].round(1) for c in DAYS})


def _standing(n: int, late: int) -> str:
    """How many wait today, and how many of them are late, where that may be told."""
    least = max(context.current().smallest_cell, 1)
    if n < least:
        return _("Fewer than {least:count} are open today.", least=least)
    if late == n:
        return _("All {n:count} that are open today have waited unusually long.", n=n)
    if min(late, n - late) < least:
        return _("{n:count} are open today.", n=n)
    return _(
        "{late:count} of {n:count} that are open today have waited unusually long.", late=late, n=n
    )


def _unknown() -> str:
    return _(
        "There is no list: fewer than {least:count} steps came in the {days:count} days before, "
        "too few to say what is usual.",
        least=HISTORY,
        days=LOOK_BACK,
    )


def _forgotten(n: int) -> str:
    if n < max(context.current().smallest_cell, 1):
        return ""
    return _(
        "{n:count} of them have waited more than {days:count} days: check whether they are closed.",
        n=n,
        days=LOOK_BACK,
    )


def _how(found: _Replayed) -> str:
    words = {
        "first": found.first,
        "kinds": _(", ").join(i18n.label(c) for c in found.columns[1:]) or _("none"),
        "n": len(found.sample),
    }
    return _(
        "A list made each morning since {first:date} from what was known then; kinds: {kinds}. "
        "Rate and kinds were chosen on the first half; the numbers are of the second, {n:count} "
        "rated.",
        **words,
    )


def _finding(measured: _Measured) -> Finding:
    table, lead, gaps = measured.table, measured.lead, measured.gaps
    if table.empty:
        return Finding(
            _("The list of unusually long waits is ready; there are too few ratings to test it."),
            importance=Importance.CONTEXT,
        )
    caught, false = (table[table["measure"] == m].set_index("term") for m in (CAUGHT, FALSE))
    days = lead.set_index("term")
    own = caught.loc[LATE]
    words = {
        "share": own["estimate"],
        "span": (own["low"], own["high"]),
        "n": own["n"],
        "days": days.loc[LATE, "estimate"],
        "days_span": (days.loc[LATE, "low"], days.loc[LATE, "high"]),
        "false": false.loc[LATE, "estimate"],
        "false_span": (false.loc[LATE, "low"], false.loc[LATE, "high"]),
    }
    if not own["estimate"] > 0:
        claim = _("Unusually long waits flagged none of the low ratings in advance.")
        detail = _("95% CI {span:share_interval}; n = {n:count} low ratings", **words)
        return Finding.of_row(own, claim, detail, unit="share", measure="late_warnings")
    parts = [
        _("{share:share} of low ratings flagged (95% CI {span:share_interval})", **words),
        _("{days:number1} days ahead (95% CI {days_span:interval1})", **words),
        _(
            "{false:share} false alarms (95% CI {false_span:share_interval})",
            **words,
        ),
    ]
    verdict, importance = "", Importance.ANSWER
    claim = _(
        "Unusually long waits flagged {share:share} of low ratings in advance, half of them "
        "{days:number1} days or more ahead.",
        **words,
    )
    if gaps and caught.loc[DUE, "estimate"] > 0:
        words |= {
            "due": days.loc[DUE, "estimate"],
            "due_share": caught.loc[DUE, "estimate"],
            "due_false": false.loc[DUE, "estimate"],
        }
        parts.append(
            _(
                "past the promised time: {due_share:share} flagged, {due:number1} days ahead, "
                "{due_false:share} false alarms",
                **words,
            )
        )
        if gaps[CAUGHT][1] < 0:
            verdict = "worse"
            claim = _(
                "Unusually long waits flagged {share:share} of low ratings in advance "
                "({false:share} false alarms); waits past the promised time {due_share:share} "
                "({due_false:share}).",
                **words,
            )
        elif gaps[LEAD][0] > 0 and gaps[FALSE][0] > 0:
            importance = Importance.NOTABLE
            claim = _(
                "Unusually long waits flagged {share:share} of low ratings, {days:number1} days "
                "ahead ({false:share} false alarms); the promised time {due_share:share}, "
                "{due:number1} days ahead ({due_false:share}).",
                **words,
            )
        elif gaps[LEAD][0] > 0:
            verdict, importance = "better", Importance.NOTABLE
            claim = _(
                "Unusually long waits flagged low ratings {days:number1} days ahead, the promised "
                "time only {due:number1}.",
                **words,
            )
    parts.append(_("n = {n:count} low ratings", **words))
    return Finding.of_row(
        own,
        claim,
        _("; ").join(parts),
        unit="share",
        verdict=verdict,
        measure="late_warnings",
        importance=importance,
        action=_("Contact the customers on the list before they complain."),
    )
