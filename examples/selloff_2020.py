"""One sell-off day: what was it worth to veto every long of a mean-reversion model on 27 February 2020?

On that day the S&P 500 fell 4.4 %. A model that buys what has fallen far (close more than two standard deviations under
its 20-day mean) asked, at the close before, for four technology stocks at 100,000 USD each. The trader vetoed all of them.

What you learn here:

- how daily bars become a record: the open is stamped at the opening instant, the close at the closing instant of the
  exchange's calendar;
- that the answer depends on where the model would have been filled, which the plan has to say. Filled at the close before
  (`arrival_mid`), the veto was worth 21,718.21 USD; filled at the next open (`next_open`), 9,081.76 USD. The click, the
  model and the market are the same; the difference is the overnight gap, which a model that buys at the open never has;
- that a blanket veto is **one** decision with four rows. It is evidence about one day, whatever the amount.

    python examples/selloff_2020.py CASE_FOLDER [RECORD_FOLDER]

CASE_FOLDER holds prices.csv (stock_symbol, date, open, close); the prices are not part of this repository.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import exchange_calendars as xc
import pandas as pd

from skillstats.ledger.build import build_ledger
from skillstats.ledger.containers import Ledger
from skillstats.record import read_record
from skillstats.units import format_micro

DAY = "2020-02-27"
WINDOW, DEVIATIONS, BUDGET = 20, -2.0, 100_000
FILL_MODELS = {"arrival_mid": "the close before", "next_open": "the next open"}


def read_bars(case: Path) -> pd.DataFrame:
    """Daily bars up to the day, prices as text so that no digit changes, with the opening and closing instant of each session."""
    bars = pd.read_csv(case / "prices.csv", dtype=str)[["stock_symbol", "date", "open", "close"]]
    bars = bars[bars["date"] <= DAY]
    sessions = xc.get_calendar("XNYS", start=bars["date"].min(), end=DAY).schedule
    for edge in ("open", "close"):
        instants = pd.Series(
            sessions[edge].dt.strftime("%Y-%m-%dT%H:%M:%SZ").to_numpy(), index=sessions.index.strftime("%Y-%m-%d")
        )
        bars[f"{edge}_time"] = bars["date"].map(instants)
    return bars.sort_values(["stock_symbol", "date"]).reset_index(drop=True)


def price_table(bars: pd.DataFrame) -> pd.DataFrame:
    """Two rows a bar: at the opening instant the open is also the last price; at the closing instant there is the close."""
    opening = bars.assign(time=bars["open_time"], close=bars["open"])
    closing = bars.assign(time=bars["close_time"], open="")
    both = pd.concat([opening, closing]).sort_values(["stock_symbol", "time"])
    return both.rename(columns={"stock_symbol": "asset"})[["asset", "time", "close", "open"]]


def signal_table(bars: pd.DataFrame) -> pd.DataFrame:
    """BUY floor(100,000 / close) shares where the last close is more than two sd under the mean of the last 20 closes."""
    before = bars[bars["date"] < DAY]
    rows = []
    for asset, own in before.groupby("stock_symbol", sort=True):
        close = own["close"].astype(float)
        z = (close.iloc[-1] - close.tail(WINDOW).mean()) / close.tail(WINDOW).std(ddof=1)
        if z < DEVIATIONS:
            row = {
                "signal_id": f"S-{asset}",
                "time": own["close_time"].iloc[-1],
                "model": "mean_reversion",
                "asset": asset,
                "side": "BUY",
            }
            rows.append({**row, "quantity": str(int(BUDGET // close.iloc[-1])), "price": own["close"].iloc[-1]})
    return pd.DataFrame(rows)


def make_record(case: Path, record: Path, fill_model: str = "arrival_mid") -> Path:
    """Write the record folder: prices, signals, the trader's veto and the plan."""
    record.mkdir(parents=True, exist_ok=True)
    bars = read_bars(case)
    signals = signal_table(bars)
    veto = pd.DataFrame(
        {"signal_id": signals["signal_id"], "time": signals["time"], "trader": "T1", "action": "VETO", "decision_id": "all longs"}
    )
    veto.insert(0, "action_id", "V-" + signals["asset"])
    veto["quantity"] = ""
    for name, table in (("prices", price_table(bars)), ("signals", signals), ("actions", veto)):
        table.to_csv(record / f"{name}.csv", index=False)
    plan = f'name = "sell-off {DAY}"\nhorizon = "session+1"\nfill_model = "{fill_model}"\ncurrency = "USD"\n'
    (record / "plan.toml").write_text(plan, encoding="utf-8")
    return record


def ledger_of(case: Path, record: Path, fill_model: str) -> Ledger:
    """The ledger of the day under one assumption about the model's fill."""
    return build_ledger(read_record(make_record(case, record, fill_model)))


def main(arguments: list[str]) -> None:
    """Print the ledger under both fill models."""
    if not arguments or not Path(arguments[0]).is_dir():
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(arguments[1]) if len(arguments) > 1 else Path(scratch)
        for fill_model, words in FILL_MODELS.items():
            ledger = ledger_of(Path(arguments[0]), target / fill_model, fill_model)
            print(f"\nModel filled at {words} ({fill_model}):")
            for row in ledger.rows.to_pylist():
                place = f"{row['model_price']:>11.6f} -> {row['mark']:>11.6f}"
                print(
                    f"  VETO of BUY {row['model_quantity']:>5.0f} {row['asset']:<5} {place}   {format_micro(row['value_add'], 2):>10}"
                )
            total = ledger.result["totals"]["value_add"]
            print(f"  value-add of {ledger.decisions.num_rows} decision: {format_micro(total, 2)} USD")


if __name__ == "__main__":
    main(sys.argv[1:])
