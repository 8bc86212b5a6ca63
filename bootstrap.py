"""From a bare checkout to a running demo or test suite, with whatever Python happens to be active.

    python3 bootstrap.py demo [arguments of `skillstats demo`]
    python3 bootstrap.py test [arguments of pytest]      ruff, mypy, import-linter and pytest
    python3 bootstrap.py docs                            the documentation, into docs/_build/html
    python3 bootstrap.py env [demo|test]                 only build the environment (default: test)

The package needs Python 3.12; the Python that runs this file may be older. So candidates are *run* and asked, never judged by
name: a version manager's `python3.12` may answer 127, and a `python3` may be anything. The first good one builds `.venv` from the
hash-locked requirements, through uv where uv runs and else through pip. A stamp in `.venv` says what it was built from, so that a
second call starts at once.

This file keeps to the standard library and to syntax that Python 2.7 can parse, because an old Python must be able to say what is
wrong. It is one file, longer than the house allows, because it must run before anything can be imported.
"""

from __future__ import print_function

import collections
import glob
import hashlib
import json
import locale
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile

ROOT = os.path.dirname(os.path.realpath(__file__))
VENV = os.path.join(ROOT, ".venv")
STAMP = os.path.join(VENV, "skillstats-stamp.txt")
BUILDING = os.path.join(VENV, "skillstats-building")  # there while packages are being installed: its presence means half built

WINDOWS = os.name == "nt"
BIN = "Scripts" if WINDOWS else "bin"
EXE = ".exe" if WINDOWS else ""

LOWEST = (3, 12)
PREFERRED = ((3, 12), (3, 13))  # every locked package has a wheel for these; a newer Python is tried only where neither is found
LOCKS = {"demo": "lock.txt", "test": "lock-dev.txt"}
SATISFIED_BY = {"demo": ("demo", "test"), "test": ("test",)}  # lock-dev.txt contains everything in lock.txt

# A Python must ignore the caller's variables while it is judged and while .venv is built, or packages of another Python leak in.
LEAKING = ("PYTHONPATH", "PYTHONHOME", "__PYVENV_LAUNCHER__", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_HASHES")

PROBE = """
import json, sys, sysconfig
try:
    import ensurepip, venv
    pip = True
except ImportError:
    pip = False
note = ""
if sys.version_info < (3, 3) or sys.implementation.name != "cpython":
    note = "not CPython 3"
elif sysconfig.get_config_var("Py_GIL_DISABLED"):
    note = "free-threaded"
elif sys.maxsize < 2**32:
    note = "32-bit"
base = getattr(sys, "_base_executable", None) or sys.executable
print(json.dumps([list(sys.version_info[:3]), base, pip, note]))
"""

Python = collections.namedtuple("Python", "version base has_pip note")


class StepFailed(Exception):
    """A command of the set-up did not succeed; the text holds the end of what it printed."""


class NoPython(Exception):
    """No candidate is a suitable Python; the text is the message for the person."""


def say(text):
    """Progress goes to standard error: standard output belongs to the job."""
    print("bootstrap: " + text, file=sys.stderr)
    sys.stderr.flush()


def child_environment():
    """Copy of the environment without the variables that would mix two Pythons."""
    return {key: value for key, value in os.environ.items() if key not in LEAKING}


def run(command, timeout=None):
    """Run a command silently; return (exit code, standard output, standard error). A command that cannot start answers 127."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    try:
        process = subprocess.Popen(command, env=child_environment(), **pipes)
    except OSError as error:
        return 127, "", str(error)
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return 124, "", "no answer within {} s".format(timeout)
    return process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")


def check(command, what):
    """Run a command of the set-up; on failure raise `StepFailed` with the last lines it printed."""
    code, out, err = run(command)
    if code:
        lines = [line for line in (out + "\n" + err).splitlines() if line.strip()]
        raise StepFailed("{} failed (exit {}):\n    {}".format(what, code, "\n    ".join(lines[-8:])))


# ---------------------------------------------------------------------------------------------------------- finding a Python


def probe(command):
    """Ask one candidate what it is; return (`Python` or None, its answer in words)."""
    code, out, _ = run(command + ["-E", "-s", "-c", PROBE], timeout=20)
    if code:
        return None, "no answer within 20 s" if code == 124 else "does not run (exit {})".format(code)
    try:
        version, base, has_pip, note = json.loads(out.strip().splitlines()[-1])
        found = Python(tuple(version), base, has_pip, note)
        shown = ".".join(str(part) for part in version)
    except (ValueError, TypeError, IndexError):
        return None, "does not answer like a Python"
    return found, shown + (", " + note if note else "")


def on_path():
    """Every file on the PATH that is named like a Python; each folder counts, as a shim may hide a real one behind it."""
    folders = [folder for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    folders += [] if WINDOWS else ["/usr/local/bin", "/opt/homebrew/bin", "/usr/bin"]
    for name in ("python3.12", "python3.13", "python3.14", "python3.15", "python3", "python"):
        for folder in folders:
            yield os.path.join(folder, name + EXE)


def managed():
    """Interpreters that pyenv, uv and conda keep in folders of their own, whether or not they are active."""
    home, environ = os.path.expanduser("~"), os.environ
    data = environ.get("XDG_DATA_HOME") or os.path.join(home, ".local", "share")
    pyenv = [environ.get("PYENV_ROOT"), os.path.join(home, ".pyenv"), os.path.join(home, ".pyenv", "pyenv-win")]
    uv = [environ.get("UV_PYTHON_INSTALL_DIR"), os.path.join(data, "uv", "python")]
    uv += [os.path.join(environ["APPDATA"], "uv", "python")] if environ.get("APPDATA") else []
    roots = [os.path.join(folder, "versions", "*") for folder in pyenv if folder]
    roots += [os.path.join(folder, "*") for folder in uv if folder]
    for folder in conda_folders(home):
        roots += [folder, os.path.join(folder, "envs", "*")]
    for root in roots:
        for inner in ((), ("bin",)):  # Windows installs and conda on Windows have no bin folder
            for name in ("python3", "python"):
                for path in sorted(glob.glob(os.path.join(root, *(inner + (name + EXE,)))), reverse=True):
                    yield path


def conda_folders(home):
    """Where conda's environments may be, those in conda's own list included."""
    folders = [os.environ.get("CONDA_PREFIX"), "/opt/conda"]
    if os.environ.get("CONDA_EXE"):
        folders.append(os.path.dirname(os.path.dirname(os.environ["CONDA_EXE"])))
    folders += [os.path.join(home, name) for name in ("miniconda3", "anaconda3", "miniforge3", "mambaforge")]
    try:
        with open(os.path.join(home, ".conda", "environments.txt")) as lines:
            folders += lines.read().splitlines()
    except (OSError, ValueError):
        pass  # no conda here, or not a text file: nothing to learn from it
    return [folder for folder in folders if folder]


def candidates():
    """Commands that may start a suitable Python, the caller's own choices first, each once."""
    seen = set()
    if os.environ.get("SKILLSTATS_PYTHON"):
        yield [os.environ["SKILLSTATS_PYTHON"]]
    paths = [sys.executable] if sys.executable else []
    for path in paths + list(on_path()) + list(managed()):
        if path not in seen and os.path.isfile(path) and os.access(path, os.X_OK):
            seen.add(path)
            yield [path]
    launcher = shutil.which("py") if WINDOWS else None
    for minor in (12, 13, 14, 15) if launcher else ():
        yield [launcher, "-3.{}".format(minor)]


def find_python(needs_pip, refused):
    """The best candidate: the first 3.12 or 3.13, else the newest; raise `NoPython` where there is none.

    needs_pip : True where uv does not run, as `.venv` then needs `venv` and `ensurepip` (some systems package them apart)
    refused : base executable -> why it turned out to be unusable
    """
    good, answers = [], []
    for command in candidates():
        found, answer = probe(command)
        if found and found.version >= LOWEST and not found.note:
            if found.base in refused:
                answer += ", " + refused[found.base]
            elif needs_pip and not found.has_pip:
                answer += " without venv and ensurepip"
            elif found.version[:2] in PREFERRED:
                return found
            else:
                good.append(found)
        if command[0] == os.environ.get("SKILLSTATS_PYTHON") and found not in good:
            say("SKILLSTATS_PYTHON={}: {}; looking further".format(command[0], answer))
        answers.append((" ".join(command), answer))
    if good:
        return max(good, key=lambda python: python.version)
    raise NoPython(no_python_message(answers))


def no_python_message(answers):
    """What was tried, grouped by what it answered, and three remedies."""
    groups = collections.OrderedDict()
    for command, answer in answers:
        groups.setdefault(answer, []).append(command)
    tried = ["  {}: {}".format(answer, ", ".join(commands)) for answer, commands in groups.items()]
    return "\n".join(
        ["skillstats needs Python 3.12 or newer with the venv module, and found none. Tried:"]
        + (tried or ["  nothing: no Python on the PATH nor in the folders of pyenv, uv and conda"])
        + [
            "Any one of these helps; then run the same command again:",
            "  1. install Python 3.12 from your system's packages (Debian: and python3.12-venv), or: pyenv install 3.12",
            "  2. install uv, then: uv python install 3.12",
            "  3. with conda: conda create --name skillstats python=3.12",
            "A Python in an unusual place is used when the variable SKILLSTATS_PYTHON holds its path.",
        ]
    )


def find_uv():
    """Path of a uv that really runs, or None; its installer's usual folders are often missing from the PATH."""
    home = os.path.expanduser("~")
    folders = os.environ.get("PATH", "").split(os.pathsep)
    folders += [os.path.join(home, ".local", "bin"), os.path.join(home, ".cargo", "bin")]
    for folder in folders:
        path = os.path.join(folder, "uv" + EXE)
        if folder and os.path.isfile(path) and run([path, "--version"], timeout=20)[0] == 0:
            return path
    return None


# -------------------------------------------------------------------------------------------------------- building .venv


def venv_python():
    """Path of the interpreter inside `.venv`."""
    return os.path.join(VENV, BIN, "python" + EXE)


def read(path):
    """Text of a file, empty if it cannot be read."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, ValueError):
        return ""


def package_version():
    """Version in pyproject.toml, read with a pattern because an old Python has no TOML reader."""
    return re.search(r'(?m)^version = "([^"]+)"', read(os.path.join(ROOT, "pyproject.toml"))).group(1)


def expected_stamp(profile, python):
    """What the stamp of an environment says: lock file, interpreter, checkout and package version."""
    with open(os.path.join(ROOT, "requirements", LOCKS[profile]), "rb") as file:
        lock = hashlib.sha256(file.read()).hexdigest()
    interpreter = "{}.{}.{} {}".format(*(python.version + (python.base,)))
    digest = hashlib.sha256(interpreter.encode("utf-8")).hexdigest()
    lines = ["profile=" + profile, "lock=" + lock, "python=" + digest, "checkout=" + ROOT, "version=" + package_version()]
    return "\n".join(lines) + "\n"


def chosen_elsewhere(python):
    """True where SKILLSTATS_PYTHON names a suitable Python other than the one `.venv` was made with."""
    choice = os.environ.get("SKILLSTATS_PYTHON")
    wanted = probe([choice])[0] if choice else None
    return bool(wanted and wanted.version >= LOWEST and not wanted.note and wanted.base != python.base)


def why_unusable(python):
    """Reason why `.venv` cannot even be brought up to date, or an empty string."""
    if python is None:
        return "its Python does not run"
    if python.version < LOWEST:
        return "its Python is too old"
    if os.path.exists(BUILDING):
        return "it was left half built"
    stamp = read(STAMP)
    if stamp and "checkout=" + ROOT not in stamp.splitlines():
        return "the checkout was moved"
    return "SKILLSTATS_PYTHON names another Python" if chosen_elsewhere(python) else ""


def create_venv(uv):
    """Make an empty `.venv` with the best Python; a candidate that fails to make one is passed over."""
    refused = {}
    while True:
        python = find_python(needs_pip=not uv, refused=refused)
        remove_venv()
        command = [uv, "venv", "-q", "--python", python.base, VENV] if uv else [python.base, "-I", "-m", "venv", VENV]
        try:
            check(command, "making .venv with " + python.base)
            return
        except StepFailed as error:
            refused[python.base] = "cannot make a .venv"
            say(str(error))


def remove_venv():
    """Remove `.venv`, be it a folder, a link or a file."""
    if os.path.islink(VENV) or os.path.isfile(VENV):
        os.remove(VENV)
    elif os.path.isdir(VENV):
        shutil.rmtree(VENV)


def editable_wheel(folder, python):
    """Write a wheel whose only content is a pointer to this checkout, as an editable install has it.

    A build backend would do the same, but it is not among the demo's locked packages, and fetching one would be a download
    without a hash. A wheel made here needs none, and the installer still writes the metadata and the `skillstats` command in
    its usual way.
    """
    version = package_version()
    info = "skillstats-{}.dist-info/".format(version)
    # site reads .pth files as UTF-8 from 3.13 on and in the encoding of the locale before
    encoding = "utf-8" if python.version >= (3, 13) else locale.getpreferredencoding(False)
    files = {
        "_skillstats_checkout.pth": (ROOT + "\n").encode(encoding, "surrogateescape"),
        info + "METADATA": "Metadata-Version: 2.1\nName: skillstats\nVersion: {}\n".format(version).encode(),
        info + "WHEEL": b"Wheel-Version: 1.0\nGenerator: bootstrap\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        info + "entry_points.txt": b"[console_scripts]\nskillstats = skillstats.cli:main\n",
    }
    files[info + "RECORD"] = "".join(name + ",,\n" for name in list(files) + [info + "RECORD"]).encode()
    path = os.path.join(folder, "skillstats-{}-py3-none-any.whl".format(version))
    with zipfile.ZipFile(path, "w") as wheel:
        for name, content in files.items():
            wheel.writestr(name, content)
    return path


def install(profile, uv, python):
    """Bring `.venv` to exactly the locked packages and point it to this checkout."""
    lock = os.path.join(ROOT, "requirements", LOCKS[profile])
    count = len(re.findall(r"(?m)^[A-Za-z0-9][^ ]*==", read(lock)))
    tool = "uv" if uv else "pip (minutes)"
    say("installing {} packages with {}; the first time this fetches several hundred MB".format(count, tool))
    inside = venv_python()
    quiet = ["-q", "--disable-pip-version-check", "--no-input"]
    if uv:
        locked = [uv, "pip", "sync", "-q", "--python", inside, "--require-hashes", "--only-binary", ":all:", lock]
        package = [uv, "pip", "install", "-q", "--python", inside, "--no-deps", "--no-index", "--reinstall"]
    else:
        pip = [inside, "-I", "-m", "pip", "install"] + quiet
        locked = pip + ["--require-hashes", "--no-deps", "--only-binary=:all:", "-r", lock]
        package = pip + ["--no-deps", "--no-index", "--force-reinstall"]
    check(locked, "installing requirements/" + LOCKS[profile])
    folder = tempfile.mkdtemp(prefix="skillstats-")
    try:
        check(package + [editable_wheel(folder, python)], "installing the checkout")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def build(profile, uv):
    """Build or update `.venv` with one installer; the marker file says afterwards whether it came to the end."""
    python = probe([venv_python()])[0]
    reason = why_unusable(python)
    if not reason and not uv and run([venv_python(), "-I", "-m", "pip", "--version"])[0]:
        reason = "it has no pip"
    if reason:
        if os.path.lexists(VENV):
            say("rebuilding .venv: " + reason)
        create_venv(uv)
        python = probe([venv_python()])[0]
        if python is None:
            raise StepFailed("the new .venv does not run")
    if os.path.exists(STAMP):
        os.remove(STAMP)
    open(BUILDING, "w").close()
    install(profile, uv, python)
    with open(STAMP, "w", encoding="utf-8") as file:
        file.write(expected_stamp(profile, python))
    os.remove(BUILDING)


def is_ready(profile):
    """True where `.venv` runs and was built from the lock files as they are now."""
    stamp = read(STAMP)
    python = probe([venv_python()])[0] if stamp else None
    if why_unusable(python):
        return False
    return any(stamp == expected_stamp(name, python) for name in SATISFIED_BY[profile])


def prepare(profile):
    """Make sure that `.venv` is there and complete; return its interpreter."""
    if is_ready(profile):
        return venv_python()
    start = time.time()
    uv = find_uv()
    for installer in [uv, None] if uv else [None]:
        try:
            build(profile, installer)
        except StepFailed as error:
            say(str(error))
            if installer:
                say("uv did not manage; trying again with pip")
            continue
        say(".venv is ready after {:.0f} s".format(time.time() - start))
        return venv_python()
    sys.exit(1)


# -------------------------------------------------------------------------------------------------------------- the jobs


def job(command, folder=None):
    """Run a job with its output in view; return its exit code."""
    return subprocess.call(command, cwd=folder, env=child_environment())


def demo(arguments):
    """Run `skillstats demo` in the caller's folder, which -P keeps off the import path."""
    return job([prepare("demo"), "-P", "-m", "skillstats", "demo"] + arguments)


def test(arguments):
    """Run every check, also after a failure, and say at the end which ones failed."""
    python = prepare("test")
    tools = os.path.join(os.path.dirname(python), "lint-imports" + EXE)
    workers = (
        []
        if any(re.match(r"-n|--numprocesses|--pdb", argument) for argument in arguments)
        else ["-n", "2", "--dist", "worksteal"]
    )
    checks = [
        ("ruff check", [python, "-m", "ruff", "check", "--quiet"]),
        ("mypy", [python, "-m", "mypy", "--no-error-summary"]),
        ("lint-imports", [tools]),
        ("pytest", [python, "-m", "pytest"] + workers + arguments),
    ]
    results = []
    for name, command in checks:
        say("running " + name)
        start = time.time()
        code = job(command, folder=ROOT)
        results.append((name, code, time.time() - start))
    for name, code, seconds in results:
        say("{:6} {:12} {:6.1f} s".format("FAILED" if code else "passed", name, seconds))
    return 1 if any(code for _, code, _ in results) else 0


def docs(arguments):
    """Build the documentation; a warning is an error."""
    target = os.path.join(ROOT, "docs", "_build", "html")
    sphinx = [prepare("test"), "-m", "sphinx", "-W", "--keep-going", "-q"]
    code = job(sphinx + arguments + [os.path.join(ROOT, "docs"), target], ROOT)
    if not code:
        say("the documentation is in " + target)
    return code


def env(arguments):
    """Only build the environment."""
    profile = arguments[0] if arguments else "test"
    if profile not in LOCKS or len(arguments) > 1:
        print("usage: bootstrap.py env [demo|test]", file=sys.stderr)
        return 2
    print(prepare(profile))
    return 0


def main(arguments):
    """Choose the job by its name; return the exit code."""
    jobs = {"demo": demo, "test": test, "docs": docs, "env": env}
    if not arguments or arguments[0] not in jobs:
        asked = bool(arguments) and arguments[0] in ("-h", "--help", "help")
        print(__doc__, file=sys.stdout if asked else sys.stderr)
        return 0 if asked else 2
    try:
        return jobs[arguments[0]](arguments[1:])
    except NoPython as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    if sys.version_info < (3, 6):
        sys.exit("bootstrap.py needs Python 3.6 or newer to run: call it as python3 bootstrap.py")
    sys.exit(main(sys.argv[1:]))
