"""Does the answer depend on how missing answers are treated? Every treatment side by side."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.drivers.importance import importance
from cxlib.drivers.specification import MISSING, never_met_by

WIDE, WIDE_DRAWS = 20, 100  # with more drivers, "em" is slow: so many resamples at most


def missing_sensitivity(
    sample: SampleLike,
    outcome: str,
    drivers: list[str],
    *,
    known: Mapping[str, Result] | None = None,
) -> Result:
    """Importance under each treatment of missing answers.

    Parameters
    ----------
    sample : answers, a row each
    outcome : column to explain
    drivers : columns of numbers
    known : treatment -> `importance` by it, where that is known already: a page has one interval of
        one share

    Returns
    -------
    Result whose table has missing ("complete", "pairwise", "em", "dummy"), term, estimate (share of
    R²), low, high and n. A treatment that these answers do not allow (nobody answers everything)
    is named in the note. Where nothing is missing there is one treatment, and the claim says so.

    Raises
    ------
    ValueError : no treatment is possible

    Examples
    --------
    >>> rows = pd.DataFrame({"speed": [1, 2, 3, 4, 5, 4.0], "recommend": [2, 4, 6, 8, 10, 7.9]})
    >>> print(missing_sensitivity(rows, "recommend", ["speed"]))
    No answer is missing, so there is nothing to treat.
    """
    sample, drivers = as_sample(sample), list(drivers)
    if len(drivers) > WIDE:
        sample = sample.replace(draws=min(sample.draws, WIDE_DRAWS))
    answers = sample.in_buckets([outcome, *drivers])
    complete = all(answers.of(c)[c].notna().all() for c in [outcome, *drivers])
    wanted = [m for m in MISSING if m == "complete" or not complete]
    if not any(never_met_by(answers, d) for d in drivers):
        wanted = [m for m in wanted if m != "dummy"]
    tables, refused, first = [], [], None
    for missing in wanted:
        try:
            fit = (known or {}).get(missing)
            if fit is None:
                fit = importance(sample, outcome, drivers, missing=missing)
                fit = next((one for one in (known or {}).values() if _same(one, fit)), fit)
            tables.append(fit.table.assign(missing=missing))
        except ValueError as error:
            refused.append(missing)
            first = first or error
    if not tables and first is not None:  # the first error holds for all of them
        raise first
    table = pd.concat(tables, ignore_index=True)
    table = table[["missing", "term", "estimate", "low", "high", "n"]]
    notes = [_("{draws:count} bootstrap resamples.", draws=sample.draws)]
    if refused:
        notes.append(_("These answers do not allow: {names:label_list}.", names=refused))
    return Result(
        table, _finding(table, complete), i18n.together(notes), "share", **sample.bootstrap
    )


def _same(one: Result, other: Result) -> bool:
    """Whether two treatments come to the same shares, as where nothing is not experienced."""
    shares = [fit.table.set_index("term")["estimate"] for fit in (one, other)]
    return bool(np.allclose(shares[0], shares[1].reindex(shares[0].index), rtol=1e-9))


def _finding(table: pd.DataFrame, complete: bool) -> Finding:
    method = Importance.METHOD
    if complete:
        return Finding(_("No answer is missing, so there is nothing to treat."), importance=method)
    wide = table.pivot(index="term", columns="missing", values="estimate")
    first = wide.idxmax()
    if len(wide.columns) == 1:
        claim = _("Only one treatment is possible here: {name:label}.", name=wide.columns[0])
        return Finding(claim, importance=method)
    spread = float((wide.max(axis=1) - wide.min(axis=1)).max())
    facts = {"driver": first.iloc[0], "n": len(wide.columns), "spread": 100 * spread}
    detail = _("shares differ by up to {spread:number1} percentage points", **facts)
    if first.nunique() == 1:
        claim = _(
            "{driver:quoted} is first under all {n:count} treatments of missing answers.", **facts
        )
        return Finding(claim, detail, verdict="unchanged", importance=method)
    names = [
        _("{name}: {value}", name=i18n.label(str(m)), value=i18n.quoted(i18n.label(t)))
        for m, t in first.items()
    ]
    claim = _("Which driver is first depends on the treatment of missing answers.")
    detail = _("; ").join([i18n.listed(names), detail])
    return Finding(claim, detail, verdict="unclear", importance=Importance.ANSWER)
