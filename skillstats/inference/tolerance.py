"""A few divergences that change nothing: E-DIV as a flag.

A divergence is a place the sampler could not follow. On the Gaussian models M1 to M3, whose shocks are integrated out, a handful of
them in ten thousand draws may remain even at a target acceptance of .99. They are tolerated as a flag, and only then, where

    divergences <= 0.1% of the draws   and   |mean_again - mean_first| <= 0.2 posterior sd   for every mean of skill,

first the run at the specification's target acceptance, again the one at .99: had the first run missed a region that matters, taking
shorter steps would have moved the answer. Everything else with a divergence is withheld.
"""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np
from xarray import DataTree

from skillstats.inference.diagnose import FIT, Finding

TOLERANT: Final = ("day_pooled", "crossed_total", "crossed_outcomes", "crossed_selection")
"""Specifications M1 to M3 by name; a specification of the user's own is not among them."""
MOST_SHARE: Final = 0.001
MOST_MOVE: Final = 0.2
"""Posterior sds by which a mean may differ between the runs; at 400 effective draws each, chance alone moves one by .07."""
SKILL: Final = ("mu", "a", "b", "c", "g")
LEAST_TARGET: Final = 0.99


def tolerate_divergences(
    findings: list[Finding], spec_name: str, target_accept: float, first: DataTree, again: DataTree
) -> list[Finding]:
    """Findings of the second run with E-DIV turned into a flag where the divergences demonstrably change nothing.

    Parameters
    ----------
    findings : of the run at `target_accept`, which is `again`
    first : the run that made the rerun necessary
    """
    draws = int(again["sample_stats"]["diverging"].size)
    if spec_name not in TOLERANT or target_accept < LEAST_TARGET:
        return findings
    return [_judged(f, draws, first, again) if f.code == "E-DIV" else f for f in findings]


def _judged(finding: Finding, draws: int, first: DataTree, again: DataTree) -> Finding:
    moved = largest_move(first, again)
    if finding.scope != FIT or finding.measured > MOST_SHARE * draws or not moved <= MOST_MOVE:
        return finding
    text = (
        f"{finding.measured:.0f} divergences in {draws} draws at target acceptance .99 (at most {MOST_SHARE:.1%} tolerated); no mean of "
        f"skill moved by more than {moved:.2f} posterior sd against the run before"
    )
    return dataclasses.replace(finding, action="FLAG", limit=MOST_SHARE * draws, text=text)


def largest_move(first: DataTree, again: DataTree) -> float:
    """Largest distance between the two runs' means of mu and of every effect, in posterior sds of the second."""
    moves = [0.0]
    for name in SKILL:
        if name in again["posterior"].data_vars:
            old, new = (np.asarray(tree["posterior"][name].values) for tree in (first, again))
            old, new = (values.reshape(values.shape[0] * values.shape[1], -1) for values in (old, new))
            moves.append(float(np.max(np.abs(new.mean(axis=0) - old.mean(axis=0)) / new.std(axis=0))))
    return max(moves)
