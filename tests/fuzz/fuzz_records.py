"""Spoil good records and watch: no traceback, no hang, no silent change, no lost row.

    python tests/fuzz/fuzz_records.py --files 20000 --workers 2
    python tests/fuzz/fuzz_records.py --seed 4711          # one again, with its story

Every file has a number, and everything about it follows from the number. A random desk (`tests/oracle/desks.py`) is written out, one of its files is
mutated, and the package reads it. What is asserted:

1. **Ending.** A ledger, `InputRejected` or `UsageError`, within `SECONDS`; anything else is a failure.
2. **No silent change.** Where a ledger comes out, take the mutated files, strike out by line number the rows that the package itself lists as set aside or
   dropped while reading, and give the rest to the second ledger of `tests/oracle`, which shares no code with the package. Then (a) every row of the package's
   ledger equals the second ledger's row in every integer, quantity, status, age, label and time, whatever warnings it carries; (b) every chain of the second
   ledger is either in the package's ledger or listed as set aside by it. Where the second ledger cannot read the rest (its parser knows plain cells only),
   its result on the unspoiled record stands instead, for the chains none of whose rows were touched, unless a price row was set aside.
   (c) Every number and instant of an accepted row obeys the contract's grammar, written here once more as two patterns.
3. **Conservation.** For each table, data rows counted by a parser of our own = rows accepted + set aside + dropped; and every accepted signal, action and fill
   is in the ledger or listed by it.

What this sees: a cell that is read as another value, a row that is lost, doubled or joined to another chain, a price taken from a row that was refused, a
default where a value was refused. What it cannot see: a mutation that makes another good value (both ledgers read it alike); a row set aside without
need; the rows with an `exit` horizon of a record in which a signal was set aside for its orders alone; an instant outside the calendars of the second ledger (December 2023 to February 2025, counted as `far`); whether the words of a finding are right,
which `tests/unit/test_catalogue.py` asks.
"""

from __future__ import annotations

import argparse
import csv
import io
import re
import signal
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "oracle")]

import desks
import second_ledger
from comparing import records, row_that_differs, slices_that_differ
from mutations import BYTES, mutate

from skillstats.errors import RULES, InputRejected, UsageError
from skillstats.ledger.build import build_ledger
from skillstats.ledger.containers import Ledger
from skillstats.record import Record, read_record

NOW = "2026-01-01T00:00:00Z"
SECONDS = 60
PER_DESK = 20
FIRST, LAST = "2024-01-01", "2025-01-31"
"""Instants the second ledger has calendars for, with room for horizons."""
NUMBERS = {
    "signals": {"quantity", "price"},
    "actions": {"quantity"},
    "fills": {"quantity", "price", "fee"},
    "prices": {"bid", "ask", "close", "open", "bid_size", "ask_size"},
}
"""Columns of numbers by table; a column of another name, or of this name in another table, is the user's own and is not read."""
DECIMAL = re.compile(r"[+-]?[0-9]{1,400}(\.[0-9]{1,400})?")
INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)")
Rows = list[tuple[int, dict[str, str]]]


@dataclass
class Outcome:
    """What became of one file: its ending, how its chains were compared, and what is wrong."""

    seed: int
    story: str
    ending: str = ""
    compared: int = 0
    wrong: list[str] = field(default_factory=list)


@lru_cache(maxsize=4)
def good(desk_seed: int) -> tuple[desks.Desk, second_ledger.SecondLedger]:
    """A desk and the second ledger of it."""
    desk = desks.make_desk(desk_seed)
    return desk, second_ledger.SecondLedger(desk.texts(), desk.plan_text())


def spoil(seed: int) -> tuple[desks.Desk, dict[str, bytes], str]:
    """The desk of a number, its files with one mutated, and what was done."""
    pick = Random(seed)
    desk, _ = good(seed // PER_DESK)
    files = {f"{name}.csv": text.encode() for name, text in desk.texts().items()} | {"plan.toml": desk.plan_text().encode()}
    target = pick.choices([*sorted(files)], [1 if n == "plan.toml" else 6 for n in sorted(files)])[0]
    files[target], names = mutate(files[target], pick, BYTES if target == "plan.toml" else None)
    return desk, files, f"desk {seed // PER_DESK}, {target}: {', '.join(names)}"


def run(seed: int) -> Outcome:
    """Everything about one file."""
    desk, files, story = spoil(seed)
    outcome = Outcome(seed, story)
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(SECONDS)
    try:
        with tempfile.TemporaryDirectory() as folder:
            for name, data in files.items():
                (Path(folder) / name).write_bytes(data)
            record = read_record(folder, now=NOW)
            ledger = build_ledger(record)
        outcome.ending = "ledger"
        _judge(outcome, desk, files, record, ledger)
    except InputRejected as refused:
        outcome.ending = "rejected " + ",".join(sorted({p.code for p in refused.problems}))
    except UsageError as refused:
        outcome.ending = "usage " + str(refused).split(":")[0][:20]
    except Exception:
        outcome.ending = "TRACEBACK"
        outcome.wrong.append(traceback.format_exc(limit=-6))
    finally:
        signal.alarm(0)
    return outcome


def _too_long(*_: object) -> None:
    raise TimeoutError(f"more than {SECONDS} s")


# what was read, by a parser of our own ------------------------------------------------------------------------------------------------------


def own_rows(data: bytes) -> tuple[Rows, int]:
    """(line, cells) of each data row, and how many blank lines there are; lines end in LF only, as the contract says."""
    text = data.decode("utf-8-sig")
    reader = csv.reader(iter([line + "\n" for line in text.split("\n")]))
    header: list[str] | None = None
    rows: Rows = []
    blank, start = 0, 1
    for cells in reader:
        if not cells or (len(cells) == 1 and not cells[0].strip()):
            blank += 1
        elif header is None:
            header = cells
        else:
            rows.append((start, dict(zip(header, cells, strict=True))))
        start = reader.line_num + 1
    return rows, blank - 1 if text.endswith("\n") or not text.split("\n")[-1] else blank


def struck_out(record: Record) -> dict[str, set[int]]:
    """Lines of each table that the package set aside or dropped while reading."""
    lines: dict[str, set[int]] = {}
    for problem in (*record.quarantine, *record.drops):
        lines.setdefault(problem.table, set()).add(problem.line)
    return lines


def with_tombstones(rows: Rows, kept: Rows, record: Record) -> Rows:
    """The accepted price rows and, for each refused one with a stamp, a row that the second ledger refuses too: it must stop look-ups."""
    refused = {p.line for p in record.quarantine if p.table == "prices"}
    stones = [
        (line, dict.fromkeys(cells, "") | {"asset": cells["asset"], "time": cells["time"], "close": "-1"})
        for line, cells in rows
        if line in refused and cells.get("asset") and INSTANT.fullmatch(cells.get("time", ""))
    ]
    there = {(c["asset"], c["time"]) for _, c in kept}
    # a mutation may have renamed the column `close`; the rows that stand then have an empty one
    return [(n, c | {"close": c.get("close", "")}) for n, c in kept] + [
        s for s in stones if (s[1]["asset"], s[1]["time"]) not in there
    ]


def _exits_without_orders(record: Record, files: Mapping[str, bytes]) -> bool:
    """Signals that still end others although their own orders set them aside: struck out, they would be missed."""
    dependent = any(p.table == "signals" and p.root != f"{p.file}:{p.line}" for p in record.quarantine)
    return dependent and any(b"exit" in files.get(n, b"") for n in ("plan.toml", "signals.csv"))


def as_text(rows: Rows) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0][1]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(cells for _, cells in rows)
    return out.getvalue()


# the three assertions -----------------------------------------------------------------------------------------------------------------------


def _judge(outcome: Outcome, desk: desks.Desk, files: Mapping[str, bytes], record: Record, ledger: Ledger) -> None:
    tables = {name.removesuffix(".csv"): own_rows(data) for name, data in files.items() if name.endswith(".csv")}
    ignored = {
        p.removesuffix(".csv") for x in record.problems if x.code == "D116" for p in x.message.split(", a header")[0].split(", ")
    }
    tables = {name: t for name, t in tables.items() if name not in ignored}
    gone = struck_out(record)
    outcome.wrong += list(_lost_rows(tables, record, gone))
    kept = {name: [r for r in rows if r[0] not in gone.get(name, set())] for name, (rows, _) in tables.items()}
    outcome.wrong += list(_lost_chains(kept, ledger))
    outcome.wrong += list(_not_plain(kept))
    outcome.wrong += [f"code {p.code} sets nothing aside" for p in record.quarantine if RULES[p.code].outcome != "quarantine"]
    if any(not FIRST <= cells.get("time", FIRST) <= LAST for rows in kept.values() for _, cells in rows):
        outcome.ending = "ledger, far"
        return
    try:
        needed = ("signals", "actions", "prices")
        given = kept | {"prices": with_tombstones(tables["prices"][0], kept["prices"], record)}
        texts = {n: as_text(r) if r else desks.to_csv(n, []) for n, r in given.items() if r or n in needed}
        second = second_ledger.SecondLedger(texts, files["plan.toml"].decode())
    except Exception as error:
        outcome.ending = f"ledger, unreadable by the second ({type(error).__name__})"
        _against_the_unspoiled(outcome, desk, files, kept, gone, ledger)
        return
    _against_the_second(outcome, second, ledger, skip_exits=_exits_without_orders(record, files))


def _lost_rows(tables: Mapping[str, tuple[Rows, int]], record: Record, gone: Mapping[str, set[int]]) -> Iterator[str]:
    for name, (rows, blank) in tables.items():
        accepted = len(record.tables.get(name, ()))
        if len(rows) + blank != accepted + len(gone.get(name, ())):
            yield f"{name}: {len(rows)} rows and {blank} blank lines, but {accepted} accepted and {len(gone.get(name, ()))} struck out"
        if record.raw_rows.get(name) != len(rows) + blank:
            yield f"{name}: raw_rows {record.raw_rows.get(name)}, counted {len(rows) + blank}"


def _not_plain(kept: Mapping[str, Rows]) -> Iterator[str]:
    """Accepted cells that are no plain decimal and no instant with an offset."""
    for table, rows in kept.items():
        for line, cells in rows:
            for column in set(cells) & (NUMBERS.get(table, set()) | {"time"}):
                rule = INSTANT if column == "time" else DECIMAL
                if (cells[column] or column == "time") and not rule.fullmatch(cells[column]):
                    yield f"{table}:{line} {column}={cells[column]!r} was accepted"


def _lost_chains(kept: Mapping[str, Rows], ledger: Ledger) -> Iterator[str]:
    """Accepted signals, actions and fills that are neither in the ledger nor listed by it."""
    listed = {(q["table"], q["line"]) for q in ledger.quarantine.to_pylist()}
    signals, actions = (set(ledger.rows[k].to_pylist()) for k in ("signal_id", "action_id"))
    if ledger.plan.period is not None:
        return
    for table, key, known in (
        ("signals", "signal_id", signals),
        ("actions", "action_id", actions),
        ("fills", "action_id", actions),
    ):
        for line, cells in kept.get(table, []):
            if cells[key] not in known and (table, line) not in listed:
                yield f"{table}:{line} {cells[key]!r} is neither in the ledger nor listed"


def _differences(name: str, row: dict[str, Any], own: dict[str, Any], ledger: Ledger) -> list[str]:
    """Columns that differ; without labels where the plan, spoilt, no longer asks for them."""
    if "weather" in ledger.plan.regimes.use:
        return row_that_differs(name, row, own)
    return row_that_differs(name, row | {k: own[k] for k in ("regime_weather", "regime_cutoff")}, own)


def ledger_rows(ledger: Ledger) -> dict[str, dict[str, Any]]:
    """Rows of the package by chain."""
    return {row["signal_id"] or row["action_id"]: row for row in records(ledger.rows)}


def _against_the_second(outcome: Outcome, second: second_ledger.SecondLedger, ledger: Ledger, *, skip_exits: bool) -> None:
    rows, aside = ledger_rows(ledger), {q["chain"] for q in ledger.quarantine.to_pylist()}
    for name, own in second.rows.items():
        if skip_exits and name in rows and rows[name]["horizon"] == "exit":
            continue
        if name in rows and not isinstance(own, str):
            outcome.compared += 1
            outcome.wrong += _differences(name, rows[name], own, ledger)
        elif name not in rows and name not in aside:
            outcome.wrong.append(f"{name}: neither in the ledger nor set aside")
        elif name in rows:
            outcome.wrong.append(f"{name}: in the ledger, but the second ledger says {own}")
    outcome.wrong += [f"{name}: in the ledger, unknown to the second" for name in rows if name not in second.rows]
    known = {k: v for k, v in second.rows.items() if k in rows or isinstance(v, str)}
    if known.keys() == second.rows.keys() and not skip_exits:
        outcome.wrong += slices_that_differ(ledger, second)


def _against_the_unspoiled(
    outcome: Outcome,
    desk: desks.Desk,
    files: Mapping[str, bytes],
    kept: Mapping[str, Rows],
    gone: Mapping[str, set[int]],
    ledger: Ledger,
) -> None:
    """Chains whose every row stands as it was, against the second ledger of the good desk."""
    before = {name: [dict.fromkeys(desks.FIELDS[name], "") | r for r in rows] for name, rows in desk.tables.items()}
    same_prices = [c for _, c in kept.get("prices", [])] == before["prices"] and not gone.get("prices")
    if not same_prices or files["plan.toml"] != desk.plan_text().encode() or "exit" in desk.plan_text() + str(before["signals"]):
        return
    untouched = {name: [c for _, c in rows] for name, rows in kept.items()}
    second, rows = good(outcome.seed // PER_DESK)[1], ledger_rows(ledger)
    for name, own in second.rows.items():
        actions = [a for a in before["actions"] if name in (a["signal_id"], a["action_id"])]
        fills = [f for f in before["fills"] if f["action_id"] in {a["action_id"] for a in actions}]
        signals = [s for s in before["signals"] if s["signal_id"] == name]
        whole = all(
            r in untouched.get(t, [])
            for t, chain in (("signals", signals), ("actions", actions), ("fills", fills))
            for r in chain
        )
        if whole and name in rows and not isinstance(own, str) and untouched.get("regimes") == before["regimes"]:
            outcome.compared += 1
            outcome.wrong += _differences(name, rows[name], own, ledger)


# the command --------------------------------------------------------------------------------------------------------------------------------


def run_many(first: int, files: int, workers: int) -> Iterator[Outcome]:
    """Outcomes of consecutive numbers, in order."""
    numbers = range(first, first + files)
    if workers == 1:
        yield from map(run, numbers)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(run, numbers, chunksize=PER_DESK)


def summary(outcomes: list[Outcome]) -> dict[str, Any]:
    """Endings, chains compared, and the numbers that failed."""
    return {
        "files": len(outcomes),
        "endings": dict(
            Counter(o.ending.split(" ")[0].rstrip(",") if not o.ending.startswith("ledger,") else o.ending for o in outcomes)
        ),
        "codes": dict(
            Counter(o.ending.removeprefix("rejected ") for o in outcomes if o.ending.startswith("rejected")).most_common(20)
        ),
        "chains compared": sum(o.compared for o in outcomes),
        "failed": [o.seed for o in outcomes if o.wrong],
    }


def main() -> int:
    """Run and say what was found; exit 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first file")
    parser.add_argument("--seed", type=int, help="one file again, with its story")
    given = parser.parse_args()
    if given.seed is not None:
        given.first, given.files, given.workers = given.seed, 1, 1
    outcomes = []
    for outcome in run_many(given.first, given.files, given.workers):
        outcomes.append(outcome)
        if outcome.wrong or given.seed is not None:
            print(f"seed {outcome.seed} ({outcome.story}): {outcome.ending}, {outcome.compared} chains compared", flush=True)
            print("".join(f"    {w[:600]}\n" for w in outcome.wrong[:5]), end="", flush=True)
        if len(outcomes) % 1000 == 0:
            print(f"{len(outcomes)} files, {sum(bool(o.wrong) for o in outcomes)} failed", flush=True)
    for key, value in summary(outcomes).items():
        print(f"{key}: {value}")
    return 1 if any(o.wrong for o in outcomes) else 0


if __name__ == "__main__":
    raise SystemExit(main())
