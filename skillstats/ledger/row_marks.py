"""A mark for every row of every table of a ledger, so that a change can be traced to its row.

The digest of a file says that it changed, not where. ``rows.bin`` keeps the first six bytes of the sha256 of each row's CSV line, in
the order of the rows, the header first: one million rows take 6 MB. The marks are no proof of their own, the digests are; six bytes are enough to find
the row, and the manifest holds the sha256 of ``rows.bin`` as of every other file.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

ROW_MARKS: Final = "rows.bin"
WIDTH: Final = 6
"""Bytes a row: two rows of a million share a mark by chance in one of 500 ledgers, and then the digest of the file still tells."""

OTHER_TABLE: Final[Mapping[str, str]] = {"decay.csv": "decay_kpis"}
"""Files that hold another table than their name without its ending says."""

Kind = Literal["changed", "deleted", "added", "moved"]


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row that is not as it was written; position 0 is the header, so position n is row n.

    before : position in the table as it was written, None for an added row; after : position now, None for a deleted one
    """

    kind: Kind
    before: int | None
    after: int | None


def table_name(file: str) -> str:
    """Table that a file of a ledger folder holds; two files of one table are two formats of it."""
    return OTHER_TABLE.get(file, file.rsplit(".", 1)[0])


def csv_records(text: bytes) -> list[bytes]:
    """Records of a CSV, the header first; a line end inside quotes belongs to its record.

    Examples
    --------
    >>> csv_records(b'a,b\\n1,2\\n"x\\ny",3\\n')
    [b'a,b', b'1,2', b'"x\\ny",3']
    """
    lines = text.removesuffix(b"\n").split(b"\n") if text else []
    if b'"' not in text:
        return lines
    records: list[bytes] = []
    pending: list[bytes] = []
    quotes = 0
    for line in lines:
        pending.append(line)
        quotes += line.count(b'"')
        if quotes % 2 == 0:
            records.append(b"\n".join(pending))
            pending, quotes = [], 0
    return [*records, *([b"\n".join(pending)] if pending else [])]


def row_marks(text: bytes) -> list[bytes]:
    """Mark of the header and of each row of a table given as the CSV this package writes."""
    return [hashlib.sha256(record).digest()[:WIDTH] for record in csv_records(text)]


def mark_of(line: str) -> bytes:
    """Mark of one row."""
    return hashlib.sha256(line.encode()).digest()[:WIDTH]


def pack_marks(marks: Mapping[str, Sequence[bytes]]) -> bytes:
    """Content of ``rows.bin``: one line of JSON with the rows of each table, then the marks."""
    return marks_head({name: len(own) for name, own in marks.items()}) + b"".join(b"".join(own) for own in marks.values())


def marks_head(rows: Mapping[str, int]) -> bytes:
    """What stands before the marks; `rows` of each table, its header counted."""
    return json.dumps({"width": WIDTH, "rows": dict(rows)}).encode() + b"\n"


def read_marks(folder: Path) -> dict[str, list[bytes]]:
    """Marks of each table of a ledger folder; none if the file is absent or not one of ours."""
    try:
        head, _, body = (folder / ROW_MARKS).read_bytes().partition(b"\n")
        told = json.loads(head)
        width, counts = int(told["width"]), {str(k): int(v) for k, v in told["rows"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    result, at = {}, 0
    for name, count in counts.items():
        result[name] = [body[i : i + width] for i in range(at, at + count * width, width)]
        at += count * width
    return result


def changed_rows(before: Sequence[bytes], after: Sequence[bytes]) -> list[RowChange]:
    """What happened to the rows of a table: changed, deleted and added ones first, then those in another place.

    Rows at the same position, of which the old one is gone and the new one is new, are `changed`; rows that are all still there in
    another order are `moved`.

    Examples
    --------
    >>> [(c.kind, c.before, c.after) for c in changed_rows([b"a", b"b", b"c"], [b"a", b"x", b"c"])]
    [('changed', 1, 1)]
    >>> [(c.kind, c.before, c.after) for c in changed_rows([b"a", b"b", b"c"], [b"a", b"c"])]
    [('deleted', 1, None)]
    """
    start = _agreeing(before, after)
    stop = _agreeing(before[start:][::-1], after[start:][::-1])
    old, new = before[start : len(before) - stop], after[start : len(after) - stop]
    gone, come = Counter(old) - Counter(new), Counter(new) - Counter(old)
    if len(old) == len(new):
        pairs = [(start + i, a, b) for i, (a, b) in enumerate(zip(old, new, strict=True)) if a != b]
        swapped = [RowChange("moved", i, i) for i, a, b in pairs if not gone[a] and not come[b]]
        changed = [RowChange("changed", i, i) for i, a, b in pairs if gone[a] and come[b]]
        alone = [
            RowChange("deleted", i, None) if gone[a] else RowChange("added", None, i)
            for i, a, b in pairs
            if bool(gone[a]) != bool(come[b])
        ]
        return [*changed, *alone, *swapped]
    lost = [RowChange("deleted", start + i, None) for i in _positions(old, gone)]
    return lost + [RowChange("added", None, start + i) for i in _positions(new, come)]


def _agreeing(left: Sequence[bytes], right: Sequence[bytes]) -> int:
    """How many leading rows agree."""
    pairs = enumerate(zip(left, right, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(left), len(right)))


def _positions(rows: Sequence[bytes], wanted: Counter[bytes]) -> list[int]:
    """Positions of the last copies of the wanted rows: of a row written twice it is the later copy that was added."""
    left, found = Counter(wanted), []
    for i in range(len(rows) - 1, -1, -1):
        if left[rows[i]] > 0:
            left[rows[i]] -= 1
            found.append(i)
    return found[::-1]
