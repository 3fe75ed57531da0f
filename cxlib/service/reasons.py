"""What complaints are about, what kind of problem that is, and who can solve it.

    fit = reasons(cases, study.service.classes)
    fit.table          # term (class of problem), level, estimate: share of the cases
    fit.categories     # each category with its class, its level and why

A complaint solved at the counter comes again when its reason lies in a process, a product or a
rule. The classes are those of study.yaml (`service: {classes: {delivery: process}}`); a category it
does not name is classed by words in its name, else by how often it comes. Such guesses are marked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.data.schema import CLASSES, Reason
from cxlib.estimates import Estimates, how_drawn
from cxlib.privacy import disclosure
from cxlib.service import shares
from cxlib.service.casebook import needs
from cxlib.stats import resampling
from cxlib.stats.estimators import Replicated

LEVEL_OF = dict(zip(CLASSES, ("front line", "process", "product", "policy"), strict=True))
SHOWN = 20  # categories of a figure
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


@dataclass(frozen=True)
class Reasons(Estimates):
    """Classes of problems.

    Attributes
    ----------
    table : term (class), level, estimate (share of cases), low, high (all at once), n, customers
        (share of the customers with a case who had one of these)
    categories : term (category), class, level, rule ("study.yaml", "its name", "how often it
        comes"), estimate (share of cases), low, high, n, again (share of its customers who had more
        than one)
    """

    categories: pd.DataFrame = field(kw_only=True)

    @property
    def commonest(self) -> pd.DataFrame:
        """The first SHOWN of the categories."""
        return self.categories.head(SHOWN)

    @property
    def by_category(self) -> Estimates:
        """The categories as a result of their own, so that its numbers are read as shares."""
        return Estimates(self.categories, "", "", "share", draws=self.draws, seed=self.seed)


def reasons(
    cases: pd.DataFrame,
    classes: Mapping[str, Reason] | None = None,
    *,
    category: str = "category",
    draws: int = 1000,
    seed: int = 1,
) -> Reasons:
    """Share of cases of each class of problem and of each category; customers drawn whole.

    Raises ValueError where no case has a category. Classes that no case has are noted.
    """
    needs(cases, category)
    known = cases[cases[category].notna()]
    if known.empty:
        raise ValueError(f"none of {len(cases):,} cases has a {category}.")
    names, place = shares.groups(known[category], len(known))
    share = np.bincount(place) / len(known)
    told = [classed(n, s, classes or {}) for n, s in zip(names, share, strict=True)]
    kinds = pd.DataFrame(told, columns=["class", "level", "rule"])
    pairs = kinds[["class", "level"]].drop_duplicates().reset_index(drop=True)
    kind = pairs.reset_index().merge(kinds.reset_index(), on=["class", "level"])
    of = kind.sort_values("index_y")["index_x"].to_numpy()
    who = shares.who_of(known)
    each, again, each_n = _shares(place, len(names), who, draws, seed)
    whole, drawn, n = _shares(of[place], len(pairs), who, draws, seed)
    categories = pd.DataFrame(
        {"term": names, **kinds, **each, "n": each_n, "again": _again(known, place, len(names))}
    )
    table = pd.DataFrame(
        {
            "term": pairs["class"],
            "level": pairs["level"],
            **whole,
            "n": n,
            "customers": _customers(known, of[place], len(pairs)),
        }
    )
    order = np.argsort(-table["estimate"].to_numpy(), kind="stable")
    table = table.iloc[order].reset_index(drop=True)
    categories = categories.sort_values("estimate", ascending=False, ignore_index=True)
    note = _note(cases, known, categories, classes or {}, draws)
    if "customer_id" not in known:
        table, categories = table.drop(columns="customers"), categories.drop(columns="again")
    return Reasons(
        table,
        _said(table, categories),
        note,
        "share",
        draws=draws,
        seed=seed,
        replicates=drawn[:, order],
        categories=categories,
    )


def classed(category: str, share: float, classes: Mapping[str, Reason]) -> tuple[str, str, str]:
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
    place: np.ndarray, size: int, who: resampling.Who, draws: int, seed: int
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    inside = (place[:, None] == np.arange(size)).astype(float)
    drawn = resampling.resample_sums(inside, draws, seed, who)
    share, again = inside.mean(0), drawn / drawn.sum(1, keepdims=True)
    n = np.full(size, len(place))
    low, high = shares.bounds(Replicated(share, again, float(len(np.unique(who.keys)))), n, size)
    return {"estimate": share, "low": low, "high": high}, again, inside.sum(0).astype(int)


def _again(rows: pd.DataFrame, place: np.ndarray, size: int) -> np.ndarray:
    """Share of the customers of each category who had more than one case of it."""
    if "customer_id" not in rows:
        return np.full(size, np.nan)
    times = rows.groupby([place, rows["customer_id"].to_numpy()]).size()
    return (times > 1).groupby(level=0).mean().reindex(range(size)).to_numpy()


def _customers(rows: pd.DataFrame, kind: np.ndarray, size: int) -> np.ndarray:
    if "customer_id" not in rows:
        return np.full(size, np.nan)  # and the column goes
    had = rows["customer_id"].groupby(kind).nunique().reindex(range(size), fill_value=0)
    return had.to_numpy() / max(rows["customer_id"].nunique(), 1)


def _said(table: pd.DataFrame, categories: pd.DataFrame) -> str:
    shown = disclosure.shown(table)
    if shown.empty:
        return _("Too few cases to tell what they are about.")
    if categories.loc[categories["rule"] == "how often it comes", "estimate"].sum() > 0.5:
        return _(
            "Of most complaints neither study.yaml nor the name of their category tells what kind "
            "of problem they are."
        )
    row = shown.iloc[0]
    return _(
        "Most complaints, {share} ({span}), are of the class “{kind:label}”; the level that can "
        "solve them: “{level:label}”; n {n}.",
        kind=row["term"],
        level=row["level"],
        **shares.in_words(row),
    )


def _note(
    cases: pd.DataFrame,
    known: pd.DataFrame,
    found: pd.DataFrame,
    classes: Mapping[str, Reason],
    draws: int,
) -> str:
    guessed = found[found["rule"] != "study.yaml"]
    said = []
    if len(guessed):
        said.append(
            _(
                "{n:count} of {all:count} categories are not in study.yaml: they are classed by "
                "words in their names, else by how often they come. Look through them.",
                n=len(guessed),
                all=len(found),
            )
        )
    if unknown := sorted(set(classes) - set(found["term"])):
        said.append(
            _("No case is about {names:label_list5}, which study.yaml classes.", names=unknown)
        )
    if blank := len(cases) - len(known):
        said.append(
            _(
                "{n:count} of {offered:count} cases without a category are left out.",
                n=blank,
                offered=len(cases),
            )
        )
    customers = "customer_id" if "customer_id" in cases else None
    return i18n.together([*said, how_drawn(draws, bucket=customers)])
