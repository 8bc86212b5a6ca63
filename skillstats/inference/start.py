"""Where chains start: the same for every data set, so that the same seed gives the same draws from a fresh or a cached model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pymc as pm
from numpy.typing import NDArray

_STARTS = {
    "s_V": np.log(0.3),
    "s_F": np.log(0.3),
    "s_U_common": np.log(0.3),
    "t_U": np.log(0.3),
    "t_sigma": np.log(0.1),
    "l_U": -1.2,
    "l0": -0.2,
    "phi": np.log(0.8 / 0.2),
    "z_nu": np.log(10.0),
}
"""Start of each parameter in the sampler's own coordinates (log for sds, log odds for shares); skill starts at 0, its sds at `_SKILL_SD`."""

_SKILL_SD = np.log(0.03)


def start_function(model: pm.Model) -> Callable[[int], NDArray[np.float64]]:
    """Function from a seed to a start, shape (free coordinate,), in the order of the model's value variables.

    Every coordinate but the population means is jittered by Uniform(-1, 1).
    """
    centres, jitters = [], []
    shapes = {name: np.shape(value) for name, value in model.initial_point(0).items()}
    for rv in model.free_RVs:
        size = int(np.prod(shapes[model.rvs_to_values[rv].name]))
        centre = _SKILL_SD if rv.name.startswith("tau_") else _STARTS.get(rv.name, 0.0)
        centres.append(np.full(size, centre))
        jitters.append(np.full(size, 0.0 if rv.name in ("mu", "mu_kappa") else 1.0))
    centre_, jitter = np.concatenate(centres), np.concatenate(jitters)

    def start(seed: Any) -> NDArray[np.float64]:
        return centre_ + jitter * np.random.default_rng(seed).uniform(-1, 1, len(centre_))

    return start
