"""What is taken of a desk to ask how often its evaluation would be wrong: who acted when, and how large luck is; never an outcome.

    y_i = theta_j + V_s + U_js + e_i,   V_s ~ Normal(0, s_V),   U_js ~ Normal(0, s_Uj),   e_i ~ Normal(0, sigma_jr)

Rows, sessions, regimes and actions of every trader are those of the evidence; s_V, s_Uj and sigma_jr are posterior medians of the fit, to
three digits; theta_j is what the study sets. A record m times as long is simulated with the same rows: multiplied by sqrt(m), its outcomes are
those of this shape with skill and hurdle times sqrt(m), the prior variances of skill times m (B bets a year become B / m) and floors divided by m.
Every function here is of counts, labels and sizes of luck.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from skillstats.evaluation.estimands import Target, targets
from skillstats.evaluation.status import FloorSet, floors_in_force, trader_record_codes
from skillstats.evidence import Evidence, Profiles, distinct
from skillstats.evidence.labels import dates_of_sessions
from skillstats.inference.breadth import bets_per_year
from skillstats.inference.container import Fit
from skillstats.inference.gibbs_layout import Problem, make_problem
from skillstats.inference.separable import Terms, separable_terms
from skillstats.plan import Plan
from skillstats.spec.model import ModelSpec

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
DIGITS: Final = 3
QUARTERS_A_YEAR: Final = 4
MOST_LOOKS: Final = 8
CELL_LABELS: Final = ("trader", "session", "regime", "action")


@dataclass(frozen=True, slots=True)
class LuckSizes:
    """Sizes of luck, y units: s_V of the session, (trader,) s_U of a trader's session, (trader, regime) sigma of the rest."""

    session: float
    own: FloatArray
    residual: FloatArray

    def as_truth(self) -> dict[str, FloatArray]:
        """Under the names of the posterior variables."""
        return {"s_V": np.array(self.session), "s_U": self.own, "sigma": self.residual}


@dataclass(frozen=True, slots=True)
class Laid:
    """One look at a desk: its rows so far, laid out once for every simulated set of outcomes.

    evidence : the rows with outcomes 0; rows : their places in the whole shape
    times : m of the module's text, 1 for the record as it is; years : length of the record that is judged, None without a year
    cell, profile : (row,) place among the kernel's cells and profiles; own : (row,) place among `combos`, which occur
    targets : traders with rows; barred : (target,) withheld by what is known of the record whatever the outcomes
    """

    evidence: Evidence
    rows: IntArray
    times: float
    years: float | None
    terms: Terms
    problem: Problem
    cell: IntArray
    profile: IntArray
    own: IntArray
    combos: Profiles
    targets: tuple[Target, ...]
    barred: NDArray[np.bool_]
    hurdle: float
    certainty: float
    floors: FloorSet


def luck_sizes(fit: Fit) -> LuckSizes:
    """Posterior medians of the fit to three digits, so that the last bits of another processor move nothing; 0 for a dropped shock."""
    traders = len(fit.evidence.coords["trader"])
    session = float(np.median(fit.draws("s_V"))) if "s_V" in fit else 0.0
    own = np.median(fit.draws("s_U"), axis=0) if "s_U" in fit else np.zeros(traders)
    return LuckSizes(float(_rounded(np.array(session))), _rounded(own), _rounded(np.median(fit.draws("sigma"), axis=0)))


def _rounded(values: FloatArray) -> FloatArray:
    return np.array([float(f"{v:.{DIGITS}g}") for v in np.ravel(values)]).reshape(np.shape(values))


def shape_of(evidence: Evidence) -> Evidence:
    """The evidence without anything its outcomes say: y and value-add 0, risk 1, only the labels the models here read."""
    kept = {k: evidence.context[k] for k in ("by_trader", "late_by_trader") if k in evidence.context}
    zero, one = np.zeros(len(evidence)), np.ones(len(evidence))
    coords = {k: evidence.coords[k] for k in CELL_LABELS}
    return replace(
        evidence, value_add=zero, risk=one, y=zero, coords=coords, labels={}, exposure=None, factor_return=None, context=kept, counts={}
    )  # fmt: skip


def shape_digest(shape: Evidence) -> str:
    """sha256 of who acted when; the names of people are not in it."""
    digest = hashlib.sha256()
    for name in (*CELL_LABELS, "decision"):
        digest.update(np.ascontiguousarray(getattr(shape, name), dtype=np.int64).tobytes())
    facts = [
        *(len(shape.coords[k]) for k in CELL_LABELS),
        shape.source,
        shape.has_risk,
        shape.sessions_per_year,
        shape.sessions_spanned,
    ]
    barred = [any(c.action == "WITHHOLD" for c in trader_record_codes(t, shape)) for t in shape.coords["trader"]]
    digest.update(msgspec.json.encode([facts, barred, in_order(shape)]))
    return digest.hexdigest()


def in_order(shape: Evidence) -> bool:
    """Whether the sessions follow each other in time."""
    return shape.source == "record" or dates_of_sessions(shape.coords["session"]) is not None


def quarters_of(shape: Evidence) -> int:
    """Quarters of a year the record spans, rounded, at least 1 and at most `MOST_LOOKS`; 1 where there is no year or no order in time.

    Examples
    --------
    A record of 252 sessions, at 252 a year, is looked at four times; one of 60 sessions once.
    """
    if shape.sessions_per_year is None or not in_order(shape):
        return 1
    return int(np.clip(round(QUARTERS_A_YEAR * shape.sessions_spanned / shape.sessions_per_year), 1, MOST_LOOKS))


def years_of(shape: Evidence) -> float | None:
    """Length of the record in years, None without a year."""
    return None if shape.sessions_per_year is None else shape.sessions_spanned / shape.sessions_per_year


def lay_looks(shape: Evidence, spec: ModelSpec, plan: Plan, looks: int) -> list[Laid]:
    """The record as it stood at the end of each of `looks` equal parts, everything before included; the last is the whole."""
    sessions, found = len(shape.coords["session"]), []
    for k in range(1, looks + 1):
        rows = np.flatnonzero(shape.session < round(sessions * k / looks))
        spanned = max(1, round(shape.sessions_spanned * k / looks))
        part = {name: getattr(shape, name)[rows] for name in ("value_add", "risk", "y", *CELL_LABELS, "decision")}
        found.append(lay(replace(shape, sessions_spanned=spanned, **part), rows, spec, plan))
    return found


def lay(part: Evidence, rows: IntArray, spec: ModelSpec, plan: Plan, times: float = 1.0) -> Laid:
    """Lay out the rows `rows` of a shape, judged as a record `times` as long; see `Laid`."""
    terms = separable_terms(spec, part)
    bets = bets_per_year(part, plan.model.bets_per_year).value if spec.needs_breadth else None
    problem = make_problem(longer_priors(spec, times), part, terms, None if bets is None else bets / times)
    floors, _ = floors_in_force(plan, part.source)
    root, own = float(np.sqrt(times)), tuple(t for t in targets(part) if t.regime < 0 and len(t.rows))
    # cells stand in the kernel's order: trader, session, regime, action
    cell = distinct({name: part.code(name) for name in CELL_LABELS})[1]
    combos, at = distinct({name: part.code(name) for name in ("trader", "regime", "action")})
    names = part.coords["trader"]
    years = years_of(part)
    return Laid(
        evidence=part,
        rows=rows,
        times=times,
        years=None if years is None else years * times,
        terms=terms,
        problem=problem,
        cell=cell,
        profile=problem.data.profile[cell],
        own=at,
        combos=combos,
        targets=own,
        barred=np.array([any(c.action == "WITHHOLD" for c in trader_record_codes(names[t.trader], part)) for t in own]),
        hurdle=root * (plan.verdict.hurdle if part.has_year else plan.verdict.hurdle_decision),
        certainty=plan.verdict.certainty,
        floors=FloorSet(int(np.ceil(floors.days / times)), floors.n_eff / times, floors.cell_days),
    )


def longer_priors(spec: ModelSpec, times: float) -> ModelSpec:
    """The specification with skill priors per decision widened by sqrt(times); annual ones are widened through the bets a year."""
    root = float(np.sqrt(times))

    def wider(prior: Any) -> Any:
        return msgspec.structs.replace(prior, sigma=prior.sigma * root, mu=None if prior.mu is None else prior.mu * root)

    # the mean of an annual prior is divided by sqrt(B / times) as its sd is
    priors = {k: wider(p) if k.startswith("skill_") and p.unit != "annual_ir" else p for k, p in spec.priors.items()}
    return msgspec.structs.replace(spec, priors=priors)
