"""The search over candidate partitions, on plain arrays: which cells differ from the rest, and in which the mean clears a hurdle.

A cell of a label is *found* where its mean value exceeds the hurdle **and** exceeds the mean of the label's other cells by the hurdle; of
a crossing of two labels where it exceeds the other cells of its row and of its column. The first alone would find every label of a desk
that is good everywhere, the second alone would find regimes that are merely less bad. Doubts are one minus the joint posterior
probability; the list takes cells by increasing doubt while their running mean stays within the rate, and none whose own doubt exceeds
what a claim may have. Labels overlap: a cell that stands out only because it shares its days with a surer one is named beside that one
and is no finding. What is not good but bad is searched for in the same way with the sign turned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skillstats.boundary.cells import CellMeans, cell_means
from skillstats.boundary.contexts import Label, cross, name_of
from skillstats.boundary.pool import Partition, draw, learn_scale, solve

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
DRAWS: Final = 4000
MOST_LEVELS: Final = 9
"""Levels beyond which a label is no regime; it is left out, and said so."""
MOST_FOUND: Final = 8
MOST_CROSSED: Final = 4
"""Levels beyond which a label is not crossed with others."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a finding needs.

    hurdle : annual IR; unit : IR per decision of an annual IR of 1; certainty, fdr : of a claim and of the list
    floor : least sessions of a cell; draws : posterior draws of a partition
    """

    hurdle: float
    unit: float
    certainty: float
    fdr: float
    floor: int
    draws: int = DRAWS


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of one partition; values in annual IR of a trader whose decisions are all like these.

    label, level : as a reader meets them; keys : names of the one or two labels; rows, sessions : counts
    raw, error : mean and day-clustered standard error; mean, q05, q95 : pooled, 90% equal-tailed interval
    p_above, p_below : P(value > hurdle), P(value < -hurdle)
    excess, excess_q05, excess_q95 : value less that of the other cells (of a crossing: the smaller in size of the two differences)
    lfsr : local false sign rate of that excess; p_helps, p_hurts : joint probabilities that the search lists by
    p_excess, p_deficit : P(excess > hurdle), P(excess < -hurdle), in both comparisons of a crossing
    found : ``helps``, ``hurts`` or empty; running : expected false share of the list up to this cell, None where it is not listed
    explained : the finding without which this cell would have been one
    """

    keys: tuple[str, ...]
    label: str
    level: str
    codes: tuple[int, ...]
    rows: int
    sessions: int
    raw: float
    error: float
    mean: float
    q05: float
    q95: float
    p_above: float
    p_below: float
    excess: float
    excess_q05: float
    excess_q95: float
    lfsr: float
    p_helps: float
    p_hurts: float
    p_excess: float
    p_deficit: float
    found: str = ""
    running: float | None = None
    explained: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A label, or a crossing of two; `width` is the number of levels of the second."""

    keys: tuple[str, ...]
    label: Label
    width: int

    @property
    def codes(self) -> IntArray:
        """Codes of the rows."""
        return self.label.codes


@dataclass(frozen=True, slots=True)
class _Part:
    """A partition with what its cells are compared with: `others` holds (cell, cell) weights whose rows sum to 1, or to 0 for nothing."""

    candidate: Candidate
    means: CellMeans
    partition: Partition
    others: tuple[FloatArray, ...]


def search(
    y: FloatArray, session: IntArray, labels: Mapping[str, Label], rule: Rule, *, seed: int, crossings: bool = True
) -> tuple[list[Cell], dict[str, str]]:
    """Search all labels and their crossings of two.

    Parameters
    ----------
    y : (row,) value per unit of risk; session : (row,) int64; labels : codes over the same rows
    rule : what a finding needs; seed : of the posterior draws; crossings : whether crossings of two are candidates too

    Returns
    -------
    cells, the found ones first and then by doubt; why a candidate was left out, by name
    """
    scale = float(np.std(y)) or 1.0
    left = {
        name: f"{len(label.levels)} levels, at most {MOST_LEVELS} can be told apart"
        for name, label in labels.items()
        if len(label.levels) > MOST_LEVELS
    }
    candidates = _candidates({k: v for k, v in labels.items() if k not in left}, crossings=crossings)
    cells, thin = judge_cells(y, session, candidates, rule, seed, scale=scale)
    left |= thin
    return _accepted(cells, y / scale, session, candidates, rule, seed), left


def judge_cells(
    y: FloatArray, session: IntArray, candidates: Sequence[Candidate], rule: Rule, seed: int, *, scale: float = 1.0
) -> tuple[list[Cell], dict[str, str]]:
    """Every cell of every candidate by its posterior, nothing found yet, and why labels were left out; `scale` is the sd of y.

    Rows with code -1 belong to no cell.
    """
    parts: list[_Part] = []
    left: dict[str, str] = {}
    for candidate in candidates:
        made = _part(candidate, y / scale, session, rule)
        if not isinstance(made, str):
            parts.append(made)
        elif len(candidate.keys) == 1:
            left[candidate.keys[0]] = made
    rng = np.random.default_rng([seed, 26])
    cells: list[Cell] = []
    for single in (True, False):
        group = [p for p in parts if (len(p.candidate.keys) == 1) is single]
        grids = [solve(p.partition, rule.unit) for p in group]
        weights = learn_scale(grids)
        for part, grid in zip(group, grids, strict=True):
            cells += _cells_of(part, draw(grid, weights, rule.draws, rng), rule)
    return cells, left


def _accepted(
    cells: Sequence[Cell], y: FloatArray, session: IntArray, candidates: Sequence[Candidate], rule: Rule, seed: int
) -> list[Cell]:
    """Take cells one by one, surest first; each further one must stand out after the excess of those before is taken off its rows.

    Two labels may mark nearly the same days. What stands out in one then stands out in the other, and only the surer one is a finding.
    """
    by_keys = {c.keys: c for c in candidates}
    waiting = [c for c in cells if _doubt(c) <= 1 - rule.certainty and rule.hurdle > 0]
    bound = {c: _doubt(c) for c in waiting}
    taken: list[Cell] = []
    spoken: dict[tuple[tuple[str, ...], tuple[int, ...]], Cell] = {}
    total = 0.0
    while waiting and len(taken) < MOST_FOUND:
        best = min(waiting, key=lambda c: (bound[c], len(c.keys), -_clarity(c), c.label, c.level))
        total += bound[best]
        if total / (len(taken) + 1) > rule.fdr:
            break
        taken.append(replace(best, found="helps" if _helps(best) else "hurts", running=total / (len(taken) + 1)))
        spoken[best.keys, best.codes] = taken[-1]
        waiting.remove(best)
        if not waiting:
            break
        y = _without_excess(y, by_keys[best.keys], best)
        needed = [c for c in candidates if any(w.keys == c.keys for w in waiting)]
        again = {(c.keys, c.codes): c for c in judge_cells(y, session, needed, rule, seed)[0]}
        for cell in tuple(waiting):
            if cell.keys == best.keys and _helps(cell) != _helps(best):
                continue  # good in one level and bad in another of the same label: both are said
            # P(A and B) >= P(A) + P(B) - 1: what stood out must still stand out
            new = again[cell.keys, cell.codes]
            bound[cell] = _doubt(cell) + 1 - (new.p_excess if _helps(cell) else new.p_deficit)
            if bound[cell] > 1 - rule.certainty:
                waiting.remove(cell)
                spoken[cell.keys, cell.codes] = replace(cell, explained=f"{best.label} = {best.level}")
    final = [spoken.get((c.keys, c.codes), c) for c in cells]
    return sorted(final, key=lambda c: (not c.found, c.running or 0.0, _doubt(c), c.label, c.level))


def _without_excess(y: FloatArray, candidate: Candidate, cell: Cell) -> FloatArray:
    """Outcomes with the raw excess of a cell over the rest of its label taken off its rows."""
    code = candidate.codes
    inside = code == (cell.codes[0] if len(cell.codes) == 1 else cell.codes[0] * candidate.width + cell.codes[1])
    return np.asarray(y - np.where(inside, y[inside].mean() - y[~inside & (code >= 0)].mean(), 0.0))


def _helps(cell: Cell) -> bool:
    return cell.p_helps >= cell.p_hurts


def _clarity(cell: Cell) -> float:
    """Excess in widths of its interval: tells apart what draws are too few to."""
    return abs(cell.excess) / (cell.excess_q95 - cell.excess_q05) if cell.excess_q95 > cell.excess_q05 else 0.0


def _doubt(cell: Cell) -> float:
    return 1 - max(cell.p_helps, cell.p_hurts)


def _candidates(labels: Mapping[str, Label], *, crossings: bool) -> list[Candidate]:
    found = [Candidate((name,), label, 1) for name, label in labels.items()]
    small = [name for name, label in labels.items() if len(label.levels) <= MOST_CROSSED]
    if crossings:
        found += [pair((a, b), labels[a], labels[b]) for a, b in combinations(small, 2)]
    return found


def pair(keys: tuple[str, str], first: Label, second: Label) -> Candidate:
    """A crossing of two labels as a candidate."""
    return Candidate(keys, cross(first, second), len(second.levels))


def _part(candidate: Candidate, y: FloatArray, session: IntArray, rule: Rule) -> _Part | str:
    """A candidate as a partition, or why it is none."""
    keys, label, width = candidate.keys, candidate.label, candidate.width
    means = cell_means(y, session, label.codes, floor=rule.floor)
    if len(means) < 2:
        return f"fewer than two levels with {rule.floor} sessions"
    row, column = means.level // width, means.level % width
    identity = np.eye(len(means))
    if len(keys) == 1:
        everyone = np.ones((len(means), len(means)), dtype=bool)
        return _Part(candidate, means, Partition(means.mean, means.covariance, (identity,)), (_others(everyone, means.rows),))
    designs = tuple((code[:, None] == np.unique(code)).astype(float) for code in (row, column))
    others = tuple(_others(code[:, None] == code, means.rows) for code in (row, column))
    return _Part(candidate, means, Partition(means.mean, means.covariance, (*designs, identity)), others)


def _others(same: NDArray[np.bool_], rows: IntArray) -> FloatArray:
    """Weights of the other cells of each cell's group, by their rows."""
    weight = np.where(same & ~np.eye(len(rows), dtype=bool), rows.astype(float), 0.0)
    return np.asarray(weight / np.maximum(weight.sum(axis=1, keepdims=True), 1e-300))


def _cells_of(part: _Part, draws: FloatArray, rule: Rule) -> list[Cell]:
    """The cells of one partition from posterior draws (draw, cell)."""
    value = draws / rule.unit
    excess = np.stack([value - value @ w.T for w in part.others])  # shape: (comparison, draw, cell), annual IR
    possible = np.all([w.sum(axis=1) > 0.5 for w in part.others], axis=0)
    at = np.abs(excess.mean(axis=1)).argmin(axis=0)
    nearest = np.take_along_axis(excess, at[None, None, :], axis=0)[0]
    helps = ((value > rule.hurdle) & (excess > rule.hurdle).all(axis=0)).mean(axis=0) * possible
    hurts = ((value < -rule.hurdle) & (excess < -rule.hurdle).all(axis=0)).mean(axis=0) * possible
    low, high = np.quantile(value, (0.05, 0.95), axis=0)
    floor, ceiling = np.quantile(nearest, (0.05, 0.95), axis=0)
    positive = (nearest > 0).mean(axis=0)
    above, below = ((sign * excess > rule.hurdle).all(axis=0).mean(axis=0) for sign in (1, -1))
    means, made, of = part.means, [], part.candidate
    for c, level in enumerate(means.level):
        made.append(
            Cell(
                keys=of.keys, label=" x ".join(name_of(k) for k in of.keys), level=of.label.levels[level],
                codes=(int(level),) if len(of.keys) == 1 else (int(level // of.width), int(level % of.width)),
                rows=int(means.rows[c]), sessions=int(means.sessions[c]),
                raw=float(means.mean[c] / rule.unit), error=float(means.error[c] / rule.unit),
                mean=float(value[:, c].mean()), q05=float(low[c]), q95=float(high[c]),
                p_above=float((value[:, c] > rule.hurdle).mean()), p_below=float((value[:, c] < -rule.hurdle).mean()),
                excess=float(nearest[:, c].mean()), excess_q05=float(floor[c]), excess_q95=float(ceiling[c]),
                lfsr=float(min(positive[c], 1 - positive[c])), p_helps=float(helps[c]), p_hurts=float(hurts[c]),
                p_excess=float(above[c]), p_deficit=float(below[c]),
            )
        )  # fmt: skip
    return made
