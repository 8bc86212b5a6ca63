"""Contests are kept beside the evaluation, a file each, and are never changed: the evaluation itself stays as its manifest says.

The folder ``<evaluation>.contests`` outlives an evaluation that is written again; each contest names the digest of the one it is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from skillstats.aside import written_aside
from skillstats.errors import UsageError
from skillstats.evaluation.write import plain_json

if TYPE_CHECKING:
    from skillstats.evaluation.contest import Contest

ENDING: Final = ".contests"


def contests_folder(evaluation: str | Path) -> Path:
    """The folder beside an evaluation that holds its contests."""
    folder = Path(evaluation).absolute()
    return folder.with_name(folder.name + ENDING)


def keep_contest(evaluation: str | Path, contest: Contest) -> Path:
    """Store a contest under the next free number; nothing is ever replaced.

    Returns
    -------
    Path of its file

    Raises
    ------
    UsageError
        If the folder beside the evaluation cannot be written.
    """
    folder = contests_folder(evaluation)
    try:
        folder.mkdir(exist_ok=True)
        return _add(folder, plain_json(contest.content))
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written ({error.strerror}); contests are kept beside the evaluation") from None


def read_contests(evaluation: str | Path) -> tuple[dict[str, Any], ...]:
    """Every contest of an evaluation and of earlier ones in its place, oldest first; empty where there is none.

    Returns
    -------
    tuple of the contents of `Contest`, each with `current`: whether it is about the evaluation that lies there now

    Raises
    ------
    UsageError
        If one cannot be read.
    """
    folder = contests_folder(evaluation)
    if not folder.is_dir():
        return ()
    current = _digest(Path(evaluation))
    found = []
    for path in sorted(folder.glob("c*.json")):
        try:
            content = msgspec.json.decode(path.read_bytes())
            found.append({**content, "current": content["evaluation"] == current})
        except (OSError, msgspec.DecodeError, KeyError, TypeError) as error:
            raise UsageError(f"{path}: no contest that this package wrote ({error}); put an earlier copy of it back") from None
    return tuple(found)


def without_text(contest: Mapping[str, Any]) -> dict[str, Any]:
    """What a reader may know who sees neither free text nor estimates: which row, whose, when, and whether the verdict rests on it."""
    return {
        "row": contest["row"]["id"],
        "trader": contest["row"]["trader"],
        "at": contest["at"],
        "judged": contest["judged"],
        "current": contest["current"],
        "status": None if contest["verdict"] is None else {k: r["status"] if r else None for k, r in contest["verdict"].items()},
    }


def _digest(evaluation: Path) -> str | None:
    try:
        return str(msgspec.json.decode((evaluation / "manifest.json").read_bytes())["result_digest"])
    except (OSError, msgspec.DecodeError, KeyError, TypeError):
        return None


def _add(folder: Path, content: bytes) -> Path:
    """Written aside, then given the first number that nobody has: two contests at once get two numbers."""
    with written_aside(folder, content) as made:
        number = 1 + len(list(folder.glob("c*.json")))
        while True:
            target = folder / f"c{number:04d}.json"
            try:
                target.hardlink_to(made)
            except FileExistsError:
                number += 1
            else:
                return target
