"""Terms, columns and levels of this topic that readers see through `i18n.label`."""

WORDS = (
    "slope low", "slope high", "tone", "positive", "negative",
)  # fmt: skip
