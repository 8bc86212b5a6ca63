"""The parts of an evaluation beyond skill.csv: what is in them, and that nothing withheld is."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from synthetic import make_evidence, make_fit

from skillstats.evaluation import evaluate
from skillstats.evaluation.write import evaluation_json, read_evaluation, write_evaluation
from skillstats.inference.diagnose import Finding


@pytest.fixture(autouse=True)
def no_refits(monkeypatch):
    """Units do not sample: where reweighting is not trusted the refit counts as failed."""
    monkeypatch.setattr(sys.modules["skillstats.evaluation.evaluate"], "refit_ir", lambda *a, **k: None)


def thin(trader=1):
    """Three traders, one of them with four decisions."""
    full = make_evidence()
    keep = (full.trader != trader) | (full.session == 3)
    names = ("value_add", "risk", "y", "trader", "session", "regime", "action", "decision")
    return make_evidence(**{k: getattr(full, k)[keep] for k in names})


def own(result, trader, regime="all"):
    return next(r for r in result.rows if r["trader"] == trader and r["regime"] == regime)


def test_a_shown_row_has_every_estimand():
    result = evaluate(make_fit(make_evidence(), np.array([0.1, 0.0, -0.1])))
    detail = own(result, "T1")["detail"]
    assert set(detail) == {
        "ir_day", "ir_decision_standard", "ir_annual_standard", "reliability", "half_life", "year", "money_ir", "money_ir_annual",
        "type_errors", "prior", "hurdles", "tails", "losses", "needed", "quarter",
    }  # fmt: skip
    assert detail["reliability"]["mean"] == pytest.approx(own(result, "T1")["reliability"])
    assert detail["losses"]["decisions"] == pytest.approx(240 / 60 * 63)
    assert detail["losses"]["evpi"] == min(detail["losses"]["keep"], detail["losses"]["revoke"])
    assert own(result, "T1", "calm")["detail"]["quarter"] is None, "money is forecast for a trader, not for a cell"


def test_a_withheld_trader_is_in_no_list_no_sum_and_no_detail(tmp_path):
    """The canary: a trader with four decisions whose draws say .7654321; neither it nor anything made of it is written."""
    fit = make_fit(thin(), np.array([0.1, 0.7654321, 0.0]))
    result = evaluate(fit)
    assert own(result, "T2")["detail"] is None
    assert {line["trader"] for line in result.lists["ranks"]} == {"T1", "T3"}
    assert "T2" not in json.dumps([result.lists, result.desk])
    write_evaluation(result, tmp_path / "e", fit)
    again = evaluate(make_fit(thin(), np.array([0.1, -0.7654321, 0.0])))
    for key in ("ranks", "order", "fdr", "skilled", "hypotheses"):
        assert again.lists[key] == result.lists[key], "the withheld trader moves nothing that is said of the others"
    assert again.desk["quarter"] == result.desk["quarter"]
    assert own(again, "T1")["detail"]["quarter"] == own(result, "T1")["detail"]["quarter"]


def test_a_withheld_fit_has_no_further_parts():
    finding = Finding("E-CONV", "WITHHOLD", "", "tau_trader", 1.04, 1.01, "tau_trader: R-hat 1.040 (limit 1.01); use more draws")
    result = evaluate(make_fit(make_evidence(), np.array([0.3, 0.0, 0.0]), findings=(finding,)))
    assert (result.desk, result.population, result.diagnostics["predictive"], result.diagnostics["loo"]) == ({}, {}, {}, None)
    assert all(row["detail"] is None for row in result.rows)
    assert result.lists["ranks"] == []
    assert len(result.day_errors) == 4, "the ledger's own means are no skill numbers"


def test_the_population_is_on_the_scale_of_the_traders():
    """With every effect nil but mu, the desk's mean is the annual IR of each of three equal traders, whatever B was planned."""
    evidence = make_evidence()
    fit = make_fit(evidence, np.array([0.05, 0.05, 0.05]), sd=0.0)
    fit.tree["posterior"]["mu"] += 0.05
    fit.tree["posterior"]["a"] *= 0.0
    result = evaluate(fit)
    mean = result.population["desk_mean"]
    assert mean["unit"] == "annual IR of a typical trader"
    assert mean["mean"] == pytest.approx(own(result, "T1")["ir_annual_mean"], rel=0.02)
    assert mean["mean"] == pytest.approx(own(result, "T3")["ir_annual_mean"], rel=0.02)


def test_everything_survives_the_file(tmp_path):
    fit = make_fit(make_evidence(), np.array([0.2, 0.0, 0.0]))
    result = evaluate(fit)
    write_evaluation(result, tmp_path / "e", fit)
    back = read_evaluation(tmp_path / "e")
    assert evaluation_json(back) == evaluation_json(result)
    assert back.day_errors[-1]["trader"] is None
    assert set(back.diagnostics["predictive"]) == set(result.diagnostics["predictive_p"])


def test_a_table_without_a_year_has_no_quarter_and_no_years():
    evidence = make_evidence(sessions_per_year=None, source="outcomes")
    result = evaluate(make_fit(evidence, np.array([0.2, 0.0, 0.0])))
    detail = own(result, "T1")["detail"]
    assert detail["quarter"] is None
    assert detail["ir_annual_standard"] is None
    assert result.desk["quarter"] is None
    assert result.desk["needed"] == []
    assert detail["losses"]["decisions"] == 240, "as many decisions as were seen"


def test_w_luck_needs_a_claim_and_w_prior_its_limits():
    """TRUST 2.1: a reliability under .2 alone is no banner; a claim, of skill or of harm, on such a record is."""
    from skillstats.evaluation.sensitivity import PriorSensitivity
    from skillstats.evaluation.status import luck_codes

    assert luck_codes(0.5, 0.3, 0.1, 0.9) == []
    assert [c.code for c in luck_codes(0.95, 0.0, 0.1, 0.9)] == ["W-LUCK"]
    assert [c.code for c in luck_codes(0.0, 0.95, 0.1, 0.9)] == ["W-LUCK"]
    assert luck_codes(0.95, 0.0, 0.25, 0.9) == []

    def driven(halved, doubled, power, mean_power):
        arrays = (np.array([x]) for x in (halved, doubled, power, mean_power, 0.0, 0.0))
        return PriorSensitivity(*arrays, reliable=True).prior_driven(0, 0.92, 0.9)

    assert not driven(0.93, 0.91, 0.049, -0.049)
    assert driven(0.93, 0.91, 0.05, 0.0)
    assert driven(0.93, 0.91, 0.0, -0.05)
    assert driven(0.93, 0.89, 0.0, 0.0)


def test_power_scaling_of_a_normal_mean_is_the_closed_form():
    """theta ~ Normal(0, 1), y = 1 with variance 1: posterior mean 1 / (1 + alpha), so d / d log2(alpha) = -ln 2 / 4 at alpha 1, in sds of sqrt(1/2)."""
    from skillstats.evaluation.sensitivity import prior_sensitivity

    theta = np.random.default_rng(3).normal(0.5, np.sqrt(0.5), 200_000)
    found = prior_sensitivity(theta[:, None], 0.0, {}, (theta, 0.0, 1.0))
    assert found.ir_mean_power[0] == pytest.approx(-np.log(2) / 4 / np.sqrt(0.5), abs=0.01)
    assert found.ir_power[0] == 0.0, "no spread, no response"
