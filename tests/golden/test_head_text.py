"""What the head of trading reads first, as text; a change here is reviewed as a diff of ``head_page.txt``."""

from __future__ import annotations

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "pages"))
sys.path.insert(0, str(Path(__file__).parent))

import sample as made
from page_text import text_of

from skillstats.report import render_report

GOLDEN = Path(__file__).with_name("head_page.txt")


def shown_text() -> str:
    """Verdict with actions and tables, banner, figure title and table of estimates of the sample, a line an element."""
    page = render_report(made.sample(), audience="head")
    return text_of(
        re.search(r'<section id="verdict".*?</section>\s*<section.*?</section>', page, flags=re.DOTALL),
        re.search(r"<figcaption>.*?</figcaption>", page, flags=re.DOTALL),
        re.search(r"<tbody>.*?</tbody>", page[page.index('id="traders"') :], flags=re.DOTALL),
    )


def test_the_first_screen_reads_as_reviewed() -> None:
    """The text is the golden text."""
    assert shown_text() == GOLDEN.read_text(encoding="utf-8")
