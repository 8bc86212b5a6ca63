"""From exact decimals to integers: half ticks, lots and micro-units.

The tick and the lot of an asset are the plan's, or the finest decimal place among the asset's own accepted cells. A price becomes
``2 * price / tick`` and a quantity ``quantity / lot``, both whole by construction or by check D107; nothing is rounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.plan import Plan
from skillstats.record.chains import Tables, assets_of
from skillstats.record.containers import NULL
from skillstats.record.parse import Decimals
from skillstats.record.price_rows import PriceRows
from skillstats.record.raw import Finding
from skillstats.units import Scale, parse_decimal

LIMIT: Final = 2**62
SHOWN_PLACES: Final = 9
"""Decimal places every output can show; cells finer than that give way when an asset's numbers leave 62 bits."""

SCALED: Final = (
    ("prices", ("bid", "ask", "close", "open"), ("volume",)),
    ("signals", ("price",), ("quantity",)),
    ("resimulated", ("price",), ("quantity",)),
    ("actions", (), ("quantity",)),
    ("fills", ("price",), ("quantity",)),
    ("targets", (), ("target",)),
)
IntArray = NDArray[np.int64]
Scaled = tuple[IntArray, NDArray[np.bool_], NDArray[np.bool_]]
"""Values, where they are not whole, where they leave the range."""


def times(decimals: Decimals, factors: Mapping[int, Fraction], group: IntArray) -> Scaled:
    """``value * factors[group]`` as int64 (`NULL` where empty), where it is not whole, and where it leaves the range."""
    out = np.full(len(decimals), NULL, dtype=np.int64)
    broken, large = np.zeros(len(out), dtype=bool), np.zeros(len(out), dtype=bool)
    known = np.flatnonzero(decimals.given & (group >= 0))
    pair = group[known] * 32 + decimals.places[known]
    for code in np.unique(pair).tolist():
        rows = known[pair == code]
        factor = factors[code // 32] / 10 ** (code % 32)
        mantissa = decimals.mantissa[rows]
        peak = int(np.abs(mantissa).max())
        if peak * factor.numerator < LIMIT and factor.denominator < LIMIT:
            whole, rest = np.divmod(mantissa * factor.numerator, factor.denominator)
            broken[rows] = rest != 0
            out[rows] = np.where(rest == 0, whole, NULL)
            continue
        for row, m in zip(rows.tolist(), mantissa.tolist(), strict=True):
            product = m * factor
            broken[row], large[row] = product.denominator != 1, abs(product) >= LIMIT
            out[row] = NULL if broken[row] or large[row] else int(product)
    return out, broken, large


def micro_units(decimals: Decimals) -> tuple[IntArray, NDArray[np.bool_]]:
    """Money in micro-units, and where it has more than six decimals or leaves the range."""
    values, broken, large = times(decimals, {0: Fraction(10**6)}, np.zeros(len(decimals), dtype=np.int64))
    return values, broken | large


def find_scales(
    tables: Tables, plan: Plan, keep: Mapping[str, NDArray[np.bool_]], mapped: PriceRows | None = None
) -> dict[str, Scale]:
    """Tick, lot and multiplier of every asset in the kept rows and in `mapped` prices, assets by UTF-8 bytes."""
    tick: dict[str, int] = {}
    lot: dict[str, int] = {}
    if mapped is not None:
        tick = dict(zip(mapped.assets, mapped.places.tolist(), strict=True))
        lot = dict(zip(mapped.assets, mapped.volume_places.tolist(), strict=True))
    for table, prices, quantities in SCALED:
        if table in tables:
            assets = assets_of(tables, table).copy()
            assets[~keep[table]] = None
            codes, names = pd.factorize(assets)
            for columns, finest in ((prices, tick), (quantities, lot)):
                _finest(tables, table, columns, codes.astype(np.int64), names, finest)
    return {name: _scale(name, plan, tick.get(name, 0), lot.get(name, 0)) for name in sorted(tick | lot, key=str.encode)}


def _finest(
    tables: Tables, table: str, columns: tuple[str, ...], codes: IntArray, names: NDArray[np.object_], finest: dict[str, int]
) -> None:
    """Raise `finest` to the most decimal places of each asset in some columns."""
    most = np.zeros(len(names), dtype=np.int64)
    for column in columns:
        decimals = tables[table].decimals(column)
        used = decimals.given & (codes >= 0)
        np.maximum.at(most, codes[used], decimals.places[used])
    for name, places in zip(names, most.tolist(), strict=True):
        finest[name] = max(finest.get(name, 0), places)


def _scale(asset: str, plan: Plan, tick_places: int, lot_places: int) -> Scale:
    declared = plan.assets.get(asset)
    tick = parse_decimal(declared.tick) if declared and declared.tick else Fraction(1, 10**tick_places)
    lot = parse_decimal(declared.lot) if declared and declared.lot else Fraction(1, 10**lot_places)
    return Scale(tick, lot, parse_decimal(declared.multiplier) if declared else Fraction(1))


def _groups(assets: NDArray[np.object_], scales: Mapping[str, Scale]) -> IntArray:
    codes, names = pd.factorize(assets)
    position = {name: i for i, name in enumerate(scales)}
    lookup = np.array([position.get(n, -1) for n in names] or [-1], dtype=np.int64)
    return np.where(codes >= 0, lookup[codes], -1)


def scaled_columns(tables: Tables, table: str, scales: Mapping[str, Scale]) -> dict[str, Scaled]:
    """Price columns in half ticks and quantity columns in lots, each with where it is off scale and where out of range."""
    price_names, quantity_names = next((p, q) for t, p, q in SCALED if t == table)
    group = _groups(assets_of(tables, table), scales)
    half = {i: 1 / s.half_tick for i, s in enumerate(scales.values())}
    lots = {i: 1 / s.lot for i, s in enumerate(scales.values())}
    result = {c: times(tables[table].decimals(c), half, group) for c in price_names}
    return result | {c: times(tables[table].decimals(c), lots, group) for c in quantity_names}


def off_scale(tables: Tables) -> list[Finding]:
    """D107: prices and quantities that are no multiple of the tick or lot the plan declares."""
    declared = {name: a for name, a in tables.plan.assets.items() if a.tick or a.lot}
    found = []
    for table, prices, quantities in SCALED:
        if not declared or table not in tables:
            continue
        assets = assets_of(tables, table)
        for columns, which in ((prices, "tick"), (quantities, "lot")):
            steps = {name: 1 / parse_decimal(step) for name, a in declared.items() if (step := getattr(a, which))}
            group = _groups(assets, {name: Scale(Fraction(1), Fraction(1)) for name in steps})
            for column in columns:
                decimals = tables[table].decimals(column)
                broken = times(decimals, dict(enumerate(steps.values())), group)[1]
                for row in np.flatnonzero(broken).tolist():
                    step = getattr(declared[assets[row]], which)
                    found.append(Finding("D107", table, row, column, decimals.shown(row), f"{which} {step}"))
    return found


def out_of_range(tables: Tables, scales: Mapping[str, Scale], keep: Mapping[str, NDArray[np.bool_]]) -> list[Finding]:
    """D103 or D112 for cells that leave 62 bits on the scales; where a finer cell than nine places is to blame, that one goes."""
    found: list[Finding] = []
    finest: dict[str, list[Finding]] = {}
    blamed: set[str] = set()
    for table, prices, _ in SCALED:
        if table not in tables:
            continue
        assets = assets_of(tables, table)
        for column, (_, _, large) in scaled_columns(tables, table, scales).items():
            decimals, code = tables[table].decimals(column), "D112" if column in prices else "D103"
            for row in np.flatnonzero(decimals.given & (decimals.places > SHOWN_PLACES) & keep[table]).tolist():
                text = (
                    f"{int(decimals.places[row])} decimal places, {SHOWN_PLACES} can be kept beside the asset's largest numbers"
                )
                finest.setdefault(assets[row], []).append(Finding(code, table, row, column, decimals.shown(row), text))
            for row in np.flatnonzero(large & keep[table]).tolist():
                blamed.add(assets[row])
                found.append(Finding(code, table, row, column, decimals.shown(row), "over 2^62 steps of the scale"))
    asset_of = {t: assets_of(tables, t) for t in {f.table for f in found}}
    coarse = [f for f in found if asset_of[f.table][f.row] not in finest]
    return coarse + [f for asset in sorted(blamed & set(finest)) for f in finest[asset]]
