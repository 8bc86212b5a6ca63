"""The signals a trader could have touched: what was departed from, what was followed, and what nobody answered.

Each signal of the ledger carries the tilt of the departure and what the model's order was worth,

    u = (Q - q) / q     Q the quantity that was traded in the signal's direction, q the model's; a veto is -1
    m = model_pnl       micro-units, the model's costs included, so that a full veto is worth exactly -m

u is 0 where the signal was followed or left unanswered: a fill that came short of a followed order is execution, nobody's tilt.

**Universe of a trader**: the signals that trader answered (departures and acceptances), and those nobody answered which the trader could
have: of a (model, asset class) that trader acts on, in a session in which that trader was there. Somebody who logs acceptances was
there in the sessions with an answer; somebody who logs departures only, from the first session with one to the last. A signal that two
traders could have answered is in the universe of both; one that another trader answered is in that one's only. INITIATE orders answer
no signal and are outside. Signals whose horizon is not over have no m: they are counted, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from skillstats.errors import UsageError, show
from skillstats.ledger.containers import Ledger

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]
NO_REGIME: Final = "all"
UNLABELLED: Final = "none"
ZERO: Final = Fraction(0)


@dataclass(frozen=True)
class SignalTable:
    """Every row of a ledger that has a signal, in ledger order; all arrays have shape (signal,).

    trader : name, None where nobody answered; departed : not followed and answered; accepted : followed
    session, side, asset_class, model, regime : text; regime joins the ledger's regime columns, ``all`` without any
    priced : the horizon is over; tilt : Fraction, u; money : int64 micro-units, m (0 where not priced)
    value_add : int64 micro-units (0 where not priced)
    initiated : per trader, (orders, value-add of the closed ones in micro-units, open ones) of own orders without a signal
    """

    trader: NDArray[np.object_]
    departed: BoolArray
    accepted: BoolArray
    session: NDArray[np.object_]
    side: NDArray[np.object_]
    asset_class: NDArray[np.object_]
    model: NDArray[np.object_]
    regime: NDArray[np.object_]
    priced: BoolArray
    tilt: NDArray[np.object_]
    money: IntArray
    value_add: IntArray
    initiated: Mapping[str, tuple[int, int, int]]

    def __len__(self) -> int:
        return len(self.trader)

    @cached_property
    def traders(self) -> tuple[str, ...]:
        """Everybody who answered a signal or placed an own order, sorted."""
        return tuple(sorted({t for t in self.trader if t is not None} | set(self.initiated)))

    @cached_property
    def _book(self) -> list[tuple[Any, Any]]:
        return list(zip(self.model, self.asset_class, strict=True))

    def could_touch(self, trader: str) -> BoolArray:
        """Signals nobody answered that `trader` could have, (signal,); see the head of the module.

        Raises
        ------
        UsageError
            If the ledger knows no such trader.
        """
        if trader not in self.traders:
            raise UsageError(f"trader {show(trader)} is not in the ledger; it has {', '.join(map(show, self.traders)) or 'none'}")
        return self._touchable[trader]

    @cached_property
    def nobody(self) -> BoolArray:
        """Signals that nobody answered, (signal,)."""
        return np.array([t is None for t in self.trader], dtype=bool)

    @cached_property
    def takers(self) -> IntArray:
        """How many traders could have touched each unanswered signal, (signal,); 0 for the others."""
        return np.asarray(sum(m.astype(np.int64) for m in self._touchable.values()) + np.zeros(len(self), dtype=np.int64))

    @cached_property
    def _touchable(self) -> Mapping[str, BoolArray]:
        return {t: self._could_touch(t) for t in self.traders}

    def _could_touch(self, trader: str) -> BoolArray:
        own, found = self.trader == trader, np.zeros(len(self), dtype=bool)
        places = np.flatnonzero(self.nobody)
        if not own.any() or not len(places):
            return found
        books = {self._book[k] for k in np.flatnonzero(own)}
        live = set(self.session[own])
        if (own & self.accepted).any():
            there = [s in live for s in self.session[places]]
        else:
            there = [min(live) <= s <= max(live) for s in self.session[places]]
        found[places] = [here and self._book[k] in books for here, k in zip(there, places.tolist(), strict=True)]
        return found

    def universe(self, trader: str) -> BoolArray:
        """Signals of the universe of `trader`, open ones included, (signal,)."""
        return np.asarray((self.trader == trader) | self.could_touch(trader))


def signal_table(ledger: Ledger) -> SignalTable:
    """The signals of a ledger with tilt and money; see `SignalTable`."""
    rows = ledger.rows
    table = rows.filter(pc.is_valid(rows["signal_id"]))
    action = _text(table, "action")
    priced = pc.is_valid(table["model_pnl"]).to_numpy() & pc.is_valid(table["value_add"]).to_numpy()
    departed = np.asarray(pc.fill_null(table["is_intervention"], False).to_numpy(), dtype=bool)
    return SignalTable(
        trader=_text(table, "trader"),
        departed=departed,
        accepted=action == "ACCEPT",
        session=_text(table, "session"),
        side=_text(table, "side"),
        asset_class=_classes(ledger, _text(table, "asset")),
        model=_text(table, "model"),
        regime=regimes_of(table),
        priced=np.asarray(priced, dtype=bool),
        tilt=_tilts(table, departed & priced),
        money=_micro(table, "model_pnl"),
        value_add=_micro(table, "value_add"),
        initiated=_initiated(rows),
    )


def regimes_of(table: pa.Table) -> NDArray[np.object_]:
    """One label a row: the regime columns of the ledger joined by `` | ``, ``all`` where there are none."""
    names = [c for c in table.column_names if c.startswith("regime_") and c not in ("regime_cutoff", "regime_rule")]
    if not names:
        return np.full(table.num_rows, NO_REGIME, dtype=object)
    columns = [table[c].to_pylist() for c in names]
    return np.array(
        [" | ".join(UNLABELLED if c is None else c for c in cells) for cells in zip(*columns, strict=True)], dtype=object
    )


def _text(table: pa.Table, name: str) -> NDArray[np.object_]:
    return np.array([*table[name].to_pylist(), None], dtype=object)[:-1]


def _micro(table: pa.Table, name: str) -> IntArray:
    return np.asarray(pc.fill_null(table[name], 0).to_numpy(), dtype=np.int64)


def _classes(ledger: Ledger, assets: NDArray[np.object_]) -> NDArray[np.object_]:
    known = ledger.plan.assets
    return np.array([known[a].class_ if a in known else "all" for a in assets], dtype=object)


def _tilts(table: pa.Table, departed: BoolArray) -> NDArray[np.object_]:
    """The tilt u of each row as an exact fraction; equal ratios share one object."""
    tilts = np.full(table.num_rows, ZERO, dtype=object)
    places = np.flatnonzero(departed)
    part = table.take(pa.array(places))
    seen: dict[tuple[Any, Any], Fraction] = {}
    for place, traded, asked in zip(places, part["actual_quantity"].to_pylist(), part["model_quantity"].to_pylist(), strict=True):
        pair = (traded or Decimal(0), asked)
        if pair not in seen:
            seen[pair] = (Fraction(pair[0]) - Fraction(asked)) / Fraction(asked)
        tilts[place] = seen[pair]
    return tilts


def _initiated(rows: pa.Table) -> dict[str, tuple[int, int, int]]:
    own = rows.filter(pc.equal(rows["action"], "INITIATE"))
    found: dict[str, tuple[int, int, int]] = {}
    for trader, amount in zip(own["trader"].to_pylist(), own["value_add"].to_pylist(), strict=True):
        n, total, open_ = found.get(trader, (0, 0, 0))
        found[trader] = (n + 1, total + (amount or 0), open_ + (amount is None))
    return found
