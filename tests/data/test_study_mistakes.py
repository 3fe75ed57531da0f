"""Mistakes in study.yaml and topics.yaml name their file and key, in plain words."""

from __future__ import annotations

import pytest

from cxlib.data import study

YAML = """
title: M
tables:
  comments: {files: c.csv, columns: {comment_id: id, text: text}}
"""
DESK = "changes: [{name: d, label: D, design: staggered, column: b, begun: %s}]"
LATE = "topics: {late: {label: Late, words: {en: [late]}%s}}"


@pytest.mark.parametrize(
    ("more", "topics", "said"),
    [
        (DESK % "null", "", "study.yaml has 1 mistake(s):\n  changes.0.begun: it must be text or"),
        (DESK % "{K: null, U: 2026-Q1}", "", "mistake(s):\n  changes.0.begun.K: it must be text,"),
        ("response_rate: 3", "", "response_rate: it must be less than or equal to 1 (found 3)"),
        ("response_rate: some", "", "response_rate: it must be number (found 'some')"),
        (DESK % "[a]", "", "mapping to text, and a list stands there"),
        (
            "",
            LATE % ", lable: x",
            "topics.yaml has 1 mistake(s):\n  topics.late.lable: this",
        ),
        ("", LATE % ", lable: x", "did you mean 'label'?"),
        (
            "",
            "topics: {late: {label: L, words: {en: l}}}",
            "words.en: it must be list of text",
        ),
        ("", LATE % "" + "\nfound: {x: lat}", "topics.yaml has 1 mistake(s):\n  found.x: 'lat' is"),
        ("", LATE % ", group: g" + "\ngroups: {h: H}", "topics.yaml has 1 mistake(s):\n  topics."),
        (
            LATE % ", group: g",
            "groups: {h: H}",
            "study.yaml has 1 mistake(s):\n  topics.late.",
        ),
        (
            "working_hours: {days: [Mon, mon], from: '09:00', to: '17:00'}",
            "",
            "working_hours.days: Mon stands there twice",
        ),
        (
            "working_hours: {from: '09:00', to: '17:00', holidays: [12-25, 12-25]}",
            "",
            "working_hours.holidays: 12-25 stands there twice",
        ),
    ],
)
def test_a_mistake_names_its_file_and_key(tmp_path, more, topics, said):
    (tmp_path / "study.yaml").write_text(YAML + more + "\n", encoding="utf-8")
    if topics:
        (tmp_path / "topics.yaml").write_text(topics, encoding="utf-8")
    with pytest.raises(study.StudyError) as raised:
        study.read(str(tmp_path / "study.yaml"))
    assert said in str(raised.value)
    assert "Input should be" not in str(raised.value) and "dict[" not in str(raised.value)


def test_a_response_rate_is_not_stated_where_invitations_are_on_file(tmp_path):
    table = "  invitations: {files: i.csv, columns: {invitation_id: id}}\n"
    (tmp_path / "study.yaml").write_text(YAML + table + "response_rate: 0.3\n", encoding="utf-8")
    with pytest.raises(study.StudyError, match="response_rate: the table invitations says"):
        study.read(str(tmp_path / "study.yaml"))
