"""Names that study.yaml gives to waves, columns, outcomes, units, channels and actions."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from cxlib import reserve
from cxlib.data import study
from cxlib.data.intake import business_rules, references
from cxlib.data.intake.errors import IntakeError
from cxlib.data.intake.validation import Intake

YAML = """
title: Branches
tables:
  responses: {files: answers.csv, columns: {response_id: id, wave: wave}, keep: [branch]}
  customers: {files: customers.csv, columns: {customer_id: id}, keep: true}
  contacts: {files: contacts.csv, columns: {contact_id: id}}
  actions: {files: actions.csv, columns: {action_id: id}}
items:
  recommend: {label: Recommendation, scale: [0, 10], role: nps}
"""
ROWS = {
    "responses": {
        "response_id": list("abcd"),
        "branch": ["Kiel", "Ulm", "Bonn", "Kiel"],
        "wave": ["2026-Q1", "2026-Q2", "2026-Q3", "2026-Q3"],
        "channel": ["web", "shop", "web", "web"],
    },
    "customers": {
        "customer_id": ["1", "2"],
        "fee": [9.5, 12.0],
        "months": [3, 4],
        "gone": ["yes", "no"],
        "plan": ["basic", "plus"],
    },
    "contacts": {
        "contact_id": ["x", "y", "z"],
        "customer_id": ["1", "2", "2"],
        "channel": ["phone", "mail", "phone"],
        "outcome": ["reached", "asked not to be called", None],
    },
    "actions": {"action_id": ["a01", "a02"]},
}
DESK = "changes: [{name: desk, label: Desk, design: staggered, column: branch, begun: %s}]"


def checked(tmp_path: Path, more: str) -> tuple[study.Study, dict[str, Intake]]:
    (tmp_path / "study.yaml").write_text(YAML + more + "\n", encoding="utf-8")
    tables = {name: pd.DataFrame(rows) for name, rows in ROWS.items()}
    taken = {n: Intake(n, rows, rows.head(0), len(rows)) for n, rows in tables.items()}
    return study.read(str(tmp_path / "study.yaml")), taken


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "said"),
    [
        (DESK % "{Kiel: 2026-Q2, Ulm: 2026-Q3}", ""),
        (
            DESK % "{Kiel: 2025-Q2, Ulm: 2026-Q3}",
            "changes.desk.begun: no answer has the wave '2025-Q2' (of 'Kiel'). Did you mean "
            "'2026-Q2'? Waves there are: 2026-Q1, 2026-Q2, 2026-Q3.",
        ),
        (
            DESK % "{Kiel: 2026-Q2, Ulm: 2026-Q4, Bonn: 2026-Q4}",
            "(of 'Ulm', 'Bonn'). Did you mean '2026-Q3'? The last wave is '2026-Q3'; leave it out",
        ),
        (
            "changes: [{name: x, label: X, design: series, begun: 2026-Q2, ended: 2026-Q9}]",
            "changes.x.ended: no answer has the wave '2026-Q9'.",
        ),
        (
            "changes: [{name: x, label: X, design: compared, begun: 2026-Q2, column: branch, "
            "treated: [Kiel], within: pln}]",
            "changes.x.within: there is no column 'pln'. Did you mean 'plan'?",
        ),
        (
            "changes: [{name: x, label: X, design: randomised, table: customers, column: plan, "
            "treated: [plus], outcome: gon}]",
            "changes.x.outcome: there is no column 'gon'. Did you mean 'gone'?",
        ),
        ("churn: {flag: gone, left: yes, tenure: months, charge: fee}", ""),
        ("churn: {flag: goen, left: yes}", "churn.flag: there is no column 'goen'. Did you mean"),
        ("churn: {flag: gone, left: Left}", "churn.left: no row has 'Left'. gone holds: 'yes' (1)"),
        ("churn: {charge: fees}", "churn.charge: there is no column 'fees'. Did you mean 'fee'?"),
        ("churn: {tenure: month}", "churn.tenure: there is no column 'month'. Did you mean"),
        ("churn: {charge: plan}", "churn.charge: plan is to hold numbers. It holds: 'basic' (1)"),
        (
            "churn: {pilot: {column: plann, treated: plus, control: basic}}",
            "churn.pilot.column: there is no column 'plann'. Did you mean 'plan'?",
        ),
        ("churn: {exclude: [mnths]}", "churn.exclude: there is no column 'mnths'. Did you mean"),
        ("segments: {features: [orders_365, pln]}", "segments.features: there is no column 'pln'"),
        ("segments: {features: [share_of_web]}", ""),  # may be computed from other tables
        ("costs: {value_column: fe}", "costs.value_column: there is no column 'fe'. Did you mean"),
        ("costs: {contacts: {phone: 6, web: 1}}", ""),
        (
            "costs: {contacts: {phon: 6}}",
            "costs.contacts: no row has 'phon'. channel holds: 'web' (3), 'phone' (2), 'shop' (1), "
            "'mail' (1). Did you mean 'phone'?",
        ),
        ("contact_rules: {action: a02}", ""),
        (
            "contact_rules: {action: a2}",
            "contact_rules.action: the ledger has no action 'a2'. Did you mean 'a02'? It has: a01,",
        ),
        ("contact_rules: {refused: [asked not to be called]}", ""),
        ("contact_rules: {refused: [moved away]}", ""),
        (
            "contact_rules: {refused: [asked not to be caled]}",
            "contact_rules.refused: no row has 'asked not to be caled'.",
        ),
        ("organisation: {column: branch, units: {Kiel: null, Ulm: null, Bonn: null}}", ""),
        ("organisation: {column: branch, units: {Kiel: null, Ulm: null, Essen: null}}", ""),
        (
            "organisation: {column: branch, units: {Kiel: null, Ulm: null, Bonnn: null}}",
            "names the unit 'Bonnn', and the units lack 'Bonn'. Did you mean 'Bonn'?",
        ),
    ],
)
def test_names_that_the_data_do_not_hold_are_mistakes(tmp_path, more, said):
    stated, taken = checked(tmp_path, more)
    found = " ".join(references.mistakes(stated, taken))
    assert said in found if said else not found


def test_an_outcome_that_no_contact_has_yet_is_a_question(tmp_path):
    stated, taken = checked(tmp_path, "contact_rules: {refused: [moved away]}")
    [found] = business_rules.unseen_refusals(stated, taken)
    assert (found.column, found.rows, found.reason.rule) == ("outcome", 3, "no_refusal")
    assert found.reason.params["names"] == ["'moved away'"]
    assert found.reason.params["values"] == {"reached": 1, "asked not to be called": 1}


DESK_STUDY = """
title: Desk
tables:
  responses:
    files: answers.csv
    columns: {response_id: id, customer_id: customer, wave: wave, recommend: nps}
    keep: [branch]
  contacts:
    files: calls.csv
    columns: {contact_id: id, customer_id: customer, at: at, outcome: outcome}
items:
  recommend: {label: Recommendation, scale: [0, 10], role: nps}
"""


@pytest.fixture
def desk(folder):
    """A study whose contacts have no refusal so far, and one contact id twice."""
    rows = [f"r{k},c{k},2026-Q{1 + k % 3},{k % 11},{'Kiel' if k % 2 else 'Ulm'}" for k in range(60)]
    (folder / "answers.csv").write_text("\n".join(["id,customer,wave,nps,branch", *rows]))
    calls = [f"k{max(k, 1)},c{k},2026-09-{k + 1:02},reached" for k in range(20)]
    (folder / "calls.csv").write_text("\n".join(["id,customer,at,outcome", *calls]))

    def state(more: str) -> Path:
        (folder / "study.yaml").write_text(DESK_STUDY + more + "\n", encoding="utf-8")
        return folder

    return state


@pytest.mark.slow
def test_a_young_study_is_loaded_and_its_duplicate_contacts_are_told(desk):
    desk("contact_rules: {refused: [asked not to be called]}")
    said = str(reserve.load("new"))
    assert "contacts: 20 offered, 19 kept, 1 quarantined" in said and "k1" in said
    assert "question: contacts.outcome" in said and "contacts.outcome.no_refusal" in said
    desk(
        "contact_rules: {refused: [asked not to be called]}\naccept: [contacts.outcome.no_refusal]"
    )
    said = str(reserve.load("new"))
    assert "question:" not in said and "accepted in study.yaml" in said


@pytest.mark.slow
def test_a_wrong_wave_of_one_unit_is_refused_with_its_change_unit_and_wave(desk):
    desk(DESK % "{Kiel: 2026-Q2, Ulm: 2026-Q7}")
    assert reserve.check("new").exit_code == 2
    with pytest.raises(IntakeError, match=r"changes.desk.begun: .* '2026-Q7' \(of 'Ulm'\)"):
        reserve.load("new")
