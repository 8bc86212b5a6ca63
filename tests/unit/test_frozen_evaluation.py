"""What an evaluation makes of a plan that was frozen, or was not: floors, declared cells, readers."""

from __future__ import annotations

import dataclasses
import shutil
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pytest
from click.testing import CliRunner, Result

sys.path.insert(0, str(Path(__file__).parent))

from synthetic import make_evidence, make_fit

from skillstats.cli import main
from skillstats.cli.asked import Asked
from skillstats.cli.evaluate import run_evaluate
from skillstats.declared import Freeze, freeze_plan
from skillstats.errors import UsageError
from skillstats.evaluation.evaluate import evaluate
from skillstats.evaluation.result import Evaluation
from skillstats.evaluation.status import floors_in_force, plan_in_force
from skillstats.evidence import read_outcomes, to_evidence
from skillstats.ledger.build import build_ledger
from skillstats.ledger.write import read_ledger
from skillstats.plan import Floors, Plan
from skillstats.record.read import read_record
from skillstats.report.page import render_report
from skillstats.simulate import World, simulate_tables

FIRST = 1_000_000
CLAIM = np.array([0.3, 0.0, -0.3])


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(w) for w in words])


def freeze(plan: Plan, at: int) -> Freeze:
    return Freeze(digest=plan.digest, frozen_at=at, version="0.1.0", content=msgspec.to_builtins(plan))


def judged(plan: Plan, at: int | None, sessions: int = 12, **changes: Any) -> Evaluation:
    """An evaluation of a fit with seed 3, as the plan has to say, frozen at `at`."""
    evidence = make_evidence(sessions=sessions, context={"first_outcome": FIRST}, **changes)
    freezes = () if at is None else (freeze(plan, at),)
    return evaluate(make_fit(evidence, CLAIM), plan, freezes=freezes)


def row(found: Evaluation, trader: str, regime: str = "all") -> Any:
    return next(r for r in found.rows if (r["trader"], r["regime"]) == (trader, regime))


def codes(of: Any) -> dict[str, str]:
    return {c["code"]: c["action"] for c in of["codes"]}


LOW = Plan(horizon="close", seed=3, floors=Floors(days=10, n_eff=5.0, cell_days=5))


def test_a_floor_lowered_before_the_first_outcome_holds_and_who_needs_it_is_flagged() -> None:
    found = judged(LOW, FIRST - 1)
    assert found.plan["frozen"]["status"] == "before"
    assert found.plan["floors"] == {"days": 10, "n_eff": 5.0, "cell_days": 5}
    own, cell = row(found, "T1"), row(found, "T1", "calm")
    assert (own["days"], own["status"], codes(own)["E-FEW"]) == (12, "FLAG", "FLAG")
    assert (cell["days"], codes(cell)["E-FEW"]) == (6, "FLAG")
    assert own["ir_annual_mean"] is not None
    assert any("lowers floors.days from 20 to 10" in c for c in found.caveats)


@pytest.mark.parametrize(("at", "status"), [(FIRST, "after"), (FIRST + 1, "after"), (None, "never")])
def test_a_floor_lowered_too_late_does_not_hold_and_the_page_says_so(at: int | None, status: str) -> None:
    found = judged(LOW, at)
    assert found.plan["frozen"]["status"] == status
    assert found.plan["floors"] == {"days": 20, "n_eff": 30.0, "cell_days": 10}
    assert all(r["status"] == "WITHHOLD" for r in found.rows)
    assert "so 20 stands" in render_report(found, audience="head")


def test_who_passes_the_usual_floors_is_not_flagged_for_it() -> None:
    found = judged(LOW, FIRST - 1, sessions=60)
    assert "E-FEW" not in codes(row(found, "T1"))
    assert "E-FEW" not in codes(row(found, "T1", "calm"))


def test_blocks_do_not_see_a_floor_that_may_not_be_lowered() -> None:
    state = evaluate(make_fit(make_evidence(), CLAIM), LOW).plan["frozen"]
    assert state["status"] == "never"
    from skillstats.declared import NEVER, FrozenState

    assert plan_in_force(LOW, "record", NEVER).floors == Floors()
    before = FrozenState("before", 1, LOW.digest, 2, "")
    assert plan_in_force(LOW, "record", before) == LOW
    assert floors_in_force(Plan(floors=Floors(days=50)), "record")[0].usual is None


def test_a_seed_that_is_not_the_frozen_one_is_a_difference() -> None:
    plan = Plan(horizon="close", seed=4)
    found = judged(plan, FIRST - 1, sessions=60)
    assert (found.plan["frozen"]["status"], found.plan["frozen"]["keys"]) == ("differs", ["seed"])
    assert "seed (4 frozen, 3 used)" in render_report(found, audience="head")


def test_a_claim_outside_the_declared_cells_is_a_hypothesis() -> None:
    plan = Plan(horizon="close", seed=3, primary=("T1", ("T1", "calm"), ("T9", "calm")))
    found = judged(plan, FIRST - 1, sessions=60)
    assert "W-PRIMARY" not in {**codes(row(found, "T1")), **codes(row(found, "T1", "calm"))}
    stressed = row(found, "T1", "stressed")
    assert stressed["p_above_hurdle"] >= 0.9 or stressed["status"] == "WITHHOLD"
    assert codes(stressed)["W-PRIMARY"] == "FLAG"
    assert codes(row(found, "T3"))["W-PRIMARY"] == "FLAG"  # harm is a claim too
    assert "W-PRIMARY" not in codes(row(found, "T2"))  # no claim, nothing to be careful about
    listed = [(h["trader"], h["regime"]) for h in found.lists["hypotheses"]]
    assert ("T1", "stressed") in listed
    assert ("T1", "calm") not in listed
    assert any("T9 in calm" in c and "without a row" in c for c in found.caveats)


def test_without_declared_cells_nothing_is_a_hypothesis() -> None:
    found = judged(Plan(horizon="close", seed=3), None, sessions=60)
    assert not any("W-PRIMARY" in codes(r) for r in found.rows)


def test_a_page_for_a_reader_the_plan_does_not_name_is_refused() -> None:
    found = judged(Plan(seed=3, audiences=("governance",)), None, sessions=60)
    with pytest.raises(UsageError, match="declares pages for governance only"):
        render_report(found, audience="head")
    named = judged(Plan(seed=3, audiences=("head",)), None, sessions=60)
    assert "Never frozen" in render_report(named, audience="head")


def test_the_first_outcome_of_outcomes_is_their_earliest_time() -> None:
    frame = pd.DataFrame({"trader": list("AABB"), "session": list("1212"), "value_add": [1.0, 3.0, -1.0, 1.0]})
    assert read_outcomes(frame).context["first_outcome"] is None
    times = ["2026-01-03T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-04T00:00:00Z", "2026-01-05T00:00:00Z"]
    assert read_outcomes(frame.assign(time=times)).context["first_outcome"] == pd.Timestamp(times[1]).value // 1000
    assert read_outcomes(frame.assign(time=[*times[:3], ""])).context["first_outcome"] is None


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("desk") / "record"
    tables, _ = simulate_tables(World(traders=3, sessions=30, signals_per_day=4.0, directional=()), seed=3)
    tables.write(folder)
    return folder


def test_the_first_outcome_of_a_ledger_is_the_earliest_mark_of_a_judged_row(desk: Path) -> None:
    ledger = build_ledger(read_record(desk))
    rows = ledger.rows
    early = pc.equal(rows["mark_time"], pc.min(rows["mark_time"]))
    blind = pc.if_else(early, None, rows["volatility"])  # without a volatility a row is not judged
    rows = rows.set_column(rows.column_names.index("volatility"), "volatility", blind)
    evidence = to_evidence(dataclasses.replace(ledger, rows=rows))
    frame = ledger.frame()
    own = frame[frame["is_intervention"].eq(True) & (frame["volatility"] > 0)]  # the desk is complete, and nothing is late
    first, second = sorted(own["mark_time"].unique())[:2]
    assert to_evidence(ledger).context["first_outcome"] == pd.Timestamp(first).value // 1000
    assert evidence.context["first_outcome"] == pd.Timestamp(second).value // 1000
    assert evidence.digest != to_evidence(ledger).digest


def test_freezes_travel_with_the_ledger_and_verify_lets_them(desk: Path, tmp_path: Path) -> None:
    shutil.copytree(desk, tmp_path / "record")
    freeze_plan(tmp_path / "record" / "plan.toml", at=FIRST)
    for _ in range(2):  # the second time it replaces the first
        built = run("ledger", tmp_path / "record", "--out", tmp_path / "ledger")
        assert built.exit_code == 0, built.output
    assert (tmp_path / "ledger" / "plan.frozen.json").read_bytes() == (tmp_path / "record" / "plan.frozen.json").read_bytes()
    assert run("verify", tmp_path / "ledger").exit_code == 0
    assert read_ledger(tmp_path / "ledger").digest == build_ledger(read_record(desk)).digest
    (tmp_path / "record" / "plan.frozen.json").write_text("{}")
    broken = run("ledger", tmp_path / "record", "--out", tmp_path / "other")
    assert (broken.exit_code, (tmp_path / "other").exists()) == (2, False)


def test_evaluate_finds_the_freezes_and_refuses_what_the_plan_rules_out(
    desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = build_ledger(read_record(desk))
    ledger.write(tmp_path / "ledger")
    plan = msgspec.structs.replace(ledger.plan, audiences=("governance",))
    heard: dict[str, Any] = {}

    def instead(*given: Any) -> Any:
        heard["freezes"] = given[-1].freezes
        raise UsageError("far enough")

    monkeypatch.setattr("skillstats.cli.evaluate.fit_and_write", instead)
    from skillstats.record.plan_text import plan_text

    (tmp_path / "q.toml").write_text(plan_text(plan))
    (tmp_path / "other.toml").write_text(plan_text(msgspec.structs.replace(ledger.plan, latency="PT1S")))
    freeze_plan(tmp_path / "q.toml", at=7)
    with pytest.raises(UsageError, match="far enough"):
        run_evaluate(tmp_path / "ledger", tmp_path / "out", Asked(engine="gibbs", plan=tmp_path / "q.toml"))
    assert [f.frozen_at for f in heard["freezes"]] == [7]
    with pytest.raises(UsageError, match="governance only"):
        run_evaluate(tmp_path / "ledger", tmp_path / "out", Asked(engine="gibbs", plan=tmp_path / "q.toml", audience=("head",)))
    with pytest.raises(UsageError, match=r"differs from the ledger's in \['latency'\]"):
        run_evaluate(tmp_path / "ledger", tmp_path / "out", Asked(engine="gibbs", plan=tmp_path / "other.toml"))
    with pytest.raises(UsageError, match="far enough"):
        run_evaluate(tmp_path / "ledger", tmp_path / "out", Asked(engine="gibbs"))
    assert heard["freezes"] == ()
    with pytest.raises(UsageError, match="far enough"):
        run_evaluate(tmp_path / "ledger", tmp_path / "out", Asked(engine="gibbs", frozen=tmp_path / "q.frozen.json"))
    assert [f.frozen_at for f in heard["freezes"]] == [7]
    with pytest.raises(UsageError, match="without --restates"):
        run_evaluate(tmp_path / "ledger", tmp_path / "out", Asked(engine="gibbs", restates_ledger=tmp_path / "ledger"))
