"""The page of the head of trading: nothing hostile gets in, nothing withheld gets out, every number is the evaluation's."""

from __future__ import annotations

import base64
import hashlib
import re
import sys
from collections import Counter
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jinja2 import UndefinedError

sys.path.insert(0, str(Path(__file__).parent))

import sample as made

from skillstats.errors import UsageError
from skillstats.evaluation.result import ESTIMAND_COLUMNS, Evaluation
from skillstats.report import AUDIENCES, render_report, write_report
from skillstats.report.numbers import visible
from skillstats.report.page import _environment
from skillstats.report.readers import READERS
from skillstats.report.words import forest_title, group_traders, headline, scale_of

CSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; script-src 'sha256-{}'"
VOID = {"meta", "link", "br", "img", "hr", "input"}


class Page(HTMLParser):
    """Elements, attributes and text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: Counter[str] = Counter()
        self.attributes: Counter[str] = Counter()
        self.values: list[tuple[str, str, str]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.cells: dict[str, list[list[str]]] = {}
        self.tables: list[list[list[str]]] = []
        self._table = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        self.attributes.update(k for k, _ in attrs)
        self.values += [(tag, k, v or "") for k, v in attrs]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self._table = dict(attrs).get("id") or ""
            self.cells.setdefault(self._table, [])
            self.tables.append([])
        if tag == "tr":
            self.cells[self._table].append([])
            self.tables[-1].append(self.cells[self._table][-1])
        if tag in ("td", "th"):
            self.cells[self._table][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.text.append(data)
        if "td" in self.open or "th" in self.open:
            self.cells[self._table][-1][-1] += data

    @property
    def words(self) -> str:
        """All text that a reader sees."""
        return "\n".join(self.text)


def head(evaluation: Evaluation) -> str:
    return render_report(evaluation, audience="head")


def harmless(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same rows with every hostile text replaced by a plain one."""
    plain = {name: f"name {i}" for i, name in enumerate((*made.HOSTILE, made.LONG))}
    return [
        {
            **r,
            "trader": plain[r["trader"]],
            "regime": plain.get(r["regime"], "all"),
            "codes": [{**c, "text": "plain"} for c in r["codes"]],
        }
        for r in rows
    ]


def test_hostile_names_add_no_element_and_no_attribute() -> None:
    hostile, plain = Page(head(made.sample(made.hostile_rows()))), Page(head(made.sample(harmless(made.hostile_rows()))))
    assert hostile.elements == plain.elements
    assert hostile.attributes == plain.attributes
    assert not hostile.open


@pytest.mark.parametrize("name", [*made.HOSTILE, made.LONG])
def test_hostile_names_stand_in_the_text_as_themselves(name: str) -> None:
    page = Page(head(made.sample(made.hostile_rows())))
    assert any(row[0] == visible(name) for row in page.cells["traders"])
    assert any(row[1].strip() == visible(name) for row in page.cells["cells"])


def test_names_in_the_figure_are_searchable_text_and_no_formula() -> None:
    html = head(made.sample(made.hostile_rows()))
    figure = re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL)[0]
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", figure)
    assert {"NA", "null", "001", "T1 $\\frac{$", "&lt;script&gt;alert(1)&lt;/script&gt;"} <= {t.strip() for t in texts}


@pytest.mark.parametrize("rows", [made.desk_rows(), made.hostile_rows()])
def test_one_script_named_by_its_digest_no_address_and_a_policy_that_allows_nothing_else(rows: list[dict[str, Any]]) -> None:
    html = head(made.sample(rows))
    page = Page(html)
    scripts = re.findall(r"<script>(.*?)</script>", html, flags=re.DOTALL)
    assert page.elements["script"] == html.lower().count("<script") == len(scripts) == 1
    assert scripts[0] == files("skillstats.report").joinpath("templates", "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert not {"iframe", "object", "embed", "img", "link", "base", "form", "foreignobject"} & set(page.elements)
    assert not re.search(r"(https?|ftp|file|javascript):", html, flags=re.IGNORECASE)
    assert not any(k.startswith("on") for k in page.attributes)
    assert ("meta", "content", CSP.format(digest)) in page.values
    links = [v for tag, k, v in page.values if k in ("href", "src", "xlink:href")]
    assert all(v.startswith("#") for v in links)
    ids = Counter(v for _, k, v in page.values if k == "id")
    assert max(ids.values()) == 1
    assert {v[1:] for v in links} <= set(ids)


def test_a_withheld_row_shows_no_number_even_if_the_evaluation_carries_one() -> None:
    planted = {k: 0.987654 if k.startswith(("p_", "lfsr", "shr", "rel")) else 98765.4321 for k in ESTIMAND_COLUMNS}
    rows = made.desk_rows()
    rows.append(
        {**made.row("Zed", status="WITHHOLD", codes=[made.FEW]), **planted, "raw_ir": 77.7654, "raw_ir_annual": 98765.4321}
    )
    html = head(made.sample(rows, kpis=()))
    for trace in ("98,765", "98765", "987654", "77.76"):
        assert trace not in html
    assert Page(html).cells["traders"][-1][4:-1] == ["not enough evidence: no estimate is shown"]
    assert not re.search(r"Zed[^.<]*[0-9]", html)


def test_an_evaluation_withheld_as_a_whole_shows_no_estimate_at_all() -> None:
    stop = made.code("E-CONV", "skill withheld for the fit: R-hat 1.043 (limit 1.01) for tau_a after one rerun")
    html = head(made.sample(status="WITHHOLD", codes=(stop,), kpis=()))
    page = Page(html)
    assert "svg" not in page.elements
    assert stop["text"] in page.words
    assert "No statement about skill can be made" in page.words
    for trace in ("1.31", "0.41", "89.6%", "0.211", "Expected share of false names"):
        assert trace not in page.words


@pytest.mark.parametrize("word", ["None", "nan", "NaN", "inf", "Undefined"])
def test_no_page_prints_a_missing_value_as_a_word(word: str) -> None:
    no_year = made.source(
        has_year=False, kind="outcomes", bets_per_year=None, bets_per_year_why=None, first_session=None, last_session=None
    )
    plan = made.plan(horizon=None, fill_model=None, hurdle=0.05, hurdle_unit="IR per decision", text=None)
    rows = made.desk_rows()
    rows[3] |= {"n_eff": None, "shrinkage": float("nan"), "reliability": None, "raw_ir": None, "raw_ir_annual": float("inf")}
    empty = made.kpi("T1", mean=None, sd=float("nan"), ir_per_decision=None, note="n<2")
    for evaluation in (
        made.sample(rows),
        made.sample(rows, source=no_year, plan=plan, kpis=(empty,), population={}, lists={}, caveats=()),
    ):
        shown = Page(head(evaluation)).words.replace("None of", "")
        assert not re.search(rf"\b{word}\b", shown)


def number(text: str) -> float:
    """A printed number read back."""
    return float(text.replace("\u2212", "-").replace(",", "").rstrip("%"))


def agrees(text: str, value: float) -> bool:
    """Whether a printed number is the value, rounded to the digits shown."""
    digits = len(text.rstrip("%").split(".")[1]) if "." in text else 0
    return abs(number(text) - value) <= 0.5 * 10.0 ** (-digits) + 1e-9


def test_every_number_of_the_trader_table_is_the_evaluations() -> None:
    evaluation = made.sample()
    lines = {row[0]: row for row in Page(head(evaluation)).cells["traders"][1:]}
    assert len(lines) == 8
    for row in (r for r in evaluation.rows if r["regime"] == "all" and r["status"] != "WITHHOLD"):
        line = lines[row["trader"]]
        for cell, key in zip(line[1:4], ("n", "days", "n_eff"), strict=True):
            assert agrees(cell, row[key])
        for cell, key in zip(line[4:6], ("ir_annual", "value_add"), strict=True):
            found = re.match(r"(\S+?)\[(\S+), ([^\]]+)\]", cell)
            assert found, cell
            assert all(agrees(t, row[f"{key}_{part}"]) for t, part in zip(found.groups(), ("mean", "q05", "q95"), strict=True)), (
                cell
            )
        for cell, key in zip(line[6:10], ("p_positive", "p_above_hurdle", "shrinkage", "reliability"), strict=True):
            ends = {"<1%": row[key] < 0.01, ">99%": row[key] > 0.99}
            assert ends.get(cell.strip(), False) or agrees(cell.strip(), 100 * row[key])


def test_a_flag_stands_beside_its_number_and_a_reason_in_words() -> None:
    page = Page(head(made.sample()))
    line = next(row for row in page.cells["traders"] if row[0] == "T2")
    assert re.match(r"0\.94\[0\.28, 1\.60\]FLAG W-LUCK", line[4])
    assert "mostly luck so far: reliability 17%, limit 20%" in line[-1]


def test_a_cell_under_its_floor_claims_nothing_whatever_its_probability() -> None:
    rows = [made.row("T1", p=0.97), made.row("T1", "calm", p=0.99, codes=[made.CELL])]
    cells = Page(head(made.sample(rows))).cells["grid"]
    assert cells[1][1].strip().endswith("too few days, no claim")
    assert "clears" not in cells[1][1]


def test_a_probability_is_not_rounded_up_to_the_certainty() -> None:
    page = Page(head(made.sample([made.row("T3", p=0.8999)])))
    assert page.cells["traders"][1][7].strip() == "89.99%"
    assert "None of the 1 trader clears" in page.words


def test_two_renders_give_the_same_bytes_whatever_matplotlib_is_set_to() -> None:
    import matplotlib as mpl

    first = head(made.sample())
    with mpl.rc_context({"font.size": 20, "svg.hashsalt": None, "svg.fonttype": "path", "text.parse_math": True}):
        assert head(made.sample()) == first
        assert mpl.rcParams["font.size"] == 20
    assert head(made.sample(made.hostile_rows())) == head(made.sample(made.hostile_rows()))


def test_templates_refuse_undefined_names_and_unprepared_values() -> None:
    environment = _environment()
    with pytest.raises(UndefinedError):
        environment.from_string("{{ nobody }}").render()
    for value in (None, 1.5, float("nan")):
        with pytest.raises(TypeError, match="not text"):
            environment.from_string("{{ x }}").render(x=value)


def test_the_verdict_counts_every_trader_once() -> None:
    from skillstats.report.rows import overall_rows

    evaluation = made.sample()
    groups, scale = group_traders(overall_rows(evaluation)), scale_of(evaluation)
    assert [len(g) for g in (groups.clear, groups.unsettled, groups.against, groups.too_few)] == [2, 4, 1, 1]
    assert headline(groups, scale, withheld=False) == "2 of 8 traders clear the hurdle with at least 90% certainty."
    assert forest_title(groups, scale) == (
        "2 of 8 traders clear the hurdle with 90% certainty; for 4 others skill and luck cannot be told apart yet; "
        "for 1 the record points below zero; 1 has not enough evidence."
    )


def test_other_audiences_are_refused_in_words() -> None:
    for known in sorted(set(AUDIENCES) - set(READERS)):
        with pytest.raises(UsageError, match=f"this version writes pages for {', '.join(READERS)} only"):
            render_report(made.sample(), audience=known)
    with pytest.raises(UsageError, match="trader, head, pm, quant, governance"):
        render_report(made.sample(), audience="boss")
    with pytest.raises(UsageError, match="not of one person"):
        render_report(made.sample(), audience="head", trader="T1")
    with pytest.raises(TypeError):
        render_report(made.sample())  # type: ignore[call-arg]


def test_the_file_appears_complete_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_report(made.sample(), audience="head", path=tmp_path / "q3.html")
    assert path.read_bytes() == head(made.sample()).encode()
    before = path.read_bytes()

    def refuse(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises(UsageError, match="No space left"):
        write_report(made.sample(made.hostile_rows()), audience="head", path=path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["q3.html"]
    with pytest.raises(UsageError, match="existing folder"):
        write_report(made.sample(), audience="head", path=tmp_path / "no" / "q3.html")


def test_structure_one_heading_captions_scopes_language() -> None:
    html = head(made.sample())
    page = Page(html)
    assert page.elements["h1"] == 1
    assert page.elements["caption"] == page.elements["table"]
    assert sum(k == "scope" for _, k, _ in page.values) == page.elements["th"]
    assert ("html", "lang", "en") in page.values
    assert ("a", "href", "#verdict") in page.values
    assert (
        page.words.index("Verdict")
        < page.words.index("Ledger KPIs: description, not evidence")
        < page.words.index("What was evaluated")
    )


def test_alternative_text_of_the_figure_names_withheld_traders_without_numbers() -> None:
    html = head(made.sample())
    described = re.search(r'<desc id="forest-wide-desc">(.*?)</desc>', html, flags=re.DOTALL)
    assert described
    assert "T1: 1.31 [0.69, 1.93], raw 2.10, P(IR &gt; hurdle) 97%." in described.group(1)
    assert described.group(1).endswith("T8: not enough evidence, no estimate.")


def test_a_row_withheld_for_another_reason_than_few_decisions_does_not_say_too_few() -> None:
    rows = [made.row("T1"), made.row("Zed", status="WITHHOLD", codes=[made.code("E-ONE", "one day carries the claim")])]
    page = Page(head(made.sample(rows)))
    assert page.cells["traders"][-1][4] == "withheld: no estimate is shown"
    assert "not enough evidence for any number" not in page.words
    assert "for 1 no number is shown" in page.words


def test_a_desk_without_regimes_or_kpis_has_neither_grid_nor_empty_tables() -> None:
    page = Page(head(made.sample([made.row("T1")], kpis=(), lists={}, caveats=(), population={})))
    assert "grid" not in page.cells
    assert "The plan names no regimes" in page.words
    assert "Ledger KPIs" not in page.words
    assert all(len(rows) > 1 for rows in page.cells.values())


def test_ledger_sums_in_micro_units_are_printed_in_currency_and_finer_splits_stay_out() -> None:
    split = made.kpi("T1", by="trader x action", action="VETO", sum=7_777_777_777_777)
    single = made.kpi("T1", sum=-50_000_000, mean=-50.0, sd=None, ir_per_decision=None, note="n<2")
    kpis = (single, split, made.kpi("T7"), made.kpi(None, by="all"))
    html = head(made.sample([made.row("T1", detail=None)], kpis=kpis, day_errors=()))
    page = Page(html)
    tables = (t for t in re.findall(r"<table.*?</table>", html, flags=re.DOTALL) if "Ledger KPIs by trader" in t)
    table = Page(next(tables)).cells[""]
    lines = {row[0]: dict(zip(table[0], row, strict=True)) for row in table if len(row) == len(table[0])}
    assert set(lines) == {"Trader", "T1", "T7", "whole desk"}
    assert lines["T1"]["Sum, USD"] == "\u221250"
    assert lines["T1"]["Mean / sd"] == "n<2"
    assert lines["T7"]["Sum, USD"] == "1,284,310"
    assert "7,777,778" not in page.words


def test_the_page_names_the_target():
    """A selection model's page says beside the outcome what its skill leaves out."""
    assert "total: passive lean, timing and selection together" in head(made.sample())
    changed = made.sample(source=made.source(target="selection"))
    assert "selection: what the factor explains is not in it" in head(changed)
