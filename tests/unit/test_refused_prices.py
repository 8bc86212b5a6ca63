"""A refused price row takes the chains that need it: no older price stands in for it, and the cause is named."""

from __future__ import annotations

import pandas as pd
import pytest

from skillstats.ledger.build import build_ledger
from skillstats.ledger.containers import Ledger
from skillstats.plan import parse_plan
from skillstats.record import read_record

DAY = "2026-07-01T"
PLAN = 'horizon = "PT30M"\nfill_model = "{fill}"\n'
GOOD = [
    ("14:00:00", "50.00", "50.02", ""),
    ("14:00:30", "50.02", "50.04", ""),
    ("14:29:40", "50.10", "50.12", ""),
    ("14:30:10", "50.20", "50.22", ""),
    ("14:40:00", "50.20", "50.22", ""),
]


def ledger(extra: list[tuple[str, str, str, str]], fill: str = "arrival_mid", opens: bool = False) -> Ledger:
    """One veto at 14:00:30 with its mark at 14:30:30, and some more price rows."""
    prices = [{"asset": "XYZ", "time": f"{DAY}{t}Z", "bid": b, "ask": a, "close": c} for t, b, a, c in GOOD + extra]
    if opens:
        prices += [{"asset": "XYZ", "time": "2026-07-02T13:30:00Z", "open": "51", "close": "51"}]
        prices += [{"asset": "XYZ", "time": "2026-07-02T20:00:00Z", "close": "52"}]
    tables = {
        "signals": [
            {"signal_id": "S1", "time": f"{DAY}14:00:30Z", "model": "M", "asset": "XYZ", "side": "BUY", "quantity": "10"}
        ],
        "actions": [
            {"action_id": "A1", "signal_id": "S1", "time": f"{DAY}14:00:31Z", "trader": "T1", "action": "VETO", "quantity": ""}
        ],
        "prices": prices,
    }
    text = PLAN.format(fill=fill) if not opens else 'horizon = "session+1"\nfill_model = "next_open"\n'
    frames = {k: pd.DataFrame(v, dtype=object).fillna("") for k, v in tables.items()}
    return build_ledger(read_record(frames, parse_plan(text.encode()), now="2026-12-01T00:00:00Z"))


def test_the_record_without_the_bad_row_is_priced() -> None:
    assert ledger([]).rows["status"].to_pylist() == ["CLOSED"]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (("14:30:20", "0", "50.22", ""), "D252"),
        (("14:30:20", "1,5", "50.22", ""), "D113"),
        (("14:30:10", "50.20", "50.30", ""), "D223"),
        (("14:00:30", "50.02", "50.05", ""), "D223"),
        (("14:00:29", "-1", "50.05", ""), ""),
    ],
)
def test_a_chain_that_needs_a_refused_price_is_set_aside(row: tuple[str, str, str, str], code: str) -> None:
    found = ledger([row])
    if not code:  # a refused row behind a good one is needed by nobody
        assert found.rows["status"].to_pylist() == ["CLOSED"]
        return
    assert found.rows.num_rows == 0
    aside = [r for r in found.quarantine.to_pylist() if r["table"] == "actions"]
    assert [r["code"] for r in aside] == ["D254"]
    causes = {f"{r['file']}:{r['line']}" for r in found.quarantine.to_pylist() if r["table"] == "prices" and r["code"] == code}
    assert aside[0]["root"] in causes
    assert f"was refused ({code})" in aside[0]["message"]


def test_a_crossed_quote_is_no_refused_row() -> None:
    assert ledger([("14:30:20", "60", "40", "")]).rows["status"].to_pylist() == ["CLOSED"]


def test_a_refused_row_may_have_held_the_open() -> None:
    assert ledger([], opens=True).rows["status"].to_pylist() == ["CLOSED"]
    bad = [("20:05:00", "", "", "-1")]
    found = ledger(bad, opens=True)
    assert found.rows.num_rows == 0
    assert "model's fill" in found.quarantine.to_pylist()[0]["message"]


def test_the_bounds_of_such_a_chain_leave_the_refused_price_out() -> None:
    found = ledger([("14:30:20", "0", "50.22", "")])
    bounds = found.result["bounds"]
    # a vetoed BUY of 10 at 50.03, the mark anywhere among 50.03, 50.11 and 50.21: between -1.80 and 0
    assert (bounds["chains"], bounds["unbounded"], bounds["lowest"], bounds["highest"]) == (1, 0, -1_800_000, 0)
