"""Prices, sessions, horizons and volatility, each as it was known at an instant."""
