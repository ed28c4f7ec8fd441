"""Doing again what was left undone, and what came late."""
