"""How long a first report takes: `cx new`, `cx load` and `cx run` of a made-up survey.

    python tests/benchmarks/first_report.py             # 10,000 answers to 30 questions
    python tests/benchmarks/first_report.py 2000 00 10  # fewer answers, these pages

Prints the seconds of each step by the wall clock, and of the processors, which a busy machine
changes little. It is a measurement and no test: nothing is asserted.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

PR_SET_CHILD_SUBREAPER = 36  # from linux/prctl.h
PROJECT = Path(__file__).resolve().parents[2]
QUESTIONS = 30
PAGES = ("00", "10", "20")


def survey(answers: int, seed: int = 1) -> pd.DataFrame:
    """A survey with an NPS, ratings of 22 aspects, groups, dates and comments: 30 columns."""
    rng = np.random.default_rng(seed)
    mood = rng.normal(size=answers)

    def rated(low: int, high: int, middle: float) -> np.ndarray:
        drawn = middle + 0.25 * (high - low) * (mood + rng.normal(size=answers)) / 1.4
        return np.clip(np.round(drawn), low, high).astype(int)

    at = pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 180 * 1440, answers), "min")
    complaint = rng.choice(["Delivery was late", "Staff was friendly", "Prices went up"], answers)
    columns = {
        "Response ID": np.arange(1, answers + 1),
        "Date": at.strftime("%Y-%m-%d %H:%M"),
        "How likely are you to recommend us to a friend or colleague?": rated(0, 10, 7.5),
        "Overall, how satisfied are you with us?": rated(1, 5, 3.7),
        "Which region do you live in?": rng.choice(["North", "South", "East", "West"], answers),
        "How old are you?": rng.choice(["under 30", "30 to 49", "50 or older"], answers),
        "Is this your first order with us?": rng.choice(["Yes", "No"], answers),
        "What should we improve?": [f"{c} in week {i % 26}." for i, c in enumerate(complaint)],
    }
    aspects = {
        f"How would you rate the following? - Aspect {i}": rated(1, 5, 3.5)
        for i in range(1, QUESTIONS - len(columns) + 1)
    }
    return pd.DataFrame(columns | aspects)


def adopt_orphans() -> None:
    """Become the parent of processes whose own has ended, as pages' have, to count them too."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def processors() -> float:
    """Seconds that the processors worked for processes begun here, and begun by these."""
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measured(answers: int, pages: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    """Seconds of each step, by the wall and of the processors, in a project of its own."""
    seconds = {}
    adopt_orphans()
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        (root / "data").mkdir()
        (root / "notebooks").symlink_to(PROJECT / "notebooks")
        file = root / "answers.csv"
        survey(answers).to_csv(file, index=False)
        steps = {
            "new": ["new", "first", str(file), "--yes"],
            "load": ["load", "first"],
            "run": ["run", "first", *pages],
        }
        for step, words in steps.items():
            begun, worked = time.perf_counter(), processors()
            subprocess.run(
                [sys.executable, "-m", "cxlib.cli", *words],
                env={**os.environ, "CX_ROOT": str(root)},
                cwd=PROJECT,
                check=True,
                stdout=subprocess.DEVNULL,
            )
            seconds[step] = time.perf_counter() - begun, processors() - worked
    return seconds


if __name__ == "__main__":
    given = sys.argv[1:]
    count = int(given[0]) if given else 10_000
    taken = measured(count, tuple(given[1:]) or PAGES)
    for name, (wall, worked) in taken.items():
        print(f"{name:6}{wall:7.1f} s, processors {worked:7.1f} s")
    wall, worked = map(sum, zip(*taken.values(), strict=True))
    print(
        f"total {wall:7.1f} s, processors {worked:7.1f} s: {count:,} answers, {QUESTIONS} questions"
    )
