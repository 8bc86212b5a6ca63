"""Power and type S/M against the tables of the statistical specification and against brute force."""

import math

import numpy as np
import pytest
from scipy import stats

import skillstats as ss
from skillstats.errors import DomainError
from skillstats.luck import power_of, type_errors

TABLE = [
    # IR, .90 flat, .90 tau0 .05, .90 tau0 .10, .95 tau0 .10   (STATISTICS section 6, hurdle 0)
    (0.02, 11_270, 11_505, 11_330, 15_522),
    (0.05, 1_803, 2_015, 1_861, 2_537),
    (0.10, 451, 618, 504, 678),
    (0.20, 113, 223, 155, 203),
]


@pytest.mark.parametrize(("ir", "flat", "tight", "wide", "surer"), TABLE)
def test_decisions_needed_reproduces_the_published_table(ir, flat, tight, wide, surer):
    """On a breadth of 1 the annual figures are the figures per decision; the table prints whole decisions."""
    for expected, prior, certainty in ((flat, math.inf, 0.9), (tight, 0.05, 0.9), (wide, 0.10, 0.9), (surer, 0.10, 0.95)):
        n = ss.decisions_needed(annual_ir=ir, breadth=1, hurdle=0, prior_sd=prior, certainty=certainty)
        assert n == pytest.approx(expected, abs=0.51)


def test_breadth_only_changes_the_unit_of_time():
    """Years needed do not depend on how a year is cut into decisions."""
    years = [ss.decisions_needed(annual_ir=1.0, breadth=b) / b for b in (50, 586, 5000)]
    assert years == pytest.approx([years[0]] * 3, rel=1e-6)


def test_power_agrees_with_simulated_posteriors():
    """20,000 records of 900 decisions, hurdle .02, prior sd .06: share of posteriors over .90, within 4 standard errors."""
    rng, n, k = np.random.default_rng(3), 900, 0.06**-2
    mean = rng.normal(0.08, 1 / np.sqrt(n), 20_000)
    certain = stats.norm.sf(0.02, n * mean / (n + k), 1 / np.sqrt(n + k)) >= 0.90
    expected = power_of(n, ir=0.08, hurdle=0.02, prior_sd=0.06, certainty=0.90)
    assert certain.mean() == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / 20_000))


def test_an_ir_at_the_hurdle_is_never_certified():
    assert ss.decisions_needed(annual_ir=0.25, breadth=586) == math.inf
    with pytest.raises(DomainError, match="breadth=0"):
        ss.decisions_needed(annual_ir=1.0, breadth=0)


@pytest.mark.parametrize(("n", "sign", "exaggeration"), [(200, 0.05, 3.1), (50, 0.19, 5.9)])
def test_type_errors_reproduce_the_published_figures(n, sign, exaggeration):
    """True IR .05, claimed at P > .95 (STATISTICS sections 4 and 6)."""
    found = type_errors(0.05, n)
    assert round(found.sign, 2) == sign
    assert round(found.exaggeration, 1) == exaggeration


def test_type_errors_average_over_a_posterior_like_a_simulation():
    """Truth drawn from Normal(.03, .04), 300 effective decisions, two million repetitions; 4 Monte-Carlo errors."""
    rng = np.random.default_rng(7)
    truth = rng.normal(0.03, 0.04, 2_000_000)
    z = rng.normal(truth * np.sqrt(300), 1)
    claim = np.abs(z) > stats.norm.ppf(0.95)
    wrong = (np.sign(z) != np.sign(truth))[claim]
    found = type_errors(truth, 300.0)
    assert found.claim_rate == pytest.approx(claim.mean(), abs=4 * 0.5 / np.sqrt(len(z)))
    assert found.sign == pytest.approx(wrong.mean(), abs=4 * 0.5 / np.sqrt(claim.sum()))
    assert found.exaggeration == pytest.approx(np.abs(z[claim]).sum() / np.abs(truth[claim] * np.sqrt(300)).sum(), rel=0.005)


def test_a_trader_without_any_skill_exaggerates_without_limit():
    found = type_errors(0.0, 100)
    assert (found.sign, found.exaggeration) == (pytest.approx(0.5), math.inf)
