"""One contrast, tested so that a day counts as one bet.

For outcome a (touched or not, or a value per unit of risk) and a covariate x fixed before the decision, both with the strata and the
controls taken out (Frisch, Waugh and Lovell), the effect is

    b = sum_c N_c / sum_c D_c,   N_c = sum_{i in c} x_i a_i,   D_c = sum_{i in c} x_i^2,   c a block of whole sessions.

Its error is the jackknife over blocks, b_(-c) = (N - N_c) / (D - D_c), se^2 = (C - 1)/C sum_c (b_(-c) - b)^2, which is never smaller than the usual
cluster formula by more than rounding and errs on the safe side where blocks are few or uneven. It is multiplied by sqrt(n / (n - k)), k the strata
means and controls that were estimated from several blocks. p and interval come from Student t with
C_eff - 1 degrees of freedom, C_eff = (sum D_c)^2 / sum D_c^2 the number of blocks of equal weight that carry the same information.

References
----------
Cameron, Gelbach, Miller 2008, Review of Economics and Statistics 90(3) (few clusters); Carter, Schnepel, Steigerwald 2017, Review of
Economics and Statistics 99(4) (effective number of clusters).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

LEAST_BLOCKS: Final = 10.0
"""Effective blocks below which no effect is told: with fewer, t intervals rest on a guess of the error."""
SWEEPS: Final = 200
POWER: Final = 0.80
LEVEL: Final = 0.05


@dataclass(frozen=True, slots=True)
class Contrast:
    """An effect with its error, in the unit of the outcome.

    effect, error : estimate and its standard error; blocks : effective number of session blocks; n : rows
    spread : sd of the outcome within strata, so that ``effect / spread`` compares effects of different units
    """

    effect: float
    error: float
    blocks: float
    n: int
    spread: float

    def interval(self) -> tuple[float, float]:
        """90% equal-tailed interval."""
        half = float(stats.t.isf(0.05, self.blocks - 1)) * self.error
        return self.effect - half, self.effect + half

    def p_value(self, *, one_sided: bool) -> float:
        """The p of no effect; one-sided against an effect above 0."""
        tail = stats.t.sf(self.effect / self.error if one_sided else abs(self.effect) / self.error, self.blocks - 1)
        return float(tail if one_sided else min(1.0, 2 * tail))

    def detectable(self, *, one_sided: bool) -> float:
        """Smallest effect that a test at 5% finds with 80% power in a record like this one."""
        level = LEVEL if one_sided else LEVEL / 2
        return float((stats.t.isf(level, self.blocks - 1) + stats.norm.isf(1 - POWER)) * self.error)


def contrast(
    outcome: FloatArray,
    x: FloatArray,
    block: IntArray,
    *,
    within: Sequence[IntArray] = (),
    controls: Sequence[FloatArray] = (),
) -> Contrast | None:
    """Effect of `x` on `outcome` within strata.

    Parameters
    ----------
    outcome, x : (row,) finite
    block : (row,) codes of session blocks; rows of one session must share one
    within : codes whose means are taken out, all of them at once; none: nothing is taken out, not even a mean
    controls : further columns, (row,) each, partialled out

    Returns
    -------
    Contrast, or None where fewer than `LEAST_BLOCKS` effective blocks can tell `x` apart, or where nothing varies

    Examples
    --------
    20 sessions of two signals, one after a loss; the trader touches every signal after a loss and a quarter of the others:

    >>> session = np.repeat(np.arange(20), 2)
    >>> loss = np.tile([1.0, 0.0], 20)
    >>> acted = np.where(loss == 1, 1.0, session % 4 == 0)
    >>> found = contrast(acted, loss, session, within=[np.zeros(40, dtype=int)])
    >>> round(found.effect, 3), round(found.error, 3), found.blocks
    (0.75, 0.101, 20.0)
    """
    if len(outcome) < 2:
        return None
    columns = demean(np.column_stack([outcome, x, *controls]), within)
    a, x = columns[:, 0], columns[:, 1]
    if len(controls):
        further = columns[:, 2:]
        both = np.column_stack([a, x])
        both = both - further @ np.linalg.lstsq(further, both, rcond=None)[0]
        a, x = both[:, 0], both[:, 1]
    code = np.unique(block, return_inverse=True)[1]
    top, bottom = np.bincount(code, a * x), np.bincount(code, x * x)
    total = bottom.sum()
    if total <= 1e-9 * len(a):
        return None
    blocks = float(total**2 / (bottom**2).sum())
    if blocks < LEAST_BLOCKS:
        return None
    effect = float(top.sum() / total)
    without = (top.sum() - top) / (total - bottom)
    count, free = len(top), len(a) - _estimated(within, code) - len(controls)
    if free < len(a) / 2:  # more strata than such a record can carry
        return None
    error = float(np.sqrt((count - 1) / count * len(a) / free * ((without - effect) ** 2).sum()))
    spread = float(a.std())
    if error <= 1e-12 or spread <= 1e-12:
        return None
    return Contrast(effect, error, blocks, len(a), spread)


def _estimated(within: Sequence[IntArray], block: IntArray) -> int:
    """Strata whose mean was taken over several blocks; one that lies inside a block goes with it and costs nothing."""
    total = 0
    for code in within:
        pairs = np.unique(np.column_stack([code, block]), axis=0)[:, 0]
        total += int((np.unique(pairs, return_counts=True)[1] > 1).sum())
    return total


def demean(values: FloatArray, within: Sequence[IntArray]) -> FloatArray:
    """Columns without the means of every factor of `within`, (row, column); by alternating projections."""
    values = np.array(values, dtype=float)
    codes = [np.unique(c, return_inverse=True)[1] for c in within]
    sizes = [np.bincount(c).astype(float) for c in codes]
    for _ in range(SWEEPS if len(codes) > 1 else len(codes)):
        before = values.copy()
        for code, size in zip(codes, sizes, strict=True):
            for k in range(values.shape[1]):
                values[:, k] -= (np.bincount(code, values[:, k]) / size)[code]
        if np.abs(values - before).max(initial=0.0) < 1e-8:
            break
    return values


def cross(*codes: IntArray) -> IntArray:
    """One code for each combination."""
    joined = np.zeros(len(codes[0]), dtype=np.int64)
    for code in codes:
        joined = joined * (int(code.max(initial=0)) + 1) + code
    return joined


def session_blocks(session: IntArray, span: IntArray, least: int = 1) -> IntArray:
    """Blocks of sessions long enough that bets whose horizons overlap mostly share one: 1 + 3 h sessions, h the usual span.

    Parameters
    ----------
    session : (row,) codes in order of time; span : (row,) sessions to the horizon; least : shortest block, sessions
    """
    return session // max(least, block_length(span))


def block_length(span: IntArray) -> int:
    """Sessions of a block: 1 + 3 h, h the 90% point of the sessions to the horizon."""
    return 1 + 3 * (int(np.quantile(span, 0.9, method="lower")) if len(span) else 0)


def terciles(values: FloatArray) -> IntArray:
    """0, 1 or 2: the third of `values` each belongs to."""
    if not len(values):
        return np.zeros(0, dtype=np.int64)
    return np.searchsorted(np.quantile(values, [1 / 3, 2 / 3]), values, side="left").astype(np.int64)
