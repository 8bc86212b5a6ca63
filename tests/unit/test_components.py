"""Components: one function a word, a finite start, and structure that follows the kept terms."""

import hashlib

import numpy as np
import pymc as pm
import pytest

from skillstats.components import registry
from skillstats.components.cells import lay_out
from skillstats.components.priors import per_decision
from skillstats.components.volatility import log_sd_estimate
from skillstats.errors import UsageError
from skillstats.evidence import Evidence
from skillstats.inference.build import build_model
from skillstats.inference.diagnose import convergence_findings
from skillstats.inference.separable import Terms
from skillstats.inference.start import start_function
from skillstats.spec import list_specs, read_spec
from skillstats.spec.vocabulary import WORDS


def make_evidence(traders=4, sessions=6, rows=4, year=252.0):
    trader, session, row = (code.ravel() for code in np.indices((traders, sessions, rows)))
    y = np.random.default_rng(1).normal(0, 0.9, len(trader))
    names = {
        "trader": tuple(map(str, range(traders))),
        "session": tuple(map(str, range(sessions))),
        "regime": ("calm", "wild"),
        "action": ("x", "y"),
        "quarter": ("2025Q4", "2026Q1"),
        "desk": ("d1", "d2"),
    }
    # further labels, sizes and exposures without random numbers, so that outcomes stay what they were
    size, labels = 100.0 * (1 + row % 3), {"quarter": session // (sessions // 2 + 1), "desk": trader // 3}
    return Evidence(
        value_add=y * size, risk=size, y=y, trader=trader, session=session, regime=session % 2, action=row % 2, decision=np.arange(len(y)),
        coords=names, source="record", unit="USD", has_risk=True, scale=1.0, sessions_per_year=year, sessions_spanned=sessions, counts={}, context={},
        labels=labels, exposure=np.cos(np.arange(len(y))),
    )  # fmt: skip


def test_vocabulary_and_registry_hold_the_same_words():
    assert {place: set(words) for place, words in WORDS.items()} == {
        place: set(words) for place, words in registry.REGISTRY.items()
    }


def test_every_word_has_a_documented_builder():
    assert all(builder.__doc__ for words in registry.REGISTRY.values() for builder in words.values())


@pytest.mark.parametrize("name", [name for name in list_specs() if read_spec(name).family == "outcomes"])
def test_gradient_is_finite_at_the_start(name):
    model = build_model(read_spec(name), make_evidence(), bets_per_year=586.0)
    assert np.all(np.isfinite(model.compile_dlogp()(model.initial_point())))
    assert np.isfinite(model.compile_logp()(model.initial_point()))


def test_start_depends_on_the_seed_and_not_on_outcomes():
    spec = read_spec("crossed_total")
    one = start_function(build_model(spec, make_evidence(), bets_per_year=586.0))
    two = start_function(build_model(spec, make_evidence(rows=7), bets_per_year=50.0))
    np.testing.assert_array_equal(one(3), two(3))
    assert not np.array_equal(one(3), one(4))


def test_dropped_terms_leave_no_variable_behind():
    bare = Terms((), (), (), {})
    model = build_model(read_spec("crossed_total"), make_evidence(), bets_per_year=586.0, terms=bare)
    assert {rv.name for rv in model.free_RVs} == {"mu", "l0"}


def test_a_component_of_the_users_own_enters_the_mean():
    def tilt(model, evidence):
        return pm.Normal("tilt", 0, 0.1, dims="trader")[:, None, None]

    model = build_model(read_spec("day_pooled"), make_evidence(), bets_per_year=586.0, extra=tilt)
    assert "tilt" in {rv.name for rv in model.free_RVs}
    assert "theta" in model.named_vars


def test_annual_priors_need_a_year():
    assert per_decision(0.5, 100.0) == 0.05
    with pytest.raises(UsageError, match="crossed_outcomes"):
        build_model(read_spec("crossed_total"), make_evidence(), bets_per_year=None)
    build_model(read_spec("crossed_outcomes"), make_evidence(), bets_per_year=None)


def test_layout_counts_pairs_and_sessions_without_gaps():
    evidence = make_evidence(traders=3, sessions=5, rows=4)
    layout = lay_out(evidence.cells, 2)
    assert layout.n.sum() == len(evidence)
    assert (layout.pair.max() + 1, layout.pair_session.max() + 1) == (15, 5)
    np.testing.assert_array_equal(np.unique(layout.pair), np.arange(15))


def test_volatility_estimate_is_the_pooled_within_session_sd():
    evidence = make_evidence()
    estimate, error = log_sd_estimate(evidence.cells, 4)
    y = evidence.y.reshape(4, 6, 4)
    np.testing.assert_allclose(np.exp(estimate), np.sqrt(y.var(axis=2, ddof=1).mean(axis=1)))
    np.testing.assert_allclose(error, 1 / np.sqrt(2 * 18))


def test_components_digest_covers_the_sources():
    assert len(registry.components_digest()) == len(hashlib.sha256().hexdigest())


def test_a_component_may_leave_combinations_alone():
    """A user's component that adds 0 to some combinations has constants among its draws; a chain that stands still is another matter."""
    moving, labels, scopes = (
        np.random.default_rng(1).normal(size=(4, 500)),
        np.array(["one", "two"], object),
        np.array(["", ""], object),
    )
    still = np.stack([moving, np.zeros((4, 500))], axis=2)
    assert [f.code for f in convergence_findings("extra", still, labels, scopes)] == ["E-STUCK"]
    assert not convergence_findings("extra", still, labels, scopes, constants=True)
    one_chain = still.copy()
    one_chain[1:, :, 1] = moving[1:]
    assert [f.code for f in convergence_findings("extra", one_chain, labels, scopes, constants=True)] == ["E-STUCK"]
