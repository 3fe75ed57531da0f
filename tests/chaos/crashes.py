"""Kill, stop and fill up `cx load` and `cx run` at random moments, and look at what they leave.

    python tests/chaos/crashes.py                      # a part of `make chaos`

After each, the same command is given again: it must end well, with the answers of a run that nobody
disturbed, and leave no process, no half file, no lock and no temporary folder.

Commands, their fork server and their pages are forked from here, where all that they use is imported:
a trial takes the time of its work alone. For root the project lies on a small disk in memory.
"""

from __future__ import annotations

import argparse
import atexit
import ctypes
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import util
from pathlib import Path
from typing import NoReturn

import psutil
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import test_batch  # noqa: E402

ROWS = 20_000
DISK = 200 << 20  # bytes
RUN = ["run", "tiny", "10", "20", "-o", "OUT"]
COMMANDS = {"load": ["load", "tiny"], "run": [*RUN, "--force"], "resumed": RUN}
LEFT = (".part-*", ".new*", "*.lock", "*.holder", "*.wal", "*.tmp")
FOLDERS = ("data/tiny", "data", "notebooks", "reports", "reports/out", ".", "../home", "../tmp")
SUBREAPER, CAPABILITIES = 36, 0x20080522  # of prctl; the version of capset's structures


class Child:
    """`cx` in a process that is forked from here, in a session of its own."""

    def __init__(self, words: Sequence[str], site: Site, before: Callable[[], None] | None) -> None:
        self.said = site.outside / f"said-{time.monotonic_ns()}.txt"
        self.returncode: int | None = None
        sys.stdout.flush()
        self.pid = os.fork()
        if not self.pid:
            self._become(words, site, before)

    def _become(
        self, words: Sequence[str], site: Site, before: Callable[[], None] | None
    ) -> NoReturn:
        code = 1
        try:
            os.setsid()
            signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may ignore it
            atexit._clear()  # what this process would tidy up at its end is not the child's
            out = os.open(self.said, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(out, 1)
            os.dup2(out, 2)
            os.environ |= site.environment
            os.chdir(site.place)
            tempfile.tempdir = None
            util.spawnv_passfds = _forked
            if before:
                before()
            from cxlib.cli import main

            sys.argv = ["cx", *words]  # as typed: it then has a temporary folder of its own
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        except BaseException:  # what no command caught is what we look for
            traceback.print_exc()
        finally:
            with suppress(BaseException):
                sys.stdout.flush()
                sys.stderr.flush()
                util._exit_function()  # as at the end of a program
                atexit._run_exitfuncs()
            os._exit(code)

    def wait(self, timeout: float = 300) -> str:
        """What it said, when it has ended."""
        end = time.monotonic() + timeout
        while not (ended := os.waitpid(self.pid, os.WNOHANG))[0]:
            if time.monotonic() > end:
                os.killpg(self.pid, signal.SIGKILL)
                end += timeout
            time.sleep(0.01)
        self.returncode = os.waitstatus_to_exitcode(ended[1])
        said = self.said.read_text("utf-8", "replace") if self.said.exists() else ""
        self.said.unlink(missing_ok=True)
        return said


def _forked(_path: str, words: Sequence[bytes | str], kept: Sequence[int]) -> int:
    """Run the program text of multiprocessing's server in a fork of this process."""
    if child := os.fork():
        return child
    try:
        for handle in {int(f.name) for f in Path("/proc/self/fd").iterdir()} - {0, 1, 2, *kept}:
            with suppress(OSError):
                os.close(handle)
        exec(words[-1], {})
    finally:
        os._exit(0)


@dataclass
class Site:
    """A project with its own temporary folder; `longest` is how long each command takes."""

    place: Path
    outside: Path
    longest: dict[str, float] = field(default_factory=dict)
    scheduler: str = ""
    close: Callable[[], None] = lambda: None
    right: str = ""
    right_rows: str = ""

    @property
    def environment(self) -> dict[str, str]:
        mine = {"CX_ROOT": self.place / "project", "TMPDIR": self.place / "tmp"}
        return {k: str(v) for k, v in (mine | {"HOME": self.place / "home"}).items()}

    def start(self, name: str, before: Callable[[], None] | None = None) -> Child:
        words = COMMANDS.get(name) or [*COMMANDS["run"], "--scheduler", self.scheduler]
        words = [w.replace("OUT", str(self.place / "project/reports/out")) for w in words]
        return Child(words, self, before)

    def finish(self, name: str) -> tuple[int | None, str]:
        child = self.start(name)
        said = child.wait()
        return child.returncode, said

    def measure(self, name: str) -> None:
        started = time.monotonic()
        code, said = self.finish(name)
        assert code == 0, said
        self.longest[name] = time.monotonic() - started

    def rows(self) -> str:
        """What the reserve holds."""
        import duckdb

        file = self.place / "project/data/tiny/reserve.duckdb"
        with duckdb.connect(str(file), read_only=True) as store:
            return str(store.execute("select count(*), sum(hash(r)) from responses r").fetchall())

    def answers(self) -> str:
        """What the pages say and what the reserve holds."""
        return (self.place / "project/reports/out/answers.json").read_text("utf-8") + self.rows()

    def processes(self) -> list[int]:
        """Processes that come from here and live: orphans of commands are given to us."""
        below = psutil.Process().children(recursive=True)
        alive = [p for p in below if _lives(p)]
        for process in set(below) - set(alive):
            with suppress(OSError):
                os.waitpid(process.pid, os.WNOHANG)
        return [p.pid for p in alive if not _is_of_dask(p)]

    def left(self) -> list[str]:
        """Files and folders that should not be there when a command is over."""
        whole = [p for pattern in LEFT for p in (self.place / "project").rglob(pattern)]
        return [str(p.relative_to(self.place)) for p in [*whole, *(self.place / "tmp").iterdir()]]


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:  # it has just ended
        return False


def _is_of_dask(process: psutil.Process) -> bool:
    try:
        return any("dask_" in word for p in [process, *process.parents()] for word in p.cmdline())
    except psutil.Error:
        return False


def made(place: Path, outside: Path) -> Site:
    """A site whose study is loaded and run once."""
    site = Site(place, outside)
    folder, notebooks = place / "project/data/tiny", place / "project/notebooks"
    for path in (folder, notebooks, place / "tmp", place / "home"):
        path.mkdir(parents=True, exist_ok=True)
    (folder / "study.yaml").write_text(test_batch.STUDY)
    rows = [f"r{i},w{i % 2},{'web' if i % 3 else 'shop'},{i % 10 + 1}" for i in range(ROWS)]
    (folder / "answers.csv").write_text("\n".join(["id,wave,channel,satisfied", *rows, ""]))
    for name in ("10_one", "20_two"):
        test_batch.write(notebooks, name, test_batch.ANSWER, test_batch.MORE)
    for name in COMMANDS:
        site.measure(name)
    site.right, site.right_rows = site.answers(), site.rows()
    return site


def judged(site: Site, name: str, said: str, rng: random.Random) -> list[str]:
    """What is wrong after a command that was disturbed, and after the same one again."""
    wrong = ["a traceback"] if "Traceback" in said else []
    end = time.monotonic() + 60  # by the clock: a busy machine takes its time
    while site.processes() and time.monotonic() < end:
        time.sleep(0.05)
    if alive := site.processes():
        wrong.append(f"{len(alive)} process(es) live on")
    for page in (site.place / "project/reports/out").glob("[12]*.html"):
        if not page.read_text("utf-8").rstrip().endswith("</html>"):
            wrong.append(f"{page.name} is half written")
    # With --force, pages are made anew; without, what was finished is taken for good.
    if name == "load":
        again = ["load", *["run"] * (rng.random() < 0.2)]
    else:
        again = ["far"] if name == "far" else [rng.choice(["run", "resumed"])]
    for command in again:
        code, more = site.finish(command)
        if code or "Traceback" in more:
            wrong.append(f"{command} then ended with {code}: {more.strip()[-300:]}")
    if site.rows() != site.right_rows:
        wrong.append("other rows than before")
    elif again[-1] != "load" and site.answers() != site.right:
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
    child = site.start(name)
    time.sleep(rng.uniform(0, site.longest[name]))
    with suppress(ProcessLookupError):  # it was faster
        os.killpg(child.pid, signal.SIGKILL)
    return judged(site, name, child.wait(60), rng)


def killed_on_dask(site: Site, _name: str, rng: random.Random) -> list[str]:
    """The workers live on; the answers are those of a run without them."""
    if not site.scheduler:
        site.scheduler = _dask(site)
        site.measure("far")
    return killed(site, "far", rng)


def _dask(site: Site) -> str:
    """The address of a scheduler with two workers; they end with this process."""
    import test_cluster

    dask = test_cluster.Dask(site.outside, workers=2)
    site.close = dask.close
    assert dask.is_of_our_kind()
    return dask.address


def interrupted(site: Site, name: str, rng: random.Random, times: int = 1) -> list[str]:
    child = site.start(name)
    time.sleep(rng.uniform(0.2, 1) * site.longest[name])
    for _ in range(times):
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGINT)
        time.sleep(rng.uniform(0, 0.3))
    said = child.wait(60)
    return judged(site, name, "" if times > 1 else said, rng)


def twice(site: Site, name: str, rng: random.Random) -> list[str]:
    return interrupted(site, name, rng, 2)


def full(site: Site, name: str, rng: random.Random) -> list[str]:
    """The disk is full but for so many bytes, from the beginning or from a moment on."""
    filler = site.place / "filler"
    if not os.path.ismount(site.place):  # then no file may be longer than so many bytes
        size = int(10 ** rng.uniform(2, 6))
        child = site.start(name, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)))
    elif rng.random() < 0.5:
        _fill(filler, int(10 ** rng.uniform(3, 6.5)))
        child = site.start(name)
    else:
        child = site.start(name)
        time.sleep(rng.uniform(0, site.longest[name]))
        _fill(filler, 0)
    said = child.wait()
    filler.unlink(missing_ok=True)
    wrong = [] if child.returncode in (0, 1, 2, 3) else [f"ended with {child.returncode}"]
    return wrong + judged(site, name, said, rng)


def _fill(filler: Path, free: int) -> None:
    """Leave so many bytes of the disk."""
    disk = os.statvfs(filler.parent)
    with open(filler, "wb") as file, suppress(OSError):
        os.posix_fallocate(file.fileno(), 0, max(disk.f_bavail * disk.f_frsize - free, 1))


def read_only(site: Site, name: str, rng: random.Random) -> list[str]:
    """A folder in which nothing may be written."""
    chosen = rng.choice(FOLDERS)
    folder = site.place / "project" / chosen
    folder.chmod(0o555)
    child = site.start(name, _without_capabilities)
    said = child.wait()
    folder.chmod(0o755)
    wrong = [] if child.returncode in (0, 1, 2, 3) else [f"ended with {child.returncode}"]
    return [f"{chosen}: {w}" for w in [*wrong, *judged(site, name, said, rng)]]


def _without_capabilities() -> None:
    """Permissions bind root as anybody else."""
    header, none = (ctypes.c_uint32 * 2)(CAPABILITIES, 0), (ctypes.c_uint32 * 6)()
    ctypes.CDLL(None).capset(header, none)


def clock(site: Site, name: str, rng: random.Random) -> list[str]:
    """The clock was set back: files are of tomorrow; or it stood at 1990."""
    for path in (site.place / "project").rglob("*"):
        moment = rng.choice((time.time() + 86_400, 631_152_000))
        os.utime(path, (moment, moment))
    child = site.start(name)
    said = child.wait()
    wrong = [f"ended with {child.returncode}: {said[-300:]}"] if child.returncode else []
    return wrong + judged(site, name, said, rng)


def at_once(site: Site, _name: str, rng: random.Random) -> list[str]:
    """Two runs, into one folder, and a load."""
    begun = [site.start(n) for n in ("run", "run", "load")]
    ended = [(child.wait(), child.returncode) for child in begun]
    wrong = [f"ended with {c}: {s[-300:]}" for s, c in ended if c not in (0, 2)]
    unclear = [s for s, c in ended if c == 2 and "another" not in s]
    return wrong + [f"unclear: {s[-300:]}" for s in unclear] + judged(site, "run", ended[0][0], rng)


KINDS = {
    "kill -9": killed,
    "kill -9, Dask": killed_on_dask,
    "SIGINT": interrupted,
    "SIGINT twice": twice,
    "disk full": full,
    "read-only folder": read_only,
    "clock set back": clock,
    "two runs and a load": at_once,
}


@contextmanager
def disk(place: Path) -> Iterator[Path]:
    """A small disk in memory at the folder, where we may mount one."""
    words = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "cx-crash", str(place)]
    mounted = not os.getuid() and not subprocess.run(words, check=False).returncode
    try:
        yield place
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(place)], check=True)


def _order(most: dict[str, int], rng: random.Random) -> list[str]:
    """Mixed, so that a campaign that is stopped has tried some of each; Dask is started last."""
    kinds = [k for k, n in most.items() for _ in range(n)]
    rng.shuffle(kinds)
    return sorted(kinds, key=lambda kind: kind == "kill -9, Dask")


def campaign(most: dict[str, int], seconds: float, seed: int) -> int:
    """Disturb so often, for so long at most, and print a table; how many did not hold."""
    from cxlib.batch import processes

    os.environ |= processes.environment()
    from cxlib import cli, reserve  # noqa: F401  (imports all that commands and pages use)
    from cxlib.batch import planning, preload, record  # noqa: F401

    atexit.unregister(os._exit)  # of `preload`: it would lose the table and the exit code
    ctypes.CDLL(None).prctl(SUBREAPER, 1)
    tqdm.monitor_interval = 0  # a thread, beside which no command should be forked
    rng, tried, held = random.Random(seed), Counter[str](), Counter[str]()
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory(prefix="cx-crash-") as folder:
        place, outside = Path(folder, "disk"), Path(folder, "outside")
        place.mkdir()
        outside.mkdir()
        with disk(place):
            site = made(place, outside)
            try:
                for kind in tqdm(_order(most, rng), mininterval=5):
                    if time.monotonic() > end:
                        break
                    name = rng.choice(["load", "run"])
                    wrong = KINDS[kind](site, name, rng)
                    tried[kind] += 1
                    held[kind] += not wrong
                    if wrong:
                        print(f"{kind}, {name}: {'; '.join(wrong)}", flush=True)
            finally:
                site.close()
    print("| disturbance | tried | held |\n|---|---|---|")
    print(*(f"| {kind} | {tried[kind]} | {held[kind]} |" for kind in KINDS), sep="\n", flush=True)
    return tried.total() - held.total()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--dask", type=int, default=20, help="kills of runs on a Dask cluster")
    parser.add_argument("--full", type=int, default=30, help="trials on a disk that is full")
    parser.add_argument("--others", type=int, default=12, help="trials of each other kind")
    parser.add_argument("--seconds", type=float, default=7200)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    often = {kind: asked.others for kind in KINDS} | {"kill -9": asked.kills}
    often |= {"kill -9, Dask": asked.dask, "disk full": asked.full}
    sys.exit(bool(campaign(often, asked.seconds, asked.seed)))
