"""Write a ledger folder, all or nothing, and read it back.

Outputs go to a temporary folder beside the target, which is renamed once complete, so a reader never sees half a ledger.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from skillstats.errors import Problem, UsageError
from skillstats.ledger.containers import Ledger
from skillstats.ledger.manifest import result_digest
from skillstats.ledger.row_marks import ROW_MARKS, pack_marks, row_marks
from skillstats.ledger.tables import safe_csv
from skillstats.plan import Plan

PARQUET: Final = ("ledger", "decisions", "slices", "books")
CSV: Final = ("ledger", "kpis", "quarantine", "drops")
TABLES: Final = ("ledger", "decisions", "slices", "books", "kpis", "quarantine", "drops")


def replace_folder(build: Path, target: Path) -> None:
    """Put a complete folder in the place of `target`; an older folder of the same kind is replaced whole.

    Raises
    ------
    UsageError
        If `target` holds anything but an earlier output of the same kind.
    """
    check_target(target, _kind(build))
    if target.exists():
        old = target.with_name(f".{target.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        target.rename(old)
        build.rename(target)
        shutil.rmtree(old, ignore_errors=True)
    else:
        build.rename(target)


def check_target(target: Path, kind: str) -> None:
    """Refuse a target that holds anything but an earlier output of the same kind; nothing of others is ever replaced.

    Raises
    ------
    UsageError
        Saying what stands there.
    """
    if target.is_symlink() and not target.exists():
        raise UsageError(f"{target} is a link to nothing; name another --out")
    if not target.exists():
        return
    if not target.is_dir():
        raise UsageError(f"{target} is a file; name a folder as --out")
    if not any(target.iterdir()):
        return
    if _kind(target) != kind:
        raise UsageError(f"{target} exists and is not a folder this package wrote as {kind}; name another --out")
    foreign = sorted(p.name for p in target.iterdir() if p.name not in _written(target) and p.suffix != ".html")
    if foreign:
        raise UsageError(
            f"{target} holds files this package did not write ({', '.join(foreign[:3])}); move them or name another --out"
        )


def _kind(folder: Path) -> str:
    return str(_manifest_of(folder).get("kind", ""))


def _written(folder: Path) -> set[str]:
    manifest = _manifest_of(folder)
    listed = (
        manifest.get("provenance", {}).get("written", {}) if _kind(folder) == "ledger" else manifest["result"].get("files", {})
    )
    return {"manifest.json", *listed}


def _manifest_of(folder: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = msgspec.json.decode((folder / "manifest.json").read_bytes())
    except (OSError, msgspec.DecodeError):
        return {}
    return found


def staging_folder(target: Path) -> Path:
    """A fresh temporary folder beside `target`.

    Raises
    ------
    UsageError
        If no folder can be made there.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        folder.chmod(0o755)
    except OSError as error:
        raise UsageError(f"{target} cannot be written ({error.strerror}); name another --out") from None
    return folder


def table_of(ledger: Ledger, name: str) -> pa.Table:
    """One of the ledger's tables by its file name."""
    table: pa.Table = ledger.rows if name == "ledger" else getattr(ledger, name)
    return table


def write_ledger(ledger: Ledger, target: Path) -> None:
    """Write every table and the manifest of a ledger."""
    build = staging_folder(target)
    try:
        for name in PARQUET:
            pq.write_table(table_of(ledger, name), build / f"{name}.parquet", compression="zstd")
        marks = {}
        for name in TABLES:
            text = safe_csv(table_of(ledger, name))
            marks[name] = row_marks(text)
            if name in CSV:
                (build / f"{name}.csv").write_bytes(text)
        (build / ROW_MARKS).write_bytes(pack_marks(marks))
        (build / "manifest.json").write_bytes(msgspec.json.format(msgspec.json.encode(_manifest(ledger, build)), indent=1))
        replace_folder(build, target)
    finally:
        shutil.rmtree(build, ignore_errors=True)


def _manifest(ledger: Ledger, build: Path) -> dict[str, Any]:
    files = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(build.iterdir())}
    provenance = {**ledger.provenance, "written": files, "problems": [_plain(p) for p in ledger.problems]}
    return {"kind": "ledger", "result": ledger.result, "result_digest": ledger.digest, "provenance": provenance}


def _plain(problem: Problem) -> dict[str, Any]:
    return {k: getattr(problem, k) for k in ("code", "table", "file", "line", "message", "chain", "root")}


def read_ledger(folder: str | Path) -> Ledger:
    """Read a ledger that `write_ledger` wrote.

    Raises
    ------
    UsageError
        If the folder is not a ledger, or its manifest disagrees with its own digest.
    """
    folder = Path(folder)
    try:
        manifest = msgspec.json.decode((folder / "manifest.json").read_bytes())
        tables = {n: pq.read_table(folder / f"{n}.parquet") for n in PARQUET}
    except (OSError, msgspec.DecodeError, pa.ArrowInvalid) as error:
        raise UsageError(f"{folder} is not a ledger folder ({error})") from None
    if manifest.get("kind") != "ledger" or result_digest(manifest["result"]) != manifest["result_digest"]:
        raise UsageError(f"{folder}: manifest.json is not the one that was written; run skillstats verify {folder}")
    plan = msgspec.convert(manifest["result"]["plan"], Plan)
    kpis, quarantine, drops = (_read_csv(folder / f"{n}.csv") for n in ("kpis", "quarantine", "drops"))
    problems = tuple(Problem(**p) for p in manifest["provenance"].pop("problems"))
    provenance = {k: v for k, v in manifest["provenance"].items() if k != "written"}
    return Ledger(
        plan,
        tables["ledger"],
        tables["decisions"],
        tables["slices"],
        tables["books"],
        kpis,
        quarantine,
        drops,
        problems,
        manifest["result"],
        provenance,
    )


def _read_csv(path: Path) -> pa.Table:
    """A CSV of ours as text columns; the numbers of the KPIs are parsed back by their schema."""
    import csv

    from skillstats.ledger.kpis import SCHEMA
    from skillstats.ledger.tables import FORMULA_START

    def plain(cell: str) -> str:
        return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA_START) else cell

    with path.open(encoding="utf-8", newline="") as handle:
        header, *lines = csv.reader(handle)
    columns = {name: [plain(row[i]) for row in lines] for i, name in enumerate(header)}
    if path.stem != "kpis":
        kinds = {"line": pa.int64()}
        return pa.table(
            {k: pa.array([int(x) if k == "line" else x for x in v], type=kinds.get(k, pa.string())) for k, v in columns.items()}
        )
    return pa.table({f.name: pa.array([_value(f, x) for x in columns[f.name]], type=f.type) for f in SCHEMA}, schema=SCHEMA)


def _value(field: pa.Field, text: str) -> Any:
    if text == "":
        return "" if field.name == "note" else None
    if pa.types.is_floating(field.type):
        return float(text)
    if pa.types.is_integer(field.type):
        return int(text.replace(".", "")) if field.name == "sum" else int(text)
    return text
