"""From exact decimals to integers: half ticks, lots and micro-units.

The tick and the lot of an asset are the plan's, or the finest decimal place among the asset's own accepted cells. A price becomes
``2 * price / tick`` and a quantity ``quantity / lot``, both whole by construction or by check D107; nothing is rounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Places:
    """Most decimal places of the prices and of the quantities of each asset; an asset that occurs is in one of the two."""

    tick: Mapping[str, int]
    lot: Mapping[str, int]


def find_scales(
    tables: Tables, plan: Plan, keep: Mapping[str, NDArray[np.bool_]], mapped: PriceRows | None = None
) -> dict[str, Scale]:
    """Tick, lot and multiplier of every asset in the kept rows and in `mapped` prices, assets by UTF-8 bytes."""
    return scales_of([find_places(tables, keep, mapped)], plan)


def find_places(tables: Tables, keep: Mapping[str, NDArray[np.bool_]], mapped: PriceRows | None = None) -> Places:
    """Most decimal places of each asset in the kept rows and in `mapped` prices."""
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
    return Places(tick, lot)


def scales_of(found: Iterable[Places], plan: Plan) -> dict[str, Scale]:
    """Scales of the assets of one or several parts of a record, assets by UTF-8 bytes."""
    tick: dict[str, int] = {}
    lot: dict[str, int] = {}
    for places in found:
        for finest, own in ((tick, places.tick), (lot, places.lot)):
            for name, most in own.items():
                finest[name] = max(finest.get(name, 0), most)
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


def groups_of_assets(assets: NDArray[np.object_], scales: Mapping[str, Scale]) -> IntArray:
    """(row,) position of each row's asset among the scales, -1 where there is none."""
    codes, names = pd.factorize(assets)
    position = {name: i for i, name in enumerate(scales)}
    lookup = np.array([position.get(n, -1) for n in names] or [-1], dtype=np.int64)
    return np.where(codes >= 0, lookup[codes], -1)


def scaled_columns(tables: Tables, table: str, scales: Mapping[str, Scale]) -> dict[str, Scaled]:
    """Price columns in half ticks and quantity columns in lots, each with where it is off scale and where out of range."""
    loose = {name: tables[table].decimals(name) for name in scaled_names(table)}
    return on_scales(table, loose, assets_of(tables, table), scales)


def scaled_names(table: str) -> tuple[str, ...]:
    """Columns of a table that are put on scales."""
    return next(((*prices, *quantities) for t, prices, quantities in SCALED if t == table), ())


def on_scales(
    table: str, loose: Mapping[str, Decimals], assets: NDArray[np.object_], scales: Mapping[str, Scale]
) -> dict[str, Scaled]:
    """As `scaled_columns`, of any rows of a table and their assets."""
    price_names, quantity_names = next((p, q) for t, p, q in SCALED if t == table)
    group = groups_of_assets(assets, scales)
    half = {i: 1 / s.half_tick for i, s in enumerate(scales.values())}
    lots = {i: 1 / s.lot for i, s in enumerate(scales.values())}
    result = {c: times(loose[c], half, group) for c in price_names}
    return result | {c: times(loose[c], lots, group) for c in quantity_names}


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
            group = groups_of_assets(assets, {name: Scale(Fraction(1), Fraction(1)) for name in steps})
            for column in columns:
                decimals = tables[table].decimals(column)
                broken = times(decimals, dict(enumerate(steps.values())), group)[1]
                for row in np.flatnonzero(broken).tolist():
                    step = getattr(declared[assets[row]], which)
                    found.append(Finding("D107", table, row, column, decimals.shown(row), f"{which} {step}"))
    return found


@dataclass(frozen=True, slots=True)
class Oversized:
    """Cells that leave 62 bits on the scales, and cells finer than nine places, each with its asset."""

    large: tuple[tuple[str, Finding], ...]
    finest: tuple[tuple[str, Finding], ...]


def find_oversized(tables: Tables, scales: Mapping[str, Scale], keep: Mapping[str, NDArray[np.bool_]]) -> Oversized:
    """Cells of the kept rows that are too large or too fine, whether or not they are to blame."""
    large: list[tuple[str, Finding]] = []
    finest: list[tuple[str, Finding]] = []
    for table, prices, _ in SCALED:
        if table not in tables:
            continue
        assets = assets_of(tables, table)
        for column, (_, _, over) in scaled_columns(tables, table, scales).items():
            decimals, code = tables[table].decimals(column), "D112" if column in prices else "D103"
            for row in np.flatnonzero(decimals.given & (decimals.places > SHOWN_PLACES) & keep[table]).tolist():
                text = (
                    f"{int(decimals.places[row])} decimal places, {SHOWN_PLACES} can be kept beside the asset's largest numbers"
                )
                finest.append((assets[row], Finding(code, table, row, column, decimals.shown(row), text)))
            for row in np.flatnonzero(over & keep[table]).tolist():
                text = "over 2^62 steps of the scale"
                large.append((assets[row], Finding(code, table, row, column, decimals.shown(row), text)))
    return Oversized(tuple(large), tuple(finest))


def blame(found: Sequence[Oversized]) -> list[list[Finding]]:
    """D103 or D112: what goes of each part of a record, the large cells of an asset, or, where it has any, its cells of too many places."""
    blamed = {asset for part in found for asset, _ in part.large}
    fine = {asset for part in found for asset, _ in part.finest}
    result = []
    for part in found:
        coarse = [f for asset, f in part.large if asset not in fine]
        by_asset: dict[str, list[Finding]] = {}
        for asset, f in part.finest:
            by_asset.setdefault(asset, []).append(f)
        result.append(coarse + [f for asset in sorted(blamed & set(by_asset)) for f in by_asset[asset]])
    return result
