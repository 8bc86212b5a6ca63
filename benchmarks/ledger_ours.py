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
from skillstats.ledger.algebra import Orders, Parts, value_add_parts
from skillstats.ledger.kernels import add_by_group
from skillstats.ledger.kpis import moments_of
from skillstats.market.marks import Market, mark_at
from skillstats.market.sessions import load_sessions
from skillstats.market.store import build_store
from skillstats.plan import Plan
from skillstats.record.price_door import mapped_prices
from skillstats.record.price_rows import PriceRows
from skillstats.units import Scale

PLAN = Plan(horizon="PT30M")
CHUNK = 30_000


def open_desk(rows: PriceRows) -> Market:
    """What look-ups need."""
    store = build_store(rows, dict.fromkeys(rows.assets, Scale(Fraction(1, 100), Fraction(1))))
    span = rows.spans()
    assert span is not None
    desk_sessions = load_sessions("XNYS", *span, 1)
    return Market(PLAN, store, {"XNYS": desk_sessions}, ("XNYS",) * len(rows.assets), desk_sessions, span[1])


PARTS = ("size", "drift", "slippage")


def run(d: Desk, market: Market) -> dict[str, Any]:
    """Three look-ups, parts, KPIs; decisions in chunks of assets, of which only integer sums are kept."""
    from skillstats.market.kernels import by_asset

    groups = int(d.group.max()) + 1
    order, _ = by_asset(d.asset, len(d.assets))
    d = Desk(**{k: v[order] if isinstance(v, np.ndarray) else v for k, v in ((k, getattr(d, k)) for k in Desk.__slots__)})
    sums = Sums(groups)
    for start in range(0, len(d.asset), CHUNK):
        _chunk(d, market, slice(start, start + CHUNK), sums)
    return sums.kpis()


class Sums:
    """Integer accumulators by group: number, hits, ties, sum, squares in 128 bits, sums of the parts."""

    def __init__(self, groups: int) -> None:
        self.counts = [np.zeros(groups, dtype=np.int64) for _ in range(4)]
        self.words = [np.zeros(groups, dtype=np.uint64) for _ in range(2)]
        self.parts = {name: np.zeros(groups, dtype=np.int64) for name in PARTS}

    def add(self, group: Any, parts: Parts) -> None:
        """Add one chunk."""
        add_by_group(group, parts.value_add, *self.counts, *self.words)
        for name, total in self.parts.items():
            np.add.at(total, group, getattr(parts, name))

    def kpis(self) -> dict[str, Any]:
        """Figures of the groups that have any decision."""
        n, hits, _, total = (c.tolist() for c in self.counts)
        squares = [(int(h) << 64) + int(w) for h, w in zip(*self.words, strict=True)]
        known = [g for g, count in enumerate(n) if count]
        moments = [moments_of(n[g], total[g], squares[g]) for g in known]
        found: dict[str, Any] = {
            "n": [n[g] for g in known],
            "hits": [hits[g] for g in known],
            "total": [total[g] / 1e6 for g in known],
        }
        found |= {k: [np.nan if m[k] is None else m[k] for m in moments] for k in ("mean", "sd")}
        return found | {name: values[known] / 1e6 for name, values in self.parts.items()}


def _chunk(d: Desk, market: Market, rows: slice, sums: Sums) -> None:
    asset, lots = d.asset[rows], d.filled[rows]
    filled = np.where(lots > 0, d.fill_time[rows], np.iinfo(np.int64).min)
    signal, fill, mark = (mark_at(market, asset, t) for t in (d.signal_time[rows], filled, d.horizon_time[rows]))
    good = signal.usable & mark.usable & (fill.usable | (lots == 0))
    price, one = 2 * d.fill_cents[rows], np.ones(len(asset), dtype=np.int64)
    nothing = np.zeros(len(asset), dtype=np.int64)
    orders = Orders(
        side=d.side[rows],
        q=d.quantity[rows],
        p=np.where(good, signal.lookup.price, 0),
        filled=lots,
        notional=lots * price,
        arrival=np.where(good & (lots > 0), lots * fill.lookup.price, 0),
        mark=np.where(good, mark.lookup.price, 0),
        un=5_000 * one,  # cents: one lot times one half tick is 5,000 micro-units
        ud=one,
        actual_cost=nothing,
        model_cost=nothing,
        rn=one,
        rd=one,
    )
    parts = value_add_parts(orders)
    group = d.group[rows]
    if not good.all():
        group, kept = group[good], {k: getattr(parts, k)[good] for k in Parts.__slots__}
        parts = Parts(**kept)
    sums.add(group, parts)


def main() -> None:
    """One measured run: reading (the file's digest and the opening of its store) and the run itself."""
    folder, decisions, rows, assets, store = Path(sys.argv[1]), *sys.argv[2:5], Path(sys.argv[5])
    d = desk(folder, 1, int(decisions), int(rows), int(assets))
    store.mkdir(parents=True, exist_ok=True)
    meter, cold = Meter(), not any(store.iterdir())
    with meter.section("convert" if cold else "read"):
        prices, _ = mapped_prices(d.prices, PLAN, store)
    with meter.section("import"):
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
