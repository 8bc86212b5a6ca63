"""Pieces of the studies that need no fit: verdicts, grids, directions, desks, words of limits."""

import numpy as np
import pandas as pd
import pytest

from skillstats.errors import UsageError
from skillstats.spec import read_spec
from skillstats.spec.check import spec_problems
from skillstats.study import agreement, dependence, misspecification, misspecified_models, mutants, nulls
from skillstats.study.contraction import contraction_table
from skillstats.study.coverage import coverage_table, grid
from skillstats.study.designs import BALANCED
from skillstats.study.replicate import COLUMNS, FAILED, Job
from skillstats.study.sbc import Verdict, assess, defects

N = 1000


def calibrated(seed, width=1.0, bias=0.0, design="grid-250-alone-6"):
    """Rows of a study whose posterior is Normal(truth + error, 1), `width` times its right sd and off by `bias`."""
    rng = np.random.default_rng(seed)
    truth, mean = rng.normal(0, 2, N), None
    mean = truth + rng.standard_normal(N)  # flat prior, unit error: the posterior is Normal(mean, 1)
    z = (truth - mean - bias) / width
    from scipy.stats import norm

    below = norm.cdf(z)
    rank = rng.binomial(99, below)
    return pd.DataFrame(
        {
            "study": "s", "model": "m", "design": design, "replicate": np.arange(N), "quantity": "theta", "rank": rank, "below": below,
            "truth": truth, "mean": mean + bias, "sd": width, "ess": 400.0, "reason": "",
        },
        columns=list(COLUMNS),
    )  # fmt: skip


def both(rows):
    return pd.concat([rows, rows.assign(quantity="ir_dec")])


def test_a_right_posterior_passes_ranks_coverage_and_z_scores():
    rows = both(calibrated(1))
    assert assess(rows, release=True).ok
    assert coverage_table(rows)["ok"].all()
    table = contraction_table(rows)
    assert table["ok"].all()
    np.testing.assert_allclose(table["contraction"], 1 - 1 / 4, atol=0.05)  # 1 - var_post / var_prior = 1 - 1/4


@pytest.mark.parametrize(("width", "bias", "covers"), [(0.8, 0.0, False), (1.0, 0.3, True)])
def test_a_wrong_posterior_fails(width, bias, covers):
    # a bias of .3 costs 90% intervals two points of coverage only: ranks and z-scores see it, the coverage grid does not
    rows = both(calibrated(2, width, bias))
    assert assess(rows, release=True).alarms == ("theta", "ir_dec")
    assert coverage_table(rows)["ok"].all() == covers
    assert not contraction_table(rows)["ok"].any()


def test_failed_replicates_count_as_not_covered():
    rows = both(calibrated(1))
    failed = pd.DataFrame(
        [
            {**dict.fromkeys(COLUMNS, 0), "model": "m", "design": "grid-250-alone-6", "replicate": N + i, "quantity": FAILED}
            for i in range(200)
        ]
    )
    table = coverage_table(pd.concat([rows, failed]))
    assert (table["n"] == N + 200).all()
    row = table[(table["quantity"] == "theta") & (table["level"] == 0.9)].iloc[0]
    assert row["coverage"] == pytest.approx(np.mean(np.abs(rows["below"][:N] - 0.5) < 0.45) * N / (N + 200)) and not row["ok"]


def test_a_defect_needs_the_same_quantity_twice():
    def verdict(*alarms, failed=0.0):
        names = ("theta", "gap")
        return Verdict(pd.DataFrame({"quantity": names, "alarm": [n in alarms for n in names]}), 100, failed)

    assert defects(verdict("theta"), None) == ()
    assert defects(verdict("theta"), verdict("gap")) == ()
    assert defects(verdict("theta", "gap"), verdict("gap")) == ("gap",)
    assert defects(verdict(failed=0.02), verdict(failed=0.03)) == (FAILED,)


def test_the_grid_has_the_twelve_cells_of_the_specification():
    cells = grid()
    assert len({c.name for c in cells}) == 12
    assert {(c.sessions * c.rows, c.traders) for c in cells} == {(n, j) for n in (50, 250, 1000) for j in (6, 30)}
    assert {c.name for c in grid(small=True)} < {c.name for c in cells}


def test_directions_are_what_the_scenarios_say():
    rng = np.random.default_rng(3)

    def faces(letter, *, lone=False):
        return dependence.directions(dependence.Scenario(letter, 0.0, lone), rng)

    a, b, c, d = (faces(x) for x in "ABCD")
    assert np.all(np.ptp(a, axis=2) == 0) and np.ptp(a[:, 0, 0]) > 0
    assert np.all(np.ptp(b, axis=(0, 2)) == 0) and np.ptp(b[0, :, 0]) > 0
    assert abs(c.mean()) < 0.05 and np.all(np.ptp(c, axis=2) > 0)
    assert np.all(d == 1)
    for letter in "ABD":
        lone = faces(letter, lone=True)
        assert np.all(np.ptp(lone[0], axis=1) == 0) and np.all(lone[1:].sum(axis=2) == 0)
    lone = faces("C", lone=True)
    assert np.all(np.ptp(lone[0], axis=1) == 0) and np.all(np.ptp(lone[1:], axis=2) > 0)


def test_outcomes_of_the_dependence_desk_have_the_variances_of_its_equation():
    # e and U have variance .6 + .1; the factor's part E[beta^2] * .3 = (1 + .16/3) * .3 for t4 scaled to unit variance
    rng = np.random.default_rng(4)
    rest, factor = [], []
    for _ in range(150):
        theta, y, x, returns = dependence.desk(dependence.SCENARIOS["B-0.05-all"], rng)
        shared = x * returns[None, :, None]
        r = y - shared - theta[:, None, None]
        rest.append(np.var(r))
        factor.append(np.mean(shared**2))
    assert abs(np.mean(rest) - 0.7) < 5 * np.std(rest) / np.sqrt(150)
    assert np.mean(factor) == pytest.approx(0.3 * (1 + 0.16 / 3), rel=0.15)  # a t4 square has no variance: a loose limit


def test_the_naive_interval_covers_as_the_design_measured():
    # 160 desks of scenario A at zero skill: .416 in the specification's table, s.e. about .02
    rng = np.random.default_rng(1)
    found = []
    for _ in range(160):
        theta, y, _, _ = dependence.desk(dependence.SCENARIOS["A-0.00-all"], rng)
        found += [abs(r["below"] - 0.5) < 0.45 for r in dependence.naive_rows(y, theta)]
    assert 0.34 < np.mean(found) < 0.50


def test_the_specifications_of_the_studies_are_complete():
    total, selection, dynamic = (read_spec(n) for n in ("crossed_total", "crossed_selection", "dynamic"))
    table = dependence.table_spec(total)
    rng = np.random.default_rng(0)
    exposure = misspecified_models.reduced(
        selection, misspecified_models.per_decision(0.05, 0.1), shocks=("session", "trader:session", "session:exposure")
    )
    drifting = misspecified_models.reduced(dynamic, misspecified_models.per_decision(0.05, 0.05), shocks=())
    spoilt = [m.spec(read_spec("day_pooled"), rng) for m in mutants.MUTANTS.values()]
    plain = misspecification.mixture_spec(read_spec("day_pooled"))
    for spec in (table, dependence.without_session(table), exposure, drifting, plain, *spoilt):
        assert list(spec_problems(spec)) == []


def test_at_least_a_dozen_mutants_are_planted():
    assert len(mutants.MUTANTS) >= 12


def test_skilled_traders_have_an_annual_ir_of_three():
    # day totals of a skilled trader: mean m theta, sd sqrt(m^2 (s_V^2 + s_U^2) + m sigma^2), times sqrt(252)
    design = nulls.DESIGNS["skilled"]
    rng = np.random.default_rng(5)
    desks = [nulls.null_desk(design, rng) for _ in range(60)]
    totals = np.concatenate([np.bincount(e.session[e.trader == 0], weights=e.y[e.trader == 0]) for e in desks])
    ratio = totals.mean() / totals.std() * np.sqrt(252)
    assert abs(ratio - 3.0) < 5 * np.sqrt(252 / len(totals))
    assert nulls.skill_of(nulls.DESIGNS["null"]).max() == 0


def test_t_tests_of_twenty_traders_without_skill_flag_two_desks_in_three():
    # 1 - .95^20 = .64 if traders were independent; the shock they share takes some of it away
    design = nulls.DESIGNS["best20"]
    rng = np.random.default_rng(6)
    flags = [nulls.raw_facts(nulls.null_desk(design, rng))["raw_flags"] > 0 for _ in range(100)]
    assert 0.3 < np.mean(flags) < 0.8


def test_designs_without_many_regimes_stay_as_declared():
    assert BALANCED.traders * BALANCED.sessions * BALANCED.rows == 900


def agreed(shift, probability, *, release=True, model="day_pooled"):
    return pd.DataFrame(
        {
            "model": model, "replicate": range(4), "release": release, "targets": [6, 6, 6, 18], "shift_rms": shift,
            "shift_max": 0.05, "error": 0.01, "probability_max": probability,
        }
    )  # fmt: skip


def test_engines_agree_within_two_hundredths_of_a_sd():
    table = agreement.agreement_table(pd.concat([agreed(0.012, 0.011), agreed(0.021, 0.011, model="crossed_total")]))
    assert table["ok"].tolist() == [True, False] and table["limit"].tolist() == [0.02, 0.02]
    assert table["worlds"].tolist() == [4, 4] and table["targets"].tolist() == [36, 36]
    assert table["gibbs"].iloc[0] == "4 x 10,000 after 1,000" and table["nuts"].iloc[0] == "4 x 5,000 after 1,000"
    assert not agreement.agreement_table(agreed(0.012, 0.021))["ok"].item()


def test_short_runs_of_both_engines_are_allowed_their_monte_carlo_error():
    table = agreement.agreement_table(agreed([0.03, 0.03, 0.03, 0.04], 0.05, release=False))
    # weights are numbers of targets: sqrt((18 x .03^2 + 18 x .04^2) / 36)
    assert table["shift_rms"].item() == pytest.approx(np.sqrt((0.03**2 + 0.04**2) / 2))
    assert table["limit"].item() == pytest.approx(0.04) and table["ok"].item()


@pytest.mark.slow
def test_both_engines_on_one_world():
    row = agreement.run_agreement(Job("engines", read_spec("day_pooled"), BALANCED, "gibbs", 3), 0).iloc[0]
    assert row["targets"] >= BALANCED.traders and row["shift_rms"] <= 0.02 + 2 * row["error"] < 0.2


def test_engines_are_not_compared_where_gibbs_covers_nothing():
    with pytest.raises(UsageError, match="engine gibbs does not cover hybrid_timing"):
        agreement.run_agreement(Job("engines", read_spec("hybrid_timing"), BALANCED, "gibbs", 3), 0)
