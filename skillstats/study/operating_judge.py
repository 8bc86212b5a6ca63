"""One simulated desk: draw outcomes, fit them by the Gibbs engine, and rule as `evaluate` would.

A ruling says of each trader whether skill is claimed, P(IR > hurdle) >= certainty, and whether harm is, P(IR < 0) >= certainty, in a row
that is not withheld. The rules that can withhold a row of a clean record whose sampler converges are applied: the floors (E-FEW), what is known of the
record (E-QUAR), and the one-bet rule (E-ONE). That last one leaves out the five sessions that speak most for each claim, not every
session. Left out are the skew gate, which needs a model of tails that normal outcomes never call for, and the sampler's gates.

With priors that are symmetric around 0 the posterior of -y is the mirror image of that of y, so every fit rules on two desks: the desk and
its mirror, where skill has become harm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.evaluation.draws import Draws, Standard
from skillstats.evaluation.estimands import estimate
from skillstats.evaluation.influence import Influence, leave_one_day_out
from skillstats.evaluation.rows import CLAIM_LIMIT, judged_ir
from skillstats.evaluation.status import few_codes
from skillstats.evidence import Evidence
from skillstats.inference.design import design
from skillstats.inference.effects import Parameters, session_log_density
from skillstats.inference.gibbs import problem_draws
from skillstats.spec.vocabulary import EFFECT_SYMBOL
from skillstats.study.equations import draw_residuals, draw_shocks
from skillstats.study.operating_shape import CELL_LABELS, Laid, LuckSizes

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]
TUNE: Final = 80
DRAWS: Final = 220
"""Sweeps: on these shapes a sweep is worth nearly an independent draw, so a probability near .9 is known to .02."""
HEAVIEST: Final = 5
"""Sessions that are left out, one by one, behind each claim."""


@dataclass(frozen=True, slots=True)
class Rulings:
    """What is claimed of each trader of the shape, (trader,); `known` is False where a trader's row is withheld for want of evidence."""

    skill: BoolArray
    harm: BoolArray
    known: BoolArray


@dataclass(frozen=True, slots=True)
class Posterior:
    """Draws of one simulated look: `values` by variable, (draw, ...), the same as the estimands take them, and the outcomes y (row,)."""

    values: Mapping[str, FloatArray]
    draws: Draws
    y: FloatArray


def luck_of_rows(shape: Evidence, luck: LuckSizes, rng: np.random.Generator) -> FloatArray:
    """V_s + U_js + e_i of every row, (row,), y units."""
    truth = luck.as_truth()
    return draw_shocks(truth, shape, rng) + draw_residuals(truth, shape, rng)


def theta_of_ir(laid: Laid, luck: LuckSizes, ir: float) -> FloatArray:
    """Mean of y that gives each trader of the shape the true IR `ir` on the hurdle's scale, (trader,); 0 for a trader without rows."""
    theta = np.zeros(len(laid.evidence.coords["trader"]))
    one = np.ones(1)
    values = {k: v[None] for k, v in luck.as_truth().items()} | {"mu": np.zeros(1)}
    draws = as_draws(laid, values)
    for target in laid.targets:
        found = estimate(draws, laid.evidence, target, np.zeros(1))
        per_y = found.annual_per_y
        if per_y is None:  # IR per decision: mean over sd of a new decision, all of whose means are equal
            own = laid.evidence.regime[target.rows]
            variance = luck.session**2 + luck.own[target.trader] ** 2 + np.mean(luck.residual[target.trader, own] ** 2)
            per_y = one / np.sqrt(variance)
        theta[target.trader] = ir / float(per_y[0])
    return theta


def sample(laid: Laid, y: FloatArray, seed: int, sweeps: tuple[int, int] = (TUNE, DRAWS)) -> Posterior:
    """Posterior of outcomes `y` (row of the look,), by one chain."""
    data = laid.problem.data
    mean = np.bincount(laid.cell, y, minlength=len(data.n)) / data.n
    squares = np.bincount(laid.profile, (y - mean[laid.cell]) ** 2, minlength=len(data.profile_ss))
    problem = replace(laid.problem, data=data._replace(mean=mean, profile_ss=squares))
    found = problem_draws(problem, seed=seed, sweeps=(*sweeps, 1))
    values = {name: value[0] for name, value in found.values.items()}
    return Posterior(values, as_draws(laid, values), y)


def as_draws(laid: Laid, values: Mapping[str, FloatArray]) -> Draws:
    """Draws in the form the estimands are functions of; the common mix of the desk, which no ruling reads, is left at 0."""
    count, traders = len(values["mu"]), len(laid.evidence.coords["trader"])
    zero, regimes = np.zeros(count), len(laid.evidence.coords["regime"])
    nothing = np.zeros((count, traders, 1 + regimes))
    return Draws(
        1,
        theta_of(values, laid.combos.codes),
        values["sigma"],
        values.get("s_V", zero),
        values.get("s_U", np.zeros((count, traders))),
        values.get("tau_trader", zero),
        values.get("tau_trader_regime", zero),
        Standard(nothing, nothing),
        now=laid.own,
    )


def theta_of(values: Mapping[str, FloatArray], codes: Mapping[str, IntArray]) -> FloatArray:
    """Mean of a decision with each combination of labels, (draw, combination), y units."""
    theta = np.repeat(values["mu"][:, None], len(codes["trader"]), axis=1)
    for word, symbol in EFFECT_SYMBOL.items():
        if symbol in values:
            at: tuple[Any, ...] = tuple(codes[label] for label in word.split(":"))
            theta += values[symbol][(slice(None), *at)]
    return theta


def rule(laid: Laid, found: Posterior, *, mirror: bool = False) -> Rulings:
    """What `evaluate` would claim of each trader; `mirror` rules on the desk with outcomes -y, by the mirrored posterior.

    The desk and its mirror have the same counts, shocks and densities; only the sign of every IR turns.
    """
    return _rule(laid, found, *_judged(laid, found), -1.0 if mirror else 1.0)


def rule_both(laid: Laid, found: Posterior) -> tuple[Rulings, Rulings]:
    """`rule` on the desk and on its mirror, with the estimates they share made once."""
    ir, known = _judged(laid, found)
    return _rule(laid, found, ir, known, 1.0), _rule(laid, found, ir, known, -1.0)


def _judged(laid: Laid, found: Posterior) -> tuple[FloatArray, BoolArray]:
    """IR on the hurdle's scale, shape (draw, target), and whether there is evidence enough to show it, (target,)."""
    evidence = replace(laid.evidence, y=found.y, value_add=found.y)
    zero, own_sd = np.zeros(len(found.values["mu"])), "trader" in laid.terms.volatility_by
    made = [estimate(found.draws, evidence, t, zero) for t in laid.targets]
    few = [few_codes(e, t, evidence, laid.floors, own_sd) for e, t in zip(made, laid.targets, strict=True)]
    known = ~np.array([any(c.action == "WITHHOLD" for c in codes) for codes in few]) & ~laid.barred
    return np.stack([judged_ir(e, evidence.has_year) for e in made], axis=1), known


def _rule(laid: Laid, found: Posterior, ir: FloatArray, known: BoolArray, sign: float) -> Rulings:
    """The ruling on IRs of this sign."""
    ir = sign * ir
    skill = known & (np.mean(ir > laid.hurdle, axis=0) >= laid.certainty)
    harm = known & (np.mean(ir < 0, axis=0) >= laid.certainty)
    kept = ~_one_bets(laid, found, ir, sign, skill | harm)
    return Rulings(*(_by_trader(laid, part) for part in (skill & kept, harm & kept, known)))


def _by_trader(laid: Laid, values: BoolArray) -> BoolArray:
    """Values of the targets at their traders' places; False for a trader without rows."""
    whole = np.zeros(len(laid.evidence.coords["trader"]), dtype=bool)
    whole[[t.trader for t in laid.targets]] = values
    return whole


def _one_bets(laid: Laid, found: Posterior, ir: FloatArray, sign: float, claimed: BoolArray) -> BoolArray:
    """Whether each claim falls with one session, (target,): E-ONE on the sessions that speak most for it."""
    fallen = np.zeros(len(laid.targets), dtype=bool)
    if not claimed.any():
        return fallen
    above, harm = np.mean(ir > laid.hurdle, axis=0), np.mean(ir < 0, axis=0)
    of_skill = above >= min(CLAIM_LIMIT, laid.certainty)
    heavy = [_heaviest(laid, found.y * (sign if of_skill[i] else -sign), int(i)) for i in np.flatnonzero(claimed)]
    without = _without(laid, found, np.unique(np.concatenate(heavy)), ir)
    for i in np.flatnonzero(claimed):
        held, left = (above, without.probability) if of_skill[i] else (harm, without.harm)
        fallen[i] = without.one_bet(int(i), float(held[i]), float(ir[:, i].mean()), left) is not None
    return fallen


def _heaviest(laid: Laid, favour: FloatArray, target: int) -> IntArray:
    """Sessions with the largest totals of `favour` (row,) over the rows of one target."""
    rows = laid.targets[target].rows
    active, at = np.unique(laid.evidence.session[rows], return_inverse=True)
    return active[np.argsort(-np.bincount(at, favour[rows]), kind="stable")[:HEAVIEST]]


def _without(laid: Laid, found: Posterior, sessions: IntArray, ir: FloatArray) -> Influence:
    """What leaving out each of `sessions` does to the IRs; the density of a session is that of its mirror too."""
    rows = np.flatnonzero(np.isin(laid.evidence.session, sessions))
    part = {name: getattr(laid.evidence, name)[rows] for name in ("risk", "decision", *CELL_LABELS)}
    some = replace(laid.evidence, **part, y=found.y[rows], value_add=found.y[rows])
    data, values = design(some, laid.terms), found.values
    zero = np.zeros(len(values["mu"]))
    none = np.zeros((len(zero), len(laid.evidence.coords["trader"])))
    parameters = Parameters(
        theta=theta_of(values, data.profiles.codes),
        sigma=values["sigma"],
        s_u=values.get("s_U", none),
        s_v=values.get("s_V", zero),
        s_f=zero,
        kappa=none,
    )
    return leave_one_day_out(np.unique(data.cells.session), session_log_density(data, parameters), ir, laid.hurdle)
