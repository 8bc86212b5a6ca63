"""Tables of the trader's page, from the trader's own data file; money of sums exact, means and spreads to two places at least."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from skillstats.report.kpis import Table
from skillstats.report.numbers import ABSENT, count, digits_for, exact_money, fixed, interval, is_number, percent, visible
from skillstats.report.plain import plain_reasons
from skillstats.report.trader.words import doubts

Line = Mapping[str, Any]
PARTS: Final = ("size", "drift", "slippage", "cost", "value_add")
Z90: Final = 1.6448536269514722
"""95% point of the normal distribution."""


def totals_table(data: Line, unit: str) -> Table:
    """Sums of the day and of the period, departures and followed signals apart, exact."""
    lines = []
    spans = [(data["day"], data["day_totals"])] if data["day"] else []
    for when, totals in (*spans, ("whole period", data["totals"])):
        for name, words_of in (("departures", "departures"), ("followed", "followed, execution only")):
            t = totals[name]
            lines.append(
                (visible(f"{when}: {words_of}"), count(t["decisions"]), count(t["open"]), *(exact_money(t[k]) for k in PARTS))
            )
    return Table(("What", "Decisions", "Open", *(f"{k.replace('_', '-').capitalize()}, {unit}" for k in PARTS)), tuple(lines))


def label_table(lines: Sequence[Line], name: str, unit: str) -> Table:
    """Sums of complete departures by a label; a spread that does not exist says why."""
    digits = max(2, digits_for(x["mean"] for x in lines))
    found = tuple(
        (
            visible(x["label"]), count(x["n_decisions"]), count(x["hits"]), _share(x["hits"], x["n_decisions"]), exact_money(x["sum"]),
            fixed(x["mean"], digits), x["note"] if x["sd"] is None else fixed(x["sd"], digits),
        )
        for x in lines
    )  # fmt: skip
    return Table((name, "Decisions", "Above zero", "Hit rate", f"Sum, {unit}", f"Mean, {unit}", f"Sd, {unit}"), found)


def _share(part: Any, whole: Any) -> str:
    if not is_number(part) or not whole:
        return ABSENT
    return f"{100 * part // whole}%" if part in (0, whole) else percent(part / whole)


def kpi_facts(kpis: Line, errors: Line | None, unit: str) -> Table:
    """The ledger's KPIs of one trader, a line a figure, with a day-clustered interval where there is one; description, not evidence."""
    digits = max(2, digits_for([kpis["mean"], kpis["sd"]]))
    e = errors or {}
    ends = _hit_interval(e)
    cause = visible(kpis["note"] or "") or ABSENT
    lines = (
        ("Signals you answered", count(kpis["n_signals"]), ""),
        ("Departures from the model, rows", count(kpis["n_interventions"]), ""),
        (
            "Share of signals departed from",
            percent(kpis["override_rate"]) if kpis["override_rate"] not in (0, 1) else f"{kpis['override_rate']:.0%}",
            "",
        ),
        ("Complete decisions", count(kpis["n_decisions"]), ""),
        ("Days with such a decision", count(kpis["n_sessions"]), ""),
        (
            "Rows open, without a price, set aside",
            ", ".join(count(kpis[k]) for k in ("n_open", "n_unavailable", "n_quarantined")),
            "",
        ),
        ("Hits (value-add above zero), ties at zero", f"{count(kpis['hits'])}, {count(kpis['ties'])}", ""),
        (
            "Hit rate",
            _share(kpis["hits"], kpis["n_decisions"]),
            f"[{100 * ends[0]:.1f}%, {100 * ends[1]:.1f}%]" if ends else ABSENT,
        ),
        (f"Sum, {unit}", exact_money(kpis["sum"]), ""),
        (
            f"Mean a decision, {unit}",
            fixed(kpis["mean"], digits),
            interval(e["mean_q05"], e["mean_q95"], digits) if is_number(e.get("mean_q05")) else ABSENT,
        ),
        (f"Standard deviation, {unit}", cause if kpis["sd"] is None else fixed(kpis["sd"], digits), ""),
        ("Mean / standard deviation", cause if kpis["ir_per_decision"] is None else fixed(kpis["ir_per_decision"], 4), ""),
    )
    return Table(("Figure", "Value", "90% interval, a day as one bet"), lines)


def _hit_interval(errors: Line) -> tuple[float, float] | None:
    """90% interval of the hit rate from its day-clustered error, cut at 0 and 1; None where there is no error."""
    hit, se = errors.get("hit_rate"), errors.get("hit_rate_se")
    if hit is None or se is None or not is_number(se):
        return None
    return max(0.0, hit - Z90 * se), min(1.0, hit + Z90 * se)


def regime_table(rows: Sequence[Line], estimate: Line) -> Table:
    """The estimate by regime; a withheld one in words."""
    digits = 2 if estimate["annual"] else 3
    lines = []
    for r in rows:
        if r["status"] == "WITHHOLD":
            shown = ("withheld", "", "", plain_reasons((c["code"] for c in r["codes"]), r["n"], r["days"]))
        else:
            band = interval(r["ir_q05"], r["ir_q95"], digits)
            shown = (
                fixed(r["ir_mean"], digits),
                band,
                percent(r["p_above_hurdle"], float(estimate["certainty"])),
                " ".join(doubts(r)),
            )
        lines.append((visible(r["regime"]), count(r["n"]), count(r["days"]), *shown[:3], visible(shown[3])))
    heads = ("Regime", "Decisions", "Days", "Information ratio", "90% interval", "P(above hurdle)", "Doubts")
    return Table(heads, tuple(lines), words=(6,)) if lines else Table((), ())
