"""What segments are like: names, sizes, and means with intervals that hold all at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, ndtri, stdtrit

from cxlib.core import i18n
from cxlib.core.columns import INTERVAL, SIMULTANEOUS
from cxlib.segments.features import Axis, terms_of
from cxlib.segments.names import names_of
from cxlib.stats import resampling
from cxlib.stats.intervals import LEVEL, draw_quantile

REPORT, PATTERN = 0.75, 0.60  # Jaccard (Hennig 2007)
ADDED = 2.0  # customers, to each answer of a share


@dataclass(frozen=True)
class Description:
    """k segments in the p columns of the axes, in the features' own units.

    Attributes
    ----------
    share, shares : of the customers, (k,) and (draws, k)
    means, drawn : of each column, (k, p) and (draws, k, p)
    overall, spread : mean and deviation of everybody, (p,)
    n : customers placed in each, (k,)
    located, relocated : locations of ordinal answers against the first segment, (k - 1, items) and
        (draws, k - 1, items)
    """

    share: np.ndarray
    shares: np.ndarray
    means: np.ndarray
    drawn: np.ndarray
    overall: np.ndarray
    spread: np.ndarray
    n: np.ndarray
    located: np.ndarray | None = None
    relocated: np.ndarray | None = None

    @property
    def away(self) -> np.ndarray:
        """Deviations from the average, (k, p)."""
        return (self.means - self.overall) / np.maximum(self.spread, 1e-12)


def describe(
    values: np.ndarray, w: np.ndarray, labels: np.ndarray, k: int, draws: int, seed: int
) -> Description:
    """Customers drawn whole, memberships held. `values` are (n, p)."""
    overall = np.average(values, axis=0, weights=w)
    spread = np.sqrt(np.average((values - overall) ** 2, axis=0, weights=w))
    inside = (labels[:, None] == np.arange(k)) * w[:, None]
    each = np.concatenate([inside, *(inside * v[:, None] for v in (values - overall).T)], axis=1)
    drawn = resampling.resample_sums(each, draws, seed)
    sums = np.concatenate([each.sum(0)[None], drawn]).reshape(-1, values.shape[1] + 1, k)
    with np.errstate(invalid="ignore"):
        share = sums[:, 0] / sums[:, 0].sum(1, keepdims=True)
        means = np.moveaxis(sums[:, 1:] / sums[:, :1], 1, 2) + overall
    n = np.bincount(labels, minlength=k)
    return Description(share[0], share[1:], means[0], _wider(means, w, inside), overall, spread, n)


def _wider(means: np.ndarray, w: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """The draws' means, as much further out as Student's t asks of so few customers."""
    free = np.maximum(inside.sum(0) ** 2 / np.maximum((inside**2).sum(0), 1e-12) - 1, 1.0)
    factor = np.sqrt((free + 1) / free) * stdtrit(free, (1 + LEVEL) / 2) / ndtri((1 + LEVEL) / 2)
    return means[0] + (means[1:] - means[0]) * factor[:, None]


def interval_columns(
    estimate: np.ndarray, replicates: np.ndarray, behind: np.ndarray | float = np.nan
) -> dict[str, np.ndarray]:
    """Each entry's own interval, and those that hold for all (max-t); `replicates` (draws, ...).

    Entries with a number of customers `behind` them are shares, the others (NaN) means. Shares are
    taken as log-odds with two more yes and two more no (Agresti and Coull 1998), and no surer than
    that many customers could make them: draws of a share of 0 never vary, other customers would.
    """
    if not estimate.size:
        return dict.fromkeys((*INTERVAL[1:], *SIMULTANEOUS), estimate)
    n = np.broadcast_to(np.asarray(behind, float), estimate.shape)
    share = ~np.isnan(n)
    at, drawn = (np.where(share, _log_odds(v, n), v) for v in (estimate, replicates))
    error = np.nanstd(drawn, axis=0, ddof=1)
    p = (np.clip(estimate, 0, 1) * n + ADDED) / (n + 2 * ADDED)
    error = np.where(share, np.fmax(error, ((n + 2 * ADDED) * p * (1 - p)) ** -0.5), error)
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = np.where(error > 1e-12, np.abs(drawn - at) / error, 0.0)
    most = np.nanmax(apart.reshape(len(apart), -1), axis=1)
    own, together = (draw_quantile(of, LEVEL) * error for of in (apart, most))
    ends = (at - own, at + own, at - together, at + together)
    low, high, *joint = (np.where(share, expit(end), end) for end in ends)
    found = np.minimum(low, estimate), np.maximum(high, estimate)
    joint = [np.minimum(joint[0], estimate), np.maximum(joint[1], estimate)]
    return dict(zip((*INTERVAL[1:], *SIMULTANEOUS), (*found, *joint), strict=True))


def interval_table(
    about: Mapping[str, object],
    estimate: np.ndarray,
    replicates: np.ndarray,
    n: np.ndarray | int,
    *,
    share: bool = False,
) -> pd.DataFrame:
    """A row an entry: `about`, estimate, n and the ends of `interval_columns`."""
    ends = interval_columns(estimate, replicates, n if share else np.nan)
    found = {"estimate": estimate, "n": np.broadcast_to(n, estimate.shape), **ends}
    return pd.DataFrame({**about, **{name: np.ravel(v) for name, v in found.items()}})


def _log_odds(share: np.ndarray, n: np.ndarray) -> np.ndarray:
    yes = np.clip(share, 0, 1) * n + ADDED
    return np.log(yes / (n + 2 * ADDED - yes))


def sizes(
    axes: list[Axis], found: Description, jaccard: np.ndarray
) -> tuple[pd.DataFrame, dict[str, str]]:
    """One row a segment: term (its name), estimate, low, high, n, segment, jaccard, verdict.

    And the longer description of each name.
    """
    ends = interval_columns(found.share, found.shares, found.n.sum())
    verdicts = np.select(
        [jaccard >= REPORT, jaccard >= PATTERN], ["report", "pattern"], "not named"
    )
    names, described = names_of(axes, _sure(axes, found), verdicts)
    table = pd.DataFrame(
        {
            "term": names,
            "estimate": found.share,
            "low": ends["low"],
            "high": ends["high"],
            "n": found.n,
            "segment": np.arange(1, len(found.n) + 1),
            "jaccard": jaccard,
            "verdict": verdicts,
        }
    )
    return table, dict(zip(names, described, strict=True))


def _sure(axes: list[Axis], found: Description) -> np.ndarray:
    """Deviations from the average, those that may be chance as none: no name is made of them."""
    low, high = (_ends(axes, found)[c] for c in SIMULTANEOUS)
    return np.where((low > found.overall) | (high < found.overall), found.away, 0.0)


def _ends(axes: list[Axis], found: Description) -> dict[str, np.ndarray]:
    behind = np.where(_is_share(axes), found.n[:, None].astype(float), np.nan)
    return interval_columns(found.means, found.drawn, behind)


def _is_share(axes: list[Axis]) -> np.ndarray:
    return np.concatenate([[bool(a.levels)] * max(len(a.levels), 1) for a in axes])


def table(axes: list[Axis], found: Description, named: pd.DataFrame) -> pd.DataFrame:
    """One row a term and segment: segment, term, estimate, low, high, n, overall, distance, spread.

    And simultaneous_low, simultaneous_high, which hold for all of them at once.
    """
    shown = np.flatnonzero(_shown(axes))
    means = found.means[:, shown]
    ends = {c: end[:, shown].T.ravel() for c, end in _ends(axes, found).items()}
    k, p = means.shape
    return pd.DataFrame(
        {
            "segment": np.tile(named["term"].to_numpy(object), p),
            "term": np.repeat(np.array(terms_of(axes), object)[shown], k),
            "estimate": means.T.ravel(),
            "low": ends["low"],
            "high": ends["high"],
            "n": np.tile(found.n, p),
            "overall": np.repeat(found.overall[shown], k),
            "distance": found.away[:, shown].T.ravel(),
            "spread": np.repeat(found.spread[shown], k),
            **{c: ends[c] for c in SIMULTANEOUS},
        }
    )


def locations(axes: list[Axis], found: Description, named: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """A row an ordinal answer and segment but the first: its location against the first's."""
    terms = [i18n.label(axis.name) for axis in axes if axis.scores]
    if found.located is None or found.relocated is None or not terms:
        return {}
    names, each = named["term"].to_numpy(object), len(found.located)
    about = {
        "segment": np.tile(names[1:], len(terms)),
        "reference": names[0],
        "term": np.repeat(np.array(terms, object), each),
    }
    estimate, drawn = found.located.T, np.swapaxes(found.relocated, 1, 2)
    table = interval_table(
        about, estimate.ravel(), drawn.reshape(len(drawn), -1), np.tile(found.n[1:], len(terms))
    )
    return {"locations": table}


def marks(profiles: pd.DataFrame) -> pd.DataFrame:
    """The profiles in deviations from the average customer, to set features side by side."""
    ends = (*INTERVAL, *SIMULTANEOUS)
    found = profiles[["segment", "term", *ends, "n"]].copy()
    for column in ends:
        found[column] = (profiles[column] - profiles["overall"]) / profiles["spread"]
    return found


def _shown(axes: list[Axis]) -> list[bool]:
    """Which columns a reader needs: of yes and no, the share of yes tells both."""
    return [
        not (set(axis.levels) == {"no", "yes"} and level == "no")
        for axis in axes
        for level in (axis.levels or ("",))
    ]
