"""Section: what should change?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from skillstats.report.intervals import Axis, Interval, interval_svg
from skillstats.report.kpis import Table
from skillstats.report.numbers import ABSENT, count, digits_for, fixed, interval, percent, plural, visible
from skillstats.report.section import Section, Setting, in_both_layouts

ARMS: Final = {"model": "model alone", "practice": "as adjusted", "supported": "model with supported overrides only"}
PICTURED: Final = 16


def policies_section(block: Mapping[str, Any], setting: Setting) -> Section:
    """What to do in a sentence, the value of each policy, the three arms."""
    title = "What would another override policy bring?"
    if not block["available"]:
        return Section("policies", title, f"Not answered: {visible(block['why'])}")
    policies = [p for p in block["policies"] if not p["trader"] or p["trader"] in setting.traders]
    actions = [a for a in block["actions"] if not a["trader"] or a["trader"] in setting.traders]
    headline = _headline(actions)
    tables = [
        (
            _action_table(actions, block, setting),
            f"At most three actions, {setting.unit} a quarter, against current practice; posterior under a sceptical prior.",
        ),
        (
            _arm_table(block["arms"], setting),
            f"Three arms: P/L of the whole book from {block['first']} to {block['last']}, out of sample.",
        ),
        (_policy_table(policies, block, setting), _policy_caption(block)),
    ]
    return Section(
        "policies",
        title,
        _finding(block, actions, setting),
        _picture(policies, actions, block, headline),
        tuple(tables),
        _notes(block),
    )


def _headline(actions: Sequence[Mapping[str, Any]]) -> str:
    best = next((a for a in actions if a["key"] != "wait"), None)
    return visible(best["text"]).capitalize() if best else "Wait: no change from current practice is supported"


def _finding(block: Mapping[str, Any], actions: Sequence[Mapping[str, Any]], setting: Setting) -> str:
    tested = f"Walking forward over {plural(block['sessions'], 'session')}, each policy chosen from earlier data only"
    if not actions:
        return f"{tested}, nothing can be said about the traders shown here."
    first = actions[0]
    gain = first["gain"]
    if gain is None:
        return f"{visible(first['text']).capitalize()}."
    money = f"{fixed(gain['quarter'], 0)} {interval(gain['q05'], gain['q95'], 0)} {setting.unit} a quarter"
    chance = percent(gain["p_above"], block["certainty"])
    if first["key"] == "wait":
        needed = first["sessions_needed"]
        until = (
            f"about {count(needed)} more sessions would settle it"
            if needed
            else "at this rate no reasonable time would settle it"
        )
        return f"{tested}, no change is supported: {visible(first['text'])}, worth {money}, with a {chance} chance of more than the hurdle; {until}."
    return f"{tested}: {visible(first['text'])}, worth {money} against current practice, with a {chance} chance of more than the hurdle."


def _picture(
    policies: Sequence[Mapping[str, Any]], actions: Sequence[Mapping[str, Any]], block: Mapping[str, Any], headline: str
) -> Any:
    """Value of every policy against the model alone; what is supported, and current practice, in blue."""
    strong = {a["key"] for a in actions} | {"practice"}
    wanted = [p for p in policies if p["key"] != "model"]
    wanted.sort(key=lambda p: (p["key"] != "practice", -p["total"]["quarter"]))
    rows = [
        Interval(
            label=_short(p), low=p["total"]["q05"], high=p["total"]["q95"], dot=p["total"]["quarter"],
            words=_change(p, block), strong=p["key"] in strong,
        )
        for p in wanted[:PICTURED]
    ]  # fmt: skip
    axis = Axis("policies", f"value over the model, {block['unit']} a quarter; 90% interval")
    description = f"{headline}. " + "; ".join(f"{r.label}: {fixed(r.dot, 0)} {interval(r.low, r.high, 0)}" for r in rows)
    return in_both_layouts(lambda **how: interval_svg(rows, axis, **how), headline, description)


def _short(policy: Mapping[str, Any]) -> str:
    """A policy in the few words that fit beside its line."""
    kind, _, rest = policy["key"].partition(":")
    level = visible(rest.partition("=")[2])
    names = {"practice": "current practice", "surface": "veto where model loses", "supported": "supported overrides"}
    short = {"without": f"without {visible(policy['trader'])}", "only": f"only in {level}", "veto": f"veto in {level}"}
    return names.get(kind) or short.get(kind) or visible(policy["name"])


def _change(policy: Mapping[str, Any], block: Mapping[str, Any]) -> str:
    if policy["key"] == "practice":
        return "what was done"
    if policy.get("withheld"):
        return "withheld"
    gain = policy["gain"]
    return "too few sessions differ" if gain is None else f"P(gain > hurdle) {percent(gain['p_above'], block['certainty'])}"


def _action_table(actions: Sequence[Mapping[str, Any]], block: Mapping[str, Any], setting: Setting) -> Table:
    heads = (
        "Action",
        f"Gain a quarter, {setting.unit} [90%]",
        "P(gain > hurdle)",
        "Expected loss of doing it",
        "of not doing it",
        "Without its best day",
    )
    lines = []
    for action in actions:
        gain = action["gain"]
        if gain is None:
            lines.append((visible(action["text"]), *([ABSENT] * 5)))
            continue
        lines.append(
            (
                visible(action["text"]), f"{fixed(gain['quarter'], 0)} {interval(gain['q05'], gain['q95'], 0)}",
                percent(gain["p_above"], block["certainty"]), fixed(gain["loss_act"], 0), fixed(gain["loss_stay"], 0), percent(gain["p_without_best"]),
            )
        )  # fmt: skip
    return Table(heads, tuple(lines))


def _arm_table(arms: Mapping[str, Mapping[str, Any]], setting: Setting) -> Table:
    heads = ("Arm", f"P/L a quarter, {setting.unit} [90%]", f"Sd of a quarter, {setting.unit}", "P/L per unit of risk, annual")
    return Table(
        heads,
        tuple(
            (ARMS[k], f"{fixed(a['quarter'], 0)} {interval(a['q05'], a['q95'], 0)}", fixed(a["sd"], 0), fixed(a["ir_annual"], 2))
            for k, a in arms.items()
        ),
    )


def _policy_table(policies: Sequence[Mapping[str, Any]], block: Mapping[str, Any], setting: Setting) -> Table:
    heads = (
        "Policy", "Signals departed from", f"Value a quarter, {setting.unit} [90%]", "Per unit of risk, annual", f"Gain over practice, pooled, {setting.unit}",
        "P(gain > hurdle)",
    )  # fmt: skip
    digits = min(digits_for(p["total"]["quarter"] for p in policies), 2)
    lines = []
    for p in policies:
        total, gain = p["total"], p["gain"]
        lines.append(
            (
                f"{visible(p['name'])}{' (learnt)' if p['kind'] == 'learnt' else ''}", count(p["touched"]),
                f"{fixed(total['quarter'], digits)} {interval(total['q05'], total['q95'], digits)}", fixed(total["ir_annual"], 2),
                fixed(gain["quarter"], digits) if gain else ABSENT, percent(gain["p_above"], block["certainty"]) if gain else ABSENT,
            )
        )  # fmt: skip
    return Table(heads, tuple(lines))


def _policy_caption(block: Mapping[str, Any]) -> str:
    overlap = "" if block["overlap"] == 1 else f" in stretches of {block['overlap']} sessions, as horizons reach that far"
    return (
        f"Value against the model alone over {plural(block['sessions'], 'session')} after the first {count(block['burn_in'])}; intervals 90%, clustered by session{overlap}. "
        "Learnt policies are chosen again every 21 sessions from decisions whose horizon had passed."
    )


def _notes(block: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        f"An action is listed where the annual IR of its gain exceeds {block['hurdle']:g} with {percent(block['certainty'])} certainty under a prior of mean 0 and sd 0.5, and would "
        "nearly do so without its best day.",
        "Prices are taken as they were: a policy that trades much more than the desk did would have moved them.",
        "Execution differences on followed signals belong to current practice, not to the model or to supported overrides.",
    )
