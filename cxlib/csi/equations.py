"""What programs for PLS print of each equation, and the scores of persons.

quality = csi.equations(sample, model)
quality.table             # R², adjusted R², BIC, communality, redundancy
quality.cross_loadings    # every question with every construct
quality.gof               # goodness of fit (Tenenhaus)
csi.scores(sample, model) # index points of each person, 0 to 100
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import Column
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike
from cxlib.csi import notes
from cxlib.csi.estimation import (
    Answers,
    Options,
    Problem,
    Solutions,
    estimate,
    everybody,
    points_of,
    prepare,
    replicate,
)
from cxlib.csi.model import Model
from cxlib.stats.intervals import estimates_table, expanded_level, recentred_fit

COLUMNS = [
    Column("adjusted_r2", "R² adjusted for the number of causes", label="adjusted R²"),
    Column("bic", "Bayesian information criterion of the equation", decimals=1, label="BIC"),
    Column(
        "communality",
        "mean share of variance of the questions that the construct explains",
        decimals=2,
        label="communality",
    ),
    Column("redundancy", "communality times R²", decimals=2, label="redundancy"),
    Column("construct", "whose score", "name"),
]


def equations(sample: Answers, model: Model, options: Options | None = None) -> Result:
    """R², adjusted R², BIC, communality and redundancy of each equation; cross-loadings and GoF.

    Parameters
    ----------
    sample, model, options : as in `fit`; a model of a higher order is taken by its wholes

    Returns
    -------
    Result with the tables "table" (term: the effect, estimate: R², low, high, n; adjusted_r2; bic:
    of the regression on its causes, to compare models of one effect on the same answers, lower is
    better; communality: mean squared loading of its questions; redundancy: communality times R²)
    and "cross_loadings" (construct, term: the question, estimate: correlation with the score of the
    construct), and the part gof (root of the mean communality of all questions, single ones left
    out, times the mean R²). With weights, n is the effective number. GoF does not tell good models
    from bad ones (Henseler and Sarstedt 2013) and is printed for comparison with older work.

    Raises
    ------
    ValueError : as `fit`

    References
    ----------
    Tenenhaus, Vinzi, Chatelin and Lauro (2005), Computational Statistics and Data Analysis 48(1);
    Sharma, Shmueli, Sarstedt, Danks and Ray (2021), Decision Sciences 52(3), for the BIC.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> rows = pd.DataFrame({"speed": rng.integers(1, 11, 60)})
    >>> rows["pleased"] = (rows["speed"] + rng.integers(-2, 3, 60)).clip(1, 10)
    >>> model = Model({"quality": ["speed"], "satisfaction": ["pleased"]},
    ...               {"satisfaction": ["quality"]})
    >>> equations(rows, model).table[["estimate", "adjusted_r2"]].round(3).values.tolist()
    [[0.836, 0.833]]
    """
    task = prepare(sample, model, options)
    solved, _moved = estimate(task)
    drawn, _repaired = replicate(task, solved)
    model, plan, point = task.models[-1], task.plans[-1], solved[-1]
    names, n = list(model.constructs), task.sums.effective
    caused = [j for j, causes in enumerate(plan.causes) if causes]
    count = np.array([len(plan.causes[j]) for j in caused])
    level = expanded_level(n, 1 + int(count.max()))
    replicates, r2 = drawn[-1].r2[caused].T, point.r2[caused, 0]
    table = recentred_fit(
        estimates_table([names[j] for j in caused], r2, replicates, task.n, level=level),
        replicates,
    )
    squares = point.loadings[:, 0] ** 2
    communality = np.array([squares[b].mean() for b in plan.blocks])
    several = [j for j, b in enumerate(plan.blocks) if b.stop - b.start > 1]
    asked = np.concatenate([squares[plan.blocks[j]] for j in several] or [np.ones(1)])
    left = (1 - r2) * (n - 1)
    table = table.assign(
        adjusted_r2=1 - left / (n - count - 1),
        bic=n * np.log(left / n) + (count + 1) * np.log(n),
        communality=communality[caused],
        redundancy=communality[caused] * r2,
    )
    gof = float(np.sqrt(asked.mean() * r2.mean()))
    remarks = [notes.answers_note(task), notes.resamples_note(task)]
    return Result(
        {"table": table, "cross_loadings": _cross_loadings(task, solved)},
        _finding(table),
        i18n.together(remarks),
        "share",
        **task.sums.bootstrap,
        columns=COLUMNS,
        parts={"gof": gof},
    )


def _cross_loadings(task: Problem, solved: Solutions) -> pd.DataFrame:
    """Correlation of every question with the score of every construct of the first stage."""
    model, plan, point = task.models[0], task.plans[0], solved[0]
    cov = everybody(task)[1][..., 0]
    deviation = np.sqrt(np.diagonal(cov))
    cor = cov / deviation[:, None] / deviation
    scores = np.zeros((len(cor), len(plan.blocks)))
    for j, block in enumerate(plan.blocks):
        scores[block, j] = point.weights[block, 0]
    shared = pd.DataFrame(cor @ scores, index=model.items, columns=list(model.constructs))
    return (
        shared.rename_axis("term")
        .reset_index()
        .melt("term", var_name="construct", value_name="estimate")[
            ["construct", "term", "estimate"]
        ]
    )


def scores(sample: SampleLike, model: Model, options: Options | None = None) -> pd.DataFrame:
    """Index points of each person on every construct, 0 to 100.

    The (weighted) mean of a construct's scores over those who answered all of the model is its
    index, and their correlations are those behind the paths: a start for models of your own, such
    as interactions of constructs by statsmodels. Scores are fitted to these answers, so that errors
    of later models that take them for data are too small; the bootstrap of `fit` is not.

    Parameters
    ----------
    sample : answers, a row each
    model, options : as in `fit`

    Returns
    -------
    Table with a column for each construct, parts of a higher order first, and the rows of the
    sample; NaN where a question of the construct is not answered.

    Raises
    ------
    ValueError : as `fit`; sums instead of rows

    Examples
    --------
    >>> rows = pd.DataFrame({"speed": [1, 4, 6, 9, 7, 3.0], "pleased": [2, 4, 7, 10, 7, 3.0]})
    >>> model = Model({"quality": ["speed"], "satisfaction": ["pleased"]},
    ...               {"satisfaction": ["quality"]})
    >>> scores(rows, model).iloc[0].round(1).to_dict()
    {'quality': 0.0, 'satisfaction': 11.1}
    """
    task = prepare(sample, model, options)
    if task.rows is None:
        raise ValueError("scores need a row for each answer, not sums. Pass the Sample.")
    solved, _moved = estimate(task)
    known = task.rows[task.models[0].items].astype(float)
    found: dict[str, pd.Series] = {}
    stages = zip(task.models, task.plans, solved, task.stage_ends, strict=True)
    for stage, plan, point, ends in stages:
        answers = known if not found else known.join(pd.DataFrame(found))
        points = points_of(plan, point.share, ends)[:, 0]
        for name, block in zip(stage.constructs, plan.blocks, strict=True):
            items = stage.items[block]
            given = answers[items].to_numpy() - ends[block, 0]
            found[name] = pd.Series(given @ points[block], index=task.rows.index)
    return pd.DataFrame(found)


def _finding(table: pd.DataFrame) -> Finding:
    known = table.dropna(subset=["estimate"])
    if known.empty:
        return Finding(_("Too few answers to show"))
    least = known.loc[known["estimate"].idxmin()]
    claim = _(
        "The model explains {share:share} of the variance of {effect:quoted}, the least of its "
        "equations.",
        share=least["estimate"],
        effect=least["term"],
    )
    detail = _(
        "R² = {r2:number2} (95% CI {ci:interval2}); n = {n:count}",
        r2=least["estimate"],
        ci=(least["low"], least["high"]),
        n=least["n"],
    )
    return Finding(claim, detail, importance=Importance.METHOD)
