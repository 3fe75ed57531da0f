"""Penalty and reward: what low ratings are associated with, and high ones (Kano's classes).

    fit = drivers.penalty_reward(sample, "recommend", ["speed", "price"])
    fit.table         # effect (penalty, reward), term, estimate (outcome points), low, high, n
    fit.classes       # must-be, performance, attractive or indifferent, with their chances

Each driver enters as two columns, rated low and rated high, against the answers between (Brandt
1987; Mikulić and Prebežac 2008). A must-be costs when it fails and earns nothing when it shines, an
attractive one the other way round; a performance factor does both.

Few customers rate low, and those rate far below the middle, so even a straight line would lose more
on that side than it gains on the other. The classes therefore compare both sides per point of the
rating, which is ours; the published asymmetry compares the two effects as they are.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _, ngettext
from cxlib.core.recoded import Recoded, Tally
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.drivers import linear, notes
from cxlib.drivers.specification import FLAG, Specification, never_met, skipped_together, specify
from cxlib.stats.intervals import interval_columns, percentile_interval
from cxlib.stats.moments import weights_of

CLASSES = ("must-be", "performance", "attractive", "indifferent")
UNCLEAR = "unclear"  # no class is probable enough to be named
NAMED, LIKELY = 0.6, 0.8  # chances from which a class is named, and from which it is relied on
LEAN = 0.1  # asymmetry beyond which a driver leans to one side (Mikulić and Prebežac 2008)
SMALL = 0.2  # of the outcome's standard deviation; less between low and high is no effect (Cohen)
TAIL = 0.25  # share of answers that counts as low, and as high, as nearly as the scale allows
LEAST_TAIL = 10  # answers that must be low, and high, for a contrast

Cuts: TypeAlias = dict[str, tuple[float, float]]


def penalty_reward(
    sample: SampleLike, outcome: str, drivers: list[str], *, missing: str = "complete"
) -> Result:
    """Outcome points associated with low and with high ratings, and Kano's class of each driver.

    Low and high are the answers at either end that come nearest to a quarter of all. The class of
    a driver is taken in each resample, which gives its chance: indifferent where low and high are
    less than 0.2 standard deviations of the outcome apart, else must-be or attractive where one
    side outweighs the other (asymmetry beyond 0.1), else performance. The most probable class is
    named where its chance is 0.6 or more, and is "unclear" else; a must-be or attractive driver is
    "probably" one unless its chance is 0.8 or more and the interval of its asymmetry excludes 0.
    Drivers whose ratings leave no room for three parts are left out.

    Parameters
    ----------
    sample : answers, a row each
    outcome : column to explain
    drivers : columns of ratings, larger is better
    missing : "complete", "pairwise" or "dummy", as in `importance`

    Returns
    -------
    Result with the tables "table" (effect: penalty or reward, term, estimate, simultaneous low and
    high, n who rated so), "classes" (term, class, chance, the chance of each class, asymmetry from
    -1 must-be to 1 attractive with low and high, size: points between low and high, below and
    above: what counts as low and as high, n) and "chances" (the chances of the classes alone).

    Raises
    ------
    ValueError : as in `importance`
    InsufficientData : no driver has 10 low and 10 high ratings with others between

    References
    ----------
    Brandt (1987); Mikulić and Prebežac (2008), Managing Service Quality 18(6).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> rows = pd.DataFrame({"speed": rng.integers(1, 6, 400)})
    >>> rows["recommend"] = -2.0 * (rows["speed"] < 3) + rng.normal(size=400)
    >>> penalty_reward(rows, "recommend", ["speed"]).classes["class"].tolist()
    ['must-be']
    """
    if missing == "em":
        raise ValueError(
            "a contrast needs answers: take missing='complete', 'pairwise' or 'dummy'."
        )
    rated = specify(as_sample(sample), outcome, list(drivers), missing, in_rows=False)
    rated.require_single_columns("a contrast takes single ones.")
    cuts = _cuts(rated)
    if not (terms := [t for t in rated.terms if t in cuts]):
        raise InsufficientData(
            _(
                "No driver has {least:count} low and {least:count} high ratings with others "
                "between.",
                least=LEAST_TAIL,
            )
        )
    spec = _contrasts(rated, cuts, "complete" if missing == "dummy" else missing)
    sums = spec.sums()
    cov = linear.covariances(spec, sums)
    ends = np.array([p[:2] for p in spec.players])
    point = linear.slopes(cov.estimate)[0][ends]
    drawn = linear.slopes(cov.replicates)[0][:, ends]
    flat = drawn.reshape(len(drawn), -1)
    ends_of = interval_columns(point.ravel(), flat, units=sums.units, fitted=1 + len(spec.columns))
    table = pd.DataFrame(
        {
            "effect": np.tile(["penalty", "reward"], len(terms)),
            "term": np.repeat(terms, 2),
            "estimate": point.ravel(),
            "n": _tails(spec, ends).ravel(),
            **ends_of,
        }
    )
    even = np.array([-1, 1]) * _per_point(rated, cuts)  # a penalty is counted as a loss
    deviation = float(np.sqrt(cov.estimate[0, 0]))
    classes = _classes(terms, point * even, drawn * even, deviation).assign(
        below=[cuts[t][0] for t in terms], above=[cuts[t][1] for t in terms], n=int(sums.rows.sum())
    )
    tables = {
        "table": table,
        "classes": classes,
        "chances": classes[["term", "class", *CLASSES, "n"]],
    }
    more = [_cuts_note(classes), _left_out_note([t for t in rated.terms if t not in cuts])]
    return Result(
        tables,
        _finding(classes, outcome),
        i18n.together(notes.regression_notes(spec, sums, cov, flat, *more)),
        "scale",
        **spec.sample.bootstrap,
    )


def _rated(spec: Specification, term: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(ratings, weights, numbers of rows) of those who gave one; of equal ones together."""
    assert isinstance(spec.sample, Sample)
    answers = spec.sample.of(term)
    rows, weight = answers.data, weights_of(answers.data, answers.weight)
    ratings = rows[term].to_numpy(float, na_value=np.nan)
    imputed = term in spec.adjusted and never_met(rows, term)
    asked = ~np.isnan(ratings) & (weight > 0) & ~np.asarray(imputed, bool)
    return ratings[asked], weight[asked], answers.counts[asked]


def _cuts(spec: Specification) -> Cuts:
    """Driver -> (highest low answer, lowest high answer), where there are three parts."""
    cuts = {}
    for term in spec.terms:
        ratings, weight, rows = _rated(spec, term)
        values, place = np.unique(ratings, return_inverse=True)
        share, count = np.bincount(place, weight) / weight.sum(), np.bincount(place, rows)
        if len(values) < 3:
            continue
        up = np.cumsum(share)[:-2]  # at least one answer stays between and one above
        below = int(np.abs(up - TAIL).argmin())
        down = np.cumsum(share[::-1])[::-1][below + 2 :]
        above = below + 2 + int(np.abs(down - TAIL).argmin())
        if min(count[: below + 1].sum(), count[above:].sum()) >= LEAST_TAIL:
            cuts[term] = float(values[below]), float(values[above])
    return cuts


def _per_point(spec: Specification, cuts: Cuts) -> np.ndarray:
    """Factors (k, 2) that bring penalty and reward to one distance from the middling ratings."""
    factors = []
    for term, (below, above) in cuts.items():
        ratings, weight, _rows = _rated(spec, term)
        side = np.where(ratings <= below, 0, np.where(ratings >= above, 2, 1))
        mean = np.bincount(side, weight * ratings) / np.bincount(side, weight)
        factors.append(np.diff(mean).mean() / np.diff(mean))
    return np.array(factors)


def _contrasts(spec: Specification, cuts: Cuts, missing: str) -> Specification:
    """The regression on a column for low and one for high ratings of each driver."""
    assert isinstance(spec.sample, Sample)
    columns: dict[str, Recoded] = {}
    groups: dict[str, list[str]] = {}
    for term, (below, above) in cuts.items():
        never = term + FLAG if term in spec.adjusted else ""  # neither low nor high
        for side, span in (("low", (-np.inf, below)), ("high", (above, np.inf))):
            columns[f"{term}: {side}"] = Recoded(term, never, 0.0, span)
            groups.setdefault(term, []).append(f"{term}: {side}")
    # Of questions skipped together the first carries the column of who skipped them.
    for first, *_rest in skipped_together(spec.sample, [t for t in cuts if t in spec.adjusted]):
        groups[first].append(first + FLAG)
    return specify(spec.sample.recode(columns), spec.outcome, groups, missing, in_rows=False)


def _tails(spec: Specification, ends: np.ndarray) -> np.ndarray:
    """How many rated low and high, of those who are used."""
    assert isinstance(spec.sample, Sample)
    used = spec.asked if spec.missing == "complete" else [spec.outcome]
    ratings = [spec.columns[place] for place in ends.ravel()]
    return np.array(spec.sample.tally(Tally(used, above=[c]) for c in ratings)).reshape(ends.shape)


def _classes(
    terms: list[str], point: np.ndarray, drawn: np.ndarray, deviation: float
) -> pd.DataFrame:
    """The class of each driver and its chances, from losses and gains (k, 2) and their draws."""
    lean, size = _asymmetry(point)
    leans, sizes = _asymmetry(drawn)
    known = ~np.isnan(drawn).any((1, 2))
    kinds = _kinds(leans[known], sizes[known], deviation)
    chances = np.stack([(kinds == i).mean(0) for i in range(len(CLASSES))], axis=1)
    low, high = percentile_interval(leans)
    named = [_named(row) for row in chances]
    table = pd.DataFrame(
        {
            "term": terms,
            "class": [CLASSES[i] if i >= 0 else UNCLEAR for i in named],
            "chance": [row[i] if i >= 0 else np.nan for i, row in zip(named, chances, strict=True)],
        }
    )
    for i, name in enumerate(CLASSES):
        table[name] = chances[:, i]
    return table.assign(asymmetry=lean, low=low, high=high, size=size)


def _named(chances: np.ndarray) -> int:
    """Place in CLASSES of the most probable class; -1 where none is probable enough."""
    best = int(chances.argmax())
    return best if chances[best] >= NAMED else -1


def _asymmetry(sides: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(reward less penalty over their sum, their sum); an effect of the wrong sign counts as none.

    The impact asymmetry and the range of impact of Mikulić and Prebežac (2008).
    """
    penalty, reward = np.moveaxis(np.maximum(sides, 0), -1, 0)
    size = penalty + reward
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(size > 0, (reward - penalty) / size, 0.0), size


def _kinds(lean: np.ndarray, size: np.ndarray, deviation: float) -> np.ndarray:
    """Places in CLASSES."""
    inside = np.where(lean < -LEAN, 0, np.where(lean > LEAN, 2, 1))
    return np.where(size < SMALL * deviation, 3, inside)


def _finding(classes: pd.DataFrame, outcome: str) -> Finding:
    """Which drivers must not fail, else which may delight; all kinds with their chances below."""
    n, least = classes["n"].iloc[0], context.current().smallest_cell
    if n < least:
        return Finding(_("Fewer than {least:count} answered: no number is shown.", least=least))
    kinds = []
    for name in (*CLASSES, UNCLEAR):
        rows = classes[classes["class"] == name]
        parts = [
            _("{driver:quoted} {chance:chance}", driver=r.term, chance=r.chance)
            if name != UNCLEAR
            else i18n.quoted(i18n.label(r.term))
            for r in rows.itertuples()
        ]
        kinds += [_("{kind:label}: {drivers:list}", kind=name, drivers=parts)] if parts else []
    about = _("by association within one questionnaire")
    detail = _("; ").join([*kinds, about, _("n = {n:count}", n=n)])
    differs = (classes["low"] > 0) | (classes["high"] < 0)  # one side outweighs the other
    likely = classes[(classes["chance"] >= LIKELY) & differs]
    for rows, sure in ((likely, True), (classes, False)):
        for name in ("must-be", "attractive"):
            if len(members := rows.loc[rows["class"] == name, "term"]):
                claim = _claim(name, sure, [i18n.label(t) for t in members])
                importance = Importance.NOTABLE if sure else Importance.ANSWER
                return Finding(claim, detail, importance=importance)
    claim = _("No driver of {outcome:quoted} is a must-be or attractive.", outcome=outcome)
    return Finding(claim, detail, importance=Importance.CONTEXT)


def _claim(kind: str, sure: bool, drivers: list[str]) -> str:
    drivers = [i18n.opening(drivers[0]), *drivers[1:]]
    if kind == "must-be" and sure:
        return ngettext(
            "{drivers:quoted_list3} is a must-be by association: low ratings cost more than high "
            "ones gain.",
            "{drivers:quoted_list3} are must-be factors by association: low ratings cost more than "
            "high ones gain.",
            len(drivers),
            drivers=drivers,
        )
    if kind == "must-be":
        return ngettext(
            "{drivers:quoted_list3} is probably a must-be, by association: low ratings cost more "
            "than high ones gain.",
            "{drivers:quoted_list3} are probably must-be factors, by association: low ratings cost "
            "more than high ones gain.",
            len(drivers),
            drivers=drivers,
        )
    if sure:
        return ngettext(
            "{drivers:quoted_list3} is attractive by association: high ratings gain more than low "
            "ones cost.",
            "{drivers:quoted_list3} are attractive by association: high ratings gain more than low "
            "ones cost.",
            len(drivers),
            drivers=drivers,
        )
    return ngettext(
        "{drivers:quoted_list3} is probably attractive, by association: high ratings gain more "
        "than low ones cost.",
        "{drivers:quoted_list3} are probably attractive, by association: high ratings gain more "
        "than low ones cost.",
        len(drivers),
        drivers=drivers,
    )


def _cuts_note(classes: pd.DataFrame) -> str:
    each = [
        _(
            "{driver:label} up to {below:g}, from {above:g}",
            driver=r.term,
            below=r.below,
            above=r.above,
        )
        for r in classes.itertuples()
    ]
    return _(
        "Low and high ratings: {each}. Kinds compare both sides per point of the rating; the most "
        "probable kind is named from a chance of {least:share}, and is unclear below.",
        least=NAMED,
        each=_("; ").join(each),
    )


def _left_out_note(terms: list[str]) -> str:
    if not terms:
        return ""
    return _("Left out, too few low or high ratings: {drivers:label_list}.", drivers=terms)
