"""Which terms of a model the data at hand can tell apart; counts only, never outcomes.

A term that no contrast in the data can inform is left out and the reason is printed; it is never sampled from its prior in
silence. Where the data can inform a term but hardly, it stays and a note says that the prior speaks.

The form of a factor shock follows from what the evidence has: with observed factor returns the outcome is y - x F (form
``observed``), else F_s is latent, loaded with each decision's exposure beside a session shock (``decision``) or, where no session
shock can be told apart, with the mean exposure of the trader-session (``trader:session``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from skillstats.errors import UsageError
from skillstats.evidence import OPTIONAL_LABELS, Evidence, distinct
from skillstats.spec.model import ModelSpec
from skillstats.spec.vocabulary import WORDS

MIN_TRADERS_FOR_SESSION: Final = 3
MIN_SHARED_SESSIONS: Final = 3
MIN_REPLICATES: Final = 5
MIN_QUARTERS: Final = 4
MIN_TRADERS_FOR_SHAPE: Final = 30

FORM_TEXT: Final[Mapping[str, str]] = {
    "observed": "the outcome is y - x F, factor returns observed",
    "decision": "latent factor return F_s, loaded with the exposure of each decision",
    "trader:session": "latent factor return F_s, loaded with the mean exposure of each trader-session",
}
"""What each form of the factor's part means."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is kept of a specification, in the order of the vocabulary, and why the rest is not: sentence by ``place word``.

    slopes, drift : kept words; form : how the factor's part is taken out, a key of `FORM_TEXT`, None where it is not
    notes : sentences about what is kept but hardly informed by the data
    """

    skill: tuple[str, ...]
    shocks: tuple[str, ...]
    volatility_by: tuple[str, ...]
    dropped: Mapping[str, str]
    slopes: tuple[str, ...] = ()
    drift: str | None = None
    form: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def by_desk(self) -> bool:
        """Whether the session shock has a value for each desk."""
        return "desk" in self.skill and "session" in self.shocks

    def __str__(self) -> str:
        skill = [*self.skill, *(f"slope {s}" for s in self.slopes), *([f"drift by {self.drift}"] if self.drift else [])]
        kept = [f"skill {', '.join(skill) or 'mean only'}; shocks {', '.join(self.shocks) or 'none'}"]
        kept += [FORM_TEXT[self.form]] if self.form else []
        return "; ".join([*kept, *(f"{word} dropped: {why}" for word, why in self.dropped.items()), *self.notes])


@dataclass(frozen=True, slots=True)
class Counts:
    """What separability depends on.

    traders, regimes, actions : levels that occur; crossed : traders seen in two regimes or more
    shared_sessions : sessions with two traders or more; replicates : sum over trader-sessions of rows - 1
    levels : levels of each optional label that occur; shared_desks : desks with two traders or more
    largest_desk : most traders of one desk; shared_desk_sessions : desk-sessions with two traders or more
    sizes_vary : whether any trader's decisions differ in size
    """

    traders: int
    regimes: int
    actions: int
    crossed: int
    shared_sessions: int
    replicates: int
    levels: Mapping[str, int]
    shared_desks: int
    largest_desk: int
    shared_desk_sessions: int
    sizes_vary: bool


def count(evidence: Evidence) -> Counts:
    """Count what `separable_terms` needs."""
    cells = evidence.cells
    desk, session = evidence.code("desk"), evidence.session
    trader_desk, _ = distinct({"desk": desk, "trader": evidence.trader})
    by_desk = np.bincount(trader_desk.codes["desk"])
    desk_session, at = distinct({"session": session, "desk": desk})
    pairs, _ = distinct({"at": at, "trader": evidence.trader})
    low, high = (np.full(len(evidence.coords["trader"]), v) for v in (np.inf, -np.inf))
    np.minimum.at(low, evidence.trader, evidence.risk)
    np.maximum.at(high, evidence.trader, evidence.risk)
    trader_regime = np.unique(np.stack([cells.trader, cells.regime]), axis=1)  # shape: (2, pairs that occur)
    trader_session = np.unique(np.stack([cells.trader, cells.session]), axis=1)
    return Counts(
        traders=len(np.unique(cells.trader)),
        regimes=len(np.unique(cells.regime)),
        actions=len(np.unique(cells.action)),
        crossed=int(np.sum(np.bincount(trader_regime[0]) > 1)),
        shared_sessions=int(np.sum(np.bincount(trader_session[1]) > 1)),
        replicates=int(cells.n.sum()) - trader_session.shape[1],
        levels={name: int(np.count_nonzero(np.bincount(evidence.code(name)))) for name in OPTIONAL_LABELS},
        shared_desks=int(np.sum(by_desk > 1)),
        largest_desk=int(by_desk.max()),
        shared_desk_sessions=int(np.sum(np.bincount(pairs.codes["at"], minlength=len(desk_session)) > 1)),
        sizes_vary=evidence.has_risk and bool(np.any(high > low)),
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
    form = _form(spec, evidence, counts)
    wanted = {
        "skill.terms": spec.skill.terms,
        "skill.slopes": spec.skill.slopes,
        "skill.drift": (spec.skill.drift,) if spec.skill.drift else (),
        "luck.shocks": spec.luck.shocks,
        "luck.volatility_by": spec.luck.volatility_by,
    }
    skill = _skill(counts)
    by_desk = "desk" in spec.skill.terms and "desk" not in skill
    reasons = {
        "skill.terms": skill,
        "skill.slopes": _slopes(counts, evidence.has_risk),
        "skill.drift": _drift(counts),
        "luck.shocks": _shocks(counts, by_desk=by_desk) | _factor(form, evidence),
        "luck.volatility_by": _volatility(counts),
    }
    kept = {place: tuple(w for w in WORDS[place] if w in words and not reasons[place].get(w)) for place, words in wanted.items()}
    dropped = {f"{place} {w}": why for place, words in wanted.items() for w in words if (why := reasons[place].get(w, ""))}
    return Terms(
        kept["skill.terms"],
        kept["luck.shocks"],
        kept["luck.volatility_by"],
        dropped,
        slopes=kept["skill.slopes"],
        drift=next(iter(kept["skill.drift"]), None),
        form=form,
        notes=tuple(_notes(spec, kept, counts)),
    )


def _form(spec: ModelSpec, evidence: Evidence, counts: Counts) -> str | None:
    """How the factor's part is taken out: by what the evidence has, never by outcomes."""
    if "session:exposure" not in spec.luck.shocks:
        return None
    if evidence.exposure is None:
        raise UsageError(
            f"model {spec.name} measures selection, but the evidence has no factor exposures; give an outcomes table with the "
            "columns exposure and risk, or use crossed_total, whose skill is total"
        )
    if evidence.factor_return is not None:
        return "observed"
    few = "session" in _shocks(counts, by_desk=False) or "session" not in spec.luck.shocks
    return "trader:session" if few else spec.luck.exposure_level


def _notes(spec: ModelSpec, kept: Mapping[str, tuple[str, ...]], counts: Counts) -> list[str]:
    found = []
    quarters = counts.levels["quarter"]
    if kept["skill.drift"] and quarters < MIN_QUARTERS:
        found.append(f"{quarters} quarters, fewer than {MIN_QUARTERS}: persistence and innovation of the drift are prior-driven")
    if spec.skill.population != "normal" and "trader" in kept["skill.terms"] and counts.traders < MIN_TRADERS_FOR_SHAPE:
        found.append(
            f"{counts.traders} traders, fewer than {MIN_TRADERS_FOR_SHAPE}: the shape of the population ({spec.skill.population}) is prior-driven"
        )
    if kept["skill.slopes"] and counts.traders < 2:
        found.append("one trader: the spread of the sizing slopes is prior-driven")
    return found


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
    for name in ("signal_type", "asset_class", "model_version", "desk"):
        if counts.levels[name] < 2:
            reasons[name] = f"one {name.replace('_', ' ')}"
    if counts.levels["desk"] > 1 and counts.shared_desks == 0:
        reasons["desk"] = "no desk has two traders: the desk and the trader are one"
    return reasons


def _slopes(counts: Counts, has_risk: bool) -> dict[str, str]:
    if counts.sizes_vary:
        return {}
    return {"sizing": "every decision of a trader has one size" if has_risk else "no risk column: sizes are unknown"}


def _drift(counts: Counts) -> dict[str, str]:
    return {"quarter": "one quarter, or no dates"} if counts.levels["quarter"] < 2 else {}


def _factor(form: str | None, evidence: Evidence) -> dict[str, str]:
    if form == "observed":
        return {"session:exposure": "factor returns are observed: the outcome is y - x F"}
    if form is not None and evidence.exposure is not None and np.ptp(evidence.exposure) == 0:
        return {"session:exposure": "all exposures are equal: the factor's part and the session shock are one"}
    return {}


def _shocks(counts: Counts, *, by_desk: bool) -> dict[str, str]:
    reasons = {}
    traders = counts.largest_desk if by_desk else counts.traders
    shared = counts.shared_desk_sessions if by_desk else counts.shared_sessions
    of_desk = " of one desk" if by_desk else ""
    if traders < MIN_TRADERS_FOR_SESSION:
        reasons["session"] = f"desk shocks not separable: {traders} trader(s){of_desk}, at least {MIN_TRADERS_FOR_SESSION} needed"
    elif shared < MIN_SHARED_SESSIONS:
        reasons["session"] = (
            f"desk shocks not separable: {shared} session(s) with two traders{of_desk} or more, at least {MIN_SHARED_SESSIONS} needed"
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
