"""The planted truth is in the tables: an independent recomputation from the text alone finds it.

Nothing of the package but `simulate` is used. Value-add is actual minus model profit at the close, risk is the price times the true
volatility times the root of the squared deviation path, both worked out from signals, fills and prices as DATA.md says. Seeds are
fixed on purpose; each band states its false-alarm rate.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pytest

from skillstats.simulate import Regime, SimulatedTables, Truth, World, simulate_tables


@dataclass
class Decisions:
    trader: np.ndarray
    session: np.ndarray
    y: np.ndarray
    market: np.ndarray


def micros(column: list[str]) -> np.ndarray:
    return np.array([cell[:-1] for cell in column], "datetime64[us]").astype(np.int64)


def numbers(column: list[str]) -> np.ndarray:
    return np.array([float(cell) if cell else np.nan for cell in column])


def as_of(tables: SimulatedTables, asset: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Mid of the last quote of the asset at or before each instant."""
    prices = tables.tables["prices"]
    names, code = np.unique(prices["asset"], return_inverse=True)
    time, mid = micros(prices["time"]), (numbers(prices["bid"]) + numbers(prices["ask"])) / 2
    base, span = time.min(), time.max() - time.min() + 1
    key = code * span + (time - base)
    order = np.argsort(key)
    wanted = np.searchsorted(names, asset) * span + (at - base)
    return mid[order][np.searchsorted(key[order], wanted, side="right") - 1]


def recompute(tables: SimulatedTables, truth: Truth, opens: dict[str, int]) -> Decisions:
    """Value-add over risk of each decision, from the text tables and the true volatility."""
    signals, actions, fills = (tables.tables[n] for n in ("signals", "actions", "fills"))
    asset, t0 = np.array(signals["asset"]), micros(signals["time"])
    day = np.array([cell[:10] for cell in signals["time"]])
    prices = tables.tables["prices"]
    close_of = {t[:10]: t for t, c in zip(prices["time"], prices["close"], strict=True) if c}
    t1 = micros([close_of[d] for d in day])
    length = t1 - np.array([opens[d] for d in day])
    s = np.where(np.array(signals["side"]) == "BUY", 1.0, -1.0)
    q, p, mark = numbers(signals["quantity"]), as_of(tables, asset, t0), as_of(tables, asset, t1)

    row = {a: i for i, a in enumerate(actions["action_id"])}
    at = np.array([row[a] for a in fills["action_id"]])
    action = np.array(actions["action"])
    traded, price, filled = np.zeros(len(q)), np.full(len(q), np.nan), t1.copy()
    traded[at] = numbers(fills["quantity"]) * np.where(action[at] == "REVERSE", -1.0, 1.0)
    price[at], filled[at] = numbers(fills["price"]), micros(fills["time"])

    value_add = np.where(traded != 0, s * traded * (mark - np.nan_to_num(price)), 0.0) - s * q * (mark - p)
    path = q**2 * (filled - t0) / length + (traded - q) ** 2 * (t1 - filled) / length  # dq = -q until the fill
    market = {t[:10]: m for t, m in zip(tables.tables["regimes"]["time"], tables.tables["regimes"]["market"], strict=True)}
    state = np.array([market[d] for d in day])
    factor = {regime.label: regime.volatility for regime in truth.world.regimes}
    volatility = np.array([truth.volatility[a] for a in asset]) * np.array([factor[m] for m in state])
    risk = p * volatility * np.sqrt(path)

    used = action != "ACCEPT"
    g = s * np.where(traded > q, 1.0, -1.0)  # a DELAY, like a veto, is short of the model
    name = np.where(np.array(actions["decision_id"]) == "", np.array(actions["action_id"]), np.array(actions["decision_id"]))
    _, first, group = np.unique(name[used], return_index=True, return_inverse=True)

    def add(values: np.ndarray) -> np.ndarray:
        return np.bincount(group, values[used])

    whole = np.sqrt(add(risk**2) + 0.5 * (add(g * risk) ** 2 - add(risk**2)))
    return Decisions(np.array(actions["trader"])[used][first], day[used][first], add(value_add) / whole, state[used][first])


def opening(world: World) -> dict[str, int]:
    import exchange_calendars

    calendar = exchange_calendars.get_calendar(
        world.calendar, start=world.start, end=world.start + dt.timedelta(days=2 * world.sessions)
    )
    return {d.date().isoformat(): int(t.timestamp() * 1e6) for d, t in calendar.opens.items()}


def simulated(world: World, seed: int) -> tuple[Decisions, Truth]:
    tables, truth = simulate_tables(world, seed=seed)
    return recompute(tables, truth, opening(world)), truth


def by_day(decisions: Decisions, trader: str) -> tuple[np.ndarray, np.ndarray]:
    """Sum of y and number of decisions by active session."""
    mine = decisions.trader == trader
    _, group = np.unique(decisions.session[mine], return_inverse=True)
    return np.bincount(group, decisions.y[mine]), np.bincount(group)


LONG = World(
    sessions=2000,
    start=dt.date(2010, 1, 4),
    signals_per_day=(4.0, 5.0),
    assets=60,
    annual_ir=(1.5, 0.0, 0.0, 3.0),
    override_rate=(0.6, 0.8),
)


@pytest.fixture(scope="module")
def default_desk() -> tuple[Decisions, Truth]:
    return simulated(World(), seed=2026)


@pytest.fixture(scope="module")
def long_desk() -> tuple[Decisions, Truth]:
    return simulated(LONG, seed=11)


@pytest.mark.parametrize("desk", ["default_desk", "long_desk"])
def test_mean_y_is_theta(desk, request):
    """Within 4 day-clustered standard errors; false alarm 6e-5 a trader, 0.001 over both desks."""
    decisions, truth = request.getfixturevalue(desk)
    for trader in truth.traders:
        total, count = by_day(decisions, trader.trader)
        assert count.sum() == trader.decisions
        assert len(count) == trader.active_days
        mean = total.sum() / count.sum()
        error = np.sqrt(np.sum((total - mean * count) ** 2)) / count.sum()
        assert abs(mean - trader.theta_decision) < 4 * error, (
            f"{trader.trader}: mean {mean:.4f}, truth {trader.theta_decision:.4f}, se {error:.4f}"
        )


@pytest.mark.parametrize("desk", ["default_desk", "long_desk"])
def test_y_has_sd_one_and_the_parts_add_up(desk, request):
    """0.9 to 1.1 for each trader: more than 4 standard errors with 1,000 decisions in correlated days."""
    decisions, truth = request.getfixturevalue(desk)
    for trader in truth.traders:
        sd = decisions.y[decisions.trader == trader.trader].std()
        assert 0.9 < sd < 1.1, f"{trader.trader}: sd {sd:.3f}"
        assert trader.sd_decision == pytest.approx(np.sqrt(trader.sd_shared**2 + trader.sd_theme**2 + trader.sd_noise**2))


def test_day_totals_have_the_variance_of_the_truth_and_a_directional_day_is_one_bet(long_desk):
    """Sd of day totals within 8 % of the truth (se of a variance over 2,000 days is 3 to 5 %, of an sd half of that)."""
    decisions, truth = long_desk
    ratio = {}
    for trader in truth.traders:
        total, count = by_day(decisions, trader.trader)
        assert total.std() == pytest.approx(trader.sd_day, rel=0.08), trader.trader
        ratio[trader.trader] = total.var() / count.mean()
    assert truth.traders[1].directional
    assert ratio["T2"] > 1.2 * max(ratio[t] for t in ("T4", "T6", "T8"))  # the same, or more, signals a session
    assert truth.traders[1].within_day_correlation > 2 * truth.traders[3].within_day_correlation


def test_realised_annual_ir_is_near_the_truth(long_desk):
    """Within 4 standard errors, 1/sqrt(years) each; and the truth is what was planted."""
    decisions, truth = long_desk
    for trader in truth.traders:
        total, _ = by_day(decisions, trader.trader)
        realised = total.mean() / total.std(ddof=1) * np.sqrt(len(total) / truth.years)
        assert abs(realised - trader.annual_ir) < 4 / np.sqrt(truth.years), (
            f"{trader.trader}: {realised:.2f}, truth {trader.annual_ir:.2f}"
        )
        assert trader.annual_ir == pytest.approx(trader.planted_annual_ir, abs=0.01)


def test_the_desk_as_a_whole_is_unbiased(long_desk):
    """Standardised misses of eight traders: mean square within the central 99.9 % of chi-square with 8 degrees of freedom."""
    decisions, truth = long_desk
    misses = []
    for trader in truth.traders:
        total, count = by_day(decisions, trader.trader)
        mean = total.sum() / count.sum()
        misses.append((mean - trader.theta_decision) * count.sum() / np.sqrt(np.sum((total - mean * count) ** 2)))
    assert 0.7 < np.sum(np.square(misses)) < 28.0


def test_trailing_volatility_estimates_the_true_one_without_bias():
    """In one regime the root mean square daily return is the true volatility within 1 % over the assets (se 0.15 %)."""
    world = World(sessions=1000, start=dt.date(2015, 1, 2), regimes=(Regime(label="calm", share=1.0),))
    tables, truth = simulate_tables(world, seed=5)
    prices = tables.tables["prices"]
    asset, mid = np.array(prices["asset"]), (numbers(prices["bid"]) + numbers(prices["ask"])) / 2
    closing = np.array([bool(c) for c in prices["close"]])
    ratio = []
    for name, volatility in truth.volatility.items():
        level = mid[(asset == name) & closing]
        ratio.append(np.sqrt(np.mean((level[1:] / level[:-1] - 1) ** 2)) / volatility)
    assert np.mean(ratio) == pytest.approx(1.0, abs=0.01)
    assert mid.min() > 10
    assert mid.max() < 400


def test_heavy_tails_keep_sd_one_and_the_mean():
    """Student t with 5 degrees of freedom: same mean and sd, kurtosis above 3.5."""
    world = World(sessions=600, start=dt.date(2015, 1, 2), tails=5.0, block_vetoes=0.0)
    decisions, truth = simulated(world, seed=3)
    y = decisions.y - np.array([{t.trader: t.theta for t in truth.traders}[t] for t in decisions.trader])
    assert y.std() == pytest.approx(1.0, abs=0.05)
    assert np.mean((y / y.std()) ** 4) > 3.5
