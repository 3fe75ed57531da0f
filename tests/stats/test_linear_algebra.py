"""One draw without a solution leaves the others as they are."""

import numpy as np
import pytest

from cxlib.stats import linear_algebra

RNG = np.random.default_rng(1)
SOUND = np.cov(RNG.normal(size=(3, 50)))
COPY = SOUND.copy()
COPY[2], COPY[:, 2] = COPY[1], COPY[:, 1]
COPY[2, 2] = COPY[1, 1]
ALMOST = COPY + 1e-17 * np.diag(RNG.uniform(size=3))
BAD = {
    "a copy": COPY,
    "a copy but for rounding": ALMOST,
    "a constant": np.diag([1.0, 0.0, 2.0]),
    "no numbers": np.full((3, 3), np.nan),
    "all zero": np.zeros((3, 3)),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=list(BAD))
def test_a_draw_without_a_solution_is_nan_and_the_others_are_solved(bad):
    both, right = np.stack([SOUND, bad, SOUND]), np.ones((3, 3, 1))
    assert linear_algebra.solvable(both).tolist() == [True, False, True]
    for found, known in (
        (linear_algebra.inverse(both), np.linalg.inv(SOUND)),
        (linear_algebra.solve(both, right), np.linalg.solve(SOUND, right[0])),
        (linear_algebra.solve_general(both, right), np.linalg.solve(SOUND, right[0])),
        (linear_algebra.cholesky(both), np.linalg.cholesky(SOUND)),
    ):
        assert np.isnan(found[1]).all()
        assert found[0] == pytest.approx(known, rel=1e-9)
        assert found[2] == pytest.approx(known, rel=1e-9)


def test_columns_of_very_different_size_are_no_reason_to_give_up():
    scale = np.diag([1e-6, 1.0, 1e6])
    assert linear_algebra.solvable(scale @ SOUND @ scale)


def test_a_system_that_is_not_symmetric_is_solved():
    moves = np.array([[1.0, -0.5], [-0.2, 1.0]])
    assert moves @ linear_algebra.solve_general(moves, np.eye(2)) == pytest.approx(np.eye(2))
