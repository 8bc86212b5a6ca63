"""The head of trading, who supervises the desk and may see every named trader of it: the whole evaluation."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from skillstats.evaluation.write import evaluation_of
from skillstats.report.readers.material import Material, Reader
from skillstats.report.view import View, view_of


def collect(material: Material) -> dict[str, Any]:
    """The evaluation as it is, what is withheld being absent from it already, decisions recorded on it, and contests of its rows."""
    own = {f.name: getattr(material.evaluation, f.name) for f in dataclasses.fields(material.evaluation)}
    return {"evaluation": own | {"minutes": material.decided}, "contests": list(material.contests)}


def view(data: Mapping[str, Any]) -> View:
    """The head's page as text."""
    return view_of(evaluation_of(data["evaluation"]), data["contests"])


HEAD: Final = Reader(collect, view, "head.html.j2", own_data=False)
