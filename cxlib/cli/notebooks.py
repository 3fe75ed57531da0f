"""`cx new-notebook`: a page of one's own, ready to run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from cxlib.cli import output

PARAMETERS = """STUDY: str = "{study}"   # folder under data/
WAVE: str = ""          # survey wave; empty for all (a wave)
WHERE: str = ""         # keep only rows for which this holds, e.g. channel in ('web', 'shop') (a condition on responses)
LANG: str = "en"        # language of the page (one of: en, zh)
DRAWS: int = 1000       # bootstrap draws behind each interval (100 to 20000)
SEED: int = 1           # of the draws (0 to 2147483647)"""  # noqa: E501
CELLS = [
    ("markdown", "# {question}\n\nAsked by whom, and what will be decided by the answer."),
    ("code", "import numpy as np\n\nfrom cxlib import plots, report, reserve, stats"),
    ("parameters", PARAMETERS),
    (
        "code",
        "study = reserve.open(STUDY, lang=LANG)\n"
        "plots.use_house_style()\n"
        "sample = study.sample(wave=WAVE, where=WHERE, draws=DRAWS, seed=SEED)\n"
        "study.report_losses(sample)\n"
        "answers = sample.where(sample[study.outcome].notna())",
    ),
    (
        "markdown",
        "## Answer\n\nAny statistic of rows and weights gets its interval from `stats.bootstrap`; "
        "models of statsmodels and scikit-learn become a result by `Result.of`.",
    ),
    (
        "code",
        "average = lambda rows, weights: np.average(rows[study.outcome], weights=weights)\n"
        "fit = stats.bootstrap(answers, average, unit='scale')\n"
        "found = fit.table.iloc[0]\n"
        "fit = fit.replace(finding=f'The mean is {found.estimate:.1f} '\n"
        "                          f'(95% CI {found.low:.1f} to {found.high:.1f}).')\n"
        "plots.intervals(fit.table, unit='scale')\n"
        'report.add("mean", fit)',
    ),
    ("markdown", "## Caveats\n\n- Who did not answer may differ from those who did."),
]


@click.command("new-notebook")
@click.argument("question")
@click.option("--study", default="sample", metavar="STUDY", help="The study that it opens first.")
def new_notebook(question: str, study: str) -> None:
    """Write a notebook of your own that asks QUESTION, into my/.

    It has the parts of the project's pages: question, parameters, answer, caveats. `cx run` makes
    a page of it like of any other; my/ is outside git, and no test of the project looks there.

    \b
    Examples
      cx new-notebook "Do promoters spend more?"
      cx new-notebook "Do promoters spend more?" --study mine
      cx run mine my/do_promoters_spend_more.ipynb
    """
    import nbformat

    from cxlib.batch import execute, planning
    from cxlib.core import files
    from cxlib.data import study as studies

    studies.read(study)
    name = re.sub(r"\W+", "_", question.lower()).strip("_")
    if not name:
        raise ValueError('a question has letters. Give one, as in "Do promoters spend more?".')
    path: Path = studies.root() / planning.OWN / f"{name}.ipynb"
    if path.exists():
        raise ValueError(f"{output.near(path)} is there already. Ask another question.")
    cells = []
    for number, (kind, text) in enumerate(CELLS):
        source = text.replace("{question}", question).replace("{study}", study)
        v4: Any = nbformat.v4
        make = v4.new_markdown_cell if kind == "markdown" else v4.new_code_cell
        cells.append(make(source, id=f"cell-{number:02}"))
        if kind == "parameters":
            cells[-1].metadata["tags"] = ["parameters"]
    about = {"needs": ["responses", "items:any"], "title": {"en": question}}
    metadata = {
        "cxlib": about,
        "kernelspec": execute.KERNEL,
        "language_info": {"name": "python"},
    }
    path.parent.mkdir(exist_ok=True)
    files.write(path, nbformat.writes(nbformat.v4.new_notebook(cells=cells, metadata=metadata)))
    here = output.near(path)
    click.echo(f"{here}\nOpen it in JupyterLab, then: cx run {study} {here}")
