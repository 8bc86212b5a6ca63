"""Rejection rates of the placebo: a small run, the shipped table against what the documents promise, and the mechanisms themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skillstats.study import placebo_rates as study

SHIPPED = Path(__file__).resolve().parents[2] / "docs" / "models" / "evidence" / "placebo.md"


def shipped() -> pd.DataFrame:
    """The shipped table as numbers, `nan` as it stands."""
    lines = [
        [c.strip() for c in line.strip("|\n ").split("|")]
        for line in SHIPPED.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]
    frame = pd.DataFrame(lines[2:], columns=lines[0]).set_index("mechanism")
    return frame.drop(columns="skilled").astype(float)


def test_a_small_run_tells_a_blanket_vetoer_from_one_who_picks_falling_days() -> None:
    table = study.placebo_rates(25, draws=199, names=("P3", "P3 skill")).set_index("mechanism")
    assert table.loc["P3", "ours"] <= 0.2 and table.loc["P3 skill", "ours"] >= 0.4
    assert table.loc[:, ["day x side", "risk cells"]].isna().all(axis=None), (
        "all of a side or none of it: nothing can move inside a day"
    )
    assert (table["not testable"] == 0).all() and (table["years"] == 25).all()


def test_the_shipped_table_keeps_what_the_documents_promise() -> None:
    table = shipped()
    assert list(table.index) == list(study.MECHANISMS) and (table["years"] >= 990).all()
    frame = table.reset_index()
    assert study.misses(frame) == []
    blanket = table.loc[["P3", "P3 + drift", "P3 sticky", "P3 volatile"], "ours"]
    assert blanket.between(0.035, 0.075).all()
    assert table.loc["P3 + drift", "naive t"] > 0.3 and table.loc["P3 volatile", "ours, money"] > 0.15
    assert (
        table.loc["P4 sectors", "ours"] > 0.1 and (table.loc[~table.index.str.contains("skill"), "ours, both p"] <= 0.075).all()
    )
    assert table.loc["P3 skill", "ours"] >= 0.6 and table.loc["P1 skill", "ours"] >= 0.9


def test_a_table_that_breaks_a_promise_is_a_defect() -> None:
    names = ["P3", "P3 + drift", "P3 sticky", "P3 volatile", "P3 skill"]
    good = pd.DataFrame(
        {
            "mechanism": names,
            "ours": [0.05, 0.05, 0.06, 0.04, 0.7],
            "naive t": [0.2, 0.4, 0.2, 0.2, 0.8],
            "ours, money": [0.05] * 3 + [0.2, 0.6],
        }
    )
    good["ours, both p"] = good["ours"]
    sectors = good.iloc[[0]].assign(mechanism="P4 sectors", **{"ours": 0.15, "ours, both p": 0.04})
    good = pd.concat([good, sectors], ignore_index=True)
    assert study.misses(good) == []
    for column, row in (("ours", 0), ("ours", 3), ("ours", 4), ("naive t", 1), ("ours, money", 3), ("ours, both p", 5)):
        bad = good.copy()
        bad.loc[row, column] = 0.09 if column != "naive t" else 0.05
        assert len(study.misses(bad)) == 1, (column, row)


@pytest.mark.parametrize("name", list(study.MECHANISMS))
def test_a_mechanism_declares_the_level_it_chooses_at(name: str) -> None:
    rng = np.random.default_rng(5)
    mechanism = study.MECHANISMS[name]
    market = study.draw_market(mechanism, rng)
    vetoed = mechanism.pick(market, rng)
    universe, level = study.universe_of(market, vetoed)
    assert level == ("row" if name.startswith(("P1", "P2", "P4")) else "day")
    assert universe.act.sum() == -vetoed.sum() and len(universe) == study.SESSIONS * study.SIGNALS
    np.testing.assert_allclose(universe.act @ universe.money, market.worth[vetoed].sum())
