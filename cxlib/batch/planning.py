"""Which pages to make, with which values: everything is checked here, before anything starts.

    pages = plan(["sample"], ["10"], {"WAVE": "2026-Q1"}, by="channel")
    pages[0].values                                    # every parameter of the notebook, typed
    pages[0].lacking                                   # why the study cannot answer it, if so

A mistake is a ValueError that names what is allowed. Reserves are opened here, once a study.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxlib.batch import groups
from cxlib.core import context, parameters
from cxlib.core.context import Context
from cxlib.data import study
from cxlib.data.intake import IntakeError
from cxlib.data.sources import SourceError
from cxlib.privacy import masking

if TYPE_CHECKING:
    from cxlib.reserve import Reserve

OWN = "my"  # the folder of a researcher's own notebooks, outside git


@dataclass(frozen=True)
class Page:
    """One notebook for one study and one group: the file names begin with `name`."""

    study: str
    notebook: Path
    name: str
    title: str
    values: Mapping[str, object]
    rules: Mapping[str, Any]  # language, smallest cell, labels
    source: Mapping[str, Any]  # title, source, licence, citation, questions, what is open
    set_name: str = ""
    lacking: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()  # "region=north": values that `by` gives no page
    data: Mapping[str, str] = field(default_factory=dict)  # table, or what all have: fingerprint
    suffix: str = ""  # ".zh": what its files' names add to those of the run's first language
    after: tuple[str, ...] = ()  # notebooks whose answers it reads, by number or name
    remembers: str = ""  # the kept answer whose warnings the study keeps
    # Of `unit_pages`: the unit with all that it belongs to, from the top down; empty for all units
    unit_path: tuple[str, ...] | None = None
    unit_name: str = ""  # as readers may see it

    @property
    def base(self) -> str:
        """The name that the page has in every language."""
        return self.name.removesuffix(self.suffix)

    @property
    def lang(self) -> str:
        """The language of the page."""
        return str(self.values.get("LANG", "en"))

    @property
    def rows(self) -> tuple[str, str]:
        """The wave and the condition that say of which rows it is; empty for all."""
        return str(self.values.get("WAVE") or ""), str(self.values.get("WHERE") or "")


def notebooks() -> dict[str, Path]:
    """The notebooks there are, by name without .ipynb: the project's in order, then one's own.

    Own ones lie in a folder of notebooks/ or in my/, and have a cell tagged `parameters`. Of two
    with one name the first counts; the other is named by its path.
    """
    root = study.root()
    found = sorted((root / "notebooks").glob("[0-9]*.ipynb"))
    for folder in (root / "notebooks", root / OWN):
        found += [p for p in sorted(folder.rglob("*.ipynb")) if p not in found and _is_page(p)]
    known: dict[str, Path] = {}
    for path in found:
        known.setdefault(path.stem, path)
    return known


def _is_page(path: Path) -> bool:
    """Whether a notebook declares parameters; copies that Jupyter keeps of it do not count."""
    if any(part.startswith(".") for part in path.relative_to(study.root()).parts):
        return False
    try:
        return bool(parameters.read(path))
    except (ValueError, OSError):
        return False


def pick(name: str) -> Path:
    """The one notebook that `name` begins ('20', '20_what' or all of it), or at that path.

    Raises ValueError where there is none, or several.
    """
    if name.endswith(".ipynb") and Path(name).is_file():
        return Path(name).resolve()
    known = notebooks()
    stem = Path(name).stem if name.endswith(".ipynb") else name
    if stem in known:
        return known[stem]
    found = [n for n in known if n.startswith(stem)] if stem else []
    if len(found) == 1:
        return known[found[0]]
    if found:
        raise ValueError(f"{name!r} begins {len(found)} notebooks: {', '.join(found)}. Say more.")
    numbers = [n.split("_")[0] for n in known]
    raise ValueError(
        f"no notebook {name!r}{parameters.nearest(name, [*known, *numbers]) or '.'} "
        "`cx list` shows those there are."
    )


def plan(
    studies: Sequence[str],
    names: Sequence[str] = (),
    given: Mapping[str, object] | None = None,
    *,
    by: str | Sequence[str] = (),
    langs: Sequence[str] = (),
    unusable: dict[str, str] | None = None,
) -> list[Page]:
    """The pages of every study: the notebooks named, or those in its study.yaml.

    `given` are parameter values, as text or typed, for every notebook; those that study.yaml gives
    a notebook come first, whether it is named or not, and are overruled. `by` makes one set of
    pages for each value of that column, or of several columns crossed, `langs` one for each
    language (else those that study.yaml names): the files of all but the first have the language
    in their names.
    Raises ValueError, naming what is allowed, for anything that could not run as asked. A study
    whose files cannot be used is put into `unusable`, with the reason, where that is given and
    another study can be planned.
    """
    given = dict(given or {})
    by = [by] if isinstance(by, str) and by else list(by)
    if "STUDY" in given:
        raise ValueError("name the study as an argument, not as -p STUDY=...: cx run STUDY.")
    if langs and "LANG" in given:
        raise ValueError("--lang and -p LANG=... both name a language. Leave one out.")
    chosen = [pick(n) for n in dict.fromkeys(names)]
    for notebook in chosen:
        for lang in langs or [""]:
            _settle(notebook, "", {**given, "LANG": lang} if lang else given)
    pages = [
        made
        for name in _usable(dict.fromkeys(studies), unusable)
        for made in _in_languages(name, chosen, given, by, list(dict.fromkeys(langs)))
    ]
    if len({(p.study, p.name) for p in pages}) < len(pages):
        raise ValueError("two pages would have the same name. Name each notebook once.")
    return pages


def _usable(names: Iterable[str], unusable: dict[str, str] | None) -> list[str]:
    """The studies whose reserves are there or can be built; why not goes into `unusable`."""
    from cxlib import reserve

    usable, broken = [], {}
    for name in names:
        try:
            about = study.read(name)
            reserve.refresh(about)
            for said in reserve.unread(about):
                print(f"cx: {said}", file=sys.stderr, flush=True)
            usable.append(name)
        except (study.StudyError, IntakeError, SourceError, reserve.ReserveError, OSError) as error:
            if unusable is None:
                raise
            broken[name] = error
    if not usable and broken:
        raise next(iter(broken.values()))
    if unusable is not None:
        unusable |= {name: str(error) for name, error in broken.items()}
    return usable


def amiss(name: str) -> list[str]:
    """What is wrong with the `reports` of a study.yaml: notebooks or parameters there are not."""
    found = []
    for notebook, values in study.read(name).reports.items():
        try:
            _settle(pick(notebook), name, values)
        except ValueError as error:
            found.append(f"reports, {notebook!r}: {error}")
    return found


def _in_languages(
    name: str, chosen: list[Path], given: dict[str, Any], by: list[str], langs: list[str]
) -> list[Page]:
    about = study.read(name)
    langs = langs or ([] if "LANG" in given else [*about.reporting.languages])
    if not langs:
        return _of_study(about, chosen, given, by)
    pages = []
    for lang in langs:
        suffix = "" if lang == langs[0] else f".{lang}"
        for page_ in _of_study(about, chosen, {**given, "LANG": lang}, by):
            pages.append(replace(page_, name=page_.name + suffix, suffix=suffix))
    return pages


def _of_study(
    about: study.Study, chosen: list[Path], given: dict[str, Any], by: list[str]
) -> list[Page]:
    from cxlib import reserve

    name = about.name
    wanted = _wanted(about, chosen)
    if not wanted:
        raise ValueError(
            f"{name}/study.yaml lists no reports. Name notebooks, or add `reports: [10, 20]`."
        )
    settled = {n: _settle(n, name, {**own, **given}) for n, own in wanted.items()}
    pages: list[Page] = []
    stores: dict[str, _Opened] = {}  # one for each language that the notebooks ask for
    with ExitStack() as open_:
        for notebook, values in settled.items():
            lang = str(values.get("LANG", "en"))
            if lang not in stores:
                rules = reserve.context_of(about, lang)
                with context.use(rules):
                    store = open_.enter_context(reserve.attach(about))
                    groups.require(store, by)
                    data = {**store.fingerprints, **store.marks}
                    losses = tuple(store.quality.losses())
                    stores[lang] = _Opened(store, rules, data, losses, _ages(store))
            with context.use(stores[lang].rules):
                pages += _of_notebook(stores[lang], notebook, values, by, named=bool(chosen))
    return pages


@dataclass(frozen=True)
class _Opened:
    """A study's reserve in one language, with what all pages of it have in common."""

    store: Any
    rules: Context
    data: Mapping[str, str]
    losses: tuple[str, ...]
    ages: Mapping[str, list[str]]


def _ages(store: Any) -> dict[str, list[str]]:
    """How old the newest rows are, those that are too old apart, where study.yaml has a limit."""
    from cxlib.reserve import freshness

    found = freshness.ages(store, datetime.now())
    parts = {"stale": [a for a in found if a.stale], "fresh": [a for a in found if not a.stale]}
    return {name: freshness.sentences(ages) for name, ages in parts.items() if ages}


def _wanted(about: study.Study, chosen: list[Path]) -> dict[Path, Mapping[str, object]]:
    """The notebooks to run, or all that study.yaml lists, with the values it gives to each."""
    if not chosen:
        return {pick(n): values for n, values in about.reports.items()}
    own = {}
    for name, values in about.reports.items():
        with suppress(ValueError):  # a notebook that is not there, and not asked for
            own[pick(name)] = values
    return {notebook: own.get(notebook, {}) for notebook in chosen}


def _settle(notebook: Path, name: str, given: Mapping[str, object]) -> dict[str, object]:
    known = parameters.read(notebook)
    if "STUDY" not in known:
        raise ValueError(f"{notebook.name} declares no STUDY, so no study can be given to it.")
    return parameters.settle(known, {**given, "STUDY": name}, notebook.stem)


def _of_notebook(
    opened: _Opened, notebook: Path, values: dict[str, Any], by: list[str], *, named: bool
) -> list[Page]:
    from cxlib.reserve import selection

    store, data = opened.store, opened.data
    about, lang = store.study, context.current().lang
    facts = parameters.content(notebook)["metadata"].get("cxlib", {})
    needs = list(facts.get("needs", []))
    if facts.get("remembers"):  # made again when other warnings are known of earlier data
        data = {**data, "warnings": store.alerts.fingerprint}
    lacking, home = tuple(store.lacks(needs)), _home(needs, list(store.tables))
    shared = {
        "study": about.name,
        "notebook": notebook,
        "title": masking.masked_in(_title(notebook, facts, lang)),
        "rules": context.current().as_job(),
        "source": masking.masked_in(
            {
                **_source(about, lang),
                "losses": list(opened.losses),
                **opened.ages,
                "period": _period(store, needs),
                "today": _today(store, notebook, values),
            }
        ),
        "lacking": lacking,
        "data": data,
        "after": tuple(map(str, facts.get("after", ()))),
        "remembers": str(facts.get("remembers", "")),
    }
    if lacking:
        return [Page(name=notebook.stem, values=values, **shared)]
    declared = parameters.read(notebook)
    selection.check(store, declared, values)
    unsplit = _why_not_split(store, declared) if by else ""
    if not by or (unsplit and not named):  # what cannot be split is listed whole
        return [Page(name=notebook.stem, values=values, **shared)]
    if unsplit:
        raise ValueError(f"--by cannot split {notebook.stem}: {unsplit}.")
    where = str(values["WHERE"])
    if declared["WHERE"].tables:
        home = next(iter(selection.tables_of(store, declared["WHERE"])), home)
    found, left_out = groups.of(store, home, by, notebook.stem, where)
    return [
        Page(
            name=f"{notebook.stem}.{group.slug}",
            values={**values, "WHERE": group.within(where)},
            set_name=group.title,
            left_out=tuple(left_out),
            **shared,
        )
        for group in found
    ]


def _why_not_split(store: Any, declared: Mapping[str, parameters.Parameter]) -> str:
    """Why a notebook has no page for each group; empty where it has."""
    from cxlib.reserve import selection

    if "WHERE" not in declared:
        return "it has no parameter WHERE"
    if selection.tables_of(store, declared["WHERE"]):
        return ""
    return f"its WHERE is of {' or '.join(declared['WHERE'].tables)}, which the study does not have"


def _title(notebook: Path, facts: Mapping[str, Any], lang: str) -> str:
    """The title in the page's language, else another, else what the first cell is headed by."""
    titles = facts.get("title", {})
    if title := titles.get(lang) or titles.get("en"):
        return title
    first = "".join(parameters.content(notebook)["cells"][0]["source"]).partition("\n")[0]
    heading = first.removeprefix("# ").strip() if first.startswith("# ") else ""
    return heading or notebook.stem.replace("_", " ")


def _source(about: study.Study, lang: str) -> dict[str, Any]:

    def text(words: Mapping[Any, str] | None) -> str:
        return {str(code): said for code, said in (words or {}).items()}.get(lang, "")

    return {
        "title": text(about.title),
        "source": text(about.source),
        "licence": text(about.licence),
        "citation": text(about.citation),
        "unconfirmed": about.unconfirmed,
        "untranslated": about.untranslated(lang),
        "questions": [
            {
                "label": about.label(name, lang),
                "wording": text(item.wording),
                "scale": "{:g}–{:g}".format(*item.scale),
            }
            for name, item in about.items.items()
            if item.wording
        ],
    }


def _period(store: Reserve, needs: Iterable[str]) -> list[str]:
    """The table that a page is about, and the first and last day of its rows; empty without.

    It is the first dated one that the page needs, else the one that its groups are taken from. Of a
    study without dates it is "wave", and the first and last of them.
    """
    from cxlib.reserve.tables import DATED

    words = [part for need in needs for part in need.split("|")]
    named = ["orders" if word == "order_lines" else word for word in words]  # lines have no dates
    dated = [t for t in named if t in DATED and t in store.tables]
    table = dated[0] if dated else _home(words, list(store.tables))
    found = store.period(table)
    if found:
        return [table, *(f"{day:%Y-%m-%d}" for day in found)]
    waves = store.waves()
    return ["wave", waves[0], waves[-1]] if waves else []


def _today(store: Reserve, notebook: Path, values: Mapping[str, Any]) -> str:
    """The day from which a page sees what is due; empty where no action or list has a date."""
    own = "TODAY" in parameters.read(notebook)
    if own and values.get("TODAY"):
        return str(values["TODAY"])
    if (not own and "actions" not in store.tables) or store.last_dated is None:
        return ""
    return store.today


def _home(needs: Iterable[str], tables: list[str]) -> str:
    """The table that a page is about, by what it needs."""
    words = [part for need in needs for part in need.split("|")]
    first = [t for t in ("responses", "customers", "orders") if t in words and t in tables]
    return (first or [t for t in ("responses", "customers") if t in tables] or tables)[0]
