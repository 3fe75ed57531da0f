"""A planted small group, and an attacker who tries to work out its numbers from a whole run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import yaml

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
REGION, WAVE, CATEGORY, REASON = "islet", "2026-Q4", "lift", "illness"
FEW = 4  # customers, answers, cases, leavers


def plant(root: Path) -> Path:
    """A copy of the sample, as `root`/data/sample, with groups of four; its folder."""
    folder = root / "data" / "sample"
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("*.duckdb*"))
    tables = {n: pd.read_csv(folder / f"{n}.csv.gz", dtype=str, keep_default_na=False)
              for n in ("customers", "responses", "cases")}  # fmt: skip
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
