"""Which terms the data can tell apart, from counts alone."""

from dataclasses import replace

import numpy as np
import pytest

from skillstats.errors import UsageError
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


M3, M5, M7 = read_spec("crossed_selection"), read_spec("dynamic"), read_spec("population")


def rich(traders=4, sessions=8, rows=4, **changes):
    """A full desk with two desks, every label, sizes, exposures and as many quarters as sessions allow."""
    trader, session, row = grid(traders, sessions, rows)
    evidence = make_evidence(trader, session, session % 2, row % 2)
    labels = {"signal_type": row % 2, "asset_class": (row + session) % 2, "desk": trader // 3, "quarter": session // 2}
    coords = dict(evidence.coords) | {k: tuple(f"{k}{i}" for i in range(c.max() + 1)) for k, c in labels.items()}
    found = replace(evidence, labels=labels, coords=coords, risk=1.0 + row, exposure=np.cos(np.arange(len(trader))))
    return replace(found, **changes)


def without_labels(evidence, *names):
    return replace(evidence, labels={k: v for k, v in evidence.labels.items() if k not in names})


def test_a_rich_desk_keeps_everything_of_every_model():
    for spec in (M3, M5, M7):
        terms = separable_terms(spec, rich())
        assert not terms.dropped
        assert (terms.skill, terms.slopes, terms.drift) == (spec.skill.terms, spec.skill.slopes, spec.skill.drift)
    assert separable_terms(M3, rich()).form == "decision"


def test_selection_needs_exposures():
    with pytest.raises(UsageError, match="no factor exposures"):
        separable_terms(M3, rich(exposure=None))


def test_observed_factor_returns_take_the_place_of_the_shock():
    terms = separable_terms(M3, rich(factor_return=np.zeros(128)))
    assert terms.form == "observed"
    assert terms.shocks == ("session", "trader:session")
    assert "the outcome is y - x F" in str(terms)


def test_two_traders_load_the_factor_with_mean_exposures():
    terms = separable_terms(M3, rich(traders=2))
    assert (terms.form, terms.shocks) == ("trader:session", ("trader:session", "session:exposure"))
    assert "desk shocks not separable" in terms.dropped["luck.shocks session"]
    assert "mean exposure of each trader-session" in str(terms)


def test_equal_exposures_are_no_factor():
    terms = separable_terms(M3, rich(exposure=np.full(128, 2.0)))
    assert "session:exposure" not in terms.shocks
    assert "all exposures are equal" in terms.dropped["luck.shocks session:exposure"]


def test_one_level_of_a_label_is_dropped_with_its_name():
    terms = separable_terms(M7, without_labels(rich(), "signal_type", "asset_class", "desk"))
    assert terms.skill == ("trader", "regime", "trader:regime", "action")
    said = {terms.dropped[f"skill.terms {k}"] for k in ("signal_type", "asset_class", "desk")}
    assert said == {"one signal type", "one asset class", "one desk"}
    assert not terms.by_desk


def test_desks_of_one_trader_each_are_the_traders():
    full = rich()
    terms = separable_terms(M7, replace(full, labels={**full.labels, "desk": full.trader}))
    assert "no desk has two traders" in terms.dropped["skill.terms desk"]
    assert "session" in terms.shocks


def test_desk_shocks_need_three_traders_of_one_desk():
    full = rich()
    terms = separable_terms(M7, replace(full, labels={**full.labels, "desk": full.trader // 2}))
    assert "desk" in terms.skill
    assert "2 trader(s) of one desk" in terms.dropped["luck.shocks session"]


def test_sizes_that_do_not_vary_have_no_slope():
    assert "one size" in separable_terms(M3, rich(risk=np.ones(128))).dropped["skill.slopes sizing"]
    assert "no risk column" in separable_terms(M3, rich(has_risk=False)).dropped["skill.slopes sizing"]


def test_drift_needs_two_quarters_and_says_when_the_prior_speaks():
    assert separable_terms(M5, without_labels(rich(), "quarter")).drift is None
    few = separable_terms(M5, rich(sessions=4))
    assert few.drift == "quarter"
    assert "2 quarters, fewer than 4" in few.notes[0]
    assert not separable_terms(M5, rich()).notes


def test_a_small_desk_cannot_shape_its_population():
    assert "4 traders, fewer than 30" in separable_terms(M7, rich()).notes[0]
    assert not separable_terms(M7, rich(traders=30)).notes
    assert not separable_terms(M2, rich()).notes
