"""Terms, columns and levels of this topic that readers see through `i18n.label`."""

WORDS = (
    "if bought", "then bought", "lift", "confidence", "support", "lift for size", "lift before",
    "bundle", "popular", "cosine", "conditional", "hit rate", "coverage", "more than one product",
    "by the tree", "one offer for everyone", "offers",
)  # fmt: skip
