"""Try all hostile cases, each in a process of its own with limits, and print what held.

    python tests/chaos/campaign.py                       # `make chaos`
    python tests/chaos/campaign.py --only names study    # some kinds; --list FILE keeps what failed

A case is held when every command ends within the limits of time and memory, without a traceback,
with a message where it fails, and with nothing written outside the project. Time is that of the processor:
other work on the machine does not count.
"""

from __future__ import annotations

import argparse
import atexit
import ctypes
import itertools
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import util
from pathlib import Path

from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from chaos import hostile  # noqa: E402

SECONDS, BYTES = 60, 4 << 30
HANGS = 20 * SECONDS  # by the clock: other work may leave a case a twentieth of the processor
CODES = {0, 2, 3, 4, 5}  # of `cx`: done, mistake, cannot go on, losses, not published
PAGE = "10_how_satisfied_are_customers.ipynb"
UNEXPECTED = "`cx --debug ...` shows where"  # follows an error that nobody worded


@dataclass(frozen=True)
class Outcome:
    """What became of a case."""

    case: str
    mistakes: tuple[str, ...]  # empty: held
    seconds: float
    megabytes: int
    loaded: bool


def attempt(case: hostile.Case, place: Path) -> Outcome:
    """Run the commands on the case in a child below `place`, and judge what they left."""
    home, project = place / "home", place / "project"
    folder = project / "data" / "case"
    for made in (home / "tmp", folder, project / "notebooks"):
        made.mkdir(parents=True)
    shutil.copy(ROOT / "notebooks" / PAGE, project / "notebooks")
    paths = case.write(folder if case.study else home)
    if case.study:
        (folder / "study.yaml").write_text(case.study, "utf-8", "replace")
    before = _listed(home)
    started = time.monotonic()
    child = os.fork()
    if not child:
        _as_child(case, place, paths)
    status, used, late = _waited(child, started + HANGS)
    mistakes = _judged(case, place, status, late)
    if more := _listed(home) - before - {home / "codes.json", home / "said.txt"}:
        mistakes.append(f"left outside the project: {', '.join(str(p) for p in sorted(more)[:3])}")
    loaded = (folder / "reserve.duckdb").exists()
    seconds = used.ru_utime + used.ru_stime
    return Outcome(case.name, tuple(mistakes), seconds, used.ru_maxrss >> 10, loaded)


def _listed(home: Path) -> set[Path]:
    return {p for p in home.parent.rglob("*") if p.relative_to(home.parent).parts[0] != "project"}


def _waited(child: int, end: float) -> tuple[int, resource.struct_rusage, bool]:
    late = False
    while True:
        done, status, used = os.wait4(child, os.WNOHANG)
        if done:
            return status, used, late
        if time.monotonic() > end and not late:
            late = True
            os.killpg(child, signal.SIGKILL)
        time.sleep(0.01)


def commands(case: hostile.Case, paths: Sequence[Path]) -> list[list[str]]:
    """What is typed: a draft, a check, a load, a page."""
    first = [] if case.study else [["new", "case", "--yes", *map(str, paths)]]
    last = [["run", "case", "10", "-p", "DRAWS=200", "--jobs", "1"]] if case.page else []
    return [*first, ["list"], ["check", "case"], ["load", "case"], *last]


def _as_child(case: hostile.Case, place: Path, paths: Sequence[Path]) -> None:
    """Run the commands; leaves the process."""
    home, codes = place / "home", []
    try:
        os.setsid()
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # ends with us (PR_SET_PDEATHSIG)
        os.chdir(home)
        os.environ |= {"HOME": str(home), "TMPDIR": str(home / "tmp"), "CX_CACHE": str(home / "c")}
        os.environ["CX_ROOT"] = str(place / "project")
        # matplotlib lists the fonts of the machine once, for all cases.
        os.environ["MPLCONFIGDIR"] = str(Path(tempfile.gettempdir()) / "cx-chaos-fonts")
        os.environ.pop("CX_MIRROR", None)
        tempfile.tempdir = None
        with open(home / "said.txt", "wb") as out:
            os.dup2(out.fileno(), 1)
            os.dup2(out.fileno(), 2)
        resource.setrlimit(resource.RLIMIT_DATA, (BYTES, BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        from cxlib.cli import main

        for words in commands(case, paths):
            print(f"$ cx {words[0]}", flush=True)
            started = _work()
            try:
                main(words, standalone_mode=True, prog_name="cx")
            except SystemExit as end:
                codes.append((words[0], int(end.code or 0), _work() - started))
            sys.stdout.flush()
            (home / "codes.json").write_text(json.dumps(codes))
            if words[0] == "new" and codes[-1][1]:
                break
    except BaseException:  # what no command caught is what we look for
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        util._exit_function()  # as at the end of a program: it takes its temporary folder away
        os._exit(0)


def _work() -> float:
    """Seconds of the processor so far, with those of processes that ended."""
    return sum(os.times()[:4])


def _judged(case: hostile.Case, place: Path, status: int, late: bool) -> list[str]:
    """What is wrong with how the commands ended and with what they said."""
    home = place / "home"
    said = (home / "said.txt").read_text("utf-8", "replace")
    codes = json.loads((home / "codes.json").read_text()) if (home / "codes.json").exists() else []
    found = [f"took longer than {HANGS} s"] if late else []
    if status and not late:
        found.append(f"ended by {signal.Signals(os.WTERMSIG(status)).name}")
    if "Traceback (most recent call last)" in said:
        found.append("traceback: " + said.strip().splitlines()[-1][:160])
    if UNEXPECTED in said:
        lines = [x for x in said.splitlines() if x.startswith("cx: ") and UNEXPECTED not in x]
        found.append(f"not worded: {lines[-1][:160] if lines else said[-160:]}")
    in_question = ["load", 4] in [
        one[:2] for one in codes
    ]  # of such data a page fails, and says why
    for verb, code, seconds in codes:
        if seconds > SECONDS:
            found.append(f"{verb} took {seconds:.0f} s")
        if code not in CODES | ({1} if in_question else set()):
            found.append(f"{verb} ended with {code}: {_last(said)}")
    if "\x1b" in said or "\x07" in said or "\u202e" in said:
        found.append("codes for the terminal were printed")
    if max((len(line) for line in said.splitlines()), default=0) > 5000:
        found.append("a line of more than 5,000 characters was printed")
    if case.words and not _right_words(case, place, said, codes):
        found.append("other words are in the reserve, and nothing says so")
    return found


def _last(said: str) -> str:
    return (said.strip().splitlines() or [""])[-1][:160]


def _right_words(case: hostile.Case, place: Path, said: str, codes: list) -> bool:
    """Whether what was loaded is what was written, or its encoding is said to be a guess."""
    if any(code == 2 for _verb, code, _seconds in codes):
        return True
    language = case.name.rpartition("-")[2]
    text = hostile.LETTERS[language][:6].strip()
    file = place / "project" / "data" / "case" / "reserve.duckdb"
    import duckdb

    with duckdb.connect(str(file), read_only=True) as store:
        tables = store.execute("show tables").fetchall()
        cells = [str(store.execute(f'from "{t}" limit 5').fetchall()) for (t,) in tables]
    return any(text in c for c in cells) or "`encoding:`" in " ".join(said.split())


def _tried(case: hostile.Case, keep: Path | None) -> Outcome:
    """The outcome of a case; told where it is worth a look, with what was said kept."""
    with tempfile.TemporaryDirectory(prefix="cx-chaos-") as folder:
        outcome = attempt(case, Path(folder))
        if outcome.mistakes and keep:
            keep.mkdir(exist_ok=True)
            said = Path(folder, "home", "said.txt")
            shutil.copy(said, keep / f"{case.name.replace('/', '.')}.txt")
    if outcome.mistakes or outcome.seconds > 20 or outcome.megabytes > 2000:
        used = f"{outcome.seconds:.1f} s, {outcome.megabytes} MB"
        print(f"{case.name}: {used}, {'; '.join(outcome.mistakes) or 'held'}", flush=True)
    return outcome


def campaign(asked: argparse.Namespace) -> int:
    """Try the cases and print a table; the number that did not hold."""
    from cxlib.batch import preload  # noqa: F401  (imports all that pages use, and no thread)
    from cxlib.data.intake import drafts  # noqa: F401

    atexit.unregister(os._exit)  # of `preload`: it would lose the table and the exit code
    tqdm.monitor_interval = 0  # a thread, beside which no case should be forked
    tried: Counter[str] = Counter()
    held: Counter[str] = Counter()
    worst = {"seconds": 0.0, "megabytes": 0}
    try:
        cases = hostile.cases(asked.seed, asked.only)
        for case in tqdm(itertools.islice(cases, asked.first, None, asked.every), mininterval=5):
            if asked.case and case.name not in asked.case:
                continue
            outcome = _tried(case, asked.keep)
            tried[case.kind] += 1
            held[case.kind] += not outcome.mistakes
            worst["seconds"] = max(worst["seconds"], outcome.seconds)
            worst["megabytes"] = max(worst["megabytes"], outcome.megabytes)
    except KeyboardInterrupt:
        print("Stopped: the table is of the cases before.")
    print("\n| kind | tried | held |\n|---|---|---|")
    for kind in tried:
        print(f"| {kind} | {tried[kind]} | {held[kind]} |")
    print(f"| all | {tried.total()} | {held.total()} |")
    print(f"\nLongest {worst['seconds']:.0f} s, most memory {worst['megabytes']:,} MB.")
    return tried.total() - held.total()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", nargs="*", default=[], help="generators of `hostile`")
    parser.add_argument("--keep", type=Path, help="folder for what was said where it did not hold")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--case", nargs="*", default=[], help="cases by name, such as study/braces")
    parser.add_argument("--every", type=int, default=1, help="only each so manieth case ...")
    parser.add_argument("--first", type=int, default=0, help="... beginning with this one")
    asked = parser.parse_args()
    sys.exit(bool(campaign(asked)))
