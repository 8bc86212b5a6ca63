"""Every code of a verdict in a sentence for somebody who reads no statistics, in one place.

The codes themselves, with measured values and limits, stand in the reasons of each row; here is what they mean for the reader. A code without a
sentence is a defect: a test compares this table with every code the package can give.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from skillstats.report.numbers import count, is_number, plural


@dataclass(frozen=True, slots=True)
class Plain:
    """What a code means, and what its reader can do about it; two sentences without a full stop."""

    meaning: str
    remedy: str


PLAIN: Final[Mapping[str, Plain]] = {
    "E-BFMI": Plain("the computation moved too slowly to be trusted", "ask for the evaluation to be run with more draws"),
    "E-CELL": Plain(
        "too few active days in this regime to say anything about it alone", "read the trader's line over all regimes"
    ),
    "E-CONV": Plain("the computation did not settle on one answer", "ask for the evaluation to be run with more draws"),
    "E-COVER": Plain(
        "for too many decisions nobody can say what the model would have made", "have the missing prices added to the record"
    ),
    "E-DIV": Plain("the computation broke down in places", "ask for a simpler model"),
    "E-FEW": Plain("too few decisions to tell skill from luck", "wait for more decisions on more days; do not lower the bar"),
    "E-LATE": Plain(
        "some decisions were written down when their outcome was already known, and are left out",
        "record decisions when they are made",
    ),
    "E-LOOK": Plain(
        "a market label already knew the outcome of the decision it describes", "have the times of the labels corrected"
    ),
    "E-NONE": Plain(
        "every signal was followed, so there is no departure whose skill could be judged", "nothing; this is no criticism"
    ),
    "E-ONE": Plain("one single day carries the whole result", "wait for more days before calling it skill"),
    "E-OVERLAP": Plain(
        "nearly everything, or nearly nothing, was overridden where it could be compared", "compare wider groups of signals"
    ),
    "E-QUAR": Plain(
        "too many rows of the record were set aside because something in them is wrong", "correct the rows that check lists"
    ),
    "E-RANK": Plain("the data do not say who is best", "read ranks as ranges, not as places"),
    "E-SKEW": Plain(
        "a few very large outcomes decide the average, and two ways of averaging contradict each other", "wait for more days"
    ),
    "E-STUCK": Plain("the computation failed", "ask for a simpler model, and for a look at the record"),
    "E-TAIL": Plain(
        "single outcomes are so extreme that risk itself cannot be measured", "look at the largest outcomes one by one"
    ),
    "W-ENGINE": Plain(
        "two independent programs disagree about the numbers by more than chance", "ask for more draws; if it stays, report it"
    ),
    "W-KHAT": Plain("one single day weighs so much that its influence had to be computed apart", "look at the rows of that day"),
    "W-LUCK": Plain("a claim is made on a record that is still mostly luck", "treat it as a question for next quarter"),
    "W-PLACEBO": Plain(
        "the estimate and the test against random picks disagree", "read both, and decide nothing on one of them alone"
    ),
    "W-PPC": Plain(
        "the outcomes look different from what the model expects", "look at which figure is off, under how it was made"
    ),
    "W-PRIMARY": Plain(
        "a claim about something the plan did not name beforehand", "name it in the next plan, and see whether it holds there"
    ),
    "W-PRIOR": Plain(
        "another reasonable starting assumption would change the answer",
        "wait, or agree on the assumption before the next period",
    ),
    "W-RISK": Plain(
        "outcomes are larger or smaller than the forecast of their risk", "have prices, volatilities and multipliers checked"
    ),
}
"""Meaning and remedy by code."""

SMALL: Final = {1: "one", 2: "two", 3: "three", 4: "four"}


def plain_reason(code: str, n: Any = None, days: Any = None, seen: Any = None) -> str:
    """The meaning of a code for a record of `n` judged decisions on `days` active days; `seen` counts decisions where none can be judged.

    Examples
    --------
    >>> plain_reason("E-FEW", 1, 1)
    'one decision cannot tell skill from luck'
    >>> plain_reason("E-FEW", 210, 12)
    '210 decisions on 12 days are too few to tell skill from luck'
    """
    if code == "E-FEW" and is_number(n):
        if n < 1 and (not is_number(seen) or seen not in SMALL):
            return (
                f"none of {count(seen)} decisions can be judged yet"
                if is_number(seen) and seen
                else "no decision can be judged yet"
            )
        small = seen if n < 1 else n
        if small in SMALL:
            return f"{SMALL[int(small)]} decision{'s' if small > 1 else ''} cannot tell skill from luck"
        where = f" on {plural(int(days), 'day')}" if is_number(days) and days else ""
        return f"{count(n)} decisions{where} are too few to tell skill from luck"
    return PLAIN[code].meaning if code in PLAIN else f"see the code {code}"


def plain_reasons(codes: Iterable[str], n: Any = None, days: Any = None, seen: Any = None) -> str:
    """The meanings of several codes in one sentence without a full stop, each once."""
    return "; ".join(dict.fromkeys(plain_reason(c, n, days, seen) for c in codes))
