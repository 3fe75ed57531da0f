"""Terms, columns and levels of this topic that readers see through `i18n.label`."""

WORDS = (
    "design effect", "differs", "before differs",
)  # fmt: skip
