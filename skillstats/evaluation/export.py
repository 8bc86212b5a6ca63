"""What an outside reviewer needs to check an evaluation, with pseudonyms in place of names and without free text.

The numbers are those of the original. What was replaced or left out, and the digests of the originals, stand in ``export.json``. The key that turns
pseudonyms back is written elsewhere, for its owner alone. At the end every file is searched for the names; where one still stands, nothing is exported.
"""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import numpy as np
import pyarrow.parquet as pq

from skillstats.errors import UsageError
from skillstats.evaluation.export_ledger import coarse_tables, names_of, renamed_ledger, replace_plan
from skillstats.evaluation.export_search import files_with_names
from skillstats.evaluation.export_words import readme
from skillstats.evaluation.minutes import read_minutes
from skillstats.evaluation.pseudonyms import Kind, Names, listed_names, make_names, read_key, write_key
from skillstats.evaluation.result import Evaluation
from skillstats.evaluation.write import plain_json, read_evaluation, write_evaluation
from skillstats.evidence import to_evidence
from skillstats.evidence.store import write_evidence
from skillstats.ledger.canonical import safe_csv
from skillstats.ledger.containers import Ledger
from skillstats.ledger.write import read_ledger, staging_folder
from skillstats.plan import Plan

ALSO: Final[tuple[Kind, ...]] = ("desks", "models", "signals")
Times = Literal["exact", "sessions"]


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """How to export.

    also : kinds of names to replace beside the traders'; times : ``exact``, or ``sessions`` for the date of the desk session alone
    keep_order : pseudonyms ascend as the names do, so that a new fit gives the same numbers to the last digit; who knows all names then knows whose is whose
    seed : of the random order of pseudonyms; None draws it from the system
    """

    also: tuple[Kind, ...] = ()
    times: Times = "exact"
    keep_order: bool = False
    seed: int | None = None


def export_evaluation(
    evaluation: str | Path, out: str | Path, *, key: str | Path, ledger: str | Path | None = None, wanted: Wanted | None = None
) -> dict[str, Any]:
    """Write an evaluation, its evidence and its ledger for somebody outside, under pseudonyms.

    Parameters
    ----------
    evaluation : folder of the evaluation
    out : new folder
    key : file for the pseudonyms, outside of every folder named here; an existing key is used again and grows
    ledger : folder of the ledger the evaluation rests on; without it neither ledger nor evidence is exported
    wanted : see `Wanted`

    Returns
    -------
    dict, the content of ``export.json``

    Raises
    ------
    UsageError
        If something stands in the way; nothing is written then.
    """
    wanted, folder, target, key = wanted or Wanted(), Path(evaluation), Path(out), Path(key)
    _refuse_places(folder, target, key, None if ledger is None else Path(ledger), wanted)
    found, about = read_evaluation(folder), _manifest(folder)
    books = None if ledger is None else _ledger(Path(ledger), found)
    names = _names(found, books, read_key(key), wanted)
    build = staging_folder(target)
    try:
        _write_evaluation(folder, found, names, about, build)
        if books is not None:
            _write_ledger(books, found, names, build, wanted.times)
        told = _told(about, found, books, names, wanted)
        told["files"] = {str(p.relative_to(build)): _sha256(p) for p in sorted(build.rglob("*")) if p.is_file()}
        (build / "export.json").write_bytes(plain_json(told))
        (build / "README.txt").write_text(readme(told), encoding="utf-8")
        left = files_with_names(build, names)
        if left:
            raise UsageError(
                f"export: a name still stands in {', '.join(left[:5])}; nothing was written. Rename in the record what holds it"
            )
        write_key(key, names)
        build.rename(target)
    finally:
        shutil.rmtree(build, ignore_errors=True)
    return told


def _refuse_places(folder: Path, target: Path, key: Path, ledger: Path | None, wanted: Wanted) -> None:
    """Where nothing may be written, and what cannot be asked for."""
    said = []
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        said.append(f"export {target}: exists; name a new folder")
    inside = [str(p) for p in (folder, target, ledger) if p is not None and key.resolve().is_relative_to(p.resolve())]
    if inside:
        said.append(f"key {key}: lies in {inside[0]}; keep it apart from what it protects")
    if not key.parent.is_dir():
        said.append(f"key {key}: {key.parent} is not a folder; name a file in an existing one")
    unknown = [k for k in wanted.also if k not in ALSO]
    if unknown:
        said.append(f"also={unknown[0]!r}, must be one of {', '.join(ALSO)}")
    if wanted.times not in ("exact", "sessions"):
        said.append(f"times={wanted.times!r}, must be exact or sessions")
    if ledger is None and (wanted.also or wanted.times != "exact"):
        said.append("also and times are about the ledger; name it too")
    if said:
        raise UsageError("\n".join(said))
    if target.exists():
        target.rmdir()


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = msgspec.json.decode((folder / "manifest.json").read_bytes())
        manifest["result"]["files"]["evaluation.json"]
    except (OSError, msgspec.DecodeError, KeyError, TypeError):
        raise UsageError(f"{folder}: its manifest cannot be read; run skillstats verify on it") from None
    if _sha256(folder / "evaluation.json") != manifest["result"]["files"]["evaluation.json"]:
        raise UsageError(f"{folder}: evaluation.json was changed since it was written; run skillstats verify on it")
    return manifest


def _ledger(folder: Path, found: Evaluation) -> Ledger:
    """The ledger, which must be the one the evaluation rests on."""
    ledger = read_ledger(folder)
    if ledger.digest != found.source.get("ledger"):
        stated = str(found.source.get("ledger") or "none")[:12]
        raise UsageError(
            f"ledger {folder}: digest {ledger.digest[:12]}, but the evaluation rests on {stated}; name the ledger it was made from"
        )
    return ledger


def _names(found: Evaluation, ledger: Ledger | None, known: Mapping[str, Mapping[str, str]], wanted: Wanted) -> Names:
    """Pseudonyms for everything that is to be replaced."""
    kinds: dict[Kind, set[str]] = {"traders": {str(r["trader"]) for r in found.rows}}
    inside = {} if ledger is None else names_of(ledger)
    kinds["traders"] |= inside.pop("traders", set())
    people = Names({"traders": dict.fromkeys(kinds["traders"], "")})
    for kind, own in inside.items():
        # an id that holds a person's name is replaced, asked for or not
        if kind in wanted.also or any(people.found_in(n) for n in own):
            kinds[kind] = own
    spoken = {n for own in kinds.values() for n in own} & _language(found, ledger)
    if spoken:
        raise UsageError(
            f"names {listed_names(spoken)} are also words of the files themselves; rename them in the record, then export"
        )
    return make_names(kinds, known, keep_order=wanted.keep_order, seed=wanted.seed)


def _language(found: Evaluation, ledger: Ledger | None) -> set[str]:
    """Words that files need: keys, statuses, labels of regimes, actions and assets."""
    words = {
        "all",
        "REPORT",
        "FLAG",
        "WITHHOLD",
        "record",
        "outcomes",
        "keep",
        "revoke",
        "CLOSED",
        "OPEN",
        "BUY",
        "SELL",
        "desk",
    } - set(names_of(ledger)["desks"] if ledger is not None else ())
    words |= _keys({f.name: getattr(found, f.name) for f in dataclasses.fields(found)}) | {str(r["regime"]) for r in found.rows}
    if ledger is not None:
        for column in ("action", "asset", "signal_type"):
            words |= {v for v in ledger.rows[column].unique().to_pylist() if v}
    return words


def _keys(value: Any) -> set[str]:
    """Every key below a value."""
    if isinstance(value, Mapping):
        return {str(k) for k in value} | {k for v in value.values() for k in _keys(v)}
    return {k for v in value for k in _keys(v)} if isinstance(value, list | tuple) else set()


def _write_evaluation(folder: Path, found: Evaluation, names: Names, about: Mapping[str, Any], build: Path) -> None:
    """The evaluation with its tables and manifest, the posterior and the decisions."""
    write_evaluation(renamed_evaluation(found, names), build / "evaluation", None, about["result"].get("inputs"))
    if (folder / "posterior.nc").exists():
        _write_posterior(folder / "posterior.nc", names, build / "posterior.nc")
    own = read_minutes(folder)
    if own:
        (build / "minutes.json").write_bytes(msgspec.json.format(msgspec.json.encode(_without_texts(own, names)), indent=1))


def renamed_evaluation(found: Evaluation, names: Names) -> Evaluation:
    """The evaluation under pseudonyms, without the plan's name and without the reasons of decisions; every number as it is."""
    plain = {f.name: getattr(found, f.name) for f in dataclasses.fields(found)}
    plan = dict(plain["plan"]) | {"name": ""}
    if plan.get("text"):
        complete = replace_plan(msgspec.json.decode(plan["text"], type=Plan), names)
        plan["text"] = msgspec.json.encode(msgspec.to_builtins(complete), order="deterministic").decode()
    new = names.value({k: v for k, v in plain.items() if k != "minutes"} | {"plan": plan | {"text": None}})
    new["plan"]["text"] = plan.get("text")
    lists = {k: tuple(new[k]) for k in ("codes", "rows", "kpis", "caveats", "day_errors")}
    return Evaluation(**{**new, **lists, "minutes": tuple(_without_texts(found.minutes, names))})


def _without_texts(decided: Iterable[Mapping[str, Any]], names: Names) -> list[Any]:
    """Decisions without their reasons and without who decided."""
    return [names.value({**d, "why": "", "by": ""}) for d in decided]


def _write_posterior(source: Path, names: Names, target: Path) -> None:
    """The draws, with traders under pseudonyms and in their order."""
    import xarray as xr

    with xr.open_datatree(source, engine="h5netcdf") as tree:
        made = {}
        for node in tree.subtree:
            data = node.to_dataset().load()
            for dim in [str(d) for d in data.coords if data[d].dtype.kind in "OUS"]:
                labels = np.array([names.text(str(v)) for v in data[dim].values.ravel()], dtype=object).reshape(data[dim].shape)
                data = data.assign_coords({dim: (data[dim].dims, labels)})
            made[node.path] = data.sortby("trader") if "trader" in data.dims else data
        new = xr.DataTree.from_dict(made)
        new.attrs = {k: names.text(v) if isinstance(v, str) else v for k, v in tree.attrs.items()}
        new.to_netcdf(target, engine="h5netcdf")


def _write_ledger(ledger: Ledger, found: Evaluation, names: Names, build: Path, times: Times) -> None:
    """The evidence, and the ledger with its instants or with its sessions."""
    declared = msgspec.json.decode(found.plan["text"], type=Plan)
    renamed = renamed_ledger(ledger, names)
    evidence = to_evidence(dataclasses.replace(renamed, plan=replace_plan(declared, names)))
    (build / "evidence").mkdir()
    write_evidence(evidence, replace_plan(declared, names), build / "evidence")
    if times == "exact":
        renamed.write(build / "ledger")
        return
    (build / "ledger").mkdir()
    for name, table in coarse_tables(renamed).items():
        if name in ("kpis", "decay_kpis", "quarantine", "drops"):
            (build / "ledger" / f"{name}.csv").write_bytes(safe_csv(table))
        else:
            pq.write_table(table, build / "ledger" / f"{name}.parquet", compression="zstd")


def _told(about: Mapping[str, Any], found: Evaluation, ledger: Ledger | None, names: Names, wanted: Wanted) -> dict[str, Any]:
    """What ``export.json`` says, but for the files."""
    originals = {
        "evaluation": about["result_digest"],
        "evaluation.json": about["result"]["files"]["evaluation.json"],
        "plan": found.plan["digest"],
        "evidence": found.identity["evidence"],
        "ledger": found.source.get("ledger"),
        "ledger_outputs": {} if ledger is None else dict(ledger.result["outputs"]),
        "inputs": {} if ledger is None else dict(ledger.result["inputs"]),
    }
    identity = {k: found.identity.get(k) for k in ("spec_name", "spec", "version", "components", "engine", "seed")}
    draws = (found.plan.get("overrides") or {}).get("draws")
    return {
        "kind": "export",
        "schema": 1,
        "originals": originals,
        "identity": identity | {"draws": draws},
        "pseudonyms": {kind: len(part) for kind, part in names.by_kind.items()},
        "order": "kept" if wanted.keep_order else "random",
        "times": wanted.times if ledger is not None else None,
        "left_out": list(_left_out(ledger)),
    }


def _left_out(ledger: Ledger | None) -> Sequence[str]:
    """What the export does not hold."""
    always = ("name of the plan", "reasons of decisions and who decided", "reasons of actions")
    return always + (
        () if ledger is None else ("messages and raw text of rows set aside", "digests of the files as they were handed in")
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
