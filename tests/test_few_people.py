"""Whoever reads all files of two runs learns nothing of many rows of few customers."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import test_batch
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from cxlib import cli
from cxlib.batch import ledger
from cxlib.data import study as study_
from cxlib.data.schema import Reporting
from cxlib.privacy import sketches
from cxlib.reserve.sketching import Sketching

STUDY = test_batch.STUDY.replace("[10, 30]", "[10]").replace(
    "{response_id: id, ", "{response_id: id, customer_id: who, plan: plan, "
)
PAGE = """\
import pandas as pd
from cxlib import report, reserve
from cxlib.core.result import Result
study = reserve.open(STUDY, lang=LANG)
sample = study.sample(wave=WAVE, where=WHERE)
rows = sample.data
whole = pd.DataFrame({"term": ["mean"], "estimate": [rows.satisfied.mean()], "n": [len(rows)]})
by = rows.groupby("channel")["satisfied"].agg(estimate="mean", n="size").reset_index()
by.insert(1, "term", "mean")
"""
KEPT = """\
report.add("whole", Result(sample.counted(whole), f"Mean {rows.satisfied.mean():.4f}."))
report.add("channels", Result(sample.counted(by), ""))
"""


def rows(customers: range, times: int, channel: str, plan: str = "basic") -> list[dict]:
    """Some answers of each customer, which no other rows have in the mean."""
    return [
        {
            "who": f"c{c}",
            "channel": channel,
            "plan": plan,
            "satisfied": (c * c + 3 * t + c // 7) % 10 + 1,
        }
        for c in customers
        for t in range(times)
    ]


FIRST = [
    *rows(range(30), 2, "web"),
    *rows(range(30, 60), 2, "shop"),
    *rows(range(60, 62), 8, "shop", "gold"),  # 16 answers of two customers
]


class Shop:
    """A study whose customers answer several times, and what its runs publish."""

    def __init__(self, root: Path) -> None:
        self.root, self.folder = root, root / "data" / "tiny"

    def write(self, answers: list[dict]) -> None:
        frame = pd.DataFrame(answers).assign(wave="w1")
        frame.insert(0, "id", [f"r{i}" for i in range(len(frame))])
        frame.to_csv(self.folder / "answers.csv", index=False)

    def run(self, name: str, answers: list[dict], where: str = "", *words: str) -> int:
        self.write(answers)
        given_ = [*words, *(["-p", f"WHERE={where}"] if where else [])]
        out = str(self.root / "reports" / "tiny" / name)
        done = CliRunner().invoke(cli.main, ["run", "tiny", "-o", out, *given_])
        assert done.exit_code in (0, 5), done.output
        self.said = done.output
        return done.exit_code

    def published(self) -> Iterator[dict[tuple[str, ...], tuple[float, int]]]:
        """The mean and n of each cell of each run, as its readers have them."""
        for file in sorted((self.root / "reports" / "tiny").glob("*/answers.json")):
            cells = {}
            for record in json.loads(file.read_text())["10_one"].values():
                for row in record["table"]["rows"]:
                    if row[-1] is not None:
                        cells[tuple(map(str, row[:-2]))] = row[-2], row[-1]
            yield cells

    def recovers(self, few: list[dict]) -> bool:
        """Whether two cells of any two runs, subtracted, give the sum of these answers."""
        truth, cells = sum(r["satisfied"] for r in few), [*self.published()]
        pairs = [(a, b) for one in cells for a in one.values() for c in cells for b in c.values()]
        return any(
            abs(m - n) == len(few) and abs(abs(x * m - y * n) - truth) < 1e-4
            for (x, m), (y, n) in pairs
        )


@pytest.fixture
def shop(tmp_path, monkeypatch) -> Shop:
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    (tmp_path / "data" / "tiny").mkdir(parents=True)
    (tmp_path / "notebooks").mkdir()
    test_batch.write(tmp_path / "notebooks", "10_one", PAGE, KEPT)
    (tmp_path / "data" / "tiny" / "study.yaml").write_text(STUDY, encoding="utf-8")
    return Shop(tmp_path)


ONE = rows(range(70, 71), 12, "shop")
GOLD = [r for r in FIRST if r["plan"] == "gold"]
MANY = rows(range(80, 95), 2, "web")
BOUGHT = "plan <> 'gold'"
PAIRS = {  # data and condition of two runs, the rows that one lacks, whether both are published
    "twelve rows of one customer come": ((FIRST, ""), (FIRST + ONE, ""), ONE, False),
    "twelve rows of one customer go": ((FIRST + ONE, ""), (FIRST, ""), ONE, False),
    "a condition lacks two customers": ((FIRST, ""), (FIRST, BOUGHT), GOLD, False),
    "and asks before": ((FIRST, BOUGHT), (FIRST, ""), GOLD, False),
    "conditions that cannot be read": (
        (FIRST, "length(plan) > 0"),
        (FIRST, "upper(plan) = 'BASIC'"),
        GOLD,
        False,
    ),
    "other conditions of other data": ((FIRST, ""), (FIRST + MANY, BOUGHT), GOLD, True),
    "a group grows by one": ((FIRST, ""), (FIRST + ONE + MANY, ""), ONE, True),
}


@pytest.mark.few(2)
@pytest.mark.slow
@pytest.mark.parametrize("kind", PAIRS)
def test_two_runs_give_no_rows_of_few_customers_away(shop, kind) -> None:
    (before, asked), (now, then), few, both = PAIRS[kind]
    assert shop.run("monday", before, asked) == 0
    assert shop.run("tuesday", now, then) == (0 if both else 5)
    assert not shop.recovers(few)
    if not both:
        assert "customers" in shop.said and "--forget monday" in shop.said
        forgotten = CliRunner().invoke(cli.main, ["prune", "tiny", "--forget", "monday"])
        assert forgotten.exit_code == 0 and shop.run("tuesday", now, then) == 0
    else:
        cells = [*shop.published()][1]
        assert ("mean",) in cells and ("shop", "mean") not in cells
        told = (shop.root / "reports" / "tiny" / "tuesday" / "run.json").read_text()
        assert "since an earlier run" in told


@pytest.mark.slow
def test_as_many_rows_of_enough_customers_are_published(shop) -> None:
    """The group of the twelve, and all."""
    assert shop.run("monday", FIRST) == 0
    assert shop.run("tuesday", FIRST + rows(range(70, 82), 1, "shop")) == 0
    assert ("shop", "mean") in [*shop.published()][1]


@pytest.mark.slow
def test_sums_of_conditions_that_leave_many_rows_of_few_customers(shop) -> None:
    """All, those not on the web and those not in the shop leave the 16 rows by telephone."""
    answers = [*FIRST[:120], *rows(range(60, 62), 8, "telephone")]
    assert shop.run("monday", answers, "channel <> 'web'") == 0
    assert shop.run("tuesday", answers, "channel <> 'shop'") == 0
    assert shop.run("wednesday", answers) == 5
    assert "a part by channel" in shop.said


@pytest.mark.slow
def test_pages_of_one_run_lack_many_rows_of_few_customers_of_each_other(shop) -> None:
    study = shop.folder / "study.yaml"
    test_batch.write(shop.root / "notebooks", "20_two", PAGE, KEPT)
    two = 'reports: {"10": {}, "20": {WHERE: "' + BOUGHT + '"}}'
    study.write_text(STUDY.replace("reports: [10]", two), encoding="utf-8")
    assert shop.run("monday", FIRST) == 0
    kept = json.loads((shop.root / "reports/tiny/monday/answers.json").read_text())
    assert [*kept["20_two"]] == ["left_out"] and "whole" in kept["10_one"]


@pytest.mark.slow
def test_what_is_kept_names_nobody_and_readers_have_none_of_it(shop) -> None:
    assert shop.run("monday", FIRST) == 0
    place = shop.folder / ledger.FOLDER
    secret = (place / ledger.KEY_FILE).read_text()
    assert (
        re.fullmatch("[0-9a-f]{64}", secret) and (place / ledger.KEY_FILE).stat().st_mode % 64 == 0
    )
    [entry] = place.glob("*.json.gz")
    text = gzip.decompress(entry.read_bytes()).decode()
    assert json.loads(text)["people"]["sets"] and secret not in text
    names = {str(v) for row in FIRST for v in row.values() if isinstance(v, str)}
    assert {"c1", "gold", "shop"} <= names  # marks are numbers to the base of 16, such as c00000
    assert not names & set(re.findall(r"\w+", text))
    files = [f for f in (shop.root / "reports").rglob("*") if f.is_file()]
    marks = [m for of in json.loads(text)["people"]["sets"] for m in of.values()]
    for content in (f.read_bytes() for f in files):
        assert secret.encode() not in content
        assert not any(mark.encode() in content for mark in marks)
    (place / ledger.KEY_FILE).unlink()  # nothing is compared with sketches of another key
    assert all(e["people"] == {} for e in ledger.entries({"study": "tiny", "pages": []}, {}))


@pytest.fixture(scope="module")
def sketching(tmp_path_factory):
    root = tmp_path_factory.mktemp("sketches")
    shop = Shop(root)
    shop.folder.mkdir(parents=True)
    (root / "notebooks").mkdir()
    (shop.folder / "study.yaml").write_text(STUDY, encoding="utf-8")
    shop.write([r for c in range(300) for r in rows(range(c, c + 1), c % 4 + 1, "web", f"p{c}")])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CX_ROOT", str(root))
        from cxlib import reserve

        reserve.load("tiny")
        with Sketching(study_.read("tiny"), "ab" * 32) as opened:
            yield opened


@pytest.mark.slow
def test_sketches_count_customers_whose_rows_differ(sketching) -> None:
    """Of k customers who are missing at most k places differ, and k but for those they share."""
    [(part, whole)] = sketching.of("responses", "", "").items()
    assert part == ("responses", "")
    missed = []
    for k in (1, 2, 5, 9, 60):
        for start in range(0, 240, 24):
            names = ", ".join(f"'p{c}'" for c in range(start, start + k))
            [less] = sketching.of("responses", "", f"plan not in ({names})").values()
            [few] = sketching.of("responses", "", f"plan in ({names})").values()
            differ = sketches.differ(whole, less)
            assert 0 < differ <= k and differ == np.count_nonzero(few)
            assert sketches.combined(np.array([1, -1, -1]), np.array([whole, less, few])) == 0
            assert sketches.combined(np.array([0.5, -0.5]), np.array([whole, less])) == differ
            missed += [k - differ] if k <= 9 else []
    assert np.mean(missed) < 0.15  # 9 * 8 / 2 / 256 for the largest of them


def test_groups_of_a_table_add_up_and_others_have_no_sketch(sketching) -> None:
    [whole] = sketching.of("responses", "", "").values()
    groups = sketching.of("responses", "", "", ["plan"])
    assert len(groups) == 300
    assert (sum(groups.values()).astype(np.uint32) == whole).all()
    assert sketching.of("responses", "", "", ["nothing"]) == {}
    assert sketching.of("responses", "", "nothing = 1") == {}
    assert sketching.of("responses", "w2", "") == {}
    with Sketching(sketching.study, "cd" * 32) as other:
        assert sketches.differ(whole, *other.of("responses", "", "").values()) > 200


def test_sketches_are_the_same_where_no_row_leaves_the_store(sketching) -> None:
    """The store makes the sums, so that `leave_rows: false` takes no comparison away."""
    stays = sketching.study.model_copy(update={"reporting": Reporting(leave_rows=False)})
    with Sketching(stays, sketching.secret) as closed:
        assert closed.tables == sketching.tables == ["responses"]
        for asked in (["responses", "", ""], ["responses", "", "plan <> 'p3'", ["plan"]]):
            of, same = sketching.of(*asked), closed.of(*asked)
            assert of and of.keys() == same.keys()
            assert all((of[part] == same[part]).all() for part in of)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 3)), max_size=60), st.data())
def test_places_that_differ_are_no_more_than_the_people(answers, data) -> None:
    """For any two sets of rows; none only where they are the same."""

    def sketch(some: set[tuple[int, int]]) -> np.ndarray:
        found = np.zeros(sketches.PLACES, np.uint32)
        for who, row in some:
            place = who * 7919 % sketches.PLACES
            found[place] = (int(found[place]) + hash((who, row, 5))) % 2**32
        return found

    one = set(answers)
    other = set(data.draw(st.lists(st.sampled_from(answers), unique=True))) if answers else set()
    places = sketches.differ(sketch(one), sketch(other))
    assert places <= len({who for who, _row in one ^ other})
    assert (places == 0) == (one == other)
    assert (sketches.read(sketches.written(sketch(one))) == sketch(one)).all()
