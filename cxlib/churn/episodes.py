"""Lifetimes cut where something about a customer changes, for models with time-varying covariates.

rows = churn.episodes(lifetimes, changes)      # a row for each time within which nothing changes
churn.hazard_ratios(rows, ["plan", "open_cases"], customer="customer_id")
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core.errors import require_columns
from cxlib.core.sample import Sample, SampleLike, as_sample


def episodes(
    sample: SampleLike, changes: pd.DataFrame, *, customer: str = "customer_id", at: str = "at"
) -> Sample:
    """A row for each stretch of a customer's lifetime within which nothing changes.

    What is known of a customer on the last day must not explain when they left: who stays longer
    has more time to complain, to upgrade, to be called. With these rows a leaving is compared with
    the other customers as they were at that time.

    Parameters
    ----------
    sample : lifetimes, as in `survival`, one row a customer
    changes : `customer`, `at` (time as a customer, in the unit of `time`) and columns of values
        that hold after that time until the next change; an empty value changes nothing. A leaving
        at the very time of a change is compared by the values before it
    customer, at : columns

    Returns
    -------
    The sample with rows from `entry` to `time`, `left` true only in the last row of a customer who
    left, the columns of the lifetimes, and those of the changes as they were at the time; a column
    of the lifetimes of the same name holds until the first change, else it is empty until then.
    Weights, clusters and design stay (rows have the index label of their customer), raking does
    not: a row is no longer a customer

    Raises
    ------
    ValueError : missing columns, a customer with two lifetimes, changes without a time

    References
    ----------
    Andersen and Gill (1982), Annals of Statistics 10. As `tmerge` of R survival and
    `add_covariate_to_timeline` of lifelines.

    Examples
    --------
    >>> lives = pd.DataFrame({"customer_id": ["a", "b"], "time": [9.0, 4.0], "left": [True, False]})
    >>> changes = pd.DataFrame({"customer_id": ["a"], "at": [3.0], "plan": ["plus"]})
    >>> rows = episodes(lives.assign(plan="basic"), changes).data
    >>> rows[["customer_id", "entry", "time", "left", "plan"]].values.tolist()[:2]
    [['a', 0.0, 3.0, False, 'basic'], ['a', 3.0, 9.0, True, 'plus']]
    """
    sample = as_sample(sample)
    lives = sample.data
    require_columns(lives, [customer, "time", "left"], "lifetimes")
    require_columns(changes, [customer, at], "changes")
    if twice := int(lives[customer].duplicated().sum()):
        raise ValueError(f"{twice:,} lifetimes are of a {customer} who has another: give one each.")
    if blank := int(changes[[customer, at]].isna().any(axis=1).sum()):
        raise ValueError(f"{blank:,} changes have no {customer} or no {at}. Leave them out.")
    names = [c for c in changes if c not in (customer, at)]
    lives = lives.assign(entry=lives["entry"].astype(float) if "entry" in lives else 0.0)
    changes = changes.sort_values(at, kind="stable")
    # What an earlier change set still holds where a later one says nothing of it.
    changes = changes.assign(**changes.groupby(customer)[names].ffill())
    cut = changes[[customer, at]].merge(lives[[customer, "entry", "time"]], on=customer)
    cut = cut.loc[(cut[at] > cut["entry"]) & (cut[at] < cut["time"]), [customer, at]]
    starts = pd.concat([lives[[customer, "entry"]], cut.rename(columns={at: "entry"})])
    rows = starts.drop_duplicates().merge(lives.drop(columns="entry"), on=customer)
    changes = changes.assign(**{at: changes[at].astype(float)})
    rows = pd.merge_asof(
        rows.sort_values("entry", kind="stable"),
        changes.rename(columns={at: "entry"}),
        on="entry",
        by=customer,
        suffixes=("", _CHANGED),
    )
    for name in [n for n in names if n + _CHANGED in rows]:
        changed = rows.pop(name + _CHANGED)
        rows[name] = changed.where(changed.notna(), rows[name])
    order = pd.Index(lives[customer]).get_indexer(rows[customer])
    place = np.lexsort((rows["entry"], order))
    rows = rows.iloc[place].set_axis(lives.index[order[place]])
    end = rows.groupby(customer)["entry"].shift(-1)
    rows = rows.assign(time=end.fillna(rows["time"]), left=rows["left"].where(end.isna(), False))
    return sample.replace(data=rows, raking=None)


_CHANGED = "\0changed"  # no column of a study ends so
