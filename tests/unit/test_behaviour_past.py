"""What counts as known when a signal comes: against loops by hand, and with the future deleted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from skillstats.behaviour.detectors import of_trader
from skillstats.behaviour.past import open_positions, past_losses
from skillstats.study.behaviour_worlds import Desk, desk_of


@pytest.fixture(scope="module", params=[0, 1, 3])
def desk(request):
    return desk_of(Desk("past", traders=2, sessions=25, per_day=5, assets=6, span=request.param), np.random.default_rng(4))


def test_past_losses_are_those_of_a_loop_over_the_log(desk) -> None:
    own = of_trader(desk, 0)
    found = past_losses(own, own.kind, 3)
    for i in range(len(own)):
        known = [
            k for k in range(len(own)) if own.acted[k] and own.kind[k] == own.kind[i] and own.horizon_at[k] < own.signal_at[i]
        ]
        sums: dict[int, float] = {}
        for k in known:
            sums[own.closes[k]] = sums.get(own.closes[k], 0.0) + own.money[k]
        newest = sorted(sums, reverse=True)[:3]
        expected = [float(sums[c] < 0) for c in newest] + [np.nan] * (3 - len(newest))
        assert np.array_equal(found[i], expected, equal_nan=True)


def test_open_positions_are_those_of_a_loop_over_the_fills(desk) -> None:
    own = of_trader(desk, 1)
    units, gain = open_positions(desk, 1, own.asset, own.signal_at, own.price)
    for i in range(len(own)):
        held = [
            k for k in range(len(own))
            if own.asset[k] == own.asset[i] and own.held[k] != 0 and own.filled_at[k] < own.signal_at[i] <= own.horizon_at[k]
        ]  # fmt: skip
        assert units[i] == pytest.approx(sum(own.held[k] for k in held), abs=1e-9)
        if units[i] != 0:
            assert gain[i] == pytest.approx(sum(own.held[k] * (own.price[i] - own.paid[k]) for k in held), abs=1e-6)


def test_what_was_known_stays_when_the_future_is_deleted_or_scrambled(desk) -> None:
    own = of_trader(desk, 0)
    lost, (units, gain) = past_losses(own, own.asset, 2), open_positions(own, 0, own.asset, own.signal_at, own.price)
    rng = np.random.default_rng(0)
    for cut in rng.choice(own.signal_at, 10, replace=False):
        known = own.signal_at <= cut
        later = own.horizon_at >= cut  # outcomes that are not out at the cut
        scrambled = replace(own, money=np.where(later, rng.normal(0, 1e4, len(own)), own.money))
        assert np.array_equal(past_losses(scrambled, own.asset, 2)[known], lost[known], equal_nan=True)
        shorter = own.take(known)
        assert np.array_equal(past_losses(shorter, shorter.asset, 2), lost[known], equal_nan=True)
        less = open_positions(shorter, 0, shorter.asset, shorter.signal_at, shorter.price)
        assert np.array_equal(less[0], units[known]) and np.allclose(less[1], gain[known])


def test_an_outcome_at_the_very_instant_of_the_signal_is_not_known_and_an_exit_still_meets_its_position() -> None:
    desk = desk_of(Desk("past", traders=1, sessions=3, per_day=3, assets=3), np.random.default_rng(1))
    two = desk.take(np.array([0, len(desk) - 1]))
    two = replace(
        two,
        acted=np.array([True, False]), asset=np.zeros(2, dtype=int), horizon_at=np.array([100, 200]), signal_at=np.array([10, 100]),
        filled_at=np.array([11, -1]), held=np.array([5.0, 0.0]), paid=np.array([2.0, np.nan]), money=np.array([-3.0, 0.0]), closes=np.array([0, 1]),
    )  # fmt: skip
    assert np.isnan(past_losses(two, np.zeros(2, dtype=int), 1)[1, 0])
    units, gain = open_positions(two, 0, two.asset, two.signal_at, np.array([2.0, 3.0]))
    assert units.tolist() == [0.0, 5.0] and gain[1] == 5.0
    later = replace(two, signal_at=np.array([10, 101]))
    assert past_losses(later, np.zeros(2, dtype=int), 1)[1, 0] == 1.0
    assert open_positions(later, 0, later.asset, later.signal_at, np.array([2.0, 3.0]))[0].tolist() == [0.0, 0.0]
