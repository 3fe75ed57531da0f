"""Terms, columns and levels of this topic that readers see through `i18n.label`."""

WORDS = (
    "saturated", "estimated",
    "rho A", "rho C", "AVE", "eigenvalue 1", "eigenvalue 2",
    "HTMT", "htmt2", "htmt2 low", "htmt2 high", "shared", "least ave",
    "rmse", "mae", "rmse linear", "chance priority",
)  # fmt: skip
