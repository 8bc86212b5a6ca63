"""Every key of a study file, every estimator and every metric, from the structs and registries that read them."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from skillstats.study.estimators.registry import CATALOGUE, CONJUGATE, RIVALS
from skillstats.study.planned.metrics import METRICS
from skillstats.study.planned.structs import TABLES, Study


def study_schema() -> dict[str, Any]:
    """JSON schema (2020-12) of a study file, from the same structs."""
    return msgspec.json.schema(Study)


def schema_text() -> str:
    """The listing as text.

    Examples
    --------
    >>> print(schema_text().splitlines()[0])
    schema (1, default 1)
    """
    lines = _keys(Study, "")
    for name, struct in TABLES.items():
        lines += _keys(struct, f"{name}.")
    lines += ["", "keys of a world or design: skillstats simulate --schema", "", "estimators (kind)"]
    lines += [f"    {word:16} {entry.title}" for word, entry in RIVALS.items()]
    lines += [
        f"    {CONJUGATE:16} one trader alone, Normal(0, prior_sd) per decision",
        f"    {CATALOGUE:16} a shipped model by gibbs or nuts",
    ]
    lines += ["", "metrics", *(f"    {word:16} {metric.title}" for word, metric in METRICS.items())]
    return "\n".join(lines)


def _keys(struct: type[msgspec.Struct], prefix: str) -> list[str]:
    hints = get_type_hints(struct, include_extras=True)
    found = []
    for field in msgspec.structs.fields(struct):
        hint = hints[field.name]
        default = "required" if field.required else f"default {_default(field)}"
        meaning = next((str(m.description) for m in getattr(hint, "__metadata__", ()) if m.description), "")
        found.append(f"{prefix}{field.name} ({_type(hint)}, {default})\n    {meaning}")
    return found


def _default(field: msgspec.structs.FieldInfo) -> str:
    value = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    return msgspec.json.encode(value).decode()


def _type(hint: Any) -> str:
    """A type as a reader of TOML would name it."""
    if hasattr(hint, "__metadata__"):
        return _type(get_args(hint)[0])
    origin, inner = get_origin(hint), get_args(hint)
    if origin is tuple:
        return "tables" if isinstance(inner[0], type) and issubclass(inner[0], msgspec.Struct) else f"list of {_type(inner[0])}"
    if origin is dict:
        return "table"
    if origin is Literal:
        return " or ".join(f'"{w}"' if isinstance(w, str) else str(w) for w in inner)
    if inner:
        return " or ".join(_type(part) for part in inner if part is not type(None))
    return {"str": "text"}.get(hint.__name__, str(hint.__name__))
