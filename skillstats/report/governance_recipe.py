"""How to compute an evaluation again: the commands, and the digests that must come out."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from skillstats.report.facts import Facts, text_of

NOT_WALKED: Final = (
    " This evaluation was made without the second engine and the past forecasts, as the demo and Python make it; the command adds both, so evaluation.json "
    "gets another digest, with the same estimates in it."
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the recipe: what to run, and what must come out."""

    words: str
    command: str
    digests: Facts


def recipe(data: Mapping[str, Any]) -> tuple[Step, ...]:
    """What to run to have the same result, and the digests that must come out."""
    identity, source = data["identity"], data["source"]
    plan, version = (("plan", text_of(data["plan"]["digest"])), ("version", text_of(identity["version"])))
    steps = [Step("Install the same version, and take the plan of this digest as PLAN.", "skillstats --version", (version, plan))]
    ledger = data["ledger"]
    if source["kind"] == "record":
        tables = tuple((f"table {k}", text_of(v)) for k, v in ledger["inputs"].items()) if ledger else ()
        made = (("ledger", text_of(source["ledger"])), *tables)
        steps.append(Step("Build the ledger from the record.", "skillstats ledger RECORD --plan PLAN --out ledger", made))
    known = (
        ("evidence", "evidence"),
        ("spec", "model"),
        ("components", "code of the components"),
        ("evaluation", "evaluation.json"),
    )
    digests = tuple((words, text_of(identity.get(k))) for k, words in known)
    restated = data["restatement"]
    digests += (("evaluation that is restated", text_of(restated["of"])),) if restated else ()
    steps.append(Step(f"Evaluate it.{'' if data['walked'] else NOT_WALKED}", evaluate_command(data), digests))
    steps.append(Step("Compare file by file.", "skillstats verify evaluation", ()))
    return tuple(steps)


def evaluate_command(data: Mapping[str, Any]) -> str:
    """The command that computes the evaluation again.

    A seed, number of draws and model set on the command line are set again; so are the questions that were answered beside the verdict, the number of
    desks simulated for the error rates, the freezes of the plan and the evaluation that is restated. Names in capitals are the reader's own files.
    """
    identity, given, blocks = data["identity"], data["plan"]["overrides"] or {}, data["blocks"]
    record = data["source"]["kind"] == "record"
    parts = ["skillstats", "evaluate", "ledger" if record else "OUTCOMES.csv", "--plan", "PLAN"]
    parts += ["--frozen", "FREEZES"] if (data["plan"]["frozen"] or {}).get("freezes") else []
    parts += ["--restates", "EARLIER"] if data["restatement"] else []
    parts += ["--restates-ledger", "EARLIER_LEDGER"] if data["restatement"] and data["restatement"]["rows"] else []
    parts += ["--minutes", "MINUTES"] if data["earlier"] else []
    parts += ["--out", "evaluation"]
    parts += [] if record else ["--columns", "COLUMNS"]
    parts += ["--operating", str(data["desks"])] if data["desks"] is not None else []
    parts += ["--model", str(given.get("model") or identity["spec_name"])]
    parts += ["--engine", str(identity.get("engine", "nuts")), "--seed", str(identity["seed"])]
    parts += ["--draws", str(given["draws"])] if given.get("draws") else []
    if record and blocks["made"] != blocks["of"]:
        parts += ["--only", ",".join(blocks["made"]) or "skill"]
    return shlex.join(parts)
