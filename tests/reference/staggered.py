"""Makes staggered.json: means and covariances of county teen employment by cohort, 2003 to 2007.

python tests/reference/staggered.py mpdta.csv

The table `mpdta` of the R package did (Callaway and Sant'Anna, GPL-3): the log of teen employment
of 500 counties by the year in which their state first raised its minimum wage. It is not kept here:
means and covariances of each cohort are all that effects and standard errors depend on. What the
package prints is typed in from the README of its version 2.5.1 (no covariates); its standard errors
come from a bootstrap of its own.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd

PRINTED = {
    # cohort -> year -> ATT(g, t), standard error; those before the start since the year before
    "effects": {
        "2004": {"2004": [-0.0105, 0.0246], "2005": [-0.0704, 0.0332], "2006": [-0.1373, 0.0397],
                 "2007": [-0.1008, 0.0357]},
        "2006": {"2004": [0.0065, 0.0229], "2005": [-0.0028, 0.0197], "2006": [-0.0046, 0.0179],
                 "2007": [-0.0412, 0.0192]},
        "2007": {"2004": [0.0305, 0.0154], "2005": [-0.0027, 0.0164], "2006": [-0.0311, 0.0184],
                 "2007": [-0.0261, 0.0170]},
    },
    "event_time": {"0": [-0.0199, 0.0123], "1": [-0.0510, 0.0167], "2": [-0.1373, 0.0413],
                   "3": [-0.1008, 0.0351]},
    "cohort": {"2004": [-0.0797, 0.0291], "2006": [-0.0229, 0.0176], "2007": [-0.0261, 0.0175]},
    "overall": [-0.031, 0.0126],
    "p_before": 0.16812,
}  # fmt: skip


def main(file: str) -> None:
    rows = pd.read_csv(file)
    wide = rows.pivot(index="countyreal", columns="year", values="lemp")
    first = rows.groupby("countyreal")["first.treat"].first()
    cohorts = {
        str(g): {
            "n": len(some),
            "mean": some.mean().round(7).tolist(),
            "cov": some.cov().round(7).to_numpy().tolist(),
        }
        for g, some in wide.groupby(first)
    }
    found = {"years": wide.columns.tolist(), "cohorts": cohorts, "printed": PRINTED}
    Path(__file__).with_suffix(".json").write_text(json.dumps(found) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
