"""Interactions of constructs against seminr, by hand, and over samples of a truth."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from test_csi_fit import ECSI, mobi

from cxlib import csi
from cxlib.core.sample import Sample

FOUND = json.loads((Path(__file__).parents[1] / "reference" / "moderation.json").read_text("utf-8"))
FOUR = {name: ECSI[name] for name in ("image", "expectation", "value", "satisfaction")}
MOBI = csi.Model(FOUR, {"satisfaction": ["image", "expectation", "value"]})
SINGLE = csi.Model(
    {"quality": ["q"], "value": ["v"], "satisfaction": ["s"]},
    {"satisfaction": ["quality", "value"]},
)
MODEL = csi.Model(
    {"quality": ["q1", "q2", "q3"], "value": ["v1", "v2"], "satisfaction": ["s1", "s2"]},
    {"satisfaction": ["quality", "value"]},
)
TERMS = {"satisfaction": [("quality", "value")]}
WIDE = csi.Options(scales={item: (-30, 30) for item in [*MODEL.items, *SINGLE.items]})
__all__ = ["mobi"]  # the fixture


def answers(n: int, seed: int = 1, interaction: float = 0.25, repeated: int = 1) -> pd.DataFrame:
    """Answers to MODEL and SINGLE; `repeated` answers of each customer are nearly alike."""
    rng = np.random.default_rng(seed)
    quality = rng.normal(size=n)
    value = 0.4 * quality + rng.normal(size=n)
    parents = {"q": quality, "v": value}
    parents["s"] = 0.5 * quality + 0.3 * value + interaction * quality * value
    parents["s"] = parents["s"] + 0.7 * rng.normal(size=n)
    rows = pd.DataFrame({i: parents[i[0]] + 0.5 * rng.normal(size=n) for i in MODEL.items})
    rows = rows.assign(**parents, weight=rng.uniform(0.5, 2, n), who=np.arange(n))
    rows = rows.loc[rows.index.repeat(repeated)].reset_index(drop=True)
    if repeated > 1:
        rows[MODEL.items] += 0.2 * rng.normal(size=(len(rows), len(MODEL.items)))
    return rows


# --- witness


@pytest.mark.parametrize("method", ["two_stage", "orthogonal", "product_indicator", "quadratic"])
def test_mobi_has_the_interactions_of_seminr(mobi, method, tell_witness):
    quadratic = method == "quadratic"
    pairs = [("image", "image")] if quadratic else [("image", "expectation"), ("image", "value")]
    how = "two_stage" if quadratic else method
    fit = csi.moderation(Sample(mobi, draws=2), MOBI, {"satisfaction": pairs}, method=how)
    own, theirs = fit.paths["estimate"], FOUND[method][:3]
    tell_witness("PLS moderation: paths", "seminr (mobi)", own, theirs, atol=2e-6)
    bessel = np.sqrt(len(mobi) / (len(mobi) - 1))  # of its standard deviations
    own, theirs = fit.table["estimate"] * bessel, FOUND[method][3:]
    tell_witness("PLS moderation: interactions", "seminr (mobi)", own, theirs, atol=2e-6)


# --- truth by hand, and laws


@pytest.mark.parametrize("moderator", ["value", "quality"])
def test_of_single_questions_it_is_the_regression_with_the_product(moderator):
    rows = answers(80)
    found = csi.moderation(
        Sample(rows, weight="weight", draws=20),
        SINGLE,
        {"satisfaction": [("quality", moderator)]},
        WIDE,
    )
    w = rows["weight"] / rows["weight"].sum()
    z = rows[["q", "v", "s"]] - w @ rows[["q", "v", "s"]]
    z = z / np.sqrt(w @ z**2)
    product = z["q"] * z[moderator[0]]
    x = np.column_stack([z["q"], z["v"], product - w @ product])
    slopes = np.linalg.lstsq(x * np.sqrt(w.to_numpy())[:, None], z["s"] * np.sqrt(w))[0]
    assert_allclose(found.paths["estimate"], slopes[:2])
    assert found.table["estimate"].tolist() == pytest.approx([slopes[2]])
    deviation = np.sqrt(w @ (product - w @ product) ** 2)
    assert found.table["standardised"][0] == pytest.approx(slopes[2] * deviation)
    step = slopes[2] * (2 if moderator == "quality" else 1)
    low, mean, high = found.slopes["estimate"]
    assert_allclose([low, mean, high], slopes[0] + step * np.array([-1, 0, 1]))


@pytest.mark.slow
@pytest.mark.parametrize("method", ["two_stage", "orthogonal", "product_indicator"])
def test_a_weight_of_two_counts_as_the_row_twice(method):
    rows = answers(60).assign(twice=1.0 + (np.arange(60) < 20))
    one = csi.moderation(Sample(rows, weight="twice", draws=2), MODEL, TERMS, WIDE, method)
    rows = rows.loc[rows.index.repeat(rows["twice"].astype(int))].reset_index(drop=True)
    two = csi.moderation(Sample(rows, draws=2), MODEL, TERMS, WIDE, method)
    for column in ("estimate", "standardised", "f2"):
        assert_allclose(one.table[column], two.table[column])


@pytest.mark.slow
def test_an_orthogonal_product_leaves_the_other_paths_as_they_are_without_it():
    rows = Sample(answers(200), draws=2)
    found = csi.moderation(rows, SINGLE, TERMS, WIDE, "orthogonal")
    alone = csi.fit(rows, SINGLE, WIDE)
    assert_allclose(found.paths["estimate"], alone.paths["estimate"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("strength", "words"),
    [
        (0.3, "significantly more strongly"),
        (-0.3, "significantly less strongly"),
        (0.0, "No inter"),
    ],
)
def test_a_reader_is_told_which_way_the_path_changes(strength, words):
    fit = csi.moderation(Sample(answers(400, 3, strength), draws=300), MODEL, TERMS, WIDE)
    assert words in str(fit)
    assert f"{abs(fit.table['estimate'][0]):.2f}" in fit.finding.detail
    if strength:
        assert fit.table["simultaneous_low"][0] * fit.table["simultaneous_high"][0] > 0


@pytest.mark.parametrize(
    ("terms", "how", "message"),
    [
        ({}, {}, "at least one pair"),
        ({"satisfaction": ["quality"]}, {}, "no pair"),
        ({"satisfaction": [("quality", "loyalty")]}, {}, "no cause of 'satisfaction'"),
        ({"quality": [("value", "value")]}, {}, "its causes: none"),
        ({"satisfaction": [("quality", "value"), ("value", "quality")]}, {}, "given twice"),
        ({"satisfaction": [("value", "value")]}, {"method": "orthogonal"}, "quadratic"),
        (TERMS, {"method": "stage"}, "method"),
        (TERMS, {"options": csi.Options(consistent=True)}, "measurement error"),
        (TERMS, {"options": csi.Options(missing="em")}, "complete"),
    ],
)
def test_terms_that_cannot_be_fitted_are_refused(terms, how, message):
    with pytest.raises(ValueError, match=message):
        csi.moderation(answers(50), MODEL, terms, **how)


# --- recovery


@cache
def truth(repeated: int) -> tuple[float, list[float]]:
    rows = Sample(answers(100_000, 99, repeated=repeated), draws=1, cluster="who")
    big = csi.moderation(rows, MODEL, TERMS, WIDE)
    return big.table["estimate"][0], big.slopes["estimate"].tolist()


@pytest.mark.coverage
@pytest.mark.parametrize(
    ("n", "how"),
    [(30, {}), (50, {}), (50, {"weight": "weight"}), (50, {"cluster": "who"}), (200, {})],
)
def test_intervals_of_interactions_cover_the_truth(n, how, tell_coverage):
    repeated, hits = (2 if "cluster" in how else 1), []
    interaction, slopes = truth(repeated)
    for k in range(200):
        rows = Sample(answers(n, 1000 + k, repeated=repeated), draws=200, seed=k, **how)
        fit = csi.moderation(rows, MODEL, TERMS, WIDE)
        ends, each = fit.table.iloc[0], fit.slopes
        hits.append(
            [
                ends["low"] <= interaction <= ends["high"],
                ends["simultaneous_low"] <= interaction <= ends["simultaneous_high"],
                *((each["low"] <= slopes) & (slopes <= each["high"])),
            ]
        )
    share, of = (
        np.mean(hits, axis=0),
        f"{n} people{', clustered' * (repeated > 1)}{', weighted' * ('weight' in how)}",
    )
    tell_coverage("Interaction of constructs (PLS moderation)", of, share[0], 200)
    tell_coverage("Simple slopes of an interaction (PLS moderation)", of, share[2:].mean(), 200)
    assert (share[:2] >= 0.92).all() and share[2:].mean() >= 0.92
