"""Experiments and the people in them."""
