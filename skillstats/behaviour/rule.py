"""A shallow rule: at most three questions about a signal, and what to do with it.

A regression tree of depth 3 predicts v*, the value a full veto has per unit of risk. A leaf is vetoed where its mean is above 0 by a margin,

    mean - z * error > 0,   z = 1.645,

the error clustered by blocks of sessions. The tree chose its questions with the same data, so the margin is no test: what a rule is worth is
measured on later sessions only (`learning`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skillstats.behaviour.contrast import contrast
from skillstats.behaviour.features import Column

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

DEPTH: Final = 3
LEAST_LEAF: Final = 50
LEAF_SHARE: Final = 0.05
"""A leaf holds at least this share of the training signals, and `LEAST_LEAF` of them."""
MARGIN: Final = 1.645


@dataclass(frozen=True, slots=True)
class Leaf:
    """One end of a rule.

    words : its conditions; veto : what to do; n, blocks : training signals and effective blocks of sessions; mean, error : of v*, per unit of risk
    """

    words: str
    veto: bool
    n: int
    blocks: float
    mean: float
    error: float | None


@dataclass(frozen=True)
class Rule:
    """A trained rule. tree : sklearn's; kept : columns it was trained on; leaves : by node of the tree."""

    tree: Any
    kept: IntArray
    leaves: dict[int, Leaf]

    def vetoes(self, values: FloatArray) -> NDArray[np.bool_]:
        """Which signals it vetoes; `values` has every column of the features."""
        nodes = self.tree.apply(values[:, self.kept])
        return np.array([self.leaves[n].veto for n in nodes], dtype=bool)

    def __str__(self) -> str:
        vetoed = [leaf for leaf in self.leaves.values() if leaf.veto]
        if not vetoed:
            return "follow every signal"
        return "; ".join(f"veto {leaf.words} ({leaf.mean:+.2f} per unit of risk, {leaf.n} signals)" for leaf in vetoed)


def train_rule(
    values: FloatArray, columns: tuple[Column, ...], v_star: FloatArray, block: IntArray, *, depth: int = DEPTH
) -> Rule:
    """Train a rule.

    Parameters
    ----------
    values : (row, column) features, NaN where unknown; v_star : (row,) finite; block : (row,) blocks of sessions; depth : most questions
    """
    kept = _varying(values)
    tree = DecisionTreeRegressor(max_depth=depth, min_samples_leaf=_leaf_floor(len(v_star)), random_state=0)
    tree.fit(values[:, kept], v_star)
    nodes, leaves = tree.apply(values[:, kept]), {}
    words = _paths(tree.tree_, [columns[k] for k in kept], np.isnan(values[:, kept]).any(axis=0))
    for node in np.unique(nodes):
        rows = nodes == node
        found = contrast(v_star[rows], np.ones(int(rows.sum())), block[rows])
        veto = found is not None and found.effect - MARGIN * found.error > 0
        mean, error = float(v_star[rows].mean()), found.error if found else None
        leaves[int(node)] = Leaf(words[int(node)], veto, int(rows.sum()), found.blocks if found else 0.0, mean, error)
    return Rule(tree, kept, leaves)


def imitate(values: FloatArray, acted: NDArray[np.bool_], later: FloatArray, *, depth: int = DEPTH) -> FloatArray:
    """Chance that the trader touches each of the `later` signals, by a tree trained on earlier choices.

    Parameters
    ----------
    values : (row, column) features; acted : (row,); later : (signal, column)
    """
    kept = _varying(values)
    if acted.all() or not acted.any():
        return np.full(len(later), float(acted.mean()))
    tree = DecisionTreeClassifier(max_depth=depth, min_samples_leaf=_leaf_floor(len(acted)), random_state=0)
    tree.fit(values[:, kept], acted)
    chance: FloatArray = tree.predict_proba(later[:, kept])[:, 1]
    return chance


def _leaf_floor(n: int) -> int:
    return max(LEAST_LEAF, int(np.ceil(LEAF_SHARE * n)))


def _varying(values: FloatArray) -> IntArray:
    """Columns that vary in the training rows; the others, levels of the future among them, must not touch the fit."""
    filled = np.where(np.isnan(values), np.inf, values)
    kept = np.flatnonzero((filled != filled[:1]).any(axis=0))
    return kept if len(kept) else np.zeros(1, dtype=np.int64)


def _paths(tree: Any, columns: list[Column], gaps: NDArray[np.bool_]) -> dict[int, str]:
    """Conditions of every leaf in words, by node."""
    found: dict[int, str] = {}
    stack: list[tuple[int, tuple[tuple[int, bool, float, bool], ...]]] = [(0, ())]
    while stack:
        node, path = stack.pop()
        if tree.children_left[node] < 0:
            found[node] = _conditions(path, columns)
            continue
        k, cut = int(tree.feature[node]), float(tree.threshold[node])
        left = bool(tree.missing_go_to_left[node])
        for child, below in ((tree.children_left[node], True), (tree.children_right[node], False)):
            stack.append((int(child), (*path, (k, below, cut, bool(gaps[k]) and below == left))))
    return found


def _conditions(path: tuple[tuple[int, bool, float, bool], ...], columns: list[Column]) -> str:
    """A path as a sentence; several questions about one number become one range."""
    parts: list[str] = []
    for k in dict.fromkeys(step[0] for step in path):
        column, steps = columns[k], [s for s in path if s[0] == k]
        if column.level is not None:
            parts.append(f"{column.name} is {'not ' if steps[-1][1] else ''}{column.level}")
            continue
        low = max((s[2] for s in steps if not s[1]), default=None)
        high = min((s[2] for s in steps if s[1]), default=None)
        ends = [
            f"above {low * column.scale:.4g}{column.unit}" if low is not None else "",
            f"at most {high * column.scale:.4g}{column.unit}" if high is not None else "",
        ]
        parts.append(f"{column.name} {' and '.join(e for e in ends if e)}{' or unknown' if all(s[3] for s in steps) else ''}")
    return "where " + ", ".join(parts) if parts else "every signal"
