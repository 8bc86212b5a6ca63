"""The fault table: what studies withstand, measured by doing it. ``python -m skillstats.study.faults [--small]``."""
