"""The attacker finds every seeded leak; a whole run with groups of four gives it nothing."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import disclosure_plant as plant
import numpy as np
import pytest
import test_batch
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from cxlib import cli
from cxlib.batch import cross_run, ledger, record
from cxlib.cli import errors
from cxlib.privacy import attack, combined, leaks, published
from cxlib.privacy.cross_page import Shown, exposures

ROOT = Path(__file__).parents[1]


@pytest.mark.thorough
def test_a_whole_run_with_planted_groups_is_published(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    plant.plant(tmp_path)
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    run = plant.run(tmp_path, tmp_path / "reports" / "sample" / "run")  # else it is withheld
    hidden = {h["cell"] for h in json.loads((run / "run.json").read_text("utf-8"))["hidden"]}
    assert any(plant.REGION in cell for cell in hidden)


# The attacker must be able to find something, or the test above says nothing.


def table(columns: str, *rows: list, why: str = "") -> dict:
    """A kept table; `why` says of each row of it, by a letter, if it is small or a complement.

    Rows without n are small unless it says so.
    """
    words = {"s": "small", "c": "complement"}
    n = columns.split().index("n")
    why = why or "".join("s" if row[n] is None else " " for row in rows)
    hidden = [{"row": i, "why": words[w]} for i, w in enumerate(why) if w in words]
    return {"columns": columns.split(), "rows": [list(row) for row in rows], "hidden": hidden}


def kept(columns: str, *rows: list, unit: str = "", why: str = "", **tables: dict) -> dict:
    about = {"name": "found", "answer": "", "note": "", "unit": unit, "tables": tables}
    return about | {"table": table(columns, *rows, why=why)}


def page(*records: dict, where: str = "", wave: str = "") -> Shown:
    return Shown({f"a{i}": r for i, r in enumerate(records)}, wave, where)


BY = "region term estimate n"
NOBODY = [None, None]
EAST, NORTH, ISLET = ["east", "speed", 7.0, 40], ["north", "speed", 6.0, 53], ["islet", "speed"]
ALL = kept("term estimate n", ["speed", 6.5, 97])
LEVELS = [["low", "on time", 0.6, 2616], ["high", "on time", 0.5, 1759]]
SEVERITY = [*LEVELS, ["worst", "on time", *NOBODY], ["other", "on time", *NOBODY]]
CASES = kept("term estimate n", ["on time", 0.55, 4580])
# 204 cases, of which one is over at each of the first points.
CURVE = [["other", "open", t, 1 - t / 204, 205 - t] for t in (1, 2, 3)]
OF_LEVELS = [["web", "severity", level, 0.3, n] for level, n in (("low", 2616), ("high", 1759))]
LEAKS = {
    "a total less the groups": [kept(BY, EAST, NORTH, [*ISLET, *NOBODY]), ALL],
    "groups of two tables": [
        kept(BY, NORTH, [*ISLET, *NOBODY], ["east", "speed", *NOBODY]),
        kept(BY, EAST, [*ISLET, *NOBODY], ["north", "speed", *NOBODY]),
        ALL,
    ],
    "shares that add up to one": [
        kept("term estimate n", ["a", 0.6, 60], ["b", 0.36, 36], ["c", *NOBODY], unit="share")
    ],
    "a complement that is just large enough": [
        kept(BY, [*ISLET, *NOBODY], ["north", "speed", *NOBODY], EAST, why="sc"),
        kept("term estimate n", ["speed", 6.5, 51]),
    ],
    "both ways of a crossing": [
        kept(
            "region wave term estimate n",
            *[[g, w, "speed", 6.0 if n else None, n] for g, w, n in (
                ("islet", "q1", None), ("islet", "q2", 30), ("north", "q1", 20), ("north", "q2", 25)
            )],
        ),
        kept(BY, ["islet", "speed", 6.0, 34], ["north", "speed", 6.0, 45]),
    ],
    "a verdict": [kept(f"{BY} verdict", EAST + [""], [*ISLET, *NOBODY, "missed"], why=" s")],
    "a curve that begins with its cases": [
        kept("severity term estimate n", *SEVERITY, why="  sc",
             curve=table("severity term time estimate n", *CURVE)),
        CASES,
    ],
    "answers of a group elsewhere": [
        kept(BY, EAST, [*ISLET, *NOBODY], ["north", "speed", *NOBODY], why=" sc"),
        kept("term estimate n", ["share", 0.5, 97], cells=table(
            "region term answer estimate n",
            *[[g, "speed", a, 0.3, n] for g, n in (("east", 40), ("north", 53)) for a in "abc"],
            *[["islet", "speed", a, *NOBODY] for a in "abc"],
        )),
        ALL,
    ],
    "levels on another page": [
        kept("severity term estimate n", *SEVERITY, why="  sc"),
        kept("by attribute term estimate n", *OF_LEVELS, ["web", "severity", "other", 0.3, 204]),
        CASES,
    ],
    "terms that are levels": [
        kept("severity term estimate n", *SEVERITY, why="  sc"),
        kept("term estimate n", ["low", 0.1, 2616], ["high", 0.1, 1759], ["other", 0.1, 204]),
        CASES,
    ],
    "leavers": [kept("term estimate leavers n", ["high", 0.6, 0.61, 60], ["low", *NOBODY, None])],
    "a rate": [
        kept("week term estimate n", ["W1", "rate", 2.0, 2000]),
        kept("week term estimate n", ["W1", "in time", *NOBODY]),
    ],
    "a sum that carries on": [
        kept(
            "wave term estimate n z up down",
            ["q1", "nps", 7.0, 90, 1, 0.5, 0],
            ["q2", "nps", None, None, None, None, None],
            ["q3", "nps", 7.0, 90, 1, 2.5, 0],
        )
    ],
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("kind", LEAKS)
def test_the_attacker_finds_what_is_given_away(kind: str) -> None:
    [found] = attack.recovered({"12_page": page(*LEAKS[kind])})
    assert found.cell and found.how and "smallest_cell" in str(found)


SENTENCES = ["NPS in 2029-Q1: 26.5 points, n 4.", "Lowest for Islet, 12%.", "islet | 4 | – | n 1"]


@pytest.mark.parametrize(("said", "given_away"), [
    *((s, True) for s in SENTENCES),
    ("Islet is hidden.", False),
    ("Lowest for East, 12%; Islet has too few.", False),
])  # fmt: skip
def test_the_attacker_reads_sentences_figures_and_rows(said: str, given_away: bool) -> None:
    wave = kept("wave term estimate n", ["2029-Q1", "nps", *NOBODY])
    pages = {"12_page": page(kept(BY, EAST, [*ISLET, *NOBODY]), wave)}
    assert bool(attack.recovered(pages, texts=[("12", said)])) == given_away


RESIDUALS = (
    "▲ and ▼: significantly above or below all others (adjusted residual beyond ±1.96, in a "
    "question that is significant)."
)


@pytest.mark.parametrize(
    ("said", "given_away"),
    [
        (RESIDUALS, False),
        (RESIDUALS.replace("±1.96", "±2.03"), True),  # not what it always says
        (f"All others have 12.5 and {RESIDUALS}", True),  # a number beside the fixed one
        ("All others: 1.96.", True),
    ],
)
def test_a_number_that_a_sentence_always_has_is_no_number_of_the_data(said, given_away) -> None:
    hidden = kept(BY, EAST, ["all others", "speed", *NOBODY])
    found = attack.recovered({"10_page": page(hidden)}, texts=[("10", said)])
    assert bool(found) == given_away


@pytest.mark.parametrize(
    ("shown", "said", "given_away"),
    [
        ("overdue as missed", "overdue as missed: 62%.", False),  # a longer name of another row
        ("overdue: 62% are late.", "overdue: 62% are late.", True),  # a sentence is no name
    ],
)
def test_a_hidden_name_within_a_longer_one_is_not_told_of(shown, said, given_away) -> None:
    hidden = kept("term estimate n", ["overdue", *NOBODY], why="s")
    other = kept("shows estimate n", [shown, 0.62, 90])
    found = attack.recovered({"24_page": page(hidden, other)}, texts=[("24", said)])
    assert bool(found) == given_away


def test_the_attacker_reads_what_a_notebook_shows() -> None:
    row = "<table><tr><th>0</th><td>Islet.</td>\n<td>4</td><td>–</td></tr></table>"
    outputs = [
        {"data": {"text/html": ["<p>By region</p>", row]}, "metadata": {"i": {"alt": "An alt."}}},
        {"data": {"image/svg+xml": "<svg><text>Drawn.</text></svg>"}, "text": "Told."},
    ]
    said = " ".join(leaks.texts_of({"cells": [{"outputs": outputs}]}))
    assert all(word in said for word in ("By region", "Islet. | 4", "An alt.", "Drawn.", "Told."))
    few = row.replace("<td>4", "<td>&lt;10")
    assert "Islet" not in " ".join(
        leaks.texts_of({"cells": [{"outputs": [{"data": {"text/html": few}}]}]})
    )


WITHIN = kept(BY, [*ISLET, *NOBODY], ["north", "speed", *NOBODY], EAST, why="sc")
BESIDE = {
    "a page with a condition": page(kept("term estimate n", ["speed", 6.5, 92]), where="vip = 1"),
    "pages of groups": page(kept("term estimate n", ["speed", 6.0, 53]), where="region = 'north'"),
}


@pytest.mark.parametrize("kind", BESIDE)
def test_the_attacker_reads_earlier_runs(kind: str) -> None:
    now = {"10": page(ALL, WITHIN)}
    assert attack.recovered(now) == []
    assert len(attack.recovered(now, {"monday/10": BESIDE[kind]})) == 1


def test_pages_of_other_tables_count_other_rows() -> None:
    few = page(kept("term estimate n", ["speed", 6.5, 92]), where="vip = 1")
    now, cases = {"10": replace(page(ALL), tables=frozenset({"responses"}))}, frozenset({"cases"})
    assert attack.recovered(now, {"monday/20": replace(few, tables=now["10"].tables)})
    assert attack.recovered(now, {"monday/24": replace(few, tables=cases)}) == []
    assert "20" in exposures(now | {"20": replace(few, tables=now["10"].tables)})
    assert exposures(now | {"24": replace(few, tables=cases)}) == {}
    assert cross_run.tables_needed("20_what_moves_satisfaction.wave-2026-Q2") == now["10"].tables
    assert cross_run.tables_needed("24_do_complaints_get_solved") == cases
    assert cross_run.tables_needed("a_page_of_mine") == frozenset()


@pytest.mark.parametrize(("others", "few"), [(398, False), (4, True)])
@pytest.mark.parametrize("asked", ["speed", "price"])
@pytest.mark.parametrize("rows", [{"wave": "Q1"}, {"where": "\"wave\" = 'Q1'"}], ids=str)
def test_what_a_page_says_of_its_latest_wave_is_no_sum_of_all(others, few, asked, rows) -> None:
    """Of 403 in Q1 and 398 in Q2 the one is no part of the other; 407 of Q1 and 4 of Q2 are."""
    latest = kept("term estimate n", ["speed", 6.5, 407])
    waves = kept("wave term estimate n", ["Q1", asked, 6.5, 403], ["Q2", asked, 6.0, others])
    of_q1 = {"10": page(kept("term estimate n", ["speed", 6.5, 403]), **rows)}
    assert bool(attack.recovered(of_q1, {"monday/10": page(latest, waves)})) == few
    pages = {"10": page(latest, waves), "10.Q1": of_q1["10"]}
    assert bool(exposures(pages).get("10.Q1")) == few


@pytest.mark.parametrize(("before", "few"), [(96, True), (97, False), (87, False)])
def test_an_earlier_run_of_a_few_rows_less_stops(before: int, few: bool) -> None:
    then = {"10": page(kept("term estimate n", ["speed", 6.5, before]))}
    assert bool(attack.grown({"10": page(ALL)}, then, "monday")) == few


STATES = {
    "few": [43, 53, 111],
    "enough": [50, 53, 107],
    "nobody": [40, 53, 97],
    "less": [36, 53, 107],
}


@pytest.mark.parametrize("kind", STATES)
def test_a_group_to_which_few_have_come_stops(kind: str) -> None:
    """Of a group, and of a question that some answered, where everybody has grown by enough."""

    def of(east: int, north: int, everybody: int, asked: int) -> dict[str, Shown]:
        groups = kept(BY, ["east", "speed", 7.0, east], ["north", "speed", 6.0, north])
        whole = kept("term estimate n", ["speed", 6.5, everybody], ["price", 6.5, asked])
        return {"10": page(groups, whole)}

    before, few = of(40, 53, 97, 60), kind in ("few", "less")
    found = attack.grown(of(*STATES[kind], 60), before, "monday")
    assert [leak.cell for leak in found] == ["region=east, term=speed"] * few
    assert "prune --forget monday" in found[0].cure if few else True
    [leak] = attack.grown(of(40, 53, 107, 62), before, "monday")
    assert leak.cell == "term=price"


REGIONS = {"A": {"North": 58, "South": 34, "West": 3}, "B": {"North": 62, "South": 40, "West": 3}}


def asked(where: str, *regions: str) -> Shown:
    """What a page says of some regions: by plan, and in all."""
    by = {plan: sum(n[r] for r in regions) for plan, n in REGIONS.items()}
    rows = [[plan, "speed", 6.5, n if n >= 10 else None] for plan, n in by.items()]
    return page(
        kept("plan term estimate n", *rows),
        kept("term estimate n", ["speed", 6.5, sum(by.values())]),
        where=where,
    )


EVERY = asked("", "North", "South", "West")
NOT_NORTH = asked("region <> 'North'", "South", "West")
NOT_SOUTH = asked("\"region\" != 'South'", "North", "West")
TOGETHER = {
    "three conditions": ([EVERY, NOT_NORTH], NOT_SOUTH),
    "the other order": ([NOT_SOUTH, NOT_NORTH], EVERY),
    "a value that was left out": ([asked("region = 'North'", "North"), EVERY],
                                  asked("region = 'South'", "South")),
    "a list": ([EVERY, asked("region in ('North')", "North")],
               asked("region IN ('South')", "South")),
    "an opposite": ([EVERY, asked("NOT (region = 'North')", "South", "West")],
                    asked("region not in ('South')", "North", "West")),
    "with another condition": (
        [replace(p, where=f"{p.where} and vip = 1".removeprefix(" and ")) for p in
         (EVERY, NOT_NORTH)],
        replace(NOT_SOUTH, where="(vip = 1) and region <> 'South'"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", TOGETHER)
def test_the_attacker_combines_the_conditions_of_all_runs(kind: str) -> None:
    """95 in plan A, 37 of them not in North and 61 not in South: 3 are in West."""
    before, now = TOGETHER[kind]
    earlier = {f"run{i}/10": shown for i, shown in enumerate(before)}
    found = list(combined.leaks({"10": now}, earlier))
    assert any("plan=A" in leak.cell and "region" in leak.cell for leak in found), found
    assert attack.recovered({"10": now}, earlier)
    for name in earlier:  # any two of them tell nothing
        some = {n: shown for n, shown in earlier.items() if n != name}
        assert list(combined.leaks({"10": now}, some)) == []


def by_wave(where: str, **n: int) -> Shown:
    rows = [[wave, "nps", 7.0, count] for wave, count in n.items()]
    return page(kept("wave term estimate n", *rows), where=where)


def test_conditions_are_combined_over_states_of_the_data_for_waves_as_they_were() -> None:
    """221 of the first wave in all, 140 and 77 of them in two plans: 4 are in a third."""
    monday = {"monday/10": by_wave("", Q1=221, Q2=427)}
    now = {
        "10.a": by_wave("plan = 'Basic'", Q1=140, Q2=150),
        "10.b": by_wave("plan = 'Plus'", Q1=77, Q2=80),
    }
    levels = {"plan": ({"Basic", "Plus", "Pro"}, False)}.get
    found = attack.recovered(now, {}, (), levels, monday)
    assert [leak.cell for leak in found] == ["a part by plan, wave=Q1, term=nps"]
    assert "prune --forget monday" in found[0].cure
    assert attack.recovered(now, {}, (), levels) == []
    tuesday = {"tuesday/10": by_wave("", Q1=260, Q2=440)}  # answers to the first wave have come
    assert attack.recovered(now, tuesday, (), levels, monday) == []
    whole = {"monday/10": page(kept("term estimate n", ["nps", 7.0, 221]))}
    parts = {
        name: page(kept("term estimate n", ["nps", 7.0, n]), where=now[name].where)
        for name, n in (("10.a", 140), ("10.b", 77))
    }
    assert attack.recovered(parts, {}, (), levels, whole) == []  # of all waves, which have changed


def test_conditions_tell_nothing_where_those_left_are_many_or_nobody() -> None:
    west = {
        "A": {"North": 58, "South": 34, "West": 30},
        "B": {"North": 62, "South": 40, "West": 30},
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(REGIONS, "A", west["A"])
        patch.setitem(REGIONS, "B", west["B"])
        earlier = {"a/10": asked("", "North", "South", "West"),
                   "b/10": asked("region <> 'North'", "South", "West")}  # fmt: skip
        now = {"10": asked("region <> 'South'", "North", "West")}
        assert list(combined.leaks(now, earlier)) == []
    earlier = {"a/10": EVERY, "b/10": asked("region = 'North'", "North")}
    now = {"10": asked("region = 'South'", "South")}
    assert list(combined.leaks(now, earlier))  # the six may be of another region
    assert list(combined.leaks(now, earlier, lambda _: ({"North", "South"}, True))) == []  # of none
    told = {"a/10": EVERY, "b/10": NOT_NORTH, "c/10": NOT_SOUTH}
    assert list(combined.leaks({"10": NOT_SOUTH}, told)) == []  # it is known already


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("age between 20 and 30", "not age < 20 and age <= 30", True),
        ("region = '#" + published.digest("North") + "'", "region in ('North')", True),
        ("a = 1.0", "A = 1", True),
        ("lower(a) = 'x' or b = 2", "b = 2 or lower(a) = 'x'", False),
        ("a is not null", "not a is null", True),
        ("a is null", "not a is null", False),
    ],
)
def test_conditions_that_ask_for_the_same_are_read_alike(one, other, same) -> None:
    assert (combined.parts_of(one) == combined.parts_of(other)) is same


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 25), min_size=4, max_size=4), st.data())
def test_the_attacker_finds_every_region_that_sums_of_conditions_give(n, data) -> None:
    """Against the rank of the counts: a region is told where it adds nothing to them."""
    names = "abcd"
    subsets = data.draw(
        st.lists(st.sets(st.sampled_from(names), min_size=1), min_size=2, max_size=4)
    )
    pages = {}
    for i, some in enumerate(subsets):
        values = ", ".join(f"'{v}'" for v in sorted(some))
        count = sum(n[names.index(v)] for v in some)
        shown = page(kept("term estimate n", ["speed", 6.5, count]), where=f"r in ({values})")
        pages[f"run{i}/10"] = shown
    now = {"10": pages.pop(f"run{len(subsets) - 1}/10")}
    rows = np.array([[v in some for v in names] for some in subsets], float)
    units = [k for k in range(4) if 0 < n[k] < 10]
    told = [
        k
        for k in units
        if np.linalg.matrix_rank(np.vstack([rows, np.eye(4)[k]])) == np.linalg.matrix_rank(rows)
        and np.linalg.matrix_rank(np.vstack([rows[:-1], np.eye(4)[k]]))
        > np.linalg.matrix_rank(rows[:-1])
    ]
    found = list(combined.leaks(now, pages, lambda _: (set(names), False)))
    assert bool(found) or not told


def test_the_attacker_finds_nothing_where_nothing_is_given_away() -> None:
    assert attack.recovered({"10": page(ALL, WITHIN)}) == []
    both = kept(BY, EAST, *[[g, "speed", *NOBODY] for g in ("north", "islet")], why=" cs")
    assert attack.recovered({"10": page(both, ALL)}) == []
    topics = kept(
        "term estimate n", ["staff", 0.2, 20], ["room", 0.1, 10], ["bar", *NOBODY], unit="share"
    )
    assert attack.recovered({"10": page(topics)}) == []  # comments are about several, or none
    others = kept("term estimate n", ["speed", 80.0, 97])  # an effect of the same name
    assert attack.recovered({"10": page(kept(BY, EAST, NORTH, [*ISLET, *NOBODY]), others)}) == []


def test_a_run_that_gives_a_group_away_is_not_published(tmp_path) -> None:
    folder = tmp_path / "tuesday"
    about = {"page": "10", "lang": "en", "parameters": {}, "job": {"rules": {"lang": "en"}}}
    run = {"study": "s", "data": {"responses": "f"}, "pages": [about]}
    answers = {"10": page(*LEAKS["a total less the groups"]).answers}
    folder.mkdir()
    (folder / "10.html").write_text("<p>7.0")
    (folder / "10.ipynb").write_text('{"cells": []}')
    (folder / "10.call_list.csv").write_text("customer_id")
    error = record._withheld(folder, run, answers)
    assert "region=islet" in str(error) and "recode" in str(error) and errors.code_of(error) == 5
    assert list(folder.iterdir()) == []
    assert record._withheld(folder, run, {"10": page(ALL).answers}) is None


def test_earlier_runs_are_those_of_the_study_in_the_same_folder(tmp_path) -> None:
    about = {"page": "10", "lang": "en", "parameters": {}, "job": {"rules": {"lang": "en"}}}
    monday = about | {"parameters": {"WHERE": "region = 'north'"}}
    run = {"study": "s", "data": {"responses": "f"}, "lang": "en", "pages": [about]}
    north = {"10": BESIDE["pages of groups"].answers}
    for name, answers in (("monday", json.dumps(north)), ("broken", "")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(json.dumps(run | {"pages": [monday]}))
        (tmp_path / name / "answers.json").write_text(answers)
    (tmp_path / "broken" / "run.json").write_text("f" * 64)
    mine = {"10": page(ALL, WITHIN).answers}
    [leak] = cross_run.leaks_of(tmp_path / "tuesday", run, mine)
    assert leak.cell == "region=islet" and "monday/10" in leak.how
    assert cross_run.leaks_of(tmp_path / "monday", run, mine) == []  # itself is not beside itself
    other = run | {"data": {"responses": "e"}}
    assert cross_run.leaks_of(tmp_path / "tuesday", other, mine) == []


def test_each_earlier_state_of_the_data_is_compared(tmp_path) -> None:
    """A run of many rows less in between does not hide that Monday's had few less."""
    about = {"page": "10", "lang": "en", "parameters": {}, "job": {"rules": {"lang": "en"}}}
    run = {"study": "s", "data": {"responses": "now"}, "lang": "en", "pages": [about]}

    def earlier(name: str, begun: str, n: int) -> None:
        (tmp_path / name).mkdir()
        record = run | {"data": {"responses": name}, "begun": begun}
        (tmp_path / name / "run.json").write_text(json.dumps(record))
        table = kept("term estimate n", ["speed", 6.5, n])
        (tmp_path / name / "answers.json").write_text(json.dumps({"10": page(table).answers}))

    mine = {"10": page(ALL).answers}
    earlier("monday", "2026-01-05", 40)
    assert cross_run.leaks_of(tmp_path / "now", run, mine) == []
    earlier("sunday", "2026-01-04", 96)  # older than Monday's, and one row less than now
    [leak] = cross_run.leaks_of(tmp_path / "now", run, mine)
    assert "subtract run sunday" in leak.how


@pytest.mark.slow
def test_an_internal_run_is_made_marked_and_counts_for_no_other(tmp_path, monkeypatch) -> None:
    """What is not published is not attacked, and tells readers of published runs nothing."""
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    study, notebooks = tmp_path / "data" / "tiny", tmp_path / "notebooks"
    study.mkdir(parents=True)
    notebooks.mkdir()
    test_batch.write(notebooks, "10_one", test_batch.ANSWER, test_batch.MORE)
    (study / "study.yaml").write_text(test_batch.STUDY.replace("[10, 30]", "[10]"))
    rows = [f"r{i},w{i % 2},{'web' if i % 3 else 'shop'},{i % 10 + 1}" for i in range(60)]
    made = {}
    for name, more, how in (
        ("first", [], []),
        ("second", ["r60,w1,web,3"], []),
        ("looked", ["r60,w1,web,3"], ["--internal"]),
        ("third", ["r60,w1,web,3", *(f"r{i},w1,web,5" for i in range(61, 80))], []),
        ("fourth", ["r60,w1,web,3", *(f"r{i},w1,web,5" for i in range(61, 80))], []),
    ):
        (study / "answers.csv").write_text("\n".join(["id,wave,channel,satisfied", *rows, *more]))
        words = ["run", "tiny", "-o", str(tmp_path / "reports" / "tiny" / name), *how]
        made[name] = CliRunner().invoke(cli.main, words)
    codes = {name: done.exit_code for name, done in made.items()}
    assert codes == {"first": 0, "second": 5, "looked": 0, "third": 0, "fourth": 0}, made
    folders = tmp_path / "reports" / "tiny"
    says = "Internal: not to be published"
    assert not (folders / "second").exists()
    assert all(says in (folders / "looked" / p).read_text() for p in ("10_one.html", "index.html"))
    assert says not in (folders / "third" / "10_one.html").read_text()
    assert "looked/" not in (tmp_path / "reports" / "index.html").read_text()
    for words in (["diff", "first", "looked"], ["export", "looked", "--xlsx"]):
        told = CliRunner().invoke(cli.main, [str(folders / w) if w in made else w for w in words])
        assert told.exit_code == 2 and "internal run" in told.output, told.output


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A study of 30 customers in the web shop and 6 in the branch, and how to run its page."""
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    study, notebooks = tmp_path / "data" / "tiny", tmp_path / "notebooks"
    study.mkdir(parents=True)
    notebooks.mkdir()
    mean = "{'term': ['mean'], 'estimate': [rows.satisfied.mean()], 'n': [len(rows)]}"
    test_batch.write(
        notebooks, "10_one", test_batch.ANSWER + f"table = pd.DataFrame({mean})", test_batch.MORE
    )
    (study / "study.yaml").write_text(test_batch.STUDY.replace("[10, 30]", "[10]"))
    rows = [f"r{i},w1,{'branch' if i < 6 else 'web'},{i % 10 + 1}" for i in range(36)]

    def run(name: str, *words: str, more: int = 0, others: Sequence[str] = ()):
        all_rows = [*rows, *others, *(f"s{i},w1,web,3" for i in range(more))]
        (study / "answers.csv").write_text("\n".join(["id,wave,channel,satisfied", *all_rows, ""]))
        folder = tmp_path / "reports" / "tiny" / name
        return CliRunner().invoke(cli.main, ["run", "tiny", "-o", str(folder), *words])

    return run


@pytest.mark.slow
def test_three_runs_that_give_a_third_channel_away_are_not_all_published(tiny) -> None:
    """40 not in the shop and 26 not on the web, of 60, are 6 in the branch."""
    rows = [f"t{i},w1,shop,{i % 10 + 1}" for i in range(20)]  # beside 6 of branch and 30 of web

    def asked(name: str, where: str):
        return tiny(name, *(["-p", f"WHERE={where}"] if where else []), others=rows)

    assert asked("monday", "").exit_code == 0
    assert asked("tuesday", "channel <> 'web'").exit_code == 0
    stopped = asked("wednesday", "channel <> 'shop'")
    assert stopped.exit_code == 5 and "a part by channel" in stopped.output, stopped.output
    assert asked("thursday", "channel <> 'branch'").exit_code == 5  # all less these are the six
    forget = CliRunner().invoke(cli.main, ["prune", "tiny", "--forget", "tuesday"])
    assert forget.exit_code == 0 and asked("wednesday", "channel <> 'shop'").exit_code == 0


WEB = ["-p", "WHERE=channel = 'web'"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "more"), [(WEB, 0), ([], 4)], ids=["a complementary filter", "four rows more"]
)
def test_a_deleted_run_is_still_compared(tiny, tmp_path, words, more) -> None:
    """36 customers less the 30 of the web shop are 6; 40 less the 36 of before are 4."""
    assert tiny("monday").exit_code == 0
    shutil.rmtree(tmp_path / "reports")
    stopped = tiny("tuesday", *words, more=more)
    assert stopped.exit_code == 5 and "--forget monday" in stopped.output, stopped.output
    assert not (tmp_path / "reports" / "tiny" / "tuesday" / "10_one.html").exists()
    told = CliRunner().invoke(cli.main, ["prune", "tiny", "--forget", "monday"])
    assert told.exit_code == 0 and "removed monday of tiny" in told.output
    assert tiny("tuesday", *words, more=more).exit_code == 0
    again = CliRunner().invoke(cli.main, ["prune", "--forget", "monday"])
    assert again.exit_code == 2 and "no run 'monday' is known" in again.output


@pytest.mark.slow
def test_a_run_that_is_made_again_in_its_folder_is_compared_with_what_it_was(tiny) -> None:
    assert [tiny("mine").exit_code, tiny("mine").exit_code] == [0, 0]
    assert tiny("mine", more=3).exit_code == 5
    assert tiny("mine", more=12).exit_code == 0


def about(**parameters: str) -> dict:
    rules = {"lang": "en", "smallest_cell": 10}
    page = {"page": "10", "lang": "en", "parameters": parameters, "job": {"rules": rules}}
    return {"study": "s", "data": {"responses": "f"}, "lang": "en", "begun": "1", "pages": [page]}


@pytest.fixture
def published(tmp_path, monkeypatch):
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    (tmp_path / "data" / "s").mkdir(parents=True)
    return tmp_path / "data" / "s" / ledger.FOLDER


def test_the_ledger_gives_back_names_that_the_run_at_hand_has(published, tmp_path) -> None:
    """Nothing of the names of groups, hidden or not, can be read in the file."""
    run = about(WHERE="region = 'O''Neill' and age > 47", WAVE="2026")
    answers = {"10": page(kept(BY, EAST, NORTH, [*ISLET, *NOBODY])).answers}
    ledger.keep(tmp_path / "reports" / "s" / "monday", run, answers)
    [file] = published.iterdir()
    text = gzip.decompress(file.read_bytes()).decode()
    assert not any(name in text for name in ("east", "islet", "speed", "Neill", "> 47"))
    reduced = {"10": ledger.counts(answers["10"])}
    [entry] = ledger.entries(run, reduced)
    assert entry["answers"] == reduced and entry["runs"] == ["monday"]
    assert entry["pages"][0]["rows"] == ["2026", "region = 'O''Neill' and age > 47"]
    [other] = ledger.entries(about(), {"10": ledger.counts(page(ALL).answers)})
    [first, *_] = other["answers"]["10"]["a0"]["table"]["rows"]
    assert first[1:] == ["speed", 7.0, 40] and first[0] != "east"


@pytest.mark.slow
def test_the_ledger_of_many_states_of_the_data_stays_small(published, tmp_path) -> None:
    answers = {
        "10": page(ALL, kept(BY, *[[f"r{i}", "speed", 7.0, 40] for i in range(200)])).answers
    }
    for day in range(ledger.WHOLE + 3):
        run = about() | {"data": {"responses": f"f{day:02}"}, "begun": f"{day:02}"}
        for name in ("monday", "again"):  # the same data and pages: one entry
            ledger.keep(tmp_path / f"{name}{day}", run, answers)
    sizes = [f.stat().st_size for f in published.iterdir()]
    assert len(sizes) == ledger.WHOLE + 3 and sum(size < 500 for size in sizes) == 3
    whole = {e["begun"]: e["answers"]["10"] for e in ledger.entries(about(), {})}
    assert list(whole["00"]) == ["a0"] and len(whole["14"]) == 2
    assert whole["00"]["a0"]["table"]["rows"][0][1:] == [6.5, 97]


def test_what_is_public_or_elsewhere_or_cannot_be_noted(published, tmp_path, capsys) -> None:
    answers, run = {"10": page(ALL).answers}, about()
    ledger.keep(tmp_path.parent / "elsewhere", run, answers)
    open_data = about()
    open_data["pages"][0]["job"]["rules"]["smallest_cell"] = 0
    ledger.keep(tmp_path / "public", open_data, answers)
    assert not published.exists()
    published.write_text("no folder")
    ledger.keep(tmp_path / "monday", run, answers)
    assert "Keep the folder" in capsys.readouterr().err
    published.unlink()
    published.mkdir()
    (published / "torn.json.gz").write_bytes(b"\x1f\x8b")
    assert list(ledger.entries(run, {})) == [] and not ledger.forget("s", "monday")


def test_a_run_on_an_engine_says_that_customers_are_not_counted(monkeypatch, capsys) -> None:
    page = SimpleNamespace(rules={"lang": "en", "smallest_cell": 10})
    for on_engine in (False, True):
        monkeypatch.setattr(record, "_study_of", lambda _: SimpleNamespace(on_engine=on_engine))  # noqa: B023 - called at once
        record._say_if_on_engine([SimpleNamespace(page=page)], Path("monday"))
        assert ("by rows, not by customers" in capsys.readouterr().err) is on_engine
