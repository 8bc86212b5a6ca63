"""Render an evaluation as one self-contained HTML file.

One environment escapes everything, refuses undefined names and refuses to print anything but text that was prepared: ``None``,
``nan`` or an unformatted number in a template is an error, not a page. The page holds no script and asks no other computer for
anything.
"""

from __future__ import annotations

import os
import tempfile
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from skillstats.errors import UsageError
from skillstats.evaluation.result import Evaluation
from skillstats.report.numbers import visible
from skillstats.report.view import view_of

AUDIENCES: Final = ("trader", "head", "pm", "quant", "governance")
WRITTEN: Final = ("head",)
"""Audiences this version writes a page for."""


def render_report(evaluation: Evaluation, *, audience: str, trader: str | None = None) -> str:
    """Render the page of one audience.

    Parameters
    ----------
    evaluation : the only source of the page
    audience : who will read it; there is no default. This version writes ``head`` (head of trading) only
    trader : whose page it is, for audience ``trader`` only

    Returns
    -------
    str, one HTML document; the same bytes for the same evaluation

    Raises
    ------
    UsageError
        If `audience` is unknown or not written by this version, or `trader` is given for the head's page.

    Notes
    -----
    The page names every trader of the desk: it is for the person who supervises them.
    """
    _check_audience(audience, trader)
    style = Markup(_read("style.css"))  # noqa: S704  a file of the package, no data in it
    return _environment().get_template("head.html.j2").render(v=view_of(evaluation), style=style)


def write_report(evaluation: Evaluation, *, audience: str, path: str | Path, trader: str | None = None) -> Path:
    """Render a page and write it; the file appears complete or not at all.

    Parameters
    ----------
    evaluation, audience, trader : see `render_report`
    path : the file to write; an existing page is replaced, anything else is left alone; its folder must exist

    Returns
    -------
    Path of the file

    Raises
    ------
    UsageError
        As `render_report`, or if `path` cannot be written.
    """
    page = render_report(evaluation, audience=audience, trader=trader).encode("utf-8")
    target = Path(path)
    if target.exists() and (not target.is_file() or not target.read_bytes()[:15].lower().startswith(b"<!doctype html")):
        raise UsageError(f"report {target}: exists and is not a page; name another file")
    try:
        _write_atomically(target, page)
    except OSError as error:
        raise UsageError(
            f"report {target}: cannot be written ({error.strerror}); give the path of a file in an existing folder"
        ) from None
    return target


def _check_audience(audience: str, trader: str | None) -> None:
    """Refuse an audience without a page, and a trader where the page is of the whole desk."""
    if audience not in AUDIENCES:
        raise UsageError(f"audience={audience!r}, not in {{{', '.join(AUDIENCES)}}}; name who will read the page")
    if audience not in WRITTEN:
        raise UsageError(f"audience={audience!r}, this version writes the head's page only; use audience 'head'")
    if trader is not None:
        raise UsageError(f"trader={trader!r}, the head's page shows the whole desk; leave the trader out")


@cache
def _environment() -> Environment:
    """The one environment of all pages."""
    return Environment(
        autoescape=True,
        undefined=StrictUndefined,
        loader=FunctionLoader(_read),
        finalize=_only_text,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _read(name: str) -> str:
    """A template or style sheet of the package."""
    return resources.files("skillstats.report").joinpath("templates", name).read_text(encoding="utf-8")


def _only_text(value: Any) -> Any:
    """Let prepared text pass, with invisible characters made visible; everything else is a defect of the template."""
    if isinstance(value, Markup | StrictUndefined):
        return value
    if isinstance(value, str):
        return visible(value)
    raise TypeError(f"the template prints {value!r}, which is not text")


def _write_atomically(target: Path, content: bytes) -> None:
    """Write beside the target, force to disk, rename."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".report-", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
