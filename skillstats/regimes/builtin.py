"""Labels the package makes itself, from closed sessions of the record's own prices and from the calendar.

A plan names them in `regimes.use` beside columns of the `regimes` table: ``volatility`` is that of the decision's own asset,
``volatility@SPY`` that of the asset SPY whatever was traded. A decision of session k, which is the interval (close of k - 1, close of k], is labelled from
sessions up to k - 1: the newest close used is its cut-off, and it is before the decision by the definition of a session.

There is no label from the outcome's own session, no centred window, no breakpoint from the whole sample and no smoothed state, and no option
that would make one: whoever vetoes buy orders looks skilled on days picked by their own return.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.market.adjust import Corporate
from skillstats.market.marks import Market
from skillstats.market.volatility import LEAST, WINDOW, session_returns
from skillstats.record.containers import NULL
from skillstats.regimes import series as known
from skillstats.regimes.calendar import calendar_flags
from skillstats.regimes.states import States, fit_of, turbulence
from skillstats.regimes.terciles import LEVELS, Terciles, expanding_terciles
from skillstats.units import INT64_MAX

IntArray = NDArray[np.int64]
UNLABELLED: Final = "unlabelled"
RULES: Final[Mapping[str, str]] = {
    "volatility": "terciles of the root mean square of the last 21 sessions' returns (10 at least), breakpoints from 60 earlier sessions or more, v1",
    "trend": "sign of the compounded return of the last 21 sessions (10 at least), v1",
    "spread": "terciles of the mean relative spread of the session before, breakpoints from 60 earlier sessions or more, v1",
    "depth": "terciles of the mean of bid_size and ask_size over the quotes of the session before, breakpoints from 60 earlier sessions or more, v1",
    "volume": "terciles of the volume of the session before, breakpoints from 60 earlier sessions or more, v1",
    "calendar": "quarter end, month end, half day, before holiday, ordinary by the exchange's regular rules, v1",
    "hmm": (
        "two states of variance, mean 0, each stays with .8 to .999, one-step prediction above 1/2 (10 of the last 21 sessions known), fitted after "
        "252 returns and every 63 to at most the newest 1260, parameters to 3 digits, v1"
    ),
}
"""What each built-in label is; it enters the rule digest, so a changed rule changes the digest."""
FROM_RETURNS: Final = ("volatility", "trend", "hmm")
STATES: Final = ("calm", "turbulent")
TRENDS: Final = ("down", "flat", "up")
UNSURE: Final = (1 / 3, 2 / 3)
"""Probabilities of a state between which its label is counted as borderline: the other state is at least half as likely."""


@dataclass(frozen=True, slots=True)
class Made:
    """Labels of one kind and asset, (session,) each.

    label : text; newest : position of the newest session used, -1 for none
    series, terciles : what the label was cut from, where it was
    failed, unsure : sessions without a label because the fit failed, and with one whose probability is in `UNSURE`; ``hmm`` only
    """

    label: NDArray[Any]
    newest: IntArray
    series: known.Series | None = None
    terciles: Terciles | None = None
    failed: NDArray[np.bool_] | None = None
    unsure: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class LabelSource:
    """A market, and the series that were made of it: each is made when first asked for and kept.

    made, fits : by (kind, asset position), and by (asset position, returns behind the fit); a memory, never a choice
    """

    market: Market
    corporate: Corporate
    made: dict[tuple[str, int], Any] = field(default_factory=dict)
    fits: dict[tuple[int, int], tuple[States | None, NDArray[np.float64]]] = field(default_factory=dict)

    def once(self, kind: str, asset: int, make: Callable[[], Any]) -> Any:
        """What `make` gives, made once."""
        if (kind, asset) not in self.made:
            self.made[kind, asset] = make()
        return self.made[kind, asset]


def label_source(market: Market, corporate: Corporate) -> LabelSource:
    """Source of the labels of one market.

    Labels look at closes before a decision, so the last price need not bound them; an instant of evaluation that the plan declares does.
    """
    return LabelSource(market if market.plan.as_of else replace(market, as_of=INT64_MAX), corporate)


def split_name(name: str) -> tuple[str, str | None]:
    """Kind and named asset of an entry of `regimes.use`.

    Examples
    --------
    >>> split_name("volatility"), split_name("trend@SPY")
    (('volatility', None), ('trend', 'SPY'))
    """
    kind, at, asset = name.partition("@")
    return kind, asset if at else None


def is_builtin(name: str) -> bool:
    """Whether an entry of `regimes.use` has the name of a built-in label."""
    return split_name(name)[0] in RULES


@dataclass(frozen=True, slots=True)
class Built:
    """Labels of decisions, (n,) each: text, and the close of the newest session used, `NULL` for none; how many a failed fit left bare; how many
    are borderline.
    """

    label: NDArray[Any]
    cutoff: IntArray
    failed: int
    unsure: int


def built_labels(source: LabelSource, name: str, asset: NDArray[Any], decided: IntArray) -> Built:
    """Labels of decisions by one built-in rule.

    Parameters
    ----------
    name : entry of `regimes.use`; an asset it names must have prices
    asset : (n,) asset names; decided : (n,) instants
    """
    kind, market_wide = split_name(name)
    position = source.market.store.code_of()
    label, cutoff = np.full(len(decided), UNLABELLED, dtype=object), np.full(len(decided), NULL, dtype=np.int64)
    failed = unsure = 0
    codes = np.array([position.get(market_wide or a, -1) for a in asset], dtype=np.int64)
    for code in np.unique(codes).tolist():
        if code < 0 and kind != "calendar":
            continue
        rows = np.flatnonzero(codes == code)
        sessions = source.market.sessions_of(code)
        at = sessions.index_of(decided[rows])
        made = labels_made(source, kind, code, at)
        label[rows] = made.label[at]
        newest = made.newest[at]
        cutoff[rows] = np.where(newest >= 0, sessions.closes[newest], NULL)
        failed += 0 if made.failed is None else int(made.failed[at].sum())
        unsure += 0 if made.unsure is None else int(made.unsure[at].sum())
    return Built(label, cutoff, failed, unsure)


def labels_made(source: LabelSource, kind: str, asset: int, wanted: IntArray) -> Made:
    """Labels of one kind and asset; of ``hmm`` only the sessions wanted are labelled, since fits are slow."""
    if kind == "hmm":
        return _hidden_states(source, asset, wanted)
    made: Made = source.once(kind, asset, lambda: _make(source, kind, asset))
    return made


def _make(source: LabelSource, kind: str, asset: int) -> Made:
    market = source.market
    if kind == "calendar":
        flags = calendar_flags(market.sessions_of(asset))
        return Made(flags, np.full(len(flags), -1, dtype=np.int64))
    if kind == "trend":
        trend = known.trend_series(_returns(source, asset))
        return Made(
            _texts(TRENDS, np.array([-2 if v is None else (v > 0) - (v < 0) for v in trend.value]) + 1), trend.newest, trend
        )
    if kind == "volatility":
        cut = known.volatility_series(_returns(source, asset))
    elif kind == "spread":
        cut = known.spread_series(market, asset)
    elif kind == "depth":
        cut = known.depth_series(market, source.corporate, asset)
    else:
        cut = known.volume_series(market, source.corporate, asset)
    return made_of_terciles(cut)


def made_of_terciles(cut: known.Series) -> Made:
    """Labels ``low``, ``middle``, ``high`` of a series."""
    terciles = expanding_terciles(cut.value)
    return Made(_texts(LEVELS, terciles.level), np.where(terciles.level >= 0, cut.newest, -1), cut, terciles)


def _texts(names: tuple[str, ...], level: IntArray) -> NDArray[Any]:
    return np.array([names[i] if i >= 0 else UNLABELLED for i in level.tolist()], dtype=object)


def _returns(source: LabelSource, asset: int) -> IntArray:
    found: IntArray = source.once("returns", asset, lambda: session_returns(source.market, source.corporate, asset))
    return found


def _hidden_states(source: LabelSource, asset: int, wanted: IntArray) -> Made:
    returns = _returns(source, asset)
    probability, failed = hmm_probabilities(returns, wanted, source, asset)
    level = np.where(np.isnan(probability), -1, (probability > 0.5).astype(np.int64))
    newest = np.where(level >= 0, known.newest_return(returns), -1)
    return Made(_texts(STATES, level), newest, failed=failed, unsure=(probability >= UNSURE[0]) & (probability <= UNSURE[1]))


def hmm_probabilities(
    returns: IntArray, wanted: IntArray, source: LabelSource | None = None, asset: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """P(turbulent) of the sessions wanted, known when each began.

    Parameters
    ----------
    returns : (session,) billionths, `NULL` where there is none; wanted : positions of sessions
    source : remembers the fits of `asset`, so that another part of the same record need not repeat them

    Returns
    -------
    (session,) probabilities, NaN where not wanted or not known; (session,) whether a failed fit is the reason
    """
    fits = source.fits if source is not None else {}
    held, count = returns[returns != NULL], np.r_[0, np.cumsum(returns != NULL)]
    probability, failed = np.full(len(returns), np.nan), np.zeros(len(returns), dtype=bool)
    for k in np.unique(wanted).tolist():
        n = int(count[k])
        fresh = n - int(count[max(k - WINDOW, 0)]) >= LEAST
        on = fit_of(n)
        if not on or not fresh:
            continue
        if (asset, on) not in fits:
            fits[asset, on] = turbulence(held, on)
        states, ahead = fits[asset, on]
        failed[k] = states is None
        if states is not None:
            probability[k] = ahead[n - on]
    return probability, failed


def hmm_probability(source: LabelSource, asset: int, session: int) -> tuple[int, float, States | None]:
    """Earlier returns of a session, P(turbulent) as known when it began (NaN where unknown), and the fit that says so."""
    returns = _returns(source, asset)
    count = int((returns[:session] != NULL).sum())
    probability, _ = hmm_probabilities(returns, np.array([session]), source, asset)
    states = source.fits[asset, fit_of(count)][0] if not np.isnan(probability[session]) else None
    return count, float(probability[session]), states
