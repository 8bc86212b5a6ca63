"""Write a ledger folder, all or nothing, and read it back.

Outputs go to a temporary folder beside the target, which is renamed once complete, so a reader never sees half a ledger.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from itertools import batched
from pathlib import Path
from typing import IO, Any, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from skillstats.errors import Problem, UsageError
from skillstats.ledger.beside import pages_beside
from skillstats.ledger.carried import CARRIED
from skillstats.ledger.containers import Ledger
from skillstats.ledger.manifest import LEDGER_SCHEMA, result_digest
from skillstats.ledger.row_marks import ROW_MARKS, marks_head
from skillstats.ledger.table_files import write_table
from skillstats.ledger.tables import is_money
from skillstats.plan import Plan

PARQUET: Final = ("ledger", "decisions", "slices", "books")
"""Tables every ledger folder holds as Parquet; `decay` where the plan names further horizons, `CARRIED` where the record has them."""
CSV: Final = {"ledger": "ledger", "kpis": "kpis", "quarantine": "quarantine", "drops": "drops", "decay_kpis": "decay"}
"""Tables written as CSV, and the names of their files."""
TABLES: Final = ("ledger", "decisions", "slices", "books", "kpis", "quarantine", "drops", "decay", "decay_kpis")


FREEZES_FILE: Final = "plan.frozen.json"
"""The freezes of the plan, which travel with a ledger; what is digested does not know them."""
MINUTES: Final = "minutes.jsonl"
"""Decisions recorded in an evaluation's folder; see `skillstats.evaluation.minutes`."""
UNFINISHED: Final = ".rows"
SOME: Final = 1_000
"""Problems written at a time."""


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
    ours = _written(target) | pages_beside(target)
    foreign = sorted(p.name for p in target.iterdir() if p.name not in ours)
    if MINUTES in foreign:
        raise UsageError(f"{target} holds the minutes of what was decided, which nothing overwrites; name another --out")
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
    return {"manifest.json", FREEZES_FILE, *listed}


class _Told(msgspec.Struct):
    written: dict[str, str] = {}


class _Known(msgspec.Struct):
    kind: str = ""
    result: dict[str, Any] = {}
    provenance: _Told = msgspec.field(default_factory=_Told)


def _manifest_of(folder: Path) -> dict[str, Any]:
    """The manifest of any output of this package without its problems, which may be many; empty where there is none."""
    try:
        found = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=_Known)
    except (OSError, msgspec.DecodeError):
        return {}
    return {"kind": found.kind, "result": found.result, "provenance": {"written": found.provenance.written}}


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


def tables_of(ledger: Ledger) -> dict[str, pa.Table]:
    """The ledger's tables by name; those of further horizons and those carried only where there are any."""
    tables = {name: ledger.rows if name == "ledger" else getattr(ledger, name) for name in TABLES}
    tables |= {name: ledger.carried[name] for name in CARRIED if name in ledger.carried}
    return {name: table for name, table in tables.items() if table is not None}


def write_ledger(ledger: Ledger, target: Path) -> None:
    """Write every table and the manifest of a ledger."""
    build = staging_folder(target)
    try:
        rows = {}
        with marks_file(build) as marks:
            for name, table in tables_of(ledger).items():
                rows[name] = write_table([table], *files_of(name, build), marks).rows
        finish_marks(build, rows)
        write_manifest(build, ledger.result, ledger.provenance, ledger.problems)
        replace_folder(build, target)
    finally:
        shutil.rmtree(build, ignore_errors=True)


def files_of(name: str, build: Path) -> tuple[Path | None, Path | None]:
    """Parquet and CSV file of a table in a ledger folder, None where it has none."""
    parquet = build / f"{name}.parquet" if name in (*PARQUET, "decay", *CARRIED) else None
    return parquet, build / f"{CSV[name]}.csv" if name in CSV else None


def marks_file(build: Path) -> IO[bytes]:
    """Where the marks of all rows are gathered until their numbers are known."""
    return (build / UNFINISHED).open("wb")


def finish_marks(build: Path, rows: Mapping[str, int]) -> None:
    """Put the head before the marks; `rows` of each table, in the order in which they were written."""
    with (build / ROW_MARKS).open("wb") as whole, (build / UNFINISHED).open("rb") as marks:
        whole.write(marks_head({name: n + 1 for name, n in rows.items()}))
        shutil.copyfileobj(marks, whole)
    (build / UNFINISHED).unlink()


def write_manifest(build: Path, result: Mapping[str, Any], provenance: Mapping[str, Any], problems: Iterable[Problem]) -> None:
    """Write the manifest of a finished folder; any number of problems goes through, some at a time."""
    files = {p.name: _file_digest(p) for p in sorted(build.iterdir())}
    told = {**provenance, "written": files, "problems": []}
    whole = {"kind": "ledger", "result": result, "result_digest": result_digest(result), "provenance": told}
    text = msgspec.json.format(msgspec.json.encode(whole), indent=1)
    at = text.rindex(b"[]")
    with (build / "manifest.json").open("wb") as file:
        file.write(text[:at])
        begun = False
        for some in batched(problems, SOME):
            listed = msgspec.json.format(msgspec.json.encode([_plain(p) for p in some]), indent=1)
            file.write((b",\n  " if begun else b"[\n  ") + listed[2:-2].replace(b"\n", b"\n  "))
            begun = True
        file.write((b"\n  ]" if begun else b"[]") + text[at + 2 :])


def _file_digest(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _plain(problem: Problem) -> dict[str, Any]:
    return {k: getattr(problem, k) for k in ("code", "table", "file", "line", "message", "chain", "root")}


class _Head(msgspec.Struct):
    """A manifest without what is not digested."""

    kind: str
    result: dict[str, Any]
    result_digest: str


def read_ledger(folder: str | Path, *, columns: Mapping[str, list[str]] | None = None) -> Ledger:
    """Read a ledger that `write_ledger` wrote.

    Parameters
    ----------
    columns : of ledger, decisions, slices or books, where not all are wanted; problems and provenance are left out then, so that a
        large ledger can be added up in less memory

    Raises
    ------
    UsageError
        If the folder is not a ledger, was written by another version of the format, or its manifest disagrees with its own digest.
    """
    folder = Path(folder)
    _refuse_other_schema(folder)
    try:
        text, chosen = (folder / "manifest.json").read_bytes(), columns or {}
        manifest = msgspec.json.decode(text) if columns is None else _headed(text)
        tables = {n: pq.read_table(folder / f"{n}.parquet", columns=chosen.get(n)) for n in PARQUET}
    except (OSError, msgspec.DecodeError, pa.ArrowInvalid) as error:
        raise UsageError(f"{folder} is not a ledger folder ({error})") from None
    if manifest.get("kind") != "ledger" or result_digest(manifest["result"]) != manifest["result_digest"]:
        raise UsageError(f"{folder}: manifest.json is not the one that was written; run skillstats verify {folder}")
    plan = msgspec.convert(manifest["result"]["plan"], Plan)
    kpis, quarantine, drops = (_read_csv(folder / f"{n}.csv") for n in ("kpis", "quarantine", "drops"))
    decay = pq.read_table(folder / "decay.parquet") if (folder / "decay.parquet").exists() else None
    carried = {n: pq.read_table(folder / f"{n}.parquet") for n in CARRIED if n in manifest["result"]["outputs"]}
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
        decay,
        _read_csv(folder / "decay.csv") if decay is not None else None,
        carried=carried,
    )


def _headed(text: bytes) -> dict[str, Any]:
    head = msgspec.json.decode(text, type=_Head)
    return {**msgspec.structs.asdict(head), "provenance": {"problems": []}}


def _refuse_other_schema(folder: Path) -> None:
    manifest = _manifest_of(folder)
    found = manifest.get("result", {}).get("schema") if manifest.get("kind") == "ledger" else None
    if found not in (None, LEDGER_SCHEMA):
        raise UsageError(
            f"{folder} is a ledger of format {found}, this version reads {LEDGER_SCHEMA}; build it again from its record"
        )


def _read_csv(path: Path) -> pa.Table:
    """A CSV of ours as text columns; the numbers of KPIs are parsed back by their schema."""
    import csv

    from skillstats.ledger import decay, kpis
    from skillstats.ledger.canonical import FORMULA_START

    def plain(cell: str) -> str:
        return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA_START) else cell

    with path.open(encoding="utf-8", newline="") as handle:
        header, *lines = csv.reader(handle)
    columns = {name: [plain(row[i]) for row in lines] for i, name in enumerate(header)}
    schema = {"kpis": kpis.SCHEMA, "decay": decay.SCHEMA}.get(path.stem)
    if schema is None:
        kinds = {"line": pa.int64()}
        return pa.table(
            {k: pa.array([int(x) if k == "line" else x for x in v], type=kinds.get(k, pa.string())) for k, v in columns.items()}
        )
    return pa.table({f.name: pa.array([_value(f, x) for x in columns[f.name]], type=f.type) for f in schema}, schema=schema)


def _value(field: pa.Field, text: str) -> Any:
    if text == "":
        return "" if field.name == "note" else None
    if pa.types.is_floating(field.type):
        return float(text)
    if pa.types.is_integer(field.type):
        return int(text.replace(".", "")) if is_money(field) else int(text)
    if pa.types.is_boolean(field.type):
        return text == "true"
    return text
