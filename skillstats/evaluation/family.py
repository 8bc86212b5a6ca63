"""What may be said from a fit of trader-day parts or of choices: rows with a status, under the same gates as everything else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.evaluation.result import Status
from skillstats.evaluation.rows import MCSE_LIMIT
from skillstats.evaluation.status import RECORD_FLOORS, Code, worst
from skillstats.evidence import Choices, DayParts
from skillstats.inference.diagnose import ESS_PER_CHAIN, FIT, RHAT_LIMIT, diagnose
from skillstats.inference.family_effects import choice_logits
from skillstats.inference.family_fit import FamilyFit

FloatArray = NDArray[np.float64]
TOTAL: Final = "total"
LEAST_EACH_WAY: Final = 30
"""Signals acted upon, and left alone, of a trader below which nothing is said about the own choices."""
MOST_POINTS: Final = 400
"""Posterior draws over which the earnings of choosing are computed."""


@dataclass(frozen=True, slots=True)
class FamilyEvaluation:
    """Rows of estimates with their status; an estimate of a row whose status is WITHHOLD is None.

    status, codes : of the fit as a whole; rows : one mapping each, with ``status`` and ``reasons``; counts : of the evidence
    identity : spec, evidence, version, components, seed
    """

    status: Status
    codes: tuple[Mapping[str, str], ...]
    rows: tuple[Mapping[str, Any], ...]
    counts: Mapping[str, Any]
    identity: Mapping[str, Any]

    def to_pandas(self) -> pd.DataFrame:
        """The rows as a frame; None where withheld."""
        return pd.DataFrame(list(self.rows))

    def __str__(self) -> str:
        return f"FamilyEvaluation {self.status}: {len(self.rows)} rows; intervals are 90% equal-tailed intervals"


def evaluate_parts(fit: FamilyFit) -> FamilyEvaluation:
    """Information ratios of tilt, timing, selection and their sum, for each trader.

    For part k of trader j, ``IR = theta_jk / sqrt(sigma_jk^2 + s_Vk^2)`` per day and times sqrt(own active days a year) per year; for the sum,
    ``sum_k theta_jk / sqrt(1' (diag(sigma_j) R_e diag(sigma_j) + diag(s_V^2)) 1)``. Means add: the sum's is the sum of the parts' draw by draw. The
    share of a part is ``|theta_jk| / sum_l |theta_jl|``, posterior mean, so shares of a trader sum to 1.

    Parameters
    ----------
    fit : of a model of the family ``day_parts``

    Returns
    -------
    FamilyEvaluation, rows by (trader, part): days, mean (of y, risk units of a trader-day), ir_day, value_add (in the unit of the parts: what the trader's days would
    have been worth on average, mean times the sum of their risks), ir_annual (None without a year), p_positive, share; all but the last two with 90% intervals
    (``_q05``, ``_q95``)
    """
    parts = fit.evidence
    if not isinstance(parts, DayParts):
        raise TypeError("evaluate_parts takes a fit of day parts")
    theta, ratios = fit.draws("theta"), daily_ratios(fit)
    rows = []
    for j, name in enumerate(parts.coords["trader"]):
        days, active = int((parts.trader == j).sum()), active_days(parts, j)
        shares = (np.abs(theta[:, j]) / np.abs(theta[:, j]).sum(axis=1, keepdims=True)).mean(axis=0)
        few = _few_days(days)
        for k, part in enumerate((*parts.coords["part"], TOTAL)):
            whole = part == TOTAL
            mean = theta[:, j].sum(axis=1) if whole else theta[:, j, k]
            daily = ratios[:, j, k]
            row = {"trader": name, "part": part, "days": days}
            estimates = _points("mean", mean) | _points("ir_day", daily)
            estimates |= _points("value_add", mean * float(parts.risk[parts.trader == j].sum()))
            estimates |= _points("ir_annual", None if active is None else daily * np.sqrt(active))
            estimates |= {"p_positive": float(np.mean(mean > 0)), "share": 1.0 if whole else float(shares[k])}
            rows.append(_finish(row, estimates, [*few, *_converged(f"IR of {part}", daily, fit)], fit, name))
    return _assemble(fit, rows, {"days": len(parts), "traders": len(parts.coords["trader"])})


def daily_ratios(fit: FamilyFit) -> FloatArray:
    """IR per day of tilt, timing, selection and their sum, shape (draw, trader, 4); see `evaluate_parts`."""
    theta, sigma = fit.draws("theta"), fit.draws("sigma")  # shape: (draw, trader, part)
    s_v = fit.draws("s_V") if "s_V" in fit else np.zeros((len(theta), 3))
    total_sd = np.sqrt(np.einsum("djk,dkl,djl->dj", sigma, fit.draws("corr_e"), sigma) + np.sum(s_v**2, axis=1)[:, None])
    parts = theta / np.sqrt(sigma**2 + s_v[:, None] ** 2)
    return np.concatenate([parts, (theta.sum(axis=2) / total_sd)[..., None]], axis=2)


def active_days(parts: DayParts, trader: int) -> float | None:
    """Own active days a year of a trader; None where the evidence has no year."""
    days = int((parts.trader == trader).sum())
    return None if parts.sessions_per_year is None else days * parts.sessions_per_year / max(parts.sessions_spanned, days)


def evaluate_choices(fit: FamilyFit) -> FamilyEvaluation:
    """Discrimination of each trader: does acting happen where acting pays?

    `lambda` is log-odds of acting per unit of hindsight value over risk. `earned` puts it in units of outcomes: the mean hindsight value of what the
    model expects a trader to act upon, less the same with lambda at 0,
    ``sum_i p_i v_i / sum_i p_i - sum_i p0_i v_i / sum_i p0_i``, over the own signals.

    Parameters
    ----------
    fit : of a model of the family ``choices``

    Returns
    -------
    FamilyEvaluation, a row a trader: signals, acted, lambda and earned with 90% intervals, p_positive
    """
    choices = fit.evidence
    if not isinstance(choices, Choices):
        raise TypeError("evaluate_choices takes a fit of choices")
    lam = fit.draws("lambda")
    rows = []
    for j, name in enumerate(choices.coords["trader"]):
        own = choices.trader == j
        signals, acted = int(own.sum()), int(choices.acted[own].sum())
        days = len(np.unique(choices.session[own]))
        row = {"trader": name, "signals": signals, "acted": acted, "days": days}
        estimates = (
            _points("lambda", lam[:, j]) | _points("earned", earned(fit, j)) | {"p_positive": float(np.mean(lam[:, j] > 0))}
        )
        codes = [*_few_days(days), *_few_choices(acted, signals), *_converged("lambda", lam[:, j], fit)]
        rows.append(_finish(row, estimates, codes, fit, name))
    return _assemble(fit, rows, {"signals": len(choices), "all_or_none": choices.all_or_none, **choices.counts})


def earned(fit: FamilyFit, trader: int, most: int = MOST_POINTS) -> FloatArray:
    """What choosing earned per signal acted upon, draws, risk units, shape (at most `most`,); see `evaluate_choices`."""
    choices = fit.evidence
    assert isinstance(choices, Choices)
    own, count = np.flatnonzero(choices.trader == trader), len(fit.draws("mu_lambda"))
    at = np.linspace(0, count - 1, min(most, count)).astype(int)
    v, base = choices.v_star[own], choice_logits(fit, own, at)
    with_skill = _share(base + fit.draws("lambda")[at, trader][:, None] * v)
    without = _share(base)
    return np.asarray(with_skill @ v / with_skill.sum(axis=1) - without @ v / without.sum(axis=1), dtype=float)


def _share(logit: FloatArray) -> FloatArray:
    return np.asarray(1 / (1 + np.exp(-logit)), dtype=float)


def _points(name: str, draws: FloatArray | None) -> dict[str, float | None]:
    if draws is None:
        return {name: None, f"{name}_q05": None, f"{name}_q95": None}
    low, high = np.quantile(draws, [0.05, 0.95])
    return {name: float(draws.mean()), f"{name}_q05": float(low), f"{name}_q95": float(high)}


def _few_days(days: int) -> list[Code]:
    if days >= RECORD_FLOORS.days:
        return []
    return [Code("E-FEW", "WITHHOLD", f"not enough days ({days}, at least {RECORD_FLOORS.days}); wait for more")]


def _few_choices(acted: int, signals: int) -> list[Code]:
    least = min(acted, signals - acted)
    if least >= LEAST_EACH_WAY:
        return []
    text = f"not enough choices: {acted} of {signals} signals acted upon, at least {LEAST_EACH_WAY} of each kind needed"
    return [Code("E-FEW", "WITHHOLD", text)]


def _converged(label: str, draws: FloatArray, fit: FamilyFit) -> list[Code]:
    """E-CONV of one printed quantity, the Monte-Carlo error of its probability included."""
    table = diagnose(draws.reshape(fit.diagnostics.chains, -1))
    rhat, ess = float(table["rhat"]), float(min(table["ess_bulk"], table["ess_tail"]))
    limit = ESS_PER_CHAIN * fit.diagnostics.chains
    p = float(np.mean(draws > 0))
    if rhat <= RHAT_LIMIT and ess >= limit and np.sqrt(p * (1 - p) / ess) <= MCSE_LIMIT:
        return []
    text = f"{label}: R-hat {rhat:.3f} (limit {RHAT_LIMIT}), effective draws {ess:.0f} (limit {limit}); use more draws"
    return [Code("E-CONV", "WITHHOLD", text)]


def _finish(row: dict[str, Any], estimates: dict[str, Any], codes: list[Code], fit: FamilyFit, trader: str) -> dict[str, Any]:
    """The row with its status; withheld where the fit, the trader or the quantity is."""
    found = [
        Code(f.code, "WITHHOLD" if f.action == "WITHHOLD" else "FLAG", f.text)
        for f in fit.diagnostics.findings
        if f.scope in (FIT, trader)
    ]
    codes = [*found, *codes]
    status = worst(codes)
    if status == "WITHHOLD":
        estimates, codes = dict.fromkeys(estimates), [c for c in codes if c.action == "WITHHOLD"]
    return {**row, **estimates, "status": status, "reasons": "; ".join(f"{c.code} {c.text}" for c in codes)}


def _assemble(fit: FamilyFit, rows: list[dict[str, Any]], counts: dict[str, Any]) -> FamilyEvaluation:
    found = [f for f in fit.diagnostics.findings if f.scope == FIT]
    codes = [Code(f.code, "WITHHOLD" if f.action == "WITHHOLD" else "FLAG", f.text) for f in found]
    return FamilyEvaluation(worst(codes), tuple(c.plain() for c in codes), tuple(rows), counts, dict(fit.identity))
