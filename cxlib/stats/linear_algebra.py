"""Linear systems of many bootstrap draws at once, where some draws have no solution.

One singular draw among a thousand must not fail the others: it becomes NaN, is left out of the
interval and is counted in the note of the page. Every solve over draws goes through this module.
"""

from __future__ import annotations

import numpy as np

SINGULAR = 1e-10  # smallest eigenvalue over the largest, below which a system has no solution


def solvable(matrix: np.ndarray, least: float = SINGULAR) -> np.ndarray:
    """Which symmetric matrices are positive definite beyond rounding error.

    Rows and columns are scaled to a unit diagonal first, so that columns measured in thousands and
    in fractions count alike.

    Parameters
    ----------
    matrix : symmetric matrices, (..., p, p)
    least : smallest eigenvalue over the largest of the scaled matrix

    Returns
    -------
    Booleans, (...,); False where a matrix holds NaN or infinity.

    Examples
    --------
    >>> solvable(np.array([[[2.0, 1.0], [1.0, 2.0]], [[1.0, 1.0], [1.0, 1.0]]])).tolist()
    [True, False]
    """
    size = matrix.shape[-1]
    if not size:
        return np.ones(matrix.shape[:-2], bool)
    diagonal = np.einsum("...ii->...i", matrix)
    known = np.isfinite(matrix).all((-2, -1)) & (diagonal > 0).all(-1)
    safe = np.where(known[..., None, None], matrix, np.eye(size))
    scale = np.sqrt(np.einsum("...ii->...i", safe))
    roots = np.linalg.eigvalsh(safe / scale[..., :, None] / scale[..., None, :])
    return known & (roots[..., 0] >= least * roots[..., -1])


def inverse(matrix: np.ndarray, least: float = SINGULAR) -> np.ndarray:
    """Inverses of symmetric matrices (..., p, p); NaN where there is none (`solvable`).

    Examples
    --------
    >>> inverse(np.array([[[2.0, 0.0], [0.0, 4.0]], [[1.0, 1.0], [1.0, 1.0]]])).tolist()
    [[[0.5, 0.0], [0.0, 0.25]], [[nan, nan], [nan, nan]]]
    """
    known = solvable(matrix, least)[..., None, None]
    return np.where(known, np.linalg.inv(np.where(known, matrix, np.eye(matrix.shape[-1]))), np.nan)


def solve(matrix: np.ndarray, right: np.ndarray, least: float = SINGULAR) -> np.ndarray:
    """Solutions of symmetric systems (..., p, p) with right-hand sides (..., p, q).

    Returns
    -------
    (..., p, q); NaN where there is no solution (`solvable`).

    Examples
    --------
    >>> solve(np.array([[2.0, 0.0], [0.0, 4.0]]), np.array([[2.0], [2.0]])).tolist()
    [[1.0], [0.5]]
    """
    known = solvable(matrix, least)[..., None, None]
    safe = np.where(known, matrix, np.eye(matrix.shape[-1]))
    scale = np.sqrt(np.einsum("...ii->...i", safe))[..., None]
    even = safe / scale / np.swapaxes(scale, -1, -2)
    return np.where(known, np.linalg.solve(even, right / scale) / scale, np.nan)


def solve_general(matrix: np.ndarray, right: np.ndarray, least: float = 1e-12) -> np.ndarray:
    """As `solve` for matrices that need not be symmetric, by their singular values.

    Examples
    --------
    >>> solve_general(np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([[3.0], [1.0]])).tolist()
    [[2.0], [1.0]]
    """
    finite = np.isfinite(matrix).all((-2, -1))[..., None, None]
    safe = np.where(finite, matrix, np.eye(matrix.shape[-1]))
    sizes = np.linalg.svd(safe, compute_uv=False)
    known = finite & (sizes[..., -1] > least * sizes[..., 0])[..., None, None]
    safe = np.where(known, safe, np.eye(matrix.shape[-1]))
    return np.where(known, np.linalg.solve(safe, right), np.nan)


def pseudo_inverse(matrix: np.ndarray, least: float = SINGULAR) -> np.ndarray:
    """Moore-Penrose inverses of symmetric matrices (..., p, p); NaN where numbers are missing.

    Directions with less than `least` of the largest eigenvalue count as absent, so that copies of
    one another share what they explain.

    Examples
    --------
    >>> pseudo_inverse(np.array([[1.0, 1.0], [1.0, 1.0]])).round(2).tolist()
    [[0.25, 0.25], [0.25, 0.25]]
    """
    known = np.isfinite(matrix).all((-2, -1))[..., None, None]
    found = np.linalg.pinv(np.where(known, matrix, 0.0), hermitian=True, rcond=least)
    return np.where(known, found, np.nan)


def cholesky(matrix: np.ndarray, least: float = SINGULAR) -> np.ndarray:
    """Lower triangular factors of matrices (..., p, p); NaN where there is none (`solvable`).

    Examples
    --------
    >>> cholesky(np.array([[4.0, 0.0], [0.0, 9.0]])).tolist()
    [[2.0, 0.0], [0.0, 3.0]]
    """
    known = solvable(matrix, least)[..., None, None]
    factor = np.linalg.cholesky(np.where(known, matrix, np.eye(matrix.shape[-1])))
    return np.where(known, factor, np.nan)
