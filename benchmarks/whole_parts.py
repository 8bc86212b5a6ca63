"""The whole ledger part by part: `build_ledger_folder` as a user calls it, and how memory grows with the number of decisions."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks.desk import desk, write_record
from benchmarks.measure import Meter, child

DECISIONS = (1_000_000, 4_000_000)
QUOTES = 10_000_000
ASSETS = 500


def growth(folder: Path) -> str:
    """A Markdown table: CPU seconds and peak anonymous memory of the build in parts at each number of decisions."""
    lines = ["| decisions | parts of | read, build and write | peak anonymous memory |", "|---|---|---|---|"]
    peaks = []
    for decisions in DECISIONS:
        own = folder / f"decisions{decisions}"
        own.mkdir(parents=True, exist_ok=True)
        arguments = ("benchmarks.whole_parts", str(own), str(decisions), str(QUOTES))
        if not (own / "plan.toml").exists():
            child(*arguments)
        found = child(*arguments)
        if "failed" in found:
            lines.append(f"| {decisions:,} | failed: {found['failed'][:80]} | | |")
            continue
        peaks.append(found["peak"]["parts"])
        lines.append(f"| {decisions:,} | {found['part']:,} | {found['seconds']['parts']:.0f} s | {peaks[-1] / 1e9:.2f} GB |")
    if len(peaks) == len(DECISIONS):
        more = (peaks[-1] - peaks[0]) / (DECISIONS[-1] - DECISIONS[0])
        lines.append(f"\n{more:.0f} bytes of anonymous memory for each further decision.")
    return "\n".join(lines)


def main() -> None:
    """One run; the first one of a folder only makes the desk and converts its prices, so that none of that is left in memory."""
    folder, decisions, rows = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    from skillstats.ledger.door import build_ledger_folder
    from skillstats.plan import read_plan
    from skillstats.record.parts import PART
    from skillstats.record.price_door import mapped_prices
    from skillstats.record.price_files import store_folder

    store = store_folder(folder.parent / "store")
    if not (folder / "plan.toml").exists():
        write_record(desk(folder, 1, decisions, rows, ASSETS), folder)
        mapped_prices(folder / "prices.parquet", read_plan(folder / "plan.toml"), store)
        print("{}")
        return
    meter = Meter()
    with meter.section("parts"):
        ledger = build_ledger_folder(
            folder, folder.parent / "in_parts", decisions="parts", part=PART, store=store, now="2030-01-01T00:00:00Z"
        )
    print(json.dumps({"seconds": meter.seconds, "peak": meter.peak, "part": PART, "digest": ledger.digest}))


if __name__ == "__main__":
    main()
