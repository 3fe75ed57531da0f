"""Hidden segments of customers for whom the paths of the model differ (FIMIX-PLS).

found = csi.fimix(sample, model)
print(found)              # Customers fall into 2 hidden segments, whose paths differ most in ...
found.table, found.fit    # paths of each segment; criteria by number of segments
found.membership          # probability of each segment for each customer
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from cxlib.core import i18n
from cxlib.core.columns import INTERVAL, Column
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import N_, _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.csi.equations import scores
from cxlib.csi.estimation import Options
from cxlib.csi.model import Model
from cxlib.privacy import disclosure
from cxlib.stats import mixture_em, mixture_refits, moments
from cxlib.stats.intervals import estimates_table, expanded_level, symmetric_interval
from cxlib.stats.mixture_em import Sheet
from cxlib.stats.notes import resampling_note
from cxlib.stats.resampling import resampling_units

STARTS = 20
LEAST_VARIANCE = 0.01  # left in a segment, of that left of everybody
DISTINCT = 0.5  # entropy below which segments overlap too much to be distinguished
COLUMNS = [
    Column("segments", "number of segments", "count"),
    Column("loglik", "logarithm of the likelihood", "number", 1, label=N_("log-likelihood")),
    Column("parameters", "number of free parameters", "count"),
    Column(
        "EN", "entropy: 1 where every customer belongs to one segment with certainty", "number", 2
    ),
    Column("smallest", "customers in the smallest segment", "count"),
    Column("admissible", "whether every segment has customers enough for its paths", "name"),
    Column("cause", "where the path starts", "name"),
    Column("effect", "where the path ends", "name"),
    *(
        Column(name, "information criterion, lower is better", "number", 1)
        for name in ("AIC", "AIC3", "AIC4", "BIC", "CAIC")
    ),
]


@dataclass(frozen=True)
class _Paths:
    """The inner model: constructs by place, and every path as (cause, effect)."""

    names: list[str]
    causes: tuple[tuple[int, ...], ...]

    @property
    def routes(self) -> list[tuple[int, int]]:
        return [(c, e) for e, causes in enumerate(self.causes) for c in causes]

    @property
    def fewest(self) -> int:
        """Customers that a segment needs: ten for each cause of an effect, as a rule of thumb."""
        return 10 * max(len(causes) for causes in self.causes)


def fimix(
    sample: SampleLike,
    model: Model,
    options: Options | None = None,
    *,
    most: int = 4,
    k: int | None = None,
) -> Result:
    """Finite mixture of the paths of a PLS path model: hidden segments that differ in their paths.

    The model is fitted to everybody; the standardised scores of its constructs are then taken for
    a mixture of segments, each with paths and unexplained variances of its own (regressions without
    a constant, normal errors). EM climbs from several starts that the seed of the sample draws. The
    number of segments is that of the lowest CAIC unless `k` is given; Sarstedt et al. (2011)
    found it right most often where AIC3 chooses the same. Intervals come from mixtures fitted again
    to resamples, scores held as they are. As segments are made so as to differ, their intervals do
    not test whether there are segments: the criteria do that.

    Parameters
    ----------
    sample : answers, a row each; those who did not answer every question are left out
    model, options : as in `fit`; paths are those of scores, never freed of measurement error
    most : largest number of segments to try
    k : number of segments to report, at most `most`

    Returns
    -------
    Result with the tables

    - "table": segment (the largest first), cause, effect, term, estimate (path), low, high, n
      (customers likeliest to belong to it)
    - "sizes": term (segment), estimate (share of customers), low, high, n
    - "r2": segment, term (effect), estimate (R² within the segment, 1 − unexplained variance over
      mean square), n
    - "fit": segments, loglik, parameters, AIC, AIC3, AIC4, BIC, CAIC, EN, smallest, admissible, n

    and the part membership: probability of each segment for each row of the sample, NaN where a
    question is not answered.

    Raises
    ------
    ValueError : as `csi.fit`; fewer than one segment, or `k` above `most`
    InsufficientData : not enough complete answers for the paths

    References
    ----------
    Hahn, Johnson, Herrmann and Huber (2002), Schmalenbach Business Review 54; Sarstedt, Becker,
    Ringle and Schwaiger (2011), Schmalenbach Business Review 63; Hathaway (1985), Annals of
    Statistics 13, for the least variance. As FIMIX-PLS of SmartPLS.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> quality = rng.normal(size=200)
    >>> pleased = np.repeat([0.9, -0.6], 100) * quality + 0.3 * rng.normal(size=200)
    >>> model = Model({"quality": ["q"], "satisfaction": ["s"]}, {"satisfaction": ["quality"]})
    >>> wide = Options(scales={"q": (-9, 9), "s": (-9, 9)})
    >>> people = pd.DataFrame({"q": quality, "s": pleased})
    >>> fimix(Sample(people, draws=20), model, wide, most=3).table["segment"].tolist()
    [1, 2]
    """
    sample = as_sample(sample)
    if not 1 <= (k or 1) <= most:
        raise ValueError(f"k must be from 1 to most ({most}). Raise `most`, or leave k out.")
    known, z, w, inner = _scored(sample, model, options)
    sheet = mixture_em.lines_of(z, inner.causes, w, LEAST_VARIANCE)
    solutions = _solutions(sheet, most, sample.seed)
    fit = _criteria(sheet, solutions, inner, len(z))
    chosen = k or int(fit.loc[fit["CAIC"].where(fit["admissible"]).idxmin(), "segments"])
    sums = solutions[chosen - 1].sums
    sums = sums[np.argsort(-sums[:, 0], kind="stable")]
    draws = min(sample.draws, mixture_refits.REFITS)
    units = resampling_units(sample).take(known)
    drawn = np.concatenate(
        [
            mixture_refits.refit(sheet, w, sums, np.maximum(times, 0.0))
            for times in units.times(draws, sample.seed)
        ]
    )
    inside = mixture_em.membership(sheet, sums).T[sheet.pattern]
    tables = _tables(sheet, sums, drawn, inside, inner)
    tables["fit"] = fit
    member = np.full((len(known), chosen), np.nan)
    member[known] = inside
    return Result(
        tables,
        _finding(tables, chosen),
        _note(sample, fit, chosen, draws, int((~known).sum())),
        draws=draws,
        seed=sample.seed,
        columns=COLUMNS,
        parts={"membership": pd.DataFrame(member, sample.data.index, range(1, chosen + 1))},
    )


def _scored(
    sample: Sample, model: Model, options: Options | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, _Paths]:
    """Who answered all, their standardised scores and weights (summing to the effective n)."""
    final = model.stages[1] if model.parts else model
    names = list(final.constructs)
    causes = tuple(tuple(names.index(c) for c in final.paths.get(n, ())) for n in names)
    inner = _Paths(names, causes)
    values = scores(sample, model, options)[names]
    w = moments.weights_of(sample.data, sample.weight)
    known = values.notna().all(axis=1).to_numpy() & (w > 0)
    if known.sum() < inner.fewest:
        raise InsufficientData(
            _(
                "Hidden segments need {least:count} complete answers at the very least; there are "
                "{n:count}.",
                least=inner.fewest,
                n=known.sum(),
            )
        )
    z, w = values.to_numpy(float)[known], w[known]
    w = w * moments.of(sample.where(known), model.items).effective / w.sum()
    z = z - np.average(z, axis=0, weights=w)
    return known, z / np.sqrt(np.average(z**2, axis=0, weights=w)), w, inner


def _solutions(sheet: Sheet, most: int, seed: int) -> list[mixture_em.Solution]:
    """The highest climb for each number of segments, one of them from one segment fewer."""
    found = [mixture_em.best(sheet, 1, 1, seed)]
    for k in range(2, most + 1):
        near = mixture_em.split(found[-1].sums)
        found.append(mixture_em.best(sheet, k, STARTS, seed, near=near))
    return found


def _criteria(
    sheet: Sheet, solutions: Sequence[mixture_em.Solution], inner: _Paths, n: int
) -> pd.DataFrame:
    """A row a number of segments; see `fimix`. Criteria count the effective number."""
    rows, effective = [], sheet.weight.sum()
    for k, found in enumerate(solutions, 1):
        facts = mixture_refits.criteria(sheet, found, effective)
        free = facts["parameters"]
        placed = mixture_em.membership(sheet, found.sums).argmax(0)[sheet.pattern]
        smallest = int(np.bincount(placed, minlength=k).min())
        penalties = {"AIC": 2, "AIC3": 3, "AIC4": 4, "BIC": np.log(effective)}
        penalties["CAIC"] = penalties["BIC"] + 1
        judged = {name: -2 * found.loglik + cost * free for name, cost in penalties.items()}
        rows.append(
            {
                "segments": k,
                "loglik": found.loglik,
                "parameters": int(free),
                **judged,
                "EN": facts["entropy"],
                "smallest": smallest,
                "admissible": k == 1 or smallest >= inner.fewest,
                "n": n,
            }
        )
    return pd.DataFrame(rows)


def _tables(
    sheet: Sheet, sums: np.ndarray, drawn: np.ndarray, inside: np.ndarray, inner: _Paths
) -> dict[str, pd.DataFrame]:
    block, k, routes = sheet.blocks[0], len(sums), inner.routes
    causes, effects = map(list, zip(*routes, strict=True))
    slopes, left = mixture_em.regressions(sums[:, 1:], block)
    again = mixture_em.regressions(drawn[..., 1:], block)[0]
    n = np.bincount(inside.argmax(1), minlength=k)
    level = expanded_level(sheet.weight.sum() / k, sheet.blocks[0].parameters())
    each = slice(None), slice(None), effects, causes
    table = estimates_table(
        [
            f"{i18n.label(inner.names[c])} → {i18n.label(inner.names[e])}"
            for _segment in range(k)
            for c, e in routes
        ],
        slopes[:, effects, causes].ravel(),
        again[each].reshape(len(again), -1),
        np.repeat(n, len(routes)).tolist(),
        level=level,
        segment=np.repeat(np.arange(1, k + 1), len(routes)),
        cause=[inner.names[c] for c, _e in routes] * k,
        effect=[inner.names[e] for _c, e in routes] * k,
    )
    share, shares = (s[..., 0] / s[..., 0].sum(-1, keepdims=True) for s in (sums, drawn))
    sizes = pd.DataFrame({"term": [str(i) for i in range(1, k + 1)], "estimate": share})
    low, high = (
        (share, share) if k == 1 else map(expit, symmetric_interval(logit(share), logit(shares)))
    )
    sizes = sizes.assign(low=low, high=high, n=n)
    explained = [e for e, those in enumerate(inner.causes) if those]
    square = mixture_em.products(sums[:, 1:])[:, explained, explained]
    r2 = pd.DataFrame(
        {
            "segment": np.repeat(np.arange(1, k + 1), len(explained)),
            "term": [inner.names[e] for e in explained] * k,
            "estimate": (1 - left[:, explained] / square).ravel(),
            "n": np.repeat(n, len(explained)),
        }
    )
    return {"table": table, "sizes": sizes, "r2": r2}


def _note(sample: Sample, fit: pd.DataFrame, k: int, draws: int, without: int) -> str:
    rows = fit.set_index("segments")
    found = [
        _(
            "Hidden segments are a mixture of the regressions of the scores (FIMIX-PLS); the "
            "intervals hold the scores and rest on {draws:count} mixtures fitted again.",
            draws=draws,
        ),
        resampling_note(sample),
    ]
    if without:
        found.append(_("Left out for a missing answer: {n:count} responses.", n=without))
    other = int(rows["AIC3"].where(rows["admissible"]).idxmin())
    if other != k:
        found.append(
            _(
                "AIC3 would choose {other:count} segments rather than {k:count}: their number is "
                "not settled.",
                other=other,
                k=k,
            )
        )
    if k > 1 and rows.loc[k, "EN"] < DISTINCT:
        found.append(
            _(
                "The segments overlap: entropy {en:number2}, where 0.5 or more is asked for.",
                en=rows.loc[k, "EN"],
            )
        )
    if not rows.loc[k, "admissible"]:
        found.append(
            _(
                "The smallest segment has {n:count} customers, too few for its paths.",
                n=rows.loc[k, "smallest"],
            )
        )
    return i18n.together(found)


def _finding(tables: dict[str, pd.DataFrame], k: int) -> Finding:
    """How many segments there are, and which path differs most between them."""
    fit = tables["fit"].set_index("segments")
    n, facts = int(fit["n"].iloc[0]), {"caic": fit.loc[k, "CAIC"], "one": fit.loc[1, "CAIC"]}
    if k == 1:
        return Finding(
            _("One set of paths describes all customers: no hidden segments were found."),
            _("CAIC {caic:number1}; n = {n:count}", n=n, caic=facts["caic"]),
            importance=Importance.METHOD,
        )
    shown = disclosure.shown(tables["table"])
    if shown["segment"].nunique() < 2:
        return Finding(_("Too few answers to show"), importance=Importance.METHOD)
    spread = shown.groupby("term", sort=False)["estimate"].agg(np.ptp)
    path = shown[shown["term"] == spread.idxmax()]
    top, bottom = (path.loc[at] for at in (path["estimate"].idxmax(), path["estimate"].idxmin()))
    claim = _(
        "Customers fall into {k:count} hidden segments, which differ most in {term:verbatim}: "
        "{low:number2} for one, {high:number2} for another.",
        k=k,
        term=top["term"],
        low=bottom["estimate"],
        high=top["estimate"],
    )
    detail = _(
        "95% CI {a:interval2} and {b:interval2}; entropy {en:number2}; CAIC {caic:number1}, with "
        "one segment {one:number1}; n = {n:count}",
        a=tuple(bottom[list(INTERVAL[1:])]),
        b=tuple(top[list(INTERVAL[1:])]),
        en=fit.loc[k, "EN"],
        n=n,
        **facts,
    )
    return Finding(claim, detail, importance=Importance.CONTEXT)
