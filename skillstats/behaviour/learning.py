"""Could a shallow rule replace the trader, and what does the trader add beyond it?

Walking forward: the rule (`rule`) is trained on the sessions before a stretch and applied to the stretch, 20 sessions at a time. A training
session counts only if every horizon in it had closed before the stretch begins (purging), so that no outcome of the stretch is in the rule. The
target is v* of ALL signals, touched or not. On the stretches, per unit of the whole order's risk and against the model alone,

    adjusted = value          what the traders' choices were worth, execution included,
    rule     = veto * v*      what the rule's vetoes would have been worth,
    copy     = chance * v*    what a copy of the trader would: it vetoes as often as a tree of earlier choices predicts,
    beyond   = value - veto * v*.

Intervals are 90% equal-tailed, clustered by blocks of sessions (`contrast`); beside them percentiles of a circular block bootstrap of sessions.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from arch.bootstrap import CircularBlockBootstrap
from numpy.typing import NDArray
from statsmodels.stats.multitest import multipletests

from skillstats.behaviour.contrast import Contrast, block_length, contrast, session_blocks
from skillstats.behaviour.decided import Decided, decided_of
from skillstats.behaviour.features import Features, as_table, features_of
from skillstats.behaviour.rule import DEPTH, Leaf, Rule, imitate, train_rule
from skillstats.errors import SkillWithheld, UsageError
from skillstats.ledger.containers import Ledger

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
ARMS: Final = ("adjusted", "rule", "copy", "beyond")
FIRST: Final = 40
"""Sessions before the first stretch."""
STEP: Final = 20
LEAST_TRAINING: Final = 400
"""Training signals below which no rule is made."""
REPETITIONS: Final = 999


@dataclass(frozen=True, slots=True)
class Arm:
    """What one way of deciding was worth out of sample, against the model alone.

    trader : None for all of them together; arm : one of `ARMS`; n, sessions : signals and sessions of the stretches
    mean, q05, q95 : per signal, per unit of its risk; boot_q05, boot_q95 : the same interval by bootstrap; None where too few sessions
    p : of a mean of at most 0; detectable : mean found with 80% power by a test at 5%
    money, money_q05, money_q95 : total, currency; found : beyond, after false-discovery control over the traders
    """

    trader: str | None
    arm: str
    n: int
    sessions: int
    mean: float
    q05: float | None
    q95: float | None
    boot_q05: float | None
    boot_q95: float | None
    p: float | None
    detectable: float | None
    money: float
    money_q05: float | None
    money_q95: float | None
    found: bool


@dataclass(frozen=True, slots=True)
class Copied:
    """How well a tree foresees what a trader touches. rate : share touched; gain : Brier skill over the earlier rate, share; q05, q95 : of it."""

    trader: str
    n: int
    rate: float
    gain: float
    q05: float | None
    q95: float | None


@dataclass(frozen=True)
class Learning:
    """Out-of-sample comparison of the traders with a rule.

    arms, copied : see there; model_money : the model alone on the same signals, currency; leaves : of the rule trained on everything that has
    closed, to be used from now on; history : the rule in force in each stretch, first session and words; counts : signals not used
    """

    arms: tuple[Arm, ...]
    copied: tuple[Copied, ...]
    model_money: float
    leaves: tuple[Leaf, ...]
    history: tuple[tuple[str, str], ...]
    counts: dict[str, int]

    def arm(self, name: str, trader: str | None = None) -> Arm:
        """One arm of a trader, or of all."""
        return next(a for a in self.arms if a.arm == name and a.trader == trader)

    @property
    def rule(self) -> str:
        """The rule to be used from now on, in words."""
        vetoed = [leaf for leaf in self.leaves if leaf.veto]
        return "; ".join(f"veto {leaf.words}" for leaf in vetoed) if vetoed else "follow every signal"

    def to_pandas(self) -> pd.DataFrame:
        """One row an arm and trader, without a name for all of them together."""
        return pd.DataFrame([asdict(a) for a in self.arms])

    def summary(self) -> pd.DataFrame:
        """The arms of all traders together."""
        frame = self.to_pandas()
        return frame[frame["trader"].isna()].drop(columns="trader").reset_index(drop=True)

    def __str__(self) -> str:
        lines = [
            f"Learning: {self.arm('rule').n} signals of {self.arm('rule').sessions} sessions out of sample, against the model alone"
        ]
        for name in ARMS:
            a = self.arm(name)
            ends = f" [{a.q05:+.3f}, {a.q95:+.3f}]" if a.q05 is not None else ""
            lines.append(f"  {name}: {a.mean:+.3f}{ends} per unit of risk, {a.money:,.0f} in money")
        return "\n".join([*lines, f"  rule from now on: {self.rule}"])


def learn_rule(
    ledger: Ledger, *, features: pd.DataFrame | None = None, depth: int = DEPTH, step: int = STEP, seed: int | None = None
) -> Learning:
    """Train a shallow rule walking forward and compare it with the traders.

    Parameters
    ----------
    ledger : Ledger
    features : further columns known at the signals: ``time`` (with a zone), optionally ``asset``, one column a feature; default: the table
        `features` of the record. They are read strictly as-of
    depth : most questions of the rule, 1 to 3; step : sessions of a stretch
    seed : of the bootstrap; default: the plan's

    Returns
    -------
    Learning

    Raises
    ------
    SkillWithheld
        If there are too few sessions or signals to train on and to test on.
    UsageError
        If `depth`, `step` or `features` is not as it must be.

    Notes
    -----
    The rule can veto only. A trader's resizes and delays count in `adjusted` and `beyond` all the same.
    """
    if not 1 <= depth <= DEPTH or step < 5:
        raise UsageError(f"depth={depth}, step={step}: depth must be 1 to {DEPTH}, step at least 5 sessions")
    further = ledger.carried.get("features") if features is None else as_table(features)
    return learning_of(
        decided_of(ledger), ledger.plan.seed if seed is None else seed, ledger.plan.verdict.fdr, further, depth, step
    )


def learning_of(
    d: Decided, seed: int, fdr: float, further: pa.Table | None = None, depth: int = DEPTH, step: int = STEP
) -> Learning:
    """See `learn_rule`."""
    d = d.take(np.isfinite(d.v_star) & np.isfinite(d.value))
    features = features_of(d, further)
    walked = walk_forward(d, features, depth=depth, step=step)
    if not walked.tested.any():
        raise SkillWithheld(
            f"{len(np.unique(d.session))} sessions and {len(d)} closed signals; a rule needs {FIRST} sessions and {LEAST_TRAINING} signals to be "
            "trained on, and later ones to be tested on"
        )
    t = walked.tested
    part = d.take(t)
    veto, chance = walked.veto[t], walked.chance[t]
    worth = {"adjusted": part.value, "rule": veto * part.v_star, "copy": chance * part.v_star}
    worth["beyond"] = worth["adjusted"] - worth["rule"]
    last = train_rule(features.values, features.columns, d.v_star, session_blocks(d.session, d.span), depth=depth)
    return Learning(
        arms=_arms(part, worth, seed, fdr),
        copied=_copies(part, chance, walked.base[t]),
        model_money=float(-(part.v_star * part.risk).sum()),
        leaves=tuple(sorted(set(last.leaves.values()), key=lambda leaf: -leaf.mean)),
        history=tuple((d.coords["session"][s], str(rule)) for s, rule in walked.rules),
        counts=dict(d.counts),
    )


@dataclass(frozen=True)
class Walked:
    """Decisions of the rules on the stretches: tested, veto : (row,) bool; chance, base : (row,) of being touched, by the copy and by the earlier
    rate; rules : first session of each stretch and the rule in force.
    """

    tested: NDArray[np.bool_]
    veto: NDArray[np.bool_]
    chance: FloatArray
    base: FloatArray
    rules: tuple[tuple[int, Rule], ...]


def walk_forward(d: Decided, features: Features, *, depth: int = DEPTH, step: int = STEP) -> Walked:
    """Apply to each stretch of `step` sessions the rules trained before it; nothing at or after the stretch is used."""
    n = len(d)
    tested, veto, chance, base, rules = np.zeros(n, bool), np.zeros(n, bool), np.zeros(n), np.zeros(n), []
    sessions = np.unique(d.session)
    for start in range(FIRST, len(sessions), step):
        ahead = np.isin(d.session, sessions[start : start + step])
        begin = int(d.signal_at[ahead].min())
        before = d.session < sessions[start]
        unfinished = np.unique(d.session[before & (d.horizon_at >= begin)])
        train = before & ~np.isin(d.session, unfinished)
        if train.sum() < LEAST_TRAINING:
            continue
        block = session_blocks(d.session[train], d.span[train])
        rule = train_rule(features.values[train], features.columns, d.v_star[train], block, depth=depth)
        rules.append((int(sessions[start]), rule))
        tested |= ahead
        veto[ahead] = rule.vetoes(features.values[ahead])
        for j in np.unique(d.trader[ahead]):
            own, past = np.flatnonzero(ahead & (d.trader == j)), train & (d.trader == j)
            if past.any():
                base[own] = d.acted[past].mean()
                chance[own] = imitate(features.values[past], d.acted[past], features.values[own], depth=depth)
    return Walked(tested, veto, chance, base, tuple(rules))


def _arms(d: Decided, worth: dict[str, FloatArray], seed: int, fdr: float) -> tuple[Arm, ...]:
    """Every arm of the desk and of each trader; `found` by Benjamini-Hochberg over the traders' worth beyond the rule."""
    block = session_blocks(d.session, d.span)
    scopes: list[tuple[str | None, NDArray[np.bool_]]] = [(None, np.ones(len(d), dtype=bool))]
    scopes += [(d.coords["trader"][j], d.trader == j) for j in np.unique(d.trader)]
    rows: list[dict[str, Any]] = []
    boot = _bootstrap(np.column_stack([worth[a] for a in ARMS]), np.column_stack([mine for _, mine in scopes]), d, seed)
    for i, (trader, mine) in enumerate(scopes):
        for k, arm in enumerate(ARMS):
            y, ones = worth[arm][mine], np.ones(int(mine.sum()))
            found = contrast(y, ones, block[mine])
            money = contrast(y * d.risk[mine], ones, block[mine])
            rows.append({"trader": trader, "arm": arm, "n": int(mine.sum()), "sessions": len(np.unique(d.session[mine])), "mean": float(y.mean()),
                         "money": float((y * d.risk[mine]).sum()), "found": False, "boot_q05": boot[0, i, k], "boot_q95": boot[1, i, k],
                         **_interval(found, y), **_money(money, y)})  # fmt: skip
    asked = [r for r in rows if r["trader"] is not None and r["arm"] == "beyond" and r["p"] is not None]
    if asked:
        for row, keep in zip(asked, multipletests([r["p"] for r in asked], alpha=fdr, method="fdr_bh")[0], strict=True):
            row["found"] = bool(keep)
    return tuple(Arm(**r) for r in rows)


def _interval(found: Contrast | None, y: FloatArray) -> dict[str, float | None]:
    """Interval of the mean of `y`; a rule that follows everything is worth exactly nothing."""
    if not y.any():
        return {"q05": 0.0, "q95": 0.0, "p": 1.0, "detectable": None}
    if found is None:
        return dict.fromkeys(("q05", "q95", "p", "detectable"))
    low, high = found.interval()
    return {"q05": low, "q95": high, "p": found.p_value(one_sided=True), "detectable": found.detectable(one_sided=True)}


def _money(found: Contrast | None, y: FloatArray) -> dict[str, float | None]:
    if not y.any():
        return {"money_q05": 0.0, "money_q95": 0.0}
    low, high = found.interval() if found is not None else (None, None)
    return {"money_q05": None if low is None else len(y) * low, "money_q95": None if high is None else len(y) * high}


def _bootstrap(worth: FloatArray, scopes: NDArray[np.bool_], d: Decided, seed: int) -> NDArray[Any]:
    """5% and 95% points of each scope's mean of each arm, (2, scope, arm), resampling runs of sessions that all scopes share; None where there are
    fewer than ten runs.
    """
    code, shape = np.unique(d.session, return_inverse=True)[1], (scopes.shape[1], worth.shape[1])
    length = block_length(d.span)
    if code.max() + 1 < 10 * length:
        return np.full((2, *shape), None, dtype=object)
    sums = [np.bincount(code, arm * mine) for mine in scopes.T for arm in worth.T]
    table = np.column_stack([*sums, *(np.bincount(code, mine) for mine in scopes.T)])

    def means(drawn: FloatArray) -> FloatArray:
        total = drawn.sum(axis=0)
        split = total[: -shape[0]].reshape(shape) / np.maximum(total[-shape[0] :, None], 1)
        return np.asarray(split.ravel())

    draws = CircularBlockBootstrap(length, table, seed=seed).apply(means, REPETITIONS)
    points: NDArray[Any] = np.quantile(draws, [0.05, 0.95], axis=0).reshape(2, *shape).astype(object)
    return points


def _copies(d: Decided, chance: FloatArray, base: FloatArray) -> tuple[Copied, ...]:
    """Brier skill of the copy of each trader: 1 - E(a - chance)^2 / E(a - base)^2, base the trader's own earlier rate."""
    block, found = session_blocks(d.session, d.span), []
    for j in np.unique(d.trader):
        mine = d.trader == j
        a = d.acted[mine].astype(float)
        reference = (a - base[mine]) ** 2
        gain = reference - (a - chance[mine]) ** 2
        worth = contrast(gain, np.ones(len(a)), block[mine])
        low, high = worth.interval() if worth is not None else (None, None)
        whole = float(reference.mean()) or 1.0
        found.append(
            Copied(
                d.coords["trader"][j],
                len(a),
                float(a.mean()),
                float(gain.mean()) / whole,
                None if low is None else low / whole,
                None if high is None else high / whole,
            )
        )
    return tuple(found)
