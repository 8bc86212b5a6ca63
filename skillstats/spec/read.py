"""Find, read and validate specifications. All problems of a file are reported together."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

import msgspec

from skillstats.errors import UsageError, show
from skillstats.spec.check import spec_problems
from skillstats.spec.model import ModelSpec
from skillstats.spec.vocabulary import WORDS

MAX_SPEC_BYTES: Final = 65_536


def models_folder() -> Path:
    """Folder of the shipped specifications: ``models/`` of a source checkout, else ``_models/`` of the installed package."""
    checkout = Path(__file__).parents[2] / "models"
    return checkout if (checkout / "DIGESTS").is_file() else Path(__file__).parents[1] / "_models"


def list_specs() -> tuple[str, ...]:
    """Names of the shipped specifications, sorted."""
    return tuple(sorted(path.stem for path in models_folder().glob("*.toml")))


def read_spec(name: str | Path) -> ModelSpec:
    """Read and validate a specification.

    Parameters
    ----------
    name : name of a shipped specification, or the path of a TOML file (anything with a suffix or a folder is a path)

    Returns
    -------
    ModelSpec

    Raises
    ------
    UsageError
        If there is no such name or file, it exceeds 64 kB, is not TOML, holds an unknown key or word, or lacks a prior.

    Examples
    --------
    >>> read_spec("crossed_total").skill.terms
    ('trader', 'regime', 'trader:regime', 'action')
    """
    text = str(name)
    shipped = Path(text).suffix == "" and Path(text).name == text
    if shipped and text not in list_specs():
        raise UsageError(f"model {show(text)}, no such name; shipped: {', '.join(list_specs())}; or give the path of a TOML file")
    path = models_folder() / f"{text}.toml" if shipped else Path(text)
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_SPEC_BYTES + 1)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"model {show(text)}: cannot be read ({getattr(error, 'strerror', None) or error}); give a name or a path"
        ) from None
    return parse_spec(raw, source=path.name)


def parse_spec(raw: bytes, source: str = "model") -> ModelSpec:
    """Read a specification from bytes; see `read_spec`."""
    if len(raw) > MAX_SPEC_BYTES:
        raise UsageError(f"{source}: more than {MAX_SPEC_BYTES} bytes; this is not a model specification")
    try:
        table = tomllib.loads(raw.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{source}: not a TOML file ({error})") from None
    try:
        spec = msgspec.convert(table, ModelSpec, strict=True)
    except msgspec.ValidationError as error:
        raise UsageError(f"{source}: {error}; the keys are listed in models/README.md") from None
    problems = spec_problems(spec)
    if problems:
        raise UsageError("\n".join(f"{source}: {problem}" for problem in problems))
    return _in_order(spec)


def _in_order(spec: ModelSpec) -> ModelSpec:
    """The same specification with its words in the order of the vocabulary, so that order carries no meaning."""
    skill = msgspec.structs.replace(
        spec.skill,
        terms=tuple(w for w in WORDS["skill.terms"] if w in spec.skill.terms),
        slopes=tuple(w for w in WORDS["skill.slopes"] if w in spec.skill.slopes),
    )
    luck = msgspec.structs.replace(
        spec.luck,
        shocks=tuple(w for w in WORDS["luck.shocks"] if w in spec.luck.shocks),
        volatility_by=tuple(w for w in WORDS["luck.volatility_by"] if w in spec.luck.volatility_by),
    )
    return msgspec.structs.replace(spec, skill=skill, luck=luck)
