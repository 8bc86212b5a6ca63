"""Five hundred spoilt records, and proof that the harness sees what it is there for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import fuzz_records

FILES = 500


@pytest.fixture(scope="module")
def outcomes() -> list[fuzz_records.Outcome]:
    return list(fuzz_records.run_many(0, FILES, workers=1))


@pytest.mark.slow
def test_no_spoilt_record_ends_in_a_traceback_or_a_silent_change(outcomes: list[fuzz_records.Outcome]) -> None:
    failed = [f"seed {o.seed} ({o.story}): {o.ending}; {'; '.join(o.wrong[:2])}" for o in outcomes if o.wrong]
    assert not failed, "\n".join([*failed, "again with: python tests/fuzz/fuzz_records.py --seed N"])


@pytest.mark.slow
def test_enough_was_compared(outcomes: list[fuzz_records.Outcome]) -> None:
    """A harness that compares nothing finds nothing."""
    found = fuzz_records.summary(outcomes)
    assert found["files"] == FILES
    assert found["endings"]["ledger"] > FILES // 2 and found["endings"]["rejected"] > FILES // 5
    assert found["chains compared"] > 3 * FILES
    assert {"F101", "F102", "F103", "F104", "F105", "F106"} <= set(found["codes"])


def test_a_number_says_everything() -> None:
    assert [fuzz_records.spoil(n)[1] for n in (7, 77)] == [fuzz_records.spoil(n)[1] for n in (7, 77)]


def lenient(text: str) -> tuple[int, int] | str:
    """A parser that reads ``1,000`` as 1000 and ``1e5`` as 5: what must never happen."""
    digits = text.rsplit("e", maxsplit=1)[-1].rsplit("E", maxsplit=1)[-1].replace(",", "").replace("$", "").strip()
    return (int(digits), 0) if digits.isascii() and digits.isdigit() else "plain"


def test_a_parser_that_guesses_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skillstats.record.parse.slow_decimal", lenient)
    assert [o for o in fuzz_records.run_many(400, 80, workers=1) if o.wrong]


def test_a_lost_row_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last fill of every table is forgotten."""
    from skillstats.record import readers

    parse = readers.parse_csv

    def forget(data: bytes, table: str, *rest: Any) -> Any:
        raw, blank = parse(data, table, *rest)
        keep = [i < len(raw) - 1 or table != "fills" for i in range(len(raw))]
        return raw.take(np.array(keep, dtype=bool)), blank

    monkeypatch.setattr(readers, "parse_csv", forget)
    assert [o for o in fuzz_records.run_many(0, 10, workers=1) if any("rows and" in w for w in o.wrong)]
