"""Terms, columns and levels of this topic that readers see through `i18n.label`."""

WORDS = (
    "acquired", "won back", "high risk", "medium risk", "low risk", "shortfall", "saving",
)  # fmt: skip
