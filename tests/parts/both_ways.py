"""One record built in memory and in parts, and what differs between the two folders: nothing may."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skillstats.errors import InputRejected, UsageError
from skillstats.ledger.build import build_ledger
from skillstats.ledger.door import build_ledger_folder
from skillstats.plan import Plan
from skillstats.record import read_record

NOW = "2027-01-01T00:00:00Z"


def difference(files: Mapping[str, bytes], plan: Plan | None, part: int, *, same_words: bool = True, **options: Any) -> str:
    """What differs, empty if nothing does; a record that both refuse is compared by the refusal.

    same_words : whether refusals are compared by their words; else by their kind
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "record").mkdir()
        for file, data in files.items():
            (folder / "record" / file).write_bytes(data)
        whole = _ended(lambda: _in_memory(folder, plan, options))
        parts = _ended(lambda: _in_parts(folder, plan, part, options))
        left = {p.name for p in folder.iterdir()} - {"record", "whole", "parts", "store"}
        if left:
            return f"left behind: {sorted(left)}"
        if whole or parts:
            same = whole == parts if same_words else bool(whole) == bool(parts)
            return "" if same else f"refused as {whole!r} in memory, as {parts!r} in parts"
        return _unlike(_contents(folder / "whole"), _contents(folder / "parts"))


def _in_memory(folder: Path, plan: Plan | None, options: Mapping[str, Any]) -> None:
    record = read_record(folder / "record", plan, now=NOW, store=folder / "store", **options)
    build_ledger(record, plan, chunk=1_000).write(folder / "whole")


def _in_parts(folder: Path, plan: Plan | None, part: int, options: Mapping[str, Any]) -> None:
    source, out = folder / "record", folder / "parts"
    build_ledger_folder(source, out, plan, decisions="parts", part=part, now=NOW, store=folder / "store", **options)


def _ended(build: Any) -> str:
    try:
        build()
    except (InputRejected, UsageError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def _unlike(whole: Mapping[str, bytes], parts: Mapping[str, bytes]) -> str:
    told = [f"{name} only one way" for name in sorted(whole.keys() ^ parts.keys())]
    for name in sorted(whole.keys() & parts.keys()):
        if whole[name] != parts[name]:
            told.append(name)
            if name.endswith((".csv", ".json")):
                lines = zip(whole[name].decode().split("\n"), parts[name].decode().split("\n"), strict=False)
                told += [f"  {a!r}\n  {b!r}" for a, b in lines if a != b][:2]
    return "\n".join(told)
