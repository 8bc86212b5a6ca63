"""Draw the pictures of the page "Pictures in a notebook", from a run of the demo.

    python docs/make_plot_figures.py DEMO [FACTORS]

DEMO is the folder of a run of ``skillstats demo``; FACTORS, where given, the evaluation folder of a record with factor returns. Pictures go to
``docs/_static``; drawing them again gives the same bytes. Look at what it drew.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

import skillstats as ss

STATIC = Path(__file__).resolve().parent / "_static"
STYLE = {"svg.hashsalt": "skillstats", "svg.fonttype": "none", "font.family": "sans-serif"}


def save(axes: Any, name: str) -> None:
    """Write one SVG without a date."""
    axes.figure.savefig(STATIC / f"plot_{name}.svg", metadata={"Date": None}, bbox_inches="tight")
    plt.close(axes.figure)


def main(folders: list[str]) -> None:
    """Draw everything a run of the demo has the data for."""
    demo = Path(folders[0])
    result, ledger = ss.read_evaluation(demo / "evaluation"), ss.read_ledger(demo / "ledger")
    with mpl.rc_context(STYLE):
        for name in ("forest", "funnel", "grid", "prior", "ranks", "quarter", "needed", "rate", "choice"):
            save(getattr(result, f"plot_{name}")(), name)
        save(result.plot_parts(ledger), "parts")
        save(result.plot_running(ledger, "T7"), "running")
        if ledger.decay is not None:
            save(result.plot_decay(ledger), "decay")
        if len(folders) > 1:
            save(ss.read_evaluation(folders[1]).plot_split(), "split")


if __name__ == "__main__":
    main(sys.argv[1:])
