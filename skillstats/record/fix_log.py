"""Fills from a FIX log, such as a broker's drop copy.

`fix_messages` finds the messages and tells the garbled ones. Execution reports of trades become fills:

    fill_id = ExecID (17), time = TransactTime (60, UTC), quantity = LastQty (32), price = LastPx (31), fee = Commission (12) if absolute (13 = 3),
    action_id = ClOrdID (11), followed through OrigClOrdID (41) to the first order of the chain

A trade cancel (150 = H, or 20 = 1 before FIX 4.3) takes the trade it refers to (19) away, a trade correction (150 = G, or 20 = 2) takes its place.
An execution seen before is dropped and counted. Numbers stay text until they are exact decimals; no float is ever made.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from skillstats.errors import RULES, InputRejected, Problem, show
from skillstats.plan import Limits
from skillstats.record.fix_messages import Garbled, Message, messages
from skillstats.record.raw import file_problem
from skillstats.record.schema import SCHEMA

_NUMBER: Final = re.compile(r"(-?)([0-9]*)(?:\.([0-9]*))?", re.ASCII)
_STAMP: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})-([0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?)", re.ASCII)
ABSOLUTE: Final = "3"
"""CommType (13) of an amount of money; the others are per unit or a share."""
PLACES: Final = 18
COUNTED: Final = ("messages", "trades", "corrected", "cancelled", "duplicates", "garbled", "other")


@dataclass(frozen=True, slots=True)
class Fills:
    """What a log gives.

    table : columns of the table fills: text, time as text in UTC, quantity, price and fee as exact decimals (fee null where unknown)
    problems : everything that could not be used, with line and byte, and warnings
    counts : messages, trades, corrected, cancelled, duplicates, garbled, other (messages that are no trade)
    """

    table: pa.Table
    problems: tuple[Problem, ...]
    counts: Mapping[str, int]

    def __str__(self) -> str:
        told = ", ".join(f"{n} {name}" for name, n in self.counts.items())
        return f"Fills: {self.table.num_rows} rows; {told}; {len(self.problems)} problem(s)"


@dataclass(slots=True)
class _Book:
    """Trades on their way through a log: those that stand, by ExecID; what each ExecID has become; what was said."""

    file: str
    standing: dict[str, Message] = field(default_factory=dict)
    now: dict[str, str | None] = field(default_factory=dict)
    seen: dict[str, Message] = field(default_factory=dict)
    parent: dict[str, set[str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def say(self, code: str, line: int, byte: int, found: str) -> None:
        """One finding with its place in the log."""
        text = f"byte {byte}, {found}, {RULES[code].text}"
        self.problems.append(Problem(code, "fills", self.file, line, text, root=f"{self.file}:{line}"))


def read_fix(path: str | Path, *, max_bytes: int = Limits().max_bytes) -> Fills:
    """Read the trades of a FIX log as a table of fills.

    Parameters
    ----------
    path : the log; SOH, ``|`` or ``^A`` between fields, anything before ``8=FIX`` on a line
    max_bytes : largest file, bytes

    Returns
    -------
    Fills

    Raises
    ------
    InputRejected
        F106 where the file holds no FIX message or cannot be read, F111 over `max_bytes`.
    UsageError
        If the extra ``fix`` is not installed.
    """
    source = Path(path)
    data = _bytes_of(source, max_bytes)
    book = _Book(source.name)
    for found in messages(data):
        book.counts["messages" if isinstance(found, Message) else "garbled"] += 1
        if isinstance(found, Garbled):
            book.say("D281", found.line, found.byte, found.found)
        else:
            _take(book, found)
    if not book.counts:
        raise InputRejected(
            [file_problem("F106", "fills", source.name, "no FIX message found, give a log with lines of 8=FIX...")]
        )
    rows = [row for message in book.standing.values() if (row := _row(book, message)) is not None]
    _say_missing_fees(book, rows)
    counts = {name: book.counts[name] for name in COUNTED}
    problems = tuple(sorted(book.problems, key=lambda p: (p.line, p.code, p.message)))
    return Fills(_table(rows), problems, counts)


def _bytes_of(source: Path, max_bytes: int) -> bytes:
    try:
        size = source.stat().st_size
        if size > max_bytes:
            text = f"{size} bytes, max_bytes {max_bytes}, {RULES['F111'].text}"
            raise InputRejected([file_problem("F111", "fills", source.name, text)])
        return source.read_bytes()
    except OSError as error:
        raise InputRejected([file_problem("F106", "fills", source.name, f"cannot be read ({error.strerror})")]) from None


# trades ------------------------------------------------------------------------------------------------------------------------


def _take(book: _Book, message: Message) -> None:
    """Enter one message: order chains from any, trades, corrections and cancels from execution reports."""
    order, before = message.get(11), message.get(41)
    if order and before and order != before:
        book.parent.setdefault(order, set()).add(before)
    if not message.kind:
        book.counts["other"] += 1
        return
    name = message.get(17)
    if not name:
        book.say("D282", message.line, message.byte, "ExecID (17) is missing")
        return
    if name in book.seen:
        _again(book, message, book.seen[name])
        return
    book.seen[name] = message
    if message.kind == "trade":
        book.counts["trades"] += 1
        book.standing[name], book.now[name] = message, name
        return
    referred = message.get(19)
    present = _present(book, referred)
    if present is None:
        word = "cancel" if message.kind == "cancel" else "correction"
        book.say(
            "D283",
            message.line,
            message.byte,
            f"{word} {show(name)} of ExecRefID (19) {show(referred)}, which does not stand in the log",
        )
        return
    del book.standing[present]
    book.now[present] = name if message.kind == "correct" else None
    if message.kind == "correct":
        book.counts["corrected"] += 1
        book.standing[name], book.now[name] = message, name
    else:
        book.counts["cancelled"] += 1


def _again(book: _Book, message: Message, first: Message) -> None:
    """An ExecID seen before: the same trade is a copy, another one a contradiction."""
    told = (11, 150, 20, 19, 31, 32, 60, 12, 13)
    if all(message.get(t) == first.get(t) for t in told):
        book.counts["duplicates"] += 1
        resent = "PossDupFlag" if message.get(43) == "Y" else "no PossDupFlag"
        book.say(
            "D284",
            message.line,
            message.byte,
            f"ExecID (17) {show(message.get(17))} again ({resent}), first at byte {first.byte}",
        )
        return
    book.say("D222", message.line, message.byte, f"ExecID (17) {show(message.get(17))} differs from byte {first.byte}")
    if (present := _present(book, message.get(17))) is not None:
        del book.standing[present]
        book.now[present] = None


def _present(book: _Book, name: str) -> str | None:
    """The execution that an ExecID has become; None where it was cancelled or never came."""
    present = book.now.get(name)
    while present is not None and present != name:
        name, present = present, book.now.get(present)
    return present


def _first_order(book: _Book, order: str) -> str | None:
    """The first ClOrdID of a chain of replacements; None where the chain splits or runs in a circle."""
    passed = {order}
    while order in book.parent:
        if len(book.parent[order]) > 1:
            return None
        order = next(iter(book.parent[order]))
        if order in passed:
            return None
        passed.add(order)
    return order


def _row(book: _Book, message: Message) -> dict[str, Any] | None:
    """One fill, or None with a finding."""
    action = _first_order(book, message.get(11)) if message.get(11) else ""
    stamp = _STAMP.fullmatch(message.get(60))
    numbers = {"quantity": decimal_of(message.get(32)), "price": decimal_of(message.get(31))}
    wrong = [
        f"{name} ({tag}) {show(message.get(tag))}"
        for name, tag, good in (
            ("ClOrdID", 11, bool(action)),
            ("TransactTime", 60, stamp is not None),
            ("LastQty", 32, numbers["quantity"] is not None),
            ("LastPx", 31, numbers["price"] is not None),
        )
        if not good
    ]
    if wrong or stamp is None:
        reason = " in a chain of orders that splits or runs in a circle" if action is None else ""
        book.say("D282", message.line, message.byte, f"trade {show(message.get(17))}, {', '.join(wrong)}{reason}")
        return None
    return {
        "fill_id": message.get(17),
        "action_id": action,
        "time": f"{stamp[1]}-{stamp[2]}-{stamp[3]}T{stamp[4]}Z",
        **numbers,
        "fee": _fee(book, message),
    }


def decimal_of(text: str) -> Decimal | None:
    """A FIX number exactly (leading zeros and a bare point are allowed there); None where it is none, or finer than 18 places.

    Examples
    --------
    >>> decimal_of("0050.20"), decimal_of(".5"), decimal_of("1e5")
    (Decimal('50.20'), Decimal('0.5'), None)
    """
    match = _NUMBER.fullmatch(text)
    if match is None or not (match[2] or match[3]) or len(match[3] or "") > PLACES or len(match[2].lstrip("0")) > PLACES:
        return None
    return Decimal(f"{match[1]}{match[2].lstrip('0') or '0'}.{match[3] or '0'}") if match[3] else Decimal(f"{match[1]}{match[2]}")


def _fee(book: _Book, message: Message) -> Decimal | None:
    """The commission where it is an amount of money; 0 where none is told; None where it is something else."""
    given, kind = message.get(12), message.get(13)
    if not given:
        return Decimal(0)
    amount = decimal_of(given)
    if kind != ABSOLUTE or amount is None:
        book.say(
            "D285",
            message.line,
            message.byte,
            f"trade {show(message.get(17))}, Commission (12) {show(given)} of CommType (13) {show(kind)}",
        )
        return None
    return amount


def _say_missing_fees(book: _Book, rows: list[dict[str, Any]]) -> None:
    """Once: trades that tell no commission have the fee 0."""
    silent = [m for m in book.standing.values() if not m.get(12)]
    if silent and rows:
        first = silent[0]
        found = f"{len(silent)} of {len(book.standing)} trades tell no Commission (12), the first here; their fee is 0"
        book.say("D286", first.line, first.byte, found)


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    """Rows in the order of time and id, columns as in the schema."""
    ordered = sorted(rows, key=lambda r: (r["time"], r["fill_id"].encode()))
    columns = {}
    for column in SCHEMA["fills"].columns:
        values = [r[column.name] for r in ordered]
        columns[column.name] = pa.array(values, pa.string() if column.kind in ("id", "time") else pa.decimal128(38, PLACES))
    return pa.table(columns)


def fills_csv(fills: Fills) -> bytes:
    """The table as a file of the record: plain decimals without trailing zeros."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(fills.table.column_names)
    writer.writerows([_cell(v) for v in row.values()] for row in fills.table.to_pylist())
    return out.getvalue().encode()


def _cell(value: str | Decimal | None) -> str:
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    return value or ""
