"""Which terms the data can tell apart, from counts alone."""

import numpy as np

from skillstats.evidence import Evidence
from skillstats.inference.separable import separable_terms
from skillstats.spec import read_spec


def make_evidence(trader, session, regime=None, action=None):
    """Evidence with the given codes and outcomes that are all different."""
    codes = [np.asarray(c if c is not None else np.zeros(len(trader)), dtype=np.int64) for c in (trader, session, regime, action)]
    names = {
        k: tuple(f"{k}{i}" for i in range(c.max() + 1))
        for k, c in zip(("trader", "session", "regime", "action"), codes, strict=True)
    }
    y = np.linspace(-1, 1, len(trader))
    trader, session, regime, action = codes
    return Evidence(
        value_add=y, risk=np.ones(len(y)), y=y, trader=trader, session=session, regime=regime, action=action, decision=np.arange(len(y)),
        coords=names, source="record", unit="USD", has_risk=True, scale=1.0, sessions_per_year=252.0, sessions_spanned=9, counts={}, context={},
    )  # fmt: skip


def grid(traders, sessions, rows):
    return [code.ravel() for code in np.indices((traders, sessions, rows))]


M2 = read_spec("crossed_total")


def test_a_full_desk_keeps_everything():
    trader, session, row = grid(4, 6, 4)
    terms = separable_terms(M2, make_evidence(trader, session, session % 2, row % 2))
    assert (terms.skill, terms.shocks, terms.volatility_by) == (M2.skill.terms, M2.luck.shocks, M2.luck.volatility_by)
    assert not terms.dropped


def test_one_regime_and_one_action_are_dropped():
    trader, session, _ = grid(4, 6, 4)
    terms = separable_terms(M2, make_evidence(trader, session))
    assert terms.skill == ("trader",)
    assert terms.dropped["skill.terms regime"] == "one regime"
    assert terms.dropped["skill.terms action"] == "one action"
    assert "one regime" in terms.dropped["luck.volatility_by regime"]


def test_interaction_is_dropped_where_no_trader_sees_two_regimes():
    trader, session, _ = grid(4, 6, 4)
    terms = separable_terms(M2, make_evidence(trader, session, trader % 2))
    assert "regime" in terms.skill
    assert "trader:regime" not in terms.skill
    assert "no trader is seen in two regimes" in terms.dropped["skill.terms trader:regime"]


def test_two_traders_have_no_desk_shock():
    trader, session, _ = grid(2, 6, 4)
    terms = separable_terms(M2, make_evidence(trader, session))
    assert terms.shocks == ("trader:session",)
    assert "desk shocks not separable" in terms.dropped["luck.shocks session"]


def test_desk_shock_needs_sessions_with_two_traders():
    _, session, _ = grid(1, 12, 4)
    terms = separable_terms(M2, make_evidence(session % 4, session))
    assert "0 session(s) with two traders or more" in terms.dropped["luck.shocks session"]


def test_one_row_a_trader_session_has_no_trader_day_effect():
    trader, session, _ = grid(4, 6, 1)
    terms = separable_terms(M2, make_evidence(trader, session))
    assert terms.shocks == ("session",)
    assert (
        terms.dropped["luck.shocks trader:session"]
        == "one row per trader-session: the trader-day effect and the residual are one"
    )


def test_one_trader_has_a_mean_only():
    trader, session, row = grid(1, 12, 4)
    terms = separable_terms(M2, make_evidence(trader, session, session % 2, row % 2))
    assert terms.skill == ("regime", "action")
    assert terms.volatility_by == ("regime",)
    assert set(terms.dropped) == {
        "skill.terms trader",
        "skill.terms trader:regime",
        "luck.shocks session",
        "luck.volatility_by trader",
    }
    assert "one trader" in str(terms)
