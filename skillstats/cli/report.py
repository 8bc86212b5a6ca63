"""`report`: the page of one reader from an evaluation folder."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from skillstats.errors import UsageError


def run_report(
    evaluation: Path,
    out: Path,
    *,
    audience: str,
    trader: str | None,
    source: Path | None,
    day: str | None = None,
    pdf: Path | None = None,
) -> int:
    """Write the page and its data, and the PDF where one is asked for; refuses a ledger the evaluation does not rest on."""
    from skillstats.evaluation.contests import read_contests
    from skillstats.evaluation.minutes import read_minutes
    from skillstats.evaluation.write import read_evaluation
    from skillstats.ledger.write import read_ledger
    from skillstats.report.page import write_report

    result = read_evaluation(evaluation)
    ledger = None if source is None else read_ledger(source)
    if ledger is not None and (stated := _ledger_digest(evaluation)) != ledger.digest:
        raise UsageError(
            f"--ledger {source}: digest {ledger.digest[:12]}, but {evaluation} rests on {(stated or 'none')[:12]}; name the ledger it was made from"
        )
    beside = {"contests": read_contests(evaluation), "minutes": read_minutes(evaluation)}
    page = write_report(result, audience=audience, path=out, trader=trader, ledger=ledger, day=day, pdf=pdf, **beside)
    click.echo(f"page: {page}")
    if pdf is not None:
        click.echo(f"pdf: {pdf}")
    return 0


def _ledger_digest(evaluation: Path) -> str | None:
    """The digest of the ledger an evaluation folder rests on, as its manifest says."""
    try:
        manifest = msgspec.json.decode((evaluation / "manifest.json").read_bytes())
        digest = manifest["result"]["inputs"].get("ledger_digest")
    except (OSError, msgspec.DecodeError, KeyError, TypeError):
        raise UsageError(f"{evaluation}: its manifest cannot be read; run skillstats verify on it") from None
    return None if digest is None else str(digest)
