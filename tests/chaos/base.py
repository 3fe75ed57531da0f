"""What hostile cases are made of: a case, good answers, and what tears them."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

ROWS = 60


@dataclass(frozen=True)
class Case:
    """Files of one study and what may come of them."""

    name: str  # kind/what
    files: dict[str, bytes] = field(repr=False)
    study: str = field(default="", repr=False)  # study.yaml; empty: `cx new` writes it
    page: bool = False  # make page 10 as well
    words: str = ""  # a text that the loaded rows must hold, or a note say that it may be garbled

    @property
    def kind(self) -> str:
        return self.name.partition("/")[0]

    def write(self, folder: Path) -> list[Path]:
        """Write the files; their paths."""
        paths = [folder / name for name in self.files]
        for path, content in zip(paths, self.files.values(), strict=True):
            path.write_bytes(content)
        return paths


def table(rows: int = ROWS, seed: int = 7) -> pd.DataFrame:
    """Answers of made-up customers."""
    rng = np.random.default_rng(seed)
    number = np.arange(rows)
    return pd.DataFrame(
        {
            "response_id": [f"r{i}" for i in number],
            "customer_id": [f"c{i % 50}" for i in number],
            "answered_on": [f"2026-{i % 6 + 1:02d}-{i % 28 + 1:02d}" for i in number],
            "wave": [f"2026-Q{i % 6 // 3 + 1}" for i in number],
            "channel": rng.choice(["web", "phone", "shop"], rows),
            "weight": np.round(rng.uniform(0.5, 2, rows), 2),
            "recommend": rng.integers(0, 11, rows),
            "speed": rng.integers(1, 6, rows),
            "comment": [f"comment number {i} about delivery" for i in number],
        }
    ).astype(object)


def csv(rows: pd.DataFrame, **how: object) -> bytes:
    return rows.to_csv(index=False, **how).encode("utf-8", "surrogatepass")


def study(columns: dict[str, str] | None = None, **keys: object) -> str:
    """A study.yaml for `answers.csv` with the columns of `table`."""
    mine = {c: c for c in table(1) if c != "comment"} | (columns or {})
    about = {
        "title": "Hostile",
        "source": "made here",
        "licence": "none",
        "tables": {"responses": {"files": "answers.csv", "columns": mine}},
        "items": {
            "recommend": {"label": "Recommend", "scale": [0, 10], "role": "nps"},
            "speed": {"label": "Speed", "scale": [1, 5], "role": "touchpoint"},
        },
        "group": "channel",
    }
    return yaml.safe_dump(about | keys, sort_keys=False, allow_unicode=True)


def mutated(content: bytes, rng: random.Random) -> bytes:
    """The bytes with something torn out, turned, doubled or put in."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 3, 30))):
        at = rng.randrange(len(data) + 1)
        size = rng.choice((1, 2, 8, 300))
        how = rng.randrange(4)
        if how == 0:
            del data[at : at + size]
        elif how == 1:
            data[at : at + size] = rng.randbytes(size)
        elif how == 2:
            data[at:at] = data[at : at + size]
        else:
            data[at:at] = rng.choice((b'"', b"\n", b",", b"\0", b"\xff", b";", b"\r", b"'"))
    return bytes(data) or b"x"
