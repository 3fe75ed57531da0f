"""Files as nobody should bring them: seeded, each with what `cx` may make of it.

    for case in cases(seed=1): case.write(folder)      # the files of a study, or a study.yaml

A case is held by a clear error, or by a load whose rows are those of `truth`. Nothing here is
anybody's data; bombs are written small and would unpack to more than the limits of the campaign.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import pandas as pd
import yaml
from chaos.base import Case, csv, mutated, study, table
from chaos.files import archives, bombs, others, workbook, workbooks, zipped
from chaos.texts import LETTERS, encodings, names, numbers, raw_bytes, shapes, values

__all__ = ["LETTERS", "Case", "cases", "csv", "study", "table", "workbook", "zipped"]


def cases(seed: int = 1, kinds: Sequence[str] = ()) -> Iterator[Case]:
    """The cases of some kinds, or all, in an order that does not change."""
    for kind in KINDS:
        if not kinds or kind.__name__ in kinds:
            yield from kind(random.Random(seed))


def studies(rng: random.Random) -> Iterator[Case]:
    """study.yaml as nobody should write it."""
    good, files = study(), {"answers.csv": csv(table())}
    laughs = "\n".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10 if i else ['x'])}]" for i in range(12)
    )
    odd = {
        "alias-bomb": laughs + "\n" + good,
        "alias-bomb-in-title": laughs + "\ntitle: *a11\n",
        "merge-bomb": "\n".join(
            f"m{i}: &m{i} {{<<: [{', '.join([f'*m{i - 1}'] * 9)}]}}" if i else "m0: &m0 {a: 1}"
            for i in range(10)
        ),
        "recursive": "title: &a [*a]\n" + good,
        "recursive-map": "a: &a {b: *a}\n" + good,
        "python-tag": "title: !!python/object/apply:os.system ['touch pwned']\n",
        "python-name": "title: !!python/name:os.system\n",
        "other-tag": "title: !evil x\n" + good,
        "binary": "title: !!binary aGVsbG8=\n" + good.partition("\n")[2],
        "set": "title: !!set {a, b}\n",
        "brackets": "title: " + "[" * 100_000 + "]" * 100_000,
        "braces": "title: " + "{a: " * 100_000 + "}" * 100_000,
        "dashes": "- " * 100_000,
        "indents": "\n".join(" " * i + "a:" for i in range(2000)),
        "quotes": "title: " + '"' * 99_999,
        "long-title": good.replace("Hostile", "x" * 5_000_000),
        "keys": "\n".join(f"k{i}: 1" for i in range(100_000)),
        "items": study(items={f"q{i}": {"label": "x", "scale": [0, 10]} for i in range(5000)}),
        "same-key": good + "title: again\n",
        "list-key": "? [a, b]\n: c\n" + good,
        "map-key": "? {a: b}\n: c\n" + good,
        "null-key": "~: c\n" + good,
        "bool-key": "true: c\n" + good,
        "documents": good + "---\n" + good,
        "directive": "%YAML 9.9\n---\n" + good,
        "tag-directive": "%TAG ! tag:evil,2000:\n---\n" + good,
        "nul": good.replace("Hostile", "a\0b"),
        "escape": good.replace("Hostile", "\x1b[31mred\x1b]0;x\x07"),
        "escape-written": good.replace("Hostile", '"\\e[31mred\\a"'),
        "bidi": good.replace("Hostile", "\u202egnp"),
        "tabs": good.replace("  ", "\t"),
        "empty": "",
        "only-comment": "# x\n",
        "scalar": "x",
        "list": "[1, 2]",
        "number": "5",
        "huge-number": good.replace("[0, 10]", "[0, 1e999]").replace("- 10", "- " + "9" * 5000),
        "nan-scale": good.replace("- 10", "- .nan"),
        "inf-scale": good.replace("- 10", "- .inf"),
        "reversed-scale": good.replace("- 10", "- -10"),
        "up": study().replace("answers.csv", "../../outside.csv"),
        "root": study().replace("answers.csv", "/etc/passwd"),
        "home": study().replace("answers.csv", "~/.bashrc"),
        "device": study().replace("answers.csv", "/dev/zero"),
        "glob": study().replace("answers.csv", "**/*"),
        "itself": study().replace("answers.csv", "study.yaml"),
        "folder": study().replace("answers.csv", "."),
        "url-file": study().replace("files: answers.csv", "files: [{from: 'file:///etc/passwd'}]"),
        "query": study().replace("files: answers.csv", "files: [{file: answers.csv, query: 'x'}]"),
        "encoding": study().replace(
            "files: answers.csv", "files: [{file: answers.csv, encoding: idna}]"
        ),
        "encoding-zip": study().replace(
            "files: answers.csv", "files: [{file: answers.csv, encoding: zip}]"
        ),
        "header-far": study().replace(
            "files: answers.csv", "files: [{file: answers.csv, header: 99999999}]"
        ),
        "skip-all": study().replace(
            "files: answers.csv", "files: [{file: answers.csv, skip_last: 99999999}]"
        ),
        "delimiter": study().replace(
            "files: answers.csv", "files: [{file: answers.csv, delimiter: '\"'}]"
        ),
        "delimiter-nul": study().replace(
            "files: answers.csv", 'files: [{file: answers.csv, delimiter: "\\0"}]'
        ),
    }
    derived = (
        *("1/0", "repeat('x', 1e12)", "lpad('x', 2000000000, 'y')", "a" * 100_000, "(" * 50_000),
        *("speed + " * 3000 + "1", "not " * 20_000 + "true", "read_text('/etc/passwd')", "''", ""),
        *("9" * 400 + " * 9", "exp(1e9)", "-" * 5000 + "1", "regexp_replace(wave, '(a*)*b', 'x')"),
    )
    for k, how in enumerate(derived):
        both = {"derive": {"weight": how}}, {"only": how}
        for key in both:
            made = yaml.safe_load(good)
            made["tables"]["responses"] |= key
            if "derive" in key:
                made["tables"]["responses"]["columns"].pop("weight")
            odd[f"{next(iter(key))}-{k}"] = yaml.safe_dump(made)
    for name, text in odd.items():
        yield Case(f"study/{name}", files, text or "\n")
    yield Case("study/utf-16", files, good.encode("utf-16").decode("latin-1"))
    for k in range(40):
        torn = mutated(good.encode(), rng).decode("utf-8", "replace")
        yield Case(f"mutated/study-{k}", files, torn)
    reasons = ["price", "moved", "count", "$x$", "<b>", "n", "{0}", "=1", "\u200b", "other"]
    people = pd.DataFrame({"customer_id": [f"c{i}" for i in range(50)]})
    people["joined_on"], people["left_on"] = "2020-01-01", ["2026-03-01", ""] * 25
    people["reason"] = [reasons[i % 10] for i in range(50)]
    tables = yaml.safe_load(good)["tables"]
    mine = {"customer_id": "customer_id", "joined_on": "joined_on", "left_on": "left_on"}
    tables["customers"] = {"files": "people.csv", "columns": mine, "keep": ["reason"]}
    for kind in ("customer", "company"):
        churn = {"reasons": "reason", "beyond": [reasons[1] if kind == "customer" else "x"]}
        text = study(tables=tables, churn=churn)
        yield Case(f"study/reasons-{kind}", files | {"people.csv": csv(people)}, text, page=True)


KINDS = (
    *(encodings, raw_bytes, names, values, numbers, shapes, studies),
    *(workbooks, archives, others, bombs),
)
