"""Statuses, verdicts and the `Evaluation`."""

from skillstats.evaluation.evaluate import evaluate
from skillstats.evaluation.result import INTERVAL_NAME, SKILL_COLUMNS, Evaluation

__all__ = ["INTERVAL_NAME", "SKILL_COLUMNS", "Evaluation", "evaluate"]
