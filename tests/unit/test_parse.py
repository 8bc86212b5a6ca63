"""Cells: what is read, and what is refused with which code."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from skillstats.record.containers import NULL
from skillstats.record.instants import instant_text, parse_instants, slow_instant
from skillstats.record.parse import parse_decimals, parse_floats, slow_decimal, text_rule
from skillstats.units import NULL_TIME


def text(*cells: str) -> pa.LargeStringArray:
    return pa.array(cells, pa.large_string())


@pytest.mark.parametrize(
    ("cell", "mantissa", "places"),
    [
        ("500", 500, 0),
        ("+500", 500, 0),
        ("-0.20", -2, 1),
        ("50.20", 502, 1),
        ("007", 7, 0),
        ("0", 0, 0),
        ("-0", 0, 0),
        ("0.000", 0, 0),
        ("9223372036854775807", 2**63 - 1, 0),
        ("1000000000000.50", 10000000000005, 1),
        ("0.000000000000000001", 1, 18),
        ("1.50000000000000000000000000", 15, 1),
    ],
)
def test_plain_decimals_are_exact(cell: str, mantissa: int, places: int) -> None:
    values, refused = parse_decimals(text(cell, ""), "quantity")
    assert (values.mantissa.tolist(), values.places.tolist(), refused) == ([mantissa, NULL], [places, 0], [])
    assert slow_decimal(cell) == (mantissa, places)


@pytest.mark.parametrize(
    ("cell", "quantity", "price"),
    [
        ("nan", "D103", "D112"),
        ("-inf", "D103", "D112"),
        ("1e308", "D103", "D112"),
        ("1e400", "D103", "D112"),
        ("9223372036854775808", "D103", "D112"),
        ("0.0000000000000000001", "D103", "D112"),
        ("1e-320", "D103", "D112"),
        ("1e3", "D105", "D113"),
        ("1,000", "D105", "D113"),
        ("0x10", "D105", "D113"),
        (" 5", "D105", "D113"),
        ("5.", "D105", "D113"),
        (".5", "D105", "D113"),
        ("--5", "D105", "D113"),
        ("1_000", "D105", "D113"),
        ("५", "D105", "D113"),
        ("5\n", "D105", "D113"),
        ("5\x00", "D106", "D106"),
        ("NA", "D105", "D113"),
        ("1.2.3", "D105", "D113"),
        ("+", "D105", "D113"),
    ],
)
def test_other_numbers_are_refused_with_a_reason(cell: str, quantity: str, price: str) -> None:
    for kind, code in (("quantity", quantity), ("price", price)):
        values, refused = parse_decimals(text("1", cell), kind)
        assert values.mantissa.tolist() == [1, NULL]
        assert [(row, c) for row, c, _ in refused] == [(1, code)]


def test_decimal_comma_where_declared() -> None:
    values, refused = parse_decimals(text("50,20", "50.20", "1.000,5"), "price", ",")
    assert values.mantissa.tolist() == [502, NULL, NULL]
    assert [(r, c) for r, c, _ in refused] == [(1, "D113"), (2, "D113")]


@pytest.mark.parametrize(
    "cell",
    [
        "2026-07-01T14:30:00Z",
        "2026-07-01T14:30Z",
        "2026-07-01 14:30:00Z",
        "2026-07-01T14:30:00.000000Z",
        "2026-07-01T16:30:00+02:00",
        "2026-07-01T16:30:00+0200",
        "2026-07-01T16:30+02",
        "2026-07-01T10:30:00.000000000-04:00",
        "2026-07-01T20:00:00+05:30",
    ],
)
def test_one_instant_in_many_spellings(cell: str) -> None:
    values, refused = parse_instants(text(cell), None)
    assert refused == [] and instant_text(int(values[0])) == "2026-07-01T14:30:00Z"


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("2026-07-01T14:30:00", "D201"),
        ("2026-07-01", "D202"),
        ("03/04/2025", "D202"),
        ("Jul 1 2026", "D202"),
        ("NaT", "D202"),
        ("now", "D202"),
        ("1782916200", "D203"),
        ("1782916200.5", "D203"),
        ("45839.5", "D203"),
        ("2026-02-29T10:00:00Z", "D204"),
        ("2026-13-01T10:00:00Z", "D204"),
        ("2026-07-01T24:00:00Z", "D204"),
        ("2026-07-01T23:59:60Z", "D204"),
        ("2026-07-01T10:00:00+15:00", "D204"),
        ("1969-12-31T23:59:59Z", "D205"),
        ("2200-01-01T00:00:00Z", "D205"),
        ("1970-01-01T00:00:00+01:00", "D205"),
        ("12026-07-01T10:00:00Z", "D205"),
        ("2026-07-01T14:30:00.1234567Z", "D208"),
        ("2026-07-01T14:30:00Z\x00", "D106"),
        ("２026-07-01T14:30:00Z", "D202"),
    ],
)
def test_other_stamps_are_refused_with_a_reason(cell: str, code: str) -> None:
    values, refused = parse_instants(text(cell, "2026-07-01T14:30:00Z", ""), None)
    assert [(r, c) for r, c, _ in refused] == [(0, code)]
    assert values[0] == NULL_TIME and values[1] != NULL_TIME and values[2] == NULL_TIME


def test_leap_days_exist_in_leap_years() -> None:
    assert parse_instants(text("2028-02-29T10:00:00Z"), None)[1] == []


def test_nanosecond_remainder_is_named() -> None:
    assert slow_instant("2026-07-01T14:30:00.000000789Z", None)[1:] == ("D208", "remainder 789 ns")


def test_declared_zone_reads_local_stamps_and_refuses_clock_changes() -> None:
    cells = text(
        "2026-07-01T10:30:00",
        "2026-01-15T09:30:00.5",
        "2026-11-01T01:30:00",
        "2026-03-08T02:30:00",
        "2026-07-01T14:30:00Z",
        "2028-02-29T10:00",
    )
    values, refused = parse_instants(cells, "America/New_York")
    shown = [instant_text(int(v)) if v != NULL_TIME else None for v in values]
    assert shown == [
        "2026-07-01T14:30:00Z",
        "2026-01-15T14:30:00.500000Z",
        None,
        None,
        "2026-07-01T14:30:00Z",
        "2028-02-29T15:00:00Z",
    ]
    assert [(r, c) for r, c, _ in refused] == [(2, "D206"), (3, "D207")]


def test_fast_and_slow_instants_agree() -> None:
    rng = np.random.default_rng(7)
    micros = rng.integers(0, 7_258_118_400_000_000, 500)
    cells = [instant_text(int(m)) for m in micros]
    assert parse_instants(text(*cells), None)[0].tolist() == micros.tolist() == [slow_instant(c, None)[0] for c in cells]


def test_floats_are_finite_or_refused() -> None:
    values, refused = parse_floats(text("1e-05", "-2.5", "+3", "", "nan", "inf", "1e999", "x", "1,5"))
    assert values[:3].tolist() == [1e-05, -2.5, 3.0] and np.isnan(values[3:]).all()
    assert [(r, c) for r, c, _ in refused] == [(4, "D103"), (5, "D103"), (6, "D103"), (7, "D105"), (8, "D105")]


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("S1", ""),
        ("é", ""),
        ("e\u0301", "D234"),
        (" a", "D233"),
        ("a\u00a0", "D233"),
        ("a" * 257, "D235"),
        ("é" * 128, ""),
        ("é" * 129, "D235"),
        ("a\x00", "D106"),
        ("a\x1b[31m", "D242"),
        ("a\u202eb", "D242"),
        ("a\nb", "D242"),
        ("日本", ""),
        ("Pаul", "D242"),
    ],
)
def test_ids(cell: str, code: str) -> None:
    assert text_rule(cell, "D235", "D233", "D106")[0] == code
