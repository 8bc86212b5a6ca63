"""What each cell says: text in, exact values out, and for every cell that says nothing usable the code of the reason.

A decimal is held as ``mantissa * 10**-places`` with trailing zeros stripped, so ``50.20`` and ``50.2`` are one value and no scale
has to be known yet. Each kind of cell has a vectorised path for the cells of ordinary shape and a slow path, in Python, for the
others; only the slow path refuses, so that a refusal always has a reason. Whether a value is *allowed* is decided in `checks`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from skillstats.plan import ColumnReading, Plan
from skillstats.record.containers import NULL
from skillstats.record.instants import parse_instants
from skillstats.record.raw import Finding, RawTable
from skillstats.record.schema import Column, TableSchema

MAX_TEXT_BYTES: Final = 256
MAX_NOTE_BYTES: Final = 65_536
MAX_PLACES: Final = 18
INT64_MAX: Final = 2**63 - 1
_PLAIN: Final = r"^[+-]?[0-9]+(\.[0-9]+)?$"
_PLAIN_PY: Final = re.compile(r"([+-]?)([0-9]+)(?:\.([0-9]+))?", re.ASCII)
_FLOAT: Final = r"^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?$"
_ODD_CATEGORIES: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Co", "Cn"})
Refused = list[tuple[int, str, str]]


@dataclass(frozen=True, slots=True)
class Decimals:
    """Exact decimals ``mantissa * 10**-places``; mantissa is `NULL` where empty or refused. Trailing zeros are stripped."""

    mantissa: NDArray[np.int64]
    places: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.mantissa)

    @property
    def given(self) -> NDArray[np.bool_]:
        """Where there is a value."""
        return np.not_equal(self.mantissa, NULL)

    def take(self, rows: NDArray[Any]) -> Decimals:
        """The rows of a mask or index."""
        return Decimals(self.mantissa[rows], self.places[rows])

    def value(self, row: int) -> Fraction:
        """One value, exactly."""
        return Fraction(int(self.mantissa[row]), 10 ** int(self.places[row]))

    def shown(self, row: int) -> Decimal:
        """One value, for a message."""
        return Decimal(int(self.mantissa[row])).scaleb(-int(self.places[row]))


Values = NDArray[Any] | Decimals


@dataclass(frozen=True, slots=True)
class Parsed:
    """A table of parsed cells, rows as in `raw`.

    columns : every column of the schema (empty where the input had none), then the user's own
    bad : (row,) rows with at least one refused cell
    """

    schema: TableSchema
    raw: RawTable
    columns: Mapping[str, Values]
    findings: tuple[Finding, ...]
    bad: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.raw)

    @property
    def name(self) -> str:
        """Table name."""
        return self.schema.name

    def take(self, keep: NDArray[np.bool_]) -> Parsed:
        """The rows of a mask; findings keep pointing at their rows."""
        if keep.all():
            return self
        new_row = np.cumsum(keep) - 1
        columns: dict[str, Values] = {k: v.take(keep) if isinstance(v, Decimals) else v[keep] for k, v in self.columns.items()}
        kept = [f if f.row < 0 else replace(f, row=int(new_row[f.row])) for f in self.findings if f.row < 0 or keep[f.row]]
        return Parsed(self.schema, self.raw.take(keep), columns, tuple(kept), self.bad[keep])

    def text(self, column: str) -> NDArray[np.object_]:
        """A text column."""
        values = self.columns[column]
        assert not isinstance(values, Decimals)
        return values

    def ints(self, column: str) -> NDArray[np.int64]:
        """A time column."""
        values = self.columns[column]
        assert not isinstance(values, Decimals)
        return values

    def decimals(self, column: str) -> Decimals:
        """A quantity, price or money column."""
        values = self.columns[column]
        assert isinstance(values, Decimals)
        return values


def first_times(parsed: Mapping[str, Parsed]) -> dict[str, int]:
    """Earliest time of each table that has one."""
    known = {name: values[values != NULL] for name, table in parsed.items() if (values := table.ints("time")).size}
    return {name: int(values.min()) for name, values in known.items() if values.size}


def parse_table(raw: RawTable, schema: TableSchema, plan: Plan) -> Parsed:
    """Parse every known column of a table; cells that cannot be read become findings, all of them."""
    repeated = _repeated_header(raw, schema)
    columns: dict[str, Values] = {}
    findings = [Finding("D237", schema.name, int(r)) for r in np.flatnonzero(repeated)]
    bad = repeated.copy()
    for column in schema.columns:
        reading = plan.columns.get(f"{schema.name}.{column.name}", ColumnReading())
        cells = raw.columns.get(column.name)
        if cells is None:
            columns[column.name] = _empty(column, len(raw))
            continue
        values, found = parse_column(cells, column, reading)
        columns[column.name] = _without(values, repeated) if repeated.any() else values
        for row, code, what in found:
            if not repeated[row]:
                text = (
                    f"not in {{{', '.join(column.words)}}}; map it in the plan"
                    if code == "D122" and column.name != "action"
                    else ""
                )
                findings.append(Finding(code, schema.name, row, column.name, cells[row].as_py(), what, text))
                bad[row] |= code != "D242"
    for name in [n for n in raw.columns if n not in schema]:
        if schema.free is None:
            findings.append(Finding("D110", schema.name, -1, "", name))
        else:
            columns[name] = parse_free(raw.columns[name], schema.free)
    return Parsed(schema, raw, columns, tuple(findings), bad)


def _repeated_header(raw: RawTable, schema: TableSchema) -> NDArray[np.bool_]:
    """Rows whose every known cell is the name of its column."""
    same = np.ones(len(raw), dtype=bool)
    for name, cells in raw.columns.items():
        if name in schema and same.any():
            same &= pc.equal(cells, name).to_numpy(zero_copy_only=False).astype(bool)
    return same


def _without(values: Values, rows: NDArray[np.bool_]) -> Values:
    """The values with some rows emptied."""
    if isinstance(values, Decimals):
        return Decimals(np.where(rows, NULL, values.mantissa), values.places)
    nothing = None if values.dtype == object else np.nan if values.dtype == np.float64 else NULL
    return np.where(rows, np.array(nothing, dtype=values.dtype), values)


def _empty(column: Column, rows: int) -> Values:
    if column.kind in ("quantity", "count", "price", "money", "decimal"):
        return Decimals(np.full(rows, NULL, dtype=np.int64), np.zeros(rows, dtype=np.int8))
    if column.kind == "time":
        return np.full(rows, NULL, dtype=np.int64)
    if column.kind == "float":
        return np.full(rows, np.nan)
    return np.full(rows, None, dtype=object)


_EMPTY_CODE: Final = {"id": "D235", "name": "D241", "time": "D104", "quantity": "D104", "price": "D112", "money": "D132"}
_RANGE_CODE: Final = {"price": "D112", "money": "D132"}
_PLAIN_CODE: Final = {"price": "D113", "money": "D132"}


def parse_column(cells: pa.LargeStringArray, column: Column, reading: ColumnReading) -> tuple[Values, Refused]:
    """Parse one column; also reports empty cells of a column that must be filled."""
    values: Values
    if column.kind == "time":
        values, refused = parse_instants(cells, reading.zone)
    elif column.kind == "float":
        values, refused = parse_floats(cells)
    elif column.kind in ("quantity", "count", "price", "money", "decimal"):
        values, refused = parse_decimals(cells, column.kind, reading.decimal)
    else:
        values, refused = parse_texts(cells, _text_rule(column), reading.map)
    if column.filled:
        empty = np.flatnonzero(pc.equal(cells, "").to_numpy(zero_copy_only=False))
        code = _EMPTY_CODE.get(column.kind, "D104") if column.kind != "word" else word_code(column)
        refused = refused + [(int(r), code, "empty") for r in empty]
    return values, refused


def word_code(column: Column) -> str:
    """D121 for a side, D122 for any other closed list."""
    return "D121" if column.name == "side" else "D122"


def parse_decimals(text: pa.LargeStringArray, kind: str, mark: str = ".") -> tuple[Decimals, Refused]:
    """Read a column of plain decimals exactly; refused cells get the codes of their kind."""
    if mark != ".":
        text = pc.replace_substring(pc.replace_substring(text, ".", "?"), mark, ".")
    mantissa = np.full(len(text), NULL, dtype=np.int64)
    places = np.zeros(len(text), dtype=np.int8)
    fits = pc.and_(pc.match_substring_regex(text, _PLAIN), pc.less_equal(pc.binary_length(text), MAX_PLACES))
    mask = fits.to_numpy(zero_copy_only=False).astype(bool)
    if mask.any():
        mantissa[mask], places[mask] = _fast_decimals(text if mask.all() else text.filter(fits))
    refused: Refused = []
    for row in np.flatnonzero(~mask & pc.not_equal(text, "").to_numpy(zero_copy_only=False)).tolist():
        found = slow_decimal(text[row].as_py())
        if isinstance(found, tuple):
            mantissa[row], places[row] = found
        else:
            code = {"range": _RANGE_CODE.get(kind, "D103"), "plain": _PLAIN_CODE.get(kind, "D105"), "nul": "D106"}[found]
            refused.append((row, code, _odd_digits(text[row].as_py())))
    return Decimals(mantissa, places), refused


def _fast_decimals(text: pa.LargeStringArray) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """Cells of at most 18 bytes that match the grammar."""
    point = pc.find_substring(text, ".").to_numpy().astype(np.int64)
    length = pc.binary_length(text).to_numpy().astype(np.int64)
    places = np.where(point < 0, 0, length - point - 1).astype(np.int8)
    digits = pc.ascii_ltrim(pc.replace_substring(text, ".", "") if places.any() else text, "+")
    return strip_zeros(digits.cast(pa.int64()).to_numpy().copy(), places)


def strip_zeros(mantissa: NDArray[np.int64], places: NDArray[np.int8]) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """Drop trailing zeros behind the point, so that equal values are equal pairs."""
    loose = np.flatnonzero(places > 0)
    while len(loose):
        quotient, rest = np.divmod(mantissa[loose], 10)
        loose, quotient = loose[rest == 0], quotient[rest == 0]
        mantissa[loose] = quotient
        places[loose] -= 1
        loose = loose[places[loose] > 0]
    return mantissa, places


def slow_decimal(text: str) -> tuple[int, int] | str:
    """One cell: (mantissa, places), or why not: "nul", "range" (a number, out of range) or "plain" (not a plain decimal)."""
    if "\x00" in text:
        return "nul"
    match = _PLAIN_PY.fullmatch(text)
    if match is None:
        return _why_not_plain(text)
    fraction = (match[3] or "").rstrip("0")
    mantissa = int(f"{match[1]}{match[2]}{fraction}") if len(match[2]) + len(fraction) < 400 else INT64_MAX + 1
    return (mantissa, len(fraction)) if abs(mantissa) <= INT64_MAX and len(fraction) <= MAX_PLACES else "range"


def _why_not_plain(text: str) -> str:
    if not text.isascii() or "_" in text or text != text.strip():
        return "plain"
    try:
        number = float(text)
    except ValueError:
        return "plain"
    ordinary = 1e-18 <= abs(number) < 2.0**63 or (number == 0 and "e" not in text.lower())
    return "plain" if ordinary else "range"


def _odd_digits(text: str) -> str:
    """What cannot be seen in a cell: where a NUL stands, which characters are no ASCII."""
    if "\x00" in text:
        return f"NUL at byte {text.encode().index(0)}"
    odd = [f"U+{ord(c):04X}" for c in text[:8] if not c.isascii()]
    return f"characters {' '.join(odd)}" if odd else ""


def parse_floats(text: pa.LargeStringArray) -> tuple[NDArray[np.float64], Refused]:
    """Read a column of finite floats, exponent allowed; NaN where empty or refused (D103, D105, D106)."""
    values = np.full(len(text), np.nan)
    fits = pc.match_substring_regex(text, _FLOAT)
    mask = fits.to_numpy(zero_copy_only=False).astype(bool)
    if mask.any():
        values[mask] = pc.ascii_ltrim(text if mask.all() else text.filter(fits), "+").cast(pa.float64()).to_numpy()
    wrong = ~np.isfinite(values) & pc.not_equal(text, "").to_numpy(zero_copy_only=False)
    refused: Refused = []
    for row in np.flatnonzero(wrong).tolist():
        cell = text[row].as_py()
        values[row] = np.nan
        number = cell.lower().lstrip("+-") in ("nan", "inf", "infinity") or re.fullmatch(_FLOAT, cell)
        refused.append((row, "D106" if "\x00" in cell else "D103" if number else "D105", _odd_digits(cell)))
    return values, refused


def _text_rule(column: Column) -> Callable[[str], tuple[str, str]]:
    if column.kind == "note":
        return _note_rule
    if column.kind == "id":
        return lambda text: text_rule(text, "D235", "D233", "D106")
    if column.kind == "name":
        return lambda text: text_rule(text, "D241", "D241", "D241")
    code, words = word_code(column), frozenset(column.words)
    return lambda text: ("", "") if text in words else (code, "" if text.isascii() else _odd_digits(text))


def _note_rule(text: str) -> tuple[str, str]:
    if len(text.encode()) > MAX_NOTE_BYTES:
        return "D241", f"{len(text.encode())} bytes, limit {MAX_NOTE_BYTES}"
    return ("D241", "NUL") if "\x00" in text else ("", "")


def text_rule(text: str, length_code: str, blank_code: str, nul_code: str) -> tuple[str, str]:
    """Code and finding of one name or id; D242 is a warning, the other codes refuse."""
    if text.isascii() and text.isprintable() and len(text) <= MAX_TEXT_BYTES and text[0] != " " and text[-1] != " ":
        return "", ""
    if "\x00" in text:
        return nul_code, f"NUL at byte {text.encode().index(0)}"
    size = len(text.encode())
    if size > MAX_TEXT_BYTES:
        return length_code, f"{size} bytes, limit {MAX_TEXT_BYTES}"
    if text.strip() != text:
        return blank_code, "blank at an end"
    if unicodedata.normalize("NFC", text) != text:
        return "D234", ""
    odd = [f"U+{ord(c):04X}" for c in text if unicodedata.category(c) in _ODD_CATEGORIES]
    return ("D242", " ".join(odd[:4])) if odd else _mixed_alphabets(text)


def _mixed_alphabets(text: str) -> tuple[str, str]:
    """D242 where letters that look alike come from two alphabets."""
    alphabets = {unicodedata.name(c, "").split(" ")[0] for c in text if c.isalpha()} & {"LATIN", "CYRILLIC", "GREEK"}
    return ("D242", f"letters of {' and '.join(sorted(alphabets))}") if len(alphabets) > 1 else ("", "")


def parse_texts(
    cells: pa.LargeStringArray, rule: Callable[[str], tuple[str, str]], words: Mapping[str, str]
) -> tuple[NDArray[np.object_], Refused]:
    """Read a text column; each distinct value is judged once."""
    coded = cells.dictionary_encode()
    distinct: list[str] = coded.dictionary.to_pylist()
    mapped = [words.get(v, v) for v in distinct]
    folded = [v.upper() if v in ("buy", "sell") and rule(v)[0] == "D121" else v for v in mapped]
    verdicts = [rule(v) if v else ("", "") for v in folded]
    lookup = np.array([v or None for v in folded] or [None], dtype=object)
    index = coded.indices.to_numpy()
    values = lookup[index] if len(index) else np.empty(0, dtype=object)
    wrong = np.array([bool(code) for code, _ in verdicts] or [False])
    refused = [(int(r), *verdicts[index[r]]) for r in np.flatnonzero(wrong[index])] if len(index) else []
    return values, refused


def parse_free(cells: pa.LargeStringArray, free: str) -> Values:
    """A column of the user's own: text, or numbers where every filled cell of a feature is one."""
    if free == "feature":
        numbers, refused = parse_floats(cells)
        if not refused and np.isfinite(numbers).any():
            return numbers
    return parse_texts(cells, lambda _: ("", ""), {})[0]
