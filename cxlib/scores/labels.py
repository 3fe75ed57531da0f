"""Terms, columns and levels of this topic that readers see through `i18n.label`."""

WORDS = (
    "not experienced", "duplicate respondents", "identical answers", "speeders", "straight-lining",
    "break-offs", "previews and tests", "any of these", "responses", "answer", "counted", "mark",
    "residual", "answers", "effect low", "effect high",
)  # fmt: skip
