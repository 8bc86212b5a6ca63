"""The ledger against hand-written pandas, polars and DuckDB pipelines: the same look-ups, parts and KPIs, on the same desk.

``python -m benchmarks.ledger [--small] [--full] [--pairs N] [--out FILE]`` prints one Markdown table. Ratios are peer over ours, of CPU time, paired
and in turn, each run in a fresh process on one thread. Nothing is left out: reading, the one-off conversion of our store, the loading of our
compiled loops, memory, and the peers that win a row.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np

from benchmarks.desk import desk, for_peers
from benchmarks.measure import Ratio, child, in_turn

ASSETS: Final = 500
PEERS: Final = (
    ("pandas, prices sorted by time", "pandas", "by_time.parquet"),
    ("pandas, prices in order of assets", "pandas", "by_asset.parquet"),
    ("polars", "polars", "by_time.parquet"),
    ("duckdb", "duckdb", "by_asset.parquet"),
)
"""DuckDB gets the order it is faster with."""
Row = tuple[str, ...]


def measure(folder: Path, decisions: int, rows: int, pairs: int) -> Iterator[Row]:
    """Rows of the table: what, against whom, ratio or figure, memory, agreement."""
    desk(folder, 1, decisions, rows, ASSETS)
    for_peers(folder)
    store = folder / "store"
    shutil.rmtree(store, ignore_errors=True)  # the first run converts
    arguments = [str(folder), str(decisions), str(rows), str(ASSETS)]
    ours = ["benchmarks.ledger_ours", *arguments, str(store)]
    cold = child(*ours)
    size = sum(p.stat().st_size for p in store.rglob("*.bin") if p.name != "line.bin")
    yield from _own(cold, child(*ours), size)
    for name, peer, file in PEERS:
        if not _installed(peer):
            yield (name, "not installed", "", "", "")
            continue
        yield from _against(name, ours, ["benchmarks.ledger_peers", peer, *arguments, file], pairs, cold, folder)


def _own(cold: dict[str, Any], warm: dict[str, Any], size: int) -> Iterator[Row]:
    run = warm["seconds"]["run"]
    yield ("ours", "run, warm store", f"{run:.2f} s", _megabytes(warm["peak"]["run"]), "")
    yield ("ours", "opening the store, with the file's digest", f"{warm['seconds']['read'] / run:.2f} runs", "", "")
    yield ("ours", "loading the compiled loops, once a process", f"{warm['seconds']['import'] / run:.1f} runs", "", "")
    yield (
        "ours",
        "conversion to the store, once a price file",
        f"{cold['seconds']['convert'] / run:.0f} runs",
        _megabytes(cold["peak"]["convert"]),
        "",
    )
    ratio = warm["peak"]["run"] / size
    yield ("ours", "peak anonymous memory / mapped store", f"{ratio:.2f}", _megabytes(size), "")


def _against(name: str, ours: list[str], peer: list[str], pairs: int, cold: dict[str, Any], folder: Path) -> Iterator[Row]:
    found = in_turn(ours, peer, pairs)
    failed = next((p["failed"] for _, p in found if "failed" in p), None)
    if failed:
        yield (name, "failed", failed[:60], "", "")
        return
    runs = Ratio(tuple(b["seconds"]["run"] / a["seconds"]["run"] for a, b in found))
    whole = Ratio(tuple(_whole(b) / _whole(a) for a, b in found))
    loaded = Ratio(tuple(_whole(b) / (_whole(a) + a["seconds"]["import"]) for a, b in found))
    memory = _megabytes(int(median(b["peak"]["run"] for _, b in found)))
    yield (name, "run", str(runs), memory, agreement(folder, peer))
    yield (name, "run and reading", str(whole), "", "")
    yield (name, "run, reading and our loops' loading", str(loaded), "", "")
    gain = median(_whole(b) - _whole(a) - a["seconds"]["import"] for a, b in found)
    even = f"{cold['seconds']['convert'] / gain:.1f}" if gain > 0 else "never"
    yield (name, "runs after which our conversion has paid", even, "", "")


def _whole(run: dict[str, Any]) -> float:
    return float(run["seconds"]["run"] + run["seconds"]["read"])


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f} MB"


def agreement(folder: Path, peer: list[str]) -> str:
    """Largest difference of the KPIs of any group."""
    ours = json.loads((folder / "kpis-ours.json").read_text())
    theirs = json.loads((folder / f"kpis-{peer[1]}-{peer[-1]}.json").read_text())
    counts = int(np.abs(np.array(ours["n"]) - np.array(theirs["n"])).sum())
    hits = int(np.abs(np.array(ours["hits"]) - np.array(theirs["hits"])).sum())
    money = max(float(np.nanmax(np.abs(np.array(ours[k]) - np.array(theirs[k])))) for k in ours if k not in ("n", "hits"))
    return f"counts off {counts}, hits off {hits}, money off {money:.1e}"


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def header(decisions: int, rows: int, pairs: int) -> str:
    """What was measured and on what."""
    packages = ", ".join(
        f"{n} {version(n)}" for n in ("numpy", "numba", "pandas", "polars", "duckdb", "pyarrow") if _installed(n)
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{decisions:,} decisions x {rows:,} quotes, {ASSETS} assets, 4,000 groups, seed 1; {pairs} pairs, median (smallest-largest).\n"
        f"{platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB; Python {platform.python_version()}, {packages}.\n"
    )


def table(rows: list[Row]) -> str:
    """Markdown."""
    lines = ["| against | what | peer / ours, or figure | anonymous memory | answers |", "|---|---|---|---|---|"]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows])


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="1e5 decisions x 1e6 quotes, 3 pairs")
    parser.add_argument("--full", action="store_true", help="also the whole build at 1e6 decisions x 1e7 and 1e8 quotes")
    parser.add_argument("--pairs", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="where the desks are kept; default: a temporary folder")
    given = parser.parse_args(arguments)
    decisions, rows = (100_000, 1_000_000) if given.small else (1_000_000, 10_000_000)
    pairs = given.pairs or (3 if given.small else 7)
    with tempfile.TemporaryDirectory() as temporary:
        folder = (given.folder or Path(temporary)) / f"quotes{rows}"
        folder.mkdir(parents=True, exist_ok=True)
        print(header(decisions, rows, pairs))
        print(table(list(measure(folder, decisions, rows, pairs))), flush=True)
        if given.full:
            from benchmarks.whole_build import growth

            print()
            print(growth(folder.parent, decisions))
            from benchmarks.whole_parts import growth as growth_in_parts

            print()
            print(growth_in_parts(folder.parent))


if __name__ == "__main__":
    main(sys.argv[1:])
