"""The metrics of a study, by word: each a function of one estimator's rows in one cell (world x design), of all resamples at once.

Every metric that a method has no answer for is NaN. Rows of a failed fit have no estimate: they count as not covered, not claimed and capped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from skillstats.study.bands import rank_p_value
from skillstats.study.estimators.protocol import FRACTIONS, worth
from skillstats.study.planned.equal_power import false_at_power
from skillstats.study.planned.resample import ratio, weighted
from skillstats.study.replicate import RANKED

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Cell:
    """Rows of one estimator in one cell.

    rows : columns of `work.ROWS`, the judged ones; desk : (row,) place of each row's desk; weights : (1 + resample, desk)
    hurdle, skilled : annual IRs; found : share at which false promotions are compared
    """

    rows: pd.DataFrame
    desk: NDArray[np.int64]
    weights: FloatArray
    hurdle: float
    skilled: float
    found: float

    def column(self, name: str) -> FloatArray:
        """A column as numbers, (row,)."""
        return self.rows[name].to_numpy(dtype=float)

    @property
    def claim(self) -> BoolArray:
        """Whether skill is claimed."""
        return self.rows["claim"].to_numpy(dtype=bool)

    @property
    def innocent(self) -> BoolArray:
        """Whose annual IR does not exceed the hurdle."""
        return self.column("ir") <= self.hurdle

    @property
    def able(self) -> BoolArray:
        """Who counts as skilled."""
        return self.column("ir") > self.skilled

    @property
    def failed(self) -> BoolArray:
        """Rows of a fit that failed."""
        return (self.rows["failed"] != "").to_numpy()

    def mean(self, values: FloatArray, among: BoolArray) -> FloatArray:
        """Mean of values over some rows in each resample."""
        return ratio(self.weights, self.desk, np.where(among, values, 0.0), among.astype(float))


def bias(c: Cell) -> FloatArray:
    """Mean of estimate - theta."""
    off = c.column("estimate") - c.column("theta")
    return c.mean(off, np.isfinite(off))


def rmse(c: Cell) -> FloatArray:
    """Root of the mean of (estimate - theta)^2."""
    off = c.column("estimate") - c.column("theta")
    return np.asarray(np.sqrt(c.mean(off**2, np.isfinite(off))))


def coverage(c: Cell) -> FloatArray:
    """Share of 90% intervals that hold theta."""
    low, high, theta = (c.column(k) for k in ("low90", "high90", "theta"))
    with_one = np.isfinite(low) & np.isfinite(high)
    if not with_one.any():
        return np.full(len(c.weights), np.nan)
    return c.mean(((low <= theta) & (theta <= high)).astype(float), with_one | c.failed)


def width(c: Cell) -> FloatArray:
    """Mean width of 90% intervals."""
    wide = c.column("high90") - c.column("low90")
    return c.mean(wide, np.isfinite(wide))


def rank_correlation(c: Cell) -> FloatArray:
    """Mean over desks of the rank correlation (Spearman) of score and theta."""
    desks = c.weights.shape[1]
    found = np.full(desks, np.nan)
    score, theta = c.column("score"), c.column("theta")
    order = np.argsort(c.desk, kind="stable")
    for block in np.split(order, np.flatnonzero(np.diff(c.desk[order])) + 1):
        s, t = score[block], theta[block]
        known = np.isfinite(t) & ~np.isnan(s)
        if known.sum() > 2 and np.ptp(t[known]) > 0 and len(np.unique(s[known])) > 1:
            found[c.desk[block[0]]] = stats.spearmanr(s[known], t[known]).statistic
    has = np.isfinite(found)
    count = weighted(c.weights, has.astype(float))
    return weighted(c.weights, np.where(has, found, 0.0)) / np.where(count > 0, count, np.nan)


def false_promote(c: Cell) -> FloatArray:
    """Share of those whose annual IR does not exceed the hurdle who are claimed to have skill."""
    return c.mean(c.claim.astype(float), c.innocent)


def missed_skill(c: Cell) -> FloatArray:
    """Share of the skilled who are not claimed."""
    return c.mean((~c.claim).astype(float), c.able)


def equal_power(c: Cell) -> FloatArray:
    """False promotions at equal power, see `equal_power`."""
    score = c.column("score")
    return false_at_power(c.weights, c.desk, score, c.able, c.innocent, c.found)


def type_s(c: Cell) -> FloatArray:
    """Share of claims whose true IR is not positive."""
    return c.mean((c.column("theta") <= 0).astype(float), c.claim)


def type_m(c: Cell) -> FloatArray:
    """By how much claims exaggerate: sum of estimates over sum of truths, among claims of people whose IR is positive."""
    estimate, theta = c.column("estimate"), c.column("theta")
    among = c.claim & (theta > 0) & np.isfinite(estimate)
    return ratio(c.weights, c.desk, np.where(among, estimate, 0.0), np.where(among, theta, 0.0))


def log_score(c: Cell) -> FloatArray:
    """Mean log density of the realised mean of the next 63 sessions, under Normal(estimate, sqrt(sd^2 + luck^2)), nats; higher is better."""
    spread = np.sqrt(c.column("sd") ** 2 + c.column("luck") ** 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        score = stats.norm.logpdf(c.column("forward"), c.column("estimate"), spread)
    return c.mean(score, np.isfinite(score))


def regret(c: Cell) -> FloatArray:
    """Mean worth lost against the best act, annual IR a trader; see `estimators.protocol`."""
    ir = c.column("ir")
    table = {act: worth(act, ir, c.hurdle) for act in FRACTIONS}
    best = np.max(np.stack(list(table.values())), axis=0)
    chosen = np.select([(c.rows["decision"] == act).to_numpy() for act in FRACTIONS], list(table.values()), default=np.nan)
    lost = best - chosen
    return c.mean(lost, np.isfinite(lost))


def ranks(c: Cell) -> FloatArray:
    """p-value that the truth's ranks among 99 draws are uniform, one trader a desk (calibration where the world is the model's prior); exact, no error."""
    first = np.sort(np.unique(c.desk, return_index=True)[1])
    values = c.rows["rank"].to_numpy(dtype=np.int64)[first]
    own = np.full(len(c.weights), np.nan)
    if (values >= 0).all() and len(values) >= 20:
        own[0] = rank_p_value(values, RANKED + 1)
    return own


def failures(c: Cell) -> FloatArray:
    """Share of rows of a fit that failed."""
    return c.mean(c.failed.astype(float), np.ones(len(c.rows), dtype=bool))


class Metric(NamedTuple):
    """A metric: what it is for tables, which way is better (``low``, ``high``, ``nominal`` for 90%, empty for neither), and the function."""

    title: str
    better: str
    of: Callable[[Cell], FloatArray]


METRICS: Final[Mapping[str, Metric]] = {
    "bias": Metric("bias", "", bias),
    "rmse": Metric("RMSE", "low", rmse),
    "coverage": Metric("coverage of 90% intervals", "nominal", coverage),
    "width": Metric("width of 90% intervals", "", width),
    "rank_correlation": Metric("rank correlation", "high", rank_correlation),
    "false_promote": Metric("false-promote rate", "low", false_promote),
    "missed_skill": Metric("missed-skill rate", "low", missed_skill),
    "equal_power": Metric("false-promote rate at equal power", "low", equal_power),
    "type_s": Metric("type S: claims without skill", "low", type_s),
    "type_m": Metric("type M: exaggeration of claims", "", type_m),
    "log_score": Metric("log score of the next quarter", "high", log_score),
    "regret": Metric("regret of keep, cap, revoke", "low", regret),
    "ranks": Metric("p of uniform ranks (SBC)", "", ranks),
    "failures": Metric("failed fits", "", failures),
}
"""Word to metric, in the order of tables."""
