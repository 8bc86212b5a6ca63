"""The page "Contest a row" shows what the program prints."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import test_docs

import skillstats as ss
from skillstats.errors import Mismatch

PAGE = test_docs.DOCS / "howto" / "contest_row.md"


@pytest.fixture
def ledger(tmp_path) -> Path:
    (tmp_path / "desk").mkdir()
    built = ss.build_ledger(ss.read_record(test_docs.worked_example(tmp_path / "desk")))
    built.write(tmp_path / "ledger")
    assert str(ss.explain(built, "S2")) in PAGE.read_text(encoding="utf-8")
    return tmp_path / "ledger"


def shown() -> list[str]:
    """What `verify` printed on the page, without the name of the program."""
    return re.findall(
        r"skillstats verify ledger; echo \$\?\nskillstats: (.*?)\n1\n```", PAGE.read_text(encoding="utf-8"), re.DOTALL
    )


def test_a_loss_turned_into_a_gain_is_named_as_the_page_says(ledger):
    path = ledger / "ledger.csv"
    path.write_text(path.read_text().replace("-740.000000", "740.000000", 1))
    with pytest.raises(Mismatch) as error:
        ss.verify(ledger)
    assert str(error.value) == shown()[0]


def test_a_slice_taken_out_is_named_as_the_page_says(ledger):
    table = pq.read_table(ledger / "slices.parquet")
    pq.write_table(table.slice(1), ledger / "slices.parquet")
    with pytest.raises(Mismatch) as error:
        ss.verify(ledger)
    assert str(error.value) == shown()[1]


def test_every_column_the_page_names_is_one_of_the_ledger(ledger):
    columns = set(ss.read_ledger(ledger).rows.column_names)
    named = re.findall(r"`([a-z]+(?:_[a-z]+)+)`", PAGE.read_text(encoding="utf-8"))
    beside = {"fill_model", "after_horizon", "c_model", "c_actual"}  # a key of the plan, a line of the books, two symbols
    assert {n for n in named if n not in columns} <= beside
    assert {"model_price", "arrival_price_age", "mark_index", "actual_cost"} <= set(named)
