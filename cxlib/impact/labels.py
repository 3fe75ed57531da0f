"""Terms, columns and levels of this topic that readers see through `i18n.label`."""

WORDS = (
    "drawn by lot", "beside those it spared", "beside others like them", "before and after only",
    "as they are", "the change", "another time", "another place", "those reached", "stand-in",
    "line before", "change of those reached", "without it anyway", "what is left", "higher",
    "in doubt", "less than predicted", "could find", "bias", "spared",
)  # fmt: skip
