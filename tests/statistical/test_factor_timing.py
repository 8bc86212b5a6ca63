"""What timing tests find where there is none, a planted timing coefficient, and what one good day says about skill."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
from factor_desk import Tables, closes, just_after

import skillstats as ss
from skillstats.attribution.errors_of_days import RETURN_BASED, alpha_of, return_based_timing, sum_interval
from skillstats.evaluation.estimands import estimate, targets
from skillstats.evaluation.posterior import posterior_draws
from skillstats.evaluation.rows import judged_ir
from skillstats.study.timing import ARMS, rejection_rates, timing_table


@pytest.mark.parametrize("sessions", [60, 250])
def test_false_alarms_of_timing_tests(sessions: int) -> None:
    """Bands of four Monte-Carlo errors around the published rates: exposures 5%, Treynor-Mazuy 16-18%, Henriksson-Merton 10-12%."""
    rates = rejection_rates("no skill", sessions, 1_000, seed=11)
    assert 0.022 < rates["exposure timing"] < 0.078
    assert 0.11 < rates["Treynor-Mazuy"] < 0.23 and 0.06 < rates["Henriksson-Merton"] < 0.165


def test_a_convex_payoff_passes_for_timing_in_returns_and_not_in_exposures() -> None:
    few, many = (rejection_rates("convex payoff, no timing", n, 500, seed=12) for n in (60, 250))
    assert 0.60 < few["Treynor-Mazuy"] < 0.75 and many["Treynor-Mazuy"] > 0.96
    assert max(few["exposure timing"], many["exposure timing"]) < 0.09


def test_real_timing_is_found_and_a_lean_is_not_taken_for_it() -> None:
    table = timing_table(300, seed=13, sessions=(250,)).set_index("arm")["exposure timing"]
    assert table["timer, corr .30"] > 0.95 and 0.6 < table["timer, corr .15"] < 0.84
    assert table["always same side, factor drifts +.10"] < 0.12 and list(table.index) == list(ARMS)


def test_a_planted_henriksson_merton_coefficient_is_recovered_with_its_sign() -> None:
    rng = np.random.default_rng(3)
    factor = rng.normal(0, 1, 400)
    value = 0.1 + 0.2 * factor + 0.6 * np.maximum(factor, 0) + rng.normal(0, 0.8, 400)
    rows = {r["method"]: r for r in return_based_timing(value, factor[:, None], ["market"])}
    found = rows["Henriksson-Merton"]
    assert found["gamma"] == pytest.approx(0.6, abs=3 * found["se"]) and found["gamma"] > 0.3 and found["p"] < 0.01
    assert {r["label"] for r in rows.values()} == {RETURN_BASED}


def test_alpha_of_the_difference_book_and_its_two_errors() -> None:
    """Independent days: both errors are near sd / sqrt(n), and the interval takes the larger."""
    rng = np.random.default_rng(4)
    factor = rng.normal(0, 0.01, (252, 2))
    found = alpha_of(50 + factor @ [1e5, -2e4] + rng.normal(0, 300, 252), factor)
    assert found is not None and found["lags"] == 4
    assert found["se_day_clustered"] == pytest.approx(300 / np.sqrt(252), rel=0.15) == pytest.approx(found["se_hac"], rel=0.4)
    half = (found["alpha_q95"] - found["alpha_q05"]) / 2
    assert half == pytest.approx(1.651 * max(found["se_hac"], found["se_day_clustered"]), rel=1e-3)
    assert found["betas"] == pytest.approx([1e5, -2e4], abs=1.5e4) and found["alpha_q05"] < 50 < found["alpha_q95"]
    assert alpha_of(np.zeros(252), factor) is None and alpha_of(factor[:20, 0], factor[:20]) is None


def test_day_intervals_hold_the_truth_nine_times_in_ten() -> None:
    """A trader active on a third of 120 sessions, with tails: coverage of the mean of the process, 1,500 repetitions, error .008."""
    rng, hits = np.random.default_rng(5), 0
    for _ in range(1_500):
        values = np.where(rng.random(120) < 1 / 3, 1.0 + rng.standard_t(5, 120), 0.0)
        low, high = sum_interval(values) or (0.0, 0.0)
        hits += low <= 120 / 3 <= high
    assert 0.868 < hits / 1_500 < 0.932


def sell_off_with_a_past() -> Tables:
    """Ten BUYs of 100,000 vetoed at once after 30 quiet sessions: market -3%, names -4.5%, a day of about +3 sd."""
    stamps, desk, rng = closes("2025-01-02", 32), Tables(), np.random.default_rng(3)
    for n in range(10):
        for k in range(31):
            desk.add("prices", f"N{n}", stamps[k], f"{50 * (1 + (k < 30) * rng.normal(0, 0.0148)):.6f}")
        desk.add("prices", f"N{n}", stamps[31], "47.75")
        desk.add("exposures", f"N{n}", "market", stamps[0], "1.2")
        desk.add("signals", f"S{n}", just_after(stamps[30]), "mean_reversion", f"N{n}", "BUY", "2000")
        desk.add("actions", f"V{n}", f"S{n}", just_after(stamps[30]), "T1", "VETO", "", "blanket")
    desk.add("factors", "market", stamps[31], "-0.03")
    return desk


@pytest.mark.slow
def test_one_good_day_is_no_skill() -> None:
    """The posterior of the vetoer's IR stays at or under .70 above zero, under the shipped prior; the cell itself is withheld."""
    ledger = sell_off_with_a_past().ledger()
    evidence, parts = ss.to_evidence(ledger), ss.attribute(ledger).traders.iloc[0]
    assert len(evidence) == 1 and evidence.y[0] == pytest.approx(3.0, abs=0.1)
    assert parts[["value_add", "timing", "tilt"]].tolist() == pytest.approx([45_000, 36_000, 0])
    assert parts["selection"] == pytest.approx(9_000)
    # the closed form of the same story: IR ~ Normal(0, 0.1), one day at +3 sd
    closed = norm.cdf(3 * 0.1**2 / (1 + 0.1**2) / np.sqrt(0.1**2 / (1 + 0.1**2)))
    fit = ss.fit("crossed_total", evidence, seed=1, engine="gibbs", draws=1_000, tune=500, chains=2)
    made = estimate(posterior_draws(fit), evidence, targets(evidence)[0], np.zeros(2_000))
    positive = float(np.mean(judged_ir(made, evidence.has_year) > 0))
    assert 0.5 < positive <= 0.70 and closed == pytest.approx(0.62, abs=0.005)
    (row,) = [r for r in ss.evaluate(fit, ledger.plan).rows if r["regime"] == "all"]
    assert row["status"] == "WITHHOLD" and row["ir_annual_mean"] is None
