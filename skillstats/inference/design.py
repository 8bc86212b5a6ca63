"""What a model sees of the evidence: cells told apart by the labels its kept terms need, and the regressors they need.

    design(evidence, terms) -> cells, profiles, layout

Engines and the functions of a fit's draws all take the data from here, so that they agree on what a cell and a profile are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skillstats.components.cells import CellLayout, Desks, Regressors, lay_out, lay_out_desks, lay_out_regressors
from skillstats.components.luck import EXPOSURE_LEVELS
from skillstats.evidence import OPTIONAL_LABELS, Cells, Evidence, Profiles, collapse, distinct
from skillstats.inference.separable import Terms

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
DIMS = ("trader", "regime", "action", *OPTIONAL_LABELS)
"""Dimensions a parameter of a model can have."""


@dataclass(frozen=True)
class Design:
    """Data of a model.

    profiles : combinations of labels that occur, in the order of `layout.profile`
    desks : None where the session shock is one for all; regressors : None where the model has none
    """

    cells: Cells
    profiles: Profiles
    layout: CellLayout
    regressors: Regressors | None
    desks: Desks | None

    def arrays(self) -> dict[str, np.ndarray]:
        """Every array of the three layouts by its name."""
        parts = [p._asdict() for p in (self.layout, self.regressors, self.desks) if p is not None]
        return {name: value for part in parts for name, value in part.items() if value is not None}


def profile_labels(terms: Terms, *, grid: bool = False) -> tuple[str, ...]:
    """Labels besides session and trader that the kept terms need; `grid` asks for regime and action whatever the terms."""
    needed = {label for term in terms.skill for label in term.split(":")}
    needed |= set(terms.volatility_by) | ({terms.drift} if terms.drift else set()) | ({"regime", "action"} if grid else set())
    return tuple(label for label in DIMS[1:] if label in needed)


def row_profiles(evidence: Evidence, terms: Terms, *, grid: bool = False) -> IntArray:
    """Position of each row of the evidence among `Design.profiles`, shape (row,); without a term of desks."""
    codes = {"trader": evidence.trader} | {label: evidence.code(label) for label in profile_labels(terms, grid=grid)}
    return distinct(codes)[1]


def regressor_names(terms: Terms) -> tuple[str, ...]:
    """Names of the regressors the kept terms need."""
    names = {"log_size": "sizing" in terms.slopes, "exposure": "session:exposure" in terms.shocks}
    return tuple(name for name, needed in names.items() if needed)


def loadings(evidence: Evidence, terms: Terms) -> FloatArray:
    """Exposure of each row to the latent factor return, shape (row,); zeros where the model has none.

    Exposures are divided by their root mean square, so that s_F is the sd that the factor brings to a decision of typical exposure,
    whatever unit the exposures came in.
    """
    if "session:exposure" not in terms.shocks or evidence.exposure is None or terms.form is None:
        return np.zeros(len(evidence))
    _, pair = distinct({k: evidence.code(k) for k in ("session", "trader", *(["desk"] if terms.by_desk else []))})
    return EXPOSURE_LEVELS[terms.form](evidence.exposure / np.sqrt(np.mean(evidence.exposure**2)), pair)


def design(evidence: Evidence, terms: Terms, *, grid: bool = False) -> Design:
    """Cells and layouts of the evidence for the kept terms; `grid` as in `profile_labels`."""
    if terms.form == "observed":
        evidence = evidence.without_factor()
    labels, names = profile_labels(terms, grid=grid), regressor_names(terms)
    columns = {name: evidence.log_size if name == "log_size" else loadings(evidence, terms) for name in names}
    cells = collapse(evidence, labels, columns)
    profiles, _ = distinct({name: cells.code(name) for name in cells.profile_labels})
    return Design(
        cells=cells,
        profiles=profiles,
        layout=lay_out(cells, len(evidence.coords["regime"])),
        regressors=lay_out_regressors(cells, names),
        desks=lay_out_desks(cells) if terms.by_desk else None,
    )
