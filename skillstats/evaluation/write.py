"""Write an evaluation folder, all or nothing, and read it back.

`evaluation.json` holds everything; `skill.csv` and `skill.parquet` are its rows, `history.csv` its history by quarter, `posterior.nc` the draws, `manifest.json` the sha256
of each file. The page is rendered from the JSON alone.
"""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xarray as xr
from xarray import DataTree

from skillstats.errors import UsageError
from skillstats.evaluation.history import history_table
from skillstats.evaluation.result import SKILL_COLUMNS, Evaluation
from skillstats.inference.container import Fit
from skillstats.ledger.canonical import safe_csv
from skillstats.ledger.manifest import result_digest
from skillstats.ledger.write import replace_folder, staging_folder

TEXT: Final = ("trader", "regime", "status", "reasons")
COUNTS: Final = ("n", "days")


def skill_table(evaluation: Evaluation) -> pa.Table:
    """Rows of the evaluation with the columns of skill.csv; null where withheld."""
    kinds = {k: pa.string() for k in TEXT} | {k: pa.int64() for k in COUNTS}
    columns = {k: pa.array([row[k] for row in evaluation.rows], type=kinds.get(k, pa.float64())) for k in SKILL_COLUMNS}
    return pa.table(columns)


def evaluation_json(evaluation: Evaluation) -> bytes:
    """The evaluation as JSON; the same inputs and seed give the same bytes."""
    plain = {f.name: getattr(evaluation, f.name) for f in dataclasses.fields(evaluation)}
    if not plain["minutes"]:
        del plain["minutes"]  # leaves no trace where no minutes were given, so that files of before keep their digest
    return plain_json({"schema": plain.pop("schema"), **plain})


def evaluation_digest(evaluation: Evaluation) -> str:
    """sha256 of ``evaluation.json``, as the manifest of its folder states it."""
    return hashlib.sha256(evaluation_json(evaluation)).hexdigest()


def plain_json(content: Mapping[str, Any]) -> bytes:
    """Plain data as JSON that people can read, one key a line; numpy scalars as the numbers they hold."""
    return msgspec.json.format(msgspec.json.encode(content, enc_hook=_number), indent=1)


def _number(value: Any) -> Any:
    """A numpy scalar as the plain number it holds."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no place in an evaluation")


def without_withheld(fit: Fit, evaluation: Evaluation) -> Fit:
    """The fit with the draws of every withheld trader and trader x regime replaced by NaN: a withheld number exists in no output."""
    gone = {(r["trader"], r["regime"]) for r in evaluation.rows if r["status"] == "WITHHOLD"}
    posterior = fit.tree["posterior"].to_dataset()
    hidden = {}
    for name, values in posterior.data_vars.items():
        if "trader" not in values.dims:
            continue
        traders = [str(t) for t in values.coords["trader"].values]
        keep = np.array([(t, "all") not in gone for t in traders])
        mask = xr.DataArray(keep, dims="trader")
        if "regime" in values.dims:
            regimes = [str(r) for r in values.coords["regime"].values]
            cells = np.array([[(t, r) not in gone for r in regimes] for t in traders])
            mask = xr.DataArray(keep[:, None] & cells, dims=("trader", "regime"))
        hidden[name] = values.where(mask)
    tree = DataTree.from_dict({"posterior": posterior.assign(hidden), "sample_stats": fit.tree["sample_stats"].to_dataset()})
    return dataclasses.replace(fit, tree=tree)


def write_evaluation(
    evaluation: Evaluation,
    folder: str | Path,
    fit: Fit | None = None,
    inputs: Mapping[str, str] | None = None,
    tables: Mapping[str, pa.Table] | None = None,
) -> None:
    """Write skill.csv, skill.parquet, history.csv (where quarters exist), evaluation.json, the posterior of `fit`, further tables, and the manifest.

    Parameters
    ----------
    folder : replaced whole if this package wrote it before, refused if anybody else did
    inputs : digests of what the evaluation rests on (ledger, record tables, outcomes), for the manifest
    tables : further tables, name of the CSV file without its ending to table
    """
    target = Path(folder)
    build = staging_folder(target)
    try:
        table = skill_table(evaluation)
        (build / "skill.csv").write_bytes(safe_csv(table))
        pq.write_table(table, build / "skill.parquet", compression="zstd")
        (build / "evaluation.json").write_bytes(evaluation_json(evaluation))
        for name, further in (tables or {}).items():
            (build / f"{name}.csv").write_bytes(safe_csv(further))
        if evaluation.history.get("rows"):
            (build / "history.csv").write_bytes(safe_csv(history_table(evaluation.history)))
        if fit is not None and evaluation.status != "WITHHOLD":
            without_withheld(fit, evaluation).save(build / "posterior.nc")
        files = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(build.iterdir())}
        result = {
            "schema": 1,
            "files": files,
            "identity": dict(evaluation.identity),
            "plan": evaluation.plan["digest"],
            "inputs": dict(inputs or {}),
        }
        manifest = {"kind": "evaluation", "result": result, "result_digest": result_digest(result)}
        (build / "manifest.json").write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
        replace_folder(build, target)
    finally:
        shutil.rmtree(build, ignore_errors=True)


def read_evaluation(folder: str | Path) -> Evaluation:
    """Read the evaluation of a folder.

    Raises
    ------
    UsageError
        If the folder holds no evaluation.
    """
    path = Path(folder) / "evaluation.json"
    try:
        return evaluation_of(msgspec.json.decode(path.read_bytes()))
    except (OSError, msgspec.DecodeError, TypeError, KeyError) as error:
        raise UsageError(f"{folder} holds no evaluation ({error})") from None


def evaluation_of(content: Mapping[str, Any]) -> Evaluation:
    """The evaluation that `content`, read back from its JSON, describes."""
    tuples = {k: tuple(content[k]) for k in ("codes", "rows", "kpis", "caveats", "day_errors", "minutes") if k in content}
    return Evaluation(**{**content, **tuples})
