"""Terms, columns and levels of this topic that readers see through `i18n.label`."""

WORDS = (
    "spend", "silhouette", "weakest stability", "smallest share", "misplaced share",
    "log-likelihood", "BIC", "ICL", "entropy", "outcomes", "personas",
)  # fmt: skip
