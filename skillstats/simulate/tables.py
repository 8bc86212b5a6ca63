"""The tables of a simulated record as text, exactly as a desk would hand them in, and their writing in one piece."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path as Folder

import numpy as np
from numpy.typing import NDArray

from skillstats.errors import UsageError
from skillstats.simulate.design import DELAY, VETO, Design
from skillstats.simulate.knobs import SIGNAL_TYPES
from skillstats.simulate.market import Path, order_quantity
from skillstats.simulate.sessions import Sessions
from skillstats.simulate.skill import ACTIONS
from skillstats.simulate.world import World
from skillstats.units import MINUTE, SECOND

Integers = NDArray[np.int64]
Table = dict[str, list[str]]

LABEL_LEAD = 30 * MINUTE
"""A regime label is stamped this long before its session opens."""


@dataclass(frozen=True, slots=True, repr=False)
class SimulatedTables:
    """Raw tables of a simulated desk: table -> column -> cells as text, and the text of its plan."""

    tables: Mapping[str, Mapping[str, list[str]]]
    plan: str

    def write(self, folder: str | Folder) -> Folder:
        """Write ``<table>.csv`` and ``plan.toml`` into a new folder, all or nothing (UTF-8, LF, RFC 4180).

        Raises
        ------
        UsageError
            If the folder exists and is not empty, or its parent does not exist.
        """
        target = Folder(folder)
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise UsageError(f"{target}: exists and is not an empty folder; name a new one")
        if not target.parent.is_dir():
            raise UsageError(f"{target.parent}: no such folder; create it first")
        part = target.with_name(f".{target.name}.{os.getpid()}.part")
        part.mkdir()
        try:
            for name, columns in self.tables.items():
                _write_csv(part / f"{name}.csv", columns)
            (part / "plan.toml").write_text(self.plan, encoding="utf-8", newline="\n")
            if target.exists():
                target.rmdir()
            part.rename(target)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        return target

    def summary(self) -> str:
        """A line a table."""
        return "\n".join(f"{name}: {len(next(iter(c.values())))} rows, columns {', '.join(c)}" for name, c in self.tables.items())

    def __repr__(self) -> str:
        return f"SimulatedTables\n{self.summary()}"


def _write_csv(path: Folder, columns: Mapping[str, list[str]]) -> None:
    """One table; csv quotes where RFC 4180 asks for it."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def build_tables(
    world: World, sessions: Sessions, design: Design, path: Path, seed: int, kind: Integers, unmarked: NDArray[np.bool_]
) -> SimulatedTables:
    """Write out design and prices as the tables of DATA.md section 1.

    Parameters
    ----------
    kind : (signal,) code of its type; unmarked : (signal,) its asset has no price at the close of its session
    """
    signal_id = number_ids("S", len(design.time))
    action_id = number_ids("A", len(design.time))
    quantity = order_quantity(design, path)
    tables = {
        "signals": _signals(world, design, path, signal_id, kind),
        "actions": _actions(design, quantity, signal_id, action_id),
        "fills": _fills(design, path, quantity, action_id),
        "prices": _prices(sessions, design, path, unmarked),
        "regimes": _regimes(world, sessions, design),
    }
    return SimulatedTables(tables, plan_text(world, sessions, seed))


def plan_text(world: World, sessions: Sessions, seed: int, *, horizon: str = "close", regimes: str = '["market"]') -> str:
    """The plan a desk would have declared: mid fills, judged at the close of the signal's session, or of the next one."""
    first = sessions.history if horizon == "close" else sessions.history - 1
    period = [sessions.label[first], sessions.label[-1]]
    # real prices may be stamped before the close they are those of
    as_of = "" if horizon == "close" else f'as_of = "{instants(sessions.close[-1:])[0]}"\n'
    return (
        "# Plan of a simulated desk. No real trader stands behind this record.\n"
        "schema = 1\n"
        'name = "simulated desk"\n'
        f"period = {json.dumps(period)}\n"
        f"horizon = {json.dumps(horizon)}\n"
        'fill_model = "arrival_mid"\n'
        'currency = "USD"\n'
        f"{as_of}"
        f"seed = {seed}\n\n"
        "[calendar]\n"
        f"default = {json.dumps(world.calendar)}\n\n"
        "[regimes]\n"
        f"use = {regimes}\n\n"
        "[model]\n"
        f"sessions_per_year = {world.sessions_per_year:g}\n"
    )


def _signals(world: World, design: Design, path: Path, signal_id: list[str], kind: Integers) -> Table:
    """One row a signal; the price is the mid the model saw."""
    return {
        "signal_id": signal_id,
        "time": instants(design.time),
        "model": ["desk-model"] * len(signal_id),
        "asset": asset_names(design.asset, world.asset_count - 1),
        "side": np.where(design.side > 0, "BUY", "SELL").tolist(),
        "quantity": whole_numbers(order_quantity(design, path)),
        "price": _cents(path.signal_mid),
        "signal_type": np.array(SIGNAL_TYPES)[kind].tolist(),
    }


def _actions(design: Design, quantity: Integers, signal_id: list[str], action_id: list[str]) -> Table:
    """One action a signal; only the rows of a blanket veto share a decision_id."""
    rows = np.bincount(design.decision[design.touched], minlength=1)
    several = design.touched & (rows[design.decision] > 1)
    ordered = np.rint(np.abs(design.ratio) * quantity).astype(np.int64)
    return {
        "action_id": action_id,
        "signal_id": signal_id,
        "time": instants(design.action_time),
        "trader": [f"T{j + 1}" for j in design.trader.tolist()],
        "action": np.array(ACTIONS)[design.action].tolist(),
        "quantity": whole_numbers(np.where(design.action == VETO, 0, ordered)),
        "decision_id": [
            f"D{d + 1:06d}" if many else "" for d, many in zip(design.decision.tolist(), several.tolist(), strict=True)
        ],
        "source": ["simulated"] * len(action_id),
        "desk": ["desk"] * len(action_id),
    }


def _fills(design: Design, path: Path, quantity: Integers, action_id: list[str]) -> Table:
    """One fill for each action but a VETO, in full, at the mid, free of fees."""
    filled = np.flatnonzero(design.action != VETO)
    return {
        "fill_id": number_ids("F", len(filled)),
        "action_id": [action_id[i] for i in filled.tolist()],
        "time": instants(design.fill_time[filled]),
        "quantity": whole_numbers(np.rint(np.abs(design.ratio) * quantity).astype(np.int64)[filled]),
        "price": _cents(path.fill_mid[filled]),
        "fee": ["0"] * len(filled),
    }


def _prices(sessions: Sessions, design: Design, path: Path, unmarked: NDArray[np.bool_]) -> Table:
    """A quote before each signal and each late fill, and quote and last price at every close there is; sorted by asset and time."""
    late = np.flatnonzero(design.action == DELAY)
    days, count = path.close_mid.shape
    half = path.close_mid.ravel()
    quote = np.concatenate([path.signal_mid, path.fill_mid[late]])
    asset = np.concatenate([design.asset, design.asset[late], np.tile(np.arange(count), days)])
    time = np.concatenate([design.quote_time, design.fill_time[late] - SECOND, np.repeat(sessions.close, count)])
    bid = np.concatenate([quote - 1, (half + 1) // 2 - 1])
    ask = np.concatenate([quote + 1, half // 2 + 1])
    last = np.concatenate([np.full(len(quote), -1), (half + (half >> 1 & 1)) >> 1])
    missing = np.zeros(len(time), dtype=bool)
    missing[len(quote) + (sessions.history + design.session[unmarked]) * count + design.asset[unmarked]] = True
    order = np.lexsort((time, asset))
    order = order[~missing[order]]
    return {
        "asset": asset_names(asset[order], count - 1),
        "time": instants(time[order]),
        "bid": _cents(bid[order]),
        "ask": _cents(ask[order]),
        "close": _cents(last[order]),
    }


def _regimes(world: World, sessions: Sessions, design: Design) -> Table:
    """The state of every session, stamped before it opens."""
    return {
        "time": instants(sessions.open - LABEL_LEAD),
        "market": [world.regimes[r].label for r in design.regime_of_session.tolist()],
    }


def asset_names(index: Integers, largest: int) -> list[str]:
    """A000, A001, ...; as many digits as the largest index needs, at least three."""
    width = max(3, len(str(largest)))
    return [f"A{i:0{width}d}" for i in index.tolist()]


def number_ids(letter: str, count: int) -> list[str]:
    """Ids from 1, in order."""
    return [f"{letter}{i:06d}" for i in range(1, count + 1)]


def instants(time: Integers) -> list[str]:
    """UTC microseconds as ISO 8601 with Z and milliseconds; every simulated instant is a whole number of them."""
    text = np.datetime_as_string((time // 1000).view("datetime64[ms]"))
    return [f"{instant}Z" for instant in text.tolist()]


def whole_numbers(values: Integers) -> list[str]:
    """Integers as text."""
    return list(map(str, values.tolist()))


def _cents(values: Integers) -> list[str]:
    """Cents as a decimal with two places; a negative value stands for an empty cell."""
    return [f"{v // 100}.{v % 100:02d}" if v >= 0 else "" for v in values.tolist()]
