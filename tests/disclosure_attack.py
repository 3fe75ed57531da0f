"""A planted small group, and an attacker who tries to work out its numbers from a whole run."""

from __future__ import annotations

import html
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
REGION, WAVE, CATEGORY, REASON = "islet", "2026-Q4", "minibar", "illness"
FEW = 4  # customers, answers, cases, leavers
HTML = "text/html"


def plant(root: Path) -> Path:
    """A copy of the sample, as `root`/data/sample, with groups of four; its folder."""
    folder = root / "data" / "sample"
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("*.duckdb*"))
    tables = {
        n: pd.read_csv(folder / f"{n}.csv.gz", dtype=str, keep_default_na=False)
        for n in ("customers", "responses", "cases")
    }
    customers, responses, cases = tables.values()
    few = _four(customers, responses, cases)
    for table in (customers, responses):
        table.loc[table["customer_id"].isin(few), "region"] = REGION
    others = ~responses["customer_id"].isin(few)
    last = responses[others & (responses["wave"] == responses["wave"].max())].tail(FEW).index
    responses.loc[last, "wave"] = WAVE
    of_category = cases[~cases["customer_id"].isin(few)].index[::97][:FEW]
    cases.loc[of_category, "category"] = CATEGORY
    leavers = customers[(customers["left_because"] != "") & ~customers["customer_id"].isin(few)]
    customers.loc[leavers.index[::50][:FEW], "left_because"] = REASON
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv.gz", index=False)
    study = folder / "study.yaml"
    about = yaml.safe_load(study.read_text(encoding="utf-8"))
    del about["margins"]  # nobody knows how many live on the islet
    study.write_text(yaml.safe_dump(about, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return folder


def _four(customers: pd.DataFrame, responses: pd.DataFrame, cases: pd.DataFrame) -> list[str]:
    """Customers of one region with some answers and cases, fewer than ten of each together."""
    answers = responses["customer_id"].value_counts()
    opened = cases["customer_id"].value_counts()
    able = customers[
        customers["customer_id"].map(answers).between(1, 2)
        & (customers["customer_id"].map(opened) == 1)
    ]
    return able["customer_id"].head(FEW).tolist()


def run(root: Path, out: Path, few_draws: int = 100) -> Path:
    """All notebooks of the planted study in one run, loaded first; the folder of the run."""
    import io

    from click.testing import CliRunner

    from cxlib import batch
    from cxlib.batch.progress import Progress
    from cxlib.cli import main
    from cxlib.core import parameters

    notebooks = sorted((root / "notebooks").glob("[0-9]*.ipynb"))
    loaded = CliRunner().invoke(main, ["load", "sample"])
    assert loaded.exit_code == 0, loaded.output
    wanted = {"DRAWS": few_draws, "STABILITY": 10, "REPEATS": 1}
    pages = []
    for notebook in notebooks:
        known = parameters.read(notebook)
        values = {k: v for k, v in wanted.items() if k in known}
        pages += batch.plan(["sample"], [notebook.stem], values)
    results = batch.run(pages, out=out, progress=Progress(len(pages), io.StringIO()), keep=False)
    assert {r.status for r in results} == {"ok"}, [r.mistake for r in results if r.mistake]
    return out


def recovered(folder: Path, least: int = 10) -> list[str]:
    """What a reader of the whole run can work out of groups under `least`, a line a finding."""
    answers = json.loads((folder / "answers.json").read_text(encoding="utf-8"))
    tables = list(_tables(answers))
    return sorted(
        {
            *_printed(folder, answers),
            *(
                f"{place}: {found}"
                for place, table in tables
                for found in _complements(table, least)
            ),
            *(f"{place}: {found}" for place, table in tables for found in _traced(table)),
            *_rates(tables, least),
            *_subtracted(tables, least),
        }
    )


def _tables(answers: dict) -> Iterator[tuple[str, pd.DataFrame]]:
    for page, kept in answers.items():
        for record in kept.values():
            for name, table in [(record["name"], record["table"]), *record["tables"].items()]:
                frame = pd.DataFrame(table["rows"], columns=table["columns"])
                yield f"{page[:2]} {record['name']}.{name}", frame


def _texts(folder: Path, answers: dict) -> Iterator[tuple[str, str]]:
    """Every sentence: of answers, notes, cells' text, HTML, rows of tables, words of figures."""
    for page, kept in answers.items():
        for record in kept.values():
            yield f"{page[:2]} {record['name']}", f"{record['answer']} {record['note']}"
    for file in folder.rglob("*.ipynb"):
        for cell in json.loads(file.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                data = output.get("data", {})
                page = "".join(data.get(HTML, ""))
                blocks = re.sub(r"(?s)<table.*?</table>|</(?:p|li|h\d|div|summary)>", "\n", page)
                shown = re.sub(r"<[^>]*>", " ", blocks)
                held = [output.get("text", ""), data.get("text/plain", ""), html.unescape(shown)]
                alt = [
                    about.get("alt", "")
                    for about in output.get("metadata", {}).values()
                    if isinstance(about, dict)
                ]
                yield file.stem[:2] + " cell", "".join(map("".join, held))
                yield file.stem[:2] + " figure", " ".join(alt)
                yield from ((file.stem[:2] + " row", row) for row in _rows(page))
    for file in folder.rglob("*.html"):
        text = re.sub(r"(?s)<(style|script|svg|table)\b.*?</\1>", " ", file.read_text("utf-8"))
        for block in re.split(r"</(?:p|li|h\d|figcaption|div|td|summary)>", text):
            words = (
                " ".join(re.findall(r'alt="([^"]*)"', block)) + " " + re.sub("<[^>]*>", "", block)
            )
            yield file.stem[:2] + " html", html.unescape(words)


def _rows(page: str) -> Iterator[str]:
    """Each row of the tables as one sentence, without its index and the sign of a hidden number."""
    for row in re.findall(r"(?s)<tr\b.*?</tr>", page):
        words = html.unescape(re.sub(r"<th>\d+</th>|<[^>]*>", " ", row))
        words = re.sub(r"<10|\bafter \d+ (days|years?)\b", "", words)  # of all rows alike
        yield re.sub(r"[.;]?\s+", " ", words)


def _printed(folder: Path, answers: dict) -> Iterator[str]:
    """Exact printing: a sentence that names a planted group beside a number."""
    name = re.compile(rf"\b({REGION}|{WAVE}|{CATEGORY})\b", re.I)
    number = re.compile(r"(?<![\w-])[−-]?\d[\d,.]*%?(?![\w+-])")  # not "18-29" or "60+"
    for place, text in _texts(folder, answers):
        for sentence in re.split(r"(?<=[.;])\s+|\n", text):
            if "hidden in reports" in sentence:
                continue  # the check of the files says which groups the rule will hide
            if name.search(sentence) and number.search(sentence):
                yield f"{place} prints: {' '.join(sentence.split())[:200]}"


def _groups_of(table: pd.DataFrame) -> list[str]:
    return list(table.columns[: table.columns.get_loc("term")]) if "term" in table else []


def _complements(table: pd.DataFrame, least: int) -> Iterator[str]:
    """Shares that add to one: what the shown rows leave is the one hidden row's."""
    if not {"n", "estimate"} <= set(table) or len(table) < 2:
        return
    by = _groups_of(table)
    for name, rows in table.groupby(by, dropna=False) if by else [("", table)]:
        n = pd.to_numeric(rows["n"])
        if n.isna().sum() != 1:
            continue
        for column in rows.select_dtypes("float").columns.difference(["n", "low", "high"]):
            shares = rows[column].astype(float)
            ratio = (n / shares).dropna()
            left = 1 - shares.sum()
            if len(ratio) < 2 or np.ptp(ratio) > 1e-3 * ratio.mean():
                continue  # not of one whole
            if 0.5 < left * ratio.mean() < least - 0.5:
                yield f"{name} {column} leaves {left * ratio.mean():.2f}"
        if "leavers" in rows and 0 < 1 - rows["leavers"].astype(float).sum() < 1:
            yield f"{name} leavers leave {1 - rows['leavers'].astype(float).sum():.4f}"


def _traced(table: pd.DataFrame) -> Iterator[str]:
    """A cumulative sum that carries on from a hidden wave gives its deviation."""
    if not {"up", "down", "z"} <= set(table):
        return
    by = [c for c in ("term", *_groups_of(table)[:-1]) if c in table]
    for name, rows in table.groupby(by):
        z, n = (pd.to_numeric(rows[c]).to_numpy(float) for c in ("z", "n"))
        for side in ("up", "down"):
            sums = pd.to_numeric(rows[side]).to_numpy()
            for t in range(1, len(rows) - 1):
                if np.isnan(n[t]) and sums[t - 1] >= 0 and sums[t + 1] > 0 and z[t + 1] == z[t + 1]:
                    yield f"{name} {side} gives the wave in row {t}"


def _rates(tables: list[tuple[str, pd.DataFrame]], least: int) -> Iterator[str]:
    """A rate in one table gives the count that another hides."""
    hidden = {}
    for place, table in tables:
        for row in table.to_dict("records"):
            for column in _groups_of(table)[:1] if "n" in table else []:
                if row["n"] is None or row["n"] != row["n"]:
                    hidden.setdefault((column, row[column]), place)
    for place, table in tables:
        for row in table.to_dict("records") if {"n", "estimate"} <= set(table) else []:
            for column in _groups_of(table)[:1]:
                if (column, row[column]) not in hidden or not row["n"] or not row["estimate"]:
                    continue
                count = row["n"] * row["estimate"] / 1000
                if 0.5 < count < least - 0.5 and abs(count - round(count)) < 1e-4:
                    where = hidden[column, row[column]]
                    yield f"{place}: {column}={row[column]} counts {count:.0f}, hidden in {where}"


def _subtracted(tables: list[tuple[str, pd.DataFrame]], least: int) -> Iterator[str]:
    """A total less all groups that some table of the run shows, if it may be theirs.

    Rows of one term are of several times or windows where it comes more than once, and no total; a
    total of other numbers lies outside those of the groups.
    """
    shown: dict[tuple, dict[str, set]] = {}
    totals: dict[tuple, set] = {}
    for _, table in tables:
        if not {"n", "term", "estimate"} <= set(table):
            continue
        by = _groups_of(table)
        if len(by) > 1 or table.duplicated([*by, "term"]).any():
            continue
        for row in table.dropna(subset=["n", "estimate"]).to_dict("records"):
            key, cell = (row["term"],), (row["n"], row["estimate"])
            if not by or row[by[0]] == "overall":
                totals.setdefault(key, set()).add(cell)
            else:
                shown.setdefault((*key, by[0]), {}).setdefault(row[by[0]], set()).add(cell)
    for (*key, column), groups in shown.items():
        cells = [cell for found in groups.values() for cell in found]
        if len(cells) > len(groups):
            continue  # not of the same rows
        low, high = min(e for _, e in cells), max(e for _, e in cells)
        for total, estimate in totals.get(tuple(key), ()):
            rest = total - sum(n for n, _ in cells)
            if 0 < rest < least and low <= estimate <= high:
                yield f"{total:g} of {key[0]} less the groups of {column} are {rest:g}"
