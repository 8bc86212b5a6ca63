"""The command line: thin commands that parse, call one verb and print. Nothing heavy is imported before a command needs it."""

import os

# The matrices here are small: more BLAS threads than one only wait for each other, and their number could change the last digit. This must stand
# before numpy is loaded; whoever has set the number keeps it.
for _name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from skillstats.cli.app import main  # noqa: E402  numpy comes with it

__all__ = ["main"]
