"""Risk of the book with and without people, against brute force, closed forms and planted traders."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from scipy.stats import norm
from scipy.stats import t as student

import skillstats as ss
from skillstats.attribution import measures
from skillstats.attribution.day_books import DayBooks, cut_decisions, day_books, sum_in_order
from skillstats.attribution.risk import risk_scores
from skillstats.attribution.risk_draws import Prices, interval_of, measured, resampled
from skillstats.attribution.unseen import unseen_of
from skillstats.errors import DomainError, UsageError


@pytest.fixture(scope="module")
def ledger() -> ss.Ledger:
    world = ss.World(traders=3, sessions=45, signals_per_day=4.0, directional=(), annual_ir=0.0)
    record, _ = ss.simulate(world, seed=11)
    return ss.build_ledger(record)


def books_of(model: np.ndarray, difference: np.ndarray, **changes: np.ndarray) -> DayBooks:
    """Books of chosen days; difference : (session, trader)."""
    n, people = difference.shape
    zero = np.zeros(n)
    given = {
        "sessions": tuple(f"d{k:05d}" for k in range(n)),
        "traders": tuple(f"T{j + 1}" for j in range(people)),
        "model": model,
        "actual": model + difference.sum(axis=1),
        "model_cost": zero,
        "actual_cost": zero,
        "difference": difference,
        "cost": np.zeros_like(difference),
        "avoided": np.maximum(difference, 0),
        "forgone": np.maximum(-difference, 0),
        "per_year": 252.0,
    }
    return DayBooks(**(given | changes))


def es_by_hand(pnl: np.ndarray, tail: float) -> float:
    """Mean of the worst days, the last one counted in part, one day at a time."""
    left, lost = tail * len(pnl), 0.0
    for x in sorted(pnl):
        lost, left = lost - min(1.0, left) * x, left - min(1.0, left)
    return lost / (tail * len(pnl))


def drawdown_by_hand(pnl: np.ndarray) -> float:
    return max(max(sum(pnl[i:j]) * -1 for j in range(i, len(pnl) + 1)) for i in range(len(pnl)))


@pytest.mark.parametrize(("n", "tail"), [(20, 0.05), (63, 0.05), (252, 0.05), (40, 0.13), (7, 0.3)])
def test_shortfall_and_drawdown_against_loops(n, tail):
    pnl = np.random.default_rng(n).standard_t(3, (4, n))
    for row, es, fall in zip(pnl, measures.expected_shortfall(pnl, tail), measures.max_drawdown(pnl), strict=True):
        assert es == pytest.approx(es_by_hand(row, tail), rel=1e-12)
        assert fall == pytest.approx(max(drawdown_by_hand(row), 0.0), rel=1e-9)


def test_shortfall_of_a_normal_is_the_closed_form():
    z = norm.ppf((np.arange(200_000) + 0.5) / 200_000)
    assert float(measures.expected_shortfall(z)) == pytest.approx(norm.pdf(norm.ppf(0.05)) / 0.05, rel=1e-4)


def test_manipulation_proof_measure_is_the_formula_and_its_limits():
    pnl = np.array([10.0, -20.0, 30.0, 5.0])
    gross = 1 + pnl / 100
    for rho in (2.0, 3.0, 5.0):
        by_hand = 4 / (1 - rho) * np.log(np.mean(gross ** (1 - rho)))
        assert float(measures.manipulation_proof(pnl, capital=100, risk_aversion=rho, sessions_per_year=4)) == pytest.approx(
            by_hand
        )
    log_growth = float(measures.manipulation_proof(pnl, capital=100, risk_aversion=1, sessions_per_year=4))
    assert log_growth == pytest.approx(np.log(gross).sum())
    assert float(measures.manipulation_proof(pnl, capital=20)) == -np.inf
    with pytest.raises(DomainError):
        measures.manipulation_proof(pnl, capital=0)


def test_selling_options_raises_the_sharpe_ratio_and_not_the_manipulation_proof_measure():
    """Goetzmann et al. 2007: a market in which calls are fairly priced, by quadrature; half of the upside is sold every month."""
    sd, step, rho = 0.15, 1 / 12, 3.0
    z = norm.ppf((np.arange(100_000) + 0.5) / 100_000)
    market = np.expm1((rho * sd**2 - sd**2 / 2) * step + sd * np.sqrt(step) * z)
    call = 2 * norm.cdf(sd * np.sqrt(step) / 2) - 1  # Black and Scholes at the money, no interest
    seller = market + 0.5 * (call - np.maximum(market, 0))
    sharpe = [x.mean() / x.std() for x in (market, seller)]
    mppm = [float(measures.manipulation_proof(x, capital=1, risk_aversion=rho, sessions_per_year=12)) for x in (market, seller)]
    assert sharpe[1] > sharpe[0] and mppm[1] < 0.93 * mppm[0]
    assert mppm[0] == pytest.approx(rho * sd**2 / 2, rel=1e-3)  # lognormal closed form: mu - rho sd^2 / 2


def test_certainty_equivalent_is_the_measure_to_second_order():
    rng = np.random.default_rng(1)
    model, actual = rng.normal(3, 100, 50_000), rng.normal(5, 80, 50_000)
    capital, rho = 50_000.0, 3.0
    ce = float(measures.certainty_equivalent(model, actual, aversion=rho / capital))
    both = [float(measures.manipulation_proof(x, capital=capital, risk_aversion=rho)) for x in (model, actual)]
    assert ce == pytest.approx(capital * (both[1] - both[0]), rel=0.01)


def test_unseen_loss_bound_and_the_trap_of_the_perfect_record():
    """95% wins, true mean 0: 4.7% of 60-decision samples hold no loss at all; the bound then still allows the true chance."""
    assert pytest.approx(0.047, abs=0.002) == 0.95**60
    wins = unseen_of("T1", np.full(60, 100.0), 60)
    assert wins.hit_rate == 1 and wins.worst is None and wins.option_like and 0.05 > wins.no_loss_bound > 0.048
    assert (1 - wins.no_loss_bound) ** 60 == pytest.approx(0.05)
    assert wins.cancelling_loss * wins.no_loss_bound * 60 == pytest.approx(wins.total)
    fair = unseen_of("T1", np.array([100.0, -90.0] * 20), 30)
    assert not fair.option_like and fair.losses == 20 and fair.worst == -90
    with pytest.raises(DomainError):
        measures.unseen_bound(0)


def test_books_of_the_days_add_up_to_the_ledger(ledger):
    books = day_books(ledger)
    totals = ledger.result["totals"]
    assert books.model.sum() == pytest.approx(totals["model"] / 1e6) and books.actual.sum() == pytest.approx(
        totals["actual"] / 1e6
    )
    assert books.difference.sum() == pytest.approx(totals["value_add"] / 1e6)
    assert np.allclose(books.actual - books.model, books.difference.sum(axis=1))
    rows = ledger.rows.to_pandas()
    cut = rows[rows["is_intervention"] & (rows["actual_quantity"] >= 0) & (rows["actual_quantity"] < rows["model_quantity"])]
    single = cut.groupby("decision_id").size()
    own = cut_decisions(ledger)
    assert set(single.index) >= set(own["decision_id"]) and len(own) > 50
    assert own["value"].sum() * 1e6 == pytest.approx(cut[cut["decision_id"].isin(own["decision_id"])]["value_add"].sum())
    assert books.avoided.sum() - books.forgone.sum() == pytest.approx(own["value"].sum())
    assert len(books.sessions) == len(set(books.sessions)) >= 45 and list(books.sessions) == sorted(books.sessions)


def test_open_chains_are_left_out(ledger):
    asset = ledger.books["asset"][0].as_py()
    state = pa.array(["open_to_date" if a == asset else "closed" for a in ledger.books["asset"].to_pylist()])
    changed = ledger.books.set_column(ledger.books.column_names.index("state"), "state", state)
    frame = ledger.books.to_pandas()
    left = frame[(frame["asset"] != asset) & (frame["line"] == "model_frozen")]["pnl"].sum()
    assert day_books(dataclasses.replace(ledger, books=changed)).model.sum() * 1e6 == pytest.approx(left)
    none = dataclasses.replace(ledger, books=ledger.books.filter(pc.equal(ledger.books["line"], "feedback")))
    assert day_books(none) is None
    with pytest.raises(UsageError, match="0 sessions"):
        risk_scores(none)


def test_scores_are_what_the_measures_say(ledger):
    found = risk_scores(ledger, draws=50, seed=3)
    books = day_books(ledger)
    by = {(c.trader, c.measure): c for c in found.changes}
    assert by[None, "volatility"].model == pytest.approx(np.std(books.model, ddof=1))
    assert by[None, "volatility"].with_people == pytest.approx(np.std(books.actual, ddof=1))
    assert by["T2", "shortfall"].with_people == pytest.approx(es_by_hand(books.model + books.difference[:, 1], 0.05))
    assert by[None, "drawdown"].change == pytest.approx(
        float(measures.max_drawdown(books.actual)) - float(measures.max_drawdown(books.model))
    )
    assert by[None, "value_add"].change == pytest.approx(252 * books.difference.sum() / len(books.sessions))
    assert found.capital == pytest.approx(10 * np.std(books.model, ddof=1) * np.sqrt(252))
    ce = by[None, "certainty_equivalent"].change
    variance = np.var(books.actual, ddof=1) - np.var(books.model, ddof=1)
    assert ce == pytest.approx(by[None, "value_add"].change - 252 * 3 / found.capital / 2 * variance)
    gain = sum(by[name, "value_add"].change for name in books.traders)
    assert gain == pytest.approx(by[None, "value_add"].change)
    assert {c.score for c in found.changes} == {"value-add", "risk", "cost", "tails", "price of risk"}
    assert found == risk_scores(ledger, draws=50, seed=3) and found != risk_scores(ledger, draws=50, seed=4)
    assert (
        "expected shortfall" in str(found)
        and "Volatility" in found.summary().index
        and len(found.to_pandas()) == len(found.changes)
    )


def test_read_back_from_its_folder_it_says_the_same(ledger, tmp_path):
    ledger.write(tmp_path / "l")
    assert risk_scores(ss.read_ledger(tmp_path / "l"), draws=20) == risk_scores(ledger, draws=20)


def test_tails_are_the_models_days_by_loop():
    rng = np.random.default_rng(2)
    model, difference = rng.normal(0, 10, 60), rng.normal(0, 3, (60, 2))
    books = books_of(model, difference)
    base, points = measured(books, Prices(0.05, 1000.0, 3.0, 252.0))
    order = np.argsort(model)
    own = difference[:, 1]
    assert points[2]["tail_avoided"] == pytest.approx(own[order[:3]].mean())
    assert points[2]["tail_forgone"] == pytest.approx(-own[order[-3:]].mean())
    assert points[2]["tail_net"] == pytest.approx(points[2]["tail_avoided"] - points[2]["tail_forgone"])
    assert points[2]["cut_tail_avoided"] == pytest.approx(np.maximum(own, 0)[order[:3]].mean())
    assert points[2]["cut_tail_net"] == pytest.approx(own[order[:3]].mean())
    assert base["cost"] == 0 and points[1]["cut_net"] == pytest.approx(252 * difference[:, 0].mean())


def test_costs_are_compared_and_a_traders_cost_is_what_he_adds():
    zero, one = np.zeros(40), np.ones(40)
    model = np.random.default_rng(3).normal(0, 1, 40)
    books = books_of(
        model, np.zeros((40, 1)), model_cost=3 * one, actual_cost=2 * one, cost=-np.ones((40, 1)), avoided=zero[:, None]
    )
    base, points = measured(books, Prices(0.05, 100.0, 3.0, 250.0))
    assert base["cost"] == 750
    for own in points:
        assert own["cost"] == -250 and own["with_cost"] == 500


def test_halving_every_position_halves_the_risk_and_insurance_meets_the_mandate():
    rng = np.random.default_rng(4)
    model = rng.standard_t(4, 250) * 1000
    half, doubled = -0.5 * model[:, None], model[:, None]
    base, (desk, _) = measured(books_of(model, half), Prices(0.05, 1e6, 3.0, 252.0))
    for name in ("volatility", "shortfall", "drawdown"):
        assert desk[f"{name}_share"] == pytest.approx(-0.5) and desk[name] == pytest.approx(-0.5 * base[name])
    draws = resampled(books_of(model, half), Prices(0.05, 1e6, 3.0, 252.0), block=1, draws=200, seed=1)[0]
    assert np.allclose(draws["shortfall_share"], -0.5) and np.all(draws["tail_avoided"] > 0)
    worse = measured(books_of(model, doubled), Prices(0.05, 1e6, 3.0, 252.0))[1][0]
    assert worse["shortfall_share"] == pytest.approx(1.0)


def test_ruin_and_a_dead_model_book_leave_prices_out():
    model = np.random.default_rng(6).normal(0, 1, 30)
    ruined = measured(books_of(model, np.zeros((30, 1))), Prices(0.05, 0.5, 3.0, 252.0))[1][0]
    assert not np.isfinite(ruined["mppm"])
    dead = measured(books_of(np.zeros(30), model[:, None]), Prices(0.05, None, 3.0, 252.0))[1][0]
    assert "mppm" not in dead and "certainty_equivalent" not in dead and np.isnan(dead["shortfall_share"])


@pytest.mark.parametrize(
    ("given", "word"), [({"tail": 0.6}, "tail"), ({"capital": -1.0}, "capital"), ({"risk_aversion": 0}, "aversion")]
)
def test_arguments_out_of_range_are_refused(ledger, given, word):
    with pytest.raises(UsageError, match=word):
        risk_scores(ledger, draws=5, **given)


def test_intervals_of_changes_hold_the_truth():
    """Independent days, one trader who cuts a third of every loss and gain: the true change of sd and shortfall is known."""
    rng = np.random.default_rng(7)
    prices = Prices(0.05, 1e4, 3.0, 252.0)
    held = dict.fromkeys(("volatility", "shortfall", "certainty_equivalent"), 0)
    es, runs = norm.pdf(norm.ppf(0.05)) / 0.05, 60
    for run in range(runs):
        model, noise = rng.normal(0, 100, 250), rng.normal(0, 40, 250)
        books = books_of(model, (-model / 3 + noise)[:, None])
        draws = resampled(books, prices, block=1, draws=200, seed=run)[0]
        new = np.hypot(200 / 3, 40)
        truth = {"volatility": new - 100, "shortfall": es * (new - 100), "certainty_equivalent": -252 * 1.5e-4 * (new**2 - 1e4)}
        for name, value in truth.items():
            low, high = interval_of(name, draws[name], 12.5)
            held[name] += low <= value <= high
    assert all(47 <= count <= 60 for count in held.values()), held


def test_only_the_interval_of_the_shortfall_is_stretched():
    draws = np.random.default_rng(9).normal(3, 1, 50_000)
    for name in ("volatility", "shortfall"):
        low, high = interval_of(name, draws, 3.0)
        reach = student.ppf(0.95, 3) if name == "shortfall" else norm.ppf(0.95)
        assert (low, high) == pytest.approx((3 - reach, 3 + reach), abs=0.05)


def test_every_party_shares_the_days_of_a_draw():
    rng = np.random.default_rng(8)
    books = books_of(rng.normal(0, 1, 40), rng.normal(0, 1, (40, 3)))
    desk, *own = resampled(books, Prices(0.05, 100.0, 3.0, 252.0), block=2, draws=30, seed=1)
    assert np.allclose(desk["value_add"], sum(o["value_add"] for o in own))
    for a, b in itertools.pairwise(own):
        assert not np.allclose(a["shortfall"], b["shortfall"])


def test_sums_of_books_come_in_one_order_whatever_the_threads_and_pieces():
    """Fractions added in another order differ in the last digit, so the order of the groups must not be left to chance."""
    rng, rows, keys = np.random.default_rng(3), 20_000, ["line", "session", "trader"]
    made = pa.table(
        {
            "line": rng.choice(["model_frozen", "actual", "difference"], rows),
            "session": np.sort(rng.integers(0, 60, rows)).astype(str),
            "trader": rng.choice([f"T{j}" for j in range(40)], rows),
            "pnl": rng.integers(-(10**12), 10**12, rows),
            "cost": rng.integers(0, 10**9, rows),
        }
    )
    pieces = pa.concat_tables([made.slice(k, 500) for k in range(0, rows, 500)])
    expected = made.to_pandas().groupby(keys)[["pnl", "cost"]].sum().reset_index()
    for table in (made, pieces, made.take(rng.permutation(rows))):
        found = sum_in_order(table, keys, ["pnl", "cost"]).to_pandas()
        assert found[keys].equals(expected[keys])
        assert (found[["pnl_sum", "cost_sum"]].to_numpy() == expected[["pnl", "cost"]].to_numpy()).all()
