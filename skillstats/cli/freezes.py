"""Where the freezes of a plan are looked for: a named file, beside the plan, with the record or the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skillstats.declared import Freeze


def find_freezes(source: Path, plan: Path | None, named: Path | None = None) -> tuple[Freeze, ...]:
    """The freezes of the plan in force; empty where there is no file of them.

    Parameters
    ----------
    source : record, ledger or outcomes file; plan : as given, None for the one of `source`; named : file of freezes, before all others

    Raises
    ------
    UsageError
        If a file of freezes is named or found and cannot be read.
    """
    from skillstats.declared import read_freezes

    path = freezes_file(source, plan, named)
    return () if path is None else read_freezes(path)


def freezes_file(source: Path, plan: Path | None, named: Path | None = None) -> Path | None:
    """The file of freezes that counts, None where there is none."""
    from skillstats.declared import frozen_path
    from skillstats.ledger.write import FREEZES_FILE

    if named is not None:
        return named
    places = [frozen_path(plan)] if plan is not None else []
    places += [source / FREEZES_FILE] if source.is_dir() else []
    return next((p for p in places if p.is_file()), None)


def carry_freezes(record: Path, plan: Path | None, ledger: Path) -> Path | None:
    """Put the freezes of the plan, as they stand beside it, into the folder of the ledger; None where there are none."""
    from skillstats.ledger.write import FREEZES_FILE

    path = freezes_file(record, plan)
    if path is None:
        return None
    target = ledger / FREEZES_FILE
    target.write_bytes(path.read_bytes())
    return target
