"""Every signal a trader decided on, with what stood fixed before the decision and what became of it.

Times are int64 UTC microseconds. Outcomes are per unit of the whole order's risk (`evidence.choices_from_ledger.whole_order_risk`), so that
what was left alone and what was touched are on one scale: for a signal of side s with model P/L m,

    v* = -m / w   the value a full veto would have had,      value = value_add / w   what the trader's own choice was worth.

A row says which of its numbers are outcomes: `value`, `v_star`, `money`, `spent`. Nothing else may be later than the decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from skillstats.errors import SkillWithheld
from skillstats.evidence.choices_from_ledger import whole_order_risk
from skillstats.evidence.tables import encode
from skillstats.ledger.containers import Ledger
from skillstats.market.sessions import Sessions, load_sessions

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
CODED: Final = ("trader", "session", "asset", "kind", "asset_class", "regime", "version")
MINUTE: Final = 60_000_000
UNKNOWN: Final = "unknown at the signal"


@dataclass(frozen=True)
class Decided:
    """Signals with a known trader, shape (row,) unless it says otherwise, in order of `signal_at`.

    trader, session, asset, kind (signal type), asset_class, regime, version : int64 codes into `coords`; sessions are in order of time
    side : +1 BUY, -1 SELL; signal_at, decided_at, horizon_at : instants; filled_at : last fill, -1 without one
    closes : place of the horizon's desk session; span : sessions from the signal's desk session to the horizon's
    to_close : minutes from the signal to the close of its desk session; last_days : one of the last three desk sessions of a month
    month : code of the calendar month; acted : bool, touched; action : text
    tilt : (Q - q) / q; held : units, signed, what was traded; paid : price a unit (NaN without a fill); price : mid at the signal
    volatility : share a session; value, v_star : outcomes per unit of risk, NaN while open; risk : currency
    money : value-add in currency, NaN while open; spent : slippage and cost in currency, > 0 spent
    """

    trader: IntArray
    session: IntArray
    asset: IntArray
    kind: IntArray
    asset_class: IntArray
    regime: IntArray
    version: IntArray
    side: FloatArray
    signal_at: IntArray
    decided_at: IntArray
    horizon_at: IntArray
    filled_at: IntArray
    closes: IntArray
    span: IntArray
    to_close: FloatArray
    last_days: NDArray[np.bool_]
    month: IntArray
    acted: NDArray[np.bool_]
    action: NDArray[Any]
    tilt: FloatArray
    held: FloatArray
    paid: FloatArray
    price: FloatArray
    volatility: FloatArray
    value: FloatArray
    v_star: FloatArray
    risk: FloatArray
    money: FloatArray
    spent: FloatArray
    coords: Mapping[str, tuple[str, ...]]
    counts: Mapping[str, int]
    own: OwnOrders

    def __len__(self) -> int:
        return len(self.trader)

    def take(self, rows: IntArray | NDArray[np.bool_]) -> Decided:
        """The given rows; codes keep their meaning, own orders stay."""
        columns = {f.name: getattr(self, f.name) for f in fields(self)}
        kept: dict[str, Any] = {k: v[rows] for k, v in columns.items() if isinstance(v, np.ndarray)}
        return replace(self, **kept)


@dataclass(frozen=True)
class OwnOrders:
    """INITIATE orders, shape (order,): what the trader did without a signal.

    trader, session, asset : codes as in `Decided`; at, horizon_at : instants; held : signed units; y : value-add over risk, NaN while open
    """

    trader: IntArray
    session: IntArray
    asset: IntArray
    at: IntArray
    horizon_at: IntArray
    held: FloatArray
    y: FloatArray


def decided_of(ledger: Ledger) -> Decided:
    """Signals of a ledger that somebody decided on and that have a volatility.

    Signals nobody answered belong to nobody; where the ledger has one trader they are that trader's. Rows recorded after their horizon
    (late) are left out, as in the evidence.

    Parameters
    ----------
    ledger : Ledger, also one read back from a folder

    Returns
    -------
    Decided; `counts` says what was left out: undecided, late, no_risk

    Raises
    ------
    SkillWithheld
        If nothing is left.
    """
    frame = _frame(ledger)
    traders = sorted(set(frame["trader"].dropna()))
    if len(traders) == 1:
        frame["trader"] = traders[0]
    signal = frame["signal_time"] >= 0
    nobody = frame["trader"].isna()
    late = frame["decided"] + frame["recorded_lag"] > frame["horizon_time"].where(
        frame["horizon_time"] >= 0, np.iinfo(np.int64).max
    )
    blind = (frame["volatility"] <= 0) | ~(frame["signal_mid"] > 0)
    keep = ~nobody & ~late & ~blind
    counts = {
        "undecided": int((signal & nobody).sum()),
        "late": int((signal & ~nobody & late).sum()),
        "no_risk": int((signal & ~nobody & ~late & blind).sum()),
        "own_orders": int((~signal & keep).sum()),
    }
    if not (keep & signal).any():
        raise SkillWithheld(f"no signal with a trader can be judged ({', '.join(f'{v} {k}' for k, v in counts.items())})")
    frame = frame[keep].sort_values(["anchor", "signal_id"], kind="stable").reset_index(drop=True)
    return _pack(ledger, frame, counts)


def _frame(ledger: Ledger) -> pd.DataFrame:
    """Rows of the ledger as plain columns; instants int64 with -1 for none, prices and quantities floats."""
    t = ledger.rows
    frame = pd.DataFrame(
        {
            k: t[k].to_pandas().astype(object)
            for k in ("signal_id", "trader", "asset", "side", "session", "action", "signal_type", "model_version")
        }
    )
    frame["acted"] = np.asarray(pc.fill_null(t["is_intervention"], False).to_pandas(), dtype=bool)
    for name in ("action_time", "signal_time", "horizon_time", "last_fill_time", "regime_cutoff", "recorded_lag", "volatility"):
        column = t[name].cast(pa.int64()) if pa.types.is_timestamp(t[name].type) else t[name]
        frame[name] = np.asarray(pc.fill_null(column, 0 if name == "recorded_lag" else -1).to_numpy(), dtype=np.int64)
    for name in (
        "signal_mid", "model_quantity", "actual_quantity", "actual_price", "signal_fx", "model_pnl", "value_add", "slippage", "cost",
    ):  # fmt: skip
        frame[name] = np.asarray(pc.fill_null(t[name].cast(pa.float64()), np.nan).to_numpy(), dtype=float)
    frame["decided"] = np.where(frame["action_time"] >= 0, frame["action_time"], frame["signal_time"])
    frame["anchor"] = np.where(frame["signal_time"] >= 0, frame["signal_time"], frame["decided"])
    frame["version"] = frame["model_version"].where(frame["model_version"].notna(), "none")
    frame["kind"] = frame["signal_type"].where(frame["signal_type"].notna(), "none")
    frame["asset_class"] = [ledger.plan.assets[a].class_ if a in ledger.plan.assets else "all" for a in frame["asset"]]
    regimes = [c for c in t.column_names if c.startswith("regime_") and c not in ("regime_cutoff", "regime_rule")]
    labels = [" | ".join(map(str, row)) for row in zip(*(t[c].to_pylist() for c in regimes), strict=True)] if regimes else "all"
    # a label of the action's instant may be newer than the signal: a rule that acts on the signal would not have had it
    frame["regime"] = pd.Series(labels, index=frame.index).where(frame["regime_cutoff"] < frame["anchor"], UNKNOWN)
    own = frame["signal_time"] < 0  # an own order: its size and price stand in for the signal's
    frame.loc[own, "model_quantity"] = frame.loc[own, "actual_quantity"].abs()
    frame.loc[own, "signal_mid"] = frame.loc[own, "actual_price"]
    return frame


def _pack(ledger: Ledger, frame: pd.DataFrame, counts: dict[str, int]) -> Decided:
    stamps = np.concatenate([frame[c].to_numpy() for c in ("anchor", "horizon_time")])
    desk = load_sessions(ledger.plan.calendar.default, int(stamps[stamps >= 0].min()), int(stamps.max()), 1)
    frame["calendar"] = desk.index_of(frame["anchor"].to_numpy())
    known = frame["horizon_time"].to_numpy() >= 0
    horizon = np.where(known, frame["horizon_time"], np.iinfo(np.int64).max)
    frame["closes"] = np.where(known, desk.index_of(frame["horizon_time"].to_numpy()), len(desk.labels))
    risk = whole_order_risk(
        ledger, frame.assign(signal_time=frame["anchor"], horizon_time=np.where(known, horizon, frame["anchor"]))
    )
    frame["risk"] = np.where(known, risk, np.nan)
    frame["horizon_at"] = horizon
    codes: dict[str, Any] = {}
    coords: dict[str, tuple[str, ...]] = {}
    for name in CODED:
        codes[name], coords[name] = encode(frame[name].to_numpy(dtype=object))
    signal = frame["signal_time"].to_numpy() >= 0
    return Decided(
        **{k: v[signal] for k, v in codes.items()},
        **_columns(frame[signal], desk),
        coords=coords,
        counts=counts,
        own=_own(frame[~signal], {k: v[~signal] for k, v in codes.items()}),
    )


def _columns(f: pd.DataFrame, desk: Sessions) -> dict[str, Any]:
    """The columns of `Decided` that are not codes."""
    place = np.minimum(f["calendar"].to_numpy(), len(desk.labels) - 1)
    month = np.array([str(label)[:7] for label in desk.labels], dtype=object)
    # the last three desk sessions of a month that the calendar shows to its end
    ending = np.array([i + 3 < len(month) and month[i + 3] != month[i] for i in range(len(month))], dtype=bool)
    q, filled = f["model_quantity"].to_numpy(), np.nan_to_num(f["actual_quantity"].to_numpy())
    side = np.where(f["side"] == "BUY", 1.0, -1.0)
    return {
        "side": side,
        "signal_at": f["anchor"].to_numpy(dtype=np.int64),
        "decided_at": f["decided"].to_numpy(dtype=np.int64),
        "horizon_at": f["horizon_at"].to_numpy(dtype=np.int64),
        "filled_at": f["last_fill_time"].to_numpy(dtype=np.int64),
        "closes": f["closes"].to_numpy(dtype=np.int64),
        "span": np.maximum(f["closes"].to_numpy(dtype=np.int64) - place, 0),
        "to_close": (desk.closes[place] - f["anchor"].to_numpy()) / MINUTE,
        "last_days": ending[place],
        "month": np.unique(month, return_inverse=True)[1][place].astype(np.int64),
        "acted": f["acted"].to_numpy(dtype=bool),
        "action": f["action"].to_numpy(dtype=object),
        "tilt": (filled - q) / q,
        "held": side * filled,
        "paid": f["actual_price"].to_numpy(dtype=float),
        "price": f["signal_mid"].to_numpy(dtype=float),
        "volatility": f["volatility"].to_numpy(dtype=float) * 1e-9,
        "value": f["value_add"].to_numpy() * 1e-6 / f["risk"].to_numpy(),
        "v_star": -f["model_pnl"].to_numpy() * 1e-6 / f["risk"].to_numpy(),
        "risk": f["risk"].to_numpy(dtype=float),
        "money": f["value_add"].to_numpy() * 1e-6,
        "spent": -(f["slippage"].to_numpy() + f["cost"].to_numpy()) * 1e-6,
    }


def _own(f: pd.DataFrame, codes: Mapping[str, IntArray]) -> OwnOrders:
    side = np.where(f["side"] == "BUY", 1.0, -1.0)
    return OwnOrders(
        trader=codes["trader"],
        session=codes["session"],
        asset=codes["asset"],
        at=f["decided"].to_numpy(dtype=np.int64),
        horizon_at=f["horizon_at"].to_numpy(dtype=np.int64),
        held=side * np.nan_to_num(f["actual_quantity"].to_numpy()),
        y=f["value_add"].to_numpy() * 1e-6 / f["risk"].to_numpy(),
    )
