"""Student-t fits: bins in place of rows where they may stand for them, and densities of sessions with the shocks integrated out.

Shocks were sampled, so a session's density given the globals is an integral over V_s and the U_js of that session. It is done by Laplace's
method, for all draws at once: the mode by iteratively reweighted least squares, each step being the exact normal answer of
`components.cells` with weights (nu + 1) / (nu scale^2 + e^2), and the observed curvature there, summed over the rows of a trader-session and
not below 0.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from skillstats.components.heavy import RowLayout, lay_out_rows
from skillstats.components.histogram_t import ERROR_LIMIT, histogram, log_likelihood_error
from skillstats.evidence import Evidence
from skillstats.inference.container import Fit
from skillstats.inference.design import row_profiles
from skillstats.inference.separable import Terms
from skillstats.spec.model import ModelSpec

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
HISTOGRAM_ROWS: Final = 20_000
"""Rows from which a Student-t without shocks reads a histogram."""
POINTS: Final = 20
STEPS: Final = 12
CHUNK: Final = 4_000_000


def histogram_data(spec: ModelSpec, evidence: Evidence, terms: Terms, *, grid: bool = False) -> dict[str, Any]:
    """Arrays of the bins, to put in place of the rows; empty where rows are few, shocks are kept, or tails are normal."""
    if spec.luck.tails != "student_t" or terms.shocks or len(evidence) < HISTOGRAM_ROWS:
        return {}
    bins = histogram(evidence, row_profiles(evidence, terms, grid=grid))._asdict()
    return {k: bins[k] for k in ("row_trader_regime", "row_profile", "y", "n", "ss")}


def judge_histogram(fit: Fit, theta: FloatArray, sigma: FloatArray) -> tuple[bool, str]:
    """Whether the bins may stand for the rows at draws of the posterior, and a sentence with the measured error.

    Parameters
    ----------
    theta : (draw, profile); sigma : (draw, trader, regime); draws of the fit
    """
    evidence, profile = fit.evidence, row_profiles(fit.evidence, fit.terms, grid="extra" in fit)
    at = np.linspace(0, len(theta) - 1, POINTS).astype(int)
    bins, rows = histogram(evidence, profile), lay_out_rows(evidence, profile)
    error = float(log_likelihood_error(rows, bins, theta[at], sigma[at], fit.draws("nu")[at]).std(ddof=1))
    counted = f"{len(bins.n)} bins for {len(evidence)} rows: log-likelihood error sd {error:.2g} nats at {POINTS} draws"
    if error <= ERROR_LIMIT:
        return True, f"{counted} (limit {ERROR_LIMIT:g})"
    return False, f"{counted}, over the limit of {ERROR_LIMIT:g}: fitted again from rows"


def session_log_density(
    layout: RowLayout, theta: FloatArray, sigma: FloatArray, s_u: FloatArray, s_v: FloatArray, nu: FloatArray
) -> FloatArray:
    """Log p(y_s | globals) by Laplace's method, shape (draw, session), nats.

    Parameters
    ----------
    theta : (draw, profile); sigma : (draw, trader, regime); s_u : (draw, trader); s_v : (draw,); y units, 0 for no shock
    nu : (draw,)
    """
    order = np.lexsort((layout.row_pair, layout.row_session))
    size = max(1, CHUNK // len(order))
    sorted_rows = RowLayout(*(getattr(layout, k)[order] if k != "pair_trader" else layout.pair_trader for k in RowLayout._fields))
    pieces = []
    for start in range(0, len(nu), size):
        part = slice(start, start + size)
        pieces.append(_laplace(sorted_rows, theta[part], sigma[part], s_u[part], s_v[part], nu[part]))
    return np.concatenate(pieces)


def _laplace(
    rows: RowLayout, theta: FloatArray, sigma: FloatArray, s_u: FloatArray, s_v: FloatArray, nu: FloatArray
) -> FloatArray:
    count = len(nu)
    degrees = nu[:, None]
    squared = sigma.reshape(count, -1)[:, rows.row_trader_regime] ** 2 * (degrees - 2)  # nu times the squared scale
    error = rows.y - theta[:, rows.row_profile]
    pair_starts, pair_of_row = np.unique(rows.row_pair, return_index=True)[1], rows.row_pair
    session_of_pair = rows.row_session[pair_starts]
    session_starts = np.flatnonzero(np.diff(session_of_pair, prepend=-1))
    own, shared = s_u[:, rows.pair_trader] ** 2, s_v[:, None] ** 2  # variances of U and V
    v, u = np.zeros((count, len(session_starts))), np.zeros((count, len(pair_starts)))
    for _ in range(STEPS):
        left = error - v[:, rows.row_session] - u[:, pair_of_row]
        weight = (degrees + 1) / (squared + left**2)
        information, score = (np.add.reduceat(x, pair_starts, axis=1) for x in (weight, weight * error))
        stretched = 1 + own * information
        v = shared * np.add.reduceat(score / stretched, session_starts, axis=1)
        v /= 1 + shared * np.add.reduceat(information / stretched, session_starts, axis=1)
        u = own * (score - information * v[:, session_of_pair]) / stretched
    left = error - v[:, rows.row_session] - u[:, pair_of_row]
    constant = gammaln((degrees + 1) / 2) - gammaln(degrees / 2) - 0.5 * (np.log(np.pi) + np.log(squared))
    density = np.add.reduceat(constant - (degrees + 1) / 2 * np.log1p(left**2 / squared), pair_starts, axis=1)
    curvature = (degrees + 1) * (squared - left**2) / (squared + left**2) ** 2
    information = np.maximum(np.add.reduceat(curvature, pair_starts, axis=1), 0.0)
    stretched = 1 + own * information
    penalty = np.divide(u**2, own, out=np.zeros_like(u), where=own > 0)
    value = np.add.reduceat(density - 0.5 * penalty - 0.5 * np.log(stretched), session_starts, axis=1)
    total = 1 + shared * np.add.reduceat(information / stretched, session_starts, axis=1)
    return value - 0.5 * np.divide(v**2, shared, out=np.zeros_like(v), where=shared > 0) - 0.5 * np.log(total)


def heavy_session_log_likelihood(
    evidence: Evidence, profile: IntArray, theta: FloatArray, sigma: FloatArray, s_u: FloatArray, s_v: FloatArray, nu: FloatArray
) -> tuple[IntArray, FloatArray]:
    """Codes of the sessions that occur, (session,), and their densities, (draw, session), nats; see `session_log_density`."""
    return np.unique(evidence.session), session_log_density(lay_out_rows(evidence, profile), theta, sigma, s_u, s_v, nu)
