"""docs/coverage.md: how often intervals held the truth, as `make coverage` measured it."""

from __future__ import annotations

from collections.abc import Iterable

HEAD = """# How often the intervals hold the truth

`make coverage` simulates samples with a known truth, makes the interval of each and counts how many
hold the truth. It writes this page; nothing here is typed by hand. A share measured on few samples
is itself uncertain: the last column is its own 95% interval (Wilson). Below the stated level means
that intervals are too narrow there, above it that they are wider than need be.

| estimate | samples of | stated | held | repeats | 95% CI |
|---|---|---|---|---|---|
"""


def page(told: Iterable[tuple[str, str, float, int, float]]) -> str:
    """The page, of (estimate, what the samples are like, share that held, repeats, stated)."""
    from statsmodels.stats.proportion import proportion_confint

    lines = []
    for estimate, of, share, repeats, stated in sorted(set(map(tuple, told))):
        low, high = proportion_confint(share * repeats, repeats, method="wilson")
        lines.append(
            f"| {estimate} | {of} | {stated:.0%} | {share:.1%} | {repeats:,} | "
            f"{low:.1%} to {high:.1%} |"
        )
    return HEAD + "\n".join(lines) + "\n"
