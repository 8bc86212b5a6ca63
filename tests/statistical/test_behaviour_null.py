"""False alarms of the detectors of habits in small form; the release form is a table in the documentation.

Six unbiased desks of four traders and 120 sessions, horizons over night: 24 traders x 11 questions, of which about 10 detectors can answer. With a
true rate of 5%, hits of one detector among 24 exceed 6 with probability .0006 (binomial), of any of 11 with less than .007; in all
together 264 answers exceed 30 with probability 1e-4 if they were independent; traders share the market, hence 36.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from skillstats.study import behaviour_null
from skillstats.study.behaviour_null import DESIGNS, PLANTED, confirmed, markdown, null_rates, power_rates, run_desk
from skillstats.study.behaviour_worlds import Desk

SEED = 20260721


def test_no_detector_fires_on_unbiased_traders_more_often_than_it_says() -> None:
    worlds = [replace(w, traders=4, sessions=120) for w in DESIGNS if w.name in ("usual", "skilled")]
    rows = pd.concat([run_desk(SEED, w, i) for w in worlds for i in range(3)], ignore_index=True)
    asked = rows[rows["p"].notna()]
    hits = (asked["p"] < 0.05).groupby(asked["detector"]).sum()
    assert len(asked) >= 200
    assert hits.max() <= 6, f"{hits.idxmax()} fires on {hits.max()} of 24 unbiased traders (chance .0006 at a rate of 5%)"
    assert hits.sum() <= 36, f"{hits.sum()} of {len(asked)} questions fire"
    assert asked["found"].mean() < 0.03


def test_the_tables_say_what_the_rows_say() -> None:
    rows = pd.DataFrame(
        {
            "design": "usual", "detector": "exits", "replicate": [0, 0, 1, 1], "p": [0.01, 0.5, 0.6, np.nan],
            "q05": [1.0, -1, -1, np.nan], "q95": [2.0, 1, 1, np.nan], "found": [True, False, False, False], "unit": "pp", "effect": [1.5, 0, 0, np.nan],
        }
    )  # fmt: skip
    null, power = null_rates(rows), power_rates(rows)
    assert null["rate"].tolist() == [1 / 3] and null["covered"].tolist() == [2 / 3] and null["traders"].tolist() == [3]
    assert power["power"].tolist() == [1 / 3]
    null = null.assign(again=[0.05], defect=[False])
    text = markdown(null.assign(ok=False), power, pd.DataFrame({"design": ["usual"], "any": [True]}))
    assert "| Exits (`exits`) | 0.333 | 0.667 | 0.33 | +0.50 pp |" in text
    assert "`exits` in usual 0.333, then 0.050" in text
    assert {w.name for w in PLANTED} == {next(iter(w.habits)) for w in PLANTED}


def test_an_alarm_is_a_defect_only_if_fresh_desks_raise_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A detector that always fires alarms twice; one that fired by chance is run again, alone, on other seeds, and cleared."""
    asked: list[tuple[str, tuple[str, ...]]] = []

    def fresh(seed: int, world: Desk, replicate: int, names: tuple[str, ...] = ()) -> pd.DataFrame:
        assert seed == 5 + behaviour_null.AGAIN
        asked.append((world.name, names))
        p = [0.001 if name == "exits" else 0.9 for name in names]  # on every desk, so that desks do not vary
        return pd.DataFrame(
            {"design": world.name, "replicate": replicate, "detector": list(names), "p": p, "q05": -1.0, "q95": 1.0}
        )

    monkeypatch.setattr(behaviour_null, "run_desk", fresh)
    first = pd.DataFrame(
        {
            "design": "usual",
            "detector": ["exits", "recency", "herding"],
            "traders": 8,
            "rate": [1.0, 0.2, 0.05],
            "ok": [False, False, True],
        }
    )
    found = confirmed(first, 4, 5, 1).set_index("detector")
    assert set(asked) == {("usual", ("exits", "recency"))}
    assert found["defect"].to_dict() == {"exits": True, "recency": False, "herding": False}
    assert found.loc["exits", "again"] == 1.0 and np.isnan(found.loc["herding", "again"])
