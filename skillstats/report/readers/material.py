"""What pages are made from, and what a reader is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skillstats.evaluation.contests import without_text

if TYPE_CHECKING:
    import pyarrow as pa

    from skillstats.evaluation.result import Evaluation
    from skillstats.ledger.containers import Ledger
    from skillstats.luck.placebo import Bench


def no_tables(_: Material) -> Mapping[str, pa.Table]:
    """A reader without tables of its own."""
    return {}


@dataclass(frozen=True, slots=True)
class Material:
    """Everything a reader's data may be taken from; itself never rendered.

    evaluation : the verdicts; ledger : the rows they rest on, for readers that need them; trader : whose page it is, for a page of one person;
    minutes : decisions recorded on this evaluation, oldest first; those on earlier ones are in the evaluation itself
    contests : contested rows, see `skillstats.evaluation.contests.read_contests`, with notes, names and numbers: a reader takes what it may show
        by `contests_of` or `contests_without_text`
    day : session of a page about a day, None: the last; bench : the ledger prepared for placebo tests, shared by the pages of several traders;
        None: prepared when it is needed
    """

    evaluation: Evaluation
    ledger: Ledger | None = None
    trader: str | None = None
    minutes: tuple[Mapping[str, Any], ...] = ()
    contests: tuple[Mapping[str, Any], ...] = ()
    day: str | None = None
    bench: Bench | None = None

    @property
    def decided(self) -> list[dict[str, Any]]:
        """Decisions on earlier evaluations with what came of them, then those on this one."""
        return [*map(dict, self.evaluation.minutes), *map(dict, self.minutes)]


def contests_of(material: Material, trader: str) -> list[dict[str, Any]]:
    """Contests of one trader's own rows, without the desk's total."""
    own = [c for c in material.contests if c["row"]["trader"] == trader]
    return [{**c, "totals": {"trader": c["totals"]["trader"]}} for c in own]


def contests_without_text(material: Material) -> list[dict[str, Any]]:
    """Every contest without its note and without an estimate, for readers who see neither."""
    return [without_text(c) for c in material.contests]


@dataclass(frozen=True, slots=True)
class Reader:
    """One audience.

    collect : material to the reader's data, JSON-ready and filtered: nothing in it that this reader may not see, None where withheld
    view : that data, read back from its file, to prepared text for the template
    template : name of the page's template
    needs_ledger, needs_trader : whether the page cannot be made without them
    own_data : whether the data is written beside the page; the head's is the evaluation itself
    tables : further data files, name (with ``.parquet``) to table, filtered likewise
    """

    collect: Callable[[Material], Mapping[str, Any]]
    view: Callable[[Mapping[str, Any]], Any]
    template: str
    needs_ledger: bool = False
    needs_trader: bool = False
    own_data: bool = True
    tables: Callable[[Material], Mapping[str, pa.Table]] = no_tables
