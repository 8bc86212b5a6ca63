"""The one table of the benchmarks: its shape and what it says of a peer that is not there. Time is never asserted."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))
from benchmarks import __main__ as whole
from benchmarks import inference, ledger


def test_parts_stand_in_one_table(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(ledger, "measure", lambda *_: iter([("polars", "run", "3.60 (3.49-4.05)", "9 MB", "counts off 0")]))
    monkeypatch.setattr(inference, "CASES", {"one": lambda size: iter([("cells", "CPU", f"{size.pairs}", "a | stroke")])})
    whole.main(["--small", "--folder", str(tmp_path)])
    said = capsys.readouterr().out
    table = [text for text in said.splitlines() if text.startswith("|")]
    assert len({text.count("|") for text in table}) == 1 and len(table) == 4
    assert table[2] == "| ledger | polars | run | 3.60 (3.49-4.05) | 9 MB | counts off 0 |"
    assert table[3] == "| inference | cells | CPU | 3 |  | a / stroke |"
    assert "seed 1" in said and "cores" in said and "numpy" in said


def test_a_peer_that_is_not_installed_is_a_row(monkeypatch):
    monkeypatch.setattr(inference, "_installed", lambda _: False)
    rows = list(inference.peers(inference.SIZES["small"]))
    assert [row[0] for row in rows] == ["bambi over Gibbs", "statsmodels over Gibbs", "numpyro over Gibbs"]
    assert {row[2] for row in rows} == {"not installed"}


def test_only_known_parts_run(capsys):
    with pytest.raises(SystemExit):
        whole.main(["--only", "nothing"])
    assert "invalid choice" in capsys.readouterr().err
