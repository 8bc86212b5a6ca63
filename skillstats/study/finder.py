"""Does the regime finder find what is there, and nothing else? ``python -m skillstats.study.finder``.

Desks of 8 traders with 4 decisions a session; the market is calm or in a sell-off (spells of 20 sessions on average, a quarter of the time
in sell-offs). Skill is planted in sell-offs only: decisions there have the IR of a trader whose annual IR would be `effect` if all his
decisions were like them. Six placebo labels mean nothing: three hold for whole sessions and come in spells like the market, with 2, 3 and 4
levels, three are drawn for each decision. All seven labels and their 21 crossings are searched.

True is one finding only: overrides help in the sell-off. Everything else found is false: a placebo, a crossing of the sell-off with one, the
calm market called harmful. Desks without any regime are of two kinds: no skill at all, and the same skill everywhere.
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
from scipy import stats

from skillstats.boundary.contexts import Label
from skillstats.boundary.search import Cell, Rule, search
from skillstats.study.plots import COLOURS, DASHES, SETTINGS
from skillstats.study.results import frame_markdown

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
ROOT: Final = 20260726
TRADERS, ROWS, SPELL, STRESSED, YEAR = 8, 4, 20.0, 0.25, 252
EVERYWHERE: Final = 3.0
"""Annual IR of every decision on a desk that is good everywhere."""
CASES: Final = tuple((0.0, level, n) for level in (0.0, EVERYWHERE) for n in (126, 252)) + tuple(
    (effect, 0.0, n) for effect in (2.0, 4.0) for n in (126, 252, 504, 756)
)
"""(annual IR in sell-offs, annual IR everywhere, sessions)."""
DESKS: Final = 300
S_V, S_U, SIGMA = 0.4, 0.3, 0.85
UNIT: Final = float(1 / np.sqrt(YEAR * ROWS / (1 + (ROWS - 1) * 0.3)))
"""IR per decision of an annual IR of 1: the plan's rule for a desk that is there every day."""
FALSE_LIMIT: Final = 0.10
STUDY_DRAWS: Final = 1000


def finder_desk(
    sessions: int, effect: float, rng: np.random.Generator, everywhere: float = 0.0
) -> tuple[FloatArray, IntArray, dict[str, Label]]:
    """Outcomes per unit of risk (row,), sessions (row,) and labels of one desk."""
    size = TRADERS * ROWS
    day = np.repeat(np.arange(sessions), size)
    trader = np.tile(np.repeat(np.arange(TRADERS), ROWS), sessions)
    market = _spells(sessions, (1 - STRESSED, STRESSED), rng)
    labels = {"market": Label(market[day], ("calm", "sell-off"))}
    for levels in (2, 3, 4):
        labels[f"session placebo {levels}"] = Label(_spells(sessions, (1 / levels,) * levels, rng)[day], _letters(levels))
        labels[f"row placebo {levels}"] = Label(rng.integers(0, levels, len(day)), _letters(levels))
    direction = rng.choice((-1.0, 1.0), len(day))  # of the deviation: the market shock hits both ways
    y = S_V * rng.standard_normal(sessions)[day] * direction + S_U * rng.standard_normal((sessions, TRADERS))[day, trader]
    y = y + SIGMA * rng.standard_normal(len(day))
    return y + UNIT * np.sqrt(S_V**2 + S_U**2 + SIGMA**2) * (everywhere + effect * (market[day] == 1)), day, labels


def _spells(sessions: int, shares: Sequence[float], rng: np.random.Generator) -> IntArray:
    """State of every session: spells of geometric length around `SPELL` sessions over the states, never the same state twice running."""
    state, path = int(rng.choice(len(shares), p=shares)), list[int]()
    while len(path) < sessions:
        path += [state] * int(rng.geometric(1 / max(1.0, SPELL * len(shares) * shares[state])))
        state = (state + int(rng.integers(1, len(shares)))) % len(shares)
    return np.array(path[:sessions], dtype=np.int64)


def _letters(count: int) -> tuple[str, ...]:
    return tuple("ABCD"[:count])


def is_true(cell: Cell, effect: float) -> bool:
    """Whether a finding is the planted one."""
    return effect > 0 and cell.keys == ("market",) and cell.level == "sell-off" and cell.found == "helps"


def run_finder(effect: float, everywhere: float, sessions: int, desks: int, *, root: int = ROOT) -> pd.DataFrame:
    """One row a desk: whether the planted regime was found, and how many findings were false."""
    rule, rows = Rule(hurdle=0.25, unit=UNIT, certainty=0.90, fdr=0.10, floor=10, draws=STUDY_DRAWS), []
    for replicate in range(desks):
        rng = np.random.default_rng([root, round(10 * effect), round(10 * everywhere), sessions, replicate])
        y, day, labels = finder_desk(sessions, effect, rng, everywhere)
        found = [c for c in search(y, day, labels, rule, seed=replicate)[0] if c.found]
        true = sum(is_true(c, effect) for c in found)
        days = len(np.unique(day[labels["market"].codes == 1]))
        rows.append(
            {
                "effect": effect,
                "everywhere": everywhere,
                "sessions": sessions,
                "days": days,
                "true": true,
                "false": len(found) - true,
            }
        )
    return pd.DataFrame(rows)


def finder_table(rows: pd.DataFrame) -> pd.DataFrame:
    """One line an effect and length.

    Returns
    -------
    columns effect, everywhere, sessions, days (mean, in the planted regime), desks, found, found_low, found_high (share of desks with the planted regime
    found, 90% Clopper-Pearson), desks_false (share with any false finding), false_high (its upper 95% limit), false_share (mean share of
    findings that are false, none counting 0), ok (the false share is within the rate up to 3 standard errors)
    """
    table: list[dict[str, Any]] = []
    for (effect, everywhere, sessions), cell in rows.groupby(["effect", "everywhere", "sessions"], sort=True):
        n, hits, wrong = len(cell), int((cell["true"] > 0).sum()), int((cell["false"] > 0).sum())
        share = (cell["false"] / (cell["true"] + cell["false"]).clip(lower=1)).to_numpy(dtype=float)
        low, high = stats.binomtest(hits, n).proportion_ci(0.90)
        table.append(
            {
                "effect": effect, "everywhere": everywhere, "sessions": sessions, "days": float(cell["days"].mean()), "desks": n, "found": hits / n,
                "found_low": float(low), "found_high": float(high), "desks_false": wrong / n,
                "false_high": float(stats.binomtest(wrong, n).proportion_ci(0.90).high), "false_share": float(share.mean()),
                "ok": bool(share.mean() <= FALSE_LIMIT + 3 * np.sqrt(FALSE_LIMIT * (1 - FALSE_LIMIT) / n)),
            }
        )  # fmt: skip
    return pd.DataFrame(table)


def plot_discovery(table: pd.DataFrame, path: Path) -> None:
    """Discovery curve as SVG: share of desks that find the planted regime, and share with any false finding, by sessions."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with mpl.rc_context():
        mpl.rcdefaults()
        for key, value in SETTINGS.items():
            mpl.rcParams[key] = value  # type: ignore[index]
        figure = Figure(figsize=(7.0, 3.4), layout="constrained")
        ax = figure.subplots()
        planted = table[table["effect"] > 0]
        for (effect, own), colour, dash in zip(planted.groupby("effect"), COLOURS, DASHES, strict=False):
            ax.plot(
                own["sessions"], own["found"], color=colour, ls=dash, marker="o", ms=4, label=f"found, annual IR {effect:g} there"
            )
            ax.fill_between(own["sessions"], own["found_low"], own["found_high"], color=colour, alpha=0.15, lw=0)
        worst = table.groupby("sessions")["desks_false"].max()
        ax.plot(worst.index, worst, color="#444444", marker="s", ms=3, lw=1, label="any false finding (worst of the desks)")
        ax.axhline(FALSE_LIMIT, color="#888888", lw=0.6, ls=":")
        ax.set_xlabel("sessions of the record; a quarter of them in the planted regime")
        ax.set_ylabel("share of desks")
        ax.set_ylim(-0.02, 1.02)
        ax.set_xticks(sorted(table["sessions"].unique()))
        ax.legend(frameon=False, loc="center right", bbox_to_anchor=(1.0, 0.42), fontsize=7.5)
        ax.set_title("A planted regime is found as the record grows; placebos are not", fontsize=9, loc="left")
        FigureCanvasSVG(figure).print_svg(str(path), metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))  # type: ignore[no-untyped-call]


def page(table: pd.DataFrame) -> str:
    """The table as a page of the documentation."""
    shown = table.assign(
        planted=[f"{e:g}" if e else f"{x:g}, as everywhere" for e, x in zip(table["effect"], table["everywhere"], strict=True)],
        days=table["days"].round(0).astype(int),
        found=[f"{f:.2f} [{a:.2f}, {b:.2f}]" if e else "" for e, f, a, b in zip(table["effect"], table["found"], table["found_low"], table["found_high"], strict=True)],
        desks_false=[f"{v:.3f} (below {h:.3f})" for v, h in zip(table["desks_false"], table["false_high"], strict=True)],
        false_share=[f"{v:.3f}" for v in table["false_share"]],
    )  # fmt: skip
    named = {
        "planted": "annual IR in sell-offs", "sessions": "sessions", "days": "days in sell-offs", "desks": "desks", "found": "found [90%]",
        "desks_false": "desks with a false finding (95% limit)", "false_share": "mean false share",
    }  # fmt: skip
    return (
        f"Made by `python -m skillstats.study.finder --docs docs`, seed {ROOT}. Hurdle 0.25, certainty 0.90, rate 0.10, "
        "7 labels (one real at most) and their 21 crossings.\n\n"
        f"{frame_markdown(shown[list(named)].rename(columns=named))}\n"
    )


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--desks",
    type=click.IntRange(min=2),
    default=DESKS,
    show_default=True,
    help="Desks a line without a planted regime; a third as many with.",
)
@click.option(
    "--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes; results do not depend on it."
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the rows, a desk each.")
@click.option("--docs", type=click.Path(path_type=Path), help="Put table and picture into this documentation folder.")
def main(desks: int, workers: int, out: Path | None, docs: Path | None) -> None:
    """Discovery curve and false findings of the regime finder. Exits 1 where the false share exceeds its rate."""
    made = []
    with ProcessPoolExecutor(max_workers=workers) as pool:
        jobs = [pool.submit(run_finder, effect, level, n, desks // 3 if effect else desks) for effect, level, n in CASES]
        for job in jobs:
            made.append(job.result())
            click.echo(finder_table(made[-1]).to_string(index=False, float_format=lambda v: f"{v:.3f}"))
    rows = pd.concat(made)
    table = finder_table(rows)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        rows.to_csv(out / "finder.csv", index=False)
    if docs is not None:
        evidence = docs / "models" / "evidence"
        (evidence / "finder.md").write_text(page(table), encoding="utf-8")
        plot_discovery(table, docs / "_static" / "finder.svg")
    raise SystemExit(0 if table["ok"].all() else 1)


if __name__ == "__main__":
    main()
