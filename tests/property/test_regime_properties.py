"""Labels never change when data is added: delete or scramble everything at or after t, and every label before t keeps its bytes."""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "oracle"))

from regime_desk import Rows, decisions, labels_of, price_rows, record_of

from skillstats.record.containers import NULL
from skillstats.regimes import series
from skillstats.regimes.builtin import RULES
from skillstats.regimes.labels import Labels

DAYS, LONG = 100, 320
CUT = [n for n in RULES if n != "hmm"]
examples = settings(max_examples=25, deadline=None, derandomize=True, database=None, phases=(Phase.generate,))
seeds = st.integers(0, 2**32 - 1)
ROWS, LONG_ROWS = price_rows(DAYS, seed=1), [r for r in price_rows(LONG, seed=2, assets=("A",)) if r["volume"] != ""]


def changed_from(rows: Rows, limit: int, pick: Random) -> Rows:
    """Rows before an instant as they were; those at or after it deleted, or some of them, or with other numbers on other decimals."""
    kept = [r for r in rows if moment(r) < limit]
    later = [r for r in rows if moment(r) >= limit]
    how = pick.choice(("delete", "thin", "scramble"))
    if how == "delete":
        return kept
    if how == "thin":
        return kept + [r for r in later if pick.random() < 0.5]
    return kept + [
        r
        | {c: f"{float(r[c]) * pick.uniform(0.2, 5):.4f}" for c in ("bid", "ask", "close")}
        | {"volume": "7", "bid_size": str(pick.randint(0, 10**6)), "ask_size": pick.choice(("", "0", "5"))}
        for r in later
    ]


def moment(row: dict[str, str]) -> int:
    return int(np.datetime64(row["time"].removesuffix("Z"), "us").astype(np.int64))


def labels(rows: Rows, use: tuple[str, ...], decided: list[int]) -> Labels:
    return labels_of(record_of(rows), use, ["AB"[i % 2] if len(use) > 1 else "A" for i in range(len(decided))], decided)


def differing(rows: Rows, use: tuple[str, ...], days: int, seed: int, first: int) -> int:
    """How many labels and cut-offs before a random instant change when what follows is changed."""
    pick, instants = Random(seed), decisions(days)
    limit = pick.choice(instants[first:]) + pick.randint(0, 1)
    decided = [t for t in instants if t < limit]
    one, other = (labels(r, use, decided) for r in (rows, changed_from(rows, limit, pick)))
    found = sum(int((one.values[n] != other.values[n]).sum()) for n in use) + int((one.cutoff != other.cutoff).sum())
    return found + (one.rule != other.rule)


@examples
@given(seeds)
def test_what_comes_later_changes_no_label(seed: int) -> None:
    assert differing(ROWS, (*CUT, "volatility@B", "depth@B"), DAYS, seed, first=2 * 40) == 0


@settings(examples, max_examples=8)
@given(seeds)
def test_what_comes_later_changes_no_predicted_state(seed: int) -> None:
    assert differing(LONG_ROWS, ("hmm",), LONG, seed, first=2 * 256) == 0


@examples
@given(seeds)
def test_neither_order_nor_other_assets_change_a_label(seed: int) -> None:
    pick, decided = Random(seed), decisions(DAYS)[-40:]
    alone = [r for r in ROWS if r["asset"] == "A"]
    shuffled = pick.sample(ROWS, len(ROWS))
    one, other = (labels_of(record_of(r), tuple(CUT), ["A"] * 40, decided) for r in (alone, shuffled))
    assert all((one.values[n] == other.values[n]).all() for n in CUT) and (one.cutoff == other.cutoff).all()


@pytest.mark.parametrize("peeks", [0, 10], ids=["same day", "centred"])
def test_a_planted_look_ahead_is_caught(peeks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The property is worth something: a label of the days around, or of the day itself, that lies about its cut-off fails it."""

    def planted(returns: np.ndarray) -> series.Series:
        known = np.where(returns == NULL, 0, returns).astype(float)
        value = [int(np.sqrt(np.mean(known[max(k - peeks, 0) : k + peeks + 1] ** 2))) for k in range(len(known))]
        return series.Series(value, np.arange(len(known)) - 1)

    monkeypatch.setattr(series, "volatility_series", planted)
    assert any(differing(ROWS, ("volatility",), DAYS, seed, first=2 * 75) for seed in range(25))


def test_a_planted_look_ahead_of_depth_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The depth of the decision's own session, said to be that of the session before."""
    real = series.depth_series

    def planted(*given: Any) -> series.Series:
        found = real(*given)
        return series.Series([*found.value[1:], None], found.newest)

    monkeypatch.setattr(series, "depth_series", planted)
    assert any(differing(ROWS, ("depth",), DAYS, seed, first=2 * 75) for seed in range(25))
