"""The questions beside skill: what the plan and the ledger answer without the skill model, computed before the verdict.

A block is a function of ledger, evidence and plan that returns plain JSON-ready data:

    {"available": True, ...}   or   {"available": False, "why": "sentence for the reader"}

Money in a block is in currency (floats) unless a key ends in ``_micro``; every interval carries its level in its name (q05, q95). The
page is written from the block alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from skillstats.attribution.risk import risk_block
from skillstats.behaviour.block import behaviour_block, learning_block
from skillstats.errors import UsageError
from skillstats.evaluation.block_boundary import policies_block, regimes_block
from skillstats.evaluation.choice_blocks import choice_block, placebo_block
from skillstats.evaluation.factor_block import factors_block
from skillstats.evidence import Evidence
from skillstats.ledger.containers import Ledger
from skillstats.luck.classics import classics_block
from skillstats.plan import Plan

Block = Callable[..., dict[str, Any]]
BLOCKS: Final[Mapping[str, Block]] = {
    "factors": factors_block,
    "choice": choice_block,
    "placebo": placebo_block,
    "risk": risk_block,
    "classics": classics_block,
    "behaviour": behaviour_block,
    "learning": learning_block,
    "regimes": regimes_block,
    "policies": policies_block,
}
"""Name to function ``(ledger, evidence, plan, *, seed) -> dict``; evidence is None where no decision can be judged."""


def blocks_of(
    ledger: Ledger, evidence: Evidence | None, plan: Plan, *, seed: int, only: Sequence[str] | None = None
) -> dict[str, dict[str, Any]]:
    """The blocks of `only` (None: every block) by name.

    Raises
    ------
    UsageError
        If `only` names a block that does not exist.
    """
    unknown = [name for name in only or () if name not in BLOCKS]
    if unknown:
        raise UsageError(f"block {unknown[0]!r}, must be one of {', '.join(BLOCKS)}")
    return {name: block(ledger, evidence, plan, seed=seed) for name, block in BLOCKS.items() if only is None or name in only}
