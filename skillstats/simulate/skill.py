"""The draw of skill: who has it, and what it depends on besides the person. The same on both levels of a world.

    m_i = theta_j f_r h_jr + e_r + b_r + c_jr + g_k + n_t + kappa_j l_i + z_jq + lambda_j (years since the start) + edge zeta_js

f and e are the state's `skill` and `effect`; h is 1, or 0 where a specialist is none; l is the log of a row's risk less its mean over the
desk. Every effect is drawn whether its sd is 0 or not, so that turning one on leaves the others as they were.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skillstats.simulate.knobs import SIGNAL_TYPES
from skillstats.simulate.world import World

Floats = NDArray[np.float64]
ACTIONS: Final = ("ACCEPT", "VETO", "RESIZE", "DELAY", "REVERSE")


@dataclass(frozen=True, slots=True)
class Skill:
    """What was drawn; y units of a row but for `asked`.

    asked : (trader,) annual IR, or theta where `population.unit` is "decision"
    holds : (trader, regime) 1 where that skill holds, 0 elsewhere
    regime : (regime,), trader_regime : (trader, regime), action : (action,), signal_type : (type,)
    sizing : (trader,) per unit of log risk; learning : (trader,) a year; drift : (trader, quarter)
    """

    asked: Floats
    holds: Floats
    regime: Floats
    trader_regime: Floats
    action: Floats
    signal_type: Floats
    sizing: Floats
    learning: Floats
    drift: Floats

    @property
    def effects(self) -> dict[str, list[float | list[float]]]:
        """The effects that are not 0 everywhere, by name, as plain lists."""
        names = ("regime", "trader_regime", "action", "signal_type", "sizing", "learning", "drift")
        return {name: value.tolist() for name in names if np.any(value := getattr(self, name))}


def draw_skill(world: World, listed: Floats, quarters: int, rng: np.random.Generator) -> Skill:
    """Draw the skill of a desk.

    Parameters
    ----------
    listed : (trader,) the annual IRs of the world's list, dealt out
    quarters : calendar quarters to draw drift for; more of them leave the earlier ones as they are
    """
    traders, regimes, e = world.traders, len(world.regimes), world.effects
    asked, holds = _population(world, listed, rng)
    regime = e.regime_sd * rng.standard_normal(regimes)
    crossed = e.trader_regime_sd * rng.standard_normal((traders, regimes))
    action = np.r_[0.0, e.action_sd * rng.standard_normal(len(ACTIONS) - 1)]
    kind = e.signal_type_sd * rng.standard_normal(len(SIGNAL_TYPES))
    sizing = e.sizing_mean + e.sizing_sd * rng.standard_normal(traders)
    learning = e.learning + e.learning_sd * rng.standard_normal(traders)
    drift = np.zeros((traders, quarters))
    state = rng.standard_normal(traders) / np.sqrt(1.0 - e.drift_persistence**2)
    for q in range(quarters):
        drift[:, q] = e.drift_sd * state
        state = e.drift_persistence * state + rng.standard_normal(traders)
    return Skill(asked, holds, regime, crossed, action, kind, sizing, learning, drift)


def _population(world: World, listed: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Skill asked for, (trader,), and where it holds, (trader, regime)."""
    p, traders, regimes = world.population, world.traders, len(world.regimes)
    values, coin = p.mean + p.sd * rng.standard_normal(traders), rng.random(traders) < p.share
    home = rng.integers(0, regimes, traders)
    everywhere = np.ones((traders, regimes))
    if p.kind == "list":
        return listed, everywhere
    if p.kind == "none":
        return np.zeros(traders), everywhere
    if p.kind == "normal":
        return values, everywhere
    skilled = np.where(coin, values, 0.0)
    return skilled, everywhere if p.kind == "mixture" else np.eye(regimes)[home]
