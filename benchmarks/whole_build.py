"""The whole ledger at scale: `read_record` and `build_ledger` as a user calls them, and how memory grows with the number of quotes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks.desk import desk, write_record
from benchmarks.measure import Meter, child

QUOTES = (10_000_000, 100_000_000)
ASSETS = 500


def growth(folder: Path, decisions: int) -> str:
    """A Markdown table: CPU seconds and peak anonymous memory of reading, building and writing at each number of quotes."""
    lines = ["| quotes | read, warm store | build | write | peak anonymous memory |", "|---|---|---|---|---|"]
    peaks = []
    for rows in QUOTES:
        own = folder / f"record{rows}"
        own.mkdir(parents=True, exist_ok=True)
        arguments = ("benchmarks.whole_build", str(own), str(decisions), str(rows))
        found = child(*arguments)  # the first run converts the prices
        found = found if "failed" in found else child(*arguments)
        if "failed" in found:
            lines.append(f"| {rows:,} | failed: {found['failed'][:80]} | | | |")
            continue
        peaks.append(max(found["peak"].values()))
        times = " | ".join(f"{found['seconds'][k]:.0f} s" for k in ("read", "build", "write"))
        lines.append(f"| {rows:,} | {times} | {peaks[-1] / 1e9:.2f} GB |")
    if len(peaks) == len(QUOTES):
        lines.append(f"\nTen times the quotes: {100 * (peaks[-1] / peaks[0] - 1):+.1f} % anonymous memory.")
    return "\n".join(lines)


def main() -> None:
    """One run of the whole build."""
    folder, decisions, rows = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    if not (folder / "plan.toml").exists():
        write_record(desk(folder, 1, decisions, rows, ASSETS), folder)
    from skillstats.ledger.build import build_ledger
    from skillstats.record import read_record

    meter = Meter()
    with meter.section("read"):
        record = read_record(folder, store=folder.parent / "store", now="2030-01-01T00:00:00Z")
    with meter.section("build"):
        ledger = build_ledger(record)
    with meter.section("write"):
        ledger.write(folder.parent / "written")
    print(json.dumps({"seconds": meter.seconds, "peak": meter.peak, "rows": ledger.rows.num_rows, "digest": ledger.digest}))


if __name__ == "__main__":
    main()
