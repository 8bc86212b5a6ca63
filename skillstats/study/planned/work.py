"""One task of a study: one desk, and what every estimator answers about it.

All estimators of a world see the same desk, so that differences between them are not luck. An estimator that fails on a desk keeps its rows:
no estimate, no claim, the act ``cap``, and the reason; it stays in every denominator.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
import numpy as np
import pandas as pd

from skillstats.errors import SkillstatsError
from skillstats.simulate.world import World
from skillstats.study.estimators import COLUMNS, DRAWS, Rules, make_estimator
from skillstats.study.planned.structs import EstimatorEntry
from skillstats.study.planned.worlds import Known, Level, When, draw_desk
from skillstats.study.replicate import code_of

FAILURES: Final = (SkillstatsError, FloatingPointError, RuntimeError, ValueError, np.linalg.LinAlgError)
"""What a method may fail with on a desk; anything else is a defect of the program and stops the task."""
DESK: Final = "/desk"
"""Name of the stream a desk is drawn from; no estimator can have it."""
ROWS: Final = ("estimator", *COLUMNS, "rank", "theta", "ir", "forward", "failed")
"""Columns of a desk's rows: `COLUMNS` of the estimators, and rank (draws of 99 below the truth, -1 where a method has none), the truth, and why it failed."""


NUMBERS: Final = ("estimate", "sd", "low90", "high90", "p_positive", "p_above_hurdle", "score", "luck")


class Payload(msgspec.Struct, frozen=True):
    """What a task is told: a world, a level, the estimators and the desk's rules. Text in JSON, and part of the task's name."""

    world: World
    level: Level
    when: When
    estimators: tuple[EstimatorEntry, ...]
    hurdle: float
    certainty: float


def run_desk(payload: str | bytes, seed: np.random.SeedSequence) -> pd.DataFrame:
    """Simulate the desk of one task and ask every estimator; columns `ROWS`, one row an estimator and trader, or trader x regime."""
    told = msgspec.json.decode(payload, type=Payload)
    known, rules = desk_of(told, seed), Rules(told.hurdle, told.certainty)
    return pd.concat([ask(e, known, stream(seed, e.name), rules) for e in told.estimators], ignore_index=True)


def desk_of(told: Payload, seed: np.random.SeedSequence) -> Known:
    """The desk of a task."""
    return draw_desk(told.world, seed=stream(seed, DESK), level=told.level, when=told.when)


def stream(seed: np.random.SeedSequence, name: str) -> int:
    """Seed of one part of a task: by its name, so that another estimator in the file changes nobody's."""
    own = np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, code_of(name)))
    return int(own.generate_state(1, np.uint32)[0])


def ask(entry: EstimatorEntry, known: Known, seed: int, rules: Rules) -> pd.DataFrame:
    """Answers of one estimator beside the truth, columns `ROWS`."""
    method = make_estimator(entry.word, model=entry.model, engine=entry.engine, prior_sd=entry.prior_sd).method
    failed = ""
    try:
        answers = method(known.evidence, seed=seed, rules=rules)
    except FAILURES as error:
        answers, failed = nothing(known), f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:200]
    rows = known.truth.merge(answers, on=["trader", "regime"], how="left", validate="one_to_one")
    if not failed and rows["decision"].isna().any():  # nobody may vanish from a denominator
        rows = _silent(rows)
    rank = [_rank(d, t) for d, t in zip(rows.get(DRAWS, pd.Series(index=rows.index, dtype=object)), rows["theta"], strict=True)]
    typed: dict[str, Any] = dict.fromkeys(NUMBERS, "float64") | {"n": "int64", "days": "int64", "claim": "bool"}
    return rows.assign(estimator=entry.name, rank=rank, failed=failed)[list(ROWS)].astype(typed)


def nothing(known: Known) -> pd.DataFrame:
    """The answers of a method that failed."""
    rows = known.truth[["trader", "regime"]].assign(**dict.fromkeys(COLUMNS[2:], np.nan))
    return _silent(rows)[list(COLUMNS)]


def _silent(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows without an answer: no decisions counted, no claim, the right capped."""
    gone = rows["decision"].isna()
    rows = rows.astype({"decision": object, "claim": object})
    rows.loc[gone, ["n", "days"]] = 0
    rows.loc[gone, "claim"] = False
    rows.loc[gone, "decision"] = "cap"
    return rows


def _rank(draws: Any, truth: float) -> int:
    """Draws below the truth; -1 where there are none."""
    return int(np.sum(np.asarray(draws) < truth)) if isinstance(draws, tuple) else -1
