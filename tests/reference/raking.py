"""Makes raking.json: two published tables raked by ipfn 1.4.4 (MIT), an independent program.

pip install ipfn==1.4.4; python tests/reference/raking.py

Tables and margins: real-statistics.com, "Iterative Proportional Fitting Procedure", example 1; and
E. Hunsinger (2008), Iterative Proportional Fitting for a Two-Dimensional Table / Three Dimensions,
Alaska Department of Labor, whose 2 x 4 x 3 table is raked to its three single margins.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from ipfn import ipfn

TABLES = {
    "two": ([[8, 4, 6, 7], [3, 6, 5, 2], [9, 11, 3, 1]], [[20, 18, 22], [18, 16, 12, 14]]),
    "three": (
        [
            [[1, 2, 1], [3, 5, 5], [6, 2, 2], [1, 7, 2]],
            [[5, 4, 2], [5, 5, 5], [3, 8, 7], [2, 7, 6]],
        ],
        [[52, 48], [20, 30, 35, 15], [35, 40, 25]],
    ),
}


def main() -> None:
    found = {}
    for name, (table, margins) in TABLES.items():
        start = np.array(table, float)
        ends = [np.array(m, float) for m in margins]
        axes = [[i] for i in range(start.ndim)]
        raked = ipfn.ipfn(start.copy(), ends, axes, convergence_rate=1e-12, rate_tolerance=0)
        result = raked.iteration().round(8).tolist()
        found[name] = {"table": table, "margins": margins, "raked": result}
    Path(__file__).with_suffix(".json").write_text(json.dumps(found) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
