"""Ledger KPIs as a table: description, not evidence.

Money follows the rule of the house: an integer (the ledger's `sum`) is in micro-units, a float (`mean`, `sd`) in currency; both
are printed in currency. Columns nobody filled are left out, as are troubles that never occurred; rows are those of a trader and
of the whole desk, finer splits stay in ``kpis.csv``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from skillstats.report.numbers import ABSENT, count, digits_for, fixed, is_number, percent, visible
from skillstats.units import MICRO

DESK: Final = "whole desk"
LABELS: Final = ("trader", "model", "action", "regime")
COUNTS: Final = {
    "n_signals": "Signals",
    "n_interventions": "Interventions",
    "n_decisions": "Decisions",
    "n_sessions": "Sessions",
    "n_open": "Still open",
    "n_unavailable": "No price to compare",
    "n_quarantined": "Quarantined",
    "hits": "Hits",
    "ties": "Ties",
}
TROUBLES: Final = ("n_open", "n_unavailable", "n_quarantined")
SHARES: Final = {"override_rate": "Override rate", "hit_rate": "Hit rate"}
MONEY: Final = {"sum": "Sum", "mean": "Mean", "sd": "Sd"}
RATIOS: Final = {"ir_per_decision": "Mean / sd"}


@dataclass(frozen=True, slots=True)
class Table:
    """A table as text: headings of columns, and lines whose first cell names the row.

    words : places of columns that hold sentences; totals : places of lines that stay last however the table is sorted
    """

    heads: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    words: tuple[int, ...] = ()
    totals: tuple[int, ...] = ()


def kpi_table(kpis: Sequence[Mapping[str, Any]], unit: str) -> Table:
    """The KPIs of the traders and of the desk as text.

    Parameters
    ----------
    kpis : rows of the ledger's KPIs
    unit : of sum, mean and sd

    Returns
    -------
    Table, without lines where there are no KPIs
    """
    rows = [r for r in kpis if not _is_finer(r)]
    present = [k for k in (*COUNTS, *SHARES, *MONEY, *RATIOS) if any(_is_told(r, k) for r in rows)]
    digits = {k: digits_for(_money(r.get(k)) for r in rows) for k in MONEY}
    heads = tuple(_head(k, unit) for k in present)
    lines = tuple((_name(r), *(_text(_or_note(r, k), k, digits) for k in present)) for r in rows)
    whole = tuple(k for k, r in enumerate(rows) if _is_desk(r))
    return Table(("Trader", *heads), lines, totals=whole)


def _is_told(row: Mapping[str, Any], key: str) -> bool:
    """Whether a row has something to say in a column."""
    return row.get(key) is not None and not (key in TROUBLES and row[key] == 0)


def _is_finer(row: Mapping[str, Any]) -> bool:
    """Whether a row splits a trader by model, action or regime."""
    if "by" in row:
        return row["by"] not in ("all", "trader")
    return any(row.get(k) not in (None, "", "all") for k in LABELS[1:])


def _name(row: Mapping[str, Any]) -> str:
    """Who the row is about."""
    return DESK if _is_desk(row) else visible(str(row.get("trader")))


def _is_desk(row: Mapping[str, Any]) -> bool:
    """Whether a row is of the whole desk."""
    return row["by"] == "all" if "by" in row else row.get("trader") in (None, "", "all")


def _head(key: str, unit: str) -> str:
    """Heading of a column, with its unit."""
    if key in MONEY:
        return f"{MONEY[key]}, {unit}"
    return {**COUNTS, **SHARES, **RATIOS}[key]


def _text(value: Any, key: str, digits: Mapping[str, int]) -> str:
    """One value; text (a cause such as ``n<2``) stands as it is."""
    if isinstance(value, str):
        return visible(value)
    if not is_number(value):
        return ABSENT
    if key in SHARES:
        return _share(float(value))
    if key in MONEY:
        return fixed(_money(value), digits[key])
    return count(value) if key in COUNTS else fixed(value, 3)


def _money(value: Any) -> Any:
    """Currency: integers are micro-units."""
    return float(Fraction(value, MICRO)) if isinstance(value, int) and not isinstance(value, bool) else value


def _or_note(row: Mapping[str, Any], key: str) -> Any:
    """A value, or for a missing ratio the ledger's note why (``n<2``, ``sd=0``)."""
    value = row.get(key)
    return row.get("note") or None if value is None and key in RATIOS else value


def _share(value: float) -> str:
    """An observed share; 0% and 100% are exact here and printed as such."""
    return f"{100 * value:.0f}%" if value in (0.0, 1.0) else percent(value)
