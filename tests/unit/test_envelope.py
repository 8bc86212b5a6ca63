"""The running value-add and its bands of luck: the line is exact, the deal that happened is the line, the bands hold what they say."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from test_placebo import blanket, universe

import skillstats as ss
from skillstats.luck import envelope as module
from skillstats.luck.envelope import envelope, plain, session_totals, whole_way
from skillstats.luck.placebo import prepare, run_placebo


@pytest.fixture(scope="module")
def simulated() -> ss.Ledger:
    return ss.build_ledger(
        ss.simulate(ss.World(traders=2, sessions=30, override_rate=(0.2, 0.6), signals_per_day=10.0, block_vetoes=0.0), seed=5)[0]
    )


def test_the_line_is_the_cumulative_value_add_of_closed_departures(simulated) -> None:
    found = envelope(simulated, prepare(simulated), "T1", seed=3, paths=50)
    rows = simulated.rows.to_pandas()
    own = rows[(rows["trader"] == "T1") & rows["is_intervention"] & (rows["status"] == "CLOSED")]
    by_day = own.groupby("session")["value_add"].sum()
    expected = by_day.reindex(found.sessions, fill_value=0).cumsum()
    assert found.running.tolist() == expected.tolist() and found.running.dtype == np.int64
    assert session_totals(simulated, "T1") == by_day.to_dict()
    assert list(found.sessions) == sorted(found.sessions)


def test_the_band_ends_around_the_line_less_the_effect_of_the_picks(simulated) -> None:
    """The mean of the random records at the end is the observed sum minus the placebo's exact effect, within 4 Monte-Carlo errors."""
    found = envelope(simulated, prepare(simulated), "T1", seed=3)
    assert found.test.testable and found.low is not None and found.high is not None and found.outside is not None
    middle = (found.wide_low[-1] + found.wide_high[-1]) / 2  # the band is mean -+ c sd
    spread = (found.high[-1] - found.low[-1]) / 3.29
    assert abs(middle - (found.running[-1] / 1e6 - found.test.effect_money)) < 4 * spread / np.sqrt(999)
    assert np.all(found.wide_low <= found.low + 1e-9) and np.all(found.high <= found.wide_high + 1e-9)
    assert 0.10 < found.outside < 1.0


def test_the_same_seed_gives_the_same_bands_and_plain_data_is_json_ready(simulated) -> None:
    import msgspec

    bench = prepare(simulated)
    first, again = (plain(envelope(simulated, bench, "T2", seed=5, paths=99)) for _ in range(2))
    assert msgspec.json.decode(msgspec.json.encode(first)) == again
    assert {len(first[k]) for k in ("sessions", "running", "low", "high", "wide_low", "wide_high")} == {len(first["sessions"])}


def test_dealing_inside_cells_is_a_plain_permutation_of_tilts() -> None:
    """Day totals of many deals against numpy's own shuffles of each cell: equal means and sds within 5 Monte-Carlo errors."""
    u = universe(days=4, per_side=6, rate=0.3, seed=8)
    dealt, happened = module._deal_cells(u, 4000, np.random.default_rng(1))
    cell = module.risk_cells(u.day, u.side, u.asset_class, module.terciles(u.risk))
    rng = np.random.default_rng(2)
    slow = np.empty((4000, 4))
    for k in range(4000):
        tilt = u.tilt.copy()
        for c in np.unique(cell):
            own = np.flatnonzero(cell == c)
            tilt[own] = tilt[rng.permutation(own)]
        slow[k] = np.bincount(u.day, tilt * u.money)
    assert happened == pytest.approx(np.bincount(u.day, u.tilt * u.money))
    error = slow.std(axis=0) / np.sqrt(4000)
    assert np.all(np.abs(dealt.mean(axis=0) - slow.mean(axis=0)) < 5 * np.sqrt(2) * error + 1e-12)
    assert dealt.std(axis=0) == pytest.approx(slow.std(axis=0), rel=0.08)


def test_whole_days_are_moved_as_days() -> None:
    """Every path of a day-wide vetoer puts each active day's coverage on some day: sums are those of a permutation, or of a turn."""
    u = universe(days=12, pick=blanket(12, [1, 4, 5, 9]))
    test = run_placebo(u, "T1", "day", seed=1)
    # 4 active days are too few to test, but the dealing is the same
    days = module.reassign.make_days(u.day, u.side, u.regime, u.act, u.value, u.tilt, u.money)
    cover, money = days.tilt[:, 0], days.money[:, 0]
    for scheme in ("days", "turns"):
        shown = replace(test, scheme=scheme)
        dealt, happened = module._deal(u, shown, 200, np.random.default_rng(4))
        assert happened == pytest.approx(np.sum(days.tilt * days.money, axis=1))
        patterns = dealt[:, money != 0] / money[money != 0]
        assert np.allclose(np.sort(patterns, axis=1), np.sort(cover[money != 0]))
        if scheme == "turns":
            turned = [np.roll(cover, k) * money for k in range(1, 12)]
            assert len(dealt) == 11 and np.allclose(dealt, turned)


def test_the_wide_band_is_left_by_a_tenth_of_the_paths_and_by_no_more() -> None:
    walk = np.cumsum(np.random.default_rng(6).standard_normal((4000, 60)), axis=1)
    walk = np.c_[np.full(4000, 3.0), walk]  # a session at which nothing can move
    low, high = whole_way(walk)
    left = np.any((walk < low - 1e-9) | (walk > high + 1e-9), axis=1).mean()
    assert 0.095 <= left <= 0.1001
    assert low[0] == high[0] == 3.0


def test_without_a_test_there_is_a_line_and_no_band() -> None:
    from test_choice_split import ledger_of_twenty

    ledger = ledger_of_twenty()
    trader = next(t for t in pd.unique(ledger.rows["trader"].to_pandas()) if t)
    found = envelope(ledger, prepare(ledger), trader, seed=1)
    assert not found.test.testable and found.test.why
    assert found.low is None and found.wide_high is None and found.outside is None
    assert len(found.running) == len(found.sessions) > 0


def test_a_cell_departed_from_as_a_whole_still_deals_out_its_sizes() -> None:
    """Every signal of a day vetoed or halved: who is halved is dealt out too, so the band has the width of all orders of the sizes."""
    u = universe(days=1, per_side=4, rate=1.1, seed=3)
    tilt = np.where(np.arange(8) % 2 == 0, -1.0, -0.25)
    u = replace(u, tilt=tilt, side=np.zeros(8, dtype=np.int64), risk=np.ones(8))
    dealt, happened = module._deal_cells(u, 4000, np.random.default_rng(1))
    mean = tilt.mean() * u.money.sum()
    variance = (
        ((tilt - tilt.mean()) ** 2).sum() * ((u.money - u.money.mean()) ** 2).sum() / 7
    )  # of sum u m over all orders, Hoeffding 1951
    assert happened[0] == pytest.approx(tilt @ u.money)
    assert dealt[:, 0].mean() == pytest.approx(mean, abs=5 * np.sqrt(variance / 4000))
    assert dealt[:, 0].std() == pytest.approx(np.sqrt(variance), rel=0.06)
