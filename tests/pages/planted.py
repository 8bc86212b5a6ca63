"""A small desk in which every text of every trader holds a string that occurs nowhere else, and a search for such strings in whatever was written."""

from __future__ import annotations

import base64
import dataclasses
import html
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from skillstats.evaluation.blocks import blocks_of
from skillstats.evaluation.evaluate import evaluate
from skillstats.evaluation.minutes import expectation
from skillstats.evaluation.result import Evaluation
from skillstats.evidence import to_evidence
from skillstats.inference.container import Fit
from skillstats.inference.nuts import fit
from skillstats.ledger.build import build_ledger
from skillstats.ledger.containers import Ledger
from skillstats.plan import parse_plan
from skillstats.record.read import read_record
from skillstats.report.readers import Material
from skillstats.simulate.desk import simulate_tables
from skillstats.simulate.world import World

TRADERS = 7
PEOPLE = range(1, TRADERS + 1)
FIELDS = ("id", "reason", "source", "desk", "action", "decision", "signal", "type", "note", "role", "contest")
"""Texts about a trader's doings: who, why, through which screen, at which desk, ids of rows, type of the signal, notes and roles of minutes, notes of contests."""


def mark(field: str, trader: int) -> str:
    """The string planted in one field of one trader; it occurs nowhere else."""
    return f"zq{field}{'abcdefg'[trader - 1] * 5}qz"


@cache
def planted_ledger() -> Ledger:
    """A desk of seven traders, two months, every text field planted."""
    world = World(traders=TRADERS, sessions=30, signals_per_day=6.0, directional=(), annual_ir=2.0)
    tables, _ = simulate_tables(world, seed=5)
    frames = {name: pd.DataFrame(columns, dtype=object) for name, columns in tables.tables.items()}
    actions, signals, fills = (frames[k].copy() for k in ("actions", "signals", "fills"))
    number = actions["trader"].str[1:].astype(int)
    by_action = dict(zip(actions["action_id"], number, strict=True))
    by_signal = dict(zip(actions["signal_id"], number, strict=True))
    for column, field in (("trader", "id"), ("reason", "reason"), ("source", "source"), ("desk", "desk")):
        actions[column] = [mark(field, k) for k in number]
    for frame in (actions, signals):
        frame["signal_id"] = [f"{s}{mark('signal', by_signal[s])}" if s in by_signal else s for s in frame["signal_id"]]
    for frame in (actions, fills):
        frame["action_id"] = [f"{a}{mark('action', by_action[a])}" for a in frame["action_id"]]
    given = actions["decision_id"].fillna("").astype(str)
    actions["decision_id"] = [f"{d}{mark('decision', k)}" if d else d for d, k in zip(given, number, strict=True)]
    # half of a trader's signals keep a type that others have too
    own = [int(s[1:7]) % 2 for s in signals["signal_id"]]
    who = {f"{s}{mark('signal', k)}": k for s, k in by_signal.items()}
    signals["signal_type"] = [
        mark("type", who[s]) if odd and s in who else t
        for s, t, odd in zip(signals["signal_id"], signals["signal_type"], own, strict=True)
    ]
    plan = parse_plan(tables.plan.encode(), "plan")
    return build_ledger(read_record({**frames, "actions": actions, "signals": signals, "fills": fills}, plan), plan)


@cache
def planted_fit() -> Fit:
    """A short fit of the planted desk."""
    ledger = planted_ledger()
    return fit("crossed_total", to_evidence(ledger), seed=3, engine="gibbs", plan=ledger.plan, draws=1000)


@cache
def planted_evaluation() -> Evaluation:
    """The planted desk evaluated with every block, and with the minutes of an evaluation before."""
    ledger, made = planted_ledger(), planted_fit()
    found = evaluate(made, ledger.plan, blocks=blocks_of(ledger, made.evidence, ledger.plan, seed=3))
    came = dict.fromkeys(("first", "last", "sessions", "seen", "value_add_micro", "decisions", "days", "open", "inside"))
    earlier = [dict(m) | {"came": {**came, "rules_stay": True, "why": "the quarter is not over"}} for m in minutes_of(found)]
    return dataclasses.replace(found, minutes=tuple(earlier))


def minutes_of(found: Evaluation) -> list[dict[str, Any]]:
    """A decision on each trader, with a planted note and role."""
    return [
        {
            "at": 1_780_000_000_000_000 + k,
            "clock": "given",
            "seq": k - 1,
            "by": mark("role", k),
            "trader": mark("id", k),
            "regime": "all",
            "decision": "keep",
            "fraction": None,
            "why": mark("note", k),
            "evaluation": {"manifest": "0" * 64, "file": "1" * 64, "plan": "2" * 64},
            "expected": expectation(found, mark("id", k), "all"),
            "digest": f"{k:064d}",
        }
        for k in range(1, TRADERS + 1)
    ]


@cache
def contests() -> tuple[dict[str, Any], ...]:
    """A contested row of each trader as it is kept, with a planted note; the odd ones change the verdict, the last is of an evaluation before."""
    rows = planted_ledger().rows.to_pylist()
    own = {r["trader"]: r for r in planted_evaluation().rows if r["regime"] == "all"}
    return tuple(
        _contest(k, next(r for r in rows if r["trader"] == mark("id", k) and r["value_add"]), own[mark("id", k)]) for k in PEOPLE
    )


def _contest(k: int, row: Mapping[str, Any], verdict: Mapping[str, Any]) -> dict[str, Any]:
    facts = {key: row[key] for key in ("signal_id", "action_id", "trader", "action", "asset", "session", "status", "value_add")}
    sums = {"with": 10**9 * k, "without": 10**9 * k - row["value_add"]}
    sides = {"with": dict(verdict), "without": dict(verdict) | {"p_above_hurdle": 0.0119 * k}}
    return {
        "schema": 1,
        "evaluation": "3" * 64,
        "ledger": planted_ledger().digest,
        "row": {"id": row["signal_id"], **facts, "session": str(facts["session"])},
        "note": mark("contest", k),
        "at": 1_780_000_000_000_000 + k,
        "judged": True,
        "why": "",
        "unit": "USD",
        "totals": {"desk": sums, "trader": sums},
        "hurdle": 0.25,
        "hurdle_unit": "annual IR",
        "certainty": 0.9,
        "verdict": sides,
        "claims": {"with": bool(k % 2), "without": False},
        "seed": 3,
        "version": "0",
        "engine": "gibbs",
        "engine_of_evaluation": "gibbs",
        "draws": 1000,
        "text": f"Row {row['signal_id']} of {mark('id', k)}, {mark('contest', k)}",
        "current": k < TRADERS,
    }


def material(trader: int | None = None) -> Material:
    """Everything a reader may be made from."""
    found = planted_evaluation()
    name = None if trader is None else mark("id", trader)
    return Material(found, planted_ledger(), name, tuple(minutes_of(found)), contests())


def found_in(folder: Path) -> set[tuple[str, int]]:
    """Fields and traders whose string stands in any byte of any file below a folder, or in a file's name."""
    return {hit for path in sorted(folder.rglob("*")) for text in texts_of(path) for hit in found(text)}


def found(text: str) -> set[tuple[str, int]]:
    """Fields and traders whose string stands in a text, however it was broken up, escaped or spelled."""
    plain = text.casefold()
    soft = re.sub(r"[\u00ad\u200b\s]", "", plain)
    fields = [(f, k) for f in FIELDS for k in range(1, TRADERS + 1)]
    return {(f, k) for f, k in fields if mark(f, k) in plain or mark(f, k) in soft}


def texts_of(path: Path) -> Iterator[str]:
    """A file's name and every text in it, with what is packed in it unpacked."""
    yield path.name
    if not path.is_file():
        return
    content = path.read_bytes()
    yield content.decode("utf-8", "replace")
    yield content.decode("utf-16-le", "replace")
    if path.suffix == ".html":
        text = content.decode("utf-8")
        yield html.unescape(text)
        yield html.unescape(re.sub(r"<[^>]*>", "", text))  # a string broken up by tags
        for data in re.findall(r"base64,([A-Za-z0-9+/=]+)", text):
            yield from _unpacked(base64.b64decode(data))
    elif path.suffix == ".json":
        yield json.dumps(json.loads(content), ensure_ascii=False)
    elif path.suffix == ".parquet":
        yield from _parquet(path)
    elif path.suffix == ".nc":
        yield from _netcdf(path)
    elif path.suffix == ".png":
        yield from _unpacked(content)


def _unpacked(data: bytes) -> Iterator[str]:
    """Bytes as text, and every stretch of them that zlib can inflate: a picture's text chunks."""
    yield data.decode("latin-1")
    for at in [m.start() for m in re.finditer(rb"\x78[\x01\x5e\x9c\xda]", data)]:
        try:
            yield zlib.decompressobj().decompress(data[at:]).decode("latin-1")
        except zlib.error:
            continue


def _parquet(path: Path) -> Iterator[str]:
    table = pq.read_table(path)
    yield str(table.schema)
    yield str(pq.read_schema(path).metadata)
    yield str(pq.ParquetFile(path).metadata.to_dict())
    for column in table.columns:
        yield from (
            (str(v) for v in column.unique().to_pylist()) if not pa.types.is_nested(column.type) else (str(column.to_pylist()),)
        )


def _netcdf(path: Path) -> Iterator[str]:
    import xarray as xr

    with xr.open_datatree(path, engine="h5netcdf") as tree:
        for node in tree.subtree:
            yield str(dict(node.attrs))
            for name, variable in node.variables.items():
                yield f"{name} {dict(variable.attrs)} {dict(variable.encoding)}"
                if variable.dtype.kind in "OUS":
                    yield from map(str, np.asarray(variable.values).ravel())


def allowed(audience: str, trader: int | None) -> set[tuple[str, int]]:
    """What a reader may see of the planted strings: the audience table of the rules on privacy.

    A trader sees everything of his own and nothing of others; the head the traders, their rows and the minutes; quants signals and models; governance
    ids of traders and of contested rows; portfolio managers no one of the strings, since each belongs to one person.
    """
    people = range(1, TRADERS + 1)
    fields: Mapping[str, tuple[str, ...]] = {
        "head": FIELDS,
        "trader": (),
        "pm": (),
        "quant": ("type",),
        "governance": ("id", "signal"),
    }
    own = {(f, trader) for f in FIELDS} if audience == "trader" and trader is not None else set()
    return own | {(f, k) for f in fields[audience] for k in people}
