"""Small named data that the tests share."""

from __future__ import annotations

import gc
import logging
import sys
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path

import coverage_table
import numpy as np
import pandas as pd
import pytest
import witness_table
from hypothesis import settings

from cxlib.batch import processes
from cxlib.core import context

processes.import_nbformat()  # as runs do it: else each worker spends 3 s on grammars of addresses

# The generator of the sample's made-up company, whose truth many tests know.
sys.path.insert(0, str(Path(__file__).parents[1] / "data" / "sample"))


@pytest.fixture(autouse=True)
def _a_fresh_page():
    """Each test starts on an English page with the usual smallest cell."""
    context.begin()
    yield
    context.begin()


@pytest.fixture
def untranslated(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """The sentences that had to stay English on a page in another language."""
    caplog.set_level(logging.INFO, logger="cxlib.core.i18n")
    return lambda: [r.getMessage() for r in caplog.records if r.name == "cxlib.core.i18n"]


@pytest.fixture(scope="session")
def responses() -> pd.DataFrame:
    """500 seeded answers: recommend leans on speed most, then price, then staff; all on 1-10."""
    rng = np.random.default_rng(7)
    n = 500
    common = rng.normal(size=n)
    speed, price, staff = (common * 0.5 + rng.normal(size=n) for _ in range(3))
    outcome = 0.7 * speed + 0.4 * price + 0.2 * staff + rng.normal(size=n)

    def scale(latent: np.ndarray, low: int, high: int) -> np.ndarray:
        return np.clip(np.round((low + high) / 2 + 1 + 2 * latent), low, high)

    return pd.DataFrame(
        {
            "response_id": [f"r{i}" for i in range(n)],
            "customer_id": [f"c{i % 400}" for i in range(n)],
            "channel": rng.choice(["web", "phone", "shop"], n),
            "wave": rng.choice(["2026-Q1", "2026-Q2"], n),
            "weight": rng.uniform(0.5, 2.0, n),
            "recommend": scale(outcome, 0, 10),
            "speed": scale(speed, 1, 10),
            "price": scale(price, 1, 10),
            "staff": scale(staff, 1, 10),
        }
    )


@pytest.fixture
def tell_coverage(record_property: Callable[[str, object], None]) -> Callable[..., None]:
    """Puts a measured coverage into the table that `make coverage` writes."""

    def tell(estimate: str, of: str, share: float, samples: int, stated: float = 0.95) -> None:
        numbers = float(share), int(samples), float(stated)  # numpy's do not pass between workers
        record_property("coverage", (estimate, of, *numbers))

    return tell


@pytest.fixture
def tell_witness(record_property: Callable[[str, object], None]) -> Callable[..., None]:
    """Compares numbers with those of a witness, within `rtol` and `atol` of `assert_allclose`.

    How near they are goes into the table that `make witnesses` writes.
    """

    def tell(method: str, witness: str, ours: object, theirs: object, **tolerance: float) -> None:
        np.testing.assert_allclose(ours, theirs, **tolerance)
        record_property("witness", (method, witness, *witness_table.distances(ours, theirs)))

    return tell


TABLES = {"coverage": coverage_table.page, "witness": witness_table.page}


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported and found stays to the end: the collector of garbage need not look at it."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_addoption(parser: pytest.Parser) -> None:
    for name in TABLES:
        parser.addoption(f"--{name}-table", metavar="FILE", help="write what tests told of there")


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    """What tests told of, as a table; workers of xdist send theirs along."""
    reports = [r for some in terminalreporter.stats.values() for r in some]
    calls = [r for r in reports if getattr(r, "when", "") == "call"]
    for kind, page in TABLES.items():
        if path := config.getoption(f"--{kind}-table"):
            told = [v for r in calls for name, v in r.user_properties if name == kind]
            Path(path).write_text(page(told), encoding="utf-8")
            terminalreporter.write_line(f"{len(told)} rows of {kind} written to {path}")


# Tests of one file run on one worker, which makes what they share once; so do those of these files.
# (pytest 9.2 passes over the names that xdist_group gives, so files are told apart here.)
TOGETHER = {name: "pages" for name in ("browser", "consistency", "languages", "notebooks")}
# Files of few tests that take long begin first, or they would be waited for at the end.
FIRST = ("notebooks", "browser", "languages", "consistency", "docs_site", "batch", "injection")
FIRST += ("engine", "cluster", "install", "papermill", "lab", "restart", "same_bytes", "door")


def _name(nodeid: str) -> str:
    """Of tests/test_batch.py::test_any it is batch."""
    return nodeid.split("::", maxsplit=1)[0].removesuffix(".py").split("test_")[-1]


# How long an example takes depends on what else the machine does, and is no matter of a test.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# In `make test-fast` half the examples that a property asks for, and never more than these;
# `make test` tries all.
QUICK = 6


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks and order; fewer examples of each property where the slow tests are left out."""
    first = {name: place for place, name in enumerate(FIRST)}
    items.sort(key=lambda item: first.get(_name(item.nodeid), len(FIRST)))
    cases: Counter[str] = Counter()
    for item in items:
        if "tell_witness" in getattr(item, "fixturenames", ()):
            item.add_marker("witness")
        cases[test := item.nodeid.partition("[")[0]] += 1
        if item.get_closest_marker("first_fast") and cases[test] > 1:
            item.add_marker("slow")
        if (few := item.get_closest_marker("few")) and cases[test] > few.args[0]:
            item.add_marker("thorough")
    if "not slow" not in (config.option.markexpr or ""):
        return
    for item in items:
        test = getattr(item, "obj", None)
        if (asked := getattr(test, "_hypothesis_internal_use_settings", None)) is not None:
            few = min(asked.max_examples, max(2, asked.max_examples // 2), QUICK)
            test._hypothesis_internal_use_settings = settings(asked, max_examples=few)


def pytest_xdist_make_scheduler(config, log):
    """Files one by one to whichever worker is free, those of TOGETHER as one."""
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return TOGETHER.get(_name(nodeid), nodeid.split("::", maxsplit=1)[0])

    config.option.loadscopereorder = False
    return Together(config, log)
