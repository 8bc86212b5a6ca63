"""Who decided when: the tables of labels that worlds put outcomes into. Counts and labels only, never outcomes.

Trader 0 is the one whose skill is ranked, so each design makes that trader the hard case it is named after. Regimes are labels of
sessions, except in `UNEVEN`, where they change within the session too; actions vary from row to row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
BETS_PER_YEAR: Final = 25.0
"""B of every design: an annual prior of 0.5 is 0.1 a decision, so that 150 decisions and the prior have comparable weight."""


@dataclass(frozen=True, slots=True)
class Design:
    """Shape of a study's tables.

    traders, sessions, rows : numbers of traders and of sessions, rows of an ordinary trader-session
    regimes, actions : numbers of levels
    kind : word of `KINDS`, how rows fall on trader-sessions
    bets_per_year : B the annual priors are divided by
    """

    name: str
    kind: str
    traders: int = 6
    sessions: int = 30
    rows: int = 5
    regimes: int = 3
    actions: int = 2
    bets_per_year: float = BETS_PER_YEAR


@dataclass(frozen=True, slots=True)
class Table:
    """Labels of rows: trader, session, regime, action, (row,) int64 codes."""

    trader: IntArray
    session: IntArray
    regime: IntArray
    action: IntArray

    def __len__(self) -> int:
        return len(self.trader)


def _balanced(design: Design, rng: np.random.Generator) -> IntArray:  # noqa: ARG001
    return np.full((design.traders, design.sessions), design.rows)


def _uneven(design: Design, rng: np.random.Generator) -> IntArray:
    """5 to 80 decisions a trader, equally spaced in the logarithm, thrown on sessions at random; trader 0 has 5."""
    totals = np.round(np.geomspace(5, 80, design.traders)).astype(int)
    return np.stack([rng.multinomial(total, np.full(design.sessions, 1 / design.sessions)) for total in totals])


def _single(design: Design, rng: np.random.Generator) -> IntArray:
    """Everybody balanced but trader 0, who has one decision."""
    sizes = np.full((design.traders, design.sessions), design.rows)
    sizes[0] = 0
    sizes[0, rng.integers(design.sessions)] = 1
    return sizes


def _bursts(design: Design, rng: np.random.Generator) -> IntArray:
    """Heavy tails of activity: rows a trader-session = floor of a Pareto variable of index 1.2, at most 60."""
    return np.minimum(60, np.floor(1 / rng.random((design.traders, design.sessions)) ** (1 / 1.2))).astype(np.int64)


KINDS: Final[Mapping[str, Callable[[Design, np.random.Generator], IntArray]]] = {
    "balanced": _balanced,
    "uneven": _uneven,
    "single": _single,
    "bursts": _bursts,
}
"""Word to the function that gives rows per (trader, session)."""

BALANCED: Final = Design("balanced", "balanced")
UNEVEN: Final = Design("uneven", "uneven")
SINGLE: Final = Design("single", "single")
BURSTS: Final = Design("bursts", "bursts")
SMALL: Final = Design("small", "balanced", traders=5, sessions=20, rows=4)
RELEASE_DESIGNS: Final = (BALANCED, UNEVEN, SINGLE, BURSTS)
DESIGN_TEXT: Final = {
    "balanced": "6 traders x 30 sessions x 5 decisions",
    "uneven": "5 to 80 decisions a trader, thrown on 30 sessions, regimes that change within a session; the ranked trader has 5",
    "single": "as balanced, but the ranked trader has one decision",
    "small": "5 traders x 20 sessions x 4 decisions, for engine nuts",
    "bursts": "heavy tails of activity: 1 to 60 decisions a trader-session from a Pareto law of index 1.2",
}


def lay_table(design: Design, rng: np.random.Generator) -> Table:
    """Draw the labels of one table; rows are sorted by trader, then session."""
    sizes = KINDS[design.kind](design, rng)
    trader, session = (np.repeat(code.ravel(), sizes.ravel()) for code in np.indices(sizes.shape))
    of_session = rng.permutation(np.arange(design.sessions) % design.regimes)
    regime = rng.integers(0, design.regimes, len(trader)) if design.kind == "uneven" else of_session[session]
    action = rng.integers(0, design.actions, len(trader))
    return Table(*(column.astype(np.int64) for column in (trader, session, regime, action)))


def grid_design(decisions: int, correlated: bool, traders: int) -> Design:
    """One cell of the coverage grid: `decisions` a trader, 10 a session where outcomes of a session are `correlated`, else 1.

    Examples
    --------
    >>> grid_design(50, True, 6).sessions, grid_design(50, False, 6).sessions
    (5, 50)
    """
    rows = 10 if correlated else 1
    name = f"grid-{decisions}-{'shared' if correlated else 'alone'}-{traders}"
    return replace(BALANCED, name=name, traders=traders, sessions=decisions // rows, rows=rows)
