"""Where overrides help: planted and placebo labels, refusals, look-ahead; the surface, the policies and the ranked actions."""

import dataclasses
import math

import numpy as np
import pytest

import skillstats as ss
from skillstats.boundary.actions import gain_of, rank_actions
from skillstats.boundary.contexts import Label, contexts_of, cross
from skillstats.boundary.finder import find_regimes
from skillstats.boundary.policies import compare_policies
from skillstats.boundary.search import Rule, search
from skillstats.boundary.signals import read_signals
from skillstats.boundary.surface import value_surface
from skillstats.boundary.totals import total_of
from skillstats.errors import SkillWithheld, UsageError
from skillstats.simulate.world import Regime
from skillstats.study.finder import UNIT, finder_desk, finder_table, page, plot_discovery, run_finder

RULE = Rule(0.25, UNIT, 0.90, 0.10, 10, draws=1000)


@pytest.fixture(scope="module")
def ledger():
    """Three traders over 90 sessions; all skill lies in sell-offs."""
    regimes = (Regime(label="calm", share=0.6, skill=0.0), Regime(label="sell-off", share=0.4, volatility=1.4))
    world = ss.World(traders=3, sessions=90, signals_per_day=6.0, annual_ir=8.0, directional=(), regimes=regimes, regime_spell=8)
    return ss.build_ledger(ss.simulate(world, seed=5)[0])


@pytest.fixture(scope="module")
def evidence(ledger):
    return ss.to_evidence(ledger)


def test_skill_planted_in_sell_offs_is_found_there_and_nowhere_else(ledger, evidence):
    """R36, through the whole program."""
    found = find_regimes(ledger, evidence=evidence)
    (cell,) = [c.cell for c in found.found]
    assert (cell.keys, cell.level, cell.found) == (("regime_market",), "sell-off", "helps")
    assert "sell-off" in str(found) and len(found.to_pandas()) == len(found.cells)
    inside = np.asarray(evidence.levels("regime"), dtype=object)[evidence.regime] == "sell-off"
    assert cell.rows == inside.sum() and cell.sessions == len(set(evidence.session[inside]))
    assert cell.raw * found_unit(ledger, evidence) * evidence.y.std() == pytest.approx(evidence.y[inside].mean())
    assert found.found[0].value_add == pytest.approx(evidence.value_add[inside].mean())


def found_unit(ledger, evidence):
    from skillstats.boundary.finder import rule_of

    return rule_of(evidence, ledger.plan).unit


def test_a_label_that_marks_the_same_days_is_named_beside_the_finding_and_is_none():
    rng = np.random.default_rng(4)
    y, day, labels = finder_desk(252, 6.0, rng)
    market = labels["market"].codes
    noisy = np.where(
        rng.random(252) < 0.1, 1 - market[np.searchsorted(day, np.arange(252))], market[np.searchsorted(day, np.arange(252))]
    )
    cells, _ = search(y, day, {"market": labels["market"], "alarm": Label(noisy[day], ("off", "on"))}, RULE, seed=1)
    assert [(c.label, c.level) for c in cells if c.found] == [("market", "sell-off")]
    assert ("alarm", "on", "market = sell-off") in [(c.label, c.level, c.explained) for c in cells]


def test_a_crossing_is_found_only_for_what_both_its_labels_leave_open():
    rng = np.random.default_rng(6)
    _, day, labels = finder_desk(504, 0.0, rng)
    both = {"a": labels["row placebo 2"], "b": labels["row placebo 3"]}
    pair = cross(both["a"], both["b"]).codes
    y = rng.standard_normal(len(day)) + 0.4 * (pair == 4)
    found = [c for c in search(y, day, both, RULE, seed=1)[0] if c.found]
    assert [(c.keys, c.level) for c in found if len(c.keys) == 2] == [(("a", "b"), "B, B")]


def test_a_desk_that_is_good_everywhere_has_no_regime():
    y, day, labels = finder_desk(252, 0.0, np.random.default_rng(8))
    cells, _ = search(y + 0.3, day, labels, RULE, seed=1)
    assert not [c for c in cells if c.found] and min(c.p_above for c in cells if len(c.keys) == 1) > 0.95


def test_good_in_one_level_and_bad_in_another_of_one_label_are_both_said():
    y, day, labels = finder_desk(252, 8.0, np.random.default_rng(9), everywhere=-4.0)
    found = {c.level: c.found for c in search(y, day, {"market": labels["market"]}, RULE, seed=1)[0]}
    assert found == {"sell-off": "helps", "calm": "hurts"}


def test_candidates_may_be_given_and_wrong_ones_are_refused(ledger, evidence):
    assert find_regimes(ledger, ["side"], evidence=evidence).candidates == ("side",)
    coin = np.random.default_rng(1).integers(0, 2, len(evidence))
    assert find_regimes(evidence, {"coin": coin}).candidates == ("coin",)
    with pytest.raises(UsageError, match="must be one of"):
        find_regimes(ledger, ["weather"], evidence=evidence)
    with pytest.raises(UsageError, match="labels for"):
        find_regimes(evidence, {"coin": coin[:-1]})


def test_a_label_dated_at_its_decision_is_refused(ledger):
    rows = ledger.rows
    at = rows.column_names.index("regime_cutoff")
    late = dataclasses.replace(ledger, rows=rows.set_column(at, "regime_cutoff", rows["action_time"]))
    for ask in (find_regimes, value_surface, compare_policies):
        with pytest.raises(SkillWithheld, match="E-LOOK"):
            ask(late)


def test_later_signals_move_no_earlier_context(ledger):
    """Deleting the sessions after the sixtieth leaves every label before as it was."""
    dates = sorted(set(ledger.rows["session"].to_pylist()))
    keep = np.array([s <= dates[59] for s in ledger.rows["session"].to_pylist()])
    whole, part = contexts_of(ledger), contexts_of(dataclasses.replace(ledger, rows=ledger.rows.filter(keep)))
    assert set(part) == set(whole)
    for name, label in part.items():
        early = np.array(whole[name].levels, dtype=object)[whole[name].codes[keep]]
        assert np.array_equal(np.array(label.levels, dtype=object)[label.codes], early)
        assert np.array_equal(label.codes < 0, whole[name].codes[keep] < 0)


def test_the_surface_is_about_all_signals_and_silent_where_nothing_overlaps(ledger, evidence):
    surface = value_surface(ledger, evidence=evidence)
    market = {c.cell.level: c for c in surface.contexts if c.cell.keys == ("regime_market",)}
    rows = ledger.rows.to_pandas()
    for level, context in market.items():
        own = rows[rows["regime_market"] == level]
        assert context.signals == len(own) and context.model_pnl == pytest.approx(own["model_pnl"].sum() * 1e-6)
        assert context.rate == pytest.approx(own["is_intervention"].mean()) and not context.why
    assert market["sell-off"].p_helps > 0.9
    table = ledger.rows
    calm = np.array(table["regime_market"].to_pylist()) == "calm"
    acted = np.array(table["is_intervention"].to_pylist(), dtype=bool)
    lopsided = dataclasses.replace(ledger, rows=table.filter(~(calm & acted)))
    silent = {c.cell.level: c for c in value_surface(lopsided).contexts if c.cell.keys == ("regime_market",)}
    assert silent["calm"].p_helps is None and "no signal was overridden" in silent["calm"].why
    assert "compare" not in silent["sell-off"].why


def test_policies_add_up_to_the_ledger(ledger, evidence):
    """Independent sums over the sessions compared, from the frame of rows."""
    made = compare_policies(ledger, evidence=evidence)
    rows = ledger.rows.to_pandas()
    dates = sorted(set(rows["session"]))
    tested = rows[rows["session"] >= made.first]
    quarter = 1e-6 * float(evidence.sessions_per_year) / 4 / (len(dates) - made.burn_in)
    value = {p.key: p.total.quarter for p in made.policies}
    assert made.first == dates[made.burn_in] and value["model"] == 0
    assert value["practice"] == pytest.approx(tested["value_add"].sum() * quarter)
    assert value["without:T2"] == pytest.approx(tested.loc[tested["trader"] != "T2", "value_add"].sum() * quarter)
    stressed = tested["regime_market"] == "sell-off"
    assert value["only:regime_market=sell-off"] == pytest.approx(tested.loc[stressed, "value_add"].sum() * quarter)
    assert value["veto:regime_market=sell-off"] == pytest.approx(-tested.loc[stressed, "model_pnl"].sum() * quarter)
    arms = made.arms
    assert arms["practice"].quarter - arms["model"].quarter == pytest.approx(value["practice"])
    assert arms["practice"].quarter == pytest.approx(tested["actual_pnl"].sum() * quarter)
    assert 1 <= len(made.actions) <= 3 and "practice" in str(made)


def test_learnt_policies_see_nothing_of_what_comes_later(ledger):
    """Without the last thirty sessions, what was chosen before is the same: every earlier session has the same value."""
    from skillstats.boundary import policies as module

    def chosen(book):
        evidence = ss.to_evidence(book)
        signals = read_signals(book)
        rule = module.rule_of(evidence, book.plan)
        rule = dataclasses.replace(
            rule, unit=UNIT, certainty=0.6
        )  # one scale for both, and a certainty that lets something be chosen
        walk = module._Walk(signals, module._decisions(book, evidence, signals), rule, len(signals.dates), 30, 1)
        return {d.key: d.value for d in module._learnt(walk)}

    dates = sorted(set(ledger.rows["session"].to_pylist()))
    rows, slices = (t.filter(np.array([s < dates[72] for s in t["session"].to_pylist()])) for t in (ledger.rows, ledger.slices))
    kept = set(rows["decision_id"].to_pylist())
    decisions = ledger.decisions.filter(np.array([d in kept for d in ledger.decisions["decision_id"].to_pylist()]))
    whole, part = chosen(ledger), chosen(dataclasses.replace(ledger, rows=rows, slices=slices, decisions=decisions))
    for key in ("surface", "supported"):
        assert np.array_equal(part[key], whole[key][:72]) and np.any(whole[key] != 0)


def test_totals_are_t_intervals_and_overlap_widens_the_cluster():
    value = np.random.default_rng(1).normal(1.0, 2.0, 80)
    made = total_of(value, 1, 252)
    half = 1.664371 * value.std(ddof=1) / math.sqrt(80) * 63
    assert (made.quarter, made.q95 - made.quarter) == (pytest.approx(value.mean() * 63), pytest.approx(half, rel=1e-5))
    sticky = np.repeat(np.random.default_rng(2).normal(size=20), 4)
    assert total_of(sticky, 4, 252).q95 - total_of(sticky, 4, 252).quarter > 1.5 * (
        total_of(sticky, 1, 252).q95 - total_of(sticky, 1, 252).quarter
    )


def test_actions_are_ranked_by_gain_and_wait_is_an_answer():
    rng = np.random.default_rng(3)
    rule = Rule(0.25, 1.0, 0.90, 0.10, 10)
    good, better, luck = rng.normal(0.3, 1, 1500), 3 * rng.normal(0.3, 1, 1500), np.r_[60.0, rng.normal(0, 0.1, 500)]
    gains = [(name, name, "", gain_of(v, 1, 252, rule)) for name, v in (("good", good), ("better", better), ("luck", luck))]
    assert [a.key for a in rank_actions(gains, rule, 1500, 252)] == ["better", "good"]
    (wait,) = rank_actions(gains[2:], rule, 501, 252)
    assert wait.key == "wait" and wait.gain is gains[2][3]


def test_expected_losses_agree_with_draws():
    gain = gain_of(np.random.default_rng(4).normal(0.05, 1, 400), 1, 252, Rule(0.25, 1.0, 0.9, 0.1, 10))
    sd = (gain.q95 - gain.quarter) / 1.6448536
    draws = np.random.default_rng(5).normal(gain.quarter, sd, 400_000)
    assert gain.loss_act == pytest.approx(np.maximum(0, -draws).mean(), rel=0.02)
    assert gain.loss_stay == pytest.approx(np.maximum(0, draws).mean(), rel=0.02)


def test_the_study_in_small_form(tmp_path):
    """Six desks a line: the command's table, page and picture; the shipped figures are those of the long run."""
    import pandas as pd

    rows = pd.concat([run_finder(e, 0.0, 126, 6) for e in (0.0, 8.0)])
    table = finder_table(rows).set_index("effect")
    assert table.loc[0.0, "desks_false"] <= 0.4 and table.loc[8.0, "found"] >= 0.7 and table["ok"].all()
    plot_discovery(table.reset_index(), tmp_path / "finder.svg")
    assert (tmp_path / "finder.svg").stat().st_size > 3000 and "| 0, as everywhere | 126 |" in page(table.reset_index())
