"""Messages of a FIX log: where each begins, whether it is whole, and its fields.

A log is searched for messages, ``8=FIX...`` to the checksum, whatever stands before them on the line; fields may be separated by SOH, ``|`` or
``^A``. A message counts only if its body length (9) and its checksum (10) agree with its bytes. Every other one is told with its byte, and
so are fields that belong to no message, because its beginning was lost. Fields are taken apart by simplefix (extra ``fix``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from skillstats.errors import UsageError, show

SOH: Final = b"\x01"
_START: Final = re.compile(rb"(?<![0-9A-Za-z=])8=FIXT?\.[0-9]\.[0-9](?:SP[0-9])?(\x01|\||\^A)")
_STRAY: Final = re.compile(rb"(\x01|\||\^A)((?:35=[0-9A-Za-z]{1,3})|(?:10=[0-9]{3}))(?=\x01|\||\^A|\r|\n|$)")
_LENGTH: Final = re.compile(rb"9=([0-9]{1,7})\x01")
_CHECKSUM: Final = re.compile(rb"10=([0-9]{3})(?=[\x01\r\n \t]|$)")
_OLD: Final = (b"FIX.4.0", b"FIX.4.1", b"FIX.4.2")


@dataclass(frozen=True, slots=True)
class Garbled:
    """What could not be used, with its place in the log."""

    line: int
    byte: int
    found: str


@dataclass(frozen=True, slots=True)
class Message:
    """One sound message: its place and its fields (first of each tag)."""

    line: int
    byte: int
    old: bool
    fields: Mapping[str, str]

    def get(self, tag: int) -> str:
        """Text of a field, empty where absent."""
        return self.fields.get(str(tag), "")

    @property
    def kind(self) -> str:
        """trade, cancel, correct, or empty for anything else."""
        if self.get(35) != "8":
            return ""
        if self.old and self.get(150) in ("1", "2", "F", ""):
            traded = self.get(150) or self.get(39) in ("1", "2")
            return {"0": "trade", "1": "cancel", "2": "correct"}.get(self.get(20) or "0", "") if traded else ""
        return {"F": "trade", "H": "cancel", "G": "correct"}.get(self.get(150), "")


def messages(data: bytes) -> Iterator[Message | Garbled]:
    """Sound messages in the order of the log; garbled ones, and fields that belong to none, are said."""
    at, line, counted, ended, told = 0, 1, 0, 0, False
    while (start := _START.search(data, at)) is not None:
        line += data.count(b"\n", counted, start.start())
        counted = start.start()
        raw, length, fault = _sound(data, start)
        fields = _fields(raw) if not fault else None
        if fields is None:
            yield Garbled(line, start.start(), fault or "fields that cannot be read")
            at, told = start.end(), True
            continue
        if not told:
            yield from _stray(data, ended, start.start())
        yield Message(line, start.start(), raw.startswith(tuple(b"8=" + v + SOH for v in _OLD)), fields)
        at = ended = start.start() + length
        told = False
    if not told:
        yield from _stray(data, ended, len(data))


def _stray(data: bytes, begin: int, end: int) -> Iterator[Garbled]:
    """Fields between two messages: most likely a message whose beginning was lost."""
    stray = _STRAY.search(data, begin, end)
    if stray is not None:
        line = data.count(b"\n", 0, stray.start()) + 1
        yield Garbled(line, stray.start(), f"field {show(stray[2].decode())} outside a message, whose beginning (8) was lost")


def _sound(data: bytes, start: re.Match[bytes]) -> tuple[bytes, int, str]:
    """A message with SOH between its fields, its length in the log, and what is wrong with it."""
    separator = start[1]
    end = len(data)
    if separator == b"^A":
        newline = data.find(b"\n", start.start())
        end = len(data) if newline < 0 else newline
    head = data[start.start() : min(end, start.end() + 20)].replace(separator, SOH)
    first = head.index(SOH) + 1
    said = _LENGTH.match(head, first)
    if said is None:
        return b"", 0, "no body length (9) after the version"
    body = said.end()
    stop = body + int(said[1])
    raw = data[start.start() : end if separator == b"^A" else min(end, start.start() + stop + 8)].replace(separator, SOH)
    check = _CHECKSUM.match(raw, stop)
    if check is None:
        return b"", 0, f"body length (9) says {int(said[1])} bytes, but no checksum (10) stands there"
    total = sum(raw[:stop]) % 256
    if total != int(check[1]):
        return b"", 0, f"checksum (10) says {int(check[1]):03d}, the bytes give {total:03d}"
    sound = raw[: check.end()] + SOH
    extra = (len(separator) - 1) * sound.count(SOH)
    return sound, len(sound) - 1 + extra - (len(separator) - 1), ""


def _fields(raw: bytes) -> dict[str, str] | None:
    """First value of each tag; None where the message cannot be taken apart."""
    try:
        from simplefix import FixParser, errors
    except ImportError:
        raise UsageError("reading FIX needs the extra `fix`: pip install 'skillstats[fix]'") from None
    parser = FixParser(allow_empty_values=True)
    parser.append_buffer(raw)
    try:
        message = parser.get_message()
        if message is None or parser.get_buffer():
            return None
        fields: dict[str, str] = {}
        for tag, value in message.pairs:
            fields.setdefault(tag.decode("ascii"), (value or b"").decode("utf-8"))
    except (errors.ParsingError, UnicodeDecodeError, ValueError):
        return None
    return fields
