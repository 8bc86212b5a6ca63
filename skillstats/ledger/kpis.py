"""Published KPIs of intervention: hit rate, mean, volatility and their ratio. A description of what happened, not evidence of skill.

Unit: the complete intervention decision. A hit is value_add > 0; a zero is a tie, in the denominator and shown apart; missing outcomes
are outside and counted. The standard deviation uses n - 1. Mean, sd and ratio are each one correctly rounded division of exact
integers; with n < 2 or sd = 0 they are null, never 0 or infinite. Nothing is annualised.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from skillstats.ledger.setaside import UNAVAILABLE
from skillstats.ledger.tables import MONEY

GROUPS: Final = (
    ("all", ()),
    ("trader", ("trader",)),
    ("trader x model", ("trader", "model")),
    ("trader x action", ("trader", "action")),
)
BY_REGIME: Final = ("trader x regime", ("trader", "regime"))
Key = tuple[str, ...]
FEW: Final = 20_000
"""Below so many amounts the plain sums run."""
COUNTS: Final = (
    "n_signals",
    "n_interventions",
    "n_decisions",
    "n_sessions",
    "n_open",
    "n_unavailable",
    "n_quarantined",
)
SCHEMA: Final = pa.schema(
    [pa.field(k, pa.string()) for k in ("by", "trader", "model", "action", "regime")]
    + [pa.field(k, pa.int64()) for k in COUNTS]
    + [pa.field("override_rate", pa.float64()), pa.field("hits", pa.int64()), pa.field("ties", pa.int64())]
    + [pa.field("hit_rate", pa.float64()), pa.field("sum", pa.int64(), metadata=MONEY)]
    + [pa.field(k, pa.float64()) for k in ("mean", "sd", "ir_per_decision")]
    + [pa.field("note", pa.string())]
)


def moments(amounts: list[int]) -> dict[str, Any]:
    """Sum, mean, sd (n-1) and mean/sd of exact micro-units; mean and sd in currency.

    Examples
    --------
    The three published rows, corrected:

    >>> m = moments([500_000_000, -50_000_000, -740_000_000])
    >>> m["sum"], round(m["mean"], 2), round(m["sd"], 2), round(m["ir_per_decision"], 4)
    (-290000000, -96.67, 621.32, -0.1556)
    """
    return moments_of(len(amounts), sum(amounts), sum(a * a for a in amounts))


def moments_of(n: int, total: int, squares: int) -> dict[str, Any]:
    """As `moments`, from the number of amounts, their sum and the sum of their squares."""
    result: dict[str, Any] = {
        "sum": total,
        "mean": float(Fraction(total, n * 10**6)) if n else None,
        "sd": None,
        "ir_per_decision": None,
    }
    if n < 2:
        return result | {"note": "n<2"}
    spread = n * squares - total * total
    if spread == 0:
        return result | {"note": "sd=0"}
    with localcontext() as context:
        context.prec = 60
        sd = (Decimal(spread) / (n * (n - 1))).sqrt()
        result |= {"sd": float(sd / 10**6), "ir_per_decision": float(Decimal(total) / n / sd)}
    return result | {"note": ""}


@dataclass(frozen=True, slots=True)
class Group:
    """What the KPIs of one group are made of; groups of parts of a ledger add up, because no decision lies in two parts.

    counts : n_signals, n_interventions, n_open and overridden; sessions : of complete interventions
    sums : decisions, hits, ties, sum and sum of squares of their value-add, micro-units
    """

    counts: tuple[int, ...]
    sessions: frozenset[str]
    sums: tuple[int, ...]

    def plus(self, other: Group) -> Group:
        """Both together."""
        counts = tuple(a + b for a, b in zip(self.counts, other.counts, strict=True))
        return Group(counts, self.sessions | other.sessions, tuple(a + b for a, b in zip(self.sums, other.sums, strict=True)))


@dataclass(frozen=True, slots=True)
class KpiSums:
    """Groups by kind and key, and how many rows set aside each key has, all of them and those without a counterfactual."""

    groups: Mapping[str, Mapping[Key, Group]]
    lost: Mapping[str, Mapping[Key, int]]
    unavailable: Mapping[str, Mapping[Key, int]]


def kpi_table(rows: pd.DataFrame, decisions: pd.DataFrame, set_aside: pd.DataFrame) -> pa.Table:
    """KPIs by all, trader, trader x model, trader x action and trader x regime.

    Parameters
    ----------
    rows : ledger rows; decisions : frame of `decision_frame`
    set_aside : quarantined actions with columns decision_id, trader, action, model, regime, code
    """
    return kpis_of([kpi_sums(rows, decisions, set_aside)])


def kpi_sums(rows: pd.DataFrame, decisions: pd.DataFrame, set_aside: pd.DataFrame) -> KpiSums:
    """What the KPIs of some rows are made of; parameters as in `kpi_table`."""
    complete = set(decisions.loc[decisions["complete"].astype(bool), "decision_id"])
    code = pd.Series(np.arange(len(decisions)), index=decisions["decision_id"])
    rows = rows.assign(
        judged=rows["is_intervention"] & rows["decision_id"].isin(complete),
        decision=rows["decision_id"].map(code).fillna(-1).astype(np.int64),
    )
    kinds = [*GROUPS, BY_REGIME] if "regime" in rows else GROUPS
    gone = set_aside[set_aside["code"].isin(UNAVAILABLE)]
    return KpiSums(
        {by: _sums(columns, rows) for by, columns in kinds},
        {by: _lost(set_aside, columns) for by, columns in kinds},
        {by: _lost(gone, columns) for by, columns in kinds},
    )


def kpis_of(parts: Sequence[KpiSums]) -> pa.Table:
    """KPIs of all parts of a ledger together."""
    columns_of = dict([*GROUPS, BY_REGIME])
    found = []
    for by in parts[0].groups:
        groups: dict[Key, Group] = {}
        for part in parts:
            for key, group in part.groups[by].items():
                groups[key] = groups[key].plus(group) if key in groups else group
        for key in sorted(groups):
            lost, gone = (sum(p.get(key, 0) for p in told) for told in _told(parts, by))
            found.append(_row(by, dict(zip(columns_of[by], key, strict=True)), groups[key], lost, gone))
    return pa.table({f.name: [row.get(f.name) for row in found] for f in SCHEMA}, schema=SCHEMA)


def value_add_by_class(verbs: Iterable[str], amounts: Iterable[int | None]) -> dict[str, int]:
    """Value-add by what people did, micro-units: only interventions are a person's decision against the model."""
    sums = {"interventions": 0, "execution of followed signals": 0, "signals nobody decided on": 0}
    names = {"ACCEPT": "execution of followed signals", "NO_DECISION": "signals nobody decided on"}
    for verb, amount in zip(verbs, amounts, strict=True):
        sums[names.get(verb, "interventions")] += amount or 0
    return sums


def _told(parts: Sequence[KpiSums], by: str) -> tuple[list[Mapping[Key, int]], list[Mapping[Key, int]]]:
    return [p.lost[by] for p in parts], [p.unavailable[by] for p in parts]


def _sums(columns: tuple[str, ...], rows: pd.DataFrame) -> dict[Key, Group]:
    """Groups of one kind by their keys."""
    part, code, keys = _groups(rows, columns)
    touched, judged = part["is_intervention"].to_numpy(dtype=bool), part["judged"].to_numpy(dtype=bool)

    def count(mask: NDArray[Any]) -> list[int]:
        counts: list[int] = np.bincount(code[mask], minlength=len(keys)).tolist()
        return counts

    counts = (
        count(part["signal_id"].notna().to_numpy()),
        count(touched),
        count(touched & (part["status"] == "OPEN").to_numpy()),
        count(touched & (part["action"] != "INITIATE").to_numpy()),
    )
    sessions = _distinct(code[judged], part["session"].to_numpy()[judged], len(keys))
    sums = add_up(
        *decision_amounts(code[judged], part["decision"].to_numpy()[judged], part["value_add"].to_numpy()[judged]), len(keys)
    )
    return {key: Group(tuple(c[g] for c in counts), sessions[g], tuple(int(v[g]) for v in sums)) for g, key in enumerate(keys)}


def _row(by: str, names: Mapping[str, str], group: Group, lost: int, gone: int) -> dict[str, Any]:
    """KPIs of one group."""
    signals, interventions, still_open, overridden = group.counts
    n, hits, ties, total, squares = group.sums
    row: dict[str, Any] = {"by": by, **names, "n_signals": signals, "n_interventions": interventions, "n_decisions": n}
    row |= {"n_sessions": len(group.sessions), "n_open": still_open, "n_unavailable": gone, "n_quarantined": lost}
    row |= {"hits": hits, "ties": ties, "override_rate": overridden / signals if signals else None}
    row["hit_rate"] = hits / n if n else None
    return row | (moments_of(n, total, squares) if interventions else {"note": "no interventions"})


def _groups(rows: pd.DataFrame, columns: tuple[str, ...]) -> tuple[pd.DataFrame, NDArray[Any], list[tuple[str, ...]]]:
    """The rows of any group, the group of each, and the keys; all rows are one group where there are no columns."""
    if not columns:
        return rows, np.zeros(len(rows), dtype=np.int64), [()]
    part = rows[rows["trader"].notna() & rows[list(columns)].notna().all(axis=1)]
    if not len(part):
        return part, np.zeros(0, dtype=np.int64), []
    grouped = part.groupby(list(columns), sort=True)
    index = grouped.size().index
    keys = [k if isinstance(k, tuple) else (k,) for k in index.tolist()]
    return part, grouped.ngroup().to_numpy(dtype=np.int64), [tuple(map(str, k)) for k in keys]


def _distinct(code: NDArray[np.int64], values: NDArray[Any], groups: int) -> list[frozenset[str]]:
    """Distinct values in each group."""
    number, names = pd.factorize(values)
    pairs = np.unique(code * max(len(names), 1) + number)
    found: list[set[str]] = [set() for _ in range(groups)]
    for pair in pairs.tolist():
        found[pair // len(names)].add(str(names[pair % len(names)]))
    return [frozenset(f) for f in found]


def _lost(lost: pd.DataFrame, columns: tuple[str, ...]) -> Mapping[Key, int]:
    """Rows set aside by key; none where they do not carry one of its columns."""
    if any(c not in lost for c in columns):
        return {}
    if not columns:
        return {(): len(lost)}
    return Counter(map(tuple, lost[list(columns)].astype(object).to_numpy().tolist()))


def decision_amounts(
    code: NDArray[np.int64], decision: NDArray[np.int64], value: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Group and value-add of each (group, decision), exact micro-units, in the order of groups and decisions."""
    width = int(decision.max(initial=0)) + 1
    pairs, at = np.unique(code * width + decision, return_inverse=True)
    amounts = np.zeros(len(pairs), dtype=np.int64)
    np.add.at(amounts, at, value)
    return pairs // width, amounts


def add_up(group: NDArray[np.int64], amount: NDArray[np.int64], groups: int) -> tuple[list[int], ...]:
    """Number, hits, ties, sum and sum of squares of the amounts of each group, exact.

    Few amounts are added as Python integers, many by a compiled loop in 128 bits.
    """
    if len(amount) >= FEW:
        from skillstats.ledger.kernels import sums_by_group

        return sums_by_group(group, amount, groups)
    exact = amount.astype(object)
    total, squares = np.zeros(groups, dtype=object), np.zeros(groups, dtype=object)
    np.add.at(total, group, exact)
    np.add.at(squares, group, exact * exact)
    counts = [np.bincount(group[m], minlength=groups).tolist() for m in (slice(None), amount > 0, amount == 0)]
    return (*counts, total.tolist(), squares.tolist())
