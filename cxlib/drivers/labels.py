"""Terms, columns and levels of this topic that readers see through `i18n.label`."""

WORDS = (
    "must-be", "performance", "attractive", "indifferent", "unclear", "robust", "dummy",
    "weakness", "strength", "low priority", "maintain", "rated about average", "position",
    "importance",
)  # fmt: skip
