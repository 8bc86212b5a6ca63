"""The gate fires where a location is no mean and stays quiet where it is. Seeds are fixed on purpose; a failure is a defect."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from skew_gate_rates import firing_rate, lottery, mild_lognormal, penny_picker, symmetric_t3


@pytest.mark.parametrize("population", [penny_picker, lottery, mild_lognormal])
def test_skewed_outcomes_trip_the_gate_at_600_decisions(population):
    """At least 95%: of 200 samples at least 184. With the long command's 99.5% a false alarm has probability below 1e-12."""
    assert firing_rate(population, 600, 200, seed=5) >= 0.95


def test_symmetric_heavy_tails_do_not():
    """With a rate of .005 more than 6 of 200 fire with probability 1e-4."""
    assert firing_rate(symmetric_t3, 600, 200, seed=5) <= 0.03


def test_a_quiet_gate_proves_nothing_in_a_small_sample():
    """At 150 decisions the penny-picker passes in most samples: the reason why Student-t is refused below 600 without a test."""
    assert 0.2 <= firing_rate(penny_picker, 150, 200, seed=5) <= 0.5
