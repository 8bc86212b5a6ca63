"""A Dask scheduler and its workers as processes of their own on this machine, as they would run on several."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from skillstats.errors import SkillstatsError
from skillstats.study.faults.client import same_code
from skillstats.study.running.security import TlsFiles

START_SECONDS: Final = 120.0
WORKER: Final = ("--nthreads", "1", "--memory-limit", "0", "--host", "127.0.0.1", "--no-dashboard", "--death-timeout", "30")


@contextlib.contextmanager
def own_cluster(
    folder: Path, workers: int, env: dict[str, str] | None = None, security: TlsFiles | None = None
) -> Iterator[tuple[str, subprocess.Popen[Any]]]:
    """A scheduler and workers as processes of their own on this machine: address and process of the scheduler.

    Parameters
    ----------
    env : variables of the workers; None those of this process
    security : files of certificates, with which everything speaks TLS
    """
    tls = ["--protocol", "tls", *_tls_options(security)] if security is not None else []
    file = folder / f"scheduler-{time.monotonic_ns()}.json"
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    command = [
        sys.executable,
        "-m",
        "distributed.cli.dask_scheduler",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--no-dashboard",
        *tls,
    ]
    scheduler = subprocess.Popen([*command, "--dashboard-address", "127.0.0.1:0", "--scheduler-file", str(file)], **quiet)  # noqa: S603 - this Python
    helpers: list[subprocess.Popen[Any]] = []
    try:
        limit = time.monotonic() + START_SECONDS
        while not file.exists() or not file.read_text(encoding="utf-8").endswith("}"):
            if time.monotonic() > limit:
                raise SkillstatsError("the scheduler did not start")
            time.sleep(0.1)
        worker = [sys.executable, "-P", "-m", "distributed.cli.dask_worker", "--scheduler-file", str(file), *WORKER, *tls]
        for _ in range(workers):
            helpers.append(subprocess.Popen(worker, env=env or same_code(), **quiet))  # noqa: S603 - this Python
        yield _address(file), scheduler
    finally:
        for process in (*helpers, scheduler):
            process.terminate()
        for process in (*helpers, scheduler):
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _tls_options(files: TlsFiles) -> list[str]:
    return ["--tls-ca-file", str(files.ca), "--tls-cert", str(files.certificate), "--tls-key", str(files.key)]


def _address(file: Path) -> str:
    return str(json.loads(file.read_text(encoding="utf-8"))["address"])
