"""How much luck there is in a number, and how long until luck stops mattering."""

from skillstats.luck.power import decisions_needed, power_of
from skillstats.luck.type_errors import TypeErrors, type_errors

__all__ = ["TypeErrors", "decisions_needed", "power_of", "type_errors"]
