"""The readers of an evaluation: each has a page of its own, a data file of its own, and sees nothing else.

A reader is filtered first and rendered afterwards: `collect` takes out of the material what this reader may see, as plain data, and that data,
written to a file beside the page, is all that `view` and the template are given. A page can therefore hold no more than its data file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from skillstats.report.readers.governance import GOVERNANCE
from skillstats.report.readers.head import HEAD
from skillstats.report.readers.material import Material, Reader, contests_of, contests_without_text
from skillstats.report.readers.pm import PM
from skillstats.report.readers.quant import QUANT
from skillstats.report.readers.trader import TRADER

READERS: Final[Mapping[str, Reader]] = {
    "trader": TRADER,
    "head": HEAD,
    "pm": PM,
    "quant": QUANT,
    "governance": GOVERNANCE,
}
"""Audience to its reader."""

__all__ = ["READERS", "Material", "Reader", "contests_of", "contests_without_text"]
