"""The block `factors`: was it timing or selection?"""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from skillstats.attribution.attribute import ALL, FactorAttribution, attribute
from skillstats.errors import UsageError
from skillstats.evidence import Evidence
from skillstats.ledger.containers import Ledger
from skillstats.plan import Plan

SLICES: Final = (("action",), ("signal_type",), ("regime",))
"""Labels the block slices by, beside side and tercile of exposure to each factor; `FactorAttribution.by` gives any other."""
MOST_SLICES: Final = 12
"""Rows of a slice that are kept, those of the largest value-add first; the others are counted."""


def factors_block(ledger: Ledger, evidence: Evidence | None, plan: Plan, *, seed: int) -> dict[str, Any]:
    """Tilt, timing and selection by trader and factor, both books, alpha of the difference, and slices; see `attribute`.

    Nothing here is drawn at random; `evidence`, `plan` and `seed` are what every block is given.
    """
    del evidence, plan, seed
    try:
        a = attribute(ledger)
    except UsageError as error:
        return {"available": False, "why": f"{error}."}
    rows = _plain(a.traders)
    return {
        "available": True,
        "unit": a.unit,
        "factors": list(a.factors),
        "interval": a.interval,
        "all": rows[-1],
        "traders": [r for r in rows if r["trader"] != ALL],
        "by_factor": _plain(a.by_factor),
        "books": _plain(a.books),
        "alpha": _plain(a.alpha),
        "slices": _slices(a),
        "return_based": _plain(a.return_based),
        "exposures": dict(a.exposures),
        "left_out": dict(a.left_out),
    }


def _slices(a: FactorAttribution) -> list[dict[str, Any]]:
    """Slices with more than one row; the hybrid ones (side by tercile of exposure) for every factor."""
    found = []
    for labels in (*SLICES, *(("side", f) for f in a.factors)):
        table = a.by(*labels)
        if len(table) < 2:
            continue
        kept = table.loc[table["value_add"].abs().sort_values(ascending=False, kind="stable").index[:MOST_SLICES]].sort_index()
        found.append({"by": list(labels), "rows": _plain(kept), "left_out": len(table) - len(kept)})
    return found


def _plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON-ready mappings, NaN as None."""
    return [
        {str(k): (None if pd.isna(v) else v.item() if hasattr(v, "item") else v) for k, v in row.items()}
        for row in frame.to_dict("records")
    ]
