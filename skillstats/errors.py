"""What can be wrong with an input, and how the reader is told.

A *problem* is one finding about one place of the input: it has a code, an outcome and a sentence of the form
``CODE file:line id field=value, rule; what to do``. Problems are collected, never raised one at a time. An *exception* is raised
only when nothing sensible can be done; each kind carries the exit code of the command line.

Everything here is plain data; no function of this module decides whether an input is good.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

Outcome = Literal["accept", "warn", "quarantine", "reject"]

SHOWN_CHARACTERS: Final = 80


@dataclass(frozen=True, slots=True)
class Rule:
    """What one code means: its usual outcome and its sentence."""

    outcome: Outcome
    text: str


RULES: Final[dict[str, Rule]] = {
    "D101": Rule("quarantine", "must be > 0"),
    "D102": Rule("quarantine", "must be > 0; use side for direction"),
    "D103": Rule("quarantine", "not a finite number in range"),
    "D104": Rule("quarantine", "missing; give a value"),
    "D105": Rule("quarantine", "not a plain decimal; write digits with at most one point"),
    "D106": Rule("quarantine", "holds a NUL byte; remove it"),
    "D107": Rule("quarantine", "not a multiple of the tick or lot the plan declares; correct the cell or the plan"),
    "D108": Rule("warn", "blank line, counted as a documented drop"),
    "D109": Rule("quarantine", "not a horizon; write PT24H, PT30M, session+1, close or exit"),
    "D110": Rule("warn", "unknown column, ignored; correct the name if it was meant"),
    "D111": Rule("quarantine", "must be > 0; set may_be_negative for the asset in the plan if this is meant"),
    "D112": Rule("quarantine", "not a finite number in range"),
    "D113": Rule("quarantine", "not a plain decimal; declare the decimal mark of the column in the plan"),
    "D114": Rule("warn", "far from the market; check for a slipped decimal point"),
    "D115": Rule("warn", "outside the quote; check the price"),
    "D116": Rule("warn", "a header and no rows, ignored; fill the table if it was meant, or remove it"),
    "D121": Rule("quarantine", "not in {BUY, SELL}; map it in the plan"),
    "D122": Rule("quarantine", "not in the seven actions; map it in the plan"),
    "D123": Rule("quarantine", "differs from the signal's quantity; is this a RESIZE?"),
    "D124": Rule("quarantine", "must be 0 or empty for a VETO"),
    "D125": Rule("quarantine", "a VETO cannot have fills; remove the fill or correct the action"),
    "D126": Rule("warn", "RESIZE to the same quantity; size part 0, stays in the intervention count"),
    "D131": Rule("warn", "negative fee, taken as a rebate"),
    "D132": Rule("quarantine", "not a finite amount; write a plain decimal, 0 if there was none"),
    "D133": Rule("warn", "fills carry fees but the plan has no fee schedule; every ACCEPT will look like a loss"),
    "D141": Rule("quarantine", "filled more than ordered; correct the fill or the order"),
    "D142": Rule("warn", "partly filled; the rest is counted as omitted size"),
    "D143": Rule("quarantine", "no fill; not the same as a P/L of zero (see `unfilled` in the plan)"),
    "D144": Rule("warn", "no action; class NO_DECISION"),
    "D201": Rule("quarantine", "no offset; declare the column's zone in the plan"),
    "D202": Rule("quarantine", "ambiguous date; ISO 8601 with offset only"),
    "D203": Rule("quarantine", "a bare number of unknown unit; ISO 8601 with offset only"),
    "D204": Rule("quarantine", "no such instant; ISO 8601 with offset only"),
    "D205": Rule("quarantine", "outside 1970-2199"),
    "D206": Rule("quarantine", "two instants in the declared zone (clock change); give the offset"),
    "D207": Rule("quarantine", "does not exist in the declared zone (clock change); give the offset"),
    "D208": Rule("quarantine", "finer than a microsecond; round it on purpose before"),
    "D211": Rule("quarantine", "action before its signal; correct the clock or set max_skew in the plan"),
    "D212": Rule("quarantine", "fill before its action; correct the clock or set max_skew in the plan"),
    "D213": Rule("quarantine", "action after the horizon, when the outcome was known"),
    "D214": Rule("warn", "fill after the horizon, outside the quantity judged"),
    "D215": Rule("warn", "written down late"),
    "D216": Rule("quarantine", "action after the signal expired; correct one of the two times"),
    "D221": Rule("warn", "identical duplicate, kept once"),
    "D222": Rule("quarantine", "the same id with different content; keep the true row only"),
    "D223": Rule("quarantine", "two different prices for one asset and time; keep the true row only"),
    "D231": Rule("quarantine", "refers to a row that does not exist; add it or correct the id"),
    "D232": Rule("quarantine", "several actions for one signal (see `supersede` in the plan)"),
    "D233": Rule("quarantine", "blank at an end, or an id that differs from another in case only; write ids exactly"),
    "D234": Rule("quarantine", "not in Unicode normal form C; normalise the file"),
    "D235": Rule("quarantine", "an id must have 1-256 bytes"),
    "D236": Rule("quarantine", "one decision with two traders; give each trader an own decision_id"),
    "D237": Rule("quarantine", "the header again as a row; was the file joined to itself?"),
    "D241": Rule("quarantine", "a name must have 1-256 bytes, no NUL and no blank at an end"),
    "D242": Rule("warn", "control, direction, invisible or look-alike character in a name"),
    "D251": Rule("warn", "crossed quote, not used; close is used if present"),
    "D252": Rule("quarantine", "market price not > 0; set may_be_negative for the asset in the plan if this is meant"),
    "D253": Rule("warn", "close outside the quote; the mid is used"),
    "D254": Rule("quarantine", "COUNTERFACTUAL_UNAVAILABLE: no usable reference price within max_age"),
    "D255": Rule("quarantine", "COUNTERFACTUAL_UNAVAILABLE: no prices for the asset"),
    "D256": Rule("warn", "no price for a long stretch of a session; nothing is carried over the gap"),
    "D257": Rule("warn", "price unchanged for many rows"),
    "D258": Rule("warn", "the price jumps like an unadjusted split; add a corporate_actions row"),
    "D259": Rule("quarantine", "COUNTERFACTUAL_UNAVAILABLE: renamed midway? give both the same name"),
    "D260": Rule(
        "quarantine",
        "COUNTERFACTUAL_UNAVAILABLE: no exchange rate for the asset's currency; name `fx` in the plan and add its prices",
    ),
    "D261": Rule("quarantine", "COUNTERFACTUAL_UNAVAILABLE: no exchange rate > 0 within max_age"),
    "D262": Rule(
        "warn", "a corporate action inside the horizon; later prices and quantities are brought back to the signal's units"
    ),
    "D263": Rule("warn", "the horizon lies after the last usable price instant (as_of); status OPEN"),
    "D271": Rule("warn", "one decision dwarfs all others"),
    "D281": Rule("quarantine", "garbled FIX message, not used; get the log again"),
    "D282": Rule("quarantine", "a FIX trade that lacks what a fill needs, not used; correct the log"),
    "D283": Rule("quarantine", "not used; add the earlier log, or remove the fill by hand"),
    "D284": Rule("warn", "FIX execution seen before, kept once"),
    "D285": Rule("warn", "commission that is no amount of money, fee left empty; fill it in"),
    "D286": Rule("warn", "fee taken as 0; add the fees if there were any"),
    "F101": Rule("reject", "no header or no rows; export the table again"),
    "F102": Rule("reject", "a required column is missing or a column stands twice; correct the header"),
    "F103": Rule("reject", "not UTF-8 text with LF or CRLF line ends; export as UTF-8"),
    "F104": Rule("reject", "wrong number of fields or an open quote; export the table again"),
    "F105": Rule("reject", "another delimiter or a comment line; export with commas or name the delimiter in the plan"),
    "F106": Rule("reject", "not a table; export as CSV or Parquet"),
    "F107": Rule("reject", "a line over the field limit; export the table again"),
    "F108": Rule("reject", "the file changed while it was being read; try again when it is complete"),
    "F109": Rule("reject", "the table differs from its sidecar (row count or sha256); transfer it again"),
    "F110": Rule("reject", "totals would leave 64 bits; check quantities and prices, or use coarser scales"),
    "F111": Rule("reject", "larger than max_rows or max_bytes of the plan; raise the limit on purpose"),
    "F112": Rule("reject", "one table in two formats; keep one"),
    "F301": Rule("reject", "the record lies in the future; check the clock that wrote it"),
}
"""Every code, in the numbering of the data contract. A code is never reused."""


def show(value: object, limit: int = SHOWN_CHARACTERS) -> str:
    """Escape a value for a message: printable ASCII-safe ``repr``, cut at `limit` characters.

    Examples
    --------
    >>> show("ВUY")
    "'\\\\u0412UY'"
    """
    text = ascii(value) if isinstance(value, str) else str(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding about one place of the input.

    `line` is the line of a text file (the header is line 1) or the row number of a Parquet file or frame; 0 means the whole file.
    `message` is everything after ``CODE file:line``. `chain` is the signal (or INITIATE action) the row belongs to, if any.
    """

    code: str
    table: str
    file: str
    line: int
    message: str
    chain: str = ""
    raw: str = ""
    root: str = ""

    @property
    def outcome(self) -> Outcome:
        """What happened to the row or file."""
        return RULES[self.code].outcome

    def __str__(self) -> str:
        return f"{self.code} {self.file}:{self.line} {self.message}"


def describe_problem(code: str, key: str, field: str, value: object, found: str = "") -> str:
    """Message of a problem: ``id field=value, rule; what to do``.

    Parameters
    ----------
    code : one of `RULES`
    key : id of the row, empty if it has none
    field, value : the column and what stands in it
    found : extra words put before the rule, for a measured value

    Examples
    --------
    >>> describe_problem("D102", "S0004", "quantity", -500)
    'S0004 quantity=-500, must be > 0; use side for direction'
    """
    place = f"{show(key)[1:-1] if key else ''} {field}={show(value)}".strip() if field else show(key)[1:-1]
    middle = f"{found}; " if found else ""
    return f"{place}, {middle}{RULES[code].text}"


class SkillstatsError(Exception):
    """Base of every error a user can cause; `exit_code` is what the command line returns."""

    exit_code = 1


class UsageError(SkillstatsError):
    """An argument, plan, model or folder cannot be used as given."""

    exit_code = 2


class DomainError(UsageError, ValueError):
    """A number lies outside the domain of a function."""


class InputRejected(SkillstatsError):
    """The input was refused as a whole; nothing was written. `problems` says why."""

    exit_code = 2

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(p) for p in self.problems))


class SkillWithheld(SkillstatsError):
    """No skill number may be shown for the fit as a whole."""

    exit_code = 4


class Mismatch(SkillstatsError):
    """A digest does not agree with the file it belongs to."""

    exit_code = 1


class LedgerBug(SkillstatsError):
    """An identity that must hold exactly does not: a defect of the package, not of the input."""

    exit_code = 1
