"""A large desk for measurements: quotes of many assets, decisions with one fill each. Everything from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
SECOND = 10**6
OPEN, CLOSE = 14 * 3600 * SECOND + 1800 * SECOND, 21 * 3600 * SECOND
"""A session of XNYS in January, microseconds of the UTC day."""
NOISE = 20
"""Cents about the level of an asset."""
DAYS = ("2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08", "2024-01-09", "2024-01-10", "2024-01-11", "2024-01-12")


@dataclass(frozen=True, slots=True)
class Desk:
    """Decisions of a desk as arrays, shape (decision,): microseconds, cents, units; and where its quotes lie."""

    assets: tuple[str, ...]
    asset: IntArray
    signal_time: IntArray
    fill_time: IntArray
    horizon_time: IntArray
    side: IntArray
    quantity: IntArray
    filled: IntArray
    fill_cents: IntArray
    group: IntArray
    prices: Path


def day_starts() -> IntArray:
    """First microsecond of each day."""
    return np.array([np.datetime64(d, "us").astype(np.int64) for d in DAYS], dtype=np.int64)


def levels(seed: int, assets: int) -> IntArray:
    """Price of each asset in cents, about which its quotes and fills lie."""
    return np.random.default_rng([seed, 7]).integers(2_000, 20_000, assets)


def quotes(folder: Path, seed: int, rows: int, assets: int) -> tuple[str, ...]:
    """Write ``prices.parquet``: `rows` quotes in time order within each day, all assets mixed as a feed mixes them."""
    names = tuple(f"A{i:05d}" for i in range(assets))
    rng = np.random.default_rng(seed)
    level = levels(seed, assets)
    schema = pa.schema(
        [("asset", pa.dictionary(pa.int32(), pa.string())), ("time", pa.timestamp("us", tz="UTC"))]
        + [(name, pa.decimal128(18, 2)) for name in ("bid", "ask")]
    )
    per_part = 1 << 21
    starts = day_starts()
    with pq.ParquetWriter(folder / "prices.parquet", schema, compression="zstd") as writer:
        for day, share in zip(starts, np.diff(np.linspace(0, rows, len(starts) + 1).astype(np.int64)), strict=True):
            done = 0
            while done < share:
                n = int(min(per_part, share - done))
                lo = OPEN + (CLOSE - OPEN) * done // share
                hi = OPEN + (CLOSE - OPEN) * (done + n) // share
                # distinct instants, so that no two quotes of an asset share one
                time = day + lo + np.arange(n, dtype=np.int64) * (hi - lo) // n
                asset = rng.integers(0, assets, n)
                bid = level[asset] + rng.integers(-NOISE, NOISE, n)
                ask = bid + rng.integers(1, 4, n)
                writer.write_table(_quote_table(names, asset, time, bid, ask, schema))
                done += n
    return names


def for_peers(folder: Path) -> None:
    """The same quotes as float64 with asset codes, once in time order and once in the order of assets: the peers' native input."""
    import duckdb

    if (folder / "by_asset.parquet").exists():
        return
    query = """select cast(substr(asset, 2) as integer) as asset, timezone('UTC', time) as time, cast(bid as double) as bid,
      cast(ask as double) as ask from read_parquet('{}') order by {}"""
    connection = duckdb.connect()
    for name, order in (("by_time", "time, asset"), ("by_asset", "asset, time")):
        source = query.format(folder / "prices.parquet", order)
        connection.execute(f"copy ({source}) to '{folder / name}.parquet' (format parquet, compression zstd)")


def _quote_table(names: tuple[str, ...], asset: Any, time: IntArray, bid: IntArray, ask: IntArray, schema: pa.Schema) -> pa.Table:
    codes = pa.DictionaryArray.from_arrays(pa.array(asset, pa.int32()), pa.array(names))
    return pa.table(
        [codes, pa.array(time).cast(pa.timestamp("us", tz="UTC")), _cents(bid), _cents(ask)],
        schema=schema,
    )


def _cents(values: IntArray) -> pa.Array:
    words = np.empty((len(values), 2), dtype=np.int64)
    words[:, 0], words[:, 1] = values, values >> 63
    return pa.Array.from_buffers(pa.decimal128(18, 2), len(values), [None, pa.py_buffer(words.tobytes())])


def desk(folder: Path, seed: int, decisions: int, rows: int, assets: int, groups: int = 4_000) -> Desk:
    """A desk and its quotes, written once a folder."""
    names = tuple(f"A{i:05d}" for i in range(assets))
    if not (folder / "prices.parquet").exists():
        quotes(folder, seed, rows, assets)
    rng = np.random.default_rng(seed + 1)
    day = rng.integers(0, len(DAYS) - 1, decisions)
    signal = day_starts()[day] + rng.integers(OPEN + 300 * SECOND, CLOSE - 3600 * SECOND, decisions)
    signal = np.sort(signal)
    asset = rng.integers(0, assets, decisions)
    quantity = rng.integers(1, 20, decisions) * 100
    filled = np.where(rng.random(decisions) < 0.3, 0, np.maximum(100, quantity + 100 * rng.integers(-5, 6, decisions)))
    return Desk(
        assets=names,
        asset=asset.astype(np.int64),
        signal_time=signal,
        fill_time=signal + rng.integers(1, 1200, decisions) * SECOND,
        horizon_time=signal + 1800 * SECOND,
        side=rng.choice(np.array([-1, 1]), decisions),
        quantity=quantity,
        filled=filled,
        fill_cents=levels(seed, assets)[asset] + rng.integers(-NOISE, NOISE, decisions),
        group=rng.integers(0, groups, decisions),
        prices=folder / "prices.parquet",
    )


def write_record(d: Desk, folder: Path) -> None:
    """The desk as a record that `read_record` takes: signals, actions and fills as Parquet beside the prices, and a plan."""
    n = len(d.asset)
    ids = np.arange(n)
    names = pa.array(d.assets)
    asset = pa.DictionaryArray.from_arrays(pa.array(d.asset, pa.int32()), names).dictionary_decode()
    stamp = pa.timestamp("us", tz="UTC")
    signal_id = pa.array(np.char.add("S", ids.astype(str)))
    action_id = pa.array(np.char.add("A", ids.astype(str)))
    filled = d.filled > 0
    verb = np.where(~filled, "VETO", np.where(d.filled == d.quantity, "DELAY", "RESIZE"))
    traders = pa.array(np.char.add("T", (d.group % 50).astype(str)))
    pq.write_table(
        pa.table(
            {
                "signal_id": signal_id,
                "time": pa.array(d.signal_time).cast(stamp),
                "model": pa.array(np.char.add("M", (d.group // 50).astype(str))),
                "asset": asset,
                "side": np.where(d.side > 0, "BUY", "SELL"),
                "quantity": d.quantity,
            }
        ),
        folder / "signals.parquet",
    )
    pq.write_table(
        pa.table(
            {
                "action_id": action_id,
                "signal_id": signal_id,
                "time": pa.array(d.signal_time + SECOND).cast(stamp),
                "trader": traders,
                "action": verb,
                "quantity": d.filled,
            }
        ),
        folder / "actions.parquet",
    )
    keep = pa.array(filled)
    pq.write_table(
        pa.table(
            {
                "fill_id": pa.array(np.char.add("F", ids.astype(str))).filter(keep),
                "action_id": action_id.filter(keep),
                "time": pa.array(d.fill_time).cast(stamp).filter(keep),
                "quantity": pa.array(d.filled).filter(keep),
                "price": _cents(d.fill_cents).filter(keep),
                "fee": pa.array(np.zeros(n, dtype=np.int64)).filter(keep),
            }
        ),
        folder / "fills.parquet",
    )
    (folder / "plan.toml").write_text('horizon = "PT30M"\n')
