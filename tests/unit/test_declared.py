"""The life of a plan: complete, frozen, compared, and held against the first outcome."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from skillstats.cli import main
from skillstats.declared import Freeze, freeze_plan, frozen_path, frozen_state, plan_differences, read_freezes
from skillstats.declared.difference import EFFECTS, SECTIONS, STAGES, effects_of
from skillstats.errors import UsageError
from skillstats.plan import Asset, ColumnReading, Fees, Floors, Plan, Verdict, parse_plan, read_plan
from skillstats.record.plan_text import MEANING, plan_text

DAY = 86_400_000_000
PLAIN = b'horizon = "session+1"\n'


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(w) for w in words])


def write(folder: Path, text: bytes = PLAIN, name: str = "q3.toml") -> Path:
    path = folder / name
    path.write_bytes(text)
    return path


def made(plan: Plan, at: int, **changes: Any) -> Freeze:
    content = msgspec.to_builtins(plan)
    return Freeze(digest=plan.digest, frozen_at=at, version="0.1.0", content=content, **changes)


def test_every_key_of_the_plan_says_what_it_can_change() -> None:
    for place in MEANING:
        assert set(effects_of(place)) <= set(STAGES), place
    outside = {key for key in MEANING if "." not in key}
    assert outside <= set(EFFECTS)
    assert {key.split(".")[0] for key in MEANING if "." in key} == set(SECTIONS)


OTHER: dict[str, Any] = {
    "name": "x", "period": ("2026-01-01", "2026-02-01"), "horizon": "close", "decay": ("PT1H",), "fill_model": "next_open",
    "latency": "PT1S", "currency": "EUR", "seed": 2, "asof_model": "strict", "supersede": "latest", "unfilled": "zero",
    "max_skew": "PT1S", "late_after": "PT1S", "as_of": "2026-01-01T00:00:00Z", "primary": ("T1",), "audiences": ("head",),
}  # fmt: skip


@pytest.mark.parametrize("key", sorted(OTHER))
def test_a_changed_key_is_the_one_difference(key: str) -> None:
    before, after = Plan(), msgspec.structs.replace(Plan(), **{key: OTHER[key]})
    (found,) = plan_differences(before, after)
    assert (found.key, found.after) == (key, msgspec.to_builtins(OTHER[key]))
    assert plan_differences(after, after) == ()
    assert before.digest != after.digest


def test_keys_of_sections_and_of_single_assets_are_named_in_full() -> None:
    before = Plan(fees=Fees(bps="0.4"), assets={"A": Asset(tick="0.01"), "B": Asset()})
    after = Plan(
        assets={"A": Asset(tick="0.05"), "C": Asset(lot="10")}, columns={"signals.side": ColumnReading(map={"B": "BUY"})}
    )
    found = {d.key: (d.before, d.after) for d in plan_differences(before, after)}
    assert found == {
        "fees.bps": ("0.4", "0"),
        'assets."A".tick': ("0.01", "0.05"),
        'assets."B"': ("declared", None),
        'assets."C"': (None, "declared"),
        'assets."C".lot': (None, "10"),
        'columns."signals.side"': (None, "declared"),
        'columns."signals.side".map': ({}, {"B": "BUY"}),
    }


def test_the_seed_reaches_the_fit_and_the_hurdle_only_the_verdict() -> None:
    found = {
        d.key: d.changes for d in plan_differences(Plan(), Plan(seed=2, verdict=Verdict(hurdle=0.5), name="x", horizon="close"))
    }
    assert found["seed"] == ("fit", "verdict", "pages")
    assert found["verdict.hurdle"] == ("verdict", "pages")
    assert found["name"] == ("pages",)
    assert found["horizon"] == STAGES


def test_a_frozen_plan_holds_everything_and_its_digest(tmp_path: Path) -> None:
    plan = write(tmp_path)
    done = freeze_plan(plan, at=5 * DAY)
    assert done.added and done.path == tmp_path / "q3.frozen.json" == frozen_path(plan)
    raw = json.loads(done.path.read_text())["freezes"][0]
    canonical = json.dumps(raw["content"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert raw["digest"] == hashlib.sha256(canonical.encode()).hexdigest() == read_plan(plan).digest
    assert raw["frozen_at"] == 5 * DAY
    assert set(raw["content"]) == {f.encode_name for f in msgspec.structs.fields(Plan)}


def test_freezing_again_appends_and_never_overwrites(tmp_path: Path) -> None:
    plan = write(tmp_path)
    first = freeze_plan(plan, at=DAY).path.read_bytes()
    assert not freeze_plan(plan, at=2 * DAY).added
    assert frozen_path(plan).read_bytes() == first
    write(tmp_path, b'horizon = "close"\n')
    second = freeze_plan(plan, at=3 * DAY)
    assert (second.count, [d.key for d in second.changed]) == (2, ["horizon"])
    assert [f.plan.horizon for f in read_freezes(second.path)] == ["session+1", "close"]
    write(tmp_path, b'horizon = "exit"\n')
    with pytest.raises(UsageError, match="set the clock right"):
        freeze_plan(plan, at=2 * DAY)


def test_a_plan_without_a_horizon_is_frozen_only_with_the_statement(tmp_path: Path) -> None:
    plan = write(tmp_path, b"seed = 1\n")
    with pytest.raises(UsageError, match="no horizon"):
        freeze_plan(plan, at=DAY)
    assert not frozen_path(plan).exists()
    assert freeze_plan(plan, at=DAY, horizon_from_signals=True).freeze.horizon_from_signals
    with pytest.raises(UsageError, match="does not come from the signals"):
        freeze_plan(write(tmp_path), at=DAY, horizon_from_signals=True)


@pytest.mark.parametrize("change", ["value", "time", "format", "nothing left", "no json"])
def test_a_file_of_freezes_that_was_changed_is_refused(tmp_path: Path, change: str) -> None:
    plan = write(tmp_path)
    freeze_plan(plan, at=2 * DAY)
    write(tmp_path, b'horizon = "close"\n')
    path = freeze_plan(plan, at=3 * DAY).path
    content = json.loads(path.read_text())
    if change == "value":
        content["freezes"][0]["content"]["seed"] = 7
    elif change == "time":
        content["freezes"][1]["frozen_at"] = DAY
    elif change == "format":
        content["format"] = 9
    elif change == "nothing left":
        content["freezes"] = []
    path.write_text("{" if change == "no json" else json.dumps(content))
    with pytest.raises(UsageError, match=r"q3\.frozen\.json"):
        read_freezes(path)


def test_a_plan_frozen_by_an_older_version_is_completed_by_the_defaults() -> None:
    content = msgspec.to_builtins(Plan(horizon="close"))
    del content["primary"], content["audiences"]
    digest = hashlib.sha256(msgspec.json.encode(content, order="deterministic")).hexdigest()
    old = Freeze(digest=digest, frozen_at=DAY, version="0.0.1", content=content)
    assert old.plan == Plan(horizon="close")
    assert frozen_state([old], Plan(horizon="close"), 2 * DAY).status == "before"
    with pytest.raises(UsageError, match="use the version that froze it"):
        _ = Freeze(digest="", frozen_at=0, version="9", content={"later": 1}).plan


PLAN = Plan(horizon="close")
OTHER_PLAN = Plan(horizon="close", seed=9)


@pytest.mark.parametrize(
    ("freezes", "first", "status", "keys"),
    [
        ([], 5 * DAY, "never", ()),
        ([made(PLAN, 4 * DAY)], 5 * DAY, "before", ()),
        ([made(PLAN, 5 * DAY)], 5 * DAY, "after", ()),  # at the very instant it could be known
        ([made(PLAN, 6 * DAY)], 5 * DAY, "after", ()),
        ([made(OTHER_PLAN, 4 * DAY)], 5 * DAY, "differs", ("seed",)),
        ([made(OTHER_PLAN, 6 * DAY)], 5 * DAY, "differs", ("seed",)),
        ([made(OTHER_PLAN, 3 * DAY), made(PLAN, 4 * DAY)], 5 * DAY, "before", ()),
        ([made(PLAN, 3 * DAY), made(OTHER_PLAN, 4 * DAY)], 5 * DAY, "differs", ("seed",)),  # replaced in time: it is not in force
        ([made(PLAN, 4 * DAY), made(OTHER_PLAN, 6 * DAY)], 5 * DAY, "before", ()),
        ([made(OTHER_PLAN, 4 * DAY), made(PLAN, 6 * DAY)], 5 * DAY, "differs", ("seed",)),  # changed after the outcomes
        ([made(PLAN, 4 * DAY)], None, "unknown", ()),
        ([made(OTHER_PLAN, 4 * DAY)], None, "differs", ("seed",)),
        ([], None, "never", ()),
    ],
)
def test_the_plan_in_force_is_the_last_one_frozen_before_the_first_outcome(
    freezes: list[Freeze], first: int | None, status: str, keys: tuple[str, ...]
) -> None:
    found = frozen_state(freezes, PLAN, first)
    assert (found.status, found.keys, found.first_outcome, found.freezes) == (status, keys, first, len(freezes))
    assert all(key in found.text for key in keys)


def test_a_model_file_that_was_changed_after_the_freeze_is_another_model() -> None:
    freeze = made(Plan(horizon="close"), DAY, model_digest="a" * 64)
    assert frozen_state([freeze], PLAN, 2 * DAY, "a" * 64).status == "before"
    changed = frozen_state([freeze], PLAN, 2 * DAY, "b" * 64)
    assert (changed.status, changed.keys) == ("differs", ("model.name",))


def test_the_commands_from_a_new_plan_to_a_changed_one(tmp_path: Path) -> None:
    plan = tmp_path / "q3.toml"
    assert run("plan", "new", plan).exit_code == 0
    assert plan.read_text() == plan_text(Plan(horizon="session+1"))
    refused = run("plan", "new", plan)
    assert (refused.exit_code, "exists" in refused.output) == (2, True)
    frozen = run("plan", "freeze", plan)
    assert frozen.exit_code == 0
    assert read_plan(plan).digest in frozen.output
    assert "clock of this machine" in frozen.output
    assert "somebody outside" in frozen.output
    assert "nothing was written" in run("plan", "freeze", plan).output
    plan.write_text(plan.read_text().replace("hurdle = 0.25", "hurdle = 0.1"))
    shown = run("plan", "show", plan).output
    assert "it was changed since" in shown
    assert "verdict.hurdle = 0.1, default 0.25; can change: verdict, pages" in shown
    assert parse_plan(shown.split("every key:\n\n")[1].encode()) == read_plan(plan)
    told = run("plan", "diff", frozen_path(plan), plan).output
    assert "verdict.hurdle: 0.25 -> 0.1; can change: verdict, pages" in told
    assert "no key differs" in run("plan", "diff", plan, plan).output


def test_the_horizon_of_the_signals_is_stated_on_the_command_line(tmp_path: Path) -> None:
    plan = write(tmp_path, b"seed = 1\n")
    refused = run("plan", "freeze", plan)
    assert (refused.exit_code, "--horizon-from-signals" in refused.output) == (2, True)
    assert run("plan", "freeze", plan, "--horizon-from-signals").exit_code == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'primary = ["T1", "T1"]', "twice"),
        (b'primary = [["T1", "all"]]', "write the trader alone"),
        (b'primary = [["T1", ""]]', "must have names"),
        (b'audiences = ["head", "head"]', "twice"),
        (b'audiences = ["boss"]', "boss"),
    ],
)
def test_cells_and_audiences_that_mean_nothing_are_refused(text: bytes, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_plan(text)


def test_lower_floors_are_readable_and_five_is_the_least() -> None:
    assert parse_plan(b"[floors]\ndays = 5\nn_eff = 5.0\ncell_days = 5").floors == Floors(days=5, n_eff=5.0, cell_days=5)
    with pytest.raises(UsageError, match="days"):
        parse_plan(b"[floors]\ndays = 4")
