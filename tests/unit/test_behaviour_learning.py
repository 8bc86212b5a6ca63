"""The shallow rule: a planted one is found and pays out of sample, skill beyond it is told, noise gives neither, nothing looks ahead."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from skillstats.behaviour.decided import Decided
from skillstats.behaviour.features import Column, as_table, features_of, known_before
from skillstats.behaviour.learning import FIRST, STEP, learning_of, walk_forward
from skillstats.behaviour.rule import train_rule
from skillstats.errors import SkillWithheld, UsageError
from skillstats.study.behaviour_worlds import Desk, desk_of


def desk(seed: int = 1, **changes) -> Decided:
    return desk_of(Desk("learn", **({"traders": 3, "sessions": 130} | changes)), np.random.default_rng(seed))


def test_a_planted_rule_is_found_in_words_and_replaces_traders_without_skill() -> None:
    found = learning_of(desk(2, bad=0.9), seed=1, fdr=0.10)
    assert found.rule.startswith("veto where signal type is a")
    assert found.arm("rule").q05 > 0
    assert found.arm("beyond").q95 < 0
    assert not any(a.found for a in found.arms)
    assert abs(found.arm("rule").boot_q05 - found.arm("rule").q05) < 0.5 * (found.arm("rule").q95 - found.arm("rule").q05)
    assert str(found).count("per unit of risk") == 4


def test_skill_beyond_the_rule_is_told() -> None:
    found = learning_of(desk(bad=0.3, skill=1.2), seed=1, fdr=0.10)
    assert found.arm("beyond").q05 > 0
    assert any(a.found for a in found.arms if a.arm == "beyond")


def test_noise_gives_neither() -> None:
    found = learning_of(desk(seed=3), seed=1, fdr=0.10)
    assert found.arm("rule").q05 is not None and found.arm("rule").q05 <= 0
    assert found.arm("beyond").q05 <= 0
    assert not any(a.found for a in found.arms)


def test_a_rule_that_follows_everything_is_worth_exactly_nothing() -> None:
    d = desk(traders=1, sessions=70, per_day=12)
    found = learning_of(Decided(**(vars(d) | {"v_star": -np.abs(d.v_star)})), seed=1, fdr=0.10)
    rule, beyond, own = (found.arm(name) for name in ("rule", "beyond", "adjusted"))
    assert found.rule == "follow every signal"
    assert (rule.mean, rule.q05, rule.q95, rule.p, rule.money_q05) == (0.0, 0.0, 0.0, 1.0, 0.0)
    assert beyond.mean == own.mean


def test_the_arms_are_sums_over_the_tested_signals() -> None:
    d = desk(bad=0.6)
    walked = walk_forward(d, features_of(d))
    found = learning_of(d, seed=1, fdr=0.10)
    t = walked.tested
    assert found.arm("rule").n == t.sum()
    assert found.arm("rule").mean == pytest.approx((walked.veto * d.v_star)[t].mean())
    assert found.arm("adjusted").money == pytest.approx(d.money[t].sum())
    assert found.arm("beyond").mean == pytest.approx(found.arm("adjusted").mean - found.arm("rule").mean)
    assert found.model_money == pytest.approx(-(d.v_star * d.risk)[t].sum())
    assert np.unique(d.session[t]).min() == FIRST


@pytest.mark.parametrize("span", [0, 5])
def test_deleting_or_scrambling_the_future_changes_no_decision_of_the_rule(span: int) -> None:
    d = desk(span=span, bad=0.6)
    whole = walk_forward(d, features_of(d))
    for stretch in (1, 3):
        end = FIRST + stretch * STEP
        shorter = d.take(d.session < end)
        part = walk_forward(shorter, features_of(shorter))
        known = d.session < end
        for name in ("tested", "veto", "chance", "base"):
            assert np.array_equal(getattr(part, name), getattr(whole, name)[known])
        begin = d.signal_at[d.session >= end - STEP].min()
        noise = np.random.default_rng(0).normal(size=len(d))
        scrambled = Decided(**(vars(d) | {"v_star": np.where(d.horizon_at >= begin, noise, d.v_star)}))
        again = walk_forward(scrambled, features_of(scrambled))
        assert np.array_equal(again.veto[known], whole.veto[known])


def test_too_short_a_record_says_what_is_needed() -> None:
    with pytest.raises(SkillWithheld, match="a rule needs 40 sessions"):
        learning_of(desk(sessions=38), seed=1, fdr=0.10)


def test_further_features_are_read_strictly_before_the_signal() -> None:
    d = desk(traders=1, sessions=3)
    at = pd.to_datetime(d.signal_at[[0, 4]], unit="us", utc=True)
    table = pd.DataFrame({"time": [*at, at[1]], "asset": [None, None, "0"], "news": [1.0, 2.0, 9.0]})
    found = known_before(d, as_table(table))["news"]
    for i in range(len(d)):
        own = d.coords["asset"][d.asset[i]] == "0" and d.signal_at[i] > d.signal_at[4]
        shared = np.nan if d.signal_at[i] <= d.signal_at[0] else 1.0 if d.signal_at[i] <= d.signal_at[4] else 2.0
        assert found[i] == (9.0 if own else shared) or (pd.isna(found[i]) and pd.isna(shared))
    named = features_of(d, as_table(table.assign(news=["no", "yes", "yes"])))
    assert [c for c in named.columns if c.name == "news"] == [Column("news", "no"), Column("news", "yes")]
    with pytest.raises(UsageError, match="a column 'time'"):
        as_table(table.assign(time=["a", "b", "c"]))
    with pytest.raises(UsageError, match="one column a feature"):
        as_table(table[["time", "asset"]])


def test_a_feature_of_the_user_makes_a_rule() -> None:
    rng = np.random.default_rng(0)
    news, session = rng.random(3000) < 0.3, np.repeat(np.arange(100), 30)
    v = 0.8 * news - 0.2 + rng.normal(size=3000)
    values = np.column_stack([rng.random(3000), np.where(rng.random(3000) < 0.1, np.nan, 2.0 * news)])
    rule = train_rule(values, (Column("volatility", None, "%"), Column("news", None)), v, session)
    assert "news above 1" in str(rule)
    vetoed = rule.vetoes(values)
    assert vetoed[values[:, 1] == 2].mean() > 0.9 and vetoed[values[:, 1] == 0].mean() < 0.1
    nothing = train_rule(values, (Column("a", None), Column("b", None)), rng.normal(size=3000), session)
    assert str(nothing).startswith(("follow every signal", "veto where"))
