"""What StepMix 3.0.0 finds in made-up answers: writes latent_classes.json beside this file.

    pip install stepmix==3.0.0 && python tests/reference/latent_classes.py

The published values in the file are not StepMix's: four yes-or-no answers of 216 people about
conflicts of duty (Stouffer and Toby 1951; counts as in Goodman 1974, Biometrika 61, table 1), and
what poLCA's manual prints for them (Linzer and Lewis 2011, J. Stat. Software 42(10)).
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_suffix(".json")
PUBLISHED = {
    "counts": [42, 23, 6, 25, 6, 24, 7, 38, 1, 4, 1, 6, 2, 9, 2, 20],  # ++++, +++-, ++-+ ... ----
    "log-likelihood": {"1": -543.6498, "2": -504.4677, "3": -503.3011},
    "deviance of 2": 2.720,
    "poLCA of 2": {"G²": 2.719922, "X²": 2.719764, "AIC": 1026.935, "BIC": 1057.313},
}


def made_up() -> dict[str, np.ndarray]:
    """600 people of three classes: two categories, two numbers, an outcome and a covariate.

    A tenth of the answers is missing.
    """
    rng = np.random.default_rng(5)
    n, kind = 600, rng.choice(3, 600, p=[0.5, 0.3, 0.2])
    level = lambda p: (rng.random(n)[:, None] > np.cumsum(p, axis=1)[kind]).sum(1)  # noqa: E731
    a = level(np.array([[0.7, 0.2, 0.1], [0.2, 0.6, 0.2], [0.1, 0.2, 0.7]])).astype(float)
    b = level(np.array([[0.8, 0.2], [0.3, 0.7], [0.5, 0.5]])).astype(float)
    x = rng.normal(np.array([0.0, 1.5, 3.0])[kind], 1.0)
    z = rng.normal(np.array([0.0, 2.0, -1.0])[kind], 0.8)
    y = rng.normal(np.array([1.0, 2.0, 4.0])[kind], 1.0)
    given = {"a": a, "b": b, "x": x, "z": z}
    for column in given.values():
        column[rng.random(n) < 0.1] = np.nan
    c = np.random.default_rng(6).normal(0.7 * kind, 1.5)
    return {**given, "y": y, "c": c, "kind": kind}


def by_stepmix() -> dict:
    import pandas as pd
    from stepmix.stepmix import StepMix

    data = made_up()
    answers = pd.DataFrame({c: data[c] for c in "abxz"})
    measured = {
        "levels": {"model": "categorical_nan", "n_columns": 2},
        "numbers": {"model": "gaussian_diag_nan", "n_columns": 2},
    }
    how = dict(
        n_components=3,
        measurement=measured,
        n_init=50,
        random_state=1,
        max_iter=5000,
        abs_tol=1e-12,
        progress_bar=0,
        verbose=0,
    )
    one = StepMix(**how).fit(answers)
    three = StepMix(
        **how, n_steps=3, correction="BCH", assignment="modal", structural="gaussian_unit"
    ).fit(answers, data["y"][:, None])
    means = three.get_sm_df().reset_index()
    likely = StepMix(
        **how, n_steps=3, correction="ML", assignment="modal", structural="gaussian_diag"
    ).fit(answers, data["y"][:, None])
    slopes = {}
    for correction in ("ML", "BCH"):
        found = StepMix(
            **how,
            n_steps=3,
            correction=correction,
            assignment="modal",
            structural="covariate",
            structural_params={"method": "newton-raphson", "max_iter": 100, "intercept": True},
        ).fit(answers, data["c"][:, None])
        slope = found.get_parameters()["structural"]["beta"][:, 1]
        slopes[correction] = (slope - slope[found.get_parameters()["weights"].argmax()]).tolist()
    return {
        "log-likelihood": one.score(answers) * len(answers),
        "BCH means": sorted(float(v) for v in means.iloc[0, -3:]),
        "ML means": sorted(likely.get_parameters()["structural"]["means"].ravel().tolist()),
        "slopes against the largest class": slopes,
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps({"published": PUBLISHED, "stepmix": by_stepmix()}, indent=1) + "\n")
