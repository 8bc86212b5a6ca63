"""No reader is shown what is not theirs: strings planted in every text field of every trader are searched for in every byte of every output.

The tests go over the readers that are registered, so a new one is searched without a change here.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import planted

from skillstats.report.page import make_pages, write_pages
from skillstats.report.readers import READERS

WHOSE = [(name, k) for name, reader in READERS.items() for k in ((1, 4) if reader.needs_trader else (None,))]


@pytest.mark.parametrize(("audience", "trader"), WHOSE)
def test_no_foreign_string_in_any_byte_of_what_a_reader_is_given(audience: str, trader: int | None, tmp_path: Path) -> None:
    pages = make_pages(planted.material(trader), audience=audience)
    write_pages(pages, tmp_path / f"{audience}.html")
    foreign = planted.found_in(tmp_path) - planted.allowed(audience, trader)
    assert not foreign, f"{audience} is shown {sorted(foreign)}"


def test_the_strings_are_planted_where_the_readers_take_their_data_from() -> None:
    """A search that finds nothing proves something only if there is something to find."""
    ledger, found = planted.planted_ledger(), planted.planted_evaluation()
    for field, column in (
        ("id", "trader"),
        ("desk", "desk"),
        ("signal", "signal_id"),
        ("action", "action_id"),
        ("type", "signal_type"),
    ):
        held = {hit for v in ledger.rows[column].unique().to_pylist() if v for hit in planted.found(v)}
        assert {(field, k) for k in range(1, planted.TRADERS + 1)} <= held, column
    assert ledger.record is not None
    assert {h for r in ledger.record.tables["actions"]["reason"] for h in planted.found(r)} == {
        ("reason", k) for k in range(1, 8)
    }
    assert len([r for r in found.rows if r["regime"] == "all" and r["status"] != "WITHHOLD"]) >= 5
    assert {h for m in found.minutes for h in planted.found(m["why"])} == {("note", k) for k in range(1, 8)}
    assert {h for c in planted.contests() for h in planted.found(c["note"])} == {("contest", k) for k in range(1, 8)}
    assert len(ledger.quarantine) == 0


def test_the_head_finds_everyone_so_the_search_itself_works(tmp_path: Path) -> None:
    write_pages(make_pages(planted.material(), audience="head"), tmp_path / "head.html")
    assert {(f, k) for f in ("id", "note", "contest") for k in range(1, 8)} <= planted.found_in(tmp_path)


def test_governance_sees_ids_and_neither_reason_nor_estimate() -> None:
    import json

    data = json.loads(make_pages(planted.material(), audience="governance").data)
    assert [r["trader"] for r in data["rows"] if r["regime"] == "all"] == [planted.mark("id", k) for k in range(1, 8)]
    keys = {k for r in data["rows"] for k in r} | {k for d in data["decided"] for k in d}
    assert not keys & {
        "why",
        "by",
        "expected",
        "reasons",
        "detail",
        "p_above_hurdle",
        "ir_annual_mean",
        "value_add_mean",
        "raw_mean",
        "shrinkage",
    }


@pytest.mark.parametrize("how", ["plain", "escaped", "split by a tag", "in a picture", "in a table", "in a name"])
def test_the_search_finds_a_string_however_it_is_packed(how: str, tmp_path: Path) -> None:
    import base64
    import zlib

    import pyarrow as pa
    import pyarrow.parquet as pq

    planted_text = planted.mark("reason", 3)
    if how == "in a table":
        table = pa.table({"x": [1]}).replace_schema_metadata({"who": planted_text})
        pq.write_table(table, tmp_path / "a.parquet", compression="zstd")
    elif how == "in a name":
        (tmp_path / f"{planted_text}.html").write_text("")
    else:
        packed = base64.b64encode(b"PNG" + zlib.compress(planted_text.encode())).decode()
        text = {
            "plain": planted_text.upper(),
            "escaped": "".join(f"&#{ord(c)};" for c in planted_text),
            "split by a tag": f"{planted_text[:5]}<tspan>{planted_text[5:]}</tspan>",
            "in a picture": f'<img src="data:image/png;base64,{packed}">',
        }[how]
        (tmp_path / "a.html").write_text(text)
    assert planted.found_in(tmp_path) == {("reason", 3)}
