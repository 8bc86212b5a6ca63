"""The list of planted bugs does not rot, and three cheap ones are killed on every run; the whole list is a command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import run_mutants
from ledger_mutants import MUTANTS

PACKAGE = run_mutants.ROOT / "skillstats"
CHEAP = ("supersede_picks_the_first", "look_past_as_of", "ties_count_as_hits")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name)
def test_every_planted_bug_still_fits_its_file(mutant):
    source = (PACKAGE / mutant.file).read_text(encoding="utf-8")
    assert source.count(mutant.old) == 1
    changed = run_mutants.mutated(source, mutant)
    assert changed != source
    compile(changed, mutant.file, "exec")


def test_there_are_enough_and_each_has_a_name_of_its_own():
    assert len({m.name for m in MUTANTS}) == len(MUTANTS) >= 16


@pytest.mark.slow
def test_three_planted_bugs_are_found():
    words = [word for name in CHEAP for word in ("--only", name)]
    done = subprocess.run([sys.executable, run_mutants.__file__, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 of 3 mutants killed" in done.stdout
    for name in CHEAP:
        assert any(line.startswith("killed") and name in line and "::" in line for line in done.stdout.splitlines())
