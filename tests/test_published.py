"""Groups that were published are shown again when nobody or enough people have come to them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import test_batch
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from cxlib import cli, reserve
from cxlib.batch import ledger
from cxlib.core import context
from cxlib.data import study
from cxlib.privacy import disclosure, published

LEAST = 10


def counted(counts: dict[str, int], everybody: int) -> pd.DataFrame:
    rows = [[g, "speed", 7.0, n] for g, n in counts.items()]
    rows.append([disclosure.TOTAL, "speed", 7.0, everybody])
    return pd.DataFrame(rows, columns=["region", "term", "estimate", "n"])


def state(table: pd.DataFrame) -> dict[str, list[float]]:
    """What is noted of the table when it is published."""
    why = disclosure.hidden(table)
    rows = disclosure.blanked(table, why, n_too=True).astype(object)
    kept = {"columns": list(table), "rows": rows.where(rows.notna(), None).to_numpy().tolist()}
    record = {"found": {"name": "found", "unit": "", "table": kept, "tables": {}}}
    return published.state_of(ledger._renamed(ledger.counts(record), None).values())


def under(*states: dict[str, list[float]]):
    return context.use(context.Context(smallest_cell=LEAST, published=states))


BEFORE = {"east": 40, "north": 53, "west": 30, "south": 60}


@pytest.mark.parametrize(
    ("come", "hidden"),
    [
        ({}, set()),
        ({"east": 10, "north": 25}, set()),
        ({"east": 3, "north": 25}, {"east", "north"}),  # who knows all subtracts
        ({"east": 3, "north": 2, "west": 7}, {"east", "north", "west"}),
        ({"east": 3, "north": 4, "west": 30}, {"east", "north", "west"}),
        ({"east": 3, "north": 11, "west": 30}, {"east", "north"}),
        ({"east": -4, "north": 25}, {"east", "north"}),
        ({"centre": 14}, set()),  # new, and not compared with anything
        ({"centre": 4, "east": 14}, {"centre", "east"}),  # small, and what is left of all
    ],
)
def test_a_group_is_hidden_until_as_many_have_come_as_the_smallest_cell(come, hidden) -> None:
    before = counted(BEFORE, 183)
    now = {g: BEFORE.get(g, 0) + come.get(g, 0) for g in {**BEFORE, **come}}
    after = counted(now, sum(now.values()))
    with under():
        told = state(before)
    with under(told):
        why = disclosure.hidden(after)
    assert set(after["region"][why != ""]) == hidden
    grown = {g for g in hidden & BEFORE.keys() if 0 < abs(come[g]) < LEAST}
    assert set(after["region"][why == disclosure.GROWN]) >= grown
    assert all("10" in what["reason"] for what in disclosure.audit(after, why))


def test_a_hidden_group_keeps_neither_number_nor_count() -> None:
    with under(state(counted(BEFORE, 183))):
        after = counted(BEFORE | {"east": 43, "north": 80}, 213)
        why = disclosure.hidden(after)
        shown = disclosure.blanked(after, why)
        assert shown.loc[why != "", ["estimate", "n"]].isna().all(axis=None)
        assert disclosure.counts(after, why)[0] == "–"
        assert "east" not in set(disclosure.shown(after)["region"])


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(0, 14), min_size=4, max_size=4), min_size=1, max_size=6))
def test_whoever_subtracts_two_states_finds_nobody_or_a_crowd(growth: list[list[int]]) -> None:
    """Of each group, and of all that a table leaves out beside its total, whatever was hidden."""
    counts = np.array(list(BEFORE.values()))
    states, seen = [], []
    for come in [[0] * 4, *growth]:
        counts = counts + come
        table = counted(dict(zip(BEFORE, counts.tolist(), strict=True)), int(counts.sum()))
        with under(*states):
            shown = (disclosure.hidden(table) == "").to_numpy()
            if seen and any(0 < counts.sum() - n[:4].sum() < LEAST for n, _ in seen):
                counts = counts - come  # the run is stopped: everybody has grown by too few
                continue
            states.append(state(table))
        seen.append((table["n"].to_numpy(), shown))
    for place, (now, mine) in enumerate(seen):
        for before, theirs in seen[:place]:
            change, both = now - before, mine & theirs
            assert not (both & (change > 0) & (change < LEAST)).any()
            # All groups that stand in the earlier table, less those that stand in both.
            if theirs.all() and mine[4]:
                rest = change[4] - change[:4][mine[:4]].sum()
                assert rest == 0 or rest >= LEAST


@pytest.mark.slow
def test_a_study_that_grows_every_day_shows_each_group_again() -> None:
    """One a day in the slowest of four groups: it is shown on every tenth day."""
    states, days = [], []
    for day in range(41):
        now = {g: n + day * k for (g, n), k in zip(BEFORE.items(), (1, 2, 5, 20), strict=True)}
        table = counted(now, sum(now.values()))
        with under(*states[-ledger.WHOLE :]):
            shown = set(table["region"][disclosure.hidden(table) == ""])
            states.append(state(table))
        days += [day] if "east" in shown else []
    assert days == [0, 10, 20, 30, 40]


BY_CHANNEL = """
import pandas as pd
from cxlib import report, reserve
study = reserve.open(STUDY, lang=LANG)
rows = study["responses"]
by = rows.groupby("channel")["satisfied"].agg(["mean", "size"]).reset_index()
by.columns = ["channel", "estimate", "n"]
by.insert(1, "term", "satisfied")
report.add("channels", by)
"""


def test_a_notebook_in_a_kernel_knows_what_was_published(tmp_path, monkeypatch) -> None:
    """The process that makes a page names a file: a kernel does not have its context."""
    file = tmp_path / "published.json"
    file.write_text(json.dumps([{"a > b": [40]}]))
    monkeypatch.setenv(published.FILE, str(file))
    assert reserve.context_of(study.read("sample")).published == ({"a > b": [40]},)
    monkeypatch.delenv(published.FILE)
    assert reserve.context_of(study.read("sample")).published == ()


@pytest.mark.slow
def test_a_run_leaves_out_groups_to_which_few_have_come(tmp_path, monkeypatch) -> None:
    """Twelve answers more, of them three of a branch; with ten more of a branch it is shown."""
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    place, notebooks = tmp_path / "data" / "tiny", tmp_path / "notebooks"
    place.mkdir(parents=True)
    notebooks.mkdir()
    test_batch.write(notebooks, "10_one", BY_CHANNEL)
    (place / "study.yaml").write_text(test_batch.STUDY.replace("[10, 30]", "[10]"))

    def run(name: str, web: int, shop: int, branch: int, *how: str) -> dict[str, object]:
        channels = ["web"] * web + ["shop"] * shop + ["branch"] * branch
        rows = [f"{c}{i},w1,{c},{i % 10 + 1}" for i, c in enumerate(sorted(channels))]
        (place / "answers.csv").write_text("\n".join(["id,wave,channel,satisfied", *rows, ""]))
        folder = tmp_path / "reports" / "tiny" / name
        done = CliRunner().invoke(cli.main, ["run", "tiny", "-o", str(folder), *how])
        assert done.exit_code == 0, done.output
        [record] = json.loads((folder / "answers.json").read_text())["10_one"].values()
        return {row[0]: row[-1] for row in record["table"]["rows"]}

    assert run("monday", 40, 30, 20) == {"web": 40, "shop": 30, "branch": 20}
    assert run("tuesday", 49, 30, 23) == {"web": None, "shop": 30, "branch": None}
    assert run("looked", 49, 30, 23, "--internal") == {"web": 49, "shop": 30, "branch": 23}
    assert run("wednesday", 52, 30, 26) == {"web": None, "shop": 30, "branch": None}
    assert run("thursday", 60, 30, 31) == {"web": 60, "shop": 30, "branch": 31}
    tuesday = json.loads((tmp_path / "reports" / "tiny" / "tuesday" / "run.json").read_text())
    assert any("since an earlier run" in cell["reason"] for cell in tuesday["hidden"])
    assert "published" not in tuesday["pages"][0]["job"]["rules"]
