"""What the head of trading reads first, as text; a change here is reviewed as a diff of ``head_page.txt``."""

from __future__ import annotations

import html
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "pages"))

import sample as made

from skillstats.report import render_report

GOLDEN = Path(__file__).with_name("head_page.txt")


def shown_text() -> str:
    """Verdict, banner, figure title and trader table of the sample, a line an element."""
    page = render_report(made.sample(), audience="head")
    parts = [re.search(r'<section id="verdict".*?</section>\s*<section.*?</section>', page, flags=re.DOTALL)]
    parts += [
        re.search(r"<figcaption>.*?</figcaption>", page, flags=re.DOTALL),
        re.search(r"<tbody>.*?</tbody>", page, flags=re.DOTALL),
    ]
    assert all(parts)
    text = "<p></p>".join(re.sub(r"\s*\n\s*", "", p.group(0)) for p in parts if p)
    text = re.sub(r"</(h2|p|tr|figcaption)>", "\n", text)
    text = re.sub(r"</(td|th|span|b|li|small)>|(?=<small)", " | ", text)
    text = html.unescape(re.sub(r"<[^>]*>", "", text))
    return re.sub(r"[ |]*\|[ |]*", " | ", text).replace(" | \n", "\n").strip() + "\n"


def test_the_first_screen_reads_as_reviewed() -> None:
    """The text is the golden text."""
    assert shown_text() == GOLDEN.read_text(encoding="utf-8")
