"""What a record supports doing about the right to override, and what being wrong would cost.

``keep`` needs P(IR > hurdle) at the certainty of the plan, ``revoke`` P(IR > 0) at one minus it, and either needs the money to point the same way:
the smaller expected loss must be that of the act. Everything else is ``wait``: the expected losses then say what each act would cost if it were
wrong, and the smaller one is the most that waiting can be worth. A cap lies between keeping and revoking and never has the smallest expected
loss; only somebody to whom a loss matters more than a gain of the same size can want it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from skillstats.evaluation.losses import least_capital
from skillstats.report.numbers import is_number
from skillstats.report.rows import OVERALL, Row

Kind = Literal["keep", "revoke", "wait", "none"]
MOST_ACTIONS: Final = 3
RISK_AVERSION: Final = 3.0
"""Relative risk aversion of the argument for a cap where no risk block states another."""


@dataclass(frozen=True, slots=True)
class Act:
    """What one row supports.

    kind : none where nothing may be shown; why : key of the sentence, see `skillstats.report.verdict`
    losses : of the row, {decisions, keep, revoke, better, evpi, value, ...}, None where withheld or not computed
    least_capital : capital below which the full size would be too much, currency; None where that cannot be said or the right is worth nothing
    """

    row: Row
    kind: Kind
    why: str
    losses: Mapping[str, Any] | None
    least_capital: float | None

    @property
    def value(self) -> float:
        """What the act is worth a quarter against its opposite, currency; 0 where nothing is supported."""
        if self.losses is None or self.kind not in ("keep", "revoke"):
            return 0.0
        gain = float(self.losses["revoke"]) - float(self.losses["keep"])
        return gain if self.kind == "keep" else -gain


def act_of(row: Row, aversion: float = RISK_AVERSION) -> Act:
    """Judge one row.

    Parameters
    ----------
    row : what of it may be shown
    aversion : relative risk aversion of the argument for a cap
    """
    losses = (row.detail or {}).get("losses")
    if row.withheld or row.p_above_hurdle is None:
        return Act(row, "none", "withheld", None, None)
    quarter = (row.detail or {}).get("quarter") or {}
    known = is_number(quarter.get("mean")) and is_number(quarter.get("sd"))
    capital = least_capital(float(quarter["mean"]), float(quarter["sd"]), aversion) if known else None
    better = losses["better"] if losses else None
    if row.below_floor:
        return Act(row, "wait", "floor", losses, capital)
    if row.claims:
        agrees = better in ("keep", None)
        return Act(row, "keep" if agrees else "wait", "skill" if agrees else "skill, not in money", losses, capital)
    if row.against:
        agrees = better in ("revoke", None)
        return Act(row, "revoke" if agrees else "wait", "harm" if agrees else "harm, not in money", losses, capital)
    return Act(row, "wait", "open", losses, capital)


def ranked_actions(own: Sequence[Act], cells: Sequence[Act]) -> tuple[Act, ...]:
    """At most three acts that are supported, the one worth most a quarter first.

    A trader x regime counts only where it supports another act than the trader's record as a whole.
    """
    whole = {a.row.trader: a.kind for a in own}
    found = [a for a in own if a.kind in ("keep", "revoke") and a.losses is not None]
    found += [
        a
        for a in cells
        if a.kind in ("keep", "revoke") and a.losses is not None and whole.get(a.row.trader, "none") not in (a.kind, "none")
    ]
    found.sort(key=lambda a: (-a.value, a.row.trader, a.row.regime != OVERALL, a.row.regime))
    return tuple(found[:MOST_ACTIONS])
