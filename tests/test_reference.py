"""The reference of study.yaml: complete, up to date, and true of the committed studies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from cxlib.cli import main
from cxlib.data import reference, study
from cxlib.data.study import Study, StudyError

ROOT = Path(__file__).parents[1]
MADE = {
    "docs/study-yaml.md": reference.markdown,
    "docs/study.schema.json": reference.json_schema,
}


def cx(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, words)
    return done.exit_code, done.output


@pytest.mark.parametrize("file", MADE)
def test_the_committed_reference_is_that_of_the_models(file):
    """Renew with `cx help study.yaml --markdown > docs/study-yaml.md`, `--schema > ...json`."""
    assert (ROOT / file).read_text(encoding="utf-8") == MADE[file](Study)


def test_every_key_has_a_meaning_and_an_example():
    lacking = [k.name for k in reference.keys(Study) if not k.meaning or not k.example]
    assert not lacking


def true(value: object) -> object:
    """Words as an editor's YAML 1.2 reads them."""
    if isinstance(value, dict):
        return {"null" if k is None else k: true(v) for k, v in value.items()}
    if isinstance(value, list):
        return [true(v) for v in value]
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


@pytest.mark.slow
@pytest.mark.parametrize("file", sorted((ROOT / "data").glob("*/study.yaml")), ids=str)
def test_editors_find_no_fault_in_committed_studies(file):
    validator = Draft202012Validator(json.loads(reference.json_schema(Study)))
    content = yaml.load(file.read_text(encoding="utf-8"), study._Plain)
    assert [e.message[:300] for e in validator.iter_errors(true(content))] == []


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("items.scale", "items.*.scale\n    list of 2: number, number; required"),
        ("items.delivery.scale", "Example: [1, 5]"),
        ("tables.orders.derive", "period(DATE, 'year'"),
        ("tables.files.join.by", "The key: a column that both"),
        ("smallest_cell", "reporting.smallest_cell\n    whole number; default: 10"),
        ("changes.design", "one of randomised, compared, staggered, alike, series"),
    ],
)
def test_help_tells_of_a_key_by_its_dotted_name(key, said):
    code, output = cx("help", "study.yaml", key)
    assert code == 0 and said in output


def test_help_lists_the_keys_at_the_top_and_the_commands():
    assert "margins: " in cx("help", "study.yaml")[1]
    assert "Usage: main load" in cx("help", "load")[1]
    assert "Commands:" in cx("help")[1]
    code, output = cx("help", "study.yaml", "itms.scale")
    assert code == 2 and "Did you mean 'items.scale'?" in output
    assert cx("help", "lod")[0] == 2


@pytest.mark.parametrize(
    ("place", "key", "said"),
    [
        ("items: {sat: {label: S, scale: [1, 5], rolle: csat}}", "rolle", "did you mean 'role'"),
        ("churn: {flagg: x}", "flagg", "did you mean 'flag'? Known here: flag, left, horizon"),
        ("tabels: {}", "tabels", "did you mean 'tables'? Known here: title, about"),
        ("journey: {colour: 1}", "colour", "not known. Known here: by, gap, goal, bad, window"),
    ],
)
def test_an_unknown_key_is_answered_with_those_known_there(tmp_path, place, key, said):
    file = tmp_path / "data" / "shop" / "study.yaml"
    file.parent.mkdir(parents=True)
    tables = "tables: {responses: {files: a.csv, columns: {response_id: id}}}"
    file.write_text(f"title: T\nsource: s\nlicence: l\n{tables}\n{place}\n", encoding="utf-8")
    with pytest.raises(StudyError) as error:
        study.read(file)
    assert key in str(error.value) and said in str(error.value)
