"""Estimators behind one small protocol: our catalogue and every rival, asked the same question about the same evidence.

`protocol` says what each answers and what an act is worth; `sums` is what the classical ones see; `one_by_one`, `pooled`, `screening` and `mixed` are the
rivals, `catalogue` is ours; `registry` has their names.
"""

from skillstats.study.estimators.protocol import COLUMNS, DRAWS, Estimator, Rules
from skillstats.study.estimators.registry import WORDS, make_estimator

__all__ = ["COLUMNS", "DRAWS", "WORDS", "Estimator", "Rules", "make_estimator"]
