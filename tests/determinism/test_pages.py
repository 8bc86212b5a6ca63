"""Same record, plan and seed: the same bytes of every page and table, in another time zone, language, hash seed and folder, and on another day."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ENVIRONMENTS = (
    {"TZ": "America/New_York", "PYTHONHASHSEED": "0", "LANG": "C.UTF-8"},
    {"TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "4242", "LANG": "tr_TR.UTF-8"},
)
"""LC_ALL follows LANG; each has a cache of its own, so that nothing is carried over."""
LATER = timedelta(days=400, hours=7)
"""Another year, month, day and hour; never earlier, since a record may not lie in the future."""


def other_day(folder: Path) -> dict[str, str] | None:
    """Environment of a process whose clock is `LATER`, for whatever asks it; None where this system cannot build that."""
    compiler = shutil.which("cc")
    if not sys.platform.startswith("linux") or compiler is None:
        return None
    library = folder / "other_day.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(HERE / "other_day.c")], check=True)
    return {"LD_PRELOAD": str(library), "OTHER_DAY_SECONDS": str(int(LATER.total_seconds()))}


def start(folder: Path, own: dict[str, str]) -> subprocess.Popen[str]:
    """A process that writes everything into a new folder."""
    folder.mkdir()
    common = {"LC_ALL": own["LANG"], "SKILLSTATS_CACHE": f"{folder}-cache"}
    command = [sys.executable, str(HERE / "write_all.py"), str(folder)]
    return subprocess.Popen(command, env=os.environ | own | common, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[dict[str, bytes], date]]:
    """Everything that each process wrote, by path, and the day its clock said."""
    base = tmp_path_factory.mktemp("written")
    environments = [ENVIRONMENTS[0], ENVIRONMENTS[1] | (other_day(base) or {})]
    folders = [base / "one", base / "the other"]
    found = []
    processes = [start(folder, own) for folder, own in zip(folders, environments, strict=True)]
    for folder, process in zip(folders, processes, strict=True):
        told, errors = process.communicate()
        assert process.returncode == 0, errors[-3000:]
        files = {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
        found.append((files, date.fromisoformat(told.split()[-1])))
    return found


@pytest.mark.slow
def test_every_byte_of_every_page_and_table_is_the_same(written: list[tuple[dict[str, bytes], date]]) -> None:
    (one, _), (other, _) = written
    assert sorted(one) == sorted(other)
    assert [name for name in one if one[name] != other[name]] == []


@pytest.mark.slow
def test_what_was_compared_is_everything(written: list[tuple[dict[str, bytes], date]]) -> None:
    files = written[0][0]
    pages = [name for name in files if name.endswith(".html")]
    assert {p for p in pages if p.count("/") == 1} == {f"pages/{a}.html" for a in ("head", "pm", "quant", "governance")}
    assert len([p for p in pages if p.startswith("pages/trader/")]) == 7 == len(pages) - 4
    assert all(b"<svg" in files[p] for p in pages if "governance" not in p)
    for name in ("ledger.csv", "kpis.csv", "slices.parquet", "books.parquet", "manifest.json"):
        assert {f"ledger/{name}", f"export/ledger/{name}"} <= set(files), name
    for name in ("skill.csv", "skill.parquet", "history.csv", "evaluation.json", "manifest.json"):
        assert {f"evaluation/{name}", f"export/evaluation/{name}"} <= set(files), name
    beside = ("evaluation/restatement.csv", "evaluation/posterior.nc", "evaluation.contests/c0001.json", "first/minutes.jsonl")
    assert {*beside, "pages/quant-cells.parquet", "pages/pm.json", "export/evidence/evidence.parquet"} <= set(files)


@pytest.mark.slow
def test_the_clock_stood_on_another_day(written: list[tuple[dict[str, bytes], date]], tmp_path: Path) -> None:
    if other_day(tmp_path) is None:
        pytest.skip("needs Linux and a C compiler to move the clock of a process")
    today = datetime.now(UTC).date()
    assert abs(written[0][1] - today) <= timedelta(days=1)
    assert written[1][1] - written[0][1] >= timedelta(days=399)
