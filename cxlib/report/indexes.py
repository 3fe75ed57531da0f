"""The index of a run, and the index over all studies and runs: one line an answer.

html = indexes.of_run(run, lang="zh")              # `run` as in run.json
files = indexes.of_all(Path("reports"), "en")      # reads every <study>/<run>/run.json below

A run in several languages has an index for each: index.html is the first one's, index.zh.html the
Chinese one's; each lists its own pages and leads to the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.context import Context
from cxlib.core.i18n import _
from cxlib.data import contract
from cxlib.privacy.masking import legible
from cxlib.report import glossary as terms
from cxlib.report import history, prose, rendering, scorecard


def languages(runs: Iterable[dict[str, Any]]) -> list[str]:
    """The languages of the runs' pages, each run's first language first."""
    found = [p.get("lang", r.get("lang", "en")) for r in runs for p in r["pages"]]
    return list(dict.fromkeys(found))


def in_language(run: dict[str, Any], lang: str) -> dict[str, Any]:
    """The run with its pages in `lang` alone, or in its first language where it has none in it.

    Besides: `lang`, `about` in that language, `today` (from which its pages see what is due), the
    files `index` and `dictionary`, and `others`: (language, index) of the other languages.
    """
    known = languages([run]) or [run.get("lang", "en")]
    suffix = {k: f".{k}" if k != known[0] else "" for k in known}
    lang = lang if lang in known else known[0]
    mine = [p for p in run["pages"] if p.get("lang", known[0]) == lang]
    facts = mine[0].get("job", {}).get("facts", {}) if mine else {}
    return {
        **run,
        "lang": lang,
        "pages": mine,
        "about": facts.get("study") or run["about"],
        "today": next(filter(None, (_study_of(p).get("today", "") for p in mine)), ""),
        "index": f"index{suffix[lang]}.html",
        "dictionary": f"dictionary{suffix[lang]}.html",
        "glossary": f"glossary{suffix[lang]}.html",
        "tables": f"tables{suffix[lang]}.xlsx",
        "others": [(k, f"index{suffix[k]}.html") for k in known if k != lang],
    }


def _study_of(page: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the job of a page says of its study."""
    return page.get("job", {}).get("facts", {}).get("study") or {}


def of_run(
    run: dict[str, Any],
    up: str = "",
    lang: str = "",
    answers: dict[str, Any] | None = None,
    before: tuple[dict[str, Any], dict[str, Any]] | None = None,
) -> str:
    """The index of a run in one of its languages: scorecard, then the pages, in sets if split.

    `up` is the way to the folder of the index over all runs, if there is one; `answers` what the
    pages kept, and `before` record and answers of the run before, for the scorecard.
    """
    run = in_language(run, lang or run["lang"])
    before = (in_language(before[0], run["lang"]), before[1]) if before else None
    card = scorecard.of(run, answers, before) if answers else {}
    if up:  # of a run in several languages to the one in its own, which is there then
        up += f"/index.{run['lang']}.html" if run["others"] else "/index.html"
    return _render(
        "run.html.j2",
        run=run,
        sets=scorecard.pages(run, answers or {}),
        counts=counts(run),
        lang=run["lang"],
        up=up,
        others=run["others"],
        card=card,
    )


def of_all(top: Path, lang: str = "en") -> dict[str, str]:
    """File and text of the indexes over every published run below `top`, newest first, by study.

    index.html is in `lang`. Where there are runs in several languages, each has one more, such as
    index.zh.html.
    """
    folders = [top, *sorted(f for f in top.iterdir() if f.is_dir())] if top.is_dir() else []
    runs = [
        {**run, "path": place.relative_to(top).as_posix()}
        for folder in folders
        for place, run in history.of(folder).items()
        if "begun" in run and not run["about"]["internal"]
    ]
    runs.sort(key=lambda r: (r["begun"], r["path"]), reverse=True)
    known = sorted(languages(runs))
    if len(known) < 2:
        return {"index.html": _of_all(runs, lang, [])}
    own = {k: f"index.{k}.html" for k in known}
    made = {own[k]: _of_all(runs, k, [(o, own[o]) for o in known if o != k]) for k in known}
    others = [(o, own[o]) for o in known if o != lang]
    return made | {"index.html": made[own[lang]] if lang in own else _of_all(runs, lang, others)}


def says(run: Mapping[str, Any], answers: Mapping[str, Any]) -> dict[str, str]:
    """What the index over all studies says of a run in one language: claim, detail, size."""
    card = scorecard.of(run, answers)
    first = [f.record for f in card["summary"][:1]]
    kept = {k: r[k] for r in first for k in ("claim", "detail") if r.get(k)}
    return kept | {"n": card["n"]}


def _said(run: Mapping[str, Any]) -> dict[str, str]:
    """What the run says first; of a run that did not note it, the answer of its first page."""
    ok = [p["answer"] for p in run["pages"] if p["status"] == "ok" and p.get("answer")]
    return run.get("says", {}).get(run["lang"]) or {"claim": ok[0] if ok else ""}


def _of_all(runs: list[dict[str, Any]], lang: str, others: list[tuple[str, str]]) -> str:
    studies: dict[str, list[dict[str, Any]]] = {}
    for run in (in_language(r, lang) for r in runs):
        studies.setdefault(run["study"], []).append(
            {**run, "counts": counts(run), "says": _said(run)}
        )
    with context.use(Context(lang=lang)):
        every = dict(sorted(studies.items()))
        return _render("all.html.j2", studies=every, lang=lang, others=others)


def dictionary(
    lang: str, index: str = "index.html", questions: Sequence[Mapping[str, str]] = ()
) -> str:
    """dictionary.html: what was asked, and what the columns of every table mean, in `lang`.

    Parameters
    ----------
    lang : language of the page
    index : the page that it leads back to
    questions : label, wording and scale of the questions whose wording is known
    """
    rows = contract.dictionary(lang)
    parts = [
        (
            i18n.opening(i18n.label(name)),
            i18n.opening(table.meaning[lang]),
            prose.clean(_columns(rows, name)),
        )
        for name, table in contract.TABLES.items()
    ]
    asked = prose.clean(_questions(questions)) if questions else ""
    return _render("dictionary.html.j2", parts=parts, asked=asked, lang=lang, index=index)


def _questions(questions: Sequence[Mapping[str, str]]) -> str:
    rows = [(q["label"], q["wording"], q["scale"]) for q in questions]
    heads = [_("Label"), _("Wording"), _("Scale")]
    return pd.DataFrame(rows, columns=heads).to_html(index=False, border=0)


def glossary(lang: str, index: str = "index.html") -> str:
    """glossary.html: the terms of the reports, in `lang`; it leads to `index`."""
    return _render("glossary.html.j2", parts=terms.parts(), lang=lang, index=index)


def _columns(rows: pd.DataFrame, name: str) -> str:
    part = rows[rows["table"] == name].drop(columns="table")
    part["unit"] = [unit and i18n.label(unit) for unit in part["unit"]]
    part = part.loc[:, (part != "").any()]
    part.insert(1, "meaning", part.pop("meaning"))
    heads = {column: i18n.opening(i18n.heading(column)) for column in part}
    return part.rename(columns=heads).to_html(index=False, border=0)


def counts(run: dict[str, Any]) -> dict[str, int]:
    """How many pages of the run are ok, failed, skipped, not run."""
    return dict(Counter(made["status"] for made in run["pages"]))


def _render(template: str, **values: object) -> str:
    words = {"ok": _("ok"), "failed": _("failed"), "not run": _("not run")}
    words["skipped"] = _("not for this study")
    made = rendering.environment().get_template(template)
    return legible(
        made.render(
            status=words,
            stopped=_stopped,
            pages=_pages,
            day=i18n.day,
            **values,
        )
    )


def _pages(n: int) -> str:
    return i18n.ngettext("{n} page", "{n} pages", n)


def _stopped(mistake: list[Any]) -> str:
    """Where a page stopped; the error itself, for whoever mends it, stands on the page."""
    cell, cells, *_unused = mistake
    if not cell:
        return _("This page is incomplete")
    return _("Cell {number} of {cells} stopped. The page says why.", number=cell, cells=cells)
