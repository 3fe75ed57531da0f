"""Terms, columns and levels of this topic that readers see through `i18n.label`."""

WORDS = (
    "first response", "resolution", "reply in time", "solved in time", "first-response SLA",
    "resolution SLA", "goal", "met", "missed",
    "open", "reopened", "as reported by the customer", "window",
    "solved at the first contact", "weekday", "Monday", "Tuesday", "Wednesday", "Thursday",
    "Friday", "Saturday", "Sunday", "contacts", "hours", "one customer",
    "front line", "process", "policy", "rule", "study.yaml", "learnt", "not classified",
    "handled", "well", "badly", "well minus badly", "change of others like them", "difference",
    "difference without matching", "earlier answer", "its square", "time of the earlier answer",
    "time of the later answer", "limits", "outer low", "outer high", "very low", "very high",
    "new cases", "new cases a week", "resolved cases a week", "days to clear", "clearance",
    "volume_forecast", "time_in_status", "better", "worse", "waits",
    "overdue", "within the standard", "no standard", "standing",
    "calendar hours", "working hours", "working days", "all time",
    "without waiting for the customer",
    "open cases", "open as observed", "overdue as missed",
    "without open cases", "stated", "yes", "no", "waiting",
    "standard missed", "unclear", "other verdict", "same verdict",
    "day", "days", "again", "cases", "cases per 1000",
)  # fmt: skip
