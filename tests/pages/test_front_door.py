"""The fixtures with known answers, from a record in files to what the head of trading reads: the published rows, and the sell-off."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from front_door import BEFORE, DAY, Tables, judged, just_after, with_past, write_record
from numbers_of import agrees
from test_head_page import Page

QUOTES = {"prices": "asset time close bid ask"}
SIGNALLED, TRADED = f"{DAY[:10]}T15:10:00Z", f"{DAY[:10]}T15:40:00Z"
ROWS = {
    "as printed": (("BUY", "50.20", "50.10"), "25.50 25.52", (500, 50, -700), (-150, -50, 2 / 3, 606.2, -0.0825)),
    "sign repaired": (("SELL", "50.20", "50.10"), "25.50 25.52", (500, -50, -700), (-250, -83.33, 1 / 3, 600.7, -0.139)),
    "full identity": (("SELL", "50.20", "50.10"), "25.52 25.52", (500, -50, -740), (-290, -96.67, 1 / 3, 621.3, -0.156)),
}
"""Variant: the delayed order, prices of the first 2,000 and the last 1,000 of the resized one, value-adds in USD, and sum, mean, hit rate, sd, mean / sd.

As printed, the delay is what its formula was right for, a BUY, and the 2,000 shares both books traded cost the same.
"""


def published(variant: str) -> Tables:
    """VETO of BUY 1000 @ 100.05, a DELAY of 500 shares, RESIZE of BUY 2000 @ 25.50 to 3000, each asset with a past."""
    (side, signal, fill), paid, _, _ = ROWS[variant]
    first, last = paid.split()
    desk = Tables()
    for asset, then, mark in (("AAA", "100.05", "99.55"), ("BBB", signal, "49.80"), ("CCC", "25.50", "24.82")):
        with_past(desk, asset, float(then))
        desk.add("prices", asset, SIGNALLED, "", then, then)
        desk.add("prices", asset, DAY, mark)
    for asset, mid in (("BBB", fill), ("CCC", first)):
        desk.add("prices", asset, TRADED, "", mid, mid)
    orders = (("S1", "AAA", "BUY", "1000"), ("S2", "BBB", side, "500"), ("S3", "CCC", "BUY", "2000"))
    for key, asset, way, quantity in orders:
        desk.add("signals", key, SIGNALLED, "mean-rev", asset, way, quantity)
    for key, verb, quantity in (("S1", "VETO", ""), ("S2", "DELAY", "500"), ("S3", "RESIZE", "3000")):
        desk.add("actions", f"A{key}", key, just_after(SIGNALLED, 15), "T1", verb, quantity)
    fills = (("F2", "AS2", "500", fill), ("F3", "AS3", "2000", first), ("F4", "AS3", "1000", last))
    for key, action, quantity, price in fills:
        desk.add("fills", key, action, TRADED, quantity, price, "0")
    return desk


@pytest.mark.parametrize("variant", list(ROWS))
def test_the_kpis_of_the_published_rows_on_the_heads_page(variant: str, tmp_path: Path) -> None:
    _, _, amounts, (total, mean, hits, sd, ratio) = ROWS[variant]
    ledger, found, html = judged(write_record(published(variant), tmp_path / "record", "published", QUOTES))
    assert [r["value_add"] for r in ledger.rows.to_pylist()] == [a * 10**6 for a in amounts]
    row = next(k for k in found.kpis if k["by"] == "trader")
    exact = (row["sum"] / 10**6, round(row["mean"], 2), row["hit_rate"], round(row["sd"], 1))
    assert exact == (total, mean, pytest.approx(hits), sd)
    assert round(row["ir_per_decision"], len(str(abs(ratio))) - 2) == ratio
    page = Page(html)
    heads, *lines = next(r for r in page.tables if any("Hit rate" in h for h in r[0]) and any("Sum" in h for h in r[0]))
    own = {h.split(",")[0]: cell for h, cell in zip(heads, next(line for line in lines if line[0] == "T1"), strict=True)}
    stored = {"Sum": row["sum"] / 10**6, "Mean": row["mean"], "Hit rate": row["hit_rate"], "Sd": row["sd"]}
    assert all(agrees(own[name], value) for name, value in stored.items()), own
    assert page.cells["verdicts"][1][1:3] == ["No answer", "three decisions cannot tell skill from luck"]


def sell_off(beta: str, tmp_path: Path) -> Path:
    """Ten BUYs of 100,000 USD by a mean-reversion model, all vetoed in one decision; the market falls 3%, the names 4.5%."""
    desk = Tables()
    desk.add("factors", "market", DAY, "-0.03")
    for n in range(10):
        asset = f"N{n}"
        with_past(desk, asset, 50.0)
        desk.add("prices", asset, DAY, "47.75")
        desk.add("exposures", asset, "market", BEFORE, beta)
        desk.add("signals", f"S{n}", just_after(BEFORE), "mean_reversion", asset, "BUY", "2000")
        desk.add("actions", f"V{n}", f"S{n}", just_after(BEFORE), "T1", "VETO", "", "blanket")
    return write_record(desk, tmp_path / "record", "sell-off")


@pytest.mark.parametrize(("beta", "timing", "selection"), [("1.2", 36_000, 9_000), ("1.5", 45_000, 0)])
def test_the_sell_off_is_withheld_in_words_a_head_of_trading_understands(
    beta: str, timing: float, selection: float, tmp_path: Path
) -> None:
    ledger, found, html = judged(sell_off(beta, tmp_path), "factors")
    assert (ledger.result["totals"]["model"], ledger.result["totals"]["value_add"]) == (-45_000 * 10**6, 45_000 * 10**6)
    assert ledger.decisions.num_rows == 1 and found.status == "WITHHOLD"
    assert [(r["trader"], r["status"], r["n"], r["p_above_hurdle"], r["detail"]) for r in found.rows] == [
        ("T1", "WITHHOLD", 1, None, None)
    ]
    page = Page(html)
    assert page.cells["verdicts"][1][:3] == ["T1", "No answer", "one decision cannot tell skill from luck"]
    assert page.cells["verdicts"][1][3:7] == ["\u2013"] * 4
    assert "No statement about skill can be made from this fit: its numbers are withheld, for every trader." in page.words
    parts = next(rows for rows in page.tables if {"Timing", "Usual lean", "Selection"} <= set(rows[0]))
    own = dict(zip(parts[0], parts[1], strict=True))
    stored = next(t for t in found.attribution["factors"]["traders"] if t["trader"] == "T1")
    assert (stored["timing"], stored["selection"]) == (pytest.approx(timing), pytest.approx(selection, abs=1e-6))
    printed = [own[k].replace(",", "") for k in ("Trader", "Value-add", "Timing", "Usual lean", "Selection")]
    assert printed == ["T1", "45000", f"{timing}", "0", f"{selection}"]
