"""What the portfolio manager and the model developer read first, as text; a change is reviewed as a diff of ``pm_page.txt`` and ``quant_page.txt``."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "pages"))
sys.path.insert(0, str(Path(__file__).parent))

import released
from page_text import text_of

from skillstats.report import render_report

SECTIONS = {"pm": ("h-verdict", "h-books", "h-floors"), "quant": ("h-verdict", "h-files", "h-floors")}


def shown_text(audience: str) -> str:
    """The first screen, and what the page says of its files, books and floors, of the released desk."""
    evaluation, ledger = released.desk()
    page = render_report(evaluation, audience=audience, ledger=ledger)
    return text_of(
        *(re.search(rf'<section[^>]*aria-labelledby="{name}".*?</section>', page, flags=re.DOTALL) for name in SECTIONS[audience])
    )


@pytest.mark.parametrize("audience", list(SECTIONS))
def test_the_first_screen_reads_as_reviewed(audience: str) -> None:
    """The text is the golden text."""
    golden = Path(__file__).with_name(f"{audience}_page.txt")
    assert shown_text(audience) == golden.read_text(encoding="utf-8")
