"""Rows put in order of time, so that those of one moment follow each other as they happened.

Whatever reads a table takes rows of one moment in the order of the table. That is the file's,
turned round where the file lists the newest first; a column `sequence`, or the order of the stages
where `journey.ties: stage` says so, goes before.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.data.intake.plausibility import DataWarning
from cxlib.data.intake.reasons import Reason
from cxlib.data.study import Study

BACKWARDS = 0.95  # share of the steps in time that go back, in a file that lists the newest first
TIMES = {"events": "at", "orders": "at", "cases": "opened_at", "comments": "at"}


def in_time(
    study: Study, name: str, rows: pd.DataFrame
) -> tuple[pd.DataFrame, list[DataWarning], list[str]]:
    """The rows in order, a warning of events that share their time, and what was done."""
    column, notes = TIMES.get(name, ""), list[str]()
    if column not in rows or len(rows) < 2:
        return rows, [], notes
    if _newest_first(rows[column]):
        rows = rows.iloc[::-1].reset_index(drop=True)
        notes.append(f"{name}: the file lists the newest rows first; they are turned round.")
    if name != "events":
        return rows, [], notes
    rank = _rank(study, rows)
    if rank is not None:
        order = np.lexsort([rank.fillna(np.inf).to_numpy(float), rows[column].to_numpy()])
        rows, rank = rows.iloc[order].reset_index(drop=True), rank.iloc[order]
    tied = _tied(rows, study.journey.by or "customer_id", rank)
    if not tied:
        return rows, [], notes
    return rows, [DataWarning(column, tied, Reason("tied_times", {"of": f"{len(rows):,}"}))], notes


def _newest_first(at: pd.Series) -> bool:
    steps = at.dropna().diff().dt.total_seconds()
    back, forth = int((steps < 0).sum()), int((steps > 0).sum())
    return back > 0 and back >= BACKWARDS * (back + forth)


def _rank(study: Study, rows: pd.DataFrame) -> pd.Series | None:
    """What puts events of one moment in order; None where study.yaml names nothing."""
    if "sequence" in rows:
        return rows["sequence"]
    if study.journey.ties != "stage":
        return None
    own = rows["stage"] if "stage" in rows else pd.Series(pd.NA, index=rows.index)
    stage = rows["touchpoint"].map(study.touchpoints).fillna(own)
    return stage.map({s: i for i, s in enumerate(study.stages)})


def _tied(rows: pd.DataFrame, by: str, rank: pd.Series | None) -> int:
    """Events that share their time with another touchpoint of the same journey, and their rank."""
    if by not in rows:
        return 0
    keys = [rows[by], rows["at"]]
    keys += [rank.fillna(-1).set_axis(rows.index)] if rank is not None else []
    return int((rows["touchpoint"].groupby(keys).transform("nunique") > 1).sum())
