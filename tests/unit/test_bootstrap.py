"""bootstrap.py with stand-ins for Python and uv: shell scripts that answer as told and write down how they were called."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-ins are shell scripts")

# answers the probe, makes a .venv whose python is a copy of itself, and takes any other command as done
FAKE_PYTHON = """#!/bin/sh
echo "{label} $*" >> "{log}"
case "$*" in
  *json.dumps*) echo '[[{version}], "{label}", {has_pip}, "{note}"]' ;;
  *"-m venv"*) {venv}; for last; do :; done; mkdir -p "$last/bin"; cp "{path}" "$last/bin/python" ;;
  *"-m pip install"*) exit {pip_exit} ;;
esac
"""

FAKE_UV = """#!/bin/sh
echo "uv $*" >> "{log}"
case "$1" in
  venv) for last; do :; done; mkdir -p "$last/bin"; cp "$5" "$last/bin/python" 2>/dev/null || cp "$4" "$last/bin/python" ;;
  pip) exit {exit} ;;
esac
"""


class Machine:
    """A made-up machine: a checkout, a home and a PATH with nothing but what a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.checkout, self.home, self.path = folder / "check out", folder / "home", folder / "bin"
        for made in (self.checkout / "requirements", self.home, self.path):
            made.mkdir(parents=True)
        shutil.copy(ROOT / "bootstrap.py", self.checkout)
        (self.checkout / "pyproject.toml").write_text('[project]\nversion = "0.1.0"\n')
        for name in ("lock.txt", "lock-dev.txt"):
            (self.checkout / "requirements" / name).write_text(f"# {name}\nnumpy==2.5.5 --hash=sha256:00\n")
        self.log = folder / "log"
        for name in ("sh", "mkdir", "cp"):
            (self.path / name).symlink_to(str(shutil.which(name)))

    def python(self, path: Path, version: str, *, pip: bool = True, note: str = "", venv: str = ":", pip_exit: int = 0) -> Path:
        """Put a stand-in for Python at `path`."""
        has_pip, numbers = str(pip).lower(), version.replace(".", ",")
        text = FAKE_PYTHON.format(
            label=path, log=self.log, version=numbers, has_pip=has_pip, note=note, venv=venv, path=path, pip_exit=pip_exit
        )
        return script(path, text)

    def uv(self, exit_code: int = 0) -> Path:
        """Put a stand-in for uv on the PATH."""
        return script(self.path / "uv", FAKE_UV.format(log=self.log, exit=exit_code))

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run bootstrap.py from the home folder with only the stand-ins to be found."""
        # The real interpreter runs the file but must not be a candidate, nor may the folders of this machine's own Pythons.
        hide = (
            "import sys, runpy; real = sys.argv[1]; sys.argv = sys.argv[1:]; sys.executable = ''; import bootstrap as b; "
            "inside = b.on_path; top = b.os.environ['PATH']; "
            "b.on_path = lambda: (p for p in inside() if p.startswith(top)); "
            "b.conda_folders = lambda home, f=b.conda_folders: [p for p in f(home) if p.startswith(home)]; "
            "sys.exit(b.main(sys.argv[1:]))"
        )
        environment = {"PATH": str(self.path), "HOME": str(self.home), "PYTHONPATH": str(self.checkout), **variables}
        command = [sys.executable, "-B", "-c", hide, "bootstrap.py", *arguments]
        return subprocess.run(command, cwd=self.home, env=environment, capture_output=True, text=True, timeout=60, check=False)

    def calls(self, word: str = "") -> list[str]:
        """Logged calls that contain `word`, probes left out; the log then starts anew."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        starts = (str(self.home), str(self.path), str(self.checkout), "uv ")
        return [line for line in lines if line.startswith(starts) and word in line and not line.endswith("-E -s -c ")]

    @property
    def stamp(self) -> Path:
        return self.checkout / ".venv" / "skillstats-stamp.txt"


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def broken_shims(machine: Machine) -> None:
    """3.11 is active; the shims of newer versions answer 127, as pyenv's do."""
    machine.python(machine.path / "python3", "3.11.7")
    for name in ("python3.12", "python3.13"):
        script(machine.path / name, "#!/bin/sh\nexit 127\n")


def test_a_312_beside_an_active_311_is_found_under_pyenv(machine: Machine) -> None:
    broken_shims(machine)
    machine.python(machine.home / ".pyenv/versions/3.11.7/bin/python", "3.11.7")
    wanted = machine.python(machine.home / ".pyenv/versions/3.12.1/bin/python", "3.12.1")
    result = machine.run("env")
    assert result.returncode == 0, result.stderr
    assert machine.calls("-m venv") == [f"{wanted} -I -m venv {machine.checkout / '.venv'}"]


@pytest.mark.parametrize(
    "place",
    [".local/share/uv/python/cpython-3.12/bin/python3", "miniconda3/envs/x/bin/python", "miniforge3/bin/python3"],
)
def test_uvs_and_condas_pythons_are_found(machine: Machine, place: str) -> None:
    wanted = machine.python(machine.home / place, "3.12.9")
    assert machine.run("env").returncode == 0
    assert machine.calls("-m venv")[0].startswith(str(wanted))


def test_a_conda_environment_elsewhere_is_found_through_condas_list(machine: Machine) -> None:
    wanted = machine.python(machine.home / "odd/bin/python", "3.13.2")
    script(machine.home / ".conda/environments.txt", f"{machine.home / 'odd'}\n")
    assert machine.run("env").returncode == 0
    assert machine.calls("-m venv")[0].startswith(str(wanted))


def test_an_active_312_is_used_with_pip_and_hashes(machine: Machine) -> None:
    machine.python(machine.path / "python3", "3.12.4")
    result = machine.run("env", "demo")
    assert result.returncode == 0, result.stderr
    locked, package = machine.calls("pip install")
    assert "--require-hashes --no-deps --only-binary=:all: -r" in locked and locked.endswith("requirements/lock.txt")
    assert "--no-deps --no-index" in package and package.endswith("skillstats-0.1.0-py3-none-any.whl")
    assert "profile=demo" in machine.stamp.read_text()


def test_uv_is_used_where_it_runs(machine: Machine) -> None:
    python = machine.python(machine.path / "python3", "3.12.4", pip=False)  # uv needs no ensurepip
    machine.uv()
    assert machine.run("env").returncode == 0
    version, venv, sync, package = machine.calls("uv ")
    inside = machine.checkout / ".venv/bin/python"
    assert version == "uv --version"
    assert venv == f"uv venv -q --python {python} {machine.checkout / '.venv'}"
    assert sync.startswith(f"uv pip sync -q --python {inside} --require-hashes --only-binary :all:")
    assert sync.endswith("lock-dev.txt")
    assert package.startswith(f"uv pip install -q --python {inside} --no-deps --no-index --reinstall")


def test_a_uv_that_does_not_run_is_passed_over(machine: Machine) -> None:
    machine.python(machine.path / "python3", "3.12.4")
    script(machine.path / "uv", "#!/bin/sh\nexit 127\n")
    assert machine.run("env").returncode == 0
    assert len(machine.calls("pip install")) == 2


def test_pip_takes_over_where_uv_fails(machine: Machine) -> None:
    machine.python(machine.path / "python3", "3.12.4")
    machine.uv(exit_code=1)
    result = machine.run("env")
    assert result.returncode == 0, result.stderr
    assert "trying again with pip" in result.stderr
    assert len(machine.calls("-m pip install")) == 2


def test_a_failed_installation_says_so_and_leaves_no_stamp(machine: Machine) -> None:
    machine.python(machine.path / "python3", "3.12.4", pip_exit=1)
    result = machine.run("env")
    assert result.returncode == 1
    assert "installing requirements/lock-dev.txt failed" in result.stderr
    assert not machine.stamp.exists()


def test_a_newer_python_is_taken_only_where_no_preferred_one_is(machine: Machine) -> None:
    newest = machine.python(machine.path / "python3.15", "3.15.0")
    machine.python(machine.path / "python3", "3.14.1")
    machine.run("env")
    assert machine.calls("-m venv")[0].startswith(str(newest))
    shutil.rmtree(machine.checkout / ".venv")
    preferred = machine.python(machine.home / ".pyenv/versions/3.13.0/bin/python", "3.13.0")
    machine.run("env")
    assert machine.calls("-m venv")[0].startswith(str(preferred))


def test_a_python_that_cannot_make_an_environment_is_passed_over(machine: Machine) -> None:
    machine.python(machine.path / "python3.12", "3.12.4", venv="exit 1")
    wanted = machine.python(machine.path / "python3.13", "3.13.0")
    assert machine.run("env").returncode == 0
    assert machine.calls("-m venv")[-1].startswith(str(wanted))


def no_python_at_all(machine: Machine) -> list[str]:
    return ["nothing: no Python on the PATH"]


def only_unsuitable(machine: Machine) -> list[str]:
    broken_shims(machine)
    machine.python(machine.home / ".pyenv/versions/3.12.2/bin/python", "3.12.2", pip=False)
    machine.python(machine.home / ".pyenv/versions/3.14.2t/bin/python", "3.14.2", note="free-threaded")
    script(machine.path / "python", "#!/bin/sh\necho hello\n")
    return [
        "  3.11.7: ",
        f"  does not run (exit 127): {machine.path}/python3.12, {machine.path}/python3.13",
        "  3.12.2 without venv and ensurepip: ",
        "  3.14.2, free-threaded: ",
        "  does not answer like a Python: ",
    ]


@pytest.mark.parametrize("prepare", [no_python_at_all, only_unsuitable])
def test_without_a_suitable_python_one_message_gives_three_remedies(
    machine: Machine, prepare: Callable[[Machine], list[str]]
) -> None:
    expected = prepare(machine)
    result = machine.run("demo")
    assert result.returncode == 2
    assert result.stdout == ""
    for text in [*expected, "pyenv install 3.12", "uv python install 3.12", "conda create"]:
        assert text in result.stderr
    assert result.stderr.count("Any one of these helps") == 1


def test_the_named_python_comes_first_and_a_bad_name_is_said(machine: Machine) -> None:
    machine.python(machine.path / "python3", "3.12.4")
    wanted = machine.python(machine.home / "mine", "3.13.1")
    machine.run("env", SKILLSTATS_PYTHON=str(wanted))
    assert machine.calls("-m venv")[0].startswith(str(wanted))
    shutil.rmtree(machine.checkout / ".venv")
    result = machine.run("env", SKILLSTATS_PYTHON=str(machine.home / "missing"))
    assert result.returncode == 0
    assert "looking further" in result.stderr


def test_the_second_call_installs_nothing(machine: Machine) -> None:
    machine.python(machine.path / "python3", "3.12.4")
    machine.run("env")
    machine.calls()
    assert machine.run("env").stderr == ""
    assert machine.run("env", "demo").stderr == ""  # lock-dev.txt holds all of lock.txt
    assert machine.calls("-m") == []


def test_a_changed_lock_installs_again_into_the_same_environment(machine: Machine) -> None:
    machine.python(machine.path / "python3", "3.12.4")
    machine.run("env")
    machine.calls()
    (machine.checkout / "requirements/lock-dev.txt").write_text("numpy==2.5.6 --hash=sha256:11\n")
    machine.run("env")
    calls = machine.calls("-m")
    assert not [call for call in calls if "-m venv" in call]
    assert len([call for call in calls if "pip install" in call]) == 2


def test_a_demo_environment_is_extended_for_the_tests(machine: Machine) -> None:
    machine.python(machine.path / "python3", "3.12.4")
    machine.run("env", "demo")
    machine.calls()
    machine.run("env", "test")
    assert "lock-dev.txt" in machine.calls("pip install")[0]
    assert "profile=test" in machine.stamp.read_text()


def does_not_run(machine: Machine) -> None:
    script(machine.checkout / ".venv/bin/python", "#!/bin/sh\nexit 1\n")


def half_built(machine: Machine) -> None:
    (machine.checkout / ".venv/skillstats-building").touch()


def moved(machine: Machine) -> None:
    machine.stamp.write_text(machine.stamp.read_text().replace("check out", "elsewhere"))


def dangling(machine: Machine) -> None:
    shutil.rmtree(machine.checkout / ".venv")
    (machine.checkout / ".venv").symlink_to(machine.home / "gone")


@pytest.mark.parametrize("harm", [does_not_run, half_built, moved, dangling])
def test_a_broken_environment_is_rebuilt(machine: Machine, harm: Callable[[Machine], None]) -> None:
    machine.python(machine.path / "python3", "3.12.4")
    machine.run("env")
    machine.calls()
    harm(machine)
    result = machine.run("env")
    assert result.returncode == 0, result.stderr
    assert "rebuilding .venv" in result.stderr
    assert len(machine.calls("-m venv")) == 1
    assert machine.run("env").stderr == ""


def test_test_runs_every_check_and_names_the_one_that_failed(machine: Machine) -> None:
    machine.python(machine.path / "python3", "3.12.4")
    machine.run("env")
    machine.calls()
    script(machine.checkout / ".venv/bin/lint-imports", "#!/bin/sh\nexit 1\n")
    result = machine.run("test", "-k", "name")
    assert result.returncode == 1
    assert [line.split()[1] for line in result.stderr.splitlines() if "FAILED" in line] == ["FAILED"]
    assert "FAILED lint-imports" in result.stderr
    assert machine.calls("-m pytest")[0].endswith("-m pytest -n 2 --dist worksteal -k name")


def test_demo_runs_the_package_with_the_arguments_given(machine: Machine) -> None:
    machine.python(machine.path / "python3", "3.12.4")
    assert machine.run("demo", "--smoke", "--out", "x").returncode == 0
    assert machine.calls("skillstats demo")[-1].endswith("-P -m skillstats demo --smoke --out x")


def test_an_unknown_word_prints_the_usage(machine: Machine) -> None:
    result = machine.run("fly")
    assert result.returncode == 2
    assert "bootstrap.py demo" in result.stderr
