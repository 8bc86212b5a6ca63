"""The text of an explanation: one paragraph a question a trader would ask, in the order in which one would ask them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import pyarrow.compute as pc

from skillstats.errors import RULES
from skillstats.ledger.containers import Ledger
from skillstats.ledger.explain_facts import Facts, Row, adjusted
from skillstats.ledger.explain_labels import label_lines
from skillstats.ledger.explain_record import Filled
from skillstats.ledger.explain_steps import Step
from skillstats.ledger.explain_words import MODEL_FILL, REMEDY, VERBS, age, horizon_words, instant, money, number, price
from skillstats.units import parse_duration


def row_text(
    ledger: Ledger, row: Row, facts: Facts, steps: Sequence[Step], slices: Sequence[Mapping[str, Any]], compared: int
) -> str:
    """Everything about one priced row."""
    parts = [
        _head(ledger, row),
        _block("The model", _model(ledger, row)),
        _block("The person", _person(row, facts)),
        _block("The mark", _mark(ledger, row)),
        _block("The computation", _computation(row, facts, steps)),
        _block("Rounding", _rounding(row, facts, steps)),
        _block("By session", _by_session(row, slices)),
        _block("The regime", label_lines(ledger, row)),
        _block("Counted in", _counted(ledger, row)),
        _block("Warnings", _warnings(row)),
        _verdict(facts, compared),
    ]
    return "\n\n".join(p for p in parts if p)


def _block(title: str, lines: Iterator[str]) -> str:
    body = [f"  {line}" for line in lines]
    return "\n".join([title, *body]) if body else ""


def _head(ledger: Ledger, row: Row) -> str:
    key = row["signal_id"] if row["signal_id"] is not None else row["action_id"]
    quantity = row["model_quantity"] if row["signal_id"] is not None else row["actual_quantity"]
    unit = ledger.plan.currency
    worth = "the outcome is still open" if row["status"] == "OPEN" else f"value-add {money(row['value_add'])} {unit}"
    who = f" by {row['trader']}" if row["trader"] is not None else ""
    first = f"{key}: {row['side']} {number(Fraction(quantity))} {row['asset']}, {row['action']}{who}, {row['status']}, {worth}"
    return f"{first}\n{_meaning(row)}"


def _meaning(row: Row) -> str:
    text = f"{row['action']}: {VERBS[row['action']]}."
    if row["status"] == "CLOSED" and row["is_intervention"]:
        sign = "more than" if row["value_add"] > 0 else "less than" if row["value_add"] < 0 else "the same as"
        text += f" This made {sign} the model's own order would have made." if row["signal_id"] is not None else ""
    return text


def _model(ledger: Ledger, row: Row) -> Iterator[str]:
    if row["signal_id"] is None:
        yield "there was no signal, so the model's book holds nothing: q = 0, model P/L 0"
    else:
        yield f"order     {row['side']} q = {number(Fraction(row['model_quantity']))} of {row['asset']}, model {row['model']}"
        yield f"signalled {instant(row['signal_time'])}"
    anchor = row["signal_time"] if row["signal_time"] is not None else row["action_time"]
    if row["signal_mid"] is not None:
        yield (
            f"mid then  {price(Fraction(row['signal_mid']))}, {age(row['signal_mid_age'])} at {instant(anchor)}; the newest mid, or "
            f"close, not later than that ({_limit(ledger)})"
        )
    if row["signal_id"] is None:
        return
    how = MODEL_FILL[ledger.plan.fill_model].format(latency=_latency(ledger))
    if row["model_price"] is None:
        yield f"price p   not known yet; fill model {ledger.plan.fill_model}: {how}"
        return
    yield f"price p   {price(Fraction(row['model_price']))}; fill model {ledger.plan.fill_model}: {how}"
    if row["model_price_index"] is not None:
        edge = "earlier than" if ledger.plan.asof_model == "strict" else "not later than"
        rule = "" if ledger.plan.fill_model == "next_open" else f"; the newest one {edge} that instant ({_limit(ledger)})"
        yield f"          {age(row['model_price_age'])}; row {row['model_price_index']} of the prices of {row['asset']}{rule}"
    if row.get("model_impact") is not None:
        yield f"          of which {number(Fraction(row['model_impact']))} is the market impact the plan charges the model"


def _latency(ledger: Ledger) -> str:
    return f"{number(Fraction(parse_duration(ledger.plan.latency), 10**6))} s"


def _limit(ledger: Ledger) -> str:
    close = ledger.plan.max_age.close
    close = "the previous session's close" if close == "session" else close
    return f"limit {ledger.plan.max_age.quote}, or {close} while the asset had no quote"


def _person(row: Row, facts: Facts) -> Iterator[str]:
    if row["action_id"] is None:
        yield "no action is recorded; Q = 0"
        return
    late = f", written down {age(row['recorded_lag']).removesuffix(' old')} later" if row["recorded_lag"] else ""
    yield f"acted     {row['action']} at {instant(row['action_time'])}{late}"
    if facts.fills is None:
        if row["n_fills"]:
            yield (
                f"fills     {row['n_fills']} from {instant(row['first_fill_time'])} to {instant(row['last_fill_time'])}; the record is "
                "not at hand, so these are the row's own totals"
            )
    else:
        yield from _fill_lines(facts.fills, row)
    yield f"traded    Q = {number(Fraction(row['actual_quantity']))} in the signal's direction" + (
        f", average price P = {price(Fraction(row['actual_price']))}" if row["actual_price"] is not None else ""
    )
    if row["partial"]:
        yield "          less than was ordered; what is missing counts as left out"
    if row["signal_id"] is not None:
        yield f"overlap   o = {number(Fraction(row['overlap']))}: what both books traded"
    if row["arrival_price"] is not None:
        yield (
            f"mid then  p_t = {price(Fraction(row['arrival_price']))}, the average of the mids at the fills' own times; the oldest was "
            f"{age(row['arrival_price_age'])}"
        )


def _fill_lines(fills: tuple[Filled, ...], row: Row) -> Iterator[str]:
    if not fills:
        yield "fills     none in the record"
    for i, fill in enumerate(fills):
        mid = f", mid {price(fill.mid.price)}" if fill.mid is not None and row["arrival_price"] is not None else ""
        aside = "" if fill.inside else "; after the horizon, not counted"
        fee = f", fee {money(fill.fee)}"
        lead = "fills     " if i == 0 else "          "
        yield f"{lead}{fill.fill_id}: {number(fill.quantity)} at {price(fill.price)}, {instant(fill.time)}{mid}{fee}{aside}"


def _mark(ledger: Ledger, row: Row) -> Iterator[str]:
    yield f"horizon   {row['horizon']}: {horizon_words(row['horizon'])}"
    yield f"instant   {instant(row['horizon_time'])}"
    if row["status"] == "OPEN":
        yield from _open(ledger, row)
        return
    yield f"mark M    {price(Fraction(row['mark']))}, stamped {instant(row['mark_time'])}, {age(row['mark_age'])}"
    yield (
        f"          row {row['mark_index']} of the prices of {row['asset']}; the newest mid, or close, not later than the horizon "
        f"({_limit(ledger)})"
    )
    yield "          both books are marked at it"
    if row.get("mark_fx") is not None:
        yield f"rate      {number(Fraction(row['mark_fx']))} {ledger.plan.currency} per unit of the asset's currency, {age(row['mark_fx_age'])}"


def _open(ledger: Ledger, row: Row) -> Iterator[str]:
    as_of = instant(int(ledger.result["as_of"]))
    if row["horizon_time"] is None:
        yield f"missing   the exit had not come by {as_of}, the instant of this evaluation"
    elif row["horizon_time"] > ledger.result["as_of"]:
        yield f"missing   the horizon lies after {as_of}, the instant of this evaluation"
    else:
        yield f"missing   the model's own fill had not come by {as_of}, the instant of this evaluation"
    yield f"to date   {money(row['value_add_to_date'])} {ledger.plan.currency} up to the last session that has closed; not final"


def _computation(row: Row, facts: Facts, steps: Sequence[Step]) -> Iterator[str]:
    side = "+1 for a BUY" if facts.sign > 0 else "-1 for a SELL"
    yield f"s = {side}" + (f"; every product times the multiplier {number(facts.multiplier)}" if facts.multiplier != 1 else "")
    if row.get("mark_fx") is not None:
        yield "every amount is converted at the rate of the mark"
    if adjusted(row):
        yield "a split or dividend lies inside: quantities and prices are in the units of the signal's time"
    for step in steps:
        form = {"currency": price, "currency/unit": price, "units": number}[step.unit]
        result = form(step.value)
        yield f"{step.formula}"
        yield f"    = {step.numbers} = {result}" if step.numbers != result else f"    = {result}"
    if row["status"] == "OPEN":
        yield "size, drift, slippage, cost and value_add wait for the mark"


def _rounding(row: Row, facts: Facts, steps: Sequence[Step]) -> Iterator[str]:
    if row["status"] == "OPEN":
        return
    if not row["rounded"]:
        yield "none: every amount is a whole number of millionths"
        return
    yield "each book's P/L, drift, slippage and cost are rounded once to a millionth, half to even"
    by_name = {s.name: s for s in steps}
    if facts.exact:
        rest = Fraction(row["size"]) - by_name["size by its formula"].value * 10**6
        yield f"size takes what the rounding left over: {number(rest)} millionths"


def _by_session(row: Row, slices: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for s in slices:
        joined = f", {s['carried']} session(s) before it had no mark and are joined to it" if s["carried"] else ""
        yield f"{s['session']}  {money(s['slice']):>16}  marked with the price of {instant(s['mark_time'])}{joined}"
    if slices:
        what = "value_add" if row["status"] == "CLOSED" else "value_add_to_date"
        yield f"{'sum':10}  {money(sum(s['slice'] for s in slices)):>16}  = {what}"


def _counted(ledger: Ledger, row: Row) -> Iterator[str]:
    kpis = ledger.kpis.to_pylist()
    if not row["is_intervention"]:
        # a ledger cut down to one trader has no line of the desk
        every = [("the whole desk", k) for k in kpis if k["by"] == "all"]
        own = [k for k in kpis if k["by"] == "trader" and k["trader"] == row["trader"]] if row["trader"] is not None else []
        for name, k in [*every, *((f"trader {k['trader']}", k) for k in own)]:
            touched = k["n_signals"] and round(k["override_rate"] * k["n_signals"])
            yield f"the {k['n_signals']} signals of {name}, of which {touched} were overridden: the denominator of the override rate"
        yield "not in any hit rate, mean or ratio: those are taken over interventions only"
    found = ledger.decisions.filter(pc.equal(ledger.decisions["decision_id"], row["decision_id"])).to_pylist()
    if not found:
        return
    decision = found[0]
    rows = "this row alone" if decision["n_rows"] == 1 else f"{decision['n_rows']} rows that count as one"
    yield f"decision {decision['decision_id']} of {decision['trader']}, session {decision['session']}: {rows}"
    if decision["value_add"] is not None:
        yield f"    value-add of the whole decision {money(decision['value_add'])}"
    if not decision["complete"]:
        yield (
            f"    not complete ({decision['n_open']} open, {decision['n_quarantined']} set aside), so it stays out of hit rate, mean and "
            "ratio until it is"
        )


def _warnings(row: Row) -> Iterator[str]:
    for code in (row["warnings"] or "").split(";"):
        if code:
            yield f"{code}: {RULES[code].text}"


def _verdict(facts: Facts, compared: int) -> str:
    if facts.exact:
        return f"recomputed = stored: {compared} cells, exactly"
    return f"recomputed = stored: {compared} cells, each within the rounding of the totals it was recomputed from"


def quarantine_text(key: str, entries: Sequence[Mapping[str, Any]]) -> str:
    """Why a chain is no row of the ledger, and what to do."""
    cause = entries[0]
    lines = [f"{key}: set aside, {cause['status']}; it is no row of the ledger and in no sum", "", "Why"]
    for entry in _one_each(entries):
        lines.append(f"  {entry['code']}: {entry['message']}")
    lines += ["", "What to do"]
    if cause["status"] == "COUNTERFACTUAL_UNAVAILABLE":
        lines.append(
            "  without that price nobody can say what the model would have made, so no number is given rather than a guess"
        )
    lines += [f"  {code}: {REMEDY.get(code, RULES[code].text)}" for code in dict.fromkeys(e["code"] for e in entries)]
    lines += ["", "Rows taken out with it"]
    lines += [f"  {e['table']:8} {e['file']}:{e['line']}" + (f"  {e['raw']}" if e["raw"] else "") for e in entries]
    roots = sorted({e["root"] for e in entries if e["root"]})
    if roots:
        lines += ["", f"Cause: {', '.join(roots)}"]
    return "\n".join(lines)


def _one_each(entries: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return list({(e["code"], e["message"]): e for e in entries}.values())
