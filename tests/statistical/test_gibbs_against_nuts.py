"""The Gibbs engine against NUTS's stored answers on three desks: two programs that share nothing but the specification and the cells."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from skillstats.inference.diagnose import diagnose
from skillstats.inference.gibbs import gibbs_draws
from skillstats.spec import read_spec

sys.path.insert(0, str(Path(__file__).parent))
from engine_cases import CASES, REFERENCES, desk


@pytest.mark.parametrize("name", CASES)
def test_same_posterior_as_nuts(name):
    """Every mean within 4 Monte-Carlo errors of both; every sd within 5%, or within 4 errors where a heavy tail makes 5% noise."""
    stored, evidence, spec = json.loads(REFERENCES.read_text())[name], desk(**CASES[name]), read_spec(name)
    assert stored["evidence"] == evidence.digest, "the desk has changed; run tests/statistical/engine_cases.py"
    assert stored["spec"] == spec.digest, "the specification has changed; run tests/statistical/engine_cases.py"
    ours = gibbs_draws(spec, evidence, seed=7, draws=10_000, tune=1_000, chains=4)
    assert set(ours.values) == set(stored["parameters"])
    for parameter, theirs in stored["parameters"].items():
        draws = ours.values[parameter]
        error = np.hypot(np.ravel(diagnose(draws)["mcse"]), theirs["mcse"])
        distance = np.abs(np.ravel(draws.mean((0, 1))) - theirs["mean"])
        assert np.all(distance <= 4 * error), (parameter, (distance / error).max())
        sd = np.ravel(draws.std((0, 1)))
        error_of_sd = np.hypot(
            *(1 / np.sqrt(2 * np.asarray(n)) for n in (np.ravel(diagnose(draws**2)["ess_bulk"]), theirs["ess_of_sd"]))
        )
        assert np.all(np.abs(sd / theirs["sd"] - 1) <= np.maximum(0.05, 4 * error_of_sd)), (parameter, sd / theirs["sd"])


def test_an_evaluation_runs_both_engines_and_they_agree(tmp_path):
    """As the command line does it, with the draws of Gibbs reported and NUTS as the second opinion."""
    from skillstats.cli.asked import Fitting
    from skillstats.cli.evaluate import fit_and_write
    from skillstats.evaluation.write import read_evaluation
    from skillstats.plan import Plan

    evidence = desk(**CASES["crossed_outcomes"])
    fit_and_write(evidence, Plan(), tmp_path / "out", Fitting(model="crossed_outcomes", engine="gibbs", seed=2, draws=1_000))
    told = read_evaluation(tmp_path / "out")
    engines = told.diagnostics["engines"]
    assert told.identity["engine"] == "gibbs" and told.diagnostics["engine"].startswith("gibbs")
    assert engines["other_engine"].startswith("nuts") and engines["passed"], engines["text"]
    assert "W-ENGINE" not in {c["code"] for c in told.codes}, engines["text"]
    assert engines["ir_mean_shift_rms"] < 0.1 and engines["p_positive_shift_max"] < 0.05
