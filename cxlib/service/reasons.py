"""What complaints are about, what kind of problem that is, and who can solve it.

    fit = reasons(cases, study.service.classes)
    fit.table          # term (class of problem), level, estimate: share of the cases
    fit.categories     # each category with its class, its level and why
    categories(fit)    # the same as a Result of its own

A complaint solved at the counter comes again when its reason lies in a process, a product or a
rule. The classes are those of study.yaml (`service: {classes: {delivery: process}}`). What it does
not name is classed by a model that learns from the names it does (`reason_model`), where that is
right often enough and the category is small; of all else no class is claimed.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import Column, in_unit
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.data.schema import CLASSES, Reason
from cxlib.privacy import disclosure
from cxlib.service import reason_model, shares
from cxlib.service.cases import require_case_columns
from cxlib.service.reason_model import ReasonModel
from cxlib.stats.estimators import Replicated
from cxlib.stats.notes import resampling_note
from cxlib.stats.resampling import resample_sums, resampling_units

LEVEL_OF: dict[str, str] = dict(
    zip(CLASSES, ("front line", "process", "product", "policy"), strict=True)
)
UNKNOWN = "not classified"
LISTED, LEARNT = "study.yaml", "learnt"
LARGE = 0.05  # share of the cases from which a category is classed by people or not at all


def reasons(
    sample: SampleLike,
    classes: Mapping[str, Reason] | None = None,
    *,
    category: str = "category",
) -> Result:
    """Share of cases of each class of problem and of each category.

    Parameters
    ----------
    sample : cases
    classes : class and level of a category, as study.yaml states them
    category : column of what a case is about

    Returns
    -------
    Result with "table": term (class), level, estimate (share of cases), low, high, n, customers
    (share of the customers with a case who had one of these; with customer_id only);
    and "categories": term (category), class, level, rule ("study.yaml", "learnt"; empty where it
    is not classified), estimate (share of cases), low, high, n, again (share of its customers who
    had more than one; with customer_id only). Categories of study.yaml that no case has are noted.

    Raises
    ------
    InsufficientData : no case has a category

    Examples
    --------
    >>> cases = pd.DataFrame({"category": ["delivery", "delivery", "price", "room"]})
    >>> fit = reasons(cases, {"delivery": Reason(kind="process"), "price": Reason(kind="policy")})
    >>> fit.table[["term", "estimate"]].values.tolist()
    [['process', 0.5], ['policy', 0.25], ['not classified', 0.25]]
    """
    sample = as_sample(sample)
    require_case_columns(sample, category)
    known = sample.where(sample[category].notna())
    if not len(known):
        raise InsufficientData(
            _(
                "None of {n:count} cases has a {category:quoted}.",
                n=len(sample),
                category=category,
            )
        )
    names, place = shares.group_places(known[category], len(known))
    model = reason_model.learn({name: own.kind for name, own in (classes or {}).items()})
    small = np.bincount(place) < LARGE * len(known)
    kinds = pd.DataFrame(
        [
            _classified(name, classes or {}, model if few else None)
            for name, few in zip(names, small, strict=True)
        ],
        columns=["class", "level", "rule"],
    )
    pairs = kinds[["class", "level"]].drop_duplicates().reset_index(drop=True)
    kind = pairs.reset_index().merge(kinds.reset_index(), on=["class", "level"])
    of = kind.sort_values("index_y")["index_x"].to_numpy()
    clusters = resampling_units(known)
    cases = (place[:, None] == np.arange(len(names))).astype(float)
    drawn = resample_sums(cases, known.draws, known.seed, clusters)
    held = (of[:, None] == np.arange(len(pairs))).astype(float)  # categories that a class has
    units = float(len(np.unique(clusters.keys)))
    each, _unused = _shares(cases.sum(0), drawn, units)
    whole, drawn = _shares(cases.sum(0) @ held, drawn @ held, units)
    found = pd.DataFrame({"term": names, **kinds, **each})
    table = pd.DataFrame({"term": pairs["class"], "level": pairs["level"], **whole})
    if "customer_id" in known:
        found["again"] = _repeat_share(known["customer_id"], place, len(names))
        table["customers"] = _customer_share(known["customer_id"], of[place], len(pairs))
    found = known.counted(found, term="category")
    table = disclosure.with_people(table, known.people(of[place, None] == np.arange(len(pairs))))
    unknown = (table["term"] == UNKNOWN).to_numpy()
    order = np.lexsort((-table["estimate"].to_numpy(), unknown))
    table = table.iloc[order].reset_index(drop=True)
    found = found.sort_values("estimate", ascending=False, ignore_index=True)
    return Result(
        {"table": table, "categories": found},
        _finding(table, found),
        _notes(sample, len(known), found, classes or {}, model),
        "share",
        columns=[
            *in_unit("share", "customers", "again"),
            Column("level", "name", "name", label="tier"),
            Column("class", "class of the problem", "name", label="class of problem"),
        ],
        draws=sample.draws,
        seed=sample.seed,
        replicates=drawn[:, order],
    )


def categories(fit: Result) -> Result:
    """The categories of `reasons` as a Result of their own, so that its numbers read as shares.

    Examples
    --------
    >>> categories(reasons(pd.DataFrame({"category": ["room", "room"]}))).table["term"].tolist()
    ['room']
    """
    return fit.replace(tables={"table": fit.categories}, finding="", notes="", replicates=None)


def _classified(
    category: str, classes: Mapping[str, Reason], model: ReasonModel | None
) -> tuple[str, str, str]:
    """(class, level, rule) of a category."""
    if own := classes.get(category):
        return own.kind, own.level or LEVEL_OF[own.kind], LISTED
    if model and (kind := model.kind(category)):
        return kind, LEVEL_OF[kind], LEARNT
    return UNKNOWN, UNKNOWN, ""


def _shares(
    cases: np.ndarray, drawn: np.ndarray, units: float
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Columns estimate, low, high and n of shares of all cases, and their replicates."""
    share = cases / cases.sum()
    with np.errstate(invalid="ignore"):  # a resample may be empty
        again = drawn / drawn.sum(1, keepdims=True)
    n = np.full(len(cases), int(cases.sum()))
    low, high = shares.share_interval(Replicated(share, again, units), n)
    return {"estimate": share, "low": low, "high": high, "n": cases.astype(int)}, again


def _repeat_share(customers: pd.Series, place: np.ndarray, size: int) -> np.ndarray:
    """Share of the customers of each category who had more than one case of it."""
    times = customers.groupby([place, customers.to_numpy()]).size()
    return (times > 1).groupby(level=0).mean().reindex(range(size)).to_numpy()


def _customer_share(customers: pd.Series, kind: np.ndarray, size: int) -> np.ndarray:
    """Share of the customers with a case who had one of each class."""
    had = customers.groupby(kind).nunique().reindex(range(size), fill_value=0)
    return had.to_numpy() / max(customers.nunique(), 1)


def _finding(table: pd.DataFrame, found: pd.DataFrame) -> Finding:
    shown = disclosure.shown(table)
    if shown.empty:
        return Finding(_("Too few cases to say what they are about."), importance=Importance.METHOD)
    if found["class"].eq(UNKNOWN).all():
        claim = _("No class of problem is claimed: study.yaml classes none of the categories.")
        return Finding(claim, importance=Importance.METHOD)
    row = shown.iloc[0]
    if row["term"] == UNKNOWN:
        claim = _("Too few cases to say what they are about.")
        return Finding(claim, importance=Importance.METHOD)
    words = {"share": row["estimate"], "kind": row["term"], "level": row["level"]}
    claim = (
        _(
            "{share:share} of complaints have causes of the type “{kind:label}” that have to be "
            "solved at that level.",
            **words,
        )
        if row["term"] == row["level"]
        else _(
            "{share:share} of complaints have causes of the type “{kind:label}” that have to be "
            "solved at the level “{level:label}”.",
            **words,
        )
    )
    return Finding.of_row(
        row,
        claim,
        _detail(row, shown, float(table.loc[table["term"] == UNKNOWN, "estimate"].sum())),
        unit="share",
        measure="share_of_cases",
        at={"class": str(row["term"])},
        importance=Importance.ANSWER,
    )


def _detail(row: pd.Series, shown: pd.DataFrame, unknown: float) -> str:
    """The interval of the class, its share at all levels, and how many cases have none."""
    line = shares.interval_line(row)
    every = float(shown.loc[shown["term"] == row["term"], "estimate"].sum())
    if i18n.percent(every) != i18n.percent(row["estimate"]):
        line = _(
            "{line}; {share:share} are of this type at all levels together", line=line, share=every
        )
    if not unknown:
        return line
    return _("{line}; {unknown:share} of cases are not classified", line=line, unknown=unknown)


def _notes(
    sample: Sample,
    known: int,
    found: pd.DataFrame,
    classes: Mapping[str, Reason],
    model: ReasonModel | None,
) -> str:
    notes = []
    if model:
        notes.append(model.said)
    if len(learnt := found[found["rule"] == LEARNT]):
        notes.append(
            ngettext(
                "The class of {n:count} category, {share:share} of the cases, is learnt.",
                "The classes of {n:count} categories, {share:share} of the cases, are learnt.",
                len(learnt),
                share=learnt["estimate"].sum(),
            )
        )
    if len(without := found[found["class"] == UNKNOWN]):
        notes.append(
            ngettext(
                "{n:count} category, {share:share} of the cases, is not classified: add it to "
                "service.classes in study.yaml.",
                "{n:count} categories, {share:share} of the cases, are not classified: add them "
                "to service.classes in study.yaml.",
                len(without),
                share=without["estimate"].sum(),
            )
        )
    if unknown := sorted(set(classes) - set(found["term"])):
        notes.append(
            _("No case is about {names:label_list5}, which study.yaml classes.", names=unknown)
        )
    if blank := len(sample) - known:
        notes.append(
            _(
                "{n:count} of {offered:count} cases without a category are left out.",
                n=blank,
                offered=len(sample),
            )
        )
    return i18n.together([*notes, resampling_note(sample)])
