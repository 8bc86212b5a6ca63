"""Words and number forms of an explanation, for the reader who traded, not for the one who wrote the program."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Final

from skillstats.units import MICRO, round_half_even

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
PLACES: Final = 9
MODEL_FILL: Final = {
    "signal_price": "the price the signal states itself",
    "arrival_mid": "the mid (or close) when the signal arrives, {latency} after its time",
    "cross_spread": "the far side of the quote, ask for a BUY and bid for a SELL, {latency} after the signal's time",
    "next_open": "the first open of a session that begins after the signal",
}
"""How each fill model of the plan fills the model's order."""

VERBS: Final = {
    "ACCEPT": "followed the signal",
    "VETO": "let the signal pass: nothing was traded",
    "RESIZE": "traded another quantity than the signal's",
    "DELAY": "traded later than the signal",
    "REPRICE": "traded at another price than the signal's",
    "REVERSE": "traded against the signal",
    "INITIATE": "traded without a signal",
    "NO_DECISION": "nobody acted on the signal",
}


REMEDY: Final = {
    "D103": "correct the quantity, the price or the multiplier, and build the ledger again",
    "D104": "give the signal a horizon, or the plan one for all, and build the ledger again",
    "D213": "if the time of the action is wrong, correct it; if it is right, nobody can say what was decided and what was known",
    "D254": "add the missing price rows to the record, or declare another limit of age in the plan, and build the ledger again",
    "D255": "add prices of the asset to the record, and build the ledger again",
    "D260": "name `fx` of the asset in the plan and add its prices to the record, and build the ledger again",
    "D261": "add the missing rows of the exchange rate to the record, and build the ledger again",
}
"""What to do about a chain that was set aside, where the sentence of its code does not say it."""


def number(value: Fraction) -> str:
    """A decimal without useless zeros (at least two places if any); ``..`` marks one that was cut at nine places.

    Examples
    --------
    >>> number(Fraction(500)), number(Fraction(501, 10)), number(Fraction(1, 3))
    ('500', '50.10', '0.333333333..')
    """
    scaled = value * 10**PLACES
    cut = scaled.denominator != 1
    digits = f"{abs(round_half_even(scaled.numerator, scaled.denominator)):0{PLACES + 1}d}"
    whole, rest = digits[:-PLACES], digits[-PLACES:].rstrip("0")
    sign = "-" if value < 0 else ""
    if not rest and not cut:
        return sign + whole
    return f"{sign}{whole}.{rest.ljust(2, '0')}{'..' if cut else ''}"


def price(value: Fraction) -> str:
    """A price, with at least two places."""
    text = number(value)
    return text if "." in text else f"{text}.00"


def money(micro: Fraction | int) -> str:
    """Micro-units as currency with at least two places.

    Examples
    --------
    >>> money(-50_000_000), money(84_333_333), money(Fraction(1, 3))
    ('-50.00', '84.333333', '0.000000333..')
    """
    return price(Fraction(micro) / MICRO)


def instant(micro: int | None) -> str:
    """UTC microseconds as text.

    Examples
    --------
    >>> instant(1_782_916_200_000_000)
    '2026-07-01 14:30:00 UTC'
    """
    if micro is None:
        return "not known yet"
    moment = EPOCH + timedelta(microseconds=int(micro))
    fine = f".{moment.microsecond:06d}" if moment.microsecond else ""
    return f"{moment:%Y-%m-%d %H:%M:%S}{fine} UTC"


def age(micro: int | None) -> str:
    """How old a price was.

    Examples
    --------
    >>> age(0), age(12_500_000), age(5_400_000_000)
    ('0 s old', '12.50 s old', '1 h 30 min old')
    """
    if micro is None:
        return "of unknown age"
    seconds = Fraction(micro, MICRO)
    if seconds < 600:
        return f"{number(seconds)} s old"
    minutes = int(seconds) // 60
    return f"{minutes // 60} h {minutes % 60:02d} min old" if minutes >= 60 else f"{minutes} min old"


def horizon_words(kind: str) -> str:
    """What a horizon means."""
    if kind == "close":
        return "the close of the session of the signal (of the action, for an order without a signal)"
    if kind == "exit":
        return "the model's first later signal on the other side of the same asset"
    if kind.startswith("session+"):
        n = int(kind.removeprefix("session+"))
        which = {0: "signal's own session", 1: "session after the signal's own"}.get(n, f"session {n} after the signal's own")
        return f"the close of the {which}"
    unit = {"H": "hours", "M": "minutes"}[kind[-1]]
    return f"{kind[2:-1]} {unit} after the signal (after the action, for an order without a signal)"
