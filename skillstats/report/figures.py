"""The forest plot: what the model believes about each trader, beside what the raw record said.

Left, one row a trader: the posterior mean (dot) with its 50% and 90% intervals, and the raw IR as a hollow ring from which a thin
line runs to the mean, so that shrinkage is seen and not only stated. Right, the probability to exceed the hurdle against the
certainty a claim needs. A withheld trader keeps a row that says so in words. Two layouts are
drawn, for wide and for narrow screens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from skillstats.evaluation.result import INTERVAL_NAME
from skillstats.report.numbers import fixed, percent, shorten
from skillstats.report.rows import Band, Row
from skillstats.report.svg import draw_layout
from skillstats.report.words import Scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK: Final = "#1d2733"
SOFT: Final = "#5b6673"
FAINT: Final = "#dfe4ea"
BAND: Final = "#f6f8fa"
CLEAR: Final = "#1b5e8c"
OTHER: Final = "#6f7f90"
AMBER: Final = "#7a4a00"
RAW: Final = "#a05a1c"


@dataclass(frozen=True, slots=True)
class Layout:
    """Sizes of a forest plot in inches and points; `stacked` puts the name above its interval."""

    width: float
    row: float
    font: float
    left: float
    split: float
    right: float
    stacked: bool
    legend_columns: int
    legend_height: float


WIDE: Final = Layout(10.0, 0.40, 9.0, 0.215, 0.735, 0.985, False, 5, 0.34)
NARROW: Final = Layout(4.9, 0.66, 11.0, 0.03, 0.97, 0.97, True, 2, 0.72)


def forest_svg(rows: Sequence[Row], scale: Scale, *, narrow: bool, title: str, description: str) -> Markup:
    """The forest plot as inline SVG.

    Parameters
    ----------
    rows : one a trader, in the order they are drawn; only what passed the filter of `rows`
    scale : scale of the IR, hurdle and certainty
    narrow : the layout for a phone
    title, description : alternative text

    Returns
    -------
    Markup
    """
    layout = NARROW if narrow else WIDE
    return draw_layout(lambda: _forest(rows, scale, layout), "forest", narrow=narrow, title=title, description=description)


def _forest(rows: Sequence[Row], scale: Scale, layout: Layout) -> Figure:
    """Compose the figure: intervals, names, probabilities, legend."""
    from matplotlib.figure import Figure

    bottom, top = 0.56 + layout.legend_height, 0.34
    height = layout.row * len(rows) + bottom + top
    figure = Figure(figsize=(layout.width, height), facecolor="none")
    box = (bottom / height, layout.row * len(rows) / height)
    axes: Axes = figure.add_axes((layout.left, box[0], layout.split - layout.left, box[1]))
    draw_forest(axes, rows, scale, layout)
    if not layout.stacked:
        start = layout.split + 0.035
        _probabilities(figure.add_axes((start, box[0], layout.right - start, box[1])), rows, scale, layout)
    _legend(figure, scale, layout)
    return figure


def draw_forest(axes: Axes, rows: Sequence[Row], scale: Scale, layout: Layout = WIDE) -> None:
    """The intervals on given axes; names stand left of them, so the axes need a margin."""
    _frame(axes, rows, scale, layout)
    for place, row in enumerate(rows):
        _draw_row(axes, row, place, layout)
        _write_name(axes, row, place, scale, layout)


def _frame(axes: Axes, rows: Sequence[Row], scale: Scale, layout: Layout) -> None:
    """Limits, stripes, zero and hurdle line, axis label."""
    low, high = x_limits(rows, scale.hurdle)
    axes.set_xlim(low, high)
    _stripes(axes, len(rows))
    axes.axvline(0, color=INK, lw=0.9, zorder=1)
    axes.axvline(scale.hurdle, color=CLEAR, lw=1.1, ls=(0, (5, 3)), zorder=1)
    axes.tick_params(axis="x", labelsize=layout.font - 0.5, colors=SOFT, length=3, width=0.6)
    axes.set_xlabel(_axis_label(scale), fontsize=layout.font, color=SOFT, labelpad=5)
    top = axes.get_xaxis_transform()
    left_of_hurdle = scale.hurdle >= 0
    axes.text(
        0,
        1.0,
        "zero ",
        transform=top,
        ha="right" if left_of_hurdle else "left",
        va="bottom",
        fontsize=layout.font - 0.5,
        color=INK,
    )
    axes.text(
        scale.hurdle,
        1.0,
        f" hurdle {scale.hurdle_text}",
        transform=top,
        ha="left" if left_of_hurdle else "right",
        va="bottom",
        fontsize=layout.font - 0.5,
        color=CLEAR,
    )


def _axis_label(scale: Scale) -> str:
    """Name and unit of the horizontal axis."""
    return "annual information ratio (no unit)" if scale.name == "annual IR" else "information ratio per decision (no unit)"


def _stripes(axes: Axes, rows: int) -> None:
    """Rows from top to bottom on quiet stripes, without a frame."""
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_yticks([])
    axes.set_facecolor("none")
    for place in range(0, rows, 2):
        axes.axhspan(place - 0.5, place + 0.5, color=BAND, lw=0, zorder=0)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)


def x_limits(rows: Sequence[Row], hurdle: float) -> tuple[float, float]:
    """Limits that hold zero, the hurdle and every 90% interval, and raw values up to a third of that width beyond.

    Examples
    --------
    >>> x_limits([], 0.25)
    (-0.02, 0.27)
    """
    ends = [0.0, hurdle] + [x for r in rows if r.ir for x in (r.ir.q05, r.ir.q95)]
    low, high = min(ends), max(ends)
    reach = (high - low) / 3
    raws = [min(max(r.raw_ir, low - reach), high + reach) for r in rows if r.raw_ir is not None and r.ir]
    low, high = min([low, *raws]), max([high, *raws])
    pad = 0.08 * (high - low) if rows else 0.02
    return low - pad, high + pad


def _draw_row(axes: Axes, row: Row, place: int, layout: Layout) -> None:
    """The intervals and the raw IR of one trader, or the words that there are none."""
    y = place + (0.17 if layout.stacked else 0.10)
    if row.ir is None:
        _write_absent(axes, row, y, layout)
        return
    colour = CLEAR if row.claims else OTHER
    axes.plot([row.ir.q05, row.ir.q95], [y, y], color=colour, lw=1.6, solid_capstyle="butt", zorder=3)
    if row.ir.q25 is not None and row.ir.q75 is not None:
        axes.plot([row.ir.q25, row.ir.q75], [y, y], color=colour, lw=5.2, solid_capstyle="butt", zorder=3)
    _draw_raw(axes, row.ir, row.raw_ir, y, layout)
    axes.plot([row.ir.mean], [y], marker="o", ms=7.5, mfc=colour, mec="white", mew=1.2, ls="none", zorder=6)


def _write_absent(axes: Axes, row: Row, y: float, layout: Layout) -> None:
    """A row without estimate, in words."""
    words = row.absence
    if row.withheld and row.reasons and not layout.stacked:
        words += f" ({shorten(row.codes, 36)})"
    low, high = axes.get_xlim()
    axes.plot([low, high], [y, y], color=FAINT, lw=1, ls=(0, (1, 3)), zorder=2)
    axes.text(
        low + 0.02 * (high - low),
        y,
        words,
        fontsize=layout.font,
        color=SOFT,
        style="italic",
        va="center",
        zorder=5,
        bbox={"facecolor": "white", "edgecolor": FAINT, "boxstyle": "round,pad=0.35", "lw": 0.6},
    )


def _draw_raw(axes: Axes, band: Band, raw: float | None, y: float, layout: Layout) -> None:
    """The raw IR as a hollow ring, tied to the posterior mean; beyond the axis an arrow head with its value."""
    if raw is None:
        return
    low, high = axes.get_xlim()
    margin = 0.015 * (high - low)
    inside = low + margin <= raw <= high - margin
    x = min(max(raw, low + margin), high - margin)
    lift = y - (0.22 if layout.stacked else 0.30)
    axes.annotate(
        "",
        xy=(band.mean, y),
        xytext=(x, lift),
        arrowprops={
            "arrowstyle": "->,head_width=0.16,head_length=0.28",
            "color": RAW,
            "lw": 0.8,
            "shrinkA": 3,
            "shrinkB": 5,
            "alpha": 0.9,
        },
        zorder=4,
    )
    shape = "o" if inside else (">" if raw > high else "<")
    axes.plot([x], [lift], marker=shape, ms=5.2, mfc="white", mec=RAW, mew=1.1, ls="none", zorder=5)
    if not inside:
        right = raw > high
        axes.annotate(
            fixed(raw, 1),
            (x, lift),
            xytext=(3 if right else -3, -4 if layout.stacked else 3),
            textcoords="offset points",
            ha="right" if right else "left",
            va="top" if layout.stacked else "bottom",
            fontsize=layout.font - 1.5,
            color=RAW,
        )


def _write_name(axes: Axes, row: Row, place: int, scale: Scale, layout: Layout) -> None:
    """Name of a trader, left of the row or above it, with the probability in the narrow layout."""
    style: dict[str, Any] = {"fontsize": layout.font, "color": INK, "clip_on": False, "zorder": 7}
    flagged = row.status == "FLAG"
    across = axes.get_yaxis_transform()
    if not layout.stacked:
        axes.text(
            -0.015, place - (0.14 if flagged else 0), shorten(row.trader, 26), transform=across, ha="right", va="center", **style
        )
        if flagged:
            style |= {"color": AMBER, "fontsize": layout.font - 1.5}
            axes.text(-0.015, place + 0.24, f"FLAG {shorten(row.codes, 26)}", transform=across, ha="right", va="center", **style)
        return
    mark = ", FLAG" if flagged else ""
    style["bbox"] = {"facecolor": "white" if place % 2 else BAND, "edgecolor": "none", "pad": 1.0, "alpha": 0.85}
    axes.text(0.0, place - 0.33, shorten(row.trader, 22) + mark, transform=across, ha="left", va="center", **style)
    if row.p_above_hurdle is not None:
        words = f"P(IR > hurdle) {percent(row.p_above_hurdle, scale.certainty)}"
        style |= {"color": CLEAR if row.claims else SOFT, "fontsize": layout.font - 1}
        axes.text(1.0, place - 0.33, words, transform=across, ha="right", va="center", **style)


def _probabilities(axes: Axes, rows: Sequence[Row], scale: Scale, layout: Layout) -> None:
    """Bars of P(IR > hurdle) against the certainty a claim needs."""
    _stripes(axes, len(rows))
    axes.set_xlim(0, 1)
    for place, row in enumerate(rows):
        if row.p_above_hurdle is None:
            continue
        share = row.p_above_hurdle
        axes.barh(place, share, height=0.46, color=CLEAR if row.claims else "#b9c3ce", lw=0, zorder=2)
        inside = share > 0.3
        axes.text(
            (min(share, scale.certainty) if row.claims else share) - 0.02 if inside else share + 0.02,
            place,
            percent(share, scale.certainty),
            ha="right" if inside else "left",
            va="center",
            fontsize=layout.font - 0.5,
            color="white" if inside and row.claims else INK,
            zorder=4,
        )
    axes.axvline(scale.certainty, color=INK, lw=1.0, ls=(0, (2, 2)), zorder=3)
    top = axes.get_xaxis_transform()
    axes.text(
        scale.certainty,
        1.0,
        f"{scale.sure} needed",
        transform=top,
        ha="right",
        va="bottom",
        fontsize=layout.font - 0.5,
        color=INK,
    )
    axes.set_xticks([0, 0.5, 1], ["0%", "50%", "100%"])
    axes.tick_params(axis="x", labelsize=layout.font - 0.5, colors=SOFT, length=3, width=0.6)
    axes.set_xlabel("P(IR > hurdle)", fontsize=layout.font, color=SOFT, labelpad=5)


def legend_handles(scale: Scale) -> list[Any]:
    """What each mark of the forest plot means."""
    from matplotlib.lines import Line2D

    entries = (
        ("posterior mean", {"marker": "o", "ms": 7, "mfc": OTHER, "mec": "white", "ls": "none"}),
        ("50% interval", {"color": OTHER, "lw": 5}),
        (INTERVAL_NAME, {"color": OTHER, "lw": 1.6}),
        ("raw IR, before shrinkage", {"marker": "o", "ms": 5.2, "mfc": "white", "mec": RAW, "color": RAW, "lw": 0.8}),
        (
            f"clears with {scale.sure} certainty",
            {"marker": "o", "ms": 7, "mfc": CLEAR, "mec": "white", "color": CLEAR, "lw": 1.6},
        ),
    )
    return [Line2D([], [], label=words, **look) for words, look in entries]  # type: ignore[arg-type]


def _legend(figure: Figure, scale: Scale, layout: Layout) -> None:
    """What each mark means, below the axis."""
    style: dict[str, Any] = {"ncol": layout.legend_columns, "frameon": False, "fontsize": layout.font - 1, "labelcolor": SOFT}
    style |= {"handlelength": 1.8, "handletextpad": 0.8, "columnspacing": 1.6, "borderaxespad": 0.0, "borderpad": 0.1}
    figure.legend(handles=legend_handles(scale), loc="lower left", bbox_to_anchor=(0.0 if layout.stacked else 0.01, 0.0), **style)
