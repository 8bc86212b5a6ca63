"""What the evidence held at the end of a quarter: the rows up to it, as if nothing later had ever been written.

Not only outcomes must be unknown then. Names of traders, regimes and actions that come later are dropped, the period ends with the last
session, and where outcomes are divided by one constant (no risk column) the constant is that of the rows so far.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skillstats.evidence.containers import LABELS, NUMBERS, Evidence
from skillstats.evidence.from_outcomes import pooled_sd
from skillstats.evidence.labels import code_quarters, dates_of_sessions

DAYS_A_YEAR = 365.25


def with_quarters(evidence: Evidence) -> Evidence | None:
    """The evidence with the label ``quarter``, also where all rows lie in one; None where rows have no dates, so that no quarter exists.

    A calendar quarter is that of the desk's session.
    """
    if "quarter" in evidence.labels:
        return evidence
    dates = dates_of_sessions(evidence.coords["session"])
    if dates is None or not len(evidence):
        return None
    name = f"{dates[0][:4]}Q{(int(dates[0][5:7]) - 1) // 3 + 1}"
    found, levels = code_quarters([dates[s] for s in evidence.session])
    codes = found.get("quarter", np.zeros(len(evidence), dtype=np.int64))
    return replace(
        evidence,
        labels={**evidence.labels, "quarter": codes},
        coords={**evidence.coords, "quarter": levels.get("quarter", (name,))},
    )


def up_to_quarter(evidence: Evidence, last: int) -> Evidence:
    """The rows up to and including a quarter, as evidence of their own.

    Parameters
    ----------
    evidence : with the label ``quarter``
    last : code of the last quarter that is known

    Returns
    -------
    Evidence; what it was told by others than its rows (coverage, counts) is left out

    Raises
    ------
    UsageError, SkillWithheld
        If outcomes have no risk column and those so far do not vary.
    """
    kept = np.flatnonzero(evidence.code("quarter") <= last)
    codes: dict[str, NDArray[np.int64]] = {}
    coords: dict[str, tuple[str, ...]] = {}
    for name in (*LABELS, *evidence.labels):
        used, again = np.unique(evidence.code(name)[kept], return_inverse=True)
        if name == "quarter":
            coords[name], codes[name] = evidence.levels(name)[: last + 1], evidence.code(name)[kept]
        else:
            coords[name], codes[name] = tuple(evidence.levels(name)[k] for k in used), again.astype(np.int64)
    # a label with one level tells nothing apart, so evidence does not carry it
    labels = {k: codes[k] for k in evidence.labels if len(coords[k]) > 1}
    own = {k: coords[k] for k in (*LABELS, *labels)}
    value, risk, scale = evidence.value_add[kept], evidence.risk[kept], evidence.scale
    if not evidence.has_risk:
        scale = pooled_sd(value, codes["trader"], codes["session"])
        risk = np.full(len(kept), scale)
    y = value / risk if not evidence.has_risk else evidence.y[kept]
    changed: dict[str, Any] = {k: v[kept] for k in NUMBERS if (v := getattr(evidence, k)) is not None}
    changed |= {k: codes[k] for k in LABELS}
    return replace(
        evidence,
        value_add=value,
        risk=risk,
        y=y,
        decision=np.unique(evidence.decision[kept], return_inverse=True)[1].astype(np.int64),
        coords=own,
        scale=scale,
        sessions_spanned=_spanned(evidence, own["session"]),
        counts={},
        context={},
        labels=labels,
        **changed,
    )


def _spanned(evidence: Evidence, sessions: tuple[str, ...]) -> int:
    """Sessions of the period so far: days between the first and the last at the calendar's rate, of a record; its sessions, of outcomes.

    The desk's calendar itself is not in the evidence, and its holidays matter little here: the number enters the planned bets a year only.
    """
    dates = dates_of_sessions(sessions)
    if evidence.source != "record" or evidence.sessions_per_year is None or dates is None:
        return len(sessions)
    days = (date.fromisoformat(dates[-1]) - date.fromisoformat(dates[0])).days + 1
    return max(len(sessions), round(days * evidence.sessions_per_year / DAYS_A_YEAR))
