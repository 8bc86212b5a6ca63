"""The tables of error rates in small: tests that know the desk hold their level where lone tests do not, and intervals of risk hold the truth."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from benchmarks import classical


def test_lone_tests_point_at_somebody_and_joint_ones_do_not():
    """60 desks without skill, s.e. of a 5% share .03; the release form of the table is printed by the command."""
    found = classical.rates_of_tests(60, 60, same_side=False, annual_ir=0.0, draws=150)
    assert found["t over rows"] > 0.45 and found["t clustered by day"] > 0.15
    assert max(found[k] for k in ("BH at 5%", "DSR > .95", "beyond luck of the best")) <= 0.17
    assert found["StepM 5%"] <= 0.2


def test_the_skilled_trader_is_found_in_a_year():
    found = classical.rates_of_tests(25, 250, same_side=False, annual_ir=3.0, draws=150)
    assert found["beyond luck of the best"] >= 0.45 and found["DSR > .95"] < found["StepM 5%"]


def test_intervals_of_risk_hold_the_truth_on_normal_days():
    truth = classical.true_changes(heavy=False, sessions=400_000)
    found = classical.risk_coverage(60, 120, heavy=False, truth=truth, draws=200)
    assert all(share >= 0.75 for share in found.values()), found
