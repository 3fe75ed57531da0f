"""Makes peers.json: the same data by CausalPy 0.9.0 and pycausalimpact 0.1.1, apart installed.

pip install causalpy==0.9.0
python tests/reference/peers.py causalpy
pip install pycausalimpact==0.1.1 'pandas<2' 'numpy<2' 'statsmodels<0.15' 'scipy<1.13'
python tests/reference/peers.py causalimpact

Each prints what goes under its name. Seconds are of one run on two busy cores without a compiler
for PyTensor, and only tell the order. `synthetic_control` is CausalPy's default (weights from a
flat Dirichlet law), whose effect on California's cigarettes is far from the published -19.6.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import pandas as pd

SAMPLER = {"random_seed": 1, "progressbar": False, "chains": 2, "cores": 1, "draws": 1000}


def panel() -> pd.DataFrame:
    """400 customers of two groups in two waves; the change adds .8 to the second group."""
    rng = np.random.default_rng(41)
    group, own, rows = np.repeat([0, 1], 200), rng.normal(size=400), []
    for t in (0, 1):
        y = 6 + 0.5 * group + 0.4 * t + 0.8 * group * t + own + rng.normal(size=400)
        rows.append(pd.DataFrame({"unit": np.arange(400), "group": group, "t": t, "y": y}))
    return pd.concat(rows, ignore_index=True).assign(post_treatment=lambda d: d["t"] == 1)


def waves() -> pd.DataFrame:
    """40 waves on a line, 3 higher from wave 28 on."""
    rng, t = np.random.default_rng(42), np.arange(40.0)
    return pd.DataFrame({"y": 20 + 0.1 * t + rng.normal(size=40) + 3.0 * (t >= 28), "t": t})


def told(draws: np.ndarray, begun: float) -> dict[str, float]:
    low, high = np.quantile(np.ravel(draws), [0.025, 0.975])
    return {
        "estimate": float(np.mean(draws)),
        "low": float(low),
        "high": float(high),
        "seconds": round(time.perf_counter() - begun, 1),
    }


def causalpy() -> dict[str, dict]:
    import causalpy as cp

    begun = time.perf_counter()
    did = cp.DifferenceInDifferences(
        panel(),
        formula="y ~ 1 + group*post_treatment",
        time_variable_name="t",
        group_variable_name="group",
        model=cp.pymc_models.LinearRegression(sample_kwargs=SAMPLER),
    )
    found = {"differences": told(did.causal_impact, begun)}
    begun = time.perf_counter()
    its = cp.InterruptedTimeSeries(
        waves(),
        28,
        formula="y ~ 1 + t",
        model=cp.pymc_models.LinearRegression(sample_kwargs=SAMPLER),
    )
    found["series"] = told(its.post_impact.mean("obs_ind"), begun)
    begun = time.perf_counter()
    states = pd.read_csv(f"{cp.__path__[0]}/data/california_prop99.csv").set_index("Year")
    others = [s for s in states if s != "California"]
    control = cp.SyntheticControl(
        states,
        1989,
        control_units=others,
        treated_units=["California"],
        model=cp.pymc_models.WeightedSumFitter(sample_kwargs=SAMPLER),
    )
    found["synthetic_control"] = told(control.post_impact.mean("obs_ind"), begun)
    return found


def causalimpact() -> dict[str, dict]:
    from causalimpact import CausalImpact

    np.random.seed(1)  # noqa: NPY002 - it draws from the global state
    begun = time.perf_counter()
    row = CausalImpact(waves(), [0, 27], [28, 39]).summary_data["average"]
    ends = {
        k: float(row[f"abs_effect{e}"])
        for k, e in (("estimate", ""), ("low", "_lower"), ("high", "_upper"))
    }
    return {"series": ends | {"seconds": round(time.perf_counter() - begun, 1)}}


if __name__ == "__main__":
    print(json.dumps({sys.argv[1]: globals()[sys.argv[1]]()}, indent=1))
