"""Overriding often or overriding well: value-add split into rate, regime, choice and execution, in exact fractions.

For the signals i of a universe, with tilt u_i, the model's money m_i, regime g(i), U = sum u, M = sum m, n signals (U_g, M_g, n_g in regime g),

    rate      = U M / n                                what the same tilts would have made on signals drawn at random from all
    regime    = sum_g U_g M_g / n_g - U M / n          departing more where the model did worse than on average
    choice    = sum u m - sum_g U_g M_g / n_g          which signals, within the regime
    execution = sum (value_add - u m)                  time, price and cost of what was done, followed signals included

and rate + regime + choice + execution = value-add, exactly. ``rate`` and ``rate + regime`` are the means of sum u m over all
permutations of the tilts, over all signals and within regimes: the placebo's null in money (`luck.placebo` gives its p-value).
INITIATE orders answer no signal; they are one more part. Universe, u and m: `attribution.universe`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.attribution.universe import SignalTable, signal_table
from skillstats.errors import LedgerBug
from skillstats.ledger.containers import Ledger
from skillstats.units import MICRO

PARTS: Final = ("rate", "regime", "choice", "execution")
DESK: Final = "all"
ALL_REGIMES: Final = "all"


@dataclass(frozen=True, slots=True)
class Parts:
    """One split, exact micro-units: the four parts of the value-add of answered signals."""

    rate: Fraction
    regime: Fraction
    choice: Fraction
    execution: Fraction

    @property
    def total(self) -> Fraction:
        """Their sum."""
        return self.rate + self.regime + self.choice + self.execution


@dataclass(frozen=True, slots=True)
class SplitRow:
    """The split of one trader, or of the desk (`trader` is None), over all regimes (`regime_name` is None) or inside one.

    parts : exact micro-units; shown : the same by largest remainder in whole micro-units, which add up to `value_add`
    value_add : int micro-units, of the answered signals of the row
    n_signals : priced signals of the universe; n_departed, n_followed, n_undecided : of them; n_shared : undecided ones that are in
        the universes of several traders; n_open : signals of the universe without a price yet
    n_initiated, initiated : own orders without a signal, and what the closed ones were worth, micro-units (rows over all regimes only)
    mean_tilt : mean u over the universe, exact, no unit; model_money : int micro-units, M
    """

    trader: str | None
    regime_name: str | None
    parts: Parts
    shown: tuple[int, int, int, int]
    value_add: int
    n_signals: int
    n_departed: int
    n_followed: int
    n_undecided: int
    n_shared: int
    n_open: int
    n_initiated: int
    initiated: int
    mean_tilt: Fraction
    model_money: int


@dataclass(frozen=True)
class ChoiceSplit:
    """The splits of a ledger: the desk first, then each trader, each followed by its regimes where there are several.

    undecided : (signals nobody answered, what leaving them was worth in micro-units); nobody's value, in no part
    """

    rows: tuple[SplitRow, ...]
    currency: str
    undecided: tuple[int, int]

    def of(self, trader: str | None, regime: str | None = None) -> SplitRow:
        """The row of a trader (None: the desk) over all regimes or in one."""
        return next(r for r in self.rows if r.trader == trader and r.regime_name == regime)

    def to_pandas(self) -> pd.DataFrame:
        """One row each; money in whole micro-units, printed parts add up to `value_add`."""
        return pd.DataFrame([_plain(r) for r in self.rows])

    def summary(self) -> pd.DataFrame:
        """Desk and traders over all regimes, money in currency."""
        frame = self.to_pandas()
        frame = frame[frame["regime_name"] == ALL_REGIMES].set_index("trader")
        money = [*PARTS, "value_add", "initiated"]
        return frame[["n_signals", "n_departed", *money]].assign(**{k: frame[k] / MICRO for k in money})

    def __str__(self) -> str:
        desk = self.of(None)
        words = ", ".join(f"{k} {v / MICRO:,.2f}" for k, v in zip(PARTS, desk.shown, strict=True))
        return f"ChoiceSplit: value-add {desk.value_add / MICRO:,.2f} {self.currency} = {words}; {desk.n_departed} of {desk.n_signals} signals"


def split_choice(ledger: Ledger) -> ChoiceSplit:
    """Split the value-add of each trader, and of the desk, into rate, regime, choice and execution.

    The traders' parts do not add up to the desk's: what the desk calls choice between traders is in each one's own rate. Their
    value-adds do.

    Parameters
    ----------
    ledger : Ledger, also one that was read back

    Returns
    -------
    ChoiceSplit, money in exact micro-units

    Raises
    ------
    LedgerBug
        If the parts do not add up to the ledger's value-add.
    """
    table = signal_table(ledger)
    rows = [*_rows(table, None, np.ones(len(table), dtype=bool))]
    for trader in table.traders:
        rows += _rows(table, trader, table.universe(trader))
    undecided = int(table.nobody.sum()), _total(table.value_add[table.nobody])
    return ChoiceSplit(tuple(rows), ledger.plan.currency, undecided)


def split_parts(tilt: Sequence[Fraction], money: Sequence[int], group: Sequence[int]) -> tuple[Fraction, Fraction, Fraction]:
    """Rate, regime and choice part of sum u m.

    Parameters
    ----------
    tilt, money, group : (signal,) each: u, m in any unit of money, and the regime as a code

    Returns
    -------
    (rate, regime, choice), exact, in the unit of `money`; three zeros without signals

    Examples
    --------
    Two regimes; the two worst signals of the first are vetoed:

    >>> u = [Fraction(-x) for x in (1, 1, 0, 0, 0, 0)]
    >>> [str(x) for x in split_parts(u, [-30, -20, -10, 20, 40, 60], [0, 0, 0, 0, 1, 1])]
    ['-20', '40', '30']
    """
    sums = [_sums(tilt, money, group, g) for g in sorted(set(group))]
    if not sums:
        return Fraction(0), Fraction(0), Fraction(0)
    n, of_u, of_m, of_um = (_add(s[k] for s in sums) for k in range(4))
    rate = of_u * of_m / n
    within = _add(u * m / k for k, u, m, _ in sums)
    return rate, within - rate, of_um - within


def largest_remainder(parts: Sequence[Fraction], total: int) -> tuple[int, ...]:
    """Whole numbers next to `parts` that add up to `total`, the units left over going to the largest remainders.

    Raises
    ------
    ValueError
        If the parts do not lie within one unit each of the total.

    Examples
    --------
    >>> largest_remainder([Fraction(1, 3), Fraction(1, 3), Fraction(1, 3)], 1)
    (1, 0, 0)
    """
    whole = [p.numerator // p.denominator for p in parts]
    left = total - sum(whole)
    if not 0 <= left <= len(parts):
        raise ValueError(f"{left} units left over for {len(parts)} parts")
    order = sorted(range(len(parts)), key=lambda k: (whole[k] - parts[k], k))
    for k in order[:left]:
        whole[k] += 1
    return tuple(whole)


def _rows(table: SignalTable, trader: str | None, universe: NDArray[np.bool_]) -> list[SplitRow]:
    """The row over all regimes, and one a regime where there are several."""
    places = np.flatnonzero(universe & table.priced)
    names = sorted(set(table.regime[places])) or [ALL_REGIMES]
    code = {name: k for k, name in enumerate(names)}
    group = np.array([code[r] for r in table.regime[places]], dtype=np.int64)
    parts = _split(table, places, group)
    rows = [_row(table, trader, None, universe, places, parts)]
    if len(names) > 1:
        mean = rows[0].mean_tilt
        for name, k in code.items():
            inside = universe & (table.regime == name)
            own = _within(table, places[group == k], mean)
            rows.append(_row(table, trader, name, inside, places[group == k], own))
        _assert_adds(rows)
    return rows


def _row(
    table: SignalTable,
    trader: str | None,
    regime: str | None,
    universe: NDArray[np.bool_],
    places: NDArray[np.int64],
    parts: Parts,
) -> SplitRow:
    undecided = table.nobody[places]
    value = _total(table.value_add[places][~undecided])
    if parts.total != value:
        raise LedgerBug(f"the parts of {trader!r} add up to {parts.total}, not to {value}; please report this record")
    own = table.initiated.get(trader, (0, 0, 0)) if trader is not None else _everybody(table)
    return SplitRow(
        trader=trader,
        regime_name=regime,
        parts=parts,
        shown=largest_remainder([getattr(parts, k) for k in PARTS], value),  # type: ignore[arg-type]
        value_add=value,
        n_signals=len(places),
        n_departed=int(table.departed[places].sum()),
        n_followed=int(table.accepted[places].sum()),
        n_undecided=int(undecided.sum()),
        n_shared=int((undecided & (table.takers[places] > 1)).sum()),
        n_open=int((universe & ~table.priced).sum()),
        n_initiated=own[0] if regime is None else 0,
        initiated=own[1] if regime is None else 0,
        mean_tilt=_add(table.tilt[places]) / len(places) if len(places) else Fraction(0),
        model_money=_total(table.money[places]),
    )


def _split(table: SignalTable, places: NDArray[np.int64], group: NDArray[np.int64]) -> Parts:
    tilt, money = table.tilt[places], table.money[places].tolist()
    rate, regime, choice = split_parts(tilt.tolist(), money, group.tolist())
    return Parts(rate, regime, choice, _execution(table, places))


def _within(table: SignalTable, places: NDArray[np.int64], mean: Fraction) -> Parts:
    """The share of one regime in each part: mean(u) M_g, (u_g - mean u) M_g and sum (u - u_g) m."""
    n, of_u, of_m, of_um = _sums(table.tilt[places].tolist(), table.money[places].tolist(), [0] * len(places), 0)
    return Parts(mean * of_m, of_u * of_m / n - mean * of_m, of_um - of_u * of_m / n, _execution(table, places))


def _execution(table: SignalTable, places: NDArray[np.int64]) -> Fraction:
    """Exact sum of value_add - u m over answered signals, row by row."""
    own = [k for k in places.tolist() if table.trader[k] is not None]
    plain = sum(int(table.value_add[k]) for k in own if not table.tilt[k])
    return plain + _add(int(table.value_add[k]) - table.tilt[k] * int(table.money[k]) for k in own if table.tilt[k])


def _assert_adds(rows: Sequence[SplitRow]) -> None:
    for name in PARTS:
        if _add(getattr(r.parts, name) for r in rows[1:]) != getattr(rows[0].parts, name):
            raise LedgerBug(f"the regimes' {name} parts do not add up; please report this record")


def _sums(
    tilt: Sequence[Fraction], money: Sequence[int], group: Sequence[int], g: int
) -> tuple[int, Fraction, Fraction, Fraction]:
    """n, sum u, sum m and sum u m of one group."""
    mine = [(u, m) for u, m, k in zip(tilt, money, group, strict=True) if k == g]
    touched = [(u, m) for u, m in mine if u]
    total = Fraction(sum(m for _, m in mine))
    return len(mine), _add(u for u, _ in touched), total, _add(u * m for u, m in touched)


def _add(values: Iterable[Any]) -> Fraction:
    """Exact sum: numerators of one denominator as integers, then pairwise, so that few large fractions are formed."""
    by: dict[int, int] = {}
    for v in values:
        by[v.denominator] = by.get(v.denominator, 0) + v.numerator
    level = [Fraction(n, d) for d, n in sorted(by.items())]
    while len(level) > 1:
        level = [a + b for a, b in zip(level[::2], level[1::2], strict=False)] + ([level[-1]] if len(level) % 2 else [])
    return level[0] if level else Fraction(0)


def _total(amounts: NDArray[np.int64]) -> int:
    return sum(amounts.tolist())


def _everybody(table: SignalTable) -> tuple[int, int, int]:
    values = list(table.initiated.values())
    return sum(v[0] for v in values), sum(v[1] for v in values), sum(v[2] for v in values)


def _plain(row: SplitRow) -> dict[str, Any]:
    counts = ("n_signals", "n_departed", "n_followed", "n_undecided", "n_shared", "n_open", "n_initiated")
    return {
        "trader": row.trader or DESK,
        "regime_name": row.regime_name or ALL_REGIMES,
        **{k: getattr(row, k) for k in counts},
        "mean_tilt": float(row.mean_tilt),
        "model_money": row.model_money,
        **dict(zip(PARTS, row.shown, strict=True)),
        "value_add": row.value_add,
        "initiated": row.initiated,
    }
