"""Optional labels of decisions: which of them evidence carries, and the calendar quarter each row belongs to.

A label with one level tells nothing apart, so evidence does not carry it: it counts as the one level ``all``. The levels of
``quarter`` are all calendar quarters from the first to the last, also those without a row, because drift goes on while nobody acts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
Coded = tuple[dict[str, IntArray], dict[str, tuple[str, ...]]]
ALL: Final = "all"
_DATE: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])-([0-2]\d|3[01])")


def code_labels(names: Mapping[str, Sequence[Any] | NDArray[Any]]) -> Coded:
    """Codes and levels of the labels that have at least two levels; a missing name is the level ``all``.

    Examples
    --------
    >>> labels, coords = code_labels({"desk": ["B", "A", "B"], "asset_class": [None, None, None]})
    >>> labels["desk"].tolist(), coords
    ([1, 0, 1], {'desk': ('A', 'B')})
    """
    labels, coords = {}, {}
    for name, values in names.items():
        filled = pd.Series(np.array([ALL if v is None else v for v in values], dtype=object))
        codes, levels = pd.factorize(filled, sort=True)
        if len(levels) > 1:
            labels[name], coords[name] = codes.astype(np.int64), tuple(str(v) for v in levels)
    return labels, coords


def dates_of_sessions(sessions: Sequence[str]) -> list[str] | None:
    """Sessions as dates ``YYYY-MM-DD``; None where any is something else.

    Examples
    --------
    >>> dates_of_sessions(["2026-07-01"]), dates_of_sessions(["2026-07-01", "item 7"])
    (['2026-07-01'], None)
    """
    return list(sessions) if sessions and all(_DATE.fullmatch(s) for s in sessions) else None


def code_quarters(dates: Sequence[str]) -> Coded:
    """Calendar quarter of each row from its date ``YYYY-MM-DD``; nothing where all lie in one quarter.

    Examples
    --------
    >>> labels, coords = code_quarters(["2025-11-30", "2026-04-01"])
    >>> labels["quarter"].tolist(), coords["quarter"]
    ([0, 2], ('2025Q4', '2026Q1', '2026Q2'))
    """
    number = np.array([4 * int(d[:4]) + (int(d[5:7]) - 1) // 3 for d in dates], dtype=np.int64)
    if len(number) == 0 or np.ptp(number) == 0:
        return {}, {}
    levels = tuple(f"{n // 4:04d}Q{n % 4 + 1}" for n in range(int(number.min()), int(number.max()) + 1))
    return {"quarter": number - number.min()}, {"quarter": levels}
