"""Experiments, the people in them, and what is theirs."""
