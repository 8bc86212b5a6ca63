"""The design of a simulated record: who gets which signal when, and what he does with it, before any price is drawn.

Nothing here depends on skill or on returns, so the truth can be computed from the design exactly. A row is one signal, sorted by
time. The deviation of a row is described free of scale, by the path of dq(t)/q:

    risk = q price volatility sqrt(integral (dq/q)^2 dt) = q price volatility gap sqrt(risk_time),

time in sessions, gap = |Q - q|/q (1 for a DELAY), as DATA.md section 3 defines the risk of evidence.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from skillstats.simulate.sessions import Sessions
from skillstats.simulate.world import World
from skillstats.units import MINUTE, NULL_TIME, SECOND

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

ACCEPT, VETO, RESIZE, DELAY, REVERSE = range(5)

AFTER_OPEN: Final = 5 * MINUTE
BEFORE_CLOSE: Final = 30 * MINUTE
MILLISECOND: Final = SECOND // 1000


@dataclass(frozen=True, slots=True)
class Design:
    """Signals and what became of them; all arrays have shape (signal,), times in UTC microseconds.

    session counts from the first session with signals; side and direction are +1/-1, direction 0 where untouched; ratio is Q/q;
    wait is the part of a DELAY's time before its fill, in sessions; left the time from the signal to the close, in sessions;
    decision is a number for touched signals (equal within a blanket veto), -1 elsewhere; beta is the exposure to the market's shock, good
    is +1 or -1 on the trader's good and bad sessions.
    """

    session: Integers
    trader: Integers
    asset: Integers
    time: Integers
    quote_time: Integers
    action_time: Integers
    fill_time: Integers
    side: Integers
    action: Integers
    direction: Integers
    decision: Integers
    ratio: Floats
    notional: Floats
    left: Floats
    wait: Floats
    gap: Floats
    risk_time: Floats
    regime: Integers
    beta: Floats
    good: Floats
    regime_of_session: Integers
    days: int

    @property
    def touched(self) -> NDArray[np.bool_]:
        """Signals the trader departed from."""
        return np.not_equal(self.action, ACCEPT)


@dataclass(frozen=True, slots=True)
class Habits:
    """How people act, drawn beside the design so that the design's own stream stays as it was; all (session, trader).

    busy : factor on the expected number of signals; facing : side of the session's signals, None for a coin a signal
    acts : whether the session is touched as a whole, None where each signal is a choice; good : +1 or -1
    """

    busy: Floats
    facing: Integers | None
    acts: NDArray[np.bool_] | None
    good: Floats


def draw_regimes(world: World, count: int, rng: np.random.Generator) -> Integers:
    """Market state of `count` sessions: spells of geometric length, never the same state twice running.  # shape: (session,)"""
    shares = np.array([regime.share for regime in world.regimes])
    if len(shares) == 1:
        return np.zeros(count, np.int64)
    means = np.maximum(world.regime_spell * len(shares) * shares, 1.0)
    state = int(rng.choice(len(shares), p=shares / shares.sum()))
    path: list[int] = []
    while len(path) < count:
        path += [state] * int(rng.geometric(1.0 / means[state]))
        state = (state + int(rng.integers(1, len(shares)))) % len(shares)
    return np.array(path[:count], np.int64)


def draw_design(world: World, sessions: Sessions, regime: Integers, habits: Habits, rng: np.random.Generator) -> Design:
    """Draw the signals of every session, sorted by time, and the traders' actions on them.

    regime : (session,) state of every session, history included
    """
    counts = draw_counts(world, habits.busy, rng)  # shape: (session, trader)
    session = np.repeat(np.arange(world.sessions), counts.sum(axis=1))
    trader = np.concatenate([np.repeat(np.arange(world.traders), row) for row in counts]).astype(np.int64)
    place = np.arange(len(session)) - np.searchsorted(session, session)
    asset = np.argsort(rng.random((world.sessions, world.asset_count)), axis=1)[session, place]
    first, length = sessions.open[sessions.history :][session], sessions.length[sessions.history :][session]
    room = (length - AFTER_OPEN - BEFORE_CLOSE) // MILLISECOND
    time = first + AFTER_OPEN + (rng.random(len(session)) * room).astype(np.int64) * MILLISECOND
    order = np.lexsort((asset, time))
    session, trader, asset, time, length = (column[order] for column in (session, trader, asset, time, length))
    side = draw_sides(world, session, trader, rng)
    if habits.facing is not None:
        side = habits.facing[session, trader]
    action = draw_actions(world, trader, None if habits.acts is None else habits.acts[session, trader], rng)
    ratio = draw_ratios(action, rng)
    close = sessions.close[sessions.history :][session]
    action_time, fill_time = _draw_times(action, time, close, rng)
    left = (close - time) / length
    gap = np.where(action == DELAY, 1.0, np.abs(ratio - 1.0))
    return Design(
        session=session, trader=trader, asset=asset, time=time, side=side, action=action, ratio=ratio,
        quote_time=time - rng.integers(1_000, 40_000, len(time)) * MILLISECOND,
        action_time=action_time, fill_time=fill_time,
        direction=_direction(action, side, ratio),
        decision=number_decisions(world, session, trader, action, rng),
        notional=world.notional * np.exp(world.size_spread * rng.standard_normal(len(time))),
        left=left, gap=gap,
        wait=np.where(action == DELAY, (fill_time - time) / length, 0.0),
        risk_time=_risk_time(action, gap, left, (fill_time - time) / length),
        regime=regime[sessions.history :][session], beta=np.ones(len(time)), good=habits.good[session, trader],
        regime_of_session=regime, days=world.sessions,
    )  # fmt: skip


def keep_signals(design: Design, kept: NDArray[np.bool_]) -> Design:
    """The design without some signals; decisions are numbered anew.

    kept : (signal,) must hold all rows of a decision or none
    """
    whole = ("regime_of_session", "days")
    columns = {f.name: getattr(design, f.name)[kept] for f in fields(Design) if f.name not in whole}
    touched = columns["decision"] >= 0
    columns["decision"] = columns["decision"].copy()
    columns["decision"][touched] = np.unique(columns["decision"][touched], return_inverse=True)[1]
    return replace(design, **columns)


def draw_counts(world: World, busy: Floats, rng: np.random.Generator, most: Integers | None = None) -> Integers:
    """Signals by session and trader: Poisson around a gamma level; a session never has more signals than assets.

    most : (session,) assets that can be traded; default all of the world's
    """
    mean = np.array(world.per_trader("signals_per_day"))
    shape = (world.sessions, world.traders)
    level = np.ones(shape)
    if world.activity_spread > 0:
        level = rng.gamma(world.activity_spread**-2, world.activity_spread**2, shape)
    return trim_counts(rng.poisson(mean * level * busy), np.full(world.sessions, world.asset_count) if most is None else most)


def trim_counts(counts: Integers, most: Integers) -> Integers:
    """Take signals from the busiest trader of a session until the session fits its assets."""
    counts = counts.copy()
    for s in np.flatnonzero(counts.sum(axis=1) > most):
        while counts[s].sum() > most[s]:
            counts[s, np.argmax(counts[s])] -= 1
    return counts


def draw_sides(world: World, session: Integers, trader: Integers, rng: np.random.Generator) -> Integers:
    """BUY +1 or SELL -1: a coin a signal, for directional traders a coin a session."""
    of_day = 2 * rng.integers(0, 2, (world.sessions, world.traders)) - 1
    of_row = 2 * rng.integers(0, 2, len(session)) - 1
    one_sided = np.isin(trader + 1, world.directional)
    return np.where(one_sided, of_day[session, trader], of_row)


def draw_actions(world: World, trader: Integers, acts: NDArray[np.bool_] | None, rng: np.random.Generator) -> Integers:
    """Index into ACTIONS, by the trader's override rate and the mix of actions.

    acts : (signal,) whether it is touched, None to draw it
    """
    rate = np.array(world.per_trader("override_rate"))[trader]
    touched = rng.random(len(trader)) < rate
    touched = touched if acts is None else acts
    edges = np.cumsum(msgspec.structs.astuple(world.actions))
    kind = np.searchsorted(edges[:-1] / edges[-1], rng.random(len(trader)), side="right") + VETO
    return np.where(touched, kind, ACCEPT)


def draw_ratios(action: Integers, rng: np.random.Generator) -> Floats:
    """Q/q: RESIZE halves as often as it adds, REVERSE takes half or all of the size on the other side."""
    resize = np.array([0.5, 0.5, 1.5, 2.0])[rng.integers(0, 4, len(action))]
    reverse = np.array([-0.5, -1.0])[rng.integers(0, 2, len(action))]
    return np.select([action == VETO, action == RESIZE, action == REVERSE], [0.0, resize, reverse], default=1.0)


def _draw_times(action: Integers, time: Integers, close: Integers, rng: np.random.Generator) -> tuple[Integers, Integers]:
    """Action and fill instants: the person answers within 3 s, the fill follows within 3 s, that of a DELAY after its wait."""
    answer = time + rng.integers(300, 3_000, len(time)) * MILLISECOND
    fill = answer + rng.integers(300, 3_000, len(time)) * MILLISECOND
    wait = ((close - time) // MILLISECOND * rng.uniform(0.2, 0.6, len(time))).astype(np.int64) * MILLISECOND
    fill = np.where(action == DELAY, time + wait, fill)
    return answer, np.where(action == VETO, NULL_TIME, fill)


def _risk_time(action: Integers, gap: Floats, left: Floats, to_fill: Floats) -> Floats:
    """Integral of (dq/q)^2 dt over gap^2, in sessions: the seconds before a fill count with the whole quantity."""
    with np.errstate(divide="ignore", invalid="ignore"):
        at_once = left + to_fill * (gap**-2.0 - 1.0)
    moved = (action == RESIZE) | (action == REVERSE)
    return np.select([moved, action == DELAY], [at_once, to_fill], default=left)


def _direction(action: Integers, side: Integers, ratio: Floats) -> Integers:
    """Sign of actual minus model position, signed by the market; a DELAY is short of the model while it waits."""
    against = np.where(ratio > 1.0, 1, -1)
    return np.where(action == ACCEPT, 0, side * against)


def number_decisions(world: World, session: Integers, trader: Integers, action: Integers, rng: np.random.Generator) -> Integers:
    """Number the decisions in time order; a blanket veto gives all its rows the number of its first."""
    blanket = rng.random((world.sessions, world.traders)) < world.block_vetoes
    touched = action != ACCEPT
    own = np.arange(len(action))
    cell = session * world.traders + trader
    together = (action == VETO) & blanket[session, trader]
    cells, inverse = np.unique(cell[together], return_inverse=True)
    first = np.full(len(cells), len(action))
    np.minimum.at(first, inverse, own[together])
    own[together] = first[inverse]
    number = np.full(len(action), -1)
    number[touched] = np.unique(own[touched], return_inverse=True)[1]
    return number
