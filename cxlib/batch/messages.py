"""What a run tells people where they work: the summary and the new alerts, as plain data.

message = messages.of(Path("reports/sample/2026-11-21-093000"), "en")
message.title, message.sentences, message.alerts, message.link
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cxlib.core import context
from cxlib.core.context import Context
from cxlib.core.i18n import _

REPORTS = "CX_REPORTS_URL"  # the address at which the folder reports/ can be read


@dataclass(frozen=True)
class Message:
    """A message in one language.

    Attributes
    ----------
    title : study and run
    sentences : of the summary: level, change, why, what to do
    alerts : those that are new, one line each
    heading : stands above the alerts, or says that there is none
    link : address of the index; empty where CX_REPORTS_URL names none
    study, run, lang : as in run.json
    """

    title: str
    sentences: tuple[str, ...]
    alerts: tuple[str, ...]
    heading: str
    link: str
    study: str
    run: str
    lang: str

    @property
    def text(self) -> str:
        """The message as plain text."""
        alerts = [self.heading, *(f"- {line}" for line in self.alerts)]
        parts = ["\n".join(self.sentences), "\n".join(alerts), self.link]
        return "\n\n".join(part for part in parts if part)


def of(folder: Path, lang: str = "", environ: Mapping[str, str] = os.environ) -> Message:
    """The message about a run.

    Parameters
    ----------
    folder : of the run
    lang : language; that of the run unless given
    environ : where CX_REPORTS_URL is looked up
    """
    from cxlib.report import indexes, scorecard

    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    answers = json.loads((folder / "answers.json").read_text(encoding="utf-8"))
    mine = indexes.in_language(run, lang or run["lang"])
    rules = mine["pages"][0]["job"]["rules"] if mine["pages"] else {"lang": mine["lang"]}
    with context.use(Context(**rules)):
        card = scorecard.of(mine, answers)
        alerts = tuple(_line(a) for a in (card["alerts"] or {}).get("items", []) if a["new"])
        base = environ.get(REPORTS, "").rstrip("/")
        return Message(
            title=f"{mine['about']['title']} · {run['run']}",
            sentences=tuple(f.claim for f in card["summary"]),
            alerts=alerts,
            heading=_("New alerts") if alerts else _("No new alerts."),
            link=f"{base}/{run['study']}/{run['run']}/{mine['index']}" if base else "",
            study=run["study"],
            run=run["run"],
            lang=mine["lang"],
        )


def _line(alert: Mapping[str, str]) -> str:
    owner = _("Owner: {owner}", owner=alert["owner"]) if alert["owner"] else ""
    return _("; ").join(
        part for part in (alert["what"], alert["how"], alert["since"], owner) if part
    )
