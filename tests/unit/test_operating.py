"""Error rates of an evaluation: what is read of a desk, what is simulated, how it is ruled, counted and kept."""

from dataclasses import replace

import numpy as np
import pytest

from skillstats.errors import UsageError
from skillstats.evaluation.annual import year_of
from skillstats.evaluation.influence import leave_one_day_out
from skillstats.inference.gibbs_layout import make_problem
from skillstats.plan import Floors, Plan, Verdict
from skillstats.spec import read_spec
from skillstats.study import operating, operating_judge
from skillstats.study.designs import Design
from skillstats.study.engines import posterior
from skillstats.study.nulls import S_U, S_V, SIGMA, null_desk, skill_of
from skillstats.study.operating import operating_characteristics, set_up
from skillstats.study.operating_cache import keep, kept
from skillstats.study.operating_counts import acted_on, figures_of
from skillstats.study.operating_judge import luck_of_rows, rule, sample, theta_of_ir
from skillstats.study.operating_shape import LuckSizes, lay_looks, luck_sizes, quarters_of, shape_digest, shape_of
from skillstats.study.worlds import with_outcomes

DESK = Design("skilled", "balanced", traders=4, sessions=126, rows=3, regimes=2, actions=2, bets_per_year=400.0)
LUCK = LuckSizes(S_V, np.full(4, S_U), np.full((4, 2), SIGMA))
SPEC = read_spec("crossed_total")
PLAN = Plan()


@pytest.fixture(scope="module")
def evidence():
    return null_desk(DESK, np.random.default_rng(5))


@pytest.fixture(scope="module")
def looks(evidence):
    return lay_looks(shape_of(evidence), SPEC, PLAN, 2)


def test_the_shape_holds_counts_and_labels_and_nothing_that_outcomes_say(evidence):
    shape = shape_of(evidence)
    assert not shape.y.any() and not shape.value_add.any() and (shape.risk == 1).all()
    other = with_outcomes(evidence, evidence.y[::-1] * 7)
    assert shape_digest(shape_of(other)) == shape_digest(shape)
    assert shape_digest(shape_of(evidence.without_session(3))) != shape_digest(shape)
    renamed = replace(evidence, coords={**evidence.coords, "trader": ("P", "Q", "R", "S")})
    assert shape_digest(shape_of(renamed)) == shape_digest(shape)


def test_a_record_is_looked_at_once_a_quarter_of_its_own_year(evidence):
    assert quarters_of(shape_of(evidence)) == 2  # 126 of 252 sessions
    assert quarters_of(shape_of(replace(evidence, sessions_spanned=60))) == 1
    assert quarters_of(shape_of(replace(evidence, sessions_spanned=252 * 9))) == 8
    assert quarters_of(shape_of(replace(evidence, sessions_per_year=None))) == 1
    assert quarters_of(shape_of(replace(evidence, source="outcomes"))) == 1  # items without dates have no order in time


def test_looks_hold_everything_before_them_and_the_last_is_the_whole(evidence, looks):
    assert [look.years for look in looks] == [0.25, 0.5]
    assert np.array_equal(looks[0].rows, np.flatnonzero(evidence.session < 63))
    assert np.array_equal(looks[1].rows, np.arange(len(evidence)))


def test_true_skill_is_the_annual_ir_asked_for_by_the_formula_of_a_balanced_desk(looks):
    m, year = DESK.rows, 252
    sd_of_a_day = np.sqrt(m**2 * (S_V**2 + S_U**2) + m * SIGMA**2)
    for ir in (0.0, 1.0, -2.5):
        assert theta_of_ir(looks[1], LUCK, ir) == pytest.approx(ir * sd_of_a_day / (m * np.sqrt(year)))


def test_without_a_year_skill_is_an_ir_per_decision():
    flat = replace(null_desk(DESK, np.random.default_rng(1)), sessions_per_year=None)
    laid = lay_looks(shape_of(flat), read_spec("crossed_outcomes"), PLAN, 1)[0]
    assert theta_of_ir(laid, LUCK, 0.1) == pytest.approx(0.1 * np.sqrt(S_V**2 + S_U**2 + SIGMA**2))
    assert laid.years is None and laid.hurdle == PLAN.verdict.hurdle_decision


def test_outcomes_laid_on_a_layout_are_those_the_engine_would_have_laid_itself(evidence, looks, monkeypatch):
    seen = {}
    monkeypatch.setattr(operating_judge, "problem_draws", lambda problem, **_: seen.update(problem=problem) or _stop())
    with pytest.raises(StopIteration):
        sample(looks[1], evidence.y, seed=1)
    fresh = make_problem(SPEC, evidence, looks[1].terms, 252 * 3 / 1.6)
    for name in fresh.data._fields:
        assert np.allclose(getattr(seen["problem"].data, name), getattr(fresh.data, name), rtol=1e-10), name
    assert np.allclose(seen["problem"].prior.local_sd, fresh.prior.local_sd)


def _stop():
    raise StopIteration


def test_the_short_chain_finds_what_a_long_one_of_the_engine_finds(evidence, looks):
    long = posterior(SPEC, evidence, replace(DESK, bets_per_year=252 * 3 / 1.6), engine="gibbs", seed=3, lengthen=4)
    short = sample(looks[1], evidence.y, seed=8)
    per_trader = long.draws("mu")[:, None] + long.draws("a")
    found = short.values["mu"][:, None] + short.values["a"]
    assert np.abs(found.mean(axis=0) - per_trader.mean(axis=0)).max() < 0.3 * per_trader.std(axis=0).max()
    assert np.allclose(found.std(axis=0), per_trader.std(axis=0), rtol=0.2)


def test_a_record_four_times_as_long_has_twice_the_hurdle_and_priors_twice_as_wide(looks, evidence):
    laid = looks[1]
    longer = operating.lay(laid.evidence, laid.rows, SPEC, PLAN, 4.0)
    assert longer.hurdle == 2 * laid.hurdle and longer.years == 4 * laid.years
    assert longer.floors.days == 5 and longer.floors.n_eff == 7.5
    for name in ("global_sd", "local_sd"):
        assert getattr(longer.problem.prior, name) == pytest.approx(2 * getattr(laid.problem.prior, name))
    assert longer.problem.prior.level == pytest.approx(laid.problem.prior.level)  # luck stays as it is
    outcomes = replace(laid.evidence, sessions_per_year=None)
    spec = read_spec("crossed_outcomes")
    one, four = (operating.lay(outcomes, laid.rows, spec, PLAN, m) for m in (1.0, 4.0))
    assert four.problem.prior.mu[1] == pytest.approx(2 * one.problem.prior.mu[1])
    assert four.problem.prior.local_sd == pytest.approx(2 * one.problem.prior.local_sd)


def test_the_mirror_turns_skill_into_harm(looks):
    laid = replace(looks[1], hurdle=0.0)
    noise = luck_of_rows(laid.evidence, LUCK, np.random.default_rng(4))
    theta = theta_of_ir(laid, LUCK, 6.0) * np.array([1, 1, 0, 0])
    found = sample(laid, noise + theta[laid.evidence.trader], seed=2)
    plain, mirror = rule(laid, found), rule(laid, found, mirror=True)
    assert plain.skill[:2].all() and mirror.harm[:2].all()
    assert np.array_equal(plain.skill, mirror.harm) and np.array_equal(plain.harm, mirror.skill)
    again = rule(laid, sample(laid, -(noise + theta[laid.evidence.trader]), seed=2))
    assert again.harm[:2].all() and not again.skill[:2].any()


def test_floors_bar_a_trader_from_every_claim(looks, evidence):
    strict = lay_looks(shape_of(evidence), SPEC, Plan(floors=Floors(days=127)), 1)[0]
    y = luck_of_rows(evidence, LUCK, np.random.default_rng(4)) + 1.0
    found = sample(strict, y, seed=1)
    assert not rule(strict, found).skill.any() and not rule(strict, found).known.any()
    assert rule(looks[1], found).skill.all()


def test_a_claim_that_rests_on_one_session_falls_as_it_does_when_every_session_is_left_out(looks):
    laid = looks[1]
    y = luck_of_rows(laid.evidence, LUCK, np.random.default_rng(13))
    own = laid.evidence.trader == 1
    y = y - y[own].mean() * own + 6.0 * (own & (laid.evidence.session == 40))
    laid = replace(laid, certainty=0.55)
    found = sample(laid, y, seed=5, sweeps=(200, 1500))
    made = [operating_judge.estimate(found.draws, replace(laid.evidence, y=y), t, np.zeros(1500)) for t in laid.targets]
    ir = np.stack([e.ir_annual for e in made], axis=1)
    above = (ir > laid.hurdle).mean(axis=0)
    assert above[1] >= 0.55
    every = np.unique(laid.evidence.session)
    whole = operating_judge._without(laid, found, every, ir)
    assert whole.one_bet(1, above[1], ir[:, 1].mean(), whole.probability) == 40
    assert not rule(laid, found).skill[1]
    assert leave_one_day_out is operating_judge.leave_one_day_out


def test_who_acts_at_the_first_claim_has_acted_ever_after():
    claims = np.array([[[False, True], [True, False], [False, False]]])  # (case, look, trader)
    assert acted_on(claims).tolist() == [[[False, True], [True, True], [True, True]]]


def test_the_figures_are_the_shares_a_hand_count_gives():
    # two desks of two traders, two looks; image 0 is the desk, 1 its mirror; kind 0 skill, 1 harm
    def judged(*claimed):
        claims = np.zeros((2, 2, 2, 2), dtype=bool)
        for place in claimed:
            claims[place] = True
        return operating.Judged(claims, np.array([True, False]), np.array([True, True]))

    none = [judged((0, 0, 0, 1)), judged((0, 1, 0, 0), (1, 1, 1, 0))]
    skilled = [judged((0, 1, 0, 0), (1, 1, 1, 0)), judged((0, 0, 0, 0), (0, 1, 0, 1))]
    found = figures_of([none, skilled], (0.0, 3.0), 2, [0.5, 1.0])
    assert found["once"]["desk_skill"]["share"] == 0.25  # one image of four has a claim at the end
    assert found["once"]["trader_skill"]["share"] == 0.125
    assert found["once"]["desk_harm"]["share"] == 0.25
    assert found["every_quarter"]["desk_skill"]["share"] == 0.5  # the claim of the first quarter was acted on
    (three,) = found["found"]
    assert (three["skill"]["share"], three["skill_every_quarter"]["share"]) == (0.5, 1.0)
    assert three["innocent_skill"]["share"] == 0.5 and three["harm"]["share"] == 0.5
    assert [p["share"] for p in found["power"][0]["points"]] == [0.5, 0.5]


@pytest.fixture(scope="module")
def small_fit():
    design = replace(DESK, sessions=63, regimes=1, actions=1)
    return posterior(SPEC, null_desk(design, np.random.default_rng(2)), design, engine="gibbs", seed=4)


def test_no_figure_depends_on_workers_or_on_the_cache(small_fit, tmp_path):
    given = {"plan": PLAN, "desks": 2}
    one = operating_characteristics(small_fit, **given, workers=1, cache=False)
    assert one == operating_characteristics(small_fit, **given, workers=3, cache=tmp_path)
    (file,) = tmp_path.iterdir()
    assert one == operating_characteristics(small_fit, **given, cache=tmp_path)
    file.write_bytes(file.read_bytes().replace(b'"share":', b'"share":1', 1))
    assert one == operating_characteristics(small_fit, **given, cache=tmp_path)  # a file that was changed is not believed
    assert one["available"] and one["own_model"] and one["every_quarter"] is None and one["quarters"] == 1
    assert [p["years"] for p in one["power"][0]["points"]] == [0.25, 0.5, 1.0, 2.0, 4.0]


def test_another_hurdle_is_another_digest_and_other_figures_than_the_seeds(small_fit, monkeypatch):
    monkeypatch.setattr(operating, "_simulate", lambda *_: {})
    digests = {
        operating_characteristics(small_fit, plan, desks=n, cache=False)["digest"]
        for plan, n in ((PLAN, 2), (PLAN, 3), (Plan(verdict=Verdict(hurdle=0.5)), 2), (Plan(floors=Floors(days=30)), 2))
    }
    assert len(digests) == 4


def test_the_cache_of_a_folder_others_may_write_to_is_not_used(tmp_path):
    keep("k", {"a": 1.5}, tmp_path)
    assert kept("k", tmp_path) == {"a": 1.5}
    tmp_path.chmod(0o777)
    assert kept("k", tmp_path) is None


def test_a_withheld_fit_has_no_error_rates_and_a_single_desk_is_refused(small_fit):
    from skillstats.inference.diagnose import FIT, Finding

    bad = Finding("E-DIV", "WITHHOLD", FIT, "", 3.0, 0.0, "3 divergences")
    withheld = replace(small_fit, diagnostics=replace(small_fit.diagnostics, findings=(bad,)))
    found = operating_characteristics(withheld, PLAN)
    assert not found["available"] and "E-DIV" in found["why"]
    with pytest.raises(UsageError, match="at least 2"):
        operating_characteristics(small_fit, PLAN, desks=1)


def test_sizes_of_luck_are_medians_to_three_digits(small_fit):
    found = luck_sizes(small_fit)
    exact = np.median(small_fit.draws("sigma"), axis=0)
    assert np.allclose(found.residual, exact, rtol=6e-3)
    assert all(float(f"{v:.3g}") == v for v in found.residual.ravel())
    assert found.session == float(f"{np.median(small_fit.draws('s_V')):.3g}")


def test_a_model_the_engine_does_not_cover_gets_the_figures_of_crossed_total(small_fit):
    assert operating.model_of(small_fit) is small_fit.spec
    other = replace(small_fit, spec=read_spec("heavy_scale"))
    assert operating.model_of(other).name == "crossed_total"
    assert operating.model_of(replace(small_fit, identity={"custom": "x"})).name == "crossed_total"


def test_the_lo_factor_of_simulated_days_is_the_one_the_evaluation_would_take(looks):
    # a ruling goes through the same estimands: the correction for correlated days is in it
    laid = looks[1]
    y = luck_of_rows(laid.evidence, LUCK, np.random.default_rng(0)) + np.sin(laid.evidence.session / 10.0)
    found = sample(laid, y, seed=1)
    year = year_of(replace(laid.evidence, y=y), 0)
    made = operating_judge.estimate(found.draws, replace(laid.evidence, y=y), laid.targets[0], np.zeros(220))
    assert year.factor < 1 and made.year == year


def test_desks_are_set_up_for_every_level_with_the_same_luck(evidence):
    desks = set_up(SPEC, shape_of(evidence), LUCK, PLAN, 7)
    assert desks.levels == (0.0, 1.0, 2.0, 3.0) and desks.symmetric
    assert [laid.times for laid in desks.later] == [2.0, 4.0, 8.0]
    assert desks.theta[0] == pytest.approx(0) and desks.theta[3] == pytest.approx(3 * desks.theta[1])
    assert skill_of(DESK)[0] == pytest.approx(desks.theta[3][0])
