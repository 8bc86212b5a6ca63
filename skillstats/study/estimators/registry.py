"""Names of the estimators a study file may list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from skillstats.study.engines import ENGINES
from skillstats.study.estimators.catalogue import catalogue
from skillstats.study.estimators.mixed import bambi_model, mixed_model
from skillstats.study.estimators.one_by_one import day_t, decision_t, dsr, hit_payoff, psr, raw
from skillstats.study.estimators.pooled import conjugate, james_stein, random_effects
from skillstats.study.estimators.protocol import Estimator
from skillstats.study.estimators.screening import pi_plus


class Entry(NamedTuple):
    """One estimator: a line for tables and readers, what it does, and the function."""

    title: str
    method: Estimator


RIVALS: Final[Mapping[str, Entry]] = {
    "raw": Entry("raw IR and rank", raw),
    "decision_t": Entry("decision t test", decision_t),
    "day_t": Entry("day-clustered t test", day_t),
    "hit_payoff": Entry("hit rate and pay-off", hit_payoff),
    "psr": Entry("probabilistic Sharpe", psr),
    "dsr": Entry("deflated Sharpe", dsr),
    "james_stein": Entry("James-Stein", james_stein),
    "dl": Entry("random effects, DerSimonian-Laird", random_effects("dl")),
    "reml": Entry("random effects, REML", random_effects("reml")),
    "pi_plus": Entry("false-discovery screening (pi+)", pi_plus),
    "mixed_model": Entry("(1|trader) + (1|trader:regime)", mixed_model),
    "bambi": Entry("(1|trader) + (1|trader:regime), by bambi", bambi_model),
}
"""Word to rival."""
CATALOGUE: Final = "catalogue"
CONJUGATE: Final = "conjugate"
WORDS: Final = (*RIVALS, CONJUGATE, CATALOGUE)


def make_estimator(kind: str, *, model: str = "crossed_total", engine: str = "gibbs", prior_sd: float = 0.10) -> Entry:
    """The estimator of one entry of a study file.

    Parameters
    ----------
    kind : word of `WORDS`; model, engine : of a ``catalogue`` estimator; prior_sd : per decision, of the ``conjugate`` one
    """
    if kind == CATALOGUE:
        return Entry(f"{model} ({engine})", catalogue(model, engine))
    if kind == CONJUGATE:
        return Entry(f"one trader, prior sd {prior_sd:g} per decision", conjugate(prior_sd))
    return RIVALS[kind]


__all__ = ["CATALOGUE", "CONJUGATE", "ENGINES", "RIVALS", "WORDS", "Entry", "make_estimator"]
