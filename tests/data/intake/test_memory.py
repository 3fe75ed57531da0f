"""Files that no memory holds are refused before they are read."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import psutil
import pytest

from cxlib.core import memory
from cxlib.data import sql
from cxlib.data.intake import readers
from cxlib.data.intake.errors import IntakeError
from cxlib.data.intake.memory import refuse_beyond_memory

MACHINE = 100_000_000  # bytes


@pytest.fixture
def small_machine(monkeypatch, tmp_path):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=MACHINE))
    monkeypatch.setattr(memory, "LIMIT_OF_CONTAINER", tmp_path / "none")


def _orders(rows: int) -> pd.DataFrame:
    return pd.DataFrame({"order_id": np.arange(rows), "amount": np.ones(rows)})


@pytest.mark.parametrize("rows, fits", [(300_000, True), (400_000, False)])
def test_a_parquet_file_is_judged_by_its_own_count_of_rows(small_machine, tmp_path, rows, fits):
    file = tmp_path / "orders.parquet"
    _orders(rows).to_parquet(file)
    if fits:
        assert len(readers.read_file(file).frame) == rows
        return
    with pytest.raises(IntakeError, match=r"needs about .* GB .* `grows: true`"):
        readers.read_file(file)


def test_a_text_file_is_judged_by_its_size_and_its_lines(small_machine, tmp_path):
    file = tmp_path / "orders.csv"
    file.write_text("order_id,amount\n" + "1,1.0\n" * 2_000_000)
    with pytest.raises(IntakeError, match=r"orders\.csv needs about"):
        readers.read_file(file)
    long = tmp_path / "comments.csv"  # larger, but few rows
    long.write_text("comment_id,text\n" + "".join(f"{k},{'good ' * 400}\n" for k in range(8000)))
    assert long.stat().st_size > file.stat().st_size
    assert len(readers.read_file(long).frame) == 8000


def test_a_limit_of_the_container_counts(small_machine, tmp_path, monkeypatch):
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(memory, "LIMIT_OF_CONTAINER", limit)
    limit.write_text("max\n")
    refuse_beyond_memory("a.csv", MACHINE)
    limit.write_text("50000000\n")
    with pytest.raises(IntakeError):
        refuse_beyond_memory("a.csv", MACHINE)
    with sql.connect() as store:  # 40% of it, in whole MiB
        [held] = sql.first(store, "select current_setting('memory_limit')")
    assert held == "19.0 MiB"
