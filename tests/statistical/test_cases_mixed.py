"""Mixed models with published answers (P03 Dyestuff, P04 sleepstudy, P06 radon, P08 forecasters): the density of cells maximised as lme4
maximises it, and posteriors under weak priors.

In the first three tests there is no sampling and no prior: the restricted likelihood is our density of sessions with the fixed effects integrated out. The grouping
factor is the session (V_s), a random slope is the loading of a latent factor (x_i F_s). Conditional modes follow from the density by

    E[V_s | y] = s_V^2 d log p(y_s) / d theta,     E[F_s | y] = s_F^2 d log p(y_s) / d(slope in x),

exactly, because log p is quadratic in both; so are the integrals over the fixed effects.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import msgspec
import numpy as np
import pandas as pd
import pymc as pm
import pytest
from scipy.optimize import minimize

from skillstats.evidence import Evidence, read_outcomes
from skillstats.inference.design import Design, design
from skillstats.inference.effects import Parameters, session_log_density
from skillstats.inference.nuts import fit
from skillstats.inference.separable import Terms
from skillstats.spec import read_spec


def make_evidence(y, group, **changes):
    """One trader; the grouping factor is the session."""
    names, session = np.unique(group.astype(str), return_inverse=True)
    count = len(y)
    made = {
        "value_add": y, "risk": np.ones(count), "y": y, "trader": np.zeros(count, dtype=int), "session": session,
        "regime": np.zeros(count, dtype=int), "action": np.zeros(count, dtype=int), "decision": np.arange(count),
        "coords": {"trader": ("all",), "session": tuple(names), "regime": ("0", "1"), "action": ("all",)}, "source": "outcomes",
        "unit": "input unit", "has_risk": True, "scale": 1.0, "sessions_per_year": None, "sessions_spanned": len(names), "counts": {},
        "context": {},
    }  # fmt: skip
    return Evidence(**(made | changes))


@dataclass(frozen=True)
class Fixed:
    """Fixed effects: theta = profile @ beta of each profile, kappa = slope @ beta of the log size."""

    profile: np.ndarray  # shape: (profile, beta)
    slope: np.ndarray  # shape: (beta,)


def session_density(data: Design, fixed: Fixed, betas, s_v, s_f, sigma):
    """Log p(y_s) at each row of `betas`, shape (point, session)."""
    count = len(betas)
    return session_log_density(
        data,
        Parameters(
            theta=betas @ fixed.profile.T,
            sigma=np.full((count, 1, 2), sigma),
            s_u=np.zeros((count, 1)),
            s_v=np.full(count, s_v),
            s_f=np.full(count, s_f),
            kappa=(betas @ fixed.slope)[:, None],
        ),
    )


def restricted(data: Design, fixed: Fixed, start, step, luck):
    """Restricted log likelihood and the estimate of beta: log p is quadratic in beta, so differences of any step are exact."""
    size = len(start)
    unit = np.diag(step)
    points = [start, *(start + u for u in unit), *(start - u for u in unit)]
    pairs = [(i, k) for i in range(size) for k in range(i)]
    points += [start + unit[i] + unit[k] for i, k in pairs]
    f = session_density(data, fixed, np.array(points), *luck).sum(axis=1)
    up, down = f[1 : size + 1], f[size + 1 : 2 * size + 1]
    gradient, hessian = (up - down) / 2, np.diag(up - 2 * f[0] + down)
    for (i, k), value in zip(pairs, f[2 * size + 1 :], strict=True):
        hessian[i, k] = hessian[k, i] = value - up[i] - up[k] + f[0]
    information = -hessian / np.outer(step, step)
    beta = start + np.linalg.solve(information, gradient / step)
    top = session_density(data, fixed, beta[None], *luck).sum()
    return top + size / 2 * np.log(2 * np.pi) - np.linalg.slogdet(information)[1] / 2, beta


def maximise(objective, start):
    found = minimize(
        lambda u: -objective(u), start, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-10, "maxiter": 4000}
    )
    assert found.success
    return found.x, -found.fun


def slope_of_density(data, fixed, beta, direction, luck):
    """Derivative of each session's log p along a direction of (profile means, slope), shape (session,); exact as log p is quadratic."""
    moved = Fixed(np.hstack([fixed.profile, direction[0][:, None]]), np.append(fixed.slope, direction[1]))
    ends = np.array([np.append(beta, 1.0), np.append(beta, -1.0)])
    f = session_density(data, moved, ends, *luck)
    return (f[0] - f[1]) / 2


def published(cases, folder, key):
    expected = json.loads((cases / folder / "expected.json").read_text())[key]
    components = {(row["grp"], row["var1"], row["var2"]): row["vcov"] for row in expected["vc"]}
    modes = next(iter(expected.get("ranef", {"": []}).values()))
    return expected, components, {str(row["level"]): row for row in modes}


def test_dyestuff_variances_and_batches_agree_with_lme4(cases):
    table = pd.read_csv(cases / "P03_dyestuff" / "data.csv")
    evidence = make_evidence(table["Yield"].to_numpy(float), table["Batch"].to_numpy())
    data, fixed = design(evidence, Terms((), ("session",), (), {})), Fixed(np.ones((1, 1)), np.zeros(1))
    expected, components, modes = published(cases, "P03_dyestuff", "lme4")

    def objective(u):
        return restricted(data, fixed, np.array([1500.0]), np.array([10.0]), (np.exp(u[0]), 0.0, np.exp(u[1])))[0]

    u, top = maximise(objective, np.log([40.0, 50.0]))
    luck = (np.exp(u[0]), 0.0, np.exp(u[1]))
    assert luck[0] ** 2 == pytest.approx(components["Batch", "(Intercept)", None], rel=0.005)
    assert luck[2] ** 2 == pytest.approx(components["Residual", None, None], rel=0.005)
    assert -2 * top == pytest.approx(expected["REMLcrit"], abs=1e-6)
    beta = restricted(data, fixed, np.array([1500.0]), np.array([10.0]), luck)[1]
    assert beta[0] == pytest.approx(expected["fixef"]["(Intercept)"], rel=1e-6)
    found = luck[0] ** 2 * slope_of_density(data, fixed, beta, (np.ones(1), 0.0), luck)
    want = [modes[name]["(Intercept)"] for name in evidence.coords["session"]]
    np.testing.assert_allclose(found, want, rtol=0.01)


def test_sleepstudy_slopes_agree_with_lme4(cases):
    """Correlated intercepts and slopes: V_s and F_s are independent at the origin x0 of Days that is estimated along."""
    table = pd.read_csv(cases / "P04_sleepstudy" / "data.csv")
    days, y = table["Days"].to_numpy(float), table["Reaction"].to_numpy(float)
    expected, components, modes = published(cases, "P04_sleepstudy", "lme4")
    terms = Terms((), ("session", "session:exposure"), (), {}, ("sizing",), None, "decision")
    fixed = Fixed(np.array([[1.0, 0.0]]), np.array([0.0, 1.0]))  # level at mean Days, slope

    def at(u):
        evidence = make_evidence(y, table["Subject"].to_numpy(), risk=np.exp(days), exposure=days - u[3])
        return evidence, design(evidence, terms), (np.exp(u[0]), np.exp(u[1]), np.exp(u[2]))

    def solved(u):
        _, data, luck = at(u)
        return restricted(data, fixed, np.array([300.0, 10.0]), np.array([10.0, 1.0]), luck)

    u, top = maximise(lambda u: solved(u)[0], np.array([np.log(25.0), np.log(30.0), np.log(25.0), 0.0]))
    assert -2 * top == pytest.approx(expected["REMLcrit"], abs=1e-4)
    evidence, data, luck = at(u)
    typical = np.sqrt(np.mean((days - u[3]) ** 2))
    slope, level = (luck[1] / typical) ** 2, luck[0] ** 2
    assert slope == pytest.approx(components["Subject", "Days", None], rel=0.005)
    assert level + u[3] ** 2 * slope == pytest.approx(components["Subject", "(Intercept)", None], rel=0.005)
    assert luck[2] ** 2 == pytest.approx(components["Residual", None, None], rel=0.005)
    assert -u[3] * slope == pytest.approx(components["Subject", "(Intercept)", "Days"], abs=0.005 * np.sqrt(612.1 * 35.07))
    beta = solved(u)[1]
    assert beta[1] == pytest.approx(expected["fixef"]["Days"], rel=1e-4)
    assert beta[0] - days.mean() * beta[1] == pytest.approx(expected["fixef"]["(Intercept)"], rel=1e-4)
    v = level * slope_of_density(data, fixed, beta, (np.ones(1), 0.0), luck)
    along = (np.full(1, (days.mean() - u[3]) / typical), 1 / typical)  # one unit of F in terms of level and slope
    f = luck[1] ** 2 * slope_of_density(data, fixed, beta, along, luck) / typical
    want = [(modes[name]["(Intercept)"], modes[name]["Days"]) for name in evidence.coords["session"]]
    np.testing.assert_allclose(np.stack([v - u[3] * f, f], axis=1), want, rtol=0.01, atol=0.02)


def test_radon_counties_agree_with_lme4(cases):
    """85 counties of 1 to 116 houses, floor as a fixed effect: variances .5%, conditional modes 1% (of tau where they are near 0)."""
    table = pd.read_csv(cases / "P06_radon_mn" / "data.csv")
    evidence = make_evidence(table["log_radon"].to_numpy(float), table["county"].to_numpy(), regime=table["floor"].to_numpy(int))
    data = design(evidence, Terms(("regime",), ("session",), (), {}))
    floor = data.profiles.codes["regime"].astype(float)
    fixed = Fixed(np.stack([np.ones(len(floor)), floor], axis=1), np.zeros(2))
    expected, components, modes = published(cases, "P06_radon_mn", "varying_intercept")

    def solved(u):
        return restricted(data, fixed, np.array([1.0, 0.0]), np.array([1.0, 1.0]), (np.exp(u[0]), 0.0, np.exp(u[1])))

    u, top = maximise(lambda u: solved(u)[0], np.log([0.3, 0.7]))
    luck, beta = (np.exp(u[0]), 0.0, np.exp(u[1])), solved(u)[1]
    assert luck[0] ** 2 == pytest.approx(components["county", "(Intercept)", None], rel=0.005)
    assert luck[2] ** 2 == pytest.approx(components["Residual", None, None], rel=0.005)
    assert -2 * top == pytest.approx(expected["REMLcrit"], abs=1e-5)
    np.testing.assert_allclose(beta, [expected["fixef"]["(Intercept)"], expected["fixef"]["floor"]], rtol=1e-4)
    found = luck[0] ** 2 * slope_of_density(data, fixed, beta, (np.ones(len(floor)), 0.0), luck)
    want = np.array([modes[name]["(Intercept)"] for name in evidence.coords["session"]])
    np.testing.assert_allclose(found, want, rtol=0.01, atol=0.01 * luck[0])


def weak_outcomes():
    """crossed_outcomes with priors ten times as wide: the data alone decide."""
    spec = read_spec("crossed_outcomes")
    priors = {k: msgspec.structs.replace(p, sigma=10 * p.sigma) if "log" not in k else p for k, p in spec.priors.items()}
    return msgspec.structs.replace(
        spec, priors=priors | {"skill_mean": msgspec.structs.replace(priors["skill_mean"], sigma=100.0)}
    )


def test_dyestuff_batches_under_a_weak_prior(cases):
    """Posterior means of the six batches within 15% of a conditional sd of lme4's modes."""
    table = pd.read_csv(cases / "P03_dyestuff" / "data.csv")
    frame = pd.DataFrame({"trader": table["Batch"], "session": [f"s{i}" for i in range(len(table))], "value_add": table["Yield"]})
    expected, _, modes = published(cases, "P03_dyestuff", "lme4")
    found = fit(weak_outcomes(), read_outcomes(frame), seed=1)
    effects = found.draws("a").mean(axis=0) * found.evidence.scale
    want = [modes[name]["(Intercept)"] for name in found.evidence.coords["trader"]]
    np.testing.assert_allclose(effects, want, atol=0.15 * expected["condsd"]["Batch"][0])


def test_crossed_components_of_forecasters_under_a_weak_prior(cases):
    """123 people x 24 items crossed: posterior medians of the three sds within half a posterior sd of lme4's."""
    table = pd.read_csv(cases / "P08_llm_vs_humans_retail_forecast" / "data.csv", dtype={"partid": str, "period_id": str})
    _, components, _ = published(cases, "P08_llm_vs_humans_retail_forecast", "lme4_value_add_crossed")
    evidence = read_outcomes(table, {"trader": "partid", "session": "period_id", "value_add": "va"})
    found = fit(weak_outcomes(), evidence, seed=1)
    ours = {"partid": found.draws("tau_trader"), "period_id": found.draws("s_V"), "Residual": found.draws("sigma")[:, 0, 0]}
    for group, draws in ours.items():
        name = None if group == "Residual" else "(Intercept)"
        off = np.median(draws) * evidence.scale - np.sqrt(components[group, name, None])
        assert abs(off) < 0.5 * draws.std() * evidence.scale, f"{group}: off by {off:.3f}"


def own_lines(model, evidence):
    """A line in the day for everybody and an own slope for each: ``(beta + slope_j) day``, the user's own component; y units."""
    day = np.array([float(name) for name in evidence.coords["regime"]])
    beta, spread = pm.Normal("beta", 0.0, 10.0), pm.HalfNormal("tau_slope", 5.0)
    slope = pm.Deterministic("slope", spread * pm.Normal("z_slope", 0.0, 1.0, dims="trader"), dims="trader")
    return (beta + slope)[:, None, None] * day[None, :, None]


def one_line(model, evidence):
    """A line in the day for everybody."""
    day = np.array([float(name) for name in evidence.coords["regime"]])
    return pm.Normal("beta", 0.0, 10.0) * day[None, :, None]


@pytest.mark.parametrize(("key", "component"), [("lme4", own_lines), ("lme4_random_intercept", one_line)])
def test_sleepstudy_under_a_weak_prior(cases, key, component):
    """Posterior means of the effects of 18 people within 15% of a conditional sd of lme4's modes; the line is a component of the user's own."""
    table = pd.read_csv(cases / "P04_sleepstudy" / "data.csv", dtype=str)
    frame = pd.DataFrame({"trader": table["Subject"], "session": [f"s{i}" for i in range(len(table))], "regime": table["Days"]})
    evidence = read_outcomes(frame.assign(value_add=table["Reaction"].astype(float)))
    weak = weak_outcomes()
    spec = msgspec.structs.replace(
        weak,
        skill=msgspec.structs.replace(weak.skill, terms=("trader",)),
        priors={k: p for k, p in weak.priors.items() if not k.endswith("_regime")},
    )
    found = fit(spec, evidence, seed=1, extra=component)
    assert found.diagnostics.ok
    expected, _, modes = published(cases, "P04_sleepstudy", key)
    errors = np.atleast_2d(expected["condsd"]["Subject"])
    names = {"a": "(Intercept)", "slope": "Days"} if key == "lme4" else {"a": "(Intercept)"}
    for (ours, theirs), error in zip(names.items(), errors, strict=True):
        want = np.array([modes[name][theirs] for name in evidence.coords["trader"]])
        np.testing.assert_allclose(found.draws(ours).mean(axis=0) * evidence.scale, want, atol=0.15 * error[0])
