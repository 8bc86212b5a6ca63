"""The package's ledger and the second ledger agree on wide records too: currencies, corporate actions, impact, decay, bounds, counts."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import comparing
import desks
import second_further as further
import second_totals as totals
from second_ledger import Case, SecondLedger
from second_reading import Chain, instant, read_tables

RECORDS = 200


@pytest.mark.parametrize("tens", range(RECORDS // 20))
def test_both_ledgers_agree_on_wide_records(tens: int, tmp_path: Path) -> None:
    for seed in range(20 * tens, 20 * tens + 20):
        wrong, _ = comparing.check(desks.make_desk(seed, wide=True), tmp_path / str(seed))
        assert not wrong, f"wide desk {seed}: " + "; ".join(wrong[:5])


def test_a_wide_desk_is_the_same_for_the_same_seed() -> None:
    assert desks.make_desk(7, wide=True) == desks.make_desk(7, wide=True)
    assert desks.make_desk(7, wide=True) != desks.make_desk(8, wide=True)


def cases_of(led: SecondLedger) -> Iterator[str]:
    """Names of what one wide record holds."""
    for chain in led.chains:
        yield from _cases_of_chain(led, chain)
    yield from (f"decay {line['status']}" for line in further.decay(led))
    yield from ("decay exit" for line in further.decay(led) if line["horizon"] == "exit" and line["status"] == "CLOSED")
    yield from (f"resimulated {row if isinstance(row, str) else row['status']}" for row in led.resimulated.values())
    yield from (
        "resimulated exit" for c in led.model_chains if c.horizon == "exit" and not isinstance(led.resimulated[c.name], str)
    )
    bounds = further.bounds(led)
    yield from ("bounded" for _ in range(bounds[None]["chains"] - bounds[None]["unbounded"]))
    yield from ("unbounded" for _ in range(bounds[None]["unbounded"]))
    yield from ("bounds that differ" for entry in bounds.values() if entry["highest"] - entry["lowest"] > 2)
    decided = totals.decisions(led).values()
    yield from ("blanket decision" for d in decided if d["n_rows"] > 2 and d["action"] == "VETO")
    yield from ("feedback" for key, entry in totals.books(led).items() if key[0] == "feedback" and entry[0])
    for name, number in further.counts(led).items():
        if name in ("expired", "dropped"):
            yield from (name for _ in range(number))


def _cases_of_chain(led: SecondLedger, chain: Chain) -> Iterator[str]:
    row, case, foreign = led.rows[chain.name], led.cases[chain.name], led.market.is_foreign(chain.asset)
    yield from chain.codes
    yield from ("targets" for _ in "x" if chain.name.startswith("m3/"))
    if isinstance(row, str):
        yield row
        if row == "D254" and led.missing(case) == ["p"] and led.market.asks_impact():
            yield "no volatility or volume"
        return
    if foreign:
        yield f"foreign {row['status']}"
    if row["model_impact"]:
        yield f"impact {led.plan['fill_model']}"
    if row["adjusted"]:
        yield f"adjusted {row['status']}"
        yield from _corporate_cases(led, case)
    if chain.action and not chain.fills and chain.verb != "VETO":
        yield "unfilled zero"
    if row["desk"] in ("east", "west"):
        yield "desk"
    if case.model_fee.denominator != 1:
        yield "inexact fee"


def _corporate_cases(led: SecondLedger, case: Case) -> Iterator[str]:
    chain = case.chain
    for event in led.events.by_asset[chain.asset]:
        if chain.anchor < event.time and (case.horizon is None or event.time <= case.horizon):
            yield event.kind
            yield from (f"{event.kind} at a fill" for f, _ in case.fills if f.time == event.time)
            yield from (f"{event.kind} at the action" for _ in "x" if chain.decided == event.time)
            yield from (f"{event.kind} at the horizon" for _ in "x" if case.horizon == event.time)
            mark = led.market.look(chain.asset, case.horizon)
            yield from (f"{event.kind} after a stale mark" for _ in "x" if mark and mark.time < event.time)
    yield from ("a share no lot holds" for _, n in case.fills if 10**9 % n.denominator)


def test_the_wide_records_cover_what_they_should() -> None:
    """Every feature, and its corner cases, in 120 desks."""
    seen: Counter[str] = Counter()
    for seed in range(RECORDS * 3 // 5):
        desk = desks.make_desk(seed, wide=True)
        led = SecondLedger(desk.texts(), desk.plan_text())
        seen.update(cases_of(led))
        own = {(r["asset"], instant(r["time"])) for r in read_tables(desk.texts())["corporate_actions"]}
        seen["event at a signal"] += len(own & {(s["asset"], instant(s["time"])) for s in led.tables["signals"]})
        seen["event at a quote"] += len(own & {(s["asset"], instant(s["time"])) for s in led.tables["prices"]})
    wanted = {
        *("foreign CLOSED", "foreign OPEN", "D254", "D255", "D260", "D261", "D216", "D232", "D143", "D123", "D141", "D213"),
        *(
            "adjusted CLOSED",
            "adjusted OPEN",
            "split",
            "dividend",
            "split at a fill",
            "split at the action",
            "dividend at a fill",
        ),
        *("split at the horizon", "split after a stale mark", "a share no lot holds", "event at a signal", "event at a quote"),
        *("impact signal_price", "impact arrival_mid", "impact cross_spread", "impact next_open", "no volatility or volume"),
        *("decay CLOSED", "decay OPEN", "decay UNAVAILABLE", "decay BEFORE_ACTION", "decay exit", "feedback"),
        *("resimulated CLOSED", "resimulated OPEN", "resimulated D254", "resimulated exit", "targets", "blanket decision"),
        *("bounded", "unbounded", "bounds that differ", "expired", "dropped", "unfilled zero", "desk", "inexact fee"),
    }
    missing = {k: seen[k] for k in wanted if seen[k] < 10}
    assert not missing, missing
