"""Two questions beside the verdict, each with its picture: could the raw records be luck, and what did the data change."""

from __future__ import annotations

from functools import partial
from typing import Final

from skillstats.evaluation.result import Evaluation
from skillstats.report.intervals import interval_picture
from skillstats.report.kpis import Table
from skillstats.report.numbers import count, fixed
from skillstats.report.plots.funnel import FunnelData, funnel_data, funnel_svg, luck_edge
from skillstats.report.plots.prior import prior_data
from skillstats.report.section import Section, in_both_layouts

FUNNEL_NOTES: Final = (
    "Someone without skill has a raw IR (mean divided by sd) around zero, the further from it the fewer independent bets stand behind it. The dark "
    "band holds 90% of such records one by one, the pale band all of them together in 90% of desks. The largest raw record of a desk is often one "
    "that rests on little.",
    "The band knows nothing of the other traders, of regimes or of the hurdle. It is a look at raw records; the verdict is made by the model, "
    "which pulls each record towards the desk.",
)
PRIOR_NOTES: Final = (
    "The first line is what the model believed of any trader before a single outcome was seen (in one regime and for one action); the others are what it believes now. A line that is "
    "as long as the first and lies in the same place says that the data had little to say. Blue: the middle lies outside what was believed likely before.",
    "The desk’s mean and the spread between traders are believed anew too: they are what the traders’ estimates are pulled towards, and how hard.",
)


def skill_sections(evaluation: Evaluation) -> tuple[Section, ...]:
    """The sections that have something to show; none where the fit is withheld."""
    found = []
    funnel, prior = funnel_data(evaluation), prior_data(evaluation)
    if funnel is not None:
        picture = in_both_layouts(partial(funnel_svg, funnel), funnel.title, funnel.description)
        tables = ((_funnel_table(funnel), "Raw records and the band of luck, no unit"),)
        found.append(Section("funnel", "Could the raw records be luck?", _funnel_words(funnel), picture, tables, FUNNEL_NOTES))
    if prior is not None:
        words = "The verdict is a prior changed by data. How far it was changed says how much of it is data."
        found.append(Section("prior", "What did the data change?", words, interval_picture(prior), (), PRIOR_NOTES))
    return tuple(found)


def _funnel_words(data: FunnelData) -> str:
    """The record furthest out, in bands."""
    first = max(data.points, key=lambda p: abs(p.raw) / luck_edge(p.n_eff))
    times = fixed(abs(first.raw) / luck_edge(first.n_eff), 1)
    return f"Furthest out is {first.trader}: {times} times the edge of the band that holds 9 in 10 records without skill."


def _funnel_table(data: FunnelData) -> Table:
    """The numbers of the picture."""
    lines = tuple(
        (
            p.trader + (" (flagged)" if p.flag else ""),
            count(p.n_eff),
            fixed(p.raw, 3),
            f"± {fixed(luck_edge(p.n_eff), 3)}",
            f"± {fixed(luck_edge(p.n_eff, len(data.points)), 3)}",
        )
        for p in data.points
    )
    return Table(("Trader", "Effective decisions", "Raw IR a decision", "90% band, this record", "90% band, all records"), lines)
