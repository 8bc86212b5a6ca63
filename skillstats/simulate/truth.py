"""The truth of a simulated desk: what a perfect analysis of it would find, in containers that are kept beside the data.

How each figure follows from the design stands in `loadings`; `truths` collects them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec

from skillstats.errors import UsageError
from skillstats.simulate.world import World

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


class QuarterTruth(msgspec.Struct, frozen=True, kw_only=True):
    """Truth of one trader in one calendar quarter; null without a decision."""

    quarter: str
    decisions: int
    theta_decision: float | None
    ir_decision: float | None


class TraderTruth(msgspec.Struct, frozen=True, kw_only=True):
    """Truth of one trader; y units unless said otherwise, null where he has no decision.

    planted_annual_ir : annual IR asked for, or that of the theta asked for
    theta : expected y of a row in a regime of skill factor 1, without what the tables `effects`, `acting` and `factor` add
    theta_decision : mean expected y of a row of evidence, his own mix; the sum of selection_decision, tilt_decision (the mean of the market)
        and timing_decision (sides that agree with it)
    sd_decision and its parts sd_shared, sd_theme, sd_noise : root mean square over rows of evidence
    within_day_correlation : mean covariance of two of his decisions of a session over sd_decision squared
    value_add_decision : mean expected value-add of a decision, currency
    present : first session, and the one after the last, that he was there
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
    selection_decision: float | None = None
    tilt_decision: float | None = None
    timing_decision: float | None = None
    present: tuple[int, int] = (0, 0)
    quarters: tuple[QuarterTruth, ...] = ()


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """What was planted, kept beside the record and never inside it.

    volatility : daily volatility of every asset before the regime's factor; empty where no prices were drawn
    effects : the effects drawn, by name, y units: (regime,), (trader, regime), (action,) in the order of ACCEPT, VETO, RESIZE, DELAY, REVERSE, (signal
        type,), (trader,), (trader, quarter); those that are 0 everywhere are left out
    """

    schema: int
    seed: int
    convention: str
    sessions: int
    years: float
    traders: tuple[TraderTruth, ...]
    volatility: dict[str, float]
    world: World
    level: str = "market"
    effects: dict[str, list[float | list[float]]] = {}

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
