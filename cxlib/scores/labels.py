"""Terms, columns and levels of this topic that readers see through `i18n.label`."""

WORDS = (
    "not experienced", "duplicate respondents", "identical answers", "speeders", "straight-lining",
    "break-offs", "previews and tests", "any of these", "responses", "answer", "counted", "mark",
    "residual", "answers", "effect low", "effect high", "below standard", "may be below standard",
    "likely meets standard", "not settled", "benchmark", "own (column)", "source",
    "this unit", "below it", "parent", "clear", "level (column)", "weight",
    "unit (column)",
)  # fmt: skip
