"""The four questions of governance, each answered with a word and a sentence that says what the word rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from skillstats.report.numbers import count, listed, plural, visible

Tone = str
"""``good``, ``open`` or ``bad``; each also has its own sign, so that no colour carries it alone."""
SIGNS: Final[Mapping[Tone, str]] = {"good": "\u2713", "open": "\u25cb", "bad": "\u2717"}
DIGESTS: Final = ("spec", "evidence", "components", "seed", "version")
UNRELEASED: Final = "0+checkout"


@dataclass(frozen=True, slots=True)
class Answer:
    """A question, its answer in a word, and what the word rests on."""

    question: str
    word: str
    tone: Tone
    sign: str
    text: str


def answers(data: Mapping[str, Any]) -> tuple[Answer, ...]:
    """The four answers, in the order in which an auditor asks."""
    asked = (
        ("Was it declared first?", _declared(data["plan"]["frozen"])),
        ("Is the log intact?", _intact(data)),
        ("Can it be recomputed?", _recomputed(data)),
        ("What was decided?", _decided(data["decided"])),
    )
    return tuple(Answer(question, word, tone, SIGNS[tone], text) for question, (word, tone, text) in asked)


def _declared(frozen: Mapping[str, Any] | None) -> tuple[str, Tone, str]:
    """Whether the plan was fixed before the first outcome."""
    if frozen is None:
        return "Unknown", "open", "Whether the plan was fixed before the outcomes was not recorded with this evaluation."
    word, tone = {"before": ("Yes", "good"), "unknown": ("Unknown", "open")}.get(str(frozen["status"]), ("No", "bad"))
    return word, tone, visible(str(frozen["text"] or ""))


def _intact(data: Mapping[str, Any]) -> tuple[str, Tone, str]:
    """Whether anything shows that the record or the ledger was changed."""
    ledger = data["ledger"]
    if ledger is None:
        return "Unchecked", "open", "The ledger was not given, so nothing could be compared. Write the page again with --ledger."
    wrong = [f"table {visible(t)} differs from its digest" for t in ledger["changed"]]
    if ledger["digest"] != data["source"]["ledger"]:
        wrong.append("the ledger is not the one this evaluation rests on")
    if wrong:
        return "No", "bad", f"{listed(wrong).capitalize()}."
    late = ledger["late"]["rows"]
    lag = f" {plural(late, 'row')} {'was' if late == 1 else 'were'} written down late." if late else ""
    return (
        "Consistent",
        "open",
        "Every table of the ledger agrees with its digest, and the evaluation names this ledger. Not anchored: the record came as files, without a signed "
        f"journal, so nothing shows what happened to it before the ledger was built.{lag}",
    )


def _recomputed(data: Mapping[str, Any]) -> tuple[str, Tone, str]:
    """Whether everything that determines the result is named."""
    identity = data["identity"]
    lacking = [k for k in DIGESTS if identity.get(k) in (None, "")]
    if data["source"]["kind"] == "record" and not data["source"]["ledger"]:
        lacking.append("ledger")
    if lacking:
        return "No", "bad", f"Not stated: {listed(lacking)}."
    if identity.get("custom"):
        return "Partly", "open", "The model holds a part that its user wrote; it is needed too, and this page cannot name it."
    said = "Every input, the model, its code and the seed are named by their digests; the recipe below says what to run. This page has not run it."
    if identity["version"] == UNRELEASED:
        return "Partly", "open", f"{said} The version is not a release: keep the source beside it."
    return "Yes", "good", said


def _decided(decided: list[Mapping[str, Any]]) -> tuple[str, Tone, str]:
    """What is recorded on this evaluation."""
    own = [d for d in decided if d["came"] is None]
    if not own:
        return "Nothing", "open", "No decision is recorded on this evaluation yet."
    kinds = {str(d["decision"]): sum(e["decision"] == d["decision"] for e in own) for d in own}
    word = next(iter(kinds)).capitalize() if len(own) == 1 else plural(len(own), "decision")
    return word, "good", f"{listed(f'{count(n)} {k}' for k, n in kinds.items())}; whom they concern and when stands below."
