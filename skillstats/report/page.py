"""Render an evaluation as one self-contained HTML file.

One environment escapes everything, refuses undefined names and refuses to print anything but text that was prepared: ``None``,
``nan`` or an unformatted number in a template is an error, not a page. The page holds one script, named by its digest in the page's
policy, and asks no other computer for anything; see `finish`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from skillstats.aside import write_whole
from skillstats.errors import UsageError
from skillstats.evaluation.result import Evaluation
from skillstats.evaluation.write import plain_json
from skillstats.report.finish import CONTENTS, finished, policy_of
from skillstats.report.numbers import visible
from skillstats.report.readers import READERS, Material, Reader

if TYPE_CHECKING:
    from skillstats.ledger.containers import Ledger

AUDIENCES: Final = ("trader", "head", "pm", "quant", "governance")
SLUG: Final = 24
"""Characters of a trader's name that a file name keeps at most."""


@dataclass(frozen=True, slots=True)
class Pages:
    """What one reader is given: the page, the data it was rendered from (none for the head), and further tables by file name."""

    page: str
    data: bytes
    tables: Mapping[str, pa.Table]


def render_report(
    evaluation: Evaluation,
    *,
    audience: str,
    trader: str | None = None,
    ledger: Ledger | None = None,
    day: str | None = None,
    minutes: Sequence[Mapping[str, Any]] = (),
) -> str:
    """Render the page of one audience.

    Parameters
    ----------
    evaluation : the verdicts
    audience : who will read it; there is no default
    trader : whose page it is, for a page of one person only
    ledger : the rows the evaluation rests on, for pages that show rows or cells of the ledger
    day : session the trader's page is about, ``2026-09-30``; default: the last one with a decision of that trader
    minutes : decisions recorded on this evaluation, see `skillstats.evaluation.minutes.read_minutes`

    Returns
    -------
    str, one HTML document; the same bytes for the same evaluation

    Raises
    ------
    UsageError
        If `audience` is unknown or not written by this version, `trader`, `ledger` or `day` is missing or given in vain, or the trader has no
        decision on that day.

    Notes
    -----
    The head's page names every trader of the desk: it is for the person who supervises them.
    """
    return make_pages(Material(evaluation, ledger, trader, tuple(minutes), day=day), audience=audience).page


def make_pages(material: Material, *, audience: str) -> Pages:
    """Filter, then render: the page is made from the reader's data as read back from its bytes, and from nothing else."""
    reader = _reader(material, audience)
    seen = reader.collect(material)
    data = plain_json(seen) if reader.own_data else b""
    seen = msgspec.json.decode(data) if reader.own_data else seen
    return Pages(_render(reader, seen), data, reader.tables(material))


def _render(reader: Reader, seen: Mapping[str, Any]) -> str:
    """The page of a reader's data."""
    return render_template(reader.template, reader.view(seen))


def render_template(template: str, view: Any) -> str:
    """A finished page from one of the templates and what it shows, text and Markup only."""
    style, script = _read("style.css"), _read("page.js")
    parts = {"style": Markup(style), "script": Markup(script)}  # noqa: S704  files of the package, no data in them
    page = _environment().get_template(template).render(v=view, policy=policy_of(script), contents=CONTENTS, **parts)
    return finished(page)


def write_report(
    evaluation: Evaluation,
    *,
    audience: str,
    path: str | Path,
    trader: str | None = None,
    ledger: Ledger | None = None,
    day: str | None = None,
    contests: Sequence[Mapping[str, Any]] = (),
    minutes: Sequence[Mapping[str, Any]] = (),
    pdf: str | Path | None = None,
) -> Path:
    """Render a page and write it; each file appears complete or not at all.

    Parameters
    ----------
    evaluation, audience, trader, ledger, day : see `render_report`
    contests, minutes : contested rows, see `skillstats.read_contests`, and decisions recorded on the evaluation, see `skillstats.read_minutes`, for
        pages that list them
    path : the file to write; an existing page is replaced, anything else is left alone; its folder must exist. The data of the page is written
        beside it, with the ending ``.json`` (none for the head, whose data is the evaluation itself), and tables with their own
    pdf : also print the page to this file, with the extra `pdf` and a browser of this machine; see `skillstats.report.pdf`

    Returns
    -------
    Path of the page

    Raises
    ------
    UsageError
        As `render_report`, if the page cannot be printed, or if `path` or `pdf` cannot be written.
    """
    material = Material(evaluation, ledger, trader, tuple(minutes), contests=tuple(contests), day=day)
    pages = make_pages(material, audience=audience)
    if pdf is None:
        return write_pages(pages, Path(path))
    from skillstats.report.pdf import print_pdf

    _check_target(Path(pdf), b"%PDF-", "a PDF")
    printed = print_pdf(pages.page)
    written = write_pages(pages, Path(path))
    _write_or_refuse({Path(pdf): printed})
    return written


def write_own_pages(
    evaluation: Evaluation, ledger: Ledger, folder: Path, *, audience: str, contests: Sequence[Mapping[str, Any]] = ()
) -> list[Path]:
    """Write the page of every trader of an evaluation into a folder, which is made where it is missing.

    Each page has a name of its own, see `page_name`; a reader is given one file, never the folder.

    Raises
    ------
    UsageError
        As `render_report`, or if the folder cannot be made or is a link.
    """
    if folder.is_symlink():
        raise UsageError(f"report {folder}: is a link; pages of people are written into a real folder only")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"report {folder}: cannot be made ({error.strerror}); name another --out") from None
    from skillstats.luck.placebo import prepare

    bench = prepare(ledger)
    traders = list(dict.fromkeys(str(r["trader"]) for r in evaluation.rows))
    materials = (Material(evaluation, ledger, t, contests=tuple(contests), bench=bench) for t in traders)
    return [write_pages(make_pages(m, audience=audience), folder / page_name(str(m.trader))) for m in materials]


def page_name(trader: str) -> str:
    """File name of a trader's page: what is plain of the name, and a digest that tells all names apart.

    Examples
    --------
    >>> page_name("T1"), page_name("../Ann B.")
    ('t1-1f93603db53b.html', 'ann-b-633ec03d8071.html')
    """
    plain = re.sub(r"[^a-z0-9]+", "-", trader.lower()).strip("-")[:SLUG] or "trader"
    return f"{plain}-{hashlib.sha256(trader.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}.html"


def write_page(page: str, target: Path) -> Path:
    """Write one page; an older page is replaced, anything else is left alone."""
    _check_target(target, b"<!doctype html", "a page")
    _write_or_refuse({target: page.encode("utf-8")})
    return target


def write_pages(pages: Pages, target: Path) -> Path:
    """Write what a reader is given, the page last."""
    _check_target(target, b"<!doctype html", "a page")
    files = {target.with_suffix(".json"): pages.data} if pages.data else {}
    for name, table in pages.tables.items():
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd")
        files[target.with_name(f"{target.stem}-{name}")] = sink.getvalue().to_pybytes()
    _write_or_refuse({**files, target: pages.page.encode("utf-8")})
    return target


def _check_target(target: Path, start: bytes, kind: str) -> None:
    """An older file of the same kind is replaced; anything else is left alone."""
    if target.exists() and (not target.is_file() or not target.read_bytes()[: len(start)].lower().startswith(start.lower())):
        raise UsageError(f"report {target}: exists and is not {kind}; name another file")


def _write_or_refuse(files: Mapping[Path, bytes]) -> None:
    """Write files in order, each whole."""
    for target, content in files.items():
        try:
            write_whole(target, content)
        except OSError as error:
            raise UsageError(
                f"report {target}: cannot be written ({error.strerror}); give the path of a file in an existing folder"
            ) from None


def _reader(material: Material, audience: str) -> Reader:
    """The reader of an audience, once everything its page needs is there and nothing it has no use for."""
    if audience not in AUDIENCES:
        raise UsageError(f"audience={audience!r}, not in {{{', '.join(AUDIENCES)}}}; name who will read the page")
    if audience not in READERS:
        raise UsageError(f"audience={audience!r}, this version writes pages for {', '.join(READERS)} only")
    declared = material.evaluation.plan.get("audiences") or AUDIENCES
    if audience not in declared:
        raise UsageError(f"audience={audience!r}, the plan of this evaluation declares pages for {', '.join(declared)} only")
    reader, trader, ledger = READERS[audience], material.trader, material.ledger
    known = {r["trader"] for r in material.evaluation.rows}
    if reader.needs_trader and trader not in known:
        raise UsageError(f"trader={trader!r}, not a trader of this evaluation; name whose page it is")
    if not reader.needs_trader and trader is not None:
        raise UsageError(f"trader={trader!r}, the page for {audience!r} is not of one person; leave the trader out")
    if not reader.needs_trader and material.day is not None:
        raise UsageError(f"day={material.day!r}, the page for {audience!r} is not about one day; leave the day out")
    if reader.needs_ledger and ledger is None:
        raise UsageError(
            f"audience={audience!r}, its page shows rows of the ledger; name the ledger the evaluation was made from"
        )
    return reader


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
