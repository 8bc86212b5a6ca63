"""The draws that every estimand is a function of."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from skillstats.evidence import Evidence, distinct

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Standard:
    """Moments of a decision of each trader in the desk's mix: index 0 over all the desk's rows, 1 + r over those in regime r.

    mean, between : (draw, trader, 1 + regime), y units and y units squared
    """

    mean: FloatArray
    between: FloatArray


@dataclass(frozen=True, slots=True)
class Draws:
    """Posterior draws, chains one after the other; y units per decision.

    chains : number of chains; theta : (draw, profile); sigma : (draw, trader, regime)
    desk_day : (draw,) s_V, zeros if dropped; trader_day : (draw, trader) s_U, zeros if dropped
    tau_trader, tau_cell : (draw,) population sds of trader and trader x regime effects, zeros if dropped
    standard : what each trader would do with the mix of the whole desk
    now, then : (row,) column of `theta` of each row of the evidence, at the current quarter and at its own; without them the profiles
        are the combinations of trader, regime and action that occur, in order
    desk_session : (row,) the session shock each row shares, a desk's own where there are several; None: the session
    kappa : (draw, trader) sizing slope; factor : (draw,) s_F; loading : (row,) exposure to the latent factor; None where not modelled
    nu : (draw,) degrees of freedom of Student-t residuals; None where residuals are normal
    """

    chains: int
    theta: FloatArray
    sigma: FloatArray
    desk_day: FloatArray
    trader_day: FloatArray
    tau_trader: FloatArray
    tau_cell: FloatArray
    standard: Standard
    now: IntArray | None = None
    then: IntArray | None = None
    desk_session: IntArray | None = None
    kappa: FloatArray | None = None
    factor: FloatArray | None = None
    loading: FloatArray | None = None
    nu: FloatArray | None = None

    def column(self, evidence: Evidence, *, current: bool = True) -> IntArray:
        """Column of `theta` of each row of the evidence, shape (row,)."""
        known = self.now if current else self.then
        return distinct({k: evidence.code(k) for k in ("trader", "regime", "action")})[1] if known is None else known

    def shock_of(self, evidence: Evidence) -> IntArray:
        """Code of the session shock each row shares, shape (row,)."""
        return evidence.session if self.desk_session is None else self.desk_session


def thinned(draws: Draws, most: int) -> Draws:
    """At most `most` evenly spaced draws."""
    count = len(draws.desk_day)
    if count <= most:
        return draws
    at = np.linspace(0, count - 1, most).astype(int)
    by_row = ("chains", "standard", "now", "then", "desk_session", "loading")
    kept = {f.name: value[at] for f in fields(Draws) if f.name not in by_row and (value := getattr(draws, f.name)) is not None}
    return replace(draws, chains=1, standard=Standard(draws.standard.mean[at], draws.standard.between[at]), **kept)
