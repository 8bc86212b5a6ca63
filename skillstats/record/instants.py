"""Instants from text: ISO 8601 with an offset, as int64 UTC microseconds.

A stamp without an offset has no meaning until the plan declares the zone of its column, and even then the hour that a clock
change repeats or skips has none. Such cells are refused with the reason; nothing is guessed, cut or rounded.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from skillstats.units import NULL_TIME, SECOND

FIRST_INSTANT: Final = 0
LAST_INSTANT: Final = 7_258_118_400 * SECOND - 1
"""Last microsecond of 2199."""

_DAY = (
    "(19[7-9][0-9]|2[01][0-9][0-9])-(((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01]))|((0[469]|11)-(0[1-9]|[12][0-9]|30))"
    "|(02-(0[1-9]|1[0-9]|2[0-8])))"
)
_CLOCK = r"[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"
_OFFSET = "(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])"
_FAST: Final = f"^{_DAY}{_CLOCK}{_OFFSET}$"
_FAST_LOCAL: Final = f"^{_DAY}{_CLOCK}$"
_SHAPE: Final = re.compile(r"(\d{4,6})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d(?::?\d\d)?)?", re.ASCII)
_BARE_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def parse_instants(text: pa.LargeStringArray, zone: str | None) -> tuple[NDArray[np.int64], list[tuple[int, str, str]]]:
    """Read a column of instants.

    Returns
    -------
    values : (row,) int64 UTC microseconds, `NULL_TIME` where empty or refused
    refused : (row, code, what was found), D106 or D201-D208
    """
    values = np.full(len(text), NULL_TIME, dtype=np.int64)
    done = _fill(values, text, _FAST, pa.timestamp("us", tz="UTC"))
    if zone is not None:
        local = np.full(len(text), NULL_TIME, dtype=np.int64)
        fits = _fill(local, text, _FAST_LOCAL, pa.timestamp("us"))
        values[fits] = _localise(local[fits], zone)
        done |= fits
    inside = (values >= FIRST_INSTANT) & (values <= LAST_INSTANT)
    open_rows = np.flatnonzero(~(done & inside) & pc.not_equal(text, "").to_numpy(zero_copy_only=False))
    refused = []
    for row in open_rows.tolist():
        value, code, found = slow_instant(text[row].as_py(), zone)
        values[row] = value
        if code:
            refused.append((row, code, found))
    return values, refused


def _fill(values: NDArray[np.int64], text: pa.LargeStringArray, pattern: str, kind: pa.DataType) -> NDArray[np.bool_]:
    """Cast the cells of one shape in place; returns which they were."""
    fits = pc.match_substring_regex(text, pattern)
    mask: NDArray[np.bool_] = fits.to_numpy(zero_copy_only=False).astype(bool)
    if mask.any():
        chosen = text if mask.all() else text.filter(fits)
        values[mask] = pc.cast(chosen, kind).cast(pa.int64()).to_numpy()
    return mask


def _localise(wall: NDArray[np.int64], zone: str) -> NDArray[np.int64]:
    """Wall-clock microseconds of a zone as UTC; `NULL_TIME` in folds and gaps, which the slow path names."""
    stamps = pd.DatetimeIndex(wall.astype("datetime64[us]")).tz_localize(ZoneInfo(zone), ambiguous="NaT", nonexistent="NaT")
    return np.asarray(stamps.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64))


def slow_instant(text: str, zone: str | None) -> tuple[int, str, str]:
    """One cell: (microseconds, "", "") or (NULL_TIME, code, what was found)."""
    if "\x00" in text:
        return NULL_TIME, "D106", f"NUL at byte {text.encode().index(0)}"
    match = _SHAPE.fullmatch(text)
    if match is None:
        return NULL_TIME, "D203" if _BARE_NUMBER.fullmatch(text) else "D202", ""
    year, month, day, hour, minute = (int(g) for g in match.groups()[:5])
    fraction, offset = (match[7] or "").ljust(6, "0"), match[8]
    if not 1970 <= year <= 2199:
        return NULL_TIME, "D205", f"year {year}"
    try:
        wall = datetime(year, month, day, hour, minute, int(match[6] or 0), int(fraction[:6]))  # noqa: DTZ001  its zone is judged next
        shift = _offset_minutes(offset) if offset else 0
    except ValueError as error:
        return NULL_TIME, "D204", str(error)
    if fraction[6:].strip("0"):
        return NULL_TIME, "D208", f"remainder {float('0.' + fraction[6:]) * 1000:g} ns"
    if offset is None:
        return _local_instant(wall, zone) if zone is not None else (NULL_TIME, "D201", "")
    value = _microseconds(wall.replace(tzinfo=UTC)) - shift * 60 * SECOND
    return (value, "", "") if FIRST_INSTANT <= value <= LAST_INSTANT else (NULL_TIME, "D205", f"year {year}")


def _offset_minutes(offset: str) -> int:
    if offset == "Z":
        return 0
    hours, minutes = int(offset[1:3]), int(offset[3:].lstrip(":") or 0)
    if hours > 14 or minutes > 59:
        raise ValueError(f"offset {offset} does not exist")
    return (hours * 60 + minutes) * (-1 if offset[0] == "-" else 1)


def _local_instant(wall: datetime, zone: str) -> tuple[int, str, str]:
    place = ZoneInfo(zone)
    first, second = wall.replace(tzinfo=place, fold=0), wall.replace(tzinfo=place, fold=1)
    if first.utcoffset() == second.utcoffset():
        value = _microseconds(first.astimezone(UTC))
        return (value, "", "") if FIRST_INSTANT <= value <= LAST_INSTANT else (NULL_TIME, "D205", f"year {wall.year}")
    exists = first.astimezone(UTC).astimezone(place).replace(tzinfo=None) == wall
    return NULL_TIME, "D206" if exists else "D207", f"zone {zone}"


def _microseconds(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(microseconds=1)


def instant_text(value: int) -> str:
    """An instant as ISO 8601 with ``Z``.

    Examples
    --------
    >>> instant_text(1_782_916_200_500_000)
    '2026-07-01T14:30:00.500000Z'
    """
    moment = _EPOCH + timedelta(microseconds=value)
    return moment.replace(tzinfo=None).isoformat() + "Z"
