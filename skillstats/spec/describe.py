"""A specification in words: the generative equations, each prior with its unit, and the digest."""

from __future__ import annotations

from collections.abc import Iterator

from skillstats.spec.describe_families import family_equations, family_glossary
from skillstats.spec.model import ModelSpec, Prior, needed_priors
from skillstats.spec.vocabulary import SLOTS, UNIT_TEXT

_EFFECTS = {
    "trader": ("a", "j"),
    "regime": ("b", "r"),
    "trader:regime": ("c", "jr"),
    "action": ("g", "k"),
    "signal_type": ("m", "t"),
    "asset_class": ("d", "l"),
    "model_version": ("v", "e"),
    "desk": ("k", "h"),
}
_POPULATIONS = {
    "normal": "Normal(0, tau_trader)",
    "two_scale": "pi Normal(0, tau_trader / 2) + (1 - pi) Normal(0, 2 tau_trader)",
    "spike_slab": "pi Normal(0, tau_trader / 10) + (1 - pi) Normal(0, tau_trader)",
    "student_t4": "Student-t with 4 degrees of freedom and sd tau_trader",
}


def describe(spec: ModelSpec) -> str:
    """The specification as plain text.

    Examples
    --------
    >>> print(describe(read_spec("day_pooled")).splitlines()[3].strip())  # doctest: +SKIP
    y_i = mu + a_j + V_s + U_js + e_i
    """
    outcomes = spec.family == "outcomes"
    equations, glossary = (_equations, _glossary) if outcomes else (family_equations, family_glossary)
    lines = [f"{spec.name}: {spec.title}", f"target: {spec.target} skill", "", *equations(spec), "", *_priors(spec), ""]
    lines += ["where", *glossary(spec), "", *_footer(spec)]
    return "\n".join(lines) + "\n"


def _equations(spec: ModelSpec) -> Iterator[str]:
    effects = [_EFFECTS[term] for term in spec.skill.terms]
    drift = ["z_jq"] if spec.skill.drift else []
    sizing = ["kappa_j w_i"] if "sizing" in spec.skill.slopes else []
    mean = " + ".join(["mu", *(f"{letter}_{index}" for letter, index in effects), *drift, *sizing])
    shocks = [{"session": "V_s", "trader:session": "U_js", "session:exposure": "x_i F_s"}[shock] for shock in spec.luck.shocks]
    yield f"  y_i = {' + '.join([mean, *shocks])} + e_i"
    for term, (letter, index) in zip(spec.skill.terms, effects, strict=True):
        own = _POPULATIONS[spec.skill.population] if term == "trader" else f"Normal(0, tau_{term.replace(':', '_')})"
        yield f"  {letter}_{index} ~ {own}"
    if drift:
        yield "  z_jq = phi z_j,q-1 + Normal(0, tau_drift),  z_j1 ~ Normal(0, tau_drift / sqrt(1 - phi^2))"
    if sizing:
        yield "  kappa_j ~ Normal(mu_kappa, tau_kappa)"
    if "session:exposure" in spec.luck.shocks:
        yield "  F_s ~ Normal(0, s_F); where factor returns are observed y_i - x_i F_s takes the place of y_i and F_s that of s_F"
    if "session" in spec.luck.shocks:
        yield "  V_s ~ Normal(0, s_V)"
    if spec.luck.trader_session_scale == "common":
        yield "  U_js ~ Normal(0, s_U)"
    if spec.luck.trader_session_scale == "by_trader":
        yield "  U_js ~ Normal(0, s_Uj),  log s_Uj ~ Normal(l_U, t_U)"
    yield from _volatility(spec.luck.volatility_by, spec.luck.tails)


def _volatility(by: tuple[str, ...], tails: str) -> Iterator[str]:
    index = {"trader": "j", "regime": "r"}
    sigma = "_".join(filter(None, ["sigma", "".join(index[w] for w in by)]))
    level = "lam_j" if "trader" in by else "l0"
    residual = f"Normal(0, {sigma})" if tails == "normal" else f"Student-t(nu), sd {sigma}, scale {sigma} sqrt((nu - 2) / nu)"
    yield f"  e_i ~ {residual},  log {sigma} = {level}{' + l_r' if 'regime' in by else ''}"
    if "trader" in by:
        yield "  lam_j ~ Normal(l0, t_sigma)"


def _priors(spec: ModelSpec) -> Iterator[str]:
    names = needed_priors(spec.skill, spec.luck, spec.family)
    texts = {name: f"{SLOTS[name].symbol} ~ {_distribution(spec.priors[name])}" for name in names}
    width = max(map(len, texts.values()))
    for name, text in texts.items():
        yield f"  {text:{width}}  [{spec.priors[name].unit}]  {name}"
    yield ""
    units = dict.fromkeys(spec.priors[name].unit for name in names)
    yield from (f"  [{unit}] {UNIT_TEXT[unit]}" for unit in units)


def _distribution(prior: Prior) -> str:
    if prior.distribution == "lkj":
        return f"LKJ({prior.eta:.6g})"
    if prior.distribution == "gamma":
        return f"Gamma(mean {prior.mu:.6g}, sd {prior.sigma:.6g})"
    if prior.distribution == "uniform":
        return f"Uniform(0, {prior.sigma:.6g})"
    shown = {"normal": "Normal", "half_normal": "HalfNormal", "zero_sum_normal": "ZeroSumNormal", "unit_normal": "Normal"}
    numbers = [f"{prior.mu:.6g}"] if prior.mu is not None else []
    within = " within (0, 1)" if prior.distribution == "unit_normal" else ""
    return f"{shown[prior.distribution]}({', '.join([*numbers, f'{prior.sigma:.6g}'])}){within}"


def _glossary(spec: ModelSpec) -> Iterator[str]:
    yield "  y_i   value-add of decision i divided by its risk (no unit); Normal(m, sd) takes a standard deviation"
    further = {
        "signal_type": "signal type t",
        "asset_class": "asset class l",
        "model_version": "model version e",
        "desk": "desk h",
    }
    labels = ["trader j", "regime r", "action k", *(text for word, text in further.items() if word in spec.skill.terms)]
    labels += ["calendar quarter q"] if spec.skill.drift else []
    yield f"  indices: {', '.join(labels)}, session s (a day, an item, a game)"
    if spec.skill.slopes:
        yield "  w_i   log of the decision's risk less its mean over all decisions: kappa_j is sizing skill"
    if "session:exposure" in spec.luck.shocks:
        yield "  x_i   factor exposure of the deviation per unit of risk, over its root mean square; the target is selection skill"
    if spec.luck.shocks and spec.luck.tails == "student_t":
        yield "  V_s, U_js are sampled, as rows with heavy tails do not collapse to cells"
    elif spec.luck.shocks:
        names = ["V_s", "U_js", *(["F_s"] if "session:exposure" in spec.luck.shocks else [])]
        cells = "trader, session, regime, action" + (" and the other labels" if len(labels) > 3 else "")
        yield f"  {', '.join(names)} are integrated out exactly on cells ({cells}) and drawn afterwards"
    if "desk" in spec.skill.terms:
        yield "  with several desks V_s has a value for each desk and session, U_js for each trader, desk and session"
    if "regime" in spec.skill.terms:
        yield "  read mu + b_r, never b_r alone: with few regimes only the prior separates the two"


def _footer(spec: ModelSpec) -> Iterator[str]:
    s = spec.sampling
    yield f"sampling: {s.chains} chains x {s.draws} draws after {s.tune}, target acceptance {s.target_accept:g}"
    yield f"digest: sha256 {spec.digest}"
