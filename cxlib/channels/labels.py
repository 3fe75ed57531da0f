"""Terms, columns and levels of this topic that readers see through `i18n.label`."""

WORDS = (
    "others", "better", "worse", "different", "unclear", "more", "less", "gap", "share", "plain",
    "overall", "attribute", "against", "cases", "contacts before", "changed channel",
    "solved first", "conversion", "cost", "complaints", "orders", "branch", "store", "site",
    "location", "department", "team",
)  # fmt: skip
