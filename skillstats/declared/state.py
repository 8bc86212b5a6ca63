"""Was the plan of an evaluation fixed before the first outcome could be known?

In force is the last freeze before the first outcome. An evaluation under that plan is ``before``; under another plan it ``differs``, and every
key is named. A plan frozen for the first time later is ``after``; one without a freeze ``never``; and where the data state no times,
``unknown``. Going back to a plan that had been replaced before the first outcome is a difference too: whoever froze ten plans has chosen none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from skillstats.declared.difference import Difference, effects_of, plan_differences, value_text
from skillstats.declared.freeze import Freeze, instant_words
from skillstats.plan import Plan

Status = Literal["before", "after", "differs", "never", "unknown"]
NAMED: Final = 6
"""Differing keys that a sentence names; the others are counted, and `keys` has all."""


@dataclass(frozen=True, slots=True)
class FrozenState:
    """Whether a plan was frozen first.

    status : before, after, differs, never or unknown
    at, first_outcome : UTC microseconds, None where there is none; at : of the freeze the evaluation was held against
    digest : of that frozen plan; keys : in which the plan of the evaluation differs from it; freezes : how many there are
    text : a sentence for the reader
    """

    status: Status
    at: int | None
    digest: str | None
    first_outcome: int | None
    text: str
    keys: tuple[str, ...] = ()
    freezes: int = 0

    def plain(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "status": self.status,
            "at": self.at,
            "digest": self.digest,
            "first_outcome": self.first_outcome,
            "text": self.text,
            "keys": list(self.keys),
            "freezes": self.freezes,
        }


NEVER: Final = FrozenState(
    "never", None, None, None, "Never frozen: nothing shows that this plan was written before the outcomes were seen."
)


def frozen_state(
    freezes: Sequence[Freeze], plan: Plan, first_outcome: int | None, model_digest: str | None = None
) -> FrozenState:
    """Hold the plan of an evaluation against its freezes.

    Parameters
    ----------
    freezes : oldest first, may be empty
    plan : what the evaluation used, complete, with what was set against the plan on the way
    first_outcome : when the first outcome could be known, UTC microseconds; None where the data state no times
    model_digest : of the specification that was fitted; a file of the same name may have changed since the freeze

    Returns
    -------
    FrozenState
    """
    if not freezes:
        return FrozenState("never", None, None, first_outcome, NEVER.text)
    if first_outcome is None:
        return _without_times(freezes, plan, model_digest)
    early = [f for f in freezes if f.frozen_at < first_outcome]
    held = early[-1] if early else next((f for f in freezes if not _different(f, plan, model_digest)), freezes[-1])
    different = _different(held, plan, model_digest)
    if different:
        side = "before" if early else "after"
        return _state("differs", held, freezes, first_outcome, _differs_text(held, first_outcome, side, different), different)
    if early:
        text = f"Frozen on {instant_words(held.frozen_at)}, before the first outcome ({instant_words(first_outcome)})"
        return _state(
            "before", held, freezes, first_outcome, f"{text}, by the clock of the machine that froze it{_others(freezes)}."
        )
    text = f"Frozen on {instant_words(held.frozen_at)}, after the first outcome ({instant_words(first_outcome)}): it was not declared before the data."
    return _state("after", held, freezes, first_outcome, text)


def _without_times(freezes: Sequence[Freeze], plan: Plan, model_digest: str | None) -> FrozenState:
    same = [f for f in freezes if not _different(f, plan, model_digest)]
    held = same[0] if same else freezes[-1]
    frozen = f"on {instant_words(held.frozen_at)}"
    if not same:
        different = _different(held, plan, model_digest)
        text = f"A plan was frozen {frozen}, but this evaluation used another one. {_keys_text(different)}"
        return _state("differs", held, freezes, None, text, different)
    text = f"Frozen {frozen}; the outcomes carry no times, so it cannot be said whether that was before the first of them."
    return _state("unknown", held, freezes, None, text)


def _different(freeze: Freeze, plan: Plan, model_digest: str | None) -> tuple[Difference, ...]:
    """Differing keys; a model of the same name whose specification changed counts as another model."""
    found = plan_differences(freeze.plan, plan)
    named = freeze.model_digest is not None and model_digest is not None and "model.name" not in {d.key for d in found}
    if not named or freeze.model_digest == model_digest:
        return found
    old, new = (f"specification {str(d)[:12]}" for d in (freeze.model_digest, model_digest))
    return (*found, Difference("model.name", old, new, effects_of("model.name"), "content of the model's file"))


def _differs_text(held: Freeze, first_outcome: int, side: str, different: Sequence[Difference]) -> str:
    when = f"A plan was frozen on {instant_words(held.frozen_at)}, {side} the first outcome ({instant_words(first_outcome)})"
    return f"{when}, but this evaluation used another one. {_keys_text(different)}"


def _keys_text(different: Sequence[Difference]) -> str:
    named = ", ".join(f"{d.key} ({value_text(d.before)} frozen, {value_text(d.after)} used)" for d in different[:NAMED])
    more = f" and {len(different) - NAMED} more" if len(different) > NAMED else ""
    return f"It differs in {named}{more}."


def _others(freezes: Sequence[Freeze]) -> str:
    """That there are further freezes is said: they change nothing, but they are part of the story."""
    others = len(freezes) - 1
    return f"; its file holds {others} other freeze{'' if others == 1 else 's'}" if others else ""


def _state(
    status: Status, held: Freeze, freezes: Sequence[Freeze], first: int | None, text: str, different: Sequence[Difference] = ()
) -> FrozenState:
    return FrozenState(status, held.frozen_at, held.digest, first, text, tuple(d.key for d in different), len(freezes))
