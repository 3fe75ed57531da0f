"""Do customers whose case was handled well end more satisfied than if nothing had gone wrong?

    pairs = answer_pairs(study.sample(), case_times(cases, standards), "satisfaction1")
    fit = recovery(pairs)
    print(fit)             # Customers whose case was handled well end 0.10 above others ...
    fit.table              # handled, term (change, change of others like them, difference ...)

Those who complain stood low before and would have risen a little anyhow (regression to the mean).
So each is compared with others who had given like answers at like times and did not complain, and
of both only the change from their own earlier answer counts. A paradox is claimed only where the
whole interval lies above zero (McCollough, Berry and Yadav 2000; de Matos, Henrique and Rossi
2007).

Not corrected: one earlier answer is a noisy account of where somebody stood, and people who
complain may differ from others in ways no answer shows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxlib.causal import matching
from cxlib.core import i18n
from cxlib.core.columns import SIMULTANEOUS, deciding_ends
from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.service.cases import require_case_columns
from cxlib.stats import moments
from cxlib.stats.estimators import Replicated, ratio
from cxlib.stats.notes import resampling_note
from cxlib.stats.resampling import resampling_units

LEAST = 20  # complainers, for a comparison
HANDLED = ("well", "badly")
TERMS = ("change", "change of others like them", "difference", "difference without matching")


def answer_pairs(
    sample: SampleLike, cases: Sample, outcome: str, *, more: Sequence[str] = ()
) -> Sample:
    """Answers of a customer that follow each other, and how the cases between them were handled.

    What the customer said of the solution is part of the outcome, so it does not count here.

    Parameters
    ----------
    sample : answers (customer_id, answered_on, the outcome)
    cases : of `case_times`
    outcome : column of the answer
    more : columns of the later answer to keep, to match by

    Returns
    -------
    Sample, weighted as the later answers are, of customer_id, since, until (dates of the two
    answers), before, after (the answers), `more`, and handled: "none" without a case between them;
    "well" where every case was solved within its standard (where it has one) before the later
    answer and was not reopened; "badly" where one was not; "open" where one was not solved when
    they answered. Its notes say how many there are of each.

    Raises
    ------
    ValueError : columns that are absent

    Examples
    --------
    >>> from cxlib.service.cases import case_times
    >>> day = pd.to_datetime(["2026-01-01", "2026-02-01"])
    >>> answers = pd.DataFrame({"customer_id": "a", "answered_on": day, "csat": [3, 5]})
    >>> cases = pd.DataFrame({"customer_id": ["a"], "opened_at": day[:1] + pd.Timedelta(days=9)})
    >>> cases["solved_at"] = cases["opened_at"] + pd.Timedelta(days=1)
    >>> pairs = answer_pairs(answers, case_times(cases), "csat")
    >>> pairs[["before", "after", "handled"]].values.tolist()
    [[3.0, 5, 'well']]
    """
    sample = as_sample(sample)
    more = [*more, *([sample.weight] if sample.weight and sample.weight not in more else [])]
    require_case_columns(cases, "customer_id", "solved", "solution_hours")
    require_columns(sample.data, ["customer_id", "answered_on", outcome, *more], "responses")
    known = sample.data[["customer_id", "answered_on", outcome, *more]].dropna(
        subset=["customer_id", "answered_on", outcome]
    )
    known = known.sort_values(["customer_id", "answered_on"], kind="stable")
    earlier = known.groupby("customer_id", sort=False)[["answered_on", outcome]].shift()
    pairs = known.assign(before=earlier[outcome], since=earlier["answered_on"])
    pairs = pairs.rename(columns={outcome: "after", "answered_on": "until"})
    pairs = pairs.dropna(subset=["before"]).reset_index(drop=True)
    both = cases.data[["customer_id", "opened_at", "solved", "solution_hours"]]
    both = both.assign(bad=_bad(cases.data))
    met = pairs[["customer_id", "since", "until"]].reset_index().merge(both, on="customer_id")
    met = met[(met["opened_at"] > met["since"]) & (met["opened_at"] < met["until"])]
    over = met["opened_at"] + pd.to_timedelta(met["solution_hours"], unit="h") < met["until"]
    each = met.assign(over=over & met["solved"]).groupby("index")[["bad", "over"]]
    worst, done = each.max()["bad"], each.min()["over"]
    handled = pd.Series("none", index=pairs.index)
    handled[worst.index] = np.where(worst, "badly", "well")
    handled[done.index[~done]] = "open"  # not solved when they answered
    return Sample(
        pairs.assign(handled=handled),
        weight=sample.weight,
        cluster="customer_id",
        draws=sample.draws,
        seed=sample.seed,
        notes=(*sample.notes, *_pair_notes(handled, outcome)),
    )


def _pair_notes(handled: pd.Series, outcome: str) -> list[str]:
    kinds = handled.value_counts()
    notes = [
        _(
            "{pairs:count} pairs of answers to {outcome:quoted} that follow each other: "
            "{none:count} of customers without a case between them, {well:count} with cases "
            "handled well, {badly:count} handled badly.",
            pairs=len(handled),
            outcome=outcome,
            none=kinds.get("none", 0),
            well=kinds.get("well", 0),
            badly=kinds.get("badly", 0),
        )
    ]
    if open_ := kinds.get("open", 0):
        notes.append(
            _(
                "Pairs with a case that was not solved when they answered ({n}) are left out.",
                n=disclosure.count_in_words(open_),
            )
        )
    return notes


def _bad(cases: pd.DataFrame) -> np.ndarray:
    late = cases["solved_in_time"].eq(0) if "solved_in_time" in cases else False
    again = cases["reopened"].fillna(False).astype(bool) if "reopened" in cases else False
    return np.asarray(late | again | np.zeros(len(cases), bool))


def recovery(sample: SampleLike, *, alike: Sequence[str] = ()) -> Result:
    """Change of complainers' answers compared with that of others made like them.

    Others are weighted to the complainers' earlier answers (mean and spread), the times of both
    answers and the columns `alike` (entropy balancing).

    Parameters
    ----------
    sample : pairs of `answer_pairs`
    alike : further columns to match by

    Returns
    -------
    Result with "table": handled ("well", "badly", "well minus badly"), term ("change", "change of
    others like them", "difference", "difference without matching"), estimate (on the answer's
    scale), low, high (simultaneous for the differences), n (complainers); and "balance": handled,
    term (what they are alike in), estimate (standardised difference after matching), before
    (without it). Its part `paradox` says whether those handled well end significantly above others.

    Raises
    ------
    InsufficientData : fewer than 20 pairs of complainers handled well, or of others

    References
    ----------
    Hainmueller (2012); McCollough, Berry and Yadav (2000); de Matos, Henrique and Rossi (2007).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> pairs = pd.DataFrame({"handled": ["none", "well"] * 100, "before": rng.normal(size=200)})
    >>> pairs["after"] = pairs["before"] + 2.0 * (pairs["handled"] == "well")
    >>> pairs["since"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 90, 200), "D")
    >>> pairs["until"] = pairs["since"] + pd.to_timedelta(rng.integers(60, 90, 200), "D")
    >>> fit = recovery(Sample(pairs, draws=50))
    >>> fit.table["estimate"].round(2).tolist(), fit.paradox
    ([2.0, 0.0, 2.0, 2.0], True)
    """
    sample = as_sample(sample)
    require_columns(sample.data, ["handled", "before", "after", *alike], "pairs")
    counts = {kind: int((sample["handled"] == kind).sum()) for kind in HANDLED}
    if min(counts["well"], int((sample["handled"] == "none").sum())) < LEAST:
        raise InsufficientData(
            _(
                "Fewer than {least:count} complainers whose case was handled well, or others, "
                "answered before and after.",
                least=LEAST,
            )
        )
    x, names = _alike(sample.data, alike)
    found, balances = {}, []
    for kind in [k for k in HANDLED if counts[k] >= LEAST]:
        both = sample["handled"].isin([kind, "none"]).to_numpy()
        found[kind], near = _compared(sample.where(both), kind, x[both])
        balances.append(near.assign(handled=kind, term=names))
    table, replicates = _table(found, counts)
    balance = pd.concat(balances, ignore_index=True)[["handled", "term", "estimate", "before"]]
    main = table[(table["handled"] == "well") & (table["term"] == "difference")].iloc[0]
    matched = _(
        "After matching, the two groups differ by at most {gap:number2} standard deviations in "
        "their earlier answers and their times.",
        gap=balance["estimate"].abs().max(),
    )
    return Result(
        {"table": table, "balance": balance},
        _finding(main, table),
        i18n.together([*sample.notes, matched, resampling_note(sample)]),
        "scale",
        draws=sample.draws,
        seed=sample.seed,
        replicates=replicates,
        parts={"paradox": bool(deciding_ends(main)[0] > 0)},
    )


def _alike(pairs: pd.DataFrame, alike: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """What complainers and others are to be alike in: (pairs, k), and how each is called."""
    start, year = pairs["since"].min(), pd.Timedelta(days=365)
    since, until = ((pairs[c] - start) / year for c in ("since", "until"))
    before = pairs["before"].to_numpy(float)
    parts = {
        "earlier answer": before,
        "its square": (before - before.mean()) ** 2,
        "time of the earlier answer": since.to_numpy(),
        "time of the later answer": until.to_numpy(),
    }
    for column in alike:
        if pd.api.types.is_numeric_dtype(pairs[column]):
            parts[column] = pairs[column].fillna(pairs[column].mean()).to_numpy(float)
            continue
        levels = pairs[column].astype("string").fillna("")
        for level in sorted(levels.unique())[1:]:
            parts[f"{column}: {level}"] = (levels == level).to_numpy(float)
    return np.column_stack(list(parts.values())), list(parts)


def _compared(sample: Sample, kind: str, x: np.ndarray) -> tuple[Replicated, pd.DataFrame]:
    """Estimates of TERMS for one kind of handling, and the balance of the matching."""
    treated = (sample["handled"] == kind).to_numpy()
    change = (sample["after"] - sample["before"]).to_numpy(float)
    w, clusters = moments.weights_of(sample.data, sample.weight), resampling_units(sample)
    how = {"draws": sample.draws, "seed": sample.seed}
    matched = matching.effect(change, treated, x, weight=w, clusters=clusters, **how)
    parts = np.column_stack([w * treated, w * ~treated])
    means, again = ratio(parts * change[:, None], parts, clusters=clusters, **how)
    own, rest = means[0], means[1]
    point = np.array([own, own - matched.estimate[0], matched.estimate[0], own - rest])
    gone = matched.replicates[:, 0]
    replicates = np.column_stack([again[:, 0], again[:, 0] - gone, gone, again[:, 0] - again[:, 1]])
    near = pd.DataFrame(
        {
            "estimate": matching.balance(x, treated, matching.balanced(x, treated, w)),
            "before": matching.balance(x, treated, w),
        }
    )
    units = float(min(treated.sum(), (~treated).sum()))
    return Replicated(point, replicates, units), near


def _table(found: dict[str, Replicated], counts: dict[str, int]) -> tuple[pd.DataFrame, np.ndarray]:
    rows: list[tuple[object, ...]] = []
    replicates = []
    for kind, drawn in found.items():
        low, high = drawn.interval()
        ends = zip(TERMS, drawn.estimate, low, high, strict=True)
        rows += [(kind, *row, counts[kind]) for row in ends]
        replicates.append(drawn.replicates)
    if len(found) == 2:
        apart = found["well"][[2]] - found["badly"][[2]]
        values = [float(end[0]) for end in (apart.estimate, *apart.interval())]
        rows.append(("well minus badly", "difference", *values, min(counts.values())))
        replicates.append(apart.replicates)
    table = pd.DataFrame(rows, columns=["handled", "term", "estimate", "low", "high", "n"])
    again, main = np.hstack(replicates), (table["term"] == "difference").to_numpy()
    units = min(d.units for d in found.values())
    differences = Replicated(table.loc[main, "estimate"].to_numpy(), again[:, main], units)
    for column, end in zip(SIMULTANEOUS, differences.simultaneous_interval(), strict=True):
        table.loc[main, column] = end
    return table, again


def _finding(main: pd.Series, table: pd.DataFrame) -> Finding:
    if disclosure.hidden(table)[main.name]:
        claim = _("Too few complainers to say what good handling is associated with.")
        return Finding(claim, importance=Importance.METHOD)
    words = {"size": abs(main["estimate"])}
    gap = disclosure.shown(table)
    gap = gap[gap["handled"] == "well minus badly"]
    ends = deciding_ends(gap)
    alike = len(gap) > 0 and bool((ends[0] <= 0).all() and (ends[1] >= 0).all())
    low, high = deciding_ends(main)
    if low > 0:
        verdict, importance = "better", Importance.NOTABLE
        claim = _(
            "Customers whose complaint was handled well rate {size:number2} points higher than "
            "similar customers without one (service recovery paradox).",
            **words,
        )
    elif high < 0:
        verdict, importance = "worse", Importance.NOTABLE
        claim = _(
            "Even after a well-handled complaint, customers rate {size:number2} points lower than "
            "similar customers without one.",
            **words,
        )
        if alike:  # "even" would say that bad handling is worse
            claim = _(
                "After a well-handled complaint, customers rate {size:number2} points lower than "
                "similar customers without one; good and bad handling do not differ significantly.",
                **words,
            )
    else:
        verdict, importance = "unclear", Importance.CONTEXT
        claim = _(
            "After a well-handled complaint, ratings do not differ significantly from those of "
            "similar customers without one."
        )
    detail = _(
        "difference {difference:signed2}; 95% CI {span:interval2}; n = {n:count} complainers",
        difference=main["estimate"],
        span=(main["low"], main["high"]),
        n=main["n"],
    )
    if len(gap):
        both = _(
            "well minus badly handled {gap:signed2}; 95% CI {span:interval2}",
            gap=gap["estimate"].iloc[0],
            span=(gap["low"].iloc[0], gap["high"].iloc[0]),
        )
        detail = _("; ").join([detail, both])
    return Finding.of_row(
        main,
        claim,
        detail,
        unit="scale",
        measure="recovery",
        at={"handled": "well"},
        verdict=verdict,
        importance=importance,
    )
