"""Luck: what a distribution without skill would do to the numbers, and when a model's location may stand for a mean."""
