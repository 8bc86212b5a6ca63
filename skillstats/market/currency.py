"""Exchange rates: base currency for one unit of an asset's own currency, looked up like any other price.

An asset whose plan names another currency than the base needs `fx`, an asset in `prices` that quotes base per unit of that currency. Its
rate at an instant is that asset's reference price: fresh by the ordinary limits and its own calendar, and above zero. An asset in the base
currency has the rate 1 and no age.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.market.marks import Market, mark_at
from skillstats.record.containers import NULL
from skillstats.units import Scale

IntArray = NDArray[np.int64]
BASE: Final = -1
"""In place of a rate's position: the asset is in the base currency."""
NO_RATE: Final = -2
"""The plan names no rate, or one without any price."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates as exact ratios, a row each; 1/1 for the base currency and where there is none.

    numerator, denominator : int64, or Python integers where there is a foreign asset; usable : bool
    age : int64 us, `NULL` for the base currency and where there was no price
    """

    numerator: NDArray[Any]
    denominator: NDArray[Any]
    usable: NDArray[np.bool_]
    age: IntArray


def rate_assets(market: Market, names: NDArray[np.object_]) -> IntArray:
    """Position in the store of the asset that is each asset's rate, or `BASE` or `NO_RATE`."""
    code = market.store.code_of()
    position = {}
    for name in dict.fromkeys(names.tolist()):
        asset = market.plan.assets.get(name)
        foreign = asset is not None and asset.currency not in (None, market.plan.currency)
        position[name] = code.get(asset.fx or "", NO_RATE) if asset is not None and foreign else BASE
    return np.array([position[n] for n in names], dtype=np.int64)


def rate_at(market: Market, scales: Mapping[str, Scale], fx: IntArray, instant: IntArray) -> Rates:
    """Rate of each row at its instant; none where the instant is `NULL` or after `as_of`.

    Parameters
    ----------
    scales : of every asset of the record; fx : (n,) from `rate_assets`; instant : (n,) int64
    """
    one, known = np.ones(len(fx), dtype=np.int64), fx == BASE
    foreign = np.flatnonzero(~known)
    if not len(foreign):
        return Rates(one, one, known, np.full(len(fx), NULL, dtype=np.int64))
    mark = mark_at(market, np.maximum(fx, -1), np.where(known, NULL, instant))
    usable = mark.usable & (mark.lookup.price > 0)
    numerator, denominator = one.astype(object), one.astype(object)
    for i in np.flatnonzero(usable):
        rate = int(mark.lookup.price[i]) * scales[market.store.assets[fx[i]]].half_tick
        numerator[i], denominator[i] = rate.numerator, rate.denominator
    return Rates(numerator, denominator, known | usable, mark.age)
