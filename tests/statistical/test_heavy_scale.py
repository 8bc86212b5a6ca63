"""Student-t residuals: planted numbers come back, the sd is the sd, densities of sessions are right. Seeds are fixed on purpose."""

import dataclasses

import msgspec
import numpy as np
import pytest
from scipy import stats

from skillstats.components.heavy import lay_out_rows
from skillstats.components.histogram_t import ERROR_LIMIT, histogram, log_likelihood_error
from skillstats.errors import UsageError
from skillstats.evaluation import evaluate
from skillstats.evidence import Evidence
from skillstats.inference.effects import draw_shocks, parameters, session_log_likelihood, theta_draws
from skillstats.inference.heavy_fit import heavy_session_log_likelihood
from skillstats.inference.nuts import fit
from skillstats.spec import read_spec

TRADERS, DAYS, DECISIONS, NU = 6, 50, 8, 4.0
SIGMA = np.array([0.6, 0.8, 1.0, 0.9, 0.7, 1.2])


def make(y, trader, session, traders=TRADERS, days=DAYS):
    coords = {"trader": tuple(f"T{j:02d}" for j in range(traders)), "session": tuple(f"S{s:03d}" for s in range(days))}
    coords |= {"regime": ("all",), "action": ("all",)}
    none = np.zeros(len(y), dtype=np.int64)
    return Evidence(
        value_add=y, risk=np.ones(len(y)), y=y, trader=trader, session=session, regime=none, action=none, decision=np.arange(len(y)),
        coords=coords, source="record", unit="USD", has_risk=True, scale=1.0, sessions_per_year=252.0, sessions_spanned=days, counts={}, context={},
    )  # fmt: skip


def simulate(seed):
    """y = theta_j + V_s + U_js + sigma_j sqrt((nu - 2) / nu) t, skills of annual sd 1 spread evenly."""
    rng = np.random.default_rng(seed)
    trader, session, _ = (c.ravel() for c in np.indices((TRADERS, DAYS, DECISIONS)))
    theta = np.linspace(-0.05, 0.05, TRADERS)
    shocks = rng.normal(0, 0.3, DAYS)[session] + rng.normal(0, 0.25, (TRADERS, DAYS))[trader, session]
    noise = SIGMA[trader] * np.sqrt((NU - 2) / NU) * rng.standard_t(NU, len(trader))
    return make(theta[trader] + shocks + noise, trader, session), theta


@pytest.fixture(scope="module")
def desk():
    return simulate(20261)


@pytest.fixture(scope="module")
def heavy(desk):
    return fit("heavy_scale", desk[0], seed=3, draws=1000, tune=1000)


def test_planted_numbers_come_back(desk, heavy):
    """5/95% points hold nu, s_V and at least 4 of 6 skills and of 6 residual sds (each at least .98 likely with exact coverage)."""
    assert np.quantile(heavy.draws("nu"), 0.05) <= NU <= np.quantile(heavy.draws("nu"), 0.95)
    assert np.quantile(heavy.draws("s_V"), 0.05) <= 0.3 <= np.quantile(heavy.draws("s_V"), 0.95)
    theta = theta_draws(heavy)[:, :, 0, 0]
    for draws, truth in ((theta, desk[1]), (heavy.draws("sigma")[:, :, 0], SIGMA)):
        low, high = np.quantile(draws, [0.05, 0.95], axis=0)
        assert np.sum((low <= truth) & (truth <= high)) >= 4


def test_sampler_earns_belief_and_nu_mixes(heavy):
    """The design asks for 400 effective draws of tau and nu, where Gibbs gave 55-72."""
    assert heavy.diagnostics.ok, str(heavy.diagnostics)
    table = heavy.summary()
    assert table.loc["nu", ["ess_bulk", "ess_tail"]].min() >= 400
    assert table.loc["tau_trader", ["ess_bulk", "ess_tail"]].min() >= 400


def test_sigma_is_the_standard_deviation_and_not_the_scale(heavy):
    """sqrt(nu / (nu - 2)) = 1.41 at nu 4: the pooled sigma must be near the sd planted, far from the scale .71 times as large."""
    ratio = np.sqrt((heavy.draws("sigma")[:, :, 0] ** 2).mean(axis=1)) / np.sqrt(np.mean(SIGMA**2))
    assert np.quantile(ratio, 0.05) < 1 < np.quantile(ratio, 0.95)
    assert np.quantile(ratio, 0.05) > np.sqrt((NU - 2) / NU)


def test_shocks_are_not_kept_and_cannot_be_drawn_afterwards(heavy):
    assert not {"shock_V", "shock_U", "z_nu"} & set(heavy.tree["posterior"].data_vars)
    with pytest.raises(UsageError, match="were sampled"):
        draw_shocks(heavy, seed=1)


def test_student_t_is_no_headline_below_600_effective_decisions(heavy):
    """400 decisions each: refused without a test, and no estimate in any row."""
    result = evaluate(heavy)
    assert result.status == "WITHHOLD"
    assert "E-SKEW" in {c["code"] for c in result.codes}
    assert all(r["ir_annual_mean"] is None for r in result.rows)


def with_nu(heavy, nu):
    """The same draws with other degrees of freedom."""
    tree = heavy.tree.copy()
    posterior = tree["posterior"].to_dataset()
    tree["posterior"] = type(tree)(posterior.assign(nu=posterior["nu"] * 0 + nu))
    return dataclasses.replace(heavy, tree=tree)


def test_without_a_standard_deviation_rows_say_mean_and_median(desk, heavy):
    result = evaluate(with_nu(heavy, 2.8))
    y = desk[0].y[desk[0].trader == 0]
    row = next(r for r in result.rows if r["trader"] == "T00")
    assert "E-TAIL" in {c["code"] for c in result.codes}
    assert f"mean outcome {y.mean():+.3g}, median {np.median(y):+.3g}" in row["reasons"]
    assert row["ir_decision_mean"] is None
    assert row["raw_mean"] == pytest.approx(y.mean())


def one_session(seed, rows=(3, 5)):
    """A session of two traders with heavy residuals, and one draw of the globals."""
    rng = np.random.default_rng(seed)
    trader = np.repeat([0, 1], rows)
    y = 0.4 + 0.6 * rng.standard_t(3, len(trader))
    return make(y, trader, np.zeros(len(y), dtype=int), traders=2, days=1)


def test_density_of_a_session_is_the_integral_over_its_shocks():
    """Laplace's method against quadrature in V and, inside, in each U: within .05 nats, and the difference of two draws within .03."""
    evidence, found = one_session(5), []
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()
    for s_u, s_v, sigma, nu in ((0.3, 0.4, 0.8, 4.0), (0.5, 0.2, 0.9, 6.0), (0.3, 0.3, 0.7, 10.0)):
        scale = sigma * np.sqrt((nu - 2) / nu)
        per_v = np.ones(len(nodes))
        for j in range(2):
            y = evidence.y[evidence.trader == j]
            location = s_v * nodes[:, None] + s_u * nodes  # shape: (V node, U node)
            like = stats.t.pdf(y[:, None, None], nu, location, scale).prod(axis=0)
            per_v *= like @ weights
        exact = np.log(per_v @ weights)
        globals_ = (
            evidence.trader,
            np.zeros((1, 2)),
            np.full((1, 2, 1), sigma),
            np.full((1, 2), s_u),
            np.array([s_v]),
            np.array([nu]),
        )
        found.append(heavy_session_log_likelihood(evidence, *globals_)[1][0, 0] - exact)
    assert np.max(np.abs(found)) < 0.05
    assert np.ptp(found) < 0.03


def test_density_of_normal_tails_is_that_of_the_cells(desk, heavy):
    """With nu of 1e8 the answer of `components.cells` comes out."""
    few = parameters(heavy)[:20]
    _, density = heavy_session_log_likelihood(desk[0], desk[0].trader, few.theta, few.sigma, few.s_u, few.s_v, np.full(20, 1e8))
    plain = dataclasses.replace(
        heavy, tree=type(heavy.tree).from_dict({"posterior": heavy.tree["posterior"].to_dataset().drop_vars("nu")})
    )
    np.testing.assert_allclose(density, session_log_likelihood(plain)[1][:20], atol=2e-3)


@pytest.fixture(scope="module")
def large():
    """24,000 rows of 3 traders without shocks."""
    rng = np.random.default_rng(8)
    trader, session, _ = (c.ravel() for c in np.indices((3, 100, 80)))
    y = np.array([0.0, 0.03, -0.02])[trader] + 0.8 * np.sqrt(0.5) * rng.standard_t(NU, len(trader))
    return make(y, trader, session, traders=3, days=100)


def test_bins_stand_for_rows_and_the_error_is_measured(large):
    """192 bins at most for 24,000 rows; the fit says how wrong they are."""
    spec = read_spec("heavy_scale")
    luck = msgspec.structs.replace(spec.luck, shocks=(), trader_session_scale=None)
    gone = ("session_sd", "trader_session_log_sd", "trader_session_log_sd_spread")
    spec = msgspec.structs.replace(
        spec, name="heavy_plain", luck=luck, priors={k: v for k, v in spec.priors.items() if k not in gone}
    )
    result = fit(spec, large, seed=4, draws=500, tune=500)
    assert f"{len(histogram(large, large.trader).n)} bins for 24000 rows" in result.diagnostics.reruns[0]
    assert "limit 0.05" in result.diagnostics.reruns[0]
    assert np.quantile(result.draws("nu"), 0.05) <= NU <= np.quantile(result.draws("nu"), 0.95)


def points(rng, large, count=20):
    theta = rng.normal(0, 0.01, (count, 3))
    return theta, 0.8 * np.exp(rng.normal(0, 0.01, (count, 3, 1))), NU + rng.normal(0, 0.2, count)


def test_second_order_term_is_what_makes_bins_accurate(large):
    """64 bins keep the error within the limit; without the term, or with 8 bins, it is over it."""
    at = points(np.random.default_rng(1), large)
    fine = histogram(large, large.trader)
    assert log_likelihood_error(lay_out_rows(large, large.trader), fine, *at).std(ddof=1) <= ERROR_LIMIT
    assert log_likelihood_error(lay_out_rows(large, large.trader), fine._replace(ss=0 * fine.ss), *at).std(ddof=1) > ERROR_LIMIT
    assert (
        log_likelihood_error(lay_out_rows(large, large.trader), histogram(large, large.trader, bins=8), *at).std(ddof=1)
        > ERROR_LIMIT
    )
