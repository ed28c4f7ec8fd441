"""Asking for work, and deciding on it."""
