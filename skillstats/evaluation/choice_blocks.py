"""The blocks `choice` and `placebo`: how value-add splits into rate, regime, choice and execution, and what luck alone would have given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from skillstats.attribution.choice import ChoiceSplit, SplitRow, split_choice
from skillstats.evaluation.status import Code
from skillstats.evidence import Evidence
from skillstats.ledger.containers import Ledger
from skillstats.luck.placebo import Placebo, placebo_of, prepare
from skillstats.plan import Plan

LUCK_P: Final = 0.3
SURE: Final = 0.9
"""W-PLACEBO one way: the placebo finds luck enough (p above the first) where the posterior is sure of skill (P above the second)."""
RARE_P: Final = 0.05
DOUBT: Final = 0.5
"""W-PLACEBO the other way: such picks would be rare by luck (p at most the first) where the posterior holds skill for less likely than not."""


def choice_block(ledger: Ledger, evidence: Evidence | None, plan: Plan, *, seed: int) -> dict[str, Any]:  # noqa: ARG001  one form for all blocks
    """Rate, regime, choice and execution of the desk and of each trader; money in whole micro-units that add up.

    Returns
    -------
    dict with `desk`, `traders` (a row each, with `regimes` inside) and `undecided` (signals, micro-units); see `attribution.choice`
    """
    split = split_choice(ledger)
    if not any(r.n_departed for r in split.rows):
        return {"available": False, "why": "Nobody departed from a signal whose horizon is over."}
    names = list(dict.fromkeys(r.trader for r in split.rows if r.trader is not None))
    return {
        "available": True,
        "currency": split.currency,
        "desk": _with_regimes(split, None),
        "traders": [_with_regimes(split, name) for name in names],
        "undecided": {"signals": split.undecided[0], "value_micro": split.undecided[1]},
    }


def placebo_block(ledger: Ledger, evidence: Evidence | None, plan: Plan, *, seed: int) -> dict[str, Any]:  # noqa: ARG001
    """The placebo of each trader; `agreement` is filled by `evaluate`, which knows the posterior.

    Returns
    -------
    dict with `traders`, a row each; see `luck.placebo.Placebo`
    """
    bench = prepare(ledger)
    if not bench.table.departed.any():
        return {"available": False, "why": "Nobody departed from a signal."}
    found = [placebo_of(bench, name, seed=seed) for name in bench.table.traders]
    return {"available": True, "currency": bench.currency, "traders": [placebo_row(p) for p in found]}


def placebo_row(found: Placebo) -> dict[str, Any]:
    """JSON-ready form of one test; numbers are None where there is no test."""
    return {k: v for k, v in vars(found).items() if k != "currency"} | {"counts": dict(found.counts)}


def placebo_codes(block: Mapping[str, Any] | None, trader: str, above: float) -> list[Code]:
    """W-PLACEBO where the placebo and the posterior of a trader disagree.

    Parameters
    ----------
    block : the block ``placebo``, or None; above : P(IR > hurdle)
    """
    test = next((t for t in block["traders"] if t["trader"] == trader), None) if block and block.get("available") else None
    if test is None or test["p"] is None or (words := disagreement(test["p"], above, test.get("p_days"))) is None:
        return []
    return [Code("W-PLACEBO", "FLAG", f"{words}: p = {test['p']:.3f} and P(IR > hurdle) = {above:.2f}")]


def disagreement(p: float, above: float, p_days: float | None = None) -> str | None:
    """In words how a placebo p-value (and that by days, where there is one) and P(IR > hurdle) disagree; None where they do not.

    Examples
    --------
    >>> disagreement(0.45, 0.95)
    'the posterior is sure of skill, yet the same departures dealt at random do as well'
    >>> disagreement(0.02, 0.95), disagreement(0.2, 0.3)
    (None, None)
    """
    if p > LUCK_P and above > SURE:
        return "the posterior is sure of skill, yet the same departures dealt at random do as well"
    if max(p, p_days or 0.0) <= RARE_P and above < DOUBT:
        return "the picks are better than luck explains, yet the posterior does not expect skill"
    return None


def with_posterior(blocks: Mapping[str, Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The blocks with the posterior beside each placebo: `p_above_hurdle` (None where withheld) and `agreement`, a sentence.

    rows : of the evaluation, as `finish_row` makes them
    """
    block = blocks.get("placebo")
    if block is None or not block.get("available"):
        return dict(blocks)
    shown = {r["trader"]: r["p_above_hurdle"] for r in rows if r["regime"] == "all"}
    traders = [t | {"p_above_hurdle": shown.get(t["trader"]), "agreement": _agreement(t, shown)} for t in block["traders"]]
    return dict(blocks) | {"placebo": dict(block) | {"traders": traders}}


def _agreement(test: Mapping[str, Any], shown: Mapping[str, float | None]) -> str:
    above = shown.get(test["trader"])
    if test["p"] is None:
        return "not testable"
    if above is None:
        return "posterior withheld"
    return "disagree" if disagreement(test["p"], above, test.get("p_days")) else "no disagreement"


def _with_regimes(split: ChoiceSplit, trader: str | None) -> dict[str, Any]:
    own = [r for r in split.rows if r.trader == trader]
    return _row(own[0]) | {"regimes": [_row(r) for r in own[1:]]}


def _row(row: SplitRow) -> dict[str, Any]:
    rate, regime, choice, execution = row.shown
    counts = ("n_signals", "n_departed", "n_followed", "n_undecided", "n_shared", "n_open", "n_initiated")
    return {
        "trader": row.trader,
        "regime": row.regime_name,
        **{k: getattr(row, k) for k in counts},
        "mean_tilt": float(row.mean_tilt),
        "rate_micro": rate,
        "regime_micro": regime,
        "choice_micro": choice,
        "execution_micro": execution,
        "value_add_micro": row.value_add,
        "initiated_micro": row.initiated,
        "model_money_micro": row.model_money,
    }
