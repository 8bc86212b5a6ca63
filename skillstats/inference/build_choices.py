"""From a specification of the family ``choices`` and choices to a PyMC model."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pymc as pm

from skillstats.components import propensity
from skillstats.components.priors import prior_numbers
from skillstats.components.registry import REGISTRY
from skillstats.components.types import Tensor
from skillstats.evidence.choices import Choices
from skillstats.inference.separable import MIN_REPLICATES, Terms
from skillstats.spec.model import ModelSpec


def separable_choices(spec: ModelSpec, choices: Choices) -> Terms:
    """The terms that counts and labels can separate; reasons for the others."""
    reasons = {}
    pairs = len(np.unique(choices.session * len(choices.coords["trader"]) + choices.trader))
    if len(choices.coords["trader"]) < 2:
        reasons["trader"] = "one trader: the trader and the mean of all are one"
    if len(choices.coords["stratum"]) < 2:
        reasons["stratum"] = "one stratum"
    if not choices.coords["feature"]:
        reasons["features"] = "no features"
    if len(choices) - pairs < MIN_REPLICATES:
        reasons["trader:session"] = "one signal per trader-session: its mood and the choice are one"
    kept = [tuple(w for w in words if w not in reasons) for words in (spec.skill.terms, spec.luck.shocks)]
    wanted = [("skill.terms", w) for w in spec.skill.terms] + [("luck.shocks", w) for w in spec.luck.shocks]
    return Terms(kept[0], kept[1], (), {f"{place} {w}": reasons[w] for place, w in wanted if w in reasons})


def choices_data(
    spec: ModelSpec, choices: Choices, bets_per_year: float | None, priors: tuple[str, ...]
) -> dict[str, np.ndarray]:
    """Every array of the model by its name."""
    arrays = propensity.lay_out_choices(choices)._asdict() | propensity.choice_estimates(choices)
    return arrays | {f"prior_{name}": prior_numbers(spec.priors[name], bets_per_year) for name in priors}


def build_choices(spec: ModelSpec, choices: Choices, data: dict[str, np.ndarray], terms: Terms) -> pm.Model:
    """The PyMC model; free variables in log-odds."""
    dims = ("trader", "stratum", "feature")
    coords: dict[str, Any] = {d: list(choices.coords[d]) for d in dims if choices.coords[d]}
    coords["pair"] = list(range(int(data["choice_pair"].max()) + 1))
    coords["contrast"] = list(range(len(choices.coords["stratum"]) - 1))
    used = set(data) - _unused(terms)
    with pm.Model(coords=coords) as model:
        arrays = {name: pm.Data(name, value) for name, value in data.items() if name in used}
        draw = partial(_draw, spec, arrays)
        mean = draw("choice_mean", "mu_alpha")
        logit = 0 * arrays["n"] + (mean if "trader" not in terms.skill else 0.0)
        for word in terms.skill:
            logit = logit + propensity.TERMS[word](draw, arrays, mean)
        if "trader:session" in terms.shocks:
            logit = logit + propensity.trader_session(draw, arrays)
        pm.Potential("choices", REGISTRY["luck.tails"][spec.luck.tails](arrays, logit).sum())
    return model


def _unused(terms: Terms) -> set[str]:
    """Arrays that no kept term reads."""
    reads = {
        "trader": {"alpha_estimate", "choice_trader"},
        "stratum": {"choice_stratum", "stratum_basis", "stratum_estimate"},
        "features": {"x"},
        "discrimination": {"lambda_estimate", "choice_trader", "v"},
        "trader:session": {"choice_pair"},
    }
    kept = set().union(*(reads[w] for w in (*terms.skill, *terms.shocks)))
    return set().union(*reads.values()) - kept


def _draw(spec: ModelSpec, data: dict[str, Tensor], slot: str, name: str, dims: str | None = None) -> Tensor:
    """A parameter called `name` with the prior the specification states for `slot`."""
    return REGISTRY["prior.distribution"][spec.priors[slot].distribution](name, data[f"prior_{slot}"], dims)
