"""Double entry for the models of trader-day parts and of choices; how the comparison is done stands in test_specs_match_twins.py."""

import importlib.util
from pathlib import Path

import numpy as np
import pytensor.tensor as pt
import pytest
from pymc.distributions.transforms import ZeroSumTransform

from skillstats.evidence import make_day_parts
from skillstats.evidence.choices import make_choices
from skillstats.inference.build_choices import build_choices, choices_data, separable_choices
from skillstats.inference.build_day_parts import build_day_parts, parts_data, separable_parts
from skillstats.spec import read_spec
from skillstats.spec.model import needed_priors

B, POINTS = 200.0, 20


def load_twin(name):
    location = importlib.util.spec_from_file_location(f"{name}_twin", Path(__file__).with_name(f"{name}_twin.py"))
    module = importlib.util.module_from_spec(location)
    location.loader.exec_module(module)
    return module


def day_parts():
    """4 traders x 9 sessions, some missing."""
    rng = np.random.default_rng(2)
    trader, session = (c.ravel() for c in np.indices((4, 9)))
    keep = rng.random(36) < 0.8
    y = rng.normal(0, [0.4, 0.5, 0.9], (36, 3)) + 0.3 * rng.normal(size=(9, 3))[session]
    return make_day_parts(trader[keep], session[keep], 50 * y[keep], np.full(keep.sum(), 50.0), sessions_per_year=252.0)


def choices(rows=120, repeated=False):
    rng = np.random.default_rng(3)
    codes = {"trader": np.arange(rows) % 4, "session": rng.integers(0, 9, rows), "stratum": rng.integers(0, 3, rows)}
    v, x = rng.normal(size=rows), rng.normal(3, 2, (rows, 2))
    if repeated:
        v, x = np.round(v), np.round(x / 3)
    coords = {"trader": tuple("ABCD"), "session": tuple("123456789"), "stratum": tuple("xyz"), "feature": ("f", "g")}
    return make_choices(
        codes,
        acted=rng.random(rows) < 0.3, v_star=v, features=x, coords=coords, source="table", sessions_per_year=None,
        sessions_spanned=9, counts={}, look_ahead=0,
    )  # fmt: skip


def values_function(model):
    unobserved = [v for v in model.unobserved_value_vars if not v.name.endswith("__")]
    compiled = model.compile_fn(unobserved, on_unused_input="ignore")
    return lambda point: dict(zip([v.name for v in unobserved], compiled(point), strict=True))


def random_points(model, scale):
    rng = np.random.default_rng(7)
    start = model.initial_point()
    return [{k: np.asarray(v) + rng.normal(0, scale, np.shape(v)) for k, v in start.items()} for _ in range(POINTS)]


def affine_jacobian(values_at, point, values, coordinates):
    """Sum of log slopes of each parameter in its sampler coordinate, by the difference over a step of 1."""
    total = 0.0
    for x, parameter in coordinates.items():
        ahead = values_at(point | {x: point[x] + 1})
        total += float(np.sum(np.log(ahead[parameter] - values[parameter])))
    return total


def matrix(pairs):
    r12, r13, r23 = pairs
    return np.array([[1, r12, r13], [r12, 1, r23], [r13, r23, 1]])


def correlation_jacobian(values, name):
    """Log of |d(r12, r13, r23) / d(log-odds)|; the map is triangular."""
    plain, partial, (r12, r13, _) = values[f"z_{name}_plain"], values[f"z_{name}_partial"], values[f"{name}_pairs"]
    slopes = [*(2 * plain * (1 - plain)), 2 * partial * (1 - partial) * np.sqrt((1 - r12**2) * (1 - r13**2))]
    return float(np.sum(np.log(slopes)))


def test_hybrid_timing_is_its_twin():
    parts, spec, twin = day_parts(), read_spec("hybrid_timing"), load_twin("hybrid_timing")
    terms = separable_parts(spec, parts)
    assert not terms.dropped
    model = build_day_parts(spec, parts, parts_data(spec, parts, B, needed_priors(spec.skill, spec.luck, spec.family)), terms)
    twin_model = twin.priors(4, B)
    ours = {{"x_log_sigma": "log_sigma"}.get(rv.name, rv.name) for rv in model.free_RVs}
    correlations = {f"z_{c}_{k}" for c in ("corr", "corr_e") for k in ("plain", "partial")}
    assert ours == {rv.name for rv in twin_model.free_RVs} | correlations
    logp, twin_logp, values_at = model.compile_logp(), twin_model.compile_logp(), values_function(model)
    for point in random_points(model, 0.7):
        values = values_at(point)
        R, R_e = matrix(values["corr_pairs"]), matrix(values["corr_e_pairs"])
        twin_point = {k: point.get(k, values.get(k)) for k in twin_model.initial_point()}
        expected = twin_logp(twin_point) + twin.log_prior_correlations(R, R_e) + correlation_jacobian(values, "corr")
        expected += correlation_jacobian(values, "corr_e") + affine_jacobian(
            values_at, point, values, {"x_log_sigma": "log_sigma"}
        )
        expected += twin.log_density_days(values, R, R_e, parts.y, parts.trader, parts.session)
        np.testing.assert_allclose(logp(point), expected, rtol=1e-10)


@pytest.mark.parametrize("repeated", [False, True])
def test_propensity_is_its_twin(repeated):
    """With real-valued v each row is its own cell; with rounded numbers some rows are counted together."""
    data, spec, twin = choices(400 if repeated else 120, repeated), read_spec("propensity"), load_twin("propensity")
    terms = separable_choices(spec, data)
    assert not terms.dropped
    arrays = choices_data(spec, data, None, needed_priors(spec.skill, spec.luck, spec.family))
    assert (len(arrays["n"]) < len(data)) == repeated
    model = build_choices(spec, data, arrays, terms)
    twin_model = twin.priors(4, 3, 2, int(arrays["choice_pair"].max()) + 1)
    coordinates = {"x_alpha": "alpha", "x_lambda": "lambda", "x_z_stratum": "z_stratum"}
    named = coordinates | {"x_z_stratum": "stratum_effect"}
    assert {named.get(rv.name, rv.name) for rv in model.free_RVs} == {rv.name for rv in twin_model.free_RVs}
    free = ZeroSumTransform([0]).forward  # an isometry: no Jacobian
    logp, twin_logp, values_at = model.compile_logp(), twin_model.compile_logp(), values_function(model)
    rows = (data.acted, data.v_star, data.features, data.trader, data.session, data.stratum)
    for point in random_points(model, 0.5):
        values = values_at(point)
        assert abs(values["stratum_effect"].sum()) < 1e-12
        twin_point = {k: point.get(k, values.get(k)) for k in twin_model.initial_point()}
        twin_point["stratum_effect_zerosum__"] = free(pt.as_tensor(values["stratum_effect"])).eval()
        expected = (
            twin_logp(twin_point) + affine_jacobian(values_at, point, values, coordinates) + twin.log_density_rows(values, *rows)
        )
        np.testing.assert_allclose(logp(point), expected, rtol=1e-10)
