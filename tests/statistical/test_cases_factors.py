"""Factor attribution of real cases: P12 (a blanket veto on 27 February 2020) to the cent, P11 (a portfolio without a specific part) to 1e-8."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import exchange_calendars as xc
import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "pages"))

from front_door import judged
from test_head_page import Page

from skillstats.attribution.attribute import FactorAttribution, attribute
from skillstats.ledger.build import build_ledger
from skillstats.plan import Plan
from skillstats.record import read_record

NOW = "2030-01-01T00:00:00Z"
DAY = "2020-02-27"
UNITS = 10_000
"""Units of each name a session in P11."""


@pytest.fixture(scope="module")
def example() -> ModuleType:
    path = Path(__file__).parents[2] / "examples" / "selloff_2020.py"
    spec = importlib.util.spec_from_file_location("selloff_2020", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def seconds_later(stamp: str, seconds: int = 1) -> str:
    return (pd.Timestamp(stamp) + pd.Timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def selloff_record(example: ModuleType, case: Path, folder: Path, *, given: bool) -> Path:
    """The example's record, signals a second after the close, with the index as factor and, if `given`, the published betas as exposures."""
    record = example.make_record(case, folder, "arrival_mid")
    index = pd.read_csv(case / "sp500_index.csv")
    index["return"] = index["SP500"].pct_change()
    index = index[index["date"].between("2019-06-04", DAY)]
    closes = xc.get_calendar("XNYS", start="2019-06-03", end=DAY).schedule["close"]
    stamp = dict(zip(closes.index.strftime("%Y-%m-%d"), closes.dt.strftime("%Y-%m-%dT%H:%M:%SZ"), strict=True))
    pd.DataFrame({"factor": "market", "time": index["date"].map(stamp), "return": index["return"].map(repr)}).to_csv(
        record / "factors.csv", index=False
    )
    for name in ("signals", "actions"):
        table = pd.read_csv(record / f"{name}.csv", dtype=str, keep_default_na=False)
        table.assign(time=table["time"].map(seconds_later)).to_csv(record / f"{name}.csv", index=False)
    if given:
        rows = json.loads((case / "expected.json").read_text())["ledger"]
        betas = [(r["symbol"], "market", stamp[r["decided_on"]], repr(r["beta60"])) for r in rows]
        pd.DataFrame(betas, columns=["asset", "factor", "time", "exposure"]).to_csv(record / "exposures.csv", index=False)
    plan = record / "plan.toml"
    plan.write_text(plan.read_text(encoding="utf-8").replace("session+1", "close"), encoding="utf-8")
    return record


def selloff(example: ModuleType, case: Path, folder: Path, *, given: bool) -> FactorAttribution:
    """The attribution of that record."""
    return attribute(build_ledger(read_record(selloff_record(example, case, folder, given=given))))


def test_the_veto_of_february_2020_is_the_market_to_the_cent(example: ModuleType, cases: Path, tmp_path: Path) -> None:
    case = cases / "P12_selloff_2020_02_27"
    a = selloff(example, case, tmp_path / "record", given=True)
    summary = json.loads((case / "expected.json").read_text())
    (decision,) = a.decisions().to_dict("records")
    assert round(decision["factor market"], 2) == 22_344.59 == round(summary["summary"]["of_which_market"], 2)
    assert round(decision["selection"], 2) == -626.38 == round(summary["summary"]["of_which_specific"], 2)
    assert decision["timing"] == decision["factor market"] and decision["tilt"] == 0 and a.exposures["given"] == 4
    own = a.pieces.set_index("asset")
    for row in summary["ledger"]:
        assert own.loc[row["symbol"], "factor market"] == pytest.approx(row["of_which_market"], abs=0.005)
        assert own.loc[row["symbol"], "selection"] == pytest.approx(row["of_which_specific"], abs=0.005)


def test_the_heads_page_says_that_the_veto_was_the_market_and_claims_nothing(
    example: ModuleType, cases: Path, tmp_path: Path
) -> None:
    """The same record through ledger, fit and evaluation to the page: one decision, withheld in plain words, its parts beside it."""
    record = selloff_record(example, cases / "P12_selloff_2020_02_27", tmp_path / "record", given=True)
    ledger, found, html = judged(record, "factors")
    assert ledger.result["totals"]["value_add"] == 21_718_214_554
    (row,) = found.rows
    assert (found.status, row["status"], row["n"], row["p_above_hurdle"]) == ("WITHHOLD", "WITHHOLD", 1, None)
    (stored,) = [t for t in found.attribution["factors"]["traders"] if t["trader"] == "T1"]
    assert (round(stored["timing"], 2), round(stored["selection"], 2)) == (22_344.59, -626.38)
    page = Page(html)
    assert page.cells["verdicts"][1][:3] == ["T1", "No answer", "one decision cannot tell skill from luck"]
    parts = next(rows for rows in page.tables if {"Timing", "Usual lean", "Selection"} <= set(rows[0]))
    own = dict(zip(parts[0], parts[1], strict=True))
    assert (own["Value-add"], own["Timing"], own["Usual lean"], own["Selection"]) == ("21,718", "22,345", "0", "\u2212626")
    assert "Of 21,718 USD of value-add, 22,345 came from timing (factors: market); selection \u2212626" in page.words


def test_without_given_betas_the_same_veto_rests_on_estimates(example: ModuleType, cases: Path, tmp_path: Path) -> None:
    """183 sessions instead of the published 60: the market is still all of it, within a tenth."""
    a = selloff(example, cases / "P12_selloff_2020_02_27", tmp_path / "record", given=False)
    (decision,) = a.decisions().to_dict("records")
    assert a.exposures == {"given": 0, "estimated": 4, "missing": 0}
    assert decision["factor market"] == pytest.approx(22_344.59, rel=0.1)
    assert decision["factor market"] + decision["selection"] == pytest.approx(21_718.21, abs=0.005)


def test_a_portfolio_of_factors_has_no_specific_part(cases: Path) -> None:
    """P11 with its returns read as percent: two names with loading 1 on both factors, exposure 1 every day, common return = total return."""
    case = cases / "P11_pyfolio_perf_attrib"
    factors = pd.read_csv(case / "factor_returns.csv", index_col=0)
    loadings = pd.read_csv(case / "factor_loadings.csv", dtype={"ticker": str}).set_index(["dt", "ticker"])
    published = pd.read_csv(case / "returns.csv", header=None, index_col=0)[1]
    # the case has every weekday; its rows are laid on consecutive sessions of the exchange
    closes = xc.get_calendar("XNYS", start="2015-12-31", end="2018-06-29").schedule["close"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    days = list(factors.index)
    stamps, before = dict(zip(days, closes[1:], strict=False)), dict(zip(days, closes, strict=False))
    rows: dict[str, list[tuple[str, ...]]] = {k: [] for k in ("signals", "actions", "prices", "factors", "exposures")}
    for day in days:
        for name in factors.columns:
            rows["factors"].append((name, stamps[day], repr(float(factors.loc[day, name]) / 100)))
        for ticker in ("19001", "19002"):
            asset, start = f"{ticker}@{day}", before[day]
            move = float(loadings.loc[(day, ticker)] @ factors.loc[day]) / 100
            rows["prices"] += [(asset, start, "100"), (asset, stamps[day], f"{100 * (1 + move):.9f}")]
            rows["exposures"] += [(asset, f, start, repr(float(loadings.loc[(day, ticker), f]))) for f in factors.columns]
            rows["signals"].append((f"S{asset}", seconds_later(start), "m", asset, "BUY", str(UNITS)))
            rows["actions"].append((f"A{asset}", f"S{asset}", seconds_later(start), "T1", "VETO", ""))
    names = {
        "signals": "signal_id time model asset side quantity",
        "actions": "action_id signal_id time trader action quantity",
        "prices": "asset time close",
        "factors": "factor time return",
        "exposures": "asset factor time exposure",
    }
    frames = {k: pd.DataFrame(v, columns=names[k].split(), dtype=object) for k, v in rows.items()}
    a = attribute(build_ledger(read_record(frames, Plan(horizon="close"), now=NOW)))
    capital = 2 * UNITS * 100.0
    own = a.days
    # the veto is the portfolio with its sign turned: common return = total return of every day, specific 0
    common = -(own["tilt"] + own["timing"]) / capital * 100
    assert len(common) == len(published) == 504
    assert np.abs(common.to_numpy() - published.to_numpy()).max() <= 1e-8
    assert np.abs(own["selection"] / capital).max() <= 1e-8
    books = a.books.set_index("book").loc["model"]
    assert books[[f"factor {f}" for f in factors.columns]].sum() == pytest.approx(books["total"], rel=1e-8)
    assert abs(books["specific"]) <= 1e-8 * abs(books["total"])
