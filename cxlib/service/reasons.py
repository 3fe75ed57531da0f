"""What complaints are about, what kind of problem that is, and who can solve it.

    fit = reasons(cases, study.service.classes)
    fit.table          # term (class of problem), level, estimate: share of the cases
    fit.categories     # each category with its class, its level and why
    categories(fit)    # the same as a Result of its own

A complaint solved at the counter comes again when its reason lies in a process, a product or a
rule. The classes are those of study.yaml (`service: {classes: {delivery: process}}`); a category it
does not name is classed by words in its name, else by how often it comes. Such guesses are marked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import Column, in_unit
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.data.schema import CLASSES, Reason
from cxlib.privacy import disclosure
from cxlib.service import shares
from cxlib.service.cases import require_case_columns
from cxlib.stats.estimators import Replicated
from cxlib.stats.notes import resampling_note
from cxlib.stats.resampling import resample_sums, resampling_units

LEVEL_OF: dict[str, str] = dict(
    zip(CLASSES, ("front line", "process", "product", "policy"), strict=True)
)
SELDOM = 0.02  # share of the cases under which a category is about single customers
NAMES = {  # words by which a category that study.yaml does not name is classed, in this order
    "policy": r"price|fee|fare|interest|charge|contract|terms|polic|rule|privacy|loyalty|价格|收费|"
    r"费用|合同|条款|政策|规则|利率",
    "process": r"deliver|ship|book|order|check.?in|check.?out|bill|pay|refund|return|support|"
    r"service|wait|queue|call|account|transfer|appl|clos|open|report|investigat|collect|配送|物流|"
    r"预订|订单|入住|账单|支付|退款|退货|客服|服务|等待|排队|办理|流程",
    "product": r"product|quality|room|food|taste|app\b|web|site|device|software|feature|defect|"
    r"broken|card|产品|质量|客房|房间|菜|口味|应用|网站|设备|软件|功能|故障",
}


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
    and "categories": term (category), class, level, rule ("study.yaml", "its name", "how often it
    comes"), estimate (share of cases), low, high, n, again (share of its customers who had more
    than one; with customer_id only). Categories of study.yaml that no case has are noted.

    Raises
    ------
    InsufficientData : no case has a category

    Examples
    --------
    >>> fit = reasons(pd.DataFrame({"category": ["delivery", "delivery", "price", "room"]}))
    >>> fit.table[["term", "estimate"]].values.tolist()
    [['process', 0.5], ['policy', 0.25], ['product', 0.25]]
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
    share = np.bincount(place) / len(known)
    kinds = pd.DataFrame(
        [_classified(n, s, classes or {}) for n, s in zip(names, share, strict=True)],
        columns=["class", "level", "rule"],
    )
    pairs = kinds[["class", "level"]].drop_duplicates().reset_index(drop=True)
    kind = pairs.reset_index().merge(kinds.reset_index(), on=["class", "level"])
    of = kind.sort_values("index_y")["index_x"].to_numpy()
    each, _unused = _shares(known, place, len(names))
    whole, drawn = _shares(known, of[place], len(pairs))
    found = pd.DataFrame({"term": names, **kinds, **each})
    table = pd.DataFrame({"term": pairs["class"], "level": pairs["level"], **whole})
    if "customer_id" in known:
        found["again"] = _repeat_share(known["customer_id"], place, len(names))
        table["customers"] = _customer_share(known["customer_id"], of[place], len(pairs))
    order = np.argsort(-table["estimate"].to_numpy(), kind="stable")
    table = table.iloc[order].reset_index(drop=True)
    found = found.sort_values("estimate", ascending=False, ignore_index=True)
    return Result(
        {"table": table, "categories": found},
        _finding(table, found),
        _notes(sample, len(known), found, classes or {}),
        "share",
        columns=[
            *in_unit("share", "customers", "again"),
            Column("level", "name", "name", label="tier"),
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


def _classified(category: str, share: float, classes: Mapping[str, Reason]) -> tuple[str, str, str]:
    """(class, level, rule) of a category that makes up `share` of the cases."""
    if own := classes.get(category):
        return own.kind, own.level or LEVEL_OF[own.kind], "study.yaml"
    words = category.lower().replace("_", " ")
    for kind, pattern in NAMES.items():
        if re.search(pattern, words):
            return kind, LEVEL_OF[kind], "its name"
    kind = "one customer" if share < SELDOM else "process"
    return kind, LEVEL_OF[kind], "how often it comes"


def _shares(
    sample: Sample, place: np.ndarray, size: int
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Columns estimate, low, high and n of the shares of each place, and their replicates."""
    clusters = resampling_units(sample)
    inside = (place[:, None] == np.arange(size)).astype(float)
    drawn = resample_sums(inside, sample.draws, sample.seed, clusters)
    share = inside.mean(0)
    with np.errstate(invalid="ignore"):  # a resample may be empty
        again = drawn / drawn.sum(1, keepdims=True)
    units = float(len(np.unique(clusters.keys)))
    n = np.full(size, len(place))
    low, high = shares.share_interval(Replicated(share, again, units), n)
    table = {"estimate": share, "low": low, "high": high, "n": inside.sum(0).astype(int)}
    return table, again


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
    if found.loc[found["rule"] == "how often it comes", "estimate"].sum() > 0.5:
        claim = _("Most categories of complaints have no known class of problem in study.yaml.")
        return Finding(claim, importance=Importance.METHOD)
    row = shown.iloc[0]
    words = {"share": row["estimate"], "kind": row["term"], "level": row["level"]}
    claim = (
        _(
            "{share:share} of complaints have a cause of the type “{kind:label}”, which has to be "
            "solved at that level.",
            **words,
        )
        if row["term"] == row["level"]
        else _(
            "{share:share} of complaints have a cause of the type “{kind:label}”, which has to be "
            "solved at the level “{level:label}”.",
            **words,
        )
    )
    return Finding.of_row(
        row,
        claim,
        shares.interval_line(row),
        unit="share",
        measure="share_of_cases",
        at={"class": str(row["term"])},
        importance=Importance.ANSWER,
    )


def _notes(sample: Sample, known: int, found: pd.DataFrame, classes: Mapping[str, Reason]) -> str:
    guessed = found[found["rule"] != "study.yaml"]
    notes = []
    if len(guessed):
        notes.append(
            _(
                "{n:count} of {all:count} categories are not in study.yaml and are classed by "
                "their names, else by how often they occur. Check them.",
                n=len(guessed),
                all=len(found),
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
