"""Past forecasts: what was known, what was forecast, how it is scored; each against a calculation of its own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

sys.path.insert(0, str(Path(__file__).parent))
from synthetic import make_evidence, make_fit

import skillstats as ss
from skillstats.errors import UsageError
from skillstats.evaluation.forward import forecasts_after, why_not_walked
from skillstats.evaluation.forward_score import forecasts, log_score, predictive, result_of
from skillstats.evaluation.forward_summary import by_quarter, mean_over_quarters, rank_correlation, summary_of, verdict_on
from skillstats.evidence import Evidence, read_outcomes
from skillstats.evidence.past import up_to_quarter, with_quarters
from skillstats.plan import ModelChoice, Plan

PLAN = Plan(model=ModelChoice(sessions_per_year=84.0, bets_per_year=100.0))
STARTS = ("2025-01", "2025-04", "2025-07", "2025-10")


def table(*, risk: bool = True, quarters: int = 4, seed: int = 4) -> pd.DataFrame:
    """Four traders, 12 days a quarter, two rows a day; T4 comes in the second quarter, T1 leaves after the third."""
    rng, lines = np.random.default_rng(seed), []
    for q in range(quarters):
        for day in range(12):
            for j in range(4):
                if (j == 3 and q == 0) or (j == 0 and q == 3):
                    continue
                for _ in range(2):
                    size = float(np.exp(0.4 * rng.standard_normal()))
                    y = 0.1 * j + rng.standard_normal()
                    lines.append((f"T{j + 1}", f"{STARTS[q]}-{1 + day:02d}", size * y, size, ("calm", "rough")[day % 2]))
    frame = pd.DataFrame(lines, columns=["trader", "session", "value_add", "risk", "regime"])
    return frame if risk else frame.drop(columns="risk")


def read(frame: pd.DataFrame) -> Evidence:
    return read_outcomes(frame, plan=PLAN)


@pytest.mark.parametrize("risk", [True, False])
def test_the_past_is_what_a_table_cut_there_would_have_given(risk: bool) -> None:
    frame = table(risk=risk)
    for last in range(3):
        cut = read(frame[frame["session"] < STARTS[last + 1]])
        past = up_to_quarter(read(frame), last)
        assert past.digest == cut.digest
        assert past.coords == cut.coords
        assert past.scale == cut.scale


def test_what_came_later_changes_no_forecast_not_by_a_bit() -> None:
    """The walk over the whole table, over the table without its last quarter, and over one whose last quarter was invented anew."""
    frame = table()
    other = frame.copy()
    late = other["session"] >= STARTS[3]
    other.loc[late, "value_add"] = -50.0 * other.loc[late, "value_add"]
    whole, cut, changed = (ss.walk_forward(read(f), PLAN, seed=7) for f in (frame, frame[~late], other))
    made = ["quarter", "trader", "skill", "skill_sd", "raw"]
    early = whole.table["quarter"] < "2025Q4"
    assert early.sum() == 3 + 4
    pd.testing.assert_frame_equal(whole.table[early].reset_index(drop=True), cut.table, check_exact=True)
    pd.testing.assert_frame_equal(whole.table[made], changed.table[made], check_exact=True)
    assert not np.allclose(whole.table.loc[~early, "outcome_score"], changed.table.loc[~early, "outcome_score"])


def test_newcomers_are_counted_and_have_no_forecast() -> None:
    walk = ss.walk_forward(read(table()), PLAN, seed=7)
    assert walk.newcomers == 1
    assert set(walk.table.loc[walk.table["quarter"] == "2025Q2", "trader"]) == {"T1", "T2", "T3"}
    assert set(walk.table.loc[walk.table["quarter"] == "2025Q4", "trader"]) == {"T2", "T3", "T4"}
    assert all(q["traders"] >= 3 for q in walk.quarters)
    assert "no skill" not in str(walk)
    assert "log score against zero" in str(walk)
    assert not any(name in str(walk.plain()) for name in ("T1", "T2", "T3", "T4"))  # nothing about a single trader


def test_the_same_seed_gives_the_same_table_whatever_the_cores() -> None:
    one, two = (ss.walk_forward(read(table(quarters=2)), PLAN, seed=3, cores=c) for c in (1, 2))
    pd.testing.assert_frame_equal(one.table, two.table, check_exact=True)


def test_a_quarter_with_few_traders_or_few_sessions_is_not_scored() -> None:
    few = ss.walk_forward(read(table()[lambda f: f["trader"].isin(["T1", "T2"])]), PLAN)
    assert not few.plain()["available"]
    assert "2 active traders with a past, at least 3 needed" in few.plain()["why"]
    short = table(quarters=2)
    stub = ss.walk_forward(read(short[(short["session"] < STARTS[1]) | (short["session"] < "2025-04-05")]), PLAN)
    assert dict(stub.skipped) == {"2025Q2": "4 sessions, at least 5 needed"}


def test_refusals_say_what_to_do() -> None:
    undated = table().assign(session=lambda f: "item " + f["session"])
    with pytest.raises(UsageError, match="no dates, so calendar quarters do not exist; give sessions as YYYY-MM-DD"):
        ss.walk_forward(read(undated), PLAN)
    with pytest.raises(UsageError, match="one calendar quarter"):
        ss.walk_forward(read(table(quarters=1)), PLAN)
    with pytest.raises(UsageError, match=r"does not cover .*drift"):
        ss.walk_forward(read(table()), PLAN, model="dynamic")
    assert "does not cover" in why_not_walked(read(table()), ss.read_spec("heavy_scale"))
    assert why_not_walked(read(table()), ss.read_spec("crossed_total")) == ""


def test_quarters_of_sessions_in_one_quarter_have_a_name() -> None:
    found = with_quarters(read(table(quarters=1)))
    assert found is not None
    assert found.levels("quarter") == ("2025Q1",)
    assert found.code("quarter").max() == 0


def _dense(evidence: Evidence, rows: np.ndarray, fit: ss.Fit, draw: int) -> np.ndarray:
    """Covariance of some rows around their means, written out."""
    s, j, r = evidence.session[rows], evidence.trader[rows], evidence.regime[rows]
    same = s[:, None] == s
    own = fit.draws("s_U")[draw][j] ** 2
    return np.diag(fit.draws("sigma")[draw][j, r] ** 2) + same * fit.draws("s_V")[draw] ** 2 + same * (j[:, None] == j) * own


def _fit() -> ss.Fit:
    evidence = make_evidence(sessions=40, per_day=3, seed=9)
    return make_fit(evidence, np.array([0.1, 0.0, -0.05]))


@pytest.mark.parametrize("scale", ["outcome", "money"])
def test_a_forecast_has_the_variance_of_the_rows_it_is_about(scale: str) -> None:
    """Of a quarter like the past, and of each rival's centre, from the covariance matrix of all rows.

    Residual variances enter as the mean of the trader's regimes; they differ by a percent here.
    """
    fit = _fit()
    evidence, draw = fit.evidence, 11
    made = {f.trader: f for f in forecasts(_first_draws(fit))}
    rows = np.flatnonzero(evidence.trader == 1)
    money = scale == "money"
    c = evidence.risk[rows] if money else np.full(len(rows), 1 / len(rows))
    noise = c @ _dense(evidence, rows, fit, draw) @ c
    result, own = result_of(evidence, rows, None), made["T2"]
    assert result.weights[scale][3] == pytest.approx(c @ evidence.y[rows])
    mean, variance = (x[draw] for x in predictive(own, result, scale, "zero"))
    assert (mean, variance) == (0.0, pytest.approx(noise, rel=5e-3))
    mean, variance = (x[draw] for x in predictive(own, result, scale, "raw"))
    assert mean == pytest.approx(c @ evidence.y[rows])  # the quarter is the past, so the raw mean forecasts it as it was
    assert variance == pytest.approx(2 * noise, rel=5e-3)
    every = np.arange(len(evidence))
    each = evidence.risk if money else np.ones(len(evidence))
    times = len(rows) if money else 1.0
    pooled = each @ _dense(evidence, every, fit, draw) @ each / len(evidence) ** 2
    mean, variance = (x[draw] for x in predictive(own, result, scale, "pooled"))
    assert mean == pytest.approx(times * (each @ evidence.y) / len(evidence))
    assert variance == pytest.approx(noise + times**2 * pooled, rel=5e-3)
    theta = fit.draws("mu")[draw] + fit.draws("a")[draw, 1]
    mean, variance = (x[draw] for x in predictive(own, result, scale, "method"))
    if not money:
        assert (mean, variance) == (pytest.approx(theta), pytest.approx(noise, rel=5e-3))
        return
    covariance = np.mean((evidence.risk[rows] - evidence.risk[rows].mean()) * (evidence.y[rows] - evidence.y[rows].mean()))
    assert mean == pytest.approx(theta * evidence.risk[rows].sum() + len(rows) * covariance)
    assert variance > noise  # the sizing term has an error of its own


def _first_draws(fit: ss.Fit) -> ss.Fit:
    """The fit with its first 1,000 draws, which are all used."""
    from dataclasses import replace

    from xarray import DataTree

    cut = {k: fit.tree[k].to_dataset().isel(chain=slice(0, 2)) for k in ("posterior", "sample_stats")}
    return replace(fit, tree=DataTree.from_dict(cut))


def test_the_score_is_the_log_of_the_density_of_the_mixture() -> None:
    rng = np.random.default_rng(1)
    mean, variance = rng.normal(size=200), rng.uniform(0.5, 2, 200)
    assert log_score(mean, variance, 0.7) == pytest.approx(np.log(stats.norm.pdf(0.7, mean, np.sqrt(variance)).mean()))


def test_the_interval_is_students_over_quarters() -> None:
    values = [0.3, -0.1, 0.25, 0.4]
    low, high = stats.t.interval(0.9, 3, np.mean(values), stats.sem(values))
    found = mean_over_quarters(values)
    assert (found["q05"], found["q95"]) == (pytest.approx(low), pytest.approx(high))
    assert mean_over_quarters([0.3]) == {"mean": 0.3, "q05": None, "q95": None, "quarters": 1}
    assert mean_over_quarters([])["mean"] is None
    assert [verdict_on({"q05": a, "q95": b}) for a, b in ((0.1, 0.2), (-0.2, -0.1), (-1.0, 1.0), (None, None))] == [
        "better", "worse", "cannot tell", "cannot tell",
    ]  # fmt: skip
    assert rank_correlation([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]) is None


def test_the_summary_counts_quarters_and_not_traders() -> None:
    """Ten traders of one quarter and three of another weigh the same."""
    line: dict[str, Any] = {"decisions": 5, "skill": 0.0, "raw": 0.0}
    parts = []
    for quarter, traders, gain in (("2025Q2", 10, 1.0), ("2025Q3", 3, 0.0)):
        for k in range(traders):
            scores = {f"{s}_{n}": 0.0 for s in ("outcome", "money") for n in ("score_zero", "score_raw", "score_pooled")}
            scores |= {f"{s}_score": gain for s in ("outcome", "money")} | {f"{s}_pit": 0.96 for s in ("outcome", "money")}
            parts.append(line | scores | {"quarter": quarter, "outcome_observed": float(k), "skill": float(k), "raw": -float(k)})
    quarters = by_quarter(pd.DataFrame(parts))
    summary = summary_of(quarters)
    assert summary["outcome"]["zero"]["mean"] == 0.5
    assert summary["outcome"]["inside"] == 0  # .96 lies beyond the 95% point
    assert summary["forecasts"] == 13
    assert not summary["enough"]
    assert (summary["rank"]["method"]["mean"], summary["rank"]["raw"]["mean"]) == (1.0, -1.0)


def test_forecasts_come_from_the_rows_so_far_alone() -> None:
    evidence = read(table())
    spec = ss.read_spec("crossed_total")
    made = forecasts_after(up_to_quarter(evidence, 1), PLAN, spec, (5, 1, 1))
    assert [f.trader for f in made] == ["T1", "T2", "T3", "T4"]
    for f in made:
        rows = (evidence.trader == evidence.coords["trader"].index(f.trader)) & (evidence.code("quarter") <= 1)
        assert f.raw_rank == pytest.approx(evidence.y[rows].mean())
