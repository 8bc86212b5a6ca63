"""Double entry for models: each shipped specification against a page written by hand.

How the comparison is done. A point is drawn in the sampler's coordinates of the package's model (logs of sds, x_lam, ...). At it,

    log density of the package = model.logp of that point, everything included: priors, Jacobians of the log and zero-sum transforms,
        the changes of variables of lam and b, and the density of the outcomes on cells;
    log density of the twin = the twin's own PyMC priors with their Jacobians, plus the scipy density of all rows under one dense
        covariance, plus the logs of d lam / d x_lam and d b / d x_regime, which the twin does not have because it states lam and b directly.

Both are whole log densities, constants included: no offset is fitted, and the two must agree to 1e-10 relative.
"""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from skillstats.evidence import Evidence
from skillstats.inference.build import build_model
from skillstats.inference.separable import separable_terms
from skillstats.spec import list_specs, read_spec

B = 586.0
POINTS = 20
OUTCOME_SPECS = [name for name in list_specs() if read_spec(name).family == "outcomes"]
COORDINATES = {"x_lam": "lam", "x_regime": "b", "x_shock_V": "shock_V", "x_shock_U": "shock_U"}
"""Sampler coordinates of the package and the parameter each is affine in, element by element; the twin states the parameter."""


def load_twin(name):
    """The module tests/twins/<name>_twin.py, by path, so that the tests folder needs no package."""
    location = importlib.util.spec_from_file_location(f"{name}_twin", Path(__file__).with_name(f"{name}_twin.py"))
    module = importlib.util.module_from_spec(location)
    location.loader.exec_module(module)
    return module


def make_evidence(seed=20260701):
    """4 traders x 9 sessions, uneven numbers of rows (some trader-sessions empty), regimes and actions that vary within a session."""
    rng = np.random.default_rng(seed)
    size = rng.poisson(3, (4, 9)).ravel()
    trader, session = (np.repeat(code.ravel(), size) for code in np.indices((4, 9)))
    regime, action = rng.integers(0, 2, len(trader)), rng.integers(0, 3, len(trader))
    y = rng.normal(0, 0.9, len(trader)) + 0.4 * rng.normal(size=9)[session]
    coords = {
        "trader": tuple("ABCD"),
        "session": tuple(f"2026-07-{d:02d}" for d in range(1, 10)),
        "regime": ("calm", "wild"),
        "action": tuple("xyz"),
    }
    # drawn last, so that what the older twins are compared on stays as it was
    risk, exposure = 100 * rng.lognormal(0, 0.5, len(y)), rng.normal(0.5, 1.5, len(y))
    labels = {name: rng.integers(0, size, len(y)) for name, size in (("signal_type", 2), ("asset_class", 3))}
    labels |= {"desk": np.where(trader == 3, 1, rng.integers(0, 8, len(y)) == 0).astype(int), "quarter": session // 2}
    coords |= {name: tuple(f"{name} {k}" for k in range(codes.max() + 1)) for name, codes in labels.items()}
    return Evidence(
        value_add=y * risk, risk=risk, y=y, trader=trader, session=session, regime=regime, action=action,
        decision=np.arange(len(y)), coords=coords, source="record", unit="USD", has_risk=True, scale=1.0, sessions_per_year=252.0,
        sessions_spanned=9, counts={}, context={}, labels=labels, exposure=exposure,
    )  # fmt: skip


def free_names(model):
    return {rv.name for rv in model.free_RVs}


def twin_point(twin_model, model_point, values):
    """The twin's own coordinates: those it shares with the package, and lam and b in place of x_lam and x_regime."""
    names = twin_model.initial_point()
    return {name: model_point[name] if name in model_point else values[name] for name in names}


def twin_priors(twin, evidence):
    """The twin's priors; a twin with sampled shocks also needs the sessions and the trader-sessions that occur."""
    code = np.unique(evidence.session * 4 + evidence.trader)
    more = (9, (code % 4, code // 4)) if getattr(twin, "SAMPLED_SHOCKS", False) else ()
    return twin.priors(4, 2, 3, B, *more, **{name: len(evidence.levels(name)) for name in getattr(twin, "LABELS", ())})


def twin_rows(twin, evidence):
    further = {name: evidence.code(name) for name in getattr(twin, "LABELS", ())}
    return further | {name: getattr(evidence, name) for name in getattr(twin, "NUMBERS", ())}


@pytest.mark.parametrize("name", OUTCOME_SPECS)
def test_same_free_variables(name):
    evidence = make_evidence()
    spec = read_spec(name)
    assert not separable_terms(spec, evidence).dropped
    ours = free_names(build_model(spec, evidence, bets_per_year=B))
    assert {COORDINATES.get(n, n) for n in ours} == free_names(twin_priors(load_twin(name), evidence))


@pytest.mark.parametrize("name", OUTCOME_SPECS)
def test_same_log_density_at_random_points(name):
    evidence, twin = make_evidence(), load_twin(name)
    model, twin_model = build_model(read_spec(name), evidence, bets_per_year=B), twin_priors(twin, evidence)
    logp, twin_logp = model.compile_logp(), twin_model.compile_logp()
    unobserved = [v for v in model.unobserved_value_vars if not v.name.endswith("__")]
    values_at = model.compile_fn(unobserved, on_unused_input="ignore")
    start, rng = model.initial_point(), np.random.default_rng(7)
    for _ in range(POINTS):
        point = {k: np.asarray(v) + rng.normal(0, 0.7, np.shape(v)) for k, v in start.items()}
        values = dict(zip([v.name for v in unobserved], values_at(point), strict=True))
        jacobian = 0.0
        for x, parameter in COORDINATES.items():
            if x in point:  # affine: the slope is the difference over a step of 1
                ahead = dict(zip([v.name for v in unobserved], values_at(point | {x: point[x] + 1}), strict=True))
                jacobian += float(np.sum(np.log(ahead[parameter] - values[parameter])))
        rows = (evidence.y, evidence.trader, evidence.session, evidence.regime, evidence.action)
        expected = (
            twin_logp(twin_point(twin_model, point, values))
            + jacobian
            + twin.log_density_rows(values, *rows, **twin_rows(twin, evidence))
        )
        np.testing.assert_allclose(logp(point), expected, rtol=1e-10)
