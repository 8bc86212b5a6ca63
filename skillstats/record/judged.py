"""One part of a record, judged: what of it is accepted and what is said about it, in files; what the whole record needs of it, in memory.

A part goes through the very functions that judge a whole record (`accept`, `checks`, `quarantine`). Accepted rows are kept without scales,
because these are known only when the last part has been judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from skillstats.record.accept import ISSUED, Checked, Loose, accepted_rows, issued_signals
from skillstats.record.chains import CHAIN_TABLES, Tables, assets_of
from skillstats.record.check_quantities import most_places
from skillstats.record.containers import Table
from skillstats.record.digest import header_line, sorted_lines
from skillstats.record.parse import Decimals, Values
from skillstats.record.problem_rows import by_place, write_problems
from skillstats.record.quarantine import assert_conserved, kept_rows, quarantine_list, to_problem
from skillstats.record.raw import Finding
from skillstats.record.runs import KEY, bytes_key, open_rows, write_rows, write_run
from skillstats.record.scales import LIMIT, SCALED, Places, find_places
from skillstats.units import Scale

PROBLEM_ORDER: Final = ("table", "line", "code")
PLACE_ORDER: Final = ("table", "file", "line", "code")
PART, ROW = "part", "row"
MANTISSA, DIGITS = "mantissa of ", "places of "


@dataclass(frozen=True, slots=True)
class Part:
    """What the whole record needs of one part.

    folder : its files; rows, held : rows read and accepted, by table; places, peaks : see `Places` and `peaks_of`
    first : earliest time of each table as read; span : earliest and latest of the accepted rows; kinds : horizons that occur
    fees : whether a fill carries a fee, and whether any fill has one; shown : most places of a quantity; halved : see `is_inexact`
    initiates : whether an accepted order is an INITIATE
    headers : names of the columns of each table as they are digested
    """

    folder: Path
    rows: Mapping[str, int]
    held: Mapping[str, int]
    places: Places
    peaks: Mapping[str, tuple[Fraction, Fraction]]
    first: Mapping[str, int]
    span: Mapping[str, tuple[int, int]]
    kinds: frozenset[str]
    fees: tuple[bool, bool]
    shown: int
    halved: bool
    initiates: bool
    headers: Mapping[str, str]


def store_part(checked: Checked, first: Mapping[str, int], folder: Path, number: int) -> Part:
    """Set aside, and write what stays and what was said.

    Parameters
    ----------
    first : earliest time of each table as read
    folder : of this part; files of an earlier judgement are replaced
    number : of this part
    """
    folder.mkdir(exist_ok=True)
    tables = checked.tables
    own = [name for name in CHAIN_TABLES if name in tables]
    findings = [f for f in checked.findings if f.table in own and f.row >= 0]
    every = kept_rows(tables, findings)
    keep = {name: every[name] for name in own}
    aside = quarantine_list(tables, findings, keep)
    held = {name: int(keep[name].sum()) for name in own}
    rows = {name: checked.rows[name] for name in own}
    assert_conserved(rows, held, aside, checked.drops)
    said = by_place([*checked.warnings, *(to_problem(tables, f) for f in findings)])
    write_problems(folder / "problems", said, PROBLEM_ORDER)
    write_problems(folder / "quarantine", aside, PLACE_ORDER)
    write_problems(folder / "drops", checked.drops, PLACE_ORDER)
    write_rows(folder / "issued", issued_rows(issued_signals(tables, findings), number))
    loose = {name: accepted_rows(tables, name, keep[name]) for name in own}
    for name in own:
        write_rows(folder / name, loose_rows(loose[name]))
        kept = tables[name].take(keep[name])
        write_run(folder / f"{name}.lines", pa.table({KEY: sorted_lines(kept)}))
    fee = tables["fills"].decimals("fee") if "fills" in tables else None
    return Part(
        folder=folder,
        rows=rows,
        held=held,
        places=find_places(own_tables(tables), keep),
        peaks=peaks_of(tables, own, keep),
        first=first,
        span={n: (int(t.min()), int(t.max())) for n, x in loose.items() if len(x) and (t := _times(x)).size},
        kinds=frozenset(h for h in _texts(loose["signals"], "horizon") if h is not None) if "signals" in loose else frozenset(),
        fees=(bool((fee.given & (fee.mantissa != 0)).any()), bool(fee.given.any())) if fee is not None else (False, False),
        shown=most_places(tables),
        halved=is_inexact(tables, findings),
        initiates=bool((_texts(loose["actions"], "action") == "INITIATE").any()),
        headers={name: header_line(tables[name]) for name in own},
    )


def own_tables(tables: Tables) -> Tables:
    """The same links with signals, actions and fills alone."""
    return replace(tables, parsed={n: t for n, t in tables.parsed.items() if n in CHAIN_TABLES})


def is_inexact(tables: Tables, findings: Sequence[Finding]) -> bool:
    """Whether a sum of filled quantities may be shown that a split made a fraction: its shown digits depend on the whole record."""
    return "corporate_actions" in tables and any(f.code in ("D141", "D142") for f in findings)


def peaks_of(tables: Tables, names: Sequence[str], keep: Mapping[str, NDArray[np.bool_]]) -> dict[str, tuple[Fraction, Fraction]]:
    """Largest magnitude of a price and of a quantity of each asset in the kept rows, exactly."""
    found: dict[str, list[Fraction]] = {}
    for table, prices, quantities in SCALED:
        if table not in names:
            continue
        own = assets_of(tables, table).copy()
        own[~keep[table]] = None
        codes, assets = pd.factorize(own)
        for which, columns in enumerate((prices, quantities)):
            for column in columns:
                for asset, peak in _peaks(tables[table].decimals(column), codes, assets):
                    so_far = found.setdefault(asset, [Fraction(0), Fraction(0)])
                    so_far[which] = max(so_far[which], peak)
    return {asset: (own[0], own[1]) for asset, own in found.items()}


def _peaks(decimals: Decimals, codes: NDArray[np.int64], assets: NDArray[Any]) -> list[tuple[str, Fraction]]:
    used = np.flatnonzero(decimals.given & (codes >= 0))
    pair, at = np.unique(codes[used] * 32 + decimals.places[used], return_inverse=True)
    most = np.zeros(len(pair), dtype=np.int64)
    np.maximum.at(most, at, np.abs(decimals.mantissa[used]))
    return [(assets[p // 32], Fraction(m, 10 ** (p % 32))) for p, m in zip(pair.tolist(), most.tolist(), strict=True)]


def leaves_range(peaks: Mapping[str, tuple[Fraction, Fraction]], scales: Mapping[str, Scale]) -> bool:
    """Whether any price or quantity leaves 62 bits on the scales."""
    return any(p / scales[a].half_tick >= LIMIT or q / scales[a].lot >= LIMIT for a, (p, q) in peaks.items())


def _texts(loose: Loose, column: str) -> NDArray[np.object_]:
    values = loose.columns[column]
    assert not isinstance(values, Decimals)
    return values


def _times(loose: Loose) -> NDArray[np.int64]:
    values = loose.columns["time"]
    assert not isinstance(values, Decimals)
    return values


def issued_rows(issued: Table, part: int) -> pa.Table:
    """Issued signals with the key of their order, their part and their position in it."""
    columns = {k: pa.array(issued[k], pa.int64() if kind is np.int64 else pa.string()) for k, kind in ISSUED.items()}
    home = {PART: np.full(len(issued), part), ROW: np.arange(len(issued))}
    return pa.table({**columns, **home, KEY: bytes_key(columns["time"], columns["signal_id"])})


def read_issued(folder: Path) -> Table:
    """Issued signals of a part."""
    rows = open_rows(folder / "issued")
    return Table("signals", "", {k: _array(rows, k) for k in ISSUED}, np.zeros(rows.num_rows, dtype=np.int64))


def loose_rows(loose: Loose) -> pa.Table:
    """Accepted rows without scales as an Arrow table; decimals as two columns."""
    columns: dict[str, pa.Array] = {}
    for name, values in loose.columns.items():
        if isinstance(values, Decimals):
            columns |= {MANTISSA + name: pa.array(values.mantissa), DIGITS + name: pa.array(values.places)}
        else:
            columns[name] = pa.array(values, pa.large_string() if values.dtype == object else None)
    columns["\x00asset"] = pa.array(loose.asset if len(loose.asset) else [None] * len(loose), pa.large_string())
    columns["\x00line"] = pa.array(loose.line)
    columns["\x00made"] = pa.array(loose.made if loose.made is not None else np.zeros(len(loose), dtype=bool))
    metadata = {"name": loose.name, "file": loose.file, "made_in": loose.made_in}
    return pa.table(columns).replace_schema_metadata(metadata)


def read_loose(path: Path) -> Loose:
    """Accepted rows without scales from their file."""
    table = open_rows(path).combine_chunks()
    told = {k.decode(): v.decode() for k, v in table.schema.metadata.items()}
    columns: dict[str, Values] = {}
    for name in table.column_names:
        if name.startswith(MANTISSA):
            own = name.removeprefix(MANTISSA)
            columns[own] = Decimals(_array(table, name), _array(table, DIGITS + own))
        elif not name.startswith((DIGITS, "\x00")):
            columns[name] = _array(table, name)
    made = _array(table, "\x00made") if told["made_in"] else None
    return Loose(
        told["name"], told["file"], columns, _array(table, "\x00asset"), _array(table, "\x00line"), made, told["made_in"]
    )


def _array(table: pa.Table, name: str) -> NDArray[Any]:
    column = table.column(name)
    kind = column.type
    values = column.to_numpy()
    if pa.types.is_large_string(kind) or pa.types.is_string(kind):
        return np.asarray(values, dtype=object)
    return np.array(values)
