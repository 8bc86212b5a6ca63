"""Real prices as a market to lay signals on: the last price of each asset in each session, and the volatility known before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.errors import UsageError, show
from skillstats.simulate.sessions import Sessions
from skillstats.units import MINUTE

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
WINDOW: Final = 21
LEAST: Final = 10


@dataclass(frozen=True, slots=True)
class Closes:
    """Closing prices. assets : names; price, text : (session, asset) as number, NaN where there is none, and as plain decimal

    table : the prices as they were given, as text, for the record
    """

    assets: tuple[str, ...]
    price: Floats
    text: NDArray[np.object_]
    table: Mapping[str, list[str]]

    def returns(self) -> Floats:
        """Simple returns close to close; the first session has none.  # shape: (session, asset)"""
        moved = self.price[1:] / self.price[:-1] - 1.0
        return np.concatenate([np.full((1, len(self.assets)), np.nan), moved])

    def known_volatility(self) -> Floats:
        """Root mean square of the 21 returns before each session, as a ledger takes it but for its floor; NaN with fewer than 10.

        # shape: (session, asset)
        """
        r = self.returns()
        has = ~np.isnan(r)
        zero = np.zeros((1, r.shape[1]))
        squares = np.concatenate([zero, np.cumsum(np.where(has, r, 0.0) ** 2, axis=0)])
        counts = np.concatenate([zero, np.cumsum(has, axis=0)])
        at = np.arange(len(r))
        first = np.maximum(at - WINDOW, 0)
        n = counts[at] - counts[first]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(n >= LEAST, np.sqrt((squares[at] - squares[first]) / n), np.nan)


def read_closes(prices: object, sessions: Sessions) -> Closes:
    """Read prices in the record's format: columns asset, time and close, or bid and ask.

    Parameters
    ----------
    prices : CSV file, folder that holds ``prices.csv``, or data frame
    sessions : those that are wanted, history included

    Raises
    ------
    UsageError
        If they cannot be read, lack a column, or have no two closing prices within the sessions.
    """
    import pandas as pd

    frame = _frame(prices)
    wanted = [c for c in ("asset", "time") if c not in frame.columns]
    if wanted or not ({"close"} <= set(frame.columns) or {"bid", "ask"} <= set(frame.columns)):
        raise UsageError(
            f"prices have the columns {', '.join(map(str, frame.columns))}; asset, time and close, or bid and ask, are needed"
        )
    try:
        stamp = pd.to_datetime(frame["time"], utc=True, format="ISO8601")
    except ValueError as error:
        raise UsageError(f"prices.time: {error}; give instants in ISO 8601 with an offset or Z") from error
    time = stamp.dt.tz_convert(None).to_numpy().astype("datetime64[us]").astype(np.int64)
    names, asset = np.unique(frame["asset"].to_numpy(dtype=str), return_inverse=True)
    session = np.searchsorted(sessions.close, time, side="left")
    order = np.lexsort((time, session, asset))
    order = order[session[order] < len(sessions.close)]
    order = order[(session[order] > 0) | (time[order] >= sessions.open[0])]
    # a ledger takes a quote for a mark for a minute, a closing price for its whole session
    quoted = np.array(_given(frame, "bid"), dtype=str) != ""
    order = order[~quoted[order] | (sessions.close[session[order]] - time[order] <= MINUTE)]
    text = np.full((len(sessions.close), len(names)), "", dtype=object)
    text[session[order], asset[order]] = _last_price(frame)[order]  # the last of a session stands
    price = np.array([[float(cell) if cell else np.nan for cell in row] for row in text])
    if np.sum(~np.isnan(price)) < 2:
        raise UsageError(
            f"prices run from {stamp.min().date()} to {stamp.max().date()}, the world from {sessions.label[0]} to {sessions.label[-1]}; "
            "set start, sessions and history so that they overlap, and stamp quotes within a minute of the close, closing prices in their session"
        )
    return Closes(tuple(map(str, names)), price, text, {c: frame[c].tolist() for c in frame.columns})


def _frame(prices: object) -> pd.DataFrame:
    """The table as text, empty cells as empty text."""
    import pandas as pd

    if isinstance(prices, pd.DataFrame):
        return prices.astype(object).where(prices.notna(), "").map(str)
    if not isinstance(prices, str | Path):
        raise UsageError(f"prices is a {type(prices).__name__}; give a CSV file, a folder with prices.csv, or a data frame")
    path = Path(prices) / "prices.csv" if Path(prices).is_dir() else Path(prices)
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise UsageError(f"{show(str(path))}: cannot be read as CSV ({error})") from error


def _given(frame: pd.DataFrame, column: str) -> list[str]:
    """Cells of a column, empty where there is none."""
    return list(frame[column]) if column in frame.columns else [""] * len(frame)


def _last_price(frame: pd.DataFrame) -> NDArray[Any]:
    """Mid of a quote, else the close, of each row as plain decimal.

    Raises
    ------
    UsageError
        If a cell is no number, or not positive.
    """
    from decimal import Decimal, InvalidOperation

    columns = [_given(frame, c) for c in ("bid", "ask", "close")]
    found = []
    for at, (bid, ask, close) in enumerate(zip(*columns, strict=True)):
        try:
            value = (Decimal(bid) + Decimal(ask)) / 2 if bid and ask else Decimal(close)
        except InvalidOperation:
            raise UsageError(f"prices row {at + 1}: {show(f'{bid} {ask} {close}')} is no price") from None
        if not value > 0:
            raise UsageError(f"prices row {at + 1}: {value} is not above 0; signals are laid on positive prices only")
        found.append(f"{value.normalize():f}")
    return np.array(found, dtype=object)
