"""The minutes of an evaluation: what was decided on it, by whom and when, in a file that is only ever added to.

``minutes.jsonl`` lies in the evaluation's folder beside what the manifest digests, because people decide after the result is written. Each line is

    {"digest": sha256 of the entry's bytes, "entry": {..., "evaluation": digests of the result, "previous": digest of the line before}}

so that a changed line contradicts its own digest, a line that is missing or stands elsewhere contradicts the next one, and the last line is held by
``minutes.head``, which states how many lines there are and the digest of the last. An entry keeps a copy of what was expected when it was made:
the expectation cannot be adjusted once the outcome is known.

What the chain does not do: whoever can write the folder can write all of it anew. The digest that `add_minutes` returns is worth something once a copy lies
where that person cannot write. The time of an entry is what its writer claims.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from skillstats.errors import Mismatch, UsageError, show
from skillstats.evaluation.minutes_file import append_entry, read_entries
from skillstats.evaluation.result import Evaluation
from skillstats.evaluation.write import read_evaluation
from skillstats.ledger.write import MINUTES
from skillstats.record.read import instant_of

DECISIONS: Final = ("keep", "cap", "revoke", "train", "change-model", "change-rule", "wait")
OF_THE_DESK: Final = frozenset({"change-model", "change-rule", "wait"})
"""Decisions that may be about the desk as a whole."""
MOST_TEXT: Final = 65_536
"""Bytes of a reason, as of any free text."""


class _Result(msgspec.Struct):
    result: dict[str, Any]
    result_digest: str


def add_minutes(
    evaluation: str | Path,
    *,
    decision: str,
    why: str,
    trader: str | None = None,
    regime: str = "all",
    fraction: float | None = None,
    by: str = "",
    at: datetime | str | int | None = None,
) -> dict[str, Any]:
    """Add a decision to the minutes of an evaluation.

    Parameters
    ----------
    evaluation : folder that `write_evaluation` wrote
    decision : keep, cap, revoke, train, change-model, change-rule or wait
    why : the reason in words, kept verbatim
    trader : whom it concerns; None, the desk as a whole, only for change-model, change-rule and wait
    regime : the regime it is limited to, ``all`` for no limit
    fraction : for cap, and only there: the share of the size that stays allowed, above 0 and below 1
    by : role of who decided
    at : when it was decided; default: now, by this machine's clock. Either way it is a claim

    Returns
    -------
    dict, the entry as stored, with its ``digest``; a copy of the digest belongs where nobody who writes the folder can write

    Raises
    ------
    UsageError
        If anything given is not allowed, all of it at once, or the folder holds no evaluation; nothing is written then.
    Mismatch
        If the minutes that are there already do not hold together, or are of another evaluation.
    """
    folder = Path(evaluation)
    found, about = read_evaluation(folder), _about(folder)
    entry = {
        "schema": 1,
        "at": instant_of(at),
        "clock": "machine" if at is None else "given",
        "by": by,
        "trader": trader,
        "regime": regime,
        "decision": decision,
        "fraction": fraction,
        "why": why,
        "evaluation": about,
        "expected": expectation(found, trader, regime),
    }
    problems = _problems(found, entry)
    if problems:
        raise UsageError("\n".join(f"minutes: {p}" for p in problems))
    return append_entry(folder, entry)


def read_minutes(path: str | Path) -> tuple[dict[str, Any], ...]:
    """Entries of an evaluation's folder or of a minutes file, oldest first, each with its ``digest``; empty where a folder has none.

    Raises
    ------
    UsageError
        If the file cannot be read, or a file that was named is not there.
    Mismatch
        Naming the first entry that was changed, dropped, put elsewhere or added by another hand.
    """
    return read_entries(Path(path))


def check_minutes(folder: Path, result_digest: str) -> list[str]:
    """Lines that say that the minutes of an evaluation's folder hold; none where there are no minutes.

    Raises
    ------
    Mismatch
        As `read_minutes`, and for an entry that is about another evaluation than the one in the folder.
    """
    entries = read_minutes(folder)
    if not entries:
        return []
    for entry in entries:
        if entry["evaluation"]["manifest"] != result_digest:
            raise Mismatch(f"{MINUTES}: entry {entry['seq'] + 1} is about another evaluation than the one in this folder")
    return [f"{MINUTES}: the chain of {len(entries)} entries holds, its last digest is {entries[-1]['digest']}"]


def expectation(evaluation: Evaluation, trader: str | None, regime: str) -> dict[str, Any]:
    """What the evaluation expects of a trader, of a trader in a regime, or of the desk; None where it withholds.

    Keys: status, codes, unit, target (of the skill judged), traders (whose forecast it is), last_session, horizon_sessions (sessions of a quarter), hurdle, hurdle_unit, p_above_hurdle, ir {mean, q05, q95}, losses {decisions,
    keep, revoke, better, evpi}, quarter {mean, q05, q50, q95, p_loss, sessions, active}: the value-add of the coming quarter, in `unit`.
    """
    source = evaluation.source
    row = next((r for r in evaluation.rows if trader is not None and (r["trader"], r["regime"]) == (trader, regime)), None)
    shown = evaluation.status != "WITHHOLD" and (row is None or row["status"] != "WITHHOLD")
    detail: Mapping[str, Any] = (row or {}).get("detail") or {}
    told: Mapping[str, Any] = detail if trader is not None else {"quarter": evaluation.desk.get("quarter")}
    scale = "ir_annual" if source["has_year"] else "ir_decision"
    ir = {k: row[f"{scale}_{k}"] for k in ("mean", "q05", "q95")} if row is not None and shown else None
    year = source["sessions_per_year"]
    return {
        "status": evaluation.status if row is None else row["status"],
        "codes": [c["code"] for c in (evaluation.codes if row is None else row["codes"])],
        "unit": source["unit"],
        "target": source.get("target", "total"),
        "traders": [trader] if trader is not None else _shown(evaluation),
        "last_session": source["last_session"],
        "horizon_sessions": max(1, round(year / 4)) if year else None,
        "hurdle": evaluation.plan["hurdle"],
        "hurdle_unit": evaluation.plan["hurdle_unit"],
        "p_above_hurdle": row["p_above_hurdle"] if row is not None and shown else None,
        "ir": ir,
        "losses": told.get("losses") if shown else None,
        "quarter": told.get("quarter") if shown else None,
    }


def _shown(evaluation: Evaluation) -> list[str]:
    """Traders with an estimate: those whom the desk's forecast is about."""
    own = [r for r in evaluation.rows if r["regime"] == "all" and r["status"] != "WITHHOLD"]
    return [r["trader"] for r in own] if evaluation.status != "WITHHOLD" else []


def _about(folder: Path) -> dict[str, Any]:
    """Digests of the result that is decided on."""
    try:
        manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=_Result)
    except (OSError, msgspec.DecodeError):
        raise UsageError(f"{folder}: its manifest cannot be read; run skillstats verify on it") from None
    files = manifest.result.get("files", {})
    digest = hashlib.sha256((folder / "evaluation.json").read_bytes()).hexdigest()
    if digest != files.get("evaluation.json"):
        raise Mismatch("evaluation.json: changed since it was written; nothing can be decided on it")
    return {"manifest": manifest.result_digest, "file": digest, "plan": manifest.result.get("plan")}


def _problems(found: Evaluation, entry: Mapping[str, Any]) -> list[str]:
    """Everything that is wrong with a decision, a sentence each."""
    return [*_about_whom(found, entry), *_what(entry), *_texts(entry)]


def _about_whom(found: Evaluation, entry: Mapping[str, Any]) -> list[str]:
    """Whether trader and regime are those of the evaluation, and whether the decision needs them."""
    trader, regime, rows = entry["trader"], entry["regime"], {(r["trader"], r["regime"]) for r in found.rows}
    if trader is None:
        lacking = entry["decision"] in DECISIONS and entry["decision"] not in OF_THE_DESK
        said = [f"decision={entry['decision']!r} is about one person; name the trader"] if lacking else []
        return said + ([f"regime={show(regime)}, goes with a trader; name one or leave it out"] if regime != "all" else [])
    if (trader, "all") not in rows:
        return [f"trader={show(trader)}, not a trader of this evaluation; its rows name them"]
    if (trader, regime) not in rows:
        known = ", ".join(show(r) for t, r in sorted(rows) if t == trader)
        return [f"regime={show(regime)}, not one of this trader's, which are {known}"]
    return []


def _what(entry: Mapping[str, Any]) -> list[str]:
    """Whether the decision is one of those known, with a fraction where one belongs."""
    decision, fraction = entry["decision"], entry["fraction"]
    said = [] if decision in DECISIONS else [f"decision={show(decision)}, must be one of {', '.join(DECISIONS)}"]
    fits = fraction is not None and 0 < fraction < 1 if decision == "cap" else fraction is None
    return said if fits else [*said, f"fraction={fraction}, above 0 and below 1 with the decision cap, left out with any other"]


def _texts(entry: Mapping[str, Any]) -> list[str]:
    """Whether the texts can be kept verbatim."""
    said = [] if entry["why"].strip() else ["why: empty; say why, the next evaluation shows it beside what came of it"]
    for name in ("why", "by"):
        text = entry[name]
        try:
            fits = len(text.encode("utf-8")) <= MOST_TEXT and "\x00" not in text and unicodedata.normalize("NFC", text) == text
        except UnicodeEncodeError:
            fits = False
        if not fits:
            said.append(f"{name}: must be text in Unicode normal form C without NUL, of at most {MOST_TEXT} bytes")
    return said
