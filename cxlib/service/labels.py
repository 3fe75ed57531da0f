"""Terms, columns and levels of this topic that readers see through `i18n.label`."""

WORDS = (
    "first reply", "solution", "reply in time", "solved in time", "first-response SLA",
    "resolution SLA", "goal", "met", "missed",
    "open", "open cases", "reopened", "as reported by the customer", "window",
    "solved at the first contact", "weekday", "Monday", "Tuesday", "Wednesday", "Thursday",
    "Friday", "Saturday", "Sunday", "contacts", "hours", "one customer",
    "front line", "process", "policy", "rule", "study.yaml", "its name", "how often it comes",
    "handled", "well", "badly", "well minus badly", "change of others like them", "difference",
    "difference without matching", "earlier answer", "its square", "time of the earlier answer",
    "time of the later answer", "limits", "outer low", "outer high", "very low", "very high",
    "standard missed", "unclear", "day", "days", "again", "cases", "cases per 1000",
)  # fmt: skip
