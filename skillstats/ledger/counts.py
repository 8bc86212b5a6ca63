"""Row counts of a ledger, and the identity that no signal is lost:

    raw signal rows = followed + intervened + no decision + expired + quarantined + dropped + outside the period

Signals made from target positions are raw rows too; INITIATE orders have no signal and stand apart.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import pyarrow as pa

from skillstats.errors import LedgerBug
from skillstats.ledger.chains import NO_DECISION, Chains
from skillstats.ledger.setaside import UNAVAILABLE
from skillstats.record.containers import NULL, Record


def row_counts(record: Record, chains: Chains, rows: pd.DataFrame, outside: Chains, as_of: int) -> dict[str, int]:
    """Counts by class of the ledger's rows; an undecided signal whose `expires` has come is `expired`, not `no_decision`."""
    own = rows["signal_id"].notna()
    undecided = (chains.signal >= 0) & (chains.action == NO_DECISION)
    expires = record.tables["signals"]["expires"][chains.signal[undecided]]
    expired = int(((expires != NULL) & (expires <= as_of)).sum())
    return {
        "rows": len(rows),
        "followed": int((rows.loc[own, "action"] == "ACCEPT").sum()),
        "intervened": int(rows.loc[own, "is_intervention"].sum()),
        "no_decision": int(undecided.sum()) - expired,
        "expired": expired,
        "initiated": int((rows["action"] == "INITIATE").sum()),
        "open": int((rows["status"] == "OPEN").sum()),
        "outside_period": int((outside.signal >= 0).sum()),
        "initiated_outside_period": int((outside.signal < 0).sum()),
    }


def reason_counts(record: Record) -> dict[str, int]:
    """Accepted actions that depart from the model, and how many of them give no reason: told, not digested."""
    actions = record.tables.get("actions")
    if actions is None:
        return {"departures": 0, "without": 0}
    departs = actions["action"] != "ACCEPT"
    return {"departures": int(departs.sum()), "without": int((departs & pd.isna(actions["reason"])).sum())}


def other_counts(lost: pd.DataFrame, quarantine: pa.Table, drops: pa.Table, bare: Mapping[str, int]) -> dict[str, int]:
    """Counts of what is no row, and of labels that rows do not have, see `bare_counts`."""
    return {
        "unavailable": int(lost["code"].isin(UNAVAILABLE).sum()),
        "quarantined": quarantine.num_rows,
        "dropped": drops.num_rows,
        **bare,
    }


def assert_signals_conserved(record: Record, counts: Mapping[str, int], quarantine: pa.Table, drops: pa.Table) -> None:
    """Every raw signal row is in exactly one class.

    Raises
    ------
    LedgerBug
        Naming the classes.
    """
    parts = {k: counts[k] for k in ("followed", "intervened", "no_decision", "expired", "outside_period")}
    parts["quarantined"] = quarantine["table"].to_pylist().count("signals")
    parts["dropped"] = drops["table"].to_pylist().count("signals")
    raw = record.raw_rows.get("signals", 0)
    if raw != sum(parts.values()):
        listed = " + ".join(f"{n} {name}" for name, n in parts.items())
        raise LedgerBug(f"{raw} signals read but {listed}; please report this record")
