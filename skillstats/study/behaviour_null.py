"""How often does each detector of a habit fire on traders without habits, and how often on traders with one?

    python -m skillstats.study.behaviour_null --desks 63 --out docs/models/evidence/behaviour.md
    python -m skillstats.study.behaviour_null --part learning --desks 60 --out docs/models/evidence/learning.md

Five kinds of unbiased desks (`DESIGNS`): the usual one; horizons of the same close; horizons of five sessions, so that bets overlap; skilled
traders; and a model that is right more often than not. A planted habit is looked for with the detector of its name only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

import click
import numpy as np
import pandas as pd
from scipy import stats

from skillstats.behaviour.detectors import DETECTORS
from skillstats.behaviour.habits import BY_NAME, habits_of
from skillstats.study.behaviour_worlds import Desk, desk_of
from skillstats.study.learning_rates import LEARNING, learning_markdown, learning_table, run_learning

LEVEL: Final = 0.05
ALARM: Final = 0.01
AGAIN: Final = 1_000_003
"""Added to the seed of the run that an alarm is confirmed on: of some fifty correct cells one in two runs alarms by chance, hardly any twice."""
NOT_NULL: Final = frozenset({("edge", "early_exit")})
"""Where the model is right more often than not, cutting its positions early does lose: no false alarm."""
DESIGNS: Final = (
    Desk("usual"),
    Desk("close", span=0),
    Desk("overlap", span=5),
    Desk("skilled", skill=0.3),
    Desk("edge", edge=0.05),
)
PLANTED: Final = tuple(
    Desk(name, habits={name: size})
    for name, size in (
        ("after_loss", 0.35), ("recency", 0.4), ("disposition", 0.3), ("exits", 0.3), ("early_exit", 0.5), ("resize_share", 0.08),
        ("resize_worth", 0.6), ("small_tweaks", 0.3), ("herding", 0.5), ("last_hour", 0.4), ("month_end", 0.6),
    )
)  # fmt: skip


def run_desk(seed: int, world: Desk, replicate: int, names: tuple[str, ...] = ()) -> pd.DataFrame:
    """Habits of one simulated desk: a row a trader and detector; those of `names`, or the planted one, or all."""
    rng = np.random.default_rng([seed, *world.name.encode(), len(world.habits), replicate])
    desk = desk_of(world, rng)
    only = tuple(BY_NAME[name] for name in (names or world.habits)) or DETECTORS
    table = habits_of(desk, 0.10, only).to_pandas()
    if "herding" in world.habits:
        table = table[table["trader"] == "T1"]  # the one who copies
    return table.assign(design=world.name, replicate=replicate)


def null_rates(rows: pd.DataFrame) -> pd.DataFrame:
    """Share of unbiased traders each detector fires on.

    Returns
    -------
    columns design, detector, traders (that it could answer for), rate (p < 5%), error (of the rate, clustered by desk: its traders share the
    market), covered (share of 90% intervals that hold zero), ok (rate not above 5% by more than chance: one-sided p >= 1%)
    """
    table = []
    for (design, detector), cell in rows.groupby(["design", "detector"], sort=False):
        asked = cell[cell["p"].notna()]
        if (design, detector) in NOT_NULL or asked.empty:
            continue
        fires = (asked["p"] < LEVEL).astype(float)
        desks = fires.groupby(asked["replicate"]).agg(["sum", "count"])
        rate, n = float(fires.mean()), len(asked)
        deviations = desks["sum"] - LEVEL * desks["count"]
        error = float(np.sqrt((deviations - deviations.mean()).pow(2).sum())) / n
        covered = float(((asked["q05"] <= 0) & (asked["q95"] >= 0)).mean())
        if error > 0:
            chance = stats.t.sf((rate - LEVEL) / error, max(1, len(desks) - 1))
        else:  # every desk says the same
            chance = stats.binomtest(int(fires.sum()), n, LEVEL, alternative="greater").pvalue
        table.append(
            {
                "design": design,
                "detector": detector,
                "traders": n,
                "rate": rate,
                "error": error,
                "covered": covered,
                "ok": bool(chance >= ALARM),
            }
        )
    return pd.DataFrame(table)


def confirmed(null: pd.DataFrame, desks: int, seed: int, workers: int) -> pd.DataFrame:
    """The null table with every alarm run again on as many fresh desks.

    Returns
    -------
    the columns of `null_rates` and again (rate on the fresh desks, NaN where none were needed), defect (an alarm in both runs)
    """
    table = null.assign(again=np.nan, defect=False)
    for world in DESIGNS:
        names = tuple(null.loc[(null["design"] == world.name) & ~null["ok"], "detector"])
        if not names:
            continue
        fresh = null_rates(run_worlds(partial(run_desk, names=names), (world,), desks, seed + AGAIN, workers)).set_index(
            "detector"
        )
        for name in names:
            at = (table["design"] == world.name) & (table["detector"] == name)
            table.loc[at, "again"], table.loc[at, "defect"] = fresh.loc[name, "rate"], not fresh.loc[name, "ok"]
    return table


def power_rates(rows: pd.DataFrame) -> pd.DataFrame:
    """Share of traders with a planted habit it is found in.

    Returns
    -------
    columns detector, traders, effect (mean), unit, power (p < 5% and the planted sign)
    """
    table = []
    for detector, cell in rows.groupby("detector", sort=False):
        asked = cell[cell["p"].notna()]
        sign = np.sign(asked["effect"].mean())
        power = float(((asked["p"] < LEVEL) & (np.sign(asked["effect"]) == sign)).mean())
        table.append(
            {
                "detector": detector,
                "traders": len(asked),
                "effect": asked["effect"].mean(),
                "unit": cell["unit"].iloc[0],
                "power": power,
            }
        )
    return pd.DataFrame(table)


def markdown(null: pd.DataFrame, power: pd.DataFrame, lists: pd.DataFrame) -> str:
    """The tables as Markdown, for the documentation."""
    designs = list(dict.fromkeys(null["design"]))
    rates = null.pivot_table(index="detector", columns="design", values="rate", sort=False)
    traders, error = int(null["traders"].max()), null["error"].max()
    lines = [
        f"Share of unbiased traders on which a test at 5% fires; {traders} traders a cell, each with 252 sessions of about 10 signals, Monte-Carlo error at most {error:.3f}.",
        "",
        "| detector | " + " | ".join(designs) + " | intervals that hold 0 | power on a planted habit | its size |",
        "|---|" + "---|" * (len(designs) + 3),
    ]
    covered = null.groupby("detector")["covered"].mean()
    found = power.set_index("detector")
    for detector in rates.index:
        cells = [
            f"{rates.loc[detector, d]:.3f}" if d in rates.columns and np.isfinite(rates.loc[detector, d]) else "–"
            for d in designs
        ]
        have = detector in found.index
        size = f"{found.loc[detector, 'effect']:+.2f} {found.loc[detector, 'unit']}" if have else "–"
        strong = f"{found.loc[detector, 'power']:.2f}" if have else "–"
        lines.append(
            f"| {BY_NAME[detector].title} (`{detector}`) | "
            + " | ".join(cells)
            + f" | {covered[detector]:.3f} | {strong} | {size} |"
        )
    pooled = float(np.average(null["rate"].to_numpy(), weights=null["traders"].to_numpy()))
    any_found = {str(name): float(cell.mean()) for name, cell in lists.groupby("design", sort=False)["any"]}
    told = ", ".join(f"{name} {share:.2f}" for name, share in any_found.items())
    lines += [
        "",
        _again(null),
        "",
        f"All cells together: {pooled:.3f}. Desks of eight unbiased traders with any habit on the list at a false-discovery rate of 10%: {told}.",
    ]
    return "\n".join(lines) + "\n"


def _again(null: pd.DataFrame) -> str:
    """What became of the alarms, a sentence."""
    alarms = null[~null["ok"]]
    if alarms.empty:
        return "No cell fires more often than 5% by more than chance (one-sided p of 1%)."
    told = [f"`{r.detector}` in {r.design} {r.rate:.3f}, then {r.again:.3f}" for r in alarms.itertuples()]
    return f"Cells above 5% by more than chance (one-sided p of 1%) were run again on as many fresh desks: {'; '.join(told)}."


def study(
    desks: int, seed: int, workers: int, planted_desks: int | None = None
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Null and power tables, and for each null desk whether anything was found."""
    null = run_worlds(run_desk, DESIGNS, desks, seed, workers)
    planted = run_worlds(run_desk, PLANTED, planted_desks or max(2, desks // 8), seed, workers)
    lists = null.groupby(["design", "replicate"], sort=False)["found"].any().rename("any")
    return confirmed(null_rates(null), desks, seed, workers), power_rates(planted), lists.reset_index()


def run_worlds(
    run: Callable[[int, Desk, int], pd.DataFrame], worlds: Sequence[Desk], desks: int, seed: int, workers: int
) -> pd.DataFrame:
    """Rows of `desks` replicates of every world; the same for any number of workers."""
    found: list[pd.DataFrame] = []
    for world in worlds:
        one = partial(run, seed, world)
        if workers == 1:
            found += [one(i) for i in range(desks)]
        else:
            with ProcessPoolExecutor(workers) as pool:
                found += list(pool.map(one, range(desks)))
    rows: pd.DataFrame = pd.concat(found, ignore_index=True)
    return rows


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--part",
    type=click.Choice(["habits", "learning"]),
    default="habits",
    show_default=True,
    help="Detectors of habits, or the shallow rule.",
)
@click.option(
    "--desks", type=click.IntRange(min=1), default=63, show_default=True, help="Desks a design; of eight traders for habits."
)
@click.option("--seed", type=int, default=2026, show_default=True)
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Markdown file for the table.")
def main(part: str, desks: int, seed: int, workers: int, out: Path | None) -> None:
    """False alarms and power of the detectors of habits, or of the comparison with a rule; exits 1 where one fires too often."""
    if part == "learning":
        table = learning_table(run_worlds(run_learning, LEARNING, desks, seed, workers))
        text, bad = learning_markdown(table), [f"claims in {r.design}" for r in table[~table["ok"]].itertuples()]
    else:
        null, power, lists = study(desks, seed, workers)
        text = markdown(null, power, lists)
        bad = [
            f"{r.detector} fires on {r.rate:.1%} and again on {r.again:.1%} of {r.traders} unbiased traders in {r.design}"
            for r in null[null["defect"]].itertuples()
        ]
    click.echo(text)
    if out is not None:
        out.write_text(text, encoding="utf-8")
    for words in bad:
        click.echo(f"defect: {words}")
    raise SystemExit(1 if bad else 0)


if __name__ == "__main__":
    main()
