"""Payloads in every text of a study, in pages that a real browser opens: none runs, none leaves.

python tests/chaos/injection.py            # a part of `make chaos`; needs chromium, chromedriver
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

SEEN = "window.ran = number => (window.hits = window.hits || []).push(number)"
AFTER = """document.querySelectorAll('details').forEach(d => d.open = true);
const all = [...document.querySelectorAll('*')];
for (const e of all) for (const kind of ['mouseover', 'focus', 'toggle', 'error', 'load'])
  e.dispatchEvent(new Event(kind));
const armed = all.flatMap(e => [...e.attributes].filter(a => /^\\s*javascript:/i.test(a.value)
  || a.name.startsWith('on') && a.value.includes('ran(')).map(a => e.outerHTML.slice(0, 200)));
const shown = all.filter(e => !e.matches('script, style')).flatMap(e => [
  ...[...e.attributes].map(a => a.value), ...[...e.childNodes].filter(n => n.nodeType === 3).map(n => n.data)]);
const numbers = [...shown.join(' ').matchAll(/ran\\((\\d+)\\)|0\\.1:9\\/(\\d+)/g)].map(m => Number(m[1] ?? m[2]));
return [window.hits || [], armed, [...new Set(numbers)]]"""
PAYLOADS = (  # {js} calls a function that counts, {url} is a server that nobody should ask
    *("<script>{js}</script>", '"><script>{js}</script>', "</script><script>{js}</script>"),
    *("</style><script>{js}</script>", "</title><script>{js}</script>", "]]><script>{js}</script>"),
    *(
        "</textarea><script>{js}</script>",
        "--><script>{js}</script>",
        "<!--><img src=x onerror={js}>-->",
    ),
    *("<img src=x onerror={js}>", "'><img src=x onerror='{js}'>", "<img/src=x/onerror={js}>"),
    *(
        "<svg onload={js}>",
        "<svg/onload={js}//",
        "<svg><animate onbegin={js} attributeName=x dur=1s>",
    ),
    *(
        "</text></svg><img src=x onerror={js}>",
        "</tspan><script>{js}</script>",
        "<body onload={js}>",
    ),
    *("<iframe srcdoc='<script>parent.{js}</script>'>", "<iframe src=javascript:parent.{js}>"),
    *('<a href="javascript:{js}">x</a>', "[x](javascript:{js})", "![x]({url})", "<{url}>"),
    *('<img src="{url}">', '<link rel=stylesheet href="{url}">', "<style>@import '{url}';</style>"),
    *(
        '<meta http-equiv=refresh content="0;url={url}">',
        '<base href="{url}">',
        "@import url({url});",
    ),
    *(
        '<object data="{url}">',
        '<embed src="{url}">',
        '<video poster="{url}">',
        '<audio src="{url}">',
    ),
    *(
        '<svg><image href="{url}"/></svg>',
        '<svg><use href="{url}#x"/></svg>',
        "<input src={url} type=image>",
    ),
    *("<details open ontoggle={js}>", "<input autofocus onfocus={js}>", "<marquee onstart={js}>"),
    *('x" onmouseover="{js}" style="position:fixed', "x' onfocus='{js}' autofocus tabindex='0"),
    *(
        "` onload={js} `",
        "${{{js}}}",
        "{{{{ {js} }}}}",
        "{{% {js} %}}",
        "%3Cscript%3E{js}%3C/script%3E",
    ),
    *(
        "&lt;script&gt;{js}&lt;/script&gt;",
        "&#60;img src=x onerror={js}&#62;",
        r"\u003cscript\u003e{js}",
    ),
    *(
        "<scr<script>ipt>{js}</scr</script>ipt>",
        "<SCRIPT SRC={url}></SCRIPT>",
        "<script\n>{js}</script\n>",
    ),
    *(
        '<math><mi xlink:href="javascript:{js}">',
        r"$\href{{javascript:{js}}}{{x}}$",
        "$$</p><img src=x onerror={js}>$$",
    ),
    *(
        "<noscript><p title='</noscript><img src=x onerror={js}>'>",
        "<template><img src={url}></template>",
    ),
    *(
        '<div style="background:url({url})">',
        '=HYPERLINK("{url}")',
        "<form action={url}><button autofocus>",
    ),
)
PAGES = ("00", "10", "12", "20", "21", "23", "27", "41", "payloads")


def texts(address: str, seed: int) -> Iterator[str]:
    """Payloads without end, each with a number of its own."""
    order = list(PAYLOADS)
    random.Random(seed).shuffle(order)
    for number, payload in enumerate(itertools.cycle(order)):
        yield payload.format(js=f"ran({number})", url=f"{address}/{number}")


def write(root: Path, made: Iterator[str]) -> list[str]:
    """A project with payloads in its texts; the channel of each, in their order."""
    used: list[str] = []

    def some(channel: str, most: int = 1) -> list[str]:
        used.extend([channel] * most)
        return list(itertools.islice(made, most))

    def both(channel: str) -> dict[str, str]:
        return dict(zip(("en", "zh"), some(channel, 2), strict=True))

    study, own = root / "data" / "case", root / "notebooks" / "my"
    for folder in (study, own):
        folder.mkdir(parents=True)
    for page in (ROOT / "notebooks").glob("*.ipynb"):
        (root / "notebooks" / page.name).write_bytes(page.read_bytes())
    rng = np.random.default_rng(3)
    number, [file] = np.arange(600), some("file names")
    file = file.replace("/", "\u2215") + ".csv"
    rows = pd.DataFrame({"id": [f"r{i}" for i in number]})
    rows["at"] = [f"2026-{i % 6 + 1:02d}-{i % 28 + 1:02d}" for i in number]
    rows["wave"] = [some_wave[i % 2] for i in number] if (some_wave := some("waves", 2)) else ""
    branches = some("units", 4)
    for column, levels in (("channel", some("groups", 4)), ("region", branches)):
        rows[column] = [levels[i] for i in rng.integers(0, len(levels), len(rows))]
    for column in ("recommend", "speed", "price"):
        rows[column] = rng.integers(1, 11, len(rows))
    rows.to_csv(study / file, index=False)
    said = some("comments", 60)
    remarks = pd.DataFrame({"comment_id": range(600), "response_id": rows["id"]})
    remarks["text"] = [f"The delivery was late and rude {said[i % len(said)]}" for i in number]
    remarks["score"], remarks["at"] = rows["recommend"], rows["at"]
    remarks.to_csv(study / "comments.csv", index=False)
    names = some("actions", 30)
    actions = pd.DataFrame({"action_id": [f"a{i}" for i in range(10)], "problem": names[:10]})
    actions["owner"], actions["about"] = names[10:20], names[20:]
    actions["class"], actions["level"], actions["status"] = "process", "team", "started"
    actions["begun_on"], actions["due_on"], actions["cost"] = "2026-01-01", "2026-02-01", 5
    actions["measure"], actions["predicted"] = "NPS", 3
    actions.to_csv(study / "actions.csv", index=False)
    topics = {"late": {"label": both("topics.yaml"), "group": "all"}}
    about = {
        "topics": topics,
        "groups": {"all": both("topics.yaml")},
        "found": {t: "late" for t in some("topics.yaml", 4)},
    }
    (study / "topics.yaml").write_text(yaml.safe_dump(about, allow_unicode=True), "utf-8")
    columns = {"response_id": "id", "answered_on": "at", "wave": "wave"}
    remarked = {c: c for c in remarks}
    items = {
        c: {"label": both("labels"), "wording": both("labels"), "scale": [1, 10], **more}
        for c, more in (
            ("recommend", {"scale": [0, 10], "role": "nps"}),
            ("speed", {"role": "touchpoint"}),
            ("price", {"role": "touchpoint"}),
        )
    }
    text = {
        "title": both("titles"),
        "about": both("titles"),
        "source": some("titles")[0],
        "licence": some("titles")[0],
        "tables": {
            "responses": {
                "files": file,
                "columns": columns | {c: c for c in items},
                "keep": ["channel", "region"],
            },
            "comments": {"files": "comments.csv", "columns": remarked},
            "actions": {"files": "actions.csv", "columns": {c: c for c in actions}},
        },
        "labels": {"channel": both("labels"), "region": both("labels")},
        "items": items,
        "group": "channel",
        "outcome": "recommend",
        "benchmarks": [
            {"measure": "nps", "value": 30, "n": 900, "source": a, "industry": b, "period": c}
            for a, b, c in [some("benchmarks", 3)]
        ],
        "organisation": {
            "column": "region",
            "units": dict.fromkeys(top := some("units", 2))
            | dict(zip(branches, top * 2, strict=True)),
        },
        "topics": {
            "late": {"label": both("topics"), "words": {"en": ["late"]}},
            "rude": {"label": both("topics"), "words": {"en": ["rude"]}},
        },
        "reporting": {"languages": ["en", "zh"], "smallest_cell": 0},
    }
    (study / "study.yaml").write_text(yaml.safe_dump(text, allow_unicode=True), "utf-8")
    _notebook(own / "payloads.ipynb", some("own notebooks", 40))
    return used


def relabel(root: Path, made: Iterator[str]) -> list[str]:
    """The sample as study "labels" of the project, a payload for each text in two languages."""
    used: list[str] = []

    def changed(value: Any, channel: str) -> Any:
        if isinstance(value, list):
            return [changed(v, channel) for v in value]
        if not isinstance(value, dict):
            return value
        if set(value) == {"en", "zh"} and {str} == {type(v) for v in value.values()}:
            used.extend([channel] * 2)
            return dict(zip(value, made, strict=False))
        return {k: changed(v, channel) for k, v in value.items()}

    study = root / "data" / "labels"
    study.mkdir()
    for file in (ROOT / "data" / "sample").glob("*.csv.gz"):
        (study / file.name).write_bytes(file.read_bytes())
    about = yaml.safe_load((ROOT / "data" / "sample" / "study.yaml").read_text("utf-8"))
    about = {key: changed(value, f"{key} of the sample") for key, value in about.items()}
    pages = (ROOT / "notebooks").glob("*.ipynb")
    about["reports"] = {
        p.stem: {"DRAWS": 100} if "DRAWS: int" in p.read_text("utf-8") else {} for p in pages
    }
    (study / "study.yaml").write_text(yaml.safe_dump(about, allow_unicode=True), "utf-8")
    return used


def _notebook(path: Path, texts: Sequence[str]) -> None:
    """A notebook of a user: payloads in its title, prose, comments, outputs and figure."""
    asked = 'STUDY: str = "case"  # folder under data/\nLANG: str = "en"  # (one of: en, zh)\n'
    asked += f"WORD: str = {texts[0]!r}  # {texts[1]!r}\n"
    cells = [
        new_markdown_cell(f"# {texts[2]}\n\n{texts[3]}"),
        new_code_cell(asked, metadata={"tags": ["parameters"]}),
        new_code_cell(
            "import pandas as pd\nfrom cxlib import plots, report, reserve\n"
            "from cxlib.core.result import Result\nplots.use_house_style()\n"
            f"study = reserve.open(STUDY, lang=LANG)\nsaid = {list(texts[4:])!r}"
        ),
        new_code_cell("print(*said, WORD, sep='\\n')"),
        new_code_cell("pd.DataFrame({said[0]: said}).rename_axis(said[1])"),
        new_code_cell(
            "table = pd.DataFrame({'term': said, 'estimate': 1.0, 'low': 0.5, 'high': 1.5, 'n': 99})\n"
            "fit = Result(table, said[2], notes=said[3:6])\nreport.add(said[6], fit)\nfit"
        ),
        new_code_cell("plots.intervals(table.head(6), title=said[7]);"),
        new_code_cell("report.comments(pd.Series(said * 9), most=len(said))"),
        new_code_cell("raise ValueError(said[8])", metadata={"tags": ["raises-exception"]}),
    ]
    about = {"cxlib": {"needs": ["responses"], "title": {"en": texts[2], "zh": texts[9]}}}
    nbformat.write(new_notebook(cells=cells, metadata=about), path)


def run(root: Path, *asked: Sequence[str]) -> tuple[list[Path], list[str]]:
    """The HTML files of the runs that are asked for, by the words of `cx run`; which ended badly."""
    out, wrong = root / "reports" / "out", []
    for k, words in enumerate(asked):
        done = subprocess.run(
            [sys.executable, "-m", "cxlib.cli", "run", *words, "-o", str(out / str(k))],
            env=os.environ | {"CX_ROOT": str(root), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        print((done.stdout + done.stderr)[-1000:])
        # The notebook of a user has a cell that fails.
        if done.returncode not in ((0, 1) if "payloads" in words else (0,)):
            wrong.append(f"cx run {' '.join(words)} ended with {done.returncode}")
    return sorted(out.rglob("*.html")), wrong


def judged(browser: Any, file: Path) -> tuple[list[str], set[int]]:
    """What ran or was asked for when the page was opened, moved over and unfolded.

    With the numbers of the payloads that are in its texts.
    """
    import test_browser

    test_browser.opened(browser, file)
    hits, armed, shown = browser.execute_script(AFTER)
    wrong = [f"{file.name}: payload {hit} ran" for hit in hits]
    wrong += [f"{file.name}: a browser would run {text}" for text in armed]
    wrong += [f"{file.name}: asks for {url}" for url in test_browser.requests_of(browser)]
    return wrong, set(shown)


def campaign(seed: int) -> int:
    """Open all pages and print what was tried; how many texts did not stay texts."""
    import test_browser

    seen: set[int] = set()
    with tempfile.TemporaryDirectory(prefix="cx-inject-") as folder:
        root, made = Path(folder), texts("http://127.0.0.1:9", seed)
        channels = write(root, made)
        condition, word = "channel <> '{}'".format(next(made).replace("'", "''")), next(made)
        channels += ["WHERE", "parameters"]
        channels += relabel(root, made)
        files, wrong = run(
            root,
            ["case", "--lang", "en,zh", *PAGES],
            ["case", "--by", "channel", "10"],
            ["case", "-p", f"WHERE={condition}", "10"],
            ["case", "-p", f"WORD={word}", "payloads"],
            ["labels", "--lang", "en,zh"],
        )
        for browser in test_browser.started():
            browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": SEEN})
            for file in files:
                mistakes, shown = judged(browser, file)
                wrong += mistakes
                seen |= shown
    print(*wrong, sep="\n")
    tried, reached = Counter(channels), Counter(channels[k] for k in seen)
    print("| texts | payloads | on a page |\n|---|---|---|")
    for channel, count in tried.items():
        print(f"| {channel} | {count} | {reached[channel]} |")
    print(f"| all | {tried.total()} | {reached.total()} |")
    print(f"{len(files)} pages: {len(wrong)} did not hold.")
    return len(wrong)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    sys.exit(bool(campaign(parser.parse_args().seed)))
