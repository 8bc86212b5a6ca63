"""Which terms of a model the data at hand can tell apart; counts only, never outcomes.

A term that no contrast in the data can inform is left out and the reason is printed; it is never sampled from its prior in
silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from skillstats.evidence import Evidence
from skillstats.spec.model import ModelSpec
from skillstats.spec.vocabulary import WORDS

MIN_TRADERS_FOR_SESSION: Final = 3
MIN_SHARED_SESSIONS: Final = 3
MIN_REPLICATES: Final = 5


@dataclass(frozen=True, slots=True)
class Terms:
    """What is kept of a specification, in the order of the vocabulary, and why the rest is not: sentence by ``place word``."""

    skill: tuple[str, ...]
    shocks: tuple[str, ...]
    volatility_by: tuple[str, ...]
    dropped: Mapping[str, str]

    def __str__(self) -> str:
        kept = f"skill {', '.join(self.skill) or 'mean only'}; shocks {', '.join(self.shocks) or 'none'}"
        return "; ".join([kept, *(f"{word} dropped: {why}" for word, why in self.dropped.items())])


@dataclass(frozen=True, slots=True)
class Counts:
    """What separability depends on.

    traders, regimes, actions : levels that occur; crossed : traders seen in two regimes or more
    shared_sessions : sessions with two traders or more; replicates : sum over trader-sessions of rows - 1
    """

    traders: int
    regimes: int
    actions: int
    crossed: int
    shared_sessions: int
    replicates: int


def count(evidence: Evidence) -> Counts:
    """Count what `separable_terms` needs."""
    cells = evidence.cells
    trader_regime = np.unique(np.stack([cells.trader, cells.regime]), axis=1)  # shape: (2, pairs that occur)
    trader_session = np.unique(np.stack([cells.trader, cells.session]), axis=1)
    return Counts(
        traders=len(np.unique(cells.trader)),
        regimes=len(np.unique(cells.regime)),
        actions=len(np.unique(cells.action)),
        crossed=int(np.sum(np.bincount(trader_regime[0]) > 1)),
        shared_sessions=int(np.sum(np.bincount(trader_session[1]) > 1)),
        replicates=int(cells.n.sum()) - trader_session.shape[1],
    )


def separable_terms(spec: ModelSpec, evidence: Evidence) -> Terms:
    """The terms of `spec` that `evidence` can separate.

    Parameters
    ----------
    spec : model specification
    evidence : outcomes with their labels; only counts of labels are read

    Returns
    -------
    Terms, kept words and a sentence for each dropped one
    """
    counts = count(evidence)
    wanted = {"skill.terms": spec.skill.terms, "luck.shocks": spec.luck.shocks, "luck.volatility_by": spec.luck.volatility_by}
    reasons = {place: _reasons(place, counts) for place in wanted}
    kept = {place: tuple(w for w in WORDS[place] if w in words and not reasons[place].get(w)) for place, words in wanted.items()}
    dropped = {f"{place} {w}": why for place, words in wanted.items() for w in words if (why := reasons[place].get(w, ""))}
    return Terms(kept["skill.terms"], kept["luck.shocks"], kept["luck.volatility_by"], dropped)


def _reasons(place: str, counts: Counts) -> dict[str, str]:
    return {"skill.terms": _skill, "luck.shocks": _shocks, "luck.volatility_by": _volatility}[place](counts)


def _skill(counts: Counts) -> dict[str, str]:
    reasons = {}
    if counts.traders < 2:
        reasons["trader"] = "one trader: the trader and the mean of all are one"
        reasons["trader:regime"] = "one trader: trader:regime and regime are one"
    if counts.regimes < 2:
        reasons["regime"] = reasons["trader:regime"] = "one regime"
    elif counts.crossed == 0:
        reasons["trader:regime"] = "no trader is seen in two regimes: trader and trader:regime are one"
    if counts.actions < 2:
        reasons["action"] = "one action"
    return reasons


def _shocks(counts: Counts) -> dict[str, str]:
    reasons = {}
    if counts.traders < MIN_TRADERS_FOR_SESSION:
        reasons["session"] = f"desk shocks not separable: {counts.traders} trader(s), at least {MIN_TRADERS_FOR_SESSION} needed"
    elif counts.shared_sessions < MIN_SHARED_SESSIONS:
        reasons["session"] = (
            f"desk shocks not separable: {counts.shared_sessions} session(s) with two traders or more, "
            f"at least {MIN_SHARED_SESSIONS} needed"
        )
    if counts.replicates < MIN_REPLICATES:
        reasons["trader:session"] = "one row per trader-session: the trader-day effect and the residual are one"
    return reasons


def _volatility(counts: Counts) -> dict[str, str]:
    reasons = {}
    if counts.traders < 2:
        reasons["trader"] = "one trader: one residual sd"
    if counts.regimes < 2:
        reasons["regime"] = "one regime: no contrast of volatility"
    return reasons
