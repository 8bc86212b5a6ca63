"""Axes to draw on: a figure with margins of the house where none are given, and settings under which a name is never read as a formula."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from skillstats.errors import UsageError
from skillstats.report.figures import FAINT, INK, SOFT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH: Final = 10.0
TITLE: Final = 10.5
LINE: Final = 0.21
"""Inches a line of the title takes."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Inches around the axes and of them: left and right margins as shares of the width, height of the axes, room below for labels."""

    height: float
    left: float = 0.215
    right: float = 0.80
    below: float = 0.62


def rows_high(rows: int, each: float = 0.38) -> Shape:
    """The shape of a picture with a line a row, names left and words right."""
    return Shape(each * rows)


def open_shape(height: float = 3.6) -> Shape:
    """The shape of a picture with two axes of numbers."""
    return Shape(height, left=0.09, right=0.955)


@contextmanager
def plain_text() -> Iterator[None]:
    """Settings under which every text is itself, whatever the user's are."""
    import matplotlib as mpl

    with mpl.rc_context({"text.parse_math": False, "text.usetex": False}):
        yield


def draw_on(
    ax: Axes | None, shape: Shape, title: str, draw: Callable[[Axes], None], legend: Callable[[], Sequence[Any]] | None = None
) -> Axes:
    """Draw on the given axes, or on those of a new figure.

    Parameters
    ----------
    ax : axes, or None; shape : of a new figure
    title : the finding; set above the axes, in lines that fit
    draw : does it; legend : makes the handles that explain the marks, below the axis
    """
    with plain_text():
        lines = textwrap.wrap(title, 105)
        axes = _new(shape, len(lines), legend is not None) if ax is None else ax
        draw(axes)
        axes.set_title("\n".join(lines), loc="left", fontsize=TITLE, color=INK, pad=20)
        if legend is not None:
            axes.legend(
                handles=legend(), loc="upper left", bbox_to_anchor=(0.0, -0.5 / shape.height), ncol=3, frameon=False, fontsize=8,
                labelcolor=SOFT, borderaxespad=0.0, handlelength=1.8, columnspacing=1.6,
            )  # fmt: skip
    return axes


class Titled(Protocol):
    """Data of a picture: whatever else it holds, the finding stands above it."""

    @property
    def title(self) -> str:
        """The finding."""


def draw_data[D: Titled](
    ax: Axes | None,
    data: D | None,
    absent: str,
    shape: Callable[[D], Shape],
    draw: Callable[[Axes, D], None],
    legend: Callable[[D], Sequence[Any]] | None = None,
) -> Axes:
    """Draw what a picture is made of, or say why there is nothing to draw; see `draw_on`.

    Parameters
    ----------
    data : None where nothing may be shown; absent : what is said then, and what would help

    Raises
    ------
    UsageError
        If `data` is None.
    """
    if data is None:
        raise UsageError(absent)
    return draw_on(ax, shape(data), data.title, lambda axes: draw(axes, data), None if legend is None else lambda: legend(data))


def _new(shape: Shape, lines: int, legend: bool) -> Axes:
    """Axes of a new figure with room for the title, and for a legend of two lines."""
    import matplotlib.pyplot as plt

    below = shape.below + (0.45 if legend else 0.0)
    above = 0.42 + LINE * lines
    height = shape.height + below + above
    figure = plt.figure(figsize=(WIDTH, height))
    return figure.add_axes((shape.left, below / height, shape.right - shape.left, shape.height / height))


def quiet(axes: Axes, x_label: str, y_label: str, font: float = 9.0) -> None:
    """Axes of numbers in the style of the pages: two faint spines, soft labels."""
    for side in ("right", "top"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(FAINT)
    axes.set_facecolor("none")
    axes.tick_params(labelsize=font - 0.5, colors=SOFT, length=3, width=0.6)
    axes.set_xlabel(x_label, fontsize=font, color=SOFT, labelpad=5)
    axes.set_ylabel(y_label, fontsize=font, color=SOFT, labelpad=5)
