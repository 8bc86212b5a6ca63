"""Running tasks: names, seeds, files, folders, refusals, and processes that misbehave."""

from __future__ import annotations

import io
import json
import random
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from rich.progress import Progress

from skillstats.errors import DomainError, Mismatch, UsageError
from skillstats.study.faults.works import steady
from skillstats.study.running import Limits, Task, TlsFiles, run_tasks
from skillstats.study.running import run as running
from skillstats.study.running.drive import KILLS, drive
from skillstats.study.running.messages import DIED, KILLED, RAISED, RETURNED, TIME, Answer, Request, Start
from skillstats.study.running.pools import Batch, Done, local_pool
from skillstats.study.running.progress import BarTeller, LogTeller
from skillstats.study.running.resultfile import decode, encode_failure, encode_rows, is_whole
from skillstats.study.running.security import check_address
from skillstats.study.running.store import NotKept, commit, open_store, read_result, write_file
from skillstats.study.running.tasks import Errand, check_tasks, name_of, seed_of
from skillstats.study.running.version import code_version, module_file

WORK = "skillstats.study.faults.works:steady"
TASK = Task("s", "d", 3, "{}")
FRAME = pd.DataFrame({"part": ["a", "b"], "mean": [0.5, np.nan], "n": [1, 2]})


def quiet(_):
    pass


def tasks(n=6, **misdeeds):
    """Replicates; `r3="exit"` makes number 3 exit."""
    return [Task("s", "d", r, json.dumps({"do": misdeeds.get(f"r{r}", "right")})) for r in range(n)]


def run(folder, todo, **options):
    return run_tasks(todo, WORK, root=1, folder=folder, say=quiet, **({"limits": Limits(20, 600)} | options))


# names and seeds


def test_a_name_changes_with_everything_the_result_depends_on():
    errand = Errand("m:f", "code", 1)
    others = [Task("t", "d", 3, "{}"), Task("s", "e", 3, "{}"), Task("s", "d", 4, "{}"), Task("s", "d", 3, b"{}")]
    names = [name_of(t, errand) for t in (TASK, *others)]
    names += [name_of(TASK, e) for e in (Errand("m:g", "code", 1), Errand("m:f", "edoc", 1), Errand("m:f", "code", 2))]
    assert len(set(names)) == 8
    assert name_of(TASK, errand) == names[0]


def test_seeds_differ_by_study_design_and_replicate_and_by_nothing_else():
    keys = [("s", "d", 0), ("d", "s", 0), ("s", "d", 1), ("sd", "", 0)]
    states = {tuple(seed_of(7, *key).generate_state(4)) for key in keys}
    assert len(states) == 4
    assert tuple(seed_of(7, "s", "d", 1).generate_state(4)) in states


def test_all_that_is_wrong_with_tasks_is_said_at_once():
    with pytest.raises(UsageError) as found:
        check_tasks([Task("s", "d", -1), Task("s", "d", 1), Task("s", "d", 1, "other")])
    assert "#-1: replicate must be" in str(found.value)
    assert "#1: stands twice" in str(found.value)
    with pytest.raises(UsageError, match="no tasks"):
        check_tasks([])


@pytest.mark.parametrize("work", ["steady", "a b:c", "skillstats.study.absent:f", "numpy:f g"])
def test_a_work_that_names_no_function_of_a_module_is_refused(work):
    with pytest.raises(UsageError, match="work="):
        module_file(work)


def test_the_code_version_knows_a_module_outside_the_package(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "worked_outside.py").write_text("x = 1\n", encoding="utf-8")
    one = code_version("worked_outside:f")
    (tmp_path / "worked_outside.py").write_text("x = 2\n", encoding="utf-8")
    code_version.cache_clear()
    assert code_version("worked_outside:f") != one


# result files


def test_every_changed_bit_of_a_result_is_found():
    data = encode_rows(TASK, "name", "code", FRAME)
    rng = random.Random(1)
    assert is_whole(data)
    assert data == encode_rows(TASK, "name", "code", FRAME)
    for place in range(len(data)):
        assert not is_whole(data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :]), place
    assert not any(is_whole(data[:n]) for n in range(0, len(data), 7))


def test_a_result_is_a_plain_parquet_file(tmp_path):
    (tmp_path / "x.parquet").write_bytes(encode_rows(TASK, "name", "code", FRAME))
    table = pd.read_parquet(tmp_path / "x.parquet")
    assert list(table.columns) == ["study", "design", "replicate", "status", "cause", "part", "mean", "n"]
    pd.testing.assert_frame_equal(table[["part", "mean", "n"]], FRAME)
    assert set(table["status"]) == {"ok"}
    failed = decode(encode_failure(TASK, "name", "code", "too slow"))
    assert failed.table.to_pylist() == [{"study": "s", "design": "d", "replicate": 3, "status": "failed", "cause": "too slow"}]


@pytest.mark.parametrize(
    ("frame", "words"),
    [(None, "NoneType"), (FRAME[:0], "no rows"), (FRAME.rename(columns={"n": "cause"}), "columns"), (FRAME[["n", "n"]], "twice")],
)
def test_what_is_no_table_of_rows_is_no_result(frame, words):
    with pytest.raises(DomainError, match=words):
        encode_rows(TASK, "name", "code", frame)


def test_a_second_writer_must_bring_the_same_bytes(tmp_path):
    data = encode_rows(TASK, "name", "code", FRAME)
    assert commit(tmp_path, {"name": data}) == 0
    assert commit(tmp_path, {"name": data}) == 1
    with pytest.raises(Mismatch, match="computed twice with different results"):
        commit(tmp_path, {"name": encode_rows(TASK, "name", "code", FRAME[:1])})
    assert (tmp_path / "name.parquet").read_bytes() == data
    (tmp_path / "name.parquet").write_bytes(data[:-1])  # damaged: holds nothing
    assert commit(tmp_path, {"name": data}) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["name.parquet"]


def test_a_damaged_result_and_one_under_another_name_are_thrown_away(tmp_path):
    data = encode_rows(TASK, "name", "code", FRAME)
    for stem, content in (("name", data[:100]), ("other", data)):
        (tmp_path / f"{stem}.parquet").write_bytes(content)
        assert read_result(tmp_path, stem, "code") is None
        assert not (tmp_path / f"{stem}.parquet").exists()
    commit(tmp_path, {"name": data})
    with pytest.raises(UsageError, match="not mixed"):
        read_result(tmp_path, "name", "edoc")


def test_a_disk_that_refuses_is_named_and_leaves_nothing_half_written(tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("skillstats.study.running.store.fsync", full)
    with pytest.raises(NotKept, match="No space left on device; make room"):
        commit(tmp_path, {"name": b"x"})
    with pytest.raises(NotKept):
        write_file(tmp_path / "y", b"x")
    assert not list(tmp_path.iterdir())


# folders


def test_two_runs_do_not_write_into_one_folder(tmp_path):
    errand = Errand(WORK, "code", 1)
    with (
        open_store(tmp_path, errand, resume=False),
        pytest.raises(UsageError, match="another run"),
        open_store(tmp_path, errand, resume=True),
    ):
        pass


def test_a_folder_is_resumed_only_on_request_and_by_the_same_run(tmp_path):
    errand = Errand(WORK, "code", 1)
    with open_store(tmp_path, errand, resume=False):
        pass
    with pytest.raises(UsageError, match="resume it, or take another folder"), open_store(tmp_path, errand, resume=False):
        pass
    words = r"code 'code' there, 'edoc' here; root 1 there, 2 here"
    with pytest.raises(UsageError, match=words), open_store(tmp_path, Errand(WORK, "edoc", 2), resume=True):
        pass
    (tmp_path / "run.json").write_text("{", encoding="utf-8")
    with pytest.raises(UsageError, match="damaged"), open_store(tmp_path, errand, resume=True):
        pass


# who is given what


class FakePool:
    """Answers each request by `how`, a function of (number, times asked before, fresh)."""

    def __init__(self, how):
        self.how, self.asked, self.queue, self.sizes = how, {}, [], []

    def workers(self):
        return 2

    def submit(self, batch):
        self.sizes.append(len(batch.numbers))
        answers = []
        for number in batch.numbers:
            times = self.asked.setdefault(number, [])
            answers.append(self.how(number, len(times), batch.fresh))
            times.append(batch.fresh)
        self.queue.append(Done(batch, None if None in answers else tuple(answers)))

    def wait(self):
        return [self.queue.pop(0)]


def driven(how, n=30):
    pool, verdicts = FakePool(how), {}
    requests = [Request("s", "d", r, "", 1, str(r), "c") for r in range(n)]
    drive(pool, requests, range(n), lambda number, answer: verdicts.setdefault(number, answer.kind), lambda: None)
    assert len(verdicts) == n
    return pool, verdicts


RIGHT = Answer(kind=RETURNED, seconds=0.1)


def test_batches_grow_to_about_a_second_and_shrink_towards_the_end():
    pool, _ = driven(lambda number, times, fresh: RIGHT, n=200)
    assert max(pool.sizes) == 10
    assert pool.sizes[0] == pool.sizes[-1] == 1


def test_a_process_that_dies_is_replaced_and_its_task_tried_once_more_after_all_others():
    pool, verdicts = driven(lambda number, times, fresh: Answer(kind=DIED) if number == 0 and not fresh else RIGHT)
    assert pool.asked[0] == [False, True]
    assert verdicts[0] == RETURNED
    assert pool.sizes[-1] == 1
    assert len(pool.asked) == 30


@pytest.mark.parametrize("kind", [DIED, TIME])
def test_the_second_time_is_the_last(kind):
    pool, verdicts = driven(lambda number, times, fresh: Answer(kind=kind) if number == 4 else RIGHT)
    assert (verdicts[4], pool.asked[4]) == (kind, [False, True])


def test_an_exception_is_the_tasks_own_answer():
    pool, verdicts = driven(lambda number, times, fresh: Answer(kind=RAISED) if number == 4 else RIGHT)
    assert (verdicts[4], pool.asked[4]) == (RAISED, [False])


def test_a_kill_from_outside_does_not_count_until_it_is_always_the_same_task():
    pool, verdicts = driven(lambda number, times, fresh: Answer(kind=KILLED) if number == 4 and times < KILLS - 1 else RIGHT)
    assert verdicts[4] == RETURNED
    pool, verdicts = driven(lambda number, times, fresh: Answer(kind=KILLED) if number == 4 else RIGHT)
    assert (verdicts[4], len(pool.asked[4])) == (KILLED, KILLS)


def test_a_batch_that_is_lost_with_its_worker_is_given_again():
    _, verdicts = driven(lambda number, times, fresh: None if times < 3 else RIGHT)
    assert set(verdicts.values()) == {RETURNED}


# processes


def test_the_table_is_what_the_work_returns_sorted_and_the_same_for_any_engine_and_order(tmp_path):
    one = run(tmp_path / "a", tasks())
    two = run(tmp_path / "b", tasks()[::-1], engine="processes", workers=2)
    assert one.sha256 == two.sha256
    assert (tmp_path / "a" / "table.parquet").read_bytes() == (tmp_path / "b" / "table.parquet").read_bytes()
    assert one.table["replicate"].tolist() == sorted([0, 1, 2, 3, 4, 5] * 2)
    here = pd.concat([steady("{}", seed_of(1, "s", "d", r)) for r in range(6)], ignore_index=True)
    pd.testing.assert_frame_equal(one.table[["part", "mean", "largest"]], here)


def test_resuming_computes_what_is_missing_or_damaged_only(tmp_path):
    first = run(tmp_path, tasks(4))
    files = sorted((tmp_path / "results").glob("*.parquet"))
    files[0].unlink()
    files[1].write_bytes(files[1].read_bytes()[:-3])
    kept = {p: p.stat().st_mtime_ns for p in files[2:]}
    again = run(tmp_path, tasks(6), resume=True)
    assert (again.computed, again.reused, again.damaged) == (4, 2, 1)
    assert {p: p.stat().st_mtime_ns for p in kept} == kept
    pd.testing.assert_frame_equal(again.table[again.table["replicate"] < 4], first.table)
    assert run(tmp_path, tasks(6), resume=True).sha256 == again.sha256


def test_tasks_that_misbehave_fail_with_a_cause_and_the_others_do_not_notice(tmp_path):
    kinds = {"r1": "nan", "r2": "exit", "r3": "crash", "r4": "eat", "r5": "eat shared", "r6": "hang"}
    results = run(tmp_path, tasks(8, **kinds), engine="processes", workers=2, limits=Limits(8, 500))
    causes = results.table[results.table["status"] == "failed"].set_index("replicate")["cause"].to_dict()
    assert results.failed == 6
    assert causes.pop(1).startswith("FloatingPointError: outcomes hold NaN (works.py:")
    assert causes == {
        2: "the process exited with code 3",
        3: "the process was ended by SIGSEGV",
        4: "needed more than 500 MB",
        5: "needed more than 500 MB",
        6: "took longer than 8 s",
    }
    assert results.table["replicate"].nunique() == 8


def test_with_a_higher_limit_what_was_over_the_limit_is_tried_again_and_nothing_else(tmp_path):
    slow = [Task("s", "d", 0, '{"seconds": 4}'), Task("s", "d", 1, '{"do": "nan"}')]
    assert run(tmp_path, slow, limits=Limits(2.5, 600)).failed == 2
    again = run(tmp_path, slow, limits=Limits(30, 600), resume=True)
    assert (again.failed, again.computed, again.reused) == (1, 1, 1)


def test_a_process_ends_with_the_one_that_started_it(tmp_path):
    import os
    import signal
    import subprocess
    import sys

    code = (
        "from skillstats.study.running.keeper import Keeper\nfrom skillstats.study.running.messages import Request, Start\n"
        "from skillstats.study.running.version import code_version\nimport threading, time\n"
        f"k = Keeper(Start({WORK!r}, 100.0, 600), code_version({WORK!r}))\n"
        "r = lambda do: Request('s', 'd', 0, '{\"do\": \"%s\"}' % do, 1, 'n', 'c')\n"
        "k.run(r('right')); print(k.pid, flush=True); k.run(r('hang'))"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)
    child = int(parent.stdout.readline())
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    limit = time.monotonic() + 10
    while Path(f"/proc/{child}/cmdline").exists() and Path(f"/proc/{child}/cmdline").read_bytes() and time.monotonic() < limit:
        time.sleep(0.05)
    assert time.monotonic() < limit


def test_work_that_cannot_be_imported_or_is_of_other_code_is_refused(tmp_path, monkeypatch):
    with pytest.raises(UsageError, match="cannot be imported: AttributeError"):
        run_tasks(tasks(1), "skillstats.study.faults.works:absent", root=1, folder=tmp_path / "a", say=quiet)
    monkeypatch.setattr(running, "code_version", lambda work: "0" * 16)
    with pytest.raises(UsageError, match="results of different code are not mixed"):
        run(tmp_path / "b", tasks(1))


def test_memory_that_the_work_needs_before_any_task_is_told(tmp_path):
    with pytest.raises(UsageError, match=r"limits.memory_mb=10: the work needs \d+ MB before any task"):
        run(tmp_path, tasks(1), limits=Limits(10, 10))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"workers": 0}, "workers=0"),
        ({"engine": "threads"}, "must be serial, processes or dask"),
        ({"scheduler": "tcp://127.0.0.1:8786"}, "use engine='dask'"),
        ({"root": -1}, "root=-1"),
    ],
)
def test_options_that_make_no_sense_are_refused(tmp_path, options, words):
    with pytest.raises(UsageError, match=words):
        run_tasks(tasks(1), WORK, **({"root": 1, "folder": tmp_path, "say": quiet} | options))


# clusters and logs


@pytest.mark.parametrize(
    "address", ["tcp://10.0.0.5:8786", "tcp://node7:8786", "10.0.0.5:8786", "ucx://10.0.0.5:1", "tls://node7:8786", "tcp://:8786"]
)
def test_no_address_is_spoken_to_in_the_clear_but_this_machines(address):
    with pytest.raises(UsageError, match="scheduler="):
        check_address(address, None)
    check_address("tcp://127.0.0.1:8786", None)


def test_tls_files_must_exist_and_be_used(tmp_path):
    for name in ("ca", "cert", "key"):
        (tmp_path / name).touch()
    files = TlsFiles(tmp_path / "ca", tmp_path / "cert", tmp_path / "key")
    check_address("tls://node7:8786", files)
    with pytest.raises(UsageError, match="TLS files go with"):
        check_address("tcp://127.0.0.1:8786", files)
    with pytest.raises(UsageError, match="no such file"):
        check_address("tls://node7:8786", TlsFiles(tmp_path / "ca", tmp_path / "cert", tmp_path / "absent"))


def test_without_the_extra_the_command_that_installs_it_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(UsageError, match=r"pip install 'skillstats\[cluster\]'"):
        run(tmp_path, tasks(1), engine="dask")


def test_a_log_has_few_lines_and_the_last_one(monkeypatch):
    lines, now = [], [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    log = LogTeller(100, 20, lines.append)
    for done in range(21, 101):
        now[0] += 1.0
        log.step(done, 3 if done > 50 else 0)
    assert len(lines) == 8
    assert lines[0] == "30 of 100 tasks after 10 s; about 1 min left at this pace"
    assert lines[-1] == "100 of 100 tasks, 3 failed, after 1 min"


def test_a_terminal_gets_a_bar_with_names_as_they_are():
    out = io.StringIO()
    with Progress(
        "{task.completed}/{task.total} {task.fields[failed]}", console=Console(file=out, width=60, force_terminal=True)
    ) as progress:
        bar = BarTeller(progress, 10, 4)
        bar.say("FAILED [red]s[/red] #1")
        bar.step(10, 2)
    assert "FAILED [red]s[/red] #1" in out.getvalue()
    assert "10/10 2 failed" in out.getvalue()


def test_a_run_that_is_interrupted_ends_at_once_with_all_its_processes():
    code = code_version(WORK)
    request = Request("s", "d", 0, '{"do": "hang"}', 1, "n", code)
    with local_pool(Start(WORK, 600.0, 600), code, 1) as pool:
        pool.submit(Batch(0, (0, 1), (request, request)))
        while not pool.pids():
            time.sleep(0.01)
        child = pool.pids()[0]
        began = time.monotonic()
    assert time.monotonic() - began < 60
    assert not Path(f"/proc/{child}").exists()
