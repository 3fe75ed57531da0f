"""How well the model foretells answers it has not seen (PLSpredict), beside two benchmarks.

power = csi.predict(responses, model, weight="weight", bucket="customer_id")
print(power)             # 19 of 19 questions are foretold better than by their means ...
power.table              # Q²predict and errors, question by question
power.losses             # against both benchmarks, construct by construct
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from cxlib import weights
from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.csi import pls, said
from cxlib.csi.model import Model
from cxlib.csi.prepared import Prepared, Scales, estimate, prepare
from cxlib.estimates import Estimates, how_drawn
from cxlib.stats import linear_algebra, moments, resampling
from cxlib.stats.estimators import ratio
from cxlib.stats.intervals import estimates_table, expanded_level, simultaneous_interval

ANTECEDENTS = ("direct", "earliest")
MODELS = ("model", "linear", "means")


@dataclass(frozen=True)
class Prediction(Estimates):
    """Q²predict of each question of a construct with causes (`table`): 1 is perfect, 0 the mean.

    Attributes
    ----------
    table : construct, term, estimate, low, high, n; with rmse and mae of the path model, of a
        linear model (rmse_linear, mae_linear) and of means (rmse_means, mae_means)
    losses : construct, against in means, linear; squared error of that benchmark less the model's,
        averaged over the construct's questions in units of their variances, "overall" over all;
        above 0 the model foretells better. The intervals against one benchmark hold at once
    """

    losses: pd.DataFrame = field(kw_only=True)


def predict(
    responses: pd.DataFrame,
    model: Model,
    *,
    scales: Scales | None = None,
    weight: str | None = None,
    bucket: str | None = None,
    scheme: str = "path",
    antecedents: str = "direct",
    folds: int = 10,
    repeats: int = 10,
    draws: int = 1000,
    seed: int = 1,
) -> Prediction:
    """Errors of prediction out of sample, by `folds` times `repeats`; other arguments as `csi.fit`.

    Shmueli, Ray, Velasquez Estrada and Chatla (2016), J. Business Research 69(10); Shmueli et al.
    (2019), European J. of Marketing 53(11); average losses: Liengaard et al. (2021), Decision
    Sciences 52(2). Causes are known of new people by their own questions ("direct"), or foretold
    in turn from constructs without causes ("earliest"); the linear model goes by the same
    questions. Composites foretell: nothing is freed of error. Customers are left out whole, and
    drawn again for the intervals, given what was foretold. Rows that answer everything are used.
    Constructs of a higher order are taken in parts. Raises ValueError as `csi.fit`.
    """
    if antecedents not in ANTECEDENTS:
        raise ValueError(f"no antecedents {antecedents!r}. There are: {', '.join(ANTECEDENTS)}.")
    model = replace(model.stages[0] if model.parts else model, reflective=())
    how = {"scales": scales, "weight": weight, "bucket": bucket, "scheme": scheme}
    task = prepare(responses, model, **how)
    rows = responses[responses[model.items].notna().all(axis=1)]
    rows = rows[moments.weights_of(rows, weight) > 0]
    w, who = moments.weights_of(rows, weight), resampling.who_of(rows, bucket, weight)
    units = len(np.unique(who.keys))
    if not 2 <= folds <= units:
        raise ValueError(f"folds is {folds}; it must be 2 to {units}, the number of customers.")
    x = rows[model.items].to_numpy(float)
    squared, absolute, failed = _errors(task, x, who.keys, antecedents, folds, repeats, seed)
    table, losses = _tables(task, squared, absolute, x, w, who, draws, seed)
    remarks = [
        said.answered(task.sums, responses, model.items),
        _(
            "{repeats:count} times {folds:count} parts of the customers, each foretold from the "
            "others.",
            repeats=repeats,
            folds=folds,
        ),
        how_drawn(draws, weights.differing(responses, weight), bucket),
        _lost(failed),
    ]
    note = i18n.together(remarks)
    return Prediction(
        table, _sentence(table, losses), note, "share", draws=draws, seed=seed, losses=losses
    )


def _errors(task: Prepared, x, keys, antecedents: str, folds: int, repeats: int, seed: int):
    """Squared and absolute errors (MODELS, rows, questions) averaged over repeats, and failures.

    Questions of constructs without causes are NaN.
    """
    known, unit = np.unique(keys, return_inverse=True)
    even = np.arange(len(known)) % folds
    part = np.random.default_rng(seed).permuted(np.tile(even, (repeats, 1)), axis=1)
    place = np.searchsorted(known, task.sums.keys)
    left_out = part[:, None] == np.arange(folds)[:, None]  # repeats, folds, customers
    training = task.sums.mixed((~left_out[:, :, place]).reshape(-1, len(place)).astype(float))
    mean, cov = np.moveaxis(training.mean, 0, -1), np.moveaxis(training.cov, 0, -1)
    (solved,) = task.solve(mean, cov, estimate(task)[0])
    slopes = _slopes(task.plans[0], cov, solved, antecedents)
    squared, absolute = np.zeros((2, len(MODELS), *x.shape))
    done, failed = np.zeros((len(x), 1)), 0
    for k, out in enumerate(left_out[:, :, unit].reshape(-1, len(x))):
        apart = x[out] - mean[:, k]
        error = apart - apart @ slopes[..., k]  # MODELS, rows, questions
        if np.isnan(slopes[0, :, :, k]).all(0).sum() > _exogenous(task.plans[0]).sum():
            failed += 1
            continue
        squared[:, out] += error**2
        absolute[:, out] += np.abs(error)
        done[out] += 1
    with np.errstate(invalid="ignore"):
        return squared / done, absolute / done, failed


def _exogenous(plan: pls.Plan) -> np.ndarray:
    """Which questions belong to constructs without causes, (p,)."""
    sizes = [b.stop - b.start for b in plan.blocks]
    return np.repeat([not causes for causes in plan.causes], sizes)


def _slopes(plan: pls.Plan, cov: np.ndarray, solved: pls.Solution, antecedents: str) -> np.ndarray:
    """What foretells questions (columns) from questions (rows), (MODELS, p, p, D)."""
    p, _unused, draws = cov.shape
    deviation = np.sqrt(np.einsum("iid->id", cov))
    scores = np.zeros((len(plan.blocks), p, draws))  # of constructs, from standardised answers
    for j, block in enumerate(plan.blocks):
        scores[j, block] = solved.weights[block]
    foretold = np.full_like(scores, np.nan)
    out = np.zeros((len(MODELS), p, p, draws))
    out[..., _exogenous(plan), :] = np.nan
    for j in plan.order:
        causes, block = list(plan.causes[j]), plan.blocks[j]
        if not causes:
            foretold[j] = scores[j]
            continue
        known = scores if antecedents == "direct" else foretold
        foretold[j] = np.einsum("kd,kpd->pd", solved.paths[j, causes], known[causes])
        loading = solved.loadings[block] * deviation[block]
        out[0][:, block] = foretold[j][:, None] * loading / deviation[:, None]
        asked = _questions(plan, j, antecedents)
        out[1][asked, block] = _regression(cov, asked, block)
    return out


def _questions(plan: pls.Plan, effect: int, antecedents: str) -> np.ndarray:
    """The questions that a linear model of the effect's questions goes by."""
    if antecedents == "earliest":
        return np.flatnonzero(_exogenous(plan))
    return np.concatenate([np.r_[plan.blocks[k]] for k in plan.causes[effect]])


def _regression(cov: np.ndarray, asked: np.ndarray, block: slice) -> np.ndarray:
    first = np.moveaxis(cov, -1, 0)
    inverse = linear_algebra.pseudo_inverse(first[:, asked[:, None], asked], 1e-15)
    return np.moveaxis(inverse @ first[:, asked][:, :, block], 0, -1)


def _tables(task, squared, absolute, x, w, who, draws, seed):
    """Q²predict by question, and the losses against benchmarks by construct."""
    plan, names, items = task.plans[0], list(task.model.constructs), task.model.items
    wanted = np.flatnonzero(~_exogenous(plan))
    variance = np.average((x - np.average(x, axis=0, weights=w)) ** 2, axis=0, weights=w)
    squared, absolute = squared[..., wanted], absolute[..., wanted]
    known = ~np.isnan(squared[0, :, 0])
    flat = np.moveaxis(squared, 0, 1).reshape(len(x), -1)[known] * w[known, None]
    found = ratio(flat, w[known, None], draws=draws, seed=seed, who=who.take(known))
    mse = np.vstack(list(found)).reshape(1 + draws, len(MODELS), -1)  # the sample, then its draws
    level, n = expanded_level(task.sums.effective), int(known.sum())
    home = np.repeat(np.arange(len(names)), [b.stop - b.start for b in plan.blocks])[wanted]
    q2 = 1 - mse[:, 0] / mse[:, 2]
    table = estimates_table([items[i] for i in wanted], q2[0], q2[1:], n, level=level)
    table.insert(0, "construct", [names[j] for j in home])
    mae = np.average(absolute[:, known], axis=1, weights=w[known])
    for k, name in enumerate(("", "_linear", "_means")):
        table[f"rmse{name}"], table[f"mae{name}"] = np.sqrt(mse[0, k]), mae[k]
    return table, _losses(mse / variance[wanted], home, names, n)


def _losses(mse: np.ndarray, home: np.ndarray, names: list[str], n: int) -> pd.DataFrame:
    effects, parts = list(dict.fromkeys(home)), []
    of = np.stack([home == j for j in effects] + [np.ones(len(home), bool)]).astype(float)
    of /= of.sum(1, keepdims=True)
    for against, k in (("means", 2), ("linear", 1)):
        gain = (mse[:, k] - mse[:, 0]) @ of.T
        low, high = simultaneous_interval(gain[0], gain[1:])
        term = [*(names[j] for j in effects), "overall"]
        part = {"against": against, "term": term, "estimate": gain[0], "low": low, "high": high}
        parts.append(pd.DataFrame(part).assign(n=n))
    return pd.concat(parts, ignore_index=True)


def _sentence(table: pd.DataFrame, losses: pd.DataFrame) -> str:
    above = int((table["low"] > 0).sum())
    better = int((table["rmse"] < table["rmse_linear"]).sum())
    facts = {"all": len(table), "n": table["n"].iloc[0]}
    first = _(
        "Of people it has not seen, the model foretells {above:count} of {all:count} questions "
        "better than their means do, n {n:count}.",
        above=above,
        **facts,
    )
    power = (
        _("high")
        if better == len(table)
        else _("medium")
        if better > len(table) / 2
        else _("low")
        if better
        else _("none")
    )
    second = _(
        "It errs less than a linear model of the same questions in {better:count} of {all:count} "
        "(predictive power by the usual rule: {power}).",
        better=better,
        power=power,
        **facts,
    )
    whole = losses[(losses["term"] == "overall") & (losses["against"] == "linear")].iloc[0]
    return i18n.together([first, second, _beside(whole, table)])


def _beside(row: pd.Series, table: pd.DataFrame) -> str:
    """Whether the model or the linear one foretells better over all questions, and by how much."""
    share = abs(float((table["rmse"] / table["rmse_linear"]).mean()) - 1)
    if row["low"] > 0:
        return _(
            "Over all questions it errs less than the linear model beyond chance, by "
            "{share:share1}.",
            share=share,
        )
    if row["high"] < 0:
        return _(
            "Over all questions it errs more than the linear model beyond chance, by "
            "{share:share1}.",
            share=share,
        )
    return _("Over all questions neither is better beyond chance.")


def _lost(failed: int) -> str:
    if not failed:
        return ""
    return _("{failed:count} parts could not be foretold.", failed=failed)
