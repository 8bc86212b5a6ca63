"""The pages say what the code says: every key, column, code and name is documented."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

import skillstats
from skillstats.errors import RULES
from skillstats.evaluation.result import SKILL_COLUMNS
from skillstats.plan import Asset, ColumnReading, Plan
from skillstats.record.schema import SCHEMA
from skillstats.spec import list_specs

DOCS = Path(__file__).resolve().parents[2] / "docs"
PER_NAME = {"assets": ("assets.NAME.", Asset), "columns": ("columns.TABLE_COLUMN.", ColumnReading)}
PATHS = ("/" + "work/", "/" + "tmp/", "/" + "root/", "/" + "home/")


def read(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def keys(struct: type, prefix: str = "") -> list[tuple[str, Any]]:
    """Every key of a plan with its default."""
    found: list[tuple[str, Any]] = []
    for field in msgspec.structs.fields(struct):
        default = field.default
        if not prefix and field.encode_name in PER_NAME:
            found += keys(PER_NAME[field.encode_name][1], PER_NAME[field.encode_name][0])
        elif isinstance(default, msgspec.Struct):
            found += keys(type(default), f"{field.encode_name}.")
        else:
            plain = field.default_factory() if default is msgspec.NODEFAULT else default
            found.append((prefix + field.encode_name, plain))
    return found


def shown(default: Any) -> str:
    if default is None:
        return "none"
    text = "[]" if default == () else msgspec.json.encode(default).decode()
    return f"`{text}`"


@pytest.mark.parametrize(("key", "default"), keys(Plan))
def test_the_page_of_the_plan_has_every_key_with_its_default(key, default):
    assert f"| `{key}` | {shown(default)} |" in read("plan.md")


def test_the_page_of_the_plan_has_no_key_that_does_not_exist():
    rows = re.findall(r"^\| `([A-Za-z_.]+)` \|", read("plan.md"), flags=re.MULTILINE)
    assert sorted(rows) == sorted(key for key, _ in keys(Plan))


@pytest.mark.parametrize("table", [*SCHEMA, "outcomes"])
def test_the_page_of_the_data_renders_every_table(table):
    assert f"```{{from-code}} columns {table}\n" in read("data.md")


def test_the_page_of_the_data_renders_the_codes_of_every_outcome():
    for outcome in {rule.outcome for rule in RULES.values()}:
        assert f"```{{from-code}} codes {outcome}\n" in read("data.md")


def test_the_page_of_the_data_says_which_codes_have_no_check_yet():
    package = Path(skillstats.__file__).parent
    lines = [line for f in package.rglob("*.py") if f.name != "errors.py" for line in f.read_text(encoding="utf-8").splitlines()]
    raised = "\n".join(line for line in lines if not line.startswith("ROW_WARNINGS"))
    silent = {code for code in RULES if code not in raised}
    sentence = re.search(r"no check behind them in this version: ([^.]*)\.", read("data.md"))
    assert silent == set(re.findall(r"[DF]\d{3}", sentence[1] if sentence else ""))


def test_every_status_code_of_the_program_is_explained():
    package = Path(skillstats.__file__).parent
    used = {code for file in package.rglob("*.py") for code in re.findall(r'"([EW]-[A-Z]+)"', file.read_text(encoding="utf-8"))}
    explained = set(re.findall(r"^\| `([EW]-[A-Z]+)` \|", read("howto/read_page.md"), flags=re.MULTILINE))
    assert used == explained


@pytest.mark.parametrize("name", list_specs())
def test_every_shipped_model_has_its_equations_on_the_page(name):
    pages = [read("models.md"), *(page.read_text(encoding="utf-8") for page in sorted((DOCS / "models").glob("*.md")))]
    assert any(f"```{{from-code}} model {name}\n" in page for page in pages)


def test_every_column_of_skill_csv_is_defined():
    text = read("statistics.md")
    groups = ("ir_decision", "ir_annual", "value_add")
    for column in SKILL_COLUMNS:
        group = next((f"{g}_*" for g in groups if re.fullmatch(rf"{g}_(mean|q\d\d)", column)), column)
        assert f"`{group}`" in text, column


def test_every_public_name_is_in_the_reference():
    text = read("reference.md")
    missing = [name for name in skillstats.__all__ if not re.search(rf"\.{name}$", text, flags=re.MULTILINE)]
    assert not missing


def test_every_command_has_its_help_on_the_page():
    from skillstats.cli.app import main

    for name in main.commands:
        assert f"```{{from-code}} help {name}\n" in read("reference.md")


def test_every_decision_is_in_the_index():
    index = read("adr/index.md")
    for page in DOCS.glob("adr/0*.md"):
        assert f"\n{page.stem}\n" in index


def test_no_page_names_a_path_of_a_machine():
    for page in [*DOCS.rglob("*.md"), DOCS.parent / "README.md"]:
        assert not any(path in page.read_text(encoding="utf-8") for path in PATHS), page


def test_every_link_between_pages_leads_somewhere():
    for page in [*DOCS.rglob("*.md"), DOCS.parent / "README.md"]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def worked_example(folder: Path) -> Path:
    """The record of howto/record.md, with the word HOLD repaired as the page says."""
    blocks = re.findall(r"^`(\w+\.csv)`:.*?```text\n(.*?)```", read("howto/record.md"), flags=re.MULTILINE | re.DOTALL)
    plan = re.search(r"```toml\n(schema = 1\n.*?)```", read("howto/record.md"), flags=re.DOTALL)
    assert plan is not None
    for name, text in blocks:
        (folder / name).write_text(text.replace("HOLD,400,", "VETO,0,"), encoding="utf-8")
    (folder / "plan.toml").write_text(plan[1], encoding="utf-8")
    return folder


def test_the_worked_example_gives_the_ledger_that_the_page_shows(tmp_path):
    ledger = skillstats.build_ledger(skillstats.read_record(worked_example(tmp_path)))
    parts = ("size", "drift", "slippage", "value_add")
    computed = [tuple(int(ledger.rows[p][i].as_py()) for p in parts) for i in range(5)]
    rows = re.findall(r"^\| (S\d) \|(.*)\|$", read("howto/record.md"), flags=re.MULTILINE)
    shown = [tuple(int(c.strip(" *")) * 10**6 for c in cells.split("|")[4:8]) for _, cells in rows]
    assert computed == shown
    assert [value for *_, value in computed[:3]] == [500_000_000, -50_000_000, -740_000_000]
    assert not ledger.problems


def test_the_eight_schools_are_as_the_page_shows():
    pooled = skillstats.shrink([28, 8, -3, 7, -1, 1, 18, 12], [15, 10, 16, 11, 9, 11, 10, 18], names=list("ABCDEFGH"))
    shown = [line.rstrip() for line in str(pooled).splitlines() if "caveat" not in line]
    page = [line.rstrip() for line in read("howto/shrink.md").splitlines()]
    assert [line for line in shown if line not in page] == []
