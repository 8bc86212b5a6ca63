r"""Partial pooling of estimates whose standard errors are known: the smallest model of skill there is.

Each of J estimates is a true value plus an error of known size, and the true values come from one population:

    y_j ~ N(theta_j, se_j^2),    theta_j ~ N(mu, tau^2).

Given tau all is normal: ``E(theta_j | tau) = B_j m + (1 - B_j) y_j`` with ``B_j = se_j^2 / (se_j^2 + tau^2)`` and m the
precision-weighted mean, so every estimate is pulled towards the centre, the noisy ones most. What is not known is tau. Fixing it
at an estimate, as DerSimonian-Laird and REML do, hides that the data rarely say how much people differ; the posterior averages
over tau instead. One dimension needs no sampling: the results are mixtures of normals over a grid of tau (`variance_estimates`).

Functions here validate at the door and turn numbers into one frozen result; they hold no arithmetic of tau.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from skillstats.errors import DomainError
from skillstats.inference import variance_estimates as ve
from skillstats.inference.variance_estimates import Flat, FloatArray, HalfCauchy, HalfNormal, Normal, PoolingPrior

__all__ = ["Flat", "HalfCauchy", "HalfNormal", "Normal", "PoolingPrior", "Shrinkage", "efron_morris_weight", "shrink"]

type Value = np.float64 | FloatArray
"""One number per pool: a float64 for a single pool, else an array with the leading axes of the input."""

CHUNK: Final = 1_000_000
"""Numbers in one working array; pools are worked through in parts of this size."""

SHOWN_PROBLEMS: Final = 5
SHOWN_ROWS: Final = 20
PER_ESTIMATE: Final = (
    "estimate", "standard_error", "mean", "sd", "lower", "upper", "p_positive", "lfsr", "shrinkage", "blup_dl", "blup_reml",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Shrinkage:
    """Result of `shrink`. Leading axes are those of the input; "unit" is the unit of the estimates."""

    estimate: FloatArray
    """As given; (..., estimate), unit."""
    standard_error: FloatArray
    """As given, broadcast; (..., estimate), unit."""
    names: tuple[str, ...]
    """Label of each estimate."""
    level: float
    """Probability inside every interval; equal tails outside."""
    prior: PoolingPrior
    """The prior used; scales in the unit."""

    mean: FloatArray
    """Posterior mean of theta; (..., estimate), unit."""
    sd: FloatArray
    """Posterior standard deviation of theta; (..., estimate), unit."""
    lower: FloatArray
    """Lower end of the interval of theta; (..., estimate), unit."""
    upper: FloatArray
    """Upper end of the interval of theta; (..., estimate), unit."""
    p_positive: FloatArray
    """P(theta > 0); (..., estimate), probability."""
    lfsr: FloatArray
    """Local false sign rate, min of P(theta > 0) and P(theta < 0); (..., estimate), probability."""
    shrinkage: FloatArray
    """Posterior mean of ``se^2 / (se^2 + tau^2)``, the weight on the centre; (..., estimate), no unit, in [0, 1]."""
    mu_mean: Value
    """Posterior mean of the centre; unit. nan where it does not exist (flat prior, 3 estimates)."""
    mu_sd: Value
    """Posterior standard deviation of the centre; unit. inf where it does not exist (flat prior, fewer than 5 estimates)."""
    mu_lower: Value
    """Lower end of the interval of the centre; unit."""
    mu_upper: Value
    """Upper end of the interval of the centre; unit."""
    tau_mean: Value
    """Posterior mean of the spread; unit. inf where it does not exist (flat prior, 3 estimates)."""
    tau_median: Value
    """Posterior median of the spread; unit."""
    tau_sd: Value
    """Posterior standard deviation of the spread; unit. inf where it does not exist (flat prior, fewer than 5 estimates)."""
    tau_lower: Value
    """Lower end of the interval of the spread; unit."""
    tau_upper: Value
    """Upper end of the interval of the spread; unit."""
    q: Value
    """Cochran's Q; no unit."""
    q_p: Value
    """P(chi-squared with J - 1 degrees > Q); probability."""
    i2: Value
    """Share of the variation beyond chance, ``max(0, 1 - (J - 1) / Q)``; in [0, 1]."""
    tau2_dl: Value
    """DerSimonian-Laird estimate of ``tau^2``; unit squared."""
    mu_dl: Value
    """Centre at `tau2_dl`; unit."""
    mu_dl_se: Value
    """Standard error of `mu_dl`, taking `tau2_dl` as known; unit."""
    tau2_reml: Value
    """Restricted maximum-likelihood estimate of ``tau^2``; unit squared."""
    mu_reml: Value
    """Centre at `tau2_reml`; unit."""
    mu_reml_se: Value
    """Standard error of `mu_reml`, taking `tau2_reml` as known; unit."""
    blup_dl: FloatArray
    """Best linear prediction of theta at `tau2_dl`; (..., estimate), unit."""
    blup_reml: FloatArray
    """Best linear prediction of theta at `tau2_reml`; (..., estimate), unit."""
    grid_points: Value
    """Points of the tau grid that were needed; count."""
    grid_error: Value
    """Relative change of the normalising constant when every second point is left out; no unit, usually < 1e-7."""

    def to_pandas(self) -> pd.DataFrame:
        """One row per estimate; index `name`, preceded by the leading axes ``pool_0, pool_1, ...`` if there are any."""
        lead = self.mean.shape[:-1]
        index: pd.Index[str] | pd.MultiIndex = pd.Index(self.names, name="name")
        if lead:
            levels = [*(range(n) for n in lead), self.names]
            index = pd.MultiIndex.from_product(levels, names=[*(f"pool_{i}" for i in range(len(lead))), "name"])
        return pd.DataFrame({column: getattr(self, column).ravel() for column in PER_ESTIMATE}, index=index)

    def summary(self) -> pd.DataFrame:
        """Same as `to_pandas`."""
        return self.to_pandas()

    def __str__(self) -> str:
        size, pools = len(self.names), self.mean[..., 0].size
        band = f"{100 * self.level:g}% equal-tailed"
        lines = [f"Known-error pooling of {size} estimates, exact; intervals {band}; prior {_describe(self.prior)}"]
        if self.mean.ndim > 1:
            shape = " x ".join(str(n) for n in self.mean.shape[:-1])
            lines = [f"{lines[0]}; {pools} pools ({shape}), the first rows:"]
        else:
            lines += [
                f"centre mu {self.mu_mean:.4g} (sd {self.mu_sd:.4g}), {band} {self.mu_lower:.4g} to {self.mu_upper:.4g}",
                f"spread tau median {self.tau_median:.4g}, mean {self.tau_mean:.4g}, "
                f"{band} {self.tau_lower:.4g} to {self.tau_upper:.4g}",
                f"classical: tau DL {np.sqrt(self.tau2_dl):.4g}, REML {np.sqrt(self.tau2_reml):.4g}; "
                f"Q {self.q:.4g}, p {self.q_p:.2g}, I2 {100 * self.i2:.0f}%",
            ]
        columns = ["estimate", "standard_error", "mean", "sd", "lower", "upper", "lfsr", "shrinkage"]
        table = self.to_pandas()[columns].head(SHOWN_ROWS).to_string(float_format=lambda v: f"{v:.4g}")
        return "\n".join([*lines, table, *_caveats(self)])


def _describe(prior: PoolingPrior) -> str:
    """Prior as text: ``mu Flat(), tau HalfCauchy(scale=5)``."""
    return f"mu {prior.mean!r}, tau {prior.spread!r}"


def _caveats(result: Shrinkage) -> list[str]:
    """What the reader should doubt about `result`."""
    found, size = [], len(result.names)
    if result.mean[..., 0].size * size > SHOWN_ROWS:
        found.append(f"only the first {SHOWN_ROWS} rows are shown; to_pandas() has all")
    if result.prior.tail_power(size) <= 3:
        found.append(f"{size} estimates leave tau a tail so heavy that its sd is infinite; a prior on the spread would help")
    if np.any(result.grid_error > ve.GRID_TOLERANCE):
        found.append(f"the grid of tau did not settle (error {np.max(result.grid_error):.1g}); do not rely on the last digits")
    return [f"caveat: {text}" for text in found]


def shrink(
    estimate: ArrayLike,
    standard_error: ArrayLike,
    *,
    prior: PoolingPrior | None = None,
    level: float = 0.90,
    names: Sequence[object] | None = None,
) -> Shrinkage:
    r"""Pool estimates with known standard errors: the exact posterior of every true value.

    ``y_j ~ N(theta_j, se_j^2)``, ``theta_j ~ N(mu, tau^2)``. Given tau, with ``w_j = 1 / (se_j^2 + tau^2)``,
    ``mu | tau ~ N(sum(w y) / sum(w), 1 / sum(w))`` and ``theta_j | mu, tau ~ N(B_j mu + (1 - B_j) y_j, B_j tau^2)``,
    ``B_j = se_j^2 / (se_j^2 + tau^2)``. The weights of tau are
    ``p(tau | y) ~ p(tau) sum(w)^(-1/2) prod(w)^(1/2) exp(-1/2 sum(w (y - m)^2))``; one-dimensional quadrature does the rest.

    Parameters
    ----------
    estimate : (..., J) float, any unit; a pandas Series gives the names too
    standard_error : > 0, broadcast against `estimate`, same unit; taken as known
    prior : PoolingPrior, scales in the same unit; default flat on mu and on tau, proper from 3 estimates on
    level : probability inside the intervals, in (0, 1); default 0.90
    names : J labels of the estimates; default the index of a Series, else "1" to "J"

    Returns
    -------
    Shrinkage
        Posterior of theta, mu and tau, with DerSimonian-Laird and REML beside; every field states its unit.

    Raises
    ------
    DomainError
        If a number is not finite, a standard error is not > 0, shapes or names do not fit, `level` is outside (0, 1), or the
        estimates are too few for the prior (the posterior would not be proper).

    Notes
    -----
    Not for standard errors that are themselves rough guesses from a handful of decisions, nor for estimates whose errors are
    correlated (traders sharing sessions): both make the intervals too short. With 3 or 4 estimates and the flat prior the sd of
    tau is infinite, and so is that of mu; give a prior on the spread.

    References
    ----------
    Rubin (1981), Estimation in parallel randomized experiments, J. Educational Statistics 6, 377-401.
    Gelman (2006), Prior distributions for variance parameters in hierarchical models, Bayesian Analysis 1, 515-534.
    DerSimonian & Laird (1986), Meta-analysis in clinical trials, Controlled Clinical Trials 7, 177-188.
    Efron & Morris (1975), Data analysis using Stein's estimator and its generalizations, JASA 70, 311-319.

    Examples
    --------
    The eight schools, with the priors ``mu ~ N(0, 5^2)``, ``tau ~ half-Cauchy(5)``:

    >>> effect, error = [28, 8, -3, 7, -1, 1, 18, 12], [15, 10, 16, 11, 9, 11, 10, 18]
    >>> known = PoolingPrior(mean=Normal(0, 5), spread=HalfCauchy(5))
    >>> schools = shrink(effect, error, prior=known, names=list("ABCDEFGH"))
    >>> schools.mean.round(2).tolist()
    [6.21, 4.94, 3.93, 4.76, 3.62, 4.04, 6.3, 4.85]
    >>> round(float(schools.mu_mean), 2), round(float(schools.tau_mean), 2), round(float(schools.tau_median), 2)
    (4.4, 3.6, 2.75)
    >>> schools.to_pandas().loc["A", ["lower", "upper", "lfsr"]].round(3).to_list()
    [-1.536, 16.112, 0.095]
    """
    y, se = _read_arrays(estimate, standard_error)
    labels = _read_names(estimate, standard_error, names, y.shape[-1])
    if not 0 < level < 1:
        raise DomainError(f"level={level}, must lie strictly between 0 and 1; 0.90 gives a 90% interval")
    prior = prior or PoolingPrior()
    _require_proper(prior, y.shape[-1])
    flat_y, flat_se = y.reshape(-1, y.shape[-1]), se.reshape(-1, y.shape[-1])
    rows = max(1, CHUNK // ((y.shape[-1] + 1) * ve.SEARCH[0]))
    parts = [_solve(flat_y[i : i + rows], flat_se[i : i + rows], prior, level) for i in range(0, len(flat_y), rows)]
    lead = y.shape[:-1]
    numbers: dict[str, Any] = {}
    for key in parts[0]:
        joined = np.concatenate([part[key] for part in parts])
        numbers[key] = joined.reshape((*lead, *joined.shape[1:]))[()]
    return Shrinkage(estimate=y, standard_error=se, names=labels, level=level, prior=prior, **numbers)


def _solve(y: FloatArray, se: FloatArray, prior: PoolingPrior, level: float) -> dict[str, FloatArray]:
    """All numbers of `Shrinkage` for pools of shape (pool, estimate), each with the pool axis first."""
    pool = ve.standardise(y, se, prior)
    low, high = ve.find_support(pool)
    result = _classical_numbers(pool)
    left = np.arange(len(y))
    for size in ve.LADDER:
        part = pool.take(left)
        grid = ve.build_grid(part, low[left], high[left], size)
        settled = np.flatnonzero((grid.error <= ve.GRID_TOLERANCE) | (size == ve.LADDER[-1]))
        if settled.size:
            for key, value in _posterior_numbers(part.take(settled), grid.take(settled), level).items():
                result.setdefault(key, np.empty((len(y), *value.shape[1:])))[left[settled]] = value
        left = np.delete(left, settled)
        if not left.size:
            break
    return result


def _classical_numbers(pool: ve.Pool) -> dict[str, FloatArray]:
    """DerSimonian-Laird and REML, back in the unit of the estimates."""
    found = ve.estimate_classically(pool)
    unit, origin = pool.unit[:, 0], pool.origin[:, 0]
    result = {"q": found.q, "q_p": found.q_p, "i2": found.i2}
    for key, t2 in (("dl", found.tau2_dl), ("reml", found.tau2_reml)):
        centre, error, blup = ve.pool_given(pool, t2)
        result |= {f"tau2_{key}": t2 * unit**2, f"mu_{key}": origin + unit * centre, f"mu_{key}_se": unit * error}
        result[f"blup_{key}"] = pool.origin + pool.unit * blup
    return result


def _posterior_numbers(pool: ve.Pool, grid: ve.TauGrid, level: float) -> dict[str, FloatArray]:
    """Posterior of theta, mu and tau, back in the unit of the estimates."""
    unit, origin, exists = pool.unit[:, 0], pool.origin[:, 0], ve.moments_of_tau(pool)
    weight = grid.weight[:, None, :]
    mean_given, sd_given, pull = ve.mixture(pool, grid)
    mean = (weight * mean_given).sum(axis=-1)  # shape: (pool, estimate + 1), units; mu is the last
    sd = np.sqrt((weight * (sd_given**2 + (mean_given - mean[..., None]) ** 2)).sum(axis=-1))
    z = (mean_given[:, :-1] + (pool.origin / pool.unit)[..., None]) / sd_given[:, :-1]
    positive, negative = (weight * ndtr(z)).sum(axis=-1), (weight * ndtr(-z)).sum(axis=-1)
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    lower, upper = pool.origin + pool.unit * ve.mixture_quantiles(mean_given, sd_given, grid.weight, tails)
    tau_lower, tau_median, tau_upper = unit * ve.tau_quantiles(grid, np.array([tails[0], 0.5, tails[1]]))
    tau_mean, tau_sd = ve.tau_moments(pool, grid)
    if isinstance(pool.prior.mean, Flat):
        mean[:, -1] = mean[:, -1] if exists > 0 else np.nan
        sd[:, -1] = sd[:, -1] if exists > 1 else np.inf
    return {
        "mean": pool.origin + pool.unit * mean[:, :-1], "sd": pool.unit * sd[:, :-1],
        "lower": lower[:, :-1], "upper": upper[:, :-1],
        "p_positive": positive, "lfsr": np.minimum(positive, negative), "shrinkage": (weight * pull).sum(axis=-1),
        "mu_mean": origin + unit * mean[:, -1], "mu_sd": unit * sd[:, -1], "mu_lower": lower[:, -1], "mu_upper": upper[:, -1],
        "tau_mean": unit * tau_mean if exists > 0 else np.full_like(unit, np.inf), "tau_median": tau_median,
        "tau_sd": unit * tau_sd if exists > 1 else np.full_like(unit, np.inf), "tau_lower": tau_lower, "tau_upper": tau_upper,
        "grid_points": np.full_like(unit, grid.x.shape[1]), "grid_error": grid.error,
    }  # fmt: skip


def _read_arrays(estimate: ArrayLike, standard_error: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Both arguments as float64 arrays of one shape (..., estimate)."""
    try:
        y, se = np.asarray(estimate, dtype=np.float64), np.asarray(standard_error, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DomainError(f"estimate and standard_error must be arrays of numbers; {error}") from error
    try:
        y, se = (np.array(part) for part in np.broadcast_arrays(y, se))
    except ValueError as error:
        raise DomainError(f"estimate has shape {y.shape} and standard_error {se.shape}; they must broadcast") from error
    if y.ndim == 0 or y.size == 0:
        raise DomainError(f"estimate has shape {y.shape}; give at least one estimate on the last axis")
    checks = (
        ("estimate", y, ~np.isfinite(y), "must be a finite number; leave the entry out or correct it"),
        ("standard_error", se, ~(np.isfinite(se) & (se > 0)), "must be a finite number > 0; an exact value needs no pooling"),
        ("standard_error", se, (se > 0) & ~((se > 1e-150) & (se < 1e150)), "its square is no ordinary number; use another unit"),
    )
    found = [line for name, values, bad, rule in checks for line in _name_entries(name, values, bad, rule)]
    if found:
        raise DomainError("\n".join(found))
    return y, se


def _name_entries(name: str, values: FloatArray, bad: NDArray[np.bool_], rule: str) -> list[str]:
    """One line per bad entry, naming its index (from 0); the first few, then their number."""
    places = [tuple(int(i) for i in place) for place in np.argwhere(bad)]
    lines = [f"{name}[{', '.join(map(str, place))}]={values[place]}, {rule}" for place in places[:SHOWN_PROBLEMS]]
    return lines + [f"{name}: {len(places) - SHOWN_PROBLEMS} more like this"] * (len(places) > SHOWN_PROBLEMS)


def _read_names(estimate: ArrayLike, standard_error: ArrayLike, names: Sequence[object] | None, size: int) -> tuple[str, ...]:
    """Labels of the estimates."""
    if isinstance(estimate, pd.Series):
        if isinstance(standard_error, pd.Series) and not estimate.index.equals(standard_error.index):
            raise DomainError("estimate and standard_error are Series whose indexes differ; align them first")
        names = list(estimate.index) if names is None else names
    labels = tuple(str(name) for name in (range(1, size + 1) if names is None else names))
    if len(labels) != size:
        raise DomainError(f"names has {len(labels)} entries for {size} estimates; give one name per estimate of the last axis")
    return labels


def _require_proper(prior: PoolingPrior, size: int) -> None:
    """Refuse a prior under which `size` estimates leave an improper posterior."""
    if prior.tail_power(size) <= 1:
        needed = 3 if isinstance(prior.mean, Flat) else 2
        raise DomainError(
            f"{size} estimate{'s' * (size > 1)} with a flat prior on the spread, a proper posterior needs at least {needed}; "
            "give a prior, for example prior=PoolingPrior(spread=HalfNormal(sigma)), sigma in the unit of the estimates"
        )


def efron_morris_weight(estimate: ArrayLike, standard_error: ArrayLike) -> Value:
    """Positive-part James-Stein weight on the own estimate when shrinking towards the mean.

    ``c = max(0, 1 - (J - 3) se^2 / SS)`` with ``SS = sum((y - mean(y))^2)``; the estimate is ``mean(y) + c (y - mean(y))``.

    Parameters
    ----------
    estimate : (..., J) float, any unit, J >= 4
    standard_error : > 0, same unit, one value per pool (broadcast)

    Returns
    -------
    float or (...) array, no unit, in [0, 1]; 0 if all estimates agree

    Raises
    ------
    DomainError
        If a number is not finite, there are fewer than 4 estimates or the standard errors of a pool differ.

    References
    ----------
    Efron & Morris (1975), JASA 70, 311-319.

    Examples
    --------
    >>> round(float(efron_morris_weight([1.0, 2.0, 3.0, 6.0, 8.0], 1.0)), 3)
    0.941
    """
    y, se = _read_arrays(estimate, standard_error)
    size = y.shape[-1]
    if size < 4:
        raise DomainError(f"{size} estimates, at least 4 needed to shrink towards their mean; use shrink with a prior")
    if np.any(np.abs(se - se[..., :1]) > 1e-12 * se[..., :1]):
        raise DomainError("standard errors differ within a pool, one common value allowed; use shrink for unequal errors")
    square = ((y - y.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1)
    own = np.maximum(0.0, 1 - (size - 3) * se[..., 0] ** 2 / np.where(square > 0, square, np.inf))
    return np.where(square > 0, own, 0.0)[()]
