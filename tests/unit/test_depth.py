"""The label ``depth``: quoted sizes against a second computation in pandas, splits, and what is refused without the sizes."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "oracle"))

import second_labels as second
from regime_desk import START, calendar, decisions, labels_of, price_rows, record_of, stamp

from skillstats.cli import main
from skillstats.errors import LedgerBug, UsageError
from skillstats.market.adjust import corporate_of
from skillstats.market.opening import open_market
from skillstats.record.containers import NULL
from skillstats.regimes import series

DAYS = 110
Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def rows() -> Rows:
    """Rows of two assets, more quotes a session, and among them every kind that must not count."""
    pick, (opens, closes) = Random(9), calendar(DAYS)
    found = price_rows(DAYS, seed=8)
    for asset in ("A", "B"):
        for begin, end in zip(opens.tolist(), closes.tolist(), strict=True):
            odd = [
                (begin - 60_000_000, "50.00", "50.10"),  # before the opening
                (begin, "50.00", "50.00"),  # locked, at the very opening: counts
                (begin + 1_000_000, "50.20", "50.10"),  # crossed
                (begin + 2_000_000, "", "50.10"),  # one-sided
                (end + 1_000_000, "50.00", "50.10"),  # after the close
            ]
            for at, bid, ask in pick.sample(odd, 3):
                sizes = {c: str(pick.randint(0, 5000)) for c in ("bid_size", "ask_size")}
                found.append({"asset": asset, "time": stamp(at), "bid": bid, "ask": ask, "close": "50.00", "volume": ""} | sizes)
    return found


def mean_sizes(rows: Rows, asset: str, splits: tuple[tuple[int, Fraction], ...] = ()) -> list[Fraction | None]:
    """Mean quoted size of each session, by pandas, in units of before the splits."""
    opens, closes = calendar(DAYS)
    frame = pd.DataFrame(rows)
    frame = frame[frame["asset"] == asset].assign(
        at=lambda f: pd.to_datetime(f["time"]).astype("datetime64[us, UTC]").astype("int64")
    )
    numbers = frame[["bid", "ask", "bid_size", "ask_size"]].apply(pd.to_numeric)
    frame = frame[numbers.notna().all(axis=1) & (numbers["bid"] <= numbers["ask"])]
    session = np.searchsorted(closes, frame["at"])
    inside = frame["at"].to_numpy() >= opens[np.minimum(session, DAYS - 1)]
    frame = frame.assign(session=session)[(session < DAYS) & inside]
    frame["own"] = [
        Fraction(int(b) + int(a), 2) / np.prod([r for when, r in splits if when <= t] or [Fraction(1)])
        for b, a, t in zip(frame["bid_size"], frame["ask_size"], frame["at"], strict=True)
    ]
    groups = frame.groupby("session")["own"]
    known = {int(k): sum(g) / len(g) for k, g in groups}
    return [known[k] if known.get(k) else None for k in range(DAYS)]


@pytest.mark.parametrize("asset", ["A", "B"])
def test_labels_are_those_of_pandas(asset: str, rows: Rows) -> None:
    decided, ends = decisions(DAYS), calendar(DAYS)[1].tolist()
    found = labels_of(record_of(rows), ("depth", "depth@B"), [asset] * len(decided), decided)
    at = [second.session_of(ends, t) for t in decided]
    for name, means in (("depth", mean_sizes(rows, asset)), ("depth@B", mean_sizes(rows, "B"))):
        assert found.values[name].tolist() == [second.previous_label(means, k) for k in at]
        assert set(found.values[name]) == {"unlabelled", "low", "middle", "high"}


def depth_of(rows: Rows, **tables: Rows) -> series.Series:
    record = record_of(rows, **tables)
    return series.depth_series(open_market(record, record.plan), corporate_of(record), 0)


def test_the_number_is_the_mean_of_the_session_before(rows: Rows) -> None:
    means, found, record = mean_sizes(rows, "A"), depth_of(rows), record_of(rows)
    first = int(open_market(record, record.plan).sessions_of(0).index_of(calendar(DAYS)[0][:1])[0])
    assert found.value[first + 1 : first + DAYS + 1] == means[: len(found.value) - first - 1]
    assert sum(v is not None for v in means) > 100
    assert all(n == (k - 1 if v is not None else -1) for k, (v, n) in enumerate(zip(found.value, found.newest, strict=True)))


@pytest.mark.parametrize("inside", [False, True], ids=["between sessions", "inside a session"])
def test_a_split_changes_no_depth(inside: bool, rows: Rows) -> None:
    """The same book after a 3:1 split shows three times the units; labels do not move."""
    opens, closes = calendar(DAYS)
    when = int(closes[89]) - 60_000_000 if inside else int(opens[90]) - 3_600_000_000
    split = [{"asset": "A", "time": stamp(when), "kind": "split", "value": "3"}]
    later = [
        r | {c: str(3 * int(r[c])) if r[c] else "" for c in ("bid_size", "ask_size")}
        if pd.Timestamp(r["time"]) >= pd.Timestamp(stamp(when))
        else r
        for r in rows
    ]
    assert depth_of([r for r in later if r["asset"] == "A"], corporate_actions=split).value == depth_of(rows).value
    unadjusted = depth_of([r for r in rows if r["asset"] == "A"], corporate_actions=split).value
    assert [v for v in unadjusted if v is not None] == [v for v in mean_sizes(rows, "A", ((when, Fraction(3)),)) if v is not None]


def test_blocks_and_large_sizes_change_nothing(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = depth_of(rows)
    monkeypatch.setattr(series, "BLOCK", 7)
    assert depth_of(rows).value == whole.value
    large = [r | {c: r[c] and str(int(r[c]) * 10**14) for c in ("bid_size", "ask_size")} for r in rows]
    monkeypatch.setattr(series, "BLOCK", 1 << 20)
    assert depth_of(large).value == [v and v * 10**14 for v in whole.value], "sums over 64 bits are exact"


def test_a_session_that_shows_no_size_is_unknown(rows: Rows) -> None:
    """0 on one side is a number; 0 everywhere is a feed without sizes."""
    silent = [r | {"bid_size": "0", "ask_size": "0"} for r in rows]
    assert set(depth_of(silent).value) == {None}
    one_side = [r | {"bid_size": "0", "ask_size": "4"} for r in rows]
    assert set(depth_of(one_side).value) == {None, Fraction(2)}


def test_a_depth_of_the_decisions_own_session_is_refused(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    real = series.depth_series

    def own_session(*given) -> series.Series:
        found = real(*given)
        return series.Series(found.value, np.where(found.newest < 0, -1, found.newest + 1))

    monkeypatch.setattr(series, "depth_series", own_session)
    with pytest.raises(LedgerBug, match="'depth' rest on data at or after the decision"):
        labels_of(record_of(rows), ("depth",), ["A"], [decisions(DAYS)[-1]])


# without sizes --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["depth", "depth@B"])
@pytest.mark.parametrize(("gone", "said"), [(("bid_size", "ask_size"), "bid_size or ask_size"), (("ask_size",), "ask_size")])
@pytest.mark.parametrize("empty", [True, False], ids=["empty", "absent"])
def test_depth_without_sizes_is_refused(name: str, gone: tuple[str, ...], said: str, empty: bool, rows: Rows) -> None:
    bare = [r | dict.fromkeys(gone, "") if empty else {k: v for k, v in r.items() if k not in gone} for r in rows]
    with pytest.raises(
        UsageError, match=rf"names \['{name}'\], but no row of prices has {said}; add the sizes .* name 'volume' or"
    ):
        labels_of(record_of(bare), (name,), ["A"], [START])


def test_an_own_column_named_depth_stays_usable_without_sizes(rows: Rows) -> None:
    """Built in it means nothing there; with sizes the name would mean two things, which is refused."""
    mine = [{"time": stamp(START), "asset": "", "depth": "thin"}]
    bare = [{k: v for k, v in r.items() if not k.endswith("_size")} for r in rows]
    found = labels_of(record_of(bare, regimes=mine), ("depth",), ["A"], [START + 1])
    assert found.values["depth"].tolist() == ["thin"] and found.cutoff.tolist() == [START]
    with pytest.raises(
        UsageError, match=r"names \['depth'\], which the regimes table has as a column and the package as a built-in"
    ):
        labels_of(record_of(rows, regimes=mine), ("depth",), ["A"], [START + 1])


def test_an_asset_without_sizes_stays_unlabelled(rows: Rows) -> None:
    mixed = [r | {"bid_size": "", "ask_size": ""} if r["asset"] == "A" else r for r in rows]
    found = labels_of(record_of(mixed), ("depth",), ["A", "B"], [decisions(DAYS)[-1]] * 2)
    assert found.values["depth"][0] == "unlabelled" and found.values["depth"][1] != "unlabelled"
    assert found.cutoff[0] == NULL


def test_the_command_line_refuses_it_with_the_remedy(tmp_path: Path) -> None:
    folder = tmp_path / "record"
    folder.mkdir()
    at = stamp(int(calendar(40)[0][30]) + 60_000_000)
    tables = {
        "prices": [{k: v for k, v in r.items() if not k.endswith("_size")} for r in price_rows(40, seed=3)],
        "signals": [{"signal_id": "S", "time": at, "model": "m", "asset": "A", "side": "BUY", "quantity": "1"}],
        "actions": [{"action_id": "V", "signal_id": "S", "time": at, "trader": "T", "action": "VETO", "quantity": ""}],
    }
    for name, cells in tables.items():
        pd.DataFrame(cells).to_csv(folder / f"{name}.csv", index=False)
    plan = tmp_path / "plan.toml"
    plan.write_text('horizon = "session+1"\n[max_age]\nquote = "PT96H"\n[regimes]\nuse = ["depth"]\n')
    refused = CliRunner().invoke(main, ["check", str(folder), "--plan", str(plan)])
    assert refused.exit_code == 2 and "no row of prices has bid_size or ask_size; add the sizes at the best" in refused.output
