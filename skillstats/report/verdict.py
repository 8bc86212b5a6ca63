"""The first screen of the head of trading's page: for each trader what the record supports, what being wrong would cost, what waiting is worth.

Made of `Act`, which sees filtered rows only; leaves as text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from skillstats.evaluation.result import Evaluation
from skillstats.report.acts import RISK_AVERSION, Act, act_of, ranked_actions
from skillstats.report.kpis import Table
from skillstats.report.numbers import ABSENT, count, digits_for, fixed, interval, is_number, listed, percent, plural, visible
from skillstats.report.plain import plain_reasons
from skillstats.report.rows import Row
from skillstats.report.words import Scale

WORDS: Final = {"keep": "Keep", "revoke": "Revoke", "wait": "Wait", "none": "No answer"}


@dataclass(frozen=True, slots=True)
class Line:
    """One trader, or one trader in one regime: the act and its reason, both losses, the value of waiting, what is still needed."""

    trader: str
    regime: str
    act: str
    css: str
    why: str
    doubt: str
    chance: str
    keep: str
    revoke: str
    evpi: str
    needed: str


@dataclass(frozen=True, slots=True)
class Action:
    """One of the ranked actions: what to do, what it rests on, what it is worth, and its doubts."""

    do: str
    rests_on: str
    worth: str
    doubt: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The first screen as text.

    actions, none : at most three, or the sentence that stands in their place; lines : one a trader; regimes, cells : the names of the regimes
    and a line a trader x regime, by trader; money : heading of the losses; cap : when a cap would be right; risk : the numbers behind it
    """

    actions: tuple[Action, ...]
    none: str
    lines: tuple[Line, ...]
    regimes: tuple[str, ...]
    cells: tuple[tuple[str, tuple[Line, ...]], ...]
    money: str
    cap: str
    risk: Table


def verdict_of(evaluation: Evaluation, own: Sequence[Row], cells: Sequence[Row], scale: Scale, unit: str) -> Verdict:
    """The first screen of an evaluation, from the rows that may be shown."""
    risk = evaluation.attribution.get("risk") or {}
    aversion = float(risk["risk_aversion"]) if is_number(risk.get("risk_aversion")) else RISK_AVERSION
    capital = float(risk["capital"]) if is_number(risk.get("capital")) else None
    acts, parts = [act_of(r, aversion) for r in own], [act_of(r, aversion) for r in cells]
    digits = digits_for(a.losses[k] for a in [*acts, *parts] if a.losses for k in ("keep", "revoke"))
    write = _Writer(scale, unit, digits, evaluation.plan.get("floors") or {})
    regimes = tuple(dict.fromkeys(r.regime for r in cells))
    by_place = {(a.row.trader, a.row.regime): a for a in parts}
    grid = tuple((visible(r.trader), tuple(write.line(by_place.get((r.trader, g)), r.trader, g) for g in regimes)) for r in own)
    actions = ranked_actions(acts, parts)
    return Verdict(
        actions=tuple(write.action(a, len(parts)) for a in actions),
        none="" if actions else _none(acts, scale),
        lines=tuple(write.line(a, a.row.trader, "") for a in acts),
        regimes=tuple(visible(g) for g in regimes),
        cells=grid if parts else (),
        money=f"{unit} a quarter" if evaluation.source["has_year"] else f"{unit}, over as many decisions as were seen",
        cap=_cap(acts, aversion, capital, unit),
        risk=_risk_table(acts, unit, digits),
    )


def _none(acts: Sequence[Act], scale: Scale) -> str:
    """What stands where no action is supported."""
    if all(a.kind == "none" for a in acts):
        return "None: nobody\u2019s evidence allows a number. Nothing follows from it for or against anybody."
    return (
        f"None: nobody\u2019s record reaches {scale.sure} certainty for or against, in skill and in money. Change nothing on this ground; the "
        "table says what each act would cost if it were wrong."
    )


@dataclass(frozen=True, slots=True)
class _Writer:
    """How numbers of this evaluation are written."""

    scale: Scale
    unit: str
    digits: int
    floors: Mapping[str, Any]

    def money(self, value: Any) -> str:
        return fixed(value, self.digits)

    def line(self, act: Act | None, trader: str, regime: str) -> Line:
        """One line; a place without a row says that there were no decisions."""
        if act is None:
            return Line(visible(trader), visible(regime), "", "none", "no decisions", "", *[""] * 5)
        losses, row = act.losses or {}, act.row
        return Line(
            trader=visible(trader),
            regime=visible(regime),
            act=WORDS[act.kind],
            css=act.kind,
            why=self.why(act),
            doubt=_doubt(row),
            chance=percent(row.p_above_hurdle, self.scale.certainty),
            keep=self.money(losses.get("keep")),
            revoke=self.money(losses.get("revoke")),
            evpi=self.money(losses.get("evpi")),
            needed=self.needed(act),
        )

    def why(self, act: Act) -> str:
        """The reason in a sentence without a full stop."""
        row, losses = act.row, act.losses or {}
        cheaper = {"keep": "keeping", "revoke": "revoking"}.get(str(losses.get("better")), "")
        tail = f"; by expectation alone {cheaper} costs less" if cheaper else ""
        return {
            "withheld": plain_reasons((r.code for r in row.reasons), row.n, row.days, row.seen) or "no estimate",
            "floor": plain_reasons(["E-CELL"]),
            "skill": f"skill, with the {self.scale.sure} certainty that was asked for",
            "harm": f"the model does better alone, with {self.scale.sure} certainty",
            "skill, not in money": "skill per unit of risk, but in money the larger decisions did worse",
            "harm, not in money": "harm per unit of risk, but in money the larger decisions did better",
            "open": f"skill and luck cannot be told apart yet{tail}",
        }[act.why]

    def needed(self, act: Act) -> str:
        """Decisions and days still needed until a claim, in words."""
        row, needed = act.row, (act.row.detail or {}).get("needed") or {}
        if row.claims:
            return "none"
        if act.kind == "none":
            days, least = row.days, self.floors.get("days")
            few = {r.code for r in row.reasons} == {"E-FEW"} and is_number(days) and is_number(least) and days < least
            return f"at least {plural(int(least) - int(days), 'more active day')}" if few and least else ABSENT
        if not is_number(needed.get("days")):
            return "no number: estimate not above the hurdle" if "days" in needed else ABSENT
        return f"{count(round(needed['decisions']))} effective decisions, {plural(int(needed['days']), 'day')}"

    def action(self, act: Act, cells: int) -> Action:
        """One ranked action."""
        row, losses = act.row, act.losses or {}
        name, place = visible(row.trader), "" if row.regime == "all" else f" in {visible(row.regime)}"
        what = (
            f"Keep {name}\u2019s right to override{place}"
            if act.kind == "keep"
            else f"Revoke {name}\u2019s right to override{place}"
        )
        ir = row.ir
        band = (
            f"{self.scale.name} {fixed(ir.mean, self.scale.digits)} {interval(ir.q05, ir.q95, self.scale.digits)}" if ir else ""
        )
        chance = (
            f"P(IR > hurdle) {percent(row.p_above_hurdle, self.scale.certainty)}"
            if act.kind == "keep"
            else f"P(IR > 0) {percent(row.p_positive, 1 - self.scale.certainty)}"
        )
        doubt = _doubt(row)
        if place:
            doubt = "; ".join(
                [
                    *filter(None, [doubt]),
                    f"one of {count(cells)} trader-regime cells looked at: treat it as a hypothesis unless the plan named it",
                ]
            )
        return Action(
            do=what,
            rests_on=f"{chance}; {band}. Expected loss: {self.money(losses['keep'])} if kept, {self.money(losses['revoke'])} if revoked",
            worth=self.money(act.value),
            doubt=doubt,
        )


def _doubt(row: Row) -> str:
    """The codes of a flagged row with their meaning; empty for a row without doubts."""
    if row.status != "FLAG":
        return ""
    codes = tuple(dict.fromkeys(r.code for r in row.reasons))
    return f"{' '.join(codes)}: {plain_reasons(codes, row.n, row.days)}"


def _cap(acts: Sequence[Act], aversion: float, capital: float | None, unit: str) -> str:
    """Whether an argument by risk supports a cap, and for whom."""
    known = [a for a in acts if a.least_capital is not None and a.kind != "none"]
    start = "Capping the size never has the smaller expected loss: its loss lies between the two."
    if not known:
        return (
            f"{start} Whether an argument about risk supports one cannot be said: no forecast of anybody worth keeping is shown."
        )
    digits = digits_for(a.least_capital for a in known)
    if capital is None:
        return (
            f"{start} An argument about risk supports a cap where the capital that bears the loss is small: below the figures in the table "
            f"\u201cRisk of keeping\u201d, at a risk aversion of {aversion:g}."
        )
    over = [a for a in known if a.least_capital is not None and a.least_capital > capital]
    held = f"with a capital of {fixed(capital, digits)} {unit} and a risk aversion of {aversion:g}"
    if not over:
        return f"{start} Nor does an argument about risk support one for anybody worth keeping: {held} full size is not too much."
    sizes = [f"{visible(a.row.trader)} at {percent(capital / a.least_capital)} of the size" for a in over if a.least_capital]
    return f"{start} An argument about risk supports one, {held}: {listed(sizes)}."


def _risk_table(acts: Sequence[Act], unit: str, digits: int) -> Table:
    """What a quarter may bring to each trader, and the capital below which full size is too much; no lines without forecasts."""
    lines = []
    for act in acts:
        quarter = (act.row.detail or {}).get("quarter") or {}
        if act.kind == "none" or not is_number(quarter.get("mean")):
            continue
        lines.append(
            (
                visible(act.row.trader),
                fixed(quarter["mean"], digits),
                interval(quarter["q05"], quarter["q95"], digits),
                percent(quarter["p_loss"]),
                fixed(quarter.get("shortfall"), digits),
                "right worth nothing"
                if act.least_capital is None and is_number(quarter.get("sd"))
                else fixed(act.least_capital, digits),
            )
        )
    heads = (
        "Trader", f"Next quarter, mean, {unit}", "90% interval", "P(loss)", "Mean of the worst 5%", "Full size too much below a capital of",
    )  # fmt: skip
    return Table(heads, tuple(lines)) if lines else Table((), ())
