"""The command line: thin commands that parse, call one verb and print. Nothing heavy is imported before a command needs it."""

from skillstats.cli.app import main

__all__ = ["main"]
