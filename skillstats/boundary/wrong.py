r"""Where is the model wrong: contexts of signals in which overriding it is worth more than the hurdle, as a list with a known share of errors.

A context is a crossing of up to three labels of a signal (signal type, regime, asset class). The value of overriding in it is the mean
value-add per unit of risk of the overrides made there, with day-clustered errors (`boundary.cells`), pooled over all contexts:

    theta_c = mu + sum_k a_{k, level_k(c)} + e_c,    a_k ~ N(0, tau_k^2),  e ~ N(0, tau_e^2),

a part for each label and one for the context itself, exact on a grid of the spreads (`boundary.pool`). Where the contexts fall in two groups,
most worth nothing and a few worth much, one bell curve pulls the worthless ones up. So P(theta > hurdle) is asked of a second population too,

    theta_c ~ (1 - pi) [exactly 0] + pi N(0, tau^2),    pi and tau on a grid, errors of contexts taken as separate,

and the smaller of the two is the one that counts. The list takes contexts by falling P while the mean of 1 - P over the list stays within
the rate (Muller, Parmigiani, Rice 2006), and none whose own doubt exceeds what a claim may have: sure entries must not pay for doubtful
ones. How many entries are false where the truth is such a mixture: `study.wrong_contexts`.

A context under the floor of sessions has no estimate of its own; what is known of it is the mean of the others, and it claims nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import reduce
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from skillstats.boundary.cells import CellMeans, cell_means
from skillstats.boundary.contexts import Label, check_look_ahead, contexts_of, cross, name_of, subset
from skillstats.boundary.finder import rule_of
from skillstats.boundary.pool import SPREADS, Partition, draw, learn_scale, solve
from skillstats.boundary.search import Rule
from skillstats.errors import SkillWithheld
from skillstats.evidence import Evidence, to_evidence
from skillstats.evidence.from_ledger import first_rows
from skillstats.ledger.containers import Ledger
from skillstats.plan import Plan

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
MOST_PARTED: Final = 48
"""Contexts up to which each label has a spread of its own; beyond, the contexts share one."""
MOST_CONTEXTS: Final = 400
DRAWS: Final = 4000
SHARES: Final = np.array([0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99])
"""Grid of the share of contexts whose value is not 0."""


@dataclass(frozen=True, slots=True)
class WrongContext:
    """Overriding in one context; values in annual IR of somebody whose decisions are all like these, 90% equal-tailed interval.

    levels : of the labels; rows, sessions : of the overrides
    raw, error : mean and day-clustered standard error, None in a thin context; mean, q05, q95 : pooled; in a thin context `mean` is that of
        all others and there is no interval
    p_above, p_below : P(value > hurdle), P(value < -hurdle), pooled; None in a thin context
    p_sure : the smaller of p_above and of its like in the second population, see the module: what the list goes by
    thin : too few sessions for an estimate of its own; listed : on the list; running : expected share of false entries up to this one
    """

    levels: tuple[str, ...]
    rows: int
    sessions: int
    raw: float | None
    error: float | None
    mean: float
    q05: float | None
    q95: float | None
    p_above: float | None
    p_below: float | None
    p_sure: float | None
    thin: bool
    listed: bool = False
    running: float | None = None


@dataclass(frozen=True, slots=True)
class ModelErrors:
    """The list of contexts in which overriding the model pays, and all other contexts.

    contexts : listed ones first, then by falling `p_sure`, thin ones last; labels : names of the labels
    unit : of the values; hurdle : in it; certainty, fdr, floor : of the rule
    expected_false : expected share of false entries of the list, None where it is empty
    """

    contexts: tuple[WrongContext, ...]
    labels: tuple[str, ...]
    unit: str
    hurdle: float
    certainty: float
    fdr: float
    floor: int
    expected_false: float | None

    @property
    def listed(self) -> tuple[WrongContext, ...]:
        """Contexts in which the model is wrong, surest first."""
        return tuple(c for c in self.contexts if c.listed)

    def to_pandas(self) -> pd.DataFrame:
        """One row a context, a column a label."""
        rows = [
            dict(zip(self.labels, c.levels, strict=True)) | {k: v for k, v in asdict(c).items() if k != "levels"}
            for c in self.contexts
        ]
        return pd.DataFrame(rows)

    def summary(self) -> pd.DataFrame:
        """The columns a reader looks at first."""
        frame = self.to_pandas()
        return (
            frame[[*self.labels, "rows", "sessions", "mean", "q05", "q95", "p_above", "p_sure", "listed"]]
            if len(frame)
            else frame
        )

    def __str__(self) -> str:
        share = "" if self.expected_false is None else f", {self.expected_false:.0%} of them expected false"
        return (
            f"The model is wrong in {len(self.listed)} of {len(self.contexts)} contexts (overriding worth more than {self.hurdle:g} {self.unit}{share})\n"
            f"{self.summary().to_string(index=False, float_format=lambda v: f'{v:.3g}')}"
        )


def find_model_errors(
    ledger: Ledger,
    *,
    labels: Sequence[str] | None = None,
    among: Collection[tuple[str, ...]] | None = None,
    plan: Plan | None = None,
    evidence: Evidence | None = None,
    seed: int = 1,
) -> ModelErrors:
    """Contexts of signals in which overriding the model is worth more than the hurdle, under false-discovery control.

    Parameters
    ----------
    ledger : Ledger
    labels : one to three labels known before the signal; default signal type, regimes and asset class, as far as they tell signals apart
    among : levels of the contexts that may be judged; nothing of the others enters; default all
    plan : hurdle, certainty, rate and least sessions; default that of the ledger
    evidence : of the ledger, if it was made before
    seed : of the posterior draws

    Returns
    -------
    ModelErrors

    Raises
    ------
    SkillWithheld
        If a regime label was not known before its decision, or nothing tells signals apart.

    Notes
    -----
    The list is about overrides people chose to make. That overriding pays in a context does not say that every signal of it is wrong.
    """
    if check_look_ahead(ledger):
        raise SkillWithheld("E-LOOK a regime label was not known before its decision; nothing is judged")
    plan, made = plan or ledger.plan, evidence if evidence is not None else to_evidence(ledger)
    known = subset(contexts_of(ledger), first_rows(ledger)[made.decision])
    wanted = tuple(labels) if labels is not None else default_labels(known)
    if not wanted or not set(wanted) <= set(known):
        raise SkillWithheld(f"no label tells signals apart; contexts are made of {', '.join(known) or 'nothing here'}")
    rule = rule_of(made, plan)
    cells, share = judge_contexts(made.y, made.session, {k: known[k] for k in wanted}, rule, among=among, seed=seed)
    return ModelErrors(
        cells, tuple(name_of(k) for k in wanted), "annual IR", rule.hurdle, rule.certainty, rule.fdr, rule.floor, share
    )


def default_labels(known: Mapping[str, Label]) -> tuple[str, ...]:
    """Signal type, regimes and asset class as far as they exist, three at most."""
    regimes = [k for k in known if k.startswith("regime_")]
    return tuple(k for k in ("signal_type", *regimes, "asset_class") if k in known)[:3]


def judge_contexts(
    y: FloatArray,
    session: IntArray,
    labels: Mapping[str, Label],
    rule: Rule,
    *,
    among: Collection[tuple[str, ...]] | None = None,
    seed: int = 1,
) -> tuple[tuple[WrongContext, ...], float | None]:
    """Every context by its posterior, the list marked; the expected share of false entries.

    Parameters
    ----------
    y : (row,) value per unit of risk of an override; session : (row,) int64; labels : one to three, over the same rows
    rule : hurdle, certainty, rate and floor; among : see `find_model_errors`

    Raises
    ------
    SkillWithheld
        If there are more than `MOST_CONTEXTS` contexts.
    """
    own = list(labels.values())
    crossed = reduce(cross, own)
    sizes = [len(label.levels) for label in own]
    levels = [_levels(k, own, sizes) for k in range(int(np.prod(sizes)))]
    codes = crossed.codes.copy()
    if among is not None:
        allowed = np.array([lv in frozenset(among) for lv in levels], dtype=bool)
        codes = np.where((codes >= 0) & allowed[codes], codes, -1)
    used = np.unique(codes[codes >= 0])
    if len(used) > MOST_CONTEXTS:
        raise SkillWithheld(f"{len(used)} contexts, at most {MOST_CONTEXTS} can be told apart; name fewer labels")
    scale = float(np.std(y[codes >= 0])) if len(used) else 1.0
    means = cell_means(y / (scale or 1.0), session, codes, floor=rule.floor)
    value = _draws(means, sizes, rule, seed) / rule.unit  # shape: (draw, context), annual IR
    most = two_groups(means.mean / rule.unit, means.error / rule.unit, rule.hurdle)
    cells = [_context(levels[k], means, i, value[:, i], rule, float(most[i])) for i, k in enumerate(means.level.tolist())]
    marked, share = _list_of(cells, rule)
    centre = float(np.average([c.mean for c in cells], weights=means.rows)) if cells else 0.0
    thin = [
        WrongContext(levels[k], rows, days, None, None, centre, None, None, None, None, None, True)
        for k, rows, days in means.thin
    ]
    return (*marked, *thin), share


def _levels(code: int, labels: Sequence[Label], sizes: Sequence[int]) -> tuple[str, ...]:
    """Levels behind the code of a crossing."""
    found = []
    for label, size in zip(reversed(labels), reversed(sizes), strict=True):
        code, k = divmod(code, size)
        found.append(label.levels[k])
    return tuple(reversed(found))


def _draws(means: CellMeans, sizes: Sequence[int], rule: Rule, seed: int) -> FloatArray:
    """Posterior draws (draw, context) in units of the standardised outcomes."""
    count = len(means)
    if count < 2:  # nothing to pool with: the estimate under a flat prior
        noise = np.random.default_rng([seed, 29]).standard_normal((DRAWS, count))
        return means.mean + noise * means.error
    designs = []
    for place, size in enumerate(sizes):
        level = means.level // int(np.prod(sizes[place + 1 :])) % size
        if len(sizes) > 1 and 1 < len(np.unique(level)) < count <= MOST_PARTED:
            designs.append((level[:, None] == np.unique(level)).astype(float))
    grid = solve(Partition(means.mean, means.covariance, (*designs, np.eye(count))), rule.unit)
    return draw(grid, learn_scale([grid]), DRAWS, np.random.default_rng([seed, 29]))


def two_groups(estimate: FloatArray, error: FloatArray, hurdle: float) -> FloatArray:
    """P(value > hurdle) where a share of the values is exactly 0 and the others are a bell curve around 0, (context,).

    Parameters
    ----------
    estimate, error : (context,) annual IR; hurdle : annual IR, > 0

    Examples
    --------
    Among twenty contexts worth nothing, one at three errors is far from sure:

    >>> two_groups(np.r_[np.zeros(20), 3.0], np.ones(21), 0.25)[-1].round(2)
    np.float64(0.27)
    """
    if not len(estimate):
        return np.zeros(0)
    pi, tau = (a.ravel()[:, None] for a in np.meshgrid(SHARES, SPREADS[1:], indexing="ij"))
    null, slab = (stats.norm.logpdf(estimate, 0.0, np.sqrt(error**2 + t**2)) for t in (0.0, tau))
    both = np.logaddexp(np.log1p(-pi) + null, np.log(pi) + slab)  # shape: (grid, context)
    log = both.sum(axis=1) - np.log1p(tau[:, 0] ** 2)  # half-Cauchy prior of tau of scale 1 on a grid that is even in log tau
    log = log + np.log(tau[:, 0])
    weight = np.exp(log - log.max())
    in_slab = np.exp(np.log(pi) + slab - both)
    shrink = tau**2 / (tau**2 + error**2)
    centre, spread = shrink * estimate, np.sqrt(shrink) * error
    return np.asarray((in_slab * stats.norm.cdf((centre - hurdle) / spread)).T @ weight / weight.sum())


def _context(levels: tuple[str, ...], means: CellMeans, at: int, value: FloatArray, rule: Rule, most: float) -> WrongContext:
    low, high = np.quantile(value, (0.05, 0.95))
    return WrongContext(
        levels=levels, rows=int(means.rows[at]), sessions=int(means.sessions[at]),
        raw=float(means.mean[at] / rule.unit), error=float(means.error[at] / rule.unit),
        mean=float(value.mean()), q05=float(low), q95=float(high),
        p_above=(above := float((value > rule.hurdle).mean())), p_below=float((value < -rule.hurdle).mean()), p_sure=min(above, most), thin=False,
    )  # fmt: skip


def _list_of(cells: Sequence[WrongContext], rule: Rule) -> tuple[list[WrongContext], float | None]:
    """Contexts by falling probability, those on the list marked, and the expected share of false entries."""
    ordered = sorted(cells, key=lambda c: (-(c.p_sure or 0.0), -c.mean, c.levels))
    doubts = np.array([1 - (c.p_sure or 0.0) for c in ordered])
    running = np.cumsum(doubts) / np.arange(1, len(doubts) + 1)
    good = (running <= rule.fdr) & (doubts <= 1 - rule.certainty) & (rule.hurdle > 0)
    size = int(np.argmin(good)) if not good.all() else len(good)
    marked = [replace(c, listed=True, running=float(running[i])) if i < size else c for i, c in enumerate(ordered)]
    return marked, float(running[size - 1]) if size else None
