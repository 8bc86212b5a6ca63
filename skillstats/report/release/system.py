r"""Sums over sets of people's rows as a linear system: what do the printed ones give away?

Every printed figure of a cell is a sum over the rows of a set A of rows: an indicator vector 1_A. Whoever has the sums over the sets of a
family P knows the sum sum_i v_i x_i for every v in V = span{1_A : A in P}, and nothing else. So

* a set S is *determined* iff 1_S is in V, that is iff the residual of its projection is 0;
* the difference of two printed sets rests on their symmetric difference;
* somebody learns something about fewer than k people iff V holds a vector v != 0 whose rows belong to fewer than k people: not only the
  sum of a small group, any weighted one.

All three are answered from Gram matrices (numbers of shared rows), in total and by person; the rows are never walked again. The last
is a branch and bound over people: if v has fewer than k of them then of any k disjoint groups of people one has none of v, so that v lies
in the part of V that vanishes on that group; that part is small, and the question is asked again in it. The answer is exact for any number
of people. Rounding errors are far below the tolerance, and the tolerance errs on the side of saying "given away".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import solve_triangular

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
SAME: Final = 1e-10
"""Squared residual, per squared length, up to which a set adds nothing to a basis."""
NOTHING: Final = 1e-8
"""Share of a vector's squared length up to which it counts as zero."""
MOST_NODES: Final = 4000
"""Branches after which the search for a small group gives up and says that there is one."""


@dataclass(frozen=True, slots=True)
class Floors:
    """Least people and least decisions of anything that may be known; 1 and 1 where names may be shown."""

    people: int
    decisions: int


@dataclass(frozen=True)
class System:
    """Rows of people and the sets of them whose sums may be printed.

    shared : (set, set) rows in both; weighted : the same with each row counting one over the rows of its decision, so that the weight of
        a set is at most the number of its decisions; by_person : the first, person by person
    rows, people, decisions : (set,) counts of each set
    """

    shared: FloatArray
    weighted: FloatArray
    by_person: tuple[sparse.csr_array, ...]
    rows: IntArray
    people: IntArray
    decisions: IntArray

    def passes(self, floors: Floors) -> NDArray[np.bool_]:
        """Which sets are empty or large enough, (set,)."""
        return np.asarray((self.rows == 0) | ((self.people >= floors.people) & (self.decisions >= floors.decisions)))


def make_system(members: Sequence[IntArray], sizes: Sequence[int], person: IntArray, decision: IntArray) -> System:
    """The system of some partitions of rows.

    Parameters
    ----------
    members : a partition each, (row,) code of the row's set or -1; sizes : sets of each partition
    person, decision : (row,) codes from 0

    Examples
    --------
    >>> halves = np.array([0, 0, 1, 1])
    >>> made = make_system([np.zeros(4, dtype=np.int64), halves], [1, 2], np.array([0, 1, 1, 2]), np.arange(4))
    >>> made.people.tolist(), made.shared[0].tolist()
    ([3, 2, 2], [4.0, 2.0, 2.0])
    """
    n, starts = len(person), np.r_[0, np.cumsum(sizes)]
    place, column = [], []
    for codes, start in zip(members, starts[:-1], strict=True):
        inside = np.flatnonzero(codes >= 0)
        place.append(inside)
        column.append(codes[inside] + start)
    at, of = np.concatenate([*place, np.zeros(0, dtype=np.int64)]), np.concatenate([*column, np.zeros(0, dtype=np.int64)])
    x = sparse.csr_array((np.ones(len(at)), (at, of)), shape=(n, int(starts[-1])))
    count = np.bincount(decision, minlength=int(decision.max(initial=-1)) + 1)
    weight = sparse.diags_array(1.0 / count[decision]) if n else sparse.csr_array((0, 0))
    own = [x[person == p] for p in range(int(person.max(initial=-1)) + 1)]
    by_person = tuple(sparse.csr_array(m.T @ m) for m in own)
    pairs = np.unique(np.stack([decision[at], of]), axis=1) if n else np.zeros((2, 0), dtype=np.int64)
    return System(
        shared=np.asarray((x.T @ x).toarray()),
        weighted=np.asarray((x.T @ weight @ x).toarray()),
        by_person=by_person,
        rows=np.bincount(of, minlength=x.shape[1]),
        people=np.asarray(sum((m.diagonal() > 0).astype(np.int64) for m in by_person) + np.zeros(x.shape[1], dtype=np.int64)),
        decisions=np.bincount(pairs[1], minlength=x.shape[1]),
    )


def first_leak(
    system: System, printed: Sequence[int], unions: Sequence[tuple[int, ...]], floors: Floors
) -> tuple[int, ...] | None:
    """Printed sets that together give away something below the floors; None where nothing does.

    Parameters
    ----------
    printed : sets whose sums are printed, the most wanted first
    unions : groups of disjoint sets that must not be determined where they are below the floors; a single set is a group of one

    Returns
    -------
    Sets of `printed` that take part, at least one
    """
    printed = [s for s in printed if system.rows[s] > 0]
    if not printed:
        return None
    basis, lower, length = _basis(system.shared, printed)
    small = [u for u in unions if _is_small(system, u, floors)]
    return (
        _determined(system, basis, lower, length, small)
        or _near_pair(system, printed, floors)
        or _few_people(system, basis, lower, length, floors.people)
    )


def _basis(shared: FloatArray, printed: Sequence[int]) -> tuple[list[int], FloatArray, FloatArray]:
    """Sets that span what is printed, the Cholesky factor of their scaled Gram matrix, and their lengths."""
    length = np.sqrt(np.diag(shared))
    lower, basis = np.zeros((len(printed), len(printed))), list[int]()
    for s in printed:
        k = len(basis)
        cross = shared[basis, s] / (length[basis] * length[s])
        z = solve_triangular(lower[:k, :k], cross, lower=True) if k else cross
        left = 1.0 - float(z @ z)
        if left > SAME:
            lower[k, :k], lower[k, k] = z, np.sqrt(left)
            basis.append(s)
    k = len(basis)
    return basis, lower[:k, :k], length[basis]


def _is_small(system: System, union: tuple[int, ...], floors: Floors) -> bool:
    """Whether a group of disjoint sets is not empty and below the floors; its decisions are never overrated."""
    union = tuple(s for s in union if system.rows[s] > 0)
    if not union:
        return False
    if len(union) == 1:
        return bool(system.people[union[0]] < floors.people or system.decisions[union[0]] < floors.decisions)
    people = sum(any(own[s, s] > 0 for s in union) for own in system.by_person)
    return people < floors.people or float(sum(system.weighted[s, s] for s in union)) < floors.decisions - 1e-9


def _determined(
    system: System, basis: list[int], lower: FloatArray, length: FloatArray, small: Sequence[tuple[int, ...]]
) -> tuple[int, ...] | None:
    """Sets behind the first of some small groups whose sum follows from the printed ones."""
    if not small:
        return None
    cross = np.stack([system.shared[np.ix_(basis, list(u))].sum(axis=1) / length for u in small], axis=1)
    own = np.array([system.rows[list(u)].sum() for u in small], dtype=float)
    z = solve_triangular(lower, cross, lower=True)
    found = np.flatnonzero(own - (z**2).sum(axis=0) <= NOTHING * own)
    return _involved(basis, solve_triangular(lower.T, z[:, found[0]])) if len(found) else None


def _near_pair(system: System, printed: Sequence[int], floors: Floors) -> tuple[int, ...] | None:
    """The first two printed sets that differ, but by less than the least decisions."""
    at = np.asarray(printed)
    weight, shared = system.weighted[np.ix_(at, at)], system.shared[np.ix_(at, at)]
    apart = np.diag(weight)[:, None] + np.diag(weight) - 2 * weight
    differ = np.diag(shared)[:, None] + np.diag(shared) - 2 * shared
    i, j = np.nonzero(np.triu((differ > 0.5) & (apart < floors.decisions - 1e-9), 1))
    return (int(at[i[0]]), int(at[j[0]])) if len(i) else None


def _involved(basis: list[int], coefficients: FloatArray) -> tuple[int, ...]:
    """Sets of a combination whose coefficient is not nothing."""
    large = np.abs(coefficients) > 1e-6 * np.abs(coefficients).max()
    return tuple(s for s, takes_part in zip(basis, large, strict=True) if takes_part)


def _few_people(system: System, basis: list[int], lower: FloatArray, length: FloatArray, least: int) -> tuple[int, ...] | None:
    """Sets behind a combination that rests on the rows of fewer than `least` people."""
    if least <= 1:
        return None
    # rows of the inverse factor: an orthonormal basis of the span, so that eigenvalues are shares of a vector's length
    turn = solve_triangular(lower, np.diag(1 / length), lower=True)
    grams = [turn @ own[basis][:, basis].toarray() @ turn.T for own in system.by_person]
    stack, nodes = [np.eye(len(basis))], 0
    seen: set[frozenset[int]] = set()
    while stack:
        space, nodes = stack.pop(), nodes + 1
        active = [p for p, g in enumerate(grams) if float(np.sum((g @ space) * space)) > NOTHING]
        if len(active) < least or nodes > MOST_NODES:
            return _involved(basis, turn.T @ space[:, 0] * length)
        if (key := frozenset(active)) in seen:  # the part of the span that vanishes on everybody else is one and the same
            continue
        seen.add(key)
        for group in _groups(active, grams, space, least):
            inside = np.sum([grams[p] for p in group], axis=0)
            if (part := _vanishing(space.T @ inside @ space)) is not None:
                stack.append(space @ part)
    return None


def _vanishing(gram: FloatArray) -> FloatArray | None:
    """Directions in which a Gram matrix is nothing, (dimension, direction); None where there is none."""
    try:
        np.linalg.cholesky(gram - NOTHING * np.eye(len(gram)))  # a tenth of the cost of the eigenvectors, and mostly enough
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(gram)
        none = values <= NOTHING
        return np.asarray(vectors[:, none]) if none.any() else None
    return None


def _groups(active: Sequence[int], grams: Sequence[FloatArray], space: FloatArray, count: int) -> list[list[int]]:
    """People in `count` groups that see about as much of the space each: the fullest next to the emptiest."""
    seen = sorted(active, key=lambda p: -float(np.sum((grams[p] @ space) * space)))
    return [seen[k::count] for k in range(count)]
