"""Terms, columns and levels of this topic that readers see through `i18n.label`."""

WORDS = (
    "acquired", "won back", "shortfall", "saving", "cost of cases", "break even",
    "model", "fits", "chosen",
    "periods so far", "rate (column)", "first purchase", "probability active",
    "expected purchases",
)  # fmt: skip
