"""The page on paper: printed by a real browser, without a date, and refused in words where that cannot be."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parent))

import sample as made
from browser import browser_path

from skillstats.cli import main
from skillstats.errors import UsageError
from skillstats.evaluation.write import write_evaluation
from skillstats.report import render_report, write_report
from skillstats.report.pdf import BROWSER, find_browser, print_pdf, without_dates


def test_a_page_and_its_pdf_are_written_and_printing_again_gives_the_same_sheets_and_no_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BROWSER, browser_path())
    page = write_report(made.sample(), audience="head", path=tmp_path / "q3.html", pdf=tmp_path / "q3.pdf")
    pdf = (tmp_path / "q3.pdf").read_bytes()
    assert pdf.startswith(b"%PDF-") and pdf.rstrip().endswith(b"%%EOF")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) >= 4, "several sheets"
    assert b"/Outlines" in pdf and b"/StructTreeRoot" in pdf, "headings to jump to, and tags for a screen reader"
    assert b"(D:" not in pdf
    assert page.read_text(encoding="utf-8") == render_report(made.sample(), audience="head")
    again = print_pdf(page.read_text(encoding="utf-8"))
    assert b"(D:" not in again
    assert len(re.findall(rb"/Type\s*/Page\b", again)) == len(re.findall(rb"/Type\s*/Page\b", pdf))


def test_the_command_prints_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BROWSER, browser_path())
    write_evaluation(made.sample(), tmp_path / "result")
    out, pdf = tmp_path / "q3.html", tmp_path / "q3.pdf"
    done = CliRunner().invoke(
        main, ["report", str(tmp_path / "result"), "--audience", "head", "--out", str(out), "--pdf", str(pdf)]
    )
    assert done.exit_code == 0, done.output
    assert done.output.splitlines() == [f"page: {out}", f"pdf: {pdf}"]
    assert pdf.read_bytes().startswith(b"%PDF-")


def test_dates_are_blanked_without_moving_anything() -> None:
    pdf = b"1 0 obj <</CreationDate (D:20260930120000+00'00')\n/ModDate (D:20260930120000+00'00')>> endobj (D: a text)"
    blank = without_dates(pdf)
    assert len(blank) == len(pdf) and b"2026" not in blank and blank.endswith(b">> endobj (D: a text)")
    assert blank.index(b">>") == pdf.index(b">>")


def test_without_the_extra_the_command_to_install_it_is_named_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    with pytest.raises(UsageError, match=re.escape("pip install 'skillstats[pdf]'")):
        write_report(made.sample(), audience="head", path=tmp_path / "q3.html", pdf=tmp_path / "q3.pdf")
    assert list(tmp_path.iterdir()) == []


def test_without_a_browser_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(BROWSER, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    assert find_browser() is None
    with pytest.raises(UsageError, match="no browser found"):
        print_pdf("<!doctype html>")
    monkeypatch.setenv(BROWSER, str(tmp_path / "gone"))
    with pytest.raises(UsageError, match="is not a program"):
        print_pdf("<!doctype html>")


def test_a_program_that_is_no_browser_is_said_to_be_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BROWSER, "/bin/true")
    with pytest.raises(UsageError, match="did not print the page"):
        print_pdf("<!doctype html>")


def test_a_file_that_is_no_pdf_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "q3.pdf").write_text("notes")
    with pytest.raises(UsageError, match="exists and is not a PDF"):
        write_report(made.sample(), audience="head", path=tmp_path / "q3.html", pdf=tmp_path / "q3.pdf")
    assert [p.name for p in tmp_path.iterdir()] == ["q3.pdf"]
