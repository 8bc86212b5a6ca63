"""The compiled loop of the re-assignments inside cells; importing this costs the compiler."""

from __future__ import annotations

from typing import Any

from skillstats.record.compiled import compiled


@compiled
def reassign_loop(
    start: Any,
    size: Any,
    first: Any,
    count: Any,
    act: Any,
    tilt: Any,
    value: Any,
    money: Any,
    uniform: Any,
    place: Any,
    t: Any,
    m: Any,
) -> None:
    """Add sum act v and sum tilt m of each re-assignment to `t` and `m`; see `reassign.draw_cells`, whose twin says the same in Python.

    start, size : (cell,) where the cell's signals begin in `value` and `money`, and how many they are
    first, count : (cell,) where the cell's actions begin in `act` and `tilt`, and how many they are
    uniform : (draw, action) in [0, 1); place : scratch, as long as the largest cell
    """
    for b in range(uniform.shape[0]):
        of_t, of_m = 0.0, 0.0
        for c in range(len(start)):
            n = size[c]
            for i in range(n):
                place[i] = i
            for k in range(count[c]):
                a = first[c] + k
                pick = k + int(uniform[b, a] * (n - k))
                place[k], place[pick] = place[pick], place[k]
                i = start[c] + place[k]
                of_t += act[a] * value[i]
                of_m += tilt[a] * money[i]
        t[b] += of_t
        m[b] += of_m
