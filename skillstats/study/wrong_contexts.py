"""How many entries of the list "the model is wrong here" are false? ``python -m skillstats.study.wrong_contexts``.

Desks of 8 traders with 4 overrides a session; every override falls in one of 24 contexts (3 signal types x 2 regimes x 4 asset classes; a
regime holds for a spell of sessions, type and class are drawn for each signal, some more often than others). The truth is a mixture: in most contexts overriding is worth
exactly nothing, in the others it has the IR of somebody whose annual IR would be `effect`. Decisions of a day share a desk-day shock that
hits both ways and a trader-day shock. An entry is false where the truth does not exceed the hurdle. The share of a desk without entries counts 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final

import click
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.boundary.contexts import Label
from skillstats.boundary.search import Rule
from skillstats.boundary.wrong import judge_contexts
from skillstats.study.finder import ROWS, S_U, S_V, SIGMA, SPELL, TRADERS, UNIT
from skillstats.study.results import frame_markdown

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
SIZES: Final = {"signal_type": 3, "regime": 2, "asset_class": 4}
TYPES: Final = (0.5, 0.3, 0.2)
CLASSES: Final = (0.4, 0.3, 0.2, 0.1)
CASES: Final = tuple(
    (share, effect, n) for share in (0.0, 0.25, 0.5) for effect in ((0.0,) if share == 0 else (3.0, 6.0)) for n in (126, 252, 504)
)
"""(share of contexts in which overriding pays, annual IR there, sessions)."""
DESKS: Final = 200
FALSE_LIMIT: Final = 0.15
RULE: Final = Rule(hurdle=0.25, unit=UNIT, certainty=0.90, fdr=0.10, floor=10)


def planted_desk(
    share: float, effect: float, sessions: int, rng: np.random.Generator
) -> tuple[FloatArray, IntArray, dict[str, Label], dict[tuple[str, ...], float]]:
    """Outcomes per unit of risk (row,), sessions (row,), labels, and the true annual IR of every context."""
    size = TRADERS * ROWS
    day = np.repeat(np.arange(sessions), size)
    trader = np.tile(np.repeat(np.arange(TRADERS), ROWS), sessions)
    change = np.cumsum(rng.random(sessions) < 1 / SPELL)
    codes = {
        "signal_type": rng.choice(3, len(day), p=TYPES),
        "regime": (change % 2)[day],
        "asset_class": rng.choice(4, len(day), p=CLASSES),
    }
    truth = effect * (rng.random(tuple(SIZES.values())) < share)
    direction = rng.choice((-1.0, 1.0), len(day))
    shocks = S_V * rng.standard_normal(sessions)[day] * direction + S_U * rng.standard_normal((sessions, TRADERS))[day, trader]
    y = shocks + SIGMA * rng.standard_normal(len(day))
    y = y + UNIT * np.sqrt(S_V**2 + S_U**2 + SIGMA**2) * truth[tuple(codes.values())]
    names = {k: tuple(f"{k[0]}{i}" for i in range(n)) for k, n in SIZES.items()}
    labels = {k: Label(codes[k].astype(np.int64), names[k]) for k in SIZES}
    known = {tuple(names[k][i] for k, i in zip(SIZES, at, strict=True)): float(v) for at, v in np.ndenumerate(truth)}
    return y, day, labels, known


def run_planted(share: float, effect: float, sessions: int, desks: int, *, root: int) -> pd.DataFrame:
    """One row a desk: entries of the list, false ones, and contexts with something to find."""
    rows = []
    for replicate in range(desks):
        rng = np.random.default_rng([root, round(100 * share), round(10 * effect), sessions, replicate])
        y, day, labels, truth = planted_desk(share, effect, sessions, rng)
        cells, expected = judge_contexts(y, day, labels, RULE, seed=replicate)
        listed = [truth[c.levels] for c in cells if c.listed]
        rows.append(
            {
                "share": share, "effect": effect, "sessions": sessions, "listed": len(listed),
                "false": sum(t <= RULE.hurdle for t in listed), "there": sum(t > RULE.hurdle for t in truth.values()), "expected": expected or 0.0,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def planted_table(rows: pd.DataFrame) -> pd.DataFrame:
    """One line a truth and length: entries a desk, mean false share with its standard error, share of what is there that is listed."""
    table: list[dict[str, Any]] = []
    for (share, effect, sessions), own in rows.groupby(["share", "effect", "sessions"], sort=True):
        false = (own["false"] / own["listed"].clip(lower=1)).to_numpy(dtype=float)
        there = int(own["there"].sum())
        table.append(
            {
                "share": share, "effect": effect, "sessions": sessions, "desks": len(own), "listed": float(own["listed"].mean()),
                "false_share": float(false.mean()), "error": float(false.std(ddof=1) / np.sqrt(len(own))), "expected": float(own["expected"].mean()),
                "found": float((own["listed"] - own["false"]).sum() / there) if there else None, "ok": bool(false.mean() <= FALSE_LIMIT),
            }
        )  # fmt: skip
    return pd.DataFrame(table)


def _words(table: pd.DataFrame) -> str:
    named = {
        "share": "contexts that pay", "effect": "annual IR there", "sessions": "sessions", "desks": "desks", "listed": "entries a desk",
        "false_share": "false share", "error": "its error", "expected": "expected by the list", "found": "share found",
    }  # fmt: skip
    return frame_markdown(table[list(named)].round(3).rename(columns=named))


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--desks", type=click.IntRange(min=2), default=DESKS, show_default=True, help="Desks a line.")
@click.option("--seed", "root", type=click.IntRange(min=0), default=20261121, show_default=True)
@click.option(
    "--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes; results do not depend on it."
)
@click.option("--out", type=click.Path(path_type=Path), help="CSV file for the rows, a desk each.")
def main(desks: int, root: int, workers: int, out: Path | None) -> None:
    """False share of the list "the model is wrong here" on planted truths. Exits 1 where it exceeds .15."""
    made: Sequence[pd.DataFrame]
    with ProcessPoolExecutor(max_workers=workers) as pool:
        jobs = [pool.submit(run_planted, *case, desks, root=root) for case in CASES]
        made = [job.result() for job in jobs]
    rows = pd.concat(made, ignore_index=True)
    if out is not None:
        rows.to_csv(out, index=False)
    table = planted_table(rows)
    click.echo(_words(table))
    if not table["ok"].all():
        raise SystemExit(1)


if __name__ == "__main__":
    main()
