"""The section of the block `choice`: overriding often, or overriding well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

from skillstats.attribution.choice import largest_remainder
from skillstats.report.kpis import Table
from skillstats.report.numbers import count, fixed, listed, percent, plural, visible
from skillstats.report.section import Section, Setting
from skillstats.report.signed_bars import SignedBar, SignedBarData, signed_bar_picture
from skillstats.units import MICRO, round_half_even

KEYS: Final = ("rate_micro", "regime_micro", "choice_micro", "execution_micro", "initiated_micro")
LABELS: Final = (
    "rate: how often and how far",
    "regime: in which regimes",
    "choice: which signals",
    "execution: when and at what price",
    "own orders",
)
HEADS: Final = ("Rate", "Regime", "Choice", "Execution", "Own orders")
MOST_ROWS: Final = 60
WHOLE_FROM: Final = 1000
"""Largest amount, in currency, from which money is printed without cents."""
TITLE: Final = "Overriding often, or overriding well?"
NOTES: Final = (
    "Rate: what departures as frequent and as large would have made on signals drawn at random from all the trader could have touched. A "
    "coin makes it too, wherever the model loses. Regime: departing more in the regimes where the model did worse. Choice: which signals were "
    "picked inside a regime. Execution: time, price and cost of what was done, on followed signals too.",
    "Rate, and rate with regime, are the averages over all re-assignments of the departures, among all signals and inside each regime. Whether "
    "choice is more than luck is the question of the placebo below.",
    "The desk's parts are not the sum of the traders' parts: which trader departs more is choice for the desk and rate for the trader.",
)


def choice_section(block: Mapping[str, Any], setting: Setting) -> Section | None:
    """Finding, picture of the desk and the traders, and the parts as tables."""
    if not block["available"]:
        return Section("choice", TITLE, str(block["why"]))
    traders = [t for t in block["traders"] if visible(t["trader"]) in setting.traders and (t["n_departed"] or t["n_initiated"])]
    rows = [block["desk"], *traders]
    parts, digits = _columns(rows)
    picture = signed_bar_picture(choice_of(block, traders, setting.unit))
    tables = [(_table(rows, parts, digits, setting.unit), "Value-add and its parts; the parts add up to it")]
    if block["desk"]["regimes"]:
        tables.append((_by_regime(block["desk"], digits, setting.unit), "The desk's parts by regime"))
    finding = _finding(block, parts, digits, setting.unit)
    return Section(
        "choice",
        TITLE,
        finding,
        picture,
        tuple(tables),
        (*NOTES, *_counted(block, digits, setting)),
    )


def choice_of(block: Mapping[str, Any], traders: Sequence[Mapping[str, Any]], unit: str) -> SignedBarData:
    """A bar for the desk and one for each of the `traders`, which may be shown; money in `unit`."""
    rows = [block["desk"], *traders]
    parts, digits = _columns(rows)
    drawn = rows[: MOST_ROWS + 1]
    description = (
        f"A bar each for the desk and {plural(len(drawn) - 1, 'trader')}, {unit}. {_finding(block, parts, digits, unit)}"
    )
    bars = tuple(_bar(r, parts, digits) for r in drawn)
    return SignedBarData("choice", _headline(traders), description, bars, LABELS[:parts], unit)


def _columns(rows: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """How many parts there are (own orders only where somebody gave one), and the digits of their money."""
    parts = len(KEYS) if any(r["n_initiated"] for r in rows) else len(KEYS) - 1
    return parts, 0 if max(abs(r[k]) for r in rows for k in KEYS) >= WHOLE_FROM * MICRO else 2


def shown(row: Mapping[str, Any], parts: int, digits: int) -> tuple[tuple[str, ...], str]:
    """Parts and total as text with `digits` places; the printed parts add up to the printed total."""
    step = 10 ** (6 - digits)
    total = sum(row[k] for k in KEYS)
    whole = round_half_even(total, step)
    cells = largest_remainder([Fraction(row[k], step) for k in KEYS[:parts]], whole)
    return tuple(fixed(c / 10**digits, digits) for c in cells), fixed(whole / 10**digits, digits)


def _name(row: Mapping[str, Any]) -> str:
    return "whole desk" if row["trader"] is None else visible(row["trader"])


def _bar(row: Mapping[str, Any], parts: int, digits: int) -> SignedBar:
    cells, total = shown(row, parts, digits)
    amounts = tuple(row[k] / MICRO for k in KEYS[:parts])
    return SignedBar(_name(row), amounts, sum(amounts), f"{total}, choice {cells[2]}")


def _headline(traders: Sequence[Mapping[str, Any]]) -> str:
    gained = [visible(t["trader"]) for t in traders if t["choice_micro"] > 0]
    if not traders:
        return "No trader has departed from a signal yet"
    if not gained:
        return "Nobody's choice of signals beat departing at random as often"
    if len(gained) == len(traders) > 1:
        return "Everybody's choice of signals beat departing at random as often"
    if len(gained) > 3:
        return f"The choice of signals made money for {len(gained)} of {len(traders)} traders"
    return f"The choice of signals made money for {listed(gained)}" + (" only" if len(traders) > 1 else "")


def _finding(block: Mapping[str, Any], parts: int, digits: int, unit: str) -> str:
    desk = block["desk"]
    cells, total = shown(desk, parts, digits)
    text = (
        f"Of the desk's value-add of {total} {unit}, {cells[0]} is what departing as often and as far at random would have made, {cells[1]} "
        f"comes from the regimes in which it was done, {cells[2]} from which signals were chosen, and {cells[3]} from execution"
    )
    return text + (f"; {cells[4]} from own orders without a signal." if parts > 4 else ".")


def _table(rows: Sequence[Mapping[str, Any]], parts: int, digits: int, unit: str) -> Table:
    lines = []
    for row in rows:
        cells, total = shown(row, parts, digits)
        share = percent(row["n_departed"] / row["n_signals"]) if row["n_signals"] else percent(None)
        lines.append((_name(row), count(row["n_signals"]), share, *cells, total))
    heads = ("Trader", "Signals", "Departed from", *(f"{h}, {unit}" for h in HEADS[:parts]), f"Value-add, {unit}")
    return Table(heads, tuple(lines))


def _by_regime(desk: Mapping[str, Any], digits: int, unit: str) -> Table:
    lines = []
    for row in desk["regimes"]:
        cells, total = shown(row, 4, digits)
        lines.append((visible(row["regime"]), count(row["n_signals"]), fixed(row["mean_tilt"], 2), *cells, total))
    heads = ("Regime", "Signals", "Mean departure (−1: all vetoed)", *(f"{h}, {unit}" for h in HEADS[:4]), f"Value-add, {unit}")
    return Table(heads, tuple(lines))


def _counted(block: Mapping[str, Any], digits: int, setting: Setting) -> tuple[str, ...]:
    """What is in no part, where there is any."""
    left, desk, found = block["undecided"], block["desk"], []
    if left["signals"]:
        worth = fixed(left["value_micro"] / MICRO, digits)
        found.append(
            f"{plural(left['signals'], 'signal')} that nobody answered belong to nobody: leaving them was worth {worth} {setting.unit}, in no "
            "part above. Each counts among the signals of every trader who was there and acts on that model and asset class."
        )
    if desk["n_open"]:
        found.append(f"{plural(desk['n_open'], 'signal')} whose horizon is not over or that has no price are left out.")
    return tuple(found)
