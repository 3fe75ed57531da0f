"""Maximum likelihood over compressed counts: Newton's steps with the exact curvature.

    found = climb(model, data, count, start)       # model(parameters, *data) -> height, slope, bend
    found.moved(sums_of_parts)                     # (draws, k): one more step for every draw

A model gives, for every distinct kind of customer, the log-likelihood (u,), its gradient (p, u) and
its Hessian (p, p, u) in its parameters, which are all positive: the climb is on their logarithms.
Covariates move those logarithms along straight lines (`design`), so one chain rule serves them all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from cxlib.stats import linear_algebra
from cxlib.value import models

Model = Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]
STEPS, CLOSE = 200, 1e-6  # the error after a step is about the square of its length
BLOCK = 2048
FAR = 15.0  # a logarithm beyond it says that the data do not bound the parameter
ONE_STEP = 1.5  # a move of the logarithms within which one step is enough


class NoMaximum(ArithmeticError):
    """The likelihood has no maximum inside: some parameter runs away."""


@dataclass(frozen=True)
class Summit:
    """The maximum, and what each kind of customer adds to its derivatives.

    Attributes
    ----------
    at : logarithms of the model's parameters, then the covariates' coefficients, (k,)
    height : the log-likelihood
    steps : how many it took
    each : gives height (u,), gradient (k, u) and Hessian (k, k, u) of one customer of each kind
    """

    at: np.ndarray
    height: float
    steps: int
    each: Callable[[], tuple[np.ndarray, np.ndarray, np.ndarray]]

    @cached_property
    def parts(self) -> np.ndarray:
        """Gradient and Hessian of one customer of each kind, side by side, (u, k + k * k).

        Sums of them are all a draw needs.
        """
        _, slope, bend = self.each()
        k, u = slope.shape
        return np.concatenate([slope, bend.reshape(k * k, u)]).T

    def moved(self, sums: np.ndarray) -> np.ndarray:
        """`at` for draws of customers, from their sums of `parts` (draws, k + k * k): (draws, k).

        One Newton step from the maximum is as accurate as the bootstrap itself (Davidson and
        MacKinnon 1999). A draw whose step is long, or climbs nowhere, is NaN.
        """
        k = len(self.at)
        slope, bend = sums[:, :k], sums[:, k:].reshape(-1, k, k)
        step = linear_algebra.solve(-bend, slope[..., None])[..., 0]
        fine = np.abs(step).max(1) < ONE_STEP  # NaN, where nothing climbs, is not
        return np.where(fine[:, None], self.at + step, np.nan)


def climb(
    model: Model,
    data: tuple[np.ndarray, ...],
    count: np.ndarray,
    start: np.ndarray,
    design: np.ndarray | None = None,
) -> Summit:
    """The maximum of sum(count * log-likelihood) from `start` (k,), on the scale of `Summit.at`.

    `design` (u, p, k) turns that scale into the logarithms of each kind's own parameters; without
    it all share the same. Raises NoMaximum when a parameter runs away or no step climbs.
    """
    at = np.asarray(start, float)
    if design is None and model in models.SUMS:
        height_at = partial(_shared, models.SUMS[model](*data, count))
    else:
        height_at = partial(_height, model, data, count, design)
    here = height_at(at)
    for taken in range(1, STEPS + 1):
        height, slope, bend = here
        move = _uphill(slope, bend)
        size = min(1.0, 2.0 / max(np.abs(move).max(), 1e-300))
        while not (new := height_at(at + size * move))[0] >= height - 1e-12 * abs(height):
            size /= 2
            if size < 1e-10:
                raise NoMaximum("no step climbs")
        at, here = at + size * move, new
        if np.abs(at).max() > FAR:
            raise NoMaximum("a parameter runs away")
        if np.abs(size * move).max() < CLOSE:
            return Summit(at, here[0], taken, partial(_surface, model, data, design, at))
    raise NoMaximum(f"{STEPS} steps were not enough")


def parameters_of(at: np.ndarray, design: np.ndarray | None = None) -> np.ndarray:
    """The model's own parameters: (p,), or (p, u) where covariates move them."""
    return np.exp(at) if design is None else np.exp(design @ at).T


def _uphill(slope: np.ndarray, bend: np.ndarray) -> np.ndarray:
    # Where the surface is not a hill, directions that bend upwards are climbed as if downwards.
    values, vectors = np.linalg.eigh(bend)
    values = -np.maximum(np.abs(values), 1e-8 * max(np.abs(values).max(), 1e-300))
    return -(vectors / values) @ (vectors.T @ slope)


def _shared(sums: Callable, at: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    with np.errstate(all="ignore"):
        height, slope, bend = _on_logarithms(np.exp(at), *sums(np.exp(at)))
    return (height if np.isfinite(height) else -np.inf), slope, bend


def _height(
    model: Model, data: tuple, count: np.ndarray, design: np.ndarray | None, at: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    # In blocks that stay in the processor's cache: larger arrays are new memory each time.
    height, slope, bend = 0.0, 0.0, 0.0
    for k in range(0, len(count), BLOCK):
        block = slice(k, k + BLOCK)
        part = tuple(column[block] for column in data)
        found = _surface(model, part, None if design is None else design[block], at)
        height, slope, bend = (
            so_far + more @ count[block]
            for so_far, more in zip((height, slope, bend), found, strict=True)
        )
    return (float(height) if np.isfinite(height) else -np.inf), slope, bend


def _surface(
    model: Model, data: tuple, design: np.ndarray | None, at: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    own = parameters_of(at, design)
    with np.errstate(all="ignore"):
        height, slope, bend = _on_logarithms(own.reshape(len(own), -1), *model(own, *data))
    if design is not None:
        slope = np.einsum("upk,pu->ku", design, slope)
        bend = np.einsum("upk,pqu,uql->klu", design, bend, design, optimize=True)
    return height, slope, bend


def _on_logarithms(
    own: np.ndarray, height: np.ndarray, slope: np.ndarray, bend: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Derivatives in the logarithms of the parameters: `own` is (p,), or (p, 1) or (p, u)."""
    slope, bend = slope * own, bend * (own[:, None] * own)
    diagonal = np.arange(len(own))
    bend[diagonal, diagonal] += slope
    return height, slope, bend
