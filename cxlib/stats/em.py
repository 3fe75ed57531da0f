"""Means and covariances by maximum likelihood where answers are missing: the EM algorithm.

Rows that answer the same questions form a pattern, and of each pattern only its sums are needed
(Dempster, Laird and Rubin 1977; Little and Rubin 2019, chapter 11). The sums of a draw are linear
in how often each customer is drawn, so all draws are worked on at once.

Bootstrap draws lie near the sample. The derivative of one EM step at the sample's solution turns a
step that goes a little of the way into one that goes nearly all of it (McLachlan and Krishnan 2008,
section 4.7), so that draws need a handful of steps; those that it fails take plain ones. The first
of these long steps is linear in how often each customer is drawn, so that it costs no more than
plain sums; of large samples it goes the whole way, which is seen on some draws of each batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, cast

import numpy as np

from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.stats.sums import SUMS, Moments

SETTLED = 1e-10  # largest step of a standardised mean or covariance: of the estimate,
NEAR = 3e-5  # and of draws, far below what chance does to them
LONG_STEPS, STEPS, MOST = 25, 300, 5000  # most steps: corrected and plain of draws; of the estimate
LEAST_VARIANCE = 1e-9  # standardised, in a direction; less is a constant or a copy
TRIED, CLOSE = 16, 0.05  # draws solved to see whether one step will do: if off by so few errors
SELDOM = 50  # of a pair of questions that fewer answer both, some draw may see nothing
HELD = 4_000_000  # numbers of pattern sums held at once
NUDGE = 1e-5


@dataclass(frozen=True)
class _Block:
    """A pattern: its rows of sums, the questions seen and unseen, and (weight, first, second)."""

    rows: np.ndarray
    seen: np.ndarray
    unseen: np.ndarray
    sums: np.ndarray


@dataclass(frozen=True)
class _Sums:
    """Sums of what was answered, draw by draw: in all, and of each pattern that leaves some out.

    mass (D,), first (D, p), second (D, p, p); parts: seen, unseen, weight (D,), first (D, seen),
    second (D, seen, seen).
    """

    mass: np.ndarray
    first: np.ndarray
    second: np.ndarray
    parts: list[tuple[Any, ...]]

    def take(self, draws: np.ndarray) -> _Sums:
        some = [(o, u, w[draws], x[draws], xx[draws]) for o, u, w, x, xx in self.parts]
        return _Sums(self.mass[draws], self.first[draws], self.second[draws], some)


@dataclass(frozen=True)
class Patterned(Moments):
    """Sums by customer and pattern of answers given; totals and draws are solved by EM.

    The arrays of `Moments` have a row for each pair of customer and pattern that occurs; what is
    missing counts as 0. `total` and `resample` give plain `Moments`: the sums that are expected of
    the whole answers, given those that were given. Draws without a solution are NaN.

    Attributes
    ----------
    pattern : pattern of each row of sums
    given : which questions each pattern answers, (patterns, p)
    """

    pattern: np.ndarray = field(kw_only=True)
    given: np.ndarray = field(kw_only=True)

    @property
    def missing(self) -> str:
        """The treatment of missing answers."""
        return "em"

    def _masses(self) -> np.ndarray:
        return self.weight[:, None] * self.given[self.pattern]

    def total(self) -> Moments:
        """The maximum likelihood solution; ValueError where the answers do not determine one."""
        point, _ = self._solution
        whole = self._expected(point[None], np.ones((1, len(self.keys))))
        parts: dict[str, Any] = {part: getattr(whole, part)[0] for part in SUMS}
        return replace(whole, **parts)

    def resample(self, draws: int, seed: int) -> Moments:
        """`draws` samples of the customers, each solved."""
        most = max(1, HELD // sum(block.sums.shape[1] for block in self._blocks))
        parts = [*self.resample_in_parts(draws, seed, min(most, draws))]
        whole: dict[str, Any] = {f: np.concatenate([getattr(p, f) for p in parts]) for f in SUMS}
        return replace(parts[0], **whole)

    def resample_in_parts(self, draws: int, seed: int, together: int) -> Iterator[Moments]:
        """The same draws as `resample`, `together` at a time."""
        for times in self.drawn.times(draws, seed, together):
            yield self._expected(self._solved(times), times)

    def mixed(self, times: np.ndarray) -> Moments:
        """The solution where each row of sums counts as often as `times` says."""
        return self._expected(self._solved(times), times)

    def parted(self, times: np.ndarray) -> tuple[Moments, Moments]:
        """The solutions of the rows in `times`, and of the rest."""
        both = self.mixed(np.concatenate([times, 1 - times]))

        def side(rows: slice) -> Moments:
            parts: dict[str, Any] = {f: getattr(both, f)[rows] for f in SUMS}
            return replace(both, **parts)

        return side(slice(len(times))), side(slice(len(times), None))

    def __add__(self, other: Moments) -> Patterned:
        if not isinstance(other, Patterned):
            raise ValueError("sums by pattern cannot be added to others. Sum both the same way.")
        both = cast(Patterned, super().__add__(other))
        given = np.concatenate([self.given, other.given])
        given, place = np.unique(given, axis=0, return_inverse=True)
        pattern = np.concatenate([self.pattern, other.pattern + len(self.given)])
        return replace(both, pattern=place.ravel()[pattern], given=given)

    def select(self, columns: list[str]) -> Patterned:
        """The same customers with some of the columns."""
        at = [self.columns.index(c) for c in columns]
        kinds, place = np.unique(self.given[:, at], axis=0, return_inverse=True)
        pattern = place.ravel()[self.pattern]
        some = np.asarray(kinds.any(1))[pattern]
        return replace(
            self,
            columns=tuple(columns),
            origin=self.origin[at],
            weight=self.weight[some],
            first=self.first[some][:, at],
            second=self.second[some][:, at][..., at],
            rows=self.rows[some],
            clusters=self.drawn.take(some),
            pattern=pattern[some],
            given=kinds,
        )

    @cached_property
    def _blocks(self) -> list[_Block]:
        """The sums of each pattern around the answers' means, in their standard deviations."""
        shift, scale = self._middle
        first = self.first - self.weight[:, None] * shift * self.given[self.pattern]
        cross = self.first[:, :, None] * shift
        both = self.given[self.pattern][:, :, None] & self.given[self.pattern][:, None]
        second = self.second - cross - np.swapaxes(cross, 1, 2)
        second += both * self.weight[:, None, None] * np.outer(shift, shift)
        blocks = []
        for code, given in enumerate(self.given):
            here, seen = np.flatnonzero(self.pattern == code), np.flatnonzero(given)
            if not len(here):
                continue
            upper = np.triu_indices(len(seen))
            squares = second[here][:, seen][..., seen] / np.outer(scale[seen], scale[seen])
            parts = [self.weight[here, None], first[here][:, seen] / scale[seen]]
            flat = np.concatenate([*parts, squares[:, *upper]], axis=1)
            blocks.append(_Block(here, seen, np.flatnonzero(~given), flat))
        return blocks

    @cached_property
    def _middle(self) -> tuple[np.ndarray, np.ndarray]:
        """Means less origin and standard deviations of the answers given to each question."""
        mass = np.maximum(self.weight @ self.given[self.pattern], 1e-300)
        shift = self.first.sum(0) / mass
        scale = np.sqrt(np.maximum(np.diagonal(self.second.sum(0)) / mass - shift**2, 0))
        return shift, np.where(scale > 1e-9 * (1 + np.abs(shift)), scale, 1.0)

    @cached_property
    def _solution(self) -> tuple[np.ndarray, np.ndarray]:
        """Standardised (point (q,), derivative of a long step (q, q)) of all customers together."""
        p = len(self.columns)
        self._check_pairs()
        sums = self._summed(np.ones((1, len(self.keys))))
        point = _pack(np.zeros((1, p)), np.eye(p)[None])
        point, settled = _climb(point, sums, p, None, 1e-3, MOST)
        lengthen = _lengthening(point[0], sums, p)
        if settled.all() and lengthen is not None:
            point, settled = _climb(point, sums, p, lengthen, SETTLED, LONG_STEPS * 4)
        if not settled.all():
            point, settled = _climb(point, sums, p, None, SETTLED, MOST)
        if not settled.all():
            raise InsufficientData(
                _(
                    "The answers to {questions:quoted_list} do not determine their correlations: "
                    "some are constant, copies of one another, or seldom answered together. Leave "
                    "one out, or take complete rows.",
                    questions=list(self.columns),
                )
            )
        return point[0], np.eye(len(point[0])) if lengthen is None else lengthen

    def _check_pairs(self) -> None:
        together = self.given.T * np.bincount(self.pattern, self.weight, len(self.given))
        never = np.argwhere(together @ self.given <= 0)
        if len(never):
            i, j = never[0]
            raise ValueError(
                f"nobody answers both {self.columns[i]!r} and {self.columns[j]!r}, so nothing is "
                "known of their correlation. Leave one out."
            )

    def _summed(self, times: np.ndarray) -> _Sums:
        """The standardised sums with the rows of sums taken `times` (draws, rows of sums)."""
        draws, p = len(times), len(self.columns)
        mass, parts = times @ self.weight, []
        first, second = np.zeros((draws, p)), np.zeros((draws, p, p))
        for block in self._blocks:
            w, x, xx = _unfolded(times[:, block.rows] @ block.sums)
            first[:, block.seen] += x
            second[:, block.seen[:, None], block.seen] += xx
            if len(block.unseen):
                parts.append((block.seen, block.unseen, w, x, xx))
        return _Sums(mass, first, second, parts)

    def _solved(self, times: np.ndarray) -> np.ndarray:
        """Standardised solutions (draws, q), the rows of sums taken `times`; NaN without one."""
        if len(times) < 4 * TRIED or self._least_pair < SELDOM:
            return self._climbed(times)
        quick, some = self._one_step(times), slice(None, None, len(times) // TRIED)
        off = np.sqrt(((quick[some] - self._climbed(times[some])) ** 2).mean(0))
        if (off <= CLOSE * quick.std(0) + NEAR).all() and _sound(quick, len(self.columns)).all():
            return quick
        return self._climbed(times)

    @cached_property
    def _least_pair(self) -> float:
        """How many rows answer both of the two questions that are answered together least."""
        rows = np.bincount(self.pattern, self.rows, len(self.given))
        return float(((self.given.T * rows) @ self.given).min())

    @cached_property
    def _expectations(self) -> np.ndarray:
        """Of each row of sums: weight, first and second sums as everybody's solution has them."""
        point, p = self._solution[0][None], len(self.columns)
        out = np.empty((len(self.keys), 1 + len(point[0])))
        for block in self._blocks:
            seen, unseen, (w, x, xx) = block.seen, block.unseen, _unfolded(block.sums)
            first, second = np.zeros((len(w), p)), np.zeros((len(w), p, p))
            first[:, seen], second[:, seen[:, None], seen] = x, xx
            parts = [(seen, unseen, w, x, xx)] if len(unseen) else []
            out[block.rows, 0] = w
            out[block.rows, 1:] = _pack(*_expect(point, _Sums(w, first, second, parts), p))
        return out

    def _one_step(self, times: np.ndarray) -> np.ndarray:
        """One long step from everybody's solution, (draws, q)."""
        (point, lengthen), p = self._solution, len(self.columns)
        sums = times @ self._expectations
        mean, squares = _unpack(sums[:, 1:] / sums[:, :1], p)
        after = _pack(mean, squares - mean[:, :, None] * mean[:, None])
        return point + (after - point) @ lengthen.T

    def _climbed(self, times: np.ndarray) -> np.ndarray:
        """As `_solved`, by steps until they are short."""
        (point, lengthen), p = self._solution, len(self.columns)
        sums = self._summed(times)
        weight = np.stack([times[:, b.rows] @ b.sums[:, 0] for b in self._blocks], axis=1)
        given = np.stack([np.isin(np.arange(p), b.seen) for b in self._blocks])
        pairs = weight @ (given[:, :, None] & given[:, None]).reshape(len(given), -1)
        found = np.full((len(times), len(point)), np.nan)
        left = np.flatnonzero((pairs > 0).all(1))
        for how, most in ((lengthen, LONG_STEPS), (None, STEPS)):
            if not len(left):
                break
            start = np.repeat(point[None], len(left), axis=0)
            ends, settled = _climb(start, sums.take(left), p, how, NEAR, most)
            found[left[settled]] = ends[settled]
            left = left[~settled]
        return found

    def _expected(self, points: np.ndarray, times: np.ndarray) -> Moments:
        """Sums expected of whole answers, of standardised solutions (draws, q)."""
        shift, scale = self._middle
        mean, cov = _unpack(points, len(self.columns))
        mean, cov = shift + mean * scale, cov * np.outer(scale, scale)
        weight = times @ self.weight
        second = weight[:, None, None] * (cov + mean[:, :, None] * mean[:, None])
        # in memory the draws lie last, as those of `Moments.resample` do
        second = np.moveaxis(np.ascontiguousarray(np.moveaxis(second, 0, -1)), -1, 0)
        return Moments(
            self.columns,
            self.origin,
            weight,
            weight[:, None] * mean,
            second,
            rows=times @ self.rows,
            offered=self.offered,
        )


def _climb(
    point: np.ndarray, sums: _Sums, p: int, lengthen: np.ndarray | None, near: float, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """EM steps from `point` (draws, q) until they are shorter than `near`: (points, settled).

    `lengthen` (q, q) turns each step into a long one, which is mended by the one before (Anderson
    1965, depth one). Draws whose covariance stops being one are given up; settled ones leave.
    """
    ends, settled = point.copy(), np.zeros(len(point), bool)
    left, before = np.arange(len(point)), None
    for _again in range(most):
        keep = _sound(point, p)
        if before is not None:
            keep &= ~settled[left]
        if not keep.any():
            break
        if keep.mean() < 0.8 or not _sound(point, p).all():
            left, point = left[keep], point[keep]
            before = before and tuple(part[keep] for part in before)
            sums = sums.take(keep)
        move = _step(point, sums, p) - point
        done = np.abs(move).max(1) < near
        if lengthen is not None:
            move = move @ lengthen.T
        after = point + move
        if lengthen is not None and before is not None:
            turn = move - before[1]
            part = (turn * move).sum(1) / np.maximum((turn**2).sum(1), 1e-300)
            after -= part[:, None] * (point - before[0] + turn)
        before = point, move
        point = after
        fresh = done & ~settled[left]
        ends[left[fresh]], settled[left[fresh]] = point[fresh], True
    return ends, settled


def _unfolded(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(weight, first, second) of one pattern from sums (draws, 1 + k + half of k * k)."""
    k = int(np.sqrt(2 * sums.shape[1] + 0.25) - 1.5)
    xx, upper = np.empty((len(sums), k, k)), np.triu_indices(k)
    xx[:, *upper] = xx[:, upper[1], upper[0]] = sums[:, 1 + k :]
    return sums[:, 0], sums[:, 1 : 1 + k], xx


def _step(point: np.ndarray, sums: _Sums, p: int) -> np.ndarray:
    """One EM step of every draw: what is unseen is expected, then means and covariances taken."""
    first, second = _expect(point, sums, p)
    first, second = first / sums.mass[:, None], second / sums.mass[:, None, None]
    return _pack(first, second - first[:, :, None] * first[:, None])


def _expect(point: np.ndarray, sums: _Sums, p: int) -> tuple[np.ndarray, np.ndarray]:
    """First and second sums of whole answers, what is unseen expected of the `point` (draws, q)."""
    mean, cov = _unpack(point, p)
    precision = np.linalg.inv(cov)
    repeats = max(1, len(point) // len(sums.first))
    first, second = (np.repeat(s, repeats, axis=0) for s in (sums.first, sums.second))
    for seen, unseen, weight, x, xx in sums.parts:
        rest = np.linalg.inv(precision[:, unseen[:, None], unseen])
        slopes = -rest @ precision[:, unseen[:, None], seen]
        at_zero = (mean[:, unseen] - _times(slopes, mean[:, seen]))[:, :, None]
        sloped = _times(slopes, x)[:, :, None]
        w, across = weight[:, None, None], np.swapaxes(at_zero, 1, 2)
        first[:, unseen] += (w * at_zero + sloped)[..., 0]
        shared = slopes @ xx
        own = w * (rest + at_zero @ across) + sloped @ across + at_zero @ np.swapaxes(sloped, 1, 2)
        second[:, unseen[:, None], unseen] += own + shared @ np.swapaxes(slopes, 1, 2)
        shared += at_zero * x[:, None]
        second[:, unseen[:, None], seen] += shared
        second[:, seen[:, None], unseen] += np.swapaxes(shared, 1, 2)
    return first, second


def _times(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    return (matrix @ vector[:, :, None])[..., 0]


def _lengthening(point: np.ndarray, sums: _Sums, p: int) -> np.ndarray | None:
    """(1 - J)^-1, J the derivative of an EM step at `point` (q,), by differences; None if none."""
    moved = _step(np.vstack([point, point + NUDGE * np.eye(len(point))]), sums, p)
    slope = (moved[1:] - moved[0]).T / NUDGE
    try:
        return np.linalg.inv(np.eye(len(point)) - slope)
    except np.linalg.LinAlgError:
        return None


def _sound(point: np.ndarray, p: int) -> np.ndarray:
    """Whether the covariances (draws, q) have a variance in every direction."""
    cov = _unpack(point, p)[1]
    whole = np.isfinite(cov).all((1, 2))
    return whole & (
        np.linalg.eigvalsh(np.where(whole[:, None, None], cov, 0.0))[:, 0] > LEAST_VARIANCE
    )


def _pack(mean: np.ndarray, cov: np.ndarray) -> np.ndarray:
    """Means and one half of the covariances in a row: (draws, q)."""
    return np.concatenate([mean, cov[:, *np.triu_indices(mean.shape[1])]], axis=1)


def _unpack(point: np.ndarray, p: int) -> tuple[np.ndarray, np.ndarray]:
    upper = np.triu_indices(p)
    cov = np.empty((len(point), p, p))
    cov[:, *upper] = point[:, p:]
    cov[:, upper[1], upper[0]] = point[:, p:]
    return point[:, :p], cov
