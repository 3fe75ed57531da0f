"""The findings of a run, as its pages kept them: the index, slides and messages are made of them.

    found = findings.of(run, answers)      # most important first, page by page within
    findings.summary(found)     # up to five: level, change, why, missed target, what to do

`run` is as in run.json with the pages of one language, `answers` as in answers.json.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from cxlib.core.finding import Importance

# Page -> name of the answer -> record.
Answers: TypeAlias = Mapping[str, Mapping[str, dict[str, Any]]]
Rule: TypeAlias = Callable[["Found"], bool]

# Where the level of a study is read, the first that it has: notebook and answer.
LEVELS = (
    ("10", "nps"), ("11", "by_wave"), ("11", "index"), ("10", "csat"), ("10", "effort"),
    ("33", "repeat"), ("31", "worth"), ("31", "retention"), ("30", "segments"),
)  # fmt: skip
CAUSES = ("20", "22", "23", "24", "11")
GROUPS = (("10", "by_group"), ("11", "by_group"))  # a large difference between groups says why
LEAST = 3  # sentences, where there is as much that is notable
STEPS = (("41", "net_gain"), ("41", "opportunities"), ("21", ""), ("40", "verdicts"))


@dataclass(frozen=True)
class Found:
    """A finding and where it stands.

    Attributes
    ----------
    number, page, title : of the notebook ("12"), its page in the run, and what the page asks
    answer : name of the answer that the finding belongs to
    record : the finding, as `core.finding.Finding.record` writes it
    """

    number: str
    page: str
    title: str
    answer: str
    record: Mapping[str, Any]

    @property
    def claim(self) -> str:
        """The claim, as the page says it."""
        return str(self.record.get("claim", ""))

    @property
    def importance(self) -> int:
        """How important the finding is."""
        return int(self.record.get("importance", Importance.CONTEXT))

    @property
    def link(self) -> str:
        """Address of the finding, from the folder of its run."""
        return f"{self.page}.html#answer-{self.answer}"


def of(run: Mapping[str, Any], answers: Answers) -> list[Found]:
    """The findings of the pages of all rows, most important first; equals as pages have them.

    Examples
    --------
    >>> page = {"page": "10_a", "notebook": "10_a.ipynb", "title": "A?", "set": "", "status": "ok"}
    >>> nps = {"finding": {"claim": "NPS fell.", "importance": 4}}
    >>> [f.claim for f in of({"pages": [page]}, {"10_a": {"nps": nps}})]
    ['NPS fell.']
    """
    found = [
        Found(page["notebook"].split("_")[0], page["page"], page["title"], name, record["finding"])
        for page in run["pages"]
        if page["status"] == "ok" and not page["set"]
        for name, record in answers.get(page["page"], {}).items()
        if record.get("finding", {}).get("claim")
    ]
    return sorted(found, key=lambda f: -f.importance)


def heads(found: Iterable[Found]) -> dict[str, Found]:
    """Of each page its most important finding."""
    first: dict[str, Found] = {}
    for finding in found:
        first.setdefault(finding.page, finding)
    return first


def summary(found: Sequence[Found]) -> list[Found]:
    """Level, change, why, what misses its target, what to do: what a director reads first.

    A part is left out where the run has no such finding; what else is notable follows where they
    are few. None says what another says already.
    """
    chosen: list[Found] = []

    def choose(rules: Iterable[Rule], least: Importance = Importance.CONTEXT) -> None:
        for rule in rules:
            for finding in found:
                new = all(not same(finding, other) for other in chosen)
                if finding.importance >= least and new and rule(finding):
                    chosen.append(finding)
                    return

    choose(_is(*where) for where in LEVELS)
    if not chosen:
        choose([lambda f: True])
    choose(
        [
            lambda f: f.record.get("verdict") == "worse" and _of_measures(f),
            lambda f: f.record.get("verdict") == "better" and _of_measures(f),
            lambda f: f.number == "12",
        ],
        Importance.NOTABLE,
    )
    alert = any(_is("41", "warnings")(f) and f.record.get("verdict") == "worse" for f in found)
    causes = [_is("41", "causes")] if alert else []  # else they are of alerts that are over
    apart = (_notable(_is(*where)) for where in GROUPS)
    choose([*causes, *apart, *(_is(number) for number in CAUSES)], Importance.ANSWER)
    if not any(map(_missed, chosen)):
        choose([lambda f: _missed(f) and _of_measures(f)], Importance.NEWS)
    choose([_is(*where) for where in STEPS], Importance.ANSWER)
    for _missing in range(LEAST - len(chosen)):
        choose([lambda f: f.number != "00"], Importance.NOTABLE)
    return chosen


def _missed(f: Found) -> bool:
    """Whether it is that a target is missed for certain."""
    return f.record.get("target_standing") == "missed"


def _of_measures(f: Found) -> bool:
    """Whether it is about what customers do and say, not about what we did."""
    return f.number < "40" or (f.number, f.answer) == ("41", "warnings")


def _is(number: str, answer: str = "") -> Rule:
    return lambda f: f.number == number and answer in ("", f.answer)


def _notable(rule: Rule) -> Rule:
    return lambda f: f.importance >= Importance.NOTABLE and rule(f)


def same(one: Found, other: Found) -> bool:
    """Whether they say the same: in the same words, or of the same number."""
    if one.claim == other.claim:
        return True
    measure = one.record.get("measure")
    facts = (measure, one.record.get("at"), one.record.get("value"))
    of_other = (other.record.get(k) for k in ("measure", "at", "value"))
    return bool(measure) and facts == tuple(of_other)
