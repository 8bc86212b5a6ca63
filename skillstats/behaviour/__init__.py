"""Habits that show in the overrides, and whether a shallow rule could stand in for the trader.

Everything here describes choices, not skill: a habit is a regularity of what somebody did, tested against a trader without it.
"""
