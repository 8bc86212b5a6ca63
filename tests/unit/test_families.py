"""Trader-day parts and choices: what enters, what is refused, and what is withheld."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from test_evidence import PLAN, at, build, history, quotes

import skillstats as ss
from skillstats.components.propensity import choice_estimates, lay_out_choices
from skillstats.errors import UsageError
from skillstats.evidence import make_day_parts, split_by_exposure, to_choices, to_evidence
from skillstats.inference.family_fit import overlap_findings
from skillstats.inference.nuts import fit
from skillstats.spec import read_spec


def test_parts_add_to_the_value_add_and_timing_has_no_mean_exposure():
    rng = np.random.default_rng(1)
    trader = np.repeat([0, 1], 30)
    x, f, v = rng.normal(1, 1, (60, 3)), rng.normal(0, 1, (60, 3)), rng.normal(0, 5, 60)
    parts = split_by_exposure(trader, v, x, f)
    np.testing.assert_allclose(parts.sum(axis=1), v, rtol=1e-9)
    mean = np.stack([x[trader == j].mean(axis=0) for j in range(2)])
    np.testing.assert_allclose(parts[:, 0], (mean[trader] * f).sum(axis=1))
    constant = split_by_exposure(trader, v, mean[trader], f)
    np.testing.assert_allclose(constant[:, 1], 0, atol=1e-12)


def test_parts_that_lose_digits_or_exposures_are_refused():
    one = np.zeros(2, dtype=int)
    with pytest.raises(UsageError, match="do not add"):
        split_by_exposure(one, np.array([1.0, 1.0]), np.array([[1e200], [1.0]]), np.array([[1e200], [1.0]]))
    with pytest.raises(UsageError, match="missing exposure"):
        split_by_exposure(one, np.ones(2), np.array([[np.nan], [1.0]]), np.ones((2, 1)))
    with pytest.raises(UsageError, match="one row for each of 2 days"):
        split_by_exposure(one, np.ones(2), np.ones((3, 1)), np.ones((3, 1)))


def parts_frame(**changes):
    columns = {
        "trader": ["A", "A", "B"],
        "session": ["1", "2", "1"],
        "tilt": [1.0, 2, 3],
        "timing": [0.5, 0, 1],
        "selection": [0.0, 1, -1],
        "risk": [10.0, 20, 10],
    }
    return pd.DataFrame(columns | changes)


def test_a_table_of_parts_is_read_by_name_and_standardised():
    parts = ss.read_day_parts(parts_frame().rename(columns={"risk": "w"}), columns={"risk": "w"}, sessions_per_year=252.0)
    np.testing.assert_allclose(parts.y[0], [0.1, 0.05, 0.0])
    assert parts.coords["trader"] == ("A", "B")
    assert parts.coords["part"] == ("tilt", "timing", "selection")
    mixed = ss.read_day_parts(parts_frame().iloc[[2, 0, 1]], sessions_per_year=252.0)
    assert mixed.digest == parts.digest
    assert ss.read_day_parts(parts_frame(tilt=[1.0, 2, 3.5]), sessions_per_year=252.0).digest != parts.digest


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"risk": [10.0, 0, 10]}, "risk=0, must be > 0"),
        ({"session": ["1", "1", "1"]}, "row 2: this trader has this session twice"),
        ({"tilt": ["1", "x", "3"]}, "row 2: 'tilt'='x', must be a finite number"),
        ({"trader": ["A", "", "B"]}, "row 2: 'trader' is empty"),
    ],
)
def test_bad_cells_of_parts_are_named(changes, said):
    with pytest.raises(UsageError, match=said):
        ss.read_day_parts(parts_frame(**changes))


def test_a_missing_column_lists_those_that_exist(tmp_path):
    path = tmp_path / "parts.csv"
    parts_frame().drop(columns="timing").to_csv(path, index=False)
    with pytest.raises(UsageError, match="no column 'timing'; the table has trader, session, tilt, selection, risk"):
        ss.read_day_parts(path)


def choices_frame(rows=60, seed=1):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "trader": np.array(["A", "B"])[np.arange(rows) % 2],
            "session": (np.arange(rows) // 6).astype(str),
            "side": np.array(["BUY", "SELL"])[rng.integers(0, 2, rows)],
            "acted": rng.integers(0, 2, rows),
            "v_star": rng.normal(size=rows),
            "size": rng.normal(size=rows),
        }
    )


def test_a_table_of_choices_is_read_and_its_order_does_not_matter():
    frame = choices_frame()
    made = ss.read_choices(frame, features=["size"])
    assert ss.read_choices(frame.sample(frac=1, random_state=3), features=["size"]).digest == made.digest
    own = frame[frame["trader"] == "A"]
    row = made.summary().loc["A"]
    assert row["acted"] == own["acted"].sum()
    assert row["v_star_acted"] == pytest.approx(own.loc[own["acted"] == 1, "v_star"].mean())


def test_choices_of_one_kind_teach_nothing():
    with pytest.raises(UsageError, match="60 of 60 signals were acted upon"):
        ss.read_choices(choices_frame().assign(acted=1))
    with pytest.raises(UsageError, match="acted='maybe'"):
        ss.read_choices(choices_frame().assign(acted="maybe"))


def test_what_was_known_after_the_choice_is_counted_and_withholds():
    frame = choices_frame().assign(decided="2026-07-01T14:30:00Z", known="2026-07-01T14:29:59Z")
    frame.loc[3, "known"] = "2026-07-01T16:30:00+02:00"
    made = ss.read_choices(frame, known_until="known", decided_at="decided")
    assert made.look_ahead == 1, "an instant equal to the choice is too late"
    assert {f.code for f in overlap_findings(made)} == {"E-LOOK"}
    with pytest.raises(UsageError, match="give both or none"):
        ss.read_choices(frame, known_until="known")


def test_strata_without_a_choice_withhold_or_flag():
    """Trader A touches every SELL: rows of (A, SELL) are all-or-none."""
    frame = choices_frame()
    frame["acted"] = [i % 4 < 2 for i in range(len(frame))]
    forced = (frame["trader"] == "A") & (frame["side"] == "SELL")
    frame.loc[forced, "acted"] = True
    frame["acted"] = frame["acted"].astype(int)
    made = ss.read_choices(frame)
    assert made.all_or_none == pytest.approx(forced.mean())
    assert [(f.code, f.action) for f in overlap_findings(made)] == [("E-OVERLAP", "FLAG")]
    everything = frame.assign(acted=(frame["side"] == "SELL").astype(int))
    assert [(f.code, f.action) for f in overlap_findings(ss.read_choices(everything))] == [("E-OVERLAP", "WITHHOLD")]


def test_rows_alike_in_everything_are_counted_together():
    made = ss.read_choices(choices_frame(400).assign(v_star=1.0, session="1"))
    layout = lay_out_choices(made)
    assert len(layout.n) == 4
    assert (layout.n.sum(), layout.acted.sum()) == (400, made.acted.sum())


def test_coordinates_of_lambda_are_one_step_of_the_score():
    """At lambda 0 with an own intercept: score sum (A - p)(v - vbar), information p (1 - p) sum (v - vbar)^2 (+ 1 against division by 0).

    Both are stretched by sqrt(1 + .346 s_A^2), s_A^2 = (pi^2 / 3) rho / (1 - rho) from the mean product of two residuals of one trader-session.
    """
    made = ss.read_choices(choices_frame())
    share = np.array([made.acted[made.trader == j].mean() for j in range(len(made.coords["trader"]))])
    left = made.acted - share[made.trader]
    pairs = [
        (i, k)
        for i in range(len(made))
        for k in range(i)
        if made.trader[i] == made.trader[k] and made.session[i] == made.session[k]
    ]
    alike = np.mean([left[i] * left[k] for i, k in pairs]) / np.mean((share * (1 - share))[made.trader])
    rho = min(max(alike, 0), 0.9)
    stretch = np.sqrt(1 + 0.346 * np.pi**2 / 3 * rho / (1 - rho))
    own = made.trader == 0
    a, v = made.acted[own], made.v_star[own]
    information = a.mean() * (1 - a.mean()) * np.sum((v - v.mean()) ** 2) + 1
    expected = [np.sum((a - a.mean()) * (v - v.mean())) / information, 1 / np.sqrt(information)]
    np.testing.assert_allclose(choice_estimates(made)["lambda_estimate"][:, 0], stretch * np.array(expected))


def test_moods_widen_the_errors_of_the_coordinates():
    """Whole days touched or left alone: the error of a logit is that of independent days, not of independent signals."""
    days, per_day = 40, 10
    acted = np.repeat(np.arange(days) % 4 == 0, per_day)
    frame = pd.DataFrame(
        {"trader": np.repeat(["A", "B"], days * per_day), "session": np.tile(np.repeat(np.arange(days), per_day), 2)}
    )
    frame = frame.assign(acted=np.tile(acted, 2).astype(int), v_star=np.random.default_rng(1).normal(size=len(frame)), side="BUY")
    guess, error = choice_estimates(ss.read_choices(frame))["alpha_estimate"]
    stretch = np.sqrt(1 + 0.346 * np.pi**2 / 3 * 0.9 / 0.1)  # days are as alike as the guess takes, rho = .9
    np.testing.assert_allclose(guess, stretch * np.log(0.25 / 0.75), rtol=0.01)
    np.testing.assert_allclose(error, stretch / np.sqrt(days * 0.25 * 0.75), rtol=0.02)


PRICES = [*history("A"), *quotes("A", (at("14:30"), "100"), (at("15:00"), "100.5"), (at("20:00"), "102"))]
SIGNALS = [(f"S{k}", at("14:30"), "m", "A", side, "200") for k, side in ((1, "BUY"), (2, "SELL"), (3, "BUY"))]


def ledger_of(actions, plan=PLAN, fills=()):
    return build(plan, signals=SIGNALS, actions=actions, fills=list(fills), prices=PRICES)


def test_hindsight_value_of_a_veto_is_its_evidence():
    """For a VETO v_star is y of the evidence; a followed signal has one too, here the same size with the other sign."""
    accepted = [("F2", "A2", at("14:30"), "200", "100", "0")]
    ledger = ledger_of(
        [("A1", "S1", at("14:30"), "T1", "VETO", ""), ("A2", "S2", at("14:30"), "T1", "ACCEPT", "200")], fills=accepted
    )
    made, evidence = to_choices(ledger), to_evidence(ledger)
    by_side = dict(zip(np.array(made.coords["stratum"])[made.stratum], zip(made.v_star, made.acted, strict=True), strict=True))
    assert len(made) == 3, "the only trader answers for signals nobody answered"
    assert evidence.y[0] < 0
    buy = made.v_star[made.acted]
    np.testing.assert_allclose(buy, evidence.y, rtol=1e-12)
    assert by_side["SELL | all"][0] == pytest.approx(-evidence.y[0], rel=1e-9)
    assert not by_side["SELL | all"][1]


def test_with_two_traders_unanswered_signals_belong_to_nobody():
    accepted = [("F2", "A2", at("14:30"), "200", "100", "0")]
    ledger = ledger_of(
        [("A1", "S1", at("14:30"), "T1", "VETO", ""), ("A2", "S2", at("14:30"), "T2", "ACCEPT", "200")], fills=accepted
    )
    made = to_choices(ledger)
    assert made.coords["trader"] == ("T1", "T2")
    assert made.counts == {"undecided": 1, "open": 0, "no_risk": 0, "late": 0}


def test_a_model_of_another_family_is_refused():
    parts = make_day_parts(["A", "B"], ["1", "1"], np.ones((2, 3)), np.ones(2), sessions_per_year=252.0)
    with pytest.raises(UsageError, match="crossed_total is of the family outcomes, the evidence of day_parts"):
        fit("crossed_total", parts, seed=1)
    with pytest.raises(UsageError, match="propensity is of the family choices, the evidence of day_parts"):
        fit("propensity", parts, seed=1)
    nameless = dataclasses.replace(parts, sessions_per_year=None)
    with pytest.raises(UsageError, match="has no year"):
        fit("hybrid_timing", nameless, seed=1)


def test_the_family_is_part_of_the_digest_only_where_it_is_used():
    assert b"family" not in canonical("crossed_total")
    assert b'"family":"choices"' in canonical("propensity")


def canonical(name):
    from skillstats.spec.model import canonical_spec

    return canonical_spec(read_spec(name))


def test_a_row_with_one_field_more_is_refused_and_never_shifted(tmp_path):
    """A reader that takes the surplus first column for an index would shift or lose a column without a word."""
    path = tmp_path / "parts.csv"
    path.write_text("trader,session,tilt,timing,selection,risk\nX,A,1,.1,.2,.3,1\nX,B,1,.1,.2,.3,1\n", encoding="utf-8")
    with pytest.raises(UsageError, match="line 2 7 fields, 6 expected"):
        ss.read_day_parts(path)


def test_names_of_a_file_stay_text(tmp_path):
    path = tmp_path / "parts.csv"
    path.write_text(
        "trader,session,tilt,timing,selection,risk\n001,1,.1,.2,.3,1\n1,1,.1,.2,.3,1\nNA,1,.1,.2,.3,1\n", encoding="utf-8"
    )
    assert ss.read_day_parts(path).coords["trader"] == ("001", "1", "NA")


def test_every_bad_row_is_named_at_once(tmp_path):
    path = tmp_path / "parts.csv"
    path.write_text("trader,session,tilt,timing,selection,risk\nA,1,.1,.2,.3,0\nA,1,.1,.2,.3,-1\n", encoding="utf-8")
    with pytest.raises(UsageError) as told:
        ss.read_day_parts(path)
    assert all(
        words in str(told.value) for words in ("row 1: risk=0", "row 2: risk=-1", "row 2: this trader has this session twice")
    )
    path.write_text("trader,session,side,acted,v_star\nA,1,BUY,maybe,.1\nA,2,BUY,perhaps,.1\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"(?s)row 1: acted='maybe'.*row 2: acted='perhaps'"):
        ss.read_choices(path)
