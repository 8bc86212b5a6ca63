"""The ledger of an evaluation, and no other."""

from __future__ import annotations

from skillstats.errors import UsageError
from skillstats.evaluation.result import Evaluation
from skillstats.ledger.containers import Ledger


def same_ledger(evaluation: Evaluation, ledger: Ledger, what: str) -> Ledger:
    """The ledger, once it is the one the evaluation rests on.

    Raises
    ------
    UsageError
        If the evaluation names another ledger, or none.
    """
    stated = evaluation.source.get("ledger")
    if stated != ledger.digest:
        raise UsageError(
            f"{what}: ledger {ledger.digest[:12]}, but the evaluation rests on {str(stated or 'none')[:12]}; give the ledger it was made from"
        )
    return ledger
