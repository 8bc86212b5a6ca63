"""Draw the pictures of the documentation.

    python docs/make_figures.py DEMO

DEMO is the folder of a run of ``skillstats demo``. Pictures go to ``docs/_static``. The page is photographed only where
a Chromium is on the path. Run it again when the demo's numbers change, and look at what it drew.
"""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

import skillstats as ss

STATIC = Path(__file__).resolve().parent / "_static"
BLUE, GREY, ORANGE, RED = "#1b5e8c", "#6b7b8c", "#b5531f", "#a12a2a"
DEMO_LABELS = ("estimate, 50% and 90% interval", "raw record", "truth")
STYLE = {
    "svg.hashsalt": "skillstats",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
}

COVERAGE = (
    # what was assumed, share of nominal 90% intervals that held the truth; see docs/why.md for the designs
    ("rows of one day taken as independent", 0.42),
    ("desk-day effect only, traders face different ways", 0.60),
    ("trader-day effect only, all face one way", 0.76),
    ("5-day horizons, decisions taken as independent", 0.56),
    ("20-day horizons, decisions taken as independent", 0.34),
    ("20-day horizons, Newey-West", 0.80),
    ("skill drifts, held constant", 0.49),
    ("20-day horizons, day slices", 0.905),
    ("both day effects", 0.99),
)


def save(figure: Any, name: str) -> None:
    """Write one SVG without a date, so that drawing it again gives the same bytes."""
    figure.savefig(STATIC / name, metadata={"Date": None}, bbox_inches="tight")
    plt.close(figure)


def demo_truth(demo: Path) -> None:
    """Truth, raw and estimated annual IR of each simulated trader."""
    truth = {t["trader"]: t["annual_ir"] for t in json.loads((demo / "truth.json").read_text())["traders"]}
    rows = [r for r in json.loads((demo / "evaluation" / "evaluation.json").read_text())["rows"] if r["regime"] == "all"]
    figure, axis = plt.subplots(figsize=(7.2, 0.42 * len(rows) + 1.1))
    for k, row in enumerate(reversed(rows)):
        if row["ir_annual_mean"] is None:
            continue
        said = {x: x for x in DEMO_LABELS} if k == 0 else {}
        axis.plot([row["ir_annual_q05"], row["ir_annual_q95"]], [k, k], color=GREY, lw=1.4, zorder=1)
        axis.plot([row["ir_annual_q25"], row["ir_annual_q75"]], [k, k], color=GREY, lw=5, zorder=2, solid_capstyle="butt")
        axis.scatter(row["ir_annual_mean"], k, s=42, color=BLUE, zorder=4, label=said.get("estimate, 50% and 90% interval"))
        axis.scatter(row["raw_ir_annual"], k, s=42, facecolors="white", edgecolors=ORANGE, zorder=3, label=said.get("raw record"))
        axis.scatter(truth[row["trader"]], k, s=70, marker="|", color="black", lw=2.2, zorder=5, label=said.get("truth"))
    axis.axvline(0.25, color=BLUE, ls="--", lw=1)
    axis.text(0.32, len(rows) - 0.45, "hurdle 0.25", color=BLUE, va="bottom")
    axis.set_yticks(range(len(rows)), [r["trader"] for r in reversed(rows)])
    axis.set_xlabel("annual information ratio")
    axis.legend(loc="upper center", bbox_to_anchor=(0.45, -0.18), ncols=3, frameon=False)
    save(figure, "demo_truth.svg")


def coverage() -> None:
    """How often nominal 90% intervals held the truth, by what was assumed."""
    figure, axis = plt.subplots(figsize=(7.2, 3.3))
    for k, (name, share) in enumerate(reversed(COVERAGE)):
        colour = BLUE if share >= 0.86 else RED
        axis.barh(k, share, color=colour, height=0.62)
        axis.text(share - 0.012, k, f"{share:.0%}", color="white", ha="right", va="center")
        axis.text(-0.012, k, name, ha="right", va="center")
    axis.axvline(0.9, color="black", ls="--", lw=1)
    axis.text(0.9, len(COVERAGE) - 0.4, "promised: 90%", ha="center", va="bottom")
    axis.set_xlim(0, 1)
    axis.set_yticks([])
    axis.set_xticks([0, 0.5, 1], ["0%", "50%", "100%"])
    save(figure, "coverage.svg")


def eight_schools() -> None:
    """Raw and pooled effects of the eight schools."""
    pooled = ss.shrink([28, 8, -3, 7, -1, 1, 18, 12], [15, 10, 16, 11, 9, 11, 10, 18], names=list("ABCDEFGH"))
    figure, axis = plt.subplots(figsize=(7.2, 3.2))
    for k in range(len(pooled.names)):
        axis.plot([k, k], [pooled.lower[k], pooled.upper[k]], color=BLUE, lw=1.4)
        axis.plot([k - 0.16, k], [pooled.estimate[k], pooled.mean[k]], color=ORANGE, lw=1)
        axis.scatter(
            k - 0.16,
            pooled.estimate[k],
            s=38,
            facecolors="white",
            edgecolors=ORANGE,
            zorder=3,
            label=None if k else "as estimated",
        )
        axis.scatter(k, pooled.mean[k], s=38, color=BLUE, zorder=3, label=None if k else "pooled, 90% interval")
        axis.text(k + 0.08, pooled.mean[k], f"{pooled.mean[k]:.1f}", va="center", fontsize=9)
    axis.axhline(float(pooled.mu_mean), color=GREY, ls="--", lw=1)
    axis.set_xticks(range(8), pooled.names)
    axis.set_ylabel("points")
    axis.legend(frameon=False, loc="upper center", ncols=2)
    save(figure, "eight_schools.svg")


def head_page(demo: Path) -> None:
    """First screen of the head's page."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        print("no Chromium on the path: docs/_static/head_page.png is left as it is")
        return
    with tempfile.TemporaryDirectory() as profile:
        options = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
        ]
        options += [
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            "--window-size=1200,1010",
            f"--user-data-dir={profile}",
        ]
        target = STATIC / "head_page.png"
        command = [browser, *options, f"--screenshot={target}", (demo / "head.html").resolve().as_uri()]
        subprocess.run(command, check=True, timeout=60, capture_output=True)  # noqa: S603  the browser this script looked for


def check_kept(demo: Path) -> None:
    """The table shown in README.md must be that of this run."""
    with (demo / "evaluation" / "skill.csv").open(newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["regime"] == "all"]
    text = (STATIC.parent.parent / "README.md").read_text()
    gone = [r["trader"] for r in rows if f"{float(r['ir_annual_mean']):+.2f} [{float(r['ir_annual_q05']):+.2f}" not in text]
    if gone:
        print(f"README.md shows other numbers than this run for {', '.join(gone)}: paste the demo's table again")


def main(demo: Path) -> None:
    """Draw everything."""
    STATIC.mkdir(exist_ok=True)
    with mpl.rc_context(STYLE):
        demo_truth(demo)
        coverage()
        eight_schools()
    head_page(demo)
    check_kept(demo)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
