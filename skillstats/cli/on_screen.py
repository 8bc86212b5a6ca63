"""An evaluation on the screen: a short table of the traders, and what was found about the fit as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skillstats.evaluation.result import Evaluation


def print_result(result: Evaluation) -> None:
    """A short table of the traders and every code of the fit."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if Console().is_terminal else 200, highlight=False)
    unit = "annual IR" if result.source["has_year"] else "IR per decision"
    table = Table("trader", "n", f"{unit} [90% interval]", "P(IR > hurdle)", "value-add per decision [90%]", "status", "reasons")
    own = [r for r in result.rows if r["regime"] == "all"]
    for row in own[:40]:
        cells = (
            row["trader"],
            str(row["n"]),
            ir_words(row, annual=result.source["has_year"]),
            share_words(row["p_above_hurdle"]),
            value_words(row),
            row["status"],
            codes_of(row),
        )
        table.add_row(*(Text(c) for c in cells))
    console.print(table)
    if len(own) > 40:
        console.print(f"... and {len(own) - 40} more in skill.csv")
    for code in result.codes:
        console.print(Text(f"{code['code']} {code['text']}"))
    if "engines" in result.diagnostics:
        console.print(Text(result.diagnostics["engines"]["text"]))
    target = result.source.get("target", "total")
    if result.operating.get("available"):
        console.print(Text(error_line(result.operating)))
    named = "" if target == "total" else f"; every number is of {target} skill"
    if result.restatement:
        console.print(Text(f"restates an earlier evaluation: {result.restatement['text']}"))
    console.print(Text(f"plan: {result.plan['frozen']['text']}"))
    console.print(
        f"fit: {result.status}; {result.lists['skilled']['claim']} (hurdle {result.plan['hurdle']} {result.plan['hurdle_unit']}){named}"
    )


def error_line(operating: Mapping[str, Any]) -> str:
    """The two error rates a reader needs first."""
    once, desks = operating["once"]["desk_skill"], operating["desks"]["none"]
    unit = "an annual IR" if operating["annual"] else "an IR per decision"
    found = ", ".join(f"{f['skill']['share']:.0%} with {unit} of {f['ir']:g}" for f in operating["found"])
    low, high = (f"{once[k]:.0%}" for k in ("q05", "q95"))
    return (
        f"simulated desks like this one: if nobody had skill, somebody would be claimed on {once['share']:.0%} of them (90% interval {low} to "
        f"{high}, {desks} desks); of traders with skill are claimed: {found}"
    )


def ir_words(row: Mapping[str, Any], *, annual: bool) -> str:
    """Posterior mean and 90% interval of the IR."""
    name = "ir_annual" if annual else "ir_decision"
    if row[f"{name}_mean"] is None:
        return "withheld"
    mean, low, high = (row[f"{name}_{k}"] for k in ("mean", "q05", "q95"))
    digits = 2 if annual else 3
    return f"{mean:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]"


def value_words(row: Mapping[str, Any]) -> str:
    """Posterior mean and 90% interval of the value-add of a decision, in currency."""
    if row["value_add_mean"] is None:
        return "withheld"
    return f"{row['value_add_mean']:,.4g} [{row['value_add_q05']:,.4g}, {row['value_add_q95']:,.4g}]"


def share_words(value: float | None) -> str:
    """A probability in whole percent."""
    if value is None:
        return "withheld"
    return ">99%" if value > 0.99 else "<1%" if value < 0.01 else f"{value:.0%}"


def codes_of(row: Mapping[str, Any]) -> str:
    """Codes of a row, each once."""
    return " ".join(dict.fromkeys(c["code"] for c in row["codes"]))
