"""Run the league table and write its tables beside docs/league.md: ``python docs/make_league.py OUT [WORKERS]``.

OUT keeps the results of single desks, so that a run that was stopped goes on where it was.
"""

from __future__ import annotations

import sys
from pathlib import Path

import skillstats as ss

HERE = Path(__file__).parent


def main(out: Path, workers: int) -> None:
    """Run what is missing, then write ``docs/league_tables.md``."""
    found = ss.run_study(HERE.parent / "examples" / "league.toml", out, workers=workers, resume=(out / "desks").exists())
    tables = (out / "tables.md").read_text(encoding="utf-8")
    body = tables.partition("\n\n")[2]  # the page has a heading of its own
    (HERE / "league_tables.md").write_text(body, encoding="utf-8", newline="\n")
    sys.stdout.write(f"{found}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
