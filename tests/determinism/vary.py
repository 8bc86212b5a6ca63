"""One record, built in every way that must not matter, gives the same bytes: properties 13-18 and 32 of the data contract.

    python tests/determinism/vary.py [--strength N] [--workers N] [--chains N]

Varied: the order of the rows of every table, the form of the input (CSV, Parquet, each with prices in memory and mapped, pandas, Arrow, polars
where installed), plain and compiled loops, decisions in memory and in parts (of a folder; tables in memory are built in memory), chunk size, threads, time zone, hash seed, language. Every two settings
meet (an all-pairs design), with ``--strength 3`` every three; the whole product would be more than 100,000 builds. Prints what differs; exits 1 if anything does.
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "oracle"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import desks
from pairs import Case, covering

HERE = Path(__file__).resolve().parent
PROCESS = {
    "TZ": ("UTC", "Asia/Kathmandu", "America/New_York"),
    "PYTHONHASHSEED": ("0", "4242"),
    "LANG": ("C.UTF-8", "de_DE.UTF-8", "tr_TR.UTF-8"),
}
"""What can be set only before a process starts; LC_ALL follows LANG."""

CHAINS = 300
SEED = 39
"""A desk with both kinds of assets, all actions, several fills, open rows and rows set aside."""


def factors(orders: int) -> dict[str, tuple[Any, ...]]:
    """Every factor with its settings; chunk and threads only where this version of the package has them."""
    from skillstats.ledger.build import build_ledger

    found: dict[str, tuple[Any, ...]] = {
        "order": tuple(range(orders)),
        "format": (
            "csv",
            "parquet",
            "csv, mapped",
            "parquet, mapped",
            "pandas",
            "arrow",
            *(("polars",) if find_spec("polars") else ()),
        ),
        "loops": ("plain", "compiled"),
        "decisions": ("memory", "parts of 3", "parts of 40"),
    }
    settings = {"chunk": (1, 7, 1_000_000), "threads": (1, 2, 8)}
    known = inspect.signature(build_ledger).parameters
    return found | {k: v for k, v in settings.items() if k in known} | PROCESS


def not_varied() -> list[str]:
    """Factors of the contract that this run could not vary."""
    from skillstats.ledger.build import build_ledger

    missing = [k for k in ("chunk", "threads") if k not in inspect.signature(build_ledger).parameters]
    return missing + ([] if find_spec("polars") else ["polars"])


def desk(chains: int = CHAINS) -> tuple[dict[str, str], str]:
    """Tables as CSV text and the plan of the fixed record, with an exact copy of a few rows, so that drops are there too."""
    made = desks.make_desk(SEED, chains=chains)
    made.tables["signals"] += [dict(row) for row in made.tables["signals"][:5]]
    return made.texts(), made.plan_text()


def run(cases: Sequence[Case], record: tuple[Mapping[str, str], str]) -> list[dict[str, str]]:
    """Build the cases of one process environment; they share TZ, PYTHONHASHSEED and LANG."""
    own = {k: cases[0][k] for k in PROCESS}
    given = {"tables": record[0], "plan": record[1], "cases": cases}
    done = subprocess.run(
        [sys.executable, str(HERE / "build_cases.py")],
        input=json.dumps(given),
        env=os.environ | own | {"LC_ALL": own["LANG"]},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{own}: the build failed\n{done.stderr[-3000:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def compare(cases: Sequence[Case], record: tuple[Mapping[str, str], str], workers: int = 1) -> list[str]:
    """A sentence for each case whose outputs differ from the first case's."""
    groups: dict[tuple[Any, ...], list[Case]] = {}
    for case in cases:
        groups.setdefault(tuple(case[k] for k in PROCESS), []).append(case)
    with ThreadPoolExecutor(workers) as pool:
        found = [r for results in pool.map(lambda g: list(zip(g, run(g, record), strict=True)), groups.values()) for r in results]
    first = found[0][1]
    return [
        f"{', '.join(sorted(k for k in first if outputs.get(k) != first[k]))} differ with {case}"
        for case, outputs in found
        if outputs != first
    ]


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Build one record in every way that must not matter.")
    parser.add_argument("--strength", type=int, default=2, metavar="N", help="how many settings meet: 2 in minutes, 3 in an hour")
    parser.add_argument("--workers", type=int, default=1, metavar="N")
    parser.add_argument(
        "--chains", type=int, default=CHAINS, metavar="N", help="size of the record; chunks of one chain make it slow"
    )
    given = parser.parse_args(words)
    varied = factors(8)
    cases = covering(varied, given.strength)
    print(f"{len(cases)} builds; varied: {', '.join(f'{k} {len(v)}' for k, v in varied.items())}")
    if not_varied():
        print(f"not varied, because this version or installation does not have them: {', '.join(not_varied())}")
    wrong = compare(cases, desk(given.chains), given.workers)
    for line in wrong:
        print(line)
    print("every output is the same" if not wrong else f"{len(wrong)} builds differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
