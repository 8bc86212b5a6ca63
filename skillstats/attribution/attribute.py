"""`attribute`: how a ledger's value was made, as tilt, timing, selection, execution and an unattributed rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.attribution.books import book_table
from skillstats.attribution.decompose import Decomposed, decompose, why_not
from skillstats.attribution.errors_of_days import INTERVAL, alpha_of, group_intervals, return_based_timing, sum_interval
from skillstats.attribution.exposures import KINDS, terciles
from skillstats.attribution.split import PARTS, Grid, lay_grid, piece_table
from skillstats.errors import UsageError
from skillstats.ledger.containers import Ledger

FloatArray = NDArray[np.float64]
ALL: Final = "all traders"
DIMENSIONS: Final = ("trader", "session", "desk", "model", "asset", "side", "action", "signal_type", "regime", "decision_id")
"""Labels by which `FactorAttribution.by` slices; each factor's own name slices by tercile of exposure."""
UNSEEN: Final = 0.10
"""Share of intervention rows without exposures from which on return-based timing is run."""


@dataclass(frozen=True)
class FactorAttribution:
    """Where the value-add of interventions came from.

    factors : names; unit : of money
    traders : one row a trader and one for all: value_add, tilt, timing, selection, execution, unattributed, each part with its 90% interval (``_q05``, ``_q95``; NaN
        with fewer than 5 sessions that have a value); n_decisions, n_sessions
    by_factor : one row a (trader, factor): tilt, timing, their sum, mean exposure of a session
    days : one row a (trader, session): the same parts; `active` where an intervention was open
    pieces : one row a (ledger row, session): labels, ``factor <name>``, ``timing <name>``, ``exposure to <name>`` (tercile) and the parts
    books : model, actual and difference over all closed rows, see `book_table`
    alpha : mean of the difference book per session after factors, of all traders and of each, see `alpha_of`
    return_based : Treynor-Mazuy and Henriksson-Merton, only where exposures are missing; see `return_based_timing`
    exposures : how many exposures (ledger row, factor) of interventions were given, estimated, missing
    left_out : intervention rows that were not attributed, and for want of what

    The parts add to value_add in every table; tilts of `pieces` add to those of `days` in active sessions.
    """

    factors: tuple[str, ...]
    unit: str
    traders: pd.DataFrame
    by_factor: pd.DataFrame
    days: pd.DataFrame
    pieces: pd.DataFrame
    books: pd.DataFrame
    alpha: pd.DataFrame
    return_based: pd.DataFrame
    exposures: Mapping[str, int]
    left_out: Mapping[str, int]
    interval: str = INTERVAL

    def to_pandas(self) -> pd.DataFrame:
        """One row a trader, currency."""
        return self.traders.copy()

    def decisions(self) -> pd.DataFrame:
        """One row a decision, currency: ``factor <name>`` for each, tilt, timing, selection, execution, unattributed."""
        return self.by("decision_id")

    def by(self, *labels: str) -> pd.DataFrame:
        """Any slice of the interventions with its factor split; timing and selection with 90% intervals.

        Parameters
        ----------
        labels : of `DIMENSIONS`, or the name of a factor for the tercile of the asset's exposure to it among signals of earlier sessions

        Returns
        -------
        DataFrame, a row a combination that occurs: labels, n_decisions, n_sessions, value_add, ``factor <name>``, ``timing <name>``, the parts, and
        ``timing_q05``, ``timing_q95``, ``selection_q05``, ``selection_q95``

        Raises
        ------
        UsageError
            If a label is unknown.
        """
        names = [f"exposure to {k}" if k in self.factors else k for k in labels]
        unknown = [k for k, n in zip(labels, names, strict=True) if n not in self.pieces or (n == k and k not in DIMENSIONS)]
        if unknown or not labels:
            raise UsageError(f"label {unknown[:1] or 'none'}, must be one of {', '.join((*DIMENSIONS, *self.factors))}")
        sums = ["value_add", *(f"{k} {f}" for f in self.factors for k in ("factor", "timing")), *PARTS]
        filled = self.pieces.assign(**{n: self.pieces[n].fillna("none").astype(str) for n in names})
        grouped = filled.groupby(names, sort=True)
        found = grouped.agg(n_decisions=("decision_id", "nunique"), n_sessions=("session", "nunique"))
        found = found.join(grouped[sums].sum())
        by_session = filled.groupby([*names, "session"], sort=True)[["timing", "selection"]].sum()
        for part in ("timing", "selection"):
            found = found.join(group_intervals(by_session[part], names, self.days["session"].nunique()))
        return found.reset_index().rename(columns=dict(zip(names, labels, strict=True)))

    def summary(self) -> pd.DataFrame:
        """One row a trader: value-add and its parts, currency."""
        return self.traders[["trader", "value_add", *PARTS]].copy()

    def __str__(self) -> str:
        whole = self.traders.iloc[-1]
        parts = ", ".join(f"{k} {whole[k]:,.2f}" for k in PARTS)
        return f"FactorAttribution over {', '.join(self.factors)}: value-add {whole['value_add']:,.2f} {self.unit} = {parts}"


def attribute(ledger: Ledger) -> FactorAttribution:
    """Split the value-add of a ledger's interventions into passive tilt, timing and selection.

    Exposures are the newest known strictly before each decision, given in the record or estimated from earlier closes; factor returns are used from the
    decision to the horizon. Rows without them are unattributed, never 0.

    Parameters
    ----------
    ledger : Ledger, built or read back, of a record with factor returns

    Returns
    -------
    FactorAttribution

    Raises
    ------
    UsageError
        If the ledger carries no factor returns, has no closed row, or nobody intervened.
    """
    d = decompose(ledger)
    if not d.rows.frame["is_intervention"].any():
        raise UsageError("nobody intervened in a row that is CLOSED; there is no value-add to attribute")
    grid = lay_grid(d)
    pieces = piece_table(d, grid)
    pieces = pieces.assign(**_buckets(d))
    left = why_not(d)
    own = d.rows.frame["is_intervention"].to_numpy()
    kinds = d.exposures.kind[own].ravel().tolist()
    blind = left["no_exposure"] > UNSEEN * own.sum()
    return FactorAttribution(
        factors=d.returns.names,
        unit=ledger.plan.currency,
        traders=_traders(grid, pieces),
        by_factor=_by_factor(d, grid),
        days=_days(grid),
        pieces=pieces,
        books=book_table(d),
        alpha=pd.DataFrame(_alphas(d, grid)),
        return_based=pd.DataFrame(_return_based(d, grid) if blind else []),
        exposures={k: kinds.count(k) for k in KINDS},
        left_out=left,
    )


def _buckets(d: Decomposed) -> dict[str, Any]:
    """Tercile of each piece's exposure to each factor, among all signals of earlier sessions."""
    frame = d.rows.frame
    session = d.rows.desk.index_of(frame["decided"].to_numpy())
    at = pd.Series(np.arange(len(frame)), index=frame["key"]).reindex(_keys(d)).to_numpy()
    return {f"exposure to {name}": terciles(d.exposures.value[:, j], session, name)[at] for j, name in enumerate(d.returns.names)}


def _keys(d: Decomposed) -> NDArray[Any]:
    row = d.pieces["row"].to_numpy()
    own = d.rows.frame["is_intervention"].to_numpy()[row]
    return np.asarray(d.rows.frame["key"].to_numpy()[row[own]])


def _ends(name: str, values: FloatArray) -> dict[str, float]:
    found = sum_interval(values)
    low, high = found if found is not None else (np.nan, np.nan)
    return {f"{name}_q05": low, f"{name}_q95": high}


def _traders(grid: Grid, pieces: pd.DataFrame) -> pd.DataFrame:
    """Sums of each trader and of all, with intervals; a trader's sessions are those from the own first row on."""
    parts = grid.parts()
    rows = []
    for name, values, money in _books(grid, parts):
        own = pieces if name == ALL else pieces[pieces["trader"] == name]
        row: dict[str, Any] = {
            "trader": name,
            "n_decisions": own["decision_id"].nunique(),
            "n_sessions": own["session"].nunique(),
        }
        row |= {"value_add": float(money.sum())} | _ends("value_add", money)
        for k, part in enumerate(PARTS):
            row |= {part: float(values[:, k].sum())} | _ends(part, values[:, k])
        rows.append(row)
    return pd.DataFrame(rows)


def _books(grid: Grid, parts: FloatArray) -> list[tuple[str, FloatArray, FloatArray]]:
    """Name, parts (session, part) and value-add (session,) of each trader since the own first row, then of all."""
    found = [(t, parts[j, grid.first[j] :], grid.money[j, grid.first[j] :, 0]) for j, t in enumerate(grid.traders)]
    return [*found, (ALL, parts.sum(axis=0), grid.money[:, :, 0].sum(axis=0))]


def _by_factor(d: Decomposed, grid: Grid) -> pd.DataFrame:
    rows = []
    for j, trader in enumerate(grid.traders):
        for k, factor in enumerate(d.returns.names):
            tilt, timing = grid.tilt[j, :, k], grid.timing[j, :, k]
            row = {"trader": trader, "factor": factor, "factor_part": float(grid.part[j, :, k].sum())}
            row |= {"tilt": float(tilt.sum()), "timing": float(timing.sum())}
            row |= _ends("timing", timing[grid.first[j] :])
            rows.append(row | {"mean_exposure": float(grid.lean[j, grid.first[j] :, k].mean())})
    return pd.DataFrame(rows)


def _days(grid: Grid) -> pd.DataFrame:
    traders, sessions = len(grid.traders), len(grid.sessions)
    frame = pd.DataFrame(
        {"trader": np.repeat(np.array(grid.traders, dtype=object), sessions), "session": np.tile(grid.sessions, traders)}
    )
    parts = grid.parts().reshape(traders * sessions, len(PARTS))
    frame["value_add"] = grid.money[:, :, 0].ravel()
    frame[list(PARTS)] = parts
    frame["active"] = grid.active.ravel()
    own = (np.arange(sessions)[None, :] >= grid.first[:, None]).ravel()
    return frame[own].reset_index(drop=True)


def _alphas(d: Decomposed, grid: Grid) -> list[dict[str, Any]]:
    rows = []
    for name, values, first in _series(grid):
        found = alpha_of(values[first:], grid.returns[first:])
        if found is not None:
            betas = found.pop("betas")
            rows.append({"trader": name, **found, **{f"beta {f}": b for f, b in zip(d.returns.names, betas, strict=True)}})
    return rows


def _return_based(d: Decomposed, grid: Grid) -> list[dict[str, Any]]:
    return [
        {"trader": name, **row}
        for name, values, first in _series(grid)
        for row in return_based_timing(values[first:], grid.returns[first:], d.returns.names)
    ]


def _series(grid: Grid) -> Sequence[tuple[str, FloatArray, int]]:
    """Value-add per session of each trader and of all, and from which session on."""
    own = [(t, grid.money[j, :, 0], int(grid.first[j])) for j, t in enumerate(grid.traders)]
    return [*own, (ALL, grid.money[:, :, 0].sum(axis=0), 0)]
