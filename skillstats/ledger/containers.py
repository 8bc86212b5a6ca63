"""The ledger: one row a priced chain, with everything needed to contest it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from skillstats.errors import Problem
from skillstats.plan import Plan
from skillstats.record.containers import Record


@dataclass(frozen=True)
class Ledger:
    """What each departure from the model was worth.

    rows : one row a priced chain (every signal, followed and undecided ones included, and every INITIATE order)
    decisions, slices, books, kpis : see the columns in the documentation of the data
    quarantine, drops : rows set aside and documented drops, of the record and of the pricing
    problems : every finding, warnings included
    result : what is digested of the manifest: counts, scales, digests, reconciliation totals
    provenance : what is not digested: raw-file digests, versions, times
    decay, decay_kpis : the same departures at the plan's further horizons, row by row and in sum; None where the plan names none
    carried : tables that travel with the ledger, where the record has them: factors, exposures and features as accepted, and ``betas``,
        exposures estimated point in time where none were given; see `skillstats.ledger.carried`
    record : what the ledger was built from, for explanations; None once it was read back; neither written nor digested

    Money columns are int64 micro-units of the plan's currency; prices and quantities exact decimals.
    """

    plan: Plan
    rows: pa.Table
    decisions: pa.Table
    slices: pa.Table
    books: pa.Table
    kpis: pa.Table
    quarantine: pa.Table
    drops: pa.Table
    problems: tuple[Problem, ...]
    result: Mapping[str, Any]
    provenance: Mapping[str, Any]
    decay: pa.Table | None = None
    decay_kpis: pa.Table | None = None
    record: Record | None = None
    carried: Mapping[str, pa.Table] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """sha256 of the digested part of the manifest."""
        from skillstats.ledger.manifest import result_digest

        return result_digest(self.result)

    def frame(self, *, units: str = "micro") -> pd.DataFrame:
        """The rows as a frame; ``units="currency"`` gives money as exact decimals."""
        from skillstats.ledger.tables import to_currency

        table = to_currency(self.rows) if units == "currency" else self.rows
        frame: pd.DataFrame = table.to_pandas()
        return frame

    def to_pandas(self) -> pd.DataFrame:
        """The rows as a frame, money in micro-units."""
        return self.frame()

    def summary(self) -> pd.DataFrame:
        """KPIs by trader: description, not evidence."""
        frame: pd.DataFrame = self.kpis.to_pandas()
        return frame[frame["by"].isin(["all", "trader"])].reset_index(drop=True)

    def write(self, folder: str | Path) -> None:
        """Write every table and the manifest; all or nothing."""
        from skillstats.ledger.write import write_ledger

        write_ledger(self, Path(folder))

    def __str__(self) -> str:
        counts = self.result["counts"]
        return (
            f"Ledger: {self.rows.num_rows} rows, {self.decisions.num_rows} decisions, value-add {self.result['totals']['value_add']} "
            f"micro-units of {self.plan.currency}; {counts['quarantined']} rows quarantined; digest {self.digest[:12]}"
        )
