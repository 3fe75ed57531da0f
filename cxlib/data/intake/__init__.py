"""Raw files become the tables of the contract; cells that break it go to the quarantine.

    raw = intake.read_file("answers.csv")          # rows as they are; raw.notes says what was found
    taken = intake.table(study, "responses")       # taken.rows, taken.quarantine, taken.notes
    print(intake.draft("shop", ["answers.csv"]))   # a commented study.yaml, guesses marked

`readers` opens files (text through `encodings` and `tokenising`), `gathering` puts them under our
names (`joins`, `event_logs`), `conversion` reads cells, `validation` holds rows to the contract,
`plausibility` warns, `reasons` says why, `drafts` guesses a study.yaml.
"""

from typing import TYPE_CHECKING, Any

from cxlib.data.intake.errors import IntakeError
from cxlib.data.intake.readers import Raw, read_file
from cxlib.data.intake.reasons import in_words, render
from cxlib.data.intake.validation import (
    LOSSES,
    QUARANTINE,
    WARNINGS,
    Intake,
    Remote,
    every_table,
    serious,
    table,
)

if TYPE_CHECKING:
    from cxlib.data.intake.drafts import draft

__all__ = [
    "LOSSES",
    "QUARANTINE",
    "WARNINGS",
    "Intake",
    "IntakeError",
    "Raw",
    "Remote",
    "draft",
    "every_table",
    "in_words",
    "read_file",
    "render",
    "serious",
    "table",
]


def __getattr__(name: str) -> Any:
    """`draft` with its word lists, imported by whoever drafts a study: runs do not."""
    if name == "draft":
        from cxlib.data.intake.drafts import draft

        return draft
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
