"""Four traders whose names break careless readers, from CSV to skill.csv and to the page, through a real fit."""

import csv

import numpy as np
from click.testing import CliRunner

from skillstats.cli import main

NAMES = ("NA", "null", "001", "<script>alert(1)</script>")


def test_names_survive_from_the_table_to_the_page(tmp_path):
    rng = np.random.default_rng(4)
    with (tmp_path / "outcomes.csv").open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["who", "day", "va"])
        writer.writerows([name, f"d{day}", f"{rng.normal():.6f}"] for day in range(30) for name in NAMES)
    options = ["--columns", "trader=who,session=day,value_add=va", "--audience", "head", "--draws", "1000"]
    out = tmp_path / "evaluation"
    result = CliRunner().invoke(main, ["evaluate", str(tmp_path / "outcomes.csv"), "--out", str(out), *options])
    assert result.exit_code == 0, result.output
    with (out / "skill.csv").open(newline="") as handle:
        assert {row["trader"] for row in csv.DictReader(handle)} == set(NAMES)
    page = (out / "head.html").read_text()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert page.count("<script") == 1, "the page's own one, which stands after everything that is data"
    assert page.index("&lt;script&gt;alert(1)") < page.index("<script")
    assert all(f">{name}<" in page for name in ("NA", "null", "001"))
    verified = CliRunner().invoke(main, ["verify", str(out)])
    assert verified.exit_code == 0, verified.output
