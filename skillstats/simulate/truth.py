"""The truth of a simulated desk: what a perfect analysis of the record would find.

A decision of one row has y = theta + g sqrt(shared) F + sqrt(theme) U + noise. A decision of several rows a has value-add sum V_a
and risk W = sqrt(sum w_a^2 + 2 c sum_{a<b} g_a g_b w_a w_b), c = 0.5 (DATA.md section 3), so that with sums over its rows

    y = theta sum(m w)/W + F sqrt(shared) sum(g w)/W + U sqrt(theme) sum(w)/W + noise of variance rest sum(w^2)/W^2,

m the regime's factor on skill. Risks are known once the design is, so each figure is an exact expectation over the shocks given the
design. **One day is one bet**: Y_s is the sum of a trader's y over the decisions of a session, with equal risk weights, and

    IR_day = mean(E Y_s) / sqrt(mean(Var Y_s)) over his active sessions,   IR_ann = IR_day sqrt(active sessions a year).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from skillstats.errors import UsageError
from skillstats.simulate.design import Design
from skillstats.simulate.world import World

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

WITHIN_DECISION_CORRELATION: Final = 0.5
CONVENTION: Final = (
    "y = value-add / risk with the true volatility. IR_day = mean(E[Y]) / sqrt(mean(Var[Y])), Y the sum of y over the decisions "
    "of one active session with equal risk weights; IR_ann = IR_day * sqrt(active sessions a year). One day is one bet."
)


class CellTruth(msgspec.Struct, frozen=True, kw_only=True):
    """Truth of one trader in one regime; ir_annual is at the pace of his sessions in all regimes, null without a decision."""

    regime: str
    decisions: int
    days: int
    theta_decision: float | None
    ir_decision: float | None
    ir_annual: float | None


class TraderTruth(msgspec.Struct, frozen=True, kw_only=True):
    """Truth of one trader; y units unless said otherwise, null where he has no decision.

    theta : expected y of a row in a regime of skill factor 1; theta_decision : mean expected y of a decision, his own mix
    sd_decision and its parts sd_shared, sd_theme, sd_noise : root mean square over decisions
    within_day_correlation : mean covariance of two of his decisions of a session over sd_decision squared
    value_add_decision : mean expected value-add of a decision, currency
    """

    trader: str
    directional: bool
    planted_annual_ir: float
    annual_ir: float | None
    ir_day: float | None
    ir_decision: float | None
    theta: float
    theta_decision: float | None
    sd_decision: float | None
    sd_shared: float | None
    sd_theme: float | None
    sd_noise: float | None
    sd_day: float | None
    within_day_correlation: float | None
    value_add_decision: float | None
    signals: int
    rows: int
    decisions: int
    active_days: int
    regimes: tuple[CellTruth, ...]


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """What was planted, kept beside the record and never inside it.

    volatility : daily volatility of every asset before the regime's factor
    """

    schema: int
    seed: int
    convention: str
    sessions: int
    years: float
    traders: tuple[TraderTruth, ...]
    volatility: dict[str, float]
    world: World

    def write(self, path: str | Path) -> Path:
        """Write as JSON; refuses a path inside a record, where it would be read by those who must not know it."""
        path = Path(path)
        if (path.parent / "signals.csv").exists() or (path.parent / "signals.parquet").exists():
            raise UsageError(f"{path}: the truth does not belong inside the record {path.parent}; write it beside the folder")
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        part.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")
        part.replace(path)
        return path

    def summary(self) -> str:
        """A line a trader."""
        lines = ["trader  annual_ir  ir_decision  theta    sd_day  corr   decisions  days"]
        for t in self.traders:
            numbers = (t.annual_ir, t.ir_decision, t.theta, t.sd_day, t.within_day_correlation)
            a, d, theta, sd, corr = (f"{v:.4f}" if v is not None else "-" for v in numbers)
            lines.append(f"{t.trader:<7} {a:>9} {d:>12} {theta:>8} {sd:>8} {corr:>7} {t.decisions:>7} {t.active_days:>6}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"Truth(seed={self.seed}, sessions={self.sessions})\n{self.summary()}"


@dataclass(frozen=True, slots=True)
class Loadings:
    """How each decision's y depends on skill and shocks.  # shape: (decision,)

    skill : E[y] for theta = 1; shared, theme : coefficients of F and U; noise : variance of the rest; money : E[V] for theta = 1
    """

    trader: Integers
    session: Integers
    regime: Integers
    rows: Integers
    skill: Floats
    shared: Floats
    theme: Floats
    noise: Floats
    money: Floats

    @property
    def variance(self) -> Floats:
        """Variance of y."""
        return self.shared**2 + self.theme**2 + self.noise


def decision_loadings(world: World, design: Design, risk: Floats) -> Loadings:
    """Net the rows of each decision.

    risk : (signal,) risk money of each row; only the ratios within a decision enter y
    """
    rows = np.flatnonzero(design.touched)
    decision, w, g = design.decision[rows], risk[rows], design.direction[rows]
    count = int(decision.max()) + 1 if len(rows) else 0
    first = rows[np.unique(decision, return_index=True)[1]]
    skill = np.array([regime.skill for regime in world.regimes])[design.regime[rows]]

    def add(values: Floats) -> Floats:
        return np.bincount(decision, values, minlength=count)

    c = WITHIN_DECISION_CORRELATION
    whole = np.sqrt((1.0 - c) * add(w**2) + c * add(g * w) ** 2)
    rest = 1.0 - world.shared_shock - world.trader_theme
    return Loadings(
        trader=design.trader[first],
        session=design.session[first],
        regime=design.regime[first],
        rows=np.bincount(decision, minlength=count),
        skill=add(skill * w) / whole,
        shared=np.sqrt(world.shared_shock) * add(g * w) / whole,
        theme=np.sqrt(world.trader_theme) * add(w) / whole,
        noise=rest * add(w**2) / whole**2,
        money=add(skill * w),
    )


def unit_ir_day(loadings: Loadings, chosen: NDArray[np.bool_]) -> tuple[float, float, int]:
    """IR_day for theta = 1, sd of a day, and active sessions, over the chosen decisions of one trader."""
    days, day = np.unique(loadings.session[chosen], return_inverse=True)
    if not len(days):
        return 0.0, 0.0, 0
    columns = (loadings.skill, loadings.shared, loadings.theme, loadings.noise)
    mean, shared, theme, noise = (np.bincount(day, column[chosen]) for column in columns)
    sd = float(np.sqrt(np.mean(shared**2 + theme**2 + noise)))
    return float(np.mean(mean)) / sd, sd, len(days)


def years_spanned(world: World) -> float:
    """Sessions of the record over sessions a year."""
    return world.sessions / world.sessions_per_year


def skill_for_annual_ir(world: World, loadings: Loadings, annual_ir: Floats) -> Floats:
    """Theta that gives each trader the annual IR planted.  # shape: (trader,), y units

    Raises
    ------
    UsageError
        If the regimes that occurred have skill factors that cancel, so that no theta gives the IR.
    """
    theta = np.zeros(world.traders)
    for j in range(world.traders):
        unit, _, active = unit_ir_day(loadings, loadings.trader == j)
        if annual_ir[j] == 0.0 or active == 0:
            continue
        if abs(unit) < 1e-9:
            raise UsageError(
                f"T{j + 1}: annual_ir = {annual_ir[j]:g}, but the regimes that occurred leave no skill; "
                "change the skill of a regime, or the seed"
            )
        theta[j] = annual_ir[j] / (unit * np.sqrt(active / years_spanned(world)))
    return theta


def trader_truth(world: World, design: Design, loadings: Loadings, j: int, planted: tuple[float, float]) -> TraderTruth:
    """Collect the truth of trader number `j` (from 0).

    planted : annual IR asked for, and theta
    """
    asked, theta = planted
    mine = loadings.trader == j
    unit, sd_day, active = unit_ir_day(loadings, mine)
    known = active > 0

    def mean(values: Floats) -> float | None:
        return float(np.mean(values[mine])) if known else None

    def rms(squares: Floats) -> float | None:
        return float(np.sqrt(np.mean(squares[mine]))) if known else None

    return TraderTruth(
        trader=f"T{j + 1}", directional=j + 1 in world.directional, planted_annual_ir=asked, theta=theta,
        annual_ir=theta * unit * float(np.sqrt(active / years_spanned(world))) if known else None,
        ir_day=theta * unit if known else None,
        ir_decision=theta * _ratio(loadings, mine) if known else None,
        theta_decision=mean(theta * loadings.skill), value_add_decision=mean(theta * loadings.money),
        sd_decision=rms(loadings.variance), sd_shared=rms(loadings.shared**2), sd_theme=rms(loadings.theme**2),
        sd_noise=rms(loadings.noise), sd_day=sd_day if known else None,
        within_day_correlation=_within_day_correlation(loadings, mine),
        signals=int(np.sum(design.trader == j)), rows=int(loadings.rows[mine].sum()), decisions=int(mine.sum()), active_days=active,
        regimes=tuple(_cell_truth(world, loadings, mine, r, theta) for r in range(len(world.regimes))),
    )  # fmt: skip


def _ratio(loadings: Loadings, chosen: NDArray[np.bool_]) -> float:
    """IR of one decision for theta = 1."""
    return float(np.mean(loadings.skill[chosen]) / np.sqrt(np.mean(loadings.variance[chosen])))


def _within_day_correlation(loadings: Loadings, mine: NDArray[np.bool_]) -> float | None:
    """Mean covariance of two decisions of one session over the mean variance; None without such a pair."""
    days, day = np.unique(loadings.session[mine], return_inverse=True)
    if not len(days):
        return None
    both = loadings.shared**2 + loadings.theme**2
    columns = (np.ones(len(mine)), loadings.shared, loadings.theme, both)
    size, shared, theme, alone = (np.bincount(day, column[mine]) for column in columns)
    pairs = float(np.sum(size * (size - 1)))
    covariance = float(np.sum(shared**2 + theme**2 - alone))
    return covariance / pairs / float(np.mean(loadings.variance[mine])) if pairs else None


def _cell_truth(world: World, loadings: Loadings, mine: NDArray[np.bool_], r: int, theta: float) -> CellTruth:
    """Truth of one trader in one regime."""
    here = mine & (loadings.regime == r)
    unit, _, days = unit_ir_day(loadings, here)
    pace = np.sqrt(len(np.unique(loadings.session[mine])) / years_spanned(world))
    return CellTruth(
        regime=world.regimes[r].label,
        decisions=int(here.sum()),
        days=days,
        theta_decision=float(theta * np.mean(loadings.skill[here])) if days else None,
        ir_decision=theta * _ratio(loadings, here) if days else None,
        ir_annual=float(theta * unit * pace) if days else None,
    )
