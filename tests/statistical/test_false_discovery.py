"""The list under false-discovery control, on traders whose truth is known (STATISTICS section 3, table S4b).

theta_hat_j ~ Normal(theta_j, .05 U(.7, 1.5)); the posterior P(theta_j > delta) of the normal population is exact on a grid of (mu, tau),
written here a second time and by other means than the package's. Seeds are fixed on purpose.
"""

import numpy as np
import pytest
from scipy import stats

from skillstats.evaluation.lists import false_discovery_list

TAU = np.array([0.003, 0.006, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1, 0.14, 0.2])
MU = np.linspace(-0.1, 0.1, 21)


def p_above(estimate, error, delta, tau=TAU, mu=MU, tau_scale=0.1, mu_scale=0.05):
    """P(theta_j > delta | all) with theta ~ Normal(mu, tau), mu ~ Normal(0, mu_scale), tau ~ HalfNormal(tau_scale), by grid."""
    m, t = (g.ravel()[:, None] for g in np.meshgrid(mu, tau, indexing="ij"))
    prior = (-0.5 * (mu / mu_scale) ** 2)[:, None] + (-0.5 * (tau / tau_scale) ** 2 + np.log(np.gradient(tau)))[None]
    log = stats.norm.logpdf(estimate, m, np.hypot(t, error)).sum(axis=1) + prior.ravel()
    weight = np.exp(log - log.max())
    own = 1 / (1 / t**2 + 1 / error**2)
    centre = own * (m / t**2 + estimate / error**2)
    return (weight / weight.sum()) @ stats.norm.sf(delta, centre, np.sqrt(own))


def truth(kind, traders, rng):
    if kind == "all zero":
        return np.zeros(traders)
    z = rng.random(traders)
    return np.where(z < 0.75, 0, np.where(z < 0.90, rng.normal(0.10, 0.03, traders), rng.normal(-0.08, 0.03, traders)))


def false_share(kind, delta, seed, replications=400, traders=12):
    """Mean over desks of the share of the list with theta <= 0, an empty list counting 0."""
    rng, shares = np.random.default_rng(seed), []
    for _ in range(replications):
        theta, error = truth(kind, traders, rng), 0.05 * rng.uniform(0.7, 1.5, traders)
        p = p_above(rng.normal(theta, error), error, delta)
        # delta 0 is asked of the rule only to show why the package refuses it: a hurdle must lie above zero to make a list
        members = false_discovery_list([(str(j), float(q)) for j, q in enumerate(p)], max(delta, 1e-9), 0.10, 0.90)["traders"]
        shares.append(np.mean([theta[int(j)] <= 0 for j in members]) if members else 0.0)
    return float(np.mean(shares)), float(np.std(shares) / np.sqrt(replications))


@pytest.mark.parametrize(
    ("kind", "delta", "published"), [("all zero", 0.02, 0.020), ("75% zero", 0.02, 0.051), ("75% zero", 0.0, 0.239)]
)
def test_the_list_has_the_published_share_of_false_names(kind, delta, published):
    """12 traders, normal population: within 4 standard errors of both simulations (300 desks there, 400 here)."""
    share, error = false_share(kind, delta, seed=17)
    assert share == pytest.approx(published, abs=4 * error * np.sqrt(1 + 400 / 300) + 0.005)
    if delta > 0:
        assert share <= 0.15, "ceiling of the misspecification suite"


def test_without_a_hurdle_above_zero_there_is_no_list():
    assert false_discovery_list([("A", 0.999)], 0.0, 0.10, 0.90)["traders"] == []


def desks(kind, seed, replications=400):
    """Listed, false and claimed names on desks of 8 over a year (error 1) under the shipped annual priors and hurdle."""
    rng, tau, mu = np.random.default_rng(seed), np.array([0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 2.5]), np.linspace(-2, 3, 51)  # fmt: skip
    listed = false = claimed = false_claims = 0
    for _ in range(replications):
        theta = np.array([3.0, 0.0] * 4) if kind == "two groups" else rng.normal(rng.normal(0, 0.5), abs(rng.normal(0, 0.5)), 8)
        p = p_above(rng.normal(theta, 1.0), np.ones(8), 0.25, tau, mu, 0.5, 0.5)
        members = false_discovery_list([(str(j), float(q)) for j, q in enumerate(p)], 0.25, 0.10, 0.90)["members"]
        listed += len(members)
        false += sum(theta[int(m["trader"])] <= 0.25 for m in members)
        claimed += sum(m["alone"] for m in members)
        false_claims += sum(m["alone"] and theta[int(m["trader"])] <= 0.25 for m in members)
    return listed, false, claimed, false_claims


def test_the_rate_holds_where_the_truth_comes_from_the_prior():
    """Traders drawn from the shipped prior: at most 10% of the names are false, up to 3 binomial standard errors."""
    listed, false, _, _ = desks("prior", seed=18, replications=1500)
    assert listed > 300
    assert false / listed <= 0.10 + 3 * np.sqrt(0.09 / listed)


def test_sure_names_pay_for_doubtful_ones_on_a_desk_of_two_groups():
    """Half the desk at an annual IR of 3, half at 0: the rule is right and the bell curve is not; names that claim alone do far better."""
    listed, false, claimed, false_claims = desks("two groups", seed=19)
    assert false / listed > 0.2, "documented in docs/statistics.md; if this ever falls, the sentence there is out of date"
    assert false_claims / claimed < 0.15
