"""A shallow rule: at most three questions about a signal, and what to do with it.

A regression tree of depth 3 predicts v*, the value a full veto has per unit of risk. A leaf is vetoed where its mean is above 0 and where, in it or
in a branch that holds it (the first question asked), the mean is above 0 by a margin,

    mean - z * error > 0,   z = 1.645,

the error clustered by blocks of sessions. Leaves under one branch that decide alike are joined. The tree chose its questions with the same data, so the margin is no test: what a rule is worth is
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
    """One end of a rule, leaves that decide alike joined.

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
        vetoed = sorted({leaf for leaf in self.leaves.values() if leaf.veto}, key=lambda leaf: (-leaf.mean, leaf.words))
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
    inside = np.asarray(tree.decision_path(values[:, kept]).toarray(), dtype=bool)  # shape: (row, node)
    ends = _ends(tree.tree_, _Sample(v_star, block, inside), 0, (), strong=False)
    gaps = np.isnan(values[:, kept]).any(axis=0)
    leaves: dict[int, Leaf] = {}
    for end in ends:
        rows = inside[:, list(end.nodes)].any(axis=1)
        found = contrast(v_star[rows], np.ones(int(rows.sum())), block[rows])
        leaf = Leaf(
            _conditions(end.path, [columns[k] for k in kept], gaps),
            end.veto,
            int(rows.sum()),
            found.blocks if found else 0.0,
            float(v_star[rows].mean()),
            found.error if found else None,
        )
        leaves |= dict.fromkeys(end.nodes, leaf)
    return Rule(tree, kept, leaves)


@dataclass(frozen=True, slots=True)
class _Step:
    """A question on the way to a leaf: column, whether the answer is at most `cut`, and whether an unknown value goes the same way."""

    column: int
    below: bool
    cut: float
    unknown: bool


@dataclass(frozen=True, slots=True)
class _Sample:
    v_star: FloatArray
    block: IntArray
    inside: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _End:
    """Leaves of the tree with one decision under one node."""

    nodes: tuple[int, ...]
    path: tuple[_Step, ...]
    veto: bool


def _ends(tree: Any, sample: _Sample, node: int, path: tuple[_Step, ...], *, strong: bool) -> list[_End]:
    """Ends below a node; those that decide alike are joined. `strong`: a node above is above 0 by the margin."""
    rows = sample.inside[:, node]
    found = contrast(sample.v_star[rows], np.ones(int(rows.sum())), sample.block[rows])
    sure = found is not None and found.effect - MARGIN * found.error > 0
    leaf = tree.children_left[node] < 0
    strong = strong or (sure and (leaf or node > 0))  # the whole, node 0, vouches for no part of it
    if leaf:
        return [_End((node,), path, strong and bool(sample.v_star[rows].mean() > 0))]
    k, cut, left = int(tree.feature[node]), float(tree.threshold[node]), bool(tree.missing_go_to_left[node])
    ends = [
        end
        for child, below in ((int(tree.children_left[node]), True), (int(tree.children_right[node]), False))
        for end in _ends(tree, sample, child, (*path, _Step(k, below, cut, below == left)), strong=strong)
    ]
    if len({end.veto for end in ends}) > 1:
        return ends
    return [_End(tuple(n for end in ends for n in end.nodes), path, ends[0].veto)]


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


def _conditions(path: tuple[_Step, ...], columns: list[Column], gaps: NDArray[np.bool_]) -> str:
    """A path as a sentence; several questions about one number become one range."""
    parts: list[str] = []
    for k in dict.fromkeys(step.column for step in path):
        column, steps = columns[k], [s for s in path if s.column == k]
        if column.level is not None:
            parts.append(f"{column.name} is {'not ' if steps[-1].below else ''}{column.level}")
            continue
        low = max((s.cut for s in steps if not s.below), default=None)
        high = min((s.cut for s in steps if s.below), default=None)
        ends = [
            f"{word} {cut * column.scale:.4g}{column.unit}"
            for word, cut in (("above", low), ("at most", high))
            if cut is not None
        ]
        unknown = " or unknown" if gaps[k] and all(s.unknown for s in steps) else ""
        parts.append(f"{column.name} {' and '.join(ends)}{unknown}")
    return "where " + ", ".join(parts) if parts else "every signal"
