"""A real browser for the tests of pages: Debian's Chromium, driven from here, which is never allowed to ask for anything but the page."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import sample as made

from skillstats.evaluation.result import Evaluation
from skillstats.report.page import make_pages
from skillstats.report.pdf import NAMES, find_browser
from skillstats.report.readers import READERS, Material

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from skillstats.ledger.containers import Ledger

WIDTHS = (1200, 390)
PATIENCE = 180_000
"""Milliseconds a browser may take on a busy machine."""
PAPER = 688
"""Pixels between the margins of an A4 page."""
REQUIRED = "SKILLSTATS_BROWSER_TESTS"
"""Set to ``required`` where a missing browser is a failure: in the one gate."""


def browser_path() -> str:
    """The browser of this machine; without one the test is skipped in words, or fails where browsers are required."""
    found = find_browser()
    if found is None:
        words = f"no browser among {', '.join(NAMES)}: the pages were NOT opened; install Debian's package chromium"
        if os.environ.get(REQUIRED) == "required":
            pytest.fail(words)
        pytest.skip(words)
    return found


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser without network."""
    from playwright.sync_api import sync_playwright

    path = browser_path()
    with sync_playwright() as driver:
        # a container's root may not make sandboxes; the pages are our own
        started = driver.chromium.launch(
            executable_path=path, args=["--no-sandbox"] if os.geteuid() == 0 else [], timeout=PATIENCE
        )
        try:
            yield started
        finally:
            started.close()


@contextmanager
def opened(started: Browser, html: str, *, width: int, paper: bool = False, script: bool = True) -> Iterator[Page]:
    """The page in a window; on leaving, nothing may have been asked of anybody and nothing been complained of."""
    asked: list[str] = []
    complaints: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "page.html")
        file.write_text(html, encoding="utf-8", errors="surrogatepass")
        context = started.new_context(viewport={"width": width, "height": 1400}, java_script_enabled=script, offline=True)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        if paper:
            page.emulate_media(media="print")
        page.goto(file.as_uri())
        try:
            yield page
        finally:
            address = file.as_uri()
            context.close()
    assert {a.partition("#")[0] for a in asked} == {address}, f"the page asked for {asked}"
    assert not complaints, f"the browser complained: {complaints}"


@cache
def small_ledger() -> Ledger:
    """A ledger of eight traders with the names of the ordinary sample."""
    import skillstats as ss

    record, _ = ss.simulate(ss.World(traders=8, sessions=8, signals_per_day=12.0, directional=()), seed=3)
    return ss.build_ledger(record)


@cache
def page_of(audience: str) -> str:
    """The page of a registered reader, of the ordinary sample."""
    reader = READERS[audience]
    return make_pages(material_of(reader, made.sample()), audience=audience).page


def material_of(reader: Any, evaluation: Evaluation) -> Material:
    """What a reader needs, and nothing it does not."""
    return Material(
        evaluation,
        small_ledger() if reader.needs_ledger else None,
        evaluation.rows[0]["trader"] if reader.needs_trader else None,
    )
