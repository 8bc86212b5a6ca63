"""What came of the decisions of an earlier evaluation: its forecasts held against the exact ledger of the quarter after.

An entry of the minutes holds the forecast of the trader's value-add over the L = sessions a year / 4 desk sessions that follow the last session of the
evaluation. What came is the sum of the ledger's day slices of that trader's interventions in exactly those sessions, in micro-units,

    came = sum over interventions i, sessions s in the window, of V_is,

counted as the forecast counts: by the session in which money was made, the part of a decision of the old quarter that was made in the new one included.
A forecast is judged once its window is over and nothing in it is open; it hit if `came` lies within its 90% equal-tailed interval.

A forecast assumes that the rules stay as they are. After cap, revoke, change-model and change-rule they do not, so these are shown and counted apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from skillstats.ledger.containers import Ledger
from skillstats.market.sessions import load_sessions
from skillstats.units import DAY, MICRO

RULES_STAY: Final = frozenset({"keep", "train", "wait"})
"""Decisions after which the forecast, made for unchanged rules, can be held against what came."""


def decided_earlier(minutes: Iterable[Mapping[str, Any]], ledger: Ledger) -> tuple[dict[str, Any], ...]:
    """Each decision with what was expected then and, under ``came``, what the ledger says of the quarter after.

    Parameters
    ----------
    minutes : entries, see `skillstats.evaluation.minutes.read_minutes`
    ledger : of the period after the evaluation the minutes are about; it may reach further back

    Returns
    -------
    the entries in order of time, each with ``came`` {first, last, sessions, seen, value_add_micro, decisions, days, open, rules_stay, inside, why}:
    first, last : sessions of the window, of which `seen` are in the ledger; value_add_micro : int, micro-units, of `decisions` interventions on
    `days` sessions; inside : whether the 90% interval held it, None where that cannot be said, and `why`
    """
    books = _Books(ledger)
    ordered = sorted(minutes, key=lambda m: (m["at"], m["digest"]))
    return tuple({**entry, "came": _came(entry, books)} for entry in ordered)


def calibration(decided: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """How many forecasts held: {stay, changed} to {inside, judged}; two decisions on one forecast count once."""
    counted: dict[str, dict[str, int]] = {k: {"inside": 0, "judged": 0} for k in ("stay", "changed")}
    # where one of several decisions on a forecast changed the rules, they were changed
    judged = [d for d in decided if (d.get("came") or {}).get("inside") is not None]
    changed = {_forecast_of(d) for d in judged if not d["came"]["rules_stay"]}
    for key, inside in {_forecast_of(d): d["came"]["inside"] for d in judged}.items():
        group = counted["changed" if key in changed else "stay"]
        group["judged"] += 1
        group["inside"] += bool(inside)
    return counted


def _forecast_of(decided: Mapping[str, Any]) -> tuple[Any, ...]:
    return decided["evaluation"]["file"], decided["trader"], decided["regime"]


@dataclass(frozen=True)
class _Books:
    """A ledger as the windows read it."""

    ledger: Ledger

    @cached_property
    def slices(self) -> pd.DataFrame:
        """Day slices of interventions: trader, decision_id, regime, session, amount in micro-units; open: the row is not closed."""
        rows, slices = self.ledger.rows, self.ledger.slices
        names = [c for c in rows.column_names if c.startswith("regime_") and c not in ("regime_cutoff", "regime_rule")]
        keys = ["signal_id", "action_id"]
        own = _frame(rows, [*keys, "decision_id", "trader", "status", "is_intervention", "action_time", *names])
        own["regime"] = own[names].agg(" | ".join, axis=1) if names else "all"
        # a decision has one regime, that of its first action, as in the evidence
        first = own.sort_values("action_time", kind="stable").groupby("decision_id")["regime"].first()
        own["regime"] = own["decision_id"].map(first)
        found = _frame(slices, [*keys, "session", "slice"]).merge(own, on=keys, validate="many_to_one")
        kept = found[found["is_intervention"].astype(bool)]
        return kept.assign(open=kept["status"] == "OPEN")

    @cached_property
    def reach(self) -> tuple[str, str]:
        """First and last desk session the ledger speaks of; the last is the last one closed by ``as_of``."""
        period, sessions = self.ledger.plan.period, self.ledger.rows["session"].to_pylist()
        closed = self.after("", 0)
        last = max((s for s, close in closed if close <= self.ledger.result["as_of"]), default="")
        first = period[0] if period else min(sessions)
        return first, min(last, period[1]) if period else last

    def after(self, session: str, sessions: int) -> list[tuple[str, int]]:
        """Labels and closes of the `sessions` desk sessions after one; all that may matter for an empty label."""
        as_of = int(self.ledger.result["as_of"])
        times = self.ledger.rows["signal_time"].cast(pa.int64()).drop_null().to_pylist()
        start = min([*times, as_of]) if not session else int(pd.Timestamp(session, tz="UTC").value // 1000)
        desk = load_sessions(self.ledger.plan.calendar.default, min(start, as_of), max(start, as_of) + 10 * DAY, sessions)
        known = [(str(s), int(c)) for s, c in zip(desk.labels, desk.closes, strict=True) if str(s) > session]
        return known[:sessions] if session else known


def _frame(table: pa.Table, names: list[str]) -> pd.DataFrame:
    """Columns of a table with objects for text, so that a missing id equals a missing id."""
    return pd.DataFrame({n: table[n].to_pylist() for n in names}, columns=names).astype(
        {n: object for n in names if n != "slice"}
    )


def _came(entry: Mapping[str, Any], books: _Books) -> dict[str, Any]:
    """What the ledger says of the quarter after one decision."""
    expected, told = entry["expected"], _nothing(entry)
    if not expected["last_session"] or not expected["horizon_sessions"]:
        return told | {"why": "the evaluation had no dated sessions or no year, so there is no quarter after it"}
    window = [s for s, _ in books.after(expected["last_session"], expected["horizon_sessions"])]
    told |= {"first": window[0], "last": window[-1], "sessions": len(window)}
    first, last = books.reach
    if first > window[0]:
        return told | {"why": f"the ledger begins on {first}, after the quarter had begun"}
    own = books.slices[books.slices["session"].isin(window)]
    own = own[own["trader"].isin(expected["traders"]) & ((entry["regime"] == "all") | (own["regime"] == entry["regime"]))]
    still_open = int(own.loc[own["open"], "decision_id"].nunique())
    told |= {
        "seen": sum(s <= last for s in window),
        "value_add_micro": sum(int(v) for v in own["slice"]),
        "decisions": int(own["decision_id"].nunique()),
        "days": int(own["session"].nunique()),
        "open": still_open,
    }
    why = _why_not(entry, told, books.ledger.plan.currency)
    if why:
        return told | {"why": why}
    quarter = expected["quarter"]
    # exact: the ends are taken to micro-units, not the sum to floats
    low, high = (round(quarter[k] * MICRO) for k in ("q05", "q95"))
    return told | {"inside": low <= told["value_add_micro"] <= high, "why": ""}


def _nothing(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Nothing known yet."""
    unknown = dict.fromkeys(("first", "last", "sessions", "seen", "value_add_micro", "decisions", "days", "open", "inside"))
    return {**unknown, "rules_stay": entry["decision"] in RULES_STAY, "why": ""}


def _why_not(entry: Mapping[str, Any], told: Mapping[str, Any], currency: str) -> str:
    """Why a forecast cannot be judged; empty where it can."""
    if told["seen"] < told["sessions"]:
        return f"the quarter is not over: {told['seen']} of {told['sessions']} sessions so far"
    if told["open"]:
        return f"{told['open']} decisions are still open"
    if entry["expected"]["quarter"] is None:
        return "no forecast was made: " + (
            "of a regime alone there is none" if entry["regime"] != "all" else "skill was withheld"
        )
    if entry["expected"]["target"] != "total":
        return f"the forecast is of {entry['expected']['target']} skill, the ledger holds the whole value-add"
    if entry["expected"]["unit"] != currency:
        return f"the forecast is in {entry['expected']['unit']}, the ledger in {currency}"
    return "" if told["decisions"] else "there was no intervention to judge"
