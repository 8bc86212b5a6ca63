"""Re-assignments: what the same actions would have made elsewhere, inside cells of signals or as whole days.

Two statistics are carried together, so that both see the same re-assignments: T = sum a v in risk units, which is judged, and its money
sum u m, which is reported. Means and standard deviations over all possible re-assignments are exact; only the shares (p-values, bands)
are drawn.

**Inside cells.** With N signals in a cell, actions a and values v permuted against each other, mean = sum a sum v / N and
variance = S_aa S_vv / (N - 1), S the sums of squares about the means (Hoeffding 1951; for a in {0, 1} the hypergeometric
n (N - n) / (N - 1) s^2). Cells add.

**Whole days.** The pattern of day s on side d is its coverage c_sd = sum a / N_sd, and what it makes on day t is c_sd V_td with V_td = sum v of
that side's signals: a blanket veto moves as a blanket veto, however many signals the other day has. Days are permuted inside a regime, or
the sequence of days of a regime is turned like a ring (circular shifts) where activity comes in spells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BLOCK: Final = 2_000_000
"""Random numbers held at a time."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean and variance of each statistic over all re-assignments: of T in risk units, of money in currency."""

    mean: float
    variance: float
    mean_money: float
    variance_money: float


@dataclass(frozen=True, slots=True)
class Cells:
    """Signals sorted by cell, (signal,) each: a (sign), v = u_0 m / w in risk units, u and m for the money; starts : (cell + 1,)."""

    act: FloatArray
    value: FloatArray
    tilt: FloatArray
    money: FloatArray
    starts: IntArray


def sort_by_cell(cell: IntArray, act: FloatArray, value: FloatArray, tilt: FloatArray, money: FloatArray) -> Cells:
    """Cells from arrays in any order; `cell` holds codes 0..K-1, all used."""
    order = np.argsort(cell, kind="stable")
    starts = np.r_[0, np.cumsum(np.bincount(cell))].astype(np.int64)
    a, v, u, m = (np.ascontiguousarray(x[order], dtype=np.float64) for x in (act, value, tilt, money))
    return Cells(a, v, u, m, starts)


def cell_variances(a: FloatArray, v: FloatArray, starts: IntArray) -> tuple[FloatArray, FloatArray]:
    """Exact mean and variance of sum a v over the permutations inside each cell, (cell,) each."""
    n = np.diff(starts).astype(float)
    at = starts[:-1]
    sum_a, sum_v = np.add.reduceat(a, at), np.add.reduceat(v, at)
    about_a = a - np.repeat(sum_a / n, np.diff(starts))
    about_v = v - np.repeat(sum_v / n, np.diff(starts))
    variance = np.add.reduceat(about_a**2, at) * np.add.reduceat(about_v**2, at) / np.maximum(n - 1, 1)
    return sum_a * sum_v / n, variance


def cell_moments(cells: Cells) -> Moments:
    """Moments of both statistics over all cells."""
    (mean, variance), (money, money_variance) = (
        cell_variances(cells.act, cells.value, cells.starts),
        cell_variances(cells.tilt, cells.money, cells.starts),
    )
    return Moments(float(mean.sum()), float(variance.sum()), float(money.sum()), float(money_variance.sum()))


def moving_cells(cells: Cells) -> tuple[IntArray, int]:
    """Cells with an action whose actions can go elsewhere, and the number of cells with any action.

    A cell stays as it is where it holds one signal, or where all its signals were departed from in one direction.
    """
    at = cells.starts[:-1]
    low, high = np.minimum.reduceat(cells.act, at), np.maximum.reduceat(cells.act, at)
    touched = (low != 0) | (high != 0)
    return np.flatnonzero(touched & (low != high)), int(touched.sum())


def dealt_cells(cells: Cells) -> IntArray:
    """Cells in whose money a deal makes a difference: those of `moving_cells`, and those departed from as a whole by different sizes."""
    at = cells.starts[:-1]
    spread = [np.maximum.reduceat(x, at) - np.minimum.reduceat(x, at) for x in (cells.act, cells.tilt)]
    return np.flatnonzero((spread[0] != 0) | (spread[1] != 0))


def draw_cells(cells: Cells, moving: IntArray, draws: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """T and money of `draws` uniform re-assignments inside the cells, (draw,) each; cells that cannot move keep theirs.

    In each cell the actions, in the order of the signals, take places one after the other without replacement (Fisher-Yates), each from one
    uniform number.
    """
    n = np.diff(cells.starts)
    rows = np.concatenate([np.arange(cells.starts[c], cells.starts[c + 1]) for c in moving]) if len(moving) else np.zeros(0, int)
    acted = rows[cells.act[rows] != 0]
    count = np.add.reduceat((cells.act != 0).astype(np.int64), cells.starts[:-1])[moving] if len(moving) else np.zeros(0, int)
    first = np.r_[0, np.cumsum(count)][:-1].astype(np.int64)
    still = np.ones(len(cells.act), dtype=bool)
    still[rows] = False
    t = np.full(draws, float(cells.act[still] @ cells.value[still]))
    m = np.full(draws, float(cells.tilt[still] @ cells.money[still]))
    if not len(moving):
        return t, m
    from skillstats.luck.reassign_kernel import reassign_loop

    table = (cells.starts[moving], n[moving], first, count, cells.act[acted], cells.tilt[acted], cells.value, cells.money)
    place = np.zeros(int(n[moving].max()), dtype=np.int64)
    step = max(1, BLOCK // len(acted))
    for low in range(0, draws, step):
        high = min(low + step, draws)
        reassign_loop(*table, rng.random((high - low, len(acted))), place, t[low:high], m[low:high])
    return t, m


def day_gains(day: IntArray, cell: IntArray, act: FloatArray, value: FloatArray) -> FloatArray:
    """What the picks of each day made over the mean of their cells, D_s, (day with something to choose,); they add up to T - mean."""
    mean = np.bincount(cell, value) / np.maximum(np.bincount(cell), 1)
    gains = np.bincount(day, act * (value - mean[cell]))
    return np.asarray(gains[np.abs(gains) > 1e-12 * np.abs(value).max(initial=0.0)])


def flip_days(gains: FloatArray, draws: int, rng: np.random.Generator) -> FloatArray:
    """Sums of the gains under random signs, (draw,): what they would be if each day were a coin's throw."""
    found = np.empty(draws)
    step = max(1, BLOCK // max(len(gains), 1))
    for low in range(0, draws, step):
        high = min(low + step, draws)
        found[low:high] = rng.choice(np.array([-1.0, 1.0]), (high - low, len(gains))) @ gains
    return found


@dataclass(frozen=True, slots=True)
class Days:
    """Whole days, in calendar order: coverage (day, side) of actions and of tilts, sums (day, side) of v and of m, and the regime (day,)."""

    act: FloatArray
    value: FloatArray
    tilt: FloatArray
    money: FloatArray
    regime: IntArray

    def observed(self) -> tuple[float, float]:
        """T and money as they happened."""
        return float(np.sum(self.act * self.value)), float(np.sum(self.tilt * self.money))


def make_days(
    day: IntArray, side: IntArray, regime: IntArray, act: FloatArray, value: FloatArray, tilt: FloatArray, money: FloatArray
) -> Days:
    """Days from signals, (signal,) each; `day` 0..S-1 in calendar order, all used; `side` 0 or 1.

    A day has the regime most of its signals have (of several the first).
    """
    days = int(day.max()) + 1
    key = day * 2 + side

    def add(x: FloatArray) -> FloatArray:
        return np.bincount(key, weights=x, minlength=2 * days).reshape(days, 2)

    n = np.maximum(add(np.ones(len(day))), 1)
    votes = np.zeros((days, int(regime.max()) + 1))
    np.add.at(votes, (day, regime), 1)
    return Days(add(act) / n, add(value), add(tilt) / n, add(money), votes.argmax(axis=1).astype(np.int64))


def day_moments(days: Days) -> Moments:
    """Moments over all permutations of days inside regimes: with X_st = sum_d c_sd V_td doubly centred, variance = sum X_st^2 / (N - 1)."""
    found = np.zeros(4)
    for own in _groups(days):
        for k, (a, v) in enumerate(((days.act, days.value), (days.tilt, days.money))):
            c, x = a[own], v[own]
            about_c, about_x = c - c.mean(axis=0), x - x.mean(axis=0)
            found[2 * k] += len(own) * float(c.mean(axis=0) @ x.mean(axis=0))
            if len(own) > 1:
                found[2 * k + 1] += float(np.sum((about_c.T @ about_c) * (about_x.T @ about_x))) / (len(own) - 1)
    return Moments(*found.tolist())


def draw_days(days: Days, draws: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """T and money of `draws` permutations of whole days inside regimes, (draw,) each."""
    t, m = np.zeros(draws), np.zeros(draws)
    for own in _groups(days):
        step = max(1, BLOCK // len(own))
        for low in range(0, draws, step):
            high = min(low + step, draws)
            moved = own[rng.permuted(np.tile(np.arange(len(own)), (high - low, 1)), axis=1)]  # shape: (draw, day)
            for side in range(2):
                t[low:high] += days.act[moved, side] @ days.value[own, side]
                m[low:high] += days.tilt[moved, side] @ days.money[own, side]
    return t, m


def turn_days(days: Days, draws: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray, Moments]:
    """T and money of circular shifts of the days, (shift,) each, and their moments over all shifts.

    With one regime all S - 1 shifts; with several, `draws` random turns of each regime's own sequence of days.
    """
    groups = _groups(days)
    rings = [(_ring(days.act[g], days.value[g]), _ring(days.tilt[g], days.money[g])) for g in groups]
    sums: list[Any] = [sum(float(r[k].mean()) for r in rings) for k in range(2)]
    spread = [sum(float(r[k].var()) for r in rings) for k in range(2)]
    moments = Moments(sums[0], spread[0], sums[1], spread[1])
    if len(groups) == 1:
        return rings[0][0][1:], rings[0][1][1:], moments
    t, m = np.zeros(draws), np.zeros(draws)
    for group, (of_t, of_m) in zip(groups, rings, strict=True):
        turn = rng.integers(0, len(group), draws)
        t, m = t + of_t[turn], m + of_m[turn]
    return t, m, moments


def stickiness(days: Days) -> float:
    """Lag-1 autocorrelation of the daily activity (mean |coverage| over the sides), no unit; 0 where activity never changes.

    Examples
    --------
    >>> x = np.repeat([[1.0, 0.0]] * 4 + [[0.0, 0.0]] * 4, 1, axis=0)
    >>> round(stickiness(Days(x, x, x, x, np.zeros(8, dtype=np.int64))), 3)
    0.625
    """
    activity = np.abs(days.act).sum(axis=1)
    about = activity - activity.mean()
    total = float(about @ about)
    return float(about[1:] @ about[:-1]) / total if total > 0 else 0.0


def _ring(a: FloatArray, v: FloatArray) -> FloatArray:
    """sum_sd a_(s-k)d v_sd for every shift k = 0..N-1, (shift,), by the circular correlation theorem."""
    product = np.fft.fft(v, axis=0) * np.conj(np.fft.fft(a, axis=0))
    return np.asarray(np.fft.ifft(product, axis=0).real.sum(axis=1))


def _groups(days: Days) -> list[IntArray]:
    return [np.flatnonzero(days.regime == g) for g in np.unique(days.regime)]
