"""From a matplotlib figure to a piece of HTML: the same bytes every time, no address, no script, readable without eyes.

matplotlib writes a complete XML document with a date, namespace addresses and ids that repeat from figure to figure. Inside HTML
none of that is needed: the tree is rebuilt with plain names, ids get the prefix of the figure, a title and a description come
first. matplotlib's settings are global, so two threads must not draw at the same time.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

from markupsafe import Markup

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SALT: Final = "skillstats"
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_DROPPED: Final = ("width", "height", "version")
_SETTINGS: Final[dict[str, Any]] = {
    "svg.hashsalt": SALT,
    "svg.fonttype": "none",
    "text.parse_math": False,
    "text.usetex": False,
    "axes.unicode_minus": True,
    "font.size": 9.0,
    "path.simplify": False,
}


def draw_svg(draw: Callable[[], Figure], *, key: str, title: str, description: str, css: str) -> Markup:
    """Draw a figure with fixed settings and return it as an inline ``<svg>``.

    Parameters
    ----------
    draw : builds the figure; called under settings that no matplotlibrc of the user can change and that read no text as formula
    key : prefix of every id, unique in the page
    title, description : read aloud in place of the picture
    css : class of the element

    Returns
    -------
    Markup, escaped by an XML serialiser
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    with mpl.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a name with glyphs the measuring font lacks; the browser has them
        mpl.rcdefaults()
        for name, value in _SETTINGS.items():
            mpl.rcParams[name] = value  # type: ignore[index]
        figure = draw()
        out = io.StringIO()
        FigureCanvasSVG(figure).print_svg(out, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))  # type: ignore[no-untyped-call]
    return inline_svg(out.getvalue(), key=key, title=title, description=description, css=css)


def draw_layout(draw: Callable[[], Figure], key: str, *, narrow: bool, title: str, description: str) -> Markup:
    """One of the two layouts of a picture, for wide and for narrow screens; the style sheet shows one of them. Parameters as `draw_svg`."""
    side = "narrow" if narrow else "wide"
    return draw_svg(draw, key=f"{key}-{side}", title=title, description=description, css=f"forest {side}")


def inline_svg(document: str, *, key: str, title: str, description: str, css: str) -> Markup:
    """Rebuild an SVG document as an element of an HTML page; see `draw_svg`."""
    root = ET.fromstring(document)  # noqa: S314  written by matplotlib a moment ago
    for parent in list(root.iter()):
        for child in list(parent):
            if _plain(str(child.tag)) == "metadata":
                parent.remove(child)
    for element in root.iter():
        element.tag = _plain(str(element.tag))
        attributes = {_plain(k): _prefixed(_plain(k), v, key) for k, v in element.attrib.items()}
        element.attrib.clear()
        element.attrib.update(attributes)
    for name in _DROPPED:
        root.attrib.pop(name, None)
    for style in root.iter("style"):
        style.text = (style.text or "").replace("*{", f".{css.split(maxsplit=1)[0]} *{{")
    root.attrib.update({"class": css, "role": "img", "aria-labelledby": f"{key}-title {key}-desc", "focusable": "false"})
    for name, text in (("desc", description), ("title", title)):
        element = ET.Element(name, {"id": f"{key}-{name}"})
        element.text = text
        root.insert(0, element)
    return Markup(ET.tostring(root, encoding="unicode", short_empty_elements=False))  # noqa: S704  the serialiser escapes


def _plain(name: str) -> str:
    """A tag or attribute without its namespace."""
    return name.rsplit("}", 1)[-1]


def _prefixed(name: str, value: str, key: str) -> str:
    """An attribute value with the figure's prefix on every id it defines or refers to."""
    if name == "id":
        return f"{key}-{value}"
    if name == "href" and value.startswith("#"):
        return f"#{key}-{value[1:]}"
    return _REFERENCE.sub(rf"url(#{key}-\1)", value)
