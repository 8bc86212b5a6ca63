"""Tables that travel with the ledger because questions beside the value-add need them: factors, exposures, features, estimated betas.

A ledger read back from its folder has no record any more. What is asked of it later (how much was timing, which rule could have done
as well) still needs factor returns, exposures and features as they were accepted; nothing after `as_of` is carried. Where factor
returns are given and an exposure is not, betas are estimated from closes strictly before each session (`skillstats.market.betas`) and
carried as a table of their own, so that given and estimated exposures are never mixed up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skillstats.ledger.tables import int_column, text_column, time_column
from skillstats.market.adjust import Corporate
from skillstats.market.betas import known_betas
from skillstats.market.marks import Market
from skillstats.record.containers import Table
from skillstats.record.schema import SCHEMA

BETAS: Final = "betas"
CARRIED: Final = ("factors", "exposures", "features", BETAS)
"""Tables a ledger may carry, each a Parquet file of its name, in the order of their marks."""

Span = Mapping[int, tuple[int, int]]


def decided_span(asset: NDArray[np.int64], anchor: NDArray[np.int64], decided: NDArray[np.int64]) -> dict[int, tuple[int, int]]:
    """First and last instant of a decision on each asset with prices, by its position in the store."""
    codes, at = np.unique(asset[asset >= 0], return_inverse=True)
    lo, hi = np.full(len(codes), np.iinfo(np.int64).max), np.full(len(codes), np.iinfo(np.int64).min)
    np.minimum.at(lo, at, anchor[asset >= 0])
    np.maximum.at(hi, at, decided[asset >= 0])
    return {int(c): (int(a), int(b)) for c, a, b in zip(codes, lo, hi, strict=True)}


def joined_spans(parts: Iterable[Span]) -> dict[int, tuple[int, int]]:
    """Spans of a whole ledger from those of its parts."""
    whole: dict[int, tuple[int, int]] = {}
    for part in parts:
        for code, (lo, hi) in part.items():
            before = whole.get(code, (lo, hi))
            whole[code] = (min(lo, before[0]), max(hi, before[1]))
    return whole


def carried_tables(tables: Mapping[str, Table], market: Market, corporate: Corporate, span: Span) -> dict[str, pa.Table]:
    """The tables a ledger carries; those of which the record has no row up to `as_of` are absent.

    Parameters
    ----------
    tables : accepted tables of the record; span : see `decided_span`
    """
    found = {name: _as_accepted(tables[name], market.as_of) for name in CARRIED if name in tables}
    if "factors" in tables:
        betas = known_betas(market, corporate, tables["factors"], tables.get("exposures"), span)
        found[BETAS] = pa.table(
            {
                "asset": text_column(betas.asset),
                "factor": text_column(betas.factor),
                "time": time_column(betas.time),
                "exposure": pa.array(betas.exposure, pa.float64()),
                "sessions": int_column(betas.sessions),
            }
        )
    return {name: found[name] for name in CARRIED if name in found and found[name].num_rows}


def _as_accepted(table: Table, as_of: int) -> pa.Table:
    """Every column of the rows up to `as_of`, in the order of acceptance."""
    own = table.take(table["time"] <= as_of)
    known = SCHEMA[table.name].names
    names = [n for n in known if n in own.columns] + sorted((n for n in own.columns if n not in known), key=str.encode)
    return pa.table({name: _column(name, own[name]) for name in names})


def _column(name: str, values: NDArray[Any]) -> pa.Array:
    if name == "time":
        return time_column(values)
    if values.dtype == np.float64:
        return pa.array(values, pa.float64(), mask=np.isnan(values))
    return text_column(values)
