"""Who stands where, as far as the data say: ranks from joint draws.

In every draw of the posterior the traders are put in order of their IR; a rank is the place in that order, 1 the best. The distribution
of ranks over the draws answers what a league table cannot: how far up or down a trader may be. Names are put in order only where the data
support it: some trader is best with probability of at least one half and his 80% interval lies above all others (E-RANK otherwise), and
"A above B" is said only where P(IR_A > IR_B) reaches the certainty of the plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BEST_LIMIT: Final = 0.5
OVERLAP: Final = (0.1, 0.9)
"""Ends of the 80% intervals that must not overlap."""
MOST_PAIRS: Final = 400_000_000
"""Comparisons of pairs of draws at most; beyond, draws are thinned."""
MOST_TRADERS: Final = 200
"""Traders up to which every pair is compared."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """Ranks of the traders of `names`, shape (trader,) each.

    low, high : ends of the 90% interval of the rank; mean : its posterior mean; top_quartile, best : probabilities
    above : (trader, trader) P(IR of the row's trader > IR of the column's), None beyond 200 traders
    supported : whether any order is; text : why not, in words
    """

    names: tuple[str, ...]
    low: FloatArray
    high: FloatArray
    mean: FloatArray
    top_quartile: FloatArray
    best: FloatArray
    above: FloatArray | None
    supported: bool
    text: str


def rank_traders(ir: FloatArray, names: tuple[str, ...]) -> Ranks:
    """Ranks of traders.

    Parameters
    ----------
    ir : (draw, trader) joint posterior draws
    names : one a column of `ir`

    Examples
    --------
    >>> r = rank_traders(np.array([[3.0, 1.0, 0.0, -1.0], [3.0, 0.0, 1.0, -1.0]]), ("A", "B", "C", "D"))
    >>> r.mean, r.best
    (array([1. , 2.5, 2.5, 4. ]), array([1., 0., 0., 0.]))
    """
    traders = ir.shape[1]
    place = 1.0 + np.argsort(np.argsort(-ir, axis=1, kind="stable"), axis=1)
    low, high = np.quantile(place, [0.05, 0.95], axis=0, method="inverted_cdf")
    best = np.mean(place == 1, axis=0)
    supported, text = _supported(ir, best)
    return Ranks(
        names=names,
        low=low,
        high=high,
        mean=np.asarray(place.mean(axis=0), dtype=np.float64),
        top_quartile=np.mean(place <= np.ceil(traders / 4), axis=0),
        best=best,
        above=_above(ir) if traders <= MOST_TRADERS else None,
        supported=supported,
        text=text,
    )


def _supported(ir: FloatArray, best: FloatArray) -> tuple[bool, str]:
    """E-RANK: whether any order of the traders is supported, and why not."""
    if ir.shape[1] < 2:
        return False, "there is no one to compare with"
    leader = int(best.argmax())
    low, high = np.quantile(ir, OVERLAP, axis=0)
    others = np.arange(ir.shape[1]) != leader
    if best[leader] >= BEST_LIMIT and not np.any(low[leader] < high[others]):
        return True, ""
    return (
        False,
        f"order not supported by the data: the likeliest best trader is best with probability {best[leader]:.0%}",
    )


def _above(ir: FloatArray) -> FloatArray:
    """P(IR of row > IR of column), half of each tie, shape (trader, trader)."""
    traders = ir.shape[1]
    draws = ir[:: max(1, -(-len(ir) * traders**2 // MOST_PAIRS))]
    table = np.empty((traders, traders))
    for j in range(traders):
        own = draws[:, [j]]
        table[j] = np.mean((own > draws) + 0.5 * (own == draws), axis=0)
    return table


def order_statements(ranks: Ranks, certainty: float) -> list[dict[str, Any]]:
    """Pairs of which one is above the other with the certainty asked: [{above, below, probability}], surest first."""
    if ranks.above is None:
        return []
    found = [
        {"above": ranks.names[j], "below": ranks.names[k], "probability": float(ranks.above[j, k])}
        for j, k in zip(*np.nonzero(ranks.above >= certainty), strict=True)
    ]
    return sorted(found, key=lambda s: (-s["probability"], s["above"], s["below"]))


def rank_table(ranks: Ranks) -> list[dict[str, Any]]:
    """One line a trader; in order of the mean rank where an order is supported, else in order of the names and without a mean rank."""
    lines = [
        {
            "trader": name,
            "rank_mean": float(ranks.mean[j]) if ranks.supported else None,
            "rank_q05": int(ranks.low[j]),
            "rank_q95": int(ranks.high[j]),
            "p_top_quartile": float(ranks.top_quartile[j]),
            "p_best": float(ranks.best[j]),
        }
        for j, name in enumerate(ranks.names)
    ]
    return sorted(lines, key=lambda line: (line["rank_mean"] or 0.0, line["trader"]))
