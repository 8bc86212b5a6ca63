"""The running value-add of one trader inside the band that luck alone would have drawn.

The line is exact: the sum, session after session, of the value-add of every closed departure. The band deals the same departures out again as
the placebo does (`luck.placebo`: inside cells of day, side, asset class and risk, or as whole days), adds up each such record in the same way,
and takes at every session the 5% and the 95% of them. What a departure made beyond its tilt, waiting, prices and costs, and departures outside the
universe of the test, stay where they were: with b_s the part of session s that is not dealt out,

    line_s = sum_{r <= s} V_r,    path_s = sum_{r <= s} (b_r + sum_i u*_i m_i),    b_s = V_s - sum_i u_i m_i,

so that the deal that happened is the line itself.

This band holds at each session by itself; `outside` says how many random records leave it somewhere on their way. The wide band holds on the
whole way: mean_s +- c sd_s, with c such that 90% of the random records never leave it (sup-t band). Both are in money, where somebody without skill who
picks the riskier signals of a cell can leave them; the p-value of the placebo, per unit of risk, is the test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from skillstats.ledger.containers import Ledger
from skillstats.luck import reassign
from skillstats.luck.placebo import Bench, Placebo, Universe, run_placebo, universe_of
from skillstats.luck.strata import risk_cells, terciles
from skillstats.units import MICRO

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
PATHS: Final = 999
WHOLE: Final = 0.90
"""Share of the random records that stay inside the wide band on their whole way."""


@dataclass(frozen=True)
class Envelope:
    """A running value-add and its band of luck.

    sessions : names, in calendar order; running : (session,) cumulative value-add, int64 micro-units, exact
    low, high : (session,) 5% and 95% of the re-assigned records, currency; None where the test cannot run
    wide_low, wide_high : (session,) the band that 90% of the re-assigned records never leave; None likewise
    outside : share of the re-assigned records that leave `low` to `high` at some session; None likewise
    test : the placebo behind it, with its p-value, scheme, and the reason where it cannot run
    """

    sessions: tuple[str, ...]
    running: IntArray
    low: FloatArray | None
    high: FloatArray | None
    wide_low: FloatArray | None
    wide_high: FloatArray | None
    outside: float | None
    test: Placebo


def envelope(ledger: Ledger, bench: Bench, trader: str, *, seed: int, paths: int = PATHS) -> Envelope:
    """The running value-add of a trader inside its band of luck; see the head of the module.

    Parameters
    ----------
    ledger : Ledger, also one that was read back; bench : of the same ledger, see `luck.placebo.prepare`
    trader : name; seed : of the re-assignments, any int >= 0; paths : re-assigned records

    Raises
    ------
    UsageError
        If the ledger knows no such trader.
    """
    universe, counts, declared = universe_of(bench, trader)
    test = run_placebo(universe, trader, declared, seed=seed, currency=bench.currency, counts=counts)
    made = session_totals(ledger, trader)
    sessions = tuple(sorted({*made, *(universe.sessions if test.testable else ())}))
    steps = np.array([made.get(s, 0) for s in sessions], dtype=np.int64)
    running = np.cumsum(steps)
    if not test.testable:
        return Envelope(sessions, running, None, None, None, None, None, test)
    dealt, happened = _deal(universe, test, paths, np.random.default_rng([seed, 29]))
    place = np.searchsorted(np.array(sessions), np.array(universe.sessions))
    fixed = steps / MICRO
    fixed[place] -= happened
    walk = np.tile(fixed, (len(dealt), 1))
    walk[:, place] += dealt
    walk = np.cumsum(walk, axis=1)  # shape: (path, session), currency
    low, high = np.quantile(walk, [0.05, 0.95], axis=0)
    left = float(np.mean(np.any((walk < low) | (walk > high), axis=1)))
    return Envelope(sessions, running, low, high, *whole_way(walk), left, test)


def whole_way(walk: FloatArray, share: float = WHOLE) -> tuple[FloatArray, FloatArray]:
    """Ends of the band that `share` of the paths never leave, (session,) each.

    Parameters
    ----------
    walk : (path, session); sessions at which all paths agree have a band without width
    """
    mean, sd = walk.mean(axis=0), walk.std(axis=0)
    moving = sd > 1e-9 * np.abs(walk).max(initial=1.0)
    farthest = np.max(np.abs(walk[:, moving] - mean[moving]) / sd[moving], axis=1, initial=0.0)
    width = float(np.quantile(farthest, share, method="higher")) * np.where(moving, sd, 0.0)
    return mean - width, mean + width


def session_totals(ledger: Ledger, trader: str) -> Mapping[str, int]:
    """Value-add of the closed departures of a trader by session of the decision, exact micro-units."""
    mask = pc.and_(pc.equal(ledger.rows["trader"], trader), pc.equal(ledger.rows["status"], "CLOSED"))
    own = ledger.rows.filter(pc.and_(mask, ledger.rows["is_intervention"])).select(["session", "value_add"])
    totals: pa.Table = own.group_by("session").aggregate([("value_add", "sum")])
    return dict(zip(totals["session"].to_pylist(), totals["value_add_sum"].to_pylist(), strict=True))


def _deal(universe: Universe, test: Placebo, paths: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Money of each day of each re-assigned record, (path, day), and as it happened by the same rule, (day,)."""
    if test.scheme == "cells":
        return _deal_cells(universe, paths, rng)
    u = universe
    days = reassign.make_days(u.day, u.side, u.regime, u.act, u.value, u.tilt, u.money)
    happened: FloatArray = np.sum(days.tilt * days.money, axis=1)
    groups = [np.flatnonzero(days.regime == g) for g in np.unique(days.regime)]
    if test.scheme == "turns" and len(groups) == 1:
        paths = len(happened) - 1
    dealt = np.empty((paths, len(happened)))
    for own in groups:
        dealt[:, own] = _moved(days, own, _order(test.scheme, len(own), paths, rng, alone=len(groups) == 1))
    return dealt, happened


def _order(scheme: str, n: int, paths: int, rng: np.random.Generator, *, alone: bool) -> IntArray:
    """Which day's pattern each day of a group gets, (path, day): any order, or the sequence turned."""
    if scheme == "days":
        return np.asarray(rng.permuted(np.tile(np.arange(n), (paths, 1)), axis=1))
    turn = np.arange(1, n) if alone else rng.integers(0, n, paths)
    return np.asarray((np.arange(n)[None, :] - turn[:, None]) % n)


def _moved(days: reassign.Days, own: IntArray, order: IntArray) -> FloatArray:
    """Money of each day of a group under moved patterns, (path, day)."""
    tilt = days.tilt[own][order]  # shape: (path, day, side)
    return np.asarray(np.sum(tilt * days.money[own][None, :, :], axis=2))


def _deal_cells(u: Universe, paths: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    cell = risk_cells(u.day, u.side, u.asset_class, terciles(u.risk))
    order = np.argsort(u.day, kind="stable")
    starts = np.r_[0, np.cumsum(np.bincount(u.day))]
    dealt, happened = np.empty((paths, len(starts) - 1)), np.zeros(len(starts) - 1)
    for day in range(len(happened)):
        rows = order[starts[day] : starts[day + 1]]
        codes = np.unique(cell[rows], return_inverse=True)[1].astype(np.int64)
        cells = reassign.sort_by_cell(codes, u.act[rows], u.value[rows], u.tilt[rows], u.money[rows])
        _, dealt[:, day] = reassign.draw_cells(cells, reassign.dealt_cells(cells), paths, rng)
        happened[day] = float(u.tilt[rows] @ u.money[rows])
    return dealt, happened


def plain(found: Envelope) -> dict[str, Any]:
    """JSON-ready form; money of the line in micro-units, of the bands in currency."""
    kept = ("testable", "why", "scheme", "p", "p_harm", "p_days", "effect_money", "n_acted", "n_signals")
    bands = {k: None if (ends := getattr(found, k)) is None else ends.tolist() for k in ("low", "high", "wide_low", "wide_high")}
    told = {k: getattr(found.test, k) for k in kept}
    return {"sessions": list(found.sessions), "running": found.running.tolist(), **bands, "outside": found.outside, "test": told}
