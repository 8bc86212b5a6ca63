"""What every page gets, whoever reads it: a policy, one script, a list of its sections, and values to sort its tables by.

All of it is derived from the rendered page, that is from text that was prepared and escaped: nothing here knows a number that the reader
does not see. A table is sorted by what it prints, so rows that print the same number keep their order.

The policy names the script by the digest of its bytes; a browser runs this script and no other, inline or not.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from typing import Final

from markupsafe import Markup

LONG: Final = 5
"""Sections from which a page gets a list of them."""
CONTENTS: Final = Markup("<!--contents-->")
"""Stands in the template where the list goes: data cannot write it, because data is escaped."""

_TABLE: Final = re.compile(r"<table\b.*?</table>", re.DOTALL)
_CELL: Final = re.compile(r"<td\b([^>]*)>(.*?)</td>", re.DOTALL)
_HEADING: Final = re.compile(r'<h2 id="([^"]+)"[^>]*>(.*?)</h2>', re.DOTALL)
_TAG: Final = re.compile(r"<[^>]*>")
_NUMBER: Final = re.compile(r"(just under |[<>])?\[?([+\u2212-]?\d[\d,]*(?:\.\d+)?)(?=$|[\s\[(%,\]])")


def policy_of(script: str) -> str:
    """The content-security policy of a page with this script: nothing is fetched, nothing else runs.

    Examples
    --------
    >>> policy_of("1;")
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; script-src 'sha256-...='"
    """
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; script-src 'sha256-{digest}'"


def finished(page: str) -> str:
    """The page with the list of its sections and the values of its cells; the same bytes for the same page."""
    return _TABLE.sub(lambda m: _CELL.sub(_with_value, m.group()), page.replace(CONTENTS, contents_of(page), 1))


def contents_of(page: str) -> str:
    """A folded list of links to the sections of a long page; empty for a short one."""
    found = [(m.group(1), " ".join(_TAG.sub("", m.group(2)).split())) for m in _HEADING.finditer(page)]
    if len(found) < LONG:
        return ""
    links = "".join(f'<li><a href="#{key}">{words}</a></li>' for key, words in found)
    return f'<nav class="contents" aria-label="On this page"><details><summary>On this page</summary><ol>{links}</ol></details></nav>'


def sort_value(text: str) -> str | None:
    """The number a cell is sorted by, or None where it prints none: its first number, a shade less after ``<`` and more after ``>``.

    Examples
    --------
    >>> sort_value("\u22121,234.5 [\u22122,000, 3]"), sort_value("<1%"), sort_value(">99%"), sort_value("1.7 times")
    ('-1234.5', '0.999999', '99.000001', '1.7')
    >>> sort_value("2026-07-01"), sort_value("T1"), sort_value("none: clears the hurdle"), sort_value("\u2013")
    (None, None, None, None)
    """
    found = _NUMBER.match(text.strip())
    if found is None:
        return None
    number = found.group(2).replace(",", "").replace("\u2212", "-").lstrip("+")
    if not found.group(1):
        return number
    # beyond what any column prints, so that it never changes places with a printed neighbour
    shade = 1e-6 if "%" in text else 1e-9
    return repr(round(float(number) + (shade if found.group(1) == ">" else -shade), 9))


def _with_value(cell: re.Match[str]) -> str:
    """The cell with its value as an attribute, empty where it prints none: no text of the data adds or removes an attribute."""
    attributes, inside = cell.groups()
    value = sort_value(html.unescape(_TAG.sub(" ", inside))) or ""
    return cell.group() if "data-value" in attributes else f'<td{attributes} data-value="{value}">{inside}</td>'
