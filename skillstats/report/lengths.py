"""Two questions about the length of a record, which have different answers: each is asked in one sentence that names the other.

The simulated desk ("How long must a record be?") has half its traders at the IR in question, and learns from their outcomes how much traders
differ; the power formula ("What is still needed") knows one trader and the plan's prior, under which such an IR is rare.
"""

from __future__ import annotations

from typing import Final

OF_A_DESK: Final = (
    "This asks how often such a trader is found on a desk half of which is as good; there the outcomes themselves show that traders differ, so a claim comes "
    "sooner than under the plan’s prior alone, which “What is still needed” takes."
)
OF_ONE_TRADER: Final = (
    "This asks how long one trader must wait if nothing is known but the plan’s prior, to which such an IR is a surprise"
)
SOONER: Final = "; where half the desk is as good the outcomes themselves show that traders differ and the claim comes sooner, as “How long must a record be?” shows"


def of_one_trader(*, simulated: bool) -> str:
    """The sentence beside the power formula; `simulated` : whether the page has the figures of simulated desks, which it then names."""
    return f"{OF_ONE_TRADER}{SOONER if simulated else ''}."
