"""A simulated desk through the front door: what a notebook asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillstats.simulate.desk import simulate_tables
from skillstats.simulate.truth import Truth
from skillstats.simulate.world import World

if TYPE_CHECKING:
    from skillstats.record.containers import Record


def simulate(world: World, *, seed: int) -> tuple[Record, Truth]:
    """Simulate a desk and read it as if a stranger had sent it.

    Parameters
    ----------
    world : what the desk is like; `World()` is the desk of the demo
    seed : 0 or larger; the same world and seed give the same record

    Returns
    -------
    record : with a plan of its own, ready for `build_ledger`
    truth : what was planted

    Raises
    ------
    UsageError
        If the world or the seed cannot be used.

    Examples
    --------
    >>> record, truth = simulate(World(sessions=5, traders=2, directional=()), seed=1)
    >>> len(record.quarantine), [t.trader for t in truth.traders]
    (0, ['T1', 'T2'])
    """
    import pandas as pd

    from skillstats.plan import parse_plan
    from skillstats.record.read import read_record

    tables, truth = simulate_tables(world, seed=seed)
    frames = {name: pd.DataFrame(columns, dtype=object) for name, columns in tables.tables.items()}
    return read_record(frames, parse_plan(tables.plan.encode(), "plan of the world")), truth
