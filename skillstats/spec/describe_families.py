"""Equations and glossaries of the families of models whose evidence is not a table of outcomes."""

from __future__ import annotations

from collections.abc import Iterator

from skillstats.spec.model import ModelSpec


def family_equations(spec: ModelSpec) -> Iterator[str]:
    """The generative equations of a model of trader-day parts or of choices."""
    yield from _day_parts(spec) if spec.family == "day_parts" else _choices(spec)


def family_glossary(spec: ModelSpec) -> Iterator[str]:
    """What the symbols mean."""
    if spec.family == "day_parts":
        yield "  y_js  passive tilt, timing and selection of a trader-day over its risk, three numbers (no unit) that add to value-add / risk"
        yield "  indices: trader j, session s (a day), part k; an sd is of one trader-day, B counts active days; corr, corr_e are 3 x 3"
        if "session" in spec.luck.shocks:
            yield "  V_s is integrated out exactly"
        return
    yield "  A_i   whether signal i was acted upon; Normal(m, sd) takes a standard deviation"
    yield "  v_i   what a full veto of signal i would have been worth over its risk, known afterwards (no unit)"
    yield "  x_i   features known before the choice, each with mean 0 and sd 1"
    yield "  indices: trader j, stratum k (side, asset class, regime), session s"


def _day_parts(spec: ModelSpec) -> Iterator[str]:
    shock = "session" in spec.luck.shocks
    own = "trader" in spec.luck.volatility_by
    sigma = "sigma_j" if own else "sigma"
    yield f"  y_js = theta_j{' + V_s' if shock else ''} + e_js"
    yield "  theta_j ~ Normal(mu, diag(tau_trader) corr diag(tau_trader))"
    if shock:
        yield "  V_s ~ Normal(0, diag(s_V^2))"
    yield f"  e_js ~ Normal(0, diag({sigma}) corr_e diag({sigma}))"
    yield f"  log {sigma}k ~ Normal(l0_k, t_sigma_k)" if own else "  log sigma_k = l0_k"


def _choices(spec: ModelSpec) -> Iterator[str]:
    texts = {"trader": "alpha_j", "stratum": "stratum_k", "features": "x_i' beta", "discrimination": "lambda_j v_i"}
    terms = [texts[term] for term in spec.skill.terms]
    terms = terms if "trader" in spec.skill.terms else ["mu_alpha", *terms]
    mood = ["A_js"] if "trader:session" in spec.luck.shocks else []
    yield f"  logit P(A_i = 1) = {' + '.join([*terms, *mood])}"
    if "trader" in spec.skill.terms:
        yield "  alpha_j ~ Normal(mu_alpha, tau_alpha)"
    if "stratum" in spec.skill.terms:
        yield "  stratum_k ~ Normal(0, tau_stratum), summing to zero"
    if "discrimination" in spec.skill.terms:
        yield "  lambda_j ~ Normal(mu_lambda, tau_lambda)"
    if mood:
        yield "  A_js ~ Normal(0, s_A)"
