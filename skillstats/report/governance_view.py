"""The page of governance as text: four questions answered with a word each, then what stands behind each answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from skillstats.record.instants import instant_text
from skillstats.report.decided import finding, verdict, what, whom
from skillstats.report.facts import Facts, floor_words, left_out, text_of
from skillstats.report.governance_recipe import Step, recipe
from skillstats.report.governance_words import Answer, answers
from skillstats.report.kpis import Table
from skillstats.report.numbers import ABSENT, count, fixed, listed, percent, plural, visible
from skillstats.report.plain import PLAIN, plain_reason
from skillstats.units import SECOND, parse_duration

NOT_GIVEN: Final = "The ledger was not given, so its counts are not on this page; write it again with --ledger."
INTERVAL: Final = "90% interval"
PREDICTIVE: Final = "Posterior predictive p, by figure"


@dataclass(frozen=True, slots=True)
class GovernanceView:
    """The page of governance as text; see the template for where each field stands."""

    title: str
    period: str
    status: str
    answers: tuple[Answer, ...]
    declared: Facts
    plan_text: tuple[str, ...]
    found: str
    statuses: Table
    cells: Table
    meanings: Table
    rates: Table
    rates_words: str
    decided: Table
    decided_words: str
    counts: Table
    counts_words: str
    coverage: Table
    records: Facts
    restated: str
    contests: str
    diagnostics: Facts
    gates: tuple[str, ...]
    recipe: tuple[Step, ...]
    digests: Facts


def view_of(data: Mapping[str, Any]) -> GovernanceView:
    """The data of governance as text."""
    source, ledger = data["source"], data["ledger"]
    return GovernanceView(
        title=visible(str(data["plan"]["name"] or "")),
        period=_period(source),
        status=str(data["status"]),
        answers=answers(data),
        declared=_declared(data),
        plan_text=tuple(str(data["plan"]["text"] or "").splitlines()),
        found=_found(data),
        statuses=_statuses([r for r in data["rows"] if r["regime"] == "all"]),
        cells=_statuses([r for r in data["rows"] if r["regime"] != "all"]),
        meanings=_meanings(data),
        rates=_rates(data["rates"]),
        rates_words=_rates_words(data["rates"]),
        decided=_decided(data["decided"]),
        decided_words=finding([_whole(d) for d in data["decided"]]) if data["decided"] else "No decision is recorded.",
        counts=Table((), ()) if ledger is None else _counts(ledger),
        counts_words=NOT_GIVEN if ledger is None else _counts_words(ledger),
        coverage=Table((), ()) if ledger is None else _coverage(ledger["by_trader"]),
        records=() if ledger is None else _records(data),
        restated=_restated(data["restatement"]),
        contests=_contests(data["contests"]),
        diagnostics=_diagnostics(data["diagnostics"]),
        gates=tuple(f"{visible(str(g['code']))}: {visible(str(g['text']))}" for g in data["diagnostics"]["gates"] or ()),
        recipe=recipe(data),
        digests=_digests(data),
    )


def _period(source: Mapping[str, Any]) -> str:
    """First and last session of the evaluation."""
    if source["first_session"] is None:
        return "sessions as the table names them"
    return f"{text_of(source['first_session'])} to {text_of(source['last_session'])}"


def _declared(data: Mapping[str, Any]) -> Facts:
    """What the plan declares, and when it was fixed."""
    plan, frozen = data["plan"], data["plan"]["frozen"] or {}
    given = {k: v for k, v in (plan["overrides"] or {}).items() if k != "seed" or v != plan["seed"]}
    return (
        ("Plan", text_of(plan["name"])),
        ("Digest of the plan", text_of(plan["digest"])),
        ("Frozen", text_of(frozen.get("text")) if frozen else "not recorded"),
        ("Digest that was frozen", text_of(frozen.get("digest"))),
        ("Frozen at, as claimed", _instant(frozen.get("at"))),
        ("First outcome could be known", _instant(frozen.get("first_outcome"))),
        ("Hurdle", f"{text_of(plan['hurdle'])} {text_of(plan['hurdle_unit'])}"),
        ("Certainty a claim needs", f"{100 * float(plan['certainty']):g}%"),
        ("Horizon", text_of(plan["horizon"])),
        ("Fill model", text_of(plan["fill_model"])),
        ("Least evidence for a number", floor_words(plan["floors"])),
        ("Set on the command line against the plan", text_of(given) if given else "nothing"),
    )


def _instant(value: Any) -> str:
    return ABSENT if value is None else instant_text(int(value))


def _found(data: Mapping[str, Any]) -> str:
    """How many traders and cells have which status."""
    own = [r["status"] for r in data["rows"] if r["regime"] == "all"]
    parts = [f"{plural(own.count(s), 'trader')} {s}" for s in ("REPORT", "FLAG", "WITHHOLD") if s in own]
    codes = f" ({', '.join(map(visible, data['codes']))})" if data["codes"] else ""
    return f"The fit as a whole has status {data['status']}{codes}; {listed(parts)}."


def _statuses(rows: list[Mapping[str, Any]]) -> Table:
    """Status and codes of every row."""
    lines = [
        (
            visible(str(r["trader"])),
            "all" if r["regime"] == "all" else visible(str(r["regime"])),
            str(r["status"]),
            ", ".join(visible(c) for c in r["codes"]) or ABSENT,
            count(r["n"]),
            count(r["days"]),
        )
        for r in rows
    ]
    return Table(("Trader", "Regime", "Status", "Codes", "Decisions", "Days"), tuple(lines))


def _meanings(data: Mapping[str, Any]) -> Table:
    """Every code on the page in a plain sentence, with what can be done about it; codes without a sentence say where to look."""
    codes = sorted({*data["codes"], *(c for r in data["rows"] for c in r["codes"])})
    lines = [
        (visible(c), *((f"{PLAIN[c].meaning}.", f"{PLAIN[c].remedy}.") if c in PLAIN else (plain_reason(c), ABSENT)))
        for c in codes
    ]
    return Table(("Code", "What it means", "What can be done"), tuple(lines), words=(1, 2))


def _rates(rates: list[Mapping[str, Any]]) -> Table:
    """Error rates of an evaluation like this one."""
    lines = [
        (
            visible(str(r["name"])) or "claims",
            percent(r["share"]),
            ABSENT if r["q05"] is None else f"{percent(r['q05'])} to {percent(r['q95'])}",
            f"{100 * float(r['error']):.1f} points",
            count(r["desks"]),
        )
        for r in rates
    ]
    return Table(("How often", "Share", INTERVAL, "Simulation error", "Simulated desks"), tuple(lines))


def _rates_words(rates: list[Mapping[str, Any]]) -> str:
    if not rates:
        return "Not computed: nothing on this page says how often an evaluation like this one would be wrong."
    return "Simulated desks of this shape under this plan, judged as this one was; the shares say how often that would be wrong."


def _decided(decided: list[Mapping[str, Any]]) -> Table:
    """Decisions with their dates, without their reasons."""
    lines = [
        (
            whom(d),
            what(d),
            instant_text(d["at"]) + (" (given)" if d["clock"] == "given" else " (clock)"),
            verdict(_whole(d)),
            str(d["digest"])[:16],
        )
        for d in decided
    ]
    return Table(
        ("About", "Decision", "When, as claimed", "Forecast of that time", "Digest of the entry"), tuple(lines), words=(1, 3)
    )


def _whole(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A decision as the sentences about it need it; why one is not judged is for the head's page."""
    came = entry["came"]
    return {**entry, "came": None if came is None else {**came, "why": "see the head’s page"}}


def _counts(ledger: Mapping[str, Any]) -> Table:
    """Where every signal went."""
    lines = [(name, count(n)) for name, n in signal_classes(ledger).items()]
    return Table(("Signals", "Rows"), (*lines, ("All signals handed in", count(sum(signal_classes(ledger).values())))))


def signal_classes(ledger: Mapping[str, Any]) -> dict[str, int]:
    """Rows of signals by what became of them."""
    counts, signals = ledger["counts"], ledger["signals"]
    return {
        "Followed": counts["followed"],
        "Intervened": counts["intervened"],
        "Undecided": counts["no_decision"],
        "Expired undecided": counts["expired"],
        "Quarantined": signals["quarantined"],
        "Dropped as duplicates or blank": signals["dropped"],
        "Outside the period": counts["outside_period"],
    }


def _counts_words(ledger: Mapping[str, Any]) -> str:
    """Whether the ledger's rows are as many as its classes say."""
    classes, rows = signal_classes(ledger), ledger["signals"]["rows"]
    priced = sum(classes[k] for k in ("Followed", "Intervened", "Undecided", "Expired undecided"))
    also = ledger["counts"]["initiated"]
    own = (
        f" {plural(also, 'order')} of the traders’ own had no signal and {'stands' if also == 1 else 'stand'} apart."
        if also
        else ""
    )
    if priced != rows:
        return f"The classes hold {count(priced)} signals, but the ledger has {count(rows)} rows of signals: a signal was lost or counted twice."
    return (
        f"Every signal is in exactly one class, and the ledger’s {count(rows)} rows of signals are those that were priced.{own}"
    )


def _coverage(by_trader: Mapping[str, Mapping[str, int]]) -> Table:
    """For how many decisions the model's course is known."""
    keys = ("decisions", "closed", "open", "unavailable", "quarantined")
    total = {k: sum(own[k] for own in by_trader.values()) for k in keys}
    lines = [_covered(visible(t), own) for t, own in by_trader.items()]
    heads = (
        "Trader",
        "Decisions",
        "Fully priced",
        "Still open",
        "No price to compare",
        "Quarantined",
        "Coverage (limit 99% of all)",
    )
    return Table(heads, (*lines, _covered("all", total)))


def _covered(name: str, own: Mapping[str, int]) -> tuple[str, ...]:
    due = own["decisions"] - own["open"]
    share = ABSENT if not due else "100%" if own["closed"] == due else f"{100 * own['closed'] / due:.2f}%"
    return (name, *(count(own[k]) for k in ("decisions", "closed", "open", "unavailable", "quarantined")), share)


def _records(data: Mapping[str, Any]) -> Facts:
    """How the record was kept."""
    ledger, source = data["ledger"], data["source"]
    late, reasons = ledger["late"], ledger["reasons"]
    share = "not recorded by the version that built the ledger"
    if reasons is not None:
        of = f"{count(reasons['without'])} of {plural(reasons['departures'], 'departure')}"
        share = (
            f"{of} ({100 * reasons['without'] / reasons['departures']:.1f}%)"
            if reasons["departures"]
            else "there was no departure"
        )
    return (
        (
            "Written down later than allowed",
            f"{count(late['rows'])} of {count(late['of'])} rows, more than {fixed(parse_duration(late['after']) / SECOND, 0)} seconds after the decision",
        ),
        (
            "Written down after the outcome could be known",
            f"{count((source['counts'] or {}).get('late', 0))} decisions, left out of every estimate",
        ),
        ("Departures without a reason", share),
        ("Left out of the estimate", left_out(source["counts"])),
        ("Data as of, UTC", _instant(ledger["as_of"])),
    )


def _restated(found: Mapping[str, Any] | None) -> str:
    """Whether an earlier evaluation is restated."""
    if found is None:
        return "This evaluation restates no earlier one."
    parts = [f"{visible(k).replace('_', ' ')}: {count(n)}" for k, n in found["parts"].items()]
    return f"This evaluation restates an earlier one; entries of the comparison by part: {', '.join(parts) or 'none'}. The head’s page has the values."


def _contests(found: int | None) -> str:
    if found is None:
        return "Contests of rows were not handed to this page."
    return "No row is contested." if not found else f"{plural(found, 'row')} {'is' if found == 1 else 'are'} contested."


def _diagnostics(d: Mapping[str, Any]) -> Facts:
    """Whether the computation can be believed."""
    second = d["second"]
    found = [
        ("Engine", text_of(d["engine"])),
        ("Chains, draws each, warm-up", ", ".join(text_of(d[k]) for k in ("chains", "draws", "tune"))),
        ("Divergences (limit 0)", text_of(d["divergences"])),
        ("Largest R-hat (limit 1.01)", fixed(d["r_hat_max"], 4)),
        ("Smallest effective sample size (limit 100 a chain)", fixed(d["ess_min"], 0)),
        ("Smallest E-BFMI (limit 0.3)", fixed(d["e_bfmi_min"], 2)),
        ("Reruns", text_of(d["reruns"] or "none")),
        ("Second engine", text_of(second["text"]) if second else "did not run: nothing checks the first one"),
    ]
    checks = d["predictive_p"] or {}
    if checks:
        found.append((PREDICTIVE, ", ".join(f"{visible(str(k)).replace('_', ' ')} {fixed(v, 3)}" for k, v in checks.items())))
    return tuple(found)


def _digests(data: Mapping[str, Any]) -> Facts:
    """Every digest an audit may ask for."""
    identity, ledger = data["identity"], data["ledger"]
    heads = list(dict.fromkeys(d["evaluation"]["manifest"] for d in data["decided"] if d["came"] is None))
    found = [
        ("Model", text_of(identity.get("spec_name"))),
        ("Seed", str(identity.get("seed"))),
        ("Evaluation (evaluation.json)", text_of(identity["evaluation"])),
        ("Manifest the decisions are about", ", ".join(heads) or ABSENT),
        ("Last entry of the minutes", next((str(d["digest"]) for d in reversed(data["decided"]) if d["came"] is None), ABSENT)),
    ]
    if ledger is not None:
        found += [(f"File {visible(k)} as it was handed in", text_of(v)) for k, v in ledger["files"].items()]
    return tuple(found)
