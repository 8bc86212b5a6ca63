"""How much luck there is in a number, how long until luck stops mattering, and when a model's location may stand for a mean."""

from skillstats.luck.power import decisions_needed, power_of
from skillstats.luck.type_errors import TypeErrors, type_errors

__all__ = ["TypeErrors", "decisions_needed", "power_of", "type_errors"]
