"""Pages for the people who decide: rendered from an `Evaluation` and from nothing else."""

from skillstats.report.page import AUDIENCES, render_report, write_report

__all__ = ["AUDIENCES", "render_report", "write_report"]
