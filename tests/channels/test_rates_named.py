"""Which group a comparison names."""

from __future__ import annotations

import pandas as pd

from cxlib import channels


def costs(**of: tuple[int, int]) -> pd.DataFrame:
    """Rows of each channel: how many, and the mean of a cost that goes 0.5 up and down."""
    parts = [
        pd.DataFrame({"channel": name, "cost": [mean - 0.5, mean + 0.5] * (n // 2)})
        for name, (n, mean) in of.items()
    ]
    return pd.concat(parts, ignore_index=True)


def test_the_dearest_channel_is_named_though_a_larger_one_is_surer() -> None:
    """|gap| times the root of n is largest for the telephone, whose cases cost less."""
    rows = costs(desk=(40, 8), phone=(600, 6), mail=(600, 3))
    fit = channels.rate(rows, "cost", by="channel", unit="", better="lower")
    assert dict(zip(fit.table["channel"], fit.table["verdict"], strict=True))["phone"] == "worse"
    assert "8.00 for desk" in fit.finding.claim and "all others" in fit.finding.claim


def test_of_two_channels_the_other_is_named() -> None:
    fit = channels.rate(
        costs(phone=(60, 6), desk=(60, 2)), "cost", by="channel", unit="", better="lower"
    )
    assert "6.00 for phone, 2.00 for desk" in fit.finding.claim
