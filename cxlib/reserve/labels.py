"""Terms, columns and levels of this topic that readers see through `i18n.label`."""

WORDS = (
    "from", "to", "quarantined", "cells lost",
)  # fmt: skip
