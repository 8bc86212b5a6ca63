"""Exit horizons over all parts: the first later signal of the same model and asset on the other side, wherever it lies.

Issued signals of all parts are streamed in order of time and id into mapped columns, and read from the end, as `exit_times` does with a
whole record; only the latest signal of each model, asset and side is in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.record.containers import NULL
from skillstats.record.judged import PART, ROW
from skillstats.record.runs import merge_runs, open_rows

IntArray = NDArray[np.int64]
STEP: Final = 1 << 16


def exits_of_parts(runs: Sequence[Path], folder: Path) -> list[IntArray]:
    """Exit of each issued signal of each part, `NULL` where there is none; mapped.

    Parameters
    ----------
    runs : issued signals, a run a part; folder : empty, for the mapped columns
    """
    sizes = [open_rows(path).num_rows for path in runs]
    begins = np.r_[0, np.cumsum(sizes)]
    total = int(begins[-1])
    names = ("series", "side", "time", "home", "exit")
    series, side, time, home, exits = (_column(folder, name, total) for name in names)
    codes: dict[tuple[str, str], int] = {}
    at = 0
    for block in merge_runs(runs):
        stop = at + block.num_rows
        pairs = zip(block["model"].to_pylist(), block["asset"].to_pylist(), strict=True)
        series[at:stop] = [codes.setdefault(pair, len(codes)) for pair in pairs]
        side[at:stop] = [1 if word == "BUY" else -1 for word in block["side"].to_pylist()]
        time[at:stop] = block["time"].to_numpy()
        home[at:stop] = begins[block[PART].to_numpy()] + block[ROW].to_numpy()
        at = stop
    latest: dict[tuple[int, int], int] = {}
    for start in range(total - total % STEP, -1, -STEP):
        stop = min(start + STEP, total)
        own = (series[start:stop].tolist(), side[start:stop].tolist(), time[start:stop].tolist())
        exits[home[start:stop]] = _backwards(own, latest)
    return [exits[begins[k] : begins[k + 1]] for k in range(len(runs))]


def _backwards(rows: tuple[list[int], list[int], list[int]], latest: dict[tuple[int, int], int]) -> list[int]:
    found = []
    for series, side, time in zip(*(column[::-1] for column in rows), strict=True):
        found.append(latest.get((series, -side), NULL))
        latest[(series, side)] = time
    return found[::-1]


def _column(folder: Path, name: str, rows: int) -> NDArray[Any]:
    if not rows:
        return np.zeros(0, dtype=np.int64)
    return np.memmap(folder / name, dtype=np.int64, mode="w+", shape=(rows,))
