"""Apply each planted bug to a copy of the package and run the tests that must notice it.

    python tests/mutation/run_mutants.py [--only NAME]... [--workers N]

Prints which test killed each mutant; exits 1 if one survives, or if the tests fail without any mutant.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from ledger_mutants import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("skillstats", "models", "tests")


def mutated(source: str, mutant: Mutant) -> str:
    """The source with the bug in it."""
    if source.count(mutant.old) != 1:
        raise ValueError(f"{mutant.name}: its text occurs {source.count(mutant.old)} times in {mutant.file}")
    return source.replace(mutant.old, mutant.new)


def run_copy(mutant: Mutant | None, tests: Sequence[str]) -> tuple[bool, str]:
    """Whether the tests pass on a copy of the package with a mutant (or without), and the first test that fails."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as name:
        folder = Path(name)
        for part in COPIED:
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", folder)
        if mutant is not None:
            path = folder / "skillstats" / mutant.file
            path.write_text(mutated(path.read_text(encoding="utf-8"), mutant), encoding="utf-8")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "COV"))}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--no-header", *tests],
            cwd=folder,
            env=kept | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode not in (0, 1):
        raise RuntimeError(
            f"{mutant.name if mutant else 'control'}: pytest could not run\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
    first = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", done.stdout, flags=re.MULTILINE)
    return done.returncode == 0, first[1] if first else ""


def report(mutant: Mutant) -> tuple[bool, str]:
    """Whether a mutant was killed, and a line that says by what."""
    survived, killer = run_copy(mutant, mutant.tests)
    return not survived, f"{'SURVIVED' if survived else 'killed  '} {mutant.name:34} {killer or mutant.harm}"


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Run the planted bugs of the ledger.")
    parser.add_argument("--only", action="append", metavar="NAME", help="run this mutant only; may be repeated")
    parser.add_argument("--workers", type=int, default=1, metavar="N")
    given = parser.parse_args(words)
    known = {m.name: m for m in MUTANTS}
    unknown = sorted(set(given.only or ()) - set(known))
    if unknown:
        parser.error(f"no mutant {', '.join(unknown)}; there are {', '.join(known)}")
    chosen = [known[n] for n in given.only] if given.only else list(MUTANTS)
    good, first = run_copy(None, list(dict.fromkeys(t for m in chosen for t in m.tests)))
    if not good:
        print(f"the tests fail without a mutant: {first}")
        return 1
    alive = 0
    with ThreadPoolExecutor(given.workers) as pool:
        for killed, line in pool.map(report, chosen):
            print(line, flush=True)
            alive += not killed
    print(f"{len(chosen) - alive} of {len(chosen)} mutants killed")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
