"""When a trader chose to act: every signal that could have been touched, the left-alone ones too, and what touching it would have been worth.

The ledger prices both paths of every signal, so the standardised value a full veto would have had is known afterwards for each,

    v_i = V*_i / w_i,   V*_i = - (P/L of the model's path, costs included),   w_i = risk of the whole order to the horizon,

acted upon or not. Whether somebody acts more where acting pays is then a question about choices, not about outcomes. Everything else in a
row was known before the choice; where instants are given this is checked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.errors import UsageError, show
from skillstats.evidence.tables import encode, read_columns, refuse

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
LABELS: Final = ("trader", "session", "stratum")
YES, NO = frozenset({"1", "1.0", "true", "yes"}), frozenset({"0", "0.0", "false", "no"})


@dataclass(frozen=True)
class Choices:
    """Signals that could have been touched, a row each.

    acted : (row,) bool; v_star : (row,) hindsight value of a full veto over its risk, no unit
    trader, session, stratum : (row,) int64 codes into `coords`
    features : (row, feature) known before the choice, own units; standardised by the model
    coords : names behind the codes, sorted, and ``feature``
    source : ``record`` or ``table``
    sessions_per_year : None where there is no year; sessions_spanned : sessions from the first to the last
    counts : what did not become a choice and why (undecided, open, no_risk, late), by name
    look_ahead : rows with a label or feature dated at or after the choice
    """

    acted: NDArray[np.bool_]
    v_star: FloatArray
    trader: IntArray
    session: IntArray
    stratum: IntArray
    features: FloatArray
    coords: Mapping[str, tuple[str, ...]]
    source: Literal["record", "table"]
    sessions_per_year: float | None
    sessions_spanned: int
    counts: Mapping[str, int]
    look_ahead: int

    def __len__(self) -> int:
        return len(self.acted)

    @cached_property
    def digest(self) -> str:
        """sha256 of the content, independent of the order of rows."""
        names = [np.asarray(self.coords[k], dtype=object)[getattr(self, k)] for k in LABELS]
        lines = sorted(
            "\x1f".join(
                [
                    *(str(c[i]) for c in names),
                    str(int(self.acted[i])),
                    repr(float(self.v_star[i])),
                    repr(self.features[i].tolist()),
                ]
            )
            for i in range(len(self))
        )
        head = f"{self.source}\x1f{self.coords['feature']!r}\x1f{self.sessions_per_year!r}\x1f{self.sessions_spanned}"
        return hashlib.sha256("\n".join([head, *lines]).encode()).hexdigest()

    @property
    def all_or_none(self) -> float:
        """Share of the rows that lie in a (trader, stratum) where everything or nothing was acted upon: nothing to compare there."""
        code = self.trader * len(self.coords["stratum"]) + self.stratum
        n, hits = np.bincount(code), np.bincount(code, self.acted)
        return float(n[(hits == 0) | (hits == n)].sum() / len(self))

    def to_pandas(self) -> pd.DataFrame:
        """One row each, names in place of codes."""
        frame = pd.DataFrame({k: np.asarray(self.coords[k], dtype=object)[getattr(self, k)] for k in LABELS})
        frame = frame.assign(acted=self.acted, v_star=self.v_star)
        return frame.assign(**{name: self.features[:, k] for k, name in enumerate(self.coords["feature"])})

    def summary(self) -> pd.DataFrame:
        """Per trader: signals, acted upon, and mean v_star of those acted upon and of those left alone."""
        frame = self.to_pandas()
        rows = []
        for trader, own in frame.groupby("trader", sort=True):
            touched = own["acted"]
            means = own.loc[touched, "v_star"].mean(), own.loc[~touched, "v_star"].mean()
            rows.append((trader, len(own), int(touched.sum()), *means))
        return pd.DataFrame(rows, columns=["trader", "signals", "acted", "v_star_acted", "v_star_left"]).set_index("trader")

    def __str__(self) -> str:
        return (
            f"Choices: {len(self)} signals of {len(self.coords['trader'])} traders, {int(self.acted.sum())} acted upon, "
            f"{len(self.coords['stratum'])} strata; digest {self.digest[:12]}"
        )


def read_choices(
    source: object,
    *,
    strata: Sequence[str] = ("side",),
    features: Sequence[str] = (),
    columns: Mapping[str, str] | None = None,
    known_until: str | None = None,
    decided_at: str | None = None,
    sessions_per_year: float | None = None,
) -> Choices:
    """Read choices from a table with a row for every signal that could have been touched.

    Parameters
    ----------
    source : CSV or Parquet file, or a pandas, polars or Arrow table with the columns ``trader``, ``session``, ``acted`` (yes or no), ``v_star``
        (what a full veto would have been worth, over its risk), those of `strata` and of `features`
    strata : columns of labels within which signals are alike: side, asset class, regime
    features : columns of numbers known before the choice
    columns : name of the column that holds trader, session, acted or v_star where it differs
    known_until, decided_at : columns of instants: the latest instant a row's labels and features rest on, and that of the choice; give both or
        none
    sessions_per_year : sessions of a year, if the table has a year

    Returns
    -------
    Choices

    Raises
    ------
    UsageError
        If a column is missing, a cell is empty or no number, `acted` is neither yes nor no, nobody ever acted or never left a signal alone.

    Examples
    --------
    >>> frame = pd.DataFrame({"trader": list("AABB"), "session": list("1212"), "side": ["BUY"] * 4, "acted": [1, 0, 0, 1], "v_star": [0.3, -0.2, 0.1, 0.4]})
    >>> print(read_choices(frame).summary().loc["A"].round(2).tolist())
    [2.0, 1.0, 0.3, -0.2]
    """
    if (known_until is None) != (decided_at is None):
        raise UsageError("known_until and decided_at are columns of instants to be compared; give both or none")
    instants = [c for c in (known_until, decided_at) if c is not None]
    read = read_columns(source, ("trader", "session", "acted", *strata, *instants), ("v_star", *features), columns, "choices")
    look_ahead = _look_ahead(read, known_until, decided_at)
    labels = [" | ".join(row) for row in zip(*(read[s] for s in strata), strict=True)] if strata else ["all"] * len(read["acted"])
    codes, coords = {}, {}
    for name, values in (("trader", read["trader"]), ("session", read["session"]), ("stratum", np.array(labels, dtype=object))):
        codes[name], coords[name] = encode(values)
    return make_choices(
        codes,
        acted=_yes_or_no(read["acted"]),
        v_star=read["v_star"],
        features=np.column_stack([read[f] for f in features]) if features else np.zeros((len(labels), 0)),
        coords=coords | {"feature": tuple(features)},
        source="table",
        sessions_per_year=sessions_per_year,
        sessions_spanned=len(coords["session"]),
        counts={},
        look_ahead=look_ahead,
    )


def make_choices(codes: Mapping[str, IntArray], **content: Any) -> Choices:
    """Choices from arrays, refused where nothing can be learned.

    Parameters
    ----------
    codes : trader, session and stratum, (row,) int64 each; content : the other fields of `Choices`

    Raises
    ------
    UsageError
        If every signal was acted upon, or none.
    """
    made = Choices(trader=codes["trader"], session=codes["session"], stratum=codes["stratum"], **content)
    acted = int(made.acted.sum())
    if acted in (0, len(made)):
        raise UsageError(f"{acted} of {len(made)} signals were acted upon; to learn when somebody acts takes both kinds")
    return made


def _yes_or_no(values: NDArray[Any]) -> NDArray[np.bool_]:
    lower = [str(v).lower() for v in values]
    bad = [i for i, v in enumerate(lower) if v not in YES | NO]
    refuse([f"row {i + 1}: acted={show(str(values[i]))}, must be one of 1, 0, true, false, yes, no" for i in bad], "choices")
    return np.array([v in YES for v in lower], dtype=bool)


def _look_ahead(read: Mapping[str, NDArray[Any]], known_until: str | None, decided_at: str | None) -> int:
    """Rows whose labels or features rest on an instant at or after the choice."""
    if known_until is None or decided_at is None:
        return 0
    try:
        known, decided = (pd.to_datetime(pd.Series(read[c]), utc=True, format="ISO8601") for c in (known_until, decided_at))
    except ValueError as error:
        raise UsageError(f"choices: {known_until} and {decided_at} must hold ISO 8601 instants ({error})") from None
    return int((known.to_numpy() >= decided.to_numpy()).sum())
