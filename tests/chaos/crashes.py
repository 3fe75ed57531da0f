"""Kill, stop and fill up `cx load` and `cx run` at random moments, and look at what they leave.

    python tests/chaos/crashes.py --kills 60          # a part of `make chaos`

After each, the same command is given again: it must end well, with the answers of a run that nobody
disturbed, and leave no process, no half file, no lock and no temporary folder.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import test_batch  # noqa: E402

ROWS = 20_000
COMMANDS = {"load": ["load", "tiny"], "run": ["run", "tiny", "10", "20", "-o", "OUT", "--force"]}
LEFT = (".part-*", ".new*", "*.lock", "*.holder", "*.wal", "*.tmp")


@dataclass
class Site:
    """A project with its own temporary folder; `longest` is how long each command takes."""

    place: Path
    longest: dict[str, float] = field(default_factory=dict)
    right: str = ""

    @property
    def environment(self) -> dict[str, str]:
        mine = {"CX_ROOT": self.place / "project", "TMPDIR": self.place / "tmp"}
        more = {"HOME": self.place / "home", "PYTHONPATH": ROOT, "CX_CHAOS": self.place}
        return os.environ | {k: str(v) for k, v in (mine | more).items()}

    def start(self, name: str, before: Callable[[], None] | None = None) -> subprocess.Popen:
        words = [w.replace("OUT", str(self.place / "project/reports/out")) for w in COMMANDS[name]]
        return subprocess.Popen(
            [sys.executable, "-m", "cxlib.cli", *words],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=before,  # noqa: PLW1509 - limits of the child alone; no thread runs here
        )

    def finish(self, name: str) -> tuple[int, str]:
        process = self.start(name)
        said, _ = process.communicate(timeout=300)
        return process.returncode, said

    def answers(self) -> str:
        """What the pages say and what the reserve holds."""
        import duckdb

        found = (self.place / "project/reports/out/answers.json").read_text("utf-8")
        with duckdb.connect(str(self.reserve), read_only=True) as store:
            sums = store.execute("select sum(hash(responses)) from responses").fetchall()
        return found + str(sums)

    @property
    def reserve(self) -> Path:
        return self.place / "project/data/tiny/reserve.duckdb"

    def processes(self) -> list[int]:
        """Processes that have this site in their environment."""
        mark, found = f"CX_CHAOS={self.place}\0".encode(), []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (folder / "environ").read_bytes():
                    found.append(int(folder.name))
            except OSError:
                continue
        return found

    def left(self) -> list[str]:
        """Files and folders that should not be there when a command is over."""
        whole = [p for pattern in LEFT for p in (self.place / "project").rglob(pattern)]
        return [str(p.relative_to(self.place)) for p in [*whole, *(self.place / "tmp").iterdir()]]


def made(place: Path) -> Site:
    """A site whose study is loaded and run once."""
    site = Site(place)
    folder, notebooks = place / "project/data/tiny", place / "project/notebooks"
    for path in (folder, notebooks, place / "tmp", place / "home"):
        path.mkdir(parents=True)
    (folder / "study.yaml").write_text(test_batch.STUDY)
    rows = [f"r{i},w{i % 2},{'web' if i % 3 else 'shop'},{i % 10 + 1}" for i in range(ROWS)]
    (folder / "answers.csv").write_text("\n".join(["id,wave,channel,satisfied", *rows, ""]))
    for name in ("10_one", "20_two"):
        test_batch.write(notebooks, name, test_batch.ANSWER, test_batch.MORE)
    for name in COMMANDS:
        started = time.monotonic()
        code, said = site.finish(name)
        assert code == 0, said
        site.longest[name] = time.monotonic() - started
    site.right = site.answers()
    return site


def judged(site: Site, name: str, said: str) -> list[str]:
    """What is wrong after a command that was disturbed, and after the same one again."""
    wrong = ["a traceback"] if "Traceback" in said else []
    end = time.monotonic() + 10
    while site.processes() and time.monotonic() < end:
        time.sleep(0.05)
    if alive := site.processes():
        wrong.append(f"{len(alive)} process(es) live on")
    for page in (site.place / "project/reports/out").glob("[12]*.html"):
        if not page.read_text("utf-8").rstrip().endswith("</html>"):
            wrong.append(f"{page.name} is half written")
    code, again = site.finish(name)
    if code:
        wrong.append(f"the same command then ended with {code}: {again.strip()[-200:]}")
    if name == "load":  # pages are of the reserve that was loaded
        code, again = site.finish("run")
        wrong += [f"the run after it ended with {code}: {again.strip()[-200:]}"] if code else []
    if not code and site.answers() != site.right:
        wrong.append("other answers than before")
    if left := site.left():
        wrong.append(f"left: {', '.join(sorted(left)[:4])}")
        _tidied(site)
    return wrong


def _tidied(site: Site) -> None:
    """Take away what was left, so that each trial is judged by its own."""
    for name in site.left():
        path = site.place / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def killed(site: Site, name: str, rng: random.Random) -> list[str]:
    process = site.start(name)
    time.sleep(rng.uniform(0, site.longest[name]))
    os.killpg(process.pid, signal.SIGKILL)
    said, _ = process.communicate(timeout=60)
    return judged(site, name, said)


def interrupted(site: Site, name: str, rng: random.Random, times: int = 1) -> list[str]:
    process = site.start(name)
    time.sleep(rng.uniform(0.2, 1) * site.longest[name])
    for _ in range(times):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(rng.uniform(0, 0.3))
    said, _ = process.communicate(timeout=60)
    return judged(site, name, "" if times > 1 else said)


def twice(site: Site, name: str, rng: random.Random) -> list[str]:
    return interrupted(site, name, rng, 2)


def full(site: Site, name: str, rng: random.Random) -> list[str]:
    """No file may be longer than so many bytes: as on a full disk, at a moment of its own."""
    size = int(10 ** rng.uniform(2, 6))
    process = site.start(name, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)))
    said, _ = process.communicate(timeout=300)
    wrong = [] if process.returncode in (0, 1, 2, 3) else [f"ended with {process.returncode}"]
    return wrong + judged(site, name, said)


def at_once(site: Site, _name: str, _rng: random.Random) -> list[str]:
    """Two runs, into one folder, and a load."""
    begun = [site.start(n) for n in ("run", "run", "load")]
    ended = [(p.communicate(timeout=300)[0], p.returncode) for p in begun]
    wrong = [f"ended with {c}: {s[-200:]}" for s, c in ended if c not in (0, 2)]
    unclear = [s for s, c in ended if c == 2 and "another" not in s]
    return wrong + [f"unclear: {s[-200:]}" for s in unclear] + judged(site, "run", ended[0][0])


KINDS = {
    "kill -9": killed,
    "SIGINT": interrupted,
    "SIGINT twice": twice,
    "disk full": full,
    "two runs and a load": at_once,
}


def campaign(most: dict[str, int], seconds: float, seed: int) -> int:
    """Disturb so often, for so long at most, and print a table; how many did not hold."""
    rng, tried, held = random.Random(seed), Counter[str](), Counter[str]()
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory(prefix="cx-crash-") as folder:
        site = made(Path(folder))
        for kind in [k for k, n in most.items() for _ in range(n)]:
            if time.monotonic() > end:
                break
            name = rng.choice(list(COMMANDS))
            wrong = KINDS[kind](site, name, rng)
            tried[kind] += 1
            held[kind] += not wrong
            if wrong:
                print(f"{kind}, {name}: {'; '.join(wrong)}", flush=True)
    print(json.dumps({k: [tried[k], held[k]] for k in tried}), flush=True)
    return tried.total() - held.total()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--others", type=int, default=6, help="trials of each other kind")
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    often = {kind: asked.others for kind in KINDS} | {"kill -9": asked.kills}
    often["two runs and a load"] = min(asked.others, 3)
    sys.exit(bool(campaign(often, asked.seconds, asked.seed)))
