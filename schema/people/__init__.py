"""Experiments and the people in them, as a client sees them."""
