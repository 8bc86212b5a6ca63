"""One row of the evaluation: estimands, codes and status of a trader or of a trader x regime."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.evaluation.choice_blocks import placebo_codes
from skillstats.evaluation.estimands import Estimate, Target
from skillstats.evaluation.hurdle_curves import Curves
from skillstats.evaluation.influence import MOVE_LIMIT, Influence
from skillstats.evaluation.result import ESTIMAND_COLUMNS, SKILL_COLUMNS
from skillstats.evaluation.sensitivity import PriorSensitivity
from skillstats.evaluation.status import (
    Code,
    FloorSet,
    few_codes,
    luck_codes,
    primary_codes,
    risk_codes,
    trader_record_codes,
    worst,
)
from skillstats.evidence import Evidence
from skillstats.inference.diagnose import ESS_PER_CHAIN, RHAT_LIMIT, RHAT_STUCK, diagnose
from skillstats.plan import Cell

FloatArray = NDArray[np.float64]
CLAIM_LIMIT: Final = 0.9
MCSE_LIMIT: Final = 0.02
POINTS: Final = {"q05": 0.05, "q25": 0.25, "q75": 0.75, "q95": 0.95}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What every row is judged by.

    hurdle, annual : the hurdle, and whether it is on the annual scale; certainty : of a claim
    fit_codes : codes that withhold every row; scoped : sampler findings of single traders
    curves : P(IR > delta) of every row under three priors
    placebo : the block of that name, None without one; a trader's row is held against it
    primary : what the plan declared the evaluation to be about; empty: every row
    """

    evidence: Evidence
    floors: FloorSet
    hurdle: float
    annual: bool
    certainty: float
    chains: int
    own_sd: bool
    fit_codes: tuple[Code, ...]
    scoped: Mapping[str, tuple[Code, ...]]
    influence: Influence
    sensitivity: PriorSensitivity
    curves: Curves
    placebo: Mapping[str, Any] | None = None
    primary: tuple[Cell, ...] = ()


def judged_ir(estimate: Estimate, annual: bool) -> FloatArray:
    """Draws of the IR on the scale of the hurdle."""
    return estimate.ir_annual if annual and estimate.ir_annual is not None else estimate.ir_decision


def make_row(at: int, target: Target, estimate: Estimate, by: Judgement) -> dict[str, Any]:
    """Row number `at` of the evaluation, with the keys of skill.csv and `codes`, `raw_ir_annual`, `p_harm`."""
    evidence = by.evidence
    name = evidence.coords["trader"][target.trader]
    regime = "all" if target.regime < 0 else evidence.coords["regime"][target.regime]
    ir = judged_ir(estimate, by.annual)
    above, harm = float(np.mean(ir > by.hurdle)), float(np.mean(ir < 0))
    row: dict[str, Any] = {
        "trader": name,
        "regime": regime,
        "n": estimate.n,
        "days": estimate.days,
        "n_eff": float(estimate.n_eff.mean()),
    }
    row |= (
        points("ir_decision", estimate.ir_decision)
        | points("ir_annual", estimate.ir_annual)
        | points("value_add", estimate.value_add)
    )
    shrinkage = float(estimate.shrinkage.mean())
    row |= {"p_positive": float(np.mean(ir > 0)), "p_above_hurdle": above, "lfsr": min(float(np.mean(ir > 0)), harm)}
    row |= {"shrinkage": shrinkage, "reliability": 1 - shrinkage, "raw_mean": estimate.raw_mean, "raw_ir": estimate.raw_ir}
    codes = [
        *by.fit_codes,
        *by.scoped.get(name, ()),
        *trader_record_codes(name, evidence),
        *few_codes(estimate, target, evidence, by.floors, by.own_sd),
        *convergence_codes(estimate, by),
        *one_bet_codes(at, above, harm, float(ir.mean()), target, by),
        *prior_codes(at, above, by),
        *luck_codes(above, harm, 1 - shrinkage, by.certainty),
        *primary_codes(name, regime, max(above, harm), by.certainty, by.primary),
        *risk_codes(target, evidence),
        *(placebo_codes(by.placebo, name, above) if target.regime < 0 else ()),
    ]
    finished = finish_row(row, codes)
    hidden = finished["status"] == "WITHHOLD"
    return finished | {"raw_ir_annual": None if hidden else estimate.raw_ir_annual, "p_harm": None if hidden else harm}


def withhold_with_trader(row: dict[str, Any], trader: dict[str, Any]) -> dict[str, Any]:
    """A regime cell of a trader whose own record is withheld: it is withheld for the same reason."""
    if row["status"] == "WITHHOLD":
        return row
    text = "the trader's own record is withheld, so no regime of it is shown"
    hidden = finish_row(row, [Code(c["code"], "WITHHOLD", text) for c in trader["codes"][:1]])
    return row | hidden | {"raw_ir_annual": None, "p_harm": None}


def finish_row(row: dict[str, Any], codes: list[Code]) -> dict[str, Any]:
    """Set status and reasons; where the status is WITHHOLD every estimand is None."""
    status = worst(codes)
    if status == "WITHHOLD":
        # a sentence of a flag may quote what is withheld
        row, codes = row | dict.fromkeys(ESTIMAND_COLUMNS), [c for c in codes if c.action == "WITHHOLD"]
    ordered = sorted(codes, key=lambda c: ("WITHHOLD", "FLAG", "REPORT").index(c.action))
    reasons = "; ".join(f"{c.code} {c.text}" for c in ordered)
    return {k: row.get(k) for k in SKILL_COLUMNS} | {"status": status, "reasons": reasons, "codes": [c.plain() for c in ordered]}


def points(name: str, draws: FloatArray | None) -> dict[str, float | None]:
    """Posterior mean and the ends of the 50% and 90% equal-tailed intervals; value-add has the 90% interval only."""
    kept = {k: p for k, p in POINTS.items() if name != "value_add" or k in ("q05", "q95")}
    if draws is None:
        return dict.fromkeys([f"{name}_mean", *(f"{name}_{k}" for k in kept)])
    values = np.quantile(draws, list(kept.values()))
    found: dict[str, float | None] = {f"{name}_mean": float(draws.mean())}
    return found | {f"{name}_{k}": float(v) for k, v in zip(kept, values, strict=True)}


def convergence_codes(estimate: Estimate, by: Judgement) -> list[Code]:
    """E-CONV and E-STUCK of the printed quantities of one row."""
    found = []
    for label, draws in (
        ("IR per decision", estimate.ir_decision),
        ("annual IR", estimate.ir_annual),
        ("value-add", estimate.value_add),
    ):
        if draws is None:
            continue
        table = diagnose(draws.reshape(by.chains, -1))
        rhat, ess = float(table["rhat"]), float(min(table["ess_bulk"], table["ess_tail"]))
        limit = ESS_PER_CHAIN * by.chains
        if not rhat <= RHAT_STUCK:
            found.append(Code("E-STUCK", "WITHHOLD", f"the chains disagree on {label}: R-hat {rhat:.3f} (limit {RHAT_STUCK})"))
        elif rhat > RHAT_LIMIT or ess < limit:
            text = (
                f"{label}: R-hat {rhat:.3f} (limit {RHAT_LIMIT}), effective draws {ess:.0f} (limit {limit}); use --draws for more"
            )
            found.append(Code("E-CONV", "WITHHOLD", text))
        elif label == "IR per decision":
            found += _probability_codes(judged_ir(estimate, by.annual), by.hurdle, ess)
    return found


def _probability_codes(ir: FloatArray, hurdle: float, ess: float) -> list[Code]:
    worst_error = max(np.sqrt(p * (1 - p) / ess) for p in (float(np.mean(ir > hurdle)), float(np.mean(ir > 0))))
    if worst_error <= MCSE_LIMIT:
        return []
    return [
        Code(
            "E-CONV",
            "WITHHOLD",
            f"Monte-Carlo error of a probability {worst_error:.3f} (limit {MCSE_LIMIT}); use --draws for more",
        )
    ]


def one_bet_codes(at: int, above: float, harm: float, mean: float, target: Target, by: Judgement) -> list[Code]:
    """E-ONE and, where the check itself cannot be trusted, W-KHAT; only where skill or harm would be claimed."""
    limit = min(CLAIM_LIMIT, by.certainty)
    if max(above, harm) < limit:
        return []
    sessions, influence = by.evidence.coords["session"], by.influence
    claimed, without, what = (
        (above, influence.probability, "P(IR > hurdle)") if above >= limit else (harm, influence.harm, "P(IR < 0)")
    )
    day = influence.one_bet(at, claimed, mean, without)
    if day is not None:
        text = f"one-bet result: without session {sessions[day]} the sign turns or {what} moves by more than {MOVE_LIMIT:g}"
        return [Code("E-ONE", "WITHHOLD", text)]
    active = np.unique(by.evidence.session[target.rows])
    doubtful = active[influence.k[active] > influence.k_limit]
    if not len(doubtful):
        return []
    open_ones = [int(s) for s in doubtful if int(s) not in influence.refitted]
    if open_ones:
        k = float(influence.k[open_ones].max())
        found = f"Pareto k {k:.2f}, limit {influence.k_limit:.2f}"
        return [
            Code("W-KHAT", "FLAG", f"leaving out session {sessions[open_ones[0]]} cannot be judged from these draws ({found})")
        ]
    least = int(min(doubtful, key=lambda s: without[int(s), at]))
    text = f"session {sessions[least]} weighs so much that the model was fitted again without it: {what} {float(without[least, at]):.2f}"
    return [Code("W-KHAT", "FLAG", text)]


def prior_codes(at: int, above: float, by: Judgement) -> list[Code]:
    """W-PRIOR: the prior, not the data, decides."""
    if not by.sensitivity.prior_driven(at, above, by.certainty):
        return []
    half, double = float(by.sensitivity.halved[at]), float(by.sensitivity.doubled[at])
    moved = len({p >= by.certainty for p in (above, half, double)}) > 1
    detail = f"P(IR > hurdle) is {above:.2f}, and {half:.2f} / {double:.2f} with every population sd prior halved / doubled"
    if not moved:
        strongest = max(abs(float(by.sensitivity.power[at])), abs(float(by.sensitivity.mean_power[at])))
        detail = f"P(IR > hurdle) moves by {strongest:.2f} when the weight of a prior is doubled (limit 0.05)"
    return [Code("W-PRIOR", "FLAG", f"the prior, not the data, speaks here: {detail}")]
