"""What must hold for every record: identities, invariances, and that nothing reads the future. Integers, so equality is exact.

The numbers in the names are those of the data contract, section 10. Examples are random desks of two assets and a few chains from a seed
(tests/oracle/desks.py), derandomised. Most properties compare rows and slices, which `core` gives without the summaries; conservation,
digests and books go through `build_ledger`.
"""

from __future__ import annotations

import copy
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "oracle"))

import desks
from desks import Desk, Row

from skillstats.ledger import build as steps
from skillstats.ledger.books import slice_table
from skillstats.ledger.build import CHUNK
from skillstats.ledger.canonical import content_digest
from skillstats.ledger.chains import assemble
from skillstats.ledger.row_frame import row_frame
from skillstats.ledger.rows import ledger_table
from skillstats.ledger.steps import known_volatility, prepare, price, set_aside
from skillstats.market.opening import open_market
from skillstats.plan import parse_plan
from skillstats.record import Record, read_record

NOW = "2026-01-01T00:00:00Z"
MONEY = (
    "size",
    "drift",
    "slippage",
    "cost",
    "value_add",
    "model_pnl",
    "actual_pnl",
    "model_cost",
    "actual_cost",
    "value_add_to_date",
)
PARTS = ("size", "drift", "slippage", "cost")
PRICES = (("prices", "bid"), ("prices", "ask"), ("prices", "close"), ("prices", "open"), ("signals", "price"), ("fills", "price"))
QUANTITIES = (("signals", "quantity"), ("actions", "quantity"), ("fills", "quantity"))

# a seed does not shrink to anything simpler, so failing examples are reported as they are
every_desk = settings(
    max_examples=int(os.environ.get("SKILLSTATS_EXAMPLES", "50")),
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
)
seeds = st.integers(0, 2**31)
desk_of = st.builds(desks.make_desk, seeds)


@dataclass
class Core:
    """Rows by chain and slices by (chain, session); `record` as it was read."""

    rows: dict[str, Row | dict[str, Any]]
    slices: dict[tuple[str, str], tuple[int, int]]
    record: Record

    def closed(self, limit: datetime | None = None) -> dict[str, dict[str, Any]]:
        """CLOSED rows, with a horizon up to `limit`."""
        return {k: r for k, r in self.rows.items() if r["status"] == "CLOSED" and (limit is None or r["horizon_time"] <= limit)}

    def figures(self) -> dict[str, list[Any]]:
        """Money of each row, and its status."""
        return {k: [r["status"], *(r[m] for m in MONEY)] for k, r in self.rows.items()}


def frames(desk: Desk) -> dict[str, pd.DataFrame]:
    """Tables as frames of text."""
    kept = {k: v for k, v in desk.tables.items() if v}
    return {k: pd.DataFrame([{f: r.get(f, "") for f in desks.FIELDS[k]} for r in v], dtype=object) for k, v in kept.items()}


def read(desk: Desk) -> Record:
    return read_record(frames(desk), parse_plan(desk.plan_text().encode()), now=NOW)


def core(desk: Desk) -> Core:
    """The steps of `build_ledger` up to the rows and slices."""
    record = read(desk)
    market = open_market(record, record.plan)
    work, _, _ = set_aside(prepare(record, market, assemble(record, market)), CHUNK)
    priced, slices = price(work, known_volatility(work))
    table = slice_table(priced, slices, row_frame(priced))
    found = {
        (s["signal_id"] or s["action_id"], s["session"]): (s["slice"], s["carried"]) for s in table.to_pylist() if s["slice"]
    }
    return Core({r["signal_id"] or r["action_id"]: r for r in ledger_table(priced).to_pylist()}, found, record)


def changed(desk: Desk, *, sections: str | None = None, **options: str) -> Desk:
    """A copy with other plan choices."""
    again = copy.deepcopy(desk)
    again.options |= options
    again.sections = desk.sections if sections is None else sections
    return again


def mapped(desk: Desk, cells: tuple[tuple[str, str], ...], change: Callable[[Decimal], Decimal]) -> Desk:
    """A copy with some decimal cells changed; empty cells stay empty."""
    again = copy.deepcopy(desk)
    for table, column in cells:
        for row in again.tables[table]:
            if row.get(column):
                row[column] = f"{change(Decimal(row[column])):f}"
    return again


def without_fees(desk: Desk, *, schedule: bool = False) -> Desk:
    """No fee on any fill, and none in the plan."""
    again = mapped(desk, (("fills", "fee"),), lambda fee: fee * 0)
    if not schedule:
        again.sections = (
            "\n".join(line for line in desk.sections.split("\n") if not line.startswith(("[fees]", "per_", "bps", "minimum")))
            + "\n"
        )
    return again


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def as_of(desk: Desk) -> datetime:
    """The instant of the evaluation, declared or the last price."""
    return moment(desk.options["as_of"]) if "as_of" in desk.options else max(moment(r["time"]) for r in desk.tables["prices"])


def fixed(desk: Desk) -> Desk:
    """The same desk with its instant of evaluation written into the plan."""
    return changed(desk, as_of=desks.stamp(as_of(desk)))


def some_time(desk: Desk, seed: int) -> datetime:
    """An instant inside the record; often one that stands in it."""
    pick = Random(seed)
    stamps = sorted(moment(r["time"]) for name in ("signals", "actions", "fills", "prices") for r in desk.tables[name])
    inside = [s for s in stamps if s <= as_of(desk)] or stamps[:1]
    return pick.choice(inside) + timedelta(microseconds=pick.choice((0, 0, 1)))


def settling_time(found: Core, desk: Desk, seed: int) -> datetime:
    """The very horizon of a settled row where there is one: an instant at which one look further ahead would show."""
    ends = sorted(r["horizon_time"] for r in found.closed().values())
    return Random(seed).choice(ends) if ends else some_time(desk, seed)


# identities ---------------------------------------------------------------------------------------------------------------------------


@every_desk
@given(desk_of, st.booleans())
def test_1_accepting_everything_on_the_models_terms_is_worth_nothing(desk: Desk, whole: bool) -> None:
    """Exactly, where the schedule's fee is a whole number of micro-units; else within the micro-unit that a fill's fee cannot say."""
    alone = copy.deepcopy(desk)
    if whole:
        alone.sections = scaled_fees(alone.sections, per_unit="0", bps="0", per_order="0.5", minimum="1")
    alone.tables |= {"actions": [], "fills": []}
    for n, s in enumerate(alone.tables["signals"]):
        alone.tables["actions"].append(
            {"action_id": f"A{n}", "signal_id": s["signal_id"], "time": s["time"], "trader": "T1", "action": "VETO"}
        )
    vetoed = core(alone).rows
    for n, s in enumerate(desk.tables["signals"]):
        row = vetoed.get(s["signal_id"], None)
        action = alone.tables["actions"][n]
        if row is None or row["model_price"] is None or not row["gap_path"]:
            continue
        action |= {"action": "ACCEPT", "quantity": s["quantity"]}
        fee = Decimal(row["model_cost"]).scaleb(-6)
        fill = {
            "fill_id": f"F{n}",
            "action_id": f"A{n}",
            "time": row["gap_path"][0]["time"].isoformat(),
            "quantity": s["quantity"],
        }
        alone.tables["fills"].append(fill | {"price": f"{row['model_price'].normalize():f}", "fee": f"{fee:f}"})
    found = core(alone)
    accepted = [r for r in found.closed().values() if r["action"] == "ACCEPT"]
    if whole or "[fees]" not in alone.sections:
        assert all(r["value_add"] == 0 for r in accepted)
        assert not any(k[0] in {r["signal_id"] for r in accepted} for k in found.slices)
    assert all(abs(r["value_add"]) <= 1 and (r["rounded"] or r["value_add"] == 0) for r in accepted)


@every_desk
@given(desk_of)
def test_2_3_a_veto_is_worth_what_its_signal_lost(desk: Desk) -> None:
    vetoed = copy.deepcopy(desk)
    vetoed.tables |= {"fills": [], "actions": []}
    for n, s in enumerate(vetoed.tables["signals"]):
        vetoed.tables["actions"].append(
            {"action_id": f"A{n}", "signal_id": s["signal_id"], "time": s["time"], "trader": "T1", "action": "VETO"}
        )
    ledger = steps.build_ledger(read(vetoed))
    closed = [r for r in ledger.rows.to_pylist() if r["status"] == "CLOSED"]
    assert all(r["value_add"] == -r["model_pnl"] and r["actual_pnl"] == 0 for r in closed)
    assert ledger.result["totals"]["value_add"] == -ledger.result["totals"]["model"]


@every_desk
@given(desk_of)
def test_4_5_6_34_books_parts_cuts_slices_and_rows_add_up(desk: Desk) -> None:
    record = read(desk)
    ledger = steps.build_ledger(record)
    rows, books = ledger.frame(), ledger.books.to_pandas()
    closed = rows[rows["status"] == "CLOSED"]
    total = int(closed["value_add"].sum())
    assert int(closed[list(PARTS)].sum().sum()) == total == int((closed["actual_pnl"] - closed["model_pnl"]).sum())
    final = books[books["state"] == "closed"]
    by_line = final.groupby("line")["pnl"].sum()
    assert by_line.get("actual", 0) - by_line.get("model_frozen", 0) == by_line.get("difference", 0) == total
    difference = final[final["line"] == "difference"]
    for cut in ("trader", "asset", "session"):
        assert int(difference.groupby(cut, dropna=False)["pnl"].sum().sum()) == total
    whole = ledger.decisions.to_pandas()
    undecided = closed[closed["decision_id"].isna()]["value_add"].sum()
    partly = closed[closed["decision_id"].isin(whole.loc[whole["n_open"] > 0, "decision_id"])]["value_add"].sum()
    assert int(whole["value_add"].dropna().sum() + undecided + partly) == total
    slices = ledger.slices.to_pandas().assign(key=lambda f: f["signal_id"].fillna(f["action_id"])).groupby("key")["slice"].sum()
    keys = rows["signal_id"].fillna(rows["action_id"])
    assert slices.reindex(keys).fillna(0).astype(int).tolist() == rows["value_add_to_date"].tolist()
    aside = ledger.quarantine["table"].to_pylist()
    used = {"signals": rows["signal_id"].notna().sum(), "actions": rows["action_id"].notna().sum()}
    for name, n in used.items():
        assert record.raw_rows[name] == n + aside.count(name) + sum(d.table == name for d in record.drops)


# changes that must not matter, or must matter in proportion ---------------------------------------------------------------------------


@every_desk
@given(desk_of, st.sampled_from(("signal_price", "arrival_mid")))
def test_7_the_other_side_has_the_other_sign(desk: Desk, model: str) -> None:
    before = changed(without_fees(desk), fill_model=model)
    flipped = copy.deepcopy(before)
    flip_sides(flipped)
    one, other = core(before).figures(), core(flipped).figures()
    assert one.keys() == other.keys()
    for key, figures in one.items():
        assert [None if x is None else -x for x in figures[1:]] == other[key][1:]


def flip_sides(desk: Desk) -> None:
    for row in [*desk.tables["signals"], *desk.tables["actions"]]:
        if row.get("side"):
            row["side"] = "SELL" if row["side"] == "BUY" else "BUY"


@every_desk
@given(desk_of)
def test_8_a_mirrored_market_is_worth_the_same_to_the_other_side(desk: Desk) -> None:
    before = without_fees(desk)
    mirrored = mapped(before, PRICES, lambda price: 20_000 - price)
    flip_sides(mirrored)
    for row in mirrored.tables["prices"]:
        row["bid"], row["ask"] = row.get("ask", ""), row.get("bid", "")
    assert core(before).figures() == core(mirrored).figures()


def proportional(one: Core, other: Core, factor: int) -> None:
    """Money times a factor: exactly where nothing was rounded, else within the rounding rule."""
    assert one.figures().keys() == other.figures().keys()
    for key, row in one.rows.items():
        for name in MONEY:
            small, large = row[name], other.rows[key][name]
            exact = not row["rounded"] and row["status"] == "CLOSED"
            slack = 0 if exact else 6 * (factor + 1)
            assert (small is None) == (large is None) and (small is None or abs(large - factor * small) <= slack)


@every_desk
@given(desk_of, st.integers(2, 7))
def test_9_quantities_and_fees_times_k(desk: Desk, k: int) -> None:
    before = changed(desk, sections=scaled_fees(desk.sections, per_order="0", minimum="0"))
    proportional(core(before), core(mapped(before, (*QUANTITIES, ("fills", "fee")), lambda x: x * k)), k)


@every_desk
@given(desk_of, st.integers(2, 7))
def test_10_prices_and_fees_times_k(desk: Desk, k: int) -> None:
    after = mapped(desk, (*PRICES, ("fills", "fee")), lambda x: x * k)
    rates = {"per_unit": Decimal("0.0031") * k, "per_order": Decimal("0.5") * k, "minimum": Decimal(k)}
    after.sections = scaled_fees(desk.sections, **{name: f"{value:f}" for name, value in rates.items()})
    proportional(core(desk), core(after), k)


def scaled_fees(sections: str, **rates: str) -> str:
    """The same sections with other fee rates, where there is a fee schedule."""
    lines = [
        next((f'{name} = "{rate}"' for name, rate in rates.items() if line.startswith(f"{name} ")), line)
        for line in sections.split("\n")
    ]
    return "\n".join(lines)


@every_desk
@given(desk_of)
def test_11_a_constant_added_to_all_prices_changes_nothing(desk: Desk) -> None:
    before = changed(desk, sections=scaled_fees(desk.sections, bps="0"))
    assert core(before).figures() == core(mapped(before, PRICES, lambda price: price + Decimal("7.25"))).figures()


@every_desk
@given(desk_of, seeds)
def test_12_a_fill_cut_in_pieces_is_the_same_fill(desk: Desk, seed: int) -> None:
    pick, after = Random(seed), copy.deepcopy(desk)
    after.tables["fills"] = []
    for row in desk.tables["fills"]:
        whole = Decimal(row["quantity"])
        step = Decimal(1).scaleb(whole.as_tuple().exponent)  # type: ignore[arg-type]
        part = step * pick.randint(0, int(whole / step))
        pieces = [p for p in (part, whole - part) if p]
        after.tables["fills"] += [
            {**row, "fill_id": f"{row['fill_id']}.{i}", "quantity": f"{p:f}", "fee": row["fee"] if i == 0 else "0"}
            for i, p in enumerate(pieces)
        ]
    one, other = core(desk), core(after)
    drop = ("n_fills", "warnings")
    assert {k: {c: v for c, v in r.items() if c not in drop} for k, r in one.rows.items()} == {
        k: {c: v for c, v in r.items() if c not in drop} for k, r in other.rows.items()
    }
    assert one.slices == other.slices


@every_desk
@given(desk_of, seeds)
def test_13_14_the_order_of_rows_and_columns_does_not_matter(desk: Desk, seed: int) -> None:
    pick = Random(seed)
    mixed = {
        name: f.sample(frac=1, random_state=pick.randint(0, 999))[pick.sample(list(f.columns), f.shape[1])]
        for name, f in frames(desk).items()
    }
    plan = parse_plan(desk.plan_text().encode())
    assert steps.build_ledger(read_record(mixed, plan, now=NOW)).digest == steps.build_ledger(read(desk)).digest


@every_desk
@given(desk_of)
def test_17_every_door_leads_to_the_same_ledger(desk: Desk) -> None:
    plan = parse_plan(desk.plan_text().encode())
    digests = {steps.build_ledger(read(desk)).digest}
    arrow = {name: pa.Table.from_pandas(f, preserve_index=False) for name, f in frames(desk).items()}
    digests.add(steps.build_ledger(read_record(arrow, plan, now=NOW)).digest)
    with tempfile.TemporaryDirectory() as folder:
        for name, table in arrow.items():
            if name == "prices":
                pq.write_table(table, Path(folder) / f"{name}.parquet")
            else:
                (Path(folder) / f"{name}.csv").write_text(desks.to_csv(name, desk.tables[name]), encoding="utf-8")
        digests.add(steps.build_ledger(read_record(folder, plan, now=NOW)).digest)
    assert len(digests) == 1


@every_desk
@given(desk_of, st.integers(-11, 13))
def test_18_stamps_in_another_offset_are_the_same_instants(desk: Desk, hours: int) -> None:
    after = copy.deepcopy(desk)
    zone = timedelta(hours=hours)
    for rows in after.tables.values():
        for row in rows:
            local = moment(row["time"]) + zone
            row["time"] = f"{local:%Y-%m-%dT%H:%M:%S.%f}{'-' if hours < 0 else '+'}{abs(hours):02d}:00"
    one, other = steps.build_ledger(read(desk)), steps.build_ledger(read(after))
    assert content_digest(one.rows) == content_digest(other.rows) and one.digest == other.digest


@every_desk
@given(desk_of, st.integers(1, 40))
def test_19_around_the_clock_a_shift_by_days_changes_only_stamps(desk: Desk, days: int) -> None:
    before = changed(desk, sections=desk.sections.replace('"XNYS"', '"24/7"') + '[calendar]\ndefault = "24/7"\n')
    after, shift = copy.deepcopy(before), timedelta(days=days)
    if "as_of" in after.options:
        after.options["as_of"] = desks.stamp(moment(after.options["as_of"]) + shift)
    for rows in after.tables.values():
        for row in rows:
            row["time"] = desks.stamp(moment(row["time"]) + shift)
    one, other = core(before), core(after)
    assert one.figures() == other.figures() and sorted(one.slices.values()) == sorted(other.slices.values())
    assert [r["volatility"] for r in one.rows.values()] == [r["volatility"] for r in other.rows.values()]


@every_desk
@given(desk_of)
def test_20_names_of_traders_carry_no_number(desk: Desk) -> None:
    names = {"T1": "T3", "T2": "=NA", "T3": "007"}
    after = copy.deepcopy(desk)
    for row in after.tables["actions"]:
        row["trader"] = names[row["trader"]]
    one, other = steps.build_ledger(read(desk)), steps.build_ledger(read(after))
    assert one.rows.drop_columns("trader").equals(other.rows.drop_columns("trader"))
    assert one.result["totals"] == other.result["totals"]
    assert {names[k]: v for k, v in one.result["by_trader"].items()} == other.result["by_trader"]


# no look-ahead ------------------------------------------------------------------------------------------------------------------------


@every_desk
@given(desk_of, seeds)
def test_21_prices_after_the_evaluation_are_not_read(desk: Desk, seed: int) -> None:
    before, pick = fixed(desk), Random(seed)
    after = copy.deepcopy(before)
    last = {r["asset"]: r for r in desk.tables["prices"]}
    for row in last.values():
        time = max(as_of(desk), *(moment(r["time"]) for r in desk.tables["prices"])) + timedelta(seconds=pick.randint(1, 10**6))
        after.tables["prices"].append({**row, "time": desks.stamp(time), "close": "1", "open": "2"})
    one, other = core(before), core(after)
    assert one.rows == other.rows and one.slices == other.slices


def test_22_closed_rows_stay_as_they_are_when_time_goes_on() -> None:
    """The prefix property: a CLOSED row with `as_of` = t is byte-identical with a later `as_of`, and so are its slices."""

    @every_desk
    @given(desk_of, seeds, st.integers(1, 200_000))
    def check(desk: Desk, seed: int, seconds: int) -> None:
        first = settling_time(core(desk), desk, seed)
        one = core(changed(desk, as_of=desks.stamp(first)))
        other = core(changed(desk, as_of=desks.stamp(first + timedelta(seconds=seconds))))
        assert_same_past(one, other, first)

    check()


def assert_same_past(one: Core, other: Core, limit: datetime) -> None:
    """CLOSED rows with a horizon up to `limit` and their slices are equal, in both directions."""
    left, right = one.closed(limit), other.closed(limit)
    both = left.keys() & right.keys()
    assert left.keys() == both
    assert {k: left[k] for k in both} == {k: right[k] for k in both}
    assert {k: v for k, v in one.slices.items() if k[0] in both} == {k: v for k, v in other.slices.items() if k[0] in both}


def truncated(desk: Desk, limit: datetime) -> Desk:
    """Everything stamped after an instant deleted, in every table, and the evaluation moved there."""
    after = copy.deepcopy(desk)
    after.tables = {name: [r for r in rows if moment(r["time"]) <= limit] for name, rows in desk.tables.items()}
    kept = {r["signal_id"] for r in after.tables["signals"]}
    after.tables["actions"] = [r for r in after.tables["actions"] if not r["signal_id"] or r["signal_id"] in kept]
    return changed(after, as_of=desks.stamp(limit))


@every_desk
@given(desk_of, seeds)
def test_22_23_what_comes_later_does_not_change_what_is_settled(desk: Desk, seed: int) -> None:
    """Delete everything after t: rows with a horizon up to t keep every byte, volatility and labels included; so do slices closed by t.

    `unfilled = "zero"`, because a fill after the horizon would otherwise be the difference between "no fill" (D143) and a quantity of 0.
    """
    before = changed(desk, unfilled="zero")
    one = core(before)
    limit = settling_time(one, before, seed)
    after = truncated(before, limit)
    if not all(after.tables[name] for name in ("signals", "actions", "prices", "regimes")):
        return
    other = core(after)
    settled = {k: r for k, r in one.closed(limit).items() if r["action_time"] is None or r["action_time"] <= limit}
    assert settled == {k: other.rows.get(k) for k in settled}
    known = [k for k, r in other.rows.items() if k in one.rows and r["action"] == one.rows[k]["action"]]
    for name in known:
        assert all(
            one.rows[name][c] == other.rows[name][c] for c in ("volatility", "regime_weather", "regime_cutoff", "signal_mid")
        )
    final = {k: v for k, v in other.slices.items() if k[0] in known}
    assert final == {k: one.slices.get(k) for k in final}


@every_desk
@given(desk_of, seeds)
def test_24_prices_after_the_horizon_may_be_anything(desk: Desk, seed: int) -> None:
    before = fixed(desk)
    one = core(before)
    limit, pick, after = settling_time(one, before, seed), Random(seed), copy.deepcopy(before)
    for row in after.tables["prices"]:
        if moment(row["time"]) > limit:
            row |= {c: f"{Decimal(row[c]) * pick.randint(2, 9):f}" for c in ("bid", "ask", "close", "open") if row.get(c)}
    other = core(after)
    assert one.closed(limit).keys() == other.closed(limit).keys()
    assert_same_past(one, other, limit)


@every_desk
@given(desk_of)
def test_25_an_asset_nobody_trades_changes_nothing(desk: Desk) -> None:
    after = copy.deepcopy(fixed(desk))
    after.tables["prices"] += [
        {**r, "asset": "AAA"} for r in desk.tables["prices"] if r["asset"] == desk.tables["prices"][0]["asset"]
    ]
    one, other = core(fixed(desk)), core(after)
    assert one.rows == other.rows and one.slices == other.slices


# rows added and removed ---------------------------------------------------------------------------------------------------------------


@every_desk
@given(desk_of, st.sampled_from(("signals", "actions", "fills", "prices")))
def test_26_an_exact_copy_is_dropped_with_a_warning(desk: Desk, table: str) -> None:
    after = copy.deepcopy(desk)
    after.tables[table] *= 2
    one, other = core(desk), core(after)
    assert one.rows == other.rows and one.slices == other.slices
    assert sum(p.code == "D221" for p in other.record.problems) == len(desk.tables[table])


def no_exit(desk: Desk) -> Desk:
    """Without the horizon `exit`, by which one signal may mark another."""
    again = changed(desk, horizon=desk.options["horizon"].replace("exit", "session+1"))
    for row in again.tables["signals"]:
        row["horizon"] = row.get("horizon", "").replace("exit", "")
    return again


def drop_chain(desk: Desk, name: str) -> None:
    desk.tables["signals"] = [r for r in desk.tables["signals"] if r["signal_id"] != name]
    gone = {r["action_id"] for r in desk.tables["actions"] if name in (r["signal_id"], r["action_id"])}
    desk.tables["actions"] = [r for r in desk.tables["actions"] if r["action_id"] not in gone]
    desk.tables["fills"] = [r for r in desk.tables["fills"] if r["action_id"] not in gone]


@every_desk
@given(desk_of, seeds)
def test_27_without_one_chain_only_its_row_goes(desk: Desk, seed: int) -> None:
    before = no_exit(fixed(desk))
    one, after = core(before), copy.deepcopy(before)
    name = Random(seed).choice([*one.rows, *(r["signal_id"] for r in before.tables["signals"])])
    drop_chain(after, name)
    if after.tables["signals"] and after.tables["actions"]:
        other = core(after)
        assert other.rows == {k: r for k, r in one.rows.items() if k != name}
        assert other.slices == {k: v for k, v in one.slices.items() if k[0] != name}


@every_desk
@given(desk_of)
def test_28_the_union_of_disjoint_records_is_the_union_of_their_ledgers(desk: Desk) -> None:
    before = fixed(desk)
    whole, parts, slices = core(before), {}, {}
    for asset in sorted({r["asset"] for r in desk.tables["prices"]}):
        part = copy.deepcopy(before)
        own = {r["signal_id"] for r in desk.tables["signals"] if r["asset"] == asset}
        own |= {r["action_id"] for r in desk.tables["actions"] if r.get("asset") == asset}
        for name in {r["signal_id"] for r in desk.tables["signals"]} | {
            r["action_id"] for r in desk.tables["actions"] if not r["signal_id"]
        }:
            if name not in own:
                drop_chain(part, name)
        part.tables["prices"] = [r for r in part.tables["prices"] if r["asset"] == asset]
        if not part.tables["signals"] or not part.tables["actions"]:
            return
        found = core(part)
        parts |= found.rows
        slices |= found.slices
    assert parts == whole.rows and slices == whole.slices


@every_desk
@given(desk_of, seeds, st.integers(1, 10**7))
def test_31_a_dearer_fill_is_a_dearer_fill(desk: Desk, seed: int, micro: int) -> None:
    one, after = core(desk), copy.deepcopy(desk)
    if not after.tables["fills"]:
        return
    row = Random(seed).choice(after.tables["fills"])
    row["fee"] = f"{Decimal(row['fee']) + Decimal(micro).scaleb(-6):f}"
    other = core(after)
    for key, old in one.rows.items():
        new = other.rows[key]
        inside = (
            old["action_id"] == row["action_id"]
            and old["last_fill_time"] is not None
            and moment(row["time"]) <= old["last_fill_time"]
        )
        assert new["actual_cost"] - old["actual_cost"] == (micro if inside else 0)
        if old["status"] == "CLOSED":
            assert new["value_add"] - old["value_add"] == new["cost"] - old["cost"] == (-micro if inside else 0)


@every_desk
@given(desk_of, st.sampled_from(("signal", "action", "fill", "price")))
def test_33_one_bad_row_does_not_touch_the_good_ones(desk: Desk, kind: str) -> None:
    before = fixed(desk)
    after, first = copy.deepcopy(before), before.tables["signals"][0]
    if kind == "signal":
        after.tables["signals"].append({**first, "signal_id": "bad", "quantity": "-5"})
    elif kind == "action":
        after.tables["actions"].append(
            {"action_id": "bad", "signal_id": "nowhere", "time": first["time"], "trader": "T1", "action": "VETO"}
        )
    elif kind == "fill":
        after.tables["fills"].append(
            {"fill_id": "bad", "action_id": "nowhere", "time": first["time"], "quantity": "1", "price": "1", "fee": "NaN"}
        )
    else:
        after.tables["prices"].append(
            {"asset": first["asset"], "time": desks.stamp(moment(first["time"]) - timedelta(seconds=7)), "close": "-1"}
        )
    one, other = core(before), core(after)
    users = set(one.rows) - set(other.rows)
    assert not users or kind == "price"
    # a refused price also takes a session's return and an interim mark from its own asset, never money from a row that stays
    touched = {k for k, v in one.rows.items() if kind == "price" and v["asset"] == first["asset"]}
    assert {k: v for k, v in one.rows.items() if k not in touched} == {k: v for k, v in other.rows.items() if k not in touched}
    assert {k: v for k, v in one.slices.items() if k[0] not in touched} == {
        k: v for k, v in other.slices.items() if k[0] not in touched
    }
    for key in touched - users:
        assert all(one.rows[key][c] == other.rows[key][c] for c in MONEY[:-1])
    for key in users:  # an older price must not stand in for a refused one
        row, at = one.rows[key], moment(first["time"]) - timedelta(seconds=7)
        used = (row["signal_time"] or row["action_time"], row["first_fill_time"], row["last_fill_time"], row["horizon_time"])
        assert any(t is not None and at <= t for t in used) and row["asset"] == first["asset"]
    assert len(other.record.quarantine) == len(one.record.quarantine) + 1
