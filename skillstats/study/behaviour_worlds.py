"""Desks whose habits are known: unbiased ones that look as if they had some, and ones with a planted habit.

An unbiased trader of these worlds still overrides more in storms, in some assets and on some side, drifts in the rate from week to week, reacts to the
news of the day together with all colleagues, and may be skilled. Prices move with the market and their volatility comes in clusters; a
trader has several signals a day, and their profits share the day. None of this is a habit, so every alarm is false.

The logit of touching signal i of trader j in asset a on session s is

    base_j + drift_js + .6 stress_s + alpha_ja + side_j + news_as + habits,

drift AR(1) over sessions, news an own shock of asset and session seen by everybody. Skill is in what is vetoed and in the direction of
resizes: the logit of a veto moves by skill * v*_i, that of sizing up by -skill * v*_i.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.special import logit as special_logit

from skillstats.behaviour.decided import Decided, OwnOrders
from skillstats.market.sessions import Sessions, load_sessions

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
START: Final = 1_735_800_000_000_000
"""2025-01-02 06:40 UTC."""
STEPS: Final = 13
"""Half hours of a session."""
DAILY: Final = 0.015
KINDS: Final = 3
VETOES: Final = 0.4
"""Share of the departures that are vetoes."""
MINUTE: Final = 60_000_000


@dataclass(frozen=True)
class Desk:
    """A world of choices.

    traders, sessions, per_day (signals a trader and session), assets : sizes; span : sessions from signal to horizon
    drift : sd of the drifting part of the logit rate; news : sd of the news everybody sees; edge : extra chance that the model is right
    skill : weight of the hindsight value of a veto in the logits of vetoing and of sizing down; bad : chance that the model is wrong about an asset of kind `a` that falls
    habits : planted ones by name of their detector: a shift of the logit (rates), or of the chance to choose right (worths)
    """

    name: str
    traders: int = 8
    sessions: int = 252
    per_day: int = 10
    assets: int = 14
    span: int = 1
    drift: float = 0.5
    news: float = 0.5
    edge: float = 0.0
    skill: float = 0.0
    bad: float = 0.0
    habits: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Market:
    """Prices (session, asset, step), known volatility (session,), news (session, asset), the model's sides (session, asset)."""

    calendar: Sessions
    price: FloatArray
    known: FloatArray
    stress: NDArray[np.bool_]
    news: FloatArray
    side: IntArray


def desk_of(world: Desk, rng: np.random.Generator) -> Decided:
    """One desk's signals and choices."""
    market = _market(world, rng)
    s, j, a, k = _layout(world, rng)
    at = _instant(market.calendar, s, k, rng)
    order = np.lexsort((j, at))
    s, j, a, k, at = s[order], j[order], a[order], k[order], at[order]
    price, mark = market.price[s, a, k], market.price[s + world.span, a, STEPS]
    side, units = market.side[s, a].astype(float), np.full(len(s), 100.0)
    elapsed = world.span + 1.0 - k / STEPS
    risk = units * price * market.known[s] * np.sqrt(elapsed)
    model = side * units * (mark - price)
    state = _Choosing(world, market, s, j, a, k, at, side, price, mark, risk, -model / risk, rng)
    acted, tilt, action, waited = state.choose()
    fill = np.where(waited, market.price[s, a, np.minimum(k + 1, STEPS)], price)
    spent = np.where(tilt > -1, 2e-4 * price * np.abs(rng.standard_normal(len(s))) * units * np.abs(1 + tilt), 0.0)
    money = side * units * (1 + tilt) * (mark - fill) - spent - model
    filled_at = np.where(tilt > -1, at + 2 * MINUTE + np.where(waited, 30 * MINUTE, 0), -1)
    filled_at = np.where(tilt < -1, at + 2 * MINUTE, filled_at)
    calendar, horizon = market.calendar, market.calendar.closes[s + world.span]
    labels = [str(x)[:7] for x in calendar.labels]
    ending = np.array([i + 3 < len(labels) and labels[i + 3] != labels[i] for i in range(len(labels))])
    return Decided(
        trader=j, session=s, asset=a, kind=a % KINDS, asset_class=np.zeros_like(a), version=np.zeros_like(a),
        regime=market.stress[s].astype(np.int64), side=side, signal_at=at, decided_at=at + MINUTE, horizon_at=horizon,
        filled_at=filled_at, closes=s + world.span, span=np.full(len(s), world.span), to_close=(calendar.closes[s] - at) / MINUTE,
        last_days=ending[s], month=np.unique(labels, return_inverse=True)[1][s].astype(np.int64), acted=acted, action=action, tilt=tilt,
        held=side * units * (1 + tilt), paid=np.where(tilt == -1, np.nan, fill), price=price, volatility=market.known[s],
        value=money / risk, v_star=-model / risk, risk=risk, money=money, spent=spent,
        coords={"trader": tuple(f"T{i + 1}" for i in range(world.traders)), "kind": tuple("abc"), "asset": tuple(map(str, range(world.assets))),
                "session": tuple(map(str, calendar.labels)), "regime": ("calm", "stressed"), "asset_class": ("all",), "version": ("none",)},
        counts={}, own=_own_orders(world, market, rng),
    )  # fmt: skip


def _market(world: Desk, rng: np.random.Generator) -> _Market:
    """Prices with a common factor and clustered volatility; the volatility known on a session is that of the one before."""
    days = world.sessions + world.span + 1
    calendar = load_sessions("XNYS", START, START + days * 2 * 86_400_000_000)
    first = int(np.searchsorted(calendar.opens, START))
    calendar = Sessions("XNYS", *(x[first : first + days] for x in (calendar.labels, calendar.opens, calendar.closes)))
    level = _ar1(days + 1, 0.95, 0.35, rng)
    sd = DAILY * np.exp(level)
    shocks = np.sqrt(0.35) * rng.standard_normal((days, 1, STEPS)) + np.sqrt(0.65) * rng.standard_normal(
        (days, world.assets, STEPS)
    )
    moves = shocks * (sd[1:] / np.sqrt(STEPS))[:, None, None]
    steps = np.exp(np.cumsum(moves.transpose(0, 2, 1).reshape(-1, world.assets), axis=0)).reshape(days, STEPS, world.assets)
    ends = 100 * steps.transpose(0, 2, 1)
    opening = np.concatenate([np.full((1, world.assets), 100.0), ends[:-1, :, -1]])
    price = np.concatenate([opening[:, :, None], ends], axis=2)  # shape: (session, asset, step 0..STEPS)
    side = np.where(rng.random((days, world.assets)) < 0.5, 1, -1)
    right = np.sign(price[np.minimum(np.arange(days) + world.span, days - 1), :, -1] - price[:, :, STEPS // 2])
    side = np.where((rng.random(side.shape) < 2 * world.edge) & (right != 0), right, side).astype(np.int64)
    wrong = (rng.random(side.shape) < world.bad) & (np.arange(world.assets) % KINDS == 0) & (right < 0)
    side = np.where(wrong, 1, side)
    return _Market(calendar, price, sd[:-1], sd[:-1] > 1.25 * DAILY, world.news * rng.standard_normal((days, world.assets)), side)


def _ar1(n: int, phi: float, sd: float, rng: np.random.Generator, columns: int | None = None) -> FloatArray:
    """A stationary AR(1) of standard deviation `sd`, (n,) or (n, columns)."""
    shape = (n,) if columns is None else (n, columns)
    noise, x = rng.standard_normal(shape), np.zeros(shape)
    x[0] = noise[0]
    for t in range(1, n):
        x[t] = phi * x[t - 1] + np.sqrt(1 - phi**2) * noise[t]
    return sd * x


def _layout(world: Desk, rng: np.random.Generator) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Session, trader, asset and step of each signal: a number of signals that varies from day to day, one an asset at most."""
    wanted = rng.binomial(world.assets, world.per_day / world.assets, (world.sessions, world.traders))
    place = rng.random((world.sessions, world.traders, world.assets)).argsort(axis=2)
    s, j, a = np.nonzero(place < wanted[:, :, None])
    return s, j, a, rng.integers(0, STEPS, len(s))


def _instant(calendar: Sessions, s: IntArray, k: IntArray, rng: np.random.Generator) -> IntArray:
    length = calendar.closes[s] - calendar.opens[s]
    return (calendar.opens[s] + (k + 0.8 * rng.random(len(s))) / STEPS * length).astype(np.int64)


@dataclass
class _Choosing:
    """The choices of a desk, session after session, since habits look back."""

    world: Desk
    market: _Market
    s: IntArray
    j: IntArray
    a: IntArray
    k: IntArray
    at: IntArray
    side: FloatArray
    price: FloatArray
    mark: FloatArray
    risk: FloatArray
    v_star: FloatArray
    rng: np.random.Generator

    def choose(self) -> tuple[NDArray[np.bool_], FloatArray, NDArray[Any], NDArray[np.bool_]]:
        """Touched or not, tilt, action, waited."""
        w, n = self.world, len(self.s)
        base = self._base()
        self.acted, self.tilt = np.zeros(n, dtype=bool), np.zeros(n)
        action, waited = np.full(n, "ACCEPT", dtype=object), np.zeros(n, dtype=bool)
        uniform = self.rng.random((2, n))
        starts = np.searchsorted(self.s, np.arange(w.sessions + 1))
        for day in range(w.sessions):
            rows = np.arange(starts[day], starts[day + 1])
            logit = base[rows] + self._habits(day, rows)
            kind = self._touch(rows, logit, uniform)
            self.acted[rows] = kind >= 0
            if w.habits.get("herding"):
                self._herd(rows, logit, uniform, kind)
            touched = kind >= 0
            self._act(rows[touched], kind[touched], action, waited)
        return self.acted, self.tilt, action, waited

    def _touch(self, rows: IntArray, logit: FloatArray, uniform: FloatArray) -> IntArray:
        """-1 let through, 0 vetoed, 1 touched otherwise. Vetoes are decided first, with skill; the rest without."""
        chance = expit(logit)
        veto = uniform[0, rows] < expit(special_logit(VETOES * chance) + self.world.skill * self.v_star[rows])
        other = uniform[1, rows] < (1 - VETOES) * chance / (1 - VETOES * chance)
        return np.where(veto, 0, np.where(other, 1, -1))

    def _base(self) -> FloatArray:
        """Logit of an unbiased trader."""
        w, rng = self.world, self.rng
        level = rng.normal(-0.3, 0.5, w.traders)
        drift = _ar1(w.sessions, 0.97, w.drift, rng, w.traders)
        taste, lean = rng.normal(0, 0.4, (w.traders, w.assets)), rng.normal(0, 0.3, w.traders)
        base = level[self.j] + drift[self.s, self.j] + 0.6 * self.market.stress[self.s] + taste[self.j, self.a]
        return base + lean[self.j] * self.side + self.market.news[self.s, self.a]

    def _habits(self, day: int, rows: IntArray) -> FloatArray:
        """Shift of the logit by the planted habits that look back or at the clock."""
        h, shift = self.world.habits, np.zeros(len(rows))
        if h.get("after_loss"):
            shift += h["after_loss"] * (self._last(day, None) < 0)[self.j[rows]]
        if h.get("recency"):
            last = np.stack([self._last(day, kind) for kind in range(KINDS)], axis=1)
            shift += h["recency"] * (last[self.j[rows], self.a[rows] % KINDS] < 0)
        if h.get("last_hour"):
            shift += h["last_hour"] * (self.market.calendar.closes[day] - self.at[rows] <= 60 * MINUTE)
        if h.get("month_end"):
            labels = self.market.calendar.labels
            shift += h["month_end"] * (str(labels[day])[:7] != str(labels[min(day + 3, len(labels) - 1)])[:7])
        if h.get("exits") or h.get("disposition"):
            units, gain = self._position(day, rows)
            reduces = units * self.side[rows] < 0
            shift += h.get("exits", 0.0) * reduces + h.get("disposition", 0.0) * reduces * -np.sign(gain)
        return shift

    def _last(self, day: int, kind: int | None) -> FloatArray:
        """Money of each trader's interventions of the newest session whose horizons closed before `day`, (trader,)."""
        made, span = np.zeros(self.world.traders), self.world.span
        for opened in range(day - 1 - span, max(-1, day - 30), -1):
            rows = np.flatnonzero((self.s == opened) & self.acted & ((kind is None) | (self.a % KINDS == kind)))
            total = np.bincount(self.j[rows], (self._money(rows)), minlength=self.world.traders)
            made = np.where(made == 0, total, made)
            if (made != 0).all():
                break
        return made

    def _money(self, rows: IntArray) -> FloatArray:
        """Value of an intervention up to its execution costs."""
        return self.tilt[rows] * -self.v_star[rows] * self.risk[rows]

    def _position(self, day: int, rows: IntArray) -> tuple[FloatArray, FloatArray]:
        """Open units and their gain of the trader and asset of each row."""
        w = self.world
        units, cost = np.zeros((w.traders, w.assets)), np.zeros((w.traders, w.assets))
        past = np.flatnonzero((self.s < day) & (self.s >= day - w.span))
        held = self.side[past] * 100 * (1 + self.tilt[past])
        np.add.at(units, (self.j[past], self.a[past]), held)
        np.add.at(cost, (self.j[past], self.a[past]), held * self.price[past])
        own = units[self.j[rows], self.a[rows]]
        return own, own * self.price[rows] - cost[self.j[rows], self.a[rows]]

    def _herd(self, rows: IntArray, logit: FloatArray, uniform: FloatArray, kind: IntArray) -> None:
        """Trader 1 looks at what others did to the same asset earlier in the day, row by row in order of time; `kind` is changed in place."""
        for i in np.flatnonzero(self.j[rows] == 0):
            before = rows[:i][(self.a[rows[:i]] == self.a[rows[i]]) & (self.j[rows[:i]] != 0)]
            if len(before):
                seen = 2 * self.world.habits["herding"] * (self.acted[before].mean() - 0.5)
                kind[i] = self._touch(rows[i : i + 1], logit[i : i + 1] + seen, uniform)[0]
                self.acted[rows[i]] = kind[i] >= 0

    def _act(self, rows: IntArray, touched: IntArray, action: NDArray[Any], waited: NDArray[np.bool_]) -> None:
        """What the touched signals of a session become."""
        h, rng = self.world.habits, self.rng
        kind = np.where(touched == 0, 0, rng.choice([1, 2, 3], len(rows), p=[0.75, 0.17, 0.08]))
        small = rng.random(len(rows)) < 0.4
        up = rng.random(len(rows)) < expit(-self.world.skill * self.v_star[rows]) + h.get("resize_share", 0.0)
        size = np.where(small, rng.uniform(0.02, 0.09, len(rows)), rng.uniform(0.2, 0.8, len(rows)))
        good = self.v_star[rows] < 0  # the model gains: sizing up is right
        luck = rng.random(len(rows))
        kind = np.where((kind == 1) & up & ~good & (luck < h.get("resize_worth", 0.0)), 2, kind)  # bad upward ones become delays
        up = np.where(small & (luck < h.get("small_tweaks", 0.0)), ~good, up)  # small ones chosen badly
        tilt = np.select([kind == 0, kind == 1, kind == 2], [-1.0, np.where(up, size, -size), 0.0], -1.5)
        self.tilt[rows] = tilt
        action[rows] = np.array(["VETO", "RESIZE", "DELAY", "REVERSE"], dtype=object)[kind]
        waited[rows] = kind == 2


def _own_orders(world: Desk, market: _Market, rng: np.random.Generator) -> OwnOrders:
    """Orders without a signal: one in two sessions and trader, any asset, any side; what is planted makes them wrong."""
    s, j = np.nonzero(rng.random((world.sessions, world.traders)) < 0.5)
    a, k = rng.integers(0, world.assets, len(s)), rng.integers(0, STEPS, len(s))
    price, mark = market.price[s, a, k], market.price[s + world.span, a, STEPS]
    side = np.where(rng.random(len(s)) < 0.5, 1.0, -1.0)
    wrong = rng.random(len(s)) < world.habits.get("early_exit", 0.0)
    side = np.where(wrong & (mark != price), -np.sign(mark - price), side)
    y = side * (mark - price) / (price * market.known[s] * np.sqrt(world.span + 1.0 - k / STEPS))
    at = _instant(market.calendar, s, k, rng)
    return OwnOrders(j, s, a, at, market.calendar.closes[s + world.span], 50.0 * side, y)
