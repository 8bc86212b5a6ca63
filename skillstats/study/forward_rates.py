"""How often does the score of past forecasts say what is true?

    python -m skillstats.study.forward_rates [DESKS] [SEED]
    python -m skillstats.study.forward_rates 50 1 > docs/models/evidence/forward.md

Desks of six traders over seven quarters, of three kinds: ``none`` (no skill: a forecast of skill has no edge over zero), ``skill`` (each trader has an
own level that lasts) and ``passing`` (a level drawn anew each quarter: the past says nothing about the next). For every desk the whole walk
is made, and each 90% interval is held against what it is about: the expected difference of the forecasts that were made, which is known
because the truth is. It may miss in 10% of the desks. ``better`` than no skill may be said of at most 5% of the desks of ``none`` and
``passing``, and should be said of most of ``skill``.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from skillstats.evaluation.forward import forecasts_after
from skillstats.evaluation.forward_score import RIVALS, Forecast, Result, log_score, predictive, result_of
from skillstats.evaluation.forward_summary import mean_over_quarters, verdict_on
from skillstats.evidence import Evidence, outcomes_to_evidence
from skillstats.evidence.past import up_to_quarter
from skillstats.plan import ModelChoice, Plan
from skillstats.record.outcomes import read_outcome_table
from skillstats.spec import read_spec

FloatArray = NDArray[np.float64]
KINDS: Final = ("none", "skill", "passing")
PLAN: Final = Plan(model=ModelChoice(sessions_per_year=84.0, bets_per_year=100.0))
NODES: Final = 32


@dataclass(frozen=True, slots=True)
class Shape:
    """Of every desk: sizes, sd of skill where there is any, and sds of luck, y units."""

    traders: int = 6
    quarters: int = 7
    days: int = 21
    rows: int = 3
    skill: float = 0.20
    desk_day: float = 0.2
    trader_day: float = 0.3
    residual: float = 1.0


def desk_of(kind: str, shape: Shape, rng: np.random.Generator) -> tuple[Evidence, FloatArray]:
    """An outcomes table of a desk as evidence, and the true skill (trader, quarter), y units."""
    spread = 0.0 if kind == "none" else shape.skill
    size = (shape.traders, shape.quarters)
    truth = spread * (
        rng.standard_normal(size) if kind == "passing" else rng.standard_normal(shape.traders)[:, None] + np.zeros(size)
    )
    trader, quarter, day, _ = (c.ravel() for c in np.indices((*size, shape.days, shape.rows)))
    v = shape.desk_day * rng.standard_normal((shape.quarters, shape.days))
    u = shape.trader_day * rng.standard_normal((*size, shape.days))
    y = truth[trader, quarter] + v[quarter, day] + u[trader, quarter, day] + shape.residual * rng.standard_normal(len(trader))
    dates = [f"{2020 + q // 4}-{1 + 3 * (q % 4):02d}-{1 + d:02d}" for q, d in zip(quarter, day, strict=True)]
    frame = pd.DataFrame({"trader": [f"T{j + 1}" for j in trader], "session": dates, "value_add": 100 * y, "risk": 100.0})
    return outcomes_to_evidence(read_outcome_table(frame, {}, PLAN), PLAN), truth


def run_desk(kind: str, shape: Shape, seed: int, replicate: int) -> pd.DataFrame:
    """One desk: a row a rival with mean, ends and verdict of the difference, and the expected difference it is about."""
    evidence, truth = desk_of(kind, shape, np.random.default_rng([seed, 23, *kind.encode(), replicate]))
    spec, found = read_spec("crossed_total"), []
    for known in range(shape.quarters - 1):
        made = forecasts_after(up_to_quarter(evidence, known), PLAN, spec, (seed + replicate, known, 1))
        for forecast in made:
            j = evidence.coords["trader"].index(forecast.trader)
            rows = np.flatnonzero((evidence.trader == j) & (evidence.code("quarter") == known + 1))
            found.append({"quarter": known + 1} | _scores(forecast, result_of(evidence, rows, None), truth[j, known + 1], shape))
    by = pd.DataFrame(found).groupby("quarter").mean()
    lines = []
    for rival in RIVALS:
        line = mean_over_quarters(by[rival].tolist())
        lines.append(
            {"kind": kind, "replicate": replicate, "rival": rival, "expected": float(by[f"{rival}_expected"].mean())}
            | {k: line[k] for k in ("mean", "q05", "q95")}
            | {"verdict": verdict_on(line)}
        )
    return pd.DataFrame(lines)


def _scores(forecast: Forecast, result: Result, skill: float, shape: Shape) -> dict[str, float]:
    """Differences of scores at what came, and on average over what could have come under the truth."""
    total, squares_day, squares, observed = result.weights["outcome"]
    sd = np.sqrt((shape.desk_day**2 + shape.trader_day**2) * squares_day + shape.residual**2 * squares)
    x, w = special.roots_hermitenorm(NODES)
    could = skill * total + sd * x
    own = predictive(forecast, result, "outcome", "method")
    found = {}
    for rival in RIVALS:
        other = predictive(forecast, result, "outcome", rival)
        found[rival] = log_score(*own, observed) - log_score(*other, observed)
        each = [log_score(*own, r) - log_score(*other, r) for r in could]
        found[f"{rival}_expected"] = float(w @ np.array(each) / w.sum())
    return found


def forward_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Shares of desks.

    Returns
    -------
    columns kind, rival, desks, covered (share of 90% intervals that hold the expected difference), better, worse (shares of verdicts), mean, expected
    """
    flags = rows.assign(
        covered=(rows["q05"] <= rows["expected"]) & (rows["expected"] <= rows["q95"]),
        better=rows["verdict"] == "better",
        worse=rows["verdict"] == "worse",
    )
    groups = flags.groupby(["kind", "rival"], sort=False)
    table = groups[["covered", "better", "worse", "mean", "expected"]].mean()
    table.insert(0, "desks", groups.size())
    return table.reset_index()


def forward_markdown(table: pd.DataFrame) -> str:
    """The table as Markdown."""
    names = {"zero": "no skill", "raw": "own raw mean", "pooled": "desk's mean"}
    lines = [
        "| desks | against | number | interval holds the truth | says better | says worse | mean difference, nats |",
        "|---|---|---|---|---|---|---|",
    ]
    for r in table.to_dict("records"):
        shares = " | ".join(f"{r[k]:.2f}" for k in ("covered", "better", "worse"))
        lines.append(f"| {r['kind']} | {names[str(r['rival'])]} | {r['desks']} | {shares} | {r['mean']:+.3f} |")
    return "\n".join(lines) + "\n"


def run_forward(desks: int, seed: int, shape: Shape | None = None, kinds: tuple[str, ...] = KINDS) -> pd.DataFrame:
    """All desks of each kind; the same seed gives the same rows."""
    used = shape or Shape()
    return pd.concat([run_desk(kind, used, seed, r) for kind in kinds for r in range(desks)], ignore_index=True)


def main(arguments: list[str]) -> Any:
    """Print the table for DESKS (default 100) of each kind."""
    desks, seed = (int(a) for a in (*arguments, *("100", "1")[len(arguments) :])[:2])
    print(forward_markdown(forward_table(run_forward(desks, seed))), end="")


if __name__ == "__main__":
    main(sys.argv[1:])
