"""skillstats: what a person's departures from a model were worth, and how much of that was skill rather than luck.

The public names load on first use, so that importing the package costs little and imports no sampler.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from skillstats.late import offer

if TYPE_CHECKING:
    from skillstats.attribution.attribute import FactorAttribution, attribute
    from skillstats.attribution.choice import ChoiceSplit, split_choice
    from skillstats.attribution.risk import RiskScores, risk_scores
    from skillstats.behaviour.habits import Behaviour, behaviour
    from skillstats.behaviour.learning import Learning, learn_rule
    from skillstats.boundary.finder import Regimes, find_regimes
    from skillstats.boundary.policies import Policies, compare_policies
    from skillstats.boundary.surface import Surface, value_surface
    from skillstats.boundary.wrong import ModelErrors, find_model_errors
    from skillstats.declared.difference import Difference, plan_differences
    from skillstats.declared.freeze import Freeze, freeze_plan, read_freezes
    from skillstats.evaluation.contest import Contest, contest
    from skillstats.evaluation.contests import keep_contest, read_contests
    from skillstats.evaluation.day_scores import Comparison, compare
    from skillstats.evaluation.evaluate import evaluate
    from skillstats.evaluation.family import FamilyEvaluation, evaluate_choices, evaluate_parts
    from skillstats.evaluation.forward import WalkForward, walk_forward
    from skillstats.evaluation.minutes import add_minutes, read_minutes
    from skillstats.evaluation.minutes_outcome import decided_earlier
    from skillstats.evaluation.restate import Restatement, read_earlier, restate
    from skillstats.evaluation.result import Evaluation
    from skillstats.evaluation.verify import verify
    from skillstats.evaluation.write import read_evaluation, write_evaluation
    from skillstats.evidence import (
        Choices,
        DayParts,
        Evidence,
        read_choices,
        read_day_parts,
        read_outcomes,
        to_choices,
        to_day_parts,
        to_evidence,
    )
    from skillstats.inference.container import Fit
    from skillstats.inference.family_fit import FamilyFit
    from skillstats.inference.known_error import PoolingPrior, Shrinkage, shrink
    from skillstats.inference.nuts import fit
    from skillstats.ledger.build import build_ledger
    from skillstats.ledger.containers import Ledger
    from skillstats.ledger.door import build_ledger_folder
    from skillstats.ledger.explain import Explanation, explain
    from skillstats.ledger.folder import LedgerFolder
    from skillstats.ledger.resimulate import Order, PureModel, resimulate
    from skillstats.ledger.write import read_ledger
    from skillstats.luck.classics import Classics, classics
    from skillstats.luck.placebo import Placebo, placebo
    from skillstats.luck.power import decisions_needed
    from skillstats.plan import Plan, read_plan
    from skillstats.record.containers import Record
    from skillstats.record.fix_log import Fills, read_fix
    from skillstats.record.read import read_record
    from skillstats.report.page import write_report
    from skillstats.report.study_folder import run_study
    from skillstats.simulate.door import simulate
    from skillstats.simulate.world import World, read_world
    from skillstats.spec.model import ModelSpec
    from skillstats.spec.read import read_spec
    from skillstats.study.desk import Desk, simulate_desk
    from skillstats.study.operating import operating_characteristics

_HOME = {
    "ChoiceSplit": "attribution.choice",
    "Behaviour": "behaviour.habits",
    "Choices": "evidence",
    "Classics": "luck.classics",
    "Comparison": "evaluation.day_scores",
    "Contest": "evaluation.contest",
    "DayParts": "evidence",
    "Desk": "study.desk",
    "Difference": "declared.difference",
    "Evaluation": "evaluation.result",
    "Evidence": "evidence",
    "Explanation": "ledger.explain",
    "FactorAttribution": "attribution.attribute",
    "FamilyEvaluation": "evaluation.family",
    "FamilyFit": "inference.family_fit",
    "Fills": "record.fix_log",
    "Fit": "inference.container",
    "Ledger": "ledger.containers",
    "Freeze": "declared.freeze",
    "Learning": "behaviour.learning",
    "LedgerFolder": "ledger.folder",
    "ModelErrors": "boundary.wrong",
    "ModelSpec": "spec.model",
    "Order": "ledger.resimulate",
    "Placebo": "luck.placebo",
    "Plan": "plan",
    "Policies": "boundary.policies",
    "PoolingPrior": "inference.known_error",
    "PureModel": "ledger.resimulate",
    "Record": "record.containers",
    "Regimes": "boundary.finder",
    "Restatement": "evaluation.restate",
    "RiskScores": "attribution.risk",
    "Shrinkage": "inference.known_error",
    "Surface": "boundary.surface",
    "WalkForward": "evaluation.forward",
    "World": "simulate.world",
    "add_minutes": "evaluation.minutes",
    "behaviour": "behaviour.habits",
    "attribute": "attribution.attribute",
    "build_ledger": "ledger.build",
    "build_ledger_folder": "ledger.door",
    "classics": "luck.classics",
    "compare_policies": "boundary.policies",
    "compare": "evaluation.day_scores",
    "contest": "evaluation.contest",
    "decided_earlier": "evaluation.minutes_outcome",
    "decisions_needed": "luck.power",
    "evaluate": "evaluation.evaluate",
    "evaluate_choices": "evaluation.family",
    "evaluate_parts": "evaluation.family",
    "explain": "ledger.explain",
    "find_model_errors": "boundary.wrong",
    "find_regimes": "boundary.finder",
    "fit": "inference.nuts",
    "freeze_plan": "declared.freeze",
    "keep_contest": "evaluation.contests",
    "operating_characteristics": "study.operating",
    "placebo": "luck.placebo",
    "plan_differences": "declared.difference",
    "learn_rule": "behaviour.learning",
    "read_choices": "evidence",
    "read_contests": "evaluation.contests",
    "read_day_parts": "evidence",
    "read_earlier": "evaluation.restate",
    "read_evaluation": "evaluation.write",
    "read_fix": "record.fix_log",
    "read_freezes": "declared.freeze",
    "read_ledger": "ledger.write",
    "read_minutes": "evaluation.minutes",
    "read_outcomes": "evidence",
    "read_plan": "plan",
    "read_record": "record.read",
    "read_spec": "spec.read",
    "read_world": "simulate.world",
    "resimulate": "ledger.resimulate",
    "restate": "evaluation.restate",
    "risk_scores": "attribution.risk",
    "shrink": "inference.known_error",
    "run_study": "report.study_folder",
    "simulate": "simulate.door",
    "simulate_desk": "study.desk",
    "split_choice": "attribution.choice",
    "to_choices": "evidence",
    "to_day_parts": "evidence",
    "to_evidence": "evidence",
    "value_surface": "boundary.surface",
    "verify": "evaluation.verify",
    "walk_forward": "evaluation.forward",
    "write_evaluation": "evaluation.write",
    "write_report": "report.page",
}

offer(
    {
        f"plot_{name}": f"skillstats.report.plots.{name}"
        for name in (
            "choice",
            "decay",
            "forest",
            "funnel",
            "grid",
            "needed",
            "parts",
            "prior",
            "quarter",
            "ranks",
            "rate",
            "running",
            "split",
        )
    }
)

__all__ = [  # noqa: RUF022
    "Plan", "read_plan", "Record", "read_record", "Ledger", "build_ledger", "build_ledger_folder", "LedgerFolder", "read_ledger", "Explanation", "explain", "Evidence", "to_evidence", "read_outcomes",
    "ModelSpec", "read_spec", "Fit", "fit", "Evaluation", "evaluate", "write_evaluation", "read_evaluation", "verify", "write_report", "add_minutes", "read_minutes", "decided_earlier",
    "PoolingPrior", "Shrinkage", "shrink", "World", "read_world", "simulate", "simulate_desk", "Desk", "resimulate", "PureModel", "Order",
    "Fills", "read_fix", "decisions_needed", "compare", "Comparison", "walk_forward", "WalkForward",
    "find_regimes", "Regimes", "value_surface", "Surface", "compare_policies", "Policies", "find_model_errors", "ModelErrors",
    "DayParts", "read_day_parts", "evaluate_parts", "Choices", "to_choices", "read_choices", "evaluate_choices", "FamilyFit", "FamilyEvaluation",
    "split_choice", "ChoiceSplit", "placebo", "Placebo",
    "behaviour", "Behaviour", "learn_rule", "Learning",
    "attribute", "FactorAttribution", "to_day_parts",
    "classics", "Classics", "risk_scores", "RiskScores",
    "freeze_plan", "read_freezes", "Freeze", "plan_differences", "Difference",
    "restate", "read_earlier", "Restatement", "contest", "Contest", "keep_contest", "read_contests",
    "operating_characteristics", "run_study",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'skillstats' has no attribute {name!r}")
    value = getattr(import_module(f"skillstats.{_HOME[name]}"), name)
    globals()[name] = value  # also puts the function in the place of a sub-package of the same name (simulate)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
