"""The worlds of every model against the density of the engines, without sampling: the score at the truth has mean zero.

For outcomes drawn from p(y | truth), E[d log p(y | parameter) / d parameter] = 0 at the truth. The generator draws every shock row by row in numpy; the
density integrates them out on cells. A world that is not the one of the density has a score that is off.
"""

import dataclasses

import numpy as np
import pytest
import xarray as xr
from xarray import DataTree

from skillstats.inference.breadth import Breadth
from skillstats.inference.container import Diagnostics, Fit
from skillstats.inference.effects import session_log_likelihood
from skillstats.inference.separable import separable_terms
from skillstats.spec import read_spec
from skillstats.study.designs import BALANCED, UNEVEN
from skillstats.study.equations import SYMBOLS
from skillstats.study.worlds import draw_world

DIMS = {symbol: tuple(word.split(":")) for word, symbol in SYMBOLS.items()} | {
    "s_U": ("trader",), "lam": ("trader",), "l_r": ("regime",), "sigma": ("trader", "regime"), "z": ("trader", "quarter"), "kappa": ("trader",),
}  # fmt: skip
STEP = 1e-4
WORLDS = 60
LOCATIONS = ("mu", "kappa", "z", "b", "m", "d", "k")
SCALES = ("s_V", "s_F", "s_U", "sigma")


def fit_of(spec, world, values):
    """A fit whose draws are `values`, (draw, ...) by name."""
    variables = {n: (("chain", "draw", *DIMS.get(n, ())), np.asarray(v)[None]) for n, v in values.items()}
    tree = DataTree.from_dict({"posterior": xr.Dataset(variables)})
    nothing = Diagnostics((), 0, 1.0, 0.0, 1.0, 1, 3, 0, 0.0, (), {})
    return Fit(tree, spec, world.evidence, 0, Breadth(1.0, ""), separable_terms(spec, world.evidence), nothing, {})


def scores(spec, world):
    """d log p / d parameter at the truth by central differences; locations all levels alike, sds in their logarithm."""
    found = {}
    for name in (n for n in (*LOCATIONS, *SCALES) if n in world.truth):
        draws = {k: np.stack([v, v]) for k, v in world.truth.items()}
        value = world.truth[name]
        shape = np.zeros_like(value)
        shape[(0,) * shape.ndim] = 1.0  # the first level only, so that a label in the wrong place is seen
        moved = [value * np.exp(s * STEP * shape) if name in SCALES else value + s * STEP * shape for s in (1, -1)]
        draws[name] = np.stack(moved)
        up, down = session_log_likelihood(fit_of(spec, world, draws))[1].sum(axis=1)
        found[name] = (up - down) / (2 * STEP)
    return found


@pytest.mark.parametrize(
    "model", ["day_pooled", "crossed_total", "crossed_outcomes", "crossed_selection", "dynamic", "population", "heavy_scale"]
)
@pytest.mark.parametrize("design", [BALANCED, UNEVEN], ids=lambda d: d.name)
def test_the_score_at_the_truth_has_mean_zero(model, design):
    rng = np.random.default_rng([17, len(model), len(design.name)])
    small = dataclasses.replace(design, sessions=15)
    spec = read_spec(model)
    found = [scores(spec, draw_world(spec, small, rng)) for _ in range(WORLDS)]
    checked = 0
    for name in found[0]:
        values = np.array([f[name] for f in found if name in f])
        assert abs(values.mean()) < 4.5 * values.std(ddof=1) / np.sqrt(len(values)), name
        checked += 1
    assert checked >= 4
