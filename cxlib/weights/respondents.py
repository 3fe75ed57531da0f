"""Who answers: respondents compared with all customers in everything that is known of customers.

fit = weights.representation(sample, customers)
print(fit)       # Customers whose plan is Basic are under-represented, and weighting corrects it.
fit.table        # each group's share of the responses, before and after weighting
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.errors import require_columns
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.stats import estimators, moments, resampling
from cxlib.stats.intervals import simultaneous_interval, symmetric_interval
from cxlib.stats.notes import resampling_note

MOST = 12  # categories of an attribute that is compared
CUTS = (0.25, 0.5, 0.75)  # of the customers, where numbers are cut into bands
MOST_DIFFERING = 3  # attributes in the table of those that differ
LITTLE = 0.01  # a share nearer to the customers' than this is near enough
COLUMNS = [
    *("attribute", "term", "estimate", "low", "high", "n"),
    *("before", "before_low", "before_high", "target", "differs", "before_differs"),
]
NAMED, HALF = 2, 0.5  # groups that a claim names: others at least half as far from their share
NO_ATTRIBUTES = ("customer_id", "joined_on", "left_on", "left_because")


def representation(sample: SampleLike, customers: pd.DataFrame) -> Result:
    """Shares of the responses by attribute of the customers, and the customers' own shares.

    Parameters
    ----------
    sample : responses, clustered by customer; raked weights are raked in every resample
    customers : customer_id and attributes; with joined_on and left_on they count on the days on
        which the answers were given, each day weighted by its answers

    Returns
    -------
    Result whose table has a row for each attribute and term (category, or band of a number):
    estimate, low and high (share of the weighted responses), n, before, before_low and before_high
    (unweighted), target (share of the customers), differs and before_differs (whether the share
    lies further from it than the simultaneous intervals and 1% allow); table "differing" has the
    rows of the attributes that differ most, the worst first. The table is
    empty, and the finding says why, when no response has a known customer or nothing is known of
    customers.

    Raises
    ------
    ValueError : the sample has no cluster, or customers have no customer_id

    Examples
    --------
    >>> customers = pd.DataFrame({"customer_id": [1, 2, 3, 4], "plan": list("aabb")})
    >>> answers = Sample(pd.DataFrame({"customer_id": [1, 2, 3]}), cluster="customer_id", draws=50)
    >>> representation(answers, customers).table[["term", "before", "target"]].values.tolist()
    [['a', 0.6666666666666666, 0.5], ['b', 0.3333333333333333, 0.5]]
    """
    sample = as_sample(sample)
    if sample.cluster is None:
        raise ValueError("the responses have no cluster. Give Sample(rows, cluster='customer_id').")
    require_columns(customers, ["customer_id"], "customers")
    known = sample.where(sample[sample.cluster].isin(customers["customer_id"]))
    groups = _groups(customers, _present(customers, known.data))
    if not len(known) or groups.empty:
        why = (
            _("No response has a customer of the table of customers.")
            if not len(known)
            else _("Nothing is known of customers that could be compared.")
        )
        nothing = pd.DataFrame(columns=COLUMNS)
        return Result({"table": nothing, "differing": nothing}, why, "", "share")
    place = customers["customer_id"].reset_index(drop=True)
    of = pd.Series(place.index, place)[known[sample.cluster]].to_numpy()
    member = np.stack([m[of] for m in groups.pop("member")], axis=1).astype(float)
    whole = np.stack([m[of] for m in groups.pop("whole")], axis=1).astype(float)
    after, after_draws = _shares(known, member, whole)
    before, before_draws = _shares(known.replace(weight=None), member, whole)
    both, draws = np.r_[after, before], np.c_[after_draws, before_draws]
    own, together = symmetric_interval(both, draws), simultaneous_interval(both, draws)
    k = len(groups)
    raked = after_draws.std(0) < 1e-6  # to the same share in every draw: it has no interval
    for ends in (*own, *together):
        ends[:k][raked] = np.nan
    low, high = own
    target = groups["target"].to_numpy(float)
    differs = _differs(*together, both, np.r_[target, target])
    table = groups.assign(
        estimate=after,
        low=low[:k].clip(0),
        high=high[:k].clip(None, 1),
        n=member.sum(0).astype(int),
        before=before,
        before_low=low[k:].clip(0),
        before_high=high[k:].clip(None, 1),
        differs=differs[:k],
        before_differs=differs[k:],
    )
    lost = len(sample) - len(known)
    notes = [
        _("{n:count} responses of unknown customers are left out.", n=lost) if lost else "",
        _("Intervals are pointwise; simultaneous ones decide which groups differ."),
        resampling_note(sample),
    ]
    tables = {"table": table[COLUMNS], "differing": _differing(table)[COLUMNS]}
    return Result(tables, _finding(table), i18n.together(notes), "share", **sample.bootstrap)


def _present(customers: pd.DataFrame, responses: pd.DataFrame) -> np.ndarray:
    """On what share of the answers' days each was a customer; ones where no day is known."""
    days = responses.get("answered_on")
    if days is None or "joined_on" not in customers or days.isna().all():
        return np.ones(len(customers))
    days = np.sort(days.dropna().to_numpy("datetime64[us]"))
    first = customers["joined_on"].to_numpy("datetime64[us]")
    left = customers.get("left_on", pd.Series(pd.NaT, customers.index)).to_numpy("datetime64[us]")
    came = np.where(np.isnat(first), 0, np.searchsorted(days, first))
    gone = np.where(np.isnat(left), len(days), np.searchsorted(days, left))
    share = np.maximum(gone - came, 0) / len(days)
    return share if share.any() else np.ones(len(customers))


def _groups(customers: pd.DataFrame, there: np.ndarray) -> pd.DataFrame:
    """attribute, term, target, member and whole: who is in the group, whose attribute is known."""
    rows = []
    for attribute in (c for c in customers if c not in NO_ATTRIBUTES):
        values = customers[attribute]
        if pd.api.types.is_datetime64_any_dtype(values):
            continue
        terms, place = _terms(values)
        whole = place >= 0
        if not 2 <= len(terms) <= MOST or not there[whole].any():
            continue
        for k, term in enumerate(terms):
            target = there[place == k].sum() / there[whole].sum()
            rows.append((attribute, term, target, place == k, whole))
    return pd.DataFrame(rows, columns=["attribute", "term", "target", "member", "whole"])


def _terms(values: pd.Series) -> tuple[list[str], np.ndarray]:
    """(terms, the place of each customer's, -1 where it is not known)."""
    place, found = pd.factorize(values, sort=True)
    if len(found) <= MOST or not pd.api.types.is_numeric_dtype(values):
        return [str(f) for f in found], place
    numbers = values.to_numpy(float, na_value=np.nan)
    cuts = np.unique(np.nanquantile(numbers, CUTS))
    write = [i18n.number(c, 0 if abs(c) >= 100 else 2) for c in cuts]
    terms = [_("up to {x}", x=write[0])]
    terms += [_("{x} to {y}", x=a, y=b) for a, b in zip(write, write[1:], strict=False)]
    terms.append(_("over {x}", x=write[-1]))
    return terms, np.where(np.isnan(numbers), -1, np.searchsorted(cuts, numbers))


def _shares(sample: Sample, member: np.ndarray, whole: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of each group among the responses, and in each resample."""
    w = moments.weights_of(sample.data, sample.weight)[:, None]
    found = estimators.ratio(w * member, w * whole, **resampling.design(sample))
    return found.estimate, found.replicates


def _finding(table: pd.DataFrame) -> Finding:
    """The group that is furthest from its share of the customers, and whether weighting helps."""
    off, left = table["before_differs"], table["differs"]
    if not off.any():
        claim = _("Respondents resemble the customers in everything known of both.")
        detail = ngettext(
            "{n:count} group compared",
            "{n:count} groups compared",
            len(table),
        )
        return Finding(claim, detail, importance=Importance.METHOD)
    gap = (table["before"] - table["target"]).where(off)
    side = np.sign(gap[gap.abs().idxmax()])
    far = (side * gap).sort_values(ascending=False).dropna()
    each = table.loc[far[far >= HALF * far.iloc[0]].index].drop_duplicates("attribute")
    worst = each.head(NAMED)
    each_share = [
        _(
            "{name} {before:share} of responses, {target:share} of customers",
            name=i18n.quoted(i18n.label(row.term)),
            before=row.before,
            target=row.target,
        )
        for row in worst.itertuples()
    ]
    words = {
        "names": [_named(row) for row in worst.itertuples()],
        "off": off.sum(),
        "groups": len(table),
        "left": left.sum(),
    }
    n = len(worst)
    if left.any() and side < 0:
        claim = ngettext(
            "{names:list} is under-represented; weighting does not correct every group.",
            "{names:list} are under-represented; weighting does not correct every group.",
            n,
            **words,
        )
    elif left.any():
        claim = ngettext(
            "{names:list} is over-represented; weighting does not correct every group.",
            "{names:list} are over-represented; weighting does not correct every group.",
            n,
            **words,
        )
    elif side < 0:
        claim = ngettext(
            "{names:list} is under-represented, and weighting corrects it.",
            "{names:list} are under-represented, and weighting corrects it.",
            n,
            **words,
        )
    else:
        claim = ngettext(
            "{names:list} is over-represented, and weighting corrects it.",
            "{names:list} are over-represented, and weighting corrects it.",
            n,
            **words,
        )
    claim = i18n.opening(claim)
    compared = _(
        "{off:count} of {groups:count} groups differ before weighting, {left:count} after", **words
    )
    detail = _("; ").join([*each_share, compared])
    return Finding(
        claim, detail, importance=Importance.NOTABLE if left.any() else Importance.ANSWER
    )


def _named(row: Any) -> str:
    """A group with its attribute: “Basic” (Plan)."""
    return _("{term:quoted} ({attribute:label})", term=row.term, attribute=row.attribute)


def _differing(table: pd.DataFrame) -> pd.DataFrame:
    """All groups of the attributes in which one differs before weighting, the worst first."""
    gap = (table["before"] - table["target"]).abs().where(table["before_differs"])
    worst = gap.groupby(table["attribute"]).max().dropna().nlargest(MOST_DIFFERING).index
    place = table["attribute"].map({name: k for k, name in enumerate(worst)})
    return table[place.notna()].iloc[np.argsort(place.dropna(), kind="stable")]


def _differs(
    low: np.ndarray, high: np.ndarray, share: np.ndarray, target: np.ndarray
) -> np.ndarray:
    """Whether a share lies further from the customers' than chance and than LITTLE."""
    beyond = (low > target) | (high < target)
    return (beyond | np.isnan(low)) & (np.abs(share - target) > LITTLE)
