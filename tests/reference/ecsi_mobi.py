"""Made ecsi_mobi.json: the path model of the mobi data by independent programs.

Run by hand in an environment of its own, never in ours (both peers are GPL-3):

    pip install seminr==0.2.1 plspm==0.5.7 pandas==2.3.3
    python tests/reference/ecsi_mobi.py > tests/reference/ecsi_mobi.json

`seminr` gives the path and factorial schemes and Mode B; `plspm` the centroid scheme (it is fed
standardised answers, because its own standardising divides by one pooled deviation).
The path scheme agrees with the SmartPLS 2.0.M3 output printed by R semPLS. `seminr` also gives
consistent PLS, VIF, a two-stage construct of a higher order, and PLSpredict with each person left
out in turn, where no chance is left in the parts.
"""

from __future__ import annotations

import json
from importlib.resources import files

import pandas as pd
import plspm.config
import seminr
from plspm.mode import Mode
from plspm.plspm import Plspm
from plspm.scheme import Scheme

BLOCKS = {
    "image": [f"IMAG{i}" for i in range(1, 6)],
    "expectation": [f"CUEX{i}" for i in range(1, 4)],
    "quality": [f"PERQ{i}" for i in range(1, 8)],
    "value": ["PERV1", "PERV2"],
    "satisfaction": [f"CUSA{i}" for i in range(1, 4)],
    "complaints": ["CUSCO"],
    "loyalty": [f"CUSL{i}" for i in range(1, 4)],
}
PATHS = {
    "expectation": ["image"],
    "quality": ["expectation"],
    "value": ["expectation", "quality"],
    "satisfaction": ["image", "expectation", "quality", "value"],
    "complaints": ["satisfaction"],
    "loyalty": ["image", "satisfaction", "complaints"],
}


def by_seminr(data: pd.DataFrame, scheme, formative: tuple[str, ...] = ()) -> dict:
    blocks = [
        seminr.composite(name, items, seminr.mode_B if name in formative else seminr.mode_A)
        for name, items in BLOCKS.items()
    ]
    paths = [seminr.paths(from_=causes, to=effect) for effect, causes in PATHS.items()]
    model = seminr.estimate_pls(
        data,
        seminr.constructs(*blocks),
        seminr.relationships(*paths),
        inner_weights=scheme,
        stop_criterion=10,
    )
    table = seminr.reliability_table(model)
    return {
        "paths": {
            f"{c} → {e}": model.path_coef.get(c, e) for e, causes in PATHS.items() for c in causes
        },
        "weights": {i: model.outer_weights.get(i, b) for b, items in BLOCKS.items() for i in items},
        "loadings": {
            i: model.outer_loadings.get(i, b) for b, items in BLOCKS.items() for i in items
        },
        "r2": {e: model.r_squared.get("Rsq", e) for e in PATHS},
        "reliability": {
            b: [table.get(b, c) for c in ("alpha", "rhoA", "rhoC", "AVE")] for b in BLOCKS
        },
    }


def estimated(data: pd.DataFrame, blocks: list, paths: dict[str, list[str]]):
    return seminr.estimate_pls(
        data,
        seminr.constructs(*blocks),
        seminr.relationships(*(seminr.paths(from_=c, to=e) for e, c in paths.items())),
        inner_weights=seminr.path_weighting,
        stop_criterion=10,
    )


def consistent(data: pd.DataFrame) -> dict:
    blocks = [
        seminr.reflective(n, i) if len(i) > 1 else seminr.composite(n, i) for n, i in BLOCKS.items()
    ]
    model = estimated(data, blocks, PATHS)
    return {
        "paths": {f"{c} → {e}": model.path_coef.get(c, e) for e, cs in PATHS.items() for c in cs},
        "loadings": {
            i: model.outer_loadings.get(i, b) for b, items in BLOCKS.items() for i in items
        },
        "r2": {e: model.r_squared.get("Rsq", e) for e in PATHS},
    }


def checks(data: pd.DataFrame) -> dict:
    """Variance inflation, and errors of foretelling each person from all others."""
    model = estimated(data, [seminr.composite(n, i) for n, i in BLOCKS.items()], PATHS)
    vif = seminr.summarize(model).vif_antecedents
    found = {"vif": {e: {c: vif[e][c] for c in cs} for e, cs in PATHS.items() if len(cs) > 1}}
    for name, how in (("direct", seminr.predict_DA), ("earliest", seminr.predict_EA)):
        errors = seminr.summarize(seminr.predict_pls(model, technique=how, no_folds=len(data)))
        for kind in ("pls", "lm"):
            table = getattr(errors, f"{kind}_out_of_sample")
            found[f"{name}_{kind}"] = {
                i: [table.get("RMSE", i), table.get("MAE", i)] for i in table.cols
            }
    return found


def equations(data: pd.DataFrame) -> dict:
    """R², BIC, cross-loadings, indirect effects, scores; by plspm redundancy and GoF."""
    model = estimated(data, [seminr.composite(n, i) for n, i in BLOCKS.items()], PATHS)
    printed = seminr.summarize(model)
    cross, indirect = printed.validity.cross_loadings, printed.total_indirect_effects
    fit = plspm_fit(data, Scheme.CENTROID)
    return {
        "adjusted_r2": {e: model.r_squared.get("AdjRsq", e) for e in PATHS},
        "bic": {e: printed.it_criteria.get("BIC", e) for e in PATHS},
        "cross_loadings": {
            b: {i: cross.get(i, b) for own in BLOCKS.values() for i in own} for b in BLOCKS
        },
        "indirect": {e: {c: indirect.get(c, e) for c in BLOCKS} for e in PATHS},
        "scores": {b: list(model.construct_scores.column(b)[:5]) for b in BLOCKS},
        "centroid_redundancy": fit.inner_summary()["mean_redundancy"][list(PATHS)].to_dict(),
        "centroid_gof": fit.goodness_of_fit(),
    }


def higher(data: pd.DataFrame) -> dict:
    """Quality and value as parts of one experience, in two stages."""
    paths = {
        "experience": ["image"],
        "satisfaction": ["image", "experience"],
        "loyalty": ["satisfaction"],
    }
    names = ("image", "quality", "value", "satisfaction", "loyalty")
    blocks = [seminr.composite(n, BLOCKS[n]) for n in names]
    parts = ["quality", "value"]
    model = estimated(data, [*blocks, seminr.higher_composite("experience", parts)], paths)
    return {
        "paths": {f"{c} → {e}": model.path_coef.get(c, e) for e, cs in paths.items() for c in cs},
        "weights": {
            **{p: model.outer_weights.get(p, "experience") for p in parts},
            **{i: model.outer_weights.get(i, b) for b in names for i in BLOCKS[b]},
        },
    }


def plspm_fit(data: pd.DataFrame, scheme: Scheme) -> Plspm:
    matrix = pd.DataFrame(0, index=list(BLOCKS), columns=list(BLOCKS))
    for effect, causes in PATHS.items():
        matrix.loc[effect, causes] = 1
    config = plspm.config.Config(matrix, scaled=False)
    for name, items in BLOCKS.items():
        config.add_lv(name, Mode.A, *[plspm.config.MV(i) for i in items])
    return Plspm((data - data.mean()) / data.std(ddof=0), config, scheme, 300, 1e-10)


def by_plspm(data: pd.DataFrame, scheme: Scheme) -> dict:
    fit = plspm_fit(data, scheme)
    paths = fit.path_coefficients()
    return {
        "paths": {f"{c} → {e}": paths.loc[e, c] for e, causes in PATHS.items() for c in causes},
        "loadings": fit.outer_model()["loading"].to_dict(),
        "r2": fit.inner_summary()["r_squared"][list(PATHS)].to_dict(),
    }


def main() -> None:
    data = pd.read_csv(files("seminr") / "datasets" / "mobi.csv")
    found = {
        "path": by_seminr(data, seminr.path_weighting),
        "factorial": by_seminr(data, seminr.path_factorial),
        "formative": by_seminr(data, seminr.path_weighting, ("image", "quality")),
        "centroid": by_plspm(data, Scheme.CENTROID),
        "consistent": consistent(data),
        "checks": checks(data),
        "higher": higher(data),
        "equations": equations(data),
    }
    print(
        json.dumps(
            json.loads(json.dumps(found), parse_float=lambda t: round(float(t), 10)),
            indent=1,
            ensure_ascii=False,
        )
    )


if __name__ == "__main__":
    main()
