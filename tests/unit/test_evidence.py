"""From money to outcomes without a unit: the risk of a path, rows of one decision, slices, and what does not become evidence."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from skillstats.errors import SkillWithheld, UsageError
from skillstats.evidence import Evidence, read_outcomes, to_evidence
from skillstats.evidence.cells import distinct_rows
from skillstats.evidence.risk import add_within_decision
from skillstats.ledger.build import build_ledger
from skillstats.ledger.containers import Ledger
from skillstats.plan import Asset, EvidenceChoice, MaxAge, Plan
from skillstats.record import read_record

PAST = [f"2026-06-{d:02d}" for d in (8, 9, 10, 11, 12, 15, 16, 17, 18, 22, 23, 24, 25, 26, 29, 30)]
DAY, NEXT, THIRD = "2026-07-01", "2026-07-02", "2026-07-06"
MINUTES = 390
COLUMNS = {
    "signals": "signal_id time model asset side quantity horizon",
    "actions": "action_id signal_id time trader action quantity decision_id recorded_at asset side",
    "fills": "fill_id action_id time quantity price fee",
    "prices": "asset time bid ask",
}


def at(clock: str, day: str = DAY) -> str:
    return f"{day}T{clock}:00Z"


def history(asset: str, days: list[str] = PAST) -> list[tuple[str, ...]]:
    """Closes that alternate between 100 and 101."""
    return [(asset, at("20:00", d), str(100 + i % 2), str(100 + i % 2)) for i, d in enumerate(days)]


def quotes(asset: str, *points: tuple[str, str]) -> list[tuple[str, ...]]:
    return [(asset, time, price, price) for time, price in points]


def build(plan: Plan, **tables: list[tuple[str, ...]]) -> Ledger:
    frames = {}
    for name, rows in ((k, v) for k, v in tables.items() if v):
        columns = COLUMNS[name].split()
        frames[name] = pd.DataFrame([(*r, *[""] * (len(columns) - len(r))) for r in rows], columns=columns, dtype=object)
    return build_ledger(read_record(frames, plan, now="2027-01-01T00:00:00Z"))


PLAN = Plan(horizon="close", max_age=MaxAge(quote="PT24H"))
ONE_DAY = [*history("A"), *quotes("A", (at("14:30"), "100"), (at("15:00"), "100.5"), (at("20:00"), "102"))]


def one(verb: str, quantity: str, fills: list[tuple[str, ...]], plan: Plan = PLAN) -> tuple[Evidence, float]:
    """Evidence of one answer to BUY 200 @ 100 at 14:30, and volatility times price."""
    ledger = build(plan, signals=[("S1", at("14:30"), "m", "A", "BUY", "200")], actions=[("A1", "S1", at("14:30"), "T1", verb, quantity)],
                   fills=fills, prices=ONE_DAY)  # fmt: skip
    evidence = to_evidence(ledger)
    return evidence, 100 * ledger.rows["volatility"][0].as_py() * 1e-9


def fill(clock: str, quantity: str, price: str, name: str = "F1") -> tuple[str, ...]:
    return name, "A1", at(clock), quantity, price, "0"


def test_the_volatility_is_that_of_the_sessions_before() -> None:
    """Fifteen returns of +1 % and -0.990099 % in turn; the day of the decision, +2 %, is not among them."""
    unit = one("VETO", "", [])[1] / 100
    up, down = 0.01**2, (1 / 101) ** 2
    assert unit == pytest.approx(math.sqrt((8 * up + 7 * down) / 15), rel=1e-7)


@pytest.mark.parametrize(
    ("verb", "quantity", "fills", "gap_squared_minutes"),
    [
        pytest.param("VETO", "", [], 200**2 * 330, id="veto: |Q - q| to the horizon"),
        pytest.param("RESIZE", "500", [("14:30", "500", "100")], 300**2 * 330, id="immediate resize: |Q - q|"),
        pytest.param("DELAY", "200", [("15:00", "200", "100.5")], 200**2 * 30, id="delay: q over the wait"),
        pytest.param(
            "DELAY", "200", [("15:00", "150", "100.5"), ("16:00", "50", "101")], 200**2 * 30 + 50**2 * 60, id="delay in two parts"
        ),
        pytest.param(
            "RESIZE", "500", [("15:00", "500", "100.5")], 200**2 * 30 + 300**2 * 300, id="late resize: the wait, then the size"
        ),
        pytest.param("REVERSE", "100", [("14:30", "100", "100")], 300**2 * 330, id="reverse: q + Q"),
        pytest.param("REPRICE", "200", [("14:30", "200", "99.9")], 200**2 * 1, id="immediate reprice: one minute"),
    ],
)
def test_the_risk_of_a_path(verb: str, quantity: str, fills: list[tuple[str, str, str]], gap_squared_minutes: int) -> None:
    """w = price * volatility * sqrt(sum dq^2 dt); 14:30 to the close are 330 of the session's 390 minutes."""
    evidence, unit = one(verb, quantity, [fill(*f, name=f"F{i}") for i, f in enumerate(fills)])
    assert evidence.risk.tolist() == pytest.approx([unit * math.sqrt(gap_squared_minutes / MINUTES)])
    assert evidence.counts["risk_floor"] == (verb == "REPRICE")
    assert evidence.y == pytest.approx(evidence.value_add / evidence.risk)


def test_an_order_without_a_signal_bears_the_risk_of_its_own_path() -> None:
    ledger = build(PLAN, signals=[("S1", at("14:30"), "m", "A", "BUY", "200")], prices=ONE_DAY, fills=[fill("15:00", "50", "100.5")],
                   actions=[("A1", "", at("15:00"), "T1", "INITIATE", "50", "", "", "A", "SELL")])  # fmt: skip
    evidence = to_evidence(ledger)
    unit = 100.5 * ledger.rows["volatility"][1].as_py() * 1e-9
    assert evidence.risk.tolist() == pytest.approx([50 * unit * math.sqrt(300 / MINUTES)])
    assert evidence.value_add.tolist() == [-75.0] and evidence.coords["action"] == ("INITIATE",)


def two_rows(side: str, plan: Plan = PLAN) -> Evidence:
    """One decision: VETO of BUY 200 A and of 100 B on `side`."""
    prices = [*ONE_DAY, *(("B", *row[1:]) for row in ONE_DAY)]
    return to_evidence(build(plan, signals=[("S1", at("14:30"), "m", "A", "BUY", "200"), ("S2", at("14:30"), "m", "B", side, "100")],
                             actions=[("A1", "S1", at("14:30"), "T1", "VETO", "", "D"), ("A2", "S2", at("14:30"), "T1", "VETO", "", "D")], prices=prices))  # fmt: skip


@pytest.mark.parametrize(
    ("side", "correlation", "weight"), [("BUY", 0.5, 70_000), ("SELL", 0.5, 30_000), ("BUY", 0.0, 50_000), ("BUY", 1.0, 90_000)]
)
def test_rows_of_a_decision_are_correlated_bets(side: str, correlation: float, weight: int) -> None:
    """w^2 = 200^2 + 100^2 +- 2 c 200 * 100, in units of price * volatility * sqrt(330/390)."""
    evidence = two_rows(side, replace_plan(correlation))
    unit = one("VETO", "", [])[1]
    assert evidence.risk.tolist() == pytest.approx([unit * math.sqrt(weight * 330 / MINUTES)])
    assert evidence.value_add.tolist() == [-200.0 * 2 - (200.0 if side == "BUY" else -200.0)]
    assert len(evidence) == 1 and evidence.decision.tolist() == [0]


def replace_plan(correlation: float) -> Plan:
    return Plan(horizon="close", max_age=PLAN.max_age, evidence=EvidenceChoice(within_decision_correlation=correlation))


def test_adding_risks_of_no_correlation_is_pythagoras() -> None:
    group, sign = np.array([0, 0, 1]), np.ones(3)
    assert add_within_decision(group, np.array([3.0, 4.0, 2.0]), sign, 0.0).tolist() == [5.0, 2.0]
    assert add_within_decision(group, np.array([3.0, 4.0, 2.0]), sign, 1.0).tolist() == [7.0, 2.0]


LONG = Plan(horizon="session+2", max_age=MaxAge(quote="PT24H"))


def veto_over_sessions(*points: tuple[str, str], signal: str = at("14:30"), plan: Plan = LONG) -> tuple[Evidence, float]:
    ledger = build(plan, signals=[("S1", signal, "m", "A", "BUY", "200")], actions=[("A1", "S1", signal, "T1", "VETO")],
                   prices=[*history("A"), *quotes("A", *points)])  # fmt: skip
    price = float(ledger.rows["signal_mid"][0].as_py())
    return to_evidence(ledger), 200 * price * ledger.rows["volatility"][0].as_py() * 1e-9


def test_a_decision_that_outlasts_its_session_has_one_row_a_session() -> None:
    """VETO at 14:30 marked two closes on: risk over 330/390, 1 and 1 sessions, values -200, +200, -400; one decision."""
    evidence, unit = veto_over_sessions(
        (at("14:30"), "100"), (at("20:00"), "101"), (at("20:00", NEXT), "100"), (at("20:00", THIRD), "102")
    )
    assert evidence.value_add.tolist() == [-200.0, 200.0, -400.0]
    assert evidence.risk.tolist() == pytest.approx([unit * math.sqrt(330 / 390), unit, unit])
    assert evidence.coords["session"] == (DAY, NEXT, THIRD) and set(evidence.decision.tolist()) == {0}


def test_the_risk_of_a_session_without_a_mark_goes_where_its_value_went() -> None:
    """No quote within the limit at the second close: the third row holds the value and the risk of two sessions."""
    plan = Plan(horizon="session+2", max_age=MaxAge(quote="PT60S"))
    evidence, unit = veto_over_sessions((at("14:30"), "100"), (at("20:00"), "101"), (at("20:00", THIRD), "102"), plan=plan)
    assert evidence.value_add.tolist() == [-200.0, -200.0]
    assert evidence.risk.tolist() == pytest.approx([unit * math.sqrt(330 / 390), unit * math.sqrt(2)])


def test_a_signal_at_the_very_close_has_no_row_for_the_session_that_ended() -> None:
    """Nothing was at risk and nothing was earned before the next session: a row of y = 0 there would halve the mean."""
    evidence, unit = veto_over_sessions(
        (at("20:00"), "100"),
        (at("20:00", NEXT), "101"),
        signal=at("20:00"),
        plan=Plan(horizon="session+1", max_age=MaxAge(quote="PT24H")),
    )
    assert evidence.value_add.tolist() == [-200.0] and evidence.risk.tolist() == pytest.approx([unit])
    assert evidence.coords["session"] == (NEXT,)


def test_what_has_no_volatility_is_counted_and_left_out() -> None:
    """B has five closes, ten returns are needed."""
    prices = [*ONE_DAY, *history("B", PAST[-5:]), *quotes("B", (at("14:30"), "100"), (at("20:00"), "102"))]
    ledger = build(PLAN, signals=[("S1", at("14:30"), "m", "A", "BUY", "200"), ("S2", at("14:30"), "m", "B", "BUY", "200")],
                   actions=[("A1", "S1", at("14:30"), "T1", "VETO"), ("A2", "S2", at("14:30"), "T2", "VETO")], prices=prices)  # fmt: skip
    evidence = to_evidence(ledger)
    assert evidence.counts["no_risk"] == 1 and len(evidence) == 1 and evidence.coords["trader"] == ("T1",)
    assert ledger.rows["volatility"].to_pylist()[1] is None and ledger.rows["value_add"].to_pylist()[1] == -400 * 10**6


def test_ten_earlier_returns_are_enough() -> None:
    """Eleven closes are ten returns, ten closes are nine."""
    counts = []
    for days in (PAST[-11:], PAST[-10:]):
        ledger = build(PLAN, signals=[("S1", at("14:30"), "m", "A", "BUY", "200")], actions=[("A1", "S1", at("14:30"), "T1", "VETO")],
                       prices=[*history("A", days), *quotes("A", (at("14:30"), "100"), (at("20:00"), "102"))])  # fmt: skip
        counts.append(ledger.rows["volatility"].null_count)
    assert counts == [0, 1]


def test_open_late_and_incomplete_decisions_are_counted_and_left_out() -> None:
    """T2's veto was written down after the close that marks it; T3's is marked tomorrow, where prices have ended."""
    ledger = build(
        PLAN,
        signals=[
            ("S1", at("14:30"), "m", "A", "BUY", "200"),
            ("S2", at("14:30"), "m", "A", "BUY", "200"),
            ("S3", at("14:30"), "m", "A", "BUY", "9", "session+1"),
        ],
        actions=[
            ("A1", "S1", at("14:30"), "T1", "VETO"),
            ("A2", "S2", at("14:30"), "T2", "VETO", "", "", at("20:01")),
            ("A3", "S3", at("14:30"), "T3", "VETO"),
        ],
        prices=ONE_DAY,
    )
    evidence = to_evidence(ledger)
    assert evidence.coords["trader"] == ("T1",)
    assert (evidence.counts["late"], evidence.counts["incomplete"], evidence.counts["no_risk"]) == (1, 1, 0)
    assert evidence.context["late_by_trader"] == {"T2": 1}


def test_a_ledger_without_evidence_says_why() -> None:
    ledger = build(
        PLAN,
        signals=[("S1", at("14:30"), "m", "A", "BUY", "200")],
        actions=[("A1", "S1", at("14:30"), "T1", "VETO")],
        prices=ONE_DAY[-3:],
    )
    with pytest.raises(SkillWithheld, match="1 no_risk"):
        to_evidence(ledger)


# a table of outcomes ------------------------------------------------------------------------------------------------------------------


def outcomes(**columns: list[Any]) -> pd.DataFrame:
    return pd.DataFrame({k: [str(v) for v in values] for k, values in columns.items()}, dtype=object)


def test_without_a_risk_every_outcome_is_divided_by_the_pooled_spread() -> None:
    """Within (trader, session): T1 has 1 and 3 (squares 2), T2 has -1 and 5 (squares 18): sd = sqrt(20 / 2)."""
    evidence = read_outcomes(outcomes(trader=["T1", "T1", "T2", "T2"], session=["1", "1", "1", "1"], value_add=[1, 3, -1, 5]))
    assert evidence.scale == pytest.approx(math.sqrt(10)) and not evidence.has_risk and not evidence.has_year
    assert sorted((evidence.y * evidence.scale).round(9).tolist()) == [-1, 1, 3, 5] and len(evidence) == 4


def test_a_stated_risk_is_used_as_it_is() -> None:
    evidence = read_outcomes(outcomes(trader=["T1", "T1"], session=["1", "2"], value_add=[1, 3], risk=["2", "4"]))
    assert evidence.has_risk and evidence.scale == 1.0 and sorted(evidence.y.tolist()) == [0.5, 0.75]


def test_followed_and_bad_outcomes_are_left_out_and_counted() -> None:
    frame = outcomes(trader=["T1"] * 4, session=["1"] * 4, value_add=[1, 3, 7, ""], action=["VETO", "VETO", "ACCEPT", "VETO"])
    evidence = read_outcomes(frame)
    assert (
        sorted(evidence.value_add.tolist()) == [1, 3] and evidence.counts["followed"] == 1 and evidence.counts["quarantined"] == 1
    )


def test_names_are_text_whatever_they_look_like() -> None:
    names = ["NA", "null", "001", "1e5", "nan", "None", "TRUE", "<script>alert(1)</script>", "=1+1"]
    evidence = read_outcomes(outcomes(trader=names * 2, session=["NA"] * 9 + ["null"] * 9, value_add=list(range(18))))
    assert evidence.coords["trader"] == tuple(sorted(names)) and evidence.coords["session"] == ("NA", "null")
    assert set(evidence.to_pandas()["trader"]) == set(names)


def random_outcomes(seed: int = 7) -> pd.DataFrame:
    pick = np.random.default_rng(seed)
    n = 60
    return outcomes(
        trader=pick.choice(["T1", "T2", "T3"], n),
        session=pick.integers(1, 8, n),
        value_add=pick.normal(1, 5, n),
        risk=pick.uniform(1, 9, n),
    )


def mixed(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sample(frac=1, random_state=3).reset_index(drop=True)[frame.columns[::-1]]


@pytest.mark.parametrize("change", [mixed, lambda f: pd.concat([f.iloc[30:], f.iloc[:30]])], ids=["shuffled", "rotated"])
def test_the_digest_does_not_depend_on_the_order_of_rows(change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    frame = random_outcomes()
    assert read_outcomes(frame).digest == read_outcomes(change(frame)).digest
    assert read_outcomes(frame).digest != read_outcomes(random_outcomes(8)).digest


def test_money_returns_through_mean_and_covariance() -> None:
    """mean(V) = mean(w) mean(y) + cov(w, y), whatever the risks."""
    sliced, _ = veto_over_sessions(
        (at("14:30"), "100"), (at("20:00"), "101"), (at("20:00", NEXT), "99"), (at("20:00", THIRD), "102")
    )
    for evidence in (read_outcomes(random_outcomes()), two_rows("BUY"), sliced):
        w, y = evidence.risk, evidence.y
        assert np.mean(evidence.value_add) == pytest.approx(
            np.mean(w) * np.mean(y) + np.mean((w - w.mean()) * (y - y.mean())), abs=1e-9
        )


def test_cells_hold_everything_the_rows_do() -> None:
    evidence = read_outcomes(random_outcomes())
    cells = evidence.cells
    assert cells.n.sum() == len(evidence) and float((cells.n * cells.mean).sum()) == pytest.approx(float(evidence.y.sum()))
    assert float(cells.ss.sum() + (cells.n * cells.mean**2).sum()) == pytest.approx(float((evidence.y**2).sum()))


def test_equal_evidence_from_a_copy() -> None:
    evidence = read_outcomes(random_outcomes())
    assert replace(evidence, context={}).digest == evidence.digest


def labelled(**changes: Any) -> pd.DataFrame:
    table = {
        "trader": ["A", "A", "B", "B"],
        "session": ["2025-09-30", "2026-04-01", "2025-09-30", "2026-04-01"],
        "value_add": [1.0, 3.0, -1.0, 1.0],
        "risk": [1.0, 2.0, 1.0, 4.0],
        "exposure": [1.0, -2.0, 0.5, 0.0],
        "factor_return": [0.1, -0.2, 0.1, -0.2],
        "signal_type": ["carry", "trend", "carry", "carry"],
        "desk": ["X", "X", "X", "X"],
    }
    return pd.DataFrame({k: v for k, v in (table | changes).items() if v is not None})


def test_optional_labels_and_numbers_of_an_outcomes_table() -> None:
    """A label with one level is not carried; quarters run on from the first to the last, whether or not anybody acted."""
    evidence = read_outcomes(labelled())
    assert set(evidence.labels) == {"signal_type", "quarter"} and evidence.levels("desk") == ("all",)
    assert evidence.levels("quarter") == ("2025Q3", "2025Q4", "2026Q1", "2026Q2")
    assert evidence.exposure is not None and evidence.factor_return is not None
    frame = evidence.to_pandas().sort_values(["trader", "session"])
    assert frame["quarter"].tolist() == ["2025Q3", "2026Q2"] * 2
    assert frame["exposure"].tolist() == [1.0, -2.0, 0.5, 0.0]
    adjusted = evidence.without_factor()
    assert adjusted.y.sum() == pytest.approx(1.0 + 1.5 - 1.0 + 0.25 - (0.1 + 0.4 + 0.05 + 0.0))


def test_quarters_come_from_time_where_sessions_are_no_dates() -> None:
    times = ["2025-03-31T23:59:59Z", "2025-04-01T00:00:00Z"] * 2
    evidence = read_outcomes(labelled(session=["1", "2", "1", "2"], time=times))
    assert evidence.levels("quarter") == ("2025Q1", "2025Q2") and sorted(evidence.code("quarter")) == [0, 0, 1, 1]
    assert "quarter" not in read_outcomes(labelled(session=["1", "2", "1", "2"])).labels


def test_rows_of_one_decision_add_their_exposures_in_money() -> None:
    """Exposures 1 and -2 on risks 1 and 2 net to -3 in money; the risk of both on one side is sqrt(.5 (1 + 4) + .5 9) = 2.6458."""
    table = labelled(
        session=["2025-09-30"] * 4, decision_id=["d1", "d1", "d2", "d3"], exposure=[1.0, -2.0, 0.5, 0.0], factor_return=[0.1] * 4
    )
    evidence = read_outcomes(table, plan=Plan(evidence=EvidenceChoice(within_decision_correlation=0.5)))
    assert evidence.exposure is not None
    assert sorted(evidence.exposure) == pytest.approx([-3 / math.sqrt(7), 0.0, 0.5])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"exposure": [1.0, None, 0.5, 0.0]}, "exposure is empty in 1 of 4"),
        ({"risk": None}, "no risk column"),
        ({"exposure": None}, "factor_return without exposure"),
        ({"factor_return": [0.1, -0.2, 0.3, -0.2]}, "differs within session '2025-09-30'"),
    ],
)
def test_exposures_that_cannot_be_used_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_outcomes(labelled(**changes))


def test_digest_sees_what_is_carried_and_nothing_else() -> None:
    plain = labelled(exposure=None, factor_return=None, signal_type=None, desk=None, decision_id=list("abcd"))
    same = read_outcomes(plain).digest
    assert read_outcomes(plain.assign(desk="X", asset_class="")).digest == same
    assert read_outcomes(plain.assign(signal_type=["a", "b", "a", "a"])).digest != same
    with_x = read_outcomes(plain.assign(exposure=[1.0, 2.0, 3.0, 4.0]))
    assert with_x.digest != same
    order = [2, 0, 3, 1]
    assert read_outcomes(plain.assign(exposure=[1.0, 2.0, 3.0, 4.0]).iloc[order]).digest == with_x.digest


def test_ledger_rows_bring_their_labels() -> None:
    """Two signals of two types and model versions, answered on two desks, in assets of two classes."""
    columns = {**COLUMNS, "signals": COLUMNS["signals"] + " signal_type model_version", "actions": COLUMNS["actions"] + " desk"}
    day = [(at("14:30"), "100"), (at("20:00"), "102")]
    tables = {
        "signals": [("S1", at("14:30"), "m", "A", "BUY", "200", "", "carry", "1"), ("S2", at("14:30"), "m", "B", "BUY", "200", "", "trend", "2")],
        "actions": [
            ("A1", "S1", at("14:30"), "T1", "VETO", "", "", "", "", "", "X"),
            ("A2", "S2", at("14:30"), "T2", "VETO", "", "", "", "", "", "Y"),
        ],
        "prices": [row for name in "AB" for row in (*history(name), *quotes(name, *day))],
    }  # fmt: skip
    frames = {k: pd.DataFrame(rows, columns=columns[k].split()[: len(rows[0])], dtype=object) for k, rows in tables.items()}
    plan = Plan(horizon="close", max_age=MaxAge(quote="PT24H"), assets={"A": Asset(class_="equity"), "B": Asset(class_="bond")})
    evidence = to_evidence(build_ledger(read_record(frames, plan, now="2027-01-01T00:00:00Z")))
    assert {k: evidence.levels(k) for k in ("signal_type", "model_version", "desk", "asset_class")} == {
        "signal_type": ("carry", "trend"), "model_version": ("1", "2"), "desk": ("X", "Y"), "asset_class": ("bond", "equity"),
    }  # fmt: skip
    frame = evidence.to_pandas().set_index("trader")
    assert frame.loc["T1", ["signal_type", "asset_class"]].tolist() == ["carry", "equity"]


def test_a_table_of_combinations_gives_what_sorting_gives() -> None:
    """Few combinations are marked in a table, many are sorted: both against numpy's unique rows."""
    rng = np.random.default_rng(5)
    for levels, rows in (((4, 60, 3), 2_000), ((900, 900, 50), 300), ((1, 1), 7)):
        columns = [rng.integers(0, n, rows) for n in levels]
        found, place = distinct_rows(columns)
        expected, inverse = np.unique(np.stack(columns, axis=1), axis=0, return_inverse=True)
        assert np.array_equal(np.stack(found, axis=1), expected)
        assert np.array_equal(place, inverse.ravel())
