"""The habits that are looked for, one function each.

Every detector compares choices of one trader with each other; nobody is compared with the desk. What counts as known is known strictly before
the signal. Rates are differences in percentage points of the signals; worths are in sd, value over risk. A detector answers with a `Reading`:
an estimate and a sentence, or why there is none.

Rates are compared within side, asset class, regime and third of the volatility, and within stretches of 20 sessions, so that somebody who
overrides more in storms, or this month, is not taken for somebody with a habit.

References
----------
Odean 1998, Journal of Finance 53(5) (disposition); Fildes, Goodwin, Lawrence, Nikolopoulos 2009, International Journal of Forecasting 25(1)
(small and upward adjustments); Dietvorst, Simmons, Massey 2015, Journal of Experimental Psychology: General 144(1) (reaction to losses).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skillstats.behaviour.contrast import LEAST_BLOCKS, Contrast, contrast, cross, demean, session_blocks, terciles
from skillstats.behaviour.decided import Decided
from skillstats.behaviour.past import open_positions, past_losses

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

STRETCH: Final = 20
"""Sessions over which a trader's rate is taken as one."""
LAST_HOUR: Final = 60.0
SMALL: Final = 0.10
"""|Q - q| / q below which a resize is a small tweak."""
DEPTH: Final = 4
"""Earlier outcomes that recency compares the newest one with, the newest included."""
POINTS: Final = "pp"
SD: Final = "sd"


@dataclass(frozen=True, slots=True)
class Reading:
    """What one detector found for one trader.

    estimate : None where the record cannot answer; lacking : then, what it would need; words : the finding with its figures
    """

    estimate: Contrast | None
    lacking: str
    words: str


@dataclass(frozen=True, slots=True)
class Detector:
    """A habit.

    name : key; title : a few words; question : in the reader's words; unit : ``pp`` (percentage points of signals) or ``sd`` (value per unit of risk)
    one_sided : the habit has a direction, above 0; up, down : what an effect above and below 0 means
    """

    name: str
    title: str
    question: str
    unit: str
    one_sided: bool
    up: str
    down: str
    measure: Callable[[Decided, int], Reading]


def of_trader(d: Decided, trader: int) -> Decided:
    """The signals of one trader."""
    return d.take(d.trader == trader)


def like(d: Decided) -> IntArray:
    """Signals that a trader without habits treats alike: side, asset class, regime and third of the volatility."""
    return cross((d.side > 0).astype(np.int64), d.asset_class, d.regime, terciles(d.volatility))


def after_loss(d: Decided, trader: int) -> Reading:
    """Override rate after the own interventions that closed last lost money, against after they gained."""
    own = of_trader(d, trader)
    lost = past_losses(own, np.zeros(len(own), dtype=np.int64), 1)[:, 0]
    return _rate(own, own.acted, lost, [like(own), own.session // STRETCH], ("after a loss", "after a gain"))


def recency(d: Decided, trader: int) -> Reading:
    """Weight of the newest outcome of the same kind beyond what each of the last four outcomes weighs."""
    own = of_trader(d, trader)
    lost = past_losses(own, own.kind if len(own.coords["kind"]) > 1 else own.asset, DEPTH)
    total = lost.sum(axis=1)  # NaN unless all four are known
    newest = np.where(np.isfinite(total), lost[:, 0], np.nan)
    within = [cross(like(own), np.nan_to_num(total).astype(np.int64)), own.session // STRETCH]
    return _rate(own, own.acted, newest, within, ("when the newest of the last four outcomes lost", "when it gained"))


def disposition(d: Decided, trader: int) -> Reading:
    """Of the model's orders to reduce an open position, the share held back when the position loses, against when it gains."""
    own = of_trader(d, trader)
    units, gain = open_positions(d, trader, own.asset, own.signal_at, own.price)
    asked = (units * own.side < 0) & (gain != 0)
    part = own.take(asked)
    held_back = part.acted & ((part.tilt < 0) | (part.action == "DELAY"))
    within = [like(part), part.asset, part.session // STRETCH]
    return _rate(
        part, held_back, (gain[asked] < 0).astype(float), within, ("of exits held back at a loss", "of exits held back at a gain")
    )


def exits(d: Decided, trader: int) -> Reading:
    """Override rate of the model's orders that reduce an open position, against its other orders of the same session."""
    own = of_trader(d, trader)
    units, _ = open_positions(d, trader, own.asset, own.signal_at, own.price)
    reduces = np.where(units * own.side < 0, 1.0, 0.0)
    if not reduces.any():
        reduces[:] = np.nan
    return _rate(own, own.acted, reduces, [own.session, like(own), own.asset], ("of exits", "of other orders"))


def early_exit(d: Decided, trader: int) -> Reading:
    """Worth of the trader's own orders that cut an open position before its horizon."""
    own, free = of_trader(d, trader), d.own
    mine = np.flatnonzero((free.trader == trader) & np.isfinite(free.y))
    units, _ = open_positions(d, trader, free.asset[mine], free.at[mine], np.zeros(len(mine)))
    cuts = mine[units * free.held[mine] < 0]
    back = np.flatnonzero((own.action == "REVERSE") & np.isfinite(own.value) & (own.tilt != 0))
    units, _ = open_positions(d, trader, own.asset[back], own.decided_at[back], np.zeros(len(back)))
    back = back[units * own.held[back] < 0]
    y = np.r_[free.y[cuts], own.value[back] / np.abs(own.tilt[back])]
    block = session_blocks(np.r_[free.session[cuts], own.session[back]], own.span)
    found = contrast(y, np.ones(len(y)), block)
    lacking = _lacking(len(np.unique(block)), "own orders that cut an open position")
    return Reading(
        found, lacking, f"{len(y)} own orders cut an open position before its horizon, worth {_mean(y)} per unit of risk each"
    )


def resize_share(d: Decided, trader: int) -> Reading:
    """Share of resizes upward beyond one half."""
    own = of_trader(d, trader)
    part = own.take((own.action == "RESIZE") & (own.tilt != 0))
    up = part.tilt > 0
    found = contrast(np.where(up, 0.5, -0.5), np.ones(len(up)), session_blocks(part.session, part.span, least=5))
    words = f"{_percent(up.mean() if len(up) else 0.0)} of {len(up)} resizes are upward"
    return Reading(found, _lacking(len(np.unique(part.session // 5)), "weeks with resizes"), words)


def resize_worth(d: Decided, trader: int) -> Reading:
    """Worth of choosing what to size up against worth of choosing what to size down, beyond the model's own gain on like signals let through."""
    own, resized = _resized(d, trader)
    up, down = resized & (own.tilt > 0), resized & (own.tilt < 0)
    # model gain m on up-sized signals earns, on down-sized ones costs: up - down = b_up - (-b_down); half of it is the weight of "resized at all"
    found = contrast(
        -2.0 * own.v_star,
        np.where(resized, 1.0, 0.0),
        session_blocks(own.session, own.span),
        within=[like(own)],
        controls=[np.where(up, 1.0, np.where(down, -1.0, 0.0))],
    )
    if not (up.any() and down.any()):
        found = None
    gain = own.value / np.where(own.tilt == 0, 1.0, np.abs(own.tilt))
    words = f"{int(up.sum())} upward resizes were worth {_mean(gain[up])}, {int(down.sum())} downward ones {_mean(gain[down])} per unit of risk"
    return Reading(
        found, _lacking(min(_sessions(own, up), _sessions(own, down)), "sessions with resizes of each direction"), words
    )


def small_tweaks(d: Decided, trader: int) -> Reading:
    """Worth of choosing what to change by less than 10% against worth of choosing what to change by more."""
    own, resized = _resized(d, trader)
    small = resized & (np.abs(own.tilt) < SMALL)
    large = resized & ~small
    found = contrast(
        -own.v_star,
        np.where(small, np.sign(own.tilt), 0.0),
        session_blocks(own.session, own.span),
        within=[like(own)],
        controls=[np.where(resized, np.sign(own.tilt), 0.0)],
    )
    if not (small.any() and large.any()):
        found = None
    share = small.sum() / max(1, int(d.acted[d.trader == trader].sum()))
    words = (
        f"{int(small.sum())} resizes change less than {_percent(SMALL)} ({_percent(share)} of the interventions); they made "
        f"{own.money[small].sum():,.0f} and spent {own.spent[small].sum():,.0f} on execution"
    )
    return Reading(
        found, _lacking(min(_sessions(own, small), _sessions(own, large)), "sessions with small and with larger resizes"), words
    )


def _resized(d: Decided, trader: int) -> tuple[Decided, NDArray[np.bool_]]:
    """Closed signals of a trader that were resized or let through as issued, and which were resized.

    Vetoed ones are left out: who vetoes well leaves better signals to size up and worse ones to size down than the average signal is.
    """
    own = of_trader(d, trader)
    resized = (own.action == "RESIZE") & (own.tilt != 0)
    keep = np.isfinite(own.v_star) & (resized | ~own.acted)
    return own.take(keep), resized[keep]


def herding(d: Decided, trader: int) -> Reading:
    """Following what others did to the same asset and side earlier in the session, beyond agreeing with what others do later.

    What all know pulls the choices of a pair together whoever is first; only an imitator agrees more with those who came before.
    """
    mine, other, earlier = _pairs(d, trader)
    odd = np.zeros(len(d))
    for j in np.unique(np.r_[d.trader[mine], d.trader[other]]):
        rows = np.flatnonzero(d.trader == j)
        part = d.take(rows)
        odd[rows] = demean(part.acted[:, None].astype(float), [like(part), part.session // STRETCH])[:, 0]
    found = contrast(
        odd[mine],
        odd[other] * earlier,
        session_blocks(d.session[mine], d.span[mine]),
        controls=[odd[other], earlier.astype(float), np.ones(len(mine))],
    )
    rate = [
        _percent(d.acted[mine[rows]].mean()) if rows.any() else "–"
        for rows in (earlier & d.acted[other], earlier & ~d.acted[other])
    ]
    words = (
        f"touches {rate[0]} of the signals that a colleague touched earlier that session, {rate[1]} of those a colleague let pass"
    )
    both = min(len(np.unique(d.session[mine[earlier]])), len(np.unique(d.session[mine[~earlier]])))
    return Reading(
        found,
        _lacking(both, "sessions on which colleagues faced the same order before, and sessions on which they faced it after"),
        words,
    )


def _pairs(d: Decided, trader: int) -> tuple[IntArray, IntArray, NDArray[np.bool_]]:
    """Rows of the trader, rows of colleagues with the same session, asset and side, and whether these had decided before the signal came."""
    key = cross(d.session, d.asset, (d.side > 0).astype(np.int64))
    own, rest = np.flatnonzero(d.trader == trader), np.flatnonzero(d.trader != trader)
    rest = rest[np.argsort(key[rest], kind="stable")]
    lo, hi = (np.searchsorted(key[rest], key[own], side=s) for s in ("left", "right"))
    mine = np.repeat(own, hi - lo)
    place = np.arange(len(mine)) - np.repeat(np.cumsum(hi - lo) - (hi - lo), hi - lo) + np.repeat(lo, hi - lo)
    other = rest[place]
    return mine, other, d.decided_at[other] < d.signal_at[mine]


def last_hour(d: Decided, trader: int) -> Reading:
    """Override rate in the last hour before the close, against earlier in the same session."""
    own = of_trader(d, trader)
    late = (own.to_close <= LAST_HOUR).astype(float)
    return _rate(own, own.acted, late, [own.session, like(own)], ("in the last hour", "earlier in the day"))


def month_end(d: Decided, trader: int) -> Reading:
    """Override rate on the last three sessions of a month, against the rest of the same month."""
    own = of_trader(d, trader)
    return _rate(
        own,
        own.acted,
        own.last_days.astype(float),
        [like(own), own.month],
        ("on the last three sessions of a month", "on other sessions"),
        own.month,
    )


def _rate(
    own: Decided,
    did: NDArray[np.bool_],
    x: FloatArray,
    within: Sequence[IntArray],
    words: tuple[str, str],
    block: IntArray | None = None,
) -> Reading:
    """Difference in a rate between rows with x = 1 and x = 0; NaN rows are left out. Rates in words are raw, the effect is matched."""
    known = np.isfinite(x)
    part, a, x = own.take(known), did[known].astype(float), x[known]
    blocks = session_blocks(part.session, part.span) if block is None else block[known]
    found = contrast(a, x, blocks, within=[c[known] for c in within])
    both = min(len(np.unique(blocks[x == v])) for v in (0.0, 1.0)) if len(x) else 0
    shares = [_percent(a[x == v].mean()) if (x == v).any() else "–" for v in (1.0, 0.0)]
    return Reading(
        found,
        _lacking(both, f"stretches of sessions on each side ({words[0]}; {words[1]})"),
        f"{shares[0]} {words[0]}, {shares[1]} {words[1]}",
    )


def _sessions(d: Decided, rows: NDArray[np.bool_]) -> int:
    return len(np.unique(d.session[rows]))


def _lacking(have: int, what: str) -> str:
    return f"needs {what}, at least {LEAST_BLOCKS:.0f} of equal weight; there are {have}" if have < 2 * LEAST_BLOCKS else (
        f"needs {what} that weigh more evenly: {have} are there, but a few carry nearly all"
    )  # fmt: skip


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"


def _mean(y: FloatArray) -> str:
    y = y[np.isfinite(y)]
    return f"{y.mean():+.2f}" if len(y) else "nothing"


DETECTORS: Final[tuple[Detector, ...]] = (
    Detector("after_loss", "After own loss", "Does the trader override more after losing?", POINTS, False, "overrides more after a loss", "overrides less after a loss", after_loss),
    Detector("recency", "Newest outcome", "Does the newest outcome weigh more than the ones before?", POINTS, False, "reacts to the newest loss by overriding more", "reacts to the newest loss by overriding less", recency),
    Detector("disposition", "Holds losers", "Are exits held back when the position loses?", POINTS, True, "holds on to losing positions, lets winners go", "lets losers go sooner than winners", disposition),
    Detector("exits", "Exits", "Are the model's exits overridden more than its other orders?", POINTS, False, "overrides exits more than other orders", "overrides exits less than other orders", exits),
    Detector("early_exit", "Early exits", "What were own orders worth that cut a position before its horizon?", SD, False, "gains by cutting positions early", "loses by cutting positions early", early_exit),
    Detector("resize_share", "Sizes up", "Are resizes upward as often as downward?", POINTS, False, "sizes up more often than down", "sizes down more often than up", resize_share),
    Detector("resize_worth", "Worth of sizing up", "Is sizing up chosen as well as sizing down?", SD, False, "chooses better what to size up", "chooses better what to size down", resize_worth),
    Detector("small_tweaks", "Small tweaks", "Are changes under 10% chosen as well as larger ones?", SD, False, "chooses small tweaks better than larger changes", "chooses small tweaks worse than larger changes", small_tweaks),
    Detector("herding", "Follows colleagues", "Does the trader copy what colleagues did earlier that day?", POINTS, True, "copies earlier overrides of colleagues", "avoids what colleagues did", herding),
    Detector("last_hour", "Last hour", "Does the trader override more before the close?", POINTS, False, "overrides more in the last hour", "overrides less in the last hour", last_hour),
    Detector("month_end", "Month end", "Does the trader override more at the end of a month?", POINTS, False, "overrides more at month end", "overrides less at month end", month_end),
)  # fmt: skip
