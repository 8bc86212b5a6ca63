"""The linear half of a model with drift: everything is normal once the scales are known.

With y the outcomes, beta the effects of the desk's mean, regimes, actions and so on, and x_jq = a_j + z_jq the path of trader j over the
quarters q, the trader's own level and the deviation from it together,

    y = X beta + Z x + V_s + U_js + e,      V_s ~ Normal(0, s_V), U_js ~ Normal(0, s_Uj), e ~ Normal(0, sigma_jr).

Given s_V, s_U and sigma the shocks integrate out and the outcomes enter through two sums over sessions only, the information and the score

    Lambda = [X Z]' Omega^-1 [X Z],    h = [X Z]' Omega^-1 y,    Omega the covariance of the rows.

For one session, with w_c = n_c / sigma_c^2 the weight of a cell (rows that agree in every label), A_js = sum w_c, D_js = 1 + s_Uj^2 A_js,
E_s = 1 + s_V^2 sum_j A_js / D_js, r_c the row of [X Z] of a cell and g_js = sum w_c r_c,

    Lambda_s = sum_c w_c r_c r_c' - sum_j (s_Uj^2 / D_js) g_js g_js' - (s_V^2 / E_s) (sum_j g_js / D_js)(sum_j g_js / D_js)'

and likewise h with the cell means in place of one r. With normal priors of precision K on beta, beta integrates out in turn:

    S = Lambda_xx - Lambda_xb (Lambda_bb + K)^-1 Lambda_bx,    s = h_x - Lambda_xb (Lambda_bb + K)^-1 (h_b + K m).

What is left, exp(s'x - x'S x / 2), is all that the outcomes say about the path of every trader.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from skillstats.evidence import Evidence
from skillstats.inference.design import Design, design
from skillstats.inference.separable import Terms

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Scales:
    """One draw of everything that is not linear, y units.

    sigma : (trader, regime); s_u : (trader,), zeros without the shock; s_v : 0.0 without it
    precision, location : (effect,) of the normal prior of beta
    """

    sigma: FloatArray
    s_u: FloatArray
    s_v: float
    precision: FloatArray
    location: FloatArray


@dataclass(frozen=True)
class Layout:
    """Where the cells of the evidence belong.

    data : cells told apart by quarter too
    columns : (profile, effect + trader * quarter) zeros and ones, first the effects, then x by trader and quarter
    blocks : {term: first and last + 1 column}; ``mu`` is column 0, and the trader's own level is part of the path
    mix : (trader, effect) share of a trader's own rows in which each effect plays a part
    """

    data: Design
    columns: Any
    blocks: Mapping[str, tuple[int, int]]
    mix: FloatArray
    traders: int
    quarters: int

    @property
    def effects(self) -> int:
        """Number of effects beta."""
        return int(self.mix.shape[1])


@dataclass(frozen=True)
class Path:
    """What the outcomes say about x given one draw of the scales, beta integrated out; y units.

    information, score : (trader * quarter, trader * quarter) S and (trader * quarter,) s
    centre : (trader,) expected level of a trader's own mix where x = 0, spread : (trader,) its variance
    response : (trader, trader * quarter) how far that level falls when x rises by one
    """

    information: FloatArray
    score: FloatArray
    centre: FloatArray
    spread: FloatArray
    response: FloatArray


def lay_out_path(evidence: Evidence, terms: Terms) -> Layout:
    """Layout of the evidence for the kept terms with a path for every trader.

    Parameters
    ----------
    terms : with drift by quarter
    """
    data = design(evidence, terms)
    codes, traders, quarters = data.profiles.codes, len(evidence.coords["trader"]), len(evidence.levels("quarter"))
    places, blocks, at = [np.zeros(len(data.profiles), dtype=np.int64)], {"mu": (0, 1)}, 1
    for term in (t for t in terms.skill if t != "trader"):
        labels = term.split(":")
        sizes = [len(evidence.levels(label)) for label in labels]
        level = np.ravel_multi_index([codes[label] for label in labels], sizes)
        places.append(at + level)
        blocks[term] = (at, at + int(np.prod(sizes)))
        at = blocks[term][1]
    places.append(at + codes["trader"] * quarters + codes["quarter"])
    rows = np.tile(np.arange(len(data.profiles)), len(places))
    entries = (np.ones(len(rows)), (rows, np.concatenate(places)))
    columns = sparse.csr_matrix(entries, shape=(len(data.profiles), at + traders * quarters))
    used = np.bincount(data.layout.profile, weights=data.layout.n, minlength=len(data.profiles))
    own = sparse.csr_matrix((used, (codes["trader"], np.arange(len(used)))), shape=(traders, len(used)))
    counts = np.maximum(np.asarray(own.sum(axis=1)), 1.0)  # a trader without a row has the desk's mean as level
    mix = np.asarray((own @ columns[:, :at]).todense()) / counts
    mix[:, 0] = 1.0
    return Layout(data, columns, blocks, mix, traders, quarters)


def path_given(layout: Layout, scales: Scales) -> Path:
    """Information and score about x, beta integrated out, see the text of the module."""
    information, score = sums_of_sessions(layout, scales)
    last = layout.effects
    inner = information[:last, :last] + np.diag(scales.precision)
    factor = linalg.cho_factor(inner, check_finite=False)
    cross, pull = information[:last, last:], score[:last] + scales.precision * scales.location
    solved = linalg.cho_solve(factor, np.column_stack([cross, pull, layout.mix.T]), check_finite=False)
    at = cross.shape[1]
    shift, beta, level = solved[:, :at], solved[:, at], solved[:, at + 1 :]
    return Path(
        information=information[last:, last:] - cross.T @ shift,
        score=score[last:] - cross.T @ beta,
        centre=layout.mix @ beta,
        spread=np.einsum("ij,ji->i", layout.mix, level),
        response=layout.mix @ shift,
    )


def sums_of_sessions(layout: Layout, scales: Scales) -> tuple[FloatArray, FloatArray]:
    """Lambda (column, column) and h (column,) of all sessions, dense."""
    cells, x = layout.data.layout, layout.columns
    weight = cells.n / scales.sigma.ravel()[cells.trader_regime] ** 2  # shape: (cell,)
    group = cells.pair_session if layout.data.desks is None else layout.data.desks.pair_group  # shape: (pair,)
    pairs, groups = len(cells.pair_trader), int(group[-1]) + 1
    profile = np.bincount(cells.profile, weights=weight, minlength=x.shape[0])
    scored = np.bincount(cells.profile, weights=weight * cells.mean, minlength=x.shape[0])
    load = sparse.csr_matrix((weight, (cells.pair, cells.profile)), shape=(pairs, x.shape[0])) @ x  # g_js, a row a pair
    amount, product = (np.bincount(cells.pair, weights=v, minlength=pairs) for v in (weight, weight * cells.mean))
    own = scales.s_u[cells.pair_trader] ** 2
    shared = 1 + own * amount
    information = x.T @ sparse.diags(profile) @ x - load.T @ sparse.diags(own / shared) @ load
    score = x.T @ scored - load.T @ (own / shared * product)
    left = sparse.csr_matrix((1 / shared, (group, np.arange(pairs))), shape=(groups, pairs))
    total = np.asarray((left @ load).todense())  # shape: (group, column)
    gain = scales.s_v**2 / (1 + scales.s_v**2 * (left @ amount))
    dense = np.asarray(information.todense()) - total.T @ (gain[:, None] * total)
    return dense, np.asarray(score - total.T @ (gain * (left @ product)))
