"""Groups crossed, and files of runs: what is planned, what is refused, what stays unknown."""

from __future__ import annotations

from itertools import product

import pytest
import test_batch
from click.testing import CliRunner
from hypothesis import given as drawn
from hypothesis import strategies as st
from test_batch import project  # noqa: F401  (a fixture)

from cxlib import batch, cli, reserve
from cxlib.batch import grid, groups
from cxlib.core import context
from cxlib.core.errors import InsufficientData

pytestmark = pytest.mark.usefixtures("project")


@pytest.mark.slow
def test_two_columns_are_crossed() -> None:
    pages = batch.plan(["tiny"], ["10"], {"WHERE": "satisfied > 0"}, by=["wave", "channel"])
    assert [p.name for p in pages] == [
        "10_works.wave-w1.channel-shop", "10_works.wave-w1.channel-web",
        "10_works.wave-w2.channel-shop", "10_works.wave-w2.channel-web",
    ]  # fmt: skip
    first = pages[0]
    assert first.values["WHERE"] == "(satisfied > 0) and \"wave\" = 'w1' and \"channel\" = 'shop'"
    assert first.set_name.count(":") == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("by", "says"),
    [
        (["wave", "chanel"], "channel"),
        (["wave", "wave"], "once"),
        (["wave", "response_id"], "10 customers"),
    ],
)
def test_columns_that_cannot_be_crossed_are_refused(by, says) -> None:
    with pytest.raises(ValueError, match=says):
        batch.plan(["tiny"], ["10"], by=by)


CELLS = st.lists(st.integers(0, 40), min_size=6, max_size=6)


@drawn(CELLS)
def test_no_few_people_are_left_over_of_a_row_column_or_all(cells) -> None:
    counts: dict[tuple[str, ...], int] = {
        k: n for k, n in zip(product("ab", "xyz"), cells, strict=True) if n
    }
    with context.use(context.Context(smallest_cell=10)):
        small = groups._too_few(counts)
    lines = [counts, *({k: n for k, n in counts.items() if k[at] == v}
                       for at, values in enumerate(("ab", "xyz")) for v in values)]  # fmt: skip
    for line in lines:
        hidden = sum(n for k, n in line.items() if k in small)
        assert not 0 < hidden < 10 or set(line) <= small
    assert all(n >= 10 for k, n in counts.items() if k not in small)


GRID = """
- studies: tiny
  notebooks: [10, 30]
- studies: [tiny]
  notebooks: [10]
  by: [wave, channel]
  parameters: {DRAWS: 50}
- {studies: tiny, notebooks: 20, by: channel}
"""


@pytest.mark.slow
def test_a_file_of_runs_is_planned_whole(tmp_path) -> None:
    file = tmp_path / "grid.yaml"
    file.write_text(GRID)
    pages = grid.plan(file, {"SEED": "7"})
    assert len(pages) == 2 + 4 + 2
    assert {p.values["DRAWS"] for p in pages if "wave-" in p.name} == {50}
    assert {p.values["SEED"] for p in pages} == {7}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- {studies: tiny, notebook: 10}", "entry 1, notebook: Extra.*notebooks"),
        ("- {notebooks: 10}", "entry 1, studies: Field required"),
        ("studies: tiny", "a list"),
        ("- {studies: tinny}", "entry 1: no study 'tinny'.*tiny"),
        ("- {studies: tiny, notebooks: 10, lang: fr}", "no language 'fr'.*en, zh"),
        ("- {studies: tiny, notebooks: 10}\n- {studies: tiny, notebooks: 10}", "two entries"),
        ("- [", "no YAML"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_entry(tmp_path, text, says) -> None:
    file = tmp_path / "grid.yaml"
    file.write_text(text)
    with pytest.raises(ValueError, match=says):
        grid.plan(file)


@pytest.mark.slow
def test_the_command_takes_several_columns_or_a_file(tmp_path) -> None:
    file = tmp_path / "grid.yaml"
    file.write_text(GRID)
    run = CliRunner().invoke
    said = run(cli.main, ["run", "--grid", str(file), "--why"])
    assert said.exit_code == 0 and said.output.count("\n") == 8
    words = ["run", "tiny", "10", "--by", "wave", "--by", "channel", "--why"]
    assert run(cli.main, words).output.count("channel-web") == 2
    refused = run(cli.main, ["run", "tiny", "--grid", str(file)])
    assert refused.exit_code == 2 and "leave them out" in refused.output
    gone = run(cli.main, ["run", "--grid", str(tmp_path / "none.yaml")])
    assert gone.exit_code == 2 and "cannot be read" in gone.output


def test_many_rows_of_few_customers_get_no_page_and_no_sample(tmp_path, monkeypatch) -> None:
    """16 answers of 6 customers of an island, and 20 of a branch by 20; customers have no table."""
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    folder = tmp_path / "data" / "isles"
    folder.mkdir(parents=True)
    about = test_batch.STUDY.replace("response_id: id,", "response_id: id, customer_id: who,")
    (folder / "study.yaml").write_text(about)
    rows = [f"i{i},c{i % 6},w1,island,{i % 10 + 1}" for i in range(16)]
    rows += [f"{c}{i},{c}{i},w1,{c},{i % 10 + 1}" for c in ("web", "shop") for i in range(20)]
    rows += [f"b{i},{i % 20},w1,branch,3" for i in range(40)]
    (folder / "answers.csv").write_text("\n".join(["id,who,wave,channel,satisfied", *rows, ""]))
    with reserve.open("isles") as store:
        found, left_out = groups.of(store, "responses", ["channel"], "10", "")
        assert "channel=island" in left_out and len(found) == 2
        with pytest.raises(InsufficientData, match="fewer than 10 customers"):
            store.sample(where="channel = 'island'")
        assert len(store.sample(where="channel = 'branch'")) == 40
