"""Recoveries, as a client sees them."""
