"""The model's own value by context: how much a signal is worth per unit of risk, in each cell of what is known before it.

Every signal counts, followed or not: the model's book is known for all. The cells are pooled like those of the finder. Beside the
model's value stand the override rate and the probability that the overrides made in the cell help. That probability compares what
people did with what the model would have done, so where everything was overridden, or nothing, it does not exist: who never lets a signal pass shows
nothing about choosing, and who never touches one shows nothing at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.boundary.contexts import check_look_ahead, name_of, subset
from skillstats.boundary.finder import Regimes, find_regimes, rule_of
from skillstats.boundary.search import Cell, search
from skillstats.boundary.signals import Signals, read_signals
from skillstats.errors import SkillWithheld
from skillstats.evidence import Evidence, to_evidence
from skillstats.ledger.containers import Ledger
from skillstats.plan import Plan

FloatArray = NDArray[np.float64]
LEAST: Final = 5
"""Overrides, and signals left alone, below which a cell compares nothing."""
ALL: Final = "every signal was overridden: nothing to compare with"
NONE: Final = "no signal was overridden: nothing is known about overrides"
FEW: Final = f"fewer than {LEAST} signals on one side: too few to compare"


@dataclass(frozen=True, slots=True)
class Context:
    """One cell of the surface; values of the model in annual IR (`Surface.unit`) of its signals, 90% equal-tailed intervals.

    cell : the model's value as the search has it; `p_below` is P(the model loses more than the hurdle)
    signals, overridden : counts; rate : share overridden
    model_pnl : of all signals of the cell, currency; followed, touched : mean value per unit of risk of those left alone and of the others, None
        where there are none
    p_helps : P(value of the overrides made here > hurdle), None where `why` says why it does not exist
    """

    cell: Cell
    signals: int
    overridden: int
    rate: float
    model_pnl: float
    followed: float | None
    touched: float | None
    p_helps: float | None
    why: str


@dataclass(frozen=True, slots=True)
class Surface:
    """The model's value by context; `contexts` in the order of the labels, `left_out` why a label is not there."""

    contexts: tuple[Context, ...]
    left_out: Mapping[str, str]
    unit: str
    hurdle: float
    floor: int
    signals: int
    without_risk: int

    def to_pandas(self) -> pd.DataFrame:
        """One row a cell."""
        cells = ("label", "level", "sessions", "raw", "error", "mean", "q05", "q95", "p_below")
        rows = [
            {k: getattr(c.cell, k) for k in cells} | {k: v for k, v in asdict(c).items() if k != "cell"} for c in self.contexts
        ]
        return pd.DataFrame(rows)

    def summary(self) -> pd.DataFrame:
        """Value of the model, override rate and P(override helps)."""
        frame = self.to_pandas()
        return frame[["label", "level", "signals", "mean", "q05", "q95", "p_below", "rate", "p_helps"]] if len(frame) else frame

    def __str__(self) -> str:
        return (
            f"The model's value by context, {self.unit}, {self.signals} signals ({self.without_risk} without a risk left out)\n"
            f"{self.summary().to_string(index=False, float_format=lambda v: f'{v:.3g}')}"
        )


def value_surface(
    ledger: Ledger, *, evidence: Evidence | None = None, regimes: Regimes | None = None, plan: Plan | None = None, seed: int = 1
) -> Surface:
    """The model's value per unit of risk in every context known before the signal, with P(override helps).

    Parameters
    ----------
    ledger : Ledger
    evidence, regimes : of the ledger, if they were made before
    plan : default that of the ledger
    seed : of the posterior draws

    Returns
    -------
    Surface

    Raises
    ------
    SkillWithheld
        If a regime label was not known before its decision, or no signal has a risk and a context.
    """
    if check_look_ahead(ledger):
        raise SkillWithheld("E-LOOK a regime label was not known before its decision; no surface is drawn")
    plan = plan or ledger.plan
    evidence = evidence if evidence is not None else to_evidence(ledger)
    found = regimes if regimes is not None else find_regimes(ledger, plan=plan, evidence=evidence, crossings=False, seed=seed)
    signals = read_signals(ledger)
    known = np.flatnonzero(signals.risk > 0)
    labels = subset(signals.labels, known)
    if not len(known) or not labels:
        raise SkillWithheld("no signal has both a risk and a context that tells signals apart; name regimes in the plan")
    rule = rule_of(evidence, plan)
    value = signals.model_pnl[known] / signals.risk[known]
    cells, left = search(value, signals.session[known], labels, rule, seed=seed, crossings=False)
    cells.sort(key=lambda c: (list(labels).index(c.keys[0]), c.codes))
    helps = {(f.cell.keys, f.cell.level): f.cell.p_above for f in found.cells}
    contexts = []
    for cell in cells:
        inside = labels[cell.keys[0]].codes == cell.codes[0]
        contexts.append(_context(cell, value[inside], signals, known[inside], helps.get((cell.keys, cell.level))))
    return Surface(
        contexts=tuple(contexts),
        left_out={name_of(k): why for k, why in left.items()},
        unit="annual IR" if evidence.has_year else "IR per decision",
        hurdle=rule.hurdle,
        floor=rule.floor,
        signals=len(known),
        without_risk=int(signals.is_signal.sum()) - len(known),
    )


def _context(cell: Cell, value: FloatArray, signals: Signals, rows: NDArray[np.int64], helps: float | None) -> Context:
    """A cell with what people did in it."""
    acted = signals.acted[rows]
    touched, alone = int(acted.sum()), int((~acted).sum())
    why = NONE if touched == 0 else ALL if alone == 0 else FEW if min(touched, alone) < LEAST else ""
    if not why and helps is None:
        why = "too few sessions with overrides"
    return Context(
        cell=cell,
        signals=len(rows),
        overridden=touched,
        rate=touched / len(rows),
        model_pnl=float(signals.model_pnl[rows].sum()),
        followed=float(value[~acted].mean()) if alone else None,
        touched=float(value[acted].mean()) if touched else None,
        p_helps=None if why else helps,
        why=why,
    )
