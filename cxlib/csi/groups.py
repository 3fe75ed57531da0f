"""The index in groups of people, and whether groups may be compared at all."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib import weights
from cxlib.core import i18n
from cxlib.core.i18n import _, ngettext
from cxlib.csi import said, warned
from cxlib.csi.model import Model
from cxlib.csi.prepared import Prepared, Scales, Solutions, all_draws, estimate, prepare
from cxlib.estimates import Estimates, how_drawn
from cxlib.stats import moments
from cxlib.stats.intervals import expanded_level, percentile_interval, simultaneous_interval
from cxlib.stats.moments import Moments


def fit_by(
    responses: pd.DataFrame,
    model: Model,
    by: str,
    *,
    scales: Scales | None = None,
    weight: str | None = None,
    bucket: str | None = None,
    scheme: str = "path",
    missing: str = "complete",
    consistent: bool = False,
    draws: int = 1000,
    seed: int = 1,
) -> Estimates:
    """The target's 0-100 index in each group of the column `by`, and overall (last row).

    All groups are measured with the same weights, those of everybody together, found anew in each
    draw: what differs is then the answers, not the yardstick. The intervals of the groups are
    simultaneous: 95% that all of them hold at once (largest standardised deviation over the groups
    of each draw). The interval overall is its own, as in `fit`.
    """
    how = {"weight": weight, "bucket": bucket, "missing": missing}
    task = prepare(responses, model, scales=scales, scheme=scheme, consistent=consistent, **how)
    groups = moments.by_group(responses, model.items, by, **how)
    point, _unused = estimate(task)
    again, _unused = all_draws(task, point, draws, seed)
    index, replicates = _group_indices(task, groups, point, again, draws, seed)
    n = [int(s.rows.sum()) for s in (*groups.values(), task.sums)]
    replicates[:, np.array(n) < 2] = np.nan  # one answer has no spread to draw from
    low, high = simultaneous_interval(index[:-1], replicates[:, :-1])
    alone = percentile_interval(
        replicates[:, -1], expanded_level(task.sums.effective)
    )  # as `fit` has it
    low, high = np.r_[low, alone[0]], np.r_[high, alone[1]]
    names = [*map(str, groups), "overall"]
    table = pd.DataFrame({by: names, "term": model.target, "estimate": index})
    table = table.assign(low=low.clip(0), high=high.clip(None, 100), n=n)
    without = int(responses[by].isna().sum())
    remarks = [
        said.answered(task.sums, responses, model.items),
        how_drawn(draws, weights.differing(responses, weight), bucket),
        _("All groups are measured with the weights of everybody; their intervals hold at once."),
        ngettext(
            "{n:count} row belongs to no group.", "{n:count} rows belong to no group.", without
        )
        if without
        else "",
        *warned.failures(task, again, draws),
    ]
    return Estimates(
        table,
        said.group_sentence(table, by, index[:-1], replicates[:, :-1]),
        i18n.together(remarks),
        "points",
        draws=draws,
        seed=seed,
    )


def _group_indices(
    task: Prepared,
    groups: dict[object, Moments],
    point: Solutions,
    again: Solutions,
    draws: int,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Index of the target in each group and in all, (G + 1,), and in each draw, (draws, G + 1)."""
    low, target = task.ends[:, :1], task.plans[-1].target
    here, drawn = task.target_points(point), task.target_points(again)
    index = [(here * (s.total().mean[:, None] - low)).sum() for s in groups.values()]
    means = (np.moveaxis(s.resample(draws, seed).mean, 0, -1) for s in groups.values())
    replicates = [(drawn * (mean - low)).sum(0) for mean in means]
    index, replicates = (
        [*index, point[-1].index[target, 0]],
        [*replicates, again[-1].index[target]],
    )
    return np.array(index), np.stack(replicates, axis=1)
