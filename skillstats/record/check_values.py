"""Checks of single rows: signs, required combinations, quotes.

Each check reads the linked tables and returns its findings; none raises, none stops at the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from skillstats.plan import Fees, Plan, valid_horizon
from skillstats.record.chains import Tables, assets_of
from skillstats.record.containers import NULL
from skillstats.record.instants import instant_text
from skillstats.record.parse import Decimals, Parsed
from skillstats.record.price_rows import SIZES
from skillstats.record.raw import Finding
from skillstats.record.scales import micro_units
from skillstats.units import parse_decimal

Mask = NDArray[np.bool_]
_SAFE = 2.0**62
LARGEST_SIZE: Final = 2**60
"""Of a quoted size: what both doors of a price table can hold."""


def aligned(*columns: Decimals, terms: int = 1) -> list[NDArray[Any]]:
    """Decimals on their common scale, missing as 0; Python integers where `terms` of them might leave 64 bits."""
    top = max((int(c.places.max()) for c in columns if len(c)), default=0)
    small = all(_peak(c, top) * max(terms, 1) < _SAFE for c in columns)
    dtype: Any = np.int64 if small else object
    ten = np.array(10, dtype=dtype)
    return [np.where(c.given, c.mantissa, 0).astype(dtype) * ten ** (top - c.places).astype(dtype) for c in columns]


def _peak(column: Decimals, top: int) -> float:
    size = np.where(column.given, np.abs(column.mantissa.astype(np.float64)), 0.0) * 10.0 ** (top - column.places)
    return float(size.max()) if len(size) else 0.0


def is_empty(table: Parsed, column: str) -> Mask:
    """Rows whose cell is empty, or whose column is absent."""
    if column not in table.raw.columns:
        return np.ones(len(table), dtype=bool)
    cells: Mask = pc.equal(table.raw.columns[column], "").to_numpy(zero_copy_only=False).astype(bool)
    return cells


def rows_where(mask: Mask) -> list[int]:
    """Row numbers of a mask."""
    rows: list[int] = np.flatnonzero(mask).tolist()
    return rows


def is_one_of(values: NDArray[np.object_], *words: str) -> Mask:
    """Where a text is one of some words."""
    return np.isin(values, words) if len(values) else np.zeros(0, dtype=bool)


def quantity_signs(tables: Tables) -> list[Finding]:
    """D101, D102: quantities that must be positive; volumes that must not be negative."""
    found: list[Finding] = []
    for name, column in (("signals", "quantity"), ("resimulated", "quantity"), ("fills", "quantity")):
        if name in tables:
            found += _signs(tables[name], column, np.ones(len(tables[name]), dtype=bool))
    if "prices" in tables:
        volume = tables["prices"].decimals("volume")
        negative = rows_where(volume.given & (volume.mantissa < 0))
        found += [Finding("D102", "prices", r, "volume", volume.shown(r), text="must be >= 0") for r in negative]
    return found


def _signs(table: Parsed, column: str, judged: Mask) -> Iterator[Finding]:
    values = table.decimals(column)
    for code, wrong in (("D101", values.mantissa == 0), ("D102", values.given & (values.mantissa < 0))):
        yield from (Finding(code, table.name, r, column, values.shown(r)) for r in rows_where(wrong & judged))


def quoted_sizes(tables: Tables) -> list[Finding]:
    """D102, D103, D105: sizes of quotes that are negative, out of range or not whole."""
    found: list[Finding] = []
    for column in SIZES if "prices" in tables else ():
        size = tables["prices"].decimals(column)
        for code, wrong, text in (
            ("D102", size.mantissa < 0, "must be >= 0"),
            ("D103", size.mantissa >= LARGEST_SIZE, ""),
            ("D105", size.places > 0, "must be a whole number; give sizes in a unit small enough (only their order counts)"),
        ):
            found += [Finding(code, "prices", r, column, size.shown(r), text=text) for r in rows_where(size.given & wrong)]
    return found


def action_quantities(tables: Tables) -> list[Finding]:
    """D101, D102, D104, D124: 0 or empty for a VETO, positive otherwise."""
    table = tables["actions"]
    verbs, values = table.text("action"), table.decimals("quantity")
    veto = is_one_of(verbs, "VETO")
    other = ~veto & ~table.bad
    found = list(_signs(table, "quantity", other))
    found += [Finding("D104", "actions", r, "quantity", "") for r in rows_where(is_empty(table, "quantity") & other)]
    nonzero = veto & values.given & (values.mantissa != 0)
    return found + [Finding("D124", "actions", r, "quantity", values.shown(r)) for r in rows_where(nonzero)]


def price_signs(tables: Tables) -> list[Finding]:
    """D111, D252: prices not above zero, unless the plan says the asset's may be."""
    negative_ok = [name for name, asset in tables.plan.assets.items() if asset.may_be_negative]
    found: list[Finding] = []
    for name in ("signals", "resimulated", "fills"):
        if name in tables:
            found += _low_prices(tables, name, ("price",), "D111", negative_ok)
    if "prices" in tables:
        found += _low_prices(tables, "prices", ("bid", "ask", "close", "open"), "D252", negative_ok)
    return found


def _low_prices(tables: Tables, name: str, columns: Iterable[str], code: str, negative_ok: list[str]) -> Iterator[Finding]:
    table = tables[name]
    for column in columns:
        values = table.decimals(column)
        low = values.given & (values.mantissa <= 0)
        if low.any() and negative_ok:
            low &= ~is_one_of(assets_of(tables, name), *negative_ok)
        yield from (Finding(code, name, r, column, values.shown(r)) for r in rows_where(low))


def price_rows(tables: Tables) -> list[Finding]:
    """D112: a price row with neither a close nor a full quote."""
    if "prices" not in tables:
        return []
    table = tables["prices"]
    quoted = ~is_empty(table, "bid") & ~is_empty(table, "ask")
    unusable = is_empty(table, "close") & ~quoted & ~table.bad
    return [Finding("D112", "prices", r, "close", "", "neither close nor bid and ask") for r in rows_where(unusable)]


def signal_prices(tables: Tables) -> list[Finding]:
    """D112: no price where the fill model is the signal's own price."""
    if tables.plan.fill_model != "signal_price" or "signals" not in tables:
        return []
    empty = is_empty(tables["signals"], "price")
    return [Finding("D112", "signals", r, "price", "", "needed by fill model signal_price") for r in rows_where(empty)]


def horizons(tables: Tables) -> list[Finding]:
    """D109: a horizon of an unknown kind."""
    found: list[Finding] = []
    for name in ("signals", "resimulated"):
        if name in tables:
            given = tables[name].text("horizon")
            wrong = [r for r in range(len(given)) if given[r] is not None and not valid_horizon(given[r])]
            found += [Finding("D109", name, r, "horizon", given[r]) for r in wrong]
    return found


def missing_horizons(tables: Tables) -> list[Finding]:
    """D104: a signal needs a horizon, its own or the plan's, and INITIATE needs the plan's; judged once a plan is declared."""
    if tables.plan.horizon is not None:
        return []
    found: list[Finding] = []
    text = "no horizon in the signal and none in the plan; declare one before the outcomes are seen"
    for name in ("signals", "resimulated"):
        if name in tables:
            given = tables[name].text("horizon")
            found += [Finding("D104", name, r, "horizon", "", text=text) for r in range(len(given)) if given[r] is None]
    verbs = tables["actions"].text("action")
    own = "INITIATE has no signal to carry a horizon; declare one in the plan"
    return found + [Finding("D104", "actions", r, "horizon", "", text=own) for r in range(len(verbs)) if verbs[r] == "INITIATE"]


def expiries(tables: Tables) -> list[Finding]:
    """D216: a signal that expires when it is issued, or before."""
    table = tables["signals"]
    time, expires = table.ints("time"), table.ints("expires")
    wrong = (time != NULL) & (expires != NULL) & (expires <= time)
    text = "must be later than the signal's time; correct one of the two"
    return [Finding("D216", "signals", r, "expires", instant_text(int(expires[r])), text=text) for r in rows_where(wrong)]


def fees(tables: Tables) -> list[Finding]:
    """D131, D132: rebates are noted; a fee finer than a micro-unit or out of range cannot be booked."""
    if "fills" not in tables:
        return []
    fee = tables["fills"].decimals("fee")
    found = [Finding("D131", "fills", r, "fee", fee.shown(r)) for r in rows_where(fee.given & (fee.mantissa < 0))]
    wrong = micro_units(fee)[1]
    return found + [
        Finding("D132", "fills", r, "fee", fee.shown(r), "more than 6 decimals, or too large") for r in rows_where(wrong)
    ]


def fee_schedule(tables: Tables) -> list[Finding]:
    """D133: fees on one side only."""
    if "fills" not in tables:
        return []
    fee = tables["fills"].decimals("fee")
    return schedule_problem(tables.plan, bool((fee.given & (fee.mantissa != 0)).any()), bool(fee.given.any()))


def schedule_problem(plan: Plan, carried: bool, given: bool) -> list[Finding]:
    """D133 by whether any fill carries a fee, and whether any has a cell for it."""
    scheduled = any(parse_decimal(getattr(plan.fees, key)) for key in Fees.__struct_fields__)
    if carried and not scheduled:
        return [Finding("D133", "fills", -1)]
    if scheduled and not carried and given:
        text = "the plan has a fee schedule but no fill carries a fee; every ACCEPT will look like a gain"
        return [Finding("D133", "fills", -1, text=text)]
    return []


def quotes(tables: Tables) -> list[Finding]:
    """D251, D253: crossed quotes, and closes outside the quote."""
    if "prices" not in tables:
        return []
    table = tables["prices"]
    columns = [table.decimals(c) for c in ("bid", "ask", "close")]
    bid, ask, close = aligned(*columns)
    quoted = columns[0].given & columns[1].given
    crossed = quoted & (bid > ask).astype(bool)
    outside = quoted & ~crossed & columns[2].given & ((close < bid) | (close > ask)).astype(bool)
    found = [
        Finding("D251", "prices", r, "bid", columns[0].shown(r), f"above ask {columns[1].shown(r)}") for r in rows_where(crossed)
    ]
    return found + [
        Finding("D253", "prices", r, "close", columns[2].shown(r), f"quote {columns[0].shown(r)}/{columns[1].shown(r)}")
        for r in rows_where(outside)
    ]


def corporate_values(tables: Tables) -> list[Finding]:
    """D101, D102: a split ratio must be positive, a dividend not negative."""
    if "corporate_actions" not in tables:
        return []
    table = tables["corporate_actions"]
    values, split = table.decimals("value"), is_one_of(table.text("kind"), "split")
    zero, negative = split & (values.mantissa == 0), values.given & (values.mantissa < 0)
    found = [Finding("D101", table.name, r, "value", values.shown(r)) for r in rows_where(zero)]
    return found + [
        Finding("D102", table.name, r, "value", values.shown(r), text="must not be negative") for r in rows_where(negative)
    ]
