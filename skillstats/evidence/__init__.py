"""From a ledger, or from an outcomes table, to what the models read. Floats start here."""

from skillstats.evidence.containers import Cells, Evidence, collapse, decisions_per_session, design_effect, effective_decisions
from skillstats.evidence.from_ledger import to_evidence
from skillstats.evidence.from_outcomes import outcomes_to_evidence, read_outcomes

__all__ = [
    "Cells",
    "Evidence",
    "collapse",
    "decisions_per_session",
    "design_effect",
    "effective_decisions",
    "outcomes_to_evidence",
    "read_outcomes",
    "to_evidence",
]
