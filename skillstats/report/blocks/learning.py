"""The section on what a rule could learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from skillstats.report.intervals import Axis, Interval, interval_svg
from skillstats.report.kpis import Table
from skillstats.report.numbers import ABSENT, count, digits_for, fixed, interval, is_number, listed, p_value, percent, visible
from skillstats.report.section import Section, Setting, in_both_layouts

LABELS: Final = {
    "adjusted": "traders' choices",
    "rule": "rule alone",
    "copy": "copy of the traders",
    "beyond": "beyond the rule",
}
AXIS: Final = Axis("learning", "% of a signal's risk against the model, 90% equal-tailed")
NOTES: Final = (
    "The rule asks at most three questions about a signal and then follows it or vetoes it. It was trained on earlier sessions only; sessions whose "
    "horizons reached into the test were left out. Only what was known before the signal could be asked.",
    "The copy vetoes as often as a rule of the trader's own earlier choices predicts: it shows what the visible pattern of these choices is worth.",
    "That a rule does as well does not say how the trader decided, and a rule that pays on these sessions need not pay on the next.",
)


def learning_section(block: Mapping[str, Any], setting: Setting) -> Section | None:
    """The arms, the rule in words, each trader beyond the rule."""
    title = "Could a simple rule replace the traders?"
    if not block.get("available"):
        return Section("rule", title, f"No rule can be tried: {visible(str(block.get('why', '')))}.")
    desk = {a["arm"]: a for a in block["arms"] if a["trader"] is None}
    block = dict(block) | {
        "arms": [a for a in block["arms"] if a["trader"] is not None and visible(str(a["trader"])) in setting.traders]
    }
    rows = [_row(LABELS[name], desk[name], strong=name == "beyond") for name in LABELS if is_number(desk[name]["q05"])]
    finding = _finding(block, desk)
    head = _head(desk)
    words = "; ".join(f"{LABELS[name]} {_per_signal(desk[name])}" for name in LABELS)
    picture = in_both_layouts(partial(interval_svg, rows, AXIS), head, f"In % of a signal's risk: {words}.") if rows else None
    tables = [
        (_arms_table(desk, setting.unit), "All traders together, against the model alone on the same signals"),
        (_traders_table(block, setting.unit), "Each trader; * survives the false-discovery control over the traders"),
        (
            _leaves_table(block["leaves"]),
            "The rule from now on, trained on everything that has closed: what it asks, and what a veto was worth there in training",
        ),
        (_history_table(block["history"]), "The rule in force during the test"),
    ]
    return Section("rule", title, finding, picture, tuple(tables), NOTES)


def _row(label: str, arm: Mapping[str, Any], *, strong: bool) -> Interval:
    low, high, mean = (100 * arm[k] for k in ("q05", "q95", "mean"))
    return Interval(label, low, high, mean, f"{fixed(mean, 2)} {interval(low, high, 2)}", strong=strong)


def _per_signal(arm: Mapping[str, Any]) -> str:
    if not is_number(arm["q05"]):
        return f"{fixed(100 * arm['mean'], 2)}"
    return f"{fixed(100 * arm['mean'], 2)} {interval(100 * arm['q05'], 100 * arm['q95'], 2)}"


def _judged(arm: Mapping[str, Any]) -> int:
    """1 above zero, -1 below, 0 cannot tell, by the 90% interval."""
    if not is_number(arm["q05"]):
        return 0
    return int(arm["q05"] > 0) - int(arm["q95"] < 0)


def _head(desk: Mapping[str, Mapping[str, Any]]) -> str:
    """Title of the picture: the finding in a line."""
    rule, beyond = _judged(desk["rule"]), _judged(desk["beyond"])
    if beyond > 0:
        return "The traders add value beyond what a rule of three questions would"
    if beyond < 0:
        return "A rule of three questions would have done better than the traders"
    if rule > 0:
        return "A rule of three questions pays; that the traders add to it cannot be told"
    return "Neither the rule nor the traders beyond it can be told from chance"


def _finding(block: Mapping[str, Any], desk: Mapping[str, Mapping[str, Any]]) -> str:
    own = [visible(str(a["trader"])) for a in block["arms"] if a["arm"] == "beyond" and a["found"]]
    beyond = desk["beyond"]
    single = (
        f"{listed(own, limit=5)} {'adds' if len(own) == 1 else 'add'} beyond the rule."
        if own
        else "Of no single trader can it be said that the choices add beyond the rule."
    )
    test = f"Out of sample, on {count(beyond['n'])} signals of {count(beyond['sessions'])} sessions,"
    return f"{_head(desk)}. {test} a veto by the rule was worth {_per_signal(desk['rule'])}% of a signal's risk, the traders beyond it {_per_signal(beyond)}%. {single}"


def _money(arm: Mapping[str, Any], digits: int) -> str:
    if not is_number(arm["money_q05"]):
        return fixed(arm["money"], digits)
    return f"{fixed(arm['money'], digits)} {interval(arm['money_q05'], arm['money_q95'], digits)}"


def _arms_table(desk: Mapping[str, Mapping[str, Any]], unit: str) -> Table:
    heads = (
        "Arm",
        "% of risk a signal [90%]",
        "by bootstrap",
        "p",
        "Found with 80% power from",
        f"Total, {unit} [90%]",
    )
    digits = digits_for(a["money"] for a in desk.values())
    return Table(heads, tuple((LABELS[name], *_cells(desk[name]), _money(desk[name], digits)) for name in LABELS))


def _cells(arm: Mapping[str, Any]) -> tuple[str, str, str, str]:
    low, high = arm["boot_q05"], arm["boot_q95"]
    boot = interval(100 * low, 100 * high, 2) if is_number(low) else ABSENT
    power = fixed(100 * arm["detectable"], 2) if is_number(arm["detectable"]) else ABSENT
    return _per_signal(arm), boot, p_value(arm["p"]), power


def _traders_table(block: Mapping[str, Any], unit: str) -> Table:
    copied = {c["trader"]: c for c in block["copied"]}
    arms: dict[str, dict[str, Mapping[str, Any]]] = {}
    for arm in block["arms"]:
        arms.setdefault(arm["trader"], {})[arm["arm"]] = arm
    heads = (
        "Trader",
        "Signals",
        "Own choices, % of risk a signal",
        "Rule alone",
        "Beyond the rule",
        f"Beyond the rule, {unit}",
        "Choices foreseen",
    )
    digits = digits_for(a["beyond"]["money"] for a in arms.values())
    return Table(heads, tuple(_trader_line(name, own, copied.get(name), digits) for name, own in arms.items()))


def _trader_line(
    name: str, own: Mapping[str, Mapping[str, Any]], copied: Mapping[str, Any] | None, digits: int
) -> tuple[str, ...]:
    star = "*" if own["beyond"]["found"] else ""
    seen = percent(max(0.0, copied["gain"])) if copied else ABSENT
    return (
        visible(str(name)), count(own["beyond"]["n"]), _per_signal(own["adjusted"]), _per_signal(own["rule"]),
        _per_signal(own["beyond"]) + star, _money(own["beyond"], digits), seen,
    )  # fmt: skip


def _leaves_table(leaves: Sequence[Mapping[str, Any]]) -> Table:
    lines = tuple(
        (
            "veto" if leaf["veto"] else "follow",
            visible(str(leaf["words"])).removeprefix("where "),
            count(leaf["n"]),
            fixed(leaf["mean"], 2),
            fixed(leaf["error"], 2),
        )
        for leaf in leaves
    )
    return Table(("Do", "Where", "Signals", "A veto, per unit of risk", "Error"), lines, words=(1,))


def _history_table(history: Sequence[Mapping[str, Any]]) -> Table:
    """Runs of stretches with the same rule as one line."""
    lines: list[tuple[str, str]] = []
    for item in history:
        words = visible(str(item["rule"]))
        if not lines or lines[-1][1] != words:
            lines.append((str(item["from"]), words))
    return Table(("From", "Rule"), tuple(lines), words=(1,))
