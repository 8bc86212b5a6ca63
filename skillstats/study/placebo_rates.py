"""How often the placebo cries skill where there is none, and how often it finds skill that is there.

One trader, 250 sessions of 10 longs and 10 shorts, a full veto of signal i worth V_i = side_i (F_s + .87 e_i) sigma_i with the market F_s
(Student t, 4 degrees of freedom, sd .5) and the volatility sigma_i, known before (log sd .4). Who is vetoed, without skill unless it says so:

* ``P1`` any signal, 10% of each session; ``P1 skill`` the same, leaning to signals that will lose;
* ``P2`` the same number, signals of high volatility preferred (weight sigma^3); ``+ drift`` a veto of a long is worth .10 more on
  average, because the model is bad there;
* ``P4 sectors`` all signals of one of two sectors of one side, in three sessions of ten; signals of a sector share a shock of sd .5;
* ``P3`` all longs of 15 sessions; ``sticky`` in spells of 8 sessions; ``volatile`` sessions with a volatility of their own (log sd
  .6) and volatile ones preferred (weight: its mean volatility to the power 5); ``P3 skill`` falling sessions preferred (weight exp(-1.2 F_s)).

Methods, one-sided at 5%: ``naive t`` a t test of the vetoed signals' money; ``global``, ``day x side`` and ``risk cells`` the money permuted among all
signals, in day x side, and in the cells of `luck.strata` (exact moments, normal tail; NaN where nothing can move); ``day blocks`` and
``shifts`` the money with whole days permuted or turned; ``ours, money`` and ``ours`` the shipped test, which picks its level and scheme
itself, in money and in risk units, as it is shipped; ``ours, both p`` where p and, in a row test, p by days are both at most 5%.

Run: ``python -m skillstats.study.placebo_rates``, or as part of ``skillstats calibrate --part placebo``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from skillstats.luck import reassign
from skillstats.luck.placebo import Level, Universe, run_placebo
from skillstats.luck.strata import codes_of, risk_cells, terciles

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
SESSIONS, SIGNALS = 250, 20
SECTOR: Final = np.arange(SIGNALS) % (SIGNALS // 2) // (SIGNALS // 4)
"""Two sectors, half of the longs and half of the shorts each."""
LEVEL: Final = 0.05
METHODS: Final = ("naive t", "global", "day x side", "risk cells", "day blocks", "shifts", "ours, money", "ours", "ours, both p")
ROOT: Final = 20260701
NULL_BAND: Final = (0.04, 0.07)
"""What the documents promise of the shipped test under a blanket vetoer, at 1,000 replications (s.e. .007)."""
LEAST_POWER: Final = 0.6


@dataclass(frozen=True, slots=True)
class Market:
    """One year: market F (session,), volatility (session, signal), worth of a veto V (session, signal), side +1 or -1 (signal,)."""

    factor: FloatArray
    volatility: FloatArray
    worth: FloatArray
    side: FloatArray


Pick = Callable[[Market, np.random.Generator], BoolArray]


@dataclass(frozen=True, slots=True)
class Mechanism:
    """How vetoes come about. drift : of a veto of a long; sector : sd of a shock of each half of a side; day_volatility : log sd of a volatility the whole session shares; skilled"""

    pick: Pick
    drift: float = 0.0
    sector: float = 0.0
    day_volatility: float = 0.0
    skilled: bool = False


def draw_market(mechanism: Mechanism, rng: np.random.Generator) -> Market:
    """One year of signals."""
    side = np.r_[np.ones(SIGNALS // 2), -np.ones(SIGNALS // 2)]
    factor = 0.5 * rng.standard_t(4, SESSIONS) / np.sqrt(2)
    volatility = np.exp(0.4 * rng.standard_normal((SESSIONS, SIGNALS)))
    if mechanism.day_volatility:
        volatility *= np.exp(mechanism.day_volatility * rng.standard_normal(SESSIONS))[:, None]
    own = 0.87 * rng.standard_normal((SESSIONS, SIGNALS))
    if mechanism.sector:  # the same variance, part of it shared by the signals of a sector
        own *= np.sqrt(1 - (mechanism.sector / 0.87) ** 2)
        own += mechanism.sector * rng.standard_normal((SESSIONS, 2))[:, SECTOR]
    move = factor[:, None] + own
    return Market(factor, volatility, -side * move * volatility + mechanism.drift * (side > 0), side)


def pick_rows(weight: Callable[[Market], FloatArray]) -> Pick:
    """A tenth of the signals of each session (binomial), by weight and without replacement."""

    def pick(market: Market, rng: np.random.Generator) -> BoolArray:
        weights, vetoed = weight(market), np.zeros((SESSIONS, SIGNALS), dtype=bool)
        for s, k in enumerate(rng.binomial(SIGNALS, 0.1, SESSIONS)):
            if k:
                vetoed[s, rng.choice(SIGNALS, k, False, weights[s] / weights[s].sum())] = True
        return vetoed

    return pick


def pick_days(weight: Callable[[Market], FloatArray]) -> Pick:
    """All longs of 15 sessions, by weight."""

    def pick(market: Market, rng: np.random.Generator) -> BoolArray:
        vetoed, weights = np.zeros((SESSIONS, SIGNALS), dtype=bool), weight(market)
        days = rng.choice(SESSIONS, 15, False, weights / weights.sum())
        vetoed[np.ix_(days, market.side > 0)] = True
        return vetoed

    return pick


def pick_spells(market: Market, rng: np.random.Generator) -> BoolArray:
    """All longs in spells of 8 sessions, a spell begins with chance .02."""
    vetoed, s = np.zeros((SESSIONS, SIGNALS), dtype=bool), 0
    while s < SESSIONS:
        if rng.random() < 0.02:
            vetoed[s : s + 8, market.side > 0] = True
            s += 8
        s += 1
    return vetoed


def pick_sectors(market: Market, rng: np.random.Generator) -> BoolArray:
    """One sector of one side, all of it, in three sessions of ten."""
    vetoed = np.zeros((SESSIONS, SIGNALS), dtype=bool)
    for s in np.flatnonzero(rng.random(SESSIONS) < 0.3):
        vetoed[s] = (rng.integers(0, 2) == SECTOR) & (market.side == rng.choice([1.0, -1.0]))
    return vetoed


def _alike(market: Market) -> FloatArray:
    return np.ones_like(market.worth)


def _any_day(market: Market) -> FloatArray:
    return np.ones(len(market.factor))


MECHANISMS: Final[Mapping[str, Mechanism]] = {
    "P1": Mechanism(pick_rows(_alike)),
    "P2": Mechanism(pick_rows(lambda m: m.volatility**3)),
    "P2 + drift": Mechanism(pick_rows(lambda m: m.volatility**3), drift=0.1),
    "P3": Mechanism(pick_days(_any_day)),
    "P3 + drift": Mechanism(pick_days(_any_day), drift=0.1),
    "P3 sticky": Mechanism(pick_spells),
    "P3 volatile": Mechanism(pick_days(lambda m: m.volatility.mean(axis=1) ** 5), day_volatility=0.6),
    "P1 skill": Mechanism(pick_rows(lambda m: np.exp(0.25 * m.worth)), skilled=True),
    "P3 skill": Mechanism(pick_days(lambda m: np.exp(-1.2 * m.factor)), skilled=True),
    "P4 sectors": Mechanism(pick_sectors, sector=0.5),
}


def universe_of(market: Market, vetoed: BoolArray) -> tuple[Universe, Level]:
    """The shipped test's view of a year, and the level the vetoes themselves declare."""
    tilt = -vetoed.astype(float).ravel()
    side = np.tile((market.side > 0).astype(np.int64), SESSIONS)
    zero, risk = np.zeros(len(tilt), dtype=np.int64), market.volatility.ravel()
    day = np.repeat(np.arange(SESSIONS), SIGNALS)
    universe = Universe(tilt, tilt, -market.worth.ravel() / risk, -market.worth.ravel(), risk, day, side, zero, zero)
    halves = np.stack([vetoed[:, market.side > 0], vetoed[:, market.side < 0]], axis=1)  # shape: (day, side, signal)
    covered = (halves.mean(axis=2) > 0.8).any(axis=1)
    share = int(vetoed[covered].sum()) / max(int(vetoed.sum()), 1)
    return universe, "day" if share > 0.6 else "row"


def rejections(name: str, seed: int, draws: int) -> dict[str, float]:
    """Whether each method rejects (1 or 0; NaN where it cannot be run) in one year; empty where nothing was vetoed."""
    mechanism, rng = MECHANISMS[name], np.random.default_rng([ROOT, list(MECHANISMS).index(name), seed])
    market = draw_market(mechanism, rng)
    vetoed = mechanism.pick(market, rng)
    if not vetoed.any():
        return {}
    u, level = universe_of(market, vetoed)
    side_cells = codes_of(u.day, u.side)
    found = {"naive t": _naive(-u.money[vetoed.ravel()])}
    cells = (("global", np.zeros_like(u.day)), ("day x side", side_cells), ("risk cells", _cells(u)))
    found |= {method: _stratified(u, cell) for method, cell in cells}
    days = reassign.make_days(u.day, u.side, u.regime, u.act, u.money, u.act, u.money)
    for method, drawn in (
        ("day blocks", reassign.draw_days(days, draws, rng)[0]),
        ("shifts", reassign.turn_days(days, draws, rng)[0]),
    ):
        found[method] = float((1 + (drawn >= days.observed()[0] - 1e-9).sum()) / (len(drawn) + 1) <= LEVEL)
    for method, given in (("ours, money", replace(u, value=u.money)), ("ours", u)):
        test = run_placebo(given, "T1", level, seed=seed, draws=draws)
        found[method] = np.nan if test.p is None else float(test.p <= LEVEL)
        if method == "ours":
            found["ours, both p"] = np.nan if test.p is None else float(max(test.p, test.p_days or 0.0) <= LEVEL)
    return found


def placebo_rates(replications: int, draws: int = 1999, names: tuple[str, ...] = tuple(MECHANISMS)) -> pd.DataFrame:
    """Share of years in which each method rejects, a row a mechanism.

    Parameters
    ----------
    replications : years a mechanism; draws : re-assignments a test

    Returns
    -------
    frame: mechanism, skilled, years, not testable (share of years `ours` has no answer), then a column a method: rejections over the years
    in which it can be run, NaN where it can in less than a tenth of them
    """
    lines = []
    for name in names:
        years = pd.DataFrame([r for seed in range(replications) if (r := rejections(name, seed, draws))], columns=list(METHODS))
        rates = {m: float(years[m].mean()) if years[m].notna().mean() >= 0.1 else np.nan for m in METHODS}
        untested = float(years["ours"].isna().mean())
        lines.append(
            {"mechanism": name, "skilled": MECHANISMS[name].skilled, "years": len(years), "not testable": untested, **rates}
        )
    return pd.DataFrame(lines)


def misses(table: pd.DataFrame) -> list[str]:
    """What the documents promise and a table of the release form does not keep."""
    rate, found = table.set_index("mechanism")["ours"], []
    if not table.set_index("mechanism")["ours, both p"]["P4 sectors"] <= NULL_BAND[1] + 0.005:
        found.append("placebo P4 sectors: both p-values let too many through")
    naive, money = table.set_index("mechanism")["naive t"], table.set_index("mechanism")["ours, money"]
    for name in ("P3", "P3 + drift", "P3 sticky", "P3 volatile"):
        if not NULL_BAND[0] - 0.005 <= rate[name] <= NULL_BAND[1] + 0.005:
            found.append(f"placebo {name}: {rate[name]:.3f} outside 4 to 7%")
    found += [f"placebo {n}: naive t rejects {naive[n]:.3f} only" for n in ("P3", "P3 + drift") if naive[n] < 0.12]
    found += [f"placebo P3 volatile: in money {money['P3 volatile']:.3f} only"] if money["P3 volatile"] < 0.1 else []
    found += [f"placebo P3 skill: power {rate['P3 skill']:.3f}"] if rate["P3 skill"] < LEAST_POWER else []
    return found


def _cells(u: Universe) -> NDArray[np.int64]:
    return risk_cells(u.day, u.side, u.asset_class, terciles(u.risk))


def _naive(money: FloatArray) -> float:
    if len(money) < 2:
        return float("nan")
    return float(money.mean() / (money.std(ddof=1) / np.sqrt(len(money))) > norm.ppf(1 - LEVEL))


def _stratified(u: Universe, cell: NDArray[np.int64]) -> float:
    cells = reassign.sort_by_cell(cell, u.act, u.money, u.act, u.money)
    moments = reassign.cell_moments(cells)
    if moments.variance < 1e-9:
        return float("nan")
    return float(norm.sf((float(cells.act @ cells.value) - moments.mean) / np.sqrt(moments.variance)) <= LEVEL)


def main() -> None:
    """The command of the module."""
    import click

    from skillstats.study.results import frame_markdown

    @click.command()
    @click.option("--replications", type=click.IntRange(min=2), default=1000, show_default=True, help="Years a mechanism.")
    @click.option("--out", type=click.Path(path_type=Path), help="Markdown file to write the table to.")
    def run(replications: int, out: Path | None) -> None:
        """Rejection rates of the placebo at 5%, one-sided."""
        table = placebo_rates(replications)
        text = frame_markdown(table)
        click.echo(text)
        if out is not None:
            out.write_text(text, encoding="utf-8", newline="\n")
        found = misses(table)
        for sentence in found:
            click.echo(f"defect: {sentence}")
        raise SystemExit(1 if found else 0)

    run()


if __name__ == "__main__":
    main()
