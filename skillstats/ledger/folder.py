"""A ledger that was written to a folder and never held whole: what can be said of it in a few numbers, and where the rest lies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow as pa

from skillstats.errors import Problem
from skillstats.ledger.explain import Explanation
from skillstats.plan import Plan

Hear = Callable[[Problem], None]


@dataclass(frozen=True, slots=True)
class Reading:
    """How a record is read; see `read_record`."""

    now: datetime | str | int | None = None
    store: str | Path | None = None
    prices: Literal["auto", "memory", "mapped"] = "auto"


@dataclass(frozen=True, slots=True)
class LedgerFolder:
    """A ledger in its folder.

    folder : with every table and the manifest; `read_ledger` reads it, `verify` checks it
    result : what is digested of the manifest; digest : sha256 of it
    kpis, decay_kpis : as in `Ledger`; decisions : how many there are
    by_class : value-add by what people did, micro-units, see `value_add_by_class`
    problems : how often each code was found; explanations : of the rows that were asked for
    """

    folder: Path
    plan: Plan
    result: Mapping[str, Any]
    digest: str
    kpis: pa.Table
    decay_kpis: pa.Table | None
    decisions: int
    by_class: Mapping[str, int]
    problems: Mapping[str, int]
    explanations: tuple[Explanation, ...] = ()

    def summary(self) -> pd.DataFrame:
        """KPIs by trader: description, not evidence."""
        frame: pd.DataFrame = self.kpis.to_pandas()
        return frame[frame["by"].isin(["all", "trader"])].reset_index(drop=True)

    def __str__(self) -> str:
        counts = self.result["counts"]
        return (
            f"Ledger in {self.folder}: {counts['rows']} rows, {self.decisions} decisions, value-add "
            f"{self.result['totals']['value_add']} micro-units of {self.plan.currency}; {counts['quarantined']} rows quarantined; "
            f"digest {self.digest[:12]}"
        )
