"""Give every task to the pool until each has a result: batches sized by time, one retry, then FAILED with a cause.

Tasks are given out in order; one whose process died, hung or outgrew its memory is set aside and tried once more when all others have had their
turn, in a process that has run nothing else, so that what becomes of it does not depend on its neighbours. A process that was ended from outside
(SIGKILL, SIGTERM) says nothing of its task, which is given again, up to `KILLS` times.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from skillstats.errors import SkillstatsError
from skillstats.study.running.messages import KILLED, RAISED, RETURNED, Answer, Request
from skillstats.study.running.pools import Batch, Done, Pool

BATCH_SECONDS: Final = 1.0
"""What a batch should last: hundreds of times what giving it out costs, and little to lose where a worker dies."""
BATCH_MOST: Final = 500
AHEAD: Final = 2
"""Batches given out for each worker, so that none waits for the next."""
KILLS: Final = 5
LOSSES: Final = 50
"""Times that a batch may be lost with its worker before the run stops."""
Verdict = Callable[[int, Answer], None]


@dataclass(slots=True)
class _State:
    """What is left to do, and what is known of each task's attempts."""

    waiting: deque[int]
    again: deque[int] = field(default_factory=deque)
    tries: Counter[int] = field(default_factory=Counter)
    kills: Counter[int] = field(default_factory=Counter)
    losses: Counter[int] = field(default_factory=Counter)
    settled: set[int] = field(default_factory=set)
    out: set[int] = field(default_factory=set)
    given: int = 0
    seconds: float = 0.0
    answered: int = 0


def drive(pool: Pool, requests: Sequence[Request], todo: Sequence[int], verdict: Verdict, settle: Callable[[], None]) -> None:
    """Run tasks `todo` (places in `requests`) until each has had its verdict.

    Parameters
    ----------
    verdict : told for each task, in any order: with rows (kind ``returned``), or with the cause of its failure. A batch that comes back twice is told
        twice: whoever keeps the results compares them
    settle : called when all verdicts of what came back together have been told, to commit them at once
    """
    state = _State(deque(todo))
    while state.waiting or state.again or state.out:
        while len(state.out) < AHEAD * max(1, pool.workers()) and (state.waiting or state.again):
            numbers, fresh = _next(state, pool.workers())
            pool.submit(Batch(state.given, numbers, tuple(requests[i] for i in numbers), fresh))
            state.out.add(state.given)
            state.given += 1
        for done in pool.wait():
            state.out.discard(done.batch.order)
            _take(state, done, verdict)
        settle()


def _next(state: _State, workers: int) -> tuple[tuple[int, ...], bool]:
    """The next batch, and whether each of its tasks needs a fresh process."""
    if not state.waiting:
        return (state.again.popleft(),), True
    pace = state.seconds / state.answered if state.answered else BATCH_SECONDS
    fair = -(-len(state.waiting) // (AHEAD * max(1, workers)))  # towards the end all workers have something left to do
    size = max(1, min(round(BATCH_SECONDS / max(pace, 1e-6)), fair, BATCH_MOST))
    return tuple(state.waiting.popleft() for _ in range(size)), False


def _take(state: _State, done: Done, verdict: Verdict) -> None:
    """Hand on what is settled and set aside what is not."""
    if done.answers is None:
        _lost(state, done.batch)
        return
    for number, answer in zip(done.batch.numbers, done.answers, strict=True):
        if number in state.settled:
            if answer.kind in {RETURNED, RAISED}:
                verdict(number, answer)
            continue
        if answer.kind == KILLED:
            state.kills[number] += 1
            settled = state.kills[number] >= KILLS
        else:
            state.tries[number] += 1
            settled = answer.kind in {RETURNED, RAISED} or state.tries[number] > 1
            state.seconds, state.answered = state.seconds + answer.seconds, state.answered + 1
        if settled:
            state.settled.add(number)
            verdict(number, answer)
        else:
            state.again.append(number)


def _lost(state: _State, batch: Batch) -> None:
    """Give a batch again whose worker was lost."""
    numbers = [number for number in batch.numbers if number not in state.settled]
    (state.again if batch.fresh else state.waiting).extendleft(reversed(numbers))
    state.losses.update(numbers)
    if any(state.losses[number] > LOSSES for number in numbers):
        raise SkillstatsError(f"a batch was lost with its worker {LOSSES} times; look at the workers' logs, then resume")
