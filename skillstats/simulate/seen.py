"""What an analyst sees of drawn outcomes: rows with labels, money and the risk as measured; never skill, never a shock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skillstats.simulate.loadings import Loadings
from skillstats.simulate.rows import Clock, Rows
from skillstats.simulate.shocks import Market
from skillstats.simulate.world import World

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Rows of a desk, one a decision or one a decision and session; all (row,) but the last five.

    trader, session, regime, action, kind, decision : codes; session counts from the first of the record, kind is the signal's type
    value_add, risk : currency; exposure : to the market per unit of risk as the analyst is told, empty where `factor.observed` is off
    factor : (session,) what the market did to a unit of exposure; label : (session,) ISO dates
    made, still_open, lost : (trader,) decisions, those whose horizon lies after the record, those without a mark
    """

    trader: Integers
    session: Integers
    regime: Integers
    action: Integers
    kind: Integers
    decision: Integers
    value_add: Floats
    risk: Floats
    exposure: Floats
    factor: Floats
    label: tuple[str, ...]
    made: Integers
    still_open: Integers
    lost: Integers


@dataclass(frozen=True, slots=True)
class Drawn:
    """A desk as drawn, the sessions after its record included.

    rows, loadings : touched signals and the units of evidence they make
    value, risk : (unit,) currency, risk as measured
    """

    world: World
    clock: Clock
    market: Market
    rows: Rows
    loadings: Loadings
    value: Floats
    risk: Floats

    @property
    def first(self) -> Integers:
        """Session in which the decision of each unit was made.  # shape: (unit,)"""
        return self.loadings.session - np.arange(len(self.value)) % self.world.horizon

    @property
    def last(self) -> Integers:
        """Session of the horizon of each unit's decision.  # shape: (unit,)"""
        return self.first + self.world.horizon - 1


def see(drawn: Drawn, chosen: Mask, exposure: Floats, made: Mask) -> Outcomes:
    """The chosen units as an analyst sees them.

    Parameters
    ----------
    chosen : (unit,) those with an outcome; made : (unit,) those whose decision was made by then by someone who is known
    exposure : (unit,) as told, or empty
    """
    world, own = drawn.world, drawn.loadings
    head = np.zeros(len(drawn.value), np.int64)
    head[drawn.rows.unit[::-1]] = np.arange(len(drawn.rows))[::-1]
    kept = np.flatnonzero(chosen)
    if not world.sliced:
        kept = kept[kept % world.horizon == 0]
    value, risk = _money(drawn, kept)
    counts = [count_decisions(drawn, mask) for mask in (made, made & (drawn.last >= world.sessions), chosen)]
    return Outcomes(
        trader=own.trader[kept], session=own.session[kept], regime=own.regime[kept],
        action=drawn.rows.action[head[kept]], kind=drawn.rows.kind[head[kept]], decision=own.decision[kept],
        value_add=value, risk=risk, exposure=exposure[kept] if len(exposure) else exposure,
        factor=np.sqrt(world.shared_shock) * (drawn.market.shock + drawn.market.mean)[: world.sessions],
        label=drawn.clock.label[: world.sessions],
        made=counts[0], still_open=counts[1], lost=counts[0] - counts[1] - counts[2],
    )  # fmt: skip


def mean_y(drawn: Drawn, chosen: Mask) -> Floats:
    """Mean y of each trader's rows of evidence among the chosen units, NaN without one.  # shape: (trader,)"""
    kept = np.flatnonzero(chosen)
    if not drawn.world.sliced:
        kept = kept[kept % drawn.world.horizon == 0]
    value, risk = _money(drawn, kept)
    trader = drawn.loadings.trader[kept]
    count = np.bincount(trader, minlength=drawn.world.traders)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.bincount(trader, value / risk, minlength=drawn.world.traders) / count)


def count_decisions(drawn: Drawn, chosen: Mask) -> Integers:
    """Decisions of each trader among the chosen units, which are whole decisions.  # shape: (trader,)"""
    return np.bincount(drawn.loadings.trader[chosen], minlength=drawn.world.traders) // drawn.world.horizon


def _money(drawn: Drawn, kept: Integers) -> tuple[Floats, Floats]:
    """Value-add and risk of rows of evidence; of a whole decision sums, the risk that of a deviation held through all its sessions."""
    if drawn.world.sliced:
        return drawn.value[kept], drawn.risk[kept]
    slices = kept[:, None] + np.arange(drawn.world.horizon)
    return drawn.value[slices].sum(axis=1), np.sqrt((drawn.risk[slices] ** 2).sum(axis=1))
