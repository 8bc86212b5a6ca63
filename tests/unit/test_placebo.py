"""The placebo: cells, exact moments against enumeration, draws against a plain loop, levels, refusals."""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

sys.path.insert(0, str(Path(__file__).parent))
from synthetic import make_evidence, make_fit
from test_choice_split import ledger_of_twenty

import skillstats as ss
from skillstats.errors import UsageError
from skillstats.evaluation import evaluate
from skillstats.evaluation.choice_blocks import disagreement, placebo_block, placebo_codes
from skillstats.luck import placebo as module
from skillstats.luck import reassign
from skillstats.luck.placebo import Universe, run_placebo
from skillstats.luck.strata import risk_cells, terciles


def universe(days=60, per_side=10, rate=0.15, seed=0, loss=0.0, pick=None):
    """Signals of two sides a day with unit risk; the model loses `loss` a signal; `pick` (day, 2 per_side) bool or a random tenth."""
    rng = np.random.default_rng(seed)
    n = 2 * per_side
    value = rng.standard_normal((days, n)) - loss
    chosen = rng.random((days, n)) < rate if pick is None else pick
    act = -chosen.astype(float).ravel()
    day = np.repeat(np.arange(days), n)
    side = np.tile(np.r_[np.zeros(per_side), np.ones(per_side)], days).astype(np.int64)
    risk, zero = rng.lognormal(0, 0.4, days * n), np.zeros(days * n, dtype=np.int64)
    return Universe(act, act, value.ravel(), value.ravel() * risk, risk, day, side, zero, zero)


def blanket(days, active, per_side=10):
    pick = np.zeros((days, 2 * per_side), dtype=bool)
    pick[active, :per_side] = True
    return pick


# cells --------------------------------------------------------------------------------------------------------------------------------


def test_lone_signals_merge_across_asset_class_then_across_risk() -> None:
    zero = np.zeros(6, dtype=np.int64)
    # two lone classes of one tercile meet; a lone tercile joins the nearest, of two equally near the larger
    assert risk_cells(zero, zero, np.array([0, 1, 2, 2, 2, 2]), np.array([0, 0, 2, 2, 2, 2])).tolist() == [0, 0, 1, 1, 1, 1]
    assert risk_cells(zero, zero, zero, np.array([0, 0, 0, 1, 2, 2])).tolist() == [0, 0, 0, 0, 1, 1]
    # alone on its side of the day: stays alone
    assert risk_cells(zero, np.array([0, 1, 1, 1, 1, 1]), zero, zero).tolist() == [0, 1, 1, 1, 1, 1]


def test_no_cell_holds_one_signal_unless_its_side_of_the_day_does() -> None:
    rng = np.random.default_rng(4)
    day, side, kind = rng.integers(0, 150, 900), rng.integers(0, 2, 900), rng.integers(0, 3, 900)
    cell = risk_cells(day, side, kind, terciles(rng.random(900)))
    for c in np.flatnonzero(np.bincount(cell) == 1):
        (i,) = np.flatnonzero(cell == c)
        assert ((day == day[i]) & (side == side[i])).sum() == 1
    for c in np.unique(cell):
        assert len(set(zip(day[cell == c], side[cell == c], strict=True))) == 1, "a cell never leaves its day and side"


# moments and draws --------------------------------------------------------------------------------------------------------------------


def test_moments_of_a_cell_are_those_of_all_its_permutations() -> None:
    a, v = np.array([-1.0, 0, 1, 0, -1]), np.array([0.3, -1.2, 2.0, 0.1, 0.7])
    cells = reassign.sort_by_cell(np.zeros(5, dtype=np.int64), a, v, 2 * a, 3 * v)
    every = [float(np.array(p) @ v) for p in permutations(a)]
    m = reassign.cell_moments(cells)
    assert (m.mean, m.variance) == (pytest.approx(np.mean(every)), pytest.approx(np.var(every)))
    assert (m.mean_money, m.variance_money) == (pytest.approx(6 * np.mean(every)), pytest.approx(36 * np.var(every)))


def test_moments_of_days_are_those_of_all_their_permutations_inside_regimes() -> None:
    rng = np.random.default_rng(1)
    c, v = rng.random((7, 2)), rng.standard_normal((7, 2))
    days = reassign.Days(c, v, c, v, np.array([0, 0, 1, 0, 1, 0, 1]))
    first, second = [0, 1, 3, 5], [2, 4, 6]
    every = [
        float(np.sum(c[list(p)] * v[first]) + np.sum(c[list(q)] * v[second]))
        for p in permutations(first)
        for q in permutations(second)
    ]
    m = reassign.day_moments(days)
    assert (m.mean, m.variance) == (pytest.approx(np.mean(every)), pytest.approx(np.var(every)))
    t, _ = reassign.draw_days(days, 4000, np.random.default_rng(2))
    assert np.isin(np.round(t, 9), np.round(every, 9)).all()
    assert t.mean() == pytest.approx(m.mean, abs=4 * np.sqrt(m.variance / 4000))


def test_all_turns_of_the_days() -> None:
    rng = np.random.default_rng(3)
    c, v = rng.random((9, 2)), rng.standard_normal((9, 2))
    t, _, m = reassign.turn_days(reassign.Days(c, v, c, v, np.zeros(9, dtype=np.int64)), 50, rng)
    plain = [float(np.sum(np.roll(c, k, axis=0) * v)) for k in range(9)]
    np.testing.assert_allclose(t, plain[1:], atol=1e-12)
    assert (m.mean, m.variance) == (pytest.approx(np.mean(plain)), pytest.approx(np.var(plain)))
    two = reassign.Days(c, v, c, v, np.array([0] * 5 + [1] * 4))
    drawn = reassign.turn_days(two, 300, rng)[0]
    sums = [np.sum(np.roll(c[:5], i, 0) * v[:5]) + np.sum(np.roll(c[5:], j, 0) * v[5:]) for i in range(5) for j in range(4)]
    assert set(np.round(drawn, 9)) <= set(np.round(sums, 9)), "each regime turns by itself"


def twin(cells, moving, draws, rng):
    """The draws in plain Python, from the same uniform numbers."""
    bounds, act, value = cells.starts.tolist(), cells.act.tolist(), cells.value.tolist()
    inside = [range(bounds[c], bounds[c + 1]) for c in moving.tolist()]
    free = {i for cell in inside for i in cell}
    actions = [[act[i] for i in cell if act[i]] for cell in inside]
    fixed = sum(a * v for i, (a, v) in enumerate(zip(act, value, strict=True)) if i not in free)
    sums = []
    for uniform in rng.random((draws, sum(map(len, actions)))).tolist():
        total, numbers = fixed, iter(uniform)
        for cell, own in zip(inside, actions, strict=True):
            places = list(cell)
            for k, a in enumerate(own):
                pick = k + int(next(numbers) * (len(places) - k))
                places[k], places[pick] = places[pick], places[k]
                total += a * value[places[k]]
        sums.append(total)
    return sums


def cells_code(u):
    return risk_cells(u.day, u.side, u.asset_class, terciles(u.risk))


def cells_of(u):
    return reassign.sort_by_cell(cells_code(u), u.act, u.value, u.tilt, u.money)


def test_draws_are_those_of_a_plain_loop_and_have_the_exact_moments() -> None:
    cells = cells_of(universe(days=25, rate=0.3))
    moving, touched = reassign.moving_cells(cells)
    assert 0 < len(moving) <= touched
    t, _ = reassign.draw_cells(cells, moving, 40, np.random.default_rng(7))
    np.testing.assert_allclose(t, twin(cells, moving, 40, np.random.default_rng(7)), rtol=1e-12)
    t, money = reassign.draw_cells(cells, moving, 6000, np.random.default_rng(8))
    m = reassign.cell_moments(cells)
    assert t.mean() == pytest.approx(m.mean, abs=4 * np.sqrt(m.variance / 6000))
    assert t.std() == pytest.approx(np.sqrt(m.variance), rel=0.05)
    assert money.std() == pytest.approx(np.sqrt(m.variance_money), rel=0.05)


def test_blocks_of_random_numbers_do_not_show(monkeypatch) -> None:
    cells = cells_of(universe(days=25))
    moving, _ = reassign.moving_cells(cells)
    whole = reassign.draw_cells(cells, moving, 50, np.random.default_rng(7))
    monkeypatch.setattr(reassign, "BLOCK", 100)
    for a, b in zip(whole, reassign.draw_cells(cells, moving, 50, np.random.default_rng(7)), strict=True):
        np.testing.assert_array_equal(a, b)


# the test -----------------------------------------------------------------------------------------------------------------------------


def test_p_counts_the_trader_among_the_draws() -> None:
    u = universe(days=30)
    best = replace(u, value=np.where(u.act != 0, -9.0, 1.0))
    p = run_placebo(best, "T1", "row", seed=1, draws=199)
    assert (p.p, p.p_harm, p.level, p.scheme, p.how) == (1 / 200, 1.0, "row", "cells", "drawn")
    worst = run_placebo(replace(u, value=-best.value), "T1", "row", seed=1, draws=199)
    assert (worst.p, worst.p_harm, worst.p_two_sided) == (1.0, 1 / 200, 1 / 100)
    assert p.z == pytest.approx(-worst.z) and p.q05 < p.mean < p.q95 < p.observed


def test_a_random_vetoer_of_a_losing_model_earns_money_and_no_p() -> None:
    """Value-add positive, all of it rate: p is uniform over traders, the mean effect nil."""
    found = [run_placebo(universe(days=60, seed=k, loss=0.3), "T1", "row", seed=k, draws=199) for k in range(120)]
    assert np.mean([f.observed for f in found]) > 30
    assert abs(np.mean([f.z for f in found])) < 0.3
    assert stats.kstest([f.p for f in found], "uniform").pvalue > 0.01
    assert np.mean([f.p <= 0.05 for f in found]) < 0.12


def test_the_size_is_the_traders_own_and_does_not_change_p() -> None:
    u = universe()
    half = run_placebo(replace(u, tilt=u.tilt / 2), "T1", "row", seed=1, draws=199)
    full = run_placebo(u, "T1", "row", seed=1, draws=199)
    assert (half.size, full.size) == (0.5, 1.0) and half.p == full.p
    assert half.effect_money == pytest.approx(full.effect_money / 2) and half.observed == pytest.approx(full.observed / 2)


def test_adding_to_one_side_of_the_desk_is_an_action_of_its_own_sign() -> None:
    """Doubling what wins and vetoing what loses are both good picks."""
    u = universe(days=30)
    act = np.where(u.act != 0, np.sign(u.value), 0.0)
    p = run_placebo(replace(u, act=act, tilt=act), "T1", "row", seed=1, draws=199)
    assert p.p == 1 / 200


def test_whole_days_move_up_one_level_and_few_of_them_are_not_testable() -> None:
    days = np.arange(0, 60, 4)
    p = run_placebo(universe(pick=blanket(60, days)), "T1", "row", seed=1, draws=199)
    assert p.testable and (p.declared, p.level, p.scheme, p.n_active) == ("row", "day", "days", 15)
    assert p.n_moving == 0 and p.n_cells > 0, "every touched cell was all-or-none"
    few = run_placebo(universe(pick=blanket(60, days[:9])), "T1", "day", seed=1, draws=199)
    assert not few.testable and few.p is None
    assert str(few) == (
        "Placebo: T1: not testable. Days were chosen, not single signals; 9 active days so far, and at least 10 are needed."
    )


def test_spells_are_turned_and_not_shuffled() -> None:
    spells = np.r_[5:15, 30:42]
    p = run_placebo(universe(pick=blanket(60, spells)), "T1", "day", seed=1, draws=199)
    assert (p.scheme, p.how, p.draws) == ("turns", "all shifts", 59) and p.sticky > 1.645 / np.sqrt(60)
    assert p.p >= 1 / 60


def test_picks_of_a_day_that_were_one_choice_are_not_many() -> None:
    """Half a side at a time, alike because of a shock no cell knows: rows say .0005, days say nothing of the kind."""
    rng = np.random.default_rng(0)
    pick = np.zeros((24, 20), dtype=bool)
    for s in range(0, 24, 2):
        pick[s, :5] = True
    u = universe(days=24, pick=pick)
    shock = np.where(np.arange(24) % 4 == 0, -1.0, 0.6) * 3
    value = rng.standard_normal((24, 20))
    value[:, :5] += shock[:, None]
    u = replace(u, value=value.ravel(), risk=u.risk * 0 + 1)
    p = run_placebo(u, "T1", "row", seed=1)
    assert p.level == "row" and p.p_days is not None
    gains = reassign.day_gains(u.day, cells_code(u), u.act, u.value)
    assert len(gains) == 12 and gains.sum() == pytest.approx(p.observed - p.mean)
    every = [float(np.dot(e, gains)) for e in product((-1.0, 1.0), repeat=12)]
    assert p.p_days == pytest.approx(np.mean(np.array(every) >= gains.sum() - 1e-9), abs=0.04)
    assert p.p < p.p_days or p.p_harm < p.p_harm_days, "one of the two sides looked sure by rows"


def test_days_say_the_same_as_rows_where_rows_were_chosen_one_by_one() -> None:
    found = [run_placebo(universe(days=80, seed=k), "T1", "row", seed=k, draws=399) for k in range(40)]
    assert np.corrcoef([f.p for f in found], [f.p_days for f in found])[0, 1] > 0.9
    assert run_placebo(universe(days=9), "T1", "row", seed=1, draws=199).p_days is None


def test_a_day_pattern_moves_with_its_coverage_whatever_the_number_of_signals() -> None:
    u = universe(days=40, pick=blanket(40, np.arange(0, 40, 3)))
    kept = np.random.default_rng(5).random(len(u)) < 0.7
    thin = replace(u, **{k: v[kept] for k in Universe.__slots__ if isinstance(v := getattr(u, k), np.ndarray)})
    p = run_placebo(thin, "T1", "day", seed=1, draws=199)
    assert p.observed == pytest.approx(float(thin.act @ thin.value)), "a blanket veto stays one on any day"


def test_nothing_to_compare_is_said_so() -> None:
    u = universe(days=30)
    none = run_placebo(replace(u, act=u.act * 0, tilt=u.tilt * 0), "T1", "row", seed=1)
    assert not none.testable and "execution" in none.why
    every = replace(u, act=u.act * 0 - 1, tilt=u.tilt * 0 - 1)
    assert "treated alike" in run_placebo(every, "T1", "day", seed=1).why
    alike = run_placebo(replace(u, value=u.value * 0 + 0.5), "T1", "row", seed=1)
    assert "worth the same" in alike.why


def test_outcomes_have_no_say_in_cells_level_or_scheme() -> None:
    """Whatever happens after the choice changes T and nothing of how it is judged."""
    u = universe(days=40, seed=2)
    rng = np.random.default_rng(9)
    other = replace(u, value=rng.standard_normal(len(u)), money=rng.standard_normal(len(u)))
    first, second = (run_placebo(x, "T1", "row", seed=1, draws=199) for x in (u, other))
    same = ("level", "scheme", "n_cells", "n_moving", "n_acted", "n_active", "size")
    assert [getattr(first, k) for k in same] == [getattr(second, k) for k in same] and first.observed != second.observed


def test_very_many_actions_take_the_exact_moments_where_no_cell_matters(monkeypatch) -> None:
    u = universe(days=120)
    drawn = run_placebo(u, "T1", "row", seed=1, draws=1999)
    monkeypatch.setattr(module, "MOST_STEPS", 1000)
    normal = run_placebo(u, "T1", "row", seed=1, draws=1999)
    assert (normal.how, normal.draws) == ("normal", 0) and (normal.mean, normal.sd) == (drawn.mean, drawn.sd)
    assert normal.p == pytest.approx(drawn.p, abs=0.03) and normal.q95 == pytest.approx(drawn.q95, rel=0.05)
    monkeypatch.setattr(module, "LEAST_CELLS", 10**6)
    assert run_placebo(u, "T1", "row", seed=1, draws=1999).how == "drawn", "too few cells for a normal tail"


# ledgers ------------------------------------------------------------------------------------------------------------------------------


def test_a_ledger_of_one_day_is_not_testable_and_says_what_is_outside() -> None:
    p = ss.placebo(ledger_of_twenty(), trader="T1")
    assert not p.testable and p.n_signals + p.counts["no_risk"] == 20
    with pytest.raises(UsageError, match="at least 99"):
        ss.placebo(ledger_of_twenty(), trader="T1", draws=10)
    with pytest.raises(UsageError, match="'T9' is not in the ledger"):
        ss.placebo(ledger_of_twenty(), trader="T9")


@pytest.fixture(scope="module")
def simulated() -> ss.Ledger:
    world = ss.World(traders=2, sessions=30, override_rate=(0.2, 0.6), signals_per_day=10.0, block_vetoes=0.0)
    record, _ = ss.simulate(world, seed=5)
    return ss.build_ledger(record)


def test_a_simulated_desk_is_tested_the_same_way_twice(simulated) -> None:
    first, again = (ss.placebo(simulated, trader="T1", seed=3, draws=199) for _ in range(2))
    assert first == again and first.testable and first.level == "row"
    assert first.n_signals == ss.split_choice(simulated).of("T1").n_signals, "the split and the test have one universe"
    other = ss.placebo(simulated, trader="T1", seed=4, draws=199)
    assert (other.mean, other.sd, other.effect_money) == (first.mean, first.sd, first.effect_money), (
        "moments are exact, not drawn"
    )
    assert first.to_pandas().loc[0, "n_acted"] == first.n_acted and first.summary().loc["T1", "p"] == first.p


# beside the posterior -----------------------------------------------------------------------------------------------------------------


def block_of(*p):
    return {
        "available": True,
        "currency": "USD",
        "traders": [{"trader": f"T{k + 1}", "p": x, "testable": x is not None} for k, x in enumerate(p)],
    }


@pytest.mark.parametrize(
    ("p", "above", "disagree"),
    [(0.31, 0.91, True), (0.30, 0.91, False), (0.31, 0.90, False), (0.05, 0.49, True), (0.051, 0.49, False), (0.05, 0.50, False)],
)
def test_where_the_two_disagree(p: float, above: float, disagree: bool) -> None:
    assert (disagreement(p, above) is not None) == disagree
    codes = placebo_codes(block_of(p), "T1", above)
    assert [c.code for c in codes] == ["W-PLACEBO"] * disagree
    assert all(f"p = {p:.3f}" in c.text and f"{above:.2f}" in c.text for c in codes), "both numbers are shown"
    assert placebo_codes(None, "T1", above) == placebo_codes(block_of(None), "T1", above) == []


def test_good_picks_that_may_be_one_choice_a_day_are_no_disagreement() -> None:
    assert disagreement(0.01, 0.2, p_days=0.02) and disagreement(0.01, 0.2, p_days=0.2) is None
    assert disagreement(0.4, 0.95, p_days=0.01) == disagreement(0.4, 0.95)


def test_a_disagreement_flags_the_row_and_stands_in_the_block(monkeypatch) -> None:
    monkeypatch.setattr(sys.modules["skillstats.evaluation.evaluate"], "refit_ir", lambda *a, **k: None)
    evidence = make_evidence()
    fit = make_fit(evidence, np.array([0.3, 0.0, -0.3]))
    result = evaluate(fit, blocks={"placebo": block_of(0.6, 0.6, 0.01)})
    codes = {r["trader"]: {c["code"] for c in r["codes"]} for r in result.rows if r["regime"] == "all"}
    assert "W-PLACEBO" in codes["T1"] and "W-PLACEBO" not in codes["T2"] and "W-PLACEBO" in codes["T3"]
    row = next(r for r in result.rows if r["trader"] == "T1" and r["regime"] == "all")
    assert row["status"] in ("FLAG", "WITHHOLD")
    block = {t["trader"]: t for t in result.attribution["placebo"]["traders"]}
    assert [block[t]["agreement"] for t in ("T1", "T2", "T3")] == ["disagree", "no disagreement", "disagree"]
    assert block["T1"]["p_above_hurdle"] == row["p_above_hurdle"]
    assert all("W-PLACEBO" not in r["reasons"] for r in result.rows if r["regime"] != "all"), "the placebo is about the trader"


def test_the_block_of_a_simulated_desk_is_plain_data(simulated) -> None:
    import json

    block = placebo_block(simulated, None, simulated.plan, seed=2)
    assert json.loads(json.dumps(block, allow_nan=False)) == block
    assert [t["trader"] for t in block["traders"]] == ["T1", "T2"]
