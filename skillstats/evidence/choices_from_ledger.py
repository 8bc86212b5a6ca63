"""Every signal of a ledger that could have been touched, with what a full veto of it would have been worth."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from skillstats.errors import SkillWithheld
from skillstats.evidence.choices import Choices, make_choices
from skillstats.evidence.risk import one_minute
from skillstats.evidence.tables import encode
from skillstats.ledger.containers import Ledger
from skillstats.market.sessions import Sessions, load_sessions, sessions_per_year

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def to_choices(ledger: Ledger) -> Choices:
    """Choices of a ledger: one row for every signal with a known trader, a closed horizon and a volatility.

    ``V* = -model_pnl`` is the exact value-add of a full veto, costs included; its risk is quantity x price x volatility x sqrt(horizon) (see
    `evidence.risk`). Strata are side, asset class and regime; the only feature is the logarithm of the risk. Signals nobody answered belong to
    nobody; where the ledger has one trader they are that trader's.

    Parameters
    ----------
    ledger : Ledger

    Returns
    -------
    Choices; `counts` says what did not become a choice

    Raises
    ------
    SkillWithheld
        If no signal is left.
    UsageError
        If every signal was acted upon, or none.
    """
    frame = _signals(ledger)
    traders = sorted(set(frame["trader"].dropna()))
    if len(traders) == 1:
        frame["trader"] = traders[0]
    nobody = frame["trader"].isna()
    unpriced = frame["model_pnl"].isna()
    blind = (frame["volatility"] <= 0) | ~(frame["signal_mid"] > 0)
    late = frame["decided"] + frame["recorded_lag"] > frame["horizon_time"]
    keep = ~(nobody | unpriced | blind | late)
    counts = {
        "undecided": int(nobody.sum()),
        "open": int((~nobody & unpriced).sum()),
        "no_risk": int((~nobody & ~unpriced & blind).sum()),
        "late": int((~nobody & ~unpriced & ~blind & late).sum()),
    }
    if not keep.any():
        raise SkillWithheld(f"no signal can be judged ({', '.join(f'{v} {k}' for k, v in counts.items())})")
    frame = frame[keep].reset_index(drop=True)
    risk = whole_order_risk(ledger, frame)
    codes, coords = {}, {}
    for name in ("trader", "session", "stratum"):
        codes[name], coords[name] = encode(frame[name].to_numpy(dtype=object))
    return make_choices(
        codes,
        acted=frame["acted"].to_numpy(dtype=bool),
        v_star=-frame["model_pnl"].to_numpy(dtype=float) * 1e-6 / risk,
        features=np.log(risk)[:, None],
        coords=coords | {"feature": ("log_risk",)},
        source="record",
        sessions_per_year=float(sessions_per_year(ledger.plan.calendar.default)),
        sessions_spanned=len(coords["session"]),
        counts=counts,
        look_ahead=int((frame["cutoff"] >= frame["decided"]).sum()),
    )


def _signals(ledger: Ledger) -> pd.DataFrame:
    """Rows that answer a signal, with what their choice is judged by; instants int64 microseconds, money micro-units."""
    table = ledger.rows.filter(pc.is_valid(ledger.rows["signal_id"]))
    frame = pd.DataFrame({k: table[k].to_pandas().astype(object) for k in ("trader", "asset", "side", "session")})
    frame["acted"] = np.asarray(pc.fill_null(table["is_intervention"], False).to_pandas(), dtype=bool)
    for name in ("action_time", "signal_time", "horizon_time", "recorded_lag", "volatility", "regime_cutoff"):
        column = table[name].cast(pa.int64()) if pa.types.is_timestamp(table[name].type) else table[name]
        empty = 0 if name == "recorded_lag" else -1
        frame[name] = np.asarray(pc.fill_null(column, empty).to_numpy(), dtype=np.int64)
    for name in ("signal_mid", "model_quantity", "signal_fx", "model_pnl"):
        frame[name] = np.asarray(pc.fill_null(table[name].cast(pa.float64()), np.nan).to_numpy(), dtype=float)
    # signals left alone are labelled at the signal, the others at the action
    frame["decided"] = np.where(frame["action_time"] >= 0, frame["action_time"], frame["signal_time"])
    frame["cutoff"] = frame["regime_cutoff"]
    regimes = [c for c in table.column_names if c.startswith("regime_") and c not in ("regime_cutoff", "regime_rule")]
    labels: list[list[Any]] = [[_asset_class(ledger, a) for a in frame["asset"]], *(table[c].to_pylist() for c in regimes)]
    frame["stratum"] = [" | ".join(map(str, row)) for row in zip(frame["side"], *labels, strict=True)]
    return frame


def _asset_class(ledger: Ledger, asset: str) -> str:
    return ledger.plan.assets[asset].class_ if asset in ledger.plan.assets else "all"


def whole_order_risk(ledger: Ledger, frame: pd.DataFrame) -> FloatArray:
    """Risk of vetoing the whole order: |q| price multiplier volatility sqrt(trading time to the horizon), at least a minute of it.

    Parameters
    ----------
    frame : columns asset, signal_time, horizon_time (int64 microseconds), signal_mid, signal_fx (NaN: base currency), model_quantity,
        volatility (billionths a session)

    Returns
    -------
    (row,) currency
    """
    elapsed = np.zeros(len(frame))
    names = np.array([_calendar_name(ledger, a) for a in frame["asset"]], dtype=object)
    for name in sorted(set(names)):
        own = names == name
        clock = _calendar(frame, name)
        start, stop = (frame[c].to_numpy(dtype=np.int64)[own] for c in ("signal_time", "horizon_time"))
        elapsed[own] = np.maximum(clock.clock(stop) - clock.clock(start), one_minute(clock, start))
    scales = ledger.result["scales"]
    multiplier = np.array([float(Fraction(scales[a]["multiplier"])) for a in frame["asset"]])
    rate = np.nan_to_num(frame["signal_fx"].to_numpy(), nan=1.0)  # null for the base currency
    money = frame["signal_mid"].to_numpy() * multiplier * rate * frame["volatility"].to_numpy() * 1e-9
    return np.asarray(np.abs(frame["model_quantity"].to_numpy()) * money * np.sqrt(elapsed), dtype=float)


def _calendar_name(ledger: Ledger, asset: str) -> str:
    own = ledger.plan.assets[asset].calendar if asset in ledger.plan.assets else None
    return own or ledger.plan.calendar.default


def _calendar(frame: pd.DataFrame, name: str) -> Sessions:
    stamps = np.concatenate([frame[c].to_numpy(dtype=np.int64) for c in ("signal_time", "horizon_time")])
    return load_sessions(name, int(stamps.min()), int(stamps.max()), 1)
