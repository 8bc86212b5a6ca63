"""Small blocks everywhere, so that small records cross every seam that large ones cross."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from skillstats.ledger import part_exits
from skillstats.record import cut, readers, runs

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), *(str(HERE.parent / name) for name in ("oracle", "fuzz", "unit"))]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "SMALL_FILE", 0)
    monkeypatch.setattr(readers, "BATCH", 5)
    monkeypatch.setattr(runs, "LEAST", 1)
    monkeypatch.setattr(runs, "BLOCK", 8)
    monkeypatch.setattr(cut, "STEP", 7)
    monkeypatch.setattr(part_exits, "STEP", 6)
