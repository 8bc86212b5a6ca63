"""Freezing a plan: its complete content, its digest and the time, in a file beside it that only grows.

The file ``<stem>.frozen.json`` holds every freeze of the plan, oldest first. The time is the clock of the machine, and whoever owns the file
can rewrite it: what makes a freeze worth something is the digest, sent to somebody outside on that day.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from skillstats.aside import write_whole
from skillstats.declared.difference import Difference, plan_differences
from skillstats.errors import UsageError
from skillstats.plan import MAX_PLAN_BYTES, Plan, read_plan
from skillstats.spec import read_spec
from skillstats.units import package_version

FORMAT: Final = 1
MAX_BYTES: Final = 64 * MAX_PLAN_BYTES


class Freeze(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One freeze of a plan.

    digest : sha256 of `content` in canonical form; frozen_at : UTC microseconds, clock of the machine; version : of the package
    content : the complete plan as that version knew it
    model_digest : of the specification the plan names, None where it names none
    horizon_from_signals : whether the plan has no horizon because each signal carries its own
    """

    digest: str
    frozen_at: int
    version: str
    content: dict[str, Any]
    model_digest: str | None = None
    horizon_from_signals: bool = False

    @property
    def plan(self) -> Plan:
        """The plan, completed by this version's defaults where an older one did not know a key.

        Raises
        ------
        UsageError
            If it holds a key or a value that this version does not know.
        """
        try:
            return msgspec.convert(self.content, Plan)
        except msgspec.ValidationError as error:
            raise UsageError(
                f"a plan frozen by version {self.version} cannot be read by version {package_version()} ({error}); use the version that froze it"
            ) from None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: int
    freezes: tuple[Freeze, ...]


@dataclass(frozen=True, slots=True)
class Frozen:
    """What `freeze_plan` did.

    path : of the file of freezes; freeze : the one that holds now; added : False where the plan stood there unchanged
    changed : keys that differ from the freeze before it; empty for the first
    count : freezes in the file
    """

    path: Path
    freeze: Freeze
    added: bool
    changed: tuple[Difference, ...]
    count: int


def frozen_path(plan: str | Path) -> Path:
    """The file of freezes beside a plan: ``q3.toml`` has ``q3.frozen.json``."""
    path = Path(plan)
    return path.with_name(f"{path.stem}.frozen.json")


def freeze_plan(plan: str | Path, *, at: int | None = None, horizon_from_signals: bool = False) -> Frozen:
    """Freeze a plan: append its complete content, its digest and the time to the file beside it.

    Parameters
    ----------
    plan : the TOML file
    at : time of the freeze, UTC microseconds; the machine's clock if None
    horizon_from_signals : declares that the plan has no horizon because each signal carries its own

    Returns
    -------
    Frozen; a plan whose last freeze says the same is not frozen again

    Raises
    ------
    UsageError
        If the plan cannot be read, has no horizon and it was not said that signals carry one, names a model that cannot be read, or the file
        beside it is no file of freezes or was last written at a later time.
    """
    content, target = read_plan(plan), frozen_path(plan)
    _refuse_open_horizon(content, plan, horizon_from_signals)
    before = read_freezes(target) if target.exists() else ()
    model = None if content.model.name is None else read_spec(content.model.name).digest
    now = _clock() if at is None else at
    made = Freeze(
        digest=content.digest,
        frozen_at=now,
        version=package_version(),
        content=msgspec.to_builtins(content),
        model_digest=model,
        horizon_from_signals=horizon_from_signals,
    )
    if before and (before[-1].plan, before[-1].model_digest) == (content, model):
        return Frozen(target, before[-1], False, (), len(before))
    if before and now < before[-1].frozen_at:
        raise UsageError(
            f"{target}: the last freeze is of {instant_words(before[-1].frozen_at)}, this clock says {instant_words(now)}; set the clock right"
        )
    whole = msgspec.json.format(msgspec.json.encode(_File(FORMAT, (*before, made))), indent=1)
    write_whole(target, whole + b"\n")
    changed = plan_differences(before[-1].plan, content) if before else ()
    return Frozen(target, made, True, changed, len(before) + 1)


def read_freezes(path: str | Path) -> tuple[Freeze, ...]:
    """Read a file of freezes and check it.

    Returns
    -------
    tuple of Freeze, oldest first, at least one

    Raises
    ------
    UsageError
        If the file cannot be read, is no file of freezes, or holds a plan that does not have its digest or a time out of order.
    """
    path = Path(path)
    try:
        raw = path.read_bytes()
        found = msgspec.json.decode(raw[: MAX_BYTES + 1], type=_File)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); give the file that skillstats plan freeze wrote") from None
    except msgspec.DecodeError as error:
        raise UsageError(f"{path}: not a file of freezes ({error}); give the file that skillstats plan freeze wrote") from None
    wrong = [] if found.format == FORMAT else [f"format {found.format}, this version reads {FORMAT}"]
    wrong += [] if found.freezes else ["it holds no freeze"]
    wrong += [f"freeze {k}: its plan does not have its digest" for k, f in enumerate(found.freezes, 1) if _digest(f) != f.digest]
    times = [f.frozen_at for f in found.freezes]
    wrong += ["its times are not in order"] if times != sorted(times) else []
    if wrong:
        raise UsageError(f"{path}: {'; '.join(wrong)}; the file was changed, take an earlier copy of it")
    return found.freezes


def instant_words(value: int) -> str:
    """An instant as text, to the second.

    Examples
    --------
    >>> instant_words(1_782_820_800_123_456)
    '2026-06-30 12:00:00 UTC'
    """
    return datetime.fromtimestamp(value // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _refuse_open_horizon(plan: Plan, path: str | Path, stated: bool) -> None:
    """A horizon that is nowhere declared can be chosen later; one that is declared twice is none."""
    if plan.horizon is None and not stated:
        raise UsageError(
            f"{path}: no horizon, so nothing is declared; write one, or state with --horizon-from-signals that every signal carries its own"
        )
    if plan.horizon is not None and stated:
        raise UsageError(
            f"{path}: horizon={plan.horizon!r}, so it does not come from the signals; leave --horizon-from-signals out"
        )


def _digest(freeze: Freeze) -> str:
    return hashlib.sha256(msgspec.json.encode(freeze.content, order="deterministic")).hexdigest()


def _clock() -> int:
    return int(datetime.now(UTC).timestamp() * 1_000_000)
