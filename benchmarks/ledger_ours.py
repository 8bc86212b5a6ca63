"""The mini ledger with this package's own steps: the mapped store, `mark_at` with its limits of age, the exact parts, the KPIs.

These are the functions `build_ledger` calls, on arrays that are in memory already, as the peers' decisions are. Prints one JSON line.
"""

from __future__ import annotations

import json
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.desk import Desk, desk
from benchmarks.ledger_peers import figures
from benchmarks.measure import Meter
from skillstats.ledger.algebra import Orders, value_add_parts
from skillstats.ledger.kpis import add_up, moments_of
from skillstats.market.marks import Market, mark_at
from skillstats.market.sessions import load_sessions
from skillstats.market.store import build_store
from skillstats.plan import Plan
from skillstats.record.price_door import mapped_prices
from skillstats.record.price_rows import PriceRows
from skillstats.units import Scale

PLAN = Plan(horizon="PT30M")


def open_desk(rows: PriceRows) -> Market:
    """What look-ups need."""
    store = build_store(rows, dict.fromkeys(rows.assets, Scale(Fraction(1, 100), Fraction(1))))
    span = rows.spans()
    assert span is not None
    desk_sessions = load_sessions("XNYS", *span, 1)
    return Market(PLAN, store, {"XNYS": desk_sessions}, ("XNYS",) * len(rows.assets), desk_sessions, span[1])


def run(d: Desk, market: Market) -> dict[str, Any]:
    """Three look-ups, parts, KPIs."""
    filled = np.where(d.filled > 0, d.fill_time, np.iinfo(np.int64).min)
    signal, fill, mark = (mark_at(market, d.asset, t) for t in (d.signal_time, filled, d.horizon_time))
    good = signal.usable & mark.usable & (fill.usable | (d.filled == 0))
    rows = np.flatnonzero(good)
    lots, price = d.filled[rows], 2 * d.fill_cents[rows]
    one = np.ones(len(rows), dtype=np.int64)
    nothing = np.zeros(len(rows), dtype=np.int64)
    orders = Orders(
        side=d.side[rows],
        q=d.quantity[rows],
        p=signal.lookup.price[rows],
        filled=lots,
        notional=lots * price,
        arrival=np.where(lots > 0, lots * fill.lookup.price[rows], 0),
        mark=mark.lookup.price[rows],
        un=5_000 * one,  # cents: one lot times one half tick is 5,000 micro-units
        ud=one,
        actual_cost=nothing,
        model_cost=nothing,
        rn=one,
        rd=one,
    )
    parts = value_add_parts(orders)
    group, groups = d.group[rows], int(d.group.max()) + 1
    n, hits, _, total, squares = add_up(group, parts.value_add, groups)
    known = [g for g in range(groups) if n[g]]
    moments = [moments_of(n[g], total[g], squares[g]) for g in known]
    found: dict[str, Any] = {
        "n": [n[g] for g in known],
        "hits": [hits[g] for g in known],
        "total": [total[g] / 1e6 for g in known],
    }
    found |= {k: [np.nan if m[k] is None else m[k] for m in moments] for k in ("mean", "sd")}
    for name in ("size", "drift", "slippage"):
        sums = np.zeros(groups, dtype=np.int64)
        np.add.at(sums, group, getattr(parts, name))
        found[name] = sums[known] / 1e6
    return found


def main() -> None:
    """One measured run: reading (the file's digest and the opening of its store) and the run itself."""
    folder, decisions, rows, assets, store = Path(sys.argv[1]), *sys.argv[2:5], Path(sys.argv[5])
    d = desk(folder, 1, int(decisions), int(rows), int(assets))
    store.mkdir(parents=True, exist_ok=True)
    meter, cold = Meter(), not any(store.iterdir())
    with meter.section("convert" if cold else "read"):
        prices, _ = mapped_prices(d.prices, PLAN, store)
    with meter.section("import"):
        import skillstats.ledger.kernels
        import skillstats.market.kernels  # noqa: F401

        warm = desk_sample(d)
        run(warm, open_desk(prices))
    with meter.section("run"):
        kpis = run(d, open_desk(prices))
    (folder / "kpis-ours.json").write_text(json.dumps(figures(kpis)))
    print(json.dumps({"seconds": meter.seconds, "peak": meter.peak}))


def desk_sample(d: Desk) -> Desk:
    """Just enough decisions to load the compiled loops."""
    columns = {k: v[:30_000] if isinstance(v, np.ndarray) else v for k, v in ((k, getattr(d, k)) for k in Desk.__slots__)}
    return Desk(**columns)


if __name__ == "__main__":
    main()
