"""Terms, columns and levels of this topic that readers see through `i18n.label`."""

WORDS = (
    *("staggered roll-out", "never-treated controls", "placebo starts"),
    *("randomised", "difference-in-differences", "weighted controls", "interrupted time series"),
    *("unadjusted", "the change", "placebo in time", "placebo in place", "treated"),
    *("control", "synthetic control", "trend before", "change of the treated"),
    *("regression to the mean", "adjusted change", "higher", "lower", "in doubt"),
    *("less than predicted", "unknown", "standard deviations", "could find", "design"),
    *("changed", "inside", "bias", "slope", "waves", "predicted low", "predicted high", "within"),
)
