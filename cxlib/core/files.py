"""Files written whole or not at all, and locks that end with the process that holds them.

files.write(path, text)                           # the old file stays until the new one is whole
with files.replacing(path) as fresh: ...          # the same, for whatever writes to a path
files.link(path, other)                           # a second name of a file that costs no room
files.inside(folder / "../a.csv", [folder])       # False: it leads out
files.refuse_versioned(path, "It names customers")  # ValueError where Git would take it in
files.project()                                   # the project's folder, or None
with files.held(lock, wait=30, busy=Busy): ...    # one process at a time
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

PART = ".part-"  # begins the names of files that are not whole yet
READABLE = 0o644  # permissions of a new file: its owner writes, everyone reads


def project() -> Path | None:
    """The project's folder: CX_ROOT, or the nearest one above that holds data/ and notebooks/."""
    if given := os.environ.get("CX_ROOT"):
        return Path(given)
    return holding(Path.cwd()) or holding(Path(__file__).resolve().parents[2])


def holding(place: Path) -> Path | None:
    """The project that a folder, which may not exist yet, is or lies in; None without one."""
    place = place.resolve()
    for folder in (place, *place.parents):
        if (folder / "data").is_dir() and (folder / "notebooks").is_dir():
            return folder
    return None


def write(path: Path, content: str | bytes, *, mode: int | None = None) -> None:
    r"""Write a file whole or not at all; text as UTF-8, its line ends as they are.

    Parameters
    ----------
    path : the file; its folder must exist
    content : the whole new content
    mode : permissions; by default those of the file that is replaced, else 0o644

    Raises
    ------
    OSError : it cannot be written (a full disk); the old file is then unchanged

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(Path(folder) / "a.txt", "one line\n")
    ...     [file.name for file in Path(folder).iterdir()]
    ['a.txt']
    """
    with replacing(path, mode=mode) as fresh:
        fresh.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))


@contextmanager
def replacing(path: Path, *, mode: int | None = None) -> Iterator[Path]:
    """Give an empty file beside `path`, of the same suffix, that takes its place at the end.

    When the block raises, the new file is removed and the old one stays. `mode` as in `write`.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=PART, suffix=f"-{path.name}")
    os.close(handle)
    fresh = Path(name)
    try:
        yield fresh
        _flush(fresh)
        os.chmod(fresh, _mode_of(path) if mode is None else mode)  # it may be for reading only
        os.replace(fresh, path)
    except BaseException:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise


def move_in(fresh: Path, path: Path) -> None:
    """Put a file that is whole in the place of another, on disk before it has the name.

    Without the flush, a power cut could leave the name on half a file. Both must lie on one disk.
    """
    _flush(fresh)
    os.replace(fresh, path)


def _flush(file: Path) -> None:
    with open(file, "rb+") as written:
        os.fsync(written.fileno())


def link(source: Path, target: Path) -> None:
    """Give a file a second name, in place of whatever has it; a copy where there are no links.

    Both names share one content on disk, so a file that is given this way is replaced, never
    changed in place.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     one, two = Path(folder) / "one", Path(folder) / "two"
    ...     write(one, "text")
    ...     link(one, two)
    ...     two.read_text(), one.samefile(two)
    ('text', True)
    """
    if target.exists() and target.samefile(source):
        return  # to rename one name of a file to another does nothing, and leaves both
    fresh = target.with_name(f"{PART}{uuid.uuid4().hex}-{target.name}")
    try:
        os.link(source, fresh)
    except OSError:
        with replacing(target, mode=source.stat().st_mode & 0o777) as fresh:
            shutil.copyfile(source, fresh)
    else:
        os.replace(fresh, target)


def _mode_of(path: Path) -> int:
    try:
        return path.stat().st_mode & 0o777
    except FileNotFoundError:
        return READABLE


def inside(path: Path, folders: Iterable[Path]) -> bool:
    """Whether a path leads into one of the folders once `..` and symbolic links are followed.

    Examples
    --------
    >>> inside(Path("/data/shop/2026/a.csv"), [Path("/data/shop")])
    True
    >>> inside(Path("/data/shop/../bank/a.csv"), [Path("/data/shop")])
    False
    """
    try:
        real = Path(os.path.realpath(path))
    except (OSError, ValueError):  # a loop of links; a name that no file can have
        return False
    return any(real.is_relative_to(os.path.realpath(folder)) for folder in folders)


def refuse_versioned(path: Path, why: str) -> None:
    """Raise ValueError where a file with personal data would come under version control.

    Parameters
    ----------
    path : the file to be written; it and its folder need not exist
    why : what is in it, as a message opens with it

    Raises
    ------
    ValueError : the file lies in a work tree of Git that does not leave it out

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     refuse_versioned(Path(folder) / "cards" / "c1.html", "A card names a customer")
    """
    if not _is_versioned(path):
        return
    raise ValueError(
        f"{path.parent} is under version control, and a commit would publish {path.name}. {why}: "
        "give a folder outside the repository, or one that .gitignore names."
    )


def _is_versioned(path: Path) -> bool:
    """Whether Git would take the file in; not where it is not installed: nobody commits there."""
    real = Path(os.path.realpath(path))
    above = next((p for p in real.parents if p.is_dir()), None)
    if above is None or not any((p / ".git").exists() for p in (above, *above.parents)):
        return False
    # The folder may belong to somebody else, as in a container; nothing of it is run.
    git = ["git", "-c", "safe.directory=*", "-C", str(above)]
    try:
        done = subprocess.run(  # noqa: S603 - git alone, with a path of ours
            [*git, "check-ignore", "-q", str(real)], capture_output=True, check=False
        )
    except OSError:
        return False
    return done.returncode == 1


@contextmanager
def held(lock: Path, *, busy: Callable[[str], Exception], wait: float = 0) -> Iterator[None]:
    """Hold a lock file; the hold ends with the block, or with the process, however that ends.

    Parameters
    ----------
    lock : the lock file, made here and removed at the end
    busy : makes the exception that is raised when another holds the lock, from words for who does
    wait : seconds to wait for another holder

    Notes
    -----
    A lock file that a killed process left behind holds nothing: the operating system ends the hold.
    The holder is named in a file of its own, since Windows lets nobody read a locked file.
    """
    from filelock import FileLock, Timeout  # here, for commands that lock nothing

    holder = lock.with_suffix(".holder")
    hold = FileLock(lock, timeout=wait, poll_interval=0.02)
    try:
        try:
            hold.acquire()
        except Timeout:
            raise busy(_named(holder)) from None
        with suppress(OSError):  # a full disk: the lock holds without it
            holder.write_text(f"process {os.getpid()} since {datetime.now():%H:%M:%S}")
        yield
    finally:
        if hold.is_locked:
            # Removed while it is held: whoever opened it meanwhile finds it gone, and tries again.
            for file in (holder, lock):
                with suppress(OSError):
                    file.unlink(missing_ok=True)
            hold.release()


def _named(holder: Path) -> str:
    try:
        return holder.read_text().strip() or "another process"
    except OSError:
        return "another process"
