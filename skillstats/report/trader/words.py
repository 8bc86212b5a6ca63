"""Sentences for the trader: what is known of the record so far, what it does not say, what the band of luck means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from skillstats.evaluation.result import INTERVAL_NAME
from skillstats.report.numbers import count, exact_money, fixed, interval, is_number, p_value, percent, plural
from skillstats.report.plain import PLAIN, plain_reason, plain_reasons

NOT_SAID: Final = (
    "It does not say that a single decision was good or bad: one decision is nearly all luck.",
    "It does not say what would happen if you overrode more often or in other places; it holds for the decisions you chose to touch.",
    "It does not rank you among colleagues.",
    "It cannot tell skill from a lasting lean that happened to pay, such as always selling in a year that fell.",
)
DEALT: Final = {
    "cells": "among the signals of the same day, side, asset class and risk that you could have touched",
    "days": "among whole days of the same market regime, because you choose days rather than single signals",
    "turns": "by turning the sequence of days, because you choose days rather than single signals and act in spells",
}


def known(row: Mapping[str, Any] | None, estimate: Mapping[str, Any]) -> tuple[str, ...]:
    """What is known of the record so far, in sentences; `row` is the line over all regimes, None where there is none."""
    if row is None:
        return ("The evaluation holds nothing about your record.",)
    if row["status"] == "WITHHOLD":
        codes = [c["code"] for c in row["codes"]]
        said = [
            f"Nothing can be said about your skill yet: {plain_reasons(codes, row['n'], row['days'], row['seen']) or 'the numbers are withheld'}."
        ]
        said.append("That is a statement about the evidence, not about you. Your own decisions and sums on this page still hold.")
        return (*said, *(f"What helps: {PLAIN[c].remedy}." for c in dict.fromkeys(codes) if c in PLAIN))
    name, digits = _ratio_name(estimate), 2 if estimate["annual"] else 3
    certainty, above = float(estimate["certainty"]), row["p_above_hurdle"]
    return (
        f"Our best estimate of your {name}, value-add divided by its own risk, is {fixed(row['ir_mean'], digits)}; the true value lies in "
        f"{interval(row['ir_q05'], row['ir_q95'], digits)} with probability 90% ({INTERVAL_NAME}). Zero is the model alone.",
        f"With probability {percent(above, certainty)} it exceeds {estimate['hurdle']:g}, the hurdle of the plan. {_verdict(row, certainty)}.",
        f"Of the differences between records like yours, {percent(row['reliability'])} are skill and the rest is luck, so the estimate takes the rest of "
        "its weight from what is usual; good and bad records are pulled alike.",
    )


def _ratio_name(estimate: Mapping[str, Any]) -> str:
    return "annual information ratio" if estimate["annual"] else "information ratio per decision"


def _verdict(row: Mapping[str, Any], certainty: float) -> str:
    """What the probability of clearing the hurdle amounts to, without a full stop."""
    if row["p_positive"] <= 1 - certainty:
        return f"With probability {percent(1 - row['p_positive'], certainty)} the model alone would have done better"
    if row["p_above_hurdle"] >= certainty:
        return "That is enough for a claim of skill"
    return f"That is not the {100 * certainty:g}% a claim of skill needs, so skill and luck cannot be told apart yet"


def in_short(row: Mapping[str, Any] | None, estimate: Mapping[str, Any]) -> tuple[str, ...]:
    """Skill or luck, in a sentence for the first screen, with the doubts of a flagged estimate beside it."""
    if row is None or row["status"] == "WITHHOLD":
        return known(row, estimate)[:1]
    certainty = float(estimate["certainty"])
    said = f"Is it skill? With probability {percent(row['p_above_hurdle'], certainty)} your {_ratio_name(estimate)} exceeds {estimate['hurdle']:g}, the hurdle of the plan. {_verdict(row, certainty)}."
    codes = [c["code"] for c in row["codes"]] if row["status"] == "FLAG" else []
    return (said, *((f"FLAG: {plain_reasons(codes, row['n'], row['days'])}.",) if codes else ()))


def doubts(row: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The doubts of a flagged estimate, a sentence each, with their code."""
    if row is None or row["status"] != "FLAG":
        return ()
    named = {c["code"]: c["text"] for c in row["codes"]}
    return tuple(f"{k}: {plain_reason(k, row['n'], row['days'])}{f' ({text})' if text else ''}." for k, text in named.items())


def still_needed(row: Mapping[str, Any] | None, estimate: Mapping[str, Any]) -> str:
    """How much more evidence a claim would take, in a sentence; empty where that cannot be said."""
    if row is None:
        return ""
    if row["status"] == "WITHHOLD":
        least, days = estimate["floors"].get("days"), row["days"]
        if is_number(least) and is_number(days) and days < least and {c["code"] for c in row["codes"]} == {"E-FEW"}:
            return f"A number needs at least {plural(int(least), 'active day')}; so far there are {count(days)}, so {plural(int(least) - int(days), 'day')} are missing."
        return ""
    needed = row["needed"] or {}
    if row["p_above_hurdle"] >= float(estimate["certainty"]):
        return "No further days are needed for the claim; more days make the interval narrower."
    if is_number(needed.get("days")):
        return (
            f"Somebody whose true ratio is your estimate would need about {plural(int(needed['days']), 'more active day')}, or "
            f"{count(round(needed['decisions']))} more independent decisions, to reach the claim in 8 of 10 cases. It is planning, not a target."
        )
    return (
        "The estimate does not exceed the hurdle, so no number of days can be named after which it would be a claim."
        if needed
        else ""
    )


def group_words(others: Mapping[str, Any] | None, currency: str) -> str:
    """What the others made together, or why nothing is said."""
    if others is None:
        return "Nothing is shown about other traders: a sum is shown only where it hides each of them, over at least five others."
    share = percent(others["hits"] / others["n_decisions"])
    return (
        f"{count(others['traders'])} other traders together: {count(others['n_decisions'])} complete departures, value-add {exact_money(others['sum'])} "
        f"{currency} in all and {fixed(others['mean'], 2)} a decision, {share} of them above zero. It is a sum for scale, not a standard."
    )


def band_words(running: Mapping[str, Any], currency: str) -> tuple[str, ...]:
    """What the bands mean, and what they do not."""
    test = running["test"]
    if not test["n_signals"]:
        return (
            "There is no band of luck: the risk of your signals is not known yet, which takes ten earlier sessions of prices, or their horizon is still open.",
        )
    if not test["testable"]:
        return (f"There is no band of luck. {test['why']}",)
    left = percent(running["outside"])
    effect = test["effect_money"]
    more = "more" if effect >= 0 else "less"
    p = f"p = {p_value(test['p'])}" if test["p"] >= 0.0005 else "p < 0.001"
    days = f"; if a day\u2019s picks are one choice, p = {p_value(test['p_days'])}" if is_number(test["p_days"]) else ""
    return (
        f"The bands are what luck alone does with your own departures: as many, as large, dealt out at random {DEALT[test['scheme']]}. Waiting, prices and "
        "costs are left as they were. At each day 90% of such records lie in the inner band.",
        f"Crossing the inner band on some day is normal: {left} of the random records do it. Only one in ten ever leaves the outer band.",
        f"Your choice of signals made {fixed(abs(effect), 0)} {currency} {more} than the average random deal. Judge it by the test per unit of risk: {p}{days}: the "
        "share of random deals that did at least as well. Under .05 is rare by luck for one person; in money alone, somebody who picks the riskier signals "
        "can leave a band without skill.",
    )


def running_title(running: Mapping[str, Any], currency: str) -> str:
    """The finding of the running picture."""
    last = running["running"][-1]
    start = f"Your departures add up to {exact_money(last)} {currency}"
    if running["low"] is None:
        return f"{start}; there is no band of luck to hold them against"
    line = [v / 1e6 for v in running["running"]]
    beyond = [x > h or x < low for x, low, h in zip(line, running["wide_low"], running["wide_high"], strict=True)]
    end, low, high = line[-1], running["low"][-1], running["high"][-1]
    where = "above" if end > high else "below" if end < low else "inside"
    tail = "" if not any(beyond) else ", and on its way left the outer band, as only one in ten by luck"
    return f"{start}, {where} {'what' if where != 'inside' else 'the band of what'} luck alone would have made of them{tail}"


def day_title(totals: Mapping[str, Any], shown: int, currency: str) -> str:
    """The finding of the day's picture."""
    d = totals["departures"]
    closed = d["decisions"] - d["open"]
    still_open = f"; {plural(d['open'], 'decision')} still open" if d["open"] else ""
    some = "" if shown >= closed else f" (the {shown} that weigh most are drawn)"
    return f"{plural(closed, 'departure')}{some} made {exact_money(d['value_add'])} {currency} against the model{still_open}"


def best_title(best: Sequence[Mapping[str, Any]], worst: Sequence[Mapping[str, Any]], currency: str) -> str:
    """The finding of the picture of best and worst."""
    said = [f"your best decision made {exact_money(best[0]['value_add'])} {currency}"] if best else []
    said += [f"the worst cost {exact_money(abs(worst[0]['value_add']))} {currency}"] if worst else []
    text = ", ".join(said)
    return text[:1].upper() + text[1:]
