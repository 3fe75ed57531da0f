"""Agreement of coders against published values, laws and repeated samples."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxlib.core.sample import Sample
from cxlib.stats import agreement

NAN = np.nan
# Krippendorff (2011), Computing Krippendorff's Alpha-Reliability: examples A, B and C.
MEG_OWEN = pd.DataFrame(
    {"meg": [0, 1, 0, 0, 0, 0, 0, 0, 1, 0], "owen": [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]}
)
BEN_GERRY = pd.DataFrame({"ben": list("aabbdcccedda"), "gerry": list("babbbcccedd") + ["d"]})
FOUR = pd.DataFrame(
    {
        "a": [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
        "b": [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
        "c": [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
        "d": [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
    }
)


@pytest.mark.parametrize(
    ("codings", "level", "published"),
    [
        (MEG_OWEN, "nominal", 0.095),
        (BEN_GERRY, "nominal", 0.692),
        (FOUR, "nominal", 0.743),
        (FOUR, "ordinal", 0.815),
        (FOUR, "interval", 0.849),
    ],
)
def test_alpha_is_the_published_one(codings, level, published, tell_witness):
    fit = agreement.krippendorff(Sample(codings, draws=50), level=level)
    ours, source = fit.table["estimate"][0], "Krippendorff (2011)"
    tell_witness("Krippendorff's α", source, ours, published, atol=0.0005)


def test_by_hand():
    # Two coders, three units: aa, ab, bb. Coincidences aa 2, bb 2, ab 1, ba 1; n 6, n_a = n_b = 3.
    codings = pd.DataFrame({"one": list("aab"), "two": list("abb")})
    fit = agreement.krippendorff(Sample(codings, draws=50))
    assert fit.table["estimate"][0] == pytest.approx(1 - 5 * 2 / 18)


def test_who_codes_alone_is_left_out_and_told():
    fit = agreement.krippendorff(Sample(FOUR, draws=50))
    assert fit.table["n"][0] == 11 and fit.table["codes"][0] == 40
    assert "1 of 12 units" in fit.notes


@pytest.mark.slow
@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10_000))
def test_laws(seed):
    rng = np.random.default_rng(seed)
    codings = pd.DataFrame(rng.integers(1, 5, (12, 3)).astype(float), columns=list("abc"))
    codings = codings.mask(rng.random((12, 3)) < 0.2)
    codings.iloc[0] = [1, 2, 3]
    at = {
        v: agreement.krippendorff(Sample(codings, draws=4), level=v).table["estimate"][0]
        for v in agreement.LEVELS
    }
    # Names of codes, the order of coders, the zero and unit of a scale make no difference.
    assert agreement.krippendorff(
        Sample(codings.replace(dict(zip([1, 2, 3, 4], "wxyz", strict=True))), draws=4)
    ).table["estimate"][0] == pytest.approx(at["nominal"])
    assert agreement.krippendorff(Sample(codings[["c", "a", "b"]], draws=4), level="ordinal").table[
        "estimate"
    ][0] == pytest.approx(at["ordinal"])
    assert agreement.krippendorff(Sample(codings**3, draws=4), level="ordinal").table["estimate"][
        0
    ] == pytest.approx(at["ordinal"])
    assert agreement.krippendorff(Sample(7 - 2 * codings, draws=4), level="interval").table[
        "estimate"
    ][0] == pytest.approx(at["interval"])
    assert max(at.values()) <= 1


def test_an_ordered_category_is_ordinal_as_numbers_are():
    grade = pd.CategoricalDtype(["low", "middle", "high", "best", "top"], ordered=True)
    names = FOUR.apply(
        lambda c: c.map(dict(zip(range(1, 6), grade.categories, strict=True)))
    ).astype(grade)
    fit = agreement.krippendorff(Sample(names, draws=50), level="ordinal")
    assert fit.table["estimate"][0] == pytest.approx(0.815, abs=0.0005)


@pytest.mark.parametrize(
    ("codings", "how", "message"),
    [
        (FOUR, {"level": "ratio"}, "level='ratio' is not a choice"),
        (FOUR, {"coders": ["a"]}, "two coders"),
        (FOUR, {"coders": ["a", "z"]}, "no column 'z'"),
        (pd.DataFrame({"a": [1, 1], "b": [1, 1]}), {}, "all 4 codes are 1"),
        (pd.DataFrame({"a": [1, None], "b": [None, 2]}), {}, "none of 2 units"),
        (BEN_GERRY, {"level": "interval"}, "must be numbers"),
    ],
)
def test_bad_input(codings, how, message):
    with pytest.raises(ValueError, match=message):
        agreement.krippendorff(Sample(codings, draws=4), **how)


@pytest.mark.coverage
def test_the_interval_covers_the_truth(tell_coverage):
    # Two coders each copy the unit's code with chance 0.8, else guess among three: truth 0.64.
    rng, covered, samples = np.random.default_rng(5), 0, 150
    for s in range(samples):
        truth = rng.integers(0, 3, 80)
        said = [np.where(rng.random(80) < 0.8, truth, rng.integers(0, 3, 80)) for _ in "ab"]
        row = agreement.krippendorff(Sample(pd.DataFrame(said).T, draws=200, seed=s)).table.iloc[0]
        covered += row["low"] <= 0.64 <= row["high"]
    tell_coverage("Krippendorff's α", "80 units, 2 coders", covered / samples, samples)
    assert 0.90 <= covered / samples <= 0.99
