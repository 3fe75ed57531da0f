"""The stages as published, and our grid of items: what must be shown to reach a level.

items = grid(study.folder)       # item, dimension, level, cost, proof, en, zh
stages()                         # level, term, criteria: as the sources tell them
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cxlib.core import context
from cxlib.core.i18n import _
from cxlib.data import sources

LEVELS = ("Initial", "Developing", "Defined", "Managed", "Optimizing")
DIMENSIONS = (
    "strategy",
    "governance",
    "process",
    "technology",
    "measurement",
    "people",
    "closed_loop",
    "value",
)
NAMES = {  # what readers call them
    "strategy": "strategy and goals",
    "governance": "board and governance",
    "process": "processes and standards",
    "technology": "technology and data",
    "measurement": "measurement of experience",
    "people": "people and training",
    "closed_loop": "closed loop and action",
    "value": "value and return",
}
WORDS = (  # what tables of this topic say
    "strategy and goals", "board and governance", "processes and standards", "technology and data",
    "measurement of experience", "people and training", "closed loop and action",
    "value and return", "dimension",
    "proof", "verified", "contradicted", "not checked", "bottleneck", "maturity level", "raters",
    "rated",
    "Initial", "Developing", "Defined", "Managed", "Optimizing", "staged level",
    "continuous level", "at least 2", "at least 3", "at least 4", "at least 5", "maturity",
    "what the data show", "checked", "next level", "agreement",
)  # fmt: skip
COLUMNS = ("item", "dimension", "level", "cost", "proof", "en", "zh")
OWN = "maturity.csv"  # in the study's folder: its own grid


def provenance() -> str:
    """What every page that shows a level must say of where it comes from."""
    return _(
        "The five stages are published; the items and the rule that turns evidence into a level "
        "are ours, since Gartner publishes no questionnaire and no scoring."
    )


def stages() -> list[str]:
    """A line a stage: its number, its name and what the sources say of it, in our words."""
    criteria = [
        _("No overall strategy and no concrete goals; contacts are organised by department."),
        _(
            "The need of a strategy is seen; systems are reviewed; customers are heard, but what "
            "they say is not widely shared."
        ),
        _(
            "Goals are set with the board; processes are the same across the organisation; rules "
            "take effect."
        ),
        _(
            "Widely developed and paying off; staff are convinced and trained; all customer data "
            "are analysed; goals are numbers."
        ),
        _(
            "Deeply embedded; every contact is measured, and insight goes out from one hub; "
            "goals are continually revised."
        ),
    ]
    return [
        _("{level:count} {name}: {said}", level=k, name=_(name), said=text)
        for k, (name, text) in enumerate(zip(LEVELS, criteria, strict=True), 1)
    ]


def grid(folder: Path | None = None) -> pd.DataFrame:
    """The items: item, dimension (as NAMES has it), level (2 to 5), cost (1 to 3), proof, en, zh.

    `maturity.csv` in the study's folder replaces ours; it must have the same columns. `proof` names
    what the study's own records may show of an item (see `proofs`), empty for most. Raises
    ValueError that names the row for a level, cost or dimension there is not, and for items that
    stand there twice.
    """
    own = sources.local(Path(folder), OWN) if folder else None
    file = own if own and own.is_file() else Path(__file__).with_name("grid.csv")
    items = pd.read_csv(file, dtype={"proof": str}, keep_default_na=False)
    if lacking := [c for c in COLUMNS if c not in items]:
        raise ValueError(f"{file.name} has no column {', '.join(lacking)}.")
    for column, allowed in {
        "level": range(2, 6),
        "cost": range(1, 4),
        "dimension": DIMENSIONS,
    }.items():
        wrong = ~items[column].isin(allowed)
        if wrong.any():
            row = int(wrong.to_numpy().argmax())
            raise ValueError(
                f"{file.name}, row {row + 2}: {column} is {items[column].iloc[row]}; allowed: "
                f"{', '.join(map(str, allowed))}."
            )
    if (twice := items["item"].duplicated()).any():
        raise ValueError(
            f"{file.name}, row {int(twice.idxmax()) + 2}: the item {items['item'][twice.idxmax()]} "
            "stands there twice."
        )
    return items.assign(dimension=items["dimension"].map(NAMES))


def questions(items: pd.DataFrame) -> pd.Series:
    """What each item asks, in the page's language."""
    return items["zh" if context.current().lang == "zh" else "en"]
