"""A Sample keeps weights, clusters, raking and losses through selections and merges."""

from __future__ import annotations

import pandas as pd
import pytest

from cxlib.core.sample import ReplicateWeights, Sample, as_sample


@pytest.fixture
def rows() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "nps": [10, 9, 8, 0],
            "who": [1, 1, 2, 3],
            "w": [1.0, 1.0, 2.0, 0.5],
            "plan": list("abab"),
        },
        index=[7, 8, 9, 10],
    )


class Raked:
    """A calibration that knows the rows labelled 7 to 10."""

    def cells_of(self, rows, weight):
        return rows.index.to_numpy() if rows.index.isin([7, 8, 9, 10]).all() else None


def test_a_bare_table_is_a_sample_of_equal_independent_rows(rows) -> None:
    sample = as_sample(rows)
    assert sample.weights.tolist() == [1, 1, 1, 1]
    assert sample.clusters.tolist() == [0, 1, 2, 3]
    assert as_sample(sample) is sample
    assert as_sample(rows, draws=50).draws == 50


def test_selecting_and_adding_columns_keeps_the_design(rows) -> None:
    design = ReplicateWeights(("w1", "w2"), 0.5)
    sample = Sample(rows, weight="w", cluster="who", draws=20, seed=3, replicate_weights=design)
    few = sample.where(sample["nps"] > 7).assign(high=True)
    assert few.data.index.tolist() == [7, 8, 9]
    assert (few.weight, few.cluster, few.draws, few.seed) == ("w", "who", 20, 3)
    assert few.replicate_weights is design
    assert "high" not in rows


def test_a_merge_keeps_raking_and_the_labels_of_rows(rows) -> None:
    sample = Sample(rows, weight="w", raking=Raked())
    merged = sample.merge(pd.DataFrame({"plan": ["a", "b"], "price": [1, 2]}), on="plan")
    assert merged["price"].tolist() == [1, 2, 1, 2]
    assert merged.raking is sample.raking
    assert merged.data.index.tolist() == [7, 8, 9, 10]


def test_a_merge_that_would_double_rows_is_refused(rows) -> None:
    with pytest.raises(ValueError, match="many-to-one"):
        Sample(rows).merge(pd.DataFrame({"plan": ["a", "a"], "price": [1, 2]}), on="plan")


def test_raked_rows_with_other_labels_are_refused_not_taken_as_unraked(rows) -> None:
    sample = Sample(rows, weight="w", raking=Raked())
    with pytest.raises(ValueError, match="not those whose weights were raked"):
        sample.with_data(rows.reset_index(drop=True))
    with pytest.raises(ValueError, match="not those whose weights were raked"):
        sample.with_data(rows.drop(columns="w"))


def test_another_weight_is_not_raked(rows) -> None:
    sample = Sample(rows.assign(v=1.0), weight="w", raking=Raked())
    assert sample.replace(weight="v").raking is None
    assert sample.replace(draws=5).raking is sample.raking


def test_unknown_columns_and_draws_are_named(rows) -> None:
    with pytest.raises(ValueError, match="'vote' in these rows for the weight.*nps, who, w, plan"):
        Sample(rows, weight="vote")
    with pytest.raises(ValueError, match="draws is 0"):
        Sample(rows, draws=0)
    with pytest.raises(TypeError, match="list"):
        as_sample([1, 2])


def test_the_repr_tells_the_design(rows) -> None:
    text = repr(Sample(rows, weight="w", cluster="who", raking=Raked(), draws=2000))
    assert text == (
        "Sample(4 rows, 4 columns; weighted by 'w'; raked in every draw; clustered by 'who'; "
        "2,000 draws, seed 1)"
    )
