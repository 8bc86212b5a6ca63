"""Simulated rulings are those of `evaluate`, and a small form of the desks through the whole program. Seeds are fixed on purpose."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from skillstats.evaluation.evaluate import evaluate
from skillstats.spec import read_spec
from skillstats.study.designs import Design
from skillstats.study.engines import plan_of, whole_fit
from skillstats.study.nulls import null_desk, skill_of
from skillstats.study.operating_judge import rule, sample
from skillstats.study.operating_shape import lay, shape_of
from skillstats.study.replicate import Job
from skillstats.study.whole_program import run_desk, summary, world_of
from skillstats.study.worlds import with_outcomes

SPEC = read_spec("crossed_total")


@pytest.mark.slow
def test_the_short_ruling_is_the_full_evaluations_on_desks_with_traders_near_the_line():
    design = Design("skilled", "balanced", traders=8, sessions=126, rows=3, regimes=2, actions=2, bets_per_year=400.0)
    plan, differ, cases, claims = plan_of(design), 0, 0, 0
    for number in range(3):
        blank = null_desk(replace(design, name="none"), np.random.default_rng(40 + number))
        theta = (1.0 + 0.5 * number) * skill_of(design)
        evidence = with_outcomes(blank, blank.y + theta[blank.trader])
        fit = whole_fit(SPEC, evidence, design, engine="gibbs", seed=number)
        rows = [r for r in evaluate(fit, plan).rows if r["regime"] == "all"]
        shown = [r["status"] != "WITHHOLD" for r in rows]
        skill = np.array([s and r["p_above_hurdle"] >= 0.9 for r, s in zip(rows, shown, strict=True)])
        harm = np.array([s and r["p_harm"] >= 0.9 for r, s in zip(rows, shown, strict=True)])
        laid = lay(shape_of(evidence), np.arange(len(evidence)), SPEC, plan)
        found = rule(laid, sample(laid, evidence.y, seed=900 + number))
        differ += int(np.sum(found.skill != skill) + np.sum(found.harm != harm))
        cases, claims = cases + 16, claims + int(skill.sum() + harm.sum())
    # a probability within .02 of .90 may fall on either side: of 48 rulings at most 3 may differ, and there must be claims to agree on
    assert differ <= 3 and claims >= 4, (differ, cases, claims)


def test_counts_through_the_whole_program_are_held_against_limits_and_against_what_is_printed():
    base = {"desk": 0, "seed": 1, "decisions": 9, "traders": 8, "withheld": 0, "harm_false": 0}
    null = [base | {"kind": "null", "skilled": 0, "claims_false": int(k < 3), "claims_true": 0} for k in range(40)]
    skilled = [base | {"kind": "skilled", "skilled": 4, "claims_false": 0, "claims_true": 2 + (k % 2)} for k in range(40)]
    share = {"error": 0.02, "desks": 100}
    printed = {
        "once": {"desk_skill": share | {"share": 0.05}, "desk_harm": share | {"share": 0.0}},
        "found": [{"ir": 3.0, "skill": share | {"share": 0.90}, "innocent_skill": share | {"share": 0.0}}],
    }
    table = summary(pd.DataFrame(null + skilled), printed).set_index("what")
    assert table.loc["null desks with a claim of skill", "share"] == 0.075 and table.loc["null desks with a claim of skill", "ok"]
    claimed = table.loc["skilled traders claimed"]
    assert claimed["share"] == 0.625 and claimed["ok"] and claimed["z"] < -4  # far from what is printed, and seen to be
    worse = summary(pd.DataFrame([r | {"claims_false": 1} for r in null[:9]] + null[9:]), printed)
    assert not worse["ok"].iloc[0]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["null", "skilled"])
def test_a_desk_goes_from_files_to_a_count(kind):
    job = Job("whole", SPEC, Design(kind, "record", traders=8, sessions=40), "gibbs", 3)
    row = run_desk(job, 0).iloc[0]
    assert row["traders"] == 8 and row["skilled"] == (4 if kind == "skilled" else 0)
    assert 40 * 8 < row["decisions"] < 3 * 40 * 8 and row["claims_true"] <= row["skilled"]
    assert world_of(kind).sessions == 252
    pd.testing.assert_frame_equal(run_desk(job, 0), run_desk(job, 0))
