"""Every detector on every trader, with the false discoveries among them controlled.

Trader times detector is a list of questions; asking eighty of them at 5% finds four habits in nobody. Those called found are the ones that a
Benjamini-Hochberg list at the plan's false-discovery rate keeps, over all questions that could be answered.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
from statsmodels.stats.multitest import multipletests

from skillstats.behaviour.decided import Decided, decided_of
from skillstats.behaviour.detectors import DETECTORS, POINTS, Detector
from skillstats.ledger.containers import Ledger


@dataclass(frozen=True, slots=True)
class Habit:
    """One question about one trader.

    effect, q05, q95 : in `unit` (``pp`` percentage points, ``sd`` value per unit of risk), 90% equal-tailed; None where not enough data
    size, size_q05, size_q95 : the same over the sd of what is compared, no unit, so that effects of different units stand on one axis
    p : of no habit; q : Benjamini-Hochberg adjusted; found : kept at the false-discovery rate
    n : signals compared; blocks : effective number of session blocks; detectable : effect found with 80% power by a test at 5%
    words : what was seen, or what would be needed
    """

    trader: str
    detector: str
    unit: str
    effect: float | None
    q05: float | None
    q95: float | None
    size: float | None
    size_q05: float | None
    size_q95: float | None
    p: float | None
    q: float | None
    found: bool
    n: int
    blocks: float
    detectable: float | None
    words: str


@dataclass(frozen=True)
class Behaviour:
    """Habits of a desk.

    habits : one a trader and detector; fdr : rate of the list; counts : signals that could not be used and why
    """

    habits: tuple[Habit, ...]
    fdr: float
    counts: dict[str, int]

    @property
    def found(self) -> tuple[Habit, ...]:
        """Habits that survive the false-discovery control, smallest p first."""
        return tuple(sorted((h for h in self.habits if h.found), key=lambda h: (h.p, h.trader)))

    def to_pandas(self) -> pd.DataFrame:
        """One row a trader and detector."""
        return pd.DataFrame([asdict(h) for h in self.habits])

    def summary(self) -> pd.DataFrame:
        """The habits found, with their intervals."""
        columns = ["trader", "detector", "effect", "q05", "q95", "unit", "p", "q", "words"]
        return pd.DataFrame([{k: getattr(h, k) for k in columns} for h in self.found], columns=columns)

    def __str__(self) -> str:
        asked = sum(h.p is not None for h in self.habits)
        head = f"Behaviour: {asked} of {len(self.habits)} questions could be answered; {len(self.found)} habits at a false-discovery rate of {self.fdr:.0%}"
        return "\n".join([head, *(f"  {h.trader}: {sentence(h)}" for h in self.found)])


def behaviour(ledger: Ledger, *, fdr: float | None = None) -> Behaviour:
    """Habits that show in the overrides of a ledger.

    Parameters
    ----------
    ledger : Ledger
    fdr : false-discovery rate over trader x detector; default: the plan's

    Returns
    -------
    Behaviour

    Raises
    ------
    SkillWithheld
        If no signal with a trader can be judged.

    Notes
    -----
    A habit is not a verdict: overriding more after a loss may be right. What it was worth is the business of the skill model.
    """
    return habits_of(decided_of(ledger), ledger.plan.verdict.fdr if fdr is None else fdr)


def habits_of(d: Decided, fdr: float, detectors: tuple[Detector, ...] = DETECTORS) -> Behaviour:
    """Every detector on every trader of `d`."""
    made = [_habit(d, j, detector) for j in range(len(d.coords["trader"])) if (d.trader == j).any() for detector in detectors]
    asked = [i for i, h in enumerate(made) if h["p"] is not None]
    if asked:
        keep, adjusted, *_ = multipletests([made[i]["p"] for i in asked], alpha=fdr, method="fdr_bh")
        for i, found, q in zip(asked, keep, adjusted, strict=True):
            made[i] |= {"found": bool(found), "q": float(q)}
    return Behaviour(tuple(Habit(**h) for h in made), fdr, dict(d.counts))


def _habit(d: Decided, trader: int, detector: Detector) -> dict[str, Any]:
    """One answer as plain values."""
    reading = detector.measure(d, trader)
    found = reading.estimate
    row: dict[str, Any] = {
        "trader": d.coords["trader"][trader],
        "detector": detector.name,
        "unit": detector.unit,
        "found": False,
        "q": None,
    }
    if found is None:
        empty = dict.fromkeys(("effect", "q05", "q95", "size", "size_q05", "size_q95", "p", "detectable"))
        return row | empty | {"n": 0, "blocks": 0.0, "words": f"not enough data: {reading.lacking}"}
    unit = 100.0 if detector.unit == POINTS else 1.0
    low, high = found.interval()
    return row | {
        "effect": unit * found.effect,
        "q05": unit * low,
        "q95": unit * high,
        "size": found.effect / found.spread,
        "size_q05": low / found.spread,
        "size_q95": high / found.spread,
        "p": found.p_value(one_sided=detector.one_sided),
        "n": found.n,
        "blocks": found.blocks,
        "detectable": unit * found.detectable(one_sided=detector.one_sided),
        "words": reading.words,
    }


BY_NAME = {detector.name: detector for detector in DETECTORS}


def sentence(habit: Habit) -> str:
    """A measured habit in words."""
    detector = BY_NAME[habit.detector]
    assert habit.effect is not None
    digits = 1 if habit.unit == POINTS else 2
    numbers = f"{habit.effect:+.{digits}f} {habit.unit} [{habit.q05:+.{digits}f}, {habit.q95:+.{digits}f}]"
    return f"{detector.up if habit.effect > 0 else detector.down} ({numbers}); {habit.words}"
