"""The manager's and the developer's page: nobody is named, nothing small follows, money is the books', estimates are the ledger's."""

from __future__ import annotations

import io
import re
import sys
from collections import defaultdict
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "property"))

from released import MARK, data_of, desk
from test_head_page import Page
from test_release_properties import rank

from skillstats.report.page import make_pages, render_report, write_pages
from skillstats.report.readers import Material
from skillstats.report.readers.quant_view import headline
from skillstats.report.release.departures import departures_of

READERS = ("pm", "quant")
MICRO = 10**6


@pytest.mark.parametrize("audience", READERS)
def test_no_trader_and_no_free_text_in_any_byte(audience, tmp_path):
    evaluation, ledger = desk()
    write_pages(make_pages(Material(evaluation, ledger), audience=audience), tmp_path / f"{audience}.html")
    files = sorted(tmp_path.iterdir())
    assert len(files) == (2 if audience == "pm" else 4)
    for file in files:
        assert MARK not in file.name
        content = file.read_bytes()
        assert MARK.encode() not in content, f"{file.name} names somebody"
        if file.suffix == ".parquet":
            table = pq.read_table(io.BytesIO(content))
            texts = [str(table.schema), str(table.schema.metadata), *(str(v) for c in table.columns for v in c.to_pylist())]
            assert not any(MARK in t for t in texts)
            assert not {"trader", "desk", "action_id", "decision_id", "signal_id", "reason"} & set(table.column_names)


@pytest.mark.parametrize("audience", READERS)
def test_the_page_is_made_of_its_data_alone_and_holds_the_one_script(audience):
    evaluation, ledger = desk()
    html = render_report(evaluation, audience=audience, ledger=ledger)
    page = Page(html)
    assert not page.open and page.elements["script"] == 1
    assert not re.search(r"(https?|ftp|file|javascript):", html, flags=re.IGNORECASE)
    ids = [v for _, k, v in page.values if k == "id"]
    assert len(ids) == len(set(ids))
    assert html == render_report(evaluation, audience=audience, ledger=ledger)


def test_every_table_of_the_manager_adds_up_to_the_books_exactly():
    data, ledger = data_of("pm"), desk()[1]
    totals = ledger.result["totals"]
    books = data["books"]
    assert (books["model"], books["actual"], books["value_add"]) == (totals["model"], totals["actual"], totals["value_add"])
    assert books["departures"] + books["followed"] + books["undecided"] == books["actual"] - books["model"]
    frame = ledger.rows.select(["value_add", "is_intervention", "trader"]).to_pandas()
    own = frame[frame["is_intervention"] & frame["value_add"].notna()]
    assert int(own["value_add"].sum()) == books["departures"]
    assert len(data["tables"]) >= 6
    for table in data["tables"]:
        parts = [*table["cells"], *([table["rest"]] if table["rest"] else [])]
        for key in ("model_micro", "actual_micro", "value_add_micro"):
            assert sum(c[key] for c in parts) == table["total"][key]
        assert table["total"]["value_add_micro"] == books["departures"]
    assert sum(m["value_add_micro"] for m in data["months"]) == books["departures"]
    assert sum(m["book_micro"] for m in data["months"]) == books["model"]


def test_a_cell_of_the_manager_is_the_sum_of_its_rows_recomputed_by_hand():
    data, ledger = data_of("pm"), desk()[1]
    frame = ledger.rows.to_pandas()
    frame = frame[frame["is_intervention"] & frame["value_add"].notna()]
    frame["asset_class"] = [ledger.plan.assets[a].class_ for a in frame["asset"]]
    frame["regime"] = frame["regime_market"]
    checked = 0
    for table in data["tables"]:
        if not set(table["labels"]) <= {"asset_class", "regime", "action"}:
            continue
        for cell in table["cells"]:
            own = frame
            for name, level in zip(table["labels"], cell["levels"], strict=True):
                own = own[own[name] == level]
            assert int(own["value_add"].sum()) == cell["value_add_micro"]
            assert own["decision_id"].nunique() == cell["decisions"]
            assert own["trader"].nunique() >= 5 and cell["decisions"] >= 20
            checked += 1
    assert checked >= 10


def indicators() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Everything both pages and the files print of people, as sets of rows found again in the ledger by label; persons, decisions."""
    ledger = desk()[1]
    rows = departures_of(ledger)
    names = {k: np.array([*label.levels, None], dtype=object)[label.codes] for k, label in rows.labels.items()}
    sets = []
    for audience in READERS:
        for table in data_of(audience)["tables"]:
            if not set(table["labels"]) <= set(names):
                continue
            for cell in table["cells"]:
                if cell.get("shown", True):
                    sets.append(np.all([names[k] == v for k, v in zip(table["labels"], cell["levels"], strict=True)], axis=0))
    month = names["month"]
    for stretch in data_of("pm")["months"]:
        first, last = stretch["level"][:7], stretch["level"][-7:]
        sets.append((month >= first) & (month <= last))
    sets.append(np.ones(len(rows), dtype=bool))
    return np.unique(np.array(sets), axis=0).astype(np.int64), rows.person, rows.decision


def test_nothing_small_follows_from_both_pages_and_the_files_together():
    sets, person, decision = indicators()
    assert len(sets) > 25
    grouped = defaultdict(list)
    for row, column in enumerate(map(bytes, np.packbits(sets, axis=0).T)):
        grouped[(column, person[row])].append(row)
    places = [rows[0] for rows in grouped.values()]
    thin, who = sets[:, places], person[places]
    full = rank(thin)
    for few in combinations(range(person.max() + 1), 4):
        assert rank(thin[:, ~np.isin(who, few)]) == full
    for first, second in combinations(sets, 2):
        apart = first != second
        assert not apart.any() or (len(set(decision[apart])) >= 20 and len(set(person[apart])) >= 5)


def test_the_small_class_is_left_out_and_said_so():
    """The last class of the desk has too few departures in a regime or action; the table says so and still adds up."""
    data = data_of("pm")
    hidden = [t for t in data["tables"] if t["hidden"]]
    assert hidden, "the desk of this test must have cells that are too small"
    html = render_report(desk()[0], audience="pm", ledger=desk()[1])
    assert "not shown separately" in html and "at least 5 traders" in html


def test_names_only_where_a_plan_frozen_before_the_first_outcome_says_so():
    for how in ({"names": True}, {"names": True, "frozen": "after"}, {"names": True, "frozen": "never"}, {"frozen": "before"}):
        data = data_of("pm", **how)
        assert not data["floors"]["named"] and not data["traders"] and MARK not in str(data)
    data = data_of("pm", names=True, frozen="before")
    assert data["floors"]["named"] and len(data["traders"]) == 7
    assert ["trader"] in [t["labels"] for t in data["tables"]] and not any(t["hidden"] for t in data["tables"])
    evaluation, ledger = desk(names=True, frozen="before")
    html = render_report(evaluation, audience="pm", ledger=ledger)
    assert MARK in html and "frozen before the first outcome" in html
    assert MARK not in render_report(evaluation, audience="quant", ledger=ledger)


def test_a_withheld_evaluation_shows_money_and_no_estimate():
    for audience in READERS:
        data = data_of(audience, status="WITHHOLD")
        assert all(c["estimate"] is None for t in data["tables"] for c in t["cells"])
        assert data.get("desk") is None and "withheld" in data["why"]
        evaluation, ledger = desk(status="WITHHOLD")
        assert "P(IR > 0)" not in render_report(evaluation, audience=audience, ledger=ledger)


def cell(level: str, *, on_list: bool) -> dict:
    return {"levels": [level], "estimate": {"thin": False, "listed": on_list, "running": 0.01 if on_list else None}}


def test_where_no_crossing_is_on_the_list_one_label_alone_is_named():
    """A crossing may have too few overrides while the type of signal alone has enough: the headline must not read as an acquittal."""
    crossed = {"labels": ["signal_type", "regime"], "cells": [cell("flow", on_list=False) | {"levels": ["flow", "calm"]}]}
    types = {"labels": ["signal_type"], "cells": [cell("flow", on_list=True), cell("reversion", on_list=False)]}
    actions = {"labels": ["action"], "cells": [cell("VETO", on_list=True)]}
    data = {"shown": True, "contexts": ["signal_type", "regime"], "tables": [types, actions, crossed]}
    assert headline(data, crossed) == (
        "In none of 1 kind of signal can it be said that overriding the model pays; taken by signal type alone it pays in flow."
    )
    quiet = data | {"tables": [actions, crossed]}
    assert headline(quiet, crossed).endswith("that overriding the model pays.")


def test_parts_of_a_type_add_up_and_a_rate_is_of_signals():
    data, ledger = data_of("quant"), desk()[1]
    table = next(t for t in data["tables"] if t["labels"] == ["signal_type"])
    frame = ledger.rows.to_pandas()
    frame = frame[frame["value_add"].notna() & frame["signal_id"].notna()]
    for cell in table["cells"]:
        own = frame[frame["signal_type"] == cell["levels"][0]]
        parts = data["parts"][cell["levels"][0]]
        assert sum(v for v in parts.values() if v is not None) == cell["value_add"]
        assert cell["signals"] == len(own) and cell["overridden"] == int(own["is_intervention"].sum())
        assert cell["value_add"] == round(own.loc[own["is_intervention"], "value_add"].sum() / MICRO)


def test_the_model_s_own_rows_hold_nothing_that_people_did():
    evaluation, ledger = desk()
    tables = make_pages(Material(evaluation, ledger), audience="quant").tables
    signals = tables["signals.parquet"]
    assert set(signals.column_names) <= {
        "session",
        "signal_type",
        "asset_class",
        "regime",
        "side",
        "time_of_day",
        "volatility",
        "model_version",
        "asset",
        "model_pnl",
        "risk",
    }
    assert signals.num_rows == int(
        (ledger.rows["signal_id"].is_valid().to_numpy() & ledger.rows["value_add"].is_valid().to_numpy()).sum()
    )
    assert signals.equals(signals.sort_by([(n, "ascending") for n in signals.column_names]))
    # the order of actions has no part in it: shuffled rows give the same table
    cells = tables["cells.parquet"]
    assert cells.filter(pa.compute.equal(cells["table"], "signal_type")).num_rows >= 2


def test_too_few_traders_show_nothing_at_all():
    import dataclasses

    evaluation, ledger = desk()
    keep = sorted({t for t in ledger.rows["trader"].to_pylist() if t})[:4]
    mask = np.isin(np.array(ledger.rows["trader"].to_pylist(), dtype=object).astype(str), keep)
    few = dataclasses.replace(ledger, rows=ledger.rows.filter(mask), decay=None)
    for audience in READERS:
        html = render_report(evaluation, audience=audience, ledger=few)
        assert "ewer than 5 traders" in html and "<svg" not in html


def test_the_command_line_offers_every_reader_there_is_a_page_for():
    from skillstats.cli.app import AUDIENCES
    from skillstats.report.readers import READERS as WRITTEN

    assert set(AUDIENCES) == set(WRITTEN)
