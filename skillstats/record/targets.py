"""Signals of a model that issues target positions.

Per model and asset, in time order, the first row sets the starting position and each difference from the row before is a signal:
a BUY where it rises, a SELL where it falls, none where it stays. After a row that cannot be used the position is unknown, so the
next row only sets it again; the difference across the gap belongs to no known instant and makes no signal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pyarrow as pa

from skillstats.plan import Plan
from skillstats.record.containers import NULL
from skillstats.record.instants import instant_text
from skillstats.record.parse import Decimals, Parsed, Values, parse_table
from skillstats.record.raw import RawTable
from skillstats.record.schema import SCHEMA

_PLAIN = Plan()
_FIELDS = ("signal_id", "time", "model", "asset", "side", "quantity")


def with_target_signals(parsed: Mapping[str, Parsed]) -> dict[str, Parsed]:
    """The tables, with the signals that `targets` implies appended to `signals`."""
    tables = dict(parsed)
    if "targets" not in parsed:
        return tables
    made = made_signals(parsed["targets"])
    own = parsed.get("signals")
    tables["signals"] = made if own is None else append_made(own, made)
    return {name: tables[name] for name in SCHEMA if name in tables}


def made_signals(targets: Parsed) -> Parsed:
    """Signals that target positions imply, with the lines of their rows."""
    model, asset, time, position = targets.text("model"), targets.text("asset"), targets.ints("time"), targets.decimals("target")
    bad = targets.bad | _clashing(targets)
    rows: list[tuple[str, ...]] = []
    lines: list[int] = []
    before: dict[tuple[str, str], Fraction | None] = {}
    usable = [i for i in range(len(targets)) if model[i] and asset[i] and time[i] != NULL]
    for i in sorted(usable, key=lambda i: (model[i], asset[i], int(time[i]), int(targets.raw.line[i]))):
        series = (model[i], asset[i])
        value = None if bad[i] or position.mantissa[i] == NULL else position.value(i)
        last = before.get(series)
        before[series] = value
        if value is None or last is None or value == last:
            continue
        change = value - last
        name, stamp = f"{model[i]}/{asset[i]}/{int(time[i])}", instant_text(int(time[i]))
        rows.append((name, stamp, *series, "BUY" if change > 0 else "SELL", _plain(abs(change))))
        lines.append(int(targets.raw.line[i]))
    columns = {name: pa.array([r[k] for r in rows], pa.large_string()) for k, name in enumerate(_FIELDS)}
    raw = RawTable("signals", targets.raw.file, columns, np.array(lines, dtype=np.int64), len(lines), targets.raw.file)
    return parse_made(raw)


def parse_made(raw: RawTable) -> Parsed:
    """Signals made from targets, parsed; their cells are plain whatever the plan says of those of the input."""
    return parse_table(raw, SCHEMA["signals"], _PLAIN)


def _clashing(targets: Parsed) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Rows that share (model, asset, time) with a row of another target."""
    seen: dict[tuple[str, str, int], set[Fraction | None]] = {}
    keys = list(zip(targets.text("model"), targets.text("asset"), targets.ints("time").tolist(), strict=True))
    position = targets.decimals("target")
    for i, key in enumerate(keys):
        seen.setdefault(key, set()).add(position.value(i) if position.mantissa[i] != NULL else None)
    return np.array([len(seen[key]) > 1 for key in keys], dtype=bool)


def _plain(value: Fraction) -> str:
    """A decimal fraction as plain decimal text."""
    places = 0
    while value.denominator != 1:
        value, places = value * 10, places + 1
    digits = f"{value.numerator:0{places + 1}d}"
    return f"{digits[:-places]}.{digits[-places:]}" if places else digits


def append_made(own: Parsed, made: Parsed) -> Parsed:
    """Two signal tables as one; the made rows come last."""
    columns: dict[str, Values] = {}
    for name, values in own.columns.items():
        more = made.columns[name]
        if isinstance(values, Decimals):
            assert isinstance(more, Decimals)
            mantissa = np.concatenate([values.mantissa, more.mantissa])
            columns[name] = Decimals(mantissa, np.concatenate([values.places, more.places]))
        else:
            assert not isinstance(more, Decimals)
            columns[name] = np.concatenate([values, more])
    blank = pa.array([""] * len(made), pa.large_string())
    cells = {n: pa.concat_arrays([a, made.raw.columns.get(n, blank)]) for n, a in own.raw.columns.items()}
    raw = RawTable("signals", own.raw.file, cells, np.concatenate([own.raw.line, made.raw.line]), len(made), made.raw.file)
    findings = (*own.findings, *(replace(f, row=f.row + len(own)) for f in made.findings))
    return Parsed(own.schema, raw, columns, findings, np.concatenate([own.bad, made.bad]))
