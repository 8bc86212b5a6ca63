"""Built-in labels: against a second computation, strictly before the decision, refused where a name means nothing or two things."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from click.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "oracle"))

import second_labels as second
from regime_desk import ASSETS, START, calendar, decisions, labels_of, price_rows, record_of, stamp

import skillstats as ss
from skillstats.cli import main
from skillstats.cli.record import _label_lines
from skillstats.errors import LedgerBug, UsageError
from skillstats.market.adjust import corporate_of
from skillstats.market.opening import open_market
from skillstats.market.sessions import load_sessions
from skillstats.plan import MaxAge, Plan, RegimeChoice
from skillstats.record.containers import NULL, Record
from skillstats.regimes import builtin, series
from skillstats.regimes.builtin import RULES, label_source
from skillstats.regimes.states import REFIT, fit_of, fit_states, predict_states, turbulence
from skillstats.regimes.terciles import expanding_terciles
from skillstats.regimes.words import why_labelled

DAYS = 130


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    return price_rows(DAYS, seed=3)


@pytest.fixture(scope="module")
def record(rows) -> Record:
    return record_of(rows)


def by_session(rows: list[dict[str, str]], asset: str, ends: list[int]) -> tuple[list, list, list]:
    """Last mid at the close, mean relative spread and volume of each session, plainly."""
    own = [r for r in rows if r["asset"] == asset]
    at = [int(np.datetime64(r["time"].removesuffix("Z"), "us").astype(np.int64)) for r in own]
    closes, spreads, volumes = [], [], []
    for k, end in enumerate(ends):
        start = ends[k - 1] if k else 0
        mine = [r for r, t in zip(own, at, strict=True) if start < t <= end]
        quotes = [(round(float(r["bid"]) * 100), round(float(r["ask"]) * 100)) for r in mine]
        traded = sum(int(r["volume"] or 0) for r in mine)
        closes.append(sum(quotes[-1]) if quotes else None)
        spreads.append(sum((a - b) * 2 * 10**9 // (a + b) for b, a in quotes) // len(quotes) if quotes else None)
        volumes.append(traded or None)
    return closes, spreads, volumes


@pytest.mark.parametrize("asset", ASSETS)
def test_labels_are_those_of_a_second_computation(asset, rows, record):
    decided = decisions(DAYS)
    found = labels_of(record, ("volatility", "trend", "spread", "volume"), [asset] * len(decided), decided)
    ends = calendar(DAYS)[1].tolist()
    closes, spreads, volumes = by_session(rows, asset, ends)
    at = [second.session_of(ends, t) for t in decided]
    assert found.values["volatility"].tolist() == [second.volatility_label(closes, k) for k in at]
    assert found.values["trend"].tolist() == [second.trend_label(closes, k) for k in at]
    assert found.values["spread"].tolist() == [second.previous_label(spreads, k) for k in at]
    assert found.values["volume"].tolist() == [second.previous_label(volumes, k) for k in at]
    for name in ("volatility", "spread", "volume"):
        assert len(set(found.values[name])) >= 3, name


@pytest.mark.parametrize("name", sorted(RULES))
def test_every_label_carries_the_close_of_the_newest_session_used(name, record):
    decided = decisions(DAYS)
    found = labels_of(record, (name,), ["A"] * len(decided), decided)
    labelled = found.values[name] != "unlabelled"
    ends = calendar(DAYS)[1]
    newest = ends[np.maximum(np.searchsorted(ends, decided) - 1, 0)]
    expected = np.where(labelled & (name != "calendar"), newest, NULL)  # a printed calendar rests on no datum of the record
    assert found.cutoff.tolist() == expected.tolist()
    assert np.all(found.cutoff < decided)


def test_a_decision_at_the_very_close_does_not_see_that_close(rows):
    """The label at the close of a session equals the label at its opening, whatever the close was."""
    opens, closes = calendar(DAYS)
    k = DAYS - 1
    wild = [
        r | {"bid": "1.00", "ask": "900.00", "close": "450.00", "bid_size": "99999"} if r["time"] == stamp(int(closes[k])) else r
        for r in rows
    ]
    use = ("volatility", "trend", "spread", "depth", "volume")
    moments = [int(opens[k]) + 1, int(closes[k])]
    one, other = (labels_of(record_of(r), use, ["A", "A"], moments) for r in (rows, wild))
    for name in use:
        assert one.values[name].tolist() == other.values[name].tolist() and len(set(one.values[name])) == 1


def test_terciles_are_cut_by_earlier_values_only():
    """The values 1 .. 60 come first; then 20 is low (b1 = 20), 21 middle, 40 middle (b2 = 40), 41 high, each judged by what came before it."""
    found = expanding_terciles([*range(1, 61), 20])
    assert (found.low[60], found.high[60], found.earlier[60], found.level[60]) == (20, 40, 60, 0)
    assert [int(expanding_terciles([*range(1, 61), x]).level[60]) for x in (21, 40, 41)] == [1, 1, 2]
    assert (found.level[:60] == -1).all()
    constant = expanding_terciles([5] * 61)
    assert constant.level[60] == 0, "ties at a breakpoint fall below it"


def test_a_market_wide_label_is_that_of_the_named_asset(record):
    decided = decisions(DAYS)
    own = labels_of(record, ("volatility",), ["B"] * len(decided), decided)
    market = labels_of(record, ("volatility@B", "calendar@A"), ["A"] * len(decided), decided)
    assert market.values["volatility@B"].tolist() == own.values["volatility"].tolist()
    assert market.cutoff.tolist() == own.cutoff.tolist()


def test_without_quotes_volumes_or_prices_a_decision_stays_unlabelled(rows):
    closes_only = [{k: r[k] for k in ("asset", "time", "close")} for r in rows if r["asset"] == "A"]
    found = labels_of(record_of(closes_only), ("spread", "volume", "volatility"), ["A", "X"], [decisions(DAYS)[-1]] * 2)
    assert found.values["spread"].tolist() == found.values["volume"].tolist() == ["unlabelled"] * 2
    assert found.values["volatility"][0] != "unlabelled" and found.values["volatility"][1] == "unlabelled"


def test_special_days_are_those_the_exchange_printed():
    """Sandy closed New York on 29 and 30 October 2012 at a day's notice: the Friday before is an ordinary day."""
    sessions = load_sessions("XNYS", *(int(np.datetime64(d, "us").astype(np.int64)) for d in ("2012-08-01", "2013-07-31")))
    flag = dict(zip(sessions.labels, builtin.calendar_flags(sessions), strict=True))
    expected = {
        "2012-08-31": "month end", "2012-09-28": "quarter end", "2012-10-26": "ordinary", "2012-10-31": "month end",
        "2012-11-21": "before holiday", "2012-11-23": "half day", "2012-12-24": "half day", "2012-12-31": "quarter end",
        "2013-01-18": "before holiday", "2013-03-28": "quarter end", "2013-07-03": "half day", "2013-07-05": "ordinary",
    }  # fmt: skip
    assert {d: flag[d] for d in expected} == expected
    always = load_sessions("24/7", START, START + 86_400_000_000 * 40)
    assert set(builtin.calendar_flags(always)) == {"ordinary", "month end", "quarter end"}


# names --------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["smoothed", "centred volatility", "same_day", "depth of book", "time"])
def test_a_name_that_stands_for_nothing_is_refused(name, record):
    with pytest.raises(UsageError, match=r"built in are .*volatility.*they know the outcome"):
        labels_of(record, (name,), ["A"], [START])


def test_a_name_that_stands_for_two_things_is_refused(rows):
    mine = [{"time": stamp(START), "asset": "", "volatility": "mad", "mood": "good"}]
    both = record_of(rows, regimes=mine)
    with pytest.raises(UsageError, match="as a column and the package as a built-in label; rename the column"):
        labels_of(both, ("volatility",), ["A"], [START + 1])
    found = labels_of(both, ("mood", "trend"), ["A"], [decisions(DAYS)[-1]])
    assert found.values["mood"].tolist() == ["good"] and found.values["trend"][0] in ("up", "down")


def test_an_index_without_prices_is_refused(record):
    with pytest.raises(UsageError, match=r"\['trend@SPY'\], but the record has no prices of that asset"):
        labels_of(record, ("trend@SPY",), ["A"], [START])


def test_the_rule_digest_names_every_parameter(record, monkeypatch):
    found = {use: labels_of(record, use, ["A"], [START]).rule for use in ((), ("trend",), ("trend@B",), ("volume",))}
    assert found[()] == "" and len(set(found.values())) == 4
    monkeypatch.setitem(builtin.RULES, "trend", builtin.RULES["trend"].replace("21", "63"))
    assert labels_of(record, ("trend",), ["A"], [START]).rule != found["trend",]


def test_nothing_is_computed_unless_a_plan_names_it(record, monkeypatch):
    monkeypatch.setattr(builtin, "labels_made", lambda *_: pytest.fail("computed"))
    assert labels_of(record, (), ["A"], [START]).values == {}


# look-ahead is refused ----------------------------------------------------------------------------------------------------------------


def centred(returns: np.ndarray, honest: bool) -> series.Series:
    """Volatility of the ten sessions before, the session and the ten after it: what the package does not offer."""
    n = len(returns)
    known = np.where(returns == NULL, 0, returns).astype(float)
    value = [int(np.sqrt(np.mean(known[max(k - 10, 0) : k + 11] ** 2))) for k in range(n)]
    return series.Series(value, np.minimum(np.arange(n) + 10, n - 1) if honest else np.arange(n) - 1)


@pytest.mark.parametrize("ahead", [0, 10], ids=["same day", "centred"])
def test_a_label_that_admits_to_the_decisions_own_session_is_refused(ahead, record, monkeypatch):
    real = series.volatility_series
    monkeypatch.setattr(
        series, "volatility_series", lambda r: replace(real(r), newest=np.minimum(np.arange(len(r)) + ahead, len(r) - 1))
    )
    with pytest.raises(LedgerBug, match=r"label\(s\) of 'volatility' rest on data at or after the decision"):
        labels_of(record, ("volatility",), ["A"], [decisions(DAYS)[-1]])
    monkeypatch.setattr(series, "volatility_series", lambda r: centred(r, honest=True))
    with pytest.raises(LedgerBug, match="at or after the decision"):
        labels_of(record, ("volatility",), ["A"], [decisions(DAYS)[-30]])


# hidden states ------------------------------------------------------------------------------------------------------------------------


def two_states(n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    state = np.cumsum(rng.random(n) < 0.02) % 2
    return np.round(np.where(state == 1, 2.5, 0.8) * rng.standard_normal(n) * 1e7).astype(np.int64)


def test_predictions_are_those_of_statsmodels():
    """Same parameters, same predictions to 1e-10 and same likelihood; the fit finds what was planted and is as likely as statsmodels' own."""
    from statsmodels.tsa.regime_switching.markov_regression import MarkovRegression

    returns = two_states(500, 5)
    states = fit_states(returns)
    assert states is not None
    assert 0.6 < states.sd[0] < 1.0 and 2.0 < states.sd[1] < 3.0 and min(states.stay) > 0.9
    model = MarkovRegression(returns * 1e-7, 2, trend="n", switching_variance=True)
    own = [states.stay[0], 1 - states.stay[1], states.sd[0] ** 2, states.sd[1] ** 2]
    there = model.filter(own)
    assert model.loglike(own) > model.fit(disp=False, cov_type="none").llf - 0.05, "rounded to three digits"
    np.testing.assert_allclose(predict_states(returns, states)[:-1], there.predicted_marginal_probabilities[:, 1], atol=1e-10)


def test_states_are_refitted_at_fixed_points_from_the_past_only():
    returns = two_states(400, 6)
    wanted = np.arange(401)
    padded = np.r_[returns, NULL]
    whole, failed = builtin.hmm_probabilities(padded, wanted)
    assert np.isnan(whole[:252]).all() and not np.isnan(whole[252:]).any() and not failed.any()
    rng = np.random.default_rng(0)
    for cut in (260, 315, 390):
        scrambled = np.r_[returns[:cut], rng.permutation(returns[cut:]) * 3, NULL]
        other, _ = builtin.hmm_probabilities(scrambled, np.arange(cut + 1))
        assert other[: cut + 1].tobytes() == whole[: cut + 1].tobytes()
    states, ahead = turbulence(returns, 315)
    assert states == fit_states(returns[:315]) and len(ahead) == REFIT and ahead[5] == whole[320]
    assert fit_of(320) == 315


def test_labels_that_nearly_were_the_other_state_are_counted():
    """Against the probabilities of single decisions: 1/3 to 2/3; two decisions a session count twice."""
    record, decided = record_of(price_rows(300, seed=11, assets=("A",))), decisions(300)
    found = labels_of(record, ("hmm",), ["A"] * len(decided), decided)
    source = label_source(open_market(record, record.plan), corporate_of(record))
    at = source.market.sessions_of(0).index_of(np.array(decided)).tolist()
    probability = [builtin.hmm_probability(source, 0, k)[1] for k in at]
    assert found.borderline == sum(1 <= 3 * p <= 2 for p in probability) == 8
    assert sum(p >= 0 for p in probability) > 60 and labels_of(record, ("trend",), ["A"], decided[-1:]).borderline is None
    counts = {"rows": 90, "unlabelled": 0, "unfitted": 0, "borderline": found.borderline}
    said = _label_lines({"counts": counts, "plan": {"regimes": {"use": ["hmm"]}}})
    assert said == ["8 label(s) of hmm are borderline: the other state was at least half as likely"]


def test_a_fit_that_fails_leaves_decisions_unlabelled_and_counts_them(monkeypatch):
    rows = price_rows(270, seed=11, assets=("A",))
    record, decided = record_of(rows), decisions(270)
    asset = ["A"] * len(decided)
    good = labels_of(record, ("hmm",), asset, decided)
    labelled = good.values["hmm"] != "unlabelled"
    assert good.unfitted == 0 and labelled.sum() > 20 and set(good.values["hmm"][labelled]) <= {"calm", "turbulent"}
    monkeypatch.setattr("skillstats.regimes.states.fit_states", lambda _: None)
    bad = labels_of(record, ("hmm",), asset, decided)
    assert (
        bad.unfitted == labelled.sum()
        and bad.borderline == 0
        and (bad.values["hmm"] == "unlabelled").all()
        and (bad.cutoff == NULL).all()
    )
    assert fit_states(np.zeros(252, dtype=np.int64)) is None


@pytest.fixture(scope="module")
def ledger() -> ss.Ledger:
    made, _ = ss.simulate(ss.World(sessions=30, history=90, traders=2, directional=()), seed=2)
    return ss.build_ledger(made, msgspec.structs.replace(made.plan, regimes=RegimeChoice(use=("volatility", "trend"))))


def test_a_ledger_carries_them_into_evidence(ledger):
    """The whole chain on a simulated desk: plan, ledger column, evidence; each label before its decision."""
    evidence = ss.to_evidence(ledger)
    assert evidence.context["look_ahead"] == 0
    assert {part for cell in evidence.coords["regime"] for part in cell.split(" | ")} == {"low", "middle", "high", "up", "down"}
    assert ledger.result["counts"]["unlabelled"] == 0 and not {"unfitted", "borderline"} & set(ledger.result["counts"])


def test_a_decision_over_two_days_keeps_the_label_of_its_first_action(rows):
    """The second row knows a close that the first could not know; the decision's label is the first one's, and that is no look-ahead."""
    opens, _ = calendar(DAYS)
    at = [int(t) + 3 * 3_600_000_000 for t in opens[100:103]]
    signals = [
        {"signal_id": f"S{i}", "time": stamp(t), "model": "m", "asset": "A", "side": "BUY", "quantity": "10"}
        for i, t in enumerate(at)
    ]
    actions = [
        {
            "action_id": f"V{i}",
            "signal_id": f"S{i}",
            "time": stamp(t + 1),
            "trader": "T",
            "action": "VETO",
            "quantity": "",
            "decision_id": "D",
        }
        for i, t in enumerate(at)
    ]
    plan = Plan(horizon="close", max_age=MaxAge(quote="PT96H"), regimes=RegimeChoice(use=("volatility",)))
    ledger = ss.build_ledger(record_of(rows, plan, signals=signals, actions=actions))
    cutoffs = ledger.rows["regime_cutoff"].to_pylist()
    evidence = ss.to_evidence(ledger)
    assert len(set(cutoffs)) == 3 and evidence.context["look_ahead"] == 0
    assert evidence.coords["regime"] == (ledger.rows["regime_volatility"][0].as_py(),)


def test_an_explanation_tells_number_breakpoints_and_cut_off(ledger, tmp_path):
    row = next(r for r in ledger.rows.to_pylist() if r["is_intervention"])
    text = ss.explain(ledger, row["signal_id"]).text
    label, trend, cutoff = row["regime_volatility"], row["regime_trend"], f"{row['regime_cutoff']:%Y-%m-%d %H:%M:%S} UTC"
    assert re.search(
        rf"volatility: {label}; volatility of the last 21 sessions [\d.]+% a session; a third of \d+ earlier sessions lay", text
    )
    assert f"trend: {trend}; compounded return of the last 21 sessions" in text
    assert f"the newest datum used is of {cutoff}, before the decision at" in text
    ledger.write(tmp_path / "ledger")
    back = ss.explain(ss.read_ledger(tmp_path / "ledger"), row["signal_id"]).text
    assert f"volatility: {label}\n" in back and "the labels are shown as stored" in back


@pytest.mark.parametrize(("column", "value"), [("regime_volatility", "mad"), ("regime_rule", "0" * 16)])
def test_an_explanation_finds_a_changed_label(column, value, ledger):
    row = ledger.rows.to_pylist()[5]
    cells = pa.array([value] * ledger.rows.num_rows)
    spoilt = replace(ledger, rows=ledger.rows.set_column(ledger.rows.column_names.index(column), column, cells))
    with pytest.raises(LedgerBug, match=f"{column} is {value}, recomputed"):
        ss.explain(spoilt, row["signal_id"])


@pytest.mark.parametrize(
    ("name", "day", "said"),
    [
        ("volatility", 5, "fewer than 10 of the last 21 sessions have a return"),
        ("volatility", 40, "but only 29 earlier sessions to compare it with; 60 are needed"),
        ("spread@A", 129, "A's mean relative spread of the session before 0."),
        ("depth@A", 129, "A's mean size at the best bid and ask of the session before "),
        ("volume", 129, "a third of 127 earlier sessions lay at or below"),
        ("hmm", 129, "only 128 earlier returns; the first fit needs 252"),
        ("calendar", 129, "by the regular calendar of the exchange, known long before"),
    ],
)
def test_every_reason_has_its_words(name, day, said, record):
    source = label_source(open_market(record, record.plan), corporate_of(record))
    assert said in why_labelled(source, name, "A", int(calendar(DAYS)[1][day]))


def test_the_command_line_counts_missing_labels(tmp_path, rows):
    """`check` and `ledger` take built-in names, say how many labels are missing, and refuse a name with words."""
    folder = tmp_path / "record"
    folder.mkdir()
    at = stamp(int(calendar(40)[0][30]) + 60_000_000)
    tables = {
        "prices": rows,
        "signals": [{"signal_id": "S", "time": at, "model": "m", "asset": "A", "side": "BUY", "quantity": "1"}],
        "actions": [{"action_id": "V", "signal_id": "S", "time": at, "trader": "T", "action": "VETO", "quantity": ""}],
    }
    for name, cells in tables.items():
        pd.DataFrame(cells).to_csv(folder / f"{name}.csv", index=False)
    text = 'horizon = "session+1"\n[max_age]\nquote = "PT96H"\n[regimes]\nuse = [{}]\n'
    for name, use in (("good", '"trend", "volatility"'), ("bad", '"vix"')):
        (tmp_path / f"{name}.toml").write_text(text.format(use))
    missing = "1 label(s) missing among 1 rows and the regimes trend, volatility: too little known before the decision"
    run = CliRunner().invoke
    checked = run(main, ["check", str(folder), "--plan", str(tmp_path / "good.toml")])
    assert missing in checked.output, checked.output
    out = ["--out", str(tmp_path / "l")]
    done = run(main, ["ledger", str(folder), "--plan", str(tmp_path / "good.toml"), *out, "--explain", "S"])
    assert missing in done.output and "volatility: unlabelled; volatility of the last 21 sessions" in done.output
    refused = run(main, ["check", str(folder), "--plan", str(tmp_path / "bad.toml")])
    assert refused.exit_code == 2 and "regimes.use names ['vix']" in refused.output
