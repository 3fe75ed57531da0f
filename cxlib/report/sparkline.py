"""A line of the last waves beside a number: SVG in the colours of the page, no axes, no words."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

WIDTH, HEIGHT, EDGE = 96, 28, 4


def svg(values: Sequence[float], target: float | None = None) -> Markup:
    """The values from left to right, the last one marked; the target as a thin line.

    Nothing is drawn of fewer than three: two points are a change, which the card says.

    Examples
    --------
    >>> svg([1, 2])
    Markup('')
    >>> "polyline" in svg([1, 2, 4])
    True
    """
    if len(values) < 3:
        return Markup()
    seen = [*values, *([target] if target is not None else [])]
    least, span = min(seen), (max(seen) - min(seen)) or 1.0

    def height(value: float) -> float:
        return round(HEIGHT - EDGE - (value - least) / span * (HEIGHT - 2 * EDGE), 1)

    step = (WIDTH - 2 * EDGE) / (len(values) - 1)
    points = [(round(EDGE + k * step, 1), height(v)) for k, v in enumerate(values)]
    goal = Markup()
    if target is not None:
        goal = Markup('<line class="goal" x1="0" x2="{}" y1="{}" y2="{}"/>').format(
            WIDTH, height(target), height(target)
        )
    return Markup(
        '<svg class="spark" viewBox="0 0 {} {}" width="{}" height="{}" aria-hidden="true">{}'
        '<polyline points="{}"/><circle cx="{}" cy="{}" r="3"/></svg>'
    ).format(
        WIDTH, HEIGHT, WIDTH, HEIGHT, goal, " ".join(f"{x},{y}" for x, y in points), *points[-1]
    )
