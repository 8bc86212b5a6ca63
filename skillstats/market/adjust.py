"""Corporate actions beside the integer steps of each asset, for look-ups that reach across them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from skillstats.record.containers import Record
from skillstats.record.splits import Histories, histories_of
from skillstats.units import Scale


@dataclass(frozen=True, slots=True)
class Corporate:
    """Splits and dividends of every asset that has any, and the scales of all assets."""

    histories: Histories
    scales: Mapping[str, Scale]

    def factors(self, asset: str, after: int, until: int) -> tuple[Fraction, Fraction]:
        """K, and D in half ticks of the asset, over (after, until]; a price x at `until` is ``K x + D`` at `after`."""
        history = self.histories.get(asset)
        if history is None:
            return Fraction(1), Fraction(0)
        return history.ratio(after, until), history.cash(after, until) / self.scales[asset].half_tick


def corporate_of(record: Record) -> Corporate:
    """Corporate actions and scales of a record."""
    return Corporate(histories_of(record), record.scales)
