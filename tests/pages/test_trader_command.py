"""The command line of the trader's page: one page by name, one a trader beside an evaluation, refusals before anything is computed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parent))

import desk as made_desk

from skillstats.cli.app import AUDIENCES, main
from skillstats.cli.evaluate import refuse_pages, write_pages_of
from skillstats.errors import UsageError
from skillstats.evaluation.verify import verify
from skillstats.evaluation.write import write_evaluation
from skillstats.ledger.write import check_target
from skillstats.report.page import page_name
from skillstats.report.readers import READERS

FEW = made_desk.OTHERS[:1]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Any]:
    """A ledger of two traders, and an evaluation that rests on it."""
    folder = tmp_path_factory.mktemp("desk")
    ledger = made_desk.ledger(FEW)
    ledger.write(folder / "ledger")
    write_evaluation(made_desk.evaluation(("T1", *FEW)), folder / "evaluation", inputs={"ledger_digest": ledger.digest})
    return folder / "evaluation", folder / "ledger", ledger


def run(*arguments: Any) -> Any:
    return CliRunner().invoke(main, [str(a) for a in arguments])


def test_a_page_by_name_and_day_with_its_data_beside(folders: Any, tmp_path: Path) -> None:
    evaluation, ledger, _ = folders
    out = tmp_path / "t1.html"
    options = ("--audience", "trader", "--trader", "T1", "--day", made_desk.DAYS[0], "--out", out)
    done = run("report", evaluation, "--ledger", ledger, *options)
    assert done.exit_code == 0, done.output
    assert "The day: 2026-07-01" in out.read_text()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["t1-rows.parquet", "t1.html", "t1.json"]
    assert made_desk.CANARY.encode() not in b"".join(p.read_bytes() for p in tmp_path.iterdir())


def test_what_is_missing_or_given_in_vain_is_named(folders: Any, tmp_path: Path) -> None:
    evaluation, ledger, _ = folders
    out = ("--out", tmp_path / "x.html")
    for arguments, said in (
        (("--audience", "trader", "--ledger", ledger), "name whose page it is"),
        (("--audience", "trader", "--trader", "T1"), "name the ledger"),
        (("--audience", "trader", "--trader", "T1", "--ledger", ledger, "--day", "2026-01-01"), "has decisions on 3 days"),
        (("--audience", "head", "--day", "2026-07-01"), "not about one day"),
    ):
        done = run("report", evaluation, *arguments, *out)
        assert done.exit_code == 2 and said in done.output, done.output
    assert list(tmp_path.iterdir()) == []


def test_an_evaluation_with_a_page_a_trader_still_verifies_and_can_be_written_again(folders: Any) -> None:
    evaluation, _, ledger = folders
    write_pages_of(made_desk.evaluation(("T1", *FEW)), ledger, evaluation, ("head", "trader"))
    names = {p.name for p in (evaluation / "trader").glob("*.html")}
    assert names == {page_name("T1"), page_name(FEW[0])}
    own = [p for p in (evaluation / "trader").iterdir() if p.name.startswith(page_name("T1").removesuffix(".html"))]
    assert len(own) == 3 and made_desk.CANARY.encode() not in b"".join(p.read_bytes() for p in own)
    assert (evaluation / "head.html").exists()
    assert any("result" in line or "sha256 holds" in line for line in verify(evaluation))
    check_target(evaluation, "evaluation")


def test_pages_of_rows_are_refused_for_an_outcomes_table_before_anything_is_computed() -> None:
    refuse_pages(("head",), None)
    with pytest.raises(UsageError, match="--audience trader: the page shows rows of a ledger, and an outcomes table has none"):
        refuse_pages(("head", "trader"), None)


def test_the_command_line_offers_every_reader_there_is() -> None:
    assert set(AUDIENCES) == set(READERS)
