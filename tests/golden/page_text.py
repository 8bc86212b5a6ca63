"""Parts of a page as plain text, a line an element, for golden texts that people review."""

from __future__ import annotations

import html
import re


def text_of(*parts: re.Match[str] | None) -> str:
    """The text of some parts, cells separated by a bar; pictures are left out."""
    assert all(parts), "a part of the page is missing"
    text = "<p></p>".join(re.sub(r"\s*\n\s*", "", p.group(0)) for p in parts if p)
    text = re.sub(r"<svg.*?</svg>", "", text)
    text = re.sub(r"</(h2|p|tr|figcaption|caption|summary|li|pre)>", "\n", text)
    text = re.sub(r"</(td|th|span|b|small|strong)>|(?=<small)", " | ", text)
    text = html.unescape(re.sub(r"<[^>]*>", "", text))
    text = re.sub(r"[ |]*\|[ |]*", " | ", text).replace(" | \n", "\n").replace("\n | ", "\n")
    return re.sub(r"\n{2,}", "\n", text).strip() + "\n"
