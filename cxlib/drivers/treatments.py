"""Does the answer hang on how missing answers are treated? Every treatment beside the others."""

from __future__ import annotations

import pandas as pd

from cxlib import page
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
    remarks = [page.say("{draws} draws.", draws=page.count(draws))]
    if refused:
        names = page.listed(page.label(m) for m in refused)
        remarks.append(page.say("These answers do not allow: {names}.", names=names))
    answer = _sentence(table, whole)
    return Estimates(table, answer, page.together(remarks), "share", draws=draws, seed=seed)


def _sentence(table: pd.DataFrame, whole: bool) -> str:
    if whole:
        return page.say("No answer is missing, so there is nothing to treat.")
    wide = table.pivot(index="term", columns="missing", values="estimate")
    first = wide.idxmax()
    facts = {"n": page.count(len(wide.columns)), "driver": page.quoted(page.label(first.iloc[0]))}
    if len(wide.columns) == 1:
        name = page.label(str(wide.columns[0]))
        return page.say("Only one treatment is possible here: {name}.", name=name)
    apart = page.percent(float((wide.max(axis=1) - wide.min(axis=1)).max()), 1)
    if first.nunique() == 1:
        return page.say(
            "{driver} comes first under all {n} treatments of missing answers; no share differs by "
            "more than {apart} of R².",
            apart=apart,
            **facts,
        )
    return page.say(
        "Which driver comes first hangs on the treatment of missing answers ({names}); shares "
        "differ by up to {apart} of R².",
        names=page.listed(
            f"{page.label(str(m))}: {page.quoted(page.label(t))}" for m, t in first.items()
        ),
        apart=apart,
    )
