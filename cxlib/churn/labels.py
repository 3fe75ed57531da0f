"""Terms, columns and levels of this topic that readers see through `i18n.label`."""

WORDS = (
    "horizon",
    "AUC", "log-loss", "Brier score", "calibration slope", "calibration intercept", "odds",
    "odds low", "odds high", "EMP", "EMP without a model", "by risk",
    "more than by risk", "average effect", "Qini", "AUUC", "effect in the treat set",
    "effect outside the treat set", "by predicted gain", "other ties", "competition",
    "attitude of staff", "stability index", "gradient boosting",
    "transparent model", "boosting", "chi2", "leavers",
    "two models", "transformed outcome", "leaving",
    "customers lost", "losses forecast",
)  # fmt: skip
