"""Splits and dividends of an asset: how many units, and how much cash, one unit of an earlier day has become.

For instants a < b, with splits r_i and dividends v_j of the interval (a, b],

    K(a, b] = product of r_i                     units at b for one unit at a
    D(a, b] = sum of v_j K(a, time_j]            cash paid on it, in the units of a

so a price x stamped b is ``K x + D`` in the units of a, and a quantity of b is ``quantity / K``. Splits at an instant come before a
dividend at the same instant. Running products make both a matter of two look-ups. All numbers are exact fractions.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from skillstats.record.chains import Tables
from skillstats.record.containers import Record
from skillstats.record.duplicates import key_groups

ONE = Fraction(1)


@dataclass(frozen=True, slots=True)
class History:
    """Corporate actions of one asset in order of time.

    time : (event,) int64 UTC microseconds
    product : (event + 1,) product of the splits up to and with each event, 1 before the first
    paid : (event + 1,) sum of dividend times `product` up to and with each event, 0 before the first
    """

    time: tuple[int, ...]
    product: tuple[Fraction, ...]
    paid: tuple[Fraction, ...]

    def between(self, after: int, until: int) -> bool:
        """Whether there is any corporate action in (after, until]."""
        return bisect_right(self.time, until) > bisect_right(self.time, after)

    def ratio(self, after: int, until: int) -> Fraction:
        """K over (after, until]; 1 where the interval is empty."""
        if until <= after:
            return ONE
        return self.product[bisect_right(self.time, until)] / self.product[bisect_right(self.time, after)]

    def cash(self, after: int, until: int) -> Fraction:
        """D over (after, until] in currency per unit of `after`."""
        if until <= after:
            return Fraction(0)
        first, last = bisect_right(self.time, after), bisect_right(self.time, until)
        return (self.paid[last] - self.paid[first]) / self.product[first]


Histories = Mapping[str, History]


def read_histories(rows: Iterable[tuple[str, int, str, Fraction]]) -> dict[str, History]:
    """Histories by asset from rows (asset, time, kind, value).

    Examples
    --------
    A dividend of 1 before and one of 1 after a 2:1 split, seen from before both:

    >>> rows = [("A", 10, "dividend", Fraction(1)), ("A", 20, "split", Fraction(2)), ("A", 30, "dividend", Fraction(1))]
    >>> a = read_histories(rows)["A"]
    >>> a.ratio(0, 30), a.cash(0, 30), a.cash(10, 30), a.cash(20, 30)
    (Fraction(2, 1), Fraction(3, 1), Fraction(2, 1), Fraction(1, 1))
    """
    found: dict[str, list[tuple[int, bool, Fraction]]] = {}
    for asset, time, kind, value in rows:
        found.setdefault(asset, []).append((time, kind != "split", value))
    return {asset: _history(sorted(found[asset])) for asset in sorted(found)}


def _history(events: list[tuple[int, bool, Fraction]]) -> History:
    product, paid = [ONE], [Fraction(0)]
    for _, is_cash, value in events:
        product.append(product[-1] * (ONE if is_cash else value))
        paid.append(paid[-1] + (value * product[-1] if is_cash else 0))
    return History(tuple(t for t, _, _ in events), tuple(product), tuple(paid))


def histories_of(record: Record) -> Histories:
    """Histories of a record's accepted corporate actions."""
    table = record.tables.get("corporate_actions")
    if table is None:
        return {}
    cells = zip(table["asset"], table["time"], table["kind"], table["value"], strict=True)
    return read_histories((str(a), int(t), str(k), Fraction(v)) for a, t, k, v in cells)


def parsed_histories(tables: Tables) -> Histories:
    """Histories of the corporate actions that will be accepted, for checks that run before anything is set aside."""
    if "corporate_actions" not in tables:
        return {}
    table = tables["corporate_actions"]
    value, kind = table.decimals("value"), table.text("kind")
    wrong = (
        table.bad | (key_groups(table) >= 0) | ~value.given | (value.mantissa < 0) | ((kind == "split") & (value.mantissa == 0))
    )
    asset, time = table.text("asset"), table.ints("time")
    return read_histories((asset[i], int(time[i]), kind[i], value.value(int(i))) for i in np.flatnonzero(~wrong))
