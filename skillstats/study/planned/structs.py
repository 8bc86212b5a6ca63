"""The keys of a study file, each with its meaning: worlds x designs x estimators x metrics x replications.

The same structs read the file, check it and are listed by ``skillstats study --schema``. A world or a design holds keys of a world file
(``skillstats simulate --schema``); a desk is made from ``base``, then the world's keys, then the design's.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

SCHEMA: Final = 1
NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9 _.+-]{0,39}$"
"""Of a study, world, design or estimator: a name becomes part of seeds and of the names of results."""
Count = Annotated[int, Meta(ge=1, le=1_000_000)]
Hurdle = Annotated[float, Meta(ge=0, le=20)]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of a study file; unknown keys are errors."""


class WorldEntry(_Table, frozen=True, kw_only=True):
    """One world: what desks are like, and what is asked of them."""

    name: Annotated[str, Meta(pattern=NAME, description="unique; letters, digits, blank and _ . + -")]
    about: Annotated[str, Meta(description="a sentence for the reader: which trap is set, and how")] = ""
    world: Annotated[dict[str, Any], Meta(description="keys of a world file that differ from `base`")] = {}
    judge: Annotated[Literal["trader", "cell"], Meta(description="whether traders are judged, or each trader in each regime")] = (
        "trader"
    )
    when: Annotated[
        Literal["record", "now"],
        Meta(description="the truth answers are held against: the mean of the record, or its last quarter"),
    ] = "record"
    hurdle: Annotated[Hurdle | None, Meta(description="hurdle of this world in place of the study's")] = None
    nominal: Annotated[
        tuple[str, ...], Meta(description="estimators specified for this world: their 90% intervals must cover 90%")
    ] = ()
    designs: Annotated[tuple[str, ...], Meta(description="names of designs; none: all")] = ()
    estimators: Annotated[tuple[str, ...], Meta(description="names of estimators; none: all")] = ()
    replications: Annotated[Count | None, Meta(description="desks of each design; default: the study's")] = None


class DesignEntry(_Table, frozen=True, kw_only=True):
    """One design: sizes that override those of the world."""

    name: Annotated[str, Meta(pattern=NAME, description="unique")]
    world: Annotated[dict[str, Any], Meta(description="keys of a world file, such as sessions or traders")] = {}


class EstimatorEntry(_Table, frozen=True, kw_only=True):
    """One estimator."""

    name: Annotated[str, Meta(pattern=NAME, description="unique; the kind, where `kind` is left out")]
    kind: Annotated[str, Meta(description="word of an estimator; see the list below")] = ""
    model: Annotated[str, Meta(description="of kind catalogue: name of a shipped model")] = "crossed_total"
    engine: Annotated[Literal["gibbs", "nuts"], Meta(description="of kind catalogue")] = "gibbs"
    prior_sd: Annotated[float, Meta(gt=0, le=10, description="of kind conjugate: sd of the prior, y units per decision")] = 0.10

    @property
    def word(self) -> str:
        """The kind, or the name where no kind is given."""
        return self.kind or self.name


class Precision(_Table, frozen=True, kw_only=True):
    """Monte-Carlo error asked of one metric: the tables say how many replications that takes."""

    metric: Annotated[str, Meta(description="word of a metric")]
    error: Annotated[float, Meta(gt=0, description="standard error wanted, unit of the metric")]


class Study(_Table, frozen=True, kw_only=True):
    """A study file."""

    schema: Annotated[Literal[1], Meta(description="version of this format")] = 1
    name: Annotated[str, Meta(pattern=NAME, description="of the study; part of every seed")]
    title: Annotated[str, Meta(description="heading of tables and page")] = ""
    about: Annotated[str, Meta(description="what is asked, for the reader")] = ""
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1, description="root of every seed")] = 1
    level: Annotated[
        Literal["outcomes", "market"],
        Meta(description="draw outcomes at once, or prices, signals, actions and fills that enter by the front door"),
    ] = "outcomes"
    replications: Annotated[int, Meta(ge=1, le=1_000_000, description="desks of each world and design")] = 100
    hurdle: Annotated[float, Meta(ge=0, le=20, description="annual IR that a claim of skill must exceed")] = 0.25
    certainty: Annotated[float, Meta(gt=0.5, lt=1, description="P(IR > hurdle) of a claim; tests are at level 1 - certainty")] = (
        0.90
    )
    skilled: Annotated[
        Annotated[float, Meta(ge=-20, le=20)] | None,
        Meta(description="true annual IR above which a trader counts as skilled; default: the hurdle"),
    ] = None
    found: Annotated[
        float,
        Meta(gt=0, lt=1, description="share of the skilled found, at which false promotions are compared between estimators"),
    ] = 0.5
    power: Annotated[float, Meta(gt=0, lt=1, description="power for which the decisions needed are found, over designs")] = 0.80
    reference: Annotated[str, Meta(description="estimator all others are compared with; default: the first")] = ""
    metrics: Annotated[tuple[str, ...], Meta(description="words of metrics; none: all")] = ()
    base: Annotated[dict[str, Any], Meta(description="keys of a world file that all worlds share")] = {}
    worlds: Annotated[tuple[WorldEntry, ...], Meta(description="tables, one a world")]
    designs: Annotated[tuple[DesignEntry, ...], Meta(description="tables, one a design; none: the worlds as they are")] = ()
    estimators: Annotated[tuple[EstimatorEntry, ...], Meta(description="tables, one an estimator")]
    precision: Annotated[tuple[Precision, ...], Meta(description="tables, one a metric whose error is asked for")] = ()

    def hurdle_of(self, entry: WorldEntry) -> float:
        """Hurdle of one world, annual IR."""
        return self.hurdle if entry.hurdle is None else entry.hurdle

    def skilled_of(self, entry: WorldEntry) -> float:
        """True annual IR above which somebody counts as skilled in one world."""
        return self.hurdle_of(entry) if self.skilled is None or entry.hurdle is not None else self.skilled

    @property
    def own(self) -> str:
        """Name of the reference estimator."""
        return self.reference or self.estimators[0].name


TABLES: Final[dict[str, type[msgspec.Struct]]] = {
    "worlds": WorldEntry,
    "designs": DesignEntry,
    "estimators": EstimatorEntry,
    "precision": Precision,
}
"""Keys that hold several tables, and what each of them is."""
