"""What of a row may be shown: the filter every number of a page passes before anything is rendered.

A row whose status is WITHHOLD, and every row of an evaluation that is withheld as a whole, keeps its name, counts and reasons and
loses all estimates here, even if the evaluation should carry them by mistake. What comes out is all that tables, figures and
sentences see.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from skillstats.evaluation.result import Evaluation, Status
from skillstats.report.numbers import is_number

OVERALL: Final = "all"
NOT_ENOUGH: Final = "not enough evidence"
NO_INTERVENTIONS: Final = "E-NONE"
TOO_FEW: Final = frozenset({"E-FEW", "E-CELL"})
"""Codes that say that there are too few decisions or days; others withhold for a different reason."""
CELL_FLOOR: Final = "E-CELL"
"""Code of a regime cell under its floor: the pooled estimate is shown and nothing is claimed."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a row or the fit has its status: a code and a sentence."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Band:
    """A posterior mean with its 50% (q25, q75) and 90% (q05, q95) equal-tailed intervals; the 50% one may be absent."""

    mean: float
    q05: float
    q95: float
    q25: float | None = None
    q75: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One trader, or one trader in one regime, as it may be shown.

    ir : annual where there is a year, else per decision; None where withheld
    value_add : mean value-add per decision, in the unit of the input
    raw_ir : before shrinkage, on the scale of `ir`; None where withheld or unknown
    claims : P(IR > hurdle) reaches the certainty of the plan; False in a cell under its floor
    detail : the estimands without a column of their own; None where withheld or unknown
    seen : decisions of a trader of whom none could be judged; None for everybody else
    against : P(IR > 0) is so low that the record speaks against the trader with the same certainty
    """

    trader: str
    regime: str
    n: Any
    days: Any
    n_eff: Any
    status: Status
    reasons: tuple[Reason, ...]
    below_floor: bool
    ir: Band | None
    value_add: Band | None
    raw_ir: float | None
    p_positive: float | None
    p_above_hurdle: float | None
    shrinkage: float | None
    reliability: float | None
    claims: bool
    against: bool
    detail: Mapping[str, Any] | None = None
    seen: Any = None

    @property
    def withheld(self) -> bool:
        """Whether nothing the model estimated may be shown."""
        return self.status == "WITHHOLD"

    @property
    def absence(self) -> str:
        """Why there is no number, in two or three words; the full reasons stand beside."""
        codes = {r.code for r in self.reasons}
        if not self.withheld:
            return "no estimate"
        if NO_INTERVENTIONS in codes:
            return "no interventions"
        return NOT_ENOUGH if codes and codes <= TOO_FEW else "withheld"

    @property
    def codes(self) -> str:
        """The reason codes, joined by a blank."""
        return " ".join(r.code for r in self.reasons)


def reasons_of(codes: Iterable[Any]) -> tuple[Reason, ...]:
    """The codes of a row or of the fit; a bare string counts as a code without a sentence."""
    return tuple(Reason(c, "") if isinstance(c, str) else Reason(str(c["code"]), str(c.get("text", ""))) for c in codes)


def shown_rows(evaluation: Evaluation) -> tuple[Row, ...]:
    """Every row of the evaluation, filtered, in its order."""
    return tuple(_row(row, evaluation) for row in evaluation.rows)


def overall_rows(evaluation: Evaluation) -> tuple[Row, ...]:
    """One row a trader: largest posterior mean first, then withheld traders by name.

    The order serves the eye only; it is not a ranking and no page calls it one.
    """
    own = [r for r in shown_rows(evaluation) if r.regime == OVERALL]
    return tuple(sorted(own, key=lambda r: (r.ir is None, -(r.ir.mean if r.ir else 0.0), r.trader)))


def regime_rows(evaluation: Evaluation) -> tuple[Row, ...]:
    """The trader x regime rows, in the order of the evaluation."""
    return tuple(r for r in shown_rows(evaluation) if r.regime != OVERALL)


def _row(row: Mapping[str, Any], evaluation: Evaluation) -> Row:
    """Filter one row."""
    status: Status = "WITHHOLD" if evaluation.status == "WITHHOLD" else row["status"]
    show = status != "WITHHOLD"
    reasons = reasons_of(row["codes"])
    below = any(r.code == CELL_FLOOR for r in reasons)
    annual = bool(evaluation.source["has_year"])
    certainty = float(evaluation.plan["certainty"])
    above = _finite(row["p_above_hurdle"]) if show else None
    positive = _finite(row["p_positive"]) if show else None
    return Row(
        trader=str(row["trader"]),
        regime=str(row["regime"]),
        n=row["n"],
        days=row["days"],
        n_eff=row["n_eff"],
        status=status,
        reasons=reasons,
        below_floor=below,
        ir=_band(row, "ir_annual" if annual else "ir_decision") if show else None,
        value_add=_band(row, "value_add") if show else None,
        raw_ir=_finite(row.get("raw_ir_annual") if annual else row["raw_ir"]) if show else None,
        p_positive=positive,
        p_above_hurdle=above,
        shrinkage=_finite(row["shrinkage"]) if show else None,
        reliability=_finite(row["reliability"]) if show else None,
        claims=above is not None and above >= certainty and not below,
        against=positive is not None and positive <= 1 - certainty and not below,
        detail=row.get("detail") if show else None,
        seen=row.get("decisions_seen"),
    )


def _band(row: Mapping[str, Any], name: str) -> Band | None:
    """The estimate called `name`, or None if any needed part is missing."""
    mean, low, high = (_finite(row[f"{name}_{part}"]) for part in ("mean", "q05", "q95"))
    if mean is None or low is None or high is None:
        return None
    return Band(mean, low, high, _finite(row.get(f"{name}_q25")), _finite(row.get(f"{name}_q75")))


def _finite(value: Any) -> float | None:
    """A finite number as float, else None."""
    return float(value) if is_number(value) else None
