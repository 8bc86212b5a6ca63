"""Fills from FIX logs: messages written by hand, lengths and checksums counted here."""

from __future__ import annotations

import builtins
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner

import skillstats as ss
from skillstats.cli import main
from skillstats.errors import InputRejected, UsageError
from skillstats.plan import Plan
from skillstats.record import read_record
from skillstats.record.fix_log import decimal_of, read_fix

HEAD = {35: "8", 49: "BROKER", 56: "DESK", 34: "1", 52: "20260701-14:33:31.000"}


def fix(fields: dict[int, str], version: str = "FIX.4.4") -> bytes:
    """A message with the right body length and checksum."""
    body = b"".join(f"{k}={v}".encode() + b"\x01" for k, v in (HEAD | fields).items())
    front = f"8={version}\x019={len(body)}\x01".encode()
    return front + body + f"10={sum(front + body) % 256:03d}\x01".encode()


def trade(
    name: str, order: str = "A1", quantity: str = "100", price: str = "50.20", time: str = "20260701-14:33:30.123", **more: str
) -> dict[int, str]:
    fields = {37: "O1", 17: name, 150: "F", 39: "1", 55: "XYZ", 54: "1", 11: order, 32: quantity, 31: price, 60: time}
    return fields | {int(k[1:]): v for k, v in more.items()}


def log(tmp_path: Path, *messages: bytes, between: bytes = b"\n") -> Path:
    path = tmp_path / "drop.log"
    path.write_bytes(between.join(messages) + between)
    return path


def rows(fills: Any) -> list[tuple[Any, ...]]:
    return [tuple(r.values()) for r in fills.table.to_pylist()]


def said(fills: Any) -> list[tuple[str, int]]:
    return [(p.code, p.line) for p in fills.problems]


ONE = ("E1", "A1", "2026-07-01T14:33:30.123Z", Decimal(100), Decimal("50.2"), Decimal("1.5"))
PAID = {12: "1.50", 13: "3"}


def test_a_message_known_by_heart_is_read(tmp_path: Path) -> None:
    """The body length is written out, not computed."""
    text = "8=FIX.4.4|9=113|35=8|49=B|56=D|34=2|52=20260701-14:33:31|37=O|17=E1|150=F|39=2|11=A1|55=X|54=1|32=5|31=50.2|60=20260701-14:33:30|"
    body = text.split("9=113|")[1]
    assert len(body) == 113
    raw = text.replace("|", "\x01").encode()
    fills = read_fix(log(tmp_path, raw + b"10=" + f"{sum(raw) % 256:03d}".encode() + b"\x01"))
    assert rows(fills) == [("E1", "A1", "2026-07-01T14:33:30Z", Decimal(5), Decimal("50.2"), Decimal(0))]


@pytest.mark.parametrize("separator", [b"\x01", b"|", b"^A"])
@pytest.mark.parametrize("prefix", [b"", b"2026-07-01 14:33:31.001 INFO <- ", b"20260701-14:33:31.001 : "])
@pytest.mark.parametrize("between", [b"\n", b"\r\n"])
def test_separators_and_prefixes(tmp_path: Path, separator: bytes, prefix: bytes, between: bytes) -> None:
    messages = [prefix + fix(trade(f"E{k}") | PAID).replace(b"\x01", separator) for k in (1, 2)]
    fills = read_fix(log(tmp_path, *messages, between=between))
    assert rows(fills) == [ONE, ("E2", *ONE[1:])] and fills.problems == ()
    assert fills.counts == {"messages": 2, "trades": 2, "corrected": 0, "cancelled": 0, "duplicates": 0, "garbled": 0, "other": 0}


def test_messages_may_follow_each_other_without_a_line_break(tmp_path: Path) -> None:
    assert len(rows(read_fix(log(tmp_path, fix(trade("E1")), fix(trade("E2")), between=b"")))) == 2


def test_the_separator_after_the_checksum_may_be_cut(tmp_path: Path) -> None:
    assert (
        len(rows(read_fix(log(tmp_path, fix(trade("E1")).rstrip(b"\x01"), fix(trade("E2")).replace(b"\x01", b"|").rstrip(b"|")))))
        == 2
    )


def test_a_text_that_looks_like_a_message_is_a_text(tmp_path: Path) -> None:
    for separator in (b"\x01", b"^A"):
        message = fix(trade("E1", t58="resend of 8=FIX.4.4;")).replace(b"\x01", separator)
        fills = read_fix(log(tmp_path, message.replace(b"4.4;", b"4.4;")))
        assert len(rows(fills)) == 1 and said(fills) == [("D286", 1)]


def test_raw_data_may_hold_the_separator(tmp_path: Path) -> None:
    assert rows(read_fix(log(tmp_path, fix(trade("E1", t95="5", t96="a\x01b=c")))))[0][0] == "E1"


def test_numbers_are_exact(tmp_path: Path) -> None:
    fills = read_fix(log(tmp_path, fix(trade("E1", quantity="0000300", price="0.100000000000000001"))))
    assert rows(fills)[0][3:5] == (Decimal(300), Decimal("0.100000000000000001"))
    assert [decimal_of(t) for t in ("-5", "7.", ".25", "0", "-0.5")] == [
        Decimal(-5),
        Decimal(7),
        Decimal("0.25"),
        Decimal(0),
        Decimal("-0.5"),
    ]
    assert [decimal_of(t) for t in ("", ".", "1e5", "1,000", "nan", "+1", " 1", "1" * 19, "٥")] == [None] * 9


def test_chains_of_replaced_orders_lead_to_the_first(tmp_path: Path) -> None:
    replace_1 = fix({35: "G", 11: "A1-b", 41: "A1"})
    replaced_2 = fix({17: "X", 150: "5", 11: "A1-c", 41: "A1-b"})
    fills = read_fix(
        log(tmp_path, fix(trade("E1")), replace_1, fix(trade("E2", "A1-b")), replaced_2, fix(trade("E3", "A1-c", t41="A1-b")))
    )
    assert {r[1] for r in rows(fills)} == {"A1"} and len(rows(fills)) == 3 and fills.counts["other"] == 2


def test_a_chain_that_splits_or_turns_in_a_circle_is_not_guessed(tmp_path: Path) -> None:
    split = [fix({35: "G", 11: "B", 41: "A"}), fix({35: "G", 11: "B", 41: "Z"}), fix(trade("E1", "B"))]
    circle = [fix({35: "G", 11: "C", 41: "D"}), fix({35: "G", 11: "D", 41: "C"}), fix(trade("E2", "C"))]
    fills = read_fix(log(tmp_path, *split, *circle))
    assert (
        rows(fills) == []
        and said(fills) == [("D282", 3), ("D282", 6)]
        and "splits or runs in a circle" in fills.problems[0].message
    )


def test_a_cancelled_trade_is_no_fill(tmp_path: Path) -> None:
    fills = read_fix(log(tmp_path, fix(trade("E1") | PAID), fix(trade("E2") | PAID), fix(trade("E3", t19="E1") | {150: "H"})))
    assert [r[0] for r in rows(fills)] == ["E2"] and fills.counts["cancelled"] == 1 and fills.problems == ()


def test_a_corrected_trade_has_its_last_form(tmp_path: Path) -> None:
    first, second = (
        trade("E2", t19="E1", price="50.30") | {150: "G"} | PAID,
        trade("E3", t19="E1", price="50.25") | {150: "G"} | PAID,
    )
    fills = read_fix(log(tmp_path, fix(trade("E1") | PAID), fix(first), fix(second)))
    assert [(r[0], r[4]) for r in rows(fills)] == [("E3", Decimal("50.25"))] and fills.counts["corrected"] == 2
    fills = read_fix(log(tmp_path, fix(trade("E1") | PAID), fix(first), fix(trade("E4", t19="E2") | {150: "H"} | PAID)))
    assert rows(fills) == [] and fills.problems == ()


def test_what_refers_to_nothing_is_told(tmp_path: Path) -> None:
    fills = read_fix(
        log(tmp_path, fix(trade("E1") | PAID), fix(trade("E2", t19="E9") | {150: "H"}), fix(trade("E3", t19="E8") | {150: "G"}))
    )
    assert [r[0] for r in rows(fills)] == ["E1"] and said(fills) == [("D283", 2), ("D283", 3)]
    assert "cancel 'E2' of ExecRefID (19) 'E9'" in fills.problems[0].message


@pytest.mark.parametrize("version", ["FIX.4.0", "FIX.4.1", "FIX.4.2"])
def test_older_versions_say_it_otherwise(tmp_path: Path, version: str) -> None:
    """ExecType 1 or 2 (absent in 4.0), ExecTransType (20) 0 new, 1 cancel, 2 correct, 3 status."""
    kind = {} if version == "FIX.4.0" else {150: "2"}
    base = [{k: v for k, v in trade(f"E{n}").items() if k != 150} | kind | PAID for n in range(5)]
    sent = [
        base[0] | {20: "0"},
        base[1] | {20: "0"},
        base[2] | {20: "1", 19: "E0"},
        base[3] | {20: "2", 19: "E1", 31: "51"},
        base[4] | {20: "3"},
    ]
    fills = read_fix(log(tmp_path, *(fix(m, version) for m in sent)))
    assert [(r[0], r[4]) for r in rows(fills)] == [("E3", Decimal(51))]
    assert (fills.counts["cancelled"], fills.counts["corrected"], fills.counts["other"]) == (1, 1, 1)


def test_messages_that_are_no_trades_are_counted(tmp_path: Path) -> None:
    others = [fix({35: "0"}), fix({35: "D", 11: "A1"}), fix(trade("E0") | {150: "0"}), fix(trade("E9") | {150: "I"})]
    fills = read_fix(log(tmp_path, *others, fix(trade("E1") | PAID)))
    assert fills.counts["other"] == 4 and len(rows(fills)) == 1 and fills.problems == ()


def test_resent_trades_are_dropped_and_counted(tmp_path: Path) -> None:
    """A copy under PossDupFlag goes; a first message under the flag, whose original is not in the log, stays."""
    lone = fix(trade("E2") | PAID | {43: "Y"})
    fills = read_fix(log(tmp_path, fix(trade("E1") | PAID), fix(trade("E1") | PAID | {43: "Y"}), fix(trade("E1") | PAID), lone))
    assert [r[0] for r in rows(fills)] == ["E1", "E2"] and fills.counts["duplicates"] == 2
    assert said(fills) == [("D284", 2), ("D284", 3)]
    assert "(PossDupFlag), first at byte 0" in fills.problems[0].message and "no PossDupFlag" in fills.problems[1].message


def test_one_id_with_two_contents_is_neither(tmp_path: Path) -> None:
    fills = read_fix(log(tmp_path, fix(trade("E1") | PAID), fix(trade("E1", price="99") | PAID)))
    assert rows(fills) == [] and said(fills) == [("D222", 2)]


GOOD = fix(trade("E1") | PAID)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (GOOD.replace(b"31=50.20", b"31=51.20"), "checksum (10) says"),
        (GOOD.replace(b"31=50.20", b"31=500.20"), "body length (9) says"),
        (GOOD[:60], "no checksum (10) stands there"),
        (GOOD.replace(b"\x019=", b"\x0199="), "no body length (9)"),
        (GOOD.replace(b"E1", b"\xff1"), "checksum (10) says"),
    ],
)
def test_garbled_messages_are_told_with_their_byte(tmp_path: Path, bad: bytes, words: str) -> None:
    fills = read_fix(log(tmp_path, fix(trade("E2") | PAID), b"12:00 " + bad, fix(trade("E3") | PAID)))
    assert [r[0] for r in rows(fills)] == ["E2", "E3"] and fills.counts["garbled"] == 1
    (problem,) = fills.problems
    place = len(fix(trade("E2") | PAID)) + 1 + 6
    assert (problem.code, problem.line) == ("D281", 2) and f"byte {place}, " in problem.message and words in problem.message


@pytest.mark.parametrize("separator", [b"\x01", b"|", b"^A"])
def test_every_flipped_bit_is_told(tmp_path: Path, separator: bytes) -> None:
    """A checksum of one byte sees every single flip; one in the version, where the search begins, leaves fields that belong to no message."""
    good, other = (fix(trade(n) | PAID).replace(b"\x01", separator) for n in ("E1", "E2"))
    for i in range(len(good) - len(separator)):
        fills = read_fix(log(tmp_path, good[:i] + bytes([good[i] ^ 1]) + good[i + 1 :], other))
        assert [r[0] for r in rows(fills)] == ["E2"], i
        assert said(fills) == [("D281", 1)], i


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({60: ""}, "TransactTime (60) ''"),
        ({60: "20260701"}, "TransactTime (60) '20260701'"),
        ({32: "many"}, "LastQty (32) 'many'"),
        ({31: "50,20"}, "LastPx (31) '50,20'"),
        ({11: ""}, "ClOrdID (11) ''"),
        ({17: ""}, "ExecID (17) is missing"),
    ],
)
def test_a_trade_without_what_a_fill_needs_is_told(tmp_path: Path, change: dict[int, str], words: str) -> None:
    fills = read_fix(log(tmp_path, fix(trade("E1") | PAID | change)))
    assert rows(fills) == [] and said(fills) == [("D282", 1)] and words in fills.problems[0].message


def test_a_commission_that_is_no_amount_stays_unknown(tmp_path: Path) -> None:
    fills = read_fix(
        log(tmp_path, fix(trade("E1") | {12: "0.01", 13: "1"}), fix(trade("E2") | {12: "-0.25", 13: "3"}), fix(trade("E3")))
    )
    assert [r[5] for r in rows(fills)] == [None, Decimal("-0.25"), Decimal(0)]
    assert said(fills) == [("D285", 1), ("D286", 3)] and "1 of 3 trades" in fills.problems[1].message


def test_the_table_enters_a_record(tmp_path: Path) -> None:
    tables = {
        "signals": pd.DataFrame([{"signal_id": "S1", "time": "2026-07-01T14:30:00Z", "model": "m", "asset": "XYZ", "side": "BUY", "quantity": "100"}]),
        "actions": pd.DataFrame([{"action_id": "A1", "signal_id": "S1", "time": "2026-07-01T14:30:10Z", "trader": "T", "action": "ACCEPT", "quantity": "100"}]),
        "prices": pd.DataFrame([{"asset": "XYZ", "time": "2026-07-01T14:30:00Z", "close": "50"}]),
        "fills": ss.read_fix(log(tmp_path, fix(trade("E1", quantity="60") | PAID), fix(trade("E2", quantity="40") | PAID))).table,
    }  # fmt: skip
    record = read_record(tables, Plan(horizon="close"), now="2026-12-31T00:00:00Z")
    assert record.quarantine == () and record.tables["fills"]["fee"].tolist() == [1_500_000] * 2
    assert record.tables["fills"]["quantity"].tolist() == [60, 40]


def run(*words: object) -> Any:
    return CliRunner().invoke(main, [str(w) for w in words])


def test_the_command_writes_a_new_file_only(tmp_path: Path) -> None:
    source, out = log(tmp_path, fix(trade("E1") | PAID), fix(trade("E2", price="50.3") | PAID)), tmp_path / "fills.csv"
    done = run("record", "from-fix", source, "--out", out)
    assert done.exit_code == 0 and "2 trades" in done.output
    assert out.read_text() == (
        "fill_id,action_id,time,quantity,price,fee\nE1,A1,2026-07-01T14:33:30.123Z,100,50.2,1.5\nE2,A1,2026-07-01T14:33:30.123Z,100,50.3,1.5\n"
    )
    again = run("record", "from-fix", source, "--out", out)
    assert again.exit_code == 2 and "exists" in again.output and len(out.read_text().splitlines()) == 3


def test_the_command_exits_3_where_something_was_not_used(tmp_path: Path) -> None:
    done = run("record", "from-fix", log(tmp_path, GOOD, GOOD.replace(b"50.20", b"51.20")), "--out", tmp_path / "fills.csv")
    assert done.exit_code == 3 and "D281 drop.log:2 byte" in done.output


@pytest.mark.parametrize("data", [b"", b"asset,time\nX,1\n", b"\x00\xff" * 100])
def test_a_file_without_messages_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.log").write_bytes(data)
    with pytest.raises(InputRejected, match=r"F106 x\.log:0 no FIX message found"):
        read_fix(tmp_path / "x.log")
    done = run("record", "from-fix", tmp_path / "x.log", "--out", tmp_path / "fills.csv")
    assert done.exit_code == 2 and not (tmp_path / "fills.csv").exists()


def test_limits_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRejected, match="F111"):
        read_fix(log(tmp_path, GOOD), max_bytes=10)
    with pytest.raises(InputRejected, match="F106"):
        read_fix(tmp_path)


def test_without_the_extra_the_command_to_install_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def absent(name: str, *rest: Any) -> Any:
        if name == "simplefix":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(UsageError, match=r"pip install 'skillstats\[fix\]'"):
        read_fix(log(tmp_path, GOOD))
