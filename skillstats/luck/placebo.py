"""The placebo: what luck alone would have given somebody who departs as often, as far and in the same places.

The trader's departures are dealt out again among signals that were alike before anybody chose, many times, and the trader's own result
is looked up in what comes out. Nothing is assumed about the distribution of outcomes.

1. **Universe** U: the signals the trader could have touched (`attribution.universe`) with a closed horizon, a known risk w and a departure
   written down in time. u is the tilt of each (-1 for a veto, 0 where the model was followed), a = sign(u), u_0 = median |u| of the
   departures, m what the model's order was worth. v = u_0 m / w: what a departure of the usual size would have been worth, over risk.
2. **Level**, from the action log: ``day`` where more than 60% of the trader's departures lie in sessions in which they cover more than 80%
   of one side of U, else ``row``.
3. **Row**: actions are permuted inside cells of day x side x asset class x tercile of risk (`luck.strata`). **Day**: whole days
   are permuted inside their point-in-time regime; where activity comes in spells (lag-1 autocorrelation of the daily coverage above
   1.645 / sqrt(days), the one-sided 5% bound of independent days) the sequence of days is turned instead.
4. T = sum a v in risk units is judged: p = (1 + #{T_b >= T}) / (B + 1). In money a trader without skill who acts on volatile days is
   called skilled far too often, so money (sum u m, the same re-assignments) has an effect and no p.
5. Where more than half of the touched cells are all-or-none the test moves up from row to day; at day level fewer than 10 active days are
   not testable.

6. Picks of one day may be one choice of something the cells do not know, a sector say, and then rows are too many. So a row test also
   takes each day as one bet: T - mean is a sum over days, D_s = sum over the day's signals of a (v - mean v of the cell), and their signs
   are flipped at random: p_days = (1 + #{sum e_s D_s >= sum D_s}) / (B + 1). Somebody is called better than luck where both are small.

Delays and other prices leave u = 0: they are execution, and no part of this test. Sources: Fisher (1935); Hoeffding (1951) for the moments.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.attribution.universe import SignalTable, signal_table
from skillstats.errors import UsageError
from skillstats.evidence.choices_from_ledger import signal_frame, whole_order_risk
from skillstats.ledger.containers import Ledger
from skillstats.ledger.decisions import ChoiceCounts, levels_of
from skillstats.luck import reassign
from skillstats.luck.strata import risk_cells, terciles
from skillstats.units import MICRO

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Level = Literal["row", "day"]
Scheme = Literal["cells", "days", "turns"]
DRAWS: Final = 1999
LEAST_DAYS: Final = 10
RARE: Final = 0.05
MOST_STEPS: Final = 2e8
"""Actions times draws above which a row test takes the exact moments and the normal tail, where that is permitted."""
LEAST_CELLS, LARGEST_CELL = 100, 0.1
"""The normal tail is permitted from so many moving cells, none of which has more than this share of the variance."""
SLACK: Final = 1e-9
"""Relative difference below which two sums are a tie."""


@dataclass(frozen=True, slots=True)
class Universe:
    """What one trader's test is made of, (signal,) each.

    act : sign of the tilt; tilt : u; value : m / w, risk units; money : m, currency; risk : w, currency; day : code in calendar order
    side, asset_class, regime : codes; sessions : names of the days, by code
    """

    act: FloatArray
    tilt: FloatArray
    value: FloatArray
    money: FloatArray
    risk: FloatArray
    day: IntArray
    side: IntArray
    asset_class: IntArray
    regime: IntArray
    sessions: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.act)


@dataclass(frozen=True)
class Placebo:
    """One trader's departures against the same departures dealt out at random.

    trader : name; testable, why : whether there is a test, and if not the reason as a sentence
    level, declared : where it ran, and what the action log says (`row` or `day`); scheme : cells, days (permuted) or turns (shifted)
    how : ``drawn``, ``all shifts`` or ``normal`` (exact moments and the normal tail)
    p, p_harm, p_two_sided : share of re-assignments at least as good, at least as bad, and twice the smaller, at most 1
    p_days, p_harm_days : row level only, the same where a day's picks may have been one choice; None under 10 such days
    observed : T, risk units; mean, sd : of T over all re-assignments, exact; z : (observed - mean) / sd, sd units
    q05, q95 : 90% equal-tailed band of luck, risk units
    money_observed, money_mean : sum u m, currency, and its mean over the same re-assignments; effect_money : their difference
    n_signals, n_acted : of the universe, and departures with a tilt; n_cells, n_moving : touched cells, and those that can move (row level)
    n_days, n_active : days of the universe, and with a departure; sticky : lag-1 autocorrelation of daily activity, day level
    size : u_0, the median size of a tilt; draws : re-assignments; seed
    counts : what is outside the test: undecided, open, no_risk, late, execution_only, by name
    """

    trader: str
    testable: bool
    why: str
    level: Level
    declared: Level
    scheme: Scheme
    how: str
    p: float | None
    p_harm: float | None
    p_two_sided: float | None
    p_days: float | None
    p_harm_days: float | None
    observed: float | None
    mean: float | None
    sd: float | None
    z: float | None
    q05: float | None
    q95: float | None
    money_observed: float | None
    money_mean: float | None
    effect_money: float | None
    n_signals: int
    n_acted: int
    n_cells: int
    n_moving: int
    n_days: int
    n_active: int
    sticky: float | None
    size: float | None
    draws: int
    seed: int
    currency: str
    counts: dict[str, int]

    @property
    def words(self) -> str:
        """The finding in a sentence."""
        if not self.testable:
            return f"{self.trader}: not testable. {self.why}"
        better = "more" if (self.effect_money or 0.0) >= 0 else "less"
        return (
            f"{self.trader}: picking made {abs(self.effect_money or 0.0):,.0f} {self.currency} {better} than the same departures dealt at "
            f"random ({DEALT[self.scheme]}); per unit of risk {self.z:+.1f} sd of luck, p = {self.p:.3f}"
            + (
                f", but {self.p_days:.3f} if a day's picks are one choice"
                if self.p_days and (self.p or 1) <= RARE < self.p_days
                else ""
            )
        )

    def to_pandas(self) -> pd.DataFrame:
        """One row with every number."""
        return pd.DataFrame([{k: v for k, v in vars(self).items() if k != "counts"} | self.counts])

    def summary(self) -> pd.DataFrame:
        """The numbers that answer the question, one row."""
        names = ("level", "p", "p_harm", "z", "effect_money", "n_acted", "n_signals", "n_active")
        return pd.DataFrame([{k: getattr(self, k) for k in names}], index=pd.Index([self.trader], name="trader"))

    def __str__(self) -> str:
        return f"Placebo: {self.words}"


DEALT: Final = {
    "cells": "within day, side, asset class and risk",
    "days": "whole days, within the regime",
    "turns": "the sequence of days turned",
}


@dataclass(frozen=True)
class Bench:
    """A ledger prepared for the tests of all its traders: its signals, the risk of each (nan: unknown), and those written down late."""

    table: SignalTable
    risk: FloatArray
    late: NDArray[np.bool_]
    currency: str


def placebo(ledger: Ledger, *, trader: str, seed: int = 1, draws: int = DRAWS) -> Placebo:
    """Test a trader's departures against the same departures dealt out at random; see the head of the module.

    Parameters
    ----------
    ledger : Ledger, also one that was read back
    trader : name; seed : of the re-assignments; draws : B, at least 99

    Returns
    -------
    Placebo; `testable` is False, with the reason, where there is nothing to compare

    Raises
    ------
    UsageError
        If the ledger knows no such trader, or `draws` is below 99.
    """
    return placebo_of(prepare(ledger), trader, seed=seed, draws=draws)


def prepare(ledger: Ledger) -> Bench:
    """What the tests of all traders share."""
    table, frame = signal_table(ledger), signal_frame(ledger)
    known = (frame["volatility"] > 0).to_numpy() & (frame["signal_mid"] > 0).to_numpy() & table.priced
    risk = np.full(len(frame), np.nan)
    if known.any():
        risk[known] = whole_order_risk(ledger, frame[known].reset_index(drop=True))
    late = (frame["decided"] + frame["recorded_lag"] > frame["horizon_time"]).to_numpy()
    return Bench(table, np.where(risk > 0, risk, np.nan), late & table.departed, ledger.plan.currency)


def placebo_of(bench: Bench, trader: str, *, seed: int = 1, draws: int = DRAWS) -> Placebo:
    """The test of one trader of a prepared ledger; see `placebo`."""
    if draws < 99:
        raise UsageError(f"draws = {draws}, must be at least 99 for a p-value below .05; the default is {DRAWS}")
    universe, counts, declared = universe_of(bench, trader)
    return run_placebo(universe, trader, declared, seed=seed, draws=draws, currency=bench.currency, counts=counts)


def universe_of(bench: Bench, trader: str) -> tuple[Universe, dict[str, int], Level]:
    """The universe of a trader, what is outside of it by reason, and the level the action log declares."""
    table = bench.table
    inside = table.universe(trader)
    level = declared_level(table, inside)
    blind = table.priced & np.isnan(bench.risk)
    kept = inside & table.priced & ~blind & ~bench.late
    tilt = table.tilt[kept].astype(float)
    counts = {
        "undecided": int((kept & (table.trader != trader)).sum()),
        "open": int((inside & ~table.priced).sum()),
        "no_risk": int((inside & blind).sum()),
        "late": int((inside & table.priced & ~blind & bench.late).sum()),
        "execution_only": int((table.departed[kept] & (tilt == 0)).sum()),
    }
    money, risk = table.money[kept] / MICRO, bench.risk[kept]
    codes = [
        np.unique(x[kept].astype(str), return_inverse=True)[1]
        for x in (table.session, table.side, table.asset_class, table.regime)
    ]
    day, side, asset_class, regime = (c.astype(np.int64) for c in codes)
    names = tuple(np.unique(table.session[kept].astype(str)).tolist())
    return Universe(np.sign(tilt), tilt, money / risk, money, risk, day, side, asset_class, regime, names), counts, level


def declared_level(table: SignalTable, inside: NDArray[np.bool_]) -> Level:
    """Level of choice from the action log, over the universe: the ledger's rule for `choice_level` with the signals left alone."""
    frame = pd.DataFrame({"trader": "own", "session": table.session[inside], "side": table.side[inside]})
    frame["touched"] = table.departed[inside] & [t is not None for t in table.trader[inside]]
    if not len(frame):
        return "row"
    counts = frame.groupby(["trader", "session", "side"])["touched"].agg(["sum", "size"])
    return "day" if levels_of([ChoiceCounts(frozenset({"own"}), counts)])["own"] == "day" else "row"


def run_placebo(
    universe: Universe,
    trader: str,
    declared: Level,
    *,
    seed: int,
    draws: int = DRAWS,
    currency: str = "",
    counts: dict[str, int] | None = None,
) -> Placebo:
    """The test on a universe at the declared level, or one above it where that cannot move."""
    acted = universe.act != 0
    blank = _blank(universe, trader, declared, seed, draws, currency, counts or {})
    if not acted.any():
        return replace(blank, why="No departure changed a quantity; delays and other prices are execution, which has no placebo.")
    size = float(np.median(np.abs(universe.tilt[acted])))
    sized = replace(universe, value=universe.value * size)
    blank = replace(blank, size=size)
    rng = np.random.default_rng([seed, 23])
    if declared == "row":
        cell = risk_cells(universe.day, universe.side, universe.asset_class, terciles(universe.risk))
        cells = reassign.sort_by_cell(
            cell, universe.act, sized.value, universe.tilt, universe.money,
        )  # fmt: skip
        moving, touched = reassign.moving_cells(cells)
        blank = replace(blank, n_cells=touched, n_moving=len(moving))
        if 2 * len(moving) >= touched:
            return _with_days(_by_row(cells, moving, blank, rng), sized, cell, rng)
    return _by_day(sized, replace(blank, level="day", scheme="days"), rng)


def _by_row(cells: reassign.Cells, moving: IntArray, blank: Placebo, rng: np.random.Generator) -> Placebo:
    moments = reassign.cell_moments(cells)
    observed = float(cells.act @ cells.value), float(cells.tilt @ cells.money)
    variances = reassign.cell_variances(cells.act, cells.value, cells.starts)[1]
    if not moments.variance > 0:
        return replace(blank, why="All signals of each cell were worth the same, so it makes no difference which were chosen.")
    many = blank.n_acted * blank.draws > MOST_STEPS
    if many and len(moving) >= LEAST_CELLS and variances.max() <= LARGEST_CELL * moments.variance:
        return _by_moments(observed, moments, blank)
    drawn = reassign.draw_cells(cells, moving, blank.draws, rng)
    return _judge(observed, drawn, moments, replace(blank, how="drawn"))


def _with_days(found: Placebo, universe: Universe, cell: IntArray, rng: np.random.Generator) -> Placebo:
    """The row test with its p-values by days, where there are enough days with something to choose."""
    gains = reassign.day_gains(universe.day, cell, universe.act, universe.value)
    if not found.testable or len(gains) < LEAST_DAYS:
        return found
    flipped, observed = reassign.flip_days(gains, DRAWS, rng), float(gains.sum())
    slack = SLACK * float(np.abs(gains).sum())
    better, worse = int((flipped >= observed - slack).sum()), int((flipped <= observed + slack).sum())
    return replace(found, p_days=(1 + better) / (DRAWS + 1), p_harm_days=(1 + worse) / (DRAWS + 1))


def _by_day(universe: Universe, blank: Placebo, rng: np.random.Generator) -> Placebo:
    if blank.n_active < LEAST_DAYS:
        found = f"{blank.n_active} active day{'s' * (blank.n_active != 1)}"
        text = f"Days were chosen, not single signals; {found} so far, and at least {LEAST_DAYS} are needed."
        return replace(blank, why=text)
    u = universe
    days = reassign.make_days(u.day, u.side, u.regime, u.act, u.value, u.tilt, u.money)
    sticky = reassign.stickiness(days)
    blank = replace(blank, sticky=sticky)
    observed = days.observed()
    if sticky > 1.645 / np.sqrt(len(days.act)):
        t, m, moments = reassign.turn_days(days, blank.draws, rng)
        alone = len(np.unique(days.regime)) == 1
        blank = replace(blank, scheme="turns", how="all shifts" if alone else "drawn", draws=len(t))
    else:
        moments = reassign.day_moments(days)
        t, m = reassign.draw_days(days, blank.draws, rng)
        blank = replace(blank, how="drawn")
    if not moments.variance > SLACK**2 * max(1.0, moments.mean**2):
        return replace(blank, why="Every day of a regime was treated alike, so there is no choice of days to judge.")
    return _judge(observed, (t, m), moments, blank)


def _judge(
    observed: tuple[float, float], drawn: tuple[FloatArray, FloatArray], moments: reassign.Moments, blank: Placebo
) -> Placebo:
    t, _ = drawn
    slack = SLACK * (abs(observed[0]) + float(np.abs(t).max()))
    p = (1 + int((t >= observed[0] - slack).sum())) / (len(t) + 1)
    harm = (1 + int((t <= observed[0] + slack).sum())) / (len(t) + 1)
    low, high = np.quantile(t, [0.05, 0.95])
    return _filled(blank, observed, moments, (p, harm), (float(low), float(high)))


def _by_moments(observed: tuple[float, float], moments: reassign.Moments, blank: Placebo) -> Placebo:
    """Exact mean and variance with the normal tail: for very many cells, none of which matters."""
    from scipy.stats import norm

    sd = float(np.sqrt(moments.variance))
    z = (observed[0] - moments.mean) / sd
    band = moments.mean + norm.ppf(0.05) * sd, moments.mean + norm.ppf(0.95) * sd
    found = _filled(blank, observed, moments, (float(norm.sf(z)), float(norm.cdf(z))), band)
    return replace(found, how="normal", draws=0)


def _filled(
    blank: Placebo,
    observed: tuple[float, float],
    moments: reassign.Moments,
    p: tuple[float, float],
    band: tuple[float, float],
) -> Placebo:
    sd = float(np.sqrt(moments.variance))
    return replace(
        blank,
        testable=True,
        p=p[0],
        p_harm=p[1],
        p_two_sided=min(1.0, 2 * min(p)),
        observed=observed[0],
        mean=moments.mean,
        sd=sd,
        z=(observed[0] - moments.mean) / sd,
        q05=band[0],
        q95=band[1],
        money_observed=observed[1],
        money_mean=moments.mean_money,
        effect_money=observed[1] - moments.mean_money,
    )


def _blank(
    universe: Universe, trader: str, declared: Level, seed: int, draws: int, currency: str, counts: dict[str, int]
) -> Placebo:
    """The container before the test has run."""
    acted = universe.act != 0
    numbers: dict[str, Any] = dict.fromkeys(
        ("p", "p_harm", "p_two_sided", "p_days", "p_harm_days", "observed", "mean", "sd", "z", "q05", "q95", "money_observed", "money_mean", "effect_money", "sticky", "size")
    )  # fmt: skip
    return Placebo(
        trader=trader, testable=False, why="", level=declared, declared=declared, scheme="cells" if declared == "row" else "days",
        how="", n_signals=len(universe), n_acted=int(acted.sum()), n_cells=0, n_moving=0, n_days=len(np.unique(universe.day)),
        n_active=len(np.unique(universe.day[acted])), draws=draws, seed=seed, currency=currency, counts=counts, **numbers,
    )  # fmt: skip
