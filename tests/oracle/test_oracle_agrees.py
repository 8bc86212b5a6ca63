"""The package's ledger and the second ledger agree on every integer, status, label, slice, book and sum of random plain records."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import comparing
import desks
import second_ledger

RECORDS = 200
VERBS = {"ACCEPT", "VETO", "RESIZE", "DELAY", "REPRICE", "REVERSE", "INITIATE", "NO_DECISION"}


@pytest.mark.parametrize("tens", range(RECORDS // 20))
def test_both_ledgers_agree(tens: int, tmp_path: Path) -> None:
    for seed in range(20 * tens, 20 * tens + 20):
        wrong, _ = comparing.check(desks.make_desk(seed), tmp_path / str(seed))
        assert not wrong, f"desk {seed}: " + "; ".join(wrong[:5])


def test_the_random_records_cover_what_they_should() -> None:
    """A generator that never reaches a case proves nothing about it."""
    seen: Counter[str] = Counter()
    for seed in range(RECORDS // 2):
        desk = desks.make_desk(seed)
        own = second_ledger.SecondLedger(desk.texts(), desk.plan_text())
        for chain in own.chains:
            row = own.rows[chain.name]
            if isinstance(row, str):
                seen[row] += 1
            else:
                fills = f"{min(row['n_fills'], 2)} fills"
                seen.update((chain.verb, row["status"], own.plan["fill_model"], chain.horizon, fills))
                seen.update(k for k in ("rounded", "partial") if row[k])
    wanted = VERBS | {
        *("CLOSED", "OPEN", "D213", "D254", "signal_price", "arrival_mid", "cross_spread", "next_open", "0 fills", "2 fills"),
        *("session+1", "session+2", "close", "exit", "PT24H", "PT30M", "rounded", "partial"),
    }
    missing = {k: seen[k] for k in wanted if seen[k] < 10}
    assert not missing
