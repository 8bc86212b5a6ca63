"""The page on paper: a browser prints it, so the PDF is the page and nothing is drawn twice.

The page's own style sheet for print does the work: folded parts are open, no table is cut, headings stay with what they head. The browser is one
the machine has (Chromium, Chrome or Edge); it is driven through the extra `pdf`, starts without a network, and is told to refuse every request but
the page itself. The date of printing is taken out. Two prints of a page look the same; their bytes are the browser's and need not be equal.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from skillstats.errors import UsageError

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright, Route

BROWSER: Final = "SKILLSTATS_BROWSER"
"""Environment variable with the path of the browser, where it is not found by name."""
NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "msedge")
MARGINS: Final = {"top": "16mm", "bottom": "16mm", "left": "14mm", "right": "14mm"}
PATIENCE: Final = 180_000
"""Milliseconds the browser may take to start or to open a page; it takes about a second where the machine is not busy."""
_DATES: Final = re.compile(rb"/(?:CreationDate|ModDate) \(D:[^)]*\)")


def print_pdf(page: str) -> bytes:
    """Print a page to A4.

    Parameters
    ----------
    page : a document that `render_report` made

    Returns
    -------
    bytes of the PDF, tagged for screen readers and with an outline

    Raises
    ------
    UsageError
        If the extra is not installed, or no browser is found or it does not start.
    """
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise UsageError("pdf: printing needs the extra `pdf`; pip install 'skillstats[pdf]'") from None
    with tempfile.TemporaryDirectory(prefix="skillstats-") as folder:
        file = Path(folder, "page.html")
        file.write_text(page, encoding="utf-8")
        try:
            with sync_playwright() as driver:
                browser = _start(driver)
                try:
                    return without_dates(_print(browser, file.as_uri()))
                finally:
                    browser.close()
        except Error as error:
            first = next(iter(str(error).splitlines()), "no reason given")
            raise UsageError(
                f"pdf: the browser did not print the page ({first}); name a Chromium, Chrome or Edge of this machine in {BROWSER}"
            ) from None


def find_browser() -> str | None:
    """Path of the browser: the one of the environment variable, else the first known name on the path, else None.

    Raises
    ------
    UsageError
        If the variable names something that is not a program.
    """
    named = os.environ.get(BROWSER)
    if named is None:
        return next((found for found in map(shutil.which, NAMES) if found), None)
    if shutil.which(named) is None:
        raise UsageError(f"pdf: {BROWSER}={named!r} is not a program; give the path of Chromium, Chrome or Edge")
    return shutil.which(named)


def without_dates(pdf: bytes) -> bytes:
    """The same document with its dates blanked, byte for byte as long, so that nothing in it moves.

    Examples
    --------
    >>> without_dates(b"<</CreationDate (D:20260930)/A 1>>")
    b'<<                          /A 1>>'
    """
    return _DATES.sub(lambda m: b" " * len(m.group()), pdf)


def _start(driver: Playwright) -> Browser:
    """The browser of this machine, else one that was installed with the extra's own command."""
    path = find_browser()
    if path is None and not Path(driver.chromium.executable_path).exists():
        raise UsageError(
            f"pdf: no browser found ({', '.join(NAMES)}); install one, for example apt-get install chromium, or name it in {BROWSER}"
        )
    # the sandbox of a browser refuses to run for root, as in a container; the page can run nothing but its own script
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return driver.chromium.launch(executable_path=path, args=["--no-sandbox"] if root else [], timeout=PATIENCE)


def _print(browser: Browser, address: str) -> bytes:
    """One document; nothing but the page itself is fetched."""

    def only_the_page(route: Route) -> None:
        if route.request.url == address:
            route.continue_()
        else:
            route.abort()

    context = browser.new_context(offline=True)
    context.set_default_timeout(PATIENCE)
    context.route("**/*", only_the_page)
    tab = context.new_page()
    tab.goto(address, timeout=PATIENCE)
    return tab.pdf(format="A4", margin=MARGINS, print_background=True, tagged=True, outline=True)  # type: ignore[arg-type]
