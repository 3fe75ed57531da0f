"""Who is in each segment: the level of each attribute that is most over-represented there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxlib.core import context
from cxlib.core.columns import INTERVAL
from cxlib.core.errors import require_columns
from cxlib.core.i18n import _, label
from cxlib.core.sample import SampleLike, as_sample
from cxlib.segments.questions import text_of
from cxlib.stats import moments
from cxlib.stats.estimators import ratio, share_interval
from cxlib.stats.resampling import design

COLUMNS = ("segment", "term", *INTERVAL, "n", "overall")


def demographics(sample: SampleLike, attributes: Sequence[str]) -> pd.DataFrame:
    """Of each segment and attribute the level that exceeds its share of all customers most.

    Parameters
    ----------
    sample : a row a customer, with segment_name (as `segments.score` gives it)
    attributes : columns of categories, such as region or age group

    Returns
    -------
    Table with segment, term ("attribute: level"), estimate (share of the segment whose level is
    known), low, high, n (customers of the segment whose level is known) and overall (share of all
    customers). Levels with fewer customers of the segment than the smallest cell are passed over.

    Raises
    ------
    ValueError : a column is missing

    Examples
    --------
    >>> rows = pd.DataFrame({"segment_name": ["a"] * 20 + ["b"] * 20})
    >>> rows["region"] = ["north"] * 15 + ["south"] * 5 + ["north"] * 5 + ["south"] * 15
    >>> demographics(rows, ["region"])[["segment", "term", "estimate", "overall"]].values.tolist()
    [['a', 'region: north', 0.75, 0.5], ['b', 'region: south', 0.75, 0.5]]
    """
    sample = as_sample(sample)
    require_columns(sample.data, ["segment_name", *attributes], "customers")
    w = moments.weights_of(sample.data, sample.weight)
    placed = sample["segment_name"]
    lines, above, below = [], [], []
    for attribute in attributes:
        levels = sample[attribute].map(text_of, na_action="ignore")
        known = levels.notna().to_numpy() & placed.notna().to_numpy() & (w > 0)
        for segment in placed.dropna().unique():
            inside = known & placed.eq(segment).fillna(False).to_numpy(bool)
            best = _most(levels, w, known, inside)
            if best is not None:
                level, overall = best
                said = _("{feature:label}: {value}", feature=attribute, value=label(level))
                lines.append((segment, said, int(inside.sum()), overall))
                above.append(w * (inside & levels.eq(level).fillna(False).to_numpy(bool)))
                below.append(w * inside)
    if not lines:
        return pd.DataFrame(columns=list(COLUMNS))
    drawn = ratio(np.column_stack(above), np.column_stack(below), **design(sample))
    table = pd.DataFrame(lines, columns=["segment", "term", "n", "overall"])
    low, high = share_interval(drawn, table["n"].to_numpy())
    return table.assign(estimate=drawn.estimate, low=low, high=high)[list(COLUMNS)]


def _most(
    levels: pd.Series, w: np.ndarray, known: np.ndarray, inside: np.ndarray
) -> tuple[str, float] | None:
    """The level with the largest lead over its share of all, and that share."""
    weight = pd.Series(w, levels.index)
    of_all = weight[known].groupby(levels[known]).sum() / weight[known].sum()
    own = weight[inside].groupby(levels[inside]).sum() / weight[inside].sum()
    counted = levels[inside].value_counts()
    enough = counted[counted >= context.current().smallest_cell].index
    lead = (own - of_all).reindex(enough).dropna()
    if lead.empty:
        return None
    best = str(lead.idxmax())
    return best, float(of_all[best])
