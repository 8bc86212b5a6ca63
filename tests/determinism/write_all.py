"""Writes what an evaluation can write: ledger, evaluation, the pages and tables of all five readers, contests and an export.

    python tests/determinism/write_all.py FOLDER

Started by `test_pages.py` in an environment of its own (time zone, hash seed, language, day of the clock); prints that clock's day. The desk is the
small one of the search for planted strings; what is stamped with a time by contract (minutes, contests) is given one.
"""

from __future__ import annotations

import dataclasses
import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pages"))

import planted

import skillstats as ss
from skillstats.cli.asked import Fitting
from skillstats.cli.evaluate import fit_and_write
from skillstats.evaluation.contest import contest
from skillstats.evaluation.contests import keep_contest, read_contests
from skillstats.evaluation.export import Wanted, export_evaluation
from skillstats.evaluation.restate import read_earlier
from skillstats.evidence import to_evidence
from skillstats.ledger.containers import Ledger
from skillstats.report.page import AUDIENCES, write_own_pages, write_report
from skillstats.report.readers import READERS

AT = 1_780_000_000_000_000
"""When everything was decided and contested, UTC microseconds."""
SEED, DRAWS, DESKS = 3, 1000, 2


def write_evaluations(folder: Path, ledger: Ledger) -> Path:
    """A first evaluation with minutes, and the one that restates it, with error rates and what came of the minutes."""
    evidence, first, second = to_evidence(ledger), folder / "first", folder / "evaluation"
    how = Fitting(model="crossed_total", engine="gibbs", seed=SEED, draws=DRAWS, check=False, ledger=ledger, only=(), operating=0)
    fit_and_write(evidence, ledger.plan, first, how)
    for k in range(1, planted.TRADERS + 1):
        words = {"why": planted.mark("note", k), "by": planted.mark("role", k)}
        ss.add_minutes(first, trader=planted.mark("id", k), decision="keep", at=AT + k, **words)
    changed = {"draws": DRAWS + 200, "only": None, "operating": DESKS, "minutes": tuple(ss.read_minutes(first))}
    earlier = read_earlier(first, folder / "ledger")
    fit_and_write(evidence, ledger.plan, second, dataclasses.replace(how, earlier=earlier, **changed))
    return second


def write_contest(evaluation: Path, ledger: Ledger) -> None:
    """The first vetoed row is contested."""
    row = next(r for r in ledger.rows.to_pylist() if r["action"] == "VETO" and r["status"] == "CLOSED")
    keep_contest(evaluation, contest(evaluation, ledger, row=row["signal_id"], note="the desk\u2019s, not mine", at=AT))


def write_readers(evaluation: Path, ledger: Ledger, folder: Path) -> None:
    """Every reader's pages with their data and tables."""
    found, contests = ss.read_evaluation(evaluation), read_contests(evaluation)
    decided = ss.read_minutes(evaluation.with_name("first"))
    for name in AUDIENCES:
        if READERS[name].needs_trader:
            write_own_pages(found, ledger, folder / name, audience=name, contests=contests)
        else:
            write_report(found, audience=name, path=folder / f"{name}.html", ledger=ledger, contests=contests, minutes=decided)


def main(folder: Path) -> None:
    ledger = planted.planted_ledger()
    ledger.write(folder / "ledger")
    evaluation = write_evaluations(folder, ledger)
    write_contest(evaluation, ledger)
    (folder / "pages").mkdir()
    write_readers(evaluation, ledger, folder / "pages")
    wanted = Wanted(("desks", "models", "signals"), seed=1)
    export_evaluation(evaluation, folder / "export", key=folder / "key.json", ledger=folder / "ledger", wanted=wanted)
    print(datetime.now(UTC).date())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
