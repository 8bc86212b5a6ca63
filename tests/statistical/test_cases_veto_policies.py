"""Five mechanical vetoers on real prices (P12): only the strong oracle is called skilled, the random vetoer never.

The accuracies (.52 and .65) and the rules stand in the example, written down before any result was seen. Seeds are fixed on purpose. The long run,
``python examples/veto_policies.py CASE --seeds 60``, called 0 of 60 random vetoers skilled; were the true rate 5%, that had a chance of .046.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def example() -> ModuleType:
    path = Path(__file__).parents[2] / "examples" / "veto_policies.py"
    spec = importlib.util.spec_from_file_location("veto_policies", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def judged(example: ModuleType, cases: Path) -> dict[tuple[str, int], dict[str, object]]:
    bars = example.read_bars(cases / "P12_selloff_2020_02_27")
    asked = [*((policy, 1) for policy in example.POLICIES), ("random", 2)]
    return {(policy, seed): example.judge(bars, policy, seed) for policy, seed in asked}


def test_only_the_strong_oracle_is_called_skilled(judged: dict[tuple[str, int], dict[str, object]]) -> None:
    assert [key for key, row in judged.items() if row["skilled"]] == [("strong_oracle", 1)]
    assert judged["strong_oracle", 1]["p_above_hurdle"] >= 0.90
    assert all(row["p_above_hurdle"] < 0.6 for (policy, _), row in judged.items() if policy != "strong_oracle")


def test_the_counts_are_those_of_the_rules(judged: dict[tuple[str, int], dict[str, object]]) -> None:
    """`always` decides once a day; a coin vetoes half of the 14 signals of a day; money does not care who is called skilled."""
    assert judged["always", 1]["n"] == judged["always", 1]["days"] == 340
    assert abs(judged["random", 1]["n"] - 340 * 14 / 2) < 4 * (340 * 14 / 4) ** 0.5
    assert judged["strong_oracle", 1]["value_add"] > 1_000_000 > judged["noisy_oracle", 1]["value_add"]
