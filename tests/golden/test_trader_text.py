"""What a trader reads on the own page, as text; a change here is reviewed as a diff of ``trader_page.txt``."""

from __future__ import annotations

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "pages"))
sys.path.insert(0, str(Path(__file__).parent))

import desk as made_desk
from page_text import text_of

from skillstats.report import render_report

GOLDEN = Path(__file__).with_name("trader_page.txt")


def shown_text() -> str:
    """The day, what is known, the record against luck, and what worked, of the small desk; without the derivations of rows."""
    page = render_report(made_desk.evaluation(), audience="trader", trader="T1", ledger=made_desk.ledger(), day=made_desk.DAYS[1])
    page = re.sub(r'<details class="row">.*?</details>', "", page, flags=re.DOTALL)
    names = ("h-day", "h-known", "h-running", "h-what")
    return text_of(*(re.search(rf'<section[^>]*aria-labelledby="{n}".*?</section>', page, flags=re.DOTALL) for n in names))


def test_the_page_reads_as_reviewed() -> None:
    """The text is the golden text."""
    assert shown_text() == GOLDEN.read_text(encoding="utf-8")
