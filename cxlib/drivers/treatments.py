"""Does the answer hang on how missing answers are treated? Every treatment beside the others."""

from __future__ import annotations

import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.drivers.columns import FLAG, MISSING
from cxlib.drivers.fits import importance
from cxlib.estimates import Estimates


def treatments(
    responses: pd.DataFrame,
    outcome: str,
    drivers: list[str],
    *,
    weight: str | None = None,
    bucket: str | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> Estimates:
    """Shares of R² under each treatment of missing answers: missing, term, estimate, low, high, n.

    A treatment that these answers do not allow (nobody answers everything) is named in the note.
    Where nothing is missing there is one treatment, and the answer says so.
    """
    drivers = list(drivers)
    flags = [d + FLAG for d in drivers if d + FLAG in responses]
    whole = responses[[outcome, *drivers]].notna().all(axis=None)
    wanted = [m for m in MISSING if m == "complete" or not whole]
    if not flags or not responses[flags].fillna(False).astype(bool).any(axis=None):
        wanted = [m for m in wanted if m != "dummy"]
    how = {"weight": weight, "bucket": bucket, "draws": draws, "seed": seed}
    fits, refused = {}, []
    for missing in wanted:
        try:
            fits[missing] = importance(responses, outcome, drivers, missing=missing, **how)
        except ValueError:
            refused.append(missing)
    if not fits:  # what is the matter with all of them is said by the first
        importance(responses, outcome, drivers, missing=wanted[0], **how)
    table = pd.concat([f.table.assign(missing=m) for m, f in fits.items()], ignore_index=True)
    table = table[["missing", "term", "estimate", "low", "high", "n"]]
    remarks = [_("{draws:count} draws.", draws=draws)]
    if refused:
        names = refused
        remarks.append(_("These answers do not allow: {names:label_list}.", names=names))
    answer = _sentence(table, whole)
    return Estimates(table, answer, i18n.together(remarks), "share", draws=draws, seed=seed)


def _sentence(table: pd.DataFrame, whole: bool) -> str:
    if whole:
        return _("No answer is missing, so there is nothing to treat.")
    wide = table.pivot(index="term", columns="missing", values="estimate")
    first = wide.idxmax()
    facts = {"n": len(wide.columns), "driver": first.iloc[0]}
    if len(wide.columns) == 1:
        name = wide.columns[0]
        return _("Only one treatment is possible here: {name:label}.", name=name)
    apart = float((wide.max(axis=1) - wide.min(axis=1)).max())
    if first.nunique() == 1:
        return _(
            "{driver:quoted} comes first under all {n:count} treatments of missing answers; no "
            "share differs by more than {apart:share1} of R².",
            apart=apart,
            **facts,
        )
    return _(
        "Which driver comes first hangs on the treatment of missing answers ({names:list}); "
        "shares differ by up to {apart:share1} of R².",
        names=[f"{i18n.label(str(m))}: {i18n.quoted(i18n.label(t))}" for m, t in first.items()],
        apart=apart,
    )
