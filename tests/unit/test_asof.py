"""The as-of join against a loop, and that the future changes nothing."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

from skillstats.attribution.asof import last_before, stamps_of, value_at
from skillstats.errors import UsageError
from skillstats.record.containers import NULL


def random_table(rng: np.random.Generator, rows: int = 60) -> pa.Table:
    time = np.sort(rng.integers(0, 40, rows))
    asset = [None if a == "-" else a for a in rng.choice(["A", "B", "-"], rows)]
    score = [None if rng.random() < 0.2 else float(v) for v in rng.normal(size=rows)]
    word = [None if rng.random() < 0.2 else str(v) for v in rng.integers(0, 9, rows)]
    return pa.table({"time": pa.array(time).cast(pa.timestamp("us", tz="UTC")), "asset": pa.array(asset, pa.string()),
                     "score": pa.array(score, pa.float64()), "word": pa.array(word, pa.string())})  # fmt: skip


def by_loop(table: pa.Table, column: str, asset: str, instant: int) -> tuple[object, int]:
    best: dict[bool, tuple[object, int]] = {}
    for row, time in zip(table.to_pylist(), stamps_of(table).tolist(), strict=True):
        if row[column] is not None and time < instant and row["asset"] in (asset, None):
            best[row["asset"] == asset] = (row[column], time)
    return best.get(True) or best.get(False) or (None, NULL)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("column", ["score", "word"])
def test_every_value_is_the_newest_strictly_before(seed: int, column: str) -> None:
    rng = np.random.default_rng(seed)
    table, asset, instant = random_table(rng), rng.choice(["A", "B", "C"], 200), rng.integers(-2, 45, 200)
    found = value_at(table, column, asset, instant)
    expected = [by_loop(table, column, a, t) for a, t in zip(asset, instant.tolist(), strict=True)]
    assert found.cutoff.tolist() == [c for _, c in expected] and (found.cutoff < instant).all()
    own = [None if v is None or (isinstance(v, float) and math.isnan(v)) else v for v in found.value.tolist()]
    assert own == [v for v, _ in expected]


def test_deleting_what_came_later_changes_nothing_before() -> None:
    rng = np.random.default_rng(9)
    table, asset, instant = random_table(rng), rng.choice(["A", "B"], 100), rng.integers(0, 20, 100)
    whole, cut = (value_at(t, "score", asset, instant) for t in (table, table.filter(pa.array(stamps_of(table) < 20))))
    np.testing.assert_array_equal(whole.value, cut.value)
    np.testing.assert_array_equal(whole.cutoff, cut.cutoff)


def test_an_empty_table_knows_nothing_and_an_unknown_column_is_refused() -> None:
    assert last_before([], np.zeros(0, dtype=np.int64), ["A"], np.array([5])).tolist() == [-1]
    with pytest.raises(UsageError, match="no column 'x'; the table has score, word"):
        value_at(random_table(np.random.default_rng(0)), "x", ["A"], np.array([5]))
