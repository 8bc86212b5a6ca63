"""The long comparison: random records, half plain and half wide, by both ledgers, in several processes.

    python tests/oracle/long_run.py --records 10000 --workers 2 [--first 0]

Even numbers are plain desks and odd ones wide, with the number as seed. Prints progress, every disagreement with its seed, and how many
records and chains were compared; ends with 1 if anything disagreed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import comparing
import desks

EVERY = 200


def compare(number: int) -> tuple[int, int, list[str]]:
    """Number, chains compared and disagreements of one desk; an exception on either side is a disagreement."""
    desk = desks.make_desk(number, wide=number % 2 == 1)
    with tempfile.TemporaryDirectory() as folder:
        try:
            wrong, led = comparing.check(desk, Path(folder))
        except Exception:  # noqa: BLE001 - whatever either side raises is reported with its seed
            return number, 0, [traceback.format_exc()]
    return number, len(led.chains) + len(led.model_chains), wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--first", type=int, default=0)
    chosen = parser.parse_args()
    chains = failed = done = 0
    with multiprocessing.get_context("spawn").Pool(chosen.workers) as pool:
        numbers = range(chosen.first, chosen.first + chosen.records)
        for number, compared, wrong in pool.imap_unordered(compare, numbers, chunksize=8):
            done, chains, failed = done + 1, chains + compared, failed + bool(wrong)
            for line in wrong:
                print(f"seed {number} {'wide' if number % 2 else 'plain'}: {line}", flush=True)
            if done % EVERY == 0:
                print(f"{done} records, {chains} chains, {failed} records that disagree", flush=True)
    print(f"compared {done} records with {chains} chains; {failed} records disagree")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
