"""The last gate of an export: every text in every file is searched for the names that must not leave."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from skillstats.evaluation.export_ledger import COLUMNS
from skillstats.evaluation.pseudonyms import Names


def files_with_names(folder: Path, names: Names) -> list[str]:
    """Files below a folder in which a name still stands: in a text, a key, a column, a label, an attribute or the file's own name."""
    found = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        texts = (str(path.relative_to(folder)), *_texts(path))
        if any(names.found_in(t) for t in set(texts)):
            found.append(str(path.relative_to(folder)))
    return found


def _texts(path: Path) -> Iterator[str]:
    """Every text of a file."""
    if path.suffix == ".json":
        yield from _json(msgspec.json.decode(path.read_bytes()))
    elif path.suffix == ".csv":
        for row in csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))):
            yield from (cell for column, cell in row.items() if column in COLUMNS or not _is_number(cell))
    elif path.suffix == ".parquet":
        yield from _parquet(path)
    elif path.suffix == ".nc":
        yield from _netcdf(path)
    elif path.suffix != ".bin":  # six bytes of a sha256 a row
        yield from path.read_text(encoding="utf-8").splitlines()


def _is_number(cell: str) -> bool:
    return cell.lstrip("-").replace(".", "", 1).replace("e-", "", 1).isdigit()


def _json(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from _json(packed) if (packed := _packed(value)) is not None else (value,)
    elif isinstance(value, dict):
        for key, part in value.items():
            yield key
            yield from _json(part)
    elif isinstance(value, list):
        for part in value:
            yield from _json(part)


def _packed(text: str) -> Any:
    """The content of a text that is itself JSON, as the plan's is; None for any other."""
    try:
        return msgspec.json.decode(text) if text.startswith("{") else None
    except msgspec.DecodeError:
        return None


def _parquet(path: Path) -> Iterator[str]:
    table = pq.read_table(path)
    yield from table.column_names
    for field in table.schema:
        yield from (part.decode("utf-8", "replace") for pair in (field.metadata or {}).items() for part in pair)
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            yield from (v for v in pc.unique(table[field.name]).to_pylist() if v)
    yield from (part.decode("utf-8", "replace") for pair in (pq.read_schema(path).metadata or {}).items() for part in pair)


def _netcdf(path: Path) -> Iterator[str]:
    import xarray as xr

    with xr.open_datatree(path, engine="h5netcdf") as tree:
        for node in tree.subtree:
            yield from _json(dict(node.attrs))
            for name, variable in node.variables.items():
                yield str(name)
                yield from _json(dict(variable.attrs))
                if variable.dtype.kind in "OUS":
                    yield from (str(v) for v in variable.values.ravel())
