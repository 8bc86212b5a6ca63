"""Ledger to evidence: complete intervention decisions, standardised by the risk of their path, sliced where they outlast a session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from skillstats.errors import SkillWithheld
from skillstats.evidence.containers import Evidence
from skillstats.evidence.factor_numbers import factor_numbers
from skillstats.evidence.labels import code_labels, code_quarters
from skillstats.evidence.risk import add_within_decision, one_minute, squared_exposure
from skillstats.ledger.containers import Ledger
from skillstats.ledger.segments import cut_at_closes
from skillstats.market.sessions import Sessions, load_sessions, sessions_per_year

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
NANO = 1e-9
ALL = "all"
_TEXTS = ("signal_id", "action_id", "decision_id", "trader", "asset", "side", "action", "session", "status")
_LABELS = ("signal_type", "model_version", "desk")


@dataclass(frozen=True, slots=True)
class _Rows:
    """Intervention rows of complete decisions, arrays of one length."""

    frame: pd.DataFrame
    code: IntArray
    table: pa.Table


def to_evidence(ledger: Ledger) -> Evidence:
    """Turn a ledger into risk-standardised outcomes.

    One row a complete intervention decision; where any of its horizons reaches past its first desk session, one row a decision and
    session. Decisions that are OPEN, incomplete, recorded after their outcome was knowable, or without a volatility stay in the ledger
    and are counted.

    Parameters
    ----------
    ledger : Ledger

    Returns
    -------
    Evidence; `counts` says what did not become evidence

    Raises
    ------
    SkillWithheld
        If no decision is left.
    """
    rows, counts, late = usable_rows(ledger)
    if not len(rows.frame):
        raise SkillWithheld(
            f"no intervention decision can be judged ({_in_words(counts)}); skill needs complete decisions with a known volatility"
        )
    desk = _desk(ledger)
    pieces, floored = _row_pieces(ledger, rows, desk)
    frame = _decision_rows(pieces, ledger.plan.evidence.within_decision_correlation)
    first = _first_of_decision(rows.frame)
    frame = frame.join(first, on="code")
    counts |= {"risk_floor": floored}
    made = _assemble(ledger, frame, desk, counts, late)
    made = replace(made, context={**made.context, "first_outcome": _first_mark(rows.table)})
    ids = pd.factorize(rows.frame["decision_id"], sort=True)[1].to_numpy()
    known = factor_numbers(ledger, ids[frame["code"].to_numpy()], desk.labels[frame["k"].to_numpy()], made.risk)
    return made if known is None else replace(made, exposure=known[0], factor_return=known[1])


def first_rows(ledger: Ledger) -> IntArray:
    """Position in ``ledger.rows`` of the first action of each decision that is evidence, shape (decision,), in the order of `Evidence.decision`."""
    rows, _, _ = usable_rows(ledger)
    ordered = rows.frame.assign(code=rows.code).sort_values(["code", "action_time", "at"])
    return np.asarray(ordered.groupby("code", sort=True)["at"].first().to_numpy(), dtype=np.int64)


def _first_mark(judged: pa.Table) -> int | None:
    """When the first outcome could be known: the earliest mark of a judged row, UTC microseconds."""
    found = pc.min(judged["mark_time"].cast(pa.int64())).as_py()
    return None if found is None else int(found)


def _in_words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{v} {k}" for k, v in counts.items()) or "none was made"


def usable_rows(ledger: Ledger) -> tuple[_Rows, dict[str, int], dict[str, int]]:
    """Rows of decisions that become evidence, what did not and why, and late decisions by trader."""
    table = ledger.rows.append_column("at", pa.array(np.arange(ledger.rows.num_rows)))
    table = table.filter(pc.fill_null(table["is_intervention"], False))
    frame = pd.DataFrame({k: table[k].to_pandas().astype(object) for k in (*_TEXTS, *_LABELS)})
    frame["key"] = [s if a is None else a for s, a in zip(frame["signal_id"], frame["action_id"], strict=True)]
    for name in ("action_time", "signal_time", "horizon_time", "recorded_lag", "volatility", "value_add", "at"):
        column = table[name].cast(pa.int64()) if pa.types.is_timestamp(table[name].type) else table[name]
        frame[name] = np.asarray(pc.fill_null(column, -1).to_numpy(), dtype=np.int64)
    for name in ("signal_mid", "model_quantity", "actual_quantity", "gap_quantity", "signal_fx"):
        frame[name] = np.asarray(pc.fill_null(table[name].cast(pa.float64()), np.nan).to_numpy(), dtype=float)
    frame["asset_class"] = [ledger.plan.assets[a].class_ if a in ledger.plan.assets else ALL for a in frame["asset"]]
    frame["regime"], frame["cutoff"] = _regimes(table)
    complete = {
        d
        for d, ok in zip(ledger.decisions["decision_id"].to_pylist(), ledger.decisions["complete"].to_pylist(), strict=True)
        if ok
    }
    whole = frame["decision_id"].isin(complete)
    late = frame["action_time"] + frame["recorded_lag"] > frame["horizon_time"]
    blind = (frame["volatility"] <= 0) | ~(frame["signal_mid"] > 0)
    drop_late, drop_blind = (frame.loc[whole & m, "decision_id"].unique() for m in (late, blind))
    keep = whole & ~frame["decision_id"].isin(drop_late) & ~frame["decision_id"].isin(drop_blind)
    counts = {
        "incomplete": int(frame.loc[~whole, "decision_id"].nunique()),
        "late": len(drop_late),
        "no_risk": len(set(drop_blind) - set(drop_late)),
    }
    kept = frame[keep].reset_index(drop=True)
    code = pd.factorize(kept["decision_id"], sort=True)[0].astype(np.int64)
    late_by = frame[frame["decision_id"].isin(drop_late)].groupby("trader")["decision_id"].nunique()
    return _Rows(kept, code, table.filter(pa.array(keep.to_numpy()))), counts, {str(k): int(v) for k, v in late_by.items()}


def _regimes(table: pa.Table) -> tuple[NDArray[Any], IntArray]:
    names = [c for c in table.column_names if c.startswith("regime_") and c not in ("regime_cutoff", "regime_rule")]
    cutoff = pc.fill_null(table["regime_cutoff"].cast(pa.int64()), -1).to_numpy()
    if not names:
        return np.full(table.num_rows, ALL, dtype=object), cutoff
    columns = [table[c].to_pylist() for c in names]
    return np.array([" | ".join(cells) for cells in zip(*columns, strict=True)], dtype=object), cutoff


def _desk(ledger: Ledger) -> Sessions:
    return _calendar(ledger, ledger.plan.calendar.default)


def _calendar(ledger: Ledger, name: str) -> Sessions:
    """Sessions around every instant of the ledger."""
    stamps = [pc.min_max(ledger.rows[c].cast(pa.int64())).as_py() for c in ("signal_time", "action_time", "horizon_time")]
    known = [v for s in stamps for v in s.values() if v is not None]
    return load_sessions(name, min(known), max(known), 1)


def _row_pieces(ledger: Ledger, rows: _Rows, desk: Sessions) -> tuple[pd.DataFrame, int]:
    """Value-add and risk of each (ledger row, desk session); decisions inside one session have one piece a row."""
    frame = rows.frame
    path = rows.table["gap_path"].combine_chunks()
    knots = path.flatten()
    lengths = pc.list_value_length(path).to_numpy(zero_copy_only=False).astype(np.int64)
    row = np.repeat(np.arange(len(frame)), lengths)
    time = knots.field("time").cast(pa.int64()).to_numpy(zero_copy_only=False).astype(np.int64)
    gap = knots.field("gap").cast(pa.float64()).to_numpy(zero_copy_only=False)
    last = np.r_[row[1:] != row[:-1], True] if len(row) else np.zeros(0, dtype=bool)
    stop = np.where(last, frame["horizon_time"].to_numpy()[row], np.r_[time[1:], 0] if len(time) else time)
    segments = cut_at_closes(desk, row, time, stop, gap)
    exposure, minute = _exposures(ledger, frame, segments)
    anchor = np.where(frame["signal_time"] >= 0, frame["signal_time"], frame["action_time"])
    first, final = desk.index_of(anchor), desk.index_of(frame["horizon_time"].to_numpy())
    sliced = pd.Series(final > first).groupby(rows.code).transform("any").to_numpy()
    session = np.where(sliced[segments.row], segments.session, first[segments.row])
    pieces = _values(ledger, frame, sliced, first, desk).reset_index()
    pieces["exposure"] = _carry_exposure(pieces, segments.row, session, exposure)
    pieces = pieces.assign(code=rows.code[pieces["row"].to_numpy()])
    pieces = pieces[_has_happened(pieces)].reset_index(drop=True)
    at = pieces["row"].to_numpy()
    multiplier = _multipliers(ledger, frame)
    rate = np.nan_to_num(frame["signal_fx"].to_numpy(), nan=1.0)  # null for the base currency
    money = frame["signal_mid"].to_numpy() * multiplier * rate * frame["volatility"].to_numpy() * NANO
    largest = np.fmax(np.abs(frame["model_quantity"].to_numpy()), np.abs(frame["actual_quantity"].to_numpy()))
    least = largest**2 * minute
    floored = pieces["exposure"].to_numpy() < least[at]
    pieces["risk"] = money[at] * np.sqrt(np.maximum(pieces["exposure"].to_numpy(), least[at]))
    gap = frame["gap_quantity"].to_numpy()
    pieces["sign"] = (np.where(frame["side"] == "BUY", 1.0, -1.0) * np.where(gap < 0, -1.0, 1.0))[at]
    return pieces, int(floored.sum())


def _carry_exposure(pieces: pd.DataFrame, row: IntArray, session: IntArray, exposure: FloatArray) -> FloatArray:
    """Exposure of each piece; that of a session without a mark goes where its value-add went, into the row's next marked session."""
    width = 1 + int(max(pieces["k"].max(), session.max(initial=0)))
    keys = pieces["row"].to_numpy() * width + pieces["k"].to_numpy()
    at = np.searchsorted(keys, row * width + session, side="left")
    at = np.where((at < len(keys)) & (pieces["row"].to_numpy()[np.minimum(at, len(keys) - 1)] == row), at, at - 1)
    return np.bincount(at, weights=exposure, minlength=len(keys))


def _has_happened(pieces: pd.DataFrame) -> NDArray[np.bool_]:
    """Pieces with a deviation or an outcome; a session before either (a signal at the very close) is no evidence of anything.

    A decision without any keeps its first piece: it was made, and it was worth 0.
    """
    alive = (pieces["exposure"] > 0) | (pieces["value"] != 0)
    empty = ~alive.groupby(pieces["code"]).transform("any") & ~pieces["code"].duplicated()
    return np.asarray(alive | empty, dtype=bool)


def _exposures(ledger: Ledger, frame: pd.DataFrame, segments: Any) -> tuple[FloatArray, FloatArray]:
    """dq^2 dt by the clock of each asset's own calendar, and one minute of that clock for each row."""
    names = frame["asset"].map(
        lambda a: (ledger.plan.assets[a].calendar if a in ledger.plan.assets else None) or ledger.plan.calendar.default
    )
    exposure, minute = np.zeros(len(segments.row)), np.zeros(len(frame))
    decided = frame["action_time"].to_numpy()
    for name in sorted(set(names)):
        clock = _calendar(ledger, name)
        mine = (names == name).to_numpy()
        part = mine[segments.row]
        exposure[part] = squared_exposure(segments, clock)[part]
        minute[mine] = one_minute(clock, decided)[mine]
    return exposure, minute


def _multipliers(ledger: Ledger, frame: pd.DataFrame) -> FloatArray:
    scales = ledger.result["scales"]
    return np.array([float(Fraction(scales[a]["multiplier"])) for a in frame["asset"]])


def _values(ledger: Ledger, frame: pd.DataFrame, sliced: NDArray[np.bool_], first: IntArray, desk: Sessions) -> pd.DataFrame:
    """Value-add in currency by (row, session): the slices of decisions that outlast a session, the whole of the others."""
    whole = pd.DataFrame(
        {"row": np.flatnonzero(~sliced), "k": first[~sliced], "value": frame["value_add"].to_numpy()[~sliced] * 1e-6}
    )
    slices = ledger.slices
    own = [s if a is None else a for s, a in zip(slices["signal_id"].to_pylist(), slices["action_id"].to_pylist(), strict=True)]
    row_of = {key: i for i, key in enumerate(frame["key"]) if sliced[i]}
    position = {label: k for k, label in enumerate(desk.labels)}
    labels, amounts = slices["session"].to_pylist(), slices["slice"].to_pylist()
    hits = [(row_of[k], position[s], v * 1e-6) for k, s, v in zip(own, labels, amounts, strict=True) if k in row_of]
    parts = pd.DataFrame(hits, columns=["row", "k", "value"]).astype(whole.dtypes)
    return pd.concat([whole, parts], ignore_index=True).set_index(["row", "k"]).sort_index()


def _decision_rows(pieces: pd.DataFrame, correlation: float) -> pd.DataFrame:
    """One row a (decision, session): values add, risks add as correlated bets."""
    group = pieces.groupby(["code", "k"], sort=True).ngroup().to_numpy().astype(np.int64)
    keys = pieces[["code", "k"]].drop_duplicates().sort_values(["code", "k"]).reset_index(drop=True)
    keys["value"] = np.bincount(group, weights=pieces["value"].to_numpy())
    keys["risk"] = add_within_decision(group, pieces["risk"].to_numpy(), pieces["sign"].to_numpy(), correlation)
    return keys


def _first_of_decision(frame: pd.DataFrame) -> pd.DataFrame:
    """Trader, verb and labels of each decision; labels are those of its first action, the verb is ``MIXED`` if several."""
    ordered = frame.assign(code=pd.factorize(frame["decision_id"], sort=True)[0]).sort_values(["code", "action_time", "at"])
    grouped = ordered.groupby("code", sort=True)
    found = grouped.agg(
        trader=("trader", "first"),
        regime=("regime", "first"),
        cutoff=("cutoff", "first"),  # of the label that counts; a later row of the decision may know a later close
        decided=("action_time", "min"),
        **{name: (name, "first") for name in (*_LABELS, "asset_class")},
    )
    found["action"] = grouped["action"].first().where(grouped["action"].nunique() == 1, "MIXED")
    return found


def _assemble(ledger: Ledger, frame: pd.DataFrame, desk: Sessions, counts: dict[str, int], late: dict[str, int]) -> Evidence:
    labels = {"trader": frame["trader"], "regime": frame["regime"], "action": frame["action"]}
    labels["session"] = pd.Series(desk.labels[frame["k"].to_numpy()], index=frame.index)
    codes, coords = {}, {}
    for name, values in labels.items():
        code, unique = pd.factorize(values.astype(object), sort=True)
        codes[name], coords[name] = code.astype(np.int64), tuple(str(u) for u in unique)
    further, levels = code_labels({name: frame[name].to_numpy() for name in (*_LABELS, "asset_class")})
    quarters, names_of_quarters = code_quarters(labels["session"].tolist())
    year = ledger.plan.model.sessions_per_year or sessions_per_year(ledger.plan.calendar.default)
    value, risk = frame["value"].to_numpy(), frame["risk"].to_numpy()
    look_ahead = int((frame["cutoff"] >= frame["decided"]).sum())
    context = {
        "by_trader": ledger.result["by_trader"],
        "late_by_trader": late,
        "look_ahead": look_ahead,
        "ledger_digest": ledger.digest,
        "counts": ledger.result["counts"],
        "totals": ledger.result["totals"],
        "kpis": ledger.kpis.to_pylist(),
    }
    return Evidence(
        value_add=value,
        risk=risk,
        y=value / risk,
        trader=codes["trader"],
        session=codes["session"],
        regime=codes["regime"],
        action=codes["action"],
        decision=frame["code"].to_numpy().astype(np.int64),
        coords=coords | levels | names_of_quarters,
        source="record",
        unit=ledger.plan.currency,
        has_risk=True,
        scale=1.0,
        sessions_per_year=float(year),
        sessions_spanned=max(_spanned(ledger, desk), int(np.ptp(frame["k"].to_numpy())) + 1),
        counts=counts,
        context=context,
        labels=further | quarters,
    )


def _spanned(ledger: Ledger, desk: Sessions) -> int:
    """Desk sessions of the period: the plan's dates, else from the first to the last session of the ledger's rows."""
    if ledger.plan.period is not None:
        lo, hi = ledger.plan.period
        last = max(ledger.rows["session"].to_pylist(), default=hi)
        return int(((desk.labels >= lo) & (desk.labels <= min(hi, last))).sum()) or 1
    sessions = sorted(set(ledger.rows["session"].to_pylist()))
    return int(((desk.labels >= sessions[0]) & (desk.labels <= sessions[-1])).sum())
