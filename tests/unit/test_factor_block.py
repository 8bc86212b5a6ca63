"""The block `factors`, its section, trader-days for the model, and the factor's numbers in the evidence."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from factor_desk import PLAN, Tables, market_desk
from test_attribution import beta_desk, sell_off

import skillstats as ss
from skillstats.evaluation.blocks import blocks_of
from skillstats.ledger.containers import Ledger
from skillstats.report.blocks import sections_of
from skillstats.report.blocks.factors import factors_section
from skillstats.report.section import Section, Setting

SETTING = Setting("USD", ("T1", "T2"), "0.25", "90%")


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return market_desk(days=110).ledger()


def section_of(ledger: Ledger, setting: Setting = SETTING) -> Section:
    (section,) = sections_of(blocks_of(ledger, None, ledger.plan, seed=1, only=["factors"]), setting)
    return section


def test_the_block_is_plain_and_adds_up(ledger: Ledger) -> None:
    block = blocks_of(ledger, None, ledger.plan, seed=1, only=["factors"])["factors"]
    assert json.loads(json.dumps(block, allow_nan=False)) == block
    for row in [*block["traders"], block["all"], *(r for s in block["slices"] for r in s["rows"])]:
        parts = sum(row[k] for k in ("tilt", "timing", "selection", "execution", "unattributed"))
        assert parts == pytest.approx(row["value_add"])
    assert [s["by"] for s in block["slices"]] == [["signal_type"], ["side", "market"], ["side", "momentum"]]
    assert block["alpha"][0]["lags"] == 3 and block["return_based"] == []


def test_the_section_says_what_made_the_value_and_how_sure_that_is(ledger: Ledger) -> None:
    section = section_of(ledger)
    assert section.finding.startswith("Of ") and "came from timing (factors: market and momentum)" in section.finding
    assert "90% interval is [" in section.finding and section.picture is not None
    assert section.picture.wide.count("<svg") == 1 and "T1: value-add" in section.picture.wide
    assert any("estimated from the 60 to 252 sessions before each decision" in n for n in section.notes)
    assert (
        next(c for _, c in section.tables) == "Value-add and its parts, USD, with 90% interval, sessions as clusters (Student t)"
    )


def test_nobody_is_shown_who_may_not_be(ledger: Ledger) -> None:
    section = section_of(ledger, Setting("USD", ("T2",), "0.25", "90%"))
    text = repr(section)
    assert "T2" in text and "T1" not in text


def test_a_record_without_factors_says_what_to_add() -> None:
    desk = market_desk(days=70)
    del desk.rows["factors"]
    section = section_of(desk.ledger())
    assert section.finding.startswith("Not known for this record: the record has no factor returns; add a table factors")
    assert factors_section({"available": False, "why": "x."}, SETTING) is not None


def test_what_cannot_be_attributed_is_no_finding() -> None:
    desk = sell_off("1.2")
    del desk.rows["exposures"]
    section = section_of(desk.ledger())
    assert section.finding.startswith("Most of the 45,000 USD of value-add cannot be attributed")
    assert any("10 rows have no known exposure" in n for n in section.notes)


def test_where_exposures_are_missing_returns_are_read_and_labelled() -> None:
    """Prices of the early sessions are gone, so no beta can be estimated; the returns of factor and book are all there is."""
    desk = market_desk(days=110)
    first = {r[1] for r in desk.rows["signals"][:1]}
    desk.rows["prices"] = [r for r in desk.rows["prices"] if r[1] >= sorted({q[1] for q in desk.rows["prices"]})[60]]
    assert first
    ledger = desk.ledger()
    a = ss.attribute(ledger)
    assert a.exposures["estimated"] == 0 and set(a.return_based["method"]) == {"Treynor-Mazuy", "Henriksson-Merton"}
    assert set(a.return_based["label"]) == {"return-based, artificial-timing risk"}
    assert any("find it in 16-18% and 10-12%" in n for n in section_of(ledger).notes)


def test_trader_days_for_the_model_add_to_the_evidence(ledger: Ledger) -> None:
    parts, evidence = ss.to_day_parts(ledger), ss.to_evidence(ledger)
    assert parts.source == "record" and parts.sessions_per_year == evidence.sessions_per_year
    assert parts.value.sum() == pytest.approx(evidence.value_add.sum())
    assert (parts.risk**2).sum() == pytest.approx((evidence.risk**2).sum())
    a = ss.attribute(ledger)
    active = a.days[a.days["active"]]
    assert parts.value.sum(axis=0) == pytest.approx(active[["tilt", "timing", "selection"]].sum().to_numpy())


def one_factor(days: int = 80, *, given: bool = True) -> Tables:
    desk = market_desk(7, days, given=given)
    for name in ("factors", "exposures"):
        desk.rows[name] = [r for r in desk.rows.get(name, []) if "momentum" not in r]
    return desk


def test_evidence_of_a_one_factor_record_carries_exposure_and_return() -> None:
    ledger = one_factor().ledger()
    evidence, pieces = ss.to_evidence(ledger), ss.attribute(ledger).pieces
    assert evidence.exposure is not None and evidence.factor_return is not None
    parts = (evidence.exposure * evidence.factor_return * evidence.risk).sum()
    assert parts == pytest.approx(pieces["factor market"].sum())
    assert evidence.without_factor().value_add.sum() == pytest.approx(pieces["selection"].sum())


def test_evidence_without_factors_or_with_several_is_as_it_was() -> None:
    bare = market_desk(days=80)
    several = ss.to_evidence(bare.ledger())
    del bare.rows["factors"]
    none = ss.to_evidence(bare.ledger())
    assert several.exposure is None and several.digest == none.digest


def test_a_missing_exposure_leaves_the_evidence_without_any() -> None:
    desk = one_factor(given=False)
    assert ss.to_evidence(desk.ledger()).exposure is not None, "estimated from the 62 sessions before"
    desk.rows["prices"] = [r for r in desk.rows["prices"] if r[0] != "A" or r[1] >= desk.rows["prices"][3 * 30][1]]
    assert ss.to_evidence(desk.ledger()).exposure is None


def test_trader_days_of_a_leaning_desk_have_no_selection() -> None:
    """Trader-days of a leaning desk reach the model with their parts in risk units."""
    moves = {k: float(m) for k, m in enumerate(np.random.default_rng(2).normal(0.004, 0.01, 55))}
    desk = beta_desk(dict.fromkeys(range(30, 54), "5000"), moves)
    parts = ss.to_day_parts(desk.ledger(PLAN))
    assert len(parts) == 24 and parts.y.sum() == pytest.approx((parts.value / parts.risk[:, None]).sum())
    assert np.abs(parts.value[:, 2]).max() < 1e-3
