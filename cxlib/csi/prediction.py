"""How well the model predicts answers it has not seen (PLSpredict), against two benchmarks.

power = csi.predict(sample, model)
print(power)             # 19 of 19 questions are predicted better than by their means ...
power.table              # Q²predict and errors, question by question
power.losses             # against both benchmarks, construct by construct
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.special import stdtr

from cxlib.core import i18n
from cxlib.core.errors import InsufficientData, require_choice
from cxlib.core.i18n import N_, _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.csi import notes, pls
from cxlib.csi.estimation import Options, Problem, estimate, prepare
from cxlib.csi.model import Model
from cxlib.stats import linear_algebra, moments, resampling
from cxlib.stats.estimators import ratio
from cxlib.stats.intervals import estimates_table, expanded_level, simultaneous_interval

ANTECEDENTS = ("direct", "earliest")
MODELS = ("model", "linear", "means")


def predict(
    sample: SampleLike,
    model: Model,
    options: Options | None = None,
    *,
    antecedents: str = "direct",
    folds: int = 10,
    repeats: int = 10,
) -> Result:
    """Errors of prediction out of sample, by repeated cross-validation.

    Composites predict: nothing is freed of error, and rows that answer everything are used,
    whatever `options` say of either. Clusters are left out whole, and resampled for the intervals,
    given the predictions. Constructs of a higher order are taken in parts.

    Parameters
    ----------
    sample : answers, a row each
    model, options : as in `fit`
    antecedents : what is known of new people, "direct" (the causes, by their own questions) or
        "earliest" (constructs without causes, from which the others are predicted in turn); the
        linear model uses the same questions
    folds, repeats : of the cross-validation

    Returns
    -------
    Result with the tables "table" (construct, term, estimate: Q²predict, 1 is perfect and 0 the
    mean, low, high, n; rmse and mae of the path model, of a linear model and of means) and "losses"
    (against in means, linear; term; estimate: squared error of that benchmark minus the model's,
    averaged over the construct's questions in units of their variances, "overall" over all: above 0
    the model predicts better; the intervals against one benchmark are simultaneous; t and p of each
    alone, as CVPAT has them, by bootstrap errors and Student's t of the clusters less one).

    Raises
    ------
    ValueError : as `fit`; folds fewer than 2 or more than clusters

    References
    ----------
    Shmueli, Ray, Velasquez Estrada and Chatla (2016), Journal of Business Research 69(10); Shmueli
    et al. (2019), European Journal of Marketing 53(11); Liengaard et al. (2021), Decision Sciences
    52(2).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> rows = pd.DataFrame({"speed": rng.integers(1, 11, 60)})
    >>> rows["pleased"] = (rows["speed"] + rng.integers(-2, 3, 60)).clip(1, 10)
    >>> model = Model({"quality": ["speed"], "satisfaction": ["pleased"]},
    ...               {"satisfaction": ["quality"]})
    >>> predict(rows, model).table["estimate"].round(1).tolist()
    [0.8]
    """
    require_choice("antecedents", antecedents, ANTECEDENTS)
    model = replace(model.stages[0] if model.parts else model, reflective=())
    options = replace(options or Options(), missing="complete", consistent=False)
    sample = as_sample(sample).in_rows()
    task = prepare(sample, model, options)
    complete = sample.data[model.items].notna().all(axis=1).to_numpy()
    used = sample.where(complete & (moments.weights_of(sample.data, sample.weight) > 0))
    keys = resampling.resampling_units(used).keys
    units = len(np.unique(keys))
    if units < folds:
        raise InsufficientData(
            _(
                "{n:count} customers are too few to be predicted in {folds:count} parts.",
                n=units,
                folds=folds,
            )
        )
    if not folds >= 2:
        raise ValueError(f"folds is {folds}; it must be 2 or more.")
    x = used.data[model.items].to_numpy(float)
    squared, absolute, failed = _errors(task, x, keys, antecedents, folds, repeats)
    tables = _tables(task, squared, absolute, x, used)
    remarks = [
        notes.answers_note(task),
        _(
            "{repeats:count} times {folds:count} parts of the customers, each predicted from the "
            "others.",
            repeats=repeats,
            folds=folds,
        ),
        notes.resamples_note(task),
        _("{failed:count} parts could not be predicted.", failed=failed) if failed else "",
    ]
    return Result(
        tables,
        _finding(tables["table"], tables["losses"]),
        i18n.together(remarks),
        "share",
        **sample.bootstrap,
    )


def _errors(
    task: Problem, x: np.ndarray, keys: np.ndarray, antecedents: str, folds: int, repeats: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """Squared and absolute errors (MODELS, rows, questions) averaged over repeats, and failures.

    Questions of constructs without causes are NaN.
    """
    known, unit = np.unique(keys, return_inverse=True)
    even = np.arange(len(known)) % folds
    part = np.random.default_rng(task.sums.seed).permuted(np.tile(even, (repeats, 1)), axis=1)
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
    """What predicts questions (columns) from questions (rows), (MODELS, p, p, D)."""
    p, _unused, draws = cov.shape
    deviation = np.sqrt(np.einsum("iid->id", cov))
    scores = np.zeros((len(plan.blocks), p, draws))  # of constructs, from standardised answers
    for j, block in enumerate(plan.blocks):
        scores[j, block] = solved.weights[block]
    predicted = np.full_like(scores, np.nan)
    out = np.zeros((len(MODELS), p, p, draws))
    out[..., _exogenous(plan), :] = np.nan
    for j in plan.order:
        causes, block = list(plan.causes[j]), plan.blocks[j]
        if not causes:
            predicted[j] = scores[j]
            continue
        known = scores if antecedents == "direct" else predicted
        predicted[j] = np.einsum("kd,kpd->pd", solved.paths[j, causes], known[causes])
        loading = solved.loadings[block] * deviation[block]
        out[0][:, block] = predicted[j][:, None] * loading / deviation[:, None]
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


def _tables(
    task: Problem, squared: np.ndarray, absolute: np.ndarray, x: np.ndarray, used: Sample
) -> dict[str, pd.DataFrame]:
    """Q²predict by question, and the losses against benchmarks by construct."""
    w, clusters = used.weights, resampling.resampling_units(used)
    plan, names, items = task.plans[0], list(task.model.constructs), task.model.items
    wanted = np.flatnonzero(~_exogenous(plan))
    variance = np.average((x - np.average(x, axis=0, weights=w)) ** 2, axis=0, weights=w)
    squared, absolute = squared[..., wanted], absolute[..., wanted]
    known = ~np.isnan(squared[0, :, 0])
    flat = np.moveaxis(squared, 0, 1).reshape(len(x), -1)[known] * w[known, None]
    found = ratio(flat, w[known, None], **used.bootstrap, clusters=clusters.take(known))
    mse = np.vstack(list(found)).reshape(
        1 + used.draws, len(MODELS), -1
    )  # the sample, then its draws
    level, n = expanded_level(task.sums.effective), int(known.sum())
    home = np.repeat(np.arange(len(names)), [b.stop - b.start for b in plan.blocks])[wanted]
    q2 = 1 - mse[:, 0] / mse[:, 2]
    table = estimates_table([items[i] for i in wanted], q2[0], q2[1:], n, level=level)
    table.insert(0, "construct", [names[j] for j in home])
    mae = np.average(absolute[:, known], axis=1, weights=w[known])
    for k, name in enumerate(("", "_linear", "_means")):
        table[f"rmse{name}"], table[f"mae{name}"] = np.sqrt(mse[0, k]), mae[k]
    units = len(np.unique(clusters.keys[known]))
    return {"table": table, "losses": _losses(mse / variance[wanted], home, names, n, units)}


def _losses(
    mse: np.ndarray, home: np.ndarray, names: list[str], n: int, units: int
) -> pd.DataFrame:
    effects, parts = list(dict.fromkeys(home)), []
    of = np.stack([home == j for j in effects] + [np.ones(len(home), bool)]).astype(float)
    of /= of.sum(1, keepdims=True)
    for against, k in (("means", 2), ("linear", 1)):
        gain = (mse[:, k] - mse[:, 0]) @ of.T
        low, high = simultaneous_interval(gain[0], gain[1:])
        term = [*(names[j] for j in effects), "overall"]
        part = {"against": against, "term": term, "estimate": gain[0], "low": low, "high": high}
        with np.errstate(invalid="ignore", divide="ignore"):
            t = gain[0] / np.nanstd(gain[1:], axis=0, ddof=1)
        p = 2 * stdtr(max(units - 1, 1), -np.abs(t))
        parts.append(pd.DataFrame(part).assign(n=n, t=t, p=p))
    return pd.concat(parts, ignore_index=True)


def _finding(table: pd.DataFrame, losses: pd.DataFrame) -> Finding:
    better = int((table["rmse"] < table["rmse_linear"]).sum())
    power = N_("none")
    if better:
        power = N_("low") if better <= len(table) / 2 else N_("medium")
    if better == len(table):
        power = N_("high")
    words = {
        "above": (table["low"] > 0).sum(),
        "all": len(table),
        "n": table["n"].iloc[0],
        "better": better,
        "power": _(power),
    }
    claim = (
        _("The model predicts the answers of new customers better than plain means do.")
        if (table["low"] > 0).all()
        else _(
            "The model predicts {above:count} of {all:count} questions of new customers better "
            "than plain means do.",
            **words,
        )
    )
    row = losses[(losses["term"] == "overall") & (losses["against"] == "linear")].iloc[0]
    share = abs(float((table["rmse"] / table["rmse_linear"]).mean()) - 1)
    if row["low"] > 0:
        overall = _("significantly smaller errors, by {share:share1}", share=share)
    elif row["high"] < 0:
        overall = _("significantly larger errors, by {share:share1}", share=share)
    else:
        overall = _("no significant difference")
    detail = _(
        "smaller errors than a linear model in {better:count} of {all:count} questions (predictive "
        "power: {power}); over all questions {overall}; n = {n:count}",
        overall=overall,
        **words,
    )
    return Finding(claim, detail, importance=Importance.METHOD)
