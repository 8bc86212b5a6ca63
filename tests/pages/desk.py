"""A small desk through the whole front door, for pages of rows: T1 and six others whose every text field holds a string found nowhere else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import sample as made

from skillstats.evaluation.result import Evaluation
from skillstats.ledger.build import build_ledger
from skillstats.ledger.containers import Ledger
from skillstats.plan import Plan
from skillstats.record import read_record

OWN = "T1"
OTHERS = tuple(f"zqx{k}trader" for k in range(6))
CANARY = "zqx"
"""Begins every text of every other trader, and nothing else."""
DAYS = ("2026-07-01", "2026-07-02", "2026-07-06")
NOW = "2026-07-06T18:00:00Z"
"""Before the close of the last day: what was decided on it is open."""
NAMES = {
    "signals": "signal_id time model asset side quantity price signal_type horizon model_version",
    "actions": "action_id signal_id time trader action quantity reason decision_id source desk",
    "fills": "fill_id action_id time quantity price fee",
    "prices": "asset time bid ask",
}


def table(name: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows of text, missing cells empty."""
    columns = NAMES[name].split()
    return pd.DataFrame([{c: str(r.get(c, "")) for c in columns} for r in rows], columns=columns, dtype=object)


def desk(others: tuple[str, ...] = OTHERS, *, per_day: int = 6) -> dict[str, pd.DataFrame]:
    """The tables: on each day every trader answers `per_day` signals, T1 twice as many, in every way there is."""
    rng = np.random.default_rng(3)
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in NAMES}
    for d, day in enumerate(DAYS):
        for trader in (OWN, *others):
            _day(tables, rng, trader, d, day, per_day * (2 if trader == OWN else 1))
    return {name: table(name, rows) for name, rows in tables.items()}


def _day(tables: dict[str, list[dict[str, Any]]], rng: np.random.Generator, trader: str, d: int, day: str, many: int) -> None:
    verbs = ("VETO", "RESIZE", "DELAY", "ACCEPT", "REVERSE", "VETO")
    closes = rng.integers(1700, 2300, 3).tolist()
    for k in range(many):
        key, asset = f"{trader}-{d}-{k}", f"{trader}-asset-{k % 3}"
        at, later, close = (f"{day}T14:{30 + k}:00Z", f"{day}T15:{10 + k}:00Z", f"{day}T20:00:00Z")
        start = 2000 + int(rng.integers(-300, 300))
        mids = start, start + int(rng.integers(-40, 40))
        quoted = [(at, mids[0]), (later, mids[1])]
        if k < 3 and day != DAYS[-1]:  # one close an asset; the last day has not closed yet
            quoted.append((close, closes[k]))
        tables["prices"] += [{"asset": asset, "time": t, "bid": mid / 100, "ask": mid / 100} for t, mid in quoted]
        verb, q = verbs[k % len(verbs)], 100 * int(rng.integers(1, 6))
        done = {"VETO": 0, "RESIZE": q // 2, "DELAY": q, "ACCEPT": q, "REVERSE": q}[verb]
        tables["signals"].append(
            {
                "signal_id": f"S-{key}", "time": at, "model": f"{trader}-model", "asset": asset, "side": ("BUY", "SELL")[k % 2], "quantity": q,
                "signal_type": f"{trader}-type-{k % 2}", "horizon": "close", "model_version": f"{trader}-version",
            }
        )  # fmt: skip
        tables["actions"].append(
            {
                "action_id": f"A-{key}", "signal_id": f"S-{key}", "time": at, "trader": trader, "action": verb, "quantity": done or "",
                "reason": f"{trader}-reason", "decision_id": f"D-{trader}-{d}-{0 if k < 2 else k}" if verb != "ACCEPT" else "",
                "source": f"{trader}-source", "desk": f"{trader}-desk",
            }
        )  # fmt: skip
        if done:
            price = (mids[1] + int(rng.integers(-2, 3))) / 100
            tables["fills"].append(
                {"fill_id": f"F-{key}", "action_id": f"A-{key}", "time": later, "quantity": done, "price": price, "fee": "0.35"}
            )


def ledger(others: tuple[str, ...] = OTHERS, **how: Any) -> Ledger:
    """The desk priced."""
    return build_ledger(read_record(desk(others, **how), Plan(horizon="close", seed=5), now=NOW))


def evaluation(traders: tuple[str, ...] = (OWN, *OTHERS), **changes: Any) -> Evaluation:
    """A hand-made evaluation of the desk; codes and lists of the others hold their names too."""
    rows = [made.row(t, ir=0.3 * k, codes=[made.code("W-LUCK", f"about {t}")], status="FLAG") for k, t in enumerate(traders)]
    rows += [made.row(t, "calm", ir=0.2, p=0.5) for t in traders]
    fit = (made.code("E-SKEW", f"skewed outcomes of {traders[-1]}"),)
    return made.sample(rows, codes=fit, caveats=(f"a caveat about {traders[-1]}",), **changes)
