"""Did the overrides make the book safer? Four scores that stay apart, and two prices of risk, each with its interval.

    1 value-add      mean of actual less model book, currency a year
    2 risk           change in volatility, 5% expected shortfall and maximum drawdown of the book
    3 cost           change in what trading cost, currency a year
    4 tails          loss avoided on the model's worst 5% of days, net of gain given up on its best 5%

They are never summed. Beside them two measures that price risk by a stated rule: the certainty equivalent and the manipulation-proof
measure (see `skillstats.attribution.measures`). A mandate to mitigate risk is judged on the change in expected shortfall and the certainty
equivalent, not on mean value-add.

Capital and risk aversion are choices of governance, not estimates. The default capital is ten times the annual sd of the model's book in
the record (the book runs at 10% volatility), the default risk aversion 3; lambda = risk aversion / capital.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.attribution.day_books import day_books
from skillstats.attribution.day_bootstrap import block_length
from skillstats.attribution.risk_draws import LEVELS, RELATIVE, Prices, interval_of, measured, resampled
from skillstats.attribution.unseen import Unseen, unseen_losses
from skillstats.errors import UsageError
from skillstats.ledger.containers import Ledger

FloatArray = NDArray[np.float64]
LEAST_SESSIONS: Final = 20
"""Sessions below which the worst 5% of days is less than one day."""
INTERVAL: Final = "90% equal-tailed interval, stationary bootstrap of sessions"
"""Percentiles; that of the shortfall stretched for the few days of a tail, see `interval_of`."""
RUNS_AT: Final = 0.10
"""Annual sd of the model's book as a share of capital, where capital is not given."""
SCORES: Final = {
    "value_add": ("value-add", "Mean value-add", "a year"),
    "volatility": ("risk", "Volatility", "a day"),
    "shortfall": ("risk", "Expected shortfall, worst 5% of days", "a day"),
    "drawdown": ("risk", "Maximum drawdown", ""),
    "cost": ("cost", "Trading cost", "a year"),
    "tail_avoided": ("tails", "Loss avoided on the model's worst 5% of days", "a day"),
    "tail_forgone": ("tails", "Gain given up on the model's best 5% of days", "a day"),
    "tail_net": ("tails", "Tail loss avoided net of tail gain given up", "a day"),
    "cut_tail_avoided": ("tails", "Vetoes and down-sizes, model's worst 5% of days: losses avoided", "a day"),
    "cut_tail_forgone": ("tails", "Vetoes and down-sizes, model's worst 5% of days: gains given up", "a day"),
    "cut_tail_net": ("tails", "Vetoes and down-sizes, model's worst 5% of days: net", "a day"),
    "cut_avoided": ("tails", "Vetoes and down-sizes, all days: losses avoided", "a year"),
    "cut_forgone": ("tails", "Vetoes and down-sizes, all days: gains given up", "a year"),
    "cut_net": ("tails", "Vetoes and down-sizes, all days: net", "a year"),
    "certainty_equivalent": ("price of risk", "Certainty equivalent of the difference", "a year"),
    "mppm": ("price of risk", "Manipulation-proof measure, share of capital", "a year"),
}
"""Measure to score, name and the time its unit refers to, in the order of tables."""
Judgement = Literal["met", "missed", "not settled"]


@dataclass(frozen=True, slots=True)
class RiskChange:
    """One measure of the desk (trader None) or of the book with one trader alone.

    score : one of value-add, risk, cost, tails, price of risk; unit : in words
    model, with_people : of the two books, None for a measure of the difference; change : with people less model; q05, q95 : its interval
    share, share_q05, share_q95 : the change as a share of the model's, None where that is no positive number
    """

    trader: str | None
    score: str
    measure: str
    name: str
    unit: str
    model: float | None
    with_people: float | None
    change: float
    q05: float
    q95: float
    share: float | None = None
    share_q05: float | None = None
    share_q95: float | None = None


@dataclass(frozen=True, slots=True)
class Mandate:
    """The view of a mandate to mitigate risk: changes in expected shortfall (currency a day) and certainty equivalent (currency a year).

    judgement : missed if the whole interval of the shortfall lies above 0 or that of the certainty equivalent below it; met if not missed
    and the whole interval of the shortfall lies below 0; else not settled
    """

    trader: str | None
    shortfall: float
    shortfall_q05: float
    shortfall_q95: float
    certainty_equivalent: float | None
    certainty_equivalent_q05: float | None
    certainty_equivalent_q95: float | None
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class RiskScores:
    """What the interventions did to the risk of the book.

    changes : the measures of the desk, then of the book with each trader alone; they do not add over traders
    mandate : the risk-mitigation view, the same order; unseen : per trader, what the record of vetoes and down-sizes cannot have seen
    currency, sessions, first, last : of the record; tail : share of days in a tail; capital, risk_aversion : see the module, capital None
        where the model's book never moved; block : mean length of the bootstrap's blocks, sessions
    """

    changes: tuple[RiskChange, ...]
    mandate: tuple[Mandate, ...]
    unseen: tuple[Unseen, ...]
    currency: str
    sessions: int
    first: str
    last: str
    tail: float
    capital: float | None
    risk_aversion: float
    sessions_per_year: float
    block: float
    draws: int
    seed: int
    interval: str = INTERVAL

    def to_pandas(self) -> pd.DataFrame:
        """One line a measure and party (trader None: the desk)."""
        return pd.DataFrame([asdict(c) for c in self.changes], columns=list(RiskChange.__slots__))

    def summary(self) -> pd.DataFrame:
        """The desk's measures: model, with people, change and interval."""
        frame = self.to_pandas()
        own = frame[frame["trader"].isna()].set_index("name")
        return own[["score", "unit", "model", "with_people", "change", "q05", "q95"]]

    def __str__(self) -> str:
        own = self.mandate[0]
        return (
            f"RiskScores: {self.sessions} sessions, {self.first} to {self.last}; expected shortfall of the book "
            f"{own.shortfall:+,.0f} [{own.shortfall_q05:+,.0f}, {own.shortfall_q95:+,.0f}] {self.currency} a day because of the "
            f"interventions; a mandate to mitigate risk: {own.judgement} ({self.interval})"
        )


def risk_scores(
    ledger: Ledger,
    *,
    capital: float | None = None,
    risk_aversion: float = 3.0,
    tail: float = 0.05,
    block: float | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> RiskScores:
    """What the interventions did to the risk of the book: four scores apart, two prices of risk, and the mass of the unseen loss.

    Parameters
    ----------
    ledger : Ledger, also one read back from a folder; its closed chains are used
    capital : that bears the book's losses, currency; None: ten times the annual sd of the model's book in the record
    risk_aversion : relative risk aversion rho, > 0
    tail : share of days in a tail, in (0, .5)
    block : mean length of the bootstrap's blocks in sessions, None: by the rule of Politis and White; draws, seed : of the bootstrap

    Returns
    -------
    RiskScores

    Raises
    ------
    UsageError
        If the ledger has fewer than 20 sessions with closed chains between its first and last, or an argument is out of range.
    """
    books = day_books(ledger)
    if books is None or len(books.sessions) < LEAST_SESSIONS:
        found = 0 if books is None else len(books.sessions)
        raise UsageError(f"{found} sessions with closed chains; risk of a book needs at least {LEAST_SESSIONS}, wait for more")
    if not (0 < tail < 0.5 and risk_aversion > 0 and (capital is None or capital > 0)):
        raise UsageError(f"tail={tail} must be in (0, .5), risk_aversion={risk_aversion} and capital={capital} > 0")
    year_sd = float(np.std(books.model, ddof=1) * np.sqrt(books.per_year))
    bears = capital if capital is not None else year_sd / RUNS_AT or None
    prices = Prices(tail, bears, risk_aversion, books.per_year)
    series = np.column_stack([books.model, books.actual, books.actual - books.model])
    length = block if block is not None else block_length(series)
    base, points = measured(books, prices)
    samples = resampled(books, prices, block=length, draws=draws, seed=seed)
    names = (None, *books.traders)
    changes = tuple(
        c for name, point, sample in zip(names, points, samples, strict=True)
        for c in _changes_of(name, base, point, sample, ledger.plan.currency, tail * len(books.sessions))
    )  # fmt: skip
    views = tuple(_mandate(name, [c for c in changes if c.trader == name]) for name in names)
    return RiskScores(
        changes, views, unseen_losses(ledger, books), ledger.plan.currency, len(books.sessions), books.sessions[0], books.sessions[-1],
        tail, bears, risk_aversion, books.per_year, float(length), draws, seed,
    )  # fmt: skip


def _changes_of(
    name: str | None,
    base: dict[str, float],
    point: dict[str, float],
    sample: dict[str, FloatArray],
    currency: str,
    tail_days: float,
) -> list[RiskChange]:
    """The lines of one party, in the order of `SCORES`; a measure that does not exist (ruin, no capital) is left out."""
    lines = []
    for key, (score, label, time) in SCORES.items():
        if key not in point or not np.isfinite(point[key]):
            continue
        low, high = interval_of(key, sample[key], tail_days)
        model, actual = (base[key], point[f"with_{key}"]) if key in LEVELS else (None, None)
        share, share_low, share_high = _share(key, point, sample, tail_days)
        unit = f"{'share of capital' if key == 'mppm' else currency} {time}".strip()
        moved = (point[key], low, high)
        lines.append(RiskChange(name, score, key, label, unit, model, actual, *moved, share, share_low, share_high))
    return lines


def _share(
    key: str, point: dict[str, float], sample: dict[str, FloatArray], tail_days: float
) -> tuple[float | None, float | None, float | None]:
    """Change as a share of the model's with its interval; None where the model's is not positive."""
    if key not in RELATIVE or not np.isfinite(point[f"{key}_share"]):
        return None, None, None
    low, high = interval_of(key, sample[f"{key}_share"], tail_days)
    return float(point[f"{key}_share"]), low, high


def _mandate(name: str | None, lines: list[RiskChange]) -> Mandate:
    """Judge a mandate to mitigate risk by its own two measures."""
    by = {c.measure: c for c in lines}
    es, ce = by["shortfall"], by.get("certainty_equivalent")
    judgement: Judgement = "not settled"
    if es.q05 > 0 or (ce is not None and ce.q95 < 0):
        judgement = "missed"
    elif es.q95 < 0:
        judgement = "met"
    worth, low, high = (None, None, None) if ce is None else (ce.change, ce.q05, ce.q95)
    return Mandate(name, es.change, es.q05, es.q95, worth, low, high, judgement)


def risk_block(ledger: Ledger, _evidence: Any, _plan: Any, *, seed: int) -> dict[str, Any]:
    """Block ``risk``: see `risk_scores`."""
    try:
        found = risk_scores(ledger, seed=seed)
    except UsageError as error:
        return {"available": False, "why": f"{str(error)[0].upper()}{str(error)[1:]}."}
    return (
        {"available": True}
        | asdict(found)
        | {k: [asdict(v) for v in getattr(found, k)] for k in ("changes", "mandate", "unseen")}
    )
