"""The all-pairs form of the determinism command, on every run; and that it would notice."""

from __future__ import annotations

import sys
from itertools import combinations, product
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import vary
from pairs import covering

from skillstats.ledger.build import build_ledger
from skillstats.plan import parse_plan
from skillstats.record import read_record


@pytest.mark.parametrize(("strength", "most"), [(2, 75), (3, 260)])  # 60 and 180 are the least that can do
def test_every_two_or_three_settings_meet(strength, most):
    factors = {"a": tuple(range(12)), "b": tuple("vwxyz"), "c": (1, 7, 10**6), "d": (1, 2, 8), "e": ("u", "k", "n"), "f": (0, 1)}
    cases = covering(factors, strength)
    for chosen in combinations(factors, strength):
        met = {tuple(case[n] for n in chosen) for case in cases}
        assert met == set(product(*(factors[n] for n in chosen)))
    assert cases == covering(factors, strength)
    assert len(cases) <= most


def test_the_fixed_desk_has_what_can_go_wrong(tmp_path):
    texts, plan = vary.desk()
    for name, text in texts.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8", newline="")
    ledger = build_ledger(read_record(tmp_path, parse_plan(plan.encode()), now="2027-01-01T00:00:00Z"))
    assert ledger.rows.num_rows > 200
    assert set(ledger.rows["status"].to_pylist()) == {"OPEN", "CLOSED"}
    assert len(set(ledger.rows["action"].to_pylist())) == 8
    assert True in ledger.rows["rounded"].to_pylist()
    assert ledger.quarantine.num_rows > 100
    assert ledger.drops.num_rows > 0


def test_one_build_that_differs_is_named(monkeypatch):
    def builds(cases, record):
        return [{"ledger.csv": "1" if case["format"] == "arrow" else "0", "kpis.csv": "0"} for case in cases]

    monkeypatch.setattr(vary, "run", builds)
    cases = [{"format": f, "order": 0, **{k: v[0] for k, v in vary.PROCESS.items()}} for f in ("csv", "arrow", "pandas")]
    (wrong,) = vary.compare(cases, vary.desk(9))
    assert wrong.startswith("ledger.csv differ with {'format': 'arrow'")


@pytest.mark.slow
def test_the_ledger_is_the_same_however_it_is_built(capsys):
    assert vary.main(["--chains", "60"]) == 0, capsys.readouterr().out
    told = capsys.readouterr().out
    assert "every output is the same" in told
    assert all(
        name in told
        for name in (
            "order 8",
            "format 7",
            "loops 2",
            "decisions 3",
            "chunk 3",
            "threads 3",
            "TZ 3",
            "PYTHONHASHSEED 2",
            *vary.not_varied(),
        )
    )
