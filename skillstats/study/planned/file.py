"""Read a study file: everything that is wrong with it is told at once, with its place and what to do.

A key is converted on its own, so that one mistake hides no other; then the whole is checked for what a single key cannot say: names that
exist, worlds that can be simulated, estimators that can answer.
"""

from __future__ import annotations

import difflib
import hashlib
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, cast, get_type_hints

import msgspec

from skillstats.errors import UsageError, show
from skillstats.study.estimators.registry import CATALOGUE, WORDS
from skillstats.study.planned.metrics import METRICS
from skillstats.study.planned.structs import TABLES, DesignEntry, EstimatorEntry, Study, WorldEntry
from skillstats.study.planned.worlds import make_world

MOST_BYTES: Final = 65_536
AS_IS: Final = DesignEntry(name="as given")
"""The design of a study that names none."""


def read_study(source: str | Path | Study) -> Study:
    """Read and check a study.

    Parameters
    ----------
    source : TOML file of at most 64 kB, or a `Study`, which is checked like one

    Raises
    ------
    UsageError
        With every problem of the file, a line each: where, what was found, what is allowed.
    """
    content, place = _content(source)
    study, problems = _table(Study, content, "")
    if study is not None:
        problems = study_problems(study)
    if problems:
        raise UsageError("\n".join(f"{place}: {problem}" for problem in problems))
    return cast("Study", study)


def _content(source: str | Path | Study) -> tuple[dict[str, Any], str]:
    if isinstance(source, Study):
        return msgspec.to_builtins(source), "study"
    path = Path(source)
    try:
        data = path.read_bytes()
        if len(data) > MOST_BYTES:
            raise UsageError(f"{path}: {len(data)} bytes, a study file has at most {MOST_BYTES}")
        return tomllib.loads(data.decode("utf-8")), path.name
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read ({error}); give a TOML file in UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not TOML, {error}") from error


def _table(struct: type[Any], content: object, place: str) -> tuple[Any, list[str]]:
    """One table as its struct (None where it cannot be one), and everything wrong with its keys."""
    if not isinstance(content, dict):
        return None, [f"{place.rstrip('.') or 'study'} = {show(str(content))}, must be a table of keys"]
    fields = {f.name: f for f in msgspec.structs.fields(struct)}
    hints = get_type_hints(struct, include_extras=True)
    problems = [_unknown(place + key, key, fields) for key in content if key not in fields]
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name not in content:
            problems += [f"{place}{name} is missing; {_meaning(hints[name])}"] if field.required else []
        elif name in TABLES and not place:
            values[name], found = _tables(TABLES[name], content[name], name)
            problems += found
        else:
            try:
                values[name] = msgspec.convert(content[name], hints[name])
            except msgspec.ValidationError as error:
                problems.append(f"{place}{name} = {show(str(content[name]))}, {_rule(error)}; {_meaning(hints[name])}")
    return (None if problems else struct(**values)), problems


def _tables(struct: type[Any], content: object, name: str) -> tuple[tuple[Any, ...], list[str]]:
    """Several tables of one kind; a place is named by the table's own name where it has one."""
    if not isinstance(content, list):
        return (), [f"{name} must be tables, each headed [[{name}]]"]
    made, problems = [], []
    for at, item in enumerate(content, 1):
        own = str(item.get("name", at)) if isinstance(item, dict) else str(at)
        value, found = _table(struct, item, f"{name}[{own}].")
        made.append(value)
        problems += found
    return tuple(made), problems


def _unknown(place: str, key: str, fields: Iterable[str]) -> str:
    names = list(fields)
    near = difflib.get_close_matches(key, names, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"unknown key {show(place)}; {hint}allowed: {', '.join(names)}"


def _rule(error: msgspec.ValidationError) -> str:
    rule = str(error).partition(" - at `")[0]
    return rule[0].lower() + rule[1:]


def _meaning(hint: Any) -> str:
    return next((str(meta.description) for meta in getattr(hint, "__metadata__", ()) if meta.description), "see --schema")


def study_problems(study: Study) -> list[str]:
    """What single keys cannot say; every problem found."""
    problems = [f"{kind}: {why}" for kind in ("worlds", "designs", "estimators") for why in _names(getattr(study, kind), kind)]
    estimators = {e.name for e in study.estimators}
    designs = {d.name for d in study.designs}
    for e in study.estimators:
        problems += _estimator(e)
    for w in study.worlds:
        place = f"worlds[{w.name}]"
        problems += _listed(f"{place}.estimators", w.estimators, estimators)
        problems += _listed(f"{place}.nominal", w.nominal, estimators)
        problems += _listed(f"{place}.designs", w.designs, designs)
        problems += [p for d in designs_of(study, w) for p in make_world(study, w, d)[1]]
    problems += _listed("metrics", study.metrics, METRICS)
    problems += _listed("precision", [p.metric for p in study.precision], METRICS)
    problems += _listed("reference", [study.reference] if study.reference else [], estimators)
    return list(dict.fromkeys(problems))


def _names(entries: Sequence[Any], kind: str) -> list[str]:
    if kind != "designs" and not entries:
        return [f"there are none; add a table [[{kind}]]"]
    names = [e.name for e in entries]
    return [f"name {show(n)} stands twice; give each an own name" for n in dict.fromkeys(names) if names.count(n) > 1]


def _estimator(entry: EstimatorEntry) -> list[str]:
    place = f"estimators[{entry.name}]"
    problems = _listed(f"{place}.kind", [entry.word], WORDS)
    if entry.word == CATALOGUE:
        from skillstats.spec import list_specs, read_spec
        from skillstats.study.engines import covers

        problems += _listed(f"{place}.model", [entry.model], list_specs())
        if not problems and read_spec(entry.model).family != "outcomes":
            problems.append(
                f"{place}.model = {show(entry.model)} has no skill per decision of a trader; give a model of outcomes"
            )
        elif not problems and entry.engine == "gibbs" and not covers(read_spec(entry.model)):
            problems.append(f'{place}.engine = "gibbs" does not cover {entry.model}; give engine = "nuts"')
    return problems


def _listed(place: str, names: Iterable[str], allowed: Iterable[str]) -> list[str]:
    known = list(allowed)
    found = []
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            found.append(f"{place} names {show(name)}, which does not exist; {hint}allowed: {', '.join(known) or 'none'}")
    return found


def designs_of(study: Study, entry: WorldEntry) -> tuple[DesignEntry, ...]:
    """Designs a world is run in."""
    chosen = tuple(d for d in study.designs if not entry.designs or d.name in entry.designs)
    return chosen or (AS_IS,)


def estimators_of(study: Study, entry: WorldEntry) -> tuple[EstimatorEntry, ...]:
    """Estimators that answer in a world, in the order of the file."""
    return tuple(e for e in study.estimators if not entry.estimators or e.name in entry.estimators)


def study_digest(study: Study) -> str:
    """sha256 of everything the file says, defaults included, in canonical JSON."""
    return hashlib.sha256(msgspec.json.encode(study, order="deterministic")).hexdigest()
