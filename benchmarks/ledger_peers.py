"""The same mini ledger in pandas, polars and DuckDB, each written as a careful user of it would: three look-ups, parts, KPIs by group.

The peers compute in float64 from quotes stored as float64 (their native way); ours in integers from the desk's own file. A decision
counts where its model price (mid at the signal), its mark (mid at the horizon) and, if it was filled, the mid at the fill are not older
than a minute. Prints one JSON line: seconds and memory by section, and the KPIs' checksum figures.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.desk import Desk, desk
from benchmarks.measure import Meter

LIMIT = 60 * 10**6
LOOKUPS = (("signal", "signal_time"), ("fill", "fill_time"), ("mark", "horizon_time"))


def parts(d: Desk, signal: Any, fill: Any, mark: Any) -> dict[str, Any]:
    """Parts of each decision in currency (float64) from three arrays of mids, NaN where missing."""
    s, q, filled, price = d.side, d.quantity, d.filled, d.fill_cents / 100
    overlap = np.minimum(q, filled)
    # a veto has no fill, so its fill price and the mid at a fill do not enter
    at_fill = np.where(filled > 0, fill, 0.0)
    paid = np.where(filled > 0, price, 0.0)
    size = s * ((filled - overlap) * (mark - paid) - (q - overlap) * (mark - signal))
    drift = s * overlap * (signal - at_fill)
    slippage = s * overlap * (at_fill - paid)
    return {"size": size, "drift": drift, "slippage": slippage, "value_add": size + drift + slippage}


def run_pandas(d: Desk, folder: Path, meter: Meter, file: str) -> dict[str, Any]:
    """Pandas: `merge_asof` by asset, three times."""
    import pandas as pd

    with meter.section("read"):
        prices = pd.read_parquet(folder / file)
        prices["mid"] = (prices["bid"] + prices["ask"]) / 2
        prices = prices[["time", "asset", "mid"]]
    with meter.section("run"):
        if not prices["time"].is_monotonic_increasing:
            prices = prices.sort_values("time", kind="stable")
        found = {}
        for name, column in LOOKUPS:
            left = pd.DataFrame({"time": getattr(d, column).astype("datetime64[us]"), "asset": d.asset.astype(np.int32)})
            left["row"] = np.arange(len(left))
            left = left.sort_values("time", kind="stable")
            joined = pd.merge_asof(left, prices, on="time", by="asset", tolerance=pd.Timedelta(seconds=60))
            found[name] = joined.set_index("row")["mid"].reindex(np.arange(len(left))).to_numpy()
        table = pd.DataFrame(parts(d, found["signal"], found["fill"], found["mark"]))
        table["group"] = d.group
        table = table.dropna()
        table["hit"] = table["value_add"] > 0
        kpis = table.groupby("group").agg(
            n=("value_add", "size"),
            hits=("hit", "sum"),
            total=("value_add", "sum"),
            mean=("value_add", "mean"),
            sd=("value_add", "std"),
            size=("size", "sum"),
            drift=("drift", "sum"),
            slippage=("slippage", "sum"),
        )
    return {k: kpis[k].to_numpy() for k in kpis}


def run_polars(d: Desk, folder: Path, meter: Meter, file: str) -> dict[str, Any]:
    """Polars: `join_asof` by asset, three times."""
    import polars as pl

    with meter.section("read"):
        prices = pl.read_parquet(folder / file).with_columns(((pl.col("bid") + pl.col("ask")) / 2).alias("mid"))
        prices = prices.select("time", "asset", "mid")
    with meter.section("run"):
        if not prices["time"].is_sorted():
            prices = prices.sort("time")
        frame = pl.DataFrame(
            {
                "row": np.arange(len(d.asset)),
                "asset": d.asset.astype(np.int32),
                "s": d.side,
                "q": d.quantity,
                "filled": d.filled,
                "paid": np.where(d.filled > 0, d.fill_cents / 100, 0.0),
                "group": d.group,
                **{column: getattr(d, column).astype("datetime64[us]") for _, column in LOOKUPS},
            }
        )
        for name, column in LOOKUPS:
            right = prices.rename({"time": column, "mid": name})
            frame = frame.sort(column).join_asof(
                right, on=column, by="asset", strategy="backward", tolerance="60s", check_sortedness=False
            )
        overlap = pl.min_horizontal("q", "filled")
        at_fill = pl.when(pl.col("filled") > 0).then(pl.col("fill")).otherwise(0.0)
        signal, mark, s = pl.col("signal"), pl.col("mark"), pl.col("s")
        size = s * ((pl.col("filled") - overlap) * (mark - pl.col("paid")) - (pl.col("q") - overlap) * (mark - signal))
        frame = frame.with_columns(
            size.alias("size"),
            (s * overlap * (signal - at_fill)).alias("drift"),
            (s * overlap * (at_fill - pl.col("paid"))).alias("slippage"),
        ).with_columns((pl.col("size") + pl.col("drift") + pl.col("slippage")).alias("value_add"))
        kpis = (
            frame.drop_nulls(["value_add"])
            .group_by("group")
            .agg(
                pl.len().alias("n"),
                (pl.col("value_add") > 0).sum().alias("hits"),
                pl.col("value_add").sum().alias("total"),
                pl.col("value_add").mean().alias("mean"),
                pl.col("value_add").std().alias("sd"),
                *(pl.col(k).sum() for k in ("size", "drift", "slippage")),
            )
            .sort("group")
        )
    return {k: kpis[k].to_numpy() for k in kpis.columns if k != "group"}


DUCKDB = """
with priced as (
  select d.*, s.mid as signal, f.mid as fill, m.mid as mark
  from decisions d
  asof left join prices s on d.asset = s.asset and d.signal_time >= s.time
  asof left join prices f on d.asset = f.asset and d.fill_time >= f.time
  asof left join prices m on d.asset = m.asset and d.horizon_time >= m.time
  where d.signal_time - s.time <= interval 60 second and d.horizon_time - m.time <= interval 60 second
    and (d.filled = 0 or d.fill_time - f.time <= interval 60 second)
), sized as (
  select *, least(q, filled) as o, case when filled > 0 then fill else 0 end as at_fill from priced
), split as (
  select "group", s * ((filled - o) * (mark - paid) - (q - o) * (mark - signal)) as size,
    s * o * (signal - at_fill) as drift, s * o * (at_fill - paid) as slippage from sized
), added as (select *, size + drift + slippage as value_add from split)
select count(*) as n, count(*) filter (value_add > 0) as hits, sum(value_add) as total, avg(value_add) as mean,
  stddev_samp(value_add) as sd, sum(size) as size, sum(drift) as drift, sum(slippage) as slippage
from added group by "group" order by "group"
"""


def run_duckdb(d: Desk, folder: Path, meter: Meter, file: str) -> dict[str, Any]:
    """DuckDB: three ASOF joins in one query."""
    import duckdb
    import pyarrow as pa

    connection = duckdb.connect()
    connection.execute("set threads = 1; set preserve_insertion_order = false")
    with meter.section("read"):
        connection.execute(
            f"create table prices as select time, asset, (bid + ask) / 2 as mid from read_parquet('{folder / file}')"  # noqa: S608
        )
    with meter.section("run"):
        decisions = pa.table(  # noqa: F841  the query names it
            {
                "asset": d.asset.astype(np.int32),
                "s": d.side,
                "q": d.quantity,
                "filled": d.filled,
                "paid": np.where(d.filled > 0, d.fill_cents / 100, 0.0),
                "group": d.group,
                **{column: pa.array(getattr(d, column)).cast(pa.timestamp("us")) for _, column in LOOKUPS},
            }
        )
        kpis = connection.execute(DUCKDB).fetchnumpy()
    return dict(kpis)


PEERS = {"pandas": run_pandas, "polars": run_polars, "duckdb": run_duckdb}


def figures(kpis: dict[str, Any]) -> dict[str, Any]:
    """What two runs are compared by: counts exactly, sums and spreads by group to a rounding error."""
    return {
        k: np.asarray(kpis[k], dtype=float).round(6).tolist()
        for k in ("n", "hits", "total", "mean", "sd", "size", "drift", "slippage")
    }


def main() -> None:
    """One measured run."""
    peer, folder, decisions, rows, assets, file = sys.argv[1:7]
    d = desk(Path(folder), 1, int(decisions), int(rows), int(assets))
    meter = Meter()
    kpis = PEERS[peer](d, Path(folder), meter, file)
    (Path(folder) / f"kpis-{peer}-{file}.json").write_text(json.dumps(figures(kpis)))
    print(json.dumps({"seconds": meter.seconds, "peak": meter.peak}))


if __name__ == "__main__":
    main()
