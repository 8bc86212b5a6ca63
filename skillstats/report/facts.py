"""What was evaluated, how it was computed and how to recognise it: the label-and-value lists of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from typing import Any, Final

from skillstats.evaluation.result import Evaluation
from skillstats.report.kpis import Table
from skillstats.report.numbers import ABSENT, count, digits_for, fixed, interval, is_number, visible

Facts = tuple[tuple[str, str], ...]

FILLS: Final = {
    "signal_price": "the model trades at the price its signal names",
    "arrival_mid": "the model trades at the mid when its signal arrives",
    "cross_spread": "the model crosses the spread when its signal arrives",
    "next_open": "the model trades at the next open",
}
INPUTS: Final = {
    "record": "a desk\u2019s record of signals, actions, fills and prices",
    "outcomes": "a table of outcomes, one value-add a row",
}
RISK_DIVIDED: Final = "value-add divided by the risk of the deviation"
ONE_SCALE: Final = "value-add, one scale for all rows (no risk given)"
SKILL_WORDS: Final = {
    "total": "total: passive lean, timing and selection together",
    "selection": "selection: what the factor explains is not in it",
}
NO_BOOKS: Final = "not applicable to an outcomes table"
FLOOR_WORDS: Final = {"days": "active days", "n_eff": "effective decisions", "cell_days": "active days in a regime"}
COUNT_WORDS: Final = {
    "no_risk": "without a usable risk",
    "open": "still open at the end of the data",
    "incomplete": "incomplete",
    "late": "recorded after the outcome was knowable",
    "quarantined": "quarantined",
    "unavailable": "without a counterfactual",
}


def text_of(value: Any) -> str:
    """A value of unknown kind as text; a dash where there is none."""
    if value is None or value == "":
        return ABSENT
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if is_number(value):
        return count(value) if float(value).is_integer() else f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{visible(str(k)).replace('_', ' ')} {text_of(v)}" for k, v in value.items())
    return ", ".join(text_of(v) for v in value) if isinstance(value, list | tuple) else visible(str(value))


def period_words(source: Mapping[str, Any]) -> str:
    """First and last session; an outcomes table has sessions but no dates."""
    if source["first_session"] is None:
        return "sessions as the table names them"
    return f"{text_of(source['first_session'])} to {text_of(source['last_session'])}"


def how_many(value: Any) -> str:
    """A number given as such or as the things to be counted."""
    return count(len(value)) if isinstance(value, Sized) and not isinstance(value, str) else text_of(value)


def data_facts(evaluation: Evaluation) -> Facts:
    """What was evaluated and on what data."""
    s, plan = evaluation.source, evaluation.plan
    period = period_words(s)
    if is_number(s["sessions_spanned"]):
        period += f", {count(s['sessions_spanned'])} {'desk sessions' if s['kind'] == 'record' else 'sessions'}"
    hurdle = f"{text_of(plan['hurdle'])} {text_of(plan['hurdle_unit'])}, certainty asked for {100 * float(plan['certainty']):g}%"
    return (
        ("Period", period),
        ("Input", INPUTS.get(str(s["kind"]), text_of(s["kind"]))),
        ("Traders", how_many(s["traders"])),
        ("Decisions", _decisions(s)),
        ("Sessions with a decision", how_many(s["sessions"])),
        ("Regimes", how_many(s["regimes"])),
        ("Money in", text_of(s["unit"])),
        ("Horizon", _horizon(plan["horizon"], s["kind"])),
        ("Fill model", _fill_model(plan["fill_model"], s["kind"])),
        ("Outcome judged", RISK_DIVIDED if s["has_risk"] else ONE_SCALE),
        ("Skill", SKILL_WORDS.get(str(s.get("target", "total")), text_of(s.get("target")))),
        ("Hurdle", hurdle),
        ("Plan declared first?", frozen_words(plan["frozen"], digest=False)),
        ("Prior", prior_words(evaluation)),
        ("Least evidence for a number", floor_words(plan["floors"])),
        ("Left out", left_out(s["counts"])),
    )


def _horizon(horizon: Any, kind: Any) -> str:
    """The declared horizon; without one each signal carries its own, and an outcomes table has none."""
    if kind == "outcomes":
        return NO_BOOKS
    return text_of(horizon) if horizon else "each signal states its own"


def _fill_model(name: Any, kind: Any) -> str:
    """The fill model of the model's book, with what it means."""
    if kind == "outcomes" or not name:
        return NO_BOOKS
    return f"{visible(str(name))}: {FILLS[name]}" if name in FILLS else text_of(name)


def _decisions(source: Mapping[str, Any]) -> str:
    """Decisions, and rows of evidence where they differ."""
    decisions, rows = how_many(source["decisions"]), how_many(source["rows"])
    if decisions == rows:
        return decisions
    return f"{decisions} ({rows} rows of evidence: a decision over several sessions has one a session)"


def prior_words(evaluation: Evaluation) -> str:
    """The prior in words: on which scale it is set and by how many bets a year it is converted."""
    s = evaluation.source
    if not s["has_year"]:
        return "skill is judged per decision, because the data have no year; the model\u2019s page states every prior"
    bets = s["bets_per_year"]
    if not is_number(bets):
        return "set on the annual information ratio; the model\u2019s page states every prior"
    why = f" ({visible(str(s['bets_per_year_why']))})" if s["bets_per_year_why"] else ""
    number = fixed(bets, 0 if bets >= 10 else 1)
    return f"set on the annual information ratio and spread over B = {number} independent bets a year{why}"


def floor_words(floors: Any) -> str:
    """The floors in words."""
    if not isinstance(floors, Mapping):
        return text_of(floors)
    parts = [f"{text_of(v)} {FLOOR_WORDS.get(str(k), visible(str(k)))}" for k, v in floors.items() if v is not None]
    return ", ".join(parts) or ABSENT


def left_out(counts: Any) -> str:
    """What did not become evidence, by cause."""
    if not isinstance(counts, Mapping) or not any(counts.values()):
        return "nothing"
    parts = [f"{text_of(v)} {COUNT_WORDS.get(str(k), visible(str(k)).replace('_', ' '))}" for k, v in counts.items() if v]
    return ", ".join(parts)


def population_table(evaluation: Evaluation) -> Table:
    """The desk as a population: mean, spreads and shock sizes; without lines where the fit is withheld."""
    if evaluation.status == "WITHHOLD":
        return Table((), ())
    lines = []
    for item in evaluation.population.values():
        digits = max(2, digits_for([item["q05"], item["q95"]]) - 1)
        low_high = interval(item["q05"], item["q95"], digits)
        lines.append((visible(str(item["label"])), fixed(item["median"], digits), low_high, visible(str(item["unit"]))))
    return Table(("Quantity", "Median", "90% equal-tailed interval", "Unit"), tuple(lines))


def diagnostic_facts(diagnostics: Mapping[str, Any]) -> Facts:
    """How the numbers were computed and whether the sampler did its work; limits beside."""
    r_hat_of = f" ({visible(str(diagnostics['r_hat_of']))})" if diagnostics.get("r_hat_of") else ""
    found = [
        ("Engine", text_of(diagnostics.get("engine"))),
        ("Chains, draws each, warm-up", ", ".join(text_of(diagnostics.get(k)) for k in ("chains", "draws", "tune"))),
        ("Divergences (limit 0)", text_of(diagnostics.get("divergences"))),
        ("Largest R-hat (limit 1.01)", fixed(diagnostics.get("r_hat_max"), 4) + r_hat_of),
        ("Smallest effective sample size (limit 100 a chain)", fixed(diagnostics.get("ess_min"), 0)),
        ("Smallest E-BFMI (limit 0.3)", fixed(diagnostics.get("e_bfmi_min"), 2)),
        ("Reruns", text_of(diagnostics.get("reruns") or "none")),
    ]
    loo = diagnostics.get("loo")
    if loo:
        found.append(("Score of unseen sessions (elpd, nats)", f"{fixed(loo['elpd'], 0)}, standard error {fixed(loo['se'], 0)}"))
        found.append((f"Largest Pareto k of a session (limit {fixed(loo['k_limit'], 2)})", fixed(loo["k_max"], 2)))
    engines = diagnostics.get("engines")
    if engines:
        found.append(("Second engine", text_of(engines["text"])))
    return tuple(found)


def frozen_words(frozen: Any, *, digest: bool = True) -> str:
    """Whether the plan was frozen before the first outcome, with the digest to compare; an evaluation of an earlier version does not say."""
    if not isinstance(frozen, Mapping):
        return "not recorded: an earlier version wrote this evaluation"
    held = f" Digest of the frozen plan: {visible(str(frozen['digest']))}" if digest and frozen["digest"] else ""
    return visible(str(frozen["text"])) + held


def identity_facts(evaluation: Evaluation) -> Facts:
    """Everything needed to compute the result again."""
    i, plan = evaluation.identity, evaluation.plan
    return (
        ("Plan", text_of(plan["name"])),
        ("Plan digest", text_of(plan["digest"])),
        ("Plan frozen", frozen_words(plan["frozen"])),
        ("Model", text_of(i["spec_name"])),
        ("Model digest", text_of(i["spec"])),
        ("Evidence digest", text_of(i["evidence"])),
        ("Components digest", text_of(i["components"])),
        ("skillstats version", text_of(i["version"])),
        ("Seed", str(i["seed"])),
        ("Schema", str(evaluation.schema)),
    )
