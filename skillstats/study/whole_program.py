"""Desks without skill, and with it, through the whole program: how often is skill claimed that is not there, and found that is?

Each desk is a year of 8 traders as a firm would hand it in: market prices, signals, actions and fills (`simulate`), written to a folder and
read through the front door, priced by the ledger, turned into evidence, fitted by the Gibbs engine with every gate and its automatic rerun,
and judged by `evaluate`. A claim of skill is P(IR > hurdle) >= certainty in a row of status REPORT or FLAG.

* ``null``: nobody has skill. Of 200 desks at most 18 may carry a claim (chance .006 if the true rate is .05).
* ``skilled``: four of the eight have an annual IR of 3. At least 60% of them must be claimed, else the first check is empty.

Beside the counts stand the error rates that `evaluate` would print for the first desk without skill: they must agree within the Monte-Carlo error of
both. Run ``python -m skillstats.study.whole_program --help``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click
import numpy as np
import pandas as pd
from scipy import stats

from skillstats.evaluation.evaluate import evaluate
from skillstats.evidence import Evidence, to_evidence
from skillstats.inference.container import Fit
from skillstats.inference.nuts import fit
from skillstats.ledger.build import build_ledger
from skillstats.plan import Plan
from skillstats.record.read import read_record
from skillstats.simulate.desk import simulate_tables
from skillstats.simulate.knobs import Regime
from skillstats.simulate.world import World
from skillstats.spec import read_spec
from skillstats.study.designs import Design
from skillstats.study.operating import operating_characteristics
from skillstats.study.replicate import Job, code_of
from skillstats.study.results import frame_markdown, write_json
from skillstats.study.runner import Block, run_blocks

ROOT: Final = 20261121
KINDS: Final[Mapping[str, tuple[float, ...]]] = {"null": (0.0,), "skilled": (3.0, 0.0)}
STATES: Final = (Regime(label="calm", share=0.75), Regime(label="stressed", share=0.25, volatility=1.4))
"""Market states of these desks, stated here so that the study does not change with the desk of the demo."""
BLOCK: Final = 4
"""Desks of one file of results."""
DRAWS: Final = 500
WORST_CHANCE: Final = 0.007
TRUE_RATE: Final = 0.05
LEAST_FOUND: Final = 0.60
DESKS_COMPARED: Final = 100


def world_of(kind: str, sessions: int = 252) -> World:
    """A desk of 8 with few signals a session, so that hundreds can be run: 2 decisions a trader and session, nobody directional."""
    return World(
        sessions=sessions,
        signals_per_day=2.5,
        override_rate=0.8,
        annual_ir=KINDS[kind],
        shuffle_skill=True,
        directional=(),
        regimes=STATES,
    )


def evidence_of(world: World, seed: int) -> tuple[Evidence, Plan, dict[str, float]]:
    """Evidence of a simulated desk, by way of its files; the plan in force; true annual IR by trader."""
    tables, truth = simulate_tables(world, seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        tables.write(Path(folder) / "record")
        ledger = build_ledger(read_record(Path(folder) / "record"))
    return to_evidence(ledger), ledger.plan, {t.trader: t.planted_annual_ir for t in truth.traders}


def fitted(evidence: Evidence, plan: Plan, seed: int) -> Fit:
    """The fit a user gets by ``--engine gibbs --draws 500``."""
    return fit("crossed_total", evidence, seed=seed, engine="gibbs", plan=plan, draws=DRAWS, tune=DRAWS, cores=1)


def run_desk(job: Job, replicate: int) -> pd.DataFrame:
    """One desk through the whole program: one row with counts, see `summary`."""
    seed = _seed(job.design.name, replicate, job.root)
    evidence, plan, true = evidence_of(world_of(job.design.name, job.design.sessions), seed)
    rows = [r for r in evaluate(fitted(evidence, plan, seed), plan).rows if r["regime"] == "all"]
    shown = [r for r in rows if r["status"] != "WITHHOLD"]
    claimed = [r["trader"] for r in shown if r["p_above_hurdle"] >= plan.verdict.certainty]
    harmed = [r["trader"] for r in shown if r["p_harm"] >= plan.verdict.certainty]
    return pd.DataFrame(
        [
            {
                "kind": job.design.name,
                "desk": replicate,
                "seed": seed,
                "decisions": len(np.unique(evidence.decision)),
                "traders": len(rows),
                "skilled": sum(v > 0 for v in true.values()),
                "withheld": len(rows) - len(shown),
                "claims_false": sum(true[t] <= 0 for t in claimed),
                "claims_true": sum(true[t] > 0 for t in claimed),
                "harm_false": len(harmed),
            }
        ]
    )


def summary(rows: pd.DataFrame, printed: Mapping[str, Any]) -> pd.DataFrame:
    """Counts by kind of desk against their limits and against the error rates `evaluate` prints.

    Returns
    -------
    columns what, cases, count, share, error, limit, ok, printed, printed_error, z : the difference of the two shares over its standard error; a share
    of traders counts the desk as the unit, and an error of 0 is that of the Wilson centre
    """
    table = []
    null, skilled = (rows[rows["kind"] == kind] for kind in KINDS)
    if len(null):
        most = int(stats.binom.isf(WORST_CHANCE, len(null), TRUE_RATE))
        table.append(
            _line("null desks with a claim of skill", null["claims_false"] > 0, printed["once"]["desk_skill"], most=most)
        )
        table.append(_line("null desks with a claim of harm", null["harm_false"] > 0, printed["once"]["desk_harm"]))
    if len(skilled):
        at_three = next(f for f in printed["found"] if f["ir"] == KINDS["skilled"][0])
        share = skilled["claims_true"] / skilled["skilled"]
        table.append(_line("skilled traders claimed", share, at_three["skill"], least=LEAST_FOUND))
        others = skilled["claims_false"] / (skilled["traders"] - skilled["skilled"])
        table.append(_line("others on their desks claimed", others, at_three["innocent_skill"]))
    return pd.DataFrame(table)


def _line(
    what: str, shares: pd.Series[Any], printed: Mapping[str, Any], *, most: int | None = None, least: float | None = None
) -> dict[str, Any]:
    own = shares.astype(float).to_numpy()
    share, desks = float(own.mean()), len(own)
    error = float(np.hypot(own.std(ddof=1) / np.sqrt(desks) if desks > 1 else 0.0, 0.5 / desks))
    other = float(np.hypot(printed["error"], 0.5 / printed["desks"]))
    ok = own.sum() <= most if most is not None else share >= (least or 0.0)
    return {
        "what": what,
        "desks": desks,
        "share": share,
        "error": error,
        "limit": most / desks if most is not None else least if least is not None else float("nan"),
        "ok": bool(ok),
        "printed": printed["share"],
        "printed_error": other,
        "z": (share - printed["share"]) / float(np.hypot(error, other)),
    }


def _seed(kind: str, desk: int, root: int) -> int:
    """Seed of one desk, for its world and its fit."""
    key = (code_of("whole"), code_of(kind), desk)
    return int(np.random.SeedSequence(root, spawn_key=key).generate_state(1, np.uint32)[0])


def jobs(desks: int, sessions: int = 252, root: int = ROOT) -> list[Block]:
    """Blocks of both kinds, in turns, so that an interrupted run has some of each."""
    spec = read_spec("crossed_total")
    found = []
    for start in range(0, desks, BLOCK):
        for kind in KINDS:
            job = Job("whole", spec, Design(kind, "record", traders=8, sessions=sessions), "gibbs", root)
            found.append(Block(job, start, min(start + BLOCK, desks), run_desk))
    return found


@click.command()
@click.option("--desks", type=click.IntRange(min=1), default=200, show_default=True, help="Desks of each kind.")
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes; never change a figure.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for blocks, table and report.")
@click.option("--resume", is_flag=True, help="Read the blocks that are already there.")
@click.option("--seed", type=click.IntRange(min=0), default=ROOT, show_default=True)
def main(desks: int, workers: int, out: Path, resume: bool, seed: int) -> None:
    """Desks without skill, and with it, through the whole program; exits 1 where a limit is missed."""
    rows = run_blocks(jobs(desks, root=seed), workers=workers, folder=out / "parts", resume=resume, say=click.echo)
    own = _seed("null", 0, seed)
    evidence, plan, _ = evidence_of(world_of("null"), own)
    printed = operating_characteristics(fitted(evidence, plan, own), plan, desks=DESKS_COMPARED, workers=workers)
    table = summary(rows, printed)
    rows.to_parquet(out / "desks.parquet", index=False)
    write_json(out / "printed.json", printed)
    (out / "report.md").write_text(frame_markdown(table), encoding="utf-8", newline="\n")
    click.echo(table.to_string())
    if not table["ok"].all():
        raise SystemExit(1)


if __name__ == "__main__":
    main()
