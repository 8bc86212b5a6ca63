"""Published numbers of Sharpe-ratio inference (P10) and of PerformanceAnalytics (P09), reproduced."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from skillstats.attribution.errors_of_days import alpha_of, return_based_timing
from skillstats.attribution.measures import volatility
from skillstats.luck import multiplicity, sharpe


@pytest.fixture(scope="module")
def constants(cases: Path) -> dict[str, Any]:
    return json.loads((cases / "P10_sharpe_inference_constants" / "expected.json").read_text())


@pytest.fixture(scope="module")
def managers(cases: Path) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    folder = cases / "P09_managers_performanceanalytics"
    frames = [pd.read_csv(folder / name, index_col=0) for name in ("managers.csv", "edhec.csv")]
    return frames[0], frames[1], json.loads((folder / "expected.json").read_text())


def test_probabilistic_sharpe_of_the_paper(constants):
    for case, exact in zip(constants["psr"], constants["psr_exact"], strict=True):
        found = sharpe.probabilistic_sharpe(case["sr"], case["n"], skew=case["skew"], kurtosis=case["kurt"])
        assert float(found) == pytest.approx(exact, rel=1e-12) and round(float(found), 3) == case["psr0"]


def test_error_and_track_record_of_two_hedge_fund_indexes(constants):
    for case in constants["sr_se"]:
        shape = {"skew": case["skew"], "kurtosis": case["kurt"]}
        assert round(float(sharpe.sharpe_error(case["sr"], case["n"], **shape)), 4) == case["se"]
        assert round(float(sharpe.minimum_track_record(case["sr"], **shape)) / 12, 4) == case["minTRL_years"]


def test_deflated_sharpe_of_the_paper(constants):
    first, second, third = constants["dsr"]
    daily = first["SR_ann"] / 250**0.5
    given = {"n": first["T"], "variance": first["V_ann"] / 250}
    shape = {"skew": first["skew"], "kurtosis": first["kurt"]}
    for case, form in ((first, shape), (second, shape), (third, {})):
        found = sharpe.deflated_sharpe(daily, trials=case["N"], **given, **form)
        assert float(found) == pytest.approx(case["dsr"], rel=1e-9)
        if "SR0_daily" in case:
            assert float(sharpe.expected_maximum(case["N"], given["variance"])) == pytest.approx(case["SR0_daily"], rel=1e-9)


def test_lo_table(constants):
    for ratio, row in constants["lo2002_iid_se"].items():
        for n, error in row.items():
            assert float(sharpe.sharpe_error(float(ratio), int(n), ddof=0)) == pytest.approx(error, abs=5.1e-5)


def test_the_returns_of_a_test_file_without_the_file(constants):
    """The file itself is not at hand: its PSR and track record must follow from its ratio, its error and 50 periods."""
    case = constants["returns_test_file"]
    gap = case["SR"] - 0.05
    assert stats.norm.cdf(gap / case["SR_sd"]) == pytest.approx(case["PSR_vs_0_05"], rel=1e-9)
    v = case["SR_sd"] ** 2 * 49
    kurtosis = 1 + 4 * (v - 1) / case["SR"] ** 2
    found = sharpe.minimum_track_record(case["SR"], benchmark=0.05, kurtosis=kurtosis, certainty=0.9)
    assert float(found) == pytest.approx(case["minTRL_90_vs_0_05"], rel=1e-9)


def test_psr_and_track_record_of_performanceanalytics(managers):
    """That package leaves kurtosis out of PSR and MinTRL by default, so 3 is given here; the bar is .1 a month.

    It also counts the months in which a manager has no return (HAM2 has 125 of 132, HAM6 64), so 132 is given where it prints PSR.
    """
    frame, _, expected = managers
    for name in ("HAM1", "HAM2", "HAM3", "HAM4", "HAM6"):
        x = frame[name].dropna().to_numpy()
        shape = {"skew": stats.skew(x), "kurtosis": 3.0}
        ratio = x.mean() / x.std(ddof=1)
        p, low, middle, high = expected["psr"][name]
        assert float(sharpe.probabilistic_sharpe(ratio, len(frame), benchmark=0.1, **shape)) == pytest.approx(p, abs=1e-9)
        reach = stats.norm.ppf(0.95) * float(sharpe.sharpe_error(ratio, len(frame), **shape))
        assert [ratio - reach, ratio, ratio + reach] == pytest.approx([low, middle, high], abs=5.1e-5)
        needed = float(sharpe.minimum_track_record(ratio, benchmark=0.1, **shape))
        assert needed == pytest.approx(expected["mintrl"][name]["min_TRL"], rel=1e-9)
        assert stats.skew(x) == pytest.approx(expected["skew"]["Skewness"][name], rel=1e-9)
        # headed "excess", yet 3 for a normal
        assert stats.kurtosis(x) + 3 == pytest.approx(expected["kurt"]["Excess Kurtosis"][name], rel=1e-9)
        assert np.mean(x > 0) == pytest.approx(expected["hit"][name], abs=0.005)
    x = frame["HAM5"].dropna().to_numpy()
    assert x.mean() / x.std(ddof=1) < 0.1  # the case where that package stops with an error
    assert np.isinf(float(sharpe.minimum_track_record(x.mean() / x.std(ddof=1), benchmark=0.1)))


def test_what_that_package_calls_the_error_after_lo_is_the_plain_ratio(managers):
    """`se.LoSharpe` of PerformanceAnalytics 2.1.0 returns mean / sd, no standard error; ours is larger where months follow on from each other."""
    _, edhec, expected = managers
    plain = (edhec.mean() / edhec.std(ddof=1)).to_numpy()
    assert plain == pytest.approx(np.array(expected["se_lo"][0]), rel=1e-9)
    smooth = edhec["Convertible Arbitrage"].to_numpy()
    ratio = smooth.mean() / smooth.std(ddof=1)
    iid = sharpe.sharpe_error(ratio, len(smooth), skew=stats.skew(smooth), kurtosis=stats.kurtosis(smooth) + 3)
    assert sharpe.autocorrelated_error(smooth) > 1.15 * float(iid)


def test_lucky_shares_of_the_hedge_fund_indexes_by_hand(managers):
    """No published share belongs to these data; the method is checked against its own definition, step by step."""
    _, edhec, _ = managers
    excess = edhec.drop(columns="Funds of Funds").sub(edhec["Funds of Funds"], axis=0)
    t, p = stats.ttest_1samp(excess, 0.0)
    found = multiplicity.lucky_shares(p, t, gamma=0.2, tail=0.5)
    zero = min(1.0, sum(v > 0.5 for v in p) / (0.5 * len(p)))
    up = sum(v <= 0.2 and s > 0 for v, s in zip(p, t, strict=True)) / len(p)
    assert (found.zero, found.positive, found.lucky, found.skilled) == pytest.approx((zero, up, zero * 0.1, up - zero * 0.1))


@pytest.mark.parametrize(
    ("zero", "skilled", "unskilled"),
    [(0.754, 0.006, 0.240), (0.6412, 0.0268, 0.3320)],
    ids=["mutual funds, Barras, Scaillet and Wermers 2010", "hedge funds 1999-2012, Malladi"],
)
def test_published_luck_shares_come_back_from_a_population_that_has_them(zero, skilled, unskilled):
    """The funds' returns behind the published shares are not public; a population with those shares, whose skilled and unskilled funds are plain to
    see, must give them back, and pi0 gamma / 2 of all funds must come out as lucky: 7.5% of the mutual and 6.4% of the hedge funds at 20%."""
    rng = np.random.default_rng(1)
    kind = rng.random(40_000)
    t = rng.standard_normal(40_000) + np.where(kind < zero, 0.0, np.where(kind < zero + skilled, 4.0, -4.0))
    found = multiplicity.lucky_shares(2 * stats.norm.sf(abs(t)), t, gamma=0.2, tail=0.6)
    # standard errors: pi0 .006 from the funds beyond .6, shares about .002
    assert found.zero == pytest.approx(zero, abs=0.012) and found.lucky == pytest.approx(zero * 0.1, abs=0.0015)
    assert found.skilled == pytest.approx(skilled, abs=0.006) and found.unskilled == pytest.approx(unskilled, abs=0.009)


def test_tracking_error_and_monthly_ratio_of_the_published_managers(managers):
    """Tracking error: the sd of the differences a year; the ratio of the excess over cash. Its *information ratio* divides a geometric premium, which
    this package does not compute: ours is the arithmetic mean over the sd of the same differences."""
    frame, _, expected = managers
    for name in (f"HAM{k}" for k in range(1, 7)):
        both = frame[[name, "SP500 TR"]].dropna()
        error = float(volatility((both[name] - both["SP500 TR"]).to_numpy())) * np.sqrt(12)
        assert error == pytest.approx(expected["TrackingError"]["Tracking Error: SP500 TR"][name], rel=1e-9)
        premium = expected["ActivePremium"]["Active Premium: SP500 TR"][name]
        assert premium / error == pytest.approx(expected["InformationRatio"]["Information Ratio: SP500 TR"][name], rel=1e-9)
        cash = (frame[name] - frame["US 3m TR"]).dropna()
        ratio = cash.mean() / float(volatility(cash.to_numpy()))
        assert ratio == pytest.approx(expected["Sharpe_StdDev_rf"]["Sharpe Ratio (Rf=0.3%, p=95%):"][name], rel=1e-9)


def excess(managers, name):
    frame = managers[0][[name, "SP500 TR", "US 3m TR"]].dropna()
    return (frame[name] - frame["US 3m TR"]).to_numpy(), (frame["SP500 TR"] - frame["US 3m TR"]).to_numpy()[:, None]


@pytest.mark.parametrize("name", [f"HAM{k}" for k in range(1, 7)])
def test_return_based_timing_of_the_published_managers(managers, name):
    expected = managers[2]
    rows = return_based_timing(*excess(managers, name), ["SP500"])
    gammas = {row["method"]: row["gamma"] for row in rows}
    assert gammas["Treynor-Mazuy"] == pytest.approx(expected["TM"][name]["Gamma"], rel=1e-6)
    assert gammas["Henriksson-Merton"] == pytest.approx(expected["HM"][name]["Gamma"], rel=1e-6)


@pytest.mark.parametrize("name", [f"HAM{k}" for k in range(1, 7)])
def test_alpha_and_beta_of_the_published_managers(managers, name):
    value, factor = excess(managers, name)
    found = alpha_of(value, factor)
    assert found["alpha"] == pytest.approx(managers[2]["alpha"][name], rel=1e-6)
    assert found["betas"] == pytest.approx([managers[2]["beta"][name]], rel=1e-6)
