"""Parts add up on random desks of every kind: splits, currencies, several fills, reversals, open rows, factors at any frequency, holes in exposures."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "oracle"))

import desks

from skillstats.attribution.attribute import attribute
from skillstats.attribution.split import PARTS
from skillstats.errors import UsageError
from skillstats.ledger.build import build_ledger
from skillstats.plan import parse_plan
from skillstats.record import read_record

STEPS = ("1h", "1D", "5min")


def with_factors(desk: desks.Desk, seed: int) -> dict[str, pd.DataFrame]:
    """Tables of a desk with one or two factors; every fourth desk has an asset without exposures."""
    rng = np.random.default_rng(seed)
    tables = {k: pd.read_csv(io.StringIO(v), dtype=str, keep_default_na=False) for k, v in desk.texts().items()}
    stamps = pd.concat([tables[t]["time"] for t in ("signals", "prices", "actions")])
    time = pd.to_datetime(stamps, utc=True, format="ISO8601").drop_duplicates()
    grid = pd.date_range(time.min().normalize(), time.max().normalize() + pd.Timedelta(days=1), freq=STEPS[seed % 3])
    iso = [t.strftime("%Y-%m-%dT%H:%M:%S.%fZ") for t in sorted({*time, *grid})]
    names, assets = ("market", "size")[: 1 + seed % 2], sorted(set(tables["prices"]["asset"]))
    tables["factors"] = pd.DataFrame(
        [(f, t, repr(float(rng.normal(0, 0.01)))) for f in names for t in iso], columns=["factor", "time", "return"]
    )
    known = [(a, f, t) for a in assets[: len(assets) - (seed % 4 == 0)] for f in names for t in iso[:: max(1, len(iso) // 7)]]
    rows = [(*k, repr(float(rng.normal(1, 0.5)))) for k in known]
    tables["exposures"] = pd.DataFrame(rows, columns=["asset", "factor", "time", "exposure"])
    return tables


@pytest.mark.parametrize("seed", range(1, 60, 6))
def test_parts_add_up_on_any_desk(seed: int) -> None:
    desk = desks.make_desk(seed, wide=True, chains=14)
    plan = parse_plan(desk.plan_text().encode())
    ledger = build_ledger(read_record(with_factors(desk, seed), plan, now="2027-01-01T00:00:00Z"))
    closed_own = ledger.rows.filter(pc.and_(pc.equal(ledger.rows["status"], "CLOSED"), ledger.rows["is_intervention"]))
    if not closed_own.num_rows:
        with pytest.raises(UsageError, match="CLOSED"):
            attribute(ledger)
        return
    a = attribute(ledger)
    for table in (a.traders, a.days, a.pieces, a.decisions()):
        parts = table[list(PARTS)]
        assert (np.abs(parts.sum(axis=1) - table["value_add"]) <= 1e-9 * (1 + np.abs(parts).sum(axis=1))).all()
    books = a.books.set_index("book")
    rest = books.drop(columns="total")
    assert (np.abs(rest.sum(axis=1) - books["total"]) <= 1e-9 * (1 + np.abs(rest).sum(axis=1))).all()
    rows = ledger.rows.to_pandas()
    closed = rows[rows["status"] == "CLOSED"]
    own = closed[closed["is_intervention"]]
    assert a.traders.iloc[-1]["value_add"] == pytest.approx(own["value_add"].sum() * 1e-6, abs=1e-6)
    assert books.loc["difference", "total"] == pytest.approx(closed["value_add"].sum() * 1e-6, abs=1e-6)
    assert sum(a.exposures.values()) == len(own) * len(a.factors)
