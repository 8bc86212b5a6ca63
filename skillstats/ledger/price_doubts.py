"""Price series that look wrong: a halt (D256), a stuck price (D257), an unadjusted split (D258).

These are warnings to the reader of the record. Later prices can add one, so they stand in the list of problems and never in a ledger row.
Each traded asset is looked at once, in its reference prices up to `as_of`, in arrays of one asset at a time: O(rows) time, memory of one
asset. What is said of an asset is its worst halt and its longest stuck stretch, with the number of the others, and every jump.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.errors import Problem, describe_problem
from skillstats.ledger.fill_doubts import in_currency
from skillstats.market.marks import Market
from skillstats.market.sessions import Sessions
from skillstats.record.containers import Record
from skillstats.record.instants import instant_text
from skillstats.units import DAY, HOUR, SECOND

IntArray = NDArray[np.int64]
HALT_TIME: Final = HOUR
"""D256: microseconds of trading hours without a price. The usual volatility halt lasts 5 to 15 minutes; an hour is news or an outage."""
HALT_SPACINGS: Final = 20
"""D256: and so many times the asset's usual (median) distance between prices, so that half-hourly data are not one halt after another."""
HALT_ROWS: Final = 20
"""D256: and in a session with so many prices; a session known by a few snapshots says nothing about what was between them."""
HALT_COVER: Final = 4
"""D256: and whose prices, at their usual distance, fill at least one part in so many of it; prices kept around decisions only leave holes
that are no halts."""
FLAT_ROWS: Final = 240
"""D257: rows with one price. Four hours of minute bars; a tick feed repeats a price for a few dozen rows at most times."""
FLAT_TIME: Final = HOUR
"""D257: and at least this long, because a feed of several rows a second repeats a price 240 times within a minute."""
SPLIT_RATIOS: Final = (1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 100.0)
"""D258: ratios companies choose, in either direction."""
SPLIT_TOLERANCE: Final = 0.05
"""D258: relative distance from such a ratio; the market moves too between the two prices, a few per cent in a night."""
SPLIT_DISTANCE: Final = 7 * DAY
"""D258: largest distance of the two prices, microseconds: a long weekend and to spare. Over a hole of months a price may double by itself."""
SPLIT_LEAST: Final = 20
"""D258: least price, half ticks: below ten ticks a single tick is a large share of the price."""
JUMPS_SHOWN: Final = 10
"""D258: jumps of one asset that are listed one by one."""


def price_problems(record: Record, market: Market, assets: IntArray) -> list[Problem]:
    """D256, D257, D258 of the traded assets.

    Parameters
    ----------
    assets : (n,) positions in the store; -1 (no prices) is passed over
    """
    found = []
    for asset in np.unique(assets[assets >= 0]).tolist():
        series = market.store.series(asset, "mid")
        known = int(np.searchsorted(series.time, market.as_of, side="right"))
        time, price, row = series.time[:known], series.price[:known], series.row[:known]
        if len(time) < 2:
            continue
        name = market.store.assets[asset]
        said = [*_flat(time, price)]
        if market.store.first_quote[asset] <= market.as_of:
            said += _halts(market.sessions_of(asset), time)
        if not (name in market.plan.assets and market.plan.assets[name].may_be_negative):
            said += _jumps(time, price, _action_times(record, name), record.scales[name])
        found += [_problem(record, name, int(row[at]), code, words) for code, at, words in said]
    return found


def _problem(record: Record, name: str, row: int, code: str, words: str) -> Problem:
    rows = record.prices
    line = int(rows.line[row])
    message = describe_problem(code, name, "time", instant_text(int(rows.time[row])), words)
    return Problem(code, "prices", rows.file, line, message, root=f"{rows.file}:{line}")


def _action_times(record: Record, name: str) -> IntArray:
    """Times of the asset's corporate actions."""
    table = record.tables.get("corporate_actions")
    return np.zeros(0, dtype=np.int64) if table is None else np.sort(table["time"][table["asset"] == name].astype(np.int64))


def duration_text(microseconds: int) -> str:
    """A length of time in the unit one would say it in.

    Examples
    --------
    >>> duration_text(7_200_000_000), duration_text(90_000_000)
    ('2 h', '1.5 min')
    """
    for size, unit in ((24 * HOUR, "days"), (HOUR, "h"), (60 * SECOND, "min")):
        if microseconds >= size:
            return f"{microseconds / size:.3g} {unit}"
    return f"{microseconds / SECOND:g} s"


def _more(count: int) -> str:
    return f", and {count - 1} more of the kind" if count > 1 else ""


def _halts(sessions: Sessions, time: IntArray) -> Iterator[tuple[str, int, str]]:
    """The longest stretch of a session without a price, edges of the session included where the asset has prices on both sides."""
    session = sessions.index_of(time)
    at = np.flatnonzero((session < len(sessions.opens)) & (time >= sessions.opens[np.minimum(session, len(sessions.opens) - 1)]))
    if len(at) < HALT_ROWS:
        return
    stamp, k = time[at], session[at]
    spacing = np.diff(stamp)[k[1:] == k[:-1]]
    begins = np.flatnonzero(np.concatenate([[True], k[1:] != k[:-1]]))
    ends = np.concatenate([begins[1:], [len(k)]]) - 1
    usual = int(np.partition(spacing, len(spacing) // 2)[len(spacing) // 2]) if len(spacing) else 0
    rows, length_of = ends - begins + 1, sessions.closes[k[begins]] - sessions.opens[k[begins]]
    busy = (rows >= HALT_ROWS) & (HALT_COVER * rows * usual >= length_of)
    inside = (k[1:] == k[:-1]) & np.repeat(busy, rows)[1:]
    opening = np.where(busy & (at[begins] > 0), stamp[begins] - sessions.opens[k[begins]], 0)
    closing = np.where(busy & (at[ends] < len(time) - 1), sessions.closes[k[ends]] - stamp[ends], 0)
    limit = max(HALT_TIME, HALT_SPACINGS * usual)
    last_before = np.concatenate([at[:-1], at[begins] - 1, at[ends]])
    length = np.concatenate([np.where(inside, np.diff(stamp), 0), opening, closing])
    long = np.flatnonzero(length > limit)
    if len(long):
        worst = long[np.lexsort((last_before[long], -length[long]))[0]]
        words = f"no price for {duration_text(int(length[worst]))} of the session after this row{_more(len(long))}"
        yield "D256", int(last_before[worst]), words


def _flat(time: IntArray, price: IntArray) -> Iterator[tuple[str, int, str]]:
    """The longest stretch of one price."""
    begins = np.flatnonzero(np.concatenate([[True], price[1:] != price[:-1]]))
    ends = np.concatenate([begins[1:], [len(price)]]) - 1
    rows = ends - begins + 1
    stuck = np.flatnonzero((rows >= FLAT_ROWS) & (time[ends] - time[begins] >= FLAT_TIME))
    if len(stuck):
        worst = stuck[np.argmax(rows[stuck])]
        lasting = duration_text(int(time[ends[worst]] - time[begins[worst]]))
        yield "D257", int(begins[worst]), f"unchanged for {rows[worst]} rows ({lasting}){_more(len(stuck))}"


def _jumps(time: IntArray, price: IntArray, actions: IntArray, scale: Any) -> Iterator[tuple[str, int, str]]:
    """Consecutive prices in the ratio of a split, without a corporate action between them."""
    before, after = price[:-1], price[1:]
    large = np.maximum(before, after) / np.maximum(np.minimum(before, after), 1)
    likely = (np.minimum(before, after) >= SPLIT_LEAST) & (large > SPLIT_RATIOS[0] * (1 - SPLIT_TOLERANCE))
    likely &= np.diff(time) <= SPLIT_DISTANCE
    at = np.flatnonzero(likely)
    ratios = np.array(SPLIT_RATIOS)
    nearest = ratios[np.abs(np.log(large[at])[:, None] - np.log(ratios)).argmin(axis=1)]
    declared = np.searchsorted(actions, time[at + 1], side="right") > np.searchsorted(actions, time[at], side="right")
    at = at[(np.abs(large[at] / nearest - 1) <= SPLIT_TOLERANCE) & ~declared]
    for n, i in enumerate(at[:JUMPS_SHOWN].tolist()):
        change = Decimal(100 * int(after[i] - before[i])) / int(before[i])
        words = f"{change:+.0f} % in {duration_text(int(time[i + 1] - time[i]))}, {in_currency(int(before[i]), scale)} to "
        rest = len(at) - JUMPS_SHOWN
        words += f"{in_currency(int(after[i]), scale)}" + (f", and {rest} more" if n == JUMPS_SHOWN - 1 and rest > 0 else "")
        yield "D258", i + 1, words
