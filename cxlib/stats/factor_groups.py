"""One factor model in several groups, with loadings and intercepts of their own or shared.

    fit = fit_groups(means, cov, n, home, "metric")      # loadings shared
    fit.chi2, fit.df, fit.scale(deviations)

Each group has a model as in `factor_model`, with intercepts and factor means besides. The first
group's factors have variance one and mean zero; those of others are free where loadings or
intercepts are shared, and have variance one and mean zero too where they are not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from cxlib.stats import factor_model

LEVELS = ("configural", "metric", "scalar")
TALL = 1e10  # discrepancy of what is no covariance matrix
STEP = 1e-5  # of a parameter, for the slopes of moments

Moments = tuple[np.ndarray, np.ndarray]  # means (G, p) and covariances (G, p, p)


@dataclass(frozen=True)
class Layout:
    """Which parameters are free: p items of m factors (`home`) in `groups`, at a level."""

    home: np.ndarray
    groups: int
    level: str

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every block of free parameters, in their order."""
        size = np.bincount(self.home)
        p, m, others = len(self.home), len(size), self.groups - 1
        lead = 1 if self.level != "configural" else self.groups
        found: dict[str, tuple[int, ...]] = {
            "loadings": (lead, p),
            "residual": (self.groups, int((size[self.home] > 1).sum())),
            "between": (self.groups, m * (m - 1) // 2),
            "intercepts": (1 if self.level == "scalar" else self.groups, p),
        }
        if self.level != "configural":
            found["variance"] = (others, m)
        if self.level == "scalar":
            found["centre"] = (others, m)
        return found

    def blocks(self, theta: np.ndarray) -> dict[str, np.ndarray]:
        """The free parameters by name."""
        sizes = [int(np.prod(s)) for s in self.shapes.values()]
        parts = np.split(theta, np.cumsum(sizes)[:-1])
        return {k: p.reshape(s) for (k, s), p in zip(self.shapes.items(), parts, strict=True)}

    def implied(self, theta: np.ndarray) -> Moments:
        """Means and covariances that the model has for these parameters."""
        found, (groups, p) = self.blocks(theta), (self.groups, len(self.home))
        between = self._between(found)
        loadings = np.broadcast_to(found["loadings"], (groups, p))
        own = between[:, self.home[:, None], self.home]
        cov = loadings[:, :, None] * own * loadings[:, None]
        cov = cov + self._residual(found)[:, :, None] * np.eye(p)
        mean = np.broadcast_to(found["intercepts"], (groups, p)).copy()
        if "centre" in found:
            mean[1:] += loadings[1:] * found["centre"][:, self.home]
        return mean, cov

    def _between(self, found: dict[str, np.ndarray]) -> np.ndarray:
        """Covariances of factors, (G, m, m)."""
        m = len(np.bincount(self.home))
        a, b = np.triu_indices(m, 1)
        between = np.broadcast_to(np.eye(m), (self.groups, m, m)).copy()
        if "variance" in found:
            between[1:, range(m), range(m)] = found["variance"]
        between[:, a, b] = between[:, b, a] = found["between"]
        return between

    def _residual(self, found: dict[str, np.ndarray]) -> np.ndarray:
        residual = np.zeros((self.groups, len(self.home)))
        residual[:, np.bincount(self.home)[self.home] > 1] = found["residual"]
        return residual

    def gradient(self, theta: np.ndarray, slope: np.ndarray, tilt: np.ndarray) -> np.ndarray:
        """Of the free parameters, from that of covariances (G, p, p) and of means (G, p)."""
        found, home = self.blocks(theta), self.home
        m = len(np.bincount(home))
        loadings = np.broadcast_to(found["loadings"], tilt.shape)
        between, parts = self._between(found), {}
        toward = (home[:, None] == np.arange(m)) * loadings[:, :, None]
        of_loadings = 2 * np.einsum(
            "gij,gj,gij->gi", slope, loadings, between[:, home[:, None], home]
        )
        if "centre" in found:
            of_loadings[1:] += tilt[1:] * found["centre"][:, home]
            parts["centre"] = np.einsum("gp,gpm->gm", tilt, toward)[1:]
        of_between = np.einsum("gia,gij,gjb->gab", toward, slope, toward)
        if "variance" in found:
            parts["variance"] = np.diagonal(of_between, axis1=1, axis2=2)[1:]
        a, b = np.triu_indices(m, 1)
        parts["between"] = 2 * of_between[:, a, b]
        shared = found["loadings"].shape[0] == 1
        parts["loadings"] = of_loadings.sum(0, keepdims=True) if shared else of_loadings
        free = np.bincount(home)[home] > 1
        parts["residual"] = np.diagonal(slope, axis1=1, axis2=2)[:, free]
        shared = found["intercepts"].shape[0] == 1
        parts["intercepts"] = tilt.sum(0, keepdims=True) if shared else tilt
        return np.concatenate([parts[name].ravel() for name in self.shapes])


@dataclass(frozen=True)
class GroupFactors:
    """A fitted model of several groups.

    Attributes
    ----------
    theta : free parameters; layout : what they are; n : people of each group, (G,)
    chi2 : n times the discrepancy, against means and covariances left free
    """

    theta: np.ndarray
    layout: Layout
    n: np.ndarray
    chi2: float

    @property
    def df(self) -> int:
        """Degrees of freedom."""
        p = len(self.layout.home)
        return self.layout.groups * (p * (p + 1) // 2 + p) - len(self.theta)

    def scale(self, means: np.ndarray, cov: np.ndarray) -> float:
        """Mean of χ² over df if the model held, of deviations (draws, G, p) and (draws, G, p, p).

        Satorra and Bentler (1994): what no parameter can follow of the deviations of moments,
        in the metric of the fitted model.
        """
        white = _whitener(self.layout.implied(self.theta)[1], self.n)
        steps = STEP * np.eye(len(self.theta))
        slopes = np.stack(
            [
                white(*self.layout.implied(self.theta + s))
                - white(*self.layout.implied(self.theta - s))
                for s in steps
            ],
            axis=-1,
        )
        basis = np.linalg.qr(slopes / (2 * STEP))[0]
        apart = np.stack([white(m, c) for m, c in zip(means, cov, strict=True)])
        left = apart - (apart @ basis) @ basis.T
        return float((left**2).sum(1).mean() / self.df)


def _whitener(implied: np.ndarray, n: np.ndarray) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Moments as one vector in whose length χ² is a sum of squares."""
    root = np.linalg.inv(np.linalg.cholesky(implied))

    def white(mean: np.ndarray, cov: np.ndarray) -> np.ndarray:
        first = np.einsum("gij,gj->gi", root, mean)
        second = root @ cov @ np.swapaxes(root, -1, -2) / np.sqrt(2)
        both = np.concatenate([first, second.reshape(len(n), -1)], axis=1)
        return np.asarray((np.sqrt(n)[:, None] * both).ravel())

    return white


def fit_groups(
    mean: np.ndarray, cov: np.ndarray, n: np.ndarray, home: np.ndarray, level: str
) -> GroupFactors:
    """The likeliest model of groups whose loadings ("metric") and intercepts ("scalar") are shared.

    Parameters
    ----------
    mean, cov : of each group, (G, p) and (G, p, p), best of pooled variances near one
    n : people of each group, (G,)
    home : factor of each item from 0, (p,)
    level : one of LEVELS; "configural" shares nothing but which item belongs to which factor

    Raises
    ------
    ArithmeticError : no solution

    References
    ----------
    Jöreskog (1971), Psychometrika 36; Sörbom (1974).

    Examples
    --------
    >>> cov = np.array([[1, 0.72, 0.63], [0.72, 1, 0.56], [0.63, 0.56, 1]])  # 0.9, 0.8, 0.7
    >>> both, home = np.stack([cov, 4 * cov]), np.zeros(3, int)
    >>> fit = fit_groups(np.zeros((2, 3)), both, np.array([50, 50]), home, "metric")
    >>> fit.df, round(abs(fit.chi2), 4)
    (2, 0.0)
    """
    layout = Layout(home, len(n), level)
    alone = factor_model.maximise(cov, home)
    if not np.isfinite(alone.discrepancy).all():
        raise ArithmeticError("the factor model of a group has no solution.")
    start = _start(layout, alone, mean)
    share = n / n.sum()

    def discrepancy(theta: np.ndarray) -> tuple[float, np.ndarray]:
        own_mean, own = layout.implied(theta)
        values = np.linalg.eigvalsh(own)
        if values.min() < 1e-9:
            return TALL, np.zeros_like(theta)
        inverse, gap = np.linalg.inv(own), mean - own_mean
        seen = cov + gap[:, :, None] * gap[:, None]
        height = np.log(values).sum(1) - np.linalg.slogdet(cov)[1] - len(home)
        total = share @ (height + (inverse * seen).sum((1, 2)))
        slope = share[:, None, None] * (inverse - inverse @ seen @ inverse)
        tilt = -2 * share[:, None] * np.einsum("gij,gj->gi", inverse, gap)
        return float(total), layout.gradient(theta, slope, tilt)

    found = minimize(
        discrepancy, start, jac=True, method="BFGS", options={"gtol": 1e-7, "maxiter": 2000}
    )
    if not found.fun < TALL / 2 or np.abs(found.jac).max() > 1e-4:
        raise ArithmeticError("the factor model of groups does not settle.")
    return GroupFactors(found.x, layout, n, float(n.sum() * found.fun))


def _start(layout: Layout, alone: factor_model.Factors, mean: np.ndarray) -> np.ndarray:
    """The groups' own solutions, averaged where they are shared."""
    a, b = np.triu_indices(alone.between.shape[-1], 1)
    free = np.bincount(layout.home)[layout.home] > 1
    member = layout.home[:, None] == np.arange(alone.between.shape[-1])
    # Factors have no direction of their own: those of all groups are to point one way.
    sign = np.where((alone.loadings * alone.loadings[:1]) @ member < 0, -1.0, 1.0)
    parts = {
        "loadings": alone.loadings * sign[:, layout.home],
        "residual": alone.residual[:, free],
        "between": alone.between[:, a, b] * sign[:, a] * sign[:, b],
        "intercepts": mean,
    }
    found = []
    for name, shape in layout.shapes.items():
        part = parts.get(name)
        if part is None:
            found.append(np.full(shape, 1.0 if name == "variance" else 0.0))
        else:
            found.append(np.broadcast_to(part.mean(0) if shape[0] == 1 else part, shape))
    return np.concatenate([f.ravel() for f in found])
