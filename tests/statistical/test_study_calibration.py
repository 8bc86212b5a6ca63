"""The small form of the calibration, and that it sees what it must.

Seeds are fixed. A correct engine fails one of the checks of a model with probability .01 on fresh seeds; an alarm is rerun once on a second preset
seed, as the command does, so a failure here is a defect (1e-4 a model). The planted defects are those of `skillstats.study.mutants`.
"""

import dataclasses

import pandas as pd
import pytest

from skillstats.spec import read_spec
from skillstats.study.calibration import calibrate_model
from skillstats.study.designs import BALANCED
from skillstats.study.engines import posterior
from skillstats.study.mutants import CONTROL, run_mutant
from skillstats.study.parts import ROOT, Settings
from skillstats.study.replicate import FAILED, Job, seeds
from skillstats.study.runner import Block, blocks, run_blocks
from skillstats.study.sbc import assess
from skillstats.study.worlds import draw_world

N = 200


def silent(_):
    pass


SMALL = Settings(release=False, workers=1, parts_folder=None, resume=False, say=silent)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["day_pooled", "crossed_total", "crossed_outcomes"])
def test_the_shipped_models_are_calibrated(model):
    found = calibrate_model(read_spec(model), "gibbs", SMALL, designs=(BALANCED,), replications=N)
    verdict = found.verdicts["balanced"]
    assert not found.defects, (found.defects, verdict.table.to_string())
    assert verdict.replications == N and verdict.failed <= 0.01
    assert {"theta", "ir_dec", "ir_ann", "tau_trader", "s_V", "s_U", "sigma", "gap", "loglik"} <= set(verdict.table["quantity"])
    assert (verdict.table["ess"] >= 297).all()


def test_traders_far_apart_beside_the_residual_leave_the_shock_where_it_is():
    # found by calibration: traders .8 apart and a session shock of 1.0 beside a residual of .22; s_U is .10, its prior HalfNormal(1). A sweep that
    # forgot the sessions' part of a shift between traders and sessions put s_U at 10 to 15
    spec = read_spec("crossed_outcomes")
    rng, engine_seed, _ = seeds(Job("sbc", spec, BALANCED, "gibbs", ROOT), 21)
    world = draw_world(spec, BALANCED, rng)
    draws = posterior(spec, world.evidence, BALANCED, engine="gibbs", seed=engine_seed).draws("s_U")[:, 0]
    assert abs(draws.mean() - world.truth["s_U"][0]) < 4 * draws.std() and draws.max() < 0.3


def judged(name, n, model="day_pooled"):
    job = Job(f"mutant-{name}", read_spec(model), BALANCED, "gibbs", ROOT, True)
    return assess(run_blocks(blocks(job, n, run_mutant), say=silent), release=False)


@pytest.mark.slow
def test_a_posterior_that_is_20_percent_too_narrow_is_caught():
    assert judged("narrow", N).alarms


@pytest.mark.slow
def test_the_right_program_raises_no_alarm_where_the_mutants_are_planted():
    assert judged(CONTROL, N).ok


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sign", "variance", "counted_twice", "no_trader_shock", "sessions_shifted", "index"])
def test_gross_defects_are_caught_by_few_replications(name):
    assert judged(name, 60).alarms


def test_results_do_not_depend_on_workers_and_survive_an_interruption(tmp_path):
    job = Job("sbc", read_spec("day_pooled"), BALANCED, "gibbs", 5)
    todo = [Block(job, start, start + 1) for start in range(3)]
    alone = run_blocks(todo, say=silent)
    # a first run that wrote two blocks of three, then two processes for what is left
    run_blocks(todo[:1], folder=tmp_path, say=silent)
    said = []
    together = run_blocks(todo, workers=2, folder=tmp_path, resume=True, say=said.append)
    pd.testing.assert_frame_equal(alone, together)
    assert "1 of 3 blocks read" in said[0]
    assert {p.stem for p in tmp_path.iterdir()} == {b.key for b in todo}


def test_blocks_of_another_seed_design_or_prior_have_other_files():
    job = Job("sbc", read_spec("day_pooled"), BALANCED, "nuts", 5)
    others = [
        dataclasses.replace(job, root=6),
        dataclasses.replace(job, design=dataclasses.replace(BALANCED, bets_per_year=26.0)),
        dataclasses.replace(job, spec=read_spec("crossed_total")),
        dataclasses.replace(job, study="grid"),
    ]
    assert len({Block(j, 0, 1).key for j in [job, *others]}) == 5


def test_failed_replicates_stay_in_the_denominator():
    job = Job("sbc", read_spec("day_pooled"), BALANCED, "gibbs", 5)
    rows = run_blocks([Block(job, 0, 4)], say=silent)
    broken = rows["replicate"] == 3
    lost = rows[broken].head(1).assign(quantity=FAILED, rank=-1, reason="R-hat")
    verdict = assess(pd.concat([rows[~broken], lost]), release=False)
    assert verdict.replications == 4 and verdict.failed == 0.25 and not verdict.ok
    assert (verdict.table["n"] == 3).all()
