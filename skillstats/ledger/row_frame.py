"""The ledger's rows as a plain frame, for grouping and for the identities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from skillstats.ledger.chains import pick
from skillstats.ledger.rows import Priced, decision_ids


def row_frame(p: Priced) -> pd.DataFrame:
    """Rows as a plain frame for grouping: int64 micro-units, codes as text, `NULL` never used (OPEN rows hold 0 and say so by status)."""
    signals, actions = p.record.tables["signals"], p.record.tables["actions"]
    a, s = p.chains.row, p.chains.signal
    table: dict[str, Any] = {
        "row": np.arange(len(p.chains)),
        "signal_id": p.chains.signal_id,
        "action_id": p.chains.action_id,
        "decision_id": decision_ids(p.record, p.chains),
        "trader": pick(actions["trader"], a, None),
        "model": pick(signals["model"], s, None),
        "asset": p.chains.name,
        "side": np.where(p.chains.side > 0, "BUY", "SELL").astype(object),
        "action": p.chains.action,
        "status": np.where(p.prices.open, "OPEN", "CLOSED").astype(object),
        "is_intervention": ~p.chains.left_alone,
        "decided": p.chains.decided,
        "session": p.market.desk.label_of(p.chains.decided) if len(p.chains) else p.chains.name,
    }
    for name in ("size", "drift", "slippage", "cost", "value_add", "model_pnl", "actual_pnl"):
        table[name] = np.where(p.prices.open, 0, getattr(p.parts, name))
    if p.labels.values:
        table["regime"] = np.array(
            [" | ".join(map(str, cells)) for cells in zip(*p.labels.values.values(), strict=True)], dtype=object
        )
    return pd.DataFrame(table)
