"""All five readers: every number of a page is, to the printed digit, a number of the data it was made from, or stands here with its reason."""

from __future__ import annotations

import dataclasses
import math
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import planted
from numbers_of import every_number
from page_numbers import Traced
from test_operating_sections import operating

from skillstats.evaluation.write import plain_json
from skillstats.report.page import make_pages
from skillstats.report.plots.funnel import luck_edge
from skillstats.report.readers import READERS, Material
from skillstats.units import SECOND, package_version, parse_duration

Z90 = 1.6448536269514722
Numbers = dict[str, list[float]]
WHOSE = [(name, k) for name, reader in READERS.items() for k in ((1, 4) if reader.needs_trader else (None,))]


@cache
def material(trader: int | None) -> Material:
    """The planted desk, with error rates."""
    found = planted.material(trader)
    return dataclasses.replace(found, evaluation=dataclasses.replace(found.evaluation, operating=operating()))


@cache
def shown(audience: str, trader: int | None) -> tuple[str, Any]:
    """A page and the data it was made from; the head's are the evaluation, the minutes and the contests."""
    given = material(trader)
    pages = make_pages(given, audience=audience)
    if READERS[audience].own_data:
        return pages.page, msgspec.json.decode(pages.data)
    return pages.page, msgspec.json.decode(plain_json(READERS[audience].collect(given)))


def of_trader(data: Any) -> Numbers:
    groups = [*data["by_action"], *data["by_type"], data["others"] or {"hits": 0, "n_decisions": 1}]
    errors = data["estimate"]["errors"] if "errors" in data["estimate"] else data["kpis"]
    rate, se = errors.get("hit_rate"), errors.get("hit_rate_se")
    return {
        "hits as a share of the decisions of a group": [g["hits"] / g["n_decisions"] for g in groups if g["n_decisions"]],
        "90% interval of the hit rate, from its error": []
        if se is None
        else [max(0.0, rate - Z90 * se), min(1.0, rate + Z90 * se)],
    }


def of_pm(data: Any) -> Numbers:
    risk, choice = data["blocks"]["risk"], data["blocks"]["choice"]["desk"]
    return {
        "model with people: the month's model book and what people added": [
            (m["book_micro"] + m["value_add_micro"]) / 1e6 for m in data["months"]
        ],
        "days that are the worst 5% of the sessions": [risk["tail"] * risk["sessions"]],
        "departed from as a share of the signals": [choice["n_departed"] / choice["n_signals"]],
    }


def of_quant(data: Any) -> Numbers:
    return {
        "signals: followed, overridden and undecided": [sum(data["signals"].values())],
        "overridden as a share of the signals": [data["signals"]["intervened"] / sum(data["signals"].values())],
        "cells whose side of people is not shown": [sum(t["hidden"] for t in data["tables"])],
    }


def of_governance(data: Any) -> Numbers:
    return {
        "the plan's tolerance in seconds": [parse_duration(data["ledger"]["late"]["after"]) / SECOND],
        "rule of the package: effective draws a chain": [100],
        "rule of the package: largest R-hat": [1.01],
    }


def of_head(data: Any) -> Numbers:
    found = data["evaluation"]
    rows = [r for r in found["rows"] if r["detail"]]
    whole = [r for r in rows if r["regime"] == "all" and r["status"] != "WITHHOLD"]
    quarters = [r["detail"]["quarter"] for r in whole if r["detail"].get("quarter")]
    every = [*quarters, *([found["desk"]["quarter"]] if found["desk"].get("quarter") else [])]
    choice = found["attribution"]["choice"]
    shares = [
        c[f"{part}_micro"] / 1e6
        for c in (choice["desk"], *choice["traders"])
        for part in ("rate", "regime", "choice", "execution")
    ]
    losses = [r["detail"]["losses"] for r in rows if r["detail"]["losses"]]
    return {
        "value of the better act: the difference of two expected losses": [d["revoke"] - d["keep"] for d in losses],
        "least capital: 3 sd^2 / mean": [3 * q["sd"] ** 2 / q["mean"] for q in quarters if q["mean"] > 0],
        "the funnel's bands": [luck_edge(r["n_eff"], many) for r in whole for many in (1, len(whole))],
        "forecasts to three digits of the largest": [
            round(q[k] / step) * step for q in every for k in ("q05", "q95", "mean") for step in (10.0, 100.0, 1000.0, 10_000.0)
        ],
        "parts of choice add up by largest remainder: the whole number below or above": [
            f(v) for v in shares for f in (math.floor, math.ceil)
        ],
        "error rates in percent without the sign": [100 * v for v in map(float, every_number(found["operating"])) if v <= 1],
    }


OF = {"trader": of_trader, "pm": of_pm, "quant": of_quant, "governance": of_governance, "head": of_head}
RULES: Numbers = {
    "rule of the package: planning figures hold in 8 of 10 cases": [8, 10],
    "version of the package, its first two parts": [float(n) for n in re.findall(r"^\d+\.\d+", package_version())],
}


@cache
def traced(audience: str, trader: int | None) -> Traced:
    page, own = shown(audience, trader)
    return Traced(page, own, RULES | OF[audience](own))


@pytest.mark.parametrize(("audience", "trader"), WHOSE)
def test_every_number_of_every_table_is_the_datas_to_the_printed_digit(audience: str, trader: int | None) -> None:
    found = traced(audience, trader)
    assert len(found.seen) > 100
    assert found.cells == []


@pytest.mark.parametrize(("audience", "trader"), WHOSE)
def test_every_number_of_the_text_is_the_datas_to_the_printed_digit(audience: str, trader: int | None) -> None:
    assert traced(audience, trader).words == []


def moved(data: Any) -> Any:
    """The same data with every number another one, far away."""
    if isinstance(data, dict):
        return {k: moved(v) for k, v in data.items()}
    if isinstance(data, list):
        return [moved(v) for v in data]
    if isinstance(data, bool) or not isinstance(data, int | float) or not math.isfinite(data):
        return data
    return data * 7310.7 + 0.0041


@pytest.mark.parametrize(("audience", "trader"), WHOSE)
def test_a_page_of_other_data_is_noticed(audience: str, trader: int | None) -> None:
    page, own = shown(audience, trader)
    found = Traced(page, moved(own), {})
    # numbers that say something: three digits or more, and not the zeros that other data have as well
    long, lost = (
        [n for n in some if len(re.sub(r"\D", "", n)) >= 3 and re.search("[1-9]", n)]
        for some in (found.seen, [n for *_, n in found.cells])
    )
    assert len(long) > 5
    assert len(lost) > len(long) / 2
