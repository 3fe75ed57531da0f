"""Which routes an effect takes: specific indirect effects and the kind of mediation.

routes = csi.mediation(sample, model)
routes.table          # every route through at least one construct between
routes.totals         # direct, indirect and total effect of every pair, and the kind of mediation
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import Column
from cxlib.core.i18n import N_, _
from cxlib.core.result import Finding, Importance, Result
from cxlib.csi import notes, pls
from cxlib.csi.estimation import Answers, Options, estimate, prepare, replicate
from cxlib.csi.model import Model
from cxlib.stats.intervals import estimates_table, expanded_level

KINDS = (
    N_("complementary"),
    N_("competitive"),
    N_("indirect-only"),
    N_("direct-only"),
    N_("no effect"),
)
COLUMNS = [
    Column("cause", "where the effect begins", "name"),
    Column("effect", "where the effect ends", "name"),
    Column("kind", "kind of mediation", "name", label="kind of mediation"),
    Column(
        "accounted",
        "indirect as a share of the total effect",
        "share",
        label="indirect share of the total effect",
    ),
]

Pair: TypeAlias = tuple[np.ndarray, np.ndarray]  # of the sample, (1,), and of its resamples


def mediation(sample: Answers, model: Model, options: Options | None = None) -> Result:
    """Specific indirect effects of a path model with 95% bootstrap intervals.

    A specific indirect effect is the product of the paths of one route. They are associations
    along the routes that the model names, not proof that the construct between is the mechanism.

    Parameters
    ----------
    sample, model, options : as in `fit`; of a model of a higher order, the routes of the wholes

    Returns
    -------
    Result with the tables "table" (cause, effect, term: the route, estimate: standardised, low,
    high, n) and "totals" (cause, effect, term in direct, indirect, total, estimate, low, high, n;
    kind: of mediation by the pointwise intervals, "complementary", "competitive" (opposite signs),
    "indirect-only", "direct-only" or "no effect"; accounted: indirect as a share of the total, NaN
    unless both parts have one sign). Pairs without an indirect route are left out.

    Raises
    ------
    ValueError : as `fit`

    References
    ----------
    Zhao, Lynch and Chen (2010), Journal of Consumer Research 37(2); Nitzl, Roldán and Cepeda
    (2016), Industrial Management and Data Systems 116(9).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> rows = pd.DataFrame({"speed": rng.integers(1, 11, 200)})
    >>> rows["pleased"] = (rows["speed"] + rng.integers(-2, 3, 200)).clip(1, 10)
    >>> rows["stay"] = (rows["pleased"] + rng.integers(-2, 3, 200)).clip(1, 10)
    >>> model = Model({"quality": ["speed"], "satisfaction": ["pleased"], "loyalty": ["stay"]},
    ...               {"satisfaction": ["quality"], "loyalty": ["quality", "satisfaction"]})
    >>> routes = mediation(rows, model)
    >>> routes.table["term"].tolist(), routes.totals["kind"].unique().tolist()
    (['quality → satisfaction → loyalty'], ['indirect-only'])
    """
    task = prepare(sample, model, options)
    point, moved = estimate(task)
    drawn, repaired = replicate(task, point)
    model, here, again = task.models[-1], point[-1], drawn[-1]
    at = {name: j for j, name in enumerate(model.constructs)}
    most = max((len(causes) for causes in model.paths.values()), default=0)
    level, n = expanded_level(task.sums.effective, 1 + most), task.n
    routes = [r for a in model.order for b in model.order for r in routes_of(model, a, b)]
    longer = [r for r in routes if len(r) > 2]

    def along(solved: pls.Solution, route: tuple[str, ...]) -> np.ndarray:
        steps = [solved.paths[at[b], at[a]] for a, b in zip(route, route[1:], strict=False)]
        return np.prod(steps, axis=0)

    def of(terms: list[str], values: list[Pair], **groups: object) -> pd.DataFrame:
        """A table of values (D,) of the sample and of its resamples, in turn."""
        one, many = (np.array(v).reshape(len(terms), -1) for v in zip(*values, strict=True))
        return estimates_table(terms, one[:, 0], many.T, n, level=level, **groups)

    empty = pd.DataFrame(columns=["cause", "effect", "term", "estimate", "low", "high", "n"])
    table, totals = empty, [empty.assign(kind="", accounted=0.0)]
    if longer:
        table = of(
            [" → ".join(i18n.label(c) for c in r) for r in longer],
            [(along(here, r), along(again, r)) for r in longer],
            cause=[r[0] for r in longer],
            effect=[r[-1] for r in longer],
        )
    for cause, effect in dict.fromkeys((r[0], r[-1]) for r in longer):
        place = at[effect], at[cause]
        whole, direct = (
            (here.total[place], again.total[place]),
            (here.paths[place], again.paths[place]),
        )
        indirect = whole[0] - direct[0], whole[1] - direct[1]
        parts: dict[str, Pair] = {"direct": direct, "indirect": indirect, "total": whole}
        if cause not in model.paths[effect]:
            del parts["direct"]
        own = of(list(parts), list(parts.values()), cause=cause, effect=effect)
        totals.append(own.assign(kind=_kind(own), accounted=_accounted(own)))
    joined = pd.concat(totals[1:] or totals, ignore_index=True)
    remarks = [
        notes.answers_note(task),
        notes.resamples_note(task),
        notes.pairwise_note(task, moved, repaired),
        *notes.failures_notes(task, drawn),
    ]
    return Result(
        {"table": table, "totals": joined},
        _finding(table, model.target),
        i18n.together(remarks),
        **task.sums.bootstrap,
        columns=COLUMNS,
    )


def routes_of(model: Model, cause: str, effect: str) -> Iterator[tuple[str, ...]]:
    """Every route of paths from cause to effect, as the constructs on it.

    Examples
    --------
    >>> model = Model({c: [f"q_{c}"] for c in "abc"}, {"b": ["a"], "c": ["a", "b"]}, target="c")
    >>> list(routes_of(model, "a", "c"))
    [('a', 'c'), ('a', 'b', 'c')]
    """
    for before in model.paths.get(effect, ()):
        if before == cause:
            yield cause, effect
        else:
            for route in routes_of(model, cause, before):
                yield *route, effect


def _kind(parts: pd.DataFrame) -> str:
    """The kind of mediation of one pair, from its direct and indirect effect."""
    row = parts.set_index("term")
    clear = {t: bool(r["low"] > 0 or r["high"] < 0) for t, r in row.iterrows()}
    direct = clear.get("direct", False)
    if clear["indirect"] and direct:
        same = row.loc["indirect", "estimate"] * row.loc["direct", "estimate"] > 0
        return KINDS[0] if same else KINDS[1]
    if clear["indirect"]:
        return KINDS[2]
    return KINDS[3] if direct else KINDS[4]


def _accounted(parts: pd.DataFrame) -> float:
    value = parts.set_index("term")["estimate"]
    if value.get("direct", 0.0) * value["indirect"] < 0 or not value["total"]:
        return np.nan
    return float(value["indirect"] / value["total"])


def _finding(table: pd.DataFrame, target: str) -> Finding:
    own = table[table["effect"] == target] if (table["effect"] == target).any() else table
    known = own.dropna(subset=["estimate", "low"])
    if known.empty:
        return Finding(_("The model has no indirect route."), importance=Importance.METHOD)
    clear = known[(known["low"] > 0) | (known["high"] < 0)]
    shown = known if clear.empty else clear
    top = shown.loc[shown["estimate"].abs().idxmax()]
    words = {"target": i18n.quoted(i18n.label(top["effect"])), "route": top["term"]}
    claim = (
        _("No indirect effect on {target} is statistically significant.", **words)
        if clear.empty
        else _("The strongest indirect route to {target} is {route}.", **words)
    )
    detail = _(
        "{route}: standardised effect {estimate:number2} (95% CI {ci:interval2}); n = {n:count}",
        route=top["term"],
        estimate=top["estimate"],
        ci=(top["low"], top["high"]),
        n=top["n"],
    )
    return Finding(claim, detail, importance=Importance.CONTEXT)
