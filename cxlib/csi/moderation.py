"""Whether one construct changes the path of another: interactions and quadratic terms.

found = csi.moderation(sample, model, {"loyalty": [("satisfaction", "image")]})
found.table           # the interaction of satisfaction with image, on loyalty
found.slopes          # the path of satisfaction where image is low, average and high
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Literal, get_args

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import Column
from cxlib.core.errors import require_choice
from cxlib.core.i18n import N_, _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.csi import notes, pls
from cxlib.csi.estimation import Options, Problem, estimate, prepare
from cxlib.csi.model import Model
from cxlib.stats import moments
from cxlib.stats.intervals import estimates_table, expanded_level, simultaneous_interval

Method = Literal["two_stage", "orthogonal", "product_indicator"]
LEVELS = (-1.0, 0.0, 1.0)  # standard deviations of the moderator from its mean
COLUMNS = [
    Column("effect", "where the effect ends", "name"),
    Column("cause", "whose path changes", "name"),
    Column("moderator", "what changes it; the cause itself for a quadratic term", "name"),
    Column("standardised", "path of the standardised interaction", label="standardised path"),
    Column("f2", "Cohen's f² of the interaction", decimals=3, label="f²"),
    Column("moderator_sd", "standard deviations of the moderator from its mean", decimals=0),
]

CLAIMS = {  # by whether it is significant, and whether it makes the path stronger
    (True, True): N_(
        "{cause:quoted} is associated significantly more strongly with {effect:quoted} where "
        "{moderator:quoted} is high."
    ),
    (True, False): N_(
        "{cause:quoted} is associated significantly less strongly with {effect:quoted} where "
        "{moderator:quoted} is high."
    ),
    (False, True): N_(
        "{cause:quoted} may be associated more strongly with {effect:quoted} where "
        "{moderator:quoted} is high."
    ),
    (False, False): N_(
        "{cause:quoted} may be associated less strongly with {effect:quoted} where "
        "{moderator:quoted} is high."
    ),
}


@dataclass(frozen=True, eq=False)
class _Moderated:
    """The model with its interactions as constructs, and the products that indicate them.

    `pairs` are (cause, moderator) of each interaction, `indicators` the positions of the items that
    it multiplies, `products` all of these in their order in `sums`, behind the items; products are
    of deviations from `centre`, (items,).
    """

    base: Problem
    model: Model
    pairs: list[tuple[str, str]]
    indicators: list[list[tuple[int, int]]]
    products: list[tuple[int, int]]
    centre: np.ndarray
    sums: moments.Moments
    method: Method

    @cached_property
    def plan(self) -> pls.Plan:
        return pls.plan_of(self.model)

    def solve(
        self, mean: np.ndarray, cov: np.ndarray, base: np.ndarray | None, start: np.ndarray | None
    ) -> tuple[pls.Solution, np.ndarray]:
        """Solution with interactions, and its paths with those of interactions per unit of them.

        Of means (p + q, D) and covariances (p + q, p + q, D) of items and products; `base` and
        `start` are weights of the point estimate without and with interactions.
        """
        ends, scheme = self.base.ends, self.base.options.scheme
        p, draws = len(ends), mean.shape[-1]
        first = pls.solve(self.base.plans[0], mean[:p], cov[:p, :p], ends, scheme, base)
        own = np.repeat(np.eye(p, len(mean))[..., None], draws, axis=2)
        mixing = np.concatenate([own, *(self._mixed(k, mean, cov, first) for k in self._each)])
        half = np.einsum("qpd,prd->qrd", mixing, cov)
        mixed = np.einsum("qrd,srd->qsd", half, mixing)
        more = len(mixing) - p
        ends = np.vstack([ends, np.tile([0.0, 1.0], (more, 1))])
        means = np.vstack([mean[:p], np.zeros((more, draws))])
        solved = pls.solve(self.plan, means, mixed, ends, scheme, start)
        paths, one = solved.paths.copy(), np.sqrt(np.einsum("iid->id", mixed))
        for k, block in enumerate(self.plan.blocks[-len(self.pairs) :], -len(self.pairs)):
            share = np.abs(solved.loadings[block])  # as seminr: mean deviation of the products
            paths[:, k] /= (share * one[block]).sum(0) / share.sum(0)
        return solved, paths

    @property
    def _each(self) -> range:
        return range(len(self.pairs))

    def _mixed(self, k: int, mean: np.ndarray, cov: np.ndarray, first: pls.Solution) -> np.ndarray:
        """Indicators of one interaction as sums of items and products, (indicators, p + q, D)."""
        p, pairs = len(self.base.ends), self.indicators[k]
        scale = 1 / np.sqrt(np.einsum("iid->id", cov[:p, :p]))
        moved = mean[:p] - self.centre[:, None]
        rows = np.zeros((len(pairs), *mean.shape))
        for row, (a, b) in zip(rows, pairs, strict=True):  # around the means of the draw
            row[p + self.products.index((a, b))] = 1.0
            row[a] -= moved[b]
            row[b] -= moved[a]
            row *= scale[a] * scale[b]  # noqa: PLW2901 - a row of `rows`, changed in place
        if self.method == "two_stage":
            one, other = zip(*pairs, strict=True)
            weigh = first.weights[list(one)] * first.weights[list(other)]
            return np.einsum("kd,kpd->pd", weigh, rows)[None]
        if self.method == "orthogonal":
            items = sorted({item for pair in pairs for item in pair})
            inside = np.moveaxis(cov[np.ix_(items, items)], -1, 0)
            shared = np.einsum("kpd,pid->dik", rows, cov[:, items])
            slopes = np.linalg.pinv(inside, hermitian=True) @ shared
            rows[:, items] -= np.moveaxis(slopes, 0, 2).transpose(1, 0, 2)
        return rows


def moderation(
    sample: SampleLike,
    model: Model,
    terms: Mapping[str, Sequence[tuple[str, str]]],
    options: Options | None = None,
    method: Method = "two_stage",
) -> Result:
    """Interactions of constructs, and quadratic terms, with 95% bootstrap intervals.

    Every resample estimates the weights again, without and with the interactions. "two_stage"
    multiplies the standardised scores of the model without interactions and takes the product for
    the one indicator of the interaction. "product_indicator" multiplies each question of the cause
    by each of the moderator (Chin), "orthogonal" takes what the questions themselves do not explain
    of these products (Little); their weights follow chance where there are many questions and few
    people, so that the interaction is too far from 0 and its interval not reliable. Prefer
    "two_stage" unless another study is to be repeated.

    Parameters
    ----------
    sample : answers, a row each
    model : of one level, without `reflective` constructs
    terms : effect -> pairs of a cause of it and its moderator, another cause of it; a pair of a
        construct with itself is a quadratic term
    options : as in `fit`, with complete answers, scaled and not consistent
    method : how the interaction is measured; quadratic terms by "two_stage" only

    Returns
    -------
    Result with the tables "table" (effect, cause, moderator, term, estimate: change of the cause's
    standardised path by one standard deviation more of the moderator, low, high, n;
    simultaneous_low, simultaneous_high: of all interactions together, these decide what is called
    significant; standardised: path of the standardised interaction; f2), "paths" (effect, term: the
    cause, estimate, low, high, n: at the mean of the moderators) and, by "two_stage" only, "slopes"
    (moderator_sd: standard deviations of the moderator from its mean, effect, cause, moderator,
    term, estimate: standardised path of the cause there, low, high, n).

    Raises
    ------
    ValueError : terms that are not causes of their effect, a model of a higher order, consistent
        PLS, missing answers other than left out, and as `fit`

    References
    ----------
    Henseler and Chin (2010), Structural Equation Modeling 17(1); Chin, Marcolin and Newsted (2003),
    Information Systems Research 14(2); Little, Bovaird and Widaman (2006), Structural Equation
    Modeling 13(4); Becker, Ringle and Sarstedt (2018), J. Applied Structural Equation Modeling 2(2)

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> x, m, error = rng.normal(size=(3, 400))
    >>> y = 0.4 * x + 0.3 * m + 0.3 * x * m + 0.6 * error
    >>> rows = pd.DataFrame({"speed": x, "price": m, "pleased": y}).mul(1.2).add(5.5).clip(1, 10)
    >>> model = Model({"quality": ["speed"], "value": ["price"], "satisfaction": ["pleased"]},
    ...               {"satisfaction": ["quality", "value"]})
    >>> found = moderation(Sample(rows, draws=200), model, {"satisfaction": [("quality", "value")]})
    >>> found.table["estimate"].round(2).tolist(), found.slopes["estimate"].round(2).tolist()
    ([0.37], [0.05, 0.42, 0.79])
    """
    options = options or Options()
    require_choice("method", method, get_args(Method))
    _check(model, terms, options, method)
    task = _prepared(as_sample(sample), model, terms, options, method)
    (alone,), _moved = estimate(task.base)
    total = task.sums.total()
    point, own = task.solve(total.mean[:, None], total.cov[..., None], None, None)
    if not point.rounds[0] or np.isnan(point.paths).any():
        raise ValueError(
            "the model with interactions has no solution: an interaction is a copy of a construct "
            "or of another interaction. Leave one out, or take more responses."
        )
    start = alone.weights[:, 0], point.weights[:, 0]
    sums, parts = task.sums, []
    for drawn in sums.resample_in_parts(sums.draws, sums.seed, pls.DRAWS_AT_ONCE):
        mean, cov = np.moveaxis(drawn.mean, 0, -1), np.moveaxis(drawn.cov, 0, -1)
        parts.append(task.solve(mean, cov, *start))
    again = pls.joined([solved for solved, _ in parts])
    paths = np.concatenate([found for _, found in parts], axis=-1)
    extended = replace(task.base, model=task.model)
    tables = _tables(task, terms, (point, own), (again, paths))
    remarks = [
        notes.answers_note(task.base),
        notes.resamples_note(task.base),
        *notes.failures_notes(extended, (again,)),
    ]
    return Result(
        tables,
        _finding(tables["table"], tables["paths"]),
        i18n.together(remarks),
        **sums.bootstrap,
        columns=COLUMNS,
    )


def _check(
    model: Model,
    terms: Mapping[str, Sequence[tuple[str, str]]],
    options: Options,
    method: Method,
) -> None:
    if model.parts:
        raise ValueError(
            "moderation needs a model of one level. Take the parts of constructs of a higher order "
            "as constructs, or `scores` of the whole model and a regression of your own."
        )
    if options.consistent or model.reflective:
        raise ValueError("moderation is not freed of measurement error. Leave out `reflective`.")
    if not options.scaled:
        raise ValueError("interactions need scaled questions: leave out scaled=False.")
    if options.missing != "complete":
        raise ValueError("products of answers need complete answers: missing='complete'.")
    if not any(len(pairs) for pairs in terms.values()):
        raise ValueError("terms: give at least one pair, as {'loyalty': [('satisfaction', 'x')]}.")
    for effect, pairs in terms.items():
        causes = list(model.paths.get(effect, ()))
        for pair in pairs:
            if isinstance(pair, str) or len(pair) != 2:
                raise ValueError(f"terms: {pair!r} is no pair of a cause and its moderator.")
            if other := [name for name in pair if name not in causes]:
                raise ValueError(
                    f"terms: {other[0]!r} is no cause of {effect!r} (its causes: "
                    f"{', '.join(causes) or 'none'}). Add the path: an interaction without its "
                    "own constructs as causes has no meaning."
                )
        if method != "two_stage" and any(one == other for one, other in pairs):
            raise ValueError("a quadratic term needs method='two_stage'.")
        if len({frozenset(pair) for pair in pairs}) < len(pairs):
            raise ValueError(f"terms: a pair of {effect!r} is given twice.")


def _prepared(
    sample: Sample,
    model: Model,
    terms: Mapping[str, Sequence[tuple[str, str]]],
    options: Options,
    method: Method,
) -> _Moderated:
    """The interactions as constructs of products, summed with the questions."""
    base = prepare(sample, model, options)
    at = {item: i for i, item in enumerate(model.items)}
    pairs = list(dict.fromkeys((one, other) for given in terms.values() for one, other in given))
    indicators = []
    for cause, moderator in pairs:
        one, other = ([at[i] for i in model.constructs[c]] for c in (cause, moderator))
        indicators.append([(min(pair), max(pair)) for pair in product(one, other)])
    products = list(dict.fromkeys(pair for those in indicators for pair in those))
    centre = base.sums.total().mean
    around = sample.data[model.items].astype(float).to_numpy() - centre
    columns = {f"{a}×{b}": around[:, a] * around[:, b] for a, b in products}
    sums = moments.of(sample.assign(**columns), [*model.items, *columns])
    single = method == "two_stage"
    made = {
        _name(pair): [f"{k}"] if single else [f"{k}:{a}×{b}" for a, b in those]
        for k, (pair, those) in enumerate(zip(pairs, indicators, strict=True))
    }
    paths = {e: [*causes, *map(_name, terms.get(e, ()))] for e, causes in model.paths.items()}
    moderated = replace(model, constructs={**model.constructs, **made}, paths=paths, preset="")
    return _Moderated(base, moderated, pairs, indicators, products, centre, sums, method)


def _name(pair: Sequence[str]) -> str:
    return " × ".join(pair)


def _tables(
    task: _Moderated,
    terms: Mapping[str, Sequence[tuple[str, str]]],
    point: tuple[pls.Solution, np.ndarray],
    again: tuple[pls.Solution, np.ndarray],
) -> dict[str, pd.DataFrame]:
    """Interactions, the paths beside them, and the path of each cause by level of its moderator."""
    (solved, one), (_, many) = point, again
    at = {name: j for j, name in enumerate(task.model.constructs)}
    fitted, n = 1 + max(map(len, task.model.paths.values())), task.base.n
    level = expanded_level(task.sums.effective, fitted)
    given = pd.DataFrame(
        [(effect, *pair) for effect, pairs in terms.items() for pair in pairs],
        columns=["effect", "cause", "moderator"],
    )
    pairs = list(zip(given["cause"], given["moderator"], strict=True))
    labels = [" × ".join(map(i18n.label, pair)) for pair in pairs]
    j = [at[effect] for effect in given["effect"]]
    k, t = [at[cause] for cause in given["cause"]], [at[_name(pair)] for pair in pairs]
    groups = given.to_dict("list")
    table = estimates_table(labels, one[j, t, 0], many[j, t].T, n, level=level, **groups)
    ends = simultaneous_interval(
        one[j, t, 0], many[j, t].T, units=task.sums.effective, fitted=fitted
    )
    table["simultaneous_low"], table["simultaneous_high"] = ends
    table["standardised"] = solved.paths[j, t, 0]
    between, causes = solved.between[..., 0], task.plan.causes
    table["f2"] = [_f2(between, causes[a], a, b) for a, b in zip(j, t, strict=True)]
    known = [(e, c) for e, causes in task.base.model.paths.items() for c in causes]
    a, b = zip(*((at[e], at[c]) for e, c in known), strict=True)
    paths = estimates_table([c for _, c in known], one[a, b, 0], many[a, b].T, n, level=level)
    paths.insert(0, "effect", [e for e, _ in known])
    tables = {"table": table, "paths": paths}
    if task.method == "two_stage":
        twice = np.where(given["cause"] == given["moderator"], 2, 1)[:, None]  # slope of a square
        slopes = []
        for step in LEVELS:
            here, drawn = (x[j, k] + step * twice * x[j, t] for x in (one, many))
            at_step = estimates_table(labels, here[:, 0], drawn.T, n, level=level, **groups)
            at_step.insert(0, "moderator_sd", step)
            slopes.append(at_step)
        # Pair by pair, and within each from low to high.
        tables["slopes"] = pd.concat(slopes).sort_index(kind="stable", ignore_index=True)
    return tables


def _f2(between: np.ndarray, causes: tuple[int, ...], effect: int, term: int) -> float:
    """Cohen's f² of one cause of an effect, scores held."""

    def r2(chosen: list[int]) -> float:
        shared = between[chosen, effect]
        return float(shared @ np.linalg.solve(between[np.ix_(chosen, chosen)], shared))

    whole = r2(list(causes))
    return (whole - r2([c for c in causes if c != term])) / (1 - whole)


def _finding(table: pd.DataFrame, paths: pd.DataFrame) -> Finding:
    strength = (table["estimate"] / (table["high"] - table["low"])).abs()
    if strength.isna().all():
        return Finding(_("Too few answers to show"))
    top = table.loc[strength.idxmax()]
    own = paths[(paths["effect"] == top["effect"]) & (paths["term"] == top["cause"])]
    stronger = top["estimate"] * own["estimate"].iloc[0] > 0
    words = {name: top[name] for name in ("cause", "effect", "moderator")}
    certain = top["simultaneous_low"] > 0 or top["simultaneous_high"] < 0
    claim = _("No interaction is statistically significant.")
    if certain or top["low"] > 0 or top["high"] < 0:
        claim = _(CLAIMS[bool(certain), bool(stronger)], **words)
    detail = _(
        "{term}: {estimate:number2} (95% CI {ci:interval2}) per standard deviation; n = {n:count}",
        term=top["term"],
        estimate=top["estimate"],
        ci=(top["low"], top["high"]),
        n=top["n"],
    )
    return Finding(claim, detail, importance=Importance.CONTEXT)
