"""Tables of a world beyond its plain keys: who has skill, what it depends on, when people act, and what is missing afterwards.

Every default is off: a world that names none of these keys is the desk it was before they existed. Effects are in y units of one row
(an annual figure divided by the root of the independent bets a year); what each symbol means stands in `skillstats.simulate.rows`.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Number = float | tuple[float, ...]
SIGNAL_TYPES = ("momentum", "reversion", "flow")


class Regime(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A market state whose label is known before the session starts."""

    label: Annotated[str, Meta(min_length=1, max_length=64, description="label in the regimes table, column `market`")]
    share: Annotated[float, Meta(gt=0, le=1, description="long-run share of sessions; the shares add to 1")]
    volatility: Annotated[float, Meta(ge=0.1, le=3, description="factor on every asset's daily volatility")] = 1.0
    skill: Annotated[float, Meta(ge=-10, le=10, description="factor on every trader's theta")] = 1.0
    effect: Annotated[float, Meta(ge=-2, le=2, description="added to everybody's expected outcome, y units")] = 0.0
    market: Annotated[float, Meta(ge=-2, le=2, description="mean of the market shock of a session, in its sd")] = 0.0


class ActionMix(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Shares of the four simulated departures; they add to 1."""

    veto: Annotated[float, Meta(ge=0, le=1, description="not traded")] = 0.55
    resize: Annotated[float, Meta(ge=0, le=1, description="traded at once at 0.5, 1.5 or 2 times the size")] = 0.20
    delay: Annotated[float, Meta(ge=0, le=1, description="traded in full after 20 to 60 % of the time left")] = 0.20
    reverse: Annotated[float, Meta(ge=0, le=1, description="traded at once on the other side, 0.5 or 1 times")] = 0.05


class Population(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the skill of the traders comes from."""

    kind: Annotated[
        Literal["list", "none", "normal", "mixture", "specialists"],
        Meta(
            description="`list`: annual_ir; `none`: nobody; `normal`: Normal(mean, sd); `mixture`: that with chance share, else 0; "
            "`specialists`: a mixture whose skilled have it in one regime each"
        ),
    ] = "list"
    unit: Annotated[
        Literal["annual", "decision"], Meta(description="mean and sd as annual IR, or as expected y of a row (theta)")
    ] = "annual"
    mean: Annotated[float, Meta(ge=-20, le=20, description="mean skill of the skilled")] = 0.0
    sd: Annotated[float, Meta(ge=0, le=20, description="sd of their skill")] = 0.5
    share: Annotated[float, Meta(ge=0, le=1, description="chance to be skilled, for mixture and specialists")] = 0.25


class Effects(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What skill depends on besides the trader, y units of a row."""

    regime_sd: Annotated[float, Meta(ge=0, le=2, description="sd of an effect of each regime on everybody")] = 0.0
    trader_regime_sd: Annotated[float, Meta(ge=0, le=2, description="sd of an effect of each trader in each regime")] = 0.0
    action_sd: Annotated[float, Meta(ge=0, le=2, description="sd of an effect of each kind of action")] = 0.0
    signal_type_sd: Annotated[float, Meta(ge=0, le=2, description="sd of an effect of each signal type")] = 0.0
    sizing_mean: Annotated[float, Meta(ge=-2, le=2, description="mean sizing skill, per unit of log risk")] = 0.0
    sizing_sd: Annotated[float, Meta(ge=0, le=2, description="its sd over traders")] = 0.0
    drift_sd: Annotated[float, Meta(ge=0, le=2, description="innovation sd of the AR(1) of each trader's skill by quarter")] = 0.0
    drift_persistence: Annotated[float, Meta(ge=0, lt=1, description="coefficient of that AR(1)")] = 0.8
    learning: Annotated[float, Meta(ge=-2, le=2, description="mean gain of skill a year, from the first session")] = 0.0
    learning_sd: Annotated[float, Meta(ge=0, le=2, description="its sd over traders")] = 0.0


class Factor(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The market shock as a factor: exposures, timing, and what an analyst is told."""

    beta_spread: Annotated[float, Meta(ge=0, le=1, description="betas of rows are uniform from 1 less this to 1 plus this")] = 0.0
    timing: Annotated[
        Number, Meta(description="per trader, -1 to 1: his side agrees with the market's sign with chance (1 + timing)/2")
    ] = 0.0
    observed: Annotated[bool, Meta(description="whether evidence carries exposures and factor returns")] = False
    beta_error: Annotated[float, Meta(ge=0, le=2, description="sd of the error of an observed beta")] = 0.0


class Acting(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When people act."""

    level: Annotated[
        Literal["signal", "session"], Meta(description="whether each signal or a whole session is touched with the override rate")
    ] = "signal"
    edge: Annotated[
        float, Meta(ge=0, le=2, description="added to a trader's y on his good sessions, taken off on the bad half")
    ] = 0.0
    edge_activity: Annotated[
        float, Meta(ge=-0.9, le=0.9, description="share by which his good sessions are busier and his bad ones quieter")
    ] = 0.0
    crowding: Annotated[
        float, Meta(ge=-0.9, le=0.9, description="share by which sessions of large market moves are busier, the others quieter")
    ] = 0.0


class Presence(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who is there when, and which outcomes are never seen."""

    joiners: Annotated[float, Meta(ge=0, le=1, description="chance that a trader joins within the first half")] = 0.0
    leavers: Annotated[
        float, Meta(ge=0, le=1, description="chance that a trader leaves within the second half; of losers, their share")
    ] = 0.0
    leaving: Annotated[
        Literal["random", "losers"],
        Meta(description="who leaves: anyone, or those with the lowest mean outcome of the first half, at its end"),
    ] = "random"
    forgotten: Annotated[bool, Meta(description="whether those who left are missing from the data altogether")] = False
    missing: Annotated[float, Meta(ge=0, le=0.5, description="share of decisions without a mark at the horizon")] = 0.0
    missing_when: Annotated[
        Literal["random", "gain", "loss"], Meta(description="which marks are missing: any, those of gains, those of losses")
    ] = "random"
