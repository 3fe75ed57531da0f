"""Terms, columns and levels of this topic that readers see through `i18n.label`."""

WORDS = (
    "must-be", "performance", "attractive", "indifferent", "not settled", "robust", "dummy",
)  # fmt: skip
