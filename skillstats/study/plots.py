"""Pictures of ranks: the empirical minus the uniform distribution function of each quantity, with its simultaneous band."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from skillstats.study.bands import band, ecdf_difference
from skillstats.study.replicate import FAILED, RANKED

SETTINGS: Final[dict[str, Any]] = {
    "svg.hashsalt": "skillstats",
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 8.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
COLUMNS_OF_AXES: Final = 4
COLOURS: Final = ("#1b4965", "#c1666b", "#5b8c5a", "#8d6a9f")
DASHES: Final = ("-", "--", ":", "-.")


def plot_ranks(rows: pd.DataFrame, alphas: Mapping[str, float], path: Path, title: str) -> None:
    """Write one SVG with a panel a quantity and a line a design; the same rows give the same bytes.

    Parameters
    ----------
    rows : columns of `replicate.COLUMNS`, one model
    alphas : level of a quantity's test, by quantity: its band is drawn for the smallest number of ranks
    path : SVG file
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    kept = rows[rows["quantity"] != FAILED]
    names, designs = list(dict.fromkeys(kept["quantity"])), list(dict.fromkeys(kept["design"]))
    height = -(-len(names) // COLUMNS_OF_AXES)
    with mpl.rc_context():
        mpl.rcdefaults()
        for key, value in SETTINGS.items():
            mpl.rcParams[key] = value  # type: ignore[index]
        figure = Figure(figsize=(2.1 * COLUMNS_OF_AXES, 1.5 * height + 0.7), layout="constrained")
        axes = np.ravel(figure.subplots(height, COLUMNS_OF_AXES, sharex=True, squeeze=False))
        for ax, name in zip(axes, names, strict=False):
            _panel(ax, kept[kept["quantity"] == name], designs, alphas[name])
            ax.set_title(name, fontsize=8, loc="left")
        for ax in axes[len(names) :]:
            ax.set_axis_off()
        figure.suptitle(title, fontsize=9, x=0.01, ha="left")
        handles = axes[0].get_legend_handles_labels()
        figure.legend(*handles, loc="outside lower center", ncols=len(designs), frameon=False)
        FigureCanvasSVG(figure).print_svg(str(path), metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))  # type: ignore[no-untyped-call]


def _panel(ax: Any, rows: pd.DataFrame, designs: list[str], alpha: float) -> None:
    k = RANKED + 1
    z = np.arange(1, k) / k
    sizes = []
    for design, colour, dash in zip(designs, COLOURS, DASHES, strict=False):
        ranks = rows.loc[rows["design"] == design, "rank"].to_numpy(dtype=np.int64)
        if len(ranks):
            sizes.append(len(ranks))
            ax.plot(z, ecdf_difference(ranks, k), color=colour, ls=dash, lw=1.1, label=design)
    limits = band(min(sizes), k, alpha)
    ax.fill_between(z, limits.low / min(sizes) - z, limits.high / min(sizes) - z, color="#d9dee3", lw=0, zorder=0)
    ax.axhline(0, color="#888888", lw=0.5)
    ax.set_xlim(0, 1)
