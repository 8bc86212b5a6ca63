"""The pictures an evaluation offers a notebook; they are drawn by `skillstats.report.plots`, which is imported when one is asked for.

Each method returns matplotlib's axes, draws on those it is given or else on a figure of its own, and raises `UsageError`, with the reason, where
there is nothing that may be shown. The title states the finding; nothing withheld is in a picture or in the data it is drawn from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from skillstats.late import call

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from skillstats.ledger.containers import Ledger


class Pictures:
    """What can be drawn of an evaluation; see the module."""

    __slots__ = ()

    def plot_forest(self, ax: Axes | None = None) -> Axes:
        """Posterior means with 50% and 90% equal-tailed intervals, and the raw records they were shrunk from."""
        return cast("Axes", call("plot_forest", self, ax))

    def plot_funnel(self, ax: Axes | None = None) -> Axes:
        """Raw IRs a decision against effective decisions, with the 90% band of luck."""
        return cast("Axes", call("plot_funnel", self, ax))

    def plot_grid(self, ax: Axes | None = None) -> Axes:
        """Trader x regime: posterior mean and P(IR > hurdle), in words where nothing may be claimed."""
        return cast("Axes", call("plot_grid", self, ax))

    def plot_prior(self, ax: Axes | None = None) -> Axes:
        """Prior beside posterior, 90% equal-tailed intervals."""
        return cast("Axes", call("plot_prior", self, ax))

    def plot_ranks(self, ax: Axes | None = None) -> Axes:
        """The places each trader holds with probability 90%."""
        return cast("Axes", call("plot_ranks", self, ax))

    def plot_quarter(self, ax: Axes | None = None) -> Axes:
        """Predicted value-add of the next quarter, mean and 90% equal-tailed interval, in money."""
        return cast("Axes", call("plot_quarter", self, ax))

    def plot_needed(self, ax: Axes | None = None) -> Axes:
        """Probability of a claim against years of record, with today marked."""
        return cast("Axes", call("plot_needed", self, ax))

    def plot_rate(self, ax: Axes | None = None) -> Axes:
        """Override rates against mean value-adds with their 90% intervals: description, not evidence."""
        return cast("Axes", call("plot_rate", self, ax))

    def plot_split(self, ax: Axes | None = None) -> Axes:
        """Timing, usual lean, selection and execution of each trader, in money."""
        return cast("Axes", call("plot_split", self, ax))

    def plot_choice(self, ax: Axes | None = None) -> Axes:
        """What departing as often at random would have made, and what regimes, choice and execution added, in money."""
        return cast("Axes", call("plot_choice", self, ax))

    def plot_parts(self, ledger: Ledger, ax: Axes | None = None) -> Axes:
        """Size, drift, slippage and cost of each trader's departures, exact sums of the ledger."""
        return cast("Axes", call("plot_parts", self, ledger, ax))

    def plot_decay(self, ledger: Ledger, ax: Axes | None = None, *, trader: str | None = None) -> Axes:
        """Mean value-add of the same decisions at every horizon of the plan, with a joint 90% band."""
        return cast("Axes", call("plot_decay", self, ledger, ax, trader=trader))

    def plot_running(self, ledger: Ledger, trader: str, ax: Axes | None = None, *, seed: int | None = None) -> Axes:
        """A trader's running value-add inside the 90% band of the same departures dealt out at random."""
        return cast("Axes", call("plot_running", self, ledger, trader, ax, seed=seed))
