"""From a ledger with factor returns to the trader-days of the model `hybrid_timing`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from skillstats.attribution.attribute import attribute
from skillstats.errors import SkillWithheld
from skillstats.evidence.day_parts import DayParts, make_day_parts
from skillstats.evidence.from_ledger import to_evidence, usable_rows
from skillstats.ledger.containers import Ledger


def to_day_parts(ledger: Ledger) -> DayParts:
    """Tilt, timing and selection of each trader-day with a deviation, over one risk of the day.

    The decisions are those of `to_evidence`. A trader-day with a row that could not be attributed is left out whole. Execution counts in selection here, as
    the three parts of the model add to the value-add. The risk of a trader-day is that of its rows of evidence as independent bets,
    ``sqrt(sum of risk^2)``; what they share is the model's to find.

    Parameters
    ----------
    ledger : Ledger, of a record with factor returns

    Returns
    -------
    DayParts, for ``ss.fit("hybrid_timing", ...)``

    Raises
    ------
    UsageError
        If the ledger carries no factor returns; see `attribute`.
    SkillWithheld
        If no trader-day is left.
    """
    evidence, pieces = to_evidence(ledger), attribute(ledger).pieces
    usable, _, _ = usable_rows(ledger)
    pieces = pieces[pieces["decision_id"].isin(set(usable.frame["decision_id"]))]
    days = pieces.assign(selection=pieces["selection"] + pieces["execution"]).groupby(["trader", "session"])
    parts = days[["tilt", "timing", "selection"]].sum()[days["known"].all()]
    names = [np.asarray(evidence.coords[k], dtype=object)[evidence.code(k)] for k in ("trader", "session")]
    squares = pd.Series(evidence.risk**2).groupby(names).sum().rename_axis(["trader", "session"])
    risk = np.sqrt(squares.reindex(parts.index).to_numpy(dtype=float))
    parts, risk = parts[np.isfinite(risk)], risk[np.isfinite(risk)]
    if not len(parts):
        raise SkillWithheld("no trader-day has known exposures, factor returns and risk; the parts of a day cannot be modelled")
    made = make_day_parts(
        parts.index.get_level_values("trader").to_numpy(),
        parts.index.get_level_values("session").to_numpy(),
        parts.to_numpy(),
        risk,
        unit=evidence.unit,
        sessions_per_year=evidence.sessions_per_year,
        source="record",
    )
    return replace(made, sessions_spanned=max(evidence.sessions_spanned, made.sessions_spanned))
