"""Known-error pooling against published cases: eight schools (P01), batting averages (P02), BCG vaccine (P05)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skillstats.inference.known_error import HalfCauchy, Normal, PoolingPrior, efron_morris_weight, shrink

DRAWS_TOLERANCE = 0.1  # about 2 Monte-Carlo errors of the reference draws (at most .057) on top of rounding


def test_eight_schools_agree_with_reference_draws(cases: Path) -> None:
    folder = cases / "P01_eight_schools"
    data = pd.read_csv(folder / "data.csv")
    draws = json.loads((folder / "expected.json").read_text())["posteriordb_draws"]
    found = shrink(data.y, data.se, prior=PoolingPrior(mean=Normal(0, 5), spread=HalfCauchy(5)))
    means = [*found.mean, found.mu_mean, found.tau_mean]
    sds = [*found.sd, found.mu_sd, found.tau_sd]
    np.testing.assert_allclose(means, [row["mean"] for row in draws], rtol=0, atol=DRAWS_TOLERANCE)
    np.testing.assert_allclose(sds, [row["sd"] for row in draws], rtol=0, atol=DRAWS_TOLERANCE)
    np.testing.assert_allclose(found.p_positive, [row["p_gt0"] for row in draws[:8]], rtol=0, atol=0.01)


def test_eight_schools_interval_ends_agree_with_reference_draws(cases: Path) -> None:
    folder = cases / "P01_eight_schools"
    data = pd.read_csv(folder / "data.csv")
    draws = json.loads((folder / "expected.json").read_text())["posteriordb_draws"]
    found = shrink(data.y, data.se, prior=PoolingPrior(mean=Normal(0, 5), spread=HalfCauchy(5)))
    lower, upper = [*found.lower, found.mu_lower, found.tau_lower], [*found.upper, found.mu_upper, found.tau_upper]
    # a 5% quantile of 10,000 draws has 2 to 3 times the Monte-Carlo error of the mean, so about .15 here; band of 4
    np.testing.assert_allclose(lower, [row["q05"] for row in draws], rtol=0, atol=0.6)
    np.testing.assert_allclose(upper, [row["q95"] for row in draws], rtol=0, atol=0.6)


@pytest.mark.parametrize("rule", ["posterior", "james_stein", "dl", "reml"])
def test_shrunken_batting_averages_predict_the_rest_of_the_season(cases: Path, rule: str) -> None:
    folder = cases / "P02_efron_morris_1970"
    data = pd.read_csv(folder / "data.csv")
    published = json.loads((folder / "expected.json").read_text())["with_published_truth"]["transformed"]
    own, truth = (np.sqrt(45) * np.arcsin(2 * p.to_numpy() - 1) for p in (data.Hits / 45, data.truth_published))
    raw = ((own - truth) ** 2).sum()
    weight = efron_morris_weight(own, 1.0)
    assert raw == pytest.approx(published["SSE_raw"], abs=1e-9)
    assert weight == pytest.approx(published["weight_own"], abs=1e-9)
    found = shrink(own, 1.0)
    stein = own.mean() + weight * (own - own.mean())
    assert ((stein - truth) ** 2).sum() == pytest.approx(published["SSE_JS"], abs=1e-9)
    guess = {"posterior": found.mean, "james_stein": stein, "dl": found.blup_dl, "reml": found.blup_reml}[rule]
    assert ((guess - truth) ** 2).sum() <= 0.33 * raw


@pytest.mark.parametrize("method", ["dl", "reml"])
@pytest.mark.parametrize("case", ["P05_bcg_meta", "P01_eight_schools"])
def test_classical_estimates_agree_with_metafor(cases: Path, case: str, method: str) -> None:
    data = pd.read_csv(cases / case / "data.csv")
    expected = json.loads((cases / case / "expected.json").read_text())
    expected = expected.get("metafor_frequentist", expected)[method.upper()]
    y, se = (data.yi, np.sqrt(data.vi)) if "yi" in data else (data.y, data.se)
    found = shrink(y, se)
    numbers = [getattr(found, key) for key in (f"tau2_{method}", f"mu_{method}", f"mu_{method}_se", "q", "q_p")]
    np.testing.assert_allclose(numbers, [expected[key] for key in ("tau2", "mu", "se", "Q", "Qp")], rtol=0, atol=1e-4)
    np.testing.assert_allclose(getattr(found, f"blup_{method}"), expected["blup"], rtol=0, atol=1e-3)
    if method == "dl":  # metafor's I2 of other methods has another definition
        assert 100 * found.i2 == pytest.approx(expected["I2"], abs=1e-4)
