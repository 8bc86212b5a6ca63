"""Outcomes tables: text stays text, empty is never zero, no row is lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skillstats.errors import InputRejected, UsageError
from skillstats.record import OutcomeTable, read_outcome_table

NAMES = {"trader": "participant_id", "session": "game_id", "value_add": "va"}


def csv(path: Path, body: str) -> Path:
    (path / "o.csv").write_text(body, encoding="utf-8")
    return path / "o.csv"


def simple(path: Path, *rows: str) -> OutcomeTable:
    return read_outcome_table(csv(path, "trader,session,value_add\n" + "\n".join(rows) + "\n"))


@pytest.mark.parametrize(
    "name", ["NA", "null", "None", "nan", "001", "1", "1e5", "TRUE", "<script>alert(1)</script>", "=1+1", "../x", "Zoë"]
)
def test_names_survive_unchanged(tmp_path: Path, name: str) -> None:
    assert simple(tmp_path, f"{name},1,0.5")["trader"].tolist() == [name]


def test_columns_are_renamed_by_the_mapping(tmp_path: Path) -> None:
    table = read_outcome_table(csv(tmp_path, "participant_id,game_id,va,trader\n7,1,0.5,other\n"), NAMES)
    assert (table["trader"].tolist(), table["value_add"].tolist()) == (["7"], [0.5])
    assert [p.code for p in table.problems] == ["D110"]


@pytest.mark.parametrize(
    ("cell", "code"),
    [("", "D104"), ("nan", "D103"), ("inf", "D103"), ("1e999", "D103"), ("1,5", "D105"), ("abc", "D105"), ("NA", "D105")],
)
def test_impossible_values_are_set_aside(tmp_path: Path, cell: str, code: str) -> None:
    table = simple(tmp_path, "a,1,0.5", f'b,1,"{cell}"', "c,1,-2e-05")
    assert table["value_add"].tolist() == [0.5, -2e-05] and table.raw_rows == 3
    assert [(p.code, p.line, p.root) for p in table.quarantine] == [(code, 3, "o.csv:3")]


@pytest.mark.parametrize(("cell", "code"), [("0", "D101"), ("-1", "D102"), ("", "D104"), ("inf", "D103")])
def test_risk_is_positive_where_given(tmp_path: Path, cell: str, code: str) -> None:
    table = read_outcome_table(csv(tmp_path, f"trader,session,value_add,risk\na,1,1,2\nb,1,1,{cell}\n"))
    assert [p.code for p in table.quarantine] == [code] and table["risk"].tolist() == [2.0]


def test_missing_column_names_those_that_exist(tmp_path: Path) -> None:
    with pytest.raises(InputRejected, match=r"F102.*'value_add' \(named 'va' by you\).*'participant_id', 'game_id'"):
        read_outcome_table(csv(tmp_path, "participant_id,game_id,value\n7,1,0.5\n"), NAMES)
    with pytest.raises(InputRejected, match=r"F102.*'trader'"):
        read_outcome_table(csv(tmp_path, "session,value_add\n7,1\n"))


def test_a_wrong_mapping_is_a_usage_error(tmp_path: Path) -> None:
    path = csv(tmp_path, "a,b\n1,2\n")
    with pytest.raises(UsageError, match="no field is called 'tradr'"):
        read_outcome_table(path, {"tradr": "a"})
    with pytest.raises(UsageError, match="two fields"):
        read_outcome_table(path, {"trader": "a", "session": "a"})
    with pytest.raises(UsageError, match="no such file"):
        read_outcome_table(tmp_path / "none.csv")


def test_decision_ids_do_not_depend_on_row_order(tmp_path: Path) -> None:
    rows = ["a,1,0.5", "a,1,0.5", "b,1,2"]
    first, second = simple(tmp_path, *rows), simple(tmp_path, *rows[::-1])
    assert first["decision_id"].tolist() == second["decision_id"].tolist() and len(set(first["decision_id"])) == 3
    assert first.digest == second.digest


def test_frames_and_parquet_say_the_same_as_csv(tmp_path: Path) -> None:
    frame = pd.DataFrame({"trader": ["a", "b"], "session": [1, 2], "value_add": [0.1, 1e-05], "risk": [1.0, 3.5]})
    pq.write_table(pa.Table.from_pandas(frame), tmp_path / "o.parquet")
    text = csv(tmp_path, "trader,session,value_add,risk\na,1,0.1,1\nb,2,1e-05,3.5\n")
    tables = [read_outcome_table(s) for s in (frame, tmp_path / "o.parquet", text)]
    assert len({t.digest for t in tables}) == 1 and tables[0]["session"].tolist() == ["1", "2"]
    assert all(np.array_equal(t["risk"], tables[0]["risk"]) for t in tables)


def test_time_is_optional_and_strict(tmp_path: Path) -> None:
    table = read_outcome_table(
        csv(tmp_path, "trader,session,value_add,time\na,1,1,2026-07-01T00:00:00Z\na,2,1,\na,3,1,2026-07-01\n")
    )
    assert [p.code for p in table.quarantine] == ["D202"] and len(table) == 2


def test_header_again_and_blank_lines_are_accounted_for(tmp_path: Path) -> None:
    table = simple(tmp_path, "a,1,0.5", "", "trader,session,value_add")
    assert [p.code for p in table.quarantine] == ["D237"] and [d.code for d in table.drops] == ["D108"] and table.raw_rows == 3
