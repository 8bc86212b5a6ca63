"""From a ledger, or from an outcomes table, to what the models read. Floats start here."""

from skillstats.evidence.cells import Cells, Profiles, collapse, distinct
from skillstats.evidence.containers import (
    LABELS,
    OPTIONAL_LABELS,
    Evidence,
    decisions_per_session,
    design_effect,
    effective_decisions,
)
from skillstats.evidence.from_ledger import to_evidence
from skillstats.evidence.from_outcomes import outcomes_to_evidence, read_outcomes

__all__ = [
    "LABELS",
    "OPTIONAL_LABELS",
    "Cells",
    "Evidence",
    "Profiles",
    "collapse",
    "decisions_per_session",
    "design_effect",
    "distinct",
    "effective_decisions",
    "outcomes_to_evidence",
    "read_outcomes",
    "to_evidence",
]
