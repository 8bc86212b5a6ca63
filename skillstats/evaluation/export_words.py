"""The page that goes with an export: what is in it and how to compute it again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any, Final

HEAD: Final = """An evaluation for outside review
================================

Names are pseudonyms; the key stays with whoever exported this. Every number is that of the original.

evaluation/    the result: evaluation.json, skill.csv, skill.parquet; check it with: skillstats verify evaluation
posterior.nc   the draws behind it, where the fit was not withheld
minutes.json   what was decided on it, without the reasons, where anything was
"""
WITH_LEDGER: Final = """evidence/      what the model was fitted to, one row a decision and session, without any time of day
"""
EXACT: Final = """ledger/        the ledger, row by row; check it with: skillstats verify ledger
"""
COARSE: Final = """ledger/        the tables of the ledger; each instant is replaced by the date of its desk session
"""
ORDER: Final = {
    "kept": "The pseudonyms ascend as the names did, so the same engine and seed give the same numbers to the last digit on the same kind of machine.",
    "random": "The order of the pseudonyms is random, and a sampler draws for the traders in their order: counts, sums and raw figures agree exactly, "
    "estimates within their Monte-Carlo error.",
}


def readme(told: Mapping[str, Any]) -> str:
    """The text of ``README.txt``."""
    ledger = {"exact": WITH_LEDGER + EXACT, "sessions": WITH_LEDGER + COARSE}.get(str(told["times"]), "")
    again = f"\nTo fit it again\n\n    {evaluate_again(told)}\n\n{ORDER[told['order']]}\n" if ledger else ""
    originals = [f"    {k:16} {v}" for k, v in told["originals"].items() if isinstance(v, str)]
    left = [f"    {line}" for line in told["left_out"]]
    return "\n".join(
        [
            HEAD + ledger + again,
            "Digests of the originals (more in export.json). Whoever holds the originals can compare; so could somebody who tries out who is who, so do not",
            "take pseudonyms for anonymity.\n",
            *originals,
            "\nLeft out\n",
            *left,
            "",
        ]
    )


def evaluate_again(told: Mapping[str, Any]) -> str:
    """The command that fits the exported evidence again. The answers beside the verdict need the ledger in place of the evidence."""
    identity = told["identity"]
    parts = ["skillstats", "evaluate", "evidence", "--out", "again", "--model", str(identity["spec_name"])]
    parts += ["--engine", str(identity["engine"] or "nuts"), "--seed", str(identity["seed"])]
    return shlex.join([*parts, "--draws", str(identity["draws"])] if identity["draws"] else parts)
