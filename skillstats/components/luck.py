"""Luck that decisions share: the size of the shocks of a session.

    V_s ~ Normal(0, s_V)      everybody's outcomes of session s
    U_js ~ Normal(0, s_Uj)    trader j's outcomes of session s
    F_s ~ Normal(0, s_F)      outcome i of session s in proportion to its exposure: x_i F_s

Only the sds are parameters; the shocks themselves are integrated out exactly by `components.cells`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray

from skillstats.components.types import Tensor

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

Draw = Callable[..., Tensor]
"""``draw(slot, name, dims=None)``: a parameter with the prior the specification states for `slot`."""


def session(draw: Draw) -> Tensor:
    """s_V, shape (), y units."""
    return draw("session_sd", "s_V")


def factor(draw: Draw) -> Tensor:
    """s_F, shape (), y units per unit of exposure: sd of a latent factor return."""
    return draw("factor_sd", "s_F")


def common(draw: Draw, traders: int) -> Tensor:
    """One s_U for everybody, shape (trader,), y units."""
    return pm.Deterministic("s_U", draw("trader_session_sd", "s_U_common") * pt.ones(traders), dims="trader")


def by_trader(draw: Draw, traders: int) -> Tensor:
    """s_Uj with log s_Uj ~ Normal(l_U, t_U), non-centred, shape (trader,), y units."""
    level, spread = draw("trader_session_log_sd", "l_U"), draw("trader_session_log_sd_spread", "t_U")
    z = pm.Normal("z_U", 0.0, 1.0, dims="trader")
    return pm.Deterministic("s_U", pt.exp(level + spread * z), dims="trader")


SCALES: Mapping[str, Callable[[Draw, int], Tensor]] = {"common": common, "by_trader": by_trader}
"""Word of `luck.trader_session_scale` to its builder."""


def trader_session(draw: Draw, scale: str, traders: int) -> Tensor:
    """s_U, shape (trader,), y units, in the form the word `scale` names."""
    return SCALES[scale](draw, traders)


def own_exposure(exposure: FloatArray, pair: IntArray) -> FloatArray:
    """x_i as it is, shape (row,): safe only beside a session shock or where exposures are known without error."""
    return exposure


def mean_exposure(exposure: FloatArray, pair: IntArray) -> FloatArray:
    """Mean exposure of the row's trader-session, shape (row,): errors of single exposures average out; `pair` (row,) codes."""
    return np.asarray((np.bincount(pair, weights=exposure) / np.maximum(np.bincount(pair), 1))[pair])


EXPOSURE_LEVELS: Mapping[str, Callable[[FloatArray, IntArray], FloatArray]] = {
    "decision": own_exposure,
    "trader:session": mean_exposure,
}
"""Word of `luck.exposure_level` to the exposures the factor shock is loaded with."""
