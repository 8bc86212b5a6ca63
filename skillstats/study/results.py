"""What a calibration leaves behind: tidy Parquet, JSON with the digests it belongs to, a page of tables and pictures.

Evidence belongs to a model's mathematics (`fingerprint`), not to a version of the package: it is stale as soon as the specification, the
density or the Gibbs draws change, and fresh through any change that leaves them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from skillstats.components.registry import components_digest
from skillstats.spec.model import ModelSpec
from skillstats.study.fingerprint import fingerprint
from skillstats.study.sbc import Verdict, defects
from skillstats.units import package_version

SCHEMA: Final = 1
DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class Calibration:
    """Simulation-based calibration of one model.

    verdicts, again : by design, first run and rerun after an alarm (None where there was none)
    form : ``release`` or ``small``; seed : root of the first run; rows : every rank, columns of `replicate.COLUMNS`
    """

    spec: ModelSpec
    engine: str
    form: str
    seed: int
    verdicts: Mapping[str, Verdict]
    again: Mapping[str, Verdict]
    rows: pd.DataFrame

    @property
    def defects(self) -> dict[str, tuple[str, ...]]:
        """Quantities with two alarms, by design; designs without any are left out."""
        found = {name: defects(v, self.again.get(name)) for name, v in self.verdicts.items()}
        return {name: d for name, d in found.items() if d}

    def evidence(self) -> dict[str, Any]:
        """JSON-ready evidence of the model's page."""
        return {
            "schema": SCHEMA,
            "model": self.spec.name,
            "spec": self.spec.digest,
            "mathematics": fingerprint(self.spec, self.engine),
            "components": components_digest(),
            "version": package_version(),
            "engine": self.engine,
            "form": self.form,
            "seed": self.seed,
            "designs": {name: _plain(v, self.again.get(name)) for name, v in self.verdicts.items()},
            "defects": {name: list(d) for name, d in self.defects.items()},
        }


def _plain(verdict: Verdict, again: Verdict | None) -> dict[str, Any]:
    records = [
        {str(k): round(v, DIGITS) if isinstance(v, float) else v for k, v in row.items()}
        for row in verdict.table.to_dict(orient="records")
    ]
    plain: dict[str, Any] = {
        "replications": verdict.replications,
        "failed": round(verdict.failed, DIGITS),
        "alarms": list(verdict.alarms),
        "quantities": records,
    }
    if again is not None:
        plain["rerun"] = {"replications": again.replications, "failed": round(again.failed, DIGITS), "alarms": list(again.alarms)}
    return plain


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """JSON with sorted keys and a final line end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, sort_keys=True, indent=1) + "\n", encoding="utf-8", newline="\n")


def stale(evidence: Mapping[str, Any], spec: ModelSpec) -> str:
    """Why evidence does not belong to the model as it is now; '' where it does.

    Parameters
    ----------
    evidence : contents of one evidence file
    spec : the shipped specification of that name
    """
    if evidence.get("schema") != SCHEMA:
        return f"schema {evidence.get('schema')!r}, must be {SCHEMA}"
    if evidence["spec"] != spec.digest:
        return "the specification has changed since it was calibrated"
    if evidence["mathematics"] != fingerprint(spec, evidence["engine"]):
        return f"the density or the draws of engine {evidence['engine']} have changed since it was calibrated"
    return ""


def markdown(evidence: Mapping[str, Any]) -> str:
    """Tables of one evidence file: one line a design, then one line a quantity over all designs."""
    designs: Mapping[str, Any] = evidence["designs"]
    lines = [
        f"Simulation-based calibration of `{evidence['model']}`, {evidence['form']} form, engine `{evidence['engine']}`, seed "
        f"{evidence['seed']}, version {evidence['version']}; model digest `{evidence['mathematics'][:12]}`, specification "
        f"`{evidence['spec'][:12]}`.",
        "",
        "| design | replications | failed | alarms | after a rerun | smallest p |",
        "|---|---|---|---|---|---|",
    ]
    for name, d in designs.items():
        again = ", ".join(evidence["defects"].get(name, ())) or ("none" if "rerun" in d else "-")
        alarms = ", ".join(d["alarms"]) or "none"
        smallest = min((q["p_value"] for q in d["quantities"]), default=float("nan"))
        lines.append(f"| {name} | {d['replications']} | {d['failed']:.1%} | {alarms} | {again} | {smallest:.4f} |")
    lines += ["", "Share of 90% equal-tailed intervals that hold the truth, and z-scores (mean, sd), by quantity:", ""]
    lines += ["| quantity | " + " | ".join(designs) + " |", "|---|" + "---|" * len(designs)]
    names = list(dict.fromkeys(q["quantity"] for d in designs.values() for q in d["quantities"]))
    for name in names:
        cells = [next((q for q in d["quantities"] if q["quantity"] == name), None) for d in designs.values()]
        texts = ["-" if c is None else f"{c['coverage_90']:.3f} ({c['mean_z']:+.2f}, {c['sd_z']:.2f})" for c in cells]
        lines.append(f"| {name} | " + " | ".join(texts) + " |")
    return "\n".join(lines) + "\n"


def frame_markdown(frame: pd.DataFrame) -> str:
    """A table of results as Markdown; numbers to three digits."""
    head = [str(c) for c in frame.columns]
    rows = [[f"{v:.3f}" if isinstance(v, float) else str(v) for v in row] for row in frame.itertuples(index=False)]
    return (
        "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *("| " + " | ".join(r) + " |" for r in rows)]) + "\n"
    )
