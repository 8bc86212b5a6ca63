"""The command line without a fit: what it imports, what it refuses, how it exits."""

import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from skillstats.cli import main
from skillstats.simulate import World, simulate_tables

HEAVY = "{'pymc', 'pytensor', 'arviz', 'matplotlib', 'numba', 'pandas'}"


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    folder = tmp_path_factory.mktemp("desk") / "record"
    tables, _ = simulate_tables(World(traders=3, sessions=12, signals_per_day=4.0, directional=()), seed=3)
    tables.write(folder)
    return folder


def run(*words):
    return CliRunner().invoke(main, [str(w) for w in words])


@pytest.mark.parametrize(
    "what", ["import skillstats", "from skillstats.cli import main; main(['--help'], standalone_mode=False)"]
)
def test_importing_and_helping_loads_nothing_heavy(what):
    code = f"import sys\n{what}\nprint('loaded', sorted({HEAVY} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded []"


@pytest.mark.parametrize(("given", "threads"), [({}, 1), ({"OPENBLAS_NUM_THREADS": "2"}, 2)])
def test_the_command_line_runs_on_one_blas_thread_unless_told_otherwise(given, threads):
    """How many cores a machine has must neither cost time nor change a digit."""
    code = (
        "import skillstats.cli, numpy, threadpoolctl\n"
        "print([p['num_threads'] for p in threadpoolctl.threadpool_info() if p['internal_api'] == 'openblas'])"
    )
    named = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=named | given)
    found = json.loads(done.stdout)
    if not found:
        pytest.skip("this numpy has another library than OpenBLAS")
    assert set(found) == {min(threads, os.cpu_count() or 1)}


def test_public_names_load_and_simulate_is_the_function():
    import skillstats as ss

    for name in ss.__all__:
        assert getattr(ss, name) is not None
    record, truth = ss.simulate(ss.World(traders=2, sessions=5, directional=()), seed=1)
    assert ss.build_ledger(record).rows.num_rows == len(record.tables["signals"])
    assert len(truth.traders) == 2
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        ss.nonsense  # noqa: B018


def test_a_clean_record_checks_and_builds(desk, tmp_path):
    checked = run("check", desk)
    assert checked.exit_code == 0, checked.output
    assert "no problems found" in checked.output
    built = run("ledger", desk, "--out", tmp_path / "ledger")
    assert built.exit_code == 0, built.output
    names = {p.name for p in (tmp_path / "ledger").iterdir()}
    csv = {"ledger.csv", "kpis.csv", "quarantine.csv", "drops.csv"}
    assert names == {"ledger.parquet", "decisions.parquet", "slices.parquet", "books.parquet", "manifest.json", "rows.bin"} | csv
    assert run("verify", tmp_path / "ledger").exit_code == 0


def test_one_bad_row_exits_3_and_is_listed(desk, tmp_path):
    import shutil

    shutil.copytree(desk, tmp_path / "r")
    path = tmp_path / "r" / "actions.csv"
    lines = path.read_text().splitlines()
    column = lines[0].split(",").index("action")
    cells = lines[3].split(",")
    cells[column] = "MODIFY"
    lines[3] = ",".join(cells)
    path.write_text("\n".join(lines) + "\n")
    checked = run("check", tmp_path / "r", "--quarantine", tmp_path / "q.csv")
    assert checked.exit_code == 3, checked.output
    assert "D122" in checked.output
    assert "actions.csv:4" in checked.output
    assert "MODIFY" in (tmp_path / "q.csv").read_text()


def test_a_rejected_record_writes_nothing(desk, tmp_path):
    import shutil

    shutil.copytree(desk, tmp_path / "r")
    (tmp_path / "r" / "prices.csv").write_bytes(b"PK\x03\x04 not a table")
    done = run("ledger", tmp_path / "r", "--out", tmp_path / "ledger")
    assert done.exit_code == 2
    assert "F106 prices.csv" in done.output
    assert sorted(p.name for p in tmp_path.iterdir()) == ["r"]


def test_a_changed_ledger_is_named(desk, tmp_path):
    assert run("ledger", desk, "--out", tmp_path / "ledger").exit_code == 0
    path = tmp_path / "ledger" / "ledger.csv"
    path.write_text(path.read_text().replace("VETO", "VET0", 1))
    done = run("verify", tmp_path / "ledger")
    assert done.exit_code == 1
    assert "ledger.csv: changed" in done.output


def test_a_folder_of_somebody_else_is_left_alone(desk, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("x")
    done = run("ledger", desk, "--out", tmp_path / "mine")
    assert done.exit_code == 2
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["notes.txt"]
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("columns", ["trader", "trader=", "=x", "who=x", "trader=a,session=a,value_add=b"])
def test_columns_that_make_no_sense_are_refused_with_a_word(tmp_path, columns):
    (tmp_path / "o.csv").write_text("a,b,c\n1,2,3\n")
    done = run("evaluate", tmp_path / "o.csv", "--out", tmp_path / "e", "--columns", columns)
    assert done.exit_code == 2
    assert "Traceback" not in done.output
    assert not (tmp_path / "e").exists()


def test_a_record_of_followers_exits_4_because_skill_is_undefined(tmp_path):
    tables, _ = simulate_tables(World(traders=2, sessions=12, signals_per_day=3.0, override_rate=0.05, directional=()), seed=3)
    actions = tables.tables["actions"]
    keep = [i for i, a in enumerate(actions["action"]) if a == "ACCEPT"]
    kept = {sid for i in keep for sid in [actions["signal_id"][i]]}
    signals = tables.tables["signals"]
    chosen = [i for i, s in enumerate(signals["signal_id"]) if s in kept]
    fills = tables.tables["fills"]
    ids = {actions["action_id"][i] for i in keep}
    rows = [i for i, a in enumerate(fills["action_id"]) if a in ids]
    folder = tmp_path / "r"
    tables.write(folder)
    for name, table, index in (("signals", signals, chosen), ("actions", actions, keep), ("fills", fills, rows)):
        lines = [",".join(table)] + [",".join(table[c][i] for c in table) for i in index]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    done = run("evaluate", folder, "--out", tmp_path / "e")
    assert done.exit_code == 4, done.output
    assert not (tmp_path / "e").exists()


def test_models_are_listed_and_described():
    assert "crossed_total" in run("models").output
    described = run("models", "crossed_total").output
    assert "annual_ir" in described
    unknown = run("models", "crossed")
    assert unknown.exit_code == 2
    assert "crossed_total" in unknown.output


def test_the_keys_of_a_world_are_listed():
    lines = run("simulate", "--schema").output.splitlines()
    assert any(line.startswith("traders (") for line in lines)


def copied(desk, tmp_path):
    import shutil

    return shutil.copytree(desk, tmp_path / "r")


@pytest.mark.parametrize("change", ["no horizon", "no offsets"])
def test_a_record_without_one_usable_signal_says_why(desk, tmp_path, change):
    folder = copied(desk, tmp_path)
    if change == "no horizon":
        plan = folder / "plan.toml"
        plan.write_text("\n".join(x for x in plan.read_text().splitlines() if not x.startswith("horizon")))
    else:
        signals = folder / "signals.csv"
        signals.write_text(signals.read_text().replace("Z,", ","))
    done = run("check", folder)
    assert done.exit_code == 2
    assert ("D104 signals.csv:2" if change == "no horizon" else "D201 signals.csv:2") in done.output
    assert "Traceback" not in done.output


def test_nothing_that_stands_there_is_replaced_by_something_else(desk, tmp_path):
    folder = copied(desk, tmp_path)
    before = (folder / "signals.csv").read_bytes()
    assert run("check", folder, "--quarantine", folder / "signals.csv").exit_code == 2
    assert (folder / "signals.csv").read_bytes() == before
    assert run("ledger", folder, "--out", folder / "ledger").exit_code == 2
    assert run("ledger", folder, "--out", tmp_path / "l").exit_code == 0
    assert run("evaluate", tmp_path / "l", "--out", tmp_path / "l").exit_code == 2
    (tmp_path / "l" / "notes.txt").write_text("mine")
    again = run("ledger", folder, "--out", tmp_path / "l")
    assert again.exit_code == 2
    assert "notes.txt" in again.output
    assert (tmp_path / "l" / "notes.txt").read_text() == "mine"
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    assert run("ledger", folder, "--out", tmp_path / "dangling").exit_code == 2


def test_a_misspelt_file_or_column_is_not_passed_over_in_silence(desk, tmp_path):
    folder = copied(desk, tmp_path)
    (folder / "corporate_action.csv").write_text("asset,time,kind,value\n")
    assert "corporate_action.csv" in run("check", folder).output
    plan = folder / "plan.toml"
    plan.write_text(plan.read_text() + '\n[columns]\n"signal.time" = { zone = "UTC" }\n')
    done = run("check", folder)
    assert done.exit_code == 2
    assert "signal.time" in done.output


@pytest.mark.parametrize(
    "line",
    [
        'horizon = "PT99999999999H"',
        'horizon = "session+9999999999"',
        'latency = "PT999999999999H"',
        'period = ["1999-01-01", "1999-02-01"]',
    ],
)
def test_absurd_plans_are_refused_in_words(desk, tmp_path, line):
    folder = copied(desk, tmp_path)
    plan = folder / "plan.toml"
    key = line.split(" ")[0]
    plan.write_text("\n".join([line, *(x for x in plan.read_text().splitlines() if not x.startswith(key))]))
    done = run("check", folder)
    assert done.exit_code == 2, done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize(("value", "code"), [("1.0", 4), ("{i}e200", 2)])
def test_outcomes_without_a_usable_spread_are_refused_before_any_fit(tmp_path, value, code):
    rows = [f"T{i % 3},{i // 3},{value.format(i=i + 1)}" for i in range(30)]
    (tmp_path / "o.csv").write_text("trader,session,value_add\n" + "\n".join(rows) + "\n")
    done = run("evaluate", tmp_path / "o.csv", "--out", tmp_path / "e")
    assert done.exit_code == code, done.output
    assert not (tmp_path / "e").exists()


def test_the_difference_is_told_apart_by_what_people_did(desk, tmp_path):
    done = run("ledger", desk, "--out", tmp_path / "l")
    assert "interventions" in done.output
    assert "signals nobody decided on 0.00" in done.output


def test_one_desk_is_no_error_rate_and_nothing_is_written(tmp_path):
    (tmp_path / "o.csv").write_text("trader,session,value_add\nT1,2026-07-01,1\n")
    done = run("evaluate", tmp_path / "o.csv", "--out", tmp_path / "e", "--operating", "1")
    assert done.exit_code == 2 and "at least 2 desks" in done.output
    assert not (tmp_path / "e").exists()


def test_no_desks_are_simulated_where_none_are_asked_for():
    from skillstats.cli.evaluate import error_rates

    assert error_rates(None, None, 0) == {"available": False, "why": "none were asked for (--operating 0)"}


def test_the_line_of_error_rates_says_what_was_simulated():
    from skillstats.cli.on_screen import error_line

    share = {"share": 0.05, "q05": 0.02, "q95": 0.11, "error": 0.02, "desks": 40}
    operating = {
        "once": {"desk_skill": share},
        "desks": {"none": 40},
        "annual": True,
        "found": [{"ir": 3.0, "skill": share | {"share": 0.8}}],
    }
    assert error_line(operating) == (
        "simulated desks like this one: if nobody had skill, somebody would be claimed on 5% of them (90% interval 2% to 11%, 40 desks); of "
        "traders with skill are claimed: 80% with an annual IR of 3"
    )
