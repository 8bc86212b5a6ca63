"""Every key of a world file with type, default and meaning, made from the structs that read it."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from skillstats.simulate.world import TABLES, World


class WorldKey(NamedTuple):
    """One key of a world file."""

    key: str
    type: str
    default: str
    meaning: str


def describe_world() -> tuple[WorldKey, ...]:
    """Every key of a world with type, default and meaning, made from the struct that reads it.

    Examples
    --------
    >>> describe_world()[0]
    WorldKey(key='traders', type='int', default='8', meaning='number of traders, named T1, T2, ...')
    """
    rows = _describe(World, "")
    return tuple(rows + [row for key, struct in TABLES.items() for row in _describe(struct, f"{key}.")])


def world_schema() -> dict[str, Any]:
    """JSON schema (2020-12) of a world file, from the same struct."""
    return msgspec.json.schema(World)


def _describe(struct: type[msgspec.Struct], prefix: str) -> list[WorldKey]:
    """Listing of one struct."""
    hints = get_type_hints(struct, include_extras=True)
    return [
        WorldKey(prefix + field.name, _type_text(hints[field.name]), _default_text(field), _meaning(hints[field.name]))
        for field in msgspec.structs.fields(struct)
    ]


def _type_text(hint: Any) -> str:
    """A type as a reader of TOML would name it."""
    if get_origin(hint) is Annotated:
        return _type_text(get_args(hint)[0])
    if get_origin(hint) is tuple:
        return f"list of {_type_text(get_args(hint)[0])}"
    if get_origin(hint) is Literal:
        return " or ".join(f'"{word}"' for word in get_args(hint))
    if get_args(hint):
        return " or ".join(_type_text(part) for part in get_args(hint))
    name = str(hint.__name__)
    kinds = {struct.__name__: "tables" if key == "regimes" else "table" for key, struct in TABLES.items()}
    return {**kinds, "str": "text"}.get(name, name)


def _default_text(field: msgspec.structs.FieldInfo) -> str:
    """A default as it stands in TOML; empty where the key is required."""
    default = field.default
    if default is msgspec.NODEFAULT:
        return ""
    if isinstance(default, dt.date):
        return default.isoformat()
    return msgspec.json.encode(default).decode()


def _meaning(hint: Any) -> str:
    """The description next to the type."""
    return next(str(meta.description) for meta in get_args(hint)[1:] if isinstance(meta, Meta))
