"""Every measurement in one table: ``python -m benchmarks [--small] [--pairs N] [--only ledger inference] [--folder FOLDER]``.

`benchmarks.ledger` and `benchmarks.inference` do the measuring and say how; here their rows stand under one heading. Rows are printed as they
come, so that an interrupted run has its first rows. A peer that is not installed is a row that says so, and a peer that beats us stays.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from benchmarks import inference, ledger

COLUMNS: Final = ("part", "case or peer", "what", "peer / ours, or figure", "anonymous memory", "answers, notes")
LEDGER_SIZES: Final = {"small": (100_000, 1_000_000), "middle": (1_000_000, 10_000_000)}
"""Decisions and quotes."""
PAIRS: Final = {"small": 3, "middle": 7}
CLAIM: Final = (
    "Median of paired ratios (smallest-largest), ours and the peer in turn. A gain is claimed only where the median is at least "
    "1.5 and every pair is above 1."
)
Row = tuple[str, ...]


def ledger_rows(form: str, pairs: int, folder: Path) -> Iterator[Row]:
    """The ledger against pandas, polars and DuckDB, in the columns of the common table."""
    decisions, quotes = LEDGER_SIZES[form]
    own = folder / f"quotes{quotes}"
    own.mkdir(parents=True, exist_ok=True)
    for against, what, figure, memory, answers in ledger.measure(own, decisions, quotes, pairs):
        yield ("ledger", against, what, figure, memory, answers)


def inference_rows(form: str, pairs: int, folder: Path) -> Iterator[Row]:  # noqa: ARG001
    """The engines against each other and against what a careful user would take, in the columns of the common table."""
    size = inference.SIZES[form]._replace(pairs=pairs)
    for case in inference.CASES.values():
        for what, measure, figure, note in case(size):
            yield ("inference", what, measure, figure, "", note)


PARTS: Final[dict[str, Callable[[str, int, Path], Iterator[Row]]]] = {"ledger": ledger_rows, "inference": inference_rows}
"""Name of a part to the function that measures it."""


def header(form: str, pairs: int) -> str:
    """What is measured and on what, for every part; the load says whether others were using the machine."""
    size = inference.SIZES[form]._replace(pairs=pairs)
    return f"{ledger.header(*LEDGER_SIZES[form], pairs)}\n{inference.header(form, size)}\n{CLAIM}\n"


def line(row: Row) -> str:
    """One row of Markdown; a stroke inside a cell would end it."""
    return f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--small", action="store_true", help="1e5 decisions x 1e6 quotes, 20 study fits, 3 pairs: minutes on a free machine"
    )
    parser.add_argument("--pairs", type=int, help="pairs of runs; default: 7, or 3 in the small form")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--folder", type=Path, help="where the desks are kept; default: a temporary folder")
    given = parser.parse_args(arguments)
    form = "small" if given.small else "middle"
    pairs = given.pairs or PAIRS[form]
    print(header(form, pairs))
    print(f"{line(COLUMNS)}\n{'|---' * len(COLUMNS)}|", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        for name in given.only:
            for row in PARTS[name](form, pairs, given.folder or Path(temporary)):
                print(line(row), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
