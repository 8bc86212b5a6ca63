"""Statuses, withheld numbers and files of an evaluation, on fits made of chosen draws."""

import dataclasses
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from synthetic import make_evidence, make_fit

from skillstats.errors import Mismatch, UsageError
from skillstats.evaluation import SKILL_COLUMNS, evaluate
from skillstats.evaluation.estimands import estimate, sizing_term, targets, value_add_draws
from skillstats.evaluation.influence import leave_one_day_out
from skillstats.evaluation.posterior import posterior_draws
from skillstats.evaluation.result import ESTIMAND_COLUMNS
from skillstats.evaluation.sensitivity import prior_sensitivity
from skillstats.evaluation.status import floors_in_force
from skillstats.evaluation.verify import verify
from skillstats.evaluation.write import evaluation_json, read_evaluation, write_evaluation
from skillstats.inference.diagnose import Finding
from skillstats.plan import parse_plan
from skillstats.spec import read_spec


@pytest.fixture(autouse=True)
def no_refits(monkeypatch):
    """Units do not sample: where reweighting is not trusted the refit counts as failed."""
    monkeypatch.setattr(sys.modules["skillstats.evaluation.evaluate"], "refit_ir", lambda *a, **k: None)


def own(result, trader, regime="all"):
    return next(r for r in result.rows if r["trader"] == trader and r["regime"] == regime)


def codes(row):
    return {c["code"] for c in row["codes"]}


def test_ir_per_decision_by_hand():
    """IR_dec = mean / sqrt(sigma^2 + s_U^2 + s_V^2) draw by draw when every effect but the trader's is nil."""
    evidence = make_evidence()
    fit = make_fit(evidence, np.array([0.1, 0.0, -0.1]))
    draws = posterior_draws(fit)
    found = estimate(draws, evidence, targets(evidence)[0], np.zeros(2000))
    mean = fit.draws("mu") + fit.draws("a")[:, 0]
    variance = (fit.draws("sigma")[:, 0] ** 2).mean(axis=1) + fit.draws("s_U")[:, 0] ** 2 + fit.draws("s_V") ** 2
    np.testing.assert_allclose(found.ir_decision, mean / np.sqrt(variance), rtol=1e-12)


def test_annual_ir_never_multiplies_by_the_root_of_decisions():
    """20 decisions a day, correlation .4, IR .05: 1.2 a year and not 3.5 (STATISTICS section 1)."""
    evidence = make_evidence(traders=1, sessions=252, per_day=20, coords={**make_evidence(1, 252).coords})
    fit = make_fit(evidence, np.array([0.05]), sd=0.0)
    draws = posterior_draws(fit)
    shock, residual = np.sqrt(0.4), np.sqrt(0.6)
    fixed = replace(
        draws,
        theta=np.full_like(draws.theta, 0.05),
        sigma=np.full_like(draws.sigma, residual),
        desk_day=np.zeros_like(draws.desk_day),
        trader_day=np.full_like(draws.trader_day, shock),
    )
    found = estimate(fixed, evidence, targets(evidence)[0], np.zeros(2000))
    assert found.ir_annual is not None
    assert found.ir_annual[0] == pytest.approx(0.05 * np.sqrt(252 * 20 / 8.6), rel=1e-3)


def test_value_add_identity_is_exact():
    """mean(V) = mean(risk) mean(y) + cov(risk, y), to 1e-9 relative."""
    evidence = make_evidence()
    rows = targets(evidence)[0].rows
    sample = value_add_draws(evidence, rows, np.array([evidence.y[rows].mean()]), np.zeros(1))
    assert sample[0] == pytest.approx(evidence.value_add[rows].mean(), rel=1e-9)
    covariance, error = sizing_term(evidence.risk[rows], evidence.y[rows], evidence.session[rows])
    assert covariance == pytest.approx(np.cov(evidence.risk[rows], evidence.y[rows], ddof=0)[0, 1])
    assert error > 0


def test_a_thin_record_is_withheld_in_every_form(tmp_path):
    """A trader with 4 decisions has no number in rows, JSON, CSV or posterior, and no rank."""
    full = make_evidence()
    keep = (full.trader != 1) | (full.session == 3)
    thin = make_evidence(
        **{k: getattr(full, k)[keep] for k in ("value_add", "risk", "y", "trader", "session", "regime", "action", "decision")}
    )
    fit = make_fit(thin, np.array([0.1, 0.7654321, 0.0]))
    result = evaluate(fit)
    row = own(result, "T2")
    assert row["status"] == "WITHHOLD"
    assert "E-FEW" in codes(row)
    assert all(row[k] is None for k in (*ESTIMAND_COLUMNS, "p_harm"))
    assert row["raw_mean"] is not None, "the raw record stays visible"
    write_evaluation(result, tmp_path / "e", fit)
    line = next(x for x in (tmp_path / "e" / "skill.csv").read_text().splitlines() if x.startswith("T2,all"))
    assert line.split(",")[5:23] == [""] * 18
    import xarray as xr

    saved = xr.open_datatree(tmp_path / "e" / "posterior.nc", engine="h5netcdf")["posterior"]
    assert bool(np.isnan(saved["a"].sel(trader="T2")).all())
    assert not bool(np.isnan(saved["a"].sel(trader="T1")).any())
    assert "T2" not in result.lists["skilled"]["traders"]


def test_a_withheld_trader_gets_nothing_through_a_regime(tmp_path):
    """14 active days: the trader is under the floor of 20, the calm cell alone would pass its own of 10."""
    full = make_evidence()
    keep = (full.trader != 0) | ((full.session < 28) & (full.regime == 0))
    thin = make_evidence(
        **{k: getattr(full, k)[keep] for k in ("value_add", "risk", "y", "trader", "session", "regime", "action", "decision")}
    )
    result = evaluate(make_fit(thin, np.array([0.9, 0.0, 0.0])))
    assert own(result, "T1")["status"] == "WITHHOLD"
    cell = own(result, "T1", "calm")
    assert (cell["days"], cell["status"]) == (14, "WITHHOLD")
    assert all(cell[k] is None for k in (*ESTIMAND_COLUMNS, "p_harm", "raw_ir_annual"))


def test_what_is_flagged_for_the_fit_is_flagged_in_every_row():
    base = make_evidence()
    skewed = np.where(base.decision % 97 == 0, 9.0, base.y)
    result = evaluate(make_fit(make_evidence(y=skewed, value_add=skewed * base.risk), np.zeros(3)))
    assert "W-PPC" in {c["code"] for c in result.codes}
    assert all("W-PPC" in codes(r) or r["status"] == "WITHHOLD" for r in result.rows)


def test_withheld_rows_keep_no_sentence_that_quotes_a_number():
    full = make_evidence()
    keep = (full.trader != 1) | (full.session == 3)
    thin = make_evidence(
        **{k: getattr(full, k)[keep] for k in ("value_add", "risk", "y", "trader", "session", "regime", "action", "decision")}
    )
    row = own(evaluate(make_fit(thin, np.array([0.1, 0.9, 0.0]))), "T2")
    assert codes(row) == {"E-FEW"}


def test_a_claim_of_harm_is_tested_like_a_claim_of_skill():
    """One terrible day carries P(IR < 0): leaving it out turns the sign."""
    rng = np.random.default_rng(6)
    theta = rng.normal(-0.3, 0.2, 4000)
    density = np.stack([np.zeros(4000), -0.5 * ((-0.8 - theta) / 0.35) ** 2], axis=1)
    found = leave_one_day_out(np.array([0, 1]), density, theta[:, None], 0.25)
    assert np.mean(theta < 0) > 0.9
    moved = float(np.mean(theta < 0)) - found.harm[1, 0]
    assert moved > 0.2
    assert found.one_bet(0, float(np.mean(theta < 0)), float(theta.mean()), found.harm) == 1


def test_slices_of_one_decision_are_one_judgement():
    """5 decisions of 12 sessions each: 60 rows on 60 sessions, but n_eff is at most 5 and nothing is shown."""
    base = make_evidence(traders=3, sessions=60, per_day=1)
    sliced = make_evidence(traders=3, sessions=60, per_day=1, decision=base.trader * 5 + base.session // 12)
    row = own(evaluate(make_fit(sliced, np.zeros(3))), "T1")
    assert (row["n"], row["days"]) == (5, 60)
    assert row["n_eff"] <= 5
    assert row["status"] == "WITHHOLD"


def test_a_failed_gate_withholds_everything():
    finding = Finding("E-CONV", "WITHHOLD", "", "tau_trader", 1.04, 1.01, "tau_trader: R-hat 1.040 (limit 1.01); use more draws")
    result = evaluate(make_fit(make_evidence(), np.zeros(3), findings=(finding,)))
    assert result.status == "WITHHOLD"
    assert all(r["status"] == "WITHHOLD" for r in result.rows)
    assert not result.population


def test_a_gate_of_one_trader_withholds_that_trader_only():
    finding = Finding("E-CONV", "WITHHOLD", "T3", "a[T3]", 1.04, 1.01, "a[T3]: R-hat 1.040 (limit 1.01); use more draws")
    result = evaluate(make_fit(make_evidence(), np.zeros(3), findings=(finding,)))
    assert own(result, "T3")["status"] == "WITHHOLD"
    assert own(result, "T1")["status"] != "WITHHOLD"


def test_a_thin_regime_cell_claims_nothing():
    full = make_evidence()
    keep = (full.regime == 0) | (full.session < 12)
    thin = make_evidence(
        **{k: getattr(full, k)[keep] for k in ("value_add", "risk", "y", "trader", "session", "regime", "action", "decision")}
    )
    row = own(evaluate(make_fit(thin, np.zeros(3))), "T1", "stressed")
    assert row["days"] == 6
    assert "E-CELL" in codes(row)
    assert row["ir_annual_mean"] is None
    assert row["pooled_y_mean"] is not None


def test_risk_forecast_off_scale_is_flagged():
    base = make_evidence()
    double = make_evidence(y=2 * base.y, value_add=2 * base.value_add)
    assert "W-RISK" in codes(own(evaluate(make_fit(double, np.zeros(3))), "T1"))
    assert "W-RISK" not in codes(own(evaluate(make_fit(base, np.zeros(3))), "T1"))


@pytest.mark.parametrize(("closed", "expected"), [(100, None), (98, "E-COVER")])
def test_coverage_below_99_percent_withholds(closed, expected):
    own_counts = {"decisions": 100, "closed": closed, "open": 0, "unavailable": 100 - closed, "quarantined": 0}
    result = evaluate(make_fit(make_evidence(context={"by_trader": {"T1": own_counts}}), np.zeros(3)))
    assert ("E-COVER" in {c["code"] for c in result.codes}) == (expected is not None)
    assert (result.status == "WITHHOLD") == (expected is not None)


def test_a_label_dated_at_the_decision_withholds():
    result = evaluate(make_fit(make_evidence(context={"look_ahead": 1}), np.zeros(3)))
    assert {"E-LOOK"} <= {c["code"] for c in result.codes}
    assert result.status == "WITHHOLD"


def test_a_trader_who_only_followed_is_named_and_undefined():
    kpis = [{"by": "trader", "trader": "T9", "n_interventions": 0}]
    row = own(evaluate(make_fit(make_evidence(context={"kpis": kpis}), np.zeros(3))), "T9")
    assert (row["status"], codes(row)) == ("WITHHOLD", {"E-NONE"})


def test_the_plan_may_raise_a_floor_but_not_lower_it():
    raised, said = floors_in_force(parse_plan(b"[floors]\ndays=50\n"), "record")
    assert (raised.days, said) == (50, [])
    lowered, said = floors_in_force(parse_plan(b"[floors]\ndays=6\n"), "record")
    assert lowered.days == 20
    assert "20 stands" in said[0]


def test_one_lucky_day_makes_a_one_bet_result():
    """A single session carries the claim: leaving it out moves P(IR > hurdle) by more than 0.20."""
    rng = np.random.default_rng(5)
    theta = rng.normal(0.3, 0.1, 4000)
    others = -0.5 * ((0.0 - theta) / 0.5) ** 2
    lucky = -0.5 * ((2.0 - theta) / 0.2) ** 2
    density = np.stack([others, lucky - lucky.max()], axis=1)
    found = leave_one_day_out(np.array([0, 1]), density, theta[:, None], 0.2)
    assert found.one_bet(0, float(np.mean(theta > 0.2)), float(theta.mean()), found.probability) == 1


def test_leave_one_out_agrees_with_the_exact_answer():
    """y_s ~ Normal(theta, 1), flat prior: without session s the posterior mean is the mean of the others (4 Monte-Carlo errors)."""
    rng = np.random.default_rng(8)
    y = rng.normal(0.2, 1, 40)
    theta = rng.normal(y.mean(), 1 / np.sqrt(40), 40_000)
    density = -0.5 * (y - theta[:, None]) ** 2
    found = leave_one_day_out(np.arange(40), density, theta[:, None], 0.0)
    exact = (y.sum() - y) / 39
    assert np.abs(found.mean[:, 0] - exact).max() < 4 * 1.3 / np.sqrt(40 * 40_000)


def test_prior_sensitivity_agrees_with_the_exact_answer():
    """tau with a half-normal prior and a known likelihood on a grid: halving and doubling the prior's scale by reweighting."""
    rng = np.random.default_rng(2)
    grid = np.linspace(1e-4, 1.5, 40_001)
    likelihood = np.exp(-0.5 * ((grid - 0.25) / 0.08) ** 2)

    def probability(scale):
        weight = likelihood * np.exp(-0.5 * (grid / scale) ** 2)
        return float(weight[grid > 0.25].sum() / weight.sum())

    weight = likelihood * np.exp(-0.5 * (grid / 0.5) ** 2)
    tau = rng.choice(grid, 40_000, p=weight / weight.sum())
    found = prior_sensitivity(tau[:, None], 0.25, {"x": (tau, 0.5)}, (np.zeros(40_000), 0.0, 1.0))
    assert found.reliable
    assert found.halved[0] == pytest.approx(probability(0.25), abs=0.015)
    assert found.doubled[0] == pytest.approx(probability(1.0), abs=0.015)


def test_files_agree_and_verify_names_what_changed(tmp_path):
    fit = make_fit(make_evidence(), np.array([0.2, 0.0, 0.0]))
    result = evaluate(fit)
    write_evaluation(result, tmp_path / "e", fit)
    assert evaluation_json(read_evaluation(tmp_path / "e")) == (tmp_path / "e" / "evaluation.json").read_bytes()
    header = (tmp_path / "e" / "skill.csv").read_text().splitlines()[0]
    assert tuple(header.split(",")) == SKILL_COLUMNS
    assert any("skill.csv" in line for line in verify(tmp_path / "e"))
    target = tmp_path / "e" / "skill.csv"
    target.write_text(target.read_text().replace("T1", "T7"))
    with pytest.raises(Mismatch, match=r"skill\.csv: changed"):
        verify(tmp_path / "e")
    with pytest.raises(UsageError, match=r"manifest\.json"):
        verify(tmp_path)


def test_the_same_fit_gives_the_same_bytes(tmp_path):
    first, second = (evaluation_json(evaluate(make_fit(make_evidence(), np.array([0.2, 0.0, 0.0])))) for _ in range(2))
    assert first == second
    assert set(msgspec.json.decode(first)) >= {
        "schema",
        "status",
        "codes",
        "plan",
        "identity",
        "rows",
        "population",
        "diagnostics",
        "kpis",
    }


def test_nothing_of_others_is_overwritten(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    fit = make_fit(make_evidence(), np.zeros(3))
    with pytest.raises(UsageError, match="not a folder this package wrote"):
        write_evaluation(evaluate(fit), tmp_path / "mine", fit)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]


def with_draws(fit, terms=None, spec=None, **values):
    """The same fit with further posterior variables, `values` {name: (dims, array (draw, ...))}, and other terms."""
    posterior = fit.tree["posterior"].to_dataset()
    for name, (dims, array) in values.items():
        drawn = np.asarray(array)
        posterior[name] = (("chain", "draw", *dims), drawn.reshape(4, 500, *drawn.shape[1:]))
    tree = type(fit.tree).from_dict({"posterior": posterior, "sample_stats": fit.tree["sample_stats"].to_dataset()})
    return dataclasses.replace(fit, tree=tree, terms=dataclasses.replace(fit.terms, **(terms or {})), spec=spec or fit.spec)


def test_sizing_slope_brings_value_add_from_the_model():
    """mean(V) = avg(w_i (theta_i + kappa_j l_i)) row by row, and IR_dec with the spread of theta_i between rows."""
    evidence = make_evidence()
    rng = np.random.default_rng(8)
    fit = with_draws(
        make_fit(evidence, np.array([0.1, 0.0, -0.1])),
        terms={"slopes": ("sizing",)},
        kappa=(("trader",), rng.normal(0.05, 0.01, (2000, 3))),
    )
    draws, target = posterior_draws(fit), targets(evidence)[0]
    found = estimate(draws, evidence, target, np.zeros(2000))
    log_size = np.log(evidence.risk) - np.log(evidence.risk).mean()
    theta = (fit.draws("mu") + fit.draws("a")[:, 0])[:, None] + fit.draws("kappa")[:, :1] * log_size[target.rows]
    np.testing.assert_allclose(found.value_add, (theta * evidence.risk[target.rows]).mean(axis=1), rtol=1e-9)
    variance = (fit.draws("sigma")[:, 0] ** 2).mean(axis=1) + fit.draws("s_U")[:, 0] ** 2 + fit.draws("s_V") ** 2
    np.testing.assert_allclose(found.ir_decision, theta.mean(axis=1) / np.sqrt(variance + theta.var(axis=1)), rtol=1e-9)


def test_a_latent_factor_enters_the_spread_of_a_decision_and_of_a_day():
    """IR_dec with s_F^2 mean(x^2), IR_day with s_F^2 mean((sum of x)^2), the trader's rows one by one."""
    rng = np.random.default_rng(9)
    exposure = rng.normal(1, 1, 3 * 60 * 4)
    evidence = make_evidence(exposure=exposure)
    terms = {"shocks": ("session", "trader:session", "session:exposure"), "form": "decision"}
    fit = with_draws(make_fit(evidence, np.array([0.1, 0.0, -0.1])), terms=terms, s_F=((), rng.uniform(0.4, 0.6, 2000)))
    target = targets(evidence)[0]
    found = estimate(posterior_draws(fit), evidence, target, np.zeros(2000))
    x = (exposure / np.sqrt(np.mean(exposure**2)))[target.rows].reshape(60, 4)
    mean = fit.draws("mu") + fit.draws("a")[:, 0]
    residual = (fit.draws("sigma")[:, 0] ** 2).mean(axis=1)
    shock, factor = fit.draws("s_U")[:, 0] ** 2 + fit.draws("s_V") ** 2, fit.draws("s_F") ** 2
    np.testing.assert_allclose(found.ir_decision, mean / np.sqrt(residual + shock + factor * np.mean(x**2)), rtol=1e-9)
    day = 4 * mean / np.sqrt(16 * shock + factor * np.mean(x.sum(axis=1) ** 2) + 4 * residual)
    np.testing.assert_allclose(found.ir_annual, day * np.sqrt(252), rtol=1e-9)


def test_a_drifting_skill_is_judged_in_the_current_quarter():
    """The trader who left after the first quarter is judged by his state of today, with its larger spread."""
    full = make_evidence(sessions=60)
    quarter, keep = full.session // 15, (full.trader != 2) | (full.session < 15)
    rows = {k: getattr(full, k)[keep] for k in ("value_add", "risk", "y", "trader", "session", "regime", "action", "decision")}
    coords = dict(full.coords) | {"quarter": ("2025Q1", "2025Q2", "2025Q3", "2025Q4")}
    evidence = make_evidence(**rows, coords=coords, labels={"quarter": quarter[keep]})
    rng = np.random.default_rng(10)
    z = rng.normal(0, 1, (2000, 3, 4)) * np.array([0.01, 0.02, 0.03, 0.04]) + np.array([0.5, 0.3, 0.2, 0.1])
    fit = with_draws(make_fit(evidence, np.zeros(3)), terms={"drift": "quarter"}, z=(("trader", "quarter"), z))
    found = estimate(posterior_draws(fit), evidence, targets(evidence)[6], np.zeros(2000))
    assert targets(evidence)[6].trader == 2
    np.testing.assert_allclose(found.raw_mean, evidence.value_add[evidence.trader == 2].mean())
    variance = (fit.draws("sigma")[:, 2] ** 2).mean(axis=1) + fit.draws("s_U")[:, 2] ** 2 + fit.draws("s_V") ** 2
    share = np.bincount(evidence.regime[evidence.trader == 2]) / np.sum(evidence.trader == 2)
    variance += fit.draws("sigma")[:, 2] ** 2 @ share - (fit.draws("sigma")[:, 2] ** 2).mean(axis=1)
    state = fit.draws("mu") + fit.draws("a")[:, 2] + z[:, 2, 3]
    np.testing.assert_allclose(found.ir_decision, state / np.sqrt(variance), rtol=1e-9)


def test_selection_is_named_and_notes_are_passed_on():
    """Every file of a selection model says that the factor's part is not in its numbers."""
    evidence = make_evidence(exposure=np.cos(np.arange(720)))
    terms = {"shocks": ("session", "trader:session"), "form": "observed", "notes": ("2 quarters, fewer than 4: prior-driven",)}
    fit = with_draws(make_fit(evidence, np.array([0.1, 0.0, -0.1])), terms=terms, spec=read_spec("crossed_selection"))
    fit = dataclasses.replace(fit, evidence=dataclasses.replace(evidence, factor_return=np.zeros(720)))
    result = evaluate(fit)
    assert result.source["target"] == "selection"
    assert any("selection skill" in c and "y - x F" in c for c in result.caveats)
    assert any("2 quarters, fewer than 4" in c for c in result.caveats)
    assert evaluate(make_fit(make_evidence(), np.zeros(3))).source["target"] == "total"


def test_two_engines_that_agree_are_stated_and_two_that_do_not_are_flagged():
    """The second fit is the first with other noise, then with every trader half a posterior sd higher."""
    from skillstats.evaluation.engines import compare_engines

    evidence = make_evidence()
    first = make_fit(evidence, np.array([0.0, 0.1, 0.0]))
    same, other = make_fit(evidence, np.array([0.0, 0.1, 0.0]), seed=4), make_fit(evidence, np.array([0.01, 0.11, 0.01]), seed=4)
    agreed = evaluate(first, second=same)
    assert agreed.diagnostics["engines"]["passed"] and "agrees" in agreed.diagnostics["engines"]["text"]
    assert "W-ENGINE" not in {c["code"] for c in agreed.codes}
    flagged = evaluate(first, second=other)
    assert "W-ENGINE" in {c["code"] for c in flagged.codes} and flagged.status == "FLAG"
    assert 0.4 < flagged.diagnostics["engines"]["ir_mean_shift_rms"] < 0.6
    failed = make_fit(
        evidence, np.array([1.0, 1.0, 1.0]), findings=(Finding("E-CONV", "WITHHOLD", "", "mu", 1.02, 1.01, "mu: R-hat 1.02"),)
    )
    silent = evaluate(first, second=failed)
    assert "W-ENGINE" not in {c["code"] for c in silent.codes} and "confirms nothing" in silent.diagnostics["engines"]["text"]
    with pytest.raises(UsageError, match="other evidence"):
        compare_engines(first, make_fit(make_evidence(seed=2), np.zeros(3)), targets(evidence))
    assert "engines" not in evaluate(first).diagnostics


def test_every_kind_of_term_goes_through_the_whole_evaluation():
    """Sizing, a latent factor, drift and a label together: rows, population and further parts exist and are finite."""
    rng = np.random.default_rng(12)
    base = make_evidence()
    labels = {"quarter": base.session // 15, "asset_class": np.arange(720) % 2}
    coords = dict(base.coords) | {"quarter": ("2025Q1", "2025Q2", "2025Q3", "2025Q4"), "asset_class": ("bond", "equity")}
    evidence = make_evidence(exposure=rng.normal(1, 1, 720), labels=labels, coords=coords)
    terms = {"skill": ("trader", "asset_class"), "slopes": ("sizing",), "drift": "quarter", "form": "decision"}
    terms["shocks"] = ("session", "trader:session", "session:exposure")
    spread = np.abs(rng.normal(0.02, 0.002, 2000))
    fit = with_draws(
        make_fit(evidence, np.array([0.1, 0.0, -0.1])), terms=terms, spec=read_spec("crossed_selection"),
        d=(("asset_class",), rng.normal(0, 0.02, (2000, 2))), tau_asset_class=((), spread), s_F=((), rng.uniform(0.4, 0.6, 2000)),
        kappa=(("trader",), rng.normal(0.05, 0.01, (2000, 3))), mu_kappa=((), rng.normal(0.05, 0.01, 2000)), tau_kappa=((), spread),
        z=(("trader", "quarter"), rng.normal(0, 0.02, (2000, 3, 4))), phi=((), rng.uniform(0.7, 0.9, 2000)), tau_drift=((), spread),
    )  # fmt: skip
    result = evaluate(fit)
    row = own(result, "T1")
    assert row["status"] != "WITHHOLD", row["reasons"]
    assert all(np.isfinite(row[k]) for k in ESTIMAND_COLUMNS if row[k] is not None)
    assert {"sizing_mean", "sizing_sd", "drift_sd", "drift_persistence", "factor_sd", "asset_class_sd"} <= set(result.population)
    assert any("2025Q4" in c for c in result.caveats)


def test_rounding_makes_no_probability_above_one():
    """Everybody above the hurdle in every draw: reweighting must give exactly 1, which a page can print."""
    rng = np.random.default_rng(4)
    tau = np.abs(rng.normal(0.1, 0.02, 2000))
    found = prior_sensitivity(np.ones((2000, 3)), 0.25, {"x": (tau, 0.5)}, (np.zeros(2000), 0.0, 1.0))
    assert found.halved.max() <= 1.0
    assert found.doubled.max() <= 1.0
    assert found.halved == pytest.approx(1.0, abs=1e-12)
