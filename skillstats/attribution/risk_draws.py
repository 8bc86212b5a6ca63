"""Changes of a book's risk, in the record and in resampled records: the arithmetic behind `risk_scores`.

A book with people is the model's book plus a difference: everybody's (the actual book), or one trader's alone. Changes of risk do not add
over traders, because what two people do on one day offsets or adds up; each trader's line says what the book would have been with that
person alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from skillstats.attribution import measures
from skillstats.attribution.day_books import DayBooks
from skillstats.attribution.day_bootstrap import equal_tailed, in_chunks

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
LEVELS: Final = ("volatility", "shortfall", "drawdown", "cost", "mppm")
"""Measures that both books have, so that a change has two sides."""
RELATIVE: Final = ("volatility", "shortfall", "drawdown")
"""Measures whose change is also given as a share of the model's."""


@dataclass(frozen=True, slots=True)
class Prices:
    """What turns risk into a price. tail : share of days; capital : currency; rho : relative risk aversion; per_year : sessions."""

    tail: float
    capital: float | None
    rho: float
    per_year: float

    @property
    def aversion(self) -> float | None:
        """Absolute risk aversion lambda = rho / capital, 1 / currency."""
        return None if self.capital is None else self.rho / self.capital


@dataclass(frozen=True, slots=True)
class Party:
    """Whose difference is looked at: day P/L and cost it adds to the model's, and what vetoes and down-sizes saved and gave up."""

    name: str | None
    difference: FloatArray
    cost: FloatArray
    avoided: FloatArray
    forgone: FloatArray


def parties(books: DayBooks) -> list[Party]:
    """The desk first, then every trader."""
    whole = Party(
        None,
        books.actual - books.model,
        books.actual_cost - books.model_cost,
        books.avoided.sum(axis=1),
        books.forgone.sum(axis=1),
    )
    own = [
        Party(name, books.difference[:, j], books.cost[:, j], books.avoided[:, j], books.forgone[:, j])
        for j, name in enumerate(books.traders)
    ]
    return [whole, *own]


def levels(pnl: FloatArray, cost: FloatArray, prices: Prices) -> dict[str, FloatArray]:
    """`LEVELS` of a book; pnl, cost : (..., session)."""
    found = {
        "volatility": measures.volatility(pnl),
        "shortfall": measures.expected_shortfall(pnl, prices.tail),
        "drawdown": measures.max_drawdown(pnl),
        "cost": prices.per_year * cost.mean(axis=-1),
    }
    if prices.capital is not None:
        found["mppm"] = measures.manipulation_proof(
            pnl, capital=prices.capital, risk_aversion=prices.rho, sessions_per_year=prices.per_year
        )
    return found


@dataclass(frozen=True, slots=True)
class Ends:
    """Positions of the model's worst and best days within each record, worst and best first, and the weights that make a tail mean."""

    worst: IntArray
    best: IntArray
    weights: FloatArray

    def means(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean of (..., session) values over the worst and over the best days."""
        worst, best = (np.take_along_axis(values, at, axis=-1) @ self.weights for at in (self.worst, self.best))
        return worst, best


def ends_of(model: FloatArray, tail: float) -> Ends:
    """The tails of the model's days; model : (..., session)."""
    weights = measures.edge_weights(model.shape[-1], tail)
    order = np.argsort(model, axis=-1, kind="stable")
    return Ends(order[..., : len(weights)], order[..., ::-1][..., : len(weights)], weights)


def changes(model: FloatArray, party: Party, ends: Ends, prices: Prices, days: IntArray | None = None) -> dict[str, FloatArray]:
    """What a party changed, and the `LEVELS` of its book; days : (draw, session) of resampled records, None: the record itself."""
    difference, cost, avoided, forgone = (
        v if days is None else v[days] for v in (party.difference, party.cost, party.avoided, party.forgone)
    )
    year = prices.per_year
    worst, best = ends.means(difference)
    found = {
        "value_add": year * difference.mean(axis=-1),
        "tail_avoided": worst,
        "tail_forgone": -best,
        "tail_net": worst + best,
        "cut_tail_avoided": ends.means(avoided)[0],
        "cut_tail_forgone": ends.means(forgone)[0],
        "cut_avoided": year * avoided.mean(axis=-1),
        "cut_forgone": year * forgone.mean(axis=-1),
    }
    for cut in ("cut_tail", "cut"):
        found[f"{cut}_net"] = found[f"{cut}_avoided"] - found[f"{cut}_forgone"]
    if prices.aversion is not None:
        found["certainty_equivalent"] = measures.certainty_equivalent(
            model, model + difference, aversion=prices.aversion, sessions_per_year=year
        )
    return found | {f"with_{k}": v for k, v in levels(model + difference, cost, prices).items()}


def interval_of(measure: str, draws: FloatArray, tail_days: float) -> tuple[float, float]:
    """90% equal-tailed interval of a measure from its bootstrap draws.

    That of the shortfall, which rests on few days, is stretched around the median of the draws by t_k(.95) / z(.95), k = `tail_days`: percentiles
    alone held the truth in 81% of records of 60 normal days, stretched ones in 91%. All others are percentiles.
    """
    low, high = equal_tailed(draws)
    if not measure.startswith("shortfall") or not np.isfinite(low):
        return low, high
    stretch = float(stdtrit(max(tail_days, 1.0), 0.95) / ndtri(0.95))
    middle = float(np.median(draws[np.isfinite(draws)]))
    return middle - stretch * (middle - low), middle + stretch * (high - middle)


def measured(books: DayBooks, prices: Prices) -> tuple[dict[str, float], list[dict[str, float]]]:
    """Levels of the model's book, and the changes of each party, in the record as it is."""
    ends = ends_of(books.model, prices.tail)
    base = {k: float(v) for k, v in levels(books.model, books.model_cost, prices).items()}
    every = [changes(books.model, p, ends, prices) for p in parties(books)]
    return base, [{k: float(v) for k, v in _moved(base, own).items()} for own in every]


def resampled(books: DayBooks, prices: Prices, *, block: float, draws: int, seed: int) -> list[dict[str, FloatArray]]:
    """The same changes of each party in resampled records, (draw,) each; all parties share the days of a draw."""
    every = parties(books)
    found: list[list[dict[str, FloatArray]]] = [[] for _ in every]
    for days in in_chunks(len(books.model), block=block, draws=draws, seed=seed):
        model = books.model[days]
        ends, base = ends_of(model, prices.tail), levels(model, books.model_cost[days], prices)
        for place, party in enumerate(every):
            found[place].append(_moved(base, changes(model, party, ends, prices, days)))
    return [{k: np.concatenate([piece[k] for piece in own]) for k in own[0]} for own in found]


def _moved(base: Mapping[str, FloatArray | float], own: dict[str, FloatArray]) -> dict[str, FloatArray]:
    """Changes of the levels against the model's, and as a share of it where the model's is positive."""
    own["with_cost"] = own["with_cost"] + base["cost"]  # a party's cost is what it adds
    with np.errstate(divide="ignore", invalid="ignore"):  # no share of nothing, no difference of two ruins
        moved = {k: np.subtract(own[f"with_{k}"], base[k]) for k in LEVELS if k in base}
        shares = {f"{k}_share": np.where(np.greater(base[k], 0), np.divide(moved[k], base[k]), np.nan) for k in RELATIVE}
    return own | moved | shares
