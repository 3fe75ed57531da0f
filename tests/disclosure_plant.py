"""Groups of four, planted in a copy of the sample, and a run of all its notebooks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import yaml

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
# Later than the waves that pages forecast.
REGION, WAVE, CATEGORY, REASON = "islet", "2029-Q1", "minibar", "illness"
FEW = 4  # customers, answers, cases, leavers


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
