"""Raw files become the tables of the contract; rows that break it go to the quarantine.

    raw = intake.read_file("answers.csv")          # rows as they are; raw.notes says what was found
    taken = intake.table(study, "responses")       # taken.rows, taken.quarantine, taken.notes
    print(intake.draft("shop", ["answers.csv"]))   # a commented study.yaml, guesses marked

`files` reads, `cells` converts, `rows` holds to the contract, `drafts` guesses a study.yaml.
"""

from cxlib.data.intake.drafts import draft
from cxlib.data.intake.readers import IntakeError, Raw, read_file
from cxlib.data.intake.validation import QUARANTINE, Intake, every_table, table

__all__ = [
    "QUARANTINE",
    "Intake",
    "IntakeError",
    "Raw",
    "draft",
    "every_table",
    "read_file",
    "table",
]
