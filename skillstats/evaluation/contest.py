"""A contested row: what the ledger's total and the trader's verdict would be without it.

The evidence is made again without the row and the model fitted again with the evaluation's seed, priors and plan, through every rule of the
evaluation. Nothing of the evaluation changes: a contest is a question put beside it. A number that is withheld with the row or without it is
given on neither side, so that contesting a row opens no door to a withheld number.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from skillstats.declared import NEVER, FrozenState
from skillstats.errors import SkillWithheld, UsageError, show
from skillstats.evaluation.contest_words import contest_text
from skillstats.evaluation.evaluate import evaluate
from skillstats.evaluation.restate import Earlier, plan_of, read_earlier
from skillstats.evaluation.result import ESTIMAND_COLUMNS, SKILL_COLUMNS, Evaluation
from skillstats.evidence import Evidence, to_evidence
from skillstats.inference.gibbs_layout import uncovered
from skillstats.inference.nuts import fit
from skillstats.ledger.containers import Ledger
from skillstats.plan import Plan
from skillstats.spec import ModelSpec, read_spec
from skillstats.units import package_version

LONGEST_NOTE: Final = 4_000
FACTS: Final = ("signal_id", "action_id", "trader", "action", "asset", "session", "status")
GIVEN: Final = tuple(c for c in SKILL_COLUMNS if c not in ("regime", "trader"))
HIDDEN: Final = frozenset((*ESTIMAND_COLUMNS, "reasons"))
"""Columns given on neither side where one is withheld: a sentence may quote a number."""


@dataclass(frozen=True, slots=True)
class Contest:
    """One contested row.

    content, JSON-ready: evaluation (digest of its folder), ledger (digest), row {id, trader, action, asset, session, status, value_add
    (micro-units)}, note, at (UTC microseconds, clock of the machine; None where not stated), judged (whether the row is in the skill
    estimate), why (where it is not), unit, totals {desk, trader: {with, without}} in micro-units, verdict {with, without} with the columns of
    skill.csv and claims {with, without}, None where the row is not judged, engine, seed, draws, version, text
    """

    content: Mapping[str, Any]

    def __str__(self) -> str:
        return str(self.content["text"])


def contest(
    evaluation: str | Path, ledger: Ledger | str | Path, *, row: str, note: str, engine: str | None = None, at: int | None = None
) -> Contest:
    """What would change without one row of the ledger.

    Parameters
    ----------
    evaluation : folder of the evaluation
    ledger : the one the evaluation rests on, or its folder
    row : signal_id, or the action_id of an INITIATE
    note : the reason, in the words of whoever contests; kept as it is
    engine : ``nuts`` or ``gibbs``; if None, gibbs where it covers the model, which takes seconds, else the evaluation's own
    at : when it was contested, UTC microseconds

    Returns
    -------
    Contest; `skillstats.evaluation.contests.keep_contest` stores it beside the evaluation

    Raises
    ------
    UsageError
        If there is no such row, the note is empty or too long, the evaluation rests on another ledger, its model is not at hand as it was, or
        its evidence cannot be made again.
    """
    _check_note(note)
    earlier, used = _both(evaluation, ledger)
    facts, rest = _without(used, row)
    plan = plan_of(earlier.evaluation)
    whole = to_evidence(used)
    if whole.digest != earlier.evaluation.identity["evidence"]:
        raise UsageError(
            f"{evaluation}: its evidence cannot be made again by version {package_version()} (it was written by {earlier.evaluation.identity['version']}); evaluate the ledger again first"
        )
    remaining = _evidence_without(rest)
    why = _why_not_judged(whole, remaining, facts)
    head = {
        "schema": 1,
        "evaluation": earlier.digest,
        "ledger": used.digest,
        "row": facts,
        "note": note,
        "at": at,
        "judged": not why,
        "why": why,
        "unit": plan.currency,
        "totals": _totals(used.rows, rest.rows, facts["trader"]),
        "hurdle": earlier.evaluation.plan["hurdle"],
        "hurdle_unit": earlier.evaluation.plan["hurdle_unit"],
        "certainty": earlier.evaluation.plan["certainty"],
        "verdict": None,
        "claims": None,
        "seed": earlier.evaluation.identity["seed"],
        "version": package_version(),
    }
    made = head | (_verdicts(earlier, remaining, plan, facts["trader"], engine) if not why and remaining is not None else {})
    return Contest(made | {"text": contest_text(made)})


def _check_note(note: str) -> None:
    if not note.strip():
        raise UsageError("--note is empty; say in a sentence what is wrong with the row")
    if len(note) > LONGEST_NOTE:
        raise UsageError(f"--note has {len(note)} characters, at most {LONGEST_NOTE} allowed; shorten it")


def _both(evaluation: str | Path, ledger: Ledger | str | Path) -> tuple[Earlier, Ledger]:
    """The evaluation and its ledger, under the plan of the evaluation."""
    if isinstance(ledger, Ledger):
        earlier, rows = read_earlier(evaluation), ledger
        if rows.digest != earlier.inputs.get("ledger_digest"):
            raise UsageError(
                f"ledger: digest {rows.digest[:12]}, but {evaluation} does not rest on it; give the ledger it was made from"
            )
    else:
        earlier = read_earlier(evaluation, ledger)
        assert earlier.ledger is not None  # a ledger was named
        rows = earlier.ledger
    return earlier, dataclasses.replace(rows, plan=plan_of(earlier.evaluation))


def _without(ledger: Ledger, key: str) -> tuple[dict[str, Any], Ledger]:
    """Facts of a row, and the ledger without it; its digest and the slices of other rows stay."""
    rows = ledger.rows
    own = pc.fill_null(pc.equal(rows["signal_id"], key), False)
    if not pc.any(own).as_py():
        own = pc.and_(pc.fill_null(pc.equal(rows["action_id"], key), False), pc.is_null(rows["signal_id"]))
    if not pc.any(own).as_py():
        raise UsageError(
            f"{show(key)} is no row of this ledger; give the signal_id of a signal or the action_id of an INITIATE, as in ledger.csv"
        )
    found = rows.filter(own).slice(0, 1)
    facts = {"id": key} | {name: found[name][0].as_py() for name in (*FACTS, "value_add")}
    if facts["trader"] is None:
        raise UsageError(f"{show(key)}: nobody answered this signal, so it counts for nobody; contest a row with a trader")
    return facts, dataclasses.replace(ledger, rows=rows.filter(pc.invert(own)))


def _evidence_without(rest: Ledger) -> Evidence | None:
    try:
        return to_evidence(rest)
    except SkillWithheld:
        return None


def _why_not_judged(whole: Evidence, remaining: Evidence | None, facts: Mapping[str, Any]) -> str:
    """Why the row is not in the skill estimate; empty where it is."""
    if remaining is None:
        return "without it no decision is left that can be judged"
    if remaining.digest != whole.digest:
        return ""
    if facts["status"] != "CLOSED":
        return f"the row is {facts['status']}, so it has no outcome yet"
    if facts["action"] in (None, "ACCEPT"):
        return "the signal was followed, and only departures from the model are judged"
    return "its decision is incomplete, late, or without a known volatility"


def _totals(before: pa.Table, after: pa.Table, trader: str) -> dict[str, dict[str, int]]:
    """Value-add of the desk and of the trader with and without the row, micro-units."""

    def of(rows: pa.Table, name: str | None) -> int:
        own = rows if name is None else rows.filter(pc.fill_null(pc.equal(rows["trader"], name), False))
        return int(pc.sum(own["value_add"]).as_py() or 0)

    return {key: {"with": of(before, name), "without": of(after, name)} for key, name in (("desk", None), ("trader", trader))}


def _verdicts(earlier: Earlier, remaining: Evidence, plan: Plan, trader: str, engine: str | None) -> dict[str, Any]:
    """The row of the trader as published and without the contested row, and how the second was computed."""
    spec = _spec_of(earlier)
    own = str(earlier.evaluation.identity["engine"])
    chosen = engine or ("gibbs" if not uncovered(spec) else own)
    d = earlier.evaluation.diagnostics
    asked = int(earlier.evaluation.plan["overrides"].get("draws", 0)) or spec.sampling.draws
    bets = earlier.evaluation.source["bets_per_year"]  # a row fewer is no reason for another prior
    again = fit(
        spec,
        remaining,
        seed=int(earlier.evaluation.identity["seed"]),
        engine=chosen,
        plan=msgspec.structs.replace(plan, model=msgspec.structs.replace(plan.model, bets_per_year=bets)),
        draws=min(int(d["draws"]), asked),
        tune=int(d["tune"]),
        chains=int(d["chains"]),
    )
    blocks = {k: v for k, v in earlier.evaluation.attribution.items() if k == "placebo"}
    judged = evaluate(again, plan, blocks=blocks, freezes=_state_of(earlier))
    published, without = (_row_of(e, trader) for e in (earlier.evaluation, judged))
    certainty = float(earlier.evaluation.plan["certainty"])
    claims = _claims(published, without, certainty)
    return {
        "verdict": _sides(published, without),
        "claims": claims,
        "engine": chosen,
        "engine_of_evaluation": own,
        "draws": again.diagnostics.draws,
    }


def _spec_of(earlier: Earlier) -> ModelSpec:
    """The model of the evaluation, if it is still the one it was."""
    identity = earlier.evaluation.identity
    if "custom" in identity:
        raise UsageError(
            "the evaluation used a component of its own, which is not stored; fit it again with that component to compare"
        )
    named = plan_of(earlier.evaluation).model.name
    for name in (earlier.evaluation.plan["overrides"].get("model"), named, identity["spec_name"]):
        if name is not None and (spec := _readable(str(name))) is not None and spec.digest == identity["spec"]:
            return spec
    raise UsageError(
        f"the model {identity['spec_name']!r} of the evaluation is not at hand as it was (specification {str(identity['spec'])[:12]}); put its file back"
    )


def _readable(name: str) -> ModelSpec | None:
    try:
        return read_spec(name)
    except UsageError:
        return None


def _state_of(earlier: Earlier) -> FrozenState:
    """Whether the plan was frozen first, as the evaluation found it; an older one did not look."""
    found = earlier.evaluation.plan["frozen"]
    return FrozenState(**{**found, "keys": tuple(found["keys"])}) if isinstance(found, Mapping) else NEVER


def _row_of(evaluation: Evaluation, trader: str) -> Mapping[str, Any] | None:
    return next((r for r in evaluation.rows if (r["trader"], r["regime"]) == (trader, "all")), None)


def _claims(published: Mapping[str, Any] | None, without: Mapping[str, Any] | None, certainty: float) -> dict[str, bool | None]:
    """Whether a claim of skill is made on each side; not said of the refit where the published row is withheld."""
    one, two = (r is not None and r["status"] != "WITHHOLD" and r["p_above_hurdle"] >= certainty for r in (published, without))
    hidden = published is None or published["status"] == "WITHHOLD"
    return {"with": one, "without": None if hidden else two}


def _sides(published: Mapping[str, Any] | None, without: Mapping[str, Any] | None) -> dict[str, Any]:
    """Both rows with the columns of skill.csv; estimates on neither side unless both may be shown. A trader without evidence has no row."""
    hidden = any(r is None or r["status"] == "WITHHOLD" for r in (published, without))
    return {
        key: None if r is None else {c: None if hidden and c in HIDDEN else r[c] for c in GIVEN}
        for key, r in (("with", published), ("without", without))
    }
