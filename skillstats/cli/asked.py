"""What a caller of `evaluate` asked for, beside where it is read and written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skillstats.declared import Freeze
    from skillstats.evaluation.restate import Earlier
    from skillstats.ledger.containers import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The options of ``skillstats evaluate``, as given; its help says what each does, the defaults are its own."""

    plan: Path | None = None
    model: str | None = None
    engine: str = "nuts"
    columns: tuple[str, ...] = ()
    seed: int | None = None
    draws: int | None = None
    audience: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    frozen: Path | None = None
    restates: Path | None = None
    restates_ledger: Path | None = None
    operating: int | None = None
    minutes: tuple[str, ...] = ()

    @property
    def overrides(self) -> dict[str, Any]:
        """What is set against the plan, to be stated in the evaluation."""
        given = {k: v for k, v in (("model", self.model), ("seed", self.seed), ("draws", self.draws)) if v is not None}
        return given | ({"engine": self.engine} if self.engine != "nuts" else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitting:
    """How evidence is fitted and judged.

    model : name or file; engine : whose draws are reported; seed, draws : None for the plan's and the model's; overrides : stated in the evaluation
    check : fit by the other engine too, where it covers the model, and make the past forecasts
    ledger : with it the blocks of `only` (None: all) are computed, and what came of the decisions of `minutes`
    freezes : of the plan, oldest first; earlier : the evaluation that this one restates
    operating : desks simulated for the error rates of this evaluation; None: as many as suit the record, 0: none
    """

    model: str
    engine: str = "nuts"
    seed: int | None = None
    draws: int | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    check: bool = True
    ledger: Ledger | None = None
    only: tuple[str, ...] | None = None
    freezes: Sequence[Freeze] = ()
    earlier: Earlier | None = None
    operating: int | None = None
    minutes: tuple[Mapping[str, Any], ...] = ()
