"""Terms, columns and levels of this topic that readers see through `i18n.label`."""

WORDS = (
    "if bought", "then bought", "lift", "confidence", "support", "adjusted lift", "lift before",
    "bundle", "most popular", "similar products", "bought after", "hit rate", "coverage",
    "more than one product", "by the tree", "one offer for everyone", "offers",
)  # fmt: skip
