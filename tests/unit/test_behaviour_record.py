"""Positions and own orders as a real ledger shows them: horizons over night, exits and INITIATE orders, one signal still open."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import skillstats as ss
from skillstats.behaviour.decided import decided_of
from skillstats.behaviour.past import open_positions
from skillstats.market.sessions import load_sessions
from skillstats.plan import Plan
from skillstats.record import read_record

HOUR = pd.Timedelta(hours=1)
START = 1_767_600_000_000_000


@pytest.fixture(scope="module")
def ledger():
    """30 sessions of quotes; from the 15th on a signal a day, BUY 100 and SELL 100 in turn; every fifth is vetoed; an own SELL of 40 follows each BUY."""
    calendar = load_sessions("XNYS", START, START + 50 * 86_400_000_000)
    first = int(np.searchsorted(calendar.opens, START))
    days = pd.to_datetime(calendar.opens[first : first + 30], unit="us", utc=True)
    price = 100 + np.cumsum(np.random.default_rng(1).choice([-1, 0.5, 1], 30))
    rows, signals, actions, fills = [], [], [], []
    for i, day in enumerate(days):
        rows += [{"time": day + k * HOUR, "bid": price[i] - 0.01, "ask": price[i] + 0.01} for k in (1, 2, 6.5)]
        if i < 15:
            continue
        side, verb = ("BUY", "SELL")[i % 2], "VETO" if i % 5 == 0 else "ACCEPT"
        signals.append({"signal_id": f"S{i}", "time": day + HOUR, "side": side})
        actions.append(
            {
                "action_id": f"A{i}",
                "signal_id": f"S{i}",
                "time": day + HOUR,
                "action": verb,
                "quantity": "100" if verb == "ACCEPT" else "",
            }
        )
        if verb == "ACCEPT":
            fills.append({"action_id": f"A{i}", "time": day + HOUR, "quantity": "100", "price": price[i]})
        if side == "BUY":
            actions.append(
                {
                    "action_id": f"I{i}",
                    "time": day + 2 * HOUR,
                    "action": "INITIATE",
                    "quantity": "40",
                    "asset": "X",
                    "side": "SELL",
                }
            )
            fills.append({"action_id": f"I{i}", "time": day + 2 * HOUR, "quantity": "40", "price": price[i]})
    tables = {
        "signals": pd.DataFrame(signals).assign(model="m", asset="X", quantity="100"),
        "actions": pd.DataFrame(actions).fillna("").assign(trader="T1"),
        "fills": pd.DataFrame(fills).assign(fee="0", fill_id=[f"F{k}" for k in range(len(fills))]),
        "prices": pd.DataFrame(rows).assign(asset="X"),
    }
    for table in tables.values():
        table["time"] = [t.isoformat() for t in table["time"]]
    text = {k: t.map(lambda x: f"{x:.2f}" if isinstance(x, float) else x) for k, t in tables.items()}
    return ss.build_ledger(read_record(text, plan=Plan(horizon="session+1")))


def test_own_orders_are_counted_apart_and_stand_on_their_own_risk(ledger) -> None:
    d = decided_of(ledger)
    frame = ledger.frame()
    assert d.counts["own_orders"] == len(d.own.at) == (frame["action"] == "INITIATE").sum()
    row = frame[frame["action"] == "INITIATE"].iloc[0]
    share = 4.5 / 6.5  # of the session that is left at 11:30, then a whole one
    risk = 40 * float(row["actual_price"]) * row["volatility"] * 1e-9 * np.sqrt(1 + share)
    assert d.own.y[0] == pytest.approx(row["value_add"] * 1e-6 / risk)
    assert (d.own.held == -40).all()


def test_a_signal_meets_the_position_of_the_session_before_and_a_veto_leaves_none(ledger) -> None:
    d = decided_of(ledger)
    units, gain = open_positions(d, 0, d.asset, d.signal_at, d.price)
    for i in range(1, len(d)):
        expected = 0.0 if d.action[i - 1] == "VETO" else d.side[i - 1] * 100
        assert units[i] == expected
        assert gain[i] == pytest.approx(expected * (d.price[i] - d.price[i - 1]))
        assert d.span[i] == 1
    assert np.isnan(d.value[-1]) and np.isfinite(d.value[:-1]).all()  # the last horizon lies past the prices


def test_every_question_gets_an_answer_or_a_reason(ledger) -> None:
    found = ss.behaviour(ledger)
    assert all(h.effect is not None or h.words.startswith("not enough data: needs") for h in found.habits)
    assert len(found.habits) == 11
