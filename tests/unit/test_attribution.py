"""How value was made, on desks whose answer is known by construction, and against a second calculation from the tables by hand."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import itertools

from factor_desk import NOW, PLAN, Tables, closes, just_after, market_desk

from skillstats.attribution.attribute import ALL, FactorAttribution, attribute
from skillstats.attribution.decompose import decompose
from skillstats.attribution.errors_of_days import sum_interval
from skillstats.attribution.split import PARTS
from skillstats.errors import UsageError
from skillstats.ledger.build import build_ledger
from skillstats.ledger.write import read_ledger
from skillstats.plan import Plan
from skillstats.record import read_record

STAMPS = closes("2025-03-03", 60)
EXACT = 1e-9


def beta_desk(
    added: dict[int, str], moves: dict[int, float], beta: str = "1", specific: dict[int, float] | None = None
) -> Tables:
    """A model that holds 10,000 units of an index at 100 a session; on the sessions of `added` T1 buys that many more.

    The asset moves by beta times the factor, and by what `specific` says; the first price row is the session before the first signal.
    """
    desk, price = Tables(), 100.0
    desk.add("exposures", "A", "market", just_after(STAMPS[0], -3600), beta)
    for k in range(max([*added, *moves]) + 2):
        price *= 1 + float(beta) * moves.get(k, 0.0) + (specific or {}).get(k, 0.0)
        desk.add("prices", "A", STAMPS[k], f"{price:.8f}")
        desk.add("factors", "market", STAMPS[k], repr(moves.get(k, 0.0)))
    for k in range(max([*added, *moves])):
        stamp = just_after(STAMPS[k])
        desk.add("signals", f"S{k}", stamp, "m", "A", "BUY", "10000")
        more = str(10_000 + int(added[k])) if k in added else "10000"
        desk.add("actions", f"A{k}", f"S{k}", stamp, "T1", "RESIZE" if k in added else "ACCEPT", more)
        paid = next(r for r in desk.rows["prices"] if r[1] == STAMPS[k])[2]
        desk.add("fills", f"F{k}", f"A{k}", stamp, more, paid, "0")
    return desk


def one(a: FactorAttribution, trader: str = "T1") -> pd.Series:
    return a.traders.set_index("trader").loc[trader]


def test_beta_added_before_a_rally_is_timing_and_no_selection() -> None:
    """5,000 units at 100 more before +2%: 1% of the notional of 1,000,000; nothing specific happened."""
    a = attribute(beta_desk({5: "5000"}, {6: 0.02}).ledger())
    row, notional = one(a), 10_000 * 100
    assert row["value_add"] == pytest.approx(0.01 * notional, rel=EXACT)
    assert row["timing"] == pytest.approx(0.01 * notional, rel=EXACT)
    assert abs(row["selection"]) <= EXACT * notional and row["tilt"] == row["execution"] == row["unattributed"] == 0


def test_a_permanent_extra_beta_is_tilt() -> None:
    """Held in every session, the extra 5,000 units earn what the market does; so the whole of the rally is tilt."""
    a = attribute(beta_desk(dict.fromkeys(range(12), "5000"), {12: 0.02}).ledger())
    row = one(a)
    assert (
        row["tilt"] == pytest.approx(0.01 * 1_000_000, rel=EXACT) and abs(row["timing"]) < 1e-6 and abs(row["selection"]) < 1e-6
    )
    (last,) = a.by_factor.to_dict("records")
    assert last["mean_exposure"] == pytest.approx(500_000) and last["factor_part"] == pytest.approx(10_000)


def test_a_gain_without_the_market_is_selection() -> None:
    row = one(attribute(beta_desk({5: "5000"}, {4: 0.01, 6: 0.0}, specific={6: 0.02}).ledger()))
    assert row["selection"] == pytest.approx(10_000 * 1.01, rel=1e-6) == row["value_add"] and row["timing"] == 0


def sell_off(beta: str) -> Tables:
    """Ten BUYs of 100,000 vetoed at once; the market falls 3%, the names 4.5%."""
    desk = Tables()
    desk.add("factors", "market", STAMPS[1], "-0.03")
    for n in range(10):
        asset = f"N{n}"
        desk.add("exposures", asset, "market", STAMPS[0], beta)
        desk.add("prices", asset, STAMPS[0], "50")
        desk.add("prices", asset, STAMPS[1], "47.75")
        desk.add("signals", f"S{n}", just_after(STAMPS[0]), "mean_reversion", asset, "BUY", "2000")
        desk.add("actions", f"V{n}", f"S{n}", just_after(STAMPS[0]), "T1", "VETO", "", "blanket")
    return desk


@pytest.mark.parametrize(("beta", "timing", "selection"), [("1.2", 36_000, 9_000), ("1.5", 45_000, 0)])
def test_the_sell_off_is_mostly_the_market(beta: str, timing: float, selection: float) -> None:
    a = attribute(sell_off(beta).ledger())
    row = one(a)
    assert row[["value_add", "tilt"]].tolist() == [45_000, 0] and row["n_decisions"] == 1
    assert row["timing"] == pytest.approx(timing, rel=EXACT) and row["selection"] == pytest.approx(selection, abs=1e-6)
    (decision,) = a.decisions().to_dict("records")
    assert decision["timing"] == pytest.approx(timing) == decision["factor market"] and np.isnan(decision["timing_q05"])
    assert a.books.set_index("book").loc["model", "total"] == -45_000


def test_the_parts_add_up_everywhere() -> None:
    a = attribute(market_desk(3).ledger())
    for table in (a.traders, a.days, a.pieces, a.decisions(), a.by("asset"), a.by("side", "action"), a.by("momentum")):
        assert np.allclose(table[list(PARTS)].sum(axis=1), table["value_add"], rtol=0, atol=EXACT * 1e4)
    books = a.books.set_index("book")
    assert np.allclose(books.drop(columns="total").sum(axis=1), books["total"], rtol=EXACT)
    assert np.allclose(books.loc["actual"] - books.loc["model"], books.loc["difference"], rtol=EXACT, atol=1e-6)
    whole = one(a, ALL)
    assert whole["value_add"] == pytest.approx(a.days["value_add"].sum()) == pytest.approx(books.loc["difference", "total"])
    assert whole["selection"] == pytest.approx(a.pieces["selection"].sum())
    assert a.pieces["timing"].sum() + a.pieces["tilt"].sum() == pytest.approx(whole["timing"] + whole["tilt"])


def usual_of(earlier: list[float]) -> float:
    if len(earlier) < 2 or not any(earlier):
        return 0.0
    mean = sum(earlier) / len(earlier)
    variance = sum((x - mean) ** 2 for x in earlier) / (len(earlier) - 1)
    return mean * max(0.0, 1 - variance / len(earlier) / mean**2)


def test_every_part_against_a_calculation_by_hand() -> None:
    """Exposures given once, closes and factors daily: loops over the tables of the record, no code of the package."""
    desk = market_desk(5, given=True)
    rows, a = desk.rows, attribute(desk.ledger())
    beta = {(r[0], r[1]): float(r[3]) for r in rows["exposures"]}
    price = {(r[0], r[1]): float(r[2]) for r in rows["prices"]}
    move = {(r[0], r[1]): float(r[2]) for r in rows["factors"]}
    stamps, expected = closes("2025-01-02", 90), {"T1": np.zeros(3), "T2": np.zeros(3)}
    verb = {r[1]: (r[3], r[4]) for r in rows["actions"]}
    for trader in expected:
        seen: list[dict[str, float]] = []
        for k in range(62, 89):
            x, value = {"market": 0.0, "momentum": 0.0}, 0.0
            for asset in "ABC":
                who, what = verb[f"S{k}{asset}"]
                if who == trader and what == "VETO":
                    value -= 100 * (price[asset, stamps[k + 1]] - price[asset, stamps[k]])
                    for f in x:
                        x[f] -= 100 * price[asset, stamps[k]] * beta[asset, f]
            usual = {f: usual_of([s[f] for s in seen]) for f in x}
            common = sum(x[f] * move[f, stamps[k + 1]] for f in x)
            tilt = sum(usual[f] * move[f, stamps[k + 1]] for f in x)
            expected[trader] += [tilt, common - tilt, value - common]
            seen.append(x)
    for trader, parts in expected.items():
        assert one(a, trader)[["tilt", "timing", "selection"]].to_numpy(dtype=float) == pytest.approx(parts, rel=EXACT)


def test_a_delay_is_exposed_while_it_waits_and_execution_is_kept_apart() -> None:
    """SELL 1,000 at 100, sold a session later at 97.9 with the mid at 98; the factor fell 3% in between, the exposure is 1."""
    desk = Tables()
    for k, (price, move) in enumerate([("100", "0"), ("98", "-0.03"), ("99", "0.01")]):
        desk.add("prices", "A", STAMPS[k], price)
        desk.add("factors", "market", STAMPS[k], move)
    desk.add("exposures", "A", "market", STAMPS[0], "1")
    desk.add("signals", "S", just_after(STAMPS[0]), "m", "A", "SELL", "1000")
    desk.add("actions", "A", "S", just_after(STAMPS[0]), "T1", "DELAY", "1000")
    desk.add("fills", "F", "A", just_after(STAMPS[1]), "1000", "97.9", "7")
    row = one(attribute(desk.ledger(Plan(horizon="session+1"))))
    assert row["value_add"] == -2_107 and row["execution"] == -107
    assert row["timing"] == pytest.approx(-3_000) and row["selection"] == pytest.approx(1_000)


def test_a_missing_exposure_is_unattributed_and_never_zero() -> None:
    desk = sell_off("1.2")
    desk.rows["exposures"] = desk.rows["exposures"][:7]
    a = attribute(desk.ledger())
    row = one(a)
    assert row["unattributed"] == pytest.approx(3 * 4_500) and row["timing"] == pytest.approx(0.7 * 36_000)
    assert a.exposures == {"given": 7, "estimated": 0, "missing": 3} and a.left_out["no_exposure"] == 3


def test_an_exposure_stamped_at_the_decision_is_not_known_yet() -> None:
    desk = sell_off("1.2")
    desk.rows["exposures"] = [(a, f, just_after(STAMPS[0]), x) for a, f, _, x in desk.rows["exposures"]]
    assert one(attribute(desk.ledger()))["unattributed"] == 45_000


def test_a_factor_return_that_began_before_the_decision_is_not_used() -> None:
    """A veto at noon and a daily factor: the day's return holds a morning the trader had seen."""
    desk, noon = sell_off("1.2"), STAMPS[1][:11] + "17:00:00Z"
    for name in ("signals", "actions"):
        desk.rows[name] = [tuple(noon if c == just_after(STAMPS[0]) else c for c in r) for r in desk.rows[name]]
    desk.rows["prices"] += [(f"N{n}", noon, "49") for n in range(10)]
    a = attribute(desk.ledger())
    assert one(a)["timing"] == 0 and one(a)["unattributed"] == one(a)["value_add"] and a.left_out["no_factor_return"] == 10
    desk.rows["factors"] = [("market", noon, "-0.01"), ("market", STAMPS[1], "-0.02")]
    assert one(attribute(desk.ledger()))["timing"] == pytest.approx(10 * 2_000 * 49 * 1.2 * 0.02)


def test_a_ledger_read_back_says_the_same(tmp_path: Path) -> None:
    ledger = market_desk(2).ledger()
    ledger.write(tmp_path / "ledger")
    first, again = attribute(ledger), attribute(read_ledger(tmp_path / "ledger"))
    for name in ("traders", "by_factor", "days", "pieces", "books"):
        pd.testing.assert_frame_equal(getattr(first, name), getattr(again, name))


@pytest.mark.parametrize("cut", [72, 80])
def test_deleting_the_future_changes_no_finished_day(cut: int) -> None:
    frames = market_desk(4).frames()
    stamp = closes("2025-01-02", cut + 1)[cut]
    early = {k: v[v["time"] <= stamp] for k, v in frames.items()}
    whole, short = (attribute(build_ledger(read_record(f, PLAN, now=NOW))).days for f in (frames, early))
    until = short[short["active"]]["session"].max()
    days = [t[t["session"] <= until].reset_index(drop=True) for t in (whole, short)]
    assert len(days[1]) > 10
    pd.testing.assert_frame_equal(*days)


def test_what_cannot_be_attributed_is_said() -> None:
    frames = {k: v for k, v in market_desk().frames().items() if k != "factors"}
    with pytest.raises(UsageError, match="no factor returns; add a table factors"):
        attribute(build_ledger(read_record(frames, PLAN, now=NOW)))
    a = attribute(market_desk().ledger())
    with pytest.raises(UsageError, match="label \\['mood'\\], must be one of trader"):
        a.by("mood")
    assert str(a).startswith("FactorAttribution over market, momentum: value-add") and len(a.summary()) == 3


def momentum_desk(seed: int, days: int = 80) -> Tables:
    """Two winners and two losers by momentum; T1 vetoes the SELLs of winners before momentum rises, rightly three times in four.

    Names move by market, momentum and noise of their own; T1 knows nothing of the noise.
    """
    rng, desk, stamps = np.random.default_rng(seed), Tables(), closes("2024-03-04", days)
    loads = {"W1": 1.0, "W2": 0.8, "L1": -0.8, "L2": -1.0}
    move = rng.normal(0, [0.008, 0.01], (days, 2))
    price = dict.fromkeys(loads, 100.0)
    for k, stamp in enumerate(stamps):
        for j, factor in enumerate(("market", "momentum")):
            desk.add("factors", factor, stamp, repr(float(move[k, j])))
        good = k + 1 < days and move[k + 1, 1] > 0
        for asset, load in loads.items():
            price[asset] *= 1 + move[k, 0] + load * move[k, 1] + rng.normal(0, 0.004)
            desk.add("prices", asset, stamp, f"{price[asset]:.4f}")
            if k == 0:
                desk.add("exposures", asset, "market", stamp, "1")
                desk.add("exposures", asset, "momentum", stamp, repr(load))
            if 0 < k < days - 1:
                name, side = f"S{k}{asset}", "SELL" if k % 2 else "BUY"
                desk.add("signals", name, just_after(stamp), "m", asset, side, "1000")
                veto = asset[0] == "W" and side == "SELL" and (good if rng.random() < 0.75 else not good)
                desk.add("actions", f"A{name}", name, just_after(stamp), "T1", *(("VETO", "") if veto else ("ACCEPT", "1000")))
                if not veto:
                    desk.add("fills", f"F{name}", f"A{name}", just_after(stamp), "1000", f"{price[asset]:.4f}", "0")
    return desk


def test_overriding_sells_of_momentum_names_reads_as_momentum_timing() -> None:
    found = [attribute(momentum_desk(seed).ledger()).by("side", "momentum") for seed in range(3)]
    for table in found:
        row = table[table["momentum"] == "high momentum"].iloc[0]
        assert table[table["momentum"].str.contains("low|middle")].empty and row["side"] == "SELL"
        assert row["timing momentum"] > 0.5 * row["value_add"] > 0 and row["selection_q05"] < 0 < row["selection_q95"]
    total = pd.concat(found).select_dtypes("number").sum()
    assert abs(total["selection"]) < 0.2 * total["timing momentum"]


def test_every_slice_is_a_piece() -> None:
    """Rows without a slice get a piece of value 0, so that nothing is lost."""
    d = decompose(market_desk().ledger())
    assert len(d.pieces) >= d.rows.table.num_rows and d.attributed.all()


def test_several_fills_within_a_day_against_loops() -> None:
    """BUY 1,000 resized to 1,500 and filled in three pieces; factor returns every ten minutes; each interval counts for the gap that held throughout."""
    day, desk = STAMPS[1][:11], Tables()
    rng = np.random.default_rng(8)
    minutes = [f"{day}{h:02d}:{m:02d}:00Z" for h in range(15, 22) for m in range(0, 60, 10) if (h, m) <= (21, 0)]
    moves = {t: float(v) for t, v in zip(minutes, rng.normal(0, 0.002, len(minutes)), strict=True)}
    for k, t in enumerate(minutes):
        desk.add("prices", "A", t, f"{100 + np.sin(k):.4f}")
        desk.add("factors", "market", t, repr(moves[t]))
    desk.add("exposures", "A", "market", STAMPS[0], "1.3")
    desk.add("signals", "S", minutes[3], "m", "A", "BUY", "1000")
    desk.add("actions", "A", "S", minutes[3], "T1", "RESIZE", "1500")
    fills = {minutes[5]: 600, minutes[9]: 500, just_after(minutes[20], 240): 400}
    for n, (t, quantity) in enumerate(fills.items()):
        desk.add("fills", f"F{n}", "A", t, str(quantity), "100", "0")
    row, expected = one(attribute(desk.ledger())), 0.0
    for before, now in itertools.pairwise(minutes):
        gaps = {-1_000 * (minutes[3] <= t) + sum(q for f, q in fills.items() if f <= t) for t in (before, just_after(now, -1))}
        if before >= minutes[3] and len(gaps) == 1:
            expected += gaps.pop() * (100 + np.sin(3)) * 1.3 * moves[now]
    assert row["timing"] == pytest.approx(expected, rel=1e-6) and row["unattributed"] == 0


def test_intervals_of_slices_are_those_of_their_sessions() -> None:
    a = attribute(market_desk(6).ledger())
    table, sessions = a.by("trader").set_index("trader"), a.days["session"].nunique()
    for trader in ("T1", "T2"):
        own = a.pieces[a.pieces["trader"] == trader].groupby("session")["selection"].sum().to_numpy()
        low, high = sum_interval(np.r_[own, np.zeros(sessions - len(own))]) or (0, 0)
        assert table.loc[trader, ["selection_q05", "selection_q95"]].tolist() == pytest.approx([low, high])


def test_a_long_history_of_factor_returns_changes_nothing() -> None:
    """Returns from before the exchange's calendar begins lie in no window."""
    desk = sell_off("1.2")
    desk.rows["factors"] += [("market", f"{year}-06-30T20:00:00Z", "0.1") for year in range(1971, 2020)]
    row = one(attribute(desk.ledger()))
    assert row["unattributed"] == 45_000, "the only interval that covers the day now begins in 2019"
    desk.rows["factors"].append(("market", STAMPS[0], "0.2"))
    assert one(attribute(desk.ledger()))["timing"] == pytest.approx(36_000)
