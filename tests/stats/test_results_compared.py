"""Results of one seed compared resample by resample."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from cxlib import scores
from cxlib.core import context
from cxlib.core.sample import Sample
from cxlib.stats import comparison


def test_results_of_the_same_draws_are_compared_draw_by_draw(responses):
    sample = Sample(responses, cluster="customer_id", seed=3, draws=400)
    whole = scores.mean(sample, ["speed", "price"])
    web = scores.mean(sample.where(sample["channel"] == "web"), ["speed", "price"])
    apart = comparison.difference(web, whole, names=("web", "everybody"))
    assert_allclose(apart.table["estimate"], web.table["estimate"] - whole.table["estimate"])
    # who is in both counts in both: the difference is known better than two separate results say
    width = lambda e: (e.table["high"] - e.table["low"]).to_numpy()  # noqa: E731
    assert (width(apart) < np.hypot(width(web), width(whole))).all()
    assert " in web than in everybody." in str(apart) or "Nothing differs" in str(apart)
    nothing = comparison.difference(whole, whole, names=("a", "b"))
    assert_allclose(nothing.table["estimate"], 0)


def test_results_that_cannot_be_compared_say_why(responses):
    one = scores.mean(Sample(responses, draws=50), "speed")
    with pytest.raises(ValueError, match="1 of 2 results have no draws"):
        comparison.difference(one, scores.nps(responses), names=("a", "b"))
    with pytest.raises(ValueError, match="50 draws of seed 1, 50 draws of seed 2"):
        other = scores.mean(Sample(responses, draws=50, seed=2), "speed")
        comparison.difference(one, other, names=("a", "b"))
    share = scores.nps(Sample(responses, draws=50), method="bootstrap")
    with pytest.raises(ValueError, match="scale minus points has no meaning"):
        comparison.difference(one, share, names=("a", "b"))
    groups = scores.mean(Sample(responses, draws=50), "speed", by="channel")
    with pytest.raises(ValueError, match="cannot be matched"):
        comparison.difference(one, groups, names=("a", "b"))


def test_what_was_asked_in_one_of_two_has_no_difference(responses):
    now = scores.mean(Sample(responses, draws=50), ["speed", "price"])
    before = scores.mean(Sample(responses.assign(price=np.nan), draws=50), ["speed", "price"])
    fit = comparison.difference(now, before, names=("now", "before"))
    assert list(fit.table["term"]) == ["speed"] and fit.replicates.shape == (50, 1)
    nothing = scores.mean(Sample(responses.assign(speed=np.nan), draws=50), ["speed", "price"])
    with pytest.raises(ValueError, match="no row has an estimate in both"):
        comparison.difference(before, nothing, names=("before", "nothing"))


@pytest.mark.parametrize(
    ("lang", "said"),
    [("en", "not significant after adjustment for 12 "), ("zh", "经 12 项比较校正后不显著")],
)
def test_a_largest_difference_says_where_the_adjustment_decides(lang, said) -> None:
    """One of twelve differs by 2.3 standard errors: by itself significant, among twelve not."""
    rng = np.random.default_rng(1)
    step = (2 / 500) ** 0.5
    rows = rng.normal(size=(2, 500, 12))
    rows = (rows - rows.mean(1, keepdims=True)) / rows.std(1, keepdims=True)
    rows[1, :, 0] += 2.3 * step
    names = [f"q{k}" for k in range(12)]
    both = pd.DataFrame(np.vstack(rows), columns=names).assign(w=["a"] * 500 + ["b"] * 500)
    sample = Sample(both, draws=400)
    with context.use(context.Context(lang=lang)):
        one, other = (scores.mean(sample.only("w", [w]), names) for w in "ba")
        found = comparison.difference(one, other, names=("b", "a")).finding
    assert said in found.detail and found.verdict == ""
