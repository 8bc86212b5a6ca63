"""Every number of a page held against the data of its reader: which one cannot be traced, and where it stands.

What a page takes over as text (names, instants, digests, sentences that stand in its data) is left out before numbers are looked for. What is
computed for the page from its data, and what is a rule of the package, is given by the test, each with its reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from html.parser import HTMLParser
from typing import Any

from numbers_of import known_numbers, lost_numbers, printed

TIMES = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z| UTC)?)?|\b\d\d:\d\d(?::\d\d)?\b|\b\d{4}-\d\d\b|\bQ[1-4] \d{4}\b|\b\d{4}Q[1-4]\b"
)
"""Instants, days, months and quarters: the data hold them as microseconds or as text."""
DIGESTS = re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{8,64}\b")
LEAST_TEXT = 6
"""Characters from which a text of the data is taken out of a page's text; a shorter one could take a number along."""
SKIPPED = {"style", "script", "svg", "pre", "title"}
"""No text of the page: a ``pre`` is a file or a derivation as it is, pictures have tests of their own."""
BLOCKS = {"p", "li", "dd", "dt", "figcaption", "summary", "h1", "h2", "h3", "caption", "div", "section", "main", "header", "body"}
VOID = {"meta", "link", "img", "br", "hr", "input", "wbr", "col"}


class Parts(HTMLParser):
    """Tables of a page, each with its id and its rows of cells, and the texts outside of tables."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[tuple[str, list[list[str]]]] = []
        self.texts: list[str] = [""]
        self._open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in VOID:
            return
        self._open.append(tag)
        if tag == "table":
            self.tables.append((dict(attrs).get("id") or "", []))
        elif tag == "tr":
            self.tables[-1][1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][1][-1].append("")
        elif tag in BLOCKS:
            self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass
        if tag in BLOCKS:
            self.texts.append("")

    def handle_data(self, data: str) -> None:
        if SKIPPED & set(self._open):
            return
        if {"td", "th"} & set(self._open):
            self.tables[-1][1][-1][-1] += data
        else:
            self.texts[-1] += data


def every_text(data: Any) -> Iterator[str]:
    """All texts of plain data, however deep, names of fields included."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping):
        for key, value in data.items():
            yield str(key)
            yield from every_text(value)
    elif isinstance(data, Sequence):
        for value in data:
            yield from every_text(value)


def _bare(text: str, own: Sequence[str]) -> str:
    """A text without what the data says word for word, without instants and digests."""
    if not printed(text):
        return ""
    for said in own:
        if len(said) <= len(text) and said in text:
            text = text.replace(said, " ")
    return DIGESTS.sub(" ", TIMES.sub(" ", text))


class Traced:
    """A page's numbers against its data.

    cells, words : number of a table, or of the text outside of tables, that is no number of the data, with where it stands
    seen : numbers of the tables that were looked for
    """

    def __init__(self, page: str, data: Any, also: Mapping[str, Sequence[float]]) -> None:
        known = known_numbers(data, [v for values in also.values() for v in values])
        known = sorted(
            {*known, *(v / 1e6 for v in known if v >= 1 and v.is_integer())}
        )  # sums of money are stored in micro-units
        own = sorted({t for t in every_text(data) if len(t) >= LEAST_TEXT and re.search(r"\d", t)}, key=len, reverse=True)
        parts = Parts(page)
        cells = [
            (f"{name or rows[0][0]} / {row[0]}"[:80], _bare(c, own))
            for name, rows in parts.tables
            for row in rows[1:]
            for c in row
        ]
        self.cells = [(where, text.strip(), n) for where, text in cells for n in lost_numbers(text, known)]
        texts = [_bare(t, own) for t in parts.texts]
        self.words = [(text.strip(), n) for text in texts for n in lost_numbers(text, known)]
        self.seen = [n for _, text in cells for n in printed(text)]
