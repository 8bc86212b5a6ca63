"""Bets a year: the rule of the specification, from counts alone."""

import dataclasses

import numpy as np
import pytest

from skillstats.evidence import Evidence
from skillstats.inference.breadth import bets_per_year


def make_evidence(active, sizes, spanned, year=252.0):
    """One trader for each element of `active` (sessions) and `sizes` (decisions a session)."""
    trader = np.repeat(np.arange(len(active)), np.multiply(active, sizes))
    session = np.concatenate([np.repeat(np.arange(a), m) for a, m in zip(active, sizes, strict=True)])
    y, zeros = np.linspace(-1, 1, len(trader)), np.zeros(len(trader), dtype=np.int64)
    coords = {
        "trader": tuple(map(str, range(len(active)))),
        "session": tuple(map(str, range(spanned))),
        "regime": ("all",),
        "action": ("all",),
    }
    return Evidence(
        value_add=y, risk=np.ones(len(y)), y=y, trader=trader, session=session, regime=zeros, action=zeros, decision=np.arange(len(y)),
        coords=coords, source="record", unit="USD", has_risk=True, scale=1.0, sessions_per_year=year, sessions_spanned=spanned, counts={}, context={},
    )  # fmt: skip


def test_the_plans_number_is_used_as_it_is():
    found = bets_per_year(make_evidence([60], [20], 60), 586.0)
    assert found.value == 586.0
    assert "from the plan" in found.reason


def test_no_year_no_breadth():
    found = bets_per_year(make_evidence([60], [20], 60, year=None))
    assert found.value is None
    assert "per decision" in found.reason


def test_median_traders_active_sessions_a_year():
    """252 sessions spanned = one year; traders active on 100, 200 and 252 of them, 20 decisions each: 200 * 20 / (1 + 19 * 0.3)."""
    found = bets_per_year(make_evidence([100, 200, 252], [20, 20, 20], 252))
    assert found.value == pytest.approx(200 * 20 / 6.7)
    assert "median trader" in found.reason


def test_short_periods_take_the_calendars_sessions():
    """40 sessions spanned are fewer than 60: 252 sessions a year, m = 1 decision a session, no design effect."""
    assert bets_per_year(make_evidence([10, 12], [1, 1], 40)).value == pytest.approx(252.0)


def test_median_of_decisions_is_over_trader_sessions():
    """One trader with 90 sessions of 2 and one with 30 sessions of 50: the median trader-session has 2 decisions."""
    assert bets_per_year(make_evidence([90, 30], [2, 50], 126)).value == pytest.approx(60 / 0.5 * 2 / 1.3)


def test_outcomes_do_not_matter():
    evidence = make_evidence([60, 61, 62], [5, 5, 5], 80)
    shuffled = dataclasses.replace(evidence, y=evidence.y[::-1] * 7, value_add=evidence.value_add[::-1] * 7)
    assert bets_per_year(evidence) == bets_per_year(shuffled)
