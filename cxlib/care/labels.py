"""Terms, columns and levels of this topic that readers see through `i18n.label`."""

WORDS = (
    "calls", "controls", "overdue case (priority 1)", "several reasons (priority 2)",
    "one reason (priority 3)", "may not be contacted", "asked not to be contacted",
    "followed after an earlier call-back", "contacted often enough", "all call-backs", "spend",
    "margin minus cost", "in the ledger", "measured", "call list", "callbacks", "resting",
    "callback reasons", "callback effect", "callback money", "callback booked", "control",
    "postponed", "late orders", "late cases", "promised weeks", "unit", "channel", "category",
    "severity",
)  # fmt: skip
