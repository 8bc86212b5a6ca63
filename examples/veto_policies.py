"""Five mechanical vetoers of one momentum model on real prices: who is called skilled?

Prices are those of fourteen technology stocks, June 2019 to December 2020, with the crash of March 2020 inside. The model is simple on
purpose: at each close it buys a stock that closed above the mean of its last 20 closes and sells it otherwise, 100,000 USD each, filled
at that close and judged at the next one. Five policies answer every signal, and each one is a desk of its own:

- ``always`` vetoes everything, a decision a day;
- ``random`` vetoes each signal with a probability of one half;
- ``fear`` vetoes the purchases of stocks that fell by more than 1 % on the day, a decision a day;
- ``noisy_oracle`` sees whether the signal will gain or lose and is right with probability .52;
- ``strong_oracle`` is right with probability .65.

An oracle vetoes what it takes for a loss. These numbers were written down before any result was seen. A veto that is right with
probability p is worth about (2p - 1) x .8 units of its risk; seven vetoes a day whose outcomes correlate by .5 make that an annual IR
near .7 for the noisy and near 5 for the strong oracle, so that 16 months should certify the second and nobody else.

    python examples/veto_policies.py CASE_FOLDER [--seeds 50]

CASE_FOLDER holds prices.csv (stock_symbol, date, open, close); the prices are not part of this repository. ``--seeds N`` repeats the
random vetoer with N seeds and counts how often it is called skilled.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import exchange_calendars as xc
import numpy as np
import pandas as pd

import skillstats as ss

WINDOW, WARM_UP, BUDGET = 20, 60, 100_000
FALL, NOISY, STRONG = -0.01, 0.52, 0.65
PLAN = 'name = "{name}"\nhorizon = "session+1"\nfill_model = "arrival_mid"\ncurrency = "USD"\n'
Veto = Callable[[pd.DataFrame, np.random.Generator], np.ndarray]


def read_bars(case: Path) -> pd.DataFrame:
    """Daily bars, prices as text so that no digit changes, with opening and closing instants and what the model looks at."""
    bars = pd.read_csv(case / "prices.csv", dtype=str)[["stock_symbol", "date", "open", "close"]]
    bars = bars.rename(columns={"stock_symbol": "asset"}).sort_values(["asset", "date"]).reset_index(drop=True)
    sessions = xc.get_calendar("XNYS", start=bars["date"].min(), end=bars["date"].max()).schedule
    for edge in ("open", "close"):
        text = sessions[edge].dt.strftime("%Y-%m-%dT%H:%M:%SZ").to_numpy()
        bars[f"{edge}_time"] = bars["date"].map(pd.Series(text, index=sessions.index.strftime("%Y-%m-%d")))
    bars["last"] = bars["close"].astype(float)
    own = bars.groupby("asset", sort=True)["last"]
    bars["mean"] = own.transform(lambda close: close.rolling(WINDOW).mean())
    bars["fall"] = own.pct_change()
    bars["next"] = own.pct_change().groupby(bars["asset"]).shift(-1)
    bars["bar"] = bars.groupby("asset").cumcount()
    return bars


def signal_table(bars: pd.DataFrame) -> pd.DataFrame:
    """BUY above the 20-day mean, SELL otherwise, from the 61st bar to the last but one; `gain` is what only an oracle knows."""
    rows = bars[(bars["bar"] >= WARM_UP) & bars["next"].notna()].reset_index(drop=True)
    side = np.where(rows["last"] > rows["mean"], "BUY", "SELL")
    quantity = (BUDGET // rows["last"]).astype(int).astype(str)
    return rows.assign(
        signal_id="S-" + rows["asset"] + "-" + rows["date"],
        model="momentum",
        side=side,
        quantity=quantity,
        gain=np.where(side == "BUY", 1, -1) * rows["next"],
    )


def sees(probability: float) -> Veto:
    """An oracle that vetoes what it takes for a loss and is right with the given probability."""

    def veto(signals: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
        right = rng.random(len(signals)) < probability
        return (signals["gain"].to_numpy() < 0) == right

    return veto


POLICIES: dict[str, Veto] = {
    "always": lambda signals, _: np.ones(len(signals), dtype=bool),
    "random": lambda signals, rng: rng.random(len(signals)) < 0.5,
    "fear": lambda signals, _: ((signals["side"] == "BUY") & (signals["fall"] < FALL)).to_numpy(),
    "noisy_oracle": sees(NOISY),
    "strong_oracle": sees(STRONG),
}
A_DECISION_A_DAY = ("always", "fear")


def record_of(bars: pd.DataFrame, policy: str, seed: int) -> dict[str, pd.DataFrame]:
    """The tables of a desk whose only trader follows a policy; what is not vetoed is filled at the model's price."""
    signals = signal_table(bars)
    veto = POLICIES[policy](signals, np.random.default_rng([seed, sorted(POLICIES).index(policy)]))
    action = np.where(veto, "VETO", "ACCEPT")
    actions = pd.DataFrame(
        {
            "action_id": "A" + signals["signal_id"].str[1:],
            "signal_id": signals["signal_id"],
            "time": signals["close_time"],
            "trader": policy,
            "action": action,
            "quantity": np.where(veto, "0", signals["quantity"]),
            "decision_id": np.where(veto & (policy in A_DECISION_A_DAY), signals["date"], ""),
        }
    )
    followed = signals[~veto]
    fills = pd.DataFrame(
        {
            "fill_id": "F" + followed["signal_id"].str[1:],
            "action_id": "A" + followed["signal_id"].str[1:],
            "time": followed["close_time"],
            "quantity": followed["quantity"],
            "price": followed["close"],
            "fee": "0",
        }
    )
    opening = bars.assign(time=bars["open_time"], close=bars["open"])
    prices = pd.concat([opening, bars.assign(time=bars["close_time"])]).sort_values(["asset", "time"])
    tables = {
        "signals": signals.assign(time=signals["close_time"])[["signal_id", "time", "model", "asset", "side", "quantity"]],
        "actions": actions,
        "prices": prices[["asset", "time", "close"]],
    }
    return tables | ({"fills": fills} if len(fills) else {})


def judge(bars: pd.DataFrame, policy: str, seed: int) -> dict[str, object]:
    """A policy through record, ledger, evidence, fit and evaluation at the default hurdle; what the evaluation says of its trader."""
    from skillstats.plan import parse_plan

    plan = parse_plan(PLAN.format(name=policy).encode())
    ledger = ss.build_ledger(ss.read_record(record_of(bars, policy, seed), plan))
    fitted = ss.fit("crossed_total", ss.to_evidence(ledger), seed=seed, engine="gibbs", plan=plan, progress=False)
    row = next(r for r in ss.evaluate(fitted, plan).rows if r["regime"] == "all")
    shown = row["status"] != "WITHHOLD"
    keys = ("status", "n", "days", "raw_ir_annual", "ir_annual_mean", "ir_annual_q05", "ir_annual_q95", "p_above_hurdle")
    codes = " ".join(sorted({c["code"] for c in row["codes"]}))
    claimed = shown and row["p_above_hurdle"] >= plan.verdict.certainty
    value = ledger.result["totals"]["value_add"] * 1e-6
    return {"policy": policy, "seed": seed, **{k: row[k] for k in keys}, "codes": codes, "value_add": value, "skilled": claimed}


def main(arguments: list[str]) -> None:
    """Judge every policy once, and the random one as often as asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", type=Path, help="folder with prices.csv")
    parser.add_argument("--seeds", type=int, default=0, help="seeds of the random vetoer")
    options = parser.parse_args(arguments)
    bars = read_bars(options.case)
    table = pd.DataFrame([judge(bars, policy, 1) for policy in POLICIES])
    print(table.drop(columns="seed").to_string(index=False, float_format=lambda v: f"{v:.3g}"))
    if options.seeds:
        again = pd.DataFrame([judge(bars, "random", seed) for seed in range(1, options.seeds + 1)])
        print(f"\nrandom vetoer, {options.seeds} seeds: called skilled {int(again['skilled'].sum())} times")
        print(again["p_above_hurdle"].astype(float).describe().to_string())


if __name__ == "__main__":
    main(sys.argv[1:])
