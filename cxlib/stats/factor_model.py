"""Common factors with one factor an item: maximum likelihood fitted to covariances.

    fit = maximise(cov, home)            # loadings, residual variances, correlations of factors
    fit.discrepancy                      # times the number of people, chi2 of the model

Arrays with leading axes of draws. `home` says which factor each item belongs to; items of a factor
stand together. The model is Σ = Λ Φ Λ' + Θ with factors of variance one; an item that is the only
one of its factor is measured without error. Every derivative of Σ is u v' + v u', so that gradient
and information need products of small matrices only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cxlib.stats import linear_algebra

MOST_STEPS, HALVINGS = 100, 12
SETTLED = 1e-6  # largest change of a parameter, of answers of variance one


@dataclass(frozen=True)
class Factors:
    """A fitted model; NaN in draws that do not settle.

    Attributes
    ----------
    loadings, residual : of items, (..., p)
    between : correlations of factors, (..., m, m)
    discrepancy : log|Σ| + tr(S Σ⁻¹) − log|S| − p, (...,)
    home : factor of each item, (p,)
    """

    loadings: np.ndarray
    residual: np.ndarray
    between: np.ndarray
    discrepancy: np.ndarray
    home: np.ndarray

    @property
    def implied(self) -> np.ndarray:
        """Σ, (..., p, p)."""
        own = self.between[..., self.home[:, None], self.home]
        common = self.loadings[..., :, None] * own * self.loadings[..., None, :]
        return common + _diagonal(self.residual)

    @property
    def standardised(self) -> np.ndarray:
        """Loadings on items of variance one, (..., p)."""
        return self.loadings / np.sqrt(np.diagonal(self.implied, axis1=-2, axis2=-1))

    @property
    def parameters(self) -> int:
        """How many are free."""
        size, m = np.bincount(self.home), self.between.shape[-1]
        return len(self.home) + int(size[size > 1].sum()) + m * (m - 1) // 2

    @property
    def directions(self) -> tuple[np.ndarray, np.ndarray]:
        """Vectors u and v of free parameters, (..., p, q): loadings, residuals, correlations."""
        p, m = len(self.home), self.between.shape[-1]
        own = np.bincount(self.home)[self.home] > 1
        lead = self.loadings.shape[:-1]
        one = np.broadcast_to(np.eye(p), (*lead, p, p))
        toward = self.loadings[..., :, None] * self.between[..., self.home[:, None], self.home]
        parts = self.loadings[..., :, None] * (self.home[:, None] == np.arange(m))
        a, b = np.triu_indices(m, 1)
        u = np.concatenate([one, one[..., own], parts[..., a]], axis=-1)
        v = np.concatenate([toward, one[..., own] / 2, parts[..., b]], axis=-1)
        return u, v

    @property
    def information(self) -> np.ndarray:
        """Expected second derivatives of the discrepancy, (..., q, q); n / 2 times it for n people.

        Its inverse times 2 / n is the covariance of the parameters under the normal law.
        """
        return _information(*self.directions, np.linalg.inv(self.implied))

    def moved(self, step: np.ndarray, cov: np.ndarray) -> Factors:
        """The model after a step of the parameters (..., q), its discrepancy from `cov`."""
        p, m = len(self.home), self.between.shape[-1]
        own = np.bincount(self.home)[self.home] > 1
        residual, between = self.residual.copy(), self.between.copy()
        residual[..., own] += step[..., p : p + own.sum()]
        a, b = np.triu_indices(m, 1)
        between[..., a, b] += step[..., p + own.sum() :]
        between[..., b, a] = between[..., a, b]
        loadings = self.loadings + step[..., :p]
        found = replace(self, loadings=loadings, residual=residual, between=between)
        return replace(found, discrepancy=discrepancy(cov, found.implied))


def maximise(cov: np.ndarray, home: np.ndarray, start: Factors | None = None) -> Factors:
    """The likeliest model by Fisher's scoring, steps halved where one overshoots.

    Parameters
    ----------
    cov : covariances, (..., p, p), best of variances near one
    home : factor of each item from 0, (p,)
    start : a model to climb from, of the same leading axes or none

    References
    ----------
    Jöreskog (1969), Psychometrika 34(2).

    Examples
    --------
    >>> cov = np.array([[1, 0.72, 0.63], [0.72, 1, 0.56], [0.63, 0.56, 1]])  # 0.9, 0.8, 0.7
    >>> maximise(cov, np.zeros(3, int)).loadings.round(3).tolist()
    [0.9, 0.8, 0.7]
    """
    lead, p = cov.shape[:-2], cov.shape[-1]
    flat = cov.reshape(-1, p, p)
    model = _beginning(flat, home) if start is None else _repeated(start, flat)
    on = np.isfinite(model.discrepancy)
    for _ in range(MOST_STEPS):
        if not on.any():
            break
        at = np.flatnonzero(on)
        moved, change = _scored(_of(model, at), flat[at])
        model = _with(model, at, moved)
        on[at] = change > SETTLED
    model = _with(model, np.flatnonzero(on | ~np.isfinite(model.discrepancy)), None)
    found = {name: getattr(model, name) for name in _ARRAYS}
    return replace(model, **{n: v.reshape((*lead, *v.shape[1:])) for n, v in found.items()})


def discrepancy(cov: np.ndarray, implied: np.ndarray) -> np.ndarray:
    """Of the normal law, (...,); infinite where the implied matrix is none of covariances.

    Examples
    --------
    >>> float(discrepancy(np.eye(2), np.eye(2)))
    0.0
    """
    known, one = np.isfinite(implied).all((-2, -1)), np.eye(cov.shape[-1])
    values = np.linalg.eigvalsh(np.where(known[..., None, None], implied, one))
    good = known & (values[..., 0] > 1e-10)
    safe = np.where(good[..., None, None], implied, one)
    height = np.log(np.maximum(values, 1e-10)).sum(-1) - np.linalg.slogdet(cov)[1]
    product = (np.linalg.inv(safe) * cov).sum((-2, -1))
    return np.where(good, height + product - cov.shape[-1], np.inf)


def misfit(model: Factors, deviation: np.ndarray) -> np.ndarray:
    """Of deviations of covariances (draws, p, p) the part that no parameter can follow, (draws,).

    The square of each in the metric of the fitted model less that of its projection: n times the
    mean over samples is the expected chi2 of the model (Satorra and Bentler 1994).
    """
    inverse = np.linalg.inv(model.implied)
    turned = inverse @ deviation @ inverse
    u, v = model.directions
    slope = np.einsum("pq,dpr,rq->dq", u, turned, v)
    followed = np.einsum("dq,qr,dr->d", slope, np.linalg.pinv(model.information), slope)
    return np.einsum("dij,dij->d", turned, deviation) / 2 - 2 * followed


_ARRAYS = ("loadings", "residual", "between", "discrepancy")


def _information(u: np.ndarray, v: np.ndarray, inverse: np.ndarray) -> np.ndarray:
    """tr(Σ⁻¹ Σa Σ⁻¹ Σb) of derivatives Σa = u v' + v u', (..., q, q)."""
    wu, wv = inverse @ u, inverse @ v
    across = _t(u) @ wv
    return 2 * ((_t(u) @ wu) * (_t(v) @ wv) + across * _t(across))


def _scored(model: Factors, cov: np.ndarray) -> tuple[Factors, np.ndarray]:
    """One step of scoring, halved until it is none upwards: the models and the largest changes."""
    u, v = model.directions
    inverse = np.linalg.inv(model.implied)
    gap = inverse - inverse @ cov @ inverse
    gradient = 2 * (u * (gap @ v)).sum(-2)
    step = -linear_algebra.solve(_information(u, v, inverse), gradient[..., None])[..., 0]
    size = np.ones(len(step))
    for _ in range(HALVINGS):
        moved = model.moved(size[:, None] * step, cov)
        worse = ~(moved.discrepancy <= model.discrepancy + 1e-12)
        if not worse.any():
            break
        size = np.where(worse, size / 2, size)
    lost = ~np.isfinite(moved.discrepancy)
    moved.discrepancy[lost] = np.nan
    return moved, np.where(lost, 0.0, np.abs(size[:, None] * step).max(-1))


def _beginning(cov: np.ndarray, home: np.ndarray) -> Factors:
    """Loadings of 0.7 with the signs of a first principal component, and what follows."""
    deviation = np.sqrt(np.diagonal(cov, axis1=-2, axis2=-1))
    cor = cov / deviation[:, :, None] / deviation[:, None]
    loadings, size = np.ones(deviation.shape), np.bincount(home)
    for factor in np.flatnonzero(size > 1):
        at = np.flatnonzero(home == factor)
        vector = np.linalg.eigh(cor[:, at[:, None], at])[1][..., -1]
        vector *= np.sign(vector.sum(-1, keepdims=True)) + (vector.sum(-1, keepdims=True) == 0)
        loadings[:, at] = 0.7 * np.where(vector < 0, -1.0, 1.0)
    sums = loadings[..., None] * (home[:, None] == np.arange(len(size)))
    between = _t(sums) @ cor @ sums
    spread = np.sqrt(np.diagonal(between, axis1=-2, axis2=-1))
    between = np.clip(between / spread[:, :, None] / spread[:, None], -0.9, 0.9)
    between[:, np.arange(len(size)), np.arange(len(size))] = 1.0
    residual = np.where(size[home] > 1, 0.51, 0.0) * deviation**2
    start = Factors(loadings * deviation, residual, between, np.zeros(len(cov)), home)
    return replace(start, discrepancy=discrepancy(cov, start.implied))


def _repeated(start: Factors, cov: np.ndarray) -> Factors:
    """The same model for each of some covariances."""
    parts = {n: np.repeat(getattr(start, n)[None], len(cov), axis=0) for n in _ARRAYS[:3]}
    return replace(start, **parts, discrepancy=discrepancy(cov, start.implied))


def _of(model: Factors, at: np.ndarray) -> Factors:
    return replace(model, **{name: getattr(model, name)[at] for name in _ARRAYS})


def _with(model: Factors, at: np.ndarray, part: Factors | None) -> Factors:
    """The models with those `at` replaced; by NaN without a part."""
    found = {name: getattr(model, name).copy() for name in _ARRAYS}
    for name, values in found.items():
        values[at] = np.nan if part is None else getattr(part, name)
    return replace(model, **found)


def _t(matrix: np.ndarray) -> np.ndarray:
    return np.swapaxes(matrix, -1, -2)


def _diagonal(values: np.ndarray) -> np.ndarray:
    return values[..., None] * np.eye(values.shape[-1])
