"""The parts of a calibration beside the ranks: what each runs in either form, and what it calls a defect."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from skillstats.spec import read_spec
from skillstats.study import agreement, dependence, lookahead, misspecification, mutants, nulls, placebo_rates
from skillstats.study.contraction import contraction_table, rises
from skillstats.study.coverage import coverage_table, grid
from skillstats.study.designs import BALANCED
from skillstats.study.engines import default_engine
from skillstats.study.replicate import Job
from skillstats.study.runner import Block, Say, blocks, run_blocks
from skillstats.study.sbc import assess

ROOT: Final = 20260701


@dataclass(frozen=True, slots=True)
class Settings:
    """How to run: form, processes, folder of finished blocks (None keeps none), whether to go on, where words go."""

    release: bool
    workers: int
    parts_folder: Path | None
    resume: bool
    say: Say

    def run(self, todo: Sequence[Block]) -> pd.DataFrame:
        """Rows of blocks."""
        return run_blocks(todo, workers=self.workers, folder=self.parts_folder, resume=self.resume, say=self.say)


Part = Callable[[Settings], tuple[pd.DataFrame, list[str]]]


GRID_RELEASE: Final = {"day_pooled": 1000, "crossed_total": 500}
GRID_SMALL: Final = {"day_pooled": 100}


def coverage_part(settings: Settings) -> tuple[pd.DataFrame, list[str]]:
    """Coverage grid of `day_pooled` and, in the release form, of `crossed_total` in the cells with few traders.

    Thirty traders in a crossed model cost as much as all other parts together; SBC has the model in four designs already.
    """
    tables, contractions = [], []
    for name, n in GRID_RELEASE.items() if settings.release else GRID_SMALL.items():
        spec = read_spec(name)
        for design in grid(small=not settings.release, few=name != "day_pooled"):
            settings.say(f"coverage {name} {design.name}, N = {n}")
            rows = settings.run(blocks(Job("grid", spec, design, default_engine(spec), ROOT), n))
            tables.append(coverage_table(rows))
            contractions.append(contraction_table(rows))
    covered, narrowed = pd.concat(tables, ignore_index=True), pd.concat(contractions, ignore_index=True)
    bad = [
        f"coverage {r.model} {r.design} {r.quantity} {r.level}: {r.coverage:.3f}" for r in covered[~covered["ok"]].itertuples()
    ]
    bad += [
        f"z-scores {r.model} {r.design} {r.quantity}: {r.mean_z:.3f}, {r.sd_z:.3f}"
        for r in narrowed[~narrowed["ok"]].itertuples()
    ]
    bad += [] if rises(narrowed) else ["contraction does not rise with the number of decisions"]
    covered["level"] = covered["level"].map("coverage_{:.2f}".format)
    wide = covered.pivot_table(index=["model", "design", "quantity", "n"], columns="level", values="coverage").reset_index()
    return wide.merge(narrowed.drop(columns=["n", "ok"]), on=["model", "design", "quantity"]), bad


def misspecification_part(settings: Settings) -> tuple[pd.DataFrame, list[str]]:
    """The suite, 200 desks a case (60 in the small form)."""
    n = 200 if settings.release else 60
    todo = []
    for case in misspecification.SUITE.values():
        spec = read_spec(case.model)
        todo += blocks(Job("misspecification", spec, case.design, default_engine(spec), ROOT), n, misspecification.run_case)
    table = misspecification.suite_table(settings.run(todo))
    return table, [f"misspecification {r.case}: {r.value:.3f}" for r in table[~table["ok"]].itertuples()]


def nulls_part(settings: Settings) -> tuple[pd.DataFrame, list[str]]:
    """200 desks a kind and 20 of the many-trader kinds; 10 and 3 in the small form."""
    todo = []
    for name, design in nulls.DESIGNS.items():
        spec = read_spec(nulls.MODEL_OF[name])
        n = (20 if settings.release else 3) if name.startswith("many") else (200 if settings.release else 10)
        todo += blocks(Job("nulls", spec, design, default_engine(spec), ROOT), n, nulls.run_null)
    table = nulls.null_table(settings.run(todo))
    bad = [f"nulls {r.design}: {r.share:.3f}" for r in table[~table["ok"]].itertuples()]
    return table, bad + (["nulls: the largest posterior mean grows with the number of traders"] if nulls.grows(table) else [])


def mutants_part(settings: Settings) -> tuple[pd.DataFrame, list[str]]:
    """Every planted defect and the control on `day_pooled`: 500 replications (200 in the small form, but for
    lost correlations, which only the gap and the log likelihood see, and only with 500).
    """
    spec = read_spec("day_pooled")
    lines = []
    for name in (mutants.CONTROL, *mutants.MUTANTS):
        n = 500 if settings.release else mutants.MUTANTS[name].least if name in mutants.MUTANTS else 200
        job = Job(f"mutant-{name}", spec, BALANCED, default_engine(spec), ROOT, True)
        verdict = assess(settings.run(blocks(job, n, mutants.run_mutant)), release=False)
        smallest = float(verdict.table["p_value"].min())
        text = "the right program" if name == mutants.CONTROL else mutants.MUTANTS[name].text
        caught = bool(verdict.alarms)
        lines.append({"mutant": name, "text": text, "n": n, "caught": caught, "by": ", ".join(verdict.alarms), "smallest_p": smallest})  # fmt: skip
    table = pd.DataFrame(lines)
    wrong = table[table["caught"] == (table["mutant"] == mutants.CONTROL)]
    return table, [f"mutant {r.mutant}: {'alarm' if r.caught else 'not caught'}" for r in wrong.itertuples()]


def dependence_part(settings: Settings) -> tuple[pd.DataFrame, list[str]]:
    """The dependence table, 160 desks a scenario (20 in the small form)."""
    n, spec = (160 if settings.release else 20), dependence.table_spec(read_spec("crossed_total"))
    todo = [
        b
        for d in dependence.designs()
        for b in blocks(Job("dependence", spec, d, default_engine(spec), ROOT), n, dependence.run_dependence)
    ]
    table = dependence.dependence_table(settings.run(todo))
    return table, [f"dependence {r.scenario} {r.method} {r.traders}: {r.coverage:.3f}" for r in table[~table["ok"]].itertuples()]


def placebo_part(settings: Settings) -> tuple[pd.DataFrame, list[str]]:
    """Rejection rates of the placebo, 1,000 years a mechanism (40 in the small form, which is too few to judge)."""
    n = 1000 if settings.release else 40
    settings.say(f"placebo, {n} years of each mechanism")
    table = placebo_rates.placebo_rates(n)
    return table, placebo_rates.misses(table) if settings.release else []


def lookahead_part(settings: Settings) -> tuple[pd.DataFrame, list[str]]:
    """Regime labels with and without look-ahead: 1,000 worlds of two kinds, 200 in the small form."""
    count = 1000 if settings.release else 200
    todo = lookahead.plan_of(count, count, ROOT)
    settings.say(f"lookahead: {count} worlds a kind")
    if settings.workers == 1:
        rows = [lookahead.lookahead_rows(worlds) for worlds in todo]
    else:
        with ProcessPoolExecutor(settings.workers, mp_context=multiprocessing.get_context("spawn")) as pool:
            rows = list(pool.map(lookahead.lookahead_rows, todo))
    table = lookahead.lookahead_table(pd.concat(rows, ignore_index=True))
    return table, lookahead.lookahead_defects(table)


def engines_part(settings: Settings) -> tuple[pd.DataFrame, list[str]]:
    """Gibbs against NUTS: 17 worlds of each of three models in long runs (one of each in the small form)."""
    n, todo = (17 if settings.release else 1), []
    for name in agreement.MODELS:
        # the mathematics of engine gibbs covers both: the density that NUTS draws from and the first draws of Gibbs
        todo += blocks(Job("engines", read_spec(name), BALANCED, "gibbs", ROOT, settings.release), n, agreement.run_agreement)
    table = agreement.agreement_table(settings.run(todo))
    bad = table[~table["ok"]]
    return table, [f"engines {r.model}: {r.shift_rms:.3f} sds, P {r.probability_max:.3f}" for r in bad.itertuples()]


PARTS: Final[Mapping[str, Part]] = {
    "coverage": coverage_part,
    "misspecification": misspecification_part,
    "nulls": nulls_part,
    "mutants": mutants_part,
    "dependence": dependence_part,
    "placebo": placebo_part,
    "lookahead": lookahead_part,
    "engines": engines_part,
}
"""Name of a part to its function from settings to a table and sentences of defects."""
