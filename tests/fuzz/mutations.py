"""Ways to spoil a good record, each a function of the file's bytes and a seeded generator.

Bytes: flip, insert, delete, truncate, duplicate, swap. Cells: an odd value of the catalogue. Structure: columns, headers, delimiters, encodings. Nothing
here imports the package.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable
from random import Random

Mutation = Callable[[bytes, Random], bytes]

ODD_CELLS = (
    "", "0", "-1", "-0", "+5", "007", "1e5", "1E400", "NaN", "inf", "-inf", "1,000", "0x10", "1_000", "５００", "٥٠", "1.", ".5", "--1", "1.0000000000000000001",
    "9223372036854775807", "9223372036854775808", "99999999999999999999999", "0.000000001", "5e-320", "50,20", "$50.20", "50.20 ", " 50", "1/3", "true",
    "BUY", "sell", "SELL_SHORT", "ВUY", "B", "ACCEPT", "VETO", "MODIFY", "accept", "S0", "s1", "S1 ", "A0", "F0", "NOSUCH", "NA", "null", "None", "nan",
    "2024-02-30T10:00:00Z", "2024-11-27T24:00:00Z", "2024-11-27T15:00:60Z", "2024-11-27T15:00:00", "2024-11-27", "03/04/2025", "1732719600", "1732719600000",
    "2024-11-27T15:00:00.000000001Z", "2024-11-27T15:00:00.000000000Z", "2024-11-27T10:00:00-05:00", "2024-11-27T15:00:00+00:00", "2024-11-27 15:00Z",
    "1600-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2150-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "2024-11-27T15:00:00+25:00", "2024-03-07T15:00:00.5Z",
    "PT30M", "session+1", "session+9999", "PT99999H", "close", "exit", "PT0M", "session+0", "2 days", "T\u200b1", "T\u202e1", "T\x1b[31m", "T\n1", "a\x00b", "\x00",
    "Se\u0301", "=1+1", "@x", "<script>alert(1)</script>", "../../x", "{{7*7}}", "%s", "'", '"', '""', "x" * 300, "é" * 200, ";", "\t", "#", "\ufeff", "ﬀ", "ß",
)  # fmt: skip


def _at(data: bytes, pick: Random) -> int:
    return pick.randrange(len(data)) if data else 0


def flip(data: bytes, pick: Random) -> bytes:
    i = _at(data, pick)
    return data[:i] + bytes([data[i] ^ (1 << pick.randrange(8))]) + data[i + 1 :] if data else data


def insert(data: bytes, pick: Random) -> bytes:
    i = _at(data, pick)
    junk = pick.choice(
        (
            pick.randbytes(1),
            b",",
            b"\n",
            b"\r",
            b"\r\n",
            b'"',
            b"0",
            b"-",
            b".",
            b"\x00",
            b"\xff",
            b" ",
            b"9",
            b"\xef\xbb\xbf",
            pick.randbytes(4),
        )
    )
    return data[:i] + junk + data[i:]  # fmt: skip


def delete(data: bytes, pick: Random) -> bytes:
    i = _at(data, pick)
    return data[:i] + data[i + pick.choice((1, 1, 1, 2, 5, 40, 400)) :]


def truncate(data: bytes, pick: Random) -> bytes:
    return data[: _at(data, pick)]


def duplicate(data: bytes, pick: Random) -> bytes:
    i = _at(data, pick)
    j = min(i + pick.choice((1, 3, 20, 200, 2000)), len(data))
    return data[:j] + data[i:j] + data[j:]


def _lines(data: bytes) -> list[bytes]:
    return data.split(b"\n")


def swap_lines(data: bytes, pick: Random) -> bytes:
    lines = _lines(data)
    i, j = (pick.randrange(len(lines)) for _ in range(2))
    lines[i], lines[j] = lines[j], lines[i]
    return b"\n".join(lines)


def repeat_line(data: bytes, pick: Random) -> bytes:
    lines = _lines(data)
    lines.insert(pick.randrange(len(lines) + 1), pick.choice(lines))
    return b"\n".join(lines)


def drop_line(data: bytes, pick: Random) -> bytes:
    lines = _lines(data)
    del lines[pick.randrange(len(lines))]
    return b"\n".join(lines)


def swap_fields(data: bytes, pick: Random) -> bytes:
    lines = _lines(data)
    i = pick.randrange(len(lines))
    cells = lines[i].split(b",")
    a, b = (pick.randrange(len(cells)) for _ in range(2))
    cells[a], cells[b] = cells[b], cells[a]
    lines[i] = b",".join(cells)
    return b"\n".join(lines)


def _rows(data: bytes) -> list[list[str]]:
    """Cells of the file as far as they can be told; none where an earlier mutation left no table."""
    try:
        return list(csv.reader(io.StringIO(data.decode("utf-8", "replace").replace("\x00", "?"))))
    except csv.Error:
        return []


def _joined(rows: list[list[str]], delimiter: str = ",", quoting: int = csv.QUOTE_MINIMAL) -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n", quoting=quoting).writerows(rows)  # type: ignore[arg-type]
    return out.getvalue().encode()


def cell(data: bytes, pick: Random) -> bytes:
    """An odd value, or the value of another cell of the column or the table."""
    rows = [r for r in _rows(data) if r]
    if len(rows) < 2:
        return data
    i = pick.randrange(1, len(rows))
    j = pick.randrange(len(rows[i]))
    other = rows[pick.randrange(1, len(rows))]
    rows[i][j] = pick.choice(
        (
            pick.choice(ODD_CELLS),
            pick.choice(ODD_CELLS),
            pick.choice(ODD_CELLS),
            other[min(j, len(other) - 1)],
            pick.choice(other),
        )
    )
    return _joined(rows)  # fmt: skip


def columns(data: bytes, pick: Random) -> bytes:
    """Columns in another order, one dropped, doubled, renamed or added."""
    rows = [r for r in _rows(data) if r]
    if not rows or len({len(r) for r in rows}) != 1:
        return data
    order = list(range(len(rows[0])))
    what = pick.randrange(5)
    if what == 0:
        pick.shuffle(order)
    elif what == 1:
        order.remove(pick.choice(order))
    elif what == 2:
        order.append(pick.choice(order))
    rows = [[r[k] for k in order] for r in rows]
    if what == 3 and rows[0]:
        k = pick.randrange(len(rows[0]))
        rows[0][k] = pick.choice(("x", rows[0][k].upper(), rows[0][k] + " ", "", "time", "price"))
    elif what == 4:
        rows = [[*r, pick.choice(("1", "", "note"))] for r in rows]
    return _joined(rows)


def delimiter(data: bytes, pick: Random) -> bytes:
    return _joined(_rows(data), pick.choice((";", "\t", "|"))) or data


def quoting(data: bytes, pick: Random) -> bytes:
    return _joined(_rows(data), quoting=csv.QUOTE_ALL) or data


def encoding(data: bytes, pick: Random) -> bytes:
    text = data.decode("utf-8", "replace")
    return pick.choice(
        (
            b"\xef\xbb\xbf" + data,
            text.encode("utf-16"),
            text.replace("T1", "Tü").encode("latin-1", "replace"),
            text.replace("T1", "Tü").encode(),
            data.replace(b"\n", b"\r\n"),
            data.replace(b"\n", b"\r"),
            data.rstrip(b"\n"),
        )
    )


def whole(data: bytes, pick: Random) -> bytes:
    """The file as something else, or nothing, or twice."""
    head = data.split(b"\n")[0] + b"\n"
    return pick.choice(
        (b"", b"\n", head, data + data, data[len(head) :], gzip.compress(data), b"# exported\n" + data, b"\n" + data, data + b"\n\n \n",
         b"<html><body>" + data, b"PK\x03\x04" + data, bytes(64), data.replace(b"\n", b"\n\n", 3), data + data[len(head) :])
    )  # fmt: skip


BYTES: tuple[Mutation, ...] = (flip, insert, delete, truncate, duplicate, swap_lines, repeat_line, drop_line, swap_fields)
CELLS: tuple[Mutation, ...] = (cell,)
STRUCTURE: tuple[Mutation, ...] = (columns, delimiter, quoting, encoding, whole)


def mutate(data: bytes, pick: Random, only: tuple[Mutation, ...] | None = None) -> tuple[bytes, list[str]]:
    """One to three mutations, of all kinds or of one, and their names."""
    names = []
    for _ in range(pick.choice((1, 1, 1, 2, 3))):
        kind = pick.choices((BYTES, CELLS, STRUCTURE), (5, 5, 2))[0]
        one = pick.choice(only or kind)
        data = one(data, pick)
        names.append(one.__name__)
    return data, names
