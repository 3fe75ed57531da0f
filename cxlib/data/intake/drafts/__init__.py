"""A study.yaml drafted from a user's files: look, guess, ask, write.

    drafted = plan("shop", ["answers.csv", "orders.xlsx"])
    for question in drafted.questions:          # at most five
        question.settle(question.proposed)
    print(text(drafted))                        # what `cx new` writes

Which tool a file comes from is told by `cxlib.data.intake.profiles`. `looking` reads the files,
`tables` says which table a file is, `questions`, `scales` and `choices` find what was asked,
`answers` which of them is the outcome, `personal` what is left out; `planning` puts it together
with the questions that only the owner of the files can answer (`plans`), `writing` makes the YAML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from cxlib.data import study as study_
from cxlib.data.intake.drafts.planning import plan_of
from cxlib.data.intake.drafts.plans import Plan, Question
from cxlib.data.intake.drafts.writing import text_of
from cxlib.data.intake.errors import IntakeError

__all__ = ["Plan", "Question", "draft", "plan", "text"]


def plan(name: str, files: Sequence[str | Path]) -> Plan:
    """What a study.yaml would say of the files, and the questions that they leave open.

    Raises
    ------
    StudyError : for a name that is none
    IntakeError : there is no file, one cannot be read, or looks like no table of the contract
    """
    study_.folder_of(name)
    if not files:
        raise IntakeError(f"give the files of {name}: cx new {name} FILE...")
    return plan_of(name, [Path(f) for f in files])


def text(drafted: Plan, copies: Mapping[Path, Path] | None = None) -> str:
    """The study.yaml; questions without an answer stand in it as unconfirmed.

    Parameters
    ----------
    drafted : from `plan`
    copies : where files will lie that are to be copied to the study's folder
    """
    return text_of(drafted, study_.folder_of(drafted.name), copies or {})


def draft(name: str, files: Sequence[str | Path]) -> str:
    """A commented study.yaml for the files, with the proposed answers taken."""
    return text(plan(name, files))
