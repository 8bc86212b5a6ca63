"""Every disagreement between the package and the second ledger on one desk: rows, slices, books, sums, decay, bounds and counts.

The only file of the oracle besides the tests that sees both sides. A disagreement is a line of text; nothing is compared by a tolerance
but the three ratios that end in a rounded division or root (one unit in the last place).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction
from math import isclose, ulp
from pathlib import Path
from typing import Any

import pyarrow as pa
import second_further as further
import second_totals as totals
from desks import Desk
from second_ledger import UNAVAILABLE, SecondLedger

from skillstats.ledger.build import build_ledger
from skillstats.ledger.containers import Ledger
from skillstats.record import read_record

NOW = "2026-01-01T00:00:00Z"
EXACT = (
    *(
        "signal_id",
        "action_id",
        "decision_id",
        "trader",
        "desk",
        "model",
        "asset",
        "side",
        "action",
        "is_intervention",
        "horizon",
    ),
    *("size", "drift", "slippage", "cost", "value_add", "model_pnl", "actual_pnl", "actual_cost", "model_cost"),
    *("value_add_to_date", "actual_notional", "arrival_notional"),
    *("status", "n_fills", "partial", "rounded", "gap_seconds", "session", "regime_weather"),
    *("signal_mid_age", "model_price_age", "arrival_price_age", "mark_age", "signal_fx_age", "mark_fx_age"),
    *("horizon_time", "mark_time", "regime_cutoff", "signal_time", "action_time", "first_fill_time", "last_fill_time"),
    *("model_price_index", "mark_index"),
)
DECIMALS = (
    *("overlap", "model_quantity", "actual_quantity", "gap_quantity", "signal_mid", "model_price", "model_impact"),
    *("actual_price", "arrival_price", "mark", "signal_fx", "mark_fx"),
)
BOOK_LINES = ("actual", "model_frozen", "difference", "model_resimulated", "feedback")
RATIOS = ("mean", "sd", "ir_per_decision", "hit_rate", "override_rate", "mean_common")


def microseconds(table: pa.Table) -> pa.Table:
    """Instants as integers."""
    for at, name in enumerate(table.schema.names):
        if pa.types.is_timestamp(table.schema.field(name).type):
            table = table.set_column(at, name, table[name].cast(pa.int64()))
    return table


def records(table: pa.Table) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = microseconds(table).to_pylist()
    return found


def fraction(value: Any) -> Fraction | None:
    return None if value is None else Fraction(value)


def differing(name: str, pairs: Iterable[tuple[str, Any, Any]]) -> list[str]:
    return [f"{name}.{k}: package {ours}, oracle {own}" for k, ours, own in pairs if ours != own]


def near(ours: Any, own: Any) -> bool:
    """Equal to one unit in the last place."""
    if ours is None or own is None:
        return ours is own
    return isclose(float(ours), own, rel_tol=0, abs_tol=ulp(own))


def rows_that_differ(ledger: Ledger, led: SecondLedger) -> list[str]:
    table = records(ledger.rows)
    rows = {row["signal_id"] or row["action_id"]: row for row in table}
    aside: dict[str, set[str]] = defaultdict(set)
    wrong = []
    for line in records(ledger.quarantine):
        if line["table"] in ("signals", "actions", "fills"):
            aside[line["chain"]].add(line["code"])
        if (line["status"] == "COUNTERFACTUAL_UNAVAILABLE") != (line["code"] in UNAVAILABLE):
            wrong.append(f"{line['chain']}: status {line['status']} with {line['code']}")
    for chain in led.chains:
        own, name = led.rows[chain.name], chain.name
        if isinstance(own, str):
            allowed = set(chain.codes) or {own}
            if name in rows or not aside[name] or not aside[name] <= allowed:
                wrong.append(f"{name}: package {'row' if name in rows else sorted(aside[name])}, oracle set aside {own}")
        elif name not in rows:
            wrong.append(f"{name}: package set aside {sorted(aside[name])}, oracle {own['status']}")
        else:
            wrong += row_that_differs(name, rows[name], own)
    order = [chain.name for chain, _ in totals.priced(led)]
    if [row["signal_id"] or row["action_id"] for row in table] != order and not wrong:
        wrong.append(f"order of rows: oracle {order}")
    return wrong


def row_that_differs(name: str, row: Mapping[str, Any], own: Mapping[str, Any]) -> list[str]:
    pairs = [(k, row.get(k), own.get(k)) for k in EXACT] + [(k, fraction(row.get(k)), own.get(k)) for k in DECIMALS]
    path = [(instant_of(knot), Fraction(knot["gap"])) for knot in row["gap_path"]]
    pairs.append(("gap_path", path, own["gap_path"]))
    pairs.append(("D262", "D262" in (row["warnings"] or "").split(";"), own["adjusted"]))
    return differing(name, pairs)


def instant_of(knot: Mapping[str, Any]) -> int:
    return pa.scalar(knot["time"], pa.timestamp("us", "UTC")).cast(pa.int64()).as_py()  # type: ignore[no-any-return]


def slices_that_differ(ledger: Ledger, led: SecondLedger) -> list[str]:
    """Slices other than 0 (a 0 after the positions agree is not stored)."""
    kept = {k: v for k, v in led.slices.items() if v[0]}
    stored = {
        (s["signal_id"] or s["action_id"], s["session"]): (s["slice"], s["carried"]) for s in records(ledger.slices) if s["slice"]
    }
    return differing("slice", ((str(k), stored.get(k), kept.get(k)) for k in sorted(kept.keys() | stored.keys())))


def books_that_differ(ledger: Ledger, led: SecondLedger) -> list[str]:
    """P/L, cost and rows of every line, rows apart from the feedback, which has none of its own; a line of zeros may be left out."""
    own = {k: v[: 2 if k[0] == "feedback" else 3] for k, v in totals.books(led).items() if any(v[:2])}
    stored: dict[Any, tuple[int, ...]] = {}
    late: dict[Any, tuple[int, int, int]] = {}
    for line in records(ledger.books):
        if line["line"] == "after_horizon":
            late[line["state"], line["session"], line["trader"], line["asset"]] = (line["pnl"], line["cost"], line["n_rows"])
        else:
            key = (line["line"], line["state"], line["session"], line["trader"], line["asset"])
            stored[key] = (line["pnl"], line["cost"], *(() if line["line"] == "feedback" else (line["n_rows"],)))
    stored = {k: v for k, v in stored.items() if any(v[:2])}
    wrong = differing("books", ((str(k), stored.get(k), own.get(k)) for k in sorted(own.keys() | stored.keys(), key=str)))
    expected = totals.after_horizon(led)
    return wrong + differing("after_horizon", ((str(k), late.get(k), expected.get(k)) for k in late.keys() | expected.keys()))


def sums_that_differ(ledger: Ledger, led: SecondLedger) -> list[str]:
    own, stored = totals.decisions(led), {d["decision_id"]: d for d in records(ledger.decisions)}
    wrong = differing("decisions", [("names", sorted(stored), sorted(own))])
    for name in own.keys() & stored.keys():
        wrong += differing(f"decision {name}", ((k, stored[name].get(k), v) for k, v in own[name].items()))
    figures = totals.kpis(led)
    lines: dict[tuple[str | None, ...], Any] = {
        (k["by"], k["trader"], k["model"], k["action"], k["regime"]): k for k in records(ledger.kpis)
    }
    wrong += differing("kpis", [("groups", sorted(map(str, lines)), sorted(map(str, figures)))])
    for key in figures.keys() & lines.keys():
        wrong += figures_that_differ(f"kpis {key}", lines[key], figures[key])
    return wrong


def figures_that_differ(name: str, line: Mapping[str, Any], own: Mapping[str, Any]) -> list[str]:
    exact = [(k, line.get(k), v) for k, v in own.items() if k not in RATIOS]
    ratios = [(k, line.get(k), v) for k, v in own.items() if k in RATIOS and not near(line.get(k), v)]
    return differing(name, exact + ratios)


def decay_that_differs(ledger: Ledger, led: SecondLedger) -> list[str]:
    """The table line by line in its order, and its key figures."""
    if not led.plan.get("decay"):
        return [f"{name}: written without a decay list" for name in ("decay", "decay_kpis") if _has_rows(ledger, name)]
    own = further.decay(led)
    stored = records(getattr(ledger, "decay", None) or pa.table({}))
    named = [{**line, "chain": line["signal_id"] or line["action_id"]} for line in stored]
    keys = [(line["chain"], line["horizon"]) for line in own]
    wrong = differing("decay", [("lines", [(line["chain"], line["horizon"]) for line in named], keys)])
    if not wrong:
        for line, expected in zip(named, own, strict=True):
            wrong += differing(f"decay {line['chain']} {line['horizon']}", ((k, line[k], v) for k, v in expected.items()))
    figures = further.decay_kpis(led)
    table = records(getattr(ledger, "decay_kpis", None) or pa.table({}))
    lines = {(line["trader"], line["primary"], line["horizon"]): line for line in table}
    wrong += differing("decay_kpis", [("groups", sorted(map(str, lines)), sorted(map(str, figures)))])
    for key in figures.keys() & lines.keys():
        wrong += figures_that_differ(f"decay_kpis {key}", lines[key], figures[key])
    return wrong


def _has_rows(ledger: Ledger, name: str) -> bool:
    return bool(getattr(ledger, name, None) is not None and len(getattr(ledger, name)))


def result_that_differs(ledger: Ledger, led: SecondLedger) -> list[str]:
    """Counts, bounds and totals of the manifest."""
    result: Mapping[str, Any] = ledger.result
    wrong = differing("counts", ((k, result["counts"].get(k), v) for k, v in further.counts(led).items()))
    own = further.bounds(led)
    wrong += differing("bounds", ((k, result.get("bounds", {}).get(k), v) for k, v in own.pop(None).items()))
    empty = {"chains": 0, "unbounded": 0, "lowest": 0, "highest": 0}
    for trader in sorted({str(chain.trader) for chain in led.chains if chain.trader}):
        stored = result["by_trader"].get(trader, {}).get("bounds", {})
        wrong += differing(f"bounds {trader}", ((k, stored.get(k, 0), v) for k, v in own.get(trader, empty).items()))
    if led.model_chains:
        wrong += differing("totals", ((k, result["totals"].get(k), v) for k, v in totals.resimulated_totals(led).items()))
        refused = {name: row for name, row in led.resimulated.items() if isinstance(row, str)}
        listed = {q["chain"]: q["code"] for q in records(ledger.quarantine) if q["table"] == "resimulated"}
        wrong += differing("resimulated", [("set aside", listed, refused)])
        wrong += differing("counts", [("resimulated_unavailable", result["counts"].get("resimulated_unavailable"), len(refused))])
    return wrong


def check(desk: Desk, folder: Path) -> tuple[list[str], SecondLedger]:
    """Every disagreement on one desk, and the second ledger."""
    ledger = build_ledger(read_record(desk.write(folder), now=NOW))
    led = SecondLedger(desk.texts(), desk.plan_text())
    parts = (rows_that_differ, slices_that_differ, books_that_differ, sums_that_differ, decay_that_differs, result_that_differs)
    return [line for part in parts for line in part(ledger, led)], led
