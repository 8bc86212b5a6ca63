"""Tasks on a real Dask cluster of this machine: killed workers, poisoned tasks, other code, TLS, and who may listen."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from skillstats.errors import UsageError
from skillstats.study.faults.bench import LIMITS, SMALL, Bench, same
from skillstats.study.faults.clusters import own_cluster
from skillstats.study.faults.kills import dask_under_fire
from skillstats.study.running import TlsFiles
from skillstats.study.running.cluster import Where, cluster_pool, prepare
from skillstats.study.running.messages import Start
from skillstats.study.running.version import code_version

pytestmark = pytest.mark.slow
WORK = "skillstats.study.faults.works:steady"


def bench(folder):
    return Bench(folder, SMALL, 5, lambda _: None)


def test_killed_workers_and_poisoned_tasks_leave_the_table_of_the_serial_run(tmp_path):
    one, hits = bench(tmp_path), []
    tasks = one.tasks(misdeeds={3: "nan", 11: "exit"})
    serial = one.run("serial", tasks, engine="serial")
    under_fire = one.run_disturbed("fire", tasks, dask_under_fire(one, hits))
    assert len(hits) == SMALL.kills
    assert same(under_fire, serial.sha256)
    assert (under_fire.tasks, under_fire.failed) == (SMALL.replicates, 2)


def listening(pids):
    """Addresses on which any of the processes listens, as in the kernel's table."""
    inodes = set()
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            target = str(link.readlink()) if link.is_symlink() else ""
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text("ascii").splitlines()[1:]]
    return {row[1].split(":")[0] for row in rows if row[3] == "0A" and row[9] in inodes}


def test_a_cluster_of_this_machine_listens_to_this_machine_only_and_draws_no_dashboard():
    code = code_version(WORK)
    said = []
    with cluster_pool(Where(None, None), 1, Start(WORK, LIMITS.seconds, LIMITS.memory_mb), code, said.append) as pool:
        found = listening([os.getpid(), *pool.pids()])
    assert found == {"0100007F"}  # 127.0.0.1
    assert said == []


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """An authority and a certificate signed by it, valid for a day; made by the openssl command."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl command to make certificates with")
    folder = tmp_path_factory.mktemp("tls")
    new = ("-newkey", "rsa:2048", "-nodes", "-subj")
    openssl(folder, "req", "-x509", *new, "/CN=authority", "-keyout", "ca-key.pem", "-out", "ca.pem", "-days", "1")
    openssl(folder, "req", *new, "/CN=127.0.0.1", "-keyout", "key.pem", "-out", "request.pem")
    openssl(
        folder,
        "x509",
        "-req",
        "-in",
        "request.pem",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca-key.pem",
        "-CAcreateserial",
        "-out",
        "cert.pem",
        "-days",
        "1",
    )
    return TlsFiles(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")


def test_a_cluster_with_tls_takes_who_has_its_files_and_refuses_a_plain_client(tmp_path, certificates, monkeypatch):
    one = bench(tmp_path)
    digest = one.run("serial", one.tasks(10, sleep=False), engine="serial").sha256
    with own_cluster(tmp_path, 1, security=certificates) as (address, _):
        assert address.startswith("tls://")
        results = one.run("tls", one.tasks(10, sleep=False), engine="dask", scheduler=address, security=certificates)
        monkeypatch.setattr("skillstats.study.running.cluster.CONNECT_SECONDS", 3)
        plain = address.replace("tls://", "tcp://")
        with pytest.raises(UsageError, match="no answer"):
            one.run("plain", one.tasks(10, sleep=False), engine="dask", scheduler=plain)
    assert same(results, digest)


def test_a_scheduler_that_is_not_there_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("skillstats.study.running.cluster.CONNECT_SECONDS", 1)
    with pytest.raises(UsageError, match="no answer"):
        bench(tmp_path).run("none", bench(tmp_path).tasks(2), engine="dask", scheduler="tcp://127.0.0.1:9")


def test_tls_files_without_a_scheduler_are_refused(certificates):
    with pytest.raises(UsageError, match="without a scheduler"):
        prepare(None, certificates)
