"""Names replaced by pseudonyms, and the key that turns them back.

A name is replaced wherever it stands by itself, that is not inside a longer word. A name without a letter (``001``) cannot be told from a number in a
sentence, so a sentence that holds it is left out whole. A name that is also a word of the files' own language (``all``, ``FLAG``, a regime) is refused.

Pseudonyms are drawn at random, because names in the order of the alphabet would give themselves away to whoever knows who is on the desk. Where a result
has to come out to the last digit the order must stay (`keep_order`): a sampler draws for the traders in their order.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from skillstats.errors import UsageError, show

Kind = Literal["traders", "desks", "models", "signals"]
STEM: Final[Mapping[Kind, str]] = {"traders": "trader", "desks": "desk", "models": "model", "signals": "id"}
LEFT_OUT: Final = "(left out: it may name somebody)"
KEY: Final = "skillstats pseudonyms"
WHOLE: Final = re.compile(r"[^\s,;:()\[\]'\"=]+")
"""Words of a text, as far as ids are concerned."""
BY_ESTIMATE: Final = frozenset({"members", "statements", "actions", "policies", "fdr"})
"""Lists whose order is a result."""


class _Key(msgspec.Struct, forbid_unknown_fields=True):
    kind: str
    names: dict[str, dict[str, str]]


@dataclass(frozen=True)
class Names:
    """Original to pseudonym, by kind."""

    by_kind: Mapping[str, Mapping[str, str]]

    @cached_property
    def all(self) -> dict[str, str]:
        """Every original with its pseudonym; a name of two kinds has that of the first."""
        return {old: new for part in reversed(list(self.by_kind.values())) for old, new in part.items()}

    def of(self, kind: Kind) -> Mapping[str, str]:
        """Names of one kind; empty where it is not replaced."""
        return self.by_kind.get(kind, {})

    @cached_property
    def _few(self) -> set[str]:
        """Names that are looked for within words that hyphens and the like join; ids are many and are looked for as whole words."""
        return {n for kind, part in self.by_kind.items() if kind != "signals" for n in part}

    @cached_property
    def _words(self) -> re.Pattern[str] | None:
        return _alternatives(n for n in self._few if any(c.isalpha() for c in n))

    @cached_property
    def _numbers(self) -> re.Pattern[str] | None:
        return _alternatives(n for n in self._few if not any(c.isalpha() for c in n))

    def found_in(self, text: str) -> bool:
        """Whether an original stands in a text."""
        if text in self.all or any(p is not None and p.search(text) is not None for p in (self._words, self._numbers)):
            return True
        ids = self.of("signals")
        return bool(ids) and any(m.group().rstrip(".") in ids for m in WHOLE.finditer(text))

    def text(self, text: str) -> str:
        """A text with every original replaced, or left out where that cannot be done safely.

        Examples
        --------
        >>> Names({"traders": {"Ann": "trader-1", "7": "trader-2"}}).text("Ann is above Annabel")
        'trader-1 is above Annabel'
        >>> Names({"traders": {"Ann": "trader-1", "7": "trader-2"}}).text("7 of 8")
        '(left out: it may name somebody)'
        """
        if text in self.all:
            return self.all[text]
        if self._numbers is not None and self._numbers.search(text):
            return LEFT_OUT
        text = text if self._words is None else self._words.sub(lambda m: self.all[m.group()], text)
        ids = self.of("signals")
        return WHOLE.sub(lambda m: ids.get(m.group(), m.group()), text) if ids else text

    def value(self, value: Any, key: str = "") -> Any:
        """JSON-ready data with every original replaced, in keys too; what stood in the order of the names stands in that of the pseudonyms.

        key : under which the data stand; a list of `BY_ESTIMATE` keeps its order
        """
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            new = {self.text(str(k)): self.value(v, str(k)) for k, v in value.items()}
            return dict(sorted(new.items())) if value and all(k in self.all for k in value) else new
        if isinstance(value, list | tuple):
            new_list = [self.value(v, key) for v in value]
            return new_list if key in BY_ESTIMATE else in_runs(new_list, [_who(v) for v in value], [_who(v) for v in new_list])
        return value


def _who(value: Any) -> str:
    """Whom a member of a list is about, empty where it is about nobody."""
    found = value.get("trader") if isinstance(value, Mapping) else value
    return found if isinstance(found, str) else ""


def in_runs(items: list[Any], old: list[str], new: list[str]) -> list[Any]:
    """Items whose old names ascend, in runs, with each run in the order of the new names.

    Examples
    --------
    >>> in_runs([1, 2, 3, 4], ["a", "b", "a", "b"], ["z", "y", "z", "y"])
    [2, 1, 4, 3]
    """
    ordered: list[Any] = []
    start = 0
    for stop in range(1, len(items) + 1):
        if stop == len(items) or old[stop] < old[stop - 1]:
            ordered += [items[k] for k in sorted(range(start, stop), key=lambda k: new[k])]
            start = stop
    return ordered


def _alternatives(names: Iterable[str]) -> re.Pattern[str] | None:
    """Any of some names, the longest first, not inside a longer word."""
    ordered = sorted(names, key=lambda n: (-len(n), n))
    if not ordered:
        return None
    return re.compile(r"(?<![^\W_])(?:" + "|".join(map(re.escape, ordered)) + r")(?![^\W_])")


def make_names(
    found: Mapping[Kind, Iterable[str]], known: Mapping[str, Mapping[str, str]], *, keep_order: bool, seed: int | None
) -> Names:
    """Pseudonyms for the names of each kind; those of an earlier key are kept.

    Parameters
    ----------
    found : names by kind; known : of an earlier key
    keep_order : pseudonyms ascend as the names do, which gives the names away to whoever knows them all
    seed : for the random order; None draws it from the system
    """
    draw: random.Random = random.SystemRandom() if seed is None else random.Random(seed)  # noqa: S311  the system's where it counts
    by_kind: dict[str, dict[str, str]] = {}
    for kind, names in found.items():
        old = dict(known.get(kind, {}))
        fresh = sorted(set(names) - set(old))
        if keep_order and old and fresh:
            raise UsageError(
                f"key: it knows other {kind} than this evaluation, so their order cannot be kept; name another key file"
            )
        places = list(range(len(old) + 1, len(old) + len(fresh) + 1))
        if not keep_order:
            draw.shuffle(places)
        width = max(2, len(str(len(old) + len(fresh))))
        by_kind[kind] = old | {n: f"{STEM[kind]}-{k:0{width}d}" for n, k in zip(fresh, places, strict=True)}
    taken = {new for part in by_kind.values() for new in part.values()} & {n for part in by_kind.values() for n in part}
    if taken:
        raise UsageError(f"names {listed_names(taken)} look like pseudonyms already; export the original")
    return Names(by_kind)


def listed_names(names: Iterable[str]) -> str:
    """A few names in a message."""
    ordered = sorted(names)
    return ", ".join(show(n) for n in ordered[:5]) + (f" and {len(ordered) - 5} more" if len(ordered) > 5 else "")


def read_key(path: Path) -> dict[str, dict[str, str]]:
    """Names of a key file, nothing where there is none.

    Raises
    ------
    UsageError
        If the file is something else.
    """
    if not path.exists():
        return {}
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_Key)
    except (OSError, msgspec.DecodeError):
        raise UsageError(f"key {path}: exists and is not a key of pseudonyms; name another file") from None
    if found.kind != KEY:
        raise UsageError(f"key {path}: exists and is not a key of pseudonyms; name another file")
    return found.names


def write_key(path: Path, names: Names) -> None:
    """Write the key for its owner alone (mode 0600); an older one stays whole until the new one is."""
    fresh = path.with_name(f".{path.name}.tmp")
    fresh.unlink(missing_ok=True)
    try:
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb") as file:
            plain = _Key(KEY, {k: dict(v) for k, v in names.by_kind.items()})
            file.write(msgspec.json.format(msgspec.json.encode(plain), indent=1) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise UsageError(f"key {path}: cannot be written ({error.strerror}); name a file in an existing folder") from None
