"""Maximum likelihood over compressed counts: Newton's steps with the exact curvature.

    fit = maximise(model, data, count, start)   # model(parameters, *data)
    fit.replicates(sums_of_parts)               # (draws, k): one more step for every draw

A model gives, for every distinct kind of customer, the log-likelihood (u,), its gradient (p, u) and
its Hessian (p, p, u) in its parameters, which are all positive: steps are on their logarithms.
Covariates move those along straight lines (`design`), so one chain rule serves them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from cxlib.stats import linear_algebra
from cxlib.value.loglik import BLOCK, SUMS

Model = Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]
Surface = Callable[[np.ndarray], tuple[float, np.ndarray, np.ndarray]]
STEPS, CLOSE, ROUGH = 200, 1e-6, 1e-3  # the error after a step is about the square of its length
FAR = 15.0  # a logarithm beyond it says that the data do not bound the parameter
ONE_STEP = 1.5  # a move of the logarithms within which one step is enough
# Few customers bound the parameters so badly that one step is too short: draws of so many kinds of
# customers at most are climbed in steps.
MOST_REFITTED, REFIT_STEPS, UNBOUNDED = 500, 3, 0.95


class NoMaximum(ArithmeticError):
    """The likelihood has no maximum inside: some parameter runs away."""


@dataclass(frozen=True)
class Maximum:
    """The maximum, and what each kind of customer adds to its derivatives.

    Attributes
    ----------
    at : logarithms of the model's parameters, then the covariates' coefficients, (k,)
    loglik : the log-likelihood
    each : gives loglik (u,), gradient (k, u) and Hessian (k, k, u) of one customer of each kind
    surface_of : gives the same, summed, as a function of `at`, for other counts of each kind (u,)
    """

    at: np.ndarray
    loglik: float
    each: Callable[[], tuple[np.ndarray, np.ndarray, np.ndarray]]
    surface_of: Callable[[np.ndarray], Surface]

    @cached_property
    def parts(self) -> np.ndarray:
        """Gradient and Hessian of one customer of each kind, side by side, (u, k + k * k).

        Sums of them are all a draw needs.
        """
        _, gradient, hessian = self.each()
        k, u = gradient.shape
        return np.concatenate([gradient, hessian.reshape(k * k, u)]).T

    def replicates(self, sums: np.ndarray) -> np.ndarray:
        """`at` for draws of customers, from their sums of `parts` (draws, k + k * k): (draws, k).

        One Newton step from the maximum is as accurate as the bootstrap itself (Davidson and
        MacKinnon 1999). A draw whose step is long, or climbs nowhere, is NaN.
        """
        k = len(self.at)
        gradient, hessian = sums[:, :k], sums[:, k:].reshape(-1, k, k)
        step = linear_algebra.solve(-hessian, gradient[..., None])[..., 0]
        fine = np.abs(step).max(1) < ONE_STEP  # NaN, where nothing climbs, is not
        return np.where(fine[:, None], self.at + step, np.nan)

    def refits(self, counts: np.ndarray) -> np.ndarray:
        """`at` for draws with `counts` (draws, u) of each kind, climbed to from here: (draws, k).

        REFIT_STEPS guarded Newton steps, after which a draw is as near its own maximum as the
        bootstrap can tell (Andrews 2002, Econometrica 70). NaN where nothing climbs, and everywhere
        if one step is too long in nearly all draws: then the data do not bound some parameter.
        """
        if np.isnan(self.replicates(counts @ self.parts)).any(1).mean() > UNBOUNDED:
            return np.full((len(counts), len(self.at)), np.nan)
        return np.array([_climbed(self.surface_of(count), self.at) for count in counts])


def maximise(
    model: Model,
    data: tuple[np.ndarray, ...],
    count: np.ndarray,
    start: np.ndarray,
    design: np.ndarray | None = None,
) -> Maximum:
    """The maximum of sum(count * log-likelihood) from `start` (k,), on the scale of `Maximum.at`.

    `design` (u, p, k) turns that scale into the logarithms of each kind's own parameters; without
    it all share the same. Raises NoMaximum when a parameter runs away or no step climbs.
    """
    at = np.asarray(start, float)
    surface_of = partial(_surface_of, model, data, design)
    surface_at = surface_of(count)
    here = surface_at(at)
    for _step in range(STEPS):
        at, here, moved = _step_up(surface_at, at, here)
        if np.abs(at).max() > FAR:
            raise NoMaximum("a parameter runs away")
        if moved < CLOSE:
            return Maximum(at, here[0], partial(_each, model, data, design, at), surface_of)
    raise NoMaximum(f"{STEPS} steps were not enough")


def _surface_of(
    model: Model, data: tuple[np.ndarray, ...], design: np.ndarray | None, count: np.ndarray
) -> Surface:
    if design is None and model in SUMS:
        return partial(_shared, SUMS[model](*data, count))
    return partial(_summed, model, data, count, design)


def _step_up(
    surface_at: Surface, at: np.ndarray, here: tuple[Any, ...]
) -> tuple[np.ndarray, tuple[Any, ...], float]:
    """One Newton step that climbs: where it leads, the surface there, how far it is."""
    loglik, gradient, hessian = here
    move = _uphill(gradient, hessian)
    size = min(1.0, 2.0 / max(np.abs(move).max(), 1e-300))
    while not (new := surface_at(at + size * move))[0] >= loglik - 1e-12 * abs(loglik):
        size /= 2
        if size < 1e-10:
            raise NoMaximum("no step climbs")
    return at + size * move, new, float(np.abs(size * move).max())


def _climbed(surface_at: Surface, at: np.ndarray) -> np.ndarray:
    """Where REFIT_STEPS steps from `at` lead, parameters that run away held at FAR."""
    try:
        here = surface_at(at)
        for _step in range(REFIT_STEPS):
            at, here, moved = _step_up(surface_at, at, here)
            if moved < ROUGH or np.abs(at).max() > FAR:
                break
        return np.clip(at, -FAR, FAR)
    except (NoMaximum, np.linalg.LinAlgError):
        return np.full(len(at), np.nan)


def parameters_of(at: np.ndarray, design: np.ndarray | None = None) -> np.ndarray:
    """The model's own parameters: (p,), or (p, u) where covariates move them."""
    return np.exp(at) if design is None else np.exp(design @ at).T


def _uphill(gradient: np.ndarray, hessian: np.ndarray) -> np.ndarray:
    # Where the surface is not a hill, directions that bend upwards are climbed as if downwards.
    values, vectors = np.linalg.eigh(hessian)
    values = -np.maximum(np.abs(values), 1e-8 * max(np.abs(values).max(), 1e-300))
    return -(vectors / values) @ (vectors.T @ gradient)


def _shared(sums: Callable[..., Any], at: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    with np.errstate(all="ignore"):
        loglik, gradient, hessian = _on_logarithms(np.exp(at), *sums(np.exp(at)))
    return _finite(loglik), gradient, hessian


def _summed(
    model: Model,
    data: tuple[Any, ...],
    count: np.ndarray,
    design: np.ndarray | None,
    at: np.ndarray,
) -> tuple[float, np.ndarray, np.ndarray]:
    loglik, gradient, hessian = 0.0, np.zeros(len(at)), np.zeros((len(at), len(at)))
    for block, each in _blocks(model, data, design, at):
        more = [of @ count[block] for of in each]
        loglik, gradient, hessian = loglik + more[0], gradient + more[1], hessian + more[2]
    return _finite(loglik), gradient, hessian


def _each(
    model: Model, data: tuple[np.ndarray, ...], design: np.ndarray | None, at: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log-likelihood, gradient and Hessian of one customer of each kind."""
    parts = zip(*(each for _block, each in _blocks(model, data, design, at)), strict=True)
    loglik, gradient, hessian = (np.concatenate(part, axis=-1) for part in parts)
    return loglik, gradient, hessian


def _blocks(
    model: Model, data: tuple[np.ndarray, ...], design: np.ndarray | None, at: np.ndarray
) -> Iterator[tuple[slice, tuple[np.ndarray, np.ndarray, np.ndarray]]]:
    """Some kinds at a time, since larger arrays are new memory each time."""
    for start in range(0, len(data[0]), BLOCK):
        block = slice(start, start + BLOCK)
        part = tuple(column[block] for column in data)
        yield block, _surface(model, part, None if design is None else design[block], at)


def _finite(loglik: float | np.ndarray) -> float:
    """The log-likelihood; minus infinity where there is none."""
    return float(loglik) if np.isfinite(loglik) else -np.inf


def _surface(
    model: Model, data: tuple[Any, ...], design: np.ndarray | None, at: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    own = parameters_of(at, design)
    with np.errstate(all="ignore"):
        loglik, gradient, hessian = _on_logarithms(own.reshape(len(own), -1), *model(own, *data))
    if design is not None:
        gradient = np.einsum("upk,pu->ku", design, gradient)
        hessian = np.einsum("upk,pqu,uql->klu", design, hessian, design, optimize=True)
    return loglik, gradient, hessian


def _on_logarithms(
    own: np.ndarray, loglik: np.ndarray, gradient: np.ndarray, hessian: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Derivatives in the logarithms of the parameters: `own` is (p,), or (p, 1) or (p, u)."""
    gradient, hessian = gradient * own, hessian * (own[:, None] * own)
    diagonal = np.arange(len(own))
    hessian[diagonal, diagonal] += gradient
    return loglik, gradient, hessian
