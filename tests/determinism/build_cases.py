"""Builds ledgers of one record under several settings in one process, and prints the digest of all that came out.

Started by `vary.py` in an environment of its own (time zone, hash seed, language). Reads cases as JSON lines, writes results as JSON
lines. Everything that may differ between cases by contract is taken out: places of rows in files, and what the manifest only tells.
"""

from __future__ import annotations

import hashlib
import inspect
import io
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from skillstats.ledger import algebra, kpis
from skillstats.ledger.build import build_ledger
from skillstats.ledger.door import build_ledger_folder
from skillstats.ledger.row_marks import read_marks
from skillstats.ledger.write import read_ledger
from skillstats.market import store as stores
from skillstats.plan import parse_plan
from skillstats.record import read_record

NOW = "2027-01-01T00:00:00Z"
LOOPS: tuple[Any, ...] = (algebra, kpis, stores)
PLACES = ("file", "line", "root", "raw")


def source(case: dict[str, Any], tables: dict[str, pd.DataFrame], folder: Path) -> Any:
    """The record in the order and form of a case."""
    mixed = {}
    for name, table in tables.items():
        rows = list(range(len(table)))
        if case["order"]:
            Random(f"{case['order']} {name}").shuffle(rows)
        mixed[name] = table.iloc[rows].reset_index(drop=True)
    if case["format"] in ("csv", "csv, mapped"):
        for name, table in mixed.items():
            table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
        return folder
    if case["format"] in ("parquet", "parquet, mapped"):
        for name, table in mixed.items():
            pq.write_table(pa.Table.from_pandas(table, preserve_index=False), folder / f"{name}.parquet")
        return folder
    if case["format"] == "arrow":
        return {name: pa.Table.from_pandas(table, preserve_index=False) for name, table in mixed.items()}
    if case["format"] == "polars":
        import polars as pl

        return {name: pl.from_pandas(table) for name, table in mixed.items()}
    return mixed


@contextmanager
def loops(*, compiled: bool) -> Iterator[None]:
    """Make a small record go through the compiled loops, which it is too small for, or through the plain ones."""
    before = [module.FEW for module in LOOPS]
    for module in LOOPS:
        module.FEW = 0 if compiled else 10**9
    try:
        yield
    finally:
        for module, few in zip(LOOPS, before, strict=True):
            module.FEW = few


def fingerprint(case: dict[str, Any], tables: dict[str, pd.DataFrame], plan: str) -> dict[str, str]:
    """Digest of each output of one build: the manifest's, every file's bytes, and the lists without the places of rows."""
    options = {k: case[k] for k in ("chunk", "threads") if k in inspect.signature(build_ledger).parameters}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "r").mkdir()
        held: Any = "mapped" if case["format"].endswith("mapped") else "memory"
        given = source(case, tables, folder / "r")
        declared, common = parse_plan(plan.encode()), {"now": NOW, "prices": held, "store": folder / "store"}
        with loops(compiled=case["loops"] == "compiled"):
            if case["decisions"] != "memory" and isinstance(given, Path):
                part = int(case["decisions"].rsplit(" ", 1)[1])
                digest = build_ledger_folder(
                    given, folder / "l", declared, decisions="parts", part=part, **options, **common
                ).digest
            else:
                ledger = build_ledger(read_record(given, declared, **common), **options)
                ledger.write(folder / "l")
                digest = ledger.digest
        result = {"digest": digest, "result": _sha(json.loads((folder / "l" / "manifest.json").read_bytes())["result"])}
        for path in sorted((folder / "l").iterdir()):
            if path.name not in ("manifest.json", "rows.bin", "quarantine.csv", "drops.csv"):
                result[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
        marks = read_marks(folder / "l")
        result["rows.bin"] = _sha({k: [m.hex() for m in v] for k, v in marks.items() if k not in ("quarantine", "drops")})
        back = read_ledger(folder / "l")
        for table in ("quarantine", "drops"):
            kept = getattr(back, table).drop_columns([*PLACES, "message"]).to_pylist()
            result[table] = _sha(sorted(json.dumps(row, sort_keys=True) for row in kept))
    return result


def _sha(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def main() -> None:
    given = json.load(sys.stdin)
    tables = {name: pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False) for name, text in given["tables"].items()}
    for case in given["cases"]:
        print(json.dumps(fingerprint(case, tables, given["plan"])), flush=True)


if __name__ == "__main__":
    main()
