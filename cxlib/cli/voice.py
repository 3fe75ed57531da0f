"""`cx topics` and `cx coding`: what is found in comments, decided and coded by people.

cx topics mine                    topics, their words, what might be merged or renamed
cx topics mine --write            a first topics.yaml, to be edited
cx coding export mine 200         comments to be coded, in a file for its owner only
cx coding import FILE             how accurate the machine is; pages use the codes from then on
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cxlib.cli import completion
from cxlib.cli.output import NewPath
from cxlib.cli.studies import allow_outside
from cxlib.core import files

if TYPE_CHECKING:
    import pandas as pd

    from cxlib.core.result import Result
    from cxlib.core.sample import Sample
    from cxlib.reserve.reading import Reserve

PRIVATE = 0o600
SHEET, CODES = "coding_sheet.csv", "coding.csv"
OFTEN = 0.25  # correlation of two topics from which they are named as mentioned together
MOST_PAIRS = 5


def _marked(store: Reserve, draws: int = 200) -> tuple[Sample, Result]:
    """The comments of a study with their topics, as notebook 23 reads them."""
    from cxlib import voice

    written = store.sample("comments", draws=draws)
    score = store.outcome or "score"
    outcome = voice.Outcome(score, store.scales.get(score), nps=score in store.items_of("nps"))
    answered = store.sample(draws=draws) if "responses" in store.tables else None
    comments, _masked = voice.prepare(written, answered, outcome, margins=store.margins)
    fit = voice.topics(comments, store.topics, found=store.study.found_topics)
    return voice.mark(comments, fit), fit


def _opened(study: str) -> Reserve:
    from cxlib import reserve

    store = reserve.open(study)
    if reasons := store.lacks(["comments", "varied:comments.text"]):
        raise ValueError(f"{study}: {reasons[0]}")
    return store


@click.command()
@click.argument("study", shell_complete=completion.studies)
@allow_outside
@click.option("--write", is_flag=True, help="Write data/STUDY/topics.yaml, where there is none.")
def topics(study: str, write: bool) -> None:
    """Show the topics of the comments of STUDY.

    It also says what you might decide about them. Topics that were found are named by their key
    phrase. In data/STUDY/topics.yaml they are given to a topic (`found: {key phrase: topic}`), in
    whatever language they were found; topics get words, labels and a group there, and `complaint:
    true` where who mentions them complains.

    \b
    Example
      cx topics mine --write && $EDITOR data/mine/topics.yaml && cx topics mine
    """
    from cxlib.core import i18n

    with _opened(study) as store:
        marked, fit = _marked(store)
        groups, floor = store.topic_groups, _complaints(store, fit)
        for row in fit.table.itertuples():
            marks = [row.origin, groups.get(row.term, ""), "complaint" * (row.term in floor)]
            click.echo(
                f"  {row.estimate:4.0%}  {i18n.label(row.term)}   "
                f"({', '.join(filter(None, marks))})\n        {fit.words[row.term]}"
            )
        for sentence in _suggestions(marked, fit):
            click.echo(sentence)
        if write:
            click.echo(_written(store, fit))


def _complaints(store: Reserve, fit: Result) -> list[str]:
    from cxlib.voice.topic_sentiment import complaints_among

    return complaints_among(fit.study_topics, store.complaints)


def _suggestions(marked: Sample, fit: Result) -> list[str]:
    """Pairs of topics that are often mentioned in the same comments, in sentences."""
    import numpy as np

    names = fit.table["term"].tolist()
    if len(names) < 2:
        return []
    with np.errstate(invalid="ignore", divide="ignore"):
        together = np.nan_to_num(np.corrcoef(marked.data[names].to_numpy(float), rowvar=False))
    one, other = np.triu_indices(len(names), 1)
    order = np.argsort(-together[one, other], kind="stable")[:MOST_PAIRS]
    return [
        f"Often mentioned together: {names[a]!r} and {names[b]!r} (correlation {r:.2f}). One "
        "topic, or one group?"
        for a, b in zip(one[order], other[order], strict=True)
        if (r := together[a, b]) >= OFTEN
    ]


def _written(store: Reserve, fit: Result) -> str:
    """Write a first topics.yaml; what is said of it."""
    import yaml

    from cxlib.data import topic_file

    path = store.study.folder / topic_file.NAME
    if path.exists():
        return f"{path.name} is there already and was left as it is. Edit it."
    found = fit.table.loc[fit.table["origin"] == "found", "term"].tolist()
    languages = [lang for name in found for lang in fit.keywords[name]]
    text = (
        "# What people decided about the topics of the comments; `cx topics` shows what it does.\n"
        "# - topics add to those of study.yaml: label, words, group, complaint.\n"
        "# - groups are the level above topics.\n"
        "# - found gives a found topic, by its key phrase, to a topic; null leaves it out. Give\n"
        "#   two found topics, also of two languages, to one topic to merge them.\n"
    )
    content: dict[str, Any] = {
        "topics": {f"found_{k + 1}": {"label": name} for k, name in enumerate(found)},
        "groups": {},
        "found": {name: f"found_{k + 1}" for k, name in enumerate(found)},
    }
    body = yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
    files.write(path, text + body)
    return f"{path.name} written: {len(languages)} found topics to rename, merge or leave out."


@click.group()
def coding() -> None:
    """Have people code comments, and use their codes."""


@coding.command()
@click.argument("study", shell_complete=completion.studies)
@click.argument("number", type=click.IntRange(min=10), default=200)
@allow_outside
@click.option("--seed", type=click.IntRange(min=0), default=1, help="Of the draw. [default: 1]")
@click.option(
    "-o",
    "--out",
    type=NewPath("file"),
    metavar="FILE",
    help="Where it goes. [default: data/STUDY/coding_sheet.csv]",
)
def export(study: str, number: int, seed: int, out: Path | None) -> None:
    """Draw NUMBER comments of STUDY into a file to be coded.

    Rare topics are among them. Only its owner can read the file; personal details are masked. Write
    1 (positive), 0 (neutral) or -1 (negative) under each topic that a comment mentions, and x under
    `done` when it is read.

    \b
    Example
      cx coding export mine 200 && cx coding import data/mine/coding_sheet.csv
    """
    from cxlib import voice
    from cxlib.data import study as studies
    from cxlib.report.customer_lists import spreadsheet_cell

    with _opened(study) as store:
        file = out or store.study.folder / SHEET
        if files.inside(file, [studies.root() / "reports"]):
            raise ValueError(
                f"{file} is in reports/, which readers see. The sheet holds what customers wrote: "
                "give another file with -o, or leave it out."
            )
        files.refuse_versioned(file, "It holds what customers wrote")
        if file.exists():
            raise ValueError(f"{file} is there already, perhaps with codes. Import or remove it.")
        marked, fit = _marked(store)
        sheet = voice.coding_sheet(marked, fit, number, seed)
        sheet.insert(0, "study", store.study.name)
        sheet["text"] = sheet["text"].map(spreadsheet_cell)
        files.write(file, sheet.to_csv(index=False).encode("utf-8-sig"), mode=PRIVATE)
        names = ", ".join(fit.table["term"])
    click.echo(f"{len(sheet)} comments of {len(marked)} written to {file}. Topics: {names}.")


@coding.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@allow_outside
@click.option("--replace", is_flag=True, help="Take the place of codes that are kept already.")
def import_(file: Path, replace: bool) -> None:
    """Read the codes in FILE and show how accurate the topics are.

    FILE is one that `cx coding export` wrote. The codes are kept in data/STUDY/coding.csv, without
    the texts, readable by their owner only. Notebook 23 then shows the accuracy, and corrects its
    shares by the codes.

    \b
    Example
      cx coding import data/mine/coding_sheet.csv
    """
    from cxlib import voice

    sheet = _sheet(file)
    studies = sheet["study"].unique().tolist() if "study" in sheet else []
    if len(studies) != 1:
        raise ValueError(
            f"{file.name} names {len(studies)} studies in its column study; it must name one. Fill "
            "in a file of `cx coding export` and keep its columns."
        )
    with _opened(studies[0]) as store:
        marked, fit = _marked(store, draws=1000)
        names = fit.table["term"].tolist()
        given = sheet.drop(columns="study")
        codes = voice.checked_codes(given, marked["comment_id"], names, file.name)
        coded = voice.codes_of(marked, fit, codes, store.complaints)
        fit_ = voice.accuracy(coded)
        kept = store.study.folder / CODES
        if not replace:
            _refuse_to_lose(kept, codes, file.name)
        files.write(kept, codes.to_csv(index=False).encode("utf-8"), mode=PRIVATE)
    click.echo(str(fit_))
    click.echo(fit_.finding.detail)
    for row in fit_.topics.itertuples():
        shares = [f"{v:.0%}" if v == v else "–" for v in (row.recall, row.precision, row.estimate)]
        click.echo(
            f"  {row.term}: found {shares[0]}, right {shares[1]}, sentiment right {shares[2]} of "
            f"{row.n}"
        )
    left = len(sheet) - len(codes)
    click.echo(f"{len(codes)} comments coded, {left} not yet; kept in {kept}.")


def _sheet(file: Path) -> pd.DataFrame:
    """The cells of a coding sheet as text, whatever a spreadsheet has saved it as."""
    import pandas as pd

    from cxlib.core.codes import plain
    from cxlib.data import intake

    raw = intake.read_file(file, header=1, skip_last=0)
    if len(raw.broken):
        line = raw.broken.iloc[0]
        raise ValueError(
            f"{file.name} line {line['row']}: {line['found']} fields, the header has "
            f"{line['expected']}. Save the file again from the spreadsheet."
        )
    return raw.frame.reset_index(drop=True).map(lambda v: "" if pd.isna(v) else plain(v))


def _refuse_to_lose(kept: Path, codes: pd.DataFrame, name: str) -> None:
    """Raise ValueError where codes that are kept are of comments that the new file lacks."""
    import pandas as pd

    if not kept.is_file():
        return
    before = pd.read_csv(kept, dtype=str)["comment_id"]
    if lost := int((~before.isin(codes["comment_id"].astype(str))).sum()):
        raise ValueError(
            f"{kept.name} has codes of {lost} comments that {name} lacks; they would be lost. "
            "Import one file with all codes of one draw, or add --replace."
        )
