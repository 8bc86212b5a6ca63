"""The classical statistics of a desk, side by side: what a t test, a Sharpe ratio and the corrections for many traders would say.

**Benchmarks, not the verdict.** They look at one trader at a time or at the best of all, know neither a desk's prior nor what traders
share, and answer "could this be luck?", never "how much skill, and is it worth acting on?". They are shown so that a firm that uses them
sees its own numbers beside the posterior, and so that disagreement can be talked about.

Outcomes are the standardised ones of the evidence, ``y = value_add / risk``. A trader's day is the sum of y over it. t is that of the mean
of the rows with errors clustered by day, its p-value one-sided for a mean above 0 by Student's t with days - 1 degrees of freedom. Sharpe
ratios are those of the active days; tests across traders take days without a decision as 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtr

from skillstats.attribution.day_bootstrap import block_length
from skillstats.evidence import Evidence, to_evidence
from skillstats.ledger.containers import Ledger
from skillstats.luck import sharpe
from skillstats.luck.multiplicity import LuckyShares, adjusted, best_by_luck, clustered_t, compare_with_nothing, lucky_shares
from skillstats.plan import Plan

FloatArray = NDArray[np.float64]
LEAST_DAYS: Final = 10
"""Active days below which a trader gets no classical number."""
LABEL: Final = "benchmark, not the verdict"


@dataclass(frozen=True, slots=True)
class ClassicRow:
    """One trader; None where he has too few days, and `note` says so.

    ir_day : mean / sd of the day totals of y; ir_day_error : its standard error, autocorrelated after Lo for a record, of independent
    days for outcomes; ir_annual : ir_day x root of the active days a year, without corrections, None without a year
    overstated : E(sample IR) / true IR of as many normal days
    t, p : of the mean of the rows, errors clustered by day; p one-sided for a mean above 0; p_bh, p_by : adjusted for the desk
    psr : confidence that ir_day > 0; dsr : that it exceeds what the best of the desk reaches by luck; days_needed : MinTRL of the psr
    better : in the StepM set (better than nothing, family-wise 5%); best : in the MCS (may be the best, 90%), None where not asked
    """

    trader: str
    days: int
    ir_day: float | None = None
    ir_day_error: float | None = None
    ir_annual: float | None = None
    overstated: float | None = None
    t: float | None = None
    p: float | None = None
    p_bh: float | None = None
    p_by: float | None = None
    psr: float | None = None
    dsr: float | None = None
    days_needed: float | None = None
    better: bool | None = None
    best: bool | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Classics:
    """Classical benchmarks of a desk.

    rows : one a trader; judged : traders with numbers
    spa_p : p-value that nobody is better than nothing; None below two sessions or traders
    luck : {q05, q50, q95} of the largest t of a desk like this one without any skill
    ir_day_by_luck : IR of a day that the best of the desk reaches in expectation by luck, the bar of the DSR
    block, draws, seed : of the stationary bootstrap, block in sessions
    shares : the method of Barras, Scaillet and Wermers; not identified at desk size, on no page
    """

    rows: tuple[ClassicRow, ...]
    judged: int
    spa_p: float | None
    luck: Mapping[str, float] | None
    ir_day_by_luck: float | None
    block: float
    draws: int
    seed: int
    shares: LuckyShares | None
    label: str = LABEL

    def to_pandas(self) -> pd.DataFrame:
        """One line a trader."""
        return pd.DataFrame([asdict(r) for r in self.rows], columns=list(ClassicRow.__slots__))

    def summary(self) -> pd.DataFrame:
        """The columns most people look for: t, p, adjusted p, PSR, DSR, days needed, the two sets."""
        frame = self.to_pandas().set_index("trader")
        return frame[["days", "ir_day", "t", "p", "p_bh", "psr", "dsr", "days_needed", "better", "best"]]

    def __str__(self) -> str:
        t = [r.t for r in self.rows if r.t is not None]
        best = f"; largest t {max(t):.2f}, by luck alone up to {self.luck['q95']:.2f} in 95%" if t and self.luck else ""
        spa = "" if self.spa_p is None else f"; SPA p {self.spa_p:.3f}"
        return f"Classics ({self.label}): {self.judged} of {len(self.rows)} traders with numbers{best}{spa}; block {self.block:.1f} sessions"


def classics(given: Ledger | Evidence, *, seed: int = 1, draws: int = 1000, block: float | None = None) -> Classics:
    """Classical benchmarks: t tests, probabilistic and deflated Sharpe ratio, minimum track record, SPA, StepM, MCS, false-discovery rates.

    Parameters
    ----------
    given : a ledger, or evidence (also of an outcomes table)
    seed, draws : of the stationary bootstrap; block : mean block in sessions, None: by the rule of Politis and White, and 1 for an
        outcomes table, whose sessions have no order

    Returns
    -------
    Classics

    Raises
    ------
    SkillWithheld
        If a ledger has no decision that can be judged.

    Notes
    -----
    The trials of the deflated Sharpe ratio are the traders of the desk; whoever tried more than is recorded (rules, people who left)
    deflates too little.
    """
    evidence = to_evidence(given) if isinstance(given, Ledger) else given
    total, count = day_matrix(evidence)
    days = np.asarray((count > 0).sum(axis=0))
    t = clustered_t(total, count)
    able = np.flatnonzero((days >= LEAST_DAYS) & np.isfinite(t) & (np.ptp(total, axis=0) > 0))
    total, count = total[:, able], count[:, able]
    ordered = evidence.source == "record"
    mean_block = block if block is not None else block_length(total) if ordered and len(able) else 1.0
    rows = {int(j): _alone(evidence, total[:, k], count[:, k], float(t[j])) for k, j in enumerate(able)}
    together = _together(rows, total, count, block=mean_block, draws=draws, seed=seed)
    names = evidence.coords["trader"]
    few = f"fewer than {LEAST_DAYS} active days, or outcomes that do not vary"
    every = tuple(
        ClassicRow(name, int(days[j]), note=few) if j not in rows else ClassicRow(name, **(rows[j] | together.rows[j]))
        for j, name in enumerate(names)
    )
    return Classics(
        every, len(rows), together.spa_p, together.luck, together.by_luck, float(mean_block), draws, seed,
        together.shares,
    )  # fmt: skip


def day_matrix(evidence: Evidence) -> tuple[FloatArray, FloatArray]:
    """Sum of y and number of rows of each (session, trader), 0 where there are none; sessions in the order of their codes."""
    shape = (len(evidence.coords["session"]), len(evidence.coords["trader"]))
    cell = evidence.session * shape[1] + evidence.trader
    total = np.bincount(cell, weights=evidence.y, minlength=shape[0] * shape[1]).reshape(shape)
    count = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape).astype(float)
    seen = count.any(axis=1)
    return total[seen], count[seen]


def _alone(evidence: Evidence, total: FloatArray, count: FloatArray, t: float) -> dict[str, Any]:
    """What is said of one trader without the others."""
    own = total[count > 0]
    n = len(own)
    z = (own - own.mean()) / own.std()
    skew, kurtosis = float(np.mean(z**3)), float(np.mean(z**4))
    ir = float(own.mean() / own.std(ddof=1))
    year = evidence.sessions_per_year
    active = None if year is None else n * year / max(evidence.sessions_spanned, n)
    error = sharpe.autocorrelated_error(own) if evidence.source == "record" else None
    needed = float(sharpe.minimum_track_record(ir, skew=skew, kurtosis=kurtosis))
    return {
        "days": n,
        "ir_day": ir,
        "ir_day_error": error or float(sharpe.sharpe_error(ir, n, skew=skew, kurtosis=kurtosis)),
        "ir_annual": None if active is None else float(ir * np.sqrt(active)),
        "overstated": float(sharpe.small_sample_factor(n)),
        "t": t,
        "p": float(1 - stdtr(n - 1, t)),
        "psr": float(sharpe.probabilistic_sharpe(ir, n, skew=skew, kurtosis=kurtosis)),
        "days_needed": needed if np.isfinite(needed) else None,
        "_moments": (skew, kurtosis),
    }


@dataclass(frozen=True, slots=True)
class _Together:
    """What takes the whole desk: further columns by trader, and the figures of the desk."""

    rows: Mapping[int, dict[str, Any]]
    spa_p: float | None
    luck: Mapping[str, float] | None
    by_luck: float | None
    shares: LuckyShares | None


def _together(
    rows: dict[int, dict[str, Any]], total: FloatArray, count: FloatArray, *, block: float, draws: int, seed: int
) -> _Together:
    """Corrections for the number of traders; takes the helper columns out of `rows`."""
    if not rows:
        return _Together({}, None, None, None, None)
    at, irs = list(rows), np.array([r["ir_day"] for r in rows.values()])
    p = np.array([r["p"] for r in rows.values()])
    by_luck = float(sharpe.expected_maximum(len(at), float(irs.var(ddof=1)) if len(at) > 1 else 0.0))
    bh, by = adjusted(p, "bh"), adjusted(p, "by")
    tests = compare_with_nothing(total, block=block, draws=draws, seed=seed) if len(total) >= LEAST_DAYS else None
    further = {}
    for k, j in enumerate(at):
        skew, kurtosis = rows[j].pop("_moments")
        dsr = sharpe.probabilistic_sharpe(irs[k], rows[j]["days"], benchmark=by_luck, skew=skew, kurtosis=kurtosis)
        sets = (None, None) if tests is None else (k in tests.better, k in tests.best if tests.best else None)
        further[j] = {"p_bh": float(bh[k]), "p_by": float(by[k]), "dsr": float(dsr), "better": sets[0], "best": sets[1]}
    largest = best_by_luck(total, count, block=block, draws=draws, seed=seed)
    luck = (
        dict(zip(("q05", "q50", "q95"), map(float, np.quantile(largest, (0.05, 0.5, 0.95))), strict=True))
        if len(largest)
        else None
    )
    shares = lucky_shares(2 * np.minimum(p, 1 - p), [r["t"] for r in rows.values()])
    return _Together(further, tests.spa_p if tests else None, luck, by_luck, shares)


def classics_block(_ledger: Ledger, evidence: Evidence | None, _plan: Plan, *, seed: int) -> dict[str, Any]:
    """Block ``classics``: see `classics`; the shares of lucky people are left out, as they are not identified."""
    if evidence is None:
        return {"available": False, "why": "No decision of a person can be judged, so there is nothing to test."}
    found = classics(evidence, seed=seed)
    if not found.judged:
        return {"available": False, "why": f"No trader has {LEAST_DAYS} active days with outcomes that vary."}
    shown = {k: v for k, v in asdict(found).items() if k not in ("shares", "rows")}
    return {"available": True, **shown, "rows": [asdict(r) for r in found.rows]}
