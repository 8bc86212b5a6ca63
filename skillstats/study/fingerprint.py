"""When is evidence stale? A digest of a model's mathematics that comments, names and reformatting do not change.

Calibration belongs to a posterior, not to a text. `fingerprint` evaluates what can change it: the specification's digest; the compiled
log density of the PyMC model, priors and Jacobians included, at fixed points with fixed synthetic outcomes; and, for the Gibbs
engine, the first draws of a short run with a fixed seed. Numbers are rounded to nine significant digits (draws to six) before they are
hashed, so that the last bits of another processor do not make evidence stale; a rule that changes nothing at these points would
not be noticed, which the twins cover.
"""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skillstats.evidence import Evidence
from skillstats.inference.build import build_model
from skillstats.inference.family_fit import build_family_model
from skillstats.spec.model import ModelSpec
from skillstats.study.designs import Design
from skillstats.study.engines import posterior
from skillstats.study.worlds import World, draw_world

FloatArray = NDArray[np.float64]
POINTS: Final = 3
SEED: Final = 20260701
DIGITS, DRAW_DIGITS = 9, 6
_KNOWN: Final[dict[tuple[str, str], str]] = {}
SMALL: Final = Design("fingerprint", "uneven", traders=4, sessions=9, regimes=2, actions=2)


def fixed_world(spec: ModelSpec) -> World:
    """The synthetic outcomes a fingerprint is taken with."""
    return draw_world(spec, SMALL, np.random.default_rng(SEED))


def log_densities(spec: ModelSpec) -> FloatArray:
    """Log density of the compiled model at `POINTS` fixed points, (point,), nats."""
    evidence = fixed_world(spec).evidence
    if isinstance(evidence, Evidence):
        model = build_model(spec, evidence, bets_per_year=SMALL.bets_per_year)
    else:
        model = build_family_model(spec, evidence, SMALL.bets_per_year)
    logp, start = model.compile_logp(), model.initial_point()
    rng = np.random.default_rng(SEED)
    points = [{k: np.asarray(start[k]) + rng.normal(0, 0.5, np.shape(start[k])) for k in sorted(start)} for _ in range(POINTS)]
    return np.array([float(logp(point)) for point in points])


def first_draws(spec: ModelSpec) -> FloatArray:
    """The first draws of the Gibbs engine with a fixed seed, every variable laid end to end."""
    fit = posterior(spec, fixed_world(spec).evidence, SMALL, engine="gibbs", seed=SEED)
    names = sorted(str(name) for name in fit.tree["posterior"].data_vars)
    return np.concatenate([fit.draws(name)[:20].ravel() for name in names])


def fingerprint(spec: ModelSpec, engine: str) -> str:
    """sha256 of a model's mathematics under an engine; computed once a process, since it compiles the log density."""
    key = (spec.digest, engine)
    if key not in _KNOWN:
        digest = hashlib.sha256(spec.digest.encode())
        digest.update(_rounded(log_densities(spec), DIGITS))
        if engine == "gibbs":
            digest.update(b"gibbs" + _rounded(first_draws(spec), DRAW_DIGITS))
        _KNOWN[key] = digest.hexdigest()
    return _KNOWN[key]


def _rounded(values: FloatArray, digits: int) -> bytes:
    return " ".join(f"{v + 0.0:.{digits - 1}e}" for v in values).encode()
