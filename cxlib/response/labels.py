"""Terms, columns and levels of this topic that readers see through `i18n.label`."""

WORDS = (
    "response rate", "attribute", "reminded", "not reminded", "answered", "against",
    "invitations within the rest period", "customers never invited", "overall", "differs",
    "by count", "time of answer", "after a reminder", "without a reminder",
)  # fmt: skip
