"""Factors, exposures, features and estimated betas travel with the ledger, and nothing of the future with them."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

sys.path.insert(0, str(Path(__file__).parent))
from factor_desk import NOW, PLAN, closes, market_desk

from skillstats.errors import Mismatch
from skillstats.evaluation.verify import verify
from skillstats.ledger.build import build_ledger
from skillstats.ledger.containers import Ledger
from skillstats.ledger.door import build_ledger_folder
from skillstats.ledger.write import read_ledger
from skillstats.market.betas import trailing_betas
from skillstats.record import read_record


@pytest.fixture(scope="module")
def desk() -> dict[str, pd.DataFrame]:
    tables = market_desk()
    for k, stamp in enumerate(closes("2025-01-02", 90)):
        tables.add("features", stamp, "" if k % 2 else "A", "yes" if k % 3 else "", str(k / 7))
    tables.add("exposures", "B", "market", closes("2025-01-02", 75)[74], "0.75")
    return tables.frames()


@pytest.fixture(scope="module")
def ledger(desk: dict[str, pd.DataFrame]) -> Ledger:
    return build_ledger(read_record(desk, PLAN, now=NOW))


def test_what_was_accepted_is_carried_and_read_back(ledger: Ledger, tmp_path: Path) -> None:
    ledger.write(tmp_path / "ledger")
    again = read_ledger(tmp_path / "ledger")
    assert list(ledger.carried) == ["factors", "exposures", "features", "betas"] == list(again.carried)
    for name, table in ledger.carried.items():
        assert again.carried[name].equals(table) and name in ledger.result["outputs"]
    assert again.digest == ledger.digest and again.record is None
    assert ledger.carried["features"].column_names == ["time", "asset", "news", "score"]
    assert (
        ledger.carried["features"].schema.field("score").type == "double" and ledger.carried["features"]["news"].null_count == 30
    )
    assert any("factors.parquet: content digest holds" in line for line in verify(tmp_path / "ledger"))


def test_a_changed_factor_return_is_named(ledger: Ledger, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    ledger.write(tmp_path / "ledger")
    path = tmp_path / "ledger" / "factors.parquet"
    table = pq.read_table(path)
    returns = table["return"].to_pylist()
    returns[4] = 0.05
    pq.write_table(table.set_column(2, "return", pa.array(returns)), path)
    with pytest.raises(Mismatch, match=r"table factors, row 5.*changed"):
        verify(tmp_path / "ledger")


def test_a_record_without_them_leaves_no_trace(desk: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    bare = build_ledger(
        read_record({k: v for k, v in desk.items() if k in ("signals", "actions", "fills", "prices")}, PLAN, now=NOW)
    )
    assert not bare.carried and not {"factors", "betas"} & set(bare.result["outputs"])
    bare.write(tmp_path / "bare")
    assert not list(tmp_path.glob("bare/fa*")) and read_ledger(tmp_path / "bare").digest == bare.digest


def test_order_and_format_change_no_byte_and_parts_give_the_same_folder(
    desk: dict[str, pd.DataFrame], ledger: Ledger, tmp_path: Path
) -> None:
    shuffled = {k: v.sample(frac=1, random_state=3)[list(v.columns[::-1])] for k, v in desk.items()}
    assert build_ledger(read_record(shuffled, PLAN, now=NOW)).digest == ledger.digest
    for name, frame in desk.items():
        (tmp_path / "record").mkdir(exist_ok=True)
        frame.to_csv(tmp_path / "record" / f"{name}.csv", index=False)
    for how in ("memory", "parts"):
        build_ledger_folder(tmp_path / "record", tmp_path / how, PLAN, decisions=how, part=7, now=NOW)  # type: ignore[arg-type]
    files = {p.name for p in (tmp_path / "memory").iterdir()}
    assert files == {p.name for p in (tmp_path / "parts").iterdir()} >= {"betas.parquet", "features.parquet"}
    assert all((tmp_path / "memory" / f).read_bytes() == (tmp_path / "parts" / f).read_bytes() for f in files)
    assert read_ledger(tmp_path / "parts").digest == ledger.digest
    shutil.rmtree(tmp_path / "memory")


def test_betas_are_those_of_least_squares_on_the_sessions_before(desk: dict[str, pd.DataFrame], ledger: Ledger) -> None:
    betas = ledger.carried["betas"].to_pandas()
    price = desk["prices"].pivot(index="time", columns="asset", values="close").astype(float)  # noqa: PD010
    factor = desk["factors"].pivot(index="time", columns="factor", values="return").astype(float)  # noqa: PD010
    stamp = price.index[80]
    for asset in "AC":
        own = betas[(betas["asset"] == asset) & (betas["time"] == pd.Timestamp(stamp))]
        fitted = sm.OLS(price[asset].pct_change().iloc[1:81], sm.add_constant(factor.iloc[1:81])).fit()
        assert own["sessions"].tolist() == [80, 80]
        assert np.allclose(own.set_index("factor")["exposure"], fitted.params[["market", "momentum"]], atol=2e-9)


def test_an_exposure_that_is_given_is_not_estimated_from_then_on(ledger: Ledger) -> None:
    """That of B to the market is given at the close of session 74 (from 0): before, it is estimated; the other factor always."""
    betas, stamps = ledger.carried["betas"].to_pandas(), pd.to_datetime(closes("2025-01-02", 90))
    of_b = betas[betas["asset"] == "B"].groupby("factor")["time"].agg(["min", "max"])
    assert of_b.loc["market"].tolist() == [stamps[62], stamps[73]] and of_b.loc["momentum"].tolist() == [stamps[62], stamps[88]]


@pytest.mark.parametrize("cut", [70, 85])
def test_deleting_the_future_changes_no_earlier_beta(desk: dict[str, pd.DataFrame], ledger: Ledger, cut: int) -> None:
    stamp = closes("2025-01-02", cut + 1)[cut]
    kept = {k: v[v["time"] <= stamp] for k, v in desk.items() if "time" in v}
    short = build_ledger(read_record(kept, PLAN, now=NOW)).carried["betas"].to_pandas()
    before = ledger.carried["betas"].to_pandas()
    until = short["time"].max()
    assert until >= pd.Timestamp(closes("2025-01-02", cut)[cut - 1])
    # an exposure that came later must not take an estimate away, so the rows are equal, not merely the numbers
    pd.testing.assert_frame_equal(short, before[before["time"] <= until].reset_index(drop=True))


def test_factors_that_move_as_one_have_no_betas() -> None:
    move = np.sin(np.arange(80.0))
    beta, n = trailing_betas(move, np.column_stack([move, 2 * move]), np.array([70]))
    assert np.isnan(beta).all() and n.tolist() == [70]
