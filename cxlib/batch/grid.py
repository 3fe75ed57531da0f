"""A file of runs: studies x groups x languages, planned together and made as one run.

pages = grid.plan(Path("grid.yaml"))               # as batch.plan of each entry

    - studies: [mobile, telco]
      notebooks: [10, 20]
      by: [region, channel]                        # crossed; another entry for another split
      lang: [en, zh]
      parameters: {DRAWS: 500}
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from cxlib.batch import planning, unit_plan
from cxlib.core import context
from cxlib.data import study


def _listed(value: Any) -> Any:
    return [str(v) for v in value] if isinstance(value, list) else [str(value)]


Names = Annotated[list[str], BeforeValidator(_listed)]


class Entry(BaseModel):
    """Some studies, and what is made of each."""

    model_config = ConfigDict(extra="forbid")

    studies: Annotated[Names, Field(min_length=1)]
    notebooks: Names = []
    by: Names = []
    units: bool = False
    lang: Names = []
    parameters: dict[str, Any] = {}


def plan(
    file: Path,
    given: Mapping[str, object] | None = None,
    unusable: dict[str, str] | None = None,
) -> list[planning.Page]:
    """The pages of every entry of the file; `given` parameters overrule those of the entries.

    `unusable` as in `batch.plan`.

    Raises ValueError, naming the entry, for anything that could not run as asked.
    """
    pages: list[planning.Page] = []
    for number, entry in enumerate(_entries(file), 1):
        try:
            pages += _of_entry(entry, given or {}, unusable)
        except ValueError as error:
            raise ValueError(f"{file}, entry {number}: {error}") from error
    names = [(p.study, p.name) for p in pages]
    twice = next((n for n in names if names.count(n) > 1), None)
    if twice:
        raise ValueError(
            f"{file}: two entries make the page {twice[1]} of {twice[0]}. Name each notebook once "
            "for each study and group."
        )
    return pages


def _of_entry(
    entry: Entry, given: Mapping[str, object], unusable: dict[str, str] | None
) -> list[planning.Page]:
    from cxlib.core.parameters import nearest

    known = study.names()
    for name in entry.studies:
        if name not in known:
            raise ValueError(
                f"no study {name!r}{nearest(name, known) or '.'} `cx list` shows those there are."
            )
    for lang in entry.lang:
        if lang not in context.LANGUAGES:
            raise ValueError(f"no language {lang!r}. There are: {', '.join(context.LANGUAGES)}.")
    values = {**entry.parameters, **given}
    pages = planning.plan(
        entry.studies,
        entry.notebooks,
        values,
        by=entry.by,
        langs=entry.lang,
        unusable=unusable,
    )
    return unit_plan.unit_pages(pages) if entry.units else pages


def _entries(file: Path) -> list[Entry]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        return TypeAdapter(Annotated[list[Entry], Field(min_length=1)]).validate_python(content)
    except OSError as error:
        raise ValueError(f"--grid {file} cannot be read: {error.strerror}.") from error
    except yaml.YAMLError as error:
        raise ValueError(f"{file} is no YAML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place, *rest = first["loc"] or (0,)
        number, at = int(place) + 1, ".".join(map(str, rest))
        keys = ", ".join(Entry.model_fields)
        raise ValueError(
            f"{file}, entry {number}{f', {at}' if at else ''}: {first['msg']}. The file is a list; "
            f"the keys of an entry are {keys}."
        ) from error
