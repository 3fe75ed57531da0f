"""Terms, columns and levels of this topic that readers see through `i18n.label`."""

WORDS = (
    "begins", "met it", "low rating", "not reached", "not seen again", "journeys lost",
    "earlier journeys", "later journeys", "journeys with a return", "steps met before",
    "journeys that go back", "recurrence", "differs", "the mean", "the worst", "the last",
    "the worst and the last", "the mean and the worst", "the mean and the last",
    "the mean, the worst, the best and the last", "bounce", "conversion", "reached the goal",
    "left after one page", "other visit", "no visit", "solved without a contact",
)  # fmt: skip
