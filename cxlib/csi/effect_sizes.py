"""Cohen's f² of paths with the model estimated again without each of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from cxlib.csi.estimation import Answers, Options, estimate, prepare
from cxlib.csi.model import Model


def f2_refitted(sample: Answers, model: Model, options: Options | None = None) -> pd.DataFrame:
    """Cohen's f² of each path by the other definition: the model is estimated again without it.

    The weights of a construct depend on its neighbours in the model, so that without a path the
    scores change as well; the "f2" of `validity` keeps those of the whole model.

    Parameters
    ----------
    sample, model, options : as in `validity`

    Returns
    -------
    Table with cause, effect, estimate (f²; R² / (1 - R²) where an effect has one cause); NaN where
    the model without the path cannot be estimated, because its cause would have no path left.

    References
    ----------
    Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, chapter 9.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> rows = pd.DataFrame(rng.integers(1, 11, (80, 2)), columns=["speed", "price"])
    >>> rows["pleased"] = (rows["speed"] + rows["price"]).floordiv(2)
    >>> model = Model({"quality": ["speed"], "value": ["price"], "satisfaction": ["pleased"]},
    ...               {"value": ["quality"], "satisfaction": ["quality", "value"]})
    >>> f2_refitted(rows, model)["cause"].tolist()
    ['quality', 'quality', 'value']
    """
    model = model.stages[0] if model.parts else model
    whole = _r2(sample, model, options)
    rows = []
    for effect, causes in model.paths.items():
        for cause in causes:
            rest = {
                e: [c for c in cs if (c, e) != (cause, effect)] for e, cs in model.paths.items()
            }
            linked = {c for e, cs in rest.items() if cs for c in (e, *cs)}
            lost = np.nan if rest[effect] else whole[effect]
            if rest[effect] and linked >= set(model.constructs):
                without = replace(model, paths={e: cs for e, cs in rest.items() if cs}, preset="")
                lost = whole[effect] - _r2(sample, without, options)[effect]
            rows.append((cause, effect, lost / (1 - whole[effect])))
    return pd.DataFrame(rows, columns=["cause", "effect", "estimate"])


def _r2(sample: Answers, model: Model, options: Options | None) -> dict[str, float]:
    """R² of each effect of a model."""
    task = prepare(sample, model, options)
    (point,), _unused = estimate(task)
    return dict(zip(model.constructs, point.r2[:, 0], strict=True))
