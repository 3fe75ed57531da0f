"""Makes designs.json: the same numbers by statsmodels 0.15, an independent program.

pip install statsmodels==0.15.0; python tests/reference/designs.py

Published numbers are typed in: Card and Krueger (1994, table 3), employment a store; California's
tobacco programme by Arkhangelsky, Athey, Hirshberg, Imbens and Wager (2021, table 1) and the
digits their program prints; E-values of VanderWeele and Ding (2017); DerSimonian and Laird's tau
squared by statsmodels.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import statsmodels.api as sm
from statsmodels.stats.meta_analysis import combine_effects
from statsmodels.stats.power import TTestIndPower

PUBLISHED = {
    "card_krueger": {"NJ": [20.44, 21.03], "PA": [23.33, 21.17], "difference": 2.76},
    "california": {"did": -27.34911, "sc": -19.6, "sdid": -15.60383, "first": 19},
    "e_value": {"3.9": 7.26, "1.8": 3.0},
}


def main() -> None:
    rng = np.random.default_rng(7)
    y = np.cumsum(rng.normal(size=40)) * 0.3 + np.linspace(5, 8, 40)
    time = np.arange(40.0)
    after = time >= 25
    x = np.column_stack([np.ones(40), time - 25, after, np.where(after, time - 25, 0)])
    along = 0.55 ** np.abs(np.subtract.outer(np.arange(40), np.arange(40)))
    power = TTestIndPower()
    effects, variances = [1.2, -0.4, 2.1, 0.3, 1.0], [0.2, 0.1, 0.4, 0.15, 0.3]
    meta = combine_effects(np.array(effects), np.array(variances), method_re="dl", use_t=True)
    found = {
        "published": PUBLISHED,
        "series": {
            "y": y.tolist(),
            "beta": sm.OLS(y, x).fit().params.tolist(),
            "scale": sm.GLS(y, x, sigma=along).fit().scale,
        },
        "power": {
            str(n): {
                "smallest": power.solve_power(nobs1=n / 2, power=0.8, alpha=0.05),
                "found": power.power(effect_size=0.2, nobs1=n / 2, alpha=0.05),
            }
            for n in (200, 1000)
        },
        "meta": {
            "effects": effects,
            "variances": variances,
            "tau2": meta.tau2,
            "mean": meta.mean_effect_re,
        },
    }
    Path(__file__).with_suffix(".json").write_text(json.dumps(found) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
