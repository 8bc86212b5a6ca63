r"""The path of every trader's skill by quarter, from a fit that holds skill constant.

Generative model: the fitted one with one term more,

    theta_i = (the fitted model's mean) + z_jq,     z_jq = phi z_j,q-1 + Normal(0, tau_z),   z_j1 ~ Normal(0, tau_z / sqrt(1 - phi^2)),
    phi ~ Normal(.8, .1) within (0, 1),     tau_z ~ HalfNormal(half the scale of the prior of the spread between traders),

which is the model `dynamic` where `crossed_total` was fitted and signals are of one type and class. Skill in a quarter is the level of a
trader's own mix of labels plus z_jq. A quarter in which a trader did nothing has a state like any other, known less well.

Nothing is sampled a second time. A draw of the fit holds the scales nu: shock sizes, residual sds, population sds of all effects but the
traders'. Given nu both models are linear and normal, so both densities of the outcomes are known: with x_jq = a_j + z_jq the whole path,
C its prior covariance (a_j ~ Normal(0, tau_a)) and S, s of `history_equations`,

    p(y | nu, tau_a, phi, tau_z) / p(y | nu, x = 0) = |I + S C|^(-1/2) exp( s'(S + C^-1)^-1 s / 2 ).

The posterior with drift is that of the fit with each draw weighted by the ratio of two integrals of this, over the priors of (tau_a, phi, tau_z)
and over that of tau_a with tau_z = 0; given a draw and the three the paths are normal: a mixture of normals over draws and a grid. With
tau_a = kappa cos(alpha), tau_z = kappa sin(alpha) one decomposition a pair (alpha, phi) serves every kappa. The weights are smoothed (PSIS);
where their tail is too heavy, the answer is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special
from threadpoolctl import threadpool_limits

from skillstats.components.priors import prior_numbers
from skillstats.evaluation.history_equations import Layout, Path, Scales, lay_out_path, path_given
from skillstats.evaluation.weights import smoothed_weights
from skillstats.inference.container import Fit
from skillstats.spec import read_spec

FloatArray = NDArray[np.float64]
POINTS: Final = {"q05": 0.05, "q25": 0.25, "q75": 0.75, "q95": 0.95}
MOST_DRAWS, LEAST_DRAWS, WORK = 100, 40, 2e9
"""Draws of the fit that are used: as many as make about `WORK` cubes of (traders x quarters), between these limits."""
MOST_STATES: Final = 400
"""Traders x quarters beyond which no path is computed."""
PHI_NODES, ANGLE_NODES, SIZE_NODES, END = 4, 6, 16, 3.5
"""Points of the grid over phi, alpha and kappa, and where it ends, in scales of the priors."""
COMPONENTS: Final = 1000
"""Normals of the mixture, drawn from all of them at even steps of their weights, that quantiles are read from."""
K_LIMIT: Final = 0.7


@dataclass(frozen=True)
class States:
    """Posterior of each trader's skill in each quarter, (trader, quarter) each, y units per decision.

    change, change_quantiles : (trader,) from the first quarter to the last
    annual : the same as annual IR, None where the evidence has no year
    k, effective : tail of the weights and effective number of draws, None where the fit has drift of its own
    drift : mean, q05 and q95 of the sd of a quarter's innovation tau_z, y units
    """

    mean: FloatArray
    sd: FloatArray
    quantiles: dict[str, FloatArray]
    change: FloatArray
    change_quantiles: dict[str, FloatArray]
    k: float | None = None
    effective: float | None = None
    drift: tuple[float, float, float] | None = None
    annual: States | None = None


@dataclass(frozen=True)
class _Grid:
    """Points (alpha, phi) and kappa, and the log of the prior mass at each pair of them.

    shapes : (point,) pairs (alpha, phi); size : (kappa,); log_mass : (point, kappa); log_still : (kappa,) of tau_a = kappa with no drift
    """

    shapes: tuple[tuple[float, float], ...]
    size: FloatArray
    log_mass: FloatArray
    log_still: FloatArray


def why_no_path(fit: Fit) -> str:
    """Why no path can be computed from a fit, in words for the reader; empty where it can."""
    states = len(fit.evidence.coords["trader"]) * len(fit.evidence.levels("quarter"))
    if fit.terms.drift is not None:
        return ""
    if fit.spec.skill.population != "normal" or fit.spec.luck.tails != "normal":
        return f"a path is computed for models with normal skill and normal luck only, and {fit.spec.name} is not one"
    if fit.terms.slopes or "session:exposure" in fit.terms.shocks:
        return f"a path is computed for models without sizing slopes and latent factors only, and {fit.spec.name} has them"
    if states > MOST_STATES:
        return f"{states} traders x quarters, at most {MOST_STATES}; name `dynamic` in the plan, which has drift of its own"
    return ""


def states_of(fit: Fit, per_y: FloatArray | None) -> States | str:
    """The path of every trader, or in words why there is none.

    Parameters
    ----------
    fit : by either engine, of evidence with at least two quarters
    per_y : (draw, trader) annual IR of a trader whose mean of y is 1; None where the evidence has no year

    Returns
    -------
    States; intervals are equal-tailed
    """
    why = why_no_path(fit)
    if why:
        return why
    return _own_states(fit, per_y) if fit.terms.drift is not None else _reweighted(fit, per_y)


def _own_states(fit: Fit, per_y: FloatArray | None) -> States:
    """States of a fit with drift: its draws."""
    from skillstats.evaluation.means import mean_of_rows
    from skillstats.evaluation.posterior import posterior_draws

    draws, evidence, z = posterior_draws(fit), fit.evidence, fit.draws("z")
    level = [mean_of_rows(draws, evidence, j, np.flatnonzero(evidence.trader == j)).mean for j in range(z.shape[1])]
    state = np.stack(level, axis=1)[..., None] - z[..., -1:] + z  # shape: (draw, trader, quarter)
    drift = fit.draws("tau_drift")
    found = _of_draws(state)
    annual = None if per_y is None else _of_draws(state * per_y[:, :, None])
    low, high = np.quantile(drift, [0.05, 0.95])
    return replace(found, annual=annual, drift=(float(drift.mean()), float(low), float(high)))


def _of_draws(state: FloatArray) -> States:
    moved = state[..., -1] - state[..., 0]
    points, change = ({name: np.quantile(x, p, axis=0) for name, p in POINTS.items()} for x in (state, moved))
    return States(state.mean(axis=0), state.std(axis=0), points, moved.mean(axis=0), change)


def _reweighted(fit: Fit, per_y: FloatArray | None) -> States | str:
    """States of a fit without drift, by its weighted draws."""
    terms = replace(fit.terms, drift="quarter")
    layout = lay_out_path(fit.evidence, terms)
    count, cells = len(fit.draws("mu")), layout.traders * layout.quarters
    at = np.linspace(0, count - 1, int(np.clip(WORK / cells**3, LEAST_DRAWS, min(MOST_DRAWS, count)))).astype(int)
    grid = _grid(fit)
    with threadpool_limits(1, user_api="blas"):  # thousands of small decompositions: threads would only wait for each other
        given = [_given_draw(path_given(layout, scales_of(fit, layout, int(draw))), layout, grid) for draw in at]
    still, density, mean, variance = (np.stack(part) for part in zip(*given, strict=True))
    total = special.logsumexp(density, axis=1)
    weights, k = smoothed_weights(total - still)
    if k > K_LIMIT:
        return f"the fit without drift is too far from one with drift (Pareto k {float(k):.2f}, limit {K_LIMIT}); name `dynamic` in the plan"
    node = np.exp(density - total[:, None]) * weights[:, None]  # shape: (draw, node), sums to 1
    shape = (layout.traders, layout.quarters)
    found = _mixture(mean, variance, node, shape)
    annual = None
    if per_y is not None:
        scale = np.hstack([np.repeat(per_y[at], layout.quarters, axis=1), per_y[at]])[:, :, None]
        annual = _mixture(mean * scale, variance * scale**2, node, shape)
    return replace(
        found, k=float(k), effective=float(1 / np.sum(weights**2)), annual=annual, drift=_drift_size(grid, node.sum(axis=0))
    )


def scales_of(fit: Fit, layout: Layout, draw: int) -> Scales:
    """The scales of one draw of a fit, and with them the priors of the effects."""
    traders = layout.traders
    location, precision = np.zeros(layout.effects), np.zeros(layout.effects)
    centre, spread = prior_numbers(fit.spec.priors["skill_mean"], fit.bets_per_year)
    location[0], precision[0] = centre, spread**-2
    for term, (first, last) in layout.blocks.items():
        if term != "mu":
            precision[first:last] = max(float(fit.draws("tau_" + term.replace(":", "_"))[draw]), 1e-8) ** -2
    return Scales(
        fit.draws("sigma")[draw],
        fit.draws("s_U")[draw] if "s_U" in fit else np.zeros(traders),
        float(fit.draws("s_V")[draw]) if "s_V" in fit else 0.0,
        precision,
        location,
    )


def _grid(fit: Fit) -> _Grid:
    """Gauss-Legendre nodes over the priors; one trader has no level of his own beside the desk's mean, so that alpha is a right angle."""
    middle, width = prior_numbers(read_spec("dynamic").priors["drift_persistence"], None)
    spread = prior_numbers(fit.spec.priors["skill_sd_trader"], fit.bets_per_year)[1]
    phi, phi_mass = _nodes(PHI_NODES, max(0.0, middle - END * width), min(1.0, middle + END * width))
    size, size_mass = _nodes(SIZE_NODES, 0.0, END * spread)
    alone = "trader" not in fit.terms.skill
    angle, angle_mass = (np.array([np.pi / 2]), np.ones(1)) if alone else _nodes(ANGLE_NODES, 0.0, np.pi / 2)
    a, z = (size * f(angle)[:, None] for f in (np.cos, np.sin))  # tau_a and tau_z, shape: (angle, size)
    log_size = np.log(angle_mass)[:, None] + np.log(size_mass) - 0.5 * (z / (0.5 * spread)) ** 2
    log_size = log_size if alone else log_size + np.log(size) - 0.5 * (a / spread) ** 2
    log_phi = np.log(phi_mass) - 0.5 * ((phi - middle) / width) ** 2
    log_mass = (log_size[:, None, :] + log_phi[None, :, None]).reshape(-1, len(size))
    log_still = np.where(np.arange(len(size)) == 0, 0.0, -np.inf) if alone else np.log(size_mass) - 0.5 * (size / spread) ** 2
    shapes = tuple((float(x), float(p)) for x in angle for p in phi)
    return _Grid(shapes, size, log_mass - special.logsumexp(log_mass), log_still - special.logsumexp(log_still))


def _nodes(count: int, low: float, high: float) -> tuple[FloatArray, FloatArray]:
    """Gauss-Legendre nodes and weights on an interval."""
    x, w = special.roots_legendre(count)
    return low + (x + 1) * (high - low) / 2, w * (high - low) / 2


def _given_draw(path: Path, layout: Layout, grid: _Grid) -> tuple[float, FloatArray, FloatArray, FloatArray]:
    """Of one draw: log density without drift, log of prior mass times density at each node (node,), and mean and variance there of every
    state and then of every trader's change, (trader * quarter + trader, node); densities against that of x = 0.
    """
    still, *_ = _at_shape(path, np.ones((layout.quarters, 1)), layout, grid.size)
    log_still = float(special.logsumexp(grid.log_still + (still if len(grid.shapes) > PHI_NODES else 0.0)))
    densities, means, variances = [], [], []
    for (angle, phi), mass in zip(grid.shapes, grid.log_mass, strict=True):
        root = np.hstack([np.full((layout.quarters, 1), np.cos(angle)), np.sin(angle) * ar1_root(phi, layout.quarters)])
        density, mean, variance = _at_shape(path, root, layout, grid.size)
        densities.append(mass + density)
        means.append(mean)
        variances.append(variance)
    return log_still, np.concatenate(densities), np.concatenate(means, axis=1), np.concatenate(variances, axis=1)


def _at_shape(path: Path, root: FloatArray, layout: Layout, size: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Log density (size,), mean and variance of every state and change (any, size), for paths of covariance kappa^2 root root'.

    root : (quarter, any) of one trader; all traders have the same
    """
    every = np.kron(np.eye(layout.traders), root)
    values, vectors = np.linalg.eigh(every.T @ path.information @ every)
    values, turned = np.maximum(values, 0.0), vectors.T @ (every.T @ path.score)
    shrunk = size**2 / (1 + values[:, None] * size**2)  # shape: (direction, size)
    density = 0.5 * (turned**2) @ shrunk - 0.5 * np.log1p(values[:, None] * size**2).sum(axis=0)
    back = every @ vectors  # x = back @ (weights of the directions)
    # a state is the level of the trader's mix, which gives way to the path, plus the path
    reach = back - np.repeat(path.response, layout.quarters, axis=0) @ back
    first, last = np.arange(layout.traders) * layout.quarters, (np.arange(layout.traders) + 1) * layout.quarters - 1
    reach = np.vstack([reach, reach[last] - reach[first]])  # of a change the level and its error cancel
    level, error = (np.append(np.repeat(v, layout.quarters), np.zeros(layout.traders)) for v in (path.centre, path.spread))
    return density, level[:, None] + reach @ (shrunk * turned[:, None]), error[:, None] + reach**2 @ shrunk


def ar1_root(phi: float, quarters: int) -> FloatArray:
    """L with L L' the covariance of a stationary AR(1) of unit innovations, shape (quarter, quarter), lower triangular.

    Examples
    --------
    >>> (ar1_root(0.5, 2) @ ar1_root(0.5, 2).T).round(3).tolist()
    [[1.333, 0.667], [0.667, 1.333]]
    """
    lag = np.subtract.outer(np.arange(quarters), np.arange(quarters))
    root = np.where(lag >= 0, phi ** np.maximum(lag, 0), 0.0)
    root[:, 0] /= np.sqrt(1 - phi**2)
    return root


def _mixture(mean: FloatArray, variance: FloatArray, weight: FloatArray, shape: tuple[int, int]) -> States:
    """Moments of a mixture of normals exactly, its quantiles from `COMPONENTS` of them; mean, variance (draw, state or change, node)."""
    centre = np.einsum("dsn,dn->s", mean, weight)
    total = np.einsum("dsn,dn->s", variance + (mean - centre[:, None]) ** 2, weight)
    steps = (np.arange(COMPONENTS) + 0.5) / COMPONENTS
    chosen = np.minimum(np.searchsorted(np.cumsum(weight.ravel()), steps), weight.size - 1)
    draw, node = np.unravel_index(chosen, weight.shape)
    means, sds = mean[draw, :, node], np.sqrt(variance[draw, :, node])  # shape: (component, state)
    points = {name: _quantile(means, sds, p) for name, p in POINTS.items()}
    states, changes = slice(shape[0] * shape[1]), slice(shape[0] * shape[1], None)
    return States(
        centre[states].reshape(shape),
        np.sqrt(total[states]).reshape(shape),
        {name: values[states].reshape(shape) for name, values in points.items()},
        centre[changes],
        {name: values[changes] for name, values in points.items()},
    )


def _quantile(mean: FloatArray, sd: FloatArray, p: float) -> FloatArray:
    """Quantile of equal mixtures of normals, shape (state,), by bisection; mean, sd : (component, state)."""
    low, high = (mean - 8 * sd).min(axis=0), (mean + 8 * sd).max(axis=0)
    for _ in range(40):
        middle = (low + high) / 2
        below = special.ndtr((middle - mean) / sd).mean(axis=0) < p
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2


def _drift_size(grid: _Grid, weight: FloatArray) -> tuple[float, float, float]:
    """Mean, 5 and 95% point of tau_z; weight (node,), kappa running fastest."""
    tau = np.concatenate([grid.size * np.sin(angle) for angle, _ in grid.shapes])
    order = np.argsort(tau, kind="stable")
    reached = np.cumsum(weight[order]) - weight[order] / 2
    low, high = np.interp([0.05, 0.95], reached, tau[order])
    return float(weight @ tau), float(low), float(high)
