"""Factor betas of assets as they were known before each session, for assets whose exposures the record does not give.

In each session d the simple close-to-close returns of the last 252 sessions strictly before d are regressed on the returns of all
factors together, with an intercept, by least squares over the sessions in which all of them are known; at least 60 are needed:

    r_t = a + b' F_t + e_t,    t in the 252 sessions before d.

The estimate is known from the close of session d - 1 on. It is made again in each session, never smoothed, and rounded to billionths
so that no float library can change a byte. Nothing at or after that close enters it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.market.adjust import Corporate
from skillstats.market.marks import Market
from skillstats.market.sessions import Sessions
from skillstats.market.volatility import session_returns
from skillstats.record.containers import NULL, Table

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
WINDOW: Final = 252
LEAST: Final = 60
PLACES: Final = 9
SINGULAR: Final = 1e-10
"""Smallest eigenvalue of the correlations of the factors from which on their betas can be told apart."""


@dataclass(frozen=True, slots=True)
class Betas:
    """Estimates, sorted by (asset, factor, time).

    asset, factor : (n,) names; time : (n,) int64, from which instant on the estimate was known
    exposure : (n,) return of the asset per unit of factor return, no unit; sessions : (n,) int64 sessions it rests on
    """

    asset: NDArray[Any]
    factor: NDArray[Any]
    time: IntArray
    exposure: FloatArray
    sessions: IntArray

    def __len__(self) -> int:
        return len(self.time)


def known_betas(
    market: Market, corporate: Corporate, factors: Table, given: Table | None, span: Mapping[int, tuple[int, int]]
) -> Betas:
    """Estimates for the sessions in which an asset was decided on and a factor's exposure was not given yet.

    Parameters
    ----------
    factors : table of factor returns; given : table of exposures, if any; nothing of either after `as_of` is read
    span : first and last instant of a decision, by position of the asset in the store
    """
    table = factors.take(factors["time"] <= market.as_of)
    names = sorted(set(table["factor"]), key=str.encode)
    first = _first_given(given)
    returns = {c: session_factors(market.calendars[c], table, names) for c in sorted(set(market.calendar_of))}
    found: list[tuple[str, str, int, float, int]] = []
    for code in sorted(span):
        sessions, asset = market.sessions_of(code), market.store.assets[code]
        lo, hi = (int(k) for k in sessions.index_of(np.array(span[code])))
        wanted = np.arange(max(lo, 1), min(hi, len(sessions.closes) - 1) + 1)
        known = sessions.closes[wanted - 1]
        missing = {f: known < first.get((asset, f), np.inf) for f in names}
        if not len(wanted) or not any(m.any() for m in missing.values()):
            continue
        own = session_returns(market, corporate, code)
        beta, n = trailing_betas(np.where(own == NULL, np.nan, own * 1e-9), returns[market.calendar_of[code]], wanted)
        for j, factor in enumerate(names):
            for i in np.flatnonzero(missing[factor] & np.isfinite(beta[:, j])):
                found.append((asset, factor, int(known[i]), float(beta[i, j]), int(n[i])))
    columns = list(zip(*found, strict=True)) if found else [()] * 5
    kinds: tuple[Any, ...] = (object, object, np.int64, np.float64, np.int64)
    return Betas(*(np.array(c, dtype=k) for c, k in zip(columns, kinds, strict=True)))


def _first_given(given: Table | None) -> dict[tuple[str, str], int]:
    """When the first exposure of each (asset, factor) was known."""
    first: dict[tuple[str, str], int] = {}
    if given is not None:
        for asset, factor, time in zip(given["asset"], given["factor"], given["time"].tolist(), strict=True):
            first[asset, factor] = min(time, first.get((asset, factor), time))
    return first


def session_factors(sessions: Sessions, factors: Table, names: list[str]) -> FloatArray:
    """Return of each factor in each session, compounded over the rows stamped in it; NaN where there is none.  # shape: (session, factor)"""
    result = np.full((len(sessions.closes), len(names)), np.nan)
    for j, name in enumerate(names):
        rows = np.flatnonzero(factors["factor"] == name)
        k = sessions.index_of(factors["time"][rows])
        inside = k < len(sessions.closes)
        rows, k = rows[inside], k[inside]
        if len(rows):
            begins = np.flatnonzero(np.r_[True, k[1:] != k[:-1]])
            result[k[begins], j] = np.multiply.reduceat(1.0 + factors["return"][rows], begins) - 1.0
    return result


def trailing_betas(own: FloatArray, factors: FloatArray, wanted: IntArray) -> tuple[FloatArray, IntArray]:
    """Least-squares betas on the sessions before each wanted one.

    Parameters
    ----------
    own : (session,) returns of the asset, NaN where unknown; factors : (session, factor) returns, NaN where unknown
    wanted : (n,) positions of sessions; session d uses d - 252 to d - 1

    Returns
    -------
    betas (n, factor), NaN with fewer than 60 sessions or factors that move as one; sessions used (n,)

    Examples
    --------
    >>> f = np.sin(np.arange(100.0))[:, None] / 100
    >>> beta, n = trailing_betas(0.001 + 1.5 * f[:, 0], f, np.array([59, 60, 99]))
    >>> beta[:, 0].tolist(), n.tolist()
    ([nan, 1.5, 1.5], [59, 60, 99])
    """
    has = np.isfinite(own) & np.isfinite(factors).all(axis=1)
    columns = [has.astype(float), *(np.where(has, f, 0.0) for f in (*factors.T, own))]
    width = len(columns)
    sums = np.empty((len(wanted), width, width))
    start = np.maximum(wanted - WINDOW, 0)
    for a in range(width):
        for b in range(a + 1):  # plain running sums, so that no matrix library decides the order of additions
            total = np.r_[0.0, np.cumsum(columns[a] * columns[b])]
            sums[:, a, b] = sums[:, b, a] = total[wanted] - total[start]
    n = np.rint(sums[:, 0, 0]).astype(np.int64)
    beta = np.full((len(wanted), width - 2), np.nan)
    enough = n >= max(LEAST, width)
    mean = sums[enough, 0, 1:] / n[enough, None]
    cov = sums[enough, 1:, 1:] / n[enough, None, None] - mean[:, :, None] * mean[:, None, :]
    scale = np.sqrt(np.maximum(np.einsum("nii->ni", cov[:, :-1, :-1]), 0.0))
    moving = (scale > 0).all(axis=1)
    scale = np.where(scale > 0, scale, 1.0)
    correlation = cov[:, :-1, :-1] / scale[:, :, None] / scale[:, None, :]
    apart = moving & (np.linalg.eigvalsh(correlation)[:, 0] > SINGULAR) if len(correlation) else moving
    rows = np.flatnonzero(enough)[apart]
    if len(rows):
        solved = np.linalg.solve(correlation[apart], (cov[apart, :-1, -1] / scale[apart])[..., None])[..., 0]
        beta[rows] = np.round(solved / scale[apart], PLACES) + 0.0
    return beta, n
