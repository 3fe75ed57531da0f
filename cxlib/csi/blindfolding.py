"""Q² of Stone and Geisser by blindfolding, as older work reports it.

    found = csi.blindfolding(sample, model)
    found.table           # cross-validated redundancy of every construct with causes
    found.communality     # cross-validated communality of every construct with several questions

Cells are left out, and not people: what else a person answered helps to predict them. `predict`
leaves people out and has intervals; prefer it unless another study is to be repeated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.csi import notes
from cxlib.csi.estimation import Options, Problem, estimate, prepare
from cxlib.csi.model import Model
from cxlib.stats import moments


def blindfolding(
    sample: SampleLike, model: Model, options: Options | None = None, *, distance: int = 7
) -> Result:
    """Cross-validated redundancy and communality (Q²) of the constructs, by blindfolding.

    Of each construct in turn, every `distance`-th cell of its questions is left out, column after
    column in the order of the rows, and replaced by the mean of the others; the model is estimated,
    and the cells are predicted from it; then the next cells, until each was left out once. Q² is
    1 - SSE/SSO: squared errors of these predictions, over those of the means. Composites predict,
    as in `predict`; rows that answer everything are used, and constructs of a higher order are
    taken in parts.

    Parameters
    ----------
    sample : answers, a row each
    model, options : as in `fit`
    distance : omission distance; 5 to 10 is usual, and no divisor of the number of rows, which
        would leave out complete rows

    Returns
    -------
    Result with the tables "table" (term: constructs with causes, estimate: Q² by the causes, n) and
    "communality" (term: constructs with several questions, estimate: Q² by the construct's own
    score, n). Above 0 predictions are better than means. There are no intervals: Q² depends on the
    order of the rows.

    Raises
    ------
    ValueError : a distance below 2 or above the number of rows, or one that divides it; as `fit`

    References
    ----------
    Wold (1982), in Jöreskog and Wold (eds), Systems under Indirect Observation; Geisser (1974),
    Biometrika 61(1); Stone (1974), J. Royal Statistical Society B 36(2). Shmueli, Ray, Velasquez
    Estrada and Chatla (2016), Journal of Business Research 69(10), on what it does not tell.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> rows = pd.DataFrame({"speed": rng.integers(1, 11, 60)})
    >>> rows["pleased"] = (rows["speed"] + rng.integers(-2, 3, 60)).clip(1, 10)
    >>> model = Model({"quality": ["speed"], "satisfaction": ["pleased"]},
    ...               {"satisfaction": ["quality"]})
    >>> blindfolding(rows, model).table["estimate"].round(2).tolist()
    [0.81]
    """
    model = replace(model.stages[0] if model.parts else model, reflective=())
    options = replace(options or Options(), missing="complete", consistent=False)
    sample = as_sample(sample).in_rows()
    task = prepare(sample, model, options)
    weight = moments.weights_of(sample.data, sample.weight)
    used = sample.data[model.items].notna().all(axis=1).to_numpy() & (weight > 0)
    x, w = sample.data.loc[used, model.items].to_numpy(float), weight[used]
    if not 2 <= distance < len(x):
        raise ValueError(f"distance is {distance}; it must be 2 or more, and below {len(x):,}.")
    if len(x) % distance == 0:
        raise ValueError(
            f"distance is {distance}, which divides the {len(x):,} rows used: complete rows would "
            f"be left out. Take another, such as {_other(len(x), distance)}."
        )
    redundancy, communality = _predicted(task, x, w, distance)
    names = list(model.constructs)

    def table(found: np.ndarray) -> pd.DataFrame:
        rows = [(names[j], q2, len(x)) for j, q2 in enumerate(found) if not np.isnan(q2)]
        return pd.DataFrame(rows, columns=["term", "estimate", "n"])

    tables = {"table": table(redundancy), "communality": table(communality)}
    remarks = [
        notes.answers_note(task),
        _("Blindfolding with an omission distance of {distance:count}.", distance=distance),
        _("Q² by blindfolding is no test of the prediction of new people: prefer PLSpredict."),
    ]
    return Result(tables, _finding(tables["table"]), i18n.together(remarks), "share")


def _other(n: int, distance: int) -> int:
    """The next larger distance that does not divide `n`."""
    return next(d for d in range(distance + 1, n + 2) if n % d)


def _predicted(
    task: Problem, x: np.ndarray, w: np.ndarray, distance: int
) -> tuple[np.ndarray, np.ndarray]:
    """Q² of each construct by its causes and by its own score, each (J,); NaN where none."""
    plan, share = task.plans[0], w / w.sum()
    point, _moved = estimate(task)
    variance = share @ (x - share @ x) ** 2
    errors = np.zeros((3, len(plan.blocks)))  # of causes, of the own score, of means
    for j, block in enumerate(plan.blocks):
        for out in _cells(len(x), block.stop - block.start, distance):
            there = share[:, None] * ~out
            mean = (there * x[:, block]).sum(0) / there.sum(0)
            filled = x.copy()
            filled[:, block] = np.where(out, mean, x[:, block])
            centre = share @ filled
            cov = (filled - centre).T @ (share[:, None] * (filled - centre))
            (solved,) = task.solve(centre[:, None], cov[..., None], point)
            deviation = np.sqrt(np.diagonal(cov))
            standard = (filled - centre) / deviation
            scores = np.stack([standard[:, b] @ solved.weights[b, 0] for b in plan.blocks], 1)
            slope = solved.loadings[block, 0] * deviation[block]
            guesses = scores @ solved.paths[j, :, 0], scores[:, j], np.zeros(len(x))
            for k, guess in enumerate(guesses):
                error = x[:, block] - mean - guess[:, None] * slope
                errors[k, j] += (share[:, None] * out * error**2 / variance[block]).sum()
    caused = [bool(causes) for causes in plan.causes]
    several = [block.stop - block.start > 1 for block in plan.blocks]
    q2 = 1 - errors[:2] / errors[2]
    return np.where(caused, q2[0], np.nan), np.where(several, q2[1], np.nan)


def _cells(n: int, questions: int, distance: int) -> Iterator[np.ndarray]:
    """Which cells (n, questions) are left out in each round, column after column."""
    number = np.arange(n * questions).reshape(questions, n).T
    for first in range(distance):
        yield number % distance == first


def _finding(table: pd.DataFrame) -> Finding:
    if table.empty:
        return Finding(_("No construct has causes, so nothing is predicted."))
    least = table.loc[table["estimate"].idxmin()]
    claim = (
        _("Blindfolding finds predictive relevance for every construct.")
        if least["estimate"] > 0
        else _(
            "Blindfolding finds no predictive relevance for {construct:quoted}.",
            construct=least["term"],
        )
    )
    detail = _(
        "lowest Q² = {q2:number2} ({construct:label}); n = {n:count}",
        q2=least["estimate"],
        construct=least["term"],
        n=least["n"],
    )
    return Finding(claim, detail, importance=Importance.METHOD)
