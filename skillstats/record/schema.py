"""What each table of a record may hold: every column with its type, unit and meaning.

The schema is data. Readers, parser, checks and the documentation all read this one description, so a column that is not written
here does not exist. Two tables (`regimes`, `features`) also take columns of the user's own naming, and say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import pandas as pd

Kind = Literal["id", "name", "word", "note", "time", "quantity", "count", "price", "money", "decimal", "float"]
"""How a cell is read. id, name: 1-256 bytes of text; word: one of a closed list; note: free text; count: a whole number; the others are numbers."""

SIDES: Final = ("BUY", "SELL")
ACTIONS: Final = ("ACCEPT", "VETO", "RESIZE", "DELAY", "REPRICE", "REVERSE", "INITIATE")
CORPORATE_KINDS: Final = ("split", "dividend")

TYPE_OF: Final[Mapping[Kind, str]] = {
    "id": "text",
    "name": "text",
    "word": "text",
    "note": "text",
    "time": "time",
    "quantity": "qty",
    "count": "whole",
    "price": "price",
    "money": "money",
    "decimal": "decimal",
    "float": "float64",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: how its cells are read, their unit, whether a cell must be filled, and what it means.

    required : the column must be in the header
    filled : an empty cell is a problem of its own (some columns may be absent but not empty, or the reverse)
    words : the allowed values of a `word` column
    later : came after the first version; where no row fills it, it leaves no trace in any digest
    """

    name: str
    kind: Kind
    unit: str
    meaning: str
    required: bool = False
    filled: bool = False
    words: tuple[str, ...] = ()
    later: bool = False


@dataclass(frozen=True, slots=True)
class TableSchema:
    """One table: its columns in canonical order, the columns that make a row unique, and the order of accepted rows.

    free : kind of the user's own columns, None where there are none ("label" is text, "feature" is a number or text)
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    order: tuple[str, ...]
    meaning: str
    free: Literal["label", "feature"] | None = None

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def __contains__(self, name: str) -> bool:
        return any(c.name == name for c in self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in canonical order."""
        return tuple(c.name for c in self.columns)


def _must(name: str, kind: Kind, unit: str, meaning: str, words: tuple[str, ...] = ()) -> Column:
    """A column that must be there, with a value in every row."""
    return Column(name, kind, unit, meaning, required=True, filled=True, words=words)


def _may(name: str, kind: Kind, unit: str, meaning: str, words: tuple[str, ...] = ()) -> Column:
    """A column that may be absent, and empty in any row."""
    return Column(name, kind, unit, meaning, words=words)


def _later(name: str, kind: Kind, unit: str, meaning: str) -> Column:
    """A column that may be absent and came after the first version."""
    return Column(name, kind, unit, meaning, later=True)


_SIGNAL_COLUMNS: Final = (
    _must("signal_id", "id", "-", "unique"),
    _must("time", "time", "UTC us", "the instant the model issued the signal"),
    _must("model", "name", "-", "model name"),
    _must("asset", "name", "-", "asset name as in prices"),
    _must("side", "word", "-", "BUY or SELL", SIDES),
    _must("quantity", "quantity", "units", "q > 0"),
    _may("price", "price", "currency/unit", "p of fill model signal_price"),
    _may("signal_type", "name", "-", "the model's own label"),
    _may("strength", "float", "model's own", "finite; descriptive only, never enters money"),
    _may("horizon", "name", "-", "PT<n>H, PT<n>M, session+<n>, close or exit; overrides the plan"),
    _may("expires", "time", "UTC us", "last instant an order from the signal may be worked; > time"),
    _may("model_version", "name", "-", "version of the model that issued the signal"),
)

_ACTION_COLUMNS: Final = (
    _must("action_id", "id", "-", "unique"),
    Column("signal_id", "id", "-", "an existing signal; empty if and only if action = INITIATE", required=True),
    _must("time", "time", "UTC us", "when the trader acted"),
    _must("trader", "name", "-", "who"),
    _must("action", "word", "-", "ACCEPT, VETO, RESIZE, DELAY, REPRICE, REVERSE, INITIATE", ACTIONS),
    Column("quantity", "quantity", "units", "ordered, unsigned; 0 or empty for VETO", required=True),
    _may("reason", "note", "-", "free text, up to 64 kB"),
    _may("decision_id", "id", "-", "groups rows of one decision; default = action_id"),
    _may("recorded_at", "time", "UTC us", "when the row was written; default = time"),
    _may("source", "name", "-", "capture point (order system, screen, risk tool)"),
    _may("desk", "name", "-", 'default "desk"; desk-day effects and pooling are by desk'),
    _may("asset", "name", "-", "INITIATE only; empty or equal to the signal's otherwise"),
    _may("side", "word", "-", "INITIATE only; empty or equal to the signal's otherwise", SIDES),
)

_FILL_COLUMNS: Final = (
    _must("fill_id", "id", "-", "unique"),
    _must("action_id", "id", "-", "an existing action"),
    _must("time", "time", "UTC us", "execution instant"),
    _must("quantity", "quantity", "units", "> 0; direction follows from side and action"),
    _must("price", "price", "currency/unit", "as signals.price"),
    _must("fee", "money", "currency", "cost positive, rebate negative"),
)

_PRICE_COLUMNS: Final = (
    _must("asset", "name", "-", "(asset, time) is the key"),
    _must("time", "time", "UTC us", "(asset, time) is the key"),
    _may("bid", "price", "currency/unit", "best bid; required with ask, unless close"),
    _may("ask", "price", "currency/unit", "best ask; required with bid, unless close"),
    _may("close", "price", "currency/unit", "last price; required unless bid and ask"),
    _may("open", "price", "currency/unit", "first price of a session, needed by next_open"),
    _may("volume", "quantity", "units", "traded since the previous row, needed by impact"),
    _later("bid_size", "count", "units", "offered to buy at the best bid, needed by the regime depth; a whole number >= 0"),
    _later("ask_size", "count", "units", "offered for sale at the best ask, needed by the regime depth; a whole number >= 0"),
)

_TIME = _must("time", "time", "UTC us", "known from this instant on")
_BY_TIME: Final = ("time",)

SCHEMA: Final[Mapping[str, TableSchema]] = {
    t.name: t
    for t in (
        TableSchema("signals", _SIGNAL_COLUMNS, ("signal_id",), ("time", "signal_id"), "what the model ordered"),
        TableSchema("actions", _ACTION_COLUMNS, ("action_id",), ("time", "action_id"), "what the trader did about it"),
        TableSchema("fills", _FILL_COLUMNS, ("fill_id",), ("time", "fill_id"), "what was executed"),
        TableSchema("prices", _PRICE_COLUMNS, ("asset", "time"), ("asset", "time"), "market prices"),
        TableSchema(
            "factors",
            (
                _must("factor", "name", "-", "factor name"),
                _must("time", "time", "UTC us", "end of the return interval"),
                _must("return", "float", "simple return", "return over (previous time, time]"),
            ),
            ("factor", "time"),
            ("factor", "time"),
            "factor returns",
        ),
        TableSchema(
            "exposures",
            (
                _must("asset", "name", "-", "asset name as in prices"),
                _must("factor", "name", "-", "factor name"),
                _TIME,
                _must("exposure", "float", "-", "known from time on"),
            ),
            ("asset", "factor", "time"),
            ("asset", "factor", "time"),
            "factor exposures of assets",
        ),
        TableSchema(
            "corporate_actions",
            (
                _must("asset", "name", "-", "asset name as in prices"),
                _must("time", "time", "UTC us", "ex-time"),
                _must("kind", "word", "-", "split or dividend", CORPORATE_KINDS),
                _must("value", "decimal", "ratio or currency/unit", "split: new units per old, > 0; dividend: cash per unit"),
            ),
            ("asset", "time", "kind"),
            ("asset", "time", "kind"),
            "splits and dividends",
        ),
        TableSchema(
            "regimes",
            (_TIME, _may("asset", "name", "-", "empty: every asset")),
            ("time", "asset"),
            ("time", "asset"),
            "labels, one column each",
            free="label",
        ),
        TableSchema(
            "features",
            (_TIME, _may("asset", "name", "-", "empty: every asset")),
            ("time", "asset"),
            ("time", "asset"),
            "numbers or labels, one column each, read strictly as-of",
            free="feature",
        ),
        TableSchema(
            "targets",
            (
                _must("time", "time", "UTC us", "the instant the model issued the position"),
                _must("model", "name", "-", "model name"),
                _must("asset", "name", "-", "asset name as in prices"),
                _must("target", "quantity", "units", "target position, signed"),
            ),
            ("model", "asset", "time"),
            ("model", "asset", "time"),
            "target positions of a model that issues positions",
        ),
        TableSchema("resimulated", _SIGNAL_COLUMNS, ("signal_id",), ("time", "signal_id"), "a second model book"),
    )
}
"""Every table of a record. `OUTCOMES` is apart because it is used instead of a record."""

OUTCOMES: Final = TableSchema(
    "outcomes",
    (
        _must("trader", "name", "-", "who"),
        _must("session", "name", "-", "shared occasion; equal text = same occasion"),
        _must("value_add", "float", "any one unit", "finite; + = the human helped"),
        _may("regime", "name", "-", "label"),
        _may("asset", "name", "-", "label"),
        _may("desk", "name", "-", "label; as in actions"),
        _may("model_version", "name", "-", "label"),
        _may("risk", "float", "unit of value_add", "> 0, ex-ante size of the outcome"),
        _may("decision_id", "id", "-", "default: row content digest plus occurrence number"),
        _may("action", "name", "-", "any verb; the seven are recognised"),
        _may("time", "time", "UTC us", "needed only for drift and ordering"),
        _later("signal_type", "name", "-", "label; as in signals"),
        _later("asset_class", "name", "-", "label; as in the plan's assets"),
        _later(
            "exposure",
            "float",
            "value_add / risk per unit of factor_return",
            "net signed factor exposure of the deviation; needs risk",
        ),
        _later("factor_return", "float", "simple return", "of the factor in the session; equal in all rows of a session"),
    ),
    ("decision_id",),
    ("trader", "session", "decision_id"),
    "a value-add per decision, for users who already hold one",
)


def schema_table(table: str | None = None) -> pd.DataFrame:
    """The schema as a frame: table, column, type, unit, required, meaning.

    Examples
    --------
    >>> schema_table("fills")["column"].tolist()
    ['fill_id', 'action_id', 'time', 'quantity', 'price', 'fee']
    """
    every = {**SCHEMA, "outcomes": OUTCOMES}
    chosen = every.values() if table is None else [every[table]]
    rows = [(t.name, c.name, TYPE_OF[c.kind], c.unit, "R" if c.required else "O", c.meaning) for t in chosen for c in t.columns]
    return pd.DataFrame(rows, columns=["table", "column", "type", "unit", "required", "meaning"])
