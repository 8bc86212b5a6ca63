"""From a ledger, or from an outcomes table, to what the models read. Floats start here."""

from skillstats.evidence.cells import Cells, Profiles, collapse, distinct
from skillstats.evidence.choices import Choices, read_choices
from skillstats.evidence.choices_from_ledger import to_choices
from skillstats.evidence.containers import (
    LABELS,
    OPTIONAL_LABELS,
    Evidence,
    decisions_per_session,
    design_effect,
    effective_decisions,
)
from skillstats.evidence.day_parts import DayParts, make_day_parts, read_day_parts, split_by_exposure
from skillstats.evidence.from_ledger import to_evidence
from skillstats.evidence.from_outcomes import outcomes_to_evidence, read_outcomes
from skillstats.evidence.parts_from_ledger import to_day_parts

__all__ = [
    "LABELS",
    "OPTIONAL_LABELS",
    "Cells",
    "Choices",
    "DayParts",
    "Evidence",
    "Profiles",
    "collapse",
    "decisions_per_session",
    "design_effect",
    "distinct",
    "effective_decisions",
    "make_day_parts",
    "outcomes_to_evidence",
    "read_choices",
    "read_day_parts",
    "read_outcomes",
    "split_by_exposure",
    "to_choices",
    "to_day_parts",
    "to_evidence",
]
