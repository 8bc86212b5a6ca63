"""One command: ``python -m skillstats.study.calibration`` and ``skillstats calibrate``.

The small form finds gross errors in minutes (`day_pooled` and `crossed_total`, balanced design, N = 200, and the planted defects). The
release form is every model: by Gibbs in four designs of N = 1,000, by NUTS in a small one of N = 250; the coverage grid, the misspecification suite, null desks,
planted defects and the dependence table; it takes hours, says so as it goes, and goes on where it stopped with ``--resume``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from skillstats.errors import UsageError
from skillstats.spec import ModelSpec, list_specs, read_spec
from skillstats.study.designs import BALANCED, RELEASE_DESIGNS, SMALL, Design
from skillstats.study.engines import ENGINES, covers, default_engine
from skillstats.study.parts import PARTS, Settings
from skillstats.study.plots import plot_ranks
from skillstats.study.replicate import Job
from skillstats.study.results import Calibration, frame_markdown, markdown, write_json
from skillstats.study.runner import Say, blocks, run_blocks
from skillstats.study.sbc import Verdict, alpha_of, assess

SMALL_MODELS: Final = ("day_pooled", "crossed_total")
SMALL_N: Final = 200
RELEASE_N: Final[Mapping[str, int]] = {"gibbs": 1000, "nuts": 250}
DESIGNS_OF: Final[Mapping[str, tuple[Design, ...]]] = {"gibbs": RELEASE_DESIGNS, "nuts": (SMALL,)}
"""Designs of the release form by engine: one fit by NUTS costs thirty by Gibbs."""
ROOT, SECOND_ROOT = 20260701, 20260702
"""Seeds of the first run and of the rerun after an alarm, preset."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run of the command found. defects : sentences; empty where everything passed."""

    calibrations: tuple[Calibration, ...]
    tables: Mapping[str, pd.DataFrame]
    defects: tuple[str, ...]


def calibrate_model(
    spec: ModelSpec,
    engine: str,
    settings: Settings,
    *,
    designs: Sequence[Design],
    replications: int,
) -> Calibration:
    """Simulation-based calibration of one model; a design with an alarm is rerun once on the second seed."""
    release = settings.release
    many = release and len(designs) > 1  # one design alone is tested at the level of its own quantities
    rows, verdicts, again = [], {}, {}
    for design in designs:
        first = _run(Job("sbc", spec, design, engine, ROOT, release), replications, settings)
        rows.append(first)
        verdicts[design.name] = assess(first, release=many)
        if not verdicts[design.name].ok:
            settings.say(f"{spec.name} {design.name}: {_why(verdicts[design.name])}; run again on the second seed")
            second = _run(Job("sbc", spec, design, engine, SECOND_ROOT, release), replications, settings)
            again[design.name] = assess(second, release=many)
    form = "release" if release else "small"
    return Calibration(spec, engine, form, ROOT, verdicts, again, pd.concat(rows, ignore_index=True))


def _run(job: Job, replications: int, settings: Settings) -> pd.DataFrame:
    settings.say(f"{job.study} {job.spec.name} {job.design.name}, engine {job.engine}, N = {replications}, root {job.root}")
    return run_blocks(
        blocks(job, replications),
        workers=settings.workers,
        folder=settings.parts_folder,
        resume=settings.resume,
        say=settings.say,
    )


def _why(verdict: Verdict) -> str:
    return f"alarm for {', '.join(verdict.alarms) or 'none'}, {verdict.failed:.1%} failed"


def calibrate(
    models: Sequence[str] = (),
    *,
    release: bool = False,
    engine: str | None = None,
    replications: int | None = None,
    workers: int = 1,
    out: Path | None = None,
    docs: Path | None = None,
    resume: bool = False,
    parts: Sequence[str] = (),
    say: Say = print,
) -> Outcome:
    """Calibrate models and write what was found.

    Parameters
    ----------
    models : names; default: two in the small form, all shipped ones in the release form
    release : form
    engine : ``gibbs`` or ``nuts``; default: gibbs for the models it covers, else nuts
    replications : of simulation-based calibration, a design; default 200, or 1,000 (gibbs) and 250 (nuts) in the release form
    workers : processes; results do not depend on it
    out : folder for ranks, JSON, tables and pictures; None writes nothing
    docs : folder of the documentation, to put the models' evidence and pictures in
    resume : go on where a run into the same `out` stopped
    parts : names of `PARTS` or ``sbc``; default: sbc and mutants, or everything in the release form

    Returns
    -------
    Outcome

    Raises
    ------
    UsageError
        If a part, an engine or a model does not exist, or the engine does not cover the model.
    """
    if resume and out is None:
        raise UsageError("resume needs the folder of the run to go on with; give out")
    wanted = tuple(parts) or (("sbc", *PARTS) if release else ("sbc", "mutants"))
    unknown = [p for p in wanted if p not in ("sbc", *PARTS)]
    if unknown:
        raise UsageError(f"part {unknown[0]!r}, must be one of {', '.join(('sbc', *PARTS))}")
    settings = Settings(release, workers, out / "parts" if out else None, resume, say)
    specs = [read_spec(m) for m in (models or (list_specs() if release else SMALL_MODELS))]
    calibrations, tables, found = [], {}, []
    if "sbc" in wanted:
        for spec in specs:
            own = _engine(spec, engine)
            n = replications or (RELEASE_N[own] if release else SMALL_N)
            c = calibrate_model(spec, own, settings, designs=DESIGNS_OF[own] if release else (BALANCED,), replications=n)
            found += [f"{spec.name} {design}: {', '.join(names)}" for design, names in c.defects.items()]
            _write(c, out, docs)
            calibrations.append(c)
    for name in wanted:
        if name != "sbc":
            tables[name], bad = PARTS[name](settings)
            found += bad
            _write_table(name, tables[name], out, docs)
    outcome = Outcome(tuple(calibrations), tables, tuple(found))
    if out is not None:
        (out / "report.md").write_text(report(outcome), encoding="utf-8")
    return outcome


def _engine(spec: ModelSpec, asked: str | None) -> str:
    if asked is not None and asked not in ENGINES:
        raise UsageError(f"engine={asked!r}, must be one of {', '.join(ENGINES)}")
    if asked == "gibbs" and not covers(spec):
        raise UsageError(f"engine gibbs does not cover {spec.name}; use nuts")
    return asked or default_engine(spec)


def evidence_name(spec: ModelSpec, engine: str) -> str:
    """Name of a model's evidence: the model's, followed by the engine where it is not the default one.

    Examples
    --------
    >>> evidence_name(read_spec("day_pooled"), "nuts"), evidence_name(read_spec("dynamic"), "nuts")
    ('day_pooled_nuts', 'dynamic')
    """
    return spec.name if engine == default_engine(spec) else f"{spec.name}_{engine}"


def evidence_names(name: str) -> tuple[str, ...]:
    """Names of all evidence that a shipped model may have, that of its default engine first.

    Examples
    --------
    >>> evidence_names("day_pooled"), evidence_names("propensity")
    (('day_pooled', 'day_pooled_nuts'), ('propensity',))
    """
    spec = read_spec(name)
    return tuple(dict.fromkeys(evidence_name(spec, engine) for engine in (default_engine(spec), "nuts")))


def _write(c: Calibration, out: Path | None, docs: Path | None) -> None:
    quantities = list(dict.fromkeys(c.rows["quantity"]))
    alphas = dict.fromkeys(quantities, alpha_of(len(quantities), release=c.form == "release" and len(c.verdicts) > 1))
    name = evidence_name(c.spec, c.engine)
    title = f"{c.spec.name}, engine {c.engine}: empirical minus uniform distribution of ranks, with the simultaneous band"
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        c.rows.to_parquet(out / f"ranks_{name}.parquet", index=False)
    for json_folder, picture_folder in ((out, out), (docs and docs / "models" / "evidence", docs and docs / "_static")):
        if json_folder is not None and picture_folder is not None:
            write_json(json_folder / f"{name}.json", c.evidence())
            plot_ranks(c.rows, alphas, picture_folder / f"sbc_{name}.svg", title)


def _write_table(name: str, table: pd.DataFrame, out: Path | None, docs: Path | None) -> None:
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        table.to_parquet(out / f"{name}.parquet", index=False)
    for folder in (out, docs and docs / "models" / "evidence"):
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.md").write_text(frame_markdown(table), encoding="utf-8", newline="\n")


def report(outcome: Outcome) -> str:
    """Everything a run found, as Markdown."""
    lines = ["# Calibration", ""]
    lines += [f"Defects: {'; '.join(outcome.defects) or 'none'}.", ""]
    for c in outcome.calibrations:
        lines += [f"## {c.spec.name}", "", markdown(c.evidence()), f"![ranks](sbc_{evidence_name(c.spec, c.engine)}.svg)", ""]
    for name, table in outcome.tables.items():
        lines += [f"## {name}", "", frame_markdown(table)]
    return "\n".join(lines)


def main() -> None:
    """The command of the module."""
    from skillstats.study.command import calibrate_command

    calibrate_command()


if __name__ == "__main__":
    main()
