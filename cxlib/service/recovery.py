"""Do customers whose case was handled well end more satisfied than if nothing had gone wrong?

    around = answers_around(timed(cases, standards), responses, "satisfaction1")
    fit = recovery(around)
    print(fit)             # Customers whose case was handled well answer 0.10 lower (...) than ...
    fit.table              # handled, term (change, change of others like them, difference ...)

Those who complain stood low before and would have risen a little anyhow (regression to the mean).
So each is set beside others who had given like answers at like times and did not complain, and of
both only the change from their own earlier answer counts. A paradox is claimed only where the whole
interval lies above zero (McCollough, Berry and Yadav 2000; de Matos, Henrique and Rossi 2007).

Not corrected: one earlier answer is a noisy account of where somebody stood, and people who
complain may differ from others in ways no answer shows.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib import weights
from cxlib.causal import matching
from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates, how_drawn
from cxlib.privacy import disclosure
from cxlib.service.casebook import needs
from cxlib.stats import moments, resampling
from cxlib.stats.estimators import Replicated, ratio

LEAST = 20  # complainers, for a comparison
HANDLED = ("well", "badly")


@dataclass(frozen=True)
class Recovery(Estimates):
    """What handling goes with.

    Attributes
    ----------
    table : handled ("well", "badly"; "well less badly"), term ("change", "change of others like
        them", "difference", "difference without matching"), estimate (on the answer's scale), low,
        high (the differences hold at once), n (complainers)
    balance : handled, term (what they are alike in), estimate (standardised difference after
        matching), before (without it)
    paradox : whether those handled well end above the others for certain
    """

    balance: pd.DataFrame = field(kw_only=True)
    paradox: bool = field(kw_only=True)


def recovery(
    pairs: pd.DataFrame,
    *,
    alike: tuple[str, ...] = (),
    weight: str | None = None,
    draws: int = 500,
    seed: int = 1,
) -> Recovery:
    """Change of complainers' answers beside that of others made like them, 95% intervals.

    `pairs` are those of `answers_around`. Others are weighted to the complainers' earlier answers
    (mean and spread), the times of both answers and the columns `alike` (entropy balancing).
    Customers are drawn whole. Raises ValueError where fewer than 20 pairs of complainers handled
    well, or of others, are there (`enough` says so before).
    """
    needs(pairs, "handled", "before", "after", *alike)
    x, names = _alike(pairs, alike)
    other = (pairs["handled"] == "none").to_numpy()
    counts = {kind: int((pairs["handled"] == kind).sum()) for kind in HANDLED}
    if counts["well"] < LEAST or other.sum() < LEAST:
        raise ValueError(
            f"{counts['well']:,} complainers handled well and {int(other.sum()):,} others answered "
            f"before and after; {LEAST} of each are needed."
        )
    w = moments.weights_of(pairs, weight)
    found, balances = {}, []
    for kind in [k for k in HANDLED if counts[k] >= LEAST]:
        one = (pairs["handled"] == kind).to_numpy()
        found[kind], near = _beside(pairs, one, one | other, x, w, weight, draws, seed)
        balances.append(near.assign(handled=kind, term=names))
    table, replicates = _table(found, counts)
    balance = pd.concat(balances, ignore_index=True)[["handled", "term", "estimate", "before"]]
    main = table[(table["handled"] == "well") & (table["term"] == "difference")].iloc[0]
    return Recovery(
        table,
        _said(main, table),
        _note(pairs, balance, draws, weight),
        "scale",
        draws=draws,
        seed=seed,
        replicates=replicates,
        balance=balance,
        paradox=bool(main["low"] > 0),
    )


def answers_around(
    cases: pd.DataFrame, responses: pd.DataFrame, outcome: str, *, more: tuple[str, ...] = ()
) -> pd.DataFrame:
    """Answers of a customer that follow each other, and how the cases between them were handled.

    `cases` are those of `timed`. Columns: customer_id, since, until (days of the two answers),
    before, after (the answers), `more` (columns of the later one), handled: "none" without a case
    between them; "well" where every case was solved within its standard (where it has one) before
    the later answer and did not come back; "badly" where one was not; "open" where one was not
    solved when they answered. What the customer said of the solution tells the outcome, so it does
    not count here. Raises ValueError for columns that lack.
    """
    needs(cases, "customer_id", "solved", "solution_hours")
    needs(responses, "customer_id", "answered_on", outcome, *more)
    known = responses[["customer_id", "answered_on", outcome, *more]].dropna(
        subset=["customer_id", "answered_on", outcome]
    )
    known = known.sort_values(["customer_id", "answered_on"], kind="stable")
    earlier = known.groupby("customer_id", sort=False)[["answered_on", outcome]].shift()
    pairs = known.assign(before=earlier[outcome], since=earlier["answered_on"])
    pairs = pairs.rename(columns={outcome: "after", "answered_on": "until"})
    pairs = pairs.dropna(subset=["before"]).reset_index(drop=True)
    both = cases[["customer_id", "opened_at", "solved", "solution_hours"]].assign(bad=_bad(cases))
    met = pairs[["customer_id", "since", "until"]].reset_index().merge(both, on="customer_id")
    met = met[(met["opened_at"] > met["since"]) & (met["opened_at"] < met["until"])]
    over = met["opened_at"] + pd.to_timedelta(met["solution_hours"], unit="h") < met["until"]
    told = met.assign(over=over & met["solved"]).groupby("index")[["bad", "over"]]
    worst, done = told.max()["bad"], told.min()["over"]
    handled = pd.Series("none", index=pairs.index)
    handled[worst.index] = np.where(worst, "badly", "well")
    handled[done.index[~done]] = "open"  # not solved when they answered
    pairs = pairs.assign(handled=handled)
    pairs.attrs["outcome"] = outcome
    return pairs


def enough(pairs: pd.DataFrame) -> bool:
    """Whether there are as many complainers, and others, as `recovery` needs; says so when not."""
    well, others = ((pairs["handled"] == kind).sum() for kind in ("well", "none"))
    if min(well, others) >= LEAST:
        return True
    print(
        _(
            "Fewer than {least:count} complainers, or others, answered before and after. This "
            "part is left out.",
            least=LEAST,
        )
    )
    return False


def _bad(cases: pd.DataFrame) -> np.ndarray:
    late = cases["solved_in_time"].eq(0) if "solved_in_time" in cases else False
    again = cases["reopened"].fillna(False).astype(bool) if "reopened" in cases else False
    return np.asarray(late | again | np.zeros(len(cases), bool))


def _alike(pairs: pd.DataFrame, alike: tuple[str, ...]) -> tuple[np.ndarray, list[str]]:
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


def _beside(
    pairs: pd.DataFrame,
    one: np.ndarray,
    both: np.ndarray,
    x: np.ndarray,
    w: np.ndarray,
    weight: str | None,
    draws: int,
    seed: int,
) -> tuple[Replicated, pd.DataFrame]:
    """(change, change of others like them, difference, unmatched difference), and balance."""
    rows, treated = pairs[both], one[both]
    change = (rows["after"] - rows["before"]).to_numpy(float)
    who = resampling.who_of(rows, "customer_id", weight)
    how = dict(weight=w[both], who=who, draws=draws, seed=seed)
    matched = matching.effect(change, treated, x[both], **how)
    parts = np.column_stack([w[both] * treated, w[both] * ~treated])
    means, again = ratio(parts * change[:, None], parts, draws=draws, seed=seed, who=who)
    own, rest = means[0], means[1]
    point = np.array([own, own - matched.estimate[0], matched.estimate[0], own - rest])
    gone = matched.replicates[:, 0]
    draws_ = np.column_stack([again[:, 0], again[:, 0] - gone, gone, again[:, 0] - again[:, 1]])
    found = matching.balanced(x[both], treated, w[both])
    near = pd.DataFrame(
        {
            "estimate": matching.balance(x[both], treated, found),
            "before": matching.balance(x[both], treated, w[both]),
        }
    )
    units = float(min(treated.sum(), (~treated).sum()))
    return Replicated(point, draws_, units), near


TERMS = ("change", "change of others like them", "difference", "difference without matching")


def _table(found: dict[str, Replicated], counts: dict[str, int]) -> tuple[pd.DataFrame, np.ndarray]:
    rows, replicates = [], []
    for kind, drawn in found.items():
        low, high = drawn.interval()
        for k, term in enumerate(TERMS):
            rows.append((kind, term, drawn.estimate[k], low[k], high[k], counts[kind]))
            replicates.append(drawn.replicates[:, k])
    if len(found) == 2:
        apart = found["well"][[2]] - found["badly"][[2]]
        low, high = apart.interval()
        rows.append(
            (
                "well less badly",
                "difference",
                apart.estimate[0],
                low[0],
                high[0],
                min(counts.values()),
            )
        )
        replicates.append(apart.replicates[:, 0])
    table = pd.DataFrame(rows, columns=["handled", "term", "estimate", "low", "high", "n"])
    again, main = np.column_stack(replicates), (table["term"] == "difference").to_numpy()
    units = min(d.units for d in found.values())
    held = Replicated(
        table.loc[main, "estimate"].to_numpy(), again[:, main], units
    ).simultaneous_interval()
    table.loc[main, "low"], table.loc[main, "high"] = held
    return table, again


def _said(main: pd.Series, table: pd.DataFrame) -> str:
    if disclosure.hidden(table)[main.name]:
        return _("Too few complainers to say what good handling goes with.")
    size = abs(main["estimate"])
    facts = {"size": size, "span": (main["low"], main["high"]), "n": main["n"]}
    if main["low"] > 0:
        return _(
            "Customers whose case was handled well end {size:number2} ({span:interval2}) above "
            "others like them: the service recovery paradox shows; n {n:count}.",
            **facts,
        )
    if main["high"] < 0:
        return _(
            "Customers whose case was handled well end {size:number2} below others like them "
            "(difference {span:interval2}): no service recovery paradox; n {n:count}.",
            **facts,
        )
    return _(
        "Customers whose case was handled well end about where others like them do (difference "
        "{difference:number2}, {span:interval2}): no service recovery paradox is seen; n "
        "{n:count}.",
        difference=main["estimate"],
        **facts,
    )


def _note(pairs: pd.DataFrame, balance: pd.DataFrame, draws: int, weight: str | None) -> str:
    apart = balance["estimate"].abs().max()
    kinds = pairs["handled"].value_counts()
    said = [
        _(
            "{pairs:count} pairs of answers to {outcome:quoted} that follow each other: "
            "{none:count} of customers without a case between them, {well:count} with cases "
            "handled well, {badly:count} handled badly.",
            pairs=len(pairs),
            outcome=pairs.attrs.get("outcome", ""),
            none=kinds.get("none", 0),
            well=kinds.get("well", 0),
            badly=kinds.get("badly", 0),
        ),
        _(
            "After matching, the two are at most {apart:number2} standard deviations apart in "
            "their earlier answers and their times.",
            apart=apart,
        ),
    ]
    if open_ := kinds.get("open", 0):
        said.append(
            _(
                "{n:count} pairs with a case that was not solved when they answered are left out.",
                n=open_,
            )
        )
    return i18n.together([*said, how_drawn(draws, weights.differing(pairs, weight), "customer_id")])
