"""What fuzzing found, one test a finding, in the smallest form."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from skillstats.ledger.build import build_ledger
from skillstats.record import read_record
from skillstats.record.example import EXAMPLE_PLAN
from skillstats.record.starter import new_record


def test_own_ideas_stay_priced_where_every_signal_was_set_aside(tmp_path: Path) -> None:
    """Under `signal_price` a record whose only good chain is an INITIATE order ended in an IndexError."""
    example = new_record(tmp_path / "desk") / "example"
    text = (example / "signals.csv").read_text(encoding="utf-8")
    (example / "signals.csv").write_text(text.replace("BUY", "HOLD").replace("SELL", "HOLD"), encoding="utf-8")
    ledger = build_ledger(read_record(example, replace(EXAMPLE_PLAN, fill_model="signal_price")))
    assert ledger.rows["action_id"].to_pylist() == ["A7"]
