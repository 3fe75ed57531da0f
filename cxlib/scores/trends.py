"""Is a score changing from wave to wave, or is it the sampling?

    fit = scores.trend(responses, "recommend", over="wave", weight="weight", customer="customer_id")
    fit.table          # wave, term, estimate, low, high, n
    fit.limits         # the same waves with their control limits, cumulative sums and signals
    fit.changes        # the most likely single change of level, its p, between which waves
    scores.trend(responses, ["room", "delivery"], measure="mean", by="region")    # many series

Three looks at one series. A control chart (Shewhart) finds a wave that stands out, a cumulative sum
(Page 1954) a small shift that stays, a change point (Hawkins 1977) where a level changed. None
tells why: a signal says look, a look at 10, 20 and the comments says at what.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.special import ndtr

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates
from cxlib.privacy import disclosure
from cxlib.scores import cells, charts, means
from cxlib.scores.measures import Measure, as_measure
from cxlib.scores.rows import Answers, known, read
from cxlib.stats.intervals import LEVEL, normal_quantile

LIMITS = 3.0
WORDS = (  # names of columns and of what they hold
    "wave", "by", "against", "p", "signal", "first seen", "centre", "baseline", "z", "up", "down",
    "above", "below", "rising", "falling", "earliest", "latest", "change", "mix", "rate",
    "share before", "share after", "score before", "score after", "answers",
)  # fmt: skip
LEAST_WAVES = 4  # for a change point


@dataclass(frozen=True)
class Trend(Estimates):
    """One or more scores over the waves.

    Attributes
    ----------
    table : [group,] wave, term, estimate, low, high, n; each with its own 95 % interval
    limits : [group,] wave, term, estimate, low, high (control limits), n, centre, baseline (the
        wave belongs to it), z, up, down (cumulative sums), signal ("", "above", "below": outside
        the limits; "rising", "falling": the sum passed h), probability (of such a wave anywhere in
        the series without a change; Šidák), first_seen (wave the signal began)
    changes : [group,] term, estimate (the step), low, high (of the step given its wave), n, wave
        (first of the new level), earliest, latest (95 % interval of it), p
    measure, over, by, width : what was measured, the column of waves and groups, the limits' width
    """

    limits: pd.DataFrame = field(kw_only=True)
    changes: pd.DataFrame = field(kw_only=True)
    measure: Measure = field(kw_only=True)
    over: str = field(kw_only=True)
    by: str = field(default="", kw_only=True)
    width: float = field(default=LIMITS, kw_only=True)

    @property
    def signals(self) -> pd.DataFrame:
        """The rows of `limits` with a signal."""
        return self.limits[self.limits["signal"] != ""]


def trend(
    responses: pd.DataFrame,
    items: str | Sequence[str] = "recommend",
    *,
    over: str = "wave",
    by: str | None = None,
    measure: Measure | str = "nps",
    baseline: int = 0,
    limits: float = LIMITS,
    overdispersed: bool = False,
    weight: str | None = None,
    customer: str | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> Trend:
    """A score of each item, and of each group of `by`, over the waves, with its control limits.

    Centre line: mean of the first `baseline` waves (0: the first half of them), all answers
    together. Limits: `limits` standard errors of a wave less the centre, from the spread of the
    baseline's answers and the wave's own effective n; customers who answer in several waves are
    counted (covariance). A column `cases` counts what a rate is of: its sum is kept, and a wave of
    few cases is hidden as one of few answers is. `overdispersed` widens them by how much more the
    baseline's waves scatter than sampling explains (Laney 2002), if they do. CUSUM: k 0.5, h 4
    standard errors.

    Raises ValueError for fewer than two waves with answers, and a baseline of all of them.
    """
    measure = as_measure(measure)
    items, series = [items] if isinstance(items, str) else list(items), []
    known(responses, [*items, over, *([by] if by else [])])
    parts = [(None, responses)] if not by else list(responses.groupby(by, sort=True))
    how = dict(
        over=over,
        measure=measure,
        baseline=baseline,
        width=limits,
        weight=weight,
        overdispersed=overdispersed,
        customer=customer,
        draws=draws,
        seed=seed,
    )
    for group, rows in parts:
        for item in items:
            if rows.loc[rows[item].notna(), over].nunique() > 1:
                series.append(_series(rows, item, **how) | {"group": group})
    if not series:
        raise ValueError(
            f"{', '.join(items)}: no two values of {over} have answers. A trend needs two waves."
        )
    tables = [_joined(series, name, by) for name in ("table", "limits", "changes")]
    small = disclosure.hidden(tables[1]) != ""  # of too few, not even that they stand out is told
    tables[1].loc[small, ["signal", "first_seen"]] = ""
    _untrace(tables[1], small.to_numpy(), [by, "term"] if by else ["term"])
    ends = np.cumsum([len(s["limits"]) for s in series])
    for one, end in zip(series, ends, strict=True):  # what sentences may speak of
        one["limits"] = tables[1].iloc[end - len(one["limits"]) : end]
        one["shown"] = ~small.to_numpy()[end - len(one["limits"]) : end]
    return Trend(
        tables[0],
        _sentence(series, measure, over),
        _note(series, tables[1], limits, draws, over),
        measure.unit,
        limits=tables[1],
        changes=tables[2],
        measure=measure,
        over=over,
        by=by or "",
        width=limits,
        draws=draws,
        seed=seed,
    )


def last_two(responses: pd.DataFrame, item: str, over: str = "wave") -> pd.DataFrame:
    """The rows of the last two waves that have answers to the item; ValueError if there is one."""
    known(responses, [item, over])
    waves = sorted(responses.loc[responses[item].notna(), over].dropna().unique())
    if len(waves) < 2:
        raise ValueError(
            f"{item} has answers in {len(waves)} value(s) of {over}; a change needs two."
        )
    return responses[responses[over].isin(waves[-2:])]


def _series(
    rows: pd.DataFrame,
    item: str,
    *,
    over: str,
    measure: Measure,
    baseline: int,
    width: float,
    overdispersed: bool,
    weight: str | None,
    customer: str | None,
    draws: int,
    seed: int,
) -> dict:
    """Everything about one item in one group."""
    answers = read(
        rows,
        [item],
        by=over,
        weight=weight,
        customer=customer,
        scale=measure.scale,
        whole=measure.whole,
    )
    found = cells.of(answers, measure.recode)
    first = _baseline(baseline, len(answers.groups), item, over)
    y, n = measure.factor * found.mean[:, 0], found.n[:, 0]
    covariance = measure.factor**2 * _covariance(answers, measure, found, first)
    z, centre, error = charts.standardised(y, covariance, found.total[:, 0], first)
    scatter = charts.excess(z[:first])
    if overdispersed and scatter > 1:
        z, error = z / scatter, error * scatter
    replicates = measure.factor * cells.means(
        *cells.draw_sums(answers, measure.recode, draws, seed)
    )
    noise = _noise(replicates, covariance)
    up, down = charts.cusum(z, decision=charts.DECISION)
    base = pd.DataFrame({over: answers.groups, "term": item, "estimate": y})
    counted = {"n": n}
    if disclosure.CASES in rows:
        of_wave = rows.groupby(over)[disclosure.CASES].sum()
        counted[disclosure.CASES] = of_wave[answers.groups].to_numpy()
    low, high = means.own_interval(answers, found, measure)
    chart = base.assign(
        low=centre - width * error,
        high=centre + width * error,
        **counted,
        centre=centre,
        baseline=np.arange(len(y)) < first,
        z=z,
        up=up,
        down=down,
    )
    quiet = charts.standardised(noise, covariance, found.total[:, 0], first)[0]
    return {
        "item": item,
        "answers": answers,
        "scatter": scatter,
        "first": first,
        "table": base.assign(low=low, high=high, **counted),
        "limits": _signalled(chart, answers.groups, width, quiet),
        "changes": _changes(answers.groups, y, n, covariance, noise, item),
    }


def _untrace(limits: pd.DataFrame, hidden: np.ndarray, series: list[str]) -> None:
    """Blank the cumulative sums that carry on from a hidden wave, until they are nought again.

    The sum of the next wave, less its own deviation, would be that of the hidden one.
    """
    for places in limits.groupby(series, sort=False).indices.values():
        for side in ("up", "down"):
            sums, place = limits[side].to_numpy(copy=True), limits.columns.get_loc(side)
            traced = False
            for row in places:
                traced = hidden[row] or (traced and sums[row] > 0)
                if traced:
                    limits.iloc[row, place] = np.nan


def _baseline(asked: int, waves: int, item: str, over: str) -> int:
    first = asked or max(1, waves // 2)
    if not 0 < first < waves:
        raise ValueError(
            f"baseline={asked} of {waves} values of {over} with answers to {item}: it must leave "
            f"one to judge. Choose 1 to {waves - 1}."
        )
    return first


def _covariance(answers: Answers, measure: Measure, found: cells.Cells, first: int) -> np.ndarray:
    """Of the waves' estimates, were nothing to change: the baseline's spread, each wave's own n.

    Waves share customers: their correlation is that of what the customers add to each.
    """
    size, weight = found.counted[:, 0], found.total[:first, 0]
    mean = np.nansum(weight * found.mean[:first, 0]) / weight.sum()
    within = found.variance[:first, 0] + (found.mean[:first, 0] - mean) ** 2
    spread = np.sqrt(np.nansum(weight * within) / weight.sum() / size)
    cor = np.eye(len(size))
    if answers.repeated:
        rest = cells.residuals(answers, measure.recode, found.mean)
        products = rest.T @ rest
        length = np.sqrt(np.diag(products))
        length[length == 0] = 1.0
        cor = products / np.outer(length, length)
        np.fill_diagonal(cor, 1.0)
    return cor * np.outer(spread, spread)


def _noise(replicates: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Draws of the waves about their mean, as wide as the chart takes the waves to be."""
    # A wave without draws, and below one in which no two answers differ, tells no noise.
    replicates = np.where(np.isnan(replicates).all(0), 0.0, replicates)
    away = replicates - np.nanmean(replicates, axis=0)
    alike = np.nanstd(away, axis=0) == 0
    shape = (len(away), int(alike.sum()))
    away[:, alike] = np.random.default_rng(len(away)).standard_normal(shape)
    return away * np.sqrt(np.diag(covariance)) / np.nanstd(away, axis=0)


def _signalled(chart: pd.DataFrame, waves: list, width: float, quiet: np.ndarray) -> pd.DataFrame:
    """The chart with signal, probability and first_seen of each wave; `quiet` are draws of z."""
    z, sums = chart["z"].to_numpy(), [chart[side].to_numpy() for side in ("up", "down")]
    above, below = z > width, z < -width
    rising, falling = (s > charts.DECISION for s in sums)
    flags = [above, below, rising, falling]
    signal = np.select(flags, ["above", "below", "rising", "falling"], "")
    since = np.select(
        flags, [_run(above), _run(below), *(charts.begun(s, charts.DECISION) for s in sums)]
    )
    alone = np.minimum(2 * ndtr(-np.abs(z)), 1 - 1e-12)
    by_sum = _chance_of_sums(np.where(rising, *sums), quiet)
    return chart.assign(
        signal=signal,
        probability=np.where(
            (rising | falling) & ~above & ~below,
            by_sum,
            -np.expm1(max(int((~np.isnan(z)).sum()), 1) * np.log1p(-alone)),
        ),
        first_seen=[waves[k] if s else "" for k, s in zip(since, signal, strict=True)],
    )


def _chance_of_sums(sums: np.ndarray, quiet: np.ndarray) -> np.ndarray:
    """In how many draws without a change some sum comes as far as each of these."""
    reached = np.max([s.max(-1) for s in charts.cusum(quiet, decision=charts.DECISION)], axis=0)
    return (1 + (reached[:, None] >= sums).sum(0)) / (1 + len(quiet))


def _run(flags: np.ndarray) -> np.ndarray:
    """Where each run of signals began."""
    place = np.arange(len(flags))
    return np.maximum.accumulate(np.where(flags & ~np.r_[False, flags[:-1]], place, 0))


def _changes(
    waves: list, y: np.ndarray, n: np.ndarray, covariance: np.ndarray, noise: np.ndarray, item: str
) -> pd.DataFrame:
    """The most likely change of level; one row, empty of numbers where there are too few waves."""
    there = ~np.isnan(y) & ~np.isnan(noise).any(0)
    names = [w for w, ok in zip(waves, there, strict=True) if ok]
    row = {
        "term": item,
        "estimate": np.nan,
        "low": np.nan,
        "high": np.nan,
        "n": int(n.sum()),
        "wave": "",
        "earliest": "",
        "latest": "",
        "p": np.nan,
    }
    if there.sum() < LEAST_WAVES:
        return pd.DataFrame([row])
    inverse = 1 / np.diag(covariance)[there]
    found = charts.change_point(y[there], inverse, noise[:, there])
    at = found["wave"]
    reach = normal_quantile(LEVEL) * charts.steps(noise[:, there], inverse)[0][:, at - 1].std()
    return pd.DataFrame(
        [
            row
            | {
                "estimate": found["step"],
                "low": found["step"] - reach,
                "high": found["step"] + reach,
                "wave": names[at],
                "earliest": names[found["first"]],
                "latest": names[found["last"]],
                "p": found["p"],
            }
        ]
    )


def _joined(series: list[dict], name: str, by: str | None) -> pd.DataFrame:
    parts = [s[name] for s in series]
    if by:
        parts = [p.assign(**{by: s["group"]}) for p, s in zip(parts, series, strict=True)]
        parts = [p[[by, *(c for c in p if c != by)]] for p in parts]
    return pd.concat(parts, ignore_index=True)


def _sentence(series: list[dict], measure: Measure, over: str) -> str:
    if len(series) > 1:
        return _of_many(series, over)
    chart, table = series[0]["limits"], series[0]["table"]
    shown = np.flatnonzero(series[0]["shown"])
    if not len(shown):
        return disclosure.left_out()
    at = shown[-1]
    last, own = chart.iloc[at], table.iloc[at]
    facts = {
        "measure": measure.name(last["term"]),
        "wave": last[over],
        "value": measure.value(last["estimate"]),
        "n": last["n"],
        "span": measure.span(own["low"], own["high"]),
        "limits": measure.span(last["low"], last["high"]),
    }
    place = "" if last["signal"] not in ("above", "below") else last["signal"]
    said = [
        {
            "": _(
                "{measure} in {wave:label}: {value} ({span}), n {n:count}; inside its control "
                "limits, {limits}.",
                **facts,
            ),
            "below": _(
                "{measure} in {wave:label}: {value} ({span}), n {n:count}; below its control "
                "limits, {limits}.",
                **facts,
            ),
            "above": _(
                "{measure} in {wave:label}: {value} ({span}), n {n:count}; above its control "
                "limits, {limits}.",
                **facts,
            ),
        }[place]
    ]
    earlier = chart.iloc[[k for k in shown if k < at]]
    earlier = earlier[earlier["signal"].isin(["above", "below"])]
    if len(earlier):
        said.append(_("Outside them earlier: {waves:label_list6}.", waves=earlier[over]))
    else:
        said.append(
            _("No earlier wave was outside.") if over == "wave" else _("None before was outside.")
        )
    if last["signal"] in ("rising", "falling"):
        said.append(
            _(
                "Its cumulative sum has been out of control since {wave:label}.",
                wave=last["first_seen"],
            )
        )
    return i18n.together([*said, _of_change(series[0]["changes"].iloc[0], measure)])


def _of_change(change: pd.Series, measure: Measure) -> str:
    if np.isnan(change["p"]):
        return ""
    if change["p"] >= 1 - LEVEL:
        return _("No change of level is clear of chance (p {p:p}).", p=change["p"])
    facts = {k: i18n.label(str(change[k])) for k in ("wave", "earliest", "latest")} | {
        "step": measure.moved(change["estimate"]),
        "span": measure.change_span(change["low"], change["high"]),
    }
    if change["earliest"] == change["latest"]:
        return _("The level most likely changed in {wave}, by {step} ({span}).", **facts)
    return _(
        "The level most likely changed in {wave} (between {earliest} and {latest}), by {step} "
        "({span}).",
        **facts,
    )


def _of_many(series: list[dict], over: str) -> str:
    waves = [wave for s in series for wave in s["limits"].loc[s["shown"], over]]
    if not waves:
        return disclosure.left_out()
    now = [s for s in series if s["limits"].loc[s["limits"][over] == max(waves), "signal"].any()]
    ever = [s for s in series if (s["limits"]["signal"] != "").any()]
    facts = {"all": len(series), "now": len(now), "ever": len(ever), "wave": max(waves)}
    if not ever:
        return _("None of {all:count} scores gives a signal in any wave.", **facts)
    said = _(
        "Scores that give a signal in {wave:label}: {now:count} of {all:count}; in some wave: "
        "{ever:count}.",
        **facts,
    )
    names = [_name(s) for s in now or ever]
    which = (
        _("Now: {names:list4}.", names=names) if now else _("Earlier: {names:list4}.", names=names)
    )
    return i18n.together([said, which])


def _name(one: dict) -> str:
    item = i18n.quoted(i18n.label(one["item"]))
    if one["group"] is None:
        return item
    return _("{item} ({group:label})", item=item, group=one["group"])


def _note(series: list[dict], limits: pd.DataFrame, width: float, draws: int, over: str) -> str:
    first, waves = series[0]["first"], len(series[0]["limits"])
    judged = int(limits["z"].notna().sum())
    said = [*series[0]["answers"].note] if len(series) == 1 else []
    facts = {
        "first": first,
        "waves": waves,
        "width": width,
        "judged": judged,
        "chance": judged * 2 * (1 - ndtr(width)),
    }
    if over != "wave":  # weeks of cases, say: neither waves nor answers
        return i18n.together(
            [
                _(
                    "Centre line: the first {first:count} of {waves:count} points. Limits: "
                    "{width:number1} standard errors; of {judged:count} points about "
                    "{chance:number2} would lie outside by chance.",
                    **facts,
                ),
                _("{draws:count} draws.", draws=draws),
            ]
        )
    said.append(
        _(
            "Centre line: the first {first:count} of {waves:count} waves. Limits: {width:number1} "
            "standard errors; of {judged:count} points about {chance:number2} would lie outside "
            "by chance. Cumulative sum: k 0.5, h 4.",
            **facts,
        )
    )
    if len(series) == 1 and first > LEAST_WAVES:
        said.append(
            _(
                "The baseline's waves scatter {times:number1} times as much as sampling explains.",
                times=series[0]["scatter"],
            )
        )
    return i18n.together([*said, _("{draws:count} draws.", draws=draws)])
